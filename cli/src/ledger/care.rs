//! `reprieve ledger archive` and `retire`: a new file, and a new beginning.

use std::sync::Arc;

use reprieve::ledger::{Disk, Ledger};
use serde_json::json;

use crate::failure::{Done, Failure};
use crate::output::Out;
use crate::target::Target;

const ARCHIVE: &str = "\
The ledger goes on in a new file that begins with all that counts: what is in force, what was charged, what is suspected. The old \
file is kept, and is named by the new one; put it away where auditors find it. Products may go on meanwhile.

Example:
  reprieve ledger archive --app reprieve.toml";

const RETIRE: &str = "\
Moves all files of the ledger into a folder beside it. The next product makes a new ledger, which knows no licence until a lease is \
imported. For a ledger that no key opens any more, or a machine that changes hands. Nothing is deleted, and no key is needed.

Example:
  reprieve ledger retire --app reprieve.toml --yes";

#[derive(clap::Args)]
#[command(after_help = ARCHIVE)]
pub struct Archive {
    #[command(flatten)]
    target: Target,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
#[command(after_help = RETIRE)]
pub struct Retire {
    #[command(flatten)]
    target: Target,
    /// Do it: without this, only what would be done is said.
    #[arg(long)]
    yes: bool,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

pub fn archive(args: Archive, out: &mut Out) -> Result<Done, Failure> {
    let open = args.target.open()?;
    let archived = open.client.archive()?;
    open.close()?;
    if args.json {
        out.json(&json!({ "generation": archived.generation, "archived": archived.before.display().to_string() }))?;
    } else {
        let before = archived.before.display();
        out.line(format!(
            "the ledger goes on in generation {}; {before} is complete and can be put away",
            archived.generation
        ))?;
    }
    Ok(Done::Well)
}

pub fn retire(args: Retire, out: &mut Out) -> Result<Done, Failure> {
    let config = args.target.config()?;
    let folder = config.folder.display().to_string();
    if !args.yes {
        let message = format!(
            "{folder}: the ledger {} would be moved aside, and products would begin with no licence; say --yes to do it",
            config.name
        );
        return Err(Failure::input(message));
    }
    let retired = Ledger::retire(Arc::new(Disk), &config)?;
    if args.json {
        out.json(&json!({ "retired": retired.display().to_string() }))?;
    } else {
        out.line(format!("the ledger was moved to {}; the next product makes a new one", retired.display()))?;
    }
    Ok(Done::Well)
}
