//! One round of attempts: endpoint after endpoint, the next one hedged after a short wait, until one renews or all have failed.

use super::evidence::{self, Failure, Verdict};
use crate::terms::{Outage, Refusal};
use crate::time::Span;

/// Names an attempt for as long as its engine lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttemptId(pub(super) u64);

impl AttemptId {
    /// As a number, for other languages.
    pub fn number(self) -> u64 {
        self.0
    }

    /// Of a number that [`AttemptId::number`] gave. One that names no attempt is one that is over.
    pub fn from_number(number: u64) -> AttemptId {
        AttemptId(number)
    }
}

/// An answer by HTTP, whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status. Redirects are not followed: the authority does not send any, a captive portal does.
    pub status: u16,
    /// The field `Retry-After`, as it came.
    pub retry_after: Option<String>,
    /// The field `Date`, as it came: what a `Retry-After` that is a date is compared with.
    pub date: Option<String>,
    /// The field `ETag`, as it came, where a [`Get`](super::Action::Get) is answered.
    pub etag: Option<String>,
    /// The body, decoded, at most [`MAX_ANSWER`](super::MAX_ANSWER) bytes.
    pub body: Vec<u8>,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Outcome {
    Answer(HttpAnswer),
    Failed(Failure),
}

/// How an attempt ended, for the diagnostics.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// It renewed.
    Renewed,
    /// The authority answered, and every document was refused: the first one's reason.
    Answered(Option<Refusal>),
    /// It failed before there was an answer.
    Failed(Failure),
    /// An HTTP status without documents of the authority's.
    Status(u16),
    /// Another endpoint was quicker, or the engine was told to stop.
    Dropped,
    /// A probe was answered: the network leads there.
    Reached,
    /// A mirror gave documents, of which the ledger took so many that it had not.
    Fetched(usize),
    /// A mirror has nothing new.
    Unchanged,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Ended::Renewed => f.write_str("renewed"),
            Ended::Answered(None) => f.write_str("answered"),
            Ended::Answered(Some(refusal)) => write!(f, "answered: {}", refusal.as_str()),
            Ended::Failed(failure) => f.write_str(failure.as_str()),
            Ended::Status(status) => write!(f, "status {status}"),
            Ended::Dropped => f.write_str("dropped"),
            Ended::Reached => f.write_str("reached"),
            Ended::Fetched(news) => write!(f, "fetched, {news} new"),
            Ended::Unchanged => f.write_str("unchanged"),
        }
    }
}

#[derive(Debug)]
pub(super) struct Running {
    pub id: AttemptId,
    pub endpoint: usize,
    pub since: Span,
    pub deadline: Span,
    /// Its answer is with the client; the deadline is no matter any more.
    pub importing: Option<u16>,
}

/// What a round wants next.
pub(super) enum Want {
    /// Try this endpoint.
    Start(usize),
    /// Nothing before this.
    Wait(Span),
    /// Every endpoint has been tried and has ended.
    Over(Over),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Over {
    Renewed,
    /// The server works, and gives nothing.
    Answered,
    /// This side could not try: nothing is to be reported.
    NotTried,
    Failed(Outage),
}

#[derive(Debug)]
pub(super) struct Round {
    left: std::vec::IntoIter<usize>,
    pub running: Vec<Running>,
    hedge: Span,
    hedged_until: Span,
    renewed: bool,
    answered: bool,
    outage: Option<Outage>,
}

impl Round {
    pub(super) fn new(order: Vec<usize>, hedge: Span) -> Round {
        Round {
            left: order.into_iter(),
            running: Vec::new(),
            hedge,
            hedged_until: Span::nanos(i128::MIN),
            renewed: false,
            answered: false,
            outage: None,
        }
    }

    pub(super) fn want(&mut self, now: Span) -> Want {
        // One whose answer is being imported may be the one that renews: no other is started beside it.
        let importing = self.running.iter().any(|running| running.importing.is_some());
        let may_start = !self.renewed && !self.answered && !importing;
        if may_start
            && (self.running.is_empty() || self.hedged_until <= now)
            && let Some(endpoint) = self.left.next()
        {
            self.hedged_until = now + self.hedge;
            return Want::Start(endpoint);
        }
        if self.running.is_empty() {
            return Want::Over(match (self.renewed, self.answered, self.outage) {
                (true, _, _) => Over::Renewed,
                (_, true, _) => Over::Answered,
                (_, _, None) => Over::NotTried,
                (_, _, Some(outage)) => Over::Failed(outage),
            });
        }
        let deadlines =
            self.running.iter().filter(|running| running.importing.is_none()).map(|running| running.deadline);
        let hedge = (may_start && self.left.len() > 0).then_some(self.hedged_until);
        Want::Wait(deadlines.chain(hedge).min().unwrap_or(now + self.hedge))
    }

    pub(super) fn started(&mut self, id: AttemptId, endpoint: usize, now: Span, deadline: Span) {
        self.running.push(Running { id, endpoint, since: now, deadline, importing: None });
    }

    pub(super) fn take(&mut self, id: AttemptId) -> Option<Running> {
        let at = self.running.iter().position(|running| running.id == id)?;
        Some(self.running.swap_remove(at))
    }

    pub(super) fn expired(&self, now: Span) -> Option<AttemptId> {
        let late = |running: &&Running| running.importing.is_none() && running.deadline <= now;
        self.running.iter().find(late).map(|running| running.id)
    }

    /// One attempt has failed: `server` if any endpoint was reached, else `network` (rule G1).
    pub(super) fn failed(&mut self, evidence: Option<Outage>) {
        self.outage = match (self.outage, evidence) {
            (Some(Outage::Server), _) | (_, Some(Outage::Server)) => Some(Outage::Server),
            (earlier, now) => now.or(earlier),
        };
    }

    pub(super) fn verdict(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Renewed => self.renewed = true,
            Verdict::Answered => self.answered = true,
            Verdict::Failed(outage) => self.failed(Some(outage)),
        }
    }

    pub(super) fn is_decided(&self) -> bool {
        self.renewed || self.answered
    }
}

/// Whether an answer's body is for the client, or its status says all.
pub(super) fn is_for_client(answer: &HttpAnswer) -> bool {
    (200..300).contains(&answer.status) && !answer.body.trim_ascii().is_empty()
}

/// What a status without documents is evidence of.
pub(super) fn outage_of(status: u16, authentic: bool) -> Outage {
    evidence::of_status(status, authentic)
}
