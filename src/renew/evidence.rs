//! What a failure is evidence of (rule G1): one table, decided here and nowhere else.

use crate::terms::{Outage, Refusal};

/// How an attempt failed before there was an answer, as the driver's HTTP library tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// The name could not be resolved.
    NoDns,
    /// There is no route to the host, or no network at all.
    NoRoute,
    /// No answer in time, wherever it stopped.
    TimedOut,
    /// The host refused the connection.
    Refused,
    /// The connection was reset or closed before the answer was whole.
    Reset,
    /// The certificate is another name's, has expired, or leads to no root that is trusted: whoever answered is not shown to be the authority.
    /// A clock that is wrong looks the same.
    Certificate,
    /// TLS failed in another way.
    Tls,
    /// What came is no HTTP.
    Protocol,
    /// The answer is longer than [`MAX_ANSWER`](super::MAX_ANSWER).
    TooLong,
    /// This side could not even try: no memory, no socket, a URL that cannot be read, a proxy that is not there.
    Local,
}

impl Failure {
    /// Every one, in the order of their numbers.
    pub const ALL: &'static [Failure] = &[
        Failure::NoDns,
        Failure::NoRoute,
        Failure::TimedOut,
        Failure::Refused,
        Failure::Reset,
        Failure::Certificate,
        Failure::Tls,
        Failure::Protocol,
        Failure::TooLong,
        Failure::Local,
    ];

    /// The word, as diagnostics and every binding write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Failure::NoDns => "no_dns",
            Failure::NoRoute => "no_route",
            Failure::TimedOut => "timed_out",
            Failure::Refused => "refused",
            Failure::Reset => "reset",
            Failure::Certificate => "certificate",
            Failure::Tls => "tls",
            Failure::Protocol => "protocol",
            Failure::TooLong => "too_long",
            Failure::Local => "local",
        }
    }

    /// The failure of a word, if it is one.
    pub fn from_word(word: &str) -> Option<Failure> {
        Failure::ALL.iter().copied().find(|failure| failure.as_str() == word)
    }

    /// What it is evidence of. Nothing for what is this side's own: nobody's grace may hang on a driver that cannot open a socket.
    pub(super) fn evidence(self, authentic: bool) -> Option<Outage> {
        match self {
            Failure::NoDns | Failure::NoRoute | Failure::TimedOut => Some(Outage::Network),
            // Unauthentic: a captive portal's certificate, or somebody in between.
            Failure::Certificate | Failure::Tls => Some(Outage::Network),
            Failure::Refused | Failure::Reset => Some(Outage::Server),
            // Over TLS that holds it is the authority that talks nonsense; over plain HTTP it may be anybody.
            Failure::Protocol | Failure::TooLong if authentic => Some(Outage::Server),
            Failure::Protocol | Failure::TooLong => Some(Outage::Network),
            Failure::Local => None,
        }
    }
}

/// What an answer turned out to be, once the client has taken what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A document was accepted: renewed.
    Renewed,
    /// The authority answered with documents of its own, and none was accepted: no outage, and no use in trying again soon.
    Answered,
    /// It is no answer of the authority's.
    Failed(Outage),
}

/// What the client made of one document of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Why it was refused; none: it was accepted.
    pub refusal: Option<Refusal>,
    /// Whether it shows that the authority is there now: it echoes this request's nonce, or is a lease that the ledger had not. What was signed long
    /// ago can be shown by anybody who kept it.
    pub answers: bool,
}

impl From<Option<Refusal>> for Taken {
    /// One that answers the request.
    fn from(refusal: Option<Refusal>) -> Taken {
        Taken { refusal, answers: true }
    }
}

/// Of documents. Over plain HTTP only those count that answer this request: the others may be replayed by whoever stands in between.
pub(super) fn of_documents(results: &[Taken], authentic: bool) -> Verdict {
    let counts = || results.iter().filter(|taken| authentic || taken.answers).map(|taken| taken.refusal);
    if counts().any(|refusal| refusal.is_none()) {
        return Verdict::Renewed;
    }
    // What no key of the authority's has signed is a page, a portal or a forgery, and shows nothing of the authority.
    if counts().any(|refusal| !refusal.is_some_and(Refusal::is_of_nobody)) {
        Verdict::Answered
    } else {
        Verdict::Failed(nonsense(authentic))
    }
}

/// Of an HTTP status whose body is not looked into.
pub(super) fn of_status(status: u16, authentic: bool) -> Outage {
    match status {
        // The network's own way of saying that one has to log in first (RFC 6585).
        511 => Outage::Network,
        429 | 500..=599 => Outage::Server,
        _ => nonsense(authentic),
    }
}

/// Reached, but nonsense, if the transport proves who was reached; else what a captive portal does.
pub(super) fn nonsense(authentic: bool) -> Outage {
    if authentic { Outage::Server } else { Outage::Network }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outage::{Network, Server};

    #[test]
    fn the_table_of_failures() {
        let table = [
            (Failure::NoDns, Some(Network), Some(Network)),
            (Failure::NoRoute, Some(Network), Some(Network)),
            (Failure::TimedOut, Some(Network), Some(Network)),
            (Failure::Refused, Some(Server), Some(Server)),
            (Failure::Reset, Some(Server), Some(Server)),
            (Failure::Certificate, Some(Network), Some(Network)),
            (Failure::Tls, Some(Network), Some(Network)),
            (Failure::Protocol, Some(Server), Some(Network)),
            (Failure::TooLong, Some(Server), Some(Network)),
            (Failure::Local, None, None),
        ];
        assert_eq!(table.map(|row| row.0), Failure::ALL);
        for (failure, over_tls, plain) in table {
            assert_eq!((failure.evidence(true), failure.evidence(false)), (over_tls, plain), "{failure:?}");
            assert_eq!(Failure::from_word(failure.as_str()), Some(failure));
        }
    }

    #[test]
    fn the_table_of_statuses() {
        for status in [429, 500, 502, 503, 504, 599] {
            assert_eq!((of_status(status, true), of_status(status, false)), (Server, Server), "{status}");
        }
        for status in [100, 204, 301, 302, 400, 401, 403, 404, 999] {
            assert_eq!((of_status(status, true), of_status(status, false)), (Server, Network), "{status}");
        }
        assert_eq!(of_status(511, true), Network);
    }

    #[test]
    fn the_table_of_documents() {
        let of = |results: &[Option<Refusal>], authentic| {
            of_documents(&results.iter().map(|refusal| Taken::from(*refusal)).collect::<Vec<_>>(), authentic)
        };
        assert_eq!(of(&[None], false), Verdict::Renewed);
        assert_eq!(of(&[Some(Refusal::Stale), None], true), Verdict::Renewed);
        for known in [Refusal::Stale, Refusal::WrongLedger, Refusal::WrongRole, Refusal::WrongPolicy] {
            assert_eq!(of(&[Some(known)], true), Verdict::Answered, "{known:?}");
            assert_eq!(of(&[Some(known)], false), Verdict::Answered, "{known:?}");
        }
        for nobody in [Refusal::Malformed, Refusal::BadSignature, Refusal::UnknownKey] {
            assert_eq!(of(&[Some(nobody)], true), Verdict::Failed(Server), "{nobody:?}");
            assert_eq!(of(&[Some(nobody)], false), Verdict::Failed(Network), "{nobody:?}");
        }
        assert_eq!(of(&[], true), Verdict::Failed(Server), "an answer without documents");
    }

    #[test]
    fn over_plain_http_what_answers_no_request_shows_nothing() {
        for refusal in [None, Some(Refusal::Stale), Some(Refusal::WrongLedger)] {
            let old = Taken { refusal, answers: false };
            assert_eq!(of_documents(&[old], false), Verdict::Failed(Network), "{refusal:?}");
            assert_ne!(of_documents(&[old], true), Verdict::Failed(Server), "{refusal:?}");
            assert_eq!(of_documents(&[old, Taken::from(None)], false), Verdict::Renewed);
        }
    }
}
