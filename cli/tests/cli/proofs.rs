//! `reprieve ledger prove` and `check-proof`.

use serde_json::{Value, json};

use crate::ledgers::ledger;
use crate::support::{Place, Ran, files};

const APP: [&str; 2] = ["--app", "reprieve.toml"];

fn prove(place: &Place, args: &[&str]) -> Ran {
    place.run(&[&["ledger", "prove"], args, &APP[..]].concat())
}

#[track_caller]
fn proof(place: &Place, file: &str, args: &[&str]) -> Value {
    assert_eq!(prove(place, &[args, &["-o", file]].concat()).ok(), "");
    serde_json::from_str(&place.read(file)).unwrap()
}

fn check(place: &Place, file: &str, args: &[&str]) -> Ran {
    place.run(&[&["ledger", "check-proof", file], args].concat())
}

/// How many records the signed head of a proof is of.
fn size(proof: &Value) -> u64 {
    proof["head"].as_str().unwrap().lines().nth(1).unwrap().parse().unwrap()
}

/// Some more records, and the head before them in `old.head`.
fn goes_on(place: &Place) {
    std::fs::copy(place.path("ledger/acme.head"), place.path("old.head")).unwrap();
    for text in ["one", "two", "three"] {
        place.run(&[&["appeal", text, "-o", "appeal.json"], &APP[..]].concat()).ok();
    }
}

#[track_caller]
fn fails(ran: Ran, what: &str) {
    assert!(ran.code == 1 || ran.code == 2, "{what}: {}\n{}{}", ran.code, ran.out, ran.err);
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
}

#[test]
fn each_record_is_proven_to_whoever_has_no_ledger() {
    let place = ledger();
    let before = files(&place.path("ledger"));
    let newest = proof(&place, "newest.json", &[]);
    let size = size(&newest);
    assert!(size >= 3, "{newest}");
    assert_eq!(newest["record"], size - 1);
    let elsewhere = Place::new();
    for record in 0..size {
        let file = format!("{record}.json");
        let made = proof(&place, &file, &["--record", &record.to_string()]);
        assert_eq!((&made["record"], &made["index"]), (&json!(record), &json!(record)));
        elsewhere.write(&file, place.read(&file));
        let text = check(&elsewhere, &file, &[]).ok();
        assert!(text.contains("The proof holds.") && text.contains("not checked: whether the key is"), "{text}");
        let key = made["key"].as_str().unwrap();
        let checked = elsewhere.json(&["ledger", "check-proof", &file, "--key", key, "--json"]);
        assert_eq!((&checked["holds"], &checked["record"]), (&json!(true), &json!(record)));
        assert_eq!(checked["problems"], json!([]));
        assert!(!checked["not_checked"].to_string().contains("whether the key is"), "{checked}");
    }
    // The proof on stdout and stdin, and the key as `ledger verify` shows it.
    let out = prove(&place, &["--record", "1"]).ends(0).says(&["record 1 is in the ledger"]).out;
    let public = place.json(&["ledger", "verify", "ledger/acme.g0.ledger", "--json"]);
    let key = public["public_key"].as_str().unwrap();
    let args = ["ledger", "check-proof", "-", "--json", "--key", key];
    let checked: Value = serde_json::from_str(&elsewhere.run_with(&args, out.as_bytes()).ok()).unwrap();
    assert_eq!((&checked["root"], &checked["size"]), (&public["root"], &json!(size)));
    prove(&place, &["--record", &size.to_string()]).ends(2).says(&["--record"]);
    prove(&place, &["--record", "1", "--since", "1"]).ends(2);
    assert_eq!(files(&place.path("ledger")), before, "proving changed something");
}

#[test]
fn nothing_of_a_proof_can_be_changed() {
    let place = ledger();
    goes_on(&place);
    for (file, args) in [("record.json", ["--record", "2"]), ("since.json", ["--since", "3"])] {
        proof(&place, file, &args);
        let whole = place.read(file).into_bytes();
        check(&place, file, &[]).ok();
        // Every byte with one bit changed; blanks between the values say nothing.
        for at in (0..whole.len()).filter(|at| !whole[*at].is_ascii_whitespace()) {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            place.write("changed.json", &changed);
            fails(check(&place, "changed.json", &[]), &String::from_utf8_lossy(&changed));
        }
        for cut in [0, 1, whole.len() / 2, whole.len() - 2] {
            place.write("changed.json", &whole[..cut]);
            check(&place, "changed.json", &[]).ends(2).says(&["changed.json"]);
        }
    }
    check(&place, "nowhere.json", &[]).ends(2).says(&["nowhere.json"]);
    check(&place, "reprieve.toml", &[]).ends(2).says(&["reprieve.toml", "is no proof"]);
}

#[test]
fn each_claim_is_checked() {
    let place = ledger();
    goes_on(&place);
    let record = proof(&place, "record.json", &["--record", "2"]);
    let since = proof(&place, "since.json", &["--since", "3"]);
    let other = proof(&place, "other.json", &["--record", "3"]);
    let stranger = ledger();
    let strange = proof(&stranger, "strange.json", &["--record", "2"]);
    let longer = record["head"].as_str().unwrap().replacen(&format!("\n{}\n", size(&record)), "\n7000\n", 1);
    let changes: [(&Value, &str, Value, i32); 21] = [
        (&record, "record", json!(3), 1),
        (&record, "index", json!(3), 1),
        (&record, "first", json!(1), 1),
        (&record, "record", json!(u64::MAX), 1),
        (&record, "record", json!(-2), 2),
        (&record, "leaf", other["leaf"].clone(), 1),
        (&record, "leaf", json!(record["leaf"].as_str().unwrap().to_uppercase()), 2),
        (&record, "path", other["path"].clone(), 1),
        (&record, "path", json!([]), 1),
        (&record, "path", json!(["0".repeat(63)]), 2),
        (&record, "head", strange["head"].clone(), 1),
        (&record, "head", json!(longer), 1),
        (&record, "key", strange["key"].clone(), 1),
        (&record, "version", json!(2), 2),
        (&record, "version", json!(0), 2),
        (&record, "proof", json!("consistency"), 2),
        (&record, "more", json!(1), 2),
        (&since, "old_size", json!(2), 1),
        (&since, "old_size", json!(0), 1),
        (&since, "old_root", record["leaf"].clone(), 1),
        (&since, "path", json!(since["path"].as_array().unwrap().iter().rev().collect::<Vec<_>>()), 1),
    ];
    for (from, field, value, code) in changes {
        let mut changed = from.clone();
        changed[field] = value;
        assert_ne!(&changed, from, "{field}");
        place.write("changed.json", changed.to_string());
        let ran = check(&place, "changed.json", &[]).ends(code);
        if code == 1 {
            assert!(ran.out.contains("problem: ") && ran.out.contains("The proof does not hold."), "{}", ran.out);
        }
    }
    // Another ledger's proof holds by itself, and not with this ledger's key.
    place.write("strange.json", strange.to_string());
    check(&place, "strange.json", &[]).ok();
    let ran = check(&place, "strange.json", &["--key", record["key"].as_str().unwrap()]).ends(1);
    assert!(ran.out.contains("another one than was given"), "{}", ran.out);
    check(&place, "record.json", &["--key", "nonsense"]).ends(2).says(&["--key"]);
}

#[test]
fn an_older_head_goes_on_in_a_newer_one() {
    let place = ledger();
    let before = proof(&place, "before.json", &[]);
    goes_on(&place);
    let old = size(&before).to_string();
    let since = proof(&place, "since.json", &["--since", &old]);
    assert!(size(&since) > size(&before), "{since}");
    let text = check(&place, "since.json", &["--head", "old.head"]).ok();
    assert!(text.contains(&format!("the {old} records of old.head are the first ones")), "{text}");
    // Every older size is proven, and no later one.
    for size in 1..=size(&since) {
        proof(&place, "each.json", &["--since", &size.to_string()]);
        check(&place, "each.json", &[]).ok();
    }
    for size in [0, size(&since) + 1, u64::MAX] {
        prove(&place, &["--since", &size.to_string()]).ends(2).says(&["--since"]);
    }
    // The head that a proof is of is a prefix of itself.
    check(&place, "before.json", &["--head", "old.head"]).ok();
    check(&place, "since.json", &["--head", "ledger/acme.head"]).ok();
    // What has no path from the older head, or is older itself, does not answer.
    proof(&place, "record.json", &["--record", "1"]);
    check(&place, "record.json", &["--head", "old.head"]).ends(2).says(&["old.head", &format!("--since {old}")]);
    check(&place, "before.json", &["--head", "ledger/acme.head"]).ends(2).says(&["newer"]);
    check(&place, "since.json", &["--head", "reprieve.toml"]).ends(2).says(&["reprieve.toml"]);
    check(&place, "since.json", &["--head", "nowhere"]).ends(2).says(&["nowhere"]);
    // A head of another ledger, and one that was changed.
    let stranger = ledger();
    std::fs::copy(stranger.path("ledger/acme.head"), place.path("strange.head")).unwrap();
    let ran = check(&place, "since.json", &["--head", "strange.head"]).ends(1);
    assert!(ran.out.contains("of another ledger"), "{}", ran.out);
    let head = std::fs::read(place.path("old.head")).unwrap();
    for at in 0..head.len() {
        let mut changed = head.clone();
        changed[at] ^= 1;
        place.write("changed.head", &changed);
        fails(check(&place, "since.json", &["--head", "changed.head"]), &String::from_utf8_lossy(&changed));
    }
}

/// A ledger that was put back and written on has a head of its own, signed with the same key: the older head finds it out.
#[test]
fn a_ledger_that_was_put_back_does_not_go_on_from_its_head() {
    let place = ledger();
    let kept = files(&place.path("ledger"));
    goes_on(&place);
    let head = place.read("ledger/acme.head");
    place.write("lost.head", &head);
    let lost = head.lines().nth(1).unwrap().to_owned();
    for (path, _) in files(&place.path("ledger")) {
        std::fs::remove_file(path).unwrap();
    }
    kept.iter().for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
    std::fs::remove_dir_all(place.path("witness")).unwrap();
    for text in ["other", "words", "than", "before", "these"] {
        place.run(&[&["appeal", text, "-o", "appeal.json"], &APP[..]].concat()).ok();
    }
    proof(&place, "since.json", &["--since", &lost]);
    check(&place, "since.json", &[]).ok();
    let ran = check(&place, "since.json", &["--head", "lost.head"]).ends(1);
    assert!(ran.out.contains("rewritten or put back"), "{}", ran.out);
}

#[test]
fn a_generation_that_was_closed_is_proven_too() {
    let place = ledger();
    goes_on(&place);
    place.run(&[&["ledger", "archive"], &APP[..]].concat()).ok();
    let before = files(&place.path("ledger"));
    let newest = proof(&place, "newest.json", &[]);
    let first = newest["first"].as_u64().unwrap();
    assert!(first > 0, "{newest}");
    for record in 0..first + size(&newest) {
        let made = proof(&place, "each.json", &["--record", &record.to_string()]);
        assert_eq!(made["index"], if record < first { record } else { record - first });
        check(&place, "each.json", &[]).ok();
    }
    let text = check(&place, "newest.json", &[]).ok();
    assert!(text.contains("its number is the proof's word"), "{text}");
    // Each generation is a tree of its own.
    let ran = check(&place, "newest.json", &["--head", "old.head"]).ends(1);
    assert!(ran.out.contains("of another ledger or generation"), "{}", ran.out);
    assert_eq!(files(&place.path("ledger")), before, "proving changed something");
}

#[test]
fn nothing_damaged_is_proven() {
    let place = ledger();
    let file = place.path("ledger/acme.g0.ledger");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[8192 + 200] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let ran = prove(&place, &["--record", "0", "-o", "proof.json"]).ends(1).says(&["no proof was made"]);
    assert_eq!(ran.out, "");
    assert!(!place.path("proof.json").exists());
    assert_eq!(std::fs::read(&file).unwrap(), bytes, "proving changed something");
}

#[test]
fn a_drills_ledger_is_proven() {
    let place = crate::support::world();
    place.run(&["ledger", "prove", "--drill", "world", "-o", "proof.json"]).ok();
    check(&place, "proof.json", &[]).ok();
    place.run(&["ledger", "prove", "--drill", "nowhere"]).ends(2).says(&["nowhere"]);
}
