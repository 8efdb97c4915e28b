//! Checks: decided at once, recorded if that can be done without waiting, never synced.

use std::sync::Arc;

use super::super::error::Error;
use super::Session;
use crate::clock::Reading;
use crate::grace::{Decision, Event as Recorded, Finished, Flags, Live, Machine, Opening, Operation, Quiet, State};
use crate::order;

/// What an operation left behind, to decide from while the next one waits for the disk or for another process.
pub(in crate::client) struct View {
    state: Arc<State>,
    live: Live,
    quiet: Option<Quiet>,
    machine: Arc<Machine>,
    flags: Flags,
}

impl View {
    /// A check that records nothing: a first use is recorded by the next check that finds the session free.
    pub(in crate::client) fn check(&self, reading: Reading, sku: &str, feature: &str) -> Decision {
        let opening = Opening { quiet: self.quiet, ..Opening::default() };
        let op = Operation::begin(&self.state, &self.live, reading, &self.machine, &opening);
        Decision { flags: self.flags, ..op.decide(sku, feature).0 }
    }

    /// The same where the ledger cannot be opened at the moment.
    pub(in crate::client) fn check_detached(&self, reading: Reading, sku: &str, feature: &str) -> Decision {
        let decision = self.check(reading, sku, feature);
        Decision { flags: Flags { detached: true, ..decision.flags }, ..decision }
    }
}

impl Session {
    /// A check: reads what is new, decides, and records what is to be if that can be done without waiting; nothing is synced. An
    /// error of the disk never stops a decision: it then rests on what was read before.
    pub(in crate::client) fn check(&mut self, sku: &str, feature: &str, disk: bool) -> Decision {
        if disk {
            if let Err(error) = self.catch_up() {
                // Until it can be opened again: an unnamed file still reads well.
                self.lost = true;
                self.detached = true;
                self.diagnose(format!("the ledger cannot be read: {error}"));
            } else {
                self.detached = false;
            }
        }
        self.uses = self.uses();
        let reading = self.setup.clock.read();
        let (decision, finished) = self.try_check(&reading, sku, feature);
        if finished.record.is_none() {
            self.went_on(finished.live, finished.quiet);
            return self.flagged(decision);
        }
        let written = if disk { self.check_and_record(sku, feature) } else { Ok(None) };
        match written {
            Ok(Some(decision)) => return self.flagged(decision),
            Ok(None) => {}
            Err(error) => {
                self.detached = true;
                self.diagnose(format!("a check could not be recorded: {error}"));
            }
        }
        // Kept in memory, with its own `t`, for the next who can write. More may have been read since.
        let (decision, finished) = self.try_check(&self.setup.clock.read(), sku, feature);
        self.live = finished.live;
        for event in finished.record.iter().flat_map(|record| &record.events) {
            if let Recorded::FirstUse { license, feature, at } = event {
                self.uses.retain(|(l, f, _)| (l, f) != (license, feature));
                self.uses.push((license.clone(), feature.clone(), *at));
                Arc::make_mut(&mut self.state).overlay_first_use(license, feature, *at);
            }
        }
        self.flagged(decision)
    }

    pub(super) fn catch_up(&mut self) -> Result<(), Error> {
        self.sound()?;
        let refreshed = self.ledger.refresh()?;
        self.absorb(refreshed);
        Ok(())
    }

    pub(super) fn try_check(&self, reading: &Reading, sku: &str, feature: &str) -> (Decision, Finished) {
        let opening = Opening {
            damage: self.damage.clone(),
            recovered: self.recovered,
            uses: self.uses.clone(),
            quiet: self.nothing_due(),
            ..Opening::default()
        };
        let mut op = Operation::begin(&self.state, &self.live, *reading, &self.machine, &opening);
        let decision = op.check(sku, feature);
        (decision, op.finish(false))
    }

    pub(super) fn check_and_record(&mut self, sku: &str, feature: &str) -> Result<Option<Decision>, Error> {
        let Some(lock) = self.ledger.try_lock()? else { return Ok(None) };
        self.settle(&lock)?;
        self.uses = self.uses();
        if !self.damage.is_empty() || self.replaced {
            // Another generation is made, and the witness asked, by an operation that may wait and sync.
            return Ok(None);
        }
        // C5: read once more, for others may have recorded since.
        let (decision, finished) = self.try_check(&self.setup.clock.read(), sku, feature);
        let wanted = finished.record.is_some();
        let wrote = self.record(&lock, finished, false)?;
        if wrote {
            self.uses.clear();
        }
        Ok((wrote || !wanted).then_some(decision))
    }

    /// Decisions for all features of a SKU, as checks would answer, recording no first use.
    pub(in crate::client) fn status(&mut self, sku: &str) -> Result<Vec<Decision>, Error> {
        let decisions = self.upkeep(|op| {
            let features = op
                .state()
                .licences()
                .values()
                .filter(|licence| licence.lease.as_ref().is_some_and(|lease| lease.says.sku == sku))
                .flat_map(|licence| licence.seen.iter().cloned());
            order::set(features).iter().map(|feature| op.decide(sku, feature).0).collect::<Vec<_>>()
        })?;
        Ok(decisions.into_iter().map(|decision| self.flagged(decision)).collect())
    }

    /// What checks of these features would answer now; none where one would record a first use. All of them in one operation: to begin one costs
    /// a look at every feature that the ledger knows.
    pub(in crate::client) fn foresee<'n>(
        &self,
        reading: Reading,
        names: impl Iterator<Item = &'n (String, String)>,
    ) -> Vec<Option<Decision>> {
        let opening = Opening { quiet: self.nothing_due(), ..Opening::default() };
        let op = Operation::begin(&self.state, &self.live, reading, &self.machine, &opening);
        names
            .map(|(sku, feature)| {
                let (decision, first_use) = op.decide(sku, feature);
                first_use.is_none().then(|| self.flagged(decision))
            })
            .collect()
    }

    pub(super) fn flagged(&self, decision: Decision) -> Decision {
        #[cfg(reprieve_next)]
        let decision = crate::next::decided(decision, self.state.next);
        Decision { flags: self.flags(), ..decision }
    }

    pub(super) fn flags(&self) -> Flags {
        Flags {
            in_memory: self.setup.in_memory,
            newer: self.newer,
            drill: self.setup.config.drill,
            detached: self.detached,
        }
    }

    /// What can be decided from while this session is busy.
    pub(in crate::client) fn view(&self) -> View {
        View {
            state: self.state.clone(),
            live: self.live,
            quiet: self.nothing_due(),
            machine: self.machine.clone(),
            flags: self.flags(),
        }
    }
}
