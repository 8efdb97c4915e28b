//! A ledger of a released format that every later release must open: `tests/fixtures/format-1`. A copy of it is opened at the fixed
//! instant that it says, and must come to what was written down when it was made. A fixture of a released format is never made anew;
//! one for another format is made, in a folder of its own, by `cargo test --lib drill::fixture -- --ignored`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Authority, Fault, World};
use crate::client::{App, Builder, Client, Request, json as says};
use crate::document::RootKey;
use crate::ledger::{Disk, verify, verify_public};
use crate::renew::Appeal;
use crate::terms::{Kind, Outage};
use crate::time::{Instant, Span};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/format-1");
const SECRET: &[u8] = b"the fixture's application secret";
const SKUS: [(&str, &str); 3] = [("cad", "core"), ("cad", "render"), ("cam", "core")];
/// Each kind of event that format 1 has.
const KINDS: [&str; 19] = [
    "Accepted",
    "AppealReceived",
    "Appealed",
    "Changed",
    "Charged",
    "ClockRestored",
    "Continued",
    "Countersigned",
    "Created",
    "Damage",
    "FirstUse",
    "Home",
    "LedgerRestored",
    "PutBack",
    "Recovered",
    "Refused",
    "Reported",
    "Requested",
    "Suspected",
];

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, to).unwrap();
        }
    }
}

fn builder(app: &App, folder: &Path, world: &World) -> Builder {
    let facts = world.clone();
    let witness = format!("witness-{}", world.machine_name());
    Builder::new(app.clone()).folder(folder.join("ledger")).witness(folder.join(witness)).create(false).drill(
        Arc::new(world.clone()),
        Some(Arc::new(move |ledger: &str| facts.machine(ledger))),
        None,
    )
}

fn app_of(root: RootKey, keys: &[u8]) -> App {
    let mut app = App::new("acme", SECRET, vec![root]);
    app.keys = Some(keys.to_vec());
    app.audit_key = Some([9; 32]);
    app
}

fn logs(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder.join("ledger")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "ledger")).collect();
    files.sort();
    files
}

/// All that a ledger must come to.
fn comes_to(client: &Client) -> Value {
    let history = client.history(0).unwrap();
    let kind =
        |event: &crate::grace::Event| format!("{event:?}").split([' ', '(']).next().unwrap_or_default().to_owned();
    let records: Vec<Value> = history
        .iter()
        .map(|(seq, record)| json!([seq, record.t.to_string(), record.events.iter().map(kind).collect::<Vec<_>>()]))
        .collect();
    let decisions: Vec<Value> = SKUS.iter().map(|(sku, feature)| says::decision(&client.check(sku, feature))).collect();
    let status = client.status("cad").unwrap();
    json!({
        "id": status.ledger_id, "generation": status.generation, "policy": status.policy, "unproven": status.unproven,
        "decisions": decisions, "records": records,
    })
}

fn verified(app: &App, folder: &Path, world: &World) -> Value {
    let report = verify(Arc::new(Disk), &builder(app, folder, world).config().unwrap()).unwrap();
    let generations = report.generations.iter().map(|one| {
        let root: String = one.root.iter().map(|byte| format!("{byte:02x}")).collect();
        let found: Vec<String> = one
            .findings
            .iter()
            .map(|found| format!("{found:?}").split(',').next().unwrap_or_default().to_owned())
            .collect();
        json!({ "generation": one.generation, "size": one.size, "root": root, "found": found })
    });
    generations.collect()
}

#[test]
fn a_ledger_of_format_1_is_read_as_ever() {
    let kept: Value = serde_json::from_slice(&std::fs::read(Path::new(FOLDER).join("expected.json")).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    copy(Path::new(FOLDER), folder.path());
    let world = World::new(kept["now"].as_str().unwrap().parse().unwrap());
    // The machine that it is at home on, after another boot.
    world.boot(Span::ZERO, Some("b"));
    let app = app_of(RootKey::from_jwk(&kept["root"]).unwrap(), kept["keys"].as_str().unwrap().as_bytes());
    assert_eq!(verified(&app, folder.path(), &world), kept["verified"]);
    let head = std::fs::read_to_string(folder.path().join("ledger/acme.head")).unwrap();
    let public = verify_public(&Disk, logs(folder.path()).last().unwrap(), Some(&head)).unwrap();
    assert!(public.head.is_some() && public.problems.is_empty(), "{public:?}");
    // The records as they were: what opening adds comes behind them. A consumer goes on where it was.
    let client = builder(&app, folder.path(), &world).open().unwrap();
    let mut found = comes_to(&client);
    let before = kept["comes_to"]["records"].as_array().unwrap();
    found["records"].as_array_mut().unwrap().truncate(before.len());
    assert_eq!(found, kept["comes_to"]);
    let told = client.next_event("tray").unwrap().map(|event| says::event(&event));
    assert_eq!(told.unwrap_or(Value::Null), kept["next_event"]);
    let seen: BTreeSet<&str> =
        before.iter().flat_map(|record| record[2].as_array().unwrap()).filter_map(Value::as_str).collect();
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), KINDS);
    // It can be written to.
    client.appeal(None, "still here").unwrap();
    client.close().unwrap();
    assert_eq!(builder(&app, folder.path(), &world).open().unwrap().ledger_id().unwrap(), kept["comes_to"]["id"]);
}

#[test]
fn the_independent_reader_reads_it_too() {
    let kept: Value = serde_json::from_slice(&std::fs::read(Path::new(FOLDER).join("expected.json")).unwrap()).unwrap();
    let reader = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verifier/verifier.py");
    let secret: String = SECRET.iter().map(|byte| format!("{byte:02x}")).collect();
    let ledger = Path::new(FOLDER).join("ledger");
    let done = Command::new("python3").arg(reader).arg(&ledger).args(["acme", "--secret", &secret]).output();
    let done = done.ok().filter(|done| !String::from_utf8_lossy(&done.stderr).contains("ModuleNotFoundError"));
    let Some(done) = done else {
        println!("not run: the independent reader needs Python with the package cryptography");
        return;
    };
    let text = String::from_utf8_lossy(&done.stdout);
    assert_eq!(text.lines().last(), Some("damaged"), "{text}{}", String::from_utf8_lossy(&done.stderr));
    for record in kept["comes_to"]["records"].as_array().unwrap() {
        assert!(text.contains(&format!("/{} at ", record[0])), "record {} in {text}", record[0]);
    }
}

#[test]
#[ignore = "makes a fixture where there is none"]
fn make() {
    let target = Path::new(FOLDER);
    assert!(!target.exists(), "a released format's fixture is never made anew");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let world = World::new("2026-01-01T00:00:00Z".parse::<Instant>().unwrap());
    let hours = |n: i64| Span::seconds(n * 3600);
    let authority = Authority::new().unwrap();
    let keys = authority.keys_token(world.now());
    let app = app_of(authority.root(), &keys);
    let open = || builder(&app, path, &world).create(true).open().unwrap();
    let now = |n: i64| (world.now() + hours(n)).seconds();
    let give = |client: &Client, kind, mut claims: Value, fault| {
        claims["iat"] = json!(now(0));
        client.import(&authority.issue(kind, &claims, 1, fault).unwrap()).unwrap()
    };
    let mut client = open();
    client.next_event("tray").unwrap();
    let tier = json!({
        "start": "first_use", "horizon": "60d", "budget": { "limit": "30d", "window": "90d" }, "warn": ["24h"],
        "unknown": { "allowance": "3d" }, "network": { "allowance": "14d" }, "server": { "allowance": "14d" },
        "maintenance": { "allowance": "7d", "margin": "12h" },
    });
    let policy = json!({
        "schema": 1, "id": "acme", "version": 1, "default_tier": "basic", "tiers": { "basic": tier },
        "governance": { "max_extension": "7d" },
    });
    assert!(give(&client, Kind::Policy, policy, None).accepted);
    let id = client.ledger_id().unwrap();
    let lease = |license: &str, sku: &str, answers: Option<Request>| {
        let mut claims = json!({ "license": license, "sku": sku, "ledger": id, "features": { "core": now(24), "render": now(240) } });
        if let Some(request) = answers {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            claims["nonce"] = json!(request.nonce);
            claims["checkpoint"] = body["head"].clone();
        }
        claims
    };
    assert!(give(&client, Kind::Lease, lease("L1", "cad", None), None).accepted);
    assert!(give(&client, Kind::Lease, lease("L2", "cam", None), None).accepted);
    assert!(!give(&client, Kind::Lease, lease("L1", "cad", None), Some(Fault::UnknownKey)).accepted);
    world.advance(hours(30));
    client.check("cad", "core");
    assert!(client.report(Outage::Network).unwrap() && client.report(Outage::Server).unwrap());
    assert!(give(&client, Kind::Notice, json!({ "id": "N1", "start": now(1), "end": now(5) }), None).accepted);
    assert!(give(&client, Kind::Extension, json!({ "license": "L1", "until": now(100) }), None).accepted);
    assert!(
        give(&client, Kind::Revocation, json!({ "license": "L2", "features": ["render"], "effective": now(0) }), None)
            .accepted
    );
    world.advance(hours(10));
    client.check("cad", "core");
    let request = client.request().unwrap();
    assert!(give(&client, Kind::Lease, lease("L1", "cad", Some(request)), None).fresh);
    world.set_wall(hours(-72));
    client.upkeep().unwrap();
    world.set_wall(hours(72));
    client.upkeep().unwrap();
    let appeal = Appeal::read(&client.appeal(Some("L1"), "The clock was wrong for an hour.").unwrap()).unwrap();
    let mut confirms = lease("L1", "cad", Some(client.request().unwrap()));
    confirms["appeals"] = json!([appeal.id]);
    assert!(give(&client, Kind::Lease, confirms, None).accepted);
    client.close().unwrap();
    // What a crash leaves: bytes behind the log's end.
    let torn = |path: &Path| {
        let mut bytes = std::fs::read(path).unwrap();
        let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        bytes[end..end + 20].fill(7);
        std::fs::write(path, bytes).unwrap();
    };
    torn(&logs(path)[0]);
    // On another machine, where a ruling makes it at home.
    world.boot(hours(1), Some("b"));
    client = open();
    assert!(give(&client, Kind::Ruling, json!({ "license": "L1", "clears": ["ledger"], "ledger": id }), None).accepted);
    client.close().unwrap();
    // Put back from a copy.
    copy(&path.join("ledger"), &path.join("copy"));
    world.boot(hours(1), None);
    client = open();
    client.appeal(None, "This will be lost.").unwrap();
    client.close().unwrap();
    std::fs::remove_dir_all(path.join("ledger")).unwrap();
    std::fs::rename(path.join("copy"), path.join("ledger")).unwrap();
    world.boot(hours(1), None);
    client = open();
    client.appeal(None, "The disk was put back.").unwrap();
    client.appeal(None, "This will be damaged.").unwrap();
    client.appeal(None, "And this not.").unwrap();
    client.close().unwrap();
    let log = &logs(path)[0];
    let mut bytes = std::fs::read(log).unwrap();
    let frames: Vec<usize> = {
        let mut at = 8192;
        std::iter::from_fn(|| {
            let head = bytes.get(at..at + 6).filter(|head| head.starts_with(b"RF"))?;
            let frame = at;
            at += 64 + u32::from_le_bytes([head[2], head[3], head[4], head[5]]) as usize;
            Some(frame)
        })
        .collect()
    };
    let hit = frames[frames.len() - 3];
    bytes[hit + 70] ^= 1;
    std::fs::write(log, bytes).unwrap();
    client = open();
    world.advance(hours(40));
    client.check("cad", "core");
    client.check("cam", "core");
    client.close().unwrap();
    let client = open();
    let result = comes_to(&client);
    let next = client.next_event("tray").unwrap().map(|event| says::event(&event));
    client.close().unwrap();
    let kept = json!({
        "now": world.now().to_string(), "root": authority.root().jwk(), "keys": String::from_utf8(keys.clone()).unwrap(),
        "verified": verified(&app, path, &world), "comes_to": result, "next_event": next,
    });
    std::fs::write(path.join("expected.json"), serde_json::to_string_pretty(&kept).unwrap() + "\n").unwrap();
    copy(path, target);
}
