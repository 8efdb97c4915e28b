//! `reprieve ledger export`: the history for other programs.

use clap::ValueEnum;
use serde_json::Value;

use super::records::{self, COLUMNS};
use crate::audit;
use crate::failure::{Done, Failure};
use crate::output::{Out, visible};
use crate::target::Target;

const AFTER: &str = "\
One event a line: its record, its place in it, when it was recorded (t) and took effect (at), and what it says. Accepted documents \
come whole in JSON, as tokens, which `reprieve inspect` reads; in CSV by the token's hash alone. There, a cell \
that a spreadsheet would take for a formula has an apostrophe in front, and control characters are written out. Nothing is \
recorded, and products may go on meanwhile. The exit code is 1 if a record is lost.

Examples:
  reprieve ledger export --app reprieve.toml > history.jsonl
  reprieve ledger export --app reprieve.toml --format csv > history.csv
  reprieve ledger export --app reprieve.toml --from 1200";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    audit: audit::Args,
    /// jsonl or csv.
    #[arg(long, value_enum, default_value_t = Format::Jsonl, hide_possible_values = true)]
    format: Format,
    /// The first record to write.
    #[arg(long, default_value_t = 0, value_name = "RECORD")]
    from: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Jsonl,
    Csv,
}

pub fn run(args: Args, out: &mut Out) -> Result<Done, Failure> {
    let records = records::read(&args.target.config()?, args.audit.read()?.as_ref(), args.from)?;
    let events = records.all.iter().flat_map(|(seq, record)| {
        record.events.iter().enumerate().map(move |(index, event)| records::flat(*seq, index, record, event))
    });
    match args.format {
        Format::Jsonl => {
            for event in events {
                out.json(&Value::Object(event))?;
            }
        }
        Format::Csv => {
            let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
            let failed = |error: csv::Error| Failure::environment(format!("the CSV cannot be written: {error}"));
            // A spreadsheet cuts cells as long as a policy's token.
            let columns: Vec<&str> = COLUMNS.iter().copied().filter(|column| *column != "token").collect();
            csv.write_record(&columns).map_err(failed)?;
            for event in events {
                csv.write_record(columns.iter().map(|column| cell(&event[*column]))).map_err(failed)?;
            }
            let bytes = csv.into_inner().map_err(|error| Failure::environment(error.to_string()))?;
            out.raw(&bytes)?;
        }
    }
    Ok(Done::holds(records.complete))
}

/// A value as a cell: nothing for null, and no formula (OWASP: CSV injection).
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => guarded(&visible(text)),
        other => other.to_string(),
    }
}

fn guarded(text: &str) -> String {
    let first = text.trim_start_matches([' ', '\u{a0}', '"', '\'']).chars().next();
    let formula = matches!(
        first,
        Some(
            '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '|' | '%' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}'
        )
    );
    if formula { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\"=1", "'=1", "\t=1", "\r=1", "\n=1", "\u{ff1d}1", "|x"] {
            assert_eq!(guarded(text), format!("'{text}"));
        }
        for text in ["", "core", "2026-01-01T00:00:00Z", "a=b", "{\"payload\":1}"] {
            assert_eq!(guarded(text), text);
        }
    }
}
