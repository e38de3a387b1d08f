//! The loop: obtain facts, tell them to the core, carry out what it answers.
//!
//! One thread around one wait. On each turn, in this order: how late we are, signals, links, frames (drained,
//! and once more before a deadline counts, so that a master that spoke in time is never declared dead), then the
//! deadlines. Nothing here blocks: sending, logging and hooks return at once, whatever happens to them.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::attachment::Attachment;
use super::clock::{now, wall};
use super::hearing::InTurn;
use super::hooks::RunningHook;
use super::host::{LOOK_AROUND, Served};
use super::interface::{look, look_at_hardware, presence, settle_filter};
use super::perform::perform;
use super::report::Report;
use super::turn;
use crate::platform::{self, Alarm, Changes, LinkMonitor, Signal, Signals};
use crate::protocol::{Action, Event, Time, VirtualHost};

/// How often is looked for events that cannot be waited for.
const GLANCE: Duration = Duration::from_millis(10);

/// What the loop waits for, besides captures.
pub(super) struct Sources {
    pub(super) signals: Signals,
    pub(super) links: LinkMonitor,
}

/// How the loop treats the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    /// Bow out and run the down hook.
    pub(super) withdraw: bool,
}

/// Starts every virtual host, serves them until the end is asked for and nothing is left to do.
///
/// `each_turn` is called at the end of every turn: the place where a test puts its fault.
///
/// # Errors
/// Only if not even sleeping works, which no retry can mend.
pub(super) fn run(
    served: &mut [Served],
    sources: &mut Sources,
    ending: Ending,
    report: &mut Report,
    each_turn: &mut dyn FnMut(&[&VirtualHost]),
) -> std::io::Result<()> {
    // One moment for all: what starting a hook costs must not delay the first advertisement.
    let now = now();
    for one in served.iter_mut() {
        one.looks_around_until = one.attachment.is_some().then(|| now + LOOK_AROUND);
        let facts = wall().map(Event::Wall).into_iter().chain([Event::Start]);
        for fact in facts {
            let actions = one.host.handle(fact, now);
            perform(one, actions, report, now);
        }
        look(one, Changes { links: true, addresses: false }, report, now);
        if one.attachment.is_some() {
            report.link_at_start(&one.interface, one.link);
        }
    }
    serve(served, sources, ending, report, each_turn)
}

/// The loop without the start.
pub(super) fn serve(
    served: &mut [Served],
    sources: &mut Sources,
    ending: Ending,
    report: &mut Report,
    each_turn: &mut dyn FnMut(&[&VirtualHost]),
) -> std::io::Result<()> {
    let (mut alarm, mut ready, mut blind) = (Alarm::new(), Vec::new(), false);
    while !served.iter().all(|one| one.host.finished()) {
        let asleep = now();
        let deadline = served.iter().filter_map(|one| one.deadline(asleep)).chain(report.deadline()).min();
        let fds: Vec<BorrowedFd<'_>> = [sources.signals.as_fd(), sources.links.as_fd()]
            .into_iter()
            .chain(served.iter().filter_map(|one| one.capture(asleep)))
            .chain(report.descriptors(asleep))
            .collect();
        let failed = wait(&mut alarm, &fds, &mut ready, deadline)?;
        match (std::mem::replace(&mut blind, failed.is_some()), failed) {
            (false, Some(error)) => report.cannot_wait(&error),
            (true, None) => report.can_wait(),
            (false, None) | (true, Some(_)) => {}
        }
        let woken = now();
        let mut ready = ready.iter().copied();
        let signalled = ready.next().unwrap_or(false);
        let link_changed = ready.next().unwrap_or(false);
        let captured: Vec<bool> =
            served.iter().map(|one| one.capture(asleep).is_some() && ready.next().unwrap_or(false)).collect();
        let said = ready.any(|said| said) || report.deadline().is_some_and(|deadline| deadline <= woken);

        for one in served.iter_mut() {
            turn::late(&mut InTurn::new(one, report), woken);
        }
        if signalled {
            for signal in sources.signals.read() {
                served.iter_mut().for_each(|one| take_signal(one, signal, ending, report, woken));
                if signal == Signal::Child {
                    bury_strangers(served);
                }
            }
        }
        let changes = if link_changed { sources.links.read() } else { Changes::default() };
        for (one, captured) in served.iter_mut().zip(captured) {
            look(one, changes, report, woken);
            InTurn::new(one, report).take_frames(captured, woken);
            if one.looks_around_until.is_some_and(|until| until <= woken) {
                one.looks_around_until = None;
                one.unshared.end();
                one.attachment.iter_mut().for_each(Attachment::look_ahead);
                settle_filter(one, report, woken);
            }
        }
        for one in served.iter_mut() {
            turn::tick(&mut InTurn::new(one, report), woken);
        }
        if said {
            report.listen(woken);
        }
        each_turn(&served.iter().map(|one| &one.host).collect::<Vec<_>>());
    }
    Ok(())
}

/// Waits. Where that fails, as it does when the limit of descriptors was set below what is open, everything is taken to
/// be ready every few milliseconds, and the error comes back: nothing that is read here waits.
fn wait(
    alarm: &mut Alarm,
    fds: &[BorrowedFd<'_>],
    ready: &mut Vec<bool>,
    until: Option<Time>,
) -> std::io::Result<Option<std::io::Error>> {
    let Err(error) = alarm.wait(fds, ready, until.map(Time::since_zero)) else { return Ok(None) };
    platform::wait(&[], ready, Some(until.map_or(GLANCE, |until| until.since(now()).min(GLANCE))))?;
    ready.resize(fds.len(), true);
    Ok(Some(error))
}

/// Tells every virtual host that the daemon ends.
pub(super) fn shut_down(served: &mut [Served], withdraw: bool, report: &mut Report) {
    for one in served {
        let now = now();
        let actions = one.host.handle(Event::Shutdown { withdraw }, now);
        perform(one, actions, report, now);
    }
}

fn take_signal(one: &mut Served, signal: Signal, ending: Ending, report: &mut Report, now: Time) {
    let actions = match signal {
        Signal::Terminate | Signal::Interrupt | Signal::Quit | Signal::HangUp => {
            report.told_to_end(signal);
            one.host.handle(Event::Shutdown { withdraw: ending.withdraw }, now)
        }
        Signal::User1 => {
            turn::look_for_losses(&mut InTurn::new(one, report), now);
            report.status(one.about(), &one.host.snapshot(now), now);
            Vec::new()
        }
        Signal::User2 => one.host.handle(Event::Resign, now),
        Signal::Child => reap(one, report, now),
    };
    perform(one, actions, report, now);
}

fn reap(one: &mut Served, report: &mut Report, now: Time) -> Vec<Action> {
    let Some(running) = &mut one.hook else { return Vec::new() };
    let Some(ended) = running.ended(report) else { return Vec::new() };
    let (hook, outcome) = (running.hook(), ended.outcome);
    (one.hook, one.ended) = (None, Some(ended));
    // A script may have given the interface another one, and the neighbours are told next.
    look_at_hardware(one, report, now);
    let addresses = presence(one, report, now);
    one.host.handle(Event::HookDone { hook, ended: outcome.into(), addresses }, now)
}

/// Children that are no hook of ours: see [`platform::bury_strangers`].
fn bury_strangers(served: &[Served]) {
    let hooks: Vec<u32> = served.iter().filter_map(|one| one.hook.as_ref()).map(RunningHook::pid).collect();
    platform::bury_strangers(&hooks);
}
