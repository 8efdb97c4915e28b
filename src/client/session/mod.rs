//! An open ledger and the state folded from it: the one place that ties reading, deciding and recording together.
//!
//! Deciding and appending are one step under the ledger's lock, or two products would both record what is due once.

mod appeals;
mod care;
mod check;
mod consumers;
mod fold;
mod operate;
mod renewal;
mod witness;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};

use appeals::Rest;
pub(super) use check::View;
use operate::How;
pub(super) use renewal::{Asked, Turn};

use super::error::{Error, ErrorKind};
use super::events::Cursor;
use super::records::{self, LEVEL};
use crate::clock::Clock;
use crate::document;
use crate::grace::{Brought, Live, Machine, Operation, Pending, Quiet, Record, State};
use crate::ledger::{Config, Ledger, LedgerId, Opened, Storage};
use crate::time::Instant;

/// What a session is opened with.
#[derive(Clone)]
pub(super) struct Setup {
    pub storage: Arc<dyn Storage>,
    pub config: Config,
    pub clock: Arc<dyn Clock>,
    pub brought: Brought,
    pub in_memory: bool,
    /// The machine's facts under a ledger's id.
    pub machine: super::MachineFacts,
    /// The id that a new ledger gets; none: a random one.
    pub id: Option<LedgerId>,
    /// Whether a ledger is made where none lies.
    pub create: bool,
}

/// Something that happened and that nobody was told of: pulled on demand, never logged.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// The wall, as it was.
    pub wall: Instant,
    /// What happened.
    pub text: String,
}

pub(super) struct Session {
    setup: Setup,
    ledger: Ledger,
    state: Arc<State>,
    live: Live,
    /// Of which state what is known.
    quiet: Option<(Weak<State>, Quiet)>,
    machine: Arc<Machine>,
    pub(super) pending: Option<Pending>,
    /// A5: the appeals that went with the newest request.
    pub(super) carried: Vec<String>,
    /// A5: until an appeal of this id goes again, if nothing could be left behind for other products.
    rest: Rest,
    /// G2: first uses that checks could not record.
    uses: Vec<(String, String, Instant)>,
    /// L2: damage that is not recorded yet.
    damage: Vec<(Option<u64>, String)>,
    /// L1: a torn tail that is not recorded yet.
    recovered: Option<u64>,
    /// What was read of the ledger may not be all that this handle has passed: it is folded anew first.
    lost: bool,
    /// The file was exchanged for another: the next operation looks at the witness, as an open does.
    replaced: bool,
    newer: bool,
    detached: bool,
    recent: VecDeque<(u64, Arc<Record>)>,
    consumers: HashMap<String, Cursor>,
    /// Earlier generations, newest first, as far as they were asked for.
    earlier: Vec<Ledger>,
    /// The newest record that the witness was told of by this session.
    testified: Option<u64>,
    folded_since_snapshot: u64,
    diagnostics: VecDeque<Diagnostic>,
}

impl Session {
    pub(super) fn open(setup: Setup) -> Result<Session, Error> {
        let opened = match Ledger::open(setup.storage.clone(), &setup.config) {
            Err(error) if error.kind() == crate::ledger::ErrorKind::Missing && setup.create => Session::create(&setup)?,
            other => other?,
        };
        let mut session = Session::fold_opened(setup, opened)?;
        session.operate(How::Open, |_, _| ())?;
        session.bring_keys()?;
        Ok(session)
    }

    /// Makes a new ledger. Who comes second opens what the first one made.
    fn create(setup: &Setup) -> Result<Opened, Error> {
        let id = match setup.id {
            Some(id) => id,
            None => LedgerId::random()?,
        };
        let machine = (setup.machine)(&id.to_string());
        let genesis = records::encode(&Operation::create(&setup.clock.read(), &machine))?;
        match Ledger::create(setup.storage.clone(), &setup.config, id, LEVEL, &genesis) {
            Ok(_) => {}
            Err(error) if error.kind() == crate::ledger::ErrorKind::Exists => {}
            Err(error) => return Err(error.into()),
        }
        Ok(Ledger::open(setup.storage.clone(), &setup.config)?)
    }

    /// D7: a product brings its newest `keys`. Older ones than the ledger's are not offered.
    fn bring_keys(&mut self) -> Result<(), Error> {
        let Some(token) = self.setup.brought.keys.clone() else { return Ok(()) };
        if self.newer || self.state.is_keys(&token) {
            return Ok(());
        }
        let opened = document::open(&token, self.state.trust());
        match opened.result {
            Ok(document::Document::Keys(keys)) if self.state.trust().version().is_none_or(|has| keys.version > has) => {
                self.import(&token).map(|_| ())
            }
            Ok(document::Document::Keys(_)) => Ok(()),
            Ok(_) => Err(Error::new(
                ErrorKind::App,
                "application file: `keys` is no document of the kind keys; copy the newest one",
            )),
            Err(refused) => {
                let text = format!("application file: `keys` is refused ({}): {}", refused.refusal, refused.detail);
                Err(Error::new(ErrorKind::App, text))
            }
        }
    }

    /// What is held in memory is not believed any more: the file is folded anew by the next operation.
    pub(super) fn distrust(&mut self) {
        self.lost = true;
    }

    pub(super) fn set_lock_timeout(&mut self, timeout: std::time::Duration) {
        self.setup.config.lock_timeout = timeout;
        self.ledger.set_lock_timeout(timeout);
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    pub(super) fn live(&self) -> &Live {
        &self.live
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What was recorded is on disk, and the head may be given away.
    pub(super) fn sync(&mut self) -> Result<(), Error> {
        self.sound()?;
        Ok(self.ledger.sync()?)
    }

    pub(super) fn diagnostics(&self) -> Vec<Diagnostic> {
        self.diagnostics.iter().cloned().collect()
    }
}
