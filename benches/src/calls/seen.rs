//! How long until a check shows what another process has written: one process imports leases, another checks every millisecond.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reprieve::terms::Access;

use super::stamp;
use crate::Result;
use crate::fixture::{LEASES, MONTH, Vendor, now};
use crate::rows::{Row, Verdict, human};

/// How many leases are imported.
const LEASES_SEEN: i64 = 250;
const FEWEST: usize = 200;
/// How long the one that checks pauses between two checks.
const FRAME: Duration = Duration::from_millis(1);
const AT_MOST: Duration = Duration::from_millis(20);

pub fn rows(folder: &Path) -> Result<Vec<Row>> {
    let folder = folder.join("seen");
    Vendor::new()?.ledger(&folder, super::RECORDS)?;
    let child = |what: &str| -> Result<Child> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["child", what]).arg(&folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        Ok(command.spawn()?)
    };
    let (mut importer, mut watcher) = (child("import")?, child("watch")?);
    let mut out = BufReader::new(watcher.stdout.take().ok_or("no output of the watcher")?);
    out.read_line(&mut String::new())?;
    importer.stdin.take().ok_or("no input of the importer")?.write_all(b"go\n")?;
    let imported = stamps(importer.stdout.take().ok_or("no output of the importer")?)?;
    let seen = stamps(out)?;
    importer.wait()?;
    watcher.wait()?;
    // A check shows a lease, or one that came after it: then the first was overtaken before a check looked.
    let mut waits = Vec::new();
    for (end, acknowledged) in &imported {
        let shown = seen.iter().find(|(of, _)| of >= end).ok_or("an import was never seen")?;
        waits.push(Duration::from_nanos(shown.1.saturating_sub(*acknowledged)));
    }
    waits.sort();
    if waits.len() < FEWEST {
        return Err(format!("there were only {} imports", waits.len()).into());
    }
    let at = |part: f64| waits[((waits.len() - 1) as f64 * part).round() as usize];
    let worst = at(1.0);
    // Some are seen while the other still settles its own affairs after the sync.
    let told = |part| if at(part).is_zero() { "none".to_owned() } else { human(at(part)) };
    Ok(vec![Row {
        work: "another process's record seen by a check, worst",
        against: "-",
        ours: human(worst),
        other: String::new(),
        figure: format!("{:.1} ms", worst.as_secs_f64() * 1e3),
        at_most: "20 ms".to_owned(),
        verdict: Verdict::of(worst <= AT_MOST),
        profile: "Two processes on a machine that does other things too: a process that is not run sees nothing."
            .to_owned(),
        note: format!(
            "of {} imports, from the acknowledgement to the first check, one every millisecond, of the other process that shows it or a newer one: median {}, 9 of 10 \
             within {}, 99 of 100 within {}.",
            waits.len(),
            told(0.5),
            told(0.9),
            told(0.99),
        ),
    }])
}

/// Lines of a lease's end and a time in nanoseconds.
fn stamps(out: impl Read) -> Result<Vec<(i64, u64)>> {
    let mut stamps = Vec::new();
    for line in BufReader::new(out).lines() {
        let line = line?;
        let (end, at) = line.split_once(' ').ok_or("a child printed no stamp")?;
        stamps.push((end.parse()?, at.parse()?));
    }
    Ok(stamps)
}

/// Imports lease after lease and prints when each was acknowledged.
pub fn importer(folder: &Path) -> Result<()> {
    let vendor = Vendor::new()?;
    let client = vendor.builder(folder).open()?;
    let (start, end) = (now()? - LEASES + 1000, now()? + MONTH);
    let tokens = (1..=LEASES_SEEN).map(|n| vendor.lease(start + n, end + n)).collect::<Result<Vec<_>>>()?;
    std::io::stdin().read_line(&mut String::new())?;
    let mut stamps = Vec::new();
    for (token, n) in tokens.iter().zip(1..) {
        // Not in step with the other's looks at the ledger, and long enough that each is seen.
        std::thread::sleep(Duration::from_micros(12_000 + (n * 7919) as u64 % 11_000));
        if !client.import(token)?.accepted {
            return Err("a lease was refused".into());
        }
        stamps.push((end + n, stamp()));
    }
    stamps.iter().for_each(|(end, at)| println!("{end} {at}"));
    Ok(())
}

/// Checks every millisecond and prints when each lease was first seen.
pub fn watcher(folder: &Path) -> Result<()> {
    let client = Vendor::new()?.builder(folder).open()?;
    let feature = client.feature("cad", "core")?;
    let mut shown = feature.check().lease_end();
    println!("ready");
    let mut stamps = Vec::new();
    let started = std::time::Instant::now();
    let mut newest = std::time::Instant::now();
    // Until nothing has come for a while.
    while newest.elapsed() < Duration::from_secs(1)
        || (stamps.is_empty() && started.elapsed() < Duration::from_secs(20))
    {
        std::thread::sleep(FRAME);
        let decision = feature.check();
        if decision.access() != Access::Full {
            return Err(format!("the ledger gives {:?}", decision.access()).into());
        }
        if decision.lease_end() != shown {
            stamps.push((decision.lease_end(), stamp()));
            shown = decision.lease_end();
            newest = std::time::Instant::now();
        }
    }
    for (end, at) in stamps {
        println!("{} {at}", end.ok_or("a lease without an end")?.seconds());
    }
    Ok(())
}
