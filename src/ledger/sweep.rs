//! Reading a whole log in bulk, on as many threads as the caller lends: what full verification of a long log is made of.
//!
//! A sweep goes as far as frame follows frame in sequence, each sealed and linked to the one before, and stops before the first
//! thing that is odd. What that is, a [`scan`](super::scan) judges from there on: a sweep knows no damage.
//!
//! Whoever is free takes the next piece of the file: walks its heads, which is quick and done by one at a time, then opens
//! and hashes its frames beside the others. The pieces are joined in their order at the end.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::{Error, Result};
use super::frame::{FrameHead, Link, OPENING, RECORD, Sealer, link_to};
use super::keys::TAG;
use super::scan::Position;
use super::storage::{StorageFile, read_full};
use super::tree::{Hash, leaf_hash, subtrees};
use crate::order::sort_short;

/// How much of the file is read at once; more only for a frame that is larger.
const PIECE: usize = 1 << 20;

/// What a sweep went over.
pub(super) struct Swept {
    /// The place before the first thing that is odd, or the end of the log.
    pub(super) end: Position,
    pub(super) records: u64,
    /// The type and payload of the first frame.
    pub(super) first: Option<(u16, Vec<u8>)>,
    /// The tree's root at the size that was asked for, if that was passed.
    pub(super) root: Option<Hash>,
}

/// Goes over the log from its first record on, which is an opening in a `later` generation. `wanted` is a size of the tree
/// whose root is to be told.
pub(super) fn sweep(
    file: &dyn StorageFile,
    path: &Path,
    sealer: &Sealer,
    from: &Position,
    later: bool,
    wanted: Option<u64>,
    threads: NonZeroUsize,
) -> Result<Swept> {
    let size = file.size().map_err(|err| Error::io(&err, "reading its size", path))?;
    let opening = later.then_some(from.next_seq);
    let walk =
        Mutex::new(Walk { file, path, size, opening, at: from.end, next_seq: from.next_seq, pieces: 0, over: false });
    let checked = Mutex::new(Vec::new());
    let job = Job { walk: &walk, checked: &checked, sealer, from, wanted };
    std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads.get())
            // A thread that cannot be had is done without.
            .filter_map(|_| std::thread::Builder::new().spawn_scoped(scope, || job.run()).ok())
            .collect();
        let own = job.run();
        let joined = helpers.into_iter().filter_map(|helper| helper.join().ok());
        joined.fold(own, Result::and)
    })?;
    let mut checked = checked.into_inner().unwrap_or_else(PoisonError::into_inner);
    sort_short(&mut checked, |piece: &Checked| piece.number);
    Ok(join(checked, from, wanted))
}

/// Where the next piece begins.
struct Walk<'a> {
    file: &'a dyn StorageFile,
    path: &'a Path,
    size: u64,
    /// The record that is an opening.
    opening: Option<u64>,
    at: u64,
    next_seq: u64,
    pieces: usize,
    over: bool,
}

/// A run of frames as their heads state it.
struct Piece {
    number: usize,
    offset: u64,
    first_seq: u64,
    heads: Vec<FrameHead>,
}

impl Walk<'_> {
    fn next(&mut self, buffer: &mut Vec<u8>) -> Result<Option<Piece>> {
        if self.over {
            return Ok(None);
        }
        let mut piece =
            Piece { number: self.pieces, offset: self.at, first_seq: self.next_seq, heads: Vec::with_capacity(4096) };
        let mut want = PIECE;
        loop {
            let left = usize::try_from(self.size.saturating_sub(self.at)).unwrap_or(usize::MAX);
            buffer.resize(want.min(left), 0);
            let got = read_full(self.file, buffer, self.at).map_err(|err| Error::io(&err, "reading", self.path))?;
            let mut at = 0;
            while let Some(head) = buffer.get(at..got).and_then(FrameHead::parse) {
                let follows = head.seq(self.next_seq) == Some(self.next_seq) && head.durable <= self.size;
                let kind = if self.opening == Some(self.next_seq) { OPENING } else { RECORD };
                if !follows || head.kind != kind {
                    self.over = true;
                    break;
                }
                if at + head.frame_size() > got {
                    // The frame goes on behind what was read, or the file ends in it.
                    want = head.frame_size();
                    break;
                }
                at += head.frame_size();
                self.next_seq += 1;
                piece.heads.push(head);
            }
            let longer = at == 0 && !self.over && want > PIECE.max(got) && want <= left;
            if !longer {
                self.over |= piece.heads.is_empty();
                self.at += at as u64;
                self.pieces += 1;
                return Ok((!piece.heads.is_empty()).then_some(piece));
            }
        }
    }
}

/// A piece whose frames were opened and hashed, up to the first that is odd.
struct Checked {
    number: usize,
    link: Link,
    durable: u64,
    begin: u64,
    end: u64,
    next_seq: u64,
    last: u64,
    tag: [u8; TAG],
    hash: Hash,
    /// The perfect subtrees over its leaves.
    nodes: Vec<(u32, Hash)>,
    first: Option<(u16, Vec<u8>)>,
}

struct Job<'a> {
    walk: &'a Mutex<Walk<'a>>,
    checked: &'a Mutex<Vec<Checked>>,
    sealer: &'a Sealer,
    from: &'a Position,
    wanted: Option<u64>,
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Job<'_> {
    fn run(&self) -> Result<()> {
        let mut buffer = Vec::new();
        loop {
            let piece = hold(self.walk).next(&mut buffer);
            let Some(piece) = piece.inspect_err(|_| hold(self.walk).over = true)? else { return Ok(()) };
            let frames = piece.heads.len();
            let (checked, whole) = self.check(&piece, &mut buffer);
            if whole < frames {
                hold(self.walk).over = true;
            }
            hold(self.checked).extend(checked);
        }
    }

    /// Opens and hashes the frames of a piece; returns how many hold.
    fn check(&self, piece: &Piece, buffer: &mut [u8]) -> (Option<Checked>, usize) {
        let mut leaves = Vec::with_capacity(piece.heads.len());
        let mut checked: Option<Checked> = None;
        let mut at = 0;
        for head in &piece.heads {
            let offset = piece.offset + at as u64;
            let Some(stored) = buffer.get_mut(at..at + head.frame_size()) else { break };
            let hash = leaf_hash(stored);
            let tag = stored.last_chunk().copied().unwrap_or_default();
            let linked = checked.as_ref().is_none_or(|before| link_to(&before.hash) == head.link);
            let Some(payload) = self.sealer.open_in_place(head, stored).filter(|_| linked) else { break };
            leaves.push(hash);
            at += head.frame_size();
            let first = || (piece.number == 0).then(|| (head.kind, payload.to_vec()));
            let so_far = checked.get_or_insert_with(|| Checked {
                number: piece.number,
                link: head.link,
                durable: 0,
                begin: offset,
                end: offset,
                next_seq: piece.first_seq,
                last: 0,
                tag,
                hash,
                nodes: Vec::new(),
                first: first(),
            });
            so_far.durable = so_far.durable.max(head.durable);
            so_far.next_seq += 1;
            (so_far.last, so_far.end) = (offset, piece.offset + at as u64);
            (so_far.tag, so_far.hash) = (tag, hash);
        }
        let count = leaves.len();
        if let Some(checked) = &mut checked {
            let index = self.from.tree.size() + (piece.first_seq - self.from.next_seq);
            // The leaves are split where a root is wanted: the tree has that very size on the way.
            let split = self.wanted.and_then(|wanted| wanted.checked_sub(index)).map_or(0, |at| at.min(count as u64));
            let (before, behind) = leaves.split_at(split as usize);
            checked.nodes = subtrees(index, before);
            checked.nodes.extend(subtrees(index + split, behind));
        }
        (checked, count)
    }
}

/// Joins the pieces that follow each other.
fn join(pieces: Vec<Checked>, from: &Position, wanted: Option<u64>) -> Swept {
    let root = (wanted == Some(from.tree.size())).then(|| from.tree.root());
    let mut swept = Swept { end: from.clone(), records: 0, first: None, root };
    for (number, piece) in pieces.into_iter().enumerate() {
        let end = &mut swept.end;
        let from_seq = end.next_seq;
        // One that does not hold to its end is followed by none: the next one does not begin where it ended.
        if piece.number != number || piece.begin != end.end || end.link != Some(piece.link) {
            break;
        }
        for (level, node) in piece.nodes {
            end.tree.push_subtree(level, node);
            if wanted == Some(end.tree.size()) {
                swept.root = Some(end.tree.root());
            }
        }
        *end = Position {
            end: piece.end,
            next_seq: piece.next_seq,
            link: Some(link_to(&piece.hash)),
            tag: Some(piece.tag),
            hash: piece.hash,
            last: piece.last,
            durable: end.durable.max(piece.durable),
            tree: std::mem::take(&mut end.tree),
        };
        swept.records += piece.next_seq - from_seq;
        swept.first = swept.first.or(piece.first);
    }
    swept
}
