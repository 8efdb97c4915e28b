//! A vendor of the tests: its keys, its application, and the documents that it issues.

#![allow(dead_code)]

use std::path::Path;
use std::time::Duration;

use reprieve::client::{App, Builder, Client};
use reprieve::document::{self, KeyEntry, Keys, Role, SigningKey};
use reprieve::terms::Kind;
use reprieve::time::Instant;
use serde_json::{Value, json};

pub struct Vendor {
    pub root: SigningKey,
    pub keys: Vec<SigningKey>,
    pub app: App,
}

const ROLES: [Role; 6] = [Role::Lease, Role::Policy, Role::Notice, Role::Support, Role::Revocation, Role::Ruling];

pub fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64
}

impl Vendor {
    pub fn new() -> Vendor {
        let root = SigningKey::from_seed("root-1", [99; 32]).unwrap();
        let keys: Vec<SigningKey> = ROLES
            .iter()
            .zip(1u8..)
            .map(|(role, seed)| SigningKey::from_seed(role.as_str(), [seed; 32]).unwrap())
            .collect();
        let document = Keys {
            version: 1,
            keys: keys.iter().zip(ROLES).map(|(key, role)| KeyEntry { roles: vec![role], ..key.entry(&[]) }).collect(),
            roots: vec![root.root_key()],
            endpoints: Vec::new(),
            mirrors: Vec::new(),
            iat: Instant::from_seconds(1_700_000_000),
        };
        let mut app = App::new("acme", b"the application's secret", vec![root.root_key()]);
        app.keys = Some(document::issue(Kind::Keys, &document.claims(), &[&root]).unwrap());
        Vendor { root, keys, app }
    }

    /// Another `keys` document, with the same keys, that says where to renew.
    pub fn rotate(&mut self, version: u64, endpoints: Value) {
        let document = Keys {
            version,
            keys: self
                .keys
                .iter()
                .zip(ROLES)
                .map(|(key, role)| KeyEntry { roles: vec![role], ..key.entry(&[]) })
                .collect(),
            roots: vec![self.root.root_key()],
            endpoints: Vec::new(),
            mirrors: Vec::new(),
            iat: Instant::from_seconds(1_700_000_000),
        };
        let mut claims = document.claims();
        claims["endpoints"] = endpoints;
        self.app.keys = Some(document::issue(Kind::Keys, &claims, &[&self.root]).unwrap());
    }

    pub fn issue(&self, kind: Kind, mut claims: Value) -> Vec<u8> {
        claims.as_object_mut().unwrap().entry("iat").or_insert(json!(now()));
        let key = self.keys.iter().find(|key| key.kid() == Role::of(kind).as_str()).unwrap();
        document::issue(kind, &claims, &[key]).unwrap()
    }

    pub fn lease(&self, seconds: i64) -> Vec<u8> {
        self.issue(
            Kind::Lease,
            json!({ "license": "L1", "sku": "cad", "ledger": "*", "features": { "core": now() + seconds, "render": now() + seconds } }),
        )
    }

    pub fn policy(&self, version: u64) -> Vec<u8> {
        let rules = json!({ "unknown": { "allowance": "3d" }, "network": { "allowance": "14d" } });
        let mut policy = json!({
            "schema": 1, "id": "acme", "version": version, "default_tier": "basic", "tiers": { "basic": rules },
        });
        policy["governance"] = json!({ "approvals": 1, "max_extension": "7d" });
        self.issue(Kind::Policy, policy)
    }

    pub fn builder(&self, folder: &Path) -> Builder {
        Builder::new(self.app.clone())
            .folder(folder.join("ledger"))
            .witness(folder.join("witness"))
            .lock_timeout(Duration::from_millis(400))
    }

    pub fn client(&self, folder: &Path) -> Client {
        self.builder(folder).open().unwrap()
    }
}
