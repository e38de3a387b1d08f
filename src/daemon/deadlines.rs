//! Who has something to do next, and when: the first of many in logarithmic time.

use std::collections::{BTreeMap, BTreeSet};

use crate::protocol::Time;

/// The deadlines of whatever is known by numbers.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    order: BTreeSet<(Time, usize)>,
    of: BTreeMap<usize, Time>,
}

impl Deadlines {
    /// Nobody has anything to do.
    pub(super) const EMPTY: Self = Self { order: BTreeSet::new(), of: BTreeMap::new() };

    /// This one's deadline is another now, or there is none.
    pub(super) fn set(&mut self, whose: usize, deadline: Option<Time>) {
        let before = match deadline {
            Some(deadline) => self.of.insert(whose, deadline),
            None => self.of.remove(&whose),
        };
        if before == deadline {
            return;
        }
        if let Some(before) = before {
            self.order.remove(&(before, whose));
        }
        self.order.extend(deadline.map(|deadline| (deadline, whose)));
    }

    /// The first of all.
    pub(super) fn first(&self) -> Option<Time> {
        self.order.first().map(|(deadline, _)| *deadline)
    }

    /// Whose deadline is not after `by`, the earliest first.
    pub(super) fn due(&self, by: Time) -> Vec<usize> {
        self.order.range(..=(by, usize::MAX)).map(|(_, whose)| *whose).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time::from_micros(ms * 1000)
    }

    #[test]
    fn the_earliest_first_and_each_once() {
        let mut deadlines = Deadlines::default();
        assert_eq!((deadlines.first(), deadlines.due(at(9))), (None, vec![]));
        for (whose, ms) in [(1, 5), (2, 3), (3, 5), (2, 7), (0, 3)] {
            deadlines.set(whose, Some(at(ms)));
        }
        assert_eq!((deadlines.first(), deadlines.due(at(2))), (Some(at(3)), vec![]));
        assert_eq!(deadlines.due(at(5)), [0, 1, 3]);
        assert_eq!(deadlines.due(at(7)), [0, 1, 3, 2]);
        deadlines.set(0, None);
        deadlines.set(0, None);
        assert_eq!((deadlines.first(), deadlines.due(at(5))), (Some(at(5)), vec![1, 3]));
        assert_eq!(deadlines.order.len(), deadlines.of.len());
    }
}
