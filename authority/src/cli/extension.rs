//! Extensions: one person asks, others sign on machines of their own, with keys that the authority never sees.

use std::path::PathBuf;

use clap::Subcommand;
use reprieve::terms::Kind;
use reprieve::time::Instant;
use reprieve_authority::error::{Error, Result};
use serde_json::{Value, json};

use super::client::Client;
use super::input::{self, Key, name};
use super::output::{self, facts, list, print, say};

const SIGN: &str = "\
The claims are fetched, shown, and signed on this machine; the signature goes back. To sign where there is no network:
  reprieve-authority extension show REQUEST --claims > claims.json
  reprieve sign extension claims.json --key anna.jwk -o anna.jws        # there
  reprieve-authority extension sign REQUEST --signature anna.jws";

#[derive(Subcommand)]
pub enum Command {
    /// Ask for an extension. Its claims are fixed, and wait for signatures.
    Ask {
        /// The licence.
        #[arg(value_parser = name)]
        license: String,
        /// A feature or a pattern; repeat it. None is all.
        #[arg(long)]
        feature: Vec<String>,
        /// When it ends: 2026-12-05T20:00:00Z.
        #[arg(long, value_parser = input::instant, required_unless_present = "lasts", conflicts_with = "lasts")]
        until: Option<Instant>,
        /// How long it lasts from now on: 3d.
        #[arg(long)]
        lasts: Option<String>,
        /// full or limited.
        #[arg(long, default_value = "full")]
        access: String,
        /// Why: for the journal, and for those who sign.
        #[arg(long)]
        why: String,
    },
    /// Requests, the newest first.
    List {
        /// open, granted, withdrawn or expired.
        #[arg(long)]
        state: Option<String>,
    },
    /// A request, and who signed it.
    Show {
        /// The request.
        #[arg(value_parser = name)]
        request: String,
        /// Print the claims alone, byte for byte as they are to be signed.
        #[arg(long)]
        claims: bool,
    },
    /// Sign a request with a key of your own.
    #[command(after_help = SIGN)]
    Sign {
        /// The request.
        #[arg(value_parser = name)]
        request: String,
        /// The private key that signs: PEM named after the key's id, a JWK, or a PKCS #11 URI. It stays where it is.
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// A file with the key's passphrase, in place of REPRIEVE_PASSPHRASE or the terminal.
        #[arg(long, value_name = "FILE", requires = "key")]
        passphrase: Option<PathBuf>,
        /// A signature that was made elsewhere, in place of --key.
        #[arg(long, value_name = "FILE", conflicts_with = "key", required_unless_present = "key")]
        signature: Option<PathBuf>,
    },
    /// Take a request back.
    Withdraw {
        /// The request.
        #[arg(value_parser = name)]
        request: String,
        /// Why: for the journal.
        #[arg(long)]
        why: String,
    },
}

/// The claims of a request, as a text.
fn claims(shown: &Value) -> Result<&str> {
    shown["claims"].as_str().ok_or_else(|| Error::unavailable("the authority names no claims; check --url"))
}

/// What a request comes to, for whoever is about to sign it.
fn in_words(shown: &Value) -> Result<String> {
    let claims: Value = serde_json::from_str(claims(shown)?).map_err(|_| Error::input("the claims are no JSON"))?;
    let until = claims["until"].as_i64().map(|at| Instant::from_seconds(at).to_string()).unwrap_or_default();
    let features = match &claims["features"] {
        Value::Null => "all features".to_owned(),
        some => output::text(some),
    };
    Ok(format!(
        "{} access to {features} of licence {} until {until}, asked for by {}: {}",
        output::text(&claims["access"]),
        output::text(&claims["license"]),
        output::text(&shown["asked_by"]),
        output::text(&shown["why"])
    ))
}

fn standing(shown: &Value, as_json: bool) -> Result<()> {
    if as_json {
        return output::json(shown);
    }
    let holds = |one: &&Value| one["holds"] == true;
    let signed = shown["signatures"].as_array().into_iter().flatten().filter(holds).count();
    let needed = shown["approvals"].as_u64();
    let request = output::text(&shown["request"]);
    match shown["document"].as_str() {
        Some(document) => print(&format!("{request} is granted: document {document}\n")),
        None => {
            let needed = needed.map_or_else(|| "-".to_owned(), |needed| needed.to_string());
            print(&format!("{request} is {}: {signed} of {needed} have signed\n", output::text(&shown["state"])))
        }
    }
}

pub async fn run(command: Command, client: &Client, json: bool) -> Result<()> {
    match command {
        Command::Ask { license, feature, until, lasts, access, why } => {
            let until = until.map(|until| until.to_string());
            let body = json!({ "license": license, "features": feature, "until": until, "lasts": lasts, "access": access, "why": why });
            standing(&client.post("/admin/v1/extensions", &body).await?, json)
        }
        Command::List { state } => {
            let query = state.map(|state| format!("?state={}", super::client::encode(&state))).unwrap_or_default();
            let columns = [
                ("REQUEST", "request"),
                ("STATE", "state"),
                ("LICENCE", "license"),
                ("ASKED BY", "asked_by"),
                ("ENDS", "ends"),
                ("WHY", "why"),
            ];
            list(json, &client.get(&format!("/admin/v1/extensions{query}")).await?, &columns)
        }
        Command::Show { request, claims: true } => {
            let shown = client.get(&at(&request)).await?;
            print(&format!("{}\n", claims(&shown)?))
        }
        Command::Show { request, claims: false } => facts(json, &client.get(&at(&request)).await?),
        Command::Sign { request, key, passphrase, signature } => {
            let token = match (key, signature) {
                (_, Some(file)) => input::token(&file)?,
                (Some(key), None) => {
                    let shown = client.get(&at(&request)).await?;
                    say(&in_words(&shown)?);
                    sign(claims(&shown)?, &Key { key, passphrase })?
                }
                (None, None) => return Err(Error::input("give --key FILE, or --signature FILE")),
            };
            let path = format!("{}/signatures", at(&request));
            standing(&client.post(&path, &json!({ "signature": token })).await?, json)
        }
        Command::Withdraw { request, why } => {
            client.post(&format!("{}/withdraw", at(&request)), &json!({ "why": why })).await.map(|_| ())
        }
    }
}

fn at(request: &str) -> String {
    format!("/admin/v1/extension/{}", request.replace('/', "%2F"))
}

/// Signs these claims, and nothing else.
fn sign(claims: &str, key: &Key) -> Result<String> {
    let value: Value = serde_json::from_str(claims).map_err(|_| Error::input("the claims are no JSON"))?;
    let written = value.to_string();
    if written != claims {
        return Err(Error::input("the claims are not written as an authority writes them; nothing was signed"));
    }
    key.issue(Kind::Extension, &value)
}
