//! What can go wrong with a ledger's files, said so that somebody can act on it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What kind of failure an [`Error`] is. A kind says what a program can do about it; the message says it to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// There is no ledger of this name in the folder.
    Missing,
    /// Another process or handle held the lock until the deadline. The path is the lock file's.
    Busy,
    /// The folder or file may not be written by this user.
    ReadOnly,
    /// The disk or a quota is full. Nothing that was acknowledged is lost; the same call may be tried again.
    Full,
    /// The folder is not there and cannot be made.
    NoFolder,
    /// A file lies in the ledger's place that is none. It is left as it is.
    NotALedger,
    /// The file was written by a later release in a format that this one does not know. It is left as it is.
    NewerFormat,
    /// No key slot opens with the keys at hand.
    WrongKey,
    /// A drill's ledger was opened as a real one, or the reverse.
    DrillMismatch,
    /// A ledger lies there already.
    Exists,
    /// A sync failed on this handle. It appends and syncs no more; open the ledger anew.
    Poisoned,
    /// The file was moved away or replaced under this handle, and none took its place.
    Replaced,
    /// The operating system refused a read or a write.
    Io,
    /// A ledger's level can only rise.
    Level,
    /// A record, witness or snapshot is larger than its stated limit.
    TooLarge,
    /// The file is a ledger's, and what is needed to read it is destroyed.
    Damaged,
    /// The caller broke a rule of this interface: another ledger's lock, an append that no `settle` came before, a name
    /// that is no safe file name.
    Misuse,
}

/// A failure: its kind, what happened, to which file, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    path: Option<PathBuf>,
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), path: None }
    }

    pub(crate) fn at(kind: ErrorKind, path: &Path, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), path: Some(path.to_path_buf()) }
    }

    /// What the operating system said when `doing` something ("reading", "making") to `path`.
    pub(crate) fn io(err: &io::Error, doing: &str, path: &Path) -> Error {
        let (kind, advice) = match err.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                (ErrorKind::Full, "make room on this disk and try again; nothing acknowledged is lost")
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                (ErrorKind::ReadOnly, "give this user the right to read and write it")
            }
            io::ErrorKind::NotFound => (ErrorKind::Missing, "check the folder in the application file"),
            io::ErrorKind::NotADirectory => (ErrorKind::NoFolder, "check the folder in the application file"),
            _ => (ErrorKind::Io, "check the disk and try again"),
        };
        Error::at(kind, path, format!("{doing} failed: {err}; {advice}"))
    }

    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The file or folder that it happened to, where there is one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What happened and what to do next, without the path.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{}: {}", path.display(), self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Error {}
