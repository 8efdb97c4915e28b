//! Who verifies takes no lock: writers go on meanwhile, and nothing that they do is taken for damage.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use reprieve::ledger::{
    Config, GenerationCause, KeySource, Ledger, LedgerId, MemoryStorage, OpenMode, Storage, StorageFile, StorageLock,
    verify,
};

/// A reader's view, in which a writer does its work just before the signed head is opened.
#[derive(Debug)]
struct Meanwhile {
    storage: Arc<MemoryStorage>,
    writer: Mutex<Ledger>,
    work: fn(&mut Ledger),
}

impl Storage for Meanwhile {
    fn open(&self, path: &Path, mode: OpenMode<'_>) -> io::Result<Box<dyn StorageFile>> {
        if path.extension().is_some_and(|end| end == "head") {
            (self.work)(&mut self.writer.lock().unwrap());
        }
        self.storage.open(path, mode)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.storage.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.storage.remove(path)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.storage.exists(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.storage.list(folder)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.storage.create_folder(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.storage.sync_folder(folder)
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn StorageLock>>> {
        self.storage.try_lock(path)
    }
}

fn append(ledger: &mut Ledger) {
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    ledger.append(&lock, b"a record").unwrap();
    drop(lock);
    ledger.sync().unwrap();
    ledger.write_head().unwrap();
}

fn archive(ledger: &mut Ledger) {
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    ledger.next_generation(&lock, GenerationCause::Archive, b"it goes on").unwrap();
    drop(lock);
    ledger.write_head().unwrap();
}

#[test]
fn a_head_that_is_written_meanwhile_is_no_damage() {
    for work in [append, archive] {
        let storage = Arc::new(MemoryStorage::new());
        let config = Config::new("/ledgers", "acme", KeySource::application(b"the application's secret", &[]));
        let id = LedgerId::random().unwrap();
        let mut writer = Ledger::create(storage.clone(), &config, id, 1, b"genesis").unwrap();
        append(&mut writer);
        let reader = Arc::new(Meanwhile { storage, writer: Mutex::new(writer), work });
        for _ in 0..3 {
            let report = verify(reader.clone(), &config).unwrap();
            assert!(report.is_clean(), "{report:?}");
        }
    }
}
