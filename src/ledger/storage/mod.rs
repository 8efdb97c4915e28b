//! Where a ledger's files lie: the trait that the ledger writes through, and the real disk.
//!
//! The trait is as narrow as the ledger's promises need: reads and writes at explicit offsets, a sync of one file's data, a
//! sync of a folder's names, an atomic rename, and a lock that is tried and never waited for. What is not synced may be
//! lost in a crash, in any order and in part; the ledger relies on nothing else.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

#[cfg(not(any(unix, windows)))]
#[path = "other.rs"]
mod system;
#[cfg(unix)]
#[path = "unix.rs"]
mod system;
#[cfg(windows)]
#[path = "windows.rs"]
mod system;

/// How a file is opened.
#[derive(Clone, Copy, Debug)]
pub enum OpenMode<'a> {
    /// For reading an existing file.
    Read,
    /// For reading and writing an existing file.
    Write,
    /// Makes the file; fails if anything of that name is there. It gets the owner, group and mode of `like` where that
    /// is given and can be read, otherwise it is its owner's alone.
    CreateNew {
        /// The file whose owner, group and mode are taken.
        like: Option<&'a Path>,
    },
}

/// An open file. Handles are independent of names: a file that was renamed or removed stays readable through them.
pub trait StorageFile: Debug + Send + Sync {
    /// Reads at an offset; fewer bytes than asked for are no error, 0 means the end of the file.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes at an offset, the file growing as needed; fewer bytes than given may be written.
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize>;
    /// Makes durable all that was written to the file through any handle, and its length.
    fn sync_data(&self) -> io::Result<()>;
    /// The file's length.
    fn size(&self) -> io::Result<u64>;
    /// Whether `path` still names this very file.
    fn is_named(&self, path: &Path) -> io::Result<bool>;
}

/// A held lock. Dropping it releases it; so does the end of the process.
pub trait StorageLock: Debug + Send + Sync {}

/// A place for files.
pub trait Storage: Debug + Send + Sync {
    /// Opens or makes a file.
    fn open(&self, path: &Path, mode: OpenMode<'_>) -> io::Result<Box<dyn StorageFile>>;
    /// Names a file anew, replacing what had the name, at once for every observer.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a name.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Whether anything has this name.
    fn exists(&self, path: &Path) -> io::Result<bool>;
    /// The names in a folder, in no order. A folder that is not there is an error of kind `NotFound`.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;
    /// Makes a folder and those above it; one that is there is no error.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;
    /// Makes durable the names in a folder: what was made, renamed and removed in it.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    /// Tries to take the exclusive lock that the file stands for, making the file if it is not there; `None` if another
    /// handle has it, be it in this process or another. Never waits.
    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn StorageLock>>>;
}

/// Fills the buffer from `offset`; returns how much there was before the end of the file.
pub(crate) fn read_full(file: &dyn StorageFile, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buf.len() {
        match file.read_at(&mut buf[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    }
    Ok(done)
}

/// Writes the whole buffer at `offset`.
pub(crate) fn write_full(file: &dyn StorageFile, buf: &[u8], offset: u64) -> io::Result<()> {
    let mut done = 0;
    while done < buf.len() {
        match file.write_at(&buf[done..], offset + done as u64) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => done += n,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    }
    Ok(())
}

/// Syncs a file's data. An interrupted sync has said nothing yet: it is asked again. Any other failure is final.
pub(crate) fn sync_full(file: &dyn StorageFile) -> io::Result<()> {
    loop {
        match file.sync_data() {
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Reads a whole file of at most `limit` bytes; a longer one is an error of kind `FileTooLarge`.
pub(crate) fn read_file(storage: &dyn Storage, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = storage.open(path, OpenMode::Read)?;
    let size = file.size()?;
    if size > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it has {size} bytes, the limit is {limit}")));
    }
    let mut bytes = vec![0; size as usize];
    let got = read_full(&*file, &mut bytes, 0)?;
    bytes.truncate(got);
    Ok(bytes)
}

/// The real disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

#[derive(Debug)]
struct DiskFile(File);

impl Storage for Disk {
    fn open(&self, path: &Path, mode: OpenMode<'_>) -> io::Result<Box<dyn StorageFile>> {
        let mut options = OpenOptions::new();
        options.read(true);
        let file = match mode {
            OpenMode::Read => system::open(&options, path)?,
            OpenMode::Write => system::open(options.write(true), path)?,
            OpenMode::CreateNew { like } => {
                let file = system::create_new(options.write(true).create_new(true), path)?;
                if let Some(like) = like {
                    system::take_ownership_from(&file, like);
                }
                file
            }
        };
        Ok(Box::new(DiskFile(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        system::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        system::remove(path)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        match fs::symlink_metadata(path) {
            Ok(_) => Ok(true),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(err) => Err(err),
        }
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            // A name that is not UTF-8 is none of a ledger's.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        system::sync_folder(folder)
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn StorageLock>>> {
        Ok(system::try_lock(path)?.map(|lock| Box::new(lock) as Box<dyn StorageLock>))
    }
}

impl StorageFile for DiskFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        system::read_at(&self.0, buf, offset)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        system::write_at(&self.0, buf, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        system::sync_data(&self.0)
    }

    fn size(&self) -> io::Result<u64> {
        system::size(&self.0)
    }

    fn is_named(&self, path: &Path) -> io::Result<bool> {
        system::is_named(&self.0, path)
    }
}

impl StorageLock for system::Lock {}
