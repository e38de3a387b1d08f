//! What demotes the virtual hosts of this machine from outside of their cores: checks, and the operator's word. What the
//! members of a group see themselves the fleet notices.
//!
//! It decides nothing about roles; what a demotion means is the election's.

use super::fleet::Fleet;
use super::report::Report;
use crate::config::check::{Check, OnFailure, Verdict};
use crate::protocol::Time;
use crate::protocol::causes::{Cause, Weight};

/// A check came to another verdict, or is made no more, which is as good as none.
pub(super) fn judged(fleet: &mut Fleet, check: &Check, verdict: Verdict, report: &mut Report, now: Time) {
    let weight = Weight { amount: check.demote, releases: check.on_failure == OnFailure::Release };
    let weight = (verdict == Verdict::Failing).then_some(weight);
    let is_meant = |host: &usize| {
        let config = &fleet.hosts()[*host].config;
        check.whom.means(config.name.as_deref(), config.group.as_deref())
    };
    let meant: Vec<usize> = fleet.there().into_iter().filter(is_meant).collect();
    for host in &meant {
        fleet.causes.set(*host, Cause::Check(check.name.clone()), weight, now);
    }
    for host in meant {
        fleet.share(host, report, now);
    }
}

/// The operator demotes a virtual host under this name, or does no more.
pub(super) fn by_hand(
    fleet: &mut Fleet,
    host: usize,
    name: &str,
    weight: Option<Weight>,
    report: &mut Report,
    now: Time,
) {
    fleet.causes.set(host, Cause::ByHand(name.to_owned()), weight, now);
    fleet.share(host, report, now);
}
