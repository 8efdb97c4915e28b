//! Bytes on disk: an append-only log of sealed records that cannot be changed unseen. It knows nothing of licences.
//!
//! A [`Ledger`] stores records, opaque to it, in one file per generation. Each record is one sealed frame; over the frames
//! grows an RFC 6962 tree, whose signed heads anybody can check. Any number of processes and handles share a ledger: they
//! read without a lock and append under one. What damage costs is the damaged record, and it is named.
//!
//! The life of a record: take the [`Lock`], [`settle`](Ledger::settle) and look at what is new, [`append`](Ledger::append),
//! drop the lock, [`sync`](Ledger::sync). Nothing about a record should leave the process before the sync.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use reprieve::ledger::{Config, KeySource, Ledger, LedgerId, MemoryStorage};
//!
//! # fn main() -> Result<(), reprieve::ledger::Error> {
//! let storage = Arc::new(MemoryStorage::new());
//! let config = Config::new("/ledgers", "acme", KeySource::application(b"the application's secret", &[]));
//! let mut ledger = Ledger::create(storage.clone(), &config, LedgerId::random()?, 1, b"genesis")?;
//! let lock = ledger.lock()?;
//! ledger.settle(&lock)?;
//! let entry = ledger.append(&lock, b"a record")?;
//! drop(lock);
//! ledger.sync()?;
//! assert!(ledger.is_durable(entry.seq));
//!
//! let opened = Ledger::open(storage, &config)?;
//! assert_eq!(opened.entries[1].payload, b"a record");
//! # Ok(())
//! # }
//! ```
//!
//! The format is specified in `docs/ledger-format.md`; each file of this module says its part of it.

mod beside;
mod chain;
pub mod codec;
mod company;
mod error;
mod files;
mod frame;
mod generation;
mod header;
mod keys;
mod lock;
mod log;
mod memory;
pub mod note;
mod open;
mod records;
mod scan;
mod slots;
mod snapshot;
mod storage;
mod sweep;
mod tail;
pub mod tree;
mod verify;
mod witness;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use chain::{Chain, Continuity, Since};
pub use error::{Error, ErrorKind};
pub use frame::{MAX_PAYLOAD, OVERHEAD};
pub use generation::{GenerationCause, Opening};
pub(crate) use keys::is_audit_key;
pub use keys::{AuditSlot, Key, KeySource, SlotKind};
pub use lock::Lock;
pub use log::Ledger;
pub use memory::MemoryStorage;
pub use slots::{KeySlot, Recovered, recover};
pub use snapshot::MAX_STATE;
pub use storage::{Disk, OpenMode, Storage, StorageFile, StorageLock};
pub use tree::Hash;
pub use verify::{
    GenerationReport, HeadBeside, Locked, PublicReport, Verification, audit_slots, audit_slots_of_each, verify,
    verify_public, verify_with,
};
pub use witness::{MAX_WITNESS_BODY, Witness, WitnessRead};

/// What names a ledger for good: 128 random bits, written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerId([u8; 16]);

impl LedgerId {
    /// A new name.
    ///
    /// # Errors
    /// `Io` if the system gives no random bytes.
    pub fn random() -> Result<LedgerId, Error> {
        Ok(LedgerId(keys::random()?))
    }

    /// The name of these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> LedgerId {
        LedgerId(bytes)
    }

    /// The name's bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for LedgerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for LedgerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LedgerId({self})")
    }
}

impl FromStr for LedgerId {
    type Err = Error;

    fn from_str(text: &str) -> Result<LedgerId, Error> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        let number = (text.len() == 32 && text.bytes().all(hex)).then(|| u128::from_str_radix(text, 16).ok()).flatten();
        let malformed = || Error::new(ErrorKind::Misuse, format!("{text:?} is no ledger id, which is 32 of 0-9 a-f"));
        Ok(LedgerId(number.ok_or_else(malformed)?.to_be_bytes()))
    }
}

impl Serialize for LedgerId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { self.0.serialize(serializer) }
    }
}

impl<'de> Deserialize<'de> for LedgerId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<LedgerId, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
        } else {
            Ok(LedgerId(<[u8; 16]>::deserialize(deserializer)?))
        }
    }
}

/// Where a ledger lies and how it is opened.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder that its files lie in.
    pub folder: PathBuf,
    /// The stem of its files' names: 1 to 64 of `A-Z a-z 0-9 _ - .`, no dot at either end.
    pub name: String,
    /// The keys at hand.
    pub keys: KeySource,
    /// The folder that the witness lies in; none is kept without.
    pub witness: Option<PathBuf>,
    /// The per-install secret file; beside the ledger, as `NAME.secret`, if none is named.
    pub install_secret: Option<PathBuf>,
    /// Whether it is a drill's ledger. Drills and real ledgers never open each other's.
    pub drill: bool,
    /// How long [`Ledger::lock`] tries.
    pub lock_timeout: Duration,
    /// The version of the fold that states in snapshots are of: snapshots of another are passed over.
    pub fold_version: u32,
}

impl Config {
    /// A real ledger without a witness, its secret beside it, a lock tried for two seconds, fold version 0.
    pub fn new(folder: impl Into<PathBuf>, name: impl Into<String>, keys: KeySource) -> Config {
        Config {
            folder: folder.into(),
            name: name.into(),
            keys,
            witness: None,
            install_secret: None,
            drill: false,
            lock_timeout: Duration::from_secs(2),
            fold_version: 0,
        }
    }

    pub(crate) fn secret_path(&self) -> PathBuf {
        let beside = || self.folder.join(format!("{}.secret", self.name));
        self.install_secret.clone().unwrap_or_else(beside)
    }
}

/// A record as it was read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its sequence number. The first record of a ledger has 0, and generations go on counting.
    pub seq: u64,
    /// Where its frame stands in the generation's file, for [`Ledger::read_at`].
    pub offset: u64,
    /// The record. For the first of a later generation, what was given to [`Ledger::next_generation`].
    pub payload: Vec<u8>,
    /// The RFC 6962 leaf hash of its frame as stored.
    pub hash: Hash,
    /// What the first record of a later generation says of the file before.
    pub opening: Option<Opening>,
}

/// A ledger just opened.
#[derive(Debug)]
pub struct Opened {
    /// The ledger.
    pub ledger: Ledger,
    /// The state that the snapshot holds which was used, if one was.
    pub snapshot: Option<Vec<u8>>,
    /// A newer state, up to before this record, from a snapshot whose last record is destroyed: no record can be read on from
    /// it, but what it says was sealed by a product of ours.
    pub salvage: Option<(u64, Vec<u8>)>,
    /// All records after the snapshot, or all of this generation.
    pub entries: Vec<Entry>,
    /// What is wrong. Damage is found again at each open until a new generation is begun.
    pub findings: Vec<Finding>,
}

/// What is new since the last look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refreshed {
    /// The new records. If `reopened`, all records of the generation that rules now, and the caller folds anew.
    pub entries: Vec<Entry>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// The ledger's file is another, or its past is: everything read before is void.
    pub reopened: bool,
}

/// What was found to be wrong with a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A write that was never acknowledged was cut off, as after a crash. No offence.
    Torn {
        /// Where the log ended.
        offset: u64,
        /// How many bytes were removed.
        bytes: u64,
        /// The file that they were copied to.
        kept: PathBuf,
    },
    /// The ledger was changed where it was durable.
    Damaged {
        /// The record that it cost or that is odd, where one can be named.
        seq: Option<u64>,
        /// Where in the file.
        offset: u64,
        /// How.
        why: DamageKind,
        /// The same in words.
        text: String,
    },
    /// One copy of the header was not whole, the other is; the holder of the lock repairs it. No offence: a crash leaves this too.
    HeaderRepaired {
        /// Which copy, 0 or 1.
        copy: u8,
    },
    /// A record's frame has a type that a later release writes. Its payload is given as it is.
    Newer {
        /// The record.
        seq: u64,
        /// The frame's type.
        kind: u16,
    },
    /// The file was exchanged for another under an open handle: look at the witness.
    Replaced {
        /// What happened, in words.
        text: String,
    },
}

impl Finding {
    pub(crate) fn damaged(seq: Option<u64>, offset: u64, why: DamageKind, text: String) -> Finding {
        Finding::Damaged { seq, offset, why, text }
    }

    /// Whether it is damage, and no torn tail or repaired header.
    pub fn is_damage(&self) -> bool {
        matches!(self, Finding::Damaged { .. })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Torn { offset, bytes, kept } => {
                write!(
                    f,
                    "{bytes} bytes of an unfinished write were cut off at {offset} and kept in {}",
                    kept.display()
                )
            }
            Finding::Damaged { text, .. } | Finding::Replaced { text } => f.write_str(text),
            Finding::HeaderRepaired { copy } => {
                write!(f, "copy {copy} of the header was not whole; the other one is used")
            }
            Finding::Newer { seq, kind } => write!(f, "record {seq} is of type {kind}, which a later release writes"),
        }
    }
}

/// How a ledger was damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DamageKind {
    /// Where a record stood are the bytes of none.
    BadFrame,
    /// A record is gone, and so is its place.
    Missing,
    /// A record does not follow the one before it: something was put in or exchanged.
    BadLink,
    /// A record stands where another should.
    Misplaced,
    /// Bytes that are no record stand between two records.
    Inserted,
    /// A copy of the header is not authentic (reported by [`verify`] only).
    HeaderCopy,
    /// A generation's file is gone or cannot be read.
    Generation,
    /// The log is not the one that a snapshot of it, or a signed head, was made of.
    OtherHistory,
    /// The first record of a generation does not say what was before, or another record does (reported by [`verify`] only).
    Opening,
    /// A head that was given is not of this file, or not signed by its key (reported by [`verify_public`] only).
    Head,
}

/// How far a ledger reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many leaves the generation's tree has.
    pub size: u64,
    /// The tree's root.
    pub root: Hash,
    /// The sequence number of the last record.
    pub seq: u64,
    /// The generation.
    pub generation: u64,
}

/// The folder and name of a ledger, checked.
pub(crate) fn files_of(config: &Config) -> Result<files::Files, Error> {
    let folder: &Path = if config.folder.as_os_str().is_empty() { Path::new(".") } else { &config.folder };
    files::Files::new(folder, &config.name)
}
