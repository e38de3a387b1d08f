//! Authentication: the key, the HMAC over the address set, and the type that proves it held.
//!
//! `wire` yields untrusted values; only [`Authenticator::verify`] makes an [`Advertisement`], so the election
//! cannot be handed anything that was not authenticated. The HMAC is
//! `HMAC-SHA1(key, 02 01 vhid IPv4* IPv6* counter)` with each family's addresses ascending and each once
//! (FACTS 2; OpenBSD `carp_hmac_prepare`, FreeBSD `carp_hmac_prepare`). OpenBSD leaves link-local addresses out of
//! what it sends and takes both forms; so do we where there are such addresses. The state after everything but
//! the counter is computed once. The HMAC covers neither interval nor demotion: that is CARP, and cannot be mended
//! without leaving the kernels behind. Among ours the counter does: see `mark`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use zeroize::Zeroize;

use super::wire::Decoded;
use super::{Dialect, Family, Interval, MacAddr, Rejected, Vhid};

pub(super) mod mark;
pub(super) mod tail;

use mark::{Fields, Mark, Stamp, Word};

/// A shared secret of 0..=20 bytes, zero-padded, wiped when dropped. `Debug` shows `***`.
#[derive(Clone)]
pub struct Key([u8; Self::LENGTH]);

/// The password cannot be a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyError {
    /// More than 20 bytes.
    TooLong,
}

impl Key {
    /// Bytes in a key. The `ifconfig` of every BSD keeps only 19 of a password.
    pub const LENGTH: usize = 20;

    /// The key of a password: its bytes, zero-padded.
    ///
    /// # Errors
    /// [`KeyError::TooLong`] above 20 bytes.
    pub fn from_password(password: &[u8]) -> Result<Self, KeyError> {
        let mut key = [0; Self::LENGTH];
        key.get_mut(..password.len()).ok_or(KeyError::TooLong)?.copy_from_slice(password);
        Ok(Self(key))
    }

    /// All of it, padding included: for whoever has to keep it over a restart. [`Key::from_password`] is the way back.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// The password without the padding.
    #[must_use]
    pub fn password(&self) -> &[u8] {
        let padding = self.0.iter().rev().take_while(|byte| **byte == 0).count();
        self.0.split_at(Self::LENGTH - padding).0
    }
}

/// Takes the same time wherever they differ.
impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0
    }
}

impl Eq for Key {}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}

/// Whose implementation a peer is (register, rows 1 and 7).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PeerKind {
    /// This daemon: its counter carries our mark.
    Ours,
    /// ucarp up to 1.5.2: it sends from 00:00:5e:00:00:vhid.
    OldUcarp,
    /// Anybody else: steps down on an equal interval, as every kernel does.
    Kernel,
}

impl PeerKind {
    /// Stable name for status and JSON; never translated.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::OldUcarp => "old_ucarp",
            Self::Kernel => "kernel",
        }
    }
}

/// The content of an authenticated frame. Only [`Authenticator::verify`] makes one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Advertisement {
    family: Family,
    source: IpAddr,
    mac: MacAddr,
    interval: Interval,
    demotion: u8,
    counter: u64,
    kind: PeerKind,
    other_form: bool,
    form: u32,
}

impl Advertisement {
    /// IP version it came by.
    #[must_use]
    pub const fn family(&self) -> Family {
        self.family
    }

    /// Its IP source. May be 0.0.0.0 or a virtual address (a kernel without a parent address).
    #[must_use]
    pub const fn source(&self) -> IpAddr {
        self.source
    }

    /// Its Ethernet source.
    #[must_use]
    pub const fn mac(&self) -> MacAddr {
        self.mac
    }

    /// The interval advertised; [`Interval::BOW_OUT`] from a master that leaves.
    #[must_use]
    pub const fn interval(&self) -> Interval {
        self.interval
    }

    /// OpenBSD's demotion count.
    #[must_use]
    pub const fn demotion(&self) -> u8 {
        self.demotion
    }

    /// The counter; of our own kind it carries more, see the register, row 7.
    #[must_use]
    pub const fn counter(&self) -> u64 {
        self.counter
    }

    /// One of ours says that it heard an old ucarp lately (register, row 2).
    #[must_use]
    pub fn beside_old_ucarp(&self) -> bool {
        self.kind == PeerKind::Ours && Word::BesideOldUcarp.is_in(self.counter)
    }

    /// One of ours says to us alone that it is not, or no longer, master (register, row 1).
    #[must_use]
    pub fn gives_way(&self) -> bool {
        self.kind == PeerKind::Ours && Word::GivesWay.is_in(self.counter)
    }

    /// When one of ours sent it, by its own clock.
    pub(super) const fn stamp(&self) -> Stamp {
        Stamp::of(self.counter)
    }

    /// What CARP's HMAC does not cover.
    pub(super) const fn fields(&self) -> Fields {
        Fields { source: self.source, interval: self.interval, demotion: self.demotion }
    }

    /// The same, of a kernel whose counter looks like ours by chance.
    pub(super) const fn of_kernel(self) -> Self {
        Self { kind: PeerKind::Kernel, ..self }
    }

    /// The same, verified in the form with this number.
    pub(super) const fn in_form(self, form: u32) -> Self {
        Self { form, ..self }
    }

    /// In which form it was verified.
    pub(super) const fn form(&self) -> u32 {
        self.form
    }

    /// It authenticates only in the form that is not ours to send: its sender treats link-local addresses otherwise, and
    /// may not authenticate us.
    #[must_use]
    pub const fn other_form(&self) -> bool {
        self.other_form
    }

    /// Whose implementation sent it.
    #[must_use]
    pub const fn kind(&self) -> PeerKind {
        self.kind
    }
}

/// HMAC-SHA1 over the address set, prepared once; wiped when dropped.
pub struct Authenticator {
    vhid: Vhid,
    addresses: Hmac<Sha1>,
    /// The form that leaves link-local addresses out, if there are any.
    routable: Option<Hmac<Sha1>>,
    sends_routable: bool,
    mark: Mark,
    /// Has taken in nothing but the key.
    keyed: Hmac<Sha1>,
}

impl Authenticator {
    /// Prepares for a virtual host and its addresses, in any order, duplicates counting once.
    #[must_use]
    pub fn new(key: &Key, vhid: Vhid, addresses: &[IpAddr]) -> Self {
        Self::of(key, vhid, addresses, None)
    }

    /// For a peer whose carp interface has a link address set by hand, which OpenBSD then authenticates as well
    /// (`carp_hmac_prepare_ctx`).
    #[must_use]
    pub(super) fn with_mac(key: &Key, vhid: Vhid, addresses: &[IpAddr], mac: MacAddr) -> Self {
        Self::of(key, vhid, addresses, Some(mac))
    }

    fn of(key: &Key, vhid: Vhid, addresses: &[IpAddr], mac: Option<MacAddr>) -> Self {
        let keyed = Hmac::<Sha1>::new_from_slice(&key.0).expect("HMAC takes keys of any length");
        let mut sorted = addresses.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let prepare = |link_local: bool| {
            let mut hashed = keyed.clone();
            hashed.update(&[2, 1]);
            if let Some(MacAddr(octets)) = mac {
                hashed.update(&octets);
            }
            hashed.update(&[vhid.get()]);
            for address in sorted.iter().filter_map(v4) {
                hashed.update(&address.octets());
            }
            let v6 = sorted.iter().filter_map(v6);
            for address in v6.filter(|v6| link_local || !v6.is_unicast_link_local()) {
                hashed.update(&address.octets());
            }
            hashed
        };
        let has_link_local = addresses.iter().filter_map(v6).any(|v6| v6.is_unicast_link_local());
        let routable = has_link_local.then(|| prepare(false));
        let mark = Mark::new(&keyed, vhid);
        Self { vhid, addresses: prepare(true), routable, sends_routable: false, mark, keyed }
    }

    /// The same, sending the form that peers of this kind send.
    #[must_use]
    pub fn speaking(self, dialect: Dialect) -> Self {
        Self { sends_routable: dialect.omits_link_local(), ..self }
    }

    /// The HMAC of something else than advertisements.
    fn proof(&self, what: &[u8], pieces: &[&[u8]]) -> [u8; 20] {
        self.proving(what, pieces).finalize().into_bytes().into()
    }

    /// Whether this is it; it takes the same time wherever it differs.
    fn proves(&self, proof: &[u8; 20], what: &[u8], pieces: &[&[u8]]) -> bool {
        self.proving(what, pieces).verify_slice(proof).is_ok()
    }

    fn proving(&self, what: &[u8], pieces: &[&[u8]]) -> Hmac<Sha1> {
        let mut mac = self.keyed.clone();
        mac.update(what);
        mac.update(&[self.vhid.get()]);
        pieces.iter().for_each(|piece| mac.update(piece));
        mac
    }

    /// The HMAC for a counter.
    #[must_use]
    pub fn code(&self, counter: u64) -> [u8; 20] {
        let form = self.routable.as_ref().filter(|_| self.sends_routable).unwrap_or(&self.addresses);
        let mut mac = form.clone();
        mac.update(&counter.to_be_bytes());
        mac.finalize().into_bytes().into()
    }

    /// The counter that only our own kind makes for an advertisement with these fields; `low` is its lower half, the words
    /// and T (register, row 7). Never zero, which OpenBSD would drop as its own.
    #[must_use]
    pub fn marked(&self, low: u32, source: IpAddr, interval: Interval, demotion: u8) -> u64 {
        self.mark.counter(low, &Fields { source, interval, demotion })
    }

    /// Whether one of ours sent it as it is: CARP's HMAC, which [`Authenticator::verify`] found to hold, leaves fields out
    /// that our counters cover.
    #[must_use]
    pub fn is_unaltered(&self, ad: &Advertisement) -> bool {
        self.mark.covers(ad.counter, &ad.fields())
    }

    /// Turns a decoded frame into an advertisement; each comparison takes the same time wherever they differ. The
    /// second form is looked at only when the first does not hold and there are link-local addresses.
    ///
    /// # Errors
    /// [`Rejected::BadAuth`].
    pub fn verify(&self, decoded: &Decoded) -> Result<Advertisement, Rejected> {
        let header = &decoded.header;
        let holds = |form: &Hmac<Sha1>| {
            let mut mac = form.clone();
            mac.update(&header.counter.to_be_bytes());
            mac.verify_slice(&header.code).is_ok()
        };
        let whole = holds(&self.addresses);
        if !whole && !self.routable.as_ref().is_some_and(holds) {
            return Err(Rejected::BadAuth);
        }
        let other_form = self.routable.is_some() && whole == self.sends_routable;
        let kind = if self.mark.is_ours(header.counter) {
            PeerKind::Ours
        } else if decoded.mac == MacAddr::old_ucarp(self.vhid) {
            PeerKind::OldUcarp
        } else {
            PeerKind::Kernel
        };
        Ok(Advertisement {
            family: Family::of(decoded.source),
            source: decoded.source,
            mac: decoded.mac,
            interval: Interval::new(header.advbase, header.advskew),
            demotion: header.demotion,
            counter: header.counter,
            kind,
            other_form,
            form: 0,
        })
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator").field("vhid", &self.vhid).finish_non_exhaustive()
    }
}

fn v4(address: &IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(v4) => Some(*v4),
        IpAddr::V6(_) => None,
    }
}

fn v6(address: &IpAddr) -> Option<Ipv6Addr> {
    match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(v6) => Some(*v6),
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::carp;
    use super::*;

    fn authenticator(password: &str, addresses: &[&str]) -> Authenticator {
        let addresses: Vec<IpAddr> = addresses.iter().map(|a| a.parse().unwrap()).collect();
        Authenticator::new(
            &Key::from_password(password.as_bytes()).unwrap(),
            Vhid::new(7).unwrap(),
            &addresses,
        )
    }

    fn decoded(mac: MacAddr, counter: u64, code: [u8; 20]) -> Decoded {
        Decoded {
            mac,
            source: "10.0.0.1".parse().unwrap(),
            destination: "224.0.0.18".parse().unwrap(),
            header: carp::Header {
                kind: 1,
                vhid: 7,
                advskew: 1,
                authlen: 7,
                demotion: 0,
                advbase: 1,
                counter,
                code,
            },
            pseudo_header: false,
            tail: Default::default(),
        }
    }

    const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);

    #[test]
    fn the_first_golden_packet() {
        let code = authenticator("", &["10.0.0.10"]).code(0xd53d_50bd_7b32_fabb);
        assert_eq!(code[..4], [0x40, 0x76, 0x7e, 0xa5]);
    }

    #[test]
    fn order_and_repetition_do_not_matter() {
        let one =
            authenticator("secret", &["10.0.0.2", "10.0.0.10", "192.168.1.1", "2001:db8::1", "fe80::1"]);
        let other = authenticator(
            "secret",
            &["fe80::1", "192.168.1.1", "10.0.0.10", "2001:db8::1", "10.0.0.2", "10.0.0.2"],
        );
        assert_eq!(one.code(42), other.code(42));
    }

    #[test]
    fn password_vhid_address_and_counter_do() {
        let code = authenticator("secret", &["10.0.0.2"]).code(42);
        assert_ne!(code, authenticator("secreT", &["10.0.0.2"]).code(42));
        assert_ne!(code, authenticator("secret", &["10.0.0.3"]).code(42));
        assert_ne!(code, authenticator("secret", &["10.0.0.2", "::2"]).code(42));
        assert_ne!(code, authenticator("secret", &["10.0.0.2"]).code(43));
    }

    #[test]
    fn one_flipped_bit_anywhere_is_refused() {
        let authenticator = authenticator("secret", &["10.0.0.2"]);
        let good = decoded(MAC, 42, authenticator.code(42));
        assert!(authenticator.verify(&good).is_ok());
        for bit in 0..160 {
            let mut bad = good;
            bad.header.code[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(authenticator.verify(&bad), Err(Rejected::BadAuth), "{bit}");
        }
        let bad = decoded(MAC, 43, good.header.code);
        assert_eq!(authenticator.verify(&bad), Err(Rejected::BadAuth));
    }

    #[test]
    fn kinds_are_told_apart_by_mark_and_mac() {
        let authenticator = authenticator("secret", &["10.0.0.2"]);
        let kind =
            |mac, counter: u64| authenticator.verify(&decoded(mac, counter, authenticator.code(counter)));
        let ours = |skew| {
            let source = "10.0.0.1".parse().unwrap();
            authenticator.marked(0xdead_beef, source, Interval::new(1, skew), 0)
        };
        let marked = ours(1);
        assert_eq!(marked & 0xffff_ffff, 0xdead_beef);
        assert_eq!(kind(MAC, marked).map(|ad| ad.kind()), Ok(PeerKind::Ours));
        let unaltered = |counter| authenticator.is_unaltered(&kind(MAC, counter).unwrap());
        assert!(unaltered(marked) && !unaltered(ours(2)));
        // A kernel that adopts our counter and adds one breaks the mark.
        assert_eq!(kind(MAC, marked.wrapping_add(1)).map(|ad| ad.kind()), Ok(PeerKind::Kernel));
        let old = MacAddr::old_ucarp(Vhid::new(7).unwrap());
        assert_eq!(kind(old, 5).map(|ad| ad.kind()), Ok(PeerKind::OldUcarp));
        assert_eq!(kind(old, marked).map(|ad| ad.kind()), Ok(PeerKind::Ours));
    }

    // FACTS 2: OpenBSD leaves them out, and takes both.
    #[test]
    fn link_local_addresses_may_be_left_out() {
        let all = ["10.0.0.2", "fe80::1", "2001:db8::1"];
        let (full, routable) =
            (authenticator("secret", &all), authenticator("secret", &["10.0.0.2", "2001:db8::1"]));
        assert!(full.verify(&decoded(MAC, 42, full.code(42))).is_ok());
        assert!(full.verify(&decoded(MAC, 42, routable.code(42))).is_ok());
        assert!(routable.verify(&decoded(MAC, 42, full.code(42))).is_err());
        assert_eq!(full.speaking(Dialect::OpenBsd).code(42), routable.code(42));
        for dialect in [Dialect::Any, Dialect::FreeBsd, Dialect::NetBsd, Dialect::Ucarp] {
            let full = authenticator("secret", &all);
            assert_eq!(
                full.code(42),
                authenticator("secret", &all).speaking(dialect).code(42),
                "{dialect:?}"
            );
        }
        // Without such addresses there is one form only.
        assert!(routable.routable.is_none());
        assert_eq!(routable.code(42), routable.speaking(Dialect::OpenBsd).code(42));
    }

    #[test]
    fn twenty_bytes_are_a_key_and_no_more() {
        assert!(Key::from_password(&[b'x'; 20]).is_ok());
        assert_eq!(Key::from_password(&[b'x'; 21]).err(), Some(KeyError::TooLong));
    }

    #[test]
    fn debug_does_not_tell() {
        let key = Key::from_password(b"hunter2").unwrap();
        assert_eq!(format!("{key:?}"), "Key(***)");
        assert!(!format!("{:?}", authenticator("hunter2", &[])).contains("hunter2"));
    }
}
