//! Going on where others may have stopped waiting: in place of an earlier life, or after the link was away.

use std::time::Duration;

use super::super::{Link, Notice, Role, Time};
use super::{Decision, Election, State, patience};

impl Election {
    /// Takes up a role where an earlier life left it. The link is taken to be up until it is told.
    pub(super) fn resume(&mut self, role: Role, silent: Duration, now: Time, out: &mut Vec<Decision>) {
        (self.started, self.since, self.sent) = (true, now, now);
        match role {
            Role::Init => return,
            Role::Backup => {
                let master_down = now + self.dead_after(None);
                self.state = State::Backup { master_down, listened: false };
            }
            Role::Master if silent >= self.dead_after(None) => self.listen(now, out),
            Role::Master => self.state = State::Master { next_advert: now, grace_ends: None },
        }
        self.link = Link::Up;
    }

    /// Others counted from our last advertisement: one of them may be master now (register, row 19).
    pub(super) fn listen(&mut self, now: Time, out: &mut Vec<Decision>) {
        let lasts = patience(self.tuning.interval.demoted()).min(self.dead_after(None));
        out.push(Decision::Tell(Notice::Listening { lasts }));
        self.listening = true;
        self.state = State::Master { next_advert: now + lasts, grace_ends: None };
    }
}
