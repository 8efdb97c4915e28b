//! What named consumers are told: records by number, and each consumer's place among them.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::error::Error;
use super::super::events::{Cursor, Event, Place};
use super::super::records;
use super::Session;
use crate::grace::Record;
use crate::ledger::Ledger;

/// How many records, each twice as far back as the one before, a consumer's place names by hash.
const PLACE_HASHES: u32 = 12;

/// How many earlier generations are kept open at most.
const EARLIER: usize = 64;

fn place_file(consumer: &str) -> String {
    format!("place.{consumer}")
}

impl Session {
    /// A record by number, from memory or from the file that it is in: this generation's or an earlier one's, as far as that
    /// was not put away.
    pub(in crate::client) fn record_at(&mut self, seq: u64) -> Result<Option<Arc<Record>>, Error> {
        if let Ok(at) = self.recent.binary_search_by_key(&seq, |(seq, _)| *seq) {
            return Ok(self.recent.get(at).map(|(_, record)| record.clone()));
        }
        let payload = match seq < self.ledger.first_seq() {
            false => self.ledger.read_record(seq)?,
            true => match self.earlier(seq)? {
                Some(ledger) => ledger.read_record(seq)?,
                None => None,
            },
        };
        Ok(payload.and_then(|payload| records::decode(&payload).ok()).map(|(record, _)| Arc::new(record)))
    }

    /// The earlier generation that has a record. No more than a few are kept open: each is a file, and a process may not have very many. Reading forward
    /// through all of them walks back from this one again for each few.
    pub(super) fn earlier(&mut self, seq: u64) -> Result<Option<&Ledger>, Error> {
        use crate::ledger::ErrorKind::{Damaged, NotALedger, WrongKey};
        // What is kept is a run of generations in a row; one that is newer than the run is walked to from this one again.
        if self.earlier.first().is_some_and(|newest| newest.next_seq() <= seq) {
            self.earlier.clear();
        }
        while self.earlier.last().is_none_or(|ledger| seq < ledger.first_seq()) {
            match self.earlier.last().unwrap_or(&self.ledger).before() {
                Ok(Some(before)) => {
                    if self.earlier.len() >= EARLIER {
                        self.earlier.remove(0);
                    }
                    self.earlier.push(before);
                }
                Ok(None) => break,
                // As if it had been put away: what is in it cannot be told any more.
                Err(error) if matches!(error.kind(), Damaged | NotALedger | WrongKey) => {
                    self.diagnose(format!("an earlier file of the ledger cannot be read: {error}"));
                    break;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.earlier.iter().find(|ledger| ledger.first_seq() <= seq && seq < ledger.next_seq()))
    }

    /// The number of the oldest record that can still be read.
    pub(in crate::client) fn oldest(&mut self) -> Result<u64, Error> {
        self.earlier(0)?;
        Ok(self.earlier.last().map_or(self.ledger.first_seq(), Ledger::first_seq))
    }

    /// The next event for a consumer. What is handed out is on disk.
    pub(in crate::client) fn next_event(&mut self, consumer: &str) -> Result<Option<Event>, Error> {
        self.sound()?;
        let mut cursor = match self.consumers.get(consumer) {
            Some(cursor) => *cursor,
            None => self.place_of(consumer)?,
        };
        let mut found = self.event_from(&mut cursor)?;
        if found.is_none() {
            // Other products may have recorded something.
            self.catch_up()?;
            found = self.event_from(&mut cursor)?;
        }
        if found.is_some() && !self.ledger.is_durable(cursor.record) {
            self.ledger.sync()?;
        }
        self.consumers.insert(consumer.to_owned(), cursor);
        Ok(found)
    }

    /// The first event at a place or behind it, among the records that were read; the place moves behind it.
    pub(super) fn event_from(&mut self, cursor: &mut Cursor) -> Result<Option<Event>, Error> {
        while cursor.record < self.ledger.next_seq() {
            if let Some(record) = self.record_at(cursor.record)? {
                while (cursor.index as usize) < record.events.len() {
                    let event = Event::of(cursor.record, cursor.index, &record);
                    cursor.index += 1;
                    if event.is_some() {
                        return Ok(event);
                    }
                }
            }
            *cursor = Cursor { record: cursor.record + 1, index: 0 };
        }
        Ok(None)
    }

    /// Where a consumer goes on: where it acknowledged last; a new one at the end. S14: in a ledger that was put back, behind the
    /// newest record that it is known to have been given.
    pub(super) fn place_of(&mut self, consumer: &str) -> Result<Cursor, Error> {
        let end = Cursor { record: self.ledger.next_seq(), index: 0 };
        let kept = self.ledger.side_file_read(&place_file(consumer))?;
        let Some(kept) = kept else {
            self.keep_place(consumer, end)?;
            return Ok(end);
        };
        let Some(kept) = Place::from_text(&String::from_utf8_lossy(&kept)) else {
            // Nobody knows what it was given: all is told again rather than something missed.
            return Ok(Cursor { record: self.oldest()?, index: 0 });
        };
        let mut put_back = kept.next.record > end.record;
        for (seq, hash) in kept.given {
            match self.hash_at(seq)? {
                Some(found) if found == hash => {
                    return Ok(if put_back { Cursor { record: seq + 1, index: 0 } } else { kept.next });
                }
                Some(_) => put_back = true,
                // Damaged, or put away with its file: it says nothing.
                None => put_back |= seq >= end.record,
            }
        }
        // Nothing that it was given is there: all is told again rather than something missed.
        Ok(if put_back { Cursor { record: self.oldest()?, index: 0 } } else { kept.next })
    }

    pub(super) fn hash_at(&mut self, seq: u64) -> Result<Option<[u8; 32]>, Error> {
        match seq < self.ledger.first_seq() {
            false => Ok(self.ledger.record_hash(seq)?),
            true => Ok(self.earlier(seq)?.map(|ledger| ledger.record_hash(seq)).transpose()?.flatten()),
        }
    }

    pub(super) fn keep_place(&mut self, consumer: &str, next: Cursor) -> Result<(), Error> {
        let mut given = Vec::new();
        for back in (0..PLACE_HASHES).map(|power| 1 << power) {
            let Some(seq) = next.behind().checked_sub(back) else { break };
            given.extend(self.hash_at(seq)?.map(|hash| (seq, hash)));
        }
        let place = Place { next, given };
        Ok(self.ledger.side_file_write(&place_file(consumer), place.to_text().as_bytes())?)
    }

    /// A consumer goes on at the first record that is not among these.
    pub(in crate::client) fn skip_given(&mut self, consumer: &str, given: &HashSet<[u8; 32]>) -> Result<(), Error> {
        let mut record = self.oldest()?;
        while self.hash_at(record)?.is_some_and(|hash| given.contains(&hash)) {
            record += 1;
        }
        self.consumers.remove(consumer);
        self.keep_place(consumer, Cursor { record, index: 0 })
    }

    /// The hashes of the records before a consumer's place, from the oldest that can be read on.
    pub(in crate::client) fn given(&mut self, consumer: &str) -> Result<Vec<[u8; 32]>, Error> {
        let place = self.place_of(consumer)?;
        let mut hashes = Vec::new();
        for seq in self.oldest()?..place.behind() {
            hashes.extend(self.hash_at(seq)?);
        }
        Ok(hashes)
    }

    /// A consumer has dealt with an event and all before it.
    pub(in crate::client) fn acknowledge(&mut self, consumer: &str, record: u64, index: u32) -> Result<(), Error> {
        self.keep_place(consumer, Cursor { record, index: index.saturating_add(1) })
    }
}
