//! Power cuts: a simulated disk that keeps of unsynced writes whatever it likes. What was acknowledged is there, and what a
//! crash leaves is never called damage.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reprieve::ledger::{
    Config, Error, Finding, GenerationCause, KeySource, Ledger, LedgerId, OpenMode, Storage, StorageFile, StorageLock,
    Witness, verify,
};

const ID: LedgerId = LedgerId::from_bytes([0x77; 16]);
const SECTOR: usize = 512;

/// A disk whose every call is counted; from call `dies_at` on each fails.
#[derive(Clone, Debug, Default)]
struct Sim(Arc<Mutex<State>>);

#[derive(Clone, Debug, Default)]
struct State {
    /// Contents as the processes see them and as the platter holds them, and the writes in between.
    files: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    /// Changes of names since each was made durable, in order: a journal keeps a prefix of them.
    name_changes: Vec<NameChange>,
    folders: BTreeSet<PathBuf>,
    locks: BTreeSet<PathBuf>,
    calls: u64,
    dies_at: u64,
}

#[derive(Clone, Debug, Default)]
struct Inode {
    seen: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<(usize, Vec<u8>)>,
}

#[derive(Clone, Debug)]
enum NameChange {
    Set(PathBuf, usize),
    Remove(PathBuf),
    Move(PathBuf, PathBuf),
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

impl State {
    fn call(&mut self) -> io::Result<()> {
        self.calls += 1;
        if self.calls > self.dies_at { Err(io::Error::other("the power is gone")) } else { Ok(()) }
    }

    fn change(&mut self, change: NameChange) {
        apply(&mut self.names, &change);
        self.name_changes.push(change);
    }

    /// What may be found after the power comes back: a prefix of the changes of names, and of each file any unsynced sectors.
    fn after_crash(&self, random: &mut Random) -> State {
        let mut names = self.durable_names.clone();
        let kept = random.below(self.name_changes.len() as u64 + 1) as usize;
        for change in &self.name_changes[..kept] {
            apply(&mut names, change);
        }
        let mood = random.below(4);
        let files = self.files.iter().map(|file| {
            let mut bytes = file.durable.clone();
            for (offset, data) in &file.pending {
                let mut at = 0;
                while at < data.len() {
                    let n = (SECTOR - (offset + at) % SECTOR).min(data.len() - at);
                    let keep = match mood {
                        0 => false,
                        1 => true,
                        _ => random.below(2) == 0,
                    };
                    if keep {
                        let to = offset + at + n;
                        if bytes.len() < to {
                            bytes.resize(to, 0);
                        }
                        bytes[offset + at..to].copy_from_slice(&data[at..at + n]);
                    }
                    at += n;
                }
            }
            Inode { seen: bytes.clone(), durable: bytes, pending: Vec::new() }
        });
        State {
            files: files.collect(),
            durable_names: names.clone(),
            names,
            folders: self.folders.clone(),
            dies_at: u64::MAX,
            ..State::default()
        }
    }
}

fn apply(names: &mut BTreeMap<PathBuf, usize>, change: &NameChange) {
    match change {
        NameChange::Set(path, file) => {
            names.insert(path.clone(), *file);
        }
        NameChange::Remove(path) => {
            names.remove(path);
        }
        NameChange::Move(from, to) => {
            if let Some(file) = names.remove(from) {
                names.insert(to.clone(), file);
            }
        }
    }
}

#[derive(Debug)]
struct SimFile(Sim, usize);

#[derive(Debug)]
struct SimLock(Sim, PathBuf);

impl StorageLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.0.0.lock().unwrap().locks.remove(&self.1);
    }
}

impl Storage for Sim {
    fn open(&self, path: &Path, mode: OpenMode<'_>) -> io::Result<Box<dyn StorageFile>> {
        let mut state = self.0.lock().unwrap();
        state.call()?;
        let file = match (state.names.get(path).copied(), mode) {
            (Some(_), OpenMode::CreateNew { .. }) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Some(file), _) => file,
            (None, OpenMode::CreateNew { .. }) => {
                state.files.push(Inode::default());
                let file = state.files.len() - 1;
                state.change(NameChange::Set(path.into(), file));
                file
            }
            (None, _) => return Err(io::ErrorKind::NotFound.into()),
        };
        Ok(Box::new(SimFile(self.clone(), file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.call()?;
        if !state.names.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change(NameChange::Move(from.into(), to.into()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.call()?;
        state.change(NameChange::Remove(path.into()));
        Ok(())
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let mut state = self.0.lock().unwrap();
        state.call()?;
        Ok(state.names.contains_key(path) || state.folders.contains(path))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let mut state = self.0.lock().unwrap();
        state.call()?;
        let inside = state.names.keys().filter(|path| path.parent() == Some(folder));
        Ok(inside.map(|path| path.file_name().unwrap().to_str().unwrap().to_string()).collect())
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.call()?;
        state.folders.insert(folder.into());
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.call()?;
        let state = &mut *state;
        // All of the test's ledger lies in one folder, and the witness's is never synced.
        assert_eq!(folder, Path::new("/l"));
        state.durable_names = state.names.clone();
        state.name_changes.clear();
        Ok(())
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn StorageLock>>> {
        let mut state = self.0.lock().unwrap();
        state.call()?;
        if !state.locks.insert(path.into()) {
            return Ok(None);
        }
        Ok(Some(Box::new(SimLock(self.clone(), path.into()))))
    }
}

impl StorageFile for SimFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.0.0.lock().unwrap();
        state.call()?;
        let bytes = &state.files[self.1].seen;
        let from = (offset as usize).min(bytes.len());
        let n = buf.len().min(bytes.len() - from);
        buf[..n].copy_from_slice(&bytes[from..from + n]);
        Ok(n)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        let mut state = self.0.0.lock().unwrap();
        // The write that the power cut meets is under way: any of its sectors may arrive.
        let dies = state.call();
        let file = &mut state.files[self.1];
        let to = offset as usize + buf.len();
        if file.seen.len() < to {
            file.seen.resize(to, 0);
        }
        file.seen[offset as usize..to].copy_from_slice(buf);
        file.pending.push((offset as usize, buf.to_vec()));
        dies.map(|()| buf.len())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.0.0.lock().unwrap();
        state.call()?;
        let file = &mut state.files[self.1];
        file.durable = file.seen.clone();
        file.pending.clear();
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        let mut state = self.0.0.lock().unwrap();
        state.call()?;
        Ok(state.files[self.1].seen.len() as u64)
    }

    fn is_named(&self, path: &Path) -> io::Result<bool> {
        let mut state = self.0.0.lock().unwrap();
        state.call()?;
        Ok(state.names.get(path) == Some(&self.1))
    }
}

fn config() -> Config {
    let mut config = Config::new("/l", "a", KeySource::application(b"secret", &[]));
    config.witness = Some("/w".into());
    config.lock_timeout = Duration::from_millis(10);
    config
}

/// What the workload was told is durable.
#[derive(Clone, Debug, Default)]
struct Acknowledged {
    created: bool,
    generation: u64,
    records: Vec<(u64, Vec<u8>)>,
}

/// Two handles at work on one ledger: appends with and without syncs, snapshots, witnesses, generations.
fn work(disk: &Sim, told: &mut Acknowledged) -> Result<(), Error> {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let mut a = Ledger::create(storage.clone(), &config(), ID, 1, b"genesis")?;
    told.created = true;
    told.records.push((0, b"genesis".to_vec()));
    let mut b = Ledger::open(storage, &config())?.ledger;
    let mut written = Vec::new();
    for round in 0..9_u8 {
        let ledger = if round % 2 == 0 { &mut a } else { &mut b };
        for part in 0..=round % 3 {
            let lock = ledger.lock()?;
            let new = ledger.settle(&lock)?;
            assert!(new.findings.is_empty(), "{:?}", new.findings);
            let payload = vec![round * 8 + part; 30 + usize::from(round) * 150];
            written.push((ledger.append(&lock, &payload)?.seq, payload));
        }
        if round % 4 != 1 {
            ledger.sync()?;
            // A sync covers what the other handle wrote and did not sync, too.
            told.records.append(&mut written);
            let (seq, hash) = ledger.newest();
            let generation = ledger.generation();
            ledger.witness_write(&Witness { ledger: ID, generation, seq, hash, body: vec![round] }, false)?;
        }
        if round == 3 || round == 6 {
            ledger.save_snapshot(&[round], 0)?;
        }
        if round == 5 {
            let lock = ledger.lock()?;
            ledger.settle(&lock)?;
            ledger.next_generation(&lock, GenerationCause::NewDataKey, b"state")?;
            told.generation = 1;
        }
    }
    Ok(())
}

fn check(disk: &Sim, told: &Acknowledged, what: &str) {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    // No snapshot is of this fold: all records are read.
    let whole = Config { fold_version: 9, ..config() };
    let mut opened = match Ledger::open(storage.clone(), &whole) {
        Ok(opened) => opened,
        Err(err) => {
            assert!(!told.created, "{what}: {err}");
            // A creation that the cut interrupted can be done again.
            Ledger::create(storage, &config(), ID, 1, b"genesis").unwrap_or_else(|err| panic!("{what}: {err}"));
            return;
        }
    };
    let harmless = |finding: &Finding| matches!(finding, Finding::HeaderRepaired { .. });
    assert!(opened.findings.iter().all(harmless), "{what}: {:?}", opened.findings);
    assert!(opened.ledger.generation() >= told.generation, "{what}");
    let first = opened.ledger.first_seq();
    for (seq, payload) in told.records.iter().filter(|(seq, _)| *seq >= first) {
        let entry = opened.entries.iter().find(|entry| entry.seq == *seq);
        assert!(
            entry.is_some_and(|entry| entry.payload == *payload),
            "{what}: record {seq} was acknowledged and is gone"
        );
    }
    let by_snapshot = Ledger::open(storage.clone(), &config()).unwrap();
    assert_eq!(by_snapshot.ledger.head(), opened.ledger.head(), "{what}");
    let lock = opened.ledger.lock().unwrap();
    let settled = opened.ledger.settle(&lock).unwrap();
    let torn = |finding: &Finding| matches!(finding, Finding::Torn { .. });
    assert!(settled.findings.iter().all(torn), "{what}: {:?}", settled.findings);
    opened.ledger.append(&lock, b"after").unwrap();
    opened.ledger.sync().unwrap();
    drop(lock);
    let report = verify(storage.clone(), &config()).unwrap();
    assert!(report.is_clean(), "{what}: {report:?}");
    let again = Ledger::open(storage, &whole).unwrap();
    assert_eq!(again.findings, [], "{what}");
    assert_eq!(again.entries.last().unwrap().payload, b"after", "{what}");
    let mut aged = again.ledger;
    let lock = aged.lock().unwrap();
    assert_eq!(aged.settle(&lock).unwrap().findings, [], "{what}: the tail was cut clean");
}

#[test]
fn a_power_cut_at_any_call_loses_nothing_acknowledged() {
    let calls = {
        let disk = Sim::default();
        disk.0.lock().unwrap().dies_at = u64::MAX;
        work(&disk, &mut Acknowledged::default()).unwrap();
        disk.0.lock().unwrap().calls
    };
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for dies_at in 0..=calls {
        let disk = Sim::default();
        disk.0.lock().unwrap().dies_at = dies_at;
        let mut told = Acknowledged::default();
        let result = work(&disk, &mut told);
        assert_eq!(result.is_ok(), dies_at >= calls, "only the power cut fails: {result:?}");
        let state = disk.0.lock().unwrap().clone();
        let variants = if std::env::var_os("REPRIEVE_TEST_THOROUGH").is_some() { 60 } else { 3 };
        for variant in 0..variants {
            let after = Sim(Arc::new(Mutex::new(state.after_crash(&mut random))));
            check(&after, &told, &format!("cut at call {dies_at} of {calls}, variant {variant}"));
        }
    }
}

#[test]
fn a_second_cut_while_a_torn_tail_is_cut_off_is_harmless() {
    let mut random = Random(42);
    let variants = if std::env::var_os("REPRIEVE_TEST_THOROUGH").is_some() { 200 } else { 12 };
    for variant in 0..variants {
        let disk = Sim::default();
        disk.0.lock().unwrap().dies_at = u64::MAX;
        let mut told = Acknowledged::default();
        work(&disk, &mut told).unwrap();
        {
            let mut ledger = Ledger::open(Arc::new(disk.clone()), &config()).unwrap().ledger;
            let lock = ledger.lock().unwrap();
            ledger.settle(&lock).unwrap();
            for n in 0..3 {
                ledger.append(&lock, &[n; 1200]).unwrap();
            }
        }
        let mut state = disk.0.lock().unwrap().after_crash(&mut random);
        for dies_at in 0..60 {
            state.dies_at = dies_at;
            let disk = Sim(Arc::new(Mutex::new(state.clone())));
            let settled = Ledger::open(Arc::new(disk.clone()), &config()).and_then(|mut opened| {
                let lock = opened.ledger.lock()?;
                opened.ledger.settle(&lock)?;
                opened.ledger.append(&lock, b"on")?;
                opened.ledger.sync()
            });
            let after = Sim(Arc::new(Mutex::new(disk.0.lock().unwrap().after_crash(&mut random))));
            check(&after, &told, &format!("variant {variant}, second cut at {dies_at}"));
            if settled.is_ok() {
                break;
            }
        }
    }
}
