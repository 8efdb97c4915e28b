//! Reading a log: which records it holds, where it ends, and whether what is odd about it is a torn tail or damage.
//!
//! A frame proves itself by its seal. So a scan first finds every frame that stands in the file, in the order of the file,
//! and searches on where none stands. Then it judges: at the first place without the next frame in sequence the log ends
//! and a torn tail begins, unless somebody vouches for that place - the `durable` of a frame beyond it, or a record that
//! is known to have been durable. Then the place is damaged, each lost record is named, and the log goes on behind it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::error::{Error, ErrorKind, Result};
use super::frame::{Found, HEAD, Link, OPENING, OVERHEAD, RECORD, Sealer, Window, link_to};
use super::keys::TAG;
use super::tree::{CompactRange, Hash, leaf_hash, sha256};
use super::{DamageKind, Finding, LedgerId};

/// Where a reader stands: just after a frame of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// The offset just after the last frame.
    pub(crate) end: u64,
    /// The next record's sequence number.
    pub(crate) next_seq: u64,
    /// The link that the next frame should have; `None` after a damaged one, whose true bytes nobody knows.
    pub(crate) link: Option<Link>,
    /// The last frame's tag, which stands just before `end`; `None` before the first frame.
    pub(crate) tag: Option<[u8; TAG]>,
    /// The hash of the last record.
    pub(crate) hash: Hash,
    /// The offset of the last frame.
    pub(crate) last: u64,
    /// The largest `durable` that a frame states.
    pub(crate) durable: u64,
    pub(crate) tree: CompactRange,
}

impl Position {
    /// Before the first frame. Its link is made from what the header says, so that no log begins in another's place.
    pub(crate) fn first(id: &LedgerId, generation: u64, first_seq: u64, log: u64) -> Position {
        let hash = sha256(&[b"reprieve/1 first", id.as_bytes(), &generation.to_le_bytes(), &first_seq.to_le_bytes()]);
        Position {
            end: log,
            next_seq: first_seq,
            link: Some(link_to(&hash)),
            tag: None,
            hash,
            last: log,
            durable: log,
            tree: CompactRange::new(),
        }
    }

    fn pass(&mut self, found: &Found) {
        self.end = found.end();
        self.last = found.offset;
        self.next_seq = found.seq + 1;
        self.link = Some(link_to(&found.hash));
        self.tag = Some(found.tag);
        self.hash = found.hash;
        self.durable = self.durable.max(found.durable);
        self.tree.push(found.hash);
    }

    /// Moves past a frame that was just written at `offset`; returns its hash.
    pub(crate) fn wrote(&mut self, stored: &[u8], offset: u64) -> Hash {
        let hash = leaf_hash(stored);
        self.end = offset + stored.len() as u64;
        self.last = offset;
        self.next_seq += 1;
        self.link = Some(link_to(&hash));
        self.tag = stored.last_chunk().copied();
        self.hash = hash;
        self.tree.push(hash);
        hash
    }

    fn lose(&mut self, seq: u64) -> Hash {
        // Nobody knows the lost frame's bytes; the leaf in its place is one that no frame has.
        let hash = sha256(&[b"reprieve/1 lost", &seq.to_le_bytes()]);
        self.next_seq = seq + 1;
        self.link = None;
        self.tree.push(hash);
        hash
    }
}

/// What stands in a record's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Record(Found),
    Lost { seq: u64, hash: Hash },
}

/// What lies behind the end of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Nothing but zeros. A quick scan says so too when the next bytes are zeros.
    Clean,
    /// The rest of a write that nobody acknowledged, up to this offset.
    Torn { to: u64 },
    /// What is left of records that were durable once.
    Damaged { to: u64 },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scan {
    pub(crate) items: Vec<Item>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) end: Position,
    pub(crate) tail: Tail,
}

/// How far a scan looks behind the end of the log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Zeros where the next frame would stand are the end: what a power cut can leave behind them is not looked for.
    Quick,
    /// To the end of the file.
    Whole,
}

/// The most single records that one gap's findings name.
const NAMED: u64 = 1000;

/// How often a log is read again at most because it grew while it was read.
const AGAIN: u32 = 100;

/// Reads a log that others may be writing to, until what is damaged in it is certain.
///
/// A scan reads piece by piece. A frame that was not there yet when its place was read may stand there, with others behind it,
/// when the next piece is read: then it looks lost. But who writes a frame has found the one before it whole, so a scan that
/// begins after the later one was seen finds the earlier. What two scans in a row call damaged is damaged; what
/// only the second does lies further on, and is looked at once more.
pub(crate) fn certain(mut read: impl FnMut() -> Result<Scan>) -> Result<Scan> {
    let mut before = read()?;
    for _ in 0..AGAIN {
        if !before.findings.iter().any(Finding::is_damage) {
            return Ok(before);
        }
        let scan = read()?;
        if scan.findings.iter().filter(|finding| finding.is_damage()).all(|finding| before.findings.contains(finding)) {
            return Ok(scan);
        }
        before = scan;
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    Err(Error::new(ErrorKind::Busy, "the log grows faster than it can be read; try again"))
}

/// Reads on from a position. `vouched` is one more than the highest sequence number known to have been durable, 0 if none.
pub(crate) fn scan(
    window: &mut Window<'_>,
    sealer: &Sealer,
    from: &Position,
    vouched: u64,
    depth: Depth,
) -> Result<Scan> {
    let (found, tail_end) = find_frames(window, sealer, from, depth)?;
    judge(found, tail_end, from.clone(), vouched)
}

/// Every frame that stands in the file from here on, and where the last byte that is not zero stands behind them.
fn find_frames(
    window: &mut Window<'_>,
    sealer: &Sealer,
    from: &Position,
    depth: Depth,
) -> Result<(Vec<Found>, Option<u64>)> {
    let (mut at, mut expected) = (from.end, from.next_seq);
    let mut frames = Vec::new();
    // Searching tries a seal wherever the two bytes of a frame's magic stand. Whoever fills a file with those could make that
    // take the square of its size; a file that was not made for this stays far below the bound.
    let mut budget = window.size().saturating_mul(4).saturating_add(64 << 20);
    // Each record before a frame had its own place in the file: a number further on is of a writer who lies, and must not make
    // a reader name every record between.
    let room = window.size().saturating_sub(from.end) / OVERHEAD as u64;
    let beyond = from.next_seq.saturating_add(room).saturating_add(NAMED).min(u64::MAX - 1);
    loop {
        let mut frame = window.frame(sealer, at, expected, &mut budget)?.filter(|frame| frame.seq <= beyond);
        if frame.is_none() {
            if depth == Depth::Quick && is_blank(window, at)? {
                return Ok((frames, None));
            }
            let mut search = at;
            while let Some(candidate) = window.next_magic(search)? {
                frame = window.frame(sealer, candidate, expected, &mut budget)?.filter(|frame| frame.seq <= beyond);
                if frame.is_some() {
                    break;
                }
                search = candidate + 1;
            }
        }
        match frame {
            None => return Ok((frames, window.last_nonzero(at)?)),
            Some(frame) => {
                at = frame.end();
                expected = expected.max(frame.seq + 1);
                frames.push(frame);
            }
        }
    }
}

/// Whether where the next frame's head would stand are zeros, or the file ends.
fn is_blank(window: &mut Window<'_>, at: u64) -> Result<bool> {
    let n = usize::try_from(window.size().saturating_sub(at)).unwrap_or(HEAD).min(HEAD);
    Ok(window.bytes(at, n)?.is_none_or(|bytes| bytes.iter().all(|b| *b == 0)))
}

fn judge(found: Vec<Found>, tail_end: Option<u64>, from: Position, vouched: u64) -> Result<Scan> {
    // What the frames from each one on state at most to be durable.
    let mut stated = vec![0; found.len() + 1];
    for (i, frame) in found.iter().enumerate().rev() {
        stated[i] = frame.durable.max(stated[i + 1]);
    }
    let last_found = found.last().map_or(0, Found::end);
    let mut scan = Scan { items: Vec::new(), findings: Vec::new(), end: from, tail: Tail::Clean };
    let mut strays = Vec::new();
    // Where the frames that were taken or passed over end: `scan.end.end` lies before it while strays follow.
    let mut at = scan.end.end;
    for (i, frame) in found.into_iter().enumerate() {
        let expected = scan.end.next_seq;
        let gap = frame.offset - at;
        if gap == 0 && frame.seq == expected {
            check_link(&mut scan, &frame);
        } else if frame.seq >= expected && stated[i] <= at && vouched <= expected {
            scan.tail = Tail::Torn { to: tail_end.unwrap_or(0).max(last_found) };
            return Ok(finish(scan, strays));
        } else if frame.seq < expected {
            // No crash leaves an earlier record behind a later one: writers only ever write what comes next.
            misplaced(&mut scan, &frame, gap, at);
            at = frame.end();
            strays.push(frame);
            // The log's end moves past what is not in sequence, or the next frame would be written over it.
            scan.end.end = at;
            scan.end.tag = strays.last().map(|stray| stray.tag);
            continue;
        } else {
            lost(&mut scan, frame.seq, gap, at);
        }
        at = frame.end();
        scan.end.pass(&frame);
        scan.items.push(Item::Record(frame));
    }
    if let Some(to) = tail_end {
        if vouched > scan.end.next_seq {
            let next = scan.end.next_seq;
            for seq in next..vouched.min(next.saturating_add(NAMED)) {
                let text =
                    format!("record {seq} was durable and is destroyed: its bytes, at {at}, are those of no record");
                scan.findings.push(Finding::damaged(Some(seq), at, DamageKind::BadFrame, text));
            }
            scan.tail = Tail::Damaged { to };
        } else {
            scan.tail = Tail::Torn { to };
        }
    }
    Ok(finish(scan, strays))
}

fn check_link(scan: &mut Scan, frame: &Found) {
    if scan.end.link.is_some_and(|link| link != frame.link) {
        let text =
            format!("record {} does not follow the record that stands before it: one of them was put in", frame.seq);
        scan.findings.push(Finding::damaged(Some(frame.seq), frame.offset, DamageKind::BadLink, text));
    }
    if frame.kind != RECORD && frame.kind != OPENING {
        scan.findings.push(Finding::Newer { seq: frame.seq, kind: frame.kind });
    }
}

fn misplaced(scan: &mut Scan, frame: &Found, gap: u64, at: u64) {
    if gap > 0 {
        let text = format!("{gap} bytes that are no record stand before record {}", scan.end.next_seq);
        scan.findings.push(Finding::damaged(None, at, DamageKind::Inserted, text));
    }
    let text = format!("record {} stands out of its place, where record {} should be", frame.seq, scan.end.next_seq);
    scan.findings.push(Finding::damaged(Some(frame.seq), frame.offset, DamageKind::Misplaced, text));
}

fn lost(scan: &mut Scan, up_to: u64, gap: u64, at: u64) {
    let first = scan.end.next_seq;
    if first == up_to {
        let text = format!("{gap} bytes that are no record stand before record {up_to}");
        scan.findings.push(Finding::damaged(None, at, DamageKind::Inserted, text));
    }
    for seq in first..up_to {
        let (why, text) = if gap > 0 {
            (DamageKind::BadFrame, format!("record {seq} is destroyed: its bytes, at {at}, are those of no record"))
        } else {
            (DamageKind::Missing, format!("record {seq} is missing: record {up_to} stands in its place"))
        };
        if seq - first < NAMED {
            scan.findings.push(Finding::damaged(Some(seq), at, why, text));
        } else if seq - first == NAMED {
            let text = format!("records {seq} to {} are missing too", up_to - 1);
            scan.findings.push(Finding::damaged(Some(seq), at, why, text));
        }
        let hash = scan.end.lose(seq);
        scan.items.push(Item::Lost { seq, hash });
    }
    scan.end.link = None;
}

/// A record that stands out of its place still proves itself by its seal: it is given where it belongs, if it is lacking there.
fn finish(mut scan: Scan, strays: Vec<Found>) -> Scan {
    let mut filled = BTreeSet::new();
    // The items are in sequence without a gap, so that a log full of strays is not searched for each of them.
    let first = scan.end.next_seq - scan.items.len() as u64;
    for stray in strays {
        let at = stray.seq.checked_sub(first).and_then(|at| usize::try_from(at).ok());
        let place = at.and_then(|at| scan.items.get_mut(at)).filter(|item| matches!(item, Item::Lost { .. }));
        if let Some(place) = place {
            filled.insert(stray.seq);
            *place = Item::Record(stray);
        }
    }
    // Such a record is named once, as misplaced: it is not missing.
    scan.findings.retain(|finding| {
        !matches!(finding, Finding::Damaged { seq: Some(seq), why: DamageKind::Missing, .. } if filled.contains(seq))
    });
    scan
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::ledger::storage::{OpenMode, Storage};
    use crate::ledger::{Key, MemoryStorage};

    const ID: LedgerId = LedgerId::from_bytes([3; 16]);

    fn sealer() -> Sealer {
        Sealer::new(&Key::new([1; 32]), &ID, 0).unwrap()
    }

    fn scan_bytes(bytes: &[u8], from: &Position, vouched: u64) -> Scan {
        let storage = MemoryStorage::new();
        storage.write(Path::new("f"), bytes);
        let file = storage.open(Path::new("f"), OpenMode::Read).unwrap();
        scan(&mut Window::new(&*file, Path::new("f")).unwrap(), &sealer(), from, vouched, Depth::Whole).unwrap()
    }

    fn log_of(first: &Position, kinds: &[u16]) -> (Vec<u8>, Position) {
        let (mut log, mut position) = (Vec::new(), first.clone());
        for kind in kinds {
            let durable = position.end;
            let stored = sealer().seal(*kind, position.next_seq, durable, position.link.unwrap(), b"payload").unwrap();
            position.wrote(&stored, durable);
            position.durable = durable;
            log.extend(stored);
        }
        (log, position)
    }

    #[test]
    fn a_later_releases_frames_are_kept_and_named() {
        let first = Position::first(&ID, 0, 0, 0);
        let (log, end) = log_of(&first, &[RECORD, 9, RECORD]);
        let scan = scan_bytes(&log, &first, 0);
        assert_eq!((scan.items.len(), scan.end, scan.tail), (3, end, Tail::Clean));
        assert_eq!(scan.findings, [Finding::Newer { seq: 1, kind: 9 }]);
    }

    #[test]
    fn sequence_numbers_cross_thirty_two_bits_in_a_log() {
        let first = Position::first(&ID, 0, (1 << 32) - 2, 0);
        let (mut log, end) = log_of(&first, &[RECORD; 5]);
        assert_eq!(scan_bytes(&log, &first, 0).end, end);
        log[75] ^= 1;
        let scan = scan_bytes(&log, &first, 0);
        assert!(matches!(scan.findings[..], [Finding::Damaged { seq: Some(0xffff_ffff), .. }]), "{:?}", scan.findings);
        assert_eq!(scan.end.next_seq, (1 << 32) + 3);
    }

    #[test]
    fn a_number_that_the_file_has_no_room_for_is_no_frame() {
        let first = Position::first(&ID, 0, 0, 0);
        for seq in [3_000, 1 << 31, (1 << 31) - 1] {
            let (mut log, _) = log_of(&first, &[RECORD]);
            let size = log.len() as u64;
            log.extend(sealer().seal(RECORD, seq, size, [0; 16], b"far").unwrap());
            log.extend(sealer().seal(RECORD, seq + 1, size + 1, [0; 16], b"off").unwrap());
            let scan = scan_bytes(&log, &first, 0);
            assert_eq!((scan.items.len(), scan.findings.len()), (1, 0), "{seq}");
            assert!(matches!(scan.tail, Tail::Torn { .. }), "{seq}");
        }
    }

    #[test]
    fn a_file_made_of_magic_is_searched_in_bounded_time() {
        let mut head = sealer().seal(RECORD, 0, 0, [0; 16], &[]).unwrap();
        head.truncate(HEAD);
        // Each 48 bytes claim to begin a frame of 4 MiB.
        head[2..6].copy_from_slice(&(4_u32 << 20).to_le_bytes());
        let bytes = head.repeat(8 << 20 >> 5);
        let start = std::time::Instant::now();
        let scan = scan_bytes(&bytes, &Position::first(&ID, 0, 0, 0), 0);
        assert!(matches!(scan.tail, Tail::Torn { .. }) && scan.items.is_empty());
        assert!(start.elapsed().as_secs() < 60);
    }
}
