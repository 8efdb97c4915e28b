//! Rules P1 and P2.

use serde_json::{Value, json};

use super::*;
use crate::terms::Access;

/// The example of the rules.
const EXAMPLE: &str = r#"
schema = 1                      # format version; older ones stay readable for ever
id = "acme"
version = 3
default_tier = "basic"          # none: what no SKU places has no grace

[clock]                         # C7
[ledger]
[governance]                    # D4
approvals = 2
max_extension = "7d"

[tiers.basic]
start = "lease_end"             # or "first_use" with a horizon (G2)
budget = { limit = "30d", window = "90d" }
warn = ["24h", "1h"]            # alarms before the runway ends
network = { allowance = "14d", stages = [{ after = "0s", access = "full" }, { after = "7d", access = "limited" }] }
server = { allowance = "14d" }
unknown = { allowance = "3d" }
maintenance = { allowance = "7d", margin = "12h" }     # counts = false unless said

[tiers.premium]                 # needs an online check, but not while we are the ones who are down
maintenance = { allowance = "24h", margin = "2h" }

[skus.cad-pro]
tier = "basic"
[skus.cad-pro.features]
render = "premium"
"export.*" = "basic"

[[changes]]                     # the changelog that customers read
version = 3
date = "2026-11-01"
summary = "Premium features now survive announced maintenance."
"#;

const DAY: Span = Span::seconds(86_400);

fn days(count: i64) -> Span {
    Span::seconds(count * 86_400)
}

#[test]
fn the_example_of_the_rules() {
    let policy = Policy::from_toml(EXAMPLE).unwrap();
    assert_eq!((policy.schema, policy.id.as_str(), policy.version), (1, "acme", 3));
    assert_eq!(policy.clock, ClockRules::default());
    assert_eq!(policy.ledger, LedgerRules::default());
    assert_eq!(policy.governance, Governance { approvals: 2, max_extension: days(7) });
    let basic = &policy.tiers["basic"];
    assert_eq!(basic.first_use_horizon, None);
    assert_eq!(basic.budget, Some(Budget { limit: days(30), window: days(90) }));
    assert_eq!(basic.warn, [DAY, Span::seconds(3600)]);
    let full = Stage { after: Span::ZERO, access: Access::Full };
    let limited = Stage { after: days(7), access: Access::Limited };
    let network = Rule { allowance: days(14), stages: vec![full.clone(), limited], margin: Span::ZERO, counts: true };
    assert_eq!(basic.network, Some(network));
    let maintenance = Rule { allowance: days(7), stages: vec![full], margin: Span::seconds(12 * 3600), counts: false };
    assert_eq!(basic.maintenance, Some(maintenance));
    assert_eq!(policy.tiers["premium"].network, None);
    assert_eq!(policy.changes.len(), 1);
    assert_eq!(policy.tier("cad-pro", "render").map(|(name, _)| name), Some("premium"));

    let json = policy.to_json();
    assert_eq!(Policy::from_json(&json).unwrap(), policy);
    assert_eq!(Policy::from_json_text(&json.to_string()).unwrap(), policy);
    assert_eq!(Policy::from_json(&json).unwrap().to_json(), json);
}

fn tier_of<'a>(policy: &'a Policy, sku: &str, feature: &str) -> Option<&'a str> {
    policy.tier(sku, feature).map(|(name, _)| name)
}

#[test]
fn p1_a_features_tier() {
    let text = r#"{"schema": 1, "id": "p", "version": 1, "default_tier": "d",
        "tiers": {"d": {}, "s": {}, "all": {}, "x": {}, "xy": {}, "exact": {}, "other": {}},
        "skus": {
            "a": {"tier": "s", "features": {"x.*": "x", "x.y.*": "xy", "x.y.z": "exact", "xx": "other"}},
            "b": {"tier": "s", "features": {"*": "all", "x.*": "x"}},
            "c": {"tier": "s"},
            "d": {"features": {"q": "exact"}},
            "e": {}}}"#;
    let policy = Policy::from_json_text(text).unwrap();
    for (sku, feature, tier) in [
        ("a", "x.y.z", "exact"),
        ("a", "x.y.w", "xy"),
        ("a", "x.y", "x"),
        ("a", "x", "s"),
        ("a", "xx", "other"),
        ("a", "xx.y", "s"),
        ("b", "x.y", "x"),
        ("b", "x", "all"),
        ("c", "anything", "s"),
        ("d", "q", "exact"),
        ("d", "other", "d"),
        ("e", "other", "d"),
        ("unknown", "x", "d"),
    ] {
        assert_eq!(tier_of(&policy, sku, feature), Some(tier), "{sku} {feature}");
    }
    let policy = Policy::from_json(&json!({ "schema": 1, "id": "p", "version": 1 })).unwrap();
    assert_eq!(tier_of(&policy, "a", "x"), None);
}

#[test]
fn p2_defaults() {
    let tier = json!({ "network": { "allowance": "1d" }, "server": { "allowance": "1d" }, "unknown": { "allowance": "1d" },
        "maintenance": { "allowance": "1d" } });
    let policy = Policy::from_json(&json!({ "schema": 1, "id": "p", "version": 0, "tiers": { "t": tier } })).unwrap();
    let tier = &policy.tiers["t"];
    for rule in [&tier.network, &tier.server, &tier.unknown] {
        let rule = rule.as_ref().unwrap();
        assert!(rule.counts && rule.margin == Span::ZERO && rule.stage_at(days(9)) == (0, Access::Full));
    }
    assert!(!tier.maintenance.as_ref().unwrap().counts);
    assert_eq!(policy.governance, Governance { approvals: 1, max_extension: Span::ZERO });
}

fn problems(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut json = Policy::from_toml(EXAMPLE).unwrap().to_json();
    change(&mut json);
    match Policy::from_json(&json) {
        Ok(_) => Vec::new(),
        Err(error) => {
            assert!(!error.newer_schema && !error.problems.is_empty());
            error.problems.iter().map(|problem| problem.key.clone()).collect()
        }
    }
}

#[test]
fn p2_what_is_malformed() {
    let set = |path: &'static str, value: Value| {
        problems(move |json| {
            let (at, key) = path.rsplit_once('/').unwrap();
            json.pointer_mut(at).unwrap()[key] = value;
        })
    };
    for (path, value, key) in [
        ("/schema", json!(0), "schema"),
        ("/schema", json!("1"), "schema"),
        ("/schema", json!(1.0), "schema"),
        ("/id", json!("a b"), "id"),
        ("/id", Value::Null, "id"),
        ("/version", json!(-1), "version"),
        ("/version", json!(1.5), "version"),
        ("/default_tier", json!("gone"), "default_tier"),
        ("/extra", json!(1), "extra"),
        ("/clock/extra", json!(1), "clock.extra"),
        ("/clock/settle", json!(3600), "clock.settle"),
        ("/clock/settle", json!("1.5h"), "clock.settle"),
        ("/clock", json!([]), "clock"),
        ("/ledger/moved", json!("maybe"), "ledger.moved"),
        ("/governance/approvals", json!(0), "governance.approvals"),
        ("/governance/max_extension", json!("-1d"), "governance.max_extension"),
        ("/tiers/basic/start", json!("first_use"), "tiers.basic.horizon"),
        ("/tiers/basic/start", json!("never"), "tiers.basic.start"),
        ("/tiers/basic/horizon", json!("3d"), "tiers.basic.horizon"),
        ("/tiers/basic/budget", json!({ "limit": "1d" }), "tiers.basic.budget.window"),
        ("/tiers/basic/budget", json!({ "window": "1d" }), "tiers.basic.budget.limit"),
        ("/tiers/basic/warn", json!(["1h", "0s"]), "tiers.basic.warn[1]"),
        ("/tiers/basic/warn", json!("1h"), "tiers.basic.warn"),
        ("/tiers/basic/network", json!({}), "tiers.basic.network.allowance"),
        ("/tiers/basic/network/margin", json!("1h"), "tiers.basic.network.margin"),
        ("/tiers/basic/network/counts", json!("yes"), "tiers.basic.network.counts"),
        ("/tiers/basic/network/stages", json!([]), "tiers.basic.network.stages"),
        ("/tiers/basic/network/stages/0/after", json!("1s"), "tiers.basic.network.stages[0].after"),
        ("/tiers/basic/network/stages/1/after", json!("0s"), "tiers.basic.network.stages[1].after"),
        ("/tiers/basic/network/stages/1/access", json!("denied"), "tiers.basic.network.stages[1].access"),
        ("/tiers/basic/network/stages/1/more", json!(1), "tiers.basic.network.stages[1].more"),
        ("/tiers/basic/extension", json!({ "allowance": "1d" }), "tiers.basic.extension"),
        ("/tiers/a b", json!({}), "tiers.\"a b\""),
        ("/skus/cad-pro/tier", json!("gone"), "skus.cad-pro.tier"),
        ("/skus/cad-pro/features/ex*", json!("basic"), "skus.cad-pro.features.\"ex*\""),
        ("/skus/cad-pro/features/render", json!("gone"), "skus.cad-pro.features.render"),
        ("/skus/cad-pro/feature", json!({}), "skus.cad-pro.feature"),
        ("/changes/0/date", json!("2026-02-30"), "changes[0].date"),
        ("/changes/0/more", json!(""), "changes[0].more"),
    ] {
        assert_eq!(set(path, value.clone()), [key], "{path} = {value}");
    }
    for key in ["schema", "id", "version"] {
        assert_eq!(problems(|json| drop(json.as_object_mut().unwrap().remove(key))), [key]);
    }
    assert_eq!(Policy::from_json(&json!([])).unwrap_err().problems.len(), 1);
}

#[test]
fn a_newer_schema_is_told_from_a_malformed_one() {
    for text in [r#"{"schema": 2}"#, r#"{"schema": 18446744073709551615, "id": 7, "tiers": []}"#] {
        assert!(Policy::from_json_text(text).unwrap_err().newer_schema);
    }
    assert!(Policy::from_toml("schema = 2\nanything = 1").unwrap_err().newer_schema);
}

#[test]
fn lines_and_columns_count_from_1() {
    // serde_json finds the line feed, and counts it as the column 0 of the line that it begins.
    let error = Policy::from_json_text("{\"id\": \"a\nb\"}").unwrap_err();
    assert_eq!((error.problems[0].line, error.problems[0].column), (Some(2), Some(1)));
}

#[test]
fn every_problem_with_its_line() {
    let toml = "schema = 1\nid = \"a b\"\nversion = 1\n\n[tiers.basic]\nnetwork = { margin = \"1h\" }\nwarm = []\n\n\
                [skus.cad]\ntier = \"gone\"\n[skus.cad.features]\nexport.step = \"basic\"\n";
    let error = Policy::from_toml(toml).unwrap_err();
    let seen: Vec<(u32, u32, &str)> =
        error.problems.iter().map(|p| (p.line.unwrap(), p.column.unwrap(), p.key.as_str())).collect();
    assert_eq!(
        seen,
        [
            (2, 6, "id"),
            (6, 11, "tiers.basic.network.allowance"),
            (6, 13, "tiers.basic.network.margin"),
            (7, 1, "tiers.basic.warm"),
            (10, 8, "skus.cad.tier"),
            (12, 1, "skus.cad.features.export"),
        ],
        "{error}"
    );
    let json = "{\n \"schema\": 1, \"id\": \"p\",\n  \"version\": 1.5,\n\t\
\"tiers\": {\"é\": {}, \"b\":[{\"x\":null}, -2, \"\\\"]\"]},\n \"no\": 1}";
    let error = Policy::from_json_text(json).unwrap_err();
    let seen: Vec<(u32, u32, &str)> =
        error.problems.iter().map(|p| (p.line.unwrap(), p.column.unwrap(), p.key.as_str())).collect();
    assert_eq!(seen, [(3, 14, "version"), (4, 12, "tiers.\"é\""), (4, 25, "tiers.b"), (5, 2, "no")], "{error}");
}

#[test]
fn what_is_no_toml_or_json() {
    let error = Policy::from_toml("schema = 1\nid = \nversion = ]\nid = \"x\"\n").unwrap_err();
    assert!(error.problems.len() >= 2 && error.problems[0].line == Some(2), "{error}");
    let error = Policy::from_json_text("{\"schema\": 1,\n \"id\" \"x\"}").unwrap_err();
    assert_eq!(error.problems[0].line, Some(2), "{error}");
    let error = Policy::from_json_text("{\"schema\": 1, \"id\": \"x\", \"version\": 1, \"version\": 2}").unwrap_err();
    assert_eq!(error.problems[0].key, "version", "{error}");
    for hostile in ["[".repeat(100_000), "{\"a\":".repeat(100_000), "a = ".to_owned() + &"[".repeat(100_000)] {
        assert!(Policy::from_json_text(&hostile).is_err() && Policy::from_toml(&hostile).is_err());
    }
}

#[test]
fn a_day_may_be_written_as_toml_writes_it() {
    let change = |date: &str| {
        let text =
            format!("schema = 1\nid = \"p\"\nversion = 1\n[[changes]]\nversion = 1\nsummary = \"x\"\ndate = {date}\n");
        Policy::from_toml(&text).map(|policy| policy.changes[0].date.clone())
    };
    assert_eq!(change("2026-11-01").unwrap(), change("\"2026-11-01\"").unwrap());
    assert!(change("2026-11-01T00:00:00Z").is_err());
}
