//! The witness (L3): what it knows that the ledger lacks, and what it is told.

use serde::{Deserialize, Serialize};

use super::super::error::Error;
use super::Session;
use crate::clock::trusted::Suspicions;
use crate::grace::{Event as Recorded, Record, WitnessFacts};
use crate::ledger::codec::{from_bytes, to_bytes};
use crate::ledger::{Witness, WitnessRead};
use crate::time::Instant;

/// What the witness holds of time.
#[derive(Serialize, Deserialize)]
struct WitnessBody {
    proven: Instant,
    suspicions: Suspicions,
    /// L3: the line of records that the newest one belongs to.
    line: [u8; 32],
}

impl Session {
    /// L3: whether the witness knows a record that this ledger lacks.
    pub(super) fn look_at_witness(&mut self, witness: WitnessRead) -> Option<WitnessFacts> {
        let witness = match witness {
            WitnessRead::Of(witness) => witness,
            WitnessRead::Missing => return None,
            WitnessRead::Torn => {
                self.diagnose("the witness is torn; it is written anew".to_owned());
                return None;
            }
        };
        let Ok(body) = from_bytes::<WitnessBody>(&witness.body) else {
            self.diagnose("the witness was written by another release; it is written anew".to_owned());
            return None;
        };
        if self.state.knows_put_back(witness.seq, &body.line) {
            return None;
        }
        if self.damage.iter().any(|(seq, _)| *seq == Some(witness.seq)) {
            return None;
        }
        match self.lacks(&witness) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => {
                self.diagnose(format!("the witness cannot be compared: {error}"));
                return None;
            }
        }
        Some(WitnessFacts {
            record: witness.seq,
            hash: witness.hash,
            line: body.line,
            proven: body.proven,
            suspicions: body.suspicions,
        })
    }

    /// Whether a record that the witness knows is not the ledger's. What was put away with its file, or was named as damaged when
    /// the next one began, is none that it lacks.
    pub(super) fn lacks(&mut self, witness: &Witness) -> Result<bool, Error> {
        let first = self.ledger.first_seq();
        if witness.generation >= self.ledger.generation() {
            return Ok(self.ledger.record_hash(witness.seq)? != Some(witness.hash));
        }
        let named = |record: &Record| {
            let names =
                |event: &Recorded| matches!(event, Recorded::Damage { record, .. } if *record == Some(witness.seq));
            record.events.iter().any(names)
        };
        if self.record_at(first)?.is_some_and(|record| named(&record)) {
            return Ok(false);
        }
        if witness.seq >= first {
            return Ok(true);
        }
        let Some(earlier) = self.earlier(witness.seq)? else { return Ok(false) };
        Ok(earlier.read_record(witness.seq)?.is_some() && earlier.record_hash(witness.seq)? != Some(witness.hash))
    }

    /// L3: the witness is told of the newest record, after the ledger's sync. It is never an offence if it cannot be.
    pub(super) fn testify(&mut self, force: bool) {
        let body = WitnessBody {
            proven: self.live.anchor.proven,
            suspicions: self.live.anchor.suspicions,
            line: self.state.line(),
        };
        let (seq, hash) = self.ledger.newest();
        let result = to_bytes(&body).and_then(|body| {
            let generation = self.ledger.generation();
            self.ledger.witness_write(&Witness { ledger: self.ledger.id(), generation, seq, hash, body }, force)
        });
        match result {
            Ok(_) => self.testified = Some(seq),
            Err(error) => self.diagnose(format!("the witness was not written: {error}")),
        }
    }
}
