//! How a command ends: the exit codes that `--help` documents.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use reprieve::client;
use reprieve::ledger;

/// How a command came out that did what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Done {
    /// Nothing is wrong.
    Well,
    /// It checked something, and that does not hold.
    Wrong,
    /// One of several inputs was bad, and the error was printed.
    BadInput,
    /// One of several inputs met trouble of the machine's, and the error was printed.
    Trouble,
}

impl Done {
    pub fn code(self) -> u8 {
        match self {
            Done::Well => 0,
            Done::Wrong => 1,
            Done::BadInput => 2,
            Done::Trouble => 3,
        }
    }

    /// A check that holds or does not.
    pub fn holds(holds: bool) -> Done {
        if holds { Done::Well } else { Done::Wrong }
    }
}

/// Why a command could not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    kind: Kind,
    message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Wrong,
    Input,
    Environment,
    /// Whoever read the output has had enough: nothing to report.
    Pipe,
}

impl Failure {
    /// Bad input: what, and what to do.
    pub fn input(message: impl Into<String>) -> Failure {
        Failure { kind: Kind::Input, message: message.into() }
    }

    /// A check that does not hold, found where nothing more can be shown.
    pub fn wrong(message: impl Into<String>) -> Failure {
        Failure { kind: Kind::Wrong, message: message.into() }
    }

    pub fn environment(message: impl Into<String>) -> Failure {
        Failure { kind: Kind::Environment, message: message.into() }
    }

    /// What the operating system said of a file that was to be read.
    pub fn reading(path: &Path, error: &io::Error) -> Failure {
        Failure::input(format!("{}: {error}; check the name and the rights of the file", path.display()))
    }

    /// What the operating system said of a file that was to be written.
    pub fn writing(path: &Path, error: &io::Error) -> Failure {
        let message = format!("{}: {error}", path.display());
        match error.kind() {
            io::ErrorKind::AlreadyExists => Failure::input(format!("{message}; choose another name")),
            io::ErrorKind::NotFound => Failure::input(format!("{message}; make the folder first")),
            _ => Failure::environment(format!("{message}; check the folder's rights and the disk")),
        }
    }

    /// Says first where it happened.
    pub fn at(self, place: impl Display) -> Failure {
        Failure { message: format!("{place}: {}", self.message), ..self }
    }

    fn done(&self) -> Done {
        match self.kind {
            Kind::Wrong => Done::Wrong,
            Kind::Input => Done::BadInput,
            Kind::Environment => Done::Trouble,
            Kind::Pipe => Done::Well,
        }
    }

    /// Prints the error on stderr and says how the command ends, for a command that goes on with its next input.
    pub fn tell(&self) -> Done {
        if self.kind != Kind::Pipe {
            say(&self.message);
        }
        self.done()
    }

    /// Prints the error and ends the command.
    pub fn report(self) -> ExitCode {
        ExitCode::from(self.tell().code())
    }
}

/// A note on stderr.
pub fn say(message: &str) {
    // There is no better place to tell of an error of stderr's.
    let _ = writeln!(anstream::stderr().lock(), "reprieve: {}", crate::output::visible(message));
}

impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<client::Error> for Failure {
    fn from(error: client::Error) -> Failure {
        use client::ErrorKind as K;
        let kind = match error.kind() {
            K::Busy | K::ReadOnly | K::Full | K::NoFolder | K::Io | K::Closed | K::Unsupported | K::Internal => {
                Kind::Environment
            }
            K::Damaged => Kind::Wrong,
            _ => Kind::Input,
        };
        Failure { kind, message: error.to_string() }
    }
}

impl From<ledger::Error> for Failure {
    fn from(error: ledger::Error) -> Failure {
        client::Error::from(error).into()
    }
}

impl From<io::Error> for Failure {
    /// Of writing to stdout: every other error is told with its file.
    fn from(error: io::Error) -> Failure {
        let kind = if error.kind() == io::ErrorKind::BrokenPipe { Kind::Pipe } else { Kind::Environment };
        Failure { kind, message: format!("writing the output: {error}") }
    }
}
