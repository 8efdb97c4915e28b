//! Calls that fail, one at each place where one can: syncs, reads, writes, names; short ones, interrupted ones, a full disk.
//!
//! The process goes on as the interface says: on the same handle, or on a new one if a failed sync has poisoned it. Then the
//! power goes, at each point of what followed.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use reprieve::ledger::{Error, ErrorKind, GenerationCause, Ledger, OVERHEAD};

use crate::disk::{Act, Call, Disk, Landed, record};
use crate::oracle::{FOLD, Oracle, config, recover};
use crate::power::{Random, look_at_some};
use crate::work::{Hand, create, created, open};

type Fault = fn(Call) -> Option<Act>;

/// The `nth` call that the fault is for meets it; so do all from there on until `over` is set, if it `lasts`.
fn arm(disk: &Disk, nth: u64, lasts: bool, fault: Fault) -> (Arc<AtomicBool>, Arc<AtomicBool>) {
    let (met, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (seen, stop, calls) = (met.clone(), over.clone(), AtomicU64::new(0));
    disk.plan(move |call| {
        let Some(act) = fault(call).filter(|_| !stop.load(Ordering::Relaxed)) else { return Act::Go };
        let at = calls.fetch_add(1, Ordering::Relaxed) + 1;
        if at == nth || (lasts && at > nth) {
            seen.store(true, Ordering::Relaxed);
            return act;
        }
        Act::Go
    });
    (met, over)
}

/// Does each step until it is done; after a failure as the interface says. Returns the kinds of the failures.
fn persist(hand: &mut Hand, over: &AtomicBool, failed: &mut Vec<ErrorKind>, step: &Step) {
    for _ in 0..5 {
        let Err(err) = step(hand) else { return };
        failed.push(err.kind());
        // Whatever failed, there is room again now.
        over.store(true, Ordering::Relaxed);
        if hand.ledger.poisoned() {
            let acked = hand.disk.told().acked;
            assert_eq!(hand.sync().unwrap_err().kind(), ErrorKind::Poisoned);
            assert_eq!(hand.append(5).unwrap_err().kind(), ErrorKind::Poisoned);
            assert_eq!(hand.disk.told().acked, acked);
            // The records are seen, though nobody may say that they are safe.
            let process = hand.disk.clone();
            let mut opened = open(&process, b'n' + failed.len() as u8).unwrap();
            std::mem::swap(hand, &mut opened);
        }
        hand.resume().unwrap();
    }
    panic!("a failure that happens once is met again and again: {failed:?}");
}

type Step = dyn Fn(&mut Hand) -> Result<(), Error>;

const STEPS: [&Step; 10] = [
    &|hand| hand.append(40),
    &|hand| hand.append(600),
    &|hand| hand.sync(),
    &|hand| hand.append(57_000),
    &|hand| hand.raise_level(hand.ledger.level() + 1),
    &|hand| hand.sync(),
    &|hand| hand.generation(GenerationCause::Archive),
    &|hand| hand.append(40),
    &|hand| hand.sync(),
    &|hand| hand.side(3),
];

/// Returns how often the fault was met, and what came of it.
fn survive(name: &str, lasts: bool, crashes: bool, fault: Fault) -> (u64, Vec<ErrorKind>) {
    let mut random = Random(0xface_feed);
    let (mut distinct, mut kinds) = (0, Vec::new());
    for nth in 1.. {
        let mut hand = created();
        let disk = hand.disk.clone();
        let (met, over) = arm(&disk, nth, lasts, fault);
        let mut failed = Vec::new();
        let points = record(&disk, || {
            for step in STEPS {
                persist(&mut hand, &over, &mut failed, step);
            }
        });
        disk.no_plan();
        let what = format!("{name} at call {nth}");
        let told = disk.told();
        assert_eq!(
            (told.begun.len() as u64, told.acked as u64),
            (hand.ledger.next_seq(), hand.ledger.next_seq()),
            "{what}"
        );
        let found = recover(&disk.seen(), 1, &what).unwrap();
        assert!(found.records == told.begun && !found.torn, "{what}");
        if crashes {
            let mut oracle = Oracle::new();
            look_at_some(&mut oracle, &points, 0, &mut random, &what);
            distinct += oracle.distinct();
        }
        kinds.append(&mut failed);
        if !met.load(Ordering::Relaxed) {
            println!("{name}: at each of {} calls, {} failures, {distinct} images opened", nth - 1, kinds.len());
            return (nth - 1, kinds);
        }
    }
    unreachable!()
}

#[test]
fn a_sync_fails_and_what_was_on_its_way_is_lost() {
    let (calls, kinds) =
        survive("lost at a sync", false, true, |call| (call == Call::Sync).then_some(Act::Lose(Landed::Nothing)));
    assert!(calls >= 8 && kinds.len() as u64 >= calls, "{calls} {kinds:?}");
}

#[test]
fn a_sync_fails_and_half_of_what_was_on_its_way_is_lost() {
    survive("half lost at a sync", false, true, |call| (call == Call::Sync).then_some(Act::Lose(Landed::FirstHalves)));
}

#[test]
fn a_folder_cannot_be_synced() {
    let (calls, kinds) =
        survive("folder", false, true, |call| (call == Call::SyncFolder).then_some(Act::Fail(io::ErrorKind::Other)));
    assert!(calls >= 2 && kinds.len() as u64 == calls);
}

#[test]
fn the_disk_is_full() {
    let full: Fault =
        |call| matches!(call, Call::Write(_) | Call::Create).then_some(Act::Fail(io::ErrorKind::StorageFull));
    for lasts in [false, true] {
        let (calls, kinds) = survive("full", lasts, true, full);
        assert!(calls >= 10 && kinds.iter().all(|kind| *kind == ErrorKind::Full), "{kinds:?}");
    }
}

#[test]
fn the_disk_becomes_full_within_a_write() {
    // The first write of many is short, the next ones find no room.
    for nth in 1.. {
        let mut hand = created();
        let disk = hand.disk.clone();
        let (writes, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, stop) = (writes.clone(), over.clone());
        disk.plan(move |call| match call {
            Call::Write(n) if !stop.load(Ordering::Relaxed) => match count.fetch_add(1, Ordering::Relaxed) + 1 {
                at if at < nth => Act::Go,
                at if at == nth && n > 1 => Act::Short(n / 2),
                _ => Act::Fail(io::ErrorKind::StorageFull),
            },
            _ => Act::Go,
        });
        let mut failed = Vec::new();
        let points = record(&disk, || STEPS.iter().for_each(|step| persist(&mut hand, &over, &mut failed, step)));
        let mut oracle = Oracle::new();
        look_at_some(&mut oracle, &points, 0, &mut Random(5), &format!("full in write {nth}"));
        if writes.load(Ordering::Relaxed) < nth {
            println!("full within a write: at each of {} writes", nth - 1);
            break;
        }
        assert!(failed.iter().all(|kind| *kind == ErrorKind::Full), "{failed:?}");
    }
}

#[test]
fn calls_are_interrupted() {
    let interrupted: Fault = |call| {
        matches!(call, Call::Read | Call::Write(_) | Call::Sync).then_some(Act::Fail(io::ErrorKind::Interrupted))
    };
    let (calls, kinds) = survive("interrupted", false, false, interrupted);
    assert!(calls > 50 && kinds.is_empty(), "what is interrupted is tried again: {kinds:?}");
}

#[test]
fn calls_are_short() {
    fn short(call: Call) -> Option<Act> {
        match call {
            Call::Read => Some(Act::Short(7)),
            Call::Write(n) => Some(Act::Short(n.div_ceil(2))),
            _ => None,
        }
    }
    let (_, kinds) = survive("short", false, false, short);
    assert!(kinds.is_empty());
    // All of them, byte by byte.
    let mut hand = created();
    hand.disk.plan(|call| match call {
        Call::Write(_) | Call::Read => Act::Short(1),
        _ => Act::Go,
    });
    hand.append(300).unwrap();
    hand.sync().unwrap();
    hand.generation(GenerationCause::NewDataKey).unwrap();
    hand.append(300).unwrap();
    hand.sync().unwrap();
    hand.disk.no_plan();
    assert_eq!(recover(&hand.disk.seen(), 1, "short").unwrap().records, hand.disk.told().begun);
}

#[test]
fn reads_fail() {
    let (calls, kinds) =
        survive("reads", false, false, |call| (call == Call::Read).then_some(Act::Fail(io::ErrorKind::Other)));
    assert!(calls > 20 && kinds.iter().all(|kind| *kind == ErrorKind::Io), "{kinds:?}");
    // Nor does an opener or a reader take one for an end or for damage.
    for nth in 1.. {
        let mut hand = created();
        hand.append(40).unwrap();
        hand.append(40).unwrap();
        let disk = hand.disk.process();
        let (met, _) = arm(&disk, nth, false, |call| (call == Call::Read).then_some(Act::Fail(io::ErrorKind::Other)));
        let mut reader = match Ledger::open(disk.storage(), &config(0, FOLD)) {
            Ok(opened) => {
                assert_eq!((opened.findings.len(), opened.entries.len()), (0, 3), "read {nth}");
                opened.ledger
            }
            Err(err) => {
                assert_eq!(err.kind(), ErrorKind::Io, "read {nth}: {err}");
                continue;
            }
        };
        hand.append(40).unwrap();
        let new = reader.refresh().or_else(|err| {
            assert_eq!(err.kind(), ErrorKind::Io);
            reader.refresh()
        });
        let new = new.unwrap();
        assert_eq!((new.findings.len(), new.entries.len()), (0, 1), "read {nth}");
        if !met.load(Ordering::Relaxed) {
            break;
        }
    }
}

#[test]
fn a_creation_fails_at_any_call() {
    let faults: [(&str, Fault); 4] = [
        ("sync", |call| (call == Call::Sync).then_some(Act::Lose(Landed::Nothing))),
        ("folder", |call| (call == Call::SyncFolder).then_some(Act::Fail(io::ErrorKind::Other))),
        ("full", |call| matches!(call, Call::Write(_) | Call::Create).then_some(Act::Fail(io::ErrorKind::StorageFull))),
        ("names", |call| (call == Call::Rename).then_some(Act::Fail(io::ErrorKind::Other))),
    ];
    for (name, fault) in faults {
        for nth in 1.. {
            let disk = Disk::default();
            let (met, _) = arm(&disk, nth, false, fault);
            let what = format!("{name} at call {nth}");
            let points = record(&disk, || {
                let mut hand = create(&disk).or_else(|_| {
                    assert!(!disk.told().created, "{what}: nothing is promised falsely");
                    open(&disk, b'o').or_else(|err| {
                        assert_eq!(err.kind(), ErrorKind::Missing, "{what}: {err}");
                        create(&disk)
                    })
                });
                disk.no_plan();
                let hand = hand.as_mut().unwrap();
                hand.resume().unwrap();
                hand.append(40).unwrap();
                hand.sync().unwrap();
            });
            look_at_some(&mut Oracle::new(), &points, 1, &mut Random(9), &what);
            if !met.load(Ordering::Relaxed) {
                assert!(nth > 1, "{what} is never met");
                break;
            }
        }
    }
}

#[test]
fn a_tail_that_could_not_be_cut_does_not_follow_the_next_record() {
    // Of three records of one size the first is torn, so the next one of that size ends just where the second begins.
    let mut first = created();
    for _ in 0..3 {
        first.append(40).unwrap();
    }
    let begun = first.disk.told().begun;
    let mut image = first.disk.seen();
    let log = image.files.get_mut(first.ledger.path()).unwrap();
    let from = 8192 + OVERHEAD + begun[0].len();
    Arc::make_mut(log)[from + 60] ^= 1;
    for landed in [Landed::Nothing, Landed::FirstHalves] {
        for nth in 1.. {
            let disk = Disk::of(&image);
            disk.tell(|told| {
                told.begun = begun[..1].to_vec();
                told.level = (1, 1);
            });
            let mut hand = open(&disk, b'h').unwrap();
            let (calls, failed) = (AtomicU64::new(0), Arc::new(AtomicBool::new(false)));
            let met = failed.clone();
            hand.disk.plan(move |call| {
                if call == Call::Sync && calls.fetch_add(1, Ordering::Relaxed) + 1 == nth {
                    met.store(true, Ordering::Relaxed);
                    return Act::Lose(landed);
                }
                Act::Go
            });
            let mut kinds = Vec::new();
            let points = record(&disk, || {
                for step in [STEPS[0], STEPS[2], STEPS[0], STEPS[2]] {
                    persist(&mut hand, &AtomicBool::new(false), &mut kinds, step);
                }
            });
            look_at_some(&mut Oracle::new(), &points, 2, &mut Random(11), &format!("{landed:?}, sync {nth} of a cut"));
            if !failed.load(Ordering::Relaxed) {
                assert!(nth > 3);
                break;
            }
        }
    }
}

#[test]
fn what_a_failed_append_left_is_the_same_for_ever_in_the_file_before() {
    // How much of the append lands, and whether what landed can be made zeros again at once.
    for (short, mended) in [(30_000, true), (30_000, false), (100, true), (100, false)] {
        let mut hand = created();
        hand.append(40).unwrap();
        hand.sync().unwrap();
        let mut writes = 0;
        hand.disk.plan(move |call| {
            writes += u32::from(matches!(call, Call::Write(_)));
            match (call, writes) {
                (Call::Write(_), 1) => Act::Short(short),
                (Call::Write(_), 2) => Act::Fail(io::ErrorKind::StorageFull),
                (Call::Write(_), _) if !mended => Act::Fail(io::ErrorKind::StorageFull),
                _ => Act::Go,
            }
        });
        assert_eq!(hand.append(57_000).unwrap_err().kind(), ErrorKind::Full);
        hand.disk.no_plan();
        let disk = hand.disk.clone();
        let points = record(&disk, || {
            hand.generation(GenerationCause::Archive).unwrap();
            hand.append(40).unwrap();
            hand.sync().unwrap();
        });
        look_at_some(&mut Oracle::new(), &points, 4, &mut Random(13), &format!("{short} bytes left, mended {mended}"));
    }
}
