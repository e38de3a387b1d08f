//! Where advertisements go: `--mcast`, `--nomcast`, `--peer`.

use std::net::IpAddr;

use super::{Given, words};
use crate::config::{Error, VirtualAddress, shown};
use crate::protocol::{Destination, Family};

/// `source` and `addresses` have been read: a peer is neither.
pub(super) fn read(
    given: &Given,
    interface: Option<&str>,
    source: Option<IpAddr>,
    addresses: &[VirtualAddress],
) -> Result<Destination, Error> {
    let option = "--peer";
    let broadcast = given.flag("nomcast");
    let mut destination = Destination { broadcast, ..Destination::default() };
    if let Some(word) = given.last("mcast") {
        destination.v4 = words::group("--mcast", &word)?;
        if !VirtualAddress::any_of(addresses, Family::V4) {
            return Err(Error::OtherFamily { option: "--mcast", value: shown(&word) });
        }
    }
    for word in given.all("peer") {
        let peer = words::address(option, &word, interface)?;
        let value = || shown(&word);
        if source == Some(peer) {
            return Err(Error::PeerIsOurs { option, value: value(), other: "--srcip" });
        }
        if addresses.iter().any(|shared| shared.address == peer) {
            return Err(Error::PeerIsOurs { option, value: value(), other: "--addr" });
        }
        if !VirtualAddress::any_of(addresses, Family::of(peer)) {
            return Err(Error::OtherFamily { option, value: value() });
        }
        if destination.peers.contains(&peer) {
            return Err(Error::DuplicatePeer { option, value: value() });
        }
        destination.peers.push(peer);
    }
    if broadcast && !destination.peers.is_empty() {
        return Err(Error::NotWithPeers { option: "--nomcast" });
    }
    if destination.is_unicast(Family::V4) && given.last("mcast").is_some() {
        return Err(Error::NotWithPeers { option: "--mcast" });
    }
    Ok(destination)
}
