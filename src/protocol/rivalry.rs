//! For how long this master was not the only one: measured by what was authenticated, never guessed.
//!
//! It counts from one advertisement of another master to the next, as long as the other one lives by its interval, and to
//! the moment in which one of both leaves. So a master that is heard once and gives way counts nothing. None of it reaches the
//! election.

use std::time::Duration;

use super::{Notice, Peer, Time};

/// The other master of a stretch in which there are two.
#[derive(Clone, Copy, Debug)]
struct Rival {
    peer: Peer,
    since: Time,
    heard: Time,
    /// From when on its silence is an end.
    dead: Time,
    /// The operator knows.
    told: bool,
}

/// What was measured.
#[derive(Debug, Default)]
pub(super) struct Rivalry {
    rival: Option<Rival>,
    total: Duration,
}

impl Rivalry {
    /// While we are master, and stay so, this one was heard as master; a master with its interval is dead after `dead_after`.
    /// What is new: that it goes on although it heard of us, or could have.
    pub(super) fn heard(&mut self, peer: Peer, dead_after: Duration, now: Time) -> Option<Notice> {
        let dead = now + dead_after;
        let Some(rival) = self.rival.as_mut().filter(|rival| now < rival.dead) else {
            let over = self.silent(now);
            self.rival = Some(Rival { peer, since: now, heard: now, dead, told: false });
            return over;
        };
        self.total += now.since(rival.heard);
        (rival.peer, rival.heard, rival.dead) = (peer, now, dead);
        // Both families of one advertisement come together.
        let goes_on = now.since(rival.since) >= peer.interval.period() / 2;
        (goes_on && !std::mem::replace(&mut rival.told, true)).then_some(Notice::TwoMasters { peer })
    }

    /// We are master no more, or the other one is.
    pub(super) fn ended(&mut self, now: Time) -> Option<Notice> {
        let rival = self.rival.take()?;
        // Who fell silent is measured to its last word.
        let until = if now < rival.dead { now } else { rival.heard };
        self.total += until.since(rival.heard);
        over(rival, until)
    }

    /// Forgets who is silent.
    pub(super) fn silent(&mut self, now: Time) -> Option<Notice> {
        let rival = self.rival.take_if(|rival| rival.dead <= now)?;
        over(rival, rival.heard)
    }

    /// When there is something to say of its silence.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.rival.filter(|rival| rival.told).map(|rival| rival.dead)
    }

    /// The other master, while there is one.
    pub(super) fn rival(&self, now: Time) -> Option<Peer> {
        self.rival.filter(|rival| now < rival.dead).map(|rival| rival.peer)
    }

    /// How long it was in all.
    pub(super) const fn total(&self) -> Duration {
        self.total
    }
}

fn over(rival: Rival, until: Time) -> Option<Notice> {
    rival.told.then(|| Notice::OneMaster { peer: rival.peer, lasted: until.since(rival.since) })
}

#[cfg(test)]
mod tests {
    use super::super::{Interval, MacAddr, PeerKind};
    use super::*;

    const DEAD: Duration = Duration::from_secs(3);

    fn at(ms: u64) -> Time {
        Time::from_micros(ms * 1000)
    }

    fn peer() -> Peer {
        Peer {
            source: [10, 0, 0, 2].into(),
            mac: MacAddr([2; 6]),
            interval: Interval::new(1, 0),
            kind: PeerKind::Kernel,
            heard: Time::ZERO,
        }
    }

    #[test]
    fn who_is_heard_once_and_gives_way_counts_nothing() {
        let mut rivalry = Rivalry::default();
        assert_eq!(rivalry.heard(peer(), DEAD, at(0)), None);
        assert_eq!(rivalry.heard(peer(), DEAD, at(1)), None, "the other half");
        assert_eq!(rivalry.rival(at(1)), Some(peer()));
        assert_eq!(rivalry.ended(at(1)), None);
        assert_eq!((rivalry.total(), rivalry.rival(at(1))), (Duration::from_millis(1), None));
        assert_eq!(rivalry.ended(at(9)), None);
    }

    #[test]
    fn from_one_word_to_the_next_and_to_an_end_that_is_seen() {
        let mut rivalry = Rivalry::default();
        rivalry.heard(peer(), DEAD, at(0));
        assert_eq!(rivalry.heard(peer(), DEAD, at(1000)), Some(Notice::TwoMasters { peer: peer() }));
        assert_eq!(rivalry.heard(peer(), DEAD, at(2000)), None, "that is known");
        assert_eq!(
            rivalry.ended(at(2500)),
            Some(Notice::OneMaster { peer: peer(), lasted: Duration::from_millis(2500) })
        );
        assert_eq!(rivalry.total(), Duration::from_millis(2500));
    }

    #[test]
    fn silence_is_not_counted() {
        let mut rivalry = Rivalry::default();
        rivalry.heard(peer(), DEAD, at(0));
        rivalry.heard(peer(), DEAD, at(1000));
        assert_eq!((rivalry.deadline(), rivalry.silent(at(3999))), (Some(at(4000)), None));
        assert_eq!(
            rivalry.silent(at(4000)),
            Some(Notice::OneMaster { peer: peer(), lasted: Duration::from_secs(1) })
        );
        rivalry.heard(peer(), DEAD, at(10_000));
        assert_eq!(rivalry.ended(at(20_000)), None, "it had been silent before");
        assert_eq!(rivalry.total(), Duration::from_secs(1));
        // One that comes back long after is another stretch.
        rivalry.heard(peer(), DEAD, at(30_000));
        rivalry.heard(peer(), DEAD, at(31_000));
        assert!(rivalry.heard(peer(), DEAD, at(40_000)).is_some(), "the end of the one before");
        assert_eq!(rivalry.total(), Duration::from_secs(2));
    }
}
