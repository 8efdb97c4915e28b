//! How values become bytes: the only place where bincode is used, and the encoding of a batch of events.
//!
//! bincode is pinned and its options are spelled out, because the encoding is part of a file format: fixed-width
//! little-endian integers, trailing bytes refused, a size limit. It never defines a frame and never a batch, both of which
//! are laid out by hand, so that a reader in another language needs no bincode to walk a ledger.

use bincode::Options;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{Error, ErrorKind, Result};
use super::frame::MAX_PAYLOAD;

/// The most events that one batch may hold.
pub const MAX_EVENTS: usize = 65_536;

const BATCH_VERSION: u8 = 1;
const MUST_UNDERSTAND: u8 = 1;

fn options() -> impl Options {
    bincode::DefaultOptions::new()
        .with_fixint_encoding()
        .with_little_endian()
        .reject_trailing_bytes()
        .with_limit(MAX_PAYLOAD as u64)
}

/// Encodes a value.
///
/// # Errors
/// `TooLarge` above 16 MiB, or for a value that has no encoding.
pub fn to_bytes<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    options()
        .serialize(value)
        .map_err(|err| Error::new(ErrorKind::TooLarge, format!("a value has no encoding in the ledger: {err}")))
}

/// Decodes a value, which must fill the bytes exactly.
///
/// # Errors
/// `Damaged` for any other bytes.
pub fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    options()
        .deserialize(bytes)
        .map_err(|err| Error::new(ErrorKind::Damaged, format!("stored bytes are not the value they should be: {err}")))
}

/// One event as it is stored: a number for its type, whether a reader that does not know it may skip it, and its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawEvent {
    /// The event's type number. Numbers are never reused.
    pub kind: u16,
    /// Whether a reader that does not know the type must stop appending.
    pub must_understand: bool,
    /// The event's own encoding.
    pub body: Vec<u8>,
}

/// Encodes a batch: `head` is opaque here, the events follow in order.
///
/// Layout, integers little-endian: version `u8` = 1; head length `u32`, head; number of events `u32`; for each event its
/// kind `u16`, flags `u8` (bit 0: must understand, all others zero), body length `u32`, body. Nothing follows.
///
/// # Errors
/// `TooLarge` above 65,536 events or 16 MiB in all.
pub fn encode_batch(head: &[u8], events: &[RawEvent]) -> Result<Vec<u8>> {
    let size = events.iter().fold(9 + head.len(), |sum, event| sum.saturating_add(7).saturating_add(event.body.len()));
    if size > MAX_PAYLOAD || events.len() > MAX_EVENTS {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "a batch of {} events and {size} bytes is larger than {MAX_EVENTS} events or {MAX_PAYLOAD} bytes; write it as several",
                events.len()
            ),
        ));
    }
    let mut out = Vec::with_capacity(size);
    out.push(BATCH_VERSION);
    out.extend_from_slice(&(head.len() as u32).to_le_bytes());
    out.extend_from_slice(head);
    out.extend_from_slice(&(events.len() as u32).to_le_bytes());
    for event in events {
        out.extend_from_slice(&event.kind.to_le_bytes());
        out.push(if event.must_understand { MUST_UNDERSTAND } else { 0 });
        out.extend_from_slice(&(event.body.len() as u32).to_le_bytes());
        out.extend_from_slice(&event.body);
    }
    Ok(out)
}

/// Decodes a batch: its head and its events.
///
/// # Errors
/// `NewerFormat` for a version or a flag that this release does not know, `Damaged` for lengths that do not fit.
pub fn decode_batch(bytes: &[u8]) -> Result<(Vec<u8>, Vec<RawEvent>)> {
    let mut rest = Reader::new(bytes);
    let version = rest.u8()?;
    if version != BATCH_VERSION {
        return Err(Error::new(
            ErrorKind::NewerFormat,
            format!("a record has batch version {version}, this release knows {BATCH_VERSION}; update this product"),
        ));
    }
    let head = rest.prefixed()?.to_vec();
    let count = rest.u32()? as usize;
    if count > MAX_EVENTS {
        return Err(truncated());
    }
    // An event takes at least 7 bytes: a forged count cannot make this allocate more than the batch itself is long.
    let mut events = Vec::with_capacity(count.min(rest.left() / 7));
    for _ in 0..count {
        let kind = rest.u16()?;
        let flags = rest.u8()?;
        if flags & !MUST_UNDERSTAND != 0 {
            return Err(Error::new(
                ErrorKind::NewerFormat,
                format!("an event has flags {flags:#04x} that this release does not know; update this product"),
            ));
        }
        let body = rest.prefixed()?.to_vec();
        events.push(RawEvent { kind, must_understand: flags & MUST_UNDERSTAND != 0, body });
    }
    rest.end()?;
    Ok((head, events))
}

fn truncated() -> Error {
    Error::new(ErrorKind::Damaged, "stored bytes end early, or a length in them does not fit")
}

/// Reads fields off bytes in order; every length is checked against what is left.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes }
    }

    pub(crate) fn left(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (head, tail) = self.bytes.split_at_checked(n).ok_or_else(truncated)?;
        self.bytes = tail;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, tail) = self.bytes.split_first_chunk::<N>().ok_or_else(truncated)?;
        self.bytes = tail;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(crate) fn prefixed(&mut self) -> Result<&'a [u8]> {
        let n = self.u32()? as usize;
        self.take(n)
    }

    pub(crate) fn end(&self) -> Result<()> {
        if self.bytes.is_empty() { Ok(()) } else { Err(truncated()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<RawEvent> {
        vec![
            RawEvent { kind: 7, must_understand: true, body: b"first".to_vec() },
            RawEvent { kind: 65_535, must_understand: false, body: Vec::new() },
        ]
    }

    #[test]
    fn a_batch_comes_back_as_it_went() {
        let bytes = encode_batch(b"anchor", &sample()).unwrap();
        assert_eq!(decode_batch(&bytes).unwrap(), (b"anchor".to_vec(), sample()));
    }

    #[test]
    fn no_prefix_and_no_longer_batch_is_taken() {
        let bytes = encode_batch(b"anchor", &sample()).unwrap();
        for n in 0..bytes.len() {
            assert!(decode_batch(&bytes[..n]).is_err(), "prefix of {n} bytes");
        }
        let mut longer = bytes;
        longer.push(0);
        assert_eq!(decode_batch(&longer).unwrap_err().kind(), ErrorKind::Damaged);
    }

    #[test]
    fn limits_are_kept() {
        let many = vec![RawEvent { kind: 1, must_understand: false, body: Vec::new() }; MAX_EVENTS + 1];
        assert_eq!(encode_batch(b"", &many).unwrap_err().kind(), ErrorKind::TooLarge);
        assert_eq!(encode_batch(&vec![0; MAX_PAYLOAD], &[]).unwrap_err().kind(), ErrorKind::TooLarge);
        let mut bytes = encode_batch(b"", &[]).unwrap();
        bytes[5..9].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(decode_batch(&bytes).is_err());
    }

    #[test]
    fn unknown_versions_and_flags_are_newer_not_damage() {
        let mut bytes = encode_batch(b"", &sample()).unwrap();
        bytes[0] = 2;
        assert_eq!(decode_batch(&bytes).unwrap_err().kind(), ErrorKind::NewerFormat);
        let mut bytes = encode_batch(b"", &sample()).unwrap();
        bytes[9 + 2] |= 2;
        assert_eq!(decode_batch(&bytes).unwrap_err().kind(), ErrorKind::NewerFormat);
    }

    #[test]
    fn values_must_fill_their_bytes() {
        let mut bytes = to_bytes(&(1_u32, "x".to_string())).unwrap();
        assert_eq!(bytes.len(), 4 + 8 + 1);
        assert_eq!(from_bytes::<(u32, String)>(&bytes).unwrap(), (1, "x".to_string()));
        bytes.push(0);
        assert!(from_bytes::<(u32, String)>(&bytes).is_err());
    }
}
