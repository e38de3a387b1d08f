//! The loop: obtain facts, tell them to the core, carry out what it answers. The only reader of the clock.
//!
//! One thread around one wait. On each turn, in this order: how late we are, signals, links, frames (drained,
//! and once more before a deadline counts, so that a master that spoke in time is never declared dead), then the
//! deadlines. Nothing here blocks: sending, logging and hooks return at once, whatever happens to them.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::attachment::Attachment;
use super::draining::{BATCH, Draining};
use super::hooks::RunningHook;
use super::mismatch::Mismatches;
use super::perform::perform;
use super::report::{About, Report};
use super::start::{self, Place};
use super::unshared::Unshared;
use crate::config::VirtualHostConfig;
use crate::platform::{self, Changes, Claim, LinkMonitor, LinkState, Signal, Signals};
use crate::protocol::{Action, Cause, Event, Link, Rejected, Role, Time, Unicast, VirtualHost};

/// Lateness worth telling the core about.
const LATE: Duration = Duration::from_millis(50);
/// A wait may be late by this much.
const EXACT: Duration = Duration::from_micros(20);
/// How long VRRP routers with our ids are listened to after an interface was taken up; they speak every second.
const LOOK_AROUND: Duration = Duration::from_secs(5);
/// How often a missing interface is looked for beside the events about it, and the state of one that sends none.
const RETRY: Duration = Duration::from_secs(1);

/// A virtual host with what it needs of this machine.
pub(super) struct Served {
    pub(super) config: VirtualHostConfig,
    pub(super) interface: String,
    pub(super) host: VirtualHost,
    pub(super) hook: Option<RunningHook>,
    /// That nobody else on this machine serves the same.
    _claim: Claim,
    attachment: Option<Attachment>,
    link: Link,
    draining: Draining,
    looks_around_until: Option<Time>,
    retry: Option<Time>,
    mismatches: Mismatches,
    unshared: Unshared,
    /// Whether the operator has been told where it is; not yet, while its first interface is waited for.
    introduced: bool,
    /// Why the interface could not be taken up when that was last tried.
    pub(super) trouble: Option<String>,
    /// The source address is gone and there is no other.
    stranded: bool,
    /// What the interface is called now that it lost the name we were given.
    renamed: Option<String>,
}

impl Served {
    pub(super) fn new(
        config: VirtualHostConfig,
        interface: String,
        claim: Claim,
        attachment: Option<Attachment>,
        host: VirtualHost,
    ) -> Self {
        Self {
            config,
            interface,
            host,
            hook: None,
            _claim: claim,
            introduced: attachment.is_some(),
            trouble: None,
            stranded: false,
            renamed: None,
            attachment,
            link: Link::Down,
            draining: Draining::default(),
            looks_around_until: None,
            retry: None,
            mismatches: Mismatches::default(),
            unshared: Unshared::default(),
        }
    }

    /// The name under which hooks find the interface that has, or had, the addresses.
    pub(super) fn interface_for_hooks(&self) -> &str {
        self.renamed.as_deref().unwrap_or(&self.interface)
    }

    pub(super) fn about(&self) -> About<'_> {
        About { interface: &self.interface, vhid: self.config.vhid }
    }

    /// Whether the system took the frame.
    pub(super) fn send(&self, frame: &[u8]) -> bool {
        self.attachment.as_ref().is_some_and(|attachment| attachment.send(frame).is_ok())
    }

    /// Whether the system took any of the packets: one host out of reach is no fault of ours.
    pub(super) fn deliver(&self, unicast: &Unicast) -> bool {
        self.attachment.as_ref().is_some_and(|attachment| attachment.deliver(unicast))
    }

    /// The capture, unless it rests.
    fn capture(&self, now: Time) -> Option<BorrowedFd<'_>> {
        self.attachment.as_ref().filter(|_| !self.draining.rests(now)).map(AsFd::as_fd)
    }

    fn deadline(&self, now: Time) -> Option<Time> {
        [self.host.next_deadline(), self.draining.deadline(now), self.looks_around_until, self.retry]
            .into_iter()
            .flatten()
            .min()
    }
}

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

pub(super) fn now() -> Time {
    Time::new(platform::now())
}

/// Starts every virtual host, serves them until the end is asked for and nothing is left to do.
///
/// `each_turn` is called at the end of every turn: the place where a test puts its fault.
///
/// # Errors
/// Only if waiting itself fails, which no retry can mend.
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
        let actions = one.host.handle(Event::Start, now);
        perform(one, actions, report, now);
        look_at_link(one, report, now);
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
    let mut ready = Vec::new();
    while !served.iter().all(|one| one.host.finished()) {
        let asleep = now();
        let deadline = served.iter().filter_map(|one| one.deadline(asleep)).min();
        let fds: Vec<BorrowedFd<'_>> = [sources.signals.as_fd(), sources.links.as_fd()]
            .into_iter()
            .chain(served.iter().filter_map(|one| one.capture(asleep)))
            .collect();
        platform::wait(&fds, &mut ready, deadline.map(|deadline| in_time(deadline.since(asleep))))?;
        let woken = now();
        let mut ready = ready.iter().copied();
        let signalled = ready.next().unwrap_or(false);
        let link_changed = ready.next().unwrap_or(false);
        let captured: Vec<bool> =
            served.iter().map(|one| one.capture(asleep).is_some() && ready.next().unwrap_or(false)).collect();

        for one in served.iter_mut() {
            let late = one.host.next_deadline().map_or(Duration::ZERO, |deadline| woken.since(deadline));
            if late >= LATE {
                let actions = one.host.handle(Event::Late(late), woken);
                perform(one, actions, report, woken);
            }
        }
        if signalled {
            for signal in sources.signals.read() {
                served.iter_mut().for_each(|one| take_signal(one, signal, ending, report, woken));
            }
        }
        let changes = if link_changed { sources.links.read() } else { Changes::default() };
        for (one, captured) in served.iter_mut().zip(captured) {
            let awaited = one.attachment.is_none() && changes.addresses;
            if changes.links || awaited || one.retry.is_some_and(|retry| retry <= woken) {
                look_at_link(one, report, woken);
            }
            if changes.links || changes.addresses {
                look_at_place(one, report, woken);
            }
            let due = one.host.next_deadline().is_some_and(|deadline| deadline <= woken);
            if one.draining.is_due(captured, woken) || (due && one.host.role() == Role::Backup) {
                take_frames(one, report);
            }
            if one.looks_around_until.is_some_and(|until| until <= woken) {
                one.looks_around_until = None;
                one.unshared.end();
                one.attachment.iter_mut().for_each(Attachment::look_ahead);
            }
        }
        for one in served.iter_mut() {
            // What became due since has its turn next, with a drain before it: we may just have been kept from running.
            if one.host.next_deadline().is_some_and(|deadline| deadline <= woken) {
                let now = now();
                let actions = one.host.handle(Event::Tick, now);
                perform(one, actions, report, now);
            }
        }
        each_turn(&served.iter().map(|one| &one.host).collect::<Vec<_>>());
    }
    Ok(())
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
            one.host.handle(Event::Shutdown { withdraw: ending.withdraw }, now)
        }
        Signal::User1 => {
            report.status(one.about(), &one.host.snapshot(now), now);
            Vec::new()
        }
        Signal::User2 => one.host.handle(Event::Resign, now),
        Signal::Child => reap(one, now),
    };
    perform(one, actions, report, now);
}

fn reap(one: &mut Served, now: Time) -> Vec<Action> {
    let Some(running) = &mut one.hook else { return Vec::new() };
    let Some(success) = running.reap() else { return Vec::new() };
    let hook = running.hook();
    one.hook = None;
    one.host.handle(Event::HookDone { hook, success }, now)
}

fn take_frames(one: &mut Served, report: &mut Report) {
    let Some(attachment) = &mut one.attachment else {
        // What it held went with it.
        one.draining = Draining::default();
        return;
    };
    let about = About { interface: &one.interface, vhid: one.config.vhid };
    let (host, mut accepted, mut answers) = (&mut one.host, 0usize, Vec::new());
    let (mismatches, unshared, mut clash) = (&mut one.mismatches, &mut one.unshared, false);
    let now = now();
    let taken = attachment.drain(BATCH, |frame| {
        if !unshared.note(frame) {
            match host.receive(frame, now) {
                Ok(actions) => {
                    accepted += 1;
                    if !actions.is_empty() {
                        answers.push(actions);
                    }
                }
                Err(rejected) => {
                    if rejected == Rejected::BadAuth {
                        mismatches.note(frame, now);
                    }
                    clash |= matches!(rejected, Rejected::TooShort | Rejected::BadVersion);
                    report.refused(about, rejected, frame, now);
                }
            }
        }
    });
    // A capture that fails belongs to an interface that is going away; the link monitor tells.
    let taken = taken.unwrap_or(0);
    one.draining.drained(taken, accepted, now);
    if clash && !one.unshared.running() && one.looks_around_until.take().is_some() {
        // It has been named; whatever else it sends is not worth a wake-up.
        attachment.look_ahead();
    }
    for actions in answers {
        perform(one, actions, report, now);
    }
    look_into_mismatches(one, report, now);
}

/// Explains what does not authenticate. What nothing explains is told as such, and then looked for in ARP.
fn look_into_mismatches(one: &mut Served, report: &mut Report, now: Time) {
    let host = &one.host;
    if let Some(decoded) = one.mismatches.take(now) {
        let cause = host.explain(&decoded);
        report.explained(&decoded, cause);
        if cause.is_none() && one.unshared.begin(decoded, now) {
            one.looks_around_until = Some(now + LOOK_AROUND);
            one.attachment.iter_mut().for_each(Attachment::look_at_arp);
        }
    }
    if one.unshared.running() {
        if let Some((decoded, address)) = one.unshared.found(|decoded, it| host.shares_also(decoded, it)) {
            report.explained(&decoded, Some(Cause::AddressExtra(address)));
        }
        if !one.unshared.running() {
            // Other users of our ids may still be unknown: that takes the rest of the time.
            one.attachment.iter_mut().for_each(Attachment::look_around);
        }
    }
}

/// Finds out what became of the interface, and takes it up again if it is back.
fn look_at_link(one: &mut Served, report: &mut Report, now: Time) {
    let state = platform::link_state(&one.interface).unwrap_or(LinkState::Gone);
    let replaced = one.attachment.as_ref().is_some_and(|attachment| !attachment.is_current());
    let mut link = match state {
        LinkState::Gone => Link::Gone,
        LinkState::Up => Link::Up,
        LinkState::Down if one.config.ignore_link_state => Link::Up,
        LinkState::Down => Link::Down,
    };
    if link == Link::Gone || replaced {
        if let Some(name) = one.attachment.take().and_then(|gone| gone.new_name()) {
            report.interface_renamed(&one.interface, &name);
            one.renamed = Some(name);
        }
        tell_link(one, Link::Gone, report, now);
    }
    if link != Link::Gone && one.attachment.is_none() {
        match start::attach(&one.interface, &one.config) {
            Ok((attachment, place)) => {
                let actions = one.host.relocate(place.mac, place.sources, now);
                one.attachment = Some(attachment);
                one.looks_around_until = Some(now + LOOK_AROUND);
                one.trouble = None;
                one.stranded = false;
                one.renamed = None;
                if std::mem::replace(&mut one.introduced, true) {
                    report.interface_back(&one.interface);
                } else {
                    start::introduce(one, report);
                }
                perform(one, actions, report, now);
            }
            // Its address may come a moment after the interface itself.
            Err(error) => {
                link = Link::Gone;
                let trouble = error.to_string();
                if one.trouble.as_ref() != Some(&trouble) {
                    report.waiting(&one.interface, &error);
                    one.trouble = Some(trouble);
                }
            }
        }
    }
    let must_ask = one.attachment.is_none() || !platform::LINK_CHANGES_ARE_EVENTS;
    one.retry = must_ask.then(|| now + RETRY);
    tell_link(one, link, report, now);
}

/// Finds out whether the interface still has our source address and its hardware address.
fn look_at_place(one: &mut Served, report: &mut Report, now: Time) {
    let Some(attachment) = &mut one.attachment else { return };
    if let Ok(own) = start::own_addresses(&one.interface, &one.config) {
        attachment.listen_to(own);
    }
    let parameters = one.host.parameters();
    let before = Place { mac: parameters.mac, sources: parameters.sources };
    let (place, stranded) = start::relocated(&one.interface, &one.config, before);
    for family in start::families(&one.config) {
        let source = |place: Place| start::source_of(place.sources, family);
        if let (Some(old), Some(new)) = (source(before), source(place)) {
            if old != new {
                report.source_changed(&one.interface, old, new, one.config.source == Some(new));
            }
        }
    }
    if stranded && !one.stranded {
        if let Some(source) = start::main_source(&parameters.addresses, place.sources) {
            report.source_lost(&one.interface, source);
        }
    }
    one.stranded = stranded;
    if place != before {
        if place.mac != before.mac {
            report.hardware_address_changed(&one.interface, place.mac);
        }
        let actions = one.host.relocate(place.mac, place.sources, now);
        perform(one, actions, report, now);
    }
}

fn tell_link(one: &mut Served, link: Link, report: &mut Report, now: Time) {
    if one.link != link {
        one.link = link;
        let actions = one.host.handle(Event::Link(link), now);
        perform(one, actions, report, now);
    }
}

/// How long to wait for a deadline this far away. The kernel may end a long wait late in proportion to its length,
/// so a long one ends early on purpose and the short one that follows is exact.
fn in_time(left: Duration) -> Duration {
    let slack = left / platform::WAIT_SLACK;
    if slack > EXACT { left - 2 * slack } else { left }
}
