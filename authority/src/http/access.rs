//! Who may do what: bearer tokens whose hashes lie in the database, with scopes and an end.

use std::fmt;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::header;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::Shared;
use crate::error::{Error, Kind, Result};
use crate::issue::hash_of;

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Read products, licences, ledgers, documents and the journal.
    Read,
    /// Make and change products and licences, give and free seats.
    Licenses,
    /// Publish documents that are signed already.
    Publish,
    /// Ask for extensions, sign them, and work on appeals.
    Support,
    /// Make and revoke tokens.
    Tokens,
}

impl Scope {
    /// All of them.
    pub const ALL: [Scope; 5] = [Scope::Read, Scope::Licenses, Scope::Publish, Scope::Support, Scope::Tokens];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Licenses => "licenses",
            Scope::Publish => "publish",
            Scope::Support => "support",
            Scope::Tokens => "tokens",
        }
    }

    /// The scope of a word.
    pub fn from_word(word: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A secret of 32 random bytes, with a prefix by which scanners of repositories find it.
///
/// # Errors
/// Where the system gives no random numbers.
pub fn new_secret(prefix: &str) -> Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0u8; 32]);
    SystemRandom::new().fill(bytes.as_mut()).map_err(|_| Error::unavailable("the system gives no random numbers"))?;
    Ok(Zeroizing::new(format!("{prefix}_{}", URL_SAFE_NO_PAD.encode(bytes.as_ref()))))
}

/// The bearer's secret of a request.
pub fn bearer(parts: &axum::http::HeaderMap) -> Option<&str> {
    let text = parts.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| secret.trim())
}

/// Who asks the admin API.
#[derive(Clone, Debug)]
pub struct Who {
    /// The holder of the token.
    pub holder: String,
    scopes: Vec<Scope>,
}

impl Who {
    /// Whoever holds the database itself: the command line without a URL. No request that comes over a network can be his.
    pub fn operator(name: impl Into<String>) -> Who {
        Who { holder: name.into(), scopes: Scope::ALL.to_vec() }
    }

    /// Lets nobody by who lacks a scope.
    ///
    /// # Errors
    /// `Denied`.
    pub fn may(&self, scope: Scope) -> Result<&str> {
        if self.scopes.contains(&scope) {
            return Ok(&self.holder);
        }
        Err(Error::new(Kind::Denied, format!("this token of {} lacks the scope {scope}", self.holder)))
    }
}

impl FromRequestParts<Shared> for Who {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Who> {
        if let Some(who) = parts.extensions.get::<Who>() {
            return Ok(who.clone());
        }
        let from = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let unknown = |text: &str| Err(Error::new(Kind::Unknown, text));
        let Some(secret) = bearer(&parts.headers) else {
            return unknown(
                "an access token is needed: Authorization: Bearer TOKEN; `reprieve-authority token new` makes one",
            );
        };
        let token = shared.authority.store().token_of(&hash_of(secret)).await?;
        let now = shared.authority.store().now();
        match token {
            Some(token) if token.revoked.is_none() && now < token.ends => {
                Ok(Who { holder: token.holder, scopes: token.scopes.split(' ').filter_map(Scope::from_word).collect() })
            }
            other => {
                if let Some(from) = from {
                    shared.failed(from)?;
                }
                match other {
                    Some(_) => unknown("the access token has ended or was revoked; ask for a new one"),
                    None => unknown("the access token is not known here"),
                }
            }
        }
    }
}
