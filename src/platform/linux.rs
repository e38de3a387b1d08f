//! Linux: packet sockets, rtnetlink, interface ioctls.
//!
//! Only what differs from the other systems. It must not know what the bytes it sends mean, and it keeps no state
//! besides its descriptors. Every descriptor made here is closed on exec and never blocks.

#![expect(unsafe_code, reason = "socket options, addresses and ioctls that have no safe wrapper")]

use std::ffi::{CStr, CString};
use std::fs;
use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, getsockopt, recv,
    setsockopt, socket, sockopt,
};
use nix::time::{ClockId, clock_gettime};

use super::Unnumbered;
use super::rights::Guarded;
use super::{Changes, Instruction, LinkState, Unready, descriptors, interfaces};

pub(super) use super::linux_claim::{Claim, LOCKS};
pub(super) use super::linux_rights::{
    after_surrender, before_surrender, confine, forgo_capabilities, forgo_rights, refuse_core_files,
};
pub use super::linux_rights::{missing_for_addresses, missing_privilege};
pub(super) use super::mreqn::join_v4;
pub use super::netlink::{assign_address, withdraw_address};
pub(super) use super::parking::Parking;
pub use super::ppoll::wait;
pub(super) use super::timerfd::Timer;
pub(super) use libc::ppoll;

// The libc crate has both as signed ints, the structures as other types; linux/socket.h, linux/rtnetlink.h.
const AF_PACKET: libc::sa_family_t = 17;
const RTMGRP_LINK: u32 = 1;
const RTMGRP_IPV4_IFADDR: u32 = 0x10;
const RTMGRP_IPV6_IFADDR: u32 = 0x100;

/// Whether [`LinkMonitor`] becomes readable at each change; if not, [`link_state`] must be asked now and then.
pub const LINK_CHANGES_ARE_EVENTS: bool = true;

/// Whether it does at each changed hardware address too; if not, [`hardware_address`] must be asked before it matters.
pub const HARDWARE_CHANGES_ARE_EVENTS: bool = true;

/// Whether a process that is confined has to be told what interfaces are like. Whoever may open a socket may ask about interfaces.
pub const QUESTIONS_NEED_RIGHTS: bool = false;

/// Where programs keep what they have to know after a restart (hier(7)).
pub const STATE: &str = "/var/lib/ucarp";

/// Where they have the sockets by which they are steered (hier(7)).
pub const CONTROL: &str = "/run/ucarp";

pub(super) const OTHER_NAMESPACE: Option<fn() -> Option<u64>> = Some(super::linux_claim::other_namespace);

/// SO_PEERCRED (unix(7)): the user that connected, or that listens.
pub(super) fn peer_user(socket: BorrowedFd<'_>) -> nix::Result<u32> {
    getsockopt(&socket, sockopt::PeerCredentials).map(|peer| peer.uid())
}

/// A process that is nobody else's and has CAP_NET_RAW alone opens them (packet(7)).
pub const DEVICES_NEED_RIGHTS: bool = false;

/// A term for a capture filter that is true for frames without a VLAN tag or with VLAN id 0 (a priority tag).
///
/// Linux takes the tag out of the frame before a filter sees it, so frames of other VLANs look like ours. Whether
/// there is a tag is found at `SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT`, the tag at `SKF_AD_OFF + SKF_AD_VLAN_TAG`
/// (linux/filter.h). The first has to be asked first: up to Linux 6.1 a tag that was taken off, by a VLAN device or
/// a filtering bridge, can still be read where the tag was. pcap-filter's own `vlan` cannot say "none or 0". The
/// kernel answers the second with all 16 bits, however many are asked for. The filter must be compiled with
/// optimisation, which folds the offset into the instruction; otherwise nothing would match.
pub const UNTAGGED_ONLY: Option<&str> = Some("(ether[-4048:1] = 0 or ether[-4052:1] & 0xfff = 0)");

/// See the item of this name on FreeBSD: here addresses can be named.
pub(super) const KEPT_TO_SENDING: Option<fn(BorrowedFd<'_>) -> io::Result<()>> = None;

/// The socket of a name that no file has (unix(7)).
pub(super) fn named_without_file(name: &[u8]) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(name)
}

/// See the item of this name on macOS: here syslogd listens on a socket.
pub(super) const SYSTEM_LOG: Option<fn(libc::c_int, &CStr)> = None;

/// See the item of this name on macOS: here frames are captured with their tags, or known by them.
pub(super) const MINGLED_VLAN: Option<fn(&str) -> Option<String>> = None;

/// See the item of this name on OpenBSD: there are no routing domains here.
pub(super) const ROUTING_DOMAIN: Option<fn(&str) -> Option<u32>> = None;

/// See the item of this name on NetBSD: what is read of /proc and /sys would be missing.
pub(super) const EMPTY_FOLDER: Option<&str> = None;

/// See the item of this name on OpenBSD: what would do it here binds the programs that are started too.
pub(super) fn write_only_in(_: &[&Path], _: &mut Guarded) {}

/// See the item of this name on NetBSD: IPv4 addresses are used at once here.
pub(super) const DUPLICATE_SEARCH: Option<fn() -> Option<super::Setting>> = None;

/// See the item of this name on FreeBSD: this kernel has no such sum.
pub(super) const CARP_DEMOTION: Option<fn() -> io::Result<i32>> = None;

/// Time since boot, suspended time included. Read without a system call.
#[must_use]
pub fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).expect("Linux has had this clock since 2.6.39")
}

/// Sends whole frames through one interface and receives nothing.
#[derive(Debug)]
pub struct LinkSocket {
    fd: OwnedFd,
}

impl LinkSocket {
    /// Opens and binds.
    ///
    /// # Errors
    /// `PermissionDenied` without `CAP_NET_RAW`; ENODEV when no interface has this name.
    pub fn open(interface: &str) -> io::Result<Self> {
        let index = interfaces::interface_index(interface)?;
        // Protocol 0: no frame is ever queued here, and a link that goes down leaves no error behind that would
        // cost the first frame after it returned.
        let flags = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: takes no pointers.
        let fd = Errno::result(unsafe { libc::socket(libc::AF_PACKET, flags, 0) })?;
        // SAFETY: socket(2) just returned it and nobody else knows it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };

        // SAFETY: all-zero is a valid sockaddr_ll (packet(7)).
        let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
        address.sll_family = AF_PACKET;
        address.sll_ifindex = signed(index)?;
        // SAFETY: the pointer is to a sockaddr_ll in this frame and the length is its size.
        Errno::result(unsafe { libc::bind(fd.as_raw_fd(), (&raw const address).cast(), socklen(&address)) })?;

        const TC_PRIO_INTERACTIVE: libc::c_int = 6; // linux/pkt_sched.h
        // The priority that needs no privilege and puts our few frames before bulk traffic in the default queues.
        // A kernel that refuses it still sends.
        let _ = setsockopt(&fd, sockopt::Priority, &TC_PRIO_INTERACTIVE);
        Ok(Self { fd })
    }

    /// The one that another process opened on this interface.
    #[must_use]
    pub fn over(fd: OwnedFd, _interface: &str) -> Self {
        Self { fd }
    }

    /// Hands one whole frame, link header included, to the interface's queue. Never blocks.
    ///
    /// # Errors
    /// The frame was not sent: ENETDOWN (link down), ENXIO (interface gone), ENOBUFS or EAGAIN (queue full),
    /// EMSGSIZE, `EINVAL` for less than a link header.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        loop {
            match nix::sys::socket::send(self.fd.as_raw_fd(), frame, MsgFlags::MSG_DONTWAIT) {
                Ok(_) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What the interface it was opened on is called now; nothing when that was removed. One that was made anew is
    /// another, though it may have both name and number of the first. Needs no descriptor.
    ///
    /// # Errors
    /// The question could not be asked.
    pub fn interface(&self) -> io::Result<Option<String>> {
        // SAFETY: all-zero is a valid sockaddr_ll (packet(7)).
        let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
        let mut length = socklen(&address);
        let to = (&raw mut address).cast();
        // SAFETY: the kernel writes at most `length` bytes, the size of what `to` points to, in this frame.
        Errno::result(unsafe { libc::getsockname(self.fd.as_raw_fd(), to, &raw mut length) })?;
        // `packet_notifier` in the kernel's net/packet/af_packet.c: -1 when the interface was removed.
        if address.sll_ifindex <= 0 {
            return Ok(None);
        }
        // SAFETY: all-zero is a valid ifreq (linux/if.h): an empty name and integers.
        let mut request: libc::ifreq = unsafe { mem::zeroed() };
        request.ifr_ifru.ifru_ifindex = address.sll_ifindex;
        let to = &raw mut request;
        // SAFETY: SIOCGIFNAME reads and writes exactly one ifreq (linux/sockios.h), which `to` points to.
        match Errno::result(unsafe { libc::ioctl(self.fd.as_raw_fd(), libc::SIOCGIFNAME as libc::Ioctl, to) })
        {
            Ok(_) => {}
            Err(Errno::ENODEV) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let name = request.ifr_name.iter().map(|byte| byte.to_ne_bytes()[0]);
        let name: Vec<u8> = name.take_while(|byte| *byte != 0).collect();
        Ok(Some(String::from_utf8_lossy(&name).into_owned()))
    }
}

/// Becomes readable when an interface of this host or its addresses change; does not say which, ask [`link_state`].
#[derive(Debug)]
pub struct LinkMonitor {
    fd: OwnedFd,
}

impl LinkMonitor {
    /// Subscribes to changes of links and addresses, and to nothing else: traffic, routes and neighbours cause no
    /// wakes.
    ///
    /// # Errors
    /// No descriptors left, or netlink is forbidden here.
    pub fn open() -> io::Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let fd = socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkRoute)?;
        bind(fd.as_raw_fd(), &NetlinkAddr::new(0, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR))?;
        Ok(Self { fd })
    }

    /// Takes what has arrived and says of what kind it was. After messages lost to a full queue (ENOBUFS) anything
    /// may have changed.
    pub fn read(&mut self) -> Changes {
        let mut changes = Changes::default();
        // Notifications come one in a datagram; the kernel cuts off what follows the header (struct nlmsghdr of
        // linux/netlink.h: length in four bytes, then the type in two).
        let mut head = [0_u8; 16];
        loop {
            match recv(self.fd.as_raw_fd(), &mut head, MsgFlags::MSG_DONTWAIT) {
                Ok(_) => match u16::from_ne_bytes([head[4], head[5]]) {
                    libc::RTM_NEWADDR | libc::RTM_DELADDR => changes.addresses = true,
                    _ => changes.links = true,
                },
                Err(Errno::EINTR) => {}
                Err(Errno::ENOBUFS) => changes = Changes { links: true, addresses: true },
                Err(_) => return changes,
            }
        }
    }
}

impl From<LinkSocket> for OwnedFd {
    fn from(socket: LinkSocket) -> Self {
        socket.fd
    }
}

impl AsFd for LinkMonitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// A datagram socket that is never bound: it has no port, so nothing is ever queued.
pub(super) fn unbound(family: AddressFamily) -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    Ok(socket(family, SockType::Datagram, flags, None)?)
}

/// Keeps a socket to one interface: what it sends goes out there whatever the routes say and, over IPv4, to a neighbour
/// or not at all.
///
/// # Errors
/// ENODEV when no interface has this name; `PermissionDenied`.
pub(super) fn keep_to_link(fd: BorrowedFd<'_>, interface: &str, ipv6: bool) -> io::Result<()> {
    setsockopt(&fd, sockopt::BindToDevice, &interface.into())?;
    if ipv6 { Ok(()) } else { Ok(setsockopt(&fd, sockopt::DontRoute, &true)?) }
}

/// Tells a capture descriptor that frames sent by this host are of no interest: without it each of them is copied
/// to the filter and, when it passes, wakes the process only to be thrown away.
///
/// # Errors
/// The kernel is older than 4.20 or the descriptor is no packet socket; the capture still works.
pub fn ignore_sent(capture: BorrowedFd<'_>) -> io::Result<()> {
    descriptors::set_option(capture, libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, &1_i32)
}

const _: () = assert!(size_of::<Instruction>() == size_of::<libc::sock_filter>());
const _: () = assert!(mem::offset_of!(libc::sock_filter, jt) == mem::offset_of!(Instruction, if_true));
const _: () = assert!(mem::offset_of!(libc::sock_filter, jf) == mem::offset_of!(Instruction, if_false));
const _: () = assert!(mem::offset_of!(libc::sock_filter, k) == mem::offset_of!(Instruction, operand));

/// Has the kernel judge by this program the frames that a capture takes in from now on, in place of the one it had. None
/// is lost by that, and none that was taken in before.
///
/// # Errors
/// The kernel does not take the program (EINVAL), or the descriptor is no socket.
pub fn set_filter(capture: BorrowedFd<'_>, program: &[Instruction]) -> io::Result<()> {
    let len = u16::try_from(program.len()).map_err(|_| Errno::EINVAL)?;
    // The kernel only reads them: socket(7), SO_ATTACH_FILTER.
    let program = libc::sock_fprog { len, filter: program.as_ptr().cast_mut().cast() };
    descriptors::set_option(capture, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
}

/// Makes an opened capture hand frames out at once: on this system libpcap does, when it opens it.
///
/// # Errors
/// Never on this system.
pub fn hand_out_at_once(_capture: BorrowedFd<'_>) -> io::Result<()> {
    Ok(())
}

/// Interface numbers are C ints; the kernel gives out positive ones.
fn signed(index: u32) -> io::Result<libc::c_int> {
    libc::c_int::try_from(index).map_err(|_| io::Error::from_raw_os_error(libc::ENODEV))
}

fn socklen<T>(value: &T) -> libc::socklen_t {
    libc::socklen_t::try_from(size_of_val(value)).expect("socket structures are smaller than 4 GiB")
}

/// The addresses of an interface that should not be sent from, and why. IPv4 has none.
///
/// # Errors
/// The kernel's list cannot be read.
pub fn unready_addresses(interface: &str) -> io::Result<Vec<(IpAddr, Unready)>> {
    match fs::read_to_string("/proc/net/if_inet6") {
        Ok(list) => Ok(list.lines().filter_map(|line| unready(line, interface)).collect()),
        // A kernel without IPv6.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// A line of it: address, index, prefix length, scope and flags in hexadecimal, then the interface.
fn unready(line: &str, interface: &str) -> Option<(IpAddr, Unready)> {
    let mut words = line.split_ascii_whitespace();
    let address = u128::from_str_radix(words.next()?, 16).ok()?;
    let flags = u32::from_str_radix(words.nth(3)?, 16).ok()?;
    if words.next()? != interface {
        return None;
    }
    let states = [
        (libc::IFA_F_DADFAILED, Unready::Duplicate),
        (libc::IFA_F_TENTATIVE, Unready::Tentative),
        (libc::IFA_F_DEPRECATED, Unready::Deprecated),
    ];
    let (_, why) = states.into_iter().find(|(flag, _)| flags & flag != 0)?;
    Some((IpAddr::V6(Ipv6Addr::from(address)), why))
}

/// The networks that an interface is connected to, each as one of its addresses and the prefix length: those of its
/// addresses, and those that routes without a gateway lead to.
///
/// # Errors
/// The list of interfaces cannot be read.
pub fn connected_networks(interface: &str) -> io::Result<Vec<(IpAddr, u8)>> {
    let mut networks: Vec<_> = nix::ifaddrs::getifaddrs()?
        .filter(|entry| interfaces::interface_of_row(entry) == interface)
        .filter_map(|entry| {
            Some((interfaces::address_of(&entry)?, prefix_of(interfaces::ip(entry.netmask.as_ref()?)?)))
        })
        .collect();
    // Where these are missing, there are the addresses.
    let list = |name: &str| fs::read_to_string(format!("/proc/net/{name}")).unwrap_or_default();
    networks.extend(list("route").lines().filter_map(|line| route_v4(line, interface)));
    networks.extend(list("ipv6_route").lines().filter_map(|line| route_v6(line, interface)));
    Ok(networks)
}

fn prefix_of(mask: IpAddr) -> u8 {
    let ones = match mask {
        IpAddr::V4(mask) => mask.to_bits().leading_ones(),
        IpAddr::V6(mask) => mask.to_bits().leading_ones(),
    };
    u8::try_from(ones).expect("at most 128")
}

/// A line of /proc/net/route: interface, destination, gateway, flags, three numbers, mask; in hexadecimal, addresses as
/// this machine has them in memory.
fn route_v4(line: &str, interface: &str) -> Option<(IpAddr, u8)> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let address = |at: usize| {
        u32::from_str_radix(words.get(at)?, 16).ok().map(|bits| Ipv4Addr::from(bits.to_ne_bytes()))
    };
    let connected = *words.first()? == interface && address(2)?.is_unspecified();
    connected.then_some((IpAddr::V4(address(1)?), prefix_of(IpAddr::V4(address(7)?))))
}

/// A line of /proc/net/ipv6_route: destination, prefix length, source, its length, next hop, three numbers, flags,
/// interface; in hexadecimal.
fn route_v6(line: &str, interface: &str) -> Option<(IpAddr, u8)> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let address = |at: usize| u128::from_str_radix(words.get(at)?, 16).ok().map(Ipv6Addr::from);
    let connected = *words.last()? == interface && address(4)?.is_unspecified();
    connected.then_some((IpAddr::V6(address(0)?), u8::from_str_radix(words.get(1)?, 16).ok()?))
}

/// The hardware address of an interface that speaks Ethernet: wired, wireless, bridge, bond, VLAN, veth, tap. The
/// loopback interface, tunnels and WireGuard do not.
///
/// # Errors
/// ENODEV when no interface has this name; `InvalidInput` when it is not Ethernet.
pub fn hardware_address(interface: &str) -> io::Result<[u8; 6]> {
    let hardware = hardware(interface)?;
    if hardware.sa_family != libc::ARPHRD_ETHER {
        let kind = hardware.sa_family.to_string();
        let what = Unnumbered::NotEthernet { kind, header: "linux/if_arp.h" };
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    let mut address = [0; 6];
    for (to, from) in address.iter_mut().zip(hardware.sa_data) {
        *to = from.to_ne_bytes()[0];
    }
    Ok(address)
}

/// Whether the interface can carry frames now.
///
/// IFF_RUNNING is the kernel's word for it: set when the operational state (RFC 2863) is up, and also when it is
/// unknown, as drivers without carrier detection leave it.
///
/// # Errors
/// The question could not be asked. A missing interface is an answer, not an error.
pub fn link_state(interface: &str) -> io::Result<LinkState> {
    let request = match ask(interface, libc::SIOCGIFFLAGS) {
        Ok(request) => request,
        Err(Errno::ENODEV | Errno::ENXIO) => return Ok(LinkState::Gone),
        Err(error) => return Err(error.into()),
    };
    // SAFETY: SIOCGIFFLAGS filled this member of the union (linux/if.h); it is an integer.
    let flags = libc::c_int::from(unsafe { request.ifr_ifru.ifru_flags });
    Ok(match (flags & libc::IFF_UP, flags & libc::IFF_RUNNING) {
        (0, _) => LinkState::Disabled,
        (_, 0) => LinkState::Down,
        _ => LinkState::Up,
    })
}

fn hardware(interface: &str) -> io::Result<libc::sockaddr> {
    let request = ask(interface, libc::SIOCGIFHWADDR)?;
    // SAFETY: SIOCGIFHWADDR filled this member of the union (linux/if.h); it is made of integers.
    Ok(unsafe { request.ifr_ifru.ifru_hwaddr })
}

/// One of the ioctls that take an interface name in an ifreq and fill the rest of it (netdevice(7)).
fn ask(interface: &str, question: libc::c_ulong) -> Result<libc::ifreq, Errno> {
    // SAFETY: all-zero is a valid ifreq (linux/if.h): an empty name and integers.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    // One byte is left for the NUL; a longer name cannot be an interface's.
    if interface.len() >= request.ifr_name.len() {
        return Err(Errno::ENODEV);
    }
    for (to, from) in request.ifr_name.iter_mut().zip(interface.bytes()) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    let any = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)
        .or_else(|_| socket(AddressFamily::Packet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None))?;
    // SAFETY: both callers' ioctls read and write exactly one ifreq (linux/sockios.h), which this points to.
    Errno::result(unsafe { libc::ioctl(any.as_raw_fd(), question as libc::Ioctl, &raw mut request) })?;
    Ok(request)
}

/// Captures need no device here.
#[must_use]
pub fn missing_device() -> Option<&'static str> {
    None
}

/// Keeps every descriptor beyond the standard three that is open now, inherited ones included, out of the programs
/// we start.
///
/// # Errors
/// The list of descriptors cannot be read.
pub fn keep_descriptors_private() -> io::Result<()> {
    // SAFETY: takes no pointers and closes nothing.
    let done = unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if done == 0 {
        return Ok(());
    }
    // Linux before 5.9 lacks the call, before 5.11 the flag.
    for number in open_descriptors()? {
        // SAFETY: F_SETFD takes an integer; a number that is no longer open is refused, which is fine.
        unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    Ok(())
}

/// Closes every descriptor from this number on. Costs the same whatever the limit of descriptors is. To be called when
/// nothing in this process owns one of them, or none of the owners is used or dropped any more.
///
/// # Errors
/// The list of descriptors cannot be read.
pub(super) fn close_from(first: libc::c_int) -> io::Result<()> {
    // SAFETY: takes no pointers; the caller knows that no owner loses its descriptor.
    if unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) } == 0 {
        return Ok(());
    }
    for number in open_descriptors()?.into_iter().filter(|number| *number >= first) {
        // SAFETY: as above; the list's own descriptor is closed already and merely refused.
        unsafe { libc::close(number) };
    }
    Ok(())
}

fn open_descriptors() -> io::Result<Vec<i32>> {
    Ok(fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|number| *number > 2)
        .collect())
}

/// Covers an argument of this process, from the byte `from` on, with asterisks, so that ps(1) does not show it.
/// Argument 0 is the program's name. `false`: it is still to be seen, because /proc is missing here.
///
/// The kernel says where it put the arguments; a C library's constructor arguments would tell too, but not musl's.
#[must_use]
pub fn blank_argument(number: usize, from: usize) -> bool {
    let Some((start, end)) = arguments() else { return false };
    // The strings follow each other, each with its NUL.
    let (mut at, mut current, mut offset, mut done) = (start, 0, 0, false);
    while at < end && current <= number {
        let byte = std::ptr::with_exposed_provenance_mut::<u8>(at);
        // SAFETY: execve(2) put the arguments on the stack of this process, in writable memory that stays mapped as
        // long as it lives; no reference is ever made to it, std and libc keep raw pointers and copy.
        if unsafe { byte.read_volatile() } == 0 {
            (current, offset) = (current + 1, 0);
        } else {
            if current == number && offset >= from {
                // SAFETY: as above; the NULs stay, so every string stays as long as it was.
                unsafe { byte.write_volatile(b'*') };
                done = true;
            }
            offset += 1;
        }
        at += 1;
    }
    done
}

/// Shows this process under a name of its own to ps(1) and to whoever looks for the daemon.
pub(super) fn name_process(name: &CStr) {
    let short = CString::new([b"ucarp-", name.to_bytes()].concat()).unwrap_or_default();
    let _ = nix::sys::prctl::set_name(&short);
    let Some((start, end)) = arguments() else { return };
    let mut name = b"ucarp: ".iter().chain(name.to_bytes()).copied();
    // The last byte stays zero.
    for at in start..end - 1 {
        // SAFETY: as in `blank_argument`.
        unsafe { std::ptr::with_exposed_provenance_mut::<u8>(at).write_volatile(name.next().unwrap_or(0)) };
    }
}

/// proc(5). Inherited, by programs too.
pub(super) const OOM_SCORE: Option<&CStr> = Some(c"/proc/self/oom_score_adj");

/// Of a heap only the end is given back by itself (malloc_trim(3)). Of musl that is not so.
#[cfg(target_env = "gnu")]
pub(super) const GIVE_BACK_MEMORY: Option<fn()> = Some(give_back_memory);
#[cfg(not(target_env = "gnu"))]
pub(super) const GIVE_BACK_MEMORY: Option<fn()> = None;

#[cfg(target_env = "gnu")]
fn give_back_memory() {
    // SAFETY: takes no pointers, and what is in use stays where it is.
    unsafe { libc::malloc_trim(0) };
}

/// Where the arguments are, from `arg_start` and `arg_end` in proc(5)'s stat, fields 48 and 49.
fn arguments() -> Option<(usize, usize)> {
    const LONGEST: usize = 16 << 20;
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field, the name in parentheses, may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(48 - 3);
    let (start, end): (usize, usize) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    (start != 0 && start < end && end - start <= LONGEST).then_some((start, end))
}

#[cfg(test)]
mod tests {
    use nix::fcntl::{FcntlArg, fcntl};

    use super::super::Lacking;
    use super::super::Membership;
    use super::*;

    fn loopback() -> String {
        interfaces::interface_of(IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap().unwrap()
    }

    fn closed_on_exec(fd: BorrowedFd<'_>) -> bool {
        fcntl(fd, FcntlArg::F_GETFD).unwrap() & libc::FD_CLOEXEC != 0
    }

    // What the kernel wrote, flags of include/uapi/linux/if_addr.h.
    #[test]
    fn a_process_has_a_name_of_its_own() {
        super::super::in_child(|| {
            name_process(c"engine");
            assert_eq!(fs::read("/proc/self/comm").unwrap(), b"ucarp-engine\n");
            let shown = fs::read("/proc/self/cmdline").unwrap();
            assert_eq!(shown.split(|byte| *byte == 0).next(), Some(&b"ucarp: engine"[..]));
        });
    }

    #[test]
    fn addresses_not_to_be_sent_from() {
        let list = "fe80000000000000001122fffe334455 02 40 20 c0     eth0\n\
                    20010db8000000000000000000000001 02 40 00 80     eth0\n\
                    20010db8000000000000000000000002 02 40 00 a0     eth0\n\
                    20010db8000000000000000000000003 02 40 00 c8     eth0\n\
                    fe800000000000000000000000000001 03 40 20 c0     eth1\n\
                    nonsense\n\n";
        let found: Vec<_> = list.lines().filter_map(|line| unready(line, "eth0")).collect();
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(
            found,
            [
                (ip("fe80::11:22ff:fe33:4455"), Unready::Tentative),
                (ip("2001:db8::2"), Unready::Deprecated),
                (ip("2001:db8::3"), Unready::Duplicate),
            ]
        );
        assert!(unready_addresses("nosuch0").unwrap().is_empty());
    }

    // What a kernel wrote, less spaces.
    #[test]
    fn networks_that_routes_lead_to() {
        let v4 = |destination: [u8; 4], gateway: [u8; 4], mask: [u8; 4]| {
            let [destination, gateway, mask] = [destination, gateway, mask].map(u32::from_ne_bytes);
            route_v4(
                &format!("eth0\t{destination:08X}\t{gateway:08X}\t0001\t0\t0\t0\t{mask:08X}\t0\t0\t0"),
                "eth0",
            )
        };
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(v4([10, 9, 0, 0], [0; 4], [255, 255, 0, 0]), Some((ip("10.9.0.0"), 16)));
        assert_eq!(v4([0; 4], [10, 9, 0, 254], [0; 4]), None, "behind a gateway");
        assert_eq!(route_v4("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask", "eth0"), None);
        let v6 = |next: &str| {
            let line = format!(
                "20010db8000900000000000000000000 40 {:032x} 00 {next} 00000100 00000001 00000000 00000001     eth0",
                0
            );
            [route_v6(&line, "eth0"), route_v6(&line, "eth1")]
        };
        assert_eq!(v6(&"0".repeat(32)), [Some((ip("2001:db8:9::"), 64)), None]);
        assert_eq!(v6(&"f".repeat(32)), [None, None]);
        assert!(connected_networks(&loopback()).unwrap().contains(&(ip("127.0.0.1"), 8)));
    }

    #[test]
    fn the_clock_only_grows() {
        let first = now();
        assert!(first > Duration::ZERO && now() >= first);
    }

    #[test]
    fn the_loopback_is_up_but_no_ethernet() {
        assert_eq!(link_state(&loopback()).unwrap(), LinkState::Up);
        assert_eq!(hardware_address(&loopback()).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_missing_interface_has_a_clear_error() {
        for name in ["no-such-if", "a-name-that-is-too-long-for-any-interface", ""] {
            assert_eq!(link_state(name).unwrap(), LinkState::Gone, "{name:?}");
            assert_eq!(hardware_address(name).unwrap_err().raw_os_error(), Some(libc::ENODEV));
            assert_eq!(LinkSocket::open(name).unwrap_err().raw_os_error(), Some(libc::ENODEV));
        }
    }

    #[test]
    fn memberships_on_the_loopback() {
        let index = interfaces::interface_index(&loopback()).unwrap();
        let v4 = Membership::join(IpAddr::V4(Ipv4Addr::new(224, 0, 0, 18)), index).unwrap();
        assert!(closed_on_exec(v4.socket.as_fd()));
        let groups = fs::read_to_string("/proc/net/igmp").unwrap();
        assert!(groups.contains("120000E0") || groups.contains("E0000012"), "{groups}");
        let v6: Ipv6Addr = "ff02::12".parse().unwrap();
        // A host may have IPv6 switched off.
        if let Ok(v6) = Membership::join(IpAddr::V6(v6), index) {
            assert!(closed_on_exec(v6.socket.as_fd()));
        }
        assert!(Membership::join(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), index).is_err());
        assert!(Membership::join(IpAddr::V4(Ipv4Addr::new(224, 0, 0, 18)), 0x7fff_ffff).is_err());
    }

    #[test]
    fn the_link_monitor_is_silent_and_private() {
        let mut monitor = LinkMonitor::open().unwrap();
        assert!(closed_on_exec(monitor.as_fd()));
        monitor.read();
        assert_eq!(monitor.read(), Changes::default());
    }

    #[test]
    fn a_link_socket_needs_the_privilege_and_refuses_rubbish() {
        match (LinkSocket::open(&loopback()), missing_privilege()) {
            (Ok(socket), None) => {
                assert!(closed_on_exec(socket.fd.as_fd()));
                assert!(socket.send(&[]).is_err());
            }
            (Err(error), Some(privilege)) => {
                assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
                assert_eq!(privilege, Lacking::Privilege("CAP_NET_RAW"));
            }
            (socket, privilege) => panic!("{socket:?} with {privilege:?} missing"),
        }
    }

    #[test]
    fn open_descriptors_become_private() {
        // SAFETY: duplicates a descriptor that is open for the life of the process.
        let copy = Errno::result(unsafe { libc::dup(2) }).unwrap();
        // SAFETY: just made, and known to nobody else.
        let copy = unsafe { OwnedFd::from_raw_fd(copy) };
        assert!(!closed_on_exec(copy.as_fd()));
        keep_descriptors_private().unwrap();
        assert!(closed_on_exec(copy.as_fd()));
        assert!(ignore_sent(copy.as_fd()).is_err());
    }
}
