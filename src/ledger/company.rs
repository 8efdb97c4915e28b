//! Many writers, one sync: who has just appended in the company of others does not sync if another's sync has covered it.
//!
//! Whoever syncs reads on to the end of the log first, as what others wrote before the sync is covered by it too, and tells in
//! `NAME.synced` how far it reached: the offset just after a frame, and that frame's tag. Who finds there an offset at or behind
//! the end of its own record, and in the log, just before that offset, the very tag, is covered: nonces are random, so the tag
//! names one frame, and a frame that follows in the log was written later. Thus an old hint, one of another file or a torn
//! one misleads nobody, and it needs neither a seal nor a sync.

use std::io;
use std::time::{Duration, Instant};

use super::error::Result;
use super::keys::TAG;
use super::lock;
use super::log::Ledger;
use super::scan::Depth;
use super::storage::{OpenMode, StorageFile, read_full, write_full};

/// How many appends after the last foreign record a handle still reckons with other writers.
const APPENDS: u32 = 32;

/// How long a writer waits for another's sync before it syncs for itself; then it never waits again.
const PATIENCE: Duration = Duration::from_millis(50);

/// A sync or two long: who looks more often takes the processor from those who append.
const PAUSE: Duration = Duration::from_micros(250);

const HINT: usize = 8 + TAG;

/// What a handle knows of other writers.
#[derive(Debug, Default)]
pub(super) struct Company {
    /// For how many appends others are still reckoned with.
    appends: u32,
    hint: Option<Box<dyn StorageFile>>,
    /// Waiting for others was in vain once.
    given_up: bool,
}

impl Company {
    /// Another's record was read.
    pub(super) fn seen(&mut self) {
        self.appends = APPENDS;
    }

    pub(super) fn appended(&mut self) {
        self.appends = self.appends.saturating_sub(1);
    }

    pub(super) fn is_there(&self) -> bool {
        self.appends > 0 && !self.given_up
    }
}

impl Ledger {
    /// Makes durable what this handle has read and written, by its own sync or another's.
    pub(super) fn sync_in_company(&mut self) -> Result<()> {
        let start = Instant::now();
        while !self.is_covered() {
            match lock::try_lock(&*self.storage, &self.files.synced_lock()) {
                Ok(Some(_lock)) => return self.sync_for_all(),
                Ok(None) if start.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
                _ => {
                    self.company.given_up = true;
                    return self.sync_to(self.position.end);
                }
            }
        }
        Ok(())
    }

    /// Under the lock of those who sync.
    fn sync_for_all(&mut self) -> Result<()> {
        if self.is_covered() {
            return Ok(());
        }
        // What is read here is not taken: it is for the next to settle, who tells its user of it.
        let read = self.scan_from(&self.position, Depth::Quick).ok().filter(|scan| scan.findings.is_empty());
        let (end, tag) = read.map_or((self.position.end, self.position.tag), |scan| (scan.end.end, scan.end.tag));
        self.sync_to(end)?;
        if let Some(tag) = tag {
            // Who cannot be told syncs for himself.
            self.tell(end, &tag).ok();
        }
        Ok(())
    }

    /// Whether a sync that was told of covers all that this handle has.
    fn is_covered(&mut self) -> bool {
        let mut hint = [0; HINT];
        let read = self.hint().and_then(|file| read_full(file, &mut hint, 0));
        let (Ok(HINT), Some((end, tag))) = (read, hint.split_first_chunk()) else { return false };
        let end = u64::from_le_bytes(*end);
        let mut there = [0; TAG];
        // Before the log is filled, zeros stand everywhere: those are no tag.
        let covered = end >= self.position.end
            && tag != [0; TAG]
            && read_full(&*self.file, &mut there, end - TAG as u64).is_ok_and(|got| got == TAG)
            && there == tag;
        if covered {
            self.reached(end);
        }
        covered
    }

    fn tell(&mut self, end: u64, tag: &[u8; TAG]) -> io::Result<()> {
        let mut hint = [0; HINT];
        hint[..8].copy_from_slice(&end.to_le_bytes());
        hint[8..].copy_from_slice(tag);
        write_full(self.hint()?, &hint, 0)
    }

    fn hint(&mut self) -> io::Result<&dyn StorageFile> {
        let file = match self.company.hint.take() {
            Some(file) => file,
            None => {
                let path = self.files.synced();
                let made = self.storage.open(&path, OpenMode::Write).or_else(|err| match err.kind() {
                    io::ErrorKind::NotFound => self.storage.open(&path, OpenMode::CreateNew { like: Some(&self.path) }),
                    _ => Err(err),
                });
                made?
            }
        };
        Ok(&**self.company.hint.insert(file))
    }
}
