//! What is asked over HTTP: renewals and the log by everybody, the admin API by who holds a token.

mod access;
pub mod admin;
mod body;
mod gate;
mod public;
mod support;

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use serde_json::json;
use tower_http::timeout::TimeoutLayer;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

use crate::error::{Error, Kind, Result};
use crate::issue::Authority;

pub use access::{Scope, Who, new_secret};

/// The most bytes of a request.
pub const MAX_BODY: usize = 1 << 20;

/// How long a request may take to arrive and be answered.
const TIME: Duration = Duration::from_secs(20);

// While a request is answered nothing moves on its connection.
const _: () = assert!(TIME.as_secs() < gate::STILL.as_secs());

/// What handlers share.
#[derive(Clone)]
pub struct Shared {
    /// The authority.
    pub authority: Authority,
    limits: Arc<Limits>,
}

struct Limits {
    ledgers: DefaultKeyedRateLimiter<[u8; 32]>,
    failures: DefaultKeyedRateLimiter<IpAddr>,
}

impl Shared {
    fn new(authority: Authority) -> Shared {
        let a_minute = |times: u32| Quota::per_minute(NonZeroU32::new(times).unwrap_or(NonZeroU32::MIN));
        let server = &authority.config().server;
        let limits = Limits {
            ledgers: RateLimiter::keyed(a_minute(server.per_ledger)),
            failures: RateLimiter::keyed(a_minute(server.failures)),
        };
        Shared { authority, limits: Arc::new(limits) }
    }

    /// Whether a ledger asks too often.
    fn ledger_asks(&self, key: [u8; 32]) -> Result<()> {
        let slower = |_| Error::new(Kind::Busy, "this ledger asks too often; ask again in a minute");
        self.limits.ledgers.check_key(&key).map_err(slower)
    }

    /// Whether an address appeals too often: as often as one ledger may renew.
    fn address_appeals(&self, from: IpAddr) -> Result<()> {
        let key = ring::digest::digest(&ring::digest::SHA256, gate::neighbours(from).to_string().as_bytes());
        let slower = |_| Error::new(Kind::Busy, "too many appeals come from this address; send it again in a minute");
        self.limits.ledgers.check_key(&key.as_ref().try_into().unwrap_or_default()).map_err(slower)
    }

    /// Counts a secret that was wrong.
    fn failed(&self, from: IpAddr) -> Result<()> {
        let slower =
            |_| Error::new(Kind::Busy, "too many codes or tokens from this address were wrong; try again in a minute");
        self.limits.failures.check_key(&gate::neighbours(from)).map_err(slower)
    }

    /// What is forgotten of who asked long ago.
    fn forget(&self) {
        self.limits.ledgers.retain_recent();
        self.limits.failures.retain_recent();
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, word) = match self.kind() {
            Kind::Input => (StatusCode::BAD_REQUEST, "bad_request"),
            Kind::Unknown => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Kind::Denied => (StatusCode::FORBIDDEN, "forbidden"),
            Kind::Missing => (StatusCode::NOT_FOUND, "not_found"),
            Kind::Conflict => (StatusCode::CONFLICT, "conflict"),
            Kind::Refused => (StatusCode::UNPROCESSABLE_ENTITY, "refused"),
            Kind::Busy => (StatusCode::TOO_MANY_REQUESTS, "too_many_requests"),
            Kind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        };
        let mut answer = (status, Json(json!({ "error": word, "text": self.message() }))).into_response();
        let again = match self.kind() {
            Kind::Busy => Some(HeaderValue::from_static("60")),
            Kind::Unavailable => Some(HeaderValue::from_static("5")),
            _ => None,
        };
        if let Some(again) = again {
            answer.headers_mut().insert(header::RETRY_AFTER, again);
        }
        if self.kind() == Kind::Unknown {
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        answer
    }
}

#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "Reprieve authority",
    description = "Renewals, the log of all documents issued, and their administration. Only a signed document ever refuses a customer; a status never does."
))]
struct Api;

/// The OpenAPI description, as JSON.
pub fn openapi() -> String {
    let (_, api) = OpenApiRouter::<Shared>::with_openapi(Api::openapi())
        .merge(public::routes())
        .merge(admin::routes())
        .merge(support::routes())
        .split_for_parts();
    api.to_pretty_json().unwrap_or_default()
}

/// All that is answered.
pub fn router(authority: Authority) -> Router {
    let shared = Shared::new(authority);
    let (router, api) = OpenApiRouter::with_openapi(Api::openapi())
        .merge(public::routes())
        .merge(admin::routes())
        .merge(support::routes())
        .split_for_parts();
    let text = Arc::new(api.to_pretty_json().unwrap_or_default());
    let limits = shared.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(60)).await;
            limits.forget();
        }
    });
    router
        .route(
            "/openapi.json",
            axum::routing::get(move || async move {
                ([(header::CONTENT_TYPE, "application/json")], text.as_str().to_owned())
            }),
        )
        .fallback(|| async { Error::new(Kind::Missing, "there is nothing under this path; see /openapi.json") })
        .layer(middleware::from_fn(head))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIME))
        .with_state(shared)
}

/// What every answer says.
async fn head(request: Request, next: Next) -> Response {
    // No database takes a zero in a text, and nobody types one.
    let zero = request.uri().path_and_query().is_some_and(|at| at.as_str().contains("%00"));
    let mut answer = match zero {
        true => Error::input("the path holds a zero (%00), which is in no name").into_response(),
        false => next.run(request).await,
    };
    let headers = answer.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    answer
}

/// Takes as many open files as the system allows: each connection is one. Gives how many those are, if that is known.
pub fn raise_limits() -> Option<u64> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        // Where it cannot be raised, fewer are served at once.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
        getrlimit(Resource::Nofile).current
    }
    #[cfg(not(unix))]
    None
}

/// Serves until it is told to stop: `ready` is told where it listens.
///
/// # Errors
/// Where the address cannot be had, or the certificate cannot be read.
pub async fn serve(
    authority: Authority,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let server = authority.config().server.clone();
    let gate = gate::Gate::open(server.listen, raise_limits())
        .map_err(|error| Error::unavailable(format!("{} cannot be listened on: {error}", server.listen)))?;
    let at = gate.at().map_err(|error| Error::unavailable(error.to_string()))?;
    let handle = axum_server::Handle::new();
    let service = router(authority).into_make_service_with_connect_info::<SocketAddr>();
    let stopping = handle.clone();
    tokio::spawn(async move {
        stop.await;
        stopping.graceful_shutdown(Some(Duration::from_secs(10)));
    });
    let failed = |error: std::io::Error| Error::unavailable(format!("serving ended: {error}"));
    let bound = axum_server::Server::<gate::Peer>::from_listener(gate)
        .handle(handle)
        .first_request_timeout(Duration::from_secs(10));
    match (&server.certificate, &server.certificate_key) {
        (Some(certificate), Some(key)) => {
            let _ = rustls::crypto::ring::default_provider().install_default();
            let tls = axum_server::tls_rustls::RustlsConfig::from_pem_file(certificate, key).await;
            let tls =
                tls.map_err(|error| Error::input(format!("the certificate {}: {error}", certificate.display())))?;
            let mut bound = bound
                .acceptor(axum_server::tls_rustls::RustlsAcceptor::new(tls).handshake_timeout(Duration::from_secs(10)));
            bound.http_builder().http1().header_read_timeout(Duration::from_secs(10));
            ready(at);
            bound.serve(service).await.map_err(failed)
        }
        _ => {
            let mut bound = bound;
            bound.http_builder().http1().header_read_timeout(Duration::from_secs(10));
            ready(at);
            bound.serve(service).await.map_err(failed)
        }
    }
}
