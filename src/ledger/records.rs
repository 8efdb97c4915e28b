//! Records by their number, heads, and proofs: what is read behind the end of the log.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::error::{Error, ErrorKind, Result};
use super::frame::{OPENING, Window};
use super::generation;
use super::log::Ledger;
use super::scan::{Depth, Item, Position};
use super::tree::{self, Hash};
use super::{Head, note};

/// Where each record of the generation stands and what its leaf is, as far as was asked for yet.
pub(super) struct Index {
    position: Position,
    offsets: Vec<Option<u64>>,
    leaves: Vec<Hash>,
}

impl Index {
    pub(super) fn new(first: Position) -> Mutex<Index> {
        Mutex::new(Index { position: first, offsets: Vec::new(), leaves: Vec::new() })
    }
}

/// How many durable records a handle remembers the place and hash of.
const REMEMBERED: usize = 4096;

/// The place and hash of the records that were read or written last, so that asking for one reads no log; and which
/// records no sync is known to have covered.
#[derive(Default)]
pub(super) struct Recent {
    known: VecDeque<(u64, u64, Hash)>,
    unsynced: VecDeque<u64>,
    /// The offset of each unsynced record.
    offsets: VecDeque<u64>,
}

impl Recent {
    pub(super) fn push(&mut self, seq: u64, offset: u64, hash: Hash) {
        if self.known.len() >= REMEMBERED {
            self.known.pop_front();
        }
        self.known.push_back((seq, offset, hash));
        self.unsynced.push_back(seq);
        self.offsets.push_back(offset);
    }

    pub(super) fn read(&mut self, items: &[Item], durable: u64) {
        for item in items {
            if let Item::Record(found) = item {
                self.push(found.seq, found.offset, found.hash);
            }
        }
        self.synced(durable);
    }

    /// A sync covers what ends at `durable` or before: every frame that begins before it.
    pub(super) fn synced(&mut self, durable: u64) {
        while self.offsets.front().is_some_and(|offset| *offset < durable) {
            self.offsets.pop_front();
            self.unsynced.pop_front();
        }
    }

    pub(super) fn is_synced(&self, seq: u64) -> bool {
        self.unsynced.front().is_none_or(|first| seq < *first)
    }

    fn get(&self, seq: u64) -> Option<(u64, Hash)> {
        let at = self.known.partition_point(|(known, _, _)| *known < seq);
        self.known.get(at).filter(|(known, _, _)| *known == seq).map(|(_, offset, hash)| (*offset, *hash))
    }
}

impl Ledger {
    /// A record by its sequence number; `None` if this generation has none, or it is destroyed.
    ///
    /// # Errors
    /// Where a read fails.
    pub fn read_record(&self, seq: u64) -> Result<Option<Vec<u8>>> {
        match self.offset_of(seq)? {
            Some(offset) => self.read_at(seq, offset),
            None => Ok(None),
        }
    }

    /// A record by its sequence number and the offset that its [`Entry`](super::Entry) had; `None` if it does not stand there.
    ///
    /// # Errors
    /// Where a read fails.
    pub fn read_at(&self, seq: u64, offset: u64) -> Result<Option<Vec<u8>>> {
        let mut window = Window::new(&*self.file, &self.path)?;
        let found = window.frame(&self.sealer, offset, seq, &mut u64::MAX.clone())?;
        Ok(found.filter(|found| found.seq == seq).map(|found| match found.kind {
            OPENING => generation::split_opening(found.payload).1,
            _ => found.payload,
        }))
    }

    fn offset_of(&self, seq: u64) -> Result<Option<u64>> {
        if let Some((offset, _)) = self.recent.get(seq) {
            return Ok(Some(offset));
        }
        let Some(at) = seq.checked_sub(self.header.first_seq).filter(|_| seq < self.position.next_seq) else {
            return Ok(None);
        };
        self.with_index(|index| index.offsets.get(at as usize).copied().flatten())
    }

    fn with_index<T>(&self, read: impl FnOnce(&Index) -> T) -> Result<T> {
        // Whatever a panic elsewhere left in the index is rebuilt from its own position on, which moves last.
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        if index.position.next_seq < self.position.next_seq {
            let scan = self.scan_from(&index.position, Depth::Quick)?;
            let known = (index.position.next_seq - self.header.first_seq) as usize;
            index.offsets.truncate(known);
            index.leaves.truncate(known);
            for item in &scan.items {
                let (offset, hash) = match item {
                    Item::Record(found) => (Some(found.offset), found.hash),
                    Item::Lost { hash, .. } => (None, *hash),
                };
                index.offsets.push(offset);
                index.leaves.push(hash);
            }
            index.position = scan.end;
        }
        Ok(read(&index))
    }

    /// How far the ledger reaches, as far as this handle has read.
    pub fn head(&self) -> Head {
        Head {
            size: self.position.tree.size(),
            root: self.position.tree.root(),
            seq: self.position.next_seq.saturating_sub(1),
            generation: self.header.generation,
        }
    }

    /// The last record's sequence number and hash.
    pub fn newest(&self) -> (u64, Hash) {
        (self.position.next_seq.saturating_sub(1), self.position.hash)
    }

    /// The hash of any record of this generation.
    ///
    /// # Errors
    /// Where a read fails.
    pub fn record_hash(&self, seq: u64) -> Result<Option<Hash>> {
        if let Some((_, hash)) = self.recent.get(seq) {
            return Ok(Some(hash));
        }
        let Some(at) = seq.checked_sub(self.header.first_seq).filter(|_| seq < self.position.next_seq) else {
            return Ok(None);
        };
        self.with_index(|index| index.leaves.get(at as usize).copied())
    }

    /// The origin of this generation's heads and the name of the key that signs them.
    pub fn origin(&self) -> String {
        note::origin(&self.header.id, self.header.generation)
    }

    /// The head as a signed note, in the clear. Sync first: a head that was given away must not be taken back.
    ///
    /// # Errors
    /// `Misuse` if something of it is not known to be durable.
    pub fn note(&self) -> Result<String> {
        self.durable_head().and_then(|head| self.sign(&head))
    }

    fn durable_head(&self) -> Result<Head> {
        if self.durable < self.position.end {
            return Err(Error::at(
                ErrorKind::Misuse,
                &self.path,
                "the head is not durable yet; call sync before it is given away",
            ));
        }
        Ok(self.head())
    }

    /// The same with a further line, which is signed too. It says nothing of the ledger.
    ///
    /// # Errors
    /// As [`note`](Ledger::note), and `Misuse` for a line that no note can hold.
    pub fn note_saying(&self, line: &str) -> Result<String> {
        self.durable_head().and_then(|head| self.sign_with(&head, Some(line)))
    }

    /// A head that this ledger had, as a signed note: as [`note`](Ledger::note).
    ///
    /// # Errors
    /// `Misuse` if something is not known to be durable, and for a head that this generation never had.
    pub fn note_of(&self, head: &Head) -> Result<String> {
        if self.durable < self.position.end
            || head.generation != self.header.generation
            || self.root_of_first(head.size)? != Some(head.root)
        {
            return Err(Error::at(
                ErrorKind::Misuse,
                &self.path,
                "this generation never had that head, or not durably",
            ));
        }
        self.sign(head)
    }

    pub(super) fn sign(&self, head: &Head) -> Result<String> {
        self.sign_with(head, None)
    }

    fn sign_with(&self, head: &Head, line: Option<&str>) -> Result<String> {
        let origin = self.origin();
        let continues = self.continues()?.map(|continues| continues.line());
        let extensions = continues.into_iter().chain(line.map(str::to_owned)).collect();
        let checkpoint = note::Checkpoint { origin: origin.clone(), size: head.size, root: head.root, extensions };
        note::sign(&origin, &self.identity.signer, &checkpoint.text())
    }

    /// What this generation goes on from, as its first record says; none if that is destroyed.
    fn continues(&self) -> Result<Option<note::Continues>> {
        if self.header.generation == 0 {
            return Ok(None);
        }
        let (offset, seq) = (super::header::LOG, self.header.first_seq);
        let mut window = Window::new(&*self.file, &self.path)?;
        let first = window.frame(&self.sealer, offset, seq, &mut u64::MAX.clone())?;
        let first = first.filter(|found| found.seq == seq && found.kind == OPENING);
        let opening = first.and_then(|found| generation::split_opening(found.payload).0);
        Ok(opening.map(|opening| note::Continues {
            generation: opening.before,
            size: opening.size,
            root: opening.root,
            cause: opening.cause,
        }))
    }

    /// The root over the first `size` leaves; none if there are not so many.
    fn root_of_first(&self, size: u64) -> Result<Option<Hash>> {
        if size == self.position.tree.size() {
            return Ok(Some(self.position.tree.root()));
        }
        self.with_index(|index| index.leaves.get(..usize::try_from(size).ok()?).map(tree::root_of))
    }

    /// The proof that the tree of `old_size` leaves grew into the one of `new_size` leaves.
    ///
    /// # Errors
    /// `Misuse` for sizes that this generation's tree never had, 0 included.
    pub fn consistency_proof(&self, old_size: u64, new_size: u64) -> Result<Vec<Hash>> {
        let new_size = new_size.min(self.position.tree.size());
        let proof = self.with_index(|index| {
            let leaves = index.leaves.get(..usize::try_from(new_size).ok()?)?;
            tree::consistency_proof(leaves, usize::try_from(old_size).ok()?)
        })?;
        proof.ok_or_else(|| {
            Error::at(
                ErrorKind::Misuse,
                &self.path,
                format!("this generation's tree of {new_size} leaves never had {old_size} to prove from"),
            )
        })
    }

    /// The proof that record `seq` is in the present tree, at index `seq - first_seq`.
    ///
    /// # Errors
    /// `Misuse` for a record that this generation does not have.
    pub fn inclusion_proof(&self, seq: u64) -> Result<Vec<Hash>> {
        let proof = self.with_index(|index| {
            let leaves = index.leaves.get(..self.position.tree.size() as usize)?;
            tree::inclusion_proof(leaves, usize::try_from(seq.checked_sub(self.header.first_seq)?).ok()?)
        })?;
        proof.ok_or_else(|| Error::at(ErrorKind::Misuse, &self.path, format!("this generation has no record {seq}")))
    }
}
