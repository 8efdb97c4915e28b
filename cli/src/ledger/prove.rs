//! `reprieve ledger prove` and `check-proof`: what a ledger shows to somebody who has neither its file nor its key.

use std::io;
use std::path::{Path, PathBuf};

use reprieve::ledger::note::{self, Checkpoint, Verifier};
use reprieve::ledger::{Config, DamageKind, Finding, Hash, Ledger, LedgerId, tree};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::verify::hex;
use crate::failure::{Done, Failure, say};
use crate::input;
use crate::output::{BAD, BOLD, DIM, FAIR, GOOD, Out, one_line, paint};
use crate::target::{self, Reading, Target};

const PROVE: &str = "\
The proof is a JSON file of a few kilobytes. It holds a head that the ledger has signed, the ledger's public key, and the hashes that \
lead from one record, or from an older head, to that head. It holds nothing of what the records say. `reprieve ledger check-proof` \
checks it without the ledger and without a secret.

The head covers what is known to be durable: the ledger itself, or the signed head beside it, which products write when they close. \
Nothing is recorded, and products may go on meanwhile. Each generation is a tree of its own: --since is of the newest one.

Examples:
  reprieve ledger prove --app reprieve.toml --record 12 -o record-12.json
  reprieve ledger prove --app reprieve.toml --since 40 -o since-40.json
  reprieve ledger prove --drill /tmp/outage > newest.json";

const CHECK: &str = "\
Checks the signature under the head and the path to its root. With --head, an older signed head is also checked to be of the first \
records of the same ledger, so that nothing was taken back or rewritten since; the proof must be one since the older head's size, or be \
of that very head. A proof brings its key along: that it is the ledger's is known only if --key names it, or an older head that you \
trust was signed with it.

Exit codes: 0 the proof holds, 1 it does not hold, 2 it cannot be read, or does not reach the head that was given.

Examples:
  reprieve ledger check-proof record-12.json
  reprieve ledger check-proof since-40.json --head old.head
  reprieve ledger check-proof record-12.json --key 'reprieve/ledger/ID/0+0a1b2c3d+BASE64' --json";

#[derive(clap::Args)]
#[command(after_help = PROVE)]
pub struct Prove {
    #[command(flatten)]
    target: Target,
    /// Prove that this record is in the ledger; without this and --since, the last one that is signed for.
    #[arg(long, value_name = "N", conflicts_with = "since")]
    record: Option<u64>,
    /// Prove that the ledger of so many records, as an older head has it, was only added to.
    #[arg(long, value_name = "SIZE")]
    since: Option<u64>,
    /// Where to write the proof, in place of stdout.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(clap::Args)]
#[command(after_help = CHECK)]
pub struct Check {
    /// The proof, or - for stdin.
    proof: PathBuf,
    /// An older signed head, which must be of the first records of this ledger.
    #[arg(long, value_name = "FILE")]
    head: Option<PathBuf>,
    /// The ledger's public key, from a source that you trust: name+id+base64, or the 64 digits that `ledger verify` shows.
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

const VERSION: u32 = 1;

/// The file's form. Hashes are lower-case hexadecimal digits.
#[derive(Serialize, Deserialize)]
#[serde(tag = "proof", rename_all = "lowercase", deny_unknown_fields)]
enum Proof {
    /// A record stands in the tree.
    Inclusion {
        version: u32,
        /// The public key, name+id+base64.
        key: String,
        /// The signed note.
        head: String,
        /// The record's number.
        record: u64,
        /// The number of the generation's first record.
        first: u64,
        /// The record's place in the generation's tree.
        index: u64,
        /// The hash of its bytes as they are stored.
        leaf: String,
        path: Vec<String>,
    },
    /// An older tree grew into this one.
    Consistency { version: u32, key: String, head: String, old_size: u64, old_root: String, path: Vec<String> },
}

/// A generation's ledger, a head of it that may be given away, and the leaves that the head is of.
struct Headed {
    ledger: Ledger,
    verifier: Verifier,
    note: String,
    leaves: Vec<Hash>,
}

pub fn prove(args: Prove, out: &mut Out) -> Result<Done, Failure> {
    let config = args.target.config()?;
    let generations = target::generations(&config)?;
    let Some(newest) = generations.last() else {
        // The ledger's own error says what to do.
        Ledger::open(Reading::new(&config.name, 0), &config)?;
        return Err(Failure::input(format!("{}: there is no ledger; check the folder", config.folder.display())));
    };
    let (proof, told) = match args.since {
        Some(since) => since_size(&headed(&config, *newest, &generations)?, since)?,
        None => inclusion(&config, &generations, args.record)?,
    };
    let text = serde_json::to_string_pretty(&proof)
        .map_err(|error| Failure::environment(format!("the proof cannot be written: {error}")))?;
    let bytes = format!("{text}\n");
    match &args.output {
        Some(path) => std::fs::write(path, bytes).map_err(|error| Failure::writing(path, &error))?,
        None => out.raw(bytes.as_bytes())?,
    }
    say(&told);
    Ok(Done::Well)
}

fn since_size(of: &Headed, since: u64) -> Result<(Proof, String), Failure> {
    let size = of.leaves.len();
    let old = usize::try_from(since).ok().filter(|old| *old <= size);
    let Some((old, path)) = old.and_then(|old| Some((old, tree::consistency_proof(&of.leaves, old)?))) else {
        let generation = of.ledger.generation();
        return Err(Failure::input(format!(
            "--since {since}: the signed head of generation {generation} is of {size} records; give 1 to {size}"
        )));
    };
    let old_root = tree::root_of(of.leaves.get(..old).unwrap_or_default());
    let proof = Proof::Consistency {
        version: VERSION,
        key: of.verifier.vkey(),
        head: of.note.clone(),
        old_size: since,
        old_root: hex(&old_root),
        path: path.iter().map(|hash| hex(hash)).collect(),
    };
    let told = format!("proves that the first {since} of {size} records are as they were; {}", signed_with(of));
    Ok((proof, told))
}

fn inclusion(config: &Config, generations: &[u64], record: Option<u64>) -> Result<(Proof, String), Failure> {
    for generation in generations.iter().rev() {
        let ledger = open(config, *generation, generations)?;
        let first = ledger.first_seq();
        if record.is_some_and(|record| record < first) {
            continue;
        }
        if let Some(record) = record.filter(|record| *record >= ledger.next_seq()) {
            return Err(Failure::input(format!(
                "--record {record}: there is none; generation {generation} in this folder has {first} to {}",
                ledger.next_seq().saturating_sub(1)
            )));
        }
        let of = head_of(config, ledger, generations)?;
        let size = of.leaves.len();
        let record = record.unwrap_or_else(|| (first + size as u64).saturating_sub(1));
        let index = record - first;
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        let (Some(leaf), Some(path)) = (of.leaves.get(at), tree::inclusion_proof(&of.leaves, at)) else {
            return Err(Failure::input(format!(
                "--record {record}: the newest signed head is of the {size} records from {first} on, and nothing tells yet \
                 whether later ones are durable; let a product close the ledger, and try again"
            )));
        };
        let proof = Proof::Inclusion {
            version: VERSION,
            key: of.verifier.vkey(),
            head: of.note.clone(),
            record,
            first,
            index,
            leaf: hex(leaf),
            path: path.iter().map(|hash| hex(hash)).collect(),
        };
        return Ok((proof, format!("proves that record {record} is in the ledger; {}", signed_with(&of))));
    }
    let record = record.unwrap_or_default();
    Err(Failure::input(format!("--record {record}: is not in this folder; give the folder where it was archived")))
}

fn signed_with(of: &Headed) -> String {
    format!("signed with {}", of.verifier.vkey())
}

fn headed(config: &Config, generation: u64, generations: &[u64]) -> Result<Headed, Failure> {
    head_of(config, open(config, generation, generations)?, generations)
}

/// Opens one generation, read only. What is damaged is not signed for.
fn open(config: &Config, generation: u64, generations: &[u64]) -> Result<Ledger, Failure> {
    let opened = Ledger::open(Reading::new(&config.name, generation), config)?;
    let newest = generations.last() == Some(&generation);
    // That there is a later generation is no damage of an older one.
    let counts = |finding: &&Finding| match finding {
        Finding::Damaged { why: DamageKind::Generation, .. } => newest,
        other => other.is_damage(),
    };
    if let Some(damage) = opened.findings.iter().find(counts) {
        return Err(Failure::wrong(format!(
            "generation {generation} is damaged, and no proof was made: {damage}; `reprieve ledger verify` says more"
        )));
    }
    if opened.ledger.generation() != generation {
        return Err(Failure::wrong(format!(
            "generation {generation} cannot be read, and no proof was made; `reprieve ledger verify` says more"
        )));
    }
    Ok(opened.ledger)
}

/// The newest head that takes nothing back: all that is there if it is known to be durable, else one that was signed before.
fn head_of(config: &Config, ledger: Ledger, generations: &[u64]) -> Result<Headed, Failure> {
    let origin = ledger.origin();
    let verifier = Verifier::new(&origin, ledger.public_key())?;
    let signed = |note: &str| Checkpoint::parse(verifier.verify(note).ok()?).ok().filter(|head| head.origin == origin);
    let mut notes = vec![ledger.note().ok(), beside(config)?];
    if let Some(after) = generations.iter().find(|generation| **generation > ledger.generation()) {
        notes.push(closing(config, *after));
    }
    let heads = notes.into_iter().flatten().filter_map(|note| Some((signed(&note)?, note)));
    let Some((head, note)) = heads.max_by_key(|(head, _)| head.size) else {
        return Err(Failure::input(format!(
            "generation {}: nothing tells which of its records are durable: no signed head is beside it; let a product close the \
             ledger, and try again",
            ledger.generation()
        )));
    };
    let first = ledger.first_seq();
    let mut leaves = Vec::new();
    for seq in (first..first.saturating_add(head.size)).take_while(|seq| *seq < ledger.next_seq()) {
        leaves.extend(ledger.record_hash(seq)?);
    }
    if leaves.len() as u64 != head.size || tree::root_of(&leaves) != head.root {
        return Err(Failure::wrong(format!(
            "generation {}: its records are not those of its signed head, and no proof was made; `reprieve ledger verify` says more",
            ledger.generation()
        )));
    }
    Ok(Headed { ledger, verifier, note, leaves })
}

/// The head beside the ledger.
fn beside(config: &Config) -> Result<Option<String>, Failure> {
    let path = config.folder.join(format!("{}.head", config.name));
    match std::fs::read(&path) {
        Ok(bytes) => Ok(String::from_utf8(bytes).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::reading(&path, &error)),
    }
}

/// The head that the next generation closed the one before with.
fn closing(config: &Config, generation: u64) -> Option<String> {
    // No snapshot is of this version of the fold, so the file is read from its first record on.
    let config = Config { fold_version: u32::MAX, ..config.clone() };
    let opened = Ledger::open(Reading::new(&config.name, generation), &config).ok()?;
    opened.entries.into_iter().find_map(|entry| entry.opening).map(|opening| opening.closing)
}

/// What came of a check.
#[derive(Default)]
struct Report {
    checked: Vec<String>,
    problems: Vec<String>,
    open: Vec<String>,
}

impl Report {
    fn check(&mut self, holds: bool, good: impl Into<String>, bad: impl Into<String>) {
        if holds { self.checked.push(good.into()) } else { self.problems.push(bad.into()) }
    }
}

/// A proof whose form is right.
struct Read {
    name: String,
    key: Verifier,
    note: String,
    head: Checkpoint,
    id: LedgerId,
    generation: u64,
    claim: Claim,
    path: Vec<Hash>,
}

enum Claim {
    Inclusion { record: u64, first: u64, index: u64, leaf: Hash },
    Consistency { old_size: u64, old_root: Hash },
}

pub fn check(args: Check, out: &mut Out) -> Result<Done, Failure> {
    let proof = read(&args.proof)?;
    let given = args.key.as_deref().map(|key| trusted(key, &proof)).transpose()?;
    let older = args.head.as_deref().map(older).transpose()?;
    let mut report = Report::default();
    let signed = proof.key.verify(&proof.note).is_ok() && proof.key.name() == proof.head.origin;
    report.check(
        signed,
        "the head is signed with the key that the proof brings along",
        "the head is not signed with the key that the proof brings along",
    );
    claim(&proof, &mut report);
    if let Some(given) = &given {
        report.check(
            *given == proof.key,
            "that key is the one that was given",
            format!("the proof's key is {}, another one than was given", proof.key.vkey()),
        );
    }
    let mut tied = given.is_some();
    if let Some(older) = &older {
        tied = true;
        prefix(&proof, older, &mut report)?;
    } else {
        report.open.push("whether this head goes on from an older one: give one with --head".to_owned());
    }
    if !tied {
        report.open.push(
            "whether the key is the ledger's: whoever made the proof may have made the key; give --key, or an older head with --head"
                .to_owned(),
        );
    } else if given.is_none() {
        report.open.push("whose key it is, beyond that it signed the older head: give --key".to_owned());
    }
    if let Claim::Inclusion { .. } = proof.claim {
        report
            .open
            .push("what the record says: the proof has its hash alone; compare that with the ledger's file".to_owned());
        if proof.generation > 0 {
            report.open.push(
                "at which number the generation begins: the record's place in it is proven, its number is the proof's word"
                    .to_owned(),
            );
        }
    }
    let holds = report.problems.is_empty();
    if args.json {
        out.json(&machine(&proof, &report))?
    } else {
        person(&proof, &report, out)?
    }
    Ok(Done::holds(holds))
}

fn claim(proof: &Read, report: &mut Report) {
    let head = &proof.head;
    match &proof.claim {
        Claim::Inclusion { record, first, index, leaf } => {
            let numbered = first.checked_add(*index) == Some(*record) && (proof.generation > 0 || *first == 0);
            report.check(
                numbered,
                format!("record {record} has index {index} in its generation"),
                format!("record {record} cannot have index {index} in a generation that begins at {first}"),
            );
            report.check(
                tree::verify_inclusion(*index, head.size, leaf, &proof.path, &head.root),
                format!("the path leads from the record's hash at index {index} to the head's root"),
                "the path does not lead from the record's hash to the head's root",
            );
        }
        Claim::Consistency { old_size, old_root } => report.check(
            tree::verify_consistency(*old_size, head.size, &proof.path, old_root, &head.root),
            format!(
                "the path leads from the tree of {old_size} records and from all that came later to the head's root"
            ),
            format!("the path does not lead from the tree of {old_size} records to the head's root"),
        ),
    }
}

/// Whether an older head is of the first records that the proof's head is of.
fn prefix(proof: &Read, older: &Older, report: &mut Report) -> Result<(), Failure> {
    let (name, head, old) = (&older.name, &proof.head, &older.head);
    if old.origin != head.origin {
        report.problems.push(format!(
            "{name} is a head of {}, and not of {}: of another ledger or generation",
            old.origin, head.origin
        ));
        return Ok(());
    }
    let signed = proof.key.verify(&older.note).is_ok();
    report.check(
        signed,
        format!("{name} is signed with the same key"),
        format!("{name} is not signed with the proof's key: it was changed, or is of another ledger"),
    );
    let root = match proof.claim {
        _ if old.size == head.size => &head.root,
        Claim::Consistency { old_size, ref old_root } if old_size == old.size => old_root,
        _ if !signed => return Ok(()),
        _ if old.size > head.size => {
            return Err(Failure::input(format!(
                "{name}: is of {} records, more than the {} of the proof's head; it is the newer one",
                old.size, head.size
            )));
        }
        _ => {
            return Err(Failure::input(format!(
                "{name}: is of {0} records, and the proof has no path from there; make one with `reprieve ledger prove --since {0}`",
                old.size
            )));
        }
    };
    report.check(
        *root == old.root,
        format!("the {} records of {name} are the first ones of this head, unchanged", old.size),
        format!("the first {} records are not those of {name}: the ledger was rewritten or put back", old.size),
    );
    Ok(())
}

fn hash(text: &str) -> Option<Hash> {
    let bytes = text.as_bytes();
    if bytes.len() != 64 || !bytes.iter().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b)) {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, digits) in hash.iter_mut().zip(bytes.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(hash)
}

fn read(path: &Path) -> Result<Read, Failure> {
    let source = input::read(path)?;
    let name = source.name.clone();
    let wrong = |what: &str| Failure::input(format!("{name}: is no proof that `reprieve ledger prove` made: {what}"));
    let object = source.object()?;
    if object.get("version").is_some_and(|version| version.as_u64() > Some(u64::from(VERSION))) {
        return Err(wrong("a later release made it, which alone reads it"));
    }
    let proof: Proof = serde_json::from_value(Value::Object(object)).map_err(|error| wrong(&error.to_string()))?;
    let hashed = |text: &str| hash(text).ok_or_else(|| wrong("a hash has 64 digits of 0-9 a-f"));
    let (version, key, note, path, claim) = match proof {
        Proof::Inclusion { version, key, head, record, first, index, leaf, path } => {
            (version, key, head, path, Claim::Inclusion { record, first, index, leaf: hashed(&leaf)? })
        }
        Proof::Consistency { version, key, head, old_size, old_root, path } => {
            (version, key, head, path, Claim::Consistency { old_size, old_root: hashed(&old_root)? })
        }
    };
    if version != VERSION {
        return Err(wrong("its version is unknown"));
    }
    let key = Verifier::from_vkey(&key).map_err(|error| wrong(error.message()))?;
    let head = unverified(&note).ok_or_else(|| wrong("its head is no signed checkpoint"))?;
    let (id, generation) = ledger_of(&head.origin).ok_or_else(|| wrong("its head is of no ledger"))?;
    let path = path.iter().map(|text| hashed(text)).collect::<Result<_, _>>()?;
    Ok(Read { name: source.name, key, note, head, id, generation, claim, path })
}

/// What a note says, whoever signed it.
fn unverified(note: &str) -> Option<Checkpoint> {
    Checkpoint::of_note(note).ok()
}

fn ledger_of(origin: &str) -> Option<(LedgerId, u64)> {
    let (id, generation) = origin.strip_prefix("reprieve/ledger/")?.split_once('/')?;
    let (id, generation) = (id.parse().ok()?, generation.parse().ok()?);
    (note::origin(&id, generation) == origin).then_some((id, generation))
}

struct Older {
    name: String,
    note: String,
    head: Checkpoint,
}

fn older(path: &Path) -> Result<Older, Failure> {
    let source = input::read(path)?;
    let head = unverified(&source.text)
        .ok_or_else(|| Failure::input(format!("{}: is no signed head; give a ledger's NAME.head", source.name)))?;
    Ok(Older { name: source.name, note: source.text, head })
}

/// The key that the user trusts.
fn trusted(text: &str, proof: &Read) -> Result<Verifier, Failure> {
    let key = match hash(text) {
        Some(key) => Verifier::new(&proof.head.origin, key),
        None => Verifier::from_vkey(text),
    };
    key.map_err(|error| {
        Failure::input(format!("--key: {}; give name+id+base64, or 64 digits of 0-9 a-f", error.message()))
    })
}

fn machine(proof: &Read, report: &Report) -> Value {
    let mut value = json!({
        "file": proof.name,
        "ledger_id": proof.id.to_string(),
        "generation": proof.generation,
        "size": proof.head.size,
        "root": hex(&proof.head.root),
        "key": proof.key.vkey(),
    });
    match &proof.claim {
        Claim::Inclusion { record, index, leaf, .. } => {
            value["proof"] = json!("inclusion");
            value["record"] = json!(record);
            value["index"] = json!(index);
            value["leaf"] = json!(hex(leaf));
        }
        Claim::Consistency { old_size, old_root } => {
            value["proof"] = json!("consistency");
            value["old_size"] = json!(old_size);
            value["old_root"] = json!(hex(old_root));
        }
    }
    value["holds"] = json!(report.problems.is_empty());
    value["checked"] = json!(report.checked);
    value["problems"] = json!(report.problems);
    value["not_checked"] = json!(report.open);
    value
}

fn person(proof: &Read, report: &Report, out: &mut Out) -> Result<(), Failure> {
    let what = match &proof.claim {
        Claim::Inclusion { record, .. } => format!("record {record} is in"),
        Claim::Consistency { old_size, .. } => format!("{old_size} records are the first of"),
    };
    let name = paint(&one_line(&proof.name), BOLD);
    out.line(format!("{name} says: {what} ledger {}, generation {}", proof.id, proof.generation))?;
    out.line(paint(&format!("  head of {} records with root {}", proof.head.size, hex(&proof.head.root)), DIM))?;
    if let Claim::Inclusion { leaf, .. } = &proof.claim {
        out.line(paint(&format!("  the record's hash is {}", hex(leaf)), DIM))?;
    }
    out.line(paint(&format!("  key {}", one_line(&proof.key.vkey())), DIM))?;
    for (word, style, lines) in
        [("holds", GOOD, &report.checked), ("problem", BAD, &report.problems), ("not checked", FAIR, &report.open)]
    {
        for line in lines {
            out.line(format!("  {}: {}", paint(word, style), one_line(line)))?;
        }
    }
    if report.problems.is_empty() {
        out.line(paint("The proof holds.", GOOD))
    } else {
        out.line(paint("The proof does not hold.", BAD))
    }
}
