//! What each kind of document says (rules D1 to D7), as data.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::policy::Policy;
use crate::terms::{Access, Kind};
use crate::time::Instant;

/// The ledger name that stands for every ledger (rule D1).
pub const ANY_LEDGER: &str = "*";

/// The claims of a document whose signatures and role have been checked.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Document {
    Lease(Lease),
    Policy(PolicyDocument),
    Notice(Notice),
    Extension(Extension),
    Revocation(Revocation),
    Ruling(Ruling),
    Keys(Keys),
}

impl Document {
    /// Which kind it is.
    pub fn kind(&self) -> Kind {
        match self {
            Document::Lease(_) => Kind::Lease,
            Document::Policy(_) => Kind::Policy,
            Document::Notice(_) => Kind::Notice,
            Document::Extension(_) => Kind::Extension,
            Document::Revocation(_) => Kind::Revocation,
            Document::Ruling(_) => Kind::Ruling,
            Document::Keys(_) => Kind::Keys,
        }
    }

    /// When the authority issued it.
    pub fn iat(&self) -> Instant {
        match self {
            Document::Lease(d) => d.iat,
            Document::Policy(d) => d.iat,
            Document::Notice(d) => d.iat,
            Document::Extension(d) => d.iat,
            Document::Revocation(d) => d.iat,
            Document::Ruling(d) => d.iat,
            Document::Keys(d) => d.iat,
        }
    }

    /// The licence that it is about, if it is about one.
    pub fn license(&self) -> Option<&str> {
        match self {
            Document::Lease(d) => Some(&d.license),
            Document::Extension(d) => Some(&d.license),
            Document::Revocation(d) => Some(&d.license),
            Document::Ruling(d) => Some(&d.license),
            Document::Policy(_) | Document::Notice(_) | Document::Keys(_) => None,
        }
    }
}

/// D1: a licence is good until `exp`, feature by feature.
#[derive(Clone, Debug, PartialEq)]
pub struct Lease {
    /// The licence; its newest lease counts.
    pub license: String,
    /// The product that it is for.
    pub sku: String,
    /// Each feature's `exp`; at least one, and no patterns.
    pub features: BTreeMap<String, Instant>,
    /// When it was issued.
    pub iat: Instant,
    /// The id of the ledger that it is for, or [`ANY_LEDGER`].
    pub ledger: String,
    /// The nonce of the renewal request that it answers: what can make it fresh (C6).
    pub nonce: Option<String>,
    /// The head of the ledger that the authority countersigns: a checkpoint note.
    pub checkpoint: Option<String>,
    /// The authority saw that this ledger does not extend the head it last countersigned.
    pub put_back: bool,
    /// A5: the ids of the appeals of this ledger that the authority has.
    pub appeals: Vec<String>,
}

/// D2: the rules of grace, as of `iat`.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyDocument {
    /// The policy.
    pub policy: Arc<Policy>,
    /// When it was issued.
    pub iat: Instant,
}

/// D3: maintenance that is planned, or an outage that the vendor confirms.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// Its name; a newer notice of the same name replaces it.
    pub id: String,
    /// When it begins.
    pub start: Instant,
    /// When it ends.
    pub end: Instant,
    /// The SKUs it is for, exact; none listed is all.
    pub skus: Vec<String>,
    /// The features it is for; none listed is all.
    pub features: Vec<String>,
    /// It ended at its own `iat`, if that is earlier than `end`.
    pub cancelled: bool,
    /// When it was issued.
    pub iat: Instant,
}

/// D4: a support agent's grant.
#[derive(Clone, Debug, PartialEq)]
pub struct Extension {
    /// The licence it is for.
    pub license: String,
    /// The features it is for; none listed is all.
    pub features: Vec<String>,
    /// When it ends.
    pub until: Instant,
    /// What it grants: full or limited.
    pub access: Access,
    /// When it was issued.
    pub iat: Instant,
    /// How many distinct keys of role support signed it.
    pub approvals: u32,
}

/// D5: a licence, or some of its features, taken back.
#[derive(Clone, Debug, PartialEq)]
pub struct Revocation {
    /// The licence it is for.
    pub license: String,
    /// The features it is for; none listed is all.
    pub features: Vec<String>,
    /// From when it applies.
    pub effective: Instant,
    /// When it was issued; newer leases are not touched.
    pub iat: Instant,
}

/// D6: the outcome of an appeal.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruling {
    /// The licence it is for.
    pub license: String,
    /// The features it is for; none listed is all.
    pub features: Vec<String>,
    /// Grace within `[from, to)` is not charged.
    pub void: Option<(Instant, Instant)>,
    /// It ends the suspicion of the clock.
    pub clears_clock: bool,
    /// It ends the suspicions of the ledger and of its place.
    pub clears_ledger: bool,
    /// The id of the ledger that it is for.
    pub ledger: String,
    /// When it was issued.
    pub iat: Instant,
}

/// What a key may sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Role {
    Lease,
    Policy,
    Notice,
    Support,
    Revocation,
    Ruling,
    Root,
}

/// One entry of a `keys` document.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyEntry {
    /// The key id that tokens name.
    pub kid: String,
    /// The raw Ed25519 public key.
    pub x: [u8; 32],
    /// What it may sign.
    pub roles: Vec<Role>,
    /// Documents issued before this are not its.
    pub nbf: Option<Instant>,
    /// Documents issued at this or later are not its.
    pub exp: Option<Instant>,
}

/// A root key: what signs `keys` documents.
#[derive(Clone, Debug, PartialEq)]
pub struct RootKey {
    /// The key id that tokens name.
    pub kid: String,
    /// The raw Ed25519 public key.
    pub x: [u8; 32],
}

/// D7: whose keys may say what.
#[derive(Clone, Debug, PartialEq)]
pub struct Keys {
    /// The higher is the newer.
    pub version: u64,
    /// The keys of the authority.
    pub keys: Vec<KeyEntry>,
    /// Who may sign the next `keys` document.
    pub roots: Vec<RootKey>,
    /// Where to renew from now on, before what the application file names. An entry that a release cannot
    /// read is none of its: or one product would accept the document, and another refuse it.
    pub endpoints: Vec<Endpoint>,
    /// Base URLs of mirrors, in the same way.
    pub mirrors: Vec<String>,
    /// When it was issued.
    pub iat: Instant,
}

/// A way to the authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Where a renewal request is POSTed to: an `https:` URL (an `http:` one only where nothing but the documents' signatures is
    /// to be trusted).
    pub url: String,
    /// The lower is tried first, as of SRV records (RFC 2782).
    pub priority: u16,
    /// How often, among endpoints of one priority, it comes first: in proportion to this. 0: last of them.
    pub weight: u16,
    /// The region that it stands in, if it matters. Within a priority no two attempts in a row go to one region while there is
    /// another: what takes down one endpoint is likely to take down its neighbours.
    pub region: Option<String>,
}

impl Endpoint {
    /// An endpoint of priority and weight 1.
    pub fn new(url: impl Into<String>) -> Endpoint {
        Endpoint { url: url.into(), priority: 1, weight: 1, region: None }
    }

    /// Whether a text can be an endpoint's URL.
    pub(crate) fn is_url(text: &str) -> bool {
        let (scheme, rest) = text.split_once("://").unwrap_or_default();
        (scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")) && !rest.is_empty()
    }
}
