//! What is said to the authority: renewal requests and appeals. Bytes in and out; no network in here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Map, Value};

use super::error::{Error, ErrorKind};
use super::events::Event;
use super::json;
use super::session::Session;
use crate::document::{self, Document, Opened, TrustStore};
use crate::grace::{Answer, OpenAppeal, Sent, State, appeal_id};
use crate::ledger::note::{self, Checkpoint};
use crate::ledger::{Chain, Head, Ledger, Since, tree};
use crate::renew::appeal::{self, About};
use crate::renew::{APPEALS_MOST, RenewalAnswer, RenewalRequest, is_armoured};
use crate::terms::Kind;

/// How many documents of an answer may be of nobody's before the rest of it is left alone: each that is refused is recorded.
pub(super) const STRANGE: usize = 8;

/// How many documents of a mirror's file are looked at.
const COMMON: usize = 1000;

/// How many documents that were refused are remembered, so that a mirror that serves them again has nothing recorded.
pub(super) const SKIPPED: usize = 4096;

/// How many of the last records go with an appeal.
const HISTORY: u64 = 1000;

/// A renewal request, for the authority.
#[derive(Clone, Debug)]
pub struct Request {
    /// What the lease must echo to be fresh.
    pub nonce: String,
    /// JSON: `{"ledger", "nonce", "licenses", "appeals", "head", "key", "closings", "since"}`. The last four are a
    /// [`Chain`](crate::ledger::Chain): whoever keeps the head of the request before sees whether this one goes on from it. `appeals` is there only where
    /// one waits (A5), and a [text that people carry](RenewalRequest::to_armour) has none.
    pub body: Vec<u8>,
}

/// C6: the newest request of a client. Its head is recorded before it leaves the process.
pub(super) fn request(session: &mut Session) -> Result<Request, Error> {
    let nonce = nonce()?;
    let head = session.request(&nonce)?;
    with_head(session, nonce, &head)
}

/// The same, with a head that was recorded for an earlier one, if that got no answer.
pub(super) fn request_again(session: &mut Session) -> Result<Option<Request>, Error> {
    let nonce = nonce()?;
    let head = session.request_again(&nonce);
    head.map(|head| with_head(session, nonce, &head)).transpose()
}

fn nonce() -> Result<String, Error> {
    let mut bytes = [0u8; 24];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::new(ErrorKind::Io, "the system has no random bytes; try again"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn with_head(session: &mut Session, nonce: String, head: &Head) -> Result<Request, Error> {
    let licenses = session.state().licences().keys().cloned().collect();
    let chain = chain(session.ledger(), session.state(), head)?;
    // No renewal is lost for an appeal: it goes with a later one.
    let appeals = appeals(session).unwrap_or_else(|error| {
        session.diagnose(format!("no appeal goes with this renewal: {error}"));
        Vec::new()
    });
    let request = RenewalRequest { nonce, licenses, appeals, chain };
    Ok(Request { body: request.to_json(), nonce: request.nonce })
}

/// What leads to this head from whichever of those that were sent the authority has seen.
fn chain(ledger: &Ledger, state: &State, head: &Head) -> Result<Chain, Error> {
    let mut since = Vec::new();
    for sent in state.heads().sent() {
        let path = match sent.generation == head.generation {
            false => Some(sent.path.clone()),
            true if sent.size == head.size => None,
            true => path(ledger, sent, head)?,
        };
        if let Some(path) = path {
            since.push(Since { generation: sent.generation, size: sent.size, root: sent.root, path });
        }
    }
    Ok(Chain {
        ledger: state.ledger.clone(),
        key: ledger.public_key(),
        head: ledger.note_of(head)?,
        closings: state.heads().closings().cloned().collect(),
        since,
    })
}

/// The path from a head that was sent to one of the same generation; none if nothing leads there, as records were destroyed.
pub(super) fn path(ledger: &Ledger, sent: &Sent, to: &Head) -> Result<Option<Vec<[u8; 32]>>, Error> {
    if sent.size > to.size {
        return Ok(None);
    }
    let path = ledger.consistency_proof(sent.size, to.size)?;
    Ok(Some(path).filter(|path| tree::verify_consistency(sent.size, to.size, path, &sent.root, &to.root)))
}

/// Which of the heads that were sent a lease countersigns: its generation and size.
pub(super) fn countersigned(opened: &Opened, state: &State) -> Option<(u64, u64)> {
    let Ok(Document::Lease(lease)) = &opened.result else { return None };
    let head = Checkpoint::of_note(lease.checkpoint.as_deref()?).ok()?;
    let generation = note::generation_of(&state.ledger.parse().ok()?, &head.origin)?;
    let sent = state.heads().sent().iter().find(|sent| (sent.generation, sent.size) == (generation, head.size))?;
    (sent.root == head.root).then_some((generation, head.size))
}

/// The tokens of an answer.
pub(super) fn tokens(answer: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let answer = RenewalAnswer::read(answer);
    answer
        .map(|answer| answer.documents)
        .map_err(|error| Error::new(ErrorKind::Claims, format!("the authority's answer {error}")))
}

/// In which order tokens are taken: what new keys have signed may stand before them.
pub(super) fn keys_first(tokens: &[Vec<u8>]) -> impl Iterator<Item = usize> + use<> {
    let (keys, others): (Vec<usize>, Vec<usize>) =
        (0..tokens.len()).partition(|at| tokens.get(*at).is_some_and(|token| is_of_keys(token)));
    keys.into_iter().chain(others)
}

/// Whether a document shows that the authority is there now, over whatever way it came: it echoes the request's nonce, or is a lease that the
/// ledger had not.
pub(super) fn answers(token: &[u8], answer: &Answer, nonce: &str) -> bool {
    if answer.accepted && !answer.known && answer.kind == Some(Kind::Lease) {
        return true;
    }
    // One of nobody's was not verified, and echoes nothing.
    !answer.error.is_some_and(crate::terms::Refusal::is_of_nobody)
        && matches!(document::read_unverified(token), Some(Document::Lease(lease)) if lease.nonce.as_deref() == Some(nonce))
}

/// The tokens of a mirror's file; none if it is no list of documents. Those past the most that a file has are left alone.
pub(super) fn common(file: &[u8]) -> Option<Vec<Vec<u8>>> {
    let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(file) else { return None };
    object.get("documents")?.as_array()?;
    let mut tokens = RenewalAnswer::read(file).ok()?.documents;
    tokens.truncate(COMMON);
    Some(tokens)
}

/// Whether a token is the authority's, and of a kind that is the same for all.
pub(super) fn is_common(token: &[u8], session: &Session) -> bool {
    let opened = document::open(token, session.state().trust());
    matches!(opened.result, Ok(Document::Keys(_) | Document::Policy(_) | Document::Notice(_) | Document::Revocation(_)))
}

/// Whether it says that it is a `keys` document.
fn is_of_keys(token: &[u8]) -> bool {
    document::open(token, &TrustStore::default()).kind == Some(Kind::Keys)
}

/// A4: files an appeal, and gives what to send to the vendor.
pub(super) fn appeal(session: &mut Session, license: Option<&str>, text: &str) -> Result<Vec<u8>, Error> {
    let at = session.acknowledged(|op| op.appeal(license, text))?;
    let id = appeal_id(&session.state().ledger, at, license, text);
    let filed = OpenAppeal { id, at, license: license.map(str::to_owned), text: text.into() };
    let history = history(session, usize::MAX)?;
    Ok(appeal::written(&written(session, &filed, history)?))
}

fn written(session: &Session, filed: &OpenAppeal, history: Vec<Value>) -> Result<Map<String, Value>, Error> {
    let about = About {
        ledger: &session.state().ledger,
        generation: session.ledger().generation(),
        key: session.ledger().public_key(),
        clock: session.live().clock.as_str(),
    };
    Ok(appeal::write(filed, &about, history, |line| session.ledger().note_saying(line))?)
}

/// The newest events, the oldest first, as far as they fit.
fn history(session: &mut Session, most: usize) -> Result<Vec<Value>, Error> {
    let end = session.ledger().next_seq();
    let (mut newest, mut left) = (Vec::new(), most);
    'records: for seq in (end.saturating_sub(HISTORY)..end).rev() {
        let Some(record) = session.record_at(seq)? else { continue };
        for at in (0..record.events.len() as u32).rev() {
            let Some(event) = Event::of(seq, at, &record).map(|event| json::event(&event)) else { continue };
            let size = event.to_string().len() + 1;
            if left < size {
                break 'records;
            }
            left -= size;
            newest.push(event);
        }
    }
    newest.reverse();
    Ok(newest)
}

/// A5: the appeals that go with a request, the newest first, each with as much of the history as there is room for.
fn appeals(session: &mut Session) -> Result<Vec<Value>, Error> {
    let mut waiting = session.appeals_to_send();
    if waiting.is_empty() {
        session.carried = Vec::new();
        return Ok(Vec::new());
    }
    session.sync()?;
    let mut left = APPEALS_MOST;
    let mut fitting = Vec::new();
    for filed in waiting.drain(..).rev() {
        let size = Value::Object(written(session, &filed, Vec::new())?).to_string().len() + 1;
        if size <= left {
            left -= size;
            fitting.push(filed);
        }
    }
    let share = left / fitting.len().max(1);
    let history = history(session, share)?;
    session.carried = fitting.iter().map(|filed| filed.id.clone()).collect();
    fitting.iter().map(|filed| written(session, filed, history.clone()).map(Value::Object)).collect()
}

/// A5: which appeals a lease says that the authority has; one for every ledger says nothing of this one's.
pub(super) fn received(opened: &Opened, state: &State) -> Vec<String> {
    match &opened.result {
        Ok(Document::Lease(lease)) if lease.ledger == state.ledger => lease.appeals.clone(),
        _ => Vec::new(),
    }
}

/// A5: whether an answer came by the line that the request went by, with all that stood in it.
pub(super) fn is_by_line(answer: &[u8]) -> bool {
    answer.trim_ascii_start().starts_with(b"{") || !is_armoured(answer)
}
