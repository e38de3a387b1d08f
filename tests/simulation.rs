//! The simulation: tens of thousands of random worlds, the sums under lasting loss, and the named scenarios.
//!
//! `SIM_WORLDS=1000000 cargo test --test simulation` runs more worlds, `SIM_SEED=17` one of each kind with its event
//! log (name the test, such as `random_worlds_settle`), and `SIM_FIRST=500000` starts counting elsewhere. A failure
//! prints the seed and the log. What went wrong once is in `sim/regressions.rs`, run first each time.

#![expect(clippy::print_stdout, reason = "sums and event logs are what these tests are read for")]
#![expect(clippy::cast_precision_loss, reason = "percentages for people")]

#[expect(unreachable_pub, reason = "rooms of one test program")]
mod sim;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use sim::besieged;
use sim::groups;
use sim::oracle::Sums;
use sim::random::{self, Judgement, Mix};
use sim::regressions;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// Runs `one` for each of `seeds` on every processor.
fn in_parallel(seeds: std::ops::Range<u64>, one: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(seeds.start);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    one(seed);
                }
            });
        }
    });
}

fn complaints(judge: Judgement, seed: u64) -> Vec<String> {
    catch_unwind(AssertUnwindSafe(|| judge(seed, false).0))
        .unwrap_or_else(|_| vec!["the core panicked".into()])
}

fn explain(judge: Judgement, seed: u64) {
    let (complaints, log) = judge(seed, true);
    println!("world {seed}:");
    log.iter().for_each(|line| println!("{line}"));
    complaints.iter().for_each(|line| println!("!! {line}"));
}

#[test]
fn random_worlds_settle() {
    settle(random::judge, &regressions::WORLDS, 20_000);
}

#[test]
fn random_worlds_of_unicast_peers_settle() {
    settle(random::judge_unicast, &regressions::UNICAST_WORLDS, 5_000);
}

#[test]
fn random_worlds_of_unruly_hooks_settle() {
    settle(random::judge_unruly, &regressions::UNRULY_WORLDS, 5_000);
}

#[test]
fn random_worlds_of_dying_engines_settle() {
    settle(random::judge_renewed, &regressions::RENEWED_WORLDS, 10_000);
}

#[test]
fn random_worlds_of_changing_files_settle() {
    settle(random::judge_reloaded, &regressions::RELOADED_WORLDS, 10_000);
}

#[test]
fn random_worlds_where_all_are_told_of_a_change_notice_nothing() {
    settle(random::judge_told, &regressions::TOLD_WORLDS, 20_000);
}

#[test]
fn random_worlds_of_managed_addresses_settle() {
    settle(random::judge_managed, &regressions::MANAGED_WORLDS, 10_000);
}

#[test]
fn random_worlds_of_demotions_settle() {
    settle(random::judge_fitness, &regressions::FITNESS_WORLDS, 20_000);
}

#[test]
fn groups_end_on_one_machine() {
    settle(groups::judge, &regressions::GROUPS, 1_000);
}

#[test]
fn besieged_worlds_settle() {
    settle(besieged::judge, &regressions::BESIEGED_WORLDS, 14_000);
}

// Else nothing above would say anything: nearly every world has to be judged, while he goes on.
#[test]
fn besieged_worlds_are_judged() {
    let (judged, forged) = (AtomicU64::new(0), AtomicU64::new(0));
    in_parallel(0..300, |seed| {
        let (world, judge) = besieged::run(seed, false);
        judged.fetch_add(u64::from(judge.settled_from(&world) < judge.end), Ordering::Relaxed);
        forged.fetch_add(world.record.forged, Ordering::Relaxed);
    });
    let (judged, forged) = (judged.into_inner(), forged.into_inner() / 300);
    println!("{judged} of 300 worlds judged, {forged} forged frames heard in each");
    assert!(judged > 280 && forged > 100);
}

#[test]
fn beside_kernels_an_attacker_does_no_more_than_among_kernels_alone() {
    let first = number("SIM_FIRST").unwrap_or(0);
    let worlds = number("SIM_WORLDS").unwrap_or(6_000);
    let sums = Mutex::new((Sums::default(), Sums::default()));
    in_parallel(first..first + worlds, |seed| {
        let (mixed, kernels, violations) = besieged::compare(seed);
        assert_eq!(violations, Vec::<String>::new(), "seed {seed}");
        let mut sums = sums.lock().expect("no holder panics");
        sums.0.add(&mixed);
        sums.1.add(&kernels);
    });
    let (mixed, kernels) = sums.into_inner().expect("no holder panics");
    println!("besieged, ours and kernels: {mixed}\nbesieged, only kernels: {kernels}");
    assert!(mixed.nobody <= kernels.nobody + kernels.nobody / 50);
    assert!(mixed.several <= kernels.several + kernels.several / 50);
}

fn settle(judge: Judgement, regressions: &[(u64, &str)], usual: u64) {
    if let Some(seed) = number("SIM_SEED") {
        explain(judge, seed);
        assert_eq!(complaints(judge, seed), Vec::<String>::new());
        return;
    }
    let first = number("SIM_FIRST").unwrap_or(0);
    let worlds = number("SIM_WORLDS").unwrap_or(usual);
    let failed = Mutex::new(Vec::new());
    for &(seed, what) in regressions {
        let complaints = complaints(judge, seed);
        if !complaints.is_empty() {
            println!("back again: {what}");
            failed.lock().expect("no holder panics").push((seed, complaints));
        }
    }
    in_parallel(first..first + worlds, |seed| {
        let complaints = complaints(judge, seed);
        if !complaints.is_empty() {
            failed.lock().expect("no holder panics").push((seed, complaints));
        }
    });
    let mut failed = failed.into_inner().expect("no holder panics");
    failed.sort();
    println!("{worlds} worlds, {} failed", failed.len());
    for (seed, complaints) in failed.iter().take(20) {
        println!("  {seed}: {}", complaints.join("; "));
    }
    if let Some((seed, _)) = failed.first() {
        explain(judge, *seed);
        panic!("{} of {worlds} worlds failed, first SIM_SEED={seed}", failed.len());
    }
}

#[test]
fn sums_under_lasting_loss() {
    for (name, mix) in [
        ("all ours", Mix::Ours),
        ("ours and kernels", Mix::WithKernels),
        ("ours and old ucarps", Mix::WithOld),
        ("anything", Mix::Anything),
        ("only kernels", Mix::OnlyKernels),
        ("only old ucarps", Mix::OnlyOld),
    ] {
        let sums = Mutex::new(Sums::default());
        in_parallel(0..300, |seed| {
            let mut world = random::lossy(seed, mix);
            world.run_until(120 * sim::world::SECOND);
            // The first ten seconds are the start.
            let one = Sums::of(&world, 10 * sim::world::SECOND, world.now);
            sums.lock().unwrap().add(&one);
            assert_eq!(world.record.violations, Vec::<String>::new(), "{name}, seed {seed}");
        });
        println!("lasting loss of 5-40 %, {name}: {}", sums.into_inner().unwrap());
    }
}
