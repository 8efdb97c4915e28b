//! Windows: `LockFileEx`, `FlushFileBuffers`, names that are flushed with their file, and patience with those who look into new files.
//!
//! - **Sharing.** The standard library opens with all that may be shared, deletion too: another process renames, replaces or removes a
//!   file that is open here, and the handle goes on reading it.
//! - **Patience.** Virus scanners, indexers and backups open a file just after it was made or renamed, some without sharing all. What
//!   fails for that is tried again for a short while.
//! - **Names.** A folder cannot be synced. A file that is flushed takes its pending metadata along, its name included: so a new file is
//!   on the disk under its name once it was synced, and a rename flushes the file after it. What is removed may be there again after
//!   a power cut, which no caller minds.
//! - **Rights** come from the folder, which is the user's own in their profile, or the installer's choice. Nothing is taken over.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::windows::fs::{FileExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_DELETE_PENDING, ERROR_IO_PENDING, ERROR_LOCK_VIOLATION, ERROR_SHARING_VIOLATION, HANDLE,
};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ID_INFO, FILE_READ_ATTRIBUTES, FILE_SHARE_READ, FILE_SHARE_WRITE, FileIdInfo,
    GetFileInformationByHandle, GetFileInformationByHandleEx, LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY,
    LockFileEx, UnlockFileEx,
};
use windows_sys::Win32::System::IO::OVERLAPPED;

fn is(err: &io::Error, codes: &[u32]) -> bool {
    err.raw_os_error().is_some_and(|code| codes.contains(&(code as u32)))
}

/// Tries again, for about a quarter of a second in all, while somebody else's handle is in the way.
fn patiently<T>(codes: &[u32], mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    for pause in [1, 2, 4, 8, 16, 32, 64, 128] {
        match attempt() {
            Err(err) if is(&err, codes) => std::thread::sleep(Duration::from_millis(pause)),
            other => return other,
        }
    }
    attempt()
}

/// Somebody has the file open and does not share what is asked for.
const IN_USE: [u32; 1] = [ERROR_SHARING_VIOLATION];

/// The same as names have it: what is open without sharing deletion, or is being deleted, is "denied" too.
const NAME_IN_USE: [u32; 2] = [ERROR_SHARING_VIOLATION, ERROR_ACCESS_DENIED];

fn handle(file: &File) -> HANDLE {
    file.as_raw_handle()
}

pub(super) fn open(options: &OpenOptions, path: &Path) -> io::Result<File> {
    patiently(&IN_USE, || options.open(path))
}

pub(super) fn create_new(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    patiently(&IN_USE, || options.open(path))
}

pub(super) fn take_ownership_from(_file: &File, _like: &Path) {}

/// The new name is on the disk when this returns.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    // Opened before: after the rename, whoever looks into new names could be in the way.
    let file = open(OpenOptions::new().write(true), from)?;
    // The standard library replaces by POSIX semantics what is open elsewhere, where the file system can.
    patiently(&NAME_IN_USE, || fs::rename(from, to))?;
    file.sync_all()
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    patiently(&NAME_IN_USE, || fs::remove_file(path))
}

pub(super) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// `FlushFileBuffers`: data and metadata, and the drive's own cache.
pub(super) fn sync_data(file: &File) -> io::Result<()> {
    file.sync_data()
}

pub(super) fn read_at(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    file.seek_read(buf, offset)
}

pub(super) fn write_at(file: &File, buf: &[u8], offset: u64) -> io::Result<usize> {
    file.seek_write(buf, offset)
}

pub(super) fn size(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.len())
}

/// What names a file on this machine: its volume, or 0 where nobody can tell, and its number there.
fn id(file: &File) -> io::Result<(u64, [u8; 16])> {
    let mut id = FILE_ID_INFO::default();
    // SAFETY: the handle is open, and at most a FILE_ID_INFO is written.
    let known = unsafe {
        GetFileInformationByHandleEx(handle(file), FileIdInfo, (&raw mut id).cast(), size_of::<FILE_ID_INFO>() as u32)
    };
    if known != 0 {
        return Ok((id.VolumeSerialNumber, id.FileId.Identifier));
    }
    // FAT and others have numbers of 64 bits only.
    let mut about = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open, and a BY_HANDLE_FILE_INFORMATION is written.
    if unsafe { GetFileInformationByHandle(handle(file), &raw mut about) } == 0 {
        return Err(io::Error::last_os_error());
    }
    let number = u128::from(about.nFileIndexHigh) << 32 | u128::from(about.nFileIndexLow);
    Ok((u64::from(about.dwVolumeSerialNumber), number.to_le_bytes()))
}

pub(super) fn is_named(file: &File, path: &Path) -> io::Result<bool> {
    // Attributes are shared whatever others have opened.
    match OpenOptions::new().access_mode(FILE_READ_ATTRIBUTES).open(path) {
        Ok(other) => {
            let ((volume, number), (other_volume, other_number)) = (id(file)?, id(&other)?);
            // Wine does not know the volume of a file any longer that was renamed through another handle.
            Ok(number == other_number && (volume == other_volume || volume == 0 || other_volume == 0))
        }
        Err(err) if err.kind() == io::ErrorKind::NotFound || is(&err, &[ERROR_DELETE_PENDING]) => Ok(false),
        Err(err) => Err(err),
    }
}

/// Where the byte lies that is locked: beyond all that a file has. Locks of Windows keep others from reading what they cover.
fn place() -> OVERLAPPED {
    let mut place = OVERLAPPED::default();
    place.Anonymous.Anonymous.Offset = u32::MAX - 1;
    place.Anonymous.Anonymous.OffsetHigh = i32::MAX as u32;
    place
}

/// The lock belongs to the handle, so that it excludes others of the same process too; the system lets go of it with the handle, and
/// so with the process. Reading is all that it needs. (A file opened with nothing shared would exclude as well, but then a scanner that
/// looks into the lock file would hold the lock.) Deletion is not shared: while anybody has the file open, nobody puts another in
/// its place.
pub(super) fn try_lock(path: &Path) -> io::Result<Option<Lock>> {
    let mut options = OpenOptions::new();
    options.read(true).share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE);
    let file = match options.open(path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => {
            options.write(true).create(true).truncate(false).open(path)
        }
        other => other,
    };
    let file = match file {
        Err(err) if is(&err, &IN_USE) => return Ok(None),
        other => other?,
    };
    let mut place = place();
    // SAFETY: the handle is open and not overlapped, so that nothing is pending on `place` after the call.
    let locked = unsafe {
        LockFileEx(handle(&file), LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &raw mut place)
    };
    if locked != 0 {
        return Ok(Some(Lock { file }));
    }
    match io::Error::last_os_error() {
        err if is(&err, &[ERROR_LOCK_VIOLATION, ERROR_IO_PENDING]) => Ok(None),
        err => Err(err),
    }
}

#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Drop for Lock {
    /// A handle that is only closed is unlocked "when the system has the resources".
    fn drop(&mut self) {
        let mut place = place();
        // SAFETY: as where it was locked.
        unsafe { UnlockFileEx(handle(&self.file), 0, 1, 0, &raw mut place) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) -> File {
        fs::write(path, text).unwrap();
        open(OpenOptions::new().read(true).write(true), path).unwrap()
    }

    #[test]
    fn a_lock_excludes_and_lets_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.lock");
        let held = try_lock(&path).unwrap().unwrap();
        assert!(try_lock(&path).unwrap().is_none());
        assert_eq!(fs::read(&path).unwrap(), b"");
        assert!(fs::remove_file(&path).is_err(), "nobody puts another in its place");
        drop(held);
        assert!(try_lock(&path).unwrap().is_some());
        // A scanner that shares nothing: no lock, and no error.
        let scanner = OpenOptions::new().read(true).share_mode(0).open(&path).unwrap();
        assert!(try_lock(&path).unwrap().is_none());
        drop(scanner);
        assert!(try_lock(&path).unwrap().is_some());
    }

    #[test]
    fn a_file_that_is_open_is_renamed_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two, three] = ["one", "two", "three"].map(|name| folder.path().join(name));
        let held = write(&one, "first");
        assert!(is_named(&held, &one).unwrap());
        rename(&one, &two).unwrap();
        assert!(is_named(&held, &two).unwrap());
        assert!(!is_named(&held, &one).unwrap());
        drop(write(&three, "second"));
        if let Err(err) = rename(&three, &two) {
            assert!(std::env::var_os("WINEPREFIX").is_some(), "{err}");
            println!("not run: replacing a file that is open: Wine does not, as Windows does since 10");
            return;
        }
        assert!(!is_named(&held, &two).unwrap());
        let mut text = [0; 9];
        assert_eq!(read_at(&held, &mut text, 0).unwrap(), 5);
        assert_eq!(&text[..5], b"first");
        assert_eq!(read_at(&held, &mut text, 5).unwrap(), 0);
        assert_eq!(fs::read(&two).unwrap(), b"second");
        remove(&two).unwrap();
        assert!(!is_named(&held, &two).unwrap());
    }

    #[test]
    fn somebody_who_looks_into_a_file_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new");
        fs::write(&path, "x").unwrap();
        let scanner = OpenOptions::new().read(true).share_mode(0).open(&path).unwrap();
        let waiting = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(40));
            drop(scanner);
        });
        assert_eq!(open(OpenOptions::new().read(true), &path).unwrap().metadata().unwrap().len(), 1);
        waiting.join().unwrap();
        // For ever is too long.
        let scanner = OpenOptions::new().read(true).share_mode(0).open(&path).unwrap();
        let err = open(OpenOptions::new().read(true), &path).unwrap_err();
        assert!(is(&err, &IN_USE), "{err}");
        drop(scanner);
    }
}
