//! `reprieve world`: a drill on the real clock, in a folder that stays, for demos and other processes.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use reprieve::drill::{Drill, Fault, SIGNERS};
use reprieve::terms::{Kind, Outage};
use reprieve::time::Span;
use serde_json::{Value, json};

use crate::failure::{Done, Failure, say};
use crate::output::Out;
use crate::{claims, input, inspect, keys, licence, policy, sign};

const NEW: &str = "\
Makes an authority with a key for each role, and a ledger that is marked as a drill's: a real product refuses it. Products open it \
through the drill API; the commands take it with --drill FOLDER. The keys in the folder are a drill's, and protect nothing.

Examples:
  reprieve world new /tmp/outage --policy policy.toml
  reprieve ledger status --drill /tmp/outage";

const ISSUE: &str = "\
The claims are those of `reprieve sign`: TOML or JSON, with friendly instants. The ledger of a lease or ruling is this world's.
Faults: malformed, unknown_key, bad_signature, wrong_role, wrong_ledger.

Examples:
  reprieve world issue /tmp/outage lease lease.toml -o lease.jws
  echo 'license = \"L1\"
  until = \"+7d\"' | reprieve world issue /tmp/outage extension - --signers 2 --import
  reprieve world issue /tmp/outage lease lease.toml --fault bad_signature --import";

#[derive(Subcommand)]
pub enum Command {
    /// Make a world: an authority, a ledger and a wall clock of its own.
    #[command(after_help = NEW)]
    New {
        /// The folder; one with a drill in it is refused.
        folder: PathBuf,
        /// The policy that is in force from the beginning: TOML or JSON.
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
    },
    /// Issue a document as the world's authority.
    #[command(after_help = ISSUE)]
    Issue {
        /// The world's folder.
        folder: PathBuf,
        /// lease, policy, notice, extension, revocation, ruling or keys.
        #[arg(value_parser = sign::kind)]
        kind: Kind,
        /// What the document says: TOML or JSON; - for stdin.
        claims: PathBuf,
        /// How many people sign it.
        #[arg(long, default_value_t = 1, value_parser = signers)]
        signers: usize,
        /// How the token is broken.
        #[arg(long, value_parser = fault, value_name = "WORD")]
        fault: Option<Fault>,
        /// Answer a renewal request that is made just now, as a lease from a server does.
        #[arg(long, requires = "import")]
        fresh: bool,
        /// Import it into the world's ledger too, and say what became of it.
        #[arg(long)]
        import: bool,
        /// Where to write the token, in place of stdout.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Shift the wall clock that the world's products see: +10d, -2h, or 0 to put it right.
    #[command(
        after_help = "The machine's own clock is never set.\n\nExamples:\n  reprieve world wall /tmp/outage +10d\n  reprieve world wall /tmp/outage 0"
    )]
    Wall {
        /// The world's folder.
        folder: PathBuf,
        /// The shift. Nothing: show it.
        #[arg(allow_hyphen_values = true)]
        by: Option<String>,
    },
    /// Report a failed renewal: network or server.
    Report {
        /// The world's folder.
        folder: PathBuf,
        /// network: no answer; server: reached, but it failed.
        #[arg(value_parser = outage)]
        outage: Outage,
    },
    /// Import documents into the world's ledger.
    Import {
        /// The world's folder.
        folder: PathBuf,
        /// Tokens, files with one, or - for stdin.
        #[arg(required = true, value_name = "TOKEN|FILE")]
        tokens: Vec<String>,
        /// One JSON line for each document.
        #[arg(long)]
        json: bool,
    },
    /// Ask what a product would be told now.
    Check {
        /// The world's folder.
        folder: PathBuf,
        /// The product.
        #[arg(value_parser = keys::name)]
        sku: String,
        /// The features.
        #[arg(required = true, value_parser = keys::name, value_name = "FEATURE")]
        features: Vec<String>,
        /// One JSON line for each feature.
        #[arg(long)]
        json: bool,
    },
}

fn signers(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| (1..=SIGNERS).contains(n)).ok_or_else(|| format!("1 to {SIGNERS} people can sign"))
}

fn fault(text: &str) -> Result<Fault, String> {
    let all = "malformed, unknown_key, bad_signature, wrong_role, wrong_ledger";
    Fault::from_word(text).ok_or_else(|| format!("there are {all}"))
}

fn outage(text: &str) -> Result<Outage, String> {
    Outage::from_word(text).ok_or_else(|| "there are network and server".to_owned())
}

pub fn run(command: Command, out: &mut Out) -> Result<Done, Failure> {
    match command {
        Command::New { folder, policy } => new(&folder, policy.as_deref(), out),
        Command::Issue { folder, kind, claims, signers, fault, fresh, import, output } => {
            if fault == Some(Fault::WrongLedger) && !matches!(kind, Kind::Lease | Kind::Ruling) {
                return Err(Failure::input(format!("wrong_ledger: {} names no ledger", crate::words::a(kind))));
            }
            if fresh && kind != Kind::Lease {
                return Err(Failure::input(format!(
                    "--fresh goes with a lease; {} answers no request",
                    crate::words::a(kind)
                )));
            }
            let drill = Drill::open(&folder)?;
            let source = input::read(&claims)?;
            let mut body = claims::of(kind, &source, None, false)?;
            if fresh {
                body.insert("nonce".to_owned(), json!(drill.client()?.request()?.nonce));
            }
            let token = drill.issue(kind, &Value::Object(body), signers, fault)?;
            if !import || output.is_some() {
                sign::write_token(&token, output.as_deref(), out)?;
            }
            if import {
                return licence::told(&source.name, &drill.client()?.import(&token)?, false, out);
            }
            Ok(Done::Well)
        }
        Command::Wall { folder, by } => wall(&folder, by.as_deref(), out),
        Command::Report { folder, outage } => {
            let drill = Drill::open(&folder)?;
            let news = drill.client()?.report(outage)?;
            out.line(if news { "recorded" } else { "known already; nothing was recorded" })?;
            Ok(Done::Well)
        }
        Command::Import { folder, tokens, json } => {
            let drill = Drill::open(&folder)?;
            let mut done = Done::Well;
            for token in &tokens {
                done = done.max(match inspect::token(token) {
                    Ok((name, bytes)) => licence::told(&name, &drill.client()?.import(&bytes)?, json, out)?,
                    Err(failure) => failure.tell(),
                });
            }
            Ok(done)
        }
        Command::Check { folder, sku, features, json } => {
            licence::check(licence::Check { sku, features, target: crate::target::Target::drill(folder), json }, out)
        }
    }
}

fn new(folder: &Path, policy: Option<&Path>, out: &mut Out) -> Result<Done, Failure> {
    let policy = match policy {
        None => None,
        Some(file) => {
            let (name, read) = policy::read(file)?;
            let read = read
                .map_err(|error| Failure::input(format!("{name}: not valid\n{}", policy::problems(&name, &error))))?;
            Some(read.to_json())
        }
    };
    let drill = Drill::create(folder, policy.as_ref())?;
    out.line(format!("{}: a world with the ledger {}", folder.display(), drill.client()?.ledger_id()?))?;
    if policy.is_none() {
        say(
            "no policy is in force, so there is no grace; `reprieve world issue FOLDER policy FILE --import` brings one",
        );
    }
    Ok(Done::Well)
}

fn wall(folder: &Path, by: Option<&str>, out: &mut Out) -> Result<Done, Failure> {
    let clock = reprieve::drill::ShiftedClock::new(folder);
    if !folder.join("authority.json").exists() {
        return Err(Failure::input(format!(
            "{}: there is no world; make it with `reprieve world new`",
            folder.display()
        )));
    }
    let by = match by {
        None => Span::ZERO,
        Some("0") => -clock.offset(),
        Some(text) => input::shift(text).map_err(Failure::input)?,
    };
    clock.set_wall(by)?;
    let offset = clock.offset();
    let sign = if offset.is_negative() { "" } else { "+" };
    out.line(format!(
        "the wall shows {}, {sign}{} from true time",
        input::moment(clock.now() + offset),
        input::about(offset)
    ))?;
    Ok(Done::Well)
}
