//! Reprieve keeps a licensed product running, for a bounded and audited time, when its licence server cannot be reached.
//!
//! The rules stand in `docs/semantics.md`; each is cited by its number where the code keeps it.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod client;
pub mod clock;
pub mod document;
pub mod drill;
pub mod grace;
#[cfg(feature = "http")]
pub mod http;
pub mod ledger;
#[cfg(reprieve_next)]
mod next;
mod order;
pub mod policy;
pub mod renew;
pub mod terms;
pub mod time;
