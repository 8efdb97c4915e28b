//! Crashes: a simulated disk that keeps of unsynced writes whatever it likes, and every way in which it may.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod again;
mod disk;
mod faults;
mod killed;
mod long;
mod oracle;
mod power;
mod short;
mod switch;
mod work;
mod writers;
