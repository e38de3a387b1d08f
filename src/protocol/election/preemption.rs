//! When a master that is worse may be preempted (`preempt-delay`): a host that comes and goes takes the address back less and
//! less often. Takeovers from a master that is silent, left, or is demoted more do not wait.

use std::time::Duration;

use super::super::Time;

/// Each loss this soon after a preemption doubles the delay, up to ten minutes.
const SOON: Duration = Duration::from_secs(3600);
const LONGEST: Duration = Duration::from_secs(600);

/// Since when all is well, and what came of it before.
#[derive(Debug, Default)]
pub(super) struct Preemption {
    well: Time,
    /// Since when a worse master has been heard.
    worse: Option<Time>,
    last: Option<Time>,
    losses: u32,
}

impl Preemption {
    /// Nothing is wrong with us any more.
    pub(super) fn is_well(&mut self, now: Time) {
        (self.well, self.worse) = (now, None);
    }

    /// The master that is heard is worse than we are, or is not.
    pub(super) fn heard(&mut self, worse: bool, now: Time) {
        self.worse = worse.then(|| self.worse.unwrap_or(now));
    }

    /// When it may be preempted, if it is still heard then.
    pub(super) fn due(&self, delay: Duration) -> Option<Time> {
        self.worse.map(|worse| worse.max(self.well) + self.delay(delay))
    }

    /// It was.
    pub(super) fn preempted(&mut self, now: Time) {
        if self.last.is_some_and(|last| now.since(last) >= SOON) {
            self.losses = 0;
        }
        self.last = Some(now);
    }

    /// We are master no more.
    pub(super) fn lost(&mut self, now: Time) {
        self.worse = None;
        if self.last.is_some_and(|last| now.since(last) < SOON) {
            self.losses = self.losses.saturating_add(1);
        }
    }

    fn delay(&self, delay: Duration) -> Duration {
        let doubled = delay.saturating_mul(1u32.checked_shl(self.losses).unwrap_or(u32::MAX));
        doubled.min(LONGEST.max(delay))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_secs(30);

    fn at(seconds: u64) -> Time {
        Time::new(Duration::from_secs(seconds))
    }

    #[test]
    fn all_must_have_been_well_and_the_worse_one_heard() {
        let mut it = Preemption::default();
        it.is_well(at(100));
        assert_eq!(it.due(DELAY), None);
        it.heard(true, at(110));
        it.heard(true, at(120));
        assert_eq!((it.due(DELAY), it.due(Duration::ZERO)), (Some(at(140)), Some(at(110))));
        it.heard(false, at(130));
        it.heard(true, at(131));
        assert_eq!(it.due(DELAY), Some(at(161)));
        it.is_well(at(140));
        it.heard(true, at(141));
        assert_eq!(it.due(DELAY), Some(at(171)));
    }

    #[test]
    fn each_loss_within_an_hour_doubles_it_to_ten_minutes() {
        let mut it = Preemption::default();
        let mut delays = Vec::new();
        for n in 0..7 {
            let now = at(10_000 + n * 1_000);
            it.heard(true, now);
            delays.push(it.due(DELAY).unwrap().since(now).as_secs());
            it.preempted(now);
            it.lost(at(10_500 + n * 1_000));
        }
        assert_eq!(delays, [30, 60, 120, 240, 480, 600, 600]);
        it.heard(true, at(50_000));
        it.preempted(at(50_000));
        it.lost(at(50_000 + 3_600));
        it.heard(true, at(54_000));
        assert_eq!(it.due(DELAY), Some(at(54_030)));
        it.heard(true, at(54_000));
        it.preempted(at(54_030));
        it.lost(at(54_031));
        it.heard(true, at(54_032));
        assert_eq!(it.due(Duration::ZERO), Some(at(54_032)), "none is none");
        assert_eq!(it.due(Duration::from_secs(3600)), Some(at(54_032 + 3_600)), "a longer one stays");
    }
}
