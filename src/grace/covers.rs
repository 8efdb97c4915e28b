//! What grants grace: covers (rules G1 to G9).

use super::intervals::Intervals;
use super::state::{Adopted, Licence, State};
use crate::document::{Lease, Notice, Ruling};
use crate::policy::{Budget, Rule, Tier};
use crate::terms::{Access, Outage, Reason, scope_matches};
use crate::time::Instant;

/// An interval `[start, end)` in which one reason grants grace.
#[derive(Clone, Debug, PartialEq)]
pub struct Cover<'a> {
    /// When it begins.
    pub start: Instant,
    /// When it ends.
    pub end: Instant,
    /// What grants it.
    pub reason: Reason,
    /// Whether the budget is charged for it.
    pub counts: bool,
    /// By what right.
    pub source: Source<'a>,
}

/// By what right a cover holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Source<'a> {
    /// A rule of a tier, and for maintenance the notice.
    Rule {
        /// The policy's version.
        version: u64,
        /// The tier's name.
        tier: &'a str,
        /// The rule.
        rule: &'a Rule,
        /// The notice's id.
        notice: Option<&'a str>,
    },
    /// An extension.
    Extension {
        /// When it was issued.
        iat: Instant,
        /// What it grants.
        access: Access,
    },
}

impl Cover<'_> {
    /// Whether it holds at an instant.
    pub fn holds(&self, at: Instant) -> bool {
        self.start <= at && at < self.end
    }

    /// G6: the access that it gives at an instant at which it holds, and its stage, counting from 0.
    pub fn access(&self, at: Instant) -> (usize, Access) {
        match &self.source {
            Source::Rule { rule, .. } => rule.stage_at(at - self.start),
            Source::Extension { access, .. } => (0, *access),
        }
    }

    /// The instants within it at which its access may change.
    pub fn boundaries(&self) -> impl Iterator<Item = Instant> + '_ {
        let stages = match &self.source {
            Source::Rule { rule, .. } => rule.stages.as_slice(),
            Source::Extension { .. } => &[],
        };
        let within = stages.iter().map(|stage| self.start + stage.after).filter(|at| *at < self.end);
        [self.start, self.end].into_iter().chain(within)
    }
}

/// D3: when a notice ends. None: it was cancelled before its start, and gives no cover.
fn notice_end(notice: &Notice) -> Option<Instant> {
    match notice.cancelled {
        true if notice.iat < notice.start => None,
        true => Some(notice.end.min(notice.iat)),
        false => Some(notice.end),
    }
}

/// What is asked about: one feature of one licence, and its first use (G2), as of some moment.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub name: &'a str,
    pub licence: &'a Licence,
    pub lease: &'a Lease,
    pub feature: &'a str,
    pub first_use: Option<Instant>,
}

/// The same where the lease names the feature: it ends at `exp`.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub name: &'a str,
    pub licence: &'a Licence,
    pub lease: &'a Lease,
    pub feature: &'a str,
    pub first_use: Option<Instant>,
    pub exp: Instant,
}

impl<'a> Asked<'a> {
    /// None if the lease does not name the feature (J1.1).
    pub fn entitled(self) -> Option<Subject<'a>> {
        let Asked { name, licence, lease, feature, first_use } = self;
        lease.features.get(feature).map(|exp| Subject { name, licence, lease, feature, first_use, exp: *exp })
    }
}

impl State {
    /// G9: the policy in force at `exp` and every one adopted since, but none before the one in force when the licence's newest
    /// lease was accepted.
    fn policies_since(&self, licence: &Licence, exp: Instant) -> impl Iterator<Item = &Adopted> {
        let by_exp = self.policies.iter().rev().find(|adopted| adopted.t <= exp).map(|adopted| adopted.ordinal);
        let first = licence.policy.max(by_exp);
        self.policies.iter().filter(move |adopted| first.is_none_or(|first| adopted.ordinal >= first))
    }

    fn notices_in_scope<'a>(&'a self, subject: Subject<'a>) -> impl Iterator<Item = (&'a Notice, Instant)> {
        self.notices
            .values()
            .map(|held| &*held.says)
            .filter(move |n| n.skus.is_empty() || n.skus.contains(&subject.lease.sku))
            .filter(move |n| scope_matches(&n.features, subject.feature))
            .filter_map(|n| notice_end(n).map(|end| (n, end)))
    }

    fn rulings_in_scope<'a>(&'a self, name: &'a str, feature: &'a str) -> impl Iterator<Item = &'a Ruling> {
        self.rulings
            .iter()
            .map(|held| &*held.says)
            .filter(move |r| r.license == name && scope_matches(&r.features, feature))
    }

    /// Every cover of a feature, whether it holds or not.
    pub(super) fn covers<'a>(&'a self, subject: Subject<'a>) -> Vec<Cover<'a>> {
        let mut covers = Vec::new();
        for adopted in self.policies_since(subject.licence, subject.exp) {
            if let Some((tier_name, tier)) = adopted.policy().tier(&subject.lease.sku, subject.feature) {
                self.tier_covers(&mut covers, subject, adopted.policy().version, tier_name, tier);
            }
        }
        // G5: needs no tier, and never counts.
        for held in &self.extensions {
            let extension = &*held.says;
            if extension.license == subject.name && scope_matches(&extension.features, subject.feature) {
                covers.push(Cover {
                    start: subject.exp.max(extension.iat),
                    end: extension.until,
                    reason: Reason::Extension,
                    counts: false,
                    source: Source::Extension { iat: extension.iat, access: extension.access },
                });
            }
        }
        covers.retain(|cover| cover.start < cover.end);
        covers
    }

    fn tier_covers<'a>(
        &'a self,
        covers: &mut Vec<Cover<'a>>,
        subject: Subject<'a>,
        version: u64,
        tier_name: &'a str,
        tier: &'a Tier,
    ) {
        let exp = subject.exp;
        // G2: the start, and where a horizon cuts.
        let (start, cut) = match tier.first_use_horizon {
            Some(horizon) => (subject.first_use.unwrap_or(exp), Some(exp + horizon)),
            None => (exp, None),
        };
        let source = |rule, notice| Source::Rule { version, tier: tier_name, rule, notice };
        let mut add = |mut cover: Cover<'a>| {
            if let (true, Some(budget)) = (cover.counts, &tier.budget) {
                let left = budget.limit - self.charged(subject, tier, budget, cover.start).total();
                cover.end = cover.end.min(cover.start + left);
            }
            covers.push(cover);
        };
        // G3: evidence is not dated, it covers from the start.
        let evidenced = |outage| subject.licence.evidence.contains_key(&outage);
        for (reason, rule) in [
            (Reason::Network, tier.network.as_ref().filter(|_| evidenced(Outage::Network))),
            (Reason::Server, tier.server.as_ref().filter(|_| evidenced(Outage::Server))),
            (Reason::Unknown, tier.unknown.as_ref()),
        ] {
            if let Some(rule) = rule {
                let end = start + rule.allowance;
                let end = cut.map_or(end, |cut| end.min(cut));
                add(Cover { start, end, reason, counts: rule.counts, source: source(rule, None) });
            }
        }
        // G4.
        if let Some(rule) = &tier.maintenance {
            for (notice, end) in self.notices_in_scope(subject) {
                let begin = start.max(notice.start);
                add(Cover {
                    start: begin,
                    end: (end + rule.margin).min(begin + rule.allowance),
                    reason: Reason::Maintenance,
                    counts: rule.counts,
                    source: source(rule, Some(notice.id.as_str())),
                });
            }
        }
    }

    /// G7: what was charged in the window before `start`, less what rulings void and, where the tier lists maintenance and it does
    /// not count, less what lies in notices in scope, whenever they came.
    fn charged(&self, subject: Subject<'_>, tier: &Tier, budget: &Budget, start: Instant) -> Intervals {
        let Some(charges) = subject.licence.charges.get(subject.feature) else { return Intervals::default() };
        let mut charged = charges.within(start - budget.window, start);
        for ruling in self.rulings_in_scope(subject.name, subject.feature) {
            if let Some((from, to)) = ruling.void {
                charged.remove(from, to);
            }
        }
        if tier.maintenance.as_ref().is_some_and(|rule| !rule.counts) {
            for (notice, end) in self.notices_in_scope(subject) {
                charged.remove(notice.start, end);
            }
        }
        charged
    }

    /// G8: what a feature is charged for when its licence's lease is replaced: its counting covers within `[first use, proven)`,
    /// less where a cover that does not count held.
    pub(super) fn charge(&self, subject: Subject<'_>, first_use: Instant, proven: Instant) -> Intervals {
        let covers = self.covers(subject);
        let mut charge = Intervals::default();
        for cover in covers.iter().filter(|cover| cover.counts) {
            charge.insert(cover.start.max(first_use), cover.end.min(proven));
        }
        for cover in covers.iter().filter(|cover| !cover.counts) {
            charge.remove(cover.start, cover.end);
        }
        charge
    }
}
