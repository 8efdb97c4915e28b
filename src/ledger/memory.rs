//! A place for files in memory, with the semantics of a disk: for machines on which nothing can be written, and for tests.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::storage::{OpenMode, Storage, StorageFile, StorageLock};

/// Files in memory. Clones share them, as processes share a disk; the last clone to go takes them along.
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage(Arc<Mutex<Shared>>);

#[derive(Debug, Default)]
struct Shared {
    files: BTreeMap<PathBuf, Content>,
    folders: BTreeSet<PathBuf>,
    locks: BTreeSet<PathBuf>,
    writes_until_full: Option<u64>,
    syncs_until_failure: Option<u64>,
    writes: u64,
    syncs: u64,
}

type Content = Arc<Mutex<Vec<u8>>>;

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Plain data is whole between any two statements here, so a panic elsewhere leaves it usable.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MemoryStorage {
    /// An empty place.
    pub fn new() -> MemoryStorage {
        MemoryStorage::default()
    }

    /// Lets the `nth` write from now (0 is the next) and all later ones fail as on a full disk, the first of them after
    /// half its bytes. `None` makes room again.
    pub fn fail_write(&self, nth: Option<u64>) {
        hold(&self.0).writes_until_full = nth;
    }

    /// Lets the `nth` sync of a file from now (0 is the next) fail, once.
    pub fn fail_sync(&self, nth: Option<u64>) {
        hold(&self.0).syncs_until_failure = nth;
    }

    /// How many writes and how many syncs of files there were.
    pub fn counts(&self) -> (u64, u64) {
        let shared = hold(&self.0);
        (shared.writes, shared.syncs)
    }

    /// A file's bytes, if it is there.
    pub fn read(&self, path: &Path) -> Option<Vec<u8>> {
        let content = hold(&self.0).files.get(path).cloned();
        content.map(|content| hold(&content).clone())
    }

    /// Puts a file's bytes in place, under open handles too.
    pub fn write(&self, path: &Path, bytes: &[u8]) {
        let content = hold(&self.0).files.entry(path.to_path_buf()).or_default().clone();
        *hold(&content) = bytes.to_vec();
    }

    /// The same files with the same bytes in a place of their own: no lock is held there and no failure is armed.
    pub fn copy(&self) -> MemoryStorage {
        let shared = hold(&self.0);
        let files =
            shared.files.iter().map(|(path, content)| (path.clone(), Arc::new(Mutex::new(hold(content).clone()))));
        MemoryStorage(Arc::new(Mutex::new(Shared {
            files: files.collect(),
            folders: shared.folders.clone(),
            ..Shared::default()
        })))
    }
}

#[derive(Debug)]
struct MemoryFile {
    shared: Arc<Mutex<Shared>>,
    content: Content,
    writable: bool,
}

#[derive(Debug)]
struct MemoryLock {
    shared: Arc<Mutex<Shared>>,
    path: PathBuf,
}

impl StorageLock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        hold(&self.shared).locks.remove(&self.path);
    }
}

impl Storage for MemoryStorage {
    fn open(&self, path: &Path, mode: OpenMode<'_>) -> io::Result<Box<dyn StorageFile>> {
        let mut shared = hold(&self.0);
        let content = match (shared.files.get(path), mode) {
            (Some(_), OpenMode::CreateNew { .. }) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Some(content), _) => content.clone(),
            (None, OpenMode::CreateNew { .. }) => {
                if path.parent().is_some_and(|folder| !shared.folders.contains(folder)) {
                    return Err(io::ErrorKind::NotFound.into());
                }
                let content = Content::default();
                shared.files.insert(path.to_path_buf(), content.clone());
                content
            }
            (None, _) => return Err(io::ErrorKind::NotFound.into()),
        };
        let writable = !matches!(mode, OpenMode::Read);
        Ok(Box::new(MemoryFile { shared: self.0.clone(), content, writable }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut shared = hold(&self.0);
        let content = shared.files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        shared.files.insert(to.to_path_buf(), content);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        hold(&self.0).files.remove(path).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let shared = hold(&self.0);
        Ok(shared.files.contains_key(path) || shared.folders.contains(path))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let shared = hold(&self.0);
        if !shared.folders.contains(folder) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = shared.files.keys().chain(&shared.folders).filter(|path| path.parent() == Some(folder));
        Ok(inside.filter_map(|path| Some(path.file_name()?.to_str()?.to_string())).collect())
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        let mut shared = hold(&self.0);
        for folder in folder.ancestors() {
            shared.folders.insert(folder.to_path_buf());
        }
        Ok(())
    }

    fn sync_folder(&self, _folder: &Path) -> io::Result<()> {
        Ok(())
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn StorageLock>>> {
        let mut shared = hold(&self.0);
        if path.parent().is_some_and(|folder| !shared.folders.contains(folder)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        if !shared.locks.insert(path.to_path_buf()) {
            return Ok(None);
        }
        shared.files.entry(path.to_path_buf()).or_default();
        Ok(Some(Box::new(MemoryLock { shared: self.0.clone(), path: path.to_path_buf() })))
    }
}

impl StorageFile for MemoryFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let content = hold(&self.content);
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
        let n = buf.len().min(content.len() - from);
        buf[..n].copy_from_slice(&content[from..from + n]);
        Ok(n)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        if !self.writable {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let mut taken = buf.len();
        {
            let mut shared = hold(&self.shared);
            shared.writes += 1;
            match shared.writes_until_full {
                // An armed failure first takes half of what it is given; having taken nothing, it says so.
                Some(0) if taken > 1 => {
                    taken /= 2;
                    shared.writes_until_full = Some(u64::MAX);
                }
                Some(0 | u64::MAX) => return Err(io::ErrorKind::StorageFull.into()),
                Some(n) => shared.writes_until_full = Some(n - 1),
                None => {}
            }
        }
        let mut content = hold(&self.content);
        let from = usize::try_from(offset).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        let to = from.checked_add(taken).ok_or(io::ErrorKind::FileTooLarge)?;
        if content.len() < to {
            content.resize(to, 0);
        }
        content[from..to].copy_from_slice(&buf[..taken]);
        Ok(taken)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut shared = hold(&self.shared);
        shared.syncs += 1;
        match shared.syncs_until_failure {
            Some(0) => {
                shared.syncs_until_failure = None;
                Err(io::Error::other("the disk did not take it"))
            }
            Some(n) => {
                shared.syncs_until_failure = Some(n - 1);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn size(&self) -> io::Result<u64> {
        Ok(hold(&self.content).len() as u64)
    }

    fn is_named(&self, path: &Path) -> io::Result<bool> {
        Ok(hold(&self.shared).files.get(path).is_some_and(|content| Arc::ptr_eq(content, &self.content)))
    }
}
