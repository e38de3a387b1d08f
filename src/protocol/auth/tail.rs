//! What one of ours says to another one behind CARP's 36 bytes, where nobody else looks.
//!
//! Only in advertisements to one host: kernels and the ancestor never get one. The 36 bytes are an advertisement as any other
//! of ours, so that its age is known; what follows:
//!
//! | bytes | what |
//! |---|---|
//! | 0, 1 | 0x55, 0x43 |
//! | 2 | version, 1; a later one has more to say at its end, which is skipped |
//! | 3 | flags: 1 ready to take over, 2 in maintenance, 4 an answer, which is an advertisement besides |
//! | 4..24 | HMAC-SHA1(key, "ucarp tail 1", vhid, counter, address of the receiver, bytes 0..4, bytes 24..) |
//! | 24, 25, 26 | advbase, advskew, demotion |
//! | 27..35 | the list: the first bytes of HMAC-SHA1(key, "ucarp list 1", vhid, configured addresses) |
//! | 35 | how many forms are accepted |
//! | 36.. | each, the configured one first: the first 8 bytes of HMAC-SHA1(its key, "ucarp form 1", vhid, its addresses) |
//!
//! Addresses are 16 bytes each, IPv4 mapped into IPv6, a list ascending. The key is that of the advertisement, but for
//! forms, which each have their own: none of it helps to guess one more than CARP's own HMAC does.

use std::net::IpAddr;

use super::super::wire::{Decoded, Tail};
use super::super::{Authenticator, Interval, Rejected};
use super::Advertisement;

const MAGIC: [u8; 2] = *b"UC";
const VERSION: u8 = 1;
const READY: u8 = 1;
const MAINTENANCE: u8 = 2;
const ANSWER: u8 = 4;
/// More forms than these are not told of.
const MOST: usize = 4;

/// A list or a form, by which two hosts see whether they mean the same.
pub(in super::super) type Short = [u8; 8];

/// What is said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in super::super) struct Said {
    pub(in super::super) ready: bool,
    pub(in super::super) maintenance: bool,
    /// It answers one that was understood.
    pub(in super::super) answer: bool,
    pub(in super::super) interval: Interval,
    pub(in super::super) demotion: u8,
    pub(in super::super) list: Short,
    /// The configured one first.
    pub(in super::super) forms: Vec<Short>,
}

impl Authenticator {
    pub(in super::super) fn short_of_list(&self, addresses: &[IpAddr]) -> Short {
        self.short(b"ucarp list 1", addresses)
    }

    pub(in super::super) fn short_of_form(&self, addresses: &[IpAddr]) -> Short {
        self.short(b"ucarp form 1", addresses)
    }

    fn short(&self, what: &[u8], addresses: &[IpAddr]) -> Short {
        let addresses: Vec<u8> = addresses.iter().copied().flat_map(mapped).collect();
        let [a, b, c, d, e, f, g, h, ..] = self.proof(what, &[&addresses]);
        [a, b, c, d, e, f, g, h]
    }

    /// The bytes behind an advertisement with this counter to this host.
    pub(in super::super) fn tail(&self, said: &Said, counter: u64, to: IpAddr) -> Tail {
        let flag = |on: bool, flag: u8| if on { flag } else { 0 };
        let flags = flag(said.ready, READY) | flag(said.maintenance, MAINTENANCE) | flag(said.answer, ANSWER);
        let [a, b] = MAGIC;
        let start = [a, b, VERSION, flags];
        let forms: Vec<_> = said.forms.iter().take(MOST).collect();
        let mut body = vec![said.interval.base, said.interval.skew, said.demotion];
        body.extend(said.list);
        body.extend(u8::try_from(forms.len()));
        forms.into_iter().for_each(|form| body.extend(form));
        let proof = self.proof(b"ucarp tail 1", &[&counter.to_be_bytes(), &mapped(to), &start, &body]);
        Tail::of(&[&start[..], &proof, &body].concat())
    }

    /// What is said behind an advertisement to one of these addresses; nothing, if there is nothing of ours.
    ///
    /// # Errors
    /// [`Rejected::Tampered`] if it was not said so, or to somebody else.
    pub(in super::super) fn said(
        &self,
        ad: &Advertisement,
        decoded: &Decoded,
        to: impl Iterator<Item = IpAddr>,
    ) -> Result<Option<Said>, Rejected> {
        let bytes = decoded.tail.bytes();
        let Some((start, rest)) =
            bytes.split_first_chunk::<4>().filter(|(start, _)| start.starts_with(&MAGIC))
        else {
            return Ok(None);
        };
        let (proof, body) = rest.split_first_chunk::<20>().ok_or(Rejected::Tampered)?;
        let counter = ad.counter().to_be_bytes();
        let mut to = to;
        if !to.any(|to| self.proves(proof, b"ucarp tail 1", &[&counter, &mapped(to), start, body])) {
            return Err(Rejected::Tampered);
        }
        let ([base, skew, demotion], rest) = body.split_first_chunk::<3>().ok_or(Rejected::Tampered)?;
        let (list, rest) = rest.split_first_chunk::<8>().ok_or(Rejected::Tampered)?;
        let (count, rest) = rest.split_first().ok_or(Rejected::Tampered)?;
        let forms = rest.chunks_exact(8).take(usize::from(*count)).filter_map(|form| form.try_into().ok());
        let [.., flags] = *start;
        Ok(Some(Said {
            ready: flags & READY != 0,
            maintenance: flags & MAINTENANCE != 0,
            answer: flags & ANSWER != 0,
            interval: Interval::new(*base, *skew),
            demotion: *demotion,
            list: *list,
            forms: forms.take(MOST).collect(),
        }))
    }
}

fn mapped(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::wire;
    use super::super::super::{Key, Vhid};
    use super::*;

    fn authenticator(password: &[u8]) -> Authenticator {
        let addresses = [IpAddr::from([10, 0, 0, 9])];
        Authenticator::new(&Key::from_password(password).unwrap(), Vhid::new(7).unwrap(), &addresses)
    }

    fn said() -> Said {
        let one = authenticator(b"secret");
        let list = [IpAddr::from([10, 0, 0, 9])];
        Said {
            ready: true,
            maintenance: false,
            answer: false,
            interval: Interval::new(1, 50),
            demotion: 0,
            list: one.short_of_list(&list),
            forms: vec![one.short_of_form(&list), authenticator(b"other").short_of_form(&list)],
        }
    }

    const TO: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    fn hears(tail: Tail, to: IpAddr) -> Result<Option<Said>, Rejected> {
        let one = authenticator(b"secret");
        let mut decoded = Decoded { tail, ..wire::sample() };
        decoded.header.code = one.code(1);
        one.said(&one.verify(&decoded).unwrap(), &decoded, [to].into_iter())
    }

    // The layout of version 1, for good.
    #[test]
    fn golden() {
        let tail = authenticator(b"secret").tail(&said(), 1, TO);
        let hex: String = tail.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let vectors = include_str!("../../../tests/vectors/tail.hex");
        let golden: String = vectors.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(hex, golden);
        assert_eq!(hears(tail, TO), Ok(Some(said())));
    }

    #[test]
    fn each_bit_counts_and_so_does_the_receiver() {
        let tail = authenticator(b"secret").tail(&said(), 1, TO);
        assert_eq!(hears(tail, [10, 0, 0, 3].into()), Err(Rejected::Tampered));
        for bit in 16..tail.bytes().len() * 8 {
            let mut bytes = tail.bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(hears(Tail::of(&bytes), TO), Err(Rejected::Tampered), "{bit}");
        }
        for length in 4..tail.bytes().len() {
            assert_eq!(hears(Tail::of(&tail.bytes()[..length]), TO), Err(Rejected::Tampered));
        }
        assert_eq!(hears(Tail::of(b"anything else"), TO), Ok(None));
        assert_eq!(hears(Tail::default(), TO), Ok(None));
    }

    #[test]
    fn what_a_later_version_says_besides_is_skipped() {
        let one = authenticator(b"secret");
        let tail = one.tail(&said(), 1, TO);
        let (start, body) = (&[b'U', b'C', 9, 1][..], [&tail.bytes()[24..], b"more"].concat());
        let proof = one.proof(b"ucarp tail 1", &[&1u64.to_be_bytes(), &mapped(TO), start, &body]);
        assert_eq!(hears(Tail::of(&[start, &proof, &body].concat()), TO), Ok(Some(said())));
    }
}
