//! What lies beside a log that is whole: snapshots, the head, the witness, and small files, of any bytes and sealed by who has
//! the key.
//!
//! Laws: none of them keeps a ledger from opening, and none costs a record: what is read is what the log holds, from the
//! snapshot's place on.

use std::path::Path;
use std::sync::LazyLock;

use reprieve::ledger::codec::to_bytes;
use reprieve::ledger::note::{Verifier, origin};
use reprieve::ledger::{Finding, Ledger, LedgerId, WitnessRead, verify};

use crate::forge::{self, ID, LOG, Log, config, path, storage};
use crate::steps::Steps;

const RECORDS: usize = 5;

static LOGS: LazyLock<Vec<Log>> = LazyLock::new(|| {
    let mut log = Log::new(0, 0);
    let mut all = vec![log.clone()];
    for n in 0..RECORDS {
        log.push(1, &[n as u8; 11]);
        all.push(log.clone());
    }
    all
});

/// The encoding of a reader's position behind the first `n` records, honest but for what a step changes.
fn position(steps: &mut Steps<'_>, n: usize) -> Vec<u8> {
    let log = &LOGS[n];
    let last = log.frames.last();
    let mut end = log.end() as u64;
    let mut next = n as u64;
    let mut at = end - last.map_or(0, |frame| frame.len() as u64);
    let mut durable = end;
    let mut hash = log.last;
    let mut tree = log.tree.clone();
    if steps.once_in(2) {
        match steps.below(6) {
            0 => end = steps.number(end),
            1 => next = steps.number(next),
            2 => at = steps.number(at),
            3 => durable = steps.number(durable),
            4 => hash[0] ^= 1,
            _ => (0..=steps.below(9)).for_each(|_| tree.push(hash)),
        }
    }
    let mut link = [0; 16];
    link.copy_from_slice(&hash[..16]);
    let link = (!steps.once_in(8)).then_some(link);
    let tag: Option<[u8; 16]> = last.and_then(|frame| frame.last_chunk().copied()).filter(|_| !steps.once_in(8));
    let mut bytes = to_bytes(&(end, next, link, tag, hash, at, durable, tree)).expect("a position is encoded");
    if steps.once_in(4) {
        let place = steps.below(bytes.len());
        bytes[place] ^= steps.number(1) as u8;
        bytes.truncate(bytes.len() - steps.below(3));
    }
    bytes
}

/// Runs the target.
pub fn run(data: &[u8]) {
    let mut steps = Steps::new(data);
    let log = &LOGS[RECORDS];
    let files = storage(&[(&path(0), &log.file(1 << 14))]);
    let mut quiet = true;
    for _ in 0..4 {
        if !steps.more() {
            break;
        }
        match steps.below(7) {
            0 => files.write(Path::new(steps.pick(&["/l/a.snapshot.0", "/l/a.head", "/l/a.torn-1"])), steps.bytes(96)),
            1 => {
                let n = steps.below(RECORDS + 1);
                let position = position(&mut steps, n);
                let (fold, generation) = (steps.pick(&[1, 1, 2]), steps.pick(&[0, 0, 1]));
                let bytes = forge::snapshot(fold, generation, &position, steps.bytes(16));
                files.write(Path::new(steps.pick(&["/l/a.snapshot.0", "/l/a.snapshot.1"])), &bytes);
                quiet = false;
            }
            2 => {
                let mut slots = Vec::new();
                for _ in 0..2 {
                    let body = steps.bytes(20);
                    let length = if steps.once_in(3) { steps.number(3980) as u32 } else { body.len() as u32 };
                    let (number, generation) = (steps.number(1), steps.number(0));
                    let seq = steps.number(RECORDS as u64 - 1);
                    slots.extend(forge::witness(number, generation, seq, log.last, body, length));
                }
                if steps.once_in(4) {
                    let at = steps.below(slots.len());
                    slots[at] ^= 1;
                }
                files.write(Path::new(&forge::witness_path()), &slots);
                quiet = false;
            }
            3 => {
                let id = LedgerId::from_bytes(ID);
                let text = if steps.once_in(2) {
                    let mut root = log.tree.root();
                    root[0] ^= steps.pick(&[0, 1]);
                    let generation = steps.number(0);
                    forge::note_of(&origin(&id, generation), steps.number(RECORDS as u64), root)
                } else {
                    let mut text = log.note();
                    let at = steps.below(text.len());
                    if text.is_char_boundary(at) {
                        text.insert(at, char::from(steps.below(128) as u8));
                    }
                    text
                };
                let known = Verifier::new(&origin(&id, 0), forge::public_key()).expect("an origin is a name");
                quiet &= known.verify(&text).is_err();
                files.write(Path::new("/l/a.head"), text.as_bytes());
                quiet &= text.is_ascii();
            }
            4 => files.write(Path::new("/l/a.g1.ledger.tmp"), &log.file(0)[..steps.below(LOG)]),
            5 => {
                files.write(Path::new("/l/a.side-consumers"), steps.bytes(64));
                let name = format!("/l/{}", String::from_utf8_lossy(steps.bytes(24)));
                if name != path(0) && !name.starts_with("/l/a.g") {
                    files.write(Path::new(&name), steps.bytes(24));
                }
            }
            _ => files.write(Path::new(&forge::witness_path()), steps.bytes(128)),
        }
    }

    let _ = verify(files.clone(), &config());
    let opened = Ledger::open(files.clone(), &config()).expect("nothing beside a log keeps it from opening");
    let first = opened.entries.first().map_or(RECORDS as u64, |entry| entry.seq);
    assert!(opened.snapshot.is_some() || first == 0, "records are passed over without a snapshot");
    for (entry, seq) in opened.entries.iter().zip(first..) {
        assert_eq!((entry.seq, &entry.payload), (seq, &vec![seq as u8; 11]));
    }
    let read = opened.entries.len() as u64;
    assert!(opened.snapshot.is_some() || read == RECORDS as u64, "{read} records of {RECORDS}");
    if quiet {
        let damaged = opened.findings.iter().any(Finding::is_damage);
        assert!(!damaged, "what nobody sealed is evidence of something: {:?}", opened.findings);
        let _: WitnessRead = opened.ledger.witness_read();
    }
    let _ = opened.ledger.side_file_read("consumers");
    let _ = opened.ledger.side_file_read(&String::from_utf8_lossy(steps.bytes(32)));

    let mut ledger = opened.ledger;
    let Ok(lock) = ledger.lock() else { return };
    if ledger.settle(&lock).is_err() {
        return;
    }
    let Ok(entry) = ledger.append(&lock, b"after") else { return };
    if ledger.sync().is_err() {
        return;
    }
    drop(lock);
    let _ = ledger.save_snapshot(b"state", 1);
    let again = Ledger::open(files, &config()).expect("it was open");
    if quiet {
        assert_eq!(again.ledger.newest(), (entry.seq, entry.hash));
        assert_eq!((again.snapshot, again.entries.len()), (Some(b"state".to_vec()), 0));
    }
}
