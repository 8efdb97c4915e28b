//! Handles: numbers that look like pointers and are never dereferenced.
//!
//! A handle holds the place of a slot and the slot's generation. A slot is used again with the next generation, and
//! taken out of use when its generations are used up, so that a handle that was freed is never good again (on 64-bit
//! machines; with 32 bits a generation comes round after 4096 uses of one slot). No call takes a lock here: a call
//! pins the slot, a free marks it, and whoever lets the last pin go destroys the object. So one thread may free what
//! another is using, and nothing is left locked in a forked child.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};

use crate::bytes::Buffer;
use crate::drill::{DrillObject, TaskObject};
use crate::event::EventObject;
use crate::guard::Failure;
use crate::ledger_status::StatusObject;
use crate::quick::{list, unlist};
use crate::status::{REPRIEVE_STATUS_HANDLES_EXHAUSTED, REPRIEVE_STATUS_INVALID_HANDLE, REPRIEVE_STATUS_NULL_POINTER};

/// What a handle can stand for.
pub enum Object {
    Error(Failure),
    Bytes(Buffer),
    Builder(Box<crate::builder::BuilderObject>),
    Client(reprieve_core::client::Client),
    Feature(reprieve_core::client::Feature),
    Answers(Vec<crate::answers::AnswerObject>),
    Event(Box<EventObject>),
    Status(Box<StatusObject>),
    Drill(Box<DrillObject>),
    Task(TaskObject),
    Renewer(Box<crate::renewer::RenewerObject>),
    HttpRequest(Box<crate::renewer::HttpRequestObject>),
    #[cfg(feature = "http")]
    Renewing(Box<crate::renewing::RenewingObject>),
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<Object>();
};

#[cfg(target_pointer_width = "64")]
mod bits {
    pub(super) const INDEX: u32 = 20;
    // 47 bits in all, with the shift: what LuaJIT and tagging runtimes take for a pointer.
    pub(super) const GENERATION: u32 = 23;
    pub(super) const WRAPS: bool = false;
}
#[cfg(not(target_pointer_width = "64"))]
mod bits {
    pub(super) const INDEX: u32 = 16;
    pub(super) const GENERATION: u32 = 12;
    pub(super) const WRAPS: bool = true;
}

/// Handles look like pointers to something aligned.
pub(crate) const SHIFT: u32 = reprieve_c_quick::SHIFT;
const INDICES: usize = 1 << bits::INDEX;
/// With 32 bits the last generation of one more would be number 0, which is NULL.
const SLOTS: usize = INDICES - bits::WRAPS as usize;
const LAST_GENERATION: u64 = (1 << bits::GENERATION) - 1;
/// Chunk `k` has `FIRST << k` slots.
const FIRST: usize = 64;
const CHUNKS: usize = 15;

// A slot's word: generation << 32 | LIVE | pins.
const LIVE: u64 = 1 << 31;
const PINS: u64 = LIVE - 1;

struct Slot {
    word: AtomicU64,
    /// The next free slot, plus one; 0 is none.
    next: AtomicU64,
    object: UnsafeCell<Option<Object>>,
}

// SAFETY: `object` is written only by who owns the slot (popped from the free list and not yet live, or no longer live
// and without pins) and read only under a pin; `Object` is Send + Sync, as asserted above.
unsafe impl Sync for Slot {}

static TABLE: [AtomicPtr<Slot>; CHUNKS] = [const { AtomicPtr::new(std::ptr::null_mut()) }; CHUNKS];
/// How many slots were ever handed out.
static USED: AtomicUsize = AtomicUsize::new(0);
/// The free list: a tag against ABA << 32 | slot plus one.
static FREE: AtomicU64 = AtomicU64::new(0);
static COUNT: AtomicUsize = AtomicUsize::new(0);

fn place(index: usize) -> (usize, usize, usize) {
    let above = index / FIRST + 1;
    let chunk = above.ilog2() as usize;
    let first = FIRST * ((1 << chunk) - 1);
    (chunk, index - first, FIRST << chunk)
}

/// The slot of an index, if its chunk was made.
fn slot(index: usize) -> Option<&'static Slot> {
    if index >= SLOTS {
        return None;
    }
    let (chunk, at, _) = place(index);
    let base = TABLE.get(chunk)?.load(Ordering::Acquire);
    // SAFETY: a chunk has `FIRST << chunk` slots, `at` is less than that, and chunks are never freed.
    (!base.is_null()).then(|| unsafe { &*base.add(at) })
}

fn make_chunk(chunk: usize, size: usize) {
    let Some(entry) = TABLE.get(chunk) else { return };
    if !entry.load(Ordering::Acquire).is_null() {
        return;
    }
    let slots: Box<[Slot]> = (0..size)
        .map(|_| Slot { word: AtomicU64::new(0), next: AtomicU64::new(0), object: UnsafeCell::new(None) })
        .collect();
    let made: *mut [Slot] = Box::into_raw(slots);
    let first = made.cast::<Slot>();
    if entry.compare_exchange(std::ptr::null_mut(), first, Ordering::AcqRel, Ordering::Acquire).is_err() {
        // SAFETY: made just above, and given to nobody.
        drop(unsafe { Box::from_raw(made) });
    }
}

fn pop() -> Option<usize> {
    let mut head = FREE.load(Ordering::Acquire);
    loop {
        let first = (head & 0xffff_ffff) as usize;
        if first == 0 {
            break;
        }
        let next = slot(first - 1)?.next.load(Ordering::Acquire);
        let wish = ((head >> 32).wrapping_add(1) << 32) | next;
        match FREE.compare_exchange_weak(head, wish, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return Some(first - 1),
            Err(now) => head = now,
        }
    }
    let index = USED.fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| (used < SLOTS).then(|| used + 1)).ok()?;
    let (chunk, _, size) = place(index);
    make_chunk(chunk, size);
    Some(index)
}

fn push(index: usize, slot: &Slot) {
    let mut head = FREE.load(Ordering::Acquire);
    loop {
        slot.next.store(head & 0xffff_ffff, Ordering::Release);
        let wish = ((head >> 32).wrapping_add(1) << 32) | (index as u64 + 1);
        match FREE.compare_exchange_weak(head, wish, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return,
            Err(now) => head = now,
        }
    }
}

/// Makes a handle for an object.
pub fn insert<H>(object: Object) -> Result<*mut H, Failure> {
    let full =
        || Failure::new(REPRIEVE_STATUS_HANDLES_EXHAUSTED, "there are too many handles; free what is no longer used");
    let index = pop().ok_or_else(full)?;
    let slot = slot(index).ok_or_else(full)?;
    let generation = slot.word.load(Ordering::Acquire) >> 32;
    list(number(index, generation), &object);
    // SAFETY: the slot was popped by this thread only and is not live, so that nobody reads it.
    unsafe { *slot.object.get() = Some(object) };
    slot.word.store((generation << 32) | LIVE, Ordering::Release);
    COUNT.fetch_add(1, Ordering::Relaxed);
    Ok(std::ptr::without_provenance_mut(number(index, generation)))
}

/// The number of a handle. Index plus one, so that none is NULL.
fn number(index: usize, generation: u64) -> usize {
    ((generation as usize) << bits::INDEX | index).wrapping_add(1) << SHIFT
}

fn find<H>(handle: *const H) -> Result<(usize, &'static Slot, u64), Failure> {
    if handle.is_null() {
        return Err(Failure::new(
            REPRIEVE_STATUS_NULL_POINTER,
            "a handle is NULL; pass what a call of this library gave",
        ));
    }
    let number = handle.addr();
    let inner = (number >> SHIFT).wrapping_sub(1);
    let (index, generation) = (inner & (INDICES - 1), (inner >> bits::INDEX) as u64);
    match slot(index) {
        Some(slot) if number.is_multiple_of(1 << SHIFT) && generation <= LAST_GENERATION => {
            Ok((index, slot, generation))
        }
        _ => Err(dead()),
    }
}

fn dead() -> Failure {
    Failure::new(
        REPRIEVE_STATUS_INVALID_HANDLE,
        "a handle was freed already, or is of another type, or none of this library's",
    )
}

struct Pin {
    index: usize,
    slot: &'static Slot,
}

impl Pin {
    fn take<H>(handle: *const H) -> Result<Pin, Failure> {
        let (index, slot, generation) = find(handle)?;
        let good = |word: u64| (word >> 32 == generation && word & LIVE != 0 && word & PINS < PINS).then(|| word + 1);
        slot.word.fetch_update(Ordering::AcqRel, Ordering::Acquire, good).map_err(|_| dead())?;
        Ok(Pin { index, slot })
    }

    fn object(&self) -> Option<&Object> {
        // SAFETY: it was live when it was pinned, and is not destroyed while it is.
        unsafe { (*self.slot.object.get()).as_ref() }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let before = self.slot.word.fetch_sub(1, Ordering::AcqRel);
        if before & PINS == 1 && before & LIVE == 0 {
            destroy(self.index, self.slot);
        }
    }
}

/// Destroys the object of a slot that is neither live nor pinned, and frees the slot.
fn destroy(index: usize, slot: &Slot) {
    // SAFETY: not live, so that nobody can pin it, and the last pin is gone: this thread alone reaches it.
    let object = unsafe { (*slot.object.get()).take() };
    let generation = slot.word.load(Ordering::Acquire) >> 32;
    if let Some(object) = &object {
        // A call that was in a client when it was freed may have named a feature since.
        unlist(number(index, generation), object);
    }
    let next = if generation < LAST_GENERATION { Some(generation + 1) } else { bits::WRAPS.then_some(0) };
    // With no generation left the slot stays out of use, for good: some bytes for eight million handles.
    if let Some(next) = next {
        slot.word.store(next << 32, Ordering::Release);
        push(index, slot);
    }
    COUNT.fetch_sub(1, Ordering::Relaxed);
    // Last, as it may take long; and guarded, as a pin may be let go while a panic unwinds.
    crate::guard::quietly(|| drop(object));
}

/// Uses the object of a handle.
pub fn with<H, R>(handle: *const H, wish: impl FnOnce(&Object) -> Result<R, Failure>) -> Result<R, Failure> {
    let pin = Pin::take(handle)?;
    wish(pin.object().ok_or_else(dead)?)
}

/// Frees a handle if its object is of the right type: now, or when the last call that uses it returns.
pub fn remove_if<H>(handle: *mut H, is: impl FnOnce(&Object) -> bool) -> Result<(), Failure> {
    let pin = Pin::take(handle)?;
    if !pin.object().is_some_and(is) {
        return Err(dead());
    }
    let dying = |word: u64| (word & LIVE != 0).then_some(word & !LIVE);
    pin.slot.word.fetch_update(Ordering::AcqRel, Ordering::Acquire, dying).map_err(|_| dead())?;
    if let Some(object) = pin.object() {
        unlist(handle.addr(), object);
    }
    Ok(())
}

/// Frees a handle of any type.
#[cfg(test)]
pub fn remove<H>(handle: *mut H) -> Result<(), Failure> {
    remove_if(handle, |_| true)
}

/// How many handles live.
pub fn count() -> usize {
    COUNT.load(Ordering::Relaxed)
}

/// Of a handle: the object of the type that it must have.
macro_rules! object {
    ($handle:expr, $variant:ident, $wish:expr) => {
        $crate::handle::with($handle, |object| match object {
            $crate::handle::Object::$variant(inner) =>
            {
                #[allow(clippy::redundant_closure_call)]
                ($wish)(inner)
            }
            _ => Err($crate::handle::other()),
        })
    };
}
pub(crate) use object;

/// A handle of another type.
pub fn other() -> Failure {
    dead()
}

/// The body of a free.
macro_rules! free {
    ($handle:expr, $variant:ident) => {
        $crate::guard::quietly(|| {
            if !$handle.is_null() {
                let _ =
                    $crate::handle::remove_if($handle, |object| matches!(object, $crate::handle::Object::$variant(..)));
            }
        })
    };
}
pub(crate) use free;

#[cfg(test)]
mod tests {
    use super::*;

    struct T;

    fn error(text: &str) -> Object {
        Object::Error(Failure::new(1, text))
    }

    fn read(handle: *mut T) -> Result<String, u32> {
        object!(handle, Error, |failure: &Failure| Ok(failure.text.as_str().to_owned()))
            .map_err(|failure| failure.status)
    }

    #[test]
    fn a_freed_handle_is_never_good_again() {
        let first: *mut T = insert(error("one")).unwrap();
        assert_eq!(read(first).unwrap(), "one");
        remove(first).unwrap();
        assert_eq!(read(first), Err(REPRIEVE_STATUS_INVALID_HANDLE));
        assert!(remove(first).is_err());
        for _ in 0..1000 {
            let next: *mut T = insert(error("two")).unwrap();
            assert_ne!(first, next);
            assert_eq!(read(first), Err(REPRIEVE_STATUS_INVALID_HANDLE));
            remove(next).unwrap();
        }
    }

    #[test]
    fn what_is_no_handle_is_refused() {
        assert_eq!(read(std::ptr::null_mut()), Err(REPRIEVE_STATUS_NULL_POINTER));
        for number in [1usize, 8, 16, 0xdead_beef, usize::MAX, usize::MAX - 15, 1 << (usize::BITS - 18), 17] {
            let handle: *mut T = std::ptr::without_provenance_mut(number);
            if read(handle).is_ok() {
                // Number 16 is the first slot's first handle: another test's, if at all.
                assert_eq!(number, 16);
            }
        }
        let bytes: *mut T = insert(Object::Bytes(Buffer::new(Vec::new()))).unwrap();
        assert_eq!(read(bytes), Err(REPRIEVE_STATUS_INVALID_HANDLE));
        free!(bytes, Error);
        assert!(with(bytes, |_| Ok(())).is_ok(), "a free of another type frees nothing");
        free!(bytes, Bytes);
        assert!(with(bytes, |_| Ok(())).is_err());
    }

    #[test]
    fn many_threads_make_use_and_free() {
        let shared: *mut T = insert(error("shared")).unwrap();
        let shared = shared.addr();
        std::thread::scope(|scope| {
            for thread in 0..8 {
                scope.spawn(move || {
                    for at in 0..2000 {
                        let text = format!("{thread} {at}");
                        let made: *mut T = insert(error(&text)).unwrap();
                        assert_eq!(read(made).unwrap(), text);
                        remove(made).unwrap();
                        assert!(read(made).is_err());
                        let _ = read(std::ptr::without_provenance_mut(shared));
                        if thread == 0 && at == 1000 {
                            remove(std::ptr::without_provenance_mut::<T>(shared)).unwrap();
                        }
                    }
                });
            }
        });
    }

    #[test]
    fn every_handle_has_a_number_of_its_own() {
        let (last, old) = (SLOTS - 1, LAST_GENERATION);
        let numbers = [(0, 0), (0, 1), (0, old), (1, 0), (last, 0), (last, 1), (last, old)].map(|(i, g)| number(i, g));
        for (at, one) in numbers.iter().enumerate() {
            assert!(*one != 0 && one.is_multiple_of(1 << SHIFT));
            assert!(!numbers[..at].contains(one), "{one:#x} twice");
        }
        assert!(numbers.iter().all(|one| *one as u64 <= 1 << 47), "what runtimes take for a pointer");
    }

    #[test]
    fn places_are_dense() {
        let mut expect = Vec::new();
        for chunk in 0..4 {
            for at in 0..FIRST << chunk {
                expect.push((chunk, at, FIRST << chunk));
            }
        }
        for (index, expect) in expect.into_iter().enumerate() {
            assert_eq!(place(index), expect);
        }
        let (chunk, at, size) = place(SLOTS - 1);
        assert!(chunk < CHUNKS && at < size);
    }
}
