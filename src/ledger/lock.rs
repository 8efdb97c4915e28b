//! The lock that writers hold: advisory, on a file of its own that is never deleted, tried until a deadline.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::error::{Error, ErrorKind, Result};
use super::storage::{Storage, StorageLock};

/// The held lock of one ledger. It excludes every other handle, in this process too, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    _guard: Box<dyn StorageLock>,
    /// Which handle has settled under this lock; 0 for none.
    settled: AtomicU64,
}

impl Lock {
    pub(crate) fn check(&self, path: &Path) -> Result<()> {
        if self.path == path {
            return Ok(());
        }
        Err(Error::at(ErrorKind::Misuse, path, "the lock that is held is another ledger's; take this one's"))
    }

    pub(crate) fn settle(&self, handle: u64) {
        self.settled.store(handle, Ordering::Relaxed);
    }

    pub(crate) fn check_settled(&self, path: &Path, handle: u64) -> Result<()> {
        self.check(path)?;
        if self.settled.load(Ordering::Relaxed) == handle {
            return Ok(());
        }
        Err(Error::at(
            ErrorKind::Misuse,
            path,
            "nothing is appended before this handle has settled under this lock; call settle first",
        ))
    }
}

/// Tries once.
pub(crate) fn try_lock(storage: &dyn Storage, path: &Path) -> Result<Option<Lock>> {
    let guard = storage.try_lock(path).map_err(|err| Error::io(&err, "locking", path))?;
    Ok(guard.map(|guard| Lock { path: path.to_path_buf(), _guard: guard, settled: AtomicU64::new(0) }))
}

/// Tries until the deadline, sleeping a little longer each time.
pub(crate) fn lock(storage: &dyn Storage, path: &Path, timeout: Duration) -> Result<Lock> {
    let start = Instant::now();
    let mut pause = Duration::from_micros(50);
    loop {
        if let Some(lock) = try_lock(storage, path)? {
            return Ok(lock);
        }
        let left = timeout.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Err(Error::at(
                ErrorKind::Busy,
                path,
                format!(
                    "another program held the lock for {} ms; try again, or close the program that hangs",
                    timeout.as_millis()
                ),
            ));
        }
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(Duration::from_millis(5));
    }
}
