//! The engine's side of checks: has them made by the hands, says what came of them, and tells whom they are about.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use super::fitness;
use super::fleet::Fleet;
use super::health::{Deed, Health};
use super::outcome::Found;
use super::report::Report;
use super::request::Request;
use super::roster::Roster;
use crate::config::Check;
use crate::config::check::Verdict;
use crate::protocol::Time;

/// The checks that there are when an engine begins. `anew`: the daemon does, too.
pub(super) fn begin(
    roster: &Roster,
    anew: bool,
    fleet: &mut Fleet,
    report: &mut Report,
    now: Time,
) -> Health {
    // Another number on each host, so that they do not all ask the same server at once.
    let seed = RandomState::new().build_hasher().finish() >> 32;
    let mut health = Health::new(u32::try_from(seed).unwrap_or_default());
    for (number, check) in roster.checks() {
        health.watch(number, check.clone(), anew, now);
    }
    tell_all(&health, fleet, report, now);
    health
}

/// Another check has this number from now on, or none.
pub(super) fn change(
    health: &mut Health,
    number: u16,
    check: Option<Check>,
    fleet: &mut Fleet,
    report: &mut Report,
    now: Time,
) {
    if let Some(former) = health.let_go(number) {
        fitness::judged(fleet, &former, Verdict::Unknown, report, now);
    }
    if let Some(check) = check {
        fitness::judged(fleet, &check, Verdict::Unknown, report, now);
        health.watch(number, check, false, now);
    }
}

/// Tells what is thought of all of them: there are others now whom they are about.
pub(super) fn tell_all(health: &Health, fleet: &mut Fleet, report: &mut Report, now: Time) {
    for (check, verdict) in health.all() {
        fitness::judged(fleet, check, verdict, report, now);
    }
}

/// Has those made that are due.
pub(super) fn tick(health: &mut Health, fleet: &mut Fleet, report: &mut Report, now: Time) {
    if health.deadline().is_some_and(|deadline| deadline <= now) {
        let deeds = health.tick(now);
        follow(health, deeds, fleet, report, now);
    }
}

/// A run found something.
pub(super) fn found(
    health: &mut Health,
    (check, run): (u16, u32),
    found: Found,
    fleet: &mut Fleet,
    report: &mut Report,
    now: Time,
) {
    let deeds = health.ended(check, run, found);
    follow(health, deeds, fleet, report, now);
}

fn follow(health: &Health, deeds: Vec<Deed>, fleet: &mut Fleet, report: &mut Report, now: Time) {
    for deed in deeds {
        match deed {
            Deed::Begin { check, run } => fleet.ask(Request::Check { check, run }),
            Deed::Ran { check, found } => {
                if let Some(check) = health.get(check) {
                    report.checked(check, &found);
                }
            }
            Deed::Judged { check, verdict, found } => {
                if let Some(check) = health.get(check) {
                    report.judged(check, verdict, &found, now);
                    fitness::judged(fleet, check, verdict, report, now);
                }
            }
        }
    }
}
