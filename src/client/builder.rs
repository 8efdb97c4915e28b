//! How a client is opened, and where its ledger lies.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use once_cell::race::OnceBox;

use super::app::App;
use super::cells::Cells;
use super::error::{Error, ErrorKind};
use super::session::{Session, Setup};
use super::shared::{Cache, Shared};
use super::{Client, place, records};
use crate::clock::Clock;
use crate::clock::os::OsClock;
use crate::grace::{Brought, Machine};
use crate::ledger::{Config, Disk, KeySource, LedgerId, MemoryStorage, Storage};

/// Who does upkeep: reading the clocks and the ledger, and recording what is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Upkeep {
    /// Checks do it, at most every 10 ms.
    #[default]
    InChecks,
    /// The product calls [`Client::upkeep`] on a thread of its choice, every second or so; then a check never touches the disk.
    /// If none has run for 10 minutes, checks are unknown.
    Own,
}

/// What tells a machine's facts under a ledger's id (L5).
pub(crate) type MachineFacts = Arc<dyn Fn(&str) -> Machine + Send + Sync>;

/// Where a client's ledger lies.
#[derive(Clone, Debug, Default)]
enum Place {
    #[default]
    Default,
    Folder(PathBuf),
    Memory,
}

/// What a client is opened with.
///
/// ```
/// use reprieve::client::{App, Builder};
/// # use reprieve::document::SigningKey;
/// # let root = SigningKey::generate("root-1").unwrap().root_key();
/// let app = App::new("acme", b"sixteen bytes or more", vec![root]);
/// let client = Builder::new(app).in_memory().open().unwrap();
/// let decision = client.check("cad", "core");
/// assert_eq!(decision.access.as_str(), "denied");
/// assert!(decision.flags.in_memory);
/// ```
#[derive(Clone)]
pub struct Builder {
    app: App,
    place: Place,
    witness: Option<PathBuf>,
    upkeep: Upkeep,
    pub(super) lock_timeout: Duration,
    create: bool,
    drill: bool,
    clock: Option<Arc<dyn Clock>>,
    storage: Option<Arc<dyn Storage>>,
    machine: Option<MachineFacts>,
    id: Option<LedgerId>,
}

impl Builder {
    /// The defaults, for a vendor's application.
    pub fn new(app: App) -> Builder {
        Builder {
            app,
            place: Place::Default,
            witness: None,
            upkeep: Upkeep::default(),
            lock_timeout: Duration::from_secs(5),
            create: true,
            drill: false,
            clock: None,
            storage: None,
            machine: None,
            id: None,
        }
    }

    /// The defaults, for an application file.
    ///
    /// # Errors
    /// [`ErrorKind::App`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Builder, Error> {
        Ok(Builder::new(App::from_file(path.as_ref())?))
    }

    /// The ledger's folder, in place of the application file's or the platform's.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Builder {
        self.place = Place::Folder(folder.into());
        self
    }

    /// The witness's folder.
    pub fn witness(mut self, folder: impl Into<PathBuf>) -> Builder {
        self.witness = Some(folder.into());
        self
    }

    /// A ledger in memory, for read-only machines: it ends with the client, and every decision says so.
    pub fn in_memory(mut self) -> Builder {
        self.place = Place::Memory;
        self
    }

    /// Who does upkeep.
    pub fn upkeep(mut self, upkeep: Upkeep) -> Builder {
        self.upkeep = upkeep;
        self
    }

    /// How long a call waits for the ledger's lock; 5 s unless said.
    pub fn lock_timeout(mut self, timeout: Duration) -> Builder {
        self.lock_timeout = timeout;
        self
    }

    /// Whether a ledger is made where none lies; yes unless said.
    pub fn create(mut self, create: bool) -> Builder {
        self.create = create;
        self
    }

    /// Where the ledger's and the witness's files are kept, in place of the disk: for tests of what a failing or full one does.
    pub fn storage(mut self, storage: Arc<dyn Storage>) -> Builder {
        self.storage = Some(storage);
        self
    }

    /// A drill's ledger: its own clock, storage and machine, and a mark that a real open refuses.
    pub(crate) fn drill(
        mut self,
        clock: Arc<dyn Clock>,
        machine: Option<MachineFacts>,
        id: Option<LedgerId>,
    ) -> Builder {
        self.drill = true;
        self.clock = Some(clock);
        self.machine = machine;
        self.id = id;
        self
    }

    /// The application.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Where the ledger's files lie and how they are opened.
    ///
    /// # Errors
    /// [`ErrorKind::App`], or [`ErrorKind::NoFolder`] if there is no default place for this user.
    /// [`ErrorKind::Unsupported`] if it would lie on a network file system.
    pub fn config(&self) -> Result<Config, Error> {
        self.config_making(false)
    }

    fn config_making(&self, make: bool) -> Result<Config, Error> {
        self.app.validate()?;
        // A drill is nobody's licence: it may lie where it likes.
        let mounts = place::Mounts::default();
        let named = |folder: &PathBuf, what, key| {
            if self.drill { Ok(folder.clone()) } else { place::named(folder, what, key, &mounts) }
        };
        let folder = match (&self.place, &self.app.folder) {
            (Place::Folder(folder), _) => named(folder, "ledger", "place.folder")?,
            (Place::Memory, _) => PathBuf::from("memory"),
            (Place::Default, Some(folder)) => named(folder, "ledger", "place.folder")?,
            (Place::Default, None) => place::default_folder(&self.app.vendor, make, &mounts)?,
        };
        let witness = match (&self.place, self.witness.as_ref().or(self.app.witness.as_ref())) {
            (Place::Memory, _) => None,
            (_, Some(witness)) => Some(named(witness, "witness", "place.witness")?),
            // A drill never writes into the user's own folders.
            (_, None) if self.drill => None,
            (_, None) => match place::default_witness(&self.app.vendor, make, &mounts) {
                // That there is none is no offence (L3).
                Err(error) if error.kind() == ErrorKind::Unsupported => None,
                other => Some(other?),
            },
        };
        let older = self.app.older_secrets.iter();
        let newest = KeySource::application(&self.app.secret, &[]);
        let mut keys = older.fold(newest, |keys, secret| keys.with_application_secret(secret));
        if let Some(audit) = self.app.audit_key {
            keys = keys.with_audit_public_key(audit);
        }
        Ok(Config {
            folder,
            name: self.app.ledger.clone(),
            keys,
            witness,
            install_secret: None,
            drill: self.drill,
            lock_timeout: self.lock_timeout,
            fold_version: records::FOLD_VERSION,
        })
    }

    /// Opens the ledger, making it if none lies there.
    ///
    /// # Errors
    /// Every [`ErrorKind`] of the 200s and 300s, and [`ErrorKind::App`]. Nothing is created in the place of a file that
    /// cannot be opened.
    pub fn open(self) -> Result<Client, Error> {
        match self.clone().open_once() {
            Err(error)
                if !matches!(self.place, Place::Memory)
                    && matches!(error.kind(), ErrorKind::ReadOnly | ErrorKind::NoFolder | ErrorKind::Unsupported)
                    && (self.app.memory_if_read_only || self.has_no_local_place()) =>
            {
                self.in_memory().open_once()
            }
            other => other,
        }
    }

    /// Whether nobody named a place, and this user has none that is not on a network.
    fn has_no_local_place(&self) -> bool {
        let default = matches!(self.place, Place::Default) && self.app.folder.is_none();
        let found = default.then(|| place::default_folder(&self.app.vendor, false, &place::Mounts::default()));
        matches!(found, Some(Err(error)) if error.kind() == ErrorKind::Unsupported)
    }

    pub(super) fn open_once(self) -> Result<Client, Error> {
        let config = self.config_making(self.create)?;
        let folder = config.folder.clone();
        let in_memory = matches!(self.place, Place::Memory);
        let storage: Arc<dyn Storage> = match self.storage.clone() {
            Some(storage) => storage,
            None if in_memory => Arc::new(MemoryStorage::new()),
            None => Arc::new(Disk),
        };
        let clock: Arc<dyn Clock> = self.clock.clone().unwrap_or_else(|| OsClock::new());
        let again = Builder { storage: Some(storage.clone()), create: false, ..self.clone() };
        let setup = Setup {
            storage,
            config,
            clock: clock.clone(),
            brought: Brought { roots: self.app.roots.clone(), keys: self.app.keys.as_deref().map(Into::into) },
            in_memory,
            machine: self.machine.unwrap_or_else(|| Arc::new(place::machine)),
            id: self.id,
            create: self.create,
        };
        let session = Session::open(setup)?;
        let held = if in_memory { None } else { place::hold(&folder) };
        let (upkept, uptime) = (clock.coarse(), clock.read().uptime);
        let view = RwLock::new(Some(Arc::new(session.view())));
        let shared = Shared {
            pid: std::process::id(),
            builder: again,
            child: OnceBox::new(),
            closed: AtomicBool::new(false),
            session: Mutex::new(Some(session)),
            view,
            cache: RwLock::new(Cache { upkept, uptime, decisions: HashMap::new() }),
            cells: Cells::new(clock.is_coarse_the_systems()),
            clock,
            upkeep: self.upkeep,
            endpoints: self.app.endpoints.clone(),
            mirrors: self.app.mirrors.clone(),
            _held: held,
        };
        Ok(Client { shared: Arc::new(shared) })
    }
}
