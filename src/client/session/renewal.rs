//! What renewing needs of a session: the outlook, the turn, and what the clients of one ledger tell each other.

use serde::{Deserialize, Serialize};

use super::{Error, ErrorKind, Session};
use crate::clock::Boot;
use crate::document::Endpoint;
use crate::ledger::StorageLock;
use crate::renew::{Learned, Outlook, Term};
use crate::time::Span;

/// The side file in which it is kept. No consumer's place has this name.
const FILE: &str = "renewal";

/// How many locks the turn has.
const TURNS: u64 = 8;

/// How long a driver may wait between two looks at the outlook.
const LOOK: Span = Span::seconds(600);

#[derive(Serialize, Deserialize)]
struct Kept {
    boot: Boot,
    learned: Learned,
    /// Which lock is the turn's: another one each time that a product kept it without using it.
    #[serde(default)]
    turn: u64,
    /// Of which ledger, at how many records: one that was put back knows less than the mirrors have given.
    #[serde(default)]
    ledger: String,
    #[serde(default)]
    records: u64,
}

/// The turn to talk to the authority.
pub(in crate::client) struct Turn {
    _lock: Box<dyn StorageLock>,
    number: u64,
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Turn({})", self.number)
    }
}

/// What came of asking for the turn.
pub(in crate::client) enum Asked {
    Given(Turn, Option<Box<Learned>>),
    /// Another has it; this stands in the side file, and changes when a turn is given back.
    Refused(Option<Vec<u8>>),
}

impl Session {
    /// What renewing depends on, by what the ledger holds now.
    pub(in crate::client) fn outlook(&mut self) -> Result<Outlook, Error> {
        self.upkeep(|_| ())?;
        let (t, state) = (self.live().t, self.state());
        let leases = || state.licences().values().filter_map(|licence| licence.lease.as_ref()).map(|lease| &lease.says);
        let terms = leases()
            .filter_map(|lease| {
                // A feature that was let for a shorter time, and has ended, is nothing to renew for while another runs.
                let running = lease.features.values().filter(|exp| t < **exp).min();
                let exp = *running.or_else(|| lease.features.values().max())?;
                Some(Term { iat: lease.iat, exp })
            })
            .collect();
        let windows = state
            .notices()
            .filter(|notice| t < notice.end && !(notice.cancelled && notice.iat <= t))
            .filter(|notice| notice.skus.is_empty() || leases().any(|lease| notice.skus.contains(&lease.sku)))
            .map(|notice| (notice.start, notice.end))
            .collect();
        let appeal = !self.appeals_to_send().is_empty();
        Ok(Outlook { t, terms, windows, appeal, look: LOOK })
    }

    /// Which `keys` document says where to renew, and all ways to the authority: what it names first, then what the application file names
    /// besides, so that a wrong list leaves the old ways open.
    pub(in crate::client) fn endpoints(&self, app: &[Endpoint]) -> (Option<u64>, Vec<Endpoint>) {
        let trust = self.state().trust();
        let named = trust.endpoints();
        let after = named.iter().map(|one| one.priority).max().map_or(0, |last| last.saturating_add(1));
        let besides = app.iter().filter(|one| named.iter().all(|known| known.url != one.url));
        let besides = besides.map(|one| Endpoint { priority: one.priority.saturating_add(after), ..one.clone() });
        (trust.version(), named.iter().cloned().chain(besides).collect())
    }

    /// The mirrors: what the `keys` document in force names, then what the application file names besides.
    pub(in crate::client) fn mirrors(&self, app: &[String]) -> Vec<String> {
        let named = self.state().trust().mirrors();
        let besides = app.iter().filter(|url| !named.contains(url));
        named.iter().chain(besides).cloned().collect()
    }

    /// The turn, if no other client of the ledger has it. `stuck`: what a refusal gave a long time ago: where nothing has changed since, the one that
    /// has the turn does not use it, and loses it to another lock.
    pub(in crate::client) fn try_turn(&mut self, stuck: Option<&Option<Vec<u8>>>) -> Result<Asked, Error> {
        let bytes = self.ledger.side_file_read(FILE).ok().flatten();
        let kept = self.kept(bytes.as_deref());
        let mut number = kept.as_ref().map_or(0, |kept| kept.turn);
        if stuck.is_some_and(|stuck| *stuck == bytes) && self.lock(number)?.is_none() {
            number += 1;
            let learned = kept.as_ref().map(|kept| kept.learned.clone()).unwrap_or_default();
            self.write(learned, number)?;
        }
        match self.lock(number)? {
            Some(lock) => Ok(Asked::Given(Turn { _lock: lock, number }, kept.map(|kept| Box::new(self.still(kept))))),
            None => Ok(Asked::Refused(bytes)),
        }
    }

    fn lock(&self, number: u64) -> Result<Option<Box<dyn StorageLock>>, Error> {
        // A handful of files, however often it happens.
        let number = number % TURNS;
        if number == 0 {
            return Ok(self.ledger.try_turn()?);
        }
        let path = self.ledger.folder().join(format!("{}.renew-{number}.lock", self.setup.config.name));
        let trouble = |error| Error::new(ErrorKind::Io, format!("locking {}: {error}", path.display()));
        self.setup.storage.try_lock(&path).map_err(trouble)
    }

    /// Whether the turn is still this one's.
    pub(in crate::client) fn has_turn(&self, turn: &Turn) -> bool {
        let bytes = self.ledger.side_file_read(FILE).ok().flatten();
        self.kept(bytes.as_deref()).map_or(0, |kept| kept.turn) == turn.number
    }

    /// What the clients of this ledger have learned in this boot; nothing if none has, or what lies there cannot be read.
    fn kept(&self, bytes: Option<&[u8]>) -> Option<Kept> {
        let kept: Kept = serde_json::from_slice(bytes?).ok()?;
        (kept.boot == self.setup.clock.read().boot).then_some(kept)
    }

    fn still(&self, kept: Kept) -> Learned {
        let mut learned = kept.learned;
        if kept.ledger != self.state().ledger || self.ledger.next_seq() < kept.records {
            learned.forget_mirrors();
        }
        learned
    }

    pub(in crate::client) fn keep_learned(&mut self, learned: Learned, turn: &Turn) {
        if self.has_turn(turn)
            && let Err(error) = self.write(learned, turn.number)
        {
            self.diagnose(format!("renewal: what was learned could not be kept for other products: {error}"));
        }
    }

    fn write(&mut self, learned: Learned, turn: u64) -> Result<(), Error> {
        let (ledger, records) = (self.state().ledger.clone(), self.ledger.next_seq());
        let kept = Kept { boot: self.setup.clock.read().boot, learned, turn, ledger, records };
        let bytes = serde_json::to_vec(&kept)
            .map_err(|error| Error::new(ErrorKind::Internal, format!("it cannot be written: {error}")))?;
        Ok(self.ledger.side_file_write(FILE, &bytes)?)
    }
}
