//! From claims to a document (rules D1 to D7): the same code for what is opened and for what is about to be signed.
//!
//! Claims that a kind does not know are ignored, unless the claim `crit`, a list of names, marks them as critical. The registered
//! claims of JWT (`iss`, `sub`, `aud`, `exp`, `nbf`, `jti`) mean nothing here. `null` is a value, not the same as nothing: an
//! optional claim is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::jws::decode;
use super::{
    ANY_LEDGER, Document, Endpoint, Extension, KeyEntry, Keys, Lease, Notice, PolicyDocument, Refused, Revocation,
    Role, RootKey, Ruling,
};
use crate::order::sort_short;
use crate::policy::Policy;
use crate::terms::{Access, Kind, Refusal, is_name, is_pattern};
use crate::time::Instant;

const REGISTERED: &[&str] = &["iss", "sub", "aud", "exp", "nbf", "jti"];

/// The claims that a kind knows, besides `iat` and `crit`.
const fn known(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Lease => &["license", "sku", "features", "ledger", "nonce", "checkpoint", "put_back", "appeals"],
        Kind::Policy => {
            &["schema", "id", "version", "default_tier", "clock", "ledger", "governance", "tiers", "skus", "changes"]
        }
        Kind::Notice => &["id", "start", "end", "skus", "features", "cancelled"],
        Kind::Extension => &["license", "features", "until", "access"],
        Kind::Revocation => &["license", "features", "effective"],
        Kind::Ruling => &["license", "features", "void", "clears", "ledger"],
        Kind::Keys => &["version", "keys", "roots", "endpoints"],
    }
}

type Claims = Map<String, Value>;

/// Reads the claims of a kind. What an extension's signers amount to is known to who verified them.
pub(super) fn read(kind: Kind, claims: &Claims, approvals: u32) -> Result<Document, Refused> {
    if kind == Kind::Policy {
        // A newer schema comes before anything malformed, in itself or beside it.
        let policy = policy(claims);
        if let Err(refused) = &policy
            && refused.refusal == Refusal::Unsupported
        {
            return Err(refused.clone());
        }
        critical(kind, claims)?;
        return Ok(Document::Policy(PolicyDocument { iat: instant(claims, "iat")?, policy: Arc::new(policy?) }));
    }
    critical(kind, claims)?;
    let iat = instant(claims, "iat")?;
    Ok(match kind {
        Kind::Lease => Document::Lease(lease(claims, iat)?),
        Kind::Notice => Document::Notice(notice(claims, iat)?),
        Kind::Extension => Document::Extension(extension(claims, iat, approvals)?),
        Kind::Revocation => Document::Revocation(Revocation {
            license: name(claims, "license")?,
            features: scope(claims)?,
            effective: instant(claims, "effective")?,
            iat,
        }),
        Kind::Ruling => Document::Ruling(ruling(claims, iat)?),
        Kind::Policy | Kind::Keys => Document::Keys(keys(claims, iat)?),
    })
}

/// The `iat` by which keys are judged, if it can be read.
pub(super) fn issued_at(claims: &Claims) -> Option<Instant> {
    instant(claims, "iat").ok()
}

fn missing(key: &str) -> Refused {
    Refused::malformed(format!("the claim `{key}` is missing"))
}

fn wrong(key: &str, what: &str) -> Refused {
    Refused::malformed(format!("the claim `{key}` {what}"))
}

fn critical(kind: Kind, claims: &Claims) -> Result<(), Refused> {
    let Some(crit) = claims.get("crit") else { return Ok(()) };
    let list = crit.as_array().ok_or_else(|| wrong("crit", "is no list of names"))?;
    for item in list {
        let claim = item.as_str().ok_or_else(|| wrong("crit", "is no list of names"))?;
        if !known(kind).contains(&claim) && claim != "iat" && claim != "crit" {
            let detail = format!("the claim `{claim}` is critical, and this release does not know it in a {kind}");
            return Err(Refused::malformed(detail));
        }
    }
    Ok(())
}

fn text<'a>(claims: &'a Claims, key: &str) -> Result<&'a str, Refused> {
    claims.get(key).ok_or_else(|| missing(key))?.as_str().ok_or_else(|| wrong(key, "is no text"))
}

fn name(claims: &Claims, key: &str) -> Result<String, Refused> {
    let text = text(claims, key)?;
    if is_name(text) {
        Ok(text.to_owned())
    } else {
        Err(wrong(key, "is no name: 1 to 128 of A-Z a-z 0-9 . _ : @ / + -"))
    }
}

/// A NumericDate in whole seconds, 1970 to 9999. A number with a fraction or an exponent is none, whatever it amounts to: not
/// every reader would see the same number.
fn seconds(value: &Value, key: &str) -> Result<Instant, Refused> {
    let number =
        value.as_number().ok_or_else(|| wrong(key, "is no instant; write whole seconds since 1970 as a number"))?;
    if number.is_f64() {
        return Err(wrong(key, "is no whole number of seconds since 1970"));
    }
    let instant = number.as_i64().map(Instant::from_seconds).filter(|instant| instant.in_documents());
    instant.ok_or_else(|| wrong(key, "lies outside the years 1970 to 9999; write seconds, not milliseconds"))
}

fn instant(claims: &Claims, key: &str) -> Result<Instant, Refused> {
    seconds(claims.get(key).ok_or_else(|| missing(key))?, key)
}

fn optional<'a, T>(
    claims: &'a Claims,
    key: &str,
    read: impl FnOnce(&'a Value) -> Result<T, Refused>,
) -> Result<Option<T>, Refused> {
    claims.get(key).map(read).transpose()
}

fn boolean(claims: &Claims, key: &str) -> Result<bool, Refused> {
    let value = optional(claims, key, |value| value.as_bool().ok_or_else(|| wrong(key, "is neither true nor false")))?;
    Ok(value.unwrap_or(false))
}

fn whole(claims: &Claims, key: &str) -> Result<u64, Refused> {
    claims.get(key).ok_or_else(|| missing(key))?.as_u64().ok_or_else(|| wrong(key, "is no whole number from 0"))
}

fn texts<'a>(value: &'a Value, key: &str) -> Result<Vec<&'a str>, Refused> {
    let list = value.as_array().and_then(|list| list.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
    list.ok_or_else(|| wrong(key, "is no list of texts"))
}

/// `features`: names and patterns; none listed is all.
fn scope(claims: &Claims) -> Result<Vec<String>, Refused> {
    listed(claims, "features", is_pattern)
}

fn listed(claims: &Claims, key: &str, is: fn(&str) -> bool) -> Result<Vec<String>, Refused> {
    let list = optional(claims, key, |value| texts(value, key))?.unwrap_or_default();
    match list.iter().find(|item| !is(item)) {
        Some(item) => Err(wrong(key, &format!("lists {item:?}, which is no name that may stand there"))),
        None => Ok(list.into_iter().map(str::to_owned).collect()),
    }
}

fn object<'a>(value: &'a Value, key: &str) -> Result<&'a Claims, Refused> {
    value.as_object().ok_or_else(|| wrong(key, "is no object"))
}

/// D1.
fn lease(claims: &Claims, iat: Instant) -> Result<Lease, Refused> {
    let features = object(claims.get("features").ok_or_else(|| missing("features"))?, "features")?;
    if features.is_empty() {
        return Err(wrong("features", "is empty; a lease names one feature at least"));
    }
    let mut ends = BTreeMap::new();
    for (feature, exp) in features {
        if !is_name(feature) {
            return Err(wrong("features", &format!("names {feature:?}, which is no name; a lease has no patterns")));
        }
        ends.insert(feature.clone(), seconds(exp, &format!("features.{feature}"))?);
    }
    let ledger = text(claims, "ledger")?;
    let ledger = if ledger == ANY_LEDGER { ledger.to_owned() } else { name(claims, "ledger")? };
    let optional_text = |key: &str| -> Result<Option<String>, Refused> {
        optional(claims, key, |value| Ok(value.as_str().ok_or_else(|| wrong(key, "is no text"))?.to_owned()))
    };
    Ok(Lease {
        license: name(claims, "license")?,
        sku: name(claims, "sku")?,
        features: ends,
        iat,
        ledger,
        nonce: optional_text("nonce")?,
        checkpoint: optional_text("checkpoint")?,
        put_back: boolean(claims, "put_back")?,
        // What cannot be read of it is passed over: no customer goes without a lease for what it says of appeals.
        appeals: claims.get("appeals").and_then(Value::as_array).map_or_else(Vec::new, |ids| {
            ids.iter().filter_map(Value::as_str).filter(|id| is_name(id)).map(str::to_owned).collect()
        }),
    })
}

/// D2: the policy's own keys stand beside `iat`; any other key is malformed (P2), but for JWT's.
fn policy(claims: &Claims) -> Result<Policy, Refused> {
    let beside = |key: &str| key == "iat" || key == "crit" || REGISTERED.contains(&key);
    let own: Claims =
        claims.iter().filter(|(key, _)| !beside(key)).map(|(key, value)| (key.clone(), value.clone())).collect();
    Policy::from_json(&Value::Object(own)).map_err(|error| {
        let refusal = if error.newer_schema { Refusal::Unsupported } else { Refusal::Malformed };
        Refused::new(refusal, error.to_string())
    })
}

/// D3.
fn notice(claims: &Claims, iat: Instant) -> Result<Notice, Refused> {
    let (start, end) = (instant(claims, "start")?, instant(claims, "end")?);
    ordered(start, end, "start", "end")?;
    Ok(Notice {
        id: name(claims, "id")?,
        start,
        end,
        skus: listed(claims, "skus", is_name)?,
        features: scope(claims)?,
        cancelled: boolean(claims, "cancelled")?,
        iat,
    })
}

/// An interval that does not end after it starts is malformed (rules D).
fn ordered(start: Instant, end: Instant, from: &str, to: &str) -> Result<(), Refused> {
    if start < end { Ok(()) } else { Err(wrong(to, &format!("({end}) is not after `{from}` ({start})"))) }
}

/// D4.
fn extension(claims: &Claims, iat: Instant, approvals: u32) -> Result<Extension, Refused> {
    let until = instant(claims, "until")?;
    ordered(iat, until, "iat", "until")?;
    let access = optional(claims, "access", |value| match value.as_str() {
        Some("full") => Ok(Access::Full),
        Some("limited") => Ok(Access::Limited),
        _ => Err(wrong("access", "is neither \"full\" nor \"limited\"")),
    })?;
    Ok(Extension {
        license: name(claims, "license")?,
        features: scope(claims)?,
        until,
        access: access.unwrap_or(Access::Full),
        iat,
        approvals,
    })
}

/// D6.
fn ruling(claims: &Claims, iat: Instant) -> Result<Ruling, Refused> {
    let void = optional(claims, "void", |value| {
        let void = object(value, "void")?;
        let (from, to) = (instant(void, "from")?, instant(void, "to")?);
        ordered(from, to, "void.from", "void.to")?;
        Ok((from, to))
    })?;
    let clears = optional(claims, "clears", |value| texts(value, "clears"))?.unwrap_or_default();
    if let Some(word) = clears.iter().find(|word| !matches!(**word, "clock" | "ledger")) {
        return Err(wrong("clears", &format!("lists {word:?}; there are \"clock\" and \"ledger\"")));
    }
    if void.is_none() && clears.is_empty() {
        return Err(Refused::malformed("the ruling has neither `void` nor `clears`; it would change nothing"));
    }
    Ok(Ruling {
        license: name(claims, "license")?,
        features: scope(claims)?,
        void,
        clears_clock: clears.contains(&"clock"),
        clears_ledger: clears.contains(&"ledger"),
        ledger: name(claims, "ledger")?,
        iat,
    })
}

/// D7.
fn keys(claims: &Claims, iat: Instant) -> Result<Keys, Refused> {
    let entries = |key: &'static str| -> Result<Vec<&Claims>, Refused> {
        let value = claims.get(key).ok_or_else(|| missing(key))?;
        let list = value.as_array().ok_or_else(|| wrong(key, "is no list"))?;
        list.iter().map(|entry| object(entry, key)).collect()
    };
    let keys = entries("keys")?.into_iter().map(key_entry).collect::<Result<Vec<_>, _>>()?;
    let root = |entry: &Claims| Ok(RootKey { kid: name(entry, "kid")?, x: public_key(entry)? });
    let roots = entries("roots")?.into_iter().map(root).collect::<Result<Vec<_>, Refused>>()?;
    if roots.is_empty() {
        return Err(wrong("roots", "is empty; nobody could sign the next `keys` document"));
    }
    once(keys.iter().map(|key| &key.kid), "keys")?;
    once(roots.iter().map(|root| &root.kid), "roots")?;
    if let Some(root) = roots.iter().find(|root| keys.iter().any(|key| key.kid == root.kid && key.x != root.x)) {
        return Err(wrong("roots", &format!("has another key than `keys` under the name `{}`", root.kid)));
    }
    let endpoints = claims.get("endpoints").and_then(Value::as_array).into_iter().flatten();
    let endpoints = endpoints.zip(1u16..).filter_map(|(entry, place)| endpoint(entry, place)).collect();
    let mirrors = claims.get("mirrors").and_then(Value::as_array).into_iter().flatten();
    let mirrors = mirrors.filter_map(Value::as_str).filter(|url| Endpoint::is_url(url)).map(str::to_owned).collect();
    Ok(Keys { version: whole(claims, "version")?, keys, roots, endpoints, mirrors, iat })
}

/// A URL, or an object; none if this release cannot read it.
fn endpoint(entry: &Value, place: u16) -> Option<Endpoint> {
    let number = |entry: &Claims, key: &str, absent: u16| match entry.get(key) {
        None => Some(absent),
        Some(value) => value.as_u64().and_then(|number| u16::try_from(number).ok()),
    };
    let endpoint = match entry {
        Value::String(url) => Endpoint { priority: place, ..Endpoint::new(url) },
        Value::Object(entry) => Endpoint {
            url: entry.get("url")?.as_str()?.to_owned(),
            priority: number(entry, "priority", place)?,
            weight: number(entry, "weight", 1)?,
            region: match entry.get("region") {
                None | Some(Value::Null) => None,
                Some(region) => Some(region.as_str()?.to_owned()),
            },
        },
        _ => return None,
    };
    Endpoint::is_url(&endpoint.url).then_some(endpoint)
}

fn once<'a>(kids: impl Iterator<Item = &'a String>, key: &str) -> Result<(), Refused> {
    let mut seen = BTreeSet::new();
    for kid in kids {
        if !seen.insert(kid) {
            return Err(wrong(key, &format!("names `{kid}` twice")));
        }
    }
    Ok(())
}

fn key_entry(entry: &Claims) -> Result<KeyEntry, Refused> {
    let value = entry.get("roles").ok_or_else(|| missing("keys.roles"))?;
    // A role that only newer releases know is theirs to use; here it allows nothing.
    let mut roles: Vec<Role> = texts(value, "keys.roles")?.into_iter().filter_map(Role::from_word).collect();
    sort_short(&mut roles, |role| *role);
    roles.dedup();
    let nbf = optional(entry, "nbf", |value| seconds(value, "keys.nbf"))?;
    let exp = optional(entry, "exp", |value| seconds(value, "keys.exp"))?;
    if let (Some(nbf), Some(exp)) = (nbf, exp) {
        ordered(nbf, exp, "keys.nbf", "keys.exp")?;
    }
    Ok(KeyEntry { kid: name(entry, "kid")?, x: public_key(entry)?, roles, nbf, exp })
}

fn public_key(entry: &Claims) -> Result<[u8; 32], Refused> {
    let bytes = decode(text(entry, "x")?).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    bytes.ok_or_else(|| wrong("x", "is no raw Ed25519 public key: 32 bytes in base64url without padding"))
}
