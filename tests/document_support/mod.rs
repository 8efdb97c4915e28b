//! Keys, claims and a trust store that the tests of documents share.
#![allow(dead_code, clippy::unwrap_used)]

use reprieve::document::{Document, KeyEntry, Keys, Role, SigningKey, TrustStore, issue, open};
use reprieve::terms::{Kind, Refusal};
use reprieve::time::Instant;
use serde_json::{Value, json};

/// When the documents of these tests are issued.
pub const IAT: i64 = 1_790_000_000;

pub fn key(kid: &str) -> SigningKey {
    // One key for each name, the same in every run.
    let mut seed = [0x42; 32];
    seed.iter_mut().zip(kid.bytes()).for_each(|(to, from)| *to = from);
    SigningKey::from_seed(kid, seed).unwrap()
}

/// The key of role `role`: `lease-key` and so on, `root-key` for the root.
pub fn key_of(role: Role) -> SigningKey {
    key(&format!("{role}-key"))
}

pub fn signer(kind: Kind) -> SigningKey {
    key_of(Role::of(kind))
}

pub fn keys() -> Keys {
    let roles = Role::ALL.iter().filter(|role| **role != Role::Root);
    let mut keys: Vec<KeyEntry> = roles.map(|role| key_of(*role).entry(&[*role])).collect();
    keys.push(key("support-2").entry(&[Role::Support]));
    keys.push(KeyEntry { kid: "support-alias".into(), ..key("support-2").entry(&[Role::Support]) });
    keys.push(KeyEntry {
        nbf: Some(Instant::from_seconds(IAT - 100)),
        exp: Some(Instant::from_seconds(IAT + 100)),
        ..key("short-lived").entry(&[Role::Lease])
    });
    Keys {
        version: 1,
        keys,
        roots: vec![key("root-2").root_key()],
        endpoints: Vec::new(),
        mirrors: Vec::new(),
        iat: Instant::from_seconds(IAT),
    }
}

pub fn trust() -> TrustStore {
    let mut trust = TrustStore::new(vec![key_of(Role::Root).root_key()]);
    trust.adopt(&keys());
    trust
}

/// Good claims of every kind.
pub fn claims(kind: Kind) -> Value {
    match kind {
        Kind::Lease => {
            json!({ "license": "L1", "sku": "cad", "features": { "core": IAT + 86_400, "export.step": IAT + 60 },
            "iat": IAT, "ledger": "0123456789abcdef0123456789abcdef", "nonce": "n1" })
        }
        Kind::Policy => json!({ "schema": 1, "id": "acme", "version": 3, "default_tier": "basic",
            "tiers": { "basic": { "network": { "allowance": "14d" } } }, "iat": IAT }),
        Kind::Notice => json!({ "id": "m1", "start": IAT, "end": IAT + 3600, "skus": ["cad"], "features": ["export.*"],
            "iat": IAT }),
        Kind::Extension => {
            json!({ "license": "L1", "features": ["*"], "until": IAT + 3600, "access": "limited", "iat": IAT })
        }
        Kind::Revocation => json!({ "license": "L1", "features": ["core"], "effective": IAT, "iat": IAT }),
        Kind::Ruling => {
            json!({ "license": "L1", "void": { "from": IAT - 10, "to": IAT }, "clears": ["clock", "ledger"],
            "ledger": "0123456789abcdef0123456789abcdef", "iat": IAT })
        }
        Kind::Keys => keys().claims(),
    }
}

pub fn token(kind: Kind) -> Vec<u8> {
    issue(kind, &claims(kind), &[&signer(kind)]).unwrap()
}

pub fn opened(token: &[u8]) -> Result<Document, Refusal> {
    open(token, &trust()).result.map_err(|refused| refused.refusal)
}
