//! What strangers do to a server: bytes that are no HTTP, bodies that never end, connections that say nothing, and words that mean something to
//! somebody else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use support::Served;
use tempfile::TempDir;

fn connect(served: &Served) -> TcpStream {
    let stream = TcpStream::connect(served.url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// All that comes until the other side closes.
fn drain(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {}
        Err(error) => panic!("the connection stays open: {error}"),
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn heads_and_bodies_that_come_slowly_are_given_up() {
    let served = Served::start();
    let mut head = connect(&served);
    head.write_all(b"POST /v1/renew HTTP/1.1\r\nHost: x\r\n").unwrap();
    let mut body = connect(&served);
    body.write_all(b"POST /v1/renew HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{").unwrap();
    let begun = Instant::now();
    let drip = std::thread::spawn({
        let (mut head, mut body) = (head.try_clone().unwrap(), body.try_clone().unwrap());
        move || {
            for _ in 0..60 {
                std::thread::sleep(Duration::from_millis(700));
                let told = [head.write_all(b"X-More: 1\r\n").is_ok(), body.write_all(b" ").is_ok()];
                if told == [false, false] {
                    return;
                }
            }
        }
    });
    drain(&mut head);
    drain(&mut body);
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
    drip.join().unwrap();
    assert_eq!(served.get("/livez", &[]).status, 200);
}

#[test]
fn what_is_no_http_is_answered_or_closed_and_serves_on() {
    let served = Served::start();
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(1 << 20));
    let fields = format!("GET /livez HTTP/1.1\r\nHost: x\r\n{}\r\n", "X-A: b\r\n".repeat(20_000));
    let pieces: [&[u8]; 9] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\0\0\0\0\0\0\0\0\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/renew HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/renew HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"POST /v1/renew HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        b"GET /log/tile/0/../../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        long.as_bytes(),
        fields.as_bytes(),
    ];
    for piece in pieces {
        let mut stream = connect(&served);
        // It may be closed before all of it is read.
        let _ = stream.write_all(piece);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let answer = drain(&mut stream);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.") && !answer.contains(" 200 "), "{answer}");
        assert!(!answer.contains("root:"), "{answer}");
    }
    assert_eq!(served.get("/livez", &[]).status, 200);
}

#[test]
fn words_that_mean_something_to_a_database_are_words() {
    let served = Served::start();
    served.licence("L1", 1, &["core"]);
    let machine = TempDir::new().unwrap();
    let client = served.product(machine.path());
    for code in ["' OR '1'='1", "'; DROP TABLE licenses; --", "x\" OR 1=1", "%", "\\", "$1", "L1", "NULL"] {
        let answer = served.ask(&client, Some(code));
        assert_eq!((answer.status, answer.problems()), (200, vec!["unknown_code".to_owned()]), "{code}");
    }
    for path in
        ["/log/proof/'%20OR%201=1", "/log/proof/%00", "/log/proof/0%20UNION%20SELECT%201", "/log/consistency?old='"]
    {
        assert!(matches!(served.get(path, &[]).status, 400 | 404), "{path}");
    }
    assert_eq!(served.run(served.authority.store().licences(None, "", 10)).unwrap().len(), 1);
}

#[test]
fn codes_are_not_guessed_without_end() {
    let served = Served::with(|config| (config.server.failures, config.server.per_ledger) = (5, 1000));
    let code = served.licence("L1", 1, &["core"]);
    let machine = TempDir::new().unwrap();
    let client = served.product(machine.path());
    let statuses: Vec<u16> = (0..8).map(|at| served.ask(&client, Some(&format!("guess-{at}"))).status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429, 429]);
    let tokens: Vec<u16> =
        (0..2).map(|_| served.get("/admin/v1/journal", &[("Authorization", "Bearer guess")]).status).collect();
    assert_eq!(tokens, [429, 429], "tokens count like codes");
    // The right one is no guess.
    assert_eq!(served.renew(&client, Some(&code)).problems(), Vec::<String>::new());
}

#[test]
fn a_document_that_does_not_hold_is_not_published() {
    let served = Served::start();
    let size = || served.run(served.authority.store().log_state()).unwrap().size;
    let before = size();
    let stranger = reprieve::document::SigningKey::generate("notice-1").unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let claims = serde_json::json!({ "id": "m1", "start": now, "end": now + 60, "iat": now });
    let forged = reprieve::document::issue(reprieve::terms::Kind::Notice, &claims, &[&stranger]).unwrap();
    let lease = serde_json::json!({ "license": "L1", "sku": "cad", "features": { "core": now + 60 }, "iat": now, "ledger": "*" });
    let lease = reprieve::document::issue(reprieve::terms::Kind::Lease, &lease, &[&stranger]).unwrap();
    for token in [forged.as_slice(), &lease, b"", b"{}", b"a.b.c"] {
        assert!(served.run(served.authority.publish(token, "mallory", "why not")).is_err());
    }
    let known = served.run(served.authority.store().common(false)).unwrap();
    for one in &known {
        let again = served.run(served.authority.publish(one.token.as_bytes(), "mallory", "again"));
        assert!(again.is_err(), "what was issued before is not issued again");
    }
    assert_eq!(size(), before);
}
