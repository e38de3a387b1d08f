//! Hooks that are not done when they have ended, addresses that vanish, and links that hooks take away.

use ucarp::protocol::{Hook, HookEnd, HookFailure, Notice, OnLostAddress, Presence, Reason, Role};

use super::*;

fn lost(world: &World) -> usize {
    said(world, 0, |n| matches!(n, Notice::AddressLost { .. }))
}

fn back(world: &World) -> usize {
    said(world, 0, |n| matches!(n, Notice::AddressBack))
}

/// What n0 did since a moment, in the words of the log.
fn deeds(world: &World, since: u64, what: &str) -> usize {
    let log = world.log.as_ref().expect("it logs");
    let after = |line: &&String| {
        let (s, us) = line[..11].trim().split_once('.').expect("a time");
        s.parse::<u64>().expect("seconds") * SECOND + us.parse::<u64>().expect("microseconds") >= since
    };
    log.iter().filter(after).filter(|line| line.contains("n0") && line.contains(what)).count()
}

fn dual_pair() -> World {
    let mut world = World::dual(1).logging();
    world.add(Spec::ours(1, 0).dual(1));
    world.add(Spec::ours(2, 50).dual(2));
    world.change(Change::Start(0));
    world.run_until(5 * SECOND);
    world.change(Change::Start(1));
    world.run_until(10 * SECOND);
    world
}

// Linux takes the IPv6 addresses of an interface that is set down and never brings them back.
#[test]
fn an_interface_set_down_and_up_within_the_grace_loses_ipv6() {
    let mut world = dual_pair();
    let down = world.now;
    world.change(Change::Disable(0));
    world.change(Change::TakeAddress { node: 0, all: false });
    world.run_for(100 * MS);
    assert_eq!(lost(&world), 0, "it may come back with the link");
    world.change(Change::Link { node: 0, up: true, told: 0 });
    world.run_for(SECOND);
    assert_eq!((lost(&world), back(&world)), (1, 1));
    assert_eq!(deeds(&world, down, "runs Up"), 1);
    assert_eq!(world.ours(0).addresses(), Presence::All);
    // With the link, and when the address is back: of each an ARP request and reply, and a neighbour advertisement.
    assert!(deeds(&world, down, "sends announcement") >= 6);
    assert_eq!(reasons(&world, 0), [Reason::LinkUp, Reason::MasterTimedOut]);
    assert_eq!(world.masters(), [0]);
    assert_settles(&mut world);
}

#[test]
fn an_address_taken_away_is_brought_back_once_a_minute() {
    let mut world = pair(1, Spec::ours(1, 0), Spec::ours(2, 50)).logging();
    let taken = world.now;
    world.change(Change::TakeAddress { node: 0, all: true });
    world.run_for(SECOND);
    assert_eq!((lost(&world), back(&world), deeds(&world, taken, "runs Up")), (1, 1, 1));
    let again = world.now;
    world.change(Change::TakeAddress { node: 0, all: true });
    assert!(world.ours(0).snapshot(world.now).address_missing);
    world.run_until(taken + 60 * SECOND - 2 * MS);
    assert_eq!((lost(&world), back(&world), deeds(&world, again, "runs Up")), (2, 1, 0));
    world.run_for(SECOND);
    assert_eq!((lost(&world), back(&world), deeds(&world, again, "runs Up")), (2, 2, 1));
    assert!(!world.ours(0).snapshot(world.now).address_missing);
    assert_eq!(world.masters(), [0]);
    assert_settles(&mut world);
}

#[test]
fn a_lost_address_is_only_said_where_no_hook_may_bring_it_back() {
    let warns = Spec { on_lost_address: OnLostAddress::Warn, ..Spec::ours(1, 0) };
    let without = Spec { up_hook: false, down_hook: false, ..Spec::ours(1, 0) };
    for spec in [warns, without] {
        let mut world = World::new(1).logging();
        // Put there by somebody else.
        world.add(spec);
        world.slots[0].claims = true;
        world.start_all();
        world.run_until(10 * SECOND);
        let taken = world.now;
        world.change(Change::TakeAddress { node: 0, all: true });
        world.run_for(100 * SECOND);
        assert_eq!((lost(&world), back(&world), deeds(&world, taken, "runs")), (1, 0, 0));
        assert!(world.ours(0).snapshot(world.now).address_missing);
        world.change(Change::BringAddress(0));
        assert_eq!(back(&world), 1);
        assert_eq!(world.masters(), [0]);
        assert_lawful(&world);
    }
}

/// A master whose hooks last for half a minute, do nothing when they are ended, and do not listen to SIGTERM.
fn slow_hooks() -> HookPlan {
    HookPlan { deaf: 100, idle: 100, ..HookPlan::lasting(30 * SECOND) }
}

fn assert_at_rest(world: &World, hook: Hook, addresses: Presence) {
    let ours = world.ours(0);
    assert_eq!(ours.last_hook(), Some((hook, HookEnd::Succeeded)), "\n{}", tail(world));
    assert_eq!((ours.addresses(), ours.hook_running()), (addresses, false));
    assert_eq!(ours.snapshot(world.now).owed_hook, None);
}

// MASTER again during a slow down hook, which is asked to end after five seconds; BACKUP before it has ended.
#[test]
fn a_down_hook_that_was_ended_is_run_again() {
    let mut world = pair(1, Spec::ours(1, 0), Spec::ours(2, 50)).logging();
    world.change(Change::Hooks(0, slow_hooks()));
    world.change(Change::Resign(0));
    world.run_for(4 * SECOND);
    assert_eq!(world.masters(), [1]);
    world.change(Change::Stop(1, true));
    world.run_for(5 * MS);
    let master = since(&world, 0, Role::Master);
    assert_eq!(world.masters(), [0]);
    world.run_until(master + 5 * SECOND + 500 * MS);
    assert_eq!(said(&world, 0, |n| matches!(n, Notice::HookKilled { hook: Hook::Down, .. })), 1);
    assert_eq!(deeds(&world, master, "sends announcement"), 0, "while a down hook runs");
    world.change(Change::Hooks(0, HookPlan::QUICK));
    world.change(Change::Resign(0));
    world.run_for(SECOND);
    assert_eq!(world.role(0), Role::Backup);
    assert_at_rest(&world, Hook::Down, Presence::None);
    assert_settles(&mut world);
}

// BACKUP during a slow up hook, which is asked to end after five seconds; MASTER before it has ended.
#[test]
fn an_up_hook_that_was_ended_is_run_again() {
    let mut world = pair(1, Spec::ours(1, 0), Spec::ours(2, 50)).logging();
    world.change(Change::Resign(0));
    world.run_for(4 * SECOND);
    world.change(Change::Hooks(0, slow_hooks()));
    world.change(Change::Resign(1));
    world.run_for(SECOND);
    assert_eq!((world.masters(), world.ours(0).hook_running()), (vec![0], true));
    world.change(Change::Resign(0));
    let left = world.now;
    // The other one may not be master for three seconds either.
    world.run_until(left + 5 * SECOND + 500 * MS);
    assert_eq!(said(&world, 0, |n| matches!(n, Notice::HookKilled { hook: Hook::Up, .. })), 1);
    assert_eq!(world.masters(), [1]);
    world.change(Change::Hooks(0, HookPlan::QUICK));
    world.change(Change::Resign(1));
    world.run_for(SECOND);
    assert_eq!(world.masters(), [0]);
    assert_at_rest(&world, Hook::Up, Presence::All);
    assert_settles(&mut world);
}

#[test]
fn a_hook_that_cannot_run_is_owed_and_run_when_it_can() {
    let mut world = World::new(1).logging();
    world.add(Spec { plan: HookPlan { absent: 100, ..HookPlan::QUICK }, ..Spec::ours(1, 0) });
    world.start_all();
    world.run_until(9 * SECOND);
    assert_eq!(world.ours(0).snapshot(world.now).owed_hook.map(|(hook, _)| hook), Some(Hook::Up));
    world.change(Change::Heal);
    // Tried at 3, 8 and 18 s.
    world.run_until(18 * SECOND + 100 * MS);
    assert_at_rest(&world, Hook::Up, Presence::All);
    assert_eq!(deeds(&world, 0, "runs Up"), 3);
    // A down hook that cannot run leaves the address here: owed. If this host is master again first, the up hook
    // runs, because nobody knows what became of the address meanwhile.
    world.change(Change::Hooks(0, HookPlan { absent: 100, ..HookPlan::QUICK }));
    world.change(Change::Resign(0));
    let resigned = world.now;
    world.run_for(SECOND);
    assert_eq!(world.ours(0).addresses(), Presence::All);
    assert_eq!(world.ours(0).snapshot(world.now).owed_hook.map(|(hook, _)| hook), Some(Hook::Down));
    world.change(Change::Hooks(0, HookPlan::QUICK));
    world.run_for(3 * SECOND);
    assert_eq!(world.masters(), [0]);
    assert_eq!(deeds(&world, resigned, "runs Up"), 1);
    assert_at_rest(&world, Hook::Up, Presence::All);
    assert!(deeds(&world, resigned, "sends announcement") >= 2);
    assert_settles(&mut world);
}

#[test]
fn an_exit_status_counts_only_where_the_address_is_wrong() {
    let failing = HookPlan { failing: 100, ..HookPlan::QUICK };
    for (idle, owed) in [(0, None), (100, Some(Hook::Up))] {
        let mut world = World::new(1).logging();
        world.add(Spec { plan: HookPlan { idle, ..failing }, ..Spec::ours(1, 0) });
        world.start_all();
        world.run_until(7 * SECOND);
        assert_eq!(world.ours(0).snapshot(world.now).owed_hook.map(|(hook, _)| hook), owed);
        assert_eq!(deeds(&world, 0, "runs Up"), 1);
        assert_settles(&mut world);
    }
}

// The question at the hook's end has no answer, the one a second later has.
#[test]
fn what_a_failed_hook_did_may_be_known_later() {
    let mute = HookPlan { failing: 100, idle: 100, mute: 100, ..HookPlan::QUICK };
    let mut world = World::new(1).logging();
    world.add(Spec { plan: mute, ..Spec::ours(1, 0) });
    world.start_all();
    world.run_until(10 * SECOND);
    assert_eq!(world.ours(0).snapshot(world.now).owed_hook, None, "nobody knows");
    world.change(Change::Heal);
    world.run_for(7 * SECOND);
    assert_at_rest(&world, Hook::Up, Presence::All);
    assert_settles(&mut world);
}

// Both may have lost the address by one cause: stepping aside is never absolute.
#[test]
fn hosts_whose_up_hooks_all_fail_still_have_a_master() {
    for count in 1..=3 {
        for seed in 0..10 {
            let plan = HookPlan { failing: 100, idle: 100, ..HookPlan::QUICK };
            let mut world = World::new(seed).logging();
            for n in 1..=count {
                world.add(Spec {
                    plan,
                    hook_failure: HookFailure::Demote,
                    ..Spec::ours(n, n * 20).preempt()
                });
            }
            world.start_all();
            world.run_until(300 * SECOND);
            let list = timeline(&world, 5 * SECOND, world.now);
            let nobody = longest(&list, |masters| masters == 0);
            assert!(nobody < 4 * SECOND, "{count} hosts, seed {seed}: nobody for {nobody}\n{}", tail(&world));
            assert!(Sums::of(&world, 5 * SECOND, world.now).nobody < 40 * SECOND);
            assert_lawful(&world);
        }
    }
}

/// A master whose up hook sets the interface down at once and up again after `away`.
fn link_taken(preempt: bool, away: u64) -> World {
    let mut world = World::new(1).logging();
    world.add(Spec { preempt, plan: HookPlan::lasting(away + SECOND), ..Spec::ours(1, 0) });
    world.add(Spec::ours(2, 50));
    world.change(Change::Start(0));
    world.run_until(2 * SECOND);
    world.change(Change::Start(1));
    world.run_until(3 * SECOND + 50 * MS);
    // At the start the down hook lasts as long.
    while !world.ours(0).snapshot(world.now).hook.is_some_and(|(hook, _)| hook == Hook::Up) {
        world.run_for(MS);
    }
    world.change(Change::Disable(0));
    world.run_for(away);
    world.change(Change::Link { node: 0, up: true, told: 0 });
    world
}

#[test]
fn an_up_hook_that_takes_the_link_for_two_seconds_costs_nothing() {
    let mut world = link_taken(false, 2 * SECOND);
    world.run_for(60 * SECOND);
    assert_eq!(reasons(&world, 0), [Reason::LinkUp, Reason::MasterTimedOut]);
    assert_eq!(reasons(&world, 1), [Reason::LinkUp]);
    assert_eq!(said(&world, 0, |n| matches!(n, Notice::LinkTakenByHook)), 1);
    assert_eq!(said(&world, 0, |n| matches!(n, Notice::GraceOver)), 1);
    assert_settles(&mut world);
}

#[test]
fn an_up_hook_that_takes_the_link_for_longer_than_the_dead_time_finds_a_successor() {
    for (preempt, master) in [(false, 1), (true, 0)] {
        let mut world = link_taken(preempt, 5 * SECOND);
        let returned = world.now;
        world.run_for(5 * SECOND);
        let mut expected = vec![Reason::LinkUp, Reason::MasterTimedOut];
        if !preempt {
            expected.push(Reason::Replaced);
            assert_eq!(deeds(&world, returned, "sends announcement"), 0, "it does not fight");
        }
        assert_eq!(reasons(&world, 0), expected);
        assert_eq!(world.masters(), [master]);
        world.run_for(60 * SECOND);
        assert_eq!(reasons(&world, 0), expected, "not again and again");
        assert_settles(&mut world);
    }
}

// Nobody took over: after having listened it goes on.
#[test]
fn a_link_taken_for_long_from_a_lone_master() {
    let mut world = link_taken(false, 2 * SECOND);
    world.run_for(2 * SECOND);
    world.change(Change::Crash(1));
    world.change(Change::Hooks(0, HookPlan::lasting(10 * SECOND)));
    world.change(Change::TakeAddress { node: 0, all: true });
    world.change(Change::Disable(0));
    world.run_for(8 * SECOND);
    world.change(Change::Link { node: 0, up: true, told: 0 });
    world.run_for(MS);
    assert_eq!(said(&world, 0, |n| matches!(n, Notice::Listening { .. })), 1);
    world.run_for(4 * SECOND);
    assert_eq!(said(&world, 0, |n| matches!(n, Notice::Resumed)), 1);
    assert_eq!((world.masters(), reasons(&world, 0).len()), (vec![0], 2));
    assert_settles(&mut world);
}

// Only who is set down by somebody on this host may have been by the hook.
#[test]
fn a_carrier_lost_while_the_up_hook_runs_has_the_usual_grace() {
    let mut world = World::new(1);
    world.add(Spec { plan: HookPlan::lasting(10 * SECOND), neutral: true, ..Spec::ours(1, 0) });
    world.start_all();
    world.run_until(5 * SECOND);
    world.change(Change::Link { node: 0, up: false, told: 0 });
    world.run_for(1_001 * MS);
    assert_eq!(world.role(0), Role::Init);
    assert_lawful(&world);
}
