//! One interface in use: capture, sending socket and group memberships, opened by one function and dropped as a
//! whole. When the interface goes, all of it goes; when it returns, all of it is opened anew.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};

use super::capture::{self, Capture, CaptureError};
use super::start::{Doing, StartError};
use crate::platform::{self, LinkSocket, Membership};
use crate::protocol::{Destination, Family, Vhid};

/// An interface in use.
pub(crate) struct Attachment {
    interface: String,
    index: u32,
    capture: Capture,
    socket: LinkSocket,
    _memberships: Vec<Membership>,
    /// The filter for the time after a look around.
    lasting: String,
    /// And while looking around.
    around: String,
}

impl Attachment {
    /// Opens everything for these virtual hosts. Groups are joined before the capture starts, so that nothing
    /// is captured that a snooping switch would stop forwarding.
    ///
    /// # Errors
    /// What could not be opened, and why.
    pub(crate) fn open(
        interface: &str,
        vhids: &[Vhid],
        destination: &Destination,
        families: &[Family],
    ) -> Result<Self, StartError> {
        let failed = |doing| move |error: io::Error| StartError::new(doing, interface, error);
        let index = platform::interface_index(interface).map_err(failed(Doing::FindInterface))?;
        let memberships = families
            .iter()
            .map(|family| destination.group(*family))
            .filter(IpAddr::is_multicast)
            .map(|group| Membership::join(group, index))
            .collect::<io::Result<_>>()
            .map_err(failed(Doing::JoinGroup))?;
        let lasting = capture::filter(vhids, destination, families);
        let around = format!("{lasting} or {}", capture::clashes(vhids, destination));
        let (socket, capture) = Self::open_both_ways(interface, &around)?;
        Ok(Self {
            interface: interface.to_owned(),
            index,
            capture,
            socket,
            _memberships: memberships,
            lasting,
            around,
        })
    }

    /// Finds out whether [`Attachment::open`] would work. Joins no group, because the kernel reports that on the
    /// network, and leaves nothing open.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn try_out(
        interface: &str,
        vhids: &[Vhid],
        destination: &Destination,
        families: &[Family],
    ) -> Result<(), StartError> {
        Self::open_both_ways(interface, &capture::filter(vhids, destination, families)).map(|_| ())
    }

    fn open_both_ways(interface: &str, filter: &str) -> Result<(LinkSocket, Capture), StartError> {
        let socket = LinkSocket::open(interface)
            .map_err(|error| StartError::new(Doing::OpenSocket, interface, error))?;
        let capture = Capture::open(interface, filter).map_err(|error| match error {
            CaptureError::Library(_) | CaptureError::NotEthernet(_) | CaptureError::Descriptor(_) => {
                StartError::new(Doing::OpenCapture, interface, error)
            }
        })?;
        Ok((socket, capture))
    }

    /// What the opened interface is called now, if it has another name.
    pub(crate) fn new_name(&self) -> Option<String> {
        platform::interface_name(self.index).filter(|name| *name != self.interface)
    }

    /// Ends the look around for other users of our ids: from now on the kernel drops them.
    pub(crate) fn look_ahead(&mut self) {
        // The wider one does no harm if this fails, and what made it fail is told by the link monitor.
        let _ = self.capture.set_filter(&self.lasting);
    }

    /// Looks around without ARP.
    pub(crate) fn look_around(&mut self) {
        let _ = self.capture.set_filter(&self.around);
    }

    /// Looks around once more, and lets ARP in as well.
    pub(crate) fn look_at_arp(&mut self) {
        let _ = self.capture.set_filter(&format!("{} or arp", self.around));
    }

    /// Whether the interface of this name is still the one that was opened.
    pub(crate) fn is_current(&self) -> bool {
        platform::interface_index(&self.interface).is_ok_and(|index| index == self.index)
    }

    /// Hands a frame to the system; never waits.
    ///
    /// # Errors
    /// When the system does not take it.
    pub(crate) fn send(&self, frame: &[u8]) -> io::Result<()> {
        self.socket.send(frame)
    }

    /// Hands out what was captured, at most `budget` frames.
    ///
    /// # Errors
    /// When the interface went away.
    pub(crate) fn drain(&mut self, budget: usize, each: impl FnMut(&[u8])) -> Result<usize, CaptureError> {
        self.capture.drain(budget, each)
    }
}

impl AsFd for Attachment {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.capture.as_fd()
    }
}
