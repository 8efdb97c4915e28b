//! Which keys open a ledger, and changing that: by slot, with a new data key, and by the auditors where no other key is left.

use std::fmt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::{Error, ErrorKind, Result};
use super::generation::make_secret;
use super::header::{self, Copies, Header};
use super::keys::{self, AuditSlot, Key, KeySource, Slot, SlotKind};
use super::lock::{self, Lock};
use super::log::Ledger;
use super::open::read_secret;
use super::storage::{OpenMode, Storage};
use super::{Config, LedgerId, files_of};

/// A key slot, as far as the keys at hand know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySlot {
    /// Where its key comes from.
    pub kind: SlotKind,
    /// Which key at hand opens it: for the application's secrets 0 is the newest, then come the older ones; for the caller's bytes
    /// it is 0.
    pub opener: Option<usize>,
    /// The public key that an auditors' slot is for.
    pub recipient: Option<[u8; 32]>,
}

impl KeySlot {
    fn of(slot: &Slot, id: &LedgerId, keys: &KeySource, install: Option<&[u8]>) -> KeySlot {
        let recipient = (slot.kind == SlotKind::Audit).then(|| slot.recipient());
        KeySlot { kind: slot.kind, opener: keys.opener(id, slot, install), recipient }
    }
}

impl fmt::Display for KeySlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, self.opener) {
            (SlotKind::Application, Some(0)) => f.write_str("application: its newest secret"),
            (SlotKind::Application, Some(_)) => f.write_str("application: an older secret that is at hand"),
            (SlotKind::Application, None) => f.write_str("application: a secret that is not at hand"),
            (SlotKind::Caller, Some(_)) => f.write_str("caller: the bytes at hand"),
            (SlotKind::Caller, None) => f.write_str("caller: bytes that are not at hand"),
            (SlotKind::Audit, _) => {
                write!(f, "audit: {}", URL_SAFE_NO_PAD.encode(self.recipient.unwrap_or_default()))
            }
            (SlotKind::Unknown(number), _) => write!(f, "kind {number}, which a later release knows"),
        }
    }
}

fn described(header: &Header, keys: &KeySource, install: Option<&[u8]>) -> Vec<KeySlot> {
    header.slots.iter().map(|slot| KeySlot::of(slot, &header.id, keys, install)).collect()
}

/// A new slot for each source in `keys`, and of the others those that are kept.
fn rekeyed(
    header: &Header,
    data: &Key,
    keys: &KeySource,
    install: Option<&[u8]>,
    keep: &dyn Fn(&KeySlot) -> bool,
) -> Result<Vec<Slot>> {
    let mut slots = keys::make_slots(&header.id, data, keys, install)?;
    for old in &header.slots {
        let known = KeySlot::of(old, &header.id, keys, install);
        let remade = match known.recipient {
            Some(recipient) => keys.audit_public_key() == Some(recipient),
            None => known.opener == Some(0),
        };
        if !remade && keep(&known) {
            slots.push(old.clone());
        }
    }
    Ok(slots)
}

impl Ledger {
    /// The key slots, as the ledger's own keys know them.
    ///
    /// # Errors
    /// Where the per-install secret file cannot be read.
    pub fn key_slots(&self) -> Result<Vec<KeySlot>> {
        let secret = read_secret(&*self.storage, &self.config)?;
        Ok(described(&self.header, &self.config.keys, secret.as_deref().map(Vec::as_slice)))
    }

    /// Replaces the key slots by one for each source in `keys`; the data key stays. The auditors' slots stay if `keys` names none.
    ///
    /// # Errors
    /// `Misuse` if nothing in `keys` could open the ledger, or without a settled lock.
    pub fn rekey(&mut self, lock: &Lock, keys: &KeySource) -> Result<()> {
        let audited = keys.audit_public_key().is_some();
        self.rekey_keeping(lock, keys, &|slot| slot.kind == SlotKind::Audit && !audited)
    }

    /// Makes a new slot for each source in `keys`, and keeps of the others those that `keep` says; the data key stays. A
    /// per-install secret that is lacking is made.
    ///
    /// # Errors
    /// `Misuse` if nothing in `keys` could open the ledger, or without a settled lock; `TooLarge` for more slots than there can be.
    pub fn rekey_keeping(&mut self, lock: &Lock, keys: &KeySource, keep: &dyn Fn(&KeySlot) -> bool) -> Result<()> {
        lock.check_settled(&self.files.lock(), self.handle)?;
        self.check_writable()?;
        let config = Config { keys: keys.clone(), ..self.config.clone() };
        let secret = make_secret(&*self.storage, &config, Some(&self.path))?;
        self.change_header(|ledger, header| {
            header.slots = rekeyed(header, &ledger.data, keys, secret.as_deref().map(Vec::as_slice), keep)?;
            Ok(())
        })?;
        self.config = config;
        Ok(())
    }

    /// The slots for another data key: each whose source is at hand. The kinds of the others are the second answer.
    pub(super) fn slots_for(&self, data: &Key, install: Option<&[u8]>) -> Result<(Vec<Slot>, Vec<SlotKind>)> {
        let (id, keys) = (&self.header.id, &self.config.keys);
        let (mut slots, mut dropped) = (Vec::new(), Vec::new());
        for old in &self.header.slots {
            match keys.rewrap(id, old, data, install)? {
                Some(slot) => slots.push(slot),
                None => dropped.push(old.kind),
            }
        }
        keys::check_opens_again(&slots)?;
        Ok((slots, dropped))
    }
}

/// What [`recover`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The slots that the ledger had.
    pub before: Vec<KeySlot>,
    /// Those that it has.
    pub after: Vec<KeySlot>,
}

/// Gives a ledger whose per-install secret is lost a way in again: `open` opens an auditors' slot, a secret is made if none lies
/// there, and a slot for the application's newest secret takes the place of those that no key opens. No record is read or
/// written. Earlier generations stay as they are, since the next one vouches for every byte of them.
///
/// # Errors
/// `WrongKey` if no auditors' slot opens; as [`Ledger::open`] otherwise. Then nothing was changed.
pub fn recover(storage: &dyn Storage, config: &Config, open: &dyn Fn(&AuditSlot) -> Option<Key>) -> Result<Recovered> {
    let files = files_of(config)?;
    let ruling = || -> Result<PathBuf> {
        let mut present = files.generations(storage)?;
        present.retain(|file| !file.temporary);
        let missing = || Error::at(ErrorKind::Missing, &files.generation(0), "there is no ledger; check the folder");
        Ok(present.pop().ok_or_else(missing)?.path)
    };
    ruling()?;
    let _lock = lock::lock(storage, &files.lock(), config.lock_timeout)?;
    let path = ruling()?;
    let file = storage.open(&path, OpenMode::Write).map_err(|err| Error::io(&err, "opening", &path))?;
    let copies = Copies::read(&*file, &path)?;
    if copies.whole().is_empty() {
        return Err(copies.explain(&path));
    }
    let data = copies.whole().into_iter().find_map(|(_, header)| header.audit_slots().find_map(|slot| open(&slot)));
    let wrong = || Error::at(ErrorKind::WrongKey, &path, "this audit key opens no slot of the ledger");
    let data = data.ok_or_else(wrong)?;
    let by_data_key = Config { keys: KeySource::data_key(data.clone()), ..config.clone() };
    let header::Opened { mut header, bad, .. } = header::open(&copies, &path, &by_data_key, None)?;
    let install = make_secret(storage, config, Some(&path))?;
    let install = install.as_deref().map(Vec::as_slice);
    let keys = config.keys.clone().without_audit_public_key();
    let before = described(&header, &keys, install);
    let lost = |slot: &KeySlot| slot.kind == SlotKind::Application && slot.opener.is_none();
    header.slots = rekeyed(&header, &data, &keys, install, &|slot| !lost(slot))?;
    let header = header::write(&*file, &path, &header, &data, &copies, &bad, &mut false)?;
    Ok(Recovered { before, after: described(&header, &keys, install) })
}
