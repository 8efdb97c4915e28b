//! What the core answers, as plain values: words as text, instants as whole nanoseconds since 1970. `reprieve._values` makes of
//! them what Python sees.

use std::sync::Arc;

use pyo3::prelude::*;
use reprieve::client::{Answer, Event, Status};
use reprieve::grace::Flags;
use reprieve::time::Instant;

use crate::decision::PyExplained;

/// Nanoseconds since 1970-01-01T00:00:00Z.
pub fn ns(instant: Instant) -> i128 {
    (instant - Instant::EPOCH).as_nanos()
}

/// Flags: in memory, newer, drill, detached.
pub type FlagsValue = (bool, bool, bool, bool);

/// The value of flags.
pub fn flags(flags: Flags) -> FlagsValue {
    (flags.in_memory, flags.newer, flags.drill, flags.detached)
}

/// An event: record, index, kind, at, licence, feature, access, state, reason, left, document, error, text.
pub type EventValue = (
    u64,
    u32,
    &'static str,
    i128,
    (Option<String>, Option<String>),
    (Option<&'static str>, Option<&'static str>, Option<&'static str>, Option<i64>),
    (Option<&'static str>, Option<&'static str>, Option<String>),
);

/// An event's value.
pub fn event(event: Event) -> EventValue {
    (
        event.record,
        event.index,
        event.kind.as_str(),
        ns(event.at),
        (event.license, event.feature),
        (
            event.access.map(|access| access.as_str()),
            event.state.map(|state| state.as_str()),
            event.reason,
            event.left.map(|left| left.as_seconds()),
        ),
        (event.document.map(|kind| kind.as_str()), event.error.map(|error| error.as_str()), event.text),
    )
}

/// An answer: kind, licence, accepted, known, fresh, error, detail.
pub type AnswerValue = (Option<&'static str>, Option<String>, bool, bool, bool, Option<&'static str>, String);

/// An answer's value.
pub fn answer(answer: Answer) -> AnswerValue {
    (
        answer.kind.map(|kind| kind.as_str()),
        answer.license,
        answer.accepted,
        answer.known,
        answer.fresh,
        answer.error.map(|error| error.as_str()),
        answer.detail,
    )
}

/// A status: t, clock, ledger, flags, (ledger id, folder, generation, records, policy, unproven), features.
pub type StatusValue = (
    i128,
    &'static str,
    &'static str,
    FlagsValue,
    (String, Option<std::path::PathBuf>, u64, u64, Option<(String, u64)>, u64),
    Vec<Py<PyExplained>>,
);

/// A status's value.
pub fn status(py: Python<'_>, status: Status) -> PyResult<StatusValue> {
    let features = status.features.into_iter().map(|decision| PyExplained::of(py, Arc::new(decision)));
    Ok((
        ns(status.t),
        status.clock.as_str(),
        status.ledger.as_str(),
        flags(status.flags),
        (status.ledger_id, status.folder, status.generation, status.records, status.policy, status.unproven),
        features.collect::<PyResult<_>>()?,
    ))
}
