//! What a check costs from each language, beside what it cannot cost less than: programs of that language, each of which times
//! batches in turns and prints them.

pub mod languages;
pub mod native;
pub mod package;
pub mod seen;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::Result;
use crate::fixture::Vendor;
use crate::rows::Times;

/// Checks of one batch: a fraction of a millisecond, so that most batches lie between two looks at the ledger.
const CHECKS: u32 = 20_000;
/// Records of the ledger that calls are measured on.
const RECORDS: u64 = 1_000;

/// The project's folder.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The sources of the programs.
fn sources() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("calls")
}

/// The clock that is the same in all processes, in nanoseconds.
fn stamp() -> u64 {
    let at = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    at.tv_sec.unsigned_abs() * 1_000_000_000 + at.tv_nsec.unsigned_abs()
}

/// Runs a command and gives what it printed. What is told of a failure goes into the page: no folder of this machine.
pub fn output(command: &mut Command) -> Result<String> {
    let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name} cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    let said = [output.stderr, output.stdout].concat();
    let said = String::from_utf8_lossy(&said);
    let line = said.lines().find(|line| line.contains("rror")).or_else(|| said.lines().next()).unwrap_or_default();
    let words = line.split_whitespace().map(|word| word.rsplit_once('/').map_or(word, |(_, file)| file));
    Err(format!("{name} failed: {}", words.collect::<Vec<_>>().join(" ")).into())
}

/// A shared library, built as packages get it: from the crate `package`, of the workspace of `manifest`.
fn library(manifest: &Path, package: &str, more: &[&str]) -> Result<PathBuf> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--profile", "dist", "--locked", "--quiet", "--message-format", "json", "-p", package])
        .args(more);
    let told = output(cargo.arg("--manifest-path").arg(manifest))?;
    let found = told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).find_map(|message| {
        let crate_of_it = message["package_id"].as_str()?;
        let ours = message["reason"] == "compiler-artifact"
            && (crate_of_it.contains(&format!("#{package}@")) || crate_of_it.contains(&format!("/{package}#")));
        let files = message["filenames"].as_array().filter(|_| ours)?;
        files.iter().filter_map(Value::as_str).find(|file| file.ends_with(".so")).map(PathBuf::from)
    });
    found.ok_or_else(|| format!("{package} gave no shared library").into())
}

/// The library as it is shipped, stripped.
fn shipped() -> Result<PathBuf> {
    shipped_with(&[])
}

/// The same, with more of Cargo's arguments.
fn shipped_with(more: &[&str]) -> Result<PathBuf> {
    library(&root().join("Cargo.toml"), "reprieve-c", more)
}

/// One of the benches' own.
pub fn beside(package: &str) -> Result<PathBuf> {
    library(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"), package, &[])
}

/// What programs are built with and run on.
pub struct Bench {
    /// The libraries of the project and of the limit, and what C programs were built, side by side.
    pub folder: PathBuf,
    /// The application file of a ledger with a lease.
    pub app: PathBuf,
}

impl Bench {
    pub fn new(folder: &Path) -> Result<Bench> {
        let bench = Bench { folder: folder.join("calls"), app: folder.join("calls/ledger/reprieve.toml") };
        if !bench.app.exists() {
            std::fs::create_dir_all(&bench.folder)?;
            let shipped = shipped()?;
            std::fs::copy(&shipped, bench.folder.join("libreprieve.so"))?;
            // The name that a program which was linked with it asks for lies beside it.
            for entry in std::fs::read_dir(shipped.parent().ok_or("a library in no folder")?)? {
                let name = entry?.file_name();
                if name.to_string_lossy().starts_with("libreprieve.so.") {
                    std::os::unix::fs::symlink("libreprieve.so", bench.folder.join(name))?;
                }
            }
            std::fs::copy(beside("reprieve-bench-limit")?, bench.folder.join("liblimit.so"))?;
            output(
                Command::new("cc")
                    .args(["-shared", "-fPIC"])
                    .args(FLAGS)
                    .arg(sources().join("loops.c"))
                    .args(bench.linked("libloops.so")),
            )?;
            let ledger = bench.folder.join("ledger");
            let vendor = Vendor::new()?;
            vendor.ledger(&ledger, RECORDS)?;
            vendor.app_file(&ledger)?;
        }
        Ok(bench)
    }

    /// What links a C program or library of that name with the two libraries.
    fn linked(&self, name: &str) -> Vec<String> {
        let folder = self.folder.display();
        let mut args = vec![format!("-I{}", root().join("include").display()), format!("-I{}", sources().display())];
        args.extend([format!("-L{folder}"), "-lreprieve".to_owned(), "-llimit".to_owned(), "-lpthread".to_owned()]);
        args.extend([format!("-Wl,-rpath,{folder}"), "-o".to_owned(), self.folder.join(name).display().to_string()]);
        args
    }

    /// Builds a C program from its sources and gives it.
    fn program(&self, compiler: &str, flags: &[&str], sources: &[PathBuf], name: &str) -> Result<PathBuf> {
        output(Command::new(compiler).args(FLAGS).args(flags).args(sources).args(self.linked(name)))?;
        Ok(self.folder.join(name))
    }
}

const FLAGS: [&str; 4] = ["-O2", "-Wall", "-Wextra", "-Werror"];

/// The batches that a program timed: a line of nanoseconds for each round, and of each column its times.
pub fn columns<const N: usize>(command: &mut Command) -> Result<[Times; N]> {
    let text = output(command)?;
    let mut times = [const { Times::new() }; N];
    for line in text.lines() {
        let nanos = line.split_whitespace().map(str::parse).collect::<std::result::Result<Vec<u64>, _>>()?;
        if nanos.len() != N {
            return Err(format!("a program printed {line:?}").into());
        }
        times.iter_mut().zip(nanos).for_each(|(times, nanos)| times.push(Duration::from_nanos(nanos)));
    }
    if times[0].is_empty() { Err("a program printed no times".into()) } else { Ok(times) }
}
