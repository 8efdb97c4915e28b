//! Full verification: with the key, everything; without, what anybody can check.

mod opening;
mod public;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use opening::Said;
pub use public::{PublicReport, verify_public};

use super::error::{Error, ErrorKind, Result};
use super::files::{Files, GenerationFile};
use super::frame::{OPENING, Sealer};
use super::generation::{Opening, split_opening};
use super::header::{self, Copies};
use super::keys::{AuditSlot, Key};
use super::log::{entries, first_position, root_at};
use super::open::{HeadFile, read_log, read_secret};
use super::scan::{Position, Tail};
use super::storage::{OpenMode, Storage};
use super::sweep::sweep;
use super::tree::Hash;
use super::{Config, DamageKind, Finding, KeySource, LedgerId, files_of};

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
    /// That no key at hand opens it, so its records were not verified and all numbers here are zero. That alone is no damage.
    pub locked: Option<Locked>,
}

/// A generation that no key at hand opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// Which key is lacking, in words.
    pub why: String,
    /// Whether its file is byte for byte the one that a later generation says was closed. None if none says so that can be read.
    pub as_closed: Option<bool>,
}

/// What [`verify`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// The ledger.
    pub id: LedgerId,
    /// Each generation that lies in the folder, the lowest first.
    pub generations: Vec<GenerationReport>,
    /// The signed head that lies beside the ledger.
    pub head: HeadBeside,
}

/// What lies in the place of the signed head beside a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadBeside {
    /// Nothing.
    Missing,
    /// Something that this ledger's key has not signed. It says nothing, as if it were not there.
    Unsigned,
    /// A head that was held against the files.
    Of {
        /// Of which generation.
        generation: u64,
        /// Of how many records.
        size: u64,
    },
}

impl Verification {
    /// Whether everything was verified, and nothing was found but torn tails.
    pub fn is_clean(&self) -> bool {
        !self.is_damaged() && self.locked().next().is_none()
    }

    /// Whether something is wrong in what was verified.
    pub fn is_damaged(&self) -> bool {
        self.generations.iter().any(|generation| !generation.findings.is_empty())
    }

    /// The generations that no key at hand opens.
    pub fn locked(&self) -> impl Iterator<Item = (u64, &Locked)> {
        self.generations.iter().filter_map(|generation| Some((generation.generation, generation.locked.as_ref()?)))
    }
}

/// Verifies every generation that lies in the folder: both headers, each seal, each sequence number and link, the trees,
/// what each generation says of the file before, and the signed head. Changes nothing and takes no lock.
///
/// # Errors
/// As [`Ledger::open`](super::Ledger::open). Where several generations lie there, one that cannot be read is a finding, not an
/// error, and one that no key at hand opens is [`Locked`].
pub fn verify(storage: Arc<dyn Storage>, config: &Config) -> Result<Verification> {
    verify_with(storage, config, NonZeroUsize::MIN)
}

/// The same on so many threads, the caller's included; the others end with the call.
///
/// # Errors
/// As [`verify`].
pub fn verify_with(storage: Arc<dyn Storage>, config: &Config, threads: NonZeroUsize) -> Result<Verification> {
    let files = files_of(config)?;
    // The head first: writers go on meanwhile, and a log that is read after a head reaches at least as far as the head says.
    let note = HeadFile::text(&*storage, &files);
    let mut present = files.generations(&*storage)?;
    present.retain(|file| !file.temporary);
    let Some(highest) = present.last().map(|file| file.generation) else {
        return Err(no_ledger(&files));
    };
    let mut errors = Vec::new();
    let (mut reports, mut said, mut opened): (Vec<GenerationReport>, Vec<Said>, Vec<Verified>) = Default::default();
    // From the newest down: each says how far the one before it reached.
    for file in present.iter().rev() {
        let known = |first_seq| {
            said.iter()
                .filter(|said| said.is_of(file.generation))
                .map(|said| said.vouches(first_seq))
                .max()
                .unwrap_or(0)
        };
        let read = |keys: KeySource| {
            let config = Config { keys, ..config.clone() };
            verify_file(&*storage, note.as_deref(), &config, file, &known, threads)
        };
        // A generation with the same data key needs no slot that opens.
        let by_another =
            |err| opened.iter().find_map(|other| read(KeySource::data_key(other.data.clone())).ok()).ok_or(err);
        let verified = read(config.keys.clone()).or_else(|err| match err.kind() {
            ErrorKind::WrongKey => by_another(err),
            _ => Err(err),
        });
        let mut verified = match verified {
            Ok(verified) => verified,
            Err(err) => {
                let mut report = unread(file, &err);
                if let Some(locked) = &mut report.locked {
                    for said in said.iter().filter(|said| said.is_of(file.generation)) {
                        let found = said.compare_file(&*storage, file)?;
                        locked.as_closed = Some(found.is_none() && locked.as_closed != Some(false));
                        add(&mut reports, said.by, found);
                    }
                }
                reports.push(report);
                errors.push(err);
                continue;
            }
        };
        for said in said.iter().filter(|said| said.is_of(file.generation)) {
            let found = said.compare(&*storage, &verified.report, &verified.end, &verified.id, &verified.public_key)?;
            add(&mut reports, said.by, found);
        }
        said.extend(verified.opening.take().map(|opening| Said::of(file.generation, &verified.report, opening)));
        reports.push(verified.report.clone());
        opened.push(verified);
    }
    reports.reverse();
    let Some(newest) = opened.first() else {
        // A key that opens nothing is no damage.
        let locked = errors.iter().all(|err| err.kind() == ErrorKind::WrongKey);
        return Err(match errors.pop() {
            Some(err) if locked || present.len() == 1 => err,
            _ => Error::at(ErrorKind::Damaged, &files.generation(highest), "no generation can be read"),
        });
    };
    let id = opened.last().map_or(newest.id, |lowest| lowest.id);
    for other in opened.iter().filter(|other| other.id != id) {
        let text = format!("generation {} is of another ledger, {}", other.report.generation, other.id);
        let finding = Finding::damaged(None, 0, DamageKind::Generation, text);
        add(&mut reports, other.report.generation, Some(finding));
    }
    let signed = note.as_deref().and_then(|note| HeadFile::parse(note, &newest.id, &newest.public_key));
    let head = match signed {
        Some(HeadFile { generation, size, .. }) => HeadBeside::Of { generation, size },
        None if storage.exists(&files.head()).unwrap_or(false) => HeadBeside::Unsigned,
        None => HeadBeside::Missing,
    };
    if let (HeadBeside::Of { generation, .. }, Some(report)) = (head, reports.last_mut())
        && generation > highest
    {
        let text = format!("generation {generation} is gone: a signed head of it lies beside the ledger");
        report.findings.push(Finding::damaged(None, 0, DamageKind::Generation, text));
    }
    Ok(Verification { id, generations: reports, head })
}

/// Adds to what was found in a generation.
fn add(reports: &mut [GenerationReport], generation: u64, found: Option<Finding>) {
    if let Some(report) = reports.iter_mut().find(|report| report.generation == generation) {
        report.findings.extend(found);
    }
}

fn unread(file: &GenerationFile, err: &Error) -> GenerationReport {
    let locked = err.kind() == ErrorKind::WrongKey;
    let finding = || {
        let text = format!("generation {} cannot be read: {err}", file.generation);
        Finding::damaged(None, 0, DamageKind::Generation, text)
    };
    GenerationReport {
        generation: file.generation,
        path: file.path.clone(),
        first_seq: 0,
        records: 0,
        size: 0,
        root: super::tree::empty_root(),
        torn: None,
        findings: (!locked).then(finding).into_iter().collect(),
        locked: locked.then(|| Locked { why: err.message().to_owned(), as_closed: None }),
    }
}

/// A generation's file that could be read.
struct Verified {
    report: GenerationReport,
    id: LedgerId,
    public_key: [u8; 32],
    data: Key,
    end: Position,
    /// What its first record says of the file before, and where that stands.
    opening: Option<(u64, Opening)>,
}

/// `note` is what lies in the place of the signed head. `known` gives one more than the number of the last record that this generation is known to have had, by its first record's.
fn verify_file(
    storage: &dyn Storage,
    note: Option<&str>,
    config: &Config,
    which: &GenerationFile,
    known: &dyn Fn(u64) -> u64,
    threads: NonZeroUsize,
) -> Result<Verified> {
    let path = &which.path;
    let file = storage.open(path, OpenMode::Read).map_err(|err| Error::io(&err, "opening", path))?;
    let copies = Copies::read(&*file, path)?;
    let secret = read_secret(storage, config)?;
    let opened = header::open(&copies, path, config, secret.as_deref().map(Vec::as_slice))?;
    let (header, data) = (opened.header, opened.unlocked.data);
    if header.generation != which.generation {
        return Err(Error::at(
            ErrorKind::Damaged,
            path,
            format!("the file is generation {} under another's name", header.generation),
        ));
    }
    let sealer = Sealer::new(&data, &header.id, header.generation)?;
    let start = first_position(&header);
    let head = note.and_then(|note| HeadFile::parse(note, &header.id, &header.public_key));
    let head = head.filter(|head| head.generation == which.generation);
    let wanted = head.as_ref().map(|head| head.size);
    let swept = sweep(&*file, path, &sealer, &start, header.generation > 0, wanted, threads)?;
    // A file is named with its first record in it.
    let scan = read_log(&*file, path, &sealer, &swept.end, known(header.first_seq).max(header.first_seq + 1))?;
    let copy = |copy: usize| {
        let text = format!("copy {copy} of the header is not authentic; the other one is");
        Finding::damaged(None, (copy * header::BLOCK) as u64, DamageKind::HeaderCopy, text)
    };
    let mut findings: Vec<Finding> = opened.bad.iter().map(|bad| copy(*bad)).collect();
    findings.extend(scan.findings);
    findings.extend(opening::misplaced(&header, &scan.items));
    let first = |finding: &Finding| matches!(finding, Finding::Damaged { seq, .. } if *seq == Some(header.first_seq));
    if swept.records == 0 && scan.items.is_empty() && !findings.iter().any(first) {
        let text = format!("record {} is missing: no file is without its first record", header.first_seq);
        findings.push(Finding::damaged(Some(header.first_seq), scan.end.end, DamageKind::Missing, text));
    }
    let torn = match scan.tail {
        Tail::Clean => None,
        Tail::Torn { to } | Tail::Damaged { to } => Some((scan.end.end, to - scan.end.end)),
    };
    let (size, root) = (scan.end.tree.size(), scan.end.tree.root());
    if let Some(head) = head {
        let root = swept.root.or_else(|| root_at(&swept.end, &scan.items, head.size));
        if head.size > size {
            let text = format!(
                "{} records are missing at the end: the signed head beside the ledger is of {}",
                head.size - size,
                head.size
            );
            findings.push(Finding::damaged(Some(scan.end.next_seq), scan.end.end, DamageKind::Missing, text));
        } else if root.is_some_and(|root| root != head.root) {
            let text =
                format!("the first {} records are not those that the signed head beside the ledger is of", head.size);
            findings.push(Finding::damaged(None, 0, DamageKind::OtherHistory, text));
        }
    }
    let entries = entries(scan.items);
    let opening = match swept.first {
        Some((OPENING, payload)) => split_opening(payload).0.map(|opening| (header::LOG, opening)),
        Some(_) => None,
        None => entries
            .first()
            .filter(|entry| entry.seq == header.first_seq)
            .and_then(|entry| Some((entry.offset, entry.opening.clone()?))),
    };
    let report = GenerationReport {
        generation: header.generation,
        path: path.clone(),
        first_seq: header.first_seq,
        records: swept.records + entries.len() as u64,
        size,
        root,
        torn,
        findings,
        locked: None,
    };
    Ok(Verified { report, id: header.id, public_key: header.public_key, data, end: scan.end, opening })
}

/// The auditors' slots of each generation whose header can be read, the lowest first, for whoever holds the private key of one.
///
/// # Errors
/// `Missing` if there is no ledger; `NotALedger`, `NewerFormat`, `Damaged` if no generation has a whole copy of the header.
pub fn audit_slots_of_each(storage: &dyn Storage, config: &Config) -> Result<Vec<(u64, Vec<AuditSlot>)>> {
    let files = files_of(config)?;
    let (mut found, mut failure) = (Vec::new(), None);
    for file in files.generations(storage)?.iter().filter(|file| !file.temporary) {
        match slots_in(storage, file) {
            Ok(slots) => found.push((file.generation, slots)),
            Err(err) => failure = Some(err),
        }
    }
    match failure {
        Some(err) if found.is_empty() => Err(err),
        None if found.is_empty() => Err(no_ledger(&files)),
        _ => Ok(found),
    }
}

fn no_ledger(files: &Files) -> Error {
    let text = "there is no ledger; check the folder in the application file";
    Error::at(ErrorKind::Missing, &files.generation(0), text)
}

fn slots_in(storage: &dyn Storage, which: &GenerationFile) -> Result<Vec<AuditSlot>> {
    let file = storage.open(&which.path, OpenMode::Read).map_err(|err| Error::io(&err, "opening", &which.path))?;
    let copies = Copies::read(&*file, &which.path)?;
    let Some((_, header)) = copies.whole().into_iter().next() else { return Err(copies.explain(&which.path)) };
    Ok(header.audit_slots().collect())
}

/// The auditors' slots of the generation that rules, for whoever holds the private key of one.
///
/// # Errors
/// `Missing` if there is no ledger; `NotALedger`, `NewerFormat`, `Damaged` if no copy of the header is whole.
pub fn audit_slots(storage: &dyn Storage, config: &Config) -> Result<Vec<AuditSlot>> {
    let files = files_of(config)?;
    let present = files.generations(storage)?;
    let last = present.iter().rfind(|file| !file.temporary);
    slots_in(storage, last.ok_or_else(|| no_ledger(&files))?)
}
