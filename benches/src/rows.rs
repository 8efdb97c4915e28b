//! A row: our time beside another's, from batches that took turns.

use std::time::{Duration, Instant};

use crate::Result;

/// Times of one thing, batch by batch.
pub type Times = Vec<Duration>;

/// How a row ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Ok,
    /// Not as good as it should be.
    Short,
    /// As good as it can be here: something that nobody can beat was measured in the same run, and is worse than what is asked for.
    Limit,
    /// What it takes is not here.
    NotRun,
}

impl Verdict {
    pub fn of(good: bool) -> Verdict {
        if good { Verdict::Ok } else { Verdict::Short }
    }

    pub fn word(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Short => "short",
            Verdict::Limit => "limit",
            Verdict::NotRun => "not run",
        }
    }
}

pub struct Row {
    pub work: &'static str,
    pub against: &'static str,
    /// Ours, the other's, and what they come to.
    pub ours: String,
    pub other: String,
    pub figure: String,
    pub at_most: String,
    pub verdict: Verdict,
    /// Where our time goes, or why it was not measured: told if the row does not end with `ok`.
    pub profile: String,
    /// What is told in any case.
    pub note: String,
}

impl Row {
    /// The median of the ratios of the batches that ran side by side, with the middle half of them. `per` operations make a batch.
    pub fn ratio(
        work: &'static str,
        against: &'static str,
        at_most: f64,
        per: u32,
        ours: &Times,
        other: &Times,
    ) -> Row {
        let mut ratios: Vec<f64> = ours.iter().zip(other).map(|(a, b)| a.as_secs_f64() / b.as_secs_f64()).collect();
        ratios.sort_by(f64::total_cmp);
        let at = |part: f64| ratios[((ratios.len() - 1) as f64 * part).round() as usize];
        let median = at(0.5);
        Row {
            work,
            against,
            ours: each(median_of(ours), per),
            other: each(median_of(other), per),
            figure: format!("{median:.2} ({:.2}-{:.2})", at(0.25), at(0.75)),
            at_most: format!("{at_most:.2} x"),
            verdict: Verdict::of(median <= at_most),
            profile: String::new(),
            note: String::new(),
        }
    }

    /// A row that could not be measured here, and why.
    pub fn not_run(work: &'static str, against: &'static str, at_most: f64, why: impl Into<String>) -> Row {
        let (ours, other, figure) = ("-".to_owned(), "-".to_owned(), "-".to_owned());
        let at_most = format!("{at_most:.2} x");
        Row {
            work,
            against,
            ours,
            other,
            figure,
            at_most,
            verdict: Verdict::NotRun,
            profile: why.into(),
            note: String::new(),
        }
    }

    pub fn note(self, note: impl Into<String>) -> Row {
        Row { note: note.into(), ..self }
    }

    pub fn profile(self, profile: impl Into<String>) -> Row {
        Row { profile: profile.into(), ..self }
    }
}

/// After that long fewer rounds will do, on a machine that is busy with other things.
const ENOUGH: Duration = Duration::from_secs(20);
const FEWEST: usize = 9;

/// Runs each in turns, `rounds` times, beginning with another one each round; the first round warms up and is not counted.
pub fn in_turns(rounds: usize, runs: &mut [&mut dyn FnMut() -> Result<Duration>]) -> Result<Vec<Times>> {
    let mut times = vec![Times::new(); runs.len()];
    let start = Instant::now();
    for round in 0..=rounds {
        if round > FEWEST && start.elapsed() > ENOUGH {
            break;
        }
        for turn in 0..runs.len() {
            let which = (turn + round) % runs.len();
            let time = runs[which]()?;
            if round > 0 {
                times[which].push(time);
            }
        }
    }
    Ok(times)
}

/// How long `count` runs take.
pub fn timed(count: u32, mut run: impl FnMut() -> Result<()>) -> Result<Duration> {
    let start = Instant::now();
    for _ in 0..count {
        run()?;
    }
    Ok(start.elapsed())
}

/// The processor time that this process has used, of all its threads.
pub fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

pub fn median_of(times: &Times) -> Duration {
    let mut times = times.clone();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

pub fn human(time: Duration) -> String {
    each(time, 1)
}

/// What one of so many took.
pub fn each(time: Duration, per: u32) -> String {
    match time.as_secs_f64() / f64::from(per) {
        s if s < 1e-6 => format!("{:.1} ns", s * 1e9),
        s if s < 1e-3 => format!("{:.1} us", s * 1e6),
        s if s < 1.0 => format!("{:.2} ms", s * 1e3),
        s => format!("{s:.2} s"),
    }
}
