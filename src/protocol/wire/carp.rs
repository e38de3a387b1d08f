//! CARP's own 36 bytes (FACTS 1; OpenBSD `ip_carp.h`, `struct carp_header`).
//!
//! The checksum covers exactly these bytes; what follows them is nobody's and ignored, as most kernels do.

use super::super::Rejected;
use super::checksum;

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
        let (bytes, _) = payload.split_first_chunk::<LENGTH>().ok_or(Rejected::TooShort)?;
        let ([version_type, vhid, advskew, authlen, demotion, advbase, _, _], rest) =
            bytes.split_first_chunk::<8>().ok_or(Rejected::TooShort)?;
        let (counter, code) = rest.split_first_chunk::<8>().ok_or(Rejected::TooShort)?;
        let code = code.first_chunk::<20>().ok_or(Rejected::TooShort)?;
        if version_type >> 4 != VERSION {
            return Err(Rejected::BadVersion);
        }
        if checksum::internet(bytes) != 0 {
            return Err(Rejected::BadChecksum);
        }
        Ok(Self {
            kind: version_type & 0x0f,
            vhid: *vhid,
            advskew: *advskew,
            authlen: *authlen,
            demotion: *demotion,
            advbase: *advbase,
            counter: u64::from_be_bytes(*counter),
            code: *code,
        })
    }

    /// Puts the header together, with its checksum.
    #[must_use]
    pub fn emit(&self) -> Vec<u8> {
        let start = [
            VERSION << 4 | self.kind & 0x0f,
            self.vhid,
            self.advskew,
            self.authlen,
            self.demotion,
            self.advbase,
        ];
        let end = [&self.counter.to_be_bytes()[..], &self.code].concat();
        let sum = checksum::internet_of(&[&start, &end]).to_be_bytes();
        [&start[..], &sum, &end].concat()
    }
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
