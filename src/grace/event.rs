//! What a ledger records: the events of one operation, and the anchor after it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::saved::Saved;
use crate::clock::trusted::Anchor;
use crate::document::TokenId;
use crate::terms::{Kind, Outage, Refusal};
use crate::time::Instant;

/// L5: facts about a machine, hashed under the ledger's id so that they name no machine elsewhere. A fact that cannot be
/// read is none.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Machine(pub [Option<[u8; 16]>; 3]);

impl Machine {
    /// L5: whether at least two of the three facts match.
    pub fn is(&self, other: &Machine) -> bool {
        self.0.iter().zip(&other.0).filter(|(a, b)| a == b).count() >= 2
    }
}

/// What a ledger is suspected of (rule A4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Suspect {
    /// C3: the wall lies before what is proven.
    RolledBack,
    /// C3: the wall lies further ahead than is believed.
    Leaped,
    /// L2.
    Damaged,
    /// L3.
    PutBack,
    /// L5.
    Moved,
}

impl Suspect {
    /// The word that events carry as their reason.
    pub const fn as_str(self) -> &'static str {
        match self {
            Suspect::RolledBack => "rolled_back",
            Suspect::Leaped => "leaped",
            Suspect::Damaged => "damaged",
            Suspect::PutBack => "put_back",
            Suspect::Moved => "moved",
        }
    }
}

/// A3: what a change of standing is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Alarm {
    /// Into grace.
    GraceStarted,
    /// Out of grace.
    GraceEnded,
    /// Outside grace before and after.
    AccessChanged,
    /// In grace, another access or reason, or a threshold no longer in force or a greater one.
    GraceChanged,
    /// A threshold comes into force, or a lesser one does.
    GraceWarning,
}

impl Alarm {
    /// The word that events carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Alarm::GraceStarted => "grace_started",
            Alarm::GraceEnded => "grace_ended",
            Alarm::AccessChanged => "access_changed",
            Alarm::GraceChanged => "grace_changed",
            Alarm::GraceWarning => "grace_warning",
        }
    }
}

/// One thing that is recorded.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The ledger was made, on this machine.
    Created {
        /// L5: its own machine.
        machine: Machine,
    },
    /// The ledger goes on in a new file, from this.
    Continued(Box<Saved>),
    /// A document was accepted (rules D).
    Accepted {
        /// D's name for it.
        kind: Kind,
        /// The licence that it is about.
        license: Option<String>,
        /// Byte for byte.
        token: Arc<[u8]>,
        /// C6: it is a lease that answers the newest request.
        fresh: bool,
    },
    /// A document was refused, with the reason (rules D).
    Refused {
        /// What it said that it was.
        kind: Option<Kind>,
        /// The licence that it said it was about.
        license: Option<String>,
        /// The token's hash.
        token: TokenId,
        /// The reason.
        refusal: Refusal,
    },
    /// G1: a renewal failed.
    Reported {
        /// How.
        outage: Outage,
    },
    /// G2: a feature was used in grace for the first time.
    FirstUse {
        /// The licence that answered.
        license: String,
        /// The feature.
        feature: String,
        /// The `t` of the check.
        at: Instant,
    },
    /// G8, L3: what is charged to a feature's budget.
    Charged {
        /// The licence.
        license: String,
        /// The feature.
        feature: String,
        /// From this,
        from: Instant,
        /// until before this.
        to: Instant,
    },
    /// A3: a standing changed.
    Changed {
        /// What that is called.
        alarm: Alarm,
        /// When it took effect.
        at: Instant,
        /// The licence.
        license: String,
        /// The feature.
        feature: String,
        /// The new standing.
        standing: super::Standing,
    },
    /// A4: a suspicion began.
    Suspected {
        /// Of what.
        suspect: Suspect,
        /// When.
        at: Instant,
    },
    /// A4: the suspicion of the clock ended.
    ClockRestored {
        /// When.
        at: Instant,
    },
    /// A4: no suspicion of the ledger or its place is left.
    LedgerRestored {
        /// When.
        at: Instant,
    },
    /// L1: a torn tail was cut off.
    Recovered {
        /// When.
        at: Instant,
        /// How many bytes were cut.
        bytes: u64,
    },
    /// A4: the customer appeals.
    Appealed {
        /// When.
        at: Instant,
        /// The licence that it is about, if it is about one.
        license: Option<String>,
        /// In the customer's words.
        text: String,
    },
    /// A5: the authority has this appeal, as a lease that was accepted says.
    AppealReceived {
        /// When that came.
        at: Instant,
        /// The licence that the appeal is about, if it is about one.
        license: Option<String>,
        /// See [`appeal_id`](super::appeal_id).
        id: String,
    },
    /// L5: this machine becomes the ledger's own.
    Home {
        /// The machine.
        machine: Machine,
    },
    /// A renewal was asked for with this head of the ledger, which the authority may countersign.
    Requested {
        /// The generation that the head is of.
        generation: u64,
        /// How many of its records the head covers.
        size: u64,
        /// The root of their tree.
        root: [u8; 32],
    },
    /// The authority countersigned this head, in a lease that was accepted.
    Countersigned {
        /// The generation that the head is of.
        generation: u64,
        /// How many of its records the head covers.
        size: u64,
    },
    /// L2: damage, as found.
    Damage {
        /// The record that it cost, if that is known.
        record: Option<u64>,
        /// What is wrong, in words.
        text: String,
    },
    /// L3: the ledger lacks a record that a witness knows.
    PutBack {
        /// That record's number,
        record: u64,
        /// its hash,
        hash: [u8; 32],
        /// and the line of records that it belongs to: see [`State::line`](super::State::line).
        line: [u8; 32],
    },
    /// An event of a newer release that need not be understood.
    Foreign {
        /// Its type.
        kind: u16,
    },
    /// The next release's, which may be skipped.
    #[cfg(reprieve_next)]
    Noted {
        /// How often.
        count: u64,
    },
    /// The next release's, which must be understood.
    #[cfg(reprieve_next)]
    Bound {
        /// How often.
        count: u64,
    },
}

/// One entry of the ledger: all that one operation recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The operation's `t`, its last.
    pub t: Instant,
    /// What is remembered of time.
    pub anchor: Anchor,
    /// The anchor replaces a client's own even if that is later.
    pub reset: bool,
    /// In order.
    pub events: Vec<Event>,
}

impl Event {
    /// The word of rules A for what is told to products, if it is told.
    pub fn name(&self) -> Option<&'static str> {
        Some(match self {
            Event::Accepted { .. } => "document_accepted",
            Event::Refused { .. } => "document_refused",
            Event::Changed { alarm, .. } => alarm.as_str(),
            Event::Suspected { suspect: Suspect::RolledBack | Suspect::Leaped, .. } => "clock_suspect",
            Event::Suspected { .. } => "ledger_suspect",
            Event::ClockRestored { .. } => "clock_restored",
            Event::LedgerRestored { .. } => "ledger_restored",
            Event::Recovered { .. } => "ledger_recovered",
            Event::Appealed { .. } => "appeal_filed",
            Event::AppealReceived { .. } => "appeal_received",
            _ => return None,
        })
    }
}
