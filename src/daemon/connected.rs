//! Ways to single hosts that somebody else has opened, for who can send to no address.
//!
//! Each is from one address of ours to one of a peer. When the address to send from changes, the new ways are asked for, and
//! the old ones serve until all of them are there.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;

use super::place;
use crate::config::VirtualHostConfig;
use crate::platform::{ADDRESSES_NEED_RIGHTS, Connection, Envelope, IpSocket, MOST_DESCRIPTORS};
use crate::protocol::wire::{self, ipv4};
use crate::protocol::{Family, Sources};

/// From whom to whom.
pub(super) type Way = (IpAddr, IpAddr);

/// What the header of every packet of a family says.
pub(super) fn envelope(family: Family) -> Envelope {
    Envelope { ipv6: family == Family::V6, protocol: wire::PROTOCOL, ttl: wire::TTL, tos: ipv4::LOW_DELAY }
}

/// The ways that a host needs to send from these addresses.
pub(super) fn needed(config: &VirtualHostConfig, sources: Sources) -> impl Iterator<Item = Way> + '_ {
    let families = ADDRESSES_NEED_RIGHTS.then(|| place::families(config));
    families
        .into_iter()
        .flatten()
        .filter_map(move |family| Some((family, place::source_of(sources, family)?)))
        .flat_map(|(family, source)| config.destination.peers(family).map(move |peer| (source, peer)))
}

/// Opens the ways from one address to these.
///
/// # Errors
/// One of them could not be opened.
pub(super) fn open(interface: &str, source: IpAddr, peers: &[IpAddr]) -> io::Result<Vec<OwnedFd>> {
    let envelope = envelope(Family::of(source));
    let open = |peer| Ok(IpSocket::open(interface, envelope)?.connect(source, peer)?.into());
    peers.iter().copied().map(open).collect()
}

/// Those that there are.
#[derive(Debug, Default)]
pub(super) struct Connected(BTreeMap<Way, Connection>);

impl Connected {
    /// One of them.
    pub(super) fn get(&self, source: IpAddr, peer: IpAddr) -> Option<&Connection> {
        self.0.get(&(source, peer))
    }

    /// Whether there are any from this address.
    pub(super) fn begin_at(&self, source: IpAddr) -> bool {
        self.0.keys().any(|(its, _)| *its == source)
    }

    /// Those that are missing of these, as far as they have the first one's source and can be handed over at a time.
    pub(super) fn missing(&self, needed: impl Iterator<Item = Way>) -> Option<(IpAddr, Vec<IpAddr>)> {
        let mut missing = needed.filter(|way| !self.0.contains_key(way)).peekable();
        let source = missing.peek()?.0;
        let alike = missing.filter(|(its, _)| *its == source).take(MOST_DESCRIPTORS);
        Some((source, alike.map(|(_, peer)| peer).collect()))
    }

    /// These are open now, in the order of the peers.
    pub(super) fn add(&mut self, source: IpAddr, peers: &[IpAddr], opened: Vec<OwnedFd>) {
        let ways = peers.iter().map(|peer| (source, *peer));
        self.0.extend(ways.zip(opened.into_iter().map(Connection::over)));
    }

    /// The others are needed no more.
    pub(super) fn keep(&mut self, needed: &BTreeSet<Way>) {
        self.0.retain(|way, _| needed.contains(way));
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::os::unix::net::UnixDatagram;

    use super::super::capture;
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn some(count: usize) -> Vec<OwnedFd> {
        (0..count).map(|_| UnixDatagram::unbound().unwrap().into()).collect()
    }

    #[test]
    fn what_is_missing_is_asked_for_in_portions_of_one_source() {
        let [old, new, v6] = ["10.0.0.1", "10.0.0.2", "fe80::1"].map(ip);
        let peers: Vec<_> = (1..=20).map(|number| IpAddr::from([10, 0, 1, number])).collect();
        let from = |source| peers.iter().map(move |peer| (source, *peer));
        let needed = || from(new).chain([(v6, ip("fe80::9"))]);
        let mut connected = Connected::default();
        connected.add(old, &peers, some(20));
        let mut asked = Vec::new();
        while let Some((source, peers)) = connected.missing(needed()) {
            asked.push((source, peers.len()));
            connected.add(source, &peers, some(peers.len()));
        }
        assert_eq!(asked, [(new, MOST_DESCRIPTORS), (new, 20 - MOST_DESCRIPTORS), (v6, 1)]);
        assert!(from(old).all(|(source, peer)| connected.get(source, peer).is_some()), "they serve");
        connected.keep(&needed().collect());
        assert!(from(old).all(|(source, peer)| connected.get(source, peer).is_none()));
        assert!(connected.missing(needed()).is_none());
        assert!(connected.begin_at(new) && connected.begin_at(v6) && !connected.begin_at(old));
        assert_eq!(connected.missing(std::iter::empty()), None);
    }

    #[test]
    fn on_a_wire() {
        capture::wire::run(concat!(module_path!(), "::inside"));
    }

    /// What somebody says of a packet keeps no later one back.
    #[test]
    #[ignore = "needs the wire that on_a_wire makes"]
    fn inside() {
        let [source, peer] = ["127.0.0.1", "127.0.0.2"].map(ip);
        let why = open("lo", ip("192.0.2.1"), &[peer]).unwrap_err();
        assert_eq!(why.kind(), io::ErrorKind::AddrNotAvailable);
        assert!(open("lo", source, &[ip("::1")]).is_err() && open("nosuch0", source, &[peer]).is_err());
        let mut connected = Connected::default();
        connected.add(source, &[peer], open("lo", source, &[peer]).unwrap());
        let connection = connected.get(source, peer).unwrap();
        // Nobody takes them, and the system says so each time.
        for _ in 0..3 {
            connection.send(&[1; 36]).unwrap();
        }
        let taker: OwnedFd = IpSocket::open("lo", envelope(Family::V4)).unwrap().into();
        // Any socket is read in the same way.
        let taker = UdpSocket::from(taker);
        taker.set_nonblocking(true).unwrap();
        connection.send(&[2; 36]).unwrap();
        let mut packet = [0; 99];
        let length = taker.recv(&mut packet).unwrap();
        let (header, payload) = packet[..length].split_at(20);
        assert_eq!((header[1], header[8], header[9]), (0x10, 255, 112));
        assert_eq!((&header[12..16], &header[16..]), (&[127, 0, 0, 1][..], &[127, 0, 0, 2][..]));
        assert_eq!(payload, [2; 36]);
    }
}
