//! Frames become facts: what was captured is told to whose it is, and what does not authenticate is looked into.

use std::net::IpAddr;
use std::time::Duration;

use super::capture::CaptureError;
use super::clock;
use super::devices::Devices;
use super::fleet::Fleet;
use super::interface::{lost_hearing, settle_filter};
use super::link::LOOK_AROUND;
use super::report::{About, Report};
use super::survey;
use super::turn::{self, Draining, Heard, Surroundings};
use crate::protocol::wire::arp;
use crate::protocol::{Cause, Event, Parameters, Rejected, Time, VirtualHost};

/// The virtual hosts of a link in their turn.
pub(super) struct InTurn<'a> {
    fleet: &'a mut Fleet,
    link: usize,
    report: &'a mut Report,
    /// Somebody else uses our ids.
    clash: bool,
    /// Why the capture handed out nothing more.
    failure: Option<CaptureError>,
    /// Those that heard what does not authenticate, and those that look for ARP.
    curious: Vec<usize>,
}

impl<'a> InTurn<'a> {
    pub(super) fn new(fleet: &'a mut Fleet, link: usize, report: &'a mut Report) -> Self {
        Self { fleet, link, report, clash: false, failure: None, curious: Vec::new() }
    }

    /// Takes frames in if it is time to, and looks into what was odd about them.
    pub(super) fn take_frames(&mut self, announced: bool, woken: Time) {
        let link = self.fleet.link_mut(self.link);
        if link.devices.is_none() {
            // What it held went with it.
            link.draining = Draining::default();
            return;
        }
        if !turn::drain(self, announced, woken) {
            return;
        }
        let searches = self.searches();
        let link = self.fleet.link_mut(self.link);
        link.devices.iter().for_each(Devices::discard_copies);
        if self.clash && !searches && link.looks_around_until.take().is_some() {
            // It has been named; whatever else it sends is not worth a wake-up.
            link.devices.iter_mut().for_each(Devices::look_ahead);
        }
        for host in std::mem::take(&mut self.curious) {
            self.look_into_mismatches(host, clock::now());
        }
        if let Some(failure) = self.failure.take() {
            lost_hearing(self.fleet, self.link, &failure, self.report, clock::now());
        }
        settle_filter(self.fleet.link_mut(self.link), self.report, clock::now());
    }

    /// Whether one of the hosts looks for an address in the segment's ARP.
    fn searches(&self) -> bool {
        self.fleet.link(self.link).hosts().any(|host| self.fleet.hosts()[host].unshared.running())
    }

    fn is_curious(&mut self, host: usize) {
        if !self.curious.contains(&host) {
            self.curious.push(host);
        }
    }

    /// Explains what does not authenticate. What nothing explains is told as such, and then looked for in ARP.
    fn look_into_mismatches(&mut self, host: usize, now: Time) {
        let (one, link) = self.fleet.host(host);
        let about = About::host(&one.config, &link.name);
        if let Some(decoded) = one.mismatches.take(now) {
            let cause = one.core().explain(&decoded);
            self.report.explained(about, &decoded, cause, now);
            if cause.is_none() && one.unshared.begin(decoded, now) {
                link.looks_around_until = Some(now + LOOK_AROUND);
                link.devices.iter_mut().for_each(Devices::look_at_arp);
            }
        }
        if !one.unshared.running() {
            return;
        }
        let mut unshared = std::mem::take(&mut one.unshared);
        if let Some((decoded, address)) = unshared.found(|decoded, it| one.core().shares_also(decoded, it)) {
            self.report.explained(about, &decoded, Some(Cause::AddressExtra(address)), now);
        }
        one.unshared = unshared;
        if !self.searches() {
            // Other users of our ids may still be unknown: that takes the rest of the time.
            self.fleet.link_mut(self.link).devices.iter_mut().for_each(Devices::look_around);
        }
    }
}

impl InTurn<'_> {
    /// Whoever has an address that a master has is told of, unless that is this host.
    fn look_into_answer(&mut self, packet: arp::Packet, now: Time) {
        let address = IpAddr::V4(packet.sender);
        for host in self.fleet.on(self.link) {
            let (one, link) = self.fleet.host(host);
            let Parameters { mac, addresses, .. } = one.core().parameters();
            if packet.mac != *mac
                && addresses.contains(&address)
                && link.strangers.answered(host, packet.sender, packet.mac, now)
                && !survey::has_mac(packet.mac)
            {
                self.report.stranger(About::host(&one.config, &link.name), address, packet.mac);
            }
        }
    }
}

impl Surroundings for InTurn<'_> {
    fn now(&self) -> Time {
        clock::now()
    }

    fn wall(&self) -> Option<Duration> {
        clock::wall()
    }

    fn due(&self, by: Time) -> Vec<usize> {
        self.fleet.link(self.link).deadlines.due(by)
    }

    fn host(&self, number: usize) -> &VirtualHost {
        self.fleet.hosts()[number].core()
    }

    fn draining(&mut self) -> &mut Draining {
        &mut self.fleet.link_mut(self.link).draining
    }

    fn tell(&mut self, number: usize, event: Event, now: Time) {
        self.fleet.tell(number, event, self.report, now);
    }

    fn tell_all(&mut self, event: Event, now: Time) {
        self.fleet.tell_all(self.link, event, self.report, now);
    }

    fn lost(&mut self) -> Option<u64> {
        self.fleet.link_mut(self.link).devices.as_mut().and_then(Devices::lost)
    }

    fn hear(&mut self, now: Time) -> Heard {
        let link = self.fleet.link_mut(self.link);
        let mut frame = std::mem::take(&mut link.frame);
        frame.clear();
        let taken = link
            .devices
            .as_mut()
            .map_or(Ok(0), |devices| devices.take(|captured| frame.extend_from_slice(captured)));
        let heard = match taken {
            Ok(0) => Heard::Nothing,
            Ok(_) => self.tell_frame(&frame, now),
            Err(failure) => {
                self.failure = Some(failure).filter(|failure| !failure.says_link_down());
                Heard::Nothing
            }
        };
        self.fleet.link_mut(self.link).frame = frame;
        heard
    }
}

impl InTurn<'_> {
    fn tell_frame(&mut self, frame: &[u8], now: Time) -> Heard {
        let packet = arp::Packet::parse(frame);
        packet.into_iter().for_each(|packet| self.look_into_answer(packet, now));
        if self.fleet.link(self.link).looks_at_arp() {
            let searching: Vec<usize> = self
                .fleet
                .on(self.link)
                .into_iter()
                .filter(|host| self.fleet.hosts()[*host].unshared.running())
                .collect();
            let mut taken = false;
            for host in searching {
                if self.fleet.host(host).0.unshared.note(frame) {
                    taken = true;
                    self.is_curious(host);
                }
            }
            if taken {
                return Heard::Refused;
            }
        }
        if packet.is_some() {
            return Heard::Refused;
        }
        let Some((host, answered)) = self.fleet.receive(self.link, frame, now) else {
            return Heard::Refused;
        };
        match answered {
            Ok(actions) => {
                self.fleet.perform(host, actions, self.report, now);
                Heard::Accepted
            }
            Err(rejected) => {
                let (one, link) = self.fleet.host(host);
                let about = About::host(&one.config, &link.name);
                if rejected == Rejected::BadAuth {
                    one.mismatches.note(frame, now);
                }
                self.report.refused(about, rejected, frame, now);
                if rejected == Rejected::BadAuth {
                    self.is_curious(host);
                }
                self.clash |= matches!(rejected, Rejected::TooShort | Rejected::BadVersion);
                Heard::Refused
            }
        }
    }
}
