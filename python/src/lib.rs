//! The Python extension `reprieve._reprieve`. The package `reprieve` around it has the words, the immutable values and what is
//! easier said in Python.

mod client;
mod decision;
mod drill;
mod feature;
mod guard;
mod open;
mod package;
mod renewer;
mod values;
mod verify;

use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;
use reprieve::drill::Drill;
use reprieve::time::{Instant, Span};

/// What the Python part of the package and this module have agreed on: each refuses another number of the other's.
const INTERFACE: u32 = 1;

/// RFC 3339 in UTC, exactly as every other language prints it.
#[pyfunction]
fn text(ns: i128) -> String {
    (Instant::EPOCH + Span::nanos(ns)).to_string()
}

/// Enumerations and functions of Python's are kept for the process, so they must be one interpreter's. CPython 3.12 and later see
/// to that by themselves. Which interpreter this is tells its module `builtins`, of which each has its own.
fn one_interpreter(py: Python<'_>) -> PyResult<()> {
    static FIRST: AtomicUsize = AtomicUsize::new(0);
    let this = py.import("builtins")?.as_ptr() as usize;
    match FIRST.compare_exchange(0, this, Ordering::AcqRel, Ordering::Acquire) {
        Err(first) if first != this => {
            let text = "reprieve serves the interpreter that imported it first, and no subinterpreter beside it";
            Err(PyImportError::new_err(text))
        }
        _ => Ok(()),
    }
}

// All that it holds may be used from any number of threads at once, with or without an interpreter's lock.
#[pymodule(gil_used = false)]
fn _reprieve(module: &Bound<'_, PyModule>) -> PyResult<()> {
    one_interpreter(module.py())?;
    guard::quiet();
    module.add_class::<decision::PyDecision>()?;
    module.add_class::<decision::PyExplained>()?;
    module.add_class::<client::PyClient>()?;
    module.add_class::<feature::PyFeature>()?;
    module.add_class::<drill::PyDrill>()?;
    module.add_class::<renewer::PyRenewer>()?;
    feature::add_allowed(module.py())?;
    module.add_function(wrap_pyfunction!(open::open_ledger, module)?)?;
    module.add_function(wrap_pyfunction!(verify::verify, module)?)?;
    module.add_function(wrap_pyfunction!(decision::restored, module)?)?;
    module.add_function(wrap_pyfunction!(text, module)?)?;
    module.add("MAX_ANSWER", reprieve::renew::MAX_ANSWER)?;
    module.add("CONSUMER", Drill::CONSUMER)?;
    module.add("INTERFACE", INTERFACE)?;
    module.add("VERSION", env!("CARGO_PKG_VERSION"))?;
    Ok(())
}
