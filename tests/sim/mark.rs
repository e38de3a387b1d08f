//! Our counters, stated once more: whether one was made by our kind, and whether for the fields that it came with.
//!
//! The simulation knows the key, so it can tell what the core can only be deceived about: F has 16 bits, and one forgery
//! in 65,536 hits them.

use std::net::IpAddr;

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::frame::Ad;

/// The counter's lowest bits that are a time, in quarters of a second.
const TIME: u64 = (1 << 30) - 1;

/// "I give way": the sender is not, or no longer, master.
pub const GIVES_WAY: u64 = 1 << 31;

/// When an advertisement of ours was sent, by its sender's clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub struct Stamp(u64);

impl Stamp {
    pub const fn of(counter: u64) -> Self {
        Self(counter & TIME)
    }

    /// What a clock shows, in microseconds since the Unix epoch.
    pub const fn at(epoch_micros: u64) -> Self {
        Self((epoch_micros / 250_000) & TIME)
    }

    pub const fn plus(self, micros: u64) -> Self {
        Self((self.0 + micros / 250_000) & TIME)
    }

    pub const fn minus(self, micros: u64) -> Self {
        Self(self.0.wrapping_sub(micros / 250_000) & TIME)
    }

    /// Serial arithmetic: less than half the circle ahead.
    pub const fn is_newer_than(self, other: Self) -> bool {
        let ahead = self.0.wrapping_sub(other.0) & TIME;
        ahead != 0 && ahead < 1 << 29
    }
}

pub struct Mark {
    kind: Hmac<Sha1>,
    fields: Hmac<Sha1>,
}

impl Mark {
    pub fn new(password: &[u8], vhid: u8) -> Self {
        let mut key = [0; 20];
        key[..password.len()].copy_from_slice(password);
        let of = |what: &[u8]| {
            let mut mac = Hmac::new_from_slice(&key).expect("any length");
            mac.update(what);
            mac.update(&[vhid]);
            mac
        };
        Self { kind: of(b"ucarp ours 2"), fields: of(b"ucarp fields 2") }
    }

    /// Whether our kind made this counter (or chance, once in 65,536).
    pub fn is_ours(&self, counter: u64) -> bool {
        let [_, _, s, t, low @ ..] = counter.to_be_bytes();
        first_two(&self.kind, &[&low]) == [s, t]
    }

    /// Whether it was made for these fields (or chance).
    pub fn fits(&self, ad: &Ad) -> bool {
        let [f, g, _, _, low @ ..] = ad.counter.to_be_bytes();
        self.of_fields(low, ad) == [f, g]
    }

    /// The counter of ours with this lower half.
    pub fn counter(&self, low: u32, ad: &Ad) -> u64 {
        let low = low.to_be_bytes();
        let ([f, g], [s, t], [a, b, c, d]) = (self.of_fields(low, ad), first_two(&self.kind, &[&low]), low);
        u64::from_be_bytes([f, g, s, t, a, b, c, d])
    }

    fn of_fields(&self, low: [u8; 4], ad: &Ad) -> [u8; 2] {
        let rest = [ad.base, ad.skew, ad.demotion];
        match ad.source {
            IpAddr::V4(source) => first_two(&self.fields, &[&low, &[4], &source.octets(), &rest]),
            IpAddr::V6(source) => first_two(&self.fields, &[&low, &[6], &source.octets(), &rest]),
        }
    }
}

fn first_two(keyed: &Hmac<Sha1>, pieces: &[&[u8]]) -> [u8; 2] {
    let mut mac = keyed.clone();
    pieces.iter().for_each(|piece| mac.update(piece));
    let code = mac.finalize().into_bytes();
    [code[0], code[1]]
}
