//! `reprieve drill`: golden lines of every scenario, differences, and the timeline.

use std::path::PathBuf;

use serde_json::Value;

use crate::support::Place;

const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/scenarios");
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/golden");

fn scenarios() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(SCENARIOS).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files
}

/// Set `REPRIEVE_BLESS` to write them anew; a scenario without one must meet its expectations all the same.
#[test]
fn every_scenario_prints_its_golden_lines() {
    let place = Place::new();
    for file in scenarios() {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let ran = place.run(&["drill".as_ref(), "--json".as_ref(), file.as_os_str()]).ends(0);
        assert_eq!(ran.err, "", "{name}");
        let golden = PathBuf::from(GOLDEN).join(format!("{name}.jsonl"));
        if std::env::var_os("REPRIEVE_BLESS").is_some() {
            std::fs::write(&golden, &ran.out).unwrap();
        }
        if let Ok(golden) = std::fs::read_to_string(&golden) {
            assert_eq!(ran.out, golden, "{name}");
        }
    }
}

/// Fields in the order that the semantics name, and no blanks.
#[test]
fn lines_have_their_fields_in_order() {
    let place = Place::new();
    let file = PathBuf::from(SCENARIOS).join("25-alarms.json");
    let out = place.run(&["drill".as_ref(), file.as_os_str(), "--json".as_ref()]).ok();
    let mut kinds = [0; 3];
    for line in out.lines() {
        let value: Value = serde_json::from_str(line).unwrap();
        assert_eq!(value.to_string(), line);
        let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
        let (kind, expected): (usize, &[&str]) = if value.get("event").is_some() {
            (
                0,
                &[
                    "step", "event", "at", "license", "feature", "access", "state", "reason", "left", "document",
                    "error",
                ],
            )
        } else if value.get("accepted").is_some() {
            (1, &["step", "document", "accepted", "error"])
        } else {
            (2, &["step", "t", "sku", "feature", "access", "state", "reason", "until", "ends", "clock", "ledger"])
        };
        assert_eq!(keys, expected);
        kinds[kind] += 1;
    }
    assert!(kinds.iter().all(|count| *count > 0));
}

const OUTAGE: &str = r#"
name = "outage"
sku = "cad"

[[steps]]
lease = { license = "L1", features = ["core"], ttl = "24h" }

[[steps]]
advance = "25h"

[[steps]]
check = "core"
expect = { access = "full", state = "expired" }

[[steps]]
events = true
expect = [{ event = "document_accepted" }]
"#;

#[test]
fn what_differs_is_said_and_is_an_error() {
    let place = Place::new();
    place.write("outage.toml", OUTAGE);
    let ran = place.run(&["drill", "outage.toml", "--json"]).ends(1).says(&[
        "outage.toml: step 2: access: expected \"full\", got \"denied\"",
        "outage.toml: step 3: expected 1 events, got 2",
    ]);
    assert_eq!(ran.out.lines().count(), 4);
    let ran = place.run(&["drill", "outage.toml"]).ends(1);
    for text in [
        "outage  cad, from 2026-01-01T00:00:00Z",
        "      +0s    0  a lease of L1 (core for 24h): accepted",
        "   +1d 1h    2  cad asks for core: denied, expired",
        "not as expected: access: expected \"full\", got \"denied\"",
        "4 steps; 2 of 2 expectations not met",
    ] {
        assert!(ran.out.contains(text), "{text:?} is not in:\n{}", ran.out);
    }
    let met = OUTAGE.replace("access = \"full\", ", "").replace("expect = [{ event = \"document_accepted\" }]", "");
    let out = place.run_with(&["drill", "-"], met.as_bytes()).ok();
    assert!(out.contains("4 steps; all 1 expectations met"), "{out}");
}

#[test]
fn a_malformed_scenario_is_bad_input() {
    let place = Place::new();
    place.write("good.toml", OUTAGE);
    for (text, says) in [
        ("{", "no JSON"),
        ("a", "TOML"),
        (r#"{"sku": "cad"}"#, "`steps` is missing"),
        (r#"{"sku": "cad", "steps": [{"jump": 1}]}"#, "step 0: `jump` is nothing"),
        (r#"{"sku": "cad", "steps": [{"advance": "1x"}]}"#, "step 0: `advance`"),
        (r#"{"sku": "cad", "steps": [], "policy": {"schema": 1}}"#, "the drill's policy is refused"),
    ] {
        place.run_with(&["drill", "-", "--json"], text.as_bytes()).ends(2).says(&["stdin", says]);
    }
    // The others are run all the same.
    let ran = place
        .run(&["drill", "nowhere.json", "good.toml", "--json"])
        .ends(2)
        .says(&["nowhere.json", "good.toml: step 2"]);
    assert_eq!(ran.out.lines().count(), 4);
}

#[test]
fn the_timeline_runs_through_every_scenario() {
    let place = Place::new();
    let mut args: Vec<std::ffi::OsString> = vec!["drill".into()];
    args.extend(scenarios().into_iter().map(Into::into));
    let out = place.run(&args).ok();
    assert!(!out.contains("not as expected"), "{out}");
    assert!(out.contains("somebody sets the clock back by"));
}
