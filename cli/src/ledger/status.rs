//! `reprieve ledger status`: what each feature may do, why, and for how long yet.

use std::collections::BTreeSet;

use reprieve::client::{self, Decision, Status};
use reprieve::grace::WayOut;
use reprieve::terms::{Access, ClockStanding, LedgerStanding, LicenseState};
use serde_json::{Value, json};

use crate::failure::{Done, Failure};
use crate::input::{about, moment};

use crate::output::{BAD, Cell, FAIR, GOOD, Out, PLAIN, Table};
use crate::target::Target;
use crate::{keys, words};

const AFTER: &str = "\
Answers as a product would be answered now, but for a first use, which only a product's check records. RUNWAY is how long access \
lasts if nothing else arrives. As with a product, what is due by now is recorded; no ledger is made where none lies.

Examples:
  reprieve ledger status --app reprieve.toml
  reprieve ledger status --app reprieve.toml --sku cad --json
  reprieve ledger status --drill /tmp/outage";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// One SKU. Unless said: each that has a lease.
    #[arg(long, value_parser = keys::name)]
    sku: Option<String>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args, out: &mut Out) -> Result<Done, Failure> {
    let open = args.target.open()?;
    let skus = match args.sku {
        Some(sku) => vec![sku],
        None => open.client.skus()?,
    };
    let mut standing = None;
    let mut decisions = Vec::new();
    for sku in &skus {
        let status = open.client.status(sku)?;
        decisions.extend(status.features.iter().cloned());
        standing = Some(status);
    }
    let status = match standing {
        Some(status) => status,
        // No lease at all: any name asks how the ledger stands.
        None => open.client.status("-")?,
    };
    open.close()?;
    if args.json {
        out.json(&machine(&status, &decisions))?;
        return Ok(Done::Well);
    }
    facts(&status, out)?;
    out.line("")?;
    if decisions.is_empty() {
        out.line(match skus.as_slice() {
            [sku] => format!("There is no lease for {sku}."),
            _ => "There is no lease in this ledger.".to_owned(),
        })?;
        return Ok(Done::Well);
    }
    let mut table =
        Table::new(&["SKU", "FEATURE", "ACCESS", "STATE", "REASON", "RUNWAY", "ENDS", "LEASE END", "LICENCE"]);
    decisions.iter().for_each(|decision| table.row(row(decision)));
    out.table(&table)?;
    let ways: BTreeSet<WayOut> = decisions.iter().flat_map(|decision| decision.why.ways_out.iter().copied()).collect();
    if !ways.is_empty() {
        out.line("\nWhat helps, each without the others:")?;
        for way in ways {
            out.line(format!("  {}", way.text()))?;
        }
    }
    Ok(Done::Well)
}

fn facts(status: &Status, out: &mut Out) -> Result<(), Failure> {
    let clock = match status.clock {
        ClockStanding::Ok => Cell::new("ok", GOOD),
        ClockStanding::RolledBack => Cell::new("suspect: the machine's date lies before what is proven", BAD),
        ClockStanding::Leaped => Cell::new("suspect: the machine's date lies further ahead than is believed", BAD),
    };
    let ledger = match status.ledger {
        LedgerStanding::Ok => Cell::new("ok", GOOD),
        LedgerStanding::Suspect => Cell::new("suspect: it was damaged, or put back from a copy", BAD),
        LedgerStanding::Moved => Cell::new("suspect: it is on another machine than its own", BAD),
    };
    let folder = status.folder.as_ref().map_or_else(|| "in memory".to_owned(), |folder| folder.display().to_string());
    let policy = match &status.policy {
        Some((id, version)) => Cell::from(format!("{id} version {version}")),
        None => Cell::new("none: there is no grace", FAIR),
    };
    let mut facts = vec![
        ("ledger", Cell::from(status.ledger_id.as_str())),
        ("folder", folder.into()),
        ("records", format!("{} in generation {}", status.records, status.generation).into()),
        ("policy", policy),
        ("time", moment(status.t).into()),
        ("clock", clock),
        ("standing", ledger),
    ];
    if status.flags.drill {
        facts.push(("drill", Cell::new("yes: a real product refuses this ledger", FAIR)));
    }
    if status.flags.newer {
        facts.push(("newer", Cell::new("a newer release wrote to it; nothing is appended by this one", FAIR)));
    }
    if status.unproven > 0 {
        facts.push(("unproven", Cell::new(format!("{} documents, which give nothing", status.unproven), BAD)));
    }
    out.facts(&facts)
}

fn style(decision: &Decision) -> anstyle::Style {
    match (decision.access, decision.state) {
        (Access::Full, Some(LicenseState::Licensed)) => GOOD,
        (Access::Full | Access::Limited, _) => FAIR,
        (Access::Denied | Access::Unknown, _) => BAD,
    }
}

fn row(decision: &Decision) -> Vec<Cell> {
    let style = style(decision);
    let dash = || "-".to_owned();
    let word = |word: Option<&str>| Cell::from(word.unwrap_or("-"));
    let runway = decision.ends.map(|ends| about(ends - decision.t));
    let endless = matches!(decision.access, Access::Full | Access::Limited);
    let runway = runway.unwrap_or_else(|| if endless { "no end".to_owned() } else { dash() });
    vec![
        decision.sku.as_str().into(),
        decision.feature.as_str().into(),
        Cell::new(decision.access.as_str(), style),
        word(decision.state.map(LicenseState::as_str)),
        word(decision.reason.map(|reason| reason.as_str())),
        Cell::new(runway, if decision.state == Some(LicenseState::Licensed) { PLAIN } else { style }),
        decision.ends.map_or_else(dash, moment).into(),
        decision.lease_end.map_or_else(dash, |end| end.to_string()).into(),
        decision.license.clone().unwrap_or_else(dash).into(),
    ]
}

fn machine(status: &Status, decisions: &[Decision]) -> Value {
    let (policy, version) = status.policy.clone().unzip();
    json!({
        "ledger_id": status.ledger_id,
        "folder": status.folder.as_ref().map(|folder| folder.display().to_string()),
        "generation": status.generation,
        "records": status.records,
        "policy": policy,
        "policy_version": version,
        "t": status.t.to_string(),
        "clock": status.clock.as_str(),
        "ledger": status.ledger.as_str(),
        "drill": status.flags.drill,
        "newer": status.flags.newer,
        "unproven": status.unproven,
        "features": decisions.iter().map(client::json::decision).collect::<Vec<_>>(),
        "help": words::ways_out(&decisions.iter().flat_map(|d| d.why.ways_out.iter().copied()).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()),
    })
}
