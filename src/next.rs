//! What the next release could be, for the test of two releases on one ledger (`tests/releases`): more events, another fold, a higher
//! level. Built with `--cfg reprieve_next` alone; no release contains it.

use crate::grace::{Decision, Event};
use crate::terms::Access;

/// The highest level that it knows.
pub(crate) const LEVEL: u32 = 2;

/// The types of its events are of a range that no release uses.
pub(crate) const CONTINUED: u16 = 65_002;

/// How often each of its events was recorded: the one that may be skipped, and the one that must be understood.
pub(crate) type Counts = [u64; 2];

fn asked_for(what: &str) -> bool {
    std::env::var("REPRIEVE_NEXT").is_ok_and(|asked| asked == what)
}

/// What it adds to each record.
pub(crate) fn event() -> Event {
    if asked_for("must_understand") { Event::Bound { count: 1 } } else { Event::Noted { count: 1 } }
}

/// The level that an archive raises the ledger to, from this one.
pub(crate) fn level(now: u32) -> u32 {
    if asked_for("level") { LEVEL } else { now }
}

/// What a generation begins with: an event of this release's where the ledger's level allows it.
pub(crate) fn continued() -> u16 {
    if asked_for("level") { CONTINUED } else { 2 }
}

/// The events that a generation begins with carry the counts too.
pub(crate) fn carry(mut events: Vec<Event>, [noted, bound]: Counts) -> Vec<Event> {
    events.extend((noted > 0).then_some(Event::Noted { count: noted }));
    events.extend((bound > 0).then_some(Event::Bound { count: bound }));
    events
}

/// The decision shows the counts; what must be understood limits it.
pub(crate) fn decided(mut decision: Decision, [noted, bound]: Counts) -> Decision {
    if bound > 0 && decision.access == Access::Full {
        decision.access = Access::Limited;
    }
    decision.why.trouble = Some(format!("{noted} noted, {bound} bound"));
    decision
}
