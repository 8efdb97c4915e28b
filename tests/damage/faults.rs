//! A disk that fails under an open client, at every call that it makes of the disk: a clear error, the last proven decision, nothing
//! acknowledged falsely, and all goes on when the disk is back.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use reprieve::client::{Client, Error, ErrorKind};
use reprieve::grace::Event;
use reprieve::ledger::{MemoryStorage, OpenMode, Storage, StorageFile, StorageLock};
use reprieve::terms::{Access, LicenseState, Outage};

use super::cases::{each, thorough};
use super::world::World;

/// What a disk does from some call on.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// It has no room: writes and new files fail.
    Full,
    /// Every call fails.
    Broken,
    /// One call fails, the next ones work.
    Once,
    /// Nobody may write.
    ReadOnly,
}

/// A storage of which calls fail.
#[derive(Debug)]
struct Failing {
    inner: MemoryStorage,
    fault: Fault,
    /// How many calls still work; below zero none does, and `i64::MAX` is a sound disk.
    left: AtomicI64,
    calls: AtomicU64,
}

impl Failing {
    fn ask(&self, writes: bool) -> io::Result<()> {
        let concerned = writes || matches!(self.fault, Fault::Broken | Fault::Once);
        if !concerned {
            return Ok(());
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        if self.left.load(Ordering::Relaxed) == i64::MAX {
            return Ok(());
        }
        let left = self.left.fetch_sub(1, Ordering::Relaxed);
        match self.fault {
            _ if left > 0 => Ok(()),
            Fault::Full => Err(io::ErrorKind::StorageFull.into()),
            Fault::ReadOnly => Err(io::ErrorKind::ReadOnlyFilesystem.into()),
            Fault::Once if left < 0 => Ok(()),
            Fault::Broken | Fault::Once => Err(io::Error::other("the disk does not answer")),
        }
    }

    fn arm(&self, after: i64) {
        self.calls.store(0, Ordering::Relaxed);
        self.left.store(after, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct File(Box<dyn StorageFile>, Arc<Failing>);

impl StorageFile for File {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.1.ask(false)?;
        self.0.read_at(buf, offset)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        match self.1.ask(true) {
            // Part of it may have reached the disk.
            Err(err) => {
                self.0.write_at(&buf[..buf.len() / 2], offset)?;
                Err(err)
            }
            Ok(()) => self.0.write_at(buf, offset),
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        self.1.ask(true)?;
        self.0.sync_data()
    }

    fn size(&self) -> io::Result<u64> {
        self.1.ask(false)?;
        self.0.size()
    }

    fn is_named(&self, path: &Path) -> io::Result<bool> {
        self.1.ask(false)?;
        self.0.is_named(path)
    }
}

#[derive(Debug)]
struct Disk(Arc<Failing>);

impl Storage for Disk {
    fn open(&self, path: &Path, mode: OpenMode<'_>) -> io::Result<Box<dyn StorageFile>> {
        self.0.ask(matches!(mode, OpenMode::CreateNew { .. }))?;
        Ok(Box::new(File(self.0.inner.open(path, mode)?, self.0.clone())))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.ask(true)?;
        self.0.inner.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.ask(false)?;
        self.0.inner.remove(path)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.0.ask(false)?;
        self.0.inner.exists(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.0.ask(false)?;
        self.0.inner.list(folder)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.0.ask(false)?;
        self.0.inner.create_folder(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.0.ask(true)?;
        self.0.inner.sync_folder(folder)
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn StorageLock>>> {
        self.0.ask(false)?;
        self.0.inner.try_lock(path)
    }
}

/// What a product asks of its client, and what it must find afterwards if that was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wish {
    Import,
    Report,
    Appeal,
    Request,
    Archive,
    Upkeep,
    NextEvent,
    Acknowledge,
    Status,
    Head,
    Check,
    Close,
}

const WISHES: [Wish; 12] = [
    Wish::Import,
    Wish::Report,
    Wish::Appeal,
    Wish::Request,
    Wish::Archive,
    Wish::Upkeep,
    Wish::NextEvent,
    Wish::Acknowledge,
    Wish::Status,
    Wish::Head,
    Wish::Check,
    Wish::Close,
];

fn ask(client: &Client, wish: Wish, lease: &[u8]) -> Result<(), Error> {
    match wish {
        Wish::Import => client.import(lease).map(|answer| assert!(answer.accepted)),
        Wish::Report => client.report(Outage::Server).map(drop),
        Wish::Appeal => client.appeal(None, "mine").map(drop),
        Wish::Request => client.request().map(drop),
        Wish::Archive => client.archive().map(drop),
        Wish::Upkeep => client.upkeep(),
        Wish::NextEvent => client.next_event("faults").map(drop),
        Wish::Acknowledge => client.acknowledge("faults", 3, 0),
        Wish::Status => client.status("cad").map(drop),
        Wish::Head => client.head().map(drop),
        Wish::Check => {
            client.check("cad", "other");
            Ok(())
        }
        Wish::Close => client.close(),
    }
}

fn clear(error: &Error, fault: Fault, what: &str) {
    let kinds: &[ErrorKind] = match fault {
        Fault::Full => &[ErrorKind::Full],
        Fault::ReadOnly => &[ErrorKind::ReadOnly],
        // What a sync said once is not asked again: the handle is opened anew.
        Fault::Broken | Fault::Once => &[ErrorKind::Io],
    };
    assert!(kinds.contains(&error.kind()), "{what}: {:?} {error}", error.kind());
    let (path, advice) = error.message().split_once(": ").unwrap_or_else(|| panic!("{what}: no path: {error}"));
    assert!(path.contains('/') && advice.contains("; "), "{what}: it names a file, and says what to do: {error}");
}

fn core(client: &Client) -> (Access, Option<LicenseState>) {
    let decision = client.check("cad", "core");
    (decision.access, decision.state)
}

#[test]
fn a_disk_that_fails_at_any_call_costs_an_answer_and_no_more() {
    let world = World::new();
    world.fill(|_| ());
    let lease = world.lease("L7", "cad", &[("new", 50)]);
    // A record of another client's that is still to be read, and time that has passed.
    let builder = world.builder.clone().lock_timeout(Duration::from_millis(5));
    let on = |storage: Arc<dyn Storage>| builder.clone().storage(storage);
    let run =
        |wish: Wish, fault: Fault, after: i64| -> u64 {
            let what = format!("{wish:?}, {fault:?} after {after} calls");
            let inner = world.storage.copy();
            let failing =
                Arc::new(Failing { inner: inner.clone(), fault, left: i64::MAX.into(), calls: AtomicU64::new(0) });
            let client = on(Arc::new(Disk(failing.clone()))).open().unwrap();
            assert!(client.next_event("faults").unwrap().is_none());
            let before = core(&client);
            let other = on(Arc::new(inner.clone())).open().unwrap();
            other.appeal(None, "another's").unwrap();
            failing.arm(after);
            let asked = ask(&client, wish, &lease);
            let calls = failing.calls.load(Ordering::Relaxed);
            if let Err(error) = &asked {
                clear(error, fault, &what);
            }
            if wish != Wish::Close {
                assert_eq!(core(&client), before, "{what}: the last proven decision");
                client.check("cad", "never-seen");
            }
            failing.arm(i64::MAX);
            if wish != Wish::Close {
                // The same again now does what it should, for good.
                ask(&client, wish, &lease).unwrap_or_else(|error| panic!("{what}: again: {error}"));
                client.upkeep().unwrap_or_else(|error| panic!("{what}: upkeep: {error}"));
                client.appeal(None, "afterwards").unwrap_or_else(|error| panic!("{what}: {error}"));
                assert_eq!(core(&client), before, "{what}");
                let status = client.status("cad").unwrap();
                assert!(!status.flags.detached && status.ledger.as_str() == "ok", "{what}: {status:?}");
                client.close().unwrap();
            }
            let fresh = on(Arc::new(inner.copy())).open().unwrap();
            assert_eq!((core(&fresh), fresh.check("cad", "core").ledger.as_str()), (before, "ok"), "{what}");
            let history = fresh.history(0).unwrap();
            let texts = |wanted: &str| {
                let events = history.iter().flat_map(|(_, record)| &record.events);
                events.filter(|event| matches!(event, Event::Appealed { text, .. } if text == wanted)).count()
            };
            assert_eq!(texts("another's"), 1, "{what}");
            assert_eq!(texts("afterwards"), usize::from(wish != Wish::Close), "{what}");
            if wish == Wish::Appeal {
                // One that failed may have been recorded all the same; one that was acknowledged is there.
                assert!((1 + usize::from(asked.is_ok())..=2).contains(&texts("mine")), "{what}: {}", texts("mine"));
            }
            if wish == Wish::Import {
                assert_eq!(fresh.check("cad", "new").access, Access::Full, "{what}");
            }
            assert!(!history.iter().flat_map(|(_, record)| &record.events).any(|event| {
                matches!(event, Event::Damage { .. } | Event::PutBack { .. } | Event::Suspected { .. })
            }));
            calls
        };
    let mut cases = Vec::new();
    for wish in WISHES {
        for fault in [Fault::Full, Fault::Broken, Fault::Once, Fault::ReadOnly] {
            let calls = run(wish, fault, i64::MAX - 1) as i64;
            let step = if thorough() { 1 } else { 1 + calls / 12 };
            cases.extend((0..calls.max(1)).step_by(step as usize).map(|after| (wish, fault, after)));
        }
    }
    assert!(cases.len() > 150, "only {} cases", cases.len());
    each("failing disks", &cases, |(wish, fault, after)| {
        run(*wish, *fault, *after);
    });
}
