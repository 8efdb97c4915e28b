//! Opening a token: the first five refusals of rules D, in their order.
//!
//! What is no JWS at all is malformed, as there is nothing to go by. Of a JWS, every signer is looked up first (`unknown_key`),
//! then every signature is verified (`bad_signature`), then every role (`wrong_role`), then the kind and the schema are looked at
//! (`unsupported`), and what is said comes last (`malformed`). A header whose `alg` is not that of Ed25519 is a signature that
//! does not hold: `none` or a HMAC never gets further.

use serde_json::{Map, Value};

use super::jws::{Form, Jws, Signer, decode, trim};
use super::trust::Candidate;
use super::{Document, MAX_TOKEN, Refused, Role, TokenId, TrustStore, json, read};
use crate::order;
use crate::terms::{Kind, Refusal, is_name};
use crate::time::Instant;

/// A token, looked at by the keys that are trusted.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// What the token is known by.
    pub id: TokenId,
    /// The kind that it says it is, if this release knows it; also of a token that is refused.
    pub kind: Option<Kind>,
    /// The licence that it says it is about; also of a token that is refused, if it is a name.
    pub license: Option<String>,
    /// The keys that it says it is signed with.
    pub kids: Vec<String>,
    /// The document, or why it is none.
    pub result: Result<Document, Refused>,
}

/// What a token says, without any key: nothing of it is verified.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// What the token is known by.
    pub id: TokenId,
    /// How it is written.
    pub form: Form,
    /// The header's `typ`, as it is written; none if there is none or its signatures differ.
    pub typ: Option<String>,
    /// The kind, if this release knows it.
    pub kind: Option<Kind>,
    /// The headers of its signatures.
    pub signers: Vec<SignerInfo>,
    /// The claims.
    pub payload: Value,
}

/// One signature of a token that is inspected.
#[derive(Clone, Debug, PartialEq)]
pub struct SignerInfo {
    /// The key that it says it is by.
    pub kid: Option<String>,
    /// The algorithm that it says it is by.
    pub alg: String,
    /// The whole protected header.
    pub header: Value,
}

/// What the headers say of the kind.
enum Typ {
    Known(Kind),
    Unknown(String),
    Missing,
    Differ,
}

impl Typ {
    fn of(jws: &Jws) -> Typ {
        let mut typs = jws.signers.iter().map(|signer| signer.typ.as_deref());
        let first = typs.next().flatten();
        if typs.any(|typ| typ.map(plain) != first.map(plain)) {
            return Typ::Differ;
        }
        match first {
            None => Typ::Missing,
            Some(typ) => kind_of(typ).map_or_else(|| Typ::Unknown(typ.to_owned()), Typ::Known),
        }
    }

    fn kind(&self) -> Option<Kind> {
        match self {
            Typ::Known(kind) => Some(*kind),
            _ => None,
        }
    }
}

/// Media types are compared without regard to case, and `application/` may be left out (RFC 7515 section 4.1.9).
fn plain(typ: &str) -> String {
    let typ = typ.to_ascii_lowercase();
    typ.strip_prefix("application/").map(str::to_owned).unwrap_or(typ)
}

fn kind_of(typ: &str) -> Option<Kind> {
    plain(typ).strip_prefix("reprieve-")?.strip_suffix("+jwt").and_then(Kind::from_word)
}

/// Says what a token is worth to who trusts these keys. It never panics, and what it does is bounded whatever the bytes.
pub fn open(token: &[u8], trust: &TrustStore) -> Opened {
    let token = trim(token);
    let id = TokenId::of(token);
    let jws = match Jws::parse(token) {
        Ok(jws) => jws,
        Err(why) => {
            let (kind, license) = glimpse(token);
            let result = Err(Refused::malformed(format!("this is no signed document: {why}")));
            return Opened { id, kind, license, kids: Vec::new(), result };
        }
    };
    let typ = Typ::of(&jws);
    let claims = json::object(&jws.payload);
    let result = judge(&jws, &typ, &claims, trust);
    let kind = typ.kind();
    let license = claims.as_ref().ok().and_then(|claims| license_of(kind, claims));
    Opened { id, kind, license, kids: kids(&jws), result }
}

fn kids(jws: &Jws) -> Vec<String> {
    jws.signers.iter().filter_map(|signer| signer.kid.clone()).collect()
}

fn judge(
    jws: &Jws,
    typ: &Typ,
    claims: &Result<Map<String, Value>, String>,
    trust: &TrustStore,
) -> Result<Document, Refused> {
    // Where the `iat` cannot be read, no key's validity can be judged by it, and the document is malformed in the end.
    let iat = claims.as_ref().ok().and_then(read::issued_at);
    let mut signers = Vec::with_capacity(jws.signers.len());
    for signer in &jws.signers {
        signers.push((signer, known(signer, iat, trust)?));
    }
    for (signer, candidates) in &mut signers {
        candidates.retain(|candidate| jws.holds(signer, candidate.x));
        if candidates.is_empty() {
            return Err(Refused::new(Refusal::BadSignature, bad_signature(signer)));
        }
    }
    if let Typ::Known(kind) = typ {
        let role = Role::of(*kind);
        for (signer, candidates) in &mut signers {
            candidates.retain(|candidate| candidate.may(role));
            if candidates.is_empty() {
                let kid = signer.kid.as_deref().unwrap_or_default();
                let detail = format!("the key `{kid}` may not sign a {kind}: it lacks the role {role}");
                return Err(Refused::new(Refusal::WrongRole, detail));
            }
        }
    }
    let kind = match typ {
        Typ::Known(kind) => *kind,
        Typ::Unknown(typ) => {
            let detail = format!("this release knows no document of the type `{typ}`; update the product");
            return Err(Refused::new(Refusal::Unsupported, detail));
        }
        Typ::Missing => {
            return Err(Refused::malformed("the header has no `typ`; write one such as reprieve-lease+jwt"));
        }
        Typ::Differ => return Err(Refused::malformed("its signatures say different things in `typ`")),
    };
    let claims = claims.as_ref().map_err(|why| Refused::malformed(format!("its payload: {why}")));
    let approvals = order::set(signers.iter().flat_map(|(_, keys)| keys.first()).map(|key| key.x));
    // A newer schema is to be told before anything malformed, the header's extensions included.
    let document = claims.and_then(|claims| read::read(kind, claims, count(approvals.len())));
    if jws.signers.iter().any(Signer::has_extensions) && !is_unsupported(&document) {
        return Err(Refused::malformed("its header has `crit`, and no extension of JWS is understood"));
    }
    document
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn is_unsupported(document: &Result<Document, Refused>) -> bool {
    document.as_ref().is_err_and(|refused| refused.refusal == Refusal::Unsupported)
}

fn known<'a>(signer: &'a Signer, iat: Option<Instant>, trust: &'a TrustStore) -> Result<Vec<Candidate<'a>>, Refused> {
    let unknown = |detail: String| Refused::new(Refusal::UnknownKey, detail);
    let Some(kid) = signer.kid.as_deref() else {
        return Err(unknown("its protected header names no key: `kid` is missing".to_owned()));
    };
    let mut keys: Vec<Candidate<'a>> = trust.candidates(kid).collect();
    if keys.is_empty() {
        let version = match trust.version() {
            Some(version) => format!("version {version} is in force"),
            None => "there is none yet".to_owned(),
        };
        let detail =
            format!("the key `{kid}` is not trusted here; import the vendor's newest keys document ({version})");
        return Err(unknown(detail));
    }
    if let Some(iat) = iat {
        keys.retain(|key| key.valid_at(iat));
        if keys.is_empty() {
            return Err(unknown(format!("the key `{kid}` was not valid when the document was issued ({iat})")));
        }
    }
    Ok(keys)
}

fn bad_signature(signer: &Signer) -> String {
    let kid = signer.kid.as_deref().unwrap_or_default();
    if signer.alg_is_ours() {
        format!(
            "the signature by the key `{kid}` does not hold: the document was changed, or cut, or signed with another key"
        )
    } else {
        format!("the header's `alg` is `{}`; documents are signed with EdDSA by Ed25519", signer.alg)
    }
}

/// The licence that claims name, where the kind is about one or is not known.
fn license_of(kind: Option<Kind>, claims: &Map<String, Value>) -> Option<String> {
    if matches!(kind, Some(Kind::Policy | Kind::Notice | Kind::Keys)) {
        return None;
    }
    claims.get("license").and_then(Value::as_str).filter(|license| is_name(license)).map(str::to_owned)
}

/// The kind and licence of a compact token that is no whole JWS, where they can be made out: for the record of its refusal.
fn glimpse(token: &[u8]) -> (Option<Kind>, Option<String>) {
    if token.len() > MAX_TOKEN {
        return (None, None);
    }
    let mut parts = token.split(|byte| *byte == b'.').map(|part| {
        let text = std::str::from_utf8(part).ok()?;
        json::object(&decode(text)?).ok()
    });
    let header = parts.next().flatten();
    let kind = header.as_ref().and_then(|header| header.get("typ")).and_then(Value::as_str).and_then(kind_of);
    let license = parts.next().flatten().and_then(|claims| license_of(kind, &claims));
    (kind, license)
}

/// What a token says, for people who look into one. Nothing of it is verified.
pub fn inspect(token: &[u8]) -> Result<Inspection, Refused> {
    let jws = Jws::parse(token).map_err(|why| Refused::malformed(format!("this is no signed document: {why}")))?;
    let payload = json::object(&jws.payload).map_err(|why| Refused::malformed(format!("its payload: {why}")))?;
    let typ = Typ::of(&jws);
    let kind = typ.kind();
    let differ = matches!(typ, Typ::Differ);
    Ok(Inspection {
        id: TokenId::of(token),
        form: jws.form,
        typ: jws.signers.first().filter(|_| !differ).and_then(|signer| signer.typ.clone()),
        kind,
        signers: jws
            .signers
            .iter()
            .map(|signer| SignerInfo {
                kid: signer.kid.clone(),
                alg: signer.alg.clone(),
                header: Value::Object(signer.header.clone()),
            })
            .collect(),
        payload: Value::Object(payload),
    })
}

/// The document that a token holds, without looking at its signatures: only for a token that was verified before. The
/// approvals of an extension are then the distinct names of its keys.
pub fn read_unverified(token: &[u8]) -> Option<Document> {
    let jws = Jws::parse(token).ok()?;
    let kind = Typ::of(&jws).kind()?;
    let kids = order::set(jws.signers.iter().filter_map(|signer| signer.kid.as_deref()));
    read::read(kind, &json::object(&jws.payload).ok()?, count(kids.len())).ok()
}
