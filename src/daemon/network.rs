//! The networks an interface is connected to, and what of the operator's addresses is outside them.

use std::collections::HashSet;
use std::io;
use std::net::IpAddr;

use super::survey;
use crate::protocol::Family;

/// What an interface is connected to.
pub(super) struct Networks(Vec<(IpAddr, u8)>);

impl Networks {
    /// Asks the system. The shared addresses say nothing about where the host is.
    pub(super) fn of(interface: &str, shared: &HashSet<IpAddr>) -> io::Result<Self> {
        let mut networks = survey::networks(interface)?;
        networks.retain(|(address, _)| !shared.contains(address));
        Ok(Self(networks))
    }

    /// Whether `address` is in none of them. Nobody can tell, and so it is not, where there is none with room for
    /// neighbours of its kind: addresses may be given alone, with routes elsewhere, or be borrowed.
    pub(super) fn leave_out(&self, address: IpAddr) -> bool {
        let mut alike = self.0.iter().filter(|(network, prefix)| {
            Family::of(*network) == Family::of(address)
                && *prefix < width(*network)
                && !network.is_multicast()
                && is_link_local(*network) == is_link_local(address)
        });
        let first = alike.next();
        first.is_some_and(|first| {
            !std::iter::once(first).chain(alike).any(|network| contains(*network, address))
        })
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

fn contains((network, prefix): (IpAddr, u8), address: IpAddr) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
        IpAddr::V6(v6) => v6.to_bits(),
    };
    let differing = bits(network) ^ bits(address);
    Family::of(network) == Family::of(address) && differing.leading_zeros() >= u32::from(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outside(networks: &[(&str, u8)], address: &str) -> bool {
        let networks = networks.iter().map(|(network, prefix)| (network.parse().unwrap(), *prefix)).collect();
        Networks(networks).leave_out(address.parse().unwrap())
    }

    #[test]
    fn an_address_in_no_network_is_outside() {
        let here = [("10.9.0.1", 16), ("192.0.2.1", 24), ("fe80::1", 64), ("2001:db8:9::1", 64)];
        for (address, expected) in [
            ("10.9.255.7", false),
            ("10.10.0.7", true),
            ("192.0.2.254", false),
            ("192.0.3.1", true),
            ("2001:db8:9::c8", false),
            ("2001:db8:a::c8", true),
            ("fe80::77", false),
        ] {
            assert_eq!(outside(&here, address), expected, "{address}");
        }
    }

    #[test]
    fn where_there_is_no_network_of_its_kind_nobody_can_tell() {
        assert!(!outside(&[], "10.10.0.7"));
        assert!(!outside(&[("10.9.0.1", 32)], "10.10.0.7"), "an address given alone");
        assert!(!outside(&[("fe80::1", 64), ("ff00::", 8)], "2001:db8::1"));
        assert!(!outside(&[("2001:db8::1", 64)], "10.10.0.7"));
        assert!(!outside(&[("10.9.0.1", 16), ("0.0.0.0", 0)], "10.10.0.7"), "a route to everywhere");
    }
}
