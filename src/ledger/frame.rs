//! One frame: a record as it lies in the file.
//!
//! ```text
//!  0  magic     2  "RF"
//!  2  length    4  of the sealed payload, without the tag
//!  6  type      2  1 a record, 2 the opening of a generation
//!  8  sequence  4  the low 32 bits
//! 12  durable   8  the offset just after the last frame that the writer knew to be synced
//! 20  link     16  the first 16 bytes of the leaf hash of the frame before
//! 36  nonce    12  random
//! 48  payload      sealed
//!  .. tag      16
//! ```
//! Integers are little-endian. The seal is AES-256-GCM under the generation's frame key; ledger id, generation and the 48
//! bytes before the payload are authenticated with it, so each frame opens alone and in its own place only.

use std::io;
use std::path::Path;

use ring::aead::{Aad, LessSafeKey, Nonce};

use super::LedgerId;
use super::error::{Error, ErrorKind, Result};
use super::keys::{Key, NONCE, TAG, random};
use super::storage::{StorageFile, read_full};
use super::tree::{Hash, leaf_hash};

/// The most bytes that a record may have: 16 MiB.
pub const MAX_PAYLOAD: usize = 16 << 20;
/// How many bytes a frame adds to its payload.
pub const OVERHEAD: usize = HEAD + TAG;

pub(crate) const HEAD: usize = 48;
pub(crate) const MAGIC: [u8; 2] = *b"RF";
/// The type of a frame that holds a record of the ledger's user.
pub(crate) const RECORD: u16 = 1;
/// The type of the first frame of each later generation.
pub(crate) const OPENING: u16 = 2;
const LINK: usize = 16;

pub(crate) type Link = [u8; LINK];

/// The link that names the frame with this leaf hash.
pub(crate) fn link_to(hash: &Hash) -> Link {
    let mut link = [0; LINK];
    link.copy_from_slice(&hash[..LINK]);
    link
}

/// A frame's clear part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FrameHead {
    pub(crate) length: u32,
    pub(crate) kind: u16,
    pub(crate) seq_low: u32,
    pub(crate) durable: u64,
    pub(crate) link: Link,
    nonce: [u8; NONCE],
}

impl FrameHead {
    /// Reads a head; `None` if it cannot be one.
    pub(crate) fn parse(bytes: &[u8]) -> Option<FrameHead> {
        let bytes: &[u8; HEAD] = bytes.first_chunk()?;
        let field = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        let length = u32::from_le_bytes(field(2));
        let kind = u16::from_le_bytes([bytes[6], bytes[7]]);
        if bytes[..2] != MAGIC || length as usize > MAX_PAYLOAD || kind == 0 {
            return None;
        }
        let low = u64::from(u32::from_le_bytes(field(12)));
        let high = u64::from(u32::from_le_bytes(field(16)));
        let (mut link, mut nonce) = ([0; LINK], [0; NONCE]);
        link.copy_from_slice(&bytes[20..36]);
        nonce.copy_from_slice(&bytes[36..48]);
        Some(FrameHead { length, kind, seq_low: u32::from_le_bytes(field(8)), durable: high << 32 | low, link, nonce })
    }

    /// The whole frame's size.
    pub(crate) fn frame_size(&self) -> usize {
        self.length as usize + OVERHEAD
    }

    /// The whole sequence number, given that it is near `expected`.
    pub(crate) fn seq(&self, expected: u64) -> Option<u64> {
        let difference = self.seq_low.wrapping_sub(expected as u32) as i32;
        expected.checked_add_signed(i64::from(difference))
    }
}

/// Seals and opens the frames of one generation.
pub(crate) struct Sealer {
    key: LessSafeKey,
    place: [u8; 24],
}

impl Sealer {
    pub(crate) fn new(data: &Key, id: &LedgerId, generation: u64) -> Result<Sealer> {
        let mut place = [0; 24];
        place[..16].copy_from_slice(id.as_bytes());
        place[16..].copy_from_slice(&generation.to_le_bytes());
        // A key of its own for each generation: the number of random nonces under one key starts anew.
        let key = data.child(&place, "reprieve/1 frames")?.cipher()?;
        Ok(Sealer { key, place })
    }

    fn aad(&self, head: &[u8]) -> [u8; 24 + HEAD] {
        let mut aad = [0; 24 + HEAD];
        aad[..24].copy_from_slice(&self.place);
        aad[24..].copy_from_slice(&head[..HEAD]);
        aad
    }

    /// The stored bytes of a frame.
    pub(crate) fn seal(&self, kind: u16, seq: u64, durable: u64, link: Link, payload: &[u8]) -> Result<Vec<u8>> {
        if payload.len() > MAX_PAYLOAD {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("a record of {} bytes is larger than {MAX_PAYLOAD}; write less at once", payload.len()),
            ));
        }
        let nonce = random::<NONCE>()?;
        let mut out = Vec::with_capacity(payload.len() + OVERHEAD);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        out.extend_from_slice(&kind.to_le_bytes());
        out.extend_from_slice(&(seq as u32).to_le_bytes());
        out.extend_from_slice(&durable.to_le_bytes());
        out.extend_from_slice(&link);
        out.extend_from_slice(&nonce);
        let aad = self.aad(&out);
        out.extend_from_slice(payload);
        let tag = self
            .key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut out[HEAD..])
            .map_err(|_| Error::new(ErrorKind::Io, "the system's cryptography failed: AES-256-GCM"))?;
        out.extend_from_slice(tag.as_ref());
        Ok(out)
    }

    /// The payload of a stored frame; `None` if its seal does not hold.
    pub(crate) fn open(&self, head: &FrameHead, stored: &[u8]) -> Option<Vec<u8>> {
        let mut payload = stored.get(HEAD..head.frame_size())?.to_vec();
        let len = self.open_with(head, self.aad(stored), &mut payload)?.len();
        payload.truncate(len);
        Some(payload)
    }

    /// The same in the frame's own place, which then holds the payload.
    pub(crate) fn open_in_place<'a>(&self, head: &FrameHead, stored: &'a mut [u8]) -> Option<&'a [u8]> {
        let aad = self.aad(stored);
        self.open_with(head, aad, stored.get_mut(HEAD..head.frame_size())?)
    }

    fn open_with<'a>(&self, head: &FrameHead, aad: [u8; 24 + HEAD], sealed: &'a mut [u8]) -> Option<&'a [u8]> {
        let nonce = Nonce::assume_unique_for_key(head.nonce);
        Some(&*self.key.open_in_place(nonce, Aad::from(aad), sealed).ok()?)
    }
}

/// A frame found in a file, its seal opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) offset: u64,
    pub(crate) size: u32,
    pub(crate) seq: u64,
    pub(crate) kind: u16,
    pub(crate) durable: u64,
    pub(crate) link: Link,
    pub(crate) hash: Hash,
    pub(crate) tag: [u8; TAG],
    pub(crate) payload: Vec<u8>,
}

impl Found {
    pub(crate) fn end(&self) -> u64 {
        self.offset + u64::from(self.size)
    }
}

/// Reads a file through a buffer, forwards.
pub(crate) struct Window<'a> {
    file: &'a dyn StorageFile,
    path: &'a Path,
    size: u64,
    base: u64,
    buf: Vec<u8>,
    next_load: usize,
}

const FIRST_LOAD: usize = 4 << 10;
/// How much is searched or compared at once.
const BLOCK: usize = 512;
const ZEROS: [u8; BLOCK] = [0; BLOCK];
/// Small enough to stay in a cache, and in memory that the process has already, from one load to the next.
const LARGEST_LOAD: usize = 64 << 10;

impl<'a> Window<'a> {
    pub(crate) fn new(file: &'a dyn StorageFile, path: &'a Path) -> Result<Window<'a>> {
        let size = file.size().map_err(|err| Error::io(&err, "reading its size", path))?;
        Ok(Window { file, path, size, base: 0, buf: Vec::new(), next_load: FIRST_LOAD })
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// `n` bytes at `offset`; `None` if the file ends before. A failed read is an error, never an end.
    pub(crate) fn bytes(&mut self, offset: u64, n: usize) -> Result<Option<&[u8]>> {
        let Some(end) = offset.checked_add(n as u64).filter(|end| *end <= self.size) else { return Ok(None) };
        if offset < self.base || end > self.base + self.buf.len() as u64 {
            let left = usize::try_from(self.size - offset).unwrap_or(usize::MAX);
            let size = n.max(self.next_load).min(left);
            if self.buf.len() < size {
                // What is new is zero when it comes from the system: to grow by resizing would fill it byte by byte.
                self.buf = vec![0; size];
            }
            self.buf.truncate(size);
            self.next_load = (self.next_load * 4).min(LARGEST_LOAD);
            self.base = offset;
            let read: io::Result<usize> = read_full(self.file, &mut self.buf, offset);
            let got = read.map_err(|err| Error::io(&err, "reading", self.path))?;
            if got < self.buf.len() {
                // The file was cut while it was read.
                self.buf.truncate(got);
                self.size = offset + got as u64;
                if end > self.size {
                    return Ok(None);
                }
            }
        }
        let from = (offset - self.base) as usize;
        Ok(self.buf.get(from..from + n))
    }

    /// Whatever of the file is buffered from `offset` on, at least one byte; `None` at its end.
    pub(crate) fn some(&mut self, offset: u64) -> Result<Option<&[u8]>> {
        if self.bytes(offset, 1)?.is_none() {
            return Ok(None);
        }
        Ok(self.buf.get((offset - self.base) as usize..))
    }

    /// The whole frame at `offset`, if its seal holds. `budget` is reduced by the bytes that were tried.
    pub(crate) fn frame(
        &mut self,
        sealer: &Sealer,
        offset: u64,
        expected: u64,
        budget: &mut u64,
    ) -> Result<Option<Found>> {
        let Some(head) = self.bytes(offset, HEAD)?.and_then(FrameHead::parse) else { return Ok(None) };
        let Some(seq) = head.seq(expected) else { return Ok(None) };
        let size = head.frame_size();
        if *budget < size as u64 {
            return Ok(None);
        }
        let Some(stored) = self.bytes(offset, size)? else { return Ok(None) };
        *budget -= size as u64;
        let Some(payload) = sealer.open(&head, stored) else { return Ok(None) };
        let mut tag = [0; TAG];
        tag.copy_from_slice(&stored[size - TAG..]);
        let hash = leaf_hash(stored);
        Ok(Some(Found {
            offset,
            size: size as u32,
            seq,
            kind: head.kind,
            durable: head.durable,
            link: head.link,
            hash,
            tag,
            payload,
        }))
    }

    /// The next offset from `from` on at which a frame could begin.
    pub(crate) fn next_magic(&mut self, mut from: u64) -> Result<Option<u64>> {
        loop {
            let Some(bytes) = self.some(from)? else { return Ok(None) };
            // By blocks: most of what is searched holds no such byte, which is quickly known of many at once.
            let blocks = bytes.chunks(BLOCK).enumerate();
            let found = blocks
                .filter(|(_, block)| block.contains(&MAGIC[0]))
                .find_map(|(n, block)| block.iter().position(|b| *b == MAGIC[0]).map(|at| n * BLOCK + at));
            match found {
                None => from += bytes.len() as u64,
                Some(at) => {
                    from += at as u64;
                    match self.bytes(from, 2)? {
                        None => return Ok(None),
                        Some(two) if two == MAGIC => return Ok(Some(from)),
                        Some(_) => from += 1,
                    }
                }
            }
        }
    }

    /// The offset just after the last byte from `from` on that is not zero; `None` if all are.
    pub(crate) fn last_nonzero(&mut self, mut from: u64) -> Result<Option<u64>> {
        let mut last = None;
        while let Some(bytes) = self.some(from)? {
            // By blocks: a file is filled with zeros ahead, which are quickly compared many at once.
            let blocks = bytes.chunks(BLOCK).enumerate();
            for (n, block) in blocks.filter(|(_, block)| *block != &ZEROS[..block.len()]) {
                last = block.iter().rposition(|b| *b != 0).map(|at| from + (n * BLOCK + at) as u64 + 1);
            }
            from += bytes.len() as u64;
        }
        Ok(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_adds_sixty_four_bytes_and_opens_in_its_place_only() {
        let (key, id) = (Key::new([7; 32]), LedgerId::from_bytes([1; 16]));
        let sealer = Sealer::new(&key, &id, 0).unwrap();
        let stored = sealer.seal(RECORD, 5, 8192, [9; 16], b"payload").unwrap();
        assert_eq!(stored.len(), 7 + 64);
        let head = FrameHead::parse(&stored).unwrap();
        assert_eq!((head.seq(4), head.durable, head.link), (Some(5), 8192, [9; 16]));
        assert_eq!(sealer.open(&head, &stored).unwrap(), b"payload");
        assert_eq!(Sealer::new(&key, &id, 1).unwrap().open(&head, &stored), None);
        let other = LedgerId::from_bytes([2; 16]);
        assert_eq!(Sealer::new(&key, &other, 0).unwrap().open(&head, &stored), None);
        for bit in 0..stored.len() * 8 {
            let mut bad = stored.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let opened = FrameHead::parse(&bad).and_then(|head| sealer.open(&head, &bad));
            assert_eq!(opened, None, "bit {bit}");
        }
    }

    #[test]
    fn sequence_numbers_go_on_past_thirty_two_bits() {
        let sealer = Sealer::new(&Key::new([7; 32]), &LedgerId::from_bytes([1; 16]), 0).unwrap();
        let seq = (3 << 32) + 2;
        let head = FrameHead::parse(&sealer.seal(RECORD, seq, 0, [0; 16], b"").unwrap()).unwrap();
        assert_eq!(head.seq(seq), Some(seq));
        assert_eq!(head.seq(seq - 10), Some(seq));
        assert_eq!(head.seq(seq + 10), Some(seq));
        assert_eq!(FrameHead { seq_low: u32::MAX, ..head }.seq(0), None);
    }

    #[test]
    fn too_large_a_payload_is_refused() {
        let sealer = Sealer::new(&Key::new([7; 32]), &LedgerId::from_bytes([1; 16]), 0).unwrap();
        let err = sealer.seal(RECORD, 0, 0, [0; 16], &vec![0; MAX_PAYLOAD + 1]).unwrap_err();
        assert_eq!(err.kind(), ErrorKind::TooLarge);
    }
}
