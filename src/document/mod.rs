//! What the authority signs: JWS with EdDSA (RFC 7515, RFC 8037), keys and roles, and the claims of each kind (rules D).
//!
//! This room checks what a document is worth on its own: the first six refusals of rules D. What depends on the ledger's state
//! (`wrong_ledger` and on) is the heart's to say.

mod claims;

pub use claims::{
    ANY_LEDGER, Document, Extension, KeyEntry, Keys, Lease, Notice, PolicyDocument, Revocation, Role, RootKey, Ruling,
};
