//! Signing documents: what an authority does, and drills.

use serde_json::{Value, json};

use super::jws::{encode, signing_input};
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
    let payload = claims.to_string().into_bytes();
    let claims = json::object(&payload).map_err(|why| Refused::malformed(format!("the claims: {why}")))?;
    read::read(kind, &claims, 0)?;
    let token = issue_unchecked(&typ(kind), &payload, keys);
    if token.len() > MAX_TOKEN {
        let detail = format!("the token has {} bytes; a document has at most {MAX_TOKEN}", token.len());
        return Err(Refused::malformed(detail));
    }
    Ok(token)
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
