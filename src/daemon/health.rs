//! What is thought of each check: when it is made next, when a run has had its time, and what follows from how it ended.
//!
//! It is told the time and what became of a run, and answers what to begin and what is thought now. Must not know how a
//! check is made, nor what its failing means to anybody.
//!
//! - The first run of each comes soon, and not those of all at once: this spreads all that follow.
//! - There is one run of a check at a time. One that has had its time has failed, whether it ends or not; while it does
//!   not end each time that another would have begun counts as a run that failed.
//! - A question that was not asked, or not answered, is asked again, and nothing is thought of it.

use std::time::Duration;

use super::deadlines::Deadlines;
use super::outcome::Found;
use crate::config::Check;
use crate::config::check::{Probe, Verdict};
use crate::protocol::Time;

/// Within so long, at most, each check is made for the first time.
const SPREAD: Duration = Duration::from_secs(2);
/// A run that seems to have taken so much longer than it may was not looked at: everything slept.
const ASLEEP: Duration = Duration::from_secs(1);
/// Interfaces may change as often as they like.
const LEAST: Duration = Duration::from_millis(100);

/// All checks, by numbers.
#[derive(Default)]
pub(super) struct Health {
    watched: Vec<Option<Watched>>,
    due: Deadlines,
    /// The number of the run that began last.
    runs: u32,
    /// Where in the spread the next one begins, in parts of 2^32.
    phase: u32,
}

/// What follows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Deed {
    /// This run of this check is to begin.
    Begin { check: u16, run: u32 },
    /// A run has failed or passed.
    Ran { check: u16, found: Found },
    /// Enough of them have, and from now on this is thought of it.
    Judged { check: u16, verdict: Verdict, found: Found },
}

struct Watched {
    check: Check,
    verdict: Verdict,
    /// No run has said so yet.
    presumed: bool,
    /// It is to pass once, as at the daemon's start.
    fresh: bool,
    /// So many runs in a row.
    failed: u16,
    passed: u16,
    run: Option<Run>,
    /// When a run began last.
    began: Option<Time>,
    next: Time,
}

#[derive(Clone, Copy)]
struct Run {
    number: u32,
    /// Until it has had its time; nothing if it had.
    until: Option<Time>,
}

impl Health {
    /// Any `seed` will do, as long as other hosts have another.
    pub(super) fn new(seed: u32) -> Self {
        Self { phase: seed, ..Self::default() }
    }

    /// A check is to be made from now on, in place of the one that had this number. `begins`: so does the daemon.
    pub(super) fn watch(&mut self, number: u16, check: Check, begins: bool, now: Time) {
        // By the golden ratio: however many there are, none begins close to another.
        self.phase = self.phase.wrapping_add(0x9e37_79b9);
        let span = check.every.min(SPREAD).as_nanos();
        let offset = u64::try_from((span * u128::from(self.phase)) >> 32).unwrap_or_default();
        let verdict = if begins { check.initial } else { Verdict::Unknown };
        let place = usize::from(number);
        if self.watched.len() <= place {
            self.watched.resize_with(place + 1, || None);
        }
        let watched = Watched {
            verdict,
            check,
            presumed: true,
            fresh: verdict == Verdict::Failing,
            failed: 0,
            passed: 0,
            run: None,
            began: None,
            next: now + Duration::from_nanos(offset),
        };
        self.due.set(place, Some(watched.next));
        self.watched[place] = Some(watched);
    }

    /// It is made no more.
    pub(super) fn let_go(&mut self, number: u16) -> Option<Check> {
        self.due.set(number.into(), None);
        self.watched.get_mut(usize::from(number))?.take().map(|watched| watched.check)
    }

    /// The check of this number.
    pub(super) fn get(&self, number: u16) -> Option<&Check> {
        self.watched.get(usize::from(number))?.as_ref().map(|watched| &watched.check)
    }

    /// All of them, and what is thought of each.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Check, Verdict)> {
        self.watched.iter().flatten().map(|watched| (&watched.check, watched.verdict))
    }

    /// When there is something to do next.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.due.first()
    }

    /// Does what is to be done by now.
    pub(super) fn tick(&mut self, now: Time) -> Vec<Deed> {
        let mut deeds = Vec::new();
        for place in self.due.due(now) {
            let Some(watched) = self.watched.get_mut(place).and_then(Option::as_mut) else { continue };
            let Ok(number) = u16::try_from(place) else { continue };
            watched.end_by_time(number, now, &mut deeds);
            if watched.next <= now {
                watched.advance(now);
                match watched.run {
                    None => {
                        self.runs = self.runs.wrapping_add(1);
                        watched.begin(self.runs, now);
                        deeds.push(Deed::Begin { check: number, run: self.runs });
                    }
                    Some(Run { until: None, .. }) => watched.judge(number, Found::StillRuns, &mut deeds),
                    Some(Run { until: Some(_), .. }) => {}
                }
            }
            self.due.set(place, Some(watched.deadline()));
        }
        deeds
    }

    /// A run is over. What became of one that had its time before matters no more.
    pub(super) fn ended(&mut self, number: u16, run: u32, found: Found) -> Vec<Deed> {
        let mut deeds = Vec::new();
        if let Some(ended) = self.over(number, run) {
            let watched = self.watched.get_mut(usize::from(number)).and_then(Option::as_mut);
            if let Some(watched) = watched.filter(|_| ended.until.is_some()) {
                watched.judge(number, found, &mut deeds);
            }
        }
        deeds
    }

    /// A run did not begin, for a reason that says nothing of what it was to look at.
    pub(super) fn unasked(&mut self, number: u16, run: u32) {
        self.over(number, run);
    }

    /// Some interface changed: who looks at one looks now.
    pub(super) fn links_changed(&mut self, now: Time) {
        for (place, watched) in self.watched.iter_mut().enumerate() {
            let Some(watched) = watched.as_mut().filter(|one| matches!(one.check.probe, Probe::Interface(_)))
            else {
                continue;
            };
            let soonest = watched.began.map_or(now, |began| now.max(began + LEAST));
            watched.next = watched.next.min(soonest);
            self.due.set(place, Some(watched.deadline()));
        }
    }

    fn over(&mut self, number: u16, run: u32) -> Option<Run> {
        let watched = self.watched.get_mut(usize::from(number))?.as_mut()?;
        let ended = watched.run.take_if(|known| known.number == run)?;
        self.due.set(number.into(), Some(watched.deadline()));
        Some(ended)
    }
}

impl Watched {
    fn deadline(&self) -> Time {
        let until = self.run.and_then(|run| run.until);
        until.map_or(self.next, |until| until.min(self.next))
    }

    fn begin(&mut self, number: u32, now: Time) {
        self.run = Some(Run { number, until: Some(now + self.check.timeout) });
        self.began = Some(now);
    }

    /// To the next time that is not over: what was missed is not made up for.
    fn advance(&mut self, now: Time) {
        let every = self.check.every.max(LEAST);
        let missed = now.since(self.next).as_nanos() / every.as_nanos();
        let steps = u32::try_from(missed).unwrap_or(u32::MAX).saturating_add(1);
        self.next = self.next + every.saturating_mul(steps);
    }

    /// Whether its run has had its time.
    fn end_by_time(&mut self, number: u16, now: Time, deeds: &mut Vec<Deed>) {
        let timeout = self.check.timeout;
        let Some(run) = &mut self.run else { return };
        let Some(until) = run.until.filter(|until| *until <= now) else { return };
        if now.since(until) >= ASLEEP {
            run.until = Some(now + timeout);
        } else if self.check.probe.runs() {
            run.until = None;
            self.judge(number, Found::TimedOut, deeds);
        } else {
            self.run = None;
        }
    }

    fn judge(&mut self, number: u16, found: Found, deeds: &mut Vec<Deed>) {
        let passes = found.is_well();
        (self.passed, self.failed) = match passes {
            true => (self.passed.saturating_add(1), 0),
            false => (0, self.failed.saturating_add(1)),
        };
        let (rise, fall) = (self.check.rise, self.check.fall);
        let is_enough = match (self.verdict, passes) {
            (Verdict::Passing | Verdict::Unknown, true) => true,
            (Verdict::Failing, true) => self.passed >= if self.fresh { 1 } else { rise },
            (Verdict::Failing | Verdict::Passing | Verdict::Unknown, false) => self.failed >= fall,
        };
        let verdict = if passes { Verdict::Passing } else { Verdict::Failing };
        if is_enough && (self.verdict != verdict || self.presumed) {
            (self.verdict, self.presumed) = (verdict, false);
            self.fresh &= !passes;
            deeds.push(Deed::Judged { check: number, verdict, found });
        } else {
            deeds.push(Deed::Ran { check: number, found });
        }
    }
}

#[cfg(test)]
mod tests;
