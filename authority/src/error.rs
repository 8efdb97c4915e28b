//! What goes wrong, in words that say what to do, with what a command or an HTTP answer makes of it.

use std::fmt;

/// What kind of trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bad input: it will not work the next time either.
    Input,
    /// Nobody knows this token, or it has ended.
    Unknown,
    /// The token may not do this.
    Denied,
    /// There is no such thing.
    Missing,
    /// It is there already, or something else stands against it.
    Conflict,
    /// A document does not hold: its signature, its role, its approvals.
    Refused,
    /// Too many requests.
    Busy,
    /// The database, a key or the clock: try again, here or elsewhere. Never a refusal.
    Unavailable,
}

/// An error.
#[derive(Clone, Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    clock: bool,
}

/// What may fail.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of a kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), clock: false }
    }

    /// Bad input.
    pub fn input(message: impl Into<String>) -> Error {
        Error::new(Kind::Input, message)
    }

    /// Trouble that passes.
    pub fn unavailable(message: impl Into<String>) -> Error {
        Error::new(Kind::Unavailable, message)
    }

    /// Trouble with this machine's clock, which no other database mends.
    pub fn of_clock(message: impl Into<String>) -> Error {
        Error { clock: true, ..Error::unavailable(message) }
    }

    /// Whether it is this machine's clock that is in the way.
    pub fn is_of_clock(&self) -> bool {
        self.clock
    }

    /// Which kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What happened, and what to do.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Says first where it happened.
    pub fn at(self, place: impl fmt::Display) -> Error {
        Error { message: format!("{place}: {}", self.message), ..self }
    }

    /// How a command ends: 2 for bad input, 1 for what does not hold, 3 for the environment.
    pub fn code(&self) -> u8 {
        match self.kind {
            Kind::Input | Kind::Missing | Kind::Conflict => 2,
            Kind::Refused | Kind::Unknown | Kind::Denied => 1,
            Kind::Busy | Kind::Unavailable => 3,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<sqlx::Error> for Error {
    /// Whatever a database says is no refusal: the answer is "try again".
    fn from(error: sqlx::Error) -> Error {
        Error::unavailable(format!("the database: {error}"))
    }
}

impl From<reprieve::ledger::Error> for Error {
    fn from(error: reprieve::ledger::Error) -> Error {
        Error::input(error.to_string())
    }
}

impl From<reprieve::document::Refused> for Error {
    fn from(refused: reprieve::document::Refused) -> Error {
        Error::new(Kind::Refused, refused.to_string())
    }
}

impl From<reprieve::document::NotIssued> for Error {
    fn from(error: reprieve::document::NotIssued) -> Error {
        match error {
            reprieve::document::NotIssued::Refused(refused) => refused.into(),
            reprieve::document::NotIssued::Key(error) => Error::unavailable(error.to_string()),
        }
    }
}
