//! A feature that a product asks about again and again.

use std::ffi::c_char;

use reprieve_core::client::{Client, Feature};

use crate::client::reprieve_client;
use crate::error::reprieve_error;
use crate::guard::{answered, call};
use crate::handle::{Object, free, object};
use crate::input;
use crate::output::{Out, OutStruct};
use crate::status::reprieve_status;
use crate::types::{self, reprieve_decision};

/// A feature of a product, of one client, to ask about in every frame: owned by the caller, freed with
/// `reprieve_feature_free`. It keeps its client's ledger open until then. Any number of threads may use one at once.
pub struct reprieve_feature {
    _private: [u8; 0],
}

/// A feature, to ask about again and again without naming it each time.
///
/// `sku`, `feature`: names, UTF-8. `handle` (out, not NULL): owned by the caller.
/// Statuses: REPRIEVE_STATUS_ARGUMENT if a text is no name of a SKU or feature. Whether any licence has the feature is
/// asked by each check, not here. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_client_feature(
    client: *const reprieve_client,
    sku: *const c_char,
    sku_len: usize,
    feature: *const c_char,
    feature_len: usize,
    handle: *mut *mut reprieve_feature,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let handle = Out::handle("handle", handle).required()?;
            let sku = input::text("the SKU", sku, sku_len)?;
            let feature = input::text("the feature", feature, feature_len)?;
            let made = object!(client, Client, |client: &Client| Ok(client.feature(sku, feature)?))?;
            handle.put(Object::Feature(made))
        })
    }
}

/// May the product use this feature now? As `reprieve_client_check`, and the fastest way to ask: between two looks at
/// the ledger it reads one clock and copies the decision; no lock, no allocation, no system call.
///
/// `decision` (in and out, not NULL): `struct_size` set; access is REPRIEVE_ACCESS_UNKNOWN unless the call decides.
/// Statuses: a client that was closed or a ledger that cannot be read is no failure of the call: access is unknown, and
/// `reprieve_client_explain` says why. Any thread, also at the same time. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_feature_check(
    feature: *const reprieve_feature,
    decision: *mut reprieve_decision,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        if reprieve_c_quick::by_handle(feature.addr(), decision.cast()) {
            return answered(error);
        }
        check(feature, decision, error)
    }
}

/// The slow way of a check.
///
/// # Safety
/// As [`reprieve_feature_check`].
#[cold]
#[inline(never)]
unsafe fn check(
    feature: *const reprieve_feature,
    decision: *mut reprieve_decision,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let decision = OutStruct::new(decision).required("decision")?;
            let answer = object!(feature, Feature, |feature: &Feature| Ok(feature.check()))?;
            decision.set(&types::brief(&answer));
            Ok(())
        })
    }
}

/// Frees a feature. NULL is a no-op. A call that another thread is in ends well. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_feature_free(feature: *mut reprieve_feature) {
    free!(feature, Feature);
}
