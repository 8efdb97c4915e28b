//! Full verification: with the key, everything; without, what anybody can check.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{Error, ErrorKind, Result};
use super::files::GenerationFile;
use super::frame::{FrameHead, HEAD, Sealer, Window, link_to};
use super::generation::file_hash;
use super::header::{self, Copies};
use super::keys::AuditSlot;
use super::log::{entries, first_position, root_at};
use super::open::{HeadFile, read_log, read_secret};
use super::scan::{Position, Tail};
use super::storage::{OpenMode, Storage};
use super::tree::{Hash, leaf_hash};
use super::{Config, DamageKind, Entry, Finding, LedgerId, files_of};

/// What verification found in one generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerationReport {
    /// Which generation.
    pub generation: u64,
    /// Its file.
    pub path: PathBuf,
    /// The sequence number of its first record.
    pub first_seq: u64,
    /// How many of its records are whole.
    pub records: u64,
    /// How many leaves its tree has.
    pub size: u64,
    /// The tree's root.
    pub root: Hash,
    /// What lies behind the end of the log and was never acknowledged: its offset and length. No offence.
    pub torn: Option<(u64, u64)>,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// What [`verify`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// The ledger.
    pub id: LedgerId,
    /// Each generation that lies in the folder, the lowest first.
    pub generations: Vec<GenerationReport>,
}

impl Verification {
    /// Whether nothing was found but torn tails.
    pub fn is_clean(&self) -> bool {
        self.generations.iter().all(|generation| generation.findings.is_empty())
    }
}

/// Verifies every generation that lies in the folder: both headers, each seal, each sequence number and link, the trees,
/// what each generation says of the file before, and the signed head. Changes nothing and takes no lock.
///
/// # Errors
/// As [`Ledger::open`](super::Ledger::open). A generation below the highest that cannot be read is a finding, not an error.
pub fn verify(storage: Arc<dyn Storage>, config: &Config) -> Result<Verification> {
    let files = files_of(config)?;
    // The head first: writers go on meanwhile, and a log that is read after a head reaches at least as far as the head says.
    let note = HeadFile::text(&*storage, &files);
    let mut present = files.generations(&*storage)?;
    present.retain(|file| !file.temporary);
    let Some(highest) = present.last().map(|file| file.generation) else {
        return Err(Error::at(
            ErrorKind::Missing,
            &files.generation(0),
            "there is no ledger; check the folder in the application file",
        ));
    };
    let secret = read_secret(&*storage, config)?;
    let secret = secret.as_deref().map(Vec::as_slice);
    let (mut locked, mut wrecked) = (None, false);
    let mut reports: Vec<GenerationReport> = Vec::new();
    let mut ledger = None;
    let mut before: Option<Before> = None;
    for file in &present {
        match verify_file(&*storage, config, file, secret) {
            Ok((mut report, id, public_key, first)) => {
                if let (Some(before), Some(first)) = (&before, &first) {
                    before.compare(first, &mut report);
                }
                if ledger.is_some_and(|known| known != id) {
                    let text = format!("generation {} is of another ledger, {id}", report.generation);
                    report.findings.push(Finding::damaged(None, 0, DamageKind::Generation, text));
                }
                let head = note.as_deref().and_then(|note| HeadFile::parse(note, &id, &public_key));
                if let Some(head) =
                    head.as_ref().filter(|head| head.generation > highest && report.generation == highest)
                {
                    let text =
                        format!("generation {} is gone: a signed head of it lies beside the ledger", head.generation);
                    report.findings.push(Finding::damaged(None, 0, DamageKind::Generation, text));
                }
                if let Some(head) = head.filter(|head| head.generation == file.generation) {
                    check_head(&*storage, config, file, secret, &mut report, &head)?;
                }
                ledger.get_or_insert(id);
                before = Some(Before::of(&*storage, &report)?);
                reports.push(report);
            }
            Err(err) if file.generation < highest || !reports.is_empty() => {
                before = None;
                let text = format!("generation {} cannot be read: {err}", file.generation);
                match err.kind() {
                    ErrorKind::WrongKey => locked = locked.or(Some(err)),
                    _ => wrecked = true,
                }
                reports.push(GenerationReport {
                    generation: file.generation,
                    path: file.path.clone(),
                    first_seq: 0,
                    records: 0,
                    size: 0,
                    root: super::tree::empty_root(),
                    torn: None,
                    findings: vec![Finding::damaged(None, 0, DamageKind::Generation, text)],
                });
            }
            Err(err) => return Err(err),
        }
    }
    // A key that opens nothing is no damage.
    let unread = || Error::at(ErrorKind::Damaged, &files.generation(highest), "no generation can be read");
    let id = ledger.ok_or_else(|| locked.filter(|_| !wrecked).unwrap_or_else(unread))?;
    Ok(Verification { id, generations: reports })
}

/// What the next generation should say of this one.
struct Before {
    generation: u64,
    size: u64,
    root: Hash,
    file_hash: Hash,
}

impl Before {
    fn of(storage: &dyn Storage, report: &GenerationReport) -> Result<Before> {
        let hash = storage.open(&report.path, OpenMode::Read).and_then(|file| file_hash(&*file));
        Ok(Before {
            generation: report.generation,
            size: report.size,
            root: report.root,
            file_hash: hash.map_err(|err| Error::io(&err, "reading", &report.path))?,
        })
    }

    fn compare(&self, first: &Entry, report: &mut GenerationReport) {
        let Some(opening) = &first.opening else { return };
        if opening.before != self.generation {
            return;
        }
        let differs = opening.size != self.size || opening.root != self.root || opening.file_hash != self.file_hash;
        if differs {
            let text = format!(
                "generation {} was changed after generation {} had followed it",
                self.generation, report.generation
            );
            report.findings.push(Finding::damaged(Some(first.seq), 0, DamageKind::OtherHistory, text));
        }
    }
}

type Verified = (GenerationReport, LedgerId, [u8; 32], Option<Entry>);

fn verify_file(
    storage: &dyn Storage,
    config: &Config,
    which: &GenerationFile,
    secret: Option<&[u8]>,
) -> Result<Verified> {
    let path = &which.path;
    let file = storage.open(path, OpenMode::Read).map_err(|err| Error::io(&err, "opening", path))?;
    let copies = Copies::read(&*file, path)?;
    let opened = header::open(&copies, path, config, secret)?;
    let header = opened.header;
    if header.generation != which.generation {
        return Err(Error::at(
            ErrorKind::Damaged,
            path,
            format!("the file is generation {} under another's name", header.generation),
        ));
    }
    let sealer = Sealer::new(&opened.unlocked.data, &header.id, header.generation)?;
    let scan = read_log(&*file, path, &sealer, &first_position(&header), 0)?;
    let copy = |copy: usize| {
        let text = format!("copy {copy} of the header is not authentic; the other one is");
        Finding::damaged(None, (copy * header::BLOCK) as u64, DamageKind::HeaderCopy, text)
    };
    let mut findings: Vec<Finding> = opened.bad.iter().map(|bad| copy(*bad)).collect();
    findings.extend(scan.findings);
    let torn = match scan.tail {
        Tail::Clean => None,
        Tail::Torn { to } | Tail::Damaged { to } => Some((scan.end.end, to - scan.end.end)),
    };
    let (size, root) = (scan.end.tree.size(), scan.end.tree.root());
    let entries = entries(scan.items);
    let report = GenerationReport {
        generation: header.generation,
        path: path.clone(),
        first_seq: header.first_seq,
        records: entries.len() as u64,
        size,
        root,
        torn,
        findings,
    };
    let first = entries.into_iter().next().filter(|entry| entry.seq == header.first_seq);
    Ok((report, header.id, header.public_key, first))
}

fn check_head(
    storage: &dyn Storage,
    config: &Config,
    which: &GenerationFile,
    secret: Option<&[u8]>,
    report: &mut GenerationReport,
    head: &HeadFile,
) -> Result<()> {
    if head.size > report.size {
        let text = format!(
            "{} records are missing at the end: the signed head beside the ledger is of {}",
            head.size - report.size,
            head.size
        );
        report.findings.push(Finding::damaged(Some(report.first_seq + report.size), 0, DamageKind::Missing, text));
        return Ok(());
    }
    let file = storage.open(&which.path, OpenMode::Read).map_err(|err| Error::io(&err, "opening", &which.path))?;
    let opened = header::open(&Copies::read(&*file, &which.path)?, &which.path, config, secret)?;
    let sealer = Sealer::new(&opened.unlocked.data, &opened.header.id, which.generation)?;
    let first = first_position(&opened.header);
    let scan = read_log(&*file, &which.path, &sealer, &first, 0)?;
    if root_at(&first, &scan.items, head.size).is_some_and(|root| root != head.root) {
        let text =
            format!("the first {} records are not those that the signed head beside the ledger is of", head.size);
        report.findings.push(Finding::damaged(None, 0, DamageKind::OtherHistory, text));
    }
    Ok(())
}

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
    /// What does not fit.
    pub problems: Vec<String>,
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
    if whole.len() == 1 {
        problems.push("one copy of the header is not whole".to_string());
    }
    let mut window = Window::new(&*file, path)?;
    let mut position = first_position(header);
    let mut roots = Vec::new();
    let parsed = |head: &str| HeadFile::parse(head, &header.id, &header.public_key);
    let known = head.and_then(parsed);
    if head.is_some() && known.is_none() {
        problems.push("the head is not signed by the key that the file names".to_string());
    }
    let wanted = known.as_ref().filter(|head| head.generation == header.generation);
    if known.is_some() && wanted.is_none() {
        problems.push("the head is of another generation".to_string());
    }
    loop {
        if wanted.is_some_and(|head| head.size == position.tree.size()) {
            roots.push(position.tree.root());
        }
        let Some(bytes) = window.bytes(position.end, HEAD)? else { break };
        let blank = bytes.iter().all(|b| *b == 0);
        let Some(frame) = FrameHead::parse(bytes) else {
            if !blank {
                problems.push(format!("at {} stand bytes that are no frame: a torn tail, or damage", position.end));
            }
            break;
        };
        if frame.seq(position.next_seq) != Some(position.next_seq) {
            problems.push(format!("at {} record {} should stand, and does not", position.end, position.next_seq));
            break;
        }
        let Some(stored) = window.bytes(position.end, frame.frame_size())? else {
            problems.push(format!("record {} is cut off", position.next_seq));
            break;
        };
        if position.link != Some(frame.link) {
            problems.push(format!(
                "record {} does not follow the bytes before it: they were changed, or it was put in",
                position.next_seq
            ));
        }
        advance(&mut position, stored);
    }
    let checked_head = wanted.and_then(|head| match roots.first() {
        None => {
            problems.push(format!("the head is of {} records, the file has {}", head.size, position.tree.size()));
            None
        }
        Some(root) if *root != head.root => {
            problems.push(format!("the first {} records are not those that the head is of", head.size));
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

fn advance(position: &mut Position, stored: &[u8]) {
    let offset = position.end;
    let hash = position.wrote(stored, offset);
    debug_assert_eq!((hash, position.link), (leaf_hash(stored), Some(link_to(&hash))));
}

/// The auditors' slots of the generation that rules, for whoever holds the private key of one.
///
/// # Errors
/// `Missing` if there is no ledger; `NotALedger`, `NewerFormat`, `Damaged` if no copy of the header is whole.
pub fn audit_slots(storage: &dyn Storage, config: &Config) -> Result<Vec<AuditSlot>> {
    let files = files_of(config)?;
    let present = files.generations(storage)?;
    let Some(last) = present.iter().rfind(|file| !file.temporary) else {
        return Err(Error::at(
            ErrorKind::Missing,
            &files.generation(0),
            "there is no ledger; check the folder in the application file",
        ));
    };
    let file = storage.open(&last.path, OpenMode::Read).map_err(|err| Error::io(&err, "opening", &last.path))?;
    let copies = Copies::read(&*file, &last.path)?;
    let Some((_, header)) = copies.whole().into_iter().next() else { return Err(copies.explain(&last.path)) };
    let audit = header.slots.iter().filter(|slot| slot.kind == super::SlotKind::Audit);
    Ok(audit.map(|slot| AuditSlot { id: header.id, slot: slot.clone() }).collect())
}
