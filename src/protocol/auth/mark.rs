//! The counters of our own kind: what proves that an advertisement is one of ours, and as it was sent (register, row 7).
//!
//! 64 bits, as on the wire:
//!
//! | bits | what |
//! |---|---|
//! | F, 16 | the first bits of HMAC-SHA1(key, "ucarp fields 2", vhid, w and T, family, source, advbase, advskew, byte 4) |
//! | S, 16 | the first bits of HMAC-SHA1(key, "ucarp ours 2", vhid, w and T) |
//! | w, 2 | words among ours: [`Word`] |
//! | T, 30 | a [`Stamp`] |
//!
//! `w and T` are the 32 bits as they stand; the family is 4 or 6, the source 4 or 16 bytes. CARP's HMAC covers the counter,
//! so a stranger can only alter, in what was recorded, the fields that F covers, and hope. S tells our kind from
//! others before F is looked at; T is in the low bits, so that a kernel that adopts a counter and adds one breaks S.

use std::cell::Cell;
use std::net::IpAddr;
use std::time::Duration;

use hmac::{Hmac, Mac};
use sha1::Sha1;

use super::super::{Interval, Vhid};

/// What S and F are a MAC of, before the vhid.
const OURS: &[u8] = b"ucarp ours 2";
const FIELDS: &[u8] = b"ucarp fields 2";
/// How many of the last S are kept.
const TOLD: usize = 8;

/// A time in quarters of a second since the Unix epoch, modulo 2^30 (8.5 years). Of two, that one is newer which lies less
/// than half of that ahead (serial number arithmetic, RFC 1982): of two, not of three.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) struct Stamp(u32);

impl Stamp {
    const MASK: u32 = (1 << 30) - 1;
    const HALF: u32 = 1 << 29;

    /// The time of day.
    pub(in super::super) fn of_wall(since_epoch: Duration) -> Self {
        Self(0).plus(since_epoch)
    }

    /// What a counter carries.
    pub(in super::super) const fn of(counter: u64) -> Self {
        Self(lower(counter) & Self::MASK)
    }

    pub(in super::super) const fn next(self) -> Self {
        Self(self.0.wrapping_add(1) & Self::MASK)
    }

    /// So much later, whole quarters of a second alone.
    pub(in super::super) fn plus(self, later: Duration) -> Self {
        let quarters = later.as_secs().wrapping_mul(4).wrapping_add(u64::from(later.subsec_millis() / 250));
        let [.., a, b, c, d] = quarters.to_be_bytes();
        Self(self.0.wrapping_add(u32::from_be_bytes([a, b, c, d])) & Self::MASK)
    }

    /// By how much it is newer; zero if it is not.
    pub(in super::super) fn ahead_of(self, other: Self) -> Duration {
        let ahead = self.0.wrapping_sub(other.0) & Self::MASK;
        if ahead < Self::HALF { Duration::from_millis(u64::from(ahead) * 250) } else { Duration::ZERO }
    }

    pub(in super::super) fn is_newer_than(self, other: Self) -> bool {
        self.ahead_of(other) > Duration::ZERO
    }

    /// The newer of the two.
    pub(in super::super) fn newest(self, other: Self) -> Self {
        if other.is_newer_than(self) { other } else { self }
    }

    /// One of so many places that new ones take in turn.
    pub(in super::super) const fn place(self, of: usize) -> usize {
        self.0 as usize % of
    }
}

/// What one of ours says to others of ours; the mark makes it authentic, and nobody else looks at it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(in super::super) enum Word {
    /// It heard an old ucarp lately (register, row 2).
    BesideOldUcarp = 1 << 30,
    /// It is no master any more, or none at all (register, row 1).
    GivesWay = 1 << 31,
}

impl Word {
    /// Whether a counter of ours says this.
    pub(in super::super) const fn is_in(self, counter: u64) -> bool {
        counter & self as u64 != 0
    }
}

/// The bits of what is said.
pub(in super::super) fn said(words: impl Iterator<Item = Word>) -> u32 {
    words.fold(0, |said, word| said | word as u32)
}

/// The lower half of a counter: what is said, and when.
pub(in super::super) const fn low(said: u32, stamp: Stamp) -> u32 {
    said | stamp.0
}

/// What CARP's HMAC does not cover.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) struct Fields {
    pub(in super::super) source: IpAddr,
    pub(in super::super) interval: Interval,
    pub(in super::super) demotion: u8,
}

/// Both MACs with the key and all that never changes taken in once.
pub(in super::super) struct Mark {
    ours: Hmac<Sha1>,
    fields: Hmac<Sha1>,
    /// S of the last lower halves: both families have the same, and so have all advertisements of one T.
    told: Cell<[(u32, [u8; 2]); TOLD]>,
}

impl Mark {
    /// `keyed` has taken in nothing but the key.
    pub(in super::super) fn new(keyed: &Hmac<Sha1>, vhid: Vhid) -> Self {
        let prepared = |what: &[u8]| {
            let mut mac = keyed.clone();
            mac.update(what);
            mac.update(&[vhid.get()]);
            mac
        };
        let mark = Self { ours: prepared(OURS), fields: prepared(FIELDS), told: Cell::default() };
        mark.told.set([(0, mark.compute(0)); TOLD]);
        mark
    }

    /// The counter for this half of it and these fields. All of it zero would be no counter to OpenBSD: then T is one more.
    pub(in super::super) fn counter(&self, low: u32, fields: &Fields) -> u64 {
        let [a, b] = self.covering(low, fields);
        let [c, d] = self.telling(low);
        let [e, f, g, h] = low.to_be_bytes();
        match u64::from_be_bytes([a, b, c, d, e, f, g, h]) {
            0 => self.counter(low + 1, fields),
            counter => counter,
        }
    }

    /// Whether a counter is of our own kind: whether S holds.
    pub(in super::super) fn is_ours(&self, counter: u64) -> bool {
        let [_, _, c, d, ..] = counter.to_be_bytes();
        self.telling(lower(counter)) == [c, d]
    }

    /// Whether a counter of our own kind came with these fields: whether F holds.
    pub(in super::super) fn covers(&self, counter: u64, fields: &Fields) -> bool {
        let [a, b, ..] = counter.to_be_bytes();
        self.covering(lower(counter), fields) == [a, b]
    }

    fn telling(&self, low: u32) -> [u8; 2] {
        let mut told = self.told.get();
        let (of, code) = &mut told[low as usize % TOLD];
        if *of != low {
            (*of, *code) = (low, self.compute(low));
        }
        let code = *code;
        self.told.set(told);
        code
    }

    fn compute(&self, low: u32) -> [u8; 2] {
        let mut mac = self.ours.clone();
        mac.update(&low.to_be_bytes());
        first_two(mac)
    }

    fn covering(&self, low: u32, fields: &Fields) -> [u8; 2] {
        // One piece: each costs as much as its bytes.
        let mut bytes = [0; 24];
        let Interval { base, skew } = fields.interval;
        let [a, b, c, d] = low.to_be_bytes();
        let length = match fields.source {
            IpAddr::V4(source) => {
                let [s, t, u, v] = source.octets();
                let piece = [a, b, c, d, 4, s, t, u, v, base, skew, fields.demotion];
                bytes.iter_mut().zip(piece).for_each(|(to, from)| *to = from);
                piece.len()
            }
            IpAddr::V6(source) => {
                let piece =
                    [a, b, c, d, 6].into_iter().chain(source.octets()).chain([base, skew, fields.demotion]);
                bytes.iter_mut().zip(piece).for_each(|(to, from)| *to = from);
                bytes.len()
            }
        };
        let mut mac = self.fields.clone();
        mac.update(bytes.split_at(length).0);
        first_two(mac)
    }
}

const fn lower(counter: u64) -> u32 {
    let [.., a, b, c, d] = counter.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

fn first_two(mac: Hmac<Sha1>) -> [u8; 2] {
    let code: [u8; 20] = mac.finalize().into_bytes().into();
    let [a, b, ..] = code;
    [a, b]
}

#[cfg(test)]
mod tests {
    use super::*;
    use hmac::KeyInit;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn keyed(password: &[u8]) -> Hmac<Sha1> {
        let mut key = [0; 20];
        key[..password.len()].copy_from_slice(password);
        Hmac::new_from_slice(&key).unwrap()
    }

    fn mark() -> Mark {
        Mark::new(&keyed(b"secret"), Vhid::new(7).unwrap())
    }

    fn fields() -> Fields {
        Fields { source: IpAddr::from([10, 0, 0, 1]), interval: Interval::new(1, 50), demotion: 0 }
    }

    fn mac_of(pieces: &[&[u8]]) -> [u8; 2] {
        let mut mac = keyed(b"secret");
        pieces.iter().for_each(|piece| mac.update(piece));
        let code = mac.finalize().into_bytes();
        [code[0], code[1]]
    }

    // The layout, stated once more and otherwise.
    #[test]
    fn layout_of_both_families() {
        let low = 0xc000_0000 | 0x1234_5678;
        for (source, bytes, family) in [
            (IpAddr::from([10, 0, 0, 1]), vec![10, 0, 0, 1], 4),
            (
                IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1)),
                {
                    let mut bytes = vec![0; 16];
                    (bytes[0], bytes[1], bytes[15]) = (0xfe, 0x80, 1);
                    bytes
                },
                6,
            ),
        ] {
            let fields = Fields { source, interval: Interval::new(3, 200), demotion: 9 };
            let counter = mark().counter(low, &fields).to_be_bytes();
            assert_eq!(counter[4..], [0xd2, 0x34, 0x56, 0x78]);
            assert_eq!(counter[2..4], mac_of(&[b"ucarp ours 2", &[7], &[0xd2, 0x34, 0x56, 0x78]]));
            let covered = mac_of(&[
                b"ucarp fields 2",
                &[7],
                &[0xd2, 0x34, 0x56, 0x78],
                &[family],
                &bytes,
                &[3, 200, 9],
            ]);
            assert_eq!(counter[..2], covered);
        }
    }

    #[test]
    fn each_field_is_covered() {
        let (mark, plain) = (mark(), fields());
        let counter = mark.counter(0x3fff_ffff, &plain);
        assert!(mark.is_ours(counter) && mark.covers(counter, &plain));
        let mapped = Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped();
        for other in [
            Fields { source: IpAddr::from([10, 0, 0, 2]), ..plain },
            Fields { source: IpAddr::V6(mapped), ..plain },
            Fields { interval: Interval::new(0, 50), ..plain },
            Fields { interval: Interval::new(1, 51), ..plain },
            Fields { demotion: 1, ..plain },
        ] {
            assert!(!mark.covers(counter, &other), "{other:?}");
        }
        for bit in 0..64 {
            let altered = counter ^ 1 << bit;
            assert!(!(mark.is_ours(altered) && mark.covers(altered, &plain)), "{bit}");
        }
    }

    #[test]
    fn another_key_or_id_is_nobody_of_ours() {
        let counter = mark().counter(5, &fields());
        assert!(!Mark::new(&keyed(b"secreT"), Vhid::new(7).unwrap()).is_ours(counter));
        assert!(!Mark::new(&keyed(b"secret"), Vhid::new(8).unwrap()).is_ours(counter));
        // A kernel that adopts it.
        assert!(!mark().is_ours(counter.wrapping_add(1)));
    }

    #[test]
    fn words_and_time_share_the_lower_half() {
        let stamp = Stamp::of_wall(Duration::from_secs(1_800_000_000));
        for words in [
            vec![],
            vec![Word::GivesWay],
            vec![Word::BesideOldUcarp],
            vec![Word::GivesWay, Word::BesideOldUcarp],
        ] {
            let counter = mark().counter(low(said(words.iter().copied()), stamp), &fields());
            assert_eq!(Stamp::of(counter), stamp);
            for word in [Word::GivesWay, Word::BesideOldUcarp] {
                assert_eq!(word.is_in(counter), words.contains(&word));
            }
        }
    }

    #[test]
    fn order_is_serial() {
        let at = |quarters| Stamp(quarters);
        assert!(at(1).is_newer_than(at(0)) && !at(0).is_newer_than(at(1)) && !at(1).is_newer_than(at(1)));
        assert!(at(0).is_newer_than(at(Stamp::MASK)));
        assert_eq!(at(Stamp::MASK).next(), at(0));
        assert!(at(Stamp::HALF - 1).is_newer_than(at(0)) && !at(Stamp::HALF + 1).is_newer_than(at(0)));
        assert_eq!(at(7).newest(at(3)), at(7));
        assert_eq!(at(7).ahead_of(at(3)), Duration::from_secs(1));
        assert_eq!(at(3).ahead_of(at(7)), Duration::ZERO);
    }

    #[test]
    fn quarters_of_a_second() {
        let ms = Duration::from_millis;
        assert_eq!(Stamp(5).plus(ms(249)), Stamp(5));
        assert_eq!(Stamp(5).plus(ms(250)), Stamp(6));
        assert_eq!(Stamp(5).plus(ms(1_999)), Stamp(12));
        assert_eq!(Stamp::of_wall(Duration::from_secs(1 << 28)), Stamp(0));
        let _ = Stamp(5).plus(Duration::MAX);
    }
}
