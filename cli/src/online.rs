//! `reprieve renew --online`: a renewal over the network, by the way that products go.

use std::path::PathBuf;
use std::time::Duration;

use crate::failure::{Done, Failure};
use crate::output::Out;
use crate::target::Target;

/// Which line is taken, and for how long.
#[derive(clap::Args)]
#[group(skip)]
pub struct Line {
    /// The licence's activation code, which gives the ledger a seat: sent as `Authorization: Bearer CODE`. Without it the environment's REPRIEVE_CODE.
    #[arg(long, value_name = "CODE", requires = "online")]
    code: Option<String>,
    /// Certificates in PEM to trust, in place of the platform's.
    #[arg(long, value_name = "FILE", requires = "online")]
    ca: Option<PathBuf>,
    /// Seconds after which to give up.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    within: u64,
    /// Make the ledger if there is none. The product's user must be the one who runs this, or the product cannot open it.
    #[arg(long, requires = "online")]
    create: bool,
}

impl Line {
    fn within(&self) -> Duration {
        Duration::from_secs(self.within)
    }
}

#[cfg(not(feature = "http"))]
pub fn run(_: &Target, line: &Line, _: &mut Out) -> Result<Done, Failure> {
    let _ = (&line.code, &line.ca, line.within(), line.create);
    Err(Failure::input(
        "this build speaks no HTTP; build it with the feature `http`, or send the text of `reprieve renew --write`",
    ))
}

#[cfg(feature = "http")]
pub use http::run;

#[cfg(feature = "http")]
mod http {
    use std::sync::mpsc::{self, Sender};
    use std::thread;
    use std::time::Instant;

    use reprieve::client::{Client, Task};
    use reprieve::http::{Http, Options};
    use reprieve::renew::{AttemptId, Ended, Outcome};

    use super::{Done, Failure, Line, Out, Target};
    use crate::failure::say;
    use crate::output::{BAD, GOOD, one_line, paint};

    pub fn run(target: &Target, line: &Line, out: &mut Out) -> Result<Done, Failure> {
        let roots = match &line.ca {
            Some(path) => Some(std::fs::read(path).map_err(|error| Failure::reading(path, &error))?),
            None => None,
        };
        let code = line.code.clone().or_else(|| std::env::var("REPRIEVE_CODE").ok());
        let headers = code.iter().map(|code| ("Authorization".to_owned(), format!("Bearer {}", code.trim())));
        let http = Http::new(&Options { roots, headers: headers.collect(), ..Options::default() })?;
        let open = target.open_or_create(line.create)?;
        let done = renew(&open.client, &http, line, out);
        open.close()?;
        done
    }

    fn renew(client: &Client, http: &Http, line: &Line, out: &mut Out) -> Result<Done, Failure> {
        let deadline = Instant::now() + line.within();
        let mut renewer = client.renewer(Default::default())?;
        renewer.renew_now();
        let (tell, told) = mpsc::channel();
        // The attempts at endpoints: a mirror, or a probe, says nothing of whether the lease was renewed.
        let mut sent: Vec<AttemptId> = Vec::new();
        let mut running = 0_usize;
        let mut came: Option<Ended> = None;
        let mut shown = 0;
        loop {
            let pause = match renewer.poll()? {
                task @ Task::Send { attempt, .. } => {
                    sent.push(attempt);
                    running += 1;
                    start(&tell, attempt, http, task)?;
                    continue;
                }
                task @ (Task::Get { attempt, .. } | Task::Probe { attempt, .. }) => {
                    start(&tell, attempt, http, task)?;
                    continue;
                }
                Task::Wait(pause) => pause,
                _ => continue,
            };
            show(client, &mut shown, out)?;
            let hopeless = sent.is_empty() && renewer.watch().standing().next.is_none();
            let over = hopeless || (running == 0 && !sent.is_empty());
            let left = deadline.saturating_duration_since(Instant::now());
            if over || left.is_zero() {
                break;
            }
            if let Ok((attempt, outcome)) = told.recv_timeout(pause.min(left)) {
                renewer.ended(attempt, &outcome);
                if sent.contains(&attempt) {
                    running -= 1;
                    let ended = renewer.watch().standing().last.map(|(last, _)| last.ended);
                    // A renewal stays one, whatever the one beside it came to.
                    if came != Some(Ended::Renewed) {
                        came = ended;
                    }
                }
            }
        }
        match came {
            Some(Ended::Renewed) => {
                out.line(paint("renewed", GOOD))?;
                Ok(Done::Well)
            }
            Some(Ended::Answered(_)) => {
                out.line(paint("not renewed: the authority answered, and gave no document that is taken", BAD))?;
                Ok(Done::Wrong)
            }
            Some(Ended::Status(_)) => {
                out.line(paint("not renewed: what answered gave no document for this ledger", BAD))?;
                Ok(Done::Wrong)
            }
            Some(_) => {
                out.line(paint("not renewed: the authority was not reached", BAD))?;
                Ok(Done::Trouble)
            }
            None if renewer.watch().standing().next.is_none() && sent.is_empty() => {
                Err(Failure::input("no endpoint is known; name one in the application file, or in the `keys` document"))
            }
            None => {
                say(
                    "nothing came back in time; another product on this ledger may be renewing: try again, or --within longer",
                );
                Ok(Done::Trouble)
            }
        }
    }

    /// A thread for each attempt: two may be under way at once.
    fn start(tell: &Sender<(AttemptId, Outcome)>, attempt: AttemptId, http: &Http, task: Task) -> Result<(), Failure> {
        let (tell, http) = (tell.clone(), http.clone());
        let started = thread::Builder::new().spawn(move || {
            if let Some(outcome) = http.ask(&task) {
                // Nobody may wait any more.
                let _ = tell.send((attempt, outcome));
            }
        });
        started.map(drop).map_err(|error| Failure::environment(format!("no thread could be started: {error}")))
    }

    /// What the client noted of the renewal since it was looked at last.
    fn show(client: &Client, shown: &mut usize, out: &mut Out) -> Result<(), Failure> {
        let notes = client.diagnostics();
        for note in notes.iter().skip(*shown) {
            if let Some(text) = note.text.strip_prefix("renewal: ") {
                out.line(one_line(text))?;
            }
        }
        *shown = notes.len();
        Ok(())
    }
}
