//! What a renewal request shows of the ledger, and what an authority sees in it: that the ledger goes on from the head that it
//! knew, whatever was lost, archived or answered late, or that it was put back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::time::Duration;

use reprieve::client::{App, Builder, Client, Request};
use reprieve::document::{self, KeyEntry, Keys, Role, SigningKey};
use reprieve::grace::Event;
use reprieve::ledger::note::Checkpoint;
use reprieve::ledger::{Chain, Continuity};
use reprieve::terms::{Kind, Outage};
use reprieve::time::Instant;
use serde_json::{Value, json};
use tempfile::TempDir;

fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64
}

/// An authority that keeps the last head of a ledger, and nothing else.
struct Authority {
    app: App,
    lease: SigningKey,
    last: Option<String>,
}

impl Authority {
    fn new() -> Authority {
        let (root, lease) =
            (SigningKey::from_seed("root", [1; 32]).unwrap(), SigningKey::from_seed("lease", [2; 32]).unwrap());
        let keys = Keys {
            version: 1,
            keys: vec![KeyEntry { roles: vec![Role::Lease], ..lease.entry(&[]) }],
            roots: vec![root.root_key()],
            endpoints: Vec::new(),
            mirrors: Vec::new(),
            iat: Instant::from_seconds(1_700_000_000),
        };
        let mut app = App::new("acme", b"the application's secret", vec![root.root_key()]);
        app.keys = Some(document::issue(Kind::Keys, &keys.claims(), &[&root]).unwrap());
        Authority { app, lease, last: None }
    }

    fn client(&self, folder: &Path) -> Client {
        Builder::new(self.app.clone())
            .folder(folder.join("ledger"))
            .witness(folder.join("witness"))
            .lock_timeout(Duration::from_secs(5))
            .open()
            .unwrap()
    }

    /// The request arrives; the answer may be lost.
    fn hears(&mut self, request: &Request) -> Continuity {
        let chain = Chain::of_request(&request.body).unwrap();
        let seen = self.last.as_deref().map_or(Continuity::Continues, |last| chain.continuity(last).unwrap());
        self.last = Some(chain.head);
        seen
    }

    fn lease(&self, request: &Request, seen: &Continuity) -> Vec<u8> {
        let wish: Value = serde_json::from_slice(&request.body).unwrap();
        let claims = json!({
            "license": "L1", "sku": "cad", "features": { "core": now() + 3600 }, "ledger": wish["ledger"], "nonce": wish["nonce"],
            "checkpoint": wish["head"], "put_back": *seen != Continuity::Continues, "iat": now(),
        });
        document::issue(Kind::Lease, &claims, &[&self.lease]).unwrap()
    }

    /// The whole way: whether the lease was marked.
    fn renews(&mut self, client: &Client) -> bool {
        let request = client.request().unwrap();
        let seen = self.hears(&request);
        let answer = client.import(&self.lease(&request, &seen)).unwrap();
        assert!(answer.accepted && answer.fresh, "{answer:?}");
        seen != Continuity::Continues
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Closes nothing: puts the ledger's files back as they were copied, and wipes the witness.
fn put_back(saved: &Path, folder: &Path) {
    std::fs::remove_dir_all(folder.join("ledger")).unwrap();
    copy(saved, &folder.join("ledger"));
    std::fs::remove_dir_all(folder.join("witness")).unwrap();
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

#[test]
fn renewals_go_on_from_each_other() {
    let (folder, mut authority) = (folder(), Authority::new());
    let client = authority.client(folder.path());
    for _ in 0..5 {
        assert!(!authority.renews(&client));
        client.report(Outage::Server).unwrap();
    }
    let request = body(&client.request().unwrap());
    // From the head that was countersigned last alone.
    assert_eq!(request["since"].as_array().unwrap().len(), 1);
    assert_eq!(request["closings"], json!([]));
    let countersigned = client
        .history(0)
        .unwrap()
        .iter()
        .flat_map(|(_, r)| r.events.clone())
        .filter(|e| matches!(e, Event::Countersigned { .. }))
        .count();
    assert_eq!(countersigned, 5);
}

#[test]
fn a_lost_answer_never_looks_like_a_copy() {
    let (folder, mut authority) = (folder(), Authority::new());
    let client = authority.client(folder.path());
    assert!(!authority.renews(&client));
    // Some requests arrive and are answered in vain, some do not arrive, and whoever asks may be another process.
    for n in 0..40 {
        let client = if n % 3 == 0 { authority.client(folder.path()) } else { client.clone() };
        let request = client.request().unwrap();
        if n % 2 == 0 {
            assert_eq!(authority.hears(&request), Continuity::Continues, "request {n}");
        }
        assert!(request.body.len() < 8000, "{} bytes", request.body.len());
    }
    assert!(!authority.renews(&client));
    assert_eq!(body(&client.request().unwrap())["since"].as_array().unwrap().len(), 1);
}

#[test]
fn a_request_that_was_overtaken_is_late_and_no_copy() {
    let (folder, mut authority) = (folder(), Authority::new());
    let (one, other) = (authority.client(folder.path()), authority.client(folder.path()));
    assert!(!authority.renews(&one));
    one.report(Outage::Server).unwrap();
    let overtaken = Chain::of_request(&one.request().unwrap().body).unwrap();
    other.report(Outage::Network).unwrap();
    let newer = Chain::of_request(&other.request().unwrap().body).unwrap();
    assert_eq!(newer.continuity(authority.last.as_deref().unwrap()).unwrap(), Continuity::Continues);
    // What came later leads back to it: nothing is hidden.
    assert!(matches!(overtaken.continuity(&newer.head).unwrap(), Continuity::PutBack { .. }));
    assert_eq!(newer.continuity(&overtaken.head).unwrap(), Continuity::Continues);
}

#[test]
fn late_and_hoarded_answers_change_nothing() {
    let (folder, mut authority) = (folder(), Authority::new());
    let client = authority.client(folder.path());
    let first = client.request().unwrap();
    let late = {
        let seen = authority.hears(&first);
        authority.lease(&first, &seen)
    };
    client.report(Outage::Server).unwrap();
    assert!(!authority.renews(&client));
    // It countersigns a head that is older than what is countersigned: refused or not, the proofs go on from the newer one.
    client.import(&late).unwrap();
    assert!(!authority.renews(&client));
    assert!(!authority.renews(&client));
}

#[test]
fn an_archive_never_looks_like_a_copy() {
    for lost in [false, true] {
        let (folder, mut authority) = (folder(), Authority::new());
        let client = authority.client(folder.path());
        for round in 0..4 {
            if lost && round > 0 {
                assert_eq!(authority.hears(&client.request().unwrap()), Continuity::Continues, "round {round}");
            } else {
                assert!(!authority.renews(&client), "round {round}");
            }
            client.report(Outage::Network).unwrap();
            for _ in 0..round {
                client.archive().unwrap();
            }
            // Whoever put the old files away loses no proof.
            for old in 0..6 {
                let newer = folder.path().join(format!("ledger/acme.g{}.ledger", old + 1));
                if newer.exists() {
                    std::fs::remove_file(folder.path().join(format!("ledger/acme.g{old}.ledger"))).ok();
                }
            }
        }
        client.close().unwrap();
        let client = authority.client(folder.path());
        let request = client.request().unwrap();
        assert_eq!(authority.hears(&request), Continuity::Continues);
        client.import(&authority.lease(&request, &Continuity::Continues)).unwrap();
        let next = body(&client.request().unwrap());
        assert_eq!((next["since"].as_array().unwrap().len(), &next["closings"]), (1, &json!([])));
    }
}

#[test]
fn a_copy_that_is_put_back_shows_without_a_witness() {
    for archived in 0..3 {
        let (folder, mut authority) = (folder(), Authority::new());
        let client = authority.client(folder.path());
        assert!(!authority.renews(&client));
        client.close().unwrap();
        let saved = folder.path().join("saved");
        copy(&folder.path().join("ledger"), &saved);

        let client = authority.client(folder.path());
        client.report(Outage::Server).unwrap();
        for _ in 0..archived {
            client.archive().unwrap();
        }
        assert!(!authority.renews(&client));
        client.close().unwrap();
        put_back(&saved, folder.path());

        let client = authority.client(folder.path());
        // The copy does not know, and grows past what it was.
        client.report(Outage::Network).unwrap();
        client.archive().unwrap();
        client.report(Outage::Server).unwrap();
        let request = client.request().unwrap();
        let seen = authority.hears(&request);
        assert!(matches!(&seen, Continuity::PutBack { why } if why.contains("put back")), "{seen:?}");
        // It gets its lease all the same, marked; and from there on it goes on.
        let answer = client.import(&authority.lease(&request, &seen)).unwrap();
        assert!(answer.accepted && answer.fresh);
        assert!(!authority.renews(&client));
    }
}

#[test]
fn a_damaged_ledger_is_told_from_a_copy() {
    let (folder, mut authority) = (folder(), Authority::new());
    let client = authority.client(folder.path());
    client.report(Outage::Server).unwrap();
    assert!(!authority.renews(&client));
    client.close().unwrap();
    let path = folder.path().join("ledger/acme.g0.ledger");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[8192 + 60] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let client = authority.client(folder.path());
    let seen = authority.hears(&client.request().unwrap());
    assert!(matches!(&seen, Continuity::PutBack { why } if why.contains("was damaged")), "{seen:?}");
    assert!(!authority.renews(&client));
}

#[test]
fn no_request_can_be_made_up() {
    let (folder, mut authority) = (folder(), Authority::new());
    let client = authority.client(folder.path());
    assert!(!authority.renews(&client));
    client.report(Outage::Server).unwrap();
    client.archive().unwrap();
    let last = authority.last.clone().unwrap();
    let request = client.request().unwrap();
    let good = body(&request);
    assert_eq!(Chain::of_request(&request.body).unwrap().continuity(&last).unwrap(), Continuity::Continues);

    let of = |value: &Value| Chain::of_request(value.to_string().as_bytes()).and_then(|chain| chain.continuity(&last));
    let shows = |value: &Value| of(value).is_ok_and(|seen| seen == Continuity::Continues);
    for at in ["/head", "/closings/0", "/key", "/since/0/root", "/since/0/path/0"] {
        let text = good.pointer(at).unwrap().as_str().unwrap();
        for i in (0..text.len()).filter(|i| text.is_char_boundary(*i) && text.as_bytes()[*i].is_ascii_alphanumeric()) {
            let mut other = text.as_bytes().to_vec();
            other[i] = if other[i] == b'A' { b'B' } else { b'A' };
            let mut changed = good.clone();
            *changed.pointer_mut(at).unwrap() = json!(String::from_utf8(other).unwrap());
            assert!(!shows(&changed), "{at}, byte {i}");
        }
    }
    for at in ["/since", "/closings"] {
        let mut changed = good.clone();
        *changed.pointer_mut(at).unwrap() = json!([]);
        assert!(!shows(&changed), "without {at}");
    }
    // Another ledger's request is no answer, and is not compared.
    let elsewhere = self::folder();
    let other = Authority::new().client(elsewhere.path()).request().unwrap();
    assert!(Chain::of_request(&other.body).unwrap().continuity(&last).is_err());
    // Nor does another key's word for the same ledger count.
    let mut changed = body(&other);
    changed["ledger"] = good["ledger"].clone();
    assert!(of(&changed).is_err());
}

#[test]
fn a_lease_with_an_odd_checkpoint_is_a_lease() {
    let (folder, authority) = (folder(), Authority::new());
    let client = authority.client(folder.path());
    let head = body(&client.request().unwrap())["head"].as_str().unwrap().to_owned();
    let moved = {
        let mut head = Checkpoint::of_note(&head).unwrap();
        head.size += 1;
        format!("{}\n\u{2014} x AAAA\n", head.text())
    };
    for (n, odd) in ["", "x", "a\n1\nAAAA\n", &head[..40], &moved].iter().enumerate() {
        let claims = json!({ "license": "L1", "sku": "cad", "features": { "core": now() + 3600 }, "ledger": client.ledger_id().unwrap(),
            "checkpoint": odd, "iat": now() - 10 + n as i64 });
        let answer = client.import(&document::issue(Kind::Lease, &claims, &[&authority.lease]).unwrap()).unwrap();
        assert!(answer.accepted, "{odd:?}: {answer:?}");
    }
    let history = client.history(0).unwrap();
    assert!(history.iter().all(|(_, r)| !r.events.iter().any(|e| matches!(e, Event::Countersigned { .. }))));
}
