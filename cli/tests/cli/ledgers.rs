//! `reprieve ledger`, and a real ledger's `check`, `import` and `appeal`.

use reprieve::ledger::{Disk, Storage};
use serde_json::{Value, json};

use crate::support::{Place, files, vendor, world};

const APP: [&str; 2] = ["--app", "reprieve.toml"];

/// A vendor with a real ledger in `ledger`: a policy and a lease were imported.
pub fn ledger() -> Place {
    let place = vendor();
    // Reading makes no ledger; a product does.
    reprieve::client::Client::open(place.path("reprieve.toml")).unwrap().close().unwrap();
    place.run(&["sign", "policy", "policy.toml", "--key", "vendor.jwk", "-o", "policy.jws"]).ok();
    place.run(&["sign", "lease", "lease.toml", "--key", "lease.jwk", "-o", "lease.jws"]).ok();
    let out = place.run(&[&["import", "policy.jws", "lease.jws"], &APP[..]].concat()).ok();
    assert_eq!(out, "policy.jws: a policy: accepted\nlease.jws: a lease: accepted\n");
    place
}

fn on(place: &Place, args: &[&str]) -> crate::support::Ran {
    place.run(&[args, &APP[..]].concat())
}

#[test]
fn reading_makes_no_ledger() {
    let place = vendor();
    let before = files(&place.path(""));
    let commands: [&[&str]; 12] = [
        &["ledger", "prove"],
        &["ledger", "status"],
        &["ledger", "verify"],
        &["ledger", "history"],
        &["ledger", "export"],
        &["ledger", "archive"],
        &["ledger", "rekey", "--new-data-key"],
        &["ledger", "upgrade"],
        &["ledger", "retire", "--yes"],
        &["check", "cad", "core"],
        &["import", "keys.jws"],
        &["appeal", "help"],
    ];
    for command in commands {
        on(&place, command).ends(2).says(&["there is no ledger"]);
    }
    assert_eq!(files(&place.path("")), before);
    assert!(!place.path("ledger").exists() && !place.path("witness").exists());
    place.run(&["ledger", "status", "--drill", "nowhere"]).ends(2).says(&["nowhere"]);
    place.run(&["ledger", "status", "--app", "nowhere.toml"]).ends(2).says(&["nowhere.toml"]);
    place.write("odd.toml", "vendor = 3");
    place.run(&["ledger", "status", "--app", "odd.toml"]).ends(2).says(&["odd.toml"]);
}

#[test]
fn status_shows_each_feature() {
    let place = ledger();
    let text = on(&place, &["ledger", "status"]).ok();
    for text_in in ["acme version 1", "clock     ok", "standing  ok", "SKU  FEATURE  ACCESS  STATE     REASON  RUNWAY"]
    {
        assert!(text.contains(text_in), "{text_in:?} is not in:\n{text}");
    }
    let row = text.lines().find(|line| line.starts_with("cad  core")).unwrap();
    // Beyond the lease lie three days of the tier's grace.
    assert!(
        row.contains("full") && row.contains("licensed") && row.contains("32d 23h") && row.ends_with("L1"),
        "{row}"
    );
    let status: Value = serde_json::from_str(&on(&place, &["ledger", "status", "--json"]).ok()).unwrap();
    assert_eq!(status["features"][0]["feature"], "core");
    assert_eq!((&status["policy"], &status["drill"]), (&json!("acme"), &json!(false)));
    assert!(on(&place, &["ledger", "status", "--sku", "none"]).ok().contains("There is no lease for none."));
    assert_eq!(on(&place, &["check", "cad", "core", "--json"]).ends(0).out.lines().count(), 1);
    let denied = on(&place, &["check", "cad", "core", "other"]).ends(1).out;
    assert!(
        denied.contains("core: full, licensed for 29d 23h more\nother: denied: its lease does not name it"),
        "{denied}"
    );
}

#[test]
fn a_refused_document_is_told() {
    let place = ledger();
    let ran = on(&place, &["import", "lease.jws", "nowhere.jws", "policy.jws"]).ends(2).says(&["nowhere.jws"]);
    assert!(ran.out.contains("lease.jws: a lease: accepted"), "{}", ran.out);
    place.write("old.toml", format!("{}iat = 2026-01-01T00:00:00Z\n", place.read("lease.toml")));
    place.run(&["sign", "lease", "old.toml", "--key", "lease.jwk", "-o", "old.jws"]).ok();
    let ran = on(&place, &["import", "old.jws", "--json"]).ends(1);
    let answer: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&answer["accepted"], &answer["error"]), (&json!(false), &json!("stale")));
}

#[test]
fn the_history_reads_like_sentences() {
    let place = ledger();
    let before = files(&place.path("ledger"));
    let text = on(&place, &["ledger", "history"]).ok();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].ends_with("The ledger was made on this machine."), "{text}");
    assert!(text.contains("Version 1 of the vendor's keys (4) was accepted."), "{text}");
    assert!(text.contains("A lease of licence L1 for cad: core, field until "), "{text}");
    let last = on(&place, &["ledger", "history", "--last", "1"]).ok();
    assert_eq!(last.lines().collect::<Vec<_>>(), lines[lines.len() - 1..]);
    assert_eq!(files(&place.path("ledger")), before, "reading recorded something");
}

#[test]
fn the_export_is_whole_and_harmless() {
    let place = ledger();
    on(
        &place,
        &["appeal", "=HYPERLINK(\"http://x\";\"y\"),\u{1b}[2J a \"quoted\"\nline", "--license", "L1", "-o", "a.json"],
    )
    .ok();
    let appeal: Value = serde_json::from_str(&place.read("a.json")).unwrap();
    assert_eq!(appeal["appeal"]["license"], "L1");
    let before = files(&place.path("ledger"));
    let jsonl = on(&place, &["ledger", "export"]).ok();
    let events: Vec<Value> = jsonl.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events[0]["event"], "ledger_created");
    let lease = events.iter().find(|event| event["document"] == "lease").unwrap();
    assert_eq!(lease["token"].as_str().unwrap(), place.read("lease.jws").trim());
    let csv = on(&place, &["ledger", "export", "--format", "csv"]).ok();
    assert!(csv.starts_with("record,index,t,event,at,license,"), "{csv}");
    assert!(!csv.contains(lease["token"].as_str().unwrap()));
    let mut reader = csv::ReaderBuilder::new().from_reader(csv.as_bytes());
    let text = reader.headers().unwrap().iter().position(|name| name == "text").unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), events.len());
    let appealed = rows.iter().find(|row| &row[3] == "appeal_filed").unwrap();
    assert_eq!(&appealed[text], "'=HYPERLINK(\"http://x\";\"y\"),\\u{1b}[2J a \"quoted\"\nline");
    let from = on(&place, &["ledger", "export", "--from", "2"]).ok();
    assert!(from.lines().all(|line| serde_json::from_str::<Value>(line).unwrap()["record"].as_u64() >= Some(2)));
    // People's text has no escapes in it.
    assert!(on(&place, &["ledger", "history"]).ok().contains("\\u{1b}[2J a \"quoted\"\\nline"));
    assert_eq!(files(&place.path("ledger")), before, "reading recorded something");
}

#[test]
fn a_sound_ledger_is_verified_with_and_without_a_key() {
    let place = ledger();
    let before = files(&place.path(""));
    let text = on(&place, &["ledger", "verify"]).ok();
    assert!(text.contains("Everything was checked, and nothing is wrong."), "{text}");
    let full: Value = serde_json::from_str(&on(&place, &["ledger", "verify", "--json"]).ok()).unwrap();
    let text = place.run(&["ledger", "verify", "ledger"]).ok();
    assert!(
        text.contains("checked without a key") && text.contains("seals and contents need the key and were not checked"),
        "{text}"
    );
    let public = place.json(&["ledger", "verify", "ledger/acme.g0.ledger", "--json"]);
    assert_eq!(public["root"], full["generations"][0]["root"]);
    assert_eq!((&public["clean"], &full["clean"]), (&json!(true), &json!(true)));
    assert_eq!(files(&place.path("")), before, "verifying changed something");
    place.run(&["ledger", "verify", "nowhere"]).ends(2).says(&["nowhere"]);
    place.run(&["ledger", "verify", "reprieve.toml"]).ends(2).says(&["reprieve.toml"]);
}

/// A head that was given away proves what the file held then.
#[test]
fn a_signed_head_is_matched() {
    let place = ledger();
    let client = reprieve::client::Client::open(place.path("reprieve.toml")).unwrap();
    place.write("old.head", client.head().unwrap());
    client.close().unwrap();
    let text = place.run(&["ledger", "verify", "ledger/acme.g0.ledger", "--head", "old.head"]).ok();
    assert!(text.contains("records are those of the signed head old.head"), "{text}");
    let other = ledger();
    let file = other.path("ledger/acme.g0.ledger");
    let ran = place
        .run(&["ledger".as_ref(), "verify".as_ref(), file.as_os_str(), "--head".as_ref(), "old.head".as_ref()])
        .ends(1);
    assert!(ran.out.contains("not signed by the key that the file names"), "{}", ran.out);
}

#[test]
fn damage_is_found_and_named() {
    let place = ledger();
    let file = place.path("ledger/acme.g0.ledger");
    let whole = std::fs::read(&file).unwrap();
    let mut damaged = whole.clone();
    // Within the first records, behind both headers.
    damaged[8192 + 200] ^= 1;
    std::fs::write(&file, &damaged).unwrap();
    let ran = on(&place, &["ledger", "verify"]).ends(1);
    assert!(ran.out.contains("damage: rule L2, record "), "{}", ran.out);
    assert!(ran.out.contains(", at byte 8"), "{}", ran.out);
    let ran = on(&place, &["ledger", "verify", "--json"]).ends(1);
    let found: Value = serde_json::from_str(&ran.out).unwrap();
    let finding = &found["generations"][0]["findings"][0];
    assert_eq!(finding["rule"], "L2");
    assert!(finding["record"].is_u64() && finding["offset"].is_u64(), "{finding}");
    assert_eq!(std::fs::read(&file).unwrap(), damaged, "verifying changed something");
    let ran = place.run(&["ledger", "verify", "ledger"]).ends(1);
    assert!(ran.out.contains("problem: "), "{}", ran.out);
    // Reading goes on with the rest, and says what is lost.
    on(&place, &["ledger", "history"]).ends(1).says(&["reprieve ledger verify"]);
    assert!(on(&place, &["ledger", "export"]).ends(1).out.contains("document_accepted"));
    // No key: another secret.
    std::fs::write(&file, &whole).unwrap();
    place.write(
        "other.toml",
        place.read("reprieve.toml").replace("c2l4dGVlbiBieXRlcyBvciBtb3Jl", "YW5vdGhlciBzZWNyZXQgb2YgdGhlaXJz"),
    );
    for command in [["ledger", "verify"], ["ledger", "history"], ["ledger", "status"]] {
        place.run(&[&command[..], &["--app", "other.toml"]].concat()).ends(2);
    }
    // No header: nothing of it can be read.
    std::fs::write(&file, vec![0u8; 9000]).unwrap();
    place.run(&["ledger", "verify", "ledger/acme.g0.ledger"]).ends(2);
}

#[test]
fn an_archived_ledger_goes_on_and_keeps_its_history() {
    let place = world();
    place.run(&["world", "report", "world", "network"]).ok();
    place.run(&["world", "wall", "world", "+31d"]).ok();
    let check = || place.json(&["world", "check", "world", "cad", "core", "--json"]);
    let before = check();
    assert_eq!(before["state"], "grace");
    let drill = ["--drill", "world"];
    let told = place.run(&[&["ledger", "history"], &drill[..]].concat()).ok();
    let archived = place.json(&[&["ledger", "archive", "--json"], &drill[..]].concat());
    assert_eq!(archived["generation"], 1);
    assert!(archived["archived"].as_str().unwrap().ends_with("drill.g0.ledger"));
    let after = check();
    for field in ["access", "state", "reason", "ends", "until", "clock", "ledger"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    let verified = place.json(&[&["ledger", "verify", "--json"], &drill[..]].concat());
    assert_eq!(verified["clean"], true, "{verified}");
    assert_eq!(verified["generations"].as_array().unwrap().len(), 2);
    let now = place.run(&[&["ledger", "history"], &drill[..]].concat()).ok();
    assert!(now.starts_with(&told), "{told}\n---\n{now}");
    assert!(now.contains("The ledger goes on in a new file"), "{now}");
    // The old file is put away: the rest can be read, and says what is missing.
    std::fs::rename(place.path("world/ledger/drill.g0.ledger"), place.path("put-away")).unwrap();
    let ran = place.run(&[&["ledger", "export"], &drill[..]].concat()).ends(0).says(&["were archived"]);
    assert!(ran.out.contains("ledger_continued"), "{}", ran.out);
    assert_eq!(check()["state"], "grace");
}

#[test]
fn a_retired_ledger_is_moved_aside() {
    let place = ledger();
    on(&place, &["ledger", "retire"]).ends(2).says(&["--yes"]);
    assert!(place.path("ledger/acme.g0.ledger").exists());
    assert!(on(&place, &["ledger", "retire", "--yes"]).ok().contains("acme.retired-1"));
    assert!(
        !place.path("ledger/acme.g0.ledger").exists() && place.path("ledger/acme.retired-1/acme.g0.ledger").exists()
    );
    on(&place, &["ledger", "status"]).ends(2).says(&["there is no ledger"]);
}

#[test]
fn a_busy_ledger_is_the_environments_trouble() {
    let place = ledger();
    let _lock = Disk.try_lock(&place.path("ledger/acme.lock")).unwrap().unwrap();
    on(&place, &["ledger", "retire", "--yes"]).ends(3).says(&["acme.lock"]);
    // Who only reads needs no lock.
    on(&place, &["ledger", "verify"]).ok();
    on(&place, &["ledger", "history"]).ok();
}

/// A ledger that a customer sent, without his secret file, is read with the vendor's audit key alone.
#[test]
fn an_audit_key_opens_what_a_customer_sends() {
    let place = vendor();
    let line = place.run(&["keys", "audit", "audit.jwk"]).ends(0).says(&["audit.jwk"]).out;
    assert!(line.starts_with("audit_key = \""), "{line}");
    place.run(&["keys", "audit", "audit.jwk"]).ends(2).says(&["choose another name"]);
    let app = place.read("reprieve.toml");
    place.write("audited.toml", app.replace("[place]", &format!("{line}[place]")));
    reprieve::client::Client::open(place.path("audited.toml")).unwrap().close().unwrap();
    std::fs::create_dir(place.path("sent")).unwrap();
    std::fs::copy(place.path("ledger/acme.g0.ledger"), place.path("sent/acme.g0.ledger")).unwrap();
    let told = place.run(&["ledger", "history", "--app", "audited.toml"]).ok();
    let sent = ["--app", "audited.toml", "--folder", "sent"];
    place.run(&[&["ledger", "history"], &sent[..]].concat()).ends(2);
    let key = ["--audit-key", "audit.jwk"];
    assert_eq!(place.run(&[&["ledger", "history"], &sent[..], &key].concat()).ok(), told);
    assert!(place.run(&[&["ledger", "verify"], &sent[..], &key].concat()).ok().contains("nothing is wrong"));
    assert!(place.run(&[&["ledger", "export"], &sent[..], &key].concat()).ok().contains("ledger_created"));
    place.run(&["keys", "audit", "other.jwk"]).ok();
    let ran = place.run(&[&["ledger", "history"], &sent[..], &["--audit-key", "other.jwk"]].concat());
    ran.ends(2).says(&["other.jwk", "for another audit key"]);
    let ran = place.run(&[&["ledger", "history"], &sent[..], &["--audit-key", "lease.jwk"]].concat());
    ran.ends(2).says(&["lease.jwk", "is no private audit key"]);
    assert_eq!(files(&place.path("sent")).len(), 1, "reading wrote something");
}
