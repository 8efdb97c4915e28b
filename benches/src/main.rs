//! The speed of ledger and calls beside their limits and peers, all measured in one run and given as ratios: machines are shared and
//! noisy, so what is compared runs in short batches in turns.
//!
//! `reprieve-bench [PAGE]` measures every row, prints them, and writes them into the page between its markers.
//! `reprieve-bench child ...` is what it starts of itself: rows about processes are measured with real ones.

mod append;
mod calls;
mod child;
mod engines;
mod fixture;
mod frames;
mod group;
mod open;
mod peer;
mod report;
mod rows;
mod verify;

use std::error::Error;
use std::path::{Path, PathBuf};

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

type Measure = fn(&Path) -> Result<Vec<rows::Row>>;

/// The page's tables, by the words of their markers, and the groups of rows of each.
const TABLES: [(&str, &[(&str, Measure)]); 3] = [
    ("measured", &[("append", append::rows), ("group", group::rows), ("open", open::rows), ("verify", verify::rows)]),
    (
        "calls",
        &[
            ("calls", calls::native::rows),
            ("languages", calls::languages::rows),
            ("seen", calls::seen::rows),
            ("package", calls::package::rows),
        ],
    ),
    ("frames", &[("frames", engines::rows)]),
];

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [first, rest @ ..] = args.as_slice()
        && first == "child"
    {
        return child::run(rest);
    }
    let page = args.first().map(PathBuf::from);
    // Of the groups of rows those alone that are named, for who works at one of them.
    let only = std::env::var("REPRIEVE_BENCH_ONLY").ok();
    let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(fixture::place()?)?;
    for (title, groups) in TABLES {
        let wanted = |name: &str| only.as_ref().is_none_or(|only| only.split(',').any(|wanted| wanted == name));
        let groups: Vec<_> = groups.iter().filter(|(name, _)| wanted(name)).collect();
        if groups.is_empty() {
            continue;
        }
        let mut report = report::Report::begin(title, folder.path())?;
        for (_, measure) in groups {
            measure(folder.path())?.into_iter().for_each(|row| report.add(row));
        }
        report.finish(page.as_deref())?;
    }
    Ok(())
}
