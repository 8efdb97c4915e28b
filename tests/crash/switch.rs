//! Another process begins a new generation at any call of a writer's append and of a reader's look.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use reprieve::ledger::{Config, ErrorKind, GenerationCause, Ledger};

use crate::disk::{Act, Disk};
use crate::oracle::{FOLD, Oracle, Payload, config};
use crate::power::{Mood, Random, an_image};
use crate::work::{Hand, created, open};

/// What came of the switch: not reached, refused as the lock was held, or done.
#[derive(Clone, Default)]
struct Outcome(Arc<(AtomicBool, AtomicBool)>);

impl Outcome {
    fn busy(&self) -> bool {
        self.0.0.load(Ordering::Relaxed)
    }

    fn done(&self) -> bool {
        self.0.1.load(Ordering::Relaxed)
    }
}

/// At call `nth` of `disk`'s process the other hand appends and begins a generation.
fn switch_at(disk: &Disk, nth: u64, mut other: Hand, cause: GenerationCause) -> Outcome {
    let outcome = Outcome::default();
    let (it, calls) = (outcome.clone(), AtomicU64::new(0));
    disk.plan(move |_| {
        if calls.fetch_add(1, Ordering::Relaxed) + 1 == nth {
            match other.append(33).and_then(|()| other.generation(cause)) {
                Ok(()) => it.0.1.store(true, Ordering::Relaxed),
                Err(err) => {
                    assert_eq!(err.kind(), ErrorKind::Busy, "{err}");
                    it.0.0.store(true, Ordering::Relaxed);
                }
            }
        }
        Act::Go
    });
    outcome
}

/// All records of all generations, by a process that opens anew, and after power cuts.
fn check(disk: &Disk, what: &str) {
    let state = disk.state().clone();
    let mut oracle = Oracle::new();
    for mood in [Mood::Nothing, Mood::All, Mood::Any] {
        let found = oracle.look(&an_image(&state, mood, &mut Random(77)), &state.told, what).unwrap();
        assert!(mood != Mood::All || found.records.len() == state.told.begun.len(), "{what}: something is lost");
    }
}

#[test]
fn during_an_append() {
    for cause in [GenerationCause::Archive, GenerationCause::NewDataKey] {
        let (mut busy, mut done) = (0, 0);
        for nth in 1.. {
            let mut hand = created();
            hand.append(40).unwrap();
            let other = open(&hand.disk, b'o').unwrap();
            let outcome = switch_at(&hand.disk.clone(), nth, other, cause);
            hand.append(50).unwrap();
            hand.sync().unwrap();
            hand.append(60).unwrap();
            hand.sync().unwrap();
            hand.disk.no_plan();
            check(&hand.disk, &format!("{cause:?} at call {nth} of two appends"));
            if outcome.done() {
                assert_eq!((hand.disk.told().begun.len(), hand.disk.told().acked >= 5), (6, true));
            }
            busy += u32::from(outcome.busy());
            done += u32::from(outcome.done());
            if !outcome.busy() && !outcome.done() {
                break;
            }
        }
        println!("{cause:?} during appends: {done} switches, {busy} times the lock was held");
        assert!(busy > 5 && done > 3);
    }
}

/// A reader's fold: what it was told, in order.
fn fold(told: &mut Vec<Payload>, entries: &[reprieve::ledger::Entry], anew: bool, truth: &[Payload]) {
    if anew && let Some(first) = entries.first() {
        // The first record of a generation stands for all before it.
        *told = truth[..first.seq as usize].to_vec();
    }
    for entry in entries {
        assert_eq!(entry.seq, told.len() as u64, "each record once, in sequence");
        told.push(Arc::new(entry.payload.clone()));
    }
}

#[test]
fn during_a_readers_look() {
    for cause in [GenerationCause::Archive, GenerationCause::NewDataKey] {
        let mut done = 0;
        for nth in 1.. {
            let mut hand = created();
            hand.append(40).unwrap();
            let disk = hand.disk.process();
            let other = open(&hand.disk, b'o').unwrap();
            let outcome = switch_at(&disk, nth, other, cause);
            let opened = Ledger::open(disk.storage(), &config(0, FOLD)).unwrap();
            let (mut reader, mut told) = (opened.ledger, Vec::new());
            fold(&mut told, &opened.entries, true, &hand.disk.told().begun);
            let mut hand = Some(hand);
            for look in 0..24 {
                let new = reader.refresh().unwrap();
                assert_eq!(new.findings, [], "{cause:?} at call {nth}, look {look}");
                fold(&mut told, &new.entries, new.reopened, &disk.told().begun);
                if look == 2
                    && let Some(mut hand) = hand.take()
                {
                    hand.append(45).unwrap();
                }
            }
            disk.no_plan();
            // Every eighth look is at which file rules.
            for _ in 0..8 {
                let new = reader.refresh().unwrap();
                assert_eq!(new.findings, [], "{cause:?} at call {nth}");
                fold(&mut told, &new.entries, new.reopened, &disk.told().begun);
            }
            assert_eq!(told, disk.told().begun, "{cause:?} at call {nth}");
            done += u32::from(outcome.done());
            if !outcome.done() {
                assert!(!outcome.busy(), "a reader holds no lock");
                break;
            }
        }
        println!("{cause:?} during an open and its looks: {done} switches");
        assert!(done > 20);
    }
}

#[test]
fn while_the_opener_is_between_the_list_and_the_file() {
    // The generation before is put away at once after the switch, as an archive is.
    for nth in 1.. {
        let hand = created();
        let disk = hand.disk.process();
        let other = Mutex::new(Some(open(&hand.disk, b'o').unwrap()));
        let (calls, reached) = (AtomicU64::new(0), Arc::new(AtomicBool::new(false)));
        let (away, seen) = (hand.disk.process(), reached.clone());
        disk.plan(move |_| {
            if calls.fetch_add(1, Ordering::Relaxed) + 1 == nth {
                let mut other = other.lock().unwrap().take().unwrap();
                let old = other.ledger.path().to_path_buf();
                // The opener mends nothing here, so the lock is free.
                other.generation(GenerationCause::Archive).unwrap();
                away.storage().remove(&old).unwrap();
                seen.store(true, Ordering::Relaxed);
            }
            Act::Go
        });
        let config = Config { fold_version: FOLD + 1, ..config(0, FOLD) };
        let opened = Ledger::open(disk.storage(), &config);
        if !reached.load(Ordering::Relaxed) {
            break;
        }
        match opened {
            Ok(opened) => assert!(opened.findings.is_empty(), "{nth}: {:?}", opened.findings),
            Err(err) => {
                assert_eq!(err.kind(), ErrorKind::Missing, "{nth}: {err}");
                disk.no_plan();
                assert_eq!(Ledger::open(disk.storage(), &config).unwrap().ledger.generation(), 1);
            }
        }
    }
}

#[test]
fn what_another_process_changed_in_the_header_goes_on() {
    for cause in [GenerationCause::Archive, GenerationCause::Damage] {
        let mut hand = created();
        let mut other = open(&hand.disk, b'o').unwrap();
        other.raise_level(4).unwrap();
        other.rekey(1).unwrap();
        hand.generation(cause).unwrap();
        let disk = hand.disk.process();
        assert_eq!(Ledger::open(disk.storage(), &config(0, FOLD)).unwrap_err().kind(), ErrorKind::WrongKey);
        let opened = Ledger::open(disk.storage(), &config(1, FOLD)).unwrap().ledger;
        assert_eq!((opened.generation(), opened.level()), (1, 4));
    }
}
