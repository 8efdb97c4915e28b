//! What goes to the authority and what comes back, as both sides read and write it: JSON over HTTP, and text that people carry.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::armour::{self, Armour, CODE_MOST, NotRead};
use crate::ledger::note::{self, Checkpoint, Continues};
use crate::ledger::{Chain, GenerationCause, LedgerId, Since};
use crate::terms::is_name;
use crate::time::Instant;

/// More licences than any ledger has.
const LICENSES: usize = 10_000;

/// The longest request that an authority reads: that of a ledger with thousands of licences.
pub const MAX_REQUEST: usize = 1 << 20;

/// More letters than any nonce has.
const NONCE: usize = 256;

/// Whatever stands there: what is no list is a list of that.
fn any_list<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Value>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::Array(list) => list,
        Value::Null => Vec::new(),
        other => vec![other],
    })
}

/// A renewal request: what a client asks of the authority.
///
/// An authority reads one, decides by its own books, and signs the lease:
///
/// ```
/// # use std::collections::BTreeMap;
/// # use reprieve::client::{App, Builder};
/// # use reprieve::document::SigningKey;
/// # use reprieve::renew::{RenewalAnswer, RenewalRequest};
/// # use reprieve::time::Span;
/// # let app = App::new("acme", b"sixteen bytes or more", vec![SigningKey::generate("root-1")?.root_key()]);
/// # let client = Builder::new(app).in_memory().open()?;
/// # let body = client.request()?.body;
/// let request = RenewalRequest::read(&body)?;
/// let now = "2026-01-01T00:00:00Z".parse()?;
/// let features = BTreeMap::from([("core".to_owned(), now + Span::seconds(30 * 86_400))]);
/// let claims = request.lease("L1", "cad", &features, now, false);
/// assert_eq!(claims["nonce"], request.nonce);
/// // `document::issue(Kind::Lease, &claims, &[&key])`, and the token goes back:
/// # let token = b"a token".to_vec();
/// let answer = RenewalAnswer { documents: vec![token] };
/// let (over_http, by_mail) = (answer.to_json(), answer.to_armour());
/// # assert_eq!(RenewalAnswer::read(&over_http)?, RenewalAnswer::read(by_mail.as_bytes())?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewalRequest {
    /// What the lease must echo to be fresh.
    pub nonce: String,
    /// The licences that the ledger knows.
    pub licenses: Vec<String>,
    /// A5: appeals that the authority may not have, each as [`Appeal`](super::Appeal) reads it, which says what is wrong with one: none of them spoils the
    /// request. Over a line alone: a text that people carry has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "any_list")]
    pub appeals: Vec<Value>,
    /// The ledger's head, and what leads to it from older ones.
    #[serde(flatten)]
    pub chain: Chain,
}

impl RenewalRequest {
    /// Reads a request: the JSON that comes over HTTP, or the text that comes by mail. Its heads are signed with the key that it names, and follow
    /// on each other; whether it goes on from the head that was kept says [`Chain::continuity`].
    ///
    /// # Errors
    /// For anything else, in words.
    pub fn read(bytes: &[u8]) -> Result<RenewalRequest, NotRead> {
        if bytes.len() > MAX_REQUEST {
            return Err(NotRead(format!(
                "the renewal request has more than {MAX_REQUEST} bytes; no client sends such a one"
            )));
        }
        let request = match armour::is_armoured(bytes) {
            true => {
                let content = armour::read(Armour::Request, bytes)
                    .map_err(|error| NotRead(format!("the renewal request cannot be read: {error}")))?;
                RenewalRequest::of_content(&content)?
            }
            false => RenewalRequest::of_json(bytes)?,
        };
        if request.licenses.len() > LICENSES || !request.licenses.iter().all(|license| is_name(license)) {
            return Err(NotRead("the renewal request names licences that are none".to_owned()));
        }
        if request.nonce.is_empty() || request.nonce.len() > NONCE {
            return Err(NotRead("the renewal request has no nonce that can be used".to_owned()));
        }
        request.chain.check().map_err(|error| NotRead(error.to_string()))?;
        Ok(request)
    }

    fn of_json(bytes: &[u8]) -> Result<RenewalRequest, NotRead> {
        serde_json::from_slice(bytes).map_err(|error| NotRead(format!("the renewal request cannot be read: {error}")))
    }

    fn of_content(content: &[u8]) -> Result<RenewalRequest, NotRead> {
        if content.starts_with(b"{") {
            return RenewalRequest::of_json(content);
        }
        let newer = || NotRead("the renewal request is of a newer release, or none; update the authority".to_owned());
        compact::read(content).ok_or_else(newer)
    }

    /// What stands between the markers.
    fn content(&self) -> Vec<u8> {
        // A text is to stay as short as a code can hold: an appeal goes as the file that it was written as.
        let request = RenewalRequest { appeals: Vec::new(), ..self.clone() };
        let compact = compact::write(&request);
        // A request that is made by another hand may hold what the few bytes cannot say.
        if compact::read(&compact).as_ref() == Some(&request) { compact } else { request.to_json() }
    }

    /// The body over HTTP.
    pub fn to_json(&self) -> Vec<u8> {
        // Texts, numbers and lists: there is nothing in it that JSON cannot hold.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The text for a mail: two markers, and some lines of letters and digits between.
    pub fn to_armour(&self) -> String {
        armour::write(Armour::Request, &self.content())
    }

    /// The same for QR codes in alphanumeric mode: a text for each, and one is enough but for ledgers with very many licences.
    pub fn to_codes(&self) -> Vec<String> {
        armour::codes(Armour::Request, &self.content(), CODE_MOST)
    }

    /// The claims of the lease that answers this: bound to the ledger, with its nonce, and its head countersigned. `put_back`: the authority saw that
    /// this ledger does not go on from the head that it kept.
    pub fn lease(
        &self,
        license: &str,
        sku: &str,
        features: &BTreeMap<String, Instant>,
        iat: Instant,
        put_back: bool,
    ) -> Value {
        let features: serde_json::Map<String, Value> =
            features.iter().map(|(feature, exp)| (feature.clone(), json!(exp.seconds()))).collect();
        let mut claims = json!({
            "license": license, "sku": sku, "features": features, "ledger": self.chain.ledger, "nonce": self.nonce,
            "checkpoint": self.chain.head, "iat": iat.seconds(),
        });
        if put_back && let Some(claims) = claims.as_object_mut() {
            claims.insert("put_back".to_owned(), json!(true));
        }
        claims
    }
}

/// The authority's answer: documents, in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenewalAnswer {
    /// The tokens. What stood in a list of documents and is none is here as its own JSON text, and refused as `malformed` like any other page.
    pub documents: Vec<Vec<u8>>,
}

impl RenewalAnswer {
    /// Reads an answer: JSON `{"documents": [token, ...]}`, one token, or the text that comes by mail. Anything else that is not empty is taken for
    /// a token, which is for its signature to prove.
    ///
    /// # Errors
    /// If it is empty, its `documents` are no list, or a text of a mail was cut or changed.
    pub fn read(bytes: &[u8]) -> Result<RenewalAnswer, NotRead> {
        if bytes.trim_ascii().is_empty() {
            return Err(NotRead("is empty; report an outage of kind server".to_owned()));
        }
        let content;
        // What begins as JSON or a token does is never looked through for the markers.
        let json = match !bytes.trim_ascii_start().starts_with(b"{") && armour::is_armoured(bytes) {
            true => {
                content =
                    armour::read(Armour::Answer, bytes).map_err(|error| NotRead(format!("cannot be read: {error}")))?;
                &content
            }
            false => bytes,
        };
        let alone = || Ok(RenewalAnswer { documents: vec![json.to_vec()] });
        let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(json) else { return alone() };
        let Some(documents) = object.get("documents") else { return alone() };
        let Some(documents) = documents.as_array() else {
            return Err(NotRead("has `documents` that is no list of tokens".to_owned()));
        };
        let token = |document: &Value| match document {
            Value::String(token) => token.clone().into_bytes(),
            // General JSON; or what is no token at all, and spoils none beside it.
            other => other.to_string().into_bytes(),
        };
        Ok(RenewalAnswer { documents: documents.iter().map(token).collect() })
    }

    /// The body over HTTP, and of a mirror's file.
    pub fn to_json(&self) -> Vec<u8> {
        self.to_value().to_string().into_bytes()
    }

    /// The same, to which an authority may add what it has to say to people.
    pub fn to_value(&self) -> Value {
        let documents = self.documents.iter().map(|token| match serde_json::from_slice::<Value>(token) {
            Ok(general @ Value::Object(_)) => general,
            _ => Value::String(String::from_utf8_lossy(token.trim_ascii()).into_owned()),
        });
        json!({ "documents": documents.collect::<Vec<Value>>() })
    }

    /// The text for a mail.
    pub fn to_armour(&self) -> String {
        armour::write(Armour::Answer, &self.to_json())
    }

    /// The same for QR codes in alphanumeric mode, a text for each: a lease alone fits one.
    pub fn to_codes(&self) -> Vec<String> {
        armour::codes(Armour::Answer, &self.to_json(), CODE_MOST)
    }
}

/// A request in few bytes: hashes as they are, each once, and notes without what the rest of the request says already.
mod compact {
    use super::*;

    const VERSION: u8 = 1;

    /// A ledger shows no more than nine older heads, and of 2^64 records no path is longer than 65.
    const HASHES: usize = 4096;

    /// A note whose bytes are built again from what it says.
    const BUILT: u8 = 1;
    const AS_IT_IS: u8 = 0;

    /// The key's id and the signature, as a note's line holds them.
    const SIGNATURE: usize = 4 + 64;

    #[derive(Default)]
    struct Writer {
        bytes: Vec<u8>,
        hashes: Vec<[u8; 32]>,
    }

    impl Writer {
        fn number(&mut self, mut number: u64) {
            while number >= 0x80 {
                self.bytes.push(number as u8 | 0x80);
                number >>= 7;
            }
            self.bytes.push(number as u8);
        }

        fn bytes(&mut self, bytes: &[u8]) {
            self.number(bytes.len() as u64);
            self.bytes.extend_from_slice(bytes);
        }

        fn hash(&mut self, hash: &[u8; 32]) {
            let at = self.hashes.iter().position(|known| known == hash).unwrap_or_else(|| {
                self.hashes.push(*hash);
                self.hashes.len() - 1
            });
            self.number(at as u64);
        }

        fn note(&mut self, id: &LedgerId, text: &str) {
            let Some(note) = Note::of(id, text).filter(|note| note.text(id) == text) else {
                self.bytes.push(AS_IT_IS);
                return self.bytes(text.as_bytes());
            };
            self.bytes.push(BUILT);
            self.number(note.generation);
            self.number(note.size);
            self.hash(&note.root);
            match &note.continues {
                None => self.bytes.push(0),
                Some(before) => {
                    self.bytes(before.cause.to_string().as_bytes());
                    self.number(before.generation);
                    self.number(before.size);
                    self.hash(&before.root);
                }
            }
            self.bytes.extend_from_slice(&note.signature);
        }
    }

    struct Reader<'a> {
        bytes: &'a [u8],
        hashes: Vec<[u8; 32]>,
        /// How many more hashes may be named: a byte names one, and a short text must not become a long list.
        left: usize,
    }

    impl<'a> Reader<'a> {
        fn take(&mut self, count: usize) -> Option<&'a [u8]> {
            let (taken, rest) = self.bytes.split_at_checked(count)?;
            self.bytes = rest;
            Some(taken)
        }

        fn byte(&mut self) -> Option<u8> {
            self.take(1)?.first().copied()
        }

        fn number(&mut self) -> Option<u64> {
            let mut number = 0u64;
            for shift in (0..64).step_by(7) {
                let byte = self.byte()?;
                let part = u64::from(byte & 0x7f);
                if shift == 63 && part > 1 {
                    return None;
                }
                number |= part << shift;
                if byte & 0x80 == 0 {
                    return Some(number);
                }
            }
            None
        }

        /// How many of something follow: each takes a byte at least, so no count is believed that the rest cannot hold.
        fn count(&mut self) -> Option<usize> {
            usize::try_from(self.number()?).ok().filter(|count| *count <= self.bytes.len())
        }

        fn bytes(&mut self) -> Option<&'a [u8]> {
            let count = self.count()?;
            self.take(count)
        }

        fn text(&mut self) -> Option<String> {
            String::from_utf8(self.bytes()?.to_vec()).ok()
        }

        fn hash(&mut self) -> Option<[u8; 32]> {
            self.left = self.left.checked_sub(1)?;
            let at = usize::try_from(self.number()?).ok()?;
            self.hashes.get(at).copied()
        }

        fn list<T>(&mut self, mut one: impl FnMut(&mut Reader<'a>) -> Option<T>) -> Option<Vec<T>> {
            (0..self.count()?).map(|_| one(self)).collect()
        }

        fn note(&mut self, id: &LedgerId) -> Option<String> {
            match self.byte()? {
                AS_IT_IS => self.text(),
                BUILT => {
                    let (generation, size, root) = (self.number()?, self.number()?, self.hash()?);
                    let cause = self.text()?;
                    let continues = match cause.as_str() {
                        "" => None,
                        cause => Some(Continues {
                            cause: GenerationCause::from_word(cause)?,
                            generation: self.number()?,
                            size: self.number()?,
                            root: self.hash()?,
                        }),
                    };
                    let signature = self.take(SIGNATURE)?.try_into().ok()?;
                    Some(Note { generation, size, root, continues, signature }.text(id))
                }
                _ => None,
            }
        }
    }

    /// What a ledger's own note says.
    struct Note {
        generation: u64,
        size: u64,
        root: [u8; 32],
        continues: Option<Continues>,
        signature: [u8; SIGNATURE],
    }

    impl Note {
        fn of(id: &LedgerId, text: &str) -> Option<Note> {
            let checkpoint = Checkpoint::of_note(text).ok()?;
            let signature = STANDARD.decode(text.trim_end().rsplit(' ').next()?).ok()?;
            Some(Note {
                generation: note::generation_of(id, &checkpoint.origin)?,
                size: checkpoint.size,
                root: checkpoint.root,
                continues: checkpoint.continues(),
                signature: signature.try_into().ok()?,
            })
        }

        fn text(&self, id: &LedgerId) -> String {
            let origin = note::origin(id, self.generation);
            let extensions = self.continues.iter().map(Continues::line).collect();
            let checkpoint = Checkpoint { origin: origin.clone(), size: self.size, root: self.root, extensions };
            format!("{}\n\u{2014} {origin} {}\n", checkpoint.text(), STANDARD.encode(self.signature))
        }
    }

    pub(super) fn write(request: &RenewalRequest) -> Vec<u8> {
        let chain = &request.chain;
        let mut writer = Writer::default();
        let id = chain.ledger.parse().unwrap_or(LedgerId::from_bytes([0; 16]));
        writer.bytes.extend_from_slice(id.as_bytes());
        let nonce = URL_SAFE_NO_PAD.decode(&request.nonce).unwrap_or_default();
        writer.bytes(&nonce);
        writer.number(request.licenses.len() as u64);
        request.licenses.iter().for_each(|license| writer.bytes(license.as_bytes()));
        writer.bytes.extend_from_slice(&chain.key);
        writer.number(chain.closings.len() as u64);
        chain.closings.iter().chain([&chain.head]).for_each(|text| writer.note(&id, text));
        writer.number(chain.since.len() as u64);
        for since in &chain.since {
            writer.number(since.generation);
            writer.number(since.size);
            writer.hash(&since.root);
            writer.number(since.path.len() as u64);
            since.path.iter().for_each(|hash| writer.hash(hash));
        }
        let mut head = Writer { bytes: vec![VERSION], hashes: Vec::new() };
        head.number(writer.hashes.len() as u64);
        [head.bytes, writer.hashes.concat(), writer.bytes].concat()
    }

    pub(super) fn read(bytes: &[u8]) -> Option<RenewalRequest> {
        let mut reader = Reader { bytes, hashes: Vec::new(), left: HASHES };
        if reader.byte()? != VERSION {
            return None;
        }
        let hashes = reader.list(|reader| reader.take(32)?.try_into().ok())?;
        reader.hashes = hashes;
        let id = LedgerId::from_bytes(reader.take(16)?.try_into().ok()?);
        let nonce = URL_SAFE_NO_PAD.encode(reader.bytes()?);
        let licenses = reader.list(Reader::text)?;
        let key = reader.take(32)?.try_into().ok()?;
        let closings = reader.list(|reader| reader.note(&id))?;
        let head = reader.note(&id)?;
        let since = reader.list(|reader| {
            Some(Since {
                generation: reader.number()?,
                size: reader.number()?,
                root: reader.hash()?,
                path: reader.list(Reader::hash)?,
            })
        })?;
        let chain = Chain { ledger: id.to_string(), key, head, closings, since };
        reader.bytes.is_empty().then_some(RenewalRequest { nonce, licenses, appeals: Vec::new(), chain })
    }
}
