//! Membership in multicast groups, the same on every system but for what names an interface by its number.

use std::io;
use std::net::{IpAddr, UdpSocket};
use std::os::fd::AsFd;

use nix::sys::socket::AddressFamily;

use super::sys;

/// Keeps this host in a multicast group on one interface, so that switches and the interface's own address filter
/// let it through. Leaves the group when dropped.
#[derive(Debug)]
pub struct Membership {
    pub(super) _socket: UdpSocket,
}

impl Membership {
    /// Joins.
    ///
    /// # Errors
    /// ENODEV, on the BSDs and macOS also ENXIO or EADDRNOTAVAIL, when no interface has this number; `EINVAL` when
    /// `group` is no multicast address; ENOBUFS when this host is in too many (Linux: `net.ipv4.igmp_max_memberships`).
    pub fn join(group: IpAddr, interface_index: u32) -> io::Result<Self> {
        let family = if group.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        let socket = UdpSocket::from(sys::unbound(family)?);
        match group {
            IpAddr::V6(group) => socket.join_multicast_v6(&group, interface_index)?,
            IpAddr::V4(group) => sys::join_v4(socket.as_fd(), group, interface_index)?,
        }
        Ok(Self { _socket: socket })
    }
}
