//! The fold of the ledger's records: all that a decision depends on, beside the time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::appeals::{Appeals, OpenAppeal, appeal_id};
use super::event::{Event, Machine, Record, Suspect};
use super::heads::Heads;
use super::intervals::Intervals;
use crate::clock::trusted::Anchor;
use crate::document::{
    self, Document, Extension, Keys, Lease, Notice, PolicyDocument, Revocation, RootKey, Ruling, TokenId, TrustStore,
};
use crate::policy::{ClockRules, Governance, LedgerRules, Policy};
use crate::terms::{Access, LicenseState, Outage, Reason, Refusal};
use crate::time::Instant;

/// How many refused tokens are remembered (D0).
pub(super) const REFUSED: usize = 16;

/// A document in force, with the token that proves it.
#[derive(Clone, Debug, PartialEq)]
pub struct Held<T> {
    /// The token's hash.
    pub id: TokenId,
    /// The token, byte for byte.
    pub token: Arc<[u8]>,
    /// What it says.
    pub says: Arc<T>,
}

/// A policy, and when it was adopted (G9).
#[derive(Clone, Debug, PartialEq)]
pub struct Adopted {
    /// Its place in the ledger's line of policies, from 0.
    pub ordinal: u64,
    /// The `t` of its acceptance.
    pub t: Instant,
    /// The document.
    pub held: Held<PolicyDocument>,
}

impl Adopted {
    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.held.says.policy
    }
}

/// A1: where a feature of a licence stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// What it may do.
    pub access: Access,
    /// By which rule.
    pub state: LicenseState,
    /// What grants grace, in grace.
    pub reason: Option<Reason>,
    /// The threshold in force, in grace.
    pub left: Option<crate::time::Span>,
}

impl Standing {
    /// A1: what a feature never seen before counts as.
    pub const FIRST: Standing =
        Standing { access: Access::Full, state: LicenseState::Licensed, reason: None, left: None };
}

/// One licence: its newest lease, and what happened since.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Licence {
    /// The newest lease. None where its token could not be proven here.
    pub lease: Option<Held<Lease>>,
    /// The ordinal of the policy in force when that was accepted (G9).
    pub policy: Option<u64>,
    /// G1: what was reported since, and when first.
    pub evidence: BTreeMap<Outage, Instant>,
    /// G2: by feature.
    pub first_uses: BTreeMap<String, Instant>,
    /// Every feature that a lease of it ever named (A1).
    pub seen: BTreeSet<String>,
    /// G7, G8, L3: by feature.
    pub charges: BTreeMap<String, Intervals>,
    /// A1: by feature, as recorded last.
    pub standings: BTreeMap<String, Standing>,
}

impl Licence {
    /// G2: the first use of a feature, unless it is void because `t` is before it.
    pub fn first_use(&self, feature: &str, t: Instant) -> Option<Instant> {
        self.first_uses.get(feature).copied().filter(|first| *first <= t)
    }

    /// A1: the standing of a feature that was recorded last.
    pub fn standing(&self, feature: &str) -> Standing {
        self.standings.get(feature).copied().unwrap_or(Standing::FIRST)
    }
}

/// What a product brings to a ledger, to know the vendor by (D7).
#[derive(Clone, Debug, Default)]
pub struct Brought {
    /// Its root keys.
    pub roots: Vec<RootKey>,
    /// Its newest `keys` document, a token.
    pub keys: Option<Arc<[u8]>>,
}

impl Brought {
    /// The `keys` document, if the root keys prove it.
    pub(super) fn proven(&self) -> Option<Arc<Keys>> {
        match document::open(self.keys.as_ref()?, &TrustStore::new(self.roots.clone())).result {
            Ok(Document::Keys(keys)) => Some(Arc::new(keys)),
            _ => None,
        }
    }
}

/// The state of a ledger after some of its records.
#[derive(Clone, Debug)]
pub struct State {
    /// The ledger's id, as leases and rulings name it.
    pub ledger: String,
    /// Whose documents are believed: the product's root keys, and the ledger's `keys` documents.
    pub(super) trust: TrustStore,
    /// What the product brings, and whom it believes by that alone: should a `keys` document of the ledger be destroyed, what
    /// its keys signed is still proven.
    pub(super) brought: Brought,
    pub(super) by_itself: TrustStore,
    /// Every `keys` document, oldest first; the last is in force (D7).
    pub(super) keys: Vec<Held<Keys>>,
    /// The line of policies, oldest first; the last is in force (D2, G9).
    pub(super) policies: Vec<Adopted>,
    /// How many policies were ever adopted.
    pub(super) adopted: u64,
    /// By name.
    pub(super) licences: BTreeMap<String, Licence>,
    /// By id (D3).
    pub(super) notices: BTreeMap<String, Held<Notice>>,
    pub(super) extensions: Vec<Held<Extension>>,
    pub(super) revocations: Vec<Held<Revocation>>,
    pub(super) rulings: Vec<Held<Ruling>>,
    /// G1: what was reported since the newest lease of any licence.
    pub(super) reported: BTreeSet<Outage>,
    /// D0: the last tokens refused.
    pub(super) refused: VecDeque<TokenId>,
    /// L5: the ledger's own machine.
    pub(super) home: Machine,
    /// A4: which suspicions products were told of.
    pub(super) told_clock: bool,
    pub(super) told_ledger: bool,
    pub(super) told_place: bool,
    /// L3: the last record of each line that a witness knew and this ledger lacked when it was put back, as recorded.
    pub(super) put_backs: BTreeMap<[u8; 32], u64>,
    /// L3: see [`State::line`].
    pub(super) line: [u8; 32],
    /// The record being folded says that the ledger was put back.
    pub(super) begins_line: bool,
    /// What was sent of the ledger to the authority.
    pub(super) heads: Heads,
    /// A5: the appeals that no authority is known to have.
    pub(super) appeals: Appeals,
    /// What is remembered of time, as of the last record.
    pub(super) anchor: Anchor,
    /// The `t` of the last record.
    pub(super) t: Instant,
    /// Accepted documents whose signatures do not hold here. They give nothing.
    pub(super) unproven: u64,
    /// A newer release wrote an event that need not be understood, and that is not.
    pub(super) foreign: bool,
    #[cfg(reprieve_next)]
    pub(crate) next: crate::next::Counts,
}

impl State {
    /// The state of a ledger without records, for a product that brings this.
    pub fn new(ledger: &str, brought: Brought, anchor: Anchor) -> State {
        let keys = brought.proven();
        State::with(ledger, brought, keys.as_deref(), anchor)
    }

    /// The same if what the product brings is proven to have these keys.
    pub(super) fn with(ledger: &str, brought: Brought, keys: Option<&Keys>, anchor: Anchor) -> State {
        let trust = TrustStore::new(brought.roots.clone());
        let mut by_itself = trust.clone();
        if let Some(keys) = keys {
            by_itself.adopt(keys);
        }
        State {
            ledger: ledger.to_owned(),
            trust,
            by_itself,
            brought,
            keys: Vec::new(),
            policies: Vec::new(),
            adopted: 0,
            licences: BTreeMap::new(),
            notices: BTreeMap::new(),
            extensions: Vec::new(),
            revocations: Vec::new(),
            rulings: Vec::new(),
            reported: BTreeSet::new(),
            refused: VecDeque::new(),
            home: Machine::default(),
            told_clock: false,
            told_ledger: false,
            told_place: false,
            put_backs: BTreeMap::new(),
            line: [0; 32],
            begins_line: false,
            heads: Heads::default(),
            appeals: Appeals::default(),
            t: anchor.proven,
            anchor,
            unproven: 0,
            foreign: false,
            #[cfg(reprieve_next)]
            next: [0; 2],
        }
    }

    /// What is remembered of time, as of the last record.
    pub fn anchor(&self) -> &Anchor {
        &self.anchor
    }

    /// The `t` of the last record.
    pub fn t(&self) -> Instant {
        self.t
    }

    /// The licences, by name.
    pub fn licences(&self) -> &BTreeMap<String, Licence> {
        &self.licences
    }

    /// The notices that were accepted last, by id.
    pub fn notices(&self) -> impl Iterator<Item = &Notice> {
        self.notices.values().map(|held| &*held.says)
    }

    /// The extensions that were accepted.
    pub fn extensions(&self) -> impl Iterator<Item = &Extension> {
        self.extensions.iter().map(|held| &*held.says)
    }

    /// Whose documents are believed.
    pub fn trust(&self) -> &TrustStore {
        &self.trust
    }

    /// Whether this token is the `keys` document in force.
    pub fn is_keys(&self, token: &[u8]) -> bool {
        self.keys.last().is_some_and(|held| *held.token == *token)
    }

    /// How many recorded documents could not be proven with this product's keys. They give nothing.
    pub fn unproven(&self) -> u64 {
        self.unproven
    }

    /// Whether a newer release wrote an event that need not be understood, and that is not.
    pub fn has_foreign(&self) -> bool {
        self.foreign
    }

    /// The policy in force.
    pub fn policy(&self) -> Option<&Policy> {
        self.policies.last().map(Adopted::policy)
    }

    pub(super) fn clock_rules(&self) -> ClockRules {
        self.policy().map(|policy| policy.clock.clone()).unwrap_or_default()
    }

    pub(super) fn ledger_rules(&self) -> LedgerRules {
        self.policy().map(|policy| policy.ledger.clone()).unwrap_or_default()
    }

    pub(super) fn governance(&self) -> Governance {
        self.policy().map(|policy| policy.governance.clone()).unwrap_or_default()
    }

    /// L2: takes over the documents, and what happened under them, that this state lacks because records were destroyed, from one
    /// that a snapshot kept. What is known against the clock, the ledger and its place is this state's: a snapshot that is put
    /// beside another ledger must not end it.
    pub fn recover(&mut self, kept: State) {
        fn add<T>(held: &mut Vec<Held<T>>, kept: Vec<Held<T>>) {
            for one in kept {
                if held.iter().all(|known| known.id != one.id) {
                    held.push(one);
                }
            }
        }
        if kept.trust.version() > self.trust.version() {
            self.trust = kept.trust;
            self.keys = kept.keys;
        }
        let version = |state: &[Adopted]| state.last().map(|adopted| adopted.policy().version);
        if version(&kept.policies) > version(&self.policies) {
            self.policies = kept.policies;
            self.adopted = self.adopted.max(kept.adopted);
        }
        for (name, kept) in kept.licences {
            let own = self.licences.entry(name).or_default();
            let iat = |licence: &Licence| licence.lease.as_ref().map(|lease| lease.says.iat);
            if iat(&kept) > iat(own) {
                own.lease = kept.lease;
                own.policy = kept.policy;
                own.evidence = kept.evidence;
                own.first_uses = kept.first_uses;
            }
            own.seen.extend(kept.seen);
            for (feature, charges) in kept.charges {
                let own = own.charges.entry(feature).or_default();
                charges.iter().for_each(|(from, to)| own.insert(from, to));
            }
            for (feature, standing) in kept.standings {
                own.standings.entry(feature).or_insert(standing);
            }
        }
        for (id, kept) in kept.notices {
            if self.notices.get(&id).is_none_or(|own| own.says.iat < kept.says.iat) {
                self.notices.insert(id, kept);
            }
        }
        add(&mut self.extensions, kept.extensions);
        add(&mut self.revocations, kept.revocations);
        add(&mut self.rulings, kept.rulings);
        if self.home == Machine::default() {
            self.home = kept.home;
        }
        if self.heads.sent().is_empty() {
            self.heads = kept.heads;
        }
        self.appeals.recover(kept.appeals);
        // A document that could not be proven before the keys came back may be among those that were taken over.
        self.unproven = kept.unproven.min(self.unproven);
    }

    /// L3: whether what a witness knows was found lacking before, by it or by another, and recorded: its line is one that a recorded
    /// finding names, and its record no later than the one that was lacking then.
    pub fn knows_put_back(&self, record: u64, line: &[u8; 32]) -> bool {
        self.put_backs.get(line).is_some_and(|last| record <= *last)
    }

    /// L3: the line of records that this ledger is on. A copy that is put back begins another one, named by the hash of the
    /// record that says so; zeroes before the first. Record numbers mean the same within one line alone.
    pub fn line(&self) -> [u8; 32] {
        self.line
    }

    /// The record that was folded last has this hash.
    pub fn sealed(&mut self, hash: &[u8; 32]) {
        if std::mem::take(&mut self.begins_line) {
            self.line = *hash;
        }
    }

    /// The heads of the ledger that were sent to the authority.
    pub fn heads(&self) -> &Heads {
        &self.heads
    }

    /// A5: the appeals that no authority is known to have.
    pub fn appeals(&self) -> &Appeals {
        &self.appeals
    }

    /// The ledger goes on in another file; see [`Heads`].
    pub fn close_generation(&mut self, generation: u64, closing: String, paths: Vec<Option<Vec<[u8; 32]>>>) {
        self.heads.close(generation, closing, paths);
    }

    /// A first use that is not recorded yet: decisions of this process count it, and the next record names it.
    pub fn overlay_first_use(&mut self, license: &str, feature: &str, at: Instant) {
        self.licence(license).first_uses.insert(feature.to_owned(), at);
    }

    /// Folds one record. The same records give the same state in every process.
    pub fn apply(&mut self, record: &Record) {
        for event in &record.events {
            self.apply_event(event, None, record.t);
        }
        self.settle(record.anchor, record.t);
    }

    /// What a record says of time, after its events.
    pub(super) fn settle(&mut self, anchor: Anchor, t: Instant) {
        // A suspicion that ended beside another one was not told of; should it begin again, that is told.
        self.told_ledger &= anchor.suspicions.ledger.is_some();
        self.told_place &= anchor.suspicions.place.is_some();
        self.anchor = anchor;
        self.t = t;
    }

    /// Folds one event. `proven` is the document of an accepted token where the caller has just proven it; else it is
    /// proven here: no token gives anything before its signature was verified.
    pub(super) fn apply_event(&mut self, event: &Event, proven: Option<Document>, t: Instant) {
        match event {
            Event::Created { machine } | Event::Home { machine } => self.home = machine.clone(),
            Event::Continued(saved) => {
                let brought = std::mem::take(&mut self.brought);
                *self = saved.restore(&self.ledger, brought);
            }
            Event::Accepted { token, .. } => {
                let opened = match proven {
                    Some(document) => Ok(document),
                    None => document::open(token, &self.trust)
                        .result
                        .or_else(|refused| document::open(token, &self.by_itself).result.map_err(|_| refused)),
                };
                match opened {
                    Ok(document) => self.hold(TokenId::of(token), token.clone(), document, t),
                    Err(_) => self.unproven += 1,
                }
            }
            Event::Refused { token, .. } => {
                if self.refused.len() == REFUSED {
                    self.refused.pop_front();
                }
                self.refused.push_back(*token);
            }
            Event::Reported { outage } => {
                self.reported.insert(*outage);
                for licence in self.licences.values_mut() {
                    licence.evidence.entry(*outage).or_insert(t);
                }
            }
            Event::FirstUse { license, feature, at } => {
                self.licence(license).first_uses.insert(feature.clone(), *at);
            }
            Event::Charged { license, feature, from, to } => {
                self.licence(license).charges.entry(feature.clone()).or_default().insert(*from, *to);
            }
            Event::Changed { license, feature, standing, .. } => {
                self.licence(license).standings.insert(feature.clone(), *standing);
            }
            Event::Suspected { suspect, .. } => match suspect {
                Suspect::RolledBack | Suspect::Leaped => self.told_clock = true,
                Suspect::Damaged | Suspect::PutBack => self.told_ledger = true,
                Suspect::Moved => self.told_place = true,
            },
            Event::ClockRestored { .. } => self.told_clock = false,
            Event::LedgerRestored { .. } => (self.told_ledger, self.told_place) = (false, false),
            Event::PutBack { record, line, .. } => {
                let last = self.put_backs.entry(*line).or_insert(*record);
                *last = (*last).max(*record);
                self.begins_line = true;
            }
            Event::Foreign { .. } => self.foreign = true,
            #[cfg(reprieve_next)]
            Event::Noted { count } => self.next[0] += count,
            #[cfg(reprieve_next)]
            Event::Bound { count } => self.next[1] += count,
            Event::Requested { generation, size, root } => self.heads.request(*generation, *size, *root),
            Event::Countersigned { generation, size } => self.heads.countersign(*generation, *size),
            Event::Appealed { at, license, text } => {
                let id = appeal_id(&self.ledger, *at, license.as_deref(), text);
                self.appeals.file(OpenAppeal { id, at: *at, license: license.clone(), text: text.as_str().into() });
            }
            Event::AppealReceived { id, .. } => self.appeals.received(id),
            Event::Recovered { .. } | Event::Damage { .. } => {}
        }
    }

    fn licence(&mut self, name: &str) -> &mut Licence {
        self.licences.entry(name.to_owned()).or_default()
    }

    /// A document comes into force.
    fn hold(&mut self, id: TokenId, token: Arc<[u8]>, document: Document, t: Instant) {
        fn held<T>(id: TokenId, token: Arc<[u8]>, says: T) -> Held<T> {
            Held { id, token, says: Arc::new(says) }
        }
        match document {
            Document::Lease(lease) => {
                let policy = self.policies.last().map(|adopted| adopted.ordinal);
                let licence = self.licence(&lease.license.clone());
                licence.policy = policy;
                licence.evidence.clear();
                licence.first_uses.clear();
                licence.seen.extend(lease.features.keys().cloned());
                licence.lease = Some(held(id, token, lease));
                self.reported.clear();
                self.forget_policies();
            }
            Document::Policy(policy) => {
                self.policies.push(Adopted { ordinal: self.adopted, t, held: held(id, token, policy) });
                self.adopted += 1;
                self.forget_policies();
            }
            Document::Notice(notice) => {
                self.notices.insert(notice.id.clone(), held(id, token, notice));
            }
            Document::Extension(extension) => self.extensions.push(held(id, token, extension)),
            Document::Revocation(revocation) => self.revocations.push(held(id, token, revocation)),
            Document::Ruling(ruling) => {
                self.appeals.ruled(&ruling);
                self.rulings.push(held(id, token, ruling));
            }
            Document::Keys(keys) => {
                self.trust.adopt(&keys);
                self.keys.push(held(id, token, keys));
            }
        }
    }

    /// G9 never looks before the policy in force when a licence's newest lease was accepted: what is older than every such
    /// policy is forgotten, so that the state does not grow with the ledger.
    fn forget_policies(&mut self) {
        let Some(newest) = self.policies.last().map(|adopted| adopted.ordinal) else { return };
        let leases = || self.licences.values().filter(|licence| licence.lease.is_some());
        if leases().all(|licence| licence.policy.is_some()) {
            let oldest = leases().filter_map(|licence| licence.policy).min().unwrap_or(newest);
            self.policies.retain(|adopted| adopted.ordinal >= oldest);
        }
    }

    /// D0: whether a token is what is in force.
    pub(super) fn in_force(&self, id: &TokenId) -> bool {
        self.licences.values().any(|licence| licence.lease.as_ref().is_some_and(|held| held.id == *id))
            || self.policies.last().is_some_and(|adopted| adopted.held.id == *id)
            || self.notices.values().any(|held| held.id == *id)
            || self.extensions.iter().any(|held| held.id == *id)
            || self.revocations.iter().any(|held| held.id == *id)
            || self.rulings.iter().any(|held| held.id == *id)
            || self.keys.last().is_some_and(|held| held.id == *id)
    }

    /// The refusals that depend on what is in force, in the order of rules D.
    pub(super) fn admit(&self, document: &Document, fresh: bool) -> Result<(), (Refusal, String)> {
        super::admit::admit(self, document, fresh)
    }
}
