//! Extensions: asked for by one, signed by two.

use reprieve::document::{self, SigningKey};
use reprieve::terms::Kind;
use serde_json::{Value, json};

use super::world::{World, kinds, now};

/// A signature of a request's claims.
fn signature(claims: &str, keys: &[&SigningKey]) -> String {
    let claims: Value = serde_json::from_str(claims).unwrap();
    String::from_utf8(document::issue(Kind::Extension, &claims, keys).unwrap()).unwrap()
}

fn sign(world: &World, request: &str, token: &str) -> Result<Value, (u16, String)> {
    let path = format!("/admin/v1/extension/{request}/signatures");
    world.admin("POST", &path, &json!({ "signature": token }))
}

fn ask(world: &World, license: &str) -> Value {
    let body = json!({ "license": license, "lasts": "3d", "why": "their server moves" });
    world.admin("POST", "/admin/v1/extensions", &body).unwrap()
}

#[test]
fn one_asks_two_sign_and_the_client_has_it() {
    let world = World::new();
    let code = world.license("L1");
    let client = world.client("m1");
    world.renew(&client, Some(&code));
    let (anna, ben) = (world.token("anna", &["read", "support"], "1d"), world.token("ben", &["read", "support"], "1d"));
    let asked = world
        .there(&anna, &["extension", "ask", "L1", "--lasts", "3d", "--why", "their server moves", "--json"])
        .good()
        .json();
    let request = asked["request"].as_str().unwrap().to_owned();
    assert_eq!((&asked["state"], &asked["approvals"]), (&json!("open"), &json!(2)));
    let claims: Value = serde_json::from_str(asked["claims"].as_str().unwrap()).unwrap();
    assert_eq!(claims["until"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3 * 86_400);
    assert_eq!(claims["jti"], json!(request));
    // Before anybody has signed, and after one has, there is no extension.
    let first =
        world.there(&anna, &["extension", "sign", &request, "--key", &world.key_file("people/support-anna")]).good();
    assert!(first.out.contains("1 of 2 have signed"), "{first:?}");
    assert!(first.err.contains("full access to all features of licence L1"), "who signs is told what: {first:?}");
    assert!(!kinds(&world.renew(&client, None).0).contains(&"extension"));
    let again = ["extension", "sign", &request, "--key", &world.key_file("people/support-anna")];
    world.there(&ben, &again).bad(2, "has signed this request already");
    // The second one signs where there is no network: with the customer's command line the bytes would be the same.
    let claims = world.there(&ben, &["extension", "show", &request, "--claims"]).good().out;
    let file = world.dir.path().join("ben.jws");
    std::fs::write(&file, signature(claims.trim_end(), &[&world.key("people/support-ben")])).unwrap();
    let second = world.there(&ben, &["extension", "sign", &request, "--signature", file.to_str().unwrap()]).good();
    assert!(second.out.contains("is granted"), "{second:?}");
    let (answers, _) = world.renew(&client, None);
    assert!(kinds(&answers).contains(&"extension"), "{answers:?}");
    assert_eq!(
        world.journal("L1"),
        [
            "admin license.create",
            "anna extension.ask",
            "anna extension.sign",
            "ben extension.sign",
            "ben document.publish",
            "ben extension.grant"
        ]
    );
    world.there(&anna, &again).bad(2, "is granted");
    let shown = world.there(&ben, &["extension", "list", "--state", "granted"]).good().out;
    assert!(shown.contains(&request) && shown.contains("anna"), "{shown}");
}

#[test]
fn a_signature_that_is_none_is_refused_with_words() {
    let world = World::new();
    world.license("L1");
    world.license("L2");
    let asked = ask(&world, "L1");
    let (request, claims) = (asked["request"].as_str().unwrap(), asked["claims"].as_str().unwrap());
    let (anna, ben) = (world.key("people/support-anna"), world.key("people/support-ben"));
    let refused = |token: &str, word: &str| {
        let (status, text) = sign(&world, request, token).unwrap_err();
        assert!(status == 422 && text.contains(word), "{status} {text}");
    };
    refused(&signature(claims, &[&SigningKey::generate("stranger").unwrap()]), "unknown_key");
    refused(&signature(claims, &[&SigningKey::generate("support-anna").unwrap()]), "bad_signature");
    refused(&signature(claims, &[&world.key("keys/lease-1")]), "wrong_role");
    refused(&signature(claims, &[&world.key("keys/root-1")]), "wrong_role");
    // Both in one token, so that one step would be enough.
    refused(&signature(claims, &[&anna, &ben]), "not what was asked for");
    let other = ask(&world, "L2");
    refused(&signature(other["claims"].as_str().unwrap(), &[&anna]), "not what was asked for");
    let mut longer: Value = serde_json::from_str(claims).unwrap();
    longer["until"] = json!(longer["until"].as_i64().unwrap() + 86_400);
    refused(&signature(&longer.to_string(), &[&anna]), "not what was asked for");
    // The same claims, written otherwise.
    let spaced = document::issue_unchecked("reprieve-extension+jwt", claims.replace(':', ": ").as_bytes(), &[&anna]);
    refused(&String::from_utf8(spaced).unwrap(), "not what was asked for");
    // The same bytes as another kind of document.
    let ruling = document::issue_unchecked("reprieve-ruling+jwt", claims.as_bytes(), &[&anna]);
    refused(&String::from_utf8(ruling).unwrap(), "wrong_role");
    for nothing in ["", "a.b.c", "a..", "{}"] {
        refused(nothing, "malformed");
    }
    let good = signature(claims, &[&anna]);
    assert_eq!(sign(&world, request, &good).unwrap()["state"], "open");
    for replayed in [good.clone(), format!(" {good}\n"), signature(claims, &[&anna])] {
        let (status, text) = sign(&world, request, &replayed).unwrap_err();
        assert!(status == 409 && text.contains("has signed this request already"), "{status} {text}");
    }
    assert_eq!(sign(&world, "x-0000000000000000", &good).unwrap_err().0, 404);
    let shown = world.admin("GET", &format!("/admin/v1/extension/{request}"), &Value::Null).unwrap();
    assert_eq!((shown["signatures"].as_array().unwrap().len(), &shown["document"]), (1, &Value::Null));
}

#[test]
fn governance_is_asked_at_once() {
    let world = World::new();
    world.license("L1");
    let refused = |body: Value, status: u16, word: &str| {
        let (got, text) = world.admin("POST", "/admin/v1/extensions", &body).unwrap_err();
        assert!(got == status && text.contains(word), "{got} {text}");
    };
    let because = "a test";
    refused(json!({ "license": "L1", "lasts": "8d", "why": because }), 422, "max_extension of 7d");
    refused(json!({ "license": "L9", "lasts": "1d", "why": because }), 404, "no licence L9");
    refused(
        json!({ "license": "L1", "lasts": "1d", "features": ["cores"], "why": because }),
        400,
        "grants nothing of that name",
    );
    refused(
        json!({ "license": "L1", "lasts": "1d", "features": ["a b"], "why": because }),
        400,
        "neither a name nor a pattern",
    );
    refused(json!({ "license": "L1", "until": "2020-01-01T00:00:00Z", "why": because }), 400, "is past");
    refused(json!({ "license": "L1", "why": because }), 400, "either `until` or `lasts`");
    refused(json!({ "license": "L1", "lasts": "1d", "until": "2030-01-01T00:00:00Z", "why": because }), 400, "either");
    refused(json!({ "license": "L1", "lasts": "1d", "access": "denied", "why": because }), 400, "`access`");
    refused(json!({ "license": "L1", "lasts": "1d", "why": "" }), 400, "`why`");
    let good = json!({ "license": "L1", "lasts": "7d", "features": ["export.*"], "access": "limited", "why": because });
    world.admin("POST", "/admin/v1/extensions", &good).unwrap();
    // Where fewer may sign than must, asking is in vain.
    let mut keys = world.there(&world.token("r", &["read"], "1d"), &["keys", "list", "--json"]).good().json();
    keys["keys"].as_array_mut().unwrap().retain(|key| key["kid"] != "support-ben");
    keys["version"] = json!(2);
    keys["iat"] = json!(now());
    world.publish(Kind::Keys, &keys, "keys/root-1").unwrap();
    refused(json!({ "license": "L1", "lasts": "1d", "why": because }), 422, "has 1 keys of role support");
}

#[test]
fn a_stolen_key_is_not_enough_and_is_taken_out() {
    let world = World::new();
    let code = world.license("L1");
    let client = world.client("m1");
    world.renew(&client, Some(&code));
    let asked = ask(&world, "L1");
    let (request, claims) = (asked["request"].as_str().unwrap(), asked["claims"].as_str().unwrap());
    // Who stole Anna's key signs with it, under her name and under another.
    let stolen = world.key("people/support-anna");
    sign(&world, request, &signature(claims, &[&stolen])).unwrap();
    let renamed = SigningKey::from_seed("support-ben", *stolen.seed()).unwrap();
    let (status, text) = sign(&world, request, &signature(claims, &[&renamed])).unwrap_err();
    assert!(status == 422 && text.contains("bad_signature"), "{text}");
    // Nor may he publish it by itself.
    let body = json!({ "token": signature(claims, &[&stolen]), "why": "alone" });
    let (status, text) = world.admin("POST", "/admin/v1/documents", &body).unwrap_err();
    assert!(status == 422 && text.contains("1 have signed"), "{text}");
    let second = ask(&world, "L1");
    let admin = world.token("ops", &["read", "publish"], "1d");
    let root = world.key_file("keys/root-1");
    world
        .there(&admin, &["keys", "retire", "support-anna", "--stolen", "--key", &root, "--why", "her bag was stolen"])
        .good();
    let text =
        sign(&world, second["request"].as_str().unwrap(), &signature(second["claims"].as_str().unwrap(), &[&stolen]));
    assert_eq!(text.unwrap_err().0, 422);
    // What it signed before counts no more: with Ben there is one of two.
    let shown = sign(&world, request, &signature(claims, &[&world.key("people/support-ben")])).unwrap();
    assert_eq!((&shown["state"], &shown["document"]), (&json!("open"), &Value::Null));
    let holds: Vec<bool> = shown["signatures"].as_array().unwrap().iter().map(|one| one["holds"] == true).collect();
    assert_eq!(holds, [false, true], "{shown}");
    assert!(!kinds(&world.renew(&client, None).0).contains(&"extension"));
    // Anna has a new key.
    let file = world.path("people/support-anna-2.pem");
    let passphrase = world.path("people/support-anna.passphrase");
    let args =
        ["keys", "new", file.to_str().unwrap(), "--role", "support", "--passphrase", passphrase.to_str().unwrap()];
    let public = world.there("none", &args).good().out;
    assert!(!public.contains("\"d\""), "{public}");
    std::fs::copy(&passphrase, world.path("people/support-anna-2.passphrase")).unwrap();
    let jwk = world.dir.path().join("anna-2.pub.jwk");
    std::fs::write(&jwk, public).unwrap();
    let args = ["keys", "add", jwk.to_str().unwrap(), "--key", &root, "--why", "a new key for Anna"];
    world.there(&admin, &args).good();
    // It was made after the request: it is valid at all times, as it has no `nbf`.
    let shown = sign(&world, request, &signature(claims, &[&world.key("people/support-anna-2")])).unwrap();
    assert_eq!(shown["state"], "granted", "{shown}");
    assert!(kinds(&world.renew(&client, None).0).contains(&"extension"));
}

#[test]
fn requests_are_withdrawn_and_expire() {
    let world = World::new();
    world.license("L1");
    let token = world.token("anna", &["read", "support"], "1d");
    let asked = ask(&world, "L1");
    let request = asked["request"].as_str().unwrap();
    world.there(&token, &["extension", "withdraw", request, "--why", "they are back"]).good();
    let good = signature(asked["claims"].as_str().unwrap(), &[&world.key("people/support-anna")]);
    let (status, text) = sign(&world, request, &good).unwrap_err();
    assert!(status == 409 && text.contains("is withdrawn"), "{text}");
    world.there(&token, &["extension", "withdraw", request, "--why", "again"]).bad(2, "is not open any more");
    let body = json!({ "license": "L1", "lasts": "2s", "why": "a moment" });
    let short = world.admin("POST", "/admin/v1/extensions", &body).unwrap();
    let request = short["request"].as_str().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let good = signature(short["claims"].as_str().unwrap(), &[&world.key("people/support-anna")]);
    let (status, text) = sign(&world, request, &good).unwrap_err();
    assert!(status == 409 && text.contains("is expired"), "{text}");
    let shown = world.there(&token, &["extension", "show", request, "--json"]).good().json();
    assert_eq!(shown["state"], "expired");
    ask(&world, "L1");
    assert!(world.journal("L1").contains(&"authority extension.expire".to_owned()));
}

#[test]
fn those_who_sign_at_once_are_counted_once_each() {
    let world = World::new();
    world.license("L1");
    world.admin("GET", "/admin/v1/products", &Value::Null).unwrap();
    let (anna, ben) = (world.key("people/support-anna"), world.key("people/support-ben"));
    for _ in 0..5 {
        let asked = ask(&world, "L1");
        let (request, claims) = (asked["request"].as_str().unwrap(), asked["claims"].as_str().unwrap());
        let tokens = [signature(claims, &[&anna]), signature(claims, &[&ben])];
        // Each four times, all together.
        let all: Vec<_> = std::thread::scope(|scope| {
            let (world, tokens) = (&world, &tokens);
            let each: Vec<_> = (0..8).map(|at| scope.spawn(move || sign(world, request, &tokens[at % 2]))).collect();
            each.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let states: Vec<&str> = all.iter().flatten().map(|shown| shown["state"].as_str().unwrap()).collect();
        assert_eq!((states.len(), states.iter().filter(|state| **state == "granted").count()), (2, 1), "{all:?}");
        assert!(all.iter().filter_map(|one| one.as_ref().err()).all(|(status, _)| *status == 409), "{all:?}");
    }
    let issued = world.admin("GET", "/admin/v1/documents?document=extension", &Value::Null).unwrap();
    assert_eq!(issued.as_array().unwrap().len(), 5);
}
