//! struct ip_mreqn, for the systems that have it: an IPv4 membership on an interface named by its number.

use std::io;

/// What IP_ADD_MEMBERSHIP takes.
pub(super) fn membership(group: libc::in_addr, interface_index: u32) -> io::Result<libc::ip_mreqn> {
    // Interface numbers are C ints; the kernel gives out positive ones.
    let imr_ifindex =
        i32::try_from(interface_index).map_err(|_| io::Error::from_raw_os_error(libc::ENODEV))?;
    Ok(libc::ip_mreqn { imr_multiaddr: group, imr_address: libc::in_addr { s_addr: 0 }, imr_ifindex })
}
