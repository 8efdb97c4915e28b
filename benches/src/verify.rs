//! Full verification of a million records with both cores: beside one thread's bare reading, opening and hashing, and beside
//! SQLCipher's own check and a scan of the same rows.

use std::path::Path;
use std::sync::Arc;

use reprieve::ledger::{self, Disk};

use crate::Result;
use crate::fixture::{self, FRAME, Vendor};
use crate::frames::Frames;
use crate::open::{MANY, MANY_FOLDER, MANY_ROWS, make_many};
use crate::peer;
use crate::rows::{Row, Times, human, in_turns, median_of, processor_time, timed};

const ROUNDS: usize = 9;

pub fn rows(folder: &Path) -> Result<Vec<Row>> {
    make_many(folder)?;
    let config = Vendor::new()?.builder(&folder.join(MANY_FOLDER)).config()?;
    let threads = std::thread::available_parallelism()?;
    let (mut used, mut used_by_limit) = (Times::new(), Times::new());
    let mut ours = || {
        let before = processor_time();
        let time = timed(1, || {
            let found = ledger::verify_with(Arc::new(Disk), &config, threads)?;
            let records: u64 = found.generations.iter().map(|generation| generation.records).sum();
            if found.is_clean() && records > MANY { Ok(()) } else { Err("the ledger does not verify".into()) }
        });
        used.push(processor_time() - before);
        time
    };
    let frames = Frames::new()?;
    let file = fixture::preallocated(&folder.join("frames"), FRAME * MANY as usize)?;
    frames.fill(&file, MANY)?;
    let mut limit = || {
        let before = processor_time();
        let time = timed(1, || std::hint::black_box(frames.verify(&file, MANY)).map(drop));
        used_by_limit.push(processor_time() - before);
        time
    };
    let rows = folder.join(MANY_ROWS);
    let mut sqlcipher = || {
        timed(1, || {
            let connection = peer::open(&rows)?;
            let mut check = connection.prepare("PRAGMA cipher_integrity_check")?;
            if check.query([])?.next()?.is_some() {
                return Err("SQLCipher calls its own file damaged".into());
            }
            let mut scan = connection.prepare("SELECT seq, payload FROM records")?;
            let mut found = scan.query([])?;
            let (mut count, mut bytes) = (0, 0);
            while let Some(row) = found.next()? {
                count += 1;
                bytes += row.get_ref(1)?.as_blob()?.len();
            }
            if count == MANY && bytes == fixture::PAYLOAD * count as usize {
                Ok(())
            } else {
                Err("SQLCipher lacks rows".into())
            }
        })
    };
    let times = in_turns(ROUNDS, &mut [&mut ours, &mut limit, &mut sqlcipher])?;
    let work = "full verification, 1,000,000 records of 200 B, both cores";
    let limit = "one thread: read + AES-GCM open + SHA-256 of leaves and nodes";
    let peer = "SQLCipher: cipher_integrity_check and a scan of the same rows";
    let (used, by_limit) = (median_of(&used), median_of(&used_by_limit));
    let profile = format!(
        "Our {threads} threads used {} of processor time, the limit {}: {:.2} x.",
        human(used),
        human(by_limit),
        used.as_secs_f64() / by_limit.as_secs_f64()
    );
    Ok(vec![
        Row::ratio(work, limit, 0.65, 1, &times[0], &times[1]).profile(&profile),
        Row::ratio(work, peer, 0.4, 1, &times[0], &times[2]).profile(&profile),
    ])
}
