//! The only notion of time inside the core: how long ago some arbitrary zero was.
//!
//! The daemon decides what the zero is (it reads the system's suspended-time-counting clock); the core
//! never asks. Everything is exact to the microsecond, the unit in which CARP intervals are computed.

use std::ops::Add;
use std::time::Duration;

/// A moment, as the duration since a zero that never changes while the program runs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time(Duration);

impl Time {
    /// The zero itself.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// The moment `since_zero` after the zero.
    #[must_use]
    pub const fn new(since_zero: Duration) -> Self {
        Self(since_zero)
    }

    /// The moment `micros` microseconds after the zero.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(Duration::from_micros(micros))
    }

    /// Distance from the zero.
    #[must_use]
    pub const fn since_zero(self) -> Duration {
        self.0
    }

    /// How long before this moment `earlier` was; zero if it was not.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// Whether `last` was never or so long before this moment; then it is this moment from now on.
    pub fn repeats(self, last: &mut Option<Self>, every: Duration) -> bool {
        let due = last.is_none_or(|last| self.since(last) >= every);
        if due {
            *last = Some(self);
        }
        due
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    // It is written in a hundred places.
    #[inline(never)]
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_never_goes_below_zero() {
        let (early, late) = (Time::from_micros(5), Time::from_micros(9));
        assert_eq!(late.since(early), Duration::from_micros(4));
        assert_eq!(early.since(late), Duration::ZERO);
    }

    #[test]
    fn what_repeats_counts_from_when_it_was_due() {
        let mut last = None;
        let due =
            [5, 14, 15, 20, 25].map(|at| Time::from_micros(at).repeats(&mut last, Duration::from_micros(10)));
        assert_eq!(due, [true, false, true, false, true]);
        assert_eq!(last, Some(Time::from_micros(25)));
    }

    #[test]
    fn adding_saturates_instead_of_wrapping() {
        assert_eq!(Time::new(Duration::MAX) + Duration::from_secs(1), Time::new(Duration::MAX));
    }
}
