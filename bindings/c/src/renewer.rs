//! Renewal with the product's own HTTP: what to send where, by when, and what came of it.

use std::ffi::c_char;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reprieve_core::client::{Renewer, Standing, Task, Watch};
use reprieve_core::renew::{self, AttemptId, Ended, HttpAnswer, MAX_ANSWER, Outcome, Settings};
use reprieve_core::time::Span;

use crate::bytes::{Buffer, reprieve_bytes};
use crate::client::reprieve_client;
use crate::error::reprieve_error;
use crate::guard::{Failure, call};
use crate::handle::{Object, free, object};
use crate::input::{self, argument};
use crate::output::{Grows, Out, OutStruct, Text, Zero, at};
use crate::status::reprieve_status;
use crate::words::{
    REPRIEVE_MAX_ANSWER, REPRIEVE_OUTCOME_ANSWERED, REPRIEVE_OUTCOME_DROPPED, REPRIEVE_OUTCOME_FAILED,
    REPRIEVE_OUTCOME_FETCHED, REPRIEVE_OUTCOME_NONE, REPRIEVE_OUTCOME_REACHED, REPRIEVE_OUTCOME_RENEWED,
    REPRIEVE_OUTCOME_STATUS, REPRIEVE_OUTCOME_UNCHANGED, REPRIEVE_RENEWAL_ABORT, REPRIEVE_RENEWAL_NOTHING,
    REPRIEVE_RENEWAL_SEND, REPRIEVE_RENEWAL_WAIT,
};

/// Renews a client's leases with the HTTP of the product: owned by the caller, freed with `reprieve_renewer_free`. One
/// for each client is enough; of all on a ledger, in whatever process, one at a time has the turn. Any thread; calls on
/// one renewer take turns. Its calls may wait for the disk and for other processes: use it from a thread of its own or
/// an event loop, never from a frame. It opens no socket and keeps no thread. A *driver* calls it so:
///
///     reprieve_renewal_task task = {0};
///     reprieve_http_request *request = NULL;
///     task.struct_size = sizeof task;
///     while (reprieve_renewer_poll(renewer, &task, &request, NULL) == REPRIEVE_OK) {
///         if (task.kind == REPRIEVE_RENEWAL_SEND) {
///             // Send `request` within `task.milliseconds`, then one of these:
///             //   reprieve_renewer_answered(renewer, task.attempt, 200, headers, headers_len, body, body_len, NULL);
///             //   reprieve_renewer_failed(renewer, task.attempt, REPRIEVE_FAILURE_REFUSED, NULL);
///             reprieve_http_request_free(request);
///         } else if (task.kind == REPRIEVE_RENEWAL_WAIT) {
///             // Sleep for `task.milliseconds`, or until an attempt ends or the product does.
///         } // REPRIEVE_RENEWAL_ABORT: stop `task.attempt`, if it still runs.
///     }
pub struct reprieve_renewer {
    _private: [u8; 0],
}

/// What a driver sends: owned by the caller, freed with `reprieve_http_request_free`. Nothing in it changes; any thread.
pub struct reprieve_http_request {
    _private: [u8; 0],
}

/// How long things last when leases are renewed, in milliseconds; 0 for what the library finds fit. Set `struct_size`
/// to `sizeof(reprieve_renewal_settings)`; NULL in place of the structure is all of it as it is fit.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct reprieve_renewal_settings {
    /// The size of the caller's structure.
    pub struct_size: u32,
    /// An attempt that has no answer after this has failed (15 s).
    pub timeout: u32,
    /// After this the next endpoint is tried beside the one that has not answered yet (3 s).
    pub hedge: u32,
    /// The pause after the first round that failed, at most; it doubles with each (30 s).
    pub pause: u32,
    /// What it doubles up to (15 min).
    pub pause_most: u32,
    /// What a `Retry-After` is believed up to (1 h).
    pub retry_after_most: u32,
    /// What the authority answered without a lease is not asked for again before this (1 h).
    pub answered: u32,
    /// Nor what it answered with one, whatever that says (1 min).
    pub renewed: u32,
}

// SAFETY: repr(C), u32 only.
unsafe impl Grows for reprieve_renewal_settings {
    const FIRST_SIZE: usize = 32;
    fn safe() -> Self {
        reprieve_renewal_settings {
            struct_size: 0,
            timeout: 0,
            hedge: 0,
            pause: 0,
            pause_most: 0,
            retry_after_most: 0,
            answered: 0,
            renewed: 0,
        }
    }
}

/// What a driver does next. Set `struct_size` to `sizeof(reprieve_renewal_task)` before the call; all else is set by it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct reprieve_renewal_task {
    /// Before the call: the size of the caller's structure. After it: how much of it was written.
    pub struct_size: u32,
    /// REPRIEVE_RENEWAL_*. Nothing (0) if the call failed.
    pub kind: u32,
    /// Names the attempt: to send, or to abort.
    pub attempt: u64,
    /// To send: the attempt is over if there is no answer within so long. To wait: nothing is to be done for so long.
    pub milliseconds: u64,
}

// SAFETY: repr(C): two u32, two u64, no padding.
unsafe impl Grows for reprieve_renewal_task {
    const FIRST_SIZE: usize = 24;
    fn safe() -> Self {
        reprieve_renewal_task { struct_size: 0, kind: REPRIEVE_RENEWAL_NOTHING, attempt: 0, milliseconds: 0 }
    }
}

/// How renewing stands. Set `struct_size` to `sizeof(reprieve_renewal_state)` before the call; all else is set by it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct reprieve_renewal_state {
    /// Before the call: the size of the caller's structure. After it: how much of it was written.
    pub struct_size: u32,
    /// How the attempt that ended last did: REPRIEVE_OUTCOME_*. None (0) if none has ended yet.
    pub outcome: u32,
    /// How it failed: REPRIEVE_FAILURE_*, if the outcome is REPRIEVE_OUTCOME_FAILED.
    pub failure: u32,
    /// The HTTP status, if the outcome is REPRIEVE_OUTCOME_STATUS.
    pub status: u32,
    /// Why the first document was refused: REPRIEVE_REFUSAL_*, if the outcome is REPRIEVE_OUTCOME_ANSWERED.
    pub refusal: u32,
    /// 1 while a round of attempts is under way.
    pub is_busy: u32,
    /// 1 if it is known when the next round begins: not while one is under way, before the first poll, or without
    /// endpoints.
    pub has_next: u32,
    /// Always 0.
    pub reserved: u32,
    /// In how many milliseconds the next round begins, by what is known now.
    pub next_milliseconds: u64,
    /// How many milliseconds ago the last attempt ended.
    pub ago_milliseconds: u64,
    /// How many milliseconds it took.
    pub took_milliseconds: u64,
}

// SAFETY: repr(C): eight u32, three u64, no padding.
unsafe impl Grows for reprieve_renewal_state {
    const FIRST_SIZE: usize = 56;
    fn safe() -> Self {
        reprieve_renewal_state {
            struct_size: 0,
            outcome: REPRIEVE_OUTCOME_NONE,
            failure: 0,
            status: 0,
            refusal: 0,
            is_busy: 0,
            has_next: 0,
            reserved: 0,
            next_milliseconds: 0,
            ago_milliseconds: 0,
            took_milliseconds: 0,
        }
    }
}

const _: () = {
    assert!(size_of::<reprieve_renewal_settings>() == reprieve_renewal_settings::FIRST_SIZE);
    assert!(size_of::<reprieve_renewal_task>() == reprieve_renewal_task::FIRST_SIZE);
    assert!(size_of::<reprieve_renewal_state>() == reprieve_renewal_state::FIRST_SIZE);
    assert!(REPRIEVE_MAX_ANSWER as usize == MAX_ANSWER);
};

/// What a renewer's handle stands for.
pub struct RenewerObject {
    renewer: Mutex<Renewer>,
    watch: Watch,
}

/// What a request's handle stands for.
pub struct HttpRequestObject {
    method: Zero,
    url: Zero,
    headers: Vec<(Zero, Zero)>,
    body: Zero,
}

/// Rounded up: to wait for less would be to ask in vain.
fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// The settings of a caller.
///
/// # Safety
/// `settings` is NULL or points to such a structure whose `struct_size` can be read.
pub unsafe fn settings(settings: *const reprieve_renewal_settings) -> Result<Settings, Failure> {
    // SAFETY: the caller's promise.
    let Some(given) = (unsafe { input::grown("settings", settings) })? else { return Ok(Settings::default()) };
    let mut made = Settings::default();
    for (place, milliseconds) in [
        (&mut made.timeout, given.timeout),
        (&mut made.hedge, given.hedge),
        (&mut made.pause, given.pause),
        (&mut made.pause_most, given.pause_most),
        (&mut made.retry_after_most, given.retry_after_most),
        (&mut made.answered, given.answered),
        (&mut made.renewed, given.renewed),
    ] {
        if milliseconds != 0 {
            *place = Span::nanos(i128::from(milliseconds) * 1_000_000);
        }
    }
    Ok(made)
}

/// Header fields as HTTP writes them, one a line. A line that is none has no name.
pub fn headers(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = text.split('\n').map(|line| line.trim_end_matches('\r')).filter(|line| !line.is_empty());
    lines.map(|line| line.split_once(':').map_or(("", line), |(name, value)| (name.trim(), value.trim())))
}

/// What a state says; and the URL and the word of the attempt that ended last.
pub fn state(standing: &Standing) -> (reprieve_renewal_state, Option<(String, String)>) {
    let mut state = reprieve_renewal_state {
        is_busy: standing.is_busy.into(),
        has_next: standing.next.is_some().into(),
        next_milliseconds: standing.next.map_or(0, milliseconds),
        ..reprieve_renewal_state::safe()
    };
    let Some((last, ago)) = &standing.last else { return (state, None) };
    state.ago_milliseconds = milliseconds(*ago);
    let took = (last.until - last.since).as_nanos() / 1_000_000;
    state.took_milliseconds = u64::try_from(took).unwrap_or(0);
    match &last.ended {
        Ended::Renewed => state.outcome = REPRIEVE_OUTCOME_RENEWED,
        Ended::Answered(refusal) => {
            state.outcome = REPRIEVE_OUTCOME_ANSWERED;
            state.refusal = refusal.map_or(0, |refusal| refusal.number());
        }
        Ended::Failed(failure) => {
            state.outcome = REPRIEVE_OUTCOME_FAILED;
            state.failure = number(*failure);
        }
        Ended::Status(status) => {
            state.outcome = REPRIEVE_OUTCOME_STATUS;
            state.status = (*status).into();
        }
        Ended::Dropped => state.outcome = REPRIEVE_OUTCOME_DROPPED,
        Ended::Reached => state.outcome = REPRIEVE_OUTCOME_REACHED,
        Ended::Fetched(_) => state.outcome = REPRIEVE_OUTCOME_FETCHED,
        Ended::Unchanged => state.outcome = REPRIEVE_OUTCOME_UNCHANGED,
        // One that this file does not know yet has its word at least.
        _ => {}
    }
    (state, Some((last.url.clone(), last.ended.to_string())))
}

fn number(failure: renew::Failure) -> u32 {
    renew::Failure::ALL.iter().position(|known| *known == failure).map_or(0, |at| at as u32 + 1)
}

fn failure(number: u32) -> Result<renew::Failure, Failure> {
    let at = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    at.and_then(|at| renew::Failure::ALL.get(at))
        .copied()
        .ok_or_else(|| argument(format!("{number} is no failure; pass one of REPRIEVE_FAILURE_*")))
}

/// Where a state goes: `struct_size` set, and two texts that may be left out.
///
/// # Safety
/// As [`OutStruct::new`] and [`Out::handle`].
pub unsafe fn tell(
    place: *mut reprieve_renewal_state,
    url: *mut *mut reprieve_bytes,
    word: *mut *mut reprieve_bytes,
    ask: impl FnOnce() -> Result<Standing, Failure>,
) -> Result<(), Failure> {
    // SAFETY: the caller's promises.
    unsafe {
        let place = OutStruct::new(place);
        let url = Out::handle("url", url);
        let word = Out::handle("word", word);
        let place = place.required("state")?;
        let (state, texts) = state(&ask()?);
        if let Some((where_to, how)) = texts {
            url.put(Object::Bytes(Buffer::new(where_to.into_bytes())))?;
            word.put(Object::Bytes(Buffer::new(how.into_bytes())))?;
        }
        place.set(&state);
        Ok(())
    }
}

fn with<R>(
    renewer: *const reprieve_renewer,
    wish: impl FnOnce(&mut Renewer) -> Result<R, Failure>,
) -> Result<R, Failure> {
    object!(renewer, Renewer, |object: &RenewerObject| {
        wish(&mut object.renewer.lock().unwrap_or_else(PoisonError::into_inner))
    })
}

/// Renews a client's leases with HTTP of the product's own. The endpoints are those of the application file, and of the
/// newest `keys` document.
///
/// `settings`: how long things last, or NULL. `renewer` (out, not NULL): owned by the caller; it keeps the ledger open
/// until it is freed. Statuses: REPRIEVE_STATUS_STRUCT_SIZE. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_client_renewer(
    client: *const reprieve_client,
    settings: *const reprieve_renewal_settings,
    renewer: *mut *mut reprieve_renewer,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let renewer = Out::handle("renewer", renewer).required()?;
            let settings = self::settings(settings)?;
            let made = object!(client, Client, |client: &reprieve_core::client::Client| Ok(client.renewer(settings)?))?;
            let watch = made.watch();
            renewer.put(Object::Renewer(Box::new(RenewerObject { renewer: Mutex::new(made), watch })))
        })
    }
}

/// What to do next. Call it again after each task, when a wait has passed, and when an attempt has ended.
///
/// A wait counts while the machine sleeps too, and most timers do not: poll once it is awake. Send a request as it
/// says, follow no redirect, verify certificates by the name in the URL, and read no more than REPRIEVE_MAX_ANSWER
/// bytes of the body; then call `reprieve_renewer_answered` or `reprieve_renewer_failed`. Two may run at once: a slow
/// one does not keep the next from being sent.
///
/// `task` (in and out, not NULL): `struct_size` set. `request` (out, not NULL): of REPRIEVE_RENEWAL_SEND, owned by the
/// caller; else NULL.
/// Statuses: REPRIEVE_STATUS_CLOSED once the client was closed: that is the end of it. All else that goes wrong stands
/// in the diagnostics and is tried again later. Any thread; waits as `reprieve_client_import`. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_renewer_poll(
    renewer: *const reprieve_renewer,
    task: *mut reprieve_renewal_task,
    request: *mut *mut reprieve_http_request,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let task = OutStruct::new(task);
            let request = Out::handle("request", request);
            let (task, request) = (task.required("task")?, request.required()?);
            let none = reprieve_renewal_task::safe();
            let made = match with(renewer, |renewer| Ok(renewer.poll()?))? {
                Task::Send { attempt, url, body, within } => {
                    let headers = [("Content-Type", "application/json"), ("Accept", "application/json")];
                    request.put(HttpRequestObject::object("POST", &url, &headers, &body))?;
                    send(attempt, within)
                }
                Task::Probe { attempt, url, within } => {
                    request.put(HttpRequestObject::object("HEAD", &url, &[], &[]))?;
                    send(attempt, within)
                }
                Task::Get { attempt, url, etag, within } => {
                    let known = etag.as_deref().map(|etag| ("If-None-Match", etag));
                    let headers: Vec<_> = known.into_iter().collect();
                    request.put(HttpRequestObject::object("GET", &url, &headers, &[]))?;
                    send(attempt, within)
                }
                Task::Abort(attempt) => {
                    reprieve_renewal_task { kind: REPRIEVE_RENEWAL_ABORT, attempt: attempt.number(), ..none }
                }
                Task::Wait(pause) => {
                    reprieve_renewal_task { kind: REPRIEVE_RENEWAL_WAIT, milliseconds: milliseconds(pause), ..none }
                }
                // A task of a later release: ask again soon.
                _ => reprieve_renewal_task { kind: REPRIEVE_RENEWAL_WAIT, milliseconds: 1000, ..none },
            };
            task.set(&made);
            Ok(())
        })
    }
}

fn send(attempt: AttemptId, within: Duration) -> reprieve_renewal_task {
    reprieve_renewal_task {
        kind: REPRIEVE_RENEWAL_SEND,
        attempt: attempt.number(),
        milliseconds: milliseconds(within),
        ..reprieve_renewal_task::safe()
    }
}

impl HttpRequestObject {
    fn object(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Object {
        let own = ("User-Agent", concat!("reprieve/", env!("CARGO_PKG_VERSION")));
        let headers = headers.iter().chain([&own]).map(|(name, value)| (Zero::new(name), Zero::new(value))).collect();
        Object::HttpRequest(Box::new(HttpRequestObject {
            method: Zero::new(method),
            url: Zero::new(url),
            headers,
            body: Zero::bytes(body.to_vec()),
        }))
    }
}

/// An attempt was answered, whatever the status. Documents in the body are imported.
///
/// `attempt`: the task's. `status`: HTTP's, such as 200. `headers`: the answer's header fields as HTTP writes them,
/// `Name: value`, one a line; `headers_len` bytes, NULL and 0 for none. `Retry-After`, `Date` and `ETag` are looked at; pass all.
/// `body`: decoded, `body_len` bytes; one that is longer than REPRIEVE_MAX_ANSWER is REPRIEVE_FAILURE_TOO_LONG. An
/// attempt that is over already is nothing.
/// Statuses: REPRIEVE_STATUS_ARGUMENT if `status` is not 100 to 999. Any thread; waits as `reprieve_client_import`.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_renewer_answered(
    renewer: *const reprieve_renewer,
    attempt: u64,
    status: u32,
    headers: *const u8,
    headers_len: usize,
    body: *const u8,
    body_len: usize,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let status = u16::try_from(status)
                .ok()
                .filter(|status| (100..=999).contains(status))
                .ok_or_else(|| argument(format!("{status} is no status of HTTP; pass 100 to 999")))?;
            // What a server wrote there may be no UTF-8.
            let headers = String::from_utf8_lossy(input::bytes("the headers", headers, headers_len)?);
            let body = input::bytes("the body", body, body_len)?;
            let outcome = if body.len() > MAX_ANSWER {
                Outcome::Failed(renew::Failure::TooLong)
            } else {
                let named = |wanted: &str| {
                    self::headers(&headers)
                        .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
                        .map(|(_, value)| value.to_owned())
                };
                Outcome::Answer(HttpAnswer {
                    status,
                    retry_after: named("Retry-After"),
                    date: named("Date"),
                    etag: named("ETag"),
                    body: body.to_vec(),
                })
            };
            with(renewer, |renewer| {
                renewer.ended(AttemptId::from_number(attempt), &outcome);
                Ok(())
            })
        })
    }
}

/// An attempt failed before there was a whole answer.
///
/// `attempt`: the task's. `failure`: REPRIEVE_FAILURE_*. An attempt that is over already is nothing.
/// Statuses: REPRIEVE_STATUS_ARGUMENT. Any thread; waits as `reprieve_client_import`. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_renewer_failed(
    renewer: *const reprieve_renewer,
    attempt: u64,
    failure: u32,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let outcome = Outcome::Failed(self::failure(failure)?);
            with(renewer, |renewer| {
                renewer.ended(AttemptId::from_number(attempt), &outcome);
                Ok(())
            })
        })
    }
}

/// The network is back, or another one is there: a pause after failures ends within some seconds. Poll after it. What
/// the authority asked for (`Retry-After`) is kept. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_renewer_network_changed(
    renewer: *const reprieve_renewer,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            with(renewer, |renewer| {
                renewer.network_changed();
                Ok(())
            })
        })
    }
}

/// A renewal is wanted though none is due: somebody pressed a button. Poll after it: it begins at once, or some seconds
/// after the round before. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_renewer_renew_now(
    renewer: *const reprieve_renewer,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            with(renewer, |renewer| {
                renewer.renew_now();
                Ok(())
            })
        })
    }
}

/// How renewing stands: for a page of settings, or a support case. Does not wait for other calls.
///
/// `state` (in and out, not NULL): `struct_size` set. `url` (out, or NULL): where the attempt that ended last went;
/// owned by the caller, NULL if none has. `word` (out, or NULL): how it ended, such as "renewed", "no_dns", "status
/// 302" or "answered: wrong_ledger", as the diagnostics say it; owned by the caller, NULL if none has. Any thread.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_renewer_state(
    renewer: *const reprieve_renewer,
    state: *mut reprieve_renewal_state,
    url: *mut *mut reprieve_bytes,
    word: *mut *mut reprieve_bytes,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            tell(state, url, word, || object!(renewer, Renewer, |object: &RenewerObject| Ok(object.watch.standing())))
        })
    }
}

/// Frees a renewer: what still runs is nobody's any more, and another product has the turn. NULL is a no-op. Any
/// thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_renewer_free(renewer: *mut reprieve_renewer) {
    free!(renewer, Renewer);
}

/// The body of a getter of text: `text` and `len` are set to NULL and 0 first.
///
/// # Safety
/// `text` and `len` are NULL or can be written.
unsafe fn text_of(
    request: *const reprieve_http_request,
    text: *mut *const c_char,
    len: *mut usize,
    which: impl FnOnce(&HttpRequestObject) -> &Zero,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(std::ptr::null_mut(), || {
            let text = Text::new(text, len).required()?;
            object!(request, HttpRequest, |request: &HttpRequestObject| {
                text.set(Some(which(request)));
                Ok(())
            })
        })
    }
}

/// The method of HTTP, such as "POST", with a NUL behind it. Borrowed: good until the request is freed. Any thread.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_http_request_method(
    request: *const reprieve_http_request,
    text: *mut *const c_char,
    len: *mut usize,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe { text_of(request, text, len, |request| &request.method) }
}

/// Where to: a URL, UTF-8 with a NUL behind it. Borrowed: good until the request is freed. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_http_request_url(
    request: *const reprieve_http_request,
    text: *mut *const c_char,
    len: *mut usize,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe { text_of(request, text, len, |request| &request.url) }
}

/// The body, with a NUL behind it that is not counted; `len` is 0 if there is none to send. Borrowed: good until the
/// request is freed. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_http_request_body(
    request: *const reprieve_http_request,
    data: *mut *const c_char,
    len: *mut usize,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe { text_of(request, data, len, |request| &request.body) }
}

/// How many header fields there are to send. `count` (out, not NULL). Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_http_request_header_count(
    request: *const reprieve_http_request,
    count: *mut usize,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(std::ptr::null_mut(), || {
            let count = Out::new("count", count, 0).required()?;
            object!(request, HttpRequest, |request: &HttpRequestObject| {
                count.set(request.headers.len());
                Ok(())
            })
        })
    }
}

/// The header field at an index, from 0: its name and its value, each with a NUL behind it, borrowed until the request
/// is freed. `name`, `name_len`, `value`, `value_len` (out, not NULL). Statuses: REPRIEVE_STATUS_OUT_OF_RANGE. Any
/// thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_http_request_header(
    request: *const reprieve_http_request,
    index: usize,
    name: *mut *const c_char,
    name_len: *mut usize,
    value: *mut *const c_char,
    value_len: *mut usize,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(std::ptr::null_mut(), || {
            let name = Text::new(name, name_len);
            let value = Text::new(value, value_len);
            let (name, value) = (name.required()?, value.required()?);
            object!(request, HttpRequest, |request: &HttpRequestObject| {
                let header = at(&request.headers, index)?;
                name.set(Some(&header.0));
                value.set(Some(&header.1));
                Ok(())
            })
        })
    }
}

/// Frees a request. NULL is a no-op. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_http_request_free(request: *mut reprieve_http_request) {
    free!(request, HttpRequest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_they_come() {
        let text = "HTTP/1.1 200 OK\r\nRetry-After:  60 \r\n\r\nX: a:b\nodd";
        assert_eq!(
            headers(text).collect::<Vec<_>>(),
            [("", "HTTP/1.1 200 OK"), ("Retry-After", "60"), ("X", "a:b"), ("", "odd")]
        );
    }

    #[test]
    fn failures_have_the_numbers_of_their_constants() {
        for known in renew::Failure::ALL {
            assert_eq!(failure(number(*known)).unwrap(), *known);
        }
        assert!([0, 11, u32::MAX].iter().all(|number| failure(*number).is_err()));
    }
}
