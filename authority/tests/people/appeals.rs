//! Appeals: from the customer's words to a ruling in his ledger.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reprieve::client::Client;
use serde_json::{Value, json};
use x25519_dalek::{X25519_BASEPOINT_BYTES, x25519};

use super::world::{Forger, World, kinds, now};

const SECRET: [u8; 32] = [7; 32];

/// One whose products make ledgers that the vendor's audit key opens.
pub fn world() -> World {
    World::with(|folder| {
        // So that what is told to wait is told so for the number of its appeals.
        let settings = std::fs::read_to_string(folder.join("authority.toml")).unwrap();
        let settings = settings.replace("[server]\n", "[server]\nper_ledger = 1000\n");
        std::fs::write(folder.join("authority.toml"), settings).unwrap();
        let app = folder.join("reprieve.toml");
        let text = std::fs::read_to_string(&app).unwrap();
        let public = URL_SAFE_NO_PAD.encode(x25519(SECRET, X25519_BASEPOINT_BYTES));
        std::fs::write(app, format!("{text}audit_key = \"{public}\"\n")).unwrap();
        for (name, secret) in [("audit.jwk", SECRET), ("other.jwk", [9; 32])] {
            let x = URL_SAFE_NO_PAD.encode(x25519(secret, X25519_BASEPOINT_BYTES));
            let jwk = json!({ "kty": "OKP", "crv": "X25519", "x": x, "d": URL_SAFE_NO_PAD.encode(secret) });
            std::fs::write(folder.join(name), jwk.to_string()).unwrap();
        }
    })
}

fn appeal(world: &World, client: &Client, text: &str) -> (String, Vec<u8>) {
    let bytes = client.appeal(Some("L1"), text).unwrap();
    let (status, _, says) = world.http("POST", "/v1/appeals", None, Some(&bytes));
    assert_eq!(status, 201, "{says}");
    let says: Value = serde_json::from_str(&says).unwrap();
    (says["appeal"].as_str().unwrap().to_owned(), bytes)
}

/// What `appeal verify` finds, and how it ends.
pub fn verify(world: &World, token: &str, appeal: &str, key: &str, ledger: Option<&Path>) -> (i32, Value, String) {
    let (app, key) = (world.path("reprieve.toml"), world.path(key));
    let mut args = vec![
        "appeal",
        "verify",
        appeal,
        "--app",
        app.to_str().unwrap(),
        "--audit-key",
        key.to_str().unwrap(),
        "--json",
    ];
    if let Some(ledger) = ledger {
        args.extend(["--ledger", ledger.to_str().unwrap()]);
    }
    let done = world.there(token, &args);
    (done.code, serde_json::from_str(&done.out).unwrap_or(Value::Null), done.err)
}

/// The ledger's own file, and no lock or secret of its machine.
fn ledger_file(folder: &Path) -> std::path::PathBuf {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.to_str().unwrap().ends_with(".g0.ledger"));
    files.pop().unwrap()
}

#[test]
fn an_appeal_is_verified_and_a_ruling_answers_it() {
    let world = world();
    let code = world.license("L1");
    let client = world.client("m1");
    world.renew(&client, Some(&code));
    let (id, bytes) = appeal(&world, &client, "The server room was under water.");
    let (again, _, says) = world.http("POST", "/v1/appeals", None, Some(&bytes));
    assert_eq!((again, serde_json::from_str::<Value>(&says).unwrap()["new"].clone()), (201, json!(false)));
    let token = world.token("anna", &["read", "support"], "1d");
    let list = world.there(&token, &["appeal", "list", "--state", "open", "--json"]).good().json();
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!((&list[0]["text"], &list[0]["known"]), (&json!("The server room was under water."), &json!(true)));
    let content = world.there(&token, &["appeal", "show", &id, "--content"]).good().out;
    assert_eq!(content.as_bytes(), bytes, "byte for byte as it came");
    // The files come by mail, and with the same appeal.
    let file = world.dir.path().join("appeal.json");
    std::fs::write(&file, &bytes).unwrap();
    client.close().unwrap();
    let folder = world.folder("m1");
    let receive = ["appeal", "receive", file.to_str().unwrap(), "--ledger", folder.to_str().unwrap()];
    assert_eq!(world.there(&token, &receive).good().out.trim(), id);
    world.there(&token, &receive).good();
    let shown = world.there(&token, &["appeal", "show", &id, "--json"]).good().json();
    let files: Vec<&str> =
        shown["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert!(
        files.iter().all(|name| name.ends_with(".ledger") || name.ends_with(".head")),
        "no secret is sent: {files:?}"
    );
    let (code, found, _) = verify(&world, &token, &id, "audit.jwk", None);
    assert_eq!(
        (code, &found["verdict"], &found["head"], &found["countersigned"], &found["recorded"]),
        (0, &json!("sound"), &json!(true), &json!(true), &json!(true)),
        "{found}"
    );
    assert_eq!(found["problems"], json!([]));
    let (code, _, error) = verify(&world, &token, &id, "other.jwk", None);
    assert!(code == 2 && error.contains("it is for another audit key"), "{error}");
    // A ruling by a key that may not, about another ledger or licence, and then the right one.
    let key = world.key_file("keys/ruling-1");
    let rule = |key: &str, more: &[&str]| {
        let mut args = vec!["appeal", "rule", id.as_str(), "--key", key, "--why", "the customer is right"];
        args.extend(more);
        world.there(&token, &args)
    };
    rule(&key, &[]).bad(1, "neither `void` nor `clears`");
    rule(&world.key_file("keys/lease-1"), &["--clear", "clock"]).bad(1, "wrong_role");
    for (license, ledger, word) in [
        ("L2", shown["ledger"].clone(), "about licence L2"),
        ("L1", json!("00000000000000000000000000000000"), "for ledger 0000"),
    ] {
        let claims = json!({ "license": license, "ledger": ledger, "clears": ["clock"], "iat": now() });
        let ruling =
            reprieve::document::issue(reprieve::terms::Kind::Ruling, &claims, &[&world.key("keys/ruling-1")]).unwrap();
        let body = json!({ "token": String::from_utf8(ruling).unwrap(), "why": "x" });
        let (status, text) = world.admin("POST", &format!("/admin/v1/appeal/{id}/ruling"), &body).unwrap_err();
        assert!(status == 422 && text.contains(word), "{text}");
    }
    let out = world.dir.path().join("ruling.jws");
    rule(&key, &["--clear", "clock", "--clear", "ledger", "-o", out.to_str().unwrap()]).good();
    rule(&key, &["--clear", "clock"]).bad(2, "is closed already");
    let client = world.client("m1");
    let (answers, _) = world.renew(&client, None);
    assert!(kinds(&answers).contains(&"ruling"), "{answers:?}");
    assert!(std::fs::read_to_string(out).unwrap().starts_with("ey"));
    let steps = world.journal(&id);
    assert_eq!(steps.first().map(String::as_str), Some("customer appeal.receive"));
    assert_eq!(steps.last().map(String::as_str), Some("anna appeal.rule"));
    assert!(
        steps.contains(&"anna appeal.verify".to_owned()) && steps.contains(&"anna appeal.file".to_owned()),
        "{steps:?}"
    );
}

#[test]
fn a_ledger_that_does_not_fit_is_told() {
    let world = world();
    let code = world.license("L1");
    let (mine, other) = (world.client("m1"), world.client("m2"));
    world.renew(&mine, Some(&code));
    world.renew(&other, Some(&code));
    let before = world.dir.path().join("before");
    std::fs::create_dir(&before).unwrap();
    std::fs::copy(ledger_file(&world.folder("m1")), before.join("acme.g0.ledger")).unwrap();
    for _ in 0..3 {
        world.renew(&mine, None);
    }
    let (id, _) = appeal(&world, &mine, "It says denied.");
    let token = world.token("anna", &["read", "support"], "1d");
    mine.close().unwrap();
    other.close().unwrap();
    let (code, _, error) = verify(&world, &token, &id, "audit.jwk", None);
    assert!(code == 2 && error.contains("no ledger came with this appeal"), "{error}");
    let (code, found, _) = verify(&world, &token, &id, "audit.jwk", Some(&world.folder("m2")));
    assert_eq!((code, &found["verdict"]), (1, &json!("not_this_ledger")), "{found}");
    let (code, found, _) = verify(&world, &token, &id, "audit.jwk", Some(&before));
    assert_eq!((code, &found["verdict"], &found["head"]), (1, &json!("behind"), &json!(false)), "{found}");
    // A byte in the middle of it.
    let file = ledger_file(&world.folder("m1"));
    let mut bytes = std::fs::read(&file).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[end / 2] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let (code, found, _) = verify(&world, &token, &id, "audit.jwk", Some(&world.folder("m1")));
    assert_eq!((code, &found["verdict"]), (1, &json!("damaged")), "{found}");
    world.there(&token, &["appeal", "turn-down", &id, "--why", "the file was changed"]).good();
    world.there(&token, &["appeal", "turn-down", &id, "--why", "again"]).bad(2, "is closed already");
    let shown = world.there(&token, &["appeal", "show", &id, "--json"]).good().json();
    assert_eq!((&shown["state"], &shown["findings"]["verdict"]), (&json!("turned_down"), &json!("damaged")));
    assert_eq!(world.journal(&id).last().map(String::as_str), Some("anna appeal.turn_down"));
}

#[test]
fn a_ledger_that_was_put_back_is_told_by_what_the_authority_countersigned() {
    let world = world();
    let code = world.license("L1");
    let mine = world.client("m1");
    world.renew(&mine, Some(&code));
    mine.close().unwrap();
    // All of it is kept aside, and later goes on by itself.
    std::fs::create_dir_all(world.folder("copy")).unwrap();
    for entry in std::fs::read_dir(world.folder("m1")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, world.folder("copy").join(path.file_name().unwrap())).unwrap();
    }
    let mine = world.client("m1");
    for _ in 0..3 {
        world.renew(&mine, None);
    }
    let copy = world.client("copy");
    let (id, _) = appeal(&world, &copy, "It was always like this.");
    copy.close().unwrap();
    let token = world.token("anna", &["read", "support"], "1d");
    let (code, found, _) = verify(&world, &token, &id, "audit.jwk", Some(&world.folder("copy")));
    // Whole, signed and opened by its key: only the head that was countersigned since tells.
    assert_eq!((&found["head"], &found["recorded"]), (&json!(true), &json!(true)), "{found}");
    assert_eq!((code, &found["countersigned"]), (1, &json!(false)), "{found}");
    assert!(matches!(found["verdict"].as_str(), Some("behind" | "not_this_ledger")), "{found}");
}

#[test]
fn what_is_made_up_is_not_taken() {
    let world = world();
    let code = world.license("L1");
    let (mine, stranger) = (world.client("m1"), world.client("m2"));
    world.renew(&mine, Some(&code));
    // One that never renewed is taken, and said to be unknown.
    let post = |body: &[u8]| {
        let (status, _, text) = world.http("POST", "/v1/appeals", None, Some(body));
        (status, text)
    };
    let (status, text) = post(&stranger.appeal(None, "Let me in.").unwrap());
    assert!(status == 201 && text.contains("\"known\":false"), "{text}");
    let forged = Forger::new(7);
    // Whoever has a key of his own signs what he likes, and not for a ledger whose key is known.
    let ledger = mine.ledger_id().unwrap();
    let (status, text) = post(forged.appeal(&ledger, "Let me in.", json!([])).to_string().as_bytes());
    assert!(status == 422 && text.contains("not signed by the key of this ledger"), "{status} {text}");
    // A head of another ledger under this one's name, and words that nobody signed.
    let mut altered = forged.appeal(&forged.ledger, "Let me in.", json!([]));
    altered["ledger"] = json!(ledger);
    let (status, text) = post(altered.to_string().as_bytes());
    assert!(status == 400 && text.contains("another ledger"), "{text}");
    let mut altered: Value = serde_json::from_slice(&mine.appeal(None, "Look at it.").unwrap()).unwrap();
    altered["appeal"]["text"] = json!("I did it.");
    let (status, text) = post(altered.to_string().as_bytes());
    assert!(status == 400 && text.contains("it was changed since"), "{text}");
    // Of ledgers that hold no seat so much is taken, and no more.
    let large = forged.appeal(&forged.ledger, "Let me in.", json!(["x".repeat(1 << 20)]));
    let (status, text) = post(large.to_string().as_bytes());
    assert!(status == 400 && text.contains("too large for a ledger that holds no seat"), "{status} {text}");
    let mut taken = 1;
    for at in 0..300 {
        match post(forged.appeal(&forged.ledger, &format!("Let me in, {at}."), json!([])).to_string().as_bytes()) {
            (201, _) => taken += 1,
            (status, text) => assert!(status == 429 && text.contains("too many appeals wait"), "{status} {text}"),
        }
    }
    assert_eq!(taken, 256);
    // That keeps nobody out who holds one.
    // Files: names that lead elsewhere, parts out of turn, too much of them.
    let (id, _) = appeal(&world, &mine, "Look at it.");
    let part = |name: &str, part: i64, content: &str| {
        let body = json!({ "name": name, "part": part, "content": content });
        world.admin("POST", &format!("/admin/v1/appeal/{id}/files"), &body).map_or_else(|(status, _)| status, |_| 201)
    };
    for name in ["../x", "/etc/passwd", ".x", "a b", "", "a\\b", "C:x"] {
        assert_eq!(part(name, 0, ""), 400, "{name}");
    }
    assert_eq!((part("acme.g0.ledger", 1, "AAAA"), part("acme.g0.ledger", -1, "AAAA")), (400, 400));
    assert_eq!(part("acme.g0.ledger", 0, "no base64!"), 400);
    assert_eq!((part("acme.g0.ledger", 0, "AAAA"), part("acme.g0.ledger", 0, "BBBB")), (201, 409));
    assert_eq!(part("acme.g0.ledger", 1, "AAAA"), 201);
    // So many of one ledger at once, and no more.
    let mut last = (201, String::new());
    for at in 0..25 {
        let bytes = mine.appeal(Some("L1"), &format!("Look at it, {at}.")).unwrap();
        let (status, _, text) = world.http("POST", "/v1/appeals", None, Some(&bytes));
        last = (status, text);
    }
    assert!(last.0 == 429 && last.1.contains("too many appeals wait"), "{last:?}");
}
