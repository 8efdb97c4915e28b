//! The command line of Reprieve: a thin skin on the core. One file for each group of commands.

mod audit;
mod claims;
mod drill;
mod failure;
mod input;
mod inspect;
mod keys;
mod ledger;
mod licence;
mod online;
mod output;
mod policy;
mod renew;
mod sign;
mod target;
mod words;
mod world;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use failure::{Done, Failure};
use output::Out;

const AFTER: &str = "\
Exit codes:
  0  done, and nothing is wrong
  1  a check failed: an expectation, a policy, a signature, a ledger, a document that was refused
  2  bad input: a file that cannot be read, an argument, a key that does not open the ledger
  3  the environment: the ledger is busy, the disk is full or may not be written

Results go to stdout, errors to stderr. Tables and colours are for terminals: in a pipe, and with NO_COLOR, the text is plain.

Examples:
  reprieve keys new root.jwk --role root
  reprieve policy check policy.toml
  reprieve sign lease lease.toml --key lease.jwk -o lease.jws
  reprieve inspect lease.jws --app reprieve.toml
  reprieve drill outage.json
  reprieve ledger status --app reprieve.toml";

/// Keeps licensed software running when its licence server cannot be reached: signs documents, runs drills, reads ledgers.
#[derive(Parser)]
#[command(name = "reprieve", version, after_help = AFTER, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// When to write in colour.
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto, value_name = "WHEN", hide_possible_values = true)]
    color: Colour,
}

#[derive(Clone, Copy, ValueEnum)]
enum Colour {
    Auto,
    Always,
    Never,
}

#[derive(Subcommand)]
enum Command {
    /// Make the authority's keys, and the document that names them.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Sign a document: a lease, policy, notice, extension, revocation, ruling or keys.
    Sign(sign::Args),
    /// Look into a signed document.
    Inspect(inspect::Args),
    /// Check or show a policy.
    #[command(subcommand)]
    Policy(policy::Command),
    /// Run scenarios, each on a throwaway ledger with a simulated clock.
    Drill(drill::Args),
    /// A drill on the real clock in a folder that stays: its own authority, wall and ledger.
    #[command(subcommand)]
    World(world::Command),
    /// Read, verify, export and look after a ledger.
    #[command(subcommand)]
    Ledger(ledger::Command),
    /// Ask what a product would be told now.
    Check(licence::Check),
    /// Renew over the network, or write a request for a machine without one.
    Renew(renew::Args),
    /// Import documents that came as files, or as an answer to a renewal request.
    Import(licence::Import),
    /// File an appeal, and write what to send to the vendor.
    Appeal(licence::Appeal),
    /// Write the completions of a shell.
    #[command(after_help = "Example:\n  reprieve completions bash > /etc/bash_completion.d/reprieve")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.color {
        Colour::Auto => {}
        Colour::Always => anstream::ColorChoice::Always.write_global(),
        Colour::Never => anstream::ColorChoice::Never.write_global(),
    }
    let mut out = Out::new();
    let done = run(cli.command, &mut out).and_then(|done| out.flush().map(|()| done));
    match done {
        Ok(done) => ExitCode::from(done.code()),
        Err(failure) => failure.report(),
    }
}

fn run(command: Command, out: &mut Out) -> Result<Done, Failure> {
    match command {
        Command::Keys(command) => keys::run(command, out),
        Command::Sign(args) => sign::run(args, out),
        Command::Inspect(args) => inspect::run(args, out),
        Command::Policy(command) => policy::run(command, out),
        Command::Drill(args) => drill::run(args, out),
        Command::World(command) => world::run(command, out),
        Command::Ledger(command) => ledger::run(command, out),
        Command::Check(args) => licence::check(args, out),
        Command::Renew(args) => renew::run(args, out),
        Command::Import(args) => licence::import(args, out),
        Command::Appeal(args) => licence::appeal(args, out),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "reprieve", &mut script);
            out.raw(&script)?;
            Ok(Done::Well)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_consistent() {
        Cli::command().debug_assert();
    }
}
