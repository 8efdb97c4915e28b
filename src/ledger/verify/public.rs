//! What anybody can check, without a key.

use std::path::Path;

use super::super::error::{Error, Result};
use super::super::frame::{FrameHead, HEAD, Window, link_to};
use super::super::header::{self, Copies};
use super::super::log::first_position;
use super::super::open::HeadFile;
use super::super::scan::Position;
use super::super::storage::{OpenMode, Storage};
use super::super::tree::{Hash, leaf_hash};
use super::super::{DamageKind, Finding, LedgerId};

/// What [`verify_public`] found. It holds no secret, so it cannot tell a forged frame from a true one: it checked the structure,
/// the sequence and links of frames, the tree, and the signed head if there was one. Nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicReport {
    /// The ledger, as the file says.
    pub id: LedgerId,
    /// The generation, as the file says.
    pub generation: u64,
    /// The public key that signs heads, as the file says: compare it with the one that you know.
    pub public_key: [u8; 32],
    /// The sequence number of the first record, as the file says.
    pub first_seq: u64,
    /// How many frames follow each other unbroken.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
    /// Whether a head signed by that key was given and is of these frames, or of the first so many of them.
    pub head: Option<u64>,
    /// What does not fit. A torn tail cannot be told from damage here.
    pub problems: Vec<Finding>,
    /// What was checked, in words, for a person.
    pub checked: &'static str,
}

/// Checks a generation's file, and a signed head of it, without any secret.
///
/// # Errors
/// `NotALedger`, `NewerFormat`, `Damaged` if no copy of the header is whole; where a read fails.
pub fn verify_public(storage: &dyn Storage, path: &Path, head: Option<&str>) -> Result<PublicReport> {
    let file = storage.open(path, OpenMode::Read).map_err(|err| Error::io(&err, "opening", path))?;
    let copies = Copies::read(&*file, path)?;
    let whole = copies.whole();
    let Some((_, header)) = whole.first() else { return Err(copies.explain(path)) };
    let mut problems = Vec::new();
    if let [(whole, _)] = whole[..] {
        let (copy, text) = (1 - whole, "one copy of the header is not whole");
        problems.push(odd(None, (copy * header::BLOCK) as u64, DamageKind::HeaderCopy, text));
    }
    let mut window = Window::new(&*file, path)?;
    let mut position = first_position(header);
    let mut roots = Vec::new();
    let parsed = |head: &str| HeadFile::parse(head, &header.id, &header.public_key);
    let known = head.and_then(parsed);
    if head.is_some() && known.is_none() {
        problems.push(odd(None, 0, DamageKind::Head, "the head is not signed by the key that the file names"));
    }
    let wanted = known.as_ref().filter(|head| head.generation == header.generation);
    if known.is_some() && wanted.is_none() {
        problems.push(odd(None, 0, DamageKind::Head, "the head is of another generation"));
    }
    loop {
        if wanted.is_some_and(|head| head.size == position.tree.size()) {
            roots.push(position.tree.root());
        }
        let (at, next) = (position.end, position.next_seq);
        let Some(bytes) = window.bytes(at, HEAD)? else { break };
        let blank = bytes.iter().all(|b| *b == 0);
        let Some(frame) = FrameHead::parse(bytes) else {
            if !blank {
                let text = format!("at {at} stand bytes that are no frame: a torn tail, or damage");
                problems.push(odd(Some(next), at, DamageKind::BadFrame, text));
            }
            break;
        };
        if frame.seq(next) != Some(next) {
            let text = format!("at {at} record {next} should stand, and does not");
            problems.push(odd(Some(next), at, DamageKind::Misplaced, text));
            break;
        }
        let Some(stored) = window.bytes(at, frame.frame_size())? else {
            problems.push(odd(Some(next), at, DamageKind::BadFrame, format!("record {next} is cut off")));
            break;
        };
        if position.link != Some(frame.link) {
            let text =
                format!("record {next} does not follow the bytes before it: they were changed, or it was put in");
            problems.push(odd(Some(next), at, DamageKind::BadLink, text));
        }
        advance(&mut position, stored);
    }
    let checked_head = wanted.and_then(|head| match roots.first() {
        None => {
            let text = format!("the head is of {} records, the file has {}", head.size, position.tree.size());
            problems.push(odd(Some(position.next_seq), position.end, DamageKind::Missing, text));
            None
        }
        Some(root) if *root != head.root => {
            let text = format!("the first {} records are not those that the head is of", head.size);
            problems.push(odd(None, 0, DamageKind::OtherHistory, text));
            None
        }
        Some(_) => Some(head.size),
    });
    Ok(PublicReport {
        id: header.id,
        generation: header.generation,
        public_key: header.public_key,
        first_seq: header.first_seq,
        size: position.tree.size(),
        root: position.tree.root(),
        head: checked_head,
        problems,
        checked: "the header's form, the form, sequence and links of the frames, the tree over them, and the signature and root of the head if one was given; seals and contents need the key and were not checked",
    })
}

fn odd(seq: Option<u64>, offset: u64, why: DamageKind, text: impl Into<String>) -> Finding {
    Finding::damaged(seq, offset, why, text.into())
}

fn advance(position: &mut Position, stored: &[u8]) {
    let offset = position.end;
    let hash = position.wrote(stored, offset);
    debug_assert_eq!((hash, position.link), (leaf_hash(stored), Some(link_to(&hash))));
}
