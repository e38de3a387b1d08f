//! What is opened on one interface: capture, sending sockets and group memberships, opened by one function and dropped as a
//! whole. When the interface goes, all of it goes; when it returns, all of it is opened anew.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::capture::{Capture, CaptureError, Filter, Looks, Overlap, Wish};
use super::connected::{self, Connected, Way};
use super::failure::{Doing, StartError};
use super::request::Device;
use crate::platform::{self, DEVICES_NEED_RIGHTS, IpSocket, LinkSocket, Membership};
use crate::protocol::{Destination, Family, Packets, Unicast, Vhid};
use crate::sorting::sort_by;

/// What is open on an interface.
pub(crate) struct Devices {
    interface: String,
    /// None while it cannot be opened anew after it failed.
    capture: Option<Capture>,
    /// The one that takes its place when all was heard that it has.
    next: Option<Capture>,
    overlap: Overlap,
    sockets: Sockets,
    memberships: Vec<Membership>,
    wanted: Wanted,
    looks: Looks,
    /// What is wanted changed, and the filter did not yet.
    filter_due: bool,
}

/// What became of the interface that was opened.
pub(crate) enum Fate {
    /// It is still the one of its name.
    Current,
    /// It is called otherwise now.
    Renamed(String),
    /// It is no more, though another may have its name.
    Removed,
}

/// What is to be heard.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Wanted {
    /// By each virtual host.
    pub(crate) wishes: Vec<(Vhid, Destination, Vec<Family>)>,
    /// The interface's own addresses, where peers send to.
    pub(crate) own: Vec<IpAddr>,
}

impl Wanted {
    fn filter(&self, looks: Looks) -> Filter {
        let wishes: Vec<_> = self
            .wishes
            .iter()
            .map(|(vhid, destination, families)| Wish { vhid: *vhid, destination, families })
            .collect();
        Filter::new(&wishes, &self.own, looks)
    }

    fn destinations(&self) -> impl Iterator<Item = (&Destination, Family)> {
        self.wishes
            .iter()
            .flat_map(|(_, destination, families)| families.iter().map(move |family| (destination, *family)))
    }

    /// The families in which somebody has peers.
    fn unicast_families(&self) -> Vec<Family> {
        let has_peers = |wanted: &Family| {
            self.destinations()
                .any(|(destination, family)| family == *wanted && destination.is_unicast(family))
        };
        [Family::V4, Family::V6].into_iter().filter(has_peers).collect()
    }

    /// The groups to join.
    fn groups(&self) -> Vec<IpAddr> {
        let mut groups: Vec<_> = self
            .destinations()
            .filter(|(destination, family)| !destination.is_unicast(*family))
            .map(|(destination, family)| destination.group(family))
            .filter(IpAddr::is_multicast)
            .collect();
        sort_by(&mut groups, Ord::cmp);
        groups.dedup();
        groups
    }
}

/// What is sent through.
pub(crate) struct Sockets {
    link: LinkSocket,
    /// One for each family that has peers.
    ip: Vec<(Family, IpSocket)>,
    /// What packets go by to whom one of those may not send.
    connected: Connected,
}

impl Sockets {
    /// Opens them for those who want this.
    ///
    /// # Errors
    /// What could not be opened, and why.
    pub(crate) fn open(interface: &str, wanted: &Wanted) -> Result<Self, StartError> {
        let failed = |error| StartError::new(Doing::OpenSocket, interface, error).explained();
        let link = LinkSocket::open(interface).map_err(failed)?;
        let ip = wanted
            .unicast_families()
            .into_iter()
            .map(|family| Ok((family, IpSocket::open(interface, connected::envelope(family))?)))
            .collect::<io::Result<_>>()
            .map_err(failed)?;
        Ok(Self { link, ip, connected: Connected::default() })
    }

    /// Hands a frame to the system; never waits.
    ///
    /// # Errors
    /// When the system does not take it.
    pub(crate) fn send(&self, frame: &[u8]) -> io::Result<()> {
        self.link.send(frame)
    }

    /// Hands packets to the system; never waits. Whether it took any. It takes none from an address that this host does
    /// not have, unless it is connected with it: what may be sent instead is known to the core.
    pub(crate) fn deliver(&self, unicast: &Unicast) -> bool {
        let family = Family::of(unicast.source);
        let Some((_, socket)) = self.ip.iter().find(|(its, _)| *its == family) else { return false };
        let from = |source: IpAddr, packets: &Packets| {
            let sent = packets.iter().map(|(to, payload)| match self.connected.get(source, *to) {
                Some(connection) => connection.send(payload),
                // An answer to somebody who is no peer cannot be given here, which is no fault of the link.
                None if self.connected.begin_at(source) => Ok(()),
                None => socket.send(source, *to, payload),
            });
            sent.fold((false, false), |(any, astray), outcome| match outcome {
                Ok(()) => (true, astray),
                Err(error) => (any, astray || error.kind() == io::ErrorKind::AddrNotAvailable),
            })
        };
        match (from(unicast.source, &unicast.packets), &unicast.instead) {
            ((false, true), Some((shared, packets))) => from(*shared, packets).0,
            ((any, _), _) => any,
        }
    }
}

/// What was opened on an interface, each by what it is for, to be handed to who may not open it.
pub(crate) type Parts = Vec<(Device, OwnedFd)>;

/// Opens all that is needed for those who want this, or a capture alone, for another process.
///
/// # Errors
/// Why it could not be opened.
pub(crate) fn open_parts(
    interface: &str,
    wanted: Wanted,
    looks: Looks,
    capture_only: bool,
) -> Result<Parts, String> {
    if capture_only {
        let opened = Capture::open(interface, &wanted.filter(looks)).and_then(Capture::into_descriptor);
        let (at_once, descriptor) = opened.map_err(|error| error.to_string())?;
        return Ok(vec![(Device::Capture(at_once), descriptor)]);
    }
    let devices = Devices::open(interface, wanted, looks).map_err(|error| error.to_string())?;
    devices.into_parts().map_err(|error| error.to_string())
}

/// Opens a capture.
///
/// # Errors
/// Why it could not be opened.
pub(crate) fn open_capture(interface: &str, wanted: &Wanted, looks: Looks) -> Result<Capture, StartError> {
    Capture::open(interface, &wanted.filter(looks))
        .map_err(|error| StartError::new(Doing::OpenCapture, interface, error).explained())
}

impl Devices {
    /// Opens everything for these virtual hosts. Groups are joined before the capture starts, so that nothing
    /// is captured that a snooping switch would stop forwarding.
    ///
    /// # Errors
    /// What could not be opened, and why.
    pub(crate) fn open(interface: &str, wanted: Wanted, looks: Looks) -> Result<Self, StartError> {
        let failed = |doing| move |error: io::Error| StartError::new(doing, interface, error).explained();
        let index = platform::interface_index(interface).map_err(failed(Doing::FindInterface))?;
        let memberships = Membership::join_all(&wanted.groups(), index).map_err(failed(Doing::JoinGroup))?;
        let (sockets, capture) = Self::open_both_ways(interface, &wanted, looks)?;
        Ok(Self::of(interface, capture, sockets, memberships, (wanted, looks)))
    }

    /// Finds out whether [`Devices::open`] would work, and the filters that come later. Joins no group, because the
    /// kernel reports that on the network, and leaves nothing open.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn try_out(interface: &str, wanted: &Wanted) -> Result<(), StartError> {
        Self::open_both_ways(interface, wanted, Looks::Around)?;
        if !wanted.groups().is_empty() && platform::other_routing_domain(interface).is_some() {
            let error = io::Error::from(io::ErrorKind::AddrNotAvailable);
            return Err(StartError::new(Doing::JoinGroup, interface, error).explained());
        }
        [Looks::Ahead, Looks::AtArp]
            .into_iter()
            .try_for_each(|looks| open_capture(interface, wanted, looks).map(drop))
    }

    /// What another process opened for us.
    ///
    /// # Errors
    /// It is not all that is needed.
    pub(crate) fn over(
        interface: &str,
        wanted: Wanted,
        looks: Looks,
        parts: Parts,
    ) -> Result<Self, CaptureError> {
        let (mut capture, mut link, mut ip, mut memberships) = (None, None, Vec::new(), Vec::new());
        for (device, descriptor) in parts {
            match device {
                Device::Capture(at_once) => capture = Some(Capture::over(at_once, descriptor)?),
                Device::Frames => link = Some(LinkSocket::over(descriptor, interface)),
                Device::Packets4(index) => ip.push((Family::V4, IpSocket::over(descriptor, index))),
                Device::Packets6(index) => ip.push((Family::V6, IpSocket::over(descriptor, index))),
                Device::Groups => memberships.push(Membership::from(descriptor)),
            }
        }
        let incomplete = || CaptureError::Descriptor(io::ErrorKind::InvalidData.into());
        let sockets = Sockets { link: link.ok_or_else(incomplete)?, ip, connected: Connected::default() };
        let capture = capture.ok_or_else(incomplete)?;
        Ok(Self::of(interface, capture, sockets, memberships, (wanted, looks)))
    }

    /// To be handed to another process.
    ///
    /// # Errors
    /// On this system nobody else can use it.
    pub(crate) fn into_parts(self) -> Result<Parts, CaptureError> {
        let mut parts = Vec::new();
        if let Some(capture) = self.capture {
            let (at_once, descriptor) = capture.into_descriptor()?;
            parts.push((Device::Capture(at_once), descriptor));
        }
        parts.push((Device::Frames, self.sockets.link.into()));
        parts.extend(self.sockets.ip.into_iter().map(|(family, socket)| match family {
            Family::V4 => (Device::Packets4(socket.index()), socket.into()),
            Family::V6 => (Device::Packets6(socket.index()), socket.into()),
        }));
        parts.extend(self.memberships.into_iter().map(|membership| (Device::Groups, membership.into())));
        Ok(parts)
    }

    fn of(
        interface: &str,
        capture: Capture,
        sockets: Sockets,
        memberships: Vec<Membership>,
        (wanted, looks): (Wanted, Looks),
    ) -> Self {
        Self {
            interface: interface.to_owned(),
            capture: Some(capture),
            next: None,
            overlap: Overlap::default(),
            sockets,
            memberships,
            wanted,
            looks,
            filter_due: false,
        }
    }

    fn open_both_ways(
        interface: &str,
        wanted: &Wanted,
        looks: Looks,
    ) -> Result<(Sockets, Capture), StartError> {
        Ok((Sockets::open(interface, wanted)?, open_capture(interface, wanted, looks)?))
    }

    /// Ends the look around for other users of our ids: from now on the kernel drops them.
    pub(crate) fn look_ahead(&mut self) {
        self.look(Looks::Ahead);
    }

    /// Looks around without ARP.
    pub(crate) fn look_around(&mut self) {
        self.look(Looks::Around);
    }

    /// Looks around once more, and lets ARP in as well.
    pub(crate) fn look_at_arp(&mut self) {
        self.look(Looks::AtArp);
    }

    /// Whether ARP is let in.
    pub(crate) fn looks_at_arp(&self) -> bool {
        self.looks == Looks::AtArp
    }

    fn look(&mut self, looks: Looks) {
        self.filter_due |= std::mem::replace(&mut self.looks, looks) != looks;
    }

    /// Has the filter follow what is wanted. Where that takes another capture, which somebody else has to open: how far it
    /// is to look.
    ///
    /// # Errors
    /// The one there was stays, and has to follow later.
    pub(crate) fn settle_filter(&mut self) -> Result<Option<Looks>, CaptureError> {
        // One that is opened anew has the filter that is wanted.
        if let Some(capture) = self.capture.as_mut().filter(|_| self.filter_due) {
            if DEVICES_NEED_RIGHTS {
                self.filter_due = false;
                self.overlap.begin();
                return Ok(Some(self.looks));
            }
            capture.set_filter(&self.wanted.filter(self.looks))?;
        }
        self.filter_due = false;
        Ok(None)
    }

    /// There is no other capture for the time being.
    pub(crate) fn keep_capture(&mut self) {
        self.overlap.abandon();
        self.filter_due = true;
    }

    /// How far is looked.
    pub(crate) fn looks(&self) -> Looks {
        self.looks
    }

    /// Hears by the capture that another process opened, once all was heard that the one there is has.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn hear_by(&mut self, parts: Parts) -> Result<(), CaptureError> {
        for (device, descriptor) in parts {
            if let Device::Capture(at_once) = device {
                self.change_to(Capture::over(at_once, descriptor)?);
            }
        }
        Ok(())
    }

    fn change_to(&mut self, next: Capture) {
        if self.capture.is_some() {
            self.next = Some(next);
        } else {
            self.capture = Some(next);
        }
    }

    /// The interface's own addresses, where peers send to.
    pub(crate) fn own(&self) -> &[IpAddr] {
        &self.wanted.own
    }

    /// This is to be heard from now on. Whether another filter does; else it takes other devices.
    pub(crate) fn want(&mut self, wanted: &Wanted) -> bool {
        if self.wanted == *wanted {
            return true;
        }
        let suffices = self.wanted.groups() == wanted.groups()
            && self.wanted.unicast_families() == wanted.unicast_families();
        if suffices {
            self.wanted = wanted.clone();
            self.filter_due = true;
        }
        suffices
    }

    /// Others are going to take the place of these.
    pub(crate) fn will_change(&mut self) {
        self.overlap.begin();
    }

    /// Sends and hears by these instead, once all was heard that there is.
    pub(crate) fn become_these(&mut self, next: Self) {
        let Self { capture, mut sockets, memberships, wanted, looks, .. } = next;
        sockets.connected = std::mem::take(&mut self.sockets.connected);
        capture.into_iter().for_each(|capture| self.change_to(capture));
        (self.sockets, self.memberships, self.wanted) = (sockets, memberships, wanted);
        self.filter_due = looks != self.looks;
    }

    /// These are the interface's own addresses now; peers may send to any of them.
    pub(crate) fn listen_to(&mut self, own: Vec<IpAddr>) {
        if self.wanted.own == own {
            return;
        }
        self.wanted.own = own;
        self.filter_due |= !self.wanted.unicast_families().is_empty();
    }

    /// Whether the interface of this name is still the one that was opened; if not, what that is called now. The number
    /// of an interface does not tell: it may be given to the next one.
    ///
    /// # Errors
    /// It could not be found out.
    pub(crate) fn fate(&self) -> io::Result<Fate> {
        Ok(match self.sockets.link.interface()? {
            None => Fate::Removed,
            Some(name) if name == self.interface => Fate::Current,
            Some(name) => Fate::Renamed(name),
        })
    }

    /// Whether the interface of this name is known to be another one or none.
    pub(crate) fn are_elsewhere(&self) -> bool {
        matches!(self.fate(), Ok(Fate::Renamed(_) | Fate::Removed))
    }

    /// Whether there is a capture.
    pub(crate) fn hears(&self) -> bool {
        self.capture.is_some()
    }

    /// Gives up a capture that failed.
    pub(crate) fn stop_hearing(&mut self) {
        (self.capture, self.next) = (None, None);
        self.overlap.abandon();
    }

    /// Opens the capture anew.
    ///
    /// # Errors
    /// Why it could not be opened; there is none then.
    pub(crate) fn hear_again(&mut self) -> Result<(), CaptureError> {
        // The old one goes first: it may hold the last descriptor.
        self.stop_hearing();
        self.capture = Some(Capture::open(&self.interface, &self.wanted.filter(self.looks))?);
        self.filter_due = false;
        Ok(())
    }

    /// What becomes readable when something is heard.
    pub(crate) fn capture(&self) -> Option<BorrowedFd<'_>> {
        self.capture.as_ref().map(AsFd::as_fd)
    }

    /// What is missing of these ways, as far as it can be asked for at a time.
    pub(super) fn unconnected(&self, needed: impl Iterator<Item = Way>) -> Option<(IpAddr, Vec<IpAddr>)> {
        self.sockets.connected.missing(needed)
    }

    /// These are open now.
    pub(super) fn connected(&mut self, source: IpAddr, peers: &[IpAddr], opened: Vec<OwnedFd>) {
        self.sockets.connected.add(source, peers, opened);
    }

    /// Opens these ways, for who may.
    ///
    /// # Errors
    /// Why one could not be opened.
    pub(super) fn connect(&mut self, needed: &[Way]) -> Result<(), StartError> {
        while let Some((source, peers)) = self.unconnected(needed.iter().copied()) {
            let opened = connected::open(&self.interface, source, &peers)
                .map_err(|error| StartError::new(Doing::OpenSocket, &self.interface, error).explained())?;
            self.connected(source, &peers, opened);
        }
        Ok(())
    }

    /// No other ways are needed any more.
    pub(super) fn keep_connected(&mut self, needed: &BTreeSet<Way>) {
        self.sockets.connected.keep(needed);
    }

    /// What is sent through.
    pub(crate) fn sockets(&self) -> &Sockets {
        &self.sockets
    }

    /// Hands out the next frame that was captured, if there is one.
    ///
    /// # Errors
    /// The capture failed.
    pub(crate) fn take(&mut self, mut each: impl FnMut(&[u8])) -> Result<usize, CaptureError> {
        loop {
            let Some(capture) = &mut self.capture else { return Ok(0) };
            let (overlap, mut is_news) = (&mut self.overlap, false);
            let taken = capture.drain(1, |frame| {
                is_news = overlap.is_news(frame);
                if is_news {
                    each(frame);
                }
            });
            match (taken, self.next.take()) {
                // All that it has was heard, or cannot be any more.
                (Ok(0) | Err(_), Some(next)) => {
                    self.overlap.cross();
                    self.capture = Some(next);
                }
                (Ok(0), None) => {
                    self.overlap.is_behind_us();
                    return Ok(0);
                }
                (Ok(count), next) => {
                    self.next = next;
                    if is_news {
                        return Ok(count);
                    }
                }
                (Err(error), None) => return Err(error),
            }
        }
    }

    /// How many frames for us were lost since it was opened; `None` if that could not be found out.
    pub(crate) fn lost(&mut self) -> Option<u64> {
        self.capture.as_mut()?.lost().ok()
    }

    /// Empties the sockets of families with peers, which have the same packets a second time.
    pub(crate) fn discard_copies(&self) {
        self.sockets.ip.iter().for_each(|(_, socket)| socket.discard());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::capture;
    use super::*;
    use crate::protocol::{MacAddr, wire};

    #[test]
    fn on_a_wire() {
        capture::wire::run(concat!(module_path!(), "::inside"));
    }

    /// Every frame is heard once and in order, whichever of two captures has it.
    #[test]
    #[ignore = "needs the wire that on_a_wire makes"]
    fn inside() {
        let wish = (Vhid::new(7).unwrap(), Destination::default(), vec![Family::V4]);
        let wanted = Wanted { wishes: vec![wish], own: Vec::new() };
        let mut devices = Devices::open("v0", wanted.clone(), Looks::Ahead).unwrap();
        let there = LinkSocket::open("v1").unwrap();
        let send = |numbers: std::ops::Range<u8>| {
            for number in numbers {
                let mut decoded = wire::sample();
                (decoded.header.vhid, decoded.header.counter) = (7, number.into());
                there.send(&wire::encode(&decoded, MacAddr::BROADCAST, 1)).unwrap();
            }
            // A capture may be told of a frame a moment after the sender is let go on.
            platform::wait(&[], &mut Vec::new(), Some(Duration::from_millis(20))).unwrap();
        };
        let heard = |devices: &mut Devices| {
            let mut heard = Vec::new();
            let number = |frame: &[u8]| wire::decode(frame).unwrap().header.counter.to_be_bytes()[7];
            while devices.take(|frame| heard.push(number(frame))).unwrap() > 0 {}
            heard
        };
        let (mut from, mut sent) = (0, 0);
        for looks in [Looks::Ahead, Looks::Around, Looks::AtArp, Looks::Ahead] {
            send(from..from + 3);
            devices.overlap.begin();
            send(from + 3..from + 5);
            let next = open_capture("v0", &wanted, looks).unwrap();
            send(from + 5..from + 10);
            let mut all = heard(&mut devices);
            send(from + 10..from + 15);
            devices.change_to(next);
            send(from + 15..from + 20);
            all.extend(heard(&mut devices));
            send(from + 20..from + 25);
            all.extend(heard(&mut devices));
            assert_eq!(all, (from..from + 25).collect::<Vec<_>>());
            (from, sent) = (from + 25, sent + all.len());
        }
        assert_eq!((sent, devices.lost()), (100, Some(0)));
    }
}
