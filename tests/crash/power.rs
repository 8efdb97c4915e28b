//! What a power cut can leave: every subset of the changes of names, and of each file every subset and tear of its writes.
//!
//! A write is lost, or whole, or torn: some of its sectors, a prefix in bytes, garbage in a sector, or only the length
//! that it gave to the file, with zeros. A byte that the write does not change stays what it is in every tear: disks that do not
//! even keep that lose what was synced long before, and nothing that is written in place stands on them.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::disk::{Image, Inode, Names, Point, State, Write, put};
use crate::oracle::Oracle;

pub const SECTOR: usize = 512;

/// How finely writes are torn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tears {
    /// Every subset of up to four sectors, prefixes and suffixes of more; prefixes in bytes; garbage; zeros.
    All,
    /// Lost, whole, either half, or zeros.
    Few,
    /// Lost, whole, or its first half.
    Halves,
}

/// Random numbers from a seed that is printed.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

impl Image {
    pub fn key(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for (path, bytes) in &self.files {
            path.hash(&mut hasher);
            hasher.write(bytes);
        }
        hasher.finish()
    }
}

/// One way of tearing a write: which ranges of it arrive, and which are garbage or zeros.
enum Tear {
    Kept(Vec<(usize, usize)>),
    Garbage(usize, usize),
    Zeros,
}

/// The sectors of the file that a write touches, as ranges of the write.
fn sectors(write: &Write) -> Vec<(usize, usize)> {
    let (mut at, mut ranges) = (0, Vec::new());
    while at < write.bytes.len() {
        let n = (SECTOR - (write.offset + at) % SECTOR).min(write.bytes.len() - at);
        ranges.push((at, at + n));
        at += n;
    }
    ranges
}

fn tears(write: &Write, fine: Tears) -> Vec<Tear> {
    let n = write.bytes.len();
    let mut all = vec![Tear::Kept(vec![]), Tear::Kept(vec![(0, n)])];
    if fine == Tears::Halves {
        all.push(Tear::Kept(vec![(0, n / 2)]));
        return all;
    }
    all.push(Tear::Zeros);
    // Zeros that are filled in ahead cannot be torn into anything but zeros, a length apart.
    let blank = write.bytes.iter().all(|b| *b == 0);
    if fine == Tears::Few || blank {
        all.push(Tear::Kept(vec![(0, n / 2)]));
        all.push(Tear::Kept(vec![(n / 2, n)]));
        return all;
    }
    let sectors = sectors(write);
    let count = sectors.len();
    if count <= 4 {
        for subset in 1..(1 << count) - 1 {
            all.push(Tear::Kept((0..count).filter(|i| subset & (1 << i) != 0).map(|i| sectors[i]).collect()));
        }
    } else {
        for k in [1, count / 2, count - 1] {
            all.push(Tear::Kept(sectors[..k].to_vec()));
            all.push(Tear::Kept(sectors[k..].to_vec()));
        }
        all.push(Tear::Kept(sectors.iter().copied().step_by(2).collect()));
    }
    for k in [1, 47, 48, n / 2, n.saturating_sub(16), n - 1] {
        if (1..n).contains(&k) {
            all.push(Tear::Kept(vec![(0, k)]));
        }
    }
    for (i, (from, to)) in sectors.iter().enumerate() {
        if count <= 4 || i == 0 || i == count - 1 {
            all.push(Tear::Garbage(*from, *to));
        }
    }
    all
}

fn tear(base: &[u8], write: &Write, tear: &Tear) -> Vec<u8> {
    let mut out = base.to_vec();
    match tear {
        Tear::Kept(ranges) => {
            for (from, to) in ranges {
                put(&mut out, write.offset + from, &write.bytes[*from..*to]);
            }
        }
        Tear::Garbage(..) | Tear::Zeros => {
            put(&mut out, write.offset, &write.bytes);
            let (from, to) = if let Tear::Garbage(from, to) = tear { (*from, *to) } else { (0, write.bytes.len()) };
            for i in from..to {
                let at = write.offset + i;
                if base.get(at).copied() != Some(write.bytes[i]) {
                    out[at] = if matches!(tear, Tear::Zeros) { 0 } else { (i as u8).wrapping_mul(151) ^ 0x5a };
                }
            }
        }
    }
    out
}

/// What may be in a file after the cut.
pub fn contents(inode: &Inode, fine: Tears) -> Vec<Arc<Vec<u8>>> {
    let mut reached = vec![inode.durable.clone()];
    for write in &inode.pending {
        let (mut next, mut known) = (Vec::new(), HashSet::new());
        for base in &reached {
            for how in tears(write, fine) {
                let torn = tear(base, write, &how);
                if known.insert(hash(&torn)) {
                    next.push(Arc::new(torn));
                }
            }
        }
        reached = next;
    }
    reached
}

/// What may be the names after the cut.
fn names(state: &State) -> Vec<Names> {
    let mut all = Vec::new();
    assert!(state.changes.len() < 16, "{} changes of names wait for a sync", state.changes.len());
    for subset in 0..1_u32 << state.changes.len() {
        let mut names = state.durable_names.clone();
        for (i, change) in state.changes.iter().enumerate() {
            if subset & (1 << i) != 0 {
                change.apply(&mut names);
            }
        }
        if !all.contains(&names) {
            all.push(names);
        }
    }
    all
}

/// Every image that a cut at this point can leave; how many there would be is asked first, and must not be above `bound`.
pub fn every_image(point: &Point, fine: Tears, bound: usize, mut each: impl FnMut(Image)) -> usize {
    let state = &point.state;
    let mut variants: BTreeMap<usize, Vec<Arc<Vec<u8>>>> = BTreeMap::new();
    let mut count = 0;
    for names in names(state) {
        let paths: Vec<_> = names.iter().collect();
        let mut product = 1_usize;
        for (_, inode) in &paths {
            let of = variants.entry(**inode).or_insert_with(|| contents(&state.inodes[**inode], fine));
            product = product.saturating_mul(of.len());
        }
        count += product;
        assert!(count <= bound, "{}: more than {bound} images, so this would not be exhaustive", point.what);
        for number in 0..product {
            let mut rest = number;
            let files = paths.iter().map(|(path, inode)| {
                let of = &variants[*inode];
                let chosen = of[rest % of.len()].clone();
                rest /= of.len();
                ((*path).clone(), chosen)
            });
            each(Image { files: files.collect(), folders: state.folders.clone() });
        }
    }
    count
}

/// How an image is chosen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Nothing that was on its way has landed.
    Nothing,
    /// All of it has.
    All,
    /// The first half of each write has.
    Halves,
    /// Any part of it.
    Any,
}

/// One of the images.
pub fn an_image(state: &State, mood: Mood, random: &mut Random) -> Image {
    let mut names = state.durable_names.clone();
    for change in &state.changes {
        if matches!(mood, Mood::All | Mood::Halves) || (mood == Mood::Any && random.below(2) == 0) {
            change.apply(&mut names);
        }
    }
    let files = names.into_iter().map(|(path, inode)| {
        let inode = &state.inodes[inode];
        let mut bytes = inode.durable.clone();
        for write in &inode.pending {
            let hows = tears(write, if mood == Mood::Halves { Tears::Halves } else { Tears::All });
            let how = match mood {
                Mood::Nothing => 0,
                Mood::All => 1,
                Mood::Halves => 2,
                Mood::Any => random.below(hows.len()),
            };
            bytes = Arc::new(tear(&bytes, write, &hows[how]));
        }
        (path, bytes)
    });
    Image { files: files.collect(), folders: state.folders.clone() }
}

/// Looks at each point's image of nothing, of all, of halves, and at so many others.
pub fn look_at_some(oracle: &mut Oracle, points: &[Point], others: usize, random: &mut Random, what: &str) {
    for point in points {
        for n in 0..3 + others {
            let mood = [Mood::Nothing, Mood::All, Mood::Halves, Mood::Any][n.min(3)];
            let image = an_image(&point.state, mood, random);
            oracle.look(&image, &point.state.told, &format!("{what}, {}", point.what));
        }
    }
}
