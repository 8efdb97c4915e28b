//! What the core answers, as plain values: words as text, instants as whole nanoseconds since 1970.

use std::sync::Arc;

use pyo3::prelude::*;
use reprieve::client::{Answer, Decision, Event, Status, json};
use reprieve::time::Instant;

/// Nanoseconds since 1970-01-01T00:00:00Z.
pub fn ns(instant: Instant) -> i128 {
    (instant - Instant::EPOCH).as_nanos()
}

/// A decision.
#[pyclass(frozen, name = "Decision", module = "reprieve._reprieve")]
pub struct PyDecision(pub Arc<Decision>);

#[pymethods]
impl PyDecision {
    /// When it was decided.
    #[getter]
    fn t_ns(&self) -> i128 {
        ns(self.0.t)
    }

    /// The product.
    #[getter]
    fn sku(&self) -> &str {
        &self.0.sku
    }

    /// The feature.
    #[getter]
    fn feature(&self) -> &str {
        &self.0.feature
    }

    /// The access.
    #[getter]
    fn access(&self) -> &'static str {
        self.0.access.as_str()
    }

    /// Whether access is limited or full.
    #[getter]
    fn allowed(&self) -> bool {
        use reprieve::terms::Access;
        matches!(self.0.access, Access::Limited | Access::Full)
    }

    /// The state.
    #[getter]
    fn state(&self) -> Option<&'static str> {
        self.0.state.map(|state| state.as_str())
    }

    /// The reason.
    #[getter]
    fn reason(&self) -> Option<&'static str> {
        self.0.reason.map(|reason| reason.as_str())
    }

    /// When it changes.
    #[getter]
    fn until_ns(&self) -> Option<i128> {
        self.0.until.map(ns)
    }

    /// When access ends.
    #[getter]
    fn ends_ns(&self) -> Option<i128> {
        self.0.ends.map(ns)
    }

    /// The clock's standing.
    #[getter]
    fn clock(&self) -> &'static str {
        self.0.clock.as_str()
    }

    /// The ledger's standing.
    #[getter]
    fn ledger(&self) -> &'static str {
        self.0.ledger.as_str()
    }

    /// The licence that answers.
    #[getter]
    fn license(&self) -> Option<&str> {
        self.0.license.as_deref()
    }

    /// When its lease ends.
    #[getter]
    fn lease_end_ns(&self) -> Option<i128> {
        self.0.lease_end.map(ns)
    }

    /// Whether the ledger lies in memory, is of a newer release, a drill's, cannot be read at the moment.
    #[getter]
    fn flags(&self) -> (bool, bool, bool, bool) {
        let flags = self.0.flags;
        (flags.in_memory, flags.newer, flags.drill, flags.detached)
    }

    /// All of it and why, as JSON, with the keys that every language has.
    #[getter]
    fn why(&self) -> String {
        json::decision(&self.0).to_string()
    }
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
    (bool, bool, bool, bool),
    (String, Option<std::path::PathBuf>, u64, u64, Option<(String, u64)>, u64),
    Vec<PyDecision>,
);

/// A status's value.
pub fn status(status: Status) -> StatusValue {
    let flags = status.flags;
    (
        ns(status.t),
        status.clock.as_str(),
        status.ledger.as_str(),
        (flags.in_memory, flags.newer, flags.drill, flags.detached),
        (status.ledger_id, status.folder, status.generation, status.records, status.policy, status.unproven),
        status.features.into_iter().map(|decision| PyDecision(Arc::new(decision))).collect(),
    )
}
