//! Any bytes as a frame: the decoder, each layer by itself, the observer's
//! reading, and authentication without the key.

#![no_main]

use std::num::NonZeroU8;

use libfuzzer_sys::fuzz_target;
use ucarp::protocol::wire::{self, arp, carp, ethernet, ipv4, ipv6, ndp, peek};
use ucarp::protocol::{Authenticator, Family, Key, MacAddr};

fuzz_target!(|bytes: &[u8]| {
    // Each layer by itself too: one in front of it may refuse what would bring it down.
    let rests = [
        ethernet::Header::parse(bytes).ok().map(|(_, rest)| rest),
        ipv4::Header::parse(bytes).ok().map(|(_, rest)| rest),
        ipv6::Header::parse(bytes).ok().map(|(_, rest)| rest),
    ];
    for rest in rests.into_iter().flatten() {
        let (whole, part) = (bytes.as_ptr_range(), rest.as_ptr_range());
        assert!(whole.start <= part.start && part.end <= whole.end, "bytes that are not the frame's");
    }
    if let Ok(header) = carp::Header::parse(bytes) {
        // Not of the same bytes: a checksum has two zeros.
        assert_eq!(
            carp::Header::parse(&header.emit()),
            Ok(header),
            "what is put together is taken apart the same"
        );
    }
    let fields = peek::Fields::read(bytes);
    assert_eq!((fields.vhid, fields.advbase), (bytes.get(1).copied(), bytes.get(5).copied()));
    for family in [Family::V4, Family::V6] {
        if let Some(vrrp) = peek::Vrrp::read(bytes, family) {
            assert_eq!((vrrp.vrid, vrrp.priority), (bytes[1], bytes[2]));
        }
    }
    if let Some(packet) = arp::Packet::parse(bytes) {
        let again = arp::gratuitous(arp::Form::Request, packet.mac, packet.sender);
        let same = arp::Packet { target: packet.sender, ..packet };
        assert_eq!(arp::Packet::parse(&again), Some(same));
    }
    let peeked = peek::peek(bytes);
    if let Some(peeked) = peeked {
        assert!(bytes.len() >= 14 + peeked.payload.len());
    }
    let Ok(decoded) = wire::decode(bytes) else { return };
    // An observer sees all that the decoder accepts, the same way.
    let peeked = peeked.expect("an accepted frame is seen");
    assert_eq!((peeked.mac, peeked.family), (decoded.mac, Family::of(decoded.source)));
    assert_eq!((peeked.source, peeked.destination), (Some(decoded.source), Some(decoded.destination)));
    let fields = peek::Fields::read(peeked.payload);
    let header = decoded.header;
    assert_eq!((fields.vhid, fields.counter), (Some(header.vhid), Some(header.counter)));
    let again = wire::encode(&decoded, MacAddr::BROADCAST, 1);
    assert_eq!(wire::decode(&again), Ok(decoded), "what is put together is taken apart the same");
    if let Some(vhid) = NonZeroU8::new(header.vhid) {
        let key = Key::from_password(b"a password that no").expect("18 bytes are a key");
        assert!(
            Authenticator::new(&key, vhid, &[decoded.source]).verify(&decoded).is_err(),
            "without the key"
        );
    }
    if let (std::net::IpAddr::V6(source), std::net::IpAddr::V6(address)) =
        (decoded.source, decoded.destination)
    {
        assert!(wire::decode(&ndp::unsolicited(decoded.mac, source, address)).is_err());
    }
});
