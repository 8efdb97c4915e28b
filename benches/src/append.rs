//! Appending by one writer: durably beside a bare write and sync and beside SQLCipher, and unsynced beside a bare seal, hash and
//! write.

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::Result;
use crate::fixture::{self, FRAME, payload};
use crate::frames::{Frames, leaf};
use crate::peer;
use crate::rows::{Row, Verdict, human, in_turns, timed};

const DURABLE: u32 = 20;
const DURABLE_ROUNDS: usize = 151;
const UNSYNCED: u32 = 1000;
const UNSYNCED_ROUNDS: usize = 101;

pub fn rows(folder: &Path) -> Result<Vec<Row>> {
    let mut rows = durable(folder)?;
    rows.push(unsynced(folder)?);
    rows.push(overhead(folder)?);
    Ok(rows)
}

fn durable(folder: &Path) -> Result<Vec<Row>> {
    let mut ledger = fixture::create(&folder.join("durable"))?;
    let mut parts = [Duration::ZERO; 4];
    let mut ours = || {
        timed(DURABLE, || {
            let begin = Instant::now();
            let lock = ledger.lock()?;
            ledger.settle(&lock)?;
            let settled = Instant::now();
            ledger.append(&lock, &payload(0))?;
            let appended = Instant::now();
            drop(lock);
            let unlocked = Instant::now();
            ledger.sync()?;
            parts[0] += settled - begin;
            parts[1] += appended - settled;
            parts[2] += unlocked - appended;
            parts[3] += unlocked.elapsed();
            Ok(())
        })
    };
    let batches = DURABLE_ROUNDS + 1;
    let file = fixture::preallocated(&folder.join("raw"), FRAME * DURABLE as usize * batches)?;
    let (frame, mut at) = ([0x5a; FRAME], 0);
    let mut limit = || {
        timed(DURABLE, || {
            file.write_all_at(&frame, at)?;
            at += FRAME as u64;
            Ok(file.sync_data()?)
        })
    };
    let connection = peer::create(&folder.join("durable.db"), 0)?;
    let mut insert = connection.prepare(peer::INSERT)?;
    let mut sqlcipher = || timed(DURABLE, || Ok(insert.execute([payload(0).as_slice()]).map(drop)?));

    let times = in_turns(DURABLE_ROUNDS, &mut [&mut ours, &mut limit, &mut sqlcipher])?;
    let [locking, appending, unlocking, syncing] =
        parts.map(|part| human(part / DURABLE / (times[0].len() + 1) as u32));
    let profile = format!(
        "Of an append, on average: lock and settle {locking}, seal, hash and write {appending}, unlock {unlocking}, sync {syncing}."
    );
    let work = "durable append, one writer";
    let beside = "write + fdatasync of the same bytes, preallocated";
    let peer = "SQLCipher, WAL, synchronous=FULL, one insert";
    Ok(vec![
        Row::ratio(work, beside, 1.10, DURABLE, &times[0], &times[1]).profile(&profile),
        Row::ratio(work, peer, 0.95, DURABLE, &times[0], &times[2]).profile(&profile),
    ])
}

fn unsynced(folder: &Path) -> Result<Row> {
    let mut ledger = fixture::create(&folder.join("unsynced"))?;
    let lock = ledger.lock()?;
    ledger.settle(&lock)?;
    let mut ours = || timed(UNSYNCED, || Ok(ledger.append(&lock, &payload(0)).map(drop)?));
    let frames = Frames::new()?;
    let file = fixture::preallocated(&folder.join("limit"), FRAME * UNSYNCED as usize)?;
    let mut limit = || {
        // The same space each time: its pages are in memory and waiting to be written, as the ledger's are.
        let mut at = 0;
        timed(UNSYNCED, || {
            let frame = frames.seal(at)?;
            std::hint::black_box(leaf(&frame));
            file.write_all_at(&frame, at)?;
            at += FRAME as u64;
            Ok(())
        })
    };
    let times = in_turns(UNSYNCED_ROUNDS, &mut [&mut ours, &mut limit])?;
    let beside = "seal + hash + write of the same bytes";
    let profile = "Under one held lock. Beside the limit's work an append hashes a node of the tree, on average, and fills space ahead.";
    Ok(Row::ratio("append without the sync", beside, 1.5, UNSYNCED, &times[0], &times[1]).profile(profile))
}

/// Counted, not timed.
fn overhead(folder: &Path) -> Result<Row> {
    const RECORDS: u64 = 10_000;
    let mut ledger = fixture::create(&folder.join("overhead"))?;
    let lock = ledger.lock()?;
    ledger.settle(&lock)?;
    let first = ledger.append(&lock, &payload(0))?.offset;
    for n in 1..RECORDS {
        ledger.append(&lock, &payload(n))?;
    }
    let end = ledger.append(&lock, &payload(RECORDS))?.offset;
    let bytes = (end - first) as f64 / RECORDS as f64 - fixture::PAYLOAD as f64;
    Ok(Row {
        work: "bytes a record, above its payload",
        against: "-",
        ours: format!("{bytes} B"),
        other: String::new(),
        figure: format!("{bytes} B"),
        at_most: "64 B".to_owned(),
        verdict: Verdict::of(bytes <= 64.0),
        profile: String::new(),
        note: String::new(),
    })
}
