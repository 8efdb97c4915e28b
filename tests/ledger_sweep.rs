//! Verification in pieces, on several threads, says what one reading from the first record to the last says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use reprieve::ledger::{
    Config, DamageKind, Finding, HeadBeside, KeySource, Ledger, LedgerId, MemoryStorage, Storage, Verification,
    verify_with,
};

const FILE: &str = "/l/a.g0.ledger";
const HEAD: &str = "/l/a.head";
const LOG: usize = 8192;
/// How much of a log is read at once, and what a frame adds to its payload.
const PIECE: usize = 1 << 20;
const OVERHEAD: usize = 64;

fn config() -> Config {
    Config::new("/l", "a", KeySource::caller(b"sixteen bytes or more of the caller's"))
}

/// The sizes of the payloads: pieces of small records, of which the first ends with a frame and the second within one; records larger
/// than a piece and exactly as large; and small ones behind.
fn payload_sizes() -> Vec<usize> {
    let mut sizes = vec![7];
    let fill = |sizes: &mut Vec<usize>, upto: usize| {
        for at in 0.. {
            let used: usize = sizes.iter().map(|size| size + OVERHEAD).sum();
            let size = at * 7919 % 20_000;
            if used + size + 2 * OVERHEAD > upto {
                return upto.saturating_sub(used + OVERHEAD);
            }
            sizes.push(size);
        }
        0
    };
    let rest = fill(&mut sizes, PIECE);
    sizes.push(rest);
    fill(&mut sizes, 2 * PIECE);
    sizes.extend([40_000, PIECE + PIECE / 4, PIECE - OVERHEAD, 100, 0, 3000, 70_000, 5]);
    sizes
}

/// The records that a piece begins with, as [`PIECE`] and the sizes say.
fn borders(sizes: &[usize]) -> Vec<usize> {
    let (mut begin, mut used) = (vec![0], 0);
    for (record, size) in sizes.iter().enumerate() {
        used += size + OVERHEAD;
        if used > PIECE && record > *begin.last().unwrap() {
            begin.push(record);
            used = size + OVERHEAD;
        }
    }
    begin
}

/// A log, and another one of the same ledger that begins with the same record and has others of the same sizes.
struct Logs {
    storage: Arc<MemoryStorage>,
    bytes: Vec<u8>,
    other: Vec<u8>,
    frames: Vec<Range<usize>>,
    borders: Vec<usize>,
    /// Signed heads of these sizes, of both.
    notes: Vec<(u64, String, String)>,
}

static LOGS: LazyLock<Logs> = LazyLock::new(Logs::new);

impl Logs {
    fn new() -> Logs {
        let sizes = payload_sizes();
        let borders = borders(&sizes);
        let mut headed: Vec<u64> = vec![1, sizes.len() as u64];
        headed.extend(borders[1..].iter().flat_map(|border| [*border as u64 - 1, *border as u64, *border as u64 + 1]));
        headed.sort();
        headed.dedup();
        let storage = Arc::new(MemoryStorage::new());
        drop(Ledger::create(storage.clone(), &config(), LedgerId::from_bytes([9; 16]), 1, b"genesis").unwrap());
        let twin = Arc::new(storage.copy());
        let fill = |storage: &Arc<MemoryStorage>, byte: u8| {
            let mut ledger = Ledger::open(storage.clone(), &config()).unwrap().ledger;
            let mut notes = Vec::new();
            for (size, payload) in (1..).zip(sizes[1..].iter().map(Some).chain([None])) {
                // Each record vouches for the one before it.
                ledger.sync().unwrap();
                if headed.contains(&size) {
                    notes.push(ledger.note().unwrap());
                }
                let Some(payload) = payload else { break };
                let lock = ledger.lock().unwrap();
                ledger.settle(&lock).unwrap();
                ledger.append(&lock, &vec![byte; *payload]).unwrap();
            }
            drop(ledger);
            storage.remove(Path::new(HEAD)).ok();
            (storage.read(Path::new(FILE)).unwrap(), notes)
        };
        let ((bytes, notes), (other, others)) = (fill(&storage, 1), fill(&twin, 2));
        let mut at = LOG;
        let frames: Vec<Range<usize>> = sizes
            .iter()
            .map(|size| {
                at += size + OVERHEAD;
                at - size - OVERHEAD..at
            })
            .collect();
        assert!(frames.iter().all(|frame| bytes[frame.start..].starts_with(b"RF")));
        let notes =
            headed.into_iter().zip(notes).zip(others).map(|((size, note), other)| (size, note, other)).collect();
        Logs { storage, bytes, other, frames, borders, notes }
    }

    /// The first, middle and last records, and those at the borders of pieces.
    fn places(&self) -> Vec<usize> {
        let last = self.frames.len() - 1;
        let mut places: Vec<usize> = vec![1, self.borders[1] / 2, last - 2, last];
        places.extend(self.borders[1..].iter().flat_map(|border| [border - 1, *border, border + 1]));
        places.sort();
        places.dedup();
        places
    }

    fn with(&self, bytes: &[u8], head: Option<&str>) -> Arc<MemoryStorage> {
        let copy = self.storage.copy();
        copy.write(Path::new(FILE), bytes);
        if let Some(head) = head {
            copy.write(Path::new(HEAD), head.as_bytes());
        }
        Arc::new(copy)
    }

    /// What verification says, which is the same on any number of threads.
    fn verify(&self, bytes: &[u8], head: Option<&str>, what: &str) -> Verification {
        let storage = self.with(bytes, head);
        let on = |threads| verify_with(storage.clone(), &config(), NonZeroUsize::new(threads).unwrap()).unwrap();
        let found = on(1);
        for threads in [2, 5] {
            assert_eq!(on(threads), found, "{what}: {threads} threads");
        }
        found
    }

    /// Verifies a damaged log, and holds what is said against a reading in one go, as an open is that has neither a snapshot nor a head.
    fn agree(&self, bytes: &[u8], what: &str) -> Verification {
        let found = self.verify(bytes, None, what);
        let mut opened = Ledger::open(self.with(bytes, None), &config()).unwrap();
        let report = &found.generations[0];
        assert_eq!(report.findings, opened.findings, "{what}");
        let head = opened.ledger.head();
        assert_eq!(
            (report.records, report.size, report.root),
            (opened.entries.len() as u64, head.size, head.root),
            "{what}"
        );
        let lock = opened.ledger.lock().unwrap();
        let settled = opened.ledger.settle(&lock).unwrap();
        let torn = settled.findings.iter().find_map(|finding| match finding {
            Finding::Torn { offset, bytes, .. } => Some((*offset, *bytes)),
            _ => None,
        });
        assert_eq!(report.torn, torn, "{what}");
        found
    }
}

/// All of several ways to damage a place if asked for; by default one, another at each place, so that a plain test run stays quick.
fn some<T>(ways: impl IntoIterator<Item = T>, turn: usize) -> Vec<T> {
    let mut ways: Vec<T> = ways.into_iter().collect();
    if std::env::var_os("REPRIEVE_TEST_THOROUGH").is_some() || ways.is_empty() {
        return ways;
    }
    vec![ways.swap_remove(turn % ways.len())]
}

fn kinds(found: &Verification) -> Vec<(DamageKind, Option<u64>)> {
    let named = |finding: &Finding| match finding {
        Finding::Damaged { why, seq, .. } => (*why, *seq),
        other => panic!("{other:?}"),
    };
    found.generations[0].findings.iter().map(named).collect()
}

#[test]
fn a_log_of_several_pieces_is_whole_on_any_number_of_threads_and_has_the_root_of_each_head() {
    let logs = &*LOGS;
    let (pieces, records) = (logs.borders.len(), logs.frames.len() as u64);
    assert!(pieces >= 5 && logs.bytes.len() > 4 * PIECE, "{pieces} pieces");
    let ends_with_a_frame = |border: &usize| (logs.frames[*border].start - LOG).is_multiple_of(PIECE);
    assert_eq!(logs.borders[1..3].iter().map(ends_with_a_frame).collect::<Vec<_>>(), [true, false]);
    let found = logs.agree(&logs.bytes, "whole");
    assert!(found.is_clean() && found.generations[0].records == records);
    assert_ne!(logs.agree(&logs.other, "the other one").generations[0].root, found.generations[0].root);
    assert_eq!(logs.notes.first().unwrap().0, 1);
    assert_eq!(logs.notes.last().unwrap().0, records);
    for (size, mine, others) in &logs.notes {
        let what = format!("a head of {size}");
        let found = logs.verify(&logs.bytes, Some(mine), &what);
        assert_eq!((found.head, kinds(&found)), (HeadBeside::Of { generation: 0, size: *size }, vec![]), "{what}");
        // One that was signed of the other log: both have the first record.
        let found = logs.verify(&logs.bytes, Some(others), &what);
        let expected = if *size > 1 { vec![(DamageKind::OtherHistory, None)] } else { vec![] };
        assert_eq!((found.head, kinds(&found)), (HeadBeside::Of { generation: 0, size: *size }, expected), "{what}");
    }
}

#[test]
fn a_flipped_bit_in_any_piece_costs_its_record_and_the_heads_behind_it() {
    let logs = &*LOGS;
    let last = logs.frames.len() - 1;
    for (turn, place) in logs.places().into_iter().enumerate() {
        let frame = logs.frames[place].clone();
        // Its length, its number, its link, and its tag.
        for at in some([frame.start + 2, frame.start + 8, frame.start + 25, frame.end - 1], turn) {
            let mut bad = logs.bytes.clone();
            bad[at] ^= 1;
            let found = logs.agree(&bad, &format!("record {place}, byte {}", at - frame.start));
            let lost = vec![(DamageKind::BadFrame, Some(place as u64))];
            assert_eq!(kinds(&found), if place == last { vec![] } else { lost }, "record {place}");
            assert_eq!(found.generations[0].torn.is_some(), place == last);
        }
        let mut bad = logs.bytes.clone();
        bad[frame.end - 1] ^= 1;
        let near = logs.notes.iter().filter(|(size, ..)| size.abs_diff(place as u64) <= 1);
        for (size, note, _) in some(near, turn).into_iter().chain(some(&logs.notes, turn)) {
            let what = format!("record {place}, a head of {size}");
            let found = kinds(&logs.verify(&bad, Some(note), &what));
            let told = found.iter().any(|(why, _)| *why == DamageKind::OtherHistory);
            let missing = found.contains(&(DamageKind::Missing, Some(last as u64)));
            let expected = *size > place as u64;
            assert_eq!((told, missing), (expected && place < last, expected && place == last), "{what}: {found:?}");
        }
    }
}

#[test]
fn a_cut_in_any_piece_is_a_torn_tail_unless_a_head_tells_of_more() {
    let logs = &*LOGS;
    let (all, note, _) = logs.notes.last().unwrap();
    for (turn, place) in logs.places().into_iter().enumerate() {
        let frame = logs.frames[place].clone();
        let cuts = [frame.start, frame.start + 1, frame.start + 48, frame.end - 1];
        for (at, size) in some(cuts.into_iter().flat_map(|at| [(at, at), (at, logs.bytes.len())]), turn) {
            let what = format!("cut at byte {} of record {place}, {size} bytes", at - frame.start);
            let mut bad = logs.bytes[..at].to_vec();
            bad.resize(size, 0);
            let found = logs.agree(&bad, &what);
            assert_eq!((kinds(&found), found.generations[0].size), (vec![], place as u64), "{what}");
            assert_eq!(found.generations[0].torn.is_some(), at > frame.start, "{what}");
        }
        let found = logs.verify(&logs.bytes[..frame.start], Some(note), "a head of all");
        assert_eq!(kinds(&found), [(DamageKind::Missing, Some(place as u64))]);
        let lack = format!("{} records are missing", all - place as u64);
        assert!(found.generations[0].findings[0].to_string().contains(&lack), "{found:?}");
    }
}

#[test]
fn records_that_were_exchanged_or_put_in_are_named_in_any_piece() {
    let logs = &*LOGS;
    let last = logs.frames.len() - 1;
    for (turn, place) in logs.places().into_iter().enumerate() {
        let (this, seq) = (logs.frames[place].clone(), Some(place as u64));
        let (before, behind) = (&logs.bytes[..this.start], &logs.bytes[this.end..]);
        let next = logs.frames[(place + 1).min(last)].clone();
        let swapped = [before, &logs.bytes[next.clone()], &logs.bytes[this.clone()], &logs.bytes[next.end..]].concat();
        // A record of its number of the other log: sealed, but it follows another one, and another one follows it.
        let spliced = [before, &logs.other[this.clone()], behind].concat();
        let mut unlinked = vec![(DamageKind::BadLink, seq), (DamageKind::BadLink, Some(place as u64 + 1))];
        // Both logs have the same first record, and none is behind the last.
        unlinked.retain(|(_, seq)| *seq != Some(1) && *seq <= Some(last as u64));
        // All from there on of the other log: it follows itself.
        let changed = [before, &logs.other[this.start..]].concat();
        let once = if place > 1 { vec![(DamageKind::BadLink, seq)] } else { vec![] };
        let twice = [before, &logs.bytes[this.clone()], &logs.bytes[this.clone()], behind].concat();
        let misplaced = vec![(DamageKind::Misplaced, seq)];
        let ways = [
            ("swapped with the next", swapped, misplaced.clone()),
            ("of the other log", spliced, unlinked),
            ("of the other log, and all behind", changed, once),
            ("twice", twice, misplaced),
        ];
        for (way, bytes, expected) in some(ways, turn) {
            if way.starts_with("swapped") && place == last {
                continue;
            }
            let found = kinds(&logs.agree(&bytes, &format!("record {place} {way}")));
            let exact = found == expected || way.starts_with("swapped") && found.contains(&expected[0]);
            assert!(exact, "record {place} {way}: {found:?}");
        }
    }
}

/// Heads that nobody sealed: they lead a walk that goes by what heads say, and cost what is under them.
#[test]
fn a_head_that_nobody_sealed_leads_nowhere() {
    let logs = &*LOGS;
    let last = logs.frames.len() - 1;
    let field = |at: usize, bytes: &[u8]| (at, bytes.to_vec());
    for (turn, place) in logs.places().into_iter().enumerate() {
        let frame = logs.frames[place].clone();
        let left = logs.bytes.len() - frame.start - OVERHEAD;
        let length = |length: usize| field(2, &(length as u32).to_le_bytes());
        let reach = |record: usize| logs.frames[record].start - frame.start;
        let forged = [
            length(0),
            length(PIECE - OVERHEAD),
            length(PIECE + 5),
            length(left),
            length(left + 1),
            length(16 << 20),
            // To the end of the next but one.
            length(reach((place + 2).min(last)).saturating_sub(OVERHEAD)),
            field(6, &2u16.to_le_bytes()),
            field(8, &(place as u32 + 1).to_le_bytes()),
            field(8, &(u32::MAX).to_le_bytes()),
            field(12, &u64::MAX.to_le_bytes()),
            field(12, &(logs.bytes.len() as u64).to_le_bytes()),
        ];
        for (at, bytes) in some(forged, turn) {
            let mut bad = logs.bytes.clone();
            bad[frame.start + at..][..bytes.len()].copy_from_slice(&bytes);
            if bad == logs.bytes {
                continue;
            }
            let what = format!("record {place}: {bytes:?} at {at}");
            let lost = vec![(DamageKind::BadFrame, Some(place as u64))];
            assert_eq!(kinds(&logs.agree(&bad, &what)), if place == last { vec![] } else { lost }, "{what}");
        }
        // Put in before it, and leading to it.
        let mut put_in = logs.bytes[frame.start..frame.start + 48].to_vec();
        put_in[2..6].fill(0);
        put_in.extend([0; 16]);
        let bad = [&logs.bytes[..frame.start], &put_in, &logs.bytes[frame.start..]].concat();
        let found = kinds(&logs.agree(&bad, &format!("a head before record {place}")));
        let inserted = vec![(DamageKind::Inserted, None)];
        assert_eq!(found, if place == last { vec![] } else { inserted }, "a head before record {place}");
    }
}
