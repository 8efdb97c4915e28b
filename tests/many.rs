//! Much of everything: features that are kept, and files of a ledger.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod vendor;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reprieve::client::Upkeep;
use reprieve::ledger::{MemoryStorage, OpenMode, Storage, StorageFile, StorageLock};
use reprieve::terms::Kind;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use vendor::{Vendor, now};

/// The processor's time that this thread has had, in nanoseconds: other programs do not count.
fn processor() -> i64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// What the cheapest of a few upkeeps costs with so many features, each kept and leased.
fn upkeep(count: usize) -> i64 {
    let (vendor, folder) = (Vendor::new(), TempDir::new().unwrap());
    let client = vendor.builder(folder.path()).upkeep(Upkeep::Own).open().unwrap();
    client.import(&vendor.policy(1)).unwrap();
    let features: Map<String, Value> = (0..count).map(|n| (format!("f{n}"), json!(now() + 86_400))).collect();
    let claims = json!({ "license": "L1", "sku": "cad", "ledger": "*", "features": features });
    assert!(client.import(&vendor.issue(Kind::Lease, claims)).unwrap().accepted);
    let held: Vec<_> = (0..count).map(|n| client.feature("cad", &format!("f{n}")).unwrap()).collect();
    let took = (0..8).map(|_| {
        let begun = processor();
        client.upkeep().unwrap();
        processor() - begun
    });
    let least = took.min().unwrap();
    assert!(held.iter().all(|one| one.check().allowed()));
    least
}

/// To keep eight times as many features costs some eight times as much, and no sixty-four times.
#[test]
fn upkeep_is_linear_in_the_features_that_are_kept() {
    let (few, many) = (upkeep(100), upkeep(800));
    println!("100 features: {few} ns, 800: {many} ns, {:.1} times as much", many as f64 / few as f64);
    assert!(many < few * 24, "{few:?} {many:?}");
}

/// What the first checks of so many features cost, all licensed by one lease: none of them is known to the client yet.
fn first_checks(count: usize) -> i64 {
    let (vendor, folder) = (Vendor::new(), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    client.import(&vendor.policy(1)).unwrap();
    let names: Vec<String> = (0..count).map(|n| format!("f{n}")).collect();
    let features: Map<String, Value> = names.iter().map(|name| (name.clone(), json!(now() + 86_400))).collect();
    let claims = json!({ "license": "L1", "sku": "cad", "ledger": "*", "features": features });
    assert!(client.import(&vendor.issue(Kind::Lease, claims)).unwrap().accepted);
    let begun = processor();
    assert!(names.iter().all(|name| client.check("cad", name).allowed()));
    processor() - begun
}

/// A first check does not look at all features that the ledger knows.
#[test]
fn first_checks_are_linear_in_the_features() {
    let (few, many) = (first_checks(500), first_checks(4000));
    println!("500 first checks: {few} ns, 4000: {many} ns, {:.1} times as much", many as f64 / few as f64);
    assert!(many < few * 20, "{few:?} {many:?}");
}

#[cfg(target_os = "linux")]
fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// A ledger that was archived often is read back to its first record with a bounded number of open files, in either direction.
#[cfg(target_os = "linux")]
#[test]
fn earlier_generations_are_not_all_kept_open() {
    let (vendor, folder) = (Vendor::new(), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    for _ in 0..150 {
        client.archive().unwrap();
    }
    let before = open_files();
    let all = client.history(0).unwrap();
    assert_eq!(all.first().unwrap().0, 0);
    assert!(all.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0), "every record, in order");
    assert!(all.len() >= 151);
    assert_eq!(client.history(0).unwrap().len(), all.len(), "and again");
    let kept = open_files() - before;
    assert!(kept <= 64 + 4, "{kept} files are kept open");
}

/// Counts what is opened.
#[derive(Debug)]
struct Counted(MemoryStorage, AtomicUsize);

impl Storage for Counted {
    fn open(&self, path: &Path, mode: OpenMode<'_>) -> io::Result<Box<dyn StorageFile>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.open(path, mode)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.remove(path)
    }
    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.0.exists(path)
    }
    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.0.list(folder)
    }
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.0.create_folder(folder)
    }
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.0.sync_folder(folder)
    }
    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn StorageLock>>> {
        self.0.try_lock(path)
    }
}

/// How many files are opened to read the whole history of so many generations.
fn opened(generations: usize) -> usize {
    let (vendor, folder) = (Vendor::new(), TempDir::new().unwrap());
    let storage = Arc::new(Counted(MemoryStorage::new(), AtomicUsize::new(0)));
    let client = vendor.builder(folder.path()).storage(storage.clone()).open().unwrap();
    for _ in 1..generations {
        client.archive().unwrap();
    }
    // One that remembers nothing of what it wrote.
    client.close().unwrap();
    let client = vendor.builder(folder.path()).storage(storage.clone()).open().unwrap();
    let before = storage.1.load(Ordering::Relaxed);
    let all = client.history(0).unwrap();
    assert!(
        all.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0) && all.len() >= generations,
        "every record, in order"
    );
    storage.1.load(Ordering::Relaxed) - before
}

#[test]
fn a_history_opens_each_generation_twice_at_most() {
    let (few, many) = (opened(100), opened(400));
    println!("a history of 100 generations opens {few} files, one of 400 {many}");
    assert!(many <= few * 5, "{few} {many}");
}
