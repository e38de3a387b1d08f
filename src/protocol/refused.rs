//! A master that is refused: it advertises our id to our group, and does not authenticate.
//!
//! Then both may have the address, and only the operator can mend that. So it is remembered for the operator alone:
//! what is told here changes no role, no deadline and no frame, and a flood of such advertisements from anywhere costs
//! one notice a minute. Nothing of what it says is trusted further than being repeated.

use std::time::Duration;

use super::wire::{Decoded, carp};
use super::{Interval, MacAddr, Notice, Peer, PeerKind, Role, Time, Vhid};

/// Between two notices that we are master beside one.
const MINUTE: Duration = Duration::from_secs(60);

/// The one that was refused, and what was told of it.
#[derive(Debug, Default)]
pub(super) struct Refused {
    /// With the moment from which it counts as gone.
    master: Option<(Peer, Time)>,
    said: Option<Time>,
    /// Whom we are said to be master beside.
    beside: Option<Peer>,
}

impl Refused {
    /// Takes note of an advertisement that does not authenticate. Of several senders one is remembered for as long as
    /// it goes on: a master with its interval would be given up after `dead_after`.
    pub(super) fn note(
        &mut self,
        decoded: &Decoded,
        vhid: Vhid,
        now: Time,
        dead_after: impl Fn(Interval) -> Duration,
    ) {
        let header = &decoded.header;
        // Everybody who speaks CARP sends these; a VRRP router with five addresses has another number there.
        if (header.kind, header.authlen) != (carp::ADVERTISEMENT, carp::AUTHLEN) {
            return;
        }
        let interval = Interval::new(header.advbase, header.advskew);
        let known = self.master(now);
        if known.is_some_and(|peer| (peer.source, peer.mac) != (decoded.source, decoded.mac)) {
            return;
        }
        if interval == Interval::BOW_OUT {
            self.master = None;
            return;
        }
        let kind =
            if decoded.mac == MacAddr::old_ucarp(vhid) { PeerKind::OldUcarp } else { PeerKind::Kernel };
        let peer = Peer { source: decoded.source, mac: decoded.mac, interval, kind, heard: now };
        self.master = Some((peer, now + dead_after(interval)));
    }

    /// Who advertises and is refused.
    pub(super) fn master(&self, now: Time) -> Option<Peer> {
        self.master.filter(|(_, gone)| now < *gone).map(|(peer, _)| peer)
    }

    /// Whom a host that takes over because `silent` was not heard did hear, and refused. Of the master it followed
    /// that is only what came from there: another one's advertisements do not explain its silence.
    pub(super) fn instead_of(&self, silent: Option<Peer>, now: Time) -> Option<Peer> {
        let same = |refused: &Peer| {
            silent.is_none_or(|silent| silent.source == refused.source || silent.mac == refused.mac)
        };
        self.master(now).filter(same)
    }

    /// What the operator has to know in this role: that both are master, once a minute, and that they no longer are.
    pub(super) fn tell(&mut self, role: Role, now: Time) -> Option<Notice> {
        let Some(peer) = self.master(now).filter(|_| role == Role::Master) else {
            return self.beside.take().map(|peer| Notice::RefusedMasterGone { peer });
        };
        if self.said.is_some_and(|said| now.since(said) < MINUTE) {
            return None;
        }
        self.said = Some(now);
        self.beside = Some(peer);
        Some(Notice::RefusedMaster { peer })
    }
}

#[cfg(test)]
mod tests;
