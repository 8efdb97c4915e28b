//! Features that are asked about again and again: the same answers as checks by name, at once after whatever changes them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod vendor;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant as Watch};

use reprieve::client::{Brief, Client, ErrorKind, Feature, Upkeep, read_named};
use reprieve::terms::{Access, Kind, LicenseState, Outage, Reason};
use serde_json::json;
use vendor::Vendor;

fn licensed(vendor: &Vendor, folder: &std::path::Path) -> Client {
    let client = vendor.client(folder);
    assert!(client.import(&vendor.policy(1)).unwrap().accepted);
    client
}

/// All cells of the process are taken by one of these tests alone.
static CELLS: RwLock<()> = RwLock::new(());

fn shared() -> RwLockReadGuard<'static, ()> {
    CELLS.read().unwrap_or_else(PoisonError::into_inner)
}

/// What stands in a feature's cell, if that answers.
fn cell(feature: &Feature) -> Option<Brief> {
    feature.cell().expect("a client on the machine's clock has cells").read()
}

fn by_name(tag: u64, sku: &str, feature: &str) -> bool {
    read_named(tag, sku.as_bytes(), feature.as_bytes(), |_, _| {})
}

#[test]
fn a_feature_answers_as_a_check_by_name_does() {
    let _cells = shared();
    let (vendor, folder) = (Vendor::new(), tempfile::tempdir().unwrap());
    let client = licensed(&vendor, folder.path());
    let feature = client.feature("cad", "core").unwrap();
    assert_eq!((feature.sku(), feature.name()), ("cad", "core"));
    assert_eq!(feature.check().state(), Some(LicenseState::Unlicensed));
    // What this client is told counts at once.
    assert!(client.import(&vendor.lease(3600)).unwrap().accepted);
    assert_eq!(feature.check().access(), Access::Full);
    assert!(cell(&feature).is_some(), "the cell answers from now on");
    let (brief, decision) = (feature.check(), feature.explain());
    assert_eq!(brief, Brief::of(&decision));
    assert_eq!((brief.state(), brief.lease_end()), (decision.state, decision.lease_end));
    client.close().unwrap();
    assert_eq!(feature.check().access(), Access::Unknown);
    assert!(feature.explain().why.trouble.as_ref().unwrap().contains("closed"));
}

#[test]
fn every_operation_of_the_client_shows_in_the_next_check() {
    let _cells = shared();
    let (vendor, folder) = (Vendor::new(), tempfile::tempdir().unwrap());
    let client = licensed(&vendor, folder.path());
    let builder = vendor.builder(folder.path()).upkeep(Upkeep::Own);
    let own = builder.open().unwrap();
    assert!(client.import(&vendor.lease(-60)).unwrap().accepted);
    for client in [&client, &own] {
        client.upkeep().unwrap();
        let features: Vec<Feature> = (0..3).map(|_| client.feature("cad", "core").unwrap()).collect();
        features.iter().for_each(|feature| assert_eq!(feature.check().state(), Some(LicenseState::Grace)));
        assert!(cell(&features[2]).is_some(), "one check filled the cells of all");
    }
    let feature = client.feature("cad", "core").unwrap();
    assert_eq!(feature.check().reason(), Some(Reason::Unknown));
    client.report(Outage::Network).unwrap();
    assert_eq!(feature.check().reason(), Some(Reason::Network));
    // A product that does its own upkeep sees what others recorded then, and not before.
    let other = own.feature("cad", "core").unwrap();
    assert_eq!(other.check().reason(), Some(Reason::Unknown));
    own.upkeep().unwrap();
    assert_eq!(cell(&other).expect("upkeep decided for it").reason(), Some(Reason::Network));
    assert_eq!(other.check().reason(), Some(Reason::Network));
}

#[test]
fn an_upkeep_of_the_products_own_decides_what_frames_ask_next_and_takes_no_first_use() {
    let _cells = shared();
    let (vendor, folder) = (Vendor::new(), tempfile::tempdir().unwrap());
    drop(licensed(&vendor, folder.path()));
    let client = vendor.builder(folder.path()).upkeep(Upkeep::Own).open().unwrap();
    let feature = client.feature("cad", "core").unwrap();
    let now = vendor::now();
    let lease =
        json!({ "license": "L1", "sku": "cad", "ledger": "*", "features": { "core": now + 3600 }, "iat": now - 100 });
    assert!(client.import(&vendor.issue(Kind::Lease, lease)).unwrap().accepted);
    let ready = cell(&feature).expect("nothing is to be recorded of a feature that is licensed");
    assert_eq!(ready.state(), Some(LicenseState::Licensed));
    // It has ended: the first check is a first use (G2), and no upkeep is a check.
    assert!(client.import(&vendor.lease(-60)).unwrap().accepted);
    client.upkeep().unwrap();
    assert_eq!(cell(&feature), None);
    let first = feature.check();
    assert_eq!(first.state(), Some(LicenseState::Grace));
    client.upkeep().unwrap();
    let ready = cell(&feature).expect("its first use is recorded");
    assert_eq!((ready.state(), ready.ends()), (first.state(), first.ends()));
    assert!(ready.t() >= first.t());
    client.close().unwrap();
    assert_eq!(cell(&feature), None);
}

#[test]
fn another_clients_record_is_seen_soon() {
    let _cells = shared();
    let (vendor, folder) = (Vendor::new(), tempfile::tempdir().unwrap());
    let (client, other) = (licensed(&vendor, folder.path()), vendor.client(folder.path()));
    assert!(client.import(&vendor.lease(-60)).unwrap().accepted);
    let feature = other.feature("cad", "core").unwrap();
    let wait = |reason| {
        let watch = Watch::now();
        while feature.check().reason() != Some(reason) {
            assert!(watch.elapsed() < Duration::from_secs(10), "never seen");
            std::thread::yield_now();
        }
    };
    wait(Reason::Unknown);
    client.report(Outage::Network).unwrap();
    wait(Reason::Network);
}

#[test]
fn what_ends_ends_between_two_upkeeps() {
    let _cells = shared();
    let (vendor, folder) = (Vendor::new(), tempfile::tempdir().unwrap());
    let client = licensed(&vendor, folder.path());
    drop(client);
    let client = vendor.builder(folder.path()).upkeep(Upkeep::Own).open().unwrap();
    assert!(client.import(&vendor.lease(2)).unwrap().accepted);
    let feature = client.feature("cad", "core").unwrap();
    let first = feature.check();
    assert_eq!(first.state(), Some(LicenseState::Licensed));
    let end = first.until().expect("a lease of two seconds ends");
    let watch = Watch::now();
    loop {
        let brief = feature.check();
        if brief.state() == Some(LicenseState::Grace) {
            assert!(brief.t() >= end, "never too early");
            break;
        }
        assert!(brief.t() < end, "a decision from after its end is another one");
        assert!(watch.elapsed() < Duration::from_secs(20), "no upkeep is needed for it");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn names_are_found_by_their_tag_alone_and_until_it_is_taken_back() {
    let _cells = shared();
    let (vendor, folder) = (Vendor::new(), tempfile::tempdir().unwrap());
    let client = licensed(&vendor, folder.path());
    let client = {
        drop(client);
        vendor.builder(folder.path()).upkeep(Upkeep::Own).open().unwrap()
    };
    let until = vendor::now() + 3600;
    let (short, long) = ("f", "a-feature-with-a-name-of-more-than-sixteen-bytes");
    let claims = serde_json::json!({
        "license": "L1", "sku": "cad", "ledger": "*", "features": { "core": until, short: until, long: until },
    });
    assert!(client.import(&vendor.issue(reprieve::terms::Kind::Lease, claims)).unwrap().accepted);
    let tag = std::ptr::from_ref(&client).addr() as u64;
    for name in ["core", short, long] {
        assert!(!by_name(tag, "cad", name), "nobody named it yet");
        client.check("cad", name);
        client.name(tag, "cad", name);
        assert!(by_name(tag, "cad", name), "{name}");
        assert!(!by_name(tag + 1, "cad", name) && !by_name(tag, "cae", name));
        assert!(!by_name(tag, "cad", &name[..name.len() - 1]));
    }
    client.unname(tag);
    for name in ["core", short, long] {
        assert!(!by_name(tag, "cad", name));
    }
    client.name(tag, "cad", "core");
    assert!(by_name(tag, "cad", "core"));
    drop(client);
    assert!(!by_name(tag, "cad", "core"), "it went with its client");
}

/// Names of every length, and those that differ from them in one byte or in where the one ends and the other begins.
#[test]
fn no_name_is_found_by_another() {
    let _cells = shared();
    let (vendor, folder) = (Vendor::new(), tempfile::tempdir().unwrap());
    let client = vendor.builder(folder.path()).upkeep(Upkeep::Own).open().unwrap();
    let tag = std::ptr::from_ref(&client).addr() as u64;
    let text = "abcdefghijklmnopqrstuvwxyz";
    let names: Vec<(&str, &str)> =
        (1..20).flat_map(|sku| (1..20).map(move |feature| (&text[..sku], &text[3..3 + feature]))).collect();
    for (sku, feature) in &names {
        assert!(!by_name(tag, sku, feature), "{sku} {feature} before it was named");
        client.check(sku, feature);
        client.name(tag, sku, feature);
        assert!(by_name(tag, sku, feature), "{sku} {feature}");
        assert!(!by_name(tag ^ 16, sku, feature) && !by_name(tag, sku, "") && !by_name(tag, "", feature));
        let other = |name: &str, at: usize| {
            let mut bytes = name.as_bytes().to_vec();
            bytes[at] ^= 0x20;
            String::from_utf8(bytes).unwrap()
        };
        for at in 0..sku.len() {
            assert!(!by_name(tag, &other(sku, at), feature), "{sku} {feature}, byte {at} of the SKU");
        }
        for at in 0..feature.len() {
            assert!(!by_name(tag, sku, &other(feature, at)), "{sku} {feature}, byte {at} of the feature");
        }
    }
    // All of them are there still, whatever places they took from each other, and go with their tag.
    assert!(names.iter().all(|(sku, feature)| by_name(tag, sku, feature)));
    client.unname(tag);
    assert!(!names.iter().any(|(sku, feature)| by_name(tag, sku, feature)));
}

#[test]
fn a_name_must_be_one() {
    let _cells = shared();
    let (vendor, folder) = (Vendor::new(), tempfile::tempdir().unwrap());
    let client = licensed(&vendor, folder.path());
    for (sku, feature) in [("", "core"), ("cad", ""), ("c d", "core"), ("cad", "\u{e9}")] {
        assert_eq!(client.feature(sku, feature).unwrap_err().kind(), ErrorKind::Argument);
        client.name(7, sku, feature);
        assert!(!by_name(7, sku, feature));
    }
}

#[test]
fn more_features_than_there_are_cells_are_answered_all_the_same() {
    let _all = CELLS.write().unwrap_or_else(PoisonError::into_inner);
    let (vendor, folder) = (Vendor::new(), tempfile::tempdir().unwrap());
    let client = licensed(&vendor, folder.path());
    assert!(client.import(&vendor.lease(3600)).unwrap().accepted);
    let many: Vec<Feature> = (0..6000).map(|n| client.feature("cad", &format!("f{n}")).unwrap()).collect();
    assert!(many.iter().any(|feature| feature.cell().is_none()), "there is a bound");
    assert_eq!(many[5999].check().state(), Some(LicenseState::NotEntitled));
    let core = client.feature("cad", "core").unwrap();
    assert_eq!(core.check().access(), Access::Full);
    // What is let go is used again.
    drop(many);
    assert!(client.feature("cad", "core").unwrap().cell().is_some());
}

#[test]
fn threads_make_ask_and_drop_features_while_the_ledger_changes() {
    let _cells = shared();
    let (vendor, folder) = (Vendor::new(), tempfile::tempdir().unwrap());
    let client = licensed(&vendor, folder.path());
    assert!(client.import(&vendor.lease(3600)).unwrap().accepted);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for name in ["core", "render", "absent"] {
            let (client, stop) = (&client, &stop);
            scope.spawn(move || {
                let expected = if name == "absent" { LicenseState::NotEntitled } else { LicenseState::Licensed };
                while !stop.load(Ordering::Relaxed) {
                    let feature = client.feature("cad", name).unwrap();
                    let clone = feature.clone();
                    drop(feature);
                    for _ in 0..100 {
                        assert_eq!(clone.check().state(), Some(expected), "{name}");
                    }
                }
            });
        }
        for n in 0..30 {
            client.appeal(None, &format!("appeal {n}")).unwrap();
            let other = vendor.client(folder.path());
            assert_eq!(other.feature("cad", "core").unwrap().check().access(), Access::Full);
        }
        stop.store(true, Ordering::Relaxed);
    });
}

/// A child has its own place in the ledger: it is given nothing that its parent left behind.
#[cfg(target_os = "linux")]
#[test]
fn a_child_of_a_fork_asks_for_itself() {
    let _cells = shared();
    let (vendor, folder) = (Vendor::new(), tempfile::tempdir().unwrap());
    let client = licensed(&vendor, folder.path());
    drop(client);
    let client = vendor.builder(folder.path()).upkeep(Upkeep::Own).open().unwrap();
    assert!(client.import(&vendor.lease(3600)).unwrap().accepted);
    let feature = client.feature("cad", "core").unwrap();
    feature.check();
    assert!(cell(&feature).is_some());
    // SAFETY: the child calls nothing but this library and `_exit`.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let inherited = cell(&feature).is_none();
        let answers = feature.check().access() == Access::Full;
        let reported = client.report(Outage::Network).is_ok();
        // SAFETY: ends the child without running what the parent registered.
        unsafe { libc::_exit(i32::from(!inherited) | i32::from(!answers) << 1 | i32::from(!reported) << 2) };
    }
    let mut status = 0;
    // SAFETY: a child of this process, and a place for its status.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(libc::WEXITSTATUS(status), 0, "1: it was given the parent's, 2: no answer, 4: no report");
    assert!(cell(&feature).is_some(), "the parent's is as it was");
}

/// What a child changes counts in its next check, by feature and by name, however fresh what it inherited is.
#[cfg(target_os = "linux")]
#[test]
fn a_child_of_a_fork_sees_what_it_was_told() {
    let _cells = shared();
    for upkeep in [Upkeep::InChecks, Upkeep::Own] {
        let (vendor, folder) = (Vendor::new(), tempfile::tempdir().unwrap());
        drop(licensed(&vendor, folder.path()));
        let client = vendor.builder(folder.path()).upkeep(upkeep).open().unwrap();
        let (feature, lease) = (client.feature("cad", "core").unwrap(), vendor.lease(3600));
        assert_eq!(feature.check().access(), Access::Denied);
        client.check("cad", "core");
        // SAFETY: the child calls nothing but this library and `_exit`.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let imported = client.import(&lease).is_ok_and(|answer| answer.accepted);
            let named = client.check("cad", "core").access == Access::Full;
            let kept = feature.check().access() == Access::Full;
            // SAFETY: ends the child without running what the parent registered.
            unsafe { libc::_exit(i32::from(!imported) | i32::from(!named) << 1 | i32::from(!kept) << 2) };
        }
        let mut status = 0;
        // SAFETY: a child of this process, and a place for its status.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(
            libc::WEXITSTATUS(status),
            0,
            "1: not imported, 2: not seen by name, 4: not seen by feature; {upkeep:?}"
        );
    }
}
