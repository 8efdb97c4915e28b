//! Whose keys may say what (D7).

use std::sync::Arc;

use super::{Endpoint, KeyEntry, Keys, Role, RootKey};
use crate::time::Instant;

/// The root keys that a product brings, and the newest `keys` document.
///
/// The keys of the authority are those of the newest `keys` document alone. Root keys are those that the product brings and
/// those that the document lists, together: a document that lists the wrong ones cannot lock the vendor out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrustStore {
    roots: Vec<RootKey>,
    adopted: Option<Arc<Keys>>,
}

/// A key that a token may mean by its `kid`.
pub(super) struct Candidate<'a> {
    pub x: &'a [u8; 32],
    roles: &'a [Role],
    nbf: Option<Instant>,
    exp: Option<Instant>,
}

impl Candidate<'_> {
    /// Whether the key was valid at a document's `iat`, in `[nbf, exp)`.
    pub(super) fn valid_at(&self, iat: Instant) -> bool {
        self.nbf.is_none_or(|nbf| nbf <= iat) && self.exp.is_none_or(|exp| iat < exp)
    }

    pub(super) fn may(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

impl TrustStore {
    /// A store that knows root keys only: nothing but a `keys` document can be verified yet.
    pub fn new(roots: Vec<RootKey>) -> TrustStore {
        TrustStore { roots, adopted: None }
    }

    /// Goes by these keys from now on, if they are newer than those in force; says whether they are.
    pub fn adopt(&mut self, keys: &Keys) -> bool {
        let newer = self.version().is_none_or(|version| version < keys.version);
        if newer {
            self.adopted = Some(Arc::new(keys.clone()));
        }
        newer
    }

    /// The version of the `keys` document in force, if there is one.
    pub fn version(&self) -> Option<u64> {
        self.adopted.as_ref().map(|keys| keys.version)
    }

    /// The authority's keys.
    pub fn keys(&self) -> &[KeyEntry] {
        self.adopted.as_ref().map_or(&[], |keys| &keys.keys)
    }

    /// Where the `keys` document in force says that the authority is to be found.
    pub fn endpoints(&self) -> &[Endpoint] {
        self.adopted.as_ref().map_or(&[], |keys| &keys.endpoints)
    }

    /// Where it says that what is the same for all is to be found too.
    pub fn mirrors(&self) -> &[String] {
        self.adopted.as_ref().map_or(&[], |keys| &keys.mirrors)
    }

    /// Who may sign the next `keys` document: the product's own root keys first, each key once.
    pub fn roots(&self) -> impl Iterator<Item = &RootKey> {
        let adopted = self.adopted.iter().flat_map(|keys| &keys.roots);
        self.roots.iter().chain(adopted.filter(|root| !self.roots.contains(root)))
    }

    /// All that a `kid` may mean. Several only where a root key and another share it; a token is then good if it is good under
    /// one of them.
    pub(super) fn candidates<'a>(&'a self, kid: &'a str) -> impl Iterator<Item = Candidate<'a>> {
        let keys = self.keys().iter().filter(move |key| key.kid == kid);
        let roots = self.roots().filter(move |root| root.kid == kid);
        keys.map(|key| Candidate { x: &key.x, roles: &key.roles, nbf: key.nbf, exp: key.exp })
            .chain(roots.map(|root| Candidate { x: &root.x, roles: &[Role::Root], nbf: None, exp: None }))
    }
}
