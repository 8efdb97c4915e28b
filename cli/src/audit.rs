//! The vendor's audit key: its private half opens a ledger that a customer sends, without the customer's secret file.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reprieve::document::SigningKey;
use reprieve::ledger::{self, AuditSlot, Config, Key, KeySource};
use serde_json::{Value, json};
use x25519_dalek::{X25519_BASEPOINT_BYTES, x25519};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::input;
use crate::target::Reading;

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// The vendor's private audit key, in place of the secrets: for a ledger that a customer sent.
    #[arg(long, value_name = "FILE", requires = "app")]
    audit_key: Option<PathBuf>,
}

impl Args {
    pub fn read(&self) -> Result<Option<AuditKey>, Failure> {
        self.audit_key.as_deref().map(AuditKey::read).transpose()
    }
}

/// An X25519 private key.
pub struct AuditKey {
    name: String,
    secret: Zeroizing<[u8; 32]>,
}

impl AuditKey {
    /// A new one.
    pub fn generate() -> Result<AuditKey, Failure> {
        // 32 bytes of the system's random numbers.
        let random = SigningKey::generate("").map_err(|error| Failure::environment(error.to_string()))?;
        Ok(AuditKey { name: "the new key".to_owned(), secret: Zeroizing::new(*random.seed()) })
    }

    /// Reads a private JWK: `kty` OKP, `crv` X25519, `d`.
    pub fn read(path: &Path) -> Result<AuditKey, Failure> {
        let source = input::read(path)?;
        let jwk = source.object()?;
        let (name, _text) = (source.name, Zeroizing::new(source.text));
        let is = |key: &str, word: &str| jwk.get(key).and_then(Value::as_str) == Some(word);
        let wrong = || {
            let advice = "give the file that `reprieve keys audit` made";
            Failure::input(format!("{name}: is no private audit key (a JWK with crv X25519); {advice}"))
        };
        if !is("kty", "OKP") || !is("crv", "X25519") {
            return Err(wrong());
        }
        let d = jwk.get("d").and_then(Value::as_str).and_then(|d| URL_SAFE_NO_PAD.decode(d).ok()).map(Zeroizing::new);
        let secret = d.and_then(|d| <[u8; 32]>::try_from(d.as_slice()).ok()).ok_or_else(wrong)?;
        Ok(AuditKey { name, secret: Zeroizing::new(secret) })
    }

    fn public(&self) -> [u8; 32] {
        x25519(*self.secret, X25519_BASEPOINT_BYTES)
    }

    /// The public key, as `audit_key` of the application file holds it.
    pub fn public_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.public())
    }

    /// The private key as a JWK.
    pub fn jwk(&self) -> Value {
        let d = URL_SAFE_NO_PAD.encode(self.secret.as_slice());
        json!({ "kty": "OKP", "crv": "X25519", "x": self.public_text(), "d": d })
    }

    /// What opens each generation up to this one that has a slot for this key.
    pub fn opens(&self, config: &Config, upto: u64) -> Result<KeySource, Failure> {
        let each = ledger::audit_slots_of_each(&*Reading::new(&config.name, upto), config)?;
        let open = |slots: &Vec<AuditSlot>| self.open(self.slot(slots)?).ok();
        let keys: Vec<Key> = each.iter().rev().filter_map(|(_, slots)| open(slots)).collect();
        if keys.is_empty() {
            let slots: Vec<AuditSlot> = each.into_iter().flat_map(|(_, slots)| slots).collect();
            return Err(self.refused(&slots, config));
        }
        Ok(KeySource::data_keys(keys))
    }

    /// The slot that is for this key.
    pub fn slot<'a>(&self, slots: &'a [AuditSlot]) -> Option<&'a AuditSlot> {
        let public = self.public();
        slots.iter().find(|slot| slot.recipient() == public)
    }

    /// The data key that the slot holds.
    pub fn open(&self, slot: &AuditSlot) -> Result<Key, ledger::Error> {
        let shared = Zeroizing::new(x25519(*self.secret, slot.ephemeral()));
        slot.open(&shared)
    }

    /// Why it does not open a ledger with these slots.
    pub fn refused(&self, slots: &[AuditSlot], config: &Config) -> Failure {
        let why = if slots.is_empty() { "it has no slot for an audit key" } else { "it is for another audit key" };
        Failure::input(format!("{}: does not open the ledger in {}: {why}", self.name, config.folder.display()))
    }
}
