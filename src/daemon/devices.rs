//! What is opened on one interface: capture, sending sockets and group memberships, opened by one function and dropped as a
//! whole. When the interface goes, all of it goes; when it returns, all of it is opened anew.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};

use super::capture::{Capture, CaptureError, Filter, Looks, Wish};
use super::failure::{Doing, StartError};
use crate::platform::{self, Envelope, IpSocket, LinkSocket, Membership};
use crate::protocol::wire::{self, ipv4};
use crate::protocol::{Destination, Family, Packets, Unicast, Vhid};

/// What is open on an interface.
pub(crate) struct Devices {
    interface: String,
    /// None while it cannot be opened anew after it failed.
    capture: Option<Capture>,
    sockets: Sockets,
    _memberships: Vec<Membership>,
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
#[derive(Clone, Default)]
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
    fn unicast_families(&self) -> BTreeSet<Family> {
        self.destinations()
            .filter(|(destination, family)| destination.is_unicast(*family))
            .map(|(_, family)| family)
            .collect()
    }

    /// The groups to join.
    fn groups(&self) -> BTreeSet<IpAddr> {
        self.destinations()
            .filter(|(destination, family)| !destination.is_unicast(*family))
            .map(|(destination, family)| destination.group(family))
            .filter(IpAddr::is_multicast)
            .collect()
    }
}

/// What is sent through.
pub(crate) struct Sockets {
    link: LinkSocket,
    /// One for each family that has peers.
    ip: Vec<(Family, IpSocket)>,
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
            .map(|family| {
                let envelope = Envelope {
                    ipv6: family == Family::V6,
                    protocol: wire::PROTOCOL,
                    ttl: wire::TTL,
                    tos: ipv4::LOW_DELAY,
                };
                Ok((family, IpSocket::open(interface, envelope)?))
            })
            .collect::<io::Result<_>>()
            .map_err(failed)?;
        Ok(Self { link, ip })
    }

    /// Hands a frame to the system; never waits.
    ///
    /// # Errors
    /// When the system does not take it.
    pub(crate) fn send(&self, frame: &[u8]) -> io::Result<()> {
        self.link.send(frame)
    }

    /// Hands packets to the system; never waits. Whether it took any. It takes none from an address that this host does
    /// not have: what may be sent instead is known to the core.
    pub(crate) fn deliver(&self, unicast: &Unicast) -> bool {
        let family = Family::of(unicast.source);
        let Some((_, socket)) = self.ip.iter().find(|(its, _)| *its == family) else { return false };
        let from = |source: IpAddr, packets: &Packets| {
            let sent = packets.iter().map(|(to, payload)| socket.send(source, *to, payload));
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

impl Devices {
    /// Opens everything for these virtual hosts. Groups are joined before the capture starts, so that nothing
    /// is captured that a snooping switch would stop forwarding.
    ///
    /// # Errors
    /// What could not be opened, and why.
    pub(crate) fn open(interface: &str, wanted: Wanted) -> Result<Self, StartError> {
        let failed = |doing| move |error: io::Error| StartError::new(doing, interface, error).explained();
        let index = platform::interface_index(interface).map_err(failed(Doing::FindInterface))?;
        let memberships = wanted
            .groups()
            .into_iter()
            .map(|group| Membership::join(group, index))
            .collect::<io::Result<_>>()
            .map_err(failed(Doing::JoinGroup))?;
        let (sockets, capture) = Self::open_both_ways(interface, &wanted, &wanted.filter(Looks::Around))?;
        Ok(Self {
            interface: interface.to_owned(),
            capture: Some(capture),
            sockets,
            _memberships: memberships,
            wanted,
            looks: Looks::Around,
            filter_due: false,
        })
    }

    /// Finds out whether [`Devices::open`] would work, and the filters that come later. Joins no group, because the
    /// kernel reports that on the network, and leaves nothing open.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn try_out(interface: &str, wanted: &Wanted) -> Result<(), StartError> {
        let (_, mut capture) = Self::open_both_ways(interface, wanted, &wanted.filter(Looks::Around))?;
        if !wanted.groups().is_empty() && platform::other_routing_domain(interface).is_some() {
            let error = io::Error::from(io::ErrorKind::AddrNotAvailable);
            return Err(StartError::new(Doing::JoinGroup, interface, error).explained());
        }
        [Looks::Ahead, Looks::AtArp]
            .into_iter()
            .try_for_each(|looks| capture.set_filter(&wanted.filter(looks)))
            .map_err(|error| StartError::new(Doing::OpenCapture, interface, error).explained())
    }

    fn open_both_ways(
        interface: &str,
        wanted: &Wanted,
        filter: &Filter,
    ) -> Result<(Sockets, Capture), StartError> {
        let sockets = Sockets::open(interface, wanted)?;
        let capture = Capture::open(interface, filter)
            .map_err(|error| StartError::new(Doing::OpenCapture, interface, error).explained())?;
        Ok((sockets, capture))
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

    /// Has the filter follow what is wanted.
    ///
    /// # Errors
    /// The one there was stays, and has to follow later.
    pub(crate) fn settle_filter(&mut self) -> Result<(), CaptureError> {
        if let Some(capture) = self.capture.as_mut().filter(|_| self.filter_due) {
            capture.set_filter(&self.wanted.filter(self.looks))?;
        }
        self.filter_due = false;
        Ok(())
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

    /// Whether there is a capture.
    pub(crate) fn hears(&self) -> bool {
        self.capture.is_some()
    }

    /// Gives up a capture that failed.
    pub(crate) fn stop_hearing(&mut self) {
        self.capture = None;
    }

    /// Opens the capture anew.
    ///
    /// # Errors
    /// Why it could not be opened; there is none then.
    pub(crate) fn hear_again(&mut self) -> Result<(), CaptureError> {
        // The old one goes first: it may hold the last descriptor.
        self.capture = None;
        self.capture = Some(Capture::open(&self.interface, &self.wanted.filter(self.looks))?);
        self.filter_due = false;
        Ok(())
    }

    /// What becomes readable when something is heard.
    pub(crate) fn capture(&self) -> Option<BorrowedFd<'_>> {
        self.capture.as_ref().map(AsFd::as_fd)
    }

    /// What is sent through.
    pub(crate) fn sockets(&self) -> &Sockets {
        &self.sockets
    }

    /// Hands out the next frame that was captured, if there is one.
    ///
    /// # Errors
    /// The capture failed.
    pub(crate) fn take(&mut self, each: impl FnMut(&[u8])) -> Result<usize, CaptureError> {
        self.capture.as_mut().map_or(Ok(0), |capture| capture.drain(1, each))
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
