//! An appeal, as a client writes it and an authority reads it: the same in a renewal, over HTTP, in a file and in a mail (rule A5).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::armour::NotRead;
use crate::grace::{OpenAppeal, appeal_id};
use crate::ledger::LedgerId;
use crate::ledger::note::{self, Checkpoint, Verifier};
use crate::ledger::tree::sha256;
use crate::order;
use crate::terms::is_name;
use crate::time::Instant;

/// The most bytes of an appeal's text.
pub const APPEAL_TEXT: usize = 10_000;

/// The most bytes of the appeals that go with a request: what is longer goes with a later one.
pub const APPEALS_MOST: usize = 64 << 10;

/// More letters than any head has.
const HEAD: usize = 16 << 10;

/// What stands before the hash in the line of the head that signs an appeal.
const LINE: &str = "appeal ";

/// An appeal that was read: what it says, and what its ledger's key has signed of it.
///
/// Whether that key is the ledger's own is in the authority's books.
///
/// ```
/// # use reprieve::client::{App, Builder};
/// # use reprieve::document::SigningKey;
/// # use reprieve::renew::Appeal;
/// # let app = App::new("acme", b"sixteen bytes or more", vec![SigningKey::generate("root-1")?.root_key()]);
/// # let client = Builder::new(app).in_memory().open()?;
/// let file = client.appeal(Some("L1"), "The server room was under water.")?;
/// let appeal = Appeal::read(&file)?;
/// assert_eq!((appeal.license.as_deref(), &*appeal.text), (Some("L1"), "The server room was under water."));
/// let altered = String::from_utf8(file)?.replace("water", "siege");
/// assert!(Appeal::read(altered.as_bytes()).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appeal {
    /// By what client and authority know it, on whatever way it came.
    pub id: String,
    /// The licence that it is about, if it is about one.
    pub license: Option<String>,
    /// In the customer's words.
    pub text: String,
    /// When it was filed, by the ledger's time.
    pub at: Instant,
    /// The ledger.
    pub ledger: LedgerId,
    /// The public key that signed its head.
    pub key: [u8; 32],
    /// The ledger's head: a signed note.
    pub head: String,
    content: Map<String, Value>,
}

impl Appeal {
    /// Reads an appeal: the JSON that [`Client::appeal`](crate::client::Client::appeal) writes, and that a renewal request carries.
    ///
    /// # Errors
    /// For anything else, and for one that was changed since the ledger signed it, in words.
    pub fn read(bytes: &[u8]) -> Result<Appeal, NotRead> {
        let value = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        Appeal::of_value(value)
    }

    /// The same of JSON that is read already.
    ///
    /// # Errors
    /// As [`Appeal::read`].
    pub fn of_value(value: Value) -> Result<Appeal, NotRead> {
        let Value::Object(content) = value else { return Err(wrong("it is no object")) };
        let empty = Map::new();
        let said = content.get("appeal").and_then(Value::as_object).unwrap_or(&empty);
        let word = |object: &Map<String, Value>, key: &str, what: &str| {
            let text = object.get(key).and_then(Value::as_str).map(str::to_owned);
            text.ok_or_else(|| wrong(format!("`{what}` is no text")))
        };
        let text = word(said, "text", "appeal.text")?;
        if text.trim().is_empty() || text.len() > APPEAL_TEXT {
            return Err(wrong("`appeal.text` has 1 to 10,000 bytes"));
        }
        let license = match said.get("license") {
            None | Some(Value::Null) => None,
            Some(license) => match license.as_str().filter(|license| is_name(license)) {
                Some(license) => Some(license.to_owned()),
                None => return Err(wrong("`appeal.license` is no name")),
            },
        };
        let at: Instant = word(said, "at", "appeal.at")?.parse().map_err(|_| wrong("`appeal.at` is no instant"))?;
        let ledger = word(&content, "ledger", "ledger")?;
        let ledger: LedgerId = ledger.parse().map_err(|_| wrong("`ledger` is no ledger's id"))?;
        let key = STANDARD.decode(word(&content, "key", "key")?).ok().and_then(|key| key.try_into().ok());
        let key: [u8; 32] = key.ok_or_else(|| wrong("`key` is no ledger's key"))?;
        let head = word(&content, "head", "head")?;
        let says = Checkpoint::of_note(&head).ok().filter(|_| head.len() <= HEAD);
        let says = says.ok_or_else(|| wrong("`head` is no signed head"))?;
        let generation = content.get("generation").and_then(Value::as_u64);
        if generation.is_none_or(|generation| says.origin != note::origin(&ledger, generation)) {
            return Err(wrong("`head` is of another ledger or generation"));
        }
        let signed = Verifier::new(&says.origin, key).is_ok_and(|verifier| verifier.verify(&head).is_ok());
        if !signed || !says.extensions.contains(&line_of(&content)) {
            return Err(wrong("it is not what the ledger signed: it was changed since"));
        }
        let id = appeal_id(&ledger.to_string(), at, license.as_deref(), &text);
        Ok(Appeal { id, license, text, at, ledger, key, head, content })
    }

    /// As a file, or over HTTP.
    pub fn to_json(&self) -> Vec<u8> {
        written(&self.content)
    }

    /// As a request carries it.
    pub fn to_value(&self) -> Value {
        Value::Object(self.content.clone())
    }
}

fn wrong(why: impl Into<String>) -> NotRead {
    NotRead(format!("this is no appeal as `reprieve appeal` writes it: {}", why.into()))
}

/// The bytes of an appeal's file.
pub(crate) fn written(content: &Map<String, Value>) -> Vec<u8> {
    // Texts, numbers and lists: there is nothing in it that JSON cannot hold.
    let mut bytes = serde_json::to_vec_pretty(content).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Writes an appeal; `sign` signs the ledger's head with a further line.
pub(crate) fn write<E>(
    open: &OpenAppeal,
    about: &About<'_>,
    history: Vec<Value>,
    sign: impl FnOnce(&str) -> Result<String, E>,
) -> Result<Map<String, Value>, E> {
    let object = json!({
        "appeal": { "license": open.license, "text": &*open.text, "at": open.at.to_string() },
        "ledger": about.ledger,
        "generation": about.generation,
        "key": STANDARD.encode(about.key),
        "clock": about.clock,
        "history": history,
    });
    let Value::Object(mut object) = object else { return Ok(Map::new()) };
    let head = sign(&line_of(&object))?;
    object.insert("head".to_owned(), Value::String(head));
    Ok(object)
}

/// The ledger of an appeal.
pub(crate) struct About<'a> {
    pub ledger: &'a str,
    pub generation: u64,
    pub key: [u8; 32],
    pub clock: &'a str,
}

/// The line of the head that binds an appeal to it: a hash of all but the head itself.
fn line_of(content: &Map<String, Value>) -> String {
    let mut bytes = Vec::new();
    plain_object(content.iter().filter(|(key, _)| *key != "head"), &mut bytes);
    format!("{LINE}{}", STANDARD.encode(sha256(&[&bytes])))
}

/// JSON in the one form that is hashed: keys in the order of their bytes, and no white space.
fn plain(value: &Value, to: &mut Vec<u8>) {
    match value {
        Value::Object(object) => plain_object(object.iter(), to),
        Value::Array(array) => {
            to.push(b'[');
            for (at, one) in array.iter().enumerate() {
                if at > 0 {
                    to.push(b',');
                }
                plain(one, to);
            }
            to.push(b']');
        }
        other => to.extend_from_slice(other.to_string().as_bytes()),
    }
}

fn plain_object<'a>(members: impl Iterator<Item = (&'a String, &'a Value)>, to: &mut Vec<u8>) {
    let members = order::map(members);
    to.push(b'{');
    for (at, (key, value)) in members.into_iter().enumerate() {
        if at > 0 {
            to.push(b',');
        }
        to.extend_from_slice(Value::String(key.clone()).to_string().as_bytes());
        to.push(b':');
        plain(value, to);
    }
    to.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_that_is_hashed_is_one_whatever_the_order_and_the_white_space() {
        let says = |text: &str| {
            let mut bytes = Vec::new();
            plain(&serde_json::from_str(text).unwrap(), &mut bytes);
            String::from_utf8(bytes).unwrap()
        };
        let one = says(" { \"b\" : [ 1, null, {\"z\": true, \"a\": \"\\u00fc \\u0001\\n\\\"\"} ], \"a\": -7 } ");
        assert_eq!(one, "{\"a\":-7,\"b\":[1,null,{\"a\":\"\u{fc} \\u0001\\n\\\"\",\"z\":true}]}");
        assert_eq!(says(&one), one);
    }

    #[test]
    fn what_is_no_appeal_is_named() {
        for (text, word) in [
            ("", "EOF"),
            ("[]", "no object"),
            ("{}", "`appeal.text`"),
            (r#"{"appeal":{"license":7,"text":"x"}}"#, "`appeal.license`"),
            (r#"{"appeal":{"license":null,"text":" "}}"#, "`appeal.text`"),
            (r#"{"appeal":{"license":"a b","text":"x"}}"#, "`appeal.license`"),
            (r#"{"appeal":{"text":"x"}}"#, "`appeal.at`"),
            (r#"{"appeal":{"text":"x","at":"2026-01-01T00:00:00Z"},"ledger":"x"}"#, "`ledger`"),
            (
                r#"{"appeal":{"text":"x","at":"2026-01-01T00:00:00Z"},"ledger":"00000000000000000000000000000000"}"#,
                "`key`",
            ),
        ] {
            let error = Appeal::read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
