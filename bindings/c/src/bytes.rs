//! Bytes that the library made and the caller owns.

use std::ffi::c_char;

use crate::guard::call;
use crate::handle::{free, object};
use crate::output::{Text, Zero};
use crate::status::reprieve_status;

/// Bytes or text that a call gave: owned by the caller, freed with `reprieve_bytes_free`. Nothing in it changes; any
/// thread.
pub struct reprieve_bytes {
    _private: [u8; 0],
}

/// What such a handle stands for.
pub struct Buffer(Zero);

impl Buffer {
    /// Takes the bytes.
    pub fn new(bytes: Vec<u8>) -> Buffer {
        Buffer(Zero::bytes(bytes))
    }
}

/// The bytes, in `data` and `len`. A NUL stands behind them and is not counted. They are borrowed: good until the
/// handle is freed. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_bytes_get(
    bytes: *const reprieve_bytes,
    data: *mut *const c_char,
    len: *mut usize,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(std::ptr::null_mut(), || {
            let text = Text::new(data, len).required()?;
            object!(bytes, Bytes, |buffer: &Buffer| {
                text.set(Some(&buffer.0));
                Ok(())
            })
        })
    }
}

/// Frees bytes. NULL is a no-op. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_bytes_free(bytes: *mut reprieve_bytes) {
    free!(bytes, Bytes);
}
