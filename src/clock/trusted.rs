//! Trusted time, pure: rules C1 to C4, C6 and C8.

use serde::{Deserialize, Serialize};

use super::{Boot, Reading};
use crate::policy::{ClockRules, LedgerRules};
use crate::terms::ClockStanding;
use crate::time::{Instant, Span};

/// C4: an unbroken run of leading readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// What was proven when it began.
    pub began: Instant,
    /// The least lead of its readings.
    pub least: Span,
}

/// C8: something is not as it should be, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspicion {
    /// What was proven when it began.
    pub began: Instant,
    /// The uptime gained since.
    pub age: Span,
}

impl Suspicion {
    /// One that begins now.
    pub fn new(proven: Instant) -> Suspicion {
        Suspicion { began: proven, age: Span::ZERO }
    }

    /// L3: of two of the same thing, the one of greater age goes on.
    pub fn older(one: Option<Suspicion>, other: Option<Suspicion>) -> Option<Suspicion> {
        match (one, other) {
            (Some(a), Some(b)) => Some(if b.age > a.age { b } else { a }),
            (a, b) => a.or(b),
        }
    }
}

/// C8: the three that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Suspicions {
    /// C3.
    pub clock: Option<Suspicion>,
    /// L2, L3.
    pub ledger: Option<Suspicion>,
    /// L5.
    pub place: Option<Suspicion>,
}

/// What is remembered of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// Time that cannot be faked cheaply.
    pub proven: Instant,
    /// The boot of the last reading.
    pub boot: Boot,
    /// The uptime of the last reading.
    pub uptime: Span,
    /// What is taken off the wall.
    pub offset: Span,
    /// C4.
    pub run: Option<Run>,
    /// C8.
    pub suspicions: Suspicions,
}

impl Anchor {
    /// The anchor of a new ledger: its first proven time is the wall.
    pub fn first(reading: &Reading) -> Anchor {
        Anchor {
            proven: reading.wall,
            boot: reading.boot,
            uptime: reading.uptime,
            offset: Span::ZERO,
            run: None,
            suspicions: Suspicions::default(),
        }
    }

    /// C1: the uptime gained since the last reading, if it is the same boot; it ages the suspicions (C8).
    pub fn gain(&mut self, reading: &Reading) {
        let gained = reading.uptime - self.uptime;
        if reading.boot == self.boot && gained.is_positive() {
            self.proven = self.proven + gained;
            let Suspicions { clock, ledger, place } = &mut self.suspicions;
            for suspicion in [clock, ledger, place].into_iter().flatten() {
                suspicion.age = suspicion.age + gained;
            }
        }
        self.boot = reading.boot;
        self.uptime = reading.uptime;
    }

    /// C2 to C4, after C1: judges the wall, and says what time it is.
    pub fn judge(&mut self, reading: &Reading, rules: &ClockRules) -> (Instant, ClockStanding) {
        let proven = self.proven;
        let inside = |wall: Instant| wall >= proven - rules.tolerance && wall <= proven + rules.max_leap;
        // C2: somebody put the date right.
        if !inside(reading.wall - self.offset) && inside(reading.wall) {
            self.offset = Span::ZERO;
        }
        let wall = reading.wall - self.offset;
        if !inside(wall) {
            // C3; a reading that is not ok has no lead, so it ends the run (C4).
            self.run = None;
            self.suspicions.clock.get_or_insert(Suspicion::new(proven));
            let standing = if wall < proven { ClockStanding::RolledBack } else { ClockStanding::Leaped };
            return (proven, standing);
        }
        self.suspicions.clock = None;
        let lead = wall - proven;
        if lead.is_positive() {
            let run = self.run.get_or_insert(Run { began: proven, least: lead });
            run.least = run.least.min(lead);
            let run = *run;
            if proven - run.began >= rules.settle {
                self.proven = proven + run.least;
                self.run = None;
            }
        } else {
            self.run = None;
        }
        (self.proven.max(wall), ClockStanding::Ok)
    }

    /// C1 to C4: one whole reading.
    pub fn read(&mut self, reading: &Reading, rules: &ClockRules) -> (Instant, ClockStanding) {
        self.gain(reading);
        self.judge(reading, rules)
    }

    /// C6: a signed instant. Any raise ends the run.
    pub fn raise(&mut self, iat: Instant) {
        if iat > self.proven {
            self.proven = iat;
            self.run = None;
        }
    }

    /// C6: a fresh lease is better than any local clock.
    pub fn refresh(&mut self, iat: Instant, reading: &Reading) {
        self.proven = iat;
        self.offset = reading.wall - iat;
        self.run = None;
        self.suspicions = Suspicions::default();
    }

    /// J4: a recorded anchor that is behind this one. A suspicion that began otherwise here is the recorded one, aged by the
    /// uptime gained since.
    pub fn share(&mut self, recorded: &Anchor) {
        let mut there = *recorded;
        there.gain(&Reading { wall: recorded.proven, boot: self.boot, uptime: self.uptime });
        let Suspicions { clock, ledger, place } = &mut self.suspicions;
        let known = there.suspicions;
        for (own, known) in [(clock, known.clock), (ledger, known.ledger), (place, known.place)] {
            if let Some(known) = known.filter(|known| own.is_none_or(|own| own.began != known.began)) {
                *own = Some(known);
            }
        }
    }

    /// D6: a ruling ends the suspicion of the clock; the caller reads the clock once more.
    pub fn pardon_clock(&mut self, reading: &Reading) {
        self.offset = reading.wall - self.proven;
        self.run = None;
    }

    /// C8: when each suspicion locks, foretold at `t`: the clock's, the ledger's, its place's. One that locks already has done so
    /// at every instant that is asked about.
    pub fn locks(&self, t: Instant, clock: &ClockRules, ledger: &LedgerRules) -> Locks {
        let at = |suspicion: Option<Suspicion>, limit: Span| {
            suspicion.map(|s| if s.age >= limit { Instant::FIRST } else { t + limit - s.age })
        };
        Locks {
            clock: at(self.suspicions.clock, clock.suspect_limit),
            ledger: at(self.suspicions.ledger, ledger.suspect_limit),
            place: at(self.suspicions.place, ledger.suspect_limit),
        }
    }
}

/// C8: when each suspicion locks, if it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Locks {
    /// C3.
    pub clock: Option<Instant>,
    /// L2, L3.
    pub ledger: Option<Instant>,
    /// L5.
    pub place: Option<Instant>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(wall: i64, uptime: i64) -> Reading {
        Reading { wall: Instant::from_seconds(wall), boot: Boot([1; 16]), uptime: Span::seconds(uptime) }
    }

    const HOUR: i64 = 3600;
    const DAY: i64 = 24 * HOUR;

    #[test]
    fn c1_only_uptime_of_the_same_boot_is_proof() {
        let mut anchor = Anchor::first(&reading(1000, 50));
        anchor.gain(&reading(0, 60));
        assert_eq!(anchor.proven, Instant::from_seconds(1010));
        anchor.gain(&reading(0, 40));
        assert_eq!(anchor.proven, Instant::from_seconds(1010), "uptime that shrinks proves nothing");
        anchor.gain(&Reading { boot: Boot([2; 16]), ..reading(0, 10_000) });
        assert_eq!(anchor.proven, Instant::from_seconds(1010), "the whole uptime of another boot proves nothing");
    }

    #[test]
    fn c2_the_window_is_closed_at_both_ends() {
        let rules = ClockRules::default();
        for (wall, standing) in [
            (-26 * HOUR, ClockStanding::Ok),
            (-26 * HOUR - 1, ClockStanding::RolledBack),
            (400 * DAY, ClockStanding::Ok),
            (400 * DAY + 1, ClockStanding::Leaped),
        ] {
            let mut anchor = Anchor::first(&reading(0, 0));
            assert_eq!(anchor.read(&reading(wall, 0), &rules).1, standing, "{wall}");
        }
    }

    #[test]
    fn c2_an_offset_ends_when_the_date_is_put_right() {
        let rules = ClockRules::default();
        let mut anchor = Anchor::first(&reading(0, 0));
        anchor.refresh(Instant::from_seconds(0), &reading(9000 * DAY, 0));
        assert_eq!(anchor.read(&reading(9000 * DAY, 0), &rules), (Instant::from_seconds(0), ClockStanding::Ok));
        assert_eq!(anchor.read(&reading(5, 0), &rules), (Instant::from_seconds(5), ClockStanding::Ok));
        assert_eq!(anchor.offset, Span::ZERO);
    }

    #[test]
    fn c3_one_suspicion_whatever_the_kind() {
        let rules = ClockRules::default();
        let mut anchor = Anchor::first(&reading(0, 0));
        anchor.read(&reading(-10 * DAY, 10), &rules);
        let first = anchor.suspicions.clock.unwrap();
        anchor.read(&reading(900 * DAY, 20), &rules);
        let second = anchor.suspicions.clock.unwrap();
        assert_eq!((first.began, second.began), (Instant::from_seconds(10), Instant::from_seconds(10)));
        assert_eq!(second.age, Span::seconds(10));
        anchor.read(&reading(30, 30), &rules);
        assert_eq!(anchor.suspicions.clock, None);
    }

    #[test]
    fn j4_a_suspicion_that_two_came_upon_is_the_recorded_one() {
        let rules = ClockRules::default();
        let mut recorded = Anchor::first(&reading(0, 0));
        let mut own = recorded;
        recorded.read(&reading(-10 * DAY, 10), &rules);
        own.read(&reading(-10 * DAY, 12), &rules);
        own.share(&recorded);
        let on = Suspicion { began: Instant::from_seconds(10), age: Span::seconds(2) };
        assert_eq!((own.suspicions.clock, own.proven), (Some(on), Instant::from_seconds(12)));
        // What both know already is as old here as it is.
        own.read(&reading(-10 * DAY, 20), &rules);
        recorded.read(&reading(-10 * DAY, 15), &rules);
        own.share(&recorded);
        assert_eq!(own.suspicions.clock.unwrap().age, Span::seconds(10));
        // And a record from before it ends none.
        own.share(&Anchor::first(&reading(0, 0)));
        assert!(own.suspicions.clock.is_some());
    }

    #[test]
    fn c4_the_least_lead_settles() {
        let rules = ClockRules::default();
        let mut anchor = Anchor::first(&reading(0, 0));
        anchor.read(&reading(20 * DAY, 0), &rules);
        anchor.read(&reading(10 * DAY + HOUR, HOUR), &rules);
        let (t, _) = anchor.read(&reading(20 * DAY + 72 * HOUR, 72 * HOUR), &rules);
        assert_eq!(anchor.proven, Instant::from_seconds(10 * DAY + 72 * HOUR));
        assert_eq!(t, Instant::from_seconds(20 * DAY + 72 * HOUR));
        assert_eq!(anchor.run, None, "a later reading may begin another");
    }

    #[test]
    fn c4_with_no_settle_the_first_reading_settles() {
        let rules = ClockRules { settle: Span::ZERO, ..ClockRules::default() };
        let mut anchor = Anchor::first(&reading(0, 0));
        anchor.read(&reading(DAY, 0), &rules);
        assert_eq!(anchor.proven, Instant::from_seconds(DAY));
    }

    #[test]
    fn c4_a_reading_without_a_lead_ends_the_run() {
        let rules = ClockRules::default();
        let mut anchor = Anchor::first(&reading(0, 0));
        anchor.read(&reading(DAY, 0), &rules);
        assert!(anchor.run.is_some());
        anchor.read(&reading(0, 0), &rules);
        assert_eq!(anchor.run, None);
    }

    #[test]
    fn c6_a_raise_ends_the_run_and_only_a_raise() {
        let rules = ClockRules::default();
        let mut anchor = Anchor::first(&reading(1000, 0));
        anchor.read(&reading(DAY, 0), &rules);
        anchor.raise(Instant::from_seconds(1000));
        assert!(anchor.run.is_some());
        anchor.raise(Instant::from_seconds(2000));
        assert_eq!((anchor.run, anchor.proven), (None, Instant::from_seconds(2000)));
    }

    #[test]
    fn c8_a_suspicion_ages_by_uptime_and_locks_when_foretold() {
        let rules = ClockRules::default();
        let mut anchor = Anchor::first(&reading(0, 0));
        anchor.read(&reading(-10 * DAY, 0), &rules);
        let (t, _) = anchor.read(&reading(-10 * DAY, HOUR), &rules);
        let locks = anchor.locks(t, &rules, &LedgerRules::default());
        assert_eq!(locks.clock, Some(Instant::from_seconds(72 * HOUR)));
        // Another boot: time switched off never locks anyone.
        let (t, _) = anchor.read(&Reading { boot: Boot([2; 16]), ..reading(-10 * DAY, 900 * DAY) }, &rules);
        assert_eq!(anchor.locks(t, &rules, &LedgerRules::default()).clock, Some(Instant::from_seconds(72 * HOUR)));
    }
}
