//! `reprieve renew`, and the answer that `reprieve import` takes: as a mail, and as a code that a camera reads.

use std::collections::BTreeMap;

use reprieve::document::{self, SigningKey};
use reprieve::renew::{RenewalAnswer, RenewalRequest};
use reprieve::terms::Kind;
use reprieve::time::{Instant, Span};
use serde_json::Value;

use crate::ledgers::ledger;
use crate::support::{Place, Ran, vendor};

fn on(place: &Place, args: &[&str]) -> Ran {
    place.run(&[args, &["--app", "reprieve.toml"]].concat())
}

fn quoted(text: &str) -> String {
    text.lines().map(|line| format!("> {line}\r\n")).collect()
}

/// What the vendor makes of a request.
pub fn answer(place: &Place, request: &RenewalRequest) -> RenewalAnswer {
    let now = Instant::from_seconds(
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64 + 1,
    );
    let features = BTreeMap::from([("core".to_owned(), now + Span::seconds(90 * 86_400))]);
    let claims = request.lease("L1", "cad", &features, now, false);
    let key: Value = serde_json::from_str(&place.read("lease.jwk")).unwrap();
    let key = SigningKey::from_jwk(&key).unwrap();
    let lease = document::issue(Kind::Lease, &claims, &[&key]).unwrap();
    RenewalAnswer { documents: vec![lease, place.read("policy.jws").into_bytes()] }
}

#[test]
fn a_request_goes_by_mail_and_its_answer_comes_back() {
    let place = ledger();
    let ran = on(&place, &["renew", "--write", "request.txt"]).ends(0).says(&["request.txt", "reprieve import"]);
    assert_eq!(ran.out, "");
    let mail = format!("Hello,\r\n{}\r\nJo\r\n", quoted(&place.read("request.txt")));
    let request = RenewalRequest::read(mail.as_bytes()).unwrap();
    assert_eq!(request.licenses, ["L1"]);
    let back = format!("{}{}", quoted(&answer(&place, &request).to_armour()), quoted(&mail));
    place.write("answer.txt", &back);
    let out = on(&place, &["import", "answer.txt"]).ok();
    assert_eq!(out, "answer.txt: a lease: accepted\nanswer.txt: a policy: accepted\n");
    assert!(on(&place, &["check", "cad", "core"]).ok().contains("licensed for 8"), "90 days, and a bit");
    let lines = place.run_with(&["import", "-", "--json", "--app", "reprieve.toml"], back.as_bytes()).ok();
    assert_eq!(lines.lines().count(), 2);

    // To stdout, as to a pipe.
    let text = on(&place, &["renew"]).ok();
    assert!(RenewalRequest::read(text.as_bytes()).is_ok());
    assert!(on(&place, &["import", "request.txt"]).ends(2).says(&["request.txt", "it is the request"]).out.is_empty());
    let cut: String = back.lines().take(3).map(|line| format!("{line}\n")).collect();
    place.write("cut.txt", cut);
    on(&place, &["import", "cut.txt"]).ends(2).says(&["its end is missing"]);
    // One that is of another ledger is refused, and its policy is known already.
    let mut other = request.clone();
    other.chain.ledger = "00112233445566778899aabbccddeeff".into();
    place.write("other.txt", answer(&place, &other).to_armour());
    assert!(on(&place, &["import", "other.txt"]).ends(1).out.contains("refused (wrong_ledger)"));
}

#[test]
fn a_request_needs_a_ledger() {
    let place = vendor();
    on(&place, &["renew"]).ends(2).says(&["there is no ledger"]);
}

/// The code as a terminal shows it, read by a decoder of others.
#[test]
fn a_camera_reads_the_code() {
    let place = ledger();
    let drawn = on(&place, &["renew", "--qr"]).ok();
    let rows: Vec<Vec<char>> = drawn.lines().map(|line| line.chars().collect()).collect();
    let (width, height) = (rows[0].len(), rows.len() * 2);
    assert!(rows.iter().all(|row| row.len() == width), "{drawn}");
    // What is drawn is light.
    let light = |x: usize, y: usize| match rows[y / 2][x] {
        '\u{2588}' => true,
        '\u{2580}' => y.is_multiple_of(2),
        '\u{2584}' => !y.is_multiple_of(2),
        ' ' => false,
        other => panic!("{other:?}"),
    };
    const SCALE: usize = 4;
    let pixel = |x: usize, y: usize| if light(x / SCALE, y / SCALE) { 255 } else { 0 };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width * SCALE, height * SCALE, pixel);
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "{drawn}");
    let (_, text) = grids[0].decode().unwrap();
    assert_eq!(RenewalRequest::read(text.as_bytes()).unwrap().licenses, ["L1"]);
    assert!(width <= 100, "{width} columns");
    println!("{} characters, {width} columns, {} rows", text.len(), rows.len());

    let ran = on(&place, &["renew", "--qr", "--write", "request.txt"]).ends(0);
    assert!(ran.out.contains('\u{2588}') && place.path("request.txt").exists());
}
