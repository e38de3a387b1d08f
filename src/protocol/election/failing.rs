//! A master that cannot do what a master is there for: its up hook failed, or it cannot hold its addresses.

use super::super::{Demotion, Notice, PeerKind, Reason, Time};
use super::{CARRIER_RETURNS, Decision, Election, State, tell};

impl Election {
    /// The up hook of a master ended, or what it is there for was done without one.
    pub(super) fn up_hook_of_master(
        &mut self,
        success: bool,
        (next_advert, grace_ends): (Time, Option<Time>),
        now: Time,
        out: &mut Vec<Decision>,
    ) {
        self.up_hook_ended(success, out);
        if !success && self.tuning.demote_on_failed_hook && !self.reluctant(now) {
            self.leave_it_to_others(Reason::HookFailed, grace_ends, now, out);
        } else if let Some(ends) = grace_ends {
            let ends = ends.min(now + CARRIER_RETURNS);
            self.state = State::Master { next_advert, grace_ends: Some(ends) };
        }
    }

    /// Whoever takes it is better than this host, which takes it back only from nobody for a while.
    pub(super) fn leave_it_to_others(
        &mut self,
        reason: Reason,
        grace_ends: Option<Time>,
        now: Time,
        out: &mut Vec<Decision>,
    ) {
        let pause = self.demotions.hook_failed(now);
        out.push(Decision::Tell(Notice::Demoted { reason: Demotion::HookFailure }));
        self.reluctant_until = Some(now + pause);
        self.step_aside(reason, grace_ends, now, out);
    }

    pub(super) fn up_hook_ended(&mut self, success: bool, out: &mut Vec<Decision>) {
        if success {
            self.reluctant_until = None;
            tell(self.demotions.hook_succeeded(), out);
        }
    }

    /// Whether anybody was heard since the link came up who is none of ours: such a backup is silent, and may be there.
    pub(in super::super) fn knows_others(&self) -> bool {
        self.peers.any(|known| known.kind != PeerKind::Ours)
    }
}
