//! How a virtual host is to be served, as bytes: what the hands read of the configuration is told the engine, and whoever
//! serves after an upgrade.

use super::super::coded::{Coded, coded, named, one_of, put_one_of, take_one_of};
use crate::config::check::{OnFailure, Probe, Verdict, Whom};
use crate::config::{Account, Check, Delays, Secret, VirtualAddress, VirtualHostConfig};
use crate::protocol::{Announcing, Destination, Dialect, HookFailure, Interval, OnLostAddress, Replay, Vhid};

one_of! {
    Dialect: Dialect::ALL,
    HookFailure: [HookFailure::Stay, HookFailure::Demote],
    OnLostAddress: [OnLostAddress::Hook, OnLostAddress::Warn],
    Replay: [Replay::Warn, Replay::Refuse, Replay::Off],
    OnFailure: OnFailure::ALL,
    Verdict: Verdict::ALL,
}

named! { VirtualHostConfig {
    name,
    interface,
    label,
    source,
    vhid,
    secret,
    also_accepted,
    addresses,
    manage_address,
    interval,
    dead_ratio,
    preempt,
    delays,
    group,
    required,
    neutral,
    destination,
    up,
    down,
    xparam,
    notify,
    ignore_link_state,
    wait_for_interface,
    withdraw,
    hook_failure,
    on_lost_address,
    hook_timeout,
    announcing,
    dialect,
    replay,
    only_ours,
    settle
} }
named! { Delays { start_hold, preempt } }
named! { Check {
    name,
    probe,
    every,
    timeout,
    fall,
    rise,
    demote,
    on_failure,
    whom,
    initial
} }
coded! { Probe:
    0 Command { program, words, user },
    1 Interface(interface),
    2 File { path, user },
    3 CarpDemotion,
}
coded! { Whom:
    0 Vips(names),
    1 Group(name),
}
coded! { Account { name, uid, gid } }
coded! { VirtualAddress { address, prefix } }
coded! { Interval { base, skew } }
named! { Destination { v4, v6, broadcast, peers } }
named! { Announcing { count, interval, refresh } }

impl Coded for Vhid {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.get().put(bytes);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Self::new(u8::take(bytes)?)
    }
}

impl Coded for Secret {
    fn put(&self, bytes: &mut Vec<u8>) {
        bytes.push(u8::try_from(self.bytes().len()).unwrap_or(0));
        bytes.extend(self.bytes());
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let length = u8::take(bytes)?;
        let (secret, rest) = bytes.split_at_checked(length.into())?;
        *bytes = rest;
        Self::new(secret)
    }
}
