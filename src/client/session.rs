//! An open ledger and the state folded from it: the one place that ties reading, deciding and recording together.
//!
//! Deciding and appending are one step under the ledger's lock, or two products would both record what is due once.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::{Error, ErrorKind};
use super::events::{Cursor, Event, Place};
use super::records::{self, FOLD_VERSION, LEVEL};
use crate::clock::trusted::{Anchor, Suspicions};
use crate::clock::{Boot, Clock, Reading};
use crate::document;
use crate::grace::{
    Answer, Brought, Decision, Event as Recorded, Finished, Flags, Live, Machine, Opening, Operation, Pending, Record,
    Saved, State, WitnessFacts,
};
use crate::ledger::codec::{from_bytes, to_bytes};
use crate::ledger::{
    Config, Entry, Finding, GenerationCause, Head, Ledger, LedgerId, Lock, Opened, Refreshed, Storage, Witness,
    WitnessRead,
};
use crate::time::{Instant, Span};

/// How many records are folded before another snapshot is written.
const SNAPSHOT_EVERY: u64 = 256;

/// How many records a log has at most that is read whole at each open, to find damage in it.
const FULL_SCAN: u64 = 4096;

/// The fold version of no snapshot.
const NO_FOLD: u32 = u32::MAX;

/// How many records are held for consumers, so that who keeps up needs no reading.
const RECENT: usize = 512;

/// How many records, each twice as far back as the one before, a consumer's place names by hash.
const PLACE_HASHES: u32 = 12;

/// How many diagnostics are held.
const DIAGNOSTICS: usize = 256;

/// What a session is opened with.
#[derive(Clone)]
pub(super) struct Setup {
    pub storage: Arc<dyn Storage>,
    pub config: Config,
    pub clock: Arc<dyn Clock>,
    pub brought: Brought,
    pub in_memory: bool,
    /// The machine's facts under a ledger's id.
    pub machine: super::MachineFacts,
    /// The id that a new ledger gets; none: a random one.
    pub id: Option<LedgerId>,
    /// Whether a ledger is made where none lies.
    pub create: bool,
}

/// What the witness holds of time.
#[derive(Serialize, Deserialize)]
struct WitnessBody {
    proven: Instant,
    suspicions: Suspicions,
    /// L3: the line of records that the newest one belongs to.
    line: [u8; 32],
}

/// Something that happened and that nobody was told of: pulled on demand, never logged.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// The wall, as it was.
    pub wall: Instant,
    /// What happened.
    pub text: String,
}

pub(super) struct Session {
    setup: Setup,
    ledger: Ledger,
    state: Arc<State>,
    live: Live,
    machine: Arc<Machine>,
    pub(super) pending: Option<Pending>,
    /// G2: first uses that checks could not record.
    uses: Vec<(String, String, Instant)>,
    /// L2: damage that is not recorded yet.
    damage: Vec<(Option<u64>, String)>,
    /// L1: a torn tail that is not recorded yet.
    recovered: Option<u64>,
    /// What was read of the ledger may not be all that this handle has passed: it is folded anew first.
    lost: bool,
    /// The file was exchanged for another: the next operation looks at the witness, as an open does.
    replaced: bool,
    newer: bool,
    detached: bool,
    recent: VecDeque<(u64, Arc<Record>)>,
    consumers: HashMap<String, Cursor>,
    /// Earlier generations, newest first, as far as they were asked for.
    earlier: Vec<Ledger>,
    /// The newest record that the witness was told of by this session.
    testified: Option<u64>,
    folded_since_snapshot: u64,
    diagnostics: VecDeque<Diagnostic>,
}

/// What an operation left behind, to decide from while the next one waits for the disk or for another process.
pub(super) struct View {
    state: Arc<State>,
    live: Live,
    machine: Arc<Machine>,
    flags: Flags,
}

impl View {
    /// A check that records nothing: a first use is recorded by the next check that finds the session free.
    pub(super) fn check(&self, reading: Reading, sku: &str, feature: &str) -> Decision {
        let op = Operation::begin(&self.state, &self.live, reading, &self.machine, &Opening::default());
        Decision { flags: self.flags, ..op.decide(sku, feature).0 }
    }
}

impl View {
    /// The same where the ledger cannot be opened at the moment.
    pub(super) fn check_detached(&self, reading: Reading, sku: &str, feature: &str) -> Decision {
        let decision = self.check(reading, sku, feature);
        Decision { flags: Flags { detached: true, ..decision.flags }, ..decision }
    }
}

/// How an operation treats the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// L3, L5: the operation that opens.
    Open,
    /// A product's wish: it is recorded, or it fails.
    Acknowledged,
    /// Reads and records what is due, as far as it may.
    Upkeep,
    /// C5: the operation that closes.
    Close,
}

fn newer() -> Error {
    let text = "a newer release wrote to this ledger what this one does not know, so nothing is appended; update this product, \
                or do it with the newer one";
    Error::new(ErrorKind::Newer, text)
}

fn unread() -> Anchor {
    Anchor::first(&Reading { wall: Instant::EPOCH, boot: Boot::default(), uptime: Span::ZERO })
}

impl Session {
    pub(super) fn open(setup: Setup) -> Result<Session, Error> {
        let opened = match Ledger::open(setup.storage.clone(), &setup.config) {
            Err(error) if error.kind() == crate::ledger::ErrorKind::Missing && setup.create => Session::create(&setup)?,
            other => other?,
        };
        let mut session = Session::fold_opened(setup, opened)?;
        session.operate(How::Open, |_, _| ())?;
        session.bring_keys()?;
        Ok(session)
    }

    /// Makes a new ledger. Who comes second opens what the first one made.
    fn create(setup: &Setup) -> Result<Opened, Error> {
        let id = match setup.id {
            Some(id) => id,
            None => LedgerId::random()?,
        };
        let machine = (setup.machine)(&id.to_string());
        let genesis = records::encode(&Operation::create(&setup.clock.read(), &machine))?;
        match Ledger::create(setup.storage.clone(), &setup.config, id, LEVEL, &genesis) {
            Ok(_) => {}
            Err(error) if error.kind() == crate::ledger::ErrorKind::Exists => {}
            Err(error) => return Err(error.into()),
        }
        Ok(Ledger::open(setup.storage.clone(), &setup.config)?)
    }

    fn fold_opened(setup: Setup, opened: Opened) -> Result<Session, Error> {
        let all = || Ledger::open(setup.storage.clone(), &Config { fold_version: NO_FOLD, ..setup.config.clone() });
        let (saved, opened) = match opened.snapshot.as_deref().map(from_bytes::<Saved>).transpose() {
            Ok(Some(saved)) => {
                let mut opened = opened;
                if opened.ledger.next_seq() - opened.ledger.first_seq() <= FULL_SCAN {
                    // L2: the snapshot says what was in force, and the whole log whether anything in it is damaged.
                    opened.findings = all()?.findings;
                }
                (Some(saved), opened)
            }
            Ok(None) => (None, opened),
            // A snapshot that cannot be read is no offence: all records are folded.
            Err(_) => (None, all()?),
        };
        let id = opened.ledger.id().to_string();
        let state = Arc::new(State::new(&id, setup.brought.clone(), unread()));
        let machine = Arc::new((setup.machine)(&id));
        let live = Live::of(&state);
        let newer = opened.ledger.level() > LEVEL;
        let mut session = Session {
            setup,
            ledger: opened.ledger,
            state,
            live,
            machine,
            pending: None,
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
        let restored = saved.is_some();
        if let Some(saved) = saved {
            session.state = Arc::new(saved.restore(&id, session.setup.brought.clone()));
        }
        session.note_findings(&opened.findings);
        if !restored {
            session.fold_before(opened.entries.first());
        }
        session.fold(&opened.entries);
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

    /// D7: a product brings its newest `keys`. Older ones than the ledger's are not offered.
    fn bring_keys(&mut self) -> Result<(), Error> {
        let Some(token) = self.setup.brought.keys.clone() else { return Ok(()) };
        if self.newer {
            return Ok(());
        }
        let opened = document::open(&token, self.state.trust());
        match opened.result {
            Ok(document::Document::Keys(keys)) if self.state.trust().version().is_none_or(|has| keys.version > has) => {
                self.import(&token).map(|_| ())
            }
            Ok(document::Document::Keys(_)) => Ok(()),
            Ok(_) => Err(Error::new(
                ErrorKind::App,
                "application file: `keys` is no document of the kind keys; copy the newest one",
            )),
            Err(refused) => {
                let text = format!("application file: `keys` is refused ({}): {}", refused.refusal, refused.detail);
                Err(Error::new(ErrorKind::App, text))
            }
        }
    }

    // ---- reading ----

    /// L2: the first record of a later generation says from what it goes on. Where that is destroyed, the files before it are
    /// folded instead, as far as they were not put away.
    fn fold_before(&mut self, first: Option<&Entry>) {
        if self.ledger.generation() == 0 || first.is_some_and(|entry| entry.opening.is_some()) {
            return;
        }
        let mut files: Vec<Ledger> = Vec::new();
        while let Ok(Some(before)) = files.last().unwrap_or(&self.ledger).before() {
            let whole = before.generation() == 0 || matches!(before.read_record(before.first_seq()), Ok(Some(_)));
            files.push(before);
            if whole {
                break;
            }
        }
        for file in files.iter().rev() {
            for seq in file.first_seq()..file.next_seq() {
                if let (Ok(Some(payload)), Ok(Some(hash))) = (file.read_record(seq), file.record_hash(seq)) {
                    self.fold_one(seq, &payload, &hash);
                }
            }
        }
    }

    fn fold(&mut self, entries: &[Entry]) {
        for entry in entries {
            self.fold_one(entry.seq, &entry.payload, &entry.hash);
        }
        self.folded_since_snapshot += entries.len() as u64;
    }

    fn fold_one(&mut self, seq: u64, payload: &[u8], hash: &[u8; 32]) {
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

    fn remember(&mut self, seq: u64, record: Arc<Record>) {
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((seq, record));
    }

    fn absorb(&mut self, refreshed: Refreshed) {
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
            self.newer = self.ledger.level() > LEVEL;
        }
        self.note_findings(&refreshed.findings);
        if refreshed.reopened {
            self.fold_before(refreshed.entries.first());
        }
        self.fold(&refreshed.entries);
        if refreshed.reopened {
            self.carry_uses(&before);
        }
    }

    /// G2: first uses that are not recorded go on in a state that was folded anew, unless that knows better.
    fn carry_uses(&mut self, before: &State) {
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
    fn settle(&mut self, lock: &Lock) -> Result<(), Error> {
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

    fn note_findings(&mut self, findings: &[Finding]) {
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

    fn diagnose(&mut self, text: String) {
        if self.diagnostics.len() == DIAGNOSTICS {
            self.diagnostics.pop_front();
        }
        let wall = self.setup.clock.read().wall;
        self.diagnostics.push_back(Diagnostic { wall, text });
    }

    /// A handle that failed to sync is not believed again.
    fn reopen(&mut self) -> Result<(), Error> {
        let opened = Ledger::open(self.setup.storage.clone(), &self.setup.config)?;
        let mut fresh = Session::fold_opened(self.setup.clone(), opened)?;
        std::mem::swap(&mut fresh.diagnostics, &mut self.diagnostics);
        std::mem::swap(&mut fresh.consumers, &mut self.consumers);
        if fresh.state.ledger == self.state.ledger {
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

    fn sound(&mut self) -> Result<(), Error> {
        if self.ledger.poisoned() || self.lost { self.reopen() } else { Ok(()) }
    }

    // ---- operations ----

    /// L3: whether the witness knows a record that this ledger lacks.
    fn look_at_witness(&mut self, witness: WitnessRead) -> Option<WitnessFacts> {
        let witness = match witness {
            WitnessRead::Of(witness) => witness,
            WitnessRead::Missing => return None,
            WitnessRead::Torn => {
                self.diagnose("the witness is torn; it is written anew".to_owned());
                return None;
            }
        };
        let Ok(body) = from_bytes::<WitnessBody>(&witness.body) else {
            self.diagnose("the witness was written by another release; it is written anew".to_owned());
            return None;
        };
        if self.state.knows_put_back(witness.seq, &body.line) {
            return None;
        }
        if self.damage.iter().any(|(seq, _)| *seq == Some(witness.seq)) {
            return None;
        }
        match self.lacks(&witness) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => {
                self.diagnose(format!("the witness cannot be compared: {error}"));
                return None;
            }
        }
        Some(WitnessFacts {
            record: witness.seq,
            hash: witness.hash,
            line: body.line,
            proven: body.proven,
            suspicions: body.suspicions,
        })
    }

    /// Whether a record that the witness knows is not the ledger's. What was put away with its file, or was named as damaged when
    /// the next one began, is none that it lacks.
    fn lacks(&mut self, witness: &Witness) -> Result<bool, Error> {
        let first = self.ledger.first_seq();
        if witness.generation >= self.ledger.generation() {
            return Ok(self.ledger.record_hash(witness.seq)? != Some(witness.hash));
        }
        let named = |record: &Record| {
            let names =
                |event: &Recorded| matches!(event, Recorded::Damage { record, .. } if *record == Some(witness.seq));
            record.events.iter().any(names)
        };
        if self.record_at(first)?.is_some_and(|record| named(&record)) {
            return Ok(false);
        }
        if witness.seq >= first {
            return Ok(true);
        }
        let Some(earlier) = self.earlier(witness.seq)? else { return Ok(false) };
        Ok(earlier.read_record(witness.seq)?.is_some() && earlier.record_hash(witness.seq)? != Some(witness.hash))
    }

    /// First uses that checks could not record and that still stand.
    fn uses(&mut self) -> Vec<(String, String, Instant)> {
        let mut uses = std::mem::take(&mut self.uses);
        uses.retain(|(license, feature, at)| {
            self.state.licences().get(license).is_some_and(|licence| licence.first_uses.get(feature) == Some(at))
        });
        uses
    }

    fn operate<R>(
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
    fn record(&mut self, lock: &Lock, finished: Finished, damaged: bool) -> Result<bool, Error> {
        let Finished { record, state, live } = finished;
        let (Some(mut record), Some(mut state)) = (record, state) else {
            self.live = live;
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
            record.events.insert(0, Recorded::Continued(Box::new(self.state.save())));
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
        self.live = live;
        self.state = Arc::new(state);
        self.remember(seq, Arc::new(record));
        self.folded_since_snapshot += 1;
        Ok(true)
    }

    /// L3: the witness is told of the newest record, after the ledger's sync. It is never an offence if it cannot be.
    fn testify(&mut self, force: bool) {
        let body = WitnessBody {
            proven: self.live.anchor.proven,
            suspicions: self.live.anchor.suspicions,
            line: self.state.line(),
        };
        let (seq, hash) = self.ledger.newest();
        let result = to_bytes(&body).and_then(|body| {
            let generation = self.ledger.generation();
            self.ledger.witness_write(&Witness { ledger: self.ledger.id(), generation, seq, hash, body }, force)
        });
        match result {
            Ok(_) => self.testified = Some(seq),
            Err(error) => self.diagnose(format!("the witness was not written: {error}")),
        }
    }

    fn snapshot_if_due(&mut self, closing: bool) {
        if self.folded_since_snapshot >= SNAPSHOT_EVERY || (closing && self.folded_since_snapshot > 32) {
            self.snapshot();
        }
    }

    /// L2: the documents in force lie in a second place on the disk, so that a bit that flips in the log costs none of them.
    fn snapshot(&mut self) {
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

    pub(super) fn import(&mut self, token: &[u8]) -> Result<Answer, Error> {
        let answer = self.operate(How::Acknowledged, |op, pending| {
            let opened = document::open(token, op.state().trust());
            op.import(document::trim(token), opened, pending)
        })?;
        if answer.fresh {
            self.pending = None;
        }
        if answer.accepted && !answer.known {
            self.snapshot();
        }
        Ok(answer)
    }

    pub(super) fn acknowledged<R>(&mut self, wish: impl FnOnce(&mut Operation<'_>) -> R) -> Result<R, Error> {
        self.operate(How::Acknowledged, |op, _| wish(op))
    }

    pub(super) fn upkeep<R>(&mut self, look: impl FnOnce(&mut Operation<'_>) -> R) -> Result<R, Error> {
        self.operate(How::Upkeep, |op, _| look(op))
    }

    pub(super) fn close(&mut self) -> Result<(), Error> {
        self.operate(How::Close, |_, _| ())
    }

    /// Goes on in a new file, from all that counts; the old one is kept.
    pub(super) fn archive(&mut self) -> Result<super::Archived, Error> {
        // What is due belongs into the old file, and damage is dealt with first.
        self.acknowledged(|_| ())?;
        let lock = self.ledger.lock()?;
        self.settle(&lock)?;
        if self.newer || self.state.has_foreign() {
            return Err(newer());
        }
        if self.state.unproven() > 0 {
            let text = "the ledger has documents that this product's keys do not prove, and another's may: archive with that one";
            return Err(Error::new(ErrorKind::Newer, text));
        }
        if !self.damage.is_empty() || self.replaced {
            return Err(Error::new(ErrorKind::Busy, "damage was found while archiving; archive again"));
        }
        let opening = self.opening();
        let before = self.ledger.path().to_owned();
        self.ledger.sync()?;
        self.earlier.clear();
        self.ledger.next_generation(&lock, GenerationCause::Archive, &records::encode(&opening)?)?;
        drop(lock);
        self.remember(self.ledger.newest().0, Arc::new(opening));
        self.ledger.sync()?;
        self.testify(true);
        Ok(super::Archived { generation: self.ledger.generation(), before })
    }

    /// The first record of a generation that follows this one.
    fn opening(&self) -> Record {
        Record {
            t: self.state.t(),
            anchor: *self.state.anchor(),
            reset: false,
            events: vec![Recorded::Continued(Box::new(self.state.save()))],
        }
    }

    /// A check: reads what is new, decides, and records what is to be if that can be done without waiting; nothing is synced. An
    /// error of the disk never stops a decision: it then rests on what was read before.
    pub(super) fn check(&mut self, sku: &str, feature: &str, disk: bool) -> Decision {
        if disk {
            if let Err(error) = self.catch_up() {
                // Until it can be opened again: an unnamed file still reads well.
                self.lost = true;
                self.detached = true;
                self.diagnose(format!("the ledger cannot be read: {error}"));
            } else {
                self.detached = false;
            }
        }
        self.uses = self.uses();
        let reading = self.setup.clock.read();
        let (decision, finished) = self.try_check(&reading, sku, feature);
        if finished.record.is_none() {
            self.live = finished.live;
            return self.flagged(decision);
        }
        let written = if disk { self.check_and_record(sku, feature) } else { Ok(None) };
        match written {
            Ok(Some(decision)) => return self.flagged(decision),
            Ok(None) => {}
            Err(error) => {
                self.detached = true;
                self.diagnose(format!("a check could not be recorded: {error}"));
            }
        }
        // Kept in memory, with its own `t`, for the next who can write. More may have been read since.
        let (decision, finished) = self.try_check(&self.setup.clock.read(), sku, feature);
        self.live = finished.live;
        for event in finished.record.iter().flat_map(|record| &record.events) {
            if let Recorded::FirstUse { license, feature, at } = event {
                self.uses.retain(|(l, f, _)| (l, f) != (license, feature));
                self.uses.push((license.clone(), feature.clone(), *at));
                Arc::make_mut(&mut self.state).overlay_first_use(license, feature, *at);
            }
        }
        self.flagged(decision)
    }

    fn catch_up(&mut self) -> Result<(), Error> {
        self.sound()?;
        let refreshed = self.ledger.refresh()?;
        self.absorb(refreshed);
        Ok(())
    }

    fn try_check(&self, reading: &Reading, sku: &str, feature: &str) -> (Decision, Finished) {
        let opening = Opening {
            damage: self.damage.clone(),
            recovered: self.recovered,
            uses: self.uses.clone(),
            ..Opening::default()
        };
        let mut op = Operation::begin(&self.state, &self.live, *reading, &self.machine, &opening);
        let decision = op.check(sku, feature);
        (decision, op.finish(false))
    }

    fn check_and_record(&mut self, sku: &str, feature: &str) -> Result<Option<Decision>, Error> {
        let Some(lock) = self.ledger.try_lock()? else { return Ok(None) };
        self.settle(&lock)?;
        self.uses = self.uses();
        if !self.damage.is_empty() || self.replaced {
            // Another generation is made, and the witness asked, by an operation that may wait and sync.
            return Ok(None);
        }
        // C5: read once more, for others may have recorded since.
        let (decision, finished) = self.try_check(&self.setup.clock.read(), sku, feature);
        let wanted = finished.record.is_some();
        let wrote = self.record(&lock, finished, false)?;
        if wrote {
            self.uses.clear();
        }
        Ok((wrote || !wanted).then_some(decision))
    }

    /// Decisions for all features of a SKU, as checks would answer, recording no first use.
    pub(super) fn status(&mut self, sku: &str) -> Result<Vec<Decision>, Error> {
        let decisions = self.upkeep(|op| {
            let mut features: Vec<String> = op
                .state()
                .licences()
                .values()
                .filter(|licence| licence.lease.as_ref().is_some_and(|lease| lease.says.sku == sku))
                .flat_map(|licence| licence.seen.iter().cloned())
                .collect();
            features.sort();
            features.dedup();
            features.iter().map(|feature| op.decide(sku, feature).0).collect::<Vec<_>>()
        })?;
        Ok(decisions.into_iter().map(|decision| self.flagged(decision)).collect())
    }

    fn flagged(&self, decision: Decision) -> Decision {
        Decision { flags: self.flags(), ..decision }
    }

    fn flags(&self) -> Flags {
        Flags {
            in_memory: self.setup.in_memory,
            newer: self.newer,
            drill: self.setup.config.drill,
            detached: self.detached,
        }
    }

    /// What can be decided from while this session is busy.
    pub(super) fn view(&self) -> View {
        View { state: self.state.clone(), live: self.live, machine: self.machine.clone(), flags: self.flags() }
    }

    // ---- what is asked of it ----

    pub(super) fn set_lock_timeout(&mut self, timeout: std::time::Duration) {
        self.setup.config.lock_timeout = timeout;
        self.ledger.set_lock_timeout(timeout);
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    pub(super) fn live(&self) -> &Live {
        &self.live
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(super) fn head(&self) -> Head {
        self.ledger.head()
    }

    /// What was recorded is on disk, and the head may be given away.
    pub(super) fn sync(&mut self) -> Result<(), Error> {
        self.sound()?;
        Ok(self.ledger.sync()?)
    }

    pub(super) fn diagnostics(&self) -> Vec<Diagnostic> {
        self.diagnostics.iter().cloned().collect()
    }

    /// A record by number, from memory or from the file that it is in: this generation's or an earlier one's, as far as that
    /// was not put away.
    pub(super) fn record_at(&mut self, seq: u64) -> Result<Option<Arc<Record>>, Error> {
        if let Ok(at) = self.recent.binary_search_by_key(&seq, |(seq, _)| *seq) {
            return Ok(self.recent.get(at).map(|(_, record)| record.clone()));
        }
        let payload = match seq < self.ledger.first_seq() {
            false => self.ledger.read_record(seq)?,
            true => match self.earlier(seq)? {
                Some(ledger) => ledger.read_record(seq)?,
                None => None,
            },
        };
        Ok(payload.and_then(|payload| records::decode(&payload).ok()).map(|(record, _)| Arc::new(record)))
    }

    /// The earlier generation that has a record.
    fn earlier(&mut self, seq: u64) -> Result<Option<&Ledger>, Error> {
        while self.earlier.last().is_none_or(|ledger| seq < ledger.first_seq()) {
            use crate::ledger::ErrorKind::{Damaged, NotALedger, WrongKey};
            match self.earlier.last().unwrap_or(&self.ledger).before() {
                Ok(Some(before)) => self.earlier.push(before),
                Ok(None) => break,
                // As if it had been put away: what is in it cannot be told any more.
                Err(error) if matches!(error.kind(), Damaged | NotALedger | WrongKey) => {
                    self.diagnose(format!("an earlier file of the ledger cannot be read: {error}"));
                    break;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.earlier.iter().find(|ledger| ledger.first_seq() <= seq && seq < ledger.next_seq()))
    }

    /// The number of the oldest record that can still be read.
    pub(super) fn oldest(&mut self) -> Result<u64, Error> {
        self.earlier(0)?;
        Ok(self.earlier.last().map_or(self.ledger.first_seq(), Ledger::first_seq))
    }

    // ---- events ----

    /// The next event for a consumer. What is handed out is on disk.
    pub(super) fn next_event(&mut self, consumer: &str) -> Result<Option<Event>, Error> {
        self.sound()?;
        let mut cursor = match self.consumers.get(consumer) {
            Some(cursor) => *cursor,
            None => self.place_of(consumer)?,
        };
        let mut found = self.event_from(&mut cursor)?;
        if found.is_none() {
            // Other products may have recorded something.
            self.catch_up()?;
            found = self.event_from(&mut cursor)?;
        }
        if found.is_some() && !self.ledger.is_durable(cursor.record) {
            self.ledger.sync()?;
        }
        self.consumers.insert(consumer.to_owned(), cursor);
        Ok(found)
    }

    /// The first event at a place or behind it, among the records that were read; the place moves behind it.
    fn event_from(&mut self, cursor: &mut Cursor) -> Result<Option<Event>, Error> {
        while cursor.record < self.ledger.next_seq() {
            if let Some(record) = self.record_at(cursor.record)? {
                while (cursor.index as usize) < record.events.len() {
                    let event = Event::of(cursor.record, cursor.index, &record);
                    cursor.index += 1;
                    if event.is_some() {
                        return Ok(event);
                    }
                }
            }
            *cursor = Cursor { record: cursor.record + 1, index: 0 };
        }
        Ok(None)
    }

    /// Where a consumer goes on: where it acknowledged last; a new one at the end. S14: in a ledger that was put back, behind the
    /// newest record that it is known to have been given.
    fn place_of(&mut self, consumer: &str) -> Result<Cursor, Error> {
        let end = Cursor { record: self.ledger.next_seq(), index: 0 };
        let kept = self.ledger.side_file_read(&place_file(consumer))?;
        let Some(kept) = kept else {
            self.keep_place(consumer, end)?;
            return Ok(end);
        };
        let Some(kept) = Place::from_text(&String::from_utf8_lossy(&kept)) else {
            // Nobody knows what it was given: all is told again rather than something missed.
            return Ok(Cursor { record: self.oldest()?, index: 0 });
        };
        let mut put_back = kept.next.record > end.record;
        for (seq, hash) in kept.given {
            match self.hash_at(seq)? {
                Some(found) if found == hash => {
                    return Ok(if put_back { Cursor { record: seq + 1, index: 0 } } else { kept.next });
                }
                Some(_) => put_back = true,
                // Damaged, or put away with its file: it says nothing.
                None => put_back |= seq >= end.record,
            }
        }
        // Nothing that it was given is there: all is told again rather than something missed.
        Ok(if put_back { Cursor { record: self.oldest()?, index: 0 } } else { kept.next })
    }

    fn hash_at(&mut self, seq: u64) -> Result<Option<[u8; 32]>, Error> {
        match seq < self.ledger.first_seq() {
            false => Ok(self.ledger.record_hash(seq)?),
            true => Ok(self.earlier(seq)?.map(|ledger| ledger.record_hash(seq)).transpose()?.flatten()),
        }
    }

    fn keep_place(&mut self, consumer: &str, next: Cursor) -> Result<(), Error> {
        let mut given = Vec::new();
        for back in (0..PLACE_HASHES).map(|power| 1 << power) {
            let Some(seq) = next.behind().checked_sub(back) else { break };
            given.extend(self.hash_at(seq)?.map(|hash| (seq, hash)));
        }
        let place = Place { next, given };
        Ok(self.ledger.side_file_write(&place_file(consumer), place.to_text().as_bytes())?)
    }

    /// A consumer goes on at the first record that is not among these.
    pub(super) fn skip_given(&mut self, consumer: &str, given: &HashSet<[u8; 32]>) -> Result<(), Error> {
        let mut record = self.oldest()?;
        while self.hash_at(record)?.is_some_and(|hash| given.contains(&hash)) {
            record += 1;
        }
        self.consumers.remove(consumer);
        self.keep_place(consumer, Cursor { record, index: 0 })
    }

    /// The hashes of the records before a consumer's place, from the oldest that can be read on.
    pub(super) fn given(&mut self, consumer: &str) -> Result<Vec<[u8; 32]>, Error> {
        let place = self.place_of(consumer)?;
        let mut hashes = Vec::new();
        for seq in self.oldest()?..place.behind() {
            hashes.extend(self.hash_at(seq)?);
        }
        Ok(hashes)
    }

    /// A consumer has dealt with an event and all before it.
    pub(super) fn acknowledge(&mut self, consumer: &str, record: u64, index: u32) -> Result<(), Error> {
        self.keep_place(consumer, Cursor { record, index: index.saturating_add(1) })
    }
}

fn place_file(consumer: &str) -> String {
    format!("place.{consumer}")
}
