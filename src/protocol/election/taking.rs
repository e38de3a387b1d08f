//! The operator has a backup take the addresses, once: what preempting would do, now and whatever was configured.

use super::super::peers::Known;
use super::super::{Reason, Role, Time, Untaken};
use super::{Decision, Election};

impl Election {
    /// Why we would not. What holds is what holds for who preempts: else there were two masters for longer, or the other one
    /// would be back.
    pub(in super::super) fn untaken(&self, now: Time) -> Option<Untaken> {
        if self.role() != Role::Backup {
            return Some(Untaken::Role(self.role()));
        }
        if self.demotions.releases() {
            return Some(Untaken::Released);
        }
        if self.demoted() {
            return Some(Untaken::Demoted(self.demotion()));
        }
        if self.stands_back() {
            return Some(Untaken::OneFamily);
        }
        let master = self.followed.and_then(|id| self.peers.get(id)).filter(|known| self.lives(known, now));
        let Some(master) = master else { return Some(Untaken::NobodyHeard) };
        let not_worse = |known: &Known| Untaken::NotWorse {
            peer: known.peer().source,
            its: known.interval,
            ours: self.interval(),
        };
        (!self.is_better_than(master)).then(|| not_worse(master))
    }

    pub(super) fn take(&mut self, now: Time, out: &mut Vec<Decision>) {
        if self.untaken(now).is_none() {
            // Who stepped aside a moment ago was told otherwise.
            self.hold_until = None;
            self.take_over(Reason::Taken, self.followed(), None, now, out);
        }
    }
}
