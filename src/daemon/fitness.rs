//! What demotes the virtual hosts of this machine from outside of their cores: checks, and the operator's word. What the
//! members of a group see themselves the fleet notices.
//!
//! It decides nothing about roles; what a demotion means is the election's.

use std::collections::BTreeSet;

use super::fleet::Fleet;
use super::report::Report;
use crate::config::check::{Check, OnFailure, Verdict};
use crate::protocol::Time;
use crate::protocol::causes::{Cause, Weight};

/// A check came to another verdict, or is made no more, which is as good as none.
pub(super) fn judged(fleet: &mut Fleet, check: &Check, verdict: Verdict, report: &mut Report, now: Time) {
    let weight = Weight { amount: check.demote, releases: check.on_failure == OnFailure::Release };
    let weight = (verdict == Verdict::Failing).then_some(weight);
    let mut changed = fleet.there();
    changed.retain(|host| {
        // Who was meant before may be in another group now.
        let config = &fleet.hosts()[*host].config;
        let is_meant = check.whom.means(config.name.as_deref(), config.group.as_deref());
        fleet.causes.set(*host, Cause::Check(check.name.clone()), weight.filter(|_| is_meant), now)
    });
    let mut told = BTreeSet::new();
    for host in changed {
        // Once for all who move together, however many they are.
        if !told.contains(&host) {
            told.extend(fleet.causes.company(host));
            fleet.share(host, report, now);
        }
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
