//! Which ledger a command is about: an application's, or that of a drill's folder.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reprieve::client::{App, Builder, Client};
use reprieve::drill::Drill;
use reprieve::ledger::{Config, Disk, OpenMode, Storage, StorageFile, StorageLock};

use crate::failure::Failure;

#[derive(clap::Args)]
#[group(skip)]
pub struct Target {
    /// The application file, reprieve.toml.
    #[arg(long, value_name = "FILE", required_unless_present = "drill")]
    pub app: Option<PathBuf>,
    /// The ledger's folder, in place of the application file's.
    #[arg(long, value_name = "FOLDER", conflicts_with = "drill")]
    pub folder: Option<PathBuf>,
    /// The witness's folder, in place of the application file's.
    #[arg(long, value_name = "FOLDER", conflicts_with = "drill")]
    pub witness: Option<PathBuf>,
    /// The folder of a drill that `reprieve world new` made, in place of --app.
    #[arg(long, value_name = "FOLDER", conflicts_with = "app")]
    pub drill: Option<PathBuf>,
}

/// A client, and the drill that it belongs to.
pub struct Open {
    pub client: Client,
    drill: Option<Drill>,
}

impl Open {
    /// Closes the ledger as a product does.
    pub fn close(self) -> Result<(), Failure> {
        let closed = self.client.close();
        drop(self.drill);
        Ok(closed?)
    }
}

impl Target {
    /// That of a drill's folder.
    pub fn drill(folder: PathBuf) -> Target {
        Target { app: None, folder: None, witness: None, drill: Some(folder) }
    }

    fn builder(&self) -> Result<Builder, Failure> {
        let Some(app) = &self.app else { return Err(Failure::input("give --app FILE, or --drill FOLDER")) };
        let mut app = App::from_file(app)?;
        // A ledger that may not be written is to be told of, not replaced by one in memory.
        app.memory_if_read_only = false;
        let mut builder = Builder::new(app).create(false);
        if let Some(folder) = &self.folder {
            builder = builder.folder(folder);
        }
        if let Some(witness) = &self.witness {
            builder = builder.witness(witness);
        }
        Ok(builder)
    }

    /// Where the ledger's files lie and what opens them.
    pub fn config(&self) -> Result<Config, Failure> {
        match &self.drill {
            Some(folder) => drill_config(folder),
            None => Ok(self.builder()?.config()?),
        }
    }

    /// Opens the ledger as a product does, so that it answers as a product would. None is made where none lies.
    pub fn open(&self) -> Result<Open, Failure> {
        self.open_or_create(false)
    }

    /// The same, and if so wished a ledger is made where none lies.
    pub fn open_or_create(&self, create: bool) -> Result<Open, Failure> {
        if let Some(folder) = &self.drill {
            if generations(&drill_config(folder)?)?.is_empty() {
                return Err(missing(&folder.join("ledger")));
            }
            let drill = Drill::open(folder)?;
            return Ok(Open { client: drill.client()?, drill: Some(drill) });
        }
        let builder = self.builder()?.create(create);
        // Where there is no place for a ledger, a product goes on in memory; here that is an error.
        builder.config()?;
        Ok(Open { client: builder.open()?, drill: None })
    }
}

fn missing(folder: &Path) -> Failure {
    Failure::input(format!("{}: there is no ledger; check the folder", folder.display()))
}

/// A drill's ledger without opening a client on it: what reads must not record.
fn drill_config(folder: &Path) -> Result<Config, Failure> {
    Ok(Drill::builder_of(folder)?.config()?)
}

/// The generations whose files lie in the ledger's folder, the lowest first.
pub fn generations(config: &Config) -> Result<Vec<u64>, Failure> {
    let names = match Disk.list(&config.folder) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::reading(&config.folder, &error)),
    };
    let mut found: Vec<u64> = names.iter().filter_map(|name| generation(name, &config.name)).collect();
    found.sort_unstable();
    Ok(found)
}

/// The generation of a file's name, `NAME.gN.ledger`.
pub fn generation(file: &str, name: &str) -> Option<u64> {
    file.strip_prefix(name)?.strip_prefix(".g")?.strip_suffix(".ledger")?.parse().ok()
}

/// The disk, read only, up to a generation: later ones are not seen, nothing is written, no lock is taken.
#[derive(Debug)]
pub struct Reading {
    name: String,
    upto: u64,
}

impl Reading {
    pub fn new(name: &str, upto: u64) -> Arc<Reading> {
        Arc::new(Reading { name: name.to_owned(), upto })
    }
}

fn read_only() -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, "this command only reads")
}

impl Storage for Reading {
    fn open(&self, path: &Path, mode: OpenMode<'_>) -> io::Result<Box<dyn StorageFile>> {
        match mode {
            OpenMode::Read => Disk.open(path, OpenMode::Read),
            OpenMode::Write | OpenMode::CreateNew { .. } => Err(read_only()),
        }
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(read_only())
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Err(read_only())
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(generation(&name, &self.name).is_none_or(|generation| generation <= self.upto) && Disk.exists(path)?)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let mut names = Disk.list(folder)?;
        names.retain(|name| generation(name, &self.name).is_none_or(|generation| generation <= self.upto));
        Ok(names)
    }

    fn create_folder(&self, _: &Path) -> io::Result<()> {
        Err(read_only())
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Err(read_only())
    }

    fn try_lock(&self, _: &Path) -> io::Result<Option<Box<dyn StorageLock>>> {
        Err(read_only())
    }
}
