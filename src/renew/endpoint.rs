//! In which order endpoints are tried, and which are spared for a while.

use serde::{Deserialize, Serialize};

use super::chance::Chance;
use crate::document::Endpoint;
use crate::order::sort_short;
use crate::time::Span;

/// Whether the transport proves that the answer is the authority's: a page over plain HTTP can be anybody's.
pub(super) fn is_authentic(endpoint: &Endpoint) -> bool {
    endpoint.url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"))
}

/// After so many failures in a row an endpoint is spared.
const TRIPS: u32 = 3;

/// For so long at first, then twice as long each time, up to [`SPARED_MOST`].
const SPARED: Span = Span::seconds(60);
const SPARED_MOST: Span = Span::seconds(3600);

/// A circuit-breaker: it keeps the load of attempts that are going to fail off an endpoint that is down, and the wait for them
/// off the customer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Breaker {
    failures: u32,
    /// It lets no attempt through before this.
    until: Option<Span>,
}

impl Breaker {
    pub(super) fn succeeded(&mut self) {
        *self = Breaker::default();
    }

    pub(super) fn failed(&mut self, now: Span) {
        self.failures = self.failures.saturating_add(1);
        if let Some(beyond) = self.failures.checked_sub(TRIPS) {
            self.until = Some(now + super::schedule::doubled(SPARED, beyond, SPARED_MOST));
        }
    }

    /// What somebody else says of an endpoint, within what is possible.
    pub(super) fn within(self, now: Span) -> Breaker {
        Breaker { until: self.until.map(|until| until.min(now + SPARED_MOST)), ..self }
    }

    /// Another network: what failed may work, but a single failure more and it is spared again.
    pub(super) fn forgiven(&mut self) {
        self.until = None;
    }

    /// When it lets an attempt through.
    pub(super) fn opens(&self, now: Span) -> Span {
        self.until.map_or(now, |until| until.max(now))
    }

    pub(super) fn lets_through(&self, now: Span) -> bool {
        self.until.is_none_or(|until| until <= now)
    }
}

/// The order in which the endpoints are tried in one round: by priority, at random by weight within one, regions in turn; those that
/// are spared come last, so that one is tried even if all are.
pub(super) fn order<'a>(
    endpoints: impl Iterator<Item = (&'a Endpoint, &'a Breaker)>,
    now: Span,
    chance: &mut Chance,
) -> Vec<usize> {
    let mut keyed: Vec<(bool, u16, u64, usize, Option<&str>)> = endpoints
        .enumerate()
        .map(|(index, (endpoint, breaker))| {
            // Efraimidis and Spirakis: to sort by u^(1/w), descending, is to draw without putting back, in proportion to w.
            let drawn = match endpoint.weight {
                0 => 1.0 + chance.share(),
                weight => 1.0 - chance.share().powf(1.0 / f64::from(weight)),
            };
            // None is negative, so that their bits are in the numbers' order.
            (!breaker.lets_through(now), endpoint.priority, drawn.to_bits(), index, endpoint.region.as_deref())
        })
        .collect();
    sort_short(&mut keyed, |key| (key.0, key.1, key.2));
    let mut order = Vec::with_capacity(keyed.len());
    let mut last: Option<&str> = None;
    while let Some(first) = keyed.first() {
        let (spared, priority) = (first.0, first.1);
        let other = |key: &(bool, u16, u64, usize, Option<&str>)| {
            (key.0, key.1) == (spared, priority) && (key.4.is_none() || key.4 != last)
        };
        let taken = keyed.remove(keyed.iter().position(other).unwrap_or(0));
        last = taken.4;
        order.push(taken.3);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str, priority: u16, weight: u16, region: Option<&str>) -> Endpoint {
        Endpoint { url: url.into(), priority, weight, region: region.map(str::to_owned) }
    }

    fn first_of(endpoints: &[Endpoint], breakers: &[Breaker], chance: &mut Chance) -> Vec<usize> {
        order(endpoints.iter().zip(breakers), Span::seconds(0), chance)
    }

    #[test]
    fn by_priority_then_in_proportion_to_weight() {
        let endpoints = [
            endpoint("b", 2, 9, None),
            endpoint("a1", 1, 3, None),
            endpoint("a2", 1, 1, None),
            endpoint("a3", 1, 0, None),
        ];
        let mut chance = Chance::new(1);
        let mut firsts = [0u32; 4];
        for _ in 0..4000 {
            let order = first_of(&endpoints, &[Breaker::default(); 4], &mut chance);
            assert_eq!(order[2..], [3, 0], "weight 0 last of its priority, then the next priority");
            firsts[order[0]] += 1;
        }
        assert!((2800..3200).contains(&firsts[1]), "{firsts:?}");
        assert_eq!(firsts[1] + firsts[2], 4000);
    }

    #[test]
    fn regions_in_turn() {
        let endpoints = [
            endpoint("e1", 1, 1, Some("eu")),
            endpoint("e2", 1, 1, Some("eu")),
            endpoint("u1", 1, 1, Some("us")),
            endpoint("u2", 1, 1, Some("us")),
        ];
        let mut chance = Chance::new(2);
        for _ in 0..500 {
            let order = first_of(&endpoints, &[Breaker::default(); 4], &mut chance);
            let regions: Vec<_> = order.iter().map(|at| endpoints[*at].region.as_deref()).collect();
            assert!(regions.windows(2).all(|pair| pair[0] != pair[1]), "{regions:?}");
        }
    }

    #[test]
    fn a_breaker_spares_for_longer_and_longer_and_forgives_at_once() {
        let mut breaker = Breaker::default();
        let at = Span::seconds;
        for _ in 0..TRIPS - 1 {
            breaker.failed(at(0));
            assert!(breaker.lets_through(at(0)));
        }
        breaker.failed(at(0));
        assert!(!breaker.lets_through(at(59)) && breaker.lets_through(at(60)));
        breaker.failed(at(60));
        assert!(!breaker.lets_through(at(179)) && breaker.lets_through(at(180)));
        for _ in 0..100 {
            breaker.failed(at(1000));
        }
        assert!(!breaker.lets_through(at(4599)) && breaker.lets_through(at(4600)));
        breaker.succeeded();
        assert!(breaker.lets_through(at(0)));
    }

    #[test]
    fn what_is_spared_comes_last_but_comes() {
        let endpoints = [endpoint("a", 1, 1, None), endpoint("b", 2, 1, None)];
        let mut down = Breaker::default();
        (0..TRIPS).for_each(|_| down.failed(Span::seconds(0)));
        let mut chance = Chance::new(3);
        assert_eq!(first_of(&endpoints, &[down, Breaker::default()], &mut chance), [1, 0]);
        assert_eq!(first_of(&endpoints, &[down, down], &mut chance), [0, 1]);
    }

    #[test]
    fn only_https_proves_who_answers() {
        assert!(is_authentic(&Endpoint::new("HTTPS://a.example/renew")));
        assert!(!is_authentic(&Endpoint::new("http://a.example/renew")));
        assert!(!is_authentic(&Endpoint::new("")));
    }
}
