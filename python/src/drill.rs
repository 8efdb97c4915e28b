//! Drills.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use reprieve::client::{Error, ErrorKind};
use reprieve::drill::{Drill, Fault, Scenario, Task};
use reprieve::terms::Kind;
use reprieve::time::Span;
use serde_json::Value;

use crate::client::PyClient;
use crate::guard::{answer, caught, detached, no_word, text};
use crate::open::Wish;
use crate::values::ns;

/// A drill.
#[pyclass(frozen, name = "Drill", module = "reprieve._reprieve")]
pub struct PyDrill {
    drill: Mutex<Option<Drill>>,
    /// How many steps its scenario has.
    #[pyo3(get)]
    steps: usize,
    /// The process that made it: a forked child must not tidy up its parent's drill.
    pid: u32,
    broken: Arc<AtomicBool>,
}

/// A task: kind, token, SKU, feature, outage.
type TaskValue<'py> = (&'static str, Option<Bound<'py, PyBytes>>, Option<String>, Option<String>, Option<&'static str>);

fn json(what: &str, text: &str) -> Result<Value, Error> {
    serde_json::from_str(text).map_err(|error| Error::new(ErrorKind::Claims, format!("{what}: {error}")))
}

impl PyDrill {
    fn new(drill: Drill, steps: usize) -> PyDrill {
        PyDrill { drill: Mutex::new(Some(drill)), steps, pid: std::process::id(), broken: Arc::default() }
    }

    fn call<R: Send>(&self, py: Python<'_>, call: impl FnOnce(&mut Drill) -> Result<R, Error> + Send) -> PyResult<R> {
        let result = detached(py, || {
            let mut drill = self.drill.lock().unwrap_or_else(PoisonError::into_inner);
            let drill =
                drill.as_mut().ok_or_else(|| Error::new(ErrorKind::Closed, "the drill was closed; begin it anew"))?;
            call(drill)
        });
        answer(py, result)
    }

    fn end(&self) {
        let drill = self.drill.lock().unwrap_or_else(PoisonError::into_inner).take();
        if self.pid == std::process::id() {
            drop(drill);
        } else {
            std::mem::forget(drill);
        }
    }
}

impl Drop for PyDrill {
    fn drop(&mut self) {
        let this = &*self;
        let ended = Python::try_attach(|py| {
            let _ = detached(py, || {
                this.end();
                Ok(())
            });
        });
        if ended.is_none() {
            let _ = caught(|| {
                this.end();
                Ok(())
            });
        }
    }
}

#[pymethods]
impl PyDrill {
    /// Begins a scenario.
    #[staticmethod]
    fn of(py: Python<'_>, scenario: &Bound<'_, PyString>) -> PyResult<PyDrill> {
        let scenario = text(scenario);
        let made = detached(py, || {
            let scenario = Scenario::parse(&scenario)?;
            Ok(PyDrill::new(Drill::of(&scenario)?, scenario.steps.len()))
        });
        answer(py, made)
    }

    /// Makes a drill on the real clock.
    #[staticmethod]
    fn create(py: Python<'_>, folder: PathBuf, policy: Option<&Bound<'_, PyString>>) -> PyResult<PyDrill> {
        let policy = policy.map(text);
        let made = detached(py, || {
            let policy = policy.map(|policy| json("policy", &policy)).transpose()?;
            Ok(PyDrill::new(Drill::create(&folder, policy.as_ref())?, 0))
        });
        answer(py, made)
    }

    /// Opens a drill on the real clock.
    #[staticmethod]
    fn open(py: Python<'_>, folder: PathBuf) -> PyResult<PyDrill> {
        answer(py, detached(py, || Ok(PyDrill::new(Drill::open(&folder)?, 0))))
    }

    /// Its folder.
    fn folder(&self, py: Python<'_>) -> PyResult<PathBuf> {
        self.call(py, |drill| Ok(drill.folder().to_owned()))
    }

    /// The client of the moment.
    fn client(slf: &Bound<'_, Self>) -> PyResult<PyClient> {
        let this = slf.get();
        let client = this.call(slf.py(), |drill| drill.client())?;
        Ok(PyClient::new(client, this.broken.clone(), Some(slf.clone().unbind())))
    }

    /// Another client on its ledger.
    fn new_client(slf: &Bound<'_, Self>, upkeep: &Bound<'_, PyString>, lock_timeout: f64) -> PyResult<PyClient> {
        let wish =
            Wish { folder: None, witness: None, in_memory: false, upkeep: text(upkeep), lock_timeout, create: true };
        let client = slf.get().call(slf.py(), |drill| wish.on(drill.builder())?.open())?;
        Ok(PyClient::new(client, Arc::default(), Some(slf.clone().unbind())))
    }

    /// True time.
    fn now_ns(&self, py: Python<'_>) -> PyResult<i128> {
        self.call(py, |drill| Ok(ns(drill.now())))
    }

    /// Time passes.
    fn advance(&self, py: Python<'_>, nanos: i128) -> PyResult<()> {
        self.call(py, |drill| {
            if nanos < 0 {
                return Err(Error::new(ErrorKind::Argument, "time does not go back; shift the wall with set_wall"));
            }
            drill.advance(Span::nanos(nanos))
        })
    }

    /// Shifts the wall.
    fn set_wall(&self, py: Python<'_>, nanos: i128) -> PyResult<()> {
        self.call(py, |drill| drill.set_wall(Span::nanos(nanos)))
    }

    /// Does the world's part of a step.
    fn step<'py>(&self, py: Python<'py>, at: usize) -> PyResult<TaskValue<'py>> {
        let task = self.call(py, |drill| drill.step(at))?;
        Ok(match task {
            Task::Nothing => ("nothing", None, None, None, None),
            Task::Import(token) => ("import", Some(PyBytes::new(py, &token)), None, None, None),
            Task::Check { sku, feature } => ("check", None, Some(sku), Some(feature), None),
            Task::Report(outage) => ("report", None, None, None, Some(outage.as_str())),
            Task::Events => ("events", None, None, None, None),
        })
    }

    /// Issues a document.
    fn issue<'py>(
        &self,
        py: Python<'py>,
        kind: &Bound<'py, PyString>,
        claims: &Bound<'py, PyString>,
        signers: usize,
        fault: Option<&Bound<'py, PyString>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let (kind, claims, fault) = (text(kind), text(claims), fault.map(text));
        let token = self.call(py, |drill| {
            let kind = Kind::from_word(&kind).ok_or_else(|| {
                let words: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
                no_word("kind of document", &kind, &words.join(", "))
            })?;
            let fault = fault
                .map(|word| {
                    let words = "malformed, unknown_key, bad_signature, wrong_role or wrong_ledger";
                    Fault::from_word(&word).ok_or_else(|| no_word("fault", &word, words))
                })
                .transpose()?;
            drill.issue(kind, &json("claims", &claims)?, signers, fault)
        })?;
        Ok(PyBytes::new(py, &token))
    }

    /// Ends the drill; a temporary folder goes with it.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let ended = detached(py, || {
            self.end();
            Ok(())
        });
        answer(py, ended)
    }
}
