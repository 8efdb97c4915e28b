//! An export that panics on purpose: tests/abi/guard.c shows by it that no panic leaves the library, whatever it is.
//!
//! In builds with debug assertions and the feature `panics` only, and in no header: a released library lacks it.
#![allow(clippy::panic)]

use crate::client::reprieve_client;
use crate::error::reprieve_error;
use crate::guard::{call, quietly};
use crate::handle::object;
use crate::output::Out;
use crate::status::reprieve_status;

/// Panics when it is dropped, unless that is while another panic unwinds, which would end the process by itself.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            std::panic::panic_any(Bomb);
        }
    }
}

/// Panics while it uses `client`, after `number` was set to its safe value. `how`: 0 with a text, 1 with a formatted
/// text, 2 with a value that is no text, 3 with a value that panics when it is dropped, 4 by an index that is out of
/// range, 5 by an overflow; 6 panics where nothing can be told, as in a free; anything else does not panic.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_debug_panic(
    client: *const reprieve_client,
    how: u32,
    number: *mut u32,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    if how == 6 {
        quietly(|| fall(3));
    }
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let number = Out::new("number", number, 0).required()?;
            object!(client, Client, |_| {
                fall(how);
                Ok(())
            })?;
            number.set(1);
            Ok(())
        })
    }
}

fn fall(how: u32) {
    let nothing: &[u32] = &[];
    match how {
        0 => panic!("on purpose"),
        1 => panic!("on purpose, {how}"),
        2 => std::panic::panic_any(7_u32),
        3 => std::panic::panic_any(Bomb),
        4 => _ = std::hint::black_box(nothing[how as usize]),
        5 => _ = std::hint::black_box(std::hint::black_box(u32::MAX) + how),
        _ => {}
    }
}
