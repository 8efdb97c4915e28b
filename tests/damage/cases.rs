//! Running many cases: which ones, on all processors, every failure told.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Whether every case is tried.
pub fn thorough() -> bool {
    std::env::var_os("REPRIEVE_TEST_THOROUGH").is_some()
}

pub struct Random(u64);

impl Random {
    /// Of this run: its seed is printed.
    pub fn new(what: &str) -> Random {
        let given = std::env::var("REPRIEVE_SEED").ok().and_then(|seed| seed.parse().ok());
        let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
        let seed = given.unwrap_or_else(now) | 1;
        println!("{what}: REPRIEVE_SEED={seed}");
        Random(seed)
    }

    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }

    /// All cases if a thorough run is wished for, else as many as said, drawn at random.
    pub fn some<T>(&mut self, mut cases: Vec<T>, count: usize) -> Vec<T> {
        if thorough() || cases.len() <= count {
            return cases;
        }
        for at in 0..count {
            let other = at + self.below(cases.len() - at);
            cases.swap(at, other);
        }
        cases.truncate(count);
        cases
    }
}

/// Runs every case. A panic, be it an assertion's or the library's, fails its case and no other.
pub fn each<T: Sync>(what: &str, cases: &[T], run: impl Fn(&T) + Sync) {
    assert!(!cases.is_empty(), "{what}: there are no cases");
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(case))) {
                        let text = panic.downcast_ref::<String>().cloned();
                        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                        failed.lock().unwrap().push(text.unwrap_or_default());
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    println!("{what}: {} cases", cases.len());
    let first: Vec<&String> = failed.iter().take(5).collect();
    assert!(failed.is_empty(), "{what}: {} of {} cases failed, such as {first:#?}", failed.len(), cases.len());
}
