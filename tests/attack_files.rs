//! Attacks on the client's files: damage and copies under open clients, witnesses, generations, what newer releases wrote.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reprieve::client::{App, Builder, Client, ErrorKind, EventKind};
use reprieve::document::{self, KeyEntry, Keys, Role, SigningKey};
use reprieve::drill::{Drill, Scenario};
use reprieve::grace::Event;
use reprieve::ledger::codec::{RawEvent, decode_batch, encode_batch};
use reprieve::ledger::{Disk, Ledger};
use reprieve::terms::{Access, Kind, LicenseState};
use reprieve::time::{Instant, Span};
use serde_json::{Value, json};

const ROLES: [Role; 3] = [Role::Lease, Role::Policy, Role::Ruling];

fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64
}

struct Vendor {
    root: SigningKey,
    keys: Vec<SigningKey>,
    app: App,
}

impl Vendor {
    fn new() -> Vendor {
        Vendor::with(1, "root-1", &["root-1"])
    }

    /// Whose root `root` signs the keys, and who brings `roots`.
    fn with(version: u64, root: &str, roots: &[&str]) -> Vendor {
        let root_of = |kid: &str| SigningKey::from_seed(kid, [*kid.as_bytes().last().unwrap(); 32]).unwrap();
        let root = root_of(root);
        let keys: Vec<SigningKey> = ROLES
            .iter()
            .zip(1u8..)
            .map(|(role, seed)| {
                SigningKey::from_seed(format!("{role}-{version}"), [seed + version as u8 * 16; 32]).unwrap()
            })
            .collect();
        let mut app =
            App::new("acme", b"the application's secret", roots.iter().map(|kid| root_of(kid).root_key()).collect());
        let mut vendor = Vendor { root, keys, app: app.clone() };
        app.keys = Some(vendor.keys_token(version));
        vendor.app = app;
        vendor
    }

    fn keys_token(&self, version: u64) -> Vec<u8> {
        let document = Keys {
            version,
            keys: self
                .keys
                .iter()
                .zip(ROLES)
                .map(|(key, role)| KeyEntry { roles: vec![role], ..key.entry(&[]) })
                .collect(),
            roots: vec![self.root.root_key()],
            endpoints: Vec::new(),
            mirrors: Vec::new(),
            iat: Instant::from_seconds(1_700_000_000),
        };
        document::issue(Kind::Keys, &document.claims(), &[&self.root]).unwrap()
    }

    fn issue(&self, kind: Kind, mut claims: Value) -> Vec<u8> {
        claims.as_object_mut().unwrap().entry("iat").or_insert(json!(now()));
        let at = ROLES.iter().position(|role| *role == Role::of(kind)).unwrap();
        document::issue(kind, &claims, &[&self.keys[at]]).unwrap()
    }

    fn lease(&self, ledger: &str) -> Vec<u8> {
        let claims = json!({ "license": "L1", "sku": "cad", "ledger": ledger, "features": { "core": now() + 3600 } });
        self.issue(Kind::Lease, claims)
    }

    fn builder(&self, folder: &Path) -> Builder {
        Builder::new(self.app.clone())
            .folder(folder.join("ledger"))
            .witness(folder.join("witness"))
            .lock_timeout(Duration::from_millis(400))
    }

    fn client(&self, folder: &Path) -> Client {
        self.builder(folder).open().unwrap()
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn generation(folder: &Path, generation: u64) -> PathBuf {
    folder.join(format!("ledger/acme.g{generation}.ledger"))
}

fn generations(folder: &Path) -> usize {
    (0..50).filter(|n| generation(folder, *n).exists()).count()
}

fn drain(client: &Client, consumer: &str) -> Vec<EventKind> {
    let mut kinds = Vec::new();
    while let Some(event) = client.next_event(consumer).unwrap() {
        client.acknowledge(consumer, event.record, event.index).unwrap();
        kinds.push(event.kind);
    }
    kinds
}

fn recorded(client: &Client, which: impl Fn(&Event) -> bool) -> usize {
    client.history(0).unwrap().iter().flat_map(|(_, record)| &record.events).filter(|event| which(event)).count()
}

/// Destroys the record that stands before the last one.
fn destroy_last_but_one(file: &Path) {
    let mut bytes = std::fs::read(file).unwrap();
    let frames: Vec<usize> =
        (8192..bytes.len() - 2).filter(|at| &bytes[*at..at + 2] == b"RF" && bytes[at + 6..at + 8] == [1, 0]).collect();
    bytes[frames[frames.len() - 2] + 60] ^= 1;
    std::fs::write(file.with_extension("new"), &bytes).unwrap();
    // In place: the same file, as open clients have it.
    use std::io::Write as _;
    let mut open = std::fs::OpenOptions::new().write(true).open(file).unwrap();
    open.write_all(&bytes).unwrap();
    std::fs::remove_file(file.with_extension("new")).unwrap();
}

/// Appends a record with an event of a newer release.
fn append_foreign(builder: &Builder, must_understand: bool) {
    let mut opened = Ledger::open(Arc::new(Disk), &builder.config().unwrap()).unwrap();
    let last = opened.ledger.read_record(opened.ledger.next_seq() - 1).unwrap().unwrap();
    let (head, _) = decode_batch(&last).unwrap();
    let lock = opened.ledger.lock().unwrap();
    opened.ledger.settle(&lock).unwrap();
    let raw = RawEvent { kind: 999, must_understand, body: vec![1, 2, 3] };
    opened.ledger.append(&lock, &encode_batch(&head, &[raw]).unwrap()).unwrap();
    opened.ledger.sync().unwrap();
}

// ---- L2 ----

// Two clients that both came upon the damage begin one new file, and record it once.
#[test]
fn l2_damage_that_two_open_clients_find_is_recorded_once() {
    let (vendor, folder) = (Vendor::new(), folder());
    let (one, two, writer) = (vendor.client(folder.path()), vendor.client(folder.path()), vendor.client(folder.path()));
    for client in [&one, &two] {
        client.upkeep().unwrap();
    }
    writer.appeal(None, "this one is destroyed").unwrap();
    writer.appeal(None, "this one vouches for it").unwrap();
    destroy_last_but_one(&generation(folder.path(), 0));
    for client in [&one, &two] {
        std::thread::sleep(Duration::from_millis(15));
        client.check("cad", "core");
    }
    one.upkeep().unwrap();
    two.upkeep().unwrap();
    one.upkeep().unwrap();
    assert_eq!(generations(folder.path()), 2);
    assert_eq!(recorded(&two, |event| matches!(event, Event::Damage { .. })), 1);
    assert_eq!(recorded(&two, |event| matches!(event, Event::Suspected { .. })), 1);
    std::thread::sleep(Duration::from_millis(15));
    assert_eq!(two.check("cad", "core").ledger.as_str(), "suspect");
}

// What was damaged stands in the new file's first record: no crash between two records makes it forgotten.
#[test]
fn l2_a_new_file_begins_with_the_suspicion() {
    let (vendor, folder) = (Vendor::new(), folder());
    let client = vendor.client(folder.path());
    client.import(&vendor.lease("*")).unwrap();
    client.appeal(None, "destroyed").unwrap();
    client.appeal(None, "vouches").unwrap();
    destroy_last_but_one(&generation(folder.path(), 0));
    drop(client);
    drop(vendor.client(folder.path()));
    let config = vendor.builder(folder.path()).config().unwrap();
    let opened = Ledger::open(Arc::new(Disk), &config).unwrap();
    let first = opened.ledger.first_seq();
    let client = vendor.client(folder.path());
    let history = client.history(first).unwrap();
    assert!(matches!(history[0].1.events[0], Event::Continued(_)));
    assert!(history[0].1.events.iter().any(|event| matches!(event, Event::Damage { .. })), "{:?}", history[0]);
    let decision = client.check("cad", "core");
    assert_eq!((decision.access, decision.ledger.as_str()), (Access::Full, "suspect"));
}

// A ledger that cannot go on, as it has what this release does not know, acknowledges nothing.
#[test]
fn l2_damage_beside_what_a_newer_release_wrote_is_no_false_promise() {
    let (vendor, folder) = (Vendor::new(), folder());
    let client = vendor.client(folder.path());
    let other = vendor.client(folder.path());
    append_foreign(&vendor.builder(folder.path()), false);
    client.upkeep().unwrap();
    other.appeal(None, "destroyed").unwrap();
    other.appeal(None, "vouches").unwrap();
    destroy_last_but_one(&generation(folder.path(), 0));
    let error = client.import(&vendor.lease("*")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Newer, "{error}");
    assert_eq!(generations(folder.path()), 1);
    let decision = client.check("cad", "core");
    assert_eq!((decision.state, decision.flags.newer), (Some(LicenseState::Unlicensed), true));
}

// ---- newer releases ----

#[test]
fn a_newer_release_keeps_nobody_out() {
    let (vendor, folder) = (Vendor::new(), folder());
    let client = vendor.client(folder.path());
    client.import(&vendor.lease("*")).unwrap();
    append_foreign(&vendor.builder(folder.path()), true);
    let mut newest = Vendor::new();
    newest.app.keys = Some(vendor.keys_token(2));
    let records = |client: &Client| client.status("cad").unwrap().records;
    let again = newest.client(folder.path());
    let before = records(&again);
    let decision = again.check("cad", "core");
    assert_eq!((decision.access, decision.flags.newer), (Access::Full, true));
    assert_eq!(again.import(&vendor.lease("*")).unwrap_err().kind(), ErrorKind::Newer);
    assert_eq!(again.archive().unwrap_err().kind(), ErrorKind::Newer);
    assert_eq!(again.appeal(None, "x").unwrap_err().kind(), ErrorKind::Newer);
    again.upkeep().unwrap();
    again.close().unwrap();
    let again = vendor.client(folder.path());
    assert_eq!(records(&again), before, "nothing is appended");
    // What need not be understood is kept, and stops an archive alone.
    let folder = self::folder();
    let client = vendor.client(folder.path());
    append_foreign(&vendor.builder(folder.path()), false);
    assert!(client.import(&vendor.lease("*")).unwrap().accepted);
    assert!(!client.check("cad", "core").flags.newer);
    assert_eq!(client.archive().unwrap_err().kind(), ErrorKind::Newer);
}

// G2: where nothing may be recorded, a first use is remembered all the same.
#[test]
fn g2_a_first_use_counts_though_a_newer_release_wrote() {
    let scenario = json!({
        "name": "newer", "sku": "cad", "steps": [],
        "policy": { "schema": 1, "id": "p", "version": 1, "default_tier": "t",
            "tiers": { "t": { "start": "first_use", "horizon": "60d", "unknown": { "allowance": "3d" } } } },
    });
    let drill = Drill::of(&Scenario::parse(&scenario.to_string()).unwrap()).unwrap();
    let client = drill.builder().open().unwrap();
    let exp = (drill.now() + Span::seconds(3600)).seconds();
    let lease = json!({ "license": "L1", "sku": "cad", "features": { "core": exp } });
    client.import(&drill.issue(Kind::Lease, &lease, 1, None).unwrap()).unwrap();
    append_foreign(&drill.builder(), true);
    client.upkeep().unwrap();
    drill.advance(Span::seconds(2 * 3600)).unwrap();
    assert_eq!(client.check("cad", "core").state, Some(LicenseState::Grace));
    for _ in 0..4 {
        drill.advance(Span::seconds(86_400)).unwrap();
        client.check("cad", "core");
    }
    let decision = client.check("cad", "core");
    assert_eq!((decision.state, decision.flags.newer), (Some(LicenseState::Expired), true));
    // Upkeep records nothing either, and forgets nothing.
    client.upkeep().unwrap();
    assert_eq!(client.check("cad", "core").state, Some(LicenseState::Expired));
}

// S15: what one product cannot prove is not lost to another by its snapshots or archives.
#[test]
fn s15_documents_of_another_products_keys_survive_snapshots_and_archives() {
    let folder = folder();
    let old = Vendor::with(1, "root-1", &["root-1"]);
    let new = Vendor::with(2, "root-2", &["root-1", "root-2"]);
    drop(old.client(folder.path()));
    let second = new.client(folder.path());
    assert!(second.import(&new.lease("*")).unwrap().accepted);
    second.close().unwrap();
    let first = old.client(folder.path());
    assert_eq!(first.check("cad", "core").access, Access::Denied);
    assert!(first.status("cad").unwrap().unproven > 0);
    for n in 0..300 {
        first.appeal(None, &format!("{n}")).unwrap();
    }
    assert_eq!(first.archive().unwrap_err().kind(), ErrorKind::Newer);
    first.close().unwrap();
    assert_eq!(new.client(folder.path()).check("cad", "core").access, Access::Full);
}

// ---- L3 ----

// A copy that is put in the file's place under an open client is found by that client, and an archive does not hide it.
#[test]
fn l3_a_copy_put_under_an_open_client_is_found() {
    let (vendor, folder) = (Vendor::new(), folder());
    let file = generation(folder.path(), 0);
    let client = vendor.client(folder.path());
    client.import(&vendor.lease("*")).unwrap();
    client.next_event("test").unwrap();
    let copy = std::fs::read(&file).unwrap();
    for n in 0..3 {
        client.appeal(None, &format!("lost {n}")).unwrap();
    }
    drain(&client, "test");
    std::fs::write(file.with_extension("copy"), copy).unwrap();
    if let Err(error) = std::fs::rename(file.with_extension("copy"), &file) {
        assert!(std::env::var_os("WINEPREFIX").is_some(), "{error}");
        println!(
            "not run: a copy put under an open client: Wine replaces no file that is open, as Windows does since 10"
        );
        return;
    }
    std::fs::remove_file(folder.path().join("ledger/acme.head")).ok();
    client.archive().unwrap();
    std::thread::sleep(Duration::from_millis(15));
    let decision = client.check("cad", "core");
    assert_eq!((decision.access, decision.ledger.as_str()), (Access::Full, "suspect"));
    assert!(!decision.why.ways_out.is_empty());
    assert_eq!(recorded(&client, |event| matches!(event, Event::PutBack { .. })), 1);
    client.close().unwrap();
    let client = vendor.client(folder.path());
    assert!(drain(&client, "test").contains(&EventKind::LedgerSuspect));
    assert_eq!(recorded(&client, |event| matches!(event, Event::PutBack { .. })), 1);
}

// A copy that is archived where no witness knows better is found by the witness that does.
#[test]
fn l3_a_copy_that_was_archived_elsewhere_is_found() {
    for put_away in [false, true] {
        let (vendor, folder) = (Vendor::new(), folder());
        let client = vendor.client(folder.path());
        client.import(&vendor.lease("*")).unwrap();
        client.close().unwrap();
        let file = generation(folder.path(), 0);
        let copy = std::fs::read(&file).unwrap();
        let client = vendor.client(folder.path());
        for n in 0..8 {
            client.appeal(None, &format!("lost {n}")).unwrap();
        }
        client.close().unwrap();
        std::fs::write(&file, copy).unwrap();
        std::fs::remove_file(folder.path().join("ledger/acme.head")).unwrap();
        let elsewhere = vendor.builder(folder.path()).witness(folder.path().join("other")).open().unwrap();
        assert_eq!(elsewhere.check("cad", "core").ledger.as_str(), "ok", "nobody there knows");
        elsewhere.archive().unwrap();
        elsewhere.close().unwrap();
        if put_away {
            std::fs::remove_file(&file).unwrap();
        }
        let client = vendor.client(folder.path());
        assert_eq!(client.check("cad", "core").ledger.as_str(), "suspect");
        client.close().unwrap();
        let client = vendor.client(folder.path());
        assert_eq!(recorded(&client, |event| matches!(event, Event::PutBack { .. })), 1, "once");
    }
}

// An archive, or damage that was dealt with, is no copy put back for a witness that was away.
#[test]
fn l3_a_witness_that_was_away_sees_no_offence_in_archives_and_damage() {
    for damage in [false, true] {
        let (vendor, folder) = (Vendor::new(), folder());
        let away = || vendor.builder(folder.path()).witness(folder.path().join("away")).open().unwrap();
        let client = vendor.client(folder.path());
        client.import(&vendor.lease("*")).unwrap();
        let other = away();
        other.appeal(None, "what the other witness knows").unwrap();
        if damage {
            // No more is recorded by `other`: its witness knows this very record.
            client.appeal(None, "vouches").unwrap();
            destroy_last_but_one(&generation(folder.path(), 0));
            client.upkeep().unwrap();
            // Its close says nothing new to its witness: it is opened by a copy of that.
            let saved = folder.path().join("saved");
            std::fs::create_dir_all(&saved).unwrap();
            for entry in std::fs::read_dir(folder.path().join("away")).unwrap() {
                let entry = entry.unwrap();
                std::fs::copy(entry.path(), saved.join(entry.file_name())).unwrap();
            }
            drop(other);
            let third = vendor.builder(folder.path()).witness(&saved).open().unwrap();
            assert_eq!(recorded(&third, |event| matches!(event, Event::PutBack { .. })), 0);
        } else {
            drop(other);
            for _ in 0..3 {
                client.appeal(None, "and on").unwrap();
                client.archive().unwrap();
            }
            let other = away();
            assert_eq!(other.check("cad", "core").ledger.as_str(), "ok");
            assert_eq!(recorded(&other, |event| matches!(event, Event::PutBack { .. })), 0);
        }
    }
}

// Every way to put files back, with every witness: nothing is reset in silence while a witness or a head knows better, no
// panic, and a lease that answers a request ends it.
#[test]
fn l3_every_way_to_put_files_back() {
    for which in
        ["all", "ledger", "ledger and head", "ledger and snapshots", "older generation alone", "newest generation gone"]
    {
        for witness in ["there", "wiped", "torn"] {
            let (vendor, folder) = (Vendor::new(), folder());
            let (ledger, saved) = (folder.path().join("ledger"), folder.path().join("saved"));
            let client = vendor.client(folder.path());
            client.import(&vendor.lease("*")).unwrap();
            client.next_event("test").unwrap();
            for n in 0..6 {
                client.appeal(None, &format!("{n}")).unwrap();
            }
            client.close().unwrap();
            copy(&ledger, &saved, |_| true);
            let client = vendor.client(folder.path());
            for n in 0..40 {
                client.appeal(None, &format!("lost {n}")).unwrap();
            }
            if which.contains("generation") {
                client.archive().unwrap();
                client.appeal(None, "in the new file").unwrap();
            }
            client.close().unwrap();
            match which {
                "all" => {
                    std::fs::remove_dir_all(&ledger).unwrap();
                    copy(&saved, &ledger, |_| true);
                }
                "ledger" => copy(&saved, &ledger, |name| name.ends_with(".ledger")),
                "ledger and head" => copy(&saved, &ledger, |name| name.ends_with(".ledger") || name.ends_with(".head")),
                "ledger and snapshots" => {
                    copy(&saved, &ledger, |name| name.ends_with(".ledger") || name.contains(".snapshot"))
                }
                "older generation alone" => copy(&saved, &ledger, |name| name.ends_with(".g0.ledger")),
                _ => std::fs::remove_file(ledger.join("acme.g1.ledger")).unwrap(),
            }
            for entry in std::fs::read_dir(folder.path().join("witness")).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|e| e == "witness") {
                    match witness {
                        "wiped" => std::fs::remove_file(&path).unwrap(),
                        "torn" => std::fs::write(&path, &std::fs::read(&path).unwrap()[..100]).unwrap(),
                        _ => {}
                    }
                }
            }
            let case = format!("{which}, witness {witness}");
            let client = vendor.builder(folder.path()).open().unwrap_or_else(|error| panic!("{case}: {error}"));
            let decision = client.check("cad", "core");
            assert_eq!(decision.access, Access::Full, "{case}");
            // The newer snapshot or head that lies there still says so too; the older file does not rule.
            let known = which != "older generation alone" && (witness == "there" || which != "all");
            let standing = decision.ledger.as_str();
            if known {
                assert_eq!(standing, "suspect", "{case}");
            } else {
                assert_eq!(standing, "ok", "{case}");
            }
            drain(&client, "test");
            client.close().unwrap();
            let client = vendor.client(folder.path());
            assert_eq!(client.check("cad", "core").ledger.as_str(), standing, "{case}: L4");
            let told = recorded(&client, |event| matches!(event, Event::Suspected { .. }));
            assert_eq!(told, usize::from(known), "{case}: told once");
            let request = client.request().unwrap();
            let claims = json!({
                "license": "L1", "sku": "cad", "ledger": client.ledger_id().unwrap(), "nonce": request.nonce,
                "features": { "core": now() + 60 },
            });
            assert!(client.import(&vendor.issue(Kind::Lease, claims)).unwrap().fresh, "{case}");
            assert_eq!(client.check("cad", "core").ledger.as_str(), "ok", "{case}");
            client.close().unwrap();
            let client = vendor.client(folder.path());
            assert_eq!(client.check("cad", "core").ledger.as_str(), "ok", "{case}");
        }
    }
}

fn copy(from: &Path, to: &Path, which: impl Fn(&str) -> bool) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if which(&entry.file_name().to_string_lossy()) {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

// ---- files that go away ----

#[test]
fn a_ledger_that_is_retired_and_begun_anew_under_an_open_client() {
    let (vendor, folder) = (Vendor::new(), folder());
    let client = vendor.client(folder.path());
    client.import(&vendor.lease("*")).unwrap();
    client.next_event("test").unwrap();
    let config = vendor.builder(folder.path()).config().unwrap();
    Ledger::retire(Arc::new(Disk), &config).unwrap();
    let error = client.upkeep().unwrap_err();
    assert!(error.to_string().contains("moved away"), "{error}");
    std::thread::sleep(Duration::from_millis(15));
    assert_eq!(client.check("cad", "core").access, Access::Full, "decisions go on");
    assert_eq!(vendor.builder(folder.path()).create(false).open().unwrap_err().kind(), ErrorKind::Missing);
    let second = vendor.client(folder.path());
    let id = second.ledger_id().unwrap();
    client.upkeep().unwrap();
    assert_eq!(client.ledger_id().unwrap(), id);
    assert_eq!(client.check("cad", "core").state, Some(LicenseState::Unlicensed));
    assert!(client.import(&vendor.lease(&id)).unwrap().accepted, "a lease for the new ledger");
    std::thread::sleep(Duration::from_millis(15));
    assert_eq!(second.check("cad", "core").access, Access::Full);
    client.appeal(None, "x").unwrap();
    assert!(drain(&client, "test").contains(&EventKind::AppealFiled));
    client.close().unwrap();
    second.close().unwrap();
    assert_eq!(vendor.client(folder.path()).check("cad", "core").ledger.as_str(), "ok");
}

#[test]
fn a_folder_that_is_deleted_under_an_open_client() {
    let (vendor, folder) = (Vendor::new(), folder());
    let client = vendor.client(folder.path());
    client.import(&vendor.lease("*")).unwrap();
    std::fs::rename(folder.path().join("ledger"), folder.path().join("gone")).unwrap();
    let mut detached = Vec::new();
    for _ in 0..24 {
        std::thread::sleep(Duration::from_millis(12));
        let decision = client.check("cad", "core");
        assert_eq!(decision.access, Access::Full);
        detached.push(decision.flags.detached);
    }
    assert!(detached[8..].iter().all(|detached| *detached), "once found, it is said until it is over: {detached:?}");
    let error = client.import(&vendor.lease("*")).unwrap_err();
    assert!(error.to_string().contains("ledger"), "{error}");
    assert!(!folder.path().join("ledger").join("acme.g0.ledger").exists());
    std::fs::remove_dir_all(folder.path().join("ledger")).ok();
    std::fs::rename(folder.path().join("gone"), folder.path().join("ledger")).unwrap();
    std::thread::sleep(Duration::from_millis(12));
    assert!(!client.check("cad", "core").flags.detached);
    client.appeal(None, "it is back").unwrap();
    client.close().unwrap();
    assert_eq!(vendor.client(folder.path()).check("cad", "core").ledger.as_str(), "ok");
}

// An earlier file that cannot be read any more is as one that was put away: events, appeals and history go on.
#[test]
fn an_earlier_file_that_was_overwritten_stops_nothing() {
    let (vendor, folder) = (Vendor::new(), folder());
    let client = vendor.client(folder.path());
    client.next_event("test").unwrap();
    client.appeal(None, "in the first file").unwrap();
    client.archive().unwrap();
    client.appeal(None, "in the second file").unwrap();
    client.close().unwrap();
    std::fs::write(generation(folder.path(), 0), b"overwritten").unwrap();
    let client = vendor.client(folder.path());
    assert_eq!(client.check("cad", "core").ledger.as_str(), "ok", "it is not the file that rules");
    assert_eq!(drain(&client, "test"), [EventKind::AppealFiled]);
    client.appeal(None, "another").unwrap();
    assert!(!client.history(0).unwrap().is_empty());
    client.archive().unwrap();
}

// ---- G2 ----

// A first use that a check could not record, and that a lease then made pointless, is not recorded.
#[test]
fn g2_a_first_use_that_waited_does_not_outlive_its_lease() {
    let scenario = json!({
        "name": "waits", "sku": "cad", "steps": [],
        "policy": { "schema": 1, "id": "p", "version": 1, "default_tier": "t",
            "tiers": { "t": { "start": "first_use", "horizon": "60d", "unknown": { "allowance": "3d" } } } },
    });
    let drill = Drill::of(&Scenario::parse(&scenario.to_string()).unwrap()).unwrap();
    let (client, other) = (drill.builder().open().unwrap(), drill.client().unwrap());
    let lease = |hours: i64| {
        let exp = (drill.now() + Span::seconds(3600 * hours)).seconds();
        drill
            .issue(Kind::Lease, &json!({ "license": "L1", "sku": "cad", "features": { "core": exp } }), 1, None)
            .unwrap()
    };
    let holder = Ledger::open(Arc::new(Disk), &drill.builder().config().unwrap()).unwrap().ledger;
    let uses = || recorded(&other, |event| matches!(event, Event::FirstUse { .. }));
    client.import(&lease(1)).unwrap();
    drill.advance(Span::seconds(7200)).unwrap();
    let lock = holder.lock().unwrap();
    let first = client.check("cad", "core");
    assert_eq!(first.state, Some(LicenseState::Grace));
    drop(lock);
    assert_eq!(uses(), 0, "the lock was held");
    assert!(other.import(&lease(1)).unwrap().accepted);
    drill.advance(Span::seconds(1800)).unwrap();
    let lock = holder.lock().unwrap();
    assert_eq!(client.check("cad", "core").state, Some(LicenseState::Licensed));
    drop(lock);
    drill.advance(Span::seconds(1)).unwrap();
    client.check("cad", "core");
    client.upkeep().unwrap();
    assert_eq!(uses(), 0, "a lease came between");
    // And one that stands is recorded once, with its own `t`, though the ledger goes on in another file meanwhile.
    drill.advance(Span::seconds(7200)).unwrap();
    let lock = holder.lock().unwrap();
    let first = client.check("cad", "core");
    drop(lock);
    drill.advance(Span::seconds(600)).unwrap();
    other.archive().unwrap();
    drill.advance(Span::seconds(600)).unwrap();
    client.upkeep().unwrap();
    other.upkeep().unwrap();
    let at: Vec<Instant> = other
        .history(0)
        .unwrap()
        .iter()
        .flat_map(|(_, record)| record.events.clone())
        .filter_map(|event| if let Event::FirstUse { at, .. } = event { Some(at) } else { None })
        .collect();
    assert_eq!(at, [first.t]);
    assert_eq!(client.check("cad", "core").ends, first.ends);
    assert_eq!(other.check("cad", "core").ends, first.ends);
}

// ---- the clock ----

// A product's own thread is believed dead by the time that passed, not by a date that somebody put right.
#[test]
fn upkeep_of_ones_own_and_a_wall_that_jumps() {
    let scenario = json!({ "name": "own", "sku": "cad", "steps": [] });
    let drill = Drill::of(&Scenario::parse(&scenario.to_string()).unwrap()).unwrap();
    let client = drill.builder().upkeep(reprieve::client::Upkeep::Own).open().unwrap();
    let exp = (drill.now() + Span::seconds(864_000)).seconds();
    let lease = json!({ "license": "L1", "sku": "cad", "features": { "core": exp } });
    client.import(&drill.issue(Kind::Lease, &lease, 1, None).unwrap()).unwrap();
    for by in [7200, -3600, -7200, 3600] {
        drill.set_wall(Span::seconds(by)).unwrap();
        drill.advance(Span::seconds(60)).unwrap();
        assert_eq!(client.check("cad", "core").access, Access::Full, "{by}");
    }
    drill.set_wall(Span::seconds(-3600)).unwrap();
    drill.advance(Span::seconds(500)).unwrap();
    let decision = client.check("cad", "core");
    assert_eq!(decision.access, Access::Unknown, "{decision:?}");
    client.upkeep().unwrap();
    assert_eq!(client.check("cad", "core").access, Access::Full);
}

// ---- neighbours ----

#[test]
fn two_vendors_in_one_folder() {
    let folder = folder();
    let one = Vendor::new();
    let mut two = Vendor::new();
    two.app.vendor = "acme.g0".to_owned();
    two.app.ledger = "acme.g0".to_owned();
    two.app.secret = b"the secret of the neighbour".to_vec().into();
    let (a, b) = (one.client(folder.path()), two.client(folder.path()));
    a.import(&one.lease("*")).unwrap();
    b.archive().unwrap();
    std::thread::sleep(Duration::from_millis(15));
    assert_eq!((a.check("cad", "core").access, b.check("cad", "core").access), (Access::Full, Access::Denied));
    assert_ne!(a.ledger_id().unwrap(), b.ledger_id().unwrap());
    a.close().unwrap();
    Ledger::retire(Arc::new(Disk), &one.builder(folder.path()).config().unwrap()).unwrap();
    b.appeal(None, "still here").unwrap();
    b.close().unwrap();
    assert_eq!(two.client(folder.path()).check("cad", "core").ledger.as_str(), "ok");
    // One name, two secrets: nobody opens, and nobody is replaced.
    let mut three = Vendor::new();
    three.app.secret = b"the secret of a third one".to_vec().into();
    one.client(folder.path()).close().unwrap();
    assert_eq!(three.builder(folder.path()).open().unwrap_err().kind(), ErrorKind::WrongKey);
    one.client(folder.path()).close().unwrap();
}

// ---- crowds in one process ----

#[test]
fn a_crowd_that_opens_at_once() {
    for what in ["nothing there", "damaged", "put back"] {
        let (vendor, folder) = (Vendor::new(), folder());
        if what != "nothing there" {
            let client = vendor.client(folder.path());
            client.import(&vendor.lease("*")).unwrap();
            client.close().unwrap();
            let file = generation(folder.path(), 0);
            let copy = std::fs::read(&file).unwrap();
            let client = vendor.client(folder.path());
            client.appeal(None, "lost").unwrap();
            client.appeal(None, "vouches").unwrap();
            client.close().unwrap();
            if what == "damaged" {
                destroy_last_but_one(&file);
            } else {
                std::fs::write(&file, copy).unwrap();
                std::fs::remove_file(folder.path().join("ledger/acme.head")).unwrap();
            }
        }
        let barrier = std::sync::Barrier::new(8);
        let ids: std::collections::BTreeSet<String> = std::thread::scope(|scope| {
            let open = || {
                barrier.wait();
                let client = vendor.builder(folder.path()).lock_timeout(Duration::from_secs(30)).open().unwrap();
                let id = client.ledger_id().unwrap();
                client.upkeep().unwrap();
                client.close().unwrap();
                id
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(ids.len(), 1, "{what}");
        let client = vendor.client(folder.path());
        assert_eq!(generations(folder.path()), 1 + usize::from(what == "damaged"), "{what}");
        assert_eq!(recorded(&client, |event| matches!(event, Event::Created { .. })), 1, "{what}");
        assert_eq!(recorded(&client, |event| matches!(event, Event::Damage { .. })), usize::from(what == "damaged"));
        assert_eq!(recorded(&client, |event| matches!(event, Event::PutBack { .. })), usize::from(what == "put back"));
        assert_eq!(
            recorded(&client, |event| matches!(event, Event::Suspected { .. })),
            usize::from(what != "nothing there")
        );
    }
}

// A client that is closed and dropped while others of its clones check, import and poll.
#[test]
fn closed_and_dropped_while_others_are_at_it() {
    let (vendor, folder) = (Vendor::new(), folder());
    for round in 0..20u64 {
        let client = vendor.client(folder.path());
        client.import(&vendor.lease("*")).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let client = client.clone();
                scope.spawn(move || {
                    loop {
                        let decision = client.check("cad", "core");
                        match decision.access {
                            Access::Full => {}
                            Access::Unknown => break,
                            other => panic!("{other}"),
                        }
                        match thread {
                            0 => drop(
                                client.appeal(None, "x").map_err(|error| assert_eq!(error.kind(), ErrorKind::Closed)),
                            ),
                            1 => drop(
                                client.next_event("c").map_err(|error| assert_eq!(error.kind(), ErrorKind::Closed)),
                            ),
                            _ => {}
                        }
                    }
                    assert_eq!(client.upkeep().unwrap_err().kind(), ErrorKind::Closed);
                    assert!(client.close().is_ok());
                });
            }
            std::thread::sleep(Duration::from_millis(round * 2));
            client.close().unwrap();
            drop(client);
        });
    }
    assert_eq!(vendor.client(folder.path()).check("cad", "core").ledger.as_str(), "ok");
}

// A place that cannot be read, or lies nowhere, misses nothing and panics nowhere.
#[test]
fn a_consumers_place_that_is_odd() {
    let (vendor, folder) = (Vendor::new(), folder());
    let client = vendor.client(folder.path());
    client.next_event("test").unwrap();
    client.appeal(None, "told").unwrap();
    client.acknowledge("test", u64::MAX, u32::MAX).unwrap();
    client.acknowledge("test", u64::MAX, 0).unwrap();
    client.acknowledge("test", u64::MAX - 1, 0).unwrap();
    client.close().unwrap();
    assert!(drain(&vendor.client(folder.path()), "test").contains(&EventKind::AppealFiled));
    let place = std::fs::read_dir(folder.path().join("ledger")).unwrap().map(|entry| entry.unwrap().path());
    let place = place.into_iter().find(|path| path.to_string_lossy().contains("side-place")).unwrap();
    let good = std::fs::read_to_string(&place).unwrap();
    for odd in [
        "",
        "x",
        "1",
        "1 0\n1 \u{e9}\u{e9}",
        "-1 0",
        "99999999999999999999 0",
        "18446744073709551615 4294967295",
        &good[..good.len() - 9],
    ] {
        std::fs::write(&place, odd).unwrap();
        let client = vendor.client(folder.path());
        assert!(drain(&client, "test").contains(&EventKind::AppealFiled), "{odd:?}");
        client.close().unwrap();
    }
}
