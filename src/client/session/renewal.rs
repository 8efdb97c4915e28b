//! What renewing needs of a session: the outlook, the turn, and what the clients of one ledger tell each other.

use serde::{Deserialize, Serialize};

use super::{Error, Session};
use crate::clock::Boot;
use crate::document::Endpoint;
use crate::ledger::StorageLock;
use crate::renew::{Learned, Outlook, Term};
use crate::time::Span;

/// The side file in which it is kept. No consumer's place has this name.
const FILE: &str = "renewal";

/// How long a driver may wait between two looks at the outlook.
const LOOK: Span = Span::seconds(600);

#[derive(Serialize, Deserialize)]
struct Kept {
    boot: Boot,
    learned: Learned,
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
        Ok(Outlook { t, terms, windows, look: LOOK })
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

    pub(in crate::client) fn try_turn(&self) -> Result<Option<Box<dyn StorageLock>>, Error> {
        Ok(self.ledger.try_turn()?)
    }

    /// What the clients of this ledger have learned in this boot; nothing if none has, or what lies there cannot be read.
    pub(in crate::client) fn learned(&self) -> Option<Learned> {
        let bytes = self.ledger.side_file_read(FILE).ok()??;
        let kept: Kept = serde_json::from_slice(&bytes).ok()?;
        (kept.boot == self.setup.clock.read().boot).then_some(kept.learned)
    }

    pub(in crate::client) fn keep_learned(&mut self, learned: Learned) {
        let kept = Kept { boot: self.setup.clock.read().boot, learned };
        let written = match serde_json::to_vec(&kept) {
            Ok(bytes) => self.ledger.side_file_write(FILE, &bytes).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = written {
            self.diagnose(format!("renewal: what was learned could not be kept for other products: {error}"));
        }
    }
}
