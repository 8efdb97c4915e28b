//! Opening and the first check, each in a process of its own as a product does it: beside the same at a thousand records, and
//! beside SQLCipher. The memory of those processes.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use reprieve::terms::Access;

use crate::Result;
use crate::fixture::{Vendor, payload};
use crate::peer;
use crate::rows::{Row, Times, Verdict, in_turns};

pub const MANY: u64 = 1_000_000;
const FEW: u64 = 1_000;
const ROUNDS: usize = 61;

/// Where the ledger of a million records lies, for whoever measures it next.
pub const MANY_FOLDER: &str = "many";
/// And the same rows in SQLCipher.
pub const MANY_ROWS: &str = "many.db";

struct Opened {
    time: Duration,
    peak_kib: i64,
}

pub fn rows(folder: &Path) -> Result<Vec<Row>> {
    make_many(folder)?;
    Vendor::new()?.ledger(&folder.join("few"), FEW)?;

    let mut peaks = [Vec::new(), Vec::new()];
    let [of_many, of_few] = &mut peaks;
    let mut many = || {
        let opened = in_a_process("ledger", &folder.join(MANY_FOLDER))?;
        of_many.push(opened.peak_kib);
        Ok(opened.time)
    };
    let mut few = || {
        let opened = in_a_process("ledger", &folder.join("few"))?;
        of_few.push(opened.peak_kib);
        Ok(opened.time)
    };
    let mut sqlcipher = || Ok(in_a_process("sqlcipher", &folder.join(MANY_ROWS))?.time);
    let times: Vec<Times> = in_turns(ROUNDS, &mut [&mut many, &mut few, &mut sqlcipher])?;
    let [many, few] = peaks.map(|mut peaks| {
        peaks.sort_unstable();
        peaks[peaks.len() / 2]
    });
    let work = "open and first check, 1,000,000 records";
    let same = "the same at 1,000 records";
    let peer = "SQLCipher with a raw key: open and first SELECT of the same rows";
    Ok(vec![
        Row::ratio(work, same, 1.5, 1, &times[0], &times[1]),
        Row::ratio(work, peer, 1.0, 1, &times[0], &times[2]),
        Row {
            work: "memory to open and check at 1,000,000 records",
            against: same,
            ours: format!("{many} KiB"),
            other: format!("{few} KiB"),
            figure: format!("{:+} KiB", many - few),
            at_most: "+2 MB".to_owned(),
            verdict: Verdict::of((many - few) * 1024 <= 2_000_000),
            profile: String::new(),
            note: String::new(),
        },
    ])
}

/// Makes the ledger of a million records, and the same rows in SQLCipher, if no row before this one has.
pub fn make_many(folder: &Path) -> Result<()> {
    if !folder.join(MANY_FOLDER).exists() {
        Vendor::new()?.ledger(&folder.join(MANY_FOLDER), MANY)?;
        drop(peer::create(&folder.join(MANY_ROWS), MANY)?);
    }
    Ok(())
}

fn in_a_process(what: &str, folder: &Path) -> Result<Opened> {
    let output = Command::new(std::env::current_exe()?).args(["child", "open", what]).arg(folder).output()?;
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<i64> = text.split_whitespace().map_while(|word| word.parse().ok()).collect();
    match numbers.as_slice() {
        [nanos, peak_kib] => Ok(Opened { time: Duration::from_nanos(u64::try_from(*nanos)?), peak_kib: *peak_kib }),
        _ => Err(format!("an opener failed: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

/// One opener: prints its time and the most memory that it had.
pub fn child(what: &str, folder: &Path) -> Result<()> {
    let time = match what {
        "ledger" => {
            let builder = Vendor::new()?.builder(folder).create(false);
            let start = Instant::now();
            let client = builder.open()?;
            let decision = client.check("cad", "core");
            let time = start.elapsed();
            if decision.access != Access::Full {
                return Err(format!("the ledger gives {:?}", decision.access).into());
            }
            // Closing would leave a snapshot behind, and the next opener less to read.
            std::mem::forget(client);
            time
        }
        _ => {
            let start = Instant::now();
            let connection = peer::open(folder)?;
            let row: Vec<u8> =
                connection.query_row("SELECT payload FROM records WHERE seq = ?1", [MANY as i64], |row| row.get(0))?;
            let time = start.elapsed();
            if row != payload(MANY - 1) {
                return Err("SQLCipher gives another row".into());
            }
            time
        }
    };
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no peak of memory is told")?;
    println!("{} {}", time.as_nanos(), peak.trim().trim_end_matches(" kB"));
    Ok(())
}
