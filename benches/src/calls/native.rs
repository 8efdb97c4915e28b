//! From C and C++.

use std::path::Path;
use std::process::Command;

use super::{Bench, CHECKS, columns, sources};
use crate::Result;
use crate::rows::{Row, Times, Verdict, each, median_of};

const ROUNDS: u32 = 400;
/// Rounds and checks of the mean: long enough for many looks at the ledger.
const LONG: (u32, u32) = (9, 2_000_000);

const HANDLE: &str = "check by feature handle, from C";
const SHAPE: &str = "the same call shape: guard, coarse clock, 64-byte seqlock copy";

pub fn rows(folder: &Path) -> Result<Vec<Row>> {
    let bench = Bench::new(folder)?;
    let programs = [sources().join("calls.c"), sources().join("loops.c")];
    let program = bench.program("cc", &["-std=gnu11"], &programs, "calls")?;
    let run = |what: &str, rounds: u32, checks: u32| {
        let mut command = Command::new(&program);
        command.arg(what).arg(&bench.app).arg(rounds.to_string()).arg(checks.to_string());
        command
    };
    let [handle, limit, name, limit_of_name, bare] = columns(&mut run("turns", ROUNDS, CHECKS))?;
    let [many, many_of_limit] = columns(&mut run("mean", LONG.0, LONG.1))?;
    let bare = Row::ratio(HANDLE, SHAPE, 1.25, CHECKS, &handle, &bare);
    let mean = format!(
        "beside the same with `catch_unwind` alone for a guard, {}, {}. With upkeep, a look at the ledger every 10 ms, a check took {} on average, and {} beside it.",
        bare.other,
        bare.figure,
        each(median_of(&many), LONG.1),
        each(median_of(&many_of_limit), LONG.1),
    );
    let mut rows = vec![
        Row::ratio(HANDLE, SHAPE, 1.25, CHECKS, &handle, &limit).note(mean),
        Row::ratio("check by name, from C", "the same and one hash of the name", 1.3, CHECKS, &name, &limit_of_name),
    ];
    let threads = columns(&mut run("threads", ROUNDS, CHECKS))?;
    rows.push(in_two(&threads));
    rows.push(cpp(&bench)?);
    Ok(rows)
}

/// In two threads at once, a thread's time beside that of one alone. Where two cores slow each other down whatever they do, so that
/// the limit, which shares nothing that is written, is no better: that is the machine's limit.
fn in_two([one, two, limit_one, limit_two]: &[Times; 4]) -> Row {
    const AT_MOST: f64 = 1.3;
    let row = Row::ratio("check by handle, each of 2 threads", "one thread alone", AT_MOST, CHECKS, two, one);
    let limit = Row::ratio(row.work, row.against, AT_MOST, CHECKS, limit_two, limit_one);
    let text = format!("The limit in 2 threads beside one: {}.", limit.figure);
    if row.verdict == Verdict::Short && limit.verdict == Verdict::Short {
        return Row { verdict: Verdict::Limit, ..row.profile(text) };
    }
    row.profile(text)
}

fn cpp(bench: &Bench) -> Result<Row> {
    const WORK: &str = "check by handle, C++ wrapper";
    const BESIDE: &str = "check by handle, from C";
    let loops = bench.folder.join("loops.o");
    let mut compile = Command::new("cc");
    compile.args(super::FLAGS).args(["-std=gnu11", "-c"]).arg(sources().join("loops.c"));
    compile.arg(format!("-I{}", super::root().join("include").display())).arg("-o").arg(&loops);
    super::output(&mut compile)?;
    match bench.program("c++", &["-std=c++17"], &[sources().join("calls.cpp"), loops], "calls-cpp") {
        Ok(program) => {
            let mut command = Command::new(program);
            let times: [Times; 2] = columns(command.arg(&bench.app).arg(ROUNDS.to_string()).arg(CHECKS.to_string()))?;
            let row = Row::ratio(WORK, BESIDE, 1.02, CHECKS, &times[0], &times[1]);
            let text = format!("{} and {} a check.", row.ours, row.other);
            Ok(row.profile(text))
        }
        Err(why) => Ok(Row::not_run(WORK, BESIDE, 1.02, why.to_string())),
    }
}
