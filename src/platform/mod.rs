//! One kernel's way to do a small, fixed list of things.
//!
//! Every system offers the same items with the same signatures; `contract.rs` makes a drifting one fail to
//! compile. There is no trait, because a binary never holds more than one implementation. What the standard
//! library does portably (child processes, UNIX sockets) does not enter this room.
//!
//! This is the only file that asks for which system we are built. It moves bytes and names: it knows neither
//! what CARP is nor any other room, it decides nothing and it logs nothing. It is the only room with `unsafe`.
//!
//! Consts name abilities ([`LINK_CHANGES_ARE_EVENTS`], [`UNTAGGED_ONLY`], [`WAIT_SLACK`]), never systems.

mod background;
mod contract;
mod ip_socket;
mod locale;
mod pidfile;
mod posix;
#[cfg(target_os = "linux")]
mod ppoll;
#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod sys;

#[cfg(not(target_os = "linux"))]
compile_error!("this system is not supported yet; supported: Linux");

pub use background::{Process, Readiness, Waiting, go_to_background};
pub use ip_socket::{Envelope, IpSocket};
pub use locale::adopt_locale;
pub use pidfile::{PidFile, PidFileError};
pub use posix::{
    LocalTime, Signal, Signals, close_on_exec, executable, interface_addresses, interface_index,
    interface_name, interface_of, kill_group, local_time, local_time_of, may_create_in, writable,
};
pub use sys::{
    Claim, LINK_CHANGES_ARE_EVENTS, LinkMonitor, LinkSocket, Membership, UNTAGGED_ONLY, WAIT_SLACK,
    blank_argument, hardware_address, ignore_outgoing, is_ethernet, keep_descriptors_private, link_state,
    missing_privilege, now, random_seed, unready_addresses, wait,
};

/// Whether an interface can carry frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkState {
    /// Administratively up and with a carrier.
    Up,
    /// Down or without a carrier.
    Down,
    /// No interface has this name.
    Gone,
}

/// Why an address of an interface should not be sent from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unready {
    /// The search for duplicates (RFC 4862) has not ended yet; it takes about a second.
    Tentative,
    /// The search for duplicates found another host with it.
    Duplicate,
    /// Its preferred lifetime is over. It still works.
    Deprecated,
}

/// What a [`LinkMonitor`] was told of since it was last read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Changes {
    /// Some interface came, went or changed its state or hardware address.
    pub links: bool,
    /// Some interface was given an address or lost one.
    pub addresses: bool,
}
