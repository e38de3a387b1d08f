//! Why a host that is told to take the addresses does not.

use std::net::IpAddr;

use super::{Interval, Role};

/// What speaks against it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Untaken {
    /// It is no backup.
    Role(Role),
    /// Something failed that it is to be no master without.
    Released,
    /// It is demoted by this much, 1..=254.
    Demoted(u8),
    /// A kernel is there, and this host can advertise in one family alone.
    OneFamily,
    /// No master is heard from which to take them.
    NobodyHeard,
    /// The master is not worse, so it would take them back or not leave them.
    NotWorse {
        /// Where the master advertises from.
        peer: IpAddr,
        /// What it advertises.
        its: Interval,
        /// What this host competes with.
        ours: Interval,
    },
}
