//! Decisions: values that hold what the core answered, and make Python objects of it when asked.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use reprieve::client::{Brief, Decision, json};
use reprieve::grace::{Explanation, Flags, Holds};
use reprieve::terms::{Access, ClockStanding, LedgerStanding, LicenseState, Reason};
use reprieve::time::{Instant, Span};

use crate::guard::corrupt;
use crate::package::package;
use crate::values::{FlagsValue, flags, ns};

/// Whether access is limited or full.
pub fn allows(access: Access) -> bool {
    matches!(access, Access::Limited | Access::Full)
}

/// A SKU's and a feature's name, as a tuple of Python's.
pub fn names(py: Python<'_>, sku: &str, feature: &str) -> PyResult<Py<PyTuple>> {
    Ok(PyTuple::new(py, [sku, feature])?.unbind())
}

/// May the product use a feature, and how long?
///
/// Given by :meth:`Feature.check`. What :meth:`Client.check` gives says also why: it is an :class:`ExplainedDecision`.
///
/// Immutable; equal if everything in it is; it can be hashed, pickled and shared between threads.
///
/// Instants come twice: as ``datetime`` in UTC, which has microseconds and ends with the year 9999 (what lies beyond is cut), and
/// with the ending ``_ns`` as whole nanoseconds since 1970-01-01T00:00:00Z, which is exact. :func:`reprieve.text` writes the
/// latter as every other language does.
///
/// A decision has no truth value: ``if feature.check()`` would be true for a refusal too, so it raises ``TypeError``, whatever was
/// decided. Ask :attr:`allowed`, or compare :attr:`access`.
///
/// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
/// ...     decision = client.feature("cad", "core").check()
/// ...     print(decision.access, decision.state, decision.allowed, decision.t)
/// denied unlicensed False 2026-01-01 00:00:00+00:00
#[pyclass(frozen, subclass, name = "Decision", module = "reprieve")]
pub struct PyDecision {
    brief: Brief,
    names: Py<PyTuple>,
}

impl PyDecision {
    /// A decision about a feature of these names.
    pub fn new(brief: Brief, names: Py<PyTuple>) -> PyDecision {
        PyDecision { brief, names }
    }

    fn fields(&self, py: Python<'_>, why: Option<(Option<String>, String)>) -> Fields {
        let brief = &self.brief;
        (
            self.names.clone_ref(py),
            (
                brief.access().as_str().to_owned(),
                brief.state().map(|state| state.as_str().to_owned()),
                brief.reason().map(|reason| reason.as_str().to_owned()),
                brief.clock().as_str().to_owned(),
                brief.ledger().as_str().to_owned(),
            ),
            brief.stage(),
            (ns(brief.t()), brief.until().map(ns), brief.ends().map(ns), brief.lease_end().map(ns)),
            flags(brief.flags()),
            why,
        )
    }
}

/// What a decision is pickled as: names, words, stage, instants, flags; and of an explained one its licence and reasons.
type Fields = (
    Py<PyTuple>,
    (String, Option<String>, Option<String>, String, String),
    Option<u32>,
    (i128, Option<i128>, Option<i128>, Option<i128>),
    FlagsValue,
    Option<(Option<String>, String)>,
);

#[pymethods]
impl PyDecision {
    /// What the feature may do: a member of :class:`Access`.
    #[getter]
    fn access<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        package(py)?.access(py, self.brief.access())
    }

    /// Whether access is ``limited`` or ``full``. False for ``unknown`` too: what that means is the product's choice.
    #[getter]
    fn allowed(&self) -> bool {
        allows(self.brief.access())
    }

    /// Where the feature stands: a member of :class:`State`. None if access is ``unknown``.
    #[getter]
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.brief.state().map(|state| package(py)?.state(py, state)).transpose()
    }

    /// What grants grace, in grace: a member of :class:`Reason`.
    #[getter]
    fn reason<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.brief.reason().map(|reason| package(py)?.reason(py, reason)).transpose()
    }

    /// The stage of the grace, counting from 0, in grace.
    #[getter]
    fn stage(&self) -> Option<u32> {
        self.brief.stage()
    }

    /// The product.
    #[getter]
    fn sku<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.names.bind(py).get_item(0)
    }

    /// The feature's name.
    #[getter]
    fn feature<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.names.bind(py).get_item(1)
    }

    /// When it was decided, by trusted time.
    #[getter]
    fn t<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        package(py)?.utc(py, self.brief.t())
    }

    /// The same in nanoseconds since 1970, exactly.
    #[getter]
    fn t_ns(&self) -> i128 {
        ns(self.brief.t())
    }

    /// The next instant at which access, state or reason changes if nothing else arrives. None if there is none.
    #[getter]
    fn until<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.brief.until().map(|until| package(py)?.utc(py, until)).transpose()
    }

    /// The same in nanoseconds since 1970, exactly.
    #[getter]
    fn until_ns(&self) -> Option<i128> {
        self.brief.until().map(ns)
    }

    /// The first later instant at which access is denied. None if it is denied now, or never will be.
    #[getter]
    fn ends<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.brief.ends().map(|ends| package(py)?.utc(py, ends)).transpose()
    }

    /// The same in nanoseconds since 1970, exactly.
    #[getter]
    fn ends_ns(&self) -> Option<i128> {
        self.brief.ends().map(ns)
    }

    /// When the lease itself ends: grace is what comes after.
    #[getter]
    fn lease_end<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.brief.lease_end().map(|end| package(py)?.utc(py, end)).transpose()
    }

    /// The same in nanoseconds since 1970, exactly.
    #[getter]
    fn lease_end_ns(&self) -> Option<i128> {
        self.brief.lease_end().map(ns)
    }

    /// What is known against the clock: a member of :class:`Clock`.
    #[getter]
    fn clock<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        package(py)?.clock(py, self.brief.clock())
    }

    /// What is known against the ledger: a member of :class:`Ledger`.
    #[getter]
    fn ledger<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        package(py)?.ledger(py, self.brief.ledger())
    }

    /// What else there is to say of the ledger that was read: :class:`Flags`.
    #[getter]
    fn flags<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        package(py)?.value(py, "Flags", flags(self.brief.flags()))
    }

    fn __bool__(&self) -> PyResult<bool> {
        let text = "a Decision is neither true nor false; ask decision.allowed, or compare decision.access";
        Err(pyo3::exceptions::PyTypeError::new_err(text))
    }

    fn __eq__(&self, other: &Bound<'_, PyDecision>) -> PyResult<bool> {
        let theirs = other.get();
        Ok(self.brief == theirs.brief && self.names.bind(other.py()).eq(theirs.names.bind(other.py()))?)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        PyTuple::new(py, [self.t_ns().into_pyobject(py)?.as_any(), self.names.bind(py).as_any()])?.hash()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let brief = &self.brief;
        let (sku, feature) = self.names.extract::<(String, String)>(py)?;
        let mut words = vec![brief.access().as_str()];
        words.extend(brief.state().map(|state| state.as_str()));
        words.extend(brief.reason().map(|reason| reason.as_str()));
        let until = brief.ends().map(|ends| format!(" until {ends}")).unwrap_or_default();
        Ok(format!("<Decision {sku}/{feature}: {}{until}>", words.join(", ")))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Fields,))> {
        Ok((restore(py)?, (self.fields(py, None),)))
    }
}

/// A decision, and why it is as it is. Given by :meth:`Client.check` and :attr:`Status.features`.
///
/// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
/// ...     decision = client.check("cad", "core")
/// ...     print(decision.state, decision.license, decision.explain()["rule"])
/// unlicensed None J1
#[pyclass(frozen, extends = PyDecision, name = "ExplainedDecision", module = "reprieve")]
pub struct PyExplained(Why);

enum Why {
    Decided(Arc<Decision>),
    Restored { license: Option<String>, json: String },
}

impl PyExplained {
    /// The value of a decision.
    pub fn of(py: Python<'_>, decision: Arc<Decision>) -> PyResult<Py<PyExplained>> {
        let base = PyDecision::new(Brief::of(&decision), names(py, &decision.sku, &decision.feature)?);
        Py::new(py, PyClassInitializer::from(base).add_subclass(PyExplained(Why::Decided(decision))))
    }

    fn json(&self) -> String {
        match &self.0 {
            Why::Decided(decision) => json::decision(decision).to_string(),
            Why::Restored { json, .. } => json.clone(),
        }
    }
}

#[pymethods]
impl PyExplained {
    /// The licence that answers.
    #[getter]
    fn license(&self) -> Option<&str> {
        match &self.0 {
            Why::Decided(decision) => decision.license.as_deref(),
            Why::Restored { license, .. } => license.as_deref(),
        }
    }

    /// The decision and why it was made: the rule of ``docs/semantics.md``, the cover that holds, the evidence, and the ways out.
    ///
    /// A new dict of plain values, ready for JSON, with the keys that every language has; instants are RFC 3339 text. ``trouble``
    /// says in English why access is ``unknown``, and is None otherwise. More keys may follow.
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    /// ...     why = client.check("cad", "core").explain()
    /// ...     print(why["rule"], [way["way"] for way in why["ways_out"]])
    /// J1 ['renew', 'lease_by_file']
    fn explain<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        package(py)?.value(py, "explanation", (self.json(),))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Fields,))> {
        let this = slf.get();
        let why = Some((this.license().map(str::to_owned), this.json()));
        Ok((restore(slf.py())?, (slf.as_super().get().fields(slf.py(), why),)))
    }
}

fn restore(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    py.import("reprieve._reprieve")?.getattr("_restore")
}

/// What was pickled.
#[pyfunction]
#[pyo3(name = "_restore")]
pub fn restored(py: Python<'_>, fields: Fields) -> PyResult<Py<PyAny>> {
    let instant = |ns: i128| Instant::EPOCH + Span::nanos(ns);
    let (names, (access, state, reason, clock, ledger), stage, (t, until, ends, lease_end), flags, why) = fields;
    let (sku, feature) = names.extract::<(String, String)>(py)?;
    let access = Access::from_word(&access).ok_or_else(corrupt)?;
    let reason = reason.map(|word| Reason::from_word(&word).ok_or_else(corrupt)).transpose()?;
    // Of the cover the stage alone is in a brief decision.
    let cover = stage.map(|stage| Holds {
        reason: reason.unwrap_or(Reason::Unknown),
        start: Instant::EPOCH,
        end: Instant::EPOCH,
        stage: stage as usize,
        counts: false,
        policy: None,
        tier: None,
        notice: None,
    });
    let brief = Brief::of(&Decision {
        t: instant(t),
        sku,
        feature,
        access,
        state: state.map(|word| LicenseState::from_word(&word).ok_or_else(corrupt)).transpose()?,
        reason,
        until: until.map(instant),
        ends: ends.map(instant),
        clock: ClockStanding::from_word(&clock).ok_or_else(corrupt)?,
        ledger: LedgerStanding::from_word(&ledger).ok_or_else(corrupt)?,
        license: None,
        lease_end: lease_end.map(instant),
        flags: Flags { in_memory: flags.0, newer: flags.1, drill: flags.2, detached: flags.3 },
        why: Explanation { cover, ..Explanation::default() },
    });
    let base = PyDecision::new(brief, names);
    match why {
        None => Ok(Py::new(py, base)?.into_any()),
        Some((license, json)) => {
            let whole = PyClassInitializer::from(base).add_subclass(PyExplained(Why::Restored { license, json }));
            Ok(Py::new(py, whole)?.into_any())
        }
    }
}
