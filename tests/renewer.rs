//! A client that renews: with an authority that answers by hand, and no socket.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod vendor;

use std::time::Duration;

use reprieve::client::{Client, ErrorKind, Renewer, Task};
use reprieve::renew::{AttemptId, Endpoint, Failure, HttpAnswer, Outcome, Settings};
use reprieve::terms::{Kind, Outage, Reason};
use reprieve::time::Span;
use serde_json::{Value, json};
use tempfile::TempDir;
use vendor::{Vendor, now};

/// A vendor whose application file names two endpoints.
fn vendor() -> Vendor {
    let mut vendor = Vendor::new();
    vendor.app.endpoints = vec![
        Endpoint::new("https://a.example/renew"),
        Endpoint { priority: 2, ..Endpoint::new("https://b.example/renew") },
    ];
    vendor
}

/// No pauses, so that a test need not wait.
fn hasty() -> Settings {
    let none = Span::seconds(0);
    Settings { pause: none, pause_most: none, renewed: none, answered: none, ..Settings::default() }
}

/// The answer to a request: a lease that echoes its nonce.
fn lease_for(vendor: &Vendor, body: &[u8], seconds: i64) -> Vec<u8> {
    let request: Value = serde_json::from_slice(body).unwrap();
    vendor.issue(
        Kind::Lease,
        json!({
            "license": "L1", "sku": "cad", "ledger": request["ledger"], "nonce": request["nonce"],
            "features": { "core": now() + seconds },
        }),
    )
}

fn ok(body: Vec<u8>) -> Outcome {
    Outcome::Answer(HttpAnswer { status: 200, body, ..HttpAnswer::default() })
}

fn sent(renewer: &mut Renewer) -> (AttemptId, String, Vec<u8>) {
    match renewer.poll().unwrap() {
        Task::Send { attempt, url, body, within } => {
            assert_eq!(within, Duration::from_secs(15));
            (attempt, url, body.to_vec())
        }
        other => panic!("{other:?}"),
    }
}

fn waits(renewer: &mut Renewer) -> Duration {
    match renewer.poll().unwrap() {
        Task::Wait(pause) => pause,
        other => panic!("{other:?}"),
    }
}

fn diagnostics(client: &Client) -> String {
    client.diagnostics().iter().map(|one| format!("{}\n", one.text)).collect()
}

#[test]
fn a_first_lease_is_fetched_at_once_and_the_next_one_at_half_of_its_life() {
    let (vendor, folder) = (vendor(), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    client.import(&vendor.policy(1)).unwrap();
    let mut renewer = client.renewer(Settings::default()).unwrap();
    let (attempt, url, body) = sent(&mut renewer);
    assert_eq!(url, "https://a.example/renew");
    renewer.ended(attempt, &ok(lease_for(&vendor, &body, 86_400)));
    let pause = waits(&mut renewer);
    assert!(pause <= Duration::from_secs(600), "{pause:?}");
    assert_eq!(client.check("cad", "core").access.as_str(), "full");
    assert!(diagnostics(&client).contains("https://a.example/renew: renewed after"), "{}", diagnostics(&client));
}

#[test]
fn the_next_endpoint_gets_the_same_request_and_the_round_is_reported_once() {
    let (vendor, folder) = (vendor(), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    client.import(&vendor.policy(1)).unwrap();
    client.import(&vendor.lease(1)).unwrap();
    std::thread::sleep(Duration::from_millis(1100));
    let mut renewer = client.renewer(Settings::default()).unwrap();
    let (first, _, body) = sent(&mut renewer);
    renewer.ended(first, &Outcome::Failed(Failure::NoDns));
    let (second, url, again) = sent(&mut renewer);
    assert_eq!((url.as_str(), &again), ("https://b.example/renew", &body));
    renewer.ended(second, &Outcome::Failed(Failure::TimedOut));
    waits(&mut renewer);
    assert_eq!(client.check("cad", "core").reason, Some(Reason::Network));
    assert!(!client.report(Outage::Network).unwrap(), "it was recorded by the renewer");
}

#[test]
fn an_answer_that_is_no_list_of_documents_is_a_nonsense_answer() {
    for body in
        [&br#"{"documents": 7}"#[..], br#"{"documents": []}"#, b"<html>", b"\xff\xfe", br#"{"error": "no seat"}"#]
    {
        let (vendor, folder) = (vendor(), TempDir::new().unwrap());
        let client = vendor.client(folder.path());
        let mut renewer = client.renewer(Settings::default()).unwrap();
        for _ in 0..2 {
            let (attempt, _, _) = sent(&mut renewer);
            renewer.ended(attempt, &ok(body.to_vec()));
        }
        waits(&mut renewer);
        assert!(!client.report(Outage::Server).unwrap(), "{}", String::from_utf8_lossy(body));
        assert!(client.report(Outage::Network).unwrap());
    }
}

#[test]
fn documents_that_the_ledger_refuses_are_no_outage() {
    let (vendor, folder) = (vendor(), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    let mut renewer = client.renewer(Settings::default()).unwrap();
    let (attempt, _, body) = sent(&mut renewer);
    let mut request: Value = serde_json::from_slice(&body).unwrap();
    request["ledger"] = json!("AAAAAAAAAAAAAAAAAAAAAA");
    renewer.ended(attempt, &ok(lease_for(&vendor, request.to_string().as_bytes(), 86_400)));
    assert!(waits(&mut renewer) > Duration::from_secs(3000), "the same would come again");
    assert!(client.report(Outage::Server).unwrap() && client.report(Outage::Network).unwrap(), "nothing was reported");
}

#[test]
fn a_lease_for_another_nonce_counts_as_an_ordinary_one() {
    let (vendor, folder) = (vendor(), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    let mut renewer = client.renewer(Settings::default()).unwrap();
    let (attempt, _, body) = sent(&mut renewer);
    let mut request: Value = serde_json::from_slice(&body).unwrap();
    request["nonce"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    renewer.ended(attempt, &ok(lease_for(&vendor, request.to_string().as_bytes(), 86_400)));
    waits(&mut renewer);
    assert_eq!(client.check("cad", "core").access.as_str(), "full");
}

#[test]
fn of_several_products_one_has_the_turn_and_the_others_know_what_it_learned() {
    let (vendor, folder) = (vendor(), TempDir::new().unwrap());
    let (one, other) = (vendor.client(folder.path()), vendor.client(folder.path()));
    let (mut first, mut second) =
        (one.renewer(Settings::default()).unwrap(), other.renewer(Settings::default()).unwrap());
    let (attempt, _, _) = sent(&mut first);
    assert!(waits(&mut second) <= Duration::from_secs(5), "somebody else has the turn");
    let busy = HttpAnswer { status: 429, retry_after: Some("1800".into()), ..HttpAnswer::default() };
    first.ended(attempt, &Outcome::Answer(busy));
    let (attempt, _, _) = sent(&mut first);
    first.ended(attempt, &Outcome::Failed(Failure::Refused));
    assert!(waits(&mut first) > Duration::from_secs(1700));

    // The second one has asked nobody, and knows.
    let mut third = other.renewer(Settings::default()).unwrap();
    assert!(waits(&mut third) > Duration::from_secs(1700));
    drop((first, second));
}

#[test]
fn a_product_that_ends_in_the_middle_of_a_round_gives_the_turn_back() {
    let (vendor, folder) = (vendor(), TempDir::new().unwrap());
    let (one, other) = (vendor.client(folder.path()), vendor.client(folder.path()));
    let mut first = one.renewer(hasty()).unwrap();
    sent(&mut first);
    drop(first);
    sent(&mut other.renewer(hasty()).unwrap());
}

#[test]
fn what_another_product_renewed_is_not_renewed_again() {
    let (vendor, folder) = (vendor(), TempDir::new().unwrap());
    let (one, other) = (vendor.client(folder.path()), vendor.client(folder.path()));
    let mut first = one.renewer(hasty()).unwrap();
    let (attempt, _, body) = sent(&mut first);
    first.ended(attempt, &ok(lease_for(&vendor, &body, 86_400)));
    waits(&mut first);
    assert_eq!(waits(&mut other.renewer(hasty()).unwrap()), Duration::from_secs(600));
}

#[test]
fn what_others_left_behind_cannot_put_off_for_ever() {
    let (vendor, folder) = (vendor(), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    let mut renewer = client.renewer(Settings::default()).unwrap();
    for _ in 0..2 {
        let (attempt, _, _) = sent(&mut renewer);
        renewer.ended(attempt, &Outcome::Failed(Failure::Refused));
    }
    waits(&mut renewer);
    let path = folder.path().join("ledger").join("acme.side-renewal");
    let mut kept: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let far = serde_json::to_value(Span::seconds(1 << 30)).unwrap();
    kept["learned"]["paused_until"] = far.clone();
    kept["learned"]["asked_until"] = far;
    std::fs::write(&path, kept.to_string()).unwrap();
    assert!(waits(&mut client.renewer(Settings::default()).unwrap()) <= Duration::from_secs(3600));

    for odd in ["", "{}", "[]", "\u{0}", r#"{"boot": [1], "learned": null}"#] {
        std::fs::write(&path, odd).unwrap();
        sent(&mut client.renewer(Settings::default()).unwrap());
    }
    kept["boot"] = json!(vec![0; 16]);
    std::fs::write(&path, kept.to_string()).unwrap();
    sent(&mut client.renewer(Settings::default()).unwrap());
}

#[test]
fn a_closed_client_is_the_end_of_it() {
    let (vendor, folder) = (vendor(), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    let mut renewer = client.renewer(Settings::default()).unwrap();
    let (attempt, _, body) = sent(&mut renewer);
    client.close().unwrap();
    renewer.ended(attempt, &ok(lease_for(&vendor, &body, 60)));
    assert_eq!(renewer.poll().unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(vendor.client(folder.path()).check("cad", "core").access.as_str(), "denied");
}

#[test]
fn leases_that_end_at_once_are_not_asked_for_without_end() {
    let (vendor, folder) = (vendor(), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    let mut renewer = client.renewer(Settings::default()).unwrap();
    let (attempt, _, body) = sent(&mut renewer);
    renewer.ended(attempt, &ok(lease_for(&vendor, &body, 1)));
    std::thread::sleep(Duration::from_millis(1100));
    assert!(waits(&mut renewer) > Duration::from_secs(50));
}

#[test]
fn a_keys_document_says_where_to_renew_and_the_application_file_is_the_last_resort() {
    let (mut vendor, folder) = (vendor(), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    let mut renewer = client.renewer(Settings::default()).unwrap();
    let (attempt, url, _) = sent(&mut renewer);
    assert_eq!(url, "https://a.example/renew");

    vendor.rotate(2, json!(["https://new.example/renew", { "url": "gopher://x" }, 7, { "url": "https://b.example/renew", "region": "eu" }]));
    assert!(client.import(vendor.app.keys.as_ref().unwrap()).unwrap().accepted);
    // The round begins anew, at the new place, and what runs is given up.
    assert_eq!(renewer.poll().unwrap(), Task::Abort(attempt));
    let mut tried = Vec::new();
    for _ in 0..3 {
        let (attempt, url, _) = sent(&mut renewer);
        renewer.ended(attempt, &Outcome::Failed(Failure::Refused));
        tried.push(url);
    }
    assert_eq!(tried, ["https://new.example/renew", "https://b.example/renew", "https://a.example/renew"]);
    waits(&mut renewer);
}
