//! Operations that acknowledge: under the lock, decided and recorded in one step, synced before anybody is told.

use std::sync::Arc;

use super::super::error::{Error, ErrorKind};
use super::super::records::{self, FOLD_VERSION};
use super::super::renewal;
use super::Session;
use crate::document;
use crate::grace::{Answer, Finished, Live, Opening, Operation, Pending, Quiet, Record, State};
use crate::ledger::codec::to_bytes;
use crate::ledger::{GenerationCause, Head, Lock, WitnessRead};
use crate::time::Instant;

/// How many records are folded before another snapshot is written.
const SNAPSHOT_EVERY: u64 = 256;

/// How often a renewal request is begun anew because the ledger went on in another file meanwhile.
const REQUESTS: u32 = 5;

/// How an operation treats the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// L3, L5: the operation that opens.
    Open,
    /// A product's wish: it is recorded, or it fails.
    Acknowledged,
    /// Reads and records what is due, as far as it may.
    Upkeep,
    /// C5: the operation that closes.
    Close,
}

pub(super) fn newer() -> Error {
    let text = "a newer release wrote to this ledger what this one does not know, so nothing is appended; update this product, \
                or do it with the newer one";
    Error::new(ErrorKind::Newer, text)
}

impl Session {
    /// What the last operation came to know of the state, if that is still the same.
    pub(super) fn nothing_due(&self) -> Option<Quiet> {
        let (of, quiet) = self.quiet.as_ref()?;
        // The allocation is kept for this: it is no other state's, and no change is made in it.
        std::ptr::eq(of.as_ptr(), Arc::as_ptr(&self.state)).then_some(*quiet)
    }

    /// What an operation left behind, beside the state.
    pub(super) fn went_on(&mut self, live: Live, quiet: Option<Quiet>) {
        self.live = live;
        self.quiet = quiet.map(|quiet| (Arc::downgrade(&self.state), quiet));
    }

    /// First uses that checks could not record and that still stand.
    pub(super) fn uses(&mut self) -> Vec<(String, String, Instant)> {
        let mut uses = std::mem::take(&mut self.uses);
        uses.retain(|(license, feature, at)| {
            self.state.licences().get(license).is_some_and(|licence| licence.first_uses.get(feature) == Some(at))
        });
        uses
    }

    pub(super) fn operate<R>(
        &mut self,
        how: How,
        wish: impl FnOnce(&mut Operation<'_>, Option<&Pending>) -> R,
    ) -> Result<R, Error> {
        self.sound()?;
        if self.newer && how == How::Acknowledged {
            return Err(newer());
        }
        let lock = self.ledger.lock()?;
        self.settle(&lock)?;
        self.detached = false;
        if self.newer && how == How::Acknowledged {
            return Err(newer());
        }
        let look = how == How::Open || self.replaced;
        let known = if look { self.ledger.witness_read() } else { WitnessRead::Missing };
        // A record that is behind the settled ledger's end is none of its own: the witness must follow the ledger as it is.
        let ahead = matches!(&known, WitnessRead::Of(witness) if witness.seq > self.ledger.newest().0);
        let witness = if look { self.look_at_witness(known) } else { None };
        let put_back = witness.is_some();
        let opening = Opening {
            place: how == How::Open,
            witness,
            damage: self.damage.clone(),
            recovered: self.recovered,
            uses: self.uses(),
            quiet: self.nothing_due(),
        };
        let reading = self.setup.clock.read();
        let (answer, finished) = {
            let mut op = Operation::begin(&self.state, &self.live, reading, &self.machine, &opening);
            let answer = wish(&mut op, self.pending.as_ref());
            (answer, op.finish(how == How::Close))
        };
        let recorded = self.record(&lock, finished, !opening.damage.is_empty());
        if !matches!(recorded, Ok(true)) {
            self.uses = opening.uses;
        }
        recorded?;
        if self.newer && how == How::Acknowledged {
            // Nothing is appended, so nothing was done.
            return Err(newer());
        }
        drop(lock);
        self.ledger.sync()?;
        self.replaced = false;
        // What checks recorded is on disk now too, so the witness is told of it with the rest.
        if self.testified != Some(self.ledger.newest().0) || look {
            self.testify(put_back || ahead);
        }
        self.snapshot_if_due(how == How::Close);
        if how == How::Close {
            // In the clear, so that anybody can check that the file is whole.
            if let Err(error) = self.ledger.write_head() {
                self.diagnose(format!("the signed head was not written: {error}"));
            }
        }
        Ok(answer)
    }

    /// Writes what an operation comes to, under the lock. Nothing is remembered before it is written.
    pub(super) fn record(&mut self, lock: &Lock, finished: Finished, damaged: bool) -> Result<bool, Error> {
        let Finished { record, state, live, quiet } = finished;
        let (Some(mut record), Some(mut state)) = (record, state) else {
            self.went_on(live, quiet);
            return Ok(false);
        };
        // What a newer release wrote must be understood before anything is appended; and a file is not continued in another by
        // who would lose what it does not know or cannot prove.
        if self.newer || (damaged && (self.state.has_foreign() || self.state.unproven() > 0)) {
            self.newer = true;
            self.live = live;
            return Ok(false);
        }
        if damaged {
            // L2: the damaged file is kept; the ledger goes on in another from what is proven. That it was damaged stands in the
            // same record: a crash between two would leave a ledger that nobody suspects.
            let mut before = State::clone(&self.state);
            self.close_heads(&mut [&mut before, &mut state])?;
            record.events.splice(0..0, before.continued());
            let payload = records::encode(&record)?;
            self.earlier.clear();
            self.ledger.next_generation(lock, GenerationCause::Damage, &payload)?;
        } else {
            self.ledger.append(lock, &records::encode(&record)?)?;
        }
        let (seq, hash) = self.ledger.newest();
        state.sealed(&hash);
        self.damage.clear();
        self.recovered = None;
        self.state = Arc::new(state);
        self.went_on(live, quiet);
        self.remember(seq, Arc::new(record));
        self.folded_since_snapshot += 1;
        Ok(true)
    }

    pub(super) fn snapshot_if_due(&mut self, closing: bool) {
        if self.folded_since_snapshot >= SNAPSHOT_EVERY || (closing && self.folded_since_snapshot > 32) {
            self.snapshot();
        }
    }

    /// L2: the documents in force lie in a second place on the disk, so that a bit that flips in the log costs none of them.
    pub(super) fn snapshot(&mut self) {
        // A document that this product cannot prove is not in the saved state, and another product may prove it.
        if self.newer || !self.uses.is_empty() || self.state.unproven() > 0 {
            return;
        }
        let result = to_bytes(&self.state.save()).and_then(|bytes| self.ledger.save_snapshot(&bytes, FOLD_VERSION));
        match result {
            Ok(()) => self.folded_since_snapshot = 0,
            Err(error) => self.diagnose(format!("the snapshot was not written: {error}")),
        }
    }

    pub(in crate::client) fn import(&mut self, token: &[u8]) -> Result<Answer, Error> {
        let answer = self.operate(How::Acknowledged, |op, pending| {
            let opened = document::open(token, op.state().trust());
            let countersigned = renewal::countersigned(&opened, op.state());
            let received = renewal::received(&opened, op.state());
            let answer = op.import(document::trim(token), opened, pending);
            if let Some((generation, size)) = countersigned.filter(|_| answer.accepted && !answer.known) {
                op.countersigned(generation, size);
            }
            if answer.accepted && !answer.known {
                op.appeals_received(&received);
            }
            answer
        })?;
        if answer.fresh {
            self.pending = None;
        }
        if answer.accepted && !answer.known {
            self.snapshot();
        }
        Ok(answer)
    }

    pub(in crate::client) fn acknowledged<R>(
        &mut self,
        wish: impl FnOnce(&mut Operation<'_>) -> R,
    ) -> Result<R, Error> {
        self.operate(How::Acknowledged, |op, _| wish(op))
    }

    /// Records the head that a renewal request shows: this one, unless so many are out that the newest is sent again.
    pub(in crate::client) fn request(&mut self, nonce: &str) -> Result<Head, Error> {
        self.sound()?;
        for _ in 0..REQUESTS {
            let lock = self.ledger.lock()?;
            self.settle(&lock)?;
            let now = self.ledger.head();
            drop(lock);
            let again = self.state.heads().again(now.generation);
            let head = again.map_or(now, |sent| Head { size: sent.size, root: sent.root, ..now });
            let pending = self.acknowledged(|op| {
                op.request(head.generation, head.size, head.root);
                let reading = op.reading();
                Pending { nonce: nonce.to_owned(), boot: reading.boot, uptime: reading.uptime }
            })?;
            if self.ledger.generation() == head.generation {
                self.pending = Some(pending);
                return Ok(head);
            }
        }
        Err(Error::new(ErrorKind::Busy, "the ledger was archived again and again meanwhile; ask again"))
    }

    /// The head of the last request again, where it got no answer, with another nonce: it was recorded then, and is not now. None where there is no
    /// such head.
    pub(in crate::client) fn request_again(&mut self, nonce: &str) -> Option<Head> {
        let now = self.ledger.head();
        let sent = self.state.heads().unanswered(now.generation)?;
        let head = Head { size: sent.size, root: sent.root, ..now };
        let reading = self.setup.clock.read();
        self.pending = Some(Pending { nonce: nonce.to_owned(), boot: reading.boot, uptime: reading.uptime });
        Some(head)
    }

    pub(in crate::client) fn upkeep<R>(&mut self, look: impl FnOnce(&mut Operation<'_>) -> R) -> Result<R, Error> {
        self.operate(How::Upkeep, |op, _| look(op))
    }

    pub(in crate::client) fn close(&mut self) -> Result<(), Error> {
        self.operate(How::Close, |_, _| ())
    }

    /// What was sent to the authority is proven up to this generation's last head, while its records are at hand.
    pub(super) fn close_heads(&mut self, states: &mut [&mut State]) -> Result<(), Error> {
        self.ledger.sync()?;
        if self.state.heads().sent().is_empty() {
            return Ok(());
        }
        let (head, closing) = (self.ledger.head(), self.ledger.note()?);
        let mut paths = Vec::new();
        for sent in self.state.heads().sent().iter().filter(|sent| sent.generation == head.generation) {
            paths.push(renewal::path(&self.ledger, sent, &head)?);
        }
        for state in states {
            state.close_generation(head.generation, closing.clone(), paths.clone());
        }
        Ok(())
    }
}

/// The first record of a generation that goes on from this state.
pub(super) fn opening(state: &State) -> Record {
    Record { t: state.t(), anchor: *state.anchor(), reset: false, events: state.continued() }
}
