//! When a capture that failed is opened anew: at once, then after 1 s doubling to 30 s, until one has lasted a minute.
//!
//! It is told what happened and asked what to do; it knows neither the capture nor the clock.

use std::time::Duration;

use crate::protocol::Time;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);
/// A capture that worked for so long failed for a reason of its own.
const LASTING: Duration = Duration::from_secs(60);

/// What is known of the captures of one interface.
#[derive(Debug, Default)]
pub(super) struct Reopening {
    due: Option<Time>,
    pause: Duration,
    opened: Option<Time>,
}

impl Reopening {
    /// When to open it anew, if there is none.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.due
    }

    /// A capture that had worked failed.
    pub(super) fn failed(&mut self, now: Time) {
        if self.opened.is_none_or(|opened| now.since(opened) >= LASTING) {
            self.pause = Duration::ZERO;
        }
        self.refused(now);
    }

    /// It could not be opened anew.
    pub(super) fn refused(&mut self, now: Time) {
        self.due = Some(now + self.pause);
        self.pause = (self.pause * 2).clamp(FIRST, LONGEST);
    }

    /// It could.
    pub(super) fn opened(&mut self, now: Time) {
        (self.due, self.opened) = (None, Some(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::new(Duration::from_secs(seconds))
    }

    #[test]
    fn at_once_then_ever_more_seldom() {
        let mut reopening = Reopening::default();
        assert_eq!(reopening.deadline(), None);
        reopening.failed(at(100));
        let mut pauses = Vec::new();
        let mut now = at(100);
        for _ in 0..8 {
            let due = reopening.deadline().unwrap();
            pauses.push(due.since(now).as_secs());
            now = due;
            reopening.refused(now);
        }
        assert_eq!(pauses, [0, 1, 2, 4, 8, 16, 30, 30]);
    }

    #[test]
    fn one_that_lasts_makes_it_patient_again() {
        let mut reopening = Reopening::default();
        for (failed, pause) in [(0, 0), (1, 1), (10, 2), (71, 4), (200, 0)] {
            reopening.failed(at(failed));
            assert_eq!(reopening.deadline(), Some(at(failed + pause)), "{failed}");
            reopening.opened(at(failed + pause));
            assert_eq!(reopening.deadline(), None);
        }
    }
}
