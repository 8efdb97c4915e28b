//! How a ledger is opened.

use std::ffi::c_char;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reprieve_core::client::{App, Builder, Upkeep};

use crate::client::reprieve_client;
use crate::error::reprieve_error;
use crate::guard::{Failure, call};
use crate::handle::{Object, free, object};
use crate::input;
use crate::output::Out;
use crate::status::reprieve_status;
use crate::words::{REPRIEVE_UPKEEP_IN_CHECKS, REPRIEVE_UPKEEP_OWN};

/// How a ledger will be opened: owned by the caller, freed with `reprieve_builder_free`. Any thread; calls on one
/// builder take turns.
pub struct reprieve_builder {
    _private: [u8; 0],
}

/// What such a handle stands for.
pub struct BuilderObject(Mutex<Builder>);

impl BuilderObject {
    /// A builder that calls can take turns with.
    pub fn object(builder: Builder) -> Object {
        Object::Builder(Box::new(BuilderObject(Mutex::new(builder))))
    }
}

fn change(builder: *const reprieve_builder, wish: impl FnOnce(Builder) -> Builder) -> Result<(), Failure> {
    object!(builder, Builder, |held: &BuilderObject| {
        let mut held = held.0.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = wish(held.clone());
        *held = changed;
        Ok(())
    })
}

fn path(what: &str, text: &str) -> Result<std::path::PathBuf, Failure> {
    if text.is_empty() {
        return Err(input::argument(format!("{what} is empty; pass a path")));
    }
    Ok(text.into())
}

/// The defaults, for the application file at a path (`reprieve.toml`, the same for every product and language of a
/// vendor).
///
/// `path`: UTF-8, `path_len` bytes. `builder` (out, not NULL): owned by the caller.
/// Statuses: REPRIEVE_STATUS_APP if the file cannot be read or says something impossible. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_builder_from_file(
    path: *const c_char,
    path_len: usize,
    builder: *mut *mut reprieve_builder,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let builder = Out::handle("builder", builder).required()?;
            let path = self::path("the path", input::text("the path", path, path_len)?)?;
            builder.put(BuilderObject::object(Builder::from_file(path)?))
        })
    }
}

/// The defaults, for the text of an application file, as a product may have it built in. A relative folder in it
/// counts from the process's current folder.
///
/// `toml`: UTF-8, `toml_len` bytes. `builder` (out, not NULL): owned by the caller.
/// Statuses: REPRIEVE_STATUS_APP if it says something impossible. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_builder_from_toml(
    toml: *const c_char,
    toml_len: usize,
    builder: *mut *mut reprieve_builder,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let builder = Out::handle("builder", builder).required()?;
            let app = App::from_toml(input::text("the application file", toml, toml_len)?)?;
            builder.put(BuilderObject::object(Builder::new(app)))
        })
    }
}

/// The ledger's folder, in place of the application file's or the platform's. `path`: UTF-8, `path_len` bytes. Any
/// thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_builder_set_folder(
    builder: *mut reprieve_builder,
    path: *const c_char,
    path_len: usize,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let path = self::path("the folder", input::text("the folder", path, path_len)?)?;
            change(builder, |held| held.folder(path))
        })
    }
}

/// The witness's folder, which shows if the ledger is put back from a copy. `path`: UTF-8, `path_len` bytes. Any
/// thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_builder_set_witness(
    builder: *mut reprieve_builder,
    path: *const c_char,
    path_len: usize,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let path = self::path("the witness's folder", input::text("the witness's folder", path, path_len)?)?;
            change(builder, |held| held.witness(path))
        })
    }
}

/// A ledger in memory, for read-only machines: it ends with the client, and every decision says so
/// (REPRIEVE_FLAG_IN_MEMORY). Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_builder_set_in_memory(
    builder: *mut reprieve_builder,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe { call(error, || change(builder, Builder::in_memory)) }
}

/// Who does upkeep: REPRIEVE_UPKEEP_IN_CHECKS (unless said) or REPRIEVE_UPKEEP_OWN. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_builder_set_upkeep(
    builder: *mut reprieve_builder,
    upkeep: u32,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let upkeep = match upkeep {
                REPRIEVE_UPKEEP_IN_CHECKS => Upkeep::InChecks,
                REPRIEVE_UPKEEP_OWN => Upkeep::Own,
                other => return Err(input::argument(format!("{other} is no upkeep; pass one of REPRIEVE_UPKEEP_*"))),
            };
            change(builder, |held| held.upkeep(upkeep))
        })
    }
}

/// How long a call waits for the ledger's lock, in milliseconds: 5000 unless said. After it, the call fails with
/// REPRIEVE_STATUS_BUSY. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_builder_set_lock_timeout(
    builder: *mut reprieve_builder,
    milliseconds: u32,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe { call(error, || change(builder, |held| held.lock_timeout(Duration::from_millis(milliseconds.into())))) }
}

/// Whether a ledger is made where none lies: 1 (yes, unless said) or 0 (then opening fails with
/// REPRIEVE_STATUS_MISSING). Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_builder_set_create(
    builder: *mut reprieve_builder,
    create: u32,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let create = input::flag("create", create)?;
            change(builder, |held| held.create(create))
        })
    }
}

/// Opens the ledger, making it if none lies there. The builder stays as it is and may open again.
///
/// `client` (out, not NULL): owned by the caller.
/// Statuses: those of the 200s and 300s, and REPRIEVE_STATUS_APP. Nothing is created in the place of a file that
/// cannot be opened. Any thread; waits for the disk, and for other processes at most the lock's timeout. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_builder_open(
    builder: *const reprieve_builder,
    client: *mut *mut reprieve_client,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let client = Out::handle("client", client).required()?;
            let held = object!(builder, Builder, |held: &BuilderObject| {
                Ok(held.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
            })?;
            client.put(Object::Client(held.open()?))
        })
    }
}

/// Frees a builder. NULL is a no-op. Clients that it opened stay open. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_builder_free(builder: *mut reprieve_builder) {
    free!(builder, Builder);
}
