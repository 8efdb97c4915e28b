//! `reprieve drill`: scenarios, for machines line by line, for people as a timeline.

use std::path::{Path, PathBuf};

use reprieve::drill::{Action, Draft, Outcome, Scenario, run as walk};
use reprieve::terms::Kind;
use reprieve::time::{Instant, Span};
use serde_json::Value;

use crate::failure::{Done, Failure, say};
use crate::input::{self, about};
use crate::output::{BAD, BOLD, DIM, FAIR, GOOD, Out, PLAIN, one_line, paint};
use crate::words;

const AFTER: &str = "\
A scenario is JSON, or TOML of the same shape. It runs on a throwaway ledger and authority with a simulated clock, through the real \
path: documents are signed, the ledger is a file. With --json there is one line for each answer, the same in every language, and \
what differs from an `expect` goes to stderr.

Exit codes: 0 every expectation was met, 1 one was not, 2 a scenario is malformed or cannot be read, 3 the machine.

Examples:
  reprieve drill outage.json
  reprieve drill scenarios/*.json --json
  reprieve drill - < outage.toml

A small scenario:
  {\"name\": \"outage\", \"sku\": \"cad\", \"steps\": [
    {\"lease\": {\"license\": \"L1\", \"features\": [\"core\"], \"ttl\": \"24h\"}},
    {\"advance\": \"25h\"},
    {\"check\": \"core\", \"expect\": {\"access\": \"denied\"}}]}";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// Scenarios; - for stdin.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// One JSON line for each answer.
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args, out: &mut Out) -> Result<Done, Failure> {
    let mut done = Done::Well;
    for (at, file) in args.files.iter().enumerate() {
        if at > 0 && !args.json {
            out.line("")?;
        }
        done = done.max(match one(file, args.json, out) {
            Ok(done) => done,
            Err(failure) => {
                // In the order in which it happened.
                out.flush()?;
                failure.tell()
            }
        });
    }
    Ok(done)
}

fn one(file: &Path, json: bool, out: &mut Out) -> Result<Done, Failure> {
    let source = input::read(file)?;
    let scenario = Scenario::parse(&source.text).map_err(|error| Failure::from(error).at(&source.name))?;
    let outcomes = walk(&scenario).map_err(|error| Failure::from(error).at(&source.name))?;
    let differ = outcomes.iter().any(|outcome| !outcome.differences.is_empty());
    if json {
        for outcome in &outcomes {
            for line in &outcome.lines {
                out.json(line)?;
            }
        }
        out.flush()?;
        for outcome in &outcomes {
            for difference in &outcome.differences {
                say(&format!("{}: step {}: {difference}", source.name, outcome.step));
            }
        }
    } else {
        timeline(&scenario, &outcomes, out)?;
    }
    Ok(Done::holds(!differ))
}

fn timeline(scenario: &Scenario, outcomes: &[Outcome], out: &mut Out) -> Result<(), Failure> {
    let head = paint(&one_line(&scenario.name), BOLD);
    out.line(format!("{head}  {}, from {}", scenario.sku, scenario.start))?;
    let mut met = 0;
    let mut missed = 0;
    for (step, outcome) in scenario.steps.iter().zip(outcomes) {
        let since = format!("{:>9}", format!("+{}", about(outcome.now - scenario.start)));
        let number = paint(&format!("{:>3}", outcome.step), DIM);
        let (text, style) = describe(&step.action);
        match (&step.action, outcome.lines.as_slice()) {
            (Action::Events, lines) => {
                out.line(format!("{since}  {number}  {}", paint(&text, style)))?;
                for line in lines {
                    let (text, style) = event(line);
                    out.line(format!("{:14}   {}", "", paint(&text, style)))?;
                }
            }
            (_, [line]) => {
                let (answer, style) = answer(line);
                out.line(format!("{since}  {number}  {text}: {}", paint(&answer, style)))?;
            }
            _ => out.line(format!("{since}  {number}  {}", paint(&text, style)))?,
        }
        for difference in &outcome.differences {
            out.line(format!("{:14}   {}", "", paint(&format!("not as expected: {}", one_line(difference)), BAD)))?;
        }
        if step.expect.is_some() {
            if outcome.differences.is_empty() { met += 1 } else { missed += 1 }
        }
    }
    let steps = scenario.steps.len();
    out.line(if missed > 0 {
        paint(&format!("{steps} steps; {missed} of {} expectations not met", met + missed), BAD)
    } else if met > 0 {
        paint(&format!("{steps} steps; all {met} expectations met"), GOOD)
    } else {
        format!("{steps} steps; nothing was expected")
    })
}

fn describe(action: &Action) -> (String, anstyle::Style) {
    let away = |off: &Span| if *off == Span::ZERO { String::new() } else { format!(", {} later", about(*off)) };
    let text = match action {
        Action::Advance(span) => format!("{} go by", about(*span)),
        Action::Reboot(off) => format!("the machine is shut down, and started again{}", away(off)),
        Action::PowerLoss(off) => format!("the power fails; the machine is started again{}", away(off)),
        Action::Reopen => "the product is closed and opened again".to_owned(),
        Action::SetWall(by) if by.is_negative() => format!("somebody sets the clock back by {}", about(-*by)),
        Action::SetWall(by) => format!("somebody sets the clock ahead by {}", about(*by)),
        Action::Move(to, off) => format!("the ledger goes to machine {to}{}", away(off)),
        Action::Document(draft) => document(draft),
        Action::Replay(step) => format!("the document of step {step} comes again"),
        Action::Request(name) => format!("the product asks for a renewal ({name})"),
        Action::Report(outage) => format!("a renewal fails: {}", words::outage(*outage)),
        Action::Save(name) => format!("somebody copies the ledger ({name})"),
        Action::Restore(name) => format!("somebody puts the copy {name} back"),
        Action::Check { feature, sku } => format!("{sku} asks for {feature}"),
        Action::Events => "what products are told".to_owned(),
    };
    let style = match action {
        Action::Advance(_) | Action::Reopen | Action::Reboot(_) | Action::Events => DIM,
        Action::Report(_) | Action::PowerLoss(_) | Action::SetWall(_) | Action::Move(..) | Action::Restore(_) => FAIR,
        _ => PLAIN,
    };
    (text, style)
}

fn document(draft: &Draft) -> String {
    let text = |key: &str| draft.body.get(key).and_then(Value::as_str).map(one_line);
    let mut says = words::a(draft.kind);
    if let Some(license) = text("license") {
        says.push_str(&format!(" of {license}"));
    }
    match draft.kind {
        Kind::Lease => {
            let features: Vec<String> = match draft.body.get("features") {
                Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(one_line).collect(),
                Some(Value::Object(named)) => {
                    let ttl = |ttl: &Value| one_line(ttl.as_str().unwrap_or_default());
                    named.iter().map(|(name, span)| format!("{} for {}", one_line(name), ttl(span))).collect()
                }
                _ => Vec::new(),
            };
            let ttl = text("ttl").map_or_else(String::new, |ttl| format!(" for {ttl}"));
            says.push_str(&format!(" ({}{ttl})", features.join(", ")));
        }
        Kind::Notice => {
            let at = |key: &str| text(key).unwrap_or_default();
            let cancelled = draft.body.get("cancelled") == Some(&Value::Bool(true));
            let cancelled = if cancelled { ", cancelled" } else { "" };
            says.push_str(&format!(" {}, maintenance {} to {}{cancelled}", at("id"), at("start"), at("end")));
        }
        Kind::Extension => says.push_str(&format!(", until {}", text("until").unwrap_or_default())),
        _ => {}
    }
    if draft.signers > 1 {
        says.push_str(&format!(", signed by {}", draft.signers));
    }
    if let Some(fault) = draft.fault {
        says.push_str(&format!(", broken on purpose ({fault:?})"));
    }
    if draft.age != Span::ZERO {
        says.push_str(&format!(", {} old", about(draft.age)));
    }
    says
}

fn field<'a>(line: &'a Value, key: &str) -> Option<&'a str> {
    line.get(key).and_then(Value::as_str)
}

fn instant(line: &Value, key: &str) -> Option<Instant> {
    field(line, key)?.parse().ok()
}

/// The answer to a check or a document, as its line has it.
fn answer(line: &Value) -> (String, anstyle::Style) {
    if line.get("document").is_some() {
        return match field(line, "error") {
            None => ("accepted".to_owned(), GOOD),
            Some(error) => (format!("refused ({error})"), BAD),
        };
    }
    let (access, state) = (field(line, "access").unwrap_or("?"), field(line, "state").unwrap_or("?"));
    let mut text = match field(line, "reason") {
        Some(reason) => format!("{access}, {state} ({reason})"),
        None => format!("{access}, {state}"),
    };
    if let (Some(t), Some(ends)) = (instant(line, "t"), instant(line, "ends")) {
        text.push_str(&format!(", runway {}", about(ends - t)));
    }
    for (what, ok) in [("clock", "ok"), ("ledger", "ok")] {
        if let Some(word) = field(line, what).filter(|word| *word != ok) {
            text.push_str(&format!(", {what} {word}"));
        }
    }
    let style = match (access, state) {
        ("full", "licensed") => GOOD,
        ("full" | "limited", _) => FAIR,
        _ => BAD,
    };
    (text, style)
}

/// An event, as its line has it.
fn event(line: &Value) -> (String, anstyle::Style) {
    let name = field(line, "event").unwrap_or("?");
    let mut text = format!("{}  {}", field(line, "at").unwrap_or("?"), name.replace('_', " "));
    let who: Vec<&str> = ["license", "feature", "document"].iter().filter_map(|key| field(line, key)).collect();
    if !who.is_empty() {
        text.push_str(&format!(": {}", who.join(" ")));
    }
    let what: Vec<&str> = ["access", "state", "reason", "error"].iter().filter_map(|key| field(line, key)).collect();
    if !what.is_empty() {
        text.push_str(&format!(" ({})", what.join(", ")));
    }
    if let Some(left) = line.get("left").and_then(Value::as_i64) {
        text.push_str(&format!(", at most {} left", about(Span::seconds(left))));
    }
    let style = match (name, field(line, "access")) {
        ("document_refused" | "clock_suspect" | "ledger_suspect", _) | (_, Some("denied")) => BAD,
        ("grace_started" | "grace_changed" | "grace_warning" | "ledger_recovered" | "appeal_filed", _) => FAIR,
        _ => GOOD,
    };
    (text, style)
}
