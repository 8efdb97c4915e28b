//! The decision (rules J1 to J4).

use super::alarms::Threshold;
use super::covers::{Asked, Cover, Source, Subject};
use super::state::{Licence, Standing, State};
use crate::clock::trusted::{Anchor, Locks};
use crate::document::Lease;
use crate::terms::{Access, ClockStanding, LedgerStanding, LicenseState, Outage, Reason, scope_matches};
use crate::time::Instant;

/// The moment that a decision is for.
#[derive(Clone, Copy, Debug)]
pub struct Now<'a> {
    /// The time, by rule C2 or C3.
    pub t: Instant,
    /// What the reading said of the clock.
    pub clock: ClockStanding,
    /// What is remembered of time.
    pub anchor: &'a Anchor,
}

/// What a product asked, and the answer. Times are UTC.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The time that it was decided at.
    pub t: Instant,
    /// The product.
    pub sku: String,
    /// The feature.
    pub feature: String,
    /// What it may do.
    pub access: Access,
    /// By which rule of J1. None if access is unknown.
    pub state: Option<LicenseState>,
    /// What grants grace, in grace.
    pub reason: Option<Reason>,
    /// J3: the next instant at which access, state or reason changes if nothing else arrives.
    pub until: Option<Instant>,
    /// J3: the first later instant at which access is denied, if it is not now.
    pub ends: Option<Instant>,
    /// What is known against the clock.
    pub clock: ClockStanding,
    /// What is known against the ledger.
    pub ledger: LedgerStanding,
    /// The licence that answers.
    pub license: Option<String>,
    /// When the lease itself ends: grace is what comes after.
    pub lease_end: Option<Instant>,
    /// What else there is to say of the ledger that it was read from.
    pub flags: Flags,
    /// Why.
    pub why: Explanation,
}

impl Decision {
    /// Whether access is limited or full. That it is not does not say that it is denied.
    pub fn allowed(&self) -> bool {
        self.access >= Access::Limited
    }

    /// What is answered where nothing could be decided, and why: no refusal.
    pub fn unknown(t: Instant, sku: &str, feature: &str, trouble: String) -> Decision {
        Decision {
            t,
            sku: sku.to_owned(),
            feature: feature.to_owned(),
            access: Access::Unknown,
            state: None,
            reason: None,
            until: None,
            ends: None,
            clock: ClockStanding::Ok,
            ledger: LedgerStanding::Ok,
            license: None,
            lease_end: None,
            flags: Flags::default(),
            why: Explanation { rule: "unknown", trouble: Some(trouble), ..Explanation::default() },
        }
    }
}

/// What a decision says of the ledger that it was read from, beside its standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Flags {
    /// The ledger lies in memory and ends with the process.
    pub in_memory: bool,
    /// A newer release wrote what this one does not know; nothing is appended.
    pub newer: bool,
    /// The ledger is a drill's.
    pub drill: bool,
    /// The ledger cannot be read or written at the moment; the decision rests on what was read before.
    pub detached: bool,
}

impl Flags {
    /// As the C ABI has them.
    pub fn bits(self) -> u32 {
        u32::from(self.in_memory)
            | u32::from(self.newer) << 1
            | u32::from(self.drill) << 2
            | u32::from(self.detached) << 3
    }

    /// From the numbers of the C ABI.
    pub fn from_bits(bits: u32) -> Flags {
        let is = |bit: u32| bits & bit != 0;
        Flags { in_memory: is(1), newer: is(2), drill: is(4), detached: is(8) }
    }
}

/// Why a decision is as it is.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Explanation {
    /// The rule of the semantics that decided, such as `J1.7`.
    pub rule: &'static str,
    /// The cover that holds, in grace.
    pub cover: Option<Holds>,
    /// G1: what was reported since the licence's newest lease.
    pub evidence: Vec<Evidence>,
    /// What ends a lock, a suspicion or a denial; each works without the others.
    pub ways_out: Vec<WayOut>,
    /// Why access is unknown, in words: what happened, and what to do.
    pub trouble: Option<String>,
}

/// G1: a report that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Of what.
    pub outage: Outage,
    /// When it was reported first.
    pub since: Instant,
}

/// The cover that holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Holds {
    /// What grants it.
    pub reason: Reason,
    /// When it began.
    pub start: Instant,
    /// When it ends.
    pub end: Instant,
    /// Its stage, counting from 0.
    pub stage: usize,
    /// Whether the budget is charged for it.
    pub counts: bool,
    /// The version of the policy that grants it.
    pub policy: Option<u64>,
    /// The tier that grants it.
    pub tier: Option<String>,
    /// The notice that it rests on.
    pub notice: Option<String>,
}

/// What ends a lock, a suspicion or a denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WayOut {
    /// C6: a renewal that the authority answers, or a lease by file where no lock holds.
    Renew,
    /// C2: put the machine's date right.
    SetClock,
    /// D6: a ruling that clears the clock; it can come as a file.
    RulingClock,
    /// D6: a ruling that clears the ledger; it can come as a file.
    RulingLedger,
    /// L5: open the ledger on its own machine again.
    GoHome,
    /// D4: an extension by support; it can come as a file.
    Extension,
    /// D1: a lease, which can come as a file.
    LeaseByFile,
}

impl WayOut {
    /// A stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            WayOut::Renew => "renew",
            WayOut::SetClock => "set_clock",
            WayOut::RulingClock => "ruling_clock",
            WayOut::RulingLedger => "ruling_ledger",
            WayOut::GoHome => "go_home",
            WayOut::Extension => "extension",
            WayOut::LeaseByFile => "lease_by_file",
        }
    }

    /// What to do, in plain words.
    pub const fn text(self) -> &'static str {
        match self {
            WayOut::Renew => "Renew the licence: connect to the licence server.",
            WayOut::SetClock => "Set this machine's date and time right.",
            WayOut::RulingClock => "Appeal to the vendor: a ruling that clears the clock can come as a file.",
            WayOut::RulingLedger => "Appeal to the vendor: a ruling that clears the ledger can come as a file.",
            WayOut::GoHome => "Open the product on the machine that the ledger belongs to.",
            WayOut::LeaseByFile => "Import a lease from the vendor that came as a file.",
            WayOut::Extension => "Ask the vendor's support for an extension: it can come as a file.",
        }
    }
}

/// What J1 says at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub access: Access,
    pub state: LicenseState,
    pub reason: Option<Reason>,
}

impl Verdict {
    const fn denied(state: LicenseState) -> Verdict {
        Verdict { access: Access::Denied, state, reason: None }
    }

    /// J2: the better sorts first.
    fn rank(&self) -> impl Ord + use<> {
        (std::cmp::Reverse(self.access), self.state, self.reason)
    }

    fn rule(&self) -> &'static str {
        match self.state {
            LicenseState::Unlicensed => "J1",
            LicenseState::NotEntitled => "J1.1",
            LicenseState::Revoked => "J1.2",
            LicenseState::LedgerLocked => "J1.6",
            LicenseState::Licensed => "J1.4",
            LicenseState::ClockLocked => "J1.5",
            LicenseState::Grace => "J1.7",
            LicenseState::Expired => "J1.8",
        }
    }
}

/// What J1 says of one feature of one licence from an instant on, if nothing else arrives, the clock runs true and the
/// present suspicions last.
pub(super) struct Timeline<'a> {
    pub subject: Option<Subject<'a>>,
    pub covers: Vec<Cover<'a>>,
    /// The first from the origin on; each differs from the one before.
    pub segments: Vec<(Instant, Verdict)>,
}

impl Timeline<'_> {
    pub fn at(&self, instant: Instant) -> Verdict {
        let after = self.segments.partition_point(|(from, _)| *from <= instant);
        self.segments[after.max(1) - 1].1
    }

    /// J3's `ends`, as of an instant: none if access is denied then, or never is.
    pub fn ends(&self, instant: Instant) -> Option<Instant> {
        if self.at(instant).access == Access::Denied {
            return None;
        }
        self.segments.iter().find(|(from, v)| *from > instant && v.access == Access::Denied).map(|(from, _)| *from)
    }
}

impl State {
    /// J1 for one licence, from `origin` on.
    pub(super) fn timeline<'a>(&'a self, asked: Asked<'a>, locks: &Locks, origin: Instant) -> Timeline<'a> {
        let Some(subject) = asked.entitled() else {
            let denied = Verdict::denied(LicenseState::NotEntitled);
            return Timeline { subject: None, covers: Vec::new(), segments: vec![(origin, denied)] };
        };
        let covers = self.covers(subject);
        // D5: revocations reach leases that are not newer than they are.
        let revoked = self
            .revocations
            .iter()
            .map(|held| &*held.says)
            .filter(|r| {
                r.license == asked.name && r.iat >= asked.lease.iat && scope_matches(&r.features, asked.feature)
            })
            .map(|r| r.effective)
            .min();
        let mut instants: Vec<Instant> = covers.iter().flat_map(Cover::boundaries).collect();
        instants.extend([Some(subject.exp), revoked, locks.clock, locks.ledger, locks.place].into_iter().flatten());
        instants.retain(|at| *at > origin);
        instants.push(origin);
        instants.sort_unstable();
        instants.dedup();
        let mut segments: Vec<(Instant, Verdict)> = Vec::new();
        for at in instants {
            let verdict = verdict(&covers, subject.exp, revoked, locks, at);
            if segments.last().is_none_or(|(_, last)| *last != verdict) {
                segments.push((at, verdict));
            }
        }
        Timeline { subject: Some(subject), covers, segments }
    }

    /// The decision for a SKU and feature (J1 to J3), as a check at `now` would answer, recording nothing. With it the licence
    /// whose first use (G2) such a check would record.
    pub fn decide<'a>(&'a self, now: Now<'_>, sku: &str, feature: &'a str) -> (Decision, Option<&'a str>) {
        let locks = self.locks(now.anchor, now.t);
        let licences: Vec<(&str, &Licence, &Lease)> = self
            .licences
            .iter()
            .filter_map(|(name, licence)| Some((name.as_str(), licence, &*licence.lease.as_ref()?.says)))
            .filter(|(_, _, lease)| lease.sku == sku)
            .collect();
        let line = |&(name, licence, lease): &(&'a str, &'a Licence, &'a Lease), first_use| {
            self.timeline(Asked { name, licence, lease, feature, first_use }, &locks, now.t)
        };
        // G2: each licence is judged as if it were its first use; the one that answers with grace has it.
        let trial: Vec<Timeline<'_>> =
            licences.iter().map(|of| line(of, of.1.first_use(feature, now.t).or(Some(now.t)))).collect();
        let winner = best(&trial, now.t);
        let used = winner
            .filter(|at| trial[*at].at(now.t).state == LicenseState::Grace)
            .filter(|at| licences[*at].1.first_use(feature, now.t).is_none())
            .filter(|at| trial[*at].subject.is_some_and(|subject| subject.exp <= now.t));
        // The decision is made with what is recorded then, so the other licences are foretold by `exp`.
        let lines: Vec<Timeline<'_>> = licences
            .iter()
            .enumerate()
            .map(|(at, of)| line(of, of.1.first_use(feature, now.t).or((used == Some(at)).then_some(now.t))))
            .collect();
        let decision = self.combine(now, sku, feature, &lines);
        (decision, used.map(|at| licences[at].0))
    }

    /// J2 and J3 over the licences of a SKU.
    fn combine(&self, now: Now<'_>, sku: &str, feature: &str, lines: &[Timeline<'_>]) -> Decision {
        let t = now.t;
        let suspicions = &now.anchor.suspicions;
        let ledger = if suspicions.place.is_some() {
            LedgerStanding::Moved
        } else if suspicions.ledger.is_some() {
            LedgerStanding::Suspect
        } else {
            LedgerStanding::Ok
        };
        let at = |instant| {
            best(lines, instant).map_or(Verdict::denied(LicenseState::Unlicensed), |line| lines[line].at(instant))
        };
        let verdict = at(t);
        let mut later: Vec<Instant> = lines
            .iter()
            .flat_map(|line| line.segments.iter().map(|(from, _)| *from))
            .filter(|from| *from > t)
            .collect();
        later.sort_unstable();
        later.dedup();
        let until = later.iter().copied().find(|instant| at(*instant) != verdict);
        let ends = match verdict.access {
            Access::Denied => None,
            _ => later.iter().copied().find(|instant| at(*instant).access == Access::Denied),
        };
        let line = best(lines, t).map(|line| &lines[line]);
        let subject = line.and_then(|line| line.subject);
        Decision {
            t,
            sku: sku.to_owned(),
            feature: feature.to_owned(),
            access: verdict.access,
            state: Some(verdict.state),
            reason: verdict.reason,
            until,
            ends,
            clock: now.clock,
            ledger,
            license: subject.map(|subject| subject.name.to_owned()),
            lease_end: subject.map(|subject| subject.exp),
            flags: Flags::default(),
            why: explain(now, verdict, line, &self.locks(now.anchor, t)),
        }
    }

    /// C8, by the policy in force.
    pub(super) fn locks(&self, anchor: &Anchor, t: Instant) -> Locks {
        anchor.locks(t, &self.clock_rules(), &self.ledger_rules())
    }

    /// A1: the standing of a feature of a licence at an instant of its timeline.
    pub(super) fn standing_at(&self, line: &Timeline<'_>, threshold: &Threshold<'_>, at: Instant) -> Standing {
        let verdict = line.at(at);
        if threshold.quiet(line, verdict, at) {
            return Standing::FIRST;
        }
        let left = match verdict.state {
            LicenseState::Grace => threshold.in_force(line.ends(at).map(|ends| ends - at)),
            _ => None,
        };
        Standing { access: verdict.access, state: verdict.state, reason: verdict.reason, left }
    }
}

/// J1, at one instant.
fn verdict(covers: &[Cover<'_>], exp: Instant, revoked: Option<Instant>, locks: &Locks, at: Instant) -> Verdict {
    let reached = |lock: Option<Instant>| lock.is_some_and(|lock| lock <= at);
    if reached(revoked) {
        return Verdict::denied(LicenseState::Revoked);
    }
    if reached(locks.place) {
        return Verdict::denied(LicenseState::LedgerLocked);
    }
    if at < exp {
        return Verdict { access: Access::Full, state: LicenseState::Licensed, reason: None };
    }
    if reached(locks.clock) {
        return Verdict::denied(LicenseState::ClockLocked);
    }
    if reached(locks.ledger) {
        return Verdict::denied(LicenseState::LedgerLocked);
    }
    holding(covers, at).map_or(Verdict::denied(LicenseState::Expired), |cover| Verdict {
        access: cover.access(at).1,
        state: LicenseState::Grace,
        reason: Some(cover.reason),
    })
}

/// G6: among the covers that hold, the best access wins, then the reason's order; then, as it makes no difference to the
/// decision, the one that holds longest.
fn holding<'a, 'c>(covers: &'c [Cover<'a>], at: Instant) -> Option<&'c Cover<'a>> {
    covers
        .iter()
        .filter(|cover| cover.holds(at))
        .min_by_key(|cover| (std::cmp::Reverse(cover.access(at).1), cover.reason, std::cmp::Reverse(cover.end)))
}

/// J2: which licence answers. Lines are in the order of their licences' names, and the first of equals wins.
fn best(lines: &[Timeline<'_>], at: Instant) -> Option<usize> {
    (0..lines.len()).min_by_key(|line| lines[*line].at(at).rank())
}

fn explain(now: Now<'_>, verdict: Verdict, line: Option<&Timeline<'_>>, locks: &Locks) -> Explanation {
    let suspicions = &now.anchor.suspicions;
    let mut rule = verdict.rule();
    let mut ways_out = Vec::new();
    if suspicions.clock.is_some() {
        ways_out.extend([WayOut::SetClock, WayOut::RulingClock]);
    }
    if suspicions.place.is_some() {
        ways_out.push(WayOut::GoHome);
    }
    if verdict.state == LicenseState::LedgerLocked && locks.place.is_some_and(|lock| lock <= now.t) {
        rule = "J1.3";
    }
    if suspicions.place.is_some() || suspicions.ledger.is_some() {
        ways_out.push(WayOut::RulingLedger);
    }
    if verdict.state != LicenseState::Licensed || !ways_out.is_empty() {
        ways_out.push(WayOut::Renew);
    }
    use LicenseState::{Expired, NotEntitled, Revoked, Unlicensed};
    if matches!(verdict.state, Unlicensed | NotEntitled | Revoked | Expired) {
        ways_out.push(WayOut::LeaseByFile);
    }
    if verdict.state == Expired {
        ways_out.push(WayOut::Extension);
    }
    let subject = line.and_then(|line| line.subject);
    let cover = line.filter(|_| verdict.state == LicenseState::Grace).and_then(|line| holding(&line.covers, now.t));
    Explanation {
        rule,
        cover: cover.map(|cover| {
            let (policy, tier, notice) = match &cover.source {
                Source::Rule { version, tier, notice, .. } => (Some(*version), Some(*tier), *notice),
                Source::Extension { .. } => (None, None, None),
            };
            Holds {
                reason: cover.reason,
                start: cover.start,
                end: cover.end,
                stage: cover.access(now.t).0,
                counts: cover.counts,
                policy,
                tier: tier.map(str::to_owned),
                notice: notice.map(str::to_owned),
            }
        }),
        evidence: subject
            .map(|s| {
                s.licence.evidence.iter().map(|(outage, since)| Evidence { outage: *outage, since: *since }).collect()
            })
            .unwrap_or_default(),
        ways_out,
        trouble: None,
    }
}
