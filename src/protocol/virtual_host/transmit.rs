//! What is decided becomes bytes: advertisements in each family, and announcements of each address.

use std::net::IpAddr;

use super::super::auth::mark::{self, Fields, Word};
use super::super::auth::tail::Said;
use super::super::freshness::Contents;
use super::super::wire::{self, Decoded, arp, carp, ndp};
use super::super::{Action, Family, Frame, Interval, MacAddr, Peer, Time, Transmission, Unicast};
use super::VirtualHost;

/// Who is to hear an advertisement.
#[derive(Clone, Copy, Debug)]
pub(super) enum Audience<'a> {
    /// Everybody: a master's.
    All,
    /// One other speaker. Over a family with peers it is told at the address it was heard from, so only in the family it
    /// was heard in.
    One {
        /// Which.
        peer: &'a Peer,
        /// It is told as well that this is no master's.
        gives_way: bool,
        /// What is said to it besides, in the family it was heard in alone.
        says: Option<&'a Said>,
    },
}

impl VirtualHost {
    pub(super) fn announce(&mut self, now: Time, out: &mut Vec<Action>) {
        while self.announcer.due(now) {
            let mac = self.parameters.mac;
            for address in &self.parameters.addresses {
                let frames = match (*address, self.parameters.sources.v6) {
                    (IpAddr::V4(v4), _) => {
                        vec![
                            arp::gratuitous(arp::Form::Request, mac, v4),
                            arp::gratuitous(arp::Form::Reply, mac, v4),
                        ]
                    }
                    (IpAddr::V6(v6), source) => vec![ndp::unsolicited(mac, source.unwrap_or(v6), v6)],
                };
                let what = Transmission::Announcement;
                out.extend(frames.into_iter().map(|bytes| Action::Transmit(Frame { what, bytes })));
            }
        }
    }

    /// One advertisement per address family, IPv4 first, each with a counter of its own.
    pub(super) fn transmit_adverts(&mut self, interval: Interval, now: Time, out: &mut Vec<Action>) {
        self.transmit_to(Audience::All, interval, now, out);
    }

    /// The same to some audience.
    pub(super) fn transmit_to(
        &mut self,
        audience: Audience<'_>,
        interval: Interval,
        now: Time,
        out: &mut Vec<Action>,
    ) {
        let to = match audience {
            Audience::All => None,
            Audience::One { peer, .. } => Some(peer),
        };
        let what = if interval == Interval::BOW_OUT { Transmission::BowOut } else { Transmission::Advert };
        let sources = self.parameters.sources;
        let v4 = sources.v4.filter(|_| self.forms.sent().addresses().iter().any(IpAddr::is_ipv4));
        let v6 = sources.v6.filter(|_| self.forms.sent().addresses().iter().any(IpAddr::is_ipv6));
        let only = match audience {
            Audience::One { peer, says: Some(_), .. } => Some(Family::of(peer.source)),
            Audience::All | Audience::One { .. } => None,
        };
        for source in [v4.map(IpAddr::V4), v6.map(IpAddr::V6)].into_iter().flatten() {
            let family = Family::of(source);
            if only.is_some_and(|only| only != family) {
                continue;
            }
            if !self.parameters.destination.is_unicast(family) {
                let (decoded, id) = self.advert(source, audience, interval, now);
                let group = match self.parameters.destination.broadcast {
                    true => MacAddr::BROADCAST,
                    false => MacAddr::of_group(decoded.destination),
                };
                let bytes = wire::encode(&decoded, to.map_or(group, |to| to.mac), id);
                out.push(Action::Transmit(Frame { what, bytes }));
                continue;
            }
            let shared =
                self.parameters.addresses.iter().find(|address| Family::of(**address) == family).copied();
            let destinations: Vec<IpAddr> = match to {
                Some(to) => [to.source].into_iter().filter(|to| Family::of(*to) == family).collect(),
                None => self.parameters.destination.peers(family).collect(),
            };
            if !destinations.is_empty() {
                // One advertisement, one counter, however many are to hear it.
                let mut packets_from = |source| {
                    let (decoded, _) = self.advert(source, audience, interval, now);
                    let to_one =
                        |to: &IpAddr| (*to, wire::encode_payload(&Decoded { destination: *to, ..decoded }));
                    (source, destinations.iter().map(to_one).collect())
                };
                let (_, packets) = packets_from(source);
                let instead = shared.filter(|shared| *shared != source).map(&mut packets_from);
                out.push(Action::Deliver(Unicast { what, source, packets, instead }));
            }
        }
    }

    /// An advertisement to the group, and an id for its packet.
    fn advert(
        &mut self,
        source: IpAddr,
        audience: Audience<'_>,
        interval: Interval,
        now: Time,
    ) -> (Decoded, u16) {
        let to_one = matches!(audience, Audience::One { .. });
        let gives_way = matches!(audience, Audience::One { gives_way: true, .. });
        let words =
            [(self.election.beside_old_ucarp(now), Word::BesideOldUcarp), (gives_way, Word::GivesWay)];
        let words = mark::said(words.into_iter().filter_map(|(said, word)| said.then_some(word)));
        let demotion = self.election.demotion();
        let says = match audience {
            Audience::One { peer, says: Some(said), .. } => Some((said, peer.source)),
            Audience::All | Audience::One { .. } => None,
        };
        let tail = if says.is_some() { self.said } else { 0 };
        let contents = Contents { to_one, words, interval, demotion, form: self.forms.serial(), tail };
        let low = mark::low(words, self.freshness.stamp(contents, now));
        let counter = self.forms.authenticator().marked(low, source, interval, demotion);
        self.freshness.sent(counter, Fields { source, interval, demotion }, self.parameters.mac, now);
        let header = carp::Header {
            kind: carp::ADVERTISEMENT,
            vhid: self.parameters.vhid.get(),
            advskew: interval.skew,
            authlen: carp::AUTHLEN,
            demotion,
            advbase: interval.base,
            counter,
            code: self.forms.authenticator().code(counter),
        };
        let decoded = Decoded {
            mac: self.parameters.mac,
            source,
            destination: self.parameters.destination.group(Family::of(source)),
            header,
            pseudo_header: source.is_ipv6() && self.forms.sent().dialect().sums_pseudo_header(),
            tail: says
                .map(|(said, to)| self.forms.authenticator().tail(said, counter, to))
                .unwrap_or_default(),
        };
        self.packets = self.packets.wrapping_add(1);
        (decoded, self.packets)
    }
}
