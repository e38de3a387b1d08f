//! Words into values that cannot be invalid.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::protocol::{Announcing, Destination, HookFailure, Interval, Vhid};

/// Everything the operator asked for, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The virtual hosts to serve; the command line makes one.
    pub hosts: Vec<VirtualHostConfig>,
    /// Bow out and run the down hook on the way out (`--shutdown`).
    pub withdraw: bool,
    /// Where and how much to log.
    pub log: LogConfig,
}

/// One virtual host, as asked for.
#[derive(Clone, Debug)]
pub struct VirtualHostConfig {
    /// The interface; without one, the interface that has `source`.
    pub interface: Option<String>,
    /// The interface's own address to send from; without one, its first that is not virtual.
    pub source: Option<IpAddr>,
    /// Which virtual host on the segment.
    pub vhid: Vhid,
    /// The shared secret.
    pub secret: Secret,
    /// The addresses shared, in the order given; never empty, no duplicates.
    pub addresses: Vec<VirtualAddress>,
    /// Our preference.
    pub interval: Interval,
    /// How many intervals a master may miss, at least 1.
    pub dead_ratio: u32,
    /// Take over from a slower master.
    pub preempt: bool,
    /// Do not run the down hook at start.
    pub neutral: bool,
    /// Where advertisements go.
    pub destination: Destination,
    /// Script run on becoming master, absolute.
    pub up: Option<PathBuf>,
    /// Script run on stopping being master, absolute.
    pub down: Option<PathBuf>,
    /// Third argument of the scripts.
    pub xparam: Option<OsString>,
    /// Treat the interface as usable whatever it says (`--ignoreifstate`).
    pub ignore_link_state: bool,
    /// What a failed up hook means.
    pub hook_failure: HookFailure,
    /// How long a hook may run.
    pub hook_timeout: std::time::Duration,
    /// How addresses are announced.
    pub announcing: Announcing,
}

/// A virtual address with the prefix length it was given with, if any.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VirtualAddress {
    /// The address.
    pub address: IpAddr,
    /// What stood behind the slash.
    pub prefix: Option<u8>,
}

/// A password, wiped when dropped. `Debug` shows `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// Where and how much to log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogConfig {
    /// The syslog facility, or none at all.
    pub facility: Option<crate::log::Facility>,
    /// Debug lines too.
    pub debug: bool,
}
