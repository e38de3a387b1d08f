//! What became of the interface and of our addresses on it, found out and told to the core.

use std::time::Duration;

use super::host::{LOOK_AROUND, Served};
use super::perform::perform;
use super::place::{self, Place};
use super::report::Report;
use super::start;
use crate::platform::{self, LinkState};
use crate::protocol::{Event, Link, Presence, Time};

/// How often a missing interface is looked for beside the events about it, and the state of one that sends none.
const RETRY: Duration = Duration::from_secs(1);

/// Finds out what became of the interface, and takes it up again if it is back.
pub(super) fn look_at_link(one: &mut Served, report: &mut Report, now: Time) {
    let state = platform::link_state(&one.interface).unwrap_or(LinkState::Gone);
    let replaced = one.attachment.as_ref().is_some_and(|attachment| !attachment.is_current());
    let mut link = match state {
        LinkState::Gone => Link::Gone,
        LinkState::Up => Link::Up,
        LinkState::Down | LinkState::Disabled if one.config.ignore_link_state => Link::Up,
        LinkState::Down => Link::Down,
        LinkState::Disabled => Link::Disabled,
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
pub(super) fn look_at_place(one: &mut Served, report: &mut Report, now: Time) {
    let Some(attachment) = &mut one.attachment else { return };
    if let Ok(own) = place::own_addresses(&one.interface, &one.config) {
        attachment.listen_to(own);
    }
    let parameters = one.host.parameters();
    let before = Place { mac: parameters.mac, sources: parameters.sources };
    let (place, stranded) = place::relocated(&one.interface, &one.config, before);
    for family in place::families(&one.config) {
        let source = |place: Place| place::source_of(place.sources, family);
        if let (Some(old), Some(new)) = (source(before), source(place)) {
            if old != new {
                report.source_changed(&one.interface, old, new, one.config.source == Some(new));
            }
        }
    }
    if stranded && !one.stranded {
        if let Some(source) = place::main_source(&parameters.addresses, place.sources) {
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

/// Finds out whether the shared addresses are on the interface, and tells the core, also if nothing changed.
pub(super) fn look_at_addresses(one: &mut Served, report: &mut Report, now: Time) {
    if let Some(addresses) = presence(one, report, now) {
        let actions = one.host.handle(Event::Addresses(addresses), now);
        perform(one, actions, report, now);
    }
}

/// How many of the shared addresses are on the interface. If that cannot be found out it is asked again soon.
pub(super) fn presence(one: &mut Served, report: &mut Report, now: Time) -> Option<Presence> {
    match platform::interface_addresses(one.interface_for_hooks()) {
        Ok(found) => {
            one.unanswered = None;
            Some(place::presence(&one.host.parameters().addresses, &found))
        }
        Err(error) => {
            if one.unanswered.replace(now + RETRY).is_none() {
                report.addresses_unknown(&one.interface, &error);
            }
            None
        }
    }
}

fn tell_link(one: &mut Served, link: Link, report: &mut Report, now: Time) {
    if one.link != link {
        one.link = link;
        let actions = one.host.handle(Event::Link(link), now);
        perform(one, actions, report, now);
    }
}
