//! Lanes that write to a ledger by `reprieve::ledger`, several to a ledger: records, keys, generations, and what lies beside.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reprieve::ledger::{Config, Disk, ErrorKind, GenerationCause, KeySource, Ledger, LedgerId, Lock, Witness};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};

use crate::check::no_offence;
use crate::claims::{Claim, Lane};
use crate::work::{Outcome, Work};

const SECRET: &[u8] = b"the application's secret";
/// The folds' version in snapshots.
const FOLD: u32 = 1;
/// Claims on records in this process, by which the administering lane keeps step with the others.
static RECORDS: AtomicU32 = AtomicU32::new(0);
/// Lanes in this process that write no more records.
static ENDED: AtomicU32 = AtomicU32::new(0);

pub fn config(folder: &Path) -> Config {
    let keys = KeySource::application(SECRET, &[]);
    Config {
        witness: Some(folder.join("witness")),
        lock_timeout: Duration::from_secs(300),
        fold_version: FOLD,
        ..Config::new(folder.join("log"), "log", keys)
    }
}

/// The bytes of the caller's key of this number.
pub fn caller(number: u64) -> Vec<u8> {
    format!("the caller's own key, number {number}").into_bytes()
}

pub fn hash(payload: &[u8]) -> String {
    digest(&SHA256, payload).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes the ledger, unless it is there.
pub fn create(folder: &Path) -> Outcome {
    match Ledger::open(Arc::new(Disk), &config(folder)) {
        Err(error) if error.kind() == ErrorKind::Missing => {
            Ledger::create(Arc::new(Disk), &config(folder), LedgerId::random()?, 1, b"genesis")?;
            Ok(())
        }
        other => Ok(other.map(drop)?),
    }
}

/// Takes the lock and settles; what a writer finds under way must be no damage.
fn settle(ledger: &mut Ledger) -> Outcome<Lock> {
    let lock = ledger.lock()?;
    no_offence(&ledger.settle(&lock)?.findings)?;
    Ok(lock)
}

/// Sizes around those of a sector, a page, a chunk of filled space and a transfer.
const SIZES: [usize; 12] = [0, 9, 300, 448, 4032, 4096, 5000, 20_000, 65_472, 65_536, 90_000, 140_000];

fn payload(random: &SystemRandom, lane: u32, number: u32) -> Outcome<Vec<u8>> {
    let mut dice = [0; 3];
    random.fill(&mut dice).map_err(|_| "no random bytes")?;
    // Large ones are rare, or the ledgers would not fit their disk.
    let most = if dice[0] < 40 { SIZES.len() } else { 5 };
    let mut payload = vec![0; SIZES[usize::from(dice[1]) % most] + usize::from(dice[2] % 8)];
    random.fill(&mut payload).map_err(|_| "no random bytes")?;
    let mut named = format!("lane {lane} number {number} ").into_bytes();
    named.extend(payload);
    Ok(named)
}

/// Appends records, one to three to a sync, and now and then writes what products write beside the log.
pub fn write(work: &Work, lane: &mut Lane<'_>) -> Outcome {
    let outcome = write_records(work, lane);
    ENDED.fetch_add(1, Ordering::Relaxed);
    outcome
}

fn write_records(work: &Work, lane: &mut Lane<'_>) -> Outcome {
    let random = SystemRandom::new();
    let mut ledger = Ledger::open(Arc::new(Disk), &config(&work.folder))?.ledger;
    let mut number = 0;
    while number < work.count {
        let lock = settle(&mut ledger)?;
        let mut claims = Vec::new();
        for _ in 0..number % 3 + 1 {
            let payload = payload(&random, lane.lane, number)?;
            let entry = ledger.append(&lock, &payload)?;
            claims.push((Claim::Record(entry.seq, hash(&payload)), entry));
            number += 1;
        }
        drop(lock);
        if number % 7 == 1 {
            // As a check's upkeep writes: nobody is told, so nothing is synced, and the next writer finds it there.
            continue;
        }
        if work.sync {
            ledger.sync()?;
        }
        for (claim, _) in &claims {
            lane.claim(claim)?;
            RECORDS.fetch_add(1, Ordering::Relaxed);
        }
        if let (true, Some((_, entry))) = (work.sync && number % 4 == 0, claims.last()) {
            let (generation, hash) = (ledger.generation(), entry.hash);
            let witness = Witness { ledger: ledger.id(), generation, seq: entry.seq, hash, body: vec![7; 900] };
            ledger.witness_write(&witness, false)?;
        }
        if work.sync && number % 11 < 3 {
            ledger.save_snapshot(&vec![lane.lane as u8; 3000 + number as usize], FOLD)?;
        }
    }
    Ok(())
}

/// Changes keys and begins generations while the others write.
pub fn administer(work: &Work, lane: &mut Lane<'_>) -> Outcome {
    let keys = |number| KeySource::application(SECRET, &[]).with_caller_bytes(&caller(number));
    let mut ledger = Ledger::open(Arc::new(Disk), &Config { keys: keys(lane.key), ..config(&work.folder) })?.ledger;
    for step in 0_u32.. {
        let due = RECORDS.load(Ordering::Relaxed) + 8;
        while RECORDS.load(Ordering::Relaxed) < due && ENDED.load(Ordering::Relaxed) < 2 {
            std::thread::sleep(Duration::from_millis(20));
        }
        if ENDED.load(Ordering::Relaxed) == 2 {
            break;
        }
        let lock = settle(&mut ledger)?;
        match step % 4 {
            0 | 2 => {
                lane.key += 1;
                ledger.rekey(&lock, &keys(lane.key))?;
                lane.claim(&Claim::Key(lane.key))?;
            }
            1 => {
                ledger.next_generation(&lock, GenerationCause::Archive, b"archived")?;
                lane.claim(&Claim::Generation(ledger.generation()))?;
            }
            _ => {
                ledger.next_generation(&lock, GenerationCause::NewDataKey, b"a new data key")?;
                lane.claim(&Claim::Generation(ledger.generation()))?;
            }
        }
    }
    Ok(())
}
