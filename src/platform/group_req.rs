//! struct group_req (RFC 3678 section 5.1), for the systems that have it and on which struct ip_mreqn does not do: an
//! IPv4 membership on an interface named by its number.
//!
//! macOS and FreeBSD before 13 read no more than an ip_mreq of an ip_mreqn and join wherever a route leads
//! (`inp_join_group` in netinet/in_mcast.c).

#![expect(unsafe_code, reason = "an address in place of a sockaddr_storage")]

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::BorrowedFd;

use super::descriptors;

const _: () = assert!(size_of::<libc::sockaddr_in>() <= size_of::<libc::sockaddr_storage>());

/// Joins.
pub(super) fn join_v4(fd: BorrowedFd<'_>, group: Ipv4Addr, interface_index: u32) -> io::Result<()> {
    let address = libc::sockaddr_in {
        sin_len: size_of::<libc::sockaddr_in>().to_le_bytes()[0],
        sin_family: libc::AF_INET.to_le_bytes()[0],
        sin_port: 0,
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(group.octets()) },
        sin_zero: [0; 8],
    };
    // SAFETY: zeroes are a valid value of this structure of integers.
    let mut request: libc::group_req = unsafe { std::mem::zeroed() };
    request.gr_interface = interface_index;
    // SAFETY: a sockaddr_in fits into the field, and the write asks for no alignment.
    unsafe { (&raw mut request.gr_group).cast::<libc::sockaddr_in>().write_unaligned(address) };
    descriptors::set_option(fd, libc::IPPROTO_IP, libc::MCAST_JOIN_GROUP, &request)
}
