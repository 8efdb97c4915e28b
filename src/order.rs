//! Order in short lists, and in maps.

use std::collections::{BTreeMap, BTreeSet};

/// Sorts a list that is short, or nearly in order already: what is equal stays as it was. What the standard library sorts with is made
/// for long ones, and is 5 kB of code for each type.
pub(crate) fn sort_short<T, K: Ord>(list: &mut [T], key: impl Fn(&T) -> K) {
    sort_short_by(list, |one, other| key(one) < key(other));
}

/// [`sort_short`], by what says whether one goes before another.
pub(crate) fn sort_short_by<T>(list: &mut [T], before: impl Fn(&T, &T) -> bool) {
    for end in 1..list.len() {
        let mut at = end;
        while at > 0 && before(&list[at], &list[at - 1]) {
            list.swap(at, at - 1);
            at -= 1;
        }
    }
}

/// A map of these pairs, put into it one by one: `collect` sorts them first, with what is large. Of equal keys the last one counts.
pub(crate) fn map<K: Ord, V>(pairs: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    map.extend(pairs);
    map
}

/// [`map`], for a set.
pub(crate) fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    set.extend(items);
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_of_a_few_is_sorted_as_the_standard_library_does() {
        for code in 0..4_usize.pow(6) {
            let list: Vec<(usize, usize)> = (0..6).map(|at| (code / 4_usize.pow(at) % 4, at as usize)).collect();
            let (mut own, mut expected) = (list.clone(), list);
            sort_short(&mut own, |(key, _)| *key);
            expected.sort_by_key(|(key, _)| *key);
            assert_eq!(own, expected);
        }
        sort_short(&mut [0; 0], |n| *n);
    }
}
