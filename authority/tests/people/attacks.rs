//! Who has no business here, and what is no request.

use serde_json::{Value, json};

use super::world::{World, now};

#[test]
fn nothing_is_done_without_a_token_that_may() {
    let world = World::new();
    world.license("L1");
    let (_, _, text) = world.http("GET", "/openapi.json", None, None);
    let api: Value = serde_json::from_str(&text).unwrap();
    let wrong = "rpt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    // One at a time: an address that fails often is told to wait.
    let mut asked = 0;
    for (path, methods) in api["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys().filter(|_| path.starts_with("/admin/")) {
            let path: String = path.replace(['{', '}', '*'], "");
            let (status, headers, text) = world.http(&method.to_uppercase(), &path, None, Some(b"{}"));
            assert_eq!(status, 401, "{method} {path}: {text}");
            assert!(headers.contains("Bearer"), "{headers}");
            asked += 1;
        }
    }
    assert!(asked > 30, "{asked} ways in");
    assert_eq!(world.http("GET", "/admin/v1/products", Some(wrong), None).0, 401);
    // Each scope opens its own, and nothing else.
    let reads = world.token("reader", &["read"], "1d");
    for (method, path, body) in [
        ("POST", "/admin/v1/products", json!({ "sku": "x", "name": "x" })),
        ("PATCH", "/admin/v1/license/L1", json!({ "suspended": true, "why": "x" })),
        ("POST", "/admin/v1/seats/free", json!({ "license": "L1", "ledger": "x", "why": "x" })),
        ("POST", "/admin/v1/documents", json!({ "token": "x", "why": "x" })),
        ("POST", "/admin/v1/document/0/reinstate", json!({ "why": "x" })),
        ("POST", "/admin/v1/extensions", json!({ "license": "L1", "lasts": "1d", "why": "x" })),
        ("POST", "/admin/v1/extension/x-0/signatures", json!({ "signature": "x" })),
        ("POST", "/admin/v1/extension/x-0/withdraw", json!({ "why": "x" })),
        ("POST", "/admin/v1/appeals", json!({})),
        ("POST", "/admin/v1/appeal/0/files", json!({ "name": "x", "part": 0, "content": "" })),
        ("POST", "/admin/v1/appeal/0/findings", json!({ "findings": {} })),
        ("POST", "/admin/v1/appeal/0/ruling", json!({ "token": "x", "why": "x" })),
        ("POST", "/admin/v1/appeal/0/turn-down", json!({ "why": "x" })),
        ("POST", "/admin/v1/ledger/x/forget", json!({ "why": "x" })),
        ("POST", "/admin/v1/tokens", json!({ "token": "x", "holder": "x", "scopes": ["read"], "lasts": "1d" })),
        ("POST", "/admin/v1/tokens/reader/revoke", json!({ "why": "x" })),
    ] {
        let (status, text) = world.ask(&reads, method, path, &body).unwrap_err();
        assert!(status == 403 && text.contains("lacks the scope"), "{method} {path}: {status} {text}");
    }
    // Nobody hands out what he has not.
    let tokens = world.token("hr", &["tokens"], "1d");
    let body = json!({ "token": "more", "holder": "hr", "scopes": ["publish"], "lasts": "1d" });
    assert_eq!(world.ask(&tokens, "POST", "/admin/v1/tokens", &body).unwrap_err().0, 403);
}

#[test]
fn a_token_ends_and_is_revoked() {
    let world = World::new();
    let short = world.token("short", &["read"], "2s");
    let began = now();
    assert!(world.ask(&short, "GET", "/admin/v1/products", &Value::Null).is_ok());
    while now() < began + 3 {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let ended = |token: &str| {
        let (status, text) = world.ask(token, "GET", "/admin/v1/products", &Value::Null).unwrap_err();
        assert!(status == 401 && text.contains("ended or was revoked"), "{status} {text}");
    };
    ended(&short);
    let (long, ops) = (world.token("long", &["read"], "1d"), world.token("ops", &["tokens"], "1d"));
    world.there(&ops, &["token", "revoke", "long", "--why", "left the company"]).good();
    ended(&long);
    world.there(&long, &["product", "list"]).bad(1, "ended or was revoked");
    world.there("no-such-token", &["product", "list"]).bad(1, "not known here");
    let list = world.there(&ops, &["token", "list"]).good().out;
    assert!(list.contains("long") && !list.contains("rpt_"), "{list}");
    assert_eq!(world.journal("long"), ["operator token.create", "ops token.revoke"]);
    // Who guesses is told to wait.
    let mut last = 0;
    for at in 0..40 {
        last = world.http("GET", "/admin/v1/products", Some(&format!("rpt_{at}")), None).0;
    }
    assert_eq!(last, 429);
}

/// Each would do something somewhere, if it were not taken for what it is.
const INJECTIONS: [&str; 8] = [
    "'); DROP TABLE licenses; --",
    "' OR '1'='1",
    "x\r\nSet-Cookie: a=b",
    "\u{0}",
    "$1, $2",
    "{\"a\": 1}",
    "\u{1b}[2J",
    "${jndi:ldap://x}",
];

#[test]
fn a_text_is_a_text() {
    let world = World::new();
    world.license("L1");
    let (_, before, _) = world.http("GET", "/admin/v1/products", None, None);
    for text in INJECTIONS {
        for (method, path, body) in [
            ("POST", "/admin/v1/products".to_owned(), json!({ "sku": text, "name": text })),
            ("POST", "/admin/v1/products".to_owned(), json!({ "sku": format!("p{}", text.len()), "name": text })),
            (
                "POST",
                "/admin/v1/licenses".to_owned(),
                json!({ "license": text, "sku": "cad", "customer": text, "seats": 1, "features": { "a": null } }),
            ),
            (
                "POST",
                "/admin/v1/licenses".to_owned(),
                json!({ "license": "L7", "sku": text, "customer": "c", "seats": 1, "features": { text: null } }),
            ),
            ("PATCH", "/admin/v1/license/L1".to_owned(), json!({ "ends": text, "why": text })),
            ("POST", "/admin/v1/seats/free".to_owned(), json!({ "license": text, "ledger": text, "why": "x" })),
            ("POST", "/admin/v1/documents".to_owned(), json!({ "token": text, "why": "x" })),
            ("POST", "/admin/v1/extensions".to_owned(), json!({ "license": text, "lasts": "1d", "why": "x" })),
            ("POST", "/admin/v1/extensions".to_owned(), json!({ "license": "L1", "lasts": text, "why": "x" })),
            (
                "POST",
                "/admin/v1/extensions".to_owned(),
                json!({ "license": "L1", "lasts": "1d", "features": [text], "why": "x" }),
            ),
            (
                "POST",
                "/admin/v1/tokens".to_owned(),
                json!({ "token": text, "holder": text, "scopes": [text], "lasts": text }),
            ),
            (
                "POST",
                "/v1/appeals".to_owned(),
                json!({ "appeal": { "license": text, "text": text }, "ledger": text, "generation": 0, "head": text }),
            ),
        ] {
            let body = body.to_string();
            let token = std::fs::read_to_string(world.dir.path().join("admin-token")).unwrap();
            let (status, headers, answer) = world.http(method, &path, Some(&token), Some(body.as_bytes()));
            assert!((200..500).contains(&status), "{method} {path} {body}: {status} {answer}");
            assert!(!headers.to_lowercase().contains("cookie"), "{headers}");
            assert!(serde_json::from_str::<Value>(&answer).is_ok(), "{path}: {answer}");
        }
        // What may be a text for people is kept as it is, where it steers nothing.
        let good = !text.chars().any(char::is_control);
        let body = json!({ "license": "L1", "lasts": "1d", "why": text });
        let asked = world.admin("POST", "/admin/v1/extensions", &body);
        assert_eq!(asked.is_ok(), good, "{text:?}");
        if good {
            assert_eq!(asked.unwrap()["why"], *text);
        }
        let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for path in [
            format!("/admin/v1/licenses?customer={encoded}&after={encoded}"),
            format!("/admin/v1/extension/{encoded}"),
            format!("/admin/v1/appeal/{encoded}"),
            format!("/admin/v1/extensions?state={encoded}"),
            format!("/admin/v1/journal?limit={encoded}"),
        ] {
            let status = world.admin("GET", &path, &Value::Null).map_or_else(|(status, _)| status, |_| 200);
            assert!(matches!(status, 200 | 400 | 404), "{path}: {status}");
        }
    }
    assert_eq!(world.admin("GET", "/admin/v1/license/L1", &Value::Null).unwrap()["license"], "L1");
    let (_, after, _) = world.http("GET", "/admin/v1/products", None, None);
    assert_eq!(before.matches(':').count(), after.matches(':').count());
    // What a customer wrote steers no terminal.
    let body = json!({ "sku": "cad2", "name": "a\u{202e}b" });
    world.admin("POST", "/admin/v1/products", &body).unwrap();
    let shown = world.there(&world.token("r", &["read"], "1d"), &["product", "list"]).good().out;
    assert!(shown.contains("\\u{202e}"), "{shown}");
}

#[test]
fn what_is_no_json_is_answered_in_our_own_form() {
    let world = World::new();
    world.license("L1");
    let token = std::fs::read_to_string(world.dir.path().join("admin-token")).unwrap();
    let license = "/admin/v1/licenses";
    for (path, body, word) in [
        (license, "", "the body: EOF"),
        (license, "[]", "the body"),
        (
            license,
            "{\"license\":\"L2\",\"sku\":\"cad\",\"customer\":\"c\",\"seats\":\"many\",\"features\":{}}",
            "`seats`",
        ),
        (license, "{\"license\":\"L2\",\"sku\":\"cad\",\"customer\":\"c\",\"seats\":-1,\"features\":{}}", "`seats`"),
        (
            license,
            "{\"license\":\"L2\",\"sku\":\"cad\",\"customer\":\"c\",\"seats\":1,\"features\":{\"a\":7}}",
            "`features.a`",
        ),
        (license, "{\"license\":\"L2\",\"seats\":1}", "missing field"),
        (license, "{\"colour\":1}", "unknown field `colour`"),
        ("/admin/v1/extensions", "{\"license\":\"L1\",\"features\":[1],\"why\":\"x\"}", "`features[0]`"),
        ("/admin/v1/policy/dry-run", "{\"policy\":{\"schema\":1}}", "`policy`"),
        ("/v1/appeals", "{\"appeal\":{\"license\":7,\"text\":\"x\"}}", "`appeal.license`"),
    ] {
        let (status, _, text) = world.http("POST", path, Some(&token), Some(body.as_bytes()));
        let says: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{path} {body}: {text}"));
        assert_eq!((status, &says["error"]), (400, &json!("bad_request")), "{path} {body}: {text}");
        assert!(says["text"].as_str().unwrap().contains(word), "{path} {body}: {text}");
    }
    let (status, _, text) = world.http("GET", "/admin/v1/licenses?limit=x", Some(&token), None);
    assert!(status == 400 && text.contains("bad_request"), "{text}");
    let large = format!("{{\"license\":\"{}\"}}", "x".repeat(1 << 20));
    let (status, _, text) = world.http("POST", license, Some(&token), Some(large.as_bytes()));
    assert!(status == 400 && text.contains("bad_request"), "{status} {text}");
    // Who sends much from one address is told to wait, whatever it is.
    let mut last = (0, String::new(), String::new());
    for _ in 0..30 {
        last = world.http("POST", "/v1/appeals", None, Some(b"{}"));
    }
    assert!(last.0 == 429 && last.1.contains("retry-after"), "{last:?}");
}
