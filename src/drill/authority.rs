//! The simulated authority: its keys, and documents as it signs them, broken ones included.

use std::cell::RefCell;
use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::scenario::{Draft, Fault, SIGNERS, signed};
use crate::client::{Error, ErrorKind, Request};
use crate::document::{KeyEntry, Keys, Role, RootKey, SigningKey, issue_unchecked, typ};
use crate::ledger::{Chain, Continuity};
use crate::terms::Kind;
use crate::time::{Instant, Span};

/// The keys of an authority, one for each role, and several people of support.
pub struct Authority {
    root: SigningKey,
    keys: Vec<(Role, SigningKey)>,
    stranger: SigningKey,
    serial: std::cell::Cell<u64>,
    /// The last head of each ledger that asked for a renewal.
    heads: RefCell<HashMap<String, String>>,
}

/// What a lease says of the renewal request that it answers.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    nonce: String,
    head: String,
    put_back: bool,
}

/// The roles that sign documents, with how many keys each has.
const ROLES: [(Role, usize); 6] = [
    (Role::Lease, 1),
    (Role::Policy, 1),
    (Role::Notice, 1),
    (Role::Support, SIGNERS),
    (Role::Revocation, 1),
    (Role::Ruling, 1),
];

fn no_key(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Io, format!("the drill's keys cannot be made: {error}"))
}

impl Authority {
    /// An authority with new keys.
    pub fn new() -> Result<Authority, Error> {
        let key = |kid: String| SigningKey::generate(kid).map_err(no_key);
        let mut keys = Vec::new();
        for (role, count) in ROLES {
            for at in 1..=count {
                keys.push((role, key(format!("{role}-{at}"))?));
            }
        }
        Ok(Authority {
            root: key("root-1".into())?,
            keys,
            stranger: key("stranger-1".into())?,
            serial: Default::default(),
            heads: Default::default(),
        })
    }

    /// What a drill's folder keeps of it, for other processes. Secret keys of a drill protect nothing.
    pub fn to_json(&self) -> Value {
        let keys: Vec<Value> =
            self.keys.iter().map(|(role, key)| json!({ "role": role.as_str(), "key": key.jwk_private() })).collect();
        json!({ "root": self.root.jwk_private(), "stranger": self.stranger.jwk_private(), "keys": keys })
    }

    /// Reads what [`Authority::to_json`] wrote.
    pub fn from_json(value: &Value) -> Result<Authority, Error> {
        let odd = || Error::new(ErrorKind::Drill, "the drill's authority.json cannot be read; make the drill anew");
        let key = |value: &Value| SigningKey::from_jwk(value).map_err(|_| odd());
        let mut keys = Vec::new();
        for entry in value["keys"].as_array().ok_or_else(odd)? {
            let role = entry["role"].as_str().and_then(Role::from_word).ok_or_else(odd)?;
            keys.push((role, key(&entry["key"])?));
        }
        let serial = u64::from(std::process::id()) << 32;
        Ok(Authority {
            root: key(&value["root"])?,
            stranger: key(&value["stranger"])?,
            keys,
            serial: std::cell::Cell::new(serial),
            heads: Default::default(),
        })
    }

    /// A renewal request comes in: the head that it shows is held against the last one of this ledger, and kept. One that does
    /// not go on from it gets its lease, marked `put_back`.
    pub(super) fn hear(&self, request: &Request) -> Result<Reply, Error> {
        let chain = Chain::of_request(&request.body)?;
        let mut heads = self.heads.borrow_mut();
        let put_back = match heads.get(&chain.ledger) {
            Some(last) => chain.continuity(last)? != Continuity::Continues,
            None => false,
        };
        heads.insert(chain.ledger, chain.head.clone());
        Ok(Reply { nonce: request.nonce.clone(), head: chain.head, put_back })
    }

    /// The root key that products bring.
    pub fn root(&self) -> RootKey {
        self.root.root_key()
    }

    /// The `keys` document that products bring.
    pub fn keys_token(&self, iat: Instant) -> Vec<u8> {
        let keys = Keys {
            version: 1,
            keys: self.keys.iter().map(|(role, key)| KeyEntry { roles: vec![*role], ..key.entry(&[]) }).collect(),
            roots: vec![self.root()],
            endpoints: Vec::new(),
            mirrors: Vec::new(),
            iat,
        };
        self.sign(Kind::Keys, &keys.claims(), &[&self.root])
    }

    fn of(&self, role: Role) -> impl Iterator<Item = &SigningKey> {
        self.keys.iter().filter(move |(has, _)| *has == role).map(|(_, key)| key)
    }

    /// Signs claims as they are; each token is one of its own.
    fn sign(&self, kind: Kind, claims: &Value, keys: &[&SigningKey]) -> Vec<u8> {
        let serial = self.serial.get();
        self.serial.set(serial + 1);
        let mut claims = claims.clone();
        if let Some(claims) = claims.as_object_mut() {
            claims.insert("jti".to_owned(), json!(format!("drill-{serial:x}")));
        }
        issue_unchecked(&typ(kind), claims.to_string().as_bytes(), keys)
    }

    /// Issues a document with these claims, signed by the keys of its role, broken if so wished.
    ///
    /// # Errors
    /// [`ErrorKind::Claims`] if there are not that many signers.
    pub fn issue(&self, kind: Kind, claims: &Value, signers: usize, fault: Option<Fault>) -> Result<Vec<u8>, Error> {
        let mut claims = claims.clone();
        if fault == Some(Fault::Malformed) {
            // A fraction of a second: the kind and the licence can still be read.
            claims["iat"] = json!(claims["iat"].as_f64().unwrap_or(0.0) + 0.5);
        }
        if fault == Some(Fault::WrongLedger) {
            claims["ledger"] = json!("another-ledger");
        }
        if kind == Kind::Keys {
            return Ok(self.sign(kind, &claims, &[&self.root]));
        }
        let role = Role::of(kind);
        let other = if role == Role::Notice { Role::Lease } else { Role::Notice };
        let keys: Vec<&SigningKey> = match fault {
            Some(Fault::UnknownKey) => vec![&self.stranger],
            Some(Fault::WrongRole) => self.of(other).take(1).collect(),
            _ => self.of(role).take(signers).collect(),
        };
        if keys.len() < signers.max(1) && fault.is_none() {
            let text = format!("{signers} signers: a drill's authority has {} of role {role}", self.of(role).count());
            return Err(Error::new(ErrorKind::Claims, text));
        }
        let mut token = self.sign(kind, &claims, &keys);
        if fault == Some(Fault::BadSignature) {
            break_signature(&mut token);
        }
        Ok(token)
    }

    /// The claims of a scenario's document, issued at `iat`, for a ledger.
    pub(super) fn claims(
        draft: &Draft,
        start: Instant,
        iat: Instant,
        ledger: &str,
        reply: Option<&Reply>,
    ) -> Result<Value, Error> {
        let mut claims: Map<String, Value> = draft.body.clone();
        let at = |value: &Value, key: &str| -> Result<Value, Error> {
            let text = value.as_str().unwrap_or_default();
            Ok(json!((start + signed(text, key)?).seconds()))
        };
        if draft.kind != Kind::Policy {
            for key in ["start", "end", "until", "effective"] {
                if let Some(value) = claims.get(key) {
                    let value = at(value, key)?;
                    claims.insert(key.to_owned(), value);
                }
            }
        }
        match draft.kind {
            Kind::Lease => {
                let exp = |ttl: &Value| -> Result<Value, Error> {
                    let ttl: Span = ttl
                        .as_str()
                        .unwrap_or_default()
                        .parse()
                        .map_err(|error| Error::new(ErrorKind::Scenario, format!("`ttl`: {error}")))?;
                    Ok(json!((iat + ttl).seconds()))
                };
                let ttl = claims.shift_remove("ttl").unwrap_or(Value::Null);
                let features: Map<String, Value> = match claims.get("features") {
                    Some(Value::Array(names)) => names
                        .iter()
                        .filter_map(Value::as_str)
                        .map(|name| Ok((name.to_owned(), exp(&ttl)?)))
                        .collect::<Result<_, Error>>()?,
                    Some(Value::Object(named)) => {
                        named.iter().map(|(name, ttl)| Ok((name.clone(), exp(ttl)?))).collect::<Result<_, Error>>()?
                    }
                    _ => Map::new(),
                };
                claims.insert("features".to_owned(), Value::Object(features));
                claims.entry("ledger").or_insert_with(|| json!(ledger));
                if let Some(reply) = reply {
                    claims.insert("nonce".to_owned(), json!(reply.nonce));
                    claims.insert("checkpoint".to_owned(), json!(reply.head));
                    if reply.put_back {
                        claims.insert("put_back".to_owned(), json!(true));
                    }
                }
            }
            Kind::Revocation => {
                claims.entry("effective").or_insert_with(|| json!(iat.seconds()));
            }
            Kind::Ruling => {
                if let Some(void) = claims.get_mut("void").and_then(Value::as_object_mut) {
                    for (key, value) in void.iter_mut() {
                        *value = at(value, key)?;
                    }
                }
                claims.insert("ledger".to_owned(), json!(ledger));
            }
            _ => {}
        }
        claims.insert("iat".to_owned(), json!(iat.seconds()));
        Ok(Value::Object(claims))
    }
}

/// Changes the middle of the (first) signature, so that it is still base64url.
fn break_signature(token: &mut [u8]) {
    let at = match token.iter().rposition(|byte| *byte == b'.') {
        Some(dot) if token[0] != b'{' => dot + 20,
        _ => match token.windows(13).position(|window| window == b"\"signature\":\"") {
            Some(key) => key + 13 + 20,
            None => return,
        },
    };
    if let Some(byte) = token.get_mut(at) {
        *byte = if *byte == b'A' { b'B' } else { b'A' };
    }
}
