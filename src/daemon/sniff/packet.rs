//! One frame judged: what it says, and what a daemon would make of it.
//!
//! The verdict is `wire::decode`'s and the authenticator's, never a judgement of its own; what is shown beside it is
//! read by `wire::peek`, which does not mind faults.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::config::SniffConfig;
use crate::protocol::wire::peek::{self, Fields, Vlans, Vrrp};
use crate::protocol::wire::{self, Decoded};
use crate::protocol::{Authenticator, Destination, Family, Key, MacAddr, PeerKind, Rejected, Vhid};

/// Whose implementation seems to have sent a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// This program: its counter carries our mark, which only the key shows.
    Ours,
    /// ucarp up to 1.5.2, by its MAC.
    OldUcarp,
    /// A kernel, by the virtual router's MAC.
    Kernel,
    /// A VRRP router.
    Vrrp,
    /// From an interface's own MAC, as we send, and some kernels.
    Other,
}

impl Kind {
    /// Stable name.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::OldUcarp => "old_ucarp",
            Self::Kernel => "kernel",
            Self::Vrrp => "vrrp",
            Self::Other => "other",
        }
    }
}

/// A packet of protocol 112.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Packet {
    /// Since 1970.
    pub(super) at: Duration,
    pub(super) vlans: Vlans,
    pub(super) family: Family,
    pub(super) source: Option<IpAddr>,
    /// Whether the source says who sent it: it is neither 0.0.0.0 nor a virtual address that is known, nor altered.
    pub(super) identified: bool,
    pub(super) destination: Option<IpAddr>,
    pub(super) mac: MacAddr,
    pub(super) to: MacAddr,
    pub(super) ttl: Option<u8>,
    pub(super) tos: Option<u8>,
    pub(super) fields: Fields,
    pub(super) vrrp: Option<Vrrp>,
    pub(super) kind: Kind,
    /// Whether it was sent by this host.
    pub(super) own: bool,
    pub(super) verdict: Result<(), Rejected>,
    /// The checksum that is wrong was not filled in.
    pub(super) unsummed: bool,
    /// Unknown without a key.
    pub(super) authenticated: Option<bool>,
}

/// What this host itself sends from; empty for a capture file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Own {
    pub(super) mac: Option<MacAddr>,
    pub(super) addresses: Vec<IpAddr>,
}

/// What the key shows of a packet that authenticates.
struct Heard {
    sender: PeerKind,
    /// Whether it is as it was sent, where that can be known.
    verdict: Result<(), Rejected>,
}

/// What packets are measured against.
pub(super) struct Judge {
    vhid: Option<Vhid>,
    group: Destination,
    key: Option<Key>,
    addresses: Vec<IpAddr>,
    own: Own,
    /// One for each id seen, of which there are 255.
    authenticators: HashMap<Vhid, Authenticator>,
}

impl Judge {
    pub(super) fn new(config: &SniffConfig, own: Own) -> Self {
        Self {
            vhid: config.vhid,
            group: Destination { v4: config.group, ..Destination::default() },
            key: config.key.clone(),
            addresses: config.addresses.clone(),
            own,
            authenticators: HashMap::new(),
        }
    }

    /// Judges a frame; `None` if it is not of protocol 112.
    pub(super) fn judge(&mut self, at: Duration, frame: &[u8]) -> Option<Packet> {
        let peeked = peek::peek(frame)?;
        let heard = wire::decode(frame).and_then(|decoded| self.hear(&decoded));
        let (sender, verdict) = match heard {
            Ok(Some(heard)) => (Some(heard.sender), heard.verdict),
            Ok(None) => (None, Ok(())),
            Err(rejected) => (None, Err(rejected)),
        };
        let mut vrrp = Vrrp::read(peeked.payload, peeked.family);
        // Five addresses make a VRRPv2 packet as long as CARP's, but only CARP's authenticates.
        if sender.is_some() {
            vrrp = None;
        }
        let mut fields = Fields::read(peeked.payload);
        if vrrp.is_some() {
            fields =
                Fields { version: fields.version, kind: fields.kind, vhid: fields.vhid, ..Fields::default() };
        }
        let kind = match (vrrp, fields.vhid, peeked.mac) {
            (Some(_), _, _) => Kind::Vrrp,
            (None, _, _) if sender == Some(PeerKind::Ours) => Kind::Ours,
            (None, Some(vhid), MacAddr([0, 0, 0x5e, 0, 0, last])) if last == vhid => Kind::OldUcarp,
            (None, Some(vhid), MacAddr([0, 0, 0x5e, 0, 1, last])) if last == vhid => Kind::Kernel,
            (None, _, _) => Kind::Other,
        };
        let own = self.own.mac == Some(peeked.mac)
            || peeked.source.is_some_and(|source| self.own.addresses.contains(&source));
        let checksum = match verdict {
            Err(Rejected::BadIpChecksum) => peeked.ip_checksum,
            Err(Rejected::BadChecksum) => fields.checksum,
            Ok(_) | Err(_) => None,
        };
        let nobody = |source: &IpAddr| source.is_unspecified() || self.addresses.contains(source);
        Some(Packet {
            at,
            vlans: peeked.vlans,
            family: peeked.family,
            source: peeked.source,
            identified: verdict != Err(Rejected::Tampered)
                && peeked.source.is_some_and(|source| !nobody(&source)),
            destination: peeked.destination,
            mac: peeked.mac,
            to: peeked.to,
            ttl: peeked.ttl,
            tos: peeked.tos,
            fields,
            vrrp,
            kind,
            own,
            verdict,
            unsummed: checksum == Some(0),
            authenticated: self.key.is_some().then_some(sender.is_some() && verdict.is_ok()),
        })
    }

    /// What a daemon would say of a sound packet that it has heard nothing before; without a key nothing. One addressed
    /// to a host and not to a group is taken for one between unicast peers, since whose address it is cannot be known here.
    fn hear(&mut self, decoded: &Decoded) -> Result<Option<Heard>, Rejected> {
        let vhid = Vhid::new(decoded.header.vhid).ok_or(Rejected::UnknownVhid)?;
        if self.vhid.is_some_and(|known| known != vhid) {
            return Err(Rejected::UnknownVhid);
        }
        let group = self.group.group(Family::of(decoded.source));
        let to_all =
            decoded.destination.is_multicast() || decoded.destination == IpAddr::V4(Ipv4Addr::BROADCAST);
        if to_all && decoded.destination != group {
            return Err(Rejected::BadDestination);
        }
        let Some(key) = &self.key else { return Ok(None) };
        let authenticator =
            self.authenticators.entry(vhid).or_insert_with(|| Authenticator::new(key, vhid, &self.addresses));
        let ad = authenticator.verify(decoded)?;
        let altered = ad.kind() == PeerKind::Ours && !authenticator.is_unaltered(&ad);
        let verdict = if altered { Err(Rejected::Tampered) } else { Ok(()) };
        Ok(Some(Heard { sender: ad.kind(), verdict }))
    }
}
