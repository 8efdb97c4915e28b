//! A union of half-open intervals: what charges are (rule G8: no second is charged twice).

use serde::{Deserialize, Serialize};

use crate::time::{Instant, Span};

/// A union of intervals `[from, to)`: sorted, disjoint, none empty, none touching.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Intervals(Vec<(Instant, Instant)>);

impl Intervals {
    /// The union of `[from, to)` alone; empty if it does not end after it starts.
    pub fn of(from: Instant, to: Instant) -> Intervals {
        Intervals(if from < to { vec![(from, to)] } else { Vec::new() })
    }

    /// Its intervals, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Instant, Instant)> + '_ {
        self.0.iter().copied()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds `[from, to)`.
    pub fn insert(&mut self, from: Instant, to: Instant) {
        if from >= to {
            return;
        }
        let first = self.0.partition_point(|&(_, end)| end < from);
        let last = self.0.partition_point(|&(start, _)| start <= to);
        let (mut from, mut to) = (from, to);
        if first < last {
            from = from.min(self.0[first].0);
            to = to.max(self.0[last - 1].1);
        }
        self.0.splice(first..last, [(from, to)]);
    }

    /// Takes `[from, to)` out.
    pub fn remove(&mut self, from: Instant, to: Instant) {
        if from >= to {
            return;
        }
        self.0 = self
            .0
            .iter()
            .flat_map(|&(start, end)| [(start, end.min(from)), (start.max(to), end)])
            .filter(|(start, end)| start < end)
            .collect();
    }

    /// What of it lies in `[from, to)`.
    pub fn within(&self, from: Instant, to: Instant) -> Intervals {
        Intervals(self.0.iter().map(|&(s, e)| (s.max(from), e.min(to))).filter(|(s, e)| s < e).collect())
    }

    /// How long it is in all.
    pub fn total(&self) -> Span {
        self.0.iter().fold(Span::ZERO, |sum, &(start, end)| sum + (end - start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds(seconds)
    }

    #[test]
    fn touching_intervals_become_one() {
        let mut set = Intervals::default();
        set.insert(at(0), at(10));
        set.insert(at(20), at(30));
        set.insert(at(10), at(20));
        assert_eq!(set, Intervals::of(at(0), at(30)));
        set.remove(at(5), at(6));
        assert_eq!(set.iter().collect::<Vec<_>>(), [(at(0), at(5)), (at(6), at(30))]);
        assert_eq!(set.within(at(3), at(8)).total(), Span::seconds(4));
    }

    proptest! {
        // G8: charges are a union of intervals, held here against a set of seconds.
        #[test]
        fn g8_agrees_with_a_set_of_seconds(ops in prop::collection::vec((any::<bool>(), 0i64..60, 0i64..60), 0..40)) {
            let mut set = Intervals::default();
            let mut model = [false; 60];
            for (add, from, to) in ops {
                if add { set.insert(at(from), at(to)) } else { set.remove(at(from), at(to)) }
                for second in from..to.max(from) { model[second as usize] = add; }
            }
            prop_assert_eq!(set.total(), Span::seconds(model.iter().filter(|on| **on).count() as i64));
            let parts: Vec<_> = set.iter().collect();
            prop_assert!(parts.windows(2).all(|w| w[0].1 < w[1].0));
            prop_assert!(parts.iter().all(|(s, e)| s < e));
            for (s, e) in parts {
                for second in s.seconds()..e.seconds() { prop_assert!(model[second as usize]); }
            }
        }
    }
}
