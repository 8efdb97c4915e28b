//! Looking after a ledger: a new file, other keys, a higher level. Products seldom do; the command line does.

use std::path::PathBuf;

use super::Client;
use super::error::Error;
use super::session::Session;
use crate::ledger::{KeySlot, SlotKind};

/// What [`Client::archive`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archived {
    /// The generation in which the ledger goes on.
    pub generation: u64,
    /// The file before it, to which nothing more is written.
    pub before: PathBuf,
}

/// Which key slots are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotChoice {
    /// All of the application's.
    Application,
    /// The application's but for that of its newest secret: products of earlier releases open by them.
    Older,
    /// Those for a caller's own bytes.
    Caller,
    /// The auditors'.
    Audit,
    /// Those that a later release knows.
    Unknown,
}

impl SlotChoice {
    /// Whether it is such a slot.
    pub fn covers(self, slot: &KeySlot) -> bool {
        match self {
            SlotChoice::Application => slot.kind == SlotKind::Application,
            SlotChoice::Older => slot.kind == SlotKind::Application && slot.opener != Some(0),
            SlotChoice::Caller => slot.kind == SlotKind::Caller,
            SlotChoice::Audit => slot.kind == SlotKind::Audit,
            SlotChoice::Unknown => matches!(slot.kind, SlotKind::Unknown(_)),
        }
    }

    /// A stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            SlotChoice::Application => "application",
            SlotChoice::Older => "older",
            SlotChoice::Caller => "caller",
            SlotChoice::Audit => "audit",
            SlotChoice::Unknown => "unknown",
        }
    }
}

/// What [`Client::rekey`] is to do. With nothing said, the slot of the application's newest secret is made anew, and all others stay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rekey {
    /// Add a slot for the audit key of the application file.
    pub add_audit: bool,
    /// The slots that go. One that the keys at hand open must stay.
    pub drop: Vec<SlotChoice>,
    /// Go on in a new file under a new data key, so that who had the old one reads nothing of what follows. A slot whose source is
    /// not at hand cannot be made for it, and must be among those that go.
    pub new_data_key: bool,
}

/// What [`Client::rekey`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rekeyed {
    /// The slots that the ledger had.
    pub before: Vec<KeySlot>,
    /// Those that it has.
    pub after: Vec<KeySlot>,
    /// The generation in which the ledger goes on.
    pub generation: u64,
    /// With a new data key, the file before, which the old slots still open.
    pub previous: Option<PathBuf>,
}

/// What [`Client::upgrade`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upgraded {
    /// The level that the ledger had.
    pub before: u32,
    /// The level that it has.
    pub level: u32,
}

impl Client {
    /// Goes on in a new file, from all that counts, so that the old one can be put away. It is kept, and complete.
    ///
    /// # Errors
    /// If the ledger cannot be read or written; then the old file goes on.
    pub fn archive(&self) -> Result<Archived, Error> {
        self.with(Session::archive)
    }

    /// Changes which keys open the ledger. Products that have it open go on.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](super::ErrorKind::Argument) if no slot would stay that a key at hand opens, if a new data key would lose a slot that is not named, or if
    /// an audit key is to be added and the application file has none; or if the ledger cannot be read or written. Then nothing was
    /// changed, but with a new data key the slots may have been.
    pub fn rekey(&self, change: &Rekey) -> Result<Rekeyed, Error> {
        self.with(|session| session.rekey(change))
    }

    /// Raises the ledger's level, to the highest that this release knows unless said. Releases that do not know it go on deciding,
    /// say `newer`, and append nothing more. It cannot be taken back.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](super::ErrorKind::Argument) if the ledger has that level already, or this release does not know it; or if the ledger cannot be read or
    /// written.
    pub fn upgrade(&self, level: Option<u32>) -> Result<Upgraded, Error> {
        self.with(|session| session.upgrade(level))
    }
}
