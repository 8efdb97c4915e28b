//! The command line's way to the admin API: over HTTP, or, where the database is at hand, to the same routes in this process. So both go by the same rules.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Method, Request};
use reprieve_authority::config::Config;
use reprieve_authority::error::{Error, Kind, Result};
use reprieve_authority::http::{self, Who};
use serde_json::Value;
use tower::ServiceExt as _;
use zeroize::Zeroizing;

/// The most bytes of an answer.
const MOST: usize = 64 << 20;

/// Where the authority is.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Where {
    /// The settings.
    #[arg(long, global = true, env = "REPRIEVE_AUTHORITY", default_value = "authority.toml", value_name = "FILE")]
    pub config: PathBuf,
    /// Speak to the authority that is served there, in place of opening the database by --config. For `init`: where products find it.
    #[arg(long, global = true, value_name = "URL")]
    pub url: Option<String>,
    /// A file with the access token for --url, in place of the environment's REPRIEVE_TOKEN.
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Certificates in PEM to trust for --url, in place of the platform's.
    #[arg(long, global = true, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Who does it, for the journal. With --url the access token says who.
    #[arg(long, global = true, default_value = "operator", conflicts_with = "url", value_name = "NAME")]
    pub who: String,
}

/// A way to the admin API.
pub enum Client {
    /// An authority that is served somewhere.
    Http { agent: ureq::Agent, base: String, token: Option<Zeroizing<String>> },
    /// The database by its settings.
    Local { router: Router, who: Who },
}

/// A text within a URL.
pub fn encode(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' | b'@' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

fn kind_of(word: &str) -> Kind {
    match word {
        "unauthorized" => Kind::Unknown,
        "forbidden" => Kind::Denied,
        "not_found" => Kind::Missing,
        "conflict" => Kind::Conflict,
        "refused" => Kind::Refused,
        "too_many_requests" => Kind::Busy,
        "unavailable" => Kind::Unavailable,
        _ => Kind::Input,
    }
}

/// The answer, or the error that it says.
fn answer(status: u16, bytes: Vec<u8>) -> Result<Vec<u8>> {
    if (200..300).contains(&status) {
        return Ok(bytes);
    }
    let says: Option<Value> = serde_json::from_slice(&bytes).ok();
    let text = |key: &str| says.as_ref().and_then(|says| says.get(key)).and_then(Value::as_str).map(str::to_owned);
    match (text("error"), text("text")) {
        (Some(word), Some(text)) => Err(Error::new(kind_of(&word), text)),
        _ if status >= 500 => Err(Error::unavailable(format!("the authority answers {status}; try again"))),
        _ => Err(Error::input(format!("the authority answers {status}; check --url"))),
    }
}

fn token(path: Option<&Path>) -> Result<Option<Zeroizing<String>>> {
    let text = match path {
        Some(path) => {
            let text = std::fs::read_to_string(path).map(Zeroizing::new);
            Some(text.map_err(|error| Error::input(format!("{}: {error}; check the name", path.display())))?)
        }
        // One that is set and empty is none.
        None => std::env::var("REPRIEVE_TOKEN").ok().filter(|text| !text.trim().is_empty()).map(Zeroizing::new),
    };
    match text {
        Some(text) if text.trim().is_empty() || !text.trim().bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err(Error::input("the access token is none: it is one word, as `token new` prints it"))
        }
        Some(text) => Ok(Some(Zeroizing::new(text.trim().to_owned()))),
        None => Ok(None),
    }
}

fn agent(ca: Option<&Path>) -> Result<ureq::Agent> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = ureq::tls::TlsConfig::builder()
        .unversioned_rustls_crypto_provider(provider)
        .root_certs(ureq::tls::RootCerts::PlatformVerifier);
    if let Some(path) = ca {
        let wrong = |why: &dyn std::fmt::Display| Error::input(format!("{}: {why}", path.display()));
        let pem = std::fs::read(path).map_err(|error| wrong(&error))?;
        let mut roots = Vec::new();
        for item in ureq::tls::parse_pem(&pem) {
            if let ureq::tls::PemItem::Certificate(certificate) = item.map_err(|error| wrong(&error))? {
                roots.push(certificate);
            }
        }
        if roots.is_empty() {
            return Err(wrong(&"it holds no certificate in PEM"));
        }
        tls = tls.root_certs(ureq::tls::RootCerts::Specific(Arc::new(roots)));
    }
    let config = ureq::Agent::config_builder()
        .tls_config(tls.build())
        .http_status_as_error(false)
        // A token goes nowhere but where it was told to go.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(Duration::from_secs(60)))
        .user_agent(concat!("reprieve-authority/", env!("CARGO_PKG_VERSION")));
    Ok(config.build().new_agent())
}

impl Client {
    /// Over HTTP where a URL is given, else by the settings.
    ///
    /// # Errors
    /// Where the token, the certificates, or the settings cannot be read.
    pub async fn open(place: &Where) -> Result<Client> {
        if let Some(url) = &place.url {
            if !url.starts_with("https://") && !url.starts_with("http://") {
                return Err(Error::input(format!("--url {url}: write https://HOST, or http://HOST:PORT")));
            }
            let token = token(place.token_file.as_deref())?;
            let base = url.trim_end_matches('/').to_owned();
            return Ok(Client::Http { agent: agent(place.ca.as_deref())?, base, token });
        }
        if !reprieve::terms::is_name(&place.who) {
            return Err(Error::input(format!(
                "--who {:?} is no name: 1 to 128 of A-Z a-z 0-9 . _ : @ / + -",
                place.who
            )));
        }
        let authority = reprieve_authority::start(Config::read(&place.config)?).await?;
        Ok(Client::Local { router: http::router(authority), who: Who::operator(&place.who) })
    }

    /// Asks, and gives the bytes of the answer.
    ///
    /// # Errors
    /// What the authority answers, or `Unavailable` where it cannot be reached.
    pub async fn ask(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Result<Vec<u8>> {
        match self {
            Client::Http { agent, base, token } => {
                let mut request = Request::builder().method(method).uri(format!("{base}{path}"));
                if let Some(token) = token {
                    request = request.header("Authorization", format!("Bearer {}", token.as_str()));
                }
                if body.is_some() {
                    request = request.header("Content-Type", "application/json");
                }
                let request = request.body(body.unwrap_or_default());
                let request = request.map_err(|error| Error::input(format!("{base}{path}: {error}")))?;
                let unreachable = |error: ureq::Error| Error::unavailable(format!("{base}: {error}; try again"));
                tokio::task::block_in_place(|| {
                    let mut got = agent.run(request).map_err(unreachable)?;
                    let status = got.status().as_u16();
                    let bytes = got.body_mut().with_config().limit(MOST as u64).read_to_vec().map_err(unreachable)?;
                    answer(status, bytes)
                })
            }
            Client::Local { router, who } => {
                let request = Request::builder().method(method).uri(path).body(Body::from(body.unwrap_or_default()));
                let mut request = request.map_err(|error| Error::input(format!("{path}: {error}")))?;
                request.extensions_mut().insert(who.clone());
                request.extensions_mut().insert(ConnectInfo(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))));
                let got = match router.clone().oneshot(request).await {
                    Ok(got) => got,
                    Err(never) => match never {},
                };
                let status = got.status().as_u16();
                let bytes = to_bytes(got.into_body(), MOST).await;
                answer(status, bytes.map_err(|error| Error::unavailable(error.to_string()))?.to_vec())
            }
        }
    }

    async fn json(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let body = body.map(|body| body.to_string().into_bytes());
        let bytes = self.ask(method, path, body).await?;
        serde_json::from_slice(&bytes)
            .map_err(|_| Error::unavailable(format!("what answers under {path} is no authority; check --url")))
    }

    /// GET.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.json(Method::GET, path, None).await
    }

    /// POST.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.json(Method::POST, path, Some(body)).await
    }

    /// PATCH.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Value> {
        self.json(Method::PATCH, path, Some(body)).await
    }

    /// GET of a text.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn text(&self, path: &str) -> Result<String> {
        let bytes = self.ask(Method::GET, path, None).await?;
        String::from_utf8(bytes).map_err(|_| Error::unavailable(format!("what answers under {path} is no text")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_url_is_written_out() {
        assert_eq!(encode("L1/a:b@c+d"), "L1/a:b@c%2Bd");
        assert_eq!(encode("a?b#c&d=e\r\nX: y%"), "a%3Fb%23c%26d%3De%0D%0AX:%20y%25");
        assert_eq!(encode("\u{e4}"), "%C3%A4");
    }
}
