//! One virtual host: frames and events in, actions out.

use std::time::Duration;

use super::{Action, Event, Hook, Parameters, Peer, Reason, Rejected, Rejections, Role, Time};

/// The machine.
pub struct VirtualHost {
    _parameters: Parameters,
}

/// What was counted since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Advertisements sent, of either family, bow-outs included.
    pub sent: u64,
    /// Sending failures, of anything.
    pub send_failures: u64,
    /// Authentic advertisements heard.
    pub heard: u64,
    /// Authentic advertisements whose type or authlen no CARP sends (counted, not refused: register, row 9).
    pub odd: u64,
    /// Gratuitous ARP and neighbour advertisements sent.
    pub announcements: u64,
    /// Changes of state.
    pub transitions: u64,
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
    /// When a silent master will be declared dead (as backup).
    pub master_down: Option<Time>,
    /// The advskew we compete with, and whether it is the configured one.
    pub demoted: bool,
    /// The hook in progress and since when.
    pub hook: Option<(Hook, Time)>,
    /// The last hook that ended and whether it succeeded.
    pub last_hook: Option<(Hook, bool)>,
    /// What was counted.
    pub counters: Counters,
}

impl VirtualHost {
    /// A virtual host in Init, nothing armed. The seed gives counters and packet ids.
    #[must_use]
    pub fn new(_parameters: Parameters, _seed: u64) -> Self {
        todo!()
    }

    /// Takes in a frame from the wire.
    ///
    /// # Errors
    /// Why it was ignored; that is counted, and nothing else has changed.
    pub fn receive(&mut self, _frame: &[u8], _now: Time) -> Result<Vec<Action>, Rejected> {
        todo!()
    }

    /// Takes in a fact.
    pub fn handle(&mut self, _event: Event, _now: Time) -> Vec<Action> {
        todo!()
    }

    /// By when `handle(Event::Tick)` must be called again. Early is harmless, late costs quality.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        todo!()
    }

    /// Whether, after a `Shutdown`, nothing is left to do.
    #[must_use]
    pub fn finished(&self) -> bool {
        todo!()
    }

    /// The state, for people and programs.
    #[must_use]
    pub fn snapshot(&self, _now: Time) -> Snapshot {
        todo!()
    }
}
