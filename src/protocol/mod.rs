//! What CARP says: codecs, authentication, election, takeover. No clock, no descriptor, no log, no locale.
//!
//! (register goes here)

mod action;
mod announcer;
mod auth;
mod demotion;
mod election;
mod interval;
mod parameters;
mod peers;
mod rejected;
mod takeover;
mod tie;
mod time;
mod virtual_host;
pub mod wire;

pub use action::{Action, Demotion, Event, Frame, Hook, Link, Notice, Peer, Reason, Role, Transmission};
pub use auth::{Advertisement, Authenticator, Key, KeyError, PeerKind};
pub use interval::Interval;
pub use parameters::{
    Announcing, Destination, Family, HookFailure, Hooks, MacAddr, Parameters, Sources, Vhid,
};
pub use rejected::{Rejected, Rejections};
pub use time::Time;
pub use virtual_host::{Counters, Snapshot, VirtualHost};
