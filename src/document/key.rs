//! The authority's own keys: Ed25519 by ring, in the forms that other tools read (RFC 8037, RFC 8410).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::jws::{decode, encode};
use super::{KeyEntry, Keys, Role, RootKey};
use crate::time::Instant;

/// A key that cannot be made or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyError(String);

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for KeyError {}

impl KeyError {
    /// For keys that lie elsewhere: what happened, and what to do.
    pub fn new(message: impl Into<String>) -> KeyError {
        KeyError(message.into())
    }
}

/// A private key that signs, wherever it lies: a [`SigningKey`], a key management service, a PKCS #11 token.
pub trait Sign: Send + Sync {
    /// The name that tokens carry.
    fn kid(&self) -> &str;
    /// The raw Ed25519 public key.
    fn public(&self) -> [u8; 32];
    /// The Ed25519 signature (RFC 8032) of a message: 64 bytes. May wait.
    ///
    /// # Errors
    /// What kept the key from signing.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError>;
}

impl Sign for SigningKey {
    fn kid(&self) -> &str {
        &self.kid
    }
    fn public(&self) -> [u8; 32] {
        self.public
    }
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        Ok(SigningKey::sign(self, message))
    }
}

/// A private key of the authority. Products never hold one.
pub struct SigningKey {
    kid: String,
    seed: Zeroizing<[u8; 32]>,
    pair: Ed25519KeyPair,
    public: [u8; 32],
}

// The start of a PKCS #8 private key that holds an Ed25519 seed of 32 bytes (RFC 8410): without the public key, and with it.
const PKCS8: &[u8] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
const PKCS8_WITH_PUBLIC: &[u8] = b"\x30\x51\x02\x01\x01\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";

impl SigningKey {
    /// A new key by the system's random numbers.
    pub fn generate(kid: impl Into<String>) -> Result<SigningKey, KeyError> {
        let mut seed = Zeroizing::new([0u8; 32]);
        SystemRandom::new()
            .fill(seed.as_mut())
            .map_err(|_| KeyError("the system gives no random numbers".to_owned()))?;
        SigningKey::from_seed(kid, *seed)
    }

    /// The key of a seed of 32 secret bytes: what RFC 8037 writes as `d`.
    pub fn from_seed(kid: impl Into<String>, seed: [u8; 32]) -> Result<SigningKey, KeyError> {
        let seed = Zeroizing::new(seed);
        let no_key = || KeyError("the seed makes no Ed25519 key".to_owned());
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).map_err(|_| no_key())?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| no_key())?;
        Ok(SigningKey { kid: kid.into(), seed, pair, public })
    }

    /// Reads a private JWK: `kty` OKP, `crv` Ed25519, `d`, and `x` if it is there. Without `kid` it is known by its thumbprint.
    pub fn from_jwk(jwk: &Value) -> Result<SigningKey, KeyError> {
        check_jwk(jwk)?;
        let d = jwk.get("d").and_then(Value::as_str).and_then(decode).map(Zeroizing::new);
        let seed = d.and_then(|d| <[u8; 32]>::try_from(d.as_slice()).ok()).map(Zeroizing::new);
        let seed = seed.ok_or_else(|| KeyError("`d` is missing or not 32 bytes in base64url".to_owned()))?;
        let mut key = SigningKey::from_seed("", *seed)?;
        if jwk.get("x").is_some_and(|x| x.as_str().and_then(decode).as_deref() != Some(key.public.as_slice())) {
            return Err(KeyError("`x` is not the public key of `d`".to_owned()));
        }
        key.kid = match jwk.get("kid") {
            None => key.thumbprint(),
            Some(Value::String(kid)) => kid.clone(),
            Some(_) => return Err(KeyError("`kid` is no text".to_owned())),
        };
        Ok(key)
    }

    /// Reads a PKCS #8 private key in PEM, as OpenSSL and most libraries write it.
    pub fn from_pem(kid: impl Into<String>, pem: &str) -> Result<SigningKey, KeyError> {
        let no_key =
            || KeyError("it is no PKCS #8 Ed25519 private key in PEM (-----BEGIN PRIVATE KEY-----)".to_owned());
        let body = pem.split_once(PEM_BEGIN).and_then(|(_, rest)| rest.split_once(PEM_END)).ok_or_else(no_key)?.0;
        let body = Zeroizing::new(body.split_ascii_whitespace().collect::<String>());
        let der = Zeroizing::new(STANDARD.decode(body.as_bytes()).map_err(|_| no_key())?);
        let rest = der.strip_prefix(PKCS8).or_else(|| der.strip_prefix(PKCS8_WITH_PUBLIC)).ok_or_else(no_key)?;
        let seed = rest.first_chunk::<32>().map(|seed| Zeroizing::new(*seed)).ok_or_else(no_key)?;
        SigningKey::from_seed(kid, *seed)
    }

    /// The name that tokens carry.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The secret itself.
    pub fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    /// The raw public key.
    pub fn public(&self) -> [u8; 32] {
        self.public
    }

    /// This key as a root key that products bring.
    pub fn root_key(&self) -> RootKey {
        RootKey { kid: self.kid.clone(), x: self.public }
    }

    /// This key as an entry of a `keys` document, without end.
    pub fn entry(&self, roles: &[Role]) -> KeyEntry {
        KeyEntry { kid: self.kid.clone(), x: self.public, roles: roles.to_vec(), nbf: None, exp: None }
    }

    /// The public key as a JWK.
    pub fn jwk_public(&self) -> Value {
        self.root_key().jwk()
    }

    /// The private key as a JWK. It holds the secret: keep it where the authority's keys are kept.
    pub fn jwk_private(&self) -> Value {
        let d = encode(self.seed.as_slice());
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": self.kid, "x": encode(&self.public), "d": d })
    }

    /// The private key as PKCS #8 in PEM. It holds the secret.
    pub fn to_pem(&self) -> Zeroizing<String> {
        let der = Zeroizing::new([PKCS8, self.seed.as_slice()].concat());
        let body = Zeroizing::new(STANDARD.encode(der.as_slice()));
        Zeroizing::new(format!("{PEM_BEGIN}\n{}\n{PEM_END}\n", body.as_str()))
    }

    /// The JWK thumbprint (RFC 7638) of the public key: a name that two keys never share.
    pub fn thumbprint(&self) -> String {
        self.root_key().thumbprint()
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

impl fmt::Debug for SigningKey {
    /// The name and the public key; never the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).field("x", &encode(&self.public)).finish_non_exhaustive()
    }
}

impl RootKey {
    /// Reads a public JWK: `kty` OKP, `crv` Ed25519, `x`, `kid`. `kty` and `crv` may be left out. Without `kid` it is known by
    /// its thumbprint.
    pub fn from_jwk(jwk: &Value) -> Result<RootKey, KeyError> {
        check_jwk(jwk)?;
        let x = jwk.get("x").and_then(Value::as_str).and_then(decode).and_then(|x| <[u8; 32]>::try_from(x).ok());
        let x = x.ok_or_else(|| KeyError("`x` is missing or not 32 bytes in base64url".to_owned()))?;
        let mut key = RootKey { kid: String::new(), x };
        key.kid = match jwk.get("kid") {
            None => key.thumbprint(),
            Some(Value::String(kid)) => kid.clone(),
            Some(_) => return Err(KeyError("`kid` is no text".to_owned())),
        };
        Ok(key)
    }

    /// The key as a JWK.
    pub fn jwk(&self) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": self.kid, "x": encode(&self.x) })
    }

    /// The JWK thumbprint (RFC 7638) of the key.
    pub fn thumbprint(&self) -> String {
        let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encode(&self.x));
        encode(ring::digest::digest(&ring::digest::SHA256, canonical.as_bytes()).as_ref())
    }
}

fn check_jwk(jwk: &Value) -> Result<(), KeyError> {
    for (name, only) in [("kty", "OKP"), ("crv", "Ed25519")] {
        if jwk.get(name).is_some_and(|value| value.as_str() != Some(only)) {
            return Err(KeyError(format!("`{name}` is not {only}; documents are signed with Ed25519")));
        }
    }
    Ok(())
}

impl Keys {
    /// The claims of a `keys` document that says this, to be issued.
    pub fn claims(&self) -> Value {
        let seconds = |at: Instant| Value::from(at.seconds());
        let keys = self.keys.iter().map(|key| {
            let roles: Vec<&str> = key.roles.iter().map(|role| role.as_str()).collect();
            let mut entry = json!({ "kid": key.kid, "x": encode(&key.x), "roles": roles });
            if let Some(map) = entry.as_object_mut() {
                map.extend(key.nbf.map(|at| ("nbf".to_owned(), seconds(at))));
                map.extend(key.exp.map(|at| ("exp".to_owned(), seconds(at))));
            }
            entry
        });
        let roots = self.roots.iter().map(|root| json!({ "kid": root.kid, "x": encode(&root.x) }));
        let mut claims = json!({
            "version": self.version,
            "keys": keys.collect::<Vec<_>>(),
            "roots": roots.collect::<Vec<_>>(),
            "iat": seconds(self.iat),
        });
        if !self.endpoints.is_empty() {
            let endpoints = self.endpoints.iter().map(|one| {
                let mut entry = json!({ "url": one.url, "priority": one.priority, "weight": one.weight });
                if let (Some(map), Some(region)) = (entry.as_object_mut(), &one.region) {
                    map.insert("region".to_owned(), Value::from(region.as_str()));
                }
                entry
            });
            claims["endpoints"] = endpoints.collect();
        }
        if !self.mirrors.is_empty() {
            claims["mirrors"] = json!(self.mirrors);
        }
        claims
    }
}
