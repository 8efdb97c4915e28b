//! Reading the operating system's clocks: one room for each system.
//!
//! On Linux the clocks are read past libc (rustix goes to the kernel, or to the vDSO itself), so that a library that is
//! preloaded to fake the time changes nothing.

use std::sync::Arc;

use once_cell::sync::OnceCell;
use ring::rand::{SecureRandom, SystemRandom};

use super::{Boot, Clock, Reading};
use crate::time::{Instant, Span};

#[cfg(target_vendor = "apple")]
#[path = "apple.rs"]
mod now;
#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "linux.rs"]
mod now;
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows)))]
#[path = "other.rs"]
mod now;
#[cfg(windows)]
#[path = "windows.rs"]
mod now;

/// The operating system's clocks: the wall, and the time since boot including sleep.
#[derive(Clone, Debug)]
pub struct OsClock {
    boot: Boot,
}

impl OsClock {
    /// The clocks of this boot.
    pub fn new() -> Arc<OsClock> {
        Arc::new(OsClock { boot: boot() })
    }
}

/// The boot's identity, hashed. Where the platform has none, each process counts as another boot: time that cannot be shown to have
/// passed is not proven.
fn boot() -> Boot {
    if let Some(known) = now::boot() {
        let digest = ring::digest::digest(&ring::digest::SHA256, &known);
        let mut id = [0; 16];
        id.copy_from_slice(&digest.as_ref()[..16]);
        return Boot(id);
    }
    // One for the whole process, whose uptime goes on from one client to the next.
    static MADE: OnceCell<Boot> = OnceCell::new();
    *MADE.get_or_init(|| {
        let mut id = [0; 16];
        // Without random bytes the identity is this process's: still never another boot's by accident.
        if SystemRandom::new().fill(&mut id).is_err() {
            id[..4].copy_from_slice(&std::process::id().to_le_bytes());
            id[4..].copy_from_slice(&now::coarse().to_le_bytes().repeat(2)[..12]);
        }
        Boot(id)
    })
}

/// How far apart the two clocks of one reading may have been read.
const APART: Span = Span::nanos(20_000);

/// How often a reading is begun anew because something came between the two.
const READINGS: u32 = 4;

impl Clock for OsClock {
    /// Both clocks as of one moment: what is foretold from the wall and an age (C8) moves by as much as lies between the two.
    fn read(&self) -> Reading {
        let mut uptime = now::uptime();
        let mut wall = now::wall();
        for _ in 1..READINGS {
            let after = now::uptime();
            if after - uptime <= APART {
                break;
            }
            uptime = after;
            wall = now::wall();
        }
        Reading { wall, boot: self.boot, uptime }
    }

    fn coarse(&self) -> Instant {
        Instant::EPOCH + Span::nanos(i128::from(now::coarse()))
    }

    fn is_coarse_the_systems(&self) -> bool {
        true
    }
}

/// The wall, exact to some milliseconds, in nanoseconds since 1970: the cheapest look at a clock that there is.
#[inline]
pub fn coarse_nanos() -> i64 {
    now::coarse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_run() {
        let clock = OsClock::new();
        let first = clock.read();
        std::thread::sleep(std::time::Duration::from_millis(20));
        let second = clock.read();
        assert!(second.uptime > first.uptime);
        assert!(second.uptime - first.uptime < Span::seconds(60));
        assert_eq!(second.boot, OsClock::new().read().boot);
        assert!((clock.coarse() - second.wall) < Span::seconds(1));
    }

    /// The epochs and units of three different calls, held against what the standard library makes of them.
    #[test]
    fn the_wall_is_the_systems() {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let expected = Instant::EPOCH + Span::nanos(since.as_nanos() as i128);
        let read = OsClock::new().read().wall;
        assert!(read - expected < Span::seconds(5) && expected - read < Span::seconds(5), "{read:?} {expected:?}");
        let coarse = OsClock::new().coarse();
        assert!(coarse - expected < Span::seconds(5) && expected - coarse < Span::seconds(5), "{coarse:?}");
    }
}
