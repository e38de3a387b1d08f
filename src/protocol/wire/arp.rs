//! Gratuitous ARP (RFC 826, RFC 5227 section 3): tells the segment which hardware address answers now.
//!
//! Both forms are sent: most hosts learn from the request, some switches only from the reply.

use std::net::Ipv4Addr;

use super::super::MacAddr;
use super::ethernet::{self, Header};

/// Which of the two forms.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Operation 1; target hardware address zero.
    Request,
    /// Operation 2; target hardware address the sender's.
    Reply,
}

/// The broadcast frame that says `address` is at `mac`.
#[must_use]
pub fn gratuitous(form: Form, mac: MacAddr, address: Ipv4Addr) -> Vec<u8> {
    let (operation, target) = match form {
        Form::Request => (1u8, MacAddr([0; 6])),
        Form::Reply => (2, mac),
    };
    let mut frame = Vec::with_capacity(42);
    Header { destination: MacAddr::BROADCAST, source: mac, ethertype: ethernet::ARP }.emit(&mut frame);
    // Hardware type 1 (Ethernet), protocol type IPv4, their address lengths, the operation.
    frame.extend_from_slice(&[0, 1, 0x08, 0x00, 6, 4, 0, operation]);
    frame.extend_from_slice(&mac.0);
    frame.extend_from_slice(&address.octets());
    frame.extend_from_slice(&target.0);
    frame.extend_from_slice(&address.octets());
    frame
}

/// The broadcast frame that asks who has `address`, of somebody at `mac` who has none: nobody learns anything from it (RFC
/// 5227, 2.1.1).
#[must_use]
pub fn probe(mac: MacAddr, address: Ipv4Addr) -> Vec<u8> {
    let mut frame = gratuitous(Form::Request, mac, address);
    if let Some(sender) = frame.get_mut(28..32) {
        sender.fill(0);
    }
    frame
}

/// What a packet says, request or reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packet {
    /// The sender's hardware address.
    pub mac: MacAddr,
    /// The address the sender has.
    pub sender: Ipv4Addr,
    /// The address it asks for, or answers to.
    pub target: Ipv4Addr,
}

impl Packet {
    /// Takes a frame apart, if it is ARP for IPv4 over Ethernet.
    #[must_use]
    pub fn parse(frame: &[u8]) -> Option<Self> {
        let (header, packet) = Header::parse(frame).ok()?;
        let packet = packet
            .strip_prefix(&[0, 1, 0x08, 0x00, 6, 4, 0])
            .filter(|_| header.ethertype == ethernet::ARP)?;
        let (_, packet) = packet.split_first()?;
        let (mac, packet) = packet.split_first_chunk::<6>()?;
        let (sender, packet) = packet.split_first_chunk::<4>()?;
        let (_, packet) = packet.split_first_chunk::<6>()?;
        let target = packet.first_chunk::<4>()?;
        Some(Self { mac: MacAddr(*mac), sender: (*sender).into(), target: (*target).into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_prefix_is_refused_and_the_whole_is_understood() {
        for form in [Form::Request, Form::Reply] {
            let mac = MacAddr([2, 0, 0, 0, 0, 9]);
            let frame = gratuitous(form, mac, Ipv4Addr::new(10, 0, 0, 9));
            let address = Ipv4Addr::new(10, 0, 0, 9);
            assert_eq!(Packet::parse(&frame), Some(Packet { mac, sender: address, target: address }));
            (0..frame.len()).for_each(|length| assert_eq!(Packet::parse(&frame[..length]), None));
        }
    }

    const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 7]);
    const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 10);

    #[test]
    fn request() {
        let expected = [
            &[0xff; 6][..],
            &[2, 0, 0, 0, 0, 7, 0x08, 0x06],
            &[0, 1, 8, 0, 6, 4, 0, 1],
            &[2, 0, 0, 0, 0, 7, 10, 0, 0, 10],
            &[0, 0, 0, 0, 0, 0, 10, 0, 0, 10],
        ]
        .concat();
        assert_eq!(gratuitous(Form::Request, MAC, ADDRESS), expected);
    }

    #[test]
    fn a_probe_is_a_request_of_nobody() {
        let (probe, request) = (probe(MAC, ADDRESS), gratuitous(Form::Request, MAC, ADDRESS));
        assert_eq!(probe[..28], request[..28]);
        assert_eq!(probe[28..], [&[0; 10][..], &[10, 0, 0, 10]].concat());
    }

    #[test]
    fn reply() {
        let expected = [
            &[0xff; 6][..],
            &[2, 0, 0, 0, 0, 7, 0x08, 0x06],
            &[0, 1, 8, 0, 6, 4, 0, 2],
            &[2, 0, 0, 0, 0, 7, 10, 0, 0, 10],
            &[2, 0, 0, 0, 0, 7, 10, 0, 0, 10],
        ]
        .concat();
        assert_eq!(gratuitous(Form::Reply, MAC, ADDRESS), expected);
    }
}
