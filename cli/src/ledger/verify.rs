//! `reprieve ledger verify`: with the key, everything; without, what anybody can check.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use reprieve::ledger::{self, DamageKind, Disk, Finding, HeadBeside, Locked, PublicReport, Verification};
use serde_json::{Value, json};

use crate::audit;
use crate::failure::{Done, Failure};
use crate::output::{BAD, BOLD, DIM, FAIR, GOOD, Out, one_line, paint};
use crate::target::Reading;

const AFTER: &str = "\
With --app (or --drill) every generation in the ledger's folder is checked in full: both headers, each seal, each number and link, \
the trees, what each file says of the one before, and the signed head. With paths and no key, whoever was sent a ledger checks what \
needs no secret: the form, the numbers and the links of the records, the tree over them, and the signed head beside the file or \
given with --head. Nothing is changed, and no lock is taken.

A generation that no key at hand opens is locked, which is no damage: its records are not verified, and its file is held against \
the hash that the next generation has of it.

Exit codes: 0 nothing is wrong, 1 damage was found, 2 it cannot be read, or a generation of it is locked, 3 the disk or its rights.

Examples:
  reprieve ledger verify --app reprieve.toml
  reprieve ledger verify acme.g0.ledger --head acme.head
  reprieve ledger verify --json a-folder";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// Ledger files, or folders with some, to check without a key.
    #[arg(required_unless_present_any = ["app", "drill"], conflicts_with_all = ["app", "drill", "folder"])]
    paths: Vec<PathBuf>,
    /// The application file, reprieve.toml: check everything.
    #[arg(long, value_name = "FILE")]
    app: Option<PathBuf>,
    /// The ledger's folder, in place of the application file's.
    #[arg(long, value_name = "FOLDER", requires = "app")]
    folder: Option<PathBuf>,
    /// The folder of a drill, in place of --app.
    #[arg(long, value_name = "FOLDER", conflicts_with = "app")]
    drill: Option<PathBuf>,
    #[command(flatten)]
    audit: audit::Args,
    /// A signed head that the file must match, in place of the one beside it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["app", "drill"])]
    head: Option<PathBuf>,
    /// One JSON line for each file or ledger.
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args, out: &mut Out) -> Result<Done, Failure> {
    if args.app.is_some() || args.drill.is_some() {
        let target = crate::target::Target { app: args.app, folder: args.folder, witness: None, drill: args.drill };
        let mut config = target.config()?;
        let storage = Reading::new(&config.name, u64::MAX);
        if let Some(audit) = args.audit.read()? {
            config.keys = audit.opens(&config, u64::MAX)?;
        }
        let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let verification = ledger::verify_with(storage, &config, threads)?;
        if args.json {
            out.json(&machine(&verification))?
        } else {
            person(&verification, out)?
        }
        return Ok(match verification.is_damaged() {
            true => Done::Wrong,
            false if verification.is_clean() => Done::Well,
            false => Done::BadInput,
        });
    }
    let mut done = Done::Well;
    for path in &args.paths {
        done = done.max(match public(path, args.head.as_deref(), args.json, out) {
            Ok(done) => done,
            Err(failure) => failure.tell(),
        });
    }
    Ok(done)
}

/// The rule that a finding breaks, or that excuses it.
fn rule(finding: &Finding) -> &'static str {
    match finding {
        Finding::Torn { .. } | Finding::HeaderRepaired { .. } => "L1",
        _ => "L2",
    }
}

fn kind(finding: &Finding) -> &'static str {
    match finding {
        Finding::Torn { .. } => "torn",
        Finding::HeaderRepaired { .. } => "header_repaired",
        Finding::Newer { .. } => "newer",
        Finding::Replaced { .. } => "replaced",
        Finding::Damaged { why, .. } => match why {
            DamageKind::BadFrame => "bad_record",
            DamageKind::Missing => "missing",
            DamageKind::BadLink => "bad_link",
            DamageKind::Misplaced => "misplaced",
            DamageKind::Inserted => "inserted",
            DamageKind::HeaderCopy => "header_copy",
            DamageKind::Generation => "generation",
            DamageKind::OtherHistory => "other_history",
            DamageKind::Opening => "opening",
            DamageKind::Head => "head",
        },
    }
}

fn place(finding: &Finding) -> (Option<u64>, Option<u64>) {
    match finding {
        Finding::Damaged { seq, offset, .. } => (*seq, Some(*offset)),
        Finding::Torn { offset, .. } => (None, Some(*offset)),
        Finding::Newer { seq, .. } => (Some(*seq), None),
        _ => (None, None),
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn machine_finding(finding: &Finding) -> Value {
    let (record, offset) = place(finding);
    json!({ "record": record, "offset": offset, "rule": rule(finding), "kind": kind(finding), "text": finding.to_string() })
}

fn machine(verification: &Verification) -> Value {
    let generations: Vec<Value> = verification
        .generations
        .iter()
        .map(|report| {
            json!({
                "generation": report.generation,
                "file": report.path.display().to_string(),
                "first": report.first_seq,
                "records": report.records,
                "size": report.size,
                "root": hex(&report.root),
                "torn": report.torn.map(|(offset, bytes)| json!({ "offset": offset, "bytes": bytes })),
                "findings": report.findings.iter().map(machine_finding).collect::<Vec<_>>(),
                "locked": report.locked.as_ref().map(|locked| json!({ "why": locked.why, "as_closed": locked.as_closed })),
            })
        })
        .collect();
    json!({
        "ledger_id": verification.id.to_string(),
        "checked": checked(verification),
        "clean": verification.is_clean(),
        "generations": generations,
        "head": match verification.head {
            HeadBeside::Missing => json!("missing"),
            HeadBeside::Unsigned => json!("unsigned"),
            HeadBeside::Of { generation, size } => json!({ "generation": generation, "size": size }),
        },
    })
}

fn checked(verification: &Verification) -> &'static str {
    if verification.locked().next().is_none() { "everything" } else { "what the keys at hand open" }
}

/// What is to be said of a generation that no key at hand opens.
fn not_verified(locked: &Locked) -> String {
    let file = match locked.as_closed {
        Some(true) => "its file is byte for byte the one that was closed",
        Some(false) => "its file is not the one that was closed",
        None => "nothing that can be read says how its file was",
    };
    format!("its records were not verified; {file}: {}", one_line(&locked.why))
}

fn person(verification: &Verification, out: &mut Out) -> Result<(), Failure> {
    out.line(format!("{} {}", paint("ledger", BOLD), verification.id))?;
    for report in &verification.generations {
        if let Some(locked) = &report.locked {
            out.line(format!("generation {}: {}", report.generation, report.path.display()))?;
            out.line(format!("  {}: {}", paint("locked", FAIR), not_verified(locked)))?;
        } else {
            out.line(format!(
                "generation {}: {} records from {} on, {}",
                report.generation,
                report.records,
                report.first_seq,
                report.path.display()
            ))?;
            out.line(paint(&format!("  tree of {} with root {}", report.size, hex(&report.root)), DIM))?;
        }
        for finding in &report.findings {
            let (record, offset) = place(finding);
            let record = record.map_or_else(String::new, |record| format!(", record {record}"));
            let offset = offset.map_or_else(String::new, |offset| format!(", at byte {offset}"));
            let text = one_line(&finding.to_string());
            out.line(format!("  {}: rule {}{record}{offset}: {text}", paint("damage", BAD), rule(finding)))?;
        }
        if let Some((offset, bytes)) = report.torn {
            out.line(format!(
                "  {}: rule L1, at byte {offset}: {bytes} bytes of a write that was never acknowledged; no offence",
                paint("torn", FAIR)
            ))?;
        }
    }
    out.line(match verification.head {
        HeadBeside::Missing => "no signed head lies beside the ledger".to_owned(),
        HeadBeside::Unsigned => {
            "the head beside the ledger is not signed by its key: it says nothing, and was passed over; no offence"
                .to_owned()
        }
        HeadBeside::Of { generation, size } => {
            format!("a signed head beside the ledger is of the first {size} records of generation {generation}")
        }
    })?;
    let what = if verification.locked().next().is_none() { "Everything" } else { "What the keys at hand open" };
    if verification.is_damaged() {
        let found: usize = verification.generations.iter().map(|report| report.findings.len()).sum();
        let text = "The files are evidence: keep them, and appeal to the vendor.";
        out.line(paint(&format!("{what} was checked. Found: {found}. {text}"), BAD))
    } else if verification.is_clean() {
        out.line(paint("Everything was checked, and nothing is wrong.", GOOD))
    } else {
        let locked: Vec<String> = verification.locked().map(|(generation, _)| generation.to_string()).collect();
        let text = format!("generation {} was not verified for want of a key.", locked.join(", "));
        out.line(paint(&format!("{what} was checked, and nothing is wrong with it; {text}"), FAIR))
    }
}

/// The ledger files that a path names: itself, or those in its folder.
fn files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let list = std::fs::read_dir(path).map_err(|error| Failure::reading(path, &error))?;
    let mut found = Vec::new();
    for entry in list {
        let file = entry.map_err(|error| Failure::reading(path, &error))?.path();
        if let Some((stem, generation)) = named(&file) {
            found.push((stem, generation, file));
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(Failure::input(format!("{}: there is no ledger in this folder (NAME.gN.ledger)", path.display())));
    }
    Ok(found.into_iter().map(|(_, _, file)| file).collect())
}

/// A ledger file's name taken apart: `NAME.gN.ledger`.
fn named(path: &Path) -> Option<(String, u64)> {
    let name = path.file_name()?.to_str()?;
    let (stem, number) = name.strip_suffix(".ledger")?.rsplit_once(".g")?;
    Some((stem.to_owned(), number.parse().ok()?))
}

fn public(path: &Path, head: Option<&Path>, json: bool, out: &mut Out) -> Result<Done, Failure> {
    let files = files(path)?;
    let mut done = Done::Well;
    for (at, file) in files.iter().enumerate() {
        // The head beside the ledger is of its newest file.
        let newest = files
            .get(at + 1)
            .and_then(|next| named(next))
            .is_none_or(|next| named(file).is_none_or(|this| this.0 != next.0));
        let beside = named(file).map(|(stem, _)| file.with_file_name(format!("{stem}.head")));
        let head_file = match head {
            Some(head) => Some(head.to_owned()),
            None => beside.filter(|beside| newest && beside.exists()),
        };
        let note = head_file
            .as_deref()
            .map(|head| std::fs::read_to_string(head).map_err(|error| Failure::reading(head, &error)));
        let report = note
            .transpose()
            .and_then(|note| ledger::verify_public(&Disk, file, note.as_deref()).map_err(Failure::from));
        let report = match report {
            Ok(report) => report,
            Err(failure) => {
                out.flush()?;
                done = done.max(failure.tell());
                continue;
            }
        };
        if json {
            out.json(&machine_public(file, &report, head_file.as_deref()))?;
        } else {
            person_public(file, &report, head_file.as_deref(), out)?;
        }
        done = done.max(Done::holds(report.problems.is_empty()));
    }
    Ok(done)
}

fn machine_public(file: &Path, report: &PublicReport, head: Option<&Path>) -> Value {
    json!({
        "file": file.display().to_string(),
        "ledger_id": report.id.to_string(),
        "generation": report.generation,
        "first": report.first_seq,
        "size": report.size,
        "root": hex(&report.root),
        "public_key": hex(&report.public_key),
        "head": head.map(|head| head.display().to_string()),
        "head_size": report.head,
        "checked": report.checked,
        "clean": report.problems.is_empty(),
        "problems": report.problems.iter().map(machine_finding).collect::<Vec<_>>(),
    })
}

fn person_public(file: &Path, report: &PublicReport, head: Option<&Path>, out: &mut Out) -> Result<(), Failure> {
    out.line(format!(
        "{} ledger {}, generation {}",
        paint(&file.display().to_string(), BOLD),
        report.id,
        report.generation
    ))?;
    out.line(format!("  {} records from {} on follow each other unbroken", report.size, report.first_seq))?;
    out.line(paint(&format!("  tree of {} with root {}", report.size, hex(&report.root)), DIM))?;
    out.line(paint(&format!("  heads are signed with {}", hex(&report.public_key)), DIM))?;
    match (head, report.head) {
        (Some(head), Some(size)) => {
            out.line(format!("  the first {size} records are those of the signed head {}", head.display()))?;
        }
        (Some(_), None) => {}
        (None, _) => {
            out.line("  no signed head was given or lies beside it, so nothing tells whether the end is whole")?
        }
    }
    for problem in &report.problems {
        out.line(format!("  {}: {}", paint("problem", BAD), one_line(&problem.to_string())))?;
    }
    if !report.problems.is_empty() {
        out.line(
            "  without the key nobody tells a torn tail (rule L1, no offence) from damage (rule L2): verify with --app",
        )?;
    }
    out.line(format!("  {}: {}.", paint("checked without a key", FAIR), report.checked))?;
    if report.problems.is_empty() {
        out.line(paint("  Nothing is wrong with what was checked.", GOOD))?;
    }
    Ok(())
}
