//! The rules of `docs/semantics.md`, one by one: for each at least one small scenario of its own, at its boundaries, through the
//! real path. The conformance suite in `tests/scenarios` tells whole stories; these say which rule broke.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use reprieve::drill::{Scenario, run};
use serde_json::{Value, json};

/// Runs steps under a policy and returns what was not met.
fn walk(policy: Value, steps: Value) {
    let scenario = json!({ "name": "rule", "sku": "cad", "policy": policy, "steps": steps });
    let scenario = Scenario::from_value(&scenario).unwrap();
    let mut failed = Vec::new();
    for outcome in run(&scenario).unwrap() {
        for difference in outcome.differences {
            failed.push(format!("step {}: {difference}", outcome.step));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// A policy with these tiers; `basic` is everybody's.
fn policy(tiers: Value, more: Value) -> Value {
    let mut policy = json!({ "schema": 1, "id": "acme", "version": 1, "default_tier": "basic", "tiers": tiers });
    for (key, value) in more.as_object().unwrap() {
        policy[key] = value.clone();
    }
    policy
}

fn basic() -> Value {
    policy(
        json!({ "basic": {
            "network": { "allowance": "14d", "stages": [{ "after": "0s", "access": "full" }, { "after": "7d", "access": "limited" }] },
            "server": { "allowance": "10d" }, "unknown": { "allowance": "3d" },
            "maintenance": { "allowance": "7d", "margin": "12h" },
        } }),
        json!({ "governance": { "approvals": 2, "max_extension": "7d" } }),
    )
}

fn lease(ttl: &str) -> Value {
    json!({ "lease": { "license": "L1", "features": ["core"], "ttl": ttl }, "expect": { "accepted": true } })
}

/// A check of `core`, and what it says.
fn core(expect: Value) -> Value {
    json!({ "check": "core", "expect": expect })
}

#[test]
fn c1_time_switched_off_is_not_proven() {
    // 2 h on, 30 d off: `t` follows the wall, but a wall set back by 31 d falls no further than what is proven.
    walk(
        basic(),
        json!([
            lease("24h"), { "advance": "2h" }, { "reboot": { "off": "30d" } },
            core(json!({ "t": "2026-01-31T02:00:00Z", "clock": "ok" })),
            { "set_wall": "-40d" },
            core(json!({ "t": "2026-01-01T02:00:00Z", "clock": "rolled_back", "state": "licensed" })),
        ]),
    );
}

#[test]
fn c2_tolerance_and_leap_are_inclusive() {
    walk(
        basic(),
        json!([
            lease("24h"), { "set_wall": "-26h" }, core(json!({ "t": "2026-01-01T00:00:00Z", "clock": "ok" })),
            { "set_wall": "-1s" }, core(json!({ "clock": "rolled_back" })),
            { "set_wall": "+1s" }, core(json!({ "clock": "ok" })),
            { "set_wall": "+26h" }, { "set_wall": "+400d" }, core(json!({ "t": "2027-02-05T00:00:00Z", "clock": "ok" })),
            { "set_wall": "+1s" }, core(json!({ "t": "2026-01-01T00:00:00Z", "clock": "leaped" })),
        ]),
    );
}

#[test]
fn c3_one_suspicion_is_told_once() {
    walk(
        basic(),
        json!([
            { "set_wall": "-10d" }, core(json!({ "clock": "rolled_back" })), { "advance": "1h" },
            { "set_wall": "+900d" }, core(json!({ "clock": "leaped" })), { "advance": "1h" },
            { "set_wall": "-890d" }, core(json!({ "clock": "ok" })),
            { "events": true, "expect": [
                { "event": "clock_suspect", "reason": "rolled_back", "at": "2026-01-01T00:00:00Z" },
                { "event": "clock_restored", "at": "2026-01-01T02:00:00Z" },
            ] },
        ]),
    );
}

#[test]
fn c4_a_lead_settles_at_its_age_and_not_before() {
    let early = |advance: &str, t: &str, clock: &str| {
        walk(
            basic(),
            json!([
                { "set_wall": "+20d" }, core(json!({ "clock": "ok" })), { "advance": advance }, core(json!({ "clock": "ok" })),
                { "set_wall": "-20d" }, core(json!({ "t": t, "clock": clock })),
            ]),
        );
    };
    early("71h", "2026-01-03T23:00:00Z", "ok");
    early("72h", "2026-01-24T00:00:00Z", "rolled_back");
    // With `settle = 0s` the first reading settles.
    let mut now = basic();
    now["clock"] = json!({ "settle": "0s" });
    walk(
        now,
        json!([
            { "set_wall": "+20d" }, core(json!({ "clock": "ok" })),
            { "set_wall": "-20d" }, core(json!({ "t": "2026-01-21T00:00:00Z", "clock": "rolled_back" })),
        ]),
    );
}

#[test]
fn c5_the_anchor_is_durable_every_ten_minutes() {
    // After a crash the durable anchor goes on: 9 minutes of proof are lost, 10 are not.
    let after = |advance: &str, t: &str| {
        walk(
            basic(),
            json!([
                { "advance": advance }, core(json!({})), { "power_loss": { "off": "0s" } }, { "set_wall": "-10d" }, core(json!({ "t": t })),
            ]),
        );
    };
    after("9m", "2026-01-01T00:00:00Z");
    after("10m", "2026-01-01T00:10:00Z");
    // A clean close keeps what a crash would lose.
    walk(
        basic(),
        json!([
            { "advance": "9m" }, { "reboot": { "off": "0s" } }, { "set_wall": "-10d" }, core(json!({ "t": "2026-01-01T00:09:00Z" })),
        ]),
    );
}

#[test]
fn c6_what_raises_time_and_what_does_not() {
    let back = json!({ "reboot": { "off": "5d" } });
    let wall = json!({ "set_wall": "-15d" });
    for (document, t, clock) in [
        (
            json!({ "extension": { "license": "L1", "until": "+6d", "signers": 2 } }),
            "2026-01-06T00:00:00Z",
            "rolled_back",
        ),
        (json!({ "revocation": { "license": "L9" } }), "2026-01-06T00:00:00Z", "rolled_back"),
        (
            json!({ "ruling": { "license": "L1", "void": { "from": "+0s", "to": "+1s" } } }),
            "2026-01-06T00:00:00Z",
            "rolled_back",
        ),
        (
            json!({ "lease": { "license": "L1", "features": ["core"], "ttl": "1h", "fresh": false } }),
            "2026-01-06T00:00:00Z",
            "rolled_back",
        ),
        (json!({ "lease": { "license": "L1", "features": ["core"], "ttl": "1h" } }), "2026-01-06T00:00:00Z", "ok"),
        (json!({ "notice": { "id": "m", "start": "+1d", "end": "+2d" } }), "2026-01-01T00:00:00Z", "rolled_back"),
    ] {
        walk(basic(), json!([lease("24h"), back, wall, document, core(json!({ "t": t, "clock": clock }))]));
    }
    // 10 minutes of uptime after the request is in time, a second more is not: `t` goes back to `iat`, or stays.
    let answer = |wait: &str, t: &str| {
        walk(
            basic(),
            json!([
                { "set_wall": "+20d" }, { "request": "r" }, { "advance": wait },
                { "lease": { "license": "L1", "features": ["core"], "ttl": "1h", "answers": "r" } }, core(json!({ "t": t })),
            ]),
        );
    };
    answer("10m", "2026-01-01T00:10:00Z");
    answer("10m1s", "2026-01-21T00:10:01Z");
}

#[test]
fn c7_a_new_policy_rules_from_the_next_reading() {
    let mut strict = basic();
    strict["version"] = json!(2);
    strict["clock"] = json!({ "tolerance": "1h" });
    walk(
        basic(),
        json!([
            { "set_wall": "-2h" }, core(json!({ "clock": "ok" })), { "policy": strict }, core(json!({ "clock": "rolled_back" })),
        ]),
    );
    // Without a policy the defaults hold.
    let bare = json!({ "name": "bare", "sku": "cad", "steps": [
        { "set_wall": "-26h" }, core(json!({ "clock": "ok", "state": "unlicensed" })),
        { "set_wall": "-1s" }, core(json!({ "clock": "rolled_back" })),
    ] });
    let outcomes = run(&Scenario::from_value(&bare).unwrap()).unwrap();
    assert!(outcomes.iter().all(|outcome| outcome.differences.is_empty()), "{outcomes:?}");
}

#[test]
fn c8_time_switched_off_locks_nobody() {
    walk(
        basic(),
        json!([
            lease("1h"), { "set_wall": "-10d" }, { "advance": "71h" }, core(json!({ "state": "grace" })),
            { "reboot": { "off": "9d" } }, { "set_wall": "-20d" }, core(json!({ "state": "grace", "clock": "rolled_back" })),
            { "advance": "59m" }, core(json!({ "state": "grace" })), { "advance": "1m" }, core(json!({ "state": "grace" })),
        ]),
    );
    // The age reaches the limit at the instant that was foretold.
    walk(
        basic(),
        json!([
            lease("1h"), { "set_wall": "-10d" }, core(json!({ "ends": "2026-01-04T00:00:00Z" })),
            { "advance": "71h59m59s" }, core(json!({ "state": "grace", "until": "2026-01-04T00:00:00Z" })),
            { "advance": "1s" }, core(json!({ "state": "clock_locked" })),
        ]),
    );
}

#[test]
fn d0_what_is_in_force_is_accepted_again_and_not_recorded() {
    walk(
        basic(),
        json!([
            lease("24h"), { "notice": { "id": "m", "start": "+1d", "end": "+2d" } },
            { "replay": 0, "expect": { "accepted": true, "error": null } }, { "replay": 1, "expect": { "accepted": true } },
            { "lease": { "license": "L1", "features": ["core"], "ttl": "24h", "fault": "malformed" }, "expect": { "error": "malformed" } },
            { "replay": 4, "expect": { "accepted": false, "error": "malformed" } },
            { "events": true, "expect": [
                { "event": "document_accepted", "document": "lease" }, { "event": "document_accepted", "document": "notice" },
                { "event": "document_refused", "document": "lease", "error": "malformed" },
            ] },
        ]),
    );
}

#[test]
fn d0_sixteen_refusals_are_remembered() {
    let mut steps = vec![lease("24h")];
    for _ in 0..17 {
        steps.push(json!({ "lease": { "license": "L1", "features": ["core"], "ttl": "24h", "fault": "malformed" } }));
    }
    steps.push(json!({ "replay": 17 }));
    steps.push(json!({ "replay": 1 }));
    steps.push(json!({ "events": true }));
    let scenario = json!({ "name": "d0", "sku": "cad", "policy": basic(), "steps": steps });
    let outcomes = run(&Scenario::from_value(&scenario).unwrap()).unwrap();
    // 17 refusals, and the first of them again: it had been forgotten.
    assert_eq!(outcomes.last().unwrap().lines.len(), 1 + 17 + 1);
}

#[test]
fn d1_an_older_lease_is_stale() {
    walk(
        basic(),
        json!([
            { "advance": "5h" },
            { "lease": { "license": "L1", "features": ["core"], "ttl": "24h", "age": "2h", "fresh": false }, "expect": { "accepted": true } },
            { "lease": { "license": "L1", "features": ["core"], "ttl": "24h", "age": "2h", "fresh": false }, "expect": { "error": "stale" } },
            { "lease": { "license": "L2", "features": ["core"], "ttl": "24h", "age": "4h", "fresh": false }, "expect": { "accepted": true } },
            { "lease": { "license": "L1", "features": ["core"], "ttl": "24h", "age": "3h" }, "expect": { "accepted": true } },
            { "lease": { "license": "L1", "features": [], "ttl": "24h" }, "expect": { "error": "malformed" } },
            { "lease": { "license": "L1", "features": ["core"], "ttl": "24h", "fault": "wrong_ledger" }, "expect": { "error": "wrong_ledger" } },
        ]),
    );
}

#[test]
fn d2_one_line_of_policies_upwards() {
    let (mut same, mut other, mut newer) = (basic(), basic(), basic());
    same["version"] = json!(1);
    other["id"] = json!("other");
    newer["version"] = json!(7);
    walk(
        basic(),
        json!([
            { "policy": same, "expect": { "error": "stale" } }, { "policy": other, "expect": { "error": "wrong_policy" } },
            { "policy": newer, "expect": { "accepted": true } },
        ]),
    );
}

#[test]
fn d3_a_cancelled_notice_keeps_its_margin() {
    let at = |start: &str, end: &str, cancelled: bool| json!({ "notice": { "id": "m", "start": start, "end": end, "cancelled": cancelled }, "expect": { "accepted": true } });
    let maintenance = policy(json!({ "basic": { "maintenance": { "allowance": "7d", "margin": "2h" } } }), json!({}));
    walk(
        maintenance.clone(),
        json!([
            lease("1h"), at("+1h", "+30h", false), { "advance": "10h" }, at("+1h", "+30h", true),
            core(json!({ "reason": "maintenance", "until": "2026-01-01T12:00:00Z" })),
        ]),
    );
    walk(
        maintenance,
        json!([
            lease("1h"), at("+20h", "+30h", false), { "advance": "10h" }, at("+20h", "+30h", true),
            { "advance": "12h" }, core(json!({ "state": "expired", "until": null })),
        ]),
    );
}

#[test]
fn d4_approvals_then_the_limit_then_the_licence() {
    let grant = |license: &str, until: &str, signers: u64, error: Value| json!({ "extension": { "license": license, "until": until, "signers": signers }, "expect": { "error": error } });
    walk(
        basic(),
        json!([
            lease("1h"),
            grant("L7", "+9d", 1, json!("approvals")),
            grant("L7", "+8d", 2, json!("over_limit")),
            grant("L7", "+7d", 2, json!("unknown_license")),
            grant("L1", "+7d", 2, Value::Null),
        ]),
    );
    // The defaults: one approval, and no time at all.
    walk(policy(json!({ "basic": {} }), json!({})), json!([lease("1h"), grant("L1", "+1s", 1, json!("over_limit"))]));
}

#[test]
fn d5_a_revocation_reaches_leases_that_are_not_newer() {
    walk(
        basic(),
        json!([
            lease("24h"), { "revocation": { "license": "L1" }, "expect": { "accepted": true } }, core(json!({ "state": "revoked" })),
            { "advance": "1s" }, lease("24h"), core(json!({ "state": "licensed" })),
            { "revocation": { "license": "L1", "features": ["render"] } }, core(json!({ "state": "licensed" })),
            { "revocation": { "license": "L1", "features": ["*"], "effective": "+1h" } },
            core(json!({ "state": "licensed", "until": "2026-01-01T01:00:00Z" })),
        ]),
    );
}

#[test]
fn d6_a_ruling_clears_what_began_before_it() {
    walk(
        basic(),
        json!([
            lease("1h"), { "advance": "1h" }, { "set_wall": "-10d" }, core(json!({ "clock": "rolled_back" })),
            { "ruling": { "license": "L1", "clears": ["ledger"] }, "expect": { "accepted": true } }, core(json!({ "clock": "rolled_back" })),
            { "ruling": { "license": "L1", "clears": ["clock"], "age": "1h" }, "expect": { "accepted": true } }, core(json!({ "clock": "rolled_back" })),
            { "ruling": { "license": "L1", "clears": ["clock"] }, "expect": { "accepted": true } }, core(json!({ "clock": "ok" })),
            { "ruling": { "license": "L1" }, "expect": { "error": "malformed" } },
            { "ruling": { "license": "L1", "clears": ["everything"] }, "expect": { "error": "malformed" } },
            { "ruling": { "license": "L1", "clears": ["clock"], "fault": "wrong_ledger" }, "expect": { "error": "wrong_ledger" } },
        ]),
    );
    // L5: the present machine becomes the ledger's own.
    walk(
        basic(),
        json!([
            lease("9d"), { "move": { "to": "b" } }, core(json!({ "ledger": "moved" })),
            { "ruling": { "license": "L1", "clears": ["ledger"] } }, core(json!({ "ledger": "ok" })),
            { "reopen": true }, core(json!({ "ledger": "ok" })), { "move": { "to": "a" } }, core(json!({ "ledger": "moved" })),
        ]),
    );
}

// D7 is about keys, which scenarios do not issue: `tests/document_rules.rs` and `tests/client.rs` have its cases.

#[test]
fn p1_the_longest_pattern_places_a_feature() {
    let tiers = json!({
        "basic": { "unknown": { "allowance": "1d" } }, "two": { "unknown": { "allowance": "2d" } },
        "three": { "unknown": { "allowance": "3d" } }, "four": { "unknown": { "allowance": "4d" } },
    });
    let features = json!({ "*": "two", "export.*": "three", "export.pdf": "four" });
    let rules = policy(tiers, json!({ "skus": { "cad": { "tier": "basic", "features": features }, "viewer": {} } }));
    let ends = |feature: &str, at: &str| json!({ "check": feature, "expect": { "ends": at } });
    walk(
        rules,
        json!([
            { "lease": { "license": "L1", "features": ["core", "export.pdf", "export.step.x", "export"], "ttl": "1d" } },
            { "lease": { "license": "V1", "sku": "viewer", "features": ["core"], "ttl": "1d" } },
            ends("core", "2026-01-04T00:00:00Z"), ends("export", "2026-01-04T00:00:00Z"),
            ends("export.step.x", "2026-01-05T00:00:00Z"), ends("export.pdf", "2026-01-06T00:00:00Z"),
            { "check": "core", "sku": "viewer", "expect": { "ends": "2026-01-03T00:00:00Z" } },
        ]),
    );
}

#[test]
fn p2_what_is_malformed() {
    let broken = |tier: Value| {
        let mut policy = policy(json!({ "basic": tier }), json!({ "version": 2 }));
        policy["version"] = json!(2);
        json!({ "policy": policy, "expect": { "error": "malformed" } })
    };
    walk(
        basic(),
        json!([
            broken(json!({ "network": {} })),
            broken(json!({ "budget": { "limit": "1d" } })),
            broken(json!({ "budget": { "window": "1d" } })),
            broken(json!({ "server": { "allowance": "1d", "margin": "1h" } })),
            broken(json!({ "start": "first_use" })),
            broken(json!({ "horizon": "1d" })),
            broken(json!({ "start": "now" })),
            broken(json!({ "network": { "allowance": "1d", "stages": [{ "after": "1h", "access": "full" }] } })),
            broken(json!({ "network": { "allowance": "1d", "stages": [
            { "after": "0s", "access": "full" }, { "after": "0s", "access": "limited" } ] } })),
            broken(json!({ "network": { "allowance": "1d", "stages": [{ "after": "0s", "access": "denied" }] } })),
            broken(json!({ "network": { "allowance": "1d1d" } })),
            broken(json!({ "nonsense": true })),
        ]),
    );
    // A newer schema is another fact.
    let mut newer = basic();
    newer["schema"] = json!(2);
    newer["version"] = json!(2);
    walk(basic(), json!([{ "policy": newer, "expect": { "error": "unsupported" } }]));
}

#[test]
fn g1_reports_count_for_all_licences_until_their_next_lease() {
    walk(
        basic(),
        json!([
            lease("1h"), { "lease": { "license": "L2", "sku": "viewer", "features": ["core"], "ttl": "1h" } }, { "advance": "2h" },
            { "report": "network" }, core(json!({ "reason": "network" })),
            { "check": "core", "sku": "viewer", "expect": { "reason": "network" } },
            lease("1h"), { "advance": "1h" }, core(json!({ "reason": "unknown" })),
            { "check": "core", "sku": "viewer", "expect": { "reason": "network" } },
            // No lease since it was reported last has made it old news for nobody: it is recorded again, for L1.
            { "report": "network" }, core(json!({ "reason": "network" })),
        ]),
    );
}

#[test]
fn g2_a_horizon_cuts_what_a_first_use_begins() {
    let roaming = policy(
        json!({ "basic": { "start": "first_use", "horizon": "10d", "unknown": { "allowance": "5d" }, "warn": ["1d"] } }),
        json!({}),
    );
    walk(
        roaming.clone(),
        json!([
            lease("1d"), core(json!({ "ends": "2026-01-07T00:00:00Z" })), { "advance": "9d" },
            core(json!({ "state": "grace", "ends": "2026-01-12T00:00:00Z" })), { "advance": "1d" },
            core(json!({ "state": "grace", "ends": "2026-01-12T00:00:00Z" })),
        ]),
    );
    // Past the horizon nothing begins; nothing that has not begun raises an alarm.
    walk(
        roaming,
        json!([
            lease("1d"), { "advance": "11d" }, core(json!({ "state": "expired", "until": null })),
            { "events": true, "expect": [{ "event": "document_accepted" }] },
        ]),
    );
}

#[test]
fn g3_evidence_is_not_dated() {
    walk(
        basic(),
        json!([
            lease("1d"), { "advance": "3d12h" }, core(json!({ "reason": "unknown", "until": "2026-01-05T00:00:00Z" })),
            { "advance": "1d" }, core(json!({ "state": "expired" })), { "report": "network" },
            core(json!({ "state": "grace", "reason": "network", "until": "2026-01-09T00:00:00Z", "ends": "2026-01-16T00:00:00Z" })),
        ]),
    );
}

#[test]
fn g4_a_notice_covers_from_the_later_of_its_start_and_the_leases_end() {
    let maintenance = policy(json!({ "basic": { "maintenance": { "allowance": "10h", "margin": "2h" } } }), json!({}));
    walk(
        maintenance,
        json!([
            lease("24h"), { "notice": { "id": "a", "start": "+20h", "end": "+30h" } }, { "notice": { "id": "b", "start": "+40h", "end": "+90h" } },
            core(json!({ "until": "2026-01-02T00:00:00Z", "ends": "2026-01-02T08:00:00Z" })), { "advance": "31h59m59s" },
            core(json!({ "state": "grace", "until": "2026-01-02T08:00:00Z" })), { "advance": "1s" },
            core(json!({ "state": "expired", "until": "2026-01-02T16:00:00Z" })), { "advance": "8h" },
            core(json!({ "state": "grace", "ends": "2026-01-03T02:00:00Z" })),
        ]),
    );
}

#[test]
fn g5_an_extension_needs_no_tier_and_never_counts() {
    let none = json!({ "schema": 1, "id": "acme", "version": 1, "governance": { "max_extension": "9d" }, "tiers": {} });
    walk(
        none,
        json!([
            lease("1d"), { "advance": "2d" }, core(json!({ "state": "expired" })),
            { "extension": { "license": "L1", "until": "+5d", "access": "limited" } },
            core(json!({ "access": "limited", "reason": "extension", "until": "2026-01-06T00:00:00Z", "ends": "2026-01-06T00:00:00Z" })),
        ]),
    );
}

#[test]
fn g6_the_best_access_wins_and_then_the_reason() {
    walk(
        basic(),
        json!([
            lease("1d"), { "report": "network" }, { "report": "server" }, { "advance": "8d12h" },
            // network is limited by now, server is full.
            core(json!({ "access": "full", "reason": "server" })),
            { "extension": { "license": "L1", "until": "+15d", "signers": 2 } }, core(json!({ "reason": "extension" })),
            { "notice": { "id": "m", "start": "+8d", "end": "+9d" } }, core(json!({ "reason": "maintenance" })),
            { "advance": "2d" }, core(json!({ "reason": "extension" })),
        ]),
    );
}

#[test]
fn g7_the_window_before_a_cover_is_what_is_charged() {
    let budget = policy(
        json!({ "basic": { "budget": { "limit": "5d", "window": "10d" }, "network": { "allowance": "4d" }, "unknown": { "allowance": "1d" } } }),
        json!({}),
    );
    walk(
        budget,
        json!([
            lease("1d"), { "advance": "1d" }, { "report": "network" }, core(json!({ "ends": "2026-01-06T00:00:00Z" })), { "advance": "3d" },
            lease("1d"), { "advance": "1d" }, { "report": "network" }, core(json!({ "ends": "2026-01-08T00:00:00Z" })), { "advance": "1d" },
            // Of [01-02, 01-05) only what lies within ten days of the next cover still counts, and the day of the second outage.
            lease("6d12h"), { "advance": "6d12h" }, { "report": "network" },
            core(json!({ "t": "2026-01-13T12:00:00Z", "ends": "2026-01-16T00:00:00Z" })),
        ]),
    );
}

#[test]
fn g8_nobody_is_charged_before_first_use() {
    let budget = policy(
        json!({ "basic": { "budget": { "limit": "5d", "window": "90d" }, "network": { "allowance": "5d" } } }),
        json!({}),
    );
    walk(
        budget,
        json!([
            lease("1d"), { "report": "network" }, { "advance": "4d" }, core(json!({ "state": "grace" })), { "advance": "1d" }, lease("1d"),
            { "advance": "1d" }, { "report": "network" },
            // One day was used: from the first check, three days after the lease's end, to the renewal.
            core(json!({ "t": "2026-01-07T00:00:00Z", "ends": "2026-01-11T00:00:00Z" })),
        ]),
    );
}

#[test]
fn g9_an_outage_keeps_the_policy_that_it_began_under() {
    let mut shorter = basic();
    shorter["version"] = json!(2);
    shorter["tiers"]["basic"]["unknown"] = json!({ "allowance": "1d" });
    // Adopted before the lease's end, but after its acceptance: it alone is in force at the end.
    walk(
        basic(),
        json!([lease("2d"), { "advance": "1d" }, { "policy": shorter }, core(json!({ "ends": "2026-01-04T00:00:00Z" }))]),
    );
    // Adopted at the very end: the last policy at or before it.
    walk(
        basic(),
        json!([lease("1d"), { "advance": "1d" }, { "policy": shorter }, core(json!({ "ends": "2026-01-03T00:00:00Z" }))]),
    );
    // Adopted during the outage: both count.
    walk(
        basic(),
        json!([lease("1d"), { "advance": "1d1s" }, { "policy": shorter }, core(json!({ "ends": "2026-01-05T00:00:00Z" }))]),
    );
}

#[test]
fn j1_in_this_order() {
    walk(
        basic(),
        json!([
            core(json!({ "state": "unlicensed", "access": "denied" })), lease("1h"),
            { "check": "render", "expect": { "state": "not_entitled" } },
            { "revocation": { "license": "L1", "features": ["render"] } }, { "check": "render", "expect": { "state": "not_entitled" } },
            core(json!({ "state": "licensed" })), { "advance": "1h" }, core(json!({ "state": "grace" })),
            { "set_wall": "-10d" }, { "save": "x" }, { "advance": "73h" }, core(json!({ "state": "clock_locked" })),
            { "revocation": { "license": "L1" } }, core(json!({ "state": "revoked" })),
        ]),
    );
}

#[test]
fn j2_the_best_of_several_licences_answers() {
    walk(
        basic(),
        json!([
            { "lease": { "license": "A", "features": ["core"], "ttl": "1h" } }, { "lease": { "license": "B", "features": ["core", "render"], "ttl": "2h" } },
            { "check": "render", "expect": { "state": "licensed", "until": "2026-01-01T02:00:00Z" } },
            core(json!({ "state": "licensed", "until": "2026-01-01T02:00:00Z" })),
            { "revocation": { "license": "B" } }, core(json!({ "state": "licensed", "until": "2026-01-01T01:00:00Z" })),
            { "check": "render", "expect": { "state": "revoked" } }, { "advance": "9d" }, core(json!({ "state": "expired" })),
        ]),
    );
}

#[test]
fn j3_until_and_ends_are_what_changes_next() {
    walk(
        basic(),
        json!([
            lease("24h"), { "report": "network" },
            core(json!({ "until": "2026-01-02T00:00:00Z", "ends": "2026-01-16T00:00:00Z" })), { "advance": "24h" },
            core(json!({ "until": "2026-01-09T00:00:00Z", "ends": "2026-01-16T00:00:00Z" })), { "advance": "14d" },
            core(json!({ "access": "denied", "until": null, "ends": null })),
        ]),
    );
}

// J4 and the laws of the fold are in `tests/properties.rs`.

#[test]
fn l1_a_power_cut_is_no_offence() {
    walk(
        basic(),
        json!([
            lease("1h"), { "advance": "2h" }, { "report": "network" }, { "power_loss": { "off": "1h" } },
            core(json!({ "reason": "network", "ledger": "ok" })),
        ]),
    );
}

// L2 is in `tests/client.rs` and `tests/ledger_damage.rs`.

#[test]
fn l3_a_copy_that_is_put_back_is_found_once() {
    walk(
        basic(),
        json!([
            lease("30d"), { "save": "x" }, { "advance": "1h" }, { "report": "network" }, { "restore": "x" },
            core(json!({ "t": "2026-01-01T01:00:00Z", "ledger": "suspect", "until": "2026-01-31T00:00:00Z", "ends": "2026-01-31T00:00:00Z" })),
            { "reopen": true }, core(json!({ "ledger": "suspect", "until": "2026-01-31T00:00:00Z" })),
            { "events": true, "expect": [
                { "event": "document_accepted" }, { "event": "ledger_suspect", "reason": "put_back", "at": "2026-01-01T01:00:00Z" },
            ] },
            // The ledger goes on from there, and the witness follows it.
            lease("30d"), core(json!({ "ledger": "ok" })), { "reopen": true }, core(json!({ "ledger": "ok" })),
        ]),
    );
}

#[test]
fn l4_until_it_locks_everything_runs_on() {
    walk(
        basic(),
        json!([
            lease("1h"), { "save": "x" }, { "advance": "2h" }, { "report": "network" }, { "restore": "x" }, { "report": "network" },
            core(json!({ "state": "grace", "ledger": "suspect" })), { "advance": "71h59m59s" }, core(json!({ "state": "grace" })),
            { "advance": "1s" }, core(json!({ "state": "ledger_locked" })),
            { "ruling": { "license": "L1", "clears": ["ledger"] } }, core(json!({ "state": "grace", "ledger": "ok" })),
        ]),
    );
}

#[test]
fn l5_another_machine_locks_even_a_running_lease() {
    walk(
        basic(),
        json!([
            lease("30d"), { "move": { "to": "b" } }, { "advance": "72h" }, core(json!({ "state": "ledger_locked", "ledger": "moved" })),
            { "move": { "to": "a" } }, core(json!({ "state": "licensed", "ledger": "ok" })),
        ]),
    );
    let mut ignore = basic();
    ignore["version"] = json!(2);
    ignore["ledger"] = json!({ "moved": "ignore" });
    walk(
        basic(),
        json!([
            lease("30d"), { "move": { "to": "b" } }, core(json!({ "ledger": "moved" })), { "policy": ignore }, core(json!({ "ledger": "ok" })),
            { "move": { "to": "c" } }, core(json!({ "ledger": "ok" })),
        ]),
    );
}

#[test]
fn a1_the_standing_of_what_a_newer_lease_dropped() {
    walk(
        basic(),
        json!([
            { "lease": { "license": "L1", "features": ["core", "render"], "ttl": "1d" } }, lease("1d"),
            { "events": true, "expect": [
                { "event": "document_accepted" }, { "event": "document_accepted" },
                { "event": "access_changed", "feature": "render", "access": "denied", "state": "not_entitled", "left": null },
            ] },
        ]),
    );
}

#[test]
fn a2_what_happened_while_nobody_ran_is_told_in_order() {
    let warned = policy(json!({ "basic": { "warn": ["1d"], "unknown": { "allowance": "3d" } } }), json!({}));
    walk(
        warned,
        json!([
            { "lease": { "license": "L1", "features": { "core": "1d", "render": "2d" } } }, { "reboot": { "off": "9d" } },
            { "events": true, "expect": [
                { "event": "document_accepted" },
                { "event": "grace_started", "at": "2026-01-02T00:00:00Z", "feature": "core" },
                { "event": "grace_started", "at": "2026-01-03T00:00:00Z", "feature": "render" },
                { "event": "grace_warning", "at": "2026-01-04T00:00:00Z", "feature": "core", "left": 86400 },
                { "event": "grace_ended", "at": "2026-01-05T00:00:00Z", "feature": "core", "access": "denied", "state": "expired" },
                { "event": "grace_warning", "at": "2026-01-05T00:00:00Z", "feature": "render", "left": 86400 },
                { "event": "grace_ended", "at": "2026-01-06T00:00:00Z", "feature": "render" },
            ] },
        ]),
    );
}

#[test]
fn a3_a_runway_that_grows_is_told() {
    let warned = policy(
        json!({ "basic": { "warn": ["2d", "1d"], "unknown": { "allowance": "3d" }, "network": { "allowance": "9d" } } }),
        json!({}),
    );
    walk(
        warned,
        json!([
            lease("1d"), { "advance": "3d12h" }, { "events": true, "expect": [
                { "event": "document_accepted" }, { "event": "grace_started", "left": null }, { "event": "grace_warning", "left": 172800 },
                { "event": "grace_warning", "left": 86400 },
            ] },
            { "report": "network" },
            { "events": true, "expect": [{ "event": "grace_changed", "reason": "network", "left": null }] },
        ]),
    );
}

#[test]
fn a4_the_events_of_the_ledger() {
    walk(
        basic(),
        json!([
            lease("30d"), { "set_wall": "-10d" }, { "move": { "to": "b" } },
            { "events": true, "expect": [
                { "event": "document_accepted", "document": "lease", "error": null },
                { "event": "clock_suspect", "reason": "rolled_back" }, { "event": "ledger_suspect", "reason": "moved" },
            ] },
            lease("30d"),
            { "events": true, "expect": [
                { "event": "document_accepted" }, { "event": "clock_restored" }, { "event": "ledger_restored" },
            ] },
        ]),
    );
}

/// Every rule's number stands in a test's name or comment.
#[test]
fn every_rule_has_a_test() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/semantics.md")).unwrap();
    let rules: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("- **")?.split(['*', ' ']).next())
        .filter(|rule| rule.len() == 2 && rule.starts_with(|c: char| "CDPGJLA".contains(c)))
        .map(str::to_owned)
        .collect();
    assert!(rules.len() >= 38, "{rules:?}");
    let mut tests = String::new();
    let mut folders = vec![root.join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| ["rs", "py", "c", "cpp", "cs"].iter().any(|known| e == *known)) {
                tests += &std::fs::read_to_string(path).unwrap();
            }
        }
    }
    let missing: Vec<&String> = rules
        .iter()
        .filter(|rule| {
            !tests.contains(&format!("fn {}_", rule.to_lowercase())) && !tests.contains(&format!("// {rule}"))
        })
        .collect();
    assert!(missing.is_empty(), "no test names {missing:?}");
}
