//! The one place where an action of the core becomes an effect on the world.
//!
//! It has no opinion: every action is carried out as it stands, and what became of it is told to the core as an
//! event, whose actions follow in order.

use std::collections::VecDeque;
use std::io;
use std::path::Path;

use super::caller::caller;
use super::clock;
use super::hooks::RunningHook;
use super::host::Served;
use super::link::Link;
use super::presence::presence;
use super::report::{About, Report};
use crate::config::script;
use crate::protocol::{Action, Event, Hook, HookEnd, Time};

/// Carries out `actions` for one virtual host, and all that follow from their outcome.
pub(super) fn perform(
    one: &mut Served,
    link: &mut Link,
    actions: Vec<Action>,
    report: &mut Report,
    now: Time,
) {
    let mut queue = VecDeque::from(actions);
    while let Some(action) = queue.pop_front() {
        let outcome = match action {
            Action::Transmit(frame) => {
                Some(Event::Sent { what: frame.what, ok: link.send(&frame.bytes, now) })
            }
            Action::Deliver(unicast) => {
                Some(Event::Sent { what: unicast.what, ok: link.deliver(&unicast, now) })
            }
            Action::Run(hook) => run(one, link, hook, report, now),
            Action::KillHook { hook: _, force } => {
                if let Some(running) = &one.hook {
                    running.kill(force);
                }
                None
            }
            Action::Tell(notice) => {
                report.notice(one.about(&link.name), &notice, now);
                None
            }
        };
        if let Some(event) = outcome {
            queue.extend(one.tell(event.into(), now).unwrap_or_default());
        }
    }
}

fn run(one: &mut Served, link: &mut Link, hook: Hook, report: &mut Report, now: Time) -> Option<Event> {
    let script = match hook {
        Hook::Up => one.config.up.as_deref(),
        Hook::Down => one.config.down.as_deref(),
    };
    let script = script?;
    let path = script.display().to_string();
    let snapshot = one.core().snapshot(now);
    let interface = link.name_for_hooks();
    let about = About::new(interface, one.config.vhid);
    match RunningHook::start(hook, script, interface, &one.config, &snapshot, report.overheard()) {
        Ok(running) => {
            report.hook_started(hook, &path, about, now);
            one.hook = Some(running);
            None
        }
        Err(error) => {
            report.hook_unstartable(hook, &why(hook, script, &error));
            one.ended = None;
            let addresses = presence(one, link, report, now);
            Some(Event::HookDone { hook, ended: HookEnd::NotRun, addresses })
        }
    }
}

/// Why a script could not be run: the system's own word for it may be about a program the script names.
fn why(hook: Hook, script: &Path, error: &io::Error) -> String {
    let option = match hook {
        Hook::Up => "--upscript",
        Hook::Down => "--downscript",
    };
    match script::examine(option, script, &caller()) {
        Err(found) => found.to_string(),
        Ok(()) => format!("{option}: {}: {error}", script.display()),
    }
}

/// Runs the down hook without asking the core, which has failed, and waits for it: nothing else is left to do.
pub(super) fn last_resort(one: &Served, link: &Link, report: &mut Report) {
    let Some(script) = one.config.down.clone() else { return };
    let path = script.display().to_string();
    let snapshot = one.core().snapshot(Time::ZERO);
    let interface = link.name_for_hooks();
    let about = About::new(interface, one.config.vhid);
    match RunningHook::start(Hook::Down, &script, interface, &one.config, &snapshot, report.overheard()) {
        Ok(running) => {
            report.hook_started(Hook::Down, &path, about, clock::now());
            running.wait(one.config.hook_timeout, || report.listen(clock::now()));
        }
        Err(error) => report.hook_unstartable(Hook::Down, &why(Hook::Down, &script, &error)),
    }
}
