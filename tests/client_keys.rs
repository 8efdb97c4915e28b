//! Re-keying and upgrading through a client, while others have the ledger open; and a wrong key, as a product meets it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reprieve::client::{App, Builder, Client, ErrorKind, Event, Rekey, SlotChoice};
use reprieve::document::{self, KeyEntry, Keys, Role, SigningKey};
use reprieve::ledger::{Config, Disk, KeySlot, KeySource, Ledger, SlotKind, verify};
use reprieve::terms::{Access, Kind};
use reprieve::time::Instant;
use serde_json::json;

const SECRET: &[u8] = b"the application's secret";
const OLDER: &[u8] = b"an older one of the same";

struct Vendor {
    lease: Vec<u8>,
    app: App,
    folder: tempfile::TempDir,
}

impl Vendor {
    fn new() -> Vendor {
        let root = SigningKey::from_seed("root-1", [99; 32]).unwrap();
        let key = SigningKey::from_seed("lease", [1; 32]).unwrap();
        let keys = Keys {
            version: 1,
            keys: vec![KeyEntry { roles: vec![Role::Lease], ..key.entry(&[]) }],
            roots: vec![root.root_key()],
            endpoints: Vec::new(),
            mirrors: Vec::new(),
            iat: Instant::from_seconds(1_700_000_000),
        };
        let mut app = App::new("acme", SECRET, vec![root.root_key()]);
        app.keys = Some(document::issue(Kind::Keys, &keys.claims(), &[&root]).unwrap());
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let claims =
            json!({ "license": "L1", "sku": "cad", "ledger": "*", "iat": now, "features": { "core": now + 3600 } });
        let lease = document::issue(Kind::Lease, &claims, &[&key]).unwrap();
        Vendor { lease, app, folder: tempfile::tempdir().unwrap() }
    }

    fn builder(&self) -> Builder {
        Builder::new(self.app.clone())
            .folder(self.path("ledger"))
            .witness(self.path("witness"))
            .lock_timeout(Duration::from_secs(2))
    }

    fn open(&self) -> Client {
        self.builder().open().unwrap()
    }

    /// The same application with this secret, and with these older ones.
    fn secrets(&self, secret: &[u8], older: &[&[u8]]) -> Builder {
        let mut app = self.app.clone();
        app.secret = secret.to_vec().into();
        app.older_secrets = older.iter().map(|older| older.to_vec().into()).collect();
        Builder::new(app).folder(self.path("ledger")).witness(self.path("witness"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, generation: u64) -> PathBuf {
        self.path(&format!("ledger/acme.g{generation}.ledger"))
    }

    fn config(&self) -> Config {
        self.builder().config().unwrap()
    }
}

fn access(client: &Client) -> (Access, &'static str) {
    // Past the decision that is given again for some milliseconds.
    std::thread::sleep(Duration::from_millis(12));
    let decision = client.check("cad", "core");
    assert!(!decision.flags.detached && !decision.flags.newer, "{decision:?}");
    (decision.access, decision.ledger.as_str())
}

fn drain(client: &Client) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(event) = client.next_event("till").unwrap() {
        client.acknowledge("till", event.record, event.index).unwrap();
        events.push(event);
    }
    events
}

fn kinds(slots: &[KeySlot]) -> Vec<SlotKind> {
    slots.iter().map(|slot| slot.kind).collect()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

const NEW_DATA_KEY: Rekey = Rekey { add_audit: false, drop: Vec::new(), new_data_key: true };

/// By slot and with a new data key: others go on, places and the witness stay, and nothing is suspected.
#[test]
fn a_concurrent_product_goes_on_through_every_rekey() {
    let vendor = Vendor::new();
    let (one, two) = (vendor.open(), vendor.open());
    one.import(&vendor.lease).unwrap();
    two.next_event("till").unwrap();
    // Enough for a snapshot, which is under the old data key.
    for n in 0..40 {
        one.appeal(None, &format!("appeal {n}")).unwrap();
    }
    one.close().unwrap();
    let one = vendor.open();
    assert!(vendor.path("ledger/acme.snapshot.0").exists());
    drain(&two);
    for (step, change) in [Rekey::default(), NEW_DATA_KEY, Rekey::default(), NEW_DATA_KEY].iter().enumerate() {
        let rekeyed = one.rekey(change).unwrap();
        assert_eq!(kinds(&rekeyed.before), [SlotKind::Application]);
        assert_eq!(kinds(&rekeyed.after), [SlotKind::Application]);
        assert_eq!(rekeyed.generation, [0, 1, 1, 2][step]);
        assert_eq!(rekeyed.previous, change.new_data_key.then(|| vendor.file(rekeyed.generation - 1)));
        assert_eq!((access(&one), access(&two)), ((Access::Full, "ok"), (Access::Full, "ok")));
        // Each of them writes, and the other reads it; who was told of everything before is told of that alone.
        one.appeal(None, &format!("by one {step}")).unwrap();
        two.appeal(None, &format!("by two {step}")).unwrap();
        let told = drain(&two).iter().filter(|event| event.kind.as_str() == "appeal_filed").count();
        assert_eq!(told, 2, "step {step}");
        assert_eq!(two.status("cad").unwrap().generation, rekeyed.generation);
    }
    for client in [&one, &two] {
        let said: Vec<String> = client.diagnostics().into_iter().map(|note| note.text).collect();
        assert_eq!(said, Vec::<String>::new(), "a snapshot under an old data key is passed over in silence");
    }
    one.close().unwrap();
    two.close().unwrap();
    let again = vendor.open();
    assert_eq!(access(&again), (Access::Full, "ok"));
    assert_eq!(drain(&again).len(), 0);
    assert!(again.history(0).unwrap().len() > 48, "earlier files are read with their own keys");
    assert!(verify(Arc::new(Disk), &vendor.config()).unwrap().is_clean());
}

/// L3: the witness outlives the data key.
#[test]
fn a_copy_from_before_a_rekey_that_is_put_back_is_seen() {
    for change in [Rekey::default(), NEW_DATA_KEY] {
        let vendor = Vendor::new();
        let client = vendor.open();
        client.import(&vendor.lease).unwrap();
        client.close().unwrap();
        copy(&vendor.path("ledger"), &vendor.path("copy"));
        let client = vendor.open();
        client.rekey(&change).unwrap();
        client.appeal(None, "after").unwrap();
        client.close().unwrap();
        assert_eq!(access(&vendor.open()), (Access::Full, "ok"));
        std::fs::remove_dir_all(vendor.path("ledger")).unwrap();
        copy(&vendor.path("copy"), &vendor.path("ledger"));
        assert_eq!(access(&vendor.open()), (Access::Full, "suspect"), "{change:?}");
    }
}

#[test]
fn slots_of_older_secrets_go_by_name_alone() {
    let vendor = Vendor::new();
    drop(vendor.secrets(OLDER, &[]).open().unwrap());
    let old_product = vendor.secrets(OLDER, &[]).open().unwrap();
    let client = vendor.secrets(SECRET, &[OLDER]).open().unwrap();
    client.import(&vendor.lease).unwrap();
    let kept = client.rekey(&Rekey::default()).unwrap();
    assert_eq!(kept.after.iter().map(|slot| slot.opener).collect::<Vec<_>>(), [Some(0), Some(1)]);
    drop(vendor.secrets(OLDER, &[]).open().unwrap());
    // With a new data key the older one is made anew too: it is at hand.
    let kept = client.rekey(&NEW_DATA_KEY).unwrap();
    assert_eq!(kept.after.iter().map(|slot| slot.opener).collect::<Vec<_>>(), [Some(0), Some(1)]);
    assert_eq!(access(&old_product), (Access::Full, "ok"));

    // Where it is not at hand a new data key would lose it: only by name.
    drop(client);
    let client = vendor.secrets(SECRET, &[]).open().unwrap();
    let error = client.rekey(&NEW_DATA_KEY).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument, "{error}");
    assert!(error.to_string().contains("application: a secret that is not at hand"), "{error}");
    assert_eq!(client.status("cad").unwrap().generation, 1);
    let rekeyed = client.rekey(&Rekey { drop: vec![SlotChoice::Older], ..NEW_DATA_KEY }).unwrap();
    assert_eq!(rekeyed.after.iter().map(|slot| slot.opener).collect::<Vec<_>>(), [Some(0)]);
    let error = vendor.secrets(OLDER, &[]).open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongKey, "{error}");
    // The product that had it open decides from what it read, and says so.
    std::thread::sleep(Duration::from_millis(12));
    let seen: Vec<_> = (0..20)
        .map(|_| {
            std::thread::sleep(Duration::from_millis(11));
            let decision = old_product.check("cad", "core");
            (decision.access, decision.flags.detached)
        })
        .collect();
    assert_eq!(seen.last(), Some(&(Access::Full, true)));
    assert_eq!(old_product.import(&vendor.lease).unwrap_err().kind(), ErrorKind::WrongKey);

    let error = client.rekey(&Rekey { drop: vec![SlotChoice::Application], ..Rekey::default() }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument, "{error}");
    assert!(error.to_string().contains("no key slot would be left"), "{error}");
    assert_eq!(access(&client), (Access::Full, "ok"));
}

#[test]
fn a_slot_that_another_program_added_stays_until_it_is_named() {
    let vendor = Vendor::new();
    let caller = b"sixteen bytes or more of the caller's";
    let config = Config { keys: vendor.config().keys.with_caller_bytes(caller), ..vendor.config() };
    let mut client = vendor.open();
    client.import(&vendor.lease).unwrap();
    let mut ledger = Ledger::open(Arc::new(Disk), &config).unwrap().ledger;
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    ledger.rekey(&lock, &config.keys).unwrap();
    drop((lock, ledger));
    let by_caller = || {
        let keys = KeySource::caller(caller);
        Ledger::open(Arc::new(Disk), &Config { keys, ..vendor.config() }).map_err(|error| error.kind())
    };
    assert_eq!(kinds(&client.rekey(&Rekey::default()).unwrap().after), [SlotKind::Application, SlotKind::Caller]);
    assert!(by_caller().is_ok());
    let error = client.rekey(&NEW_DATA_KEY).unwrap_err();
    assert!(error.to_string().contains("caller: bytes that are not at hand"), "{error}");
    client = vendor.open();
    let error = client.rekey(&Rekey { add_audit: true, ..Rekey::default() }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument, "{error}");
    assert!(error.to_string().contains("reprieve keys audit"), "{error}");
    let rekeyed = client.rekey(&Rekey { drop: vec![SlotChoice::Caller], ..NEW_DATA_KEY }).unwrap();
    assert_eq!(kinds(&rekeyed.after), [SlotKind::Application]);
    assert_eq!(by_caller().err(), Some(reprieve::ledger::ErrorKind::WrongKey));
}

// ---- the level ----

#[test]
fn a_level_rises_by_an_explicit_call_alone() {
    let vendor = Vendor::new();
    let client = vendor.open();
    client.import(&vendor.lease).unwrap();
    for (level, says) in [(None, "has level 1 already"), (Some(1), "has level 1 already"), (Some(0), "only rises")] {
        let error = client.upgrade(level).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Argument, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    let error = client.upgrade(Some(2)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument, "{error}");
    assert!(error.to_string().contains("a release that knows it"), "{error}");
    client.close().unwrap();

    // A ledger as a release before the first would have made it.
    let other = Vendor::new();
    lower_level(&vendor, &other);
    let client = other.open();
    let other_product = other.open();
    let upgraded = client.upgrade(None).unwrap();
    assert_eq!((upgraded.before, upgraded.level), (0, 1));
    assert_eq!((access(&client), access(&other_product)), ((Access::Full, "ok"), (Access::Full, "ok")));
    client.close().unwrap();
    assert_eq!(Ledger::open(Arc::new(Disk), &other.config()).unwrap().ledger.level(), 1);
}

/// A ledger with the records of another, at level 0.
fn lower_level(from: &Vendor, to: &Vendor) {
    let source = Ledger::open(Arc::new(Disk), &from.config()).unwrap().ledger;
    let records: Vec<Vec<u8>> = (0..source.next_seq()).map(|seq| source.read_record(seq).unwrap().unwrap()).collect();
    let mut ledger = Ledger::create(Arc::new(Disk), &to.config(), source.id(), 0, &records[0]).unwrap();
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    for record in &records[1..] {
        ledger.append(&lock, record).unwrap();
    }
    drop(lock);
    ledger.sync().unwrap();
}

/// A newer release raises the level while this one has the ledger open: it decides, says so, and appends nothing more.
#[test]
fn a_release_that_does_not_know_the_level_stops_appending_at_once() {
    let vendor = Vendor::new();
    let client = vendor.open();
    client.import(&vendor.lease).unwrap();
    let mut newer = Ledger::open(Arc::new(Disk), &vendor.config()).unwrap().ledger;
    let lock = newer.lock().unwrap();
    newer.settle(&lock).unwrap();
    newer.raise_level(&lock, 2).unwrap();
    drop(lock);
    let before = std::fs::read(vendor.file(0)).unwrap();
    let error = client.appeal(None, "too late").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Newer, "{error}");
    for change in [Rekey::default(), NEW_DATA_KEY] {
        assert_eq!(client.rekey(&change).unwrap_err().kind(), ErrorKind::Newer);
    }
    assert_eq!(client.upgrade(Some(1)).unwrap_err().kind(), ErrorKind::Newer);
    assert_eq!(client.archive().unwrap_err().kind(), ErrorKind::Newer);
    std::thread::sleep(Duration::from_millis(12));
    let decision = client.check("cad", "core");
    assert_eq!((decision.access, decision.flags.newer), (Access::Full, true));
    client.upkeep().unwrap();
    client.close().unwrap();
    let reopened = vendor.open();
    assert!(reopened.check("cad", "core").flags.newer);
    reopened.close().unwrap();
    assert_eq!(std::fs::read(vendor.file(0)).unwrap(), before, "something was written");
    assert!(!vendor.file(1).exists());
}

// ---- a wrong key, as a product meets it ----

#[test]
fn a_wrong_key_makes_nothing_and_a_product_that_runs_goes_on() {
    let vendor = Vendor::new();
    let client = vendor.open();
    client.import(&vendor.lease).unwrap();
    let listed = || {
        let names = std::fs::read_dir(vendor.path("ledger")).unwrap();
        let mut all: Vec<_> =
            names.map(|entry| entry.unwrap().path()).map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
        all.sort();
        all
    };
    let before = listed();
    let error = vendor.secrets(b"the secret of another", &[OLDER]).open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongKey, "{error}");
    for word in ["another application's ledger", "audit key", "ledger retire"] {
        assert!(error.to_string().contains(word), "{word:?} is not in: {error}");
    }
    let secret = vendor.path("ledger/acme.secret");
    let kept = std::fs::read(&secret).unwrap();
    for bytes in [None, Some(vec![1; 32])] {
        std::fs::remove_file(&secret).unwrap();
        if let Some(bytes) = &bytes {
            std::fs::write(&secret, bytes).unwrap();
        }
        let error = vendor.builder().open().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongKey, "{error}");
        assert!(error.to_string().contains("acme.secret"), "{error}");
        assert_eq!(std::fs::read(&secret).ok(), bytes, "something was made in its place");
        // Who has the ledger open has its data key, and goes on.
        assert_eq!(access(&client), (Access::Full, "ok"));
        client.upkeep().unwrap();
        std::fs::write(&secret, &kept).unwrap();
    }
    assert_eq!(listed().len(), before.len());
    // A closed client, as one that never opened, knows nothing: unknown, which is no refusal.
    client.close().unwrap();
    let decision = client.check("cad", "core");
    assert_eq!(decision.access, Access::Unknown);
    assert!(decision.why.trouble.is_some());
    assert_eq!(access(&vendor.open()), (Access::Full, "ok"));
}
