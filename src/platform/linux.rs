//! Linux: packet sockets, rtnetlink, `CLOCK_BOOTTIME`.

#![expect(unsafe_code, reason = "interface ioctls and packet addresses are not wrapped by std or nix")]

use std::fs::read_to_string;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{self, AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType};
use nix::time::{ClockId, clock_gettime};

use super::posix::{LinkState, interface_index};

/// Changes of a link arrive as events; no polling is needed.
pub const LINK_CHANGES_ARE_EVENTS: bool = true;

/// Time since boot, suspended time included, never stepped.
#[must_use]
pub fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default()
}

/// Sends whole frames on one interface and receives nothing.
#[derive(Debug)]
pub struct LinkSocket(OwnedFd);

impl LinkSocket {
    /// Opens it.
    ///
    /// # Errors
    /// `EPERM` without CAP_NET_RAW, `ENODEV` without the interface.
    pub fn open(interface: &str) -> io::Result<Self> {
        let index = interface_index(interface)?;
        let flags = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: socket(2) takes no pointers. Protocol 0 makes it deaf (packet(7)).
        let fd = Errno::result(unsafe { libc::socket(libc::AF_PACKET, flags, 0) })?;
        // SAFETY: a descriptor just made and owned by nobody else.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: an all-zero sockaddr_ll (linux/if_packet.h) is valid: integers and a byte array.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        address.sll_family = libc::AF_PACKET.try_into().unwrap_or_default();
        address.sll_ifindex = index.try_into().map_err(|_| io::ErrorKind::InvalidInput)?;
        let length = libc::socklen_t::try_from(size_of::<libc::sockaddr_ll>()).unwrap_or_default();
        // SAFETY: the address is a valid sockaddr_ll of the length given, and outlives the call.
        Errno::result(unsafe { libc::bind(fd.as_raw_fd(), (&raw const address).cast(), length) })?;
        Ok(Self(fd))
    }

    /// Hands a frame with its link header to the system; never waits.
    ///
    /// # Errors
    /// As send(2): `ENETDOWN` when the interface is down, `ENOBUFS` when its queue is full.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        loop {
            match socket::send(self.0.as_raw_fd(), frame, MsgFlags::MSG_DONTWAIT) {
                Ok(sent) if sent == frame.len() => return Ok(()),
                Ok(_) => return Err(io::ErrorKind::WriteZero.into()),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

/// Becomes readable when an interface changed (rtnetlink(7), group `RTNLGRP_LINK`).
#[derive(Debug)]
pub struct LinkMonitor(OwnedFd);

impl LinkMonitor {
    /// Opens it.
    ///
    /// # Errors
    /// As socket(2).
    pub fn open() -> io::Result<Self> {
        let fd = socket::socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
            SockProtocol::NetlinkRoute,
        )?;
        let groups = libc::RTMGRP_LINK.try_into().unwrap_or_default();
        socket::bind(fd.as_raw_fd(), &NetlinkAddr::new(0, groups))?;
        Ok(Self(fd))
    }

    /// Takes what arrived off the queue; what changed is asked for by [`link_state`]. A queue that ran over
    /// (`ENOBUFS`) is an event like any other.
    pub fn read(&mut self) {
        let mut message = [0; 8192];
        while socket::recv(self.0.as_raw_fd(), &mut message, MsgFlags::MSG_DONTWAIT)
            .is_ok_and(|length| length > 0)
        {}
    }
}

impl AsFd for LinkMonitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A joined multicast group: switches that snoop IGMP or MLD keep forwarding it to us.
#[derive(Debug)]
pub struct Membership {
    _socket: OwnedFd,
}

impl Membership {
    /// Joins `group` on the interface with this index, until dropped.
    ///
    /// # Errors
    /// As setsockopt(2).
    pub fn join(group: IpAddr, interface_index: u32) -> io::Result<Self> {
        let family = if group.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        // Never bound, so nothing is ever queued on it.
        let socket = socket::socket(family, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
        let index = i32::try_from(interface_index).map_err(|_| io::ErrorKind::InvalidInput)?;
        match group {
            IpAddr::V4(group) => {
                let request = libc::ip_mreqn {
                    imr_multiaddr: libc::in_addr { s_addr: u32::from(group).to_be() },
                    imr_address: libc::in_addr { s_addr: u32::from(Ipv4Addr::UNSPECIFIED) },
                    imr_ifindex: index,
                };
                set_option(&socket, libc::IPPROTO_IP, libc::IP_ADD_MEMBERSHIP, &request)?;
            }
            IpAddr::V6(group) => {
                let request = libc::ipv6_mreq {
                    ipv6mr_multiaddr: libc::in6_addr { s6_addr: group.octets() },
                    ipv6mr_interface: interface_index,
                };
                set_option(&socket, libc::IPPROTO_IPV6, libc::IPV6_ADD_MEMBERSHIP, &request)?;
            }
        }
        Ok(Self { _socket: socket })
    }
}

/// The hardware address of an Ethernet interface.
///
/// # Errors
/// `ENODEV` without the interface, `InvalidInput` when it is not Ethernet.
pub fn hardware_address(interface: &str) -> io::Result<[u8; 6]> {
    let request = interface_request(interface, libc::SIOCGIFHWADDR)?;
    // SAFETY: SIOCGIFHWADDR (netdevice(7)) fills ifru_hwaddr.
    let address = unsafe { request.ifr_ifru.ifru_hwaddr };
    if address.sa_family != libc::ARPHRD_ETHER {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not an Ethernet interface"));
    }
    let mut bytes = [0; 6];
    for (to, from) in bytes.iter_mut().zip(address.sa_data) {
        *to = from.to_ne_bytes()[0];
    }
    Ok(bytes)
}

/// Whether an interface can carry frames now.
///
/// # Errors
/// As socket(2); an interface that does not exist is no error.
pub fn link_state(interface: &str) -> io::Result<LinkState> {
    match interface_request(interface, libc::SIOCGIFFLAGS) {
        Ok(request) => {
            // SAFETY: SIOCGIFFLAGS (netdevice(7)) fills ifru_flags. IFF_RUNNING is set for the operational
            // states up and unknown.
            let flags = i32::from(unsafe { request.ifr_ifru.ifru_flags });
            let usable = libc::IFF_UP | libc::IFF_RUNNING;
            Ok(if flags & usable == usable { LinkState::Up } else { LinkState::Down })
        }
        Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(LinkState::Gone),
        Err(error) => Err(error),
    }
}

/// The capability this process lacks for raw frames, if it does.
#[must_use]
pub fn missing_privilege() -> Option<&'static str> {
    const NET_RAW: u32 = 13;
    let status = read_to_string("/proc/self/status").ok()?;
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    let effective = u64::from_str_radix(effective.trim(), 16).ok()?;
    (effective & 1 << NET_RAW == 0).then_some("CAP_NET_RAW")
}

/// Sets an option whose value is a plain C structure.
fn set_option<T>(socket: &OwnedFd, level: i32, option: i32, value: &T) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<T>()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let value: *const T = value;
    // SAFETY: the pointer is valid for the length given, and setsockopt(2) only reads it during the call.
    Errno::result(unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, value.cast(), length) })?;
    Ok(())
}

fn interface_request(interface: &str, request: libc::Ioctl) -> io::Result<libc::ifreq> {
    // SAFETY: an all-zero ifreq (netdevice(7)) is valid: a byte array and a union of integers.
    let mut asked: libc::ifreq = unsafe { std::mem::zeroed() };
    if interface.len() >= asked.ifr_name.len() {
        return Err(io::Error::from_raw_os_error(libc::ENODEV));
    }
    for (to, from) in asked.ifr_name.iter_mut().zip(interface.bytes()) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    let socket = socket::socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    // SAFETY: both requests used here take a pointer to an ifreq (netdevice(7)), valid and exclusive for the call.
    Errno::result(unsafe { libc::ioctl(socket.as_raw_fd(), request, &raw mut asked) })?;
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_runs() {
        let before = now();
        assert!(before > Duration::ZERO);
        assert!(now() >= before);
    }

    #[test]
    fn loopback_is_no_ethernet_and_strangers_are_gone() {
        assert_eq!(hardware_address("lo").unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(link_state("no such thing").unwrap(), LinkState::Gone);
        assert_eq!(link_state("a name far too long for any interface").unwrap(), LinkState::Gone);
        assert!(LinkSocket::open("no such thing").is_err());
    }

    #[test]
    fn a_monitor_is_quiet_when_nothing_happens() {
        let mut monitor = LinkMonitor::open().unwrap();
        monitor.read();
    }
}
