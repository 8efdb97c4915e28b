//! The quick way of a check: from a handle or a name to the cell that the newest decision lies in, and from there into the caller's
//! structure. No lock, no allocation, no system call, and nothing that can panic: no arithmetic that overflows, no index, no call that
//! could.
//!
//! What is not answered here, good or bad, is the slow way's, which sets the structure anew.

use std::ffi::{c_char, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};

use reprieve::client::{Brief, Cell, WORDS, read_named};

/// The bytes of a `reprieve_decision`: a decision's words, of which the first half of the first is the structure's own size.
pub const DECISION: usize = WORDS * size_of::<u64>();

/// The bits of a handle's number that say nothing.
pub const SHIFT: u32 = 4;

/// The cells of features, by handle, for checks that take no pin. A cell says itself whose it is, by its tag: the handle's number.
/// Of handles that share a place one is there; who asks by another one is answered more slowly.
static CELLS: [AtomicPtr<Cell>; 4096] = [const { AtomicPtr::new(std::ptr::null_mut()) }; 4096];

fn place(number: usize) -> &'static AtomicPtr<Cell> {
    &CELLS[(number >> SHIFT) % CELLS.len()]
}

/// A cell is found by this handle from now on.
pub fn list(number: usize, cell: &'static Cell) {
    let cell = std::ptr::from_ref(cell).cast_mut();
    let _ = place(number).compare_exchange(std::ptr::null_mut(), cell, Ordering::Release, Ordering::Relaxed);
}

/// And no longer.
pub fn unlist(number: usize, cell: &'static Cell) {
    let cell = std::ptr::from_ref(cell).cast_mut();
    let _ = place(number).compare_exchange(cell, std::ptr::null_mut(), Ordering::Release, Ordering::Relaxed);
}

/// A caller's structure, to put a decision's words into.
#[derive(Clone, Copy)]
struct Words(*mut c_void);

impl Words {
    /// The caller's, if its size is this release's.
    ///
    /// # Safety
    /// NULL, or a structure that begins with its size, a u32, and has as many bytes as that says, which can be written.
    #[inline]
    unsafe fn of(decision: *mut c_void) -> Option<Words> {
        // SAFETY: the first field is a u32, and the caller's structure has it.
        (!decision.is_null() && unsafe { decision.cast::<u32>().read() } as usize == DECISION)
            .then_some(Words(decision))
    }

    /// Puts one word. The first half of the first is the structure's size, and stays.
    #[inline]
    fn put(self, at: usize, word: u64) {
        // SAFETY: the structure has so many words, as [`Words::of`] saw, and it is the caller's promise that they can be written.
        unsafe {
            if at == 0 {
                self.0.cast::<u32>().add(1).write(Brief::access_of(word));
            } else if at < WORDS {
                self.0.cast::<u64>().add(at).write(word);
            }
        }
    }
}

/// Puts the decision about a feature, by its handle's number, into the caller's `reprieve_decision`. Whether it did: else it is the slow
/// way's, and what was put is not good.
///
/// # Safety
/// `decision` is NULL or such a structure with its size set, aligned as one.
pub unsafe fn by_handle(number: usize, decision: *mut c_void) -> bool {
    // SAFETY: as promised.
    let Some(words) = (unsafe { Words::of(decision) }) else { return false };
    // SAFETY: cells are never freed, and the pointer is null or a cell's.
    let cell = unsafe { place(number).load(Ordering::Acquire).as_ref() };
    cell.is_some_and(|cell| cell.read_each(number as u64, move |at, word| words.put(at, word)))
}

/// The same about a feature of a client, by their handle's number and names. (Its arguments are as many as registers hold.)
///
/// # Safety
/// As [`by_handle`]; `sku` and `feature` are NULL or point to so many bytes.
pub unsafe fn by_name(
    number: usize,
    sku: *const c_char,
    sku_len: usize,
    feature: *const c_char,
    feature_len: usize,
    decision: *mut c_void,
) -> bool {
    // SAFETY: as promised, all of it.
    unsafe {
        let Some(words) = Words::of(decision) else { return false };
        let (Some(sku), Some(feature)) = (short(sku, sku_len), short(feature, feature_len)) else { return false };
        read_named(number as u64, sku, feature, move |at, word| words.put(at, word))
    }
}

/// A text that is short enough for a name.
///
/// # Safety
/// `ptr` is NULL or points to `len` bytes.
#[inline]
unsafe fn short<'a>(ptr: *const c_char, len: usize) -> Option<&'a [u8]> {
    // SAFETY: not NULL, and no name is longer; the caller promises that it can be read.
    (!ptr.is_null() && len <= 128).then(|| unsafe { std::slice::from_raw_parts(ptr.cast(), len) })
}
