//! One wait, then everything that is ready, in an order that matters.
//!
//! What the hands tell first (the end is asked for, a hook ended), then the link (who lost it must not speak), then frames
//! (drained, and once more before a deadline counts, so that a master that spoke in time is never declared dead), then the
//! deadlines. Nothing here blocks: sending, logging and asking return at once, whatever happens to them.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::addresses::Shifted;
use super::breather::Breather;
use super::changes;
use super::checkup;
use super::clock::now;
use super::devices::Devices;
use super::fitness;
use super::fleet::Fleet;
use super::health::Health;
use super::hearing::InTurn;
use super::interface::{connected, look, look_at_hardware, not_connected, opened, settle_filter, surveyed};
use super::liaison::Liaison;
use super::outcome::Ended;
use super::presence::presence;
use super::pulse::Pulse;
use super::report::{Report, unasked};
use super::request::{Asked, Fact, Request, Stepped};
use super::standing;
use super::survey::{self, Surveyor};
use super::turn;
use crate::log::Level;
use crate::platform::{self, Alarm, Changes, LinkMonitor, PidFile, Signal, Signals};
use crate::protocol::causes::Weight;
use crate::protocol::wire::arp;
use crate::protocol::{Event, Hook, HookEnd, Link, Parameters, Role, Shift, Time};
use crate::sorting::sort_by;

/// How often is looked for events that cannot be waited for.
const GLANCE: Duration = Duration::from_millis(10);
/// What wakes this much later than it was to is worth counting: some systems count in steps of 10 ms and end a wait two later.
const LATE: Duration = Duration::from_millis(25);

/// What the loop waits for, besides captures.
pub(super) struct Sources<'a> {
    pub(super) hands: Liaison,
    /// Nobody's business but the hands', while there are any.
    pub(super) signals: Signals,
    pub(super) links: LinkMonitor,
    pub(super) breather: Breather,
    pub(super) health: Health,
    pub(super) pulse: Pulse,
    /// It names whoever can be told to end.
    pub(super) pidfile: Option<&'a PidFile>,
    /// How often, and by how much at most, the loop was woken late.
    pub(super) late: (u64, Duration),
    /// When nobody has anything left to do, that is the end.
    pub(super) ends: bool,
}

/// Serves until the end is asked for and nothing is left to do.
///
/// # Errors
/// Only if not even sleeping works, which no retry can mend.
pub(super) fn serve(
    fleet: &mut Fleet,
    sources: &mut Sources<'_>,
    report: &mut Report,
) -> std::io::Result<()> {
    let (mut alarm, mut ready, mut blind) = (Alarm::new(), Vec::new(), false);
    loop {
        hand_over(fleet, sources, report, now());
        if sources.ends && fleet.finished() {
            return Ok(());
        }
        let asleep = now();
        let beat = sources.hands.stands().then(|| sources.pulse.due());
        let deadline = fleet.deadline().into_iter().chain(beat).chain(sources.breather.due());
        let checks = sources.health.deadline().filter(|_| sources.hands.stands());
        let deadline = deadline.chain(sources.hands.deadline(asleep)).chain(checks).min();
        let captures: Vec<_> = fleet.links().iter().map(|link| link.capture(asleep)).collect();
        let listens: Vec<bool> = captures.iter().map(Option::is_some).collect();
        let hands = sources.hands.descriptor();
        let has_hands = hands.is_some();
        let fds: Vec<BorrowedFd<'_>> = [sources.signals.as_fd(), sources.links.as_fd()]
            .into_iter()
            .chain(hands)
            .chain(captures.into_iter().flatten())
            .collect();
        let failed = wait(&mut alarm, &fds, &mut ready, deadline)?;
        match (std::mem::replace(&mut blind, failed.is_some()), failed) {
            (false, Some(error)) => report.cannot_wait(&error),
            (true, None) => report.can_wait(),
            (false, None) | (true, Some(_)) => {}
        }
        let woken = now();
        let late = deadline.map_or(Duration::ZERO, |deadline| woken.since(deadline.max(asleep)));
        if late >= LATE {
            sources.late = (sources.late.0.saturating_add(1), sources.late.1.max(late));
        }
        let mut ready = ready.iter().copied();
        let signalled = ready.next().unwrap_or(false);
        let link_changed = ready.next().unwrap_or(false);
        let told = has_hands && ready.next().unwrap_or(false);
        let captured: Vec<bool> =
            listens.into_iter().map(|listens| listens && ready.next().unwrap_or(false)).collect();

        for link in fleet.due(woken) {
            turn::late(&mut InTurn::new(fleet, link, report), woken);
        }
        if signalled {
            take_signals(fleet, sources, report, woken);
        }
        if told {
            take_facts(fleet, sources, report, woken);
        }
        changes::see_off(fleet, report, woken);
        sources.hands.flush();
        let mut changes = if link_changed { sources.links.read() } else { Changes::default() };
        changes.addresses = sources.breather.looks(changes.addresses, woken);
        let mut surveyor = Surveyor::default();
        let mut touched = fleet.due(woken);
        sort_by(&mut touched, Ord::cmp);
        for (link, captured) in captured.into_iter().enumerate() {
            let is_due = touched.binary_search(&link).is_ok();
            if !(captured || is_due || changes.links || changes.addresses) {
                continue;
            }
            look(fleet, link, changes, &mut surveyor, report, woken);
            InTurn::new(fleet, link, report).take_frames(captured, woken);
            look_ahead(fleet, link, report, woken);
            look_for_strangers(fleet, link, woken);
            fleet.note(link, woken);
        }
        if changes.links {
            sources.health.links_changed(woken);
        }
        if sources.hands.stands() {
            checkup::tick(&mut sources.health, fleet, report, woken);
        }
        for link in fleet.due(woken) {
            turn::tick(&mut InTurn::new(fleet, link, report), woken);
        }
        if !sources.hands.stands() {
            leave_to_others(fleet, report, woken);
        }
    }
}

/// Hands over what came of a turn: lines for the log, that we work, and errands. In this order: whoever waits for us to
/// work may have his streams back then, which scripts would hold.
pub(super) fn hand_over(fleet: &mut Fleet, sources: &mut Sources<'_>, report: &mut Report, now: Time) {
    sources.hands.hand_over(report.log());
    if sources.hands.stands() {
        let changed = fleet.take_role_change();
        if let Some(beat) = sources.pulse.beat(fleet.cores(), changed, now) {
            sources.hands.ask(&beat);
        }
    }
    // What cannot be asked for is told at once, and more may follow from it: once, since a hook is not tried again at once.
    for _ in 0..2 {
        for request in fleet.take_errands() {
            if sources.hands.ask(&request) {
                continue;
            }
            if let Request::Check { check, run } = &request {
                sources.health.unasked(*check, *run);
            }
            if let Request::Shift { host, shift, .. } = &request {
                not_shifted(fleet, (*host).into(), *shift, report, now);
                if *shift == Shift::Assign && !sources.hands.stands() {
                    fleet.tell(usize::from(*host), Event::Shutdown { withdraw: true }, report, now);
                }
            }
            if let Request::Run(run) = &request {
                not_run(fleet, run.host.into(), run.hook, &unasked(), report, now);
                if run.hook == Hook::Up && !sources.hands.stands() {
                    // Nobody can bring the address here any more; another host may have it.
                    fleet.tell(run.host.into(), Event::Shutdown { withdraw: true }, report, now);
                }
            }
        }
    }
    sources.hands.hand_over(report.log());
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

/// Has masters ask who else has their addresses, where it is time to.
fn look_for_strangers(fleet: &mut Fleet, link: usize, now: Time) {
    for host in fleet.link_mut(link).strangers.due(now) {
        let (one, it) = fleet.host(host);
        let Parameters { mac, addresses, .. } = one.core().parameters();
        for address in addresses.iter().filter(|_| one.link == Link::Up) {
            if let IpAddr::V4(address) = address {
                it.send(&arp::probe(*mac, *address), now);
            }
        }
    }
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

/// Takes in what the hands told, or that there are none any more.
fn take_facts(fleet: &mut Fleet, sources: &mut Sources<'_>, report: &mut Report, now: Time) {
    let mut changed = BTreeSet::new();
    for (fact, descriptors) in sources.hands.hear() {
        match fact {
            Fact::Signal(signal) => take_signal(fleet, signal, sources, report, now),
            Fact::HookRunning { host, hook, path } => {
                if is_known(fleet, host) {
                    let (one, link) = fleet.host(host.into());
                    report.hook_started(hook, &path, one.about(link.name_for_hooks()), now);
                }
            }
            Fact::HookNotRun { host, hook, why } if is_known(fleet, host) => {
                not_run(fleet, host.into(), hook, &why, report, now);
            }
            Fact::HookEnded { host, hook, path, outcome, last_line } if is_known(fleet, host) => {
                let one = fleet.host(host.into()).0;
                one.ended = Some(Ended { path, outcome, last_line });
                hook_ended(fleet, host.into(), hook, outcome.into(), report, now);
            }
            Fact::Shifted { host, shift, shifted: outcome } if is_known(fleet, host) => {
                shifted(fleet, host.into(), shift, outcome, report, now);
            }
            Fact::Devices { interface, devices } => {
                if let Some(link) = fleet.link_called(&interface) {
                    opened(fleet, link, Ok(devices.into_iter().zip(descriptors).collect()), report, now);
                }
            }
            Fact::Connected { interface, source, peers } => {
                if let Some(link) = fleet.link_called(&interface) {
                    connected(fleet, link, (source, &peers, descriptors), report, now);
                }
            }
            Fact::Surveyed { interface, survey } => {
                let link = fleet.link_known_as(&interface);
                survey::told(interface, survey);
                link.into_iter().for_each(|link| surveyed(fleet, link, report, now));
            }
            Fact::CouldNot { what: Asked::OpenDevices { interface }, why } => {
                if let Some(link) = fleet.link_called(&interface) {
                    opened(fleet, link, Err(why), report, now);
                }
            }
            Fact::Checked { check, run, found } => {
                checkup::found(&mut sources.health, (check, run), found, fleet, report, now);
            }
            Fact::Watch { check, what } => {
                let what = what.map(|check| *check);
                checkup::change(&mut sources.health, check, what, fleet, report, now);
            }
            Fact::CouldNot { what: Asked::Check { check, run }, .. } => sources.health.unasked(check, run),
            Fact::CouldNot { what, why } => {
                if let Asked::Connect { interface } = &what {
                    let link = fleet.link_called(interface);
                    link.into_iter().for_each(|link| not_connected(fleet, link, now));
                }
                report.could_not(&what, &why, now);
            }
            Fact::HookNotRun { .. } | Fact::HookEnded { .. } | Fact::Shifted { .. } => {}
            Fact::Serve { host, interface, config } => {
                changed.extend(changes::serve(fleet, host, &interface, *config, report, now));
            }
            Fact::ByHand { host, name, amount } if is_known(fleet, host) => {
                let weight = amount.map(|amount| Weight { amount, releases: false });
                fitness::by_hand(fleet, host.into(), &name, weight, report, now);
            }
            Fact::Resign { order, host, force } if is_known(fleet, host) => {
                step_aside(fleet, (order, host), force, report, now);
            }
            Fact::Take { order, host } if is_known(fleet, host) => {
                let untaken = fleet.hosts()[usize::from(host)].core().untaken(now);
                fleet.tell(host.into(), Event::Take, report, now);
                fleet.ask(Request::Took { order, host, untaken });
            }
            Fact::Query { query, subject, hosts } => {
                for host in hosts {
                    let there = is_known(fleet, host);
                    let fields = there.then(|| standing::fields(subject, fleet, host.into(), now));
                    let fields = fields.unwrap_or_default();
                    fleet.ask(Request::Standing { query, subject, host, fields });
                }
            }
            Fact::Confirm { host } if is_known(fleet, host) => {
                fleet.tell(host.into(), Event::Confirm, report, now);
            }
            Fact::ByHand { .. } | Fact::Resign { .. } | Fact::Take { .. } | Fact::Confirm { .. } => {}
            Fact::Leave { host, departure } => changes::leave(fleet, host, departure, report, now),
            Fact::Changed { silence } => {
                sources.pulse.may_be_silent(silence);
                checkup::tell_all(&sources.health, fleet, report, now);
            }
        }
    }
    changes::settle(fleet, changed, report, now);
    if !sources.hands.stands() {
        sources.ends = true;
        let inherited = sources.pidfile.map(PidFile::inherit).transpose();
        report.alone(fleet.cores().any(|core| core.role() == Role::Master));
        inherited.err().into_iter().for_each(|why| report.no_pidfile(&why));
        for (host, shift) in fleet.asked_shifts() {
            not_shifted(fleet, host, shift, report, now);
        }
        for (host, hook) in fleet.running_hooks() {
            // It may go on, and nobody will hear how it ends: where the addresses are tells.
            hook_ended(fleet, host, hook, HookEnd::Succeeded, report, now);
        }
        leave_to_others(fleet, report, now);
    }
}

/// Has a master step aside, and tells what became of that.
fn step_aside(fleet: &mut Fleet, (order, number): (u32, u16), force: bool, report: &mut Report, now: Time) {
    let host = usize::from(number);
    let role = |fleet: &Fleet| fleet.hosts()[host].core().role();
    let before = role(fleet);
    fleet.tell(host, Event::Resign { force }, report, now);
    let stepped = match (before, role(fleet)) {
        (Role::Master, Role::Master) => Stepped::WouldBeBack,
        (Role::Master, Role::Backup | Role::Init) => Stepped::Aside,
        (other, _) => Stepped::NotMaster(other),
    };
    fleet.ask(Request::Stepped { order, host: number, stepped });
}

fn is_known(fleet: &Fleet, host: u16) -> bool {
    fleet.hosts().get(usize::from(host)).is_some_and(|one| !one.gone)
}

fn not_run(fleet: &mut Fleet, host: usize, hook: Hook, why: &str, report: &mut Report, now: Time) {
    report.hook_unstartable(hook, why);
    fleet.host(host).0.ended = None;
    hook_ended(fleet, host, hook, HookEnd::NotRun, report, now);
}

fn hook_ended(fleet: &mut Fleet, host: usize, hook: Hook, ended: HookEnd, report: &mut Report, now: Time) {
    // A script may have given the interface another one, and the neighbours are told next.
    look_at_hardware(fleet, fleet.link_of(host), report, now);
    let (one, link) = fleet.host(host);
    let addresses = presence(one, link, report, now);
    fleet.tell(host, Event::HookDone { hook, ended, addresses }, report, now);
}

fn shifted(fleet: &mut Fleet, host: usize, shift: Shift, outcome: Shifted, report: &mut Report, now: Time) {
    let (one, link) = fleet.host(host);
    let (changed, ok) = (!outcome.changed.is_empty(), outcome.failed.is_empty());
    one.shifted = outcome;
    let addresses = presence(one, link, report, now);
    fleet.tell(host, Event::Shifted { shift, changed, ok, addresses }, report, now);
}

fn not_shifted(fleet: &mut Fleet, host: usize, shift: Shift, report: &mut Report, now: Time) {
    let outcome = Shifted::nothing(&fleet.hosts()[host].config, &unasked());
    shifted(fleet, host, shift, outcome, report, now);
}

/// Without hands nothing is taken over: of the addresses only those are kept that are here.
fn leave_to_others(fleet: &mut Fleet, report: &mut Report, now: Time) {
    for host in fleet.there() {
        let core = fleet.hosts()[host].core();
        if core.role() != Role::Master && !core.leaves() {
            fleet.tell(host, Event::Shutdown { withdraw: false }, report, now);
        }
    }
}

/// Signals are for the hands, who pass them on; but somebody may send one to all processes of this name.
fn take_signals(fleet: &mut Fleet, sources: &mut Sources<'_>, report: &mut Report, now: Time) {
    for signal in sources.signals.read() {
        if !sources.hands.stands() {
            take_signal(fleet, signal, sources, report, now);
        }
    }
}

fn take_signal(fleet: &mut Fleet, signal: Signal, sources: &mut Sources<'_>, report: &mut Report, now: Time) {
    let all = fleet.there();
    match signal {
        Signal::Terminate | Signal::Interrupt | Signal::Quit | Signal::HangUp => {
            let is_first = !std::mem::replace(&mut sources.ends, true);
            for host in all {
                let one = &fleet.hosts()[host];
                // Who leaves already is not hurried by the first word.
                if is_first && one.core().leaves() {
                    continue;
                }
                let withdraw = one.config.withdraws();
                fleet.tell(host, Event::Shutdown { withdraw }, report, now);
            }
        }
        Signal::User1 => {
            for link in 0..fleet.links().len() {
                turn::look_for_losses(&mut InTurn::new(fleet, link, report), now);
            }
            for host in all {
                let standings = fleet.causes.of(host);
                let (one, link) = fleet.host(host);
                report.status(one.about(&link.name), &one.core().snapshot(now), now);
                report.standings(one.about(&link.name), &standings, now);
                report.told(one.about(&link.name), &one.record, Level::Debug);
            }
            report.woken_late(sources.late);
        }
        Signal::User2 => {
            all.into_iter().for_each(|host| fleet.tell(host, Event::Resign { force: false }, report, now))
        }
        Signal::Child => {}
    }
}
