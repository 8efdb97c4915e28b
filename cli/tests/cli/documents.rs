//! `reprieve keys`, `sign` and `inspect`.

use reprieve::terms::Kind;
use serde_json::{Value, json};

use crate::support::{Place, vendor};

#[test]
#[cfg(unix)]
fn a_private_key_is_its_owners_alone_and_never_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    for (file, more) in [("a.jwk", None), ("a.pem", Some("--pem"))] {
        let mut args = vec!["keys", "new", file];
        args.extend(more);
        let ran = place.run(&args).ends(0).says(&["the private key", file]);
        let public: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!((&public["kty"], &public["crv"]), (&json!("OKP"), &json!("Ed25519")));
        assert!(public.get("d").is_none());
        let mode = std::fs::metadata(place.path(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
        let before = place.read(file);
        place.run(&args).ends(2).says(&[file, "choose another name"]);
        assert_eq!(place.read(file), before);
        assert_eq!(place.json(&["keys", "public", file]), public);
    }
    assert!(place.read("a.pem").starts_with("-----BEGIN PRIVATE KEY-----\n"));
    std::fs::set_permissions(place.path("a.jwk"), std::fs::Permissions::from_mode(0o644)).unwrap();
    place.run(&["keys", "public", "a.jwk"]).ends(0).says(&["chmod 600"]);
    place.run(&["keys", "new", "no/such/folder.jwk"]).ends(2).says(&["make the folder first"]);
}

#[test]
fn a_key_has_a_name_and_roles() {
    let place = Place::new();
    let named = place.json(&["keys", "new", "a.jwk", "--kid", "lease-1", "--role", "lease", "--role", "notice"]);
    assert_eq!((&named["kid"], &named["roles"]), (&json!("lease-1"), &json!(["lease", "notice"])));
    let unnamed = place.json(&["keys", "new", "b.jwk", "--role", "support"]);
    assert!(unnamed["kid"].as_str().unwrap().starts_with("support-"));
    place.run(&["keys", "new", "c.jwk", "--role", "king"]).ends(2).says(&["there are lease, policy"]);
    place.run(&["keys", "new", "c.jwk", "--kid", "a b"]).ends(2);
    place.write("odd.jwk", r#"{"kty":"RSA","n":"x"}"#);
    place.run(&["keys", "public", "odd.jwk"]).ends(2).says(&["odd.jwk", "`kty` is not OKP"]);
}

#[test]
fn a_keys_document_needs_roles() {
    let place = Place::new();
    for name in ["root", "plain"] {
        let public = place.run(&["keys", "new", &format!("{name}.jwk"), "--kid", name]).ok();
        place.write(&format!("{name}.pub"), public);
    }
    let base = ["keys", "document", "--version", "3", "--root", "root.pub"];
    place.run(&[&base[..], &["plain.pub"]].concat()).ends(2).says(&["plain.pub", "lease:plain.pub"]);
    let claims = place.json(&[&base[..], &["lease,policy:plain.pub"]].concat());
    assert_eq!(claims["keys"][0]["roles"], json!(["lease", "policy"]));
    assert_eq!((&claims["version"], &claims["roots"][0]["kid"]), (&json!(3), &json!("root")));
    place.run(&[&base[..], &["lease:nowhere.pub"]].concat()).ends(2).says(&["nowhere.pub"]);
}

/// Every kind, as its own example says it, is signed, and accepted by the keys of the application file.
#[test]
fn every_kind_is_signed_and_verified() {
    let place = vendor();
    for kind in Kind::ALL {
        let key = match kind {
            Kind::Lease => "lease.jwk",
            Kind::Extension => "anna.jwk",
            Kind::Keys => "root.jwk",
            _ => "vendor.jwk",
        };
        let kind = kind.as_str();
        place.write("claims.toml", place.run(&["sign", kind, "--example"]).ok());
        place.run(&["sign", kind, "claims.toml", "--key", key, "-o", "token.jws"]).ok();
        let seen = place.json(&["inspect", "token.jws", "--app", "reprieve.toml", "--json"]);
        assert_eq!((&seen["checked"], &seen["good"], &seen["kind"]), (&json!(true), &json!(true), &json!(kind)));
        let text = place.run(&["inspect", "token.jws", "--app", "reprieve.toml"]).ok();
        assert!(text.contains("good: they hold"), "{text}");
    }
}

#[test]
fn instants_are_as_people_write_them() {
    let place = vendor();
    let claims = |text: &str| {
        place.write("c.toml", text);
        place.run(&["sign", "lease", "c.toml", "--key", "lease.jwk", "-o", "t.jws"]).ok();
        place.json(&["inspect", "t.jws", "--json"])["claims"].clone()
    };
    let base = "license = \"L1\"\nsku = \"cad\"\nledger = \"*\"\n";
    let lease = claims(&format!(
        "{base}iat = 2026-01-01T00:00:00Z\n[features]\na = \"30d\"\nb = \"+1h\"\nc = 2026-02-01T01:00:00+01:00\nd = \"2026-02-01T00:00:00Z\"\ne = 1769904000\n"
    ));
    let day = 86_400;
    let iat = 1_767_225_600;
    assert_eq!(lease["iat"], iat);
    assert_eq!(lease["features"]["a"], iat + 30 * day);
    assert_eq!(lease["features"]["b"], iat + 3600);
    for feature in ["c", "d", "e"] {
        assert_eq!(lease["features"][feature], iat + 31 * day, "{feature}");
    }
    let before = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let now = claims(&format!("{base}features = [\"a\"]\nttl = \"1d\"\n"));
    assert!(now["iat"].as_u64().unwrap() >= before);
    assert_eq!(now["features"]["a"].as_u64().unwrap(), now["iat"].as_u64().unwrap() + 86_400);
    let json = place.run_with(
        &["sign", "revocation", "-", "--key", "vendor.jwk", "--iat", "2026-01-01T00:00:00Z"],
        br#"{"license": "L1", "features": ["core"]}"#,
    );
    place.write("r.jws", json.ok());
    assert_eq!(place.json(&["inspect", "r.jws", "--json"])["claims"]["effective"], iat);
}

#[test]
fn what_would_be_refused_is_not_signed() {
    let place = vendor();
    let lease = "license = \"L1\"\nsku = \"cad\"\nledger = \"*\"\n";
    for (kind, text, says) in [
        ("lease", "license = ".to_owned(), "TOML"),
        ("lease", "{\"license\": }".to_owned(), "is no JSON"),
        ("lease", "{\"license\": \"L1\", \"license\": \"L2\"}".to_owned(), "`license` stands twice"),
        ("lease", lease.to_owned(), "the claim `features` is missing"),
        ("lease", format!("{lease}features = [\"a\"]"), "`ttl` is missing"),
        ("lease", format!("{lease}features = [\"a\"]\nttl = \"soon\""), "`ttl`: `soon` is no duration"),
        ("lease", format!("{lease}features = [\"a\", \"a\"]\nttl = \"1d\""), "names `a` twice"),
        ("lease", format!("{lease}features = {{ \"a.*\" = \"1d\" }}"), "a lease has no patterns"),
        ("lease", format!("{lease}features = {{ a = 2026-01-01 }}"), "`features.a`: `2026-01-01` is no instant"),
        ("lease", format!("{lease}features = {{ a = 1.5 }}"), "`features.a` is 1.5"),
        ("lease", format!("{lease}features = {{ a = 1767225600000 }}"), "not milliseconds"),
        (
            "extension",
            "license = \"L1\"\nuntil = \"+1d\"\nfeature = [\"core\"]".to_owned(),
            "`feature` is no claim of an extension",
        ),
        ("extension", "license = \"L1\"\nuntil = \"-1d\"".to_owned(), "`until`"),
        ("extension", "license = \"L 1\"\nuntil = \"+1d\"".to_owned(), "the claim `license` is no name"),
        ("notice", "id = \"m\"\nstart = \"+2h\"\nend = \"+1h\"".to_owned(), "is not after `start`"),
        ("ruling", "license = \"L1\"\nledger = \"x\"".to_owned(), "neither `void` nor `clears`"),
    ] {
        let key = match kind {
            "lease" => "lease.jwk",
            "extension" => "anna.jwk",
            _ => "vendor.jwk",
        };
        let ran = place.run_with(&["sign", kind, "-", "--key", key], text.as_bytes()).ends(2).says(&["stdin", says]);
        assert_eq!(ran.out, "", "{text}");
    }
    let own = b"license = \"L1\"\nuntil = \"+1d\"\nticket = 7";
    place.run_with(&["sign", "extension", "-", "--key", "anna.jwk", "--extra"], own).ends(0);
    place.run(&["sign", "lease", "nowhere.toml", "--key", "lease.jwk"]).ends(2).says(&["nowhere.toml"]);
    place.run(&["sign", "lease", "lease.toml", "--key", "nowhere.jwk"]).ends(2).says(&["nowhere.jwk"]);
    place.run(&["sign", "lease", "lease.toml", "--key", "anna.jwk"]).ends(2).says(&[
        "anna.jwk",
        "for support",
        "role lease",
    ]);
}

#[test]
fn several_signers_make_general_json() {
    let place = vendor();
    place.write("grant.toml", "license = \"L1\"\nuntil = \"+3d\"\n");
    let both = ["sign", "extension", "grant.toml", "--key", "anna.jwk", "--key", "ben.jwk", "-o", "grant.jws"];
    place.run(&both).ends(0).says(&["signed by anna, ben"]);
    assert!(place.read("grant.jws").starts_with("{\"payload\""));
    let text = place.run(&["inspect", "grant.jws", "--app", "reprieve.toml"]).ok();
    assert!(text.contains("General JSON") && text.contains("approvals   2"), "{text}");
    place.run(&["sign", "extension", "grant.toml", "--key", "anna.jwk", "--key", "anna.jwk"]).ends(2).says(&["twice"]);
}

#[test]
fn pem_keys_sign_under_the_name_that_is_given() {
    let place = vendor();
    place.run(&["keys", "new", "p.pem", "--pem"]).ok();
    place
        .run(&["sign", "lease", "lease.toml", "--key", "p.pem", "--kid", "lease-9", "-o", "t.jws"])
        .ends(0)
        .says(&["lease-9"]);
    assert_eq!(place.json(&["inspect", "t.jws", "--json"])["signers"][0]["kid"], "lease-9");
}

#[test]
fn an_unchecked_token_says_so() {
    let place = vendor();
    place.run(&["sign", "lease", "lease.toml", "--key", "lease.jwk", "-o", "t.jws"]).ok();
    let text = place.run(&["inspect", "t.jws"]).ok();
    assert!(text.contains("NOT CHECKED"), "{text}");
    assert_eq!(place.json(&["inspect", "t.jws", "--json"])["checked"], false);
    let token = place.read("t.jws");
    assert_eq!(place.run(&["inspect", token.trim()]).ok(), text);
    assert_eq!(place.run_with(&["inspect", "-"], token.as_bytes()).ok(), text);
}

#[test]
fn a_token_that_does_not_hold_is_refused() {
    let place = vendor();
    place.run(&["sign", "lease", "lease.toml", "--key", "lease.jwk", "-o", "t.jws"]).ok();
    let token = place.read("t.jws");
    let (rest, signature) = token.trim().rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    place.write("broken.jws", format!("{rest}.{other}{}", &signature[1..]));
    let ran = place.run(&["inspect", "broken.jws", "--app", "reprieve.toml"]).ends(1);
    assert!(ran.out.contains("REFUSED (bad_signature)"), "{}", ran.out);
    // A stranger's key, and one whose role is another.
    place.run(&["keys", "new", "x.jwk", "--kid", "x"]).ok();
    place.run(&["sign", "lease", "lease.toml", "--key", "x.jwk", "-o", "x.jws"]).ok();
    let ran = place.run(&["inspect", "x.jws", "--app", "reprieve.toml", "--json"]).ends(1);
    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap()["error"], "unknown_key");
    let bare: Value = serde_json::from_str(&place.read("anna.jwk")).unwrap();
    let mut bare = bare.as_object().unwrap().clone();
    bare.shift_remove("roles");
    place.write("bare.jwk", Value::Object(bare).to_string());
    place.run(&["sign", "lease", "lease.toml", "--key", "bare.jwk", "-o", "y.jws"]).ok();
    let ran = place.run(&["inspect", "y.jws", "--app", "reprieve.toml"]).ends(1);
    assert!(ran.out.contains("REFUSED (wrong_role)"), "{}", ran.out);
    for not in ["nowhere.jws", "a.b.c", ""] {
        place.run(&["inspect", not]).ends(2);
    }
    place.write("text.jws", "hello");
    place.run(&["inspect", "text.jws"]).ends(2).says(&["text.jws", "three parts"]);
    place.run(&["inspect", "t.jws", "--app", "nowhere.toml"]).ends(2).says(&["nowhere.toml"]);
}

/// What a token says cannot steer the terminal of who looks into it.
#[test]
fn control_characters_are_written_out() {
    use base64::Engine;
    let place = Place::new();
    let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let header = encode(r#"{"alg":"EdDSA","typ":"reprieve-lease+jwt","kid":"k\u001b[31m"}"#);
    let payload = encode(r#"{"license":"a\u001b[2J\u202eb\u009b1m","x\u001b]0;t\u0007":1}"#);
    let text = place.run(&["inspect", &format!("{header}.{payload}.{}", encode("sig"))]).ok();
    assert!(text.contains("\\u{1b}[2J") && text.contains("\\u{202e}") && text.contains("\\u{9b}"), "{text}");
}
