//! What a second thought is good for. Backups that hear a master for the last time at once miss it at once, unless their
//! intervals differ: both become master, and all but one go back as soon as they hear of each other.
//!
//! A script that was begun has to end before it can be undone. Managed addresses are off again as quickly as they came, so what
//! a second thought would save there is set against what it costs after every crash.

use ucarp::protocol::{Reason, Role};

use super::oracle::claims;
use super::ours::HookPlan;
use super::world::{Change, MS, SECOND, Spec, World};
use super::{Rng, scenario};

const WORLDS: u64 = 300;
/// What asking the hands and having an answer takes at most, here.
const ERRAND: u64 = 400;

/// What came of crashes. Times in microseconds.
#[derive(Default, Debug)]
struct Outcome {
    /// Worlds in which more than one took over, and in which the address was on two hosts.
    crossed: u64,
    twice: u64,
    longest_twice: u64,
    /// How long a client had no answer after the first of them had taken over: on average, and at most.
    mean_wait: u64,
    longest_wait: u64,
    /// Up scripts of hosts that went back.
    in_vain: u64,
}

/// Crashes a master that two others follow; frames and announcements take `low..=high` to each.
fn crashes(low: u64, high: u64, second: &Spec, third: &Spec) -> Outcome {
    let mut outcome = Outcome::default();
    for seed in 0..WORLDS {
        let mut rng = Rng::new(seed ^ 0x2_7404);
        let mut world = World::new(seed).logging();
        world.add_at_distance(
            Spec { v4: Spec::ours(1, 0).v4, mac: Spec::ours(1, 0).mac, skew: 0, ..second.clone() },
            low,
            high,
        );
        for spec in [second.clone(), third.clone()] {
            let jitter = rng.pick(&[0, 100, 500]);
            world.add_at_distance(Spec { jitter, ..spec }, low, high);
        }
        for (from, to) in (0..3).flat_map(|from| (0..3).map(move |to| (from, to))) {
            world.set_delay(from, to, low, high);
        }
        world.start_all();
        world.run_until(10 * SECOND + rng.within(0, SECOND));
        assert_eq!(world.masters(), [0]);
        world.change(Change::Crash(0));
        let crash = world.now;
        scenario::assert_settles(&mut world);
        assert_eq!(world.masters().len(), 1);

        let crossed =
            (1..3).filter(|node| world.ours(*node).transitions.iter().any(|t| t.2 == Reason::MasterTimedOut));
        outcome.crossed += u64::from(crossed.count() > 1);
        let log = world.log.as_ref().expect("it logs");
        let scripts = log.iter().filter(|line| line.contains("runs Up")).count() as u64;
        // Of who crashed, and of who is master now.
        outcome.in_vain += scripts - if second.up_hook { 2 } else { 0 };
        let taken =
            world.record.roles.iter().find(|r| r.0 > crash && r.2 == Role::Master).expect("a successor").0;
        let twice: u64 = claims(&world, taken, taken + 5 * SECOND)
            .iter()
            .filter(|stretch| (stretch.masters & !1).count_ones() > 1)
            .map(|stretch| stretch.to - stretch.from)
            .sum();
        outcome.twice += u64::from(twice > 0);
        outcome.longest_twice = outcome.longest_twice.max(twice);
        let wait = unanswered(&world, taken, (low, high), &mut rng);
        outcome.mean_wait += wait;
        outcome.longest_wait = outcome.longest_wait.max(wait);
    }
    outcome.mean_wait /= WORLDS;
    outcome
}

/// How long, in the five seconds from then on, a client sends to a host that has not got the address. It believes the last that
/// it was told.
fn unanswered(world: &World, from: u64, (low, high): (u64, u64), rng: &mut Rng) -> u64 {
    let told = world.record.announced.iter().filter(|(at, _)| *at >= from);
    let mut told: Vec<_> = told.map(|(at, node)| (at + rng.within(low, high), *node)).collect();
    told.sort_unstable();
    let believes = |at| told.iter().rev().find(|(heard, _)| *heard <= at).map(|(_, node)| *node);
    let mut unanswered = 0;
    for stretch in claims(world, from, from + 5 * SECOND) {
        let mut moments = vec![stretch.from, stretch.to];
        moments.extend(
            told.iter().map(|(heard, _)| *heard).filter(|at| (stretch.from..stretch.to).contains(at)),
        );
        moments.sort_unstable();
        for span in moments.windows(2) {
            let answers = believes(span[0]).is_some_and(|node| stretch.masters & 1 << node != 0);
            unanswered += if answers { 0 } else { span[1] - span[0] };
        }
    }
    unanswered
}

fn managing(n: u8, skew: u8, thought: u64) -> Spec {
    let plan = HookPlan { thought, ..HookPlan::QUICK };
    Spec { manages: true, up_hook: false, down_hook: false, plan, ..Spec::ours(n, skew) }
}

fn with_scripts(n: u8, skew: u8) -> Spec {
    Spec { plan: HookPlan { min: 5 * MS, max: 30 * MS, ..HookPlan::QUICK }, ..Spec::ours(n, skew) }
}

/// Frames of a segment, from quick to slow; less than the second thought about scripts.
const SEGMENTS: [(u64, u64); 4] = [(50, 100), (100, 1_000), (1_000, 1_000), (1_000, 5_000)];

#[test]
fn no_script_is_begun_in_vain_where_frames_take_less_than_the_second_thought() {
    for (low, high) in SEGMENTS {
        let outcome = crashes(low, high, &with_scripts(2, 50), &with_scripts(3, 50));
        println!("scripts, {low} to {high} us: {outcome:?}");
        assert!(outcome.crossed > WORLDS / 4, "else nobody had to think");
        assert_eq!((outcome.in_vain, outcome.twice), (0, 0));
    }
    // Else the above would say nothing: a script that was begun runs to its end.
    let slow = crashes(11 * MS, 15 * MS, &with_scripts(2, 50), &with_scripts(3, 50));
    println!("scripts, 11 to 15 ms: {slow:?}");
    assert!(slow.in_vain > WORLDS / 4 && slow.longest_twice > 25 * MS);
}

#[test]
fn managed_addresses_are_on_two_hosts_for_as_long_as_a_frame_and_two_errands_take() {
    for (low, high) in SEGMENTS {
        let outcome = crashes(low, high, &managing(2, 50, 0), &managing(3, 50, 0));
        println!("managed, {low} to {high} us: {outcome:?}");
        assert!(outcome.twice > WORLDS / 4, "else nothing is shown");
        assert!(outcome.longest_twice <= high + 2 * ERRAND);
        // Who believed the one that went back is told again.
        assert!(outcome.longest_wait <= 20 * MS + 2 * high + 2 * ERRAND);
    }
}

#[test]
fn a_second_thought_about_managed_addresses_costs_more_than_it_saves() {
    for (low, high) in SEGMENTS {
        for other in [50, 51] {
            let after = |thought| crashes(low, high, &managing(2, 50, thought), &managing(3, other, thought));
            let (at_once, thinking) = (after(0), after(2 * MS));
            println!("{low} to {high} us, 50 and {other}: {at_once:?}, with 2 ms {thinking:?}");
            assert!(thinking.twice <= at_once.twice);
            assert!(at_once.mean_wait + MS / 2 < thinking.mean_wait);
            // Intervals that differ by 1/256 s are enough.
            assert!(other == 50 || high > MS || at_once.crossed == 0);
        }
    }
}
