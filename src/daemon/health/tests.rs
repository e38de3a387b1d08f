use proptest::prelude::*;

use super::super::outcome::Outcome;
use super::*;
use crate::config::check::{OnFailure, Whom};
use crate::platform::LinkState;

fn at(ms: u64) -> Time {
    Time::from_micros(ms * 1000)
}

/// Every second, half a second at most; three runs that fail, two that pass.
fn check() -> Check {
    Check {
        name: "ready".into(),
        probe: Probe::File { path: "/ready".into(), user: None },
        every: Duration::from_secs(1),
        timeout: Duration::from_millis(500),
        fall: 3,
        rise: 2,
        demote: 240,
        on_failure: OnFailure::Demote,
        whom: Whom::Group("front".into()),
        initial: Verdict::Failing,
    }
}

fn well() -> Found {
    Found::Ended { outcome: Outcome::Exited(0), last_line: None }
}

fn bad() -> Found {
    Found::Ended { outcome: Outcome::Exited(1), last_line: None }
}

/// One check, whose runs begin at whole seconds.
struct Bench {
    health: Health,
    now: u64,
}

impl Bench {
    fn new(check: Check, begins: bool) -> Self {
        let mut health = Health::new(0);
        health.watch(0, check, begins, at(0));
        let first = health.deadline().unwrap();
        assert!(first < at(1_000), "soon");
        health.watched[0].as_mut().unwrap().next = at(1_000);
        health.due.set(0, Some(at(1_000)));
        Self { health, now: 0 }
    }

    /// The next run, which is the only thing that happens until then.
    fn begin(&mut self) -> u32 {
        self.now += 1_000;
        match self.health.tick(at(self.now)).as_slice() {
            [Deed::Begin { check: 0, run }] => *run,
            other => panic!("{other:?}"),
        }
    }

    /// What is thought after runs that found this, each time it is another thing.
    fn runs(&mut self, found: &[Found]) -> Vec<Option<Verdict>> {
        let run = |found: &Found| {
            let run = self.begin();
            match self.health.ended(0, run, found.clone()).as_slice() {
                [Deed::Ran { found: told, .. }] => {
                    assert_eq!(told, found);
                    None
                }
                [Deed::Judged { verdict, .. }] => Some(*verdict),
                other => panic!("{other:?}"),
            }
        };
        found.iter().map(run).collect()
    }
}

const FAILS: Option<Verdict> = Some(Verdict::Failing);
const PASSES: Option<Verdict> = Some(Verdict::Passing);

#[test]
fn so_many_runs_in_a_row_change_what_is_thought() {
    let mut bench = Bench::new(check(), true);
    assert_eq!(bench.runs(&[well(), well()]), [PASSES, None], "once is enough at the start");
    assert_eq!(
        bench.runs(&[bad(), bad(), well(), bad(), bad(), bad()]),
        [None, None, None, None, None, FAILS]
    );
    assert_eq!(bench.runs(&[bad(), well(), bad(), well(), well()]), [None, None, None, None, PASSES]);
}

#[test]
fn what_is_presumed_is_said_once_it_is_known() {
    let initial = |initial, begins| Bench::new(Check { initial, ..check() }, begins);
    let three = [bad(), bad(), bad()];
    let mut bench = initial(Verdict::Failing, true);
    assert_eq!(bench.runs(&three), [None, None, FAILS]);
    assert_eq!(bench.runs(&three), [None, None, None], "once");
    assert_eq!(bench.runs(&[well()]), [PASSES], "it is to pass once");
    assert_eq!(initial(Verdict::Passing, true).runs(&three), [None, None, FAILS]);
    assert_eq!(initial(Verdict::Unknown, true).runs(&three), [None, None, FAILS]);
    assert_eq!(initial(Verdict::Unknown, true).runs(&[bad(), well()]), [None, PASSES]);
    // Whatever it says of the start: this is later.
    let mut later = initial(Verdict::Failing, false);
    assert_eq!(later.health.all().next().unwrap().1, Verdict::Unknown);
    assert_eq!(later.runs(&three), [None, None, FAILS]);
    assert_eq!(later.runs(&[well(), well()]), [None, PASSES]);
}

#[test]
fn a_run_that_has_had_its_time_has_failed_once() {
    let mut bench = Bench::new(Check { fall: 1, initial: Verdict::Passing, ..check() }, true);
    let run = bench.begin();
    assert_eq!(bench.health.deadline(), Some(at(1_500)));
    assert_eq!(bench.health.tick(at(1_499)), []);
    let judged = Deed::Judged { check: 0, verdict: Verdict::Failing, found: Found::TimedOut };
    assert_eq!(bench.health.tick(at(1_500)), [judged]);
    assert_eq!(bench.health.ended(0, run, well()), [], "too late");
    assert_eq!(bench.health.deadline(), Some(at(2_000)));
    bench.begin();
}

#[test]
fn one_that_cannot_be_ended_fails_again_and_again_and_there_is_no_other() {
    let mut bench = Bench::new(Check { initial: Verdict::Passing, ..check() }, true);
    let run = bench.begin();
    let ran = |found| Deed::Ran { check: 0, found };
    assert_eq!(bench.health.tick(at(1_500)), [ran(Found::TimedOut)]);
    assert_eq!(bench.health.tick(at(2_000)), [ran(Found::StillRuns)]);
    let judged = Deed::Judged { check: 0, verdict: Verdict::Failing, found: Found::StillRuns };
    assert_eq!(bench.health.tick(at(3_000)), [judged]);
    assert_eq!(bench.health.tick(at(4_000)), [ran(Found::StillRuns)]);
    assert_eq!(bench.health.ended(0, run, bad()), []);
    bench.now = 4_000;
    assert_ne!(bench.begin(), run);
}

#[test]
fn a_slow_run_is_not_overtaken() {
    let mut bench = Bench::new(Check { timeout: Duration::from_millis(2_500), ..check() }, true);
    let run = bench.begin();
    assert_eq!(bench.health.tick(at(2_000)), []);
    assert_eq!(bench.health.ended(0, run, well()).len(), 1);
    bench.now = 2_000;
    bench.begin();
}

#[test]
fn whoever_slept_looks_again_before_he_says_that_something_took_too_long() {
    let mut bench = Bench::new(Check { fall: 1, initial: Verdict::Passing, ..check() }, true);
    let run = bench.begin();
    assert_eq!(bench.health.tick(at(60_250)), []);
    assert_eq!(bench.health.deadline(), Some(at(60_750)), "what was missed is not made up for");
    assert!(matches!(bench.health.ended(0, run, well()).as_slice(), [Deed::Judged { .. }]));
    bench.now = 60_000;
    bench.begin();
    assert!(matches!(bench.health.tick(at(61_500)).as_slice(), [Deed::Judged { .. }]));
}

#[test]
fn a_question_that_was_not_asked_is_no_answer() {
    let mut bench = Bench::new(Check { fall: 1, initial: Verdict::Passing, ..check() }, true);
    let run = bench.begin();
    bench.health.unasked(0, run);
    assert_eq!(bench.health.tick(at(1_900)), []);
    // Nor is one about an interface that nobody has answered.
    let about = Check { probe: Probe::Interface("em1".into()), fall: 1, ..check() };
    let mut bench = Bench::new(about, true);
    let run = bench.begin();
    assert_eq!(bench.health.tick(at(1_500)), []);
    assert_eq!(bench.health.ended(0, run, Found::Link(LinkState::Up)), [], "that one is forgotten");
    let run = bench.begin();
    assert_eq!(bench.health.ended(0, run + 7, well()), [], "of another life");
    assert!(matches!(
        bench.health.ended(0, run, Found::Link(LinkState::Down)).as_slice(),
        [Deed::Judged { .. }]
    ));
}

#[test]
fn who_looks_at_interfaces_looks_when_one_changed() {
    let mut bench = Bench::new(Check { probe: Probe::Interface("em1".into()), ..check() }, true);
    let run = bench.begin();
    bench.health.watch(1, check(), true, at(5_000));
    let other = bench.health.watched[1].as_ref().unwrap().next;
    bench.health.ended(0, run, Found::Link(LinkState::Up));
    bench.health.links_changed(at(1_010));
    assert_eq!(bench.health.watched[0].as_ref().unwrap().next, at(1_100), "not more often than that");
    bench.health.tick(at(1_100));
    bench.health.links_changed(at(1_300));
    assert_eq!(bench.health.watched[0].as_ref().unwrap().next, at(1_300));
    assert!(bench.health.watched[1].as_ref().unwrap().next == other, "a file is none");
}

#[test]
fn starts_are_spread() {
    let mut health = Health::new(0x1234_5678);
    (0..100).for_each(|number| health.watch(number, check(), true, at(5_000)));
    let mut starts: Vec<Time> = health.watched.iter().flatten().map(|one| one.next).collect();
    starts.sort_unstable();
    assert!(starts.iter().all(|start| (at(5_000)..at(6_000)).contains(start)));
    let apart = starts.windows(2).map(|pair| pair[1].since(pair[0]));
    assert!(apart.max().unwrap() < Duration::from_millis(20), "{starts:?}");
    // Other hosts ask at other times, and nobody waits for long for the first answer.
    let mut other = Health::new(1);
    other.watch(0, Check { every: Duration::from_secs(3600), ..check() }, true, at(0));
    assert!(other.deadline().unwrap() < at(2_000));
    assert_ne!(Health::new(2).phase, Health::new(3).phase);
}

#[test]
fn who_is_let_go_is_asked_no_more() {
    let mut bench = Bench::new(check(), true);
    let run = bench.begin();
    assert_eq!(bench.health.let_go(0).map(|check| check.name).as_deref(), Some("ready"));
    assert_eq!((bench.health.deadline(), bench.health.let_go(0), bench.health.let_go(9)), (None, None, None));
    assert_eq!(bench.health.ended(0, run, bad()), []);
    bench.health.watch(0, check(), false, at(1_000));
    assert_eq!(bench.health.ended(0, run, bad()), [], "of the former one");
    assert!(bench.health.get(0).is_some() && bench.health.get(1).is_none());
}

/// What somebody who only counts would think.
struct Model {
    verdict: Verdict,
    fresh: bool,
    row: Vec<bool>,
}

impl Model {
    fn run(&mut self, passed: bool, check: &Check) {
        self.row.push(passed);
        let alike = self.row.iter().rev().take_while(|run| **run == passed).count();
        let needed = match (passed, self.verdict) {
            (false, _) => check.fall.into(),
            (true, Verdict::Failing) if !self.fresh => check.rise.into(),
            (true, _) => 1,
        };
        if alike >= needed {
            self.verdict = if passed { Verdict::Passing } else { Verdict::Failing };
            self.fresh &= !passed;
        }
    }
}

proptest! {
    /// Whatever happens, in whatever order: one run at a time, each judged once, and the verdict is what counting says.
    #[test]
    fn one_run_at_a_time_and_each_counts_once(
        (fall, rise) in (1_u16..5, 1_u16..5),
        (every, timeout) in (100_u64..3_000, 100_u64..3_000),
        initial in prop::sample::select(Verdict::ALL.to_vec()),
        begins in any::<bool>(),
        steps in prop::collection::vec((0_u64..900, 0_u8..6, any::<bool>()), 1..200),
    ) {
        let check = Check {
            fall,
            rise,
            every: Duration::from_millis(every),
            timeout: Duration::from_millis(timeout),
            initial,
            ..check()
        };
        let mut health = Health::new(7);
        health.watch(0, check.clone(), begins, at(0));
        let verdict = if begins { initial } else { Verdict::Unknown };
        let mut model = Model { verdict, fresh: verdict == Verdict::Failing, row: Vec::new() };
        let (mut now, mut running) = (0, None);
        for (sleep, what, passes) in steps {
            now += sleep;
            let mut deeds = health.tick(at(now));
            prop_assert!(health.deadline().unwrap() > at(now), "a deadline that is over");
            for deed in &deeds {
                if let Deed::Begin { run, .. } = deed {
                    prop_assert!(running.is_none(), "two runs at once");
                    running = Some(*run);
                }
            }
            if let Some(run) = running.take_if(|_| what < 3) {
                deeds.extend(health.ended(0, run, if passes { well() } else { bad() }));
            }
            for deed in deeds {
                match deed {
                    Deed::Begin { .. } => {}
                    Deed::Ran { found, .. } => {
                        let before = model.verdict;
                        model.run(found.is_well(), &check);
                        prop_assert_eq!(before, model.verdict);
                    }
                    Deed::Judged { verdict, found, .. } => {
                        model.run(found.is_well(), &check);
                        prop_assert_eq!(verdict, model.verdict);
                    }
                }
            }
            prop_assert_eq!(health.all().next().unwrap().1, model.verdict);
        }
    }
}
