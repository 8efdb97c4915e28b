//! Keys: where they come from, what is derived from them, and the slots that wrap a ledger's data key.
//!
//! The data key is random. Each slot in the header wraps it under a key from one source: the application's secret together
//! with a random secret file made at installation, bytes of the caller's own, or a public key of the vendor's auditors. That
//! hides a ledger from a reader; it does not stop an owner with a debugger.

use std::fmt;
use std::path::Path;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::{Zeroize, Zeroizing};

use super::LedgerId;
use super::codec::Reader;
use super::error::{Error, ErrorKind, Result};

pub(crate) const NONCE: usize = 12;
pub(crate) const TAG: usize = 16;
/// How long the per-install secret is.
pub(crate) const SECRET: usize = 32;

fn failed(what: &str) -> Error {
    Error::new(ErrorKind::Io, format!("the system's cryptography failed: {what}"))
}

/// Fills a buffer from the system's random source.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut out = [0; N];
    SystemRandom::new().fill(&mut out).map_err(|_| failed("no random bytes"))?;
    Ok(out)
}

/// Secret bytes from the system's random source, made where they stay.
pub(crate) fn random_secret(len: usize) -> Result<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(vec![0; len]);
    SystemRandom::new().fill(&mut out).map_err(|_| failed("no random bytes"))?;
    Ok(out)
}

/// A key of 32 bytes that is wiped when it goes. It lies on the heap, so that moving it leaves no copy behind.
#[derive(Clone)]
pub struct Key(Box<Zeroizing<[u8; 32]>>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    /// A key of these bytes.
    pub fn new(mut bytes: [u8; 32]) -> Key {
        let mut key = Key::blank();
        key.0.copy_from_slice(&bytes);
        bytes.zeroize();
        key
    }

    fn blank() -> Key {
        Key(Box::new(Zeroizing::new([0; 32])))
    }

    pub(crate) fn random() -> Result<Key> {
        let mut key = Key::blank();
        SystemRandom::new().fill(&mut **key.0).map_err(|_| failed("no random bytes"))?;
        Ok(key)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// HKDF-SHA256 of a secret; `info` names the one use of the result.
    pub(crate) fn derive(secret: &[u8], salt: &[u8], info: &[&[u8]]) -> Result<Key> {
        let mut key = Key::blank();
        Salt::new(HKDF_SHA256, salt)
            .extract(secret)
            .expand(info, HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut **key.0))
            .map_err(|_| failed("HKDF"))?;
        Ok(key)
    }

    /// A key from this one for one use.
    pub(crate) fn child(&self, salt: &[u8], info: &str) -> Result<Key> {
        Key::derive(self.bytes(), salt, &[info.as_bytes()])
    }

    /// AES-256-GCM under this key.
    pub(crate) fn cipher(&self) -> Result<LessSafeKey> {
        Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, self.bytes()).map_err(|_| failed("AES-256-GCM"))?))
    }
}

/// Seals `plain` under a random nonce: nonce, ciphertext, tag.
pub(crate) fn seal(key: &Key, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
    let nonce = random::<NONCE>()?;
    let mut out = Vec::with_capacity(NONCE + plain.len() + TAG);
    out.extend_from_slice(&nonce);
    out.extend_from_slice(plain);
    let tag = key
        .cipher()?
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut out[NONCE..])
        .map_err(|_| failed("AES-256-GCM"))?;
    out.extend_from_slice(tag.as_ref());
    Ok(out)
}

/// Opens what [`seal`] made; `None` if it was not made with this key and `aad`.
pub(crate) fn open(key: &Key, aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE>()?;
    let mut plain = Zeroizing::new(rest.to_vec());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let len = key.cipher().ok()?.open_in_place(nonce, Aad::from(aad), &mut plain).ok()?.len();
    plain.truncate(len);
    Some(plain)
}

/// The keys that a program has at hand.
///
/// ```
/// use reprieve::ledger::KeySource;
/// let keys = KeySource::application(b"the application's secret, from its own file", &[]);
/// assert_eq!(format!("{keys:?}"), "KeySource(application)");
/// ```
#[derive(Clone, Default)]
pub struct KeySource {
    /// The newest secret first.
    application: Vec<Zeroizing<Vec<u8>>>,
    caller: Option<Zeroizing<Vec<u8>>>,
    audit: Option<[u8; 32]>,
    data: Vec<Key>,
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = Vec::new();
        names.extend((!self.application.is_empty()).then_some("application"));
        names.extend(self.caller.is_some().then_some("caller"));
        names.extend(self.audit.is_some().then_some("audit"));
        names.extend((!self.data.is_empty()).then_some("data key"));
        write!(f, "KeySource({})", names.join(", "))
    }
}

impl KeySource {
    /// The application's secret, used together with the per-install secret file. `older` are secrets that earlier releases
    /// had: a ledger that opens by one of them gets a slot for the newest.
    pub fn application(secret: &[u8], older: &[Vec<u8>]) -> KeySource {
        let all = std::iter::once(secret).chain(older.iter().map(Vec::as_slice));
        all.fold(KeySource::default(), KeySource::with_application_secret)
    }

    /// Adds a secret of the application's, older than those before it.
    pub(crate) fn with_application_secret(mut self, secret: &[u8]) -> KeySource {
        self.application.push(Zeroizing::new(secret.to_vec()));
        self
    }

    /// Bytes of the caller's own, at least 16 that cannot be guessed: a key, not a password.
    pub fn caller(bytes: &[u8]) -> KeySource {
        KeySource::default().with_caller_bytes(bytes)
    }

    /// A ledger's data key itself, as [`AuditSlot::open`] gives it.
    pub fn data_key(key: Key) -> KeySource {
        KeySource::data_keys(vec![key])
    }

    /// The data keys of several generations.
    pub fn data_keys(keys: Vec<Key>) -> KeySource {
        KeySource { data: keys, ..KeySource::default() }
    }

    /// Adds bytes of the caller's own.
    pub fn with_caller_bytes(mut self, bytes: &[u8]) -> KeySource {
        self.caller = Some(Zeroizing::new(bytes.to_vec()));
        self
    }

    /// Adds the auditors' X25519 public key: ledgers that are created get a slot that its private half opens. It opens none
    /// itself.
    pub fn with_audit_public_key(mut self, key: [u8; 32]) -> KeySource {
        self.audit = Some(key);
        self
    }

    /// The same without the auditors' public key.
    pub(crate) fn without_audit_public_key(self) -> KeySource {
        KeySource { audit: None, ..self }
    }

    pub(crate) fn audit_public_key(&self) -> Option<[u8; 32]> {
        self.audit
    }

    /// The secret of a slot by its place among those of its kind: for the application 0 is the newest.
    fn secret(&self, kind: SlotKind, nth: usize, install: Option<&[u8]>) -> Option<Zeroizing<Vec<u8>>> {
        match kind {
            SlotKind::Application => Some(application_secret(self.application.get(nth)?, install?)),
            SlotKind::Caller if nth == 0 => self.caller.clone(),
            _ => None,
        }
    }

    /// Which secret at hand opens a slot, by its place among those of the slot's kind.
    pub(crate) fn opener(&self, id: &LedgerId, slot: &Slot, install: Option<&[u8]>) -> Option<usize> {
        let opens = |nth: &usize| {
            let secret = self.secret(slot.kind, *nth, install);
            secret.is_some_and(|secret| slot.unwrap_with(id, &secret).is_some())
        };
        (0..self.application.len().max(1)).find(opens)
    }

    /// The same slot for another data key, if its source is at hand. Whom an auditors' slot is for stands in it.
    pub(crate) fn rewrap(
        &self,
        id: &LedgerId,
        slot: &Slot,
        data: &Key,
        install: Option<&[u8]>,
    ) -> Result<Option<Slot>> {
        if slot.kind == SlotKind::Audit {
            return audit_slot(id, data, slot.recipient).map(Some);
        }
        let secret = self.opener(id, slot, install).and_then(|nth| self.secret(slot.kind, nth, install));
        secret.map(|secret| Slot::wrap(slot.kind, id, &secret, data, None)).transpose()
    }

    /// Whether the per-install secret file is needed.
    pub(crate) fn needs_secret(&self) -> bool {
        !self.application.is_empty()
    }

    /// The data keys, if they are given themselves.
    pub(crate) fn given(&self) -> &[Key] {
        &self.data
    }

    fn is_empty(&self) -> bool {
        self.application.is_empty() && self.caller.is_none() && self.data.is_empty()
    }
}

/// Where a slot's key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotKind {
    /// The application's secret and the per-install secret.
    Application,
    /// The caller's own bytes.
    Caller,
    /// The auditors' public key.
    Audit,
    /// A source that a later release knows.
    Unknown(u16),
}

impl SlotKind {
    fn number(self) -> u16 {
        match self {
            SlotKind::Application => 1,
            SlotKind::Caller => 2,
            SlotKind::Audit => 3,
            SlotKind::Unknown(n) => n,
        }
    }

    fn from_number(n: u16) -> SlotKind {
        match n {
            1 => SlotKind::Application,
            2 => SlotKind::Caller,
            3 => SlotKind::Audit,
            n => SlotKind::Unknown(n),
        }
    }
}

/// One wrapping of the data key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) kind: SlotKind,
    salt: [u8; 32],
    recipient: [u8; 32],
    ephemeral: [u8; 32],
    wrapped: [u8; NONCE + 32 + TAG],
}

impl Slot {
    /// 160 bytes: kind `u16`, zero `u16`, salt 32, recipient 32, ephemeral 32, nonce 12, wrapped key 32, tag 16.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.kind.number().to_le_bytes());
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(&self.salt);
        out.extend_from_slice(&self.recipient);
        out.extend_from_slice(&self.ephemeral);
        out.extend_from_slice(&self.wrapped);
    }

    pub(crate) fn decode(bytes: &mut Reader<'_>) -> Result<Slot> {
        let kind = SlotKind::from_number(bytes.u16()?);
        bytes.u16()?;
        Ok(Slot {
            kind,
            salt: bytes.array()?,
            recipient: bytes.array()?,
            ephemeral: bytes.array()?,
            wrapped: bytes.array()?,
        })
    }

    /// The public key that an audit slot is for.
    pub(crate) fn recipient(&self) -> [u8; 32] {
        self.recipient
    }

    fn wrap(
        kind: SlotKind,
        id: &LedgerId,
        secret: &[u8],
        data: &Key,
        public: Option<([u8; 32], [u8; 32])>,
    ) -> Result<Slot> {
        let salt = random()?;
        let (recipient, ephemeral) = public.unwrap_or_default();
        let mut slot = Slot { kind, salt, recipient, ephemeral, wrapped: [0; NONCE + 32 + TAG] };
        let wrapping = slot.wrapping_key(secret)?;
        let sealed = seal(&wrapping, &slot.aad(id), data.bytes())?;
        slot.wrapped.copy_from_slice(&sealed);
        Ok(slot)
    }

    fn wrapping_key(&self, secret: &[u8]) -> Result<Key> {
        let kind = self.kind.number().to_le_bytes();
        Key::derive(secret, &self.salt, &[b"reprieve/1 slot", &kind, &self.recipient, &self.ephemeral])
    }

    fn aad(&self, id: &LedgerId) -> Vec<u8> {
        [b"reprieve/1 slot".as_slice(), &self.kind.number().to_le_bytes(), id.as_bytes()].concat()
    }

    fn unwrap_with(&self, id: &LedgerId, secret: &[u8]) -> Option<Key> {
        let plain = open(&self.wrapping_key(secret).ok()?, &self.aad(id), &self.wrapped)?;
        let mut key = Key::blank();
        key.0.copy_from_slice(plain.first_chunk::<32>().filter(|_| plain.len() == 32)?);
        Some(key)
    }
}

/// A slot for the auditors, as the header holds it.
#[derive(Clone, Debug)]
pub struct AuditSlot {
    pub(crate) id: LedgerId,
    pub(crate) slot: Slot,
}

impl AuditSlot {
    /// The public key that the slot is for.
    pub fn recipient(&self) -> [u8; 32] {
        self.slot.recipient
    }

    /// The public key to agree with: `shared = X25519(auditors' private key, ephemeral)`.
    pub fn ephemeral(&self) -> [u8; 32] {
        self.slot.ephemeral
    }

    /// Opens the slot with the agreed secret; the data key then opens the ledger by [`KeySource::data_key`].
    ///
    /// # Errors
    /// `WrongKey` for any other secret.
    pub fn open(&self, shared: &[u8; 32]) -> Result<Key> {
        let wrong = || Error::new(ErrorKind::WrongKey, "this audit key does not open the ledger's audit slot");
        self.slot.unwrap_with(&self.id, shared).ok_or_else(wrong)
    }
}

/// The application's secret and the per-install secret, each with its length, so that neither can flow into the other.
fn application_secret(secret: &[u8], install: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(secret.len() + install.len() + 8));
    out.extend_from_slice(&(secret.len() as u32).to_le_bytes());
    out.extend_from_slice(secret);
    out.extend_from_slice(&(install.len() as u32).to_le_bytes());
    out.extend_from_slice(install);
    out
}

/// A slot for the newest application secret.
pub(crate) fn application_slot(
    id: &LedgerId,
    data: &Key,
    keys: &KeySource,
    install: Option<&[u8]>,
) -> Result<Option<Slot>> {
    match (keys.application.first(), install) {
        (Some(secret), Some(install)) => {
            let secret = application_secret(secret, install);
            Ok(Some(Slot::wrap(SlotKind::Application, id, &secret, data, None)?))
        }
        _ => Ok(None),
    }
}

/// A slot for every source at hand.
pub(crate) fn make_slots(id: &LedgerId, data: &Key, keys: &KeySource, install: Option<&[u8]>) -> Result<Vec<Slot>> {
    let mut slots = Vec::new();
    slots.extend(application_slot(id, data, keys, install)?);
    if let Some(bytes) = &keys.caller {
        if bytes.len() < 16 {
            return Err(Error::new(
                ErrorKind::Misuse,
                "the caller's own key has fewer than 16 bytes; give one that cannot be guessed",
            ));
        }
        slots.push(Slot::wrap(SlotKind::Caller, id, bytes, data, None)?);
    }
    if let Some(recipient) = keys.audit {
        slots.push(audit_slot(id, data, recipient)?);
    }
    check_opens_again(&slots)?;
    Ok(slots)
}

/// A slot that the private half of this key opens.
fn audit_slot(id: &LedgerId, data: &Key, recipient: [u8; 32]) -> Result<Slot> {
    let private = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).map_err(|_| failed("X25519"))?;
    let public = private.compute_public_key().map_err(|_| failed("X25519"))?;
    let ephemeral: [u8; 32] = public.as_ref().try_into().map_err(|_| failed("X25519"))?;
    let slot = agree_ephemeral(private, &UnparsedPublicKey::new(&X25519, recipient), |shared| {
        Slot::wrap(SlotKind::Audit, id, shared, data, Some((recipient, ephemeral)))
    });
    let refused =
        || Error::new(ErrorKind::Misuse, "the audit public key is no X25519 public key; check the application file");
    slot.map_err(|_| refused())?
}

/// Whether this is an X25519 public key for which a slot can be made: those of low order are none.
pub(crate) fn is_audit_key(public: &[u8; 32]) -> Result<bool> {
    let private = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).map_err(|_| failed("X25519"))?;
    Ok(agree_ephemeral(private, &UnparsedPublicKey::new(&X25519, public), |_| ()).is_ok())
}

/// A slot for auditors alone would lock the machine itself out.
pub(crate) fn check_opens_again(slots: &[Slot]) -> Result<()> {
    if slots.iter().any(|slot| matches!(slot.kind, SlotKind::Application | SlotKind::Caller)) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Misuse,
        "no key slot would be left that a key at hand opens; keep the application's, or give the caller's own bytes",
    ))
}

/// How a ledger was opened.
pub(crate) struct Unlocked {
    pub(crate) data: Key,
    /// It opened by an older application secret, and has no slot for the newest.
    pub(crate) by_older: bool,
}

/// Tries every key at hand on every slot of the ledger at `path`.
pub(crate) fn unlock(
    id: &LedgerId,
    slots: &[Slot],
    keys: &KeySource,
    install: Option<&[u8]>,
    path: &Path,
    secret_file: &Path,
) -> Result<Unlocked> {
    let of_kind = |kind| slots.iter().filter(move |slot| slot.kind == kind);
    if let Some(install) = install {
        for (age, secret) in keys.application.iter().enumerate() {
            let secret = application_secret(secret, install);
            if let Some(data) = of_kind(SlotKind::Application).find_map(|slot| slot.unwrap_with(id, &secret)) {
                return Ok(Unlocked { data, by_older: age > 0 });
            }
        }
    }
    let by_caller = |bytes: &Zeroizing<Vec<u8>>| of_kind(SlotKind::Caller).find_map(|slot| slot.unwrap_with(id, bytes));
    if let Some(data) = keys.caller.as_ref().and_then(by_caller) {
        return Ok(Unlocked { data, by_older: false });
    }
    const WAY_OUT: &str = "or use the audit key, or `reprieve ledger retire` and a lease by file";
    let (path, message) = if keys.is_empty() {
        (path, "no key was given to open the ledger; name the application's secret".to_owned())
    } else if !keys.needs_secret() {
        (
            path,
            format!(
                "no key slot opens with the caller's own bytes; give those that the ledger was made with, {WAY_OUT}"
            ),
        )
    } else if install.is_none() {
        let text = format!(
            "no key slot opens: the secret file {} is missing or not {SECRET} bytes long; put it back from where it was, {WAY_OUT}",
            secret_file.display()
        );
        (secret_file, text)
    } else {
        let text = format!(
            "no key slot opens with the keys at hand: this is another application's ledger, or the secret file was replaced; use the right application file, {WAY_OUT}"
        );
        (secret_file, text)
    };
    Err(Error::at(ErrorKind::WrongKey, path, message))
}
