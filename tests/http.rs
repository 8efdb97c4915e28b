//! What a failure is evidence of (rule G1), row by row, against real servers that do just that: real sockets, real TLS, the real driver.

#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod vendor;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use reprieve::client::Client;
use reprieve::http::{Http, Options, Renewing};
use reprieve::renew::{Endpoint, Failure, MAX_ANSWER, Outcome, Settings};
use reprieve::terms::{Kind, Outage};
use reprieve::time::Span;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tempfile::TempDir;
use vendor::{Vendor, now};

/// A certificate authority of the test's, and what it has signed.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

enum Certificate {
    Good,
    WrongName,
    Expired,
    /// To a client whose clock is years behind, every certificate looks like this.
    NotYet,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Authority { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    fn options(&self) -> Options {
        Options { roots: Some(self.issuer.pem().into_bytes()), proxy: Some(String::new()), ..Options::default() }
    }

    fn tls(&self, certificate: &Certificate) -> Arc<rustls::ServerConfig> {
        self.tls_for(
            if matches!(certificate, Certificate::WrongName) { "other.example" } else { "localhost" },
            certificate,
        )
    }

    /// With a certificate for one name, or address.
    fn tls_for(&self, name: &str, certificate: &Certificate) -> Arc<rustls::ServerConfig> {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        match certificate {
            Certificate::Expired => {
                params.not_before = rcgen::date_time_ymd(2020, 1, 1);
                params.not_after = rcgen::date_time_ymd(2021, 1, 1);
            }
            Certificate::NotYet => params.not_before = rcgen::date_time_ymd(4000, 1, 1),
            Certificate::Good | Certificate::WrongName => {}
        }
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![signed.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap();
        Arc::new(config)
    }
}

/// What a server does with a connection, once it has read the request whose body is given.
type Behaviour = Arc<dyn Fn(&mut dyn Stream, &[u8]) + Send + Sync>;

trait Stream: Read + Write {
    fn tcp(&self) -> &TcpStream;
}

impl Stream for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Stream for rustls::StreamOwned<rustls::ServerConnection, TcpStream> {
    fn tcp(&self) -> &TcpStream {
        &self.sock
    }
}

/// Reads a request; gives its body.
fn request(stream: &mut dyn Stream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut one = [0; 1];
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut one).ok()? == 0 {
            return None;
        }
        bytes.push(one[0]);
    }
    let head = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
    assert!(head.starts_with("post /renew "), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(body)
}

/// A server on a port of its own, for as long as the test runs.
fn serve(tls: Option<Arc<rustls::ServerConfig>>, behaviour: Behaviour) -> String {
    serve_at(TcpListener::bind("127.0.0.1:0").unwrap(), "localhost", tls, behaviour)
}

fn serve_at(listener: TcpListener, host: &str, tls: Option<Arc<rustls::ServerConfig>>, behaviour: Behaviour) -> String {
    let port = listener.local_addr().unwrap().port();
    let scheme = if tls.is_some() { "https" } else { "http" };
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(stream), tls, behaviour) = (stream, tls.clone(), behaviour.clone()) else { return };
            std::thread::spawn(move || {
                let mut stream: Box<dyn Stream> = match tls {
                    Some(tls) => {
                        let connection = rustls::ServerConnection::new(tls).unwrap();
                        Box::new(rustls::StreamOwned::new(connection, stream))
                    }
                    None => Box::new(stream),
                };
                if let Some(body) = request(&mut *stream) {
                    behaviour(&mut *stream, &body);
                }
            });
        }
    });
    format!("{scheme}://{host}:{port}/renew")
}

/// A server that speaks plain HTTP where TLS is asked for.
fn without_tls() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    format!("https://localhost:{port}/renew")
}

fn answers(status: u16, fields: &'static str, body: &'static [u8]) -> Behaviour {
    Arc::new(move |stream, _| write_answer(stream, status, fields, body))
}

fn write_answer(stream: &mut dyn Stream, status: u16, fields: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {status} Such\r\n{fields}Content-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    stream.flush().unwrap();
}

/// Bytes as they are, and then the end of the connection.
fn says(bytes: &'static [u8]) -> Behaviour {
    Arc::new(move |stream, _| {
        stream.write_all(bytes).unwrap();
        stream.flush().unwrap();
    })
}

fn silent() -> Behaviour {
    Arc::new(|_, _| std::thread::sleep(Duration::from_secs(30)))
}

/// A reset in the middle of the answer.
fn resets() -> Behaviour {
    Arc::new(|stream, _| {
        stream.write_all(b"HTTP/1.1 200 Such\r\nContent-Length: 1000\r\n\r\nhalf").unwrap();
        stream.flush().unwrap();
        std::thread::sleep(Duration::from_millis(50));
        let off = rustix::net::sockopt::set_socket_linger(stream.tcp(), Some(Duration::ZERO));
        off.unwrap();
    })
}

/// One byte every tenth of a second, after this, for longer than any test waits: no single read is late.
fn drips(begin: &'static [u8]) -> Behaviour {
    Arc::new(move |stream, _| {
        let mut drop = stream.write_all(begin);
        for _ in 0..300 {
            drop = drop.and_then(|()| stream.write_all(b"x")).and_then(|()| stream.flush());
            if drop.is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    })
}

/// A head of so many fields.
fn fields(count: usize) -> Behaviour {
    Arc::new(move |stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 200 Such\r\n");
        for n in 0..count {
            if stream.write_all(format!("X-{n}: {n}\r\n").as_bytes()).is_err() {
                return;
            }
        }
        let _ = stream.write_all(b"Content-Length: 0\r\n\r\n").and_then(|()| stream.flush());
    })
}

fn endless() -> Behaviour {
    Arc::new(|stream, _| {
        stream.write_all(b"HTTP/1.1 200 Such\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        let chunk = [b' '; 0x10000];
        loop {
            let sent = stream
                .write_all(b"10000\r\n")
                .and_then(|()| stream.write_all(&chunk))
                .and_then(|()| stream.write_all(b"\r\n"));
            if sent.is_err() {
                return;
            }
        }
    })
}

/// Leases, after something was changed in the request that they answer.
fn leases(vendor: &Arc<Vendor>, change: fn(&mut Value)) -> Behaviour {
    let vendor = vendor.clone();
    Arc::new(move |stream, body| {
        let mut request: Value = serde_json::from_slice(body).unwrap();
        change(&mut request);
        let claims = json!({
            "license": "L1", "sku": "cad", "ledger": request["ledger"], "nonce": request["nonce"],
            "features": { "core": now() + 86_400 },
        });
        let token = String::from_utf8(vendor.issue(Kind::Lease, claims)).unwrap();
        let answer = json!({ "documents": [token] }).to_string();
        write_answer(stream, 200, "Content-Type: application/json\r\n", answer.as_bytes());
    })
}

fn settings() -> Settings {
    // In Wine all of the table at once waits for one server of Wine's, without optimisation.
    let seconds = if cfg!(windows) { 10 } else { 2 };
    Settings { timeout: Span::seconds(seconds), ..Settings::default() }
}

struct Seen {
    /// The diagnostics' word for what happened.
    ended: String,
    /// What was reported.
    reported: Option<Outage>,
    licensed: bool,
}

/// Renews once, from one server.
fn renew(url: &str, options: &Options) -> Seen {
    let folder = TempDir::new().unwrap();
    let mut vendor = Vendor::new();
    vendor.app.endpoints = vec![Endpoint::new(url)];
    let client = vendor.client(folder.path());
    let renewing = Renewing::start(&client, settings(), options).unwrap();
    let ended = wait_for(&client, url);
    renewing.stop();
    // A kind that was reported already is no news.
    let reported = [Outage::Network, Outage::Server].into_iter().find(|outage| !client.report(*outage).unwrap());
    Seen { ended, reported, licensed: client.check("cad", "core").allowed() }
}

fn wait_for(client: &Client, url: &str) -> String {
    let (begin, prefix) = (Instant::now(), format!("renewal: {url}: "));
    while begin.elapsed() < Duration::from_secs(40) {
        for diagnostic in client.diagnostics() {
            if let Some(rest) = diagnostic.text.strip_prefix(&prefix) {
                return rest.split(" after ").next().unwrap().to_owned();
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("nothing came of {url}: {:?}", client.diagnostics());
}

#[test]
fn the_table() {
    use Certificate::{Expired, Good, NotYet, WrongName};
    use Outage::{Network, Server};
    let authority = Authority::new();
    let vendor = Arc::new(Vendor::new());
    let page: &[u8] = b"<html>Welcome to our hotel</html>";
    let tls = |certificate: Certificate, behaviour: Behaviour| serve(Some(authority.tls(&certificate)), behaviour);
    let plain = |behaviour: Behaviour| serve(None, behaviour);
    let refused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();

    let rows: Vec<(&str, String, &str, Option<Outage>)> = vec![
        ("no DNS", "https://no-such-host.invalid/renew".into(), "no_dns", Some(Network)),
        ("no route", "https://255.255.255.255/renew".into(), "no_route", Some(Network)),
        ("a black hole", tls(Good, silent()), "timed_out", Some(Network)),
        ("refused", format!("https://localhost:{refused}/renew"), "refused", Some(Server)),
        ("reset in the middle", plain(resets()), "reset", Some(Server)),
        ("closed without a word", tls(Good, says(b"")), "reset", Some(Server)),
        ("TLS for another name", tls(WrongName, answers(200, "", page)), "certificate", Some(Network)),
        ("TLS that has expired", tls(Expired, answers(200, "", page)), "certificate", Some(Network)),
        ("TLS, and a clock that is wrong", tls(NotYet, answers(200, "", page)), "certificate", Some(Network)),
        ("no TLS where TLS is asked for", without_tls(), "tls", Some(Network)),
        (
            "a captive portal redirects",
            plain(answers(302, "Location: http://localhost:9/login\r\n", b"")),
            "status 302",
            Some(Network),
        ),
        (
            "a captive portal's page",
            plain(answers(200, "Content-Type: text/html\r\n", page)),
            "status 200",
            Some(Network),
        ),
        ("a captive portal that says so", plain(answers(511, "", page)), "status 511", Some(Network)),
        (
            "a redirect by the authority",
            tls(Good, answers(302, "Location: http://localhost:9/login\r\n", b"")),
            "status 302",
            Some(Server),
        ),
        ("a page by the authority", tls(Good, answers(200, "", page)), "status 200", Some(Server)),
        ("404 with a body", tls(Good, answers(404, "", page)), "status 404", Some(Server)),
        ("403 without", tls(Good, answers(403, "", b"")), "status 403", Some(Server)),
        ("500 with a body", tls(Good, answers(500, "", page)), "status 500", Some(Server)),
        ("503 without", tls(Good, answers(503, "", b"")), "status 503", Some(Server)),
        ("502 over plain HTTP", plain(answers(502, "", page)), "status 502", Some(Server)),
        ("429", tls(Good, answers(429, "Retry-After: 60\r\n", b"")), "status 429", Some(Server)),
        ("an empty answer", tls(Good, answers(200, "", b"")), "status 200", Some(Server)),
        ("an endless body", plain(endless()), "too_long", Some(Network)),
        ("an endless body by the authority", tls(Good, endless()), "too_long", Some(Server)),
        (
            "a body that drips",
            tls(Good, drips(b"HTTP/1.1 200 Such\r\nContent-Length: 4000\r\n\r\n")),
            "timed_out",
            Some(Network),
        ),
        ("a head that drips", tls(Good, drips(b"HTTP/1.1 200 Such\r\nX-Drip: ")), "timed_out", Some(Network)),
        ("100,000 fields", plain(fields(100_000)), "protocol", Some(Network)),
        ("half a body", tls(Good, says(b"HTTP/1.1 200 Such\r\nContent-Length: 99\r\n\r\nhalf")), "reset", Some(Server)),
        ("no HTTP", tls(Good, says(b"SSH-2.0-OpenSSH_9\r\n\r\n\r\n")), "protocol", Some(Server)),
        ("JSON that is no answer", tls(Good, answers(200, "", br#"{"error": "no seat"}"#)), "status 200", Some(Server)),
        ("documents that are no list", tls(Good, answers(200, "", br#"{"documents": 7}"#)), "status 200", Some(Server)),
        ("an error of the library's own", "https://local host/renew".into(), "local", None),
        (
            "a good document for another ledger",
            tls(Good, leases(&vendor, |request| request["ledger"] = json!("AAAAAAAAAAAAAAAAAAAAAA"))),
            "answered: wrong_ledger",
            None,
        ),
        (
            "an answer to another nonce",
            tls(Good, leases(&vendor, |request| request["nonce"] = json!("another"))),
            "renewed",
            None,
        ),
        ("an answer", tls(Good, leases(&vendor, |_| ())), "renewed", None),
        ("an answer over plain HTTP", plain(leases(&vendor, |_| ())), "renewed", None),
    ];
    let options = authority.options();
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let rows: Vec<_> = rows.iter().map(|row| (row, scope.spawn(|| renew(&row.1, &options)))).collect();
        rows.into_iter()
            .filter_map(|((name, _, ended, reported), seen)| {
                let seen = seen.join().unwrap();
                let right = (seen.ended.as_str(), seen.reported) == (*ended, *reported)
                    && seen.licensed == (*ended == "renewed");
                (!right).then(|| format!("{name}: {} and {:?}, licensed: {}", seen.ended, seen.reported, seen.licensed))
            })
            .collect()
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn stopping_does_not_wait_for_the_network() {
    let folder = TempDir::new().unwrap();
    let mut vendor = Vendor::new();
    vendor.app.endpoints = vec![Endpoint::new(serve(None, silent()))];
    let client = vendor.client(folder.path());
    let options = Options { proxy: Some(String::new()), ..Options::default() };
    let renewing = Renewing::start(&client, Settings { timeout: Span::seconds(30), ..settings() }, &options).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let begin = Instant::now();
    renewing.stop();
    client.close().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

#[test]
fn a_region_is_lost_and_nobody_notices() {
    let authority = Authority::new();
    let vendor = Arc::new(Vendor::new());
    let good = serve(Some(authority.tls(&Certificate::Good)), leases(&vendor, |_| ()));
    let dead = serve(Some(authority.tls(&Certificate::Good)), silent());
    let folder = TempDir::new().unwrap();
    let mut own = Vendor::new();
    own.app.endpoints = vec![
        Endpoint { region: Some("eu".into()), ..Endpoint::new(dead) },
        Endpoint { priority: 2, region: Some("us".into()), ..Endpoint::new(good.clone()) },
    ];
    let client = own.client(folder.path());
    let begin = Instant::now();
    let hedged = Settings { timeout: Span::seconds(30), hedge: Span::seconds(1), ..settings() };
    let renewing = Renewing::start(&client, hedged, &authority.options()).unwrap();
    assert_eq!(wait_for(&client, &good), "renewed");
    assert!(begin.elapsed() < Duration::from_secs(20), "hedged, not after the time-out of the first");
    renewing.stop();
    assert!(client.check("cad", "core").allowed());
    assert!(client.report(Outage::Network).unwrap() && client.report(Outage::Server).unwrap(), "nothing was reported");
}

#[test]
fn a_proxy_that_is_not_there_is_the_customers_network() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let options = Options { proxy: Some(format!("http://127.0.0.1:{port}")), ..Options::default() };
    let outcome = Http::new(&options).unwrap().post("https://licences.example/renew", b"{}", Duration::from_secs(5));
    assert_eq!(outcome, Outcome::Failed(Failure::NoRoute));
}

#[test]
fn options_that_cannot_be_are_refused_by_name_and_headers_are_sent_and_not_printed() {
    let wrong = [
        (Options { roots: Some(b"nonsense".to_vec()), ..Options::default() }, "roots"),
        (Options { proxy: Some("::".into()), ..Options::default() }, "proxy"),
        (Options { headers: vec![("a b".into(), "x".into())], ..Options::default() }, "headers"),
        (Options { headers: vec![("A".into(), "x\r\nB: y".into())], ..Options::default() }, "headers"),
    ];
    for (options, named) in wrong {
        let error = Http::new(&options).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
    let options = Options {
        headers: vec![("Authorization".into(), "Bearer s3cret".into())],
        proxy: Some(String::new()),
        ..Options::default()
    };
    assert!(!format!("{options:?} {:?}", Http::new(&options).unwrap()).contains("s3cret"));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/renew", listener.local_addr().unwrap());
    let seen = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = vec![0; 4096];
        let got = stream.read(&mut head).unwrap();
        String::from_utf8_lossy(&head[..got]).into_owned()
    });
    let _ = Http::new(&options).unwrap().post(&url, b"{}", Duration::from_secs(2));
    let head = seen.join().unwrap().to_ascii_lowercase();
    assert!(head.contains("authorization: bearer s3cret\r\n") && head.contains("user-agent: reprieve/"), "{head}");
}

#[test]
fn an_answer_of_the_greatest_length_is_whole() {
    let url = serve(None, Arc::new(|stream, _| write_answer(stream, 200, "", &vec![b'x'; MAX_ANSWER])));
    let options = Options { proxy: Some(String::new()), ..Options::default() };
    match Http::new(&options).unwrap().post(&url, b"{}", Duration::from_secs(20)) {
        Outcome::Answer(answer) => assert_eq!(answer.body.len(), MAX_ANSWER),
        other => panic!("{other:?}"),
    }
}

/// A name's several addresses, of which one says nothing or refuses, are rows of the table of all drivers: tests/renewing.
#[test]
fn an_endpoint_may_be_a_literal_address_and_the_certificate_is_for_it() {
    let (authority, vendor) = (Authority::new(), Arc::new(Vendor::new()));
    for (address, host) in [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")] {
        let listen = || TcpListener::bind((address, 0));
        if let Err(error) = listen() {
            println!("not run: a literal address {host}: {error}");
            continue;
        }
        let of = |name: &str| {
            let tls = authority.tls_for(name, &Certificate::Good);
            renew(&serve_at(listen().unwrap(), host, Some(tls), leases(&vendor, |_| ())), &authority.options())
        };
        let seen = of(address);
        assert_eq!((seen.ended.as_str(), seen.reported, seen.licensed), ("renewed", None, true), "{host}");
        let seen = of("localhost");
        assert_eq!((seen.ended.as_str(), seen.reported), ("certificate", Some(Outage::Network)), "{host}");
    }
}

#[test]
fn of_two_names_for_one_authority_the_one_in_its_certificate_is_believed() {
    let (authority, vendor) = (Authority::new(), Arc::new(Vendor::new()));
    let named = serve(Some(authority.tls(&Certificate::Good)), leases(&vendor, |_| ()));
    let unnamed = named.replace("localhost", "127.0.0.1");
    let folder = TempDir::new().unwrap();
    let mut own = Vendor::new();
    own.app.endpoints = vec![Endpoint::new(unnamed.clone()), Endpoint { priority: 2, ..Endpoint::new(named.clone()) }];
    let client = own.client(folder.path());
    let renewing = Renewing::start(&client, settings(), &authority.options()).unwrap();
    assert_eq!(wait_for(&client, &unnamed), "certificate");
    assert_eq!(wait_for(&client, &named), "renewed");
    renewing.stop();
    assert!(client.check("cad", "core").allowed());
    assert!(client.report(Outage::Network).unwrap(), "nothing was reported: another way led there");
}
