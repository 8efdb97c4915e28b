//! Snapshots: the folded state up to some record, so that opening reads only what came after.
//!
//! Two files take turns, each replaced whole. A snapshot is sealed under a key from the data key; its clear head (magic
//! `RPRVSNAP`, format, fold version, generation) is authenticated with it. One that is damaged, foreign, of another fold or that does
//! not fit the log is passed over, and the other is used, or the whole log.

use std::path::Path;

use super::LedgerId;
use super::codec::{self, Reader};
use super::error::{Error, ErrorKind, Result};
use super::files::{Files, parent, replacement};
use super::keys::{self, Key};
use super::scan::Position;
use super::storage::{OpenMode, Storage, read_file, sync_full, write_full};
use crate::order::sort_short;

/// The most bytes that a snapshot's state may have: 64 MiB.
pub const MAX_STATE: usize = 64 << 20;

const MAGIC: &[u8; 8] = b"RPRVSNAP";
const FORMAT: u32 = 1;
const HEAD: usize = 24;

/// One snapshot that was opened.
pub(crate) struct Snapshot {
    pub(crate) fold_version: u32,
    pub(crate) position: Position,
    pub(crate) state: Vec<u8>,
}

pub(crate) fn key(data: &Key, id: &LedgerId, generation: u64) -> Result<Key> {
    Key::derive(data.bytes(), id.as_bytes(), &[b"reprieve/1 snapshot", &generation.to_le_bytes()])
}

fn head(fold_version: u32, generation: u64) -> Vec<u8> {
    [MAGIC.as_slice(), &FORMAT.to_le_bytes(), &fold_version.to_le_bytes(), &generation.to_le_bytes()].concat()
}

fn load(storage: &dyn Storage, files: &Files, which: usize, key: &Key, generation: u64) -> Option<Snapshot> {
    let bytes = read_file(storage, &files.snapshot(which), (MAX_STATE + codec_limit()) as u64).ok()?;
    let (clear, sealed) = bytes.split_at_checked(HEAD)?;
    let fold_version = u32::from_le_bytes([clear[12], clear[13], clear[14], clear[15]]);
    if clear != head(fold_version, generation) {
        return None;
    }
    let plain = keys::open(key, clear, sealed)?;
    let mut rest = Reader::new(&plain);
    let position: Position = codec::from_bytes(rest.prefixed().ok()?).ok()?;
    let state = rest.take(rest.left()).ok()?.to_vec();
    position.tree.is_sound().then_some(Snapshot { fold_version, position, state })
}

const fn codec_limit() -> usize {
    super::frame::MAX_PAYLOAD
}

/// This generation's snapshots, the newest first, with the number of their file.
pub(crate) fn all(storage: &dyn Storage, files: &Files, key: &Key, generation: u64) -> Vec<(usize, Snapshot)> {
    let mut found: Vec<_> = (0..2)
        .filter_map(|which| load(storage, files, which, key, generation).map(|snapshot| (which, snapshot)))
        .collect();
    sort_short(&mut found, |(_, snapshot)| std::cmp::Reverse(snapshot.position.next_seq));
    found
}

/// Writes a snapshot in the place of none, else of this fold's older or only one, else of the older of another's two: releases with
/// different folds keep one each, and neither has to fold the whole log at each open.
pub(crate) fn save(
    storage: &dyn Storage,
    files: &Files,
    key: &Key,
    generation: u64,
    snapshot: &Snapshot,
    like: &Path,
) -> Result<()> {
    if snapshot.state.len() > MAX_STATE {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!("a state of {} bytes is larger than a snapshot's {MAX_STATE}", snapshot.state.len()),
        ));
    }
    let found = all(storage, files, key, generation);
    let none = (0..2).find(|which| found.iter().all(|(other, _)| other != which));
    let own = found.iter().rev().find(|(_, other)| other.fold_version == snapshot.fold_version);
    let which = none.or(own.or(found.last()).map(|(which, _)| *which)).unwrap_or(0);
    let position = codec::to_bytes(&snapshot.position)?;
    let mut plain = Vec::with_capacity(4 + position.len() + snapshot.state.len());
    plain.extend_from_slice(&(position.len() as u32).to_le_bytes());
    plain.extend_from_slice(&position);
    plain.extend_from_slice(&snapshot.state);
    let mut bytes = head(snapshot.fold_version, generation);
    let sealed = keys::seal(key, &bytes, &plain)?;
    bytes.extend_from_slice(&sealed);
    replace(storage, &files.snapshot(which), &bytes, like, false)
}

/// Replaces a small file beside the ledger at once for every reader; `durably` only where somebody depends on it.
pub(crate) fn replace(storage: &dyn Storage, path: &Path, bytes: &[u8], like: &Path, durably: bool) -> Result<()> {
    // A name of its own for each writer: two may write at once, and the later one to finish wins.
    let temporary = replacement(path, u64::from_le_bytes(keys::random()?));
    let written = storage
        .open(&temporary, OpenMode::CreateNew { like: Some(like) })
        .and_then(|file| write_full(&*file, bytes, 0).and_then(|()| if durably { sync_full(&*file) } else { Ok(()) }))
        .and_then(|()| storage.rename(&temporary, path))
        .and_then(|()| if durably { storage.sync_folder(parent(path)) } else { Ok(()) });
    written.map_err(|err| {
        storage.remove(&temporary).ok();
        Error::io(&err, "replacing", path)
    })
}
