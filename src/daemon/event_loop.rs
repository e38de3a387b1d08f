//! The loop: obtain facts, tell them to the core, carry out what it answers.
//!
//! One thread around one wait. On each turn, in this order: how late we are, signals, links, frames (drained,
//! and once more before a deadline counts, so that a master that spoke in time is never declared dead), then the
//! deadlines. Nothing here blocks: sending, logging and hooks return at once, whatever happens to them.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::clock::{now, wall};
use super::devices::Devices;
use super::fleet::Fleet;
use super::hearing::InTurn;
use super::hooks::RunningHook;
use super::host::Served;
use super::interface::{look, look_at_hardware, settle_filter};
use super::link::LOOK_AROUND;
use super::presence::presence;
use super::report::Report;
use super::survey::Surveyor;
use super::turn;
use crate::platform::{self, Alarm, Changes, LinkMonitor, Signal, Signals};
use crate::protocol::{Event, Time, VirtualHost};

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

/// What is done at the end of each turn: the place where a test puts its fault.
pub(super) type EachTurn<'a> = Option<&'a mut dyn FnMut(&[&VirtualHost])>;

/// Starts every virtual host, serves them until the end is asked for and nothing is left to do.
///
/// # Errors
/// Only if not even sleeping works, which no retry can mend.
pub(super) fn run(
    fleet: &mut Fleet,
    sources: &mut Sources,
    ending: Ending,
    report: &mut Report,
    each_turn: EachTurn<'_>,
) -> std::io::Result<()> {
    // One moment for all: what starting a hook costs must not delay the first advertisement.
    let now = now();
    let mut surveyor = Surveyor::default();
    for link in 0..fleet.links().len() {
        let it = fleet.link_mut(link);
        it.looks_around_until = it.devices.is_some().then(|| now + LOOK_AROUND);
        for host in fleet.on(link) {
            for fact in wall().map(Event::Wall).into_iter().chain([Event::Start]) {
                fleet.tell(host, fact, report, now);
            }
        }
        look(fleet, link, Changes { links: true, addresses: false }, &mut surveyor, report, now);
        let it = fleet.link(link);
        let minds = it.hosts().any(|host| !fleet.hosts()[host].config.ignore_link_state);
        if it.devices.is_some() && minds {
            report.link_at_start(&it.name, it.state);
        }
    }
    serve(fleet, sources, ending, report, each_turn)
}

/// The loop without the start.
pub(super) fn serve(
    fleet: &mut Fleet,
    sources: &mut Sources,
    ending: Ending,
    report: &mut Report,
    mut each_turn: EachTurn<'_>,
) -> std::io::Result<()> {
    let (mut alarm, mut ready, mut blind) = (Alarm::new(), Vec::new(), false);
    while !fleet.finished() {
        let asleep = now();
        let deadline = fleet.deadline().into_iter().chain(report.deadline()).min();
        let captures: Vec<_> = fleet.links().iter().map(|link| link.capture(asleep)).collect();
        let listens: Vec<bool> = captures.iter().map(Option::is_some).collect();
        let fds: Vec<BorrowedFd<'_>> = [sources.signals.as_fd(), sources.links.as_fd()]
            .into_iter()
            .chain(captures.into_iter().flatten())
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
            listens.into_iter().map(|listens| listens && ready.next().unwrap_or(false)).collect();
        let said = ready.any(|said| said) || report.deadline().is_some_and(|deadline| deadline <= woken);

        for link in fleet.due(woken) {
            turn::late(&mut InTurn::new(fleet, link, report), woken);
        }
        if signalled {
            for signal in sources.signals.read() {
                take_signal(fleet, signal, ending, report, woken);
            }
        }
        let changes = if link_changed { sources.links.read() } else { Changes::default() };
        let mut surveyor = Surveyor::default();
        let mut touched = fleet.due(woken);
        touched.sort_unstable();
        for (link, captured) in captured.into_iter().enumerate() {
            let is_due = touched.binary_search(&link).is_ok();
            if !(captured || is_due || changes.links || changes.addresses) {
                continue;
            }
            look(fleet, link, changes, &mut surveyor, report, woken);
            InTurn::new(fleet, link, report).take_frames(captured, woken);
            look_ahead(fleet, link, report, woken);
            fleet.note(link, woken);
        }
        for link in fleet.due(woken) {
            turn::tick(&mut InTurn::new(fleet, link, report), woken);
        }
        if said {
            report.listen(woken);
        }
        if let Some(each_turn) = &mut each_turn {
            each_turn(&fleet.cores().collect::<Vec<_>>());
        }
    }
    Ok(())
}

/// Ends the look around for other users of our ids when its time is over.
fn look_ahead(fleet: &mut Fleet, link: usize, report: &mut Report, now: Time) {
    if fleet.link(link).looks_around_until.is_none_or(|until| until > now) {
        return;
    }
    fleet.on(link).into_iter().for_each(|host| fleet.host(host).0.unshared.end());
    let it = fleet.link_mut(link);
    it.looks_around_until = None;
    it.devices.iter_mut().for_each(Devices::look_ahead);
    settle_filter(it, report, now);
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
pub(super) fn shut_down(fleet: &mut Fleet, withdraw: bool, report: &mut Report) {
    for host in 0..fleet.hosts().len() {
        fleet.tell(host, Event::Shutdown { withdraw }, report, now());
    }
}

fn take_signal(fleet: &mut Fleet, signal: Signal, ending: Ending, report: &mut Report, now: Time) {
    let all = 0..fleet.hosts().len();
    match signal {
        Signal::Terminate | Signal::Interrupt | Signal::Quit | Signal::HangUp => {
            report.told_to_end(signal);
            for host in all {
                fleet.tell(host, Event::Shutdown { withdraw: ending.withdraw }, report, now);
            }
        }
        Signal::User1 => {
            for link in 0..fleet.links().len() {
                turn::look_for_losses(&mut InTurn::new(fleet, link, report), now);
            }
            for host in all {
                let (one, link) = fleet.host(host);
                report.status(one.about(&link.name), &one.core().snapshot(now), now);
            }
        }
        Signal::User2 => all.for_each(|host| fleet.tell(host, Event::Resign, report, now)),
        Signal::Child => {
            all.for_each(|host| reap(fleet, host, report, now));
            bury_strangers(fleet.hosts());
        }
    }
}

fn reap(fleet: &mut Fleet, host: usize, report: &mut Report, now: Time) {
    let (one, _) = fleet.host(host);
    let Some(running) = &mut one.hook else { return };
    let Some(ended) = running.ended(|number| report.last_line(number)) else { return };
    let (hook, outcome) = (running.hook(), ended.outcome);
    (one.hook, one.ended) = (None, Some(ended));
    // A script may have given the interface another one, and the neighbours are told next.
    look_at_hardware(fleet, fleet.link_of(host), report, now);
    let (one, link) = fleet.host(host);
    let addresses = presence(one, link, report, now);
    fleet.tell(host, Event::HookDone { hook, ended: outcome.into(), addresses }, report, now);
}

/// Children that are no hook of ours: see [`platform::bury_strangers`].
fn bury_strangers(hosts: &[Served]) {
    let hooks: Vec<u32> = hosts.iter().filter_map(|one| one.hook.as_ref()).map(RunningHook::pid).collect();
    platform::bury_strangers(&hooks);
}
