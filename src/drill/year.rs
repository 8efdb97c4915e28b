//! How large a ledger gets: three products at work day and night, with daily boots, monthly maintenance and a monthly outage, on real
//! clients, files in memory and a simulated clock. What `docs/ledger-format.md` promises is asserted here.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::{Authority, World};
use crate::client::{App, Builder, Client};
use crate::ledger::{MemoryStorage, Storage};
use crate::terms::{Access, Kind, Outage};
use crate::time::{Instant, Span};

/// What a year of this machine stays under, all files together.
const PROMISED: u64 = 16 << 20;

const SKUS: [&str; 3] = ["cad", "cam", "sim"];
const FEATURES: [&str; 5] = ["core", "export.step", "export.stl", "render", "solver"];
const LEASE: Span = Span::seconds(24 * 3600);
const RETRY: Span = Span::seconds(3600);
const DAY: Span = Span::seconds(86_400);
const MAINTENANCE_DAY: i64 = 7;
const OUTAGE_DAY: i64 = 20;

struct Machine {
    storage: Arc<MemoryStorage>,
    authority: Authority,
    app: App,
    world: World,
    products: Vec<Client>,
    /// When each product tries to renew next.
    renew: Vec<Instant>,
    start: Instant,
    checks: u64,
    denied: u64,
}

/// What a ledger came to.
#[derive(Debug, PartialEq)]
struct Size {
    records: u64,
    /// Events by kind, records that hold none of their own as `anchor`.
    events: BTreeMap<String, u64>,
    files: BTreeMap<String, u64>,
}

impl Size {
    fn bytes(&self) -> u64 {
        self.files.values().sum()
    }
}

impl Machine {
    fn new() -> Machine {
        let start = "2026-01-01T00:00:00Z".parse::<Instant>().unwrap();
        let authority = Authority::new().unwrap();
        let mut app = App::new("acme", b"the application's secret", vec![authority.root()]);
        app.keys = Some(authority.keys_token(start));
        let mut machine = Machine {
            storage: Arc::new(MemoryStorage::new()),
            authority,
            app,
            world: World::new(start),
            products: Vec::new(),
            renew: vec![start; SKUS.len()],
            start,
            checks: 0,
            denied: 0,
        };
        machine.open();
        let tier = json!({
            "warn": ["24h", "1h"], "unknown": { "allowance": "3d" }, "network": { "allowance": "14d" },
            "server": { "allowance": "14d" }, "maintenance": { "allowance": "7d", "margin": "12h" },
            "start": "first_use", "horizon": "60d", "budget": { "limit": "30d", "window": "90d" },
        });
        let policy = json!({
            "schema": 1, "id": "acme", "version": 1, "default_tier": "basic", "tiers": { "basic": tier },
            "iat": machine.now().seconds(),
        });
        machine.give(0, Kind::Policy, &policy);
        machine
    }

    fn now(&self) -> Instant {
        self.world.now()
    }

    fn open(&mut self) {
        for _ in SKUS {
            let world = self.world.clone();
            let facts = move |ledger: &str| world.machine(ledger);
            let builder = Builder::new(self.app.clone()).folder("/ledger").witness("/witness");
            let builder = builder.drill(Arc::new(self.world.clone()), Some(Arc::new(facts)), None);
            self.products.push(builder.storage(self.storage.clone()).open().unwrap());
        }
    }

    fn reboot(&mut self) {
        for product in self.products.drain(..) {
            product.close().unwrap();
        }
        self.world.boot(Span::seconds(120), None);
        self.open();
    }

    fn give(&self, product: usize, kind: Kind, claims: &serde_json::Value) -> bool {
        let token = self.authority.issue(kind, claims, 1, None).unwrap();
        self.products[product].import(&token).unwrap().accepted
    }

    /// Into which day of 30, and how far into that day.
    fn day(&self) -> (i64, Span) {
        let seconds = (self.now() - self.start).as_seconds();
        ((seconds / 86_400) % 30, Span::seconds(seconds % 86_400))
    }

    /// The licence server: whether it answers, or how it does not.
    fn server(&self) -> Option<Outage> {
        let (day, time) = self.day();
        let hours = time.as_seconds() / 3600;
        match day {
            MAINTENANCE_DAY if (2..8).contains(&hours) => Some(Outage::Server),
            // 40 hours, in which every lease ends.
            OUTAGE_DAY => Some(Outage::Network),
            day if day == OUTAGE_DAY + 1 && hours < 16 => Some(Outage::Network),
            _ => None,
        }
    }

    /// At half a lease's life a product renews; each time that fails it reports how, and tries again an hour later.
    fn renewal(&mut self, product: usize) {
        let now = self.now();
        if now < self.renew[product] {
            return;
        }
        let request = self.products[product].request().unwrap();
        if let Some(outage) = self.server() {
            self.products[product].report(outage).unwrap();
            self.renew[product] = now + RETRY;
            return;
        }
        let features: BTreeMap<&str, i64> = FEATURES.iter().map(|name| (*name, (now + LEASE).seconds())).collect();
        let lease = json!({
            "license": format!("L{product}"), "sku": SKUS[product], "features": features, "iat": now.seconds(),
            "ledger": self.products[product].ledger_id().unwrap(), "nonce": request.nonce,
            "checkpoint": serde_json::from_slice::<serde_json::Value>(&request.body).unwrap()["head"],
        });
        assert!(self.give(product, Kind::Lease, &lease));
        self.renew[product] = now + Span::seconds(LEASE.as_seconds() / 2);
    }

    /// Works for some days, looking at the ledger and the server once in each step.
    fn work(&mut self, days: i64, step: Span) {
        let end = self.now() + Span::seconds(days * DAY.as_seconds());
        let (mut day, mut noon, mut turn) = (0, 0, 0);
        while self.now() < end {
            self.world.advance(step);
            for (product, sku) in SKUS.iter().enumerate() {
                self.renewal(product);
                self.checks += 1;
                let decision = self.products[product].check(sku, FEATURES[turn % FEATURES.len()]);
                self.denied += u64::from(decision.access < Access::Limited);
            }
            turn += 1;
            let today = (self.now() - self.start).as_seconds() / 86_400;
            if noon < today && self.day().1 >= Span::seconds(12 * 3600) {
                noon = today;
                self.announce();
                for (product, name) in self.products.iter().zip(SKUS) {
                    while let Some(event) = product.next_event(name).unwrap() {
                        product.acknowledge(name, event.record, event.index).unwrap();
                    }
                }
            }
            if day < today {
                day = today;
                self.reboot();
            }
        }
        self.products.iter().for_each(|product| product.close().unwrap());
    }

    /// The vendor announces maintenance two days before; each product fetches the notice.
    fn announce(&self) {
        let (day, time) = self.day();
        if day == MAINTENANCE_DAY - 2 {
            let start = self.now() - time + Span::seconds(2 * 86_400 + 2 * 3600);
            let notice = json!({
                "id": format!("M{}", (self.now() - self.start).as_seconds() / (30 * 86_400)),
                "start": start.seconds(), "end": (start + Span::seconds(6 * 3600)).seconds(), "iat": self.now().seconds(),
            });
            let token = self.authority.issue(Kind::Notice, &notice, 1, None).unwrap();
            assert!(self.products.iter().all(|product| product.import(&token).unwrap().accepted));
        }
    }

    fn size(mut self) -> Size {
        self.products.clear();
        self.open();
        let records = self.products[0].history(0).unwrap();
        let mut events = BTreeMap::new();
        for (_, record) in &records {
            let mut count = |kind: &str| *events.entry(kind.to_owned()).or_default() += 1;
            if record.events.is_empty() {
                count("anchor");
            }
            for event in &record.events {
                let text = format!("{event:?}");
                count(event.name().or(text.split([' ', '(']).next()).unwrap_or_default());
            }
        }
        let mut files = BTreeMap::new();
        for folder in ["/ledger", "/witness"] {
            for name in self.storage.list(Path::new(folder)).unwrap() {
                let bytes = self.storage.read(&Path::new(folder).join(&name)).map_or(0, |bytes| bytes.len() as u64);
                files.insert(name, bytes);
            }
        }
        Size { records: records.len() as u64, events, files }
    }
}

fn size_of(days: i64, step: i64) -> Size {
    let mut machine = Machine::new();
    machine.work(days, Span::seconds(step));
    let (checks, denied) = (machine.checks, machine.denied);
    let size = machine.size();
    println!("{days} days in steps of {step} s: {checks} checks, {denied} denied");
    println!("{} bytes, {} records, events {:?}, files {:?}", size.bytes(), size.records, size.events, size.files);
    assert_eq!(denied, 0, "nobody is locked out in a year of short outages");
    size
}

#[test]
fn a_year_of_a_busy_machine_stays_under_what_is_promised() {
    // It grows by the same in each month; the long run walks the whole year.
    let days = if std::env::var_os("REPRIEVE_SOAK").is_some() { 365 } else { 60 };
    let size = size_of(days, 600);
    assert!(size.bytes() * 365 < PROMISED * days.unsigned_abs(), "{} bytes", size.bytes());
}

/// So that the year may be walked in steps of ten minutes: what is recorded does not depend on how often a product asks.
#[test]
fn how_often_a_product_asks_is_not_recorded() {
    let (coarse, fine) = (size_of(9, 600), size_of(9, 60));
    let apart = coarse.records.abs_diff(fine.records);
    assert!(apart * 50 < fine.records, "{} and {} records", coarse.records, fine.records);
}
