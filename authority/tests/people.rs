//! What people decide, against an authority that is served in earnest, on SQLite (with REPRIEVE_POSTGRES on PostgreSQL):
//! with its command line, and with a client that takes the documents.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "people/world.rs"]
mod world;

#[path = "people/appeals.rs"]
mod appeals;
#[path = "people/attacks.rs"]
mod attacks;
#[path = "people/carried.rs"]
mod carried;
#[path = "people/documents.rs"]
mod documents;
#[path = "people/extensions.rs"]
mod extensions;
