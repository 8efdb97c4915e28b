//! The ledger itself: an open handle on the generation that rules, reading on, appending, syncing.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::company::Company;
use super::error::{Error, ErrorKind, Result};
use super::files::Files;
use super::frame::{HEAD, MAGIC, OPENING, RECORD, Sealer, Window, link_to};
use super::generation::{self, Opening};
use super::header::{Header, Identity};
use super::keys::{Key, SlotKind, TAG};
use super::lock::{self, Lock};
use super::records::{Index, Recent};
use super::scan::{Depth, Item, Position, Scan, Tail, certain, scan};
use super::storage::{Storage, StorageFile, read_full};
use super::tree::Hash;
use super::{Config, Entry, Finding, LedgerId, Refreshed};

/// How many looks at the log pass between two looks at whether its file is still the one that rules.
const LOOKS: u32 = 8;

/// An open ledger. Each handle has its own view of the log; none blocks another but through the [`Lock`].
pub struct Ledger {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) config: Config,
    pub(super) files: Files,
    pub(super) file: Box<dyn StorageFile>,
    pub(super) path: PathBuf,
    pub(super) header: Header,
    pub(super) data: Key,
    pub(super) sealer: Sealer,
    pub(super) identity: Identity,
    pub(super) position: Position,
    /// Just after the last frame that this handle knows to be synced.
    pub(super) durable: u64,
    /// One more than the highest sequence number that is known to have been durable.
    pub(super) vouched: AtomicU64,
    /// The records read or written last, and all that are not known to be durable.
    pub(super) recent: Recent,
    /// The highest generation whose file is known to lie in the folder; above `header.generation` if that one is unreadable.
    pub(super) highest: u64,
    /// The copies of the header that are to be written anew.
    pub(super) bad_copies: Vec<usize>,
    pub(super) stale_header: bool,
    pub(super) lacks_newest_slot: bool,
    pub(super) tail: Tail,
    /// Whether this handle has looked at the whole tail under the lock.
    pub(super) tail_seen: bool,
    /// Whether what others may have failed to sync was written again through this handle.
    pub(super) rewritten: bool,
    /// The same of the zeros behind the log.
    pub(super) zeros_rewritten: bool,
    pub(super) poisoned: bool,
    pub(super) read_only: bool,
    pub(super) company: Company,
    /// How far the file is known to reach.
    pub(super) allocated: u64,
    /// Up to where a failed append may have left bytes.
    pub(super) scratch: u64,
    pub(super) looks: u32,
    pub(super) pid: u32,
    pub(super) handle: u64,
    pub(super) dropped: Vec<SlotKind>,
    pub(super) index: Mutex<Index>,
}

/// A number of its own for each handle of this process.
pub(super) fn next_handle() -> u64 {
    static HANDLES: AtomicU64 = AtomicU64::new(1);
    HANDLES.fetch_add(1, Ordering::Relaxed)
}

pub(super) fn first_position(header: &Header) -> Position {
    Position::first(&header.id, header.generation, header.first_seq, super::header::LOG)
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger")
            .field("id", &self.header.id)
            .field("path", &self.path)
            .field("next_seq", &self.position.next_seq)
            .finish_non_exhaustive()
    }
}

impl Ledger {
    /// The ledger's name.
    pub fn id(&self) -> LedgerId {
        self.header.id
    }

    /// The generation that this handle reads.
    pub fn generation(&self) -> u64 {
        self.header.generation
    }

    /// The level that the ledger's records may use. It rises only by [`raise_level`](Ledger::raise_level).
    pub fn level(&self) -> u32 {
        self.header.level
    }

    /// The sequence number that the next record will have, as far as this handle has read.
    pub fn next_seq(&self) -> u64 {
        self.position.next_seq
    }

    /// How long [`lock`](Ledger::lock) tries from now on.
    pub fn set_lock_timeout(&mut self, timeout: std::time::Duration) {
        self.config.lock_timeout = timeout;
    }

    /// The sequence number of this generation's first record.
    pub fn first_seq(&self) -> u64 {
        self.header.first_seq
    }

    /// What the ledger was opened with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The folder that the ledger's files lie in.
    pub fn folder(&self) -> &Path {
        &self.files.folder
    }

    /// The generation's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is a drill's.
    pub fn is_drill(&self) -> bool {
        self.header.drill
    }

    /// Whether this user may only read it.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Whether a sync failed on this handle.
    pub fn poisoned(&self) -> bool {
        self.poisoned
    }

    /// Whether this process is a fork of the one that opened the ledger: then drop it and open anew.
    pub fn forked(&self) -> bool {
        self.pid != std::process::id()
    }

    /// The ledger's own public key, which signs its heads.
    pub fn public_key(&self) -> [u8; 32] {
        self.header.public_key
    }

    /// The kinds of key slots that the ledger has.
    pub fn slots(&self) -> Vec<SlotKind> {
        self.header.slots.iter().map(|slot| slot.kind).collect()
    }

    /// The kinds of slots that the last new data key dropped, because their source was not at hand.
    pub fn dropped_slots(&self) -> &[SlotKind] {
        &self.dropped
    }

    /// Takes the lock, trying until the deadline that the configuration names.
    ///
    /// # Errors
    /// `Busy`, naming the lock file, if somebody else has it until then; `ReadOnly` where this user may not write.
    pub fn lock(&self) -> Result<Lock> {
        lock::lock(&*self.storage, &self.files.lock(), self.config.lock_timeout)
    }

    /// Takes the lock if nobody has it.
    ///
    /// # Errors
    /// `ReadOnly` where this user may not write.
    pub fn try_lock(&self) -> Result<Option<Lock>> {
        lock::try_lock(&*self.storage, &self.files.lock())
    }

    /// Says that record `seq` is known to have been durable, as a countersigned head shows: if it is lacking now, what
    /// stands in its place is damage and no torn tail.
    pub fn vouch(&mut self, seq: u64) {
        self.vouched.fetch_max(seq.saturating_add(1), Ordering::Relaxed);
    }

    /// Reads what is new, without a lock. Cheap when nothing is: one read of 64 bytes.
    ///
    /// # Errors
    /// Where a read fails, or the ledger is gone.
    pub fn refresh(&mut self) -> Result<Refreshed> {
        self.looks += 1;
        if self.looks >= LOOKS {
            self.looks = 0;
            if let Some(text) = self.superseded()? {
                return self.reopen(text);
            }
            self.follow_header()?;
        }
        match self.look()? {
            Look::Nothing { .. } => Ok(Refreshed::default()),
            Look::OtherPast => {
                self.reopen(Some(format!("{}: the file was exchanged for another", self.path.display())))
            }
            Look::More => self.read_on(Depth::Quick),
        }
    }

    /// Whether something stands behind the last record, and the last record is still there.
    pub(super) fn look(&self) -> Result<Look> {
        let mut buf = [0; TAG + HEAD];
        let from = self.position.end - TAG as u64;
        let got = read_full(&*self.file, &mut buf, from).map_err(|err| Error::io(&err, "reading", &self.path))?;
        let tag_is_there = self.position.tag.is_none_or(|tag| got >= TAG && buf[..TAG] == tag);
        Ok(match () {
            () if !tag_is_there => Look::OtherPast,
            () if got >= TAG + 2 && buf[TAG..TAG + 2] == MAGIC => Look::More,
            () => Look::Nothing { blank: buf[..got].iter().skip(TAG).all(|b| *b == 0) },
        })
    }

    /// Reads from the last record on.
    pub(super) fn read_on(&mut self, depth: Depth) -> Result<Refreshed> {
        let scan = certain(|| self.scan_from(&self.position, depth))?;
        let bad_link = |finding: &Finding| matches!(finding, Finding::Damaged { why: super::DamageKind::BadLink, .. });
        // The record that this handle read last may be the one that is no more: the log is read anew from its beginning.
        if scan.findings.first().is_some_and(bad_link) && self.position.tag.is_some() {
            return self.reopen(None);
        }
        Ok(self.take(scan))
    }

    pub(super) fn scan_from(&self, from: &Position, depth: Depth) -> Result<Scan> {
        scan(
            &mut Window::new(&*self.file, &self.path)?,
            &self.sealer,
            from,
            self.vouched.load(Ordering::Relaxed),
            depth,
        )
    }

    /// Moves to the end of what was scanned.
    fn take(&mut self, scan: Scan) -> Refreshed {
        let mut findings = scan.findings;
        if scan.end == self.position && self.tail == scan.tail {
            // A damaged tail was reported when it was first seen.
            findings.clear();
        }
        if !scan.items.is_empty() {
            self.company.seen();
        }
        self.position = scan.end;
        self.durable = self.durable.max(self.position.durable);
        self.tail = scan.tail;
        self.recent.read(&scan.items, self.durable);
        Refreshed { entries: entries(scan.items), findings, reopened: false }
    }

    /// Opens the generation that rules now in place of this one.
    pub(super) fn reopen(&mut self, replaced: Option<String>) -> Result<Refreshed> {
        let vouched = (self.header.generation, self.vouched.load(Ordering::Relaxed));
        let opened = super::open::open(self.storage.clone(), &self.config, false).map_err(|err| match err.kind() {
            ErrorKind::Missing => Error::at(
                ErrorKind::Replaced,
                &self.path,
                "the ledger was moved away while it was open; open it anew, or create one",
            ),
            _ => err,
        })?;
        *self = opened.ledger;
        if self.header.generation == vouched.0 {
            self.vouched.fetch_max(vouched.1, Ordering::Relaxed);
        }
        let mut findings = opened.findings;
        findings.extend(replaced.map(|text| Finding::Replaced { text }));
        Ok(Refreshed { entries: opened.entries, findings, reopened: true })
    }

    /// Whether another file rules: `Some` if so, with what happened if it is not a later generation.
    pub(super) fn superseded(&self) -> Result<Option<Option<String>>> {
        let higher = self.files.generation(self.highest + 1);
        if self.storage.exists(&higher).map_err(|err| Error::io(&err, "looking for", &higher))? {
            return Ok(Some(None));
        }
        if self.file.is_named(&self.path).map_err(|err| Error::io(&err, "looking for", &self.path))? {
            return Ok(None);
        }
        let later = self.files.generations(&*self.storage)?;
        let superseded = later.iter().any(|file| !file.temporary && file.generation > self.highest);
        let text = format!("{}: the file was moved away or exchanged for another", self.path.display());
        Ok(Some((!superseded).then_some(text)))
    }

    /// Appends a record, unsynced: one seal, one hash, one write. The lock is held and this handle has settled under it.
    ///
    /// # Errors
    /// `Full` if there is no room: nothing has changed, the same may be tried again. `TooLarge` above [`MAX_PAYLOAD`](super::MAX_PAYLOAD).
    /// `Poisoned` after a failed sync. `Misuse` without a settled lock.
    pub fn append(&mut self, lock: &Lock, payload: &[u8]) -> Result<Entry> {
        lock.check_settled(&self.files.lock(), self.handle)?;
        self.check_writable()?;
        self.clear_tail()?;
        self.rewrite_unsynced()?;
        self.rewrite_zeros()?;
        let seq = self.position.next_seq;
        let link = self.position.link.unwrap_or(link_to(&self.position.hash));
        let stored = self.sealer.seal(RECORD, seq, self.durable, link, payload)?;
        let offset = self.position.end;
        self.write_frame(&stored, offset)?;
        let hash = self.position.wrote(&stored, offset);
        self.recent.push(seq, offset, hash);
        self.company.appended();
        Ok(Entry { seq, offset, payload: payload.to_vec(), hash, opening: None })
    }

    pub(super) fn check_writable(&self) -> Result<()> {
        if self.read_only {
            return Err(Error::at(
                ErrorKind::ReadOnly,
                &self.path,
                "this user may not write the ledger; give it the right to",
            ));
        }
        if self.poisoned {
            return Err(Error::at(
                ErrorKind::Poisoned,
                &self.path,
                "a sync failed before, so nobody knows what the disk holds; close the ledger and open it anew",
            ));
        }
        Ok(())
    }

    /// Makes durable all that this handle has read and written, by a sync of its own or by another writer's that covers it. The lock is
    /// not needed.
    ///
    /// # Errors
    /// If the sync fails, and `Poisoned` ever after: what was written since the last sync may be lost.
    pub fn sync(&mut self) -> Result<()> {
        self.check_writable()?;
        if self.durable >= self.position.end {
            return Ok(());
        }
        self.rewrite_unsynced()?;
        if self.company.is_there() { self.sync_in_company() } else { self.sync_to(self.position.end) }
    }

    /// Syncs the file, in which whole frames are known to stand up to `end`.
    pub(super) fn sync_to(&mut self, end: u64) -> Result<()> {
        self.sync_file()?;
        self.reached(end);
        Ok(())
    }

    /// A sync has covered all up to here.
    pub(super) fn reached(&mut self, end: u64) {
        self.durable = self.durable.max(end);
        self.recent.synced(self.durable);
    }

    /// The whole file was synced before it got its name.
    pub(super) fn known_durable(&mut self) {
        self.reached(self.position.end);
    }

    /// Whether a sync is known to have covered this record.
    pub fn is_durable(&self, seq: u64) -> bool {
        seq < self.position.next_seq && self.recent.is_synced(seq)
    }
}

/// What a look at the end of the log shows.
pub(super) enum Look {
    /// No record, and where its head would stand perhaps nothing but zeros.
    Nothing {
        blank: bool,
    },
    More,
    OtherPast,
}

/// The records among what was scanned.
pub(super) fn entries(items: Vec<Item>) -> Vec<Entry> {
    let record = |item| match item {
        Item::Lost { .. } => None,
        Item::Record(found) => {
            let (opening, payload): (Option<Opening>, _) =
                if found.kind == OPENING { generation::split_opening(found.payload) } else { (None, found.payload) };
            Some(Entry { seq: found.seq, offset: found.offset, payload, hash: found.hash, opening })
        }
    };
    items.into_iter().filter_map(record).collect()
}

/// The root of the tree at `size` leaves, if it was passed on the way from `from`.
pub(super) fn root_at(from: &Position, items: &[Item], size: u64) -> Option<Hash> {
    let mut tree = from.tree.clone();
    let mut items = items.iter();
    while tree.size() < size {
        tree.push(match items.next()? {
            Item::Record(found) => found.hash,
            Item::Lost { hash, .. } => *hash,
        });
    }
    (tree.size() == size).then(|| tree.root())
}
