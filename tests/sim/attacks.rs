//! Named scenarios with a stranger who sends again what was sent before, with frames that are lost, and with
//! advertisements that do not leave.

use std::rc::Rc;

use ucarp::protocol::{Demotion, Notice, Reason, Replay, Role};

use super::oracle::timeline;
use super::scenario::{assert_settles, pair, reasons, said, since, tail};
use super::world::{Change, MS, SECOND, Spec, World};

/// A master at 1/0 that will have bowed out once, its backup at 1/50, and the recorded bow-out and advertisement, which
/// nobody here takes for old.
fn recorded() -> (World, Rc<[u8]>, Rc<[u8]>) {
    let mut world = World::new(1);
    (world.whole_turns, world.recording) = (true, true);
    world.add(Spec { replay: Replay::Off, ..Spec::ours(1, 0) });
    world.add(Spec { replay: Replay::Off, ..Spec::ours(2, 50) });
    world.change(Change::Start(0));
    world.run_until(5 * SECOND);
    let advertisement = world.past[0].bytes.clone();
    world.change(Change::Stop(0, true));
    let bow_out = world.past.last().expect("it has left").bytes.clone();
    world.run_until(10 * SECOND);
    world.change(Change::Start(0));
    world.change(Change::Start(1));
    world.run_until(20 * SECOND);
    assert_eq!(world.masters(), [0]);
    world = world.logging();
    (world, bow_out, advertisement)
}

fn attack_for(world: &mut World, lasts: u64, frames: [&Rc<[u8]>; 2]) {
    let end = world.now + lasts;
    while world.now < end {
        for frame in frames {
            world.inject(frame);
            world.run_for(5 * MS);
        }
    }
}

fn became_master(world: &World, node: usize, from: u64) -> usize {
    world
        .record
        .roles
        .iter()
        .filter(|role| role.0 >= from && role.1 == node && role.2 == Role::Master)
        .count()
}

// The recorded bow-out and advertisement of the master in turn: each pair costs a takeover, until that is too often.
#[test]
fn takeovers_that_come_too_often_wait() {
    let (mut world, bow_out, advertisement) = recorded();
    let from = world.now;
    attack_for(&mut world, 60 * SECOND, [&bow_out, &advertisement]);
    let taken = became_master(&world, 1, from);
    assert!((4..=16).contains(&taken), "{taken} takeovers in a minute\n{}", tail(&world));
    assert_eq!(said(&world, 1, |n| *n == Notice::Damped), 1);
    world.run_for(70 * SECOND);
    assert_eq!(world.masters(), [0]);
    assert_eq!(said(&world, 1, |n| *n == Notice::Calm { role: Role::Backup }), 1);
    assert_settles(&mut world);
    // All is forgotten: an honest bow-out counts at once.
    let stopped = world.now;
    world.change(Change::Stop(0, true));
    world.run_for(SECOND);
    assert!(since(&world, 1, Role::Master) - stopped < 2 * MS);
}

// What was a trick before may be true now: then silence decides, and no later than it ever did.
#[test]
fn who_waits_takes_over_when_silence_would_do() {
    let (mut world, bow_out, advertisement) = recorded();
    attack_for(&mut world, 30 * SECOND, [&bow_out, &advertisement]);
    // The master's own next word is the last that counts; then a bow-out, true this time.
    let heard = world.now;
    world.inject(&advertisement);
    world.run_for(300 * MS);
    assert_eq!(world.role(1), Role::Backup, "{}", tail(&world));
    world.change(Change::Stop(0, true));
    world.run_for(6 * SECOND);
    let taken = since(&world, 1, Role::Master) - heard;
    assert!((SECOND..=3_195_312 + 300 * MS).contains(&taken), "{taken}\n{}", tail(&world));
    assert_eq!(reasons(&world, 1).last(), Some(&Reason::MasterLeft));
    assert_settles(&mut world);
}

// The system had no room for what the living master sent: one interval more shows that it lives.
#[test]
fn lost_frames_are_not_silence() {
    let mut world = pair(1, Spec::ours(1, 0), Spec::ours(2, 50));
    world.run_for(10 * MS);
    world.change(Change::Overflow(1, true));
    world.run_for(3_400 * MS);
    world.change(Change::Overflow(1, false));
    world.run_for(10 * SECOND);
    assert_eq!(reasons(&world, 1), [Reason::LinkUp]);
    assert_eq!(said(&world, 1, |n| *n == Notice::Lost), 1);
    assert!(world.ours(1).snapshot(world.now).counters.lost >= 3);
    assert_settles(&mut world);
    // What was lost before the master was last heard is no reason to wait for it.
    let stopped = world.now;
    world.change(Change::Crash(0));
    world.run_for(6 * SECOND);
    assert!(since(&world, 1, Role::Master) <= stopped + 3_195_312 + 2 * MS);
    assert_eq!(said(&world, 1, |n| *n == Notice::Lost), 1);
}

// Who always loses some must still take over: once, and one interval later.
#[test]
fn lost_frames_delay_a_takeover_once() {
    let mut world = pair(1, Spec::ours(1, 0), Spec::ours(2, 50));
    world.run_for(10 * MS);
    let heard = world.ours(1).snapshot(world.now).master_down.expect("a backup").since_zero().as_micros();
    world.change(Change::Overflow(1, true));
    world.run_for(10 * SECOND);
    let taken = u128::from(since(&world, 1, Role::Master));
    assert!((heard + 1_250_000..heard + 1_252_000).contains(&taken), "{taken}, {heard}");
    assert_eq!(reasons(&world, 1).last(), Some(&Reason::MasterTimedOut));
    assert_eq!(said(&world, 1, |n| *n == Notice::Lost), 1);
}

// A master whose advertisements do not leave while it hears: others take over, and it gives way when it hears them.
#[test]
fn advertisements_that_do_not_leave() {
    for preempt in [false, true] {
        let first = Spec { preempt, ..Spec::ours(1, 0) };
        let mut world = pair(1, first, Spec::ours(2, 50));
        let from = world.now;
        // It is alone: the address is kept, however long it lasts.
        world.change(Change::Crash(1));
        world.change(Change::Sending { node: 0, fails: true });
        world.run_for(20 * SECOND);
        assert_eq!(world.masters(), [0]);
        assert_eq!(said(&world, 0, |n| matches!(n, Notice::Unsent { .. })), 1);
        assert_eq!(said(&world, 0, |n| *n == Notice::Demoted { reason: Demotion::SendFailures }), 1);
        // It works again, and nobody else is there.
        world.change(Change::Sending { node: 0, fails: false });
        world.run_for(20 * SECOND);
        assert_eq!(reasons(&world, 0).last(), Some(&Reason::MasterTimedOut));
        assert_settles(&mut world);
        // Another one takes over, unheard at first; when the two hear each other, the one that was mute gives way.
        world.change(Change::Start(1));
        world.run_for(10 * SECOND);
        assert_eq!(world.masters(), [0]);
        world.change(Change::Cut { from: 1, to: 0, cut: true });
        world.change(Change::Sending { node: 0, fails: true });
        world.run_for(10 * SECOND);
        assert_eq!(world.masters(), [0, 1]);
        world.change(Change::Cut { from: 1, to: 0, cut: false });
        world.change(Change::Sending { node: 0, fails: false });
        world.run_for(3 * SECOND);
        assert_eq!(world.masters(), [1], "preempt {preempt}");
        let reason = if preempt { Reason::FasterMaster } else { Reason::Unsent };
        assert_eq!(reasons(&world, 0).last(), Some(&reason));
        assert!(timeline(&world, from, world.now).iter().all(|s| s.masters != 0), "never nobody");
        world.run_for(60 * SECOND);
        assert_settles(&mut world);
    }
}
