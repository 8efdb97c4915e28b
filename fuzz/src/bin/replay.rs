//! Runs the targets without libFuzzer: every file of the corpus, then mutations of them from fixed seeds, the same in every run.
//!
//! `replay CORPUS [--mutations N] [--seconds S] [--only TARGET] [FILE...]`: N mutations of each target, no more than S seconds for it;
//! with files, these alone. An input that breaks a law is left in `ARTIFACTS` (the environment's, else `fuzz-artifacts`), and the exit
//! status is 1.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use reprieve_fuzz::{Body, TARGETS};

/// The longest that one input may take, whatever it says.
const SLOW: Duration = Duration::from_secs(5);
/// The longest input that a mutation makes.
const LONGEST: usize = 16 << 10;

struct Wishes {
    corpus: PathBuf,
    mutations: u64,
    seconds: u64,
    only: Option<String>,
    files: Vec<PathBuf>,
}

fn wishes() -> Option<Wishes> {
    let mut words = std::env::args().skip(1);
    let mut wishes =
        Wishes { corpus: words.next()?.into(), mutations: 200, seconds: 10, only: None, files: Vec::new() };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--mutations" => wishes.mutations = words.next()?.parse().ok()?,
            "--seconds" => wishes.seconds = words.next()?.parse().ok()?,
            "--only" => wishes.only = Some(words.next()?),
            _ => wishes.files.push(word.into()),
        }
    }
    Some(wishes)
}

fn main() -> ExitCode {
    let Some(wishes) = wishes() else {
        eprintln!("replay CORPUS [--mutations N] [--seconds S] [--only TARGET] [FILE...]");
        return ExitCode::FAILURE;
    };
    let mut failed = 0;
    for (name, body) in TARGETS {
        if wishes.only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        match replay(name, *body, &wishes) {
            Ok(line) => println!("{name}: {line}"),
            Err(why) => {
                println!("{name}: FAILED: {why}");
                failed += 1;
            }
        }
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn replay(name: &str, body: Body, wishes: &Wishes) -> Result<String, String> {
    let mut paths = wishes.files.clone();
    if paths.is_empty() {
        let folder = wishes.corpus.join(name);
        let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        paths = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_file()).collect();
        paths.sort();
    }
    let mut corpus = Vec::new();
    for path in &paths {
        corpus.push(std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?);
    }
    if corpus.is_empty() {
        return Err("its corpus is empty".to_owned());
    }
    let mut slowest = Duration::ZERO;
    for (bytes, path) in corpus.iter().zip(&paths) {
        slowest = slowest.max(once(name, body, bytes).map_err(|why| format!("{}: {why}", path.display()))?);
    }
    let (begun, mut done) = (Instant::now(), 0);
    while wishes.files.is_empty() && done < wishes.mutations && begun.elapsed().as_secs() < wishes.seconds {
        // One seed for each mutation, so that how many there is time for changes none of them.
        let mut random = fastrand::Rng::with_seed(done);
        let bytes = mutate(&mut random, &corpus);
        slowest = slowest.max(once(name, body, &bytes).map_err(|why| format!("mutation {done}: {why}"))?);
        done += 1;
    }
    Ok(format!("{} of the corpus, {done} mutations, the slowest {} ms", corpus.len(), slowest.as_millis()))
}

/// Runs one input; a law that it breaks, or too long a time, is an error, and the input is kept.
fn once(name: &str, body: Body, bytes: &[u8]) -> Result<Duration, String> {
    let begun = Instant::now();
    let (done, ended) = mpsc::channel();
    let own = bytes.to_vec();
    // On a thread of its own: one that never ends is left behind.
    thread::spawn(move || done.send(catch_unwind(AssertUnwindSafe(|| body(&own))).is_ok()));
    let why = match ended.recv_timeout(SLOW) {
        Ok(true) => return Ok(begun.elapsed()),
        Ok(false) => "a law is broken, see above".to_owned(),
        Err(_) => format!("it is not done after {} s", SLOW.as_secs()),
    };
    let folder = std::env::var_os("ARTIFACTS").map_or_else(|| PathBuf::from("fuzz-artifacts"), PathBuf::from);
    let file = folder.join(format!("{name}-{}", bytes.len()));
    let kept = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, bytes));
    let place = kept.map_or_else(|error| format!("not kept: {error}"), |()| file.display().to_string());
    Err(format!("{why} (input: {place})"))
}

/// A few changes of one of the corpus, or of two joined.
fn mutate(random: &mut fastrand::Rng, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = corpus[random.usize(..corpus.len())].clone();
    for _ in 0..random.usize(1..6) {
        let at = random.usize(..=bytes.len());
        let to = bytes.len().min(at + random.usize(..32));
        match random.u8(..7) {
            0 | 1 if at < bytes.len() => bytes[at] ^= 1 << random.u8(..8),
            2 if at < bytes.len() => bytes[at] = random.u8(..),
            3 => drop(bytes.drain(at..to)),
            4 => {
                let new: Vec<u8> = (at..to).map(|_| random.u8(..)).collect();
                bytes.splice(at..at, new);
            }
            5 => {
                let again = bytes[at..to].to_vec();
                bytes.splice(at..at, again);
            }
            6 => {
                let other = &corpus[random.usize(..corpus.len())];
                bytes.truncate(at);
                bytes.extend_from_slice(&other[random.usize(..=other.len())..]);
            }
            _ => {}
        }
    }
    bytes.truncate(LONGEST);
    bytes
}
