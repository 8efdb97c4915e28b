//! Tokens that somebody made to get through, or to bring a product down.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod document_support;

use std::time::Instant as Stopwatch;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use document_support::*;
use proptest::prelude::*;
use reprieve::document::{MAX_TOKEN, Role, SigningKey, inspect, issue, issue_unchecked, open, read_unverified, typ};
use reprieve::terms::{Kind, Refusal};
use ring::hmac;
use serde_json::json;

fn parts(token: &[u8]) -> [String; 3] {
    let text = std::str::from_utf8(token).unwrap();
    text.split('.').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap()
}

fn join(parts: [&str; 3]) -> Vec<u8> {
    parts.join(".").into_bytes()
}

/// A token with this header text, signed with the key as if it were good.
fn with_header(header: &str, key: &SigningKey) -> Vec<u8> {
    signed(&BASE64.encode(header), &BASE64.encode(claims(Kind::Lease).to_string()), key)
}

fn signed(protected: &str, payload: &str, key: &SigningKey) -> Vec<u8> {
    let pair = ring::signature::Ed25519KeyPair::from_seed_unchecked(key.seed()).unwrap();
    let signature = BASE64.encode(pair.sign(format!("{protected}.{payload}").as_bytes()));
    join([protected, payload, &signature])
}

const LEASE: &str = r#""typ":"reprieve-lease+jwt","kid":"lease-key""#;

#[test]
fn alg_is_no_choice_of_the_token() {
    let key = key_of(Role::Lease);
    assert!(opened(&with_header(&format!(r#"{{"alg":"EdDSA",{LEASE}}}"#), &key)).is_ok());
    assert!(opened(&with_header(&format!(r#"{{"alg":"Ed25519",{LEASE}}}"#), &key)).is_ok());
    for alg in ["none", "None", "", "HS256", "RS256", "ES256", "eddsa", "Ed448", "EdDSA "] {
        let header = format!(r#"{{"alg":"{alg}",{LEASE}}}"#);
        let [protected, payload, signature] = parts(&with_header(&header, &key));
        for signature in [signature.as_str(), ""] {
            assert_eq!(opened(&join([&protected, &payload, signature])), Err(Refusal::BadSignature), "{alg}");
        }
    }
    for alg in ["null", "1", "[\"EdDSA\"]"] {
        let header = format!(r#"{{"alg":{alg},{LEASE}}}"#);
        assert_eq!(opened(&with_header(&header, &key)), Err(Refusal::Malformed), "{alg}");
    }
    assert_eq!(opened(&with_header(&format!("{{{LEASE}}}"), &key)), Err(Refusal::Malformed));
}

#[test]
fn the_public_key_is_no_secret_of_an_hmac() {
    let key = key_of(Role::Lease);
    let jwk = key.jwk_public().to_string();
    let x = key.jwk_public()["x"].as_str().unwrap().to_owned();
    for secret in [key.public().as_slice(), jwk.as_bytes(), x.as_bytes()] {
        for alg in ["HS256", "EdDSA"] {
            let protected = BASE64.encode(format!(r#"{{"alg":"{alg}",{LEASE}}}"#));
            let payload = BASE64.encode(claims(Kind::Lease).to_string());
            let message = format!("{protected}.{payload}");
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
            let token = join([&protected, &payload, &BASE64.encode(tag)]);
            assert_eq!(opened(&token), Err(Refusal::BadSignature));
        }
    }
}

#[test]
fn headers_that_want_something() {
    let key = key_of(Role::Lease);
    for (more, expected) in [
        (r#""x5c":["AAAA"],"jku":"https://example.com","cty":"x""#, None),
        (r#""jwk":{"kty":"OKP","crv":"Ed25519","x":"AAAA"}"#, None),
        (r#""crit":["b64"],"b64":false"#, Some(Refusal::Malformed)),
        (r#""crit":["exp"],"exp":1"#, Some(Refusal::Malformed)),
        (r#""crit":[]"#, Some(Refusal::Malformed)),
        (r#""crit":null"#, Some(Refusal::Malformed)),
        (r#""kid":"lease-key""#, Some(Refusal::Malformed)),
        (r#""\u0061lg":"EdDSA""#, Some(Refusal::Malformed)),
    ] {
        let token = with_header(&format!(r#"{{"alg":"EdDSA",{LEASE},{more}}}"#), &key);
        assert_eq!(opened(&token).err(), expected, "{more}");
    }
    // A key that the token itself brings is not looked at.
    let own = key_of(Role::Ruling).jwk_public();
    let header = format!(r#"{{"alg":"EdDSA","typ":"reprieve-lease+jwt","kid":"mine","jwk":{own}}}"#);
    assert_eq!(opened(&with_header(&header, &key_of(Role::Ruling))), Err(Refusal::UnknownKey));
    let header = r#"{"alg":"EdDSA","typ":"reprieve-lease+jwt"}"#;
    assert_eq!(opened(&with_header(header, &key)), Err(Refusal::UnknownKey));
    let header = r#"{"alg":"EdDSA","kid":"lease-key"}"#;
    assert_eq!(opened(&with_header(header, &key)), Err(Refusal::Malformed));
}

#[test]
fn parts_of_two_tokens_make_no_third() {
    let [lease, extension] = [Kind::Lease, Kind::Extension].map(|kind| parts(&token(kind)));
    for mixed in [
        [&extension[0], &lease[1], &lease[2]],
        [&lease[0], &extension[1], &lease[2]],
        [&lease[0], &lease[1], &extension[2]],
        [&extension[0], &lease[1], &extension[2]],
    ] {
        assert_eq!(opened(&join(mixed.map(String::as_str))), Err(Refusal::BadSignature));
    }
}

#[test]
fn what_is_no_jws() {
    let [protected, payload, signature] = parts(&token(Kind::Lease));
    let (p, b, s) = (protected.as_str(), payload.as_str(), signature.as_str());
    let mut tokens = vec![
        Vec::new(),
        b"\n".to_vec(),
        b"...".to_vec(),
        b"{}".to_vec(),
        b"null".to_vec(),
        format!("{p}.{b}").into_bytes(),
        format!("{p}.{b}.{s}.").into_bytes(),
        format!("{p}.{b}.{s}.{s}").into_bytes(),
        format!("{p}==.{b}.{s}").into_bytes(),
        format!("{p}.{b}=.{s}").into_bytes(),
        format!("{p}.{b}.{s}==").into_bytes(),
        format!("{p}.{b}.{s}\u{e9}").into_bytes(),
        [format!("{p}.{b}.").as_bytes(), b"\xff\xfe"].concat(),
        vec![0; 1000],
    ];
    // The same bytes, were the bits that are left over not looked at.
    let last = s.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let next = alphabet.chars().nth(alphabet.find(last).unwrap() + 1).unwrap();
    tokens.push(format!("{p}.{b}.{}{next}", &s[..s.len() - 1]).into_bytes());
    for token in tokens {
        assert_eq!(opened(&token), Err(Refusal::Malformed), "{:?}", String::from_utf8_lossy(&token));
        assert!(inspect(&token).is_err() && read_unverified(&token).is_none());
    }
}

#[test]
fn payloads_that_are_no_claims() {
    let key = key_of(Role::Lease);
    let deep = |open: &str, n: usize| format!(r#"{{"iat":{IAT},"x":{}"#, open.repeat(n));
    let twice = claims(Kind::Lease).to_string().replacen('{', r#"{"license":"L2","#, 1);
    let nested = claims(Kind::Lease).to_string().replacen(r#""core":"#, r#""core":1,"core":"#, 1);
    for payload in [
        deep("[", 100_000).into_bytes(),
        deep("{\"x\":", 30_000).into_bytes(),
        format!(r#"{{"x":{}{}}}"#, "[".repeat(40), "]".repeat(40)).into_bytes(),
        twice.into_bytes(),
        nested.into_bytes(),
        b"\xff\xfe{}".to_vec(),
        b"{\"license\":\"\xc3\x28\"}".to_vec(),
        b"[]".to_vec(),
        b"".to_vec(),
        b"\"text\"".to_vec(),
        b"{} {}".to_vec(),
    ] {
        let token = issue_unchecked(&typ(Kind::Lease), &payload, &[&key]);
        assert!(token.len() <= MAX_TOKEN);
        assert_eq!(opened(&token), Err(Refusal::Malformed));
        assert!(inspect(&token).is_err());
    }
}

#[test]
fn work_is_bounded() {
    let key = key_of(Role::Lease);
    let huge = issue_unchecked(&typ(Kind::Lease), &vec![b' '; 10 << 20], &[&key]);
    let many = vec![json!({ "protected": "e30", "signature": "AA" }); 1 << 16];
    let general = json!({ "payload": "e30", "signatures": many }).to_string();
    let started = Stopwatch::now();
    for token in [huge.as_slice(), general.as_bytes(), "[".repeat(10 << 20).as_bytes(), &vec![b'{'; MAX_TOKEN]] {
        assert_eq!(opened(token), Err(Refusal::Malformed));
    }
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
    // The largest that is looked at, and one byte more.
    let mut claims = claims(Kind::Lease);
    let fixed = issue(Kind::Lease, &claims, &[&key]).unwrap().len();
    for (length, fits) in [((MAX_TOKEN - fixed) * 3 / 4 - 10, true), ((MAX_TOKEN - fixed) * 3 / 4 + 10, false)] {
        claims["pad"] = json!("x".repeat(length));
        assert_eq!(issue(Kind::Lease, &claims, &[&key]).is_ok(), fits);
        let token = issue_unchecked(&typ(Kind::Lease), claims.to_string().as_bytes(), &[&key]);
        assert_eq!(opened(&token).is_ok(), fits);
    }
}

#[test]
fn every_flipped_bit_is_found() {
    for kind in [Kind::Lease, Kind::Extension] {
        let good = if kind == Kind::Extension {
            issue(kind, &claims(kind), &[&key_of(Role::Support), &key("support-2")]).unwrap()
        } else {
            token(kind)
        };
        let document = opened(&good).unwrap();
        let trust = trust();
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut token = good.clone();
                token[at] ^= 1 << bit;
                // JSON has white space and names that nobody reads, so a token may survive, but as the same document only.
                if let Ok(other) = open(&token, &trust).result {
                    assert!(kind == Kind::Extension && other == document, "byte {at}, bit {bit}");
                }
            }
        }
    }
}

fn kinds() -> impl Strategy<Value = Kind> {
    proptest::sample::select(Kind::ALL)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(token in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(open(&token, &trust()).result.is_err());
        let _ = (inspect(&token), read_unverified(&token));
    }

    #[test]
    fn any_text_of_jwss_alphabet(token in "[{\\[\"a-zA-Z0-9_.=:,\\]} -]{0,300}") {
        prop_assert!(open(token.as_bytes(), &trust()).result.is_err());
        let _ = (inspect(token.as_bytes()), read_unverified(token.as_bytes()));
    }

    #[test]
    fn any_signed_payload(kind in kinds(), payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        let token = issue_unchecked(&typ(kind), &payload, &[&signer(kind)]);
        prop_assert_eq!(opened(&token), Err(Refusal::Malformed));
    }

    #[test]
    fn a_claim_of_any_shape(kind in kinds(), at in any::<proptest::sample::Index>(), value in json_value()) {
        let mut claims = claims(kind);
        let map = claims.as_object_mut().unwrap();
        let name = map.keys().nth(at.index(map.len())).unwrap().clone();
        map.insert(name, value);
        let token = issue_unchecked(&typ(kind), claims.to_string().as_bytes(), &[&signer(kind)]);
        // The same claims can be signed exactly if they are accepted.
        let accepted = opened(&token);
        prop_assert_eq!(accepted.is_ok(), issue(kind, &claims, &[&signer(kind)]).is_ok());
        prop_assert!(!matches!(accepted, Err(refusal) if !matches!(refusal, Refusal::Malformed | Refusal::Unsupported)));
    }

    #[test]
    fn mutated_tokens(
        kind in kinds(),
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>(), 0..4u8), 1..6),
    ) {
        let good = token(kind);
        let mut bad = good.clone();
        for (at, byte, how) in edits {
            let at = at.index(bad.len().max(1));
            match how {
                0 if at < bad.len() => bad[at] = byte,
                1 if at < bad.len() => drop(bad.remove(at)),
                2 => bad.insert(at, byte),
                _ => bad.truncate(at),
            }
        }
        let result = open(&bad, &trust()).result;
        prop_assert!(result.is_err() || result.ok() == opened(&good).ok());
    }
}

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(|b| json!(b)),
        any::<i64>().prop_map(|n| json!(n)),
        any::<f64>().prop_map(|n| json!(n)),
        "[a-z.*]{0,5}".prop_map(|s| json!(s)),
        any::<String>().prop_map(|s| json!(s)),
    ];
    leaf.prop_recursive(4, 20, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|list| json!(list)),
            proptest::collection::btree_map("[a-z.*]{0,5}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}
