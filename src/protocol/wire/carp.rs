//! CARP's own 36 bytes (FACTS 1; OpenBSD `ip_carp.h`, `struct carp_header`).

use super::super::Rejected;

/// Length on the wire.
pub const LENGTH: usize = 36;

/// The header's fields as they stand on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// 1 for an advertisement. No kernel looks at it.
    pub kind: u8,
    /// Virtual host, 0..=255.
    pub vhid: u8,
    /// 1/256 s.
    pub advskew: u8,
    /// 7: counter and HMAC in 32-bit words. No kernel looks at it.
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
    /// [`Rejected::TooShort`], [`Rejected::BadVersion`], [`Rejected::BadChecksum`].
    pub fn parse(_payload: &[u8]) -> Result<Self, Rejected> {
        todo!()
    }

    /// Puts the header together, with its checksum.
    #[must_use]
    pub fn emit(&self) -> [u8; LENGTH] {
        todo!()
    }
}
