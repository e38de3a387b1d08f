//! IPv4 headers (RFC 791): options are skipped, fragments and wrong sums refused.

use std::net::Ipv4Addr;

use super::super::Rejected;
use super::checksum;

/// Length of a header without options, the only kind we send.
pub const LENGTH: usize = 20;

/// Don't fragment, offset 0.
const DONT_FRAGMENT: u16 = 0x4000;
/// More fragments, or an offset.
const FRAGMENT: u16 = 0x3fff;
/// Low delay: what OpenBSD, NetBSD and ucarp put on advertisements (FACTS 4).
pub const LOW_DELAY: u8 = 0x10;

/// The fields of a header that matter to CARP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Packet id, as sent.
    pub id: u16,
    /// Time to live.
    pub ttl: u8,
    /// What it carries.
    pub protocol: u8,
    /// Whom it is from.
    pub source: Ipv4Addr,
    /// Whom it is for.
    pub destination: Ipv4Addr,
}

impl Header {
    /// Takes a packet apart into header and payload; bytes after the IP length are link padding and cut off.
    ///
    /// # Errors
    /// [`Rejected::TruncatedIp`], [`Rejected::BadIpHeader`], [`Rejected::BadIpChecksum`], [`Rejected::Fragment`].
    pub fn parse(packet: &[u8]) -> Result<(Self, &[u8]), Rejected> {
        let (fixed, _) = packet.split_first_chunk::<LENGTH>().ok_or(Rejected::TruncatedIp)?;
        let [
            version_ihl,
            _tos,
            len_high,
            len_low,
            id_high,
            id_low,
            frag_high,
            frag_low,
            ttl,
            protocol,
            _,
            _,
            s0,
            s1,
            s2,
            s3,
            d0,
            d1,
            d2,
            d3,
        ] = *fixed;
        let header_length = usize::from(version_ihl & 0x0f) * 4;
        let total_length = usize::from(u16::from_be_bytes([len_high, len_low]));
        if version_ihl >> 4 != 4 || header_length < LENGTH || total_length < header_length {
            return Err(Rejected::BadIpHeader);
        }
        let packet = packet.get(..total_length).ok_or(Rejected::TruncatedIp)?;
        let (header, payload) = packet.split_at_checked(header_length).ok_or(Rejected::TruncatedIp)?;
        if checksum::internet(header) != 0 {
            return Err(Rejected::BadIpChecksum);
        }
        if u16::from_be_bytes([frag_high, frag_low]) & FRAGMENT != 0 {
            return Err(Rejected::Fragment);
        }
        let header = Self {
            id: u16::from_be_bytes([id_high, id_low]),
            ttl,
            protocol,
            source: Ipv4Addr::new(s0, s1, s2, s3),
            destination: Ipv4Addr::new(d0, d1, d2, d3),
        };
        Ok((header, payload))
    }

    /// Appends header and payload to `frame`: no options, don't-fragment, low delay, checksum in place.
    pub fn emit(&self, payload: &[u8], frame: &mut Vec<u8>) {
        let total_length = u16::try_from(LENGTH + payload.len()).unwrap_or(u16::MAX);
        let mut header = Vec::with_capacity(LENGTH);
        header.extend_from_slice(&[0x45, LOW_DELAY]);
        header.extend_from_slice(&total_length.to_be_bytes());
        header.extend_from_slice(&self.id.to_be_bytes());
        header.extend_from_slice(&DONT_FRAGMENT.to_be_bytes());
        header.extend_from_slice(&[self.ttl, self.protocol]);
        let addresses = [self.source.octets(), self.destination.octets()].concat();
        let sum = checksum::internet_of(&[&header, &addresses]);
        header.extend_from_slice(&sum.to_be_bytes());
        header.extend_from_slice(&addresses);
        frame.extend_from_slice(&header);
        frame.extend_from_slice(payload);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The control packet's header of the golden vectors, with three payload bytes.
    const PACKET: [u8; 23] = [
        0x45, 0x10, 0x00, 0x17, 0xaa, 0x84, 0x40, 0x00, 0xff, 0x70, 0xe6, 0xce, 10, 0, 0, 1, 224, 0, 0, 18,
        1, 2, 3,
    ];
    const HEADER: Header = Header {
        id: 0xaa84,
        ttl: 255,
        protocol: 112,
        source: Ipv4Addr::new(10, 0, 0, 1),
        destination: Ipv4Addr::new(224, 0, 0, 18),
    };

    fn with(edit: impl FnOnce(&mut Vec<u8>), fix_sum: bool) -> Vec<u8> {
        let mut packet = PACKET.to_vec();
        edit(&mut packet);
        if fix_sum {
            packet[10..12].fill(0);
            let length = (usize::from(packet[0] & 15) * 4).clamp(20, packet.len());
            let sum = checksum::internet(&packet[..length]).to_be_bytes();
            packet[10..12].copy_from_slice(&sum);
        }
        packet
    }

    #[test]
    fn takes_apart() {
        assert_eq!(Header::parse(&PACKET), Ok((HEADER, &[1, 2, 3][..])));
    }

    #[test]
    fn puts_together() {
        let mut out = vec![0xa5];
        HEADER.emit(&[1, 2, 3], &mut out);
        assert_eq!(out[1..], PACKET);
    }

    #[test]
    fn padding_is_cut_off() {
        assert_eq!(Header::parse(&[&PACKET[..], &[0xa5; 20]].concat()), Ok((HEADER, &[1, 2, 3][..])));
    }

    #[test]
    fn options_are_skipped() {
        let packet = with(
            |p| {
                p[0] = 0x46;
                p[3] = 27;
                p.splice(20..20, [1, 1, 1, 0]);
            },
            true,
        );
        assert_eq!(Header::parse(&packet), Ok((HEADER, &[1, 2, 3][..])));
    }

    #[test]
    fn fragments_are_refused() {
        for (high, low) in [(0x20, 0), (0x00, 1), (0x1f, 0xff)] {
            let packet = with(|p| p[6..8].copy_from_slice(&[high, low]), true);
            assert_eq!(Header::parse(&packet), Err(Rejected::Fragment));
        }
    }

    #[test]
    fn impossible_headers_are_refused() {
        assert_eq!(Header::parse(&with(|p| p[0] = 0x65, true)), Err(Rejected::BadIpHeader));
        assert_eq!(Header::parse(&with(|p| p[0] = 0x44, true)), Err(Rejected::BadIpHeader));
        assert_eq!(Header::parse(&with(|p| p[3] = 19, true)), Err(Rejected::BadIpHeader));
        assert_eq!(Header::parse(&with(|p| p[3] = 24, true)), Err(Rejected::TruncatedIp));
        assert_eq!(Header::parse(&with(|p| p[0] = 0x46, true)), Err(Rejected::BadIpHeader));
        assert_eq!(Header::parse(&with(|p| p[12] ^= 1, false)), Err(Rejected::BadIpChecksum));
    }

    #[test]
    fn any_prefix_is_refused_not_panicked_on() {
        for length in 0..PACKET.len() {
            assert_eq!(Header::parse(&PACKET[..length]), Err(Rejected::TruncatedIp), "{length}");
        }
    }
}
