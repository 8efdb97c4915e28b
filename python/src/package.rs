//! What stands in Python: the words as enumerations, instants as `datetime`, answers as immutable values. Fetched once, by the
//! first call that needs it.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;
use reprieve::terms::{Access, ClockStanding, LedgerStanding, LicenseState, Reason};
use reprieve::time::Instant;

use crate::values::ns;

/// The modules `reprieve._values` and `reprieve._events`, and what is asked for often.
pub struct Package {
    values: Py<PyAny>,
    events: Py<PyAny>,
    utc: Py<PyAny>,
    /// The words' members, in the order of their numbers.
    access: Vec<Py<PyAny>>,
    state: Vec<Py<PyAny>>,
    reason: Vec<Py<PyAny>>,
    clock: Vec<Py<PyAny>>,
    ledger: Vec<Py<PyAny>>,
}

static PACKAGE: PyOnceLock<Package> = PyOnceLock::new();

/// The package.
pub fn package(py: Python<'_>) -> PyResult<&'static Package> {
    PACKAGE.get_or_try_init(py, || Package::load(py))
}

impl Package {
    fn load(py: Python<'_>) -> PyResult<Package> {
        let (values, words) = (py.import("reprieve._values")?, py.import("reprieve._words")?);
        let members = |name: &str, words_of: Vec<&'static str>| {
            let kind = words.getattr(name)?;
            words_of.into_iter().map(|word| Ok(kind.call1((word,))?.unbind())).collect::<PyResult<Vec<_>>>()
        };
        Ok(Package {
            utc: values.getattr("utc")?.unbind(),
            events: py.import("reprieve._events")?.into_any().unbind(),
            access: members("Access", Access::ALL.iter().map(|word| word.as_str()).collect())?,
            state: members("State", LicenseState::ALL.iter().map(|word| word.as_str()).collect())?,
            reason: members("Reason", Reason::ALL.iter().map(|word| word.as_str()).collect())?,
            clock: members("Clock", ClockStanding::ALL.iter().map(|word| word.as_str()).collect())?,
            ledger: members("Ledger", LedgerStanding::ALL.iter().map(|word| word.as_str()).collect())?,
            values: values.into_any().unbind(),
        })
    }

    /// Calls a function of `reprieve._values`.
    pub fn value<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        given: impl IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error = PyErr>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.values.bind(py).getattr(name)?.call1(given.into_pyobject(py)?)
    }

    /// Calls a function of `reprieve._events`.
    pub fn events<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        given: impl IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error = PyErr>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.events.bind(py).getattr(name)?.call1(given.into_pyobject(py)?)
    }

    /// An instant as a `datetime`.
    pub fn utc<'py>(&self, py: Python<'py>, instant: Instant) -> PyResult<Bound<'py, PyAny>> {
        self.utc.bind(py).call1((ns(instant),))
    }

    /// A member of `Access`.
    pub fn access<'py>(&self, py: Python<'py>, word: Access) -> PyResult<Bound<'py, PyAny>> {
        member(py, &self.access, Access::ALL, word)
    }

    /// A member of `State`.
    pub fn state<'py>(&self, py: Python<'py>, word: LicenseState) -> PyResult<Bound<'py, PyAny>> {
        member(py, &self.state, LicenseState::ALL, word)
    }

    /// A member of `Reason`.
    pub fn reason<'py>(&self, py: Python<'py>, word: Reason) -> PyResult<Bound<'py, PyAny>> {
        member(py, &self.reason, Reason::ALL, word)
    }

    /// A member of `Clock`.
    pub fn clock<'py>(&self, py: Python<'py>, word: ClockStanding) -> PyResult<Bound<'py, PyAny>> {
        member(py, &self.clock, ClockStanding::ALL, word)
    }

    /// A member of `Ledger`.
    pub fn ledger<'py>(&self, py: Python<'py>, word: LedgerStanding) -> PyResult<Bound<'py, PyAny>> {
        member(py, &self.ledger, LedgerStanding::ALL, word)
    }
}

fn member<'py, W: PartialEq + 'static>(
    py: Python<'py>,
    members: &[Py<PyAny>],
    all: &'static [W],
    word: W,
) -> PyResult<Bound<'py, PyAny>> {
    let at = all.iter().position(|known| *known == word);
    let found = at.and_then(|at| members.get(at)).map(|member| member.bind(py).clone());
    found.ok_or_else(|| pyo3::exceptions::PyLookupError::new_err("a word that this package does not know"))
}
