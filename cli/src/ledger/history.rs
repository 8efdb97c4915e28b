//! `reprieve ledger history`: what happened, in plain words.

use reprieve::grace::Event;

use super::records;
use crate::audit;
use crate::failure::{Done, Failure};
use crate::input::moment;
use crate::output::{BAD, DIM, FAIR, GOOD, Out, PLAIN, one_line, paint};
use crate::target::Target;
use crate::words;

const AFTER: &str = "\
Each line is the record's number, the instant at which it took effect (UTC), and what happened. Nothing is recorded, and products \
may go on meanwhile. The exit code is 1 if a record is lost. `reprieve ledger export` gives the same to other programs.

Examples:
  reprieve ledger history --app reprieve.toml
  reprieve ledger history --app reprieve.toml --last 20
  reprieve ledger history --drill /tmp/outage --from 100";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    audit: audit::Args,
    /// The first record to tell of.
    #[arg(long, default_value_t = 0, value_name = "RECORD")]
    from: u64,
    /// Only the last so many events.
    #[arg(long, value_name = "N")]
    last: Option<usize>,
}

pub fn run(args: Args, out: &mut Out) -> Result<Done, Failure> {
    let records = records::read(&args.target.config()?, args.audit.read()?.as_ref(), args.from)?;
    let events: Vec<_> = records
        .all
        .iter()
        .flat_map(|(seq, record)| record.events.iter().map(move |event| (seq, record.t, event)))
        .collect();
    let skipped = args.last.map_or(0, |last| events.len().saturating_sub(last));
    let width = records.all.last().map_or(1, |(seq, _)| seq.to_string().len());
    for (seq, t, event) in events.into_iter().skip(skipped) {
        let at = moment(words::effective(event).unwrap_or(t));
        let number = paint(&format!("{seq:width$}"), DIM);
        out.line(format!("{number}  {at}  {}", paint(&one_line(&words::event(event)), style(event))))?;
    }
    Ok(Done::holds(records.complete))
}

fn style(event: &Event) -> anstyle::Style {
    use reprieve::terms::Access;
    match event {
        Event::Changed { standing, .. } => match standing.access {
            Access::Denied => BAD,
            _ if standing.reason.is_some() => FAIR,
            _ => GOOD,
        },
        Event::Refused { .. } | Event::Reported { .. } | Event::FirstUse { .. } | Event::Charged { .. } => FAIR,
        Event::Suspected { .. } | Event::Damage { .. } | Event::PutBack { .. } => BAD,
        Event::Accepted { .. } | Event::ClockRestored { .. } | Event::LedgerRestored { .. } => GOOD,
        _ => PLAIN,
    }
}
