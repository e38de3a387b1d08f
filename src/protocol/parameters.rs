//! What a virtual host is told once: its identity, its preference and its manners.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::{Dialect, Family, Interval, Key, MacAddr, Vhid};

/// Everything a virtual host needs to know. Made by the daemon from a `Config` and from the interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parameters {
    /// Which virtual host on the segment.
    pub vhid: Vhid,
    /// The addresses shared, in any order; hashed sorted, as every kernel does.
    pub addresses: Vec<IpAddr>,
    /// The shared secret.
    pub key: Key,
    /// Others that are accepted and never sent, three at most: further lines of a passfile.
    pub also_accepted: Vec<Key>,
    /// For how long, after a change of what is under the HMAC, the former is sent at most: by then all hosts are told.
    pub settle: Duration,
    /// Our interval, which is our preference.
    pub interval: Interval,
    /// How many intervals a master may miss, at least 1 (3 everywhere by default).
    pub dead_ratio: u32,
    /// Take over from a slower master.
    pub preempt: bool,
    /// For so long after the start, and after each return of the link, silence is no reason to become master. Zero: it
    /// always is.
    pub start_hold: Duration,
    /// For so long everything must have been well, and the worse master heard, before it is preempted. Zero: at once.
    pub preempt_delay: Duration,
    /// Do not run the down hook at start.
    pub neutral: bool,
    /// Where our advertisements come from, and how ties are decided.
    pub sources: Sources,
    /// The hardware address that answers for the addresses.
    pub mac: MacAddr,
    /// Where our advertisements go.
    pub destination: Destination,
    /// Whether there are hooks to run.
    pub hooks: Hooks,
    /// How addresses are announced.
    pub announcing: Announcing,
    /// What kind of peer advertisements are made for.
    pub dialect: Dialect,
    /// What is thought of advertisements of our own kind that may be recordings.
    pub replay: Replay,
    /// Believe our own kind alone.
    pub only_ours: bool,
}

impl Parameters {
    /// How long it may take until all hosts are told of a change, unless `settle` says otherwise.
    pub const SETTLE: Duration = Duration::from_secs(15 * 60);
}

/// What is thought of advertisements of our own kind that may be recordings.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Replay {
    /// Of a peer that was heard before, older ones are refused. One whose clock is far behind and who does not answer is
    /// followed, and the operator told.
    #[default]
    Warn,
    /// Such a one is refused after its dead time.
    Refuse,
    /// Their age is not looked at.
    Off,
}

/// The interface's own addresses that advertisements are sent from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sources {
    /// Needed when there are IPv4 virtual addresses.
    pub v4: Option<Ipv4Addr>,
    /// Needed when there are IPv6 virtual addresses; link-local.
    pub v6: Option<Ipv6Addr>,
}

impl Sources {
    /// Whether it is one of them.
    pub(super) fn has(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => self.v4 == Some(v4),
            IpAddr::V6(v6) => self.v6 == Some(v6),
        }
    }
}

/// Where advertisements go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Destination {
    /// The IPv4 group (`--mcast`).
    pub v4: Ipv4Addr,
    /// The IPv6 group.
    pub v6: Ipv6Addr,
    /// Send to the Ethernet broadcast address instead of the group's (`--nomcast`).
    pub broadcast: bool,
    /// The other hosts, each by one address (`--peer`). A family that has some uses no group.
    pub peers: Vec<IpAddr>,
}

impl Destination {
    /// 224.0.0.18, CARP's and VRRP's group.
    pub const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
    /// ff02::12, CARP's and VRRP's group.
    pub const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);

    /// The peers of a family.
    pub fn peers(&self, family: Family) -> impl Iterator<Item = IpAddr> + '_ {
        self.peers.iter().copied().filter(move |peer| Family::of(*peer) == family)
    }

    /// Whether a family has peers.
    #[must_use]
    pub fn is_unicast(&self, family: Family) -> bool {
        self.peers(family).next().is_some()
    }

    /// Whether an advertisement sent there is for us. With peers that is any address of one host: which are ours
    /// is the interface's affair, and the daemon's filter lets no others through.
    #[must_use]
    pub fn accepts(&self, address: IpAddr) -> bool {
        let family = Family::of(address);
        if self.is_unicast(family) {
            !address.is_multicast() && !address.is_unspecified() && address != IpAddr::V4(Ipv4Addr::BROADCAST)
        } else {
            address == self.group(family)
        }
    }

    /// The group of a family.
    #[must_use]
    pub const fn group(&self, family: Family) -> IpAddr {
        match family {
            Family::V4 => IpAddr::V4(self.v4),
            Family::V6 => IpAddr::V6(self.v6),
        }
    }
}

impl Default for Destination {
    fn default() -> Self {
        Self { v4: Self::GROUP_V4, v6: Self::GROUP_V6, broadcast: false, peers: Vec::new() }
    }
}

/// What the operator's scripts are and what is thought of their failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hooks {
    /// An up hook exists.
    pub up: bool,
    /// A down hook exists.
    pub down: bool,
    /// Which pair of scripts these are: another number for others. See [`VirtualHost::scripts`](super::VirtualHost::scripts).
    pub scripts: u32,
    /// How long either may run.
    pub timeout: Duration,
    /// What a failed up hook means.
    pub failure: HookFailure,
    /// What is done about a shared address that a master lost, where scripts bring it.
    pub on_lost_address: OnLostAddress,
    /// The addresses are brought and taken away by us, whatever the scripts do beside that.
    pub manages: bool,
}

impl Hooks {
    /// How long a hook may run unless `--hook-timeout` says otherwise.
    pub const TIMEOUT: Duration = Duration::from_secs(60);
}

impl Default for Hooks {
    fn default() -> Self {
        Self {
            up: false,
            down: false,
            scripts: 0,
            timeout: Self::TIMEOUT,
            failure: HookFailure::Stay,
            on_lost_address: OnLostAddress::Hook,
            manages: false,
        }
    }
}

/// What a failed up hook means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HookFailure {
    /// Stay master: somebody has to be.
    Stay,
    /// Bow out and compete with advskew 240, for a while only against silence.
    Demote,
}

/// What is done about a shared address that a master had and that is missing now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnLostAddress {
    /// Run the up hook again, at most once a minute.
    Hook,
    /// Tell the operator.
    Warn,
}

/// How addresses are announced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Announcing {
    /// Announcements (request and reply) per occasion, at least 1.
    pub count: u8,
    /// Time between them.
    pub interval: Duration,
    /// Announce again this often while master; zero: never.
    pub refresh: Duration,
}

impl Default for Announcing {
    fn default() -> Self {
        Self { count: 1, interval: Duration::from_millis(200), refresh: Duration::ZERO }
    }
}
