//! Structures of results.

use std::ffi::c_char;
use std::mem::offset_of;

use reprieve_core::client::{Answer, Brief, Decision, Event};
use reprieve_core::grace::Flags;
use reprieve_core::time::Instant;

use crate::error::reprieve_error;
use crate::guard::{Failure, call};
use crate::output::{Grows, Out};
use crate::status::{REPRIEVE_STATUS_BUFFER_TOO_SMALL, REPRIEVE_STATUS_NULL_POINTER, reprieve_status};
use crate::words::{
    REPRIEVE_FLAG_DETACHED, REPRIEVE_FLAG_DRILL, REPRIEVE_FLAG_IN_MEMORY, REPRIEVE_FLAG_NEWER, REPRIEVE_STAGE_NONE,
};

/// An instant in UTC, or none. This structure never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct reprieve_time {
    /// Whole seconds since 1970-01-01T00:00:00Z, without leap seconds, rounded down.
    pub seconds: i64,
    /// The nanoseconds past them, 0 to 999,999,999.
    pub nanos: u32,
    /// 1 if there is such an instant; 0 if there is none, and then the rest is 0.
    pub present: u32,
}

impl reprieve_time {
    pub(crate) fn of(instant: Instant) -> reprieve_time {
        reprieve_time { seconds: instant.seconds(), nanos: instant.subsec_nanos(), present: 1 }
    }
}

/// The answer to a check. Set `struct_size` to `sizeof(reprieve_decision)` before the call; all else is set by it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct reprieve_decision {
    /// Before the call: the size of the caller's structure. After it: how much of it was written.
    pub struct_size: u32,
    /// What the product may do: REPRIEVE_ACCESS_*. Unknown (0) is no refusal.
    pub access: u32,
    /// By which rule: REPRIEVE_STATE_*. None (0) if access is unknown.
    pub state: u32,
    /// What grants grace: REPRIEVE_REASON_*. None (0) outside grace.
    pub reason: u32,
    /// What is known against the clock: REPRIEVE_CLOCK_*.
    pub clock: u32,
    /// What is known against the ledger: REPRIEVE_LEDGER_*.
    pub ledger: u32,
    /// Bits: REPRIEVE_FLAG_*.
    pub flags: u32,
    /// The stage of grace, counting from 0; REPRIEVE_STAGE_NONE outside grace.
    pub stage: u32,
    /// The time that it was decided at.
    pub t: reprieve_time,
    /// The next instant at which access, state or reason changes if nothing else arrives.
    pub until: reprieve_time,
    /// The first later instant at which access is denied, if it is not now.
    pub ends: reprieve_time,
    /// When the lease itself ends: grace is what comes after.
    pub lease_end: reprieve_time,
}

// SAFETY: repr(C), eight u32 and four structures of 16 bytes, no padding.
unsafe impl Grows for reprieve_decision {
    const FIRST_SIZE: usize = 96;
    fn safe() -> Self {
        let none = reprieve_time::default();
        reprieve_decision {
            struct_size: 0,
            access: 0,
            state: 0,
            reason: 0,
            clock: 0,
            ledger: 0,
            flags: 0,
            stage: REPRIEVE_STAGE_NONE,
            t: none,
            until: none,
            ends: none,
            lease_end: none,
        }
    }
}

pub(crate) fn flags(flags: Flags) -> u32 {
    flags.bits()
}

const _: () = {
    assert!(REPRIEVE_FLAG_IN_MEMORY == 1 && REPRIEVE_FLAG_NEWER == 2);
    assert!(REPRIEVE_FLAG_DRILL == 4 && REPRIEVE_FLAG_DETACHED == 8);
};

// A brief decision is the structure, its size aside.
const _: () = {
    assert!(size_of::<reprieve_decision>() == size_of::<[u64; 12]>());
    assert!(offset_of!(reprieve_decision, access) == 4 && offset_of!(reprieve_decision, state) == 8);
    assert!(offset_of!(reprieve_decision, reason) == 12 && offset_of!(reprieve_decision, clock) == 16);
    assert!(offset_of!(reprieve_decision, ledger) == 20 && offset_of!(reprieve_decision, flags) == 24);
    assert!(offset_of!(reprieve_decision, stage) == 28 && offset_of!(reprieve_decision, t) == 32);
    assert!(offset_of!(reprieve_decision, until) == 48 && offset_of!(reprieve_decision, ends) == 64);
    assert!(
        offset_of!(reprieve_decision, lease_end) == 80 && size_of::<reprieve_decision>() == reprieve_c_quick::DECISION
    );
};

pub(crate) fn decision(decision: &Decision) -> reprieve_decision {
    brief(&Brief::of(decision))
}

#[inline]
pub(crate) fn brief(brief: &Brief) -> reprieve_decision {
    // SAFETY: the same size, as asserted, and any bytes are a value.
    unsafe { std::mem::transmute(brief.words()) }
}

/// What became of a document. Set `struct_size` to `sizeof(reprieve_answer)` before the call; all else is set by it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct reprieve_answer {
    /// Before the call: the size of the caller's structure. After it: how much of it was written.
    pub struct_size: u32,
    /// 1 if the document is in force now.
    pub accepted: u32,
    /// 1 if it was in force before, so that nothing changed.
    pub known: u32,
    /// 1 if it is a lease that answered the newest request.
    pub fresh: u32,
    /// Its kind, where it can be read: REPRIEVE_DOCUMENT_*.
    pub kind: u32,
    /// Why it was refused: REPRIEVE_REFUSAL_*. None (0) if it was accepted.
    pub error: u32,
}

// SAFETY: repr(C), u32 only.
unsafe impl Grows for reprieve_answer {
    const FIRST_SIZE: usize = 24;
    fn safe() -> Self {
        reprieve_answer { struct_size: 0, accepted: 0, known: 0, fresh: 0, kind: 0, error: 0 }
    }
}

pub(crate) fn answer(answer: &Answer) -> reprieve_answer {
    reprieve_answer {
        struct_size: 0,
        accepted: answer.accepted.into(),
        known: answer.known.into(),
        fresh: answer.fresh.into(),
        kind: answer.kind.map_or(0, |kind| kind.number()),
        error: answer.error.map_or(0, |error| error.number()),
    }
}

/// An event's numbers. Set `struct_size` to `sizeof(reprieve_event_info)` before the call; all else is set by it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct reprieve_event_info {
    /// Before the call: the size of the caller's structure. After it: how much of it was written.
    pub struct_size: u32,
    /// What it tells of: REPRIEVE_EVENT_*. Skip a kind that you do not know.
    pub kind: u32,
    /// The number of the record that it stands in.
    pub record: u64,
    /// Its place in that record. Record and index name it for `reprieve_client_acknowledge`.
    pub index: u32,
    /// The new access: REPRIEVE_ACCESS_*, if `has_access`.
    pub access: u32,
    /// 1 if the event tells of an access.
    pub has_access: u32,
    /// The new state: REPRIEVE_STATE_*; none (0) if it does not apply.
    pub state: u32,
    /// Which kind of document: REPRIEVE_DOCUMENT_*; none (0) if it does not apply.
    pub document: u32,
    /// Why a document was refused: REPRIEVE_REFUSAL_*; none (0) if it does not apply.
    pub error: u32,
    /// 1 if there is a warning threshold in force.
    pub has_left: u32,
    /// Always 0.
    pub reserved: u32,
    /// The warning threshold in force, in seconds.
    pub left_seconds: i64,
    /// The instant at which it took effect, also if no product ran then.
    pub at: reprieve_time,
}

// SAFETY: repr(C): 4 4 8, eight u32, 8, 16; every field at a multiple of its size, no padding.
unsafe impl Grows for reprieve_event_info {
    const FIRST_SIZE: usize = 72;
    fn safe() -> Self {
        reprieve_event_info {
            struct_size: 0,
            kind: 0,
            record: 0,
            index: 0,
            access: 0,
            has_access: 0,
            state: 0,
            document: 0,
            error: 0,
            has_left: 0,
            reserved: 0,
            left_seconds: 0,
            at: reprieve_time::default(),
        }
    }
}

pub(crate) fn event(event: &Event) -> reprieve_event_info {
    reprieve_event_info {
        struct_size: 0,
        kind: event.kind as u32,
        record: event.record,
        index: event.index,
        access: event.access.map_or(0, |access| access.number()),
        has_access: event.access.is_some().into(),
        state: event.state.map_or(0, |state| state.number()),
        document: event.document.map_or(0, |kind| kind.number()),
        error: event.error.map_or(0, |error| error.number()),
        has_left: event.left.is_some().into(),
        reserved: 0,
        left_seconds: event.left.map_or(0, |left| left.as_seconds()),
        at: reprieve_time::of(event.at),
    }
}

/// How a client sees its ledger. Set `struct_size` to `sizeof(reprieve_ledger_info)` before the call; all else is set
/// by it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct reprieve_ledger_info {
    /// Before the call: the size of the caller's structure. After it: how much of it was written.
    pub struct_size: u32,
    /// What is known against the clock: REPRIEVE_CLOCK_*.
    pub clock: u32,
    /// What is known against the ledger: REPRIEVE_LEDGER_*.
    pub ledger: u32,
    /// Bits: REPRIEVE_FLAG_*.
    pub flags: u32,
    /// The time.
    pub t: reprieve_time,
    /// Which file of its line it is, counting from 0.
    pub generation: u64,
    /// How many records it has.
    pub records: u64,
    /// Accepted documents whose signatures do not hold with this product's keys. They give nothing.
    pub unproven: u64,
    /// The version of the policy in force; 0 if there is none.
    pub policy_version: u64,
    /// How many features there are: `reprieve_ledger_status_feature` gives each.
    pub features: u64,
}

// SAFETY: repr(C): four u32, 16 bytes, five u64, no padding.
unsafe impl Grows for reprieve_ledger_info {
    const FIRST_SIZE: usize = 72;
    fn safe() -> Self {
        reprieve_ledger_info {
            struct_size: 0,
            clock: 0,
            ledger: 0,
            flags: 0,
            t: reprieve_time::default(),
            generation: 0,
            records: 0,
            unproven: 0,
            policy_version: 0,
            features: 0,
        }
    }
}

const _: () = {
    assert!(size_of::<reprieve_time>() == 16);
    assert!(size_of::<reprieve_decision>() == reprieve_decision::FIRST_SIZE);
    assert!(size_of::<reprieve_answer>() == reprieve_answer::FIRST_SIZE);
    assert!(size_of::<reprieve_event_info>() == reprieve_event_info::FIRST_SIZE);
    assert!(size_of::<reprieve_ledger_info>() == reprieve_ledger_info::FIRST_SIZE);
};

/// Writes an instant as text: RFC 3339 in UTC with as many digits of a second as there are, such as
/// "2026-01-01T00:00:00Z"; for none, the empty text.
///
/// `len` (out, not NULL): the length, without the closing NUL that is written too. With `buffer` NULL, that is all.
/// 64 bytes are enough for any instant.
/// Statuses: REPRIEVE_STATUS_BUFFER_TOO_SMALL if `capacity` is less than the length plus one; then nothing but `len`
/// and, if there is any room, an empty text is written. REPRIEVE_STATUS_ARGUMENT if `nanos` is more than 999,999,999.
/// Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_time_format(
    time: *const reprieve_time,
    buffer: *mut c_char,
    capacity: usize,
    len: *mut usize,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises; `buffer` is written within `capacity` only.
    unsafe {
        call(error, || {
            let len = Out::new("len", len, 0);
            if !buffer.is_null() && capacity > 0 {
                buffer.write(0);
            }
            let len = len.required()?;
            if time.is_null() {
                return Err(Failure::new(REPRIEVE_STATUS_NULL_POINTER, "`time` is NULL; pass a time"));
            }
            let time = time.read();
            if time.nanos > 999_999_999 {
                return Err(crate::input::argument(format!("{} is no number of nanoseconds in a second", time.nanos)));
            }
            let text = match time.present {
                0 => String::new(),
                _ => Instant::from_parts(time.seconds, time.nanos).to_string(),
            };
            len.set(text.len());
            if buffer.is_null() {
                return Ok(());
            }
            if capacity <= text.len() {
                let why = format!("the text needs {} bytes, the buffer has {capacity}", text.len() + 1);
                return Err(Failure::new(REPRIEVE_STATUS_BUFFER_TOO_SMALL, why));
            }
            buffer.cast::<u8>().copy_from_nonoverlapping(text.as_ptr(), text.len());
            buffer.add(text.len()).write(0);
            Ok(())
        })
    }
}
