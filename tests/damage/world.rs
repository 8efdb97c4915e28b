//! A small but rich ledger of a client's, and how a client sees a damaged copy of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reprieve::client::{Builder, Client, Error};
use reprieve::drill::{Drill, Scenario};
use reprieve::grace::{Event, Record};
use reprieve::ledger::{self, DamageKind, Finding, MemoryStorage, Storage};
use reprieve::terms::{Access, Kind, LedgerStanding, LicenseState, Outage, Reason};
use reprieve::time::{Instant, Span};
use serde_json::{Value, json};

/// The consumer whose events are in part unacknowledged.
pub const CONSUMER: &str = "told";
/// Where the log begins.
pub const LOG: usize = 8192;

const FEATURES: [(&str, &str); 8] = [
    ("cad", "core"),
    ("cad", "render"),
    ("cad", "export"),
    ("cad", "old"),
    ("cam", "mill"),
    ("cam", "turn"),
    ("cam", "bore"),
    ("cam", "spare"),
];

/// What a decision says, but for how long: that depends on the suspicion too.
pub type Fact = (Access, Option<LicenseState>, Option<Reason>, Option<String>, Option<Instant>);
pub type Facts = BTreeMap<&'static str, Fact>;

/// Clients on a ledger of a drill's that lies in memory.
pub struct World {
    drill: Drill,
    pub builder: Builder,
    pub storage: MemoryStorage,
    id: String,
}

/// What a test damages copies of. Shared by threads.
pub struct Base {
    builder: Builder,
    pub folder: PathBuf,
    pub witness: PathBuf,
    pub storage: MemoryStorage,
    /// A lease that nobody has imported yet, for the feature `spare`.
    spare: Vec<u8>,
    pub seen: Seen,
}

/// What a client sees of a ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub facts: Facts,
    pub suspect: bool,
    /// The damage that is recorded: the record that it names, and the words.
    pub damage: Vec<(Option<u64>, String)>,
    /// The records that a witness knew and that were lacking.
    pub put_back: Vec<u64>,
    /// The reasons of the suspicions that products were told of.
    pub suspected: Vec<&'static str>,
    pub recovered: usize,
    /// The events that [`CONSUMER`] is told, by record and index.
    pub told: Vec<(u64, u32)>,
    pub records: BTreeMap<u64, Arc<Record>>,
    pub generation: u64,
}

impl World {
    pub fn new() -> World {
        let tier = json!({
            "start": "first_use", "horizon": "60d", "warn": ["24h"],
            "unknown": { "allowance": "3d" }, "network": { "allowance": "9d" }, "server": { "allowance": "8d" },
            "maintenance": { "allowance": "2d", "margin": "2h" },
        });
        let policy = json!({ "schema": 1, "id": "p", "version": 1, "default_tier": "t", "tiers": { "t": tier },
                "governance": { "max_extension": "30d" } });
        let scenario = json!({ "name": "damage", "sku": "cad", "steps": [] });
        let drill = Drill::of(&Scenario::parse(&scenario.to_string()).unwrap()).unwrap();
        let storage = MemoryStorage::new();
        let builder = drill.builder().lock_timeout(Duration::from_millis(50)).storage(Arc::new(storage.clone()));
        let id = builder.clone().open().unwrap().ledger_id().unwrap();
        let world = World { drill, builder, storage, id };
        world.import(Kind::Policy, policy);
        world
    }

    pub fn client(&self) -> Client {
        self.builder.clone().open().unwrap()
    }

    pub fn now(&self) -> i64 {
        self.drill.now().seconds()
    }

    pub fn advance(&self, hours: i64) {
        self.drill.advance(Span::seconds(hours * 3600)).unwrap();
    }

    pub fn issue(&self, kind: Kind, mut claims: Value) -> Vec<u8> {
        if matches!(kind, Kind::Lease | Kind::Ruling) {
            claims["ledger"] = json!(self.id);
        }
        self.drill.issue(kind, &claims, 1, None).unwrap()
    }

    pub fn lease(&self, license: &str, sku: &str, features: &[(&str, i64)]) -> Vec<u8> {
        let features: serde_json::Map<String, Value> =
            features.iter().map(|(name, hours)| ((*name).to_owned(), json!(self.now() + hours * 3600))).collect();
        self.issue(Kind::Lease, json!({ "license": license, "sku": sku, "features": features }))
    }

    fn import(&self, kind: Kind, claims: Value) {
        assert!(self.client().import(&self.issue(kind, claims)).unwrap().accepted, "{kind:?}");
    }

    fn import_lease(&self, license: &str, sku: &str, features: &[(&str, i64)]) {
        assert!(self.client().import(&self.lease(license, sku, features)).unwrap().accepted, "{license}");
    }

    /// Fills the ledger, step by step: two generations with every kind of record, `after` being called behind each step.
    pub fn fill(&self, mut after: impl FnMut(&World)) {
        let now = self.now();
        let mut step = |what: &dyn Fn()| {
            what();
            after(self);
        };
        step(&|| drop(self.client().next_event(CONSUMER).unwrap()));
        step(&|| self.import_lease("L1", "cad", &[("core", 1), ("render", 720)]));
        step(&|| self.import_lease("L2", "cad", &[("export", 960)]));
        step(&|| assert!(self.client().report(Outage::Network).unwrap()));
        step(&|| {
            self.advance(2);
            let client = self.client();
            assert_eq!(client.check("cad", "core").state, Some(LicenseState::Grace));
            client.upkeep().unwrap();
        });
        step(&|| assert_eq!(self.client().archive().unwrap().generation, 1));
        step(&|| self.import_lease("L3", "cam", &[("mill", 720)]));
        step(&|| self.import(Kind::Notice, json!({ "id": "N1", "start": now + 7200, "end": now + 14_400 })));
        step(&|| {
            self.import(Kind::Extension, json!({ "license": "L1", "features": ["core"], "until": now + 777_600 }))
        });
        step(&|| self.import_lease("L4", "cam", &[("turn", 1)]));
        step(&|| self.import_lease("L6", "cad", &[("old", 96)]));
        step(&|| self.import(Kind::Revocation, json!({ "license": "L6" })));
        step(&|| assert!(self.client().report(Outage::Server).unwrap()));
        step(&|| {
            let client = self.client();
            for _ in 0..3 {
                let event = client.next_event(CONSUMER).unwrap().unwrap();
                client.acknowledge(CONSUMER, event.record, event.index).unwrap();
            }
        });
        step(&|| {
            self.advance(2);
            let client = self.client();
            assert_eq!(client.check("cam", "turn").state, Some(LicenseState::Grace));
            client.upkeep().unwrap();
        });
        step(&|| drop(self.client().request().unwrap()));
        step(&|| self.import_lease("L5", "cam", &[("bore", 1200)]));
        step(&|| drop(self.client().appeal(None, "the first").unwrap()));
        step(&|| drop(self.client().appeal(Some("L1"), "the second").unwrap()));
    }

    pub fn base(&self) -> Base {
        let spare = self.lease("L9", "cam", &[("spare", 100)]);
        let config = self.builder.config().unwrap();
        // Without the zeros that are filled ahead every bit of the newest file can be flipped; some are left.
        let path = config.folder.join("drill.g1.ledger");
        if let Some(bytes) = self.storage.read(&path) {
            let end = frames(&bytes).last().unwrap().end;
            self.storage.write(&path, &bytes[..end + 200]);
        }
        let storage = self.storage.copy();
        let seen = look(&self.builder, &storage.copy()).unwrap();
        Base {
            builder: self.builder.clone(),
            folder: config.folder,
            witness: config.witness.unwrap(),
            storage,
            spare,
            seen,
        }
    }
}

impl Seen {
    pub fn accesses(&self) -> Vec<(&'static str, Access)> {
        self.facts.iter().map(|(feature, fact)| (*feature, fact.0)).collect()
    }

    /// The records that the damage names.
    pub fn named(&self) -> BTreeSet<u64> {
        self.damage.iter().filter_map(|(seq, _)| *seq).collect()
    }
}

impl Base {
    /// Two generations, filled; and the world, whose files go with it.
    pub fn new() -> (World, Base) {
        let world = World::new();
        world.fill(|_| ());
        let base = world.base();
        (world, base)
    }

    pub fn path(&self, rest: &str) -> PathBuf {
        self.folder.join(format!("drill.{rest}"))
    }

    pub fn generation(&self, generation: u64) -> PathBuf {
        self.path(&format!("g{generation}.ledger"))
    }

    pub fn read(&self, path: &Path) -> Vec<u8> {
        self.storage.read(path).unwrap()
    }

    /// Every file, the witness's too.
    pub fn files(&self) -> Vec<PathBuf> {
        let of = |folder: &PathBuf| -> Vec<PathBuf> {
            self.storage.list(folder).unwrap().iter().map(|name| folder.join(name)).collect()
        };
        let mut files = [of(&self.folder), of(&self.witness)].concat();
        files.retain(|path| self.storage.read(path).is_some());
        files
    }

    /// A copy in which one file has other bytes.
    pub fn with(&self, path: &Path, bytes: &[u8]) -> MemoryStorage {
        let copy = self.storage.copy();
        copy.write(path, bytes);
        copy
    }

    pub fn open(&self, storage: &MemoryStorage) -> Result<Client, Error> {
        self.builder.clone().storage(Arc::new(storage.clone())).open()
    }

    pub fn look(&self, storage: &MemoryStorage) -> Result<Seen, Error> {
        look(&self.builder, storage)
    }

    /// Looks at a copy, and holds what must be so however it was damaged: every record but `lost` is there, byte for byte as it
    /// was, and is told; the second open finds nothing more, and the suspicion is still on (L4); new documents are taken; the
    /// generation that rules is sound.
    pub fn prove(&self, storage: &MemoryStorage, what: &str, lost: impl Fn(u64) -> bool) -> Seen {
        let seen = self.prove_but_verify(storage, what, lost);
        let found = ledger::verify(Arc::new(storage.clone()), &self.builder.config().unwrap()).unwrap();
        let newest = found.generations.last().unwrap();
        assert_eq!((newest.generation, &newest.findings), (seen.generation, &vec![]), "{what}: the newest is sound");
        seen
    }

    /// The same, but for the generation that rules: verification may go on to find what is wrong with the one before.
    pub fn prove_but_verify(&self, storage: &MemoryStorage, what: &str, lost: impl Fn(u64) -> bool) -> Seen {
        let seen = self.prove_copy(storage, what, &lost);
        for event in self.seen.told.iter().filter(|(seq, _)| !lost(*seq)) {
            assert!(seen.told.contains(event), "{what}: event {event:?} is not told: {:?}", seen.told);
        }
        seen
    }

    /// The same, but for events: in another line of records numbers mean something else.
    pub fn prove_copy(&self, storage: &MemoryStorage, what: &str, lost: impl Fn(u64) -> bool) -> Seen {
        let seen = self.look(storage).unwrap_or_else(|error| panic!("{what}: {error}"));
        for (seq, record) in self.seen.records.iter().filter(|(seq, _)| !lost(**seq)) {
            let there = seen.records.get(seq) == Some(record);
            assert!(there, "{what}: record {seq} was lost; there are {:?}", seen.records.keys());
        }
        assert_eq!(seen.suspect, !seen.damage.is_empty() || !seen.put_back.is_empty(), "{what}: {seen:?}");
        assert_eq!(seen.suspect, !seen.suspected.is_empty(), "{what}: it is told");
        self.prove_again(storage, what, &seen);
        seen
    }

    fn prove_again(&self, storage: &MemoryStorage, what: &str, seen: &Seen) {
        let again = self.look(storage).unwrap_or_else(|error| panic!("{what}, opened again: {error}"));
        assert_eq!((&again.facts, again.suspect), (&seen.facts, seen.suspect), "{what}, opened again");
        assert_eq!(
            (&again.damage, &again.put_back, again.recovered, again.generation),
            (&seen.damage, &seen.put_back, seen.recovered, seen.generation),
            "{what}, opened again"
        );
        let client = self.open(storage).unwrap();
        let answer = client.import(&self.spare).unwrap();
        assert!(answer.accepted, "{what}: a new lease is refused: {answer:?}");
        let decision = client.check("cam", "spare");
        assert_eq!((decision.access, decision.state), (Access::Full, Some(LicenseState::Licensed)), "{what}");
        assert_eq!(decision.ledger == LedgerStanding::Ok, !seen.suspect, "{what}: a lease by file ends no suspicion");
        client.close().unwrap();
    }

    /// Every lease in force whose record is not lost is still proven, and nothing else is granted.
    pub fn prove_leases(&self, seen: &Seen, what: &str, lost: impl Fn(u64) -> bool) {
        let mut licensed = 0;
        for (seq, record) in &self.seen.records {
            for event in &record.events {
                let Event::Accepted { kind: Kind::Lease, license: Some(license), .. } = event else { continue };
                for (feature, fact) in &self.seen.facts {
                    if fact.3.as_ref() == Some(license) && fact.1 == Some(LicenseState::Licensed) {
                        licensed += 1;
                        assert!(
                            lost(*seq) || seen.facts[feature] == *fact,
                            "{what}: {feature} {:?}",
                            seen.facts[feature]
                        );
                    }
                }
            }
        }
        assert!(licensed >= 4, "{what}: the ledger has {licensed} features in force");
        for (feature, fact) in &seen.facts {
            let before = &self.seen.facts[feature];
            // A lost revocation, and no other record, can give back what a lease grants.
            let worse = fact.0 <= before.0 || before.1 == Some(LicenseState::Revoked);
            assert!(worse, "{what}: {feature} was {before:?} and is {fact:?}");
        }
    }

    pub fn drop_snapshots(&self, storage: &MemoryStorage) {
        for which in ["snapshot.0", "snapshot.1"] {
            storage.remove(&self.path(which)).unwrap();
        }
    }

    /// The newest file with these frames, one behind the other.
    pub fn log_of<'a>(&self, frames: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
        let mut bytes = self.read(&self.generation(1))[..LOG].to_vec();
        frames.into_iter().for_each(|frame| bytes.extend_from_slice(frame));
        bytes.resize(bytes.len() + 200, 0);
        bytes
    }

    /// What `reprieve ledger verify` finds in a generation of a copy that no client has opened: kinds and the records named.
    pub fn verify(&self, storage: &MemoryStorage, generation: u64) -> Vec<(DamageKind, Option<u64>)> {
        let found = ledger::verify(Arc::new(storage.copy()), &self.builder.config().unwrap()).unwrap();
        let report = found.generations.iter().find(|report| report.generation == generation).unwrap();
        let named = |finding: &Finding| match finding {
            Finding::Damaged { seq, why, .. } => Some((*why, *seq)),
            _ => None,
        };
        report.findings.iter().filter_map(named).collect()
    }

    /// The number of the newest file's first record.
    pub fn first(&self) -> u64 {
        self.last() + 1 - self.frames().len() as u64
    }

    pub fn last(&self) -> u64 {
        *self.seen.records.keys().last().unwrap()
    }

    /// Where the frames of the newest file stand.
    pub fn frames(&self) -> Vec<Range<usize>> {
        frames(&self.read(&self.generation(1)))
    }
}

fn look(builder: &Builder, storage: &MemoryStorage) -> Result<Seen, Error> {
    let client = builder.clone().storage(Arc::new(storage.clone())).open()?;
    let decide = |(sku, feature): (&str, &'static str)| {
        let decision = client.check(sku, feature);
        assert_eq!((decision.flags.detached, decision.flags.newer), (false, false));
        let fact = (decision.access, decision.state, decision.reason, decision.license.clone(), decision.lease_end);
        (feature, fact)
    };
    let facts = FEATURES.map(decide).into_iter().collect();
    let suspect = client.check("cad", "core").ledger != LedgerStanding::Ok;
    let mut told = Vec::new();
    while let Some(event) = client.next_event(CONSUMER)? {
        told.push((event.record, event.index));
    }
    let mut seen = Seen {
        facts,
        suspect,
        damage: Vec::new(),
        put_back: Vec::new(),
        suspected: Vec::new(),
        recovered: 0,
        told,
        records: client.history(0)?.into_iter().collect(),
        generation: client.status("cad")?.generation,
    };
    for event in seen.records.values().flat_map(|record| &record.events) {
        match event {
            Event::Damage { record, text } => seen.damage.push((*record, text.clone())),
            Event::PutBack { record, .. } => seen.put_back.push(*record),
            Event::Suspected { suspect, .. } => seen.suspected.push(suspect.as_str()),
            Event::Recovered { .. } => seen.recovered += 1,
            _ => {}
        }
    }
    client.close()?;
    Ok(seen)
}

/// Where the frames of an undamaged file stand.
pub fn frames(bytes: &[u8]) -> Vec<Range<usize>> {
    let (mut at, mut found) = (LOG, Vec::new());
    while bytes.get(at..at + 2) == Some(b"RF") {
        let payload = u32::from_le_bytes(bytes[at + 2..at + 6].try_into().unwrap()) as usize;
        found.push(at..at + 64 + payload);
        at += 64 + payload;
    }
    found
}
