//! Policies, notices, revocations, keys, and the log.

use reprieve::document::{SigningKey, TrustStore};
use reprieve::terms::{Access, Kind};
use serde_json::{Value, json};

use super::world::{World, kinds};

#[test]
fn a_policy_is_published_after_a_dry_run() {
    let world = World::new();
    let code = world.license("L1");
    world.license("L2");
    let client = world.client("m1");
    world.renew(&client, Some(&code));
    let ops = world.token("ops", &["read", "publish"], "1d");
    let key = world.key_file("keys/policy-1");
    let first = std::fs::read_to_string(world.path("policy.toml")).unwrap();
    let file = world.dir.path().join("policy.toml");
    let write = |text: &str| std::fs::write(&file, text).unwrap();
    let second = first
        .replace("\nversion = 1\n", "\nversion = 2\n")
        .replace("[[changes]]\nversion = 1", "[[changes]]\nversion = 2")
        .replace("server = { allowance = \"14d\" }", "server = { allowance = \"10d\" }");
    assert_ne!(first, second);
    write(&second);
    let file = file.to_str().unwrap();
    let result = world.there(&ops, &["policy", "dry-run", file, "--json"]).good().json();
    assert_eq!((&result["before"], &result["after"], &result["worse_count"]), (&json!(1), &json!(2), &json!(2)));
    let worse = &result["groups"][0]["differences"][0];
    assert_eq!(
        (&worse["reason"], &worse["what"], &worse["before"], &worse["after"]),
        (&json!("server"), &json!("allowance"), &json!("14d"), &json!("10d"))
    );
    let table = world.there(&ops, &["policy", "dry-run", file]).good().out;
    assert!(table.contains("server.allowance") && table.contains("2 licences would fare worse"), "{table}");
    let publish = ["policy", "publish", file, "--key", &key, "--why", "the second one"];
    world.there(&ops, &publish).bad(2, "nothing was published");
    let issued =
        || world.admin("GET", "/admin/v1/documents?document=policy", &Value::Null).unwrap().as_array().unwrap().len();
    assert_eq!(issued(), 1);
    let told = world.there(&ops, &[&publish[..], &["--json"]].concat());
    assert_eq!(
        (told.code, &told.json()["published"], &told.json()["dry_run"]["worse_count"]),
        (2, &Value::Null, &json!(2))
    );
    let yes = [&publish[..], &["--yes"]].concat();
    world.there(&ops, &yes).good();
    assert!(kinds(&world.renew(&client, None).0).contains(&"policy"));
    world.there(&ops, &yes).bad(2, "version 2 is in force");
    // Better for all: nobody need be asked. Without a word in the changelog it is refused all the same.
    let third = second
        .replacen("\nversion = 2\n", "\nversion = 3\n", 1)
        .replace("server = { allowance = \"10d\" }", "server = { allowance = \"20d\" }");
    write(&third);
    world.there(&ops, &publish).bad(1, "no entry in `changes` for its version 3");
    write(&third.replace("[[changes]]\nversion = 2", "[[changes]]\nversion = 3"));
    world.there(&ops, &publish).good();
    write("schema = 1\nid = \"acme\"\nversion = 4\n[tiers.basic]\nnetwork = {}\n");
    world.there(&ops, &publish).bad(2, "tiers.basic.network.allowance");
}

#[test]
fn notices_come_and_are_cancelled() {
    let world = World::new();
    let code = world.license("L1");
    let client = world.client("m1");
    world.renew(&client, Some(&code));
    let ops = world.token("ops", &["read", "publish"], "1d");
    let key = world.key_file("keys/notice-1");
    let new = [
        "notice",
        "new",
        "2026-upgrade",
        "--start",
        "+1h",
        "--end",
        "+5h",
        "--sku",
        "cad",
        "--key",
        &key,
        "--why",
        "an upgrade",
    ];
    world.there(&ops, &new).good();
    assert!(kinds(&world.renew(&client, None).0).contains(&"notice"));
    let cancel = ["notice", "cancel", "2026-upgrade", "--key", &key, "--why", "not now"];
    world.there(&ops, &cancel).good();
    assert!(kinds(&world.renew(&client, None).0).contains(&"notice"), "the cancellation is a notice of its name");
    let (_, _, common) = world.http("GET", "/v1/common.json", None, None);
    let common: Value = serde_json::from_str(&common).unwrap();
    assert_eq!(common["documents"].as_array().unwrap().len(), 3, "keys, policy, and one notice");
    world
        .there(&ops, &["notice", "cancel", "other", "--key", &key, "--why", "x"])
        .bad(2, "no notice other is in force");
}

#[test]
fn a_revocation_is_taken_back() {
    let world = World::new();
    let code = world.license("L1");
    let client = world.client("m1");
    world.renew(&client, Some(&code));
    assert_eq!(client.check("cad", "core").access, Access::Full);
    let ops = world.token("ops", &["read", "publish"], "1d");
    let key = world.key_file("keys/revocation-1");
    let done =
        world.there(&ops, &["revocation", "new", "L1", "--key", &key, "--why", "charged back", "--json"]).good().json();
    let (answers, says) = world.renew(&client, None);
    assert!(kinds(&answers).contains(&"revocation"), "{answers:?}");
    assert_eq!(says["problems"][0]["problem"], "revoked");
    client.upkeep().unwrap();
    assert_eq!(client.check("cad", "core").access, Access::Denied);
    let id = done["id"].as_str().unwrap();
    let reinstate = ["revocation", "reinstate", id, "--why", "they paid"];
    world.there(&ops, &reinstate).good();
    world.there(&ops, &reinstate).bad(2, "is no revocation in force");
    world.there(&ops, &["revocation", "reinstate", "0", "--why", "x"]).bad(2, "is no revocation in force");
    // A lease of the same second is no newer than the revocation.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let (answers, _) = world.renew(&client, None);
    assert!(kinds(&answers).contains(&"lease") && !kinds(&answers).contains(&"revocation"), "{answers:?}");
    client.upkeep().unwrap();
    assert_eq!(client.check("cad", "core").access, Access::Full);
    assert_eq!(world.journal("L1").last().map(String::as_str), Some("ops revocation.reinstate"));
}

/// Whom a `keys` document says is to be trusted.
fn trust(keys: &Value) -> TrustStore {
    let mut trust = TrustStore::default();
    match reprieve::document::read_unverified(keys.as_str().unwrap().as_bytes()) {
        Some(reprieve::document::Document::Keys(keys)) => trust.adopt(&keys),
        other => panic!("{other:?}"),
    };
    trust
}

#[test]
fn the_key_of_leases_rotates() {
    let mut world = World::new();
    let code = world.license("L1");
    let before = world.client("before");
    let old_lease = world.renew(&before, Some(&code)).1["documents"].as_array().unwrap().last().unwrap().clone();
    let ops = world.token("ops", &["read", "publish"], "1d");
    let root = world.key_file("keys/root-1");
    let (file, passphrase) = (world.path("keys/lease-2.pem"), world.path("keys/passphrase"));
    let made = world
        .there(
            "none",
            &["keys", "new", file.to_str().unwrap(), "--role", "lease", "--passphrase", passphrase.to_str().unwrap()],
        )
        .good();
    let public = world.dir.path().join("lease-2.pub.jwk");
    std::fs::write(&public, &made.out).unwrap();
    let add = ["keys", "add", public.to_str().unwrap(), "--key", &root, "--why", "the yearly rotation"];
    let lease = world.key_file("keys/lease-1");
    world.there(&ops, &[&add[..4], &[lease.as_str()], &add[5..]].concat()).bad(1, "wrong_role");
    world.there(&ops, &add).good();
    world.there(&ops, &add).bad(2, "there is a key lease-2 already");
    // While it signs with the old one, that is not taken from it by mistake.
    let retire = ["keys", "retire", "lease-1", "--key", &root, "--why", "the yearly rotation"];
    world.there(&ops, &retire).bad(2, "no product would take a lease that this authority signs");
    // The authority begins anew with it, and then the old one is retired.
    world.stop();
    let settings = std::fs::read_to_string(world.path("authority.toml")).unwrap();
    std::fs::write(world.path("authority.toml"), settings.replace("lease-1.pem", "lease-2.pem")).unwrap();
    world.serve();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    world.there(&ops, &["keys", "retire", "lease-1", "--key", &root, "--why", "the yearly rotation"]).good();
    let list = world.there(&ops, &["keys", "list"]).good().out;
    assert!(list.starts_with("version 3\n") && list.contains("lease-2"), "{list}");
    // A product that was there before goes on: its old lease holds, and it takes a new one.
    assert_eq!(before.check("cad", "core").access, Access::Full);
    let (answers, says) = world.renew(&before, None);
    assert!(kinds(&answers).starts_with(&["keys"]) && kinds(&answers).contains(&"lease"), "{answers:?}");
    let new_lease = says["documents"].as_array().unwrap().last().unwrap().clone();
    let kid =
        |token: &Value| reprieve::document::inspect(token.as_str().unwrap().as_bytes()).unwrap().signers[0].kid.clone();
    assert_eq!((kid(&old_lease).as_deref(), kid(&new_lease).as_deref()), (Some("lease-1"), Some("lease-2")));
    // One that is opened anew reads both off its ledger, by the newest keys.
    before.close().unwrap();
    let again = world.client("before");
    assert_eq!(again.check("cad", "core").access, Access::Full);
    let told = again.import(old_lease.as_str().unwrap().as_bytes()).unwrap();
    assert!(
        told.error.is_none_or(|error| error.as_str() == "stale"),
        "what the old key signed goes on to hold: {told:?}"
    );
    let told = reprieve::document::open(old_lease.as_str().unwrap().as_bytes(), &trust(&says["documents"][0]));
    assert!(told.result.is_ok(), "{told:?}");
    // One that comes after, with the application file of before.
    let after = world.client("after");
    world.renew(&after, Some(&code));
    assert_eq!(after.check("cad", "core").access, Access::Full);
    // Who goes on with the old key issues nothing that a product would take.
    world.stop();
    std::fs::write(world.path("authority.toml"), settings).unwrap();
    world.here(&["log-key"]).bad(2, "products would trust no lease of the key lease-1");
}

#[test]
fn the_log_is_verified_on_ones_own_machine() {
    let world = World::new();
    let code = world.license("L1");
    let client = world.client("m1");
    let (_, says) = world.renew(&client, Some(&code));
    let key = world.here(&["log-key"]).good().out.trim().to_owned();
    let seen = world.dir.path().join("seen.json");
    let seen = seen.to_str().unwrap();
    let anonymous = |args: &[&str]| {
        let base = ["--url", world.base.as_str()];
        world.here(&[&base[..], args].concat())
    };
    let verify = |more: &[&str]| anonymous(&[&["log", "verify", "--seen", seen][..], more].concat());
    verify(&[]).bad(2, "give the log's key");
    let other = world.key("keys/lease-1");
    let wrong = reprieve::ledger::note::Verifier::new("acme/authority", other.public()).unwrap().vkey();
    verify(&["--key", &wrong]).bad(1, "the checkpoint");
    assert!(verify(&["--key", &key]).good().out.contains("has 3 documents"));
    for _ in 0..5 {
        world.renew(&client, None);
    }
    assert!(verify(&[]).good().out.contains("has 8 documents"));
    let token = world.dir.path().join("lease.jws");
    std::fs::write(&token, format!("{}\n", says["documents"].as_array().unwrap().last().unwrap().as_str().unwrap()))
        .unwrap();
    let proof = |file: &std::path::Path| anonymous(&["log", "proof", file.to_str().unwrap(), "--seen", seen]);
    assert!(proof(&token).good().out.contains("is number 2 of the 8"));
    let odd = world.dir.path().join("odd.jws");
    std::fs::write(&odd, "eyJ.eyJ.x").unwrap();
    proof(&odd).bad(2, "was ever issued here");
    // The log's own key signs another history: whoever has seen the first one finds out, and what he has seen stays.
    let log: SigningKey = world.key("keys/log-1");
    let sign = |size: u64, root: [u8; 32]| {
        let checkpoint =
            reprieve::ledger::note::Checkpoint { origin: "acme/authority".to_owned(), size, root, extensions: vec![] };
        reprieve::ledger::note::sign_by("acme/authority", log.public(), &checkpoint.text(), |text| {
            reprieve::document::Sign::sign(&log, text).map_err(|_| unreachable!())
        })
        .map_err(|error: reprieve::ledger::Error| error)
        .unwrap()
    };
    for (size, word) in [(9, "took some back"), (8, "does not go on"), (5, "does not go on")] {
        let text = json!({ "key": key, "checkpoint": sign(size, [1; 32]) }).to_string();
        std::fs::write(seen, &text).unwrap();
        verify(&[]).bad(1, word);
        assert_eq!(std::fs::read_to_string(seen).unwrap(), text);
    }
}

#[test]
fn the_books_are_kept_by_command() {
    let world = World::new();
    let here = |args: &[&str]| world.here(args).good().out;
    here(&["product", "new", "cam", "--name", "CAM"]);
    let code = here(&[
        "license",
        "new",
        "L1",
        "--sku",
        "cad",
        "--customer",
        "A customer",
        "--feature",
        "core",
        "--feature",
        "export.step=2040-01-01T00:00:00Z",
    ]);
    assert!(code.starts_with("rpa_"), "{code}");
    let client = world.client("m1");
    world.renew(&client, Some(code.trim()));
    let ledger = client.ledger_id().unwrap();
    assert!(here(&["license", "show", "L1"]).contains(&ledger));
    assert!(here(&["license", "list", "--customer", "A customer"]).contains("export.step"));
    let changed = here(&["license", "change", "L1", "--seats", "5", "--why", "they grew", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&changed).unwrap()["seats"], 5);
    here(&["license", "suspend", "L1", "--why", "unpaid"]);
    assert_eq!(world.renew(&client, None).1["problems"][0]["problem"], "suspended");
    here(&["license", "resume", "L1", "--why", "paid"]);
    assert!(kinds(&world.renew(&client, None).0).contains(&"lease"));
    assert!(here(&["ledger", "show", &ledger]).contains("heard"));
    assert!(here(&["ledger", "list-put-back"]).starts_with("LEDGER"));
    here(&["seat", "free", "L1", &ledger, "--why", "a new machine"]);
    world.here(&["seat", "free", "L1", &ledger, "--why", "again"]).bad(2, "holds no seat");
    here(&["--who", "carol", "ledger", "forget", &ledger, "--why", "made anew"]);
    world.here(&["ledger", "show", &ledger]).bad(2, "never asked");
    assert_eq!(world.journal(&ledger).last().map(String::as_str), Some("carol ledger.forget"));
    assert!(here(&["journal", "--limit", "3"]).contains("ledger.forget"));
    assert!(here(&["document", "list", "--kind", "keys"]).contains("keys"));
    assert!(here(&["document", "show", "0", "--token"]).starts_with("ey"));
    world.here(&["--who", "a b", "product", "list"]).bad(2, "is no name");
    // The same rules as over HTTP.
    world.here(&["product", "new", "a b", "--name", "x"]).bad(2, "`sku`");
    world.here(&["license", "new", "L1", "--sku", "cad", "--customer", "c", "--feature", "x"]).bad(2, "already");
    // Publishing what was signed elsewhere.
    let claims = json!({ "license": "L1", "effective": 1_900_000_000, "iat": super::world::now() });
    let token = reprieve::document::issue(Kind::Revocation, &claims, &[&world.key("keys/revocation-1")]).unwrap();
    let file = world.dir.path().join("r.jws");
    std::fs::write(&file, token).unwrap();
    assert!(here(&["publish", file.to_str().unwrap(), "--why", "by hand"]).starts_with("revocation "));
    world.here(&["--url", "http://127.0.0.1:1", "product", "list"]).bad(3, "try again");
    world.here(&["--url", "ftp://x", "product", "list"]).bad(2, "--url");
}

#[test]
fn a_stolen_key_of_leases_is_taken_out_at_once() {
    let world = World::new();
    let code = world.license("L1");
    let client = world.client("m1");
    let lease = world.renew(&client, Some(&code)).1["documents"].as_array().unwrap().last().unwrap().clone();
    let ops = world.token("ops", &["read", "publish"], "1d");
    let root = world.key_file("keys/root-1");
    // Though the authority signs with it still: better no new lease than one of the thief's.
    world.there(&ops, &["keys", "retire", "lease-1", "--stolen", "--key", &root, "--why", "it was stolen"]).good();
    let (_, _, common) = world.http("GET", "/v1/common.json", None, None);
    let common: Value = serde_json::from_str(&common).unwrap();
    let keys = common["documents"].as_array().unwrap().last().unwrap();
    let told = reprieve::document::open(lease.as_str().unwrap().as_bytes(), &trust(keys));
    assert_eq!(told.result.unwrap_err().refusal.as_str(), "unknown_key");
}
