//! No panic leaves this library, and none is printed: every export's body runs in here.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::reprieve_error;
use crate::handle::{self, Object};
use crate::output::Zero;
use crate::status::{REPRIEVE_OK, REPRIEVE_STATUS_PANIC, reprieve_status};

/// Why a call did not do what it was asked for.
#[derive(Clone, Debug)]
pub struct Failure {
    pub status: reprieve_status,
    pub text: Zero,
}

impl Failure {
    pub fn new(status: reprieve_status, message: impl Into<String>) -> Failure {
        Failure { status, text: Zero::new(&message.into()) }
    }
}

impl From<reprieve_core::client::Error> for Failure {
    fn from(error: reprieve_core::client::Error) -> Failure {
        Failure { status: error.kind() as u32, text: Zero::new(error.message()) }
    }
}

thread_local! {
    /// How many guards this thread is in. No destructor, so that it works while a thread ends.
    static INSIDE: Cell<u32> = const { Cell::new(0) };
}

static HOOKED: AtomicBool = AtomicBool::new(false);

/// The library never prints: what panics inside a guard is handed back as a status. Panics of other threads go to the
/// hook that was there before.
fn hook() {
    // A thread that is panicking must not touch the hook; the next call will.
    if HOOKED.load(Ordering::Relaxed) || std::thread::panicking() || HOOKED.swap(true, Ordering::Relaxed) {
        return;
    }
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if INSIDE.with(Cell::get) == 0 {
            before(info);
        }
    }));
}

struct Inside;

impl Inside {
    fn enter() -> Inside {
        INSIDE.with(|inside| inside.set(inside.get() + 1));
        Inside
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.with(|inside| inside.set(inside.get() - 1));
    }
}

/// Runs a body; a panic in it, or in the drop of its payload, becomes a text.
fn caught<R>(body: impl FnOnce() -> R) -> Result<R, String> {
    hook();
    let _inside = Inside::enter();
    catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
        let text = text_of(&*payload);
        // A payload may panic when it is dropped, and so may that panic's payload: leak the second.
        if let Err(second) = catch_unwind(AssertUnwindSafe(move || drop(payload))) {
            std::mem::forget(second);
        }
        text
    })
}

fn text_of(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

/// Runs an export's body. `error` is set to NULL first, and to an error object if the body fails.
///
/// # Safety
/// `error` is NULL or points to a place for a pointer.
pub unsafe fn call(error: *mut *mut reprieve_error, body: impl FnOnce() -> Result<(), Failure>) -> reprieve_status {
    if !error.is_null() {
        // SAFETY: the caller promises that it can be written.
        unsafe { error.write(std::ptr::null_mut()) };
    }
    let failure = match caught(body) {
        Ok(Ok(())) => return REPRIEVE_OK,
        Ok(Err(failure)) => failure,
        Err(text) => Failure::new(
            REPRIEVE_STATUS_PANIC,
            format!("a bug in the library was caught ({text}); the call did nothing or not all; please report it"),
        ),
    };
    let status = failure.status;
    if !error.is_null()
        && let Ok(Ok(made)) = caught(|| handle::insert(Object::Error(failure)))
    {
        // SAFETY: as above.
        unsafe { error.write(made) };
    }
    status
}

/// The end of a call that was answered without a guard.
///
/// # Safety
/// `error` is NULL or points to a place for a pointer.
#[inline]
pub unsafe fn answered(error: *mut *mut reprieve_error) -> reprieve_status {
    if !error.is_null() {
        // SAFETY: as promised.
        unsafe { error.write(std::ptr::null_mut()) };
    }
    REPRIEVE_OK
}

/// Runs the body of a function that cannot fail, such as a free. What panics is lost.
pub fn quietly(body: impl FnOnce()) {
    let _ = caught(body);
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            std::panic::panic_any(Bomb2);
        }
    }
    struct Bomb2;
    impl Drop for Bomb2 {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                panic!("the second payload was dropped");
            }
        }
    }

    #[test]
    fn a_panic_becomes_a_status_with_its_text() {
        let mut error = std::ptr::null_mut();
        // SAFETY: `error` is a place for a pointer.
        let status = unsafe { call(&raw mut error, || panic!("boom {}", 7)) };
        assert_eq!(status, REPRIEVE_STATUS_PANIC);
        let text = handle::with(error, |object: &Object| match object {
            Object::Error(failure) => Ok(failure.text.as_str().to_owned()),
            _ => panic!(),
        })
        .unwrap();
        assert!(text.contains("boom 7"), "{text}");
        handle::remove(error).unwrap();
    }

    #[test]
    fn a_payload_that_panics_when_dropped_is_caught_too() {
        // SAFETY: NULL is allowed.
        let status = unsafe { call(std::ptr::null_mut(), || std::panic::panic_any(Bomb)) };
        assert_eq!(status, REPRIEVE_STATUS_PANIC);
        quietly(|| std::panic::panic_any(Bomb));
    }

    #[test]
    fn without_a_place_for_an_error_the_status_is_all() {
        // SAFETY: NULL is allowed.
        let status = unsafe { call(std::ptr::null_mut(), || Err(Failure::new(77, "no"))) };
        assert_eq!(status, 77);
    }
}
