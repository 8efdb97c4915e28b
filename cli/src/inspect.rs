//! `reprieve inspect`: what a token says, and whether its signatures hold.

use std::path::{Path, PathBuf};

use reprieve::client::App;
use reprieve::document::{self, Document, Form, Inspection, Opened, Role, TrustStore};
use reprieve::terms::Kind;
use reprieve::time::Instant;
use serde_json::{Value, json};

use crate::failure::{Done, Failure};
use crate::input;
use crate::output::{BAD, Cell, DIM, FAIR, GOOD, Out, PLAIN, one_line, paint};
use crate::words;

const AFTER: &str = "\
Without --app nothing is verified: the output says what the token claims, and anybody can write a token that claims so. With --app \
the signatures are checked with the root keys and the keys document of the application file, and the exit code is 1 if a product \
that brings this file would refuse the document. A product whose ledger has a newer keys document goes by that one.

Examples:
  reprieve inspect lease.jws
  reprieve inspect lease.jws --app reprieve.toml
  pbpaste | reprieve inspect - --json";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// A token, a file with one, or - for stdin.
    #[arg(value_name = "TOKEN|FILE")]
    token: String,
    /// The application file whose keys the signatures are checked with.
    #[arg(long, value_name = "FILE")]
    app: Option<PathBuf>,
    /// A newer keys document than the application file's.
    #[arg(long, value_name = "FILE", requires = "app")]
    keys: Option<PathBuf>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// The token that an argument is or names, and what to call it.
pub fn token(text: &str) -> Result<(String, Vec<u8>), Failure> {
    let path = Path::new(text);
    if text == "-" || path.exists() {
        return input::bytes(path);
    }
    let is_token = text.trim_start().starts_with('{') || text.split('.').count() == 3 && text.starts_with("ey");
    if is_token {
        return Ok(("the token".to_owned(), text.as_bytes().to_vec()));
    }
    Err(Failure::input(format!("{}: there is no such file, and it is no token either", one_line(text))))
}

/// The keys that an application file brings.
pub fn trust(app: &Path, newer: Option<&Path>) -> Result<TrustStore, Failure> {
    let named = App::from_file(app)?;
    let mut trust = TrustStore::new(named.roots);
    let brought = named.keys.map(|token| (app.display().to_string(), token));
    let newer = newer.map(input::bytes).transpose()?;
    for (name, token) in brought.into_iter().chain(newer) {
        match document::open(&token, &trust).result {
            Ok(Document::Keys(keys)) => {
                trust.adopt(&keys);
            }
            Ok(other) => {
                let message =
                    format!("{name}: its keys are {}; give a document of the kind keys", words::a(other.kind()));
                return Err(Failure::input(message));
            }
            Err(refused) => {
                let message = format!("{name}: its keys document is refused ({}): {}", refused.refusal, refused.detail);
                return Err(Failure::input(message));
            }
        }
    }
    Ok(trust)
}

pub fn run(args: Args, out: &mut Out) -> Result<Done, Failure> {
    let (name, bytes) = token(&args.token)?;
    let trust = args.app.as_deref().map(|app| trust(app, args.keys.as_deref())).transpose()?;
    let inspection =
        document::inspect(&bytes).map_err(|refused| Failure::input(format!("{name}: {}", refused.detail)))?;
    let opened = trust.as_ref().map(|trust| document::open(&bytes, trust));
    if args.json {
        out.json(&machine(&inspection, opened.as_ref()))?;
    } else {
        person(&inspection, opened.as_ref(), trust.as_ref(), out)?;
    }
    Ok(Done::holds(opened.is_none_or(|opened| opened.result.is_ok())))
}

fn form(form: Form) -> &'static str {
    match form {
        Form::Compact => "compact",
        Form::Flattened => "flattened JSON",
        Form::General => "General JSON",
    }
}

fn machine(token: &Inspection, opened: Option<&Opened>) -> Value {
    let signers: Vec<Value> = token
        .signers
        .iter()
        .map(|signer| json!({ "kid": signer.kid, "alg": signer.alg, "header": signer.header }))
        .collect();
    let refused = opened.and_then(|opened| opened.result.as_ref().err());
    json!({
        "id": token.id.to_string(),
        "kind": token.kind.map(Kind::as_str),
        "typ": token.typ,
        "form": form(token.form),
        "signers": signers,
        "claims": token.payload,
        "checked": opened.is_some(),
        "good": opened.map(|opened| opened.result.is_ok()),
        "error": refused.map(|refused| refused.refusal.as_str()),
        "detail": refused.map(|refused| &refused.detail),
    })
}

fn person(
    token: &Inspection,
    opened: Option<&Opened>,
    trust: Option<&TrustStore>,
    out: &mut Out,
) -> Result<(), Failure> {
    let verdict = match opened.map(|opened| &opened.result) {
        None => Cell::new("NOT CHECKED: give --app to check them; until then anybody may have written this", FAIR),
        Some(Ok(_)) => Cell::new("good: they hold, and their keys may sign this", GOOD),
        Some(Err(refused)) => Cell::new(format!("REFUSED ({}): {}", refused.refusal, one_line(&refused.detail)), BAD),
    };
    let kind = match (token.kind, &token.typ) {
        (Some(kind), _) => kind.to_string(),
        (None, Some(typ)) => format!("unknown: {}", one_line(typ)),
        (None, None) => "none that its signatures agree on".to_owned(),
    };
    let mut facts = vec![
        ("kind", Cell::from(kind)),
        ("signatures", verdict),
        ("form", form(token.form).into()),
        ("token", token.id.to_string().into()),
    ];
    for signer in &token.signers {
        let kid = signer.kid.as_deref().unwrap_or("no key");
        facts.push(("signed by", format!("{} ({}){}", one_line(kid), one_line(&signer.alg), roles(kid, trust)).into()));
    }
    if let Some(Ok(says)) = opened.map(|opened| &opened.result) {
        facts.push(("says", words::document(says).into()));
        if let Document::Extension(extension) = says {
            facts.push(("approvals", extension.approvals.to_string().into()));
        }
    }
    out.facts(&facts)?;
    out.line("")?;
    let now = input::now();
    let empty = serde_json::Map::new();
    let claims = token.payload.as_object().unwrap_or(&empty);
    let lines: Vec<(String, Value)> = claims.iter().flat_map(|(key, value)| flat(key, value, token.kind)).collect();
    let width = lines.iter().map(|(key, _)| key.chars().count()).max().unwrap_or(0);
    for (key, value) in &lines {
        let shown = when(key, value, token.kind, now);
        let shown = shown.unwrap_or_else(|| match value {
            Value::String(text) => one_line(text),
            other => one_line(&other.to_string()),
        });
        out.line(format!("{}  {}", paint(&format!("{:width$}", one_line(key)), DIM), paint(&shown, PLAIN)))?;
    }
    Ok(())
}

fn roles(kid: &str, trust: Option<&TrustStore>) -> String {
    let Some(trust) = trust else { return String::new() };
    let named = trust.keys().iter().filter(|key| key.kid == kid).flat_map(|key| &key.roles).map(|role| role.as_str());
    let root = trust.roots().any(|root| root.kid == kid).then_some(Role::Root.as_str());
    let roles: Vec<&str> = named.chain(root).collect();
    if roles.is_empty() { ", not trusted here".to_owned() } else { format!(", may sign as {}", roles.join(", ")) }
}

/// Claims one a line: what is nested gets a path. A policy's stay as they are, for `reprieve policy show`.
fn flat(key: &str, value: &Value, kind: Option<Kind>) -> Vec<(String, Value)> {
    match value {
        Value::Object(map) if !map.is_empty() && kind != Some(Kind::Policy) => {
            map.iter().flat_map(|(inner, value)| flat(&format!("{key}.{inner}"), value, kind)).collect()
        }
        Value::Array(items) if items.iter().any(Value::is_object) && kind != Some(Kind::Policy) => {
            items.iter().enumerate().flat_map(|(at, value)| flat(&format!("{key}[{at}]"), value, kind)).collect()
        }
        _ => vec![(key.to_owned(), value.clone())],
    }
}

/// An instant, where a claim is one: as a date, and how far from now.
fn when(key: &str, value: &Value, kind: Option<Kind>, now: Instant) -> Option<String> {
    let last = key.rsplit('.').next().unwrap_or(key);
    let is_instant = matches!(last, "iat" | "exp" | "nbf")
        || match kind {
            Some(Kind::Lease) => key.starts_with("features."),
            Some(Kind::Notice) => matches!(key, "start" | "end"),
            Some(Kind::Extension) => key == "until",
            Some(Kind::Revocation) => key == "effective",
            Some(Kind::Ruling) => matches!(key, "void.from" | "void.to"),
            _ => false,
        };
    let at = Instant::from_seconds(value.as_i64().filter(|_| is_instant)?);
    if !at.in_documents() {
        return None;
    }
    Some(format!("{at} ({})", input::far(at, now)))
}
