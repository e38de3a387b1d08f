//! One kernel's way to do a small fixed list of things. It moves bytes and names and does not know what CARP is.
//!
//! This is the only file that asks which system it is built for. Each system is a file offering the same items
//! with the same signatures; `contract.rs` makes a difference fail to compile. What all systems do alike is in
//! `posix.rs`. Every path on every system offers:
//!
//! - `now`, `wait`, `Signals`, `local_time`, `random_seed`, `adopt_locale`, `kill_group`, `close_on_exec`;
//! - `LinkSocket`: sends whole frames, receives nothing;
//! - `LinkMonitor`: becomes readable when something about an interface changed;
//! - `Membership`: keeps a multicast group joined;
//! - `hardware_address`, `interface_index`, `link_state`, `interface_addresses`, `interface_of`;
//! - `missing_privilege`: what this process may not do.
//!
//! Constants name abilities, never systems.

mod contract;
mod locale;
mod posix;

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod sys;

#[cfg(not(target_os = "linux"))]
compile_error!("this system has no platform layer yet; supported: Linux");

pub use locale::adopt_locale;
pub use posix::{
    LinkState, LocalTime, Signal, Signals, close_on_exec, interface_addresses, interface_index, interface_of,
    kill_group, local_time, random_seed, wait, writable,
};
pub use sys::{
    LINK_CHANGES_ARE_EVENTS, LinkMonitor, LinkSocket, Membership, hardware_address, link_state,
    missing_privilege, now,
};
