//! Signed notes and checkpoints as C2SP specifies them (`signed-note`, `tlog-checkpoint`), with Ed25519 keys.
//!
//! A head of the ledger is such a note, in the clear and signed by the ledger's own key: any tool that reads transparency
//! logs can check it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use super::GenerationCause;
use super::error::{Error, ErrorKind, Result};
use super::tree::{Hash, sha256};

const ALGORITHM_ED25519: u8 = 1;
const MAX_NOTE: usize = 1 << 20;
const MAX_SIGNATURES: usize = 100;

fn malformed(what: &str) -> Error {
    Error::new(ErrorKind::Damaged, format!("a signed note is malformed: {what}"))
}

/// A key that a note's signature is checked with.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    key: [u8; 32],
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({})", self.vkey())
    }
}

fn is_key_name(name: &str) -> bool {
    // A note holds no control character, so a name with one would sign what nobody can verify.
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c == '+' || c < ' ')
}

impl Verifier {
    /// The key of this name.
    ///
    /// # Errors
    /// `Misuse` for a name that is empty or holds white space, a control character or a plus sign.
    pub fn new(name: &str, key: [u8; 32]) -> Result<Verifier> {
        if !is_key_name(name) {
            return Err(Error::new(ErrorKind::Misuse, format!("{name:?} is no name for a note's key")));
        }
        Ok(Verifier { name: name.to_string(), key })
    }

    /// Reads a key in its text form, `name+id+base64`.
    ///
    /// # Errors
    /// `Damaged` for anything else, other algorithms than Ed25519 included.
    pub fn from_vkey(vkey: &str) -> Result<Verifier> {
        let mut parts = vkey.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(malformed("a key is name+id+key"));
        };
        let key = STANDARD.decode(key).map_err(|_| malformed("a key is not base64"))?;
        let Some((&ALGORITHM_ED25519, key)) = key.split_first() else {
            return Err(malformed("a key's algorithm is not Ed25519"));
        };
        let key: [u8; 32] = key.try_into().map_err(|_| malformed("an Ed25519 key has 32 bytes"))?;
        if !is_key_name(name) {
            return Err(malformed("a key's name is empty or holds white space"));
        }
        let verifier = Verifier { name: name.to_string(), key };
        let id_is_right = id.len() == 8
            && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            && u32::from_str_radix(id, 16) == Ok(u32::from_be_bytes(verifier.id()));
        if id_is_right { Ok(verifier) } else { Err(malformed("a key's id does not belong to it")) }
    }

    /// The key in its text form.
    pub fn vkey(&self) -> String {
        let id = u32::from_be_bytes(self.id());
        let mut key = vec![ALGORITHM_ED25519];
        key.extend_from_slice(&self.key);
        format!("{}+{id:08x}+{}", self.name, STANDARD.encode(key))
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn id(&self) -> [u8; 4] {
        let hash = sha256(&[self.name.as_bytes(), b"\n", &[ALGORITHM_ED25519], &self.key]);
        [hash[0], hash[1], hash[2], hash[3]]
    }

    /// Checks a note and returns the text that this key signed.
    ///
    /// # Errors
    /// `Damaged` for a malformed note, and for one that this key has not signed or whose signature by it is wrong.
    pub fn verify<'a>(&self, note: &'a str) -> Result<&'a str> {
        let note = Note::parse(note)?;
        let (id, key) = (self.id(), UnparsedPublicKey::new(&ED25519, self.key));
        let mut signed = false;
        for line in note.signatures.iter().filter(|line| line.name == self.name && line.id == id) {
            if key.verify(note.text.as_bytes(), &line.signature).is_err() {
                return Err(malformed(&format!("the signature by {} is wrong", self.name)));
            }
            signed = true;
        }
        if signed { Ok(note.text) } else { Err(malformed(&format!("it is not signed by {}", self.name))) }
    }
}

/// Signs a text, which must end in a newline, under the name of the key.
///
/// # Errors
/// `Misuse` for a text or name that no note can hold.
pub fn sign(name: &str, key: &Ed25519KeyPair, text: &str) -> Result<String> {
    let public = key.public_key().as_ref().try_into().map_err(|_| malformed("an Ed25519 key has 32 bytes"))?;
    sign_by(name, public, text, |text| Ok(key.sign(text).as_ref().to_vec()))
}

/// Signs a text as [`sign`] does, by a key that may lie elsewhere.
///
/// # Errors
/// As [`sign`], and what `key` gives.
pub fn sign_by<E: From<Error>>(
    name: &str,
    public: [u8; 32],
    text: &str,
    key: impl FnOnce(&[u8]) -> std::result::Result<Vec<u8>, E>,
) -> std::result::Result<String, E> {
    if !text.ends_with('\n') || text.chars().any(|c| c < ' ' && c != '\n') {
        let text = "a note's text ends in a newline and holds no other control character";
        return Err(Error::new(ErrorKind::Misuse, text).into());
    }
    let verifier = Verifier::new(name, public)?;
    let mut line = verifier.id().to_vec();
    line.extend_from_slice(&key(text.as_bytes())?);
    Ok(format!("{text}\n\u{2014} {name} {}\n", STANDARD.encode(line)))
}

/// A note taken apart; nothing is verified.
struct Note<'a> {
    text: &'a str,
    signatures: Vec<SignatureLine<'a>>,
}

struct SignatureLine<'a> {
    name: &'a str,
    id: [u8; 4],
    signature: Vec<u8>,
}

impl<'a> Note<'a> {
    fn parse(note: &'a str) -> Result<Note<'a>> {
        if note.len() > MAX_NOTE {
            return Err(malformed("it is longer than 1 MiB"));
        }
        if note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(malformed("it holds a control character"));
        }
        let split = note.rfind("\n\n").ok_or_else(|| malformed("no empty line comes before the signatures"))?;
        let (text, lines) = (&note[..=split], &note[split + 2..]);
        let lines = lines.strip_suffix('\n').ok_or_else(|| malformed("it does not end in a newline"))?;
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            let rest = line.strip_prefix("\u{2014} ").ok_or_else(|| malformed("a signature line has no dash"))?;
            let (name, code) = rest.split_once(' ').ok_or_else(|| malformed("a signature line has no name"))?;
            let code = STANDARD.decode(code).map_err(|_| malformed("a signature is not base64"))?;
            let Some((id, signature)) = code.split_first_chunk::<4>() else {
                return Err(malformed("a signature is too short"));
            };
            if !is_key_name(name) || signature.is_empty() {
                return Err(malformed("a signature has no proper name or no bytes"));
            }
            signatures.push(SignatureLine { name, id: *id, signature: signature.to_vec() });
            if signatures.len() > MAX_SIGNATURES {
                return Err(malformed("it has more than 100 signatures"));
            }
        }
        Ok(Note { text, signatures })
    }
}

/// What a checkpoint says: which log, how many leaves, which root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name. A ledger's is [`origin`].
    pub origin: String,
    /// How many leaves the tree has.
    pub size: u64,
    /// The tree's root.
    pub root: Hash,
    /// Further lines, which mean nothing here.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// The checkpoint's text, which a note signs.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root));
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// Reads a checkpoint's text.
    ///
    /// # Errors
    /// `Damaged` for anything else.
    pub fn parse(text: &str) -> Result<Checkpoint> {
        let mut lines = text.strip_suffix('\n').ok_or_else(|| malformed("a checkpoint ends in a newline"))?.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(malformed("a checkpoint has at least three lines"));
        };
        if origin.is_empty() {
            return Err(malformed("a checkpoint's origin is empty"));
        }
        let plain = size.bytes().all(|b| b.is_ascii_digit()) && (size == "0" || !size.starts_with('0'));
        let size = size.parse().ok().filter(|_| plain).ok_or_else(|| malformed("a checkpoint's size is no number"))?;
        let root = STANDARD.decode(root).ok().and_then(|root| root.try_into().ok());
        let root = root.ok_or_else(|| malformed("a checkpoint's root is not 32 bytes of base64"))?;
        let extensions: Vec<String> = lines.map(str::to_string).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(malformed("a checkpoint has an empty line"));
        }
        Ok(Checkpoint { origin: origin.to_string(), size, root, extensions })
    }

    /// What a signed note says, whoever signed it: nothing is verified.
    ///
    /// # Errors
    /// `Damaged` for anything that is no signed checkpoint.
    pub fn of_note(note: &str) -> Result<Checkpoint> {
        Checkpoint::parse(Note::parse(note)?.text)
    }

    /// Which closed generation a ledger's head goes on from, as the ledger's key signs it: the extension line
    /// `continues GENERATION SIZE ROOT CAUSE`.
    pub fn continues(&self) -> Option<Continues> {
        self.extensions.iter().find_map(|line| Continues::parse(line))
    }
}

/// The last head of the generation before, as each head of a later generation names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continues {
    /// The generation that was closed.
    pub generation: u64,
    /// How many leaves its tree had then.
    pub size: u64,
    /// The tree's root.
    pub root: Hash,
    /// Why it was closed.
    pub cause: GenerationCause,
}

impl Continues {
    /// The extension line, without its newline.
    pub fn line(&self) -> String {
        format!("continues {} {} {} {}", self.generation, self.size, STANDARD.encode(self.root), self.cause)
    }

    fn parse(line: &str) -> Option<Continues> {
        let words: Vec<&str> = line.strip_prefix("continues ")?.split(' ').collect();
        let [generation, size, root, cause] = words[..] else { return None };
        let continues = Continues {
            generation: generation.parse().ok()?,
            size: size.parse().ok()?,
            root: STANDARD.decode(root).ok()?.try_into().ok()?,
            cause: GenerationCause::from_word(cause)?,
        };
        (continues.line() == format!("continues {}", words.join(" "))).then_some(continues)
    }
}

/// The origin of a ledger's heads, and the name of the key that signs them. Each generation is a tree of its own.
pub fn origin(id: &super::LedgerId, generation: u64) -> String {
    format!("reprieve/ledger/{id}/{generation}")
}

/// Reads the generation off the origin of this ledger's heads.
pub(crate) fn generation_of(id: &super::LedgerId, origin: &str) -> Option<u64> {
    let generation = origin.strip_prefix(&format!("reprieve/ledger/{id}/"))?.parse().ok()?;
    (self::origin(id, generation) == origin).then_some(generation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_no_note_can_hold_signs_none() {
        let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        for name in ["", "a b", "a+b", "a\nb", "a\u{1}b"] {
            assert_eq!(sign(name, &key, "text\n").unwrap_err().kind(), ErrorKind::Misuse, "{name:?}");
        }
        assert!(sign("a", &key, "text\n").is_ok());
    }
}
