//! The other speakers of our virtual host, as far as they authenticated themselves.
//!
//! A peer is known by its source address of either family: kernels share one virtual MAC, and a host may change its
//! own. A source of 0.0.0.0 or a virtual address is nobody's in particular; there the MAC has to tell. The table is
//! small and bounded. Recordings of others than ours can fill it under any name, so ours that live are the last to go; of
//! the rest, the longest silent one goes first. No rule lives
//! here.

use std::cmp::Reverse;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::{Advertisement, Family, Interval, MacAddr, Peer, PeerKind, Time};

/// More masters than ever advertise at once.
const CAPACITY: usize = 16;

/// The advertisements of both families leave a host within less than this: OpenBSD's in 0.1 ms.
const TOGETHER: Duration = Duration::from_millis(10);

/// Names a peer for as long as it is in the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct PeerId(u32);

/// Another CARP speaker, as operators are shown it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Speaker {
    /// Who it is, and when it was heard.
    pub peer: Peer,
    /// What it says that it is demoted by, 0..=254.
    pub demotion: u8,
    /// It advertises as master: it was heard within its dead time, and not to leave.
    pub is_master: bool,
}

/// What is remembered of a peer.
#[derive(Clone, Debug)]
pub(super) struct Known {
    id: PeerId,
    mac: MacAddr,
    v4: Option<Ipv4Addr>,
    v6: Option<Ipv6Addr>,
    source: IpAddr,
    /// The interval it competes with; a bow-out does not change it.
    pub(super) interval: Interval,
    pub(super) kind: PeerKind,
    /// What it says that it is demoted by.
    pub(super) demotion: u8,
    first: Time,
    pub(super) heard: Time,
    heard_v4: Option<Time>,
    heard_v6: Option<Time>,
    /// One family that was heard although the other was missing by then, and since when.
    alone: Option<(Family, Time)>,
    /// It bowed out or gave way, and has not advertised since.
    pub(super) left: bool,
    /// We stayed master against it.
    pub(super) conflict: Option<Conflict>,
    /// The family that was reported silent.
    pub(super) silent: Option<Family>,
}

/// A peer that goes on although we stayed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conflict {
    /// When we first told it.
    pub(super) since: Time,
    /// How often it advertised after that.
    pub(super) ads: u32,
}

impl Known {
    pub(super) fn id(&self) -> PeerId {
        self.id
    }

    /// How long this family has not been heard while the other was. Both are sent together, so the frame that comes
    /// first says nothing about the other: before it, the family has to have been missing beside an earlier one. Else
    /// who was silent in both, as a backup is, would seem to have lost one.
    pub(super) fn silence(&self, family: Family, now: Time) -> Duration {
        let missed = |(heard, since)| heard != family && now.since(since) >= self.interval.period() / 2;
        if self.alone.is_some_and(missed) { now.since(self.last(family)) } else { Duration::ZERO }
    }

    /// Whether this is the second half of an advertisement in both families, of which the first has just been heard.
    pub(super) fn is_second_half(&self, family: Family, now: Time) -> bool {
        let first = match family {
            Family::V4 => self.heard_v6,
            Family::V6 => self.heard_v4,
        };
        first.is_some_and(|first| now.since(first) < TOGETHER)
    }

    /// Whether it was heard from this address within two of its intervals.
    pub(super) fn advertised(&self, source: IpAddr, now: Time) -> bool {
        let (known, heard) = match source {
            IpAddr::V4(_) => (self.v4.map(IpAddr::V4), self.heard_v4),
            IpAddr::V6(_) => (self.v6.map(IpAddr::V6), self.heard_v6),
        };
        known == Some(source) && heard.is_some_and(|heard| now.since(heard) <= 2 * self.interval.period())
    }

    fn last(&self, family: Family) -> Time {
        let heard = match family {
            Family::V4 => self.heard_v4,
            Family::V6 => self.heard_v6,
        };
        heard.unwrap_or(self.first)
    }

    fn note_family(&mut self, ad: &Advertisement, now: Time) {
        let (family, other) = (ad.family(), ad.family().other());
        self.alone = self.alone.filter(|(heard, _)| *heard == family).or_else(|| {
            let missing = now.since(self.last(other)) >= self.interval.period() / 2;
            missing.then_some((family, now))
        });
        match ad.source() {
            IpAddr::V4(source) => {
                self.v4 = Some(source);
                self.heard_v4 = Some(now);
            }
            IpAddr::V6(source) => {
                self.v6 = Some(source);
                self.heard_v6 = Some(now);
            }
        }
    }

    /// As others are told of it. Who speaks both families goes by its IPv4 address, the one operators know it by,
    /// unless that has not been heard for an interval, with a quarter for one that overtakes the other.
    pub(super) fn peer(&self) -> Peer {
        let fresh = |heard: Time| self.heard.since(heard) <= self.interval.period() * 5 / 4;
        let v4 = self.v4.filter(|v4| !v4.is_unspecified() && self.heard_v4.is_some_and(fresh));
        Peer {
            source: v4.map_or(self.source, IpAddr::V4),
            mac: self.mac,
            interval: self.interval,
            kind: self.kind,
            heard: self.heard,
        }
    }

    /// `identified`: the source says who it is.
    fn is(&self, ad: &Advertisement, identified: bool) -> Match {
        let known = match ad.family() {
            Family::V4 => self.v4.map(IpAddr::V4),
            Family::V6 => self.v6.map(IpAddr::V6),
        };
        match known {
            Some(source) if source == ad.source() && (identified || self.mac == ad.mac()) => Match::Yes,
            Some(_) => Match::No,
            None if self.mac != ad.mac() => Match::No,
            None if ad.interval() == self.interval || ad.interval() == Interval::BOW_OUT => Match::Perhaps,
            None => Match::No,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Match {
    Yes,
    /// The same MAC, and its first word in this family.
    Perhaps,
    No,
}

/// The table. It grows with whoever is met, to its bound: whoever is known already allocates nothing.
#[derive(Debug)]
pub(super) struct Peers {
    table: Vec<Known>,
    next: u32,
    /// The virtual addresses, which several may send from.
    shared: Vec<IpAddr>,
}

impl Peers {
    /// Nobody is known yet; `shared` are the virtual addresses.
    pub(super) fn new(shared: &[IpAddr]) -> Self {
        Self { table: Vec::new(), next: 0, shared: shared.to_vec() }
    }

    /// The virtual addresses are these from now on.
    pub(super) fn share(&mut self, shared: &[IpAddr]) {
        shared.clone_into(&mut self.shared);
    }

    /// Whether a source address says who sent something.
    pub(super) fn identifies(&self, source: IpAddr) -> bool {
        !source.is_unspecified() && !self.shared.contains(&source)
    }

    /// Forgets everybody.
    pub(super) fn clear(&mut self) {
        self.table.clear();
    }

    /// Nobody has been told yet that we stay.
    pub(super) fn end_conflicts(&mut self) {
        self.table.iter_mut().for_each(|known| known.conflict = None);
    }

    pub(super) fn any(&self, wanted: impl Fn(&Known) -> bool) -> bool {
        self.table.iter().any(wanted)
    }

    /// All of them, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Known> {
        self.table.iter()
    }

    pub(super) fn get(&self, id: PeerId) -> Option<&Known> {
        self.table.iter().find(|known| known.id == id)
    }

    pub(super) fn get_mut(&mut self, id: PeerId) -> Option<&mut Known> {
        self.table.iter_mut().find(|known| known.id == id)
    }

    /// What is known of who sent this.
    pub(super) fn known(&self, ad: &Advertisement) -> Option<&Known> {
        let identified = self.identifies(ad.source());
        let matching = |wanted| self.table.iter().find(move |known| known.is(ad, identified) == wanted);
        matching(Match::Yes).or_else(|| matching(Match::Perhaps))
    }

    /// Notes that a peer was heard. After `forget` of silence it is met anew. `keep` is never evicted.
    pub(super) fn hear(
        &mut self,
        ad: &Advertisement,
        now: Time,
        forget: Duration,
        keep: Option<PeerId>,
    ) -> PeerId {
        let found = self.known(ad).map(Known::id);
        let left = ad.interval() == Interval::BOW_OUT || ad.gives_way();
        if let Some(known) = found.and_then(|id| self.get_mut(id)) {
            if now.since(known.heard) > forget {
                known.first = now;
                (known.heard_v4, known.heard_v6) = (None, None);
                (known.alone, known.conflict, known.silent) = (None, None, None);
            }
            (known.source, known.mac) = (ad.source(), ad.mac());
            (known.kind, known.demotion) = (ad.kind(), ad.demotion());
            known.heard = now;
            known.left = left;
            if ad.interval() != Interval::BOW_OUT {
                known.interval = ad.interval();
            }
            known.note_family(ad, now);
            return known.id;
        }
        self.make_room(now, forget, keep);
        let id = PeerId(self.next);
        self.next = self.next.wrapping_add(1);
        let mut known = Known {
            id,
            mac: ad.mac(),
            v4: None,
            v6: None,
            source: ad.source(),
            interval: ad.interval(),
            kind: ad.kind(),
            demotion: ad.demotion(),
            first: now,
            heard: now,
            heard_v4: None,
            heard_v6: None,
            alone: None,
            left,
            conflict: None,
            silent: None,
        };
        known.note_family(ad, now);
        // Most hosts meet one or two, and there may be thousands of them in a process.
        self.table.reserve_exact(1);
        self.table.push(known);
        id
    }

    /// The preferred one of those heard within `dead_after` of their interval, other than `except`; of equal ones
    /// the last heard, since the others may have given way to it.
    pub(super) fn best_live(
        &self,
        now: Time,
        except: Option<PeerId>,
        dead_after: impl Fn(Interval) -> Duration,
    ) -> Option<&Known> {
        self.table
            .iter()
            .filter(|known| Some(known.id) != except && !known.left)
            .filter(|known| now.since(known.heard) < dead_after(known.interval))
            .min_by_key(|known| (known.interval, Reverse(known.heard)))
    }

    fn make_room(&mut self, now: Time, forget: Duration, keep: Option<PeerId>) {
        if self.table.len() < CAPACITY {
            return;
        }
        let silent = self
            .table
            .iter()
            .enumerate()
            .filter(|(_, known)| Some(known.id) != keep)
            .min_by_key(|(_, known)| {
                (known.kind == PeerKind::Ours && now.since(known.heard) <= forget, known.heard)
            })
            .map(|(index, _)| index);
        if let Some(index) = silent {
            self.table.swap_remove(index);
        }
    }
}
