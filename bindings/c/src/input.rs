//! What a caller passes in: nothing of it is believed.

use std::ffi::c_char;

use reprieve_core::client::ErrorKind;

use crate::guard::Failure;
use crate::output::{Grows, known_size};

pub fn argument(text: impl Into<String>) -> Failure {
    Failure::new(ErrorKind::Argument as u32, text)
}

/// Bytes. NULL is allowed with length 0.
///
/// # Safety
/// `ptr` is NULL or points to `len` bytes that stay as they are during the call.
pub unsafe fn bytes<'a>(what: &str, ptr: *const u8, len: usize) -> Result<&'a [u8], Failure> {
    if len == 0 {
        return Ok(&[]);
    }
    if ptr.is_null() {
        return Err(argument(format!("{what} is NULL, but its length is {len}; pass length 0 for none")));
    }
    if len > isize::MAX as usize {
        return Err(argument(format!("{what} has an impossible length of {len} bytes")));
    }
    // SAFETY: not NULL, no longer than an object can be, and the caller promises that it can be read.
    Ok(unsafe { std::slice::from_raw_parts(ptr, len) })
}

/// Text in UTF-8, without NUL.
///
/// # Safety
/// As [`bytes`].
pub unsafe fn text<'a>(what: &str, ptr: *const c_char, len: usize) -> Result<&'a str, Failure> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { bytes(what, ptr.cast(), len) }?;
    let text = std::str::from_utf8(bytes)
        .map_err(|error| argument(format!("{what} is no UTF-8 from byte {} on", error.valid_up_to())))?;
    match text.bytes().position(|byte| byte == 0) {
        Some(at) => Err(argument(format!("{what} has a NUL at byte {at}; pass the length without the closing NUL"))),
        None => Ok(text),
    }
}

/// Text that may be left out: NULL with length 0.
///
/// # Safety
/// As [`bytes`].
pub unsafe fn optional<'a>(what: &str, ptr: *const c_char, len: usize) -> Result<Option<&'a str>, Failure> {
    if ptr.is_null() && len == 0 {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    unsafe { text(what, ptr, len) }.map(Some)
}

/// A structure that grows, as far as the caller has it; NULL is none.
///
/// # Safety
/// `place` is NULL or points to a structure whose `struct_size` says how much of it can be read.
pub unsafe fn grown<T: Grows>(what: &str, place: *const T) -> Result<Option<T>, Failure> {
    if place.is_null() {
        return Ok(None);
    }
    // SAFETY: the first field is a u32, and the caller's structure has it.
    let size = known_size::<T>(what, unsafe { place.cast::<u32>().read() } as usize)?;
    let mut value = T::safe();
    // SAFETY: within both structures; any bytes are a value.
    unsafe { std::ptr::from_mut(&mut value).cast::<u8>().copy_from_nonoverlapping(place.cast::<u8>(), size) };
    Ok(Some(value))
}

/// A yes or no.
pub fn flag(what: &str, value: u32) -> Result<bool, Failure> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(argument(format!("{what} is {other}; pass 0 for no, 1 for yes"))),
    }
}
