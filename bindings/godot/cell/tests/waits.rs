//! Who changes a value waits for all other threads that share it.

use std::sync::mpsc::channel;
use std::time::Duration;

use godot_cell::blocking::GdCell;

#[test]
fn the_first_that_shared_waits_for_those_that_still_share() {
    let cell = GdCell::new(1);
    let (shares, shared) = channel();
    let (give_back, may_give_back) = channel::<()>();
    let (changes, changed) = channel();
    std::thread::scope(|scope| {
        let cell = &cell;
        let first = cell.borrow().expect("nobody has it");
        scope.spawn(move || {
            let second = cell.borrow().expect("it is only shared");
            shares.send(()).expect("the test goes on");
            // Also where the test has failed: then the sender is gone.
            let _ = may_give_back.recv();
            drop(second);
        });
        shared.recv().expect("the thread shares it");
        drop(first);
        // In the thread that was the first, as the claim is a thread's.
        scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            give_back.send(()).expect("the thread still shares it");
        });
        match cell.borrow_mut() {
            Ok(mut value) => *value += 1,
            Err(error) => panic!("it did not wait: {error}"),
        }
        changes.send(*cell.borrow().expect("nobody changes it")).expect("the test goes on");
    });
    assert_eq!(changed.recv(), Ok(2));
}
