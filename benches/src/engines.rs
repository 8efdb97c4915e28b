//! What a game's frame pays for a thousand checks, beside a thousand calls that look at a clock: programs of each engine, at 60 frames a
//! second, while another process appends to the same ledger.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::Result;
use crate::calls::{self, Bench};
use crate::fixture::Vendor;
use crate::rows::{Row, Times, Verdict, human, median_of};

const SECONDS: &str = "20";
const AT_MOST: f64 = 1.5;
const FFI: &str = "1,000 empty FFI calls that read the coarse clock";

pub fn rows(folder: &Path) -> Result<Vec<Row>> {
    let bench = Bench::new(folder)?;
    let engines = Engines::new(bench)?;
    let rows = [
        engines.row("LuaJIT, 1,000 checks in a frame", FFI, |engines| engines.lua("luajit", "frame.lua")),
        engines.row("LÖVE, 1,000 checks in a frame", FFI, |engines| engines.lua("love", "love")),
        engines.row(
            "pygame, 1,000 checks in a frame",
            "1,000 PyO3 methods that read the coarse clock",
            Engines::pygame,
        ),
    ];
    let mut rows = Vec::from(rows);
    rows.extend(godot());
    Ok(rows)
}

fn sources() -> PathBuf {
    calls::root().join("tests/engines/frames")
}

struct Engines {
    bench: Bench,
    library: PathBuf,
}

impl Engines {
    fn new(bench: Bench) -> Result<Engines> {
        let library = bench.folder.join("libframes.so");
        let mut compile = Command::new("cc");
        compile.args(["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]).arg(sources().join("frames.c"));
        calls::output(compile.arg("-o").arg(&library).arg("-lpthread"))?;
        Ok(Engines { bench, library })
    }

    fn row(&self, work: &'static str, against: &'static str, command: impl Fn(&Engines) -> Result<Command>) -> Row {
        let measure = || -> Result<Row> {
            let mut command = command(self)?;
            command.arg("bench").arg(&self.bench.app).arg(SECONDS).env("FRAMES_LIB", &self.library);
            let writer = Writer::start(self.bench.app.parent().ok_or("an application file in no folder")?)?;
            let [ours, other] = calls::columns(&mut command)?;
            let appended = writer.end()?;
            Ok(percentiles(work, against, &ours, &other, &format!("the other process appended {appended} records")))
        };
        measure().unwrap_or_else(|why| Row::not_run(work, against, AT_MOST, why.to_string()))
    }

    fn lua(&self, host: &str, program: &str) -> Result<Command> {
        let mut command = Command::new(host);
        let modules = [calls::root().join("bindings/lua/?.lua"), sources().join("?.lua")];
        command.arg(sources().join(program)).env("REPRIEVE_LIB", &self.bench.folder);
        command.env("LUA_PATH", format!("{};{};;", modules[0].display(), modules[1].display()));
        Ok(command)
    }

    /// pygame lies in a venv that scripts/engines.sh makes; the wheel is the one that packages get.
    fn pygame(&self) -> Result<Command> {
        let modules = self.bench.folder.join("engines");
        std::fs::create_dir_all(&modules)?;
        let python = calls::root().join("build/engines/venv/bin/python");
        let wheel = calls::package::wheel()?;
        calls::output(Command::new(&python).args(["-m", "zipfile", "-e"]).arg(wheel).arg(&modules))?;
        std::fs::copy(calls::beside("reprieve-bench-empty")?, modules.join("empty.abi3.so"))?;
        let mut command = Command::new(&python);
        command.arg(sources().join("frame.py")).env("PYTHONPATH", &modules).env("SDL_AUDIODRIVER", "dummy");
        Ok(command)
    }
}

fn percentile(times: &Times, part: f64) -> Duration {
    let mut times = times.clone();
    times.sort();
    times[((times.len() - 1) as f64 * part).round() as usize]
}

fn percentiles(work: &'static str, against: &'static str, ours: &Times, other: &Times, told: &str) -> Row {
    let at = |part| (percentile(ours, part), percentile(other, part));
    let ((p99, p99_other), (p90, p90_other)) = (at(0.99), at(0.9));
    let ratio = p99.as_secs_f64() / p99_other.as_secs_f64();
    let (median, median_other) = (median_of(ours), median_of(other));
    let of_medians = median.as_secs_f64() / median_other.as_secs_f64();
    // The same work twice: what such a ratio is worth on this machine. Where the medians are as they should be, it is what interrupts.
    let [one, two] = [0, 1].map(|from| percentile(&other.iter().skip(from).step_by(2).copied().collect(), 0.99));
    let itself = one.max(two).as_secs_f64() / one.min(two).as_secs_f64();
    let verdict = match Verdict::of(ratio <= AT_MOST) {
        Verdict::Short if itself > AT_MOST && of_medians <= AT_MOST => Verdict::Limit,
        verdict => verdict,
    };
    Row {
        work,
        against,
        ours: human(p99),
        other: human(p99_other),
        figure: format!("{ratio:.2}"),
        at_most: format!("{AT_MOST:.2} x"),
        verdict,
        profile: format!(
            "What interrupts the thread is in it: of half of the calls beside it, {}, and of the other half {}.",
            human(one),
            human(two)
        ),
        note: format!(
            "of {} frames each, medians {} and {} ({of_medians:.2}), 9 of 10 within {} and {}; of the calls beside it one half and the other differ by {itself:.2} x; {told}.",
            ours.len(),
            human(median),
            human(median_other),
            human(p90),
            human(p90_other),
        ),
    }
}

/// Godot brings a program of its own, that prints a JSON object of rows, or a line `not run`.
fn godot() -> Vec<Row> {
    const BESIDE: &str = "1,000 empty methods of the extension that read the coarse clock";
    let program = calls::root().join("tests/engines/godot/frames.py");
    if !program.exists() {
        return Vec::new();
    }
    let measure = || -> Result<Vec<Row>> {
        // Its status says whether a row is short.
        let told = Command::new(calls::root().join("build/venv/bin/python")).arg(program).arg("--json").output()?;
        let said = String::from_utf8_lossy(&told.stdout);
        let Some(begin) = said.find('{') else {
            return Err(said.lines().next().unwrap_or("it printed nothing").trim_start_matches("not run: ").into());
        };
        let json: Value = serde_json::from_str(&said[begin..])?;
        let rows = json["rows"].as_array().ok_or("it gave no rows")?;
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let found = rows.iter().filter_map(|row| {
            let name = row["name"].as_str()?.strip_suffix(", p99")?;
            let median = rows.iter().find(|other| other["name"] == format!("{name}, median"))?;
            Some(Row {
                work: name.to_owned().leak(),
                against: BESIDE,
                ours: text(row, "ours"),
                other: text(row, "limit"),
                figure: format!("{:.2}", row["ratio"].as_f64()?),
                at_most: format!("{AT_MOST:.2} x"),
                verdict: Verdict::of(row["ok"].as_bool()?),
                profile: "What interrupts the thread is in it: see the medians.".to_owned(),
                note: format!(
                    "of {} frames each, medians {} and {} ({:.2}).",
                    json["frames"],
                    text(median, "ours"),
                    text(median, "limit"),
                    median["ratio"].as_f64()?,
                ),
            })
        });
        Ok(found.collect())
    };
    measure()
        .unwrap_or_else(|why| vec![Row::not_run("Godot, 1,000 checks in a frame", BESIDE, AT_MOST, why.to_string())])
}

/// The other process.
struct Writer(Child);

impl Writer {
    fn start(folder: &Path) -> Result<Writer> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["child", "write"]).arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        Ok(Writer(command.spawn()?))
    }

    /// How many records it has appended.
    fn end(mut self) -> Result<u64> {
        drop(self.0.stdin.take());
        let mut said = String::new();
        BufReader::new(self.0.stdout.take().ok_or("no output of the writer")?).read_line(&mut said)?;
        self.0.wait()?;
        Ok(said.trim().parse()?)
    }
}

/// Appends until its input ends, and prints how many records.
pub fn writer(folder: &Path) -> Result<()> {
    let client = Vendor::new()?.builder(folder).open()?;
    let ended = std::thread::spawn(|| std::io::stdin().read_to_end(&mut Vec::new()));
    let mut written = 0u64;
    while !ended.is_finished() {
        client.appeal(Some("L1"), &format!("appeal {written}"))?;
        written += 1;
        std::thread::sleep(Duration::from_millis(1));
    }
    println!("{written}");
    Ok(())
}
