//! What only the holder of the lock does: making sure that this file still rules, cutting a torn tail, mending the header,
//! and writing frames.

use std::io;

use super::error::{Error, ErrorKind, Result};
use super::header::{self, Copies, Header};
use super::keys;
use super::lock::Lock;
use super::log::{Ledger, Look};
use super::open::read_secret;
use super::scan::{Depth, Tail};
use super::storage::{OpenMode, read_full, sync_full, write_full};
use super::{Config, Finding, KeySource, Refreshed};

/// Space is filled with zeros ahead of the log up to a multiple of this: a sync then has no new length to write.
const CHUNK: u64 = 64 << 10;
const COPY: usize = 1 << 20;

impl Ledger {
    /// Makes this handle ready to append, under the lock: if another file rules now it is opened, what is new is read, a
    /// torn tail is cut off and kept aside, and that is said so that the caller records it. Damage is said too and left as it is;
    /// the caller then begins a [new generation](Ledger::next_generation).
    ///
    /// # Errors
    /// Where a read or write fails; `ReadOnly`, `Poisoned` and `Replaced` as [`ErrorKind`] says.
    pub fn settle(&mut self, lock: &Lock) -> Result<Refreshed> {
        lock.check(&self.files.lock())?;
        self.check_writable()?;
        let mut new = match (self.superseded()?, self.look()?) {
            (Some(text), _) => self.reopen(text)?,
            (None, Look::OtherPast) => {
                self.reopen(Some(format!("{}: the file was exchanged for another", self.path.display())))?
            }
            (None, look) => {
                let depth = if self.tail_seen { Depth::Quick } else { Depth::Whole };
                if self.tail_seen && matches!(look, Look::Nothing { blank: true }) {
                    Refreshed::default()
                } else {
                    self.read_on(depth)?
                }
            }
        };
        self.check_writable()?;
        self.follow_header()?;
        self.tail_seen = true;
        if matches!(self.tail, Tail::Torn { .. }) {
            new.findings.extend(self.cut_tail()?);
        }
        self.mend_header()?;
        lock.settle(self.handle);
        Ok(new)
    }

    /// Before anything is written over what is left of lost records, it is kept aside as well.
    pub(super) fn clear_tail(&mut self) -> Result<()> {
        if self.tail != Tail::Clean {
            self.cut_tail()?;
        }
        Ok(())
    }

    /// Copies aside what lies behind the end of the log, fills its place with zeros, and syncs both.
    fn cut_tail(&mut self) -> Result<Option<Finding>> {
        let (Tail::Torn { to } | Tail::Damaged { to }) = self.tail else { return Ok(None) };
        let from = self.position.end;
        let mut n = 1;
        let (kept, aside) = loop {
            let kept = self.files.torn(n);
            match self.storage.open(&kept, OpenMode::CreateNew { like: Some(&self.path) }) {
                Ok(file) => break (kept, file),
                Err(err) if err.kind() == io::ErrorKind::AlreadyExists => n += 1,
                Err(err) => return Err(Error::io(&err, "keeping a torn tail aside", &kept)),
            }
        };
        let copied =
            self.each_chunk(from, to, |bytes, offset| write_full(&*aside, bytes, offset - from)).and_then(|()| {
                sync_full(&*aside)
                    .and_then(|()| self.storage.sync_folder(&self.files.folder))
                    .map_err(|err| Error::io(&err, "keeping a torn tail aside", &kept))
            });
        if let Err(err) = copied {
            self.storage.remove(&kept).ok();
            return Err(err);
        }
        self.blank(from, to).map_err(|err| Error::io(&err, "cutting a torn tail", &self.path))?;
        self.sync_file()?;
        self.tail = Tail::Clean;
        Ok(Some(Finding::Torn { offset: from, bytes: to - from, kept }))
    }

    fn blank(&self, from: u64, to: u64) -> io::Result<()> {
        let zeros = vec![0; COPY.min(usize::try_from(to.saturating_sub(from)).unwrap_or(COPY))];
        let mut at = from;
        while at < to {
            let n = zeros.len().min(usize::try_from(to - at).unwrap_or(COPY));
            write_full(&*self.file, &zeros[..n], at)?;
            at += n as u64;
        }
        Ok(())
    }

    fn each_chunk(&self, from: u64, to: u64, mut each: impl FnMut(&[u8], u64) -> io::Result<()>) -> Result<()> {
        let mut buf = vec![0; COPY.min(usize::try_from(to.saturating_sub(from)).unwrap_or(COPY))];
        let mut at = from;
        while at < to {
            let n = buf.len().min(usize::try_from(to - at).unwrap_or(COPY));
            let got =
                read_full(&*self.file, &mut buf[..n], at).map_err(|err| Error::io(&err, "reading", &self.path))?;
            if got == 0 {
                break;
            }
            each(&buf[..got], at).map_err(|err| Error::io(&err, "writing", &self.path))?;
            at += got as u64;
        }
        Ok(())
    }

    /// Writes again, byte for byte and once per handle, what no sync is known to have covered: whoever opens a file after
    /// a sync of it has failed is told of no error, though what the failed sync should have written may never reach the disk.
    pub(super) fn rewrite_unsynced(&mut self) -> Result<()> {
        if !self.rewritten {
            // Whole records in sequence are never cut and never change, so this needs no lock.
            self.each_chunk(self.durable, self.position.end, |bytes, offset| write_full(&*self.file, bytes, offset))?;
            if self.position.next_seq == self.header.first_seq + 1 {
                // Whoever named the file may not have come to sync its name. A second record says that somebody did.
                let folder = &self.files.folder;
                self.storage.sync_folder(folder).map_err(|err| Error::io(&err, "syncing the folder", folder))?;
            }
            self.rewritten = true;
        }
        Ok(())
    }

    /// The same of the zeros behind the log, under the lock: where a sync failed that should have cut a torn tail, the
    /// disk still holds that tail, and what is appended over a part of it must not be followed by the rest.
    pub(super) fn rewrite_zeros(&mut self) -> Result<()> {
        if !self.zeros_rewritten {
            let failed = |err: io::Error| Error::io(&err, "appending", &self.path);
            self.allocated = self.file.size().map_err(failed)?;
            self.blank(self.position.end, self.allocated).map_err(failed)?;
            self.zeros_rewritten = true;
        }
        Ok(())
    }

    /// The same of a damaged file, of which nothing may change.
    pub(super) fn rewrite_as_it_is(&mut self) -> Result<()> {
        let size = self.file.size().map_err(|err| Error::io(&err, "reading its size", &self.path))?;
        self.each_chunk(self.position.end.min(size), size, |bytes, offset| write_full(&*self.file, bytes, offset))
    }

    /// Makes durable all that the file holds. A failure poisons this handle: it alone is told of it.
    pub(super) fn sync_file(&mut self) -> Result<()> {
        if let Err(err) = sync_full(&*self.file) {
            self.poisoned = true;
            return Err(Error::io(&err, "syncing", &self.path));
        }
        Ok(())
    }

    /// One write at an explicit offset. Whatever fails, the log is as it was: what was written of the frame is zeroed
    /// at once, or before the next frame.
    pub(super) fn write_frame(&mut self, stored: &[u8], offset: u64) -> Result<()> {
        let failed = |err: &io::Error| Error::io(err, "appending", &self.path);
        let end = offset + stored.len() as u64;
        if self.scratch > offset {
            self.blank(offset, self.scratch).map_err(|err| failed(&err))?;
            self.scratch = 0;
        }
        if end > self.allocated {
            let size = self.file.size().map_err(|err| failed(&err))?;
            self.allocated = size;
            let target = end.next_multiple_of(CHUNK);
            let start = if stored.len() as u64 >= CHUNK { end } else { offset };
            if end > size && self.blank(start.max(size), target).is_ok() {
                self.allocated = target;
            }
        }
        if let Err(err) = write_full(&*self.file, stored, offset) {
            let reached = self.file.size().unwrap_or(end).min(end);
            if self.blank(offset, reached).is_err() {
                self.scratch = reached;
            }
            return Err(Error::io(&err, "appending", &self.path));
        }
        Ok(())
    }

    /// Mends the header if nobody holds the lock; otherwise whoever settles next does.
    pub(super) fn mend_header_if_free(&mut self) {
        if self.read_only || !self.header_needs_mending() {
            return;
        }
        if let Ok(Some(_lock)) = self.try_lock() {
            // A failure here costs nothing yet: the whole copy is in use, and the next one to settle tries again.
            if matches!(self.superseded(), Ok(None)) {
                self.mend_header().ok();
            }
        }
    }

    fn header_needs_mending(&self) -> bool {
        !self.bad_copies.is_empty() || self.stale_header || self.lacks_newest_slot
    }

    fn mend_header(&mut self) -> Result<()> {
        if !self.header_needs_mending() {
            return Ok(());
        }
        let add_slot = self.lacks_newest_slot;
        self.change_header(|ledger, header| {
            if add_slot && header.slots.len() < header::MAX_SLOTS {
                let secret = read_secret(&*ledger.storage, &ledger.config)?;
                let secret = secret.as_deref().map(Vec::as_slice);
                let keys = &ledger.config.keys;
                let still_lacking =
                    keys::unlock(&header.id, &header.slots, keys, secret, &ledger.path, &ledger.config.secret_path())?
                        .by_older;
                if still_lacking {
                    header.slots.extend(keys::application_slot(&header.id, &ledger.data, keys, secret)?);
                }
            }
            Ok(())
        })?;
        self.lacks_newest_slot = false;
        Ok(())
    }

    /// Takes the header as another handle may have changed it: its level binds this handle too. One that does not hold says
    /// nothing; whoever opens the file next names the damage.
    pub(super) fn follow_header(&mut self) -> Result<()> {
        if header::number(&*self.file, &self.path)? == self.header.number {
            return Ok(());
        }
        let copies = Copies::read(&*self.file, &self.path)?;
        if let Ok(current) = self.current_header(&copies)
            && current.header.number > self.header.number
        {
            self.header = current.header;
        }
        Ok(())
    }

    /// The header as it is now. The data key is known: that a slot was dropped meanwhile must not keep this handle from reading it.
    fn current_header(&self, copies: &Copies) -> Result<header::Opened> {
        let config = Config { keys: KeySource::data_key(self.data.clone()), ..self.config.clone() };
        let opened = header::open(copies, &self.path, &config, None)?;
        // Slots and level may change, and nothing else: whoever wrote another file's header here had the data key.
        let whose = |header: &Header| (header.id, header.generation, header.first_seq, header.public_key);
        if whose(&opened.header) == whose(&self.header) {
            return Ok(opened);
        }
        let text =
            "a copy of the header is another file's, and made with this one's key; put the file back from a backup";
        Err(Error::at(ErrorKind::Damaged, &self.path, text))
    }

    /// Reads the header anew, since another handle may have changed it, changes it, and writes it over both copies.
    pub(super) fn change_header(&mut self, change: impl FnOnce(&Ledger, &mut Header) -> Result<()>) -> Result<()> {
        let copies = Copies::read(&*self.file, &self.path)?;
        let current = self.current_header(&copies)?;
        let mut header = current.header;
        change(self, &mut header)?;
        let mut unsynced = false;
        let (file, data) = (&*self.file, &self.data);
        let written = header::write(file, &self.path, &header, data, &copies, &current.bad, &mut unsynced);
        // The failed sync was of all that this file has, its records too.
        self.poisoned |= unsynced;
        // What came of it is found out, and brought to an end, by whoever settles next.
        self.stale_header = written.is_err();
        self.header = written?;
        self.bad_copies.clear();
        Ok(())
    }

    /// Raises the level that the ledger's records may use.
    ///
    /// # Errors
    /// `Level` for a lower one; `Misuse` without a settled lock.
    pub fn raise_level(&mut self, lock: &Lock, level: u32) -> Result<()> {
        lock.check_settled(&self.files.lock(), self.handle)?;
        self.check_writable()?;
        let path = self.path.clone();
        self.change_header(|_, header| {
            if level < header.level {
                let text = format!("the ledger has level {} and cannot go down to {level}", header.level);
                return Err(Error::at(ErrorKind::Level, &path, text));
            }
            header.level = level;
            Ok(())
        })
    }
}
