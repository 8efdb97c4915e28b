//! Laws that hold for random histories, on the pure heart: the fold of a prefix, features that are independent, documents that
//! are replayed, the runway, snapshots, and decisions that come true.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use reprieve::clock::{Boot, Reading};
use reprieve::document::{self, SigningKey};
use reprieve::document::{KeyEntry, Keys, Role};
use reprieve::grace::{Brought, Decision, Live, Machine, Opening, Operation, Pending, Quiet, Record, State};
use reprieve::terms::{Access, ClockStanding, Kind, Outage};
use reprieve::time::{Instant, Span};
use serde_json::{Value, json};

const HOUR: i64 = 3600;
const START: i64 = 1_767_225_600;
const FEATURES: [&str; 3] = ["core", "render", "field"];

/// What happens in a random history.
#[derive(Clone, Debug)]
enum Act {
    Advance(i64),
    Off(i64),
    Wall(i64),
    Lease { license: usize, features: Vec<usize>, hours: i64, fresh: bool },
    Notice { id: usize, start: i64, length: i64, cancelled: bool },
    Extension { license: usize, hours: i64, limited: bool },
    Revocation { license: usize, feature: usize, from: i64 },
    Ruling { license: usize, from: i64, length: i64, clears: bool },
    Policy(usize),
    Report(bool),
    Check(usize),
    Upkeep,
}

fn act() -> impl Strategy<Value = Act> {
    let hours = || prop_oneof![Just(0i64), Just(1), Just(24), Just(72), 1i64..400];
    prop_oneof![
        4 => hours().prop_map(Act::Advance),
        1 => hours().prop_map(Act::Off),
        1 => prop_oneof![Just(-240i64), Just(240), Just(-2), Just(20_000), -500i64..500].prop_map(Act::Wall),
        3 => (0usize..2, prop::collection::vec(0usize..3, 1..4), 1i64..100, prop::bool::weighted(0.7))
            .prop_map(|(license, features, hours, fresh)| Act::Lease { license, features, hours, fresh }),
        1 => (0usize..3, -100i64..100, 1i64..200, prop::bool::weighted(0.2))
            .prop_map(|(id, start, length, cancelled)| Act::Notice { id, start, length, cancelled }),
        1 => (0usize..2, 1i64..300, any::<bool>())
            .prop_map(|(license, hours, limited)| Act::Extension { license, hours, limited }),
        1 => (0usize..2, 0usize..3, -10i64..50).prop_map(|(license, feature, from)| Act::Revocation { license, feature, from }),
        1 => (0usize..2, -200i64..10, 1i64..200, any::<bool>())
            .prop_map(|(license, from, length, clears)| Act::Ruling { license, from, length, clears }),
        1 => (0usize..3).prop_map(Act::Policy),
        2 => any::<bool>().prop_map(Act::Report),
        5 => (0usize..3).prop_map(Act::Check),
        1 => Just(Act::Upkeep),
    ]
}

fn policy(which: usize, version: u64) -> Value {
    let network = ["14d", "2d", "20d"][which];
    let start = json!({ "start": "first_use", "horizon": "30d", "unknown": { "allowance": "5d" }, "warn": ["12h"] });
    json!({
        "schema": 1, "id": "acme", "version": version, "default_tier": "basic",
        "governance": { "approvals": 1, "max_extension": "30d" },
        "tiers": {
            "basic": {
                "budget": { "limit": "20d", "window": "90d" }, "warn": ["24h", "1h"],
                "network": { "allowance": network, "stages": [
                    { "after": "0s", "access": "full" }, { "after": "1d", "access": "limited" } ] },
                "server": { "allowance": "14d" }, "unknown": { "allowance": "3d" },
                "maintenance": { "allowance": "7d", "margin": "12h" },
            },
            "premium": { "maintenance": { "allowance": "24h", "margin": "2h", "counts": which == 1 } },
            "roaming": start,
        },
        "skus": { "cad": { "tier": "basic", "features": { "render": "premium", "field": "roaming" } } },
    })
}

fn brought(root: &SigningKey) -> Brought {
    Brought { roots: vec![root.root_key()], keys: None }
}

/// One client on one ledger that is a list of records, as the heart sees it.
struct World {
    keys: Vec<SigningKey>,
    root: SigningKey,
    machine: Machine,
    now: i64,
    wall: i64,
    boot: u8,
    booted: i64,
    state: State,
    live: Live,
    quiet: Option<Quiet>,
    records: Vec<Record>,
    tokens: Vec<Vec<u8>>,
    serial: u64,
    version: u64,
}

impl World {
    fn new() -> World {
        let key = |role: Role, seed: u8| SigningKey::from_seed(role.as_str(), [seed; 32]).unwrap();
        let roles = [Role::Lease, Role::Policy, Role::Notice, Role::Support, Role::Revocation, Role::Ruling];
        let keys: Vec<SigningKey> = roles.iter().zip(1u8..).map(|(role, seed)| key(*role, seed)).collect();
        let root = key(Role::Root, 9);
        let machine = Machine([Some([1; 16]), Some([2; 16]), None]);
        let reading = Reading { wall: Instant::from_seconds(START), boot: Boot([1; 16]), uptime: Span::ZERO };
        let genesis = Operation::create(&reading, &machine);
        let mut state = State::new("ledger-1", brought(&root), genesis.anchor);
        state.apply(&genesis);
        let live = Live::of(&state);
        let mut world = World {
            keys,
            root,
            machine,
            now: START,
            wall: 0,
            boot: 1,
            booted: START,
            state,
            live,
            quiet: None,
            records: vec![genesis],
            tokens: Vec::new(),
            serial: 0,
            version: 0,
        };
        let entries = world.keys.iter().zip(roles).map(|(key, role)| KeyEntry { roles: vec![role], ..key.entry(&[]) });
        let document = Keys {
            version: 1,
            keys: entries.collect(),
            roots: vec![world.root.root_key()],
            endpoints: Vec::new(),
            mirrors: Vec::new(),
            iat: Instant::from_seconds(START),
        };
        let token = document::issue(Kind::Keys, &document.claims(), &[&world.root]).unwrap();
        assert!(world.import(&token, None));
        world.act(&Act::Policy(0));
        world
    }

    fn reading(&self) -> Reading {
        Reading {
            wall: Instant::from_seconds(self.now + self.wall),
            boot: Boot([self.boot; 16]),
            uptime: Span::seconds(self.now - self.booted),
        }
    }

    fn operate<R>(&mut self, wish: impl FnOnce(&mut Operation<'_>) -> R) -> R {
        self.run(false, Opening::default(), wish)
    }

    fn run<R>(&mut self, closing: bool, opening: Opening, wish: impl FnOnce(&mut Operation<'_>) -> R) -> R {
        let reading = self.reading();
        let machine = self.machine.clone();
        let (state, live) = (self.state.clone(), self.live);
        let begin = |opening| Operation::begin(&state, &live, reading, &machine, opening);
        let known = Opening { quiet: self.quiet, ..opening };
        // What an operation came to know spares the next one the look at each feature, and changes nothing.
        let unknown = Opening { quiet: None, ..known.clone() };
        let (plain, spared) = (begin(&unknown).finish(closing), begin(&known).finish(closing));
        assert_eq!((plain.record, plain.live), (spared.record, spared.live), "{known:?}");
        let mut op = begin(&known);
        let answer = wish(&mut op);
        let finished = op.finish(closing);
        self.quiet = finished.quiet;
        if let (Some(record), Some(state)) = (finished.record, finished.state) {
            self.records.push(record);
            self.state = state;
        }
        self.live = finished.live;
        answer
    }

    fn import(&mut self, token: &[u8], pending: Option<Pending>) -> bool {
        let accepted = self.operate(|op| {
            let opened = document::open(token, op.state().trust());
            op.import(token, opened, pending.as_ref()).accepted
        });
        if accepted {
            self.tokens.push(token.to_vec());
        }
        accepted
    }

    fn issue(&mut self, kind: Kind, mut claims: Value) -> Vec<u8> {
        self.serial += 1;
        claims["jti"] = json!(self.serial);
        claims["iat"] = json!(self.now);
        let key = self.keys.iter().find(|key| key.kid() == Role::of(kind).as_str()).unwrap();
        document::issue(kind, &claims, &[key]).unwrap()
    }

    fn reopen(&mut self, off: i64) {
        self.run(true, Opening::default(), |_| ());
        self.now += off;
        if off > 0 {
            self.boot = self.boot.wrapping_add(1);
            self.booted = self.now;
        }
        self.live = Live::of(&self.state);
        self.run(false, Opening { place: true, ..Opening::default() }, |_| ());
    }

    fn act(&mut self, act: &Act) {
        let licence = |at: usize| ["L1", "L2"][at];
        match act {
            Act::Advance(hours) => self.now += hours * HOUR,
            Act::Off(hours) => self.reopen(hours * HOUR),
            Act::Wall(hours) => self.wall += hours * HOUR,
            Act::Lease { license, features, hours, fresh } => {
                let features: BTreeMap<&str, i64> =
                    features.iter().map(|at| (FEATURES[*at], self.now + hours * HOUR)).collect();
                let nonce = format!("n{}", self.serial);
                let claims = json!({
                    "license": licence(*license), "sku": "cad", "features": features, "ledger": "ledger-1", "nonce": nonce,
                });
                let token = self.issue(Kind::Lease, claims);
                let reading = self.reading();
                let pending = Pending { nonce, boot: reading.boot, uptime: reading.uptime };
                self.import(&token, fresh.then_some(pending));
            }
            Act::Notice { id, start, length, cancelled } => {
                let start = self.now + start * HOUR;
                let claims = json!({ "id": format!("m{id}"), "start": start, "end": start + length * HOUR, "cancelled": cancelled });
                let token = self.issue(Kind::Notice, claims);
                self.import(&token, None);
            }
            Act::Extension { license, hours, limited } => {
                let access = if *limited { "limited" } else { "full" };
                let claims =
                    json!({ "license": licence(*license), "until": self.now + hours * HOUR, "access": access });
                let token = self.issue(Kind::Extension, claims);
                self.import(&token, None);
            }
            Act::Revocation { license, feature, from } => {
                let claims = json!({
                    "license": licence(*license), "features": [FEATURES[*feature]], "effective": self.now + from * HOUR,
                });
                let token = self.issue(Kind::Revocation, claims);
                self.import(&token, None);
            }
            Act::Ruling { license, from, length, clears } => {
                let from = self.now + from * HOUR;
                let mut claims = json!({
                    "license": licence(*license), "void": { "from": from, "to": from + length * HOUR },
                    "ledger": "ledger-1",
                });
                if *clears {
                    claims["clears"] = json!(["clock", "ledger"]);
                }
                let token = self.issue(Kind::Ruling, claims);
                self.import(&token, None);
            }
            Act::Policy(which) => {
                self.version += 1;
                let token = self.issue(Kind::Policy, policy(*which, self.version));
                self.import(&token, None);
            }
            Act::Report(server) => {
                let outage = if *server { Outage::Server } else { Outage::Network };
                self.operate(|op| op.report(outage));
            }
            Act::Check(feature) => {
                self.check(FEATURES[*feature]);
            }
            Act::Upkeep => self.operate(|_| ()),
        }
    }

    fn check(&mut self, feature: &str) -> Decision {
        self.operate(|op| op.check("cad", feature))
    }

    /// What a check would answer at another time, nothing being recorded.
    fn foresee(&self, at: i64, feature: &str) -> Decision {
        let reading = Reading {
            wall: Instant::from_seconds(at + self.wall),
            boot: Boot([self.boot; 16]),
            uptime: Span::seconds(at - self.booted),
        };
        let op = Operation::begin(&self.state, &self.live, reading, &self.machine, &Opening::default());
        op.decide("cad", feature).0
    }
}

fn history(acts: &[Act]) -> World {
    let mut world = World::new();
    for act in acts {
        world.act(act);
    }
    world
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    prop::collection::vec(act(), 1..40)
}

fn triple(decision: &Decision) -> (Access, Option<&'static str>, Option<&'static str>) {
    (decision.access, decision.state.map(|s| s.as_str()), decision.reason.map(|r| r.as_str()))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    // J4: the same records give the same state, whoever folds them, and after any prefix the rest can be folded on.
    #[test]
    fn j4_the_fold_of_a_prefix_is_a_prefix_of_the_fold(acts in acts(), cut in any::<prop::sample::Index>()) {
        let world = history(&acts);
        let cut = cut.index(world.records.len());
        let mut state = State::new("ledger-1", brought(&world.root), world.records[0].anchor);
        for record in &world.records[..cut] {
            state.apply(record);
        }
        let mut resumed = state.save().restore("ledger-1", brought(&world.root));
        for record in &world.records[cut..] {
            state.apply(record);
            resumed.apply(record);
        }
        prop_assert_eq!(state.save(), world.state.save());
        // A snapshot anywhere, and the full fold, give the same state.
        prop_assert_eq!(resumed.save(), world.state.save());
    }

    // J4: features decide independently: what is checked of others changes nothing. (A check of another is a reading of the clock
    // all the same, so upkeep takes its place.)
    #[test]
    fn j4_features_are_independent(acts in acts()) {
        let quiet = |act: &Act| if matches!(act, Act::Check(1 | 2)) { Act::Upkeep } else { act.clone() };
        let without: Vec<Act> = acts.iter().map(quiet).collect();
        let (mut one, mut other) = (history(&acts), history(&without));
        let (a, b) = (one.check("core"), other.check("core"));
        prop_assert_eq!(triple(&a), triple(&b));
        prop_assert_eq!((a.t, a.until, a.ends), (b.t, b.until, b.ends));
    }

    // D0: replaying any document changes nothing that is decided.
    #[test]
    fn d0_replaying_any_document_changes_nothing(acts in acts(), which in any::<prop::sample::Index>()) {
        let mut world = history(&acts);
        let before: Vec<Decision> = FEATURES.iter().map(|feature| world.check(feature)).collect();
        let token = world.tokens[which.index(world.tokens.len())].clone();
        world.import(&token, None);
        let after: Vec<Decision> = FEATURES.iter().map(|feature| world.check(feature)).collect();
        prop_assert_eq!(before, after);
    }

    // J3: the runway never grows by waiting, first use aside; `until` and `ends` come true.
    #[test]
    fn j3_until_and_ends_come_true(acts in acts(), wait in 0i64..2000) {
        let mut world = history(&acts);
        for feature in FEATURES {
            let decision = world.check(feature);
            let later = world.foresee(world.now + wait * HOUR, feature);
            let used = feature != "field";
            let comparable = used && decision.clock == later.clock;
            if let Some(ends) = decision.ends.filter(|ends| comparable && later.t < *ends) {
                prop_assert_eq!(later.ends, Some(ends), "the runway grew or shrank by waiting");
            }
            // In whole seconds from now until the instant that was foretold.
            let at = |instant: Instant| world.now + (instant - decision.t).as_seconds();
            if let Some(until) = decision.until {
                let (just_before, then) = (world.foresee(at(until) - 1, feature), world.foresee(at(until), feature));
                if just_before.clock == decision.clock && just_before.t == until - Span::seconds(1) {
                    prop_assert_eq!(triple(&just_before), triple(&decision), "changed before `until`");
                }
                // A first use that has not begun may begin then; the rest must change.
                if used && then.clock == decision.clock && then.t == until {
                    prop_assert_ne!(triple(&then), triple(&decision), "did not change at `until`");
                }
            }
            if let Some(ends) = decision.ends.filter(|_| used) {
                let then = world.foresee(at(ends), feature);
                if then.clock == decision.clock && then.t == ends {
                    prop_assert_eq!(then.access, Access::Denied, "not denied at `ends`");
                }
            } else if decision.access != Access::Denied && used {
                let far = world.foresee(world.now + 4000 * HOUR, feature);
                prop_assert!(far.access != Access::Denied || far.clock != ClockStanding::Ok);
            }
        }
    }

    // C5, J4: after a clean close and an open the decisions are the same.
    #[test]
    fn c5_decisions_are_equal_after_reopening(acts in acts()) {
        let mut world = history(&acts);
        let before: Vec<Decision> = FEATURES.iter().map(|feature| world.check(feature)).collect();
        world.reopen(0);
        let after: Vec<Decision> = FEATURES.iter().map(|feature| world.check(feature)).collect();
        prop_assert_eq!(before, after);
    }

    // A2: a standing is recorded once: upkeep at the same moment finds nothing more.
    #[test]
    fn a2_nothing_is_recorded_twice(acts in acts()) {
        let mut world = history(&acts);
        world.operate(|_| ());
        let records = world.records.len();
        world.operate(|_| ());
        prop_assert_eq!(world.records.len(), records);
    }
}
