//! Signing documents: what an authority does, and drills.

use serde_json::{Value, json};

use super::jws::{Jws, encode, signing_input};
use super::key::{KeyError, Sign};
use super::{MAX_SIGNERS, MAX_TOKEN, Refused, SigningKey, json, read, typ};
use crate::terms::{Kind, is_name};

/// Signs claims: compact with one key, in General JSON serialisation with several. The claims are read first by the code that
/// opens documents, so that nobody can sign one that is malformed.
pub fn issue(kind: Kind, claims: &Value, keys: &[&SigningKey]) -> Result<Vec<u8>, Refused> {
    if keys.is_empty() || keys.len() > MAX_SIGNERS {
        return Err(Refused::malformed(format!("{} keys; a document is signed with 1 to {MAX_SIGNERS}", keys.len())));
    }
    if let Some(key) = keys.iter().find(|key| !is_name(key.kid())) {
        return Err(Refused::malformed(format!("the key's id {:?} is no name", key.kid())));
    }
    let payload = payload(kind, claims)?;
    within_limit(issue_unchecked(&typ(kind), &payload, keys))
}

/// The claims as they are signed, once the code that opens documents has read them.
fn payload(kind: Kind, claims: &Value) -> Result<Vec<u8>, Refused> {
    let payload = claims.to_string().into_bytes();
    let claims = json::object(&payload).map_err(|why| Refused::malformed(format!("the claims: {why}")))?;
    read::read(kind, &claims, 0)?;
    Ok(payload)
}

fn within_limit(token: Vec<u8>) -> Result<Vec<u8>, Refused> {
    if token.len() > MAX_TOKEN {
        let detail = format!("the token has {} bytes; a document has at most {MAX_TOKEN}", token.len());
        return Err(Refused::malformed(detail));
    }
    Ok(token)
}

/// Why no document was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotIssued {
    /// The claims, or the key's id, are not as a document's are.
    Refused(Refused),
    /// The key did not sign: what holds it could not be reached, or will not.
    Key(KeyError),
}

impl std::fmt::Display for NotIssued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NotIssued::Refused(refused) => refused.fmt(f),
            NotIssued::Key(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for NotIssued {}

/// Signs claims as [`issue`] does, compact, with a key that may lie elsewhere: in a key management service or a PKCS #11 token.
///
/// # Errors
/// As [`issue`], and what the key says if it does not sign.
pub fn issue_by(kind: Kind, claims: &Value, key: &dyn Sign) -> Result<Vec<u8>, NotIssued> {
    if !is_name(key.kid()) {
        return Err(NotIssued::Refused(Refused::malformed(format!("the key's id {:?} is no name", key.kid()))));
    }
    let payload = encode(&payload(kind, claims).map_err(NotIssued::Refused)?);
    let header = json!({ "alg": "EdDSA", "typ": typ(kind), "kid": key.kid() });
    let protected = encode(header.to_string().as_bytes());
    let signature = key.sign(&signing_input(&protected, &payload)).map_err(NotIssued::Key)?;
    within_limit([protected, payload, encode(&signature)].join(".").into_bytes()).map_err(NotIssued::Refused)
}

/// Puts the signatures of several people into one token, in General JSON: each of them signed the very same claims. Nothing is verified.
///
/// # Errors
/// `malformed` for anything that is no JWS, for claims that differ, and for more signatures than a document may carry.
pub fn combine(tokens: &[impl AsRef<[u8]>]) -> Result<Vec<u8>, Refused> {
    let parsed = tokens
        .iter()
        .map(|token| {
            Jws::parse(token.as_ref()).map_err(|why| Refused::malformed(format!("this is no signed document: {why}")))
        })
        .collect::<Result<Vec<Jws>, Refused>>()?;
    let Some(payload) = parsed.first().map(Jws::encoded) else {
        return Err(Refused::malformed("no signed document was given"));
    };
    if parsed.iter().any(|jws| jws.encoded() != payload) {
        return Err(Refused::malformed("the claims that were signed differ; all must sign the very same ones"));
    }
    let signatures: Vec<Value> = parsed
        .iter()
        .flat_map(Jws::signatures)
        .map(|(protected, signature)| json!({ "protected": protected, "signature": signature }))
        .collect();
    if signatures.len() > MAX_SIGNERS {
        return Err(Refused::malformed(format!(
            "{} signatures; a document has at most {MAX_SIGNERS}",
            signatures.len()
        )));
    }
    within_limit(json!({ "payload": payload, "signatures": signatures }).to_string().into_bytes())
}

/// Signs any payload under any `typ`, for drills and tests of what is refused. Nothing is checked.
pub fn issue_unchecked(typ: &str, payload: &[u8], keys: &[&SigningKey]) -> Vec<u8> {
    let payload = encode(payload);
    let sign = |key: &&SigningKey| {
        let header = json!({ "alg": "EdDSA", "typ": typ, "kid": key.kid() });
        let protected = encode(header.to_string().as_bytes());
        let signature = encode(&key.sign(&signing_input(&protected, &payload)));
        (protected, signature)
    };
    if let [key] = keys {
        let (protected, signature) = sign(key);
        return [protected, payload, signature].join(".").into_bytes();
    }
    let signature = |(protected, signature)| json!({ "protected": protected, "signature": signature });
    let signatures: Vec<Value> = keys.iter().map(sign).map(signature).collect();
    json!({ "payload": payload, "signatures": signatures }).to_string().into_bytes()
}
