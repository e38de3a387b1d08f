//! The Internet checksum (RFC 1071), used by IPv4 headers, CARP and ICMPv6.

/// One's-complement sum of `bytes` (an odd last byte is padded with zero), folded and inverted.
///
/// Over bytes that contain a correct checksum the result is 0.
#[must_use]
pub fn internet(bytes: &[u8]) -> u16 {
    internet_of(&[bytes])
}

/// The same over several pieces laid end to end; all but the last must have an even length.
#[must_use]
pub fn internet_of(pieces: &[&[u8]]) -> u16 {
    let mut sum = 0u32;
    for piece in pieces {
        let pairs = piece.chunks_exact(2);
        sum += pairs.remainder().iter().map(|byte| u32::from(*byte) << 8).sum::<u32>();
        sum += pairs
            .filter_map(|pair| pair.first_chunk::<2>())
            .map(|pair| u32::from(u16::from_be_bytes(*pair)))
            .sum::<u32>();
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    let [_, _, high, low] = sum.to_be_bytes();
    !u16::from_be_bytes([high, low])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_1071_example() {
        assert_eq!(internet(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
    }

    #[test]
    fn a_correct_sum_adds_up_to_zero() {
        let mut bytes = vec![0x45, 0x10, 0xff, 0xff, 0, 0, 0xff, 0xff];
        let sum = internet(&bytes).to_be_bytes();
        bytes[4..6].copy_from_slice(&sum);
        assert_eq!(internet(&bytes), 0);
    }

    #[test]
    fn odd_lengths_are_padded_with_zero() {
        assert_eq!(internet(&[0x12, 0x34, 0x56]), internet(&[0x12, 0x34, 0x56, 0x00]));
    }

    #[test]
    fn pieces_sum_as_one() {
        assert_eq!(
            internet_of(&[&[0xff, 0xff, 0xff, 0xfe], &[1, 2, 3]]),
            internet(&[0xff, 0xff, 0xff, 0xfe, 1, 2, 3])
        );
    }

    #[test]
    fn the_largest_frame_does_not_overflow() {
        assert_eq!(internet(&[0xff; 65536]), 0);
    }
}
