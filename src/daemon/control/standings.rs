//! How all stand, asked of the engine for whoever wants to know: at most so often, and for all who ask at once.

use std::time::Duration;

use super::Asked;
use crate::control::Field;
use crate::protocol::Time;

/// For how long an answer is good enough for the next one who asks, and how much longer for each virtual host.
const FRESH: Duration = Duration::from_millis(50);
const FRESH_BY_HOST: Duration = Duration::from_millis(1);
/// The engine is asked about so many at a time, that it may do its work in between.
const AT_ONCE: usize = 16;
/// How long is waited for all of them.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the engine said of one.
#[derive(Debug)]
pub(in super::super) struct Known {
    pub(in super::super) host: u16,
    pub(in super::super) fields: Vec<Field>,
}

/// A round that is being asked.
#[derive(Debug)]
struct Round {
    number: u32,
    left: Vec<u16>,
    awaited: Vec<u16>,
    found: Vec<Known>,
    until: Time,
}

impl Round {
    fn is_over(&self) -> bool {
        self.left.is_empty() && self.awaited.is_empty()
    }
}

/// What is known, and who waits for more.
#[derive(Default)]
pub(in super::super) struct Standings {
    known: Vec<Known>,
    taken: Option<Time>,
    round: Option<Round>,
    waiting: Vec<Asked>,
    number: u32,
}

impl Standings {
    /// Somebody wants to know.
    pub(in super::super) fn ask(&mut self, asked: Asked) {
        self.waiting.push(asked);
    }

    /// What was known is over.
    pub(in super::super) fn forget(&mut self) {
        (self.taken, self.round) = (None, None);
    }

    /// The number of a round, and about whom the engine is to be asked next, if it is: `all` are there.
    pub(in super::super) fn next(
        &mut self,
        all: impl FnOnce() -> Vec<u16>,
        now: Time,
    ) -> Option<(u32, Vec<u16>)> {
        if self.waiting.is_empty() || self.is_fresh(now) {
            return None;
        }
        let round = self.round.get_or_insert_with(|| {
            self.number = self.number.wrapping_add(1);
            let mut left = all();
            left.reverse();
            Round { number: self.number, left, awaited: Vec::new(), found: Vec::new(), until: now + PATIENCE }
        });
        if !round.awaited.is_empty() || round.left.is_empty() {
            return None;
        }
        let after = round.left.len().saturating_sub(AT_ONCE);
        round.awaited = round.left.split_off(after);
        round.awaited.reverse();
        Some((round.number, round.awaited.clone()))
    }

    /// What the engine says of one.
    pub(in super::super) fn hear(&mut self, number: u32, host: u16, fields: Vec<Field>) {
        let Some(round) = self.round.as_mut().filter(|round| round.number == number) else { return };
        let Some(at) = round.awaited.iter().position(|known| *known == host) else { return };
        round.awaited.remove(at);
        if !fields.is_empty() {
            round.found.push(Known { host, fields });
        }
    }

    /// Those who can be answered now, and with what: nothing, if the engine was silent for too long.
    pub(in super::super) fn answerable(&mut self, now: Time) -> (Vec<Asked>, Option<&[Known]>) {
        if let Some(round) = self.round.take_if(|round| round.is_over()) {
            (self.known, self.taken) = (round.found, Some(now));
            return (std::mem::take(&mut self.waiting), Some(&self.known));
        }
        if self.round.take_if(|round| round.until <= now).is_some() {
            return (std::mem::take(&mut self.waiting), None);
        }
        let waiting = if self.is_fresh(now) { std::mem::take(&mut self.waiting) } else { Vec::new() };
        (waiting, Some(&self.known))
    }

    /// When somebody has waited long enough.
    pub(super) fn deadline(&self) -> Option<Time> {
        // Where nobody is served there is nobody to wait for.
        self.round.as_ref().map(|round| if round.is_over() { Time::ZERO } else { round.until })
    }

    fn is_fresh(&self, now: Time) -> bool {
        let count = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        let fresh = FRESH + FRESH_BY_HOST.saturating_mul(count);
        self.taken.is_some_and(|taken| now.since(taken) < fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Order;
    use crate::daemon::control::Way;

    fn asked(client: u32) -> Asked {
        Asked { client, user: 0, way: Way::Questions, order: Order::parse(&["status"]).unwrap() }
    }

    fn at(ms: u64) -> Time {
        Time::from_micros(ms * 1000)
    }

    fn clients((asked, known): (Vec<Asked>, Option<&[Known]>)) -> (Vec<u32>, Option<usize>) {
        (asked.into_iter().map(|asked| asked.client).collect(), known.map(<[_]>::len))
    }

    #[test]
    fn the_engine_is_asked_once_for_all_and_not_again_at_once() {
        let mut standings = Standings::default();
        let all = || (0..20).collect::<Vec<u16>>();
        assert_eq!(standings.next(all, at(0)), None, "nobody wants to know");
        standings.ask(asked(1));
        let (number, first) = standings.next(all, at(0)).unwrap();
        assert_eq!(first, (0..16).collect::<Vec<_>>());
        assert_eq!(standings.next(all, at(0)), None);
        standings.ask(asked(2));
        for host in first {
            let fields = if host == 3 { Vec::new() } else { vec![Field::note("x", "")] };
            standings.hear(number, host, fields);
            standings.hear(number, host, Vec::new());
        }
        assert!(standings.answerable(at(1)).0.is_empty());
        let (number, second) = standings.next(all, at(1)).unwrap();
        assert_eq!(second, [16, 17, 18, 19]);
        second.into_iter().for_each(|host| standings.hear(number, host, vec![Field::note("x", "")]));
        assert_eq!(clients(standings.answerable(at(2))), (vec![1, 2], Some(19)), "one is not there any more");
        standings.ask(asked(3));
        assert_eq!(standings.next(all, at(70)), None);
        assert_eq!(clients(standings.answerable(at(70))), (vec![3], Some(19)));
        standings.ask(asked(4));
        standings.forget();
        assert!(standings.next(all, at(70)).is_some());
        assert_eq!(standings.deadline(), Some(at(3070)));
        assert_eq!(clients(standings.answerable(at(3069))), (vec![], Some(19)));
        assert_eq!(clients(standings.answerable(at(3070))), (vec![4], None));
        standings.ask(asked(5));
        assert_eq!(standings.next(Vec::new, at(4000)), None);
        assert_eq!(standings.deadline(), Some(Time::ZERO), "nobody is served");
        assert_eq!(clients(standings.answerable(at(4000))), (vec![5], Some(0)));
    }
}
