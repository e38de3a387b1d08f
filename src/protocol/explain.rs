//! Why an advertisement did not authenticate: tries what commonly differs between hosts that belong together.
//!
//! Pure, bounded, and off the path of frames: a few dozen HMACs for one advertisement. What comes out says which
//! change would make the peer authenticate and holds nothing of the password. Link-local addresses left in or out are no
//! cause, because both forms are understood; an address that only the other side has cannot be guessed, but one that
//! was seen can be tried.

use std::net::IpAddr;

use super::wire::Decoded;
use super::{Authenticator, Family, Key, Vhid};

/// What would make the peer's advertisements authenticate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// The peer has the first 19 bytes of our password, as the `ifconfig` of most kernels leaves them.
    PasswordCut,
    /// The peer has our password without its last character, as NetBSD's `ifconfig` leaves it.
    PasswordShortened,
    /// The peer has no password.
    NoPassword,
    /// The peer shares all our addresses but this one.
    AddressMissing(IpAddr),
    /// The peer has our password without its last character, and shares all our addresses but this one: NetBSD's kernel
    /// signs the last IPv4 address it was given only after one more ioctl.
    ShortenedAndMissing(IpAddr),
    /// The peer shares all our addresses and this one.
    AddressExtra(IpAddr),
    /// The peer shares our addresses of this family alone.
    FamilyAlone(Family),
    /// The peer shares this address alone, as ucarp 1.5.2 does.
    AddressAlone(IpAddr),
    /// The peer authenticates the link address of its carp interface as well: OpenBSD does so when it was set by hand.
    MacByHand,
}

/// Variants tried for one advertisement, each of which costs an HMAC.
const MOST: usize = 64;
/// What most `ifconfig`s keep of a password.
const CUT: usize = 19;

/// The first likely cause that explains the advertisement, if one does.
#[must_use]
pub fn explain(key: &Key, vhid: Vhid, addresses: &[IpAddr], decoded: &Decoded) -> Option<Cause> {
    let password = key.password();
    let passwords = [
        (Cause::PasswordCut, password.get(..CUT).filter(|cut| cut.len() < password.len())),
        (Cause::PasswordShortened, password.split_last().map(|(_, kept)| kept)),
        (Cause::NoPassword, Some(&[][..])),
    ];
    let passwords = passwords.into_iter().filter_map(|(cause, kept)| {
        let other = Key::from_password(kept?).ok()?;
        Some((cause, Authenticator::new(&other, vhid, addresses)))
    });
    let sharing = |shared: &dyn Fn(&IpAddr) -> bool| {
        let shared: Vec<IpAddr> = addresses.iter().copied().filter(shared).collect();
        Authenticator::new(key, vhid, &shared)
    };
    let missing = addresses
        .iter()
        .map(|left_out| (Cause::AddressMissing(*left_out), sharing(&|address| address != left_out)));
    let both = addresses.iter().any(IpAddr::is_ipv4) && addresses.iter().any(IpAddr::is_ipv6);
    let families = [Family::V4, Family::V6]
        .into_iter()
        .filter(|_| both)
        .map(|family| (Cause::FamilyAlone(family), sharing(&|address| Family::of(*address) == family)));
    let alone =
        addresses.iter().map(|only| (Cause::AddressAlone(*only), sharing(&|address| address == only)));
    let by_hand = Authenticator::with_mac(key, vhid, addresses, decoded.mac);
    let shortened = password.split_last().and_then(|(_, kept)| Key::from_password(kept).ok());
    let both_of_netbsd = shortened.iter().flat_map(|shortened| {
        addresses.iter().filter(|address| address.is_ipv4()).map(move |left_out| {
            let shared: Vec<IpAddr> =
                addresses.iter().copied().filter(|address| address != left_out).collect();
            (Cause::ShortenedAndMissing(*left_out), Authenticator::new(shortened, vhid, &shared))
        })
    });
    passwords
        .chain([(Cause::MacByHand, by_hand)])
        .chain(families)
        .chain(missing)
        .chain(alone)
        .chain(both_of_netbsd)
        .take(MOST)
        .find(|(_, variant)| variant.verify(decoded).is_ok())
        .map(|(cause, _)| cause)
}

/// Whether the advertisement is of a peer that shares all our addresses and `extra`.
#[must_use]
pub fn shares_also(key: &Key, vhid: Vhid, addresses: &[IpAddr], extra: IpAddr, decoded: &Decoded) -> bool {
    let all: Vec<IpAddr> = addresses.iter().copied().chain([extra]).collect();
    !addresses.contains(&extra) && Authenticator::new(key, vhid, &all).verify(decoded).is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::{MacAddr, wire};
    use super::*;

    fn vhid() -> Vhid {
        Vhid::new(7).unwrap()
    }

    fn key(password: &str) -> Key {
        Key::from_password(password.as_bytes()).unwrap()
    }

    fn ips(addresses: &[&str]) -> Vec<IpAddr> {
        addresses.iter().map(|address| address.parse().unwrap()).collect()
    }

    /// What a peer with this password and these addresses sends.
    fn ad(password: &str, addresses: &[&str]) -> Decoded {
        let counter = 0x0123_4567_89ab_cdef;
        let mut decoded = wire::sample();
        decoded.header.counter = counter;
        decoded.header.code = Authenticator::new(&key(password), vhid(), &ips(addresses)).code(counter);
        decoded
    }

    const OURS: [&str; 4] = ["10.0.0.10", "10.0.0.11", "2001:db8::10", "fe80::10"];

    fn cause(ours: &str, theirs: &str, addresses: &[&str]) -> Option<Cause> {
        explain(&key(ours), vhid(), &ips(&OURS), &ad(theirs, addresses))
    }

    #[test]
    fn each_likely_cause_is_found() {
        let ip = |address: &str| address.parse().unwrap();
        for (ours, theirs, addresses, expected) in [
            ("12345678901234567890", "1234567890123456789", &OURS[..], Some(Cause::PasswordCut)),
            ("s3cret", "s3cre", &OURS, Some(Cause::PasswordShortened)),
            ("s", "", &OURS, Some(Cause::PasswordShortened)),
            ("s3cret", "", &OURS, Some(Cause::NoPassword)),
            ("s3cret", "s3cret", &OURS[1..], Some(Cause::AddressMissing(ip(OURS[0])))),
            (
                "s3cret",
                "s3cret",
                &["fe80::10", "10.0.0.10", "2001:db8::10"],
                Some(Cause::AddressMissing(ip(OURS[1]))),
            ),
            ("s3cret", "s3cre", &OURS[1..], Some(Cause::ShortenedAndMissing(ip(OURS[0])))),
            ("s3cret", "s3cre", &OURS[..2], None),
            ("s3cret", "s3cret", &OURS[..2], Some(Cause::FamilyAlone(Family::V4))),
            ("s3cret", "s3cret", &OURS[1..2], Some(Cause::AddressAlone(ip(OURS[1])))),
            // What cannot be known.
            ("s3cret", "S3cret", &OURS, None),
            ("s3cret", "s3cret", &["10.0.0.10", "10.0.0.99"], None),
        ] {
            assert_eq!(cause(ours, theirs, addresses), expected, "{ours} {theirs} {addresses:?}");
        }
    }

    #[test]
    fn a_link_address_set_by_hand_is_found() {
        let mac = MacAddr([2, 0, 0, 0, 0x66, 1]);
        let mut ad = ad("s3cret", &OURS);
        ad.mac = mac;
        ad.header.code =
            Authenticator::with_mac(&key("s3cret"), vhid(), &ips(&OURS), mac).code(ad.header.counter);
        let explain = |ad: &Decoded| explain(&key("s3cret"), vhid(), &ips(&OURS), ad);
        assert_eq!(explain(&ad), Some(Cause::MacByHand));
        ad.mac = MacAddr([2, 0, 0, 0, 0x66, 2]);
        assert_eq!(explain(&ad), None);
    }

    #[test]
    fn an_address_seen_is_tried() {
        let theirs = [&OURS[..], &["10.0.0.99"]].concat();
        let fits = |extra: &str| {
            shares_also(&key("s"), vhid(), &ips(&OURS), extra.parse().unwrap(), &ad("s", &theirs))
        };
        assert!(fits("10.0.0.99") && !fits("10.0.0.98") && !fits(OURS[0]));
    }

    #[test]
    fn many_addresses_are_tried_as_far_as_the_limit_goes() {
        let many: Vec<String> = (0..200).map(|last| format!("10.0.0.{last}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let tried = |left_out: usize| {
            let mut theirs = many.clone();
            theirs.remove(left_out);
            explain(&key("s3cret"), vhid(), &ips(&many), &ad("s3cret", &theirs)).is_some()
        };
        // Three tries go elsewhere: a password of six bytes is not cut.
        assert!(tried(0) && tried(MOST - 4));
        assert!(!tried(MOST - 3));
    }
}
