//! Renewal by HTTP, on a thread that the product asks for (Cargo feature `http`): ureq and rustls, with the platform's own certificate verifier
//! and proxies.
//!
//! ```no_run
//! use reprieve::client::Builder;
//! use reprieve::http::{Options, Renewing};
//!
//! let client = Builder::from_file("reprieve.toml")?.open()?;
//! let renewing = Renewing::start(&client, Default::default(), &Options::default())?;
//! // The product runs, and asks `client.check` as ever.
//! renewing.stop();
//! # Ok::<(), reprieve::client::Error>(())
//! ```

mod pin;
mod provider;
// Of use on Windows; tested everywhere.
#[cfg(any(windows, test))]
#[cfg_attr(not(windows), allow(dead_code))]
mod settings;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ureq::tls::{RootCerts, TlsConfig};

use crate::client::{Client, Error, ErrorKind, Renewer, Standing, Task, Watch};
use crate::renew::{AttemptId, Failure, HttpAnswer, MAX_ANSWER, Outcome, Settings};
use crate::time::Span;

/// Whose certificates are trusted, and which way requests go.
#[derive(Clone, Default)]
pub struct Options {
    /// Certificates of the vendor's own authorities, in PEM, in place of those that the platform trusts. A document is trusted by its signature
    /// in any case: this says whose server a failure is evidence of (rule G1).
    ///
    /// On Android they have to be given, unless the product has initialised `rustls-platform-verifier` by its JVM: the platform cannot be asked
    /// before, and what goes by TLS ends as [`Failure::Local`], evidence of nothing.
    pub roots: Option<Vec<u8>>,
    /// A proxy's URL, `http://` or `https://`. None: what the platform says (`HTTPS_PROXY`, `NO_PROXY`; on Windows, where they name none, its
    /// settings, but for a script of a proxy's (PAC)); empty: no proxy.
    pub proxy: Option<String>,
    /// Header fields for each request, such as `Authorization`. They are never printed.
    pub headers: Vec<(String, String)>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The values of headers are secrets, and a proxy's URL may hold a password.
        let names: Vec<&String> = self.headers.iter().map(|header| &header.0).collect();
        f.debug_struct("Options").field("headers", &names).finish_non_exhaustive()
    }
}

/// Sends what renewals send. It holds no connection open between two rounds.
#[derive(Clone)]
pub struct Http {
    agent: ureq::Agent,
    headers: Arc<[(String, String)]>,
    /// Who is reached without the proxy of the platform's settings.
    #[cfg(windows)]
    past: Option<Arc<settings::Past>>,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http").finish_non_exhaustive()
    }
}

fn refused(what: &str, why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Argument, format!("{what}: {why}"))
}

impl Http {
    /// # Errors
    /// [`ErrorKind::Argument`] for roots or a proxy that cannot be read, and for a header that HTTP does not allow.
    pub fn new(options: &Options) -> Result<Http, Error> {
        let mut tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(provider::provider()))
            .root_certs(RootCerts::PlatformVerifier);
        if let Some(pem) = &options.roots {
            let mut roots = Vec::new();
            for item in ureq::tls::parse_pem(pem) {
                match item.map_err(|error| refused("`roots` is no PEM", error))? {
                    ureq::tls::PemItem::Certificate(certificate) => roots.push(certificate),
                    _ => {
                        return Err(refused(
                            "`roots`",
                            "it holds something that is no certificate; give certificates alone",
                        ));
                    }
                }
            }
            if roots.is_empty() {
                return Err(refused("`roots`", "it holds no certificate; give one or more in PEM"));
            }
            tls = tls.root_certs(RootCerts::Specific(Arc::new(roots)));
        }
        let mut config = ureq::Agent::config_builder()
            .tls_config(tls.build())
            .http_status_as_error(false)
            // A captive portal redirects; the authority does not.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0)
            .accept("application/json")
            .user_agent(concat!("reprieve/", env!("CARGO_PKG_VERSION")));
        #[cfg(windows)]
        let mut past = None;
        match options.proxy.as_deref() {
            None =>
            {
                #[cfg(windows)]
                if let Some(found) = settings::found() {
                    config = config.proxy(Some(found.proxy));
                    past = Some(Arc::new(found.past));
                }
            }
            Some("") => config = config.proxy(None),
            Some(url) => {
                let proxy = ureq::Proxy::new(url)
                    .map_err(|_| refused("`proxy`", "it is no URL of a proxy; write http://HOST:PORT"))?;
                config = config.proxy(Some(proxy));
            }
        }
        for (name, value) in &options.headers {
            let fits =
                ureq::http::HeaderName::try_from(name).is_ok() && ureq::http::HeaderValue::try_from(value).is_ok();
            if !fits {
                return Err(refused("`headers`", format!("{name:?} or its value is not allowed in HTTP")));
            }
        }
        Ok(Http {
            agent: config.build().new_agent(),
            headers: options.headers.clone().into(),
            #[cfg(windows)]
            past,
        })
    }

    /// POSTs JSON and reads the whole answer, [`MAX_ANSWER`] bytes at most, within the time. Waits.
    pub fn post(&self, url: &str, body: &[u8], within: Duration) -> Outcome {
        self.outcome(url, || self.try_post(url, body, within))
    }

    fn goes_by_proxy(&self, url: &str) -> bool {
        let Ok(url) = url.parse() else { return false };
        !self.goes_past(&url) && self.agent.config().proxy().is_some_and(|proxy| !proxy.is_no_proxy(&url))
    }

    /// Whether the platform's settings lead past the proxy; what the environment says of it, ureq knows.
    #[cfg(windows)]
    fn goes_past(&self, url: &ureq::http::Uri) -> bool {
        let past = self.past.as_ref().zip(url.host());
        past.is_some_and(|(past, host)| past.has(host))
    }

    /// Elsewhere no settings but the environment's are read.
    #[cfg(not(windows))]
    fn goes_past(&self, _: &ureq::http::Uri) -> bool {
        false
    }

    /// A request as all are: within the time, by the way that its host takes.
    fn made<B>(&self, url: &str, request: ureq::RequestBuilder<B>, within: Duration) -> ureq::RequestBuilder<B> {
        let config = request.config().timeout_global(Some(within));
        let past = cfg!(windows) && url.parse().is_ok_and(|url| self.goes_past(&url));
        if past { config.proxy(None) } else { config }.build()
    }

    fn try_post(&self, url: &str, body: &[u8], within: Duration) -> Result<HttpAnswer, ureq::Error> {
        let mut request = self.agent.post(url).header("Content-Type", "application/json");
        for (name, value) in &*self.headers {
            request = request.header(name, value);
        }
        whole(self.made(url, request, within).send(body)?)
    }

    /// GETs a mirror's file, if it is another than that of this `ETag`. The header fields of the options name the customer, and are not sent. Waits.
    pub fn get(&self, url: &str, etag: Option<&str>, within: Duration) -> Outcome {
        let mut request = self.agent.get(url);
        if let Some(etag) = etag {
            request = request.header("If-None-Match", etag);
        }
        self.outcome(url, || self.made(url, request, within).call().and_then(whole))
    }

    /// Asks for the head of an endpoint. Waits.
    pub fn probe(&self, url: &str, within: Duration) -> Outcome {
        self.outcome(url, || self.made(url, self.agent.head(url), within).call().and_then(whole))
    }

    /// Asks what a renewer wants asked, and gives what came of it; nothing for a task that sends nothing. Waits.
    pub fn ask(&self, task: &Task) -> Option<Outcome> {
        match task {
            Task::Send { url, body, within, .. } => Some(self.post(url, body, *within)),
            Task::Get { url, etag, within, .. } => Some(self.get(url, etag.as_deref(), *within)),
            Task::Probe { url, within, .. } => Some(self.probe(url, *within)),
            Task::Abort(_) | Task::Wait(_) => None,
        }
    }

    fn outcome(&self, url: &str, ask: impl FnOnce() -> Result<HttpAnswer, ureq::Error>) -> Outcome {
        // What lies below panics where it cannot go on: Android's verifier that nobody initialised, a system that gives no thread to resolve a
        // name on. Nobody was asked then. Let through, it would end the attempt's thread, and what never came would be taken for a time-out.
        self.told(url, catch_unwind(AssertUnwindSafe(ask)).ok())
    }

    /// Apart from the above, of which there is one for each kind of request. None: asking panicked.
    fn told(&self, url: &str, answer: Option<Result<HttpAnswer, ureq::Error>>) -> Outcome {
        match answer {
            None => Outcome::Failed(Failure::Local),
            Some(Ok(answer)) => Outcome::Answer(answer),
            Some(Err(error)) => match failure(&error) {
                // The only one that is connected to is the proxy, and that stands in the customer's network.
                Failure::Refused if self.goes_by_proxy(url) => Outcome::Failed(Failure::NoRoute),
                failure => Outcome::Failed(failure),
            },
        }
    }
}

/// The whole answer, [`MAX_ANSWER`] bytes at most.
fn whole(mut answer: ureq::http::Response<ureq::Body>) -> Result<HttpAnswer, ureq::Error> {
    let field = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (retry_after, date, etag) = (field("Retry-After"), field("Date"), field("ETag"));
    let status = answer.status().as_u16();
    let body = answer.body_mut().with_config().limit(MAX_ANSWER as u64).read_to_vec()?;
    Ok(HttpAnswer { status, retry_after, date, etag, body })
}

/// Which failure an error is; what it is evidence of is decided in [`renew`](crate::renew).
fn failure(error: &ureq::Error) -> Failure {
    match error {
        ureq::Error::HostNotFound => Failure::NoDns,
        ureq::Error::Timeout(_) => Failure::TimedOut,
        ureq::Error::Io(error) => of_io(error),
        ureq::Error::Rustls(error) => of_tls(error),
        ureq::Error::Tls(_) => Failure::Tls,
        ureq::Error::Protocol(_) | ureq::Error::LargeResponseHeader(..) | ureq::Error::BodyStalled => Failure::Protocol,
        ureq::Error::BodyExceedsLimit(_) => Failure::TooLong,
        // The customer's proxy stands in the customer's network.
        ureq::Error::ConnectProxyFailed(_) | ureq::Error::ConnectionFailed => Failure::NoRoute,
        _ => Failure::Local,
    }
}

fn of_tls(error: &rustls::Error) -> Failure {
    match error {
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => Failure::Certificate,
        // What this side lacks. Not so a platform that cannot verify, or trusts nobody at all: that customer is as cut off as one whose
        // certificates are of the wrong roots.
        rustls::Error::FailedToGetCurrentTime | rustls::Error::FailedToGetRandomBytes => Failure::Local,
        _ => Failure::Tls,
    }
}

fn of_io(error: &io::Error) -> Failure {
    use io::ErrorKind as Kind;
    if let Some(inner) = error.get_ref() {
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return of_tls(tls);
        }
        if let Some(inner) = inner.downcast_ref::<ureq::Error>() {
            return failure(inner);
        }
    }
    match error.kind() {
        Kind::ConnectionRefused => Failure::Refused,
        Kind::ConnectionReset
        | Kind::ConnectionAborted
        | Kind::BrokenPipe
        | Kind::UnexpectedEof
        | Kind::NotConnected => Failure::Reset,
        // `PermissionDenied`: a firewall of this machine's.
        Kind::NetworkUnreachable
        | Kind::HostUnreachable
        | Kind::NetworkDown
        | Kind::AddrNotAvailable
        | Kind::PermissionDenied => Failure::NoRoute,
        Kind::TimedOut | Kind::WouldBlock => Failure::TimedOut,
        Kind::InvalidData => Failure::Protocol,
        _ => match error.raw_os_error() {
            Some(number) => of_number(number),
            // A name that could not be resolved: but for Windows nothing but its text tells.
            None if error.to_string().starts_with("failed to lookup address information") => Failure::NoDns,
            None => Failure::Local,
        },
    }
}

/// What the standard library has no kind for.
#[cfg(windows)]
fn of_number(number: i32) -> Failure {
    use windows_sys::Win32::Networking::WinSock as sock;
    match number {
        sock::WSAHOST_NOT_FOUND | sock::WSATRY_AGAIN | sock::WSANO_RECOVERY | sock::WSANO_DATA => Failure::NoDns,
        sock::WSAEHOSTDOWN => Failure::NoRoute,
        sock::WSAENETRESET | sock::WSAESHUTDOWN | sock::WSAEDISCON => Failure::Reset,
        _ => Failure::Local,
    }
}

/// What the standard library has no kind for.
#[cfg(not(windows))]
fn of_number(number: i32) -> Failure {
    match number {
        // What a router says of a host that it does not know; on a Mac also a neighbour that does not answer.
        libc::EHOSTDOWN => Failure::NoRoute,
        #[cfg(any(target_os = "linux", target_os = "android"))]
        libc::ENONET => Failure::NoRoute,
        libc::ENETRESET | libc::ESHUTDOWN => Failure::Reset,
        _ => Failure::Local,
    }
}

enum Message {
    Ended(AttemptId, Outcome),
    NetworkChanged,
    RenewNow,
    Stop,
}

/// Renewals under way on a thread of their own. Dropping it stops them. A child of a fork has no such thread: it starts one of its own.
#[derive(Debug)]
pub struct Renewing {
    messages: Sender<Message>,
    thread: Option<JoinHandle<()>>,
    watch: Watch,
    /// The process that has the thread.
    pid: u32,
}

impl Renewing {
    /// Starts the thread. It ends when this is stopped or dropped, and when the client is closed.
    ///
    /// # Errors
    /// As [`Http::new`], and where the system gives no thread.
    pub fn start(client: &Client, settings: Settings, options: &Options) -> Result<Renewing, Error> {
        let http = Http::new(options)?;
        pin::pin();
        let renewer = client.renewer(settings)?;
        let watch = renewer.watch();
        let (messages, inbox) = mpsc::channel();
        let answers = messages.clone();
        let thread = thread::Builder::new()
            .name("reprieve-renew".into())
            .spawn(move || drive(renewer, &http, &inbox, &answers))
            .map_err(|error| Error::new(ErrorKind::Io, format!("no thread for renewals could be started: {error}")))?;
        Ok(Renewing { messages, thread: Some(thread), watch, pid: std::process::id() })
    }

    fn send(&self, message: Message) {
        // In a child of a fork nobody reads, and another thread may have been in the middle of sending when it began.
        if self.pid == std::process::id() {
            let _ = self.messages.send(message);
        }
    }

    /// The network is back, or another one is there. Does not wait.
    pub fn network_changed(&self) {
        self.send(Message::NetworkChanged);
    }

    /// A renewal is wanted though none is due. Does not wait.
    pub fn renew_now(&self) {
        self.send(Message::RenewNow);
    }

    /// How it stands, to be asked when it is stopped too.
    pub fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        self.watch.standing()
    }

    /// Stops. Waits for what is being written to the ledger, never for the network: an attempt that is under way is given up, and its thread ends by
    /// its time-out. A library that this code is in therefore stays loaded until the process ends, whoever unloads it.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.send(Message::Stop);
        match self.thread.take() {
            Some(thread) if self.pid == std::process::id() => {
                let _ = thread.join();
            }
            // It is the parent's, and would never come to an end here.
            inherited => std::mem::forget(inherited),
        }
    }
}

impl Drop for Renewing {
    fn drop(&mut self) {
        self.end();
    }
}

/// So long at once: the system's timers stand still while the machine sleeps.
const NAP: Duration = Duration::from_secs(20);

/// Waits for a message, or until this clock, which runs while the machine sleeps, has gone on by so much.
fn wait<T>(inbox: &mpsc::Receiver<T>, pause: Duration, clock: impl Fn() -> Span) -> Result<T, RecvTimeoutError> {
    let begun = clock();
    loop {
        let passed = u64::try_from((clock() - begun).as_nanos()).unwrap_or(0);
        let left = pause.saturating_sub(Duration::from_nanos(passed));
        match inbox.recv_timeout(left.min(NAP)) {
            Err(RecvTimeoutError::Timeout) if left > NAP => {}
            other => return other,
        }
    }
}

/// A thread for each attempt: two are hedged at once, and one that nobody waits for ends by its time-out.
fn start(renewer: &mut Renewer, answers: &Sender<Message>, attempt: AttemptId, http: &Http, task: Task) {
    let (http, answers) = (http.clone(), answers.clone());
    let started = thread::Builder::new().name("reprieve-http".into()).spawn(move || {
        if let Some(outcome) = http.ask(&task) {
            let _ = answers.send(Message::Ended(attempt, outcome));
        }
    });
    if started.is_err() {
        renewer.ended(attempt, &Outcome::Failed(Failure::Local));
    }
}

fn drive(mut renewer: Renewer, http: &Http, inbox: &mpsc::Receiver<Message>, answers: &Sender<Message>) {
    loop {
        let message = match renewer.poll() {
            Ok(task @ (Task::Send { attempt, .. } | Task::Get { attempt, .. } | Task::Probe { attempt, .. })) => {
                start(&mut renewer, answers, attempt, http, task);
                continue;
            }
            Ok(Task::Abort(_)) => continue,
            Ok(Task::Wait(pause)) => match wait(inbox, pause, || renewer.now()) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return,
            },
            Err(_) => return,
        };
        match message {
            Message::Ended(attempt, outcome) => renewer.ended(attempt, &outcome),
            Message::NetworkChanged => renewer.network_changed(),
            Message::RenewNow => renewer.renew_now(),
            Message::Stop => return,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// The system's numbers, as they come from sockets and resolvers, and what each is.
    #[cfg(windows)]
    fn numbers() -> Vec<(i32, Failure)> {
        use windows_sys::Win32::Networking::WinSock as sock;
        vec![
            (sock::WSAECONNREFUSED, Failure::Refused),
            (sock::WSAETIMEDOUT, Failure::TimedOut),
            (sock::WSAEWOULDBLOCK, Failure::TimedOut),
            (sock::WSAECONNRESET, Failure::Reset),
            (sock::WSAECONNABORTED, Failure::Reset),
            (sock::WSAENOTCONN, Failure::Reset),
            (sock::WSAENETRESET, Failure::Reset),
            (sock::WSAESHUTDOWN, Failure::Reset),
            (sock::WSAEDISCON, Failure::Reset),
            (sock::WSAEHOSTUNREACH, Failure::NoRoute),
            (sock::WSAENETUNREACH, Failure::NoRoute),
            (sock::WSAENETDOWN, Failure::NoRoute),
            (sock::WSAEHOSTDOWN, Failure::NoRoute),
            (sock::WSAEADDRNOTAVAIL, Failure::NoRoute),
            // A firewall, or a VPN, forbids it.
            (sock::WSAEACCES, Failure::NoRoute),
            (sock::WSAHOST_NOT_FOUND, Failure::NoDns),
            (sock::WSATRY_AGAIN, Failure::NoDns),
            (sock::WSANO_RECOVERY, Failure::NoDns),
            (sock::WSANO_DATA, Failure::NoDns),
            // This side's own.
            (sock::WSAENOBUFS, Failure::Local),
            (sock::WSAEMFILE, Failure::Local),
            (sock::WSAEADDRINUSE, Failure::Local),
            (sock::WSAEINVAL, Failure::Local),
            (sock::WSAEAFNOSUPPORT, Failure::Local),
            (sock::WSAEPROVIDERFAILEDINIT, Failure::Local),
            (sock::WSASYSNOTREADY, Failure::Local),
            (sock::WSANOTINITIALISED, Failure::Local),
        ]
    }

    /// The system's numbers, as they come from sockets, and what each is.
    #[cfg(not(windows))]
    fn numbers() -> Vec<(i32, Failure)> {
        vec![
            (libc::ECONNREFUSED, Failure::Refused),
            (libc::ETIMEDOUT, Failure::TimedOut),
            (libc::EAGAIN, Failure::TimedOut),
            (libc::ECONNRESET, Failure::Reset),
            (libc::ECONNABORTED, Failure::Reset),
            (libc::EPIPE, Failure::Reset),
            (libc::ENOTCONN, Failure::Reset),
            (libc::ENETRESET, Failure::Reset),
            (libc::ESHUTDOWN, Failure::Reset),
            (libc::EHOSTUNREACH, Failure::NoRoute),
            (libc::ENETUNREACH, Failure::NoRoute),
            (libc::ENETDOWN, Failure::NoRoute),
            (libc::EHOSTDOWN, Failure::NoRoute),
            #[cfg(target_os = "linux")]
            (libc::ENONET, Failure::NoRoute),
            (libc::EADDRNOTAVAIL, Failure::NoRoute),
            // A firewall of this machine's.
            (libc::EACCES, Failure::NoRoute),
            (libc::EPERM, Failure::NoRoute),
            // This side's own.
            (libc::ENOBUFS, Failure::Local),
            (libc::EMFILE, Failure::Local),
            (libc::EADDRINUSE, Failure::Local),
            (libc::EINVAL, Failure::Local),
            (libc::EAFNOSUPPORT, Failure::Local),
            // On Windows, a name that is not known.
            (11001, Failure::Local),
        ]
    }

    #[test]
    fn each_number_of_the_systems_is_the_failure_that_it_is_on_every_platform() {
        for (number, wanted) in numbers() {
            let error = io::Error::from_raw_os_error(number);
            assert_eq!(of_io(&error), wanted, "{number}: {error}");
            assert_eq!(failure(&ureq::Error::Io(error)), wanted, "{number}");
            // As TLS hands on what its socket said, and as ureq wraps itself.
            let inner = ureq::Error::Io(io::Error::from_raw_os_error(number));
            assert_eq!(of_io(&io::Error::other(inner)), wanted, "{number}");
        }
    }

    #[test]
    fn a_name_that_is_not_there_is_told_on_every_platform() {
        use std::net::ToSocketAddrs as _;
        let error = "no-such-host.invalid:443".to_socket_addrs().unwrap_err();
        assert_eq!(of_io(&error), Failure::NoDns, "{error:?}");
    }

    #[test]
    fn tls_is_evidence_unless_this_side_lacks_what_it_takes() {
        for error in [rustls::Error::FailedToGetCurrentTime, rustls::Error::FailedToGetRandomBytes] {
            assert_eq!(failure(&ureq::Error::Rustls(error.clone())), Failure::Local);
            assert_eq!(of_io(&io::Error::other(error)), Failure::Local);
        }
        let nobody = || rustls::Error::General("No CA certificates were loaded from the system".into());
        assert_eq!(failure(&ureq::Error::Rustls(nobody())), Failure::Tls);
        assert_eq!(of_io(&io::Error::other(nobody())), Failure::Tls);
        let expired = rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
        assert_eq!(of_io(&io::Error::new(io::ErrorKind::InvalidData, expired)), Failure::Certificate);
        let alert = rustls::Error::AlertReceived(rustls::AlertDescription::HandshakeFailure);
        assert_eq!(of_io(&io::Error::new(io::ErrorKind::InvalidData, alert)), Failure::Tls);
    }

    #[test]
    fn a_panic_below_crosses_nothing_and_is_evidence_of_nothing() {
        let http = Http::new(&Options::default()).unwrap();
        let local = |outcome| matches!(outcome, Outcome::Failed(Failure::Local));
        assert!(local(http.outcome("https://localhost:1/", || panic!("expect the verifier to be initialised"))));
    }

    #[test]
    fn a_wait_ends_when_the_machine_wakes_and_not_before_its_time() {
        let (_sender, inbox) = mpsc::channel::<()>();
        // Ten hours, of which the machine sleeps all but the first moment.
        let looks = Cell::new(0);
        let clock = || {
            looks.set(looks.get() + 1);
            Span::seconds(if looks.get() > 1 { 36_000 } else { 0 })
        };
        let begun = std::time::Instant::now();
        assert_eq!(wait(&inbox, Duration::from_secs(36_000), clock), Err(RecvTimeoutError::Timeout));
        assert!(begun.elapsed() < NAP);
        let clock = || Span::nanos(begun.elapsed().as_nanos() as i128);
        let before = begun.elapsed();
        assert_eq!(wait(&inbox, Duration::from_millis(300), clock), Err(RecvTimeoutError::Timeout));
        assert!(begun.elapsed() - before >= Duration::from_millis(300));
    }
}
