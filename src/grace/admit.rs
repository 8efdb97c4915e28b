//! Whether what is in force lets a document in (rules D, from `wrong_ledger` on), and what accepting it does.

use super::covers::Asked;
use super::event::Event;
use super::operate::Operation;
use super::state::State;
use crate::clock::Boot;
use crate::document::{ANY_LEDGER, Document, Lease, Opened, TokenId};
use crate::policy::Moved;
use crate::terms::{Kind, Refusal};
use crate::time::{Instant, Span};

/// C6: how long after a request, in uptime, a lease that echoes its nonce is fresh.
const FRESH: Span = Span::seconds(600);

/// C6: the newest renewal request of a client, in memory only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// What the lease must echo.
    pub nonce: String,
    /// The boot of the request.
    pub boot: Boot,
    /// The uptime of the request.
    pub uptime: Span,
}

/// What became of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// D's name for it, where it can be read.
    pub kind: Option<Kind>,
    /// The licence that it is about, where it can be read.
    pub license: Option<String>,
    /// Whether it is in force now.
    pub accepted: bool,
    /// D0: it was in force before; nothing changed.
    pub known: bool,
    /// C6: it is a lease that answered the newest request.
    pub fresh: bool,
    /// Why it was refused.
    pub error: Option<Refusal>,
    /// The same in words: what is wrong, and what to do.
    pub detail: String,
}

/// The refusals that depend on what is in force, the first that applies.
pub(super) fn admit(state: &State, document: &Document, fresh: bool) -> Result<(), (Refusal, String)> {
    let other_ledger = |named: &str| {
        let text = format!("it is for the ledger {named}, this one is {}; ask for one for this ledger", state.ledger);
        Err((Refusal::WrongLedger, text))
    };
    let stale = |text: String| Err((Refusal::Stale, text));
    match document {
        Document::Lease(lease) => {
            if lease.ledger != state.ledger && lease.ledger != ANY_LEDGER {
                return other_ledger(&lease.ledger);
            }
            let newest = state.licences.get(&lease.license).and_then(|licence| licence.lease.as_ref());
            match newest {
                Some(newest) if !fresh && lease.iat <= newest.says.iat => stale(format!(
                    "the lease in force of {} was issued at {}, this one at {}",
                    lease.license, newest.says.iat, lease.iat
                )),
                _ => Ok(()),
            }
        }
        Document::Policy(new) => match state.policy() {
            Some(old) if old.id != new.policy.id => Err((
                Refusal::WrongPolicy,
                format!(
                    "the policy in force is `{}`, this one is `{}`; a ledger has one line of policies",
                    old.id, new.policy.id
                ),
            )),
            Some(old) if new.policy.version <= old.version => {
                stale(format!("version {} is in force, this is version {}", old.version, new.policy.version))
            }
            _ => Ok(()),
        },
        Document::Notice(new) => match state.notices.get(&new.id) {
            Some(old) if new.iat <= old.says.iat => stale(format!(
                "the notice `{}` in force was issued at {}, this one at {}",
                new.id, old.says.iat, new.iat
            )),
            _ => Ok(()),
        },
        Document::Extension(extension) => {
            let governance = state.governance();
            let longest = extension.iat + governance.max_extension;
            if extension.approvals < governance.approvals {
                let text = format!(
                    "{} of role support signed it, the policy asks for {}; have another person sign it too",
                    extension.approvals, governance.approvals
                );
                Err((Refusal::Approvals, text))
            } else if extension.until > longest {
                Err((
                    Refusal::OverLimit,
                    format!("it lasts until {}, the policy allows {longest} at most", extension.until),
                ))
            } else if state.licences.get(&extension.license).is_none_or(|licence| licence.seen.is_empty()) {
                let text =
                    format!("no lease of `{}` was ever accepted here; check the licence's name", extension.license);
                Err((Refusal::UnknownLicense, text))
            } else {
                Ok(())
            }
        }
        Document::Ruling(ruling) if ruling.ledger != state.ledger => other_ledger(&ruling.ledger),
        Document::Ruling(_) | Document::Revocation(_) => Ok(()),
        Document::Keys(new) => match state.keys.last() {
            Some(old) if new.version <= old.says.version => {
                stale(format!("version {} of the keys is in force, this is version {}", old.says.version, new.version))
            }
            _ => Ok(()),
        },
    }
}

impl Operation<'_> {
    /// Imports a document: accepted or refused as a whole, at once, and recorded (rules D). `opened` is what
    /// [`document::open`](crate::document::open) said of the token under this state's trust.
    pub fn import(&mut self, token: &[u8], opened: Opened, pending: Option<&Pending>) -> Answer {
        let id = TokenId::of(token);
        let mut answer = Answer {
            kind: opened.kind,
            license: opened.license,
            accepted: false,
            known: false,
            fresh: false,
            error: None,
            detail: String::new(),
        };
        // D0: what is in force already.
        if self.state().in_force(&id) {
            return Answer { accepted: true, known: true, ..answer };
        }
        let admitted = match opened.result {
            Err(refused) => Err((refused.refusal, refused.detail)),
            Ok(document) => {
                answer.fresh = matches!(&document, Document::Lease(lease) if self.answers(lease, pending));
                self.state().admit(&document, answer.fresh).map(|()| document)
            }
        };
        match admitted {
            Err((refusal, detail)) => {
                answer.fresh = false;
                answer.error = Some(refusal);
                answer.detail = detail;
                // D0: one of the last tokens refused is not recorded again.
                if !self.state().refused.contains(&id) {
                    let (kind, license) = (answer.kind, answer.license.clone());
                    self.push(Event::Refused { kind, license, token: id, refusal });
                }
            }
            Ok(document) => {
                answer.accepted = true;
                self.accept(token, document, answer.fresh);
                self.follow();
            }
        }
        answer
    }

    /// C6: whether a lease answers the newest request of this client, in time.
    fn answers(&self, lease: &Lease, pending: Option<&Pending>) -> bool {
        let reading = self.reading();
        pending.is_some_and(|pending| {
            lease.nonce.as_deref() == Some(pending.nonce.as_str())
                && lease.ledger == self.state().ledger
                && reading.boot == pending.boot
                && reading.uptime >= pending.uptime
                && reading.uptime - pending.uptime <= FRESH
        })
    }

    fn accept(&mut self, token: &[u8], document: Document, fresh: bool) {
        let (kind, license) = (document.kind(), document.license().map(str::to_owned));
        let proven = self.live().anchor.proven;
        let mut home = false;
        match &document {
            // C6: a policy, a notice and keys are not evidence of the time.
            Document::Policy(new) => {
                if new.policy.ledger.moved == Moved::Ignore && self.live().anchor.suspicions.place.is_some() {
                    self.change_anchor(|anchor, _| anchor.suspicions.place = None);
                }
            }
            Document::Notice(_) | Document::Keys(_) => {}
            Document::Lease(lease) if fresh => {
                let iat = lease.iat;
                self.change_anchor(|anchor, reading| anchor.refresh(iat, reading));
                self.read_again();
                home = true;
            }
            Document::Lease(_) | Document::Extension(_) | Document::Revocation(_) | Document::Ruling(_) => {
                let iat = document.iat();
                if iat > proven {
                    self.change_anchor(|anchor, _| anchor.raise(iat));
                }
                self.read_again();
            }
        }
        // D6: after the second reading.
        if let Document::Ruling(ruling) = &document {
            let began_before = |s: crate::clock::trusted::Suspicion| s.began <= ruling.iat;
            let suspicions = self.live().anchor.suspicions;
            if ruling.clears_clock && suspicions.clock.is_some_and(began_before) {
                self.change_anchor(|anchor, reading| anchor.pardon_clock(reading));
                self.read_again();
            }
            if ruling.clears_ledger && suspicions.ledger.is_some_and(began_before) {
                self.change_anchor(|anchor, _| anchor.suspicions.ledger = None);
            }
            if ruling.clears_ledger && suspicions.place.is_some_and(began_before) {
                self.change_anchor(|anchor, _| anchor.suspicions.place = None);
                home = true;
            }
        }
        // G8: as covers stand before the document, with the time proven just before it.
        if let Document::Lease(lease) = &document {
            for (license, feature, from, to) in self.charges(&lease.license, proven) {
                self.push(Event::Charged { license, feature, from, to });
            }
        }
        let token = token.into();
        self.push_accepted(Event::Accepted { kind, license, token, fresh }, document);
        if home && self.state().home != *self.machine() {
            let machine = self.machine().clone();
            self.push(Event::Home { machine });
        }
    }

    /// G8: what the features of a licence's old lease are charged for.
    fn charges(&self, name: &str, proven: Instant) -> Vec<(String, String, Instant, Instant)> {
        let Some((licence, lease)) =
            self.state().licences.get(name).and_then(|licence| Some((licence, &*licence.lease.as_ref()?.says)))
        else {
            return Vec::new();
        };
        let mut charges = Vec::new();
        for feature in lease.features.keys() {
            // A first use that `t`, after the document, makes void is not charged.
            let Some(first_use) = licence.first_use(feature, self.live().t) else { continue };
            let asked = Asked { name, licence, lease, feature, first_use: Some(first_use) };
            let Some(subject) = asked.entitled() else { continue };
            let charge = self.state().charge(subject, first_use, proven);
            charges.extend(charge.iter().map(|(from, to)| (name.to_owned(), feature.clone(), from, to)));
        }
        charges
    }
}
