//! Policies: any text, and policies that are right but in one place.
//!
//! Laws: what is accepted prints as JSON that reads as the same; a text and its values are the same policy; what is refused says why,
//! in text with the line.

use std::sync::LazyLock;

use reprieve::policy::{Policy, PolicyError};
use serde_json::{Value, json};

use crate::steps::Steps;

/// Every key that there is.
pub static WHOLE: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "schema": 1, "id": "acme", "version": 3, "default_tier": "basic",
        "clock": { "tolerance": "26h", "max_leap": "400d", "settle": "72h", "suspect_limit": "72h" },
        "ledger": { "suspect_limit": "72h", "moved": "suspect" },
        "governance": { "approvals": 2, "max_extension": "7d" },
        "tiers": {
            "basic": {
                "start": "first_use", "horizon": "30d", "budget": { "limit": "30d", "window": "90d" },
                "warn": ["24h", "1h"],
                "network": { "allowance": "14d",
                    "stages": [{ "after": "0s", "access": "full" }, { "after": "7d", "access": "limited" }] },
                "server": { "allowance": "14d", "counts": false },
                "unknown": { "allowance": "3d" },
                "maintenance": { "allowance": "7d", "margin": "12h" }
            },
            "premium": { "start": "lease_end", "maintenance": { "allowance": "24h", "margin": "2h", "counts": true } }
        },
        "skus": { "cad": { "tier": "basic", "features": { "render": "premium", "export.*": "basic", "*": "basic" } } },
        "changes": [{ "version": 3, "date": "2026-11-01", "summary": "Announced maintenance counts no more." }]
    })
});

/// The first byte says how the rest is read.
pub fn run(data: &[u8]) {
    let Some((mode, rest)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    match mode % 3 {
        0 => as_json(&text),
        1 => match Policy::from_toml(&text) {
            Ok(policy) => accepted(&policy),
            Err(error) => refused(&error, Some(&text)),
        },
        _ => {
            let (mut steps, mut policy) = (Steps::new(rest), WHOLE.clone());
            for _ in 0..=steps.below(2) {
                steps.disturb(&mut policy);
            }
            match Policy::from_json(&policy) {
                Ok(read) => accepted(&read),
                Err(error) => refused(&error, None),
            }
            as_json(&policy.to_string());
        }
    }
}

fn as_json(text: &str) {
    match (Policy::from_json_text(text), serde_json::from_str::<Value>(text)) {
        (Ok(policy), Ok(value)) => {
            assert_eq!(Policy::from_json(&value).as_ref(), Ok(&policy));
            accepted(&policy);
        }
        (Ok(_), Err(error)) => panic!("a policy that is no JSON: {error}"),
        (Err(error), _) => refused(&error, Some(text)),
    }
}

fn accepted(policy: &Policy) {
    let json = policy.to_json();
    assert_eq!(Policy::from_json(&json).as_ref(), Ok(policy));
    assert_eq!(Policy::from_json_text(&json.to_string()).as_ref(), Ok(policy));
    let skus = policy.skus.keys().map(String::as_str).chain(["cad", ""]);
    for (sku, feature) in skus.flat_map(|sku| ["core", "render", "export.step", ""].map(|feature| (sku, feature))) {
        if let Some((name, tier)) = policy.tier(sku, feature) {
            assert_eq!(policy.tiers.get(name), Some(tier));
        }
    }
}

fn refused(error: &PolicyError, text: Option<&str>) {
    assert!(!error.problems.is_empty(), "refused without a reason");
    assert!(!error.to_string().is_empty());
    for problem in &error.problems {
        assert!(!problem.message.is_empty());
        if let Some(text) = text {
            let lines = text.split('\n').count() as u32;
            let line = problem.line.unwrap_or_else(|| panic!("no line: {problem}"));
            assert!((1..=lines.max(1)).contains(&line), "line {line} of {lines}: {problem}");
            assert!(problem.column.is_none_or(|column| column >= 1));
        }
    }
}
