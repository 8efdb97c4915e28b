//! `reprieve policy`: is it valid, and what does it come to?

use std::path::{Path, PathBuf};

use clap::Subcommand;
use reprieve::policy::{Policy, PolicyError, Rule, Tier};
use serde_json::json;

use crate::failure::{Done, Failure, say};
use crate::input;
use crate::output::{BOLD, Cell, GOOD, Out, Table, paint};

const CHECK: &str = "\
All problems are named at once, each with line, column and key. The exit code is 1 if a policy is not valid.

Examples:
  reprieve policy check policy.toml
  reprieve policy check policies/*.toml --json";

#[derive(Subcommand)]
pub enum Command {
    /// Check policies: every problem with its line and key.
    #[command(after_help = CHECK)]
    Check {
        /// TOML or JSON files; - for stdin.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// One JSON line for each file.
        #[arg(long)]
        json: bool,
    },
    /// Show a policy with every default written out.
    #[command(
        after_help = "Examples:\n  reprieve policy show policy.toml\n  reprieve policy show policy.toml --json > policy.json"
    )]
    Show {
        /// A TOML or JSON file; - for stdin.
        file: PathBuf,
        /// The whole policy as JSON, as a document holds it.
        #[arg(long)]
        json: bool,
    },
}

pub fn run(command: Command, out: &mut Out) -> Result<Done, Failure> {
    match command {
        Command::Check { files, json } => {
            let mut done = Done::Well;
            for file in files {
                done = done.max(match check(&file, json, out) {
                    Ok(done) => done,
                    Err(failure) => failure.tell(),
                });
            }
            Ok(done)
        }
        Command::Show { file, json } => {
            let (name, read) = read(&file)?;
            let policy = read.map_err(|error| Failure::wrong(problems(&name, &error)))?;
            if json {
                out.json(&policy.to_json())?
            } else {
                show(&policy, out)?
            }
            Ok(Done::Well)
        }
    }
}

/// Reads a policy from a file; what is wrong with it is no failure to read it.
pub fn read(file: &Path) -> Result<(String, Result<Policy, PolicyError>), Failure> {
    let source = input::read(file)?;
    let read = if source.is_json() { Policy::from_json_text(&source.text) } else { Policy::from_toml(&source.text) };
    Ok((source.name, read))
}

/// One problem a line, as compilers write them.
pub fn problems(name: &str, error: &PolicyError) -> String {
    let line = |problem: &reprieve::policy::Problem| {
        let place = match (problem.line, problem.column) {
            (Some(line), Some(column)) => format!(":{line}:{column}"),
            (Some(line), None) => format!(":{line}"),
            _ => String::new(),
        };
        let key = if problem.key.is_empty() { "the policy" } else { &problem.key };
        format!("{name}{place}: {key}: {}", problem.message)
    };
    error.problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn check(file: &Path, json: bool, out: &mut Out) -> Result<Done, Failure> {
    let (name, read) = read(file)?;
    if json {
        let problems = read.as_ref().err().map(|error| error.problems.as_slice()).unwrap_or_default();
        let problems: Vec<_> = problems
            .iter()
            .map(|p| json!({ "line": p.line, "column": p.column, "key": p.key, "message": p.message }))
            .collect();
        let policy = read.as_ref().ok();
        out.json(&json!({
            "file": name,
            "valid": read.is_ok(),
            "id": policy.map(|policy| &policy.id),
            "version": policy.map(|policy| policy.version),
            "problems": problems,
        }))?;
        return Ok(Done::holds(read.is_ok()));
    }
    match read {
        Ok(policy) => {
            let (tiers, skus) = (count(policy.tiers.len(), "tier"), count(policy.skus.len(), "SKU"));
            let text = format!("{} version {}, {tiers}, {skus}", policy.id, policy.version);
            out.line(format!("{name}: {}: {text}", paint("valid", GOOD)))?;
            Ok(Done::Well)
        }
        Err(error) => {
            say(&format!(
                "{name}: not valid, {} to put right\n{}",
                count(error.problems.len(), "problem"),
                problems(&name, &error)
            ));
            Ok(Done::Wrong)
        }
    }
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

fn show(policy: &Policy, out: &mut Out) -> Result<(), Failure> {
    out.line(paint(&format!("Policy {} version {} (schema {})", policy.id, policy.version, policy.schema), BOLD))?;
    let (clock, ledger, governance) = (&policy.clock, &policy.ledger, &policy.governance);
    let moved = match ledger.moved {
        reprieve::policy::Moved::Suspect => "suspect",
        reprieve::policy::Moved::Ignore => "not suspect",
    };
    out.facts(&[
        (
            "clock",
            format!(
                "{} behind and {} ahead are believed; a lead settles after {}; a suspicion locks after {}",
                clock.tolerance, clock.max_leap, clock.settle, clock.suspect_limit
            )
            .into(),
        ),
        (
            "ledger",
            format!("a suspicion locks after {}; on another machine it is {moved}", ledger.suspect_limit).into(),
        ),
        (
            "extensions",
            format!("at most {}, with {} of support's signatures", governance.max_extension, governance.approvals)
                .into(),
        ),
        (
            "else",
            policy.default_tier.as_ref().map_or_else(|| "no grace".to_owned(), |tier| format!("tier {tier}")).into(),
        ),
    ])?;
    let mut table = Table::new(&["TIER", "REASON", "ALLOWANCE", "ACCESS", "MARGIN", "BUDGET"]);
    for (name, tier) in &policy.tiers {
        rows(&mut table, name, tier);
    }
    if !table.is_empty() {
        out.line("")?;
        out.table(&table)?;
    }
    let mut table = Table::new(&["SKU", "FEATURE", "TIER"]);
    for (sku, rules) in &policy.skus {
        for (feature, tier) in &rules.features {
            table.row(vec![sku.as_str().into(), feature.as_str().into(), tier.as_str().into()]);
        }
        let tier = rules.tier.as_ref().or(policy.default_tier.as_ref());
        table.row(vec![sku.as_str().into(), "all else".into(), tier.map_or("none", String::as_str).into()]);
    }
    if !table.is_empty() {
        out.line("")?;
        out.table(&table)?;
    }
    for change in &policy.changes {
        out.line(format!(
            "\n{} (version {}): {}",
            change.date,
            change.version,
            crate::output::visible(&change.summary)
        ))?;
    }
    Ok(())
}

fn rows(table: &mut Table, name: &str, tier: &Tier) {
    let budget = tier.budget.as_ref().map(|budget| format!("{} in {}", budget.limit, budget.window));
    let mut first = true;
    for (reason, rule) in [
        ("maintenance", &tier.maintenance),
        ("server", &tier.server),
        ("network", &tier.network),
        ("unknown", &tier.unknown),
    ] {
        let Some(rule) = rule else { continue };
        let charged = match (&budget, rule.counts) {
            (Some(budget), true) => budget.as_str(),
            (None, true) => "-",
            (_, false) => "not charged",
        };
        let margin = if reason == "maintenance" { rule.margin.to_string() } else { "-".to_owned() };
        let shown: &str = if first { name } else { "" };
        table.row(vec![
            Cell::new(shown, BOLD),
            reason.into(),
            rule.allowance.to_string().into(),
            stages(rule).into(),
            margin.into(),
            charged.into(),
        ]);
        first = false;
    }
    if first {
        table.row(vec![Cell::new(name, BOLD), "no grace".into()]);
    }
    if let Some(horizon) = tier.first_use_horizon {
        table.row(vec!["".into(), format!("begins at first use, at most {horizon} after the lease's end").into()]);
    }
    if !tier.warn.is_empty() {
        let warn: Vec<String> = tier.warn.iter().map(ToString::to_string).collect();
        table.row(vec!["".into(), format!("warns {} before the end", warn.join(", ")).into()]);
    }
}

fn stages(rule: &Rule) -> String {
    let stage = |stage: &reprieve::policy::Stage| {
        if stage.after == reprieve::time::Span::ZERO {
            stage.access.to_string()
        } else {
            format!("{} from {}", stage.access, stage.after)
        }
    };
    rule.stages.iter().map(stage).collect::<Vec<_>>().join(", ")
}
