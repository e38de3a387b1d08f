//! FreeBSD: its figures and its clock.

#![expect(unsafe_code, reason = "descriptors are closed and limited by number")]

use std::ffi::CStr;
use std::io;
use std::mem::offset_of;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::event::FilterFlag;
use nix::time::{ClockId, clock_gettime};

use super::bpf_frames::Shape;
use super::bsd::are;
use super::bsd_bytes;
use super::layout::{self, FREEBSD, Layout};
use super::rights::{Guard, Guarded, Needs};

pub use super::bpf::*;
pub use super::bsd::*;
pub use super::duplicates::assign_address;
pub(super) use super::group_req::join_v4;
pub(super) use super::kqueue_timer::Timer;
pub use super::ppoll::wait;
pub use super::routing_socket::LinkMonitor;
pub use super::titled::blank_argument;
pub(super) use super::titled::name_process;
pub(super) use libc::ppoll;

pub(super) const LAYOUT: Layout = FREEBSD;
pub(super) const BOUND_IF: Option<(i32, i32)> = None;
pub(super) const FRAMES: Shape = Shape::FREEBSD;

/// In nanoseconds; there is nothing to ask for.
pub(super) const EXACTLY: FilterFlag = FilterFlag::NOTE_NSECONDS;

/// Whether setproctitle(3) can leave out the name of the program, for a format that begins with a dash.
pub(super) const TITLE_IS_WHOLE: bool = true;

/// Whether [`LinkMonitor`] becomes readable at each change; if not, [`link_state`] must be asked now and then.
pub const LINK_CHANGES_ARE_EVENTS: bool = true;

/// Whether it does at each changed hardware address too; if not, [`hardware_address`] must be asked before it matters.
pub const HARDWARE_CHANGES_ARE_EVENTS: bool = false;

/// Whether a process that is confined has to be told what interfaces are like. Capability mode (capsicum(4)) leaves no way to ask about interfaces: others have to.
pub const QUESTIONS_NEED_RIGHTS: bool = true;

const _: () = assert!(size_of::<libc::ifreq>() == LAYOUT.ifreq);
const _: () = assert!(size_of::<libc::ifmediareq>() == LAYOUT.media.1);
const _: () = assert!(offset_of!(libc::ifmediareq, ifm_status) == LAYOUT.media.2);
const _: () = assert!(size_of::<libc::ifaliasreq>() == LAYOUT.add_v4.1);
const _: () = assert!(offset_of!(libc::ifaliasreq, ifra_addr) == bsd_bytes::NAME);
const _: () = assert!(offset_of!(libc::ifaliasreq, ifra_mask) == bsd_bytes::V4_MASK);
const _: () = assert!(size_of::<libc::in6_ifreq>() == layout::IN6_IFREQ);
const _: () = assert!(size_of::<libc::if_data>() == LAYOUT.if_data);
const _: () =
    assert!(matches!(LAYOUT.link_state, Some((at, 1)) if at == offset_of!(libc::if_data, ifi_link_state)));
const _: () = assert!(libc::LINK_STATE_DOWN as u32 == LAYOUT.link_down);
const _: () = assert!(libc::BIOCSETIF == LAYOUT.bind_capture && libc::BIOCSETF == LAYOUT.read_filter);
const _: () = assert!(libc::BIOCIMMEDIATE == layout::BIOCIMMEDIATE);
const _: () = assert!(libc::BIOCSHDRCMPLT == layout::BIOCSHDRCMPLT);
const _: () = assert!(libc::BIOCSSEESENT == LAYOUT.ignore_sent.0);
const _: () = assert!(offset_of!(libc::bpf_hdr, bh_hdrlen) == FRAMES.header_length_at());
const _: () = assert!(offset_of!(libc::if_msghdr, ifm_msglen) == 0);
const _: () = assert!(offset_of!(libc::if_msghdr, ifm_type) == 3);
const _: () = assert!(offset_of!(libc::ifa_msghdr, ifam_type) == 3);
const _: () = assert!(offset_of!(libc::if_announcemsghdr, ifan_type) == 3);
const _: () = assert!(are(LAYOUT.link_messages, &[libc::RTM_IFINFO, libc::RTM_IFANNOUNCE]));
const _: () = assert!(are(LAYOUT.address_messages, &[libc::RTM_NEWADDR, libc::RTM_DELADDR]));
const _: () = assert!(libc::PF_ROUTE == 17 && libc::AF_LINK == 18 && libc::AF_INET6 == 28);

/// What leaves a socket nothing but sending, where a process that is confined can name no address (capability mode):
/// sockets have to be bound and connected by others.
pub(super) const KEPT_TO_SENDING: Option<fn(BorrowedFd<'_>) -> io::Result<()>> = Some(keep_to_sending);

/// See the item of this name on Linux: here the name of every socket is that of a file.
pub(super) fn named_without_file(_: &[u8]) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

/// See the item of this name on macOS: here syslogd listens on a socket.
pub(super) const SYSTEM_LOG: Option<fn(libc::c_int, &CStr)> = None;

/// See the item of this name on macOS: here frames are captured with their tags, or known by them.
pub(super) const MINGLED_VLAN: Option<fn(&str) -> Option<String>> = None;

/// See the item of this name on OpenBSD: there are no routing domains here.
pub(super) const ROUTING_DOMAIN: Option<fn(&str) -> Option<u32>> = None;

/// See the item of this name on NetBSD: in capability mode there are no names of files.
pub(super) const EMPTY_FOLDER: Option<&str> = None;

/// See the item of this name on OpenBSD: there is nothing of the kind here.
pub(super) fn write_only_in(_: &[&Path], _: &mut Guarded) {}

/// See the item of this name on NetBSD: IPv4 addresses are used at once here.
pub(super) const DUPLICATE_SEARCH: Option<fn() -> Option<super::Setting>> = None;

/// The kernel's own sum of demotions, of all its virtual hosts together: `net.inet.carp.demotion` (netinet/ip_carp.c).
pub(super) const CARP_DEMOTION: Option<fn() -> io::Result<i32>> = Some(carp_demotion);

fn carp_demotion() -> io::Result<i32> {
    let (mut sum, mut size): (libc::c_int, _) = (0, size_of::<libc::c_int>());
    // SAFETY: a NUL-terminated name; the kernel writes no more than `size` bytes to `sum`, and nothing is set.
    Errno::result(unsafe {
        libc::sysctlbyname(
            c"net.inet.carp.demotion".as_ptr(),
            (&raw mut sum).cast(),
            &raw mut size,
            std::ptr::null(),
            0,
        )
    })?;
    Ok(sum)
}

/// Time since boot. The kernel has no clock that counts suspended time: a host that slept finds its deadlines where they
/// were, and its neighbours' advertisements tell it the rest.
#[must_use]
pub fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).expect("POSIX has this clock")
}

/// The routing socket of this system cannot be told what to leave out.
pub(super) fn hear_only(_fd: BorrowedFd<'_>, _layout: &Layout) -> io::Result<()> {
    Ok(())
}

/// Leaves every descriptor what hearing, asking and sending need, and enters capability mode (capsicum(4)): no names of
/// files, addresses and processes, and none of most settings, from then on. Descriptors are for others to open and hand
/// over, and those too can be limited before. Nothing is killed: what is refused fails with ECAPMODE or ENOTCAPABLE.
pub(super) fn confine(_: &Needs, guarded: &mut Guarded) {
    let used = [
        libc::CAP_READ,
        libc::CAP_WRITE,
        libc::CAP_EVENT,
        libc::CAP_FCNTL,
        libc::CAP_FSTAT,
        libc::CAP_IOCTL,
        libc::CAP_GETSOCKNAME,
        libc::CAP_GETSOCKOPT,
        libc::CAP_SETSOCKOPT,
        libc::CAP_SHUTDOWN,
        libc::CAP_KQUEUE_CHANGE,
        libc::CAP_KQUEUE_EVENT,
    ];
    let limited = (0..=last_descriptor()).try_for_each(|number| match limit(number, &used) {
        // No descriptor has this number, or it was left less before.
        Err(Errno::EBADF | Errno::ENOTCAPABLE) => Ok(()),
        outcome => outcome,
    });
    // SAFETY: takes no arguments.
    let entered = limited.and_then(|()| Errno::result(unsafe { libc::cap_enter() }));
    guarded.note(Guard::Capsicum, entered.map(drop).map_err(io::Error::from));
}

fn keep_to_sending(fd: BorrowedFd<'_>) -> io::Result<()> {
    Ok(limit(fd.as_raw_fd(), &[libc::CAP_SEND])?)
}

fn limit(descriptor: libc::c_int, used: &[u64]) -> Result<(), Errno> {
    let mut rights = std::mem::MaybeUninit::<libc::cap_rights_t>::uninit();
    // SAFETY: writes the whole of `rights` (sys/capsicum.h); 0 ends the rights that follow as 64-bit numbers, here none.
    let rights = unsafe {
        libc::__cap_rights_init(libc::CAP_RIGHTS_VERSION, rights.as_mut_ptr(), 0_u64);
        rights.assume_init_mut()
    };
    for right in used {
        // SAFETY: as above, with one right.
        unsafe { libc::__cap_rights_set(rights, *right, 0_u64) };
    }
    // SAFETY: the kernel only reads `rights`.
    Errno::result(unsafe { libc::cap_rights_limit(descriptor, rights) })?;
    Ok(())
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

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::os::fd::{AsFd, OwnedFd};

    use super::super::rights::tests::{in_child, is_root};
    use super::super::{Connection, Envelope, IpSocket, descriptors, interfaces};
    use super::*;

    #[test]
    fn in_capability_mode_what_is_connected_sends_and_nothing_else_does() {
        if !is_root() {
            return;
        }
        in_child(|| {
            let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
            let loopback = interfaces::interface_of(here).unwrap().unwrap();
            let envelope = Envelope { ipv6: false, protocol: 112, ttl: 255, tos: 0x10 };
            let open = || IpSocket::open(&loopback, envelope).unwrap();
            let (socket, connection) = (open(), open().connect(here, here).unwrap());
            let mut guarded = Guarded::default();
            confine(&Needs { raw_ip: true, log_socket: false }, &mut guarded);
            assert_eq!((guarded.by.as_slice(), guarded.not_by.len()), (&[Guard::Capsicum][..], 0));
            connection.send(&[0; 36]).unwrap();
            let code = |outcome: io::Result<()>| outcome.unwrap_err().raw_os_error();
            assert_eq!(code(socket.send(here, here, &[0; 36])), Some(libc::ECAPMODE));
            let fd = OwnedFd::from(connection);
            let own_header = descriptors::set_option(fd.as_fd(), libc::IPPROTO_IP, libc::IP_HDRINCL, &1);
            assert_eq!(code(own_header), Some(libc::ENOTCAPABLE));
            Connection::over(fd).send(&[0; 36]).unwrap();
        });
    }
}
