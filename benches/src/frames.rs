//! The least that a sealed, hashed record costs with ring, by hand: what the limits are made of. Laid out as the ledger's frames.

use std::fs::File;
use std::os::unix::fs::FileExt;

use reprieve::ledger::Hash;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::digest::{Context, SHA256};
use ring::rand::{SecureRandom, SystemRandom};

use crate::Result;
use crate::fixture::{FRAME, payload};

const HEAD: usize = 48;
/// What the ledger authenticates with each payload: its id, generation and the frame's head.
const AAD: usize = 24 + HEAD;

pub struct Frames {
    key: LessSafeKey,
    random: SystemRandom,
}

fn failed(_: ring::error::Unspecified) -> String {
    "ring failed".to_owned()
}

pub fn leaf(stored: &[u8]) -> Hash {
    digest(&[&[0], stored])
}

pub fn node(left: &Hash, right: &Hash) -> Hash {
    digest(&[&[1], left, right])
}

fn digest(parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

impl Frames {
    pub fn new() -> Result<Frames> {
        let key = UnboundKey::new(&AES_256_GCM, &[7; 32]).map_err(failed)?;
        Ok(Frames { key: LessSafeKey::new(key), random: SystemRandom::new() })
    }

    fn aad(head: &[u8]) -> Aad<[u8; AAD]> {
        let mut aad = [0; AAD];
        aad[24..].copy_from_slice(&head[..HEAD]);
        Aad::from(aad)
    }

    /// Seals the `n`th payload, with a random nonce.
    pub fn seal(&self, n: u64) -> Result<[u8; FRAME]> {
        let mut frame = [0; FRAME];
        let mut nonce = [0; 12];
        self.random.fill(&mut nonce).map_err(failed)?;
        frame[..8].copy_from_slice(&n.to_le_bytes());
        frame[36..HEAD].copy_from_slice(&nonce);
        let (aad, tag) = (Frames::aad(&frame), FRAME - 16);
        frame[HEAD..tag].copy_from_slice(&payload(n));
        let nonce = Nonce::assume_unique_for_key(nonce);
        let sealed = self.key.seal_in_place_separate_tag(nonce, aad, &mut frame[HEAD..tag]).map_err(failed)?;
        frame[tag..].copy_from_slice(sealed.as_ref());
        Ok(frame)
    }

    /// Opens a frame in its place.
    pub fn open(&self, frame: &mut [u8]) -> Result<()> {
        let (aad, nonce) = (Frames::aad(frame), Nonce::try_assume_unique_for_key(&frame[36..HEAD]).map_err(failed)?);
        self.key.open_in_place(nonce, aad, &mut frame[HEAD..]).map_err(failed)?;
        Ok(())
    }

    /// Fills a file with so many frames.
    pub fn fill(&self, file: &File, frames: u64) -> Result<()> {
        let mut buffer = Vec::with_capacity(FRAME << 10);
        let mut at = 0;
        for n in 0..frames {
            buffer.extend_from_slice(&self.seal(n)?);
            if buffer.len() == buffer.capacity() || n + 1 == frames {
                file.write_all_at(&buffer, at)?;
                at += buffer.len() as u64;
                buffer.clear();
            }
        }
        Ok(())
    }

    /// One thread reads the file, opens each frame, and hashes leaves and nodes to the root of their tree.
    pub fn verify(&self, file: &File, frames: u64) -> Result<Hash> {
        let mut buffer = vec![0; FRAME << 10];
        let (mut nodes, mut size) = (Vec::<Hash>::new(), 0u64);
        while size < frames {
            let count = (frames - size).min(1 << 10);
            let bytes = &mut buffer[..FRAME * count as usize];
            file.read_exact_at(bytes, size * FRAME as u64)?;
            for frame in bytes.chunks_exact_mut(FRAME) {
                let mut hash = leaf(frame);
                self.open(frame)?;
                for _ in 0..size.trailing_ones() {
                    if let Some(left) = nodes.pop() {
                        hash = node(&left, &hash);
                    }
                }
                nodes.push(hash);
                size += 1;
            }
        }
        let last = nodes.pop().ok_or("no frames")?;
        Ok(nodes.iter().rev().fold(last, |right, left| node(left, &right)))
    }
}
