//! What a new policy changes for whom, before it is published: licence by licence, feature by feature, reason by reason.
//!
//! A ledger's outage goes on by the policy that it began with (rule G9); this is about outages to come.

use std::collections::{BTreeMap, BTreeSet};

use reprieve::policy::{Budget, Moved, Policy, Rule, Tier};
use reprieve::terms::Access;
use reprieve::time::Span;
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::Licence;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct Difference {
    /// `network`, `server`, `unknown`, `maintenance`; none where it is about all of them.
    pub reason: Option<&'static str>,
    /// What: `allowance`, `stages`, `margin`, `budget`, `warn`, `first_use_horizon`, `counts`, or a key of the whole policy.
    pub what: &'static str,
    /// As it is.
    pub before: String,
    /// As it will be.
    pub after: String,
    /// Whether whoever it is for fares worse.
    pub worse: bool,
}

/// What changes for the features of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Group {
    /// The product.
    pub sku: String,
    /// The feature.
    pub feature: String,
    /// The tier that it has.
    pub tier_before: Option<String>,
    /// The tier that it will have.
    pub tier_after: Option<String>,
    /// The differences.
    pub differences: Vec<Difference>,
    /// How many licences have it.
    pub licenses: u64,
}

/// A licence that would fare worse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Loser {
    /// The licence.
    pub license: String,
    /// Whose it is.
    pub customer: String,
    /// The product.
    pub sku: String,
    /// The features for which it would.
    pub features: Vec<String>,
}

/// What a new policy changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Comparison {
    /// The version in force; none if there is none.
    pub before: Option<u64>,
    /// The version that would be.
    pub after: u64,
    /// What changes for all: the clock, the ledger, governance.
    pub general: Vec<Difference>,
    /// What changes by product and feature.
    pub groups: Vec<Group>,
    /// The licences that would fare worse, by their ids; the first 10,000.
    pub worse: Vec<Loser>,
    /// How many would.
    pub worse_count: u64,
    /// How many licences were looked at.
    pub licenses: u64,
}

/// The most licences that are named.
const NAMED: usize = 10_000;

/// Compares two policies, and goes through licences one by one.
#[derive(Debug)]
pub struct Comparing<'a> {
    before: Option<&'a Policy>,
    after: &'a Policy,
    groups: BTreeMap<(String, String), Group>,
    result: Comparison,
}

fn span(span: Span) -> String {
    span.to_string()
}

fn none<T>(value: Option<T>, text: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| "none".to_owned(), text)
}

/// The access that a rule gives at an age; without a rule, and beyond the allowance, none.
fn access(rule: Option<&Rule>, age: Span) -> Access {
    match rule {
        Some(rule) if age < rule.allowance => rule.stage_at(age).1,
        _ => Access::Denied,
    }
}

fn stages(rule: Option<&Rule>) -> String {
    none(rule, |rule| {
        let each: Vec<String> = rule.stages.iter().map(|one| format!("{} from {}", one.access, one.after)).collect();
        each.join(", ")
    })
}

fn of_rule(reason: &'static str, before: Option<&Rule>, after: Option<&Rule>, out: &mut Vec<Difference>) {
    let mut differ = |what: &'static str, before: String, after: String, worse: bool| {
        if before != after {
            out.push(Difference { reason: Some(reason), what, before, after, worse });
        }
    };
    let allowance = |rule: Option<&Rule>| rule.map_or(Span::ZERO, |rule| rule.allowance);
    let (old, new) = (allowance(before), allowance(after));
    differ("allowance", span(old), span(new), new < old);
    // Where the access that is given changes, up to the end of the shorter allowance; the rest is the allowance's own difference.
    let ages: BTreeSet<Span> =
        [before, after].into_iter().flatten().flat_map(|rule| rule.stages.iter().map(|stage| stage.after)).collect();
    let shorter = old.min(new);
    let mut within = ages.into_iter().filter(|age| *age < shorter);
    if before.is_some() && after.is_some() {
        differ("stages", stages(before), stages(after), within.any(|age| access(after, age) < access(before, age)));
    }
    let margin = |rule: Option<&Rule>| rule.map_or(Span::ZERO, |rule| rule.margin);
    if reason == "maintenance" {
        differ("margin", span(margin(before)), span(margin(after)), margin(after) < margin(before));
    }
    if let (Some(before), Some(after)) = (before, after) {
        differ("counts", before.counts.to_string(), after.counts.to_string(), after.counts && !before.counts);
    }
}

fn of_tier(before: Option<&Tier>, after: Option<&Tier>) -> Vec<Difference> {
    let mut out = Vec::new();
    let empty = Tier::default();
    let (before, after) = (before.unwrap_or(&empty), after.unwrap_or(&empty));
    type Of = fn(&Tier) -> Option<&Rule>;
    let rules: [(&'static str, Of); 4] = [
        ("network", |tier| tier.network.as_ref()),
        ("server", |tier| tier.server.as_ref()),
        ("unknown", |tier| tier.unknown.as_ref()),
        ("maintenance", |tier| tier.maintenance.as_ref()),
    ];
    for (reason, rule) in rules {
        of_rule(reason, rule(before), rule(after), &mut out);
    }
    let mut differ = |what: &'static str, before: String, after: String, worse: bool| {
        if before != after {
            out.push(Difference { reason: None, what, before, after, worse });
        }
    };
    let budget = |budget: &Option<Budget>| none(budget.as_ref(), |one| format!("{} in {}", one.limit, one.window));
    let worse = match (&before.budget, &after.budget) {
        // As much in a longer window is less.
        (Some(old), Some(new)) => new.limit < old.limit || new.window > old.window,
        (None, new) => new.is_some(),
        (Some(_), None) => false,
    };
    differ("budget", budget(&before.budget), budget(&after.budget), worse);
    let warn = |tier: &Tier| {
        let each: Vec<String> = tier.warn.iter().map(|one| one.to_string()).collect();
        if each.is_empty() { "none".to_owned() } else { each.join(", ") }
    };
    // Whoever is warned later than before, or fewer times, fares worse.
    let later = after.warn.iter().max() < before.warn.iter().max() || after.warn.len() < before.warn.len();
    differ("warn", warn(before), warn(after), later);
    let horizon = |tier: &Tier| none(tier.first_use_horizon, span);
    let longest = [&after.network, &after.server, &after.unknown, &after.maintenance].into_iter().flatten();
    let longest = longest.map(|rule| rule.allowance).max().unwrap_or(Span::ZERO);
    let worse = match (before.first_use_horizon, after.first_use_horizon) {
        (Some(old), Some(new)) => new < old,
        (Some(_), None) => true,
        // From the lease's end on, an allowance ended no later than a horizon of its length does.
        (None, Some(new)) => new < longest,
        (None, None) => false,
    };
    differ("first_use_horizon", horizon(before), horizon(after), worse);
    out
}

fn general(before: &Policy, after: &Policy) -> Vec<Difference> {
    let mut out = Vec::new();
    let mut spans = |what: &'static str, old: Span, new: Span, worse: bool| {
        if old != new {
            out.push(Difference { reason: None, what, before: span(old), after: span(new), worse });
        }
    };
    let (old, new) = (&before.clock, &after.clock);
    spans("clock.tolerance", old.tolerance, new.tolerance, new.tolerance < old.tolerance);
    spans("clock.max_leap", old.max_leap, new.max_leap, new.max_leap < old.max_leap);
    spans("clock.settle", old.settle, new.settle, new.settle > old.settle);
    spans("clock.suspect_limit", old.suspect_limit, new.suspect_limit, new.suspect_limit < old.suspect_limit);
    let (old, new) = (&before.ledger, &after.ledger);
    spans("ledger.suspect_limit", old.suspect_limit, new.suspect_limit, new.suspect_limit < old.suspect_limit);
    let (longest, longer) = (before.governance.max_extension, after.governance.max_extension);
    spans("governance.max_extension", longest, longer, longer < longest);
    let mut words = |what: &'static str, before: String, after: String, worse: bool| {
        if before != after {
            out.push(Difference { reason: None, what, before, after, worse });
        }
    };
    let moved = |moved: Moved| if moved == Moved::Suspect { "suspect" } else { "ignore" }.to_owned();
    words("ledger.moved", moved(old.moved), moved(new.moved), new.moved == Moved::Suspect);
    let (few, more) = (before.governance.approvals, after.governance.approvals);
    words("governance.approvals", few.to_string(), more.to_string(), more > few);
    out
}

impl<'a> Comparing<'a> {
    /// Begins. Where no policy is in force, nobody can fare worse.
    pub fn new(before: Option<&'a Policy>, after: &'a Policy) -> Comparing<'a> {
        let result = Comparison {
            before: before.map(|policy| policy.version),
            after: after.version,
            general: before.map(|before| general(before, after)).unwrap_or_default(),
            ..Comparison::default()
        };
        Comparing { before, after, groups: BTreeMap::new(), result }
    }

    /// Looks at a licence.
    pub fn look(&mut self, licence: &Licence) {
        self.result.licenses += 1;
        let mut worse = Vec::new();
        for feature in licence.features.keys() {
            let key = (licence.sku.clone(), feature.clone());
            let group = self.groups.entry(key).or_insert_with(|| {
                let before = self.before.and_then(|policy| policy.tier(&licence.sku, feature));
                let after = self.after.tier(&licence.sku, feature);
                let tier = |tier: Option<(&str, &Tier)>| tier.map(|(name, _)| name.to_owned());
                let mut differences = of_tier(before.map(|(_, tier)| tier), after.map(|(_, tier)| tier));
                differences.iter_mut().for_each(|one| one.worse &= self.before.is_some());
                Group {
                    sku: licence.sku.clone(),
                    feature: feature.clone(),
                    tier_before: tier(before),
                    tier_after: tier(after),
                    differences,
                    licenses: 0,
                }
            });
            group.licenses += 1;
            if group.differences.iter().any(|one| one.worse) {
                worse.push(feature.clone());
            }
        }
        let all = self.result.general.iter().any(|one| one.worse && one.what != "governance.approvals");
        if !worse.is_empty() || all {
            self.result.worse_count += 1;
            if self.result.worse.len() < NAMED {
                let features = if worse.is_empty() { licence.features.keys().cloned().collect() } else { worse };
                let (license, customer, sku) = (licence.id.clone(), licence.customer.clone(), licence.sku.clone());
                self.result.worse.push(Loser { license, customer, sku, features });
            }
        }
    }

    /// What was found.
    pub fn end(mut self) -> Comparison {
        self.result.groups = self.groups.into_values().filter(|group| !group.differences.is_empty()).collect();
        self.result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(version: u64, tier: &str) -> Policy {
        let text = format!(
            "schema = 1\nid = \"a\"\nversion = {version}\ndefault_tier = \"t\"\n[governance]\napprovals = 2\nmax_extension = \"7d\"\n[tiers.t]\n{tier}\n"
        );
        Policy::from_toml(&text).unwrap()
    }

    fn licence(id: &str) -> Licence {
        Licence {
            id: id.to_owned(),
            sku: "cad".to_owned(),
            customer: "c".to_owned(),
            seats: 1,
            lease_seconds: None,
            ends: None,
            suspended: false,
            features: BTreeMap::from([("core".to_owned(), None)]),
        }
    }

    const BASE: &str = "warn = [\"7d\", \"24h\"]\nbudget = { limit = \"30d\", window = \"90d\" }\n\
        network = { allowance = \"14d\", stages = [{ after = \"0s\", access = \"full\" }, { after = \"7d\", access = \"limited\" }] }\n\
        server = { allowance = \"14d\" }\nunknown = { allowance = \"3d\" }\nmaintenance = { allowance = \"7d\", margin = \"12h\" }";

    /// Which differences there are, those that are worse with an exclamation mark.
    fn between(before: &str, after: &str) -> Vec<String> {
        let (before, after) = (policy(1, before), policy(2, after));
        let mut comparing = Comparing::new(Some(&before), &after);
        comparing.look(&licence("L1"));
        let end = comparing.end();
        let worse = end.groups.iter().flat_map(|group| &group.differences).any(|one| one.worse);
        assert_eq!(worse, end.worse_count == 1);
        let name = |one: &Difference| {
            let mark = if one.worse { "!" } else { "" };
            format!("{}{}{mark}", one.reason.map(|reason| format!("{reason}.")).unwrap_or_default(), one.what)
        };
        end.groups.iter().flat_map(|group| &group.differences).map(name).collect()
    }

    #[test]
    fn each_way_to_fare_worse_is_seen_and_its_reverse_is_none() {
        assert!(between(BASE, BASE).is_empty());
        for (from, to, what) in [
            ("server = { allowance = \"14d\" }", "server = { allowance = \"13d\" }", "server.allowance"),
            ("after = \"7d\"", "after = \"6d\"", "network.stages"),
            ("margin = \"12h\"", "margin = \"11h\"", "maintenance.margin"),
            ("limit = \"30d\"", "limit = \"20d\"", "budget"),
            ("window = \"90d\"", "window = \"100d\"", "budget"),
            ("warn = [\"7d\", \"24h\"]", "warn = [\"24h\"]", "warn"),
            ("warn = [\"7d\", \"24h\"]", "warn = [\"6d\", \"24h\"]", "warn"),
            ("unknown = { allowance = \"3d\" }\n", "", "unknown.allowance"),
        ] {
            let after = BASE.replace(from, to);
            assert_ne!(after, BASE, "{from}");
            assert_eq!(between(BASE, &after), [format!("{what}!")], "{from} to {to}");
            assert_eq!(between(&after, BASE), [what.to_owned()], "{to} to {from}");
        }
        assert_eq!(between(&BASE.replace("budget", "#budget"), BASE), ["budget!"]);
    }

    #[test]
    fn where_none_is_in_force_nobody_fares_worse() {
        let after = policy(1, BASE);
        let mut comparing = Comparing::new(None, &after);
        comparing.look(&licence("L1"));
        let end = comparing.end();
        assert_eq!((end.worse_count, end.licenses, end.before), (0, 1, None));
    }

    #[test]
    fn what_is_general_is_for_all() {
        let before = policy(1, BASE);
        let mut after = policy(2, BASE);
        after.clock.max_leap = Span::seconds(86_400);
        after.governance.approvals = 3;
        let mut comparing = Comparing::new(Some(&before), &after);
        comparing.look(&licence("L1"));
        let end = comparing.end();
        assert_eq!(end.general.len(), 2);
        assert_eq!(end.worse.len(), 1);
    }
}
