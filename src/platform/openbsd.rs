//! OpenBSD: its figures, its clock, and what its routing socket can leave out.

#![expect(unsafe_code, reason = "descriptors are closed by number; pledge(2) and unveil(2) have no wrapper")]

use std::ffi::{CStr, CString};
use std::io;
use std::mem::offset_of;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::AddressFamily;
use nix::time::{ClockId, clock_gettime};

use super::bpf_frames::Shape;
use super::bsd::are;
use super::layout::{self, Layout, OPENBSD, ROUTE_MSGFILTER};
use super::rights::{Guard, Guarded, Needs};
use super::{bsd_bytes, descriptors};

pub use super::bpf::*;
pub use super::bsd::*;
pub use super::duplicates::assign_address;
pub(super) use super::mreqn::join_v4;
pub(super) use super::no_timer::Timer;
pub use super::ppoll::wait;
pub use super::routing_socket::LinkMonitor;
pub use super::titled::blank_argument;
pub(super) use super::titled::name_process;
pub(super) use libc::ppoll;

pub(super) const LAYOUT: Layout = OPENBSD;
pub(super) const BOUND_IF: Option<(i32, i32)> = None;
pub(super) const FRAMES: Shape = Shape::OPENBSD;

/// Whether setproctitle(3) can leave out the name of the program, for a format that begins with a dash: it puts it before
/// whatever it is given (lib/libc/gen/setproctitle.c).
pub(super) const TITLE_IS_WHOLE: bool = false;

/// Whether [`LinkMonitor`] becomes readable at each change; if not, [`link_state`] must be asked now and then.
pub const LINK_CHANGES_ARE_EVENTS: bool = true;

/// Whether it does at each changed hardware address too; if not, [`hardware_address`] must be asked before it matters.
pub const HARDWARE_CHANGES_ARE_EVENTS: bool = false;

/// Whether a process that is confined has to be told what interfaces are like. The promises of pledge(2) that allow to ask about interfaces allow too much: others have to ask.
pub const QUESTIONS_NEED_RIGHTS: bool = true;

const _: () = assert!(size_of::<libc::ifreq>() == LAYOUT.ifreq);
const _: () = assert!(libc::BIOCSETIF == LAYOUT.bind_capture);
const _: () = assert!(libc::BIOCIMMEDIATE == layout::BIOCIMMEDIATE);
const _: () = assert!(libc::BIOCSHDRCMPLT == layout::BIOCSHDRCMPLT);
const _: () = assert!(size_of::<libc::if_data>() == LAYOUT.if_data);
const _: () =
    assert!(matches!(LAYOUT.link_state, Some((at, 1)) if at == offset_of!(libc::if_data, ifi_link_state)));
const _: () = assert!(libc::LINK_STATE_DOWN as u32 == LAYOUT.link_down);
const _: () = assert!(offset_of!(libc::if_msghdr, ifm_msglen) == 0);
const _: () = assert!(offset_of!(libc::if_msghdr, ifm_type) == 3);
const _: () = assert!(are(LAYOUT.link_messages, &[libc::RTM_IFINFO, libc::RTM_IFANNOUNCE]));
const _: () =
    assert!(are(LAYOUT.address_messages, &[libc::RTM_NEWADDR, libc::RTM_DELADDR, libc::RTM_CHGADDRATTR]));
const _: () = assert!(libc::RTM_DESYNC == 16 && matches!(LAYOUT.lost_messages, Some(16)));
const _: () = assert!(libc::PF_ROUTE == 17 && libc::AF_LINK == 18 && libc::AF_INET6 == 24);

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

/// See the item of this name on NetBSD: pledge(2) keeps files away here.
pub(super) const EMPTY_FOLDER: Option<&str> = None;

/// See the item of this name on NetBSD: IPv4 addresses are used at once here.
pub(super) const DUPLICATE_SEARCH: Option<fn() -> Option<super::Setting>> = None;

/// See the item of this name on FreeBSD: here each group of interfaces has a sum, and all carp(4) interfaces are in the
/// group of that name.
pub(super) const CARP_DEMOTION: Option<fn() -> io::Result<i32>> = Some(carp_demotion);

fn carp_demotion() -> io::Result<i32> {
    let mut request = bsd_bytes::named("carp", layout::IFGROUPREQ.0).map_err(|_| Errno::EINVAL)?;
    let any = unbound(AddressFamily::Inet)?;
    // SAFETY: SIOCGIFGATTR reads and writes an ifgroupreq, which is as long as `request`, and keeps nothing of it.
    Errno::result(unsafe {
        libc::ioctl(any.as_raw_fd(), layout::SIOCGIFGATTR as libc::c_ulong, request.as_mut_ptr())
    })?;
    let sum = request.get(layout::IFGROUPREQ.1..).and_then(<[u8]>::first_chunk);
    Ok(sum.map(|bytes| i32::from_ne_bytes(*bytes)).ok_or(Errno::EINVAL)?)
}

/// The routing domain of an interface, unless it is that of this process: its groups can only be joined from there
/// (`ip_setmoptions` of netinet/ip_output.c).
pub(super) const ROUTING_DOMAIN: Option<fn(&str) -> Option<u32>> = Some(other_domain);

fn other_domain(interface: &str) -> Option<u32> {
    // sys/socket.h. The crate libc does not have it.
    unsafe extern "C" {
        safe fn getrtable() -> libc::c_int;
    }
    let mut request = bsd_bytes::named(interface, LAYOUT.ifreq).ok()?;
    let any = unbound(AddressFamily::Inet).ok()?;
    // SAFETY: SIOCGIFRDOMAIN reads and writes an ifreq, which is as long as `request`, and keeps nothing of it.
    Errno::result(unsafe {
        libc::ioctl(any.as_raw_fd(), layout::SIOCGIFRDOMAIN as libc::c_ulong, request.as_mut_ptr())
    })
    .ok()?;
    let theirs = u32::from_ne_bytes(*request.get(bsd_bytes::NAME..)?.first_chunk()?);
    (u32::try_from(getrtable()) != Ok(theirs)).then_some(theirs)
}

/// Time since boot, suspended time included.
#[must_use]
pub fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).expect("OpenBSD has had this clock since 5.5")
}

/// Has the routing socket tell of links and addresses alone: ROUTE_MSGFILTER of net/route.h, a bit for each kind.
pub(super) fn hear_only(fd: BorrowedFd<'_>, layout: &Layout) -> io::Result<()> {
    const AF_ROUTE_LEVEL: i32 = libc::AF_ROUTE;
    let kinds = layout.link_messages.iter().chain(layout.address_messages);
    let bits = kinds.fold(0_u32, |bits, kind| bits | 1 << kind);
    descriptors::set_option(fd, AF_ROUTE_LEVEL, ROUTE_MSGFILTER, &bits)
}

/// Promises to do no more than to read, write and wait, to take over descriptors and to ask a capture what it lost. What
/// else is tried fails (with ENOSYS, by "error") and is not punished. Sockets and captures are for others to open and hand
/// over: BIOCSETIF is in no promise.
pub(super) fn confine(needs: &Needs, guarded: &mut Guarded) {
    let promises = match (needs.raw_ip, needs.log_socket) {
        (false, false) => c"stdio recvfd bpf error",
        (false, true) => c"stdio recvfd bpf unix error",
        // Without it nothing is bound, and nothing sent to an address.
        (true, false) => c"stdio recvfd bpf inet error",
        (true, true) => c"stdio recvfd bpf inet unix error",
    };
    // SAFETY: NUL-terminated; nothing is said about programs that are executed, which is in no promise.
    let promised = Errno::result(unsafe { libc::pledge(promises.as_ptr(), std::ptr::null()) });
    guarded.note(Guard::Pledge, promised.map(drop).map_err(io::Error::from));
}

/// Has this process write to files only in these folders and in /dev: unveil(2), which ends with execve(2).
pub(super) fn write_only_in(folders: &[&Path], guarded: &mut Guarded) {
    guarded.note(Guard::Unveil, unveil_only(folders));
}

fn unveil_only(folders: &[&Path]) -> io::Result<()> {
    let writable = folders.iter().map(|folder| (*folder, c"rwc"));
    let all = [(Path::new("/"), c"rx"), (Path::new("/dev"), c"rw")].into_iter().chain(writable);
    // Each of them: after the first everything else is hidden.
    let mut outcome = Ok(());
    for (path, rights) in all {
        let path = CString::new(path.as_os_str().as_bytes())?;
        // SAFETY: two NUL-terminated strings.
        let shown = Errno::result(unsafe { libc::unveil(path.as_ptr(), rights.as_ptr()) });
        outcome = outcome.and(shown.map(drop));
    }
    // SAFETY: two null pointers say that this is all (unveil(2)).
    let ended = Errno::result(unsafe { libc::unveil(std::ptr::null(), std::ptr::null()) });
    Ok(outcome.and(ended.map(drop))?)
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
