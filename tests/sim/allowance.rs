//! What a forged packet may achieve against one of ours, and until when.
//!
//! Whatever CARP's HMAC leaves out is covered among ours, so an altered packet achieves nothing, unless chance (one in
//! 65,536) gave it the right F: the simulation knows the key, counts those and allows for each what it would be as a true
//! one. One from the receiver's own addresses, both of them, is its echo and achieves nothing. One that says "I
//! give way" holds nobody off. What is left is a packet of another one of ours as it was, hardware addresses apart:
//!
//! - every mode: a copy of what reaches the receiver by itself in the same moment achieves nothing.
//! - `warn` and `refuse`: nothing, if this life of the receiver heard anything as new or newer of that sender and it is
//!   not newer than all that was heard, which clocks on all sides of the circle of T can make of it; and of its own
//!   earlier lives nothing that is not newer than the time at its start. Nothing either, if it is a bow-out and old. Old
//!   is what lies further behind the receiver's clock than a dead time and a second. That clock is the newest T that the
//!   receiver heard or sent, or its host's at the start before it has heard anybody.
//! - `warn`: else it counts as a true one does, so that a recorded sequence holds off for as long as it lasts, and a
//!   dead time longer. Once: when it is played again, the receiver has heard it.
//! - `refuse`: so too, but of those that are old only the first of a sender, which holds off for one dead time. What is
//!   allowed beyond that are recordings that are not old by the receiver's clock: of a host whose clock was ahead of
//!   everybody's now, or played to one that has just started without the right time and has been told no other.
//! - `off`: it counts whenever it is played. So there has to be peace from the attacker before there can be peace, and as
//!   nobody is told the time there either, for the 16 seconds more that altered counters are remembered.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ucarp::protocol::Replay;

use super::frame::Ad;
use super::mark::{GIVES_WAY, Mark, Stamp};
use super::world::{SECOND, Spec};

/// The beginning of 2026.
const WRITTEN: u64 = 1_767_225_600 * SECOND;
/// So many altered ones in a second may cost others their hearing.
const MANY: u32 = 10;

/// What one life of one of ours has heard of the others.
#[derive(Default)]
pub struct Ears {
    newest: Vec<(IpAddr, Stamp)>,
    /// Who was last heard too old.
    suspects: Vec<IpAddr>,
    /// The time that it goes by, and when it was that.
    clock: Option<(Stamp, u64)>,
    /// What that was at its start.
    started: Option<Stamp>,
    /// How many altered ones came since when. Beside too many of them others may be refused unheard.
    altered: (u64, u32),
    /// The times that altered ones carried: a genuine one with that may have been refused unheard, and be heard later.
    spoilt: BTreeSet<Stamp>,
}

/// A packet that somebody sent who did not make it.
pub struct Forgery<'a> {
    pub ad: &'a Ad,
    /// What it is made of: when that was sent, and whether it is that still.
    pub made: u64,
    pub altered: bool,
}

impl Ears {
    /// Of a host whose clock shows this. Before 2026 it was never set.
    pub fn new(wall: Option<u64>, now: u64) -> Self {
        let started = wall.filter(|wall| *wall >= WRITTEN).map(Stamp::at);
        Self { clock: started.map(|stamp| (stamp, now)), started, ..Self::default() }
    }

    /// One of ours sent this, or it was sent itself.
    pub fn hear(&mut self, ad: &Ad, now: u64) {
        let stamp = Stamp::of(ad.counter);
        let ahead = self.clock(now).is_none_or(|clock| stamp.is_newer_than(clock));
        self.suspects.retain(|suspect| *suspect != ad.source);
        match self.newest.iter_mut().find(|(source, _)| *source == ad.source) {
            Some((_, newest)) if ahead || stamp.is_newer_than(*newest) => *newest = stamp,
            Some(_) => return,
            None => self.newest.push((ad.source, stamp)),
        }
        if ahead {
            self.clock = Some((stamp, now));
        }
    }

    fn clock(&self, now: u64) -> Option<Stamp> {
        self.clock.map(|(stamp, then)| stamp.plus(now - then))
    }

    /// For how long this may be felt; `delay` is the longest that a packet takes. Then it has been heard.
    pub fn allow(
        &mut self,
        forgery: &Forgery<'_>,
        spec: &Spec,
        mark: &Mark,
        now: u64,
        delay: u64,
    ) -> Option<u64> {
        let Forgery { ad, made, altered } = *forgery;
        let dead_time = spec.dead_time(if ad.is_bow_out() { 0 } else { ad.interval() });
        if now >= self.altered.0 + SECOND {
            self.altered = (now, 0);
        }
        if altered {
            self.altered.1 += 1;
            self.spoilt.insert(Stamp::of(ad.counter));
            return mark.fits(ad).then_some(dead_time);
        }
        let own = [spec.v4.map(IpAddr::V4), spec.v6.map(IpAddr::V6)].contains(&Some(ad.source));
        if ad.counter & GIVES_WAY != 0 || now < made + delay + 1_000 || own && ad.mac == spec.mac {
            return None;
        }
        if spec.replay == Replay::Off {
            return Some(dead_time);
        }
        let stamp = Stamp::of(ad.counter);
        let newest = self.newest.iter().find(|(source, _)| *source == ad.source).map(|(_, newest)| *newest);
        let newest = newest.or(self.started.filter(|_| own));
        let ahead = self.clock(now).is_some_and(|clock| stamp.is_newer_than(clock));
        if !ahead && newest.is_some_and(|newest| !stamp.is_newer_than(newest)) {
            return None;
        }
        let old = self.clock(now).is_some_and(|clock| clock.minus(dead_time + SECOND).is_newer_than(stamp));
        let before = self.suspects.contains(&ad.source);
        if self.altered.1 < MANY && !self.spoilt.contains(&stamp) {
            self.hear(ad, now);
        }
        if old && ad.is_bow_out() {
            return None;
        }
        if spec.replay == Replay::Warn || !old {
            return Some(dead_time);
        }
        self.suspects.push(ad.source);
        (!before).then_some(dead_time)
    }
}
