//! The one place where an action of the core becomes an effect on the world: a frame that is sent, a line of the log, or
//! a request to who has the rights.
//!
//! It has no opinion: every action is carried out as it stands, and what became of it is told to the core as an
//! event, whose actions follow in order.

use std::collections::VecDeque;

use super::host::Served;
use super::link::Link;
use super::report::Report;
use super::request::{Request, Run};
use crate::protocol::{Action, Event, Hook, Time};

/// Carries out `actions` for the virtual host of this number, and all that follow from their outcome. What others are to
/// do is added to `errands`.
pub(super) fn perform(
    (number, one): (u16, &mut Served),
    link: &mut Link,
    actions: Vec<Action>,
    errands: &mut Vec<Request>,
    report: &mut Report,
    now: Time,
) {
    let mut queue = VecDeque::from(actions);
    while let Some(action) = queue.pop_front() {
        let sent = match action {
            Action::Transmit(frame) => Event::Sent { what: frame.what, ok: link.send(&frame.bytes, now) },
            Action::Deliver(unicast) => Event::Sent { what: unicast.what, ok: link.deliver(&unicast, now) },
            Action::Run(hook) => {
                errands.push(Request::Run(run(number, one, link, hook, now)));
                continue;
            }
            Action::KillHook { hook, force } => {
                errands.push(Request::Kill { host: number, hook, force });
                continue;
            }
            Action::Tell(notice) => {
                report.notice(one.about(&link.name), &notice, now);
                continue;
            }
        };
        queue.extend(one.tell(sent.into(), now).unwrap_or_default());
    }
}

fn run(host: u16, one: &Served, link: &Link, hook: Hook, now: Time) -> Run {
    let snapshot = one.core().snapshot(now);
    Run {
        host,
        hook,
        interface: link.name_for_hooks().to_owned(),
        role: snapshot.role,
        reason: snapshot.reason,
        master: snapshot.followed.map(|master| master.source),
    }
}
