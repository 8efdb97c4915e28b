//! The two copies of the header, broken in every way, by those who have the key as well.
//!
//! Laws: a header rules only if it is authentic, and then as it was written; where one copy is, the file opens; what opens is
//! whole again once somebody has written to it.

use std::path::Path;

use reprieve::ledger::{ErrorKind, Finding, Ledger, audit_slots, verify, verify_public};

use crate::forge::{self, BLOCK, Header, LOG, Log, config, path, storage};
use crate::steps::Steps;

/// One copy of the header.
struct Copy {
    bytes: Vec<u8>,
    /// Whether somebody with the key made it.
    authentic: bool,
    /// What it states, where that is known.
    states: Option<Header>,
}

impl Copy {
    fn of(header: Header) -> Copy {
        Copy { bytes: header.copy(), authentic: true, states: Some(header) }
    }

    fn any(steps: &mut Steps<'_>, number: u64) -> Copy {
        let mut header = Header { number, ..Header::of(0, 0) };
        match steps.below(6) {
            0 => Copy::of(header),
            1 => {
                header.number = steps.number(number);
                header.level = steps.number(1) as u32;
                Copy::of(header)
            }
            2 => {
                for _ in 0..=steps.below(3) {
                    match steps.below(8) {
                        0 => header.format = steps.number(1) as u32,
                        1 => header.flags = steps.number(0) as u32,
                        2 => header.number = steps.number(number),
                        3 => header.id[steps.below(16)] ^= 1,
                        4 => header.generation = steps.number(0),
                        5 => header.first_seq = steps.number(0),
                        6 => header.count = steps.number(1) as u32,
                        _ => header.public_key[steps.below(32)] ^= 1,
                    }
                }
                Copy::of(header)
            }
            3 => {
                // Bytes of any kind under a right MAC.
                let mut body = header.body();
                for _ in 0..=steps.below(4) {
                    let at = steps.below(400);
                    body[at] ^= steps.number(1) as u8;
                }
                Copy { bytes: forge::authentic(body, &header.id), authentic: true, states: None }
            }
            4 => {
                // A right checksum and a wrong MAC.
                let mut bytes = header.copy();
                bytes.truncate(BLOCK - 32);
                let at = steps.below(BLOCK - 32);
                bytes[at] ^= 1 << steps.below(8);
                Copy { bytes: forge::with_sum(bytes), authentic: false, states: None }
            }
            _ => {
                let whole = header.copy();
                let mut bytes = whole.clone();
                let at = steps.below(BLOCK);
                bytes[at] ^= 1 << steps.below(8);
                let with = steps.bytes(64);
                let end = BLOCK.min(at + with.len());
                bytes[at..end].copy_from_slice(&with[..end - at]);
                let authentic = bytes == whole;
                Copy { bytes, authentic, states: authentic.then_some(header) }
            }
        }
    }

    /// Whether it is this ledger's own, but for what a later writer may change.
    fn is_own(&self) -> bool {
        let own = Header::of(0, 0);
        self.states.as_ref().is_some_and(|header| {
            header.format == own.format
                && header.flags & 1 == 0
                && header.id == own.id
                && header.generation == own.generation
                && header.public_key == own.public_key
                && header.count == own.count
        })
    }
}

/// Runs the target.
pub fn run(data: &[u8]) {
    let mut steps = Steps::new(data);
    let mut log = Log::new(0, 0);
    (0..3_u8).for_each(|n| log.push(1, &[n; 5]));
    let mut file = log.file(1 << 14);
    let copies = [Copy::any(&mut steps, 1), Copy::any(&mut steps, 2)];
    file[..BLOCK].copy_from_slice(&copies[0].bytes);
    file[BLOCK..LOG].copy_from_slice(&copies[1].bytes);
    if steps.once_in(8) {
        file.truncate(steps.below(LOG + 64));
    }

    let files = storage(&[(&path(0), &file)]);
    let _ = audit_slots(&*files, &config());
    let _ = verify_public(&*files, Path::new(&path(0)), Some(&log.note()));
    let verified = verify(files.clone(), &config());
    let opened = match Ledger::open(files.clone(), &config()) {
        Ok(opened) => opened,
        Err(error) => {
            assert!(verified.is_err(), "verified, and does not open: {error}");
            let left = files.read(Path::new(&path(0))).expect("the file is there");
            assert!(left == file, "a file that does not open is left as it is");
            let sound = file.len() >= LOG && copies.iter().all(Copy::is_own);
            assert!(!sound, "both copies are authentic: {error}");
            return;
        }
    };
    let mut ledger = opened.ledger;
    assert!(verified.is_ok(), "opened, and is not verified: {verified:?}");
    assert_eq!((ledger.generation(), ledger.public_key()), (0, forge::public_key()));
    assert!(!ledger.is_drill());
    let authentic: Vec<&Copy> = copies.iter().filter(|copy| copy.authentic).collect();
    assert!(!authentic.is_empty(), "neither copy is authentic");
    let rules = |copy: &&Copy| {
        let stated = |header: &Header| {
            let header = (&header.id, header.first_seq, header.level);
            header == (ledger.id().as_bytes(), ledger.first_seq(), ledger.level())
        };
        copy.states.as_ref().is_none_or(stated)
    };
    assert!(authentic.iter().any(rules), "no authentic copy states what rules");

    let Ok(lock) = ledger.lock() else { return };
    match ledger.settle(&lock) {
        Ok(_) => {}
        Err(error) => {
            assert_ne!(error.kind(), ErrorKind::Io, "{error}");
            return;
        }
    }
    let appended = ledger.append(&lock, b"more").and_then(|entry| ledger.sync().map(|()| entry));
    drop(lock);
    let again = match Ledger::open(files.clone(), &config()) {
        Ok(again) => again,
        // Who writes finishes a change of keys that another began, and so may be locked out by it.
        Err(error) => {
            assert!(authentic.iter().any(|copy| !copy.is_own()), "it was open: {error}");
            return;
        }
    };
    let repaired = |finding: &Finding| matches!(finding, Finding::HeaderRepaired { .. });
    assert!(!again.findings.iter().any(repaired), "whoever writes writes both copies anew");
    if let Ok(entry) = appended {
        assert!(again.entries.iter().any(|other| other.hash == entry.hash), "what was appended is there");
    }
}
