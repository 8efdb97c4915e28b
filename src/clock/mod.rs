//! Time: what the operating system's clocks say, and what of it is believed (rules C).
//!
//! [`trusted`] is pure: a reading goes in, an anchor and `t` come out. [`os`] is the only place where a clock is read.

pub mod os;
pub mod trusted;

use serde::{Deserialize, Serialize};

use crate::time::{Instant, Span};

/// The identity of one boot of one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Boot(pub [u8; 16]);

/// What the clocks say at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The wall, as the operating system has it.
    pub wall: Instant,
    /// The boot that it was read in.
    pub boot: Boot,
    /// The time since boot, sleep included.
    pub uptime: Span,
}

/// Where readings come from: the operating system, or a drill.
pub trait Clock: Send + Sync {
    /// Reads the wall, the boot and the uptime.
    fn read(&self) -> Reading;

    /// A cheap look at the wall, exact to some milliseconds, that may be called in every frame.
    fn coarse(&self) -> Instant {
        self.read().wall
    }

    /// Whether `coarse` is [`os::coarse_nanos`], so that nobody has to ask this clock.
    fn is_coarse_the_systems(&self) -> bool {
        false
    }
}
