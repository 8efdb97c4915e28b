//! Keys: which slots open, what each change keeps, what other handles see of it, and a wrong key told from damage.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;

use reprieve::ledger::{
    AuditSlot, Config, ErrorKind, GenerationCause, Key, KeySlot, KeySource, Ledger, LedgerId, MemoryStorage, SlotKind,
    Storage, audit_slots, recover, verify,
};
use ring::digest::{SHA256, digest};

const ID: LedgerId = LedgerId::from_bytes([5; 16]);
const SECRET: &[u8] = b"the application's secret";
const OLDER: &[u8] = b"an older one of the same";
const CALLER: &[u8] = b"sixteen bytes or more of the caller's";

fn with(keys: KeySource) -> Config {
    Config::new("/ledgers", "acme", keys)
}

fn application() -> KeySource {
    KeySource::application(SECRET, &[])
}

fn create(keys: KeySource) -> (Arc<MemoryStorage>, Ledger) {
    let storage = Arc::new(MemoryStorage::new());
    let ledger = Ledger::create(storage.clone(), &with(keys), ID, 1, b"genesis").unwrap();
    (storage, ledger)
}

fn opens(storage: &Arc<MemoryStorage>, keys: KeySource) -> Result<usize, ErrorKind> {
    Ledger::open(storage.clone(), &with(keys)).map(|opened| opened.entries.len()).map_err(|err| err.kind())
}

fn append(ledger: &mut Ledger, payload: &[u8]) {
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    ledger.append(&lock, payload).unwrap();
}

fn everything(storage: &MemoryStorage) -> Vec<(String, Vec<u8>)> {
    let mut names = storage.list(Path::new("/ledgers")).unwrap();
    names.sort();
    names.into_iter().map(|name| (name.clone(), storage.read(&Path::new("/ledgers").join(name)).unwrap())).collect()
}

fn words(slots: &[KeySlot]) -> Vec<String> {
    slots.iter().map(|slot| slot.to_string().rsplit(": ").next().unwrap().to_owned()).collect()
}

/// An auditor: X25519 by its definition (RFC 7748), as ring agrees with no private key that is kept.
mod auditor {
    use std::io::Write;
    use std::process::{Command, Stdio};

    pub struct Auditor(Vec<u8>);

    fn openssl(args: &[&str], stdin: &[u8]) -> Option<Vec<u8>> {
        let mut child = Command::new("openssl")
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        child.stdin.take()?.write_all(stdin).ok()?;
        let output = child.wait_with_output().ok()?;
        output.status.success().then_some(output.stdout)
    }

    impl Auditor {
        pub fn new() -> Option<Auditor> {
            openssl(&["genpkey", "-algorithm", "X25519", "-outform", "DER"], b"").map(Auditor)
        }

        pub fn public(&self) -> [u8; 32] {
            let der = openssl(&["pkey", "-inform", "DER", "-pubout", "-outform", "DER"], &self.0).unwrap();
            der[der.len() - 32..].try_into().unwrap()
        }

        pub fn agree(&self, ephemeral: [u8; 32]) -> [u8; 32] {
            let folder = tempfile::tempdir().unwrap();
            let (own, peer) = (folder.path().join("own"), folder.path().join("peer"));
            let spki = [b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x6e\x03\x21\x00".as_slice(), &ephemeral].concat();
            std::fs::write(&own, &self.0).unwrap();
            std::fs::write(&peer, spki).unwrap();
            let (own, peer) = (own.to_str().unwrap(), peer.to_str().unwrap());
            let args = ["pkeyutl", "-derive", "-keyform", "DER", "-inkey", own, "-peerform", "DER", "-peerkey", peer];
            openssl(&args, b"").unwrap().try_into().unwrap()
        }
    }
}
use auditor::Auditor;

macro_rules! auditor {
    ($name:literal) => {
        match Auditor::new() {
            Some(auditor) => auditor,
            None => {
                println!("not run: {} needs openssl with X25519", $name);
                return;
            }
        }
    };
}

impl Auditor {
    fn open(&self, slot: &AuditSlot) -> Option<Key> {
        (slot.recipient() == self.public()).then(|| slot.open(&self.agree(slot.ephemeral())).unwrap())
    }
}

// ---- a wrong key is no damage ----

#[test]
fn each_wrong_key_is_told_from_damage_and_nothing_is_changed() {
    let both = application().with_caller_bytes(CALLER);
    let (storage, ledger) = create(both.clone());
    drop(ledger);
    let before = everything(&storage);
    let wrong = [
        (KeySource::application(b"the secret of another", &[]), "the right application file"),
        (KeySource::application(b"the secret of another", &[OLDER.to_vec()]), "the right application file"),
        (KeySource::caller(b"sixteen bytes or more of another's"), "the caller's own bytes"),
        (KeySource::data_key(Key::new([9; 32])), "audit slot"),
        (KeySource::default(), "no key was given"),
        (KeySource::default().with_audit_public_key([9; 32]), "no key was given"),
    ];
    for (keys, names) in &wrong {
        let error = Ledger::open(storage.clone(), &with(keys.clone())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongKey, "{error}");
        assert!(error.to_string().contains(names), "{names:?} is not in: {error}");
        assert_eq!(verify(storage.clone(), &with(keys.clone())).unwrap_err().kind(), ErrorKind::WrongKey);
    }
    assert_eq!(everything(&storage), before, "a wrong key changed something");

    // One copy of the header is damaged: still a wrong key for the wrong, and for the right one nothing but a repair.
    let file = Path::new("/ledgers/acme.g0.ledger");
    let whole = storage.read(file).unwrap();
    for copy in [0, 4096] {
        let mut bytes = whole.clone();
        bytes[copy + 300] ^= 1;
        storage.write(file, &bytes);
        for (keys, _) in &wrong {
            assert_eq!(opens(&storage, keys.clone()), Err(ErrorKind::WrongKey));
        }
        assert_eq!(storage.read(file).unwrap(), bytes, "nothing is repaired with a wrong key");
        assert_eq!(opens(&storage, both.clone()), Ok(1));
        assert_eq!(storage.read(file).unwrap()[8192..], whole[8192..]);
        storage.write(file, &whole);
    }
    // Both copies: damage, whatever the key is.
    let mut bytes = whole.clone();
    bytes[300] ^= 1;
    bytes[4096 + 300] ^= 1;
    storage.write(file, &bytes);
    for keys in wrong.iter().map(|(keys, _)| keys).chain([&both]) {
        assert_eq!(opens(&storage, keys.clone()), Err(ErrorKind::Damaged));
    }
    storage.write(file, &whole);

    // The install secret: gone, another's, or cut short.
    let secret = Path::new("/ledgers/acme.secret");
    let kept = storage.read(secret).unwrap();
    for (bytes, names) in
        [(None, "is missing"), (Some(vec![7; 32]), "was replaced"), (Some(vec![7; 9]), "not 32 bytes long")]
    {
        storage.remove(secret).unwrap();
        if let Some(bytes) = &bytes {
            storage.write(secret, bytes);
        }
        let error = Ledger::open(storage.clone(), &with(application())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongKey, "{error}");
        for word in ["acme.secret", names, "audit key", "retire"] {
            assert!(error.to_string().contains(word), "{word:?} is not in: {error}");
        }
        assert_eq!(storage.read(secret), bytes, "something was made in its place");
        // The caller's bytes need no secret file.
        assert_eq!(opens(&storage, KeySource::caller(CALLER)), Ok(1));
        storage.write(secret, &kept);
    }
    assert_eq!(everything(&storage), before);
}

/// Whoever mends the plain hash of a header without its key has changed it all the same.
#[test]
fn a_header_that_was_rewritten_without_the_key_is_not_believed() {
    let (storage, ledger) = create(application());
    drop(ledger);
    let file = Path::new("/ledgers/acme.g0.ledger");
    let whole = storage.read(file).unwrap();
    let mut bytes = whole.clone();
    for copy in [0, 4096] {
        // The level.
        bytes[copy + 56] = 9;
        let sum = digest(&SHA256, &bytes[copy..copy + 4064]);
        bytes[copy + 4064..copy + 4096].copy_from_slice(sum.as_ref());
    }
    storage.write(file, &bytes);
    assert_eq!(opens(&storage, application()), Err(ErrorKind::Damaged));
    // A slot: the key does not open it any more, as if it were another's.
    let mut bytes = whole.clone();
    for copy in [0, 4096] {
        bytes[copy + 188 + 120] ^= 1;
        let sum = digest(&SHA256, &bytes[copy..copy + 4064]);
        bytes[copy + 4064..copy + 4096].copy_from_slice(sum.as_ref());
    }
    storage.write(file, &bytes);
    assert_eq!(opens(&storage, application()), Err(ErrorKind::WrongKey));
    assert_eq!(storage.read(file).unwrap(), bytes, "nothing was written over it");
}

// ---- changing slots ----

#[test]
fn a_change_keeps_what_it_is_told_and_remakes_what_is_at_hand() {
    let (storage, ledger) = create(KeySource::application(OLDER, &[]).with_caller_bytes(CALLER));
    drop(ledger);
    let config = with(KeySource::application(SECRET, &[OLDER.to_vec()]));
    let mut ledger = Ledger::open(storage.clone(), &config).unwrap().ledger;
    let listed = words(&ledger.key_slots().unwrap());
    assert_eq!(listed, ["an older secret that is at hand", "bytes that are not at hand", "its newest secret"]);
    let header = storage.read(ledger.path()).unwrap()[..8192].to_vec();
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    ledger.rekey_keeping(&lock, &config.keys, &|_| true).unwrap();
    assert_eq!(
        words(&ledger.key_slots().unwrap()),
        ["its newest secret", "an older secret that is at hand", "bytes that are not at hand"]
    );
    assert_ne!(storage.read(ledger.path()).unwrap()[..8192], header);
    for keys in [application(), KeySource::application(OLDER, &[]), KeySource::caller(CALLER)] {
        assert_eq!(opens(&storage, keys), Ok(1));
    }
    let newest = |slot: &KeySlot| slot.kind != SlotKind::Application;
    ledger.rekey_keeping(&lock, &config.keys, &newest).unwrap();
    assert_eq!(opens(&storage, KeySource::application(OLDER, &[])), Err(ErrorKind::WrongKey));
    assert_eq!((opens(&storage, application()), opens(&storage, KeySource::caller(CALLER))), (Ok(1), Ok(1)));
    // Nothing that would open it again: refused, and nothing is changed.
    let before = everything(&storage);
    for keys in [KeySource::default(), KeySource::default().with_audit_public_key([9; 32])] {
        let error = ledger.rekey_keeping(&lock, &keys, &|_| true).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misuse, "{error}");
        assert!(error.to_string().contains("no key slot would be left"), "{error}");
    }
    assert_eq!(everything(&storage), before);
    drop(lock);
    append(&mut ledger, b"on");
    assert!(verify(storage, &with(application())).unwrap().is_clean());
}

#[test]
fn there_are_sixteen_slots_at_most() {
    let (storage, mut ledger) = create(application());
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    for n in 1..16u8 {
        // 9 is the base point: any multiple of it is a public key.
        ledger.rekey_keeping(&lock, &application().with_audit_public_key([n + 8; 32]), &|_| true).unwrap();
    }
    let before = everything(&storage);
    let error = ledger.rekey_keeping(&lock, &application().with_audit_public_key([77; 32]), &|_| true).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    assert_eq!(everything(&storage), before);
    assert_eq!((ledger.slots().len(), opens(&storage, application())), (16, Ok(1)));
}

#[test]
fn a_new_data_key_keeps_every_slot_whose_source_is_at_hand() {
    let two = auditor!("a_new_data_key_keeps_every_slot_whose_source_is_at_hand");
    let one = Auditor::new().unwrap();
    let keys = KeySource::application(OLDER, &[]).with_caller_bytes(CALLER).with_audit_public_key(one.public());
    let (storage, ledger) = create(keys);
    drop(ledger);
    let config = with(KeySource::application(SECRET, &[OLDER.to_vec()]).with_audit_public_key(two.public()));
    let mut ledger = Ledger::open(storage.clone(), &config).unwrap().ledger;
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    ledger.rekey_keeping(&lock, &config.keys, &|_| true).unwrap();
    ledger.next_generation(&lock, GenerationCause::NewDataKey, b"state").unwrap();
    drop(lock);
    assert_eq!(ledger.dropped_slots(), [SlotKind::Caller]);
    assert_eq!(
        ledger.slots(),
        [SlotKind::Application, SlotKind::Audit, SlotKind::Application, SlotKind::Audit],
        "the newest, its auditors, the older, its auditors"
    );
    for keys in [application(), KeySource::application(OLDER, &[])] {
        assert_eq!(opens(&storage, keys), Ok(1));
    }
    assert_eq!(opens(&storage, KeySource::caller(CALLER)), Err(ErrorKind::WrongKey));
    // Both auditors open it, each with a data key that is not the one before.
    let slots = audit_slots(&*storage, &config).unwrap();
    for auditor in [&one, &two] {
        let key = slots.iter().find_map(|slot| auditor.open(slot)).unwrap();
        assert_eq!(opens(&storage, KeySource::data_key(key)), Ok(1));
        let other = slots.iter().find(|slot| slot.recipient() != auditor.public()).unwrap();
        assert_eq!(other.open(&auditor.agree(other.ephemeral())).unwrap_err().kind(), ErrorKind::WrongKey);
    }
    assert!(verify(storage, &with(application())).unwrap().is_clean());
}

// ---- what other handles see ----

#[test]
fn an_open_handle_goes_on_when_its_slot_is_dropped() {
    let (storage, ledger) = create(KeySource::application(OLDER, &[]));
    drop(ledger);
    let older = with(KeySource::application(OLDER, &[]));
    let mut old = Ledger::open(storage.clone(), &older).unwrap().ledger;
    let config = with(KeySource::application(SECRET, &[OLDER.to_vec()]));
    let mut new = Ledger::open(storage.clone(), &config).unwrap().ledger;
    let lock = new.lock().unwrap();
    new.settle(&lock).unwrap();
    new.rekey(&lock, &config.keys).unwrap();
    drop(lock);
    append(&mut old, b"of the old one");
    append(&mut new, b"of the new one");
    let seen: Vec<_> = old.refresh().unwrap().entries.into_iter().map(|entry| entry.payload).collect();
    assert_eq!(seen, [b"of the new one"]);
    assert_eq!(old.slots().len(), 1, "it sees the header as it is");
    assert_eq!(opens(&storage, older.keys), Err(ErrorKind::WrongKey));
    assert!(verify(storage, &config).unwrap().is_clean());
}

#[test]
fn a_level_that_was_raised_binds_handles_that_are_open() {
    let (storage, mut one) = create(application());
    let config = with(application());
    let (mut reader, mut writer) = (
        Ledger::open(storage.clone(), &config).unwrap().ledger,
        Ledger::open(storage.clone(), &config).unwrap().ledger,
    );
    let lock = one.lock().unwrap();
    one.settle(&lock).unwrap();
    one.raise_level(&lock, 3).unwrap();
    drop(lock);
    assert_eq!(writer.level(), 1);
    let lock = writer.lock().unwrap();
    writer.settle(&lock).unwrap();
    assert_eq!(writer.level(), 3, "before anything is appended");
    drop(lock);
    for _ in 0..8 {
        reader.refresh().unwrap();
    }
    assert_eq!(reader.level(), 3);
    // A generation has the level of the one before.
    let lock = writer.lock().unwrap();
    writer.settle(&lock).unwrap();
    writer.next_generation(&lock, GenerationCause::NewDataKey, b"").unwrap();
    assert_eq!(writer.level(), 3);
}

/// A header that somebody writes over with rubbish, under an open handle, changes nothing for that handle.
#[test]
fn an_open_handle_does_not_follow_a_header_that_does_not_hold() {
    let (storage, mut ledger) = create(application());
    let path = ledger.path().to_owned();
    let mut bytes = storage.read(&path).unwrap();
    for copy in [0, 4096] {
        bytes[copy + 16] = 99;
        bytes[copy + 56] = 9;
        let sum = digest(&SHA256, &bytes[copy..copy + 4064]);
        bytes[copy + 4064..copy + 4096].copy_from_slice(sum.as_ref());
    }
    let (file, _) = (storage.open(&path, reprieve::ledger::OpenMode::Write).unwrap(), ());
    assert_eq!(file.write_at(&bytes[..8192], 0).unwrap(), 8192);
    append(&mut ledger, b"on");
    assert_eq!((ledger.level(), ledger.next_seq()), (1, 2));
    assert_eq!(opens(&storage, application()), Err(ErrorKind::Damaged));
}

// ---- a lost install secret ----

#[test]
fn auditors_give_a_ledger_whose_secret_is_lost_a_way_in() {
    let auditor = auditor!("auditors_give_a_ledger_whose_secret_is_lost_a_way_in");
    let keys = application().with_audit_public_key(auditor.public());
    let (storage, mut ledger) = create(keys.clone().with_caller_bytes(CALLER));
    append(&mut ledger, b"x");
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    ledger.next_generation(&lock, GenerationCause::NewDataKey, b"state").unwrap();
    drop(lock);
    drop(ledger);
    let secret = Path::new("/ledgers/acme.secret");
    let lost = storage.read(secret).unwrap();
    storage.remove(secret).unwrap();
    let config = with(keys);
    assert_eq!(opens(&storage, application()), Err(ErrorKind::WrongKey));

    let before = everything(&storage);
    let other = Auditor::new().unwrap();
    for open in
        [&(|slot: &AuditSlot| other.open(slot)) as &dyn Fn(&AuditSlot) -> Option<Key>, &|slot| slot.open(&[3; 32]).ok()]
    {
        let error = recover(&*storage, &config, open).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongKey, "{error}");
    }
    let unlocked: Vec<_> = everything(&storage).into_iter().filter(|(name, _)| name != "acme.lock").collect();
    assert_eq!(unlocked, before.into_iter().filter(|(name, _)| name != "acme.lock").collect::<Vec<_>>());

    let recovered = recover(&*storage, &config, &|slot| auditor.open(slot)).unwrap();
    assert!(words(&recovered.before).contains(&"a secret that is not at hand".to_owned()));
    assert_eq!(words(&recovered.after)[0], "its newest secret");
    assert_eq!(recovered.after.len(), 3, "one of the application's, the caller's, the auditors'");
    let made = storage.read(secret).unwrap();
    assert!(made.len() == 32 && made != lost);
    let opened = Ledger::open(storage.clone(), &with(application())).unwrap();
    assert_eq!(opened.entries[0].payload, b"state");
    assert_eq!(opens(&storage, KeySource::caller(CALLER)), Ok(1));
    // The file before is as it was, for the next one vouches for all of it; its own key opens it still.
    let error = opened.ledger.before().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongKey, "{error}");
    let by_caller = with(application().with_caller_bytes(CALLER));
    assert!(verify(storage.clone(), &by_caller).unwrap().is_clean());
    // Doing it again changes nothing of what opens.
    recover(&*storage, &config, &|slot| auditor.open(slot)).unwrap();
    assert_eq!((opens(&storage, application()), storage.read(secret).unwrap()), (Ok(1), made));
    storage.write(secret, &lost);
    assert_eq!(opens(&storage, application()), Err(ErrorKind::WrongKey));
}
