//! Hearing: libpcap, immediate and non-blocking, with a filter that lets the kernel drop what is not for us.
//!
//! The filter's text is a pure function. What it drops (other ids, VRRP, other groups, wrong TTL) never costs us
//! a wake-up and is not counted, on purpose. The core checks everything again.

use std::fmt::Write;
use std::os::fd::{AsFd, BorrowedFd};

use pcap::{Active, Direction, Error, Linktype};

use crate::platform;
use crate::protocol::{Destination, Family, Vhid};

/// More than any frame we look at, tags and options included.
const SNAPLEN: i32 = 256;
/// Room for a burst while this process is kept from running.
const RING: i32 = 128 * 1024;

/// An open capture on one interface.
pub(crate) struct Capture(pcap::Capture<Active>);

/// Why there is none.
#[derive(Debug)]
pub(crate) enum CaptureError {
    /// libpcap's own words.
    Library(Error),
    /// The interface does not carry Ethernet frames; what it carries instead.
    NotEthernet(String),
    /// The descriptor could not be kept from the hooks.
    Descriptor(std::io::Error),
}

impl From<Error> for CaptureError {
    fn from(error: Error) -> Self {
        Self::Library(error)
    }
}

impl std::fmt::Display for CaptureError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Library(error) => error.fmt(f),
            Self::NotEthernet(link_type) => write!(f, "not Ethernet but {link_type}"),
            Self::Descriptor(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CaptureError {}

impl Capture {
    /// Opens the capture with its filter.
    ///
    /// # Errors
    /// When the interface or the permission is missing, or the interface is not Ethernet.
    pub(crate) fn open(interface: &str, filter: &str) -> Result<Self, CaptureError> {
        let mut capture = pcap::Capture::from_device(interface)?
            .snaplen(SNAPLEN)
            .promisc(false)
            .immediate_mode(true)
            .buffer_size(RING)
            .open()?
            .setnonblock()?;
        platform::close_on_exec(capture.as_fd()).map_err(CaptureError::Descriptor)?;
        if capture.get_datalink() != Linktype::ETHERNET {
            let link_type = capture.get_datalink();
            let name = link_type.get_name().unwrap_or_else(|_| link_type.0.to_string());
            return Err(CaptureError::NotEthernet(name));
        }
        capture.direction(Direction::In)?;
        capture.filter(filter, true)?;
        Ok(Self(capture))
    }

    /// Hands out frames until there are no more or `budget` is spent; how many there were.
    ///
    /// # Errors
    /// When the interface went away.
    pub(crate) fn drain(
        &mut self,
        budget: usize,
        mut each: impl FnMut(&[u8]),
    ) -> Result<usize, CaptureError> {
        let mut taken = 0;
        while taken < budget {
            let count = self.0.dispatch(Some(budget - taken), |packet| each(packet.data))?;
            if count == 0 {
                break;
            }
            taken += count;
        }
        Ok(taken)
    }
}

impl AsFd for Capture {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The filter for these virtual hosts: CARP, not forwarded, not fragmented, to our group, for one of our ids.
pub(crate) fn filter(vhids: &[Vhid], destination: &Destination, families: &[Family]) -> String {
    let ids = |offset: &str| {
        let mut text = String::new();
        for (index, vhid) in vhids.iter().enumerate() {
            let or = if index == 0 { "" } else { " or " };
            write!(text, "{or}{offset} = {vhid}").expect("writing into a String cannot fail");
        }
        text
    };
    let families: Vec<String> = families
        .iter()
        .map(|family| match family {
            Family::V4 => format!(
                "(ip proto 112 and ip[8] = 255 and ip[6:2] & 0x3fff = 0 and ip dst host {} and ({}))",
                destination.v4,
                ids("ip[(ip[0] & 0xf) * 4 + 1]"),
            ),
            Family::V6 => format!(
                "(ip6 and ip6[6] = 112 and ip6[7] = 255 and ip6 dst host {} and ({}))",
                destination.v6,
                ids("ip6[41]"),
            ),
        })
        .collect();
    families.join(" or ")
}
