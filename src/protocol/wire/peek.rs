//! What can be read of a packet of protocol 112 whatever is wrong with it, for looking at, never for deciding.
//!
//! [`decode`](super::decode) stops at the first fault, and it alone says whether a frame is sound. An observer wants
//! to see where a broken or foreign packet came from and what it says; so everything here is optional, checksums are
//! not looked at, and CARP and VRRP are told apart by form, since they share number, groups and MAC prefix
//! (FACTS 11; RFC 3768, RFC 5798).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::super::{Family, MacAddr};
use super::{PROTOCOL, carp, ethernet, ipv6};

/// IEEE 802.1Q and 802.1ad tags, which are stepped over here whatever VLAN they name.
const TAGS: [u16; 2] = [0x8100, 0x88a8];
/// Low 12 bits of a tag. 0 names no VLAN.
const VLAN: u16 = 0x0fff;
/// Low 13 bits: where in the packet a fragment belongs.
const FRAGMENT_OFFSET: u16 = 0x1fff;
const FRAGMENT_HEADER: u8 = 44;

/// A packet of protocol 112, untrusted and perhaps incomplete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peeked<'a> {
    /// Ethernet destination.
    pub to: MacAddr,
    /// Ethernet source.
    pub mac: MacAddr,
    /// The VLANs its tags name, the outermost first.
    pub vlans: Vlans,
    /// IP version.
    pub family: Family,
    /// IP source.
    pub source: Option<IpAddr>,
    /// IP destination.
    pub destination: Option<IpAddr>,
    /// TTL or hop limit.
    pub ttl: Option<u8>,
    /// Type of service, or traffic class.
    pub tos: Option<u8>,
    /// The checksum of the IP header, which IPv6 has none of.
    pub ip_checksum: Option<u16>,
    /// What the IP packet carries; empty where that cannot be told.
    pub payload: &'a [u8],
}

/// VLANs inside each other.
pub type Vlans = [Option<u16>; 2];

/// CARP's fields as far as the payload has them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[expect(
    missing_docs,
    reason = "the names are those of carp::Header, and of VRRP where it has the same place"
)]
pub struct Fields {
    pub version: Option<u8>,
    pub kind: Option<u8>,
    pub vhid: Option<u8>,
    pub advskew: Option<u8>,
    pub demotion: Option<u8>,
    pub advbase: Option<u8>,
    pub checksum: Option<u16>,
    pub counter: Option<u64>,
}

/// A VRRP advertisement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Vrrp {
    /// 2 or 3.
    pub version: u8,
    /// Virtual router.
    pub vrid: u8,
    /// 255 owns the address, 0 resigns.
    pub priority: u8,
    /// Between two advertisements.
    pub interval: Duration,
}

/// Looks into an Ethernet frame; `None` if it does not carry protocol 112.
#[must_use]
pub fn peek(frame: &[u8]) -> Option<Peeked<'_>> {
    let (to, rest) = frame.split_first_chunk::<6>()?;
    let (mac, rest) = rest.split_first_chunk::<6>()?;
    let (mut ethertype, mut packet) = number(rest)?;
    let mut vlans = Vlans::default();
    for vlan in &mut vlans {
        if TAGS.contains(&ethertype) {
            let (tag, rest) = number(packet)?;
            *vlan = Some(tag & VLAN).filter(|vlan| *vlan != 0);
            (ethertype, packet) = number(rest)?;
        }
    }
    let peeked = match ethertype {
        ethernet::IPV4 => v4(MacAddr(*to), MacAddr(*mac), packet),
        ethernet::IPV6 => v6(MacAddr(*to), MacAddr(*mac), packet),
        _ => None,
    };
    peeked.map(|peeked| Peeked { vlans, ..peeked })
}

fn v4(to: MacAddr, mac: MacAddr, packet: &[u8]) -> Option<Peeked<'_>> {
    if *packet.get(9)? != PROTOCOL {
        return None;
    }
    let address = |at: usize| {
        let octets = packet.get(at..)?.first_chunk::<4>()?;
        Some(IpAddr::V4(Ipv4Addr::from(*octets)))
    };
    let header = usize::from(packet.first()? & 0x0f).max(5) * 4;
    let total = usize::from(number(packet.get(2..)?)?.0);
    let fragment = number(packet.get(6..)?)?.0 & FRAGMENT_OFFSET;
    let end = if total < header { packet.len() } else { total.min(packet.len()) };
    let payload = packet.get(header..end).filter(|_| fragment == 0).unwrap_or_default();
    Some(Peeked {
        to,
        mac,
        vlans: Vlans::default(),
        family: Family::V4,
        source: address(12),
        destination: address(16),
        ttl: packet.get(8).copied(),
        tos: packet.get(1).copied(),
        ip_checksum: packet.get(10..).and_then(number).map(|(checksum, _)| checksum),
        payload,
    })
}

fn v6(to: MacAddr, mac: MacAddr, packet: &[u8]) -> Option<Peeked<'_>> {
    let address = |at: usize| {
        let octets = packet.get(at..)?.first_chunk::<16>()?;
        Some(IpAddr::V6(Ipv6Addr::from(*octets)))
    };
    let payload = match *packet.get(6)? {
        PROTOCOL => {
            let length = usize::from(number(packet.get(4..)?)?.0);
            let rest = packet.get(ipv6::LENGTH..).unwrap_or_default();
            rest.get(..length).unwrap_or(rest)
        }
        FRAGMENT_HEADER if packet.get(ipv6::LENGTH) == Some(&PROTOCOL) => &[],
        _ => match ipv6::Header::parse(packet) {
            Ok((header, payload)) if header.protocol == PROTOCOL => payload,
            Ok(_) | Err(_) => return None,
        },
    };
    Some(Peeked {
        to,
        mac,
        vlans: Vlans::default(),
        family: Family::V6,
        source: address(8),
        destination: address(24),
        ttl: packet.get(7).copied(),
        tos: number(packet).and_then(|(start, _)| u8::try_from(start >> 4 & 0xff).ok()),
        ip_checksum: None,
        payload,
    })
}

fn number(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (two, rest) = bytes.split_first_chunk::<2>()?;
    Some((u16::from_be_bytes(*two), rest))
}

impl Fields {
    /// Reads what there is of `payload` by CARP's layout.
    #[must_use]
    pub fn read(payload: &[u8]) -> Self {
        let at = |place: usize| payload.get(place).copied();
        Self {
            version: at(0).map(|byte| byte >> 4),
            kind: at(0).map(|byte| byte & 0x0f),
            vhid: at(1),
            advskew: at(2),
            demotion: at(4),
            advbase: at(5),
            checksum: payload.get(6..).and_then(number).map(|(checksum, _)| checksum),
            counter: payload
                .get(8..)
                .and_then(|rest| rest.first_chunk::<8>())
                .map(|bytes| u64::from_be_bytes(*bytes)),
        }
    }
}

impl Vrrp {
    /// The VRRP advertisement in `payload`, if it has the form of one.
    ///
    /// CARP and VRRPv2 begin with the same byte. VRRPv2's length follows from its number of addresses, which stands
    /// where CARP has a 7, and has 8 bytes of authentication data behind them, which some leave out: with a 7 it would
    /// say 44, or the 36 that CARP has.
    #[must_use]
    pub fn read(payload: &[u8], family: Family) -> Option<Self> {
        let [version_type, vrid, priority, count, high, low, ..] = *payload.first_chunk::<8>()?;
        let address = match family {
            Family::V4 => 4,
            Family::V6 => 16,
        };
        let addresses = usize::from(count) * address;
        let (lengths, interval) = match version_type {
            0x21 if family == Family::V4 => {
                ([8 + addresses, 16 + addresses], Duration::from_secs(low.into()))
            }
            0x31 => {
                let centiseconds = u64::from(u16::from_be_bytes([high & 0x0f, low]));
                ([8 + addresses; 2], Duration::from_millis(centiseconds * 10))
            }
            _ => return None,
        };
        let whole = lengths.contains(&payload.len());
        let there = count > 0 && whole && (version_type != 0x21 || count != carp::AUTHLEN);
        there.then_some(Self { version: version_type >> 4, vrid, priority, interval })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Decoded, decode, encode};
    use super::*;

    fn frame(source: &str, destination: &str) -> Vec<u8> {
        let header = carp::Header {
            kind: 1,
            vhid: 7,
            advskew: 100,
            authlen: 7,
            demotion: 3,
            advbase: 1,
            counter: 0x0102_0304_0506_0708,
            code: [0xa5; 20],
        };
        let decoded = Decoded {
            mac: MacAddr([2, 0, 0, 0, 0, 7]),
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
            header,
            pseudo_header: false,
            tail: Default::default(),
        };
        encode(&decoded, MacAddr::BROADCAST, 1)
    }

    #[test]
    fn a_sound_frame_says_the_same_as_to_decode() {
        for (source, destination) in [("10.0.0.1", "224.0.0.18"), ("fe80::1", "ff02::12")] {
            let frame = frame(source, destination);
            let (decoded, peeked) = (decode(&frame).unwrap(), peek(&frame).unwrap());
            assert_eq!((peeked.mac, peeked.source), (decoded.mac, Some(decoded.source)));
            assert_eq!((peeked.destination, peeked.ttl), (Some(decoded.destination), Some(255)));
            assert_eq!(peeked.tos, Some(if decoded.destination.is_ipv4() { 0x10 } else { 0 }));
            let fields = Fields::read(peeked.payload);
            assert_eq!((fields.vhid, fields.advskew, fields.demotion), (Some(7), Some(100), Some(3)));
            assert_eq!(fields.counter, Some(decoded.header.counter));
            assert_eq!(Vrrp::read(peeked.payload, peeked.family), None);
        }
    }

    #[test]
    fn a_broken_frame_says_what_it_can() {
        let whole = frame("10.0.0.1", "224.0.0.18");
        let mut broken = whole.clone();
        broken[24] ^= 1;
        broken[22] = 3;
        let peeked = peek(&broken).unwrap();
        assert_eq!((peeked.ttl, Fields::read(peeked.payload).vhid), (Some(3), Some(7)));
        for length in 0..whole.len() {
            let peeked = peek(&whole[..length]);
            assert_eq!(peeked.is_some(), length >= 24, "{length}");
            let counter = peeked.and_then(|peeked| Fields::read(peeked.payload).counter);
            assert_eq!(counter.is_some(), length >= 50, "{length}");
        }
        let whole = frame("fe80::1", "ff02::12");
        assert!((0..whole.len()).filter_map(|length| peek(&whole[..length])).count() > 50);
    }

    #[test]
    fn tags_are_stepped_over_and_other_protocols_are_none() {
        let plain = frame("10.0.0.1", "224.0.0.18");
        let mut tagged = plain.clone();
        tagged.splice(12..12, [0x81, 0, 0, 5]);
        let vlans = |frame: &[u8]| peek(frame).unwrap().vlans;
        assert_eq!((vlans(&plain), vlans(&tagged)), ([None, None], [Some(5), None]));
        let untagged = Peeked { vlans: Vlans::default(), ..peek(&tagged).unwrap() };
        assert_eq!(Some(untagged), peek(&plain));
        tagged.splice(12..12, [0x88, 0xa8, 0xe0, 9]);
        assert_eq!(vlans(&tagged), [Some(9), Some(5)]);
        let mut priority = plain.clone();
        priority.splice(12..12, [0x81, 0, 0xe0, 0]);
        assert_eq!(peek(&priority), peek(&plain), "a priority tag names no VLAN");
        let mut other = plain;
        other[23] = 17;
        assert_eq!(peek(&other), None);
    }

    #[test]
    fn vrrp_is_known_by_its_form() {
        let two = [&[0x21, 51, 100, 1, 0, 1, 0, 0][..], &[0; 12]].concat();
        let read = |payload: &[u8], family| Vrrp::read(payload, family).map(|v| (v.version, v.vrid));
        assert_eq!(read(&two, Family::V4), Some((2, 51)));
        assert_eq!(read(&two[..19], Family::V4), None);
        assert_eq!(read(&two[..12], Family::V4), Some((2, 51)), "without authentication data");
        for (length, count) in [(36, 7), (44, 7), (8, 0), (36, 6)] {
            let mut other = [&two[..], &[0; 40]].concat();
            other[3] = count;
            assert_eq!(read(&other[..length], Family::V4), None, "{length} {count}");
        }
        let three = [0x31, 51, 100, 1, 0, 100, 0, 0, 10, 0, 0, 9];
        assert_eq!(read(&three, Family::V4), Some((3, 51)));
        let interval = Vrrp::read(&three, Family::V4).unwrap().interval;
        assert_eq!(interval, Duration::from_secs(1));
        assert_eq!(read(&[&three[..8], &[0; 16]].concat(), Family::V6), Some((3, 51)));
        assert_eq!(read(&[], Family::V4), None);
    }
}
