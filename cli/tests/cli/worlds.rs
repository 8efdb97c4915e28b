//! `reprieve world`: a drill on the real clock.

use serde_json::Value;

use crate::support::{Place, vendor, world};

fn check(place: &Place, code: i32) -> Value {
    let ran = place.run(&["world", "check", "world", "cad", "core", "--json"]).ends(code);
    serde_json::from_str(&ran.out).unwrap()
}

#[test]
fn an_outage_from_beginning_to_end() {
    let place = world();
    assert_eq!(check(&place, 0)["state"], "licensed");
    assert_eq!(place.run(&["world", "report", "world", "network"]).ok(), "recorded\n");
    assert!(place.run(&["world", "report", "world", "network"]).ok().contains("known already"));
    assert!(place.run(&["world", "wall", "world", "+31d"]).ok().contains("+31d from true time"));
    let grace = check(&place, 0);
    assert_eq!((grace["access"].as_str(), grace["reason"].as_str()), (Some("full"), Some("network")));
    place.run(&["world", "wall", "world", "+8d"]).ok();
    assert_eq!(check(&place, 0)["access"], "limited");
    place.run(&["world", "wall", "world", "+8d"]).ok();
    assert_eq!(check(&place, 1)["state"], "expired");
    place.run(&["world", "wall", "world", "0"]).ok();
    // A false date that was put right is no suspicion; one before what is proven is.
    let text = place.run(&["world", "check", "world", "cad", "core"]).ok();
    assert_eq!(text, "core: full, licensed for 29d 23h more\n");
    place.run(&["world", "wall", "world", "-3d"]).ok();
    let text = place.run(&["world", "check", "world", "cad", "core"]).ok();
    assert_eq!(text, "core: full, licensed for 29d 23h more; the clock is suspect (rolled back)\n");
}

#[test]
fn documents_are_issued_and_broken() {
    let place = world();
    place.write("grant.toml", "license = \"L1\"\nuntil = \"+2d\"\n");
    let issue = |more: &[&str]| place.run(&[&["world", "issue", "world", "extension", "grant.toml"], more].concat());
    assert!(issue(&["--signers", "2", "--import"]).ok().contains("accepted"));
    assert!(issue(&["--import"]).ends(1).out.contains("refused (approvals)"));
    for fault in ["malformed", "unknown_key", "bad_signature", "wrong_role"] {
        let ran = issue(&["--signers", "2", "--fault", fault, "--import"]).ends(1);
        assert!(ran.out.contains(&format!("refused ({fault})")), "{}", ran.out);
    }
    issue(&["--fault", "wrong_ledger"]).ends(2).says(&["names no ledger"]);
    issue(&["--signers", "9"]).ends(2);
    place.run(&["world", "issue", "world", "lease", "lease.toml", "--fault", "wrong_ledger", "--import"]).ends(1);
    place.write("old.toml", format!("{}iat = 2026-01-01T00:00:00Z\n", place.read("lease.toml")));
    place.run(&["world", "issue", "world", "lease", "old.toml", "-o", "l.jws"]).ok();
    assert!(place.run(&["world", "import", "world", "l.jws"]).ends(1).out.contains("refused (stale)"));
}

#[test]
fn a_world_that_is_not_there_is_bad_input() {
    let place = vendor();
    place.run(&["world", "check", "nowhere", "cad", "core"]).ends(2).says(&["nowhere", "reprieve world new"]);
    place.run(&["world", "wall", "nowhere", "+1d"]).ends(2).says(&["nowhere"]);
    assert!(!place.path("nowhere").exists());
    place.run(&["world", "new", "w"]).ends(0).says(&["no policy is in force"]);
    place.run(&["world", "new", "w"]).ends(2).says(&["a drill is there already"]);
    place.run(&["world", "wall", "w", "10d"]).ends(2).says(&["has no sign"]);
    assert!(place.run(&["world", "wall", "w", "-2h"]).ok().contains("-2h from true time"));
}

/// A drill's ledger is refused by a real open, whatever the keys.
#[test]
fn a_real_command_refuses_a_drills_ledger() {
    let place = world();
    place.run(&["ledger", "status", "--app", "reprieve.toml", "--folder", "world/ledger"]).ends(2);
}
