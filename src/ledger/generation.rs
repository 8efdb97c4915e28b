//! Beginning files: creation, the next generation, and retiring a ledger.
//!
//! A file is written under a temporary name, its header last; it is synced, named and its name is synced, all under the
//! lock. So a named file is whole, and a temporary one was never used by anybody.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use ring::digest;
use serde::{Deserialize, Serialize};

use super::codec::Reader;
use super::error::{Error, ErrorKind, Result};
use super::files::{Files, GenerationFile, parent};
use super::frame::{MAX_PAYLOAD, OPENING, RECORD, Sealer};
use super::header::{self, Copies, Header, Identity, LOG, NewHeader};
use super::keys::{self, Key, SECRET};
use super::lock::{self, Lock};
use super::log::{Ledger, first_position};
use super::open::{HeadFile, is_complete, open_file, read_log, read_secret};
use super::snapshot;
use super::storage::{OpenMode, Storage, StorageFile, read_full, sync_full, write_full};
use super::tree::Hash;
use super::{Config, Head, KeySource, LedgerId, files_of};

/// Why a new generation began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GenerationCause {
    /// The file before was damaged.
    Damage,
    /// The file before was closed, so that it can be put away.
    Archive,
    /// The data key was changed.
    NewDataKey,
}

impl GenerationCause {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            GenerationCause::Damage => "damage",
            GenerationCause::Archive => "archive",
            GenerationCause::NewDataKey => "new_data_key",
        }
    }

    /// The cause that this word is for.
    pub fn from_word(word: &str) -> Option<GenerationCause> {
        let all = [GenerationCause::Damage, GenerationCause::Archive, GenerationCause::NewDataKey];
        all.into_iter().find(|cause| cause.as_str() == word)
    }
}

impl std::fmt::Display for GenerationCause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the first record of a later generation says of the file before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Why the generation began.
    pub cause: GenerationCause,
    /// The generation before.
    pub before: u64,
    /// How many leaves its tree had.
    pub size: u64,
    /// Its root.
    pub root: Hash,
    /// The hash of its last record.
    pub last_hash: Hash,
    /// SHA-256 of its file.
    pub file_hash: Hash,
    /// Its closing head as a signed note.
    pub closing: String,
}

const OPENING_VERSION: u16 = 1;

impl Opening {
    /// version `u16` = 1, cause `u8` (1 damage, 2 archive, 3 new data key), generation `u64`, size `u64`, root, hash of the last
    /// record, SHA-256 of the file, length `u32` and text of the closing head; what follows is the user's own.
    fn encode(&self, payload: &[u8]) -> Vec<u8> {
        let cause: u8 = match self.cause {
            GenerationCause::Damage => 1,
            GenerationCause::Archive => 2,
            GenerationCause::NewDataKey => 3,
        };
        let mut out = OPENING_VERSION.to_le_bytes().to_vec();
        out.push(cause);
        out.extend_from_slice(&self.before.to_le_bytes());
        out.extend_from_slice(&self.size.to_le_bytes());
        out.extend_from_slice(&self.root);
        out.extend_from_slice(&self.last_hash);
        out.extend_from_slice(&self.file_hash);
        out.extend_from_slice(&(self.closing.len() as u32).to_le_bytes());
        out.extend_from_slice(self.closing.as_bytes());
        out.extend_from_slice(payload);
        out
    }

    fn decode(bytes: &mut Reader<'_>) -> Result<Opening> {
        let unknown = || {
            Error::new(
                ErrorKind::NewerFormat,
                "a generation's first record was written by a later release; update this product",
            )
        };
        if bytes.u16()? != OPENING_VERSION {
            return Err(unknown());
        }
        let cause = match bytes.u8()? {
            1 => GenerationCause::Damage,
            2 => GenerationCause::Archive,
            3 => GenerationCause::NewDataKey,
            _ => return Err(unknown()),
        };
        Ok(Opening {
            cause,
            before: bytes.u64()?,
            size: bytes.u64()?,
            root: bytes.array()?,
            last_hash: bytes.array()?,
            file_hash: bytes.array()?,
            closing: String::from_utf8(bytes.prefixed()?.to_vec()).map_err(|_| unknown())?,
        })
    }
}

/// Takes an opening record apart. One of a later release is left whole, as the payload.
pub(super) fn split_opening(stored: Vec<u8>) -> (Option<Opening>, Vec<u8>) {
    let mut bytes = Reader::new(&stored);
    match Opening::decode(&mut bytes) {
        Ok(opening) => {
            let at = stored.len() - bytes.left();
            (Some(opening), stored[at..].to_vec())
        }
        Err(_) => (None, stored),
    }
}

/// Writes a whole file under its temporary name, names it and syncs the name. The lock is held.
struct NewFile<'a> {
    storage: &'a dyn Storage,
    files: &'a Files,
    header: &'a Header,
    data: &'a Key,
    kind: u16,
    payload: &'a [u8],
    like: Option<&'a std::path::Path>,
}

impl NewFile<'_> {
    fn write(&self) -> Result<PathBuf> {
        let temporary = self.files.temporary(self.header.generation);
        let named = self.files.generation(self.header.generation);
        let sealer = Sealer::new(self.data, &self.header.id, self.header.generation)?;
        let first = first_position(self.header);
        let link = first.link.unwrap_or_default();
        let frame = sealer.seal(self.kind, self.header.first_seq, LOG, link, self.payload)?;
        let written = self.fill(&temporary, &frame).and_then(|()| {
            let failed = |err: io::Error| Error::io(&err, "naming", &named);
            if self.storage.exists(&named).map_err(failed)? {
                return Err(exists(&named));
            }
            self.storage.rename(&temporary, &named).map_err(failed)
        });
        if let Err(err) = written {
            self.storage.remove(&temporary).ok();
            return Err(err);
        }
        let folder = &self.files.folder;
        self.storage.sync_folder(folder).map_err(|err| Error::io(&err, "syncing the folder", folder))?;
        Ok(named)
    }

    fn fill(&self, temporary: &std::path::Path, frame: &[u8]) -> Result<()> {
        let failed = |err: io::Error| match err.kind() {
            io::ErrorKind::NotFound => Error::at(
                ErrorKind::NoFolder,
                temporary,
                "the folder is not there; make it, or name another in the application file",
            ),
            _ => Error::io(&err, "making the ledger", temporary),
        };
        let file = self.storage.open(temporary, OpenMode::CreateNew { like: self.like }).map_err(failed)?;
        let mut log = frame.to_vec();
        log.resize((LOG as usize + frame.len()).next_multiple_of(64 << 10) - LOG as usize, 0);
        write_full(&*file, &log, LOG).and_then(|()| sync_full(&*file)).map_err(failed)?;
        let copies = Copies::read(&*file, temporary)?;
        header::write(&*file, temporary, self.header, self.data, &copies, &[0, 1], &mut false)?;
        Ok(())
    }
}

fn exists(path: &std::path::Path) -> Error {
    Error::at(ErrorKind::Exists, path, "a ledger lies there already; open it, or `reprieve ledger retire` it first")
}

impl Ledger {
    /// Creates a ledger whose first record is `genesis`. The folder is made if it is not there, and so is the per-install
    /// secret file if the keys need one; a secret that is there is used.
    ///
    /// # Errors
    /// `Exists` if a file of any generation, or a whole temporary one, lies there; `NoFolder`, `ReadOnly`, `Full` and `Busy` as
    /// [`ErrorKind`] says. After any error there is no ledger, unless the last step failed, the sync of its name: then it can
    /// be opened, and whoever does makes sure of the name.
    pub fn create(
        storage: Arc<dyn Storage>,
        config: &Config,
        id: LedgerId,
        level: u32,
        genesis: &[u8],
    ) -> Result<Ledger> {
        let files = files_of(config)?;
        if genesis.len() > MAX_PAYLOAD {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("a record of {} bytes is larger than {MAX_PAYLOAD}", genesis.len()),
            ));
        }
        storage.create_folder(&files.folder).map_err(|err| match err.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Error::io(&err, "making the folder", &files.folder)
            }
            _ => Error::at(
                ErrorKind::NoFolder,
                &files.folder,
                format!("the folder cannot be made: {err}; name another in the application file"),
            ),
        })?;
        let _lock = lock::lock(&*storage, &files.lock(), config.lock_timeout)?;
        for file in files.generations(&*storage)? {
            if !file.temporary || is_complete(&*storage, &file.path)? {
                return Err(exists(&file.path));
            }
            // It never had a name, and nobody is at work on it: the lock is ours.
            storage.remove(&file.path).map_err(|err| Error::io(&err, "removing what a crash left", &file.path))?;
        }
        let secret = make_secret(&*storage, config, None)?;
        let secret = secret.as_deref().map(Vec::as_slice);
        let data = Key::random()?;
        let identity = new_identity()?;
        let slots = keys::make_slots(&id, &data, &config.keys, secret)?;
        let header =
            NewHeader { id, generation: 0, first_seq: 0, level, drill: config.drill, identity: &identity, slots };
        let header = Header::new(header, &data)?;
        let new = NewFile {
            storage: &*storage,
            files: &files,
            header: &header,
            data: &data,
            kind: RECORD,
            payload: genesis,
            like: None,
        };
        let path = new.write()?;
        let which = GenerationFile { generation: 0, temporary: false, path };
        let mut ledger = open_file(storage, config, &files, &which, None, secret, false)?.ledger;
        // It was synced before it was named.
        ledger.known_durable();
        Ok(ledger)
    }

    /// Goes on in a new file: the same ledger, the next generation, sequence numbers going on. Its first record holds what
    /// [`Opening`] says of this file, and `opening`, the caller's own. This file is kept. The lock is held and this handle has
    /// settled under it; afterwards it is this handle that may append under that lock.
    ///
    /// A new data key keeps the slots whose source is at hand; [`dropped_slots`](Ledger::dropped_slots) names the others.
    ///
    /// # Errors
    /// As [`create`](Ledger::create) and [`append`](Ledger::append). After an error the old generation still rules, unless the
    /// last step failed, the sync of the new file's name: the next [`settle`](Ledger::settle) tells which.
    pub fn next_generation(&mut self, lock: &Lock, cause: GenerationCause, opening: &[u8]) -> Result<()> {
        lock.check_settled(&self.files.lock(), self.handle)?;
        self.check_writable()?;
        self.sync()?;
        // The hash of this file is to hold for good, so what stands behind its records is to stay, too: zeros that were filled in
        // ahead, or in a damaged file the evidence.
        if cause == GenerationCause::Damage {
            self.rewrite_as_it_is()?
        } else {
            self.rewrite_zeros()?
        }
        self.sync_file()?;
        let generation = self.highest + 1;
        let temporary = self.files.temporary(generation);
        if self.storage.exists(&temporary).map_err(|err| Error::io(&err, "looking for", &temporary))? {
            self.storage.remove(&temporary).map_err(|err| Error::io(&err, "removing what a crash left", &temporary))?;
        }
        // Of a damaged file is said what its readers find in it: a snapshot may know the hash of a record that is destroyed.
        let end = match cause {
            GenerationCause::Damage => {
                let first = first_position(&self.header);
                read_log(&*self.file, &self.path, &self.sealer, &first, self.position.next_seq)?.end
            }
            GenerationCause::Archive | GenerationCause::NewDataKey => self.position.clone(),
        };
        let about = Opening {
            cause,
            before: self.header.generation,
            size: end.tree.size(),
            root: end.tree.root(),
            last_hash: end.hash,
            file_hash: file_hash(&*self.file).map_err(|err| Error::io(&err, "reading", &self.path))?,
            closing: self.sign(&Head { size: end.tree.size(), root: end.tree.root(), ..self.head() })?,
        };
        let id = self.header.id;
        let secret = read_secret(&*self.storage, &self.config)?;
        let secret = secret.as_deref().map(Vec::as_slice);
        let (data, slots, dropped) = if cause == GenerationCause::NewDataKey {
            let data = Key::random()?;
            let (slots, dropped) = self.slots_for(&data, secret)?;
            (data, slots, dropped)
        } else {
            (self.data.clone(), self.header.slots.clone(), Vec::new())
        };
        let header = Header::new(
            NewHeader {
                id,
                generation,
                first_seq: self.position.next_seq,
                level: self.header.level,
                drill: self.header.drill,
                identity: &self.identity,
                slots,
            },
            &data,
        )?;
        // A file of this number that is gone may have left these behind: they are not the new one's.
        let stale = snapshot::all(&*self.storage, &self.files, &snapshot::key(&data, &id, generation)?, generation);
        let mut left: Vec<PathBuf> = stale.iter().map(|(which, _)| self.files.snapshot(*which)).collect();
        let head = HeadFile::read(&*self.storage, &self.files, &id, &self.header.public_key);
        left.extend(head.filter(|head| head.generation >= generation).map(|_| self.files.head()));
        for path in left {
            self.storage.remove(&path).map_err(|err| Error::io(&err, "removing what another file left", &path))?;
        }
        let payload = about.encode(opening);
        let new = NewFile {
            storage: &*self.storage,
            files: &self.files,
            header: &header,
            data: &data,
            kind: OPENING,
            payload: &payload,
            like: Some(&self.path),
        };
        let path = new.write()?;
        let which = GenerationFile { generation, temporary: false, path };
        // Whoever reads the new file needs no slot for it here: the data key is known.
        let config = Config { keys: KeySource::data_key(data), ..self.config.clone() };
        let mut ledger = open_file(self.storage.clone(), &config, &self.files, &which, None, None, false)?.ledger;
        ledger.config = self.config.clone();
        ledger.known_durable();
        ledger.dropped = dropped;
        ledger.tail_seen = true;
        lock.settle(ledger.handle);
        *self = ledger;
        // A snapshot that somebody is just writing may go too: it is of the generation before.
        for left in self.files.leftovers(&*self.storage).unwrap_or_default() {
            self.storage.remove(&left).ok();
        }
        Ok(())
    }

    /// Moves all files of the ledger aside into the folder `NAME.retired-N`, so that a new one may begin, and returns that
    /// folder. No key is needed. The lock file stays, and so does a secret file that lies elsewhere.
    ///
    /// # Errors
    /// `Missing` if there is no ledger; `Busy` if somebody writes to it; where a move fails.
    pub fn retire(storage: Arc<dyn Storage>, config: &Config) -> Result<PathBuf> {
        let files = files_of(config)?;
        if files.generations(&*storage)?.is_empty() {
            return Err(Error::at(ErrorKind::Missing, &files.generation(0), "there is no ledger to retire"));
        }
        let _lock = lock::lock(&*storage, &files.lock(), config.lock_timeout)?;
        let mut n = 1;
        let folder = loop {
            let folder = files.retired(n);
            if !storage.exists(&folder).map_err(|err| Error::io(&err, "looking for", &folder))? {
                break folder;
            }
            n += 1;
        };
        storage.create_folder(&folder).map_err(|err| Error::io(&err, "making", &folder))?;
        for path in files.retirable(&*storage)? {
            let name = path.file_name().unwrap_or_default();
            storage.rename(&path, &folder.join(name)).map_err(|err| Error::io(&err, "moving aside", &path))?;
        }
        for folder in [&folder, &files.folder] {
            storage.sync_folder(folder).map_err(|err| Error::io(&err, "syncing the folder", folder))?;
        }
        Ok(folder)
    }
}

fn new_identity() -> Result<Identity> {
    let failed = || Error::new(ErrorKind::Io, "the system's cryptography failed: Ed25519");
    Identity::from_secret(Identity::new_secret()?).ok_or_else(failed)
}

/// SHA-256 of a whole file.
pub(super) fn file_hash(file: &dyn StorageFile) -> io::Result<Hash> {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut buf = vec![0; 256 << 10];
    let mut at = 0;
    loop {
        let got = read_full(file, &mut buf, at)?;
        if got == 0 {
            break;
        }
        context.update(&buf[..got]);
        at += got as u64;
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    Ok(out)
}

/// The per-install secret, made if it is not there and needed. One that is there is never overwritten, for another ledger
/// may depend on it; only what a crash left of one beside a ledger that never was is made anew. It gets the owner, group and
/// mode of `like`.
pub(super) fn make_secret(
    storage: &dyn Storage,
    config: &Config,
    like: Option<&std::path::Path>,
) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>> {
    if !config.keys.needs_secret() {
        return Ok(None);
    }
    let path = config.secret_path();
    let folder = parent(&path);
    let failed = |err: io::Error| Error::io(&err, "making the secret file", &path);
    if let Some(secret) = read_secret(storage, config)?.filter(|secret| secret.iter().any(|b| *b != 0)) {
        // Whoever made it may have been killed before it was synced. Whoever may not write it did not make it.
        let synced = storage
            .open(&path, OpenMode::Write)
            .and_then(|file| write_full(&*file, &secret, 0).and_then(|()| sync_full(&*file)))
            .and_then(|()| storage.sync_folder(folder));
        return match synced {
            Err(err) if !matches!(err.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) => {
                Err(failed(err))
            }
            _ => Ok(Some(secret)),
        };
    }
    if storage.exists(&path).map_err(failed)? {
        let size = storage.open(&path, OpenMode::Read).and_then(|file| file.size()).map_err(failed)?;
        if config.install_secret.is_some() || size > SECRET as u64 {
            return Err(Error::at(
                ErrorKind::Damaged,
                &path,
                format!(
                    "the secret file is not whole, of its {SECRET} bytes it has {size} or only zeros; put it back from a backup, or remove it if no ledger depends on it"
                ),
            ));
        }
        storage.remove(&path).map_err(failed)?;
    }
    storage.create_folder(folder).map_err(failed)?;
    let secret = keys::random_secret(SECRET)?;
    let file = match storage.open(&path, OpenMode::CreateNew { like }) {
        Ok(file) => file,
        // Another ledger that shares the file has just made it.
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => return wait_for_secret(storage, config),
        Err(err) => return Err(failed(err)),
    };
    let written =
        write_full(&*file, &secret, 0).and_then(|()| sync_full(&*file)).and_then(|()| storage.sync_folder(folder));
    if let Err(err) = written {
        storage.remove(&path).ok();
        return Err(failed(err));
    }
    Ok(Some(secret))
}

fn wait_for_secret(storage: &dyn Storage, config: &Config) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>> {
    for _ in 0..200 {
        if let Some(secret) = read_secret(storage, config)? {
            return Ok(Some(secret));
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Err(Error::at(
        ErrorKind::Busy,
        &config.secret_path(),
        "another program is making the secret file and does not come to an end; try again",
    ))
}
