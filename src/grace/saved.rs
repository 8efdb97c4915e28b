//! A state as bytes can hold it: for snapshots, and for a ledger that goes on in a new file.
//!
//! Documents are held as their tokens, byte for byte, and proven again when the state is restored: a saved state is never a way
//! to write oneself a lease.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::appeals::Appeals;
use super::event::{Event, Machine};
use super::heads::Heads;
use super::intervals::Intervals;
use super::state::{Adopted, Brought, Held, Licence, Standing, State};
use crate::clock::trusted::Anchor;
use crate::document::{self, Document, TokenId, TrustStore};
use crate::order;
use crate::terms::Outage;
use crate::time::Instant;

/// What [`State::save`] gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    keys: Vec<Arc<[u8]>>,
    policies: Vec<SavedPolicy>,
    adopted: u64,
    licences: BTreeMap<String, SavedLicence>,
    notices: Vec<Arc<[u8]>>,
    extensions: Vec<Arc<[u8]>>,
    revocations: Vec<Arc<[u8]>>,
    rulings: Vec<Arc<[u8]>>,
    reported: BTreeSet<Outage>,
    refused: Vec<[u8; 32]>,
    home: Machine,
    told: [bool; 3],
    put_backs: BTreeMap<[u8; 32], u64>,
    line: [u8; 32],
    heads: Heads,
    appeals: Appeals,
    anchor: Anchor,
    t: Instant,
    unproven: u64,
    foreign: bool,
    #[cfg(reprieve_next)]
    next: crate::next::Counts,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedPolicy {
    ordinal: u64,
    t: Instant,
    token: Arc<[u8]>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedLicence {
    lease: Option<Arc<[u8]>>,
    policy: Option<u64>,
    evidence: BTreeMap<Outage, Instant>,
    first_uses: BTreeMap<String, Instant>,
    seen: BTreeSet<String>,
    charges: BTreeMap<String, Intervals>,
    standings: BTreeMap<String, Standing>,
}

impl State {
    /// What a generation begins with that goes on from this state.
    pub fn continued(&self) -> Vec<Event> {
        let events = vec![Event::Continued(Box::new(self.save()))];
        #[cfg(reprieve_next)]
        let events = crate::next::carry(events, self.next);
        events
    }

    /// The state as bytes can hold it.
    pub fn save(&self) -> Saved {
        fn tokens<'a, T: 'a>(held: impl IntoIterator<Item = &'a Held<T>>) -> Vec<Arc<[u8]>> {
            held.into_iter().map(|held| held.token.clone()).collect()
        }
        let licence = |licence: &Licence| SavedLicence {
            lease: licence.lease.as_ref().map(|held| held.token.clone()),
            policy: licence.policy,
            evidence: licence.evidence.clone(),
            first_uses: licence.first_uses.clone(),
            seen: licence.seen.clone(),
            charges: licence.charges.clone(),
            standings: licence.standings.clone(),
        };
        Saved {
            keys: tokens(&self.keys),
            policies: self
                .policies
                .iter()
                .map(|a| SavedPolicy { ordinal: a.ordinal, t: a.t, token: a.held.token.clone() })
                .collect(),
            adopted: self.adopted,
            licences: order::map(self.licences.iter().map(|(name, l)| (name.clone(), licence(l)))),
            notices: tokens(self.notices.values()),
            extensions: tokens(&self.extensions),
            revocations: tokens(&self.revocations),
            rulings: tokens(&self.rulings),
            reported: self.reported.clone(),
            refused: self.refused.iter().map(|id| id.0).collect(),
            home: self.home.clone(),
            told: [self.told_clock, self.told_ledger, self.told_place],
            put_backs: self.put_backs.clone(),
            line: self.line,
            heads: self.heads.clone(),
            appeals: self.appeals.clone(),
            anchor: self.anchor,
            t: self.t,
            unproven: self.unproven,
            foreign: self.foreign,
            #[cfg(reprieve_next)]
            next: self.next,
        }
    }
}

/// Proves tokens under the trust of every `keys` document of the ledger, newest first: what was accepted once stays so when its
/// key is rotated out, and a full fold and a restored state agree.
struct Prover {
    trusts: Vec<TrustStore>,
    unproven: u64,
}

impl Prover {
    fn prove(&mut self, token: &Arc<[u8]>) -> Option<(Held<()>, Document)> {
        let proven = self.trusts.iter().rev().find_map(|trust| document::open(token, trust).result.ok());
        match proven {
            Some(document) => {
                Some((Held { id: TokenId::of(token), token: token.clone(), says: Arc::new(()) }, document))
            }
            None => {
                self.unproven += 1;
                None
            }
        }
    }

    fn all<T>(&mut self, tokens: &[Arc<[u8]>], pick: impl Fn(Document) -> Option<T>) -> Vec<Held<T>> {
        tokens.iter().filter_map(|token| self.one(token, &pick)).collect()
    }

    fn one<T>(&mut self, token: &Arc<[u8]>, pick: impl Fn(Document) -> Option<T>) -> Option<Held<T>> {
        let (Held { id, token, .. }, document) = self.prove(token)?;
        Some(Held { id, token, says: Arc::new(pick(document)?) })
    }
}

macro_rules! pick {
    ($kind:ident) => {
        |document| match document {
            Document::$kind(says) => Some(says),
            _ => None,
        }
    };
}

impl Saved {
    /// The state again, its documents proven with what the product brings.
    pub fn restore(&self, ledger: &str, brought: Brought) -> State {
        let (own, own_token) = (brought.proven(), brought.keys.clone());
        let mut state = State::with(ledger, brought, own.as_deref(), self.anchor);
        let mut prover = Prover { trusts: vec![state.by_itself.clone(), state.trust.clone()], unproven: 0 };
        for token in &self.keys {
            // What the product brings is proven once: each signature takes as long as a hundred records.
            let held = match own.as_ref().filter(|_| own_token.as_ref() == Some(token)) {
                Some(says) => Some(Held { id: TokenId::of(token), token: token.clone(), says: says.clone() }),
                None => prover.one(token, pick!(Keys)),
            };
            if let Some(held) = held {
                state.trust.adopt(&held.says);
                state.keys.push(held);
                prover.trusts.push(state.trust.clone());
            }
        }
        for saved in &self.policies {
            if let Some(held) = prover.one(&saved.token, pick!(Policy)) {
                state.policies.push(Adopted { ordinal: saved.ordinal, t: saved.t, held });
            }
        }
        for (name, saved) in &self.licences {
            let licence = Licence {
                lease: saved.lease.as_ref().and_then(|token| prover.one(token, pick!(Lease))),
                policy: saved.policy,
                evidence: saved.evidence.clone(),
                first_uses: saved.first_uses.clone(),
                seen: saved.seen.clone(),
                charges: saved.charges.clone(),
                standings: saved.standings.clone(),
            };
            state.licences.insert(name.clone(), licence);
        }
        for held in prover.all(&self.notices, pick!(Notice)) {
            state.notices.insert(held.says.id.clone(), held);
        }
        state.extensions = prover.all(&self.extensions, pick!(Extension));
        state.revocations = prover.all(&self.revocations, pick!(Revocation));
        state.rulings = prover.all(&self.rulings, pick!(Ruling));
        state.adopted = self.adopted;
        state.reported = self.reported.clone();
        state.refused = self.refused.iter().map(|id| TokenId(*id)).collect();
        state.home = self.home.clone();
        [state.told_clock, state.told_ledger, state.told_place] = self.told;
        state.put_backs = self.put_backs.clone();
        state.heads = self.heads.clone();
        state.appeals = self.appeals.clone();
        state.line = self.line;
        state.t = self.t;
        state.unproven = self.unproven + prover.unproven;
        state.foreign = self.foreign;
        #[cfg(reprieve_next)]
        {
            state.next = self.next;
        }
        state
    }
}
