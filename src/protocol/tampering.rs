//! Advertisements whose counter looks like ours and whose fields do not belong to it (register, row 25).
//!
//! F has 16 bits, so nobody may try for long: a T is spent after some wrong ones. That costs nobody anything, because the
//! genuine advertisement is the first with its T. And a kernel's counter looks like ours once in 65,536. Where it changes
//! with each advertisement, one is lost; OpenBSD's stays for the life of its interface.

use std::net::IpAddr;
use std::time::Duration;

use super::auth::mark::Stamp;
use super::{Advertisement, MacAddr, Time};

/// Wrong ones taken for each T.
const WRONG: u8 = 20;
/// T of 16 seconds. A newer one takes the place of an older one, which is spent from then on.
const PLACES: usize = 64;
/// Counters watched for coming again.
const WATCHED: usize = 4;
/// How often the operator is told of such a counter.
const TELL_EVERY: Duration = Duration::from_secs(60 * 60);
/// A counter that comes again later than this is no live one of ours.
const AGAIN: Duration = Duration::from_secs(1);

/// Something that came with a counter like ours and was none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Strange {
    source: IpAddr,
    mac: MacAddr,
    counter: u64,
}

/// What is remembered.
#[derive(Debug)]
pub(super) struct Tampering {
    wrong: [Option<(Stamp, u8)>; PLACES],
    strange: [Option<(Strange, Time, Time)>; WATCHED],
    told: Option<Time>,
}

impl Default for Tampering {
    fn default() -> Self {
        Self { wrong: [None; PLACES], strange: [None; WATCHED], told: None }
    }
}

impl Tampering {
    /// Whether F is not worth looking at any more.
    pub(super) fn is_spent(&self, stamp: Stamp) -> bool {
        self.wrong
            .get(stamp.place(PLACES))
            .copied()
            .flatten()
            .is_some_and(|(of, wrong)| if of == stamp { wrong >= WRONG } else { of.is_newer_than(stamp) })
    }

    /// Notes a wrong F.
    pub(super) fn note(&mut self, ad: &Advertisement, now: Time) {
        let stamp = ad.stamp();
        if let Some(place) = self.wrong.get_mut(stamp.place(PLACES)) {
            let wrong = place.filter(|(of, _)| *of == stamp).map_or(0, |(_, wrong)| wrong);
            *place = Some((stamp, wrong.saturating_add(1)));
        }
        let is = strange(ad);
        let known = |place: &Option<(Strange, Time, Time)>| place.is_some_and(|(known, ..)| known == is);
        let at = self.strange.iter().position(known);
        let silent = || self.strange.iter().zip(0..).min_by_key(|(place, _)| place.map(|(.., last)| last));
        let place = at.or_else(|| silent().map(|(_, at)| at)).and_then(|at| self.strange.get_mut(at));
        if let Some(place) = place {
            let first = place.filter(|_| at.is_some()).map_or(now, |(_, first, _)| first);
            *place = Some((is, first, now));
        }
    }

    /// Whether to tell the operator of a counter that looks like ours and stays.
    pub(super) fn tells(&mut self, now: Time) -> bool {
        let tells = self.told.is_none_or(|told| now.since(told) >= TELL_EVERY);
        if tells {
            self.told = Some(now);
        }
        tells
    }

    /// Whether its counter is no live one of ours: the same sender came with it long before.
    pub(super) fn is_constant(&self, ad: &Advertisement, now: Time) -> bool {
        let is = strange(ad);
        self.strange.iter().flatten().any(|(known, first, _)| *known == is && now.since(*first) > AGAIN)
    }
}

const fn strange(ad: &Advertisement) -> Strange {
    Strange { source: ad.source(), mac: ad.mac(), counter: ad.counter() }
}

#[cfg(test)]
mod tests {
    use super::super::wire::{self, Decoded};
    use super::super::{Authenticator, Key, Vhid};
    use super::*;

    fn at(ms: u64) -> Time {
        Time::from_micros(ms * 1000)
    }

    fn ad(last: u8, t: u32) -> Advertisement {
        let auth = Authenticator::new(&Key::from_password(b"secret").unwrap(), Vhid::MIN, &[]);
        let mut decoded = Decoded { source: [10, 0, 0, last].into(), ..wire::sample() };
        decoded.header.counter = u64::from(t);
        decoded.header.code = auth.code(u64::from(t));
        auth.verify(&decoded).unwrap()
    }

    #[test]
    fn a_t_is_spent_after_twenty() {
        let mut tampering = Tampering::default();
        for n in 0..WRONG {
            assert!(!tampering.is_spent(ad(1, 100).stamp()));
            tampering.note(&ad(n, 100), at(0));
        }
        assert!(tampering.is_spent(ad(1, 100).stamp()));
        assert!(!tampering.is_spent(ad(1, 101).stamp()));
        // Taking turns does not help: what gave way to a newer one is spent.
        let later = 100 + u32::try_from(PLACES).unwrap();
        tampering.note(&ad(1, later), at(0));
        assert!(tampering.is_spent(ad(1, 100).stamp()) && !tampering.is_spent(ad(1, later).stamp()));
    }

    #[test]
    fn a_counter_that_stays_is_known_after_a_second() {
        let mut tampering = Tampering::default();
        tampering.note(&ad(1, 7), at(0));
        assert!(!tampering.is_constant(&ad(1, 7), at(1_000)));
        assert!(tampering.is_constant(&ad(1, 7), at(1_001)));
        assert!(!tampering.is_constant(&ad(2, 7), at(1_001)) && !tampering.is_constant(&ad(1, 8), at(1_001)));
        // Seen again and again, it is not forgotten for others that come once.
        for n in 0..10 {
            tampering.note(&ad(1, 7), at(1_002 + u64::from(n)));
            tampering.note(&ad(100 + n, 7), at(1_002 + u64::from(n)));
        }
        assert!(tampering.is_constant(&ad(1, 7), at(1_100)));
    }

    #[test]
    fn the_operator_is_told_once_an_hour() {
        let mut tampering = Tampering::default();
        let told = [0, 1, 3_599_999, 3_600_000].map(|ms| tampering.tells(at(ms)));
        assert_eq!(told, [true, false, false, true]);
    }
}
