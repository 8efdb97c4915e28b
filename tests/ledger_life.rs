//! The life of a ledger: creating, appending, sharing, snapshots, keys, generations, the witness, retiring.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reprieve::ledger::tree::{verify_consistency, verify_inclusion};
use reprieve::ledger::{
    Config, Disk, Entry, ErrorKind, Finding, GenerationCause, KeySource, Ledger, LedgerId, MemoryStorage, OVERHEAD,
    SlotKind, Storage, Witness, WitnessRead, audit_slots, note, verify, verify_public,
};

const SECRET: &[u8] = b"the application's secret";
const ID: LedgerId = LedgerId::from_bytes([0xab; 16]);

fn config() -> Config {
    let mut config = Config::new("/ledgers", "acme", KeySource::application(SECRET, &[]));
    config.witness = Some("/state".into());
    config.lock_timeout = Duration::from_millis(50);
    config
}

fn create() -> (Arc<MemoryStorage>, Ledger) {
    let storage = Arc::new(MemoryStorage::new());
    let ledger = Ledger::create(storage.clone(), &config(), ID, 1, b"genesis").unwrap();
    (storage, ledger)
}

fn append(ledger: &mut Ledger, payload: &[u8]) -> Entry {
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    ledger.append(&lock, payload).unwrap()
}

fn payloads(entries: &[Entry]) -> Vec<&[u8]> {
    entries.iter().map(|entry| entry.payload.as_slice()).collect()
}

const fn shared_between_threads<T: Send + Sync>() {}
const _: () = shared_between_threads::<Ledger>();

#[test]
fn records_come_back_in_order_after_reopening() {
    let (storage, mut ledger) = create();
    let mut written = vec![b"genesis".to_vec()];
    for n in 0..50_usize {
        let payload = vec![n as u8; n * 37];
        let entry = append(&mut ledger, &payload);
        assert_eq!((entry.seq, &entry.payload), (n as u64 + 1, &payload));
        written.push(payload);
    }
    ledger.sync().unwrap();
    let head = ledger.head();
    drop(ledger);
    let opened = Ledger::open(storage, &config()).unwrap();
    assert_eq!(opened.findings, []);
    assert_eq!(payloads(&opened.entries), written.iter().map(Vec::as_slice).collect::<Vec<_>>());
    assert_eq!(opened.ledger.head(), head);
    assert_eq!((head.size, head.seq, head.generation), (51, 50, 0));
    for (seq, payload) in written.iter().enumerate() {
        assert_eq!(opened.ledger.read_record(seq as u64).unwrap().as_ref(), Some(payload));
    }
    assert_eq!(opened.ledger.read_record(51).unwrap(), None);
    let entry = &opened.entries[7];
    assert_eq!(opened.ledger.read_at(7, entry.offset).unwrap().as_ref(), Some(&entry.payload));
    assert_eq!(opened.ledger.read_at(8, entry.offset).unwrap(), None);
}

#[test]
fn a_frame_takes_at_most_sixty_four_bytes_more_than_its_record() {
    let (_storage, mut ledger) = create();
    let (a, b) = (append(&mut ledger, b"12345"), append(&mut ledger, b""));
    assert_eq!(b.offset - a.offset, 5 + OVERHEAD as u64);
    const { assert!(OVERHEAD <= 64) };
}

#[test]
fn two_handles_take_turns_and_read_the_same() {
    let (storage, mut a) = create();
    let mut b = Ledger::open(storage.clone(), &config()).unwrap().ledger;
    let mut seen = Vec::new();
    for n in 0..40_u8 {
        let writer = if n % 3 == 0 { &mut a } else { &mut b };
        append(writer, &[n]);
        if n % 5 == 0 {
            writer.sync().unwrap();
        }
        let new = a.refresh().unwrap();
        assert!(!new.reopened && new.findings.is_empty());
        seen.extend(new.entries);
    }
    a.refresh().unwrap();
    b.refresh().unwrap();
    assert_eq!(a.head(), b.head());
    let all = Ledger::open(storage, &config()).unwrap();
    assert_eq!(all.findings, []);
    assert_eq!(all.entries.len(), 41);
    assert!(seen.iter().all(|entry| all.entries.contains(entry)));
}

#[test]
fn a_lock_excludes_the_other_handle_and_is_another_ledgers_nowhere() {
    let (storage, a) = create();
    let mut b = Ledger::open(storage.clone(), &config()).unwrap().ledger;
    let held = a.lock().unwrap();
    let err = b.lock().unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Busy);
    assert_eq!(err.path(), Some(Path::new("/ledgers/acme.lock")));
    assert!(b.try_lock().unwrap().is_none());
    assert_eq!(b.append(&held, b"x").unwrap_err().kind(), ErrorKind::Misuse, "not settled");
    b.settle(&held).unwrap();
    b.append(&held, b"x").unwrap();
    drop(held);
    assert!(b.try_lock().unwrap().is_some());

    let mut other = config();
    other.name = "other".into();
    let other = Ledger::create(storage, &other, ID, 1, b"").unwrap();
    let held = other.lock().unwrap();
    assert_eq!(b.settle(&held).unwrap_err().kind(), ErrorKind::Misuse);
}

#[test]
fn what_no_sync_covers_is_not_durable() {
    let (storage, mut a) = create();
    assert!(a.is_durable(0));
    let entry = append(&mut a, b"x");
    assert!(!a.is_durable(entry.seq) && a.is_durable(0) && a.note().is_err());
    let mut b = Ledger::open(storage, &config()).unwrap().ledger;
    assert!(!b.is_durable(1));
    a.sync().unwrap();
    assert!(a.is_durable(1) && !a.is_durable(2));
    // The next record tells the other what is durable.
    append(&mut a, b"y");
    b.refresh().unwrap();
    assert!(b.is_durable(1) && !b.is_durable(2));
    b.sync().unwrap();
    assert!(b.is_durable(2));
}

#[test]
fn the_first_sync_of_a_handle_writes_again_what_no_sync_covered() {
    let (storage, mut a) = create();
    append(&mut a, b"unsynced");
    drop(a);
    let mut b = Ledger::open(storage.clone(), &config()).unwrap().ledger;
    let before = storage.counts();
    b.sync().unwrap();
    let after = storage.counts();
    assert_eq!((after.0 - before.0, after.1 - before.1), (1, 1));
    // And its first append the zeros behind the log, from which a sync may have failed to cut a torn tail.
    append(&mut b, b"x");
    b.sync().unwrap();
    assert_eq!((storage.counts().0 - after.0, storage.counts().1 - after.1), (2, 1));
    let after = storage.counts();
    append(&mut b, b"y");
    b.sync().unwrap();
    assert_eq!((storage.counts().0 - after.0, storage.counts().1 - after.1), (1, 1));
}

#[test]
fn snapshots_shorten_opening_and_fall_back() {
    let (storage, mut ledger) = create();
    for n in 0..10 {
        append(&mut ledger, &[n]);
    }
    ledger.save_snapshot(b"ten", 0).unwrap();
    for n in 10..15 {
        append(&mut ledger, &[n]);
    }
    ledger.save_snapshot(b"fifteen", 0).unwrap();
    append(&mut ledger, b"last");
    ledger.sync().unwrap();
    let head = ledger.head();

    let opened = Ledger::open(storage.clone(), &config()).unwrap();
    assert_eq!((opened.snapshot.as_deref(), opened.entries.len()), (Some(b"fifteen".as_slice()), 1));
    assert_eq!(opened.ledger.head(), head);
    assert_eq!(opened.ledger.read_record(3).unwrap().unwrap(), [2]);

    let other_fold = Config { fold_version: 1, ..config() };
    let opened = Ledger::open(storage.clone(), &other_fold).unwrap();
    assert_eq!((opened.snapshot, opened.entries.len(), opened.findings), (None, 17, vec![]));

    let newer = Path::new("/ledgers/acme.snapshot.1");
    let mut bytes = storage.read(newer).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    storage.write(newer, &bytes);
    let opened = Ledger::open(storage.clone(), &config()).unwrap();
    assert_eq!((opened.snapshot.as_deref(), opened.entries.len()), (Some(b"ten".as_slice()), 6));
    assert_eq!(opened.ledger.head(), head);
    assert_eq!(opened.findings, []);

    storage.write(Path::new("/ledgers/acme.snapshot.0"), b"rubbish");
    let opened = Ledger::open(storage, &config()).unwrap();
    assert_eq!((opened.snapshot, opened.entries.len(), opened.findings), (None, 17, vec![]));
}

#[test]
fn heads_and_proofs_hold_for_anybody() {
    let (storage, mut ledger) = create();
    let (mut roots, mut leaves) = (vec![ledger.head().root], vec![ledger.record_hash(0).unwrap().unwrap()]);
    for n in 0..20 {
        leaves.push(append(&mut ledger, &[n]).hash);
        roots.push(ledger.head().root);
    }
    ledger.sync().unwrap();
    let head = ledger.head();
    for (seq, leaf) in leaves.iter().enumerate() {
        let proof = ledger.inclusion_proof(seq as u64).unwrap();
        assert!(verify_inclusion(seq as u64, head.size, leaf, &proof, &head.root));
        let proof = ledger.consistency_proof(seq as u64 + 1, head.size).unwrap();
        assert!(verify_consistency(seq as u64 + 1, head.size, &proof, &roots[seq], &head.root));
    }
    assert_eq!(ledger.consistency_proof(0, 21).unwrap_err().kind(), ErrorKind::Misuse);
    assert_eq!(ledger.consistency_proof(22, 21).unwrap_err().kind(), ErrorKind::Misuse);
    assert_eq!(ledger.inclusion_proof(21).unwrap_err().kind(), ErrorKind::Misuse);

    let signed = ledger.note().unwrap();
    let key = note::Verifier::new(&ledger.origin(), ledger.public_key()).unwrap();
    let checkpoint = note::Checkpoint::parse(key.verify(&signed).unwrap()).unwrap();
    assert_eq!((checkpoint.size, checkpoint.root), (head.size, head.root));
    assert!(key.verify(&signed.replace("\n21\n", "\n20\n")).is_err());

    let report = verify_public(&*storage, ledger.path(), Some(&signed)).unwrap();
    assert_eq!((report.problems, report.head, report.size, report.root), (vec![], Some(21), 21, head.root));
    assert_eq!((report.id, report.public_key), (ID, ledger.public_key()));
    assert!(verify(storage, &config()).unwrap().is_clean());
}

#[test]
fn a_missing_secret_file_is_named_and_nothing_is_made_in_its_place() {
    let (storage, ledger) = create();
    drop(ledger);
    let secret = Path::new("/ledgers/acme.secret");
    let kept = storage.read(secret).unwrap();
    assert_eq!(kept.len(), 32);
    storage.remove(secret).unwrap();
    let err = Ledger::open(storage.clone(), &config()).unwrap_err();
    assert_eq!(err.kind(), ErrorKind::WrongKey);
    assert!(err.to_string().contains("acme.secret is missing"), "{err}");
    assert_eq!(storage.read(secret), None);
    storage.write(secret, &[7; 32]);
    assert_eq!(Ledger::open(storage.clone(), &config()).unwrap_err().kind(), ErrorKind::WrongKey);
    storage.write(secret, &kept);
    let wrong = Config { keys: KeySource::application(b"another's", &[]), ..config() };
    assert_eq!(Ledger::open(storage.clone(), &wrong).unwrap_err().kind(), ErrorKind::WrongKey);
    assert!(Ledger::open(storage, &config()).is_ok());
}

#[test]
fn an_older_secret_opens_and_adds_a_slot_for_the_newest() {
    let (storage, ledger) = create();
    drop(ledger);
    let both = Config { keys: KeySource::application(b"newest", &[SECRET.to_vec()]), ..config() };
    let opened = Ledger::open(storage.clone(), &both).unwrap();
    assert_eq!(opened.ledger.slots(), [SlotKind::Application; 2]);
    let newest = Config { keys: KeySource::application(b"newest", &[]), ..config() };
    assert!(Ledger::open(storage.clone(), &newest).is_ok());
    assert_eq!(Ledger::open(storage.clone(), &both).unwrap().ledger.slots().len(), 2);
    assert!(Ledger::open(storage, &config()).is_ok(), "the older product still opens it");
}

#[test]
fn an_older_secret_adds_its_slot_later_if_the_lock_is_held() {
    let (storage, ledger) = create();
    let lock = ledger.lock().unwrap();
    let both = Config { keys: KeySource::application(b"newest", &[SECRET.to_vec()]), ..config() };
    let mut opened = Ledger::open(storage.clone(), &both).unwrap().ledger;
    assert_eq!(opened.slots().len(), 1);
    drop(lock);
    append(&mut opened, b"x");
    assert_eq!(opened.slots().len(), 2);
}

#[test]
fn a_caller_and_an_auditor_have_slots_of_their_own() {
    use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
    let storage = Arc::new(MemoryStorage::new());
    let private = EphemeralPrivateKey::generate(&X25519, &ring::rand::SystemRandom::new()).unwrap();
    let public: [u8; 32] = private.compute_public_key().unwrap().as_ref().try_into().unwrap();
    let caller = b"sixteen bytes or more of the caller's";
    let keys = KeySource::application(SECRET, &[]).with_caller_bytes(caller).with_audit_public_key(public);
    let all = Config { keys, ..config() };
    let mut ledger = Ledger::create(storage.clone(), &all, ID, 1, b"genesis").unwrap();
    assert_eq!(ledger.slots(), [SlotKind::Application, SlotKind::Caller, SlotKind::Audit]);
    storage.remove(Path::new("/ledgers/acme.secret")).unwrap();
    let by_caller = Config { keys: KeySource::caller(caller), ..config() };
    assert!(Ledger::open(storage.clone(), &by_caller).is_ok());

    let slots = audit_slots(&*storage, &config()).unwrap();
    assert_eq!((slots.len(), slots[0].recipient()), (1, public));
    assert_eq!(slots[0].open(&[1; 32]).unwrap_err().kind(), ErrorKind::WrongKey);
    let key = agree_ephemeral(private, &UnparsedPublicKey::new(&X25519, slots[0].ephemeral()), |shared| {
        slots[0].open(shared.try_into().unwrap()).unwrap()
    })
    .unwrap();
    let by_key = Config { keys: KeySource::data_key(key.clone()), ..config() };
    assert_eq!(Ledger::open(storage.clone(), &by_key).unwrap().entries[0].payload, b"genesis");

    // A new data key: what is at hand stays, the application's secret file is gone and its slot is named.
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    ledger.next_generation(&lock, GenerationCause::NewDataKey, b"again").unwrap();
    assert_eq!(ledger.dropped_slots(), [SlotKind::Application]);
    assert_eq!(ledger.slots(), [SlotKind::Caller, SlotKind::Audit]);
    assert_eq!(audit_slots(&*storage, &config()).unwrap()[0].recipient(), public);
    assert_eq!(Ledger::open(storage.clone(), &by_key).unwrap_err().kind(), ErrorKind::WrongKey);
    assert_eq!(Ledger::open(storage, &by_caller).unwrap().entries[0].payload, b"again");
}

#[test]
fn a_key_that_nothing_opens_makes_no_ledger() {
    let storage: Arc<MemoryStorage> = Arc::default();
    for keys in [KeySource::default(), KeySource::default().with_audit_public_key([9; 32]), KeySource::caller(b"short")]
    {
        let config = Config { keys, ..config() };
        assert_eq!(Ledger::create(storage.clone(), &config, ID, 1, b"").unwrap_err().kind(), ErrorKind::Misuse);
        assert_eq!(Ledger::open(storage.clone(), &config).unwrap_err().kind(), ErrorKind::Missing);
    }
}

#[test]
fn rekeying_replaces_slots_and_keeps_the_records() {
    let (storage, mut ledger) = create();
    append(&mut ledger, b"x");
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    let keys = KeySource::caller(b"sixteen bytes or more of the caller's");
    ledger.rekey(&lock, &keys).unwrap();
    drop(lock);
    assert_eq!(Ledger::open(storage.clone(), &config()).unwrap_err().kind(), ErrorKind::WrongKey);
    let opened = Ledger::open(storage, &Config { keys, ..config() }).unwrap();
    assert_eq!((opened.entries.len(), opened.findings), (2, vec![]));
}

#[test]
fn drills_and_real_ledgers_do_not_mix() {
    let (storage, _ledger) = create();
    let drill = Config { drill: true, ..config() };
    assert_eq!(Ledger::open(storage.clone(), &drill).unwrap_err().kind(), ErrorKind::DrillMismatch);
    let drill = Config { name: "drill".into(), ..drill };
    assert!(Ledger::create(storage.clone(), &drill, ID, 1, b"").unwrap().is_drill());
    let real = Config { drill: false, ..drill.clone() };
    assert_eq!(Ledger::open(storage.clone(), &real).unwrap_err().kind(), ErrorKind::DrillMismatch);
    assert!(Ledger::open(storage, &drill).is_ok());
}

#[test]
fn the_next_generation_goes_on_where_the_last_one_ended() {
    let (storage, mut a) = create();
    let mut b = Ledger::open(storage.clone(), &config()).unwrap().ledger;
    for n in 0..5 {
        append(&mut a, &[n]);
    }
    a.sync().unwrap();
    let closing = a.head();
    let lock = a.lock().unwrap();
    a.settle(&lock).unwrap();
    a.next_generation(&lock, GenerationCause::Archive, b"folded state").unwrap();
    let entry = a.append(&lock, b"after").unwrap();
    drop(lock);
    assert_eq!((a.generation(), entry.seq, a.id(), a.level()), (1, 7, ID, 1));

    // The other handle finds out, with the lock and without.
    let lock = b.lock().unwrap();
    let new = b.settle(&lock).unwrap();
    assert!(new.reopened);
    assert_eq!(payloads(&new.entries), [b"folded state".as_slice(), b"after"]);
    let opening = new.entries[0].opening.as_ref().unwrap();
    assert_eq!((opening.cause, opening.before), (GenerationCause::Archive, 0));
    assert_eq!((opening.size, opening.root), (closing.size, closing.root));
    let key = note::Verifier::new(&note::origin(&ID, 0), b.public_key()).unwrap();
    assert_eq!(note::Checkpoint::parse(key.verify(&opening.closing).unwrap()).unwrap().size, 6);
    drop(lock);

    let opened = Ledger::open(storage.clone(), &config()).unwrap();
    assert_eq!((opened.entries, opened.findings), (new.entries, vec![]));
    assert_eq!(opened.ledger.first_seq(), 6);
    let report = verify(storage.clone(), &config()).unwrap();
    assert!(report.is_clean());
    assert_eq!(report.generations.iter().map(|generation| generation.records).collect::<Vec<_>>(), [6, 2]);

    // The file before is proven by the one after.
    let old = Path::new("/ledgers/acme.g0.ledger");
    let mut bytes = storage.read(old).unwrap();
    *bytes.last_mut().unwrap() = 1;
    storage.write(old, &bytes);
    assert!(!verify(storage, &config()).unwrap().is_clean());
}

#[test]
fn a_reader_without_the_lock_finds_the_next_generation_too() {
    let (storage, mut a) = create();
    let mut b = Ledger::open(storage, &config()).unwrap().ledger;
    let lock = a.lock().unwrap();
    a.settle(&lock).unwrap();
    a.next_generation(&lock, GenerationCause::Archive, b"state").unwrap();
    let found = (0..20).map(|_| b.refresh().unwrap()).find(|new| new.reopened).unwrap();
    assert_eq!(payloads(&found.entries), [b"state"]);
    assert_eq!(found.findings, []);
}

#[test]
fn a_leftover_of_a_generation_that_never_was_is_in_nobodys_way() {
    let (storage, mut ledger) = create();
    storage.write(Path::new("/ledgers/acme.g1.ledger.tmp"), b"left by a crash");
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    ledger.next_generation(&lock, GenerationCause::Archive, b"state").unwrap();
    assert!(!storage.exists(Path::new("/ledgers/acme.g1.ledger.tmp")).unwrap());
}

#[test]
fn no_ledger_is_created_where_one_lies() {
    let (storage, ledger) = create();
    let again = |storage: &Arc<MemoryStorage>| Ledger::create(storage.clone(), &config(), ID, 1, b"").map(drop);
    assert_eq!(again(&storage).unwrap_err().kind(), ErrorKind::Exists);
    drop(ledger);
    // A whole file that only lacks its name is a ledger: it is found, not replaced.
    storage.rename(Path::new("/ledgers/acme.g0.ledger"), Path::new("/ledgers/acme.g0.ledger.tmp")).unwrap();
    assert_eq!(again(&storage).unwrap_err().kind(), ErrorKind::Exists);
    assert_eq!(Ledger::open(storage.clone(), &config()).unwrap().entries[0].payload, b"genesis");
    storage.rename(Path::new("/ledgers/acme.g0.ledger"), Path::new("/ledgers/acme.g7.ledger")).unwrap();
    assert_eq!(again(&storage).unwrap_err().kind(), ErrorKind::Exists);
    // What a crash left of one that never was is no ledger.
    storage.remove(Path::new("/ledgers/acme.g7.ledger")).unwrap();
    storage.write(Path::new("/ledgers/acme.g0.ledger.tmp"), &[0; 20_000]);
    assert_eq!(Ledger::open(storage.clone(), &config()).unwrap_err().kind(), ErrorKind::Missing);
    again(&storage).unwrap();
}

#[test]
fn the_witness_never_goes_back_unless_told() {
    let (storage, mut ledger) = create();
    assert_eq!(ledger.witness_read(), WitnessRead::Missing);
    let of = |seq, body: &[u8]| Witness { ledger: ID, generation: 0, seq, hash: [seq as u8; 32], body: body.to_vec() };
    assert!(ledger.witness_write(&of(5, b"five"), false).unwrap());
    assert!(ledger.witness_write(&of(6, b"six"), false).unwrap());
    assert!(!ledger.witness_write(&of(5, b"five"), false).unwrap());
    assert_eq!(ledger.witness_read(), WitnessRead::Of(of(6, b"six")));
    assert!(ledger.witness_write(&of(4, b"four"), true).unwrap());
    assert_eq!(ledger.witness_read(), WitnessRead::Of(of(4, b"four")));

    // The newer slot torn: the older one is used. Both: torn, no offence.
    let path = Path::new("/state").join(format!("{ID}.witness"));
    let whole = storage.read(&path).unwrap();
    let newer = if whole[8] > whole[4096 + 8] { 0 } else { 4096 };
    let mut torn = whole.clone();
    torn[newer + 100] ^= 1;
    storage.write(&path, &torn);
    assert_eq!(ledger.witness_read(), WitnessRead::Of(of(6, b"six")));
    torn[4096 - newer + 100] ^= 1;
    storage.write(&path, &torn);
    assert_eq!(ledger.witness_read(), WitnessRead::Torn);
    storage.write(&path, &whole);

    // It survives a new data key, and no other ledger's key writes it.
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    ledger.next_generation(&lock, GenerationCause::NewDataKey, b"").unwrap();
    assert_eq!(ledger.witness_read(), WitnessRead::Of(of(4, b"four")));
    let foreign = Config { name: "other".into(), ..config() };
    let foreign = Ledger::create(storage, &foreign, ID, 1, b"").unwrap();
    assert_eq!(foreign.witness_read(), WitnessRead::Torn);
    assert_eq!(ledger.witness_write(&of(9, &[0; 4000]), false).unwrap_err().kind(), ErrorKind::TooLarge);
}

#[test]
fn a_level_only_rises() {
    let (storage, mut ledger) = create();
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    ledger.raise_level(&lock, 3).unwrap();
    assert_eq!(ledger.raise_level(&lock, 2).unwrap_err().kind(), ErrorKind::Level);
    drop(lock);
    assert_eq!(Ledger::open(storage, &config()).unwrap().ledger.level(), 3);
}

#[test]
fn a_new_file_keeps_what_another_handle_changed_in_the_header() {
    let (storage, mut ledger) = create();
    let mut other = Ledger::open(storage.clone(), &config()).unwrap().ledger;
    let lock = other.lock().unwrap();
    other.settle(&lock).unwrap();
    other.raise_level(&lock, 3).unwrap();
    other.rekey(&lock, &KeySource::caller(b"the caller's new bytes")).unwrap();
    drop(lock);
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    ledger.next_generation(&lock, GenerationCause::Archive, b"").unwrap();
    drop(lock);
    assert_eq!(Ledger::open(storage.clone(), &config()).unwrap_err().kind(), ErrorKind::WrongKey);
    let config = Config { keys: KeySource::caller(b"the caller's new bytes"), ..config() };
    let opened = Ledger::open(storage, &config).unwrap().ledger;
    assert_eq!((opened.generation(), opened.level()), (1, 3));
}

#[test]
fn folds_of_two_versions_keep_a_snapshot_each() {
    let (storage, mut ledger) = create();
    let snapshot = |fold_version| {
        let config = Config { fold_version, ..config() };
        Ledger::open(storage.clone(), &config).unwrap().snapshot.map(|state| String::from_utf8(state).unwrap())
    };
    let mut save = |fold_version, state: &str| {
        append(&mut ledger, state.as_bytes());
        ledger.save_snapshot(state.as_bytes(), fold_version).unwrap();
    };
    save(0, "a");
    save(0, "b");
    assert_eq!((snapshot(0).as_deref(), snapshot(1)), (Some("b"), None));
    // However often either writes, the other's stays.
    for (fold_version, state) in [(1, "c"), (1, "d"), (0, "e"), (0, "f"), (0, "g"), (1, "h")] {
        save(fold_version, state);
        assert_eq!(snapshot(fold_version).as_deref(), Some(state));
        assert!(snapshot(1 - fold_version).is_some(), "{state}");
    }
    assert_eq!((snapshot(0).as_deref(), snapshot(1).as_deref()), (Some("g"), Some("h")));
    // A third takes the place of the older one.
    save(2, "i");
    assert_eq!((snapshot(0), snapshot(1).as_deref(), snapshot(2).as_deref()), (None, Some("h"), Some("i")));
}

#[test]
fn a_retired_ledger_makes_room_and_stays_readable() {
    let (storage, mut ledger) = create();
    append(&mut ledger, b"old");
    ledger.save_snapshot(b"state", 0).unwrap();
    ledger.side_file_write("place.Consumer: 1/2", b"12").unwrap();
    assert_eq!(ledger.side_file_read("place.Consumer: 1/2").unwrap().unwrap(), b"12");
    assert_eq!(ledger.side_file_read("../x").unwrap(), None);
    let folder = Ledger::retire(storage.clone(), &config()).unwrap();
    assert_eq!(folder, Path::new("/ledgers/acme.retired-1"));
    assert_eq!(Ledger::open(storage.clone(), &config()).unwrap_err().kind(), ErrorKind::Missing);
    let lock = ledger.lock().unwrap();
    assert_eq!(ledger.settle(&lock).unwrap_err().kind(), ErrorKind::Replaced);
    drop(lock);
    let mut left = storage.list(Path::new("/ledgers")).unwrap();
    left.sort();
    assert_eq!(left, ["acme.lock", "acme.retired-1"]);
    let archived = Config { folder, ..config() };
    assert_eq!(Ledger::open(storage.clone(), &archived).unwrap().entries.len(), 0);
    assert_eq!(verify(storage.clone(), &archived).unwrap().generations[0].records, 2);
    let id = LedgerId::random().unwrap();
    let mut new = Ledger::create(storage.clone(), &config(), id, 1, b"new").unwrap();
    append(&mut new, b"x");
    assert_eq!(Ledger::open(storage.clone(), &config()).unwrap().ledger.id(), id);
    assert_eq!(Ledger::retire(storage, &config()).unwrap(), Path::new("/ledgers/acme.retired-2"));
}

#[test]
fn a_ledger_exchanged_under_an_open_handle_is_read_anew() {
    let (storage, mut ledger) = create();
    let copy = storage.read(ledger.path()).unwrap();
    for n in 0..3 {
        append(&mut ledger, &[n]);
    }
    ledger.sync().unwrap();
    // Copied over in place, the shorter log is noticed by the next look.
    storage.write(ledger.path(), &copy);
    let new = ledger.refresh().unwrap();
    assert!(new.reopened && new.findings.iter().any(|finding| matches!(finding, Finding::Replaced { .. })));
    assert_eq!(payloads(&new.entries), [b"genesis"]);
    // Put in its place by name, by the next to settle.
    storage.write(Path::new("/ledgers/copy"), &copy);
    storage.rename(Path::new("/ledgers/copy"), Path::new("/ledgers/acme.g0.ledger")).unwrap();
    let lock = ledger.lock().unwrap();
    let new = ledger.settle(&lock).unwrap();
    assert!(new.reopened && new.findings.iter().any(|finding| matches!(finding, Finding::Replaced { .. })));
    ledger.append(&lock, b"x").unwrap();
}

#[test]
fn the_real_disk_does_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let config =
        Config { folder: folder.path().join("deep/er"), witness: Some(folder.path().join("state")), ..config() };
    let disk: Arc<dyn Storage> = Arc::new(Disk);
    let mut a = Ledger::create(disk.clone(), &config, ID, 1, b"genesis").unwrap();
    let mut b = Ledger::open(disk.clone(), &config).unwrap().ledger;
    let held = a.lock().unwrap();
    assert!(b.try_lock().unwrap().is_none(), "two handles in one process exclude each other");
    assert_eq!(b.lock().unwrap_err().kind(), ErrorKind::Busy);
    drop(held);
    for n in 0..100_u8 {
        append(if n % 2 == 0 { &mut a } else { &mut b }, &vec![n; usize::from(n) * 40]);
    }
    a.refresh().unwrap();
    a.sync().unwrap();
    a.save_snapshot(b"state", 0).unwrap();
    let (seq, hash) = a.newest();
    assert!(a.witness_write(&Witness { ledger: ID, generation: 0, seq, hash, body: vec![1] }, false).unwrap());
    assert!(matches!(b.witness_read(), WitnessRead::Of(witness) if witness.seq == 100));
    let opened = Ledger::open(disk.clone(), &config).unwrap();
    assert_eq!(
        (opened.snapshot.as_deref(), opened.entries.len(), opened.findings),
        (Some(b"state".as_slice()), 0, vec![])
    );
    assert_eq!(opened.ledger.head(), a.head());
    assert!(verify(disk.clone(), &config).unwrap().is_clean());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for name in ["acme.g0.ledger", "acme.secret", "acme.head"] {
            let mode = std::fs::metadata(config.folder.join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }
    let lock = a.lock().unwrap();
    a.settle(&lock).unwrap();
    a.next_generation(&lock, GenerationCause::Archive, b"state").unwrap();
    drop(lock);
    append(&mut b, b"after");
    assert_eq!(b.generation(), 1);
    drop((a, b));
    let retired = Ledger::retire(disk.clone(), &config).unwrap();
    assert!(verify(disk, &Config { folder: retired, ..config }).unwrap().is_clean());
}
