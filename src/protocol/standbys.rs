//! Who would take over: what backups of ours tell their master, and what a backup has to tell.
//!
//! None of it reaches the election. A master knows a standby by its first word and takes it for lost after 25 s, in which it
//! speaks twice. A backup speaks to the master it follows when that or something about itself changes, and every 10 s.

use std::net::IpAddr;
use std::time::Duration;

use super::auth::tail::Said;
use super::election::patience;
use super::peers::PeerId;
use super::{Agreement, Interval, Notice, Peer, Time};

/// Between two words, and what of them may be lost.
const EVERY: Duration = Duration::from_secs(10);
const LOST: Duration = Duration::from_secs(25);
/// After a change, lest it overtake what was said to the same host in that moment, which then would be too old.
const SOON: Duration = Duration::from_millis(300);
/// Again without an answer: twice as long each time, and so often; then as every time.
const AGAIN: Duration = Duration::from_millis(300);
const TRIES: u32 = 4;
const MOST: usize = 16;
/// One is answered at most so often.
const ANSWERS: Duration = Duration::from_millis(250);

/// A backup of ours that follows us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standby {
    /// From where it was heard.
    pub address: IpAddr,
    /// What it competes with.
    pub interval: Interval,
    /// By how much it is demoted, 0..=254.
    pub demotion: u8,
    /// It would take over if we fell silent.
    pub ready: bool,
    /// Somebody works at it.
    pub maintenance: bool,
    /// Whether it means the same virtual host.
    pub agrees: Agreement,
    /// When it spoke last.
    pub heard: Time,
}

#[derive(Debug)]
struct Known {
    standby: Standby,
    accepts: bool,
    since: Time,
    answered: Time,
}

/// Those of a master.
#[derive(Debug, Default)]
pub(super) struct Standbys(Vec<Known>);

impl Standbys {
    /// Takes note of one that accepts what is configured here, or does not. Whether to answer, and what is new.
    pub(super) fn hear(
        &mut self,
        address: IpAddr,
        said: &Said,
        agrees: Agreement,
        accepts: bool,
        now: Time,
    ) -> (bool, Vec<Notice>) {
        let standby = Standby {
            address,
            interval: said.interval,
            demotion: said.demotion,
            ready: said.ready,
            maintenance: said.maintenance,
            agrees,
            heard: now,
        };
        let mut notices = Vec::new();
        let differs = |agrees| matches!(agrees, Agreement::List | Agreement::Password);
        if let Some(known) = self.0.iter_mut().find(|known| known.standby.address == address) {
            if differs(agrees) && known.standby.agrees != agrees {
                notices.push(Notice::StandbyDisagrees { address, agrees });
            }
            let answers = now.since(known.answered) >= ANSWERS;
            if answers {
                known.answered = now;
            }
            (known.standby, known.accepts) = (standby, accepts);
            return (answers, notices);
        }
        notices.push(Notice::StandbyKnown { address });
        if differs(agrees) {
            notices.push(Notice::StandbyDisagrees { address, agrees });
        }
        if self.0.len() >= MOST {
            let silent = self.0.iter().enumerate().min_by_key(|(_, known)| known.standby.heard);
            if let Some(at) = silent.map(|(at, _)| at) {
                self.0.swap_remove(at);
            }
        }
        self.0.reserve_exact(1);
        self.0.push(Known { standby, accepts, since: now, answered: now });
        (true, notices)
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.0.iter().map(|known| known.standby.heard + LOST).min()
    }

    /// Forgets who is silent.
    pub(super) fn expire(&mut self, now: Time) -> Vec<Notice> {
        let lost = |known: &Known| known.standby.heard + LOST <= now;
        let gone: Vec<IpAddr> =
            self.0.iter().filter(|one| lost(one)).map(|one| one.standby.address).collect();
        self.0.retain(|known| !lost(known));
        let others = !self.0.is_empty();
        gone.into_iter().map(|address| Notice::StandbyLost { address, others }).collect()
    }

    /// Nobody follows who is no master.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether there is one, and all accept what is configured.
    pub(super) fn all_accept(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|known| known.accepts)
    }

    /// Whether one would take over.
    pub(super) fn has_ready(&self) -> bool {
        self.0.iter().any(|known| known.standby.ready)
    }

    /// When the one that came last was first heard.
    pub(super) fn latest(&self) -> Time {
        self.0.iter().map(|known| known.since).max().unwrap_or(Time::ZERO)
    }

    pub(super) fn list(&self) -> Vec<Standby> {
        self.0.iter().map(|known| known.standby).collect()
    }
}

/// What a backup has to tell its master.
#[derive(Debug, Default)]
pub(super) struct Following {
    master: Option<PeerId>,
    /// When that spoke last.
    spoke: Time,
    next: Option<Time>,
    unanswered: u32,
    /// What it would say, as far as that changes.
    state: Option<(Interval, u8, bool, u32)>,
}

impl Following {
    /// It follows this one of ours, who spoke then, and this is what there is to say.
    pub(super) fn update(
        &mut self,
        master: Option<(PeerId, Peer)>,
        state: (Interval, u8, bool, u32),
        now: Time,
    ) {
        let Some((id, peer)) = master else {
            (self.master, self.next) = (None, None);
            return;
        };
        // Who was silent may have been master no more, and knows nobody.
        let paused = peer.heard.since(self.spoke) > patience(peer.interval);
        self.spoke = peer.heard;
        if paused || self.master != Some(id) || self.state != Some(state) {
            (self.master, self.state, self.unanswered) = (Some(id), Some(state), 0);
            // What changes again and again is told all the same.
            self.next = Some(self.next.map_or(now + SOON, |next| next.min(now + SOON)));
        }
    }

    /// The master understands.
    pub(super) fn answered(&mut self, now: Time) {
        self.unanswered = 0;
        self.next = self.master.map(|_| now + EVERY);
    }

    pub(super) const fn deadline(&self) -> Option<Time> {
        self.next
    }

    /// Whether to speak now.
    pub(super) fn due(&mut self, now: Time) -> bool {
        let due = self.next.is_some_and(|next| next <= now);
        if due {
            let pause = if self.unanswered < TRIES { AGAIN * (1 << self.unanswered) } else { EVERY };
            self.unanswered = self.unanswered.saturating_add(1);
            self.next = Some(now + pause);
        }
        due
    }
}
