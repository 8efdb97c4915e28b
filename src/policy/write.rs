//! A policy as JSON: every default written out, tables sorted by name, durations in their shortest form.

use serde_json::{Map, Value, json};

use super::{Change, Moved, Policy, Rule, SkuRules, Tier};

pub(super) fn policy(policy: &Policy) -> Value {
    let mut map = Map::new();
    let mut put = |key: &str, value: Value| map.insert(key.to_owned(), value);
    put("schema", policy.schema.into());
    put("id", policy.id.as_str().into());
    put("version", policy.version.into());
    if let Some(tier) = &policy.default_tier {
        put("default_tier", tier.as_str().into());
    }
    let clock = &policy.clock;
    put(
        "clock",
        json!({
            "tolerance": clock.tolerance.to_string(),
            "max_leap": clock.max_leap.to_string(),
            "settle": clock.settle.to_string(),
            "suspect_limit": clock.suspect_limit.to_string(),
        }),
    );
    let moved = match policy.ledger.moved {
        Moved::Suspect => "suspect",
        Moved::Ignore => "ignore",
    };
    put("ledger", json!({ "suspect_limit": policy.ledger.suspect_limit.to_string(), "moved": moved }));
    let governance = &policy.governance;
    put(
        "governance",
        json!({ "approvals": governance.approvals, "max_extension": governance.max_extension.to_string() }),
    );
    put("tiers", policy.tiers.iter().map(|(name, rules)| (name.clone(), tier(rules))).collect());
    put("skus", policy.skus.iter().map(|(name, rules)| (name.clone(), sku(rules))).collect());
    put("changes", policy.changes.iter().map(change).collect());
    Value::Object(map)
}

fn tier(tier: &Tier) -> Value {
    let mut map = Map::new();
    let mut put = |key: &str, value: Value| map.insert(key.to_owned(), value);
    match tier.first_use_horizon {
        None => {
            put("start", "lease_end".into());
        }
        Some(horizon) => {
            put("start", "first_use".into());
            put("horizon", horizon.to_string().into());
        }
    }
    if let Some(budget) = &tier.budget {
        put("budget", json!({ "limit": budget.limit.to_string(), "window": budget.window.to_string() }));
    }
    put("warn", tier.warn.iter().map(|span| Value::from(span.to_string())).collect());
    for (name, held) in [("network", &tier.network), ("server", &tier.server), ("unknown", &tier.unknown)] {
        if let Some(held) = held {
            put(name, rule(held, false));
        }
    }
    if let Some(held) = &tier.maintenance {
        put("maintenance", rule(held, true));
    }
    Value::Object(map)
}

fn rule(rule: &Rule, maintenance: bool) -> Value {
    let mut map = Map::new();
    map.insert("allowance".to_owned(), rule.allowance.to_string().into());
    let stages = rule.stages.iter();
    let stages = stages.map(|stage| json!({ "after": stage.after.to_string(), "access": stage.access.as_str() }));
    map.insert("stages".to_owned(), stages.collect());
    if maintenance {
        map.insert("margin".to_owned(), rule.margin.to_string().into());
    }
    map.insert("counts".to_owned(), rule.counts.into());
    Value::Object(map)
}

fn sku(rules: &SkuRules) -> Value {
    let mut map = Map::new();
    if let Some(tier) = &rules.tier {
        map.insert("tier".to_owned(), tier.as_str().into());
    }
    let features = rules.features.iter();
    map.insert(
        "features".to_owned(),
        features.map(|(name, tier)| (name.clone(), Value::from(tier.as_str()))).collect(),
    );
    Value::Object(map)
}

fn change(change: &Change) -> Value {
    json!({ "version": change.version, "date": change.date, "summary": change.summary })
}
