//! Which appeals go with the next request (rule A5).

use std::collections::BTreeMap;

use super::Session;
use crate::grace::OpenAppeal;
use crate::time::{Instant, Span};

/// The side file in which it is kept which of them rest. No consumer's place has this name.
const FILE: &str = "appeals";

/// One that an answer said nothing of does not go again before this: an authority may know no appeals, or have no lease to give that confirms one.
const REST: Span = Span::seconds(86_400);

/// When appeals went by a request that was answered, by their ids.
pub(super) type Rest = BTreeMap<String, Instant>;

impl Session {
    /// The open appeals that do not rest, the oldest first.
    pub(in crate::client) fn appeals_to_send(&self) -> Vec<OpenAppeal> {
        let open = self.state().appeals();
        if open.is_empty() {
            return Vec::new();
        }
        let (rest, t) = (self.resting(), self.live().t);
        // A time that lies ahead was another clock's: it does not hold an appeal back.
        let rests = |id: &str| rest.get(id).is_some_and(|went| (*went..*went + REST).contains(&t));
        open.iter().filter(|filed| !rests(&filed.id)).cloned().collect()
    }

    /// What this product and others know.
    fn resting(&self) -> Rest {
        let kept = self.ledger.side_file_read(FILE).ok().flatten();
        let kept: BTreeMap<String, String> =
            kept.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let mut rest: Rest = kept.into_iter().filter_map(|(id, went)| Some((id, went.parse().ok()?))).collect();
        rest.extend(self.rest.iter().map(|(id, went)| (id.clone(), *went)));
        rest
    }

    /// The newest request was answered: what went with it and is open still rests, for all products on the ledger.
    pub(in crate::client) fn appeals_were_carried(&mut self) {
        let carried = std::mem::take(&mut self.carried);
        if carried.iter().all(|id| self.state().appeals().get(id).is_none()) {
            return;
        }
        let (mut rest, t) = (self.resting(), self.live().t);
        rest.extend(carried.into_iter().map(|id| (id, t)));
        rest.retain(|id, _| self.state().appeals().get(id).is_some());
        let kept: BTreeMap<&String, String> = rest.iter().map(|(id, went)| (id, went.to_string())).collect();
        let bytes = serde_json::to_vec(&kept).unwrap_or_default();
        if let Err(error) = self.ledger.side_file_write(FILE, &bytes) {
            self.diagnose(format!("that an appeal was sent could not be kept for other products: {error}"));
        }
        self.rest = rest;
    }
}
