//! What is the same on every system of interfaces: their names, numbers and addresses.

use std::io;
use std::net::{IpAddr, Ipv6Addr};

use nix::errno::Errno;

use super::sys;

/// Refuses a prefix longer than the address: the same mistakes are mistakes on every system.
pub(super) fn check_prefix(address: IpAddr, prefix: u8) -> io::Result<()> {
    let width = if address.is_ipv4() { 32 } else { 128 };
    if prefix > width {
        return Err(Errno::EINVAL.into());
    }
    Ok(())
}

/// The number the kernel gave the interface; another one after it was removed and made again.
///
/// # Errors
/// ENODEV or ENXIO when no interface has this name.
pub fn interface_index(interface: &str) -> io::Result<u32> {
    Ok(nix::net::if_::if_nametoindex(interface)?)
}

/// The addresses of an interface in the system's order, which puts the primary address first. Empty when it has
/// none or does not exist.
///
/// # Errors
/// The list of interfaces cannot be read.
pub fn interface_addresses(interface: &str) -> io::Result<Vec<IpAddr>> {
    Ok(nix::ifaddrs::getifaddrs()?
        .filter(|entry| interface_of_row(entry) == interface)
        .filter_map(|entry| address_of(&entry))
        .collect())
}

/// All addresses of this machine and the interfaces that have them, in the system's order, which puts the primary address
/// of an interface first.
///
/// # Errors
/// The list of interfaces cannot be read.
pub fn addresses() -> io::Result<Vec<(String, IpAddr)>> {
    let rows = nix::ifaddrs::getifaddrs()?;
    Ok(rows.filter_map(|entry| Some((interface_of_row(&entry).to_owned(), address_of(&entry)?))).collect())
}

/// The names of all interfaces, in the system's order.
///
/// # Errors
/// The list of interfaces cannot be read.
pub fn interface_names() -> io::Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for entry in nix::ifaddrs::getifaddrs()? {
        let name = interface_of_row(&entry);
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// The VLANs of this host whose frames a capture on this interface shows as if they were its own.
///
/// # Errors
/// The list of interfaces cannot be read.
pub fn mingled_vlans(interface: &str) -> io::Result<Vec<String>> {
    let Some(parent) = sys::MINGLED_VLAN else { return Ok(Vec::new()) };
    let is_child = |name: &String| parent(name).is_some_and(|parent| parent == interface);
    Ok(interface_names()?.into_iter().filter(is_child).collect())
}

/// The routing domain of an interface, where there are any and it is another than that of this process.
#[must_use]
pub fn other_routing_domain(interface: &str) -> Option<u32> {
    sys::ROUTING_DOMAIN.and_then(|ask| ask(interface))
}

/// Whether this is how a system says that there is no such interface; anything else says nothing about it.
#[must_use]
pub fn says_no_interface(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENODEV | libc::ENXIO))
}

/// The interface that holds an address, if any does.
///
/// # Errors
/// The list of interfaces cannot be read.
pub fn interface_of(address: IpAddr) -> io::Result<Option<String>> {
    Ok(nix::ifaddrs::getifaddrs()?
        .find(|entry| address_of(entry) == Some(address))
        .map(|entry| interface_of_row(&entry).to_owned()))
}

/// The interface of a row of the list. An IPv4 address of Linux may have a label, which is listed in place of the
/// interface's name: that name, a colon, more (`inet_fill_ifaddr` in net/ipv4/devinet.c).
pub(super) fn interface_of_row(entry: &nix::ifaddrs::InterfaceAddress) -> &str {
    let listed = entry.interface_name.as_str();
    listed.split_once(':').map_or(listed, |(name, _)| name)
}

/// The address of a row of the list, if it is one of IP.
pub(super) fn address_of(entry: &nix::ifaddrs::InterfaceAddress) -> Option<IpAddr> {
    ip(entry.address.as_ref()?)
}

/// What of a socket's address is IP's.
pub(super) fn ip(address: &nix::sys::socket::SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|a| IpAddr::V4(a.ip()));
    let v6 = |address: Ipv6Addr| if cfg!(bsd) { as_on_the_wire(address) } else { address };
    v4.or_else(|| address.as_sockaddr_in6().map(|a| IpAddr::V6(v6(a.ip()))))
}

/// Kernels that come from KAME keep the number of the interface in the third and fourth byte of a link-local address,
/// and some of them list it so (`in6_fillscopeid` in ifconfig of OpenBSD and NetBSD undoes it). In packets these
/// bytes are zero (RFC 4291 section 2.5.6).
pub(super) fn as_on_the_wire(address: Ipv6Addr) -> Ipv6Addr {
    match address.segments() {
        [first, _, rest @ ..] if address.is_unicast_link_local() => {
            let [c, d, e, f, g, h] = rest;
            Ipv6Addr::new(first, 0, c, d, e, f, g, h)
        }
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use nix::errno::Errno;

    use super::*;

    #[test]
    fn the_interface_inside_a_link_local_address_is_taken_out() {
        for (listed, sent) in [
            ("fe80:2::211:22ff:fe33:4455", "fe80::211:22ff:fe33:4455"),
            ("fe80::1", "fe80::1"),
            ("febf:ffff::1", "febf::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("fec0:1::1", "fec0:1::1"),
        ] {
            let listed: Ipv6Addr = listed.parse().unwrap();
            assert_eq!(as_on_the_wire(listed).to_string(), sent, "{listed}");
        }
    }

    #[test]
    fn the_loopback_interface_has_its_address() {
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let name = interface_of(here).unwrap().unwrap();
        assert!(interface_addresses(&name).unwrap().contains(&here));
        assert!(says_no_interface(&interface_index("no-such-if").unwrap_err()));
        assert!(!says_no_interface(&Errno::EMFILE.into()));
        assert_eq!(interface_names().unwrap().iter().filter(|known| **known == name).count(), 1);
        assert!(interface_addresses("no-such-if").unwrap().is_empty());
        assert_eq!(interface_of(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 211))).unwrap(), None);
    }
}
