//! The boundary: every blocking call runs without the interpreter's lock, and no panic passes.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ThreadId};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyString};
use reprieve::client::{Error, ErrorKind};

/// Where the last panic was, and in which thread.
static LAST: Mutex<Option<(ThreadId, String)>> = Mutex::new(None);

/// Panics of this module say where they happened in the error that Python sees, and print nothing. The hook is this shared
/// library's own: other Rust code in the process has another.
pub fn quiet() {
    set_hook(Box::new(|info| {
        let at = info.location().map(|at| format!(" at {}:{}", at.file(), at.line())).unwrap_or_default();
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some((thread::current().id(), at));
    }));
}

/// What a panic said. The payload's own drop may panic too.
fn bug(payload: Box<dyn Any + Send>) -> Error {
    let said = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned());
    let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
    let at = match LAST.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some((thread, at)) if thread == thread::current().id() => at,
        _ => String::new(),
    };
    Error::new(ErrorKind::Internal, format!("a bug in reprieve{at}: {said}; please report it"))
}

/// Runs without the interpreter's lock; a panic is an error of kind internal.
pub fn detached<R: Send>(py: Python<'_>, call: impl FnOnce() -> Result<R, Error> + Send) -> Result<R, Error> {
    py.detach(|| caught(call))
}

/// A panic is an error of kind internal.
pub fn caught<R>(call: impl FnOnce() -> Result<R, Error>) -> Result<R, Error> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|payload| Err(bug(payload)))
}

/// The exception of an error: its class stands in `reprieve._errors`.
pub fn exception(py: Python<'_>, error: &Error) -> PyErr {
    let made = py
        .import("reprieve._errors")
        .and_then(|module| module.getattr("of"))
        .and_then(|of| of.call1((error.kind() as u32, error.message())));
    match made {
        Ok(made) => PyErr::from_value(made),
        Err(error) => error,
    }
}

/// A result for Python.
pub fn answer<R>(py: Python<'_>, result: Result<R, Error>) -> PyResult<R> {
    result.map_err(|error| exception(py, &error))
}

/// A text of Python's. Half a surrogate pair becomes U+FFFD, which no name has, so a call never fails by it before the core has
/// judged the name.
pub fn text(text: &Bound<'_, PyString>) -> String {
    text.to_string_lossy().into_owned()
}

/// An argument that is none of the words.
pub fn no_word(what: &str, word: &str, words: &str) -> Error {
    Error::new(ErrorKind::Argument, format!("`{}` is no {what}; use {words}", word.escape_debug()))
}

/// A document or an answer of the authority, as Python has it.
pub fn octets(what: &str, given: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(bytes) = given.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    if let Ok(words) = given.cast::<PyString>() {
        return Ok(text(words).into_bytes());
    }
    if let Ok(bytes) = given.cast::<PyByteArray>() {
        return Ok(bytes.to_vec());
    }
    let kind = given.get_type().name()?;
    if kind == "memoryview" {
        return given.call_method0("tobytes")?.extract();
    }
    Err(PyTypeError::new_err(format!("{what} is bytes or str, not {kind}")))
}

/// What is unpickled is not what was pickled.
pub fn corrupt() -> PyErr {
    PyValueError::new_err("this is no pickled decision of this release")
}

/// What an object of Python's holds of the core. The last handle on a ledger closes it, which may wait for another process:
/// other threads run on meanwhile.
pub struct Held<T: Send>(Option<T>);

impl<T: Send> Held<T> {
    /// Holds it.
    pub fn new(held: T) -> Held<T> {
        Held(Some(held))
    }

    /// What is held; none while it is dropped alone.
    pub fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

impl<T: Send> Drop for Held<T> {
    fn drop(&mut self) {
        let mut held = self.0.take();
        let freed = Python::try_attach(|py| {
            let held = held.take();
            let _ = detached(py, || {
                drop(held);
                Ok(())
            });
        });
        if freed.is_none() {
            let _ = caught(|| {
                drop(held);
                Ok(())
            });
        }
    }
}
