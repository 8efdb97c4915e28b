//! Drill scenarios: any text, and steps in any order.
//!
//! Laws: what is read is run, with no error but that its policy or claims are refused; run twice it prints the same; every decision is
//! lawful.

use reprieve::client::ErrorKind;
use reprieve::drill::{Outcome, Scenario, run as walk};
use serde_json::{Map, Value, json};

use crate::policy::WHOLE;
use crate::steps::Steps;

/// More steps than this are not walked: each opens files.
const MAX_STEPS: usize = 40;

/// The first byte says whether the rest is a scenario's text or its script.
pub fn run(data: &[u8]) {
    let Some((mode, rest)) = data.split_first() else { return };
    let scenario = if mode % 2 == 0 {
        Scenario::parse(&String::from_utf8_lossy(rest))
    } else {
        Scenario::from_value(&generate(&mut Steps::new(rest)))
    };
    let scenario = match scenario {
        Ok(scenario) if scenario.steps.len() <= MAX_STEPS => scenario,
        Ok(_) => return,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Scenario);
            assert!(!error.message().is_empty());
            return;
        }
    };
    match walk(&scenario) {
        Ok(outcomes) => {
            assert_eq!(outcomes.len(), scenario.steps.len());
            let lines = |outcomes: &[Outcome]| -> Vec<Value> {
                outcomes.iter().flat_map(|outcome| outcome.lines.clone()).collect()
            };
            let lines_now = lines(&outcomes);
            lines_now.iter().for_each(lawful);
            let again = walk(&scenario).expect("it ran before");
            assert_eq!(lines(&again), lines_now, "the same scenario prints otherwise");
        }
        Err(error) => {
            let foreseen = matches!(error.kind(), ErrorKind::Scenario | ErrorKind::Claims);
            assert!(foreseen, "{}: {error}", error.kind().as_str());
        }
    }
}

/// A printed check says one thing.
fn lawful(line: &Value) {
    let Some(access) = line.get("access").and_then(Value::as_str) else { return };
    if line.get("event").is_some() {
        return;
    }
    let state = line["state"].as_str().unwrap_or("none");
    let granted = matches!(access, "full" | "limited");
    assert_ne!(access, "unknown", "{line}");
    assert_eq!(granted, matches!(state, "licensed" | "grace"), "{line}");
    assert_eq!(state == "grace", line["reason"].is_string(), "{line}");
    assert!(state != "licensed" || access == "full", "{line}");
    assert!(granted || line["ends"].is_null(), "{line}");
}

fn generate(steps: &mut Steps<'_>) -> Value {
    let mut policy = WHOLE.clone();
    if steps.once_in(3) {
        steps.disturb(&mut policy);
    }
    let mut list: Vec<Value> = Vec::new();
    while steps.more() && list.len() < MAX_STEPS {
        let at = list.len();
        let mut step = step(steps, at);
        if steps.once_in(32) {
            steps.disturb(&mut step);
        }
        list.push(step);
    }
    let mut scenario = json!({ "name": "fuzz", "sku": "cad", "steps": list });
    if !steps.once_in(4) {
        scenario["policy"] = policy;
    }
    scenario
}

/// A duration; seldom one that is absurd.
pub fn span(steps: &mut Steps<'_>) -> String {
    let common = ["0s", "1s", "5m", "59m", "1h", "2h", "12h", "1d", "26h", "2d", "3d1s", "7d", "14d", "30d", "91d"];
    if steps.once_in(12) {
        return format!("{}{}", steps.number(400), steps.pick(&["s", "m", "h", "d"]));
    }
    steps.pick(&common).to_owned()
}

fn signed(steps: &mut Steps<'_>) -> String {
    format!("{}{}", steps.pick(&["+", "+", "-"]), span(steps))
}

/// The claims of a document as a scenario writes them, by its kind.
fn document(steps: &mut Steps<'_>) -> (&'static str, Value) {
    let license = steps.pick(&["L1", "L1", "L2"]);
    let features = |steps: &mut Steps<'_>| steps.pick(&[&["core"][..], &["*"], &["core", "render"], &["export.*"]]);
    let mut body = Map::new();
    let kind = steps.pick(&["lease", "lease", "notice", "extension", "revocation", "ruling", "policy"]);
    let mut put = |key: &str, value: Value| body.insert(key.to_owned(), value);
    match kind {
        "lease" => {
            put("license", json!(license));
            put("features", json!(steps.pick(&[&["core"][..], &["core", "render"], &["export.step"]])));
            put("ttl", json!(span(steps)));
            match steps.below(6) {
                0 => drop(put("fresh", json!(false))),
                1 => drop(put("ledger", json!("*"))),
                2 => drop(put("answers", json!("r1"))),
                3 => drop(put("sku", json!("viewer"))),
                _ => {}
            }
        }
        "notice" => {
            put("id", json!(steps.pick(&["m1", "m2"])));
            put("start", json!(signed(steps)));
            put("end", json!(signed(steps)));
            if steps.once_in(3) {
                put("cancelled", json!(true));
            }
            if steps.once_in(3) {
                put("features", json!(features(steps)));
            }
        }
        "extension" => {
            put("license", json!(license));
            put("until", json!(signed(steps)));
            put("signers", json!(1 + steps.below(3)));
            put("access", json!(steps.pick(&["full", "limited"])));
        }
        "revocation" => {
            put("license", json!(license));
            put("features", json!(features(steps)));
            if steps.once_in(2) {
                put("effective", json!(signed(steps)));
            }
        }
        "ruling" => {
            put("license", json!(license));
            if steps.once_in(2) {
                put("void", json!({ "from": signed(steps), "to": signed(steps) }));
            }
            put("clears", json!(steps.pick(&[&["clock"][..], &["ledger"], &["clock", "ledger"], &[]])));
        }
        _ => {
            body = WHOLE.as_object().cloned().unwrap_or_default();
            body.insert("version".to_owned(), json!(steps.below(6)));
            let mut value = Value::Object(body);
            if steps.once_in(2) {
                steps.disturb(&mut value);
            }
            return (kind, value);
        }
    }
    if steps.once_in(6) {
        put("age", json!(span(steps)));
    }
    if steps.once_in(10) {
        put("fault", json!(steps.pick(&["malformed", "unknown_key", "bad_signature", "wrong_role"])));
    }
    (kind, Value::Object(body))
}

fn step(steps: &mut Steps<'_>, at: usize) -> Value {
    match steps.below(24) {
        0..=3 => json!({ "advance": span(steps) }),
        4..=6 => json!({ "check": steps.pick(&["core", "render", "export.step"]) }),
        7..=12 => {
            let (kind, body) = document(steps);
            json!({ kind: body })
        }
        13 => json!({ "report": steps.pick(&["network", "server"]) }),
        14 => json!({ "reboot": { "off": span(steps) } }),
        15 => json!({ "power_loss": { "off": span(steps) } }),
        16 => json!({ "set_wall": signed(steps) }),
        17 => json!({ "move": { "to": steps.pick(&["a", "b"]), "off": span(steps) } }),
        18 => json!({ "reopen": true }),
        19 => json!({ "request": "r1" }),
        20 => json!({ "save": "s" }),
        21 => json!({ "restore": "s" }),
        22 => json!({ "replay": steps.below(at.max(1)) }),
        _ => json!({ "events": true }),
    }
}
