//! Linux and Android: CLOCK_BOOTTIME runs while the machine sleeps, and the kernel names each boot.

use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::time::{Instant, Span};

fn nanos(at: Timespec) -> i128 {
    i128::from(at.tv_sec) * 1_000_000_000 + i128::from(at.tv_nsec)
}

pub(super) fn wall() -> Instant {
    Instant::EPOCH + Span::nanos(nanos(clock_gettime(ClockId::Realtime)))
}

#[inline]
// Nanoseconds have 32 bits on some architectures.
#[allow(clippy::useless_conversion)]
pub(super) fn coarse() -> i64 {
    let at = clock_gettime(ClockId::RealtimeCoarse);
    at.tv_sec.wrapping_mul(1_000_000_000).wrapping_add(i64::from(at.tv_nsec))
}

pub(super) fn uptime() -> Span {
    Span::nanos(nanos(clock_gettime(ClockId::Boottime)))
}

pub(super) fn boot() -> Option<Vec<u8>> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().as_bytes().to_vec())
}
