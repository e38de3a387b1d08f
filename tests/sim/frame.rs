//! Frames as the models in these tests put them together and take them apart.
//!
//! Written from the packet layout alone (fixed offsets, one-byte arithmetic) and sharing nothing with the codecs
//! under test, so that a mistake there cannot hide here. Only the HMAC is the project's: that it is the kernels'
//! is what `wire_vectors` shows. Announcements are recognised, never made: the models have no use for ARP.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ucarp::protocol::Authenticator;

pub const GROUP_V4: [u8; 4] = [224, 0, 0, 18];
pub const GROUP_V6: [u8; 16] = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12];

/// One advertisement, as a sender means it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ad {
    pub source: IpAddr,
    pub mac: [u8; 6],
    pub vhid: u8,
    pub base: u8,
    pub skew: u8,
    pub demotion: u8,
    pub counter: u64,
}

impl Ad {
    pub const fn v6(&self) -> bool {
        self.source.is_ipv6()
    }

    /// What the elections compare, in microseconds.
    pub const fn interval(&self) -> u64 {
        micros(self.base as u64, self.skew as u64)
    }

    pub const fn is_bow_out(&self) -> bool {
        self.base == 255 && self.skew == 255
    }
}

/// `base` seconds and `skew` 1/256 seconds, each truncated to the microsecond.
pub const fn micros(base: u64, skew: u64) -> u64 {
    base * 1_000_000 + skew * 1_000_000 / 256
}

fn internet_checksum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = 0;
    for pair in bytes.chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).expect("folded")
}

/// The Ethernet frame of an advertisement.
pub fn encode(ad: &Ad, auth: &Authenticator) -> Vec<u8> {
    let mut frame = match ad.source {
        IpAddr::V4(source) => ipv4(source, Ipv4Addr::from(GROUP_V4), ad.mac),
        IpAddr::V6(source) => ipv6(source, GROUP_V6, ad.mac),
    };
    frame.extend(carp(ad, auth));
    frame
}

fn carp(ad: &Ad, auth: &Authenticator) -> [u8; 36] {
    let mut carp = [0; 36];
    carp[..6].copy_from_slice(&[0x21, ad.vhid, ad.skew, 7, ad.demotion, ad.base]);
    carp[8..16].copy_from_slice(&ad.counter.to_be_bytes());
    carp[16..].copy_from_slice(&auth.code(ad.counter));
    let sum = internet_checksum(&carp);
    carp[6..8].copy_from_slice(&sum.to_be_bytes());
    carp
}

fn ipv4(source: Ipv4Addr, to: Ipv4Addr, mac: [u8; 6]) -> Vec<u8> {
    let mut frame = vec![0x01, 0x00, 0x5e, 0x00, 0x00, 0x12];
    frame.extend(mac);
    frame.extend([0x08, 0x00]);
    let mut ip = vec![0x45, 0x10, 0, 56, 0, 0, 0x40, 0, 255, 112, 0, 0];
    ip.extend(source.octets());
    ip.extend(to.octets());
    let sum = internet_checksum(&ip);
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    frame.extend(ip);
    frame
}

/// The frame that a system makes of a packet to a single host.
pub fn to_one(source: IpAddr, mac: [u8; 6], peer: IpAddr, peer_mac: [u8; 6], packet: &[u8]) -> Vec<u8> {
    let mut frame = match (source, peer) {
        (IpAddr::V4(source), IpAddr::V4(peer)) => ipv4(source, peer, mac),
        (IpAddr::V6(source), IpAddr::V6(peer)) => ipv6(source, peer.octets(), mac),
        _ => panic!("from {source} to {peer}"),
    };
    frame[..6].copy_from_slice(&peer_mac);
    let length = u8::try_from(packet.len()).expect("short");
    if source.is_ipv4() {
        frame[17] = 20 + length;
        frame[24..26].fill(0);
        let sum = internet_checksum(&frame[14..34]);
        frame[24..26].copy_from_slice(&sum.to_be_bytes());
    } else {
        frame[19] = length;
    }
    frame.extend(packet);
    frame
}

/// The CARP bytes of a frame that [`look`] takes for an advertisement.
pub fn carp_of(frame: &[u8]) -> [u8; 36] {
    let start = if frame[12..14] == [0x86, 0xdd] { 54 } else { 34 };
    frame[start..start + 36].try_into().expect("an advertisement")
}

/// Where what is for everybody goes, in a family.
pub fn group(v6: bool) -> (IpAddr, [u8; 6]) {
    if v6 {
        (GROUP_V6.into(), [0x33, 0x33, 0, 0, 0, 0x12])
    } else {
        (GROUP_V4.into(), [1, 0, 0x5e, 0, 0, 0x12])
    }
}

/// Recorded CARP bytes in a packet of `ad`'s source, with its fields where CARP's HMAC does not look.
pub fn forge(recorded: &[u8; 36], ad: &Ad, (to, to_mac): (IpAddr, [u8; 6])) -> Vec<u8> {
    let mut carp = *recorded;
    (carp[2], carp[4], carp[5]) = (ad.skew, ad.demotion, ad.base);
    carp[6..8].fill(0);
    let sum = internet_checksum(&carp);
    carp[6..8].copy_from_slice(&sum.to_be_bytes());
    to_one(ad.source, ad.mac, to, to_mac, &carp)
}

fn ipv6(source: Ipv6Addr, to: [u8; 16], mac: [u8; 6]) -> Vec<u8> {
    let mut frame = vec![0x33, 0x33, 0x00, 0x00, 0x00, 0x12];
    frame.extend(mac);
    frame.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 36, 112, 255]);
    frame.extend(source.octets());
    frame.extend(to);
    frame
}

/// What a frame on the simulated wire is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seen {
    Ad(Ad),
    /// Gratuitous ARP or an unsolicited neighbour advertisement for this address.
    Announcement(IpAddr),
    Other,
}

/// Takes a frame apart without looking at the HMAC.
pub fn look(frame: &[u8]) -> Seen {
    match frame.get(12..14) {
        Some([0x08, 0x06]) if frame.len() >= 42 => {
            Seen::Announcement(IpAddr::from(<[u8; 4]>::try_from(&frame[28..32]).expect("four")))
        }
        Some([0x08, 0x00]) if frame.len() >= 70 && frame[14] == 0x45 && frame[23] == 112 => {
            let source = <[u8; 4]>::try_from(&frame[26..30]).expect("four");
            well_formed(frame, IpAddr::from(source), &frame[34..70], frame[22], &frame[14..34])
        }
        Some([0x86, 0xdd]) if frame.len() >= 90 && frame[20] == 112 => {
            let source = <[u8; 16]>::try_from(&frame[22..38]).expect("sixteen");
            well_formed(frame, IpAddr::from(source), &frame[54..90], frame[21], &[])
        }
        Some([0x86, 0xdd]) if frame.len() >= 78 && frame[20] == 58 && frame[54] == 136 => {
            Seen::Announcement(IpAddr::from(<[u8; 16]>::try_from(&frame[62..78]).expect("sixteen")))
        }
        _ => Seen::Other,
    }
}

fn well_formed(frame: &[u8], source: IpAddr, carp: &[u8], ttl: u8, ip: &[u8]) -> Seen {
    if ttl != 255 || internet_checksum(ip) != 0 && !ip.is_empty() || internet_checksum(carp) != 0 {
        return Seen::Other;
    }
    if carp[0] >> 4 != 2 {
        return Seen::Other;
    }
    Seen::Ad(Ad {
        source,
        mac: frame[6..12].try_into().expect("six"),
        vhid: carp[1],
        skew: carp[2],
        demotion: carp[4],
        base: carp[5],
        counter: u64::from_be_bytes(carp[8..16].try_into().expect("eight")),
    })
}

/// What a model hears: an advertisement for its vhid with the right HMAC.
pub fn hear(frame: &[u8], vhid: u8, auth: &Authenticator) -> Option<Ad> {
    let Seen::Ad(ad) = look(frame) else { return None };
    let code = if ad.v6() { &frame[70..90] } else { &frame[50..70] };
    (ad.vhid == vhid && auth.code(ad.counter) == code).then_some(ad)
}
