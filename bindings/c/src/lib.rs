//! The C ABI of Reprieve: a thin skin on `reprieve::client` and `reprieve::drill`.
//!
//! `include/reprieve.h` is made from this crate by cbindgen and committed. What holds for every function here:
//! - The signature is written out (no macro makes an export), and the body runs in [`guard::call`].
//! - Out-parameters are set to a safe value before anything else happens.
//! - A handle is a number that looks like a pointer ([`handle`]): none is ever dereferenced, so that NULL, a freed
//!   handle and a handle of another type are told apart from a good one and refused.
#![allow(non_camel_case_types)]
// What a caller promises is the same everywhere, and stands once, at the top of the header: pointers can be read or
// written for the lengths that go with them.
#![allow(clippy::missing_safety_doc)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod guard;
mod handle;
mod input;
mod output;
mod quick;

// The header has them in this order; the empty lines keep rustfmt from sorting them.
pub mod status;

pub mod words;

pub mod types;

pub mod error;

pub mod bytes;

pub mod client;

pub mod feature;

pub mod answers;

pub mod event;

pub mod ledger_status;

pub mod builder;

pub mod renewer;

pub mod renewing;

pub mod drill;

#[cfg(all(feature = "panics", debug_assertions))]
mod panics;
