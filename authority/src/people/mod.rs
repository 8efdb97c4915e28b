//! What people decide, and the authority cannot decide alone: extensions that several sign, appeals that somebody answers, policies that somebody has
//! seen the outcome of. Every step is an entry of the journal, in the transaction that it is part of.

pub mod appeals;
pub mod audit;
pub mod compare;
pub mod extensions;

use std::sync::Arc;

use reprieve::document::{self, Document as Says, TrustStore};
use reprieve::policy::Policy;
use reprieve::terms::Kind;
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::error::{Error, Result};
use crate::issue::Authority;
use crate::store::{Document, Tx};

/// A random id that is a name.
fn new_id(prefix: &str) -> Result<String> {
    let mut bytes = [0u8; 8];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::unavailable("the system gives no random numbers"))?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{prefix}-{hex}"))
}

/// The policy in force.
pub fn policy_of(documents: &[Document]) -> Option<Arc<Policy>> {
    let newest = documents.iter().rev().find(|one| one.kind == Kind::Policy.as_str())?;
    match document::read_unverified(newest.token.as_bytes())? {
        Says::Policy(policy) => Some(policy.policy),
        _ => None,
    }
}

/// Whom to trust once the `keys` of these documents are adopted.
fn with_newest(mut trust: TrustStore, documents: &[Document]) -> TrustStore {
    for one in documents.iter().filter(|one| one.kind == Kind::Keys.as_str()) {
        if let Ok(Says::Keys(keys)) = document::open(one.token.as_bytes(), &trust).result {
            trust.adopt(&keys);
        }
    }
    trust
}

impl Authority {
    /// Whose keys say what by the newest `keys` that this transaction sees, whichever instance issued them.
    async fn trust_in(&self, tx: &mut Tx) -> Result<TrustStore> {
        Ok(with_newest(self.trust().await, &tx.in_force(&[]).await?))
    }
}
