//! An open ledger.

use std::ffi::c_char;

use reprieve_core::client::{Client, json};
use reprieve_core::terms::Outage;

use crate::answers::{AnswerObject, reprieve_answers};
use crate::bytes::{Buffer, reprieve_bytes};
use crate::error::reprieve_error;
use crate::event::{EventObject, reprieve_event};
use crate::guard::{Failure, answered, call};
use crate::handle::{Object, free, object};
use crate::input::{self, argument};
use crate::ledger_status::{StatusObject, reprieve_ledger_status};
use crate::output::{Out, OutStruct, at};
use crate::status::reprieve_status;
use crate::types::{self, reprieve_answer, reprieve_decision};

/// An open ledger: owned by the caller, freed with `reprieve_client_free`. Any number of threads may use one client
/// at once.
pub struct reprieve_client {
    _private: [u8; 0],
}

fn with<R>(client: *const reprieve_client, wish: impl FnOnce(&Client) -> Result<R, Failure>) -> Result<R, Failure> {
    object!(client, Client, wish)
}

fn bytes(bytes: impl Into<Vec<u8>>) -> Object {
    Object::Bytes(Buffer::new(bytes.into()))
}

/// Opens the ledger of an application file (`reprieve.toml`, the same for every product and language of a vendor)
/// with the defaults, making the ledger if none lies there. `reprieve_builder_*` opens it in other ways.
///
/// `path`: the application file, UTF-8, `path_len` bytes. `client` (out, not NULL): owned by the caller. Statuses:
/// REPRIEVE_STATUS_APP, and those of the 200s and 300s. Nothing is created in the place of a file that cannot be
/// opened. Any thread; waits for the disk, and for other processes 5 s at most. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_client_open(
    path: *const c_char,
    path_len: usize,
    client: *mut *mut reprieve_client,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let client = Out::handle("client", client).required()?;
            let path = input::text("the path", path, path_len)?;
            if path.is_empty() {
                return Err(argument("the path is empty; pass the application file's"));
            }
            client.put(Object::Client(Client::open(path)?))
        })
    }
}

/// Another handle to the same open ledger, freed on its own. `other` (out, not NULL): owned by the caller. Any
/// thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_client_clone(
    client: *const reprieve_client,
    other: *mut *mut reprieve_client,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let other = Out::handle("other", other).required()?;
            let clone = with(client, |client| Ok(client.clone()))?;
            other.put(Object::Client(clone))
        })
    }
}

/// May the product use this feature now? Fast enough for every frame: between two looks at the ledger, some 10 ms
/// apart (with REPRIEVE_UPKEEP_OWN, between two upkeeps), the same decision is given again, but not past its `until`.
/// Never waits for another process.
///
/// `sku`, `feature`: names, UTF-8. `decision` (in and out, not NULL): `struct_size` set; access is
/// REPRIEVE_ACCESS_UNKNOWN unless the call decides.
/// Statuses: REPRIEVE_STATUS_ARGUMENT if a text is no UTF-8 or holds a NUL. A text that is no name, a client that was
/// closed or a ledger that cannot be read is no failure of the call: access is unknown, and `reprieve_client_explain`
/// says why. Any thread, also at the same time. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_client_check(
    client: *const reprieve_client,
    sku: *const c_char,
    sku_len: usize,
    feature: *const c_char,
    feature_len: usize,
    decision: *mut reprieve_decision,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        if reprieve_c_quick::by_name(client.addr(), sku, sku_len, feature, feature_len, decision.cast()) {
            return answered(error);
        }
        check(client, sku, sku_len, feature, feature_len, decision, error)
    }
}

/// The slow way of a check.
///
/// # Safety
/// As [`reprieve_client_check`].
#[cold]
#[inline(never)]
unsafe fn check(
    client: *const reprieve_client,
    sku: *const c_char,
    sku_len: usize,
    feature: *const c_char,
    feature_len: usize,
    decision: *mut reprieve_decision,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let decision = OutStruct::new(decision).required("decision")?;
            let sku = input::text("the SKU", sku, sku_len)?;
            let feature = input::text("the feature", feature, feature_len)?;
            let answer = with(client, |known| {
                let answer = known.check(sku, feature);
                known.name(client.addr() as u64, sku, feature);
                Ok(answer)
            })?;
            decision.set(&types::decision(&answer));
            Ok(())
        })
    }
}

/// A check with all that stands behind it, as JSON: {"t", "sku", "feature", "access", "state", "reason", "until",
/// "ends", "clock", "ledger", "license", "lease_end", "flags": {"in_memory", "newer", "drill", "detached"}, "rule",
/// "cover": {"reason", "start", "end", "stage", "counts", "policy", "tier", "notice"}, "evidence": [{"outage",
/// "since"}], "ways_out": [{"way", "text"}], "trouble"}. What does not apply is null. More fields may follow.
///
/// `sku`, `feature`: names, UTF-8. `json` (out, not NULL): owned by the caller.
/// Statuses: as `reprieve_client_check`. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_client_explain(
    client: *const reprieve_client,
    sku: *const c_char,
    sku_len: usize,
    feature: *const c_char,
    feature_len: usize,
    json: *mut *mut reprieve_bytes,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let json = Out::handle("json", json).required()?;
            let sku = input::text("the SKU", sku, sku_len)?;
            let feature = input::text("the feature", feature, feature_len)?;
            let answer = with(client, |client| Ok(client.check(sku, feature)))?;
            json.put(bytes(json::decision(&answer).to_string()))
        })
    }
}

/// Imports a document: a token as any JWT library makes it, compact or General JSON. Whether it was accepted is the
/// answer, not a status; what is accepted is on disk before this returns.
///
/// `token`: `token_len` bytes. `answer` (in and out, not NULL): `struct_size` set. `details` (out, or NULL): the
/// answer with its texts, one of one; owned by the caller.
/// Statuses: what the ledger says (300s); then nothing has changed. Any thread; waits for the disk, and for other
/// processes at most the lock's timeout. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_client_import(
    client: *const reprieve_client,
    token: *const u8,
    token_len: usize,
    answer: *mut reprieve_answer,
    details: *mut *mut reprieve_answers,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let answer = OutStruct::new(answer);
            let details = Out::handle("details", details);
            let answer = answer.required("answer")?;
            let token = input::bytes("the token", token, token_len)?;
            let given = with(client, |client| Ok(client.import(token)?))?;
            answer.set(&types::answer(&given));
            details.put(Object::Answers(vec![AnswerObject::new(&given)]))
        })
    }
}

/// A renewal failed, in this way.
///
/// `outage`: REPRIEVE_OUTAGE_*. `news` (out, or NULL): 1 if it was not known yet.
/// Statuses: REPRIEVE_STATUS_ARGUMENT, or what the ledger says (300s); then nothing has changed. Any thread; waits as
/// `reprieve_client_import`. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_client_report(
    client: *const reprieve_client,
    outage: u32,
    news: *mut u32,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let news = Out::new("news", news, 0);
            let outage = Outage::ALL
                .iter()
                .copied()
                .find(|known| known.number() == outage)
                .ok_or_else(|| argument(format!("{outage} is no outage; pass one of REPRIEVE_OUTAGE_*")))?;
            let was = with(client, |client| Ok(client.report(outage)?))?;
            news.set(was.into());
            Ok(())
        })
    }
}

/// Makes a renewal request: bytes to send to the vendor's renewal server, best by POST. The lease that answers it
/// within 10 minutes is fresh; a newer request takes its place. The library does no networking.
///
/// `body` (out, not NULL): JSON, with the ledger's signed head and proofs that it goes on from those sent before, and
/// with appeals that the vendor may not have; owned by the caller. `nonce` (out, or NULL): what the lease must echo; owned by the caller.
/// Statuses: what the ledger says (300s). Any thread; waits as `reprieve_client_import`. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_client_request(
    client: *const reprieve_client,
    body: *mut *mut reprieve_bytes,
    nonce: *mut *mut reprieve_bytes,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let body = Out::handle("body", body);
            let nonce = Out::handle("nonce", nonce);
            let body = body.required()?;
            let request = with(client, |client| Ok(client.request()?))?;
            body.put(bytes(request.body))?;
            nonce.put(bytes(request.nonce))
        })
    }
}

/// Takes the answer of the vendor's renewal server: one token, or JSON {"documents": [token, ...]}. The documents are
/// imported one by one, those of the kind keys first; after eight that nobody's key has signed the others are left alone,
/// and have no answer. Anything else that is not empty, such as an HTML page, is taken for a token: its answer is a
/// refusal, REPRIEVE_REFUSAL_MALFORMED.
///
/// `answer`: `answer_len` bytes. `accepted` (out, or NULL): how many are in force now. `answers` (out, or NULL): what
/// became of each; owned by the caller.
/// Statuses: REPRIEVE_STATUS_CLAIMS if it is empty, or its `documents` are no list of tokens; else what the ledger says
/// (300s), and then documents before the failure may have been imported: send the same again. Any thread; waits as
/// `reprieve_client_import`. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_client_renew(
    client: *const reprieve_client,
    answer: *const u8,
    answer_len: usize,
    accepted: *mut u32,
    answers: *mut *mut reprieve_answers,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let accepted = Out::new("accepted", accepted, 0);
            let answers = Out::handle("answers", answers);
            let answer = input::bytes("the answer", answer, answer_len)?;
            let given = with(client, |client| Ok(client.renew(answer)?))?;
            accepted.set(given.iter().filter(|answer| answer.accepted).count() as u32);
            answers.put(Object::Answers(given.iter().map(AnswerObject::new).collect()))
        })
    }
}

/// How many renewal servers the application file names. `count` (out, not NULL). Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_client_endpoint_count(
    client: *const reprieve_client,
    count: *mut usize,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let count = Out::new("count", count, 0).required()?;
            with(client, |client| {
                count.set(client.endpoints().len());
                Ok(())
            })
        })
    }
}

/// A renewal server of the application file, best first, from 0. `endpoint` (out, not NULL): owned by the caller.
/// Statuses: REPRIEVE_STATUS_OUT_OF_RANGE. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_client_endpoint(
    client: *const reprieve_client,
    index: usize,
    endpoint: *mut *mut reprieve_bytes,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let endpoint = Out::handle("endpoint", endpoint).required()?;
            let found = with(client, |client| Ok(at(client.endpoints(), index)?.url.clone()))?;
            endpoint.put(bytes(found))
        })
    }
}

/// The next event that a consumer has not been given, in the ledger's order. Poll it as often as you like, in an own
/// thread or once a frame.
///
/// `consumer`: the name of who takes them, UTF-8; each has its own place, and a new one starts at the end. `event`
/// (out, not NULL): owned by the caller; NULL, with REPRIEVE_OK, if there is none yet. What is not acknowledged is
/// given again after the next open: an event comes at least once.
/// Statuses: REPRIEVE_STATUS_ARGUMENT if it is no name of a consumer; or what the ledger says (300s). Any thread.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_client_next_event(
    client: *const reprieve_client,
    consumer: *const c_char,
    consumer_len: usize,
    event: *mut *mut reprieve_event,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let event = Out::handle("event", event).required()?;
            let consumer = input::text("the consumer", consumer, consumer_len)?;
            match with(client, |client| Ok(client.next_event(consumer)?))? {
                Some(next) => event.put(Object::Event(Box::new(EventObject::new(&next)))),
                None => Ok(()),
            }
        })
    }
}

/// A consumer has dealt with an event, and with all before it. `record` and `index` are the event's.
///
/// Statuses: REPRIEVE_STATUS_ARGUMENT; or that the consumer's place cannot be written (300s). Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_client_acknowledge(
    client: *const reprieve_client,
    consumer: *const c_char,
    consumer_len: usize,
    record: u64,
    index: u32,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let consumer = input::text("the consumer", consumer, consumer_len)?;
            with(client, |client| Ok(client.acknowledge(consumer, record, index)?))
        })
    }
}

/// All features of a SKU, as checks would answer, and how the ledger stands.
///
/// `sku`: a name, UTF-8. `status` (out, not NULL): owned by the caller.
/// Statuses: REPRIEVE_STATUS_ARGUMENT; or what the ledger says (300s). Any thread; waits as `reprieve_client_import`.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_client_status(
    client: *const reprieve_client,
    sku: *const c_char,
    sku_len: usize,
    status: *mut *mut reprieve_ledger_status,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let status = Out::handle("status", status).required()?;
            let sku = input::text("the SKU", sku, sku_len)?;
            let found = with(client, |client| Ok(client.status(sku)?))?;
            status.put(Object::Status(Box::new(StatusObject::new(found))))
        })
    }
}

/// Files an appeal, in the customer's words, and gives what to send to the vendor: JSON with the text, the ledger's
/// signed head and its recent history. Where there is a line, the next renewal takes it along by itself, and the
/// event `REPRIEVE_EVENT_APPEAL_RECEIVED` tells that the vendor has it; sent by hand as well, it is one.
///
/// `license`: the licence that it is about, UTF-8; NULL and 0 for the ledger as such. `text`: UTF-8, 1 to 10,000
/// bytes. `packet` (out, not NULL): owned by the caller.
/// Statuses: REPRIEVE_STATUS_ARGUMENT; or what the ledger says (300s). Any thread; waits as `reprieve_client_import`.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_client_appeal(
    client: *const reprieve_client,
    license: *const c_char,
    license_len: usize,
    text: *const c_char,
    text_len: usize,
    packet: *mut *mut reprieve_bytes,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let packet = Out::handle("packet", packet).required()?;
            let license = input::optional("the licence", license, license_len)?;
            let text = input::text("the text", text, text_len)?;
            let made = with(client, |client| Ok(client.appeal(license, text)?))?;
            packet.put(bytes(made))
        })
    }
}

/// Upkeep: reads the clocks and the ledger, and records what is due. For a client of REPRIEVE_UPKEEP_OWN: call it
/// from a thread of the product's, every second or so. If none has run for 10 minutes, its checks are unknown.
///
/// Statuses: what the ledger says (300s). Any thread; waits as `reprieve_client_import`. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_client_upkeep(
    client: *const reprieve_client,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe { call(error, || with(client, |client| Ok(client.upkeep()?))) }
}

/// The ledger's signed head: a checkpoint note that anybody can check against the file without any secret. `note`
/// (out, not NULL): text, owned by the caller.
///
/// Statuses: REPRIEVE_STATUS_CLOSED; or what the ledger says (300s). Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_client_head(
    client: *const reprieve_client,
    note: *mut *mut reprieve_bytes,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let note = Out::handle("note", note).required()?;
            let head = with(client, |client| Ok(client.head()?))?;
            note.put(bytes(head))
        })
    }
}

/// The ledger's id, as leases and rulings name it. `id` (out, not NULL): text, owned by the caller.
///
/// Statuses: REPRIEVE_STATUS_CLOSED. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_client_ledger_id(
    client: *const reprieve_client,
    id: *mut *mut reprieve_bytes,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let id = Out::handle("id", id).required()?;
            let found = with(client, |client| Ok(client.ledger_id()?))?;
            id.put(bytes(found))
        })
    }
}

/// What happened that nobody was told of: the last few hundred notes of this client, as JSON [{"wall", "text"}]. The
/// library logs nothing by itself. `json` (out, not NULL): owned by the caller. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_client_diagnostics(
    client: *const reprieve_client,
    json: *mut *mut reprieve_bytes,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let json = Out::handle("json", json).required()?;
            let notes = with(client, |client| Ok(client.diagnostics()))?;
            json.put(bytes(json::diagnostics(&notes).to_string()))
        })
    }
}

/// Closes the ledger, for this handle and its clones: what is due is recorded and synced, the files are let go. The
/// handle stays, and must still be freed; checks are then unknown, other calls fail with REPRIEVE_STATUS_CLOSED.
/// Closing again is no error.
///
/// Statuses: what the ledger says (300s); it is closed all the same. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_client_close(
    client: *const reprieve_client,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe { call(error, || with(client, |client| Ok(client.close()?))) }
}

/// Frees a client; the last of its clones to go closes the ledger. NULL is a no-op. A call that another thread is in
/// ends well, and what it gave stays good. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_client_free(client: *mut reprieve_client) {
    free!(client, Client);
}
