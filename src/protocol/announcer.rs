//! When to tell the segment where the addresses are: only as master, only once they are there.
//!
//! Occasions (register, rows 17 and 23): the up hook ended (or has run for five seconds; what ran before it, a slow
//! down hook, is waited for), the second
//! advertisement, a conflict won (now, a moment later, and one interval after the last foreign advertisement), a
//! link that came back, and every refresh. Limits bring occasions together; they never drop the last one.

use std::time::Duration;

use super::{Announcing, Time};

/// A hook that runs longer than this is not waited for.
const HOOK_PATIENCE: Duration = Duration::from_secs(5);
/// At most one announcement at once for conflicts in this time; the one at the end is always made.
const CONFLICT_LIMIT: Duration = Duration::from_secs(1);
/// Who gives way may have announced itself after us, because it had not heard of us yet: twice as long as any frame takes.
const LAST_WORD: Duration = Duration::from_millis(20);

/// The machine.
#[derive(Debug)]
pub(super) struct Announcer {
    announcing: Announcing,
    /// The up hook runs, and since when announcing does not wait for it any more.
    at_latest: Option<Time>,
    ready: bool,
    hushed: bool,
    with_next_advert: bool,
    burst: Option<(Time, u8)>,
    last_word: Option<Time>,
    after_conflict: Option<Time>,
    defended: Option<Time>,
    refresh: Option<Time>,
}

impl Announcer {
    pub(super) fn new(announcing: Announcing) -> Self {
        Self {
            announcing,
            at_latest: None,
            ready: false,
            hushed: false,
            with_next_advert: false,
            burst: None,
            last_word: None,
            after_conflict: None,
            defended: None,
            refresh: None,
        }
    }

    /// The next announcements are made so; a refresh counts from now.
    pub(super) fn reconfigure(&mut self, announcing: Announcing, now: Time) {
        if self.announcing.refresh != announcing.refresh && self.ready {
            self.refresh = (!announcing.refresh.is_zero()).then(|| now + announcing.refresh);
        }
        self.announcing = announcing;
    }

    /// We became master.
    pub(super) fn begin(&mut self) {
        *self = Self::new(self.announcing);
    }

    /// The up hook was started.
    pub(super) fn hook_started(&mut self, now: Time) {
        if !self.ready {
            self.at_latest = Some(now + HOOK_PATIENCE);
        }
    }

    /// We are master no more.
    pub(super) fn end(&mut self) {
        *self = Self::new(self.announcing);
    }

    /// The addresses are there.
    pub(super) fn addresses_ready(&mut self, now: Time) {
        self.ready = true;
        self.at_latest = None;
        self.with_next_advert = true;
        self.occasion(now);
    }

    /// A scheduled advertisement was sent.
    pub(super) fn advertised(&mut self, now: Time) {
        if self.ready && std::mem::take(&mut self.with_next_advert) {
            self.occasion(now);
        }
    }

    /// Another master was heard and gives way to us; `interval` is how long it may take to show again.
    pub(super) fn conflict_won(&mut self, interval: Duration, now: Time) {
        if !self.ready {
            self.last_word = Some(now + LAST_WORD);
            return;
        }
        self.after_conflict = Some(now + interval);
        if now.repeats(&mut self.defended, CONFLICT_LIMIT) {
            self.last_word = Some(now + LAST_WORD);
            self.occasion(now);
        }
    }

    /// The link is gone: keep silent.
    pub(super) fn hush(&mut self) {
        self.hushed = true;
        self.burst = None;
    }

    /// The link is back.
    pub(super) fn speak(&mut self, now: Time) {
        self.hushed = false;
        if self.ready {
            self.occasion(now);
        }
    }

    /// The hardware address that answers for the addresses is another one, or they had been gone.
    pub(super) fn moved(&mut self, now: Time) {
        if self.ready && !self.hushed {
            self.occasion(now);
        }
    }

    /// Whether an announcement is due now. To be asked until it says no.
    pub(super) fn due(&mut self, now: Time) -> bool {
        if self.at_latest.is_some_and(|latest| latest <= now) {
            self.addresses_ready(now);
        }
        if self.hushed {
            return false;
        }
        // Addresses that are not there yet are announced when they are.
        if self.last_word.take_if(|last| *last <= now).is_some() && self.ready {
            self.occasion(now);
        }
        if self.after_conflict.take_if(|after| *after <= now).is_some() {
            self.occasion(now);
        }
        if self.refresh.is_some_and(|refresh| refresh <= now) {
            self.occasion(now);
        }
        let Some((next, left)) = self.burst.filter(|(next, _)| *next <= now) else { return false };
        self.burst = (left > 1).then(|| (next + self.announcing.interval, left - 1));
        true
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        let burst = self.burst.map(|(next, _)| next);
        let speaking = [burst, self.last_word, self.after_conflict, self.refresh].into_iter().flatten().min();
        [self.at_latest, speaking.filter(|_| !self.hushed)].into_iter().flatten().min()
    }

    fn occasion(&mut self, now: Time) {
        self.burst = Some((now, self.announcing.count.max(1)));
        self.refresh = (!self.announcing.refresh.is_zero()).then(|| now + self.announcing.refresh);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Time {
        Time::from_micros(ms * 1000)
    }

    fn announcer(announcing: Announcing) -> Announcer {
        let mut announcer = Announcer::new(announcing);
        announcer.begin();
        announcer.hook_started(ms(0));
        announcer
    }

    fn times(announcer: &mut Announcer, until: u64) -> Vec<u64> {
        let mut out = Vec::new();
        while let Some(next) = announcer.deadline().filter(|next| *next <= ms(until)) {
            while announcer.due(next) {
                out.push(u64::try_from(next.since_zero().as_millis()).unwrap());
            }
        }
        out
    }

    #[test]
    fn after_the_hook_and_with_the_next_advertisement() {
        let mut announcer = announcer(Announcing::default());
        announcer.advertised(ms(0));
        announcer.addresses_ready(ms(30));
        assert_eq!(times(&mut announcer, 900), [30]);
        announcer.advertised(ms(1000));
        announcer.advertised(ms(2000));
        assert_eq!(times(&mut announcer, 9000), [1000]);
    }

    #[test]
    fn a_slow_hook_is_waited_for_five_seconds_and_then_announced_again() {
        let mut announcer = announcer(Announcing::default());
        assert_eq!(times(&mut announcer, 6000), [5000]);
        announcer.addresses_ready(ms(8000));
        assert_eq!(times(&mut announcer, 9000), [8000]);
    }

    #[test]
    fn conflicts_now_a_moment_later_and_one_interval_after_the_last() {
        let mut announcer = announcer(Announcing::default());
        announcer.addresses_ready(ms(0));
        assert_eq!(times(&mut announcer, 0), [0]);
        for at in [2000, 2010, 2020, 2500] {
            announcer.conflict_won(Duration::from_secs(1), ms(at));
        }
        assert_eq!(times(&mut announcer, 9000), [2000, 2020, 3500]);
    }

    #[test]
    fn a_conflict_before_the_addresses_are_there_has_a_last_word_too() {
        for (ready, announced) in [(5, &[5, 20][..]), (30, &[30])] {
            let mut announcer = announcer(Announcing::default());
            announcer.conflict_won(Duration::from_secs(1), ms(0));
            assert!(times(&mut announcer, ready - 1).is_empty());
            announcer.addresses_ready(ms(ready));
            assert_eq!(times(&mut announcer, 9000), announced);
        }
    }

    #[test]
    fn silence_while_the_link_is_gone() {
        let mut announcer =
            announcer(Announcing { refresh: Duration::from_secs(1), ..Announcing::default() });
        announcer.addresses_ready(ms(0));
        assert_eq!(times(&mut announcer, 500), [0]);
        announcer.hush();
        assert_eq!(announcer.deadline(), None);
        announcer.speak(ms(5000));
        assert_eq!(times(&mut announcer, 6500), [5000, 6000]);
    }

    #[test]
    fn bursts_and_no_longer_master() {
        let announcing = Announcing { count: 3, ..Announcing::default() };
        let mut announcer = announcer(announcing);
        announcer.addresses_ready(ms(10));
        assert_eq!(times(&mut announcer, 300), [10, 210]);
        announcer.end();
        assert_eq!(announcer.deadline(), None);
        assert!(!announcer.due(ms(9000)));
    }
}
