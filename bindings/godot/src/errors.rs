//! What a call says that could not do its work.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ThreadId};

use godot::prelude::*;
use reprieve::client::{Error, ErrorKind};

/// Why a call could not do its work.
///
/// It is given by [code]last_error[/code] of the object that was asked, and by [method ReprieveClient.get_open_error] and
/// [method ReprieveDrill.get_open_error] for what was not made. [b]An error is no refusal[/b]: let the customer work on.
#[derive(GodotClass)]
#[class(no_init, base = RefCounted)]
pub struct ReprieveError {
    /// Its number, the same in every language: one of this class's constants.
    #[var(no_set)]
    status: i64,
    /// Its word, the same in every language, such as [code]"busy"[/code].
    #[var(no_set)]
    word: GString,
    /// What happened, to which thing, and what to do next, in English.
    #[var(no_set)]
    message: GString,
    base: Base<RefCounted>,
}

impl ReprieveError {
    /// What Godot sees of an error.
    pub fn of(error: &Error) -> Gd<ReprieveError> {
        Gd::from_init_fn(|base| ReprieveError {
            status: i64::from(error.kind() as u32),
            word: GString::from(error.kind().as_str()),
            message: GString::from(error.message()),
            base,
        })
    }
}

#[godot_api]
impl IRefCounted for ReprieveError {
    fn to_string(&self) -> GString {
        self.message.clone()
    }
}

#[godot_api]
impl ReprieveError {
    /// An argument is not what the call takes: mend the call.
    #[constant]
    const ARGUMENT: i64 = ErrorKind::Argument as i64;
    /// The application file cannot be read, or says something impossible.
    #[constant]
    const APP: i64 = ErrorKind::App as i64;
    /// A drill's scenario is malformed.
    #[constant]
    const SCENARIO: i64 = ErrorKind::Scenario as i64;
    /// A document cannot be made from these claims; or a server's answer has no documents: report [constant ReprieveClient.OUTAGE_SERVER].
    #[constant]
    const CLAIMS: i64 = ErrorKind::Claims as i64;
    /// A policy is not valid.
    #[constant]
    const POLICY: i64 = ErrorKind::Policy as i64;
    /// Neither the application's secret nor the install secret opens the ledger.
    #[constant]
    const WRONG_KEY: i64 = ErrorKind::WrongKey as i64;
    /// No ledger lies there, and none was to be made.
    #[constant]
    const MISSING: i64 = ErrorKind::Missing as i64;
    /// Another process holds the ledger's lock: try again.
    #[constant]
    const BUSY: i64 = ErrorKind::Busy as i64;
    /// The folder or a file cannot be written.
    #[constant]
    const READ_ONLY: i64 = ErrorKind::ReadOnly as i64;
    /// The disk is full. Checks go on meanwhile.
    #[constant]
    const FULL: i64 = ErrorKind::Full as i64;
    /// The folder is not there and cannot be made.
    #[constant]
    const NO_FOLDER: i64 = ErrorKind::NoFolder as i64;
    /// What lies there is no ledger.
    #[constant]
    const NOT_A_LEDGER: i64 = ErrorKind::NotALedger as i64;
    /// The ledger is of a newer format or level: update the game.
    #[constant]
    const NEWER: i64 = ErrorKind::Newer as i64;
    /// A drill's ledger was opened as a real one, or the other way round.
    #[constant]
    const DRILL: i64 = ErrorKind::Drill as i64;
    /// Something lies there already.
    #[constant]
    const EXISTS: i64 = ErrorKind::Exists as i64;
    /// Damaged beyond what can be read: keep the files, and appeal.
    #[constant]
    const DAMAGED: i64 = ErrorKind::Damaged as i64;
    /// Any other error of the system; the text names it.
    #[constant]
    const IO: i64 = ErrorKind::Io as i64;
    /// The client was closed: open again.
    #[constant]
    const CLOSED: i64 = ErrorKind::Closed as i64;
    /// The platform, the file system or this drill cannot do this.
    #[constant]
    const UNSUPPORTED: i64 = ErrorKind::Unsupported as i64;
    /// A record is larger than a ledger takes.
    #[constant]
    const TOO_LARGE: i64 = ErrorKind::TooLarge as i64;
    /// A bug in the library: report it.
    #[constant]
    const INTERNAL: i64 = ErrorKind::Internal as i64;
}

/// The errors of each thread's last call on an object, so that a call in another thread does not hide one.
pub struct Last(Mutex<Vec<(ThreadId, Error)>>);

/// Of how many threads errors are kept.
const THREADS: usize = 64;

impl Last {
    /// No call has failed yet.
    pub const fn new() -> Last {
        Last(Mutex::new(Vec::new()))
    }

    /// Notes how a call of this thread ended, and gives what it gave.
    pub fn note<R>(&self, result: Result<R, Error>) -> Option<R> {
        let this = thread::current().id();
        let mut errors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        errors.retain(|(thread, _)| *thread != this);
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                if errors.len() == THREADS {
                    errors.remove(0);
                }
                errors.push((this, error));
                None
            }
        }
    }

    /// The error of this thread's last call.
    pub fn get(&self) -> Option<Gd<ReprieveError>> {
        let this = thread::current().id();
        let errors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        errors.iter().find(|(thread, _)| *thread == this).map(|(_, error)| ReprieveError::of(error))
    }
}

/// A panic is an error of kind internal, and never leaves a call.
pub fn caught<R>(call: impl FnOnce() -> Result<R, Error>) -> Result<R, Error> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|payload| Err(bug(payload)))
}

/// What a panic said. The payload's own drop may panic too.
fn bug(payload: Box<dyn Any + Send>) -> Error {
    let said = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned());
    let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
    Error::new(ErrorKind::Internal, format!("a bug in reprieve: {said}; please report it"))
}

/// An argument that is not what the call takes.
pub fn argument(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Argument, text)
}
