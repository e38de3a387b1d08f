//! Ethernet II headers. A priority tag (IEEE 802.1Q with VLAN id 0) counts as no tag at all; any other tag
//! belongs to another segment and is refused, since a trunk port may show us its frames.

use super::super::{MacAddr, Rejected};

/// EtherType of IPv4.
pub const IPV4: u16 = 0x0800;
/// EtherType of ARP.
pub const ARP: u16 = 0x0806;
/// EtherType of IPv6.
pub const IPV6: u16 = 0x86dd;
/// EtherType of a VLAN tag (IEEE 802.1Q).
const VLAN: u16 = 0x8100;

/// The header of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Whom it is for.
    pub destination: MacAddr,
    /// Whom it is from.
    pub source: MacAddr,
    /// What it carries.
    pub ethertype: u16,
}

impl Header {
    /// Takes a frame apart into header and payload.
    ///
    /// # Errors
    /// [`Rejected::NotIp`] for a frame too short to have a header, or with a VLAN tag other than the priority tag.
    pub fn parse(frame: &[u8]) -> Result<(Self, &[u8]), Rejected> {
        let (destination, rest) = frame.split_first_chunk::<6>().ok_or(Rejected::NotIp)?;
        let (source, rest) = rest.split_first_chunk::<6>().ok_or(Rejected::NotIp)?;
        let (ethertype, rest) = ethertype(rest)?;
        let (ethertype, payload) = if ethertype == VLAN {
            let (tag, rest) = rest.split_first_chunk::<2>().ok_or(Rejected::NotIp)?;
            if u16::from_be_bytes(*tag) & 0x0fff != 0 {
                return Err(Rejected::NotIp);
            }
            self::ethertype(rest)?
        } else {
            (ethertype, rest)
        };
        Ok((Self { destination: MacAddr(*destination), source: MacAddr(*source), ethertype }, payload))
    }

    /// Appends the header to `frame`, untagged.
    pub fn emit(&self, frame: &mut Vec<u8>) {
        frame.extend_from_slice(&self.destination.0);
        frame.extend_from_slice(&self.source.0);
        frame.extend_from_slice(&self.ethertype.to_be_bytes());
    }
}

fn ethertype(bytes: &[u8]) -> Result<(u16, &[u8]), Rejected> {
    let (ethertype, rest) = bytes.split_first_chunk::<2>().ok_or(Rejected::NotIp)?;
    Ok((u16::from_be_bytes(*ethertype), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: [u8; 16] = [0x01, 0x00, 0x5e, 0, 0, 0x12, 2, 0, 0, 0, 0, 1, 0x08, 0x00, 0x45, 0x10];
    const HEADER: Header = Header {
        destination: MacAddr([0x01, 0x00, 0x5e, 0, 0, 0x12]),
        source: MacAddr([2, 0, 0, 0, 0, 1]),
        ethertype: IPV4,
    };

    fn tagged(tag: u16) -> Vec<u8> {
        let [high, low] = tag.to_be_bytes();
        [&FRAME[..12], &[0x81, 0x00, high, low], &FRAME[12..]].concat()
    }

    #[test]
    fn takes_apart_and_puts_together() {
        assert_eq!(Header::parse(&FRAME), Ok((HEADER, &[0x45, 0x10][..])));
        let mut out = Vec::new();
        HEADER.emit(&mut out);
        assert_eq!(out, FRAME[..14]);
    }

    #[test]
    fn a_priority_tag_is_no_tag() {
        assert_eq!(Header::parse(&tagged(0xe000)), Ok((HEADER, &[0x45, 0x10][..])));
    }

    #[test]
    fn another_vlan_is_another_segment() {
        assert_eq!(Header::parse(&tagged(0xe001)), Err(Rejected::NotIp));
        assert_eq!(Header::parse(&tagged(0x0fff)), Err(Rejected::NotIp));
    }

    #[test]
    fn any_prefix_is_refused_not_panicked_on() {
        for length in 0..14 {
            assert_eq!(Header::parse(&FRAME[..length]), Err(Rejected::NotIp), "{length}");
            assert_eq!(Header::parse(&tagged(0)[..length + 4]), Err(Rejected::NotIp), "{length} tagged");
        }
    }
}
