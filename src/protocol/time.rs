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
}

impl Add<Duration> for Time {
    type Output = Self;

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
    fn adding_saturates_instead_of_wrapping() {
        assert_eq!(Time::new(Duration::MAX) + Duration::from_secs(1), Time::new(Duration::MAX));
    }
}
