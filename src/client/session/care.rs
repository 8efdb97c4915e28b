//! What is done to a ledger by somebody's explicit wish: a new file, other keys, a higher level.

use std::sync::Arc;

use super::super::care::{Archived, Rekey, Rekeyed, SlotChoice, Upgraded};
use super::super::error::{Error, ErrorKind};
use super::super::records::{self, LEVEL};
use super::Session;
use super::operate::{newer, opening};
use crate::grace::State;
use crate::ledger::{GenerationCause, KeySlot, KeySource, Lock, SlotKind};

impl Session {
    /// The lock, with nothing due and no damage left to deal with.
    fn quiet(&mut self) -> Result<Lock, Error> {
        // What is due belongs into the old file, and damage is dealt with first.
        self.acknowledged(|_| ())?;
        let lock = self.ledger.lock()?;
        self.settle(&lock)?;
        if self.newer {
            return Err(newer());
        }
        if !self.damage.is_empty() || self.replaced {
            return Err(Error::new(ErrorKind::Busy, "damage was found meanwhile, and is recorded first; do it again"));
        }
        Ok(lock)
    }

    /// Goes on in a new file, from all that counts; the old one is kept.
    pub(in crate::client) fn archive(&mut self) -> Result<Archived, Error> {
        let lock = self.quiet()?;
        self.check_continues("archive")?;
        let before = self.ledger.path().to_owned();
        #[cfg(reprieve_next)]
        self.ledger.raise_level(&lock, crate::next::level(self.ledger.level()))?;
        self.go_on(lock, GenerationCause::Archive)?;
        Ok(Archived { generation: self.ledger.generation(), before })
    }

    /// A file is not continued in another by who would lose what it does not know or cannot prove.
    fn check_continues(&self, what: &str) -> Result<(), Error> {
        if self.state.has_foreign() {
            let text = format!(
                "a newer release wrote to this ledger what this one does not know, and would be lost: {what} with the newer one, or \
                 update this product"
            );
            return Err(Error::new(ErrorKind::Newer, text));
        }
        if self.state.unproven() > 0 {
            let text = format!(
                "the ledger has documents that this product's keys do not prove, and another's may: {what} with that one"
            );
            return Err(Error::new(ErrorKind::Newer, text));
        }
        Ok(())
    }

    fn go_on(&mut self, lock: Lock, cause: GenerationCause) -> Result<(), Error> {
        let mut state = State::clone(&self.state);
        self.close_heads(&mut [&mut state])?;
        let opening = opening(&state);
        self.earlier.clear();
        self.ledger.next_generation(&lock, cause, &records::encode(&opening)?)?;
        drop(lock);
        self.state = Arc::new(state);
        self.remember(self.ledger.newest().0, Arc::new(opening));
        self.ledger.sync()?;
        self.testify(true);
        Ok(())
    }

    /// Changes the slots, and with a new data key the file.
    pub(in crate::client) fn rekey(&mut self, change: &Rekey) -> Result<Rekeyed, Error> {
        let lock = self.quiet()?;
        let before = self.ledger.key_slots()?;
        let goes = |slot: &KeySlot| change.drop.iter().any(|choice| choice.covers(slot));
        let keys = self.keys_after(change)?;
        if change.new_data_key {
            self.check_continues("rekey")?;
            let at_hand = |slot: &KeySlot| slot.kind == SlotKind::Audit || slot.opener.is_some();
            let lost: Vec<String> =
                before.iter().filter(|slot| !at_hand(slot) && !goes(slot)).map(KeySlot::to_string).collect();
            if !lost.is_empty() {
                let text = format!(
                    "with a new data key these slots would be lost, as their source is not at hand: {}; name them as dropped to agree, or do it where the source is",
                    lost.join("; ")
                );
                return Err(Error::new(ErrorKind::Argument, text));
            }
        }
        self.ledger.rekey_keeping(&lock, &keys, &|slot| !goes(slot))?;
        let previous = change.new_data_key.then(|| self.ledger.path().to_owned());
        if change.new_data_key {
            self.go_on(lock, GenerationCause::NewDataKey)?;
        }
        Ok(Rekeyed { before, after: self.ledger.key_slots()?, generation: self.ledger.generation(), previous })
    }

    /// The sources that get a new slot.
    fn keys_after(&self, change: &Rekey) -> Result<KeySource, Error> {
        let keys = self.setup.config.keys.clone();
        let argument = |text: &str| Err(Error::new(ErrorKind::Argument, text));
        if change.drop.contains(&SlotChoice::Application) {
            let text = "no key slot would be left that a key at hand opens: the application's has to stay; `older` drops those of \
                        its older secrets";
            return argument(text);
        }
        if !change.add_audit {
            return Ok(keys.without_audit_public_key());
        }
        if keys.audit_public_key().is_none() {
            let text = "the application file has no `audit_key`; make one with `reprieve keys audit` and name its public half there";
            return argument(text);
        }
        Ok(keys)
    }

    /// Raises the level.
    pub(in crate::client) fn upgrade(&mut self, level: Option<u32>) -> Result<Upgraded, Error> {
        let lock = self.quiet()?;
        let (before, level) = (self.ledger.level(), level.unwrap_or(LEVEL));
        if level > LEVEL {
            let text = format!(
                "this release knows the levels up to {LEVEL} and would not write to a ledger of level {level}; upgrade with a release that knows it"
            );
            return Err(Error::new(ErrorKind::Argument, text));
        }
        if level <= before {
            let text = format!("the ledger has level {before} already, and a level only rises; nothing was changed");
            return Err(Error::new(ErrorKind::Argument, text));
        }
        self.ledger.raise_level(&lock, level)?;
        Ok(Upgraded { before, level })
    }
}
