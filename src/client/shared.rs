//! What the clones of a client share: the session under its lock, and what a check answers from without waiting for it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};
use std::time::Duration;

use once_cell::race::OnceBox;

use super::brief::Brief;
use super::builder::{Builder, Upkeep};
use super::cell::Cell;
use super::cells::Cells;
use super::error::Error;
use super::session::{Session, View};
use super::{Client, closed};
use crate::clock::Clock;
use crate::grace::Decision;
use crate::renew::Endpoint;
use crate::time::{Instant, Span};

/// How often a check looks at the ledger and the clocks, at most.
const UPKEEP_EVERY: Span = Span::nanos(10_000_000);

/// How long a client that leaves upkeep to the product believes that its thread lives.
const UPKEEP_DEAD: Span = Span::seconds(600);

fn nanos(instant: Instant) -> i64 {
    (instant - Instant::EPOCH).as_nanos().clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// The decisions of one upkeep.
pub(super) struct Cache {
    /// The coarse wall of that upkeep.
    pub(super) upkept: Instant,
    /// Its uptime: a wall that is put right by hours says nothing of a product's thread.
    pub(super) uptime: Span,
    /// By SKU and feature, each with the coarse wall at which it was made.
    pub(super) decisions: HashMap<String, HashMap<String, (Arc<Decision>, Instant)>>,
}

pub(super) struct Shared {
    /// The process that opened it. A child of a fork has a copy of this memory, in whatever state another thread's call was
    /// in, its locks held for ever: it opens the ledger anew and leaves the copy alone.
    pub(super) pid: u32,
    pub(super) builder: Builder,
    /// What such a child opened. Two of its threads may open at once, and the second uses what the first did: nobody waits for
    /// another, who in a child of that child would never come to an end.
    pub(super) child: OnceBox<Client>,
    pub(super) closed: AtomicBool,
    pub(super) session: Mutex<Option<Session>>,
    /// What the last operation left behind; none once the client was closed.
    pub(super) view: RwLock<Option<Arc<View>>>,
    pub(super) cache: RwLock<Cache>,
    pub(super) cells: Cells,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) upkeep: Upkeep,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) mirrors: Vec<String>,
    pub(super) _held: Option<std::fs::File>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        let session = self.session.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if self.pid != std::process::id() {
            std::mem::forget(session);
            return;
        }
        if let Some(mut session) = session {
            // A product that forgot to close loses nothing but the last minutes' proof of time.
            let _ = session.close();
        }
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, Option<Session>> {
        self.session.lock().unwrap_or_else(|poisoned| self.mended(poisoned))
    }

    /// After a panic inside a call nothing in memory is believed: the file is folded anew at the next.
    fn mended<'a>(&self, poisoned: PoisonError<MutexGuard<'a, Option<Session>>>) -> MutexGuard<'a, Option<Session>> {
        let mut guard = poisoned.into_inner();
        if let Some(session) = guard.as_mut() {
            session.distrust();
        }
        self.session.clear_poison();
        guard
    }

    pub(super) fn with<R>(&self, wish: impl FnOnce(&mut Session) -> Result<R, Error>) -> Result<R, Error> {
        let mut guard = self.lock();
        let session = guard.as_mut().ok_or_else(closed)?;
        let result = wish(session);
        self.publish(Some(session));
        self.renew(session);
        result
    }

    /// Leaves behind what can be decided from while the next operation is under way.
    pub(super) fn publish(&self, session: Option<&Session>) {
        let view = session.map(|session| Arc::new(session.view()));
        // Held for a moment only: what is dropped with the one before may take longer.
        let before = std::mem::replace(&mut *self.view.write().unwrap_or_else(PoisonError::into_inner), view);
        drop(before);
    }

    /// Forgets the cached decisions: something may have changed.
    pub(super) fn forget(&self) {
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        self.clear(&mut cache);
        cache.upkept = self.clock.coarse();
        cache.uptime = self.clock.read().uptime;
    }

    /// Something may have changed. Where upkeep is the product's own, what it keeps to ask about is decided anew here, on the thread
    /// that called: a frame finds it ready, and never waits or allocates. Left to the next check is what that check would record.
    fn renew(&self, session: &Session) {
        if self.upkeep == Upkeep::InChecks {
            return self.forget();
        }
        let (now, reading) = (self.clock.coarse(), self.clock.read());
        let mut decisions = HashMap::<String, HashMap<String, _>>::new();
        let names = self.cells.names();
        let foreseen = if names.is_empty() { Vec::new() } else { session.foresee(reading, names.iter()) };
        for ((sku, feature), decision) in names.into_iter().zip(foreseen) {
            if let Some(decision) = decision {
                decisions.entry(sku).or_default().insert(feature, (Arc::new(decision), now));
            }
        }
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        *cache = Cache { upkept: now, uptime: reading.uptime, decisions };
        self.cells.renew(|sku, feature| {
            let (decision, made) = cache.decisions.get(sku)?.get(feature)?;
            let (from, to) = self.good(&cache, decision, *made);
            Some((Brief::of(decision), from, to))
        });
    }

    fn clear(&self, cache: &mut Cache) {
        cache.decisions.clear();
        self.cells.forget();
    }

    pub(super) fn take(&self) -> Option<Session> {
        self.closed.store(true, Ordering::Release);
        let session = self.lock().take();
        self.publish(None);
        self.forget();
        session
    }

    /// A check; an error says why nothing could be decided.
    pub(super) fn check(&self, sku: &str, feature: &str) -> Result<Arc<Decision>, String> {
        if let Some(decision) = self.cached(sku, feature) {
            return Ok(decision);
        }
        let closed = || closed().message().to_owned();
        let mut guard = match self.session.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => self.mended(poisoned),
            Err(TryLockError::WouldBlock) => {
                // Another thread's operation may wait for the disk or for another process: a check does not.
                let view = self.view.read().unwrap_or_else(PoisonError::into_inner).clone();
                return view.map(|view| Arc::new(view.check(self.clock.read(), sku, feature))).ok_or_else(closed);
            }
        };
        let session = guard.as_mut().ok_or_else(closed)?;
        let own = self.upkeep == Upkeep::Own;
        let now = self.clock.coarse();
        let decision = Arc::new(session.check(sku, feature, !own));
        self.publish(Some(session));
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        let idle = if own { self.clock.read().uptime - cache.uptime } else { Span::ZERO };
        if idle > UPKEEP_DEAD {
            self.clear(&mut cache);
            return Err(format!("no upkeep has run for {idle}; call upkeep, or let checks do it"));
        }
        if now < cache.upkept || own && now - cache.upkept >= self.lasts() {
            // The wall was set: what it said of earlier decisions, it may say again.
            self.clear(&mut cache);
            cache.upkept = now - idle;
        } else if now - cache.upkept >= self.lasts() {
            cache.decisions.clear();
            cache.upkept = now;
        }
        cache.decisions.entry(sku.to_owned()).or_default().insert(feature.to_owned(), (decision.clone(), now));
        let (from, to) = self.good(&cache, &decision, now);
        self.cells.publish(sku, feature, &Brief::of(&decision), from, to);
        Ok(decision)
    }

    /// From which coarse wall on, and before which, a decision that was made at one is given again.
    fn good(&self, cache: &Cache, decision: &Decision, made: Instant) -> (i64, i64) {
        let end = cache.upkept + self.lasts();
        // `until` is in trusted time, which runs with the wall from the decision on.
        let end = decision.until.map_or(end, |until| end.min(made + (until - decision.t)));
        (nanos(made.max(cache.upkept)), nanos(end))
    }

    /// A new cell for a feature, found by name if there is a tag, with what is known now.
    pub(super) fn cell(&self, sku: &str, feature: &str, tag: u64) -> Option<&'static Cell> {
        if !self.cells.are_on() || self.pid != std::process::id() {
            // A child of a fork leaves alone what may be locked for ever.
            return None;
        }
        let cache = self.cache.read().unwrap_or_else(PoisonError::into_inner);
        let known = cache.decisions.get(sku).and_then(|features| features.get(feature)).map(|(decision, made)| {
            let (from, to) = self.good(&cache, decision, *made);
            (Brief::of(decision), from, to)
        });
        self.cells.add(sku, feature, tag, known)
    }

    /// The same ledger for a child of a fork, waiting for its lock if it is patient.
    pub(super) fn open_again(&self, patient: bool) -> Result<Client, Error> {
        let builder = self.builder.clone();
        if patient {
            return builder.open_once();
        }
        let timeout = builder.lock_timeout;
        let client = builder.lock_timeout(Duration::ZERO).open_once()?;
        client.shared.with(|session| {
            session.set_lock_timeout(timeout);
            Ok(())
        })?;
        Ok(client)
    }

    /// How long after an upkeep its decisions are given again.
    fn lasts(&self) -> Span {
        match self.upkeep {
            Upkeep::InChecks => UPKEEP_EVERY,
            Upkeep::Own => UPKEEP_DEAD,
        }
    }

    /// The decision of the last upkeep, while it is good. Waits for nobody.
    pub(super) fn cached(&self, sku: &str, feature: &str) -> Option<Arc<Decision>> {
        let now = self.clock.coarse();
        let cache = self.cache.try_read().ok()?;
        let (decision, made) = cache.decisions.get(sku)?.get(feature)?;
        let (from, to) = self.good(&cache, decision, *made);
        // Else the wall moved oddly: back, or further than it should.
        (from..to).contains(&nanos(now)).then(|| decision.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{App, Client};
    use crate::document::SigningKey;

    fn in_memory(upkeep: Upkeep) -> Client {
        let root = SigningKey::from_seed("root-1", [9; 32]).unwrap();
        let app = App::new("acme", b"sixteen bytes or more", vec![root.root_key()]);
        Builder::new(app).in_memory().upkeep(upkeep).open().unwrap()
    }

    /// Makes the client's last upkeep, and what it decided then, those of a wall that was ahead by so much.
    fn set_back(client: &Client, feature: &super::super::Feature, by: Span) {
        let decision = feature.explain();
        let shared = &client.shared;
        let mut cache = shared.cache.write().unwrap();
        cache.upkept = shared.clock.coarse() + by;
        let made = cache.upkept;
        cache.decisions.entry("cad".to_owned()).or_default().insert("core".to_owned(), (decision.clone(), made));
        let (from, to) = shared.good(&cache, &decision, made);
        shared.cells.publish("cad", "core", &Brief::of(&decision), from, to);
    }

    #[test]
    fn what_was_decided_before_the_wall_was_set_back_is_not_given_when_it_comes_there_again() {
        for upkeep in [Upkeep::InChecks, Upkeep::Own] {
            let client = in_memory(upkeep);
            let feature = client.feature("cad", "core").unwrap();
            set_back(&client, &feature, Span::nanos(200_000_000));
            assert_eq!(feature.cell().unwrap().read(), None, "not yet");
            // Any check sees that the wall is behind.
            client.check("cad", "other");
            for _ in 0..300 {
                std::thread::sleep(std::time::Duration::from_millis(1));
                assert_eq!(feature.cell().unwrap().read(), None, "{upkeep:?}");
                assert_eq!(client.shared.cached("cad", "core"), None, "{upkeep:?}");
            }
        }
    }

    #[test]
    fn what_was_decided_before_an_upkeep_thread_died_is_not_given_after() {
        let client = in_memory(Upkeep::Own);
        let feature = client.feature("cad", "core").unwrap();
        feature.check();
        client.shared.cache.write().unwrap().uptime = client.shared.clock.read().uptime - Span::seconds(601);
        assert!(client.check("cad", "other").why.trouble.as_ref().unwrap().contains("no upkeep"));
        assert_eq!(feature.cell().unwrap().read(), None);
        assert!(client.check("cad", "core").why.trouble.as_ref().unwrap().contains("no upkeep"));
    }
}
