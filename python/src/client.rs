//! The client.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};
use reprieve::client::{Client, Decision, Error, ErrorKind};
use reprieve::terms::Outage;
use reprieve::time::{Instant, Span};

use crate::decision::PyExplained;
use crate::drill::PyDrill;
use crate::feature::PyFeature;
use crate::guard::{Held, answer, detached, no_word, octets, text};
use crate::package::package;
use crate::renewer::{self, PyRenewer};
use crate::values::{self, ns};

/// An open ledger: get one from :func:`reprieve.open`, :func:`reprieve.open_toml` or a :class:`reprieve.Drill`.
///
/// **Threads.** One client may be used from any number of threads at once. No call holds the interpreter's lock while it waits for
/// another process or for a lock, so other threads run on. Several clients, processes and products may have one ledger open at
/// once, and give the same answers.
///
/// **Waiting.** Checks never wait for another process. The other calls wait for the ledger's lock for ``lock_timeout`` seconds at
/// most, then raise :class:`reprieve.BusyError`; nothing has changed then.
///
/// **fork.** A child of ``os.fork`` may go on with the client that it inherited: its first call drops the parent's files and opens
/// the ledger anew. Fork while no other thread is inside a call on the client, as a lock that such a thread holds stays locked in
/// the child for ever; or use the ``spawn`` or ``forkserver`` method of ``multiprocessing``. A client cannot be pickled: open one
/// in each process.
///
/// **Closing.** A client is a context manager. One that is forgotten is closed when it and its features are collected.
///
/// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
/// ...     token = drill.issue("lease", {"license": "L1", "sku": "cad", "features": {"core": 1767312000}})
/// ...     assert client.import_document(token).accepted
/// ...     decision = client.check("cad", "core")
/// ...     print(decision.access, decision.state, decision.until)
/// full licensed 2026-01-02 00:00:00+00:00
#[pyclass(frozen, name = "Client", module = "reprieve")]
pub struct PyClient {
    client: Held<Client>,
    /// A call panicked: what it left behind is not believed, and every later call says so. One for all handles on a ledger that
    /// was opened once, so that it tells them from others too.
    broken: Arc<AtomicBool>,
    /// A drill that nobody else holds lives on as long as its clients.
    drill: Option<Py<PyDrill>>,
}

/// What is said after a panic.
pub fn broken() -> Error {
    Error::new(
        ErrorKind::Internal,
        "an earlier call on this client met a bug in reprieve; close it and open the ledger again",
    )
}

impl PyClient {
    /// A handle on an open ledger; `broken` is shared by all handles on it.
    pub fn new(client: Client, broken: Arc<AtomicBool>, drill: Option<Py<PyDrill>>) -> PyClient {
        PyClient { client: Held::new(client), broken, drill }
    }

    /// Whether a feature is of the ledger that this client opened.
    pub fn has(&self, feature: &PyFeature) -> bool {
        Arc::ptr_eq(&self.broken, feature.broken())
    }

    fn attempt<R: Send>(
        &self,
        py: Python<'_>,
        call: impl FnOnce(&Client) -> Result<R, Error> + Send,
    ) -> Result<R, Error> {
        let client = self.client.get().ok_or_else(broken)?;
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

#[pymethods]
impl PyClient {
    /// A feature of a product, to ask about again and again without naming it each time: the fast way, for every frame.
    ///
    /// Whether any licence has it is asked by each check, not here.
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    /// ...     core = client.feature("cad", "core")
    /// ...     print(core, client.allowed(core))
    /// <Feature cad/core> False
    ///
    /// Raises:
    ///     ArgumentError: the SKU or the feature is no name.
    fn feature(&self, py: Python<'_>, sku: &Bound<'_, PyString>, feature: &Bound<'_, PyString>) -> PyResult<PyFeature> {
        let (sku, feature) = (text(sku), text(feature));
        let made = self.client.get().ok_or_else(broken).and_then(|client| client.feature(&sku, &feature));
        let drill = self.drill.as_ref().map(|drill| drill.clone_ref(py));
        PyFeature::new(py, answer(py, made)?, self.broken.clone(), drill)
    }

    /// May the product use this feature now?
    ///
    /// Never waits for another process and never fails: what could not be decided has access ``unknown``, and
    /// :meth:`ExplainedDecision.explain` says why; so it is after :meth:`close`, and for what is no name. Between two looks at
    /// the ledger, some 10 ms apart (with ``upkeep="own"``, between two upkeeps), the same decision is given again. Where it is asked
    /// in every frame, see :meth:`feature`.
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill:
    /// ...     decision = drill.client.check("cad", "core")
    /// ...     print(decision.access, decision.state, decision.allowed)
    /// denied unlicensed False
    fn check(
        &self,
        py: Python<'_>,
        sku: &Bound<'_, PyString>,
        feature: &Bound<'_, PyString>,
    ) -> PyResult<Py<PyExplained>> {
        let (sku, feature) = (text(sku), text(feature));
        let decided = self.attempt(py, |client| Ok(client.check(&sku, &feature)));
        PyExplained::of(py, decided.unwrap_or_else(|error| Arc::new(unknown(&sku, &feature, &error))))
    }

    /// Why a check would answer as it does: :meth:`check`, then :meth:`ExplainedDecision.explain`.
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill:
    /// ...     why = drill.client.explain("cad", "core")
    /// ...     print(why["rule"], [way["way"] for way in why["ways_out"]])
    /// J1 ['renew', 'lease_by_file']
    fn explain<'py>(
        &self,
        py: Python<'py>,
        sku: &Bound<'py, PyString>,
        feature: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.check(py, sku, feature)?.into_bound(py).call_method0("explain")
    }

    /// Imports a document: a token as any JWT library makes it, compact or General JSON.
    ///
    /// Whether it was accepted is the answer, not an error; what is accepted is on disk before this returns.
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill:
    /// ...     answer = drill.client.import_document("no token")
    /// ...     print(answer.accepted, answer.error)
    /// False malformed
    ///
    /// Raises:
    ///     LedgerError: the ledger cannot be read or written; nothing has changed.
    ///     ClosedError: the client was closed.
    fn import_document<'py>(&self, py: Python<'py>, token: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let token = octets("a token", token)?;
        let told = self.call(py, |client| client.import(&token))?;
        package(py)?.value(py, "answer", (values::answer(told),))
    }

    /// A renewal failed, in this way (rule G1). Returns whether that was news.
    ///
    /// Only a signed document can refuse a customer, never an HTTP status: report what is not one.
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill:
    /// ...     print(drill.client.report("network"), drill.client.report(Outage.NETWORK))
    /// True False
    ///
    /// Raises:
    ///     ArgumentError: the outage is neither.
    ///     LedgerError: the ledger cannot be read or written; nothing has changed.
    ///     ClosedError: the client was closed.
    fn report(&self, py: Python<'_>, outage: &Bound<'_, PyString>) -> PyResult<bool> {
        let word = text(outage);
        self.call(py, |client| {
            let outage =
                Outage::from_word(&word).ok_or_else(|| no_word("outage", &word, "\"network\" or \"server\""))?;
            client.report(outage)
        })
    }

    /// Makes a renewal request: send its body to the authority. The lease that answers it within 10 minutes is fresh (rule C6);
    /// a newer request takes its place.
    ///
    /// >>> import json
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    /// ...     request = client.request()
    /// ...     print(json.loads(request.body)["nonce"] == request.nonce)
    /// True
    ///
    /// Raises:
    ///     LedgerError: the ledger cannot be read or written.
    ///     ClosedError: the client was closed.
    fn request<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let made = self.call(py, Client::request)?;
        package(py)?.value(py, "Request", (made.nonce, PyBytes::new(py, &made.body)))
    }

    /// Takes the authority's answer to a renewal request: one token, or JSON ``{"documents": [token, ...]}``. Anything else that
    /// is not empty, such as an HTML page, is taken for a token, and refused as ``malformed``.
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    /// ...     claims = {"license": "L1", "sku": "cad", "features": {"core": 1767312000}, "nonce": client.request().nonce}
    /// ...     [answer] = client.renew(drill.issue("lease", claims))
    /// ...     print(answer.kind, answer.accepted, answer.fresh)
    /// lease True True
    ///
    /// Raises:
    ///     ClaimsError: it is empty, or its ``documents`` are no list of tokens.
    ///     LedgerError: the ledger cannot be read or written.
    ///     ClosedError: the client was closed.
    fn renew<'py>(&self, py: Python<'py>, body: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let body = octets("an answer", body)?;
        let told = self.call(py, |client| client.renew(&body))?;
        let told: Vec<values::AnswerValue> = told.into_iter().map(values::answer).collect();
        package(py)?.value(py, "answers", (told,))
    }

    /// Renews this client's leases with HTTP of the product's own; :mod:`reprieve.renewing` has a driver.
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    /// ...     renewer = client.renewer(timeout=10)
    ///
    /// Args:
    ///     timeout: an attempt that has no answer after so many seconds has failed (15).
    ///     hedge: after so many the next endpoint is tried beside the one that has not answered yet (3).
    ///     pause: the pause after the first round that failed, at most; it doubles with each (30).
    ///     pause_most: what it doubles up to (900).
    ///     retry_after_most: what a ``Retry-After`` is believed up to (3600).
    ///     answered: what the authority answered without a lease is not asked for again before this (3600).
    ///     renewed: nor what it answered with one, whatever that says (60).
    ///
    /// Raises:
    ///     ArgumentError: one of them is no number of seconds.
    #[pyo3(signature = (*, timeout = None, hedge = None, pause = None, pause_most = None, retry_after_most = None, answered = None, renewed = None))]
    #[allow(clippy::too_many_arguments, reason = "each has a name in Python")]
    fn renewer(
        &self,
        py: Python<'_>,
        timeout: Option<f64>,
        hedge: Option<f64>,
        pause: Option<f64>,
        pause_most: Option<f64>,
        retry_after_most: Option<f64>,
        answered: Option<f64>,
        renewed: Option<f64>,
    ) -> PyResult<PyRenewer> {
        let given = [
            ("timeout", timeout),
            ("hedge", hedge),
            ("pause", pause),
            ("pause_most", pause_most),
            ("retry_after_most", retry_after_most),
            ("answered", answered),
            ("renewed", renewed),
        ];
        let made = self.call(py, |client| client.renewer(renewer::settings(given)?))?;
        Ok(PyRenewer::new(made, self.drill.as_ref().map(|drill| drill.clone_ref(py))))
    }

    /// The renewal servers of the application file, best first.
    #[getter]
    fn endpoints<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let endpoints = self.call(py, |client| {
            Ok(client.endpoints().iter().map(|endpoint| endpoint.url.clone()).collect::<Vec<_>>())
        })?;
        PyTuple::new(py, endpoints)
    }

    /// The next event that this consumer has not been given, in the ledger's order; None if there is none yet.
    ///
    /// A consumer is a name; one that is new starts at the end. What is not acknowledged is given again after the next open.
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    /// ...     print(client.next_event("tray"))
    /// ...     _ = client.appeal("The server room was under water.")
    /// ...     event = client.next_event("tray")
    /// ...     client.acknowledge("tray", event)
    /// ...     print(event.kind)
    /// None
    /// appeal_filed
    ///
    /// Raises:
    ///     ArgumentError: the consumer is no name.
    ///     LedgerError: the ledger cannot be read.
    ///     ClosedError: the client was closed.
    fn next_event<'py>(&self, py: Python<'py>, consumer: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let consumer = text(consumer);
        let event = self.call(py, |client| client.next_event(&consumer))?;
        event.map(|event| package(py)?.value(py, "event", (values::event(event),))).transpose()
    }

    /// A consumer has dealt with an event, and with all before it.
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    /// ...     assert client.next_event("log") is None
    /// ...     _ = client.appeal("The server room was under water.")
    /// ...     event = client.next_event("log")
    /// ...     client.acknowledge("log", event)
    ///
    /// Raises:
    ///     ArgumentError: the consumer is no name.
    ///     LedgerError: its place cannot be written.
    ///     ClosedError: the client was closed.
    fn acknowledge(&self, py: Python<'_>, consumer: &Bound<'_, PyString>, event: &Bound<'_, PyAny>) -> PyResult<()> {
        let consumer = text(consumer);
        let (record, index) = (event.getattr("record")?.extract()?, event.getattr("index")?.extract()?);
        self.call(py, |client| client.acknowledge(&consumer, record, index))
    }

    /// The events that this consumer has not been given, until there is none.
    ///
    /// Each is acknowledged when the loop comes for the next one: once its body has dealt with it. One whose body raises, or breaks
    /// the loop, is not, and is given again after the next open. (A later event that is acknowledged covers it.)
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    /// ...     for event in client.events("tray"):
    /// ...         print("none yet")
    /// ...     _ = client.appeal("The server room was under water.")
    /// ...     for event in client.events("tray"):
    /// ...         print(event.kind, event.text)
    /// appeal_filed The server room was under water.
    ///
    /// Raises:
    ///     ArgumentError: the consumer is no name.
    ///     LedgerError: the ledger cannot be read, or the consumer's place cannot be written.
    ///     ClosedError: the client was closed.
    fn events<'py>(slf: &Bound<'py, Self>, consumer: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
        package(slf.py())?.events(slf.py(), "events", (slf, consumer))
    }

    /// The events as they come: like :meth:`events`, but where there is none it does upkeep, waits and looks again. For a thread of
    /// the product's own; it ends when ``stop`` is set, or when the client was closed. A busy ledger is asked again.
    ///
    /// >>> import threading
    /// >>> stop = threading.Event()
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    /// ...     assert client.next_event("tray") is None
    /// ...     _ = client.appeal("The server room was under water.")
    /// ...     for event in client.follow("tray", every=0.1, stop=stop):
    /// ...         print(event.kind)
    /// ...         stop.set()
    /// appeal_filed
    ///
    /// Args:
    ///     every: how long it waits, in seconds.
    ///     stop: ends it, at once also while it waits.
    ///
    /// Raises:
    ///     ArgumentError: the consumer is no name.
    ///     LedgerError: the ledger cannot be read, or the consumer's place cannot be written.
    #[pyo3(signature = (consumer, *, every = 1.0, stop = None))]
    fn follow<'py>(
        slf: &Bound<'py, Self>,
        consumer: &Bound<'py, PyString>,
        every: f64,
        stop: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        package(slf.py())?.events(slf.py(), "follow", (slf, consumer, every, stop))
    }

    /// All features of a SKU, as checks would answer, and how the ledger stands.
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    /// ...     status = client.status("cad")
    /// ...     print(status.ledger, status.generation, status.features)
    /// ok 0 ()
    ///
    /// Raises:
    ///     ArgumentError: the SKU is no name.
    ///     LedgerError: the ledger cannot be read or written.
    ///     ClosedError: the client was closed.
    fn status<'py>(&self, py: Python<'py>, sku: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
        let sku = text(sku);
        let status = self.call(py, |client| client.status(&sku))?;
        package(py)?.value(py, "status", (values::status(py, status)?,))
    }

    /// The SKUs that any lease names, in the order of their names.
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    /// ...     print(client.skus())
    /// ...     token = drill.issue("lease", {"license": "L1", "sku": "cad", "features": {"core": 1767312000}})
    /// ...     assert client.import_document(token).accepted
    /// ...     print(client.skus())
    /// ()
    /// ('cad',)
    ///
    /// Raises:
    ///     LedgerError: the ledger cannot be read or written.
    ///     ClosedError: the client was closed.
    fn skus<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.call(py, Client::skus)?)
    }

    /// Files an appeal, in the customer's words, and gives what to send to the vendor: JSON with the text, the ledger's signed
    /// head and its recent history. Where there is a line, the next renewal takes it along by itself, and an event
    /// ``appeal_received`` tells that the vendor has it; sent by hand as well, it is one. What comes back is a ruling: see
    /// :meth:`import_document`.
    ///
    /// >>> import json
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    /// ...     sent = json.loads(client.appeal("The server room was under water."))
    /// ...     print(sent["appeal"]["text"])
    /// The server room was under water.
    ///
    /// Raises:
    ///     ArgumentError: the text has not 1 to 10,000 bytes, or the licence is no name.
    ///     LedgerError: the ledger cannot be read or written.
    ///     ClosedError: the client was closed.
    #[pyo3(signature = (text, license = None))]
    fn appeal<'py>(
        &self,
        py: Python<'py>,
        text: &Bound<'py, PyString>,
        license: Option<&Bound<'py, PyString>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let (license, words) = (license.map(crate::guard::text), crate::guard::text(text));
        let sent = self.call(py, |client| client.appeal(license.as_deref(), &words))?;
        Ok(PyBytes::new(py, &sent))
    }

    /// Upkeep: reads the clocks and the ledger, and records what is due.
    ///
    /// Call it every second or so, from a thread of the product's own, if the client was opened with ``upkeep="own"``: if none has
    /// run for 10 minutes, checks answer ``unknown``. It may wait for the disk and for other processes.
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.new_client(upkeep="own") as client:
    /// ...     client.upkeep()
    /// ...     print(client.check("cad", "core").access)
    /// denied
    ///
    /// Raises:
    ///     LedgerError: the ledger cannot be read or written.
    ///     ClosedError: the client was closed.
    fn upkeep(&self, py: Python<'_>) -> PyResult<()> {
        self.call(py, Client::upkeep)
    }

    /// Closes the ledger, for every handle on it and every feature. Closing again is no error.
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill:
    /// ...     client = drill.client
    /// ...     core = client.feature("cad", "core")
    /// ...     client.close()
    /// ...     print(core.check().access, core.allowed())
    /// unknown False
    ///
    /// Raises:
    ///     LedgerError: the ledger cannot be written; it is closed all the same.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let Some(client) = self.client.get() else { return Ok(()) };
        answer(py, detached(py, || client.close()))
    }

    /// The ledger's signed head: a checkpoint note that anybody can check against the file without any secret.
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    /// ...     print(client.ledger_id in client.head())
    /// True
    ///
    /// Raises:
    ///     LedgerError: the ledger cannot be written.
    ///     ClosedError: the client was closed.
    fn head(&self, py: Python<'_>) -> PyResult<String> {
        self.call(py, Client::head)
    }

    /// The ledger's id, as leases and rulings name it.
    ///
    /// Raises:
    ///     ClosedError: the client was closed.
    #[getter]
    fn ledger_id(&self, py: Python<'_>) -> PyResult<String> {
        self.call(py, Client::ledger_id)
    }

    /// What happened that nobody was told of: the last few hundred notes of this client, oldest first. None once closed.
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    /// ...     print(client.diagnostics())
    /// []
    fn diagnostics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let notes = self.call(py, |client| Ok(client.diagnostics()))?;
        let notes: Vec<(i128, String)> = notes.into_iter().map(|note| (ns(note.wall), note.text)).collect();
        package(py)?.value(py, "diagnostics", (notes,))
    }

    fn __enter__<'py>(slf: Bound<'py, Self>) -> Bound<'py, Self> {
        slf
    }

    #[pyo3(signature = (kind, error, trace, /))]
    fn __exit__(
        &self,
        py: Python<'_>,
        kind: Option<&Bound<'_, PyAny>>,
        error: Option<&Bound<'_, PyAny>>,
        trace: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let _ = (kind, error, trace);
        self.close(py)
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
pub fn unknown(sku: &str, feature: &str, error: &Error) -> Decision {
    let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let t = Instant::EPOCH + Span::nanos(i128::try_from(wall.as_nanos()).unwrap_or(0));
    Decision::unknown(t, sku, feature, error.message().to_owned())
}
