//! The two commands, and the lanes of a process.

use std::io::{BufRead, stdin};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread;

use crate::claims::{Claim, Lane, Place};
use crate::{check, log, product};

pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

pub fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(said) => {
            println!("ok: {said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("FAILED: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[&str]) -> Outcome<String> {
    match args {
        ["check", folder] => {
            let claims: Vec<Claim> = stdin().lock().lines().map(|line| line?.parse()).collect::<Outcome<_>>()?;
            check::check(Path::new(folder), &claims)
        }
        ["work", rest @ ..] => {
            let work = Work::parse(rest)?;
            let claims = work.place.read()?;
            // The guest after a cut: its own recovery comes first, as a product's does.
            println!("judged: {}", check::check(&work.folder, &claims)?);
            log::create(&work.folder)?;
            product::create(&work)?;
            let child = Command::new(std::env::current_exe()?).arg("second").args(rest).spawn();
            let lanes = work.run(&[0, 1, 2, 3]);
            let second = child?.wait()?;
            lanes?;
            if second.success() { Ok("work".into()) } else { Err("the second process failed".into()) }
        }
        ["second", rest @ ..] => Work::parse(rest)?.run(&[4, 5]).map(|()| "second".into()),
        _ => Err("see the head of tests/power/writer/main.rs".into()),
    }
}

/// What this guest has to do.
pub struct Work {
    pub folder: PathBuf,
    pub place: Place,
    /// How many records a lane writes.
    pub count: u32,
    /// Whether it syncs before it acknowledges. Without, the test has to fail.
    pub sync: bool,
}

impl Work {
    fn parse(args: &[&str]) -> Outcome<Work> {
        let (folder, device, offset, count, sync) = match args {
            [folder, device, offset, count] => (folder, device, offset, count, true),
            [folder, device, offset, count, "nosync"] => (folder, device, offset, count, false),
            _ => return Err("work: FOLDER DEVICE OFFSET COUNT [nosync]".into()),
        };
        let place = Place { device: device.into(), offset: offset.parse()? };
        Ok(Work { folder: folder.into(), place, count: count.parse()?, sync })
    }

    fn run(&self, lanes: &[u32]) -> Outcome {
        thread::scope(|scope| {
            let started: Vec<_> = lanes
                .iter()
                .map(|number| {
                    scope.spawn(move || {
                        let lane = &mut Lane::open(&self.place, *number)?;
                        match number {
                            2 => log::administer(self, lane),
                            3 | 5 => product::write(self, lane),
                            _ => log::write(self, lane),
                        }
                    })
                })
                .collect();
            for (number, lane) in lanes.iter().zip(started) {
                match lane.join() {
                    Ok(outcome) => outcome.map_err(|error| format!("lane {number}: {error}"))?,
                    Err(_) => return Err(format!("lane {number} panicked").into()),
                }
            }
            Ok(())
        })
    }
}
