//! For the frame bench alone: what a call of an extension costs that does no more than read the coarse clock, and how often a thread allocates in Rust.
//! No package has it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use godot::prelude::*;
use rustix::time::{ClockId, clock_gettime};

thread_local! {
    static ALLOCATIONS: Cell<i64> = const { Cell::new(0) };
}

/// The system's memory, counted.
struct Counted;

#[global_allocator]
static COUNTED: Counted = Counted;

fn count() {
    // A thread that ends may free and allocate when it has no counter any more.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get().wrapping_add(1)));
}

// SAFETY: each call goes to the system's allocator as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(place, layout, size) }
    }
}

/// The least that a check could cost.
#[derive(GodotClass)]
#[class(init, base = RefCounted)]
pub struct ReprieveProbe {
    base: Base<RefCounted>,
}

#[godot_api]
impl ReprieveProbe {
    /// Reads the coarse clock.
    #[func]
    fn empty(&self) -> bool {
        clock_gettime(ClockId::MonotonicCoarse).tv_sec >= 0
    }

    /// How often this thread has allocated.
    #[func]
    fn allocations(&self) -> i64 {
        ALLOCATIONS.with(Cell::get)
    }
}
