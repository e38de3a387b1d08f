//! Who is fit to serve, one thing at a time: checks that fail, flap and release, delays, and ports that block.

use ucarp::protocol::{Fitness, Notice, Reason, Role};

use super::kernel::Os;
use super::oracle::{Sums, timeline};
use super::scenario::{pair, since};
use super::world::{Change, MS, SECOND, Spec, World};

const FAILS: Fitness = Fitness { demotion: 240, released: false };
const WELL: Fitness = Fitness { demotion: 0, released: false };
const RELEASES: Fitness = Fitness { demotion: 240, released: true };

fn transitions(world: &World, node: usize) -> u64 {
    world.ours(node).snapshot(world.now).counters.transitions
}

// The pair of the README without `preempt`: before, nothing moved.
#[test]
fn a_failing_check_moves_the_address_without_preempt() {
    for seed in 0..50 {
        let mut world = pair(seed, Spec::ours(1, 0), Spec::ours(2, 100));
        world.run_for(seed * 37 * MS);
        let failed = world.now;
        world.change(Change::Fit(0, FAILS));
        world.run_for(12 * MS);
        assert_eq!(world.masters(), [1], "seed {seed}");
        let sums = Sums::of(&world, failed, world.now);
        assert_eq!(sums.nobody, 0, "seed {seed}");
        // It fails there too: whoever is master stays that, and so when both are well again.
        for (node, fitness) in [(1, FAILS), (0, WELL), (0, FAILS), (0, WELL), (1, WELL)] {
            world.change(Change::Fit(node, fitness));
            world.run_for(5 * SECOND);
            assert_eq!(world.masters().len(), 1, "seed {seed}");
        }
        assert_eq!(world.masters(), [0], "it was well while the other was not");
        assert_eq!(Sums::of(&world, failed, world.now).nobody, 0, "seed {seed}");
    }
}

#[test]
fn where_all_release_nobody_serves_until_one_is_well() {
    let mut world = pair(3, Spec::ours(1, 0), Spec::ours(2, 100));
    world.change(Change::Fit(0, RELEASES));
    world.run_for(20 * MS);
    assert_eq!(world.masters(), [1]);
    world.change(Change::Fit(1, RELEASES));
    world.run_for(60 * SECOND);
    assert_eq!(world.masters(), [0; 0], "that was asked for");
    let well = world.now;
    world.change(Change::Fit(0, WELL));
    world.run_for(4 * SECOND);
    assert_eq!(world.masters(), [0]);
    assert_eq!(since(&world, 0, Role::Master), well + 3 * SECOND, "silence counts from then on");
}

/// How often the roles of both change in an hour in which the check of the preferred one fails and passes in turn.
fn flapping(preempt: bool, delay: u64, period: u64) -> u64 {
    let preferred = Spec { preempt, preempt_delay: delay, ..Spec::ours(1, 0) };
    let mut world = pair(5, preferred, Spec::ours(2, 100));
    let before = transitions(&world, 0) + transitions(&world, 1);
    for turn in 0..3_600 * SECOND / period {
        world.change(Change::Fit(0, if turn % 2 == 0 { FAILS } else { WELL }));
        world.run_for(period);
        assert_eq!(world.masters().len(), 1, "turn {turn}");
    }
    transitions(&world, 0) + transitions(&world, 1) - before
}

#[test]
fn a_flapping_check_moves_the_address_seldom() {
    let delays = [(false, 0), (true, 0), (true, 30 * SECOND)];
    let counts = |period| delays.map(|(preempt, delay)| flapping(preempt, delay, period));
    let (quick, slow) = (counts(3 * SECOND), counts(45 * SECOND));
    println!(
        "an hour of a check that flaps every 3 s / 45 s, changes of both roles: without preempt {}/{}, with it {}/{}, \
         after a delay of 30 s {}/{}",
        quick[0], slow[0], quick[1], slow[1], quick[2], slow[2]
    );
    assert_eq!((quick[0], slow[0], quick[2]), (2, 2, 2), "once, and never back");
    // Back when it passes, and away when it fails.
    assert!(quick[1] > 1_000 && slow[1] > 70, "{quick:?} {slow:?}");
    assert!(slow[2] <= 6, "{slow:?}");
}

/// The second boots at a port that forwards nothing for 40 s after its link came up.
fn behind_a_blocked_port(seed: u64, first: Spec, second: Spec) -> (World, u64) {
    let mut world = World::new(seed);
    world.add(first);
    world.add(second);
    world.change(Change::Start(0));
    world.run_until(10 * SECOND + seed * 41 * MS);
    world.part(&[1], true);
    world.change(Change::Start(1));
    world.run_for(40 * SECOND);
    let opens = world.now;
    world.part(&[1], false);
    world.run_for(20 * SECOND);
    (world, opens)
}

#[test]
fn behind_a_blocked_port_nobody_takes_the_address_from_an_older_master() {
    for seed in 0..100 {
        let (world, opens) = behind_a_blocked_port(seed, Spec::ours(1, 100), Spec::ours(2, 0));
        assert_eq!(world.masters(), [0], "seed {seed}");
        assert_eq!(transitions(&world, 0), 2, "seed {seed}: it never left");
        assert_eq!(world.ours(1).snapshot(world.now).reason, Reason::Unheard, "seed {seed}");
        let told = |n: &(u64, Notice)| matches!(n.1, Notice::PortBlocked { .. });
        assert_eq!(world.ours(1).notices.iter().filter(|notice| told(notice)).count(), 1);
        // Two while the port was blocked; from then on as long as it takes to hear of each other.
        let several: u64 = timeline(&world, opens, world.now)
            .iter()
            .filter(|stretch| stretch.masters.count_ones() > 1)
            .map(|stretch| stretch.to - stretch.from)
            .sum();
        assert!(several <= SECOND + 5 * MS, "seed {seed}: {several}");
        let held = Spec { start_hold: 45 * SECOND, ..Spec::ours(2, 0) };
        let (world, _) = behind_a_blocked_port(seed, Spec::ours(1, 100), held);
        assert_eq!((world.masters(), transitions(&world, 1)), (vec![0], 1), "seed {seed}");
        let preempting = Spec::ours(2, 0).preempt();
        let (world, _) = behind_a_blocked_port(seed, Spec::ours(1, 100), preempting);
        assert_eq!(world.masters(), [1], "seed {seed}");
    }
}

#[test]
fn behind_a_blocked_port_beside_kernels_somebody_serves() {
    for os in [Os::OpenBsd, Os::FreeBsd, Os::NetBsd] {
        for seed in 0..60 {
            let (world, opens) = behind_a_blocked_port(seed, Spec::kernel(os, 1, 100), Spec::ours(2, 0));
            assert_eq!(world.masters().len(), 1, "{os:?} {seed}");
            // A kernel that hears us first leaves at once; were we to leave for it in that moment, silence would decide.
            let sums = Sums::of(&world, opens, world.now);
            assert!(sums.longest_nobody <= 4 * SECOND, "{os:?} {seed}: {}", sums.longest_nobody);
        }
    }
}
