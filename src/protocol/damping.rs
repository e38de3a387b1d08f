//! A role that changes again and again: whoever recorded advertisements can make it, and so can a bad network.
//!
//! Beyond so many changes in a short time a host waits before it takes over from a master that left or is slower, each
//! time longer; only silence it need not wait for. After a minute without a change all is forgotten.

use std::time::Duration;

use super::{Role, Time};

/// More changes than this, in this time, are too many.
const MOST: usize = 6;
const WINDOW: Duration = Duration::from_secs(10);
/// How long a role then lasts at first, and at most.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// After this long without a change it may change as it likes.
const REST: Duration = Duration::from_secs(60);

/// The changes of one role.
#[derive(Debug, Default)]
pub(super) struct Damping {
    /// The last changes, the oldest at `next`.
    changes: [Option<Time>; MOST],
    next: usize,
    last: Time,
    /// How long the role lasts; zero: as long as it likes.
    pause: Duration,
}

impl Damping {
    /// The role changed. Whether that was once too often.
    pub(super) fn changed(&mut self, to: Role, now: Time) -> bool {
        let oldest = self.changes.get_mut(self.next).and_then(|oldest| oldest.replace(now));
        self.next = (self.next + 1) % MOST;
        self.last = now;
        if !self.pause.is_zero() {
            if to == Role::Master {
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            }
            return false;
        }
        let too_often = oldest.is_some_and(|oldest| now.since(oldest) < WINDOW);
        if too_often {
            self.pause = PAUSE;
        }
        too_often
    }

    /// Until when the role is to last, if it is.
    pub(super) fn lasts_until(&self, now: Time) -> Option<Time> {
        Some(self.last + self.pause).filter(|until| !self.pause.is_zero() && *until > now)
    }

    /// When all is forgotten, if there is anything to forget.
    pub(super) fn deadline(&self) -> Option<Time> {
        (!self.pause.is_zero()).then(|| self.last + REST)
    }

    /// Forgets if it is time to. Whether it was.
    pub(super) fn expire(&mut self, now: Time) -> bool {
        let over = self.deadline().is_some_and(|deadline| deadline <= now);
        if over {
            *self = Self::default();
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Time {
        Time::from_micros(ms * 1000)
    }

    /// So many changes, this many milliseconds apart, that end at `end`.
    fn changed(damping: &mut Damping, count: u64, apart: u64, end: u64) -> bool {
        let roles = [Role::Backup, Role::Master];
        let role = |n| if n % 2 == 0 { roles[0] } else { roles[1] };
        let said = (0..count).rev().map(|n| damping.changed(role(n), ms(end - n * apart)));
        said.filter(|too_often| *too_often).count() > 0
    }

    #[test]
    fn six_changes_in_ten_seconds_may_be() {
        let mut damping = Damping::default();
        assert!(!changed(&mut damping, 6, 10, 1_000));
        assert_eq!((damping.lasts_until(ms(1_000)), damping.deadline()), (None, None));
        assert!(!changed(&mut Damping::default(), 100, 1_667, 1_000_000));
        assert!(changed(&mut Damping::default(), 100, 1_666, 1_000_000));
    }

    #[test]
    fn the_seventh_begins_and_each_takeover_doubles() {
        let mut damping = Damping::default();
        assert!(changed(&mut damping, 7, 10, 1_000));
        for pause in [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000] {
            assert_eq!(damping.lasts_until(ms(1_000)), Some(ms(1_000 + pause)));
            assert_eq!(damping.lasts_until(ms(1_000 + pause)), None);
            assert!(!damping.changed(Role::Master, ms(1_000)), "said once");
            assert!(!damping.changed(Role::Backup, ms(1_000)), "giving way costs nothing");
        }
    }

    #[test]
    fn a_minute_of_rest_ends_it() {
        let mut damping = Damping::default();
        changed(&mut damping, 8, 10, 1_000);
        assert!(!damping.expire(ms(60_999)));
        assert_eq!(damping.deadline(), Some(ms(61_000)));
        assert!(damping.expire(ms(61_000)) && !damping.expire(ms(61_000)));
        assert!(!changed(&mut damping, 6, 10, 61_500));
    }
}
