//! Events.

use std::ffi::c_char;

use reprieve_core::client::Event;

use crate::guard::call;
use crate::handle::{free, object};
use crate::output::{OutStruct, Text, Zero};
use crate::status::reprieve_status;
use crate::types::{self, reprieve_event_info};

/// One event: owned by the caller, freed with `reprieve_event_free`. Nothing in it changes; any thread.
pub struct reprieve_event {
    _private: [u8; 0],
}

/// What such a handle stands for.
pub struct EventObject {
    info: reprieve_event_info,
    license: Option<Zero>,
    feature: Option<Zero>,
    reason: Option<Zero>,
    text: Option<Zero>,
}

impl EventObject {
    /// An event with its texts.
    pub fn new(event: &Event) -> EventObject {
        EventObject {
            info: types::event(event),
            license: Zero::of(event.license.as_deref()),
            feature: Zero::of(event.feature.as_deref()),
            reason: Zero::of(event.reason),
            text: Zero::of(event.text.as_deref()),
        }
    }
}

/// The body of a getter of text: `text` and `len` are set to NULL and 0 first.
///
/// # Safety
/// `text` and `len` are NULL or can be written.
unsafe fn text_of(
    event: *const reprieve_event,
    text: *mut *const c_char,
    len: *mut usize,
    which: impl FnOnce(&EventObject) -> Option<&Zero>,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(std::ptr::null_mut(), || {
            let text = Text::new(text, len).required()?;
            object!(event, Event, |object: &EventObject| {
                text.set(which(object));
                Ok(())
            })
        })
    }
}

/// An event's numbers. `info` (in and out, not NULL): `struct_size` set. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_event_get(
    event: *const reprieve_event,
    info: *mut reprieve_event_info,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(std::ptr::null_mut(), || {
            let info = OutStruct::new(info).required("info")?;
            object!(event, Event, |object: &EventObject| {
                info.set(&object.info);
                Ok(())
            })
        })
    }
}

/// The licence that an event is about: UTF-8 with a NUL behind it; NULL and 0 if it does not apply. Borrowed: good
/// until the event is freed. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_event_license(
    event: *const reprieve_event,
    text: *mut *const c_char,
    len: *mut usize,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe { text_of(event, text, len, |event| event.license.as_ref()) }
}

/// The feature that an event is about: UTF-8 with a NUL behind it; NULL and 0 if it does not apply. Borrowed: good
/// until the event is freed. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_event_feature(
    event: *const reprieve_event,
    text: *mut *const c_char,
    len: *mut usize,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe { text_of(event, text, len, |event| event.feature.as_ref()) }
}

/// What grants grace (a word of `reprieve_reason_str`); or, of a suspicion, its kind: "rolled_back", "leaped",
/// "damaged", "put_back" or "moved". UTF-8 with a NUL behind it; NULL and 0 if it does not apply. Borrowed: good
/// until the event is freed. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_event_reason(
    event: *const reprieve_event,
    text: *mut *const c_char,
    len: *mut usize,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe { text_of(event, text, len, |event| event.reason.as_ref()) }
}

/// An appeal's text: UTF-8 with a NUL behind it; NULL and 0 if it does not apply. Borrowed: good until the event is
/// freed. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_event_text(
    event: *const reprieve_event,
    text: *mut *const c_char,
    len: *mut usize,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe { text_of(event, text, len, |event| event.text.as_ref()) }
}

/// Frees an event. NULL is a no-op. Freeing does not acknowledge. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_event_free(event: *mut reprieve_event) {
    free!(event, Event);
}
