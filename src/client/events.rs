//! What products are told (rules A): the ledger's events, in its order, to each named consumer at least once.

use crate::grace::{Event as Recorded, Record};
use crate::terms::{Access, Kind, LicenseState, Reason, Refusal, is_name};
use crate::time::{Instant, Span};

/// What an event tells of. Numbers are stable and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum EventKind {
    /// A feature went into grace.
    GraceStarted = 1,
    /// A feature came out of grace: look at the state.
    GraceEnded = 2,
    /// A feature's standing changed, outside grace.
    AccessChanged = 3,
    /// In grace, another access or reason, or more time than a warning said.
    GraceChanged = 4,
    /// The runway is no longer than `left`.
    GraceWarning = 5,
    /// A document is in force.
    DocumentAccepted = 6,
    /// A document was refused.
    DocumentRefused = 7,
    /// The clock is under suspicion.
    ClockSuspect = 8,
    /// It no longer is.
    ClockRestored = 9,
    /// The ledger, or its place, is under suspicion.
    LedgerSuspect = 10,
    /// They no longer are.
    LedgerRestored = 11,
    /// A torn tail was cut off after a crash; nothing acknowledged was lost.
    LedgerRecovered = 12,
    /// The customer appealed.
    AppealFiled = 13,
    /// The vendor has the appeal, as a lease says.
    AppealReceived = 14,
}

impl EventKind {
    /// Every kind.
    pub const ALL: &'static [EventKind] = &[
        EventKind::GraceStarted,
        EventKind::GraceEnded,
        EventKind::AccessChanged,
        EventKind::GraceChanged,
        EventKind::GraceWarning,
        EventKind::DocumentAccepted,
        EventKind::DocumentRefused,
        EventKind::ClockSuspect,
        EventKind::ClockRestored,
        EventKind::LedgerSuspect,
        EventKind::LedgerRestored,
        EventKind::LedgerRecovered,
        EventKind::AppealFiled,
        EventKind::AppealReceived,
    ];

    /// The word that every binding uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            EventKind::GraceStarted => "grace_started",
            EventKind::GraceEnded => "grace_ended",
            EventKind::AccessChanged => "access_changed",
            EventKind::GraceChanged => "grace_changed",
            EventKind::GraceWarning => "grace_warning",
            EventKind::DocumentAccepted => "document_accepted",
            EventKind::DocumentRefused => "document_refused",
            EventKind::ClockSuspect => "clock_suspect",
            EventKind::ClockRestored => "clock_restored",
            EventKind::LedgerSuspect => "ledger_suspect",
            EventKind::LedgerRestored => "ledger_restored",
            EventKind::LedgerRecovered => "ledger_recovered",
            EventKind::AppealFiled => "appeal_filed",
            EventKind::AppealReceived => "appeal_received",
        }
    }

    fn from_word(word: &str) -> Option<EventKind> {
        EventKind::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }
}

/// One event. Fields that do not apply are none.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The number of the record that it stands in.
    pub record: u64,
    /// Its place in that record, from 0. Record and index name it for acknowledgement.
    pub index: u32,
    /// What it tells of.
    pub kind: EventKind,
    /// The instant at which it took effect, also if no product ran then.
    pub at: Instant,
    /// The licence.
    pub license: Option<String>,
    /// The feature.
    pub feature: Option<String>,
    /// The new access.
    pub access: Option<Access>,
    /// The new state.
    pub state: Option<LicenseState>,
    /// What grants grace; or, of a suspicion, its kind: `rolled_back`, `leaped`, `damaged`, `put_back` or `moved`.
    pub reason: Option<&'static str>,
    /// The warning threshold in force.
    pub left: Option<Span>,
    /// Which kind of document.
    pub document: Option<Kind>,
    /// Why a document was refused.
    pub error: Option<Refusal>,
    /// An appeal's text.
    pub text: Option<String>,
}

impl Event {
    /// What a record's event at an index tells products; none if it tells them nothing.
    pub(crate) fn of(record: u64, index: u32, body: &Record) -> Option<Event> {
        let recorded = body.events.get(index as usize)?;
        let mut event = Event {
            record,
            index,
            kind: EventKind::from_word(recorded.name()?)?,
            at: body.t,
            license: None,
            feature: None,
            access: None,
            state: None,
            reason: None,
            left: None,
            document: None,
            error: None,
            text: None,
        };
        match recorded {
            Recorded::Accepted { kind, license, .. } => {
                event.document = Some(*kind);
                event.license.clone_from(license);
            }
            Recorded::Refused { kind, license, refusal, .. } => {
                event.document = *kind;
                event.license.clone_from(license);
                event.error = Some(*refusal);
            }
            Recorded::Changed { at, license, feature, standing, .. } => {
                event.at = *at;
                event.license = Some(license.clone());
                event.feature = Some(feature.clone());
                event.access = Some(standing.access);
                event.state = Some(standing.state);
                event.reason = standing.reason.map(Reason::as_str);
                event.left = standing.left;
            }
            Recorded::Suspected { suspect, at } => {
                event.at = *at;
                event.reason = Some(suspect.as_str());
            }
            Recorded::ClockRestored { at } | Recorded::LedgerRestored { at } | Recorded::Recovered { at, .. } => {
                event.at = *at;
            }
            Recorded::Appealed { at, license, text } => {
                event.at = *at;
                event.license.clone_from(license);
                event.text = Some(text.clone());
            }
            Recorded::AppealReceived { at, license, .. } => {
                event.at = *at;
                event.license.clone_from(license);
            }
            _ => {}
        }
        Some(event)
    }
}

/// The next event that a consumer has not been given: a record, and a place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cursor {
    pub record: u64,
    pub index: u32,
}

impl Cursor {
    /// The number behind the last record of which something was given.
    pub fn behind(self) -> u64 {
        self.record.saturating_add(u64::from(self.index > 0))
    }
}

/// What a consumer's place file says: what comes next for it, and by which records, newest first, that place is known again in
/// a ledger that was put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub next: Cursor,
    pub given: Vec<(u64, [u8; 32])>,
}

impl Place {
    pub fn to_text(&self) -> String {
        let mut text = format!("{} {}\n", self.next.record, self.next.index);
        for (seq, hash) in &self.given {
            text += &format!("{seq} ");
            text.extend(hash.iter().map(|byte| format!("{byte:02x}")));
            text.push('\n');
        }
        text
    }

    /// None if the text is no place.
    pub fn from_text(text: &str) -> Option<Place> {
        let mut lines = text.lines();
        let (record, index) = lines.next()?.split_once(' ')?;
        let next = Cursor { record: record.parse().ok()?, index: index.parse().ok()? };
        let given = lines.map(|line| {
            let (seq, hex) = line.split_once(' ')?;
            let bytes: Option<Vec<u8>> =
                (0..64).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect();
            Some((seq.parse().ok()?, bytes?.try_into().ok()?))
        });
        Some(Place { next, given: given.collect::<Option<_>>()? })
    }
}

/// Whether a text can name a consumer: a name without `/` and `:`, as it becomes part of a file's name.
pub(super) fn is_consumer(name: &str) -> bool {
    is_name(name) && !name.contains(['/', ':'])
}
