//! Frames as an outsider builds and reads them: written from FACTS of the wire format, not with the daemon's codecs,
//! so that a mistake made there is not repeated here.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A CARP advertisement seen on the wire, whoever sent it and whether its HMAC is right or not.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Ad {
    /// Seconds since the epoch, stamped by the kernel on receipt.
    pub(crate) at: f64,
    pub(crate) source: Ipv4Addr,
    pub(crate) destination: Ipv4Addr,
    pub(crate) mac: [u8; 6],
    pub(crate) mac_destination: [u8; 6],
    pub(crate) tos: u8,
    pub(crate) ttl: u8,
    pub(crate) vhid: u8,
    pub(crate) base: u8,
    pub(crate) skew: u8,
    pub(crate) counter: u64,
    /// All of it, as it was captured.
    pub(crate) frame: Vec<u8>,
}

impl Ad {
    pub(crate) fn is_bow_out(&self) -> bool {
        self.base == 255 && self.skew == 255
    }

    /// Whether more follows than kernels send: such a packet has no options.
    pub(crate) fn has_tail(&self) -> bool {
        self.frame.get(14) == Some(&0x45) && self.frame.len() > 14 + 20 + 36
    }
}

/// An ARP packet seen on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Arp {
    pub(crate) at: f64,
    pub(crate) reply: bool,
    pub(crate) mac_destination: [u8; 6],
    pub(crate) sender_mac: [u8; 6],
    pub(crate) sender: Ipv4Addr,
    pub(crate) target: Ipv4Addr,
}

impl Arp {
    /// An announcement: sender and target are the same address, told to everybody.
    pub(crate) fn is_gratuitous(&self) -> bool {
        self.sender == self.target && self.mac_destination == [0xff; 6]
    }
}

/// An advertisement that came in IPv6.
#[derive(Clone, Debug)]
pub(crate) struct Ad6 {
    pub(crate) at: f64,
    pub(crate) source: Ipv6Addr,
    pub(crate) destination: Ipv6Addr,
    pub(crate) mac: [u8; 6],
    pub(crate) vhid: u8,
    pub(crate) bow_out: bool,
}

/// A neighbour advertisement: IPv6's ARP reply, or its announcement when nobody had asked.
#[derive(Clone, Debug)]
pub(crate) struct Neighbour {
    pub(crate) at: f64,
    pub(crate) solicited: bool,
    pub(crate) overriding: bool,
    pub(crate) target: Ipv6Addr,
    pub(crate) mac: [u8; 6],
}

#[derive(Clone, Debug)]
pub(crate) enum Seen {
    Ad(Ad),
    Arp(Arp),
    Ad6(Ad6),
    Neighbour(Neighbour),
}

fn address(bytes: &[u8]) -> Option<Ipv4Addr> {
    bytes.first_chunk::<4>().map(|b| Ipv4Addr::from(*b))
}

pub(crate) fn parse(frame: &[u8], at: f64) -> Option<Seen> {
    let mac_destination = *frame.first_chunk::<6>()?;
    let mac = *frame.get(6..)?.first_chunk::<6>()?;
    let body = frame.get(14..)?;
    match frame.get(12..14)? {
        [0x08, 0x06] => Some(Seen::Arp(Arp {
            at,
            reply: *body.get(7)? == 2,
            mac_destination,
            sender_mac: *body.get(8..)?.first_chunk::<6>()?,
            sender: address(body.get(14..)?)?,
            target: address(body.get(24..)?)?,
        })),
        [0x08, 0x00] => {
            let header = usize::from(body.first()? & 0x0f) * 4;
            let carp = body.get(header..)?;
            if *body.get(9)? != 112 || *carp.first()? != 0x21 || carp.len() < 36 {
                return None;
            }
            Some(Seen::Ad(Ad {
                at,
                source: address(body.get(12..)?)?,
                destination: address(body.get(16..)?)?,
                mac,
                mac_destination,
                tos: *body.get(1)?,
                ttl: *body.get(8)?,
                vhid: *carp.get(1)?,
                skew: *carp.get(2)?,
                base: *carp.get(5)?,
                counter: u64::from_be_bytes(*carp.get(8..)?.first_chunk::<8>()?),
                frame: frame.to_vec(),
            }))
        }
        [0x86, 0xdd] => parse_v6(body, mac, at),
        _ => None,
    }
}

/// Whether it carries an advertisement in this family.
pub(crate) fn is_ad_of(v6: bool, frame: &[u8]) -> bool {
    match frame.get(12..14) {
        Some([0x08, 0x00]) => !v6 && frame.get(23) == Some(&112),
        Some([0x86, 0xdd]) => v6 && frame.get(20) == Some(&112),
        _ => false,
    }
}

fn address6(bytes: &[u8]) -> Option<Ipv6Addr> {
    bytes.first_chunk::<16>().map(|b| Ipv6Addr::from(*b))
}

fn parse_v6(packet: &[u8], mac: [u8; 6], at: f64) -> Option<Seen> {
    let message = packet.get(40..)?;
    match (*packet.get(6)?, *message.first()?) {
        (112, 0x21) => Some(Seen::Ad6(Ad6 {
            at,
            source: address6(packet.get(8..)?)?,
            destination: address6(packet.get(24..)?)?,
            mac,
            vhid: *message.get(1)?,
            bow_out: *message.get(2)? == 255 && *message.get(5)? == 255,
        })),
        (58, 136) => Some(Seen::Neighbour(Neighbour {
            at,
            solicited: *message.get(4)? & 0x40 != 0,
            overriding: *message.get(4)? & 0x20 != 0,
            target: address6(message.get(8..)?)?,
            // The only option anybody sends here: the target's hardware address.
            mac: *message.get(26..)?.first_chunk::<6>()?,
        })),
        _ => None,
    }
}

fn checksum(bytes: &[u8]) -> [u8; 2] {
    let mut sum: u32 =
        bytes.chunks(2).map(|c| u32::from(c[0]) << 8 | c.get(1).map_or(0, |b| u32::from(*b))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let [_, _, high, low] = (!sum).to_be_bytes();
    [high, low]
}

/// The 36 bytes of an advertisement, with their checksum.
fn carp((vhid, base, skew): (u8, u8, u8), counter: u64, tag: [u8; 20]) -> Vec<u8> {
    let mut carp = vec![0x21, vhid, skew, 7, 0, base, 0, 0];
    carp.extend(counter.to_be_bytes());
    carp.extend(tag);
    let sum = checksum(&carp);
    carp[6..8].copy_from_slice(&sum);
    carp
}

/// A well-formed advertisement whose HMAC is `tag`, right in everything else.
pub(crate) fn advertisement(
    mac: [u8; 6],
    source: Ipv4Addr,
    vhid: u8,
    base: u8,
    skew: u8,
    counter: u64,
    tag: [u8; 20],
) -> Vec<u8> {
    to_group(mac, source, &carp((vhid, base, skew), counter, tag))
}

/// The same to one host, with another TTL.
pub(crate) fn to_host(mut frame: Vec<u8>, mac: [u8; 6], destination: Ipv4Addr, ttl: u8) -> Vec<u8> {
    frame[..6].copy_from_slice(&mac);
    frame[22] = ttl;
    frame[24..26].fill(0);
    frame[30..34].copy_from_slice(&destination.octets());
    let sum = checksum(&frame[14..34]);
    frame[24..26].copy_from_slice(&sum);
    frame
}

/// What anybody can make of a captured advertisement: another interval, which CARP's HMAC leaves out, and a right sum.
pub(crate) fn altered(frame: &[u8], base: u8, skew: u8) -> Vec<u8> {
    let mut frame = frame.to_vec();
    let carp = &mut frame[34..70];
    (carp[2], carp[5]) = (skew, base);
    carp[6..8].fill(0);
    let sum = checksum(carp);
    carp[6..8].copy_from_slice(&sum);
    frame
}

/// The same frame under another name.
pub(crate) fn renamed(frame: &[u8], mac: [u8; 6], source: Ipv4Addr) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[6..12].copy_from_slice(&mac);
    frame[24..26].fill(0);
    frame[26..30].copy_from_slice(&source.octets());
    let sum = checksum(&frame[14..34]);
    frame[24..26].copy_from_slice(&sum);
    frame
}

/// The 36 bytes of an advertisement that came in IPv4, in IPv6.
pub(crate) fn in_ipv6(frame: &[u8], mac: [u8; 6], source: Ipv6Addr) -> Vec<u8> {
    let mut moved = vec![0x33, 0x33, 0, 0, 0, 0x12];
    moved.extend(mac);
    moved.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 36, 112, 255]);
    moved.extend(source.octets());
    moved.extend(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12).octets());
    moved.extend(&frame[34..70]);
    moved
}

/// An advertisement over IPv6 behind an empty hop-by-hop header.
pub(crate) fn advertisement_behind_options(
    mac: [u8; 6],
    source: Ipv6Addr,
    (vhid, base, skew): (u8, u8, u8),
    counter: u64,
    tag: [u8; 20],
) -> Vec<u8> {
    let mut frame = vec![0x33, 0x33, 0, 0, 0, 0x12];
    frame.extend(mac);
    frame.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 44, 0, 255]);
    frame.extend(source.octets());
    frame.extend(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12).octets());
    frame.extend([112, 0, 1, 4, 0, 0, 0, 0]);
    frame.extend(carp((vhid, base, skew), counter, tag));
    frame
}

/// A VRRP message with a right checksum, as version 2 computes it; version 3 adds a pseudo header, which nobody who
/// is not a VRRP router checks.
pub(crate) fn vrrp(mac: [u8; 6], source: Ipv4Addr, message: &[u8]) -> Vec<u8> {
    let mut message = message.to_vec();
    let sum = checksum(&message);
    message[6..8].copy_from_slice(&sum);
    to_group(mac, source, &message)
}

/// Protocol 112 to 224.0.0.18.
fn to_group(mac: [u8; 6], source: Ipv4Addr, message: &[u8]) -> Vec<u8> {
    let length = u8::try_from(20 + message.len()).expect("a short message");
    let mut ip = vec![0x45, 0x10, 0, length, 0x12, 0x34, 0x40, 0, 255, 112, 0, 0];
    ip.extend(source.octets());
    ip.extend([224, 0, 0, 18]);
    let sum = checksum(&ip);
    ip[10..12].copy_from_slice(&sum);
    let mut frame = vec![0x01, 0x00, 0x5e, 0x00, 0x00, 0x12];
    frame.extend(mac);
    frame.extend([0x08, 0x00]);
    frame.extend(ip);
    frame.extend(message);
    frame
}

/// "Who has `target`? Tell `sender`."
pub(crate) fn arp_request(mac: [u8; 6], sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend(mac);
    frame.extend([0x08, 0x06, 0, 1, 0x08, 0x00, 6, 4, 0, 1]);
    frame.extend(mac);
    frame.extend(sender.octets());
    frame.extend([0; 6]);
    frame.extend(target.octets());
    frame
}

/// "Who has `target`? Tell `sender`." As IPv6 asks.
pub(crate) fn neighbour_solicitation(mac: [u8; 6], sender: Ipv6Addr, target: Ipv6Addr) -> Vec<u8> {
    let tail = *target.octets().last_chunk::<3>().expect("16 bytes");
    let mut group = "ff02::1:ff00:0".parse::<Ipv6Addr>().expect("an address").octets();
    group[13..].copy_from_slice(&tail);
    let mut message = vec![135, 0, 0, 0, 0, 0, 0, 0];
    message.extend(target.octets());
    message.extend([1, 1]);
    message.extend(mac);
    let mut covered = [sender.octets(), group].concat();
    covered.extend([0, 0, 0, 32, 0, 0, 0, 58]);
    covered.extend(&message);
    let sum = checksum(&covered);
    message[2..4].copy_from_slice(&sum);
    let mut frame = vec![0x33, 0x33, 0xff];
    frame.extend(tail);
    frame.extend(mac);
    frame.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 32, 58, 255]);
    frame.extend(sender.octets());
    frame.extend(group);
    frame.extend(message);
    frame
}
