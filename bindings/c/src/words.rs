//! Versions, and the numbers and words of the rules.

use std::ffi::{CStr, c_char};

/// ABI version: rises when something was removed or changed. A program needs the same as it was built with.
pub const REPRIEVE_ABI_VERSION_MAJOR: u32 = 0;
/// ABI version: rises when something was added. A program needs this or a higher one.
pub const REPRIEVE_ABI_VERSION_MINOR: u32 = 1;

/// Access: the library could not decide. This is no refusal; `reprieve_client_explain` says why.
pub const REPRIEVE_ACCESS_UNKNOWN: u32 = 0;
/// Access: the rules give none.
pub const REPRIEVE_ACCESS_DENIED: u32 = 1;
/// Access: the product runs with what its vendor calls limited.
pub const REPRIEVE_ACCESS_LIMITED: u32 = 2;
/// Access: everything.
pub const REPRIEVE_ACCESS_FULL: u32 = 3;

/// State: none, as access is unknown.
pub const REPRIEVE_STATE_NONE: u32 = 0;
/// State: the lease is running.
pub const REPRIEVE_STATE_LICENSED: u32 = 1;
/// State: the lease has ended and a cover holds.
pub const REPRIEVE_STATE_GRACE: u32 = 2;
/// State: the lease has ended and no cover holds.
pub const REPRIEVE_STATE_EXPIRED: u32 = 3;
/// State: a suspicion of the ledger or of its place has reached its limit.
pub const REPRIEVE_STATE_LEDGER_LOCKED: u32 = 4;
/// State: the suspicion of the clock has reached its limit.
pub const REPRIEVE_STATE_CLOCK_LOCKED: u32 = 5;
/// State: the authority has taken the feature back.
pub const REPRIEVE_STATE_REVOKED: u32 = 6;
/// State: the lease does not name the feature.
pub const REPRIEVE_STATE_NOT_ENTITLED: u32 = 7;
/// State: there is no lease for the SKU.
pub const REPRIEVE_STATE_UNLICENSED: u32 = 8;

/// Reason: none, as there is no grace.
pub const REPRIEVE_REASON_NONE: u32 = 0;
/// Reason: a notice of the vendor's covers the time.
pub const REPRIEVE_REASON_MAINTENANCE: u32 = 1;
/// Reason: support has granted time.
pub const REPRIEVE_REASON_EXTENSION: u32 = 2;
/// Reason: the authority was reached, but it failed.
pub const REPRIEVE_REASON_SERVER: u32 = 3;
/// Reason: the authority gave no answer.
pub const REPRIEVE_REASON_NETWORK: u32 = 4;
/// Reason: nothing is known of why there was no renewal.
pub const REPRIEVE_REASON_UNKNOWN: u32 = 5;

/// Clock: nothing was read.
pub const REPRIEVE_CLOCK_NONE: u32 = 0;
/// Clock: the wall agrees with what is proven.
pub const REPRIEVE_CLOCK_OK: u32 = 1;
/// Clock: the wall lies before what is proven.
pub const REPRIEVE_CLOCK_ROLLED_BACK: u32 = 2;
/// Clock: the wall lies further ahead than the policy believes.
pub const REPRIEVE_CLOCK_LEAPED: u32 = 3;

/// Ledger: nothing was read.
pub const REPRIEVE_LEDGER_NONE: u32 = 0;
/// Ledger: nothing is known against it.
pub const REPRIEVE_LEDGER_OK: u32 = 1;
/// Ledger: it was damaged or put back from a copy.
pub const REPRIEVE_LEDGER_SUSPECT: u32 = 2;
/// Ledger: it is on another machine than its own.
pub const REPRIEVE_LEDGER_MOVED: u32 = 3;

/// Flag: the ledger lies in memory and ends with the process.
pub const REPRIEVE_FLAG_IN_MEMORY: u32 = 1;
/// Flag: a newer release wrote what this one does not know; nothing is appended.
pub const REPRIEVE_FLAG_NEWER: u32 = 2;
/// Flag: the ledger is a drill's.
pub const REPRIEVE_FLAG_DRILL: u32 = 4;
/// Flag: the ledger cannot be read or written at the moment; the decision rests on what was read before.
pub const REPRIEVE_FLAG_DETACHED: u32 = 8;

/// Document: none, or not readable.
pub const REPRIEVE_DOCUMENT_NONE: u32 = 0;
/// Document: a lease, which makes a licence good for a time.
pub const REPRIEVE_DOCUMENT_LEASE: u32 = 1;
/// Document: a policy, the rules of grace.
pub const REPRIEVE_DOCUMENT_POLICY: u32 = 2;
/// Document: a notice of maintenance that is planned, or of an outage.
pub const REPRIEVE_DOCUMENT_NOTICE: u32 = 3;
/// Document: an extension, granted by support.
pub const REPRIEVE_DOCUMENT_EXTENSION: u32 = 4;
/// Document: a revocation, which takes a licence back.
pub const REPRIEVE_DOCUMENT_REVOCATION: u32 = 5;
/// Document: a ruling, the outcome of an appeal.
pub const REPRIEVE_DOCUMENT_RULING: u32 = 6;
/// Document: keys, which say whose keys may say what.
pub const REPRIEVE_DOCUMENT_KEYS: u32 = 7;

/// Refusal: none; the document is in force.
pub const REPRIEVE_REFUSAL_NONE: u32 = 0;
/// Refusal: a signer is not in the trust store, or its key was not valid when the document was issued.
pub const REPRIEVE_REFUSAL_UNKNOWN_KEY: u32 = 1;
/// Refusal: a signature does not hold.
pub const REPRIEVE_REFUSAL_BAD_SIGNATURE: u32 = 2;
/// Refusal: a signer may not sign this kind.
pub const REPRIEVE_REFUSAL_WRONG_ROLE: u32 = 3;
/// Refusal: a kind, or a newer schema, that this release does not know.
pub const REPRIEVE_REFUSAL_UNSUPPORTED: u32 = 4;
/// Refusal: the document does not say what its kind must say.
pub const REPRIEVE_REFUSAL_MALFORMED: u32 = 5;
/// Refusal: the document is for another ledger.
pub const REPRIEVE_REFUSAL_WRONG_LEDGER: u32 = 6;
/// Refusal: the policy is of another line than the one in force.
pub const REPRIEVE_REFUSAL_WRONG_POLICY: u32 = 7;
/// Refusal: something newer is in force.
pub const REPRIEVE_REFUSAL_STALE: u32 = 8;
/// Refusal: too few people of role support have signed.
pub const REPRIEVE_REFUSAL_APPROVALS: u32 = 9;
/// Refusal: the extension is longer than the policy allows.
pub const REPRIEVE_REFUSAL_OVER_LIMIT: u32 = 10;
/// Refusal: no lease of the licence was ever accepted.
pub const REPRIEVE_REFUSAL_UNKNOWN_LICENSE: u32 = 11;

/// Outage: no answer: no DNS, no route, a timeout, a captive portal's or otherwise unauthentic answer.
pub const REPRIEVE_OUTAGE_NETWORK: u32 = 1;
/// Outage: reached, but it failed: refused, reset, HTTP 5xx or 429, a nonsense answer.
pub const REPRIEVE_OUTAGE_SERVER: u32 = 2;

/// Event: a feature went into grace.
pub const REPRIEVE_EVENT_GRACE_STARTED: u32 = 1;
/// Event: a feature came out of grace: look at the state.
pub const REPRIEVE_EVENT_GRACE_ENDED: u32 = 2;
/// Event: a feature's standing changed, outside grace.
pub const REPRIEVE_EVENT_ACCESS_CHANGED: u32 = 3;
/// Event: in grace, another access or reason, or more time than a warning said.
pub const REPRIEVE_EVENT_GRACE_CHANGED: u32 = 4;
/// Event: the runway is no longer than `left_seconds`.
pub const REPRIEVE_EVENT_GRACE_WARNING: u32 = 5;
/// Event: a document is in force.
pub const REPRIEVE_EVENT_DOCUMENT_ACCEPTED: u32 = 6;
/// Event: a document was refused.
pub const REPRIEVE_EVENT_DOCUMENT_REFUSED: u32 = 7;
/// Event: the clock is under suspicion.
pub const REPRIEVE_EVENT_CLOCK_SUSPECT: u32 = 8;
/// Event: the clock no longer is.
pub const REPRIEVE_EVENT_CLOCK_RESTORED: u32 = 9;
/// Event: the ledger, or its place, is under suspicion.
pub const REPRIEVE_EVENT_LEDGER_SUSPECT: u32 = 10;
/// Event: they no longer are.
pub const REPRIEVE_EVENT_LEDGER_RESTORED: u32 = 11;
/// Event: a torn tail was cut off after a crash; nothing acknowledged was lost.
pub const REPRIEVE_EVENT_LEDGER_RECOVERED: u32 = 12;
/// Event: the customer appealed.
pub const REPRIEVE_EVENT_APPEAL_FILED: u32 = 13;
/// Event: the vendor has the appeal.
pub const REPRIEVE_EVENT_APPEAL_RECEIVED: u32 = 14;

/// Upkeep: checks do it, at most every 10 ms.
pub const REPRIEVE_UPKEEP_IN_CHECKS: u32 = 0;
/// Upkeep: the product calls `reprieve_client_upkeep` on a thread of its choice, every second or so; then a check never
/// touches the disk. If none has run for 10 minutes, checks are unknown.
pub const REPRIEVE_UPKEEP_OWN: u32 = 1;

/// Task of a drill's step: nothing is to be done.
pub const REPRIEVE_TASK_NOTHING: u32 = 0;
/// Task of a drill's step: import `reprieve_task_token`.
pub const REPRIEVE_TASK_IMPORT: u32 = 1;
/// Task of a drill's step: check `reprieve_task_sku` and `reprieve_task_feature`.
pub const REPRIEVE_TASK_CHECK: u32 = 2;
/// Task of a drill's step: report the outage `reprieve_task_outage`.
pub const REPRIEVE_TASK_REPORT: u32 = 3;
/// Task of a drill's step: do upkeep, then take and acknowledge events as `reprieve_drill_consumer` until there is
/// none.
pub const REPRIEVE_TASK_EVENTS: u32 = 4;

/// Renewal: nothing, as the call failed.
pub const REPRIEVE_RENEWAL_NOTHING: u32 = 0;
/// Renewal: there is nothing to do for so long, unless an attempt ends.
pub const REPRIEVE_RENEWAL_WAIT: u32 = 1;
/// Renewal: send a request.
pub const REPRIEVE_RENEWAL_SEND: u32 = 2;
/// Renewal: stop an attempt if it still runs; nobody waits for it any more.
pub const REPRIEVE_RENEWAL_ABORT: u32 = 3;

/// How many bytes of an answer's body are read at most.
pub const REPRIEVE_MAX_ANSWER: u32 = 4194304;

/// Failure: the name could not be resolved.
pub const REPRIEVE_FAILURE_NO_DNS: u32 = 1;
/// Failure: there is no route to the host, or no network at all; or the customer's proxy gave none.
pub const REPRIEVE_FAILURE_NO_ROUTE: u32 = 2;
/// Failure: no answer in time, wherever it stopped.
pub const REPRIEVE_FAILURE_TIMED_OUT: u32 = 3;
/// Failure: the host refused the connection.
pub const REPRIEVE_FAILURE_REFUSED: u32 = 4;
/// Failure: the connection was reset or closed before the answer was whole.
pub const REPRIEVE_FAILURE_RESET: u32 = 5;
/// Failure: the certificate is another name's, has expired, or leads to no root that is trusted.
pub const REPRIEVE_FAILURE_CERTIFICATE: u32 = 6;
/// Failure: TLS failed in another way.
pub const REPRIEVE_FAILURE_TLS: u32 = 7;
/// Failure: what came is no HTTP.
pub const REPRIEVE_FAILURE_PROTOCOL: u32 = 8;
/// Failure: the answer is longer than REPRIEVE_MAX_ANSWER.
pub const REPRIEVE_FAILURE_TOO_LONG: u32 = 9;
/// Failure: this side could not even try: no memory, no socket, a URL that cannot be read. It is evidence of nothing.
pub const REPRIEVE_FAILURE_LOCAL: u32 = 10;

/// Outcome: none, as no attempt has ended yet.
pub const REPRIEVE_OUTCOME_NONE: u32 = 0;
/// Outcome: the lease was renewed.
pub const REPRIEVE_OUTCOME_RENEWED: u32 = 1;
/// Outcome: the authority answered, and every document was refused.
pub const REPRIEVE_OUTCOME_ANSWERED: u32 = 2;
/// Outcome: it failed before there was an answer.
pub const REPRIEVE_OUTCOME_FAILED: u32 = 3;
/// Outcome: an HTTP status without documents of the authority's.
pub const REPRIEVE_OUTCOME_STATUS: u32 = 4;
/// Outcome: another endpoint was quicker, or it was told to stop.
pub const REPRIEVE_OUTCOME_DROPPED: u32 = 5;
/// Outcome: a probe was answered; the network leads there.
pub const REPRIEVE_OUTCOME_REACHED: u32 = 6;
/// Outcome: a mirror gave documents.
pub const REPRIEVE_OUTCOME_FETCHED: u32 = 7;
/// Outcome: a mirror has nothing new.
pub const REPRIEVE_OUTCOME_UNCHANGED: u32 = 8;

/// `stage` of a decision outside grace.
pub const REPRIEVE_STAGE_NONE: u32 = 0xffff_ffff;

/// Numbers with their words. The rest is `unrecognized`.
type Words = &'static [(u32, &'static CStr)];

const ACCESS: Words = &[(0, c"unknown"), (1, c"denied"), (2, c"limited"), (3, c"full")];
const STATE: Words = &[
    (0, c"none"),
    (1, c"licensed"),
    (2, c"grace"),
    (3, c"expired"),
    (4, c"ledger_locked"),
    (5, c"clock_locked"),
    (6, c"revoked"),
    (7, c"not_entitled"),
    (8, c"unlicensed"),
];
const REASON: Words =
    &[(0, c"none"), (1, c"maintenance"), (2, c"extension"), (3, c"server"), (4, c"network"), (5, c"unknown")];
const CLOCK: Words = &[(0, c"none"), (1, c"ok"), (2, c"rolled_back"), (3, c"leaped")];
const LEDGER: Words = &[(0, c"none"), (1, c"ok"), (2, c"suspect"), (3, c"moved")];
const DOCUMENT: Words = &[
    (0, c"none"),
    (1, c"lease"),
    (2, c"policy"),
    (3, c"notice"),
    (4, c"extension"),
    (5, c"revocation"),
    (6, c"ruling"),
    (7, c"keys"),
];
const REFUSAL: Words = &[
    (0, c"none"),
    (1, c"unknown_key"),
    (2, c"bad_signature"),
    (3, c"wrong_role"),
    (4, c"unsupported"),
    (5, c"malformed"),
    (6, c"wrong_ledger"),
    (7, c"wrong_policy"),
    (8, c"stale"),
    (9, c"approvals"),
    (10, c"over_limit"),
    (11, c"unknown_license"),
];
const OUTAGE: Words = &[(0, c"none"), (1, c"network"), (2, c"server")];
const EVENT: Words = &[
    (0, c"none"),
    (1, c"grace_started"),
    (2, c"grace_ended"),
    (3, c"access_changed"),
    (4, c"grace_changed"),
    (5, c"grace_warning"),
    (6, c"document_accepted"),
    (7, c"document_refused"),
    (8, c"clock_suspect"),
    (9, c"clock_restored"),
    (10, c"ledger_suspect"),
    (11, c"ledger_restored"),
    (12, c"ledger_recovered"),
    (13, c"appeal_filed"),
    (14, c"appeal_received"),
];

const FAILURE: Words = &[
    (0, c"none"),
    (1, c"no_dns"),
    (2, c"no_route"),
    (3, c"timed_out"),
    (4, c"refused"),
    (5, c"reset"),
    (6, c"certificate"),
    (7, c"tls"),
    (8, c"protocol"),
    (9, c"too_long"),
    (10, c"local"),
];
const OUTCOME: Words = &[
    (0, c"none"),
    (1, c"renewed"),
    (2, c"answered"),
    (3, c"failed"),
    (4, c"status"),
    (5, c"dropped"),
    (6, c"reached"),
    (7, c"fetched"),
    (8, c"unchanged"),
];

fn word(words: Words, number: u32) -> *const c_char {
    words.iter().find(|(known, _)| *known == number).map_or(c"unrecognized", |(_, word)| *word).as_ptr()
}

/// The library's version, such as "0.1.0". Static text; never NULL. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn reprieve_version() -> *const c_char {
    const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => c"",
    };
    VERSION.as_ptr()
}

/// The library's ABI version, `major << 16 | minor`. A binding compares it when it loads the library: the major
/// number must be equal to REPRIEVE_ABI_VERSION_MAJOR, the minor at least REPRIEVE_ABI_VERSION_MINOR. Any thread.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn reprieve_abi_version() -> u32 {
    (REPRIEVE_ABI_VERSION_MAJOR << 16) | REPRIEVE_ABI_VERSION_MINOR
}

/// How many handles live in this process, of all types: for tests that nothing is left. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn reprieve_handle_count() -> usize {
    crate::handle::count()
}

/// The word of a status, such as "busy"; "unrecognized" for any other number. Static text; never NULL. Any thread.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn reprieve_status_str(status: u32) -> *const c_char {
    word(crate::status::WORDS, status)
}

/// The word of an access, such as "full"; "unrecognized" for any other number. Static text; never NULL. Any thread.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn reprieve_access_str(access: u32) -> *const c_char {
    word(ACCESS, access)
}

/// The word of a state, such as "grace"; "none" for 0, "unrecognized" for any other number. Static text; never NULL.
/// Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn reprieve_state_str(state: u32) -> *const c_char {
    word(STATE, state)
}

/// The word of a reason, such as "network"; "none" for 0, "unrecognized" for any other number. Static text; never
/// NULL. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn reprieve_reason_str(reason: u32) -> *const c_char {
    word(REASON, reason)
}

/// The word of a clock's standing, such as "rolled_back"; "none" for 0, "unrecognized" for any other number. Static
/// text; never NULL. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn reprieve_clock_str(clock: u32) -> *const c_char {
    word(CLOCK, clock)
}

/// The word of a ledger's standing, such as "suspect"; "none" for 0, "unrecognized" for any other number. Static
/// text; never NULL. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn reprieve_ledger_str(ledger: u32) -> *const c_char {
    word(LEDGER, ledger)
}

/// The word of a kind of document, such as "lease"; "none" for 0, "unrecognized" for any other number. Static text;
/// never NULL. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn reprieve_document_str(document: u32) -> *const c_char {
    word(DOCUMENT, document)
}

/// The word of a refusal, such as "stale"; "none" for 0, "unrecognized" for any other number. Static text; never
/// NULL. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn reprieve_refusal_str(refusal: u32) -> *const c_char {
    word(REFUSAL, refusal)
}

/// The word of an outage, such as "server"; "none" for 0, "unrecognized" for any other number. Static text; never
/// NULL. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn reprieve_outage_str(outage: u32) -> *const c_char {
    word(OUTAGE, outage)
}

/// The word of an event's kind, such as "grace_started"; "none" for 0, "unrecognized" for any other number. Static
/// text; never NULL. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn reprieve_event_kind_str(kind: u32) -> *const c_char {
    word(EVENT, kind)
}

/// The word of a failure to renew, such as "no_dns"; "none" for 0, "unrecognized" for any other number. Static text;
/// never NULL. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn reprieve_failure_str(failure: u32) -> *const c_char {
    word(FAILURE, failure)
}

/// The word of an attempt's outcome, such as "renewed"; "none" for 0, "unrecognized" for any other number. Static text;
/// never NULL. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn reprieve_outcome_str(outcome: u32) -> *const c_char {
    word(OUTCOME, outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use reprieve_core::client::{ErrorKind, EventKind};
    use reprieve_core::renew::Failure;
    use reprieve_core::terms::{Access, ClockStanding, Kind, LedgerStanding, LicenseState, Outage, Reason, Refusal};

    fn same(words: Words, core: impl ExactSizeIterator<Item = (u32, &'static str)>, more: usize) {
        assert_eq!(words.len(), core.len() + more);
        for (number, text) in core {
            let (_, word) = words.iter().find(|(known, _)| *known == number).unwrap();
            assert_eq!(word.to_str().unwrap(), text);
        }
    }

    #[test]
    fn words_are_the_cores() {
        same(ACCESS, Access::ALL.iter().map(|w| (w.number(), w.as_str())), 0);
        same(STATE, LicenseState::ALL.iter().map(|w| (w.number(), w.as_str())), 1);
        same(REASON, Reason::ALL.iter().map(|w| (w.number(), w.as_str())), 1);
        same(CLOCK, ClockStanding::ALL.iter().map(|w| (w.number(), w.as_str())), 1);
        same(LEDGER, LedgerStanding::ALL.iter().map(|w| (w.number(), w.as_str())), 1);
        same(DOCUMENT, Kind::ALL.iter().map(|w| (w.number(), w.as_str())), 1);
        same(REFUSAL, Refusal::ALL.iter().map(|w| (w.number(), w.as_str())), 1);
        same(OUTAGE, Outage::ALL.iter().map(|w| (w.number(), w.as_str())), 1);
        same(EVENT, EventKind::ALL.iter().map(|w| (*w as u32, w.as_str())), 1);
        same(FAILURE, Failure::ALL.iter().enumerate().map(|(at, w)| (at as u32 + 1, w.as_str())), 1);
        // 0, and 901 to 907.
        same(crate::status::WORDS, ErrorKind::ALL.iter().map(|w| (*w as u32, w.as_str())), 8);
    }

    /// Each constant is named as its word is: read from this file itself.
    #[test]
    fn constants_are_named_as_their_words() {
        let source = concat!(include_str!("words.rs"), include_str!("status.rs"));
        let families: [(&str, Words); 12] = [
            ("REPRIEVE_ACCESS_", ACCESS),
            ("REPRIEVE_STATE_", STATE),
            ("REPRIEVE_REASON_", REASON),
            ("REPRIEVE_CLOCK_", CLOCK),
            ("REPRIEVE_LEDGER_", LEDGER),
            ("REPRIEVE_DOCUMENT_", DOCUMENT),
            ("REPRIEVE_REFUSAL_", REFUSAL),
            ("REPRIEVE_OUTAGE_", OUTAGE),
            ("REPRIEVE_EVENT_", EVENT),
            ("REPRIEVE_FAILURE_", FAILURE),
            ("REPRIEVE_OUTCOME_", OUTCOME),
            ("REPRIEVE_STATUS_", crate::status::WORDS),
        ];
        for (family, words) in families {
            for (number, word) in words.iter().filter(|(number, _)| *number != 0) {
                let line = format!("pub const {family}{}: u32 = {number};", word.to_str().unwrap().to_uppercase());
                assert!(source.contains(&line), "{line}");
            }
        }
    }
}
