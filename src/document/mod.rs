//! What the authority signs: JWS with EdDSA (RFC 7515, RFC 8037), keys and roles, and the claims of each kind (rules D).
//!
//! This room checks what a document is worth on its own: the first five refusals of rules D. What depends on the ledger's state
//! (`wrong_ledger` and on) is the heart's to say.
//!
//! ```
//! use reprieve::document::{self, KeyEntry, Keys, Role, SigningKey, TrustStore};
//! use reprieve::terms::Kind;
//! use reprieve::time::Instant;
//!
//! let key = SigningKey::generate("leases-1")?;
//! let claims = serde_json::json!({
//!     "license": "L1", "sku": "cad", "features": { "core": 1_800_000_000 }, "iat": 1_790_000_000, "ledger": "*",
//! });
//! let token = document::issue(Kind::Lease, &claims, &[&key])?;
//!
//! let entry = KeyEntry { kid: "leases-1".into(), x: key.public(), roles: vec![Role::Lease], nbf: None, exp: None };
//! let mut trust = TrustStore::new(Vec::new());
//! trust.adopt(&Keys { version: 1, keys: vec![entry], roots: Vec::new(), endpoints: Vec::new(), mirrors: Vec::new(), iat: Instant::EPOCH });
//! let lease = document::open(&token, &trust).result?;
//! assert_eq!(lease.license(), Some("L1"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod claims;
mod issue;
mod json;
mod jws;
mod key;
mod open;
mod read;
mod trust;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::terms::{Kind, Refusal};

pub use claims::{
    ANY_LEDGER, Document, Endpoint, Extension, KeyEntry, Keys, Lease, Notice, PolicyDocument, Revocation, Role,
    RootKey, Ruling,
};
pub use issue::{NotIssued, combine, issue, issue_by, issue_unchecked};
pub use jws::{Form, trim};
pub use key::{KeyError, Sign, SigningKey};
pub use open::{Inspection, Opened, SignerInfo, inspect, open, read_unverified};
pub use trust::TrustStore;

/// The largest token that is looked at; a larger one is malformed.
pub const MAX_TOKEN: usize = 256 * 1024;

/// The most signatures that one token may carry; one with more is malformed.
pub const MAX_SIGNERS: usize = 16;

/// The deepest that headers and claims may be nested.
pub const MAX_DEPTH: usize = 32;

/// What a token is known by: the SHA-256 of its bytes as they arrived, without the white space of the file around it (D0: a
/// newline at the end makes no other token).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TokenId(pub [u8; 32]);

impl TokenId {
    /// The id of a token.
    pub fn of(token: &[u8]) -> TokenId {
        let digest = ring::digest::digest(&ring::digest::SHA256, trim(token));
        let mut id = [0; 32];
        id.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
        TokenId(id)
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a token is no document to go by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The first reason that applies, in the order of rules D.
    pub refusal: Refusal,
    /// What is wrong, with which key or claim, and what to do about it. For people; it may change with any release.
    pub detail: String,
}

impl Refused {
    pub(crate) fn new(refusal: Refusal, detail: impl Into<String>) -> Refused {
        Refused { refusal, detail: detail.into() }
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Refused {
        Refused::new(Refusal::Malformed, detail)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.refusal, self.detail)
    }
}

impl std::error::Error for Refused {}

impl Role {
    /// Every role.
    pub const ALL: &'static [Role] =
        &[Role::Lease, Role::Policy, Role::Notice, Role::Support, Role::Revocation, Role::Ruling, Role::Root];

    /// The role that the signers of a kind must have.
    pub const fn of(kind: Kind) -> Role {
        match kind {
            Kind::Lease => Role::Lease,
            Kind::Policy => Role::Policy,
            Kind::Notice => Role::Notice,
            Kind::Extension => Role::Support,
            Kind::Revocation => Role::Revocation,
            Kind::Ruling => Role::Ruling,
            Kind::Keys => Role::Root,
        }
    }

    /// The word, as `keys` documents write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Lease => "lease",
            Role::Policy => "policy",
            Role::Notice => "notice",
            Role::Support => "support",
            Role::Revocation => "revocation",
            Role::Ruling => "ruling",
            Role::Root => "root",
        }
    }

    /// The role of a word, if it is one.
    pub fn from_word(word: &str) -> Option<Role> {
        Role::ALL.iter().copied().find(|role| role.as_str() == word)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The header's `typ` for a kind: `reprieve-lease+jwt`.
pub fn typ(kind: Kind) -> String {
    format!("reprieve-{kind}+jwt")
}
