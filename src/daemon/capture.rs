//! Hearing: libpcap, immediate and non-blocking, with a filter that lets the kernel drop what is not for us.
//!
//! The filter's text is a pure function. What it drops (other ids, VRRP, other groups, wrong TTL, fragments, frames
//! too short, other VLANs) never costs a wake-up and is not counted, on purpose. The core checks everything again,
//! so the filter may let more through than it must, never less.
//!
//! This is the only file that knows pcap. It must not look into a frame.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

#[cfg(not(bsd))]
use pcap::PacketHeader;
use pcap::{Active, Direction, Error, Linktype};

use crate::platform;
use crate::protocol::{Destination, Family, Vhid};

/// More than any frame we look at, tags and options included.
const SNAPLEN: i32 = 256;
/// Room for some 3,000 frames on Linux while this process is kept from running. It is private memory.
const RING: i32 = 1024 * 1024;
/// More runs of vhids than this are not worth a comparison each for every frame, and near 128 of them libpcap
/// builds jumps that are too long.
const MOST_RUNS: usize = 32;
/// For the same reasons as many own addresses.
const MOST_ADDRESSES: usize = 16;

/// An open capture on one interface.
pub(crate) struct Capture {
    library: pcap::Capture<Active>,
    #[cfg(bsd)]
    frames: platform::FrameReader,
}

/// Why there is none.
#[derive(Debug)]
pub(crate) enum CaptureError {
    /// libpcap's own words.
    Library(Error),
    /// The interface does not carry Ethernet frames; what it carries instead.
    NotEthernet(String),
    /// The descriptor could not be set up, or not be kept from the hooks.
    Descriptor(std::io::Error),
}

impl From<Error> for CaptureError {
    fn from(error: Error) -> Self {
        Self::Library(error)
    }
}

impl CaptureError {
    /// Whether it merely says that the interface is down, after which the capture works on. Older versions of libpcap
    /// have no code for it.
    pub(crate) fn says_link_down(&self) -> bool {
        match self {
            Self::Library(Error::PcapError(words)) => words.starts_with("The interface went down"),
            Self::Library(_) | Self::NotEthernet(_) => false,
            Self::Descriptor(error) => error.kind() == std::io::ErrorKind::NetworkDown,
        }
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
    /// Opens the capture with its filter, made by [`filter`]. Nothing that arrived before the filter was in place
    /// and does not match it is handed out later.
    ///
    /// # Errors
    /// When the interface or the permission is missing, or the interface is not Ethernet.
    pub(crate) fn open(interface: &str, filter: &str) -> Result<Self, CaptureError> {
        let mut capture = Self::open_unfiltered(interface)?;
        // Where the kernel cannot leave our own frames out, libpcap discards them for us.
        let _ = platform::ignore_sent(capture.as_fd());
        capture.library.direction(Direction::In)?;
        capture.set_filter(filter)?;
        Ok(capture)
    }

    /// Opens the capture for everything that may be CARP or VRRP, whatever is wrong with it, what this host sends
    /// included.
    ///
    /// # Errors
    /// As [`Capture::open`].
    pub(crate) fn watch(interface: &str) -> Result<Self, CaptureError> {
        let mut capture = Self::open_unfiltered(interface)?;
        capture.set_filter(EVERYTHING)?;
        Ok(capture)
    }

    fn open_unfiltered(interface: &str) -> Result<Self, CaptureError> {
        let capture =
            pcap::Capture::from_device(interface)?.snaplen(SNAPLEN).promisc(false).buffer_size(RING);
        let capture = immediate(capture).open()?.setnonblock()?;
        platform::hand_out_at_once(capture.as_fd()).map_err(CaptureError::Descriptor)?;
        platform::close_on_exec(capture.as_fd()).map_err(CaptureError::Descriptor)?;
        ethernet_only(&capture)?;
        Ok(Self {
            #[cfg(bsd)]
            frames: platform::frame_reader(capture.as_fd()).map_err(CaptureError::Descriptor)?,
            library: capture,
        })
    }

    /// Puts another filter in place of the one it was opened with.
    ///
    /// # Errors
    /// When the interface went away.
    pub(crate) fn set_filter(&mut self, filter: &str) -> Result<(), CaptureError> {
        Ok(self.library.filter(&untagged_only(filter), OPTIMISE)?)
    }

    /// How many frames that passed the filter were lost since it was opened, because there was no room for them.
    ///
    /// # Errors
    /// When the interface went away.
    pub(crate) fn lost(&mut self) -> Result<u64, CaptureError> {
        Ok(u64::from(self.library.stats()?.dropped))
    }

    /// Hands out what has arrived, at most `budget` frames, and says how many there were. Fewer than `budget`
    /// means that nothing is left for now; otherwise to be called again before waiting, because the library may
    /// hold frames that the descriptor no longer announces.
    ///
    /// Costs no system call while there are frames, one when there is none.
    ///
    /// # Errors
    /// When the interface went away.
    pub(crate) fn drain(
        &mut self,
        budget: usize,
        mut each: impl FnMut(&[u8]),
    ) -> Result<usize, CaptureError> {
        self.drain_stamped(budget, |_, frame| each(frame))
    }

    /// [`Capture::drain`] with the time since 1970 at which the system took each frame in.
    ///
    /// # Errors
    /// As there.
    #[cfg(not(bsd))]
    pub(crate) fn drain_stamped(
        &mut self,
        budget: usize,
        mut each: impl FnMut(Duration, &[u8]),
    ) -> Result<usize, CaptureError> {
        Ok(self.library.dispatch(Some(budget), |packet| each(stamp(packet.header), packet.data))?)
    }

    /// The same past the library, see [`platform::FrameReader`].
    #[cfg(bsd)]
    pub(crate) fn drain_stamped(
        &mut self,
        budget: usize,
        each: impl FnMut(Duration, &[u8]),
    ) -> Result<usize, CaptureError> {
        self.frames.drain(self.library.as_fd(), budget, each).map_err(CaptureError::Descriptor)
    }
}

/// Frames are handed out as they come, not when a buffer is full.
#[cfg(not(bsd))]
fn immediate(capture: pcap::Capture<pcap::Inactive>) -> pcap::Capture<pcap::Inactive> {
    capture.immediate_mode(true)
}

/// [`platform::hand_out_at_once`] sees to it, because the crate does not find the call in OpenBSD's libpcap.
#[cfg(bsd)]
fn immediate(capture: pcap::Capture<pcap::Inactive>) -> pcap::Capture<pcap::Inactive> {
    capture
}

#[cfg(not(bsd))]
fn stamp(header: &PacketHeader) -> Duration {
    let seconds = u64::try_from(header.ts.tv_sec).unwrap_or_default();
    let micros = u64::try_from(header.ts.tv_usec).unwrap_or_default();
    Duration::from_secs(seconds).saturating_add(Duration::from_micros(micros))
}

fn ethernet_only(capture: &pcap::Capture<Active>) -> Result<(), CaptureError> {
    let link_type = capture.get_datalink();
    if link_type == Linktype::ETHERNET {
        return Ok(());
    }
    Err(CaptureError::NotEthernet(link_type.get_name().unwrap_or_else(|_| link_type.0.to_string())))
}

impl AsFd for Capture {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.library.as_fd()
    }
}

// The language of filters is that of OpenBSD's libpcap: it does not know carp[n], takes > for >= and <= for <
// (gen_relation in gencode.c), so neither is used, and must not be made to calculate: there each operator takes one of
// 16 registers for as long as the process lives (gen_arth).

/// IPv4 with protocol 112, whole: of the bits before the fragment's offset, "more fragments" alone must not be set.
const WHOLE: &str = "ip proto 112 and ip[0] >= 0x45 and ip[0] < 0x50 \
                     and (ip[6:2] = 0 or ip[6:2] = 0x4000 or ip[6:2] = 0x8000 or ip[6:2] = 0xc000)";

/// Behind IPv4 options, which nobody sends in numbers, the places vary; what is there is left to the core.
const OPTIONS: &str = "ip[0] >= 0x46";

/// IPv4 and IPv6 with protocol 112, in IPv6 also behind any headers that may stand before it.
const EVERYTHING: &str = "ip proto 112 or (ip6 and (ip6[6] = 112 or ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 44 \
                          or ip6[6] = 60))";

/// [`platform::UNTAGGED_ONLY`] depends on it.
const OPTIMISE: bool = true;

/// The filter for frames that have no VLAN tag or VLAN id 0, where the kernel hides the tag from filters.
fn untagged_only(filter: &str) -> String {
    match platform::UNTAGGED_ONLY {
        Some(term) => format!("({filter}) and {term}"),
        None => filter.to_owned(),
    }
}

/// The filter for these virtual hosts: CARP version 2, not forwarded, not fragmented, long enough, to our group,
/// for one of our ids. Nothing about the Ethernet header, where kernels and switches differ.
///
/// `own`: the addresses of this host, where peers send to instead of the group.
pub(crate) fn filter(
    vhids: &[Vhid],
    destination: &Destination,
    families: &[Family],
    own: &[IpAddr],
) -> String {
    let families: Vec<String> = families
        .iter()
        .map(|family| match family {
            Family::V4 => format!(
                "({WHOLE} and {} and {} and ip[2:2] >= 56 and len >= 70 \
                 and ({OPTIONS} or (ip[20] >= 0x20 and ip[20] < 0x30 and {})))",
                unforwarded(destination, *family),
                addressed(destination, *family, own),
                ids(vhids, "ip[21]"),
            ),
            // Behind extension headers the place of the id varies, so for these frames, which nobody sends in
            // numbers, only the chain's first link is looked at. Fragments are refused by the core anyway.
            Family::V6 => format!(
                "(ip6[6] = 112 and {unforwarded} and {to} and ip6[4:2] >= 36 and len >= 90 \
                 and ip6[40] >= 0x20 and ip6[40] < 0x30 and {}) or ((ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 60) and {unforwarded} \
                 and {to} and ip6[4:2] >= 44 and len >= 98 \
                 and (ip6[40] = 112 or ip6[40] = 0 or ip6[40] = 43 or ip6[40] = 60))",
                ids(vhids, "ip6[41]"),
                unforwarded = unforwarded(destination, *family),
                to = addressed(destination, *family, own),
            ),
        })
        .collect();
    families.join(" or ")
}

/// The term for a packet that comes from the network itself, or is said to be of a peer: the core refuses those that were
/// forwarded, and the operator has to know, for the peer's system may have written that TTL.
fn unforwarded(destination: &Destination, family: Family) -> String {
    let (ip, ttl) = match family {
        Family::V4 => ("ip", "ip[8] = 255"),
        Family::V6 => ("ip6", "ip6[7] = 255"),
    };
    let peers: Vec<IpAddr> = destination.peers(family).collect();
    match peers.as_slice() {
        [] => ttl.to_owned(),
        few if few.len() <= MOST_ADDRESSES => {
            let from: String = few.iter().map(|peer| format!(" or {ip} src host {peer}")).collect();
            format!("({ttl}{from})")
        }
        _ => format!("not {ip} multicast"),
    }
}

/// The term for a packet being sent to our group or, in a family with peers, to one of our addresses.
fn addressed(destination: &Destination, family: Family, own: &[IpAddr]) -> String {
    let (ip, nobody) = match family {
        Family::V4 => ("ip", IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        Family::V6 => ("ip6", IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
    };
    if !destination.is_unicast(family) {
        return format!("{ip} dst host {}", destination.group(family));
    }
    let own: Vec<&IpAddr> = own.iter().filter(|address| Family::of(**address) == family).collect();
    match own.as_slice() {
        [] => format!("{ip} dst host {nobody}"),
        few if few.len() <= MOST_ADDRESSES => {
            let terms: Vec<_> = few.iter().map(|address| format!("{ip} dst host {address}")).collect();
            format!("({})", terms.join(" or "))
        }
        _ => format!("not {ip} multicast"),
    }
}

/// The filter for VRRP routers that use one of our ids: they share group and MAC with us, and the operator should
/// know. Too dear to be left on, since it lets in what costs us a wake-up.
pub(crate) fn clashes(vhids: &[Vhid], destination: &Destination) -> String {
    format!(
        "({WHOLE} and ip[8] = 255 and ip dst host {} and ({OPTIONS} or {}))",
        destination.v4,
        ids(vhids, "ip[21]")
    )
}

/// The term for the byte at `place` being one of `vhids`, or any when that is not worth a test.
fn ids(vhids: &[Vhid], place: &str) -> String {
    let mut sorted: Vec<u8> = vhids.iter().map(|vhid| vhid.get()).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let runs: Vec<(u8, u8)> = sorted
        .chunk_by(|one, next| next - one == 1)
        .filter_map(|run| Some((*run.first()?, *run.last()?)))
        .collect();
    if runs.len() > MOST_RUNS {
        return format!("{place} >= 0");
    }
    let mut text = String::from("(");
    for (index, (first, last)) in runs.iter().enumerate() {
        let or = if index == 0 { "" } else { " or " };
        if first == last {
            write!(text, "{or}{place} = {first}")
        } else {
            write!(text, "{or}({place} >= {first} and {place} < {})", u16::from(*last) + 1)
        }
        .expect("writing into a String cannot fail");
    }
    text + ")"
}

/// The instructions of a filter, as the crate shows them.
#[cfg(test)]
fn compile(text: &str, optimise: bool) -> Vec<String> {
    let program = pcap::Capture::dead(Linktype::ETHERNET)
        .and_then(|dead| dead.compile(text, optimise))
        .unwrap_or_else(|error| panic!("{error}: {text}"));
    program.get_instructions().iter().map(ToString::to_string).collect()
}

#[cfg(test)]
pub(super) mod machine;
#[cfg(test)]
mod tests;
