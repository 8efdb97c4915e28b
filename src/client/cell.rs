//! Cells: the newest decision about a feature, for who asks in every frame.
//!
//! A cell is read without a lock, by a sequence lock: its number is odd while it is written, and a reader that saw it odd, or
//! saw it change, answers nothing and asks the client instead. Cells are never freed, only used again, so that a reader may look
//! at one whose client is gone. On Linux they lie in memory that a fork wipes: what a child inherits answers nothing, and no
//! system call is needed to tell a child from its parent.

use std::sync::atomic::{AtomicI64, AtomicPtr, AtomicU64, Ordering, fence};

use super::brief::{Brief, WORDS};
use crate::clock::os;

/// A feature's name, for cells that are found by it. Names are never freed, and there are at most as many as cells.
pub(super) struct Name {
    pub(super) sku: Box<str>,
    pub(super) feature: Box<str>,
}

/// A name as words, where its texts are short: names are equal if these are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Key(pub(super) [u64; 5]);

/// A text of up to 16 bytes: with its length it is all in there, some of it twice. None for a longer one.
#[inline(always)]
fn short(text: &[u8]) -> Option<(u64, u64)> {
    let (len, start) = (text.len(), text.as_ptr());
    // SAFETY: each reads within the text, as the arm that it stands in says: 8 bytes or 4 from its beginning and up to its end, or
    // single ones of the 1 to 3 that there are.
    unsafe {
        match len {
            8..=16 => Some((start.cast::<u64>().read_unaligned(), start.add(len - 8).cast::<u64>().read_unaligned())),
            4..8 => Some((
                start.cast::<u32>().read_unaligned().into(),
                start.add(len - 4).cast::<u32>().read_unaligned().into(),
            )),
            1..4 => {
                let [first, middle, last] = [0, len / 2, len - 1].map(|at| u64::from(start.add(at).read()));
                Some((first | middle << 8 | last << 16, 0))
            }
            0 => Some((0, 0)),
            _ => None,
        }
    }
}

impl Key {
    /// None for long texts.
    #[inline(always)]
    pub(super) fn of(sku: &[u8], feature: &[u8]) -> Option<Key> {
        let ((a, b), (c, d)) = (short(sku)?, short(feature)?);
        Some(Key([a, b, c, d, (sku.len() << 8 | feature.len() | 1 << 16) as u64]))
    }

    /// A hash of all of it, for a client's tag: one multiplication, of which both halves count. That names can be chosen to meet in one
    /// place is no harm: only so many places are looked at.
    #[inline(always)]
    pub(super) fn hash(&self, tag: u64) -> usize {
        let [a, b, c, d, lens] = self.0;
        let sku = a ^ b.rotate_left(32) ^ tag.rotate_left(24) ^ 0x243f_6a88_85a3_08d3;
        let feature = c ^ d.rotate_left(32) ^ lens.rotate_left(16) ^ 0x1319_8a2e_0370_7344;
        let both = u128::from(sku) * u128::from(feature);
        (both as u64 ^ (both >> 64) as u64) as usize
    }
}

/// Where the newest decision about a feature of a client lies. All zero is a cell that is nobody's.
#[derive(Default)]
#[repr(C, align(64))]
pub struct Cell {
    sequence: AtomicU64,
    /// Whose it is, for who comes upon it without knowing; 0 is nobody's.
    tag: AtomicU64,
    /// It is good from this reading of the coarse wall on, in nanoseconds since 1970.
    from: AtomicI64,
    /// And for so long: 0 if it is not good.
    lasts: AtomicU64,
    words: [AtomicU64; WORDS],
    /// Its name, where it is found by that: a key if the name is short. No key is all zero.
    key: [AtomicU64; 5],
    name: AtomicPtr<Name>,
}

impl Cell {
    /// The decision, while it is good: one look at a clock, and a copy. None sends the caller to
    /// [`Feature::check`](super::Feature::check).
    #[inline]
    pub fn read(&self) -> Option<Brief> {
        let words = [const { std::cell::Cell::new(0) }; WORDS];
        let good = self.copy(|_| true, |at, word| words[at].set(word));
        good.then(|| Brief::from_words(words.map(std::cell::Cell::into_inner)))
    }

    /// The same for who came upon a writer: that one is done in some nanoseconds, unless it was stopped half way.
    pub(super) fn read_again(&self) -> Option<Brief> {
        for _ in 0..64 {
            if self.sequence.load(Ordering::Relaxed) & 1 == 0 {
                return self.read();
            }
            std::hint::spin_loop();
        }
        None
    }

    /// The same, word by word as in [`Brief::words`], if the cell has this tag. It may have been given to somebody else meanwhile:
    /// cells are never freed. What was put is good only if this returns true.
    #[inline]
    pub fn read_each(&self, tag: u64, put: impl Fn(usize, u64) + Copy) -> bool {
        self.copy(|cell| cell.tag.load(Ordering::Relaxed) == tag, put)
    }

    /// The same if it is the cell of a name that is short. The clock is looked at once the name has been: nothing of it need be kept
    /// beyond that call.
    #[inline(always)]
    pub(super) fn read_key(&self, tag: u64, key: &Key, put: impl Fn(usize, u64) + Copy) -> bool {
        let before = self.sequence.load(Ordering::Acquire);
        let word = |at: usize| self.key[at].load(Ordering::Relaxed) ^ key.0[at];
        let differs = (self.tag.load(Ordering::Relaxed) ^ tag) | word(0) | word(1) | word(2) | word(3) | word(4);
        differs == 0 && self.copy_at(os::coarse_nanos(), before, |_| true, put)
    }

    /// The same if it is the cell of a name that is long.
    pub(super) fn read_name(&self, tag: u64, sku: &[u8], feature: &[u8], put: impl Fn(usize, u64) + Copy) -> bool {
        let right = |cell: &Cell| {
            // SAFETY: names are never freed, and the pointer is null or a name's.
            let name = unsafe { cell.name.load(Ordering::Acquire).as_ref() };
            cell.tag.load(Ordering::Relaxed) == tag
                && name.is_some_and(|name| name.sku.as_bytes() == sku && name.feature.as_bytes() == feature)
        };
        self.copy(right, put)
    }

    #[inline(always)]
    fn copy(&self, right: impl FnOnce(&Cell) -> bool, put: impl Fn(usize, u64) + Copy) -> bool {
        let now = os::coarse_nanos();
        self.copy_at(now, self.sequence.load(Ordering::Acquire), right, put)
    }

    /// The same at a reading of the coarse wall, if the number is still what it was `before`: all that was looked at since then is of
    /// one moment with what is put.
    #[inline(always)]
    fn copy_at(
        &self,
        now: i64,
        before: u64,
        right: impl FnOnce(&Cell) -> bool,
        put: impl Fn(usize, u64) + Copy,
    ) -> bool {
        let age = now.wrapping_sub(self.from.load(Ordering::Relaxed)) as u64;
        if age >= self.lasts.load(Ordering::Relaxed) || before & 1 != 0 || !right(self) || !super::cells::here() {
            return false;
        }
        // Straight to where they go: held back until they are known to be whole, they would fill every register.
        for (at, word) in self.words.iter().enumerate() {
            put(at, word.load(Ordering::Relaxed));
        }
        // The loads above are done before the number is looked at again.
        fence(Ordering::Acquire);
        self.sequence.load(Ordering::Relaxed) == before
    }

    /// No two threads write to a cell at once: who does holds the client's cells, or the pool. Nor does a child of a fork write to one
    /// that it inherited, perhaps half written: it has a pool of its own.
    fn write(&self, change: impl FnOnce()) {
        let odd = self.sequence.load(Ordering::Relaxed).wrapping_add(1);
        self.sequence.store(odd, Ordering::Relaxed);
        // The number is odd before anything is written.
        fence(Ordering::Release);
        change();
        self.sequence.store(odd.wrapping_add(1), Ordering::Release);
    }

    /// Puts a decision there, good from one coarse wall on and before another.
    pub(super) fn publish(&self, brief: &Brief, from: i64, to: i64) {
        self.write(|| {
            self.from.store(from, Ordering::Relaxed);
            self.lasts.store(to.saturating_sub(from).max(0) as u64, Ordering::Relaxed);
            for (word, value) in self.words.iter().zip(brief.words()) {
                word.store(value, Ordering::Relaxed);
            }
        });
    }

    /// What lies there is good no longer.
    pub(super) fn forget(&self) {
        self.write(|| self.lasts.store(0, Ordering::Relaxed));
    }

    /// Gives the cell to somebody, or with tag 0 to nobody. Nothing lies there then.
    pub(super) fn give(&self, tag: u64, name: Option<&'static Name>) {
        self.write(|| {
            self.lasts.store(0, Ordering::Relaxed);
            self.tag.store(tag, Ordering::Relaxed);
            let key = name.and_then(|name| Key::of(name.sku.as_bytes(), name.feature.as_bytes()));
            for (place, word) in self.key.iter().zip(key.map_or([0; 5], |key| key.0)) {
                place.store(word, Ordering::Relaxed);
            }
            let name = name.map_or(std::ptr::null_mut(), |name| std::ptr::from_ref(name).cast_mut());
            self.name.store(name, Ordering::Release);
        });
    }

    pub(super) fn set_tag(&self, tag: u64) {
        self.write(|| self.tag.store(tag, Ordering::Relaxed));
    }
}

impl std::fmt::Debug for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cell").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_equal_where_names_are() {
        let texts: Vec<String> = (0..20usize)
            .flat_map(|len| (0..=len).map(move |at| (0..len).map(|n| if n == at { 'b' } else { 'a' }).collect()))
            .collect();
        for a in &texts {
            assert_eq!(Key::of(a.as_bytes(), b"core").is_some(), a.len() <= 16);
            for b in &texts {
                let [one, other] = [a, b].map(|text| Key::of(text.as_bytes(), b"core"));
                assert_eq!(one.is_some() && one == other, a == b && a.len() <= 16, "{a} {b}");
                let [one, other] = [a, b].map(|text| Key::of(b"cad", text.as_bytes()));
                assert_eq!(one.is_some() && one == other, a == b && a.len() <= 16, "{a} {b}");
            }
        }
        assert!(Key::of(b"ab", b"c") != Key::of(b"a", b"bc"));
        assert!(Key::of(b"", b"").is_some_and(|key| key.0 != [0; 5]), "no key is that of a cell without one");
    }

    #[test]
    fn what_is_read_is_whole_while_it_is_written() {
        let cell = Cell::default();
        assert_eq!(cell.read(), None, "nobody's");
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for n in 1..200_000 {
                    cell.publish(&Brief::from_words([n; WORDS]), 0, i64::MAX);
                }
                stop.store(true, Ordering::Release);
            });
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut newest = 0;
                    while !stop.load(Ordering::Acquire) {
                        let Some(brief) = cell.read() else { continue };
                        let words = brief.words();
                        assert_eq!(words, [words[0]; WORDS]);
                        assert!(words[0] >= newest, "an older one after a newer one");
                        newest = words[0];
                    }
                });
            }
            writer.join().unwrap();
        });
    }

    #[test]
    fn it_answers_its_owner_and_within_its_time_only() {
        let cell = Cell::default();
        let (now, brief) = (os::coarse_nanos(), Brief::from_words([5; WORDS]));
        cell.give(7, None);
        assert_eq!(cell.read(), None, "nothing was put there yet");
        cell.publish(&brief, now, i64::MAX);
        assert_eq!(cell.read(), Some(brief));
        assert!(cell.read_each(7, |_, _| {}) && !cell.read_each(8, |_, _| {}));
        for (from, to) in
            [(now + 10_000_000_000, i64::MAX), (0, now), (now, now), (i64::MAX, i64::MIN), (i64::MIN, now)]
        {
            cell.publish(&brief, from, to);
            assert_eq!(cell.read(), None, "{from} {to}");
        }
        cell.publish(&brief, now, i64::MAX);
        cell.forget();
        assert_eq!(cell.read(), None);
        cell.publish(&brief, now, i64::MAX);
        cell.give(0, None);
        assert_eq!(cell.read(), None);
    }
}
