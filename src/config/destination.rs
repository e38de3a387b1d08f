//! Where advertisements go: `--mcast`, `--nomcast`, `--peer`.

use std::net::IpAddr;

use super::reading::Reading;
use super::{Error, VirtualAddress, shown, words};
use crate::protocol::{Destination, Family};

/// What it sends to, which is nothing of its own: `source` and `addresses` have been read, unless they are wrong.
pub(super) fn read(
    reading: &mut Reading<'_>,
    interface: Option<&str>,
    source: Option<IpAddr>,
    addresses: Option<&[VirtualAddress]>,
) -> Destination {
    let broadcast = reading.switch("--nomcast", false);
    let mut destination = Destination { broadcast, ..Destination::default() };
    let lacks = |family| addresses.is_some_and(|addresses| !VirtualAddress::any_of(addresses, family));
    let group = reading.value("--mcast", |option, word| {
        let group = words::group(option, word)?;
        match lacks(Family::V4) {
            true => Err(Error::OtherFamily { option, value: shown(word) }),
            false => Ok(group),
        }
    });
    destination.v4 = group.unwrap_or(destination.v4);
    let option = "--peer";
    for (word, spot) in reading.words(option) {
        let value = || shown(word);
        let peer = words::address(option, word, interface).and_then(|peer| {
            if source == Some(peer) {
                return Err(Error::PeerIsOurs { option, value: value(), other: "--srcip" });
            }
            if addresses.is_some_and(|addresses| addresses.iter().any(|shared| shared.address == peer)) {
                return Err(Error::PeerIsOurs { option, value: value(), other: "--addr" });
            }
            if lacks(Family::of(peer)) {
                return Err(Error::OtherFamily { option, value: value() });
            }
            if destination.peers.contains(&peer) {
                return Err(Error::DuplicatePeer { option, value: value() });
            }
            Ok(peer)
        });
        destination.peers.extend(reading.keep(spot, peer));
    }
    if broadcast && !destination.peers.is_empty() {
        reading.refuse("--nomcast", Error::NotWithPeers { option: "--nomcast" });
    }
    if destination.is_unicast(Family::V4) && reading.is_given("--mcast") {
        reading.refuse("--mcast", Error::NotWithPeers { option: "--mcast" });
    }
    destination
}
