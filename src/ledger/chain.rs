//! Whether a ledger's head goes on from an older one, be it of an earlier generation: what a ledger shows to an authority that
//! has neither its file nor its key.
//!
//! Within a generation a path of RFC 6962 leads from the older head to a newer one. From one generation to the next leads the
//! closing head of the one, and the line in each head of the other that names it.

use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::error::{Error, ErrorKind, Result};
use super::note::{self, Checkpoint, Verifier};
use super::tree::{self, Hash};
use super::{GenerationCause, LedgerId};

/// How many steps a chain may have: more is no chain of ours.
const MAX_STEPS: usize = 10_000;

/// An older head, and the path from it to the last head of its generation in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    /// The generation that it is a head of.
    pub generation: u64,
    /// How many records of that generation it covers.
    pub size: u64,
    /// The root of their tree.
    #[serde(with = "hash")]
    pub root: Hash,
    /// The path, as RFC 6962 orders it.
    #[serde(with = "hashes")]
    pub path: Vec<Hash>,
}

/// A head, and what leads to it from older ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// The ledger's id.
    pub ledger: String,
    /// The ledger's public key, which signs its heads.
    #[serde(with = "hash")]
    pub key: [u8; 32],
    /// The head: a signed note.
    pub head: String,
    /// The last head of each earlier generation, from the oldest that `since` needs on, as signed notes.
    #[serde(default)]
    pub closings: Vec<String>,
    /// The older heads.
    #[serde(default)]
    pub since: Vec<Since>,
}

/// How a head stands to an older one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Continuity {
    /// The ledger grew from the older head to this one, and nothing was taken back.
    Continues,
    /// It is not shown that it did: a copy was put back, or records were destroyed.
    PutBack {
        /// What is lacking, in words.
        why: String,
    },
}

fn wrong(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Damaged, format!("the renewal request {what}"))
}

/// A head that is signed by the ledger's key.
struct Head {
    generation: u64,
    checkpoint: Checkpoint,
}

impl Chain {
    /// Reads a renewal request, and checks that its heads are signed with the key that it names and follow on each other.
    ///
    /// # Errors
    /// `Damaged` for anything else.
    pub fn of_request(body: &[u8]) -> Result<Chain> {
        let chain: Chain = serde_json::from_slice(body).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        chain.check()?;
        Ok(chain)
    }

    /// Whether its heads are signed with the key that it names, and follow on each other.
    ///
    /// # Errors
    /// `Damaged` if not.
    pub fn check(&self) -> Result<()> {
        self.heads(true).map(drop)
    }

    fn head(&self, id: &LedgerId, text: &str, verify: bool) -> Result<Head> {
        let checkpoint = Checkpoint::of_note(text)?;
        let Some(generation) = note::generation_of(id, &checkpoint.origin) else {
            return Err(wrong(format!("has a head of {}, and is of ledger {id}", checkpoint.origin)));
        };
        if verify {
            Verifier::new(&checkpoint.origin, self.key)?.verify(text)?;
        }
        Ok(Head { generation, checkpoint })
    }

    /// The heads of the generations in a row, the newest last. Each but the first names the one before.
    fn heads(&self, verify: bool) -> Result<Vec<Head>> {
        if self.closings.len() > MAX_STEPS || self.since.len() > MAX_STEPS {
            return Err(wrong("has more heads than any ledger's"));
        }
        let id: LedgerId = self.ledger.parse().map_err(|_| wrong("names no ledger"))?;
        let notes = self.closings.iter().chain([&self.head]);
        let heads = notes.map(|text| self.head(&id, text, verify)).collect::<Result<Vec<Head>>>()?;
        for pair in heads.windows(2) {
            let [before, after] = pair else { continue };
            let follows = after.checkpoint.continues().is_some_and(|continues| {
                continues.generation == before.generation
                    && continues.size == before.checkpoint.size
                    && continues.root == before.checkpoint.root
                    && after.generation > before.generation
            });
            if !follows {
                return Err(wrong(format!(
                    "has heads of generations {} and {} that do not follow on each other",
                    before.generation, after.generation
                )));
            }
        }
        Ok(heads)
    }

    /// Whether this head goes on from `last`, the head of the same ledger that was seen last: a signed note. The key that signed
    /// `last` must be this ledger's, so who keeps the last head needs to keep no key.
    ///
    /// Of two requests that are on their way at once the older may come second. Who keeps the last request too asks the other
    /// way round: if that one goes on from this head, and came minutes ago, this one was overtaken, and hides nothing.
    ///
    /// # Errors
    /// `Damaged` if the chain or `last` is malformed.
    pub fn continuity(&self, last: &str) -> Result<Continuity> {
        self.compared(last, true)
    }

    /// The same without a look at any signature, which cost most of it: for a chain that [`Chain::of_request`] or `RenewalRequest::read` has
    /// checked, and a `last` that was kept of such a one with the same key.
    ///
    /// # Errors
    /// As [`Chain::continuity`].
    pub fn continuity_of_checked(&self, last: &str) -> Result<Continuity> {
        self.compared(last, false)
    }

    fn compared(&self, last: &str, verify: bool) -> Result<Continuity> {
        let heads = self.heads(verify)?;
        let put_back = |why: String| Ok(Continuity::PutBack { why });
        let last_says = Checkpoint::of_note(last)?;
        let id: LedgerId = self.ledger.parse().map_err(|_| wrong("names no ledger"))?;
        let Some(generation) = note::generation_of(&id, &last_says.origin) else {
            return Err(wrong(format!("is of ledger {id}, and the head to compare is of {}", last_says.origin)));
        };
        if verify && Verifier::new(&last_says.origin, self.key)?.verify(last).is_err() {
            return put_back("the last head was signed with another key: another ledger took its id".to_owned());
        }
        let (size, root) = (last_says.size, last_says.root);
        let damaged = heads
            .iter()
            .filter_map(|head| head.checkpoint.continues())
            .any(|continues| continues.generation >= generation && continues.cause == GenerationCause::Damage);
        let to = heads.iter().find(|head| head.generation == generation).map(|head| &head.checkpoint);
        let shown = to.is_some_and(|to| {
            let path = |since: &Since| {
                (since.generation, since.size, since.root) == (generation, size, root)
                    && tree::verify_consistency(size, to.size, &since.path, &root, &to.root)
            };
            (to.size, to.root) == (size, root) || self.since.iter().any(path)
        });
        if shown {
            return Ok(Continuity::Continues);
        }
        let newest = heads.last().map_or(0, |head| head.generation);
        put_back(match to {
            _ if damaged => format!("it was damaged: that its first {size} records are as they were cannot be proven"),
            Some(to) if to.size < size => {
                format!("it has {} records, and had {size}: an older copy was put back", to.size)
            }
            Some(_) => format!("its first {size} records are not those that it had: an older copy was put back"),
            None if newest < generation => {
                format!("it is at generation {newest}, and was at generation {generation}: an older copy was put back")
            }
            None => {
                format!("nothing leads here from generation {generation}, in which it was: an older copy was put back")
            }
        })
    }
}

mod hash {
    use super::{Hash, STANDARD};
    use base64::Engine as _;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(hash: &Hash, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(hash))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Hash, D::Error> {
        let text = String::deserialize(from)?;
        let bytes = STANDARD.decode(text).map_err(D::Error::custom)?;
        bytes.try_into().map_err(|_| D::Error::custom("32 bytes of base64 were expected"))
    }
}

mod hashes {
    use super::{Hash, STANDARD};
    use base64::Engine as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    struct One(#[serde(with = "super::hash")] Hash);

    pub fn serialize<S: Serializer>(hashes: &[Hash], to: S) -> Result<S::Ok, S::Error> {
        hashes.iter().map(|hash| STANDARD.encode(hash)).collect::<Vec<_>>().serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Hash>, D::Error> {
        Ok(Vec::<One>::deserialize(from)?.into_iter().map(|one| one.0).collect())
    }
}
