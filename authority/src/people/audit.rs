//! What the files of an appeal's ledger say, read with the vendor's audit key on the machine of whoever answers it. The files are evidence: a copy is read.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reprieve::client::{App, Builder, read_records};
use reprieve::grace::Event;
use reprieve::ledger::note::Checkpoint;
use reprieve::ledger::{self, AuditSlot, Config, Disk, Key, KeySource};
use serde::Serialize;
use serde_json::Value;
use x25519_dalek::{X25519_BASEPOINT_BYTES, x25519};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// The vendor's private audit key (X25519).
pub struct AuditKey {
    name: String,
    secret: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditKey").field("name", &self.name).finish_non_exhaustive()
    }
}

impl AuditKey {
    /// Reads the private JWK that `reprieve keys audit` makes.
    ///
    /// # Errors
    /// For anything else.
    pub fn read(path: &Path) -> Result<AuditKey> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map(Zeroizing::new);
        let text = text.map_err(|error| Error::input(format!("{name}: {error}; check the name")))?;
        let wrong = || {
            let advice = "give the file that `reprieve keys audit` made";
            Error::input(format!("{name}: is no private audit key (a JWK with crv X25519); {advice}"))
        };
        let jwk: Value = serde_json::from_str(&text).map_err(|_| wrong())?;
        let is = |key: &str, word: &str| jwk.get(key).and_then(Value::as_str) == Some(word);
        let d = jwk.get("d").and_then(Value::as_str).and_then(|d| URL_SAFE_NO_PAD.decode(d).ok()).map(Zeroizing::new);
        let secret = d.and_then(|d| <[u8; 32]>::try_from(d.as_slice()).ok()).map(Zeroizing::new);
        match secret {
            Some(secret) if is("kty", "OKP") && is("crv", "X25519") => Ok(AuditKey { name, secret }),
            _ => Err(wrong()),
        }
    }

    /// What opens each generation that has a slot for this key.
    fn opens(&self, config: &Config) -> Result<KeySource> {
        let public = x25519(*self.secret, X25519_BASEPOINT_BYTES);
        let each = ledger::audit_slots_of_each(&Disk, config)?;
        let open = |slots: &Vec<AuditSlot>| {
            let slot = slots.iter().find(|slot| slot.recipient() == public)?;
            slot.open(&Zeroizing::new(x25519(*self.secret, slot.ephemeral()))).ok()
        };
        let keys: Vec<Key> = each.iter().rev().filter_map(|(_, slots)| open(slots)).collect();
        if keys.is_empty() {
            let why = match each.iter().all(|(_, slots)| slots.is_empty()) {
                true => "it has no slot for an audit key",
                false => "it is for another audit key",
            };
            return Err(Error::input(format!("{}: does not open the ledger: {why}", self.name)));
        }
        Ok(KeySource::data_keys(keys))
    }
}

/// What an appeal says of its ledger, and what the authority knows of it.
#[derive(Clone, Debug, Default)]
pub struct Claimed {
    /// The ledger's id.
    pub ledger: String,
    /// The head that the appeal shows: a signed note.
    pub head: String,
    /// The customer's words.
    pub words: String,
    /// The head that the authority countersigned last.
    pub countersigned: Option<String>,
    /// The key that the authority knows for the ledger, in base64.
    pub key: Option<String>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// `sound`; `behind` where the files end before a head that was shown, so they are a copy of before, or an older one was put back: ask for the files
    /// anew; `not_this_ledger`; `damaged`.
    pub verdict: &'static str,
    /// How many records there are.
    pub records: u64,
    /// Whether the appeal's head is of these files.
    pub head: bool,
    /// Whether the head that the authority countersigned last is of these files; none if it never countersigned any.
    pub countersigned: Option<bool>,
    /// Whether the customer's words stand in the ledger.
    pub recorded: bool,
    /// What is wrong, in words.
    pub problems: Vec<String>,
}

/// The most problems that are told one by one.
const MOST: usize = 50;

/// The file of a head's generation.
fn file_of(config: &Config, head: &str) -> Option<PathBuf> {
    let origin = Checkpoint::of_note(head).ok()?.origin;
    let generation: u64 = origin.rsplit('/').next()?.parse().ok()?;
    Some(config.folder.join(format!("{}.g{generation}.ledger", config.name)))
}

/// Why a head is not of these files.
struct Unlike {
    /// The files end before it: they are a copy of before, or an older one was put back.
    behind: bool,
    why: String,
}

/// Whether the first records of a ledger's file are those that a signed head is of, and why not.
fn holds(config: &Config, head: &str, key: Option<&str>) -> std::result::Result<(), Unlike> {
    let unlike = |behind: bool, why: String| Err(Unlike { behind, why });
    let (Some(path), Ok(says)) = (file_of(config, head), Checkpoint::of_note(head)) else {
        return unlike(false, "the head names no generation".to_owned());
    };
    if !path.exists() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return unlike(true, format!("its file {name} is not there"));
    }
    let report = match ledger::verify_public(&Disk, &path, Some(head)) {
        Ok(report) => report,
        Err(error) => return unlike(false, error.to_string()),
    };
    if key.is_some_and(|key| key != STANDARD.encode(report.public_key)) {
        return unlike(false, "the file is of a ledger with another key than the authority knows".to_owned());
    }
    match report.head {
        Some(_) => Ok(()),
        None => {
            let why = report.problems.last().map_or_else(|| "it does not fit".to_owned(), ToString::to_string);
            unlike(report.size < says.size, why)
        }
    }
}

/// Verifies a copy of a ledger's files, and holds them against the appeal and against what the authority countersigned. Without an audit key the
/// application's secret opens it, where the secret file of its machine lies beside it.
///
/// # Errors
/// Where no ledger lies there, or no key opens it.
pub fn verify(app: App, folder: &Path, key: Option<&AuditKey>, claimed: &Claimed) -> Result<Findings> {
    let trouble = |error: reprieve::client::Error| Error::input(error.to_string());
    let mut config = Builder::new(app).folder(folder).create(false).config().map_err(trouble)?;
    // What is looked at is the customer's: nothing of it is to be left in this user's own folders.
    config.witness = None;
    if let Some(key) = key {
        config.keys = key.opens(&config)?;
    }
    let verification = ledger::verify(std::sync::Arc::new(Disk), &config)?;
    let mut found = Findings::default();
    for report in &verification.generations {
        found.records += report.records;
        for finding in &report.findings {
            found.problems.push(format!("generation {}: {finding}", report.generation));
        }
        if let Some(locked) = &report.locked {
            found.problems.push(format!("generation {} was not verified: {}", report.generation, locked.why));
        }
    }
    let mut behind = false;
    let mut other = verification.id.to_string() != claimed.ledger;
    if other {
        found
            .problems
            .push(format!("these are files of ledger {}, and the appeal is of {}", verification.id, claimed.ledger));
    }
    let mut held =
        |head: &str, which: &str, problems: &mut Vec<String>| match holds(&config, head, claimed.key.as_deref()) {
            Ok(()) => true,
            Err(unlike) => {
                behind |= unlike.behind;
                other |= !unlike.behind;
                problems.push(format!("{which} is not of these files: {}", unlike.why));
                false
            }
        };
    found.head = held(&claimed.head, "the head that the appeal shows", &mut found.problems);
    if let Some(head) = &claimed.countersigned {
        let which = "the head that the authority countersigned last";
        found.countersigned = Some(held(head, which, &mut found.problems));
    }
    // What opens a ledger repairs it: this is the copy.
    match read_records(std::sync::Arc::new(Disk), &config, 0) {
        Ok(records) => {
            let said = |event: &Event| matches!(event, Event::Appealed { text, .. } if *text == claimed.words);
            found.recorded =
                records.iter().filter_map(|(_, record)| record.as_ref()).any(|one| one.events.iter().any(said));
            if !found.recorded {
                found.problems.push("the customer's words do not stand in the ledger".to_owned());
            }
        }
        Err(error) => found.problems.push(format!("its records cannot be read: {error}")),
    }
    found.verdict = match (verification.is_damaged(), other, behind) {
        (true, _, _) => "damaged",
        (_, true, _) => "not_this_ledger",
        (_, _, true) => "behind",
        _ => "sound",
    };
    if found.problems.len() > MOST {
        let more = found.problems.len() - MOST;
        found.problems.truncate(MOST);
        found.problems.push(format!("and {more} more"));
    }
    Ok(found)
}
