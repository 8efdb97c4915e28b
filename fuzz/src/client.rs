//! A client on a ledger and a simulated clock: operations in any order, hostile documents that are signed, and records that
//! somebody wrote who has the application's secret.
//!
//! Laws: unknown is not denied, and is never the answer on a healthy ledger; a decision says one thing; two clients and a client
//! opened later decide the same; what was accepted once is accepted again, and replaying it changes nothing.

use std::sync::Arc;

use reprieve::client::{Client, Decision, ErrorKind};
use reprieve::clock::trusted::Anchor;
use reprieve::drill::{Drill, Scenario};
use reprieve::ledger::codec::{RawEvent, decode_batch, encode_batch, to_bytes};
use reprieve::ledger::{Disk, Ledger};
use reprieve::terms::{Access, Kind, LicenseState, Outage};
use reprieve::time::Span;
use serde_json::{Value, json};

use crate::policy::WHOLE;
use crate::scenario::span;
use crate::steps::Steps;

const FEATURES: [(&str, &str); 4] = [("cad", "core"), ("cad", "render"), ("cad", "export.step"), ("viewer", "core")];

/// Runs the target.
pub fn run(data: &[u8]) {
    let mut steps = Steps::new(data);
    let policy = if steps.once_in(4) { Value::Null } else { WHOLE.clone() };
    let scenario = Scenario::from_value(&json!({ "name": "fuzz", "sku": "cad", "policy": policy, "steps": [] }));
    let drill = Drill::of(&scenario.expect("it has nothing odd")).expect("a folder for temporary files");
    let mut world = World { drill, tokens: Vec::new(), healthy: true };
    let mut client = world.drill.client().expect("it was opened");
    for _ in 0..24 {
        if !steps.more() {
            break;
        }
        if steps.once_in(8) {
            // Closed and opened again, or a second handle on the same ledger.
            if steps.once_in(2) {
                let _ = client.close();
            }
            match world.drill.builder().open() {
                Ok(opened) => client = opened,
                Err(error) => {
                    assert!(!world.healthy, "a healthy ledger does not open: {error}");
                    return;
                }
            }
        }
        world.step(&mut steps, &client);
        world.look(&client);
    }
}

struct World {
    drill: Drill,
    tokens: Vec<Vec<u8>>,
    /// Whether every record was written by a client.
    healthy: bool,
}

/// What is decided, but for what a handle says of itself.
fn essence(decision: &Decision) -> impl PartialEq + std::fmt::Debug {
    let d = decision;
    (d.t, d.access, d.state, d.reason, d.until, d.ends, d.clock, d.ledger, d.license.clone(), d.lease_end)
}

/// A decision says one thing.
fn lawful(decision: &Decision) {
    let d = decision;
    let granted = d.access >= Access::Limited;
    match d.state {
        None => assert_eq!(d.access, Access::Unknown, "{d:?}"),
        Some(state) => {
            assert_ne!(d.access, Access::Unknown, "{d:?}");
            assert_eq!(granted, matches!(state, LicenseState::Licensed | LicenseState::Grace), "{d:?}");
            assert_eq!(state == LicenseState::Grace, d.reason.is_some(), "{d:?}");
        }
    }
    assert!(d.until.is_none_or(|until| until > d.t), "{d:?}");
    assert!(d.ends.is_none_or(|ends| granted && ends > d.t), "{d:?}");
    assert!(d.ends.is_none() || d.until.is_some_and(|until| Some(until) <= d.ends), "{d:?}");
    let _ = reprieve::client::json::decision(d).to_string();
}

impl World {
    /// What every moment has to keep.
    fn look(&self, client: &Client) {
        for (sku, feature) in FEATURES {
            lawful(&client.check(sku, feature));
        }
        let odd = client.check("cad", "no name");
        assert_eq!((odd.access, odd.state), (Access::Unknown, None));
        if !self.healthy {
            return;
        }
        client.upkeep().expect("a healthy ledger");
        let other = self.drill.builder().open().expect("a healthy ledger");
        client.upkeep().expect("a healthy ledger");
        for (sku, feature) in FEATURES {
            // A first check may record a first use, which the other then reads.
            let mine: Vec<Arc<Decision>> = [client, &other].map(|client| client.check(sku, feature)).into();
            other.upkeep().expect("a healthy ledger");
            client.upkeep().expect("a healthy ledger");
            let theirs = other.check(sku, feature);
            assert_ne!(mine[0].access, Access::Unknown, "{:?}", mine[0]);
            assert_eq!(essence(&client.check(sku, feature)), essence(&theirs), "two clients decide otherwise");
        }
        let status = client.status("cad").expect("a healthy ledger");
        status.features.iter().for_each(lawful);
        let _ = reprieve::client::json::status(&status).to_string();
    }

    fn step(&mut self, steps: &mut Steps<'_>, client: &Client) {
        let done = match steps.below(16) {
            0 | 1 => {
                let by = span(steps).parse().unwrap_or(Span::ZERO);
                self.drill.advance(by)
            }
            2 => {
                let by: Span = span(steps).parse().unwrap_or(Span::ZERO);
                self.drill.set_wall(if steps.once_in(2) { -by } else { by })
            }
            3..=6 => {
                self.document(steps, client);
                Ok(())
            }
            7 => client.report(steps.pick(&[Outage::Network, Outage::Server])).map(drop),
            8 => client.request().map(drop),
            9 => {
                let answer = match self.tokens.last().filter(|_| steps.once_in(2)) {
                    Some(token) => json!({ "documents": [String::from_utf8_lossy(token)] }).to_string().into_bytes(),
                    None => steps.bytes(64).to_vec(),
                };
                match client.renew(&answer) {
                    Err(error) if error.kind() == ErrorKind::Claims => Ok(()),
                    other => other.map(drop),
                }
            }
            10 => client.next_event("a").and_then(|event| match event {
                Some(event) if !steps.once_in(4) => client.acknowledge("a", event.record, event.index),
                _ => client.acknowledge("a", steps.number(3), steps.number(0) as u32),
            }),
            11 => client.archive().map(drop),
            12 => {
                let text = String::from_utf8_lossy(steps.bytes(40));
                match client.appeal(steps.pick(&[None, Some("L1"), Some("no name")]), &text) {
                    Err(error) if error.kind() == ErrorKind::Argument => Ok(()),
                    other => other.map(drop),
                }
            }
            13 => {
                self.forge(steps);
                Ok(())
            }
            14 => client.import(steps.bytes(64)).map(drop),
            _ => client.upkeep(),
        };
        if let Err(error) = done {
            let told = matches!(error.kind(), ErrorKind::Closed | ErrorKind::Argument);
            assert!(told || !self.healthy, "{}: {error}", error.kind().as_str());
        }
    }

    /// Claims of any kind, right in most places, signed as the authority signs.
    fn document(&mut self, steps: &mut Steps<'_>, client: &Client) {
        if let Some(token) = self.tokens.last().filter(|_| steps.once_in(6)).cloned() {
            let _ = client.import(&token);
            return;
        }
        let now = self.drill.now().seconds();
        let at = |steps: &mut Steps<'_>| match steps.below(12) {
            0 => json!(steps.number(now as u64)),
            n => json!(now.saturating_add((n as i64 - 4) * 40_000)),
        };
        let kind = steps.pick(&[
            Kind::Lease,
            Kind::Lease,
            Kind::Lease,
            Kind::Notice,
            Kind::Extension,
            Kind::Revocation,
            Kind::Ruling,
            Kind::Policy,
            Kind::Keys,
        ]);
        let license = steps.pick(&["L1", "L1", "L2"]);
        let mut claims = match kind {
            Kind::Lease => json!({
                "license": license, "sku": steps.pick(&["cad", "cad", "viewer"]),
                "features": { "core": at(steps), "render": at(steps), "export.step": at(steps) },
            }),
            Kind::Notice => json!({ "id": "m1", "start": at(steps), "end": at(steps) }),
            Kind::Extension => json!({ "license": license, "until": at(steps), "access": "limited" }),
            Kind::Revocation => json!({ "license": license, "features": ["core"], "effective": at(steps) }),
            Kind::Ruling => json!({
                "license": license, "void": { "from": at(steps), "to": at(steps) },
                "clears": ["clock", "ledger"],
            }),
            Kind::Policy => {
                let mut policy = WHOLE.clone();
                policy["version"] = json!(3 + steps.below(4));
                policy
            }
            Kind::Keys => {
                let root = self.drill.app().roots[0].jwk();
                json!({ "version": 2, "keys": [], "roots": [{ "kid": "root-1", "x": root["x"] }] })
            }
        };
        if steps.once_in(4) {
            claims["iat"] = at(steps);
        }
        if kind == Kind::Lease
            && steps.once_in(3)
            && let Ok(request) = client.request()
        {
            claims["nonce"] = json!(request.nonce);
        }
        if steps.once_in(3) {
            steps.disturb(&mut claims);
        }
        let Ok(token) = self.drill.issue(kind, &claims, 1 + steps.below(2), None) else { return };
        let answer = client.import(&token);
        match answer {
            Ok(answer) => {
                assert_eq!(answer.accepted, answer.error.is_none());
                if answer.accepted {
                    let again = client.import(&token).expect("it was just imported");
                    // D0: what is in force; an older notice or lease is not, once a later one came, and none did.
                    assert!(again.accepted || !self.healthy, "{again:?}");
                }
            }
            Err(error) => assert!(!self.healthy || error.kind() == ErrorKind::Closed, "{error}"),
        }
        self.tokens.push(token);
    }

    /// Writes a record that no client would: a batch that was there once more, changed; or any batch.
    fn forge(&mut self, steps: &mut Steps<'_>) {
        let Ok(config) = self.drill.builder().config() else { return };
        let Ok(opened) = Ledger::open(Arc::new(Disk), &config) else { return };
        let mut ledger = opened.ledger;
        let Ok(lock) = ledger.lock() else { return };
        if ledger.settle(&lock).is_err() {
            return;
        }
        let seq = ledger.first_seq() + steps.below((ledger.next_seq() - ledger.first_seq()).max(1) as usize) as u64;
        let before = ledger.read_record(seq).ok().flatten().and_then(|payload| decode_batch(&payload).ok());
        let reading = self.drill.clock().read();
        let plain = to_bytes(&(reading.wall, Anchor::first(&reading), false)).expect("a head is encoded");
        let (mut head, mut events) = before.unwrap_or((plain, Vec::new()));
        for _ in 0..steps.below(4) {
            match steps.below(5) {
                0 => {
                    let at = steps.below(head.len().max(1));
                    if let Some(byte) = head.get_mut(at) {
                        *byte ^= steps.number(0x80) as u8;
                    }
                }
                1 => events.push(RawEvent {
                    kind: steps.below(20) as u16,
                    must_understand: steps.once_in(2),
                    body: steps.bytes(48).to_vec(),
                }),
                2 if !events.is_empty() => {
                    let at = steps.below(events.len());
                    let body = &mut events[at].body;
                    let place = steps.below(body.len().max(1));
                    if let Some(byte) = body.get_mut(place) {
                        *byte ^= steps.number(0x80) as u8;
                    }
                }
                3 if !events.is_empty() => {
                    let at = steps.below(events.len());
                    events[at].kind = steps.below(20) as u16;
                }
                _ => events.reverse(),
            }
        }
        let payload = encode_batch(&head, &events).expect("a small batch");
        let payload = if steps.once_in(8) { steps.bytes(64).to_vec() } else { payload };
        if ledger.append(&lock, &payload).and_then(|_| ledger.sync()).is_ok() {
            self.healthy = false;
        }
    }
}
