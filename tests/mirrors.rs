//! What is the same for all, from whoever serves it; and the probe that finds that the network is back: real sockets, the real driver.

#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod vendor;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reprieve::client::Client;
use reprieve::http::{Options, Renewing};
use reprieve::renew::{Endpoint, RenewalAnswer, Settings};
use reprieve::terms::{Kind, Outage};
use reprieve::time::Span;
use serde_json::{Value, json};
use tempfile::TempDir;
use vendor::{Vendor, now};

/// A web server: what it answers, and the requests that came, head and body.
#[derive(Clone)]
struct Server {
    url: String,
    answer: Arc<Mutex<Option<Vec<u8>>>>,
    seen: Arc<Mutex<Vec<String>>>,
    vendor: Option<Arc<Vendor>>,
}

impl Server {
    /// None: it accepts connections, and says nothing.
    fn start(answer: Option<Vec<u8>>, vendor: Option<Arc<Vendor>>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Server { url, answer: Arc::new(Mutex::new(answer)), seen: Arc::default(), vendor };
        let own = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let own = own.clone();
                std::thread::spawn(move || own.serve(stream));
            }
        });
        server
    }

    fn serve(&self, mut stream: TcpStream) {
        let (mut bytes, mut one) = (Vec::new(), [0; 1]);
        while !bytes.ends_with(b"\r\n\r\n") {
            if stream.read(&mut one).unwrap_or(0) == 0 {
                return;
            }
            bytes.push(one[0]);
        }
        let head = String::from_utf8_lossy(&bytes).into_owned();
        let length =
            head.to_ascii_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body).unwrap();
        self.seen.lock().unwrap().push(head.clone());
        let Some(mut answer) = self.answer.lock().unwrap().clone() else {
            std::thread::sleep(Duration::from_secs(20));
            return;
        };
        if let (Some(vendor), true) = (&self.vendor, head.starts_with("POST")) {
            let request: Value = serde_json::from_slice(&body).unwrap();
            let claims = json!({
                "license": "L1", "sku": "cad", "ledger": request["ledger"], "nonce": request["nonce"],
                "features": { "core": now() + 86_400 },
            });
            answer =
                page("200 OK", "", &RenewalAnswer { documents: vec![vendor.issue(Kind::Lease, claims)] }.to_json());
        }
        if head.to_ascii_lowercase().contains("if-none-match: \"7\"") {
            answer = page("304 Not Modified", "ETag: \"7\"\r\n", b"");
        }
        let _ = stream.write_all(&answer);
    }

    fn says(&self, answer: Vec<u8>) {
        *self.answer.lock().unwrap() = Some(answer);
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn page(status: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{fields}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn options() -> Options {
    let headers = vec![("Authorization".to_owned(), "Bearer of-the-customer".to_owned())];
    Options { proxy: Some(String::new()), headers, ..Options::default() }
}

fn until(what: &str, client: &Client, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(40), "{what}: {:?}", client.diagnostics());
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn said(client: &Client, text: &str) -> bool {
    client.diagnostics().iter().any(|one| one.text.contains(text))
}

fn records(client: &Client) -> u64 {
    client.status("cad").unwrap().records
}

fn notice(vendor: &Vendor) -> Vec<u8> {
    vendor.issue(Kind::Notice, json!({ "id": "n1", "start": now() - 60, "end": now() + 3600 }))
}

#[test]
fn what_is_the_same_for_all_comes_from_a_mirror_and_nothing_else() {
    let mut vendor = Vendor::new();
    vendor.rotate(1, json!([]));
    let (notice, policy) = (notice(&vendor), vendor.policy(1));
    let mut newer = Vendor::new();
    newer.rotate(2, json!([]));
    let stranger = {
        let mut stranger = Vendor::new();
        stranger.keys =
            stranger.keys.iter().map(|key| reprieve::document::SigningKey::generate(key.kid()).unwrap()).collect();
        stranger.policy(9)
    };
    let file = RenewalAnswer {
        documents: vec![
            b"nonsense".to_vec(),
            stranger,
            vendor.lease(3600),
            policy.clone(),
            notice.clone(),
            newer.app.keys.clone().unwrap(),
        ],
    };
    let mirror = Server::start(Some(page("200 OK", "ETag: \"7\"\r\n", &file.to_json())), None);
    vendor.app.mirrors = vec![format!("{}/acme/", mirror.url)];
    let folder = TempDir::new().unwrap();
    let client = vendor.client(folder.path());
    let before = records(&client);
    let renewing = Renewing::start(&client, Settings::default(), &options()).unwrap();
    until("fetched", &client, || said(&client, "/acme/v1/common.json: fetched, 3 new"));
    renewing.stop();
    // A policy, a notice and keys; the stranger's and the nonsense left no trace, and the lease none either.
    assert_eq!(records(&client) - before, 3);
    assert_eq!(client.check("cad", "core").access.as_str(), "denied");
    for token in [&policy, &notice, newer.app.keys.as_ref().unwrap()] {
        assert!(client.import(token).unwrap().known);
    }
    let head = mirror.seen()[0].clone();
    assert!(head.starts_with("GET /acme/v1/common.json HTTP/1.1\r\n"), "{head}");
    assert!(!head.contains("of-the-customer"), "a mirror learns nothing of the customer: {head}");

    // The next product on the ledger knows what this one has: nothing is asked for hours.
    let other = vendor.client(folder.path());
    let renewing = Renewing::start(&other, Settings::default(), &options()).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    renewing.stop();
    assert_eq!(mirror.seen().len(), 1);
    // Where its time has come, only what has changed is sent.
    let side = folder.path().join("ledger").join("acme.side-renewal");
    let mut kept: Value = serde_json::from_slice(&std::fs::read(&side).unwrap()).unwrap();
    assert_eq!(kept["learned"]["looks"]["etags"].as_object().unwrap().len(), 1, "{kept}");
    kept["learned"]["looks"]["get_at"] = Value::Null;
    std::fs::write(&side, kept.to_string()).unwrap();
    let renewing = Renewing::start(&other, Settings::default(), &options()).unwrap();
    until("unchanged", &other, || said(&other, "common.json: unchanged"));
    renewing.stop();
    assert!(mirror.seen()[1].to_ascii_lowercase().contains("if-none-match: \"7\"\r\n"));
    // A ledger that has fewer records than when the mirror was asked was put back: it is given all of it again.
    kept["records"] = json!(1u64 << 40);
    std::fs::write(&side, kept.to_string()).unwrap();
    let renewing = Renewing::start(&other, Settings::default(), &options()).unwrap();
    until("asked again", &other, || mirror.seen().len() > 2);
    renewing.stop();
    assert!(!mirror.seen()[2].to_ascii_lowercase().contains("if-none-match"));
}

/// The mirror has the policy and a notice, and the authority is down: the one is no evidence about the other.
#[test]
fn a_mirror_is_no_evidence_about_the_authority() {
    for (mirror, authority, reported) in [
        (page("200 OK", "", b"{\"documents\": []}"), page("503 Such", "", b""), Some(Outage::Server)),
        (page("500 Such", "", b"gone"), Vec::new(), None),
        (page("200 OK", "", b"<html>Welcome to our hotel</html>"), Vec::new(), None),
        (page("200 OK", "", b"{\"documents\": [\"a forgery\"]}"), Vec::new(), None),
        (page("302 Such", "Location: http://127.0.0.1:9/\r\n", b""), Vec::new(), None),
    ] {
        let mut vendor = Vendor::new();
        let mirror = Server::start(Some(mirror), None);
        let vendor_again = Arc::new(Vendor::new());
        let works = authority.is_empty();
        let authority = Server::start(Some(authority), works.then_some(vendor_again));
        vendor.app.mirrors = vec![mirror.url.clone()];
        vendor.app.endpoints = vec![Endpoint::new(format!("{}/renew", authority.url))];
        let folder = TempDir::new().unwrap();
        let client = vendor.client(folder.path());
        let renewing = Renewing::start(&client, Settings::default(), &options()).unwrap();
        until("both ended", &client, || {
            said(&client, "/renew: ") && said(&client, "/v1/common.json: ") && !mirror.seen().is_empty()
        });
        renewing.stop();
        let told = [Outage::Network, Outage::Server].into_iter().find(|outage| !client.report(*outage).unwrap());
        assert_eq!(told, reported, "{:?}", client.diagnostics());
        assert_eq!(client.check("cad", "core").allowed(), works);
    }
}

/// A mirror that serves, again and again, what the ledger refuses has it recorded once.
#[test]
fn what_a_mirror_was_refused_is_not_recorded_again() {
    let vendor = Vendor::new();
    let folder = TempDir::new().unwrap();
    let client = vendor.client(folder.path());
    client.import(&vendor.policy(5)).unwrap();
    let file = RenewalAnswer { documents: (1..5).map(|version| vendor.policy(version)).collect() }.to_json();
    let mut skip = Default::default();
    let before = records(&client);
    for round in 0..5 {
        let answers = client.renew_common(&file, &mut skip).unwrap().unwrap();
        assert_eq!(answers.len(), if round == 0 { 4 } else { 0 });
        assert!(records(&client) - before <= 4);
    }
    for odd in [&b""[..], b"<html>", b"[]", b"{}", b"{\"documents\": 7}", b"{\"documents\": [\"x\", 7]}"] {
        assert_eq!(client.renew_common(odd, &mut skip).unwrap(), None, "{}", String::from_utf8_lossy(odd));
    }
    assert_eq!(client.renew_common(b"{\"documents\": []}", &mut skip).unwrap(), Some(vec![]));
}

/// The server is a black hole, and comes back: a probe finds it long before the pause is over.
#[test]
fn a_probe_finds_the_authority_again() {
    let mut vendor = Vendor::new();
    let authority = Server::start(None, Some(Arc::new(Vendor::new())));
    vendor.app.endpoints = vec![Endpoint::new(format!("{}/renew", authority.url))];
    let folder = TempDir::new().unwrap();
    let client = vendor.client(folder.path());
    let hours = Span::seconds(40_000);
    let settings = Settings { timeout: Span::seconds(1), pause: hours, pause_most: hours, ..Settings::default() };
    let renewing = Renewing::start(&client, settings, &options()).unwrap();
    until("the round failed", &client, || said(&client, "/renew: timed_out"));
    assert!(!client.report(Outage::Network).unwrap(), "it was reported");
    authority.says(page("405 Such", "", b""));
    let begun = Instant::now();
    until("renewed", &client, || client.check("cad", "core").allowed());
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    renewing.stop();
    let methods: Vec<String> = authority.seen().iter().map(|head| head.split(' ').next().unwrap().to_owned()).collect();
    assert!(methods.first().unwrap() == "POST" && methods.last().unwrap() == "POST", "{methods:?}");
    assert!(methods[1..methods.len() - 1].iter().all(|method| method == "HEAD") && methods.len() > 2, "{methods:?}");
    assert!(said(&client, "/renew: reached"));
}

/// A `keys` document names mirrors, and what it says that is no URL is passed over.
#[test]
fn a_keys_document_names_mirrors() {
    let mut vendor = Vendor::new();
    let file = |vendor: &Vendor| page("200 OK", "", &RenewalAnswer { documents: vec![vendor.policy(1)] }.to_json());
    let named = Server::start(Some(file(&vendor)), None);
    let document = reprieve::document::Keys {
        version: 2,
        keys: reprieve::document::TrustStore::new(vec![]).keys().to_vec(),
        roots: vec![vendor.root.root_key()],
        endpoints: Vec::new(),
        mirrors: vec![named.url.clone()],
        iat: reprieve::time::Instant::from_seconds(1_700_000_000),
    };
    let mut claims = document.claims();
    assert_eq!(claims["mirrors"], json!([named.url]));
    let entries: Value = {
        let token = vendor.app.keys.clone().unwrap();
        reprieve::document::inspect(&token).unwrap().payload["keys"].clone()
    };
    claims["keys"] = entries;
    claims["mirrors"] = json!([7, "gopher://x", named.url, null]);
    let keys = reprieve::document::issue(Kind::Keys, &claims, &[&vendor.root]).unwrap();
    vendor.app.mirrors = vec!["http://127.0.0.1:9".into()];
    let folder = TempDir::new().unwrap();
    let client = vendor.client(folder.path());
    assert!(client.import(&keys).unwrap().accepted);
    let renewing = Renewing::start(&client, Settings::default(), &options()).unwrap();
    until("fetched", &client, || said(&client, "common.json: fetched, 1 new"));
    renewing.stop();
    assert_eq!(named.seen().len(), 1);
}
