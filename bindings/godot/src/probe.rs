//! For the frame bench alone: what a call of an extension costs that does no more than read the coarse clock. No package has it.

use godot::prelude::*;
use rustix::time::{ClockId, clock_gettime};

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
}
