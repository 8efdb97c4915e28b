//! From a tree of values to a policy, with every problem on the way (rule P2).

use std::collections::BTreeMap;

use super::reader::{DURATION, NAME, Reader, join};
use super::value::{Node, Value};
use super::{Budget, Change, ClockRules, Governance, LedgerRules, Moved, Policy, Rule, SCHEMA, SkuRules, Stage, Tier};
use crate::order;
use crate::terms::{Access, is_name, is_pattern};
use crate::time::{Instant, Span};

const ACCESS: &str = "write \"full\" or \"limited\"";
const DATE: &str = "write a day such as \"2026-11-01\"";

pub(super) fn policy(node: &Node, reader: &mut Reader) -> Option<Policy> {
    let mut table = reader.table(node, "")?;
    let schema = table.required(reader, "schema", format_args!("write schema = {SCHEMA}"), |r, node, path| {
        r.integer(node, path, 1, i128::from(SCHEMA)).and_then(|schema| u32::try_from(schema).ok())
    });
    let id = table.required(reader, "id", "write the name of this line of policies", Reader::name);
    let version = table.required(reader, "version", "write a whole number, higher than the last", Reader::version);
    let tiers = table.optional(reader, "tiers", tiers).unwrap_or_default();
    // A tier counts as there if only what it says is wrong: that is reported where it stands.
    let names: Vec<&str> = tiers.iter().map(|(name, _)| name.as_str()).collect();
    let default_tier = table.optional(reader, "default_tier", |r, node, path| tier_name(r, node, path, &names));
    let clock = table.optional(reader, "clock", clock).unwrap_or_default();
    let ledger = table.optional(reader, "ledger", ledger).unwrap_or_default();
    let governance = table.optional(reader, "governance", governance).unwrap_or_default();
    let skus = table.optional(reader, "skus", |r, node, path| skus(r, node, path, &names)).unwrap_or_default();
    let changes = table.optional(reader, "changes", changes).unwrap_or_default();
    table.end(reader);
    let tiers = order::map(tiers.into_iter().filter_map(|(name, tier)| Some((name, tier?))));
    Some(Policy {
        schema: schema?,
        id: id?,
        version: version?,
        default_tier,
        clock,
        ledger,
        governance,
        tiers,
        skus,
        changes,
    })
}

fn tier_name(reader: &mut Reader, node: &Node, path: &str, tiers: &[&str]) -> Option<String> {
    let text = reader.text(node, path, "write the name of a tier in quotes")?;
    if tiers.contains(&text) {
        return Some(text.to_owned());
    }
    let message = if tiers.is_empty() {
        format!("there is no tier `{text}`, nor any other; add [tiers.{text}]")
    } else {
        format!("there is no tier `{text}`; there are {}", tiers.join(", "))
    };
    reader.problem(node.at, path, message);
    None
}

fn clock(reader: &mut Reader, node: &Node, path: &str) -> Option<ClockRules> {
    let mut table = reader.table(node, path)?;
    let default = ClockRules::default();
    let rules = ClockRules {
        tolerance: table.optional(reader, "tolerance", Reader::duration).unwrap_or(default.tolerance),
        max_leap: table.optional(reader, "max_leap", Reader::duration).unwrap_or(default.max_leap),
        settle: table.optional(reader, "settle", Reader::duration).unwrap_or(default.settle),
        suspect_limit: table.optional(reader, "suspect_limit", Reader::duration).unwrap_or(default.suspect_limit),
    };
    table.end(reader);
    Some(rules)
}

fn ledger(reader: &mut Reader, node: &Node, path: &str) -> Option<LedgerRules> {
    let mut table = reader.table(node, path)?;
    let default = LedgerRules::default();
    let moved = table.optional(reader, "moved", |reader, node, path| {
        const EXPECTED: &str = "write \"suspect\" or \"ignore\"";
        match reader.text(node, path, EXPECTED)? {
            "suspect" => Some(Moved::Suspect),
            "ignore" => Some(Moved::Ignore),
            other => {
                reader.problem(node.at, path, format!("`{other}` is not known; {EXPECTED}"));
                None
            }
        }
    });
    let suspect_limit = table.optional(reader, "suspect_limit", Reader::duration);
    table.end(reader);
    Some(LedgerRules {
        suspect_limit: suspect_limit.unwrap_or(default.suspect_limit),
        moved: moved.unwrap_or(default.moved),
    })
}

fn governance(reader: &mut Reader, node: &Node, path: &str) -> Option<Governance> {
    let mut table = reader.table(node, path)?;
    let default = Governance::default();
    let approvals = table.optional(reader, "approvals", |reader, node, path| {
        reader.integer(node, path, 1, i128::from(u32::MAX)).and_then(|number| u32::try_from(number).ok())
    });
    let max_extension = table.optional(reader, "max_extension", Reader::duration);
    table.end(reader);
    Some(Governance {
        approvals: approvals.unwrap_or(default.approvals),
        max_extension: max_extension.unwrap_or(default.max_extension),
    })
}

/// The tiers in the order written; none for one that is wrong.
fn tiers(reader: &mut Reader, node: &Node, path: &str) -> Option<Vec<(String, Option<Tier>)>> {
    let table = reader.table(node, path)?;
    let mut tiers = Vec::new();
    for entry in table.entries {
        let path = join(path, &entry.key);
        if !is_name(&entry.key) {
            reader.problem(entry.at, &path, format!("is no name; {NAME}"));
        }
        tiers.push((entry.key.clone(), tier(reader, &entry.node, &path)));
    }
    Some(tiers)
}

fn tier(reader: &mut Reader, node: &Node, path: &str) -> Option<Tier> {
    let mut table = reader.table(node, path)?;
    let start = table.get("start");
    let horizon_at = table.get("horizon");
    let horizon = horizon_at.as_ref().and_then(|(node, path)| reader.duration(node, path));
    let first_use = match &start {
        None => Some(false),
        Some((node, path)) => match reader.text(node, path, "write \"lease_end\" or \"first_use\"") {
            Some("lease_end") => Some(false),
            Some("first_use") => Some(true),
            Some(other) => {
                let message = format!("`{other}` is not known; write \"lease_end\" or \"first_use\"");
                reader.problem(node.at, path, message);
                None
            }
            None => None,
        },
    };
    match (first_use, &horizon_at) {
        (Some(true), None) => {
            let message = "is missing, and start is \"first_use\"; write a duration such as \"30d\"";
            reader.problem(table.at, &join(path, "horizon"), message.to_owned());
        }
        (Some(false), Some((node, path))) => {
            let message = "goes with start = \"first_use\" only; add that or leave it out";
            reader.problem(node.at, path, message.to_owned());
        }
        _ => {}
    }
    let budget = table.optional(reader, "budget", budget);
    let warn = table.optional(reader, "warn", warn).unwrap_or_default();
    let tier = Tier {
        first_use_horizon: horizon.filter(|_| first_use == Some(true)),
        budget,
        warn,
        network: table.optional(reader, "network", |r, node, path| rule(r, node, path, false)),
        server: table.optional(reader, "server", |r, node, path| rule(r, node, path, false)),
        unknown: table.optional(reader, "unknown", |r, node, path| rule(r, node, path, false)),
        maintenance: table.optional(reader, "maintenance", |r, node, path| rule(r, node, path, true)),
    };
    table.end(reader);
    Some(tier)
}

fn budget(reader: &mut Reader, node: &Node, path: &str) -> Option<Budget> {
    let mut table = reader.table(node, path)?;
    let limit = table.required(reader, "limit", DURATION, Reader::duration);
    let window = table.required(reader, "window", DURATION, Reader::duration);
    table.end(reader);
    Some(Budget { limit: limit?, window: window? })
}

fn warn(reader: &mut Reader, node: &Node, path: &str) -> Option<Vec<Span>> {
    let items = reader.list(node, path, "write a list of durations such as [\"24h\", \"1h\"]")?;
    let mut spans = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let path = format!("{path}[{i}]");
        match reader.duration(item, &path) {
            Some(span) if span.is_positive() => spans.push(span),
            Some(_) => reader.problem(item.at, &path, "warns of nothing; write more than 0s".to_owned()),
            None => {}
        }
    }
    Some(spans)
}

fn rule(reader: &mut Reader, node: &Node, path: &str, maintenance: bool) -> Option<Rule> {
    let mut table = reader.table(node, path)?;
    let allowance = table.required(reader, "allowance", DURATION, Reader::duration);
    let stages = table.optional(reader, "stages", stages);
    let counts = table.optional(reader, "counts", Reader::boolean).unwrap_or(!maintenance);
    let mut margin = Span::ZERO;
    if maintenance {
        margin = table.optional(reader, "margin", Reader::duration).unwrap_or(Span::ZERO);
    } else {
        table.refused(reader, "margin", "goes with maintenance only; leave it out");
    }
    table.end(reader);
    let full = || vec![Stage { after: Span::ZERO, access: Access::Full }];
    Some(Rule { allowance: allowance?, stages: stages.unwrap_or_else(full), margin, counts })
}

fn stages(reader: &mut Reader, node: &Node, path: &str) -> Option<Vec<Stage>> {
    let items = reader.list(node, path, "write a list such as [{ after = \"0s\", access = \"full\" }]")?;
    if items.is_empty() {
        let message = "has no stage; leave it out, which is full from 0s, or write one";
        reader.problem(node.at, path, message.to_owned());
        return None;
    }
    let mut stages: Vec<Stage> = Vec::new();
    let mut last: Option<Span> = None;
    for (i, item) in items.iter().enumerate() {
        let path = format!("{path}[{i}]");
        let Some(mut table) = reader.table(item, &path) else { continue };
        let after = table.required(reader, "after", "write a duration such as \"0s\"", Reader::duration);
        let access = table.required(reader, "access", ACCESS, access);
        if let Some(after) = after {
            match last {
                None if i == 0 && after != Span::ZERO => {
                    let message = format!("is {after}, and the first stage starts at 0s; write \"0s\"");
                    reader.problem(item.at, &join(&path, "after"), message);
                }
                Some(before) if after <= before => {
                    let message = format!("is {after}, no later than the stage before ({before}); stages rise");
                    reader.problem(item.at, &join(&path, "after"), message);
                }
                _ => {}
            }
            last = Some(after);
        }
        table.end(reader);
        if let (Some(after), Some(access)) = (after, access) {
            stages.push(Stage { after, access });
        }
    }
    Some(stages)
}

fn access(reader: &mut Reader, node: &Node, path: &str) -> Option<Access> {
    match reader.text(node, path, ACCESS)? {
        "full" => Some(Access::Full),
        "limited" => Some(Access::Limited),
        other => {
            reader.problem(node.at, path, format!("`{other}` is no access of a stage; {ACCESS}"));
            None
        }
    }
}

fn skus(reader: &mut Reader, node: &Node, path: &str, tiers: &[&str]) -> Option<BTreeMap<String, SkuRules>> {
    let table = reader.table(node, path)?;
    let mut skus = BTreeMap::new();
    for entry in table.entries {
        let path = join(path, &entry.key);
        if !is_name(&entry.key) {
            reader.problem(entry.at, &path, format!("is no name; {NAME}"));
        }
        let Some(mut table) = reader.table(&entry.node, &path) else { continue };
        let tier = table.optional(reader, "tier", |r, node, path| tier_name(r, node, path, tiers));
        let features = table.optional(reader, "features", |r, node, path| features(r, node, path, tiers));
        table.end(reader);
        skus.insert(entry.key.clone(), SkuRules { tier, features: features.unwrap_or_default() });
    }
    Some(skus)
}

fn features(reader: &mut Reader, node: &Node, path: &str, tiers: &[&str]) -> Option<BTreeMap<String, String>> {
    let table = reader.table(node, path)?;
    let mut features = BTreeMap::new();
    for entry in table.entries {
        let path = join(path, &entry.key);
        if !is_pattern(&entry.key) {
            let message = "is no feature; write a name, `*`, or a name and `.*` for all below it";
            reader.problem(entry.at, &path, message.to_owned());
        }
        if let Value::Table(_) = entry.node.value {
            // `export.step = "basic"` without quotes is two levels in TOML.
            let message = "is a table; write the name of a tier, and a feature with a dot in quotes";
            reader.problem(entry.node.at, &path, message.to_owned());
        } else if let Some(tier) = tier_name(reader, &entry.node, &path, tiers) {
            features.insert(entry.key.clone(), tier);
        }
    }
    Some(features)
}

fn changes(reader: &mut Reader, node: &Node, path: &str) -> Option<Vec<Change>> {
    let items = reader.list(node, path, "write [[changes]] entries")?;
    let mut changes = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let path = format!("{path}[{i}]");
        let Some(mut table) = reader.table(item, &path) else { continue };
        let version = table.required(reader, "version", "write the version that brought it", Reader::version);
        let date = table.required(reader, "date", DATE, date);
        let summary = table.required(reader, "summary", "write what changed, in plain words", |r, node, path| {
            r.text(node, path, "write a text in quotes").map(str::to_owned)
        });
        table.end(reader);
        if let (Some(version), Some(date), Some(summary)) = (version, date, summary) {
            changes.push(Change { version, date, summary });
        }
    }
    Some(changes)
}

fn date(reader: &mut Reader, node: &Node, path: &str) -> Option<String> {
    // TOML has dates of its own; a vendor who leaves the quotes out means the same.
    let text = match &node.value {
        Value::Date(text) => text,
        _ => reader.text(node, path, DATE)?,
    };
    if text.len() == 10 && format!("{text}T00:00:00Z").parse::<Instant>().is_ok() {
        return Some(text.to_owned());
    }
    reader.problem(node.at, path, format!("`{text}` is no date; {DATE}"));
    None
}
