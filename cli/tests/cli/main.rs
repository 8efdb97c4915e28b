//! The command line, run as a person or a script runs it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod documents;
mod drills;
mod ledgers;
#[cfg(feature = "http")]
mod online;
mod policies;
mod proofs;
mod rekeys;
mod renewals;
mod support;
mod usage;
mod worlds;
