//! Full disks, failed syncs, and locks that others hold.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reprieve::ledger::{Config, Disk, ErrorKind, GenerationCause, KeySource, Ledger, LedgerId, MemoryStorage, Storage};

const ID: LedgerId = LedgerId::from_bytes([0xef; 16]);

fn config() -> Config {
    let mut config = Config::new("/l", "a", KeySource::application(b"secret", &[]));
    config.lock_timeout = Duration::from_millis(100);
    config
}

fn create() -> (Arc<MemoryStorage>, Ledger) {
    let storage = Arc::new(MemoryStorage::new());
    let ledger = Ledger::create(storage.clone(), &config(), ID, 1, b"genesis").unwrap();
    (storage, ledger)
}

#[test]
fn a_full_disk_in_the_middle_of_an_append_loses_nothing() {
    let (storage, mut ledger) = create();
    let mut reader = Ledger::open(storage.clone(), &config()).unwrap().ledger;
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    ledger.append(&lock, b"before").unwrap();
    ledger.sync().unwrap();
    let position = (ledger.next_seq(), ledger.head());
    storage.fail_write(Some(0));
    for round in 0..3 {
        let err = ledger.append(&lock, &[7; 5000]).unwrap_err();
        assert_eq!((err.kind(), err.path()), (ErrorKind::Full, Some(Path::new("/l/a.g0.ledger"))));
        assert_eq!((ledger.next_seq(), ledger.head()), position);
        assert_eq!(reader.refresh().unwrap().entries.len(), usize::from(round == 0));
    }
    // Dropped here and read by others, what is half there is a torn tail.
    let other = Ledger::open(Arc::new(storage.copy()), &config()).unwrap();
    assert_eq!((other.entries.len(), other.findings), (2, vec![]));
    // With room again the next record goes in its place, though it is shorter than what was left there.
    storage.fail_write(None);
    assert_eq!(ledger.append(&lock, b"short").unwrap().seq, 2);
    ledger.sync().unwrap();
    drop(lock);
    let mut opened = Ledger::open(storage, &config()).unwrap();
    assert_eq!((opened.entries.len(), &opened.findings), (3, &vec![]));
    let lock = opened.ledger.lock().unwrap();
    assert_eq!(opened.ledger.settle(&lock).unwrap().findings, []);
}

#[test]
fn a_disk_that_fills_up_at_any_write_leaves_a_ledger_or_none() {
    for nth in 0..12 {
        let storage = Arc::new(MemoryStorage::new());
        storage.fail_write(Some(nth));
        match Ledger::create(storage.clone(), &config(), ID, 1, b"genesis") {
            Ok(_) => {}
            Err(err) => {
                assert_eq!(err.kind(), ErrorKind::Full, "write {nth}: {err}");
                storage.fail_write(None);
                assert_eq!(Ledger::open(storage.clone(), &config()).unwrap_err().kind(), ErrorKind::Missing);
                Ledger::create(storage.clone(), &config(), ID, 1, b"genesis").unwrap();
            }
        }
        storage.fail_write(None);
        let mut ledger = Ledger::open(storage.clone(), &config()).unwrap().ledger;
        let lock = ledger.lock().unwrap();
        ledger.settle(&lock).unwrap();
        storage.fail_write(Some(nth));
        let went_on = ledger.next_generation(&lock, GenerationCause::Archive, b"state").is_ok();
        storage.fail_write(None);
        assert_eq!(ledger.generation(), u64::from(went_on));
        ledger.append(&lock, b"on").unwrap();
        drop(lock);
        let opened = Ledger::open(storage, &config()).unwrap();
        assert_eq!((opened.findings, opened.ledger.generation()), (vec![], u64::from(went_on)), "write {nth}");
    }
}

#[test]
fn a_failed_sync_poisons_the_handle_and_no_other() {
    let (storage, mut ledger) = create();
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    let entry = ledger.append(&lock, b"x").unwrap();
    storage.fail_sync(Some(0));
    assert_eq!(ledger.sync().unwrap_err().kind(), ErrorKind::Io);
    assert!(ledger.poisoned() && !ledger.is_durable(entry.seq));
    assert_eq!(ledger.append(&lock, b"y").unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(ledger.sync().unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(ledger.settle(&lock).unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(ledger.save_snapshot(b"", 0).unwrap_err().kind(), ErrorKind::Poisoned);
    drop(lock);
    assert_eq!(ledger.refresh().unwrap().entries, []);

    let mut again = Ledger::open(storage.clone(), &config()).unwrap().ledger;
    assert!(!again.is_durable(entry.seq));
    let writes = storage.counts().0;
    let lock = again.lock().unwrap();
    again.settle(&lock).unwrap();
    again.append(&lock, b"y").unwrap();
    assert_eq!(
        storage.counts().0 - writes,
        3,
        "what was not synced is written again before the new record, and so are the zeros behind it"
    );
    again.sync().unwrap();
    assert!(again.is_durable(entry.seq));
}

#[test]
fn failed_syncs_while_creating_leave_no_ledger() {
    for nth in 0..4 {
        let storage = Arc::new(MemoryStorage::new());
        storage.fail_sync(Some(nth));
        let result = Ledger::create(storage.clone(), &config(), ID, 1, b"genesis");
        if result.is_err() {
            assert_eq!(Ledger::open(storage.clone(), &config()).unwrap_err().kind(), ErrorKind::Missing);
            Ledger::create(storage, &config(), ID, 1, b"genesis").unwrap();
        }
    }
}

#[test]
fn too_large_a_record_is_refused_and_the_largest_is_kept() {
    let (storage, mut ledger) = create();
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    let largest = vec![3; reprieve::ledger::MAX_PAYLOAD];
    assert_eq!(ledger.append(&lock, &[largest.as_slice(), b"x"].concat()).unwrap_err().kind(), ErrorKind::TooLarge);
    ledger.append(&lock, &largest).unwrap();
    ledger.append(&lock, b"x").unwrap();
    drop(lock);
    let opened = Ledger::open(storage, &config()).unwrap();
    assert_eq!((opened.entries.len(), opened.findings), (3, vec![]));
    assert!(opened.entries[1].payload == largest);
}

#[test]
fn a_secret_that_a_crash_cut_short_is_made_anew_only_where_no_ledger_can_depend_on_it() {
    let storage = Arc::new(MemoryStorage::new());
    storage.create_folder(Path::new("/l")).unwrap();
    storage.create_folder(Path::new("/shared")).unwrap();
    storage.write(Path::new("/l/a.secret"), b"");
    storage.write(Path::new("/shared/secret"), b"half");
    let elsewhere = Config { install_secret: Some("/shared/secret".into()), ..config() };
    let err = Ledger::create(storage.clone(), &elsewhere, ID, 1, b"").unwrap_err();
    assert_eq!((err.kind(), err.path()), (ErrorKind::Damaged, Some(Path::new("/shared/secret"))));
    Ledger::create(storage.clone(), &config(), ID, 1, b"").unwrap();
    assert_eq!(storage.read(Path::new("/l/a.secret")).unwrap().len(), 32);
    assert_eq!(storage.read(Path::new("/shared/secret")).unwrap(), b"half");
}

#[cfg(unix)]
mod processes {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};

    const FOLDER: &str = "REPRIEVE_TEST_LEDGER_FOLDER";

    fn disk_config(folder: &Path) -> Config {
        Config { folder: folder.to_path_buf(), ..config() }
    }

    /// Run as a child: takes the lock, says so, and holds it until it is told or killed.
    #[test]
    fn child_that_holds_the_lock() {
        let Some(folder) = std::env::var_os(FOLDER) else { return };
        let ledger = Ledger::open(Arc::new(Disk), &disk_config(Path::new(&folder))).unwrap().ledger;
        let _lock = ledger.lock().unwrap();
        println!("\nHELD");
        std::io::stdout().flush().unwrap();
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).unwrap();
    }

    #[test]
    fn a_lock_that_another_process_holds_is_busy_until_it_dies() {
        let folder = tempfile::tempdir().unwrap();
        let config = disk_config(folder.path());
        let mut ledger = Ledger::create(Arc::new(Disk), &config, ID, 1, b"genesis").unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["processes::child_that_holds_the_lock", "--exact", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let held = BufReader::new(child.stdout.take().unwrap()).lines().any(|line| line.unwrap() == "HELD");
        assert!(held);
        let start = Instant::now();
        let err = ledger.lock().unwrap_err();
        assert_eq!((err.kind(), err.path()), (ErrorKind::Busy, Some(folder.path().join("a.lock").as_path())));
        assert!(start.elapsed() >= Duration::from_millis(100) && start.elapsed() < Duration::from_secs(5));
        assert_eq!(ledger.refresh().unwrap().entries, [], "reading needs no lock");
        child.kill().unwrap();
        child.wait().unwrap();
        let lock = ledger.lock().unwrap();
        ledger.settle(&lock).unwrap();
        ledger.append(&lock, b"x").unwrap();
    }

    /// Run as a child: forks while it holds the lock, and the fork drops what it inherited and ends.
    #[test]
    fn child_that_forks() {
        let Some(folder) = std::env::var_os(FOLDER) else { return };
        let ledger = Ledger::open(Arc::new(Disk), &disk_config(Path::new(&folder))).unwrap().ledger;
        let lock = ledger.lock().unwrap();
        // SAFETY: the other thread of this process, the harness's, only waits and holds no allocator lock; the fork calls
        // nothing but drops and `_exit`.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            let saw_it = ledger.forked();
            drop(lock);
            // SAFETY: ends the fork without running the harness's handlers.
            unsafe { libc::_exit(if saw_it { 7 } else { 1 }) };
        }
        let mut status = 0;
        // SAFETY: `status` is a valid place for the fork's status.
        assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 7 && !ledger.forked());
        println!("\nHELD");
        std::io::stdout().flush().unwrap();
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).unwrap();
        drop(lock);
        println!("\nDROPPED");
        std::io::stdin().read_line(&mut line).unwrap();
    }

    #[test]
    fn a_fork_that_drops_the_lock_it_inherited_does_not_release_it() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::create(Arc::new(Disk), &disk_config(folder.path()), ID, 1, b"genesis").unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["processes::child_that_forks", "--exact", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "HELD"));
        assert!(ledger.try_lock().unwrap().is_none());
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"\n").unwrap();
        assert!(lines.any(|line| line.unwrap() == "DROPPED"));
        assert!(ledger.try_lock().unwrap().is_some());
        drop(stdin);
        assert!(child.wait().unwrap().success());
    }

    #[test]
    fn many_writers_at_once_lose_and_repeat_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { lock_timeout: Duration::from_secs(60), ..disk_config(folder.path()) };
        let disk: Arc<dyn Storage> = Arc::new(Disk);
        Ledger::create(disk.clone(), &config, ID, 1, b"genesis").unwrap();
        std::thread::scope(|scope| {
            for writer in 0..4_u8 {
                let (disk, config) = (disk.clone(), config.clone());
                scope.spawn(move || {
                    let mut ledger = Ledger::open(disk, &config).unwrap().ledger;
                    for n in 0..50_u8 {
                        let lock = ledger.lock().unwrap();
                        assert_eq!(ledger.settle(&lock).unwrap().findings, []);
                        let entry = ledger.append(&lock, &[writer, n]).unwrap();
                        if writer == 0 && n % 20 == 19 {
                            ledger.next_generation(&lock, GenerationCause::Archive, &[writer, n]).unwrap();
                        }
                        drop(lock);
                        if n % 10 == 0 {
                            ledger.sync().unwrap();
                            assert!(ledger.is_durable(entry.seq));
                        }
                    }
                });
            }
            let (disk, config) = (disk.clone(), config.clone());
            scope.spawn(move || {
                let mut ledger = Ledger::open(disk, &config).unwrap().ledger;
                for _ in 0..2000 {
                    assert_eq!(ledger.refresh().unwrap().findings, []);
                }
            });
        });
        let report = reprieve::ledger::verify(disk, &config).unwrap();
        assert!(report.is_clean(), "{report:?}");
        assert_eq!(report.generations.iter().map(|generation| generation.records).sum::<u64>(), 1 + 200 + 2);
    }
}
