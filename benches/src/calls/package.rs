//! What is shipped: how large it is, and how long a process that has just begun waits for its first answer.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{Bench, RECORDS, beside, output, root, shipped, shipped_with, sources, stamp};
use crate::Result;
use crate::peer;
use crate::rows::{Row, Times, Verdict, human, in_turns, median_of};

const ROUNDS: usize = 201;
/// 1.5 MB.
const LARGEST: u64 = 1_500_000;
/// 3.0 MB: the library that renews by its own HTTP and TLS.
const LARGEST_WITH_HTTP: u64 = 3_000_000;

pub fn rows(folder: &Path) -> Result<Vec<Row>> {
    // The one with `http` first, so that the one of packages lies there afterwards.
    let with_http =
        size("stripped shared library, with `http`", &shipped_with(&["--features", "http"])?, LARGEST_WITH_HTTP)?;
    let mut rows = vec![size("stripped shared library", &shipped()?, LARGEST)?, with_http];
    rows.push(match wheel() {
        Ok(wheel) => size("Python wheel", &wheel, LARGEST)?,
        Err(why) => Row { at_most: "1.50 MB".to_owned(), ..Row::not_run("Python wheel", "-", 0.0, why.to_string()) },
    });
    rows.push(load(folder)?);
    Ok(rows)
}

fn size(work: &'static str, file: &Path, largest: u64) -> Result<Row> {
    let bytes = std::fs::metadata(file)?.len();
    let figure = format!("{:.2} MB", bytes as f64 / 1e6);
    Ok(Row {
        work,
        against: "-",
        ours: figure.clone(),
        other: String::new(),
        figure,
        at_most: format!("{:.2} MB", largest as f64 / 1e6),
        verdict: Verdict::of(bytes <= largest),
        profile: format!("{bytes} bytes; what they are is told below."),
        note: String::new(),
    })
}

/// The wheel, built as it is shipped.
pub fn wheel() -> Result<PathBuf> {
    let folder = root().join("build/bench-wheels");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let python = root().join("build/venv/bin/python");
    let mut maturin = Command::new(python);
    maturin.args(["-m", "maturin", "build", "--profile", "dist", "--quiet", "--locked", "--manifest-path"]);
    output(maturin.arg(root().join("python/Cargo.toml")).arg("--out").arg(&folder))?;
    let mut wheels = std::fs::read_dir(&folder)?.filter_map(|entry| Some(entry.ok()?.path()));
    wheels.find(|path| path.extension().is_some_and(|end| end == "whl")).ok_or_else(|| "maturin built no wheel".into())
}

/// What a program told of its start.
#[derive(Default)]
struct Parts {
    begun: Times,
    loaded: Times,
    opened: Times,
    answered: Times,
}

impl Parts {
    fn run(&mut self, command: &mut Command) -> Result<Duration> {
        let start = stamp();
        let told = output(command)?;
        let stamps = told.split_whitespace().map(str::parse).collect::<std::result::Result<Vec<u64>, _>>()?;
        let [begun, loaded, opened, answered] = stamps[..] else {
            return Err(format!("a loader printed {told:?}").into());
        };
        let between = |from: u64, to: u64| Duration::from_nanos(to.saturating_sub(from));
        self.begun.push(between(start, begun));
        self.loaded.push(between(begun, loaded));
        self.opened.push(between(loaded, opened));
        self.answered.push(between(opened, answered));
        Ok(between(start, answered))
    }

    fn text(&self) -> String {
        let parts = [&self.begun, &self.loaded, &self.opened, &self.answered].map(|times| human(median_of(times)));
        let [begun, loaded, opened, answered] = parts;
        format!("exec {begun}, load {loaded}, open {opened}, answer {answered}")
    }
}

fn load(folder: &Path) -> Result<Row> {
    let bench = Bench::new(folder)?;
    let database = bench.folder.join("load.db");
    drop(peer::create(&database, RECORDS)?);
    let program = bench.program("cc", &["-std=gnu11"], &[sources().join("load.c")], "load")?;
    let (library, sqlcipher) = (bench.folder.join("libreprieve.so"), beside("reprieve-bench-sqlcipher")?);
    let (mut ours, mut theirs) = (Parts::default(), Parts::default());
    let mut run_ours = || ours.run(Command::new(&program).arg("ours").arg(&library).arg(&bench.app));
    let row = RECORDS.to_string();
    let mut run_theirs = || {
        theirs.run(Command::new(&program).arg("peer").arg(&sqlcipher).arg(&database).args([peer::KEY, row.as_str()]))
    };
    let times = in_turns(ROUNDS, &mut [&mut run_ours, &mut run_theirs])?;
    let row = Row::ratio(
        "load, open and first check, cold process",
        "SQLCipher with a raw key: load, open, one read",
        0.5,
        1,
        &times[0],
        &times[1],
    );
    let (theirs_in_all, before) = (median_of(&times[1]), median_of(&ours.begun) + median_of(&ours.loaded));
    let most = format!(
        "Half of the other is {}. To make the process and to load the library take {} of that; the open verifies three signatures and hashes each \
         record of a log of 1,000, which is how it finds damage.",
        human(theirs_in_all / 2),
        human(before),
    );
    Ok(row.profile(most).note(format!("medians: {}; beside it: {}.", ours.text(), theirs.text())))
}
