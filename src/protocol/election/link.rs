//! What the link of a master means for it: a grace in which nobody can have taken over, and listening after it.

use std::time::Duration;

use super::super::{Link, Notice, Reason, Time};
use super::{Decision, Election, State};

/// A master told that its link is gone keeps its role for one interval, at most this long.
const LONGEST_GRACE: Duration = Duration::from_secs(1);
impl Election {
    pub(super) fn link_of_master(
        &mut self,
        link: Link,
        next_advert: Time,
        grace_ends: Option<Time>,
        now: Time,
        out: &mut Vec<Decision>,
    ) {
        self.link = link;
        match (link, grace_ends) {
            (Link::Up, Some(_))
                if self.listening || self.silent_since(next_advert, now) >= self.dead_after(None) =>
            {
                self.listen(now, out);
            }
            (Link::Up, Some(_)) => {
                out.push(Decision::Tell(Notice::GraceOver));
                out.push(Decision::Advertise { scheduled: false });
                out.push(Decision::Speak);
                self.state = State::Master { next_advert: now + self.interval().period(), grace_ends: None };
            }
            (Link::Down | Link::Disabled, None) => {
                let lasts = self.interval().period().min(LONGEST_GRACE);
                out.push(Decision::Tell(Notice::Grace { lasts }));
                out.push(Decision::Hush);
                self.state = State::Master { next_advert, grace_ends: Some(now + lasts) };
            }
            (Link::Gone, _) => self.enter_init(Reason::LinkGone, now, out),
            (Link::Up, None) | (Link::Down | Link::Disabled, Some(_)) => {}
        }
    }
}
