//! Writers in company share syncs: none is saved but where another's has covered the record.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;

use reprieve::ledger::{Config, ErrorKind, KeySource, Ledger, LedgerId, MemoryStorage, OpenMode, Storage};

const ID: LedgerId = LedgerId::from_bytes([0xab; 16]);
const HINT: &str = "/l/a.synced";

fn config() -> Config {
    Config::new("/l", "a", KeySource::application(b"secret", &[]))
}

fn append(ledger: &mut Ledger, payload: &[u8]) -> u64 {
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    ledger.append(&lock, payload).unwrap().seq
}

/// Two handles that have each read a record of the other's.
fn company() -> (Arc<MemoryStorage>, Ledger, Ledger) {
    let storage = Arc::new(MemoryStorage::new());
    let mut a = Ledger::create(storage.clone(), &config(), ID, 1, b"genesis").unwrap();
    let mut b = Ledger::open(storage.clone(), &config()).unwrap().ledger;
    for _ in 0..2 {
        for ledger in [&mut a, &mut b] {
            append(ledger, b"warm");
            ledger.sync().unwrap();
        }
    }
    (storage, a, b)
}

fn syncs(storage: &MemoryStorage) -> u64 {
    storage.counts().1
}

#[test]
fn a_record_that_stood_there_before_anothers_sync_needs_none_of_its_own() {
    let (storage, mut a, mut b) = company();
    let (first, second) = (append(&mut a, b"one"), append(&mut b, b"two"));
    let before = syncs(&storage);
    assert!(!a.is_durable(first) && !b.is_durable(second));
    a.sync().unwrap();
    assert!(a.is_durable(first) && !b.is_durable(second), "b has not looked yet");
    b.sync().unwrap();
    assert!(b.is_durable(second));
    assert_eq!(syncs(&storage) - before, 1);
    // Both say in their next frames what is durable, and a new handle learns it from there.
    append(&mut a, b"three");
    assert!(Ledger::open(storage, &config()).unwrap().ledger.is_durable(second));
}

#[test]
fn a_record_that_came_after_a_sync_gets_one_of_its_own() {
    let (storage, mut a, mut b) = company();
    append(&mut a, b"one");
    a.sync().unwrap();
    let before = syncs(&storage);
    let second = append(&mut b, b"two");
    b.sync().unwrap();
    assert!(b.is_durable(second));
    assert_eq!(syncs(&storage) - before, 1);
}

#[test]
fn a_hint_that_names_no_record_of_this_log_is_not_believed() {
    let (storage, mut a, mut b) = company();
    let far = (1_u64 << 40).to_le_bytes();
    let hints: [&[u8]; 4] = [
        &[0; 24],
        &[0xff; 24],
        &[far.as_slice(), &[0; 16]].concat(),
        // Zeros stand behind the log's end.
        &[20_000_u64.to_le_bytes().as_slice(), &[0; 16]].concat(),
    ];
    let file = storage.open(Path::new(HINT), OpenMode::Write).unwrap();
    for hint in hints {
        append(&mut a, b"one");
        let second = append(&mut b, b"two");
        assert_eq!(file.write_at(hint, 0).unwrap(), 24);
        let before = syncs(&storage);
        b.sync().unwrap();
        assert!(b.is_durable(second));
        assert_eq!(syncs(&storage) - before, 1, "{hint:?}");
    }
}

#[test]
fn a_failed_sync_covers_nobody() {
    let (storage, mut a, mut b) = company();
    append(&mut a, b"one");
    let second = append(&mut b, b"two");
    storage.fail_sync(Some(0));
    assert_eq!(a.sync().unwrap_err().kind(), ErrorKind::Io);
    assert_eq!(a.sync().unwrap_err().kind(), ErrorKind::Poisoned);
    let before = syncs(&storage);
    b.sync().unwrap();
    assert!(b.is_durable(second));
    assert_eq!(syncs(&storage) - before, 1);
}

#[test]
fn who_hangs_in_a_sync_holds_nobody_up_for_long() {
    let (storage, mut a, mut b) = company();
    append(&mut a, b"one");
    append(&mut b, b"two");
    let hanging = storage.try_lock(Path::new("/l/a.synced.lock")).unwrap().unwrap();
    let start = std::time::Instant::now();
    b.sync().unwrap();
    let first = start.elapsed();
    assert!(first.as_millis() >= 50, "{first:?}");
    for _ in 0..20 {
        append(&mut a, b"one");
        append(&mut b, b"two");
        b.sync().unwrap();
    }
    assert!(start.elapsed() < first + std::time::Duration::from_secs(1), "it waits once, not each time");
    drop(hanging);
}
