//! How a ledger stands, with all features of a SKU.

use std::ffi::c_char;

use reprieve_core::client::{Status, json};

use crate::bytes::{Buffer, reprieve_bytes};
use crate::error::reprieve_error;
use crate::guard::call;
use crate::handle::{Object, free, object};
use crate::output::{Out, OutStruct, Text, Zero, at};
use crate::status::reprieve_status;
use crate::types::{self, reprieve_decision, reprieve_ledger_info, reprieve_time};

/// How a ledger stood at one moment, with a decision for each feature of a SKU: owned by the caller, freed with
/// `reprieve_ledger_status_free`. Nothing in it changes; any thread.
pub struct reprieve_ledger_status {
    _private: [u8; 0],
}

/// What such a handle stands for.
pub struct StatusObject {
    info: reprieve_ledger_info,
    ledger_id: Zero,
    folder: Option<Zero>,
    policy: Option<Zero>,
    features: Vec<(Zero, reprieve_decision)>,
    status: Status,
}

impl StatusObject {
    /// A status with its texts.
    pub fn new(status: Status) -> StatusObject {
        StatusObject {
            info: reprieve_ledger_info {
                struct_size: 0,
                clock: status.clock.number(),
                ledger: status.ledger.number(),
                flags: types::flags(status.flags),
                t: reprieve_time::of(status.t),
                generation: status.generation,
                records: status.records,
                unproven: status.unproven,
                policy_version: status.policy.as_ref().map_or(0, |(_, version)| *version),
                features: status.features.len() as u64,
            },
            ledger_id: Zero::new(&status.ledger_id),
            folder: status.folder.as_ref().map(|folder| Zero::new(&folder.to_string_lossy())),
            policy: status.policy.as_ref().map(|(id, _)| Zero::new(id)),
            features: status
                .features
                .iter()
                .map(|decision| (Zero::new(&decision.feature), types::decision(decision)))
                .collect(),
            status,
        }
    }
}

/// The body of a getter of text: `text` and `len` are set to NULL and 0 first.
///
/// # Safety
/// `text` and `len` are NULL or can be written.
unsafe fn text_of(
    status: *const reprieve_ledger_status,
    text: *mut *const c_char,
    len: *mut usize,
    which: impl FnOnce(&StatusObject) -> Option<&Zero>,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(std::ptr::null_mut(), || {
            let text = Text::new(text, len).required()?;
            object!(status, Status, |object: &StatusObject| {
                text.set(which(object));
                Ok(())
            })
        })
    }
}

/// The numbers. `info` (in and out, not NULL): `struct_size` set. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_ledger_status_get(
    status: *const reprieve_ledger_status,
    info: *mut reprieve_ledger_info,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(std::ptr::null_mut(), || {
            let info = OutStruct::new(info).required("info")?;
            object!(status, Status, |object: &StatusObject| {
                info.set(&object.info);
                Ok(())
            })
        })
    }
}

/// The ledger's id, as leases and rulings name it: UTF-8 with a NUL behind it. Borrowed: good until the status is
/// freed. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_ledger_status_ledger_id(
    status: *const reprieve_ledger_status,
    text: *mut *const c_char,
    len: *mut usize,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe { text_of(status, text, len, |status| Some(&status.ledger_id)) }
}

/// Where the ledger lies: UTF-8 with a NUL behind it (a path that is no UTF-8 is shown as far as it is); NULL and 0
/// in memory. Borrowed: good until the status is freed. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_ledger_status_folder(
    status: *const reprieve_ledger_status,
    text: *mut *const c_char,
    len: *mut usize,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe { text_of(status, text, len, |status| status.folder.as_ref()) }
}

/// The id of the policy in force: UTF-8 with a NUL behind it; NULL and 0 if there is none. Borrowed: good until the
/// status is freed. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_ledger_status_policy(
    status: *const reprieve_ledger_status,
    text: *mut *const c_char,
    len: *mut usize,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe { text_of(status, text, len, |status| status.policy.as_ref()) }
}

/// The feature at an index, from 0, in the order of their names: its name, UTF-8 with a NUL behind it, borrowed until
/// the status is freed; and the decision, as a check would answer.
///
/// `text`, `len` (out, not NULL). `decision` (in and out, or NULL): `struct_size` set. Statuses:
/// REPRIEVE_STATUS_OUT_OF_RANGE. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_ledger_status_feature(
    status: *const reprieve_ledger_status,
    index: usize,
    text: *mut *const c_char,
    len: *mut usize,
    decision: *mut reprieve_decision,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(std::ptr::null_mut(), || {
            let text = Text::new(text, len);
            let wanted = !decision.is_null();
            let decision = OutStruct::new(decision);
            let text = text.required()?;
            let decision = if wanted { Some(decision.required("decision")?) } else { None };
            object!(status, Status, |object: &StatusObject| {
                let (name, value) = at(&object.features, index)?;
                text.set(Some(name));
                if let Some(decision) = &decision {
                    decision.set(value);
                }
                Ok(())
            })
        })
    }
}

/// All of it, as JSON: {"t", "clock", "ledger", "flags", "ledger_id", "folder", "generation", "records", "policy",
/// "unproven", "features": [...]}, each feature as `reprieve_client_explain` gives it. More fields may follow.
///
/// `json` (out, not NULL): owned by the caller. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_ledger_status_json(
    status: *const reprieve_ledger_status,
    json: *mut *mut reprieve_bytes,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let json = Out::handle("json", json).required()?;
            let text = object!(status, Status, |object: &StatusObject| Ok(json::status(&object.status).to_string()))?;
            json.put(Object::Bytes(Buffer::new(text.into_bytes())))
        })
    }
}

/// Frees a status. NULL is a no-op. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_ledger_status_free(status: *mut reprieve_ledger_status) {
    free!(status, Status);
}
