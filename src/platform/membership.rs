//! Membership in multicast groups, the same on every system but for what names an interface by its number.

use std::io;
use std::net::{IpAddr, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};

use nix::sys::socket::AddressFamily;

use super::sys;

/// Keeps this host in multicast groups on one interface, so that switches and the interface's own address filter
/// let them through. Leaves the groups when dropped.
#[derive(Debug)]
pub struct Membership {
    pub(super) socket: UdpSocket,
}

/// Systems let one socket be in 20 groups, some in more.
const MOST_GROUPS: usize = 16;

impl Membership {
    /// Joins one group.
    ///
    /// # Errors
    /// ENODEV, on the BSDs and macOS also ENXIO or EADDRNOTAVAIL, when no interface has this number; `EINVAL` when
    /// `group` is no multicast address; ENOBUFS when this host is in too many (Linux: `net.ipv4.igmp_max_memberships`).
    pub fn join(group: IpAddr, interface_index: u32) -> io::Result<Self> {
        let family = if group.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        let one = Self { socket: UdpSocket::from(sys::unbound(family)?) };
        one.join_also(group, interface_index)?;
        Ok(one)
    }

    /// Joins many groups, with as few sockets as will do.
    ///
    /// # Errors
    /// As [`Membership::join`].
    pub fn join_all(groups: &[IpAddr], interface_index: u32) -> io::Result<Vec<Self>> {
        let mut all = Vec::new();
        for of_a_kind in groups.chunk_by(|one, next| one.is_ipv4() == next.is_ipv4()) {
            for some in of_a_kind.chunks(MOST_GROUPS) {
                let Some((first, others)) = some.split_first() else { continue };
                let one = Self::join(*first, interface_index)?;
                others.iter().try_for_each(|group| one.join_also(*group, interface_index))?;
                all.push(one);
            }
        }
        Ok(all)
    }

    fn join_also(&self, group: IpAddr, interface_index: u32) -> io::Result<()> {
        match group {
            IpAddr::V6(group) => self.socket.join_multicast_v6(&group, interface_index),
            IpAddr::V4(group) => sys::join_v4(self.socket.as_fd(), group, interface_index),
        }
    }
}

/// Another process joined.
impl From<OwnedFd> for Membership {
    fn from(socket: OwnedFd) -> Self {
        Self { socket: socket.into() }
    }
}

impl From<Membership> for OwnedFd {
    fn from(membership: Membership) -> Self {
        membership.socket.into()
    }
}
