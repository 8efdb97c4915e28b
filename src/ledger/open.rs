//! Opening: which file rules, which key opens it, from which snapshot on it is read, and what vouches for its end.

use std::cell::OnceCell;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::company::Company;
use super::error::{Error, ErrorKind, Result};
use super::files::{Files, GenerationFile};
use super::frame::{Found, FrameHead, HEAD, OPENING, RECORD, Sealer, Window, link_to};
use super::header::{self, Copies};
use super::keys::SECRET;
use super::lock;
use super::log::{self, Ledger, entries, first_position, next_handle};
use super::note::{self, Checkpoint, Verifier};
use super::records::{Index, Recent};
use super::scan::{Depth, Position, Scan, Tail, certain, scan};
use super::snapshot::{self, Snapshot};
use super::storage::{OpenMode, Storage, StorageFile, read_file, sync_full};
use super::tree::{CompactRange, Hash, leaf_hash};
use super::witness::{self, WitnessRead};
use super::{Config, DamageKind, Finding, KeySource, LedgerId, Opened, files_of};

/// How many records a log has at most that is looked at whole at each open, to find damage in it.
const FULL_SCAN: u64 = 4096;

impl Ledger {
    /// Opens the generation that rules: the highest whose file is whole.
    ///
    /// # Errors
    /// `Missing` if there is no ledger of this name. `WrongKey`, `NotALedger`, `NewerFormat`, `DrillMismatch` and `Damaged` as
    /// [`ErrorKind`] says; in each case the files are left as they are.
    pub fn open(storage: Arc<dyn Storage>, config: &Config) -> Result<Opened> {
        open(storage, config, true)
    }

    /// The generation before this one, for reading what is in it; none if its file was put away. What is damaged in it is
    /// passed over, and a file that cannot be read for the one before that.
    ///
    /// # Errors
    /// Where files are there and none can be read; `WrongKey` if one has another data key that no key at hand opens.
    pub fn before(&self) -> Result<Option<Ledger>> {
        let note = HeadFile::text(&*self.storage, &self.files);
        let note = note.as_deref();
        let mut present = self.files.generations(&*self.storage)?;
        present.retain(|file| !file.temporary && file.generation < self.header.generation);
        let secret = read_secret(&*self.storage, &self.config)?;
        let secret = secret.as_deref().map(Vec::as_slice);
        let mut failure = None;
        for file in present.iter().rev() {
            // The file's own slots first: a new data key is a new generation too.
            let opened =
                open_file(self.storage.clone(), &self.config, &self.files, file, note, secret, true).or_else(|err| {
                    let config = Config { keys: KeySource::data_key(self.data.clone()), ..self.config.clone() };
                    open_file(self.storage.clone(), &config, &self.files, file, note, None, true).map_err(|_| err)
                });
            match opened {
                Ok(opened) => return Ok(Some(opened.ledger)),
                Err(err) if matches!(err.kind(), ErrorKind::NotALedger | ErrorKind::Damaged) => {
                    failure.get_or_insert(err);
                }
                Err(err) => return Err(err),
            }
        }
        failure.map_or(Ok(None), Err)
    }
}

pub(super) fn open(storage: Arc<dyn Storage>, config: &Config, use_snapshot: bool) -> Result<Opened> {
    let files = files_of(config)?;
    // The head first: writers go on meanwhile, and the files that are listed after a head was read reach at least as far as it does.
    let note = HeadFile::text(&*storage, &files);
    let mut present = files.generations(&*storage)?;
    if present.iter().all(|file| file.temporary) {
        finish_creation(&*storage, &files, config, &present)?;
        present = files.generations(&*storage)?;
    }
    present.retain(|file| !file.temporary);
    let Some(highest) = present.last().map(|file| file.generation) else {
        return Err(Error::at(
            ErrorKind::Missing,
            &files.generation(0),
            "there is no ledger; create it, or check the folder in the application file",
        ));
    };
    let secret = read_secret(&*storage, config)?;
    let mut findings = Vec::new();
    let mut failure = None;
    for file in present.iter().rev() {
        let secret = secret.as_deref().map(Vec::as_slice);
        match open_file(storage.clone(), config, &files, file, note.as_deref(), secret, use_snapshot) {
            Ok(mut opened) => {
                opened.ledger.highest = highest;
                findings.append(&mut opened.findings);
                opened.findings = findings;
                return Ok(opened);
            }
            // What cannot be read any more does not rule: the generation below does, and the loss is named.
            Err(err) if matches!(err.kind(), ErrorKind::NotALedger | ErrorKind::Damaged) => {
                let text = format!("generation {} cannot be read: {err}", file.generation);
                findings.push(Finding::damaged(None, 0, DamageKind::Generation, text));
                failure.get_or_insert(err);
            }
            Err(err) => return Err(err),
        }
    }
    Err(failure.unwrap_or_else(|| Error::at(ErrorKind::Missing, &files.generation(0), "there is no ledger; create it")))
}

/// A creation that was interrupted when the file was whole, and only its name was missing, is finished.
fn finish_creation(storage: &dyn Storage, files: &Files, config: &Config, present: &[GenerationFile]) -> Result<()> {
    let Some(first) = present.iter().find(|file| file.generation == 0) else { return Ok(()) };
    if !is_complete(storage, &first.path)? {
        return Ok(());
    }
    let _lock = lock::lock(storage, &files.lock(), config.lock_timeout)?;
    let named = files.generation(0);
    match storage.exists(&named) {
        Ok(true) => return Ok(()),
        Ok(false) => {}
        Err(err) => return Err(Error::io(&err, "looking for", &named)),
    }
    // Whoever wrote it may have been killed before its last sync.
    let synced = storage.open(&first.path, OpenMode::Write).and_then(|file| sync_full(&*file));
    match synced.and_then(|()| storage.rename(&first.path, &named)) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(|err| Error::io(&err, "naming", &named))?,
    }
    storage.sync_folder(&files.folder).map_err(|err| Error::io(&err, "syncing the folder", &files.folder))
}

/// Whether a temporary file has its header, which is written last, after all else is synced.
pub(super) fn is_complete(storage: &dyn Storage, path: &Path) -> Result<bool> {
    match storage.open(path, OpenMode::Read) {
        Ok(file) => Ok(!Copies::read(&*file, path)?.whole().is_empty()),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(err) => Err(Error::io(&err, "opening", path)),
    }
}

/// The per-install secret, if the keys need it and it is there.
pub(super) fn read_secret(storage: &dyn Storage, config: &Config) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>> {
    if !config.keys.needs_secret() {
        return Ok(None);
    }
    let path = config.secret_path();
    match read_file(storage, &path, 1 << 10).map(zeroize::Zeroizing::new) {
        Ok(bytes) => Ok(Some(bytes).filter(|bytes| bytes.len() == SECRET)),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(err) => Err(Error::io(&err, "reading the secret file", &path)),
    }
}

/// Opens for writing, or for reading where this user may do no more.
fn open_handle(storage: &dyn Storage, path: &Path) -> Result<(Box<dyn StorageFile>, bool)> {
    match storage.open(path, OpenMode::Write) {
        Ok(file) => Ok((file, false)),
        Err(err) if matches!(err.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) => {
            Ok((storage.open(path, OpenMode::Read).map_err(|err| Error::io(&err, "opening", path))?, true))
        }
        Err(err) => Err(Error::io(&err, "opening", path)),
    }
}

/// `note` is what lay in the place of the signed head before the files were listed.
pub(super) fn open_file(
    storage: Arc<dyn Storage>,
    config: &Config,
    files: &Files,
    which: &GenerationFile,
    note: Option<&str>,
    secret: Option<&[u8]>,
    use_snapshot: bool,
) -> Result<Opened> {
    let path = which.path.clone();
    let (file, read_only) = open_handle(&*storage, &path)?;
    let copies = Copies::read(&*file, &path)?;
    let opened = header::open(&copies, &path, config, secret)?;
    let (header, data, identity) = (opened.header, opened.unlocked.data, opened.identity);
    if header.generation != which.generation {
        return Err(Error::at(
            ErrorKind::Damaged,
            &path,
            format!("the file is generation {} under another's name; give it its own name back", header.generation),
        ));
    }
    let sealer = Sealer::new(&data, &header.id, header.generation)?;
    let snapshots =
        snapshot::all(&*storage, files, &snapshot::key(&data, &header.id, header.generation)?, header.generation);
    let known = note.and_then(|note| HeadFile::claimed(note, &header.id, &header.public_key));
    let seen = match &config.witness {
        Some(folder) => witness::read(&*storage, &witness::path(folder, &header.id), &header.id, &identity.witness),
        None => WitnessRead::Missing,
    };
    // A file is named with its first record in it, and snapshots and heads are made of what is durable only: the log must reach
    // as far as they do.
    let promised = snapshots.iter().map(|(_, snapshot)| snapshot.position.next_seq).max().unwrap_or(0);
    let promised = promised.max(header.first_seq.saturating_add(1));
    let promised = known
        .as_ref()
        .filter(|head| head.generation == header.generation)
        .map(|head| (header.first_seq.saturating_add(head.size), head))
        .filter(|(reached, head)| *reached > promised && head.is_signed())
        .map_or(promised, |(reached, _)| reached);
    let vouched = match &seen {
        WitnessRead::Of(witness) if witness.generation == header.generation => {
            promised.max(witness.seq.saturating_add(1))
        }
        _ => promised,
    };

    let mut findings: Vec<Finding> =
        opened.bad.iter().map(|copy| Finding::HeaderRepaired { copy: *copy as u8 }).collect();
    let first = first_position(&header);
    let Picked { chosen, salvage, unmatched } =
        pick_snapshot(snapshots, &sealer, &*file, &path, &first, config.fold_version, use_snapshot, &mut findings)?;
    let (from, state) = match chosen {
        Some(snapshot) => (snapshot.position, Some(snapshot.state)),
        None => (first.clone(), None),
    };
    let examine = |from: &Position, mut findings: Vec<Finding>| -> Result<(Scan, Vec<Finding>)> {
        let mut scan = read_log(&*file, &path, &sealer, from, vouched)?;
        findings.append(&mut scan.findings);
        if scan.end.next_seq < promised && !matches!(scan.tail, Tail::Damaged { .. }) {
            for seq in scan.end.next_seq..promised.min(scan.end.next_seq.saturating_add(100)) {
                let text = format!(
                    "record {seq} is missing: the log was cut, and it is known to have reached to record {}",
                    promised - 1
                );
                findings.push(Finding::damaged(Some(seq), scan.end.end, DamageKind::Missing, text));
            }
        }
        if let Some((seq, offset)) = unmatched.filter(|_| !findings.iter().any(Finding::is_damage)) {
            findings.push(other_history(seq, offset));
        }
        if let Some(head) = &known {
            check_head(head, header.generation, from, &scan, &mut findings);
        }
        Ok((scan, findings))
    };
    let (scan, mut found) = examine(&from, findings.clone())?;
    if state.is_some() && scan.end.next_seq - header.first_seq <= FULL_SCAN {
        let head = known.as_ref().filter(|head| head.generation == header.generation);
        match covered(&mut Window::new(&*file, &path)?, &first, &from, head)? {
            Some(mut newer) => found.append(&mut newer),
            // What is wrong with it is found out record by record.
            None => found = examine(&first, findings)?.1,
        }
    }
    let mut recent = Recent::default();
    if from.tag.is_some() {
        // The snapshot's last record is the one that a witness is most likely to name.
        recent.push(from.next_seq - 1, from.last, from.hash);
    }
    recent.read(&scan.items, scan.end.durable);
    let mut ledger = Ledger {
        config: config.clone(),
        files: files.clone(),
        data,
        sealer,
        identity,
        durable: scan.end.durable,
        vouched: vouched.into(),
        recent,
        highest: header.generation,
        bad_copies: opened.bad,
        stale_header: opened.stale,
        lacks_newest_slot: opened.unlocked.by_older,
        tail: scan.tail,
        tail_seen: false,
        rewritten: false,
        zeros_rewritten: false,
        poisoned: false,
        read_only,
        company: Company::default(),
        allocated: 0,
        scratch: 0,
        looks: 0,
        pid: std::process::id(),
        handle: next_handle(),
        dropped: Vec::new(),
        index: Index::new(first),
        position: scan.end,
        storage,
        file,
        path,
        header,
    };
    if is_vouched_for(&ledger, &seen, known.as_ref()) {
        ledger.known_durable();
    }
    ledger.mend_header_if_free();
    let salvage = salvage.map(|snapshot| (snapshot.position.next_seq, snapshot.state));
    Ok(Opened { ledger, snapshot: state, salvage, entries: entries(scan.items), findings: found })
}

/// Whether the newest record is known to have been synced: a witness or a signed head of it was written after that.
fn is_vouched_for(ledger: &Ledger, seen: &WitnessRead, known: Option<&HeadFile>) -> bool {
    let (head, newest) = (ledger.head(), ledger.newest());
    let witnessed = matches!(seen, WitnessRead::Of(witness)
        if witness.generation == head.generation && (witness.seq, witness.hash) == newest);
    let signed = |known: &HeadFile| {
        (known.generation, known.size, known.root) == (head.generation, head.size, head.root) && known.is_signed()
    };
    witnessed || known.is_some_and(signed)
}

/// Reads the log to the end of the file.
pub(super) fn read_log(
    file: &dyn StorageFile,
    path: &Path,
    sealer: &Sealer,
    from: &Position,
    vouched: u64,
) -> Result<Scan> {
    certain(|| scan(&mut Window::new(file, path)?, sealer, from, vouched, Depth::Whole))
}

/// Whether the frames up to a snapshot are, byte for byte, those that it was made of, and the signed head is of them too: then every
/// seal among them holds as it did then, and need not be opened. Each is the one that the next one's link names, and the last is the
/// one whose hash the snapshot holds: a link says of bytes as much as a seal does, and takes no node of the tree. What a newer release
/// wrote among them, if so.
fn covered(
    window: &mut Window<'_>,
    first: &Position,
    snapshot: &Position,
    head: Option<&HeadFile>,
) -> Result<Option<Vec<Finding>>> {
    let (mut at, mut seq, mut link, mut hash) = (first.end, first.next_seq, first.link, first.hash);
    // Where the head is of fewer records, a tree is made of as many.
    let (mut tree, of_head) = (CompactRange::new(), head.map_or(0, |head| head.size));
    let of_snapshot = snapshot.tree.size();
    let other = |root: Hash| head.is_some_and(|head| head.root != root && head.is_signed());
    if of_head == of_snapshot && other(snapshot.tree.root()) {
        return Ok(None);
    }
    let mut newer = Vec::new();
    while at < snapshot.end {
        let Some(frame) = window.bytes(at, HEAD)?.and_then(FrameHead::parse) else { return Ok(None) };
        let size = frame.frame_size();
        let Some(stored) = window.bytes(at, size)?.filter(|_| link == Some(frame.link)) else { return Ok(None) };
        hash = leaf_hash(stored);
        link = Some(link_to(&hash));
        if of_head < of_snapshot && tree.size() < of_head {
            tree.push(hash);
            if tree.size() == of_head && other(tree.root()) {
                return Ok(None);
            }
        }
        if frame.kind != RECORD && frame.kind != OPENING {
            newer.push(Finding::Newer { seq, kind: frame.kind });
        }
        at += size as u64;
        seq += 1;
    }
    Ok(((at, seq, hash) == (snapshot.end, snapshot.next_seq, snapshot.hash)).then_some(newer))
}

fn other_history(seq: u64, offset: u64) -> Finding {
    let text = format!(
        "record {seq} is not the one that a snapshot of this ledger covers: it was put back from a copy and written on"
    );
    Finding::damaged(Some(seq), offset, DamageKind::OtherHistory, text)
}

/// What snapshots are good for.
#[derive(Default)]
struct Picked {
    /// The newest of this fold whose last record stands where it says.
    chosen: Option<Snapshot>,
    /// A newer one, if there is, whose last record is destroyed.
    salvage: Option<Snapshot>,
    /// The last record of one, and its offset, that does not stand there.
    unmatched: Option<(u64, u64)>,
}

#[allow(clippy::too_many_arguments)]
fn pick_snapshot(
    snapshots: Vec<(usize, Snapshot)>,
    sealer: &Sealer,
    file: &dyn StorageFile,
    path: &Path,
    first: &Position,
    fold_version: u32,
    wanted: bool,
    findings: &mut Vec<Finding>,
) -> Result<Picked> {
    let mut picked = Picked::default();
    for (_, snapshot) in snapshots {
        let position = &snapshot.position;
        let last = position.next_seq.checked_sub(1).filter(|last| *last >= first.next_seq);
        let Some(last) = last else { continue };
        let mut window = Window::new(file, path)?;
        let found = window.frame(sealer, position.last, last, &mut u64::MAX.clone())?;
        let matches = |found: &Found| found.hash == position.hash && found.end() == position.end;
        match found.filter(|found| found.seq == last) {
            Some(found) if matches(&found) => {
                let usable = wanted && snapshot.fold_version == fold_version && picked.chosen.is_none();
                picked.chosen = picked.chosen.or_else(|| usable.then_some(snapshot));
                continue;
            }
            // Another record of its number in its place: this is not the log that the snapshot was made of.
            Some(found) if findings.iter().all(|finding| !finding.is_damage()) => {
                findings.push(other_history(last, found.offset));
            }
            _ => {}
        }
        // Its last record is destroyed or stands elsewhere, and so may others that it covers.
        picked.unmatched = picked.unmatched.or(Some((last, position.last)));
        if snapshot.fold_version == fold_version && picked.chosen.is_none() && picked.salvage.is_none() {
            picked.salvage = Some(snapshot);
        }
    }
    Ok(picked)
}

/// The head that lies beside the ledger. Whether it is signed is looked at where what it says changes anything: a signature takes as
/// long as a hundred records, and most heads say what the log says itself.
pub(super) struct HeadFile {
    pub(super) generation: u64,
    pub(super) size: u64,
    pub(super) root: Hash,
    note: String,
    key: [u8; 32],
    signed: OnceCell<bool>,
}

impl HeadFile {
    /// Reads the head, if there is one that this ledger's key has signed. Another is no evidence of anything.
    pub(super) fn read(storage: &dyn Storage, files: &Files, id: &LedgerId, public_key: &[u8; 32]) -> Option<HeadFile> {
        HeadFile::parse(&HeadFile::text(storage, files)?, id, public_key)
    }

    /// The text that lies where the head should.
    pub(super) fn text(storage: &dyn Storage, files: &Files) -> Option<String> {
        String::from_utf8(read_file(storage, &files.head(), 1 << 16).ok()?).ok()
    }

    /// The head that a text is, if this ledger's key has signed it.
    pub(super) fn parse(text: &str, id: &LedgerId, public_key: &[u8; 32]) -> Option<HeadFile> {
        HeadFile::claimed(text, id, public_key).filter(HeadFile::is_signed)
    }

    /// What a text claims to be a head of this ledger; it is one if it [is signed](HeadFile::is_signed).
    fn claimed(text: &str, id: &LedgerId, public_key: &[u8; 32]) -> Option<HeadFile> {
        let Checkpoint { origin, size, root, .. } = Checkpoint::of_note(text).ok()?;
        let generation = note::generation_of(id, &origin)?;
        Some(HeadFile { generation, size, root, note: text.to_owned(), key: *public_key, signed: OnceCell::new() })
    }

    /// Whether this ledger's key has signed it: else it is no evidence of anything.
    fn is_signed(&self) -> bool {
        *self.signed.get_or_init(|| {
            let origin = self.note.split('\n').next().unwrap_or_default();
            Verifier::new(origin, self.key).is_ok_and(|verifier| verifier.verify(&self.note).is_ok())
        })
    }
}

fn check_head(head: &HeadFile, generation: u64, from: &Position, scan: &Scan, findings: &mut Vec<Finding>) {
    if head.generation > generation {
        if !head.is_signed() {
            return;
        }
        let text = format!("generation {} is gone: a signed head of it lies beside the ledger", head.generation);
        findings.push(Finding::damaged(None, 0, DamageKind::Generation, text));
        return;
    }
    if head.generation < generation || findings.iter().any(Finding::is_damage) {
        return;
    }
    if log::root_at(from, &scan.items, head.size).is_some_and(|root| root != head.root) && head.is_signed() {
        let text =
            format!("the first {} records are not those that the signed head beside the ledger is of", head.size);
        findings.push(Finding::damaged(None, scan.end.end, DamageKind::OtherHistory, text));
    }
}
