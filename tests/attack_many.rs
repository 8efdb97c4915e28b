//! Attacks on the client by crowds and crashes: processes at the moment a transition is due, processes that are killed, and
//! whether a ledger that is opened anew says at any moment what the living client says. `REPRIEVE_SOAK=N` goes on N times longer.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reprieve::client::{Client, Decision, EventKind};
use reprieve::drill::{Drill, Scenario};
use reprieve::grace::Event;
use reprieve::terms::{Kind, Outage};
use reprieve::time::Span;
use serde_json::{Value, json};

fn soak() -> u64 {
    std::env::var("REPRIEVE_SOAK").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

fn child(test: &str, folder: &Path, seed: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("REPRIEVE_ATTACKED", folder)
        .env("REPRIEVE_SEED", seed.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn attacked() -> Option<(PathBuf, u64)> {
    Some((std::env::var_os("REPRIEVE_ATTACKED")?.into(), std::env::var("REPRIEVE_SEED").unwrap().parse().unwrap()))
}

fn patient(drill: &Drill) -> Client {
    drill.builder().lock_timeout(Duration::from_secs(60)).open().unwrap()
}

fn policy() -> Value {
    json!({
        "schema": 1, "id": "p", "version": 1, "default_tier": "t",
        "tiers": { "t": {
            "warn": ["2s", "1s"],
            "unknown": { "allowance": "2s", "stages": [{ "after": "0s", "access": "full" }, { "after": "1s", "access": "limited" }] },
        } },
    })
}

// A2: every process is there when something falls due, and it is recorded once.
#[test]
fn a2_what_falls_due_in_a_crowd_is_recorded_once() {
    if let Some((folder, seed)) = attacked() {
        let drill = Drill::open(&folder).unwrap();
        let client = patient(&drill);
        let mut random = Random(seed);
        let until = std::time::Instant::now() + Duration::from_millis(5500);
        while std::time::Instant::now() < until {
            match random.below(40) {
                0 => client.upkeep().unwrap(),
                1 => drop(client.status("cad").unwrap()),
                _ => drop(client.check("cad", ["core", "render"][random.below(2) as usize])),
            }
            std::thread::sleep(Duration::from_millis(random.below(4)));
        }
        std::process::exit(0);
    }
    let folder = tempfile::tempdir().unwrap();
    let drill = Drill::create(folder.path(), Some(&policy())).unwrap();
    let client = patient(&drill);
    let end = drill.now().seconds() + 2;
    let lease = json!({ "license": "L1", "sku": "cad", "features": { "core": end, "render": end } });
    assert!(client.import(&drill.issue(Kind::Lease, &lease, 1, None).unwrap()).unwrap().accepted);
    let name = "a2_what_falls_due_in_a_crowd_is_recorded_once";
    for mut child in (1..=5).map(|seed| child(name, folder.path(), seed * 7919)).collect::<Vec<_>>() {
        assert!(child.wait().unwrap().success());
    }
    client.upkeep().unwrap();
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut uses = BTreeSet::new();
    for (_, record) in client.history(0).unwrap() {
        for event in &record.events {
            match event {
                Event::Changed { alarm, at, feature, standing, .. } => {
                    seen.entry(feature.clone()).or_default().push(format!(
                        "{} {alarm:?} {} {:?}",
                        (*at - reprieve::time::Instant::from_seconds(end)).as_seconds(),
                        standing.access,
                        standing.left.map(|left| left.as_seconds()),
                    ))
                }
                Event::FirstUse { feature, .. } => assert!(uses.insert(feature.clone()), "one first use"),
                _ => {}
            }
        }
    }
    let chain = [
        "0 GraceStarted full Some(2)",
        "0 GraceWarning full Some(2)",
        "1 GraceChanged limited Some(1)",
        "1 GraceWarning limited Some(1)",
        "2 GraceEnded denied None",
    ];
    for feature in ["core", "render"] {
        assert_eq!(seen[feature], chain, "{feature}");
    }
}

// L1, A: writers, archivers and a consumer that are killed at any moment lose nothing that was acknowledged.
#[test]
fn l1_killed_at_any_moment() {
    if let Some((folder, seed)) = attacked() {
        let drill = Drill::open(&folder).unwrap();
        let client = patient(&drill);
        let mut random = Random(seed);
        let say = |line: &str| {
            let mut out = std::io::stdout().lock();
            writeln!(out, "{line}").unwrap();
            out.flush().unwrap();
        };
        for n in 0.. {
            match random.below(30) {
                0 => drop(client.archive().unwrap()),
                1 => drop(client.report(Outage::Network).unwrap()),
                2 => client.upkeep().unwrap(),
                3..=6 => drop(client.check("cad", "core")),
                7..=12 => {
                    while let Some(event) = client.next_event("killed").unwrap() {
                        if let Some(text) = &event.text {
                            say(&format!("seen {}", text.split(' ').next().unwrap()));
                        }
                        client.acknowledge("killed", event.record, event.index).unwrap();
                    }
                }
                13 => {
                    let license = format!("{seed}-{n}");
                    let claims = json!({ "license": license, "sku": "cad", "features": { "core": drill.now().seconds() + 5000 } });
                    assert!(client.import(&drill.issue(Kind::Lease, &claims, 1, None).unwrap()).unwrap().accepted);
                    say(&format!("lease {license}"));
                }
                _ => {
                    let text = format!("{seed}-{n}");
                    client.appeal(None, &format!("{text} {}", "x".repeat(random.below(3000) as usize))).unwrap();
                    say(&format!("appeal {text}"));
                }
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let drill = Drill::create(folder.path(), Some(&policy())).unwrap();
    let client = patient(&drill);
    for consumer in ["killed", "told"] {
        client.next_event(consumer).unwrap();
    }
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut said = Vec::new();
    let rounds = 12 * soak();
    for round in 0..rounds {
        let mut children: Vec<Child> =
            (0..2).map(|which| child("l1_killed_at_any_moment", folder.path(), 1000 + round * 2 + which)).collect();
        let mut lines: Vec<_> =
            children.iter_mut().map(|child| std::io::BufReader::new(child.stdout.take().unwrap()).lines()).collect();
        // Of three rounds, one kills whatever they do, opening too; in the others a slow machine gets as far as an appeal.
        for lines in lines.iter_mut().filter(|_| round % 3 != 0) {
            for line in lines.map(Result::unwrap) {
                said.push(line);
                if said.last().is_some_and(|line| line.starts_with("appeal ")) {
                    break;
                }
            }
        }
        std::thread::sleep(Duration::from_millis(150 + random.below(350)));
        for child in &mut children {
            child.kill().unwrap();
            std::thread::sleep(Duration::from_millis(random.below(30)));
        }
        for (mut child, lines) in children.into_iter().zip(lines) {
            said.extend(lines.map(Result::unwrap));
            child.wait().unwrap();
        }
    }
    client.upkeep().unwrap();
    let of = |word: &str| -> Vec<&str> {
        said.iter().filter_map(|line| line.strip_prefix(word).and_then(|rest| rest.strip_prefix(' '))).collect()
    };
    let mut appeals = Vec::new();
    while let Some(event) = client.next_event("told").unwrap() {
        assert!(
            !matches!(event.kind, EventKind::LedgerSuspect | EventKind::ClockSuspect),
            "a kill is no offence: {event:?}"
        );
        if event.kind == EventKind::AppealFiled {
            appeals.push(event.text.unwrap().split(' ').next().unwrap().to_owned());
        }
        client.acknowledge("told", event.record, event.index).unwrap();
    }
    let told: BTreeSet<&str> = appeals.iter().map(String::as_str).collect();
    assert_eq!(told.len(), appeals.len(), "told twice");
    let acknowledged = of("appeal");
    assert!(acknowledged.len() >= rounds as usize);
    assert!(acknowledged.iter().all(|text| told.contains(text)), "an acknowledged appeal is lost");
    assert!(told.len() <= acknowledged.len() + 2 * rounds as usize);
    // Every consumer that was killed was told of everything that came before it, again at most what it had not acknowledged.
    let (mut seen, mut again) = (of("seen"), 0);
    while let Some(event) = client.next_event("killed").unwrap() {
        seen.extend(
            event
                .text
                .as_deref()
                .map(|text| appeals.iter().find(|a| text.split(' ').next() == Some(a)).unwrap().as_str()),
        );
        again += 1;
    }
    let all: BTreeSet<&str> = seen.iter().copied().collect();
    assert_eq!(all, told, "{again} were left");
    let history = client.history(0).unwrap();
    let numbers: Vec<u64> = history.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>(), "no record is lost");
    // Opened from a snapshot, or folded from the file: the same.
    let status = client.status("cad").unwrap();
    assert!(of("lease").iter().all(|license| history.iter().any(|(_, record)| {
        record
            .events
            .iter()
            .any(|event| matches!(event, Event::Accepted { license: Some(named), .. } if named == license))
    })));
    client.close().unwrap();
    let folded = folded(&drill, folder.path(), "folded");
    let kept = patient(&drill);
    assert_eq!(facts(&kept.check("cad", "core")), facts(&folded.check("cad", "core")));
    assert_eq!(kept.status("cad").unwrap().features.len(), status.features.len());
    println!("{} records, {} acknowledged, generation {}", numbers.len(), acknowledged.len(), status.generation);
}

/// A client on a copy of a drill's ledger without its snapshots and with a copy of the witness: it changes nothing of the original.
fn folded(drill: &Drill, folder: &Path, name: &str) -> Client {
    let place = folder.join(name);
    std::fs::create_dir_all(place.join("ledger")).unwrap();
    std::fs::create_dir_all(place.join("witness")).unwrap();
    for (from, to) in std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name == "ledger" || name.starts_with("witness"))
        .map(|name| (folder.join(&name), if name == "ledger" { "ledger" } else { "witness" }))
    {
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            if !entry.file_name().to_string_lossy().contains(".snapshot.") {
                std::fs::copy(entry.path(), place.join(to).join(entry.file_name())).unwrap();
            }
        }
    }
    drill.builder().folder(place.join("ledger")).witness(place.join("witness")).open().unwrap()
}

/// What a decision says, but for the moment at which it was made.
fn facts(decision: &Decision) -> String {
    format!(
        "{} {:?} {:?} {:?} {:?} {} {} {:?} {:?} {:?}",
        decision.access,
        decision.state,
        decision.reason,
        decision.until,
        decision.ends,
        decision.clock.as_str(),
        decision.ledger.as_str(),
        decision.license,
        decision.lease_end,
        decision.why.cover
    )
}

// J4: at any moment, whatever happened, a ledger that is opened anew decides as the living client does.
#[test]
fn j4_a_ledger_opened_anew_decides_as_the_living_client() {
    let steps = ["reboot", "power_loss"];
    let scenario = json!({
        "name": "random", "sku": "cad", "start": "2026-01-01T00:00:00Z",
        "policy": { "schema": 1, "id": "p", "version": 1, "default_tier": "t", "governance": { "approvals": 1, "max_extension": "30d" },
            "clock": { "settle": "2h" },
            "tiers": {
                "t": { "budget": { "limit": "10d", "window": "40d" }, "warn": ["24h", "1h"], "unknown": { "allowance": "1d" },
                    "network": { "allowance": "5d", "stages": [{ "after": "0s", "access": "full" }, { "after": "2d", "access": "limited" }] },
                    "maintenance": { "allowance": "3d", "margin": "2h" } },
                "u": { "start": "first_use", "horizon": "20d", "warn": ["1h"], "unknown": { "allowance": "12h" }, "server": { "allowance": "4d" } } },
            "skus": { "cad": { "tier": "t", "features": { "render": "u" } } } },
        "steps": steps.map(|step| json!({ step: { "off": "3h" } })),
    });
    let scenario = Scenario::parse(&scenario.to_string()).unwrap();
    for seed in 1..=3 * soak() {
        let mut random = Random(0x2545_f491_4f6c_dd1d_u64.wrapping_mul(seed));
        let mut drill = Drill::of(&scenario).unwrap();
        let mut version = 1;
        let mut log = Vec::new();
        // A product that only ever checks.
        let companion = drill.builder().open().unwrap();
        for step in 0..160 {
            let client = drill.client().unwrap();
            let now = drill.now().seconds();
            let issue = |kind, claims: Value| drill.issue(kind, &claims, 1, None).unwrap();
            let license = ["L1", "L2"][random.below(2) as usize];
            let what = random.below(24);
            log.push(format!("{what} {license}"));
            let token = match what {
                0..=2 => {
                    drill.advance(Span::seconds(random.below(40 * 3600) as i64)).unwrap();
                    None
                }
                3 | 4 => {
                    drill.advance(Span::seconds(random.below(900) as i64)).unwrap();
                    None
                }
                5 => {
                    drill.set_wall(Span::seconds(random.below(100 * 3600) as i64 - 50 * 3600)).unwrap();
                    None
                }
                6 => {
                    client.report([Outage::Network, Outage::Server][random.below(2) as usize]).unwrap();
                    None
                }
                7 => {
                    client.upkeep().unwrap();
                    None
                }
                8 => {
                    client.archive().unwrap();
                    None
                }
                9 | 10 => {
                    drop(client);
                    drill.step(what as usize - 9).unwrap();
                    // C5: until something is recorded, the new boot's uptime proves nothing to others.
                    drill.client().unwrap().appeal(None, "a record of this boot").unwrap();
                    continue;
                }
                11..=13 => {
                    let nonce = (what == 11).then(|| client.request().unwrap().nonce);
                    let mut claims = json!({ "license": license, "sku": "cad",
                        "features": { "core": now + 3600 * random.below(60) as i64 + 1, "render": now + 3600 * random.below(60) as i64 + 1 } });
                    if let Some(nonce) = nonce {
                        claims["nonce"] = json!(nonce);
                    }
                    Some(issue(Kind::Lease, claims))
                }
                14 => {
                    let start = now + 3600 * (random.below(100) as i64 - 50);
                    let claims = json!({ "id": format!("N{}", random.below(3)), "start": start, "end": start + 3600 * (1 + random.below(30) as i64) });
                    Some(issue(Kind::Notice, claims))
                }
                15 => Some(issue(
                    Kind::Extension,
                    json!({ "license": license, "until": now + 3600 * (1 + random.below(100) as i64) }),
                )),
                16 if random.below(4) == 0 => Some(issue(
                    Kind::Revocation,
                    json!({ "license": license, "features": ["render"], "effective": now + 3600 }),
                )),
                17 => Some(issue(Kind::Ruling, json!({ "license": license, "clears": ["clock"] }))),
                18 => {
                    version += 1;
                    let mut policy = scenario.policy.clone().unwrap();
                    policy["version"] = json!(version);
                    policy["tiers"]["t"]["network"]["allowance"] = json!(format!("{}d", 3 + random.below(4)));
                    Some(issue(Kind::Policy, policy))
                }
                19 => Some(b"nonsense".to_vec()),
                _ => None,
            };
            if let Some(token) = token {
                client.import(&token).unwrap();
            }
            let living: Vec<String> = ["core", "render", "none"]
                .map(|f| client.check("cad", f))
                .iter()
                .map(|d| format!("{} {}", d.t, facts(d)))
                .collect();
            // Time stands still, so the decisions of the last 10 ms would be given again; this forgets them and reads nothing.
            companion.skus().unwrap();
            let beside: Vec<String> = ["core", "render", "none"]
                .map(|f| companion.check("cad", f))
                .iter()
                .map(|d| format!("{} {}", d.t, facts(d)))
                .collect();
            // Its look at which file rules comes with every eighth look.
            if what != 8 {
                assert_eq!(living, beside, "seed {seed}, step {step}, beside it: {log:?}");
            } else {
                companion.upkeep().unwrap();
            }
            if step % 4 == 0 {
                let other = folded(&drill, drill.folder(), "anew");
                let anew: Vec<String> = ["core", "render", "none"]
                    .map(|f| other.check("cad", f))
                    .iter()
                    .map(|d| format!("{} {}", d.t, facts(d)))
                    .collect();
                assert_eq!(living, anew, "seed {seed}, step {step}: {log:?}");
                drop(other);
                std::fs::remove_dir_all(drill.folder().join("anew")).unwrap();
                let second = drill.builder().open().unwrap();
                let second: Vec<String> = ["core", "render", "none"]
                    .map(|f| second.check("cad", f))
                    .iter()
                    .map(|d| format!("{} {}", d.t, facts(d)))
                    .collect();
                assert_eq!(living, second, "seed {seed}, step {step}, by another process: {log:?}");
            }
        }
    }
}

// Many records: opening with and without a snapshot, and what a check costs.
#[test]
fn many_records() {
    let folder = tempfile::tempdir().unwrap();
    let drill = Drill::create(folder.path(), Some(&policy())).unwrap();
    let client = patient(&drill);
    let lease = json!({ "license": "L1", "sku": "cad", "features": { "core": drill.now().seconds() + 5000 } });
    client.import(&drill.issue(Kind::Lease, &lease, 1, None).unwrap()).unwrap();
    let records = 700 * soak();
    let watch = std::time::Instant::now();
    for n in 0..records {
        client.appeal(None, &format!("{n} {}", "x".repeat(200))).unwrap();
    }
    println!("{records} appeals in {:?}", watch.elapsed());
    client.next_event("late").unwrap();
    drop(client);
    let snapshots = || {
        std::fs::read_dir(folder.path().join("ledger"))
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains(".snapshot."))
    };
    assert_eq!(snapshots().count(), 2);
    for round in ["from a snapshot", "from the file"] {
        let watch = std::time::Instant::now();
        let client = patient(&drill);
        println!("{round}: opened in {:?}", watch.elapsed());
        assert_eq!(client.check("cad", "core").access.as_str(), "full");
        drop(client);
        for snapshot in snapshots() {
            std::fs::remove_file(snapshot.unwrap().path()).unwrap();
        }
    }
    let client = patient(&drill);
    let watch = std::time::Instant::now();
    for _ in 0..100_000 {
        client.check("cad", "core");
    }
    println!("a check: {:?}", watch.elapsed() / 100_000);
    // A consumer whose place lies in an earlier file.
    client.archive().unwrap();
    client.appeal(None, "in the new file").unwrap();
    assert_eq!(client.next_event("late").unwrap().unwrap().kind, EventKind::AppealFiled);
}
