//! NetBSD: its figures, its clock, and what its routing socket can leave out.

#![expect(unsafe_code, reason = "descriptors are closed by number, settings read by name")]

use std::ffi::CStr;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::BorrowedFd;
use std::os::unix::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use super::bpf_frames::Shape;
use super::bsd::are;
use super::descriptors;
use super::layout::{Layout, NETBSD, RO_MSGFILTER};
use super::rights::{Guard, Guarded, Needs};

pub use super::bpf::*;
pub use super::bsd::*;
pub use super::duplicates::assign_address;
pub(super) use super::no_timer::Timer;
pub use super::ppoll::wait;
pub use super::routing_socket::LinkMonitor;
pub use super::titled::blank_argument;
pub(super) use super::titled::name_process;
// Older than ppoll here, and the same.
pub(super) use libc::pollts as ppoll;

pub(super) const LAYOUT: Layout = NETBSD;
pub(super) const BOUND_IF: Option<(i32, i32)> = None;
pub(super) const FRAMES: Shape = Shape::NETBSD;

/// Whether setproctitle(3) can leave out the name of the program, for a format that begins with a dash.
pub(super) const TITLE_IS_WHOLE: bool = false;

/// Whether [`LinkMonitor`] becomes readable at each change; if not, [`link_state`] must be asked now and then.
pub const LINK_CHANGES_ARE_EVENTS: bool = true;

/// Whether it does at each changed hardware address too; if not, [`hardware_address`] must be asked before it matters.
pub const HARDWARE_CHANGES_ARE_EVENTS: bool = false;

/// Whether a process that is confined has to be told what interfaces are like. See the item of this name on Linux.
pub const QUESTIONS_NEED_RIGHTS: bool = false;

// libc has no ifreq, no if_data and nothing of net/bpf.h here.
const _: () = assert!(are(LAYOUT.link_messages, &[libc::RTM_IFINFO, libc::RTM_IFANNOUNCE]));
const _: () =
    assert!(are(LAYOUT.address_messages, &[libc::RTM_NEWADDR, libc::RTM_DELADDR, libc::RTM_CHGADDR]));
const _: () = assert!(libc::PF_ROUTE == 34 && libc::AF_LINK == 18 && libc::AF_INET6 == 24);

/// See the item of this name on FreeBSD: here addresses can be named.
pub(super) const KEPT_TO_SENDING: Option<fn(BorrowedFd<'_>) -> io::Result<()>> = None;

/// See the item of this name on Linux: here the name of every socket is that of a file.
pub(super) fn named_without_file(_: &[u8]) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

/// See the item of this name on macOS: here syslogd listens on a socket.
pub(super) const SYSTEM_LOG: Option<fn(libc::c_int, &CStr)> = None;

/// See the item of this name on macOS: here frames are captured with their tags, or known by them.
pub(super) const MINGLED_VLAN: Option<fn(&str) -> Option<String>> = None;

/// The folder that is all a process sees of the files once it gave up its rights: nothing else here keeps it from them.
pub(super) const EMPTY_FOLDER: Option<&str> = Some("/var/chroot/ucarp");

/// See the item of this name on OpenBSD: there are no routing domains here.
pub(super) const ROUTING_DOMAIN: Option<fn(&str) -> Option<u32>> = None;

/// See the item of this name on OpenBSD: there is nothing of the kind here.
pub(super) fn write_only_in(_: &[&Path], _: &mut Guarded) {}

/// See the item of this name on FreeBSD: this kernel has no such sum.
pub(super) const CARP_DEMOTION: Option<fn() -> io::Result<i32>> = None;

/// Tells of the setting that has this system search for another host with an IPv4 address before it uses it: a count of
/// probes. While it is not 0 each new address is dead for seconds, as is every one when the link comes back
/// (in_if_link_up() of netinet/in.c).
pub(super) const DUPLICATE_SEARCH: Option<fn() -> Option<super::Setting>> = Some(duplicate_search);

fn duplicate_search() -> Option<super::Setting> {
    const NAME: &CStr = c"net.inet.ip.dad_count";
    let mut count: libc::c_int = 0;
    let mut size = size_of_val(&count);
    // SAFETY: the name ends in NUL; the kernel writes at most `size` bytes to `count`, and is given nothing to set.
    let asked = unsafe {
        libc::sysctlbyname(NAME.as_ptr(), (&raw mut count).cast(), &raw mut size, std::ptr::null(), 0)
    };
    Some(super::Setting { name: NAME.to_str().ok()?, value: count }).filter(|_| asked == 0 && count != 0)
}

/// Time since boot. The kernel has no clock that counts suspended time: a host that slept finds its deadlines where they
/// were, and its neighbours' advertisements tell it the rest.
#[must_use]
pub fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).expect("POSIX has this clock")
}

/// Has the routing socket tell of links and addresses alone: RO_MSGFILTER of net/route.h takes a list of kinds.
pub(super) fn hear_only(fd: BorrowedFd<'_>, layout: &Layout) -> io::Result<()> {
    let mut kinds = [0_u8; 5];
    let wanted = layout.link_messages.iter().chain(layout.address_messages);
    kinds.iter_mut().zip(wanted).for_each(|(to, from)| *to = *from);
    descriptors::set_option(fd, libc::PF_ROUTE, RO_MSGFILTER, &kinds)
}

const _: () = assert!(LAYOUT.link_messages.len() + LAYOUT.address_messages.len() == 5);

/// Joins an IPv4 group on an interface named by its number: an address that begins with 0 is one
/// (ip_multicast_if() of netinet/ip_output.c).
pub(super) fn join_v4(fd: BorrowedFd<'_>, group: Ipv4Addr, interface_index: u32) -> io::Result<()> {
    if interface_index == 0 || interface_index >= 1 << 24 {
        return Err(io::Error::from_raw_os_error(libc::ENXIO));
    }
    let imr_multiaddr = libc::in_addr { s_addr: u32::from_ne_bytes(group.octets()) };
    let request =
        libc::ip_mreq { imr_multiaddr, imr_interface: libc::in_addr { s_addr: interface_index.to_be() } };
    descriptors::set_option(fd, libc::IPPROTO_IP, libc::IP_ADD_MEMBERSHIP, &request)
}

/// There is nothing to keep a process to what it needs that could be relied on: chroot(2) keeps files away, and nothing any system call.
pub(super) fn confine(_: &Needs, guarded: &mut Guarded) {
    guarded.note(Guard::Sandbox, Err(io::ErrorKind::Unsupported.into()));
}

/// Closes every descriptor from this number on. To be called when nothing in this process owns one of them, or none of
/// the owners is used or dropped any more.
///
/// # Errors
/// Never on this system.
pub(super) fn close_from(first: libc::c_int) -> io::Result<()> {
    // SAFETY: takes no pointers; the caller knows that no owner loses its descriptor.
    unsafe { libc::closefrom(first) };
    Ok(())
}
