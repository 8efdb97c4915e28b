//! What must hold of whatever a crash leaves.
//!
//! Everything acknowledged is there. Beyond it stand only whole records whose append had begun, in sequence. Nothing is called
//! damage; a torn tail is said, and kept byte for byte. The next append works, and after its sync nothing is on its way any
//! more, so that nothing that was cut can come back to life.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reprieve::ledger::{
    Config, ErrorKind, Finding, KeySource, Ledger, LedgerId, OVERHEAD, Opened, Witness, WitnessRead, verify,
};

use crate::disk::{Disk, Image};

pub const ID: LedgerId = LedgerId::from_bytes([0x77; 16]);
pub const SIDE: &str = "place of ui";
/// States in snapshots are of this fold; a reader of another reads all records.
pub const FOLD: u32 = 3;

pub type Payload = Arc<Vec<u8>>;

/// What the workload was promised, and what it had begun.
#[derive(Clone, Debug, Default)]
pub struct Told {
    pub created: bool,
    /// All records that were ever begun, by their number.
    pub begun: Vec<Payload>,
    /// So many of them are acknowledged.
    pub acked: usize,
    pub generation: u64,
    pub level: (u32, u32),
    /// Which of the keys open the ledger: one of these at least, all others not.
    pub keys: Vec<usize>,
    /// What the side file was acknowledged to hold, and what it may.
    pub side: (Option<u8>, Option<u8>),
}

impl Told {
    pub fn begin(&mut self, seq: u64, payload: &Payload) {
        assert_eq!(self.begun.len() as u64, seq, "a record is appended behind all that are there");
        self.begun.push(payload.clone());
    }

    /// A sync returned of a handle that has read and written all records before `next_seq`.
    pub fn ack(&mut self, next_seq: u64) {
        assert!(next_seq as usize <= self.begun.len());
        self.acked = self.acked.max(next_seq as usize);
    }
}

/// What was found after a crash.
#[derive(Clone, Debug)]
pub struct Recovered {
    pub records: Vec<Payload>,
    pub generation: u64,
    pub level: u32,
    pub opened_by: Vec<usize>,
    pub side: Option<u8>,
    pub torn: bool,
}

pub fn key(which: usize) -> KeySource {
    match which {
        0 => KeySource::application(b"the application's secret", &[]),
        _ => KeySource::application(b"the next release's secret", &[]),
    }
}

pub fn config(which: usize, fold_version: u32) -> Config {
    let mut config = Config::new("/l", "a", key(which));
    config.witness = Some("/w".into());
    config.lock_timeout = Duration::from_millis(20);
    config.fold_version = fold_version;
    config
}

/// Looks at images, each only once, and remembers what was in them.
#[derive(Default)]
pub struct Oracle {
    keys: usize,
    known: HashMap<u64, Option<Recovered>>,
    pub images: usize,
    pub torn: usize,
}

impl Oracle {
    pub fn new() -> Oracle {
        Oracle::with_keys(1)
    }

    pub fn with_keys(keys: usize) -> Oracle {
        Oracle { keys, ..Oracle::default() }
    }

    /// So many different images were opened.
    pub fn distinct(&self) -> usize {
        self.known.len()
    }

    pub fn look(&mut self, image: &Image, told: &Told, what: &str) -> Option<Recovered> {
        self.images += 1;
        let keys = self.keys;
        let found = self.known.entry(image.key()).or_insert_with(|| recover(image, keys, what));
        judge(found.as_ref(), told, what);
        self.torn += usize::from(found.as_ref().is_some_and(|found| found.torn));
        found.clone()
    }
}

/// Holds what was found against what was promised.
pub fn judge(found: Option<&Recovered>, told: &Told, what: &str) {
    let Some(found) = found else {
        assert!(!told.created, "{what}: the ledger is gone");
        return;
    };
    assert!(!told.begun.is_empty(), "{what}: a ledger that nobody made");
    for (seq, record) in told.begun[..told.acked].iter().enumerate() {
        assert_eq!(found.records.get(seq), Some(record), "{what}: record {seq} was acknowledged and is gone");
    }
    for (seq, record) in found.records.iter().enumerate() {
        assert_eq!(told.begun.get(seq), Some(record), "{what}: record {seq} was never begun, or was cut");
    }
    assert!(found.generation >= told.generation, "{what}: generation {} rules again", found.generation);
    let (level, raised) = told.level;
    assert!((level..=raised).contains(&found.level), "{what}: level {}, not {level} to {raised}", found.level);
    if !told.keys.is_empty() {
        assert!(found.opened_by.iter().all(|key| told.keys.contains(key)), "{what}: opened by {:?}", found.opened_by);
    }
    let (acked, begun) = told.side;
    assert!(found.side == acked || found.side == begun, "{what}: the side file holds {:?}", found.side);
}

fn is_torn(finding: &Finding) -> bool {
    matches!(finding, Finding::Torn { .. })
}

fn is_mended(finding: &Finding) -> bool {
    matches!(finding, Finding::HeaderRepaired { .. })
}

/// Opens what a crash left and goes on with it. `None` if there is no ledger; then one can be created.
pub fn recover(image: &Image, keys: usize, what: &str) -> Option<Recovered> {
    let mut opened_by = Vec::new();
    let mut opened = None;
    for which in 0..keys {
        let disk = Disk::of(image);
        match Ledger::open(disk.storage(), &config(which, FOLD + 1)) {
            Ok(this) => {
                opened_by.push(which);
                opened.get_or_insert((disk, this));
            }
            Err(err) if err.kind() == ErrorKind::WrongKey && keys > 1 => {}
            Err(err) if err.kind() == ErrorKind::Missing => {
                let mut ledger = Ledger::create(disk.storage(), &config(0, 0), ID, 1, b"anew")
                    .unwrap_or_else(|err| panic!("{what}: no ledger, and none can be made: {err}"));
                append_and_sync(&mut ledger, &disk, b"after", what);
                let secret = disk.seen().files[Path::new("/l/a.secret")].clone();
                assert!(secret.len() == 32 && secret.iter().any(|b| *b != 0), "{what}: what a crash left is no secret");
                return None;
            }
            Err(err) => panic!("{what}: {err}"),
        }
    }
    let (disk, Opened { mut ledger, entries, findings, snapshot, .. }) =
        opened.unwrap_or_else(|| panic!("{what}: no key opens the ledger"));
    assert!(snapshot.is_none() && findings.iter().all(is_mended), "{what}: {findings:?}");
    let mut records = before(&ledger, what);
    // An opener may have named the file, and mended its header; the log is as the crash left it.
    let file = disk.seen().files[ledger.path()].clone();
    let end = entries.last().map_or(8192, |entry| frame_end(&file, entry.offset));
    for entry in &entries {
        assert_eq!(entry.seq, records.len() as u64, "{what}: in sequence");
        records.push(Arc::new(entry.payload.clone()));
    }
    let which = by_snapshot(&ledger, &disk, keys, what);
    witness(&ledger, &records, what);
    let side = ledger.side_file_read(SIDE).unwrap().map(|bytes| match bytes[..] {
        [only] => only,
        _ => panic!("{what}: the side file is not whole: {bytes:?}"),
    });
    let (generation, level) = (ledger.generation(), ledger.level());

    let left = last_byte(&file).filter(|last| *last >= end);
    let lock = ledger.lock().unwrap();
    let settled = ledger.settle(&lock).unwrap_or_else(|err| panic!("{what}: {err}"));
    drop(lock);
    assert!(settled.entries.is_empty() && !settled.reopened, "{what}: {settled:?}");
    match (left, &settled.findings[..]) {
        (None, []) => {}
        (Some(last), [Finding::Torn { offset, bytes, kept }]) => {
            let to = (offset + bytes) as usize;
            // A whole frame there may end in zeros of its own.
            assert!(*offset == end as u64 && to > last, "{what}: {end} to {last}, not {offset} to {to}");
            let aside = &disk.seen().files[kept];
            assert!(***aside == file[end..to], "{what}: the torn tail is kept as it was");
        }
        (left, other) => panic!("{what}: {left:?} is left behind {end}, and it is said: {other:?}"),
    }
    append_and_sync(&mut ledger, &disk, b"after", what);
    let report = verify(disk.storage(), &config(which, 0)).unwrap();
    assert!(report.is_clean(), "{what}: {report:?}");
    let mut again = Ledger::open(disk.storage(), &config(which, FOLD + 1)).unwrap();
    assert_eq!(again.findings, [], "{what}");
    assert_eq!(again.entries.len(), entries.len() + 1, "{what}");
    assert!(
        again.entries[..entries.len()] == entries[..] && again.entries[entries.len()].payload == b"after",
        "{what}"
    );
    let lock = again.ledger.lock().unwrap();
    assert_eq!(again.ledger.settle(&lock).unwrap().findings, [], "{what}: the tail was cut clean");
    Some(Recovered { records, generation, level, opened_by, side, torn: left.is_some() })
}

/// The next append works, and nothing of the ledger's file is on its way after its sync.
pub fn append_and_sync(ledger: &mut Ledger, disk: &Disk, payload: &[u8], what: &str) {
    let lock = ledger.lock().unwrap();
    let settled = ledger.settle(&lock).unwrap_or_else(|err| panic!("{what}: {err}"));
    assert!(settled.findings.iter().all(is_torn), "{what}: {:?}", settled.findings);
    let entry = ledger.append(&lock, payload).unwrap_or_else(|err| panic!("{what}: the next append: {err}"));
    ledger.sync().unwrap_or_else(|err| panic!("{what}: {err}"));
    assert!(ledger.is_durable(entry.seq), "{what}");
    assert!(disk.is_durable(ledger.path()), "{what}: what was acknowledged is on the disk, and nothing else will be");
}

/// What the generations before hold.
fn before(ledger: &Ledger, what: &str) -> Vec<Payload> {
    if ledger.first_seq() == 0 {
        return Vec::new();
    }
    let older = ledger.before().unwrap_or_else(|err| panic!("{what}: {err}"));
    let older = older.unwrap_or_else(|| panic!("{what}: the generation before is gone"));
    let mut records = before(&older, what);
    for seq in older.first_seq()..ledger.first_seq() {
        let record = older.read_record(seq).unwrap();
        records.push(Arc::new(record.unwrap_or_else(|| panic!("{what}: record {seq} of an older generation"))));
    }
    records
}

/// Opens by a snapshot if there is one. Returns the key: opening has finished a change of keys that the crash interrupted.
fn by_snapshot(ledger: &Ledger, disk: &Disk, keys: usize, what: &str) -> usize {
    let opened = (0..keys).map(|which| (which, Ledger::open(disk.storage(), &config(which, FOLD))));
    let mut opened: Vec<_> = opened.filter_map(|(which, opened)| Some((which, opened.ok()?))).collect();
    assert_eq!(opened.len(), 1, "{what}: one key opens the ledger");
    let (which, opened) = opened.remove(0);
    assert!(opened.findings.iter().all(is_mended), "{what}: {:?}", opened.findings);
    assert_eq!(opened.ledger.head(), ledger.head(), "{what}");
    if let Some(state) = opened.snapshot {
        let next = u64::from_le_bytes(state[..8].try_into().unwrap());
        assert_eq!(opened.entries.first().map_or(ledger.next_seq(), |entry| entry.seq), next, "{what}");
    }
    which
}

/// A witness was written of what was durable only.
fn witness(ledger: &Ledger, records: &[Payload], what: &str) {
    if let WitnessRead::Of(Witness { seq, hash, generation, .. }) = ledger.witness_read() {
        assert!((seq as usize) < records.len() && generation <= ledger.generation(), "{what}: the witness knows {seq}");
        if generation == ledger.generation() {
            assert_eq!(ledger.record_hash(seq).unwrap(), Some(hash), "{what}");
        }
    }
}

fn frame_end(file: &[u8], offset: u64) -> usize {
    let at = offset as usize + 2;
    let length = u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    offset as usize + length as usize + OVERHEAD
}

/// The last byte that is not zero, by blocks: a file is mostly zeros.
fn last_byte(bytes: &[u8]) -> Option<usize> {
    const ZEROS: [u8; 4096] = [0; 4096];
    let block = bytes.chunks(4096).rposition(|block| *block != ZEROS[..block.len()])?;
    let from = block * 4096;
    let to = (from + 4096).min(bytes.len());
    bytes[from..to].iter().rposition(|b| *b != 0).map(|at| from + at)
}
