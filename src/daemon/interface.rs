//! What became of an interface and of our addresses on it, found out once for all its virtual hosts and told to each.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;

use super::capture::CaptureError;
use super::connected;
use super::devices::{Devices, Fate, Parts};
use super::failure::StartError;
use super::fleet::Fleet;
use super::host::Fact;
use super::link::Link;
use super::place::{self, Place};
use super::placing;
use super::presence::{RETRY, doubt};
use super::reopening::Reopening;
use super::report::Report;
use super::request::Device;
use super::survey::{self, Survey, Surveyor};
use crate::ids;
use crate::platform::{self, Changes, DEVICES_NEED_RIGHTS, LinkState};
use crate::protocol::{self, Event, MacAddr, Presence, Time};

/// Finds out what became of an interface and of our addresses on it, as far as `changes` make that worth asking or it
/// could not be found out before. What cannot be found out changes nothing and is asked again. Who does not ask is going
/// to be told, and looks then.
pub(super) fn look(
    fleet: &mut Fleet,
    link: usize,
    changes: Changes,
    surveyor: &mut Surveyor,
    report: &mut Report,
    now: Time,
) {
    if fleet.link(link).is_idle() {
        return;
    }
    if survey::is_told() {
        let it = fleet.link_mut(link);
        let changed = changes.links || changes.addresses;
        if changed && it.devices.as_ref().is_some_and(Devices::are_elsewhere) {
            // That needs nobody to tell.
            look_now(fleet, link, changes, surveyor, report, now);
            return;
        }
        if changed || it.retry.is_some_and(|retry| retry <= now) {
            it.wants_survey(now);
            it.retry = Some(now + RETRY);
        }
        follow(fleet, link, report, now);
    } else {
        look_now(fleet, link, changes, surveyor, report, now);
    }
}

/// [`look`] with what is known.
pub(super) fn look_now(
    fleet: &mut Fleet,
    link: usize,
    changes: Changes,
    surveyor: &mut Surveyor,
    report: &mut Report,
    now: Time,
) {
    let it = fleet.link(link);
    let due = it.retry.is_some_and(|retry| retry <= now);
    let changed = changes.links || changes.addresses;
    if due || changed {
        let doubted = it.doubt.is_some();
        let hosts = || it.hosts().map(|host| &fleet.hosts()[host]);
        let awaited = changes.addresses && (it.devices.is_none() || hosts().any(|one| !one.placed));
        // No event tells of the end of the search on every system.
        let undecided = due && hosts().any(|one| one.shared.0 == Presence::Pending);
        let mut answer = Ok(());
        if changes.links || awaited || due || doubted {
            answer = look_at_link(fleet, link, surveyor, report, now);
        }
        if answer.is_ok() && (changed || doubted || undecided) {
            answer = look_at_addresses(fleet, link, surveyor, report, now);
        }
        let it = fleet.link_mut(link);
        match answer {
            Ok(()) if doubted => {
                it.doubt = None;
                report.answered(&it.name);
            }
            Ok(()) => {}
            Err(error) => doubt(it, &error, report, now),
        }
    }
    follow(fleet, link, report, now);
}

/// What is due whatever became of the interface.
fn follow(fleet: &mut Fleet, link: usize, report: &mut Report, now: Time) {
    if fleet.link(link).reopening.deadline().is_some_and(|due| due <= now) {
        hear_again(fleet, link, report, now);
    }
    if fleet.link(link).widens {
        placing::widen(fleet, link, report, now);
    }
    settle_filter(fleet.link_mut(link), report, now);
    // What somebody does next may be to speak.
    if fleet.link(link).deadlines.first().is_some_and(|due| due <= now) {
        look_at_hardware(fleet, link, report, now);
    }
    fleet.note(link, now);
}

/// Finds out whether the interface still has its hardware address, where no event tells of another one.
pub(super) fn look_at_hardware(fleet: &mut Fleet, link: usize, report: &mut Report, now: Time) {
    let it = fleet.link(link);
    if platform::HARDWARE_CHANGES_ARE_EVENTS || it.devices.is_none() || it.state == LinkState::Gone {
        return;
    }
    if survey::is_told() {
        // What is told of the last time is used this time.
        fleet.link_mut(link).wants_survey_at_times(now);
    }
    match survey::mac(&fleet.link(link).name) {
        Ok(mac) => relocate(fleet, link, MacAddr(mac), report, now),
        Err(error) => doubt(fleet.link_mut(link), &error, report, now),
    }
}

/// Has the capture's filter follow what is wanted now. If it does not, what was heard is still heard, and it is tried
/// again soon.
pub(super) fn settle_filter(link: &mut Link, report: &mut Report, now: Time) {
    let Some(devices) = &mut link.devices else { return };
    match devices.settle_filter() {
        Ok(Some(looks)) => _ = link.ask_for(looks, true, now),
        Ok(None) if std::mem::take(&mut link.unfiltered) => report.filters(&link.name),
        Ok(None) => {}
        Err(why) => unfiltered(link, &why, report, now),
    }
}

fn unfiltered(link: &mut Link, why: &CaptureError, report: &mut Report, now: Time) {
    link.retry = Some(now + RETRY);
    if !std::mem::replace(&mut link.unfiltered, true) {
        report.unfiltered(&link.name, why);
    }
}

/// The hands have looked at an interface.
pub(super) fn surveyed(fleet: &mut Fleet, link: usize, report: &mut Report, now: Time) {
    fleet.link_mut(link).was_surveyed(now);
    let all = Changes { links: true, addresses: true };
    look_now(fleet, link, all, &mut Surveyor::default(), report, now);
}

/// The hands have opened what was missing on an interface, or say why they could not.
pub(super) fn opened(
    fleet: &mut Fleet,
    link: usize,
    answer: Result<Parts, String>,
    report: &mut Report,
    now: Time,
) {
    let it = fleet.link_mut(link);
    it.answered();
    let Some(devices) = &mut it.devices else {
        match answer {
            Ok(parts) => {
                it.opened = Some(parts);
                let links = Changes { links: true, addresses: false };
                look_now(fleet, link, links, &mut Surveyor::default(), report, now);
                fleet.link_mut(link).opened = None;
            }
            Err(why) => {
                placing::not_opened(fleet, link, &StartError::told(ids::CAPTURE_NOT_OPENED, why), report)
            }
        }
        return;
    };
    let (heard, looks) = (devices.hears(), devices.looks());
    let taken = answer.map_err(CaptureError::Told).and_then(|parts| match it.wanted.take() {
        Some(wanted) if is_whole(&parts) => {
            Devices::over(&it.name, wanted, looks, parts).map(|next| devices.become_these(next))
        }
        _ => devices.hear_by(parts),
    });
    match taken {
        Ok(()) => {
            it.draining.may_hold_some();
            if std::mem::take(&mut it.unfiltered) {
                report.filters(&it.name);
            }
            if !heard {
                hears_again(fleet, link, report, now);
            }
        }
        Err(why) if heard => {
            devices.keep_capture();
            unfiltered(it, &why, report, now);
        }
        // It is tried again as it was to be.
        Err(why) => still_deaf(it, &why, report),
    }
    fleet.note(link, now);
}

/// Whether there is more than a capture.
fn is_whole(parts: &Parts) -> bool {
    parts.iter().any(|(device, _)| *device == Device::Frames)
}

/// The hands have opened ways from an address to peers.
pub(super) fn connected(
    fleet: &mut Fleet,
    link: usize,
    (source, peers, opened): (IpAddr, &[IpAddr], Vec<OwnedFd>),
    report: &mut Report,
    now: Time,
) {
    let it = fleet.link_mut(link);
    it.answered_about_ways();
    if let Some(devices) = &mut it.devices {
        devices.connected(source, peers, opened);
    }
    // Whoever waited for them sends by them now, and there may be more to ask for.
    let addresses = Changes { links: false, addresses: true };
    look_now(fleet, link, addresses, &mut Surveyor::default(), report, now);
}

/// They could not. It is asked for again.
pub(super) fn not_connected(fleet: &mut Fleet, link: usize, now: Time) {
    let it = fleet.link_mut(link);
    it.answered_about_ways();
    it.retry = Some(now + RETRY);
    fleet.note(link, now);
}

/// Finds out what became of the interface, and takes it up again if it is back.
fn look_at_link(
    fleet: &mut Fleet,
    link: usize,
    surveyor: &mut Surveyor,
    report: &mut Report,
    now: Time,
) -> io::Result<()> {
    let it = fleet.link_mut(link);
    let state = survey::link_state(&it.name)?;
    let fate = it.devices.as_ref().map_or(Ok(Fate::Current), Devices::fate)?;
    it.state = state;
    if state == LinkState::Gone || !matches!(fate, Fate::Current) {
        it.devices = None;
        if let Fate::Renamed(name) = fate {
            report.interface_renamed(&it.name, &name);
            it.renamed = Some(name);
        }
        leave(fleet, link, report, now);
    }
    if state != LinkState::Gone {
        placing::take_up(fleet, link, surveyor, report, now);
    }
    let it = fleet.link(link);
    let must_ask = !platform::LINK_CHANGES_ARE_EVENTS
        || it.devices.is_none()
        || it.hosts().any(|host| !fleet.hosts()[host].placed);
    fleet.link_mut(link).retry = must_ask.then(|| now + RETRY);
    for host in fleet.on(link) {
        let (one, it) = fleet.host(host);
        let state = if one.placed { it.state } else { LinkState::Gone };
        let state = match state {
            LinkState::Gone => protocol::Link::Gone,
            LinkState::Up => protocol::Link::Up,
            LinkState::Down | LinkState::Disabled if one.config.ignore_link_state => protocol::Link::Up,
            LinkState::Down => protocol::Link::Down,
            LinkState::Disabled => protocol::Link::Disabled,
        };
        tell_link(fleet, host, state, report, now);
    }
    Ok(())
}

/// The interface is away, and no host has a place there.
fn leave(fleet: &mut Fleet, link: usize, report: &mut Report, now: Time) {
    for host in fleet.on(link) {
        fleet.host(host).0.placed = false;
        tell_link(fleet, host, protocol::Link::Gone, report, now);
    }
}

fn tell_link(fleet: &mut Fleet, host: usize, state: protocol::Link, report: &mut Report, now: Time) {
    if std::mem::replace(&mut fleet.host(host).0.link, state) != state {
        fleet.tell(host, Event::Link(state), report, now);
    }
}

/// Finds out whether the interface still has our source addresses and its hardware address, and whether the shared ones
/// are on it and usable.
fn look_at_addresses(
    fleet: &mut Fleet,
    link: usize,
    surveyor: &mut Surveyor,
    report: &mut Report,
    now: Time,
) -> io::Result<()> {
    let it = fleet.link(link);
    let survey = surveyor.survey(it.name_for_hooks())?;
    let found: HashSet<IpAddr> = survey.addresses.iter().copied().collect();
    if it.devices.is_some() {
        let mac = survey::mac(&it.name).map(MacAddr)?;
        look_at_sources(fleet, link, &survey, report, now);
        relocate(fleet, link, mac, report, now);
    }
    for host in fleet.on(link) {
        let (one, it) = fleet.host(host);
        one.shared = place::presence(&one.core().parameters().addresses, &found, &survey.unready);
        if one.shared.0 == Presence::Pending {
            it.retry = Some(now + RETRY);
        }
        let presence = one.shared.0;
        if !one.knows(presence) {
            fleet.tell(host, Event::Addresses(presence), report, now);
        }
    }
    Ok(())
}

/// Finds out whether the interface still has the addresses that its hosts send from.
fn look_at_sources(fleet: &mut Fleet, link: usize, survey: &Survey<'_>, report: &mut Report, now: Time) {
    let unshared = place::unshared(survey, &placing::shared(fleet, link));
    let mut all = unshared.clone();
    // Each of these lines once, however many hosts it is about.
    let mut said = HashSet::new();
    let mut all_connected = true;
    for host in fleet.on(link) {
        let (one, it) = fleet.host(host);
        let own = place::own_addresses(survey, &one.config, &unshared);
        all.extend(own.get(unshared.len()..).unwrap_or_default());
        if !one.placed {
            continue;
        }
        let before = one.core().parameters().sources;
        let (sources, lost) = place::relocated(survey, &one.config, &own, before);
        if !it.connects(&one.config, sources, now) {
            all_connected = false;
            if sources != before {
                continue;
            }
        }
        for family in place::families(&one.config) {
            let (old, new) = (place::source_of(before, family), place::source_of(sources, family));
            let changed = old != new;
            match (old, new) {
                (Some(old), Some(new)) if changed => {
                    if said.insert((Some(old), new)) {
                        report.source_changed(&it.name, old, new, one.config.source == Some(new));
                    }
                }
                (None, Some(new)) => {
                    if one.lacks_v6.take().is_some() && said.insert((None, new)) {
                        report.both_families(&it.name, new);
                    }
                }
                (Some(source), _) if lost.contains(&source) != one.lost.contains(&source) => {
                    if said.insert((Some(source), source)) {
                        if lost.contains(&source) {
                            report.source_lost(&it.name, source);
                        } else {
                            report.source_found(&it.name, source);
                        }
                    }
                }
                (Some(_) | None, _) => {}
            }
        }
        one.lost = lost;
        let mac = one.core().parameters().mac;
        if sources != before {
            fleet.tell(host, Fact::Place(Place { mac, sources }), report, now);
        }
    }
    let mut needed = BTreeSet::new();
    let placed = fleet.on(link).into_iter().map(|host| &fleet.hosts()[host]).filter(|one| one.placed);
    needed.extend(placed.flat_map(|one| connected::needed(&one.config, one.core().parameters().sources)));
    if let Some(devices) = &mut fleet.link_mut(link).devices {
        if all_connected {
            devices.keep_connected(&needed);
        }
        devices.listen_to(all);
    }
}

/// The interface has this hardware address now.
fn relocate(fleet: &mut Fleet, link: usize, mac: MacAddr, report: &mut Report, now: Time) {
    let mut said = false;
    for host in fleet.on(link) {
        let (one, it) = fleet.host(host);
        let sources = one.core().parameters().sources;
        if one.placed && one.core().parameters().mac != mac {
            if !std::mem::replace(&mut said, true) {
                report.hardware_address_changed(&it.name, mac);
            }
            fleet.tell(host, Fact::Place(Place { mac, sources }), report, now);
        }
    }
}

/// The capture failed. That is explained by an interface that was removed; otherwise it is opened anew.
pub(super) fn lost_hearing(
    fleet: &mut Fleet,
    link: usize,
    why: &CaptureError,
    report: &mut Report,
    now: Time,
) {
    let it = fleet.link_mut(link);
    it.devices.iter_mut().for_each(Devices::stop_hearing);
    it.reopening.failed(now);
    fleet.tell_all(link, Event::Deaf(true), report, now);
    look(fleet, link, Changes { links: true, addresses: false }, &mut Surveyor::default(), report, now);
    let it = fleet.link_mut(link);
    match &it.devices {
        Some(devices) if devices.hears() => report.heard_anew(&it.name, why),
        Some(_) if !std::mem::replace(&mut it.deaf, true) => report.deaf(&it.name, why),
        Some(_) | None => {}
    }
}

fn hear_again(fleet: &mut Fleet, link: usize, report: &mut Report, now: Time) {
    let it = fleet.link_mut(link);
    let Some(devices) = &mut it.devices else {
        // It will be taken up as a whole.
        it.reopening = Reopening::default();
        return;
    };
    if DEVICES_NEED_RIGHTS {
        let looks = devices.looks();
        it.reopening.refused(now);
        it.ask_for(looks, true, now);
        return;
    }
    match devices.hear_again() {
        Ok(()) => hears_again(fleet, link, report, now),
        Err(error) => {
            it.reopening.refused(now);
            still_deaf(it, &error, report);
        }
    }
}

fn hears_again(fleet: &mut Fleet, link: usize, report: &mut Report, now: Time) {
    let it = fleet.link_mut(link);
    it.reopening.opened(now);
    if std::mem::take(&mut it.deaf) {
        report.hears(&it.name);
    }
    fleet.tell_all(link, Event::Deaf(false), report, now);
}

fn still_deaf(it: &mut Link, why: &CaptureError, report: &mut Report) {
    if !std::mem::replace(&mut it.deaf, true) {
        report.deaf(&it.name, why);
    }
}
