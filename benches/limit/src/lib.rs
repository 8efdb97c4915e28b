//! The least that a check through a shared library can cost, with the guard, the clock and the copy that it cannot do without:
//! what the library is measured against. Nothing here looks at a ledger, knows a handle that was freed, or compares a name.

use std::cell::Cell;
use std::ffi::{c_char, c_void};
use std::hash::{BuildHasher, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

use foldhash::fast::FixedState;
use rustix::time::{ClockId, clock_gettime};

const OK: u32 = 0;
const STALE: u32 = 1;
const PANIC: u32 = 2;

/// What is copied: 64 bytes. The first two words say from when to when it is good, in nanoseconds since 1970.
const WORDS: usize = 8;

#[repr(C)]
pub struct Decision([u64; WORDS]);

/// A sequence lock around a decision: its number is odd while it is written.
#[repr(C, align(64))]
pub struct Feature {
    number: AtomicU64,
    words: [AtomicU64; WORDS],
}

impl Feature {
    fn new() -> Feature {
        let words = [0, i64::MAX as u64, 3, 1, 0, 0, 0, 0];
        Feature { number: AtomicU64::new(2), words: words.map(AtomicU64::new) }
    }

    #[inline(always)]
    fn read(&self) -> Option<[u64; WORDS]> {
        let before = self.number.load(Ordering::Acquire);
        let words: [u64; WORDS] = std::array::from_fn(|at| self.words[at].load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        let after = self.number.load(Ordering::Relaxed);
        let now = now();
        let good = before & 1 == 0 && before == after && now >= words[0] as i64 && now < words[1] as i64;
        good.then_some(words)
    }
}

/// The wall, past libc, as the core reads it in each check.
#[inline(always)]
fn now() -> i64 {
    let at = clock_gettime(ClockId::RealtimeCoarse);
    at.tv_sec.wrapping_mul(1_000_000_000).wrapping_add(at.tv_nsec)
}

thread_local! {
    /// How many guards this thread is in, for the hook that keeps a caught panic from printing.
    static INSIDE: Cell<u32> = const { Cell::new(0) };
}

static HOOKED: AtomicBool = AtomicBool::new(false);

#[cold]
fn hook() {
    if std::thread::panicking() || HOOKED.swap(true, Ordering::Relaxed) {
        return;
    }
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if INSIDE.with(Cell::get) == 0 {
            before(info);
        }
    }));
}

struct Inside;

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.with(|inside| inside.set(inside.get() - 1));
    }
}

/// As the guard of the C ABI.
#[inline(always)]
fn guarded(body: impl FnOnce() -> u32) -> u32 {
    if !HOOKED.load(Ordering::Relaxed) {
        hook();
    }
    INSIDE.with(|inside| inside.set(inside.get() + 1));
    let _inside = Inside;
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(PANIC)
}

/// The way of a decision that is good no longer. It may unwind, so that the guard guards something.
#[cold]
#[inline(never)]
fn stale(feature: &Feature) -> u32 {
    assert!(feature.number.load(Ordering::Relaxed) != 0, "a feature that was never written");
    STALE
}

#[inline(always)]
fn answer(feature: &Feature, decision: *mut Decision) -> u32 {
    match feature.read() {
        Some(words) => {
            // SAFETY: the callers' promise: it can be written.
            unsafe { decision.write(Decision(words)) };
            OK
        }
        None => stale(feature),
    }
}

/// # Safety
/// `error` is NULL or can be written.
#[inline(always)]
unsafe fn clear(error: *mut *mut c_void) {
    if !error.is_null() {
        // SAFETY: the caller's promise.
        unsafe { error.write(std::ptr::null_mut()) };
    }
}

/// A feature to ask about; never freed.
#[unsafe(no_mangle)]
pub extern "C" fn limit_feature() -> *mut Feature {
    Box::into_raw(Box::new(Feature::new()))
}

/// A check by handle: guard, clock, copy.
///
/// # Safety
/// `feature` is from `limit_feature`; `decision` and `error` can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn limit_check(feature: *const Feature, decision: *mut Decision, error: *mut *mut c_void) -> u32 {
    // SAFETY: the caller's promises.
    unsafe {
        clear(error);
        guarded(|| answer(&*feature, decision))
    }
}

/// The same with the least guard that there is: `catch_unwind` alone, which costs nothing until something panics. A panic would print.
///
/// # Safety
/// As [`limit_check`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn limit_check_bare(
    feature: *const Feature,
    decision: *mut Decision,
    error: *mut *mut c_void,
) -> u32 {
    // SAFETY: the caller's promises.
    unsafe {
        clear(error);
        catch_unwind(AssertUnwindSafe(|| answer(&*feature, decision))).unwrap_or(PANIC)
    }
}

const PLACES: usize = 64;

/// Features by the hash of their names.
pub struct Client([Feature; PLACES]);

/// A client to ask by name; never freed. Each place has a feature.
#[unsafe(no_mangle)]
pub extern "C" fn limit_client() -> *mut Client {
    Box::into_raw(Box::new(Client(std::array::from_fn(|_| Feature::new()))))
}

/// A check by name: the same, and one hash of SKU and feature, foldhash's fast one.
///
/// # Safety
/// `client` is from `limit_client`; the names can be read; `decision` and `error` can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn limit_check_named(
    client: *const Client,
    sku: *const c_char,
    sku_len: usize,
    feature: *const c_char,
    feature_len: usize,
    decision: *mut Decision,
    error: *mut *mut c_void,
) -> u32 {
    // SAFETY: the caller's promises.
    unsafe {
        clear(error);
        guarded(|| {
            let mut hasher = FixedState::with_seed(client.addr() as u64).build_hasher();
            hasher.write(std::slice::from_raw_parts(feature.cast(), feature_len));
            hasher.write(std::slice::from_raw_parts(sku.cast(), sku_len));
            answer(&(&(*client).0)[hasher.finish() as usize % PLACES], decision)
        })
    }
}

/// A call that does nothing: what crossing over from another language costs.
#[unsafe(no_mangle)]
pub extern "C" fn limit_empty(_feature: *const c_void, _decision: *mut c_void, _error: *mut *mut c_void) -> u32 {
    OK
}
