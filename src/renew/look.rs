//! What is looked at between two renewals: whether the network is back, and what the mirrors have. Neither is evidence of the authority.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::round::AttemptId;
use super::schedule::doubled;
use crate::terms::Outage;
use crate::time::Span;

/// A probe that has no answer after this has failed.
pub(super) const PROBE_WITHIN: Span = Span::seconds(5);

/// The pause before the first probe, at most: it is drawn between nothing and this, and this doubles with each.
const PROBE: Span = Span::seconds(5);

/// What it doubles up to, while no answer to a probe was followed by a round that failed.
const PROBE_MOST: Span = Span::seconds(60);

/// How often mirrors are asked, give or take a tenth.
const COMMON: Span = Span::seconds(6 * 3600);

/// The first time, and after a round that failed, within so long at random: a mirror may have the notice that explains it.
const COMMON_SOON: Span = Span::seconds(30);

/// But no sooner than this after the last time.
const COMMON_AGAIN: Span = Span::seconds(900);

/// The longest `ETag` that is kept.
const ETAG: usize = 256;

/// The file of documents that are the same for all, under a mirror's base URL.
const FILE: &str = "v1/common.json";

/// The URL of a mirror's file.
pub(super) fn common(base: &str) -> String {
    format!("{}/{FILE}", base.trim_end_matches('/'))
}

/// What an attempt looks at, and its URL.
#[derive(Debug)]
pub(super) enum Target {
    Probe(String),
    Mirror(String),
}

impl Target {
    pub(super) fn is_mirror(&self) -> bool {
        matches!(self, Target::Mirror(_))
    }

    pub(super) fn url(&self) -> &str {
        let (Target::Probe(url) | Target::Mirror(url)) = self;
        url
    }
}

#[derive(Debug)]
pub(super) struct Look {
    pub id: AttemptId,
    pub target: Target,
    pub since: Span,
    pub deadline: Span,
    /// Its documents are with the client; the deadline is no matter any more.
    pub importing: bool,
    pub etag: Option<String>,
}

/// What is to be looked at next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// Whether the network leads to this endpoint.
    Probe(usize),
    /// What a mirror has.
    Get,
}

/// What is known of the network and the mirrors, and shared by all clients of a ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Looks {
    /// The last round failed by the network.
    pub offline: bool,
    /// When the next probe is made.
    pub probe_at: Option<Span>,
    /// Probes that failed since then.
    probes: u32,
    /// A probe was answered, and its round is not over yet.
    hoped: bool,
    /// Rounds in a row that failed though a probe had been answered, as behind a portal.
    hopes: u32,
    /// When a mirror is asked next; none: at once.
    pub get_at: Option<Span>,
    got_at: Option<Span>,
    /// Mirrors in a row that gave nothing.
    get_failures: u32,
    /// The mirror that is asked next, counted from where chance began.
    turn: Option<usize>,
    /// Of each URL.
    pub etags: BTreeMap<String, String>,
}

impl Looks {
    /// The pause before the next probe, at most. Behind a network that answers probes and nothing else, no more than the pauses between rounds.
    pub(super) fn probe_most(&self, pause_most: Span) -> Span {
        let most = doubled(PROBE_MOST, self.hopes, pause_most);
        doubled(PROBE, self.probes.saturating_add(self.hopes), most)
    }

    pub(super) fn probe_failed(&mut self, pause_most: Span) -> Span {
        self.probes = self.probes.saturating_add(1);
        self.probe_most(pause_most)
    }

    pub(super) fn reached(&mut self) {
        (self.offline, self.hoped, self.probes) = (false, true, 0);
    }

    pub(super) fn online(&mut self) {
        (self.offline, self.hoped, self.probes, self.hopes, self.probe_at) = (false, false, 0, 0, None);
    }

    pub(super) fn round_failed(&mut self, outage: Outage, now: Span, share: f64) {
        if std::mem::take(&mut self.hoped) {
            self.hopes = self.hopes.saturating_add(1);
        }
        self.offline = outage == Outage::Network;
        (self.probes, self.probe_at) = (0, None);
        let soon = now + part(COMMON_SOON, share);
        let soon = self.got_at.map_or(soon, |got| soon.max(got + COMMON_AGAIN));
        // One that is put off already, as every mirror failed, is not hastened.
        if self.get_failures == 0 {
            self.get_at = self.get_at.map(|at| at.min(soon));
        }
    }

    /// The mirror that is asked now: one after the other, from where chance began.
    pub(super) fn mirror<'a>(&mut self, mirrors: &'a [String], share: f64) -> Option<&'a String> {
        let from = *self.turn.get_or_insert((mirrors.len() as f64 * share) as usize);
        mirrors.get(from % mirrors.len().max(1))
    }

    pub(super) fn got(&mut self, now: Span, share: f64) {
        (self.get_failures, self.got_at) = (0, Some(now));
        self.get_at = Some(now + part(COMMON, 0.9 + 0.2 * share));
    }

    /// The next one is asked at once; once none has given anything, all of them after growing pauses.
    pub(super) fn get_failed(&mut self, now: Span, mirrors: usize, share: f64) {
        self.turn = self.turn.map(|turn| turn.wrapping_add(1));
        self.get_failures = self.get_failures.saturating_add(1);
        let mirrors = u32::try_from(mirrors).unwrap_or(u32::MAX).max(1);
        let pause = match self.get_failures % mirrors {
            0 => part(doubled(COMMON_AGAIN, self.get_failures / mirrors, COMMON), 0.5 + 0.5 * share),
            _ => Span::ZERO,
        };
        self.get_at = Some(now + pause);
        self.got_at = Some(now);
    }

    /// Kept only where it can be sent as a header field.
    pub(super) fn keep_etag(&mut self, url: &str, etag: Option<String>) {
        self.etags.remove(url);
        let fits = |etag: &String| etag.len() <= ETAG && etag.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if let Some(etag) = etag.filter(fits) {
            self.etags.insert(url.to_owned(), etag);
        }
    }

    pub(super) fn forget_mirrors(&mut self) {
        (self.get_at, self.got_at) = (None, None);
        self.etags.clear();
    }

    pub(super) fn without_probes(&self) -> Looks {
        Looks { probe_at: None, probes: 0, ..self.clone() }
    }

    pub(super) fn is_first_probe(&self) -> bool {
        self.probes == 1
    }

    /// What somebody else says, within what is possible.
    pub(super) fn within(&self, now: Span, pause_most: Span, mirrors: &[String]) -> Looks {
        let mut looks = self.clone();
        looks.etags.retain(|url, _| mirrors.iter().any(|base| common(base) == *url));
        looks.probe_at = looks.probe_at.map(|at| at.min(now + pause_most));
        looks.get_at = looks.get_at.map(|at| at.min(now + part(COMMON, 1.1)));
        looks.got_at = looks.got_at.map(|at| at.min(now));
        looks
    }
}

/// The part `share` of a span.
fn part(span: Span, share: f64) -> Span {
    Span::nanos((span.as_nanos() as f64 * share) as i128)
}
