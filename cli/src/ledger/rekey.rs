//! `reprieve ledger rekey` and `upgrade`: which keys open a ledger, and which releases write to it.

use std::path::PathBuf;

use clap::ValueEnum;
use reprieve::client::SlotChoice;
use reprieve::ledger::{self, Disk, KeySlot};
use serde_json::json;

use crate::audit::AuditKey;
use crate::failure::{Done, Failure};
use crate::output::Out;
use crate::target::Target;

const REKEY: &str = "\
A ledger's data key lies in its header, wrapped once for each key that opens it: a slot. Without options the slot of the application's \
newest secret is made anew and all others stay. Products that have the ledger open go on.

  --add audit      a slot for the audit_key of the application file: whoever has its private half can open the ledger
  --drop older     the slots of all but the newest secret: products of releases that have only an older one open it no more
  --drop caller    those for bytes of a caller's own
  --drop audit     those for audit keys
  --drop unknown   those that a later release knows
  --new-data-key   go on in a new file under a new data key: who had the old one reads nothing of what follows. What is in the \
old file the old slots still open. A slot whose source is not at hand cannot be made anew, and has to be dropped by name.

Where NAME.secret is lost and the ledger has a slot for an audit key, --audit-key gives it a way in again: a new NAME.secret is made, \
and the application's slots that nothing opens any more are replaced in the newest file; older files stay as they are. The vendor does that with the files that the customer sends, and \
sends all of them back, NAME.secret too.

Examples:
  reprieve ledger rekey --app reprieve.toml --drop older
  reprieve ledger rekey --app reprieve.toml --add audit
  reprieve ledger rekey --app reprieve.toml --new-data-key --drop older --json
  reprieve ledger rekey --app reprieve.toml --folder from-a-customer --audit-key audit.jwk";

const UPGRADE: &str = "\
A ledger's level says which events may be in it. It never rises by itself, so that an older product on the same machine goes on \
writing. Once it is raised, releases below it decide from what they know, say `newer`, and append nothing. It cannot be taken back. \
Without --level it is raised to the highest that this release knows.

Example:
  reprieve ledger upgrade --app reprieve.toml";

#[derive(clap::Args)]
#[command(after_help = REKEY)]
pub struct Rekey {
    #[command(flatten)]
    target: Target,
    /// A slot to add: audit.
    #[arg(long, value_enum, value_name = "KIND", hide_possible_values = true)]
    add: Vec<Addable>,
    /// Slots to drop: older, caller, audit, unknown; repeat it for several.
    #[arg(long, value_enum, value_name = "KIND", hide_possible_values = true)]
    drop: Vec<Kind>,
    /// Go on in a new file under a new data key.
    #[arg(long)]
    new_data_key: bool,
    /// The vendor's private audit key, for a ledger whose NAME.secret is lost.
    #[arg(long, value_name = "FILE", requires = "app", conflicts_with_all = ["add", "drop", "new_data_key"])]
    audit_key: Option<PathBuf>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Addable {
    Audit,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Application,
    Older,
    Caller,
    Audit,
    Unknown,
}

impl From<Kind> for SlotChoice {
    fn from(kind: Kind) -> SlotChoice {
        match kind {
            Kind::Application => SlotChoice::Application,
            Kind::Older => SlotChoice::Older,
            Kind::Caller => SlotChoice::Caller,
            Kind::Audit => SlotChoice::Audit,
            Kind::Unknown => SlotChoice::Unknown,
        }
    }
}

#[derive(clap::Args)]
#[command(after_help = UPGRADE)]
pub struct Upgrade {
    #[command(flatten)]
    target: Target,
    /// The level, if not the highest that this release knows.
    #[arg(long, value_name = "N")]
    level: Option<u32>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

fn names(slots: &[KeySlot]) -> Vec<String> {
    slots.iter().map(KeySlot::to_string).collect()
}

fn list(what: &str, slots: &[KeySlot], out: &mut Out) -> Result<(), Failure> {
    out.line(format!("{what}:"))?;
    names(slots).into_iter().try_for_each(|name| out.line(format!("  {name}")))
}

pub fn rekey(args: Rekey, out: &mut Out) -> Result<Done, Failure> {
    if let Some(audit) = &args.audit_key {
        return recover(&args.target, &AuditKey::read(audit)?, args.json, out);
    }
    let change = reprieve::client::Rekey {
        add_audit: !args.add.is_empty(),
        drop: args.drop.iter().map(|kind| SlotChoice::from(*kind)).collect(),
        new_data_key: args.new_data_key,
    };
    let open = args.target.open()?;
    let rekeyed = open.client.rekey(&change)?;
    open.close()?;
    let previous = rekeyed.previous.as_ref().map(|path| path.display().to_string());
    if args.json {
        out.json(&json!({
            "before": names(&rekeyed.before),
            "after": names(&rekeyed.after),
            "generation": rekeyed.generation,
            "previous": previous,
        }))?;
        return Ok(Done::Well);
    }
    list("slots before", &rekeyed.before, out)?;
    list("slots now", &rekeyed.after, out)?;
    if let Some(previous) = previous {
        out.line(format!(
            "the ledger goes on in generation {} under a new data key; {previous} still opens by the old one",
            rekeyed.generation
        ))?;
    }
    Ok(Done::Well)
}

/// The install secret is lost: the vendor's audit key makes a way in.
fn recover(target: &Target, audit: &AuditKey, as_json: bool, out: &mut Out) -> Result<Done, Failure> {
    let config = target.config()?;
    let slots = ledger::audit_slots(&Disk, &config)?;
    if audit.slot(&slots).is_none() {
        return Err(audit.refused(&slots, &config));
    }
    let open = |slot: &ledger::AuditSlot| {
        let mine = audit.slot(std::slice::from_ref(slot));
        mine.and_then(|slot| audit.open(slot).ok())
    };
    let recovered = ledger::recover(&Disk, &config, &open)?;
    if as_json {
        out.json(&json!({ "before": names(&recovered.before), "after": names(&recovered.after) }))?;
        return Ok(Done::Well);
    }
    list("slots before", &recovered.before, out)?;
    list("slots now", &recovered.after, out)?;
    out.line(format!(
        "the application opens it again; send all files of {} back, {}.secret too",
        config.folder.display(),
        config.name
    ))?;
    Ok(Done::Well)
}

pub fn upgrade(args: Upgrade, out: &mut Out) -> Result<Done, Failure> {
    let open = args.target.open()?;
    let upgraded = open.client.upgrade(args.level)?;
    open.close()?;
    if args.json {
        out.json(&json!({ "before": upgraded.before, "level": upgraded.level }))?;
    } else {
        out.line(format!(
            "the ledger has level {} instead of {}; releases that do not know it append nothing to it any more",
            upgraded.level, upgraded.before
        ))?;
    }
    Ok(Done::Well)
}
