//! Damage to a client's ledger, and bad input, as a product sees it: found and named by record, costing no other record, gone on
//! from in a new generation, and never a panic.
//!
//! The ledger lies in memory, so that thousands of damaged copies are opened in seconds. Small sets of cases are always tried
//! whole; larger ones are sampled, by a seed that is printed and can be given as `REPRIEVE_SEED`, and tried whole under
//! `REPRIEVE_TEST_THOROUGH`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bits;
mod cases;
mod copies;
mod faults;
mod frames;
mod under;
mod world;
