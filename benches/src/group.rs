//! Several processes that append to one ledger at once: beside the same ledger with the lock held through the sync, and beside
//! SQLCipher with a connection each.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reprieve::ledger::{Disk, Ledger};

use crate::Result;
use crate::fixture::{self, payload};
use crate::peer;
use crate::rows::{Row, human, in_turns};

/// Of one round, by all processes together.
const APPENDS: u32 = 1000;
const ROUNDS: usize = 15;

/// How a process writes.
#[derive(Clone, Copy)]
enum Mode {
    /// As a product does: the lock is dropped before the sync.
    Ledger,
    /// The same, but the lock is held through the sync.
    Locked,
    SqlCipher,
}

impl Mode {
    const ALL: [(Mode, &str); 3] = [(Mode::Ledger, "ledger"), (Mode::Locked, "locked"), (Mode::SqlCipher, "sqlcipher")];

    fn name(self) -> &'static str {
        Mode::ALL[self as usize].1
    }
}

pub fn rows(folder: &Path) -> Result<Vec<Row>> {
    drop(fixture::create(&folder.join("group"))?);
    drop(fixture::create(&folder.join("group-locked"))?);
    drop(peer::create(&folder.join("group.db"), 0)?);
    let run = |mode, processes| move || together(mode, processes, folder);
    let eight = in_turns(ROUNDS, &mut [&mut run(Mode::Ledger, 8), &mut run(Mode::Locked, 8)])?;
    let four = in_turns(ROUNDS, &mut [&mut run(Mode::Ledger, 4), &mut run(Mode::SqlCipher, 4)])?;
    let total = |times: &[Duration]| human(times.iter().sum::<Duration>() * 10_000 / (APPENDS * times.len() as u32));
    let row = |work, against, at_most, times: &[Vec<Duration>]| {
        let row = Row::ratio(work, against, at_most, APPENDS, &times[0], &times[1]);
        row.profile(format!("10,000 appends took {}, and {} beside it.", total(&times[0]), total(&times[1])))
    };
    Ok(vec![
        row("10,000 durable appends, 8 processes", "this ledger with the lock held through the sync", 0.5, &eight),
        row("10,000 durable appends, 4 processes", "SQLCipher, a connection each, the same rows", 0.4, &four),
    ])
}

struct Writer {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Writer {
    fn wait_for(&mut self, word: &str) -> Result<()> {
        let mut line = String::new();
        self.out.read_line(&mut line)?;
        if line.trim() == word { Ok(()) } else { Err(format!("a writer said {line:?}, not {word}").into()) }
    }
}

/// How long so many processes take, from the word until all are done.
fn together(mode: Mode, processes: u32, folder: &Path) -> Result<Duration> {
    let mut writers = Vec::new();
    for _ in 0..processes {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["child", "append", mode.name(), &(APPENDS / processes).to_string()])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = BufReader::new(child.stdout.take().ok_or("no output of a writer")?);
        writers.push(Writer { child, out });
    }
    for writer in &mut writers {
        writer.wait_for("ready")?;
    }
    let start = Instant::now();
    for writer in &mut writers {
        writer.child.stdin.take().ok_or("no input of a writer")?.write_all(b"go\n")?;
    }
    for writer in &mut writers {
        writer.wait_for("done")?;
    }
    let time = start.elapsed();
    for mut writer in writers {
        writer.child.wait()?;
    }
    Ok(time)
}

/// One of the processes.
pub fn child(mode: &str, appends: u32, folder: &Path) -> Result<()> {
    let mode = Mode::ALL.iter().find(|(_, name)| *name == mode).ok_or("no such mode")?.0;
    let barrier = || -> Result<()> {
        println!("ready");
        std::io::stdin().read_line(&mut String::new())?;
        Ok(())
    };
    match mode {
        Mode::SqlCipher => {
            let connection = peer::writer(&folder.join("group.db"))?;
            let mut insert = connection.prepare(peer::INSERT)?;
            barrier()?;
            for n in 0..appends {
                insert.execute([payload(n.into()).as_slice()])?;
            }
            println!("done");
        }
        Mode::Ledger | Mode::Locked => {
            let held = matches!(mode, Mode::Locked);
            let folder = folder.join(if held { "group-locked" } else { "group" });
            let mut ledger = Ledger::open(Arc::new(Disk), &fixture::config(&folder))?.ledger;
            barrier()?;
            for n in 0..appends {
                let lock = ledger.lock()?;
                ledger.settle(&lock)?;
                ledger.append(&lock, &payload(n.into()))?;
                let _held = held.then_some(lock);
                ledger.sync()?;
            }
            println!("done");
        }
    }
    Ok(())
}
