//! What verification says of several generations, of their keys, and of the head beside them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;

use reprieve::ledger::{
    Config, DamageKind, ErrorKind, Finding, GenerationCause, HeadBeside, KeySource, Ledger, LedgerId, MemoryStorage,
    Storage, Verification, audit_slots, audit_slots_of_each, verify, verify_public,
};
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::rand::SystemRandom;

const FIRST: &[u8] = b"the first sixteen bytes or more of the caller's";
const SECOND: &[u8] = b"other sixteen bytes or more of the caller's";
const NEWEST: &str = "/l/a.g1.ledger";

fn config(keys: KeySource) -> Config {
    Config::new("/l", "a", keys)
}

fn next(ledger: &mut Ledger, cause: GenerationCause) {
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    ledger.next_generation(&lock, cause, b"goes on").unwrap();
    ledger.append(&lock, b"more").unwrap();
    drop(lock);
    ledger.sync().unwrap();
}

/// Two generations under the first caller's bytes, which the auditors can read if they have a key.
fn two(auditors: Option<[u8; 32]>, cause: GenerationCause) -> (Arc<MemoryStorage>, Ledger) {
    let storage = Arc::new(MemoryStorage::new());
    let keys = KeySource::caller(FIRST);
    let keys = match auditors {
        Some(public) => keys.with_audit_public_key(public),
        None => keys,
    };
    let id = LedgerId::from_bytes([7; 16]);
    let mut ledger = Ledger::create(storage.clone(), &config(keys), id, 1, b"genesis").unwrap();
    next(&mut ledger, cause);
    (storage, ledger)
}

fn kinds(found: &Verification) -> Vec<Vec<DamageKind>> {
    let kind = |finding: &Finding| match finding {
        Finding::Damaged { why, .. } => *why,
        other => panic!("{other:?}"),
    };
    found.generations.iter().map(|report| report.findings.iter().map(kind).collect()).collect()
}

fn locks(found: &Verification) -> Vec<(u64, Option<bool>)> {
    found.locked().map(|(generation, locked)| (generation, locked.as_closed)).collect()
}

#[test]
fn an_unsigned_head_is_told_of_and_is_no_damage() {
    let (storage, ledger) = two(None, GenerationCause::Archive);
    let keys = KeySource::caller(FIRST);
    let say = || verify(storage.clone(), &config(keys.clone())).unwrap();
    assert_eq!(say().head, HeadBeside::Missing);
    ledger.write_head().unwrap();
    assert_eq!(say().head, HeadBeside::Of { generation: 1, size: 2 });
    let head = storage.read(Path::new("/l/a.head")).unwrap();
    for at in 0..head.len() {
        for bit in 0..8 {
            let mut bad = head.clone();
            bad[at] ^= 1 << bit;
            storage.write(Path::new("/l/a.head"), &bad);
            let said = say();
            assert_eq!((said.head, said.is_clean()), (HeadBeside::Unsigned, true), "byte {at} bit {bit}");
        }
    }
}

#[test]
fn a_generation_that_was_changed_after_it_was_closed_is_named_by_the_next() {
    let (storage, _) = two(None, GenerationCause::Archive);
    let path = Path::new("/l/a.g0.ledger");
    let mut bytes = storage.read(path).unwrap();
    // Behind the log: its records are whole, and its file is another.
    *bytes.last_mut().unwrap() = 1;
    storage.write(path, &bytes);
    let said = verify(storage.clone(), &config(KeySource::caller(FIRST))).unwrap();
    assert_eq!(kinds(&said), [vec![], vec![DamageKind::OtherHistory]]);
    assert!(said.generations[1].findings[0].to_string().ends_with("its file differ"), "{said:?}");
    // Its only record is gone: that there was one says the file itself, and how many the next one.
    bytes[8192..].fill(0);
    storage.write(path, &bytes);
    let said = verify(storage, &config(KeySource::caller(FIRST))).unwrap();
    assert_eq!(kinds(&said), [vec![DamageKind::Missing], vec![DamageKind::OtherHistory]]);
    assert!(said.generations[1].findings[0].to_string().ends_with("its file, tree differ"), "{said:?}");
}

// A generation's slots are its own: after a change of keys the older one opens by none that is at hand, but has the same data key.
#[test]
fn a_generation_of_older_slots_is_read_by_the_data_key_of_the_next() {
    let (storage, mut ledger) = two(None, GenerationCause::Archive);
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    ledger.rekey(&lock, &KeySource::caller(SECOND)).unwrap();
    drop(lock);
    assert!(verify(storage.clone(), &config(KeySource::caller(SECOND))).unwrap().is_clean());
    // The newest cannot be read by the first ones, and nothing says how its file was.
    let said = verify(storage, &config(KeySource::caller(FIRST))).unwrap();
    assert_eq!((kinds(&said), locks(&said)), (vec![vec![], vec![]], vec![(1, None)]));
    assert_eq!((said.is_damaged(), said.is_clean()), (false, false));
}

// A wrong key is no damage, and what needs no key is verified all the same.
#[test]
fn a_generation_that_no_key_opens_is_locked_and_held_against_what_the_next_one_says() {
    let (storage, mut ledger) = two(None, GenerationCause::NewDataKey);
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    ledger.rekey(&lock, &KeySource::caller(SECOND)).unwrap();
    drop(lock);
    let newest = config(KeySource::caller(SECOND));
    let say = || verify(storage.clone(), &newest).unwrap();
    let said = say();
    assert_eq!((kinds(&said), locks(&said)), (vec![vec![], vec![]], vec![(0, Some(true))]));
    assert_eq!((said.is_damaged(), said.is_clean()), (false, false));
    let (_, locked) = said.locked().next().unwrap();
    assert!(locked.why.contains("no key slot opens"), "{}", locked.why);
    assert_eq!((said.generations[0].records, said.generations[1].records), (0, 2));
    let path = Path::new("/l/a.g0.ledger");
    let whole = storage.read(path).unwrap();
    // Behind the header: each bit of the file counts, what stands behind its log too. In it, at least the plain hash does.
    for at in [8192, 8192 + 60, whole.len() - 1] {
        let mut bad = whole.clone();
        bad[at] ^= 1;
        storage.write(path, &bad);
        let said = say();
        assert_eq!(
            (kinds(&said), locks(&said)),
            (vec![vec![], vec![DamageKind::OtherHistory]], vec![(0, Some(false))])
        );
        assert!(said.generations[1].findings[0].to_string().ends_with("its file differ"), "{said:?}");
        assert!(said.is_damaged());
    }
    let mut bad = whole.clone();
    bad[100] ^= 1;
    storage.write(path, &bad);
    assert_eq!(kinds(&say()), [vec![], vec![DamageKind::OtherHistory]], "one copy of the header");
    bad[4096 + 100] ^= 1;
    storage.write(path, &bad);
    assert_eq!(kinds(&say()), [vec![DamageKind::Generation], vec![]], "no copy of the header can be read");
    // Another ledger's file in its place, which this key opens as little.
    let (other, _) = two(None, GenerationCause::Archive);
    storage.write(path, &other.read(path).unwrap());
    assert_eq!(locks(&say()), [(0, Some(false))]);
    // Nothing but what is locked: then the key is wrong.
    storage.write(path, &whole);
    storage.remove(Path::new(NEWEST)).unwrap();
    assert_eq!(verify(storage.clone(), &newest).unwrap_err().kind(), ErrorKind::WrongKey);
    assert_eq!(locks(&verify(storage, &config(KeySource::caller(FIRST))).unwrap()), []);
}

// The one that says how a locked file was closed can be locked or lost itself.
#[test]
fn of_a_locked_generation_whose_next_one_is_locked_nothing_is_said() {
    let (storage, mut ledger) = two(None, GenerationCause::NewDataKey);
    next(&mut ledger, GenerationCause::NewDataKey);
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    ledger.rekey(&lock, &KeySource::caller(SECOND)).unwrap();
    drop(lock);
    let newest = config(KeySource::caller(SECOND));
    let said = verify(storage.clone(), &newest).unwrap();
    assert_eq!(locks(&said), [(0, None), (1, Some(true))]);
    storage.remove(Path::new("/l/a.g2.ledger")).unwrap();
    assert!(verify(storage, &config(KeySource::caller(FIRST))).unwrap().is_clean());
}

#[test]
fn auditors_read_each_generation_even_if_the_newest_header_is_destroyed() {
    let private = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).unwrap();
    let public: [u8; 32] = private.compute_public_key().unwrap().as_ref().try_into().unwrap();
    let (storage, _) = two(Some(public), GenerationCause::Archive);
    let mut bytes = storage.read(Path::new(NEWEST)).unwrap();
    for copy in [0, 4096] {
        bytes[copy + 100] ^= 1;
    }
    storage.write(Path::new(NEWEST), &bytes);
    let any = config(KeySource::default());
    assert_eq!(audit_slots(&*storage, &any).unwrap_err().kind(), ErrorKind::Damaged);
    let slots = audit_slots_of_each(&*storage, &any).unwrap();
    assert_eq!((slots.len(), slots[0].0, slots[0].1[0].recipient()), (1, 0, public));
    let slot = &slots[0].1[0];
    let key = agree_ephemeral(private, &UnparsedPublicKey::new(&X25519, slot.ephemeral()), |shared| {
        slot.open(shared.try_into().unwrap()).unwrap()
    });
    let said = verify(storage, &config(KeySource::data_key(key.unwrap()))).unwrap();
    assert_eq!(kinds(&said), [vec![], vec![DamageKind::Generation]]);
    assert_eq!(said.generations[0].records, 1);
}

#[test]
fn without_a_key_findings_name_the_record_and_the_rule_is_left_open() {
    let (storage, ledger) = two(None, GenerationCause::Archive);
    let note = ledger.note().unwrap();
    let whole = storage.read(Path::new(NEWEST)).unwrap();
    let look = |bytes: &[u8], head: &str| {
        storage.write(Path::new(NEWEST), bytes);
        let report = verify_public(&*storage, Path::new(NEWEST), Some(head)).unwrap();
        let named = |finding: &Finding| match finding {
            Finding::Damaged { seq, why, .. } => (*why, *seq),
            other => panic!("{other:?}"),
        };
        report.problems.iter().map(named).collect::<Vec<_>>()
    };
    assert_eq!(look(&whole, &note), []);
    assert_eq!(look(&whole, "no head"), [(DamageKind::Head, None)]);
    let last = ledger.next_seq() - 1;
    // Behind the opening, whose length its frame says.
    let at = 8192 + 64 + u32::from_le_bytes(whole[8194..8198].try_into().unwrap()) as usize;
    assert!(whole[at..].starts_with(b"RF"));
    let flip = |at: usize| {
        let mut bad = whole.clone();
        bad[at] ^= 1;
        bad
    };
    assert_eq!(look(&flip(50), &note), [(DamageKind::HeaderCopy, None)]);
    assert_eq!(look(&flip(at + 20), &note), [(DamageKind::BadLink, Some(last)), (DamageKind::OtherHistory, None)]);
    assert_eq!(look(&flip(at), &note), [(DamageKind::BadFrame, Some(last)), (DamageKind::Missing, Some(last))]);
    assert_eq!(look(&flip(at + 8), &note), [(DamageKind::Misplaced, Some(last)), (DamageKind::Missing, Some(last))]);
}
