//! Managed addresses of a virtual host: what their coming and going means for its role, its hooks and its announcements.
//!
//! The address comes before the up hook and goes before the down hook (register, row 21): neither is started while an errand
//! has no answer. So neither has anything to do with where the addresses are, and how it ends says nothing about that.

use super::super::election::Fact;
use super::super::watch::Change;
use super::super::{Action, Hook, Notice, Presence, Role, Shift, Time};
use super::VirtualHost;

/// The addresses are where a hook that did its work would have brought them.
pub(super) const fn as_if_done(hook: Hook) -> Option<Presence> {
    match hook {
        Hook::Up => Some(Presence::All),
        Hook::Down => Some(Presence::None),
    }
}

impl VirtualHost {
    /// Asks for what the role wants, unless that may be another one in a moment.
    pub(super) fn keep(&mut self, now: Time, out: &mut Vec<Action>) {
        if !self.undecided {
            self.keeping.settle(now, out);
        }
    }

    /// Whether a hook that is not running has to wait.
    pub(super) fn hooks_wait(&self) -> bool {
        self.keeping.asked().is_some() && self.takeover.running().is_none()
    }

    /// It goes on where a process ended that may have been about to do something.
    pub(super) fn resume_keeping(&mut self, wanted: Hook, now: Time, out: &mut Vec<Action>) {
        let shift = if wanted == Hook::Up { Shift::Assign } else { Shift::Withdraw };
        self.keeping.resume(shift, now);
        if self.keeping.manages() {
            as_if_done(wanted).into_iter().for_each(|done| _ = self.takeover.seen(done, now, out));
        }
    }

    /// Managed addresses are to be put on otherwise than they may have been.
    pub(super) fn put_on_anew(&mut self, now: Time, out: &mut Vec<Action>) {
        if self.keeping.manages() {
            self.watch.renew();
            self.keeping.renew(now);
            self.settle(now, out);
        }
    }

    /// An errand was done, or could not be.
    pub(super) fn shifted(
        &mut self,
        shift: Shift,
        changed: bool,
        ok: bool,
        addresses: Option<Presence>,
        now: Time,
        out: &mut Vec<Action>,
    ) {
        let owed = self.keeping.owed_before();
        let Some(outcome) = self.keeping.shifted(shift, ok, now) else { return };
        self.watch.note(addresses);
        if !ok {
            out.push(Action::Tell(Notice::NotShifted { shift, again: outcome.again }));
        } else if shift == Shift::Withdraw && changed && outcome.strange {
            out.push(Action::Tell(Notice::AddressFound));
        } else if owed == Some(shift) {
            out.push(Action::Tell(Notice::ShiftedAtLast { shift }));
        }
        if outcome.counts && shift == Shift::Assign && self.election.role() == Role::Master {
            self.assigned(ok, addresses, now, out);
        }
        self.settle(now, out);
        self.announce(now, out);
    }

    /// The addresses of a master were put on the interface, or some of them.
    fn assigned(&mut self, ok: bool, addresses: Option<Presence>, now: Time, out: &mut Vec<Action>) {
        if ok {
            self.watch.expect();
            self.look_and_judge(now, out);
            // It was taken away once too often.
            if self.election.role() != Role::Master {
                return;
            }
        }
        let usable = match addresses {
            // IPv4 can be used already.
            Some(Presence::Pending) => self.parameters.addresses.iter().any(|address| address.is_ipv4()),
            Some(Presence::None | Presence::Taken) => false,
            Some(Presence::All | Presence::Some) | None => true,
        };
        if usable && !self.watch.missing() {
            self.announcer.addresses_ready(now);
        }
        // Where there is an up hook, how it ends tells more.
        if !(ok && self.parameters.hooks.up) {
            self.elect(Fact::UpHook { success: ok }, now, out);
        }
    }

    /// So many of them are on the interface.
    pub(super) fn look_after(&mut self, addresses: Presence, now: Time, out: &mut Vec<Action>) {
        if addresses != Presence::None && self.keeping.has_done(Shift::Withdraw) {
            self.keeping.undone(now);
        }
        self.look_and_judge(now, out);
    }

    /// A hook ended and so many were there, of which nobody else may tell.
    pub(super) fn look_after_hook(&mut self, there: Option<Presence>, now: Time, out: &mut Vec<Action>) {
        if let Some(addresses) = there.filter(|_| self.keeping.manages()) {
            self.look_after(addresses, now, out);
            self.settle(now, out);
        }
    }

    /// Whether somebody would be master instead: one of ours that follows and is ready, or one that never says so.
    fn has_successor(&self) -> bool {
        self.standbys.has_ready() || self.election.knows_others()
    }

    /// Leaves it to others where somebody else rules over the addresses.
    fn look_and_judge(&mut self, now: Time, out: &mut Vec<Action>) {
        if self.look_after_own(now, out) && self.has_successor() {
            out.push(Action::Tell(Notice::AddressUnholdable));
            self.elect(Fact::Unholdable, now, out);
        }
    }

    /// A master looks whether it has what was put there, and puts it back. Whether it was taken away too often.
    pub(super) fn look_after_own(&mut self, now: Time, out: &mut Vec<Action>) -> bool {
        if !self.keeping.has_done(Shift::Assign) {
            return false;
        }
        let speaks = self.election.speaks();
        if !speaks {
            self.keeping.note_link(true);
        }
        match self.watch.look(speaks, now) {
            Some(Change::Pending) => out.push(Action::Tell(Notice::AddressPending)),
            Some(Change::Ready) => self.announcer.addresses_ready(now),
            Some(Change::Back) => out.push(Action::Tell(Notice::AddressBack)),
            Some(Change::Lost { .. } | Change::Taken { .. }) | None => {}
        }
        if !self.watch.missing() {
            self.keeping.note_link(!speaks);
            return false;
        }
        let (again, often) = self.keeping.undone(now);
        out.push(Action::Tell(Notice::AddressUndone { again }));
        often
    }
}
