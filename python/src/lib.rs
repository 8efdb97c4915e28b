//! The Python extension `reprieve._reprieve`: the client and drills as plain values. The package `reprieve` around it gives them
//! their types, words and documentation.

mod client;
mod drill;
mod guard;
mod values;

use pyo3::prelude::*;
use reprieve::drill::Drill;
use reprieve::time::{Instant, Span};

/// RFC 3339 in UTC, exactly as every other language prints it.
#[pyfunction]
fn text(ns: i128) -> String {
    (Instant::EPOCH + Span::nanos(ns)).to_string()
}

#[pymodule]
fn _reprieve(module: &Bound<'_, PyModule>) -> PyResult<()> {
    guard::quiet();
    module.add_class::<values::PyDecision>()?;
    module.add_class::<client::PyClient>()?;
    module.add_class::<drill::PyDrill>()?;
    module.add_function(wrap_pyfunction!(client::open_ledger, module)?)?;
    module.add_function(wrap_pyfunction!(text, module)?)?;
    module.add("CONSUMER", Drill::CONSUMER)?;
    module.add("VERSION", env!("CARGO_PKG_VERSION"))?;
    Ok(())
}
