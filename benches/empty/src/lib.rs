//! Python methods that do nothing, of the shapes that the package has.

use pyo3::prelude::*;
use rustix::time::{ClockId, clock_gettime};

/// In the place of a feature.
#[pyclass(frozen)]
struct Feature;

#[pymethods]
impl Feature {
    #[new]
    fn new() -> Feature {
        Feature
    }

    fn check(&self) -> bool {
        true
    }
}

/// In the place of a client.
#[pyclass(frozen)]
struct Client;

#[pymethods]
impl Client {
    #[new]
    fn new() -> Client {
        Client
    }

    fn allowed(&self, feature: &Bound<'_, Feature>) -> bool {
        let _ = feature;
        true
    }

    /// The same with what no check can do without: a look at the coarse clock.
    fn clock(&self, feature: &Bound<'_, Feature>) -> bool {
        let _ = feature;
        clock_gettime(ClockId::RealtimeCoarse).tv_sec != 0
    }
}

#[pymodule]
fn empty(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Feature>()?;
    module.add_class::<Client>()
}
