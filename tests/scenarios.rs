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

/// The project's own copies are the published ones, where those are at hand.
#[test]
fn the_copies_are_the_published_scenarios() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let Ok(published) = std::fs::read_dir(root.join("../shared/spec/scenarios")) else {
        println!("not run: the published scenarios are not at hand");
        return;
    };
    for entry in published {
        let path = entry.unwrap().path();
        let own = root.join("tests/scenarios").join(path.file_name().unwrap());
        assert_eq!(std::fs::read(&own).unwrap(), std::fs::read(&path).unwrap(), "{}", own.display());
    }
}
