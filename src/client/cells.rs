//! Which cells there are, whose, and where they are found by name.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::fast::FixedState;

use super::brief::Brief;
use super::cell::{Cell, Key, Name};

/// How many cells, and names, a process has at most. A feature beyond that is answered by its client, more slowly.
const CELLS: usize = 4096;

/// Cells are made so many at a time.
const CHUNK: usize = 64;

/// Places of the table of names: the cells of most names lie in the first place that is looked at.
const PLACES: usize = 4 * CELLS;

/// How many places are looked at for a name.
const PROBES: usize = 8;

static TABLE: [AtomicPtr<Cell>; PLACES] = [const { AtomicPtr::new(std::ptr::null_mut()) }; PLACES];

/// The cells and names of a process.
struct Pool {
    free: Vec<&'static Cell>,
    made: usize,
    /// By SKU and feature. (Of a hash table a tool that looks for lost memory sees no beginning.)
    names: BTreeMap<(String, String), &'static Name>,
}

/// A pool, and the process that made it.
struct Owned {
    pid: u32,
    pool: Mutex<Pool>,
    /// The one that the process inherited, which nobody uses any more.
    _inherited: *const Owned,
}

/// The newest pool; null before the first. A pool is never freed, nor is one that was inherited: another thread may have held it.
static POOL: AtomicPtr<Owned> = AtomicPtr::new(std::ptr::null_mut());

/// This process's pool. A child of a fork begins one of its own: it may have inherited its parent's locked, for ever, and cells that it
/// has no use for.
fn pool() -> MutexGuard<'static, Pool> {
    let pid = std::process::id();
    loop {
        let newest = POOL.load(Ordering::Acquire);
        // SAFETY: null, or a pool, none of which is ever freed.
        if let Some(owned) = unsafe { newest.as_ref() }
            && owned.pid == pid
        {
            return owned.pool.lock().unwrap_or_else(PoisonError::into_inner);
        }
        let pool = Mutex::new(Pool { free: Vec::new(), made: 0, names: BTreeMap::new() });
        let own = Box::into_raw(Box::new(Owned { pid, pool, _inherited: newest }));
        if POOL.compare_exchange(newest, own, Ordering::AcqRel, Ordering::Acquire).is_err() {
            // SAFETY: made above, and seen by nobody.
            drop(unsafe { Box::from_raw(own) });
        }
    }
}

/// Memory for cells, all zero; on Linux a fork wipes it.
#[cfg(target_os = "linux")]
fn chunk() -> Option<&'static [Cell]> {
    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous};
    let size = CHUNK * size_of::<Cell>();
    // SAFETY: new memory at a place of the kernel's choice, given back to nobody: a page is aligned for cells, and all zero is
    // a cell, now and after a fork.
    unsafe {
        let memory =
            mmap_anonymous(std::ptr::null_mut(), size, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE).ok()?;
        if madvise(memory, size, Advice::LinuxWipeOnFork).is_err() {
            // A kernel before 4.14: no cells, as a child could not be told from its parent.
            let _ = rustix::mm::munmap(memory, size);
            return None;
        }
        Some(std::slice::from_raw_parts(memory.cast::<Cell>(), CHUNK))
    }
}

#[cfg(not(target_os = "linux"))]
fn chunk() -> Option<&'static [Cell]> {
    // The process that makes the first cells is the one that may use them: a child that inherited some makes none of its own.
    #[cfg(not(windows))]
    if !process::is_the_one() {
        return None;
    }
    Some(Box::leak((0..CHUNK).map(|_| Cell::default()).collect::<Box<[Cell]>>()))
}

/// Whether this is the process that wrote the cells, and no child of a fork.
#[inline]
pub(super) fn here() -> bool {
    // Their memory is wiped in a child; and there are no forks.
    #[cfg(any(target_os = "linux", windows))]
    return true;
    #[cfg(not(any(target_os = "linux", windows)))]
    return process::is_the_one();
}

/// The process that has the cells, where a fork copies them: no memory of macOS or Android is wiped in a child.
#[cfg(not(any(target_os = "linux", windows)))]
mod process {
    use std::sync::atomic::{AtomicU32, Ordering};

    /// Its number; 0 before there is one. Nothing here is waited for, as a child of a fork would wait for ever.
    static WHICH: AtomicU32 = AtomicU32::new(0);

    /// Whether it is this one, which it becomes if there is none yet.
    #[inline]
    pub(super) fn is_the_one() -> bool {
        let own = std::process::id();
        match WHICH.load(Ordering::Relaxed) {
            0 => {
                WHICH.compare_exchange(0, own, Ordering::Relaxed, Ordering::Relaxed).is_ok()
                    || WHICH.load(Ordering::Relaxed) == own
            }
            which => which == own,
        }
    }
}

impl Pool {
    fn cell(&mut self) -> Option<&'static Cell> {
        if self.free.is_empty() && self.made < CELLS {
            self.free.extend(chunk()?);
            self.made += CHUNK;
        }
        self.free.pop()
    }

    fn name(&mut self, sku: &str, feature: &str) -> Option<&'static Name> {
        let key = (sku.to_owned(), feature.to_owned());
        if let Some(name) = self.names.get(&key) {
            return Some(name);
        }
        if self.names.len() == CELLS {
            return None;
        }
        let name: &'static Name = Box::leak(Box::new(Name { sku: sku.into(), feature: feature.into() }));
        self.names.insert(key, name);
        Some(name)
    }
}

/// Where a long name is looked for first.
fn hash_of_long(tag: u64, sku: &[u8], feature: &[u8]) -> usize {
    let mut hasher = FixedState::with_seed(tag).build_hasher();
    hasher.write(sku);
    hasher.write(feature);
    hasher.finish() as usize
}

#[inline(always)]
fn place(hash: usize, probe: usize) -> &'static AtomicPtr<Cell> {
    &TABLE[hash.wrapping_add(probe) % PLACES]
}

/// The cell that lies there.
#[inline(always)]
fn cell_in(place: &AtomicPtr<Cell>) -> Option<&'static Cell> {
    // SAFETY: cells are never freed, and the pointer is null or a cell's.
    unsafe { place.load(Ordering::Acquire).as_ref() }
}

/// The places at which the cell of a name may lie.
fn places_of(tag: u64, sku: &str, feature: &str) -> impl Iterator<Item = &'static AtomicPtr<Cell>> {
    let [sku, feature] = [sku.as_bytes(), feature.as_bytes()];
    let hash = Key::of(sku, feature).map_or_else(|| hash_of_long(tag, sku, feature), |key| key.hash(tag));
    (0..PROBES).map(move |probe| place(hash, probe))
}

/// The decision about a feature by name, while it is good, for the tag that [`Client::name`](super::Client::name) was told:
/// waits for nobody, allocates nothing. It is put word by word as in [`Brief::words`], and good only if this returns true; else
/// [`Client::check`](super::Client::check) answers.
#[inline(always)]
pub fn read_named(tag: u64, sku: &[u8], feature: &[u8], put: impl Fn(usize, u64) + Copy) -> bool {
    let Some(key) = Key::of(sku, feature) else { return read_long(tag, sku, feature, put) };
    // Nearly every name lies where it is looked for first. All that is needed there stays in registers.
    let found = cell_in(place(key.hash(tag), 0));
    found.is_some_and(|cell| cell.read_key(tag, &key, put)) || read_further(tag, key, put)
}

/// The same in the places beyond the first.
#[cold]
#[inline(never)]
fn read_further(tag: u64, key: Key, put: impl Fn(usize, u64) + Copy) -> bool {
    let hash = key.hash(tag);
    (1..PROBES).any(|probe| cell_in(place(hash, probe)).is_some_and(|cell| cell.read_key(tag, &key, put)))
}

#[inline(never)]
fn read_long(tag: u64, sku: &[u8], feature: &[u8], put: impl Fn(usize, u64) + Copy) -> bool {
    let hash = hash_of_long(tag, sku, feature);
    (0..PROBES).any(|probe| cell_in(place(hash, probe)).is_some_and(|cell| cell.read_name(tag, sku, feature, put)))
}

/// A cell of a client's, and the tag by which it is found by name, if it is.
struct Held {
    cell: &'static Cell,
    tag: u64,
}

/// By SKU and feature.
type Own = HashMap<String, HashMap<String, Vec<Held>>>;

/// The cells of one client. Who writes to one holds `own`, and what is published and forgotten is so under the
/// client's cache.
pub(super) struct Cells {
    pid: u32,
    on: bool,
    own: Mutex<Own>,
}

fn retire(sku: &str, feature: &str, held: &Held, pool: &mut Pool) {
    let is = |place: &&AtomicPtr<Cell>| std::ptr::eq(place.load(Ordering::Relaxed), held.cell);
    if held.tag != 0
        && let Some(place) = places_of(held.tag, sku, feature).find(is)
    {
        place.store(std::ptr::null_mut(), Ordering::Release);
    }
    held.cell.give(0, None);
    pool.free.push(held.cell);
}

impl Cells {
    /// For a new client; off if its decisions cannot be timed by the machine's clock.
    pub(super) fn new(on: bool) -> Cells {
        Cells { pid: std::process::id(), on, own: Mutex::default() }
    }

    /// Whether there are any.
    pub(super) fn are_on(&self) -> bool {
        self.on
    }

    fn own(&self) -> MutexGuard<'_, Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new cell for a feature, found by name if there is a tag, with what is known; none if there are too many, or there is one
    /// by that name. Whoever takes the name back may give the cell to another client at once, so that what is known is put there
    /// before `own` is let go.
    pub(super) fn add(
        &self,
        sku: &str,
        feature: &str,
        tag: u64,
        known: Option<(Brief, i64, i64)>,
    ) -> Option<&'static Cell> {
        let mut own = self.own();
        let there = own.get(sku).and_then(|features| features.get(feature));
        if tag != 0 && there.is_some_and(|held| held.iter().any(|held| held.tag == tag)) {
            return None;
        }
        let mut pool = pool();
        let cell = if tag == 0 {
            pool.cell()?
        } else {
            let free = |place: &&AtomicPtr<Cell>| place.load(Ordering::Relaxed).is_null();
            let place = places_of(tag, sku, feature).find(free)?;
            let name = pool.name(sku, feature)?;
            let cell = pool.cell()?;
            cell.give(tag, Some(name));
            place.store(std::ptr::from_ref(cell).cast_mut(), Ordering::Release);
            cell
        };
        if let Some((brief, from, to)) = known {
            cell.publish(&brief, from, to);
        }
        own.entry(sku.to_owned()).or_default().entry(feature.to_owned()).or_default().push(Held { cell, tag });
        Some(cell)
    }

    /// Marks one of these cells.
    pub(super) fn set_tag(&self, cell: &Cell, tag: u64) {
        if let Some(_own) = self.owned() {
            cell.set_tag(tag);
        }
    }

    /// The cell of a feature that is kept no longer.
    pub(super) fn remove(&self, sku: &str, feature: &str, cell: &'static Cell) {
        let Some(mut own) = self.owned() else { return };
        let Some(features) = own.get_mut(sku) else { return };
        if let Some(held) = features.get_mut(feature) {
            let mut pool = pool();
            let gone = held.extract_if(.., |held| std::ptr::eq(held.cell, cell));
            gone.for_each(|held| retire(sku, feature, &held, &mut pool));
            if held.is_empty() {
                features.remove(feature);
            }
        }
        if features.is_empty() {
            own.remove(sku);
        }
    }

    /// No feature is found by this tag any longer.
    pub(super) fn unname(&self, tag: u64) {
        // Cells without a tag are features', which keep them.
        self.keep(|held| held.tag != tag || tag == 0);
    }

    /// The cells, if they are this process's and not a parent's.
    fn owned(&self) -> Option<MutexGuard<'_, Own>> {
        (self.pid == std::process::id()).then(|| self.own())
    }

    fn keep(&self, keep: impl Fn(&Held) -> bool) {
        let Some(mut own) = self.owned() else { return };
        let mut pool = pool();
        own.retain(|sku, features| {
            features.retain(|feature, held| {
                let gone = held.extract_if(.., |held| !keep(held));
                gone.for_each(|held| retire(sku, feature, &held, &mut pool));
                !held.is_empty()
            });
            !features.is_empty()
        });
    }

    /// Puts a decision into the cells of its feature, good from one coarse wall on and before another.
    pub(super) fn publish(&self, sku: &str, feature: &str, brief: &Brief, from: i64, to: i64) {
        let own = self.own();
        for held in own.get(sku).and_then(|features| features.get(feature)).into_iter().flatten() {
            held.cell.publish(brief, from, to);
        }
    }

    /// The SKUs and features that have cells.
    pub(super) fn names(&self) -> Vec<(String, String)> {
        let own = self.own();
        let names =
            own.iter().flat_map(|(sku, features)| features.keys().map(move |feature| (sku.clone(), feature.clone())));
        names.collect()
    }

    /// Puts what is known now into all of them. What is not known is good no longer.
    pub(super) fn renew(&self, known: impl Fn(&str, &str) -> Option<(Brief, i64, i64)>) {
        for (sku, features) in self.own().iter() {
            for (feature, held) in features {
                match known(sku, feature) {
                    Some((brief, from, to)) => held.iter().for_each(|held| held.cell.publish(&brief, from, to)),
                    None => held.iter().for_each(|held| held.cell.forget()),
                }
            }
        }
    }

    /// All that lies there is good no longer.
    pub(super) fn forget(&self) {
        self.own().values().flat_map(HashMap::values).flatten().for_each(|held| held.cell.forget());
    }
}

impl Drop for Cells {
    fn drop(&mut self) {
        self.keep(|_| false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_no_longer_leaves_nothing_behind() {
        let cells = Cells::new(true);
        for n in 0..2 * CELLS {
            let sku = format!("sku{n}");
            let cell = cells.add(&sku, "core", 0, None).expect("one at a time");
            cells.remove(&sku, "core", cell);
        }
        assert_eq!(cells.own().len(), 0);
    }

    /// Who makes a feature while others make and free many waits for them: one without a cell would be slow for ever.
    #[test]
    fn a_cell_is_had_however_long_another_thread_holds_the_pool() {
        let cells = Cells::new(true);
        let held = pool();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| cells.add("cad", "core", 0, None).is_some());
            std::thread::sleep(std::time::Duration::from_millis(200));
            drop(held);
            assert!(waiting.join().unwrap());
        });
    }

    /// Nor is a feature slow for ever in a child of a fork that inherited the pool locked.
    #[cfg(unix)]
    #[test]
    fn a_child_of_a_fork_has_cells_while_its_parent_holds_the_pool() {
        let held = pool();
        // SAFETY: the child calls nothing but what is tested, `alarm` and `_exit`.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: ends the child if it waits.
            unsafe { libc::alarm(10) };
            let cells = Cells::new(true);
            let made = cells.add("cad", "core", 0, None).is_some();
            // SAFETY: ends the child without running what the parent registered.
            unsafe { libc::_exit(i32::from(made)) };
        }
        let mut status = 0;
        // SAFETY: a child of this process, and a place for its status.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        drop(held);
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 1, "{status}");
    }
}
