//! The heads of the ledger that were sent to the authority, from the one that it countersigned last on: so that the next renewal
//! can show that it goes on from whichever of them the authority saw.

use serde::{Deserialize, Serialize};

/// How many heads may be out without an answer. With so many, the newest is sent again: what the authority cannot have seen
/// needs no proof, and a request with the proofs of them all has to fit one QR code.
const OUT: usize = 3;

/// A head that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The ledger's generation.
    pub generation: u64,
    /// How many records of it the head covers.
    pub size: u64,
    /// The root of their tree.
    pub root: [u8; 32],
    /// The path to the generation's last head, once that is closed.
    pub path: Vec<[u8; 32]>,
}

/// The heads that count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heads {
    sent: Vec<Sent>,
    /// Whether the first of them is countersigned.
    countersigned: bool,
    /// The generations that were closed since, and the last head of each, as a signed note.
    closings: Vec<(u64, String)>,
}

impl Heads {
    /// The heads, oldest first.
    pub fn sent(&self) -> &[Sent] {
        &self.sent
    }

    /// The last heads of the generations that were closed since the oldest was sent, oldest first.
    pub fn closings(&self) -> impl Iterator<Item = &String> {
        self.closings.iter().map(|(_, note)| note)
    }

    /// The head to send again, if there are enough without an answer.
    pub fn again(&self, generation: u64) -> Option<&Sent> {
        let out = self.sent.len() - usize::from(self.countersigned && !self.sent.is_empty());
        self.sent.last().filter(|newest| out >= OUT && newest.generation == generation)
    }

    /// The newest head of this generation that was sent and got no answer.
    pub fn unanswered(&self, generation: u64) -> Option<&Sent> {
        let answered = usize::from(self.countersigned);
        self.sent.get(answered..)?.last().filter(|newest| newest.generation == generation)
    }

    pub(super) fn request(&mut self, generation: u64, size: u64, root: [u8; 32]) {
        if self.sent.iter().any(|sent| (sent.generation, sent.size, sent.root) == (generation, size, root)) {
            return;
        }
        self.sent.push(Sent { generation, size, root, path: Vec::new() });
    }

    /// The authority has seen this one, and will ask for nothing older.
    pub(super) fn countersign(&mut self, generation: u64, size: u64) {
        let Some(at) = self.sent.iter().position(|sent| (sent.generation, sent.size) == (generation, size)) else {
            return;
        };
        self.sent.drain(..at);
        self.countersigned = true;
        self.drop_closings();
    }

    /// The generation was closed with this head. `paths` lead there from its heads, in their order; none where nothing leads
    /// there, as records were destroyed.
    pub(super) fn close(&mut self, generation: u64, closing: String, paths: Vec<Option<Vec<[u8; 32]>>>) {
        let mut paths = paths.into_iter();
        self.sent.retain_mut(|sent| {
            if sent.generation != generation {
                return true;
            }
            match paths.next().flatten() {
                Some(path) => {
                    sent.path = path;
                    true
                }
                None => false,
            }
        });
        self.closings.push((generation, closing));
        self.drop_closings();
    }

    /// No head leads to what was closed before the oldest was sent.
    fn drop_closings(&mut self) {
        let oldest = self.sent.first().map_or(u64::MAX, |sent| sent.generation);
        self.closings.retain(|(generation, _)| *generation >= oldest);
    }
}
