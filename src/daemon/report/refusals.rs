//! A sentence for each reason to refuse a frame, and what can be said of where it came from.

use std::net::IpAddr;

use super::About;
use crate::i18n::tr;
use crate::log::Level;
use crate::protocol::wire::{self, Decoded};
use crate::protocol::{MacAddr, Rejected};

/// What to say of a frame for `ours` on this interface that is refused for this reason.
pub(super) fn refusal(about: About<'_>, rejected: Rejected, from: &Sender) -> (Level, String) {
    let (source, mac) = (from.source(), from.mac());
    let (ours, interface) = (about.vhid, about.interface);
    match rejected {
        Rejected::BadAuth => (
            Level::Warning,
            tr!(
                "Advertisement for id {vhid} from {source} ({mac}) does not authenticate: another password, another list of addresses, or another cluster with our id?",
                source,
                mac,
                vhid = from.vhid()
            ),
        ),
        Rejected::OwnEcho => (
            Level::Warning,
            tr!(
                "Our own advertisement came back from {mac} on {interface}: a loop, or a switch that reflects?",
                mac,
                interface
            ),
        ),
        Rejected::Stale => (
            Level::Warning,
            tr!(
                "Advertisement from {source} ({mac}) is an old one: somebody sends what was recorded, or the clock of that host fell back",
                source,
                mac
            ),
        ),
        Rejected::Tampered => (
            Level::Warning,
            tr!(
                "Advertisement from {source} ({mac}) was altered on the way, or its sender's name is invented: somebody on {interface} tries to move the address",
                source,
                mac,
                interface
            ),
        ),
        Rejected::Unmarked => (
            Level::Warning,
            tr!(
                "Advertisement from {source} ({mac}) is not from a host that runs this program, and refused, as --only-ours is given",
                source,
                mac
            ),
        ),
        Rejected::BadVersion => (
            Level::Warning,
            tr!(
                "{source} ({mac}) speaks another version: a VRRP router with our id {ours}? Give them different ids.",
                source,
                mac,
                ours
            ),
        ),
        Rejected::TooShort => (
            Level::Warning,
            tr!(
                "Truncated advertisement from {source} ({mac}): a VRRP router with our id? Give them different ids.",
                source,
                mac
            ),
        ),
        Rejected::BadTtl => (
            Level::Warning,
            tr!(
                "Advertisement from {source} ({mac}) is not heard, as its TTL is {ttl} and not 255: a router forwarded it, it is forged, or that host's system or firewall changes what ucarp sends",
                source,
                mac,
                ttl = from.ttl()
            ),
        ),
        Rejected::BadDestination => (
            Level::Warning,
            tr!(
                "Advertisement for id {vhid} from {source} ({mac}) was sent to another group or address than ours",
                source,
                mac,
                vhid = from.vhid()
            ),
        ),
        Rejected::BadChecksum | Rejected::BadIpChecksum => {
            (Level::Warning, tr!("Advertisement from {source} ({mac}) has a wrong checksum", source, mac))
        }
        Rejected::BadIpHeader | Rejected::TruncatedIp | Rejected::Fragment => {
            (Level::Warning, tr!("Damaged packet from {mac} on {interface}", mac, interface))
        }
        Rejected::NotIp | Rejected::NotCarp | Rejected::UnknownVhid => (
            Level::Debug,
            tr!("Ignored a frame from {mac} on {interface} that is not for id {ours}", mac, ours, interface),
        ),
    }
}

/// What can be said of where a refused frame came from.
pub(super) struct Sender {
    mac: Option<MacAddr>,
    decoded: Option<Decoded>,
    source: Option<IpAddr>,
    ttl: Option<u8>,
}

impl Sender {
    pub(super) fn of(frame: &[u8]) -> Self {
        let ethernet = wire::ethernet::Header::parse(frame).ok();
        let (source, ttl) = ethernet
            .and_then(|(header, packet)| match header.ethertype {
                wire::ethernet::IPV4 => {
                    wire::ipv4::Header::parse(packet).ok().map(|(ip, _)| (IpAddr::V4(ip.source), ip.ttl))
                }
                wire::ethernet::IPV6 => wire::ipv6::Header::parse(packet)
                    .ok()
                    .map(|(ip, _)| (IpAddr::V6(ip.source), ip.hop_limit)),
                _ => None,
            })
            .unzip();
        Self {
            mac: ethernet.map(|(header, _)| header.source),
            decoded: wire::decode(frame).ok(),
            source,
            ttl,
        }
    }

    pub(super) fn mac(&self) -> String {
        self.mac.map_or_else(|| "?".to_owned(), |mac| mac.to_string())
    }

    pub(super) fn address(&self) -> Option<IpAddr> {
        self.source
    }

    pub(super) fn source(&self) -> String {
        self.source.map_or_else(|| "?".to_owned(), |source| source.to_string())
    }

    pub(super) fn ttl(&self) -> String {
        self.ttl.map_or_else(|| "?".to_owned(), |ttl| ttl.to_string())
    }

    pub(super) fn vhid(&self) -> String {
        self.decoded.map_or_else(|| "?".to_owned(), |decoded| decoded.header.vhid.to_string())
    }
}
