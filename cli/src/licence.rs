//! `reprieve check`, `import` and `appeal`: what a product asks and is given, from the command line.

use std::path::PathBuf;

use reprieve::client::{self, Answer, Client};
use reprieve::renew::RenewalAnswer;
use reprieve::terms::Access;
use serde_json::json;

use crate::failure::{Done, Failure, say};
use crate::inspect;
use crate::keys;
use crate::output::{BAD, FAIR, GOOD, Out, one_line, paint};
use crate::target::Target;
use crate::words;

const CHECK: &str = "\
The same answer that a product gets, recorded in the same way: a first use in grace counts. The exit code is 0 for full and limited \
access, 1 for denied, 3 where it could not be decided.

Examples:
  reprieve check cad core --app reprieve.toml
  reprieve check cad core export.step --app reprieve.toml --json";

const IMPORT: &str = "\
For machines without a network: a lease, an extension or a ruling comes as a file, and the answer to `reprieve renew` as the text of a \
mail, with whatever stands around it, or scanned from a code. Whether each document was accepted is printed; the exit code is 1 if one \
was refused.

Examples:
  reprieve import lease.jws --app reprieve.toml
  reprieve import answer.txt --app reprieve.toml
  reprieve import policy.jws lease.jws --app reprieve.toml --create
  reprieve import *.jws --app reprieve.toml --json";

const APPEAL: &str = "\
Records the appeal and writes a JSON file for the vendor: the text, the ledger's signed head and its recent history.
Where a product renews over a line, its next renewal takes the appeal along as well; sent on both ways, it is one.

Example:
  reprieve appeal \"We were offline for the move\" --license L1 --app reprieve.toml -o appeal.json";

#[derive(clap::Args)]
#[command(after_help = CHECK)]
pub struct Check {
    /// The product.
    #[arg(value_parser = keys::name)]
    pub sku: String,
    /// The features.
    #[arg(required = true, value_parser = keys::name, value_name = "FEATURE")]
    pub features: Vec<String>,
    #[command(flatten)]
    pub target: Target,
    /// One JSON line for each feature.
    #[arg(long)]
    pub json: bool,
}

#[derive(clap::Args)]
#[command(after_help = IMPORT)]
pub struct Import {
    /// Tokens, files with one or with an answer, or - for stdin.
    #[arg(required = true, value_name = "TOKEN|FILE")]
    tokens: Vec<String>,
    #[command(flatten)]
    target: Target,
    /// Make the ledger if there is none. The product's user must be the one who runs this, or the product cannot open it.
    #[arg(long, conflicts_with = "drill")]
    create: bool,
    /// One JSON line for each document.
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
#[command(after_help = APPEAL)]
pub struct Appeal {
    /// What happened, in the customer's words.
    text: String,
    /// The licence that it is about.
    #[arg(long, value_parser = keys::name)]
    license: Option<String>,
    #[command(flatten)]
    target: Target,
    /// Where to write what goes to the vendor, in place of stdout.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub fn check(args: Check, out: &mut Out) -> Result<Done, Failure> {
    let open = args.target.open()?;
    let mut done = Done::Well;
    for feature in &args.features {
        let decision = open.client.check(&args.sku, feature);
        if args.json {
            out.json(&client::json::decision(&decision))?;
        } else {
            let style = match decision.access {
                Access::Full if decision.reason.is_none() => GOOD,
                Access::Full | Access::Limited => FAIR,
                Access::Denied | Access::Unknown => BAD,
            };
            out.line(format!("{feature}: {}", paint(&one_line(&words::decision(&decision)), style)))?;
            if decision.access == Access::Denied && !decision.why.ways_out.is_empty() {
                out.line(format!("  {}", words::ways_out(&decision.why.ways_out)))?;
            }
        }
        done = done.max(match decision.access {
            Access::Full | Access::Limited => Done::Well,
            Access::Denied => Done::Wrong,
            Access::Unknown => Done::Trouble,
        });
    }
    // What a check could not write waits for the close.
    open.close()?;
    Ok(done)
}

pub fn import(args: Import, out: &mut Out) -> Result<Done, Failure> {
    let open = args.target.open_or_create(args.create)?;
    let mut done = Done::Well;
    for token in &args.tokens {
        done = done.max(match inspect::token(token) {
            Ok((name, bytes)) => match documents(&open.client, &name, &bytes) {
                Ok(answers) => {
                    let mut worst = Done::Well;
                    for answer in answers {
                        worst = worst.max(told(&name, &answer, args.json, out)?);
                    }
                    worst
                }
                Err(failure) => failure.tell(),
            },
            Err(failure) => failure.tell(),
        });
    }
    open.close()?;
    Ok(done)
}

/// Imports a document, or all of an answer.
fn documents(client: &Client, name: &str, bytes: &[u8]) -> Result<Vec<Answer>, Failure> {
    let answer = RenewalAnswer::read(bytes).map_err(|error| Failure::input(format!("{name}: the answer {error}")))?;
    let is_answer = answer.documents != [bytes];
    if !is_answer {
        return Ok(vec![client.import(bytes)?]);
    }
    let answers = client.renew(bytes)?;
    match answer.documents.len() - answers.len() {
        0 => {}
        left => say(&format!(
            "{name}: {left} more documents were left alone, as so many are of nobody whom this product trusts"
        )),
    }
    Ok(answers)
}

/// Prints what became of a document.
pub fn told(name: &str, answer: &Answer, json: bool, out: &mut Out) -> Result<Done, Failure> {
    if json {
        out.json(&json!({
            "document": answer.kind.map(|kind| kind.as_str()),
            "accepted": answer.accepted,
            "error": answer.error.map(|error| error.as_str()),
            "detail": answer.detail,
            "fresh": answer.fresh,
        }))?;
        return Ok(Done::holds(answer.accepted));
    }
    let what = answer.kind.map_or_else(|| "a document".to_owned(), words::a);
    match answer.error {
        None => out.line(format!("{name}: {what}: {}", paint("accepted", GOOD)))?,
        Some(error) => {
            let why = if answer.detail.is_empty() { words::refusal(error) } else { &answer.detail };
            out.line(format!("{name}: {what}: {}: {}", paint(&format!("refused ({error})"), BAD), one_line(why)))?;
        }
    }
    Ok(Done::holds(answer.accepted))
}

pub fn appeal(args: Appeal, out: &mut Out) -> Result<Done, Failure> {
    let open = args.target.open()?;
    let export = open.client.appeal(args.license.as_deref(), &args.text)?;
    open.close()?;
    match &args.output {
        Some(path) => {
            std::fs::write(path, export).map_err(|error| Failure::writing(path, &error))?;
            say(&format!("the appeal is filed; send {} to the vendor", path.display()));
        }
        None => out.raw(&export)?,
    }
    Ok(Done::Well)
}
