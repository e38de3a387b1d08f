//! By how much a host is demoted, by what, and until when (register, row 11; section "up hook fails").
//!
//! Each reason remembers its own share and takes back exactly that; what comes from outside is one of them.

use std::time::Duration;

use super::fitness::sum;
use super::{Demotion, Fitness, Time};

/// Advertisements in a row that must fail, or succeed, to begin or to end a demotion (FACTS 7).
const IN_A_ROW: u8 = 3;
/// How long a demotion is kept in Backup, and only silence makes a host master after a failed hook: at first, and at
/// most.
const PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// After this long without a failed hook the pause is short again.
const PEACE: Duration = Duration::from_secs(3600);

/// What a fact changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Change {
    Began(Demotion),
    Ended(Demotion),
}

/// All reasons together.
#[derive(Debug)]
pub(super) struct Demotions {
    failures: u8,
    successes: u8,
    sending: bool,
    /// When a demotion for failed sending ends by itself: only in Backup, where nothing is sent that could show it.
    sending_ends: Option<Time>,
    sending_pause: Duration,
    hook: bool,
    hook_pause: Duration,
    hook_failed: Option<Time>,
    outside: Fitness,
}

impl Default for Demotions {
    fn default() -> Self {
        Self {
            failures: 0,
            successes: 0,
            sending: false,
            sending_ends: None,
            sending_pause: PAUSE,
            hook: false,
            hook_pause: PAUSE,
            hook_failed: None,
            outside: Fitness::default(),
        }
    }
}

impl Demotions {
    /// What the core sees itself.
    pub(super) fn own(&self) -> impl Iterator<Item = Demotion> + use<> {
        let own = [(self.sending, Demotion::SendFailures), (self.hook, Demotion::HookFailure)];
        own.into_iter().filter_map(|(active, reason)| active.then_some(reason))
    }

    /// All together, 0..=254.
    pub(super) fn sum(&self) -> u8 {
        sum(self.own().map(|_| Demotion::AMOUNT).chain([self.outside.demotion]))
    }

    /// No mastership, whoever else is there.
    pub(super) fn releases(&self) -> bool {
        self.outside.released
    }

    /// What comes from outside is this from now on.
    pub(super) fn told(&mut self, outside: Fitness) {
        self.outside = outside;
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.sending_ends
    }

    /// An advertisement was sent, or could not be.
    pub(super) fn sent(&mut self, ok: bool) -> Option<Change> {
        if ok {
            self.failures = 0;
            self.successes = self.successes.saturating_add(1);
            if self.sending && self.successes >= IN_A_ROW {
                self.sending_pause = PAUSE;
                return self.sending_ended();
            }
        } else {
            self.successes = 0;
            self.failures = self.failures.saturating_add(1);
            if !self.sending && self.failures >= IN_A_ROW {
                self.sending = true;
                return Some(Change::Began(Demotion::SendFailures));
            }
        }
        None
    }

    /// The host is a backup from now on.
    pub(super) fn entered_backup(&mut self, now: Time) {
        (self.failures, self.successes) = (0, 0);
        if self.sending {
            self.sending_ends = Some(now + self.sending_pause);
            self.sending_pause = (self.sending_pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The host is no backup any more.
    pub(super) fn left_backup(&mut self) {
        self.sending_ends = None;
    }

    /// The link came up: whatever failed before says nothing about now.
    pub(super) fn link_up(&mut self) -> Option<Change> {
        (self.failures, self.successes) = (0, 0);
        self.sending_ended()
    }

    pub(super) fn expire(&mut self, now: Time) -> Option<Change> {
        if self.sending_ends.is_some_and(|ends| ends <= now) { self.sending_ended() } else { None }
    }

    /// The up hook failed: for how long only silence makes this host master again.
    pub(super) fn hook_failed(&mut self, now: Time) -> Duration {
        if self.hook_failed.is_none_or(|failed| now.since(failed) > PEACE) {
            self.hook_pause = PAUSE;
        }
        self.hook = true;
        self.hook_failed = Some(now);
        let pause = self.hook_pause;
        self.hook_pause = (self.hook_pause * 2).min(LONGEST_PAUSE);
        pause
    }

    /// The up hook worked.
    pub(super) fn hook_succeeded(&mut self) -> Option<Change> {
        let was = std::mem::replace(&mut self.hook, false);
        was.then_some(Change::Ended(Demotion::HookFailure))
    }

    fn sending_ended(&mut self) -> Option<Change> {
        self.sending_ends = None;
        let was = std::mem::replace(&mut self.sending, false);
        was.then_some(Change::Ended(Demotion::SendFailures))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::new(Duration::from_secs(seconds))
    }

    fn fail_three(demotions: &mut Demotions) {
        assert_eq!([(); 2].map(|()| demotions.sent(false)), [None; 2]);
        assert_eq!(demotions.sent(false), Some(Change::Began(Demotion::SendFailures)));
    }

    #[test]
    fn three_in_a_row_begin_and_three_in_a_row_end() {
        let mut demotions = Demotions::default();
        assert_eq!([false, false, true, false, false].map(|ok| demotions.sent(ok)), [None; 5]);
        assert_eq!(demotions.sent(false), Some(Change::Began(Demotion::SendFailures)));
        assert_eq!(demotions.sum(), 240);
        assert_eq!([true, true, false, true, true].map(|ok| demotions.sent(ok)), [None; 5]);
        assert_eq!(demotions.sent(true), Some(Change::Ended(Demotion::SendFailures)));
        assert_eq!(demotions.sum(), 0);
    }

    #[test]
    fn in_backup_it_ends_after_a_pause_that_doubles() {
        let mut demotions = Demotions::default();
        for pause in [30, 60, 120, 240, 480, 600, 600] {
            fail_three(&mut demotions);
            demotions.entered_backup(at(1000));
            assert_eq!(demotions.deadline(), Some(at(1000 + pause)));
            assert_eq!(demotions.expire(at(999 + pause)), None);
            assert_eq!(demotions.expire(at(1000 + pause)), Some(Change::Ended(Demotion::SendFailures)));
            demotions.left_backup();
        }
    }

    #[test]
    fn a_link_that_came_up_ends_it() {
        let mut demotions = Demotions::default();
        fail_three(&mut demotions);
        assert_eq!(demotions.link_up(), Some(Change::Ended(Demotion::SendFailures)));
        assert_eq!(demotions.link_up(), None);
    }

    #[test]
    fn failed_hooks_double_until_an_hour_of_peace() {
        let mut demotions = Demotions::default();
        let pauses = [0, 100, 200, 300, 400, 500, 600].map(|s| demotions.hook_failed(at(s)).as_secs());
        assert_eq!(pauses, [30, 60, 120, 240, 480, 600, 600]);
        assert_eq!(demotions.hook_failed(at(600 + 3601)).as_secs(), 30);
        assert_eq!(demotions.hook_succeeded(), Some(Change::Ended(Demotion::HookFailure)));
        assert_eq!(demotions.hook_succeeded(), None);
    }

    #[test]
    fn amounts_add_up_to_254() {
        let mut demotions = Demotions::default();
        demotions.told(Fitness { demotion: 10, released: false });
        assert_eq!((demotions.sum(), demotions.releases(), demotions.own().count()), (10, false, 0));
        fail_three(&mut demotions);
        assert_eq!(demotions.sum(), 250);
        demotions.hook_failed(at(1));
        assert_eq!((demotions.sum(), demotions.own().count()), (254, 2));
        demotions.link_up();
        demotions.told(Fitness { demotion: 254, released: true });
        assert_eq!((demotions.sum(), demotions.releases()), (254, true));
        demotions.told(Fitness::default());
        assert_eq!(demotions.sum(), 240);
    }
}
