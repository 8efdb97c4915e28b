//! macOS and iOS: CLOCK_MONOTONIC_RAW is `mach_continuous_time` in nanoseconds, which runs while the machine sleeps and which nobody
//! sets. (CLOCK_MONOTONIC is worked out from the wall and follows `adjtime`; CLOCK_UPTIME_RAW stops with the machine.)

use crate::time::{Instant, Span};

fn read(clock: libc::clockid_t) -> (i64, i64) {
    let mut at = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `at` is a timespec to be written. Both clocks are there since macOS 10.12, so that it cannot fail.
    unsafe { libc::clock_gettime(clock, &raw mut at) };
    // Of different widths on different machines.
    #[allow(clippy::useless_conversion)]
    (i64::from(at.tv_sec), i64::from(at.tv_nsec))
}

fn nanos((seconds, rest): (i64, i64)) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(rest)
}

pub(super) fn wall() -> Instant {
    Instant::EPOCH + Span::nanos(nanos(read(libc::CLOCK_REALTIME)))
}

/// Read from a page that the kernel shares: there is no cheaper clock here.
#[inline]
pub(super) fn coarse() -> i64 {
    let (seconds, rest) = read(libc::CLOCK_REALTIME);
    seconds.wrapping_mul(1_000_000_000).wrapping_add(rest)
}

pub(super) fn uptime() -> Span {
    Span::nanos(nanos(read(libc::CLOCK_MONOTONIC_RAW)))
}

/// A random UUID that the kernel makes at each boot. (`kern.boottime` moves with the wall.)
pub(super) fn boot() -> Option<Vec<u8>> {
    let mut text = [0u8; 64];
    let mut size = text.len();
    // SAFETY: the name ends with 0, `size` is the length of `text`, and nothing is set.
    let status = unsafe {
        libc::sysctlbyname(
            c"kern.bootsessionuuid".as_ptr(),
            text.as_mut_ptr().cast(),
            &raw mut size,
            std::ptr::null_mut(),
            0,
        )
    };
    let known = text.get(..size)?.split(|byte| *byte == 0).next()?;
    (status == 0 && !known.is_empty()).then(|| known.to_vec())
}
