//! A renewer: what to send where, by when. `reprieve.renewing` drives it with the standard library's HTTP.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use reprieve::client::{Error, ErrorKind, Renewer, Standing, Task, Watch};
use reprieve::renew::{AttemptId, Ended, Failure, HttpAnswer, MAX_ANSWER, Outcome, Settings};
use reprieve::time::Span;

use crate::drill::PyDrill;
use crate::guard::{Held, answer, caught, detached, no_word, octets, text};
use crate::package::{Package, package};

/// Renews a client's leases with HTTP of the product's own: get one from :meth:`Client.renewer`. :class:`reprieve.renewing.Renewing`
/// drives one on a thread, and :func:`reprieve.renewing.renew` in asyncio.
///
/// It says what to send where, by when, and takes what came back or how it failed. Any thread; calls on one take turns. They may wait
/// for the disk and for other processes; of all renewers on a ledger, in whatever process, one at a time has the turn.
///
/// >>> app = '''
/// ... vendor = "acme"
/// ... secret = "c2l4dGVlbiBieXRlcyBvciBtb3Jl"
/// ... endpoints = ["https://one.example/renew"]
/// ... roots = [{ kid = "root-1", x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }]
/// ... '''
/// >>> with open_toml(app, in_memory=True) as client:
/// ...     renewer = client.renewer()
/// ...     task = renewer.poll()
/// ...     print(task.kind, task.method, task.url)
/// ...     renewer.failed(task.attempt, "no_dns")
/// ...     print(renewer.poll().kind, renewer.state().word)
/// send POST https://one.example/renew
/// wait no_dns
#[pyclass(frozen, name = "Renewer", module = "reprieve")]
pub struct PyRenewer {
    renewer: Held<Mutex<Renewer>>,
    watch: Watch,
    _drill: Option<Py<PyDrill>>,
}

/// A duration of seconds, if it is one.
fn span(name: &str, seconds: f64) -> Result<Span, Error> {
    let time = Duration::try_from_secs_f64(seconds).ok().and_then(|time| i128::try_from(time.as_nanos()).ok());
    time.filter(|nanos| *nanos <= 4_000_000 * 1_000_000_000).map(Span::nanos).ok_or_else(|| {
        Error::new(ErrorKind::Argument, format!("`{name}` is {seconds} s; use seconds from 0 to 4,000,000"))
    })
}

/// Settings of names and seconds.
pub fn settings(given: [(&str, Option<f64>); 7]) -> Result<Settings, Error> {
    let mut made = Settings::default();
    for (name, seconds) in given {
        let Some(seconds) = seconds else { continue };
        let place = match name {
            "timeout" => &mut made.timeout,
            "hedge" => &mut made.hedge,
            "pause" => &mut made.pause,
            "pause_most" => &mut made.pause_most,
            "retry_after_most" => &mut made.retry_after_most,
            "answered" => &mut made.answered,
            _ => &mut made.renewed,
        };
        *place = span(name, seconds)?;
    }
    Ok(made)
}

/// A state: is busy, next, (outcome, word, URL, ago, took, failure, status, refusal).
type StateValue = (
    bool,
    Option<f64>,
    Option<(&'static str, String, String, f64, f64, Option<&'static str>, Option<u16>, Option<&'static str>)>,
);

fn state(standing: Standing) -> StateValue {
    let last = standing.last.map(|(last, ago)| {
        let (mut failure, mut status, mut refusal) = (None, None, None);
        let outcome = match &last.ended {
            Ended::Renewed => "renewed",
            Ended::Answered(why) => {
                refusal = why.map(|why| why.as_str());
                "answered"
            }
            Ended::Failed(how) => {
                failure = Some(how.as_str());
                "failed"
            }
            Ended::Status(number) => {
                status = Some(*number);
                "status"
            }
            Ended::Reached => "reached",
            Ended::Fetched(_) => "fetched",
            Ended::Unchanged => "unchanged",
            _ => "dropped",
        };
        let took = (last.until - last.since).as_nanos() as f64 / 1e9;
        (outcome, last.ended.to_string(), last.url, ago.as_secs_f64(), took, failure, status, refusal)
    });
    (standing.is_busy, standing.next.map(|next| next.as_secs_f64()), last)
}

impl PyRenewer {
    /// Of a renewer of the core's.
    pub fn new(renewer: Renewer, drill: Option<Py<PyDrill>>) -> PyRenewer {
        PyRenewer { watch: renewer.watch(), renewer: Held::new(Mutex::new(renewer)), _drill: drill }
    }

    fn call<R: Send>(&self, py: Python<'_>, call: impl FnOnce(&mut Renewer) -> Result<R, Error> + Send) -> PyResult<R> {
        let held = self.renewer.get().ok_or_else(crate::client::broken);
        let done =
            held.and_then(|renewer| detached(py, || call(&mut renewer.lock().unwrap_or_else(PoisonError::into_inner))));
        answer(py, done)
    }

    fn ended(&self, py: Python<'_>, attempt: u64, outcome: &Outcome) -> PyResult<()> {
        self.call(py, |renewer| {
            renewer.ended(AttemptId::from_number(attempt), outcome);
            Ok(())
        })
    }
}

/// A task to send a request.
fn send<'py>(
    py: Python<'py>,
    package: &Package,
    attempt: AttemptId,
    within: Duration,
    (method, url): (&str, String),
    mut headers: Vec<(&str, String)>,
    body: &[u8],
) -> PyResult<Bound<'py, PyAny>> {
    headers.push(("User-Agent", concat!("reprieve/", env!("CARGO_PKG_VERSION")).to_owned()));
    let (attempt, within) = (Some(attempt.number()), Some(within.as_secs_f64()));
    package.value(py, "renewal_task", ("send", attempt, within, method, url, headers, PyBytes::new(py, body)))
}

#[pymethods]
impl PyRenewer {
    /// What to do next. Call it again after each task, when a wait has passed, and when an attempt has ended.
    ///
    /// A wait counts while the machine sleeps too, and most timers do not. Follow no redirect, verify certificates by the name in the
    /// URL, and read no more than :data:`reprieve.renewing.MAX_ANSWER` bytes.
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    /// ...     print(client.renewer().poll().kind)
    /// wait
    ///
    /// Raises:
    ///     ClosedError: the client was closed: that is the end of it.
    fn poll<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let package = package(py)?;
        match self.call(py, Renewer::poll)? {
            Task::Send { attempt, url, body, within } => {
                let headers =
                    vec![("Content-Type", "application/json".to_owned()), ("Accept", "application/json".to_owned())];
                send(py, package, attempt, within, ("POST", url), headers, &body)
            }
            Task::Probe { attempt, url, within } => send(py, package, attempt, within, ("HEAD", url), Vec::new(), &[]),
            Task::Get { attempt, url, etag, within } => {
                let headers = etag.into_iter().map(|etag| ("If-None-Match", etag)).collect();
                send(py, package, attempt, within, ("GET", url), headers, &[])
            }
            Task::Abort(attempt) => package.value(py, "renewal_task", ("abort", Some(attempt.number()), None::<f64>)),
            Task::Wait(pause) => package.value(py, "renewal_task", ("wait", None::<u64>, Some(pause.as_secs_f64()))),
            // One of a later core: look again soon.
            _ => package.value(py, "renewal_task", ("wait", None::<u64>, Some(1.0))),
        }
    }

    /// An attempt was answered, whatever the status. Documents in the body are imported; one that is over already is nothing.
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    /// ...     client.renewer().answered(0, 429, [("Retry-After", "60")], b"")
    ///
    /// Args:
    ///     attempt: the task's.
    ///     status: HTTP's, such as 200.
    ///     headers: the answer's header fields: pass all. ``Retry-After``, ``Date`` and ``ETag`` are looked at.
    ///     body: decoded.
    ///
    /// Raises:
    ///     ArgumentError: the status is not 100 to 999.
    fn answered(
        &self,
        py: Python<'_>,
        attempt: u64,
        status: u32,
        headers: Vec<(String, String)>,
        body: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let body = octets("an answer", body)?;
        let status = u16::try_from(status).ok().filter(|status| (100..=999).contains(status));
        let status = answer(
            py,
            status.ok_or_else(|| Error::new(ErrorKind::Argument, "the status is none of HTTP; use 100 to 999")),
        )?;
        if body.len() > MAX_ANSWER {
            return self.ended(py, attempt, &Outcome::Failed(Failure::TooLong));
        }
        let named = |wanted: &str| {
            headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim().to_owned())
        };
        self.ended(
            py,
            attempt,
            &Outcome::Answer(HttpAnswer {
                status,
                retry_after: named("Retry-After"),
                date: named("Date"),
                etag: named("ETag"),
                body,
            }),
        )
    }

    /// An attempt failed before there was a whole answer. One that is over already is nothing.
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    /// ...     client.renewer().failed(0, Failure.REFUSED)
    ///
    /// Raises:
    ///     ArgumentError: the failure is none.
    fn failed(&self, py: Python<'_>, attempt: u64, failure: &Bound<'_, PyString>) -> PyResult<()> {
        let word = text(failure);
        let known = Failure::from_word(&word).ok_or_else(|| no_word("failure", &word, "a word of reprieve.Failure"));
        self.ended(py, attempt, &Outcome::Failed(answer(py, known)?))
    }

    /// The network is back, or another one is there: a pause after failures ends within some seconds. Poll after it.
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    /// ...     client.renewer().network_changed()
    fn network_changed(&self, py: Python<'_>) -> PyResult<()> {
        self.call(py, |renewer| {
            renewer.network_changed();
            Ok(())
        })
    }

    /// A renewal is wanted though none is due. Poll after it.
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    /// ...     client.renewer().renew_now()
    fn renew_now(&self, py: Python<'_>) -> PyResult<()> {
        self.call(py, |renewer| {
            renewer.renew_now();
            Ok(())
        })
    }

    /// How renewing stands: for a page of settings, or a support case. Does not wait for other calls.
    ///
    /// >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    /// ...     print(client.renewer().state().outcome)
    /// None
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let standing = answer(py, caught(|| Ok(self.watch.standing())))?;
        package(py)?.value(py, "renewal_state", (state(standing),))
    }
}
