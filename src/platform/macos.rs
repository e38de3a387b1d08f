//! macOS: its figures, its clocks and arguments, its events, and pselect(2), because its poll(2) does not serve BPF
//! devices.

#![expect(unsafe_code, reason = "event sockets have no safe wrapper, arguments are overwritten in place")]

use std::ffi::CStr;
use std::io;
use std::mem::offset_of;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::event::FilterFlag;
use nix::sys::select::{FdSet, pselect};
use nix::sys::socket::AddressFamily;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};

use super::bpf_frames::Shape;
use super::bsd_bytes;
use super::kernel_events::{Heard, LONGEST, NETWORK, SET_FILTER};
use super::layout::{self, Layout, MACOS};
use super::rights::{Guard, Guarded, Needs};
use super::{Changes, descriptors};

pub use super::bpf::*;
pub use super::bsd::*;
pub use super::duplicates::assign_address;
pub(super) use super::group_req::join_v4;
pub(super) use super::kqueue_timer::Timer;

pub(super) const LAYOUT: Layout = MACOS;
pub(super) const BOUND_IF: Option<(i32, i32)> = Some((libc::IP_BOUND_IF, libc::IPV6_BOUND_IF));
pub(super) const FRAMES: Shape = Shape::MACOS;

/// In nanoseconds, together with no other timer, and while the host sleeps too (`filt_timervalidate` and
/// `filt_timerarm` of bsd/kern/kern_event.c).
pub(super) const EXACTLY: FilterFlag = FilterFlag::NOTE_NSECONDS
    .union(FilterFlag::from_bits_retain(libc::NOTE_CRITICAL | libc::NOTE_MACH_CONTINUOUS_TIME));

/// Whether [`LinkMonitor`] becomes readable at each change; if not, [`link_state`] must be asked now and then.
pub const LINK_CHANGES_ARE_EVENTS: bool = true;

/// Whether it does at each changed hardware address too; if not, [`hardware_address`] must be asked before it matters.
pub const HARDWARE_CHANGES_ARE_EVENTS: bool = true;

/// Whether a process that is confined has to be told what interfaces are like. See the item of this name on Linux.
pub const QUESTIONS_NEED_RIGHTS: bool = false;

const _: () = assert!(size_of::<libc::ifreq>() == LAYOUT.ifreq);
const _: () = assert!(size_of::<libc::in6_ifreq>() == layout::IN6_IFREQ);
const _: () = assert!(size_of::<libc::ifaliasreq>() == LAYOUT.add_v4.1);
const _: () = assert!(offset_of!(libc::ifaliasreq, ifra_addr) == bsd_bytes::NAME);
const _: () = assert!(offset_of!(libc::ifaliasreq, ifra_mask) == bsd_bytes::V4_MASK);
const _: () = assert!(size_of::<libc::in6_addrlifetime>() == layout::IN6_ADDRLIFETIME);
const _: () = assert!(offset_of!(libc::in6_addrlifetime, ia6t_vltime) == 16);
const _: () = assert!(offset_of!(libc::in6_addrlifetime, ia6t_pltime) == 20);
const _: () = assert!(size_of::<libc::if_data>() == LAYOUT.if_data);
const _: () = assert!(libc::BIOCSETIF == LAYOUT.bind_capture && libc::BIOCSETF == LAYOUT.read_filter);
const _: () = assert!(libc::BIOCIMMEDIATE == layout::BIOCIMMEDIATE);
const _: () = assert!(libc::BIOCSHDRCMPLT == layout::BIOCSHDRCMPLT);
const _: () = assert!(libc::BIOCSSEESENT == LAYOUT.ignore_sent.0);
const _: () = assert!(offset_of!(libc::bpf_hdr, bh_hdrlen) == FRAMES.header_length_at());
const _: () = assert!(libc::AF_LINK == 18 && libc::AF_INET6 == 30);

/// See the item of this name on FreeBSD: here addresses can be named.
pub(super) const KEPT_TO_SENDING: Option<fn(BorrowedFd<'_>) -> io::Result<()>> = None;

/// See the item of this name on Linux: here the name of every socket is that of a file.
pub(super) fn named_without_file(_: &[u8]) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Hands a line, with facility and severity, to the system's log where that is done by a call. It may wait for logd
/// (`firehose_client_send_push_and_wait` of libdispatch's firehose_buffer.c). The socket of syslogd still takes lines
/// since macOS 12, but nobody reads them.
pub(super) const SYSTEM_LOG: Option<fn(libc::c_int, &CStr)> = Some(system_log);

fn system_log(priority: libc::c_int, text: &CStr) {
    // SAFETY: syslog(3) takes a format and, for its one %s, a NUL-terminated string; it keeps neither.
    unsafe { libc::syslog(priority, c"%s".as_ptr(), text.as_ptr()) };
}

/// The parent of a VLAN, whose capture shows the frames of the VLAN too, without their tags: the card takes them off, or
/// is to put them on, and `bpf_tap_in` and `bpf_tap_out` hand out what is in memory (`vlan_output` and `vlan_input` of
/// net/if_vlan.c). Nothing for what is no VLAN.
pub(super) const MINGLED_VLAN: Option<fn(&str) -> Option<String>> = Some(vlan_parent);

/// See the item of this name on OpenBSD: there are no routing domains here.
pub(super) const ROUTING_DOMAIN: Option<fn(&str) -> Option<u32>> = None;

/// See the item of this name on NetBSD: what the system's libraries open when they like would be missing.
pub(super) const EMPTY_FOLDER: Option<&str> = None;

/// See the item of this name on OpenBSD: there is nothing of the kind here.
pub(super) fn write_only_in(_: &[&Path], _: &mut Guarded) {}

/// See the item of this name on NetBSD: IPv4 addresses are used at once here.
pub(super) const DUPLICATE_SEARCH: Option<fn() -> Option<super::Setting>> = None;

/// See the item of this name on FreeBSD: this kernel has no such sum.
pub(super) const CARP_DEMOTION: Option<fn() -> io::Result<i32>> = None;

fn vlan_parent(interface: &str) -> Option<String> {
    // net/if.h, struct ifreq: a name and, here, where to put the answer.
    #[repr(C)]
    struct Request {
        name: [u8; bsd_bytes::NAME],
        answer: *mut u8,
        rest: [u8; 8],
    }
    const _: () = assert!(size_of::<Request>() == LAYOUT.ifreq && offset_of!(Request, answer) == 16);
    let name = *bsd_bytes::named(interface, LAYOUT.ifreq).ok()?.first_chunk()?;
    let any = unbound(AddressFamily::Inet).ok()?;
    // net/if_vlan_var.h, struct vlanreq: the parent's name and a number of two bytes.
    let mut answer = [0_u8; bsd_bytes::NAME + 2];
    let mut request = Request { name, answer: answer.as_mut_ptr(), rest: [0; 8] };
    let fd = any.as_raw_fd();
    // SAFETY: SIOCGIFVLAN reads an ifreq and writes a vlanreq, as long as `answer`, to where it points
    // (net/if_vlan_var.h); both outlive the call.
    Errno::result(unsafe { libc::ioctl(fd, layout::SIOCGIFVLAN, &raw mut request) }).ok()?;
    bsd_bytes::name(&answer)
}

/// Time since boot, suspended time included: what clock_gettime(3) calls raw is mach_continuous_time.
#[must_use]
pub fn now() -> Duration {
    clock_gettime(ClockId::from_raw(libc::CLOCK_MONOTONIC_RAW))
        .map(Duration::from)
        .expect("macOS has had this clock since 10.12")
}

/// See the item of this name in `ppoll`, which this is with pselect(2): it takes the timeout in nanoseconds too.
///
/// # Errors
/// What pselect(2) refuses: a descriptor that is not open, or EMFILE for one whose number is beyond FD_SETSIZE.
pub fn wait(fds: &[BorrowedFd<'_>], ready: &mut Vec<bool>, timeout: Option<Duration>) -> io::Result<()> {
    let mut set = FdSet::new();
    for fd in fds {
        if usize::try_from(fd.as_raw_fd()).is_ok_and(|number| number >= libc::FD_SETSIZE) {
            return Err(Errno::EMFILE.into());
        }
        set.insert(*fd);
    }
    let timeout = timeout.map(TimeSpec::from);
    let woken = pselect(None, &mut set, None, None, timeout.as_ref(), None);
    ready.clear();
    match woken {
        Ok(_) => ready.extend(fds.iter().map(|fd| set.contains(*fd))),
        Err(Errno::EINTR) => ready.resize(fds.len(), false),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Becomes readable when an interface of this host or its addresses change; does not say which, ask [`link_state`].
#[derive(Debug)]
pub struct LinkMonitor {
    fd: OwnedFd,
}

impl LinkMonitor {
    /// Subscribes to what happens to networks, and to nothing else. Anybody may.
    ///
    /// # Errors
    /// No descriptors left.
    pub fn open() -> io::Result<Self> {
        let (family, kind) = (libc::PF_SYSTEM, libc::SOCK_RAW);
        // SAFETY: takes no pointers.
        let fd = Errno::result(unsafe { libc::socket(family, kind, libc::SYSPROTO_EVENT) })?;
        // SAFETY: socket(2) just returned it and nobody else knows it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        descriptors::close_on_exec(fd.as_fd())?;
        fcntl(&fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        // SAFETY: SIOCSKEVFILT reads a kev_request (sys/kern_event.h): three 32-bit numbers, as NETWORK is. Without it
        // nothing is heard.
        Errno::result(unsafe { libc::ioctl(fd.as_raw_fd(), SET_FILTER, NETWORK.as_ptr()) })?;
        Ok(Self { fd })
    }

    /// Takes what has arrived and says of what kind it was. After events that may have been lost to a full queue anything
    /// may have changed.
    pub fn read(&mut self) -> Changes {
        let (mut heard, mut record) = (Heard::default(), [0; LONGEST]);
        loop {
            match nix::unistd::read(&self.fd, &mut record) {
                Ok(count) if count > 0 => heard.take(record.get(..count).unwrap_or_default()),
                Err(Errno::EINTR) => {}
                Ok(_) | Err(_) => return heard.changes(),
            }
        }
    }
}

impl AsFd for LinkMonitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Covers an argument of this process, from the byte `from` on, with asterisks, so that ps(1) does not show it.
/// Argument 0 is the program's name. `false`: there is no such argument.
#[must_use]
pub fn blank_argument(number: usize, from: usize) -> bool {
    // SAFETY: crt_externs.h: the address of the count that main got.
    let count = unsafe { *libc::_NSGetArgc() };
    if !usize::try_from(count).is_ok_and(|count| number < count) {
        return false;
    }
    // SAFETY: crt_externs.h: the address of the vector that main got, which has that many strings.
    let argument = unsafe { *(*libc::_NSGetArgv()).add(number) };
    // SAFETY: it is a NUL-terminated string that lives as long as the process; no reference to it outlives this line.
    let length = unsafe { CStr::from_ptr(argument) }.count_bytes();
    for at in from..length {
        // SAFETY: inside the string, in writable memory; its NUL stays.
        unsafe { argument.add(at).write_volatile(libc::c_char::from_ne_bytes([b'*'])) };
    }
    from < length
}

/// There is no name to change on this system.
pub(super) fn name_process(_: &CStr) {}

/// There is nothing to keep a process to what it needs that could be relied on: sandbox_init(3) would, but it has been deprecated for long, and no document says what its profiles mean.
pub(super) fn confine(_: &Needs, guarded: &mut Guarded) {
    guarded.note(Guard::Sandbox, Err(io::ErrorKind::Unsupported.into()));
}

/// Closes every descriptor from this number on. To be called when nothing in this process owns one of them, or none of
/// the owners is used or dropped any more.
///
/// # Errors
/// Never on this system.
pub(super) fn close_from(first: libc::c_int) -> io::Result<()> {
    for number in first..=last_descriptor() {
        // SAFETY: takes no pointers; the caller knows that no owner loses its descriptor.
        unsafe { libc::close(number) };
    }
    Ok(())
}
