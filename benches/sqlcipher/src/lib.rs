//! SQLCipher as a shared library that a C program loads: open with a raw key, and read one row.

use std::ffi::{CStr, c_char};

use rusqlite::Connection;

/// Opens a database with what `PRAGMA key` takes. NULL if it cannot.
///
/// # Safety
/// Both are texts with a NUL behind them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_open(path: *const c_char, pragma: *const c_char) -> *mut Connection {
    // SAFETY: the caller's promise.
    let (path, pragma) = unsafe { (CStr::from_ptr(path), CStr::from_ptr(pragma)) };
    let open = || {
        let connection = Connection::open(path.to_str().ok()?).ok()?;
        connection.execute_batch(pragma.to_str().ok()?).ok()?;
        Some(connection)
    };
    open().map_or(std::ptr::null_mut(), |connection| Box::into_raw(Box::new(connection)))
}

/// The length of a row's payload; 0 if it cannot be read.
///
/// # Safety
/// `connection` is from `peer_open`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_read(connection: *const Connection, row: i64) -> usize {
    // SAFETY: the caller's promise.
    let connection = unsafe { &*connection };
    let select = "SELECT payload FROM records WHERE seq = ?1";
    connection.query_row(select, [row], |row| row.get::<_, Vec<u8>>(0)).map_or(0, |payload| payload.len())
}
