//! What is said to the authority: renewal requests and appeals. Bytes in and out; no network in here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::Value;

use super::error::{Error, ErrorKind};
use super::events::Event;
use super::json;
use super::session::Session;
use crate::grace::Pending;

/// How many of the last records go with an appeal.
const HISTORY: u64 = 1000;

/// A renewal request, for the authority.
#[derive(Clone, Debug)]
pub struct Request {
    /// What the lease must echo to be fresh.
    pub nonce: String,
    /// JSON: `{"ledger", "nonce", "licenses", "head"}`.
    pub body: Vec<u8>,
}

/// C6: the newest request of a client. Its head is recorded before it leaves the process.
pub(super) fn request(session: &mut Session) -> Result<Request, Error> {
    let mut bytes = [0u8; 24];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::new(ErrorKind::Io, "the system has no random bytes; try again"))?;
    let nonce = URL_SAFE_NO_PAD.encode(bytes);
    session.sync()?;
    let head = session.head();
    let note = session.ledger().note()?;
    let pending = session.acknowledged(|op| {
        op.request(head.size, head.root);
        let reading = op.reading();
        Pending { nonce: nonce.clone(), boot: reading.boot, uptime: reading.uptime }
    })?;
    session.pending = Some(pending);
    let licenses: Vec<&String> = session.state().licences().keys().collect();
    let body =
        serde_json::json!({ "ledger": session.state().ledger, "nonce": nonce, "licenses": licenses, "head": note });
    Ok(Request { nonce, body: body.to_string().into_bytes() })
}

/// The tokens of an answer: JSON `{"documents": [...]}`, or one token.
pub(super) fn tokens(answer: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let refuse = |text: &str| Err(Error::new(ErrorKind::Claims, format!("the authority's answer {text}")));
    if answer.trim_ascii().is_empty() {
        return refuse("is empty; report an outage of kind server");
    }
    let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(answer) else { return Ok(vec![answer.to_vec()]) };
    let Some(documents) = object.get("documents") else { return Ok(vec![answer.to_vec()]) };
    let Some(documents) = documents.as_array() else { return refuse("has `documents` that is no list of tokens") };
    let mut tokens = Vec::with_capacity(documents.len());
    for document in documents {
        tokens.push(match document {
            Value::String(token) => token.clone().into_bytes(),
            Value::Object(_) => document.to_string().into_bytes(),
            _ => return refuse("has a document that is no token; a token is a string, or an object in General JSON"),
        });
    }
    Ok(tokens)
}

/// A4: files an appeal, and gives what to send to the vendor.
pub(super) fn appeal(session: &mut Session, license: Option<&str>, text: &str) -> Result<Vec<u8>, Error> {
    session.acknowledged(|op| op.appeal(license, text))?;
    let end = session.ledger().next_seq();
    let mut history = Vec::new();
    for seq in end.saturating_sub(HISTORY)..end {
        let Some(record) = session.record_at(seq)? else { continue };
        history.extend(
            (0..record.events.len() as u32).filter_map(|at| Event::of(seq, at, &record)).map(|e| json::event(&e)),
        );
    }
    let export = serde_json::json!({
        "appeal": { "license": license, "text": text, "at": session.live().t.to_string() },
        "ledger": session.state().ledger,
        "generation": session.ledger().generation(),
        "head": session.ledger().note()?,
        "clock": session.live().clock.as_str(),
        "history": history,
    });
    let mut bytes = serde_json::to_vec_pretty(&export)
        .map_err(|error| Error::new(ErrorKind::Internal, format!("an appeal cannot be written: {error}")))?;
    bytes.push(b'\n');
    Ok(bytes)
}
