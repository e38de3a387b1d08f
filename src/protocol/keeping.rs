//! Managed addresses: on the interface while master, off it otherwise, whatever somebody else does about them.
//!
//! There is one errand at a time, and the latest wish wins. What could not be done is tried again, after 1 s, doubling to
//! 60 s, for as long as it is wanted: an address that should not be here may be on two hosts, and one that should be here on
//! none. What somebody undoes is done again at once, and then as seldom as what fails, because whoever did that may go on
//! doing so. Three times in ten seconds is more than a master can live with, if there is anybody else.
//!
//! Unlike a hook an errand takes no time, so nobody thinks twice about it, and nothing waits for its end but the hook that
//! comes after it.

use std::time::Duration;

use super::{Action, Hooks, Shift, Time};

/// Between two tries: at first, and at most.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Nobody can hold what is taken away so often in this time.
const OFTEN: usize = 3;
const WITHIN: Duration = Duration::from_secs(10);

/// The machine.
#[derive(Debug)]
pub(super) struct Keeping {
    manages: bool,
    /// What the role wants. Nothing before the start.
    wanted: Option<Shift>,
    /// It has been asked for and not been answered yet.
    asked: Option<Shift>,
    /// This was done, and nobody has undone it as far as is known.
    done: Option<Shift>,
    not_before: Time,
    pause: Duration,
    /// The last errand that was answered failed.
    failed: bool,
    /// When something was last undone, and before.
    undone: [Option<Time>; OFTEN],
    /// Addresses that are there are there because of us.
    brought: bool,
    /// The link was away, which takes some addresses along.
    link_was_away: bool,
    /// The daemon ends: what fails now is not tried again.
    last_chance: bool,
    /// Nothing is asked for any more.
    closed: bool,
}

/// How an errand ended that was wanted until then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Outcome {
    /// It is tried again after this time.
    pub(super) again: Option<Duration>,
    /// It was about addresses that we had not brought.
    pub(super) strange: bool,
    /// It is what the role wants.
    pub(super) counts: bool,
}

impl Keeping {
    pub(super) fn new(hooks: Hooks) -> Self {
        Self {
            manages: hooks.manages,
            wanted: None,
            asked: None,
            done: None,
            not_before: Time::ZERO,
            pause: Duration::ZERO,
            failed: false,
            undone: [None; OFTEN],
            brought: false,
            link_was_away: false,
            last_chance: false,
            closed: false,
        }
    }

    pub(super) fn manages(&self) -> bool {
        self.manages
    }

    /// The addresses are managed from now on, or no more. What is there is left as it is where the role wants it there.
    pub(super) fn reconfigure(&mut self, hooks: Hooks, now: Time) {
        if std::mem::replace(&mut self.manages, hooks.manages) != hooks.manages {
            self.asked = None;
            self.renew(now);
        }
    }

    /// They are others from now on.
    pub(super) fn renew(&mut self, now: Time) {
        self.done = None;
        self.not_before = now;
    }

    /// What the role wants from now on.
    pub(super) fn want(&mut self, shift: Shift, now: Time) {
        self.wanted = Some(shift);
        (self.not_before, self.pause, self.failed) = (now, Duration::ZERO, false);
        self.undone = [None; OFTEN];
    }

    /// Whoever was here before had this role, and may have brought the addresses.
    pub(super) fn resume(&mut self, shift: Shift, now: Time) {
        self.want(shift, now);
        self.brought = shift == Shift::Assign;
    }

    /// Asks for what is wanted if nothing is in the way.
    pub(super) fn settle(&mut self, now: Time, out: &mut Vec<Action>) {
        let Some(shift) = self.due().filter(|_| now >= self.not_before) else { return };
        self.asked = Some(shift);
        out.push(Action::Shift(shift));
    }

    /// An errand was done, or could not be.
    pub(super) fn shifted(&mut self, shift: Shift, ok: bool, now: Time) -> Option<Outcome> {
        self.asked.take_if(|asked| *asked == shift)?;
        let strange = !self.brought;
        self.brought = shift == Shift::Assign || self.brought && !ok;
        let counts = self.wanted == Some(shift);
        self.done = counts.then_some(shift).filter(|_| ok);
        self.failed = !ok;
        let mut again = None;
        if counts && !ok {
            if self.last_chance {
                self.closed = true;
            } else {
                again = Some(self.put_off(PAUSE, now));
            }
        }
        Some(Outcome { again, strange, counts })
    }

    /// While the link is away: what goes with it was not taken by anybody.
    pub(super) fn note_link(&mut self, is_away: bool) {
        self.link_was_away = is_away;
    }

    /// What was done has been undone. In what time it is done again, and whether that is too often.
    pub(super) fn undone(&mut self, now: Time) -> (Duration, bool) {
        self.done = None;
        if std::mem::take(&mut self.link_was_away) {
            self.not_before = now;
            return (Duration::ZERO, false);
        }
        if self.undone[0].is_some_and(|last| now.since(last) > 2 * LONGEST_PAUSE) {
            self.pause = Duration::ZERO;
        }
        self.undone.rotate_right(1);
        self.undone[0] = Some(now);
        let often = self.undone[OFTEN - 1].is_some_and(|first| now.since(first) <= WITHIN);
        (self.put_off(Duration::ZERO, now), often)
    }

    fn put_off(&mut self, at_least: Duration, now: Time) -> Duration {
        let pause = self.pause.max(at_least);
        self.not_before = now + pause;
        self.pause = (pause * 2).clamp(PAUSE, LONGEST_PAUSE);
        pause
    }

    /// The daemon ends: what is owed is done now, and what fails is not tried again.
    pub(super) fn hurry(&mut self, now: Time) {
        self.last_chance = true;
        self.not_before = self.not_before.min(now);
    }

    /// Nothing is asked for from now on, and no answer waited for.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.asked = None;
    }

    /// What has been asked for and not been answered.
    pub(super) fn asked(&self) -> Option<Shift> {
        self.asked
    }

    /// This is wanted, was done, and has not been undone.
    pub(super) fn has_done(&self, shift: Shift) -> bool {
        self.manages && self.wanted == Some(shift) && self.done == Some(shift) && self.asked.is_none()
    }

    pub(super) fn idle(&self) -> bool {
        self.asked.is_none() && self.due().is_none()
    }

    /// What could not be done, and when it is tried again.
    pub(super) fn owed(&self) -> Option<(Shift, Time)> {
        self.due().filter(|_| self.failed).map(|shift| (shift, self.not_before))
    }

    /// What could not be done when it was last tried.
    pub(super) fn owed_before(&self) -> Option<Shift> {
        self.asked.filter(|_| self.failed)
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.due().map(|_| self.not_before)
    }

    /// What to ask for next, if nothing has been.
    fn due(&self) -> Option<Shift> {
        let wanted = self.wanted.filter(|_| self.manages && self.asked.is_none() && !self.closed)?;
        (self.done != Some(wanted)).then_some(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time::from_micros(ms * 1000)
    }

    fn keeping() -> Keeping {
        Keeping::new(Hooks { manages: true, ..Hooks::default() })
    }

    fn asks(keeping: &mut Keeping, now: Time) -> Option<Shift> {
        let mut out = Vec::new();
        keeping.settle(now, &mut out);
        assert!(out.len() <= 1);
        out.first().map(|action| match action {
            Action::Shift(shift) => *shift,
            other => panic!("{other:?}"),
        })
    }

    /// A master that has its addresses since the beginning of time.
    fn master() -> Keeping {
        let mut keeping = keeping();
        keeping.want(Shift::Assign, at(0));
        assert_eq!(asks(&mut keeping, at(0)), Some(Shift::Assign));
        keeping.shifted(Shift::Assign, true, at(0)).unwrap();
        assert!(keeping.has_done(Shift::Assign) && keeping.idle());
        keeping
    }

    #[test]
    fn one_errand_at_a_time_and_the_latest_wish_wins() {
        let mut keeping = keeping();
        assert_eq!(asks(&mut keeping, at(0)), None, "nothing before the start");
        keeping.want(Shift::Withdraw, at(0));
        assert_eq!(asks(&mut keeping, at(0)), Some(Shift::Withdraw));
        keeping.want(Shift::Assign, at(1));
        assert_eq!((asks(&mut keeping, at(1)), keeping.deadline()), (None, None));
        assert_eq!(keeping.shifted(Shift::Assign, true, at(2)), None, "nobody asked for that");
        let outcome = keeping.shifted(Shift::Withdraw, true, at(2)).unwrap();
        assert!(outcome.strange && !outcome.counts);
        assert_eq!(asks(&mut keeping, at(2)), Some(Shift::Assign));
        keeping.want(Shift::Withdraw, at(3));
        keeping.want(Shift::Assign, at(4));
        assert!(keeping.shifted(Shift::Assign, true, at(5)).unwrap().counts);
        assert!(keeping.idle() && keeping.deadline().is_none());
    }

    #[test]
    fn what_fails_is_tried_again_more_and_more_seldom_and_a_new_wish_at_once() {
        let mut keeping = keeping();
        keeping.want(Shift::Withdraw, at(0));
        let mut now = at(0);
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(asks(&mut keeping, now), Some(Shift::Withdraw));
            let outcome = keeping.shifted(Shift::Withdraw, false, now).unwrap();
            assert_eq!(outcome.again, Some(Duration::from_secs(pause)));
            now = now + Duration::from_secs(pause);
            assert_eq!(keeping.owed(), Some((Shift::Withdraw, now)));
            assert_eq!(keeping.deadline(), Some(now));
        }
        keeping.want(Shift::Assign, at(5));
        assert_eq!(asks(&mut keeping, at(5)), Some(Shift::Assign));
        keeping.shifted(Shift::Assign, true, at(5)).unwrap();
        assert_eq!(keeping.owed(), None);
    }

    #[test]
    fn what_is_undone_is_done_again_at_once_then_seldom_and_thrice_is_too_often() {
        let mut keeping = master();
        let mut now = at(1_000);
        for (pause, often) in [(0, false), (1, false), (2, true), (4, true), (8, true), (16, false)] {
            assert_eq!(keeping.undone(now), (Duration::from_secs(pause), often), "{pause}");
            now = now + Duration::from_secs(pause);
            assert_eq!(asks(&mut keeping, now), Some(Shift::Assign));
            keeping.shifted(Shift::Assign, true, now).unwrap();
        }
        let much_later = now + Duration::from_secs(121);
        assert_eq!(keeping.undone(much_later), (Duration::ZERO, false));
    }

    #[test]
    fn what_goes_with_the_link_was_taken_by_nobody() {
        let mut keeping = master();
        for second in 1..9 {
            keeping.note_link(true);
            assert_eq!(keeping.undone(at(second * 1000)), (Duration::ZERO, false));
            asks(&mut keeping, at(second * 1000));
            keeping.shifted(Shift::Assign, true, at(second * 1000)).unwrap();
        }
        assert_eq!(keeping.undone(at(9_000)), (Duration::ZERO, false));
    }

    #[test]
    fn what_we_brought_is_not_strange_when_it_goes() {
        let mut keeping = master();
        for strange in [false, true] {
            keeping.want(Shift::Withdraw, at(1));
            keeping.renew(at(1));
            asks(&mut keeping, at(1));
            assert_eq!(keeping.shifted(Shift::Withdraw, true, at(1)).unwrap().strange, strange);
        }
        // Whoever goes on in the place of a master takes what that one brought.
        let mut keeping = self::keeping();
        keeping.resume(Shift::Assign, at(0));
        asks(&mut keeping, at(0));
        assert!(!keeping.shifted(Shift::Assign, true, at(0)).unwrap().strange);
    }

    #[test]
    fn at_the_end_it_is_tried_once() {
        let mut keeping = keeping();
        keeping.want(Shift::Withdraw, at(0));
        asks(&mut keeping, at(0));
        keeping.shifted(Shift::Withdraw, false, at(0)).unwrap();
        keeping.hurry(at(100));
        assert_eq!(asks(&mut keeping, at(100)), Some(Shift::Withdraw));
        assert_eq!(keeping.shifted(Shift::Withdraw, false, at(100)).unwrap().again, None);
        assert!(keeping.idle() && keeping.deadline().is_none());
        let mut gone = master();
        gone.want(Shift::Withdraw, at(1));
        asks(&mut gone, at(1));
        gone.close();
        assert!(gone.idle() && gone.shifted(Shift::Withdraw, true, at(2)).is_none());
        // Who ends without giving anything back has nothing to look after any more.
        let mut left = master();
        left.close();
        left.want(Shift::Withdraw, at(1));
        assert!(!left.has_done(Shift::Assign) && left.idle());
    }

    #[test]
    fn who_does_not_manage_asks_for_nothing_and_who_begins_to_adopts() {
        let mut keeping = Keeping::new(Hooks::default());
        keeping.want(Shift::Assign, at(0));
        assert!(asks(&mut keeping, at(0)).is_none() && keeping.idle() && keeping.deadline().is_none());
        keeping.reconfigure(Hooks { manages: true, ..Hooks::default() }, at(5));
        assert_eq!(asks(&mut keeping, at(5)), Some(Shift::Assign));
        keeping.shifted(Shift::Assign, true, at(5)).unwrap();
        keeping.renew(at(6));
        assert_eq!(asks(&mut keeping, at(6)), Some(Shift::Assign), "others are shared");
        keeping.reconfigure(Hooks::default(), at(7));
        keeping.want(Shift::Withdraw, at(8));
        assert!(asks(&mut keeping, at(8)).is_none() && keeping.idle());
    }
}
