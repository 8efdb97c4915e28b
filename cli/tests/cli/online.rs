//! `reprieve renew --online`: against a server of the test's own, and against none.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use reprieve::renew::RenewalRequest;
use serde_json::json;

use crate::ledgers::ledger;
use crate::renewals::answer;
use crate::support::{Place, Ran, vendor};

fn online(place: &Place, more: &[&str]) -> Ran {
    place.run(&[&["renew", "--online", "--app", "reprieve.toml"], more].concat())
}

/// A request's head and body.
fn request(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let got = stream.read(&mut buffer).unwrap();
        read.extend_from_slice(&buffer[..got]);
        let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(read[..end].to_vec()).unwrap().to_lowercase();
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
        if read.len() >= end + 4 + length {
            return (head, read.split_off(end + 4));
        }
    }
}

/// Names an endpoint in the application file, and answers the one request that comes there.
fn served(
    place: &Place,
    status: &'static str,
    body: impl FnOnce(&RenewalRequest) -> Vec<u8>,
    more: &[&str],
) -> (Ran, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    endpoint(place, listener.local_addr().unwrap().port());
    thread::scope(|scope| {
        let ran = scope.spawn(|| online(place, more));
        let (mut stream, _) = listener.accept().unwrap();
        let (head, asked) = request(&mut stream);
        let body = body(&RenewalRequest::read(&asked).unwrap());
        write!(stream, "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len())
            .unwrap();
        stream.write_all(&body).unwrap();
        (ran.join().unwrap(), head)
    })
}

fn endpoint(place: &Place, port: u16) {
    let app = place.read("reprieve.toml");
    let app: String =
        app.lines().filter(|line| !line.starts_with("endpoints")).map(|line| format!("{line}\n")).collect();
    place.write("reprieve.toml", format!("endpoints = [\"http://127.0.0.1:{port}/renew\"]\n{app}"));
}

#[test]
fn it_renews_now_and_says_how() {
    let place = ledger();
    let (ran, head) = served(&place, "200 OK", |request| answer(&place, request).to_json(), &["--code", "a code"]);
    let out = ran.ok();
    assert!(out.contains(": renewed after ") && out.ends_with("\nrenewed\n"), "{out}");
    assert!(head.contains("\r\nauthorization: bearer a code"), "{head}");
    assert!(
        place.run(&["check", "cad", "core", "--app", "reprieve.toml"]).ok().contains("licensed for 8"),
        "90 days, and a bit"
    );
}

#[test]
fn what_the_server_says_is_shown_and_decides_nothing() {
    let place = ledger();
    let full =
        json!({ "documents": [], "problems": [{ "license": "L1", "problem": "seats_full", "text": "free a seat" }] });
    let (ran, head) = served(&place, "200 OK", |_| full.to_string().into_bytes(), &[]);
    let out = ran.ends(1).out;
    assert!(out.contains("the server says: licence L1: seats_full: free a seat\n"), "{out}");
    assert!(out.contains("not renewed: ") && !head.contains("authorization"), "{out}{head}");
    place.run(&["check", "cad", "core", "--app", "reprieve.toml"]).ok();
    let (ran, _) =
        served(&place, "429 Too Many Requests", |_| b"{\"error\": \"busy\", \"text\": \"ask later\"}".to_vec(), &[]);
    let out = ran.ends(1).out;
    assert!(out.contains("busy: ask later") && out.contains("status 429"), "{out}");
}

#[test]
fn an_outage_is_told_from_a_mistake() {
    let place = ledger();
    online(&place, &[]).ends(2).says(&["no endpoint"]);
    // A port on which nobody listens: it was this test's own until now.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    endpoint(&place, port);
    let out = online(&place, &[]).ends(3).out;
    assert!(out.contains(": refused after ") && out.contains("was not reached"), "{out}");
    online(&place, &["--ca", "nowhere.pem"]).ends(2).says(&["nowhere.pem"]);
    online(&place, &["--qr"]).ends(2).says(&["--qr"]);
    place.run(&["renew", "--app", "reprieve.toml", "--code", "x"]).ends(2).says(&["--online"]);
    let place = vendor();
    endpoint(&place, port);
    online(&place, &[]).ends(2).says(&["there is no ledger"]);
    online(&place, &["--create"]).ends(3);
}
