//! `reprieve ledger rekey` and `upgrade`, and support with an audit key: the whole way.

use std::process::Command;

use reprieve::client::Client;
use serde_json::{Value, json};

use crate::ledgers::ledger;
use crate::support::{Place, Ran, files};

const APP: [&str; 2] = ["--app", "reprieve.toml"];
const SECRET: &str = "c2l4dGVlbiBieXRlcyBvciBtb3Jl";
const OTHER: &str = "YW5vdGhlciBzZWNyZXQgb2YgdGhlaXJz";

fn on(place: &Place, args: &[&str]) -> Ran {
    place.run(&[args, &APP[..]].concat())
}

fn rekey(place: &Place, args: &[&str]) -> Value {
    let ran = on(place, &[&["ledger", "rekey", "--json"], args].concat()).ends(0);
    serde_json::from_str(&ran.out).unwrap()
}

/// The application file with another secret, and these older ones.
fn app(place: &Place, name: &str, secret: &str, older: &[&str]) {
    let secrets = format!("secret = \"{secret}\"\nolder_secrets = {}", json!(older));
    place.write(name, place.read("reprieve.toml").replace(&format!("secret = \"{SECRET}\""), &secrets));
}

const NEWEST: &str = "application: its newest secret";
const OLDER: &str = "application: an older secret that is at hand";

#[test]
fn slots_are_named_before_and_after() {
    let place = ledger();
    let text = on(&place, &["ledger", "rekey"]).ok();
    assert_eq!(text, format!("slots before:\n  {NEWEST}\nslots now:\n  {NEWEST}\n"));
    // The secret changed, and the older one is listed: the first product that opens it adds a slot, and `older` drops the other.
    app(&place, "newer.toml", OTHER, &[SECRET]);
    let newer = ["--app", "newer.toml"];
    let told = place.json(&[&["ledger", "rekey", "--json"], &newer[..]].concat());
    assert_eq!(told["after"], json!([NEWEST, OLDER]));
    on(&place, &["ledger", "status"]).ends(0);
    let told = place.json(&[&["ledger", "rekey", "--drop", "older", "--json"], &newer[..]].concat());
    assert_eq!((&told["before"], &told["after"]), (&json!([NEWEST, OLDER]), &json!([NEWEST])));
    assert_eq!((&told["generation"], &told["previous"]), (&json!(0), &Value::Null));
    on(&place, &["ledger", "status"]).ends(2).says(&["acme.secret", "another application's ledger"]);
    place.run(&[&["ledger", "verify"], &newer[..]].concat()).ok();
    // The last way in stays.
    let before = files(&place.path("ledger"));
    let refused = place.run(&[&["ledger", "rekey", "--drop", "application"], &newer[..]].concat());
    refused.ends(2).says(&["no key slot would be left that a key at hand opens"]);
    place.run(&[&["ledger", "rekey", "--drop", "silly"], &newer[..]].concat()).ends(2);
    let slots = |all: &[(std::path::PathBuf, Vec<u8>)]| {
        all.iter().find(|(path, _)| path.ends_with("acme.g0.ledger")).unwrap().1[..8192].to_vec()
    };
    assert_eq!(slots(&files(&place.path("ledger"))), slots(&before));
}

#[test]
fn a_new_data_key_begins_a_new_file() {
    let place = ledger();
    let product = Client::open(place.path("reprieve.toml")).unwrap();
    let history = on(&place, &["ledger", "history"]).ok();
    let told = rekey(&place, &["--new-data-key"]);
    assert_eq!((&told["generation"], &told["after"]), (&json!(1), &json!([NEWEST])));
    assert!(told["previous"].as_str().unwrap().ends_with("acme.g0.ledger"));
    assert_eq!(product.check("cad", "core").access.as_str(), "full");
    product.appeal(None, "still here").unwrap();
    product.close().unwrap();
    let now = on(&place, &["ledger", "history"]).ok();
    assert!(now.starts_with(&history) && now.contains("still here"), "{now}");
    assert!(on(&place, &["ledger", "verify"]).ok().contains("nothing is wrong"));
    let text = on(&place, &["ledger", "rekey", "--new-data-key"]).ok();
    assert!(text.contains("goes on in generation 2 under a new data key") && text.contains("acme.g1.ledger"), "{text}");
    // A slot that cannot be made anew is lost by name only.
    app(&place, "newer.toml", OTHER, &[SECRET]);
    let newer = ["--app", "newer.toml"];
    place.run(&[&["ledger", "rekey"], &newer[..]].concat()).ok();
    let args = ["ledger", "rekey", "--new-data-key", "--json"];
    on(&place, &args).ends(2).says(&["application: a secret that is not at hand", "name them as dropped"]);
    assert!(!place.path("ledger/acme.g3.ledger").exists());
    let dropped = on(&place, &["ledger", "rekey", "--new-data-key", "--drop", "older", "--json"]).ok();
    let dropped: Value = serde_json::from_str(&dropped).unwrap();
    assert_eq!(dropped["after"], json!([NEWEST]));
    app(&place, "newest.toml", OTHER, &[]);
    place.run(&["ledger", "status", "--app", "newest.toml"]).ends(2).says(&["no key slot opens"]);
    place.run(&["ledger", "status", "--app", "newer.toml"]).ends(0);
}

#[test]
fn a_level_is_raised_once() {
    let place = ledger();
    let file = place.path("ledger/acme.g0.ledger");
    let header = std::fs::read(&file).unwrap()[..8192].to_vec();
    on(&place, &["ledger", "upgrade"]).ends(2).says(&["has level 1 already", "nothing was changed"]);
    on(&place, &["ledger", "upgrade", "--level", "0"]).ends(2).says(&["a level only rises"]);
    on(&place, &["ledger", "upgrade", "--level", "2"]).ends(2).says(&["upgrade with a release that knows it"]);
    assert_eq!(std::fs::read(&file).unwrap()[..8192], header);
    // A newer release raised it: this one reads, says so, and writes nothing.
    let config = reprieve::client::Builder::from_file(place.path("reprieve.toml")).unwrap().config().unwrap();
    let mut ledger =
        reprieve::ledger::Ledger::open(std::sync::Arc::new(reprieve::ledger::Disk), &config).unwrap().ledger;
    let lock = ledger.lock().unwrap();
    ledger.settle(&lock).unwrap();
    ledger.raise_level(&lock, 7).unwrap();
    drop((lock, ledger));
    for command in [&["ledger", "upgrade"][..], &["ledger", "rekey"], &["ledger", "archive"], &["appeal", "late"]] {
        on(&place, command).ends(2).says(&["newer release"]);
    }
    let status: Value = serde_json::from_str(&on(&place, &["ledger", "status", "--json"]).ok()).unwrap();
    assert_eq!((&status["newer"], &status["features"][0]["access"]), (&json!(true), &json!("full")));
}

// ---- support ----

/// What the customer sends: all files but the install secret, in a tar.
fn send(place: &Place, to: &Place) {
    let tar = place.path("sent.tar");
    let mut pack = Command::new("tar");
    pack.args(["--exclude=*.secret", "-cf"]).arg(&tar).arg("-C").arg(place.path("")).arg("ledger");
    assert!(pack.status().unwrap().success());
    assert!(Command::new("tar").arg("-xf").arg(&tar).arg("-C").arg(to.path("")).status().unwrap().success());
    assert!(!to.path("ledger/acme.secret").exists());
}

/// The vendor, the customer, and the vendor's support on a machine of its own.
struct Audited {
    customer: Place,
    support: Place,
}

fn audited(from_the_start: bool) -> Audited {
    let support = Place::new();
    let line = support.run(&["keys", "audit", "audit.jwk"]).ok();
    support.run(&["keys", "audit", "other.jwk"]).ok();
    let customer = ledger();
    customer.write("reprieve.toml", customer.read("reprieve.toml").replace("[place]", &format!("{line}[place]")));
    support.write("reprieve.toml", customer.read("reprieve.toml"));
    if from_the_start {
        let told = rekey(&customer, &["--add", "audit"]);
        assert_eq!(told["after"], json!([NEWEST, format!("audit: {}", line.split('"').nth(1).unwrap())]));
    }
    Audited { customer, support }
}

#[test]
fn support_reads_a_ledger_that_a_customer_sends_and_nobody_else_does() {
    let Audited { customer, support } = audited(true);
    on(&customer, &["appeal", "The machine had a dead battery", "--license", "L1", "-o", "appeal.json"]).ok();
    rekey(&customer, &["--new-data-key"]);
    let told = on(&customer, &["ledger", "history"]).ok();
    let exported = on(&customer, &["ledger", "export"]).ok();
    send(&customer, &support);
    let before = files(&support.path("ledger"));
    let reading: [&[&str]; 3] = [&["ledger", "verify"], &["ledger", "history"], &["ledger", "export"]];
    for command in reading {
        // Without the secret: a wrong key, which is no damage.
        on(&support, command).ends(2).says(&["acme.secret", "is missing", "audit key"]);
        let other = on(&support, &[command, &["--audit-key", "other.jwk"]].concat());
        other.ends(2).says(&["other.jwk", "is for another audit key"]);
        on(&support, &[command, &["--audit-key", "audit.jwk"]].concat()).ends(0);
    }
    let audit = |command: &[&str]| on(&support, &[command, &["--audit-key", "audit.jwk"]].concat()).ok();
    assert!(audit(&["ledger", "verify"]).contains("Everything was checked, and nothing is wrong."));
    assert_eq!((audit(&["ledger", "history"]), audit(&["ledger", "export"])), (told, exported));
    assert!(audit(&["ledger", "history"]).contains("The machine had a dead battery"));
    // What anybody may check needs no key.
    assert!(support.run(&["ledger", "verify", "ledger"]).ok().contains("checked without a key"));
    assert_eq!(files(&support.path("ledger")), before, "reading wrote something");
    // Damage is damage with the right key, and is told with any other as a wrong key.
    let file = support.path("ledger/acme.g1.ledger");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[8192 + 100] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    on(&support, &["ledger", "verify", "--audit-key", "audit.jwk"]).ends(1);
    on(&support, &["ledger", "verify", "--audit-key", "other.jwk"]).ends(2);
    on(&support, &["ledger", "verify"]).ends(2);
}

#[test]
fn without_a_slot_no_audit_key_opens_it() {
    let Audited { customer, support } = audited(false);
    send(&customer, &support);
    let ran = on(&support, &["ledger", "history", "--audit-key", "audit.jwk"]);
    ran.ends(2).says(&["audit.jwk", "no slot for an audit key"]);
    let ran = on(&support, &["ledger", "rekey", "--audit-key", "audit.jwk"]);
    ran.ends(2).says(&["audit.jwk", "no slot for an audit key"]);
    assert!(!support.path("ledger/acme.secret").exists());
    // And one that was dropped opens it no more.
    rekey(&customer, &["--add", "audit"]);
    let told = rekey(&customer, &["--drop", "audit", "--new-data-key"]);
    assert_eq!(told["after"], json!([NEWEST]));
    send(&customer, &support);
    on(&support, &["ledger", "verify", "--audit-key", "audit.jwk"]).ends(2).says(&["no slot for an audit key"]);
}

#[test]
fn a_lost_install_secret_is_made_good_by_support() {
    let Audited { customer, support } = audited(true);
    std::fs::remove_file(customer.path("ledger/acme.secret")).unwrap();
    on(&customer, &["ledger", "status"]).ends(2).says(&["acme.secret", "is missing", "audit key", "ledger retire"]);
    on(&customer, &["check", "cad", "core"]).ends(2);
    assert!(!customer.path("ledger/acme.secret").exists(), "something was made in its place");
    send(&customer, &support);
    on(&support, &["ledger", "rekey", "--audit-key", "other.jwk"]).ends(2).says(&["is for another audit key"]);
    assert!(!support.path("ledger/acme.secret").exists());
    let ran = on(&support, &["ledger", "rekey", "--audit-key", "audit.jwk"]).ends(0);
    assert!(ran.out.contains("application: a secret that is not at hand"), "{}", ran.out);
    assert!(ran.out.contains("acme.secret too"), "{}", ran.out);
    // Back to the customer, whose witness knows the ledger still.
    for (path, bytes) in files(&support.path("ledger")) {
        std::fs::write(customer.path("ledger").join(path.file_name().unwrap()), bytes).unwrap();
    }
    let status: Value = serde_json::from_str(&on(&customer, &["ledger", "status", "--json"]).ok()).unwrap();
    assert_eq!((&status["ledger"], &status["features"][0]["access"]), (&json!("ok"), &json!("full")));
    assert!(on(&customer, &["ledger", "verify"]).ok().contains("nothing is wrong"));
}

/// What an auditor's key does not open is not damaged, and not verified either.
#[test]
fn a_generation_that_the_key_at_hand_does_not_open_is_locked() {
    let Audited { customer, support } = audited(false);
    rekey(&customer, &["--new-data-key"]);
    rekey(&customer, &["--add", "audit"]);
    assert!(on(&customer, &["ledger", "verify"]).ok().contains("Everything was checked, and nothing is wrong."));
    send(&customer, &support);
    let verify = ["ledger", "verify", "--audit-key", "audit.jwk"];
    let ran = on(&support, &verify).ends(2);
    for text in [
        "locked: its records were not verified; its file is byte for byte the one that was closed: the data key that was given",
        "What the keys at hand open was checked, and nothing is wrong with it; generation 0 was not verified for want of a key.",
    ] {
        assert!(ran.out.contains(text), "{text}: {}", ran.out);
    }
    let said = || -> Value {
        let ran = on(&support, &[&verify[..], &["--json"]].concat());
        serde_json::from_str(&ran.out).unwrap()
    };
    let found = said();
    assert_eq!((&found["clean"], &found["checked"]), (&json!(false), &json!("what the keys at hand open")));
    assert_eq!(found["generations"][0]["locked"]["as_closed"], true);
    assert_eq!((&found["generations"][0]["findings"], &found["generations"][1]["locked"]), (&json!([]), &Value::Null));
    // Its file is another: damage, whoever can read it.
    let file = support.path("ledger/acme.g0.ledger");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[8192 + 100] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let ran = on(&support, &verify).ends(1);
    assert!(ran.out.contains("its file is not the one that was closed"), "{}", ran.out);
    assert!(ran.out.contains("What the keys at hand open was checked. Found: 1."), "{}", ran.out);
    let found = said();
    assert_eq!(found["generations"][0]["locked"]["as_closed"], false);
    assert_eq!(found["generations"][1]["findings"][0]["kind"], "other_history");
}
