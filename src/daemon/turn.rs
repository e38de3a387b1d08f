//! One turn of the loop for the virtual hosts of one interface: who is late, who drains, who ticks.
//!
//! In this order: [`late`], whatever else happened, [`drain`], [`tick`]. A capture is drained when its descriptor
//! announces frames, when some may be left that it does not announce, and before a backup is told that its master's
//! time is up. A BPF device hands out a whole buffer of frames; what of it did not fit a batch stays in this process,
//! where no wait sees it. A batch at a time, so that signals, links and deadlines have their turn in between; but a
//! backup's time is not up while frames are left that may be the master's.
//!
//! The daemon and the simulation both drive exactly this. It is told what happened and says what to do; it knows
//! neither captures nor clocks.

use std::time::Duration;

use crate::protocol::{Event, Role, Time, VirtualHost};

/// Lateness worth telling the core about.
const LATE: Duration = Duration::from_millis(50);
/// Frames taken in before deadlines are looked at again.
const BATCH: usize = 512;
/// More than the system keeps for us: what is left after so many came later than the first of them.
const KEPT: usize = 16 * 1024;
/// After nothing but refused frames the capture is left alone for this long: under a flood its ring fills and is
/// emptied in one go, instead of waking us for every frame.
const REST: Duration = Duration::from_millis(1);
/// How exactly it is known whether something was lost before or after somebody was heard.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// What surrounds the virtual hosts of an interface.
pub trait Surroundings {
    /// The time, which may have passed since this was last asked.
    fn now(&self) -> Time;
    /// The time of day, since the Unix epoch, if there is a clock that tells it.
    fn wall(&self) -> Option<Duration>;
    /// The numbers of those virtual hosts that have something to do by then.
    fn due(&self, by: Time) -> Vec<usize>;
    /// One of them.
    fn host(&self, number: usize) -> &VirtualHost;
    /// What is known about the frames of the capture.
    fn draining(&mut self) -> &mut Draining;
    /// Tells a host a fact and carries out what it answers.
    fn tell(&mut self, number: usize, event: Event, now: Time);
    /// Tells all of them.
    fn tell_all(&mut self, event: Event, now: Time);
    /// How many frames for us the system has lost since the capture was opened; `None` if that cannot be found out.
    fn lost(&mut self) -> Option<u64>;
    /// Takes the next frame that was captured, tells it to the host whose it is and carries out what that answers.
    fn hear(&mut self, now: Time) -> Heard;
}

/// What became of the next frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Heard {
    /// There was none.
    Nothing,
    /// The host refused it.
    Refused,
    /// The host took it in.
    Accepted,
}

/// Woken at `woken`: whoever asked for a much earlier time is told so first.
pub fn late(link: &mut impl Surroundings, woken: Time) {
    for number in link.due(woken) {
        let late = link.host(number).next_deadline().map_or(Duration::ZERO, |deadline| woken.since(deadline));
        if late >= LATE {
            link.tell(number, Event::Late(late), woken);
        }
    }
}

/// Takes frames in if it is time to; `announced` by the capture's descriptor. Whether it was.
pub fn drain(link: &mut impl Surroundings, announced: bool, woken: Time) -> bool {
    let time_is_up = link.due(woken).into_iter().any(|number| link.host(number).role() == Role::Backup);
    if !link.draining().is_due(announced, woken) && !time_is_up {
        return false;
    }
    let (batch, now) = (link.draining().batch, link.now());
    let (mut taken, mut accepted) = (0, 0);
    while taken < batch {
        match link.hear(now) {
            Heard::Nothing => break,
            Heard::Refused => {}
            Heard::Accepted => accepted += 1,
        }
        taken += 1;
    }
    link.draining().drained(taken, accepted, now);
    // Afterwards: what is lost came when there was no room for it, behind all that was kept.
    if accepted > 0 && link.draining().asks(now) {
        look_for_losses(link, now);
    }
    true
}

/// Tells the hosts of frames lost since that was last asked.
pub fn look_for_losses(link: &mut impl Surroundings, now: Time) {
    let Some(total) = link.lost() else { return };
    let lost = link.draining().newly_lost(total);
    if lost > 0 {
        link.tell_all(Event::Lost(lost), now);
    }
}

/// Tells hosts that a deadline is reached. What became due since `woken` has its turn next, with a drain before it: we may
/// just have been kept from running.
pub fn tick(link: &mut impl Surroundings, woken: Time) {
    let due = link.due(woken);
    let is_backup = |link: &_, number| Surroundings::host(link, number).role() == Role::Backup;
    let backups_wait = due.iter().any(|number| is_backup(link, *number)) && link.draining().leaves_frames();
    let nothing_is_left = link.draining().deadline(woken).is_none();
    for number in due {
        let backup = is_backup(link, number);
        if backups_wait && backup {
            continue;
        }
        let now = link.now();
        let time_is_up = link.host(number).master_down().is_some_and(|down| down <= now);
        // What was lost before a host became backup must not count for its master.
        if time_is_up || !backup && nothing_is_left && link.draining().asks(now) {
            look_for_losses(link, now);
        }
        if let Some(wall) = link.wall() {
            link.tell(number, Event::Wall(wall), now);
        }
        link.tell(number, Event::Tick, now);
    }
}

/// What is known about the frames of one capture.
#[derive(Debug)]
pub struct Draining {
    batch: usize,
    rest: Duration,
    /// The last batch was full.
    more: bool,
    /// How often a backup was kept waiting for the frames left.
    waited: usize,
    rests_until: Option<Time>,
    /// How many frames were lost when that was last asked, and when it was.
    lost: u64,
    asked: Option<Time>,
}

impl Default for Draining {
    fn default() -> Self {
        Self::by(BATCH, REST)
    }
}

impl Draining {
    /// Nothing is known. At most `batch` frames are taken at a time, and after nothing but refused ones comes `rest`.
    #[must_use]
    pub const fn by(batch: usize, rest: Duration) -> Self {
        Self { batch, rest, more: false, waited: 0, rests_until: None, lost: 0, asked: None }
    }

    /// Whether the capture is left alone, its descriptor too.
    #[must_use]
    pub fn rests(&self, now: Time) -> bool {
        self.rests_until.is_some_and(|until| until > now)
    }

    /// When to look at the capture whatever its descriptor says.
    #[must_use]
    pub fn deadline(&self, now: Time) -> Option<Time> {
        self.rests_until.or(self.more.then_some(now))
    }

    /// The capture may hold frames that nothing announces.
    pub(super) fn may_hold_some(&mut self) {
        self.more = true;
    }

    /// Whether to drain now.
    fn is_due(&mut self, announced: bool, now: Time) -> bool {
        self.rests_until = self.rests_until.filter(|until| *until > now);
        announced || (self.more && self.rests_until.is_none())
    }

    /// A batch was asked for; so many frames came, and so many of them were of use.
    fn drained(&mut self, taken: usize, accepted: usize, now: Time) {
        self.more = taken >= self.batch;
        self.rests_until = (taken > 0 && accepted == 0 && !self.rest.is_zero()).then(|| now + self.rest);
    }

    /// Whether to ask what was lost: not for each of many that are heard.
    fn asks(&mut self, now: Time) -> bool {
        now.repeats(&mut self.asked, ASK_EVERY)
    }

    /// What of this total is new; a capture that was opened anew counts from zero.
    fn newly_lost(&mut self, total: u64) -> u64 {
        let before = std::mem::replace(&mut self.lost, total);
        total.checked_sub(before).unwrap_or(total)
    }

    /// Whether frames may be left that came before now. Under a flood without end those are behind us after as many as
    /// the system can have kept.
    fn leaves_frames(&mut self) -> bool {
        let waits = self.more && self.waited < KEPT / self.batch;
        self.waited = if waits { self.waited + 1 } else { 0 };
        waits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the reader of a BPF device: the descriptor knows of the kernel's buffer, which is taken over as a whole.
    struct Reader {
        kernel: usize,
        held: usize,
    }

    impl Reader {
        fn drain(&mut self) -> usize {
            if self.held == 0 {
                self.held = std::mem::take(&mut self.kernel);
            }
            let taken = self.held.min(BATCH);
            self.held -= taken;
            taken
        }
    }

    /// Turns the loop until it would sleep for good: when each drain was, in microseconds, and what it gave.
    fn turns(reader: &mut Reader, useful: bool) -> Vec<(u128, usize)> {
        let (mut draining, mut now, mut drains) = (Draining::default(), Time::ZERO, Vec::new());
        loop {
            let announced = reader.kernel > 0 && !draining.rests(now);
            match draining.deadline(now) {
                _ if announced => {}
                Some(deadline) => now = now.max(deadline),
                None => return drains,
            }
            if draining.is_due(announced, now) {
                let taken = reader.drain();
                draining.drained(taken, if useful { taken } else { 0 }, now);
                drains.push((now.since_zero().as_micros(), taken));
            }
            assert!(drains.len() < 10, "a busy loop: {drains:?}");
        }
    }

    #[test]
    fn what_the_reader_keeps_is_asked_for_at_once() {
        for (frames, batches) in [
            (1, &[1][..]),
            (BATCH - 1, &[BATCH - 1]),
            (BATCH, &[BATCH, 0]),
            (2 * BATCH + 100, &[BATCH, BATCH, 100]),
            (3 * BATCH, &[BATCH, BATCH, BATCH, 0]),
        ] {
            let expected: Vec<_> = batches.iter().map(|batch| (0, *batch)).collect();
            assert_eq!(turns(&mut Reader { kernel: frames, held: 0 }, true), expected, "{frames}");
        }
    }

    #[test]
    fn between_batches_of_refused_frames_it_rests() {
        let drains = turns(&mut Reader { kernel: 2 * BATCH + 1, held: 0 }, false);
        assert_eq!(drains, [(0, BATCH), (1000, BATCH), (2000, 1)]);
    }

    #[test]
    fn a_backup_waits_for_the_frames_left_and_not_for_ever() {
        for batch in [8, 512] {
            let mut draining = Draining::by(batch, REST);
            assert!(!draining.leaves_frames());
            for _ in 0..2 {
                draining.drained(batch, batch, Time::ZERO);
                let waited = (0..).take_while(|_| draining.leaves_frames()).count();
                assert_eq!(waited, KEPT / batch);
            }
            draining.drained(batch, batch, Time::ZERO);
            assert!(draining.leaves_frames());
            draining.drained(batch - 1, 0, Time::ZERO);
            assert!(!draining.leaves_frames());
        }
    }

    #[test]
    fn losses_are_told_once_and_a_new_capture_counts_from_zero() {
        let mut draining = Draining::default();
        assert_eq!([0, 7, 7, 9, 2].map(|total| draining.newly_lost(total)), [0, 7, 0, 2, 2]);
        let asked = [0, 400, 999, 1000, 1999].map(|ms| draining.asks(Time::from_micros(ms * 1000)));
        assert_eq!(asked, [true, false, false, true, false]);
    }

    #[test]
    fn a_rest_is_not_ended_by_a_wake_up_for_something_else() {
        let mut draining = Draining::default();
        draining.drained(BATCH, 0, Time::ZERO);
        let half = Time::from_micros(500);
        assert!(draining.rests(half) && !draining.is_due(false, half));
        assert_eq!(draining.deadline(half), Some(Time::from_micros(1000)));
        assert!(draining.is_due(false, Time::from_micros(1000)));
    }
}
