//! The command line: a thin skin on the admin API, over HTTP or in this process.

mod appeal;
mod client;
mod documents;
mod extension;
mod input;
mod keys;
mod licence;
mod log;
mod output;
mod policy;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use reprieve::renew::RenewalRequest;
use reprieve_authority::config::Config;
use reprieve_authority::error::{Error, Result};
use reprieve_authority::http;
use reprieve_authority::init::{self, Plan};
use reprieve_authority::renew::Ask;
use reprieve_authority::store::NewEntry;

use client::{Client, Where};

const AFTER: &str = "\
With --url the commands speak to an authority that is served somewhere, by the access token in REPRIEVE_TOKEN or --token-file; without it they open \
the database by --config. Private keys stay on the machine that the command runs on.

Exit codes:
  0  done
  1  something does not hold: a document, a signature, a token, a ledger, the log
  2  bad input
  3  the environment: the database, the disk, the clock, the network

Examples:
  reprieve-authority init acme --vendor acme --url https://licence.example.com --person anna --person ben
  reprieve-authority --config acme/authority.toml serve
  reprieve-authority --config acme/authority.toml token new anna --holder anna --scope read --scope support
  reprieve-authority --url https://licence.example.com extension ask L1 --lasts 3d --why \"their server moves\"
  reprieve-authority --url https://licence.example.com extension sign x-0123456789abcdef --key support-ben.pem";

/// Renews leases, and keeps a public log of every document that it issued.
#[derive(Parser)]
#[command(name = "reprieve-authority", version, after_help = AFTER, max_term_width = 110)]
pub struct Cli {
    #[command(flatten)]
    place: Where,
    /// Print what the admin API answers: JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make keys, a first policy, an application file and a database. With --url: where products will find it.
    Init {
        /// The folder to make.
        folder: PathBuf,
        /// The vendor's id.
        #[arg(long)]
        vendor: String,
        /// Where it listens.
        #[arg(long, default_value = "127.0.0.1:8470")]
        listen: SocketAddr,
        /// `sqlite:FILE`, or a server of PostgreSQL's; repeat it for its standbys.
        #[arg(long, default_value = "sqlite:authority.db", value_name = "URL")]
        database: Vec<String>,
        /// With PostgreSQL: go on without a standby. What is issued may then be lost with the server.
        #[arg(long)]
        no_standby: bool,
        /// Who may sign extensions; repeat it, as two are needed for each.
        #[arg(long, value_name = "NAME")]
        person: Vec<String>,
    },
    /// Serve renewals, the log, and the admin API.
    Serve,
    /// Answer a renewal request that came by mail or on a stick.
    Answer {
        /// The request.
        request: PathBuf,
        /// Give the ledger a seat of this licence.
        #[arg(long)]
        license: Option<String>,
    },
    /// Products.
    #[command(subcommand)]
    Product(licence::ProductCommand),
    /// Licences.
    #[command(subcommand)]
    License(licence::LicenseCommand),
    /// Seats.
    #[command(subcommand)]
    Seat(licence::SeatCommand),
    /// Ledgers: what is known of them.
    #[command(subcommand)]
    Ledger(licence::LedgerCommand),
    /// Access tokens of the admin API.
    #[command(subcommand)]
    Token(licence::TokenCommand),
    /// Extensions: one asks, others sign with keys of their own.
    #[command(subcommand)]
    Extension(extension::Command),
    /// Appeals: what customers sent, and what they are answered.
    #[command(subcommand)]
    Appeal(appeal::Command),
    /// The policy: what a new one would change, and publish it.
    #[command(subcommand)]
    Policy(policy::Command),
    /// Notices of maintenance and outages.
    #[command(subcommand)]
    Notice(documents::NoticeCommand),
    /// Revocations.
    #[command(subcommand)]
    Revocation(documents::RevocationCommand),
    /// The keys that products trust.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Documents that were issued.
    #[command(subcommand)]
    Document(documents::DocumentCommand),
    /// Publish a document that was signed elsewhere.
    Publish {
        /// The token.
        file: PathBuf,
        /// Why: for the journal.
        #[arg(long)]
        why: String,
    },
    /// Who did what, when, and why; the newest first.
    Journal {
        /// A licence, a ledger, an appeal, a document's id, a token.
        #[arg(long)]
        subject: Option<String>,
        /// What comes before this number.
        #[arg(long)]
        before: Option<i64>,
        /// How many, 100 at most.
        #[arg(long)]
        limit: Option<i64>,
    },
    /// The public log: verify it, and that a document is in it.
    #[command(subcommand)]
    Log(log::Command),
    /// Print the OpenAPI description of all that is served.
    Openapi,
    /// Print the key that checks the log's checkpoints.
    LogKey,
}

/// Does what was asked.
///
/// # Errors
/// What went wrong, in words.
pub async fn run(cli: Cli) -> Result<()> {
    let (place, json) = (cli.place, cli.json);
    let path = place.config.clone();
    match cli.command {
        Command::Init { folder, vendor, listen, database, no_standby, person } => {
            let url = place.url.unwrap_or_else(|| format!("http://{listen}"));
            let plan =
                Plan { folder, vendor, url, listen, databases: database, require_standby: !no_standby, people: person };
            output::print(&init::init(&plan).await?)
        }
        Command::Serve => serve(&path).await,
        Command::Answer { request, license } => answer(&path, &request, license, &place.who).await,
        Command::Openapi => output::print(&format!("{}\n", http::openapi())),
        Command::LogKey => {
            let authority = reprieve_authority::start(Config::read(&path)?).await?;
            output::print(&format!("{}\n", authority.log_vkey()?))
        }
        // It needs no keys, so that it can be made before they are at hand.
        Command::Token(command) if place.url.is_none() => licence::token_here(command, &place, json).await,
        command => {
            let client = Client::open(&place).await?;
            match command {
                Command::Product(command) => licence::product(command, &client, json).await,
                Command::License(command) => licence::license(command, &client, json).await,
                Command::Seat(command) => licence::seat(command, &client).await,
                Command::Ledger(command) => licence::ledger(command, &client, json).await,
                Command::Token(command) => licence::token(command, &client, json).await,
                Command::Extension(command) => extension::run(command, &client, json).await,
                Command::Appeal(command) => appeal::run(command, &client, json).await,
                Command::Policy(command) => policy::run(command, &client, json).await,
                Command::Notice(command) => documents::notice(command, &client, json).await,
                Command::Revocation(command) => documents::revocation(command, &client, json).await,
                Command::Keys(command) => keys::run(command, &client, json).await,
                Command::Document(command) => documents::document(command, &client, json).await,
                Command::Publish { file, why } => documents::publish(&client, input::token(&file)?, &why, json).await,
                Command::Journal { subject, before, limit } => {
                    documents::journal(&client, subject.as_deref(), before, limit, json).await
                }
                Command::Log(command) => log::run(command, &client, json).await,
                Command::Init { .. } | Command::Serve | Command::Answer { .. } | Command::Openapi | Command::LogKey => {
                    Ok(())
                }
            }
        }
    }
}

async fn serve(path: &Path) -> Result<()> {
    let authority = reprieve_authority::start(Config::read(path)?).await?;
    // One line that says where, for whoever started it.
    let ready = |at: SocketAddr| println!("listening on {at}");
    http::serve(authority, ready, stop()).await
}

/// Until somebody asks it to stop.
async fn stop() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        return;
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

async fn answer(path: &Path, request: &Path, license: Option<String>, who: &str) -> Result<()> {
    let mut request = RenewalRequest::read(&input::file(request)?).map_err(|error| Error::input(error.to_string()))?;
    let authority = reprieve_authority::start(Config::read(path)?).await?;
    let ledger = request.chain.ledger.clone();
    // A text has none; what was cut out of a line may.
    let carried = std::mem::take(&mut request.appeals);
    let (received, mut problems) = authority.receive_carried(&request.chain, carried).await;
    let renewed = authority.renew(Ask { request, code: None, granted: license, received }).await?;
    problems.extend(renewed.problems);
    let mut tx = authority.store().begin().await?;
    let details = serde_json::json!({ "documents": renewed.answer.documents.len() });
    tx.note(NewEntry { who, what: "renewal.by_hand", subject: &ledger, why: "", details }).await?;
    tx.commit().await?;
    for problem in &problems {
        output::say(&problem.text);
    }
    output::print(&renewed.answer.to_armour())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_fit_together() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
