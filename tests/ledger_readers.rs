//! Who reads takes no lock: writers go on meanwhile, and nothing that they do is taken for damage.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};

use reprieve::ledger::{
    Config, Finding, GenerationCause, KeySource, Ledger, LedgerId, MemoryStorage, OVERHEAD, OpenMode, Storage,
    StorageFile, StorageLock, verify,
};

/// When a writer does its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// Just before the signed head is opened.
    Head,
    /// Between two reads of the log.
    Log,
    /// In the middle of each read of a copy of the header.
    Header,
}

/// A writer who goes on until its work is done.
#[derive(Debug)]
struct Writer {
    ledger: Ledger,
    work: fn(&mut Ledger),
    left: usize,
    /// Where the log ends.
    end: u64,
}

impl Writer {
    fn step(&mut self) {
        if self.left > 0 {
            self.left -= 1;
            (self.work)(&mut self.ledger);
        }
    }

    /// Two records more, each synced: one across the end of what was just read, one behind it.
    fn across(&mut self, read: Range<u64>) {
        if self.left > 0 && read.contains(&self.end) {
            self.left -= 1;
            for size in [read.end - self.end, 1] {
                let offset = append(&mut self.ledger, &vec![7; size as usize]);
                self.end = offset + size + OVERHEAD as u64;
            }
        }
    }
}

/// A reader's view, in which a writer goes on.
#[derive(Debug)]
struct Meanwhile {
    storage: Arc<MemoryStorage>,
    writer: Arc<Mutex<Writer>>,
    when: When,
}

impl Storage for Meanwhile {
    fn open(&self, path: &Path, mode: OpenMode<'_>) -> io::Result<Box<dyn StorageFile>> {
        let is = |extension| path.extension().is_some_and(|end| end == extension);
        if self.when == When::Head && is("head") {
            self.writer.lock().unwrap().step();
        }
        let file = self.storage.open(path, mode)?;
        if self.when == When::Head || !is("ledger") {
            return Ok(file);
        }
        Ok(Box::new(File { file, writer: self.writer.clone(), when: self.when }))
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

#[derive(Debug)]
struct File {
    file: Box<dyn StorageFile>,
    writer: Arc<Mutex<Writer>>,
    when: When,
}

/// The size of a copy of the header.
const COPY: usize = 4096;
/// Where the log begins, behind both copies.
const LOG: u64 = 8192;

impl StorageFile for File {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        if self.when == When::Header && offset < LOG {
            let n = buf.len().min(COPY);
            let got = self.file.read_at(&mut buf[..n], offset)?;
            self.writer.lock().unwrap().step();
            return Ok(self.file.read_at(&mut buf[..got / 2], offset)?.max(got));
        }
        let got = self.file.read_at(buf, offset);
        if self.when == When::Log && offset >= LOG {
            let got = *got.as_ref().unwrap() as u64;
            self.writer.lock().unwrap().across(offset..offset + got);
        }
        got
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        self.file.write_at(buf, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn is_named(&self, path: &Path) -> io::Result<bool> {
        self.file.is_named(path)
    }
}

fn append(ledger: &mut Ledger, payload: &[u8]) -> u64 {
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    let offset = ledger.append(&lock, payload).unwrap().offset;
    drop(lock);
    ledger.sync().unwrap();
    offset
}

fn append_and_sign(ledger: &mut Ledger) {
    append(ledger, b"a record");
    ledger.write_head().unwrap();
}

fn archive(ledger: &mut Ledger) {
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    ledger.next_generation(&lock, GenerationCause::Archive, b"it goes on").unwrap();
    drop(lock);
    ledger.write_head().unwrap();
}

fn rekey(ledger: &mut Ledger) {
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    ledger.rekey(&lock, &config().keys).unwrap();
}

fn config() -> Config {
    Config::new("/ledgers", "acme", KeySource::application(b"the application's secret", &[]))
}

/// A view of a ledger, in which its writer does this work so often.
fn view(when: When, work: fn(&mut Ledger), left: usize) -> Arc<Meanwhile> {
    let storage = Arc::new(MemoryStorage::new());
    let mut ledger = Ledger::create(storage.clone(), &config(), LedgerId::random().unwrap(), 1, b"genesis").unwrap();
    let end = append(&mut ledger, b"") + OVERHEAD as u64;
    let writer = Arc::new(Mutex::new(Writer { ledger, work, left, end }));
    Arc::new(Meanwhile { storage, writer, when })
}

#[test]
fn a_head_that_is_written_meanwhile_is_no_damage() {
    for work in [append_and_sign, archive] {
        let reader = view(When::Head, work, 6);
        for _ in 0..3 {
            let report = verify(reader.clone(), &config()).unwrap();
            assert!(report.is_clean(), "{report:?}");
            let opened = Ledger::open(reader.clone(), &config()).unwrap();
            assert_eq!(opened.findings, [], "{:?}", opened.ledger);
        }
    }
}

#[test]
fn a_log_that_grows_while_it_is_read_is_not_damaged() {
    for times in 0..5 {
        let reader = view(When::Log, |_| (), times);
        let mut opened = Ledger::open(reader.clone(), &config()).unwrap();
        assert_eq!(opened.findings, [], "{times}");
        opened.findings.extend(opened.ledger.refresh().unwrap().findings);
        // Whoever has the lock is alone.
        reader.writer.lock().unwrap().left = 0;
        let lock = opened.ledger.lock().unwrap();
        opened.findings.extend(opened.ledger.settle(&lock).unwrap().findings);
        drop(lock);
        assert_eq!(opened.findings, [], "{times}");
        let reader = view(When::Log, |_| (), times);
        let report = verify(reader.clone(), &config()).unwrap();
        assert!(report.is_clean(), "{times}: {report:?}");
    }
}

#[test]
fn a_header_that_is_written_while_it_is_read_is_whole() {
    for times in 0..10 {
        let opened = Ledger::open(view(When::Header, rekey, times), &config()).unwrap();
        assert!(!opened.findings.iter().any(Finding::is_damage), "{times}: {:?}", opened.findings);
        assert!(verify(view(When::Header, rekey, times), &config()).unwrap().is_clean(), "{times}");
    }
}
