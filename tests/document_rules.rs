//! Rules D: the order of refusals, keys and roles, and what each kind must say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod document_support;

use document_support::*;
use reprieve::document::{
    Document, Form, KeyEntry, Keys, Role, RootKey, SigningKey, TokenId, TrustStore, inspect, issue, issue_unchecked,
    open, read_unverified, trim, typ,
};
use reprieve::terms::{Access, Kind, Refusal};
use reprieve::time::Instant;
use serde_json::{Value, json};

#[test]
fn every_kind_opens() {
    for kind in Kind::ALL {
        let token = token(*kind);
        let opened = open(&token, &trust());
        let document = opened.result.unwrap_or_else(|refused| panic!("{kind}: {refused}"));
        assert_eq!((document.kind(), opened.kind), (*kind, Some(*kind)));
        assert_eq!(document.license(), opened.license.as_deref());
        assert_eq!(document.iat(), Instant::from_seconds(IAT));
        assert_eq!(opened.kids, [signer(*kind).kid()]);
        assert_eq!(opened.id, TokenId::of(&token));
        match read_unverified(&token).unwrap() {
            Document::Extension(extension) => assert_eq!(extension.approvals, 1),
            other => assert_eq!(other, document),
        }
    }
}

#[test]
fn what_documents_say() {
    let Ok(Document::Lease(lease)) = opened(&token(Kind::Lease)) else { panic!() };
    assert_eq!((lease.license.as_str(), lease.sku.as_str(), lease.nonce.as_deref()), ("L1", "cad", Some("n1")));
    assert_eq!(lease.features["export.step"], Instant::from_seconds(IAT + 60));
    assert!(!lease.put_back && lease.checkpoint.is_none());
    let Ok(Document::Extension(extension)) = opened(&token(Kind::Extension)) else { panic!() };
    assert_eq!((extension.access, extension.approvals), (Access::Limited, 1));
    let Ok(Document::Ruling(ruling)) = opened(&token(Kind::Ruling)) else { panic!() };
    assert!(ruling.clears_clock && ruling.clears_ledger && ruling.features.is_empty());
    let Ok(Document::Keys(read)) = opened(&token(Kind::Keys)) else { panic!() };
    assert_eq!(read, keys());
}

#[test]
fn the_white_space_of_a_file_is_no_part_of_the_token() {
    let token = token(Kind::Lease);
    for (before, after) in [("", "\n"), ("\u{feff}", "\r\n"), (" \n", "\t ")] {
        let file = [before.as_bytes(), &token, after.as_bytes()].concat();
        assert_eq!(trim(&file), token);
        assert!(open(&file, &trust()).result.is_ok());
        assert_eq!(TokenId::of(&file), TokenId::of(&token));
    }
    let inside = String::from_utf8(token).unwrap().replacen('.', ".\n", 1);
    assert_eq!(opened(inside.as_bytes()), Err(Refusal::Malformed));
}

#[test]
fn roles() {
    for kind in Kind::ALL {
        for role in Role::ALL {
            let token = issue(*kind, &claims(*kind), &[&key_of(*role)]).unwrap();
            let refusal = opened(&token).map(|document| document.kind());
            assert_eq!(refusal, if *role == Role::of(*kind) { Ok(*kind) } else { Err(Refusal::WrongRole) });
        }
    }
    // The roots of the adopted document may sign the next one, beside the product's own.
    assert!(opened(&issue(Kind::Keys, &claims(Kind::Keys), &[&key("root-2")]).unwrap()).is_ok());
}

#[test]
fn the_first_reason_that_applies() {
    let (lease, stranger) = (key_of(Role::Lease), key("stranger"));
    let impostor = SigningKey::from_seed("lease-key", [9; 32]).unwrap();
    let notice = key_of(Role::Notice);
    let bad = b"{}".as_slice();
    let good = claims(Kind::Lease).to_string().into_bytes();
    let newer = br#"{"schema":2}"#.as_slice();
    for (typ, payload, keys, refusal) in [
        ("reprieve-future+jwt", bad, vec![&stranger], Refusal::UnknownKey),
        ("reprieve-lease+jwt", &good, vec![&impostor, &stranger], Refusal::UnknownKey),
        ("reprieve-lease+jwt", &good, vec![&lease, &stranger], Refusal::UnknownKey),
        ("reprieve-future+jwt", bad, vec![&impostor], Refusal::BadSignature),
        ("reprieve-lease+jwt", bad, vec![&notice, &impostor], Refusal::BadSignature),
        ("reprieve-lease+jwt", bad, vec![&notice], Refusal::WrongRole),
        ("reprieve-lease+jwt", &good, vec![&lease, &notice], Refusal::WrongRole),
        ("reprieve-policy+jwt", newer, vec![&notice], Refusal::WrongRole),
        ("reprieve-future+jwt", bad, vec![&notice], Refusal::Unsupported),
        ("JWT", bad, vec![&lease], Refusal::Unsupported),
        ("reprieve-lease+jwt", bad, vec![&lease], Refusal::Malformed),
        ("reprieve-lease+jwt", b"no JSON", vec![&lease], Refusal::Malformed),
    ] {
        let token = issue_unchecked(typ, payload, &keys);
        assert_eq!(opened(&token).unwrap_err(), refusal, "{typ} {keys:?}");
    }
    let policy = key_of(Role::Policy);
    for (payload, refusal) in [
        (r#"{"schema":2}"#, Refusal::Unsupported),
        (r#"{"schema":2,"iat":1.5,"crit":["what"]}"#, Refusal::Unsupported),
        (r#"{"schema":0}"#, Refusal::Malformed),
        (r#"{"schema":1}"#, Refusal::Malformed),
    ] {
        let token = issue_unchecked(&typ(Kind::Policy), payload.as_bytes(), &[&policy]);
        assert_eq!(opened(&token).unwrap_err(), refusal, "{payload}");
    }
}

#[test]
fn a_refused_token_still_says_what_it_is_about() {
    let mut token = token(Kind::Lease);
    let end = token.len() - 20;
    token[end] ^= 1;
    let opened = open(&token, &trust());
    assert_eq!(opened.result.unwrap_err().refusal, Refusal::BadSignature);
    assert_eq!((opened.kind, opened.license.as_deref()), (Some(Kind::Lease), Some("L1")));
    // Cut within the signature so that it is no base64url, and cut off altogether.
    for cut in [token.len() - 1, token.len() - 87] {
        let opened = open(&token[..cut], &trust());
        assert_eq!(opened.result.unwrap_err().refusal, Refusal::Malformed);
        assert_eq!((opened.kind, opened.license.as_deref()), (Some(Kind::Lease), Some("L1")));
    }
    let odd = issue_unchecked(&typ(Kind::Lease), br#"{"license":"a b"}"#, &[&key("stranger")]);
    assert_eq!(open(&odd, &trust()).license, None);
}

#[test]
fn a_key_is_judged_at_the_iat() {
    let key = key("short-lived");
    for (iat, valid) in [(IAT - 101, false), (IAT - 100, true), (IAT + 99, true), (IAT + 100, false)] {
        let mut claims = claims(Kind::Lease);
        claims["iat"] = json!(iat);
        let opened = opened(&issue(Kind::Lease, &claims, &[&key]).unwrap());
        assert_eq!(opened.is_ok(), valid, "{iat}");
        assert!(valid || opened == Err(Refusal::UnknownKey));
    }
    let token = issue_unchecked(&typ(Kind::Lease), br#"{"iat":"now"}"#, &[&key]);
    assert_eq!(opened(&token), Err(Refusal::Malformed));
}

fn approvals(keys: &[&SigningKey]) -> Result<u32, Refusal> {
    match opened(&issue(Kind::Extension, &claims(Kind::Extension), keys).unwrap()) {
        Ok(Document::Extension(extension)) => Ok(extension.approvals),
        Ok(_) => panic!("no extension"),
        Err(refusal) => Err(refusal),
    }
}

#[test]
fn approvals_are_distinct_keys() {
    let (one, two) = (key_of(Role::Support), key("support-2"));
    let alias = SigningKey::from_seed("support-alias", *two.seed()).unwrap();
    assert_eq!(approvals(&[&one]), Ok(1));
    assert_eq!(approvals(&[&one, &two]), Ok(2));
    assert_eq!(approvals(&[&one, &one]), Ok(1));
    assert_eq!(approvals(&[&two, &alias, &two]), Ok(1));
    assert_eq!(approvals(&[&one, &two, &alias]), Ok(2));
    assert_eq!(approvals(&[&one, &key_of(Role::Lease)]), Err(Refusal::WrongRole));
}

#[test]
fn json_serialisations() {
    let (one, two) = (key_of(Role::Support), key("support-2"));
    let compact = issue(Kind::Extension, &claims(Kind::Extension), &[&one]).unwrap();
    let compact = String::from_utf8(compact).unwrap();
    let [protected, payload, signature] = compact.split('.').collect::<Vec<_>>().try_into().unwrap();
    let entry = json!({ "protected": protected, "signature": signature, "header": { "kid": "ignored", "crit": [] } });
    let mut flattened = entry.clone();
    flattened["payload"] = json!(payload);
    let general = json!({ "payload": payload, "signatures": [entry], "more": 1 });
    for (json, form) in [(&flattened, Form::Flattened), (&general, Form::General)] {
        assert!(opened(json.to_string().as_bytes()).is_ok());
        assert_eq!(inspect(json.to_string().as_bytes()).unwrap().form, form);
    }
    let mut refused = vec![flattened.clone(), general.clone(), general.clone(), general.clone(), general.clone()];
    refused[0]["signatures"] = json!([]);
    refused[1]["signatures"] = json!([]);
    refused[2]["signatures"] = json!(vec![general["signatures"][0].clone(); 17]);
    refused[3]["signatures"][0] = json!({ "header": { "alg": "EdDSA", "kid": "support-key" }, "signature": signature });
    refused[4]["payload"] = json!({});
    // Two signatures that hold, over the same payload under different types.
    let bytes = claims(Kind::Extension).to_string().into_bytes();
    let part = |typ: &str, key: &SigningKey| {
        let token = String::from_utf8(issue_unchecked(typ, &bytes, &[key])).unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        (parts[1].to_owned(), json!({ "protected": parts[0], "signature": parts[2] }))
    };
    let (payload, first) = part("reprieve-extension+jwt", &one);
    let (_, second) = part("reprieve-ruling+jwt", &two);
    refused.push(json!({ "payload": payload, "signatures": [first, second] }));
    for json in refused {
        assert_eq!(opened(json.to_string().as_bytes()), Err(Refusal::Malformed), "{json}");
    }
}

#[test]
fn the_type_as_media_types_are_written() {
    let key = key_of(Role::Lease);
    let payload = claims(Kind::Lease).to_string();
    for typ in ["application/reprieve-lease+jwt", "Reprieve-Lease+JWT"] {
        assert!(opened(&issue_unchecked(typ, payload.as_bytes(), &[&key])).is_ok(), "{typ}");
    }
    for typ in ["reprieve-lease", "lease", "reprieve-lease+jwt ", "x/reprieve-lease+jwt", ""] {
        assert_eq!(opened(&issue_unchecked(typ, payload.as_bytes(), &[&key])), Err(Refusal::Unsupported), "{typ}");
    }
}

/// Changes good claims: a JSON pointer and what stands there instead, `null` for nothing.
fn changed(kind: Kind, pointer: &str, value: &Value) -> Value {
    let mut claims = claims(kind);
    let (at, key) = pointer.rsplit_once('/').unwrap();
    let place = claims.pointer_mut(at).unwrap();
    match (value, key.parse::<usize>()) {
        (_, Ok(index)) => place[index] = value.clone(),
        (Value::Null, _) => drop(place.as_object_mut().unwrap().remove(key)),
        _ => place[key] = value.clone(),
    }
    claims
}

#[test]
fn what_is_malformed() {
    use Kind::*;
    let gone = Value::Null;
    let cases = [
        (Lease, "/license", vec![gone.clone(), json!("a b"), json!(""), json!(7), json!("x".repeat(129))]),
        (Lease, "/sku", vec![gone.clone(), json!("*")]),
        (
            Lease,
            "/features",
            vec![gone.clone(), json!({}), json!(["core"]), json!({ "a.*": IAT }), json!({ "*": IAT })],
        ),
        (Lease, "/features/core", vec![json!("1"), json!(-1), json!(IAT as f64), json!(253_402_300_800_i64)]),
        (Lease, "/iat", vec![gone.clone(), json!(1.5), json!(1.0), json!(u64::MAX), json!(IAT * 1000), json!("now")]),
        (Lease, "/ledger", vec![gone.clone(), json!("export.*"), json!(1)]),
        (Lease, "/nonce", vec![json!(1)]),
        (Lease, "/checkpoint", vec![json!({})]),
        (Lease, "/put_back", vec![json!("true")]),
        (Lease, "/crit", vec![json!(["iss"]), json!(["later"]), json!("iat"), json!([1]), json!({})]),
        (Policy, "/iat", vec![gone.clone(), json!(0.5)]),
        (Policy, "/more", vec![json!(1)]),
        (Policy, "/default_tier", vec![json!("gone")]),
        (Policy, "/crit", vec![json!(["more"])]),
        (Notice, "/id", vec![gone.clone(), json!("")]),
        (Notice, "/start", vec![gone.clone(), json!(IAT + 3600)]),
        (Notice, "/end", vec![gone.clone(), json!(IAT), json!(IAT - 1)]),
        (Notice, "/skus", vec![json!("cad"), json!(["a.*"]), json!([1])]),
        (Notice, "/features", vec![json!("core"), json!(["a*"]), json!([""]), json!({})]),
        (Notice, "/cancelled", vec![json!(1)]),
        (Extension, "/license", vec![gone.clone()]),
        (Extension, "/until", vec![gone.clone(), json!(IAT), json!(IAT - 5)]),
        (Extension, "/access", vec![json!("denied"), json!("unknown"), json!("Full"), json!(3)]),
        (Revocation, "/effective", vec![gone.clone(), json!(1.5)]),
        (Revocation, "/features", vec![json!(["core", "a b"])]),
        (Ruling, "/ledger", vec![gone.clone(), json!("*")]),
        (Ruling, "/void", vec![json!([1, 2]), json!({ "from": 1 }), json!({ "from": 2, "to": 2 }), json!({ "to": 2 })]),
        (Ruling, "/clears", vec![json!(["clock", "budget"]), json!("clock"), json!([true])]),
        (Keys, "/version", vec![gone.clone(), json!(-1), json!(1.0), json!("1")]),
        (Keys, "/roots", vec![gone.clone(), json!([]), json!([{ "kid": "r" }]), json!([{ "kid": "r", "x": "AAAA" }])]),
        (Keys, "/keys", vec![gone.clone(), json!({}), json!(["k"])]),
        (Keys, "/keys/0/kid", vec![gone.clone(), json!("policy-key"), json!("a b")]),
        (
            Keys,
            "/keys/0/x",
            vec![
                gone.clone(),
                json!("AA=="),
                json!(keys().claims()["keys"][0]["x"].as_str().unwrap().to_owned() + "="),
            ],
        ),
        (Keys, "/keys/0/roles", vec![gone.clone(), json!("lease"), json!([1])]),
        (Keys, "/keys/0/nbf", vec![json!(1.5), json!("x")]),
    ];
    for (kind, pointer, values) in cases {
        for value in values {
            let claims = changed(kind, pointer, &value);
            let payload = claims.to_string();
            let token = issue_unchecked(&typ(kind), payload.as_bytes(), &[&signer(kind)]);
            let refused = open(&token, &trust()).result.expect_err(&format!("{kind} {pointer} = {value}"));
            assert_eq!(refused.refusal, Refusal::Malformed, "{kind} {pointer} = {value}: {refused}");
            // What would be refused cannot be signed.
            assert_eq!(issue(kind, &claims, &[&signer(kind)]).unwrap_err(), refused, "{kind} {pointer} = {value}");
        }
    }
    let neither = |clears: Value| json!({ "license": "L", "ledger": "l", "iat": IAT, "clears": clears });
    assert!(issue(Kind::Ruling, &neither(json!([])), &[&signer(Kind::Ruling)]).is_err());
    assert!(issue(Kind::Ruling, &neither(json!(["clock"])), &[&signer(Kind::Ruling)]).is_ok());
    let window = json!({ "kid": "k", "x": keys().claims()["roots"][0]["x"], "roles": [], "nbf": 5, "exp": 5 });
    assert!(issue(Kind::Keys, &changed(Kind::Keys, "/keys", &json!([window])), &[&key_of(Role::Root)]).is_err());
}

#[test]
fn what_is_not_malformed() {
    use Kind::*;
    for (kind, pointer, value) in [
        (Lease, "/ledger", json!("*")),
        (Lease, "/iat", json!(0)),
        (Lease, "/features/core", json!(0)),
        (Lease, "/features/core", json!(253_402_300_799_i64)),
        (Lease, "/crit", json!(["nonce", "iat", "put_back"])),
        (Lease, "/later", json!({ "anything": [1.5] })),
        (Lease, "/exp", json!("ignored")),
        (Policy, "/exp", json!(1)),
        (Policy, "/iss", json!("acme")),
        (Notice, "/features", json!([])),
        (Notice, "/cancelled", json!(true)),
        (Extension, "/access", Value::Null),
        (Revocation, "/features", Value::Null),
        (Ruling, "/void", Value::Null),
        (Ruling, "/clears", Value::Null),
        (Keys, "/keys", json!([])),
        (Keys, "/keys/0/roles", json!(["lease", "of-a-newer-release"])),
        (Keys, "/keys/0/use", json!("sig")),
    ] {
        let token = issue(kind, &changed(kind, pointer, &value), &[&signer(kind)]).unwrap();
        assert!(opened(&token).is_ok(), "{kind} {pointer} = {value}");
    }
}

#[test]
fn trust_goes_by_the_newest_keys() {
    let old = key_of(Role::Lease);
    let mut trust = trust();
    let next = Keys { version: 2, keys: vec![key("lease-2").entry(&[Role::Lease])], ..keys() };
    assert!(trust.adopt(&next) && !trust.adopt(&keys()) && !trust.adopt(&next));
    assert_eq!(trust.version(), Some(2));
    assert_eq!(trust.roots().map(|root| root.kid.as_str()).collect::<Vec<_>>(), ["root-key", "root-2"]);
    let refused = open(&token(Kind::Lease), &trust).result.unwrap_err();
    assert_eq!(refused.refusal, Refusal::UnknownKey);
    assert!(refused.detail.contains(old.kid()), "{refused}");
    // A key of the name of a root key is a key of its own.
    let shared = SigningKey::from_seed("root-key", [3; 32]).unwrap();
    let mixed = Keys { version: 3, keys: vec![shared.entry(&[Role::Lease])], ..keys() };
    trust.adopt(&mixed);
    assert!(open(&issue(Kind::Lease, &claims(Kind::Lease), &[&shared]).unwrap(), &trust).result.is_ok());
    assert!(open(&issue(Kind::Keys, &claims(Kind::Keys), &[&key_of(Role::Root)]).unwrap(), &trust).result.is_ok());
    assert!(TrustStore::new(Vec::<RootKey>::new()).keys().is_empty());
}

#[test]
fn keys_in_the_forms_of_other_tools() {
    let key = key("lease-key");
    let again = SigningKey::from_jwk(&key.jwk_private()).unwrap();
    assert_eq!((again.kid(), again.public(), again.seed()), (key.kid(), key.public(), key.seed()));
    let again = SigningKey::from_pem("k", &key.to_pem()).unwrap();
    assert_eq!(again.seed(), key.seed());
    assert_eq!(RootKey::from_jwk(&key.jwk_public()).unwrap(), key.root_key());
    assert!(key.jwk_public().get("d").is_none());
    let shown = format!("{key:?}");
    let secret = key.jwk_private()["d"].as_str().unwrap().to_owned();
    assert!(shown.contains("lease-key") && !shown.contains(&secret) && !shown.contains(&format!("{:?}", key.seed())));
    let mut wrong = key.jwk_private();
    wrong["x"] = support_x();
    assert!(SigningKey::from_jwk(&wrong).is_err());
    wrong["crv"] = json!("X25519");
    assert!(SigningKey::from_jwk(&wrong).is_err() && RootKey::from_jwk(&wrong).is_err());
    assert!(SigningKey::from_pem("k", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----").is_err());
    let (one, two) = (SigningKey::generate("a").unwrap(), SigningKey::generate("a").unwrap());
    assert_ne!(one.public(), two.public());
    let entry = KeyEntry { kid: "a".into(), x: one.public(), roles: vec![Role::Ruling], nbf: None, exp: None };
    assert_eq!(one.entry(&[Role::Ruling]), entry);
}

fn support_x() -> Value {
    key_of(Role::Support).jwk_public()["x"].clone()
}
