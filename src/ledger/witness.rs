//! The witness: a small second file elsewhere that remembers the newest record, so that a ledger put back from a copy shows.
//!
//! Two slots of 4096 bytes, the newer one ruling. It is not synced: a torn slot leaves the older one, and a missing witness
//! is no offence.
//!
//! ```text
//!    0  magic        8  "RPRVWITN"
//!    8  number       8  the slot with the higher number is the newer
//!   16  ledger id   16
//!   32  generation   8
//!   40  sequence     8  of the newest record
//!   48  hash        32  of that record
//!   80  length       4  of the body, at most 3980
//!   84  body            the user's own
//!   ..  zeros
//! 4064  mac         32  HMAC-SHA256 under a key from the ledger's identity, over the 4064 bytes before
//! ```

use std::io;
use std::path::{Path, PathBuf};

use ring::hmac;

use super::LedgerId;
use super::codec::Reader;
use super::error::{Error, ErrorKind, Result};
use super::keys::Key;
use super::storage::{OpenMode, Storage, read_full, write_full};
use super::tree::Hash;

const SLOT: usize = 4096;
const MAC_AT: usize = SLOT - 32;
const BODY_AT: usize = 84;
const MAGIC: &[u8; 8] = b"RPRVWITN";
/// The most bytes that a witness's body may have.
pub const MAX_WITNESS_BODY: usize = MAC_AT - BODY_AT;

/// What the witness remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Whose witness it is.
    pub ledger: LedgerId,
    /// The generation that the record is in.
    pub generation: u64,
    /// The newest record's sequence number.
    pub seq: u64,
    /// That record's hash, as in [`Entry`](super::Entry).
    pub hash: Hash,
    /// Whatever else its user wants remembered, at most [`MAX_WITNESS_BODY`] bytes.
    pub body: Vec<u8>,
}

/// What was found in the witness's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WitnessRead {
    /// No witness, or no place for one. No offence.
    Missing,
    /// A file that holds no whole slot of this ledger, or that cannot be read. No offence.
    Torn,
    /// The newest whole slot.
    Of(Witness),
}

/// Where the witness of a ledger lies.
pub(crate) fn path(folder: &Path, id: &LedgerId) -> PathBuf {
    folder.join(format!("{id}.witness"))
}

fn encode(witness: &Witness, number: u64, key: &Key) -> Result<Vec<u8>> {
    if witness.body.len() > MAX_WITNESS_BODY {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!("a witness's body of {} bytes is larger than {MAX_WITNESS_BODY}", witness.body.len()),
        ));
    }
    let mut out = Vec::with_capacity(SLOT);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(witness.ledger.as_bytes());
    out.extend_from_slice(&witness.generation.to_le_bytes());
    out.extend_from_slice(&witness.seq.to_le_bytes());
    out.extend_from_slice(&witness.hash);
    out.extend_from_slice(&(witness.body.len() as u32).to_le_bytes());
    out.extend_from_slice(&witness.body);
    out.resize(MAC_AT, 0);
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.bytes()), &out);
    out.extend_from_slice(mac.as_ref());
    Ok(out)
}

fn decode(slot: &[u8], id: &LedgerId, key: &Key) -> Option<(u64, Witness)> {
    let (body, mac) = slot.split_at_checked(MAC_AT)?;
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, key.bytes()), body, mac).ok()?;
    let mut bytes = Reader::new(body);
    if &bytes.array::<8>().ok()? != MAGIC {
        return None;
    }
    let number = bytes.u64().ok()?;
    let witness = Witness {
        ledger: LedgerId::from_bytes(bytes.array().ok()?),
        generation: bytes.u64().ok()?,
        seq: bytes.u64().ok()?,
        hash: bytes.array().ok()?,
        body: bytes.prefixed().ok()?.to_vec(),
    };
    (witness.ledger == *id).then_some((number, witness))
}

/// The slot that rules, its place and number.
fn newest(bytes: &[u8], id: &LedgerId, key: &Key) -> Option<(usize, u64, Witness)> {
    let slots = bytes.chunks_exact(SLOT).take(2).enumerate();
    let whole =
        slots.filter_map(|(place, slot)| decode(slot, id, key).map(|(number, witness)| (place, number, witness)));
    whole.max_by_key(|(_, number, _)| *number)
}

/// The two slots; what somebody wrote behind them is not read.
fn read_slots(storage: &dyn Storage, path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 2 * SLOT];
    let got = read_full(&*storage.open(path, OpenMode::Read)?, &mut bytes, 0)?;
    bytes.truncate(got);
    Ok(bytes)
}

pub(crate) fn read(storage: &dyn Storage, path: &Path, id: &LedgerId, key: &Key) -> WitnessRead {
    match read_slots(storage, path) {
        Ok(bytes) => newest(&bytes, id, key).map_or(WitnessRead::Torn, |(_, _, witness)| WitnessRead::Of(witness)),
        Err(err) if err.kind() == io::ErrorKind::NotFound => WitnessRead::Missing,
        Err(_) => WitnessRead::Torn,
    }
}

/// Writes the older slot. Returns false, having written nothing, if somebody else is writing, or if the witness remembers a
/// later record and is not forced back.
pub(crate) fn write(storage: &dyn Storage, path: &Path, witness: &Witness, key: &Key, force: bool) -> Result<bool> {
    let folder = super::files::parent(path);
    storage.create_folder(folder).map_err(|err| Error::io(&err, "making the witness's folder", folder))?;
    let lock = path.with_extension("witness.lock");
    let Some(_lock) = super::lock::try_lock(storage, &lock)? else { return Ok(false) };
    let failed = |err: io::Error| Error::io(&err, "writing the witness", path);
    let (file, bytes) = match storage.open(path, OpenMode::Write) {
        Ok(file) => (file, read_slots(storage, path).unwrap_or_default()),
        Err(err) if err.kind() == io::ErrorKind::NotFound => {
            (storage.open(path, OpenMode::CreateNew { like: None }).map_err(failed)?, Vec::new())
        }
        Err(err) => return Err(failed(err)),
    };
    let (place, number) = match newest(&bytes, &witness.ledger, key) {
        Some((_, _, known)) if !force && known.seq > witness.seq => return Ok(false),
        Some((_, _, known)) if known == *witness => return Ok(true),
        Some((place, number, _)) => (1 - place, number.saturating_add(1)),
        None => (0, 1),
    };
    write_full(&*file, &encode(witness, number, key)?, (place * SLOT) as u64).map_err(failed)?;
    Ok(true)
}
