//! The bodies of the fuzz targets. Each takes any bytes, and panics if the library breaks a promise: not only that it never
//! panics itself, but the law that the target's own page names.
//!
//! libFuzzer drives them through `fuzz_targets/`; `src/bin/replay.rs` runs the same bodies over the corpus and its mutations.

pub mod application;
pub mod beside;
pub mod client;
pub mod document;
pub mod forge;
pub mod frames;
pub mod header;
pub mod message;
pub mod note;
pub mod policy;
pub mod scenario;
pub mod steps;

/// A target's body.
pub type Body = fn(&[u8]);

/// Every target, by the name of its corpus.
pub const TARGETS: &[(&str, Body)] = &[
    ("application", application::run),
    ("beside", beside::run),
    ("client", client::run),
    ("document", document::run),
    ("frames", frames::run),
    ("header", header::run),
    ("message", message::run),
    ("note", note::run),
    ("policy", policy::run),
    ("scenario", scenario::run),
];
