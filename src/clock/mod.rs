//! Time: what the operating system's clocks say, and what of it is believed (rules C).
//!
//! [`trusted`] is pure: a reading goes in, an anchor and `t` come out. [`os`] is the only place where a clock is read.

pub mod os;
pub mod trusted;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::{Instant, Span};

/// The identity of one boot of one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Boot(pub [u8; 16]);

/// It is in every record: as a number it has the same bytes there, and is read at once instead of byte by byte. In JSON it is a list of bytes,
/// as numbers are no larger than 2^53 there.
impl Serialize for Boot {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() { self.0.serialize(to) } else { to.serialize_u128(u128::from_le_bytes(self.0)) }
    }
}

impl<'de> Deserialize<'de> for Boot {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Boot, D::Error> {
        if from.is_human_readable() {
            return Deserialize::deserialize(from).map(Boot);
        }
        u128::deserialize(from).map(|number| Boot(number.to_le_bytes()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_is_its_bytes_in_the_ledger_and_a_list_of_them_in_json() {
        let boot = Boot(std::array::from_fn(|at| at as u8 + 0xf0));
        let stored = crate::ledger::codec::to_bytes(&boot).unwrap();
        assert_eq!(stored, boot.0);
        assert_eq!(crate::ledger::codec::from_bytes::<Boot>(&stored).unwrap(), boot);
        let json = serde_json::to_value(boot).unwrap();
        assert_eq!(json, serde_json::json!(boot.0));
        assert_eq!(serde_json::from_value::<Boot>(json).unwrap(), boot);
    }
}
