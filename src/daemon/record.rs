//! The last facts that a virtual host was told, and how many there were: for whoever has to find out what went wrong.

use std::collections::VecDeque;
use std::net::IpAddr;

use super::place::Place;
use crate::protocol::{Event, Rejected, Time};

/// How many are kept.
const KEPT: usize = 16;

/// A fact, as far as it is kept.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Told {
    Event(Event),
    /// An advertisement, or why none could be made of what came.
    Frame(Result<Said, Rejected>),
    Place(Place),
    /// Other parameters, which hold a key and are not kept.
    Reconfigured,
}

/// What an advertisement said.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Said {
    pub(super) source: IpAddr,
    pub(super) base: u8,
    pub(super) skew: u8,
    pub(super) counter: u64,
}

#[derive(Default)]
pub(super) struct Record {
    last: VecDeque<(Time, Told)>,
    count: u64,
}

impl Record {
    /// Notes what is told. Deadlines that are looked at and the time of day are told all the time, and only counted.
    pub(super) fn note(&mut self, told: Told, now: Time) {
        self.count = self.count.saturating_add(1);
        if matches!(told, Told::Event(Event::Tick | Event::Wall(_))) {
            return;
        }
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back((now, told));
    }

    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// When something was noted last.
    pub(super) fn latest(&self) -> Option<Time> {
        self.last.back().map(|(at, _)| *at)
    }

    /// What was told, in order.
    pub(super) fn last(&self) -> impl Iterator<Item = &(Time, Told)> {
        self.last.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Link;

    #[test]
    fn the_last_ones_are_kept_and_all_are_counted() {
        let mut record = Record::default();
        let at = |ms: u64| Time::from_micros(ms * 1000);
        assert_eq!((record.count(), record.latest()), (0, None));
        for number in 0..40_u64 {
            record.note(Told::Event(Event::Lost(number)), at(number));
            record.note(Told::Event(Event::Tick), at(number));
        }
        record.note(Told::Event(Event::Link(Link::Up)), at(90));
        assert_eq!((record.count(), record.latest(), record.last().count()), (81, Some(at(90)), KEPT));
        assert_eq!(record.last().next(), Some(&(at(25), Told::Event(Event::Lost(25)))));
    }
}
