//! When a backup takes over: from a master that is silent, and early from one that lives or has just left.

use std::time::Duration;

use super::super::peers::{Known, PeerId, Speaker};
use super::super::{Advertisement, Notice, Peer, PeerKind, Reason, Role, Time};
use super::{Decision, Election, State, patience};

impl Election {
    pub(super) fn master_is_silent(&mut self, listened: bool, now: Time, out: &mut Vec<Decision>) {
        // Who advertised within its interval is master now; who did not may have given way meanwhile.
        let other = self
            .peers
            .best_live(now, self.followed, patience)
            .or_else(|| self.peers.best_live(now, self.followed, |interval| self.dead_after(Some(interval))))
            .map(|known| (known.id(), known.heard + self.dead_after(Some(known.interval))));
        if let Some((id, master_down)) = other {
            self.follow(id, master_down);
            return;
        }
        let peer = self.followed();
        let heard = peer.map_or(self.since, |peer| peer.heard);
        if !listened && self.postponed.is_none() && self.lost > Some(heard) {
            // Its advertisements may be among those that were lost. Once: who always loses some must still take over.
            let interval = peer.map_or(self.tuning.interval, |peer| peer.interval);
            self.state = State::Backup { master_down: now + patience(interval), listened: true };
            out.push(Decision::Tell(Notice::Lost));
            return;
        }
        match self.postponed {
            Some(reason) => self.take_over(reason, peer, None, now, out),
            None => {
                let silent = peer.map(|peer| now.since(peer.heard));
                self.take_over(Reason::MasterTimedOut, peer, silent, now, out);
            }
        }
    }

    /// Takes over from a master that lives or has just left. A role that changed too often waits, but not beyond the
    /// moment at which that master's silence would do.
    pub(super) fn take_over_early(&mut self, reason: Reason, peer: Peer, now: Time, out: &mut Vec<Decision>) {
        if self.stands_back() || self.demotions.releases() || self.reluctant(now) {
            return;
        }
        if let (State::Backup { master_down, listened }, Some(until)) =
            (self.state, self.damping.lasts_until(now))
        {
            self.postponed = Some(reason);
            self.state = State::Backup { master_down: master_down.min(until), listened };
            return;
        }
        self.take_over(reason, Some(peer), None, now, out);
    }

    pub(super) fn take_over(
        &mut self,
        reason: Reason,
        peer: Option<Peer>,
        silent: Option<Duration>,
        now: Time,
        out: &mut Vec<Decision>,
    ) {
        if let Some(until) = self.hold_until.filter(|until| *until > now) {
            self.postponed = Some(reason);
            self.state = State::Backup { master_down: until, listened: false };
            return;
        }
        self.hold_until = None;
        self.postponed = None;
        if reason == Reason::SlowerMaster {
            self.preemption.preempted(now);
        }
        self.demotions.left_backup();
        self.peers.end_conflicts();
        out.push(self.become_role(Role::Master, reason, peer, silent, now));
        self.state = State::Master { next_advert: now + self.interval().period(), grace_ends: None };
        self.prompted = None;
        self.overslept = false;
        self.listening = false;
        (self.sent, self.unsent) = (now, None);
        out.push(Decision::Advertise { scheduled: false });
    }

    /// Whether there is a master, we ourselves or one that is heard, who is not the sender of this.
    pub(in super::super) fn has_another_master(&self, ad: &Advertisement, now: Time) -> bool {
        let followed = self.followed.and_then(|id| self.peers.get(id));
        match self.state {
            State::Init => false,
            State::Master { .. } => true,
            State::Backup { .. } => followed.is_some_and(|known| {
                self.lives(known, now) && self.peers.known(ad).map(Known::id) != Some(known.id())
            }),
        }
    }

    /// Whether a peer was heard within its dead time, and not to leave.
    pub(super) fn lives(&self, known: &Known, now: Time) -> bool {
        !known.left && now.since(known.heard) < self.dead_after(Some(known.interval))
    }

    /// Everybody who authenticated themselves and is remembered.
    pub(in super::super) fn speakers(&self, now: Time) -> Vec<Speaker> {
        let speaker = |known: &Known| Speaker {
            peer: known.peer(),
            demotion: known.demotion,
            is_master: self.lives(known, now),
        };
        self.peers.iter().map(speaker).collect()
    }

    /// How long who says this may be silent.
    pub(in super::super) fn allowed_silence(&self, ad: &Advertisement) -> Duration {
        self.dead_after(Some(ad.interval()))
    }

    /// Whether a master that is not heard will be declared dead.
    pub(super) fn counts_silence(&self) -> bool {
        !self.deaf && !self.stands_back() && !self.demotions.releases()
    }

    /// Whether a backup would take over from a master that falls silent.
    pub(in super::super) fn is_ready(&self) -> bool {
        matches!(self.state, State::Backup { .. }) && self.counts_silence()
    }

    /// Whom it would take over from, and whether the sender of this is that.
    pub(in super::super) const fn follows(&self) -> Option<PeerId> {
        self.followed
    }

    pub(in super::super) fn is_followed(&self, ad: &Advertisement) -> bool {
        self.followed.is_some() && self.peers.known(ad).map(Known::id) == self.followed
    }

    /// Whether nobody may find us master: without a source in one of two families we advertise in the other alone, and
    /// a kernel, which has a timer for each, would take over when that of the silent one ends, again and again. Our own
    /// kind takes either family for a sign of life.
    pub(super) fn stands_back(&self) -> bool {
        let lacks_one = self.tuning.dual_stack && (self.sources.v4.is_none() || self.sources.v6.is_none());
        lacks_one && self.peers.any(|known| known.kind != PeerKind::Ours)
    }

    pub(super) fn reluctant(&self, now: Time) -> bool {
        self.reluctant_until.is_some_and(|until| until > now)
    }
}
