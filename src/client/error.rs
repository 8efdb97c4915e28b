//! What can go wrong in a client, and what to do.

use std::fmt;

use crate::ledger;

/// What kind of thing went wrong. Numbers are stable and never reused; the C ABI's status codes are these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument is not what the call takes.
    Argument = 100,
    /// The application file cannot be read, or says something impossible.
    App = 101,
    /// A scenario is malformed.
    Scenario = 102,
    /// A document cannot be made from these claims.
    Claims = 103,
    /// A policy is not valid.
    Policy = 104,
    /// The application's secret or the install secret does not open the ledger.
    WrongKey = 200,
    /// No ledger lies there.
    Missing = 300,
    /// Another process holds the ledger's lock.
    Busy = 301,
    /// The folder or file cannot be written.
    ReadOnly = 302,
    /// The disk is full.
    Full = 303,
    /// The folder is not there and cannot be made.
    NoFolder = 304,
    /// What lies there is no ledger.
    NotALedger = 305,
    /// The ledger is of a newer format or level.
    Newer = 306,
    /// A drill's ledger was opened as a real one, or the other way round.
    Drill = 307,
    /// A ledger lies there already.
    Exists = 308,
    /// The ledger is damaged beyond what can be read.
    Damaged = 309,
    /// Any other error of the operating system.
    Io = 310,
    /// The client was closed.
    Closed = 400,
    /// The platform, or the file system in that place, cannot do this.
    Unsupported = 401,
    /// A record is larger than a ledger takes.
    TooLarge = 402,
    /// A bug in this library.
    Internal = 900,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: &'static [ErrorKind] = &[
        ErrorKind::Argument,
        ErrorKind::App,
        ErrorKind::Scenario,
        ErrorKind::Claims,
        ErrorKind::Policy,
        ErrorKind::WrongKey,
        ErrorKind::Missing,
        ErrorKind::Busy,
        ErrorKind::ReadOnly,
        ErrorKind::Full,
        ErrorKind::NoFolder,
        ErrorKind::NotALedger,
        ErrorKind::Newer,
        ErrorKind::Drill,
        ErrorKind::Exists,
        ErrorKind::Damaged,
        ErrorKind::Io,
        ErrorKind::Closed,
        ErrorKind::Unsupported,
        ErrorKind::TooLarge,
        ErrorKind::Internal,
    ];

    /// A stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            ErrorKind::Argument => "argument",
            ErrorKind::App => "app",
            ErrorKind::Scenario => "scenario",
            ErrorKind::Claims => "claims",
            ErrorKind::Policy => "policy",
            ErrorKind::WrongKey => "wrong_key",
            ErrorKind::Missing => "missing",
            ErrorKind::Busy => "busy",
            ErrorKind::ReadOnly => "read_only",
            ErrorKind::Full => "full",
            ErrorKind::NoFolder => "no_folder",
            ErrorKind::NotALedger => "not_a_ledger",
            ErrorKind::Newer => "newer",
            ErrorKind::Drill => "drill",
            ErrorKind::Exists => "exists",
            ErrorKind::Damaged => "damaged",
            ErrorKind::Io => "io",
            ErrorKind::Closed => "closed",
            ErrorKind::Unsupported => "unsupported",
            ErrorKind::TooLarge => "too_large",
            ErrorKind::Internal => "internal",
        }
    }
}

/// What went wrong: what happened, to which thing, and what to do next.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

impl Error {
    /// An error of a kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into() }
    }

    /// What kind of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What happened, to which thing, and what to do next, in English.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<ledger::Error> for Error {
    fn from(error: ledger::Error) -> Error {
        use ledger::ErrorKind as L;
        let kind = match error.kind() {
            L::Missing => ErrorKind::Missing,
            L::Busy => ErrorKind::Busy,
            L::ReadOnly => ErrorKind::ReadOnly,
            L::Full => ErrorKind::Full,
            L::NoFolder => ErrorKind::NoFolder,
            L::NotALedger => ErrorKind::NotALedger,
            L::NewerFormat | L::Level => ErrorKind::Newer,
            L::WrongKey => ErrorKind::WrongKey,
            L::DrillMismatch => ErrorKind::Drill,
            L::Exists => ErrorKind::Exists,
            L::TooLarge => ErrorKind::TooLarge,
            L::Damaged => ErrorKind::Damaged,
            L::Misuse => ErrorKind::Argument,
            L::Poisoned | L::Replaced | L::Io => ErrorKind::Io,
        };
        Error::new(kind, error.to_string())
    }
}
