//! What is decided becomes bytes: advertisements in each family, and announcements of each address.

use std::net::IpAddr;

use super::super::wire::{self, Decoded, arp, carp, ndp};
use super::super::{
    Action, Advertisement, Family, Frame, Interval, MacAddr, Peer, Time, Transmission, Unicast,
};
use super::{ECHOES, VirtualHost};

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
        self.transmit_to(None, interval, now, out);
    }

    /// The same to one other speaker alone, or to everybody. Over a family with peers such a speaker is told at the
    /// address it was heard from, so only in the family it was heard in.
    pub(super) fn transmit_to(
        &mut self,
        to: Option<&Peer>,
        interval: Interval,
        now: Time,
        out: &mut Vec<Action>,
    ) {
        let what = if interval == Interval::BOW_OUT { Transmission::BowOut } else { Transmission::Advert };
        let sources = self.parameters.sources;
        let v4 = sources.v4.filter(|_| self.parameters.addresses.iter().any(IpAddr::is_ipv4));
        let v6 = sources.v6.filter(|_| self.parameters.addresses.iter().any(IpAddr::is_ipv6));
        for source in [v4.map(IpAddr::V4), v6.map(IpAddr::V6)].into_iter().flatten() {
            let family = Family::of(source);
            if !self.parameters.destination.is_unicast(family) {
                let (decoded, id) = self.advert(source, to.is_some(), interval, now);
                let group = match self.parameters.destination.broadcast {
                    true => MacAddr::BROADCAST,
                    false => MacAddr::of_group(decoded.destination),
                };
                let bytes = wire::encode(&decoded, to.map_or(group, |to| to.mac), id);
                out.push(Action::Transmit(Frame { what, bytes }));
                continue;
            }
            let destinations: Vec<IpAddr> = match to {
                Some(to) => [to.source].into_iter().filter(|to| Family::of(*to) == family).collect(),
                None => self.parameters.destination.peers(family).collect(),
            };
            if !destinations.is_empty() {
                // One advertisement, one counter, however many are to hear it.
                let (decoded, _) = self.advert(source, to.is_some(), interval, now);
                let to_one =
                    |destination| (destination, wire::encode_payload(&Decoded { destination, ..decoded }));
                let packets = destinations.into_iter().map(to_one).collect();
                out.push(Action::Deliver(Unicast { what, source, packets }));
            }
        }
    }

    /// An advertisement to the group, and an id for its packet.
    fn advert(&mut self, source: IpAddr, gives_way: bool, interval: Interval, now: Time) -> (Decoded, u16) {
        let [.., id_high, id_low, a, b, c, d] = self.random.next().to_be_bytes();
        let words = [
            (self.election.beside_old_ucarp(now), Advertisement::BESIDE_OLD_UCARP),
            (gives_way, Advertisement::GIVES_WAY),
        ];
        let random = words.into_iter().fold(u32::from_be_bytes([a, b, c, d]), |random, (said, word)| {
            if said { random | word } else { random & !word }
        });
        let counter = self.authenticator.marked(random);
        if let Some(slot) = self.sent.get_mut(self.next_sent) {
            *slot = Some(counter);
        }
        self.next_sent = (self.next_sent + 1) % ECHOES;
        let header = carp::Header {
            kind: carp::ADVERTISEMENT,
            vhid: self.parameters.vhid.get(),
            advskew: interval.skew,
            authlen: carp::AUTHLEN,
            demotion: u8::from(self.election.demoted()),
            advbase: interval.base,
            counter,
            code: self.authenticator.code(counter),
        };
        let decoded = Decoded {
            mac: self.parameters.mac,
            source,
            destination: self.parameters.destination.group(Family::of(source)),
            header,
            pseudo_header: source.is_ipv6() && self.parameters.dialect.sums_pseudo_header(),
        };
        (decoded, u16::from_be_bytes([id_high, id_low]))
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014). Nothing secret hangs on it: counters need only not repeat.
#[derive(Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
