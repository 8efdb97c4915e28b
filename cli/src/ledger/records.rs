//! Reading the records of every generation that lies in the folder: nothing is recorded, repaired or locked.

use reprieve::client::read_records;
use reprieve::grace::{Event, Record};
use reprieve::ledger::Config;
use serde_json::{Map, Value, json};

use crate::audit::AuditKey;
use crate::failure::{Failure, say};
use crate::target::{self, Reading};
use crate::words;

/// Records by number, from one on.
pub struct Records {
    pub all: Vec<(u64, Record)>,
    /// Whether nothing between them is lost.
    pub complete: bool,
}

/// Reads them; what cannot be read is named on stderr, and the rest is given.
pub fn read(config: &Config, audit: Option<&AuditKey>, from: u64) -> Result<Records, Failure> {
    let mut records = Records { all: Vec::new(), complete: true };
    let generations = target::generations(config)?;
    if generations.is_empty() {
        // The ledger's own error says what to do.
        read_records(Reading::new(&config.name, 0), config, from)?;
    }
    let mut next = None;
    for (at, generation) in generations.iter().enumerate() {
        let upto = Reading::new(&config.name, *generation);
        let read = opened(*generation, config, audit).and_then(|config| Ok(read_records(upto, &config, from)?));
        let read = match read {
            Ok(read) => read,
            Err(failure) if at + 1 < generations.len() => {
                records.lacks(&format!("generation {generation} cannot be read: {failure}"));
                continue;
            }
            Err(failure) => return Err(failure),
        };
        for (seq, record) in read {
            // Where a file cannot be read, the one before it is read again.
            if next.is_some_and(|next| seq < next) {
                continue;
            }
            if let Some(next) = next.filter(|next| *next < seq) {
                records.lacks(&format!("records {next} to {} are not there", seq - 1));
            }
            next = Some(seq + 1);
            match record {
                Some(record) => records.all.push((seq, record)),
                None => records.lacks(&format!("record {seq} cannot be read")),
            }
        }
    }
    if let Some(first) = records.all.first().map(|(seq, _)| *seq).filter(|first| *first > from) {
        say(&format!("the records before {first} are not in this folder; they were archived"));
    }
    Ok(records)
}

impl Records {
    fn lacks(&mut self, what: &str) {
        self.complete = false;
        say(&format!("{what}; `reprieve ledger verify` says more"));
    }
}

/// With an audit key, what it opens; else as the application file says.
fn opened(upto: u64, config: &Config, audit: Option<&AuditKey>) -> Result<Config, Failure> {
    let mut config = config.clone();
    if let Some(audit) = audit {
        config.keys = audit.opens(&config, upto)?;
    }
    Ok(config)
}

/// The fields of an event, in the order of the export's columns.
pub const COLUMNS: [&str; 20] = [
    "record", "index", "t", "event", "at", "license", "feature", "access", "state", "reason", "left", "document",
    "error", "fresh", "from", "to", "size", "text", "token", "token_id",
];

/// One event with every field, nulls written out.
pub fn flat(seq: u64, index: usize, record: &Record, event: &Event) -> Map<String, Value> {
    let mut fields: Map<String, Value> = COLUMNS.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("record", json!(seq));
    put("index", json!(index));
    put("t", json!(record.t.to_string()));
    put("event", json!(words::name(event)));
    put("at", json!(words::effective(event).unwrap_or(record.t).to_string()));
    match event {
        Event::Accepted { kind, license, token, fresh } => {
            put("document", json!(kind.as_str()));
            put("license", json!(license));
            put("fresh", json!(fresh));
            put("token", json!(String::from_utf8_lossy(token)));
            put("token_id", json!(reprieve::document::TokenId::of(token).to_string()));
        }
        Event::Refused { kind, license, token, refusal } => {
            put("document", json!(kind.map(|kind| kind.as_str())));
            put("license", json!(license));
            put("error", json!(refusal.as_str()));
            put("token_id", json!(token.to_string()));
        }
        Event::Reported { outage } => {
            put("reason", json!(outage.as_str()));
        }
        Event::FirstUse { license, feature, .. } => {
            put("license", json!(license));
            put("feature", json!(feature));
        }
        Event::Charged { license, feature, from, to } => {
            put("license", json!(license));
            put("feature", json!(feature));
            put("from", json!(from.to_string()));
            put("to", json!(to.to_string()));
        }
        Event::Changed { license, feature, standing, .. } => {
            put("license", json!(license));
            put("feature", json!(feature));
            put("access", json!(standing.access.as_str()));
            put("state", json!(standing.state.as_str()));
            put("reason", json!(standing.reason.map(|reason| reason.as_str())));
            put("left", json!(standing.left.map(|left| left.as_seconds())));
        }
        Event::Suspected { suspect, .. } => {
            put("reason", json!(suspect.as_str()));
        }
        Event::Recovered { bytes, .. } => {
            put("size", json!(bytes));
        }
        Event::Appealed { license, text, .. } => {
            put("license", json!(license));
            put("text", json!(text));
        }
        Event::AppealReceived { license, .. } => {
            put("license", json!(license));
        }
        Event::Requested { generation, size, .. } | Event::Countersigned { generation, size } => {
            put("generation", json!(generation));
            put("size", json!(size));
        }
        Event::Damage { text, .. } => {
            put("text", json!(text));
        }
        _ => {}
    }
    fields
}
