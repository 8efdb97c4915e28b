//! Any other system: the wall, and the time since this process first looked. There is no boot to tell from another.

use once_cell::sync::Lazy;

use crate::time::{Instant, Span};

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

/// One beginning for all clients of the process, as they share its identity of a boot.
pub(super) fn uptime() -> Span {
    static ORIGIN: Lazy<std::time::Instant> = Lazy::new(std::time::Instant::now);
    Span::nanos(ORIGIN.elapsed().as_nanos() as i128)
}

pub(super) fn boot() -> Option<Vec<u8>> {
    None
}
