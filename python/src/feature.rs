//! A feature, to ask about in every frame. Its checks copy a decision and wait for nothing, so they keep the interpreter's lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyTuple};
use reprieve::client::{Brief, Error, ErrorKind, Feature};

use crate::client::{PyClient, broken, unknown};
use crate::decision::{PyDecision, PyExplained, allows, names};
use crate::drill::PyDrill;
use crate::guard::{Held, caught, detached, exception};

/// A feature of a product, to ask about again and again: get one from :meth:`Client.feature`.
///
/// It keeps its client's ledger open until it is collected, or until the client is closed: then access is ``unknown``. It may be
/// used from any thread, and a forked child may go on with it as with its client. It cannot be pickled.
///
/// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
/// ...     core = client.feature("cad", "core")
/// ...     token = drill.issue("lease", {"license": "L1", "sku": "cad", "features": {"core": 1767312000}})
/// ...     assert client.import_document(token).accepted
/// ...     for frame in range(3):
/// ...         assert core.allowed()
#[pyclass(frozen, name = "Feature", module = "reprieve")]
pub struct PyFeature {
    feature: Held<Feature>,
    names: Py<PyTuple>,
    broken: Arc<AtomicBool>,
    _drill: Option<Py<PyDrill>>,
}

impl PyFeature {
    /// A feature of a client with this mark.
    pub fn new(
        py: Python<'_>,
        feature: Feature,
        broken: Arc<AtomicBool>,
        drill: Option<Py<PyDrill>>,
    ) -> PyResult<PyFeature> {
        let names = names(py, feature.sku(), feature.name())?;
        Ok(PyFeature { feature: Held::new(feature), names, broken, _drill: drill })
    }

    /// Its client's mark.
    pub fn broken(&self) -> &Arc<AtomicBool> {
        &self.broken
    }

    fn decide(&self) -> Brief {
        if let Some(feature) = self.feature.get()
            && !self.broken.load(Ordering::Acquire)
            && let Ok(brief) = caught(|| Ok(feature.check()))
        {
            return brief;
        }
        self.undecided()
    }

    /// A check panicked, or another call on the client had.
    #[cold]
    fn undecided(&self) -> Brief {
        self.broken.store(true, Ordering::Release);
        Brief::of(&unknown("", "", &broken()))
    }
}

#[pymethods]
impl PyFeature {
    /// May the product use it now?
    ///
    /// Never waits for another process and never fails: what could not be decided has access ``unknown``, and :meth:`explain` says
    /// why. Between two looks at the ledger, some 10 ms apart (with ``upkeep="own"``, between two upkeeps), it copies the same decision:
    /// no lock, no system call.
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    /// ...     print(client.feature("cad", "core").check())
    /// <Decision cad/core: denied, unlicensed>
    fn check(&self, py: Python<'_>) -> PyDecision {
        PyDecision::new(self.decide(), self.names.clone_ref(py))
    }

    /// Whether access is ``limited`` or ``full`` now: the shortest way to ask.
    ///
    /// False for ``denied``, and for ``unknown`` too, which is no refusal: where the difference matters, ask :meth:`check`.
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    /// ...     print(client.feature("cad", "core").allowed())
    /// False
    fn allowed(&self) -> bool {
        allows(self.decide().access())
    }

    /// Why a check would answer as it does at this moment: a dict of plain values, as :meth:`ExplainedDecision.explain` gives it.
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    /// ...     print(client.feature("cad", "core").explain()["rule"])
    /// J1
    fn explain<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let decided = match self.feature.get() {
            Some(feature) if !self.broken.load(Ordering::Acquire) => detached(py, || Ok(feature.explain())),
            _ => Err(broken()),
        };
        let decision = match decided {
            Ok(decision) => decision,
            Err(error) => {
                self.broken.store(true, Ordering::Release);
                let (sku, name) = self.names.extract::<(String, String)>(py)?;
                Arc::new(unknown(&sku, &name, &error))
            }
        };
        PyExplained::of(py, decision)?.into_bound(py).call_method0("explain")
    }

    /// The product.
    #[getter]
    fn sku<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.names.bind(py).get_item(0)
    }

    /// The feature's name.
    #[getter]
    fn name<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.names.bind(py).get_item(1)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (sku, name) = self.names.extract::<(String, String)>(py)?;
        Ok(format!("<Feature {sku}/{name}>"))
    }
}

const ALLOWED: &std::ffi::CStr = c"allowed($self, feature, /)
--

Whether access to a feature is ``limited`` or ``full`` now: the fastest way to ask, for every frame.

False for ``denied``, and for ``unknown`` too, which is no refusal: where the difference matters, ask :meth:`Feature.check`. Never
waits for another process; a client that was closed is ``unknown``.

>>> with Drill('{\"sku\": \"cad\", \"steps\": []}') as drill, drill.client as client:
...     core = client.feature(\"cad\", \"core\")
...     print(client.allowed(core))
False

Args:
    feature: from this client's :meth:`feature`.

Raises:
    ArgumentError: the feature is another client's.";

/// `Client.allowed(feature)`. With the stable ABI of CPython 3.8, PyO3 hands arguments over in a tuple, which takes longer than
/// all the rest of the call; a method of one argument (`METH_O`) gets it as it is. (measured: 57 ns against 20 ns on 3.11.)
unsafe extern "C" fn allowed(client: *mut ffi::PyObject, feature: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: CPython calls this with the thread attached and with two live objects that it keeps alive for the call. The
    // first is a `Client`: the descriptor of a method checks that before it calls.
    let (py, client, feature) = unsafe {
        let py = Python::assume_attached();
        (py, Bound::ref_from_ptr(py, &client).cast_unchecked::<PyClient>(), Bound::ref_from_ptr(py, &feature))
    };
    if let Ok(feature) = feature.cast::<PyFeature>()
        && client.get().has(feature.get())
    {
        let answer = PyBool::new(py, allows(feature.get().decide().access()));
        return answer.to_owned().into_ptr();
    }
    Python::attach(|py| {
        let error = match feature.cast::<PyFeature>() {
            Ok(_) => {
                let text = "the feature is another client's; ask that client, or feature.allowed()";
                exception(py, &Error::new(ErrorKind::Argument, text))
            }
            Err(_) => PyTypeError::new_err("a feature comes from client.feature(sku, feature)"),
        };
        error.restore(py);
    });
    std::ptr::null_mut()
}

/// Gives `Client` its method `allowed`.
pub fn add_allowed(py: Python<'_>) -> PyResult<()> {
    let client = py.get_type::<PyClient>();
    // It lives as long as the method, which is as long as the process.
    let method = Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: c"allowed".as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunction: allowed },
        ml_flags: ffi::METH_O,
        ml_doc: ALLOWED.as_ptr(),
    }));
    // SAFETY: the type is a live type object; the definition is as METH_O wants it and is never freed; what is returned is a
    // new reference, or null with an exception set.
    let method = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyDescr_NewMethod(client.as_ptr().cast(), method))? };
    client.setattr("allowed", method)
}
