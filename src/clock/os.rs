//! Reading the operating system's clocks.
//!
//! On Linux the clocks are read past libc (rustix goes to the kernel, or to the vDSO itself), so that a library that is
//! preloaded to fake the time changes nothing.

use std::sync::Arc;

use ring::rand::{SecureRandom, SystemRandom};

use super::{Boot, Clock, Reading};
use crate::time::{Instant, Span};

/// The operating system's clocks: the wall, and the time since boot including sleep.
#[derive(Clone, Debug)]
pub struct OsClock {
    boot: Boot,
    #[cfg(not(target_os = "linux"))]
    origin: std::time::Instant,
}

impl OsClock {
    /// The clocks of this boot.
    pub fn new() -> Arc<OsClock> {
        Arc::new(OsClock {
            boot: boot(),
            #[cfg(not(target_os = "linux"))]
            origin: std::time::Instant::now(),
        })
    }
}

/// The boot's identity. Where the platform has none, each open counts as another boot: time that cannot be shown to have passed
/// is not proven.
fn boot() -> Boot {
    #[cfg(target_os = "linux")]
    if let Ok(text) = std::fs::read_to_string("/proc/sys/kernel/random/boot_id") {
        let digest = ring::digest::digest(&ring::digest::SHA256, text.trim().as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&digest.as_ref()[..16]);
        return Boot(id);
    }
    let mut id = [0; 16];
    // Without random bytes the identity is this process's: still never another boot's by accident.
    if SystemRandom::new().fill(&mut id).is_err() {
        id[..4].copy_from_slice(&std::process::id().to_le_bytes());
    }
    Boot(id)
}

#[cfg(target_os = "linux")]
mod now {
    use super::{Instant, Span};
    use rustix::time::{ClockId, Timespec, clock_gettime};

    fn nanos(at: Timespec) -> i128 {
        i128::from(at.tv_sec) * 1_000_000_000 + i128::from(at.tv_nsec)
    }

    pub(super) fn wall() -> Instant {
        Instant::EPOCH + Span::nanos(nanos(clock_gettime(ClockId::Realtime)))
    }

    #[inline]
    pub(super) fn coarse() -> i64 {
        let at = clock_gettime(ClockId::RealtimeCoarse);
        at.tv_sec.wrapping_mul(1_000_000_000).wrapping_add(at.tv_nsec)
    }

    pub(super) fn uptime() -> Span {
        Span::nanos(nanos(clock_gettime(ClockId::Boottime)))
    }
}

#[cfg(not(target_os = "linux"))]
mod now {
    use super::{Instant, Span};

    pub(super) fn wall() -> Instant {
        let now = std::time::SystemTime::now();
        match now.duration_since(std::time::UNIX_EPOCH) {
            Ok(since) => Instant::EPOCH + Span::nanos(since.as_nanos() as i128),
            Err(before) => Instant::EPOCH - Span::nanos(before.duration().as_nanos() as i128),
        }
    }

    pub(super) fn coarse() -> i64 {
        (wall() - Instant::EPOCH).as_nanos() as i64
    }
}

/// How far apart the two clocks of one reading may have been read.
const APART: Span = Span::nanos(20_000);

/// How often a reading is begun anew because something came between the two.
const READINGS: u32 = 4;

impl OsClock {
    fn uptime(&self) -> Span {
        #[cfg(target_os = "linux")]
        return now::uptime();
        #[cfg(not(target_os = "linux"))]
        return Span::nanos(self.origin.elapsed().as_nanos() as i128);
    }
}

impl Clock for OsClock {
    /// Both clocks as of one moment: what is foretold from the wall and an age (C8) moves by as much as lies between the two.
    fn read(&self) -> Reading {
        let mut uptime = self.uptime();
        let mut wall = now::wall();
        for _ in 1..READINGS {
            let after = self.uptime();
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
        assert_eq!(second.boot, OsClock::new().read().boot);
        assert!((clock.coarse() - second.wall) < Span::seconds(1));
    }
}
