//! The few lines of JWS (RFC 7515) that documents need: taking a token apart, and one signature.
//!
//! Compact, Flattened JSON and General JSON serialisations. Headers must be protected; an unprotected `header` is not looked at.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::{Map, Value};

use super::{MAX_SIGNERS, MAX_TOKEN, json};

/// How a token is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Three parts with dots between them.
    Compact,
    /// JSON with one signature.
    Flattened,
    /// JSON with a list of signatures.
    General,
}

/// A token taken apart; nothing of it is verified.
#[derive(Debug)]
pub(super) struct Jws {
    pub form: Form,
    /// As it is signed, in base64url.
    encoded: String,
    pub payload: Vec<u8>,
    /// At least one, at most [`MAX_SIGNERS`].
    pub signers: Vec<Signer>,
}

#[derive(Debug)]
pub(super) struct Signer {
    /// As it is signed, in base64url.
    protected: String,
    pub header: Map<String, Value>,
    pub alg: String,
    pub kid: Option<String>,
    pub typ: Option<String>,
    signature: Vec<u8>,
}

/// A token without the white space of the file around it, or the byte order mark in front of it.
pub fn trim(token: &[u8]) -> &[u8] {
    token.trim_ascii().strip_prefix(b"\xef\xbb\xbf").unwrap_or(token).trim_ascii()
}

pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// base64url without padding, line breaks or bits left over: one text for the same bytes.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

impl Jws {
    /// The payload as it is signed, in base64url.
    pub(super) fn encoded(&self) -> &str {
        &self.encoded
    }

    /// The protected header and the signature of each signer, in base64url.
    pub(super) fn signatures(&self) -> impl Iterator<Item = (&str, String)> {
        self.signers.iter().map(|signer| (signer.protected.as_str(), encode(&signer.signature)))
    }

    /// Takes a token apart; the error says why it is no JWS.
    pub(super) fn parse(token: &[u8]) -> Result<Jws, String> {
        let token = trim(token);
        if token.len() > MAX_TOKEN {
            return Err(format!("it has {} bytes; a document has at most {MAX_TOKEN}", token.len()));
        }
        match token.first() {
            None => Err("it is empty".to_owned()),
            Some(b'{') => Jws::from_json(token),
            Some(_) => Jws::from_compact(token),
        }
    }

    fn from_compact(token: &[u8]) -> Result<Jws, String> {
        let text = std::str::from_utf8(token).map_err(|_| "it is no text".to_owned())?;
        let parts: Vec<&str> = text.splitn(4, '.').collect();
        let [protected, payload, signature] = parts.as_slice() else {
            return Err("a compact token has three parts with dots between them".to_owned());
        };
        let signer = Signer::parse(protected, signature)?;
        Jws::with(Form::Compact, payload, vec![signer])
    }

    fn from_json(token: &[u8]) -> Result<Jws, String> {
        let map = json::object(token)?;
        let payload = text(&map, "payload")?;
        let (form, signers) = match (map.get("signatures"), map.get("signature")) {
            (Some(Value::Array(list)), None) => {
                if list.is_empty() || list.len() > MAX_SIGNERS {
                    return Err(format!("it has {} signatures; a document has 1 to {MAX_SIGNERS}", list.len()));
                }
                (Form::General, list.iter().map(Signer::from_json).collect::<Result<_, _>>()?)
            }
            (None, Some(_)) => (Form::Flattened, vec![Signer::from_map(&map)?]),
            _ => return Err("it has neither `signatures`, a list, nor `signature`, a text, or both".to_owned()),
        };
        Jws::with(form, payload, signers)
    }

    fn with(form: Form, encoded: &str, signers: Vec<Signer>) -> Result<Jws, String> {
        let payload = decode(encoded).ok_or("its payload is not base64url without padding")?;
        Ok(Jws { form, encoded: encoded.to_owned(), payload, signers })
    }

    /// Whether one signature holds under an Ed25519 key. `alg` is no choice of the token's: it is either the name of this
    /// signature (`EdDSA` by RFC 8037, `Ed25519` by RFC 9864) or the signature does not hold.
    pub(super) fn holds(&self, signer: &Signer, key: &[u8; 32]) -> bool {
        signer.alg_is_ours() && verify(key, &signing_input(&signer.protected, &self.encoded), &signer.signature)
    }
}

fn verify(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok()
}

/// What a signature is over.
pub(super) fn signing_input(protected: &str, payload: &str) -> Vec<u8> {
    [protected, ".", payload].concat().into_bytes()
}

impl Signer {
    fn from_json(value: &Value) -> Result<Signer, String> {
        match value {
            Value::Object(map) => Signer::from_map(map),
            _ => Err("one of its signatures is no JSON object".to_owned()),
        }
    }

    fn from_map(map: &Map<String, Value>) -> Result<Signer, String> {
        Signer::parse(text(map, "protected")?, text(map, "signature")?)
    }

    fn parse(protected: &str, signature: &str) -> Result<Signer, String> {
        let bytes = decode(protected).ok_or("its header is not base64url without padding")?;
        let header = json::object(&bytes).map_err(|why| format!("its header: {why}"))?;
        let signature = decode(signature).ok_or("its signature is not base64url without padding")?;
        let alg = optional(&header, "alg")?.ok_or("its header has no `alg`")?;
        let (kid, typ) = (optional(&header, "kid")?, optional(&header, "typ")?);
        Ok(Signer { protected: protected.to_owned(), header, alg, kid, typ, signature })
    }

    pub(super) fn alg_is_ours(&self) -> bool {
        matches!(self.alg.as_str(), "EdDSA" | "Ed25519")
    }

    /// No extension of JWS is understood, so whatever `crit` names is not.
    pub(super) fn has_extensions(&self) -> bool {
        self.header.contains_key("crit")
    }
}

fn text<'a>(map: &'a Map<String, Value>, key: &str) -> Result<&'a str, String> {
    map.get(key).and_then(Value::as_str).ok_or_else(|| format!("its `{key}` is missing or no text"))
}

fn optional(header: &Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match header.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("`{key}` in its header is no text")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{RootKey, SigningKey};
    use super::*;

    const D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn rfc8037_key() -> SigningKey {
        SigningKey::from_jwk(&serde_json::json!({ "kty": "OKP", "crv": "Ed25519", "d": D, "x": X })).unwrap()
    }

    /// RFC 8037 appendix A.1 to A.3: the key, its public key, its thumbprint.
    #[test]
    fn rfc8037_keys() {
        let key = rfc8037_key();
        assert_eq!(encode(&key.public()), X);
        assert_eq!(encode(key.seed()), D);
        assert_eq!(key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!(key.kid(), key.thumbprint());
        let public = RootKey::from_jwk(&serde_json::json!({ "kty": "OKP", "crv": "Ed25519", "x": X })).unwrap();
        assert_eq!(public, key.root_key());
    }

    /// RFC 8037 appendix A.4 and A.5: signing, and validating.
    #[test]
    fn rfc8037_signature() {
        const TOKEN: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg\
                             3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        let key = rfc8037_key();
        let jws = Jws::parse(TOKEN.as_bytes()).unwrap();
        assert_eq!(jws.payload, b"Example of Ed25519 signing");
        assert!(jws.holds(&jws.signers[0], &key.public()));
        let input = signing_input(&encode(br#"{"alg":"EdDSA"}"#), &encode(&jws.payload));
        assert_eq!(key.sign(&input), jws.signers[0].signature);
        let other = SigningKey::from_seed("other", [7; 32]).unwrap();
        assert!(!jws.holds(&jws.signers[0], &other.public()));
    }

    /// Wycheproof's Ed25519 vectors, read from beside the workspace where they are.
    #[test]
    fn wycheproof() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/vectors/wycheproof/ed25519_test.json");
        let Ok(text) = std::fs::read_to_string(path) else {
            println!("not run: no Wycheproof vectors at {path}");
            return;
        };
        let hex = |value: &Value| -> Vec<u8> {
            let text = value.as_str().unwrap();
            (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
        };
        let vectors: Value = serde_json::from_str(&text).unwrap();
        let mut run = 0;
        for group in vectors["testGroups"].as_array().unwrap() {
            let key = hex(&group["publicKey"]["pk"]);
            for test in group["tests"].as_array().unwrap() {
                let holds = verify(&key, &hex(&test["msg"]), &hex(&test["sig"]));
                assert_eq!(holds, test["result"] == "valid", "{}: {}", test["tcId"], test["comment"]);
                run += 1;
            }
        }
        assert_eq!(Some(run), vectors["numberOfTests"].as_u64());
    }

    #[test]
    fn base64url_is_strict() {
        assert_eq!(decode("AA"), Some(vec![0]));
        for bad in ["AA==", "AA=", "AB", "A", "A A", "AA\n", "+/8", "\u{e9}"] {
            assert_eq!(decode(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn trims_what_a_file_adds() {
        for text in ["a.b.c", "a.b.c\n", "\r\n a.b.c \t\r\n", "\u{feff}a.b.c\n"] {
            assert_eq!(trim(text.as_bytes()), b"a.b.c");
        }
        assert_eq!(trim(b" \n"), b"");
    }
}
