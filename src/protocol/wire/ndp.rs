//! Unsolicited neighbour advertisements (RFC 4861 sections 4.4 and 7.2.6): IPv6's gratuitous ARP.

use std::net::{IpAddr, Ipv6Addr};

use super::super::MacAddr;
use super::checksum;
use super::ethernet;
use super::ipv6;

const ICMPV6: u8 = 58;
const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
/// Replace what the neighbours had cached.
const OVERRIDE: u8 = 0x20;
/// Every node on the link.
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// The frame that says `address` is at `mac`, sent from `source` to all nodes.
#[must_use]
pub fn unsolicited(mac: MacAddr, source: Ipv6Addr, address: Ipv6Addr) -> Vec<u8> {
    // Option 2, target link-layer address, one unit of eight bytes.
    let body = [&[OVERRIDE, 0, 0, 0][..], &address.octets(), &[2, 1], &mac.0].concat();
    let start = [NEIGHBOUR_ADVERTISEMENT, 0];
    let length = u8::try_from(start.len() + 2 + body.len()).unwrap_or(u8::MAX);
    let sum = checksum::internet_of(&[
        &source.octets(),
        &ALL_NODES.octets(),
        &[0, 0, 0, length, 0, 0, 0, ICMPV6],
        &start,
        &body,
    ]);
    let message = [&start[..], &sum.to_be_bytes(), &body].concat();
    let mut frame = Vec::with_capacity(86);
    ethernet::Header {
        destination: MacAddr::of_group(IpAddr::V6(ALL_NODES)),
        source: mac,
        ethertype: ethernet::IPV6,
    }
    .emit(&mut frame);
    ipv6::Header { hop_limit: 255, protocol: ICMPV6, source, destination: ALL_NODES }
        .emit(&message, &mut frame);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_where_the_address_is() {
        let mac = MacAddr([2, 0, 0, 0, 0, 7]);
        let source: Ipv6Addr = "fe80::7".parse().unwrap();
        let address: Ipv6Addr = "2001:db8::10".parse().unwrap();
        let frame = unsolicited(mac, source, address);
        assert_eq!(frame.len(), 86);
        assert_eq!(frame[..14], [0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 7, 0x86, 0xdd]);
        let (header, message) = ipv6::Header::parse(&frame[14..]).unwrap();
        assert_eq!((header.hop_limit, header.protocol), (255, ICMPV6));
        assert_eq!((header.source, header.destination), (source, ALL_NODES));
        assert_eq!((message[0], message[1], message[4]), (136, 0, 0x20));
        assert_eq!(message[8..24], address.octets());
        assert_eq!(message[24..], [2, 1, 2, 0, 0, 0, 0, 7]);
        let pseudo = [&source.octets()[..], &ALL_NODES.octets(), &[0, 0, 0, 32, 0, 0, 0, 58]].concat();
        assert_eq!(checksum::internet_of(&[&pseudo, message]), 0);
    }
}
