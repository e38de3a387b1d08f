//! Looking at addresses once for many changes: what comes one by one and quickly is looked at every few milliseconds.

use std::time::Duration;

use crate::protocol::Time;

/// A master that lost its address may not notice so long.
const BREATH: Duration = Duration::from_millis(5);

/// When was looked, and when is to be looked for what happened since.
#[derive(Debug, Default)]
pub(super) struct Breather {
    last: Option<Time>,
    due: Option<Time>,
}

impl Breather {
    /// Whether to look now, something having `happened` or not. The first time after a while that is at once.
    pub(super) fn looks(&mut self, happened: bool, now: Time) -> bool {
        if happened && self.due.is_none() {
            self.due = Some(self.last.map_or(now, |last| now.max(last + BREATH)));
        }
        let looks = self.due.is_some_and(|due| due <= now);
        if looks {
            (self.last, self.due) = (Some(now), None);
        }
        looks
    }

    /// When to look.
    pub(super) fn due(&self) -> Option<Time> {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time::from_micros(ms * 1000)
    }

    #[test]
    fn the_first_is_looked_at_at_once_and_the_last_is_not_forgotten() {
        let mut breather = Breather::default();
        assert!(!breather.looks(false, at(0)) && breather.looks(true, at(1)) && breather.due().is_none());
        let looked: Vec<u64> = (2..=13).filter(|ms| breather.looks(true, at(*ms))).collect();
        assert_eq!(looked, [6, 11]);
        assert_eq!(breather.due(), Some(at(16)));
        assert!(!breather.looks(false, at(15)) && breather.looks(false, at(16)) && breather.due().is_none());
        assert!(breather.looks(true, at(100)));
    }
}
