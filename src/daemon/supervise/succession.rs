//! Hands that go on where those of another program were.

use super::{Host, Phase, Plan, Supervisor};
use crate::protocol::{Hook, Role, Time};

/// What is known of a host that is served already.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Known {
    pub(in super::super) plan: Plan,
    pub(in super::super) role: Role,
    pub(in super::super) running: Option<Hook>,
    /// The hook that ran last or runs.
    pub(in super::super) last: Option<Hook>,
}

impl Supervisor {
    /// An engine has said `beat` that it works, and another one is being started in its place. If that one does not work in
    /// time, everything is as if it had died.
    pub(in super::super) fn succeeding(
        known: impl IntoIterator<Item = Known>,
        beat: Time,
        now: Time,
    ) -> Self {
        let mut supervisor = Self::new([], now);
        supervisor.hosts = known
            .into_iter()
            .map(|Known { plan, role, running, last }| Host { role, running, last, ..Host::new(plan) })
            .collect();
        supervisor.silence = super::silence(&supervisor.hosts);
        (supervisor.has_served, supervisor.beat) = (true, beat);
        supervisor.phase = Phase::Starting { until: supervisor.anew_until(now) };
        supervisor
    }

    /// The hook of each host that ran last or runs.
    pub(in super::super) fn last_hooks(&self) -> Vec<Option<Hook>> {
        self.hosts.iter().map(|host| host.last).collect()
    }

    /// The role of each host as an engine that works told it last, and when; nothing, if none works, or the end was asked
    /// for.
    pub(in super::super) fn served(&self) -> Option<(Vec<Role>, Time)> {
        let serves = matches!(self.phase, Phase::Serving { .. }) && self.asked == 0;
        serves.then(|| (self.hosts.iter().map(|host| host.role).collect(), self.beat))
    }
}
