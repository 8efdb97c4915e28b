//! Order in short lists.

/// Sorts a list that is short, or nearly in order already: what is equal stays as it was. What the standard library sorts with is made
/// for long ones, and is 5 kB of code for each type.
pub(crate) fn sort_short<T, K: Ord>(list: &mut [T], key: impl Fn(&T) -> K) {
    for end in 1..list.len() {
        let mut at = end;
        while at > 0 && key(&list[at]) < key(&list[at - 1]) {
            list.swap(at, at - 1);
            at -= 1;
        }
    }
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
