//! Judging what a power cut left: every claim holds, nothing is damaged or suspect, and the ledgers go on.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use reprieve::drill::Drill;
use reprieve::ledger::{Config, Disk, ErrorKind, Finding, KeySource, Ledger, WitnessRead, verify};
use reprieve::terms::{Access, ClockStanding, LedgerStanding};

use crate::claims::Claim;
use crate::work::Outcome;
use crate::{log, product};

/// Torn tails and half-written headers are what a cut leaves; nothing else is.
fn is_suspect(finding: &Finding) -> bool {
    !matches!(finding, Finding::Torn { .. } | Finding::HeaderRepaired { .. })
}

pub fn no_offence(findings: &[Finding]) -> Outcome {
    match findings.iter().find(|finding| is_suspect(finding)) {
        Some(finding) => Err(finding.to_string().into()),
        None => Ok(()),
    }
}

/// What a cut left of the log's ledger that had to be mended, which is no offence.
#[derive(Default)]
struct Left {
    created: bool,
    torn: bool,
    header: bool,
}

impl Left {
    fn see(&mut self, findings: &[Finding]) -> Outcome {
        self.torn |= findings.iter().any(|finding| matches!(finding, Finding::Torn { .. }));
        self.header |= findings.iter().any(|finding| matches!(finding, Finding::HeaderRepaired { .. }));
        no_offence(findings)
    }

    fn said(&self) -> String {
        let all = [(self.created, " creation"), (self.torn, " tail"), (self.header, " header")];
        all.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect()
    }
}

pub fn check(folder: &Path, claims: &[Claim]) -> Outcome<String> {
    let mut left = Left::default();
    let records = check_log(folder, claims, &mut left).map_err(|error| format!("the log's ledger: {error}"))?;
    let product = if claims.contains(&Claim::Product) {
        check_product(folder, claims).map_err(|error| format!("the product's ledger: {error}"))?
    } else {
        0
    };
    Ok(format!("{} claims hold; {records} and {product} records; mended:{}", claims.len(), left.said()))
}

/// The payloads of all generations, by number.
fn records(newest: &Ledger) -> Outcome<BTreeMap<u64, Vec<u8>>> {
    let mut all = BTreeMap::new();
    let mut read = |ledger: &Ledger| -> Outcome {
        for seq in ledger.first_seq()..ledger.next_seq() {
            let payload = ledger.read_record(seq)?.ok_or_else(|| format!("record {seq} cannot be read"))?;
            all.insert(seq, payload);
        }
        Ok(())
    };
    read(newest)?;
    let mut before = newest.before()?;
    while let Some(ledger) = before {
        read(&ledger)?;
        before = ledger.before()?;
    }
    match (0..newest.next_seq()).find(|seq| !all.contains_key(seq)) {
        Some(seq) => Err(format!("record {seq} of {} is in no generation", newest.next_seq()).into()),
        None => Ok(all),
    }
}

fn check_log(folder: &Path, claims: &[Claim], left: &mut Left) -> Outcome<usize> {
    let config = log::config(folder);
    let wanted: Vec<&Claim> =
        claims.iter().filter(|c| matches!(c, Claim::Record(..) | Claim::Generation(_) | Claim::Key(_))).collect();
    match Ledger::open(Arc::new(Disk), &config) {
        Err(error) if error.kind() == ErrorKind::Missing && wanted.is_empty() => {
            left.created = true;
            log::create(folder)?;
        }
        Err(error) => return Err(error.into()),
        Ok(opened) => left.see(&opened.findings)?,
    }
    // Whatever can be repaired without the lock has been; a second look must find no more than the first.
    let opened = Ledger::open(Arc::new(Disk), &config)?;
    left.see(&opened.findings)?;
    let mut ledger = opened.ledger;
    let found = records(&ledger)?;
    for claim in wanted {
        let holds = match claim {
            Claim::Record(seq, hash) => found.get(seq).is_some_and(|payload| log::hash(payload) == *hash),
            Claim::Generation(generation) => ledger.generation() >= *generation,
            Claim::Key(number) => claims.contains(&Claim::Key(number + 1)) || opens_by_key(&config, *number)?,
            _ => true,
        };
        if !holds {
            return Err(format!("of {} records in generation {}: no {claim}", found.len(), ledger.generation()).into());
        }
    }
    if let WitnessRead::Of(witness) = ledger.witness_read() {
        let known = if witness.generation == ledger.generation() { ledger.record_hash(witness.seq)? } else { None };
        let later = witness.generation < ledger.generation() && witness.seq < ledger.first_seq();
        if !later && known != Some(witness.hash) {
            return Err(format!("the witness remembers record {}, which is another or none", witness.seq).into());
        }
    }
    let lock = ledger.lock()?;
    left.see(&ledger.settle(&lock)?.findings)?;
    let entry = ledger.append(&lock, b"after the cut")?;
    drop(lock);
    ledger.sync()?;
    drop(ledger);
    check_next(&config, entry.seq)?;
    Ok(found.len())
}

/// The caller's key of this number opens the ledger, or the next one, whose acknowledgement the cut prevented.
fn opens_by_key(config: &Config, number: u64) -> Outcome<bool> {
    for later in [number, number + 1] {
        let config = Config { keys: KeySource::caller(&log::caller(later)), ..config.clone() };
        match Ledger::open(Arc::new(Disk), &config) {
            Ok(_) => return Ok(true),
            Err(error) if error.kind() == ErrorKind::WrongKey => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(false)
}

/// The record that was appended is there, and all of the ledger is whole.
fn check_next(config: &Config, seq: u64) -> Outcome {
    let opened = Ledger::open(Arc::new(Disk), config)?;
    if !opened.findings.is_empty() || opened.ledger.next_seq() != seq + 1 {
        return Err(format!("the append {seq} after the cut: {:?}", opened.findings).into());
    }
    let found = verify(Arc::new(Disk), config)?;
    match found.generations.iter().flat_map(|generation| &generation.findings).next() {
        Some(finding) => Err(format!("verified: {finding}").into()),
        None => Ok(()),
    }
}

fn check_product(folder: &Path, claims: &[Claim]) -> Outcome<usize> {
    let folder = product::folder(folder);
    let drill = Drill::open(&folder)?;
    let client = drill.client()?;
    let config = drill.builder().config()?;
    let ledger = Ledger::open(Arc::new(Disk), &config)?.ledger;
    let found = records(&ledger)?;
    for claim in claims {
        let holds = match claim {
            Claim::Words(words) => {
                found.values().any(|payload| payload.windows(words.len()).any(|part| part == words.as_bytes()))
            }
            Claim::Lease(sku) => client.check(sku, "core").access == Access::Full,
            Claim::Archived(generation) => ledger.generation() >= *generation,
            Claim::Dealt(consumer, record, index) => {
                client.next_event(consumer)?.is_none_or(|event| (event.record, event.index) > (*record, *index))
            }
            _ => true,
        };
        if !holds {
            return Err(format!("of {} records in generation {}: no {claim}", found.len(), ledger.generation()).into());
        }
    }
    let status = client.status("any")?;
    if status.ledger != LedgerStanding::Ok || status.clock != ClockStanding::Ok {
        return Err(format!("it is {} and its clock {}", status.ledger.as_str(), status.clock.as_str()).into());
    }
    client.appeal(None, "after the cut")?;
    client.close()?;
    let seq = Ledger::open(Arc::new(Disk), &config)?.ledger.next_seq() - 1;
    check_next(&config, seq)?;
    Ok(found.len())
}
