//! A check costs nothing but itself: between two looks at the ledger it allocates nothing, in no thread.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant as Watch, SystemTime, UNIX_EPOCH};

use reprieve::client::{App, Builder, Client, Upkeep};
use reprieve::document::{self, KeyEntry, Keys, Role, SigningKey};
use reprieve::terms::{Access, Kind};
use reprieve::time::Instant;
use serde_json::{Value, json};

thread_local! {
    /// Allocations of this thread. No destructor, so that it can be reached while a thread ends.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

fn count() {
    ALLOCATIONS.with(|allocations| allocations.set(allocations.get() + 1));
}

// SAFETY: all is left to the system's allocator; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.realloc(place, layout, size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How often this thread allocates in there.
fn allocations<R>(body: impl FnOnce() -> R) -> u64 {
    let before = ALLOCATIONS.with(Cell::get);
    black_box(body());
    ALLOCATIONS.with(Cell::get) - before
}

fn client(folder: &Path, upkeep: Upkeep) -> Client {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let key = |kid: &str, seed| SigningKey::from_seed(kid, [seed; 32]).unwrap();
    let (root, signer) = (key("root-1", 99), key("vendor-1", 1));
    let keys = Keys {
        version: 1,
        keys: vec![KeyEntry { roles: vec![Role::Lease, Role::Policy], ..signer.entry(&[]) }],
        roots: vec![root.root_key()],
        endpoints: Vec::new(),
        mirrors: Vec::new(),
        iat: Instant::from_seconds(1_700_000_000),
    };
    let mut app = App::new("acme", b"the application's secret", vec![root.root_key()]);
    app.keys = Some(document::issue(Kind::Keys, &keys.claims(), &[&root]).unwrap());
    let client =
        Builder::new(app).folder(folder.join("ledger")).witness(folder.join("witness")).upkeep(upkeep).open().unwrap();
    let import = |kind, claims: Value| {
        assert!(client.import(&document::issue(kind, &claims, &[&signer]).unwrap()).unwrap().accepted);
    };
    let rules = json!({ "unknown": { "allowance": "3d" } });
    import(
        Kind::Policy,
        json!({ "schema": 1, "id": "acme", "version": 1, "default_tier": "basic", "tiers": { "basic": rules }, "iat": now }),
    );
    import(
        Kind::Lease,
        json!({ "license": "L1", "sku": "cad", "ledger": "*", "features": { "core": now + 86_400 }, "iat": now }),
    );
    client
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| Box::new(7)), 1);
    assert!(allocations(|| (0..100).map(|n| n.to_string()).collect::<Vec<_>>()) >= 100);
    assert_eq!(allocations(|| 7), 0);
}

#[test]
fn a_check_allocates_nothing_while_upkeep_is_the_products() {
    let folder = tempfile::tempdir().unwrap();
    let client = client(folder.path(), Upkeep::Own);
    let core = client.feature("cad", "core").unwrap();
    let check = || {
        for _ in 0..100_000 {
            black_box(core.check());
        }
    };
    let by_name = || (0..100_000).all(|_| client.check("cad", "core").access == Access::Full);
    // The first decides.
    assert_eq!(core.explain().access, Access::Full);
    assert_eq!(allocations(check), 0, "by handle");
    assert_eq!(allocations(|| assert!(by_name())), 0, "by name");
    // In every thread, also several at once.
    std::thread::scope(|scope| {
        let made = [(); 4].map(|()| scope.spawn(|| allocations(|| (check(), assert!(by_name())))));
        assert_eq!(made.map(|thread| thread.join().unwrap()), [0; 4]);
    });
    // Upkeep decides anew on its own thread, and leaves a frame nothing to do.
    client.upkeep().unwrap();
    assert_eq!(allocations(check), 0, "after an upkeep");
}

#[test]
fn checks_that_do_upkeep_allocate_in_their_looks_at_the_ledger_alone() {
    let folder = tempfile::tempdir().unwrap();
    let client = client(folder.path(), Upkeep::InChecks);
    let core = client.feature("cad", "core").unwrap();
    assert_eq!(core.explain().access, Access::Full);
    let start = Watch::now();
    let (mut checks, mut allocating) = (0u64, 0u128);
    while start.elapsed() < Duration::from_millis(300) {
        let made = allocations(|| core.check()) + allocations(|| client.check("cad", "core"));
        allocating += u128::from(made > 0);
        checks += 2;
    }
    let looks = start.elapsed().as_millis() / 10 + 1;
    assert!(checks > 1000, "{checks} checks are too few to say anything");
    assert!(allocating <= looks, "{allocating} of {checks} checks allocated, and there were {looks} looks at the most");
}
