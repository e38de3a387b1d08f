//! CARP's own 36 bytes (FACTS 1; OpenBSD `ip_carp.h`, `struct carp_header`).
//!
//! The checksum covers exactly these bytes; what follows them is nobody's and ignored, as most kernels do. Newer
//! NetBSD kernels sum the pseudo-header of IPv6 besides (FACTS 3). Over IPv6 both forms are taken: the checksum only
//! finds accidents, and it is the HMAC that decides. Which one it was is kept, because nobody else understands such a
//! peer.

use std::net::Ipv6Addr;

use super::super::Rejected;
use super::{PROTOCOL, checksum};

/// Length on the wire.
pub const LENGTH: usize = 36;
/// The only version there is; 3 is VRRPv3, which shares protocol number and group.
pub const VERSION: u8 = 2;
/// Type of an advertisement, the only type there is.
pub const ADVERTISEMENT: u8 = 1;
/// Counter and HMAC in 32-bit words.
pub const AUTHLEN: u8 = 7;

/// The header's fields as they stand on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// [`ADVERTISEMENT`]. No kernel looks at it.
    pub kind: u8,
    /// Virtual host, 0..=255.
    pub vhid: u8,
    /// 1/256 s.
    pub advskew: u8,
    /// [`AUTHLEN`]. No kernel looks at it.
    pub authlen: u8,
    /// OpenBSD's demotion count; 0 from the others.
    pub demotion: u8,
    /// Seconds.
    pub advbase: u8,
    /// Covered by the HMAC.
    pub counter: u64,
    /// HMAC-SHA1.
    pub code: [u8; 20],
}

impl Header {
    /// Takes the header apart; bytes after the 36 are ignored.
    ///
    /// # Errors
    /// [`Rejected::TooShort`], [`Rejected::BadVersion`], [`Rejected::BadChecksum`], in this order.
    pub fn parse(payload: &[u8]) -> Result<Self, Rejected> {
        Self::parse_summed(payload, None).map(|(header, _)| header)
    }

    /// The same for what came over IPv6, where the checksum may include the pseudo-header; whether it did comes
    /// second. The plain form is tried first.
    ///
    /// # Errors
    /// As [`Header::parse`].
    pub fn parse_over_ipv6(
        payload: &[u8],
        source: Ipv6Addr,
        destination: Ipv6Addr,
    ) -> Result<(Self, bool), Rejected> {
        Self::parse_summed(payload, Some((source, destination)))
    }

    fn parse_summed(payload: &[u8], ipv6: Option<(Ipv6Addr, Ipv6Addr)>) -> Result<(Self, bool), Rejected> {
        let (bytes, _) = payload.split_first_chunk::<LENGTH>().ok_or(Rejected::TooShort)?;
        let ([version_type, vhid, advskew, authlen, demotion, advbase, _, _], rest) =
            bytes.split_first_chunk::<8>().ok_or(Rejected::TooShort)?;
        let (counter, code) = rest.split_first_chunk::<8>().ok_or(Rejected::TooShort)?;
        let code = code.first_chunk::<20>().ok_or(Rejected::TooShort)?;
        if version_type >> 4 != VERSION {
            return Err(Rejected::BadVersion);
        }
        let pseudo_header = checksum::internet(bytes) != 0;
        if pseudo_header {
            let (source, destination) = ipv6.ok_or(Rejected::BadChecksum)?;
            if checksum::internet_of(&[&pseudo_header_sum(source, destination), bytes]) != 0 {
                return Err(Rejected::BadChecksum);
            }
        }
        let header = Self {
            kind: version_type & 0x0f,
            vhid: *vhid,
            advskew: *advskew,
            authlen: *authlen,
            demotion: *demotion,
            advbase: *advbase,
            counter: u64::from_be_bytes(*counter),
            code: *code,
        };
        Ok((header, pseudo_header))
    }

    /// Puts the header together, with its checksum.
    #[must_use]
    pub fn emit(&self) -> Vec<u8> {
        self.emit_summed(&[])
    }

    /// The same with the checksum of newer NetBSD kernels, which includes IPv6's pseudo-header.
    #[must_use]
    pub fn emit_with_pseudo_header(&self, source: Ipv6Addr, destination: Ipv6Addr) -> Vec<u8> {
        self.emit_summed(&pseudo_header_sum(source, destination))
    }

    fn emit_summed(&self, before: &[u8]) -> Vec<u8> {
        let start = [
            VERSION << 4 | self.kind & 0x0f,
            self.vhid,
            self.advskew,
            self.authlen,
            self.demotion,
            self.advbase,
        ];
        let end = [&self.counter.to_be_bytes()[..], &self.code].concat();
        let sum = checksum::internet_of(&[before, &start, &end]).to_be_bytes();
        [&start[..], &sum, &end].concat()
    }
}

/// The sum of what RFC 8200, section 8.1, puts before the bytes.
fn pseudo_header_sum(source: Ipv6Addr, destination: Ipv6Addr) -> [u8; 2] {
    let [.., length] = LENGTH.to_be_bytes();
    let end = [0, 0, 0, length, 0, 0, 0, PROTOCOL];
    (!checksum::internet_of(&[&source.octets(), &destination.octets(), &end])).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    // The first golden packet (OpenBSD, vhid 7, no password, 10.0.0.10).
    const BYTES: [u8; 36] = [
        0x21, 0x07, 0x00, 0x07, 0x00, 0x01, 0x63, 0x53, 0xd5, 0x3d, 0x50, 0xbd, 0x7b, 0x32, 0xfa, 0xbb, 0x40,
        0x76, 0x7e, 0xa5, 0xa3, 0x22, 0x95, 0xc7, 0x22, 0x0f, 0x0a, 0xf2, 0xe3, 0xc9, 0x48, 0x07, 0x61, 0x31,
        0x2d, 0xaa,
    ];

    fn header() -> Header {
        Header {
            kind: 1,
            vhid: 7,
            advskew: 0,
            authlen: 7,
            demotion: 0,
            advbase: 1,
            counter: 0xd53d_50bd_7b32_fabb,
            code: BYTES[16..].try_into().unwrap(),
        }
    }

    fn with(index: usize, value: u8) -> Vec<u8> {
        let mut bytes = BYTES.to_vec();
        bytes[index] = value;
        bytes[6..8].fill(0);
        let sum = checksum::internet(&bytes).to_be_bytes();
        bytes[6..8].copy_from_slice(&sum);
        bytes
    }

    #[test]
    fn takes_apart() {
        assert_eq!(Header::parse(&BYTES), Ok(header()));
    }

    #[test]
    fn puts_together() {
        assert_eq!(header().emit(), BYTES);
    }

    #[test]
    fn bytes_after_the_header_are_nobodys() {
        assert_eq!(Header::parse(&[&BYTES[..], &[0xde, 0xad]].concat()), Ok(header()));
    }

    #[test]
    fn over_ipv6_either_sum_will_do_and_it_is_known_which() {
        let (source, destination) = ("fe80::7".parse().unwrap(), "ff02::12".parse().unwrap());
        let plain = header().emit();
        let summed = header().emit_with_pseudo_header(source, destination);
        assert_ne!(plain[6..8], summed[6..8]);
        assert_eq!(Header::parse_over_ipv6(&plain, source, destination), Ok((header(), false)));
        assert_eq!(Header::parse_over_ipv6(&summed, source, destination), Ok((header(), true)));
        assert_eq!(Header::parse(&summed), Err(Rejected::BadChecksum));
        // Of another packet.
        let other = "fe80::8".parse().unwrap();
        assert_eq!(Header::parse_over_ipv6(&summed, other, destination), Err(Rejected::BadChecksum));
    }

    #[test]
    fn each_wrong_bit_breaks_the_sum() {
        for bit in 0..BYTES.len() * 8 {
            let mut bytes = BYTES;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::parse(&bytes).is_err(), "{bit}");
        }
    }

    #[test]
    fn refusals_in_their_order() {
        for length in 0..LENGTH {
            assert_eq!(Header::parse(&BYTES[..length]), Err(Rejected::TooShort));
        }
        assert_eq!(Header::parse(&with(0, 0x31)), Err(Rejected::BadVersion));
        let mut wrong_in_both = BYTES;
        wrong_in_both[0] = 0x31;
        assert_eq!(Header::parse(&wrong_in_both), Err(Rejected::BadVersion));
    }

    #[test]
    fn type_and_authlen_are_taken_as_they_are() {
        assert_eq!(Header::parse(&with(0, 0x2f)).map(|h| h.kind), Ok(15));
        assert_eq!(Header::parse(&with(3, 6)).map(|h| h.authlen), Ok(6));
    }
}
