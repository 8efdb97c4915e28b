//! Renewals from a real authority: seats, what a ledger has seen, copies that were put back, and the log.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reprieve::document::{self, Document, SigningKey};
use reprieve::ledger::note::{Checkpoint, Verifier};
use reprieve::ledger::tree;
use reprieve::renew::RenewalRequest;
use reprieve::terms::{Access, Kind};
use serde_json::json;
use support::Served;
use tempfile::TempDir;

fn access(client: &reprieve::client::Client, feature: &str) -> Access {
    client.check("cad", feature).access
}

#[test]
fn a_code_takes_a_seat_and_a_renewal_goes_on_with_it() {
    let served = Served::start();
    let code = served.licence("L1", 1, &["core", "render"]);
    let (one, two) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let client = served.product(one.path());
    // Nobody knows this ledger: it is told the keys and the policy, and that is all.
    assert_eq!(served.renew(&client, None).documents(), 2);
    assert_eq!(access(&client, "core"), Access::Denied);
    served.renew(&client, Some(&code));
    assert_eq!(access(&client, "core"), Access::Full);
    served.renew(&client, None);
    // The only seat is taken; whoever asks is told so, and denied nothing by it.
    let other = served.product(two.path());
    let answer = served.renew(&other, Some(&code));
    assert_eq!(answer.problems(), ["seats_full"]);
    assert_eq!(access(&other, "core"), Access::Denied);
    // Once a person has freed it, the other machine gets it, and the first one no more.
    let seats = served.run(served.authority.store().seats("L1")).unwrap();
    served.run(async {
        let mut tx = served.authority.store().begin().await.unwrap();
        tx.free_seat("L1", &seats[0].ledger).await.unwrap();
        tx.commit().await.unwrap();
    });
    assert_eq!(served.renew(&other, Some(&code)).problems(), Vec::<String>::new());
    assert_eq!(access(&other, "core"), Access::Full);
    assert_eq!(served.renew(&client, None).problems(), ["no_seat"]);
    assert_eq!(access(&client, "core"), Access::Full, "the lease that it has holds to its end");
}

#[test]
fn two_machines_that_activate_at_once_take_one_seat_between_them() {
    let served = Served::start();
    let code = served.licence("L1", 3, &["core"]);
    let machines: Vec<TempDir> = (0..12).map(|_| TempDir::new().unwrap()).collect();
    let full = std::thread::scope(|scope| {
        let started: Vec<_> = machines
            .iter()
            .map(|machine| {
                let (served, code) = (&served, &code);
                scope.spawn(move || served.renew(&served.product(machine.path()), Some(code)).problems())
            })
            .collect();
        started.into_iter().map(|thread| thread.join().unwrap()).filter(|problems| problems == &["seats_full"]).count()
    });
    assert_eq!(full, 9);
    assert_eq!(served.run(served.authority.store().seats("L1")).unwrap().len(), 3);
}

#[test]
fn what_a_ledger_has_is_not_sent_again_and_what_was_lost_is() {
    let served = Served::start();
    let code = served.licence("L1", 1, &["core"]);
    let machine = TempDir::new().unwrap();
    let client = served.product(machine.path());
    // The first answers are lost.
    served.ask(&client, Some(&code));
    assert_eq!(served.ask(&client, None).documents(), 3, "keys, policy and a lease, as before");
    assert_eq!(served.renew(&client, None).documents(), 3);
    served.renew(&client, None);
    assert_eq!(served.renew(&client, None).documents(), 1, "a lease alone");
    let notice = issue(
        &served,
        "notice",
        Kind::Notice,
        json!({ "id": "m1", "start": now() + 60, "end": now() + 3600, "iat": now() }),
    );
    served.run(served.authority.publish(&notice, "anna", "maintenance")).unwrap();
    served.ask(&client, None);
    assert_eq!(served.renew(&client, None).documents(), 2, "the notice came with an answer that was lost");
    assert_eq!(served.renew(&client, None).documents(), 1);
}

fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64
}

/// Signs with a key of the vendor's.
fn issue(served: &Served, role: &str, kind: Kind, claims: serde_json::Value) -> Vec<u8> {
    let passphrase = reprieve_authority::keys::passphrase(Some(&served.path("keys/passphrase"))).unwrap();
    let key = reprieve_authority::keys::read(&served.path(&format!("keys/{role}-1.pem")), &passphrase).unwrap();
    document::issue(kind, &claims, &[&key]).unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_ledger_that_was_put_back_gets_its_lease_and_a_person_is_told() {
    let served = Served::start();
    let code = served.licence("L1", 1, &["core"]);
    let (machine, kept) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let client = served.product(machine.path());
    served.renew(&client, Some(&code));
    client.close().unwrap();
    copy(machine.path(), kept.path());
    let client = served.product(machine.path());
    served.renew(&client, None);
    served.renew(&client, None);
    client.close().unwrap();
    let copy = served.product(kept.path());
    // For some minutes its first head may be that of a request that was overtaken on its way; the second one hides nothing.
    served.renew(&copy, None);
    let answer = served.renew(&copy, None);
    let token = answer.json()["documents"].as_array().unwrap().last().unwrap().as_str().unwrap().to_owned();
    let Some(Document::Lease(lease)) = document::read_unverified(token.as_bytes()) else { panic!("no lease") };
    assert!(lease.put_back);
    assert_eq!(access(&copy, "core"), Access::Full);
    let told = served.run(served.authority.store().put_back(10)).unwrap();
    assert_eq!(told.len(), 1);
    assert!(told[0].put_back_why.as_ref().unwrap().contains("put back"), "{told:?}");
    let journal = served.run(served.authority.store().journal(Some(&lease.ledger), i64::MAX, 10)).unwrap();
    assert!(journal.iter().any(|entry| entry.what == "ledger.put_back"), "{journal:?}");
    // From then on it is this copy that goes on.
    served.renew(&copy, None);
    assert_eq!(served.run(served.authority.store().put_back(10)).unwrap().len(), 1);
}

#[test]
fn who_knows_a_ledgers_id_and_licence_gets_nothing_by_it() {
    let served = Served::start();
    let code = served.licence("L1", 5, &["core"]);
    let machine = TempDir::new().unwrap();
    let client = served.product(machine.path());
    served.renew(&client, Some(&code));
    // The same request, its head signed with another key.
    let mut request = RenewalRequest::read(&client.request().unwrap().body).unwrap();
    let head = Checkpoint::of_note(&request.chain.head).unwrap();
    let forger = SigningKey::generate("x").unwrap();
    let pair = ring::signature::Ed25519KeyPair::from_seed_unchecked(forger.seed()).unwrap();
    request.chain.key = forger.public();
    request.chain.head = reprieve::ledger::note::sign(&head.origin, &pair, &head.text()).unwrap();
    request.chain.since.clear();
    let fields = [("Authorization", format!("Bearer {code}"))];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = served.post("/v1/renew", &fields, &request.to_json());
    assert_eq!((answer.status, answer.problems()), (200, vec!["other_key".to_owned()]));
    assert_eq!(answer.documents(), 1, "the keys, which everybody may have");
    // The honest one goes on as before.
    assert_eq!(served.renew(&client, None).problems(), Vec::<String>::new());
    assert!(served.run(served.authority.store().put_back(10)).unwrap().is_empty());
    // Heads that are signed by nobody are no request at all.
    let mut body: serde_json::Value = serde_json::from_slice(&client.request().unwrap().body).unwrap();
    body["key"] = json!(STANDARD.encode([7u8; 32]));
    assert_eq!(served.post("/v1/renew", &[], body.to_string().as_bytes()).status, 400);
}

#[test]
fn a_request_that_is_sent_again_takes_no_second_seat() {
    let served = Served::start();
    let code = served.licence("L1", 2, &["core"]);
    let machine = TempDir::new().unwrap();
    let client = served.product(machine.path());
    let body = client.request().unwrap().body;
    let field = format!("Bearer {code}");
    for _ in 0..3 {
        assert_eq!(served.post("/v1/renew", &[("Authorization", &field)], &body).status, 200);
    }
    assert_eq!(served.run(served.authority.store().seats("L1")).unwrap().len(), 1);
}

#[test]
fn every_document_is_in_the_log_and_the_log_goes_on() {
    let served = Served::start();
    let code = served.licence("L1", 400, &["core"]);
    let key = Verifier::from_vkey(&served.authority.log_vkey().unwrap()).unwrap();
    let state = || {
        let text = String::from_utf8(served.get("/log/checkpoint", &[]).body).unwrap();
        Checkpoint::parse(key.verify(&text).unwrap()).unwrap()
    };
    let hashes = |value: &serde_json::Value| -> Vec<[u8; 32]> {
        let all = value.as_array().unwrap().iter();
        all.map(|hash| STANDARD.decode(hash.as_str().unwrap()).unwrap().try_into().unwrap()).collect()
    };
    let machine = TempDir::new().unwrap();
    let client = served.product(machine.path());
    served.renew(&client, Some(&code));
    let (mut before, mut tokens) = (state(), Vec::new());
    for _ in 0..18 {
        let answer = served.renew(&client, None);
        tokens
            .extend(answer.json()["documents"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()));
        let after = state();
        assert_eq!(after.size, before.size + 1);
        let shown = served.get(&format!("/log/consistency?old={}", before.size), &[]).json();
        assert!(tree::verify_consistency(before.size, after.size, &hashes(&shown["path"]), &before.root, &after.root));
        before = after;
    }
    for token in &tokens {
        let id = document::TokenId::of(token.as_bytes());
        let shown = served.get(&format!("/log/proof/{id}"), &[]).json();
        let (index, size) = (shown["index"].as_u64().unwrap(), shown["size"].as_u64().unwrap());
        let leaf = tree::leaf_hash(token.as_bytes());
        assert!(tree::verify_inclusion(index, size, &leaf, &hashes(&shown["path"]), &before.root));
    }
    // The tile holds the same leaves.
    let tile = served.get(&format!("/log/tile/0/000.p/{}", before.size), &[]).body;
    assert_eq!(tile.len() as u64, 32 * before.size);
    assert_eq!(served.get(&format!("/log/tile/0/000.p/{}", before.size + 1), &[]).status, 404);
    let leaves: Vec<[u8; 32]> = tile.as_chunks::<32>().0.to_vec();
    assert_eq!(tree::root_of(&leaves), before.root);
    assert_eq!(served.get("/log/proof/00", &[]).status, 200, "a document's number names it too");
    assert_eq!(served.get(&format!("/log/proof/{}", "0".repeat(64)), &[]).status, 404);
}

#[test]
fn a_revocation_ends_leases_to_come() {
    let served = Served::start();
    let code = served.licence("L1", 1, &["core", "export.step", "export.iges"]);
    let machine = TempDir::new().unwrap();
    let client = served.product(machine.path());
    served.renew(&client, Some(&code));
    let claims = json!({ "license": "L1", "features": ["export.*"], "effective": now() - 1, "iat": now() });
    served
        .run(served.authority.publish(&issue(&served, "revocation", Kind::Revocation, claims), "anna", "not paid"))
        .unwrap();
    served.renew(&client, None);
    assert_eq!((access(&client, "core"), access(&client, "export.step")), (Access::Full, Access::Denied));
    let claims = json!({ "license": "L1", "effective": now() - 1, "iat": now() });
    served
        .run(served.authority.publish(&issue(&served, "revocation", Kind::Revocation, claims), "anna", "not paid"))
        .unwrap();
    let answer = served.renew(&client, None);
    assert_eq!(answer.problems(), ["revoked"]);
}

#[test]
fn what_is_the_same_for_all_has_a_tag() {
    let served = Served::start();
    let first = served.get("/v1/common.json", &[]);
    let tag = first.header("etag").unwrap().to_owned();
    assert_eq!((first.status, first.documents()), (200, 2));
    let again = served.get("/v1/common.json", &[("If-None-Match", &tag)]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    let notice = issue(
        &served,
        "notice",
        Kind::Notice,
        json!({ "id": "m1", "start": now() + 60, "end": now() + 3600, "iat": now() }),
    );
    served.run(served.authority.publish(&notice, "anna", "maintenance")).unwrap();
    assert_eq!(served.get("/v1/common.json", &[("If-None-Match", &tag)]).documents(), 3);
}

#[test]
fn who_asks_too_often_is_asked_to_wait_and_others_are_not() {
    let served = Served::with(|config| config.server.per_ledger = 5);
    let (one, two) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (client, other) = (served.product(one.path()), served.product(two.path()));
    let statuses: Vec<u16> = (0..8).map(|_| served.ask(&client, None).status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429, 429]);
    let answer = served.ask(&client, None);
    assert!(answer.header("retry-after").is_some());
    assert_eq!(served.ask(&other, None).status, 200);
}

#[test]
fn what_is_no_request_is_told_what_is_wrong_and_nothing_is_issued() {
    let served = Served::start();
    let size = || served.run(served.authority.store().log_state()).unwrap().size;
    let before = size();
    let deep = "[".repeat(200_000);
    for body in [
        b"".as_slice(),
        b"{}",
        b"null",
        b"[1,2",
        deep.as_bytes(),
        b"\xff\xfe\x00",
        br#"{"nonce":"x","ledger":"../../etc/passwd"}"#,
    ] {
        let answer = served.post("/v1/renew", &[], body);
        assert_eq!(answer.status, 400, "{}", String::from_utf8_lossy(&answer.body));
        assert!(answer.json()["text"].as_str().unwrap().len() > 10);
    }
    assert_eq!(served.post("/v1/renew", &[], &vec![b' '; 2 << 20]).status, 413);
    assert_eq!(served.get("/v1/renew", &[]).status, 405);
    assert_eq!(served.get("/nothing", &[]).status, 404);
    assert_eq!(size(), before);
}

#[test]
fn a_request_by_mail_is_answered_by_mail() {
    let served = Served::start();
    served.licence("L1", 1, &["core"]);
    let machine = TempDir::new().unwrap();
    let client = served.product(machine.path());
    let text = RenewalRequest::read(&client.request().unwrap().body).unwrap().to_armour();
    // As mail programs quote and break it.
    let quoted: String = text.lines().map(|line| format!("> {line}\r\n")).collect();
    let request = RenewalRequest::read(quoted.as_bytes()).unwrap();
    let ask = reprieve_authority::renew::Ask { request, code: None, granted: Some("L1".into()), received: vec![] };
    let renewed = served.run(served.authority.renew(ask)).unwrap();
    for one in client.renew(renewed.answer.to_armour().as_bytes()).unwrap() {
        assert!(one.accepted, "{one:?}");
    }
    assert_eq!(access(&client, "core"), Access::Full);
}
