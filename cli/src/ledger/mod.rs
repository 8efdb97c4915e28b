//! `reprieve ledger`: read, verify, export and look after a ledger.

mod care;
mod export;
mod history;
mod prove;
mod records;
mod rekey;
mod status;
mod verify;

use clap::Subcommand;

use crate::failure::{Done, Failure};
use crate::output::Out;

#[derive(Subcommand)]
pub enum Command {
    /// Show what each feature may do, why, and for how long yet.
    Status(status::Args),
    /// Check that a ledger was not changed.
    Verify(verify::Args),
    /// Tell what happened, a sentence for each event.
    History(history::Args),
    /// Write the history for other programs, as JSON lines or CSV.
    Export(export::Args),
    /// Prove a record, or that an older head was only added to, to somebody without the ledger.
    Prove(prove::Prove),
    /// Check such a proof: no ledger and no key is needed.
    CheckProof(prove::Check),
    /// Go on in a new file, so that the old one can be put away.
    Archive(care::Archive),
    /// Change which keys open the ledger.
    Rekey(rekey::Rekey),
    /// Raise the ledger's level, which older releases then do not write to.
    Upgrade(rekey::Upgrade),
    /// Move the ledger aside, so that the next product begins anew.
    Retire(care::Retire),
}

pub fn run(command: Command, out: &mut Out) -> Result<Done, Failure> {
    match command {
        Command::Status(args) => status::run(args, out),
        Command::Verify(args) => verify::run(args, out),
        Command::History(args) => history::run(args, out),
        Command::Export(args) => export::run(args, out),
        Command::Prove(args) => prove::prove(args, out),
        Command::CheckProof(args) => prove::check(args, out),
        Command::Archive(args) => care::archive(args, out),
        Command::Rekey(args) => rekey::rekey(args, out),
        Command::Upgrade(args) => rekey::upgrade(args, out),
        Command::Retire(args) => care::retire(args, out),
    }
}
