//! Forks at bad moments, and what a child may do with the client that it inherited.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod vendor;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use reprieve::client::{ErrorKind, Upkeep};
use reprieve::ledger::{Disk, OpenMode, Storage, StorageFile, StorageLock};
use reprieve::terms::{Access, Outage};
use vendor::Vendor;

/// A disk that keeps one process waiting for ever for each file that it opens.
#[derive(Debug, Default)]
struct Stuck {
    process: AtomicU32,
    waits: AtomicBool,
}

impl Storage for Stuck {
    fn open(&self, path: &Path, mode: OpenMode<'_>) -> io::Result<Box<dyn StorageFile>> {
        while self.process.load(Ordering::Acquire) == std::process::id() {
            self.waits.store(true, Ordering::Release);
            std::thread::sleep(Duration::from_millis(1));
        }
        Disk.open(path, mode)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        Disk.remove(path)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        Disk.exists(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        Disk.list(folder)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        Disk.create_folder(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        Disk.sync_folder(folder)
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn StorageLock>>> {
        Disk.try_lock(path)
    }
}

/// Runs `child` in a fork, and returns what it gives, or 255 if it hangs.
fn in_a_fork(child: impl FnOnce() -> u8) -> u8 {
    // SAFETY: the child calls nothing but this library, `fork`, `alarm`, `waitpid` and `_exit`.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // SAFETY: ends a child that waits for ever.
        unsafe { libc::alarm(20) };
        let code = child();
        // SAFETY: ends the child without running what the parent registered.
        unsafe { libc::_exit(code.into()) };
    }
    let mut status = 0;
    // SAFETY: a child of this process, and a place for its status.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) as u8 } else { 255 }
}

/// A child's thread opens the ledger while another forks: the grandchild inherits an open that nobody brings to an end.
#[test]
fn a_grandchild_that_was_forked_during_its_parents_open_opens_for_itself() {
    let (vendor, folder, disk) = (Vendor::new(), tempfile::tempdir().unwrap(), Arc::new(Stuck::default()));
    let client = vendor.builder(folder.path()).storage(disk.clone()).open().unwrap();
    assert!(client.import(&vendor.lease(3600)).unwrap().accepted);
    let code = in_a_fork(|| {
        disk.process.store(std::process::id(), Ordering::Release);
        let opening = client.clone();
        std::thread::spawn(move || opening.upkeep());
        while !disk.waits.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(1));
        }
        in_a_fork(|| {
            let answers = client.check("cad", "core").access == Access::Full;
            let reports = client.report(Outage::Network).is_ok();
            u8::from(!answers) | u8::from(!reports) << 1
        })
    });
    assert_eq!(code, 0, "1: no answer, 2: no report, 255: it waits for ever");
    assert_eq!(client.check("cad", "core").access, Access::Full);
}

/// Threads of a child that begin at once share what one of them opened.
#[test]
fn a_childs_threads_have_one_ledger() {
    let (vendor, folder) = (Vendor::new(), tempfile::tempdir().unwrap());
    let client = vendor.builder(folder.path()).open().unwrap();
    assert!(client.import(&vendor.lease(3600)).unwrap().accepted);
    let code = in_a_fork(|| {
        let good = std::thread::scope(|scope| {
            let ask = || client.check("cad", "core").access == Access::Full && client.upkeep().is_ok();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().all(|thread| thread.join().unwrap())
        });
        let closed = client.close().is_ok() && client.upkeep().is_err_and(|error| error.kind() == ErrorKind::Closed);
        u8::from(!good) | u8::from(!closed) << 1
    });
    assert_eq!(code, 0, "1: no answer, 2: not closed, 255: it waits for ever");
}

/// A client that a child closed is closed in that child, whether it had opened the ledger or not, and open in its parent.
#[test]
fn what_a_child_closed_decides_nothing_more_in_it() {
    for upkeep in [Upkeep::InChecks, Upkeep::Own] {
        for opened in [false, true] {
            let (vendor, folder) = (Vendor::new(), tempfile::tempdir().unwrap());
            let client = vendor.builder(folder.path()).upkeep(upkeep).open().unwrap();
            assert!(client.import(&vendor.lease(3600)).unwrap().accepted);
            let feature = client.feature("cad", "core").unwrap();
            assert_eq!(feature.check().access(), Access::Full);
            let code = in_a_fork(|| {
                if opened && client.upkeep().is_err() {
                    return 1;
                }
                let closes = client.close().is_ok() && client.close().is_ok();
                let decision = client.check("cad", "core");
                let says = decision.why.trouble.as_ref().is_some_and(|trouble| trouble.contains("closed"));
                let unknown = decision.access == Access::Unknown && feature.check().access() == Access::Unknown;
                let refuses = client.report(Outage::Network).is_err_and(|error| error.kind() == ErrorKind::Closed);
                // A child of the child has nothing open either.
                let handed_down = in_a_fork(|| u8::from(client.check("cad", "core").access == Access::Unknown)) == 1;
                let wrong = [!closes, !says, !unknown, !refuses, !handed_down];
                wrong.iter().rev().fold(0, |all, wrong| all << 1 | u8::from(*wrong)) << 1
            });
            assert_eq!(
                code, 0,
                "1: not opened, 2: not closed, 4: says not why, 8: decides, 16: reports, 32: its child decides; {upkeep:?}, opened: {opened}"
            );
            assert_eq!(feature.check().access(), Access::Full, "the parent's is open");
            assert!(client.report(Outage::Network).is_ok());
        }
    }
}
