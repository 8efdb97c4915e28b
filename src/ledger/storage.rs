//! Where a ledger's files lie: the trait that the ledger writes through, and the real disk.
//!
//! The trait is as narrow as the ledger's promises need: reads and writes at explicit offsets, a sync of one file's data, a
//! sync of a folder's names, an atomic rename, and a lock that is tried and never waited for. What is not synced may be
//! lost in a crash, in any order and in part; the ledger relies on nothing else.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

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
            OpenMode::Read => options.open(path)?,
            OpenMode::Write => options.write(true).open(path)?,
            OpenMode::CreateNew { like } => {
                options.write(true).create_new(true);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                let file = options.open(path)?;
                if let Some(like) = like {
                    take_ownership_from(&file, like);
                }
                file
            }
        };
        Ok(Box::new(DiskFile(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
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

    #[cfg(unix)]
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        match File::open(folder)?.sync_all() {
            // Some file systems know no sync of a folder; they keep names as they can.
            Err(err) if matches!(err.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
            other => other,
        }
    }

    #[cfg(not(unix))]
    fn sync_folder(&self, _folder: &Path) -> io::Result<()> {
        Ok(())
    }

    #[cfg(unix)]
    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn StorageLock>>> {
        use rustix::fs::FlockOperation;
        // A lock on a file opened for this one purpose excludes other handles of the same process too. Reading is all
        // that flock needs, so that users who share a ledger need not be allowed to write each other's lock file.
        let mut options = OpenOptions::new();
        let file = match options.read(true).open(path) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => options.write(true).create(true).open(path)?,
            other => other?,
        };
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Box::new(DiskLock { file, pid: std::process::id() }))),
            Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => Ok(None),
            Err(err) => Err(err.into()),
        }
    }

    #[cfg(windows)]
    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn StorageLock>>> {
        use std::os::windows::fs::OpenOptionsExt;
        const ERROR_SHARING_VIOLATION: i32 = 32;
        // A file opened with no sharing is opened by nobody else until it is closed.
        match OpenOptions::new().read(true).write(true).create(true).truncate(false).share_mode(0).open(path) {
            Ok(file) => Ok(Some(Box::new(DiskLock { file, pid: std::process::id() }))),
            Err(err) if err.raw_os_error() == Some(ERROR_SHARING_VIOLATION) => Ok(None),
            Err(err) => Err(err),
        }
    }

    #[cfg(not(any(unix, windows)))]
    fn try_lock(&self, _path: &Path) -> io::Result<Option<Box<dyn StorageLock>>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(unix)]
fn take_ownership_from(file: &File, like: &Path) {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    // At best effort: whoever may not give a file away keeps it, and the mode still opens it to the group.
    if let Ok(meta) = fs::metadata(like) {
        let own = file.metadata();
        if own.is_ok_and(|own| own.uid() != meta.uid() || own.gid() != meta.gid())
            && fchown(file, Some(meta.uid()), Some(meta.gid())).is_err()
        {
            fchown(file, None, Some(meta.gid())).ok();
        }
        file.set_permissions(fs::Permissions::from_mode(meta.mode() & 0o666)).ok();
    }
}

#[cfg(not(unix))]
fn take_ownership_from(_file: &File, _like: &Path) {}

impl StorageFile for DiskFile {
    #[cfg(unix)]
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.0, buf, offset)
    }

    #[cfg(unix)]
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(&self.0, buf, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.0, buf, offset)
    }

    #[cfg(windows)]
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_write(&self.0, buf, offset)
    }

    #[cfg(not(any(unix, windows)))]
    fn read_at(&self, _buf: &mut [u8], _offset: u64) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    #[cfg(not(any(unix, windows)))]
    fn write_at(&self, _buf: &[u8], _offset: u64) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn size(&self) -> io::Result<u64> {
        #[cfg(target_os = "linux")]
        if let Ok(found) = no_times::of(&self.0) {
            return Ok(found.stx_size);
        }
        Ok(self.0.metadata()?.len())
    }

    #[cfg(unix)]
    fn is_named(&self, path: &Path) -> io::Result<bool> {
        use std::os::unix::fs::MetadataExt;
        #[cfg(target_os = "linux")]
        if let (Ok(own), Ok(other)) = (no_times::of(&self.0), no_times::at(path)) {
            let id = |found: &rustix::fs::Statx| (found.stx_dev_major, found.stx_dev_minor, found.stx_ino);
            return Ok(id(&own) == id(&other));
        }
        let own = self.0.metadata()?;
        match fs::metadata(path) {
            Ok(other) => Ok(own.dev() == other.dev() && own.ino() == other.ino()),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(err) => Err(err),
        }
    }

    #[cfg(not(unix))]
    fn is_named(&self, path: &Path) -> io::Result<bool> {
        // An open file can be neither removed nor replaced here, only renamed.
        path.try_exists()
    }
}

/// What is asked of a file without its times: since Linux 6.13 a write to a file whose times were read just before stores new ones, and
/// the sync that follows takes half as long again (measured on ext4: 137 us against 93).
#[cfg(target_os = "linux")]
mod no_times {
    use std::fs::File;
    use std::path::Path;

    use rustix::fs::{AtFlags, CWD, Statx, StatxFlags, statx};
    use rustix::io::Result;

    const WANTED: StatxFlags = StatxFlags::INO.union(StatxFlags::SIZE);

    pub(super) fn of(file: &File) -> Result<Statx> {
        statx(file, c"", AtFlags::EMPTY_PATH, WANTED)
    }

    pub(super) fn at(path: &Path) -> Result<Statx> {
        statx(CWD, path, AtFlags::empty(), WANTED)
    }
}

#[derive(Debug)]
struct DiskLock {
    #[cfg_attr(not(unix), allow(dead_code))]
    file: File,
    #[cfg_attr(not(unix), allow(dead_code))]
    pid: u32,
}

impl StorageLock for DiskLock {}

#[cfg(unix)]
impl Drop for DiskLock {
    fn drop(&mut self) {
        // The lock belongs to the open file, which a forked child shares: unlocking releases it although a child still
        // holds the file, and a child that drops what it inherited must not release its parent's.
        if self.pid == std::process::id() {
            rustix::fs::flock(&self.file, rustix::fs::FlockOperation::Unlock).ok();
        }
    }
}
