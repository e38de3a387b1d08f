//! Frames: Ethernet, IP, CARP, and the two announcements. Bytes in, plain values out; nothing here is trusted yet.

pub mod arp;
pub mod carp;
pub mod checksum;
pub mod ethernet;
pub mod ipv4;
pub mod ipv6;
pub mod ndp;

use std::net::IpAddr;

use super::{MacAddr, Rejected};

/// The IP protocol number CARP shares with VRRP.
pub const PROTOCOL: u8 = 112;

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
}

/// Takes an Ethernet frame apart.
///
/// # Errors
/// The first thing wrong with it, outermost first.
pub fn decode(_frame: &[u8]) -> Result<Decoded, Rejected> {
    todo!()
}

/// Puts a CARP frame together: the inverse of [`decode`]. `to` is the Ethernet destination, `id` the IPv4
/// packet id. Source and destination must be of one family.
#[must_use]
pub fn encode(_decoded: &Decoded, _to: MacAddr, _id: u16) -> Vec<u8> {
    todo!()
}
