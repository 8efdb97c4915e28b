//! Unix: `flock`, `fdatasync` or what Apple has for it, and the sync of a folder.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

use rustix::fs::FlockOperation;
use rustix::io::Errno;

pub(super) fn open(options: &OpenOptions, path: &Path) -> io::Result<File> {
    options.open(path)
}

/// Its owner's alone.
pub(super) fn create_new(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.mode(0o600).open(path)
}

/// At best effort: whoever may not give a file away keeps it, and the mode still opens it to the group.
pub(super) fn take_ownership_from(file: &File, like: &Path) {
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

pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}

pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    match sync_all(&File::open(folder)?) {
        // Some file systems know no sync of a folder; they keep names as they can.
        Err(err) if matches!(err.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        other => other,
    }
}

#[cfg(not(target_vendor = "apple"))]
fn sync_all(file: &File) -> io::Result<()> {
    file.sync_all()
}

#[cfg(not(target_vendor = "apple"))]
pub(super) fn sync_data(file: &File) -> io::Result<()> {
    file.sync_data()
}

/// There `fsync` stops at the drive's own cache; the standard library asks for F_FULLFSYNC, which empties it too. File systems that do
/// not know it (some of FUSE's, FAT on some drives) are asked for `fsync`: all that they have.
#[cfg(target_vendor = "apple")]
fn sync_all(file: &File) -> io::Result<()> {
    match file.sync_all() {
        Err(err)
            if err.raw_os_error().is_some_and(|code| [libc::ENOTSUP, libc::ENOTTY, libc::EINVAL].contains(&code)) =>
        {
            Ok(rustix::fs::fsync(file)?)
        }
        other => other,
    }
}

#[cfg(target_vendor = "apple")]
pub(super) fn sync_data(file: &File) -> io::Result<()> {
    sync_all(file)
}

pub(super) fn read_at(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(buf, offset)
}

pub(super) fn write_at(file: &File, buf: &[u8], offset: u64) -> io::Result<usize> {
    file.write_at(buf, offset)
}

pub(super) fn size(file: &File) -> io::Result<u64> {
    #[cfg(target_os = "linux")]
    if let Ok(found) = no_times::of(file) {
        return Ok(found.stx_size);
    }
    Ok(file.metadata()?.len())
}

pub(super) fn is_named(file: &File, path: &Path) -> io::Result<bool> {
    #[cfg(target_os = "linux")]
    if let (Ok(own), Ok(other)) = (no_times::of(file), no_times::at(path)) {
        let id = |found: &rustix::fs::Statx| (found.stx_dev_major, found.stx_dev_minor, found.stx_ino);
        return Ok(id(&own) == id(&other));
    }
    let own = file.metadata()?;
    match fs::metadata(path) {
        Ok(other) => Ok(own.dev() == other.dev() && own.ino() == other.ino()),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(err) => Err(err),
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

/// A lock on a file opened for this one purpose excludes other handles of the same process too. Reading is all that flock needs, so
/// that users who share a ledger need not be allowed to write each other's lock file.
pub(super) fn try_lock(path: &Path) -> io::Result<Option<Lock>> {
    let mut options = OpenOptions::new();
    let file = match options.read(true).open(path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => options.write(true).create(true).open(path)?,
        other => other?,
    };
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(Lock { file, pid: std::process::id() })),
        Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(None),
        Err(err) => Err(err.into()),
    }
}

#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    pid: u32,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The lock belongs to the open file, which a forked child shares: unlocking releases it although a child still
        // holds the file, and a child that drops what it inherited must not release its parent's.
        if self.pid == std::process::id() {
            rustix::fs::flock(&self.file, FlockOperation::Unlock).ok();
        }
    }
}
