//! Frames: Ethernet, IP, CARP, and the two announcements. Bytes in, plain values out; nothing here is trusted yet.
//!
//! One protocol is one file. No function panics on any input and none allocates by what the input says:
//! parsers borrow, and read through `split_first_chunk`. The daemon's BPF filter drops most of what is
//! refused here before we see it; these checks are the authority all the same, since a filter can be late.

pub mod arp;
pub mod carp;
pub mod checksum;
pub mod ethernet;
pub mod ipv4;
pub mod ipv6;
pub mod ndp;
pub mod peek;

use std::net::IpAddr;

use super::{MacAddr, Rejected};

/// The IP protocol number CARP shares with VRRP.
pub const PROTOCOL: u8 = 112;
/// The TTL or hop limit of whatever has not been forwarded.
pub const TTL: u8 = 255;

/// What stands behind CARP's 36 bytes, as far as it may be of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tail {
    length: u8,
    bytes: [u8; Self::LONGEST],
}

impl Tail {
    /// Room for what is said now and for as much again; with all headers a captured frame holds more.
    pub const LONGEST: usize = 128;

    /// These bytes; none, if they are more than anybody of ours sends.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut tail = Self::default();
        if let (Some(room), Ok(length)) = (tail.bytes.get_mut(..bytes.len()), u8::try_from(bytes.len())) {
            room.copy_from_slice(bytes);
            tail.length = length;
        }
        tail
    }

    /// What it is.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl Default for Tail {
    fn default() -> Self {
        Self { length: 0, bytes: [0; Self::LONGEST] }
    }
}

/// A CARP frame taken apart: well formed, **not** authenticated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decoded {
    /// Ethernet source.
    pub mac: MacAddr,
    /// IP source.
    pub source: IpAddr,
    /// IP destination.
    pub destination: IpAddr,
    /// The 36 bytes.
    pub header: carp::Header,
    /// Whether their checksum includes IPv6's pseudo-header, as newer NetBSD kernels have it.
    pub pseudo_header: bool,
    /// What follows them.
    pub tail: Tail,
}

/// Takes an Ethernet frame apart.
///
/// # Errors
/// The first thing wrong with it, outermost first.
pub fn decode(frame: &[u8]) -> Result<Decoded, Rejected> {
    let (ethernet, packet) = ethernet::Header::parse(frame)?;
    match ethernet.ethertype {
        ethernet::IPV4 => {
            let (ip, payload) = ipv4::Header::parse(packet)?;
            unforwarded_carp(ip.protocol, ip.ttl)?;
            let header = carp::Header::parse(payload)?;
            let (source, destination) = (ip.source.into(), ip.destination.into());
            let tail = tail(payload);
            Ok(Decoded { mac: ethernet.source, source, destination, header, pseudo_header: false, tail })
        }
        ethernet::IPV6 => {
            let (ip, payload) = ipv6::Header::parse(packet)?;
            unforwarded_carp(ip.protocol, ip.hop_limit)?;
            let (header, pseudo_header) = carp::Header::parse_over_ipv6(payload, ip.source, ip.destination)?;
            let (source, destination) = (ip.source.into(), ip.destination.into());
            let tail = tail(payload);
            Ok(Decoded { mac: ethernet.source, source, destination, header, pseudo_header, tail })
        }
        _ => Err(Rejected::NotIp),
    }
}

fn tail(payload: &[u8]) -> Tail {
    payload.get(carp::LENGTH..).map(Tail::of).unwrap_or_default()
}

/// Whom a packet of protocol 112 is for that cannot be decoded, as far as it says: the id, which CARP and VRRP have in the
/// same place, and the IP destination.
#[must_use]
pub fn addressee(frame: &[u8]) -> Option<(u8, IpAddr)> {
    let peeked = peek::peek(frame)?;
    Some((*peeked.payload.get(1)?, peeked.destination?))
}

fn unforwarded_carp(protocol: u8, ttl: u8) -> Result<(), Rejected> {
    if protocol != PROTOCOL {
        return Err(Rejected::NotCarp);
    }
    if ttl != TTL {
        return Err(Rejected::BadTtl);
    }
    Ok(())
}

/// Puts a CARP frame together: the inverse of [`decode`]. `to` is the Ethernet destination, `id` the IPv4
/// packet id.
///
/// Source and destination are of one family; for a mixed pair there is no frame, and the result is empty.
#[must_use]
pub fn encode(decoded: &Decoded, to: MacAddr, id: u16) -> Vec<u8> {
    let payload = encode_payload(decoded);
    let mut frame = Vec::with_capacity(14 + ipv6::LENGTH + carp::LENGTH);
    let mut ethernet = |ethertype| {
        ethernet::Header { destination: to, source: decoded.mac, ethertype }.emit(&mut frame);
    };
    match (decoded.source, decoded.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            ethernet(ethernet::IPV4);
            ipv4::Header { id, ttl: TTL, protocol: PROTOCOL, source, destination }.emit(&payload, &mut frame);
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            ethernet(ethernet::IPV6);
            ipv6::Header { hop_limit: TTL, protocol: PROTOCOL, source, destination }
                .emit(&payload, &mut frame);
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {}
    }
    frame
}

/// What of it follows the IP header.
#[must_use]
pub fn encode_payload(decoded: &Decoded) -> Vec<u8> {
    let mut payload = match (decoded.source, decoded.destination) {
        (IpAddr::V6(source), IpAddr::V6(destination)) if decoded.pseudo_header => {
            decoded.header.emit_with_pseudo_header(source, destination)
        }
        (IpAddr::V4(_) | IpAddr::V6(_), IpAddr::V4(_) | IpAddr::V6(_)) => decoded.header.emit(),
    };
    payload.extend(decoded.tail.bytes());
    payload
}

/// An advertisement as any master's, from 10.0.0.1 for id 7, without an HMAC.
#[cfg(test)]
pub(crate) fn sample() -> Decoded {
    let header = carp::Header {
        kind: 1,
        vhid: 7,
        advskew: 0,
        authlen: 7,
        demotion: 0,
        advbase: 1,
        counter: 1,
        code: [0; 20],
    };
    let (source, destination) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([224, 0, 0, 18]));
    Decoded {
        mac: MacAddr([2; 6]),
        source,
        destination,
        header,
        pseudo_header: false,
        tail: Default::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(source: &str, destination: &str) -> Decoded {
        Decoded {
            mac: MacAddr([2, 0, 0, 0, 0, 7]),
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
            header: carp::Header {
                kind: 1,
                vhid: 7,
                advskew: 100,
                authlen: 7,
                demotion: 0,
                advbase: 1,
                counter: 0x0102_0304_0506_0708,
                code: [0xa5; 20],
            },
            pseudo_header: false,
            tail: Default::default(),
        }
    }

    #[test]
    fn encoding_and_decoding_are_inverse() {
        let newer_netbsd = Decoded { pseudo_header: true, ..decoded("fe80::1", "ff02::12") };
        for decoded in [decoded("10.0.0.1", "224.0.0.18"), decoded("fe80::1", "ff02::12"), newer_netbsd] {
            let frame = encode(&decoded, MacAddr::of_group(decoded.destination), 0x1234);
            assert_eq!(decode(&frame), Ok(decoded));
        }
    }

    #[test]
    fn a_mixed_pair_is_no_frame() {
        assert_eq!(encode(&decoded("10.0.0.1", "ff02::12"), MacAddr::BROADCAST, 0), [0u8; 0]);
    }

    #[test]
    fn outermost_fault_first() {
        let good = encode(&decoded("10.0.0.1", "224.0.0.18"), MacAddr::BROADCAST, 0);
        let refused = |index: usize, value: u8| {
            let mut frame = good.clone();
            frame[index] = value;
            frame[24..26].fill(0);
            let sum = checksum::internet(&frame[14..34]).to_be_bytes();
            frame[24..26].copy_from_slice(&sum);
            decode(&frame)
        };
        assert_eq!(decode(&good[..13]), Err(Rejected::NotIp));
        assert_eq!(refused(13, 0x06), Err(Rejected::NotIp));
        assert_eq!(refused(23, 17), Err(Rejected::NotCarp));
        assert_eq!(refused(22, 254), Err(Rejected::BadTtl));
        assert_eq!(refused(17, 20 + 35), Err(Rejected::TooShort));
        assert_eq!(refused(34, 0x31), Err(Rejected::BadVersion));
        assert_eq!(refused(36, 1), Err(Rejected::BadChecksum));
    }
}
