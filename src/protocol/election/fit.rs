//! How fit we are, as told, and what it means for a role: demotion makes nobody master, and takes nobody's role by itself.

use std::time::Duration;

use super::super::peers::PeerId;
use super::super::{Advertisement, Demotion, Fitness, Interval, Notice, PeerKind, Reason, Time};
use super::{Decision, Election, State};

/// For how long a spanning tree blocks a port at most, and some: it forgets what it knew (max age, 20 s), then listens and
/// learns (forward delay, 15 s each; IEEE 802.1D-2004 table 17-1).
const BLOCKED: Duration = Duration::from_secs(60);

impl Election {
    /// By how much we are demoted, 0..=254.
    pub(in super::super) fn demotion(&self) -> u8 {
        self.demotions.sum()
    }

    pub(super) fn demoted(&self) -> bool {
        self.demotion() > 0
    }

    /// What of that we see ourselves.
    pub(in super::super) fn own_demotions(&self) -> impl Iterator<Item = Demotion> + use<> {
        self.demotions.own()
    }

    /// The interval we advertise and compete with.
    pub(in super::super) fn interval(&self) -> Interval {
        if self.demoted() { self.tuning.interval.demoted() } else { self.tuning.interval }
    }

    /// Who may be master again waits as after the start: who is master now was not listened to with that in mind.
    pub(super) fn fitness_of_backup(
        &mut self,
        fitness: Fitness,
        (master_down, listened): (Time, bool),
        now: Time,
    ) {
        let could = self.counts_silence();
        self.demotions.told(fitness);
        if self.counts_silence() && !could {
            let interval = self.followed().map(|peer| peer.interval);
            let master_down = master_down.max(now + self.dead_after(interval));
            self.state = State::Backup { master_down, listened };
        }
    }

    /// Others learn at once how they compare with us.
    pub(super) fn fitness_of_master(
        &mut self,
        fitness: Fitness,
        grace_ends: Option<Time>,
        now: Time,
        out: &mut Vec<Decision>,
    ) {
        let before = self.demotion();
        self.demotions.told(fitness);
        if self.demotions.releases() {
            self.step_aside(Reason::Released, grace_ends, now, out);
            return;
        }
        if self.demotion() == before || grace_ends.is_some() || self.listening {
            return;
        }
        out.push(Decision::Advertise { scheduled: false });
        self.state = State::Master { next_advert: now + self.interval().period(), grace_ends };
    }

    /// Who follows us was heard: no master, and so known as one that has left.
    pub(in super::super) fn meet(&mut self, ad: &Advertisement, now: Time) {
        self.met = true;
        self.peers.hear(ad, now, self.allowed_silence(ad), self.followed);
    }

    /// No mastership, whoever else is there.
    pub(in super::super) fn released(&self) -> bool {
        self.demotions.releases()
    }

    /// For a while after the link came up silence is no reason: the port may be blocked.
    pub(super) fn hold(&mut self, now: Time) {
        if let State::Backup { master_down, listened } = self.state {
            let master_down = master_down.max(now + self.tuning.start_hold);
            self.state = State::Backup { master_down, listened };
        }
    }

    /// Master only because nothing was heard, and nobody is known to have heard that: one that is heard now may have been
    /// master all the time, behind a port that was blocked. That is believed for as long as a spanning tree blocks: of two
    /// that were alone the one whose link came up long ago is the older, and a kernel that is backup never says that it hears.
    /// Beside an old ucarp it never is, since that takes a second to read what it hears, and could leave for us when we have
    /// left for it. Two that start together settle it as ever.
    pub(super) fn is_unheard(&self, by: PeerKind, now: Time) -> bool {
        let alone = self.reason == Reason::MasterTimedOut && !self.met;
        let blocked = now.since(self.link_up) < BLOCKED && by != PeerKind::OldUcarp;
        alone && blocked && !self.tuning.preempt && !self.is_new(now)
    }

    /// Whether another master may have become that in the same moment.
    pub(super) fn is_new(&self, now: Time) -> bool {
        now.since(self.since) < self.interval().period()
    }

    /// It is older as a master, or was in the same case and heard first.
    pub(super) fn yield_unheard(&mut self, id: PeerId, now: Time, out: &mut Vec<Decision>) {
        out.push(Decision::Tell(Notice::PortBlocked { lasted: now.since(self.link_up) }));
        self.yield_to(id, Reason::Unheard, now, out);
    }

    /// Whether stepping aside would be undone by ourselves: we preempt whoever is known to be there.
    pub(super) fn would_be_back(&self) -> bool {
        self.tuning.preempt && !self.demoted() && !self.peers.any(|known| !self.is_better_than(known))
    }
}
