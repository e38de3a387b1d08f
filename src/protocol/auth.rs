//! Authentication.

use std::net::IpAddr;

use super::wire::Decoded;
use super::{Family, Interval, MacAddr, Rejected, Vhid};

/// A shared secret of 0..=20 bytes, zero-padded, wiped when dropped. `Debug` shows `***`.
#[derive(Clone)]
pub struct Key([u8; 20]);

/// The password cannot be a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyError {
    /// More than 20 bytes.
    TooLong,
}

impl Key {
    /// The key of a password: its bytes, zero-padded (FACTS 2).
    ///
    /// # Errors
    /// [`KeyError::TooLong`] above 20 bytes.
    pub fn from_password(_password: &[u8]) -> Result<Self, KeyError> {
        todo!()
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
}

/// HMAC-SHA1 over the address set, prepared once.
pub struct Authenticator(());

impl Authenticator {
    /// Prepares for a virtual host and its addresses, in any order.
    #[must_use]
    pub fn new(_key: &Key, _vhid: Vhid, _addresses: &[IpAddr]) -> Self {
        todo!()
    }

    /// The HMAC for a counter.
    #[must_use]
    pub fn code(&self, _counter: u64) -> [u8; 20] {
        todo!()
    }

    /// The mark that makes a counter ours: its low half for this high half (register, row 7).
    #[must_use]
    pub fn marked(&self, _random: u32) -> u64 {
        todo!()
    }

    /// Turns a decoded frame into an advertisement.
    ///
    /// # Errors
    /// [`Rejected::BadAuth`].
    pub fn verify(&self, _decoded: &Decoded) -> Result<Advertisement, Rejected> {
        todo!()
    }
}
