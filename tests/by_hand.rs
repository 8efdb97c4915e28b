//! Renewal by hand: what people carry between a client and its authority.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod vendor;

use std::collections::BTreeMap;

use reprieve::client::{Client, ErrorKind};
use reprieve::document::{self, Role};
use reprieve::ledger::Continuity;
use reprieve::renew::{CODE_MOST, RenewalAnswer, RenewalRequest, is_armoured};
use reprieve::terms::{Kind, Outage, Refusal};
use reprieve::time::Instant;
use serde_json::{Value, json};
use tempfile::TempDir;
use vendor::{Vendor, now};

/// What the authority makes of a request, from whatever it reads it.
fn answer(vendor: &Vendor, request: &RenewalRequest) -> RenewalAnswer {
    let features = BTreeMap::from([("core".to_owned(), Instant::from_seconds(now() + 86_400))]);
    let claims = request.lease("L1", "cad", &features, Instant::from_seconds(now()), false);
    let key = vendor.keys.iter().find(|key| key.kid() == Role::Lease.as_str()).unwrap();
    RenewalAnswer { documents: vec![document::issue(Kind::Lease, &claims, &[key]).unwrap()] }
}

/// A5: a text that people carry has no appeals, and these are records like any other.
fn without_appeals(client: &Client) -> RenewalRequest {
    let request = RenewalRequest::read(&client.request().unwrap().body).unwrap();
    RenewalRequest { appeals: Vec::new(), ..request }
}

fn quoted(text: &str) -> String {
    text.lines().map(|line| format!("> {line}\r\n")).collect()
}

#[test]
fn a_mail_there_and_a_mail_back_renew() {
    let (vendor, folder) = (Vendor::new(), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    let body = client.request().unwrap().body;
    let request = RenewalRequest::read(&body).unwrap();
    assert_eq!(request.to_json(), body, "the same as over HTTP");

    let mail = format!("Hello,\r\n\r\nplease renew:\r\n{}\r\n-- \r\nJo\r\n", quoted(&request.to_armour()));
    let read = RenewalRequest::read(mail.as_bytes()).unwrap();
    assert_eq!(read, request);
    let back = format!("{}\r\n{}", quoted(&answer(&vendor, &read).to_armour()), quoted(&mail));
    assert!(is_armoured(back.as_bytes()));
    let answers = client.renew(back.as_bytes()).unwrap();
    assert!(answers.len() == 1 && answers[0].accepted && answers[0].fresh, "{answers:?}");
    assert!(client.check("cad", "core").allowed());

    // The head was countersigned, and the next request goes on from it.
    let next = RenewalRequest::read(&client.request().unwrap().body).unwrap();
    assert_eq!(next.chain.continuity(&request.chain.head).unwrap(), Continuity::Continues);
}

/// The head that the authority kept is proven over the armour as over HTTP, across archives too.
#[test]
fn proofs_and_closed_generations_are_carried_whole() {
    let (vendor, folder) = (Vendor::new(), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    let first = RenewalRequest::read(&client.request().unwrap().body).unwrap();
    for at in 0..3 {
        for _ in 0..at * 5 {
            client.report(Outage::Network).unwrap();
            client.appeal(None, "a record").unwrap();
        }
        client.request().unwrap();
        client.archive().unwrap();
    }
    let request = without_appeals(&client);
    let read = RenewalRequest::read(request.to_armour().as_bytes()).unwrap();
    assert_eq!(read.to_json(), request.to_json());
    assert_eq!(read.chain.closings.len(), 3);
    assert_eq!(read.chain.continuity(&first.chain.head).unwrap(), Continuity::Continues);
    assert_eq!(read.to_codes().len(), 1, "{}", read.to_codes()[0].len());
}

/// The largest request of a ledger of a million records, four licences, and every head that may be out: no
/// hash of its proofs is the same as another, which is more than any tree has.
#[test]
fn the_largest_request_fits_one_code() {
    const RECORDS: u64 = 1 << 20;
    let (vendor, folder) = (Vendor::new(), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    client.import(&vendor.policy(1)).unwrap();
    for licence in 0..4 {
        let claims = json!({ "license": format!("LICENCE-2026-0000-{licence}"), "sku": "cad", "ledger": "*", "features": { "core": now() + 60 } });
        assert!(client.import(&vendor.issue(Kind::Lease, claims)).unwrap().accepted);
    }
    let request = RenewalRequest::read(&client.request().unwrap().body).unwrap();
    let smallest = request.to_codes();
    assert!(client.renew(&answer(&vendor, &request).to_json()).unwrap()[0].accepted);
    let mut largest = request;
    for _ in 0..12 {
        client.appeal(None, "a record").unwrap();
        largest = without_appeals(&client);
        assert_eq!(RenewalRequest::read(largest.to_codes()[0].as_bytes()).unwrap(), largest);
    }
    let mut seed = 0u64;
    let mut hash = || {
        seed += 1;
        let digest = ring::digest::digest(&ring::digest::SHA256, &seed.to_be_bytes());
        <[u8; 32]>::try_from(digest.as_ref()).unwrap()
    };
    for since in &mut largest.chain.since {
        since.size += RECORDS;
        since.path = (0..=RECORDS.ilog2()).map(|_| hash()).collect();
    }
    let (codes, json) = (largest.to_codes(), largest.to_json().len());
    println!(
        "smallest: {} characters; largest: {} of {CODE_MOST} characters, {} bytes as a mail, {json} as JSON; {} older heads",
        smallest[0].len(),
        codes[0].len(),
        largest.to_armour().len(),
        largest.chain.since.len()
    );
    assert_eq!((smallest.len(), codes.len()), (1, 1));
    assert!(largest.chain.since.len() >= 3 && codes[0].len() <= CODE_MOST);
    assert_eq!(RenewalRequest::read(codes[0].as_bytes()).unwrap(), largest);
}

/// What does not fit one code is split, and no request is too long.
#[test]
fn a_hundred_licences_need_several_codes() {
    let (vendor, folder) = (Vendor::new(), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    let mut request = RenewalRequest::read(&client.request().unwrap().body).unwrap();
    request.licenses = (0..200).map(|at| format!("LICENCE-2026-00000000-{at}")).collect();
    let mut codes = request.to_codes();
    assert!(codes.len() > 1 && codes.iter().all(|code| code.len() <= CODE_MOST));
    codes.reverse();
    assert_eq!(RenewalRequest::read(codes.join("\n").as_bytes()).unwrap(), request);
    assert!(RenewalRequest::read(codes[0].as_bytes()).unwrap_err().to_string().contains("part 1 of"));
}

/// An authority reads what anybody may send.
#[test]
fn requests_that_are_none_are_refused_in_words() {
    let (vendor, folder) = (Vendor::new(), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    let body = client.request().unwrap().body;
    let good: Value = serde_json::from_slice(&body).unwrap();
    let with = |key: &str, value: Value| {
        let mut changed = good.clone();
        changed[key] = value;
        RenewalRequest::read(changed.to_string().as_bytes())
    };
    assert!(with("extra", json!(7)).is_ok(), "a newer client may say more");
    for (key, value) in [
        ("nonce", json!("")),
        ("nonce", json!("x".repeat(1000))),
        ("licenses", json!(["a b"])),
        ("licenses", json!(7)),
        ("ledger", json!("x")),
        ("ledger", json!("00000000000000000000000000000000")),
        ("head", json!("x")),
        ("key", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")),
    ] {
        assert!(with(key, value.clone()).is_err(), "{key} {value}");
    }
    assert!(RenewalRequest::read(&vec![b' '; 2 << 20]).unwrap_err().to_string().contains("more than"));
    let text = RenewalRequest::read(&body).unwrap().to_armour();
    let answer = RenewalAnswer { documents: vec![vendor.lease(60)] }.to_armour();
    assert!(RenewalRequest::read(answer.as_bytes()).unwrap_err().to_string().contains("it is the answer"));
    assert_eq!(client.renew(text.as_bytes()).unwrap_err().kind(), ErrorKind::Claims);
    // Odd requests by another hand are carried all the same.
    let odd = with("nonce", json!("not base64url!")).unwrap();
    assert_eq!(RenewalRequest::read(odd.to_armour().as_bytes()).unwrap(), odd);
}

/// No text makes the reader take more memory than it is long by much, or panic.
#[test]
fn compact_requests_of_noise_do_no_harm() {
    let (vendor, folder) = (Vendor::new(), TempDir::new().unwrap());
    let text = RenewalRequest::read(&vendor.client(folder.path()).request().unwrap().body).unwrap().to_armour();
    let mut seed = 1u64;
    for at in 0..3000 {
        let mut bytes = text.clone().into_bytes();
        for _ in 0..=at % 5 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = (seed >> 33) as usize % bytes.len();
            bytes[at] = (seed >> 24) as u8;
        }
        let _ = RenewalRequest::read(&bytes);
        let _ = RenewalAnswer::read(&bytes);
    }
}

fn text(token: Vec<u8>) -> String {
    String::from_utf8(token).unwrap()
}

/// One thing in the list that is no token spoils none beside it.
#[test]
fn good_documents_beside_what_is_no_token_are_taken() {
    for odd in [json!(7), json!(null), json!(true), json!([1]), json!({}), json!(""), json!("<html>")] {
        let (vendor, folder) = (Vendor::new(), TempDir::new().unwrap());
        let client: Client = vendor.client(folder.path());
        let request = RenewalRequest::read(&client.request().unwrap().body).unwrap();
        let lease = text(answer(&vendor, &request).documents.remove(0));
        let documents = json!({ "documents": [odd, lease, text(vendor.policy(1))] });
        let answers = client.renew(documents.to_string().as_bytes()).unwrap();
        assert_eq!(answers.len(), 3, "{odd}");
        assert_eq!((answers[0].accepted, answers[0].error), (false, Some(Refusal::Malformed)), "{odd}");
        assert!(answers[1].accepted && answers[1].fresh && answers[2].accepted, "{odd}");
        assert!(!answers[0].detail.is_empty());
    }
}

/// General JSON stays General JSON on both ways.
#[test]
fn documents_with_several_signatures_are_carried() {
    let (vendor, folder) = (Vendor::new(), TempDir::new().unwrap());
    let client = vendor.client(folder.path());
    client.import(&vendor.policy(1)).unwrap();
    client.import(&vendor.lease(60)).unwrap();
    let key = vendor.keys.iter().find(|key| key.kid() == "support").unwrap();
    let claims = json!({ "license": "L1", "until": now() + 3600, "iat": now() });
    let one = document::issue(Kind::Extension, &claims, &[key, key]).unwrap();
    assert!(one.starts_with(b"{"));
    let answer = RenewalAnswer { documents: vec![one, vendor.policy(2)] };
    assert_eq!(RenewalAnswer::read(answer.to_armour().as_bytes()).unwrap(), answer);
    assert_eq!(RenewalAnswer::read(&answer.to_json()).unwrap(), answer);
    assert!(client.renew(answer.to_armour().as_bytes()).unwrap().iter().all(|answer| answer.accepted));
}
