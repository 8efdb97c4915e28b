//! The header: what a ledger file is, and the slots that its data key is wrapped in. It stands twice, in blocks of their own.
//!
//! ```text
//!    0  magic        8  "REPRIEVE"
//!    8  format       4  1
//!   12  flags        4  bit 0: a drill's
//!   16  number       8  the copy with the higher number is the newer
//!   24  ledger id   16
//!   40  generation   8
//!   48  first        8  the sequence number of the generation's first record
//!   56  level        4
//!   60  slots        4  how many there are, at most 16
//!   64  public key  32  Ed25519, the ledger's own
//!   96  identity    92  nonce, sealed seed of that key and sealed identity key, tag
//!  188  slots           160 bytes each
//!   ..  zeros
//! 4032  mac         32  HMAC-SHA256 under a key from the data key, over the 4032 bytes before
//! 4064  checksum    32  SHA-256 of the 4064 bytes before
//! ```
//! Integers are little-endian. The checksum tells a damaged copy from one that a missing key does not open; the mac alone
//! is proof. A copy is written and synced before the other is touched, the older first, so one is always whole.

use std::path::Path;

use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair};
use zeroize::Zeroizing;

use super::codec::Reader;
use super::error::{Error, ErrorKind, Result};
use super::keys::{self, AuditSlot, Key, NONCE, Slot, SlotKind, TAG, Unlocked};
use super::storage::{StorageFile, read_full, sync_full, write_full};
use super::tree::sha256;
use super::{Config, LedgerId};
use crate::order::sort_short;

/// The size of one copy.
pub(crate) const BLOCK: usize = 4096;
/// Where the log begins.
pub(crate) const LOG: u64 = 2 * BLOCK as u64;
/// The format that this release writes, and the only one it reads.
pub(crate) const FORMAT: u32 = 1;
pub(crate) const MAX_SLOTS: usize = 16;

const MAGIC: &[u8; 8] = b"REPRIEVE";
const DRILL: u32 = 1;
const MAC_AT: usize = BLOCK - 64;
const SUM_AT: usize = BLOCK - 32;
const IDENTITY: usize = NONCE + 64 + TAG;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) number: u64,
    pub(crate) id: LedgerId,
    pub(crate) generation: u64,
    pub(crate) first_seq: u64,
    pub(crate) level: u32,
    pub(crate) drill: bool,
    pub(crate) public_key: [u8; 32],
    identity: [u8; IDENTITY],
    pub(crate) slots: Vec<Slot>,
}

/// What outlives a change of the data key: the key that signs heads, and the one that the witness is authenticated under.
pub(crate) struct Identity {
    pub(crate) signer: Ed25519KeyPair,
    pub(crate) witness: Key,
    secret: Zeroizing<Vec<u8>>,
}

impl Identity {
    pub(crate) fn new_secret() -> Result<Zeroizing<Vec<u8>>> {
        keys::random_secret(64)
    }

    pub(crate) fn secret(&self) -> &[u8] {
        &self.secret
    }

    pub(crate) fn from_secret(secret: Zeroizing<Vec<u8>>) -> Option<Identity> {
        let (seed, own) = secret.split_first_chunk::<32>()?;
        let signer = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        let witness = Key::derive(own, &[], &[b"reprieve/1 witness"]).ok()?;
        Some(Identity { signer, witness, secret })
    }

    pub(crate) fn public_key(&self) -> [u8; 32] {
        let mut key = [0; 32];
        key.copy_from_slice(self.signer.public_key().as_ref());
        key
    }
}

fn mac_key(data: &Key, id: &LedgerId) -> Result<hmac::Key> {
    Ok(hmac::Key::new(hmac::HMAC_SHA256, data.child(id.as_bytes(), "reprieve/1 header")?.bytes()))
}

/// The fields of a header that does not exist yet.
pub(crate) struct NewHeader<'a> {
    pub(crate) id: LedgerId,
    pub(crate) generation: u64,
    pub(crate) first_seq: u64,
    pub(crate) level: u32,
    pub(crate) drill: bool,
    pub(crate) identity: &'a Identity,
    pub(crate) slots: Vec<Slot>,
}

impl Header {
    /// The slots that are for auditors.
    pub(crate) fn audit_slots(&self) -> impl Iterator<Item = AuditSlot> + '_ {
        let audit = self.slots.iter().filter(|slot| slot.kind == SlotKind::Audit);
        audit.map(|slot| AuditSlot { id: self.id, slot: slot.clone() })
    }

    pub(crate) fn new(new: NewHeader<'_>, data: &Key) -> Result<Header> {
        let key = data.child(new.id.as_bytes(), "reprieve/1 identity")?;
        let sealed = keys::seal(&key, new.id.as_bytes(), new.identity.secret())?;
        let mut identity = [0; IDENTITY];
        identity.copy_from_slice(&sealed);
        Ok(Header {
            number: 1,
            id: new.id,
            generation: new.generation,
            first_seq: new.first_seq,
            level: new.level,
            drill: new.drill,
            public_key: new.identity.public_key(),
            identity,
            slots: new.slots,
        })
    }

    pub(crate) fn encode(&self, data: &Key) -> Result<Vec<u8>> {
        if self.slots.len() > MAX_SLOTS {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("a ledger has at most {MAX_SLOTS} key slots; remove one first"),
            ));
        }
        let mut out = Vec::with_capacity(BLOCK);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&(if self.drill { DRILL } else { 0 }).to_le_bytes());
        out.extend_from_slice(&self.number.to_le_bytes());
        out.extend_from_slice(self.id.as_bytes());
        out.extend_from_slice(&self.generation.to_le_bytes());
        out.extend_from_slice(&self.first_seq.to_le_bytes());
        out.extend_from_slice(&self.level.to_le_bytes());
        out.extend_from_slice(&(self.slots.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.public_key);
        out.extend_from_slice(&self.identity);
        for slot in &self.slots {
            slot.encode(&mut out);
        }
        out.resize(MAC_AT, 0);
        let mac = hmac::sign(&mac_key(data, &self.id)?, &out);
        out.extend_from_slice(mac.as_ref());
        let sum = sha256(&[&out]);
        out.extend_from_slice(&sum);
        Ok(out)
    }

    fn decode(block: &[u8]) -> Result<Header> {
        let mut bytes = Reader::new(&block[16..]);
        let flags = u32::from_le_bytes([block[12], block[13], block[14], block[15]]);
        let number = bytes.u64()?;
        let id = LedgerId::from_bytes(bytes.array()?);
        let (generation, first_seq, level) = (bytes.u64()?, bytes.u64()?, bytes.u32()?);
        let count = bytes.u32()? as usize;
        let (public_key, identity) = (bytes.array()?, bytes.array()?);
        if count > MAX_SLOTS {
            return Err(Error::new(ErrorKind::Damaged, "the header names more key slots than there can be"));
        }
        // No ledger gets there by counting, and who adds to such a number must not have to ask.
        if first_seq > u64::MAX >> 1 {
            return Err(Error::new(ErrorKind::Damaged, "the header names a first record that no ledger can have"));
        }
        let slots = (0..count).map(|_| Slot::decode(&mut bytes)).collect::<Result<_>>()?;
        Ok(Header { number, id, generation, first_seq, level, drill: flags & DRILL != 0, public_key, identity, slots })
    }

    /// Opens the keys that the header holds under the data key.
    pub(crate) fn identity(&self, data: &Key) -> Result<Option<Identity>> {
        let key = data.child(self.id.as_bytes(), "reprieve/1 identity")?;
        let secret = keys::open(&key, self.id.as_bytes(), &self.identity);
        Ok(secret.and_then(Identity::from_secret).filter(|identity| identity.public_key() == self.public_key))
    }
}

/// One copy, as far as it can be judged without a key.
pub(crate) enum Copy {
    /// No ledger's magic stands there.
    None,
    /// A later format.
    Newer(u32),
    /// A ledger's, and its checksum is wrong.
    Damaged,
    Whole(Box<Header>),
}

/// How often both are read again at most because they are being written.
const AGAIN: u32 = 100;

/// Both copies, with their bytes.
pub(crate) struct Copies {
    bytes: Vec<u8>,
    pub(crate) parsed: [Copy; 2],
}

impl Copies {
    /// Reads both. Somebody may be writing them, one after the other: then either may be read half old and half new, but a read that
    /// begins after the second was begun finds the first whole. So what is not whole is read again until it stays as it is.
    pub(crate) fn read(file: &dyn StorageFile, path: &Path) -> Result<Copies> {
        let mut copies = Copies::read_once(file, path)?;
        for _ in 0..AGAIN {
            if copies.parsed.iter().all(|copy| matches!(copy, Copy::Whole(_))) {
                break;
            }
            let again = Copies::read_once(file, path)?;
            if again.bytes == copies.bytes {
                break;
            }
            copies = again;
        }
        Ok(copies)
    }

    fn read_once(file: &dyn StorageFile, path: &Path) -> Result<Copies> {
        let mut bytes = vec![0; 2 * BLOCK];
        read_full(file, &mut bytes, 0).map_err(|err| Error::io(&err, "reading the header", path))?;
        let parsed = [parse(&bytes[..BLOCK]), parse(&bytes[BLOCK..])];
        Ok(Copies { bytes, parsed })
    }

    fn block(&self, copy: usize) -> &[u8] {
        &self.bytes[copy * BLOCK..(copy + 1) * BLOCK]
    }

    fn mac_holds(&self, copy: usize, header: &Header, data: &Key) -> Result<bool> {
        let block = self.block(copy);
        Ok(hmac::verify(&mac_key(data, &header.id)?, &block[..MAC_AT], &block[MAC_AT..SUM_AT]).is_ok())
    }

    /// The whole copies, the newest first.
    pub(crate) fn whole(&self) -> Vec<(usize, &Header)> {
        let mut whole: Vec<(usize, &Header)> = self
            .parsed
            .iter()
            .enumerate()
            .filter_map(|(copy, parsed)| if let Copy::Whole(header) = parsed { Some((copy, &**header)) } else { None })
            .collect();
        sort_short(&mut whole, |(_, header)| std::cmp::Reverse(header.number));
        whole
    }

    /// Why there is no whole copy.
    pub(crate) fn explain(&self, path: &Path) -> Error {
        for copy in &self.parsed {
            if let Copy::Newer(format) = copy {
                return Error::at(
                    ErrorKind::NewerFormat,
                    path,
                    format!(
                        "the ledger has format {format}, this release reads {FORMAT}; update this product, the file is left as it is"
                    ),
                );
            }
        }
        if self.parsed.iter().any(|copy| matches!(copy, Copy::Damaged)) {
            return Error::at(
                ErrorKind::Damaged,
                path,
                "both copies of the header are damaged; put the file back from a backup, or `reprieve ledger retire` and a lease by file",
            );
        }
        Error::at(
            ErrorKind::NotALedger,
            path,
            "the file is no ledger and is left as it is; move it away, or choose another name",
        )
    }
}

fn parse(block: &[u8]) -> Copy {
    if &block[..8] != MAGIC {
        return Copy::None;
    }
    let format = u32::from_le_bytes([block[8], block[9], block[10], block[11]]);
    if format > FORMAT {
        return Copy::Newer(format);
    }
    if format != FORMAT || sha256(&[&block[..SUM_AT]]) != block[SUM_AT..] {
        return Copy::Damaged;
    }
    Header::decode(block).map_or(Copy::Damaged, |header| Copy::Whole(Box::new(header)))
}

/// The higher number of the two copies as they stand, proven or not: another one than before says that the header was changed.
pub(crate) fn number(file: &dyn StorageFile, path: &Path) -> Result<u64> {
    let mut highest = 0;
    for copy in 0..2 {
        let mut number = [0; 8];
        read_full(file, &mut number, copy * BLOCK as u64 + 16)
            .map_err(|err| Error::io(&err, "reading the header", path))?;
        highest = highest.max(u64::from_le_bytes(number));
    }
    Ok(highest)
}

/// A header that was opened and proven.
pub(crate) struct Opened {
    pub(crate) header: Header,
    pub(crate) unlocked: Unlocked,
    pub(crate) identity: Identity,
    /// The copies that are not whole or not authentic, which whoever holds the lock writes anew.
    pub(crate) bad: Vec<usize>,
    /// A whole copy that the last change has not reached.
    pub(crate) stale: bool,
}

fn not_authentic(path: &Path, config: &Config) -> Error {
    if !config.keys.given().is_empty() {
        return Error::at(
            ErrorKind::WrongKey,
            path,
            "the data key that was given is not this generation's; open its audit slot for the right one",
        );
    }
    Error::at(
        ErrorKind::Damaged,
        path,
        "the header is not the one that this ledger's key has authenticated; put the file back from a backup, or `reprieve ledger retire` and a lease by file",
    )
}

/// Opens the newest authentic copy.
pub(crate) fn open(copies: &Copies, path: &Path, config: &Config, install: Option<&[u8]>) -> Result<Opened> {
    let whole = copies.whole();
    let mut failure = None;
    for (copy, header) in &whole {
        if header.drill != config.drill {
            let what = if header.drill {
                "a drill's ledger; a real open leaves it alone"
            } else {
                "a real ledger; a drill leaves it alone"
            };
            failure.get_or_insert(Error::at(
                ErrorKind::DrillMismatch,
                path,
                format!("this is {what}; choose another name or folder"),
            ));
            continue;
        }
        let given = config.keys.given().iter().find(|key| copies.mac_holds(*copy, header, key).unwrap_or(false));
        let unlocked = match given.or(config.keys.given().first()) {
            Some(key) => Ok(Unlocked { data: key.clone(), by_older: false }),
            None => keys::unlock(&header.id, &header.slots, &config.keys, install, path, &config.secret_path()),
        };
        let unlocked = match unlocked {
            Ok(unlocked) => unlocked,
            Err(err) => {
                failure.get_or_insert(err);
                continue;
            }
        };
        let identity = header.identity(&unlocked.data)?;
        let Some(identity) = identity.filter(|_| copies.mac_holds(*copy, header, &unlocked.data).unwrap_or(false))
        else {
            failure.get_or_insert(not_authentic(path, config));
            continue;
        };
        let mut bad: Vec<usize> = vec![0, 1];
        let mut stale = false;
        bad.retain(|other| match &copies.parsed[*other] {
            Copy::Whole(other_header) if copies.mac_holds(*other, other_header, &unlocked.data).unwrap_or(false) => {
                let same = Header { number: header.number, ..(**other_header).clone() } == **header;
                stale |= !same;
                false
            }
            _ => true,
        });
        return Ok(Opened { header: (*header).clone(), unlocked, identity, bad, stale });
    }
    Err(failure.unwrap_or_else(|| copies.explain(path)))
}

/// Writes a header over both copies, the worse or older one first. Each is synced before the next is touched.
///
/// Of two whole copies the newer may be one that its writer did not come to sync, or could not: then only the older is on
/// the disk. So before the older is touched the newer is written again as it is, and synced. A single whole copy is never such a one:
/// its writer would have left the older beside it. `unsynced` says that a sync failed.
pub(crate) fn write(
    file: &dyn StorageFile,
    path: &Path,
    header: &Header,
    data: &Key,
    copies: &Copies,
    bad: &[usize],
    unsynced: &mut bool,
) -> Result<Header> {
    let mut put = |block: &[u8], copy: usize| {
        write_full(file, block, (copy * BLOCK) as u64).map_err(|err| Error::io(&err, "writing the header", path))?;
        sync_full(file).map_err(|err| {
            *unsynced = true;
            Error::io(&err, "syncing the header", path)
        })
    };
    let newest = copies.whole().into_iter().find(|(copy, _)| !bad.contains(copy)).map_or(0, |(copy, _)| copy);
    if bad.is_empty() {
        put(copies.block(newest), newest)?;
    }
    let mut header = header.clone();
    for copy in [1 - newest, newest] {
        let spent = || {
            Error::at(
                ErrorKind::Damaged,
                path,
                "the header's number cannot rise any more; begin anew with `reprieve ledger retire`",
            )
        };
        header.number = header.number.checked_add(1).ok_or_else(spent)?;
        put(&header.encode(data)?, copy)?;
    }
    Ok(header)
}
