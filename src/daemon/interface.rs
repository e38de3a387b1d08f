//! What became of the interface and of our addresses on it, found out and told to the core.

use std::io;
use std::time::Duration;

use super::attachment::{Attachment, Fate};
use super::capture::CaptureError;
use super::host::{LOOK_AROUND, Served};
use super::perform::perform;
use super::place::{self, Place};
use super::reopening::Reopening;
use super::report::Report;
use super::start;
use crate::platform::{self, Changes, LinkState};
use crate::protocol::{Event, Link, MacAddr, Presence, Time};

/// How often a missing interface is looked for beside the events about it, and the state of one that sends none.
const RETRY: Duration = Duration::from_secs(1);

/// Finds out what became of the interface and of our addresses on it, as far as `changes` make that worth asking or it
/// could not be found out before. What cannot be found out changes nothing and is asked again.
pub(super) fn look(one: &mut Served, changes: Changes, report: &mut Report, now: Time) {
    let due = one.retry.is_some_and(|retry| retry <= now);
    let changed = changes.links || changes.addresses;
    let doubted = one.doubt.is_some() && (due || changed);
    let awaited = one.attachment.is_none() && changes.addresses;
    // No event tells of the end of the search on every system.
    let undecided = due && one.shared.0 == Presence::Pending;
    let mut answer = Ok(());
    if changes.links || awaited || due || doubted {
        answer = look_at_link(one, report, now);
    }
    if answer.is_ok() && (changed || doubted || undecided) {
        answer = look_at_place(one, report, now).and_then(|()| look_at_addresses(one, report, now));
    }
    match answer {
        Ok(()) if doubted => {
            one.doubt = None;
            report.answered(&one.interface);
        }
        Ok(()) => {}
        Err(error) => doubt(one, &error, report, now),
    }
    if one.reopening.deadline().is_some_and(|due| due <= now) {
        hear_again(one, report, now);
    }
    settle_filter(one, report, now);
    // What it does next may be to speak.
    if one.host.next_deadline().is_some_and(|due| due <= now) {
        look_at_hardware(one, report, now);
    }
}

/// Finds out whether the interface still has its hardware address, where no event tells of another one.
pub(super) fn look_at_hardware(one: &mut Served, report: &mut Report, now: Time) {
    if platform::HARDWARE_CHANGES_ARE_EVENTS || one.attachment.is_none() || one.link == Link::Gone {
        return;
    }
    match platform::hardware_address(&one.interface).map(MacAddr) {
        Ok(mac) if mac != one.host.parameters().mac => {
            report.hardware_address_changed(&one.interface, mac);
            let actions = one.host.relocate(mac, one.host.parameters().sources, now);
            perform(one, actions, report, now);
        }
        Ok(_) => {}
        Err(error) => doubt(one, &error, report, now),
    }
}

/// Has the capture's filter follow what is wanted now. If it does not, what was heard is still heard, and it is tried
/// again soon.
pub(super) fn settle_filter(one: &mut Served, report: &mut Report, now: Time) {
    let Some(attachment) = &mut one.attachment else { return };
    match attachment.settle_filter() {
        Ok(()) if std::mem::take(&mut one.unfiltered) => report.filters(&one.interface),
        Ok(()) => {}
        Err(why) => {
            one.retry = Some(now + RETRY);
            if !std::mem::replace(&mut one.unfiltered, true) {
                report.unfiltered(&one.interface, &why);
            }
        }
    }
}

/// Finds out what became of the interface, and takes it up again if it is back.
fn look_at_link(one: &mut Served, report: &mut Report, now: Time) -> io::Result<()> {
    let state = platform::link_state(&one.interface)?;
    let fate = one.attachment.as_ref().map_or(Ok(Fate::Current), Attachment::fate)?;
    let mut link = match state {
        LinkState::Gone => Link::Gone,
        LinkState::Up => Link::Up,
        LinkState::Down | LinkState::Disabled if one.config.ignore_link_state => Link::Up,
        LinkState::Down => Link::Down,
        LinkState::Disabled => Link::Disabled,
    };
    if link == Link::Gone || !matches!(fate, Fate::Current) {
        one.attachment = None;
        if let Fate::Renamed(name) = fate {
            report.interface_renamed(&one.interface, &name);
            one.renamed = Some(name);
        }
        tell_link(one, Link::Gone, report, now);
    }
    if link != Link::Gone && one.attachment.is_none() {
        match start::attach(&one.interface, &one.config) {
            Ok((attachment, (place, lacks))) => {
                one.attachment = Some(attachment);
                one.reopening = Reopening::default();
                tell(one, Event::Deaf(false), report, now);
                let actions = one.host.relocate(place.mac, place.sources, now);
                one.looks_around_until = Some(now + LOOK_AROUND);
                one.trouble = None;
                one.lost.clear();
                one.renamed = None;
                one.lacks_v6 = lacks;
                if std::mem::replace(&mut one.introduced, true) {
                    report.interface_back(&one.interface);
                } else {
                    start::introduce(one, report);
                }
                report.one_family(&one.interface, one.lacks_v6.as_ref());
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
    Ok(())
}

/// Finds out whether the interface still has our source addresses and its hardware address.
fn look_at_place(one: &mut Served, report: &mut Report, now: Time) -> io::Result<()> {
    let Some(attachment) = &mut one.attachment else { return Ok(()) };
    let own = place::own_addresses(&one.interface, &one.config)?;
    let parameters = one.host.parameters();
    let before = Place { mac: parameters.mac, sources: parameters.sources };
    let (place, lost) = place::relocated(&one.interface, &one.config, &own, before)?;
    attachment.listen_to(own);
    for family in place::families(&one.config) {
        let source = |place: Place| place::source_of(place.sources, family);
        match (source(before), source(place)) {
            (Some(old), Some(new)) if old != new => {
                report.source_changed(&one.interface, old, new, one.config.source == Some(new));
            }
            (None, Some(new)) if one.lacks_v6.take().is_some() => {
                report.both_families(&one.interface, new);
            }
            (Some(source), _) if lost.contains(&source) && !one.lost.contains(&source) => {
                report.source_lost(&one.interface, source);
            }
            (Some(source), _) if !lost.contains(&source) && one.lost.contains(&source) => {
                report.source_found(&one.interface, source);
            }
            (Some(_) | None, _) => {}
        }
    }
    one.lost = lost;
    if place != before {
        if place.mac != before.mac {
            report.hardware_address_changed(&one.interface, place.mac);
        }
        let actions = one.host.relocate(place.mac, place.sources, now);
        perform(one, actions, report, now);
    }
    Ok(())
}

/// The capture failed. That is explained by an interface that was removed; otherwise it is opened anew.
pub(super) fn lost_hearing(one: &mut Served, why: &CaptureError, report: &mut Report, now: Time) {
    one.attachment.iter_mut().for_each(Attachment::stop_hearing);
    one.reopening.failed(now);
    tell(one, Event::Deaf(true), report, now);
    look(one, Changes { links: true, addresses: false }, report, now);
    match &one.attachment {
        Some(attachment) if attachment.hears() => report.heard_anew(&one.interface, why),
        Some(_) if !std::mem::replace(&mut one.deaf, true) => report.deaf(&one.interface, why),
        Some(_) | None => {}
    }
}

fn hear_again(one: &mut Served, report: &mut Report, now: Time) {
    let Some(attachment) = &mut one.attachment else {
        // It will be taken up as a whole.
        one.reopening = Reopening::default();
        return;
    };
    match attachment.hear_again() {
        Ok(()) => {
            one.reopening.opened(now);
            if std::mem::take(&mut one.deaf) {
                report.hears(&one.interface);
            }
            tell(one, Event::Deaf(false), report, now);
        }
        Err(error) => {
            one.reopening.refused(now);
            if !std::mem::replace(&mut one.deaf, true) {
                report.deaf(&one.interface, &error);
            }
        }
    }
}

/// Finds out whether the shared addresses are on the interface and usable, and tells the core, also if nothing changed.
fn look_at_addresses(one: &mut Served, report: &mut Report, now: Time) -> io::Result<()> {
    let addresses = ask_for_addresses(one, now)?;
    tell(one, Event::Addresses(addresses), report, now);
    Ok(())
}

/// What became of the shared addresses on the interface. If that cannot be found out it is asked again soon.
pub(super) fn presence(one: &mut Served, report: &mut Report, now: Time) -> Option<Presence> {
    ask_for_addresses(one, now).map_err(|error| doubt(one, &error, report, now)).ok()
}

fn ask_for_addresses(one: &mut Served, now: Time) -> io::Result<Presence> {
    let interface = one.interface_for_hooks();
    let found = platform::interface_addresses(interface)?;
    let unready = platform::unready_addresses(interface)?;
    one.shared = place::presence(&one.host.parameters().addresses, &found, &unready);
    if one.shared.0 == Presence::Pending {
        one.retry = Some(now + RETRY);
    }
    Ok(one.shared.0)
}

fn doubt(one: &mut Served, why: &io::Error, report: &mut Report, now: Time) {
    one.retry = Some(now + RETRY);
    let doubt = why.to_string();
    if one.doubt.as_ref() != Some(&doubt) {
        report.unanswered(&one.interface, why);
        one.doubt = Some(doubt);
    }
}

fn tell_link(one: &mut Served, link: Link, report: &mut Report, now: Time) {
    if one.link != link {
        one.link = link;
        tell(one, Event::Link(link), report, now);
    }
}

fn tell(one: &mut Served, event: Event, report: &mut Report, now: Time) {
    let actions = one.host.handle(event, now);
    perform(one, actions, report, now);
}
