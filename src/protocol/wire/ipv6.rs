//! IPv6 headers (RFC 8200). Extension headers that may stand before CARP are skipped; fragments are refused.

use std::net::Ipv6Addr;

use super::super::Rejected;

/// Length of the fixed header.
pub const LENGTH: usize = 40;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION_OPTIONS: u8 = 60;
/// More extension headers than anybody sends; bounds the walk.
const MAX_EXTENSIONS: usize = 8;

/// The fields of a header that matter to CARP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Hop limit.
    pub hop_limit: u8,
    /// What it carries, behind any extension headers.
    pub protocol: u8,
    /// Whom it is from.
    pub source: Ipv6Addr,
    /// Whom it is for.
    pub destination: Ipv6Addr,
}

impl Header {
    /// Takes a packet apart into header and payload; bytes after the IP length are link padding and cut off.
    ///
    /// # Errors
    /// [`Rejected::TruncatedIp`], [`Rejected::BadIpHeader`], [`Rejected::Fragment`].
    pub fn parse(packet: &[u8]) -> Result<(Self, &[u8]), Rejected> {
        let (fixed, rest) = packet.split_first_chunk::<LENGTH>().ok_or(Rejected::TruncatedIp)?;
        let ([version, _, _, _, len_high, len_low, next_header, hop_limit], addresses) =
            fixed.split_first_chunk::<8>().ok_or(Rejected::TruncatedIp)?;
        let (source, destination) = addresses.split_first_chunk::<16>().ok_or(Rejected::TruncatedIp)?;
        let destination = destination.first_chunk::<16>().ok_or(Rejected::TruncatedIp)?;
        if version >> 4 != 6 {
            return Err(Rejected::BadIpHeader);
        }
        let length = usize::from(u16::from_be_bytes([*len_high, *len_low]));
        let payload = rest.get(..length).ok_or(Rejected::TruncatedIp)?;
        let (protocol, payload) = skip_extensions(*next_header, payload)?;
        let header = Self {
            hop_limit: *hop_limit,
            protocol,
            source: Ipv6Addr::from(*source),
            destination: Ipv6Addr::from(*destination),
        };
        Ok((header, payload))
    }

    /// Appends header and payload to `frame`, without extension headers, class and flow label 0.
    pub fn emit(&self, payload: &[u8], frame: &mut Vec<u8>) {
        frame.extend_from_slice(&[0x60, 0, 0, 0]);
        frame.extend_from_slice(&u16::try_from(payload.len()).unwrap_or(u16::MAX).to_be_bytes());
        frame.extend_from_slice(&[self.protocol, self.hop_limit]);
        frame.extend_from_slice(&self.source.octets());
        frame.extend_from_slice(&self.destination.octets());
        frame.extend_from_slice(payload);
    }
}

fn skip_extensions(mut next: u8, mut payload: &[u8]) -> Result<(u8, &[u8]), Rejected> {
    for _ in 0..MAX_EXTENSIONS {
        match next {
            HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS => {
                let ([following, units], _) =
                    payload.split_first_chunk::<2>().ok_or(Rejected::TruncatedIp)?;
                let length = (usize::from(*units) + 1) * 8;
                next = *following;
                payload = payload.get(length..).ok_or(Rejected::TruncatedIp)?;
            }
            FRAGMENT => return Err(Rejected::Fragment),
            _ => return Ok((next, payload)),
        }
    }
    Err(Rejected::BadIpHeader)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header {
        hop_limit: 255,
        protocol: 112,
        source: Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x99),
        destination: Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12),
    };

    fn packet(next: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        Header { protocol: next, ..HEADER }.emit(payload, &mut out);
        out
    }

    #[test]
    fn takes_apart_and_puts_together() {
        let out = packet(112, &[1, 2, 3]);
        assert_eq!(out[..8], [0x60, 0, 0, 0, 0, 3, 112, 255]);
        assert_eq!(Header::parse(&out), Ok((HEADER, &[1, 2, 3][..])));
        assert_eq!(Header::parse(&[&out[..], &[0xa5; 9]].concat()), Ok((HEADER, &[1, 2, 3][..])));
    }

    #[test]
    fn extension_headers_are_skipped() {
        let mut payload = vec![60, 0, 1, 4, 0, 0, 0, 0, 112, 1];
        payload.extend([0; 14]);
        payload.extend([7, 8]);
        assert_eq!(Header::parse(&packet(0, &payload)), Ok((HEADER, &[7, 8][..])));
    }

    #[test]
    fn endless_extension_headers_end() {
        assert_eq!(Header::parse(&packet(0, &[0; 200])), Err(Rejected::BadIpHeader));
    }

    #[test]
    fn fragments_and_nonsense_are_refused() {
        assert_eq!(Header::parse(&packet(44, &[112, 0, 0, 0, 0, 0, 0, 0])), Err(Rejected::Fragment));
        assert_eq!(Header::parse(&packet(0, &[112, 9, 0, 0])), Err(Rejected::TruncatedIp));
        let mut wrong = packet(112, &[]);
        wrong[0] = 0x45;
        assert_eq!(Header::parse(&wrong), Err(Rejected::BadIpHeader));
        let whole = packet(112, &[1, 2, 3]);
        for length in 0..whole.len() {
            assert_eq!(Header::parse(&whole[..length]), Err(Rejected::TruncatedIp), "{length}");
        }
    }
}
