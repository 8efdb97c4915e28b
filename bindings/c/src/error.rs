//! Error objects.

use std::ffi::c_char;

use crate::guard::{Failure, call};
use crate::handle::{free, object};
use crate::output::Text;
use crate::status::{REPRIEVE_OK, reprieve_status};

/// Why a call failed: owned by the caller, freed with `reprieve_error_free`. Nothing in it changes; any thread.
pub struct reprieve_error {
    _private: [u8; 0],
}

/// The status of an error; REPRIEVE_OK if `error` is NULL. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_error_status(error: *const reprieve_error) -> reprieve_status {
    if error.is_null() {
        return REPRIEVE_OK;
    }
    let mut status = REPRIEVE_OK;
    // SAFETY: NULL is allowed.
    let called = unsafe {
        call(std::ptr::null_mut(), || {
            object!(error, Error, |failure: &Failure| {
                status = failure.status;
                Ok(())
            })
        })
    };
    if called == REPRIEVE_OK { status } else { called }
}

/// What happened, to which thing, and what to do next, in English: UTF-8 in `text` and `len`, with a NUL behind it.
/// For programs, use the status. The text is borrowed: it is good until the error is freed. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_error_message(
    error: *const reprieve_error,
    text: *mut *const c_char,
    len: *mut usize,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(std::ptr::null_mut(), || {
            let text = Text::new(text, len).required()?;
            object!(error, Error, |failure: &Failure| {
                text.set(Some(&failure.text));
                Ok(())
            })
        })
    }
}

/// Frees an error. NULL is a no-op. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_error_free(error: *mut reprieve_error) {
    free!(error, Error);
}
