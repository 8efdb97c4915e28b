//! The conformance suite through Rust: every scenario of the semantics, on a real ledger.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use reprieve::drill::{Scenario, run};

#[test]
fn every_scenario_is_met() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 37);
    let mut failed = Vec::new();
    for file in files {
        let scenario = Scenario::parse(&std::fs::read_to_string(&file).unwrap()).unwrap();
        match run(&scenario) {
            Ok(outcomes) => {
                for outcome in outcomes.iter().filter(|outcome| !outcome.differences.is_empty()) {
                    failed.push(format!("{} step {}: {}", scenario.name, outcome.step, outcome.differences.join("; ")));
                }
            }
            Err(error) => failed.push(format!("{}: {error}", scenario.name)),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
