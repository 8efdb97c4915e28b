//! Alarms (rules A): recorded once for all products, with the instant at which each took effect.

use std::collections::BTreeMap;

use super::covers::Asked;
use super::decide::{Timeline, Verdict};
use super::event::{Alarm, Event};
use super::state::{Licence, Standing, State};
use crate::clock::trusted::Locks;
use crate::document::Lease;
use crate::terms::{Access, LicenseState};
use crate::time::{Instant, Span};

/// What the policy in force says of a feature's alarms (A1).
pub(super) struct Threshold<'a> {
    warn: &'a [Span],
    first_use: bool,
}

impl Threshold<'_> {
    /// A1: whether nothing has begun: a `first_use` tier, past `exp`, no first use, and no refusal that stands without it.
    pub fn quiet(&self, line: &Timeline<'_>, verdict: Verdict, at: Instant) -> bool {
        use LicenseState::{ClockLocked, Expired, Grace, LedgerLocked};
        self.first_use
            && line.subject.is_some_and(|subject| subject.first_use.is_none() && at >= subject.exp)
            && matches!(verdict.state, Grace | Expired | LedgerLocked | ClockLocked)
    }

    /// A1: the least threshold that is not below the runway.
    pub fn in_force(&self, runway: Option<Span>) -> Option<Span> {
        let runway = runway?;
        self.warn.iter().copied().filter(|warn| *warn >= runway).min()
    }

    /// The instants at which a standing may change: J1's, those at which a threshold comes into force, and the lease's end, where
    /// what has begun is asked differently.
    fn instants(&self, line: &Timeline<'_>) -> Vec<Instant> {
        let mut instants: Vec<Instant> = line.segments.iter().map(|(from, _)| *from).collect();
        let ends = line.segments.iter().filter(|(_, verdict)| verdict.access == Access::Denied).map(|(from, _)| *from);
        instants.extend(ends.flat_map(|end| self.warn.iter().map(move |warn| end - *warn)));
        instants.extend(line.subject.map(|subject| subject.exp));
        instants.sort_unstable();
        instants.dedup();
        instants
    }
}

/// A3: what a change of standing is called; nothing where it is none.
pub(super) fn alarms(old: Standing, new: Standing) -> Vec<Alarm> {
    let in_grace = |standing: Standing| standing.state == LicenseState::Grace;
    let mut alarms = Vec::new();
    if (old.access, old.state, old.reason) != (new.access, new.state, new.reason) || old.left != new.left {
        let eased = match (old.left, new.left) {
            (Some(_), None) => true,
            (Some(old), Some(new)) => new > old,
            _ => false,
        };
        match (in_grace(old), in_grace(new)) {
            (false, true) => alarms.push(Alarm::GraceStarted),
            (true, false) => alarms.push(Alarm::GraceEnded),
            (false, false) => alarms.push(Alarm::AccessChanged),
            (true, true) if (old.access, old.reason) != (new.access, new.reason) || eased => {
                alarms.push(Alarm::GraceChanged);
            }
            (true, true) => {}
        }
        if new.left.is_some_and(|new| old.left.is_none_or(|old| new < old)) {
            alarms.push(Alarm::GraceWarning);
        }
    }
    alarms
}

impl State {
    /// Every feature of every licence that has a standing.
    fn standings(&self) -> impl Iterator<Item = (&str, &Licence, &Lease, &str)> {
        self.licences.iter().flat_map(|(name, licence)| {
            licence.lease.iter().flat_map(move |lease| {
                licence.seen.iter().map(move |feature| (name.as_str(), licence, &*lease.says, feature.as_str()))
            })
        })
    }

    fn threshold(&self, sku: &str, feature: &str) -> Threshold<'_> {
        let tier = self.policy().and_then(|policy| policy.tier(sku, feature)).map(|(_, tier)| tier);
        Threshold {
            warn: tier.map_or(&[], |tier| &tier.warn),
            first_use: tier.is_some_and(|tier| tier.first_use_horizon.is_some()),
        }
    }

    /// A2: the changes of standing at the instants strictly between the last record's `t` and `now`, foretold from there with
    /// what was known and suspected then, in the order of instant, licence, feature.
    ///
    /// First uses are as at the last record: one that is void then stays void while it is foretold, or an alarm would tell of a
    /// denial that nobody met.
    ///
    /// With it the instant from `now` on until which nothing else falls due.
    pub(super) fn due(&self, locks: &Locks, now: Instant) -> (Vec<Event>, Option<Instant>) {
        let origin = self.t;
        if now <= origin {
            return (Vec::new(), Some(now));
        }
        let mut next = None;
        // Each instant's in the order of licence, feature, in which they are gone through.
        let mut changes: BTreeMap<Instant, Vec<Event>> = BTreeMap::new();
        for (name, licence, lease, feature) in self.standings() {
            let threshold = self.threshold(&lease.sku, feature);
            let first_use = licence.first_use(feature, origin);
            if first_use.is_none() && licence.first_uses.contains_key(feature) {
                // It is void as long as the time is before it.
                next = Some(now);
            }
            let line = self.timeline(Asked { name, licence, lease, feature, first_use }, locks, origin);
            let mut recorded = licence.standing(feature);
            let mut before = self.standing_at(&line, &threshold, origin);
            let instants = threshold.instants(&line);
            next = earlier(next, instants.iter().copied().find(|at| *at >= now));
            for at in instants.into_iter().filter(|at| *at > origin && *at < now) {
                let new = self.standing_at(&line, &threshold, at);
                if new != before && new != recorded {
                    changes.entry(at).or_default().extend(events(at, name, feature, recorded, new));
                    recorded = new;
                }
                before = new;
            }
        }
        (changes.into_values().flatten().collect(), next)
    }

    /// A2: whatever differs at `t` from what was recorded last, in the order of licence, feature.
    ///
    /// With it the instant after `t` until which nothing else does.
    pub(super) fn differing(&self, locks: &Locks, t: Instant) -> (Vec<Event>, Option<Instant>) {
        self.differing_of(self.standings(), locks, t)
    }

    /// The same for one feature.
    pub(super) fn one_differing(
        &self,
        license: &str,
        feature: &str,
        locks: &Locks,
        t: Instant,
    ) -> (Vec<Event>, Option<Instant>) {
        let one = self.licences.get_key_value(license).and_then(|(name, licence)| {
            Some((name.as_str(), licence, &*licence.lease.as_ref()?.says, licence.seen.get(feature)?.as_str()))
        });
        self.differing_of(one.into_iter(), locks, t)
    }

    fn differing_of<'a>(
        &'a self,
        standings: impl Iterator<Item = (&'a str, &'a Licence, &'a Lease, &'a str)>,
        locks: &Locks,
        t: Instant,
    ) -> (Vec<Event>, Option<Instant>) {
        let (mut changes, mut next) = (Vec::new(), None);
        for (name, licence, lease, feature) in standings {
            let threshold = self.threshold(&lease.sku, feature);
            let first_use = licence.first_use(feature, t);
            let line = self.timeline(Asked { name, licence, lease, feature, first_use }, locks, t);
            next = earlier(next, threshold.instants(&line).into_iter().find(|at| *at > t));
            changes.extend(events(t, name, feature, licence.standing(feature), self.standing_at(&line, &threshold, t)));
        }
        (changes, next)
    }
}

pub(super) fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

fn events(at: Instant, license: &str, feature: &str, old: Standing, new: Standing) -> Vec<Event> {
    alarms(old, new)
        .into_iter()
        .map(|alarm| Event::Changed {
            alarm,
            at,
            license: license.to_owned(),
            feature: feature.to_owned(),
            standing: new,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terms::Reason;

    fn grace(access: Access, reason: Reason, left: Option<i64>) -> Standing {
        Standing { access, state: LicenseState::Grace, reason: Some(reason), left: left.map(Span::seconds) }
    }

    #[test]
    fn a3_names_of_changes() {
        use Alarm::*;
        let first = Standing::FIRST;
        let expired = Standing { access: Access::Denied, state: LicenseState::Expired, reason: None, left: None };
        let network = grace(Access::Full, Reason::Network, None);
        let limited = grace(Access::Limited, Reason::Network, None);
        let late = grace(Access::Full, Reason::Network, Some(3600));
        let early = grace(Access::Full, Reason::Network, Some(86_400));
        for (old, new, names) in [
            (first, first, vec![]),
            (first, network, vec![GraceStarted]),
            (first, late, vec![GraceStarted, GraceWarning]),
            (network, expired, vec![GraceEnded]),
            (first, expired, vec![AccessChanged]),
            (network, limited, vec![GraceChanged]),
            (network, early, vec![GraceWarning]),
            (early, late, vec![GraceWarning]),
            (late, early, vec![GraceChanged]),
            (late, network, vec![GraceChanged]),
            (limited, late, vec![GraceChanged, GraceWarning]),
        ] {
            assert_eq!(alarms(old, new), names, "{old:?} {new:?}");
        }
    }

    #[test]
    fn a1_the_least_threshold_not_below_the_runway() {
        let warn = [Span::seconds(86_400), Span::seconds(3600)];
        let threshold = Threshold { warn: &warn, first_use: false };
        assert_eq!(threshold.in_force(Some(Span::seconds(86_401))), None);
        assert_eq!(threshold.in_force(Some(Span::seconds(86_400))), Some(Span::seconds(86_400)));
        assert_eq!(threshold.in_force(Some(Span::seconds(3600))), Some(Span::seconds(3600)));
        assert_eq!(threshold.in_force(None), None);
    }
}
