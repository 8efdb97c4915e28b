//! What was acknowledged, and where that is remembered.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::str::FromStr;

use crate::work::Outcome;

/// Something that was acknowledged, and must be so after any power cut from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The log's ledger has this record; the hash is of its payload.
    Record(u64, String),
    /// The log's ledger has reached this generation.
    Generation(u64),
    /// The log's ledger opens with the caller's key of this number, or with a later one.
    Key(u64),
    /// The product's ledger was made.
    Product,
    /// The product's ledger has a record with these words.
    Words(String),
    /// The product's ledger gives full access to this SKU.
    Lease(String),
    /// The product's ledger has reached this generation.
    Archived(u64),
    /// This consumer has dealt with the event of this record and index, and is not given it or one before it again.
    Dealt(String, u64, u32),
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Claim::Record(seq, hash) => write!(f, "record {seq} {hash}"),
            Claim::Generation(generation) => write!(f, "generation {generation}"),
            Claim::Key(number) => write!(f, "key {number}"),
            Claim::Product => write!(f, "product"),
            Claim::Words(words) => write!(f, "words {words}"),
            Claim::Lease(sku) => write!(f, "lease {sku}"),
            Claim::Archived(generation) => write!(f, "archived {generation}"),
            Claim::Dealt(consumer, record, index) => write!(f, "dealt {consumer} {record} {index}"),
        }
    }
}

impl FromStr for Claim {
    type Err = Box<dyn std::error::Error + Send + Sync>;

    fn from_str(text: &str) -> Outcome<Claim> {
        Ok(match text.split(' ').collect::<Vec<_>>()[..] {
            ["record", seq, hash] => Claim::Record(seq.parse()?, hash.into()),
            ["generation", generation] => Claim::Generation(generation.parse()?),
            ["key", number] => Claim::Key(number.parse()?),
            ["product"] => Claim::Product,
            ["words", words] => Claim::Words(words.into()),
            ["lease", sku] => Claim::Lease(sku.into()),
            ["archived", generation] => Claim::Archived(generation.parse()?),
            ["dealt", consumer, record, index] => Claim::Dealt(consumer.into(), record.parse()?, index.parse()?),
            _ => return Err(format!("{text:?} is no claim").into()),
        })
    }
}

pub const SECTOR: usize = 512;
const LANES: u32 = 8;
const LANE: u32 = 1024;

/// A sector as direct input and output want it: aligned.
#[repr(align(4096))]
struct Sector([u8; SECTOR]);

/// Where claims stand: on the disk that holds the ledgers, behind its file system, so that the log of that disk orders them with all
/// writes and flushes.
pub struct Place {
    pub device: PathBuf,
    pub offset: u64,
}

impl Place {
    fn open(&self) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).custom_flags(libc::O_DIRECT).open(&self.device)
    }

    fn sector(&self, lane: u32, number: u32) -> u64 {
        self.offset + u64::from(lane * LANE + number) * SECTOR as u64
    }

    fn read_lane(&self, device: &File, lane: u32) -> Outcome<Vec<Claim>> {
        let mut claims = Vec::new();
        for number in 0..LANE {
            let mut sector = Sector([0; SECTOR]);
            device.read_exact_at(&mut sector.0, self.sector(lane, number))?;
            match std::str::from_utf8(&sector.0)?.trim_end_matches('\0').strip_prefix("claim ") {
                Some(text) => claims.push(text.trim_end().parse()?),
                None => break,
            }
        }
        Ok(claims)
    }

    /// All claims.
    pub fn read(&self) -> Outcome<Vec<Claim>> {
        let device = self.open()?;
        let mut all = Vec::new();
        for lane in 0..LANES {
            all.extend(self.read_lane(&device, lane)?);
        }
        Ok(all)
    }
}

/// One writer's claims.
pub struct Lane<'a> {
    place: &'a Place,
    device: File,
    pub lane: u32,
    /// How many claims it has made, in all runs.
    pub made: u32,
    /// The last claim on a key.
    pub key: u64,
}

impl Lane<'_> {
    pub fn open(place: &Place, lane: u32) -> Outcome<Lane<'_>> {
        let device = place.open()?;
        let known = place.read_lane(&device, lane)?;
        let keys = known.iter().filter_map(|claim| if let Claim::Key(number) = claim { Some(*number) } else { None });
        Ok(Lane { place, device, lane, made: known.len() as u32, key: keys.max().unwrap_or(0) })
    }

    /// Claims: the write has reached the disk, if not its platter, when this returns.
    pub fn claim(&mut self, claim: &Claim) -> Outcome {
        if self.made >= LANE {
            return Err("the lane has no room for another claim".into());
        }
        let text = format!("claim {claim}\n");
        let mut sector = Sector([0; SECTOR]);
        sector.0.get_mut(..text.len()).ok_or("a claim fills more than a sector")?.copy_from_slice(text.as_bytes());
        self.device.write_all_at(&sector.0, self.place.sector(self.lane, self.made))?;
        self.made += 1;
        Ok(())
    }
}
