//! `reprieve policy`.

use crate::support::{POLICY, Place};

fn place() -> Place {
    let place = Place::new();
    place.write("policy.toml", POLICY);
    place.write(
        "wrong.toml",
        POLICY.replace("\"3d\"", "\"3x\"").replace("default_tier = \"basic\"", "default_tier = \"bsic\""),
    );
    place
}

#[test]
fn a_good_policy_is_valid() {
    let place = place();
    assert_eq!(
        place.run(&["policy", "check", "policy.toml"]).ok(),
        "policy.toml: valid: acme version 1, 2 tiers, 1 SKU\n"
    );
    let json = place.json(&["policy", "check", "policy.toml", "--json"]);
    assert_eq!(json["valid"], true);
    assert_eq!(json["version"], 1);
}

#[test]
fn every_problem_has_its_line_and_key() {
    let place = place();
    let ran = place.run(&["policy", "check", "wrong.toml"]).ends(1);
    assert_eq!(ran.out, "");
    let ran = ran.says(&[
        "2 problems",
        "wrong.toml:4:16: default_tier: there is no tier `bsic`; there are basic, roaming",
        "wrong.toml:14:25: tiers.basic.unknown.allowance: `3x` is no duration",
    ]);
    assert_eq!(ran.err.lines().count(), 3);
    let ran = place.run(&["policy", "check", "wrong.toml", "--json"]).ends(1);
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(json["problems"][1]["line"], 14);
    assert_eq!(json["problems"][1]["key"], "tiers.basic.unknown.allowance");
    // The same where it would be signed.
    place.run(&["keys", "new", "k.jwk"]).ok();
    place
        .run(&["sign", "policy", "wrong.toml", "--key", "k.jwk"])
        .ends(2)
        .says(&["wrong.toml:14:25", "nothing was signed"]);
    place.run(&["world", "new", "w", "--policy", "wrong.toml"]).ends(2).says(&["wrong.toml:14:25"]);
}

#[test]
fn json_and_stdin_are_read_too() {
    let place = place();
    let json = place.run(&["policy", "show", "policy.toml", "--json"]).ok();
    assert!(place.run_with(&["policy", "check", "-"], json.as_bytes()).ok().contains("stdin: valid"));
    let broken = json.replace("\"3d\"", "\"3x\"");
    place
        .run_with(&["policy", "check", "-"], broken.as_bytes())
        .ends(1)
        .says(&["stdin:1:", "tiers.basic.unknown.allowance"]);
    place.run_with(&["policy", "check", "-"], b"schema = ").ends(1).says(&["stdin:1:", "is no TOML"]);
    place.run_with(&["policy", "check", "-"], b"schema = 99").ends(1).says(&["99 is newer than this release"]);
}

#[test]
fn several_files_end_with_the_worst() {
    let place = place();
    let ran = place.run(&["policy", "check", "policy.toml", "nowhere.toml", "wrong.toml"]).ends(2);
    assert!(ran.out.contains("policy.toml: valid"));
    ran.says(&["nowhere.toml", "wrong.toml:4:16"]);
}

#[test]
fn a_policy_is_shown_with_its_defaults() {
    let place = place();
    let shown = place.run(&["policy", "show", "policy.toml"]).ok();
    for text in [
        "Policy acme version 1 (schema 1)",
        "at most 7d, with 2 of support's signatures",
        "network      14d        full, limited from 7d  -       20d in 90d",
        "maintenance  7d         full                   12h     not charged",
        "begins at first use, at most 30d after the lease's end",
        "cad  field     roaming",
        "cad  all else  basic",
        "2026-11-01 (version 1): The first one.",
    ] {
        assert!(shown.contains(text), "{text:?} is not in:\n{shown}");
    }
    assert_eq!(place.json(&["policy", "show", "policy.toml", "--json"])["clock"]["tolerance"], "1d2h");
    place.run(&["policy", "show", "wrong.toml"]).ends(1).says(&["wrong.toml:4:16"]);
}
