//! struct ip_mreqn, for the systems that take it: an IPv4 membership on an interface named by its number.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::BorrowedFd;

use super::descriptors;

/// Joins.
pub(super) fn join_v4(fd: BorrowedFd<'_>, group: Ipv4Addr, interface_index: u32) -> io::Result<()> {
    // Interface numbers are C ints; the kernel gives out positive ones.
    let imr_ifindex =
        i32::try_from(interface_index).map_err(|_| io::Error::from_raw_os_error(libc::ENODEV))?;
    let imr_multiaddr = libc::in_addr { s_addr: u32::from_ne_bytes(group.octets()) };
    let request = libc::ip_mreqn { imr_multiaddr, imr_address: libc::in_addr { s_addr: 0 }, imr_ifindex };
    descriptors::set_option(fd, libc::IPPROTO_IP, libc::IP_ADD_MEMBERSHIP, &request)
}
