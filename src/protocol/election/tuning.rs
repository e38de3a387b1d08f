//! What of the parameters the election goes by, and what it means for a role that they change.
//!
//! Nothing here makes anybody master or backup: a better or worse interval is heard by the others, and theirs by us, and
//! what follows from that is decided in `heard.rs`.

use std::net::IpAddr;
use std::time::Duration;

use super::super::{HookFailure, Interval, Parameters, Time};
use super::{Decision, Election, State};

/// What the election goes by, its place on the segment excepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) struct Tuning {
    /// As configured; [`Election::interval`] is what we compete with.
    pub(super) interval: Interval,
    pub(super) dead_ratio: u32,
    pub(super) preempt: bool,
    pub(super) preempt_delay: Duration,
    pub(super) start_hold: Duration,
    pub(super) demote_on_failed_hook: bool,
    pub(super) honours_demotion: bool,
    /// Addresses of both families are shared.
    pub(super) dual_stack: bool,
}

impl Tuning {
    /// `dual_stack`: addresses of both families are shared.
    pub(in super::super) fn of(parameters: &Parameters, dual_stack: bool) -> Self {
        Self {
            interval: parameters.interval,
            dead_ratio: parameters.dead_ratio.max(1),
            preempt: parameters.preempt,
            preempt_delay: parameters.preempt_delay,
            start_hold: parameters.start_hold,
            demote_on_failed_hook: parameters.hooks.failure == HookFailure::Demote,
            honours_demotion: parameters.dialect.honours_demotion(),
            dual_stack,
        }
    }
}

impl Election {
    /// The addresses that several may send from are these from now on.
    pub(in super::super) fn share(&mut self, addresses: &[IpAddr]) {
        self.peers.share(addresses);
    }

    /// Addresses of both families are shared from now on, or of one.
    pub(in super::super) fn speak_both(&mut self, dual_stack: bool) {
        self.tuning.dual_stack = dual_stack;
        self.told_that_we_stand_back &= self.stands_back();
    }

    /// A wait that becomes longer counts from where it began. One that becomes shorter begins anew if that is later: what
    /// was no silence for as long as it lasted does not become one by a word of the operator.
    pub(super) fn tune_backup(&mut self, tuning: Tuning, master_down: Time, listened: bool, now: Time) {
        let followed = self.followed().map(|peer| peer.interval);
        let before = self.dead_after(followed);
        self.tuning = tuning;
        self.told_that_we_stand_back &= self.stands_back();
        let after = self.dead_after(followed);
        // A takeover that was put off happens when it was put off to.
        if self.postponed.is_none() && after != before {
            let master_down =
                if after > before { master_down + (after - before) } else { master_down.min(now + after) };
            self.state = State::Backup { master_down, listened };
        }
    }

    /// Others learn at once by what they have to measure a master's silence now.
    pub(super) fn tune_master(
        &mut self,
        tuning: Tuning,
        grace_ends: Option<Time>,
        now: Time,
        out: &mut Vec<Decision>,
    ) {
        let before = self.interval();
        self.tuning = tuning;
        self.told_that_we_stand_back &= self.stands_back();
        if self.interval() == before || self.listening {
            return;
        }
        if grace_ends.is_none() {
            out.push(Decision::Advertise { scheduled: false });
        }
        self.state = State::Master { next_advert: now + self.interval().period(), grace_ends };
    }
}
