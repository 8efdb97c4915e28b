//! A decision in brief: what a product acts on, small enough to be copied in every frame.

use crate::grace::{Decision, Flags};
use crate::terms::{Access, ClockStanding, LedgerStanding, LicenseState, Reason};
use crate::time::Instant;

/// How many words a brief decision has.
pub const WORDS: usize = 12;

/// No stage: outside grace.
const NO_STAGE: u32 = u32::MAX;

/// A decision without names and reasons: what a product acts on.
///
/// It is kept as the numbers of the C ABI, in the order and size in which `reprieve_decision` has them, so that a check copies
/// it and computes nothing. [`Feature::explain`](super::Feature::explain) gives the rest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Brief([u64; WORDS]);

/// Two numbers that lie one behind the other in memory.
const fn pair(first: u32, second: u32) -> u64 {
    if cfg!(target_endian = "little") {
        first as u64 | (second as u64) << 32
    } else {
        second as u64 | (first as u64) << 32
    }
}

const fn first(word: u64) -> u32 {
    (if cfg!(target_endian = "little") { word } else { word >> 32 }) as u32
}

const fn second(word: u64) -> u32 {
    (if cfg!(target_endian = "little") { word >> 32 } else { word }) as u32
}

const fn seconds(instant: Option<Instant>) -> u64 {
    match instant {
        Some(instant) => instant.seconds() as u64,
        None => 0,
    }
}

const fn part(instant: Option<Instant>) -> u64 {
    match instant {
        Some(instant) => pair(instant.subsec_nanos(), 1),
        None => 0,
    }
}

impl Brief {
    /// What a decision comes to.
    pub fn of(decision: &Decision) -> Brief {
        let stage = decision.why.cover.as_ref().map_or(NO_STAGE, |cover| cover.stage.min(NO_STAGE as usize - 1) as u32);
        let (state, reason) = (decision.state, decision.reason);
        let [t, until, ends, lease_end] = [Some(decision.t), decision.until, decision.ends, decision.lease_end];
        Brief([
            pair(0, decision.access.number()),
            pair(state.map_or(0, LicenseState::number), reason.map_or(0, Reason::number)),
            pair(decision.clock.number(), decision.ledger.number()),
            pair(decision.flags.bits(), stage),
            seconds(t),
            part(t),
            seconds(until),
            part(until),
            seconds(ends),
            part(ends),
            seconds(lease_end),
            part(lease_end),
        ])
    }

    /// From the words that [`Brief::words`] gave.
    #[inline]
    pub(super) const fn from_words(words: [u64; WORDS]) -> Brief {
        Brief(words)
    }

    /// As the C ABI has it: eight numbers of 32 bits, the first of them 0 (the structure's size is the caller's), then four
    /// instants of a second, its nanoseconds and 1 if there is such an instant; in the byte order of the machine.
    #[inline]
    pub const fn words(&self) -> [u64; WORDS] {
        self.0
    }

    /// The access, as a number, in the first of the words.
    #[inline]
    pub const fn access_of(word: u64) -> u32 {
        second(word)
    }

    fn instant(&self, at: usize) -> Option<Instant> {
        let part = self.0[at + 1];
        (second(part) == 1)
            .then(|| Instant::from_seconds(self.0[at] as i64) + crate::time::Span::nanos(i128::from(first(part))))
    }

    /// What the product may do.
    #[inline]
    pub fn access(&self) -> Access {
        match second(self.0[0]) {
            1 => Access::Denied,
            2 => Access::Limited,
            3 => Access::Full,
            _ => Access::Unknown,
        }
    }

    /// Whether access is limited or full. That it is not does not say that it is denied.
    #[inline]
    pub fn allowed(&self) -> bool {
        self.access() >= Access::Limited
    }

    /// By which rule of J1. None if access is unknown.
    pub fn state(&self) -> Option<LicenseState> {
        LicenseState::from_number(first(self.0[1]))
    }

    /// What grants grace, in grace.
    pub fn reason(&self) -> Option<Reason> {
        Reason::from_number(second(self.0[1]))
    }

    /// What is known against the clock.
    pub fn clock(&self) -> ClockStanding {
        ClockStanding::from_number(first(self.0[2])).unwrap_or(ClockStanding::Ok)
    }

    /// What is known against the ledger.
    pub fn ledger(&self) -> LedgerStanding {
        LedgerStanding::from_number(second(self.0[2])).unwrap_or(LedgerStanding::Ok)
    }

    /// What else there is to say of the ledger that it was read from.
    pub fn flags(&self) -> Flags {
        Flags::from_bits(first(self.0[3]))
    }

    /// The stage of grace, counting from 0; none outside grace.
    pub fn stage(&self) -> Option<u32> {
        Some(second(self.0[3])).filter(|stage| *stage != NO_STAGE)
    }

    /// The time that it was decided at.
    pub fn t(&self) -> Instant {
        self.instant(4).unwrap_or(Instant::EPOCH)
    }

    /// J3: the next instant at which access, state or reason changes if nothing else arrives.
    pub fn until(&self) -> Option<Instant> {
        self.instant(6)
    }

    /// J3: the first later instant at which access is denied, if it is not now.
    pub fn ends(&self) -> Option<Instant> {
        self.instant(8)
    }

    /// When the lease itself ends: grace is what comes after.
    pub fn lease_end(&self) -> Option<Instant> {
        self.instant(10)
    }
}

impl std::fmt::Debug for Brief {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Brief")
            .field("t", &self.t())
            .field("access", &self.access())
            .field("state", &self.state())
            .field("reason", &self.reason())
            .field("stage", &self.stage())
            .field("until", &self.until())
            .field("ends", &self.ends())
            .field("lease_end", &self.lease_end())
            .field("clock", &self.clock())
            .field("ledger", &self.ledger())
            .field("flags", &self.flags())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grace::{Explanation, Holds};

    #[test]
    fn all_of_it_comes_back() {
        let at = |seconds| Some(Instant::from_seconds(seconds) + crate::time::Span::nanos(7));
        let cover = Holds {
            reason: Reason::Network,
            start: Instant::EPOCH,
            end: Instant::LAST,
            stage: 2,
            counts: true,
            policy: None,
            tier: None,
            notice: None,
        };
        let decision = Decision {
            t: Instant::from_seconds(-5),
            sku: "cad".to_owned(),
            feature: "core".to_owned(),
            access: Access::Limited,
            state: Some(LicenseState::Grace),
            reason: Some(Reason::Network),
            until: at(10),
            ends: None,
            clock: ClockStanding::Leaped,
            ledger: LedgerStanding::Suspect,
            license: None,
            lease_end: at(-1),
            flags: Flags { newer: true, drill: true, ..Flags::default() },
            why: Explanation { cover: Some(cover), ..Explanation::default() },
        };
        let brief = Brief::from_words(Brief::of(&decision).words());
        assert_eq!((brief.t(), brief.until(), brief.ends()), (decision.t, decision.until, None));
        assert_eq!((brief.access(), brief.state(), brief.reason()), (decision.access, decision.state, decision.reason));
        assert_eq!((brief.lease_end(), brief.stage()), (decision.lease_end, Some(2)));
        assert_eq!((brief.clock(), brief.ledger(), brief.flags()), (decision.clock, decision.ledger, decision.flags));
        let none = Decision { why: Explanation::default(), state: None, reason: None, ..decision };
        assert_eq!((Brief::of(&none).stage(), Brief::of(&none).state()), (None, None));
    }
}
