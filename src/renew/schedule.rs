//! When to renew: pure arithmetic of instants. Every instant here is the ledger's `t`, never the wall.

use crate::time::{Instant, Span};

/// A lease in force, as far as renewing it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// When the authority issued it.
    pub iat: Instant,
    /// When the first of its features ends.
    pub exp: Instant,
}

/// What renewing depends on, read off the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// The ledger's time (rules C2, C3).
    pub t: Instant,
    /// The newest lease of each licence.
    pub terms: Vec<Term>,
    /// Announced windows that have not ended: start and end of notices in scope (rule D3).
    pub windows: Vec<(Instant, Instant)>,
    /// A5: an appeal waits that no authority is known to have: a renewal is due at once, to take it along.
    pub appeal: bool,
    /// How long a failed check of the outlook waits at most: the longest pause between two looks at it.
    pub look: Span,
}

/// The part of a lease's life at whose end it is renewed, in the middle of the jitter.
const HALF: f64 = 0.5;

/// Jitter lies within a tenth of the lease's life on either side.
const SWAY: f64 = 0.1;

/// A lease renewed this long before a window opens is as young as it can be: later, a clock that runs differently or a slow
/// network would miss it.
const MARGIN: Span = Span::seconds(300);

/// The clients of a vendor renew before a window within so long, so that it is not the announcement that brings the server down; in
/// a quarter of the lease's life if that is less.
const CROWD: Span = Span::seconds(6 * 3600);

/// The part `share` (from 0 to 1) of a span.
fn part(span: Span, share: f64) -> Span {
    // Whole seconds are exact, and fine enough for hours.
    Span::seconds((span.as_seconds() as f64 * share) as i64)
}

/// A span doubled so many times, up to a limit.
pub(super) fn doubled(first: Span, times: u32, most: Span) -> Span {
    let nanos = first.as_nanos().saturating_mul(1i128 << times.min(64));
    Span::nanos(nanos.min(most.as_nanos()))
}

impl Term {
    fn life(self) -> Span {
        self.exp.since(self.iat)
    }

    /// At half of its life, give or take the jitter.
    fn half(self, share: f64) -> Instant {
        self.iat + part(self.life(), HALF + SWAY * (2.0 * share - 1.0))
    }

    /// Sooner, for a window that opens while it would be in force, or be renewed: none if this lease is of the time just before it.
    fn before(self, window: (Instant, Instant), share: f64) -> Option<Instant> {
        let (start, end) = window;
        if self.exp <= self.iat || end <= start {
            return None;
        }
        let quarter = part(self.life(), 0.25);
        let crowd = if quarter < CROWD { quarter } else { CROWD };
        let latest = start - MARGIN;
        let earliest = latest - crowd;
        (self.iat < earliest).then(|| latest - part(crowd, share))
    }
}

impl Outlook {
    /// When the next renewal is due. `share`, from 0 to 1, is this client's own and the same from one look to the next, or the time
    /// would move each time that it is asked for. None where there is no lease: the first one is the product's to fetch, at once.
    ///
    /// ```
    /// use reprieve::renew::{Outlook, Term};
    /// use reprieve::time::{Instant, Span};
    ///
    /// let t: Instant = "2026-01-01T00:00:00Z".parse().unwrap();
    /// let lease = Term { iat: t, exp: t + Span::seconds(86_400) };
    /// let outlook = Outlook { t, terms: vec![lease], windows: vec![], appeal: false, look: Span::seconds(600) };
    /// assert_eq!(outlook.due(0.5).unwrap().to_string(), "2026-01-01T12:00:00Z");
    /// ```
    pub fn due(&self, share: f64) -> Option<Instant> {
        self.due_after(share, None)
    }

    /// The same, of what is due after this instant alone.
    pub(super) fn due_after(&self, share: f64, after: Option<Instant>) -> Option<Instant> {
        let share = share.clamp(0.0, 1.0);
        self.terms
            .iter()
            .map(|term| {
                let half = term.half(share);
                let ahead = self.windows.iter().filter(|window| self.t < window.0 - MARGIN);
                ahead.filter_map(|window| term.before(*window, share)).fold(half, Instant::min)
            })
            .filter(|due| after.is_none_or(|after| after < *due))
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3600;

    fn at(hours: i64) -> Instant {
        Instant::from_seconds(1_767_225_600 + hours * HOUR)
    }

    fn outlook(t: i64, terms: &[(i64, i64)], windows: &[(i64, i64)]) -> Outlook {
        Outlook {
            t: at(t),
            terms: terms.iter().map(|(iat, exp)| Term { iat: at(*iat), exp: at(*exp) }).collect(),
            windows: windows.iter().map(|(start, end)| (at(*start), at(*end))).collect(),
            appeal: false,
            look: Span::seconds(600),
        }
    }

    #[test]
    fn at_half_of_its_life_with_jitter() {
        let one = outlook(0, &[(0, 100)], &[]);
        assert_eq!(one.due(0.0), Some(at(40)));
        assert_eq!(one.due(0.5), Some(at(50)));
        assert_eq!(one.due(1.0), Some(at(60)));
    }

    #[test]
    fn the_first_of_several_leases_rules() {
        assert_eq!(outlook(0, &[(0, 100), (0, 24)], &[]).due(0.5), Some(at(12)));
        assert_eq!(outlook(0, &[], &[]).due(0.5), None);
    }

    #[test]
    fn sooner_before_a_window_and_within_the_crowd() {
        // Half of it would be at 84 h; the window opens at 40 h.
        let ahead = outlook(0, &[(0, 168)], &[(40, 48)]);
        let latest = at(40) - MARGIN;
        assert_eq!(ahead.due(0.0), Some(latest));
        assert_eq!(ahead.due(1.0), Some(latest - CROWD));
    }

    #[test]
    fn a_lease_of_the_time_just_before_a_window_is_young_enough() {
        let young = outlook(36, &[(36, 36 + 168)], &[(40, 48)]);
        assert_eq!(young.due(0.5), Some(at(36 + 84)));
    }

    #[test]
    fn a_window_that_has_opened_hastens_nothing() {
        assert_eq!(outlook(41, &[(0, 168)], &[(40, 48)]).due(0.5), Some(at(84)));
    }

    #[test]
    fn a_window_after_half_of_the_life_leaves_half_as_it_is() {
        // Renewed at half, the next lease will meet the window: and is renewed again before it.
        assert_eq!(outlook(0, &[(0, 24)], &[(100, 110)]).due(0.5), Some(at(12)));
    }

    #[test]
    fn short_leases_make_a_small_crowd() {
        let short = outlook(0, &[(0, 4)], &[(2, 3)]);
        assert_eq!(short.due(1.0), Some(at(2) - MARGIN - Span::seconds(HOUR)));
    }

    #[test]
    fn odd_terms_and_windows_do_no_harm() {
        for (terms, windows) in [(&[(5, 5)], &[(6, 6)]), (&[(9, 3)], &[(8, 2)])] {
            assert!(outlook(0, terms, windows).due(f64::NAN).is_some());
        }
    }

    #[test]
    fn doubling_stops_at_the_limit() {
        let most = Span::seconds(900);
        assert_eq!(doubled(Span::seconds(30), 0, most), Span::seconds(30));
        assert_eq!(doubled(Span::seconds(30), 3, most), Span::seconds(240));
        assert_eq!(doubled(Span::seconds(30), u32::MAX, most), most);
    }
}
