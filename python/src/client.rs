//! The client.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use reprieve::client::{App, Builder, Client, Decision, Error, ErrorKind, Upkeep};
use reprieve::grace::{Explanation, Flags};
use reprieve::terms::{Access, ClockStanding, LedgerStanding, Outage};
use reprieve::time::{Instant, Span};

use crate::guard::{answer, caught, detached, no_word, text};
use crate::values::{self, AnswerValue, EventValue, PyDecision, StatusValue, ns};

/// An open ledger.
#[pyclass(frozen, name = "Client", module = "reprieve._reprieve")]
pub struct PyClient {
    /// Taken by drop alone.
    client: Option<Client>,
    /// A call panicked: what it left behind is not believed, and every later call says so.
    broken: Arc<AtomicBool>,
}

fn broken() -> Error {
    Error::new(
        ErrorKind::Internal,
        "an earlier call on this client met a bug in reprieve; close it and open the ledger again",
    )
}

impl PyClient {
    /// A handle on an open ledger; `broken` is shared by all handles on it.
    pub fn new(client: Client, broken: Arc<AtomicBool>) -> PyClient {
        PyClient { client: Some(client), broken }
    }

    fn attempt<R: Send>(
        &self,
        py: Python<'_>,
        call: impl FnOnce(&Client) -> Result<R, Error> + Send,
    ) -> Result<R, Error> {
        let client = self.client.as_ref().ok_or_else(broken)?;
        if self.broken.load(Ordering::Acquire) {
            return Err(broken());
        }
        let mut returned = false;
        let result = detached(py, || {
            let result = call(client);
            returned = true;
            result
        });
        if !returned {
            self.broken.store(true, Ordering::Release);
        }
        result
    }

    fn call<R: Send>(&self, py: Python<'_>, call: impl FnOnce(&Client) -> Result<R, Error> + Send) -> PyResult<R> {
        answer(py, self.attempt(py, call))
    }
}

impl Drop for PyClient {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        let mut client = Some(client);
        // The last handle closes the ledger, which may wait for another process: others run on meanwhile.
        let freed = Python::try_attach(|py| {
            let client = client.take();
            let _ = detached(py, || {
                drop(client);
                Ok(())
            });
        });
        if freed.is_none() {
            let _ = caught(|| {
                drop(client);
                Ok(())
            });
        }
    }
}

#[pymethods]
impl PyClient {
    /// A decision. Never fails.
    fn check(&self, py: Python<'_>, sku: &Bound<'_, PyString>, feature: &Bound<'_, PyString>) -> PyDecision {
        let (sku, feature) = (text(sku), text(feature));
        let decided = self.attempt(py, |client| Ok(client.check(&sku, &feature)));
        PyDecision(decided.unwrap_or_else(|error| Arc::new(unknown(sku, feature, &error))))
    }

    /// Imports a document.
    fn import_document(&self, py: Python<'_>, token: &[u8]) -> PyResult<AnswerValue> {
        self.call(py, |client| client.import(token)).map(values::answer)
    }

    /// Reports an outage.
    fn report(&self, py: Python<'_>, outage: &Bound<'_, PyString>) -> PyResult<bool> {
        let word = text(outage);
        self.call(py, |client| {
            let outage =
                Outage::from_word(&word).ok_or_else(|| no_word("outage", &word, "\"network\" or \"server\""))?;
            client.report(outage)
        })
    }

    /// Makes a renewal request: nonce and body.
    fn request<'py>(&self, py: Python<'py>) -> PyResult<(String, Bound<'py, PyBytes>)> {
        self.call(py, Client::request).map(|request| (request.nonce, PyBytes::new(py, &request.body)))
    }

    /// Takes the authority's answer.
    fn renew(&self, py: Python<'_>, answer: &[u8]) -> PyResult<Vec<AnswerValue>> {
        self.call(py, |client| client.renew(answer)).map(|all| all.into_iter().map(values::answer).collect())
    }

    /// The renewal servers.
    fn endpoints(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        self.call(py, |client| Ok(client.endpoints().to_vec()))
    }

    /// The next event of a consumer.
    fn next_event(&self, py: Python<'_>, consumer: &Bound<'_, PyString>) -> PyResult<Option<EventValue>> {
        let consumer = text(consumer);
        self.call(py, |client| client.next_event(&consumer)).map(|event| event.map(values::event))
    }

    /// A consumer has dealt with an event.
    fn acknowledge(&self, py: Python<'_>, consumer: &Bound<'_, PyString>, record: u64, index: u32) -> PyResult<()> {
        let consumer = text(consumer);
        self.call(py, |client| client.acknowledge(&consumer, record, index))
    }

    /// How the ledger stands.
    fn status(&self, py: Python<'_>, sku: &Bound<'_, PyString>) -> PyResult<StatusValue> {
        let sku = text(sku);
        self.call(py, |client| client.status(&sku)).map(values::status)
    }

    /// Files an appeal.
    fn appeal<'py>(
        &self,
        py: Python<'py>,
        license: Option<&Bound<'py, PyString>>,
        words: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let (license, words) = (license.map(text), text(words));
        let sent = self.call(py, |client| client.appeal(license.as_deref(), &words))?;
        Ok(PyBytes::new(py, &sent))
    }

    /// Does upkeep.
    fn upkeep(&self, py: Python<'_>) -> PyResult<()> {
        self.call(py, Client::upkeep)
    }

    /// Closes the ledger, also after a bug.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let Some(client) = self.client.as_ref() else { return Ok(()) };
        answer(py, detached(py, || client.close()))
    }

    /// The signed head.
    fn head(&self, py: Python<'_>) -> PyResult<String> {
        self.call(py, Client::head)
    }

    /// The ledger's id.
    fn ledger_id(&self, py: Python<'_>) -> PyResult<String> {
        self.call(py, Client::ledger_id)
    }

    /// Notes: wall and text.
    fn diagnostics(&self, py: Python<'_>) -> PyResult<Vec<(i128, String)>> {
        self.call(py, |client| Ok(client.diagnostics().into_iter().map(|note| (ns(note.wall), note.text)).collect()))
    }

    /// Panics on purpose, so that tests can see what becomes of it.
    fn _panic(&self, py: Python<'_>) -> PyResult<()> {
        self.call(py, |_| {
            let nothing: &[u8] = &[];
            Err(Error::new(ErrorKind::Internal, format!("{}", nothing[nothing.len()])))
        })
    }
}

/// What a check answers where a bug of ours kept it from deciding: no answer, and never a refusal.
fn unknown(sku: String, feature: String, error: &Error) -> Decision {
    let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Decision {
        t: Instant::EPOCH + Span::nanos(i128::try_from(wall.as_nanos()).unwrap_or(0)),
        sku,
        feature,
        access: Access::Unknown,
        state: None,
        reason: None,
        until: None,
        ends: None,
        clock: ClockStanding::Ok,
        ledger: LedgerStanding::Ok,
        license: None,
        lease_end: None,
        flags: Flags::default(),
        why: Explanation { rule: "unknown", trouble: Some(error.message().to_owned()), ..Explanation::default() },
    }
}

/// Where, and how, a ledger is opened.
pub struct Wish {
    pub folder: Option<PathBuf>,
    pub witness: Option<PathBuf>,
    pub in_memory: bool,
    pub upkeep: String,
    pub lock_timeout: f64,
    pub create: bool,
}

impl Wish {
    /// Applies it to a builder.
    pub fn on(self, mut builder: Builder) -> Result<Builder, Error> {
        let timeout = Duration::try_from_secs_f64(self.lock_timeout).map_err(|_| {
            let text = format!("a lock timeout of {} s; use seconds from 0 on", self.lock_timeout);
            Error::new(ErrorKind::Argument, text)
        })?;
        let upkeep = match self.upkeep.as_str() {
            "checks" => Upkeep::InChecks,
            "own" => Upkeep::Own,
            other => return Err(no_word("way of upkeep", other, "\"checks\" or \"own\"")),
        };
        if let Some(folder) = self.folder {
            if self.in_memory {
                return Err(Error::new(ErrorKind::Argument, "a folder and a ledger in memory; choose one"));
            }
            builder = builder.folder(folder);
        }
        if let Some(witness) = self.witness {
            builder = builder.witness(witness);
        }
        if self.in_memory {
            builder = builder.in_memory();
        }
        Ok(builder.upkeep(upkeep).lock_timeout(timeout).create(self.create))
    }
}

/// Opens a ledger, by an application file or by its text.
#[pyfunction]
#[pyo3(name = "open")]
#[allow(clippy::too_many_arguments, reason = "called by `reprieve.open` alone, which has their names and defaults")]
pub fn open_ledger(
    py: Python<'_>,
    app_file: Option<PathBuf>,
    toml: Option<&Bound<'_, PyString>>,
    folder: Option<PathBuf>,
    witness: Option<PathBuf>,
    in_memory: bool,
    upkeep: &Bound<'_, PyString>,
    lock_timeout: f64,
    create: bool,
) -> PyResult<PyClient> {
    if app_file.is_none() && toml.is_none() {
        return Err(PyTypeError::new_err("an application file is a path, or its text a str; got None"));
    }
    let toml = toml.map(text).unwrap_or_default();
    let wish = Wish { folder, witness, in_memory, upkeep: text(upkeep), lock_timeout, create };
    let opened = detached(py, move || {
        let app = match app_file {
            Some(file) => App::from_file(&file)?,
            None => App::from_toml(&toml)?,
        };
        wish.on(Builder::new(app))?.open()
    });
    answer(py, opened).map(|client| PyClient::new(client, Arc::default()))
}
