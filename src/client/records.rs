//! How records are written: each event with its type number and whether it must be understood.
//!
//! Numbers are never reused. An event that changes what is decided must be understood: a release that does not know it
//! decides from what it knows, says so, and appends nothing.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::{Error, ErrorKind};
use crate::clock::trusted::Anchor;
use crate::document::TokenId;
use crate::grace::{Alarm, Event, Machine, Record, Saved, Standing, Suspect};
use crate::ledger::codec::{RawEvent, decode_batch, encode_batch, from_bytes, to_bytes};
use crate::terms::{Kind, Outage, Refusal};
use crate::time::Instant;

/// The fold's version: a snapshot of another is ignored. It rises with every event that is added: a state that skipped one is not
/// what a release that knows it would have folded.
pub(super) const FOLD_VERSION: u32 = if cfg!(reprieve_next) { 2 } else { 1 };

/// The level of ledgers that this release makes: which events may be in them. Older releases go on writing to such a ledger until
/// its level is raised.
pub(super) const LEVEL: u32 = 1;

/// The highest level all of whose events this release knows.
#[cfg(not(reprieve_next))]
pub(super) const KNOWN_LEVEL: u32 = LEVEL;
#[cfg(reprieve_next)]
pub(super) const KNOWN_LEVEL: u32 = crate::next::LEVEL;

#[derive(Serialize, Deserialize)]
struct Head {
    t: Instant,
    anchor: Anchor,
    reset: bool,
}

macro_rules! bodies {
    ($($(#[$when:meta])* $number:literal $must:literal $variant:ident { $($field:ident: $type:ty),* };)*) => {
        mod body {
            use super::*;
            $($(#[$when])* #[derive(Serialize, Deserialize)]
            pub(super) struct $variant { $(pub $field: $type),* })*
        }

        fn encode_event(event: &Event) -> Result<RawEvent, Error> {
            match event {
                $($(#[$when])* Event::$variant { $($field),* } => Ok(RawEvent {
                    kind: $number,
                    must_understand: $must,
                    body: to_bytes(&body::$variant { $($field: $field.clone()),* })?,
                }),)*
                #[cfg(reprieve_next)]
                Event::Continued(saved) => {
                    // What level 1 knows of it; the counts follow as events.
                    let mut body = to_bytes(&**saved)?;
                    body.truncate(body.len() - 16);
                    Ok(RawEvent { kind: crate::next::continued(), must_understand: true, body })
                }
                #[cfg(not(reprieve_next))]
                Event::Continued(saved) => Ok(RawEvent { kind: 2, must_understand: true, body: to_bytes(&**saved)? }),
                Event::Foreign { kind } => Err(Error::new(
                    ErrorKind::Internal,
                    format!("an event of type {kind}, which this release does not know, was to be written"),
                )),
            }
        }

        fn decode_event(raw: &RawEvent) -> Result<Event, Error> {
            Ok(match raw.kind {
                $($(#[$when])* $number => {
                    let body::$variant { $($field),* } = from_bytes(&raw.body)?;
                    Event::$variant { $($field),* }
                })*
                #[cfg(reprieve_next)]
                2 | crate::next::CONTINUED => {
                    Event::Continued(Box::new(from_bytes::<Saved>(&[&raw.body[..], &[0; 16]].concat())?))
                }
                #[cfg(not(reprieve_next))]
                2 => Event::Continued(Box::new(from_bytes::<Saved>(&raw.body)?)),
                kind => Event::Foreign { kind },
            })
        }
    };
}

bodies! {
    1 true Created { machine: Machine };
    3 true Accepted { kind: Kind, license: Option<String>, token: Arc<[u8]>, fresh: bool };
    4 true Refused { kind: Option<Kind>, license: Option<String>, token: TokenId, refusal: Refusal };
    5 true Reported { outage: Outage };
    6 true FirstUse { license: String, feature: String, at: Instant };
    7 true Charged { license: String, feature: String, from: Instant, to: Instant };
    8 true Changed { alarm: Alarm, at: Instant, license: String, feature: String, standing: Standing };
    9 true Suspected { suspect: Suspect, at: Instant };
    10 true ClockRestored { at: Instant };
    11 true LedgerRestored { at: Instant };
    12 false Recovered { at: Instant, bytes: u64 };
    13 false Appealed { at: Instant, license: Option<String>, text: String };
    14 true Home { machine: Machine };
    15 false Requested { generation: u64, size: u64, root: [u8; 32] };
    16 false Damage { record: Option<u64>, text: String };
    17 true PutBack { record: u64, hash: [u8; 32], line: [u8; 32] };
    18 false Countersigned { generation: u64, size: u64 };
    19 false AppealReceived { at: Instant, license: Option<String>, id: String };
    #[cfg(reprieve_next)] 65_000 false Noted { count: u64 };
    #[cfg(reprieve_next)] 65_001 true Bound { count: u64 };
}

/// A record, as the ledger stores it.
pub(super) fn encode(record: &Record) -> Result<Vec<u8>, Error> {
    let head = to_bytes(&Head { t: record.t, anchor: record.anchor, reset: record.reset })?;
    let events = record.events.iter().map(encode_event).collect::<Result<Vec<_>, _>>()?;
    Ok(encode_batch(&head, &events)?)
}

/// A record, and whether a newer release wrote something into it that must be understood.
pub(super) fn decode(payload: &[u8]) -> Result<(Record, bool), Error> {
    let (head, raw) = decode_batch(payload)?;
    let Head { t, anchor, reset } = from_bytes(&head)?;
    let mut newer = false;
    let mut events = Vec::with_capacity(raw.len());
    for raw in &raw {
        let event = decode_event(raw)?;
        newer |= raw.must_understand && matches!(event, Event::Foreign { .. });
        events.push(event);
    }
    Ok((Record { t, anchor, reset, events }, newer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Boot, Reading};
    use crate::time::Span;

    fn record(events: Vec<Event>) -> Record {
        let reading = Reading { wall: Instant::from_seconds(5), boot: Boot([3; 16]), uptime: Span::seconds(1) };
        Record { t: Instant::from_seconds(5), anchor: Anchor::first(&reading), reset: true, events }
    }

    #[test]
    fn records_round_trip() {
        let record = record(vec![
            Event::Created { machine: Machine([Some([1; 16]), None, None]) },
            Event::Accepted {
                kind: Kind::Lease,
                license: Some("L1".into()),
                token: Arc::from(&b"x.y.z"[..]),
                fresh: true,
            },
            Event::Changed {
                alarm: Alarm::GraceWarning,
                at: Instant::from_seconds(7),
                license: "L1".into(),
                feature: "core".into(),
                standing: Standing { left: Some(Span::seconds(3600)), ..Standing::FIRST },
            },
        ]);
        assert_eq!(decode(&encode(&record).unwrap()).unwrap(), (record, false));
    }

    #[test]
    fn what_a_newer_release_wrote_is_kept_or_named() {
        let head = to_bytes(&Head { t: Instant::EPOCH, anchor: record(vec![]).anchor, reset: false }).unwrap();
        for must_understand in [false, true] {
            let raw = RawEvent { kind: 999, must_understand, body: vec![1, 2, 3] };
            let (record, newer) = decode(&encode_batch(&head, &[raw]).unwrap()).unwrap();
            assert_eq!(record.events, [Event::Foreign { kind: 999 }]);
            assert_eq!(newer, must_understand);
        }
    }
}
