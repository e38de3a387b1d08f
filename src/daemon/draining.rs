//! When a capture is to be drained: when its descriptor announces frames, and when some may be left that it does not.
//!
//! A BPF device hands out a whole buffer of frames. What of it did not fit a batch stays in this process, where no wait
//! sees it: only asking again does. A batch at a time, so that signals, links and deadlines have their turn in between.
//!
//! It is told what happened and asked what to do; it knows neither the capture nor the clock.

use std::time::Duration;

use crate::protocol::Time;

/// Frames taken in before deadlines are looked at again.
pub(super) const BATCH: usize = 512;
/// After nothing but refused frames the capture is left alone for this long: under a flood its ring fills and is
/// emptied in one go, instead of waking us for every frame.
const REST: Duration = Duration::from_millis(1);

/// What is known about the frames of one capture.
#[derive(Debug, Default)]
pub(super) struct Draining {
    /// The last batch was full.
    more: bool,
    rests_until: Option<Time>,
}

impl Draining {
    /// Whether the capture is left alone, its descriptor too.
    pub(super) fn rests(&self, now: Time) -> bool {
        self.rests_until.is_some_and(|until| until > now)
    }

    /// When to look at the capture whatever its descriptor says.
    pub(super) fn deadline(&self, now: Time) -> Option<Time> {
        self.rests_until.or(self.more.then_some(now))
    }

    /// Whether to drain now.
    pub(super) fn is_due(&mut self, announced: bool, now: Time) -> bool {
        self.rests_until = self.rests_until.filter(|until| *until > now);
        announced || (self.more && self.rests_until.is_none())
    }

    /// A batch of at most [`BATCH`] frames was asked for; so many came, and so many of them were of use.
    pub(super) fn drained(&mut self, taken: usize, accepted: usize, now: Time) {
        self.more = taken >= BATCH;
        self.rests_until = (taken > 0 && accepted == 0).then(|| now + REST);
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
    fn a_rest_is_not_ended_by_a_wake_up_for_something_else() {
        let mut draining = Draining::default();
        draining.drained(BATCH, 0, Time::ZERO);
        let half = Time::from_micros(500);
        assert!(draining.rests(half) && !draining.is_due(false, half));
        assert_eq!(draining.deadline(half), Some(Time::from_micros(1000)));
        assert!(draining.is_due(false, Time::from_micros(1000)));
    }
}
