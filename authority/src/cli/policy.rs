//! The policy: what a new one would change for whom, and only then its publication.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use reprieve::policy::Policy;
use reprieve::terms::Kind;
use reprieve_authority::error::{Error, Kind as Trouble, Result};
use serde_json::{Value, json};

use super::client::Client;
use super::documents;
use super::input::{self, Key};
use super::output::{self, print, say, table};

const PUBLISH: &str = "\
First it says what the new policy changes, and which licences would fare worse than under the one in force. A ledger's outage goes on by the policy that it \
began with; this is about outages to come. Where nobody fares worse it is published; else with --yes alone, or once whoever sits there has typed the \
version. It needs an entry in `changes` for its version: the customers read it.";

#[derive(Subcommand)]
pub enum Command {
    /// Say what a policy would change, and for whom. Nothing is published.
    DryRun {
        /// TOML or JSON.
        file: PathBuf,
    },
    /// Publish a policy, after a dry run.
    #[command(after_help = PUBLISH)]
    Publish {
        /// TOML or JSON.
        file: PathBuf,
        #[command(flatten)]
        key: Key,
        /// Why: for the journal.
        #[arg(long)]
        why: String,
        /// Publish it though some fare worse.
        #[arg(long)]
        yes: bool,
    },
}

fn read(file: &Path) -> Result<Policy> {
    let text = input::text(file)?;
    let read = match text.trim_start_matches('\u{feff}').trim_start().starts_with('{') {
        true => Policy::from_json_text(&text),
        false => Policy::from_toml(&text),
    };
    read.map_err(|error| {
        let each = error.problems.iter().map(|problem| {
            let line = problem.line.map(|line| format!("line {line}, ")).unwrap_or_default();
            format!("{line}{}: {}", problem.key, problem.message)
        });
        Error::input(format!("{}: not a valid policy: {}", file.display(), each.collect::<Vec<_>>().join("; ")))
    })
}

async fn dry_run(policy: &Policy, client: &Client) -> Result<Value> {
    client.post("/admin/v1/policy/dry-run", &json!({ "policy": policy.to_json() })).await
}

/// How many would fare worse, in a table or in JSON.
fn show(result: &Value, as_json: bool) -> Result<u64> {
    let worse = result["worse_count"].as_u64().unwrap_or(0);
    if as_json {
        output::json(result)?;
        return Ok(worse);
    }
    let mut rows = Vec::new();
    let row = |whose: [String; 3], one: &Value| {
        let what = match one["reason"].as_str() {
            Some(reason) => format!("{reason}.{}", output::text(&one["what"])),
            None => output::text(&one["what"]),
        };
        let mark = if one["worse"] == true { "worse" } else { "" };
        let mut cells = whose.to_vec();
        cells.extend([what, output::text(&one["before"]), output::text(&one["after"]), mark.to_owned()]);
        cells
    };
    for one in result["general"].as_array().into_iter().flatten() {
        rows.push(row(["all".to_owned(), "all".to_owned(), output::text(&result["licenses"])], one));
    }
    for group in result["groups"].as_array().into_iter().flatten() {
        for one in group["differences"].as_array().into_iter().flatten() {
            rows.push(row(["sku", "feature", "licenses"].map(|key| output::text(&group[key])), one));
        }
    }
    let before = output::text(&result["before"]);
    print(&format!("from version {before} to {}, for {} licences\n", result["after"], result["licenses"]))?;
    match rows.is_empty() {
        true => print("nothing changes\n")?,
        false => table(&["SKU", "FEATURE", "LICENCES", "WHAT", "BEFORE", "AFTER", ""], &rows)?,
    }
    if worse > 0 {
        print(&format!("\n{worse} licences would fare worse:\n"))?;
        let of = |one: &Value| ["license", "customer", "features"].map(|key| output::text(&one[key])).to_vec();
        let rows: Vec<Vec<String>> = result["worse"].as_array().into_iter().flatten().map(of).collect();
        table(&["LICENCE", "CUSTOMER", "FEATURES"], &rows)?;
    }
    Ok(worse)
}

fn json_of(found: &Value, published: Option<Value>) -> Value {
    json!({ "dry_run": found, "published": published })
}

/// Whether whoever sits there says yes.
fn confirmed(policy: &Policy, worse: u64) -> bool {
    if !std::io::stdin().is_terminal() {
        return false;
    }
    say(&format!(
        "type {} to publish version {} though {worse} licences would fare worse",
        policy.version, policy.version
    ));
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line).is_ok();
    read && line.trim() == policy.version.to_string()
}

pub async fn run(command: Command, client: &Client, json: bool) -> Result<()> {
    match command {
        Command::DryRun { file } => show(&dry_run(&read(&file)?, client).await?, json).map(|_| ()),
        Command::Publish { file, key, why, yes } => {
            let policy = read(&file)?;
            let found = dry_run(&policy, client).await?;
            // One object of JSON in the end, whatever becomes of it.
            let worse = if json { found["worse_count"].as_u64().unwrap_or(0) } else { show(&found, false)? };
            if worse > 0 && !yes && !confirmed(&policy, worse) {
                if json {
                    output::json(&json_of(&found, None))?;
                }
                let text = format!(
                    "{worse} licences would fare worse; nothing was published. Look at them, and give --yes if it is meant"
                );
                return Err(Error::new(Trouble::Conflict, text));
            }
            let mut claims = policy.to_json();
            claims["iat"] = json!(input::now().seconds());
            let token = key.issue(Kind::Policy, &claims)?;
            if !json {
                return documents::publish(client, token, &why, false).await;
            }
            let published = client.post("/admin/v1/documents", &json!({ "token": token, "why": why })).await?;
            output::json(&json_of(&found, Some(published)))
        }
    }
}
