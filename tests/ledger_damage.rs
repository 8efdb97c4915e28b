//! Damage of every kind: found, named, and paid for by the damaged record alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reprieve::ledger::{
    Config, DamageKind, ErrorKind, Finding, GenerationCause, KeySource, Ledger, LedgerId, MemoryStorage, Storage,
    Witness, verify, verify_public,
};

const ID: LedgerId = LedgerId::from_bytes([0xcd; 16]);
const FILE: &str = "/l/a.g0.ledger";
const LOG: usize = 8192;

fn config() -> Config {
    let mut config = Config::new("/l", "a", KeySource::application(b"secret", &[]));
    config.witness = Some("/w".into());
    config.lock_timeout = Duration::from_millis(50);
    config
}

/// A ledger of `n` records after its genesis, each synced, and the offset of each frame with that of the end.
fn ledger(n: u8) -> (Arc<MemoryStorage>, Vec<usize>) {
    let storage = Arc::new(MemoryStorage::new());
    let mut ledger = Ledger::create(storage.clone(), &config(), ID, 1, b"genesis").unwrap();
    let mut offsets = vec![LOG];
    for i in 0..n {
        offsets.push(append(&mut ledger, &payload(i)) as usize);
        ledger.sync().unwrap();
    }
    offsets.push(offsets[offsets.len() - 1] + 64 + if n == 0 { 7 } else { payload(n - 1).len() });
    (storage, offsets)
}

fn payload(i: u8) -> Vec<u8> {
    format!("record {i} {}", "x".repeat(usize::from(i) * 3)).into_bytes()
}

fn append(ledger: &mut Ledger, payload: &[u8]) -> u64 {
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    ledger.append(&lock, payload).unwrap().offset
}

fn file(storage: &MemoryStorage) -> Vec<u8> {
    storage.read(Path::new(FILE)).unwrap()
}

fn with(storage: &MemoryStorage, bytes: &[u8]) -> Arc<MemoryStorage> {
    let copy = storage.copy();
    copy.write(Path::new(FILE), bytes);
    Arc::new(copy)
}

/// Whether to try every case. By default the larger sets are sampled, so that a plain test run stays quick.
fn thorough() -> bool {
    std::env::var_os("REPRIEVE_TEST_THOROUGH").is_some()
}

fn damage(findings: &[Finding]) -> Vec<(Option<u64>, DamageKind)> {
    let named = |finding: &Finding| match finding {
        Finding::Damaged { seq, why, .. } => Some((*seq, *why)),
        _ => None,
    };
    findings.iter().filter_map(named).collect()
}

#[test]
fn every_prefix_of_the_last_frame_is_a_torn_tail_that_costs_nothing_else() {
    let (storage, offsets) = ledger(3);
    let bytes = file(&storage);
    let (last, end) = (offsets[3], offsets[4]);
    // A frame may end in a zero: then it is whole without that byte.
    let whole = (last..end).rfind(|at| bytes[*at] != 0).unwrap() + 1;
    for cut in last + 1..whole {
        let mut torn = bytes.clone();
        torn[cut..end].fill(0);
        let storage = with(&storage, &torn);
        let mut opened = Ledger::open(storage.clone(), &config()).unwrap();
        assert_eq!((opened.entries.len(), damage(&opened.findings)), (3, vec![]), "cut at {cut}");
        let lock = opened.ledger.lock().unwrap();
        let settled = opened.ledger.settle(&lock).unwrap();
        let [Finding::Torn { offset, bytes: n, kept }] = &settled.findings[..] else {
            panic!("{:?}", settled.findings)
        };
        assert_eq!(*offset as usize, last);
        assert!(last + *n as usize <= cut);
        let aside = storage.read(kept).unwrap();
        assert_eq!(aside, torn[last..last + aside.len()]);
        assert!(file(&storage)[last..].iter().all(|b| *b == 0));
        assert_eq!(opened.ledger.append(&lock, b"after").unwrap().seq, 3);
        drop(lock);
        let again = Ledger::open(storage, &config()).unwrap();
        assert_eq!((again.entries.len(), again.findings), (4, vec![]));
    }
}

#[test]
fn a_file_cut_short_at_every_byte_of_the_last_frame_is_torn_too() {
    let (storage, offsets) = ledger(2);
    let bytes = file(&storage);
    for cut in offsets[2]..offsets[3] {
        let storage = with(&storage, &bytes[..cut]);
        let mut opened = Ledger::open(storage.clone(), &config()).unwrap();
        assert_eq!((opened.entries.len(), damage(&opened.findings)), (2, vec![]));
        append(&mut opened.ledger, b"after");
        assert_eq!(Ledger::open(storage, &config()).unwrap().entries.len(), 3);
    }
}

#[test]
fn every_bit_flipped_is_found_and_costs_one_record_at_most() {
    let (storage, offsets) = ledger(4);
    // The witness vouches for the last record; without it a flip there is a torn tail.
    let opened = Ledger::open(storage.clone(), &config()).unwrap();
    let (seq, hash) = opened.ledger.newest();
    opened.ledger.witness_write(&Witness { ledger: ID, generation: 0, seq, hash, body: vec![] }, false).unwrap();
    let whole = opened.entries;
    let (bytes, end) = (file(&storage), offsets[5]);
    let step = if thorough() { 1 } else { 29 };
    for at in (0..LOG).step_by(step).chain(LOG..end) {
        for bit in 0..8 {
            if !thorough() && at < LOG && bit != at % 8 {
                continue;
            }
            let mut bad = bytes.clone();
            bad[at] ^= 1 << bit;
            let storage = with(&storage, &bad);
            let opened =
                Ledger::open(storage.clone(), &config()).unwrap_or_else(|err| panic!("byte {at} bit {bit}: {err}"));
            if at < LOG {
                assert_eq!(
                    opened.findings,
                    [Finding::HeaderRepaired { copy: (at / 4096) as u8 }],
                    "byte {at} bit {bit}"
                );
                assert_eq!(opened.entries, whole);
                let again = Ledger::open(storage, &config()).unwrap();
                assert_eq!((again.findings, again.entries.len()), (vec![], whole.len()), "it was repaired");
            } else {
                let hit = offsets.iter().rposition(|offset| *offset <= at).unwrap();
                assert_eq!(damage(&opened.findings), [(Some(hit as u64), DamageKind::BadFrame)], "byte {at} bit {bit}");
                let others: Vec<_> = whole.iter().filter(|entry| entry.seq != hit as u64).cloned().collect();
                assert_eq!(opened.entries, others, "byte {at} bit {bit}");
                // Without key and head a frame's length can be believed, and the last frame must be.
                let report = verify_public(&*storage, Path::new(FILE), None).unwrap();
                assert!(!report.problems.is_empty() || report.size < 5 || hit == 4, "byte {at} bit {bit}");
            }
        }
    }
}

#[test]
fn without_the_key_a_signed_head_finds_every_flip() {
    let (storage, offsets) = ledger(3);
    let mut ledger = Ledger::open(storage.clone(), &config()).unwrap().ledger;
    ledger.sync().unwrap();
    let note = ledger.note().unwrap();
    let bytes = file(&storage);
    for at in LOG..offsets[4] {
        let mut bad = bytes.clone();
        bad[at] ^= 0x10;
        let report = verify_public(&*with(&storage, &bad), Path::new(FILE), Some(&note)).unwrap();
        assert!(report.head.is_none() && !report.problems.is_empty(), "byte {at}");
    }
}

#[test]
fn every_two_frames_swapped_are_found_and_still_given() {
    let (storage, offsets) = ledger(6);
    let bytes = file(&storage);
    let whole = Ledger::open(storage.clone(), &config()).unwrap().entries;
    for a in 0..6 {
        for b in a + 1..7 {
            let frame = |i: usize| &bytes[offsets[i]..offsets[i + 1]];
            let mut order: Vec<usize> = (0..7).collect();
            order.swap(a, b);
            let log: Vec<u8> = order.iter().flat_map(|i| frame(*i).to_vec()).collect();
            let mut bad = bytes.clone();
            bad[LOG..LOG + log.len()].copy_from_slice(&log);
            let opened = Ledger::open(with(&storage, &bad), &config()).unwrap();
            let found = damage(&opened.findings);
            assert!(
                found.iter().any(|(seq, _)| *seq == Some(a as u64) || *seq == Some(b as u64)),
                "{a} and {b}: {found:?}"
            );
            let mut got: Vec<_> = opened.entries.iter().map(|entry| entry.payload.clone()).collect();
            got.sort();
            let mut all: Vec<_> = whole.iter().map(|entry| entry.payload.clone()).collect();
            all.sort();
            assert_eq!(got, all, "{a} and {b}");
        }
    }
}

#[test]
fn a_frame_cut_out_is_missing_and_one_put_in_is_named() {
    let (storage, offsets) = ledger(6);
    let bytes = file(&storage);
    for cut in 0..6 {
        let mut bad = bytes.clone();
        bad.drain(offsets[cut]..offsets[cut + 1]);
        let opened = Ledger::open(with(&storage, &bad), &config()).unwrap();
        assert_eq!(damage(&opened.findings), [(Some(cut as u64), DamageKind::Missing)]);
        assert_eq!(opened.entries.len(), 6);
    }
    // A frame repeated, at every place.
    for place in offsets.iter().copied().take(6).skip(1) {
        let mut bad = bytes.clone();
        let again = bytes[offsets[0]..offsets[1]].to_vec();
        bad.splice(place..place, again);
        let opened = Ledger::open(with(&storage, &bad), &config()).unwrap();
        assert_eq!(damage(&opened.findings), [(Some(0), DamageKind::Misplaced)], "at {place}");
        assert_eq!(opened.entries.len(), 7);
    }
    // Rubbish, at every place.
    for place in offsets.iter().copied().take(6).skip(1) {
        let mut bad = bytes.clone();
        bad.splice(place..place, *b"RFRFRFRF rubbish");
        let opened = Ledger::open(with(&storage, &bad), &config()).unwrap();
        assert_eq!(damage(&opened.findings), [(None, DamageKind::Inserted)], "at {place}");
        assert_eq!(opened.entries.len(), 7);
    }
}

#[test]
fn a_frame_of_another_ledger_or_generation_opens_nowhere() {
    let (storage, offsets) = ledger(4);
    let other_config = Config { name: "b".into(), ..config() };
    let mut other =
        Ledger::create(storage.clone(), &other_config, LedgerId::from_bytes([1; 16]), 1, b"genesis").unwrap();
    for i in 0..4 {
        append(&mut other, &payload(i));
    }
    let theirs = storage.read(other.path()).unwrap();
    let mut bad = file(&storage);
    bad[offsets[2]..offsets[3]].copy_from_slice(&theirs[offsets[2]..offsets[3]]);
    let opened = Ledger::open(with(&storage, &bad), &config()).unwrap();
    assert_eq!(damage(&opened.findings), [(Some(2), DamageKind::BadFrame)]);
    assert_eq!(opened.entries.len(), 4);
}

#[test]
fn a_record_spliced_in_from_a_copy_that_was_written_on_breaks_the_link() {
    let (storage, offsets) = ledger(2);
    let branch = Arc::new(storage.copy());
    for (storage, what) in [(&storage, b"here!"), (&branch, b"there")] {
        let mut ledger = Ledger::open(storage.clone(), &config()).unwrap().ledger;
        for _ in 0..3 {
            append(&mut ledger, what);
            ledger.sync().unwrap();
        }
    }
    let (mut bad, theirs) = (file(&storage), file(&branch));
    let at = offsets[3]..offsets[3] + 64 + 5;
    bad[at.clone()].copy_from_slice(&theirs[at]);
    let opened = Ledger::open(with(&storage, &bad), &config()).unwrap();
    assert_eq!(damage(&opened.findings), [(Some(4), DamageKind::BadLink)]);
    assert_eq!(opened.entries.len(), 6);
}

#[test]
fn a_whole_frame_behind_a_lost_one_is_torn_if_nobody_vouches() {
    // Two records unsynced, the first of them lost in a power cut: no offence, and both go.
    let (storage, offsets) = ledger(2);
    let mut ledger = Ledger::open(storage.clone(), &config()).unwrap().ledger;
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    let a = ledger.append(&lock, b"lost").unwrap();
    ledger.append(&lock, b"whole").unwrap();
    drop(lock);
    let mut cut = file(&storage);
    cut[a.offset as usize..a.offset as usize + 68].fill(0);
    let lost = with(&storage, &cut);
    let mut opened = Ledger::open(lost.clone(), &config()).unwrap();
    assert_eq!((opened.entries.len(), damage(&opened.findings)), (3, vec![]));
    let lock = opened.ledger.lock().unwrap();
    let settled = opened.ledger.settle(&lock).unwrap();
    assert!(matches!(settled.findings[..], [Finding::Torn { offset, .. }] if offset as usize == offsets[3]));
    opened.ledger.append(&lock, b"next").unwrap();
    drop(lock);
    assert_eq!(Ledger::open(lost, &config()).unwrap().findings, []);

    // Had it been vouched for, it is damage.
    let mut opened = Ledger::open(with(&storage, &cut), &config()).unwrap();
    opened.ledger.vouch(3);
    let lock = opened.ledger.lock().unwrap();
    let settled = opened.ledger.settle(&lock).unwrap();
    assert_eq!(damage(&settled.findings), [(Some(3), DamageKind::BadFrame)]);
    assert_eq!(settled.entries.len(), 1);
}

#[test]
fn a_log_cut_below_what_a_snapshot_or_a_head_covers_is_damage() {
    let (storage, offsets) = ledger(4);
    let mut ledger = Ledger::open(storage.clone(), &config()).unwrap().ledger;
    ledger.save_snapshot(b"state", 0).unwrap();
    let mut bad = file(&storage);
    bad[offsets[3]..].fill(0);
    let cut = with(&storage, &bad);
    let opened = Ledger::open(cut.clone(), &config()).unwrap();
    assert_eq!(damage(&opened.findings), [(Some(3), DamageKind::Missing), (Some(4), DamageKind::Missing)]);
    assert_eq!((opened.snapshot, opened.entries.len()), (None, 3));
    assert!(!verify(cut, &config()).unwrap().is_clean());

    // The head alone shows it too; without both nothing here does, the witness would.
    let cut = with(&storage, &bad);
    cut.remove(Path::new("/l/a.snapshot.0")).unwrap();
    assert_eq!(damage(&Ledger::open(cut.clone(), &config()).unwrap().findings).len(), 2);
    cut.remove(Path::new("/l/a.head")).unwrap();
    assert_eq!(damage(&Ledger::open(cut, &config()).unwrap().findings), []);
}

#[test]
fn a_copy_put_back_and_written_on_is_not_what_the_snapshot_covers() {
    let (storage, _) = ledger(2);
    let copy = file(&storage);
    let mut ledger = Ledger::open(storage.clone(), &config()).unwrap().ledger;
    append(&mut ledger, b"first");
    ledger.save_snapshot(b"state", 0).unwrap();
    drop(ledger);
    storage.write(Path::new(FILE), &copy);
    for path in ["/l/a.snapshot.0", "/l/a.head"] {
        let storage = Arc::new(storage.copy());
        let kept = storage.read(Path::new(path)).unwrap();
        storage.remove(Path::new("/l/a.snapshot.0")).unwrap();
        storage.remove(Path::new("/l/a.head")).unwrap();
        let mut ledger = Ledger::open(storage.clone(), &config()).unwrap().ledger;
        append(&mut ledger, b"other");
        append(&mut ledger, b"more!");
        storage.write(Path::new(path), &kept);
        let found = damage(&Ledger::open(storage, &config()).unwrap().findings);
        assert_eq!(found.iter().map(|(_, why)| *why).collect::<Vec<_>>(), [DamageKind::OtherHistory], "{path}");
    }
}

#[test]
fn damage_is_left_behind_by_a_new_generation() {
    let (storage, offsets) = ledger(4);
    let mut bad = file(&storage);
    bad[offsets[2] + 50] ^= 1;
    storage.write(Path::new(FILE), &bad);
    let mut opened = Ledger::open(storage.clone(), &config()).unwrap();
    assert_eq!(damage(&opened.findings).len(), 1);
    let lock = opened.ledger.lock().unwrap();
    opened.ledger.settle(&lock).unwrap();
    opened.ledger.next_generation(&lock, GenerationCause::Damage, b"what is left").unwrap();
    opened.ledger.append(&lock, b"on").unwrap();
    drop(lock);
    assert_eq!(file(&storage), bad, "the damaged file is kept as it is");
    let again = Ledger::open(storage, &config()).unwrap();
    assert_eq!((again.findings, again.entries.len(), again.entries[1].seq), (vec![], 2, 6));
}

#[test]
fn a_damaged_tail_is_kept_aside_before_it_is_written_over() {
    let (storage, offsets) = ledger(3);
    let mut bad = file(&storage);
    bad[offsets[3] + 20] ^= 1;
    storage.write(Path::new(FILE), &bad);
    let mut ledger = Ledger::open(storage.clone(), &config()).unwrap().ledger;
    ledger.vouch(3);
    let lock = ledger.lock().unwrap();
    assert_eq!(damage(&ledger.settle(&lock).unwrap().findings), [(Some(3), DamageKind::BadFrame)]);
    ledger.append(&lock, b"over it").unwrap();
    assert_eq!(storage.read(Path::new("/l/a.torn-1")).unwrap(), bad[offsets[3]..offsets[4]]);
}

#[test]
fn a_generation_that_is_wrecked_or_gone_is_named_and_the_one_below_rules() {
    let (storage, _) = ledger(2);
    let mut ledger = Ledger::open(storage.clone(), &config()).unwrap().ledger;
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    ledger.next_generation(&lock, GenerationCause::Archive, b"state").unwrap();
    drop(lock);
    ledger.write_head().unwrap();
    for wrecked in [Some(b"".as_slice()), Some(&[7; 9000]), None] {
        let storage = Arc::new(storage.copy());
        let path = PathBuf::from("/l/a.g1.ledger");
        match wrecked {
            Some(bytes) => storage.write(&path, bytes),
            None => storage.remove(&path).unwrap(),
        }
        let mut opened = Ledger::open(storage.clone(), &config()).unwrap();
        assert!(damage(&opened.findings).iter().all(|(_, why)| *why == DamageKind::Generation));
        assert!(!opened.findings.is_empty());
        assert_eq!((opened.ledger.generation(), opened.entries.len()), (0, 3));
        // What lies there is not written over; the ledger goes on above it.
        let lock = opened.ledger.lock().unwrap();
        opened.ledger.settle(&lock).unwrap();
        opened.ledger.next_generation(&lock, GenerationCause::Damage, b"on").unwrap();
        drop(lock);
        assert!(storage.read(&path).is_some_and(|bytes| wrecked.is_none_or(|wrecked| bytes == wrecked)));
        assert_eq!(opened.ledger.generation(), if wrecked.is_some() { 2 } else { 1 });
    }
}

#[test]
fn what_is_no_ledger_is_left_alone() {
    let newer = {
        let (storage, _) = ledger(0);
        let mut bytes = file(&storage);
        bytes[8] = 2;
        bytes[4096 + 8] = 2;
        bytes
    };
    let both_headers_gone = {
        let (storage, _) = ledger(0);
        let mut bytes = file(&storage);
        bytes[30] ^= 1;
        bytes[4096 + 30] ^= 1;
        bytes
    };
    let cases: [(&[u8], ErrorKind); 6] = [
        (b"", ErrorKind::NotALedger),
        (b"short", ErrorKind::NotALedger),
        (&[0x5a; 20_000], ErrorKind::NotALedger),
        (&[0; 20_000], ErrorKind::NotALedger),
        (&newer, ErrorKind::NewerFormat),
        (&both_headers_gone, ErrorKind::Damaged),
    ];
    for (bytes, kind) in cases {
        let (storage, _) = ledger(0);
        storage.write(Path::new(FILE), bytes);
        let err = Ledger::open(storage.clone(), &config()).unwrap_err();
        assert_eq!((err.kind(), err.path()), (kind, Some(Path::new(FILE))), "{err}");
        assert_eq!(Ledger::create(storage.clone(), &config(), ID, 1, b"").unwrap_err().kind(), ErrorKind::Exists);
        assert_eq!(verify_public(&*storage, Path::new(FILE), None).unwrap_err().kind(), kind);
        assert_eq!(file(&storage), bytes);
    }
}

#[test]
fn random_edits_never_panic_and_never_pass_unseen() {
    use proptest::prelude::*;
    let (storage, offsets) = ledger(5);
    let bytes = file(&storage);
    let whole = Ledger::open(storage.clone(), &config()).unwrap().entries;
    let edit = (0..bytes.len(), proptest::collection::vec(any::<u8>(), 0..80), 0..200_usize);
    proptest!(ProptestConfig::with_cases(if thorough() { 20_000 } else { 150 }), |(edits in proptest::collection::vec(edit, 1..4))| {
        let mut bad = bytes.clone();
        for (at, put, take) in &edits {
            let at = (*at).min(bad.len());
            let to = (at + take).min(bad.len());
            bad.splice(at..to, put.iter().copied());
        }
        let changed = with(&storage, &bad);
        if let Ok(mut opened) = Ledger::open(changed.clone(), &config()) {
            // Whatever is given is a true record, once.
            for entry in &opened.entries {
                let same = whole.iter().any(|true_one| true_one.seq == entry.seq && true_one.payload == entry.payload);
                prop_assert!(same, "record {} was made up", entry.seq);
            }
            let lost = opened.entries.len() < whole.len();
            let lock = opened.ledger.lock().unwrap();
            let settled = opened.ledger.settle(&lock).unwrap();
            let seen = !opened.findings.is_empty() || !settled.findings.is_empty() || opened.ledger.next_seq() < 6;
            prop_assert!(!lost || seen);
            opened.ledger.append(&lock, b"goes on").unwrap();
        }
        let _ = verify_public(&*changed, Path::new(FILE), None);
        let _ = verify(changed, &config());
    });
    assert_eq!(offsets.len(), 7);
}

/// A ledger written on record by record, and the files beside it as they were after each: snapshot and head.
fn moments(storage: &Arc<MemoryStorage>, payloads: &[&[u8]]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut ledger = Ledger::open(storage.clone(), &config()).unwrap().ledger;
    let mut beside = Vec::new();
    for payload in payloads {
        append(&mut ledger, payload);
        ledger.sync().unwrap();
        for old in ["/l/a.snapshot.0", "/l/a.snapshot.1"] {
            let _ = storage.remove(Path::new(old));
        }
        ledger.save_snapshot(b"state", 0).unwrap();
        let snapshot = ["/l/a.snapshot.0", "/l/a.snapshot.1"].iter().find_map(|path| storage.read(Path::new(path)));
        beside.push((snapshot.unwrap(), storage.read(Path::new("/l/a.head")).unwrap()));
    }
    beside
}

/// `snapshot` and `head`, or nothing in their places, beside this log.
fn beside(storage: &MemoryStorage, log: &[u8], snapshot: Option<&[u8]>, head: Option<&[u8]>) -> Arc<MemoryStorage> {
    let copy = with(storage, log);
    let _ = copy.remove(Path::new("/l/a.snapshot.1"));
    for (path, bytes) in [("/l/a.snapshot.0", snapshot), ("/l/a.head", head)] {
        match bytes {
            Some(bytes) => copy.write(Path::new(path), bytes),
            None => copy.remove(Path::new(path)).unwrap_or_default(),
        }
    }
    copy
}

/// Where the frames of a log begin, and where the last one ends.
fn frames(log: &[u8]) -> (Vec<usize>, usize) {
    let (mut starts, mut end) = (Vec::new(), LOG);
    while log.get(end..end + 2) == Some(b"RF") {
        starts.push(end);
        end += 64 + u32::from_le_bytes(log[end + 2..end + 6].try_into().unwrap()) as usize;
    }
    (starts, end)
}

/// What a snapshot covers is looked at by its bytes alone: of whatever moment it is, no flip passes.
#[test]
fn every_bit_flipped_is_found_beside_a_snapshot_of_any_moment() {
    let (storage, _) = ledger(1);
    let payloads: [&[u8]; 4] = [b"one", b"two two", b"three", b"four and the end"];
    let moments = moments(&storage, &payloads);
    let opened = Ledger::open(storage.clone(), &config()).unwrap();
    let (seq, hash) = opened.ledger.newest();
    opened.ledger.witness_write(&Witness { ledger: ID, generation: 0, seq, hash, body: vec![] }, false).unwrap();
    let log = file(&storage);
    let (starts, end) = frames(&log);
    assert_eq!(starts.len() as u64, seq + 1);
    for (moment, (snapshot, _)) in moments.iter().enumerate() {
        let clean = Ledger::open(beside(&storage, &log, Some(snapshot), None), &config()).unwrap();
        assert_eq!(clean.findings, [], "{moment}");
        assert!(clean.snapshot.is_some() && clean.entries.len() == 3 - moment, "{moment}: the snapshot is used");
        for at in LOG..end {
            for bit in (0..8).filter(|bit| thorough() || *bit == at % 8) {
                let mut bad = log.clone();
                bad[at] ^= 1 << bit;
                let opened = Ledger::open(beside(&storage, &bad, Some(snapshot), None), &config()).unwrap();
                let hit = starts.iter().rposition(|start| *start <= at).unwrap() as u64;
                let what = format!("moment {moment}, byte {at} bit {bit} of record {hit}");
                assert_eq!(damage(&opened.findings), [(Some(hit), DamageKind::BadFrame)], "{what}");
            }
        }
    }
}

/// Logs, snapshots and heads of two lines that parted, in every mixture: nothing is clean but what belongs together.
#[test]
fn no_mixture_of_two_lines_passes() {
    let (storage, _) = ledger(1);
    let common = moments(&storage, &[b"c-2", b"c-3"]);
    let other = Arc::new(storage.copy());
    let rest: [[&[u8]; 3]; 2] = [[b"a-4", b"a-5", b"a-6"], [b"b-4", b"b-5", b"b-6"]];
    let lines = [(storage.clone(), rest[0]), (other, rest[1])].map(|(storage, rest)| {
        let mut all = common.clone();
        all.extend(moments(&storage, &rest));
        (file(&storage), all)
    });
    let mut tried = 0;
    for (line, (log, own)) in lines.iter().enumerate() {
        for (from, (_, given)) in lines.iter().enumerate() {
            for (at, (snapshot, _)) in given.iter().enumerate() {
                for (whose, (_, heads)) in lines.iter().enumerate() {
                    for when in 0..=heads.len() {
                        let head = heads.get(when).map(|one| one.1.as_slice());
                        let storage = beside(&storage, log, Some(snapshot), head);
                        let opened = Ledger::open(storage, &config()).unwrap();
                        let belongs = (from == line || at < 2) && (whose == line || when < 2 || head.is_none());
                        let what = format!("log {line}, snapshot {from}.{at}, head {whose}.{when}");
                        assert_eq!(damage(&opened.findings).is_empty(), belongs, "{what}: {:?}", opened.findings);
                        assert!(
                            belongs || damage(&opened.findings).iter().all(|one| one.1 == DamageKind::OtherHistory),
                            "{what}"
                        );
                        tried += 1;
                    }
                }
            }
        }
        assert_eq!(own.len(), 5);
    }
    assert_eq!(tried, 2 * 2 * 5 * 2 * 6);
    // A byte of the other line in the place of this one's. What neither snapshot nor head reaches may be a torn tail.
    let (one, two) = (&lines[0], &lines[1]);
    let last = *frames(&one.0).0.last().unwrap();
    let differ = (LOG..one.0.len().min(two.0.len())).filter(|at| one.0[*at] != two.0[*at]);
    for at in differ {
        let mut spliced = one.0.clone();
        spliced[at] = two.0[at];
        for (moment, (snapshot, head)) in one.1.iter().enumerate() {
            let opened = Ledger::open(beside(&storage, &spliced, Some(snapshot), Some(head)), &config()).unwrap();
            let found = damage(&opened.findings);
            assert!(!found.is_empty() || at >= last && moment + 1 < one.1.len(), "byte {at}, moment {moment}");
        }
    }
}

/// A head is evidence by its signature alone. Most are believed without a look at that, as they say what the log says: none that says
/// anything else passes so, and none that is not signed says anything.
#[test]
fn a_head_that_is_not_signed_is_no_evidence_and_a_signed_one_always_is() {
    let (storage, _) = ledger(1);
    let payloads: [&[u8]; 4] = [b"one", b"two two", b"three", b"four and the end"];
    let moments = moments(&storage, &payloads);
    let log = file(&storage);
    let (starts, end) = frames(&log);
    let path = Path::new("/l/a.head");
    for (moment, (snapshot, _)) in moments.iter().enumerate() {
        let snapshot = Some(snapshot.as_slice());
        for (when, (_, head)) in moments.iter().enumerate() {
            let found = |log: &[u8], head: &[u8]| {
                let opened = Ledger::open(beside(&storage, log, snapshot, Some(head)), &config()).unwrap();
                damage(&opened.findings)
            };
            let what = format!("snapshot {moment}, head {when}");
            assert_eq!(found(&log, head), [], "{what}");
            let text = String::from_utf8(head.clone()).unwrap();
            let lines: Vec<&str> = text.split('\n').collect();
            // Another number of records, another root, another generation, under the signature of what it was.
            for (line, instead) in [
                (1, "1".to_owned()),
                (1, "4000".to_owned()),
                (2, "A".repeat(43) + "="),
                (0, lines[0].replace("/0", "/1")),
            ] {
                let mut forged: Vec<&str> = lines.clone();
                forged[line] = &instead;
                assert_eq!(found(&log, forged.join("\n").as_bytes()), [], "{what}, line {line}: {instead}");
            }
            for at in (0..head.len()).filter(|at| thorough() || at % 3 == (moment + when) % 3) {
                let mut bad = head.clone();
                bad[at] ^= 1;
                assert_eq!(found(&log, &bad), [], "{what}, byte {at}");
            }
            let vouched = when + 1 == moments.len() || moment + 1 == moments.len();
            for (record, start) in starts.iter().enumerate() {
                let mut bad = log.clone();
                bad[start + 20 + (moment + when) % 40] ^= 1;
                let expected = [(Some(record as u64), DamageKind::BadFrame)];
                // The last may be a torn tail where nothing beside the log reaches it.
                let known = record + 1 < starts.len() || vouched;
                assert_eq!(found(&bad, head), expected[..usize::from(known)], "{what}, record {record}");
            }
            // The log without its last record, though one of them is of it.
            let mut cut = log.clone();
            cut[*starts.last().unwrap()..end].fill(0);
            assert_eq!(!found(&cut, head).is_empty(), vouched, "{what}");
        }
    }
    // Another ledger's head, made with another key, in the place of this one's.
    let other = Arc::new(MemoryStorage::new());
    let mut made = Ledger::create(other.clone(), &config(), ID, 1, b"other").unwrap();
    append(&mut made, b"its own");
    made.sync().unwrap();
    made.write_head().unwrap();
    storage.write(path, &other.read(path).unwrap());
    assert_eq!(damage(&Ledger::open(storage, &config()).unwrap().findings), []);
}
