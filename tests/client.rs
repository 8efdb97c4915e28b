//! The client on the real disk and the real clock: bad places, damage, several clients, threads, processes and forks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod vendor;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant as Watch};

use reprieve::client::{App, Builder, Client, ErrorKind, EventKind, Upkeep};
use reprieve::document::{self, SigningKey};
use reprieve::ledger::{Disk, Storage as _};
use reprieve::terms::{Access, Kind, LicenseState, Outage, Reason, Refusal};
use serde_json::{Value, json};
use vendor::{Vendor, now};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn access(client: &Client) -> (Access, Option<LicenseState>) {
    let decision = client.check("cad", "core");
    (decision.access, decision.state)
}

fn drain(client: &Client, consumer: &str) -> Vec<EventKind> {
    let mut kinds = Vec::new();
    while let Some(event) = client.next_event(consumer).unwrap() {
        client.acknowledge(consumer, event.record, event.index).unwrap();
        kinds.push(event.kind);
    }
    kinds
}

fn ledger_file(folder: &Path) -> PathBuf {
    let files = std::fs::read_dir(folder.join("ledger")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "ledger")).collect();
    files.sort();
    files.pop().unwrap()
}

#[test]
fn a_lease_ends_and_grace_carries_on() {
    let (vendor, folder) = (Vendor::new(), folder());
    let client = vendor.client(folder.path());
    assert_eq!(access(&client), (Access::Denied, Some(LicenseState::Unlicensed)));
    assert!(client.import(&vendor.policy(1)).unwrap().accepted);
    // Long enough for a slow machine to see it in force.
    assert!(client.import(&vendor.lease(4)).unwrap().accepted);
    assert_eq!(access(&client), (Access::Full, Some(LicenseState::Licensed)));
    std::thread::sleep(Duration::from_millis(4200));
    let decision = client.check("cad", "core");
    assert_eq!((decision.state, decision.reason), (Some(LicenseState::Grace), Some(Reason::Unknown)));
    assert!(client.report(Outage::Network).unwrap());
    assert!(!client.report(Outage::Network).unwrap(), "G1: one whose kind was reported already is no news");
    let decision = client.check("cad", "core");
    assert_eq!(decision.reason, Some(Reason::Network));
    assert_eq!(decision.why.rule, "J1.7");
    assert_eq!(decision.why.cover.as_ref().unwrap().tier.as_deref(), Some("basic"));
    assert!(decision.lease_end.unwrap() < decision.ends.unwrap());
    let status = client.status("cad").unwrap();
    assert_eq!(status.features.iter().map(|d| d.feature.as_str()).collect::<Vec<_>>(), ["core", "render"]);
    client.close().unwrap();
    client.close().unwrap();
    assert_eq!(client.check("cad", "core").access, Access::Unknown);
    assert_eq!(client.import(b"x").unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(vendor.client(folder.path()).check("cad", "core").reason, Some(Reason::Network));
}

#[test]
fn odd_names_are_no_refusal() {
    let (vendor, folder) = (Vendor::new(), folder());
    let client = vendor.client(folder.path());
    for feature in ["", "a b", "é", "a\0b", "export.*", &"x".repeat(300)] {
        let decision = client.check("cad", feature);
        assert_eq!(decision.access, Access::Unknown, "{feature:?}");
        assert!(decision.why.trouble.as_ref().unwrap().contains("no name"));
        assert_eq!(client.check(feature, "core").access, Access::Unknown);
    }
    assert_eq!(client.status("a b").unwrap_err().kind(), ErrorKind::Argument);
    assert_eq!(client.next_event("../x").unwrap_err().kind(), ErrorKind::Argument);
    assert_eq!(client.appeal(None, "").unwrap_err().kind(), ErrorKind::Argument);
}

#[test]
fn refused_documents_are_answers_and_change_nothing() {
    let (vendor, folder) = (Vendor::new(), folder());
    let client = vendor.client(folder.path());
    client.next_event("test").unwrap();
    client.import(&vendor.lease(3600)).unwrap();
    let wrong = vendor.issue(Kind::Ruling, json!({ "license": "L1", "clears": ["clock"], "ledger": "another" }));
    for (token, error) in [
        (&b"hello"[..], Refusal::Malformed),
        (b"", Refusal::Malformed),
        (&vec![b'x'; 1 << 20], Refusal::Malformed),
        (&wrong, Refusal::WrongLedger),
    ] {
        let answer = client.import(token).unwrap();
        assert_eq!((answer.accepted, answer.error), (false, Some(error)));
        assert!(!answer.detail.is_empty());
    }
    assert_eq!(access(&client), (Access::Full, Some(LicenseState::Licensed)));
    assert_eq!(drain(&client, "test").iter().filter(|kind| **kind == EventKind::DocumentRefused).count(), 4);
}

// L3's witness, D0, C6: a lease that answers a request is fresh once.
#[test]
fn c6_a_renewal_is_fresh_once() {
    let (vendor, folder) = (Vendor::new(), folder());
    let client = vendor.client(folder.path());
    let request = client.request().unwrap();
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["nonce"], json!(request.nonce));
    assert!(body["head"].as_str().unwrap().contains('\n'), "a signed checkpoint note");
    let claims = json!({
        "license": "L1", "sku": "cad", "ledger": client.ledger_id().unwrap(), "nonce": request.nonce,
        "features": { "core": now() + 60 },
    });
    let token = String::from_utf8(vendor.issue(Kind::Lease, claims)).unwrap();
    let answers = client.renew(json!({ "documents": [token] }).to_string().as_bytes()).unwrap();
    assert!(answers[0].accepted && answers[0].fresh);
    let again = client.renew(token.as_bytes()).unwrap();
    assert!(again[0].known && !again[0].fresh);
    assert_eq!(client.renew(b" ").unwrap_err().kind(), ErrorKind::Claims);
}

#[test]
fn a4_an_appeal_is_recorded_and_exported() {
    let (vendor, folder) = (Vendor::new(), folder());
    let client = vendor.client(folder.path());
    client.next_event("test").unwrap();
    let export: Value = serde_json::from_slice(&client.appeal(Some("L1"), "The date was wrong.").unwrap()).unwrap();
    assert_eq!(export["appeal"]["text"], "The date was wrong.");
    assert!(export["head"].as_str().unwrap().starts_with("reprieve"), "{}", export["head"]);
    assert_eq!(drain(&client, "test"), [EventKind::AppealFiled]);
}

#[test]
fn events_reach_each_consumer_until_it_acknowledges() {
    let (vendor, folder) = (Vendor::new(), folder());
    let client = vendor.client(folder.path());
    assert_eq!(client.next_event("a").unwrap(), None, "a new consumer starts at the end");
    client.import(&vendor.lease(3600)).unwrap();
    let event = client.next_event("a").unwrap().unwrap();
    assert_eq!(event.kind, EventKind::DocumentAccepted);
    assert_eq!(client.next_event("a").unwrap(), None);
    client.close().unwrap();
    let client = vendor.client(folder.path());
    assert_eq!(client.next_event("a").unwrap().unwrap(), event, "it was not acknowledged");
    client.acknowledge("a", event.record, event.index).unwrap();
    client.close().unwrap();
    let client = vendor.client(folder.path());
    assert_eq!(client.next_event("a").unwrap(), None);
    assert_eq!(client.next_event("b").unwrap(), None);
}

#[test]
fn an_event_of_another_client_is_there_at_once() {
    let (vendor, folder) = (Vendor::new(), folder());
    let (one, two) = (vendor.client(folder.path()), vendor.client(folder.path()));
    assert_eq!(one.next_event("a").unwrap(), None);
    one.request().unwrap();
    two.appeal(None, "hello").unwrap();
    assert_eq!(one.next_event("a").unwrap().unwrap().kind, EventKind::AppealFiled);
}

// ---- bad places ----

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let (vendor, folder) = (Vendor::new(), folder());
    std::fs::write(folder.path().join("file"), b"").unwrap();
    let error = vendor.builder(folder.path()).folder(folder.path().join("file/below")).open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoFolder, "{error}");
    assert!(error.to_string().contains("file/below"), "{error}");
}

#[test]
fn no_ledger_is_made_where_that_is_not_wanted() {
    let (vendor, folder) = (Vendor::new(), folder());
    let error = vendor.builder(folder.path()).create(false).open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Missing, "{error}");
}

#[test]
fn what_is_no_ledger_is_left_alone() {
    let vendor = Vendor::new();
    for bytes in [vec![], vec![0; 70_000], (0..50_000u32).map(|n| ((n * 7919) >> 3) as u8).collect::<Vec<u8>>()] {
        let folder = folder();
        drop(vendor.client(folder.path()));
        let file = ledger_file(folder.path());
        std::fs::write(&file, &bytes).unwrap();
        let error = vendor.builder(folder.path()).open().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NotALedger | ErrorKind::Damaged), "{error}");
        assert!(error.to_string().contains(&*file.file_name().unwrap().to_string_lossy()), "{error}");
        assert_eq!(std::fs::read(&file).unwrap(), bytes, "nothing is made in its place");
    }
}

#[test]
fn another_products_secret_is_told_from_damage() {
    let (vendor, folder) = (Vendor::new(), folder());
    drop(vendor.client(folder.path()));
    let mut other = Vendor::new();
    other.app = App { secret: b"the secret of another product".to_vec().into(), ..other.app };
    let error = other.builder(folder.path()).open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongKey, "{error}");
    // An older secret opens it, and leaves a slot for the newest.
    let mut newer = Vendor::new();
    newer.app.older_secrets = vec![vendor.app.secret.clone()];
    newer.app.secret = b"the newest secret of all".to_vec().into();
    drop(newer.client(folder.path()));
    newer.app.older_secrets.clear();
    drop(newer.client(folder.path()));
}

#[test]
fn an_install_secret_that_is_gone_is_named() {
    let (vendor, folder) = (Vendor::new(), folder());
    drop(vendor.client(folder.path()));
    let secret = folder.path().join("ledger/acme.secret");
    let kept = std::fs::read(&secret).unwrap();
    std::fs::remove_file(&secret).unwrap();
    let error = vendor.builder(folder.path()).open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongKey, "{error}");
    assert!(error.to_string().contains("acme.secret"), "{error}");
    assert!(!secret.exists(), "nothing is made in its place");
    std::fs::write(&secret, kept).unwrap();
    drop(vendor.client(folder.path()));
}

#[test]
fn a_drills_ledger_is_no_real_one() {
    let drill_folder = folder();
    let drill = reprieve::drill::Drill::create(drill_folder.path(), None).unwrap();
    let error = Builder::new(drill.app().clone()).folder(drill.folder().join("ledger")).open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Drill, "{error}");
}

/// Another process that holds a lock until it is killed.
fn hold(lock: &Path) -> std::process::Child {
    use std::io::{BufRead as _, BufReader};
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "holds_a_lock", "--nocapture"])
        .env("REPRIEVE_TEST_LOCK", lock)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(holder.stdout.take().unwrap());
    assert!(said.lines().any(|line| line.unwrap().contains("it is held")));
    holder
}

/// What [`hold`] starts.
#[test]
fn holds_a_lock() {
    let Some(lock) = std::env::var_os("REPRIEVE_TEST_LOCK") else { return };
    let _held = Disk.try_lock(Path::new(&lock)).unwrap().unwrap();
    println!("it is held");
    std::thread::sleep(Duration::from_secs(30));
}

#[test]
fn a_lock_that_is_held_for_ever_is_a_busy_error() {
    let (vendor, folder) = (Vendor::new(), folder());
    let client = vendor.client(folder.path());
    client.import(&vendor.lease(3600)).unwrap();
    let lock = folder.path().join("ledger/acme.lock");
    let mut holder = hold(&lock);
    let watch = Watch::now();
    let error = client.import(&vendor.lease(7200)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
    assert!(error.to_string().contains("acme.lock"), "{error}");
    assert!(watch.elapsed() < Duration::from_secs(10), "the deadline holds");
    // A check never waits, and still answers.
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(access(&client), (Access::Full, Some(LicenseState::Licensed)));
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(client.report(Outage::Network).unwrap(), "the lock is free again");
}

// A check never waits for another thread's operation that waits for another process.
#[test]
fn a_check_does_not_wait_for_an_import() {
    let (vendor, folder) = (Vendor::new(), folder());
    let client = vendor.builder(folder.path()).lock_timeout(Duration::from_secs(2)).open().unwrap();
    client.import(&vendor.lease(3600)).unwrap();
    let lock = folder.path().join("ledger/acme.lock");
    let mut holder = hold(&lock);
    std::thread::scope(|scope| {
        let importing = client.clone();
        let token = vendor.policy(1);
        let import = scope.spawn(move || importing.import(&token).unwrap_err().kind());
        std::thread::sleep(Duration::from_millis(200));
        for _ in 0..20 {
            let watch = Watch::now();
            assert_eq!(access(&client), (Access::Full, Some(LicenseState::Licensed)));
            assert!(watch.elapsed() < Duration::from_millis(500));
            std::thread::sleep(Duration::from_millis(12));
        }
        assert!(!import.is_finished(), "it still waits for the lock");
        assert_eq!(import.join().unwrap(), ErrorKind::Busy);
    });
    holder.kill().unwrap();
    holder.wait().unwrap();
}

struct Mounted(PathBuf);

impl Mounted {
    /// A small file system in memory; none if this user may not mount.
    fn tmpfs(at: &Path, size: &str) -> Option<Mounted> {
        std::fs::create_dir_all(at).unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(at).output();
        mounted.ok().filter(|output| output.status.success()).map(|_| Mounted(at.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_disk_that_fills_up_loses_nothing() {
    let (vendor, folder) = (Vendor::new(), folder());
    let disk = folder.path().join("disk");
    let Some(_mounted) = Mounted::tmpfs(&disk, "512k") else {
        println!("not run: a_disk_that_fills_up_loses_nothing needs to mount a tmpfs");
        return;
    };
    let client = vendor.client(&disk);
    client.import(&vendor.policy(1)).unwrap();
    client.import(&vendor.lease(3600)).unwrap();
    client.next_event("test").unwrap();
    std::fs::write(disk.join("filler"), vec![1; 1 << 20]).unwrap_err();
    let mut accepted = 0;
    let error = loop {
        match client.appeal(None, &"x".repeat(9000)) {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Full, "{error}");
    assert_eq!(access(&client), (Access::Full, Some(LicenseState::Licensed)), "the product lives on");
    std::fs::remove_file(disk.join("filler")).unwrap();
    client.appeal(None, "there is room again").unwrap();
    client.close().unwrap();
    let client = vendor.client(&disk);
    assert_eq!(drain(&client, "test").len(), accepted + 1, "every acknowledged record is there, and no other");
}

#[test]
fn a_read_only_machine_has_a_ledger_in_memory() {
    let (mut vendor, folder) = (Vendor::new(), folder());
    let disk = folder.path().join("disk");
    let Some(_mounted) = Mounted::tmpfs(&disk, "512k") else {
        println!("not run: a_read_only_machine_has_a_ledger_in_memory needs to mount a tmpfs");
        return;
    };
    assert!(Command::new("mount").args(["-o", "remount,ro"]).arg(&disk).status().unwrap().success());
    let error = vendor.builder(&disk).open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error}");
    vendor.app.memory_if_read_only = true;
    let client = vendor.builder(&disk).open().unwrap();
    client.import(&vendor.lease(3600)).unwrap();
    let decision = client.check("cad", "core");
    assert_eq!((decision.access, decision.flags.in_memory), (Access::Full, true));
}

// ---- damage ----

// L2: damage is found and named, the file is kept, what can be proven is honoured, and a fresh lease or ruling ends it.
#[test]
fn l2_damage_is_named_and_the_rest_honoured() {
    let (vendor, folder) = (Vendor::new(), folder());
    let client = vendor.client(folder.path());
    client.import(&vendor.policy(1)).unwrap();
    client.import(&vendor.lease(3600)).unwrap();
    for n in 0..5 {
        client.appeal(None, &format!("appeal {n}")).unwrap();
    }
    client.next_event("test").unwrap();
    client.close().unwrap();
    let file = ledger_file(folder.path());
    let mut bytes = std::fs::read(&file).unwrap();
    let written = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[written - 600] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let client = vendor.client(folder.path());
    let decision = client.check("cad", "core");
    assert_eq!((decision.access, decision.ledger.as_str()), (Access::Full, "suspect"));
    assert!(!decision.why.ways_out.is_empty(), "the way out is named");
    assert!(drain(&client, "test").contains(&EventKind::LedgerSuspect));
    assert_eq!(std::fs::read(&file).unwrap(), bytes, "the damaged file is kept");
    assert_ne!(ledger_file(folder.path()), file, "the ledger goes on in another");
    assert_eq!(client.status("cad").unwrap().generation, 1);
    client.close().unwrap();
    let client = vendor.client(folder.path());
    assert_eq!(client.check("cad", "core").ledger.as_str(), "suspect", "L4: a suspicion that is on goes on");
    let request = client.request().unwrap();
    let claims = json!({
        "license": "L1", "sku": "cad", "ledger": client.ledger_id().unwrap(), "nonce": request.nonce,
        "features": { "core": now() + 60 },
    });
    assert!(client.import(&vendor.issue(Kind::Lease, claims)).unwrap().fresh);
    assert_eq!(client.check("cad", "core").ledger.as_str(), "ok");
    assert!(drain(&client, "test").contains(&EventKind::LedgerRestored));
}

/// Flips a bit in the middle of a record of a ledger's newest file.
fn damage(folder: &Path, record: usize) {
    let file = ledger_file(folder);
    let mut bytes = std::fs::read(&file).unwrap();
    let mut at = 8192;
    for _ in 0..record {
        at += 64 + u32::from_le_bytes(bytes[at + 2..at + 6].try_into().unwrap()) as usize;
    }
    bytes[at + 70] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
}

// L2, D7: where the ledger's `keys` are destroyed, what they signed is proven by those that the product brings.
#[test]
fn l2_destroyed_keys_cost_no_lease() {
    let (vendor, folder) = (Vendor::new(), folder());
    let client = vendor.client(folder.path());
    client.import(&vendor.policy(1)).unwrap();
    client.import(&vendor.lease(3600)).unwrap();
    client.close().unwrap();
    damage(folder.path(), 1);
    let client = vendor.client(folder.path());
    let decision = client.check("cad", "core");
    assert_eq!((decision.access, decision.ledger.as_str()), (Access::Full, "suspect"), "{decision:?}");
    assert_eq!(client.status("cad").unwrap().unproven, 0);
}

// L2, L4: a bit that flips in a lease's record locks nobody out: what was in force lies in a snapshot too.
#[test]
fn l2_a_destroyed_lease_goes_on() {
    for record in 0..6 {
        let (vendor, folder) = (Vendor::new(), folder());
        let client = vendor.client(folder.path());
        client.import(&vendor.policy(1)).unwrap();
        client.report(Outage::Network).unwrap();
        client.import(&vendor.lease(3600)).unwrap();
        client.close().unwrap();
        damage(folder.path(), record);
        let client = vendor.client(folder.path());
        let decision = client.check("cad", "core");
        assert_eq!((decision.access, decision.ledger.as_str()), (Access::Full, "suspect"), "{record}: {decision:?}");
        assert_eq!(client.status("cad").unwrap().generation, 1);
    }
}

// L2: where the record is destroyed from which a later file goes on, the file before it says the same.
#[test]
fn l2_a_destroyed_first_record_costs_nothing_else() {
    let (vendor, folder) = (Vendor::new(), folder());
    let client = vendor.client(folder.path());
    client.import(&vendor.policy(1)).unwrap();
    client.import(&vendor.lease(3600)).unwrap();
    client.archive().unwrap();
    client.report(Outage::Network).unwrap();
    client.close().unwrap();
    damage(folder.path(), 0);
    let client = vendor.client(folder.path());
    let decision = client.check("cad", "core");
    assert_eq!((decision.access, decision.ledger.as_str()), (Access::Full, "suspect"), "{decision:?}");
    assert_eq!(decision.why.evidence.len(), 1);
}

// L3: what somebody wrote behind the witness's slots does not blind it.
#[test]
fn l3_a_padded_witness_still_sees() {
    let (vendor, folder) = (Vendor::new(), folder());
    let client = vendor.client(folder.path());
    client.import(&vendor.lease(3600)).unwrap();
    client.close().unwrap();
    let file = ledger_file(folder.path());
    let copy = std::fs::read(&file).unwrap();
    let client = vendor.client(folder.path());
    client.appeal(None, "what the copy lacks").unwrap();
    client.close().unwrap();
    for entry in std::fs::read_dir(folder.path().join("witness")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "witness") {
            let padded = std::fs::OpenOptions::new().write(true).open(path).unwrap();
            padded.set_len(2 << 20).unwrap();
        }
    }
    std::fs::write(&file, copy).unwrap();
    for beside in ["acme.head", "acme.snapshot.0", "acme.snapshot.1"] {
        let _ = std::fs::remove_file(folder.path().join("ledger").join(beside));
    }
    assert_eq!(vendor.client(folder.path()).check("cad", "core").ledger.as_str(), "suspect");
}

#[test]
fn a_file_with_an_odd_number_is_not_the_ledgers() {
    let (vendor, folder) = (Vendor::new(), folder());
    let client = vendor.client(folder.path());
    client.import(&vendor.lease(3600)).unwrap();
    std::fs::write(folder.path().join(format!("ledger/acme.g{}.ledger", u64::MAX)), b"junk").unwrap();
    client.upkeep().unwrap();
    client.close().unwrap();
    assert_eq!(access(&vendor.client(folder.path())), (Access::Full, Some(LicenseState::Licensed)));
}

// L1: a torn tail is cut off and recorded; it is no offence.
#[test]
fn l1_a_torn_tail_is_no_offence() {
    let (vendor, folder) = (Vendor::new(), folder());
    let client = vendor.client(folder.path());
    client.import(&vendor.lease(3600)).unwrap();
    client.next_event("test").unwrap();
    client.close().unwrap();
    let file = ledger_file(folder.path());
    let mut bytes = std::fs::read(&file).unwrap();
    let written = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[written + 1..written + 90].fill(0xa5);
    std::fs::write(&file, &bytes).unwrap();
    let client = vendor.client(folder.path());
    let decision = client.check("cad", "core");
    assert_eq!((decision.access, decision.ledger.as_str()), (Access::Full, "ok"));
    assert_eq!(drain(&client, "test"), [EventKind::LedgerRecovered]);
}

// A: events that a consumer was not given are not lost when the ledger goes on in another file.
#[test]
fn events_outlive_their_file() {
    let (vendor, folder) = (Vendor::new(), folder());
    let client = vendor.client(folder.path());
    client.next_event("test").unwrap();
    client.appeal(None, "before the first archive").unwrap();
    assert_eq!(client.archive().unwrap().generation, 1);
    client.appeal(None, "before the second archive").unwrap();
    assert_eq!(client.archive().unwrap().generation, 2);
    client.appeal(None, "after it").unwrap();
    client.close().unwrap();
    let client = vendor.client(folder.path());
    let mut texts = Vec::new();
    while let Some(event) = client.next_event("test").unwrap() {
        texts.push(event.text.unwrap());
    }
    assert_eq!(texts, ["before the first archive", "before the second archive", "after it"]);
    assert!(client.history(0).unwrap().len() >= 7);
}

// ---- many of everything ----

#[test]
fn two_clients_in_one_process_agree() {
    let (vendor, folder) = (Vendor::new(), folder());
    let (one, two) = (vendor.client(folder.path()), vendor.client(folder.path()));
    one.import(&vendor.lease(3600)).unwrap();
    std::thread::sleep(Duration::from_millis(15));
    assert_eq!(access(&two), (Access::Full, Some(LicenseState::Licensed)));
    two.import(
        &vendor.issue(Kind::Revocation, json!({ "license": "L1", "features": ["core"], "effective": now() - 1 })),
    )
    .unwrap();
    std::thread::sleep(Duration::from_millis(15));
    assert_eq!(access(&one), (Access::Denied, Some(LicenseState::Revoked)));
}

#[test]
fn many_threads_on_many_clients() {
    let (vendor, folder) = (Vendor::new(), folder());
    let first = vendor.builder(folder.path()).lock_timeout(Duration::from_secs(60)).open().unwrap();
    first.import(&vendor.lease(3600)).unwrap();
    first.next_event("test").unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (vendor, first, folder) = (&vendor, first.clone(), folder.path());
            scope.spawn(move || {
                let own = match thread % 2 {
                    0 => first,
                    _ => vendor.builder(folder).lock_timeout(Duration::from_secs(60)).open().unwrap(),
                };
                for n in 0..20 {
                    own.appeal(None, &format!("thread {thread} appeal {n}")).unwrap();
                    assert_eq!(own.check("cad", "core").access, Access::Full);
                }
            });
        }
    });
    let texts = drain(&first, "test");
    assert_eq!(texts.len(), 160);
}

#[test]
fn upkeep_on_the_products_own_thread() {
    let (vendor, folder) = (Vendor::new(), folder());
    let client = vendor.builder(folder.path()).upkeep(Upkeep::Own).open().unwrap();
    let other = vendor.client(folder.path());
    other.import(&vendor.lease(3600)).unwrap();
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(access(&client).0, Access::Denied, "a check never touches the disk");
    client.upkeep().unwrap();
    assert_eq!(access(&client).0, Access::Full);
}

// Several processes on one ledger: this test binary runs itself.
#[test]
fn processes_on_one_ledger() {
    let (vendor, folder) = (Vendor::new(), folder());
    if let Ok(place) = std::env::var("REPRIEVE_TEST_LEDGER") {
        let client = vendor.builder(Path::new(&place)).lock_timeout(Duration::from_secs(60)).open().unwrap();
        for n in 0..25 {
            client.appeal(None, &format!("process {} appeal {n}", std::process::id())).unwrap();
        }
        assert_eq!(client.check("cad", "core").access, Access::Full);
        return;
    }
    let client = vendor.client(folder.path());
    client.import(&vendor.lease(3600)).unwrap();
    client.next_event("test").unwrap();
    let start = |_| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "processes_on_one_ledger"])
            .env("REPRIEVE_TEST_LEDGER", folder.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..4).map(start).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(drain(&client, "test").len(), 100);
}

// A writer that is killed loses nothing that it acknowledged.
#[test]
fn l1_what_was_acknowledged_survives_a_kill() {
    let (vendor, folder) = (Vendor::new(), folder());
    if let Ok(place) = std::env::var("REPRIEVE_TEST_KILLED") {
        let client = vendor.builder(Path::new(&place)).lock_timeout(Duration::from_secs(60)).open().unwrap();
        for n in 0.. {
            client.appeal(None, &format!("{n} {}", "x".repeat(n % 7000))).unwrap();
            use std::io::Write as _;
            println!("acknowledged");
            std::io::stdout().flush().unwrap();
        }
    }
    let client = vendor.client(folder.path());
    client.import(&vendor.lease(3600)).unwrap();
    client.next_event("test").unwrap();
    let mut acknowledged = 0;
    for round in 0..8 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "l1_what_was_acknowledged_survives_a_kill", "--nocapture"])
            .env("REPRIEVE_TEST_KILLED", folder.path())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        // A process of Windows takes longer to begin.
        let begun = if cfg!(windows) { 700 } else { 60 };
        std::thread::sleep(Duration::from_millis(begun + round * 23));
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        acknowledged += String::from_utf8_lossy(&output.stdout).matches("acknowledged").count();
    }
    let kinds = drain(&client, "test");
    let appeals = kinds.iter().filter(|kind| **kind == EventKind::AppealFiled).count();
    assert!(appeals >= acknowledged, "{appeals} of {acknowledged}");
    assert!(appeals <= acknowledged + 8, "one at most was under way at each kill");
    assert!(!kinds.contains(&EventKind::LedgerSuspect), "a kill is no offence");
    assert!(acknowledged > 0);
}

#[test]
fn keys_of_the_application_file_are_brought_once() {
    let (vendor, folder) = (Vendor::new(), folder());
    let client = vendor.client(folder.path());
    let records = client.status("cad").unwrap().records;
    client.close().unwrap();
    let client = vendor.client(folder.path());
    assert!(client.status("cad").unwrap().records <= records + 2);
    let mut broken = Vendor::new();
    broken.app.keys = Some(document::issue(Kind::Keys, &json!({
        "version": 9, "keys": [], "roots": [{ "kid": "root-1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }], "iat": 5,
    }), &[&SigningKey::from_seed("root-1", [7; 32]).unwrap()]).unwrap());
    let error = broken.builder(folder.path()).open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::App, "{error}");
    let _ = &vendor.root;
}
