//! The named scenarios: situations in which such a daemon has failed before, one test each.
//!
//! Where chance decides (which frame overtakes which), a scenario is run with many seeds. Times are judged to the
//! millisecond where the rules allow it.

use std::rc::Rc;

use ucarp::protocol::{Dialect, Hook, HookEnd, HookFailure, Notice, Reason, Role};

use super::kernel::Os;
use super::oracle::{Judge, Stretch, Sums, bound, timeline};
use super::ours::HookPlan;
use super::world::{Change, MS, SECOND, Spec, World};

mod hooks;

const KERNELS: [Os; 3] = [Os::OpenBsd, Os::FreeBsd, Os::NetBsd];

fn assert_lawful(world: &World) {
    assert_eq!(world.record.violations, Vec::<String>::new());
}

/// Runs on and judges as the random worlds are judged.
pub fn assert_settles(world: &mut World) {
    let quiet_from = world.now;
    let end = quiet_from + 2 * bound(world) + 5 * SECOND;
    world.run_until(end);
    let complaints = Judge { quiet_from, end }.complaints(world);
    assert_eq!(complaints, Vec::<String>::new(), "\n{}", tail(world));
}

pub fn tail(world: &World) -> String {
    world.log.as_ref().map_or(String::new(), |log| log[log.len().saturating_sub(300)..].join("\n"))
}

/// The two hosts of most scenarios: the first is master and both have settled.
pub fn pair(seed: u64, first: Spec, second: Spec) -> World {
    let mut world = World::new(seed);
    world.add(first);
    world.add(second);
    world.change(Change::Start(0));
    world.run_until(5 * SECOND);
    world.change(Change::Start(1));
    world.run_until(10 * SECOND);
    assert_eq!(world.masters(), [0]);
    world
}

/// When `node` last took `role`.
pub fn since(world: &World, node: usize, role: Role) -> u64 {
    world.record.roles.iter().rev().find(|r| (r.1, r.2) == (node, role)).expect("it never did").0
}

pub fn reasons(world: &World, node: usize) -> Vec<Reason> {
    world.ours(node).transitions.iter().map(|t| t.2).collect()
}

pub fn said(world: &World, node: usize, what: impl Fn(&Notice) -> bool) -> usize {
    world.ours(node).notices.iter().filter(|(_, notice)| what(notice)).count()
}

fn longest(list: &[Stretch], wanted: impl Fn(u32) -> bool) -> u64 {
    let (mut longest, mut here) = (0, 0);
    for stretch in list {
        here = if wanted(stretch.masters) { here + stretch.to - stretch.from } else { 0 };
        longest = longest.max(here);
    }
    longest
}

// --- ties -----------------------------------------------------------------------------------------------------

// Both time out at the same microsecond, so their first ads cross: the kernel steps down silently, we must stay.
#[test]
fn crossing_ads_with_a_kernel_at_equal_intervals() {
    for os in KERNELS {
        for seed in 0..50 {
            let mut world = World::new(seed);
            let skew = if os == Os::OpenBsd { 0 } else { 100 };
            world.add(Spec::ours(9, skew));
            world.add(Spec::kernel(os, 1, skew));
            world.start_all();
            world.run_until(4 * SECOND);
            assert_eq!(world.record.roles.iter().filter(|r| r.2 == Role::Master).count(), 2, "they crossed");
            world.run_until(30 * SECOND);
            assert_lawful(&world);
            assert_eq!(reasons(&world, 0), [Reason::LinkUp, Reason::MasterTimedOut], "{os:?}");
            assert_eq!(world.masters(), [0]);
            let sums = Sums::of(&world, 4 * SECOND, world.now);
            assert_eq!((sums.nobody, sums.several), (0, 0));
        }
    }
}

#[test]
fn a_split_brain_with_a_kernel_at_equal_intervals_heals_within_a_period() {
    for os in KERNELS {
        for seed in 0..50 {
            let mut world = World::new(seed);
            // Else it would yield, having been heard by nobody.
            world.add(Spec::ours(9, 50).preempt());
            world.add(Spec::kernel(os, 1, 50));
            world.part(&[0], true);
            world.change(Change::Start(0));
            world.run_until(300 * MS + seed * 37 * MS);
            world.change(Change::Start(1));
            world.run_until(10 * SECOND);
            assert_eq!(world.masters(), [0, 1]);
            world.part(&[0], false);
            let healed = world.now;
            world.run_until(20 * SECOND);
            assert_eq!(world.masters(), [0], "{os:?} {seed}");
            assert!(since(&world, 1, Role::Backup) <= healed + 1_195_312 + 2 * MS);
            let list = timeline(&world, healed, world.now);
            assert_eq!(longest(&list, |masters| masters == 0), 0);
        }
    }
}

#[test]
fn simultaneous_boot_of_equals() {
    for count in 2..=5 {
        for seed in 0..40 {
            let mut world = World::new(seed);
            for n in 1..=count {
                world.add(Spec::ours(n, 20));
            }
            world.start_all();
            world.run_until(3_078_125 + 10 * MS);
            // The lower tie key stays.
            assert_eq!(world.masters(), [0], "{count} hosts, seed {seed}");
            assert!(Sums::of(&world, 0, world.now).several <= 3 * MS);
            assert_settles(&mut world);
            assert_eq!(world.masters(), [0]);
        }
    }
}

#[test]
fn simultaneous_boot_beside_an_old_ucarp() {
    for seed in 0..100 {
        let mut world = World::new(seed);
        world.add(Spec::ours(9, 20));
        world.add(Spec::old(1, 20));
        world.add(Spec::ours(5, 20));
        world.start_all();
        assert_settles(&mut world);
    }
}

// Numeric: a < c < b. Old ucarp, last octet first: b < c < a. Were the pairs to use different orders, a ring.
#[test]
fn three_hosts_with_opposed_address_orders() {
    let hosts = [
        Spec::ours(1, 30).at([10, 0, 1, 9]),
        Spec::ours(2, 30).at([10, 0, 9, 1]),
        Spec::old(3, 30).at([10, 0, 5, 5]),
    ];
    for preempt in [false, true] {
        for seed in 0..60 {
            let mut world = World::new(seed).logging();
            for spec in hosts.clone() {
                world.add(Spec { preempt, ..spec });
            }
            // Each has been master on its own.
            for node in 0..3 {
                world.part(&[node], true);
            }
            world.start_all();
            world.run_until(12 * SECOND + seed * 51 * MS);
            assert_eq!(world.masters(), [0, 1, 2]);
            world.change(Change::Heal);
            assert_settles(&mut world);
        }
    }
}

// One of ours has heard the old ucarp and the other has not: they must still agree who stays.
#[test]
fn one_of_two_knows_of_an_old_ucarp() {
    for seed in 0..60 {
        let mut world = World::new(seed).logging();
        // Numeric: the first; last octet first: the second.
        world.add(Spec::ours(1, 0).at([10, 0, 21, 61]).preempt());
        world.add(Spec::ours(2, 0).at([10, 0, 44, 14]).preempt());
        world.add(Spec::ours(3, 100));
        world.add(Spec::old(4, 150));
        world.change(Change::Start(3));
        world.run_until(7 * SECOND);
        world.change(Change::Start(0));
        world.run_until(9 * SECOND);
        assert_eq!(world.masters(), [0]);
        world.change(Change::Crash(3));
        world.change(Change::Link { node: 0, up: false, told: 0 });
        world.change(Change::Start(2));
        world.run_until(15 * SECOND + seed * 23 * MS);
        assert_eq!(world.masters(), [2]);
        // Both hear the same ad of the slow one, and preempt it.
        world.change(Change::Link { node: 0, up: true, told: 0 });
        world.change(Change::Start(1));
        assert_settles(&mut world);
    }
}

// IPv4 says the first, IPv6 says the second; the frames of one ad overtake each other.
#[test]
fn dual_stack_with_opposed_orders() {
    for seed in 0..100 {
        let mut world = World::dual(seed);
        world.add(Spec::ours(1, 50).dual(9));
        world.add(Spec::ours(2, 50).dual(1));
        world.start_all();
        world.run_until(3_195_312 + 10 * MS);
        assert_eq!(world.masters(), [0], "seed {seed}");
        assert_settles(&mut world);
    }
}

// The same when both had known and forgotten each other: an IPv6 ad that comes first must not decide.
#[test]
fn dual_stack_with_opposed_orders_meets_again() {
    for seed in 0..60 {
        let mut world = World::dual(seed).logging();
        world.add(Spec::ours(1, 50).dual(9).preempt());
        world.add(Spec::ours(2, 50).dual(1).preempt());
        world.add(Spec::ours(3, 200).dual(5));
        world.start_all();
        world.run_until(5 * SECOND);
        assert_eq!(world.masters(), [0]);
        // The third becomes master while the two hear nobody; then both preempt its next ad.
        for _ in 0..2 {
            for node in [0, 1] {
                world.change(Change::Link { node, up: false, told: 0 });
            }
            world.run_for(6 * SECOND);
            assert_eq!(world.masters(), [2]);
            for node in [0, 1] {
                world.change(Change::Link { node, up: true, told: 0 });
            }
            world.run_for(2 * SECOND);
            // Either may have been first to preempt; the other then stays backup.
            let [master @ (0 | 1)] = world.masters()[..] else { panic!("seed {seed}\n{}", tail(&world)) };
            if master == 1 {
                world.change(Change::Resign(1));
                world.run_for(5 * SECOND);
            }
            assert_eq!(world.masters(), [0], "seed {seed}\n{}", tail(&world));
        }
        // And without having been in Init, which forgets: one after the other is asked to step aside.
        for _ in 0..3 {
            world.change(Change::Resign(0));
            world.run_for(10 * SECOND);
            assert_eq!(world.masters().len(), 1, "seed {seed}\n{}", tail(&world));
        }
        assert_settles(&mut world);
    }
}

// Both have followed each other, then for longer than a dead time only a slow third that both preempt.
#[test]
fn two_that_preempt_a_slow_third_together_agree() {
    for seed in 0..60 {
        let mut world = World::dual(seed).logging();
        world.add(Spec::ours(1, 50).dual(9).preempt());
        world.add(Spec::ours(2, 50).dual(1).preempt());
        world.add(Spec::ours(3, 200).dual(5));
        world.start_all();
        world.run_until(5 * SECOND);
        // Nobody hears the two any more, and they nobody: each is master for itself.
        world.part(&[0], true);
        world.part(&[1], true);
        world.run_for(8 * SECOND);
        assert_eq!(world.masters(), [0, 1, 2]);
        world.change(Change::Heal);
        world.run_for(1_300 * MS);
        assert_eq!(world.masters(), [0], "seed {seed}\n{}", tail(&world));
        assert_settles(&mut world);
        let sums = Sums::of(&world, world.now - 10 * SECOND, world.now);
        assert_eq!((sums.nobody, sums.several), (0, 0));
    }
}

// Once each yields by another family, for one of them IPv4 had been missing. Then both have been silent for a dead
// time in both families: that the one is heard a moment before the other says nothing.
#[test]
fn each_yields_by_another_family_only_once() {
    let mut crossed = 0;
    for seed in 0..300 {
        let mut world = World::dual(seed).logging();
        world.add(Spec::ours(1, 50).dual(9));
        world.add(Spec::ours(2, 50).dual(1));
        for (to, v6) in [(0, false), (1, false), (1, true)] {
            world.change(Change::Prune { to, v6, pruned: true });
        }
        world.start_all();
        world.run_until(6 * SECOND);
        assert_eq!(world.masters(), [0, 1]);
        world.change(Change::Heal);
        world.run_until(7 * SECOND);
        crossed += u32::from(world.masters().is_empty());
        world.run_for(3_200 * MS);
        assert_eq!(world.masters().len(), 1, "seed {seed}\n{}", tail(&world));
        assert_settles(&mut world);
    }
    assert!(crossed > 50, "they seldom crossed: {crossed}");
}

// Who yields because it believed itself unheard is told in the same moment that it was heard after all.
#[test]
fn a_stubborn_peer_that_gives_way_leaves_the_address_with_someone() {
    let mut crossed = 0;
    for seed in 0..100 {
        let mut world = World::new(seed).logging();
        world.add(Spec::ours(1, 50));
        world.add(Spec::ours(2, 50));
        world.change(Change::Cut { from: 0, to: 1, cut: true });
        world.start_all();
        // Both advertise every 1.195 s from 3.195 s on; the third conflict that outlasts the dead time is at 6.781 s.
        world.run_until(6 * SECOND);
        assert_eq!(world.masters(), [0, 1]);
        world.change(Change::Cut { from: 0, to: 1, cut: false });
        world.run_until(7 * SECOND);
        crossed += said(&world, 0, |n| matches!(n, Notice::Unheard { .. }));
        assert_eq!(world.masters(), [0], "seed {seed}\n{}", tail(&world));
        let list = timeline(&world, 6 * SECOND, world.now);
        assert!(longest(&list, |masters| masters == 0) <= 3 * MS, "seed {seed}\n{}", tail(&world));
        assert_settles(&mut world);
    }
    assert!(crossed > 50, "they seldom crossed: {crossed}");
}

#[test]
fn equal_source_addresses() {
    let mut world = World::new(1).logging();
    world.add(Spec { mac: [2, 0, 0, 0, 0, 9], ..Spec::ours(5, 0) });
    world.add(Spec { mac: [2, 0, 0, 0, 0, 3], ..Spec::ours(5, 0) });
    world.start_all();
    // They keep step, so each takes the other's first for its own that came back.
    world.run_until(4 * SECOND + 10 * MS);
    assert_eq!(world.masters(), [1], "the lower hardware address stays\n{}", tail(&world));
    assert_settles(&mut world);
    for node in [0, 1] {
        assert!(said(&world, node, |n| matches!(n, Notice::SameSource { .. })) > 0);
    }
}

// --- those that do not hear us ----------------------------------------------------------------------------------

#[test]
fn a_stubborn_peer_with_one_way_loss() {
    let peers =
        [Spec::ours(9, 0), Spec::kernel(Os::OpenBsd, 9, 0), Spec::kernel(Os::FreeBsd, 9, 0), Spec::old(9, 0)];
    for peer in peers {
        // Who preempts does not yield for having been heard by nobody.
        let mut world = pair(3, Spec::ours(1, 0).preempt(), peer);
        world.change(Change::Cut { from: 0, to: 1, cut: true });
        world.run_until(12 * SECOND);
        assert_eq!(world.masters(), [0], "three seconds must pass first");
        let cut = 10 * SECOND;
        world.run_until(cut + 12 * SECOND);
        assert_eq!(world.masters(), [1], "we yield to who cannot hear us");
        assert_eq!(reasons(&world, 0).last(), Some(&Reason::StubbornMaster));
        assert_eq!(said(&world, 0, |n| matches!(n, Notice::Unheard { .. })), 1);
        let both = Sums::of(&world, cut, world.now).several;
        assert!((3 * SECOND..=6 * SECOND).contains(&both), "{both}");
        world.change(Change::Heal);
        assert_settles(&mut world);
    }
}

// Whoever is heard while we stay is answered at once, not only the first time.
#[test]
fn every_conflict_is_answered_at_once() {
    for seed in 0..20 {
        let mut world = pair(seed, Spec::ours(1, 100), Spec::ours(2, 100));
        for round in 0..4 {
            world.part(&[0], true);
            world.run_for(6 * SECOND + seed * 61 * MS + round * 170 * MS);
            assert_eq!(world.masters(), [0, 1]);
            world.part(&[0], false);
            let sent = world.record.frames;
            while world.record.frames == sent {
                world.run_for(100);
            }
            world.run_for(3 * MS);
            assert_eq!(world.masters(), [0], "seed {seed}, round {round}");
        }
        assert_settles(&mut world);
    }
}

// A peer that gives way each time has heard us, however often that happens within a dead time.
#[test]
fn giving_way_is_not_stubborn() {
    for ratio in [1, 3] {
        let mut world = World::new(1).logging();
        world.add(Spec { ratio: 3, ..Spec::ours(1, 150) });
        world.add(Spec { ratio, ..Spec::ours(2, 150) });
        world.change(Change::Start(0));
        world.run_until(6 * SECOND);
        world.change(Change::Start(1));
        world.run_until(10 * SECOND);
        for _ in 0..8 {
            world.change(Change::Cut { from: 0, to: 1, cut: true });
            while world.masters().len() < 2 {
                world.run_for(10);
            }
            world.change(Change::Cut { from: 0, to: 1, cut: false });
            world.run_for(50 * MS);
            assert_eq!(world.masters(), [0], "ratio {ratio}\n{}", tail(&world));
        }
        assert_eq!(reasons(&world, 0).last(), Some(&Reason::MasterTimedOut));
        assert_settles(&mut world);
    }
}

// A grudge ends with the mastership it belongs to: else each of two gives way to the other, for ever.
#[test]
fn a_peer_found_stubborn_once_starts_anew() {
    for seed in 0..60 {
        for mended in [15_990, 16_990] {
            let mut world = pair(seed, Spec::ours(1, 0), Spec::ours(2, 0)).logging();
            world.change(Change::Cut { from: 0, to: 1, cut: true });
            // Both speak at the same instants; the first is heard again just when it gives the second up.
            world.run_until(mended * MS);
            world.change(Change::Cut { from: 0, to: 1, cut: false });
            assert_settles(&mut world);
        }
    }
}

// --- bow-outs ---------------------------------------------------------------------------------------------------

fn three(seed: u64, second: Spec, third: Spec) -> World {
    let mut world = World::new(seed);
    for spec in [Spec::ours(1, 0), second, third] {
        world.add(spec);
    }
    world.change(Change::Start(0));
    world.run_until(4 * SECOND);
    world.change(Change::Start(1));
    world.change(Change::Start(2));
    // Not at the instant of an ad, which on this wire its bow-out could overtake.
    world.run_until(10 * SECOND + 300 * MS + seed * 11 * MS);
    assert_eq!(world.masters(), [0]);
    world
}

#[test]
fn a_bow_out_with_two_backups() {
    let ours = Spec::ours(5, 50);
    let pairs = KERNELS
        .into_iter()
        .flat_map(|os| [Spec::kernel(os, 3, 50), Spec::kernel(os, 3, 90), Spec::kernel(os, 3, 10)])
        .chain([Spec::ours(3, 50), Spec::ours(3, 90), Spec::ours(3, 10)]);
    for other in pairs {
        for seed in 0..30 {
            let mut world = three(seed, ours.clone(), other.clone()).logging();
            let stopped = world.now;
            world.change(Change::Stop(0, true));
            world.run_for(5 * MS);
            assert_eq!(world.masters().len(), 1, "{other:?}, seed {seed}\n{}", tail(&world));
            assert_settles(&mut world);
            let list = timeline(&world, stopped, world.now);
            assert!(longest(&list, |masters| masters == 0) <= MS, "{other:?}, seed {seed}");
            let winner = world.masters()[0];
            assert!(world.slots[winner].spec.skew <= 50);
        }
    }
}

#[test]
fn a_lost_bow_out_is_repeated() {
    for (lost, repeats) in [(10 * MS, 1), (30 * MS, 2)] {
        let mut world = three(1, Spec::ours(2, 50), Spec::ours(3, 90));
        let stopped = world.now;
        world.change(Change::Loss(100));
        world.change(Change::Stop(0, true));
        world.run_for(lost);
        world.change(Change::Loss(0));
        world.run_for(20 * MS);
        assert_eq!(world.masters(), [1]);
        let taken = since(&world, 1, Role::Master) - stopped;
        assert!((repeats * 20 * MS..=repeats * 20 * MS + 2 * MS).contains(&taken), "{taken}");
        assert_settles(&mut world);
    }
}

// A repeated bow-out must not unseat the successor that answered the first.
#[test]
fn repeated_bow_outs_unseat_nobody() {
    for seed in 0..30 {
        let mut world = three(seed, Spec::ours(2, 50), Spec::ours(3, 90));
        world.change(Change::Doubling(100));
        world.change(Change::Cut { from: 1, to: 0, cut: true });
        world.change(Change::Stop(0, true));
        world.run_for(SECOND);
        assert_eq!(reasons(&world, 1).last(), Some(&Reason::MasterLeft));
        assert_eq!(world.masters(), [1]);
        assert!(!reasons(&world, 1).contains(&Reason::FasterMaster));
        world.change(Change::Heal);
        assert_settles(&mut world);
    }
}

// Who has another hardware address is the same host: its bow-out counts before anything else was heard from there.
#[test]
fn a_bow_out_from_a_new_hardware_address() {
    for seed in 0..20 {
        let mut world = pair(seed, Spec::ours(1, 0), Spec::ours(2, 50));
        world.run_for(10 * MS + seed * 47 * MS);
        world.change(Change::Mac(0, [2, 0, 0, 0, 1, 1]));
        let stopped = world.now;
        world.change(Change::Stop(0, true));
        world.run_for(SECOND);
        assert_eq!(reasons(&world, 1).last(), Some(&Reason::MasterLeft));
        assert!(since(&world, 1, Role::Master) - stopped < 2 * MS, "seed {seed}");
        assert_settles(&mut world);
    }
}

// Hosts without an address send from 0.0.0.0, or from the virtual one: each is known by its hardware address then.
#[test]
fn hosts_without_an_address_of_their_own() {
    for source in [[0, 0, 0, 0], [10, 0, 0, 100]] {
        let mut world = World::new(1);
        for (n, skew) in [(1, 0), (2, 50), (3, 100)] {
            world.add(Spec::ours(n, skew).at(source));
        }
        world.change(Change::Start(2));
        world.run_until(5 * SECOND);
        world.change(Change::Start(0));
        world.change(Change::Start(1));
        world.run_until(10 * SECOND);
        assert_eq!(world.masters(), [2]);
        // Somebody who looks the same was master for itself and bows out; the master is another.
        world.part(&[0], true);
        world.run_for(4_500 * MS);
        assert_eq!(world.masters(), [0, 2]);
        world.part(&[0], false);
        world.change(Change::Stop(0, true));
        world.run_for(5 * SECOND);
        assert_eq!(said(&world, 1, |n| matches!(n, Notice::StrangerLeft { .. })), 1);
        assert_eq!(reasons(&world, 1), [Reason::LinkUp]);
        for node in [1, 2] {
            assert_eq!(said(&world, node, |n| matches!(n, Notice::SameSource { .. })), 0);
        }
        assert_settles(&mut world);
    }
    // The lower hardware address settles a tie.
    let mut world = World::new(1);
    world.add(Spec::ours(2, 0).at([0, 0, 0, 0]));
    world.add(Spec::ours(1, 0).at([0, 0, 0, 0]));
    world.start_all();
    world.run_until(3 * SECOND + 10 * MS);
    assert_eq!(world.masters(), [1]);
    assert_settles(&mut world);
}

// FACTS 7: a demoted OpenBSD kernel leaves to us whatever its interval, and comes back when it preempts.
#[test]
fn an_openbsd_kernel_that_is_demoted_and_restored() {
    for seed in 0..20 {
        let ours = Spec::ours(2, 100).beside(Dialect::OpenBsd);
        let mut world = pair(seed, Spec::kernel(Os::OpenBsd, 1, 0).preempt(), ours);
        assert_eq!(world.masters(), [0]);
        let demoted = world.now;
        world.change(Change::Demote(0, 1));
        world.run_for(1_010 * MS);
        assert_eq!(reasons(&world, 1).last(), Some(&Reason::MasterDemoted));
        world.run_for(20 * SECOND);
        assert_eq!(world.masters(), [1]);
        let sums = Sums::of(&world, demoted, world.now);
        assert_eq!(sums.nobody, 0);
        assert!(sums.several <= 5 * MS, "{}", sums.several);
        world.change(Change::Demote(0, 0));
        world.run_for(3 * SECOND);
        assert_eq!(world.masters(), [0]);
        assert_eq!(reasons(&world, 1).last(), Some(&Reason::FasterMaster));
        assert_lawful(&world);
    }
}

// Who is demoted more leaves; ours does too, although its interval is the shorter one.
#[test]
fn of_two_demoted_beside_openbsd_there_is_one_master() {
    for seed in 0..20 {
        let ours = Spec::ours(2, 0).beside(Dialect::OpenBsd);
        let mut world = pair(seed, ours, Spec::kernel(Os::OpenBsd, 1, 100));
        assert_eq!(world.masters(), [0]);
        world.change(Change::Sending { node: 0, fails: true });
        world.run_for(8 * SECOND);
        world.change(Change::Sending { node: 0, fails: false });
        world.run_for(5 * SECOND);
        assert_eq!(world.masters(), [1], "ours is demoted for what it could not send");
        world.change(Change::Demote(1, 241));
        world.run_for(1_400 * MS);
        assert_eq!(world.masters(), [0], "the kernel is demoted more");
        world.change(Change::Demote(1, 0));
        world.run_for(60 * SECOND);
        assert_eq!(world.masters().len(), 1);
        assert_lawful(&world);
    }
}

#[test]
fn a_kernel_that_bows_out_is_followed_at_once() {
    for os in [Os::OpenBsd, Os::NetBsd] {
        let mut world = pair(1, Spec::kernel(os, 1, 0), Spec::ours(2, 100));
        world.run_for(300 * MS);
        let stopped = world.now;
        world.change(Change::Stop(0, true));
        world.run_for(10 * MS);
        assert_eq!(world.masters(), [1]);
        assert!(since(&world, 1, Role::Master) <= stopped + MS);
    }
}

// --- time and links -----------------------------------------------------------------------------------------------

#[test]
fn a_crash_is_noticed_exactly_at_the_dead_time() {
    for seed in 0..20 {
        let mut world = pair(seed, Spec::ours(1, 0), Spec::ours(2, 100)).logging();
        world.run_for(seed * 77 * MS);
        world.change(Change::Crash(0));
        world.run_for(6 * SECOND);
        let taken = since(&world, 1, Role::Master);
        // The last ad left at a whole second and was heard 0.1 to 1 ms later.
        let last_ad = (10 * SECOND + seed * 77 * MS) / SECOND * SECOND;
        let dead_time = 3_390_625;
        assert!((100..=MS).contains(&(taken - last_ad - dead_time)), "{taken}");
    }
}

#[test]
fn a_flap_of_50_ms_changes_nothing() {
    let mut world = pair(1, Spec::ours(1, 0), Spec::ours(2, 50).preempt()).logging();
    let before = world.ours(0).transitions.len();
    world.change(Change::Link { node: 0, up: false, told: MS });
    world.run_for(50 * MS);
    world.change(Change::Link { node: 0, up: true, told: MS });
    let back = world.now;
    world.run_for(10 * SECOND);
    assert_eq!(world.masters(), [0]);
    assert_eq!(world.ours(0).transitions.len(), before);
    assert_eq!(world.ours(1).transitions.len(), 1, "{:?}", world.ours(1).transitions);
    assert_eq!(said(&world, 0, |n| matches!(n, Notice::GraceOver)), 1);
    let log = world.log.as_ref().unwrap();
    let told = format!("{:4}.{:06}", (back + MS) / SECOND, (back + MS) % SECOND);
    let sent: Vec<_> = log.iter().filter(|line| line.starts_with(&told) && line.contains("sends")).collect();
    assert!(sent.iter().any(|line| line.contains("ad 1/0")), "{sent:?}");
    assert!(sent.iter().any(|line| line.contains("announcement")), "{sent:?}");
    assert!(!log.iter().any(|line| line.contains("runs")));
    assert_lawful(&world);
}

#[test]
fn a_longer_flap_gives_up_and_waits_on_return() {
    let mut world = pair(1, Spec::ours(1, 0), Spec::ours(2, 50));
    let down = world.now;
    world.change(Change::Link { node: 0, up: false, told: 0 });
    world.run_for(2 * SECOND);
    assert_eq!(world.role(0), Role::Init);
    assert_eq!(since(&world, 0, Role::Init), down + SECOND, "one interval of grace");
    world.change(Change::Link { node: 0, up: true, told: 0 });
    world.run_for(10 * SECOND);
    assert_eq!((world.role(0), world.masters()), (Role::Backup, vec![1]));
    assert_eq!(world.ours(0).last_hook(), Some((Hook::Down, HookEnd::Succeeded)));
    assert_settles(&mut world);
}

#[test]
fn a_removed_interface_has_no_grace_and_is_taken_up_again() {
    let mut world = pair(1, Spec::ours(1, 0).preempt(), Spec::ours(2, 50));
    world.change(Change::Gone(0));
    assert_eq!(world.role(0), Role::Init);
    world.run_for(10 * SECOND);
    assert_eq!(world.masters(), [1]);
    world.change(Change::Link { node: 0, up: true, told: 0 });
    world.run_for(10 * SECOND);
    assert_eq!(world.masters(), [0]);
    assert_settles(&mut world);
}

#[test]
fn a_master_that_slept_ten_seconds() {
    for preempt in [false, true] {
        for seed in 0..10 {
            let sleeper = Spec { preempt, ..Spec::ours(1, 0) };
            let mut world = pair(seed, sleeper, Spec::ours(2, 50)).logging();
            world.run_for(seed * 123 * MS);
            world.change(Change::Sleep(0, 10 * SECOND));
            world.run_for(9 * SECOND);
            assert_eq!(world.masters(), [0, 1], "the sleeper still believes it is master");
            let started = world.log.as_ref().unwrap().len();
            world.run_for(5 * SECOND);
            // To its successor alone it shows itself, so that the address is announced again.
            let spoke = world.log.as_ref().unwrap()[started..]
                .iter()
                .any(|line| line.contains("n0 sends") && !line.contains("only to"));
            assert_eq!(world.masters(), [usize::from(!preempt)]);
            if preempt {
                assert!(spoke);
            } else {
                assert_eq!(reasons(&world, 0).last(), Some(&Reason::Overslept));
                assert!(!spoke, "it leaves silently, its missed ads unsent");
            }
            assert_settles(&mut world);
        }
    }
}

// A host suspended together with its network card has no frames waiting when it wakes.
#[test]
fn a_backup_that_slept_listens_before_it_takes_over() {
    let mut world = pair(1, Spec::ours(1, 0), Spec::ours(2, 50));
    world.slots[1].link_up = false;
    world.change(Change::Sleep(1, 10 * SECOND));
    world.run_for(10 * SECOND - 1);
    world.slots[1].link_up = true;
    world.run_for(10 * SECOND);
    assert_eq!(world.masters(), [0]);
    assert_eq!(reasons(&world, 1), [Reason::LinkUp], "it never became master");
}

// Of what came while it was kept from running it takes some frames at a time; its master's are behind all the others.
#[test]
fn time_is_not_up_while_frames_are_left() {
    let mut world = World::new(1);
    world.whole_turns = true;
    world.add(Spec::ours(1, 0));
    world.add(Spec::ours(2, 50));
    world.change(Change::Start(0));
    world.run_until(5 * SECOND);
    world.change(Change::Start(1));
    world.run_until(10_050 * MS);
    // From one advertisement to a little after its dead time.
    world.change(Change::Sleep(1, 3_250 * MS));
    let forged: Rc<[u8]> = vec![0; 100].into();
    for _ in 0..1_000 {
        world.inject(&forged);
    }
    world.run_until(20 * SECOND);
    assert_eq!(reasons(&world, 1), [Reason::LinkUp]);
    assert_settles(&mut world);
}

// As by somebody who sends one family's advertisements again, now and then.
#[test]
fn a_family_that_comes_and_goes_is_missed_once_a_minute() {
    let mut world = World::dual(4);
    world.add(Spec::ours(1, 0).dual(1));
    world.add(Spec::ours(2, 50).dual(2));
    world.start_all();
    world.run_until(10 * SECOND);
    for _ in 0..30 {
        for pruned in [true, false] {
            world.change(Change::Prune { to: 1, v6: true, pruned });
            world.run_for(5 * SECOND);
        }
    }
    let silent = said(&world, 1, |n| matches!(n, Notice::FamilySilent { .. }));
    assert!((4..=6).contains(&silent), "{silent}");
    assert_eq!(said(&world, 1, |n| matches!(n, Notice::FamilyBack { .. })), silent);
}

// Silence is no sign of death while nothing can be heard; afterwards the whole wait begins anew.
#[test]
fn a_deaf_backup_takes_nothing_over() {
    let mut world = pair(1, Spec::ours(1, 0), Spec::ours(2, 50));
    world.change(Change::Deaf(1, true));
    world.run_for(30 * SECOND);
    assert_eq!(world.masters(), [0]);
    // Nor does it after its link was away.
    for up in [false, true] {
        world.change(Change::Link { node: 1, up, told: 0 });
        world.run_for(10 * SECOND);
    }
    assert_eq!((world.masters(), world.role(1)), (vec![0], Role::Backup));
    world.change(Change::Crash(0));
    world.run_for(10 * SECOND);
    assert_eq!(world.masters(), []);
    let hears = world.now;
    world.change(Change::Deaf(1, false));
    world.run_for(10 * SECOND);
    let taken = since(&world, 1, Role::Master) - hears;
    assert!((3_195_312..3_195_312 + MS).contains(&taken), "{taken}");
    // Who is master goes on, deaf or not.
    world.change(Change::Deaf(1, true));
    world.run_for(10 * SECOND);
    assert_eq!(world.masters(), [1]);
    assert_settles(&mut world);
}

#[test]
fn a_host_of_one_family_serves_beside_ours() {
    let mut world = World::dual(1);
    world.add(Spec::ours(1, 0).dual(1));
    world.add(Spec::ours(2, 50));
    world.change(Change::Start(0));
    world.run_until(5 * SECOND);
    world.change(Change::Start(1));
    world.run_for(5 * SECOND);
    world.change(Change::Crash(0));
    world.run_for(5 * SECOND);
    assert_eq!(world.masters(), [1]);
    world.change(Change::Start(0));
    world.run_for(20 * SECOND);
    assert_eq!(world.masters(), [1], "one family is a sign of life");
    assert_settles(&mut world);
}

// A kernel has a timer for each family: beside a master of one it would go to and fro.
#[test]
fn a_host_of_one_family_stands_back_beside_a_kernel() {
    for os in KERNELS {
        for skew in [20, 200] {
            let mut world = World::dual(1);
            world.add(Spec::ours(1, 100).dual(1));
            world.add(Spec::kernel(os, 2, skew).dual(2));
            world.change(Change::Start(0));
            world.change(Change::V6 { node: 0, there: false });
            world.run_until(10 * SECOND);
            assert_eq!(world.masters(), [0], "nobody else is there");
            world.change(Change::Start(1));
            world.run_for(20 * SECOND);
            let settled = world.now;
            world.run_for(60 * SECOND);
            assert_eq!(world.masters(), [1], "{os:?} {skew}");
            let sums = Sums::of(&world, settled, world.now);
            assert_eq!((sums.nobody, sums.several), (0, 0));
            assert_eq!(reasons(&world, 0).last(), Some(&Reason::OneFamily));
            world.change(Change::Crash(1));
            world.run_for(20 * SECOND);
            assert_eq!(world.masters(), [], "the kernel may come back");
            assert_eq!(said(&world, 0, |n| matches!(n, Notice::StandsBack { .. })), 1);
            world.change(Change::V6 { node: 0, there: true });
            world.run_for(10 * SECOND);
            assert_eq!(world.masters(), [0]);
            assert_lawful(&world);
        }
    }
}

#[test]
fn one_family_pruned() {
    for v6 in [false, true] {
        let mut world = World::dual(4);
        world.add(Spec::ours(1, 0).dual(1));
        world.add(Spec::ours(2, 50).dual(2));
        world.change(Change::Start(0));
        world.run_until(4 * SECOND);
        world.change(Change::Start(1));
        world.run_until(10 * SECOND);
        world.change(Change::Prune { to: 1, v6, pruned: true });
        world.run_until(60 * SECOND);
        assert_eq!(reasons(&world, 1), [Reason::LinkUp], "either family is a sign of life");
        assert_eq!(said(&world, 1, |n| matches!(n, Notice::FamilySilent { .. })), 1);
        world.change(Change::Prune { to: 1, v6, pruned: false });
        world.run_for(5 * SECOND);
        assert_eq!(said(&world, 1, |n| matches!(n, Notice::FamilyBack { .. })), 1);
        assert_settles(&mut world);
    }
}

// Two of ours at equal intervals, both master, one family reaching nobody: the other must decide.
#[test]
fn a_tie_with_one_family_pruned() {
    for v6 in [false, true] {
        for seed in 0..20 {
            let mut world = World::dual(seed).logging();
            world.add(Spec::ours(1, 0).dual(9));
            world.add(Spec::ours(2, 0).dual(1));
            for node in [0, 1] {
                world.change(Change::Prune { to: node, v6, pruned: true });
            }
            world.start_all();
            world.run_until(20 * SECOND);
            assert_eq!(world.masters().len(), 1, "v6 {v6}, seed {seed}\n{}", tail(&world));
            let settled = Sums::of(&world, 8 * SECOND, world.now);
            assert_eq!((settled.nobody, settled.several), (0, 0), "v6 {v6}, seed {seed}\n{}", tail(&world));
        }
    }
}

#[test]
fn advbase_0() {
    let sub_second = |n, skew| Spec { base: 0, ..Spec::ours(n, skew) };
    let kernel = Spec { base: 0, ..Spec::kernel(Os::OpenBsd, 3, 40) };
    for third in [sub_second(3, 40), kernel] {
        let mut world = World::new(5);
        for spec in [sub_second(1, 20), sub_second(2, 30), third] {
            world.add(spec);
        }
        world.start_all();
        world.run_until(2 * SECOND);
        assert_eq!(world.masters(), [0]);
        let crashed = world.now;
        world.change(Change::Crash(0));
        world.run_for(2 * SECOND);
        assert_eq!(world.masters(), [1]);
        // 3 x 30/256 s after the last ad, which is at most 20/256 s old.
        let taken = since(&world, 1, Role::Master) - crashed;
        assert!((351_562 - 78_125..=351_562 + MS).contains(&taken), "{taken}");
        assert_settles(&mut world);
    }
}

#[test]
fn a_slow_master_is_given_its_interval() {
    // Dead time 1 x 1 s, and the master speaks every 1.78 s: it "will time out".
    let mut world = World::new(1);
    world.add(Spec::ours(1, 200));
    world.add(Spec { ratio: 1, ..Spec::ours(2, 0) });
    world.change(Change::Start(0));
    world.run_until(5_100 * MS);
    world.change(Change::Start(1));
    world.run_for(10 * SECOND);
    assert!(reasons(&world, 1).starts_with(&[Reason::LinkUp]) && world.masters() == [1]);
    // 2 x 1 s is more, by less than a quarter of it: late frames must not count as silence.
    let mut world = pair(1, Spec::ours(1, 200), Spec { ratio: 2, ..Spec::ours(2, 0) });
    world.set_delay(0, 1, 0, 400 * MS);
    world.run_for(300 * SECOND);
    assert_eq!(reasons(&world, 1), [Reason::LinkUp]);
}

#[test]
fn own_echoes_unseat_nobody() {
    for seed in 0..10 {
        let mut world = World::dual(seed);
        world.add(Spec::ours(1, 0).dual(1));
        world.add(Spec::ours(2, 0).dual(2));
        world.change(Change::Echo(0, true));
        world.change(Change::Echo(1, true));
        world.start_all();
        world.run_until(20 * SECOND);
        assert_eq!(world.masters(), [0]);
        assert_settles(&mut world);
    }
}

#[test]
fn a_restart_faster_than_the_dead_time() {
    for neutral in [false, true] {
        let mut world = pair(1, Spec { neutral, ..Spec::ours(1, 0) }, Spec::ours(2, 50));
        world.change(Change::Crash(0));
        world.run_for(500 * MS);
        world.change(Change::Start(0));
        assert_settles(&mut world);
        assert_eq!(world.masters(), [1]);
        assert_eq!(
            world.ours(0).last_hook(),
            if neutral { None } else { Some((Hook::Down, HookEnd::Succeeded)) }
        );
    }
}

// --- operator, card and scripts -------------------------------------------------------------------------------------

#[test]
fn usr2_steps_aside() {
    let mut world = pair(1, Spec::ours(1, 0), Spec::ours(2, 100));
    world.change(Change::Resign(0));
    world.run_for(2 * MS);
    assert_eq!(world.masters(), [1]);
    world.run_for(20 * SECOND);
    assert_eq!(world.masters(), [1]);
    assert_settles(&mut world);
}

#[test]
fn usr2_is_refused_where_it_would_be_undone() {
    let mut world = pair(1, Spec::ours(1, 0).preempt(), Spec::ours(2, 100));
    world.change(Change::Resign(0));
    world.run_for(2 * MS);
    assert_eq!(world.masters(), [0]);
    assert_eq!(said(&world, 0, |n| matches!(n, Notice::ResignRefused { role: Role::Master })), 1);
    assert_settles(&mut world);
}

#[test]
fn usr2_alone_comes_back() {
    let mut world = World::new(1);
    world.add(Spec { base: 0, ..Spec::ours(1, 20) });
    world.start_all();
    world.run_until(2 * SECOND);
    let asked = world.now;
    world.change(Change::Resign(0));
    world.run_for(5 * SECOND);
    assert_eq!(since(&world, 0, Role::Master), asked + 3 * SECOND, "the hold's end, not the dead time's");
    assert_eq!(world.ours(0).last_hook(), Some((Hook::Up, HookEnd::Succeeded)));
    assert_lawful(&world);
}

#[test]
fn usr2_when_not_master_is_refused() {
    let mut world = pair(1, Spec::ours(1, 0), Spec::ours(2, 100));
    world.change(Change::Resign(1));
    assert_eq!(said(&world, 1, |n| matches!(n, Notice::ResignRefused { role: Role::Backup })), 1);
    assert_settles(&mut world);
    assert_eq!(world.masters(), [0]);
}

#[test]
fn take_preempts_once() {
    let mut world = pair(1, Spec::ours(1, 100), Spec::ours(2, 0));
    world.change(Change::Stop(1, true));
    world.run_for(SECOND);
    world.change(Change::Start(1));
    world.run_for(10 * SECOND);
    assert_eq!(world.masters(), [0], "it does not preempt");
    for _ in 0..2 {
        // Whoever is better takes it, and who is not is refused.
        world.change(Change::Take(0));
        world.change(Change::Take(1));
        world.run_for(2 * MS);
        assert_eq!(world.masters(), [1]);
    }
    world.run_for(20 * SECOND);
    assert_eq!(world.masters(), [1]);
    // Once: whoever has it next keeps it.
    world.change(Change::Resign(1));
    world.run_for(20 * SECOND);
    assert_eq!(world.masters(), [0]);
    world.change(Change::Resign(0));
    world.run_for(MS);
    world.change(Change::Take(1));
    world.run_for(20 * SECOND);
    assert_eq!(world.masters(), [1]);
    assert_settles(&mut world);
}

#[test]
fn send_failures_demote() {
    let mut world = pair(1, Spec::ours(1, 0), Spec::ours(2, 0));
    world.change(Change::Sending { node: 0, fails: true });
    world.run_for(10 * SECOND);
    assert_eq!(said(&world, 0, |n| matches!(n, Notice::Demoted { .. })), 1);
    // The other took over by its dead time; the equal one it meets is demoted and leaves.
    assert_eq!(world.masters(), [1]);
    world.change(Change::Sending { node: 0, fails: false });
    world.run_for(20 * SECOND);
    assert_eq!(said(&world, 0, |n| matches!(n, Notice::Restored { .. })), 0);
    world.run_for(30 * SECOND);
    assert_eq!(said(&world, 0, |n| matches!(n, Notice::Restored { .. })), 1, "after half a minute as backup");
    assert_eq!(world.masters(), [1]);
    assert_lawful(&world);
}

// Every host's card fails for a while: all are demoted, and still exactly one must be master.
#[test]
fn two_demoted_hosts_agree() {
    for seed in 0..40 {
        let mut world = World::new(seed);
        for n in 1..=2 {
            world.add(Spec::ours(n, 240));
            world.change(Change::Start(usize::from(n) - 1));
        }
        world.change(Change::Sending { node: 0, fails: true });
        world.change(Change::Sending { node: 1, fails: true });
        world.run_until(12 * SECOND + seed * 19 * MS);
        assert_eq!(world.masters(), [0, 1]);
        assert!(
            world.ours(0).snapshot(world.now).demotion > 0 && world.ours(1).snapshot(world.now).demotion > 0
        );
        world.change(Change::Heal);
        assert_settles(&mut world);
    }
}

#[test]
fn an_up_hook_slower_than_the_dead_time_delays_no_ad() {
    let slow = Spec { plan: HookPlan::lasting(8 * SECOND), ..Spec::ours(1, 0) };
    let mut world = World::new(1).logging();
    world.add(slow);
    world.add(Spec::ours(2, 50));
    world.start_all();
    world.run_until(20 * SECOND);
    assert_eq!(world.masters(), [0]);
    assert_eq!(reasons(&world, 1), [Reason::LinkUp]);
    let log = world.log.as_ref().unwrap();
    let to_all = |line: &&String| line.contains("n0 sends ad") && !line.contains("only to");
    let ads = log.iter().filter(to_all).count();
    assert_eq!(ads, 18, "at 3, 4, ... 20 s");
    // Down at 0..8, up at 8..16: announced when up has run for five seconds, and when it has ended.
    let announced: Vec<_> = log
        .iter()
        .filter(|line| line.contains("n0 sends announcement"))
        .map(|line| line[..11].trim())
        .collect();
    assert_eq!(announced.first(), Some(&"13.000000"), "{announced:?}");
    assert!(announced.contains(&"16.000000"), "{announced:?}");
    assert_lawful(&world);
}

#[test]
fn a_hanging_hook_is_ended_and_the_next_one_runs() {
    let hanging = HookPlan { hanging: 100, deaf: 100, ..HookPlan::QUICK };
    let mut world = World::new(1);
    world.add(Spec { plan: hanging, hook_timeout: 2 * SECOND, ..Spec::ours(1, 0) });
    world.start_all();
    world.run_until(20 * SECOND);
    assert_eq!(world.masters(), [0]);
    // Down, up, and up again five seconds later.
    assert_eq!(said(&world, 0, |n| matches!(n, Notice::HookKilled { .. })), 3);
    assert_eq!(world.ours(0).last_hook(), Some((Hook::Up, HookEnd::Killed)));
    world.change(Change::Heal);
    world.change(Change::Resign(0));
    world.run_for(SECOND);
    assert_eq!(world.ours(0).last_hook(), Some((Hook::Down, HookEnd::Succeeded)));
    assert_lawful(&world);
}

#[test]
fn a_failed_up_hook_stays_or_demotes() {
    for (failure, master) in [(HookFailure::Stay, 0), (HookFailure::Demote, 1)] {
        let failing = HookPlan { failing: 100, ..HookPlan::QUICK };
        let mut world = World::new(1);
        world.add(Spec { plan: failing, hook_failure: failure, ..Spec::ours(1, 0).preempt() });
        world.add(Spec::ours(2, 100));
        world.start_all();
        world.run_until(25 * SECOND);
        assert_eq!(world.masters(), [master], "{failure:?}");
        assert!(Sums::of(&world, 5 * SECOND, world.now).nobody < 10 * MS, "{failure:?}");
        assert_lawful(&world);
        if failure == HookFailure::Demote {
            assert_eq!(reasons(&world, 0).last(), Some(&Reason::HookFailed));
            // It competes with 240 afterwards, so the other is the faster one now.
            world.run_until(60 * SECOND);
            assert_eq!(world.masters(), [1]);
        }
    }
}

// Demoted because its script failed, it took the address back from silence; an OpenBSD kernel with a worse interval
// returns, counts the demotion first and does not give way. One of them has to.
#[test]
fn a_failed_up_hook_beside_an_openbsd_kernel_with_a_worse_interval() {
    for preempt in [false, true] {
        let failing = HookPlan { failing: 100, ..HookPlan::QUICK };
        let mut world = World::new(1).logging();
        let ours = Spec { plan: failing, hook_failure: HookFailure::Demote, preempt, ..Spec::ours(1, 1) };
        world.add(ours);
        world.add(Spec { base: 2, ..Spec::kernel(Os::OpenBsd, 2, 150) });
        world.start_all();
        world.run_until(10 * SECOND);
        assert_eq!(world.masters(), [1]);
        world.change(Change::Crash(1));
        world.run_for(20 * SECOND);
        assert_eq!(world.masters(), [0]);
        world.part(&[0], true);
        world.change(Change::Start(1));
        world.run_for(20 * SECOND);
        world.part(&[0], false);
        world.run_for(15 * SECOND);
        assert_eq!(world.masters(), [1], "preempt {preempt}\n{}", tail(&world));
        // Nor does it come back when it may preempt again.
        let from = world.now;
        world.run_for(60 * SECOND);
        let sums = Sums::of(&world, from, world.now);
        assert_eq!((sums.several, sums.nobody), (0, 0), "preempt {preempt}\n{}", tail(&world));
    }
}

#[test]
fn an_orderly_end_while_a_hook_runs() {
    let slow = Spec { plan: HookPlan::lasting(3 * SECOND), ..Spec::ours(1, 0) };
    let mut world = pair(1, slow, Spec::ours(2, 50));
    world.change(Change::Crash(0));
    world.run_for(10 * SECOND);
    world.change(Change::Start(0));
    world.run_for(SECOND);
    // The down hook of the start still runs; the end waits for it and runs no other.
    world.change(Change::Stop(0, true));
    assert!(world.slots[0].machine.is_some());
    world.run_for(2 * SECOND + MS);
    assert!(world.slots[0].machine.is_none());
    assert_lawful(&world);
}

#[test]
fn an_orderly_end_of_a_master_bows_out_at_once_and_then_takes_the_address_down() {
    let mut world = pair(1, Spec { plan: HookPlan::lasting(SECOND), ..Spec::ours(1, 0) }, Spec::ours(2, 50));
    assert!(world.slots[0].claims);
    world.change(Change::Stop(0, true));
    world.run_for(2 * MS);
    assert_eq!(world.masters(), [1]);
    world.run_for(SECOND);
    assert!(world.slots[0].machine.is_none() && !world.slots[0].claims);
    assert_lawful(&world);
}

#[test]
fn an_end_without_withdrawing_leaves_everything_as_it_is() {
    let mut world = pair(1, Spec::ours(1, 0), Spec::ours(2, 50));
    world.change(Change::Stop(0, false));
    assert!(world.slots[0].machine.is_none() && world.slots[0].claims);
    let stopped = world.now;
    world.run_for(5 * SECOND);
    assert!(since(&world, 1, Role::Master) > stopped + 2 * SECOND, "no bow-out was sent");
    assert_lawful(&world);
}
