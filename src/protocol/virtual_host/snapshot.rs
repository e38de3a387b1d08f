//! What there is to know of a virtual host, for people and programs.

use std::time::Duration;

use super::super::{
    Hook, HookEnd, InUse, Interval, Peer, Reason, Rejections, Role, Shift, Speaker, Standby, Time,
};
use super::VirtualHost;

/// What was counted since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Frames for us that the system had no room for.
    pub lost: u64,
    /// Advertisements handed to the system, of either family, bow-outs included.
    pub sent: u64,
    /// Sending failures, of anything.
    pub send_failures: u64,
    /// Authentic advertisements heard.
    pub heard: u64,
    /// Authentic advertisements whose type or authlen no CARP sends (counted, not refused: register, row 9).
    pub odd: u64,
    /// Gratuitous ARP and neighbour advertisements handed to the system.
    pub announcements: u64,
    /// Changes of state.
    pub transitions: u64,
    /// How often it was told that it was woken much later than it had asked for.
    pub late_wakes: u64,
    /// Frames refused, by reason.
    pub rejections: Rejections,
}

/// The state of a virtual host for people and programs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// Its role.
    pub role: Role,
    /// Since when.
    pub since: Time,
    /// How long that is.
    pub lasted: Duration,
    /// Why.
    pub reason: Reason,
    /// The master we follow (as backup).
    pub followed: Option<Peer>,
    /// Who advertises our id and does not authenticate.
    pub refused: Option<Peer>,
    /// The other master, while we are one.
    pub rival: Option<Peer>,
    /// For how long, since the start, it was master beside another one that authenticates itself; measured.
    pub two_masters: Duration,
    /// When a silent master will be declared dead (as backup).
    pub master_down: Option<Time>,
    /// Until when, having changed too often, the role ends only by silence or a better master.
    pub lasts_until: Option<Time>,
    /// The interval we compete with.
    pub interval: Interval,
    /// By how much it is demoted, 0..=254; if at all, that interval is worse than the configured one.
    pub demotion: u8,
    /// It is no master whoever else is there, for something that failed.
    pub released: bool,
    /// When it preempts the master it follows, if that is still heard then.
    pub preempts_at: Option<Time>,
    /// The hook in progress and since when.
    pub hook: Option<(Hook, Time)>,
    /// The last hook that ended and how.
    pub last_hook: Option<(Hook, HookEnd)>,
    /// The hook that did not do its work and runs again, and when.
    pub owed_hook: Option<(Hook, Time)>,
    /// What could not be done about managed addresses, and when it is tried again.
    pub owed_shift: Option<(Shift, Time)>,
    /// Whether a shared address that this master had is missing.
    pub address_missing: bool,
    /// What is accepted besides what is sent, and who uses it; nothing if nothing is.
    pub forms: Vec<InUse>,
    /// Who follows this master, as far as it says so.
    pub standbys: Vec<Standby>,
    /// What was counted.
    pub counters: Counters,
}

impl VirtualHost {
    /// Everybody else who speaks for it and authenticates, as far as that is remembered: 16 at most, in no order.
    #[must_use]
    pub fn speakers(&self, now: Time) -> Vec<Speaker> {
        self.election.speakers(now)
    }

    /// The state, for people and programs.
    #[must_use]
    pub fn snapshot(&self, now: Time) -> Snapshot {
        let role = self.election.role();
        Snapshot {
            role,
            since: self.election.since(),
            lasted: now.since(self.election.since()),
            reason: self.reason,
            followed: self.election.followed().filter(|_| role == Role::Backup),
            refused: self.refused.master(now),
            rival: self.rivalry.rival(now),
            two_masters: self.rivalry.total(),
            master_down: self.election.master_down(),
            lasts_until: self.election.lasts_until(now),
            interval: self.election.interval(),
            demotion: self.election.demotion(),
            released: self.election.released(),
            preempts_at: self.election.preempts_at().filter(|_| role == Role::Backup),
            hook: self.takeover.running(),
            last_hook: self.takeover.last(),
            owed_hook: self.takeover.owed(),
            owed_shift: self.keeping.owed(),
            address_missing: self.watch.missing(),
            forms: self.forms.in_use(),
            standbys: self.standbys.list(),
            counters: self.counters,
        }
    }
}
