//! Reading: what the ledger holds is folded into a state, and what was found while reading is kept until it is recorded.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::super::error::{Error, ErrorKind};
use super::super::events::Cursor;
use super::super::records::{self, KNOWN_LEVEL};
use super::{Diagnostic, Rest, Session, Setup};
use crate::clock::trusted::Anchor;
use crate::clock::{Boot, Reading};
use crate::grace::{Event as Recorded, Live, Record, Saved, State};
use crate::ledger::codec::from_bytes;
use crate::ledger::{Config, Entry, Finding, Ledger, Lock, Opened, Refreshed};
use crate::time::{Instant, Span};

/// The fold version of no snapshot.
const NO_FOLD: u32 = u32::MAX;

/// How many records are held for consumers, so that who keeps up needs no reading.
const RECENT: usize = 512;

/// How many diagnostics are held.
const DIAGNOSTICS: usize = 256;

fn unknown_beginning() -> Error {
    let text = "a newer release continued this ledger in a way that this one does not know, and the file before was put away, so \
                nothing can be decided; update this product, or put that file back";
    Error::new(ErrorKind::Newer, text)
}

fn unread() -> Anchor {
    Anchor::first(&Reading { wall: Instant::EPOCH, boot: Boot::default(), uptime: Span::ZERO })
}

impl Session {
    pub(super) fn fold_opened(setup: Setup, opened: Opened) -> Result<Session, Error> {
        let (saved, opened) = match opened.snapshot.as_deref().map(from_bytes::<Saved>).transpose() {
            Ok(saved) => (saved, opened),
            // A snapshot that cannot be read is no offence: all records are folded.
            Err(_) => {
                let config = Config { fold_version: NO_FOLD, ..setup.config.clone() };
                (None, Ledger::open(setup.storage.clone(), &config)?)
            }
        };
        let id = opened.ledger.id().to_string();
        let restored = saved.is_some();
        let brought = setup.brought.clone();
        let state = Arc::new(match saved {
            Some(saved) => saved.restore(&id, brought),
            None => State::new(&id, brought, unread()),
        });
        let machine = Arc::new((setup.machine)(&id));
        let live = Live::of(&state);
        let newer = opened.ledger.level() > KNOWN_LEVEL;
        let mut session = Session {
            setup,
            ledger: opened.ledger,
            state,
            live,
            quiet: None,
            machine,
            pending: None,
            carried: Vec::new(),
            rest: Rest::new(),
            uses: Vec::new(),
            damage: Vec::new(),
            recovered: None,
            lost: false,
            replaced: false,
            newer,
            detached: false,
            recent: VecDeque::new(),
            consumers: HashMap::new(),
            earlier: Vec::new(),
            testified: None,
            folded_since_snapshot: 0,
            diagnostics: VecDeque::new(),
        };
        session.note_findings(&opened.findings);
        let begun = restored || session.fold_before(opened.entries.first());
        session.fold(&opened.entries);
        if !begun && session.newer {
            return Err(unknown_beginning());
        }
        if let Some((_, bytes)) = opened.salvage.filter(|_| opened.findings.iter().any(Finding::is_damage))
            && let Ok(salvaged) = from_bytes::<Saved>(&bytes)
        {
            // L2: what a destroyed record said is still proven by a snapshot that covers it.
            let salvaged = salvaged.restore(&id, session.setup.brought.clone());
            Arc::make_mut(&mut session.state).recover(salvaged);
        }
        session.live = Live::of(&session.state);
        Ok(session)
    }

    /// L2: the first record of a later generation says from what it goes on. Where that is destroyed, or said in a newer release's
    /// way, the files before it are folded instead, as far as they were not put away. Whether it is known from what it goes on.
    pub(super) fn fold_before(&mut self, first: Option<&Entry>) -> bool {
        let continues = |payload: &[u8]| {
            records::decode(payload)
                .is_ok_and(|(record, _)| matches!(record.events.first(), Some(Recorded::Continued(_))))
        };
        if self.ledger.generation() == 0
            || first.is_some_and(|entry| entry.opening.is_some() && continues(&entry.payload))
        {
            return true;
        }
        let mut files: Vec<Ledger> = Vec::new();
        let mut begun = false;
        while !begun && let Ok(Some(before)) = files.last().unwrap_or(&self.ledger).before() {
            let opening = || before.read_record(before.first_seq()).ok().flatten();
            begun = before.generation() == 0 || opening().is_some_and(|payload| continues(&payload));
            files.push(before);
        }
        for file in files.iter().rev() {
            for seq in file.first_seq()..file.next_seq() {
                if let (Ok(Some(payload)), Ok(Some(hash))) = (file.read_record(seq), file.record_hash(seq)) {
                    self.fold_one(seq, &payload, &hash);
                }
            }
        }
        begun
    }

    pub(super) fn fold(&mut self, entries: &[Entry]) {
        for entry in entries {
            self.fold_one(entry.seq, &entry.payload, &entry.hash);
        }
        self.folded_since_snapshot += entries.len() as u64;
    }

    pub(super) fn fold_one(&mut self, seq: u64, payload: &[u8], hash: &[u8; 32]) {
        match records::decode(payload) {
            Ok((record, newer)) => {
                self.newer |= newer;
                let state = Arc::make_mut(&mut self.state);
                state.apply(&record);
                state.sealed(hash);
                self.live.follow(&record);
                self.remember(seq, Arc::new(record));
            }
            Err(error) => {
                // Its seal held, so a product of ours wrote it: a newer one.
                self.newer = true;
                self.diagnose(format!("record {seq} cannot be read by this release: {error}"));
            }
        }
    }

    pub(super) fn remember(&mut self, seq: u64, record: Arc<Record>) {
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((seq, record));
    }

    pub(super) fn absorb(&mut self, refreshed: Refreshed) {
        let before = self.state.clone();
        if refreshed.reopened {
            // Another generation: its first record says from what it goes on. What was found in the one before is its maker's.
            let id = self.ledger.id().to_string();
            if id != self.state.ledger {
                // The ledger was retired, and another one begun in its place.
                self.machine = Arc::new((self.setup.machine)(&id));
                self.pending = None;
                self.consumers.values_mut().for_each(|place| *place = Cursor { record: 0, index: 0 });
            }
            let first = self.ledger.first_seq();
            self.recent.retain(|(seq, _)| *seq < first);
            self.earlier.clear();
            self.damage.clear();
            self.testified = None;
            self.state = Arc::new(State::new(&id, self.setup.brought.clone(), unread()));
            self.newer = false;
        }
        // Another product may have raised it.
        self.newer |= self.ledger.level() > KNOWN_LEVEL;
        self.note_findings(&refreshed.findings);
        if refreshed.reopened {
            let first = refreshed.entries.first();
            let begun = self.fold_before(first);
            if !begun && first.is_some_and(|entry| entry.opening.is_some()) && before.ledger == self.state.ledger {
                // A newer release's way of going on: what was known before says more than what can be read now.
                self.state = before.clone();
            }
        }
        self.fold(&refreshed.entries);
        if refreshed.reopened {
            self.carry_uses(&before);
        }
    }

    /// G2: first uses that are not recorded go on in a state that was folded anew, unless that knows better.
    pub(super) fn carry_uses(&mut self, before: &State) {
        for (license, feature, at) in std::mem::take(&mut self.uses) {
            let lease = |state: &State| {
                state.licences().get(&license).and_then(|licence| licence.lease.as_ref()).map(|held| held.id)
            };
            let known =
                self.state.licences().get(&license).is_some_and(|licence| licence.first_uses.contains_key(&feature));
            if !known && lease(before).is_some() && lease(before) == lease(&self.state) {
                Arc::make_mut(&mut self.state).overlay_first_use(&license, &feature, at);
                self.uses.push((license, feature, at));
            }
        }
    }

    /// Makes the handle ready to append, and reads what is new.
    pub(super) fn settle(&mut self, lock: &Lock) -> Result<(), Error> {
        let before = (self.ledger.generation(), self.ledger.newest());
        match self.ledger.settle(lock) {
            Ok(refreshed) => {
                self.absorb(refreshed);
                Ok(())
            }
            Err(error) => {
                // It may have read on before it failed.
                self.lost |= before != (self.ledger.generation(), self.ledger.newest());
                Err(error.into())
            }
        }
    }

    pub(super) fn note_findings(&mut self, findings: &[Finding]) {
        for finding in findings {
            match finding {
                Finding::Torn { bytes, .. } => self.recovered = Some(self.recovered.unwrap_or(0) + *bytes),
                Finding::Damaged { seq, text, .. } => {
                    let damage = (*seq, text.clone());
                    if !self.damage.contains(&damage) {
                        self.damage.push(damage);
                    }
                }
                other => {
                    self.replaced |= matches!(other, Finding::Replaced { .. });
                    self.diagnose(format!("{other:?}"));
                }
            }
        }
    }

    pub(in crate::client) fn diagnose(&mut self, text: String) {
        if self.diagnostics.len() == DIAGNOSTICS {
            self.diagnostics.pop_front();
        }
        let wall = self.setup.clock.read().wall;
        self.diagnostics.push_back(Diagnostic { wall, text });
    }

    /// A handle that failed to sync is not believed again.
    pub(super) fn reopen(&mut self) -> Result<(), Error> {
        let opened = Ledger::open(self.setup.storage.clone(), &self.setup.config)?;
        let mut fresh = Session::fold_opened(self.setup.clone(), opened)?;
        std::mem::swap(&mut fresh.diagnostics, &mut self.diagnostics);
        std::mem::swap(&mut fresh.consumers, &mut self.consumers);
        if fresh.state.ledger == self.state.ledger {
            std::mem::swap(&mut fresh.carried, &mut self.carried);
            std::mem::swap(&mut fresh.rest, &mut self.rest);
            fresh.pending = self.pending.take();
            fresh.recovered = self.recovered;
        } else {
            fresh.consumers.values_mut().for_each(|place| *place = Cursor { record: 0, index: 0 });
        }
        fresh.uses = std::mem::take(&mut self.uses);
        fresh.carry_uses(&self.state);
        fresh.replaced = true;
        *self = fresh;
        Ok(())
    }

    pub(super) fn sound(&mut self) -> Result<(), Error> {
        if self.ledger.poisoned() || self.lost { self.reopen() } else { Ok(()) }
    }
}
