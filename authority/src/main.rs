//! The command line of the authority: a thin skin.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use reprieve::renew::RenewalRequest;
use reprieve_authority::config::Config;
use reprieve_authority::error::{Error, Result};
use reprieve_authority::http::{self, Scope};
use reprieve_authority::init::{self, Plan};
use reprieve_authority::issue::hash_of;
use reprieve_authority::renew::Ask;
use reprieve_authority::store::{Licence, NewEntry, NewLicence, Product};

const AFTER: &str = "\
Exit codes:
  0  done
  1  something does not hold: a document, a signature, a token
  2  bad input
  3  the environment: the database, the disk, the clock

Examples:
  reprieve-authority init acme --vendor acme --url https://licence.example.com
  reprieve-authority --config acme/authority.toml serve
  reprieve-authority --config acme/authority.toml answer request.txt > answer.txt";

/// Renews leases, and keeps a public log of every document that it issued.
#[derive(Parser)]
#[command(name = "reprieve-authority", version, after_help = AFTER, max_term_width = 110)]
struct Cli {
    /// The settings.
    #[arg(long, global = true, env = "REPRIEVE_AUTHORITY", default_value = "authority.toml", value_name = "FILE")]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make keys, a first policy, an application file and a database.
    Init {
        /// The folder to make.
        folder: PathBuf,
        /// The vendor's id.
        #[arg(long)]
        vendor: String,
        /// Where products find it.
        #[arg(long, default_value = "http://127.0.0.1:8470")]
        url: String,
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
        /// Who does it: for the journal.
        #[arg(long, default_value = "operator")]
        who: String,
    },
    /// Products.
    #[command(subcommand)]
    Product(ProductCommand),
    /// Licences.
    #[command(subcommand)]
    License(LicenseCommand),
    /// Access tokens of the admin API.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Publish a document that was signed elsewhere.
    Publish {
        /// The token.
        file: PathBuf,
        /// Why: for the journal.
        #[arg(long)]
        why: String,
        /// Who does it: for the journal.
        #[arg(long, default_value = "operator")]
        who: String,
    },
    /// Print the OpenAPI description of all that is served.
    Openapi,
    /// Print the key that checks the log's checkpoints.
    LogKey,
}

#[derive(Subcommand)]
enum ProductCommand {
    /// Make a product.
    New {
        /// Its SKU.
        sku: String,
        /// Its name, for people.
        #[arg(long)]
        name: String,
    },
}

#[derive(Subcommand)]
enum LicenseCommand {
    /// Make a licence. Its activation code is printed this once.
    New {
        /// Its id.
        license: String,
        /// The product.
        #[arg(long)]
        sku: String,
        /// Whose it is.
        #[arg(long)]
        customer: String,
        /// What it grants; repeat it.
        #[arg(long, required = true)]
        feature: Vec<String>,
        /// On how many machines it may be used.
        #[arg(long, default_value_t = 1)]
        seats: u32,
    },
}

#[derive(Subcommand)]
enum TokenCommand {
    /// Make an access token. Its secret is printed this once.
    New {
        /// Its name.
        token: String,
        /// Whose it is: who the journal says did it.
        #[arg(long)]
        holder: String,
        /// What it may do: read, licenses, publish, support, tokens; repeat it.
        #[arg(long, required = true)]
        scope: Vec<String>,
        /// How long it lasts.
        #[arg(long, default_value = "90d")]
        lasts: String,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter =
        tracing_subscriber::EnvFilter::try_from_env("REPRIEVE_LOG").unwrap_or_else(|_| "info,sqlx=warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&Error::unavailable(format!("no threads can be started: {error}"))),
    };
    match runtime.block_on(run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &Error) -> ExitCode {
    eprintln!("reprieve-authority: {error}");
    ExitCode::from(error.code())
}

async fn run(cli: Cli) -> Result<()> {
    let path = cli.config;
    match cli.command {
        Command::Init { folder, vendor, url, listen, database, no_standby, person } => {
            let plan =
                Plan { folder, vendor, url, listen, databases: database, require_standby: !no_standby, people: person };
            print!("{}", init::init(&plan).await?);
            Ok(())
        }
        Command::Serve => serve(&path).await,
        Command::Answer { request, license, who } => answer(&path, &request, license, &who).await,
        Command::Product(ProductCommand::New { sku, name }) => {
            let (_, store) = reprieve_authority::open(&path).await?;
            let mut tx = store.begin().await?;
            tx.add_product(&Product { sku: sku.clone(), name }).await?;
            let details = serde_json::json!({});
            tx.note(NewEntry { who: "operator", what: "product.create", subject: &sku, why: "", details }).await?;
            tx.commit().await
        }
        Command::License(LicenseCommand::New { license, sku, customer, feature, seats }) => {
            let (_, store) = reprieve_authority::open(&path).await?;
            let code = http::new_secret("rpa")?;
            let licence = Licence {
                id: license,
                sku,
                customer,
                seats: i64::from(seats),
                lease_seconds: None,
                ends: None,
                suspended: false,
                features: feature.into_iter().map(|feature| (feature, None)).collect(),
            };
            let mut tx = store.begin().await?;
            tx.add_licence(NewLicence { licence: &licence, code: Some(&hash_of(&code)) }).await?;
            let details =
                serde_json::json!({ "sku": licence.sku, "customer": licence.customer, "seats": licence.seats });
            tx.note(NewEntry { who: "operator", what: "license.create", subject: &licence.id, why: "", details })
                .await?;
            tx.commit().await?;
            println!("{}", code.as_str());
            Ok(())
        }
        Command::Token(TokenCommand::New { token, holder, scope, lasts }) => {
            let (_, store) = reprieve_authority::open(&path).await?;
            let scopes = scope
                .iter()
                .map(|word| Scope::from_word(word).ok_or_else(|| Error::input(format!("there is no scope {word:?}"))))
                .collect::<Result<Vec<_>>>()?;
            let secret = http::admin::make_token(&store, "operator", &token, &holder, &scopes, &lasts).await?;
            println!("{}", secret.as_str());
            Ok(())
        }
        Command::Publish { file, why, who } => {
            let token = read(&file)?;
            let authority = reprieve_authority::start(Config::read(&path)?).await?;
            let published = authority.publish(&token, &who, &why).await?;
            println!("{} {} is number {} of the log", published.kind, published.id, published.seq);
            Ok(())
        }
        Command::Openapi => {
            println!("{}", http::openapi());
            Ok(())
        }
        Command::LogKey => {
            let authority = reprieve_authority::start(Config::read(&path)?).await?;
            println!("{}", authority.log_vkey()?);
            Ok(())
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| Error::input(format!("{}: {error}; check the name", path.display())))
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
    let request = RenewalRequest::read(&read(request)?).map_err(|error| Error::input(error.to_string()))?;
    let authority = reprieve_authority::start(Config::read(path)?).await?;
    let ledger = request.chain.ledger.clone();
    let renewed = authority.renew(Ask { request, code: None, granted: license }).await?;
    let mut tx = authority.store().begin().await?;
    let details = serde_json::json!({ "documents": renewed.answer.documents.len() });
    tx.note(NewEntry { who, what: "renewal.by_hand", subject: &ledger, why: "", details }).await?;
    tx.commit().await?;
    for problem in &renewed.problems {
        eprintln!("reprieve-authority: {}", problem.text);
    }
    print!("{}", renewed.answer.to_armour());
    Ok(())
}
