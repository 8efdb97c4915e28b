//! Time: what the operating system's clocks say, and what of it is believed (rules C).
//!
//! [`trusted`] is pure: a reading goes in, an anchor and `t` come out. [`os`] is the only place where a clock is read.

pub mod os;
pub mod trusted;

use serde::{Deserialize, Serialize};

use crate::time::{Instant, Span};

/// The identity of one boot of one machine. It is in every record: as a number it has the same bytes there, and is read at once instead of
/// byte by byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(from = "u128", into = "u128")]
pub struct Boot(pub [u8; 16]);

impl From<u128> for Boot {
    fn from(number: u128) -> Boot {
        Boot(number.to_le_bytes())
    }
}

impl From<Boot> for u128 {
    fn from(boot: Boot) -> u128 {
        u128::from_le_bytes(boot.0)
    }
}

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
