//! Prints what Rust says to scenarios, for comparison with what C and C++ print: `scenario_lines FILE...`.

use std::process::ExitCode;

use reprieve_core::drill::{Scenario, run};

fn lines(path: &str) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let scenario = Scenario::parse(&text).map_err(|error| format!("{path}: {error}"))?;
    let outcomes = run(&scenario).map_err(|error| format!("{path}: {error}"))?;
    Ok(outcomes.iter().flat_map(|outcome| &outcome.lines).map(|line| format!("{line}\n")).collect())
}

fn main() -> ExitCode {
    for path in std::env::args().skip(1) {
        match lines(&path) {
            Ok(text) => print!("{text}"),
            Err(text) => {
                eprintln!("{text}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
