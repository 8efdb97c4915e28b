//! Appeals travel with renewals (rule A5): with an authority that answers by hand, and no socket.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod vendor;

use std::time::Duration;

use reprieve::client::{Client, EventKind, Renewer, Task};
use reprieve::renew::{
    APPEALS_MOST, Appeal, AttemptId, Endpoint, Failure, HttpAnswer, MAX_REQUEST, Outcome, RenewalAnswer,
    RenewalRequest, Settings,
};
use reprieve::terms::Kind;
use serde_json::{Value, json};
use tempfile::TempDir;
use vendor::{Vendor, now};

const WATER: &str = "The server room was under water.";

fn vendor() -> Vendor {
    let mut vendor = Vendor::new();
    vendor.app.endpoints = vec![Endpoint::new("https://a.example/renew")];
    vendor
}

/// A client with a lease that is not to be renewed for a long time.
fn renewed(vendor: &Vendor, folder: &TempDir) -> Client {
    let client = vendor.client(folder.path());
    client.next_event("tray").unwrap();
    answer(vendor, &client, &client.request().unwrap().body, &[]);
    drained(&client);
    client
}

fn lease(vendor: &Vendor, body: &[u8], claims: Value) -> Vec<u8> {
    let request: Value = serde_json::from_slice(body).unwrap();
    let mut all = json!({
        "license": "L1", "sku": "cad", "ledger": request["ledger"], "nonce": request["nonce"], "checkpoint": request["head"],
        "features": { "core": now() + 86_400 },
    });
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    vendor.issue(Kind::Lease, all)
}

/// A lease that says that the authority has these.
fn answer(vendor: &Vendor, client: &Client, body: &[u8], ids: &[String]) {
    let answers = client.renew(&lease(vendor, body, json!({ "appeals": ids }))).unwrap();
    assert!(answers.iter().all(|answer| answer.accepted), "{answers:?}");
}

fn drained(client: &Client) -> Vec<(EventKind, Option<String>)> {
    std::iter::from_fn(|| client.next_event("tray").unwrap()).map(|event| (event.kind, event.license)).collect()
}

/// The appeals of a request, as an authority reads them.
fn carried(body: &[u8]) -> Vec<Appeal> {
    let request = RenewalRequest::read(body).unwrap();
    request.appeals.into_iter().map(|appeal| Appeal::of_value(appeal).unwrap()).collect()
}

fn texts(body: &[u8]) -> Vec<String> {
    carried(body).into_iter().map(|appeal| appeal.text).collect()
}

fn asks(client: &Client) -> Vec<u8> {
    client.request().unwrap().body
}

fn sent(renewer: &mut Renewer) -> Option<(AttemptId, Vec<u8>)> {
    match renewer.poll().unwrap() {
        Task::Send { attempt, body, .. } => Some((attempt, body.to_vec())),
        Task::Wait(_) => None,
        other => panic!("{other:?}"),
    }
}

fn ok(body: Vec<u8>) -> Outcome {
    Outcome::Answer(HttpAnswer { status: 200, body, ..HttpAnswer::default() })
}

#[test]
fn an_appeal_goes_with_a_renewal_that_begins_for_it_and_a_lease_ends_it_for_all() {
    let (vendor, folder) = (vendor(), TempDir::new().unwrap());
    let (client, other) = (renewed(&vendor, &folder), vendor.client(folder.path()));
    let mut renewer = client.renewer(Settings::default()).unwrap();
    assert_eq!(sent(&mut renewer), None, "nothing is due");
    let file = Appeal::read(&client.appeal(Some("L1"), WATER).unwrap()).unwrap();
    let (attempt, body) = sent(&mut renewer).expect("it is due now");
    let read = carried(&body);
    assert_eq!((&read[0].id, &read[0].text, read[0].license.as_deref()), (&file.id, &file.text, Some("L1")));
    assert_eq!(read[0].ledger.to_string(), client.ledger_id().unwrap());
    // What it says of the ledger is of that ledger's key, which signs the request too.
    assert_eq!(read[0].key, RenewalRequest::read(&body).unwrap().chain.key);
    let history = read[0].to_value()["history"].as_array().unwrap().clone();
    assert!(history.iter().any(|event| event["event"] == "document_accepted"), "{history:?}");
    assert_eq!(history.last().unwrap()["text"], WATER);
    renewer.ended(attempt, &ok(lease(&vendor, &body, json!({ "appeals": [file.id] }))));
    assert_eq!(sent(&mut renewer), None);
    let told = drained(&client);
    assert_eq!(told.iter().filter(|one| **one == (EventKind::AppealReceived, Some("L1".to_owned()))).count(), 1);
    // Every product on the ledger knows, also one that opens it later; and nothing more is recorded for it.
    assert_eq!(texts(&asks(&other)), [""; 0]);
    client.close().unwrap();
    let later = vendor.client(folder.path());
    assert_eq!(texts(&asks(&later)), [""; 0]);
    answer(&vendor, &later, &asks(&later), &[file.id]);
    let recorded = later.history(0).unwrap();
    let said = recorded.iter().flat_map(|(_, record)| &record.events);
    let said = said.filter(|event| matches!(event, reprieve::grace::Event::AppealReceived { .. })).count();
    assert_eq!(said, 1, "it is recorded once");
}

#[test]
fn an_authority_that_knows_no_appeals_renews_as_ever_and_is_asked_again_a_day_later() {
    let (vendor, folder) = (vendor(), TempDir::new().unwrap());
    let client = renewed(&vendor, &folder);
    client.appeal(None, WATER).unwrap();
    let mut renewer = client.renewer(Settings::default()).unwrap();
    let (attempt, body) = sent(&mut renewer).unwrap();
    assert_eq!(texts(&body), [WATER]);
    renewer.ended(attempt, &ok(lease(&vendor, &body, json!({}))));
    assert!(client.check("cad", "core").allowed());
    let before = client.status("cad").unwrap().records;
    // It rests, for whoever asks: in this process, in another product, after a restart.
    assert_eq!(sent(&mut renewer), None);
    assert_eq!(client.status("cad").unwrap().records, before, "that it rests is no record");
    assert_eq!(texts(&asks(&client)), [""; 0]);
    client.close().unwrap();
    let later = vendor.client(folder.path());
    assert_eq!(texts(&asks(&later)), [""; 0]);
    // Another one does not wait for it.
    later.appeal(None, "And the cellar.").unwrap();
    assert_eq!(texts(&asks(&later)), ["And the cellar."]);
}

#[test]
fn a_renewal_that_failed_loses_none() {
    let (vendor, folder) = (vendor(), TempDir::new().unwrap());
    let client = renewed(&vendor, &folder);
    let id = Appeal::read(&client.appeal(None, WATER).unwrap()).unwrap().id;
    let mut renewer = client.renewer(Settings::default()).unwrap();
    let (attempt, body) = sent(&mut renewer).unwrap();
    assert_eq!(texts(&body), [WATER]);
    renewer.ended(attempt, &Outcome::Failed(Failure::TimedOut));
    // What is no answer of the authority's says nothing, nor does an empty one or one of nobody's key.
    for nothing in [&b"<html>"[..], b"", br#"{"documents": []}"#, br#"{"documents": ["a.b.c"], "appeals": ["x"]}"#] {
        let body = asks(&client);
        assert_eq!(texts(&body), [WATER], "{}", String::from_utf8_lossy(nothing));
        let _ = client.renew(nothing);
    }
    let stranger =
        Vendor { keys: vec![reprieve::document::SigningKey::from_seed("lease", [77; 32]).unwrap()], ..Vendor::new() };
    let body = asks(&client);
    assert!(!client.renew(&lease(&stranger, &body, json!({ "appeals": [id] }))).unwrap()[0].accepted);
    assert_eq!(texts(&asks(&client)), [WATER]);
    // Nor does a lease for every ledger, or a mirror's file with this ledger's.
    let any = lease(&vendor, &body, json!({ "license": "L3", "ledger": "*", "appeals": [id] }));
    assert!(client.import(&any).unwrap().accepted);
    assert_eq!(texts(&asks(&client)), [WATER]);
    // One that is refused changes nothing else.
    let other = lease(&vendor, &body, json!({ "ledger": "AAAAAAAAAAAAAAAAAAAAAA", "appeals": [id] }));
    assert!(!client.import(&other).unwrap().accepted);
    assert_eq!(texts(&asks(&client)), [WATER]);
    // What cannot be read of the claim costs no customer a lease.
    for odd in [json!(7), json!({ "a": 1 }), json!([7, null, "not a name", "unknown"]), json!(null)] {
        let body = asks(&client);
        let odd = lease(&vendor, &body, json!({ "appeals": odd, "license": "L2" }));
        assert!(client.import(&odd).unwrap().accepted);
    }
    assert_eq!(texts(&asks(&client)), [WATER]);
    assert!(drained(&client).iter().all(|one| one.0 != EventKind::AppealReceived));
}

#[test]
fn many_appeals_make_no_request_long_and_the_newest_go_first() {
    let (vendor, folder) = (vendor(), TempDir::new().unwrap());
    // In memory: what is tried is the number, and not the disk.
    let client = vendor.builder(folder.path()).in_memory().open().unwrap();
    for at in 0..200 {
        client.appeal(Some("L1"), &format!("Number {at}.")).unwrap();
    }
    let body = asks(&client);
    let says: Value = serde_json::from_slice(&body).unwrap();
    assert!(says["appeals"].to_string().len() <= APPEALS_MOST + 2, "{}", says["appeals"].to_string().len());
    assert!(body.len() < MAX_REQUEST / 8, "{}", body.len());
    let newest: Vec<String> = (184..200).rev().map(|at| format!("Number {at}.")).collect();
    assert_eq!(texts(&body), newest, "as many as are kept open, and all of them fit");
    client.close().unwrap();
}

#[test]
fn what_does_not_fit_goes_with_a_later_one() {
    let (vendor, folder) = (vendor(), TempDir::new().unwrap());
    let client = renewed(&vendor, &folder);
    // The longest that there is: each byte of it takes six in JSON.
    let longest = |first: char| format!("{first}{}", "\u{1}".repeat(9_999));
    for first in ['a', 'b', 'c'] {
        client.appeal(None, &longest(first)).unwrap();
    }
    for expected in ['c', 'b', 'a'] {
        let body = asks(&client);
        let read = carried(&body);
        assert_eq!(read.iter().map(|one| one.text.chars().next().unwrap()).collect::<String>(), expected.to_string());
        let says: Value = serde_json::from_slice(&body).unwrap();
        assert!(says["appeals"].to_string().len() <= APPEALS_MOST + 2);
        answer(&vendor, &client, &body, &[read[0].id.clone()]);
    }
    assert_eq!(texts(&asks(&client)), [""; 0]);
}

#[test]
fn a_text_that_people_carry_has_none_and_stays_short() {
    let (vendor, folder) = (vendor(), TempDir::new().unwrap());
    let client = renewed(&vendor, &folder);
    let length = |body: &[u8]| RenewalRequest::read(body).unwrap().to_codes().iter().map(String::len).sum::<usize>();
    let before = length(&asks(&client));
    client.appeal(None, WATER).unwrap();
    let body = asks(&client);
    let request = RenewalRequest::read(&body).unwrap();
    assert_eq!((request.appeals.len(), request.to_codes().len()), (1, 1));
    // One more head is out than before.
    assert!(length(&body) < before + 200, "{} {before}", length(&body));
    let read = RenewalRequest::read(request.to_armour().as_bytes()).unwrap();
    assert_eq!(read, RenewalRequest { appeals: vec![], ..request });
    // The answer to that text says nothing of an appeal that never went: it still waits for a line.
    let token = lease(&vendor, &body, json!({}));
    let answers = client.renew(RenewalAnswer { documents: vec![token] }.to_armour().as_bytes()).unwrap();
    assert!(answers[0].accepted);
    assert_eq!(texts(&asks(&client)), [WATER]);
}

#[test]
fn a_ruling_answers_what_was_filed_before_it() {
    let (vendor, folder) = (vendor(), TempDir::new().unwrap());
    let client = renewed(&vendor, &folder);
    for license in [Some("L1"), Some("L2"), None] {
        client.appeal(license, &format!("{license:?}")).unwrap();
    }
    std::thread::sleep(Duration::from_millis(1100));
    let ruling = |license: &str, iat: i64| {
        let ledger = client.ledger_id().unwrap();
        vendor.issue(Kind::Ruling, json!({ "license": license, "clears": ["clock"], "ledger": ledger, "iat": iat }))
    };
    assert!(client.import(&ruling("L1", now() - 3600)).unwrap().accepted);
    assert_eq!(carried(&asks(&client)).len(), 3, "it was issued before");
    assert!(client.import(&ruling("L1", now())).unwrap().accepted);
    assert_eq!(texts(&asks(&client)), ["Some(\"L2\")"]);
}

#[test]
fn a_ledger_that_goes_on_in_another_file_still_has_them() {
    let (vendor, folder) = (vendor(), TempDir::new().unwrap());
    let client = renewed(&vendor, &folder);
    let id = Appeal::read(&client.appeal(Some("L1"), WATER).unwrap()).unwrap().id;
    client.archive().unwrap();
    client.close().unwrap();
    let later = vendor.client(folder.path());
    let read = carried(&asks(&later));
    assert_eq!((read.len(), &read[0].id, &*read[0].text), (1, &id, WATER));
    assert!(read[0].head.contains("/1\n"), "it is of the new file: {}", read[0].head);
}

#[test]
fn whatever_is_altered_on_the_way_is_found() {
    let (vendor, folder) = (vendor(), TempDir::new().unwrap());
    let client = renewed(&vendor, &folder);
    let file = client.appeal(Some("L1"), WATER).unwrap();
    let good: Value = serde_json::from_slice(&file).unwrap();
    assert!(Appeal::of_value(good.clone()).is_ok());
    let changes: [(&str, Value); 9] = [
        ("/appeal/text", json!("I did it.")),
        ("/appeal/license", json!("L2")),
        ("/appeal/at", json!("2026-01-01T00:00:00Z")),
        ("/clock", json!("leaped")),
        ("/history/0/at", json!("2026-01-01T00:00:00Z")),
        ("/history/0", json!(null)),
        ("/history", json!([])),
        ("/generation", json!(1)),
        ("/ledger", json!("00000000000000000000000000000000")),
    ];
    for (place, other) in changes {
        let mut altered = good.clone();
        *altered.pointer_mut(place).unwrap() = other;
        assert!(Appeal::of_value(altered).is_err(), "{place}");
    }
    let mut more = good.clone();
    more["more"] = json!(1);
    assert!(Appeal::of_value(more).is_err());
    // A head of the same ledger that signs no appeal, or another one.
    for head in [
        client.head().unwrap(),
        serde_json::from_slice::<Value>(&client.appeal(None, "Another.").unwrap()).unwrap()["head"]
            .as_str()
            .unwrap()
            .to_owned(),
    ] {
        let mut altered = good.clone();
        altered["head"] = json!(head);
        assert!(Appeal::of_value(altered).is_err());
    }
    // Another key than the one that signed.
    let mut altered = good.clone();
    altered["key"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    assert!(Appeal::of_value(altered).is_err());
    // White space and the order of keys say nothing.
    let compact: Value = serde_json::from_str(&good.to_string()).unwrap();
    let sorted: std::collections::BTreeMap<String, Value> = compact.as_object().unwrap().clone().into_iter().collect();
    let read = Appeal::read(serde_json::to_string(&sorted).unwrap().as_bytes()).unwrap();
    assert_eq!(read.id, Appeal::read(&file).unwrap().id);
}

/// Whatever stands in `appeals`, it is the authority's to say what is wrong with it: the renewal is read.
#[test]
fn what_is_no_appeal_spoils_no_request() {
    let (vendor, folder) = (vendor(), TempDir::new().unwrap());
    let client = renewed(&vendor, &folder);
    let good: Value = serde_json::from_slice(&asks(&client)).unwrap();
    for odd in [json!(7), json!("x"), json!({ "a": [1] }), json!([null, 7, {}]), json!(null), json!([])] {
        let mut body = good.clone();
        body["appeals"] = odd.clone();
        let request = RenewalRequest::read(body.to_string().as_bytes()).unwrap();
        assert!(request.appeals.into_iter().all(|one| Appeal::of_value(one).is_err()), "{odd}");
    }
}
