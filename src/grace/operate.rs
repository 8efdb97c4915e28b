//! An operation: what one call of a product does to a ledger, pure (rules C5, A2, L3 to L5).
//!
//! It begins with a reading; then come what fell due, the suspicions, whatever differs; then the product's wish, and the same
//! again. All that it records is one record.

use std::borrow::Cow;

use super::alarms::earlier;
use super::decide::{Decision, Now};
use super::event::{Event, Machine, Record, Suspect};
use super::state::State;
use crate::clock::Reading;
use crate::clock::trusted::{Anchor, Locks, Suspicion, Suspicions};
use crate::document::Document;
use crate::policy::Moved;
use crate::terms::{ClockStanding, Outage};
use crate::time::{Instant, Span};

/// C5: how far `proven` may run ahead of what is durable.
const DURABLE_EVERY: Span = Span::seconds(600);

/// What a client remembers of time between two operations, beyond the ledger.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Live {
    /// After the last reading.
    pub anchor: Anchor,
    /// The `t` of the last reading.
    pub t: Instant,
    /// What it said of the clock.
    pub clock: ClockStanding,
}

impl Live {
    /// What a client that just opened the ledger remembers: what the ledger does.
    pub fn of(state: &State) -> Live {
        Live { anchor: state.anchor, t: state.t, clock: ClockStanding::Ok }
    }

    /// Another client's record: its anchor replaces this one where it is later, or where the record says so. Where this one is
    /// later, the suspicions are the record's all the same (J4): two clients that come upon the same thing at once agree on
    /// when it began.
    pub fn follow(&mut self, record: &Record) {
        if record.reset || record.anchor.proven >= self.anchor.proven {
            self.anchor = record.anchor;
            self.t = record.t;
        } else {
            self.anchor.share(&record.anchor);
        }
    }
}

/// What the ledger's room found while it read, for the operation that came upon it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Opening {
    /// L5: asked in an open only.
    pub place: bool,
    /// L3: what a witness knows that this ledger lacks.
    pub witness: Option<WitnessFacts>,
    /// L2: damage, by record where that is known, in words.
    pub damage: Vec<(Option<u64>, String)>,
    /// L1: how many bytes of a torn tail were cut.
    pub recovered: Option<u64>,
    /// G2: first uses that checks could not record, as licence, feature and their own `t`.
    pub uses: Vec<(String, String, Instant)>,
    /// What an operation on this very state came to know, if one did.
    pub quiet: Option<Quiet>,
}

impl Opening {
    /// Whether the room found nothing that is to be told.
    fn is_plain(&self) -> bool {
        let Opening { place, witness, damage, recovered, uses, quiet: _ } = self;
        !place && witness.is_none() && damage.is_empty() && recovered.is_none() && uses.is_empty()
    }
}

/// An operation found nothing due and nothing that differs (A2), under these locks. The next ones on the same state need not look at each feature
/// again, until the first instant at which a standing may change: else the first checks of many features would each look at all of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quiet {
    locks: Locks,
    from: Instant,
    until: Option<Instant>,
}

impl Quiet {
    fn holds(&self, foretold: Locks, locks: Locks, t: Instant) -> bool {
        self.locks == foretold && self.locks == locks && self.from <= t && self.until.is_none_or(|until| t < until)
    }
}

/// L3: what a witness knows of a ledger that lacks its newest record.
#[derive(Clone, Debug, PartialEq)]
pub struct WitnessFacts {
    /// The number of the record that is lacking.
    pub record: u64,
    /// Its hash.
    pub hash: [u8; 32],
    /// The line of records that it belongs to: see [`State::line`].
    pub line: [u8; 32],
    /// The time that was proven.
    pub proven: Instant,
    /// The suspicions that there were.
    pub suspicions: Suspicions,
}

/// One operation under way.
pub struct Operation<'s> {
    state: Cow<'s, State>,
    live: Live,
    reading: Reading,
    machine: &'s Machine,
    events: Vec<Event>,
    reset: bool,
    quiet: Option<Quiet>,
}

/// What an operation comes to.
pub struct Finished {
    /// What is to be recorded, if anything.
    pub record: Option<Record>,
    /// The state after it; none if nothing changed.
    pub state: Option<State>,
    /// What the client remembers of time.
    pub live: Live,
    /// For the next operation on the state after it.
    pub quiet: Option<Quiet>,
}

impl<'s> Operation<'s> {
    /// The first record of a new ledger: its first proven time is the wall.
    pub fn create(reading: &Reading, machine: &Machine) -> Record {
        let anchor = Anchor::first(reading);
        Record { t: anchor.proven, anchor, reset: true, events: vec![Event::Created { machine: machine.clone() }] }
    }

    /// C5: every operation begins with a reading; then A2.
    pub fn begin(
        state: &'s State,
        before: &Live,
        reading: Reading,
        machine: &'s Machine,
        opening: &Opening,
    ) -> Operation<'s> {
        let mut op = Operation {
            state: Cow::Borrowed(state),
            live: *before,
            reading,
            machine,
            events: Vec::new(),
            reset: false,
            quiet: None,
        };
        // A2: foretold with what was known and suspected before this reading.
        let foretold = state.locks(&before.anchor, before.t);
        let rules = state.clock_rules();
        let durable = state.anchor.proven;
        op.live.anchor.gain(&reading);
        if let Some(witness) = &opening.witness {
            op.live.anchor.raise(witness.proven);
        }
        (op.live.t, op.live.clock) = op.live.anchor.judge(&reading, &rules);
        if let Some(witness) = &opening.witness {
            // L3: nobody knows what was used in the time that is lacking.
            for (license, feature) in op.leased() {
                op.push(Event::Charged { license, feature, from: durable, to: witness.proven });
            }
            op.push(Event::PutBack { record: witness.record, hash: witness.hash, line: witness.line });
        }
        for (license, feature, at) in &opening.uses {
            op.push(Event::FirstUse { license: license.clone(), feature: feature.clone(), at: *at });
        }
        let suspect = op.suspect(opening);
        for (record, text) in &opening.damage {
            op.push(Event::Damage { record: *record, text: text.clone() });
        }
        let locks = op.state.locks(&op.live.anchor, op.live.t);
        let quiet = opening.quiet.filter(|quiet| opening.is_plain() && quiet.holds(foretold, locks, op.live.t));
        let mut due = None;
        if quiet.is_none() {
            let events;
            (events, due) = op.state.due(&foretold, op.live.t);
            events.into_iter().for_each(|event| op.push(event));
        }
        if let Some(bytes) = opening.recovered {
            op.push(Event::Recovered { at: op.live.t, bytes });
        }
        op.tell(suspect);
        if quiet.is_some() && op.events.is_empty() {
            op.quiet = quiet;
            return op;
        }
        let differs = op.differ();
        if op.events.is_empty() && foretold == locks {
            op.quiet = Some(Quiet { locks, from: op.live.t, until: earlier(due, differs) });
        }
        op
    }

    /// L2 to L5: which suspicions this opening begins, ends or goes on with; how one of the ledger is named. Of two of the same
    /// thing the one of greater age goes on, with its beginning; one that would begin now yields to either.
    fn suspect(&mut self, opening: &Opening) -> Suspect {
        let proven = self.live.anchor.proven;
        let known = opening.witness.as_ref().map(|witness| witness.suspicions).unwrap_or_default();
        let clock_was_suspect = self.state.anchor.suspicions.clock.is_some();
        let suspicions = &mut self.live.anchor.suspicions;
        let before = *suspicions;
        if opening.witness.is_some() && self.live.clock != ClockStanding::Ok {
            suspicions.clock = match clock_was_suspect {
                true => Suspicion::older(suspicions.clock, known.clock),
                false => known.clock.or(suspicions.clock),
            };
        }
        if opening.witness.is_some() || !opening.damage.is_empty() {
            let on = Suspicion::older(suspicions.ledger, known.ledger);
            suspicions.ledger = on.or(Some(Suspicion::new(proven)));
        }
        if opening.place {
            if self.machine.is(&self.state.home) {
                suspicions.place = None;
            } else if self.state.ledger_rules().moved == Moved::Suspect {
                let on = Suspicion::older(suspicions.place, known.place);
                suspicions.place = on.or(Some(Suspicion::new(proven)));
            }
        }
        if *suspicions != before || opening.witness.is_some() {
            self.reset = true;
        }
        if opening.damage.is_empty() { Suspect::PutBack } else { Suspect::Damaged }
    }

    /// The features of the newest leases.
    fn leased(&self) -> Vec<(String, String)> {
        let licences = self.state.licences.iter();
        licences
            .filter_map(|(name, licence)| Some((name, licence.lease.as_ref()?)))
            .flat_map(|(name, lease)| lease.says.features.keys().map(|feature| (name.clone(), feature.clone())))
            .collect()
    }

    /// A2: the suspicions that began or ended, the clock's first.
    fn tell(&mut self, ledger: Suspect) {
        let at = self.live.t;
        let now = self.live.anchor.suspicions;
        match (self.state.told_clock, now.clock.is_some()) {
            (false, true) => {
                let leaped = self.live.clock == ClockStanding::Leaped;
                let suspect = if leaped { Suspect::Leaped } else { Suspect::RolledBack };
                self.push(Event::Suspected { suspect, at });
            }
            (true, false) => self.push(Event::ClockRestored { at }),
            _ => {}
        }
        if now.ledger.is_some() && !self.state.told_ledger {
            self.push(Event::Suspected { suspect: ledger, at });
        }
        if now.place.is_some() && !self.state.told_place {
            self.push(Event::Suspected { suspect: Suspect::Moved, at });
        }
        let told = self.state.told_ledger || self.state.told_place;
        if told && now.ledger.is_none() && now.place.is_none() {
            self.push(Event::LedgerRestored { at });
        }
    }

    fn differ(&mut self) -> Option<Instant> {
        let locks = self.state.locks(&self.live.anchor, self.live.t);
        let (events, next) = self.state.differing(&locks, self.live.t);
        events.into_iter().for_each(|event| self.push(event));
        next
    }

    /// A2: the same two again once the operation has changed something.
    pub(super) fn follow(&mut self) {
        self.tell(Suspect::PutBack);
        self.differ();
    }

    /// The state as of now.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Time as of now.
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// The clock's reading.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    pub(super) fn machine(&self) -> &Machine {
        self.machine
    }

    pub(super) fn push(&mut self, event: Event) {
        self.quiet = None;
        let t = self.live.t;
        self.state.to_mut().apply_event(&event, None, t);
        self.events.push(event);
    }

    pub(super) fn push_accepted(&mut self, event: Event, document: Document) {
        self.quiet = None;
        let t = self.live.t;
        self.state.to_mut().apply_event(&event, Some(document), t);
        self.events.push(event);
    }

    /// A change of the anchor that is no reading: other clients take it over.
    pub(super) fn change_anchor(&mut self, change: impl FnOnce(&mut Anchor, &Reading)) {
        change(&mut self.live.anchor, &self.reading);
        self.reset = true;
        self.quiet = None;
    }

    /// C6: the clock is read again, under the same policy.
    pub(super) fn read_again(&mut self) {
        let rules = self.state.clock_rules();
        (self.live.t, self.live.clock) = self.live.anchor.read(&self.reading, &rules);
    }

    /// J: the decision, recording the first use where this is one (G2).
    pub fn check(&mut self, sku: &str, feature: &str) -> Decision {
        let (decision, used) = self.decide(sku, feature);
        if let Some(license) = used {
            let quiet = self.quiet;
            self.push(Event::FirstUse { license: license.clone(), feature: feature.to_owned(), at: decision.t });
            match quiet {
                Some(quiet) => self.follow_one(&license, feature, quiet),
                None => self.follow(),
            }
        }
        decision
    }

    /// The same as [`Operation::follow`] where nothing but a first use of this feature changed, which no other feature's standing rests on.
    fn follow_one(&mut self, license: &str, feature: &str, quiet: Quiet) {
        let (events, next) = self.state.one_differing(license, feature, &quiet.locks, self.live.t);
        events.into_iter().for_each(|event| self.push(event));
        self.quiet = Some(Quiet { from: self.live.t, until: earlier(quiet.until, next), ..quiet });
    }

    /// J: the decision as a check would answer, recording nothing.
    pub fn decide(&self, sku: &str, feature: &str) -> (Decision, Option<String>) {
        let now = Now { t: self.live.t, clock: self.live.clock, anchor: &self.live.anchor };
        let (decision, used) = self.state.decide(now, sku, feature);
        (decision, used.map(str::to_owned))
    }

    /// G1: a renewal failed. Returns whether that was news.
    pub fn report(&mut self, outage: Outage) -> bool {
        let news = !self.state.reported.contains(&outage);
        if news {
            self.push(Event::Reported { outage });
            self.follow();
        }
        news
    }

    /// A4: the customer appeals. Returns when.
    pub fn appeal(&mut self, license: Option<&str>, text: &str) -> Instant {
        let at = self.live.t;
        self.push(Event::Appealed { at, license: license.map(str::to_owned), text: text.to_owned() });
        at
    }

    /// A5: a lease that was accepted says that the authority has these appeals. What is not open is nothing.
    pub fn appeals_received(&mut self, ids: &[String]) {
        for id in ids {
            if let Some(license) = self.state.appeals.get(id).map(|open| open.license.clone()) {
                self.push(Event::AppealReceived { at: self.live.t, license, id: id.clone() });
            }
        }
    }

    /// A renewal is asked for with this head of the ledger.
    pub fn request(&mut self, generation: u64, size: u64, root: [u8; 32]) {
        self.push(Event::Requested { generation, size, root });
    }

    /// A lease that was accepted countersigns this head of the ledger.
    pub fn countersigned(&mut self, generation: u64, size: u64) {
        self.push(Event::Countersigned { generation, size });
    }

    /// C5: what is to be recorded.
    #[cfg_attr(not(reprieve_next), allow(unused_mut))]
    pub fn finish(mut self, closing: bool) -> Finished {
        let anchor = self.live.anchor;
        let stale = anchor.proven - self.state.anchor.proven >= DURABLE_EVERY;
        let wanted = !self.events.is_empty() || stale || (closing && anchor != self.state.anchor);
        if !wanted {
            return Finished { record: None, state: None, live: self.live, quiet: self.quiet };
        }
        #[cfg(reprieve_next)]
        self.push(crate::next::event());
        let mut state = self.state.into_owned();
        state.settle(anchor, self.live.t);
        let record = Record { t: self.live.t, anchor, reset: self.reset, events: self.events };
        Finished { record: Some(record), state: Some(state), live: self.live, quiet: self.quiet }
    }
}
