//! Taking up an interface: its devices are opened, and each virtual host on it is given a place, if it can have one. One
//! that cannot never keeps the others out.

use std::collections::HashSet;
use std::net::IpAddr;

use super::capture::Looks;
use super::devices::{Devices, Wanted};
use super::failure::{Doing, StartError};
use super::fleet::Fleet;
use super::host::{Fact, Served};
use super::introduction::introduce;
use super::link::{LOOK_AROUND, Link};
use super::network::Networks;
use super::place::{self, Place};
use super::presence::RETRY;
use super::reopening::Reopening;
use super::report::Report;
use super::survey::{Surveyor, hardware_address};
use crate::config::VirtualHostConfig;
use crate::platform::DEVICES_NEED_RIGHTS;
use crate::protocol::{Event, Time};

/// A place for a virtual host.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) place: Place,
    /// Why it has no source of IPv6 although it needs one, if that is so.
    pub(super) lacks_v6: Option<StartError>,
    /// The shared addresses that are in none of the networks of the interface.
    pub(super) outside: Vec<IpAddr>,
}

/// What there is for the virtual hosts of a link that have no place yet.
pub(super) struct Plan {
    pub(super) places: Vec<(usize, Result<Placed, StartError>)>,
    /// The interface's own addresses, where peers send to.
    pub(super) own: Vec<IpAddr>,
}

/// What the hosts of a link share.
pub(super) fn shared(fleet: &Fleet, link: usize) -> HashSet<IpAddr> {
    let hosts = fleet.link(link).hosts();
    hosts.flat_map(|host| place::addresses(&fleet.hosts()[host].config)).collect()
}

/// Looks for a place for each virtual host that has none.
///
/// # Errors
/// There is none for anybody.
pub(super) fn plan(fleet: &Fleet, link: usize, surveyor: &mut Surveyor) -> Result<Plan, StartError> {
    let it = fleet.link(link);
    let unplaced: Vec<_> =
        it.hosts().map(|host| (host, &fleet.hosts()[host])).filter(|(_, one)| !one.placed).collect();
    let configs: Vec<_> = unplaced.iter().map(|(_, one)| &one.config).collect();
    let (places, own) = places(&it.name, &configs, &shared(fleet, link), surveyor)?;
    Ok(Plan { places: unplaced.iter().map(|(host, _)| *host).zip(places).collect(), own })
}

/// A place for each of these, and the interface's own addresses.
///
/// # Errors
/// As [`plan`].
#[expect(clippy::type_complexity, reason = "one result for each configuration")]
pub(super) fn places(
    interface: &str,
    configs: &[&VirtualHostConfig],
    shared: &HashSet<IpAddr>,
    surveyor: &mut Surveyor,
) -> Result<(Vec<Result<Placed, StartError>>, Vec<IpAddr>), StartError> {
    let failed = |error| StartError::new(Doing::FindSource, interface, error);
    let mac = hardware_address(interface)?;
    let survey = surveyor.survey(interface).map_err(failed)?;
    let networks = Networks::of(interface, shared).map_err(failed)?;
    let unshared = place::unshared(&survey, shared);
    let mut all = unshared.clone();
    let places = configs
        .iter()
        .map(|config| {
            let own = place::own_addresses(&survey, config, &unshared);
            all.extend(own.get(unshared.len()..).unwrap_or_default());
            let peers = &config.destination.peers;
            let ourselves = peers.iter().find(|peer| own.contains(peer)).copied();
            let (sources, lacks_v6) = place::choose_sources(interface, &survey, config, own)?;
            if let Some(peer) = ourselves {
                return Err(StartError::new(Doing::UsePeer, interface, peer.to_string()));
            }
            if let Some(peer) = peers.iter().find(|peer| networks.leave_out(**peer)) {
                return Err(StartError::new(Doing::ReachPeer, interface, peer.to_string()));
            }
            let mut outside = place::addresses(config);
            outside.retain(|address| networks.leave_out(*address));
            Ok(Placed { place: Place { mac, sources }, lacks_v6, outside })
        })
        .collect();
    Ok((places, all))
}

/// What these are to hear.
pub(super) fn wanted<'a>(configs: impl Iterator<Item = &'a VirtualHostConfig>, own: Vec<IpAddr>) -> Wanted {
    let wish =
        |config: &VirtualHostConfig| (config.vhid, config.destination.clone(), place::families(config));
    Wanted { wishes: configs.map(wish).collect(), own }
}

/// Opens the devices of a link for all hosts on it.
///
/// # Errors
/// What could not be opened.
pub(super) fn open(fleet: &Fleet, link: usize, own: Vec<IpAddr>) -> Result<Devices, StartError> {
    let it = fleet.link(link);
    Devices::open(&it.name, wanted_on(fleet, link, own), Looks::Around)
}

/// What the hosts of a link are to hear.
fn wanted_on(fleet: &Fleet, link: usize, own: Vec<IpAddr>) -> Wanted {
    wanted(fleet.link(link).hosts().map(|host| &fleet.hosts()[host].config), own)
}

/// The devices of a link, where the hands have opened them or have not to be asked.
fn obtain(
    fleet: &mut Fleet,
    link: usize,
    own: Vec<IpAddr>,
    now: Time,
) -> Option<Result<Devices, StartError>> {
    if !DEVICES_NEED_RIGHTS {
        return Some(open(fleet, link, own));
    }
    let Some(parts) = fleet.link_mut(link).opened.take() else {
        fleet.link_mut(link).ask_for(Looks::Around, false, now);
        return None;
    };
    let wanted = wanted_on(fleet, link, own);
    let name = &fleet.link(link).name;
    let devices = Devices::over(name, wanted, Looks::Around, parts);
    Some(devices.map_err(|error| StartError::new(Doing::OpenCapture, name, error)))
}

/// Has what is open on a link follow what its hosts want to hear now: by another filter, or by other devices, which the
/// ones there are serve until then.
pub(super) fn widen(fleet: &mut Fleet, link: usize, report: &mut Report, now: Time) {
    let Some(devices) = &fleet.link(link).devices else {
        fleet.link_mut(link).widens = false;
        return;
    };
    let wanted = wanted_on(fleet, link, devices.own().to_vec());
    let it = fleet.link_mut(link);
    let Some(devices) = &mut it.devices else { return };
    if devices.want(&wanted) {
        it.widens = false;
        return;
    }
    let looks = devices.looks();
    devices.will_change();
    if DEVICES_NEED_RIGHTS {
        // Else the hands are about to answer something else, and are asked then.
        it.widens = !it.ask_for(looks, false, now);
        it.wanted = Some(wanted);
        return;
    }
    match Devices::open(&it.name, wanted, looks) {
        Ok(next) => {
            devices.become_these(next);
            it.widens = false;
        }
        Err(error) => {
            devices.keep_capture();
            it.retry = Some(now + RETRY);
            if !std::mem::replace(&mut it.narrow, true) {
                report.waiting(&it.name, &error);
            }
        }
    }
}

/// The devices of a link cannot be opened.
pub(super) fn not_opened(fleet: &mut Fleet, link: usize, error: &StartError, report: &mut Report) {
    let mut said = HashSet::new();
    for host in fleet.on(link) {
        waits(fleet, host, error, &mut said, report);
    }
}

/// Puts a host that has not begun yet into its place.
pub(super) fn settle(one: &mut Served, placed: Placed) {
    // Nothing is to be done by who has not begun.
    let _ = one.tell(Fact::Place(placed.place), Time::ZERO);
    (one.placed, one.trouble) = (true, None);
    one.lost.clear();
    (one.outside, one.lacks_v6) = (placed.outside, placed.lacks_v6);
}

/// Takes up an interface that is there again, and gives a place to each of its hosts that has none and can have one.
pub(super) fn take_up(
    fleet: &mut Fleet,
    link: usize,
    surveyor: &mut Surveyor,
    report: &mut Report,
    now: Time,
) {
    if fleet.link(link).devices.is_some() && fleet.link(link).hosts().all(|host| fleet.hosts()[host].placed) {
        return;
    }
    let (mut placed, mut said) = (Vec::new(), HashSet::new());
    match plan(fleet, link, surveyor) {
        Ok(plan) => {
            for (host, outcome) in plan.places {
                match outcome {
                    Ok(place) => placed.push((host, place)),
                    Err(error) => waits(fleet, host, &error, &mut said, report),
                }
            }
            if placed.is_empty() {
                return;
            }
            if fleet.link(link).devices.is_none() {
                let Some(obtained) = obtain(fleet, link, plan.own, now) else { return };
                match obtained {
                    Ok(devices) => begin(fleet.link_mut(link), devices, now),
                    Err(error) => {
                        placed.iter().for_each(|(host, _)| waits(fleet, *host, &error, &mut said, report));
                        return;
                    }
                }
            }
        }
        // An address may come a moment after the interface itself.
        Err(error) => {
            fleet.on(link).into_iter().for_each(|host| waits(fleet, host, &error, &mut said, report));
            return;
        }
    }
    let mut told = false;
    for (host, place) in placed {
        let one = fleet.host(host).0;
        let found = place.place;
        (one.placed, one.trouble) = (true, None);
        one.lost.clear();
        (one.outside, one.lacks_v6) = (place.outside, place.lacks_v6);
        fleet.tell(host, Event::Deaf(false), report, now);
        let (one, it) = fleet.host(host);
        if one.introduced && !std::mem::replace(&mut told, true) {
            report.interface_back(&it.name);
        }
        // The core's own words about it come after ours.
        let answered = one.tell(Fact::Place(found), now).unwrap_or_default();
        if !std::mem::replace(&mut one.introduced, true) {
            introduce(one, &it.name, report);
        }
        if one.lacks_v6.as_ref().is_some_and(|lacks| said.insert(lacks.to_string())) {
            report.one_family(&it.name, one.lacks_v6.as_ref());
        }
        fleet.perform(host, answered, report, now);
    }
}

/// The interface is taken up.
fn begin(it: &mut Link, devices: Devices, now: Time) {
    it.devices = Some(devices);
    it.reopening = Reopening::default();
    it.looks_around_until = Some(now + LOOK_AROUND);
    it.renamed = None;
}

/// A host has to go on waiting. The same reason is told once, for all hosts of a link.
fn waits(
    fleet: &mut Fleet,
    host: usize,
    error: &StartError,
    said: &mut HashSet<String>,
    report: &mut Report,
) {
    let (one, it) = fleet.host(host);
    let trouble = error.to_string();
    if one.trouble.as_ref() != Some(&trouble) {
        if said.insert(trouble.clone()) {
            report.waiting(&it.name, error);
        }
        one.trouble = Some(trouble);
    }
}
