//! Sorting, compiled once: for each type that is sorted with it, the standard library's sort is several kilobytes of program.

use std::cmp::Ordering;

/// Sorts by a comparison. What is equal stays in its order.
pub(crate) fn sort_by<T>(all: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    if all.len() < 2 {
        return;
    }
    let mut from: Vec<usize> = (0..all.len()).collect();
    order(&mut from, &|one, other| compare(&all[one], &all[other]));
    for first in 0..all.len() {
        let mut to = first;
        while from[to] != first {
            let next = std::mem::replace(&mut from[to], to);
            all.swap(to, next);
            to = next;
        }
        from[to] = to;
    }
}

fn order(places: &mut [usize], compare: &dyn Fn(usize, usize) -> Ordering) {
    places.sort_by(|one, other| compare(*one, *other));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_sort_of_the_standard_library() {
        let mut state = 1_u32;
        for length in 0..200 {
            let mut all: Vec<(u32, usize)> = (0..length)
                .map(|place| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 27, place)
                })
                .collect();
            let mut sorted = all.clone();
            sorted.sort_by_key(|(key, _)| *key);
            sort_by(&mut all, |one, other| one.0.cmp(&other.0));
            assert_eq!(all, sorted);
        }
    }
}
