//! The one place where an action of the core becomes an effect on the world: a frame that is sent, a line of the log, or
//! a request to who has the rights.
//!
//! It has no opinion: every action is carried out as it stands, and what became of it is told to the core as an
//! event, whose actions follow in order.

use std::collections::VecDeque;

use super::host::Served;
use super::link::Link;
use super::report::Report;
use super::request::{News, Request, Run};
use crate::protocol::{Action, Event, Hook, Notice, Reason, Role, Time};

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
            Action::Shift(shift) => {
                let interface = link.name_for_hooks().to_owned();
                errands.push(Request::Shift { host: number, shift, interface });
                continue;
            }
            Action::Tell(notice) => {
                if matches!(notice, Notice::FormSent { .. } | Notice::FormsForgotten) {
                    errands.push(Request::Settled { host: number });
                }
                if let Notice::Transition { to, reason, .. } = notice {
                    errands.push(Request::Notify(news((number, one), link, (to, reason), now)));
                }
                report.notice(one.about(&link.name), &notice, now);
                continue;
            }
        };
        queue.extend(one.tell(sent.into(), now).unwrap_or_default());
    }
}

/// That the role of a host is this one, and why.
pub(super) fn news(
    (host, one): (u16, &Served),
    link: &Link,
    (role, reason): (Role, Reason),
    now: Time,
) -> News {
    let snapshot = one.core().snapshot(now);
    News {
        host,
        interface: link.name_for_hooks().to_owned(),
        role,
        reason,
        master: snapshot.followed.map(|master| master.source),
        demotion: snapshot.demotion,
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

#[cfg(test)]
mod tests {
    use super::super::rules::tests::host;
    use super::super::start::parameters;
    use super::*;
    use crate::daemon::SERVICES;
    use crate::log::Log;
    use crate::protocol::{Frame, Reason, Role, Transmission, VirtualHost};

    /// What a host without an interface has others do for these actions.
    fn performed(renamed: Option<&str>, actions: Vec<Action>) -> (Served, Vec<Request>) {
        let (config, interface) = host("42", &[]);
        let core = VirtualHost::new(parameters(&config));
        let (mut one, mut link) = (Served::new(config, core), Link::new(interface));
        link.renamed = renamed.map(str::to_owned);
        let (mut errands, mut report) = (Vec::new(), Report::new(Log::none(SERVICES)));
        perform((3, &mut one), &mut link, actions, &mut errands, &mut report, Time::ZERO);
        (one, errands)
    }

    #[test]
    fn scripts_are_somebody_elses_business() {
        let kill = Action::KillHook { hook: Hook::Down, force: true };
        let (_, errands) = performed(Some("wan0"), vec![Action::Run(Hook::Up), kill]);
        let run = Run {
            host: 3,
            hook: Hook::Up,
            interface: "wan0".into(),
            role: Role::Init,
            reason: Reason::Started,
            master: None,
        };
        assert_eq!(errands, [Request::Run(run), Request::Kill { host: 3, hook: Hook::Down, force: true }]);
    }

    #[test]
    fn the_core_is_told_what_became_of_a_frame() {
        let frame = Frame { what: Transmission::Advert, bytes: vec![0; 60] };
        let (one, errands) = performed(None, vec![Action::Transmit(frame.clone()), Action::Transmit(frame)]);
        assert_eq!(one.core().snapshot(Time::ZERO).counters.send_failures, 2);
        assert_eq!(errands, []);
    }
}
