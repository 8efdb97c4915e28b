//! What lies beside the log: snapshots, the head in the clear, the witness, and small files of the user's own.

use std::io;
use std::sync::atomic::Ordering;

use super::error::{Error, ErrorKind, Result};
use super::log::Ledger;
use super::scan::Position;
use super::snapshot::{self, Snapshot};
use super::storage::{StorageLock, read_file};
use super::witness::{self, Witness, WitnessRead};

impl Ledger {
    /// Keeps the folded state of all records up to here, so that opening reads only what comes after; syncs first, and
    /// writes the signed head beside the ledger.
    ///
    /// # Errors
    /// `TooLarge` above [`MAX_STATE`](super::MAX_STATE); where a sync or write fails.
    pub fn save_snapshot(&mut self, state: &[u8], fold_version: u32) -> Result<()> {
        self.sync()?;
        let key = snapshot::key(&self.data, &self.header.id, self.header.generation)?;
        // After damage the last record's place in the log is not certain: the log is then read whole.
        if self.position.link.is_some() && self.position.tag.is_some() {
            let position = Position { durable: self.position.end, ..self.position.clone() };
            let snapshot = Snapshot { fold_version, position, state: state.to_vec() };
            snapshot::save(&*self.storage, &self.files, &key, self.header.generation, &snapshot, &self.path)?;
        }
        self.write_head()
    }

    /// Writes the signed head beside the ledger, in `NAME.head`, for anybody to check the file against.
    ///
    /// # Errors
    /// Where the write fails, and `Misuse` if the head is not durable.
    pub fn write_head(&self) -> Result<()> {
        self.check_writable()?;
        snapshot::replace(&*self.storage, &self.files.head(), self.note()?.as_bytes(), &self.path, false)
    }

    /// What the witness remembers.
    pub fn witness_read(&self) -> WitnessRead {
        let Some(folder) = &self.config.witness else { return WitnessRead::Missing };
        let path = witness::path(folder, &self.header.id);
        witness::read(&*self.storage, &path, &self.header.id, &self.identity.witness)
    }

    /// Lets the witness remember this, after the sync that covers it. False if nothing was written: somebody else is at it,
    /// there is no place for one, or it remembers a later record and is not forced; with `force` it follows the ledger as it is.
    ///
    /// # Errors
    /// `TooLarge` above [`MAX_WITNESS_BODY`](super::MAX_WITNESS_BODY); where the write fails.
    pub fn witness_write(&self, witness: &Witness, force: bool) -> Result<bool> {
        let Some(folder) = &self.config.witness else { return Ok(false) };
        if witness.ledger != self.header.id {
            return Err(Error::at(ErrorKind::Misuse, folder, "a witness is of the ledger that writes it"));
        }
        let path = witness::path(folder, &self.header.id);
        let written = witness::write(&*self.storage, &path, witness, &self.identity.witness, force)?;
        if written && force {
            // What the witness knew before is given up, and vouches for nothing any more.
            self.vouched.fetch_min(witness.seq.saturating_add(1), Ordering::Relaxed);
        }
        Ok(written)
    }

    /// Reads a small file beside the ledger, `NAME.side-WHAT`; `None` if there is none.
    ///
    /// # Errors
    /// Where the read fails, or the file is larger than 1 MiB.
    pub fn side_file_read(&self, what: &str) -> Result<Option<Vec<u8>>> {
        let path = self.files.side(what);
        match read_file(&*self.storage, &path, 1 << 20) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(err) => Err(Error::io(&err, "reading", &path)),
        }
    }

    /// Replaces such a file, whole or not at all, and durably.
    ///
    /// # Errors
    /// Where the write fails.
    pub fn side_file_write(&self, what: &str, bytes: &[u8]) -> Result<()> {
        let path = self.files.side(what);
        if self.read_only {
            return self.check_writable();
        }
        snapshot::replace(&*self.storage, &path, bytes, &self.path, true)
    }

    /// The turn to talk to the authority: none if another client of this ledger has it. It is given back when it is dropped, and when its
    /// process ends. The ledger's own lock has nothing to do with it.
    ///
    /// # Errors
    /// Where the lock's file cannot be opened.
    pub fn try_turn(&self) -> Result<Option<Box<dyn StorageLock>>> {
        let path = self.files.turn();
        self.storage.try_lock(&path).map_err(|err| Error::io(&err, "locking", &path))
    }
}
