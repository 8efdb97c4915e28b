//! A log under a known key, edited, cut, spliced and written on by somebody who has the key too.
//!
//! Laws: what is read is what was sealed, each record once; [`verify`] and [`Ledger::open`] agree on whether there is damage; what is
//! sound gives its proofs; after damage a new generation is sound, and otherwise the log goes on where it ended.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, LazyLock};

use reprieve::ledger::codec::{decode_batch, encode_batch};
use reprieve::ledger::tree::{leaf_hash, verify_consistency, verify_inclusion};
use reprieve::ledger::{
    DamageKind, Entry, Finding, GenerationCause, Hash, Ledger, MemoryStorage, verify, verify_public,
};

use crate::forge::{self, LOG, Log, config, path, storage};
use crate::steps::Steps;

/// Payloads by the hash of the frame that they are sealed in.
type Sealed = HashMap<Hash, Vec<u8>>;

/// Records of several lengths, a real batch among them.
static BASE: LazyLock<Log> = LazyLock::new(|| {
    let mut log = Log::new(0, 0);
    let batch = encode_batch(b"head", &[]).expect("a small batch");
    for payload in [b"genesis".as_slice(), b"", &batch, &[7; 200], b"RFRFRF", b"six", b"seven"] {
        log.push(1, payload);
    }
    log
});

const FRAMES: usize = 7;

fn seal(frame: &forge::Frame, generation: u64, sealed: &mut Sealed) -> Vec<u8> {
    let stored = frame.seal(generation);
    sealed.insert(leaf_hash(&stored), frame.payload.clone());
    stored
}

/// A frame that its seal proves and its fields belie.
fn hostile(steps: &mut Steps<'_>, log: &Log, end: usize, sealed: &mut Sealed) -> Vec<u8> {
    let payload = match steps.below(4) {
        0 => log.opening(b"", steps.bytes(16)),
        1 => {
            let mut opening = log.opening(b"", b"");
            let at = steps.below(opening.len());
            opening[at] ^= steps.number(1) as u8;
            opening.truncate(steps.below(opening.len()));
            opening
        }
        _ => steps.bytes(80).to_vec(),
    };
    let mut frame = log.next(1, &payload);
    frame.seq = frame.seq.wrapping_sub(steps.below(4) as u32);
    frame.durable = end as u64;
    if steps.once_in(3) {
        frame.kind = steps.pick(&[1, 2, 3, u16::MAX]);
    }
    if steps.once_in(3) {
        frame.seq = steps.number(FRAMES as u64) as u32;
    }
    if steps.once_in(3) {
        frame.durable = steps.number(end as u64);
    }
    if steps.once_in(3) {
        frame.link[0] ^= 1;
    }
    seal(&frame, steps.pick(&[0, 0, 0, 1]), sealed)
}

/// One edit of the file.
fn edit(steps: &mut Steps<'_>, file: &mut Vec<u8>, sealed: &mut Sealed) {
    let log = &*BASE;
    let bounds: Vec<usize> = (0..=FRAMES).map(|n| LOG + log.frames[..n].iter().map(Vec::len).sum::<usize>()).collect();
    let span = file.len() - LOG;
    let place = |steps: &mut Steps<'_>| match steps.below(2) {
        0 => steps.pick(&bounds).min(LOG + span),
        _ => LOG + steps.below(span + 1),
    };
    match steps.below(10) {
        0 => {
            let at = place(steps);
            if let Some(byte) = file.get_mut(at) {
                *byte ^= 1 << steps.below(8);
            }
        }
        1 => {
            let (one, other) = (place(steps), place(steps));
            file.drain(one.min(other)..one.max(other));
        }
        2 => {
            let (one, other) = (steps.below(FRAMES), steps.below(FRAMES));
            let mut frames = log.frames.clone();
            frames.swap(one, other);
            file.truncate(LOG);
            file.extend(frames.concat());
        }
        3 => {
            let (frame, at) = (&log.frames[steps.below(FRAMES)], place(steps));
            let end = file.len().min(at + frame.len());
            file.splice(at..end, frame.iter().copied());
        }
        4 => {
            let at = place(steps);
            file.truncate(at);
        }
        5 => {
            let at = place(steps);
            file.splice(at..at, steps.bytes(64).iter().copied());
        }
        6 => {
            let (one, other) = (place(steps), place(steps));
            file[one.min(other)..one.max(other)].fill(0);
        }
        7 => {
            // An older copy, perhaps written on.
            let kept = bounds[steps.below(FRAMES + 1)];
            file.truncate(LOG);
            file.extend_from_slice(&log.frames.concat()[..kept - LOG]);
        }
        8 => {
            let at = place(steps);
            let frame = hostile(steps, log, file.len(), sealed);
            file.splice(at..at, frame);
        }
        _ => {
            // A whole line of its own behind a true beginning.
            let kept = steps.below(FRAMES + 1);
            let mut other = Log::new(0, 0);
            other.frames = log.frames[..kept].to_vec();
            other.last = other.frames.last().map_or(other.last, |frame| leaf_hash(frame));
            for _ in 0..steps.below(4) {
                let frame = other.next(1, steps.bytes(20));
                other.frames.push(seal(&frame, 0, sealed));
                other.last = leaf_hash(&other.frames[other.frames.len() - 1]);
            }
            file.truncate(LOG);
            file.extend(other.frames.concat());
        }
    }
}

/// Runs the target.
pub fn run(data: &[u8]) {
    let mut steps = Steps::new(data);
    let log = &*BASE;
    let mut sealed: Sealed = log.frames.iter().zip(payloads()).map(|(f, p)| (leaf_hash(f), p)).collect();
    let (vouched, head, later) = (steps.once_in(4), steps.once_in(4), steps.once_in(4));
    let whole = log.file(1 << 14);
    let mut file = log.file(0);
    for _ in 0..12 {
        if !steps.more() {
            break;
        }
        edit(&mut steps, &mut file, &mut sealed);
    }
    // Space is filled ahead.
    file.resize(file.len().max(1 << 14), 0);

    let files = storage(&[(&path(0), &file)]);
    if vouched {
        let slot = forge::witness(1, 0, FRAMES as u64 - 1, log.last, b"", 0);
        files.write(Path::new(&forge::witness_path()), &slot);
    }
    if head {
        files.write(Path::new("/l/a.head"), log.note().as_bytes());
    }
    if later {
        // The generation after the true file: its opening says what that one was.
        let mut next = Log::new(1, FRAMES as u64);
        let opening = log.opening(&whole, b"goes on");
        next.push(2, &opening);
        sealed.insert(next.last, b"goes on".to_vec());
        files.write(Path::new(&path(1)), &next.file(1 << 14));
    }
    for entry in judge(&files, &sealed, !vouched && !later) {
        // Whatever a record says, its batch is read or refused.
        let _ = decode_batch(&entry.payload);
    }
}

fn payloads() -> Vec<Vec<u8>> {
    let batch = encode_batch(b"head", &[]).expect("a small batch");
    vec![b"genesis".to_vec(), Vec::new(), batch, vec![7; 200], b"RFRFRF".to_vec(), b"six".to_vec(), b"seven".to_vec()]
}

fn damage(findings: &[Finding]) -> bool {
    let counts = |finding: &Finding| matches!(finding, Finding::Damaged { why, .. } if *why != DamageKind::HeaderCopy);
    findings.iter().any(counts)
}

/// What was sealed, each record once.
fn known(ledger: &Ledger, entries: &[Entry], sealed: &Sealed) {
    let mut seqs = BTreeSet::new();
    for entry in entries {
        assert!(seqs.insert(entry.seq), "record {} is read twice", entry.seq);
        let payload = sealed.get(&entry.hash).expect("a record is read that nobody sealed");
        assert!(payload.ends_with(&entry.payload), "record {} is not what was sealed", entry.seq);
        let again = ledger.read_at(entry.seq, entry.offset).expect("memory can be read");
        assert_eq!(again.as_ref(), Some(&entry.payload), "record {} reads otherwise", entry.seq);
    }
}

/// The laws; gives what is read in the end. `alone` says that nothing but the file itself vouches for its records.
fn judge(files: &Arc<MemoryStorage>, sealed: &Sealed, alone: bool) -> Vec<Entry> {
    let verified = verify(Arc::new(files.copy()), &config()).expect("the header is whole");
    let mut opened = Ledger::open(files.clone(), &config()).expect("the header is whole");
    known(&opened.ledger, &opened.entries, sealed);
    let report = verified.generations.last().expect("a generation");
    if alone {
        assert_eq!(damage(&report.findings), damage(&opened.findings), "{:?} {:?}", report.findings, opened.findings);
    }
    if verified.is_clean() && alone {
        assert_eq!(opened.entries.len() as u64, report.records);
        assert_eq!(opened.ledger.head().root, report.root);
    }
    let _ = verify_public(&**files, Path::new(&path(0)), Some("no head"));

    let ledger = &mut opened.ledger;
    let lock = ledger.lock().expect("nobody has the lock");
    let settled = ledger.settle(&lock).expect("memory can be written");
    let mut entries = if settled.reopened { Vec::new() } else { opened.entries };
    entries.extend(settled.entries);
    let damaged = damage(&opened.findings) || damage(&settled.findings);
    if damaged {
        ledger.next_generation(&lock, GenerationCause::Damage, b"goes on").expect("memory can be written");
    } else {
        entries.push(ledger.append(&lock, b"after").expect("memory can be written"));
        ledger.sync().expect("memory can be written");
    }
    drop(lock);

    let again = Ledger::open(files.clone(), &config()).expect("it was whole");
    assert!(!damage(&again.findings), "{:?}", again.findings);
    assert!(again.findings.iter().all(|finding| matches!(finding, Finding::Newer { .. })), "{:?}", again.findings);
    if damaged {
        assert_eq!(again.entries.len(), 1);
        assert_eq!(again.entries[0].payload, b"goes on");
    } else {
        let seen = |entries: &[Entry]| -> Vec<(u64, Hash)> { entries.iter().map(|e| (e.seq, e.hash)).collect() };
        assert_eq!(seen(&again.entries), seen(&entries), "what was read and written is not what is there");
    }
    proofs(&again.ledger, &again.entries);
    let note = again.ledger.note().or_else(|_| {
        // What is read is not known to be synced by this handle.
        let mut own = Ledger::open(files.clone(), &config())?.ledger;
        own.sync()?;
        own.note()
    });
    let report =
        verify_public(&**files, again.ledger.path(), Some(&note.expect("a head"))).expect("the header is whole");
    assert_eq!((report.problems, report.head), (Vec::new(), Some(again.ledger.head().size)));
    again.entries
}

/// Of a sound log every record and every older head is proven.
fn proofs(ledger: &Ledger, entries: &[Entry]) {
    let head = ledger.head();
    for entry in entries {
        let proof = ledger.inclusion_proof(entry.seq).expect("it has the record");
        let index = entry.seq - ledger.first_seq();
        assert!(verify_inclusion(index, head.size, &entry.hash, &proof, &head.root), "record {}", entry.seq);
    }
    for size in 1..=head.size {
        let proof = ledger.consistency_proof(size, head.size).expect("it had that size");
        let old = reprieve::ledger::tree::root_of(
            &entries[..size as usize].iter().map(|entry| entry.hash).collect::<Vec<_>>(),
        );
        assert!(verify_consistency(size, head.size, &proof, &old, &head.root), "size {size}");
    }
}
