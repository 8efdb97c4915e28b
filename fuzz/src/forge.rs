//! A ledger's files written from `docs/ledger-format.md` with known keys: what is sealed rightly and still hostile.
//!
//! Random bytes never pass a seal, so a fuzzer that only has bytes sees the refusals and nothing behind them. All here is the
//! same in every run.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reprieve::ledger::note::{self, Checkpoint};
use reprieve::ledger::tree::{CompactRange, leaf_hash};
use reprieve::ledger::{Config, Hash, KeySource, LedgerId, MemoryStorage, Storage};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::signature::{Ed25519KeyPair, KeyPair};
use ring::{digest, hkdf, hmac};

/// The ledger's id.
pub const ID: [u8; 16] = [0xf2; 16];
/// Where the log begins.
pub const LOG: usize = 8192;
/// The size of one copy of the header.
pub const BLOCK: usize = 4096;
/// The folder of the ledger's files.
pub const FOLDER: &str = "/l";
/// The folder of the witness.
pub const WITNESS: &str = "/w";

const DATA: [u8; 32] = [0xd1; 32];
const SEED: [u8; 32] = [0x5e; 32];
const OWN: [u8; 32] = [0x1d; 32];
const CALLER: &[u8] = b"the bytes of a caller";

/// How the forged ledger is opened.
pub fn config() -> Config {
    let mut config = Config::new(FOLDER, "a", KeySource::caller(CALLER));
    config.witness = Some(WITNESS.into());
    config.lock_timeout = Duration::ZERO;
    config.fold_version = 1;
    config
}

/// The path of a generation's file.
pub fn path(generation: u64) -> String {
    format!("{FOLDER}/a.g{generation}.ledger")
}

/// Files in memory, the ledger's folder and the witness's being there.
pub fn storage(files: &[(&str, &[u8])]) -> Arc<MemoryStorage> {
    let storage = MemoryStorage::new();
    for folder in [FOLDER, WITNESS] {
        storage.create_folder(Path::new(folder)).expect("memory takes a folder");
    }
    for (path, bytes) in files {
        storage.write(Path::new(path), bytes);
    }
    Arc::new(storage)
}

/// The ledger's signing key.
pub fn signer() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&SEED).expect("any seed is a key")
}

/// The ledger's public key.
pub fn public_key() -> [u8; 32] {
    signer().public_key().as_ref().try_into().expect("a public key has 32 bytes")
}

/// SHA-256 of all parts.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, &parts.concat());
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

fn derive(secret: &[u8], salt: &[u8], info: &[&[u8]]) -> [u8; 32] {
    let mut key = [0; 32];
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, salt);
    let okm = salt.extract(secret);
    okm.expand(info, hkdf::HKDF_SHA256).and_then(|okm| okm.fill(&mut key)).expect("HKDF gives 32 bytes");
    key
}

fn mac(key: &[u8], bytes: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), bytes)
}

/// nonce, ciphertext, tag. The nonce is of the content, so the same is sealed the same.
fn seal(key: &[u8; 32], aad: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut nonce = [0; 12];
    nonce.copy_from_slice(&sha256(&[aad, plain])[..12]);
    let mut out = nonce.to_vec();
    out.extend(seal_with(key, nonce, aad, plain));
    out
}

fn seal_with(key: &[u8; 32], nonce: [u8; 12], aad: &[u8], plain: &[u8]) -> Vec<u8> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("a key has 32 bytes"));
    let mut out = plain.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut out).expect("it seals");
    out
}

/// A header's fields, as its copies state them.
#[derive(Clone, Debug)]
pub struct Header {
    /// The format.
    pub format: u32,
    /// Bit 0: a drill's.
    pub flags: u32,
    /// The newer copy has the higher one.
    pub number: u64,
    /// The ledger's id.
    pub id: [u8; 16],
    /// The generation.
    pub generation: u64,
    /// The sequence number of the first record.
    pub first_seq: u64,
    /// The level.
    pub level: u32,
    /// How many slots it says it has.
    pub count: u32,
    /// The public key that it states.
    pub public_key: [u8; 32],
}

impl Header {
    /// The header of a generation as the library writes it.
    pub fn of(generation: u64, first_seq: u64) -> Header {
        Header {
            format: 1,
            flags: 0,
            number: 1,
            id: ID,
            generation,
            first_seq,
            level: 1,
            count: 1,
            public_key: public_key(),
        }
    }

    /// One copy up to its MAC.
    pub fn body(&self) -> Vec<u8> {
        let mut out = b"REPRIEVE".to_vec();
        out.extend(self.format.to_le_bytes());
        out.extend(self.flags.to_le_bytes());
        out.extend(self.number.to_le_bytes());
        out.extend(self.id);
        out.extend(self.generation.to_le_bytes());
        out.extend(self.first_seq.to_le_bytes());
        out.extend(self.level.to_le_bytes());
        out.extend(self.count.to_le_bytes());
        out.extend(self.public_key);
        out.extend(seal(&derive(&DATA, &self.id, &[b"reprieve/1 identity"]), &self.id, &[SEED, OWN].concat()));
        let (kind, salt, zeros) = (2_u16.to_le_bytes(), [0x5a; 32], [0; 32]);
        out.extend(kind);
        out.extend([0; 2]);
        out.extend(salt);
        out.extend([zeros, zeros].concat());
        let wrapping = derive(CALLER, &salt, &[b"reprieve/1 slot", &kind, &zeros, &zeros]);
        out.extend(seal(&wrapping, &[b"reprieve/1 slot".as_slice(), &kind, &self.id].concat(), &DATA));
        out.resize(BLOCK - 64, 0);
        out
    }

    /// A whole copy, authentic.
    pub fn copy(&self) -> Vec<u8> {
        authentic(self.body(), &self.id)
    }
}

/// Puts the right MAC and checksum behind a header's first 4032 bytes.
pub fn authentic(mut body: Vec<u8>, id: &[u8; 16]) -> Vec<u8> {
    body.resize(BLOCK - 64, 0);
    let tag = mac(&derive(&DATA, id, &[b"reprieve/1 header"]), &body);
    body.extend(tag.as_ref());
    with_sum(body)
}

/// Puts the right checksum behind 4064 bytes.
pub fn with_sum(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(BLOCK - 32, 0);
    let sum = sha256(&[&bytes]);
    bytes.extend(sum);
    bytes
}

/// A frame's clear fields, and what it holds.
#[derive(Clone, Debug)]
pub struct Frame {
    /// 1 a record, 2 an opening.
    pub kind: u16,
    /// The sequence number's low 32 bits.
    pub seq: u32,
    /// What the writer knew to be synced.
    pub durable: u64,
    /// What follows which frame.
    pub link: [u8; 16],
    /// What is sealed.
    pub payload: Vec<u8>,
}

impl Frame {
    /// The stored bytes; the seal holds.
    pub fn seal(&self, generation: u64) -> Vec<u8> {
        let place = [ID.as_slice(), &generation.to_le_bytes()].concat();
        let mut head = b"RF".to_vec();
        head.extend((self.payload.len() as u32).to_le_bytes());
        head.extend(self.kind.to_le_bytes());
        head.extend(self.seq.to_le_bytes());
        head.extend(self.durable.to_le_bytes());
        head.extend(self.link);
        let mut nonce = [0; 12];
        nonce.copy_from_slice(&sha256(&[&head, &self.payload])[..12]);
        head.extend(nonce);
        let key = derive(&DATA, &place, &[b"reprieve/1 frames"]);
        let sealed = seal_with(&key, nonce, &[place.as_slice(), &head].concat(), &self.payload);
        [head, sealed].concat()
    }
}

/// A generation's log while it is written.
#[derive(Clone, Debug)]
pub struct Log {
    /// Which generation.
    pub generation: u64,
    /// The header of both copies.
    pub header: Header,
    /// The frames as stored, one after the other from [`LOG`] on.
    pub frames: Vec<Vec<u8>>,
    /// The tree over them.
    pub tree: CompactRange,
    /// The hash that the next frame's link is taken from.
    pub last: Hash,
}

impl Log {
    /// An empty one.
    pub fn new(generation: u64, first_seq: u64) -> Log {
        let first = sha256(&[b"reprieve/1 first", &ID, &generation.to_le_bytes(), &first_seq.to_le_bytes()]);
        Log {
            generation,
            header: Header::of(generation, first_seq),
            frames: Vec::new(),
            tree: CompactRange::new(),
            last: first,
        }
    }

    /// Where the next frame begins.
    pub fn end(&self) -> usize {
        LOG + self.frames.iter().map(Vec::len).sum::<usize>()
    }

    /// The frame that a writer would append, every record before it being synced.
    pub fn next(&self, kind: u16, payload: &[u8]) -> Frame {
        let mut link = [0; 16];
        link.copy_from_slice(&self.last[..16]);
        let seq = self.header.first_seq.wrapping_add(self.frames.len() as u64) as u32;
        Frame { kind, seq, durable: self.end() as u64, link, payload: payload.to_vec() }
    }

    /// Appends a record.
    pub fn push(&mut self, kind: u16, payload: &[u8]) {
        let stored = self.next(kind, payload).seal(self.generation);
        self.last = leaf_hash(&stored);
        self.tree.push(self.last);
        self.frames.push(stored);
    }

    /// The whole file, filled with zeros to `size` at least.
    pub fn file(&self, size: usize) -> Vec<u8> {
        let mut out = self.header.copy();
        out.extend(Header { number: 2, ..self.header.clone() }.copy());
        out.extend(self.frames.concat());
        out.resize(out.len().max(size), 0);
        out
    }

    /// The signed head of all frames.
    pub fn note(&self) -> String {
        let origin = note::origin(&LedgerId::from_bytes(ID), self.generation);
        note_of(&origin, self.tree.size(), self.tree.root())
    }

    /// What the first record of the next generation says of this one, whose file is `file`.
    pub fn opening(&self, file: &[u8], payload: &[u8]) -> Vec<u8> {
        let note = self.note();
        let mut out = 1_u16.to_le_bytes().to_vec();
        out.push(2);
        out.extend(self.generation.to_le_bytes());
        out.extend(self.tree.size().to_le_bytes());
        out.extend(self.tree.root());
        out.extend(self.last);
        out.extend(sha256(&[file]));
        out.extend((note.len() as u32).to_le_bytes());
        out.extend(note.as_bytes());
        out.extend(payload);
        out
    }
}

/// A head, signed by the ledger's key.
pub fn note_of(origin: &str, size: u64, root: Hash) -> String {
    let checkpoint = Checkpoint { origin: origin.to_string(), size, root, extensions: Vec::new() };
    note::sign(origin, &signer(), &checkpoint.text()).expect("a checkpoint can be signed")
}

/// One slot of a witness, authentic.
pub fn witness(number: u64, generation: u64, seq: u64, hash: Hash, body: &[u8], length: u32) -> Vec<u8> {
    let mut out = b"RPRVWITN".to_vec();
    out.extend(number.to_le_bytes());
    out.extend(ID);
    out.extend(generation.to_le_bytes());
    out.extend(seq.to_le_bytes());
    out.extend(hash);
    out.extend(length.to_le_bytes());
    out.extend(body);
    out.resize(BLOCK - 32, 0);
    let tag = mac(&derive(&OWN, &[], &[b"reprieve/1 witness"]), &out);
    out.extend(tag.as_ref());
    out
}

/// The path of the witness.
pub fn witness_path() -> String {
    format!("{WITNESS}/{}.witness", LedgerId::from_bytes(ID))
}

/// A snapshot's file, sealed; `position` is what the reader's position is encoded as.
pub fn snapshot(fold: u32, generation: u64, position: &[u8], state: &[u8]) -> Vec<u8> {
    let mut head = b"RPRVSNAP".to_vec();
    head.extend(1_u32.to_le_bytes());
    head.extend(fold.to_le_bytes());
    head.extend(generation.to_le_bytes());
    let key = derive(&DATA, &ID, &[b"reprieve/1 snapshot", &generation.to_le_bytes()]);
    let plain = [(position.len() as u32).to_le_bytes().as_slice(), position, state].concat();
    let sealed = seal(&key, &head, &plain);
    [head, sealed].concat()
}

#[cfg(test)]
mod tests {
    use reprieve::ledger::{Ledger, verify, verify_public};

    use super::*;

    #[test]
    fn what_is_forged_opens_as_the_librarys_own() {
        let mut log = Log::new(0, 0);
        (0..4_u8).for_each(|n| log.push(1, &[n; 9]));
        let file = log.file(1 << 14);
        let mut next = Log::new(1, 4);
        next.push(2, &log.opening(&file, b"goes on"));
        next.push(1, b"more");
        let later = next.file(1 << 14);
        let files = storage(&[(&path(0), &file), (&path(1), &later)]);
        let verified = verify(files.clone(), &config()).unwrap();
        assert!(verified.is_clean(), "{verified:?}");
        let opened = Ledger::open(files.clone(), &config()).unwrap();
        assert_eq!(opened.findings, []);
        assert_eq!((opened.entries.len(), &opened.entries[0].payload[..]), (2, &b"goes on"[..]));
        assert_eq!(opened.entries[0].opening.as_ref().unwrap().size, 4);
        let report = verify_public(&*files, Path::new(&path(1)), Some(&next.note())).unwrap();
        assert_eq!((report.problems, report.head), (vec![], Some(2)));
    }
}
