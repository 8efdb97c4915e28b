//! A process is killed at any of its calls, another goes on with what is seen, and then the power goes: what the first one had
//! not synced must not be relied on by the other.

use reprieve::ledger::{Error, ErrorKind, GenerationCause};

use crate::disk::{Act, Call, Disk, record};
use crate::oracle::Oracle;
use crate::power::{Random, look_at_some};
use crate::work::{Hand, create, created, open, open_with};

/// Kills the process at its call `nth`; a write is half done by then.
fn kill_at(disk: &Disk, nth: u64) {
    let (this, from) = (disk.clone(), disk.calls());
    disk.plan(move |call| match this.calls() - from {
        n if n < nth => Act::Go,
        n if n == nth && matches!(call, Call::Write(_)) => {
            if let Call::Write(n) = call {
                Act::Short(n / 2)
            } else {
                Act::Go
            }
        }
        _ => {
            this.kill();
            Act::Go
        }
    });
}

fn go_on(disk: &Disk) {
    let opened = open_with(disk, b'z', 0)
        .or_else(|err| if err.kind() == ErrorKind::WrongKey { open_with(disk, b'z', 1) } else { Err(err) });
    let mut hand = match opened {
        Ok(hand) => hand,
        Err(err) => {
            assert!(err.kind() == ErrorKind::Missing && !disk.told().created, "{err}");
            create(&disk.process()).unwrap()
        }
    };
    hand.resume().unwrap();
    hand.append(50).unwrap();
    hand.sync().unwrap();
    let level = hand.ledger.level() + 1;
    hand.raise_level(level).unwrap();
    hand.side(9).unwrap();
    hand.append(50).unwrap();
    hand.generation(GenerationCause::Archive).unwrap();
}

fn killed(
    name: &str,
    setup: impl Fn() -> (Disk, Option<Hand>),
    work: impl Fn(&Disk, Option<Hand>) -> Result<(), Error>,
) {
    let mut random = Random(0x0dd5_eed5);
    let (mut nth, mut distinct, mut points) = (1, 0, 0);
    loop {
        let (disk, hand) = setup();
        let what = format!("{name}, killed at call {nth}");
        kill_at(&disk, nth);
        let done = work(&disk, hand).is_ok();
        disk.no_plan();
        let mut oracle = Oracle::with_keys(2);
        let recorded = record(&disk, || go_on(&disk));
        look_at_some(&mut oracle, &recorded, 0, &mut random, &what);
        distinct += oracle.distinct();
        points += recorded.len();
        if done {
            break;
        }
        nth += 1;
    }
    println!("{name}: killed at each of {nth} calls, {points} points after, {distinct} images opened");
    assert!(nth > 5);
}

fn with_ledger() -> (Disk, Option<Hand>) {
    let hand = created();
    (hand.disk.clone(), Some(hand))
}

#[test]
fn while_it_creates() {
    killed("creation", || (Disk::default(), None), |disk, _| create(disk).map(drop));
}

#[test]
fn while_it_appends_and_syncs() {
    killed("append", with_ledger, |_, hand| {
        let mut hand = hand.unwrap();
        hand.append(40)?;
        hand.append(600)?;
        hand.sync()
    });
}

#[test]
fn while_it_changes_the_header() {
    killed("level", with_ledger, |_, hand| hand.unwrap().raise_level(2));
    killed("rekey", with_ledger, |_, hand| hand.unwrap().rekey(1));
}

#[test]
fn while_it_begins_a_generation() {
    killed("archive", with_ledger, |_, hand| {
        let mut hand = hand.unwrap();
        hand.append(40)?;
        hand.generation(GenerationCause::Archive)
    });
    killed("new data key", with_ledger, |_, hand| hand.unwrap().generation(GenerationCause::NewDataKey));
}

#[test]
fn while_it_cuts_a_torn_tail() {
    let setup = || {
        let mut hand = created();
        hand.append(300).unwrap();
        let disk = hand.disk.clone();
        disk.tear_seen(hand.ledger.path());
        disk.tell(|told| told.begun.truncate(1));
        let hand = open(&disk, b'b').unwrap();
        (hand.disk.clone(), Some(hand))
    };
    killed("cut", setup, |_, hand| {
        let mut hand = hand.unwrap();
        hand.append(300)?;
        hand.sync()
    });
}
