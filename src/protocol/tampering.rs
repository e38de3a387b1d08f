//! Advertisements whose counter looks like ours and whose fields do not belong to it (register, row 25).
//!
//! F has 16 bits, so nobody may try for long: a counter is spent after some wrong ones. That costs nobody anything, because
//! what was altered was sent before, and what was accepted needs no F once more. What lies far behind H is tried as often
//! in a second. What lies ahead may be the living word of a host whose clock is ahead, so nothing is shared there:
//! who has many recordings of such a time can go on trying, and could as well send them as they are. And a kernel's counter looks like ours once in 65,536. Where it changes
//! with each advertisement, one is lost; OpenBSD's stays for the life of its interface.

use std::net::IpAddr;
use std::time::Duration;

use super::auth::mark::Stamp;
use super::{Advertisement, MacAddr, Time};

/// Wrong ones taken for each counter, and in a second for all that lie far behind.
const WRONG: u8 = 20;
/// Counters of one T that may be tried: each is one content of one host. After these its T is spent.
const COUNTERS: usize = 16;
const RENEWED: Duration = Duration::from_secs(1);
/// T of 16 seconds up to a second ahead of H: of these, no two share a place.
const PLACES: usize = 64;
const BEHIND: Duration = Duration::from_millis(250 * 59);
const AHEAD: Duration = Duration::from_secs(1);
/// T further ahead that are counted at a time.
const PLACES_AHEAD: usize = 8;
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

/// How often the counters of one T came with wrong fields.
#[derive(Clone, Copy, Debug, Default)]
struct Tried {
    of: Option<Stamp>,
    counters: [Count; COUNTERS],
}

/// A counter of some T, by the two bytes of F and the one that words are in, and how often it came with wrong fields.
type Count = ([u8; 3], u8);

impl Tried {
    /// Where a counter is counted: at its own place, or at the first that is free.
    fn of(&mut self, counter: [u8; 3]) -> Option<&mut Count> {
        self.counters.iter_mut().find(|(known, wrong)| *known == counter || *wrong == 0)
    }
}

/// What is remembered of those that came with wrong fields.
#[derive(Debug)]
struct Wrong {
    about_now: [Tried; PLACES],
    ahead: [Tried; PLACES_AHEAD],
    /// Of what lies far behind: since when, and how many.
    behind: (Time, u8),
    strange: [Option<(Strange, Time, Time)>; WATCHED],
}

impl Default for Wrong {
    fn default() -> Self {
        Self {
            about_now: [Tried::default(); PLACES],
            ahead: [Tried::default(); PLACES_AHEAD],
            behind: (Time::ZERO, 0),
            strange: [None; WATCHED],
        }
    }
}

impl Wrong {
    /// How often this counter was wrong, if its T is one of those counted here; `None` if no more can be counted for it.
    fn tried(&mut self, ad: &Advertisement, of: Counted) -> Option<&mut Count> {
        let stamp = ad.stamp();
        let places: &mut [Tried] = match of {
            Counted::AboutNow => &mut self.about_now,
            Counted::Ahead => &mut self.ahead,
        };
        let at = stamp.place(places.len());
        let place = places.get_mut(at)?;
        if place.of != Some(stamp) {
            *place = Tried { of: Some(stamp), ..Tried::default() };
        }
        place.of(short(ad))
    }
}

/// What is remembered. Hardly any host ever hears a wrong one, so there is room for them from the first on.
#[derive(Debug, Default)]
pub(super) struct Tampering {
    wrong: Option<Box<Wrong>>,
    told: Option<Time>,
}

impl Tampering {
    /// Whether F is not worth looking at any more; `current` is H.
    pub(super) fn is_spent(&mut self, ad: &Advertisement, current: Option<Stamp>, now: Time) -> bool {
        let Some(wrong) = &mut self.wrong else { return false };
        match counted(ad.stamp(), current) {
            Some(of) => wrong.tried(ad, of).is_none_or(|(_, wrong)| *wrong >= WRONG),
            None => now.since(wrong.behind.0) < RENEWED && wrong.behind.1 >= WRONG,
        }
    }

    /// Notes a wrong F.
    pub(super) fn note(&mut self, ad: &Advertisement, current: Option<Stamp>, now: Time) {
        let wrong = self.wrong.get_or_insert_default();
        match counted(ad.stamp(), current) {
            Some(of) => {
                if let Some(count) = wrong.tried(ad, of) {
                    *count = (short(ad), count.1.saturating_add(1));
                }
            }
            None => {
                if now.since(wrong.behind.0) >= RENEWED {
                    wrong.behind = (now, 0);
                }
                wrong.behind.1 = wrong.behind.1.saturating_add(1);
            }
        }
        let is = strange(ad);
        let known = |place: &Option<(Strange, Time, Time)>| place.is_some_and(|(known, ..)| known == is);
        let at = wrong.strange.iter().position(known);
        let silent = || wrong.strange.iter().zip(0..).min_by_key(|(place, _)| place.map(|(.., last)| last));
        let place = at.or_else(|| silent().map(|(_, at)| at)).and_then(|at| wrong.strange.get_mut(at));
        if let Some(place) = place {
            let first = place.filter(|_| at.is_some()).map_or(now, |(_, first, _)| first);
            *place = Some((is, first, now));
        }
    }

    /// Whether to tell the operator of a counter that looks like ours and stays.
    pub(super) fn tells(&mut self, now: Time) -> bool {
        now.repeats(&mut self.told, TELL_EVERY)
    }

    /// Whether its counter is no live one of ours: the same sender came with it long before.
    pub(super) fn is_constant(&self, ad: &Advertisement, now: Time) -> bool {
        let is = strange(ad);
        let mut strange = self.wrong.iter().flat_map(|wrong| wrong.strange.iter().flatten());
        strange.any(|(known, first, _)| *known == is && now.since(*first) > AGAIN)
    }
}

/// Which T a wrong one is counted with, if it is counted with its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Counted {
    AboutNow,
    Ahead,
}

fn counted(stamp: Stamp, current: Option<Stamp>) -> Option<Counted> {
    let Some(current) = current else { return Some(Counted::Ahead) };
    match stamp.ahead_of(current) {
        Duration::ZERO if stamp != current && current.ahead_of(stamp) > BEHIND => None,
        Duration::ZERO if stamp != current && current.ahead_of(stamp) == Duration::ZERO => None,
        ahead if ahead > AHEAD => Some(Counted::Ahead),
        _ => Some(Counted::AboutNow),
    }
}

/// A counter without its T and without S, which follows from the rest.
const fn short(ad: &Advertisement) -> [u8; 3] {
    let [a, b, _, _, c, ..] = ad.counter().to_be_bytes();
    [a, b, c >> 6]
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
        with(last, t.into())
    }

    /// The same T with another F.
    fn other(t: u32, f: u16) -> Advertisement {
        with(1, u64::from(f + 1) << 48 | u64::from(t))
    }

    fn with(last: u8, counter: u64) -> Advertisement {
        let auth = Authenticator::new(&Key::from_password(b"secret").unwrap(), Vhid::MIN, &[]);
        let mut decoded = Decoded { source: [10, 0, 0, last].into(), ..wire::sample() };
        decoded.header.counter = counter;
        decoded.header.code = auth.code(counter);
        auth.verify(&decoded).unwrap()
    }

    #[test]
    fn a_counter_is_spent_after_twenty() {
        let mut tampering = Tampering::default();
        let current = Some(ad(1, 1_000).stamp());
        for t in [1_004, 1_000, 941] {
            for n in 0..WRONG {
                assert!(!tampering.is_spent(&ad(1, t), current, at(0)));
                tampering.note(&ad(n, t), current, at(0));
            }
            assert!(tampering.is_spent(&ad(1, t), current, at(0)), "{t}");
            assert!(!tampering.is_spent(&other(t, 1), current, at(0)), "another host's of this T");
        }
        assert!(!tampering.is_spent(&ad(1, 1_003), current, at(0)));
        // Later the place is another's.
        assert!(!tampering.is_spent(&ad(1, 1_064), Some(ad(1, 1_064).stamp()), at(16_000)));
    }

    #[test]
    fn a_t_is_spent_after_sixteen_counters() {
        let mut tampering = Tampering::default();
        let current = Some(ad(1, 1_000).stamp());
        for n in 0..16 {
            assert!(!tampering.is_spent(&other(1_000, n), current, at(0)));
            tampering.note(&other(1_000, n), current, at(0));
        }
        assert!(!tampering.is_spent(&other(1_000, 3), current, at(0)));
        assert!(tampering.is_spent(&other(1_000, 16), current, at(0)));
    }

    #[test]
    fn all_that_lies_far_behind_shares_twenty_a_second() {
        let (mut tampering, current) = (Tampering::default(), Some(ad(1, 1_000).stamp()));
        for n in 0..u32::from(WRONG) {
            assert!(!tampering.is_spent(&ad(1, 940), current, at(5_000)));
            tampering.note(&ad(1, 5 + 7 * n), current, at(5_000));
        }
        assert!(tampering.is_spent(&ad(1, 940), current, at(5_999)));
        assert!(!tampering.is_spent(&ad(1, 940), current, at(6_000)));
        assert!(!tampering.is_spent(&ad(1, 1_000), current, at(5_000)), "what is fresh has its own");
    }

    // One whose clock is ahead lives, or we do not know the time yet.
    #[test]
    fn what_lies_ahead_shares_nothing() {
        for current in [Some(ad(1, 1_000).stamp()), None] {
            let mut tampering = Tampering::default();
            for _ in 0..WRONG {
                assert!(!tampering.is_spent(&ad(1, 90_000), current, at(0)));
                tampering.note(&ad(1, 90_000), current, at(0));
            }
            assert!(tampering.is_spent(&ad(1, 90_000), current, at(0)));
            assert!(!tampering.is_spent(&ad(1, 90_001), current, at(0)));
            assert!(!tampering.is_spent(&other(90_000, 1), current, at(0)));
        }
    }

    #[test]
    fn a_counter_that_stays_is_known_after_a_second() {
        let mut tampering = Tampering::default();
        tampering.note(&ad(1, 7), None, at(0));
        assert!(!tampering.is_constant(&ad(1, 7), at(1_000)));
        assert!(tampering.is_constant(&ad(1, 7), at(1_001)));
        assert!(!tampering.is_constant(&ad(2, 7), at(1_001)) && !tampering.is_constant(&ad(1, 8), at(1_001)));
        // Seen again and again, it is not forgotten for others that come once.
        for n in 0..10 {
            tampering.note(&ad(1, 7), None, at(1_002 + u64::from(n)));
            tampering.note(&ad(100 + n, 7), None, at(1_002 + u64::from(n)));
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
