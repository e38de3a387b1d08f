//! Named scenarios with recorded packets and without the key, with clones, and with clocks that are wrong: what each
//! could do once, and what it does now, for each `--replay`.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ucarp::protocol::{
    Dialect, Event, Key, Link, Notice, PeerKind, Reason, Rejected, Replay, Role, Time, VirtualHost,
};

use super::Rng;
use super::attacker::Packet;
use super::frame::{Ad, Seen, carp_of, encode, forge, group, look};
use super::kernel::Os;
use super::mark::{GIVES_WAY, Mark};
use super::oracle::{Sums, timeline};
use super::scenario::{assert_settles, reasons, said, since, tail};
use super::world::{Change, EPOCH, MS, Machine, PASSWORD, SECOND, Spec, VHID, World};

const MODES: [Replay; 3] = [Replay::Warn, Replay::Refuse, Replay::Off];
/// Of a host at 1/0 and of one at 1/50.
const DEAD_TIME: u64 = 3_195_312;
const STRANGER: [u8; 6] = [2, 0, 0, 0, 0, 99];

/// A master at 1/0 and its backup at 1/50, settled and recorded for 10 s.
fn watched(replay: Replay) -> World {
    let mut world = World::new(1);
    world.recording = true;
    world.add(Spec { replay, ..Spec::ours(1, 0) });
    world.add(Spec { replay, ..Spec::ours(2, 50) });
    world.change(Change::Start(0));
    world.run_until(5 * SECOND);
    world.change(Change::Start(1));
    world.run_until(20 * SECOND);
    assert_eq!(world.masters(), [0]);
    world = world.logging();
    world
}

/// What `node` sent, in order.
fn sent_by(world: &World, node: usize) -> Vec<Rc<[u8]>> {
    world.past.iter().filter(|packet| packet.from == node).map(|packet| packet.bytes.clone()).collect()
}

fn altered(recorded: &[u8], alter: impl FnOnce(&mut Ad)) -> Rc<[u8]> {
    let Seen::Ad(mut ad) = look(recorded) else { panic!("not an advertisement") };
    alter(&mut ad);
    forge(&carp_of(recorded), &ad, group(ad.v6())).into()
}

fn refused(world: &World, node: usize, rejected: Rejected) -> u64 {
    world.ours(node).snapshot(world.now).counters.rejections.of(rejected)
}

fn transitions(world: &World) -> usize {
    world.record.roles.len()
}

// It kept everybody from the address for as long as it came.
#[test]
fn an_old_ad_as_the_fastest_there_is() {
    for replay in MODES {
        for of in 0..3 {
            let mut world = watched(replay);
            let recorded = sent_by(&world, 0)[of].clone();
            let fastest = altered(&recorded, |ad| (ad.base, ad.skew) = (0, 0));
            let before = transitions(&world);
            for _ in 0..20 {
                world.inject(&fastest);
                world.run_for(2_200 * MS);
            }
            assert_eq!(transitions(&world), before, "{replay:?}\n{}", tail(&world));
            assert_eq!(refused(&world, 1, Rejected::Tampered) + refused(&world, 1, Rejected::Stale), 20);
            // Nor does it delay who is needed.
            let crashed = world.now;
            world.change(Change::Crash(0));
            for _ in 0..10 {
                world.inject(&fastest);
                world.run_for(500 * MS);
            }
            assert!(since(&world, 1, Role::Master) <= crashed + DEAD_TIME + 2 * MS, "{}", tail(&world));
            assert_settles(&mut world);
        }
    }
}

// It held the backup off.
#[test]
fn an_ad_of_a_dead_master_once_a_second() {
    for replay in MODES {
        let mut world = watched(replay);
        world.change(Change::Crash(0));
        let crashed = world.now;
        let last = sent_by(&world, 0).pop().expect("it has sent");
        for _ in 0..10 {
            world.run_for(SECOND);
            world.inject(&last);
        }
        if replay == Replay::Off {
            assert_eq!(world.masters(), [0; 0], "T is not looked at");
        } else {
            let taken = since(&world, 1, Role::Master);
            assert!(taken <= crashed + DEAD_TIME + 2 * MS, "{replay:?} {taken}\n{}", tail(&world));
            assert_eq!(reasons(&world, 1).last(), Some(&Reason::MasterTimedOut));
        }
        assert_settles(&mut world);
    }
}

/// The backup has been started anew and never heard the dead master: how long the recording of 15 s holds it off when it
/// is played once, and then again.
fn held_off_by_a_sequence(replay: Replay) -> [u64; 2] {
    let mut world = watched(replay);
    world.change(Change::Crash(0));
    world.change(Change::Crash(1));
    let recorded = sent_by(&world, 0);
    world.run_for(60 * SECOND);
    world.change(Change::Start(1));
    let mut held = [0; 2];
    for held in &mut held {
        world.change(Change::Resign(1));
        world.run_for(MS);
        let from = world.now;
        for ad in &recorded[..15] {
            world.inject(ad);
            world.run_for(SECOND);
        }
        world.run_for(10 * SECOND);
        assert_eq!(world.masters(), [1], "{replay:?}\n{}", tail(&world));
        *held = since(&world, 1, Role::Master) - from;
    }
    held
}

#[test]
fn a_sequence_that_this_life_never_heard() {
    let [first, again] = held_off_by_a_sequence(Replay::Warn);
    assert!((14 * SECOND + 3 * SECOND..14 * SECOND + DEAD_TIME + 2 * MS).contains(&first), "{first}");
    // It had resigned, which takes three seconds.
    assert!(again <= 3 * SECOND + DEAD_TIME, "once: {again}");
    let [first, again] = held_off_by_a_sequence(Replay::Refuse);
    assert!(first <= DEAD_TIME + 2 * MS && again <= 3 * SECOND + DEAD_TIME, "{first} {again}");
    let [first, again] = held_off_by_a_sequence(Replay::Off);
    assert!(first >= 17 * SECOND && again >= 17 * SECOND, "{first} {again}");
}

/// A host that was started long after the first has died, and what that one said at its end and before.
fn heir(replay: Replay) -> (World, Vec<Rc<[u8]>>) {
    let mut world = watched(replay);
    world.change(Change::Crash(1));
    world.change(Change::Stop(0, true));
    world.run_for(60 * SECOND);
    let recorded = sent_by(&world, 0);
    world.change(Change::Start(1));
    (world, recorded)
}

// A recording cannot answer, so a master waits for its answer before it gives way.
#[test]
fn a_master_hears_what_may_be_a_recording() {
    for replay in MODES {
        let (mut world, recorded) = heir(replay);
        world.run_for(10 * SECOND);
        assert_eq!(world.masters(), [1]);
        for round in 0..2 {
            let (from, sent, before) = (world.now, world.past.len(), transitions(&world));
            for ad in &recorded[..10] {
                world.inject(ad);
                world.run_for(SECOND);
            }
            let answers = world.past[sent..].iter().filter(|packet| packet.bytes[0] & 1 == 0);
            let answers: Vec<_> = answers.map(|packet| look(&packet.bytes)).collect();
            let gives_way = |seen: &Seen| matches!(seen, Seen::Ad(ad) if ad.counter & GIVES_WAY != 0);
            match (replay, round) {
                (Replay::Warn, 0) => {
                    let left = since(&world, 1, Role::Backup) - from;
                    // It is new here, so it is asked once.
                    assert_eq!(left, 5 * SECOND, "the second after a dead time\n{}", tail(&world));
                    assert_eq!(reasons(&world, 1).last(), Some(&Reason::FasterMaster));
                    // As master, its leave, and then it is no master.
                    let leaves = answers.iter().position(gives_way).expect("it left");
                    assert!(
                        (4..=5).contains(&leaves) && answers[leaves..].iter().all(gives_way),
                        "{answers:?}"
                    );
                }
                // Asked once if it is new here.
                (Replay::Off, _) => assert!([from, from + SECOND].contains(&since(&world, 1, Role::Backup))),
                (Replay::Warn | Replay::Refuse, _) => {
                    assert_eq!(transitions(&world), before, "{replay:?}\n{}", tail(&world));
                    assert!((9..=11).contains(&answers.len()), "{answers:?}");
                    assert!(!answers.iter().any(gives_way), "{answers:?}");
                }
            }
            let told = said(&world, 1, |n| matches!(n, Notice::Suspect { .. }));
            assert_eq!(told, usize::from(replay != Replay::Off), "once an hour\n{}", tail(&world));
            world.run_for(10 * SECOND);
            assert_eq!(world.masters(), [1], "{replay:?}\n{}", tail(&world));
        }
        assert_settles(&mut world);
    }
}

// Nobody believes somebody who was never heard that it leaves.
#[test]
fn a_recorded_bow_out_hastens_nothing() {
    for replay in MODES {
        let (mut world, recorded) = heir(replay);
        let started = world.now;
        world.run_for(500 * MS);
        world.inject(recorded.last().expect("it has left"));
        world.run_for(10 * SECOND);
        let taken = since(&world, 1, Role::Master) - started;
        let waits = if replay == Replay::Off { 500 * MS } else { DEAD_TIME };
        assert_eq!(taken, waits, "{replay:?}\n{}", tail(&world));
    }
}

/// A backup at 1/50 whose master at 1/100 has just died, the last that this one sent, and how to alter that so that it
/// still fits, by chance, and is better; `heard`: the backup has heard it.
fn chance(heard: bool) -> (World, Rc<[u8]>, impl Fn(&mut Ad)) {
    let mut world = World::new(8);
    world.recording = true;
    world.add(Spec::ours(1, 100));
    world.add(Spec::ours(2, 50));
    world.start_all();
    world.run_until(10 * SECOND);
    world.change(Change::Resign(1));
    world.run_for(10 * SECOND);
    assert_eq!(world.masters(), [0]);
    if !heard {
        world.part(&[0], true);
        world.run_for(10 * SECOND);
    }
    loop {
        world.run_for(SECOND);
        let recorded = sent_by(&world, 0).pop().expect("it is master");
        let Seen::Ad(ad) = look(&recorded) else { panic!("it is an advertisement") };
        let mut all = (0..=255).flat_map(|skew| (0..=255).map(move |demotion| (skew, demotion)));
        let fits = |&(skew, demotion): &(u8, u8)| world.mark.fits(&Ad { base: 0, skew, demotion, ..ad });
        if let Some((skew, demotion)) = all.find(fits) {
            world.change(Change::Crash(0));
            world.run_for(5 * MS);
            return (world, recorded, move |ad| (ad.base, ad.skew, ad.demotion) = (0, skew, demotion));
        }
    }
}

// F has 16 bits, so it can be hit; but nobody may try for long, and nobody at all where the genuine one was heard.
#[test]
fn trying_fields_until_they_fit() {
    for (heard, tries) in [(false, 0), (false, 19), (false, 25), (true, 0)] {
        let (mut world, recorded, alter) = chance(heard);
        let accepted = |world: &World| world.ours(1).snapshot(world.now).counters.heard;
        let before = accepted(&world);
        for n in 0..tries {
            world.inject(&altered(&recorded, |ad| (ad.base, ad.skew) = (2, n)));
        }
        world.run_for(MS);
        assert_eq!((accepted(&world), refused(&world, 1, Rejected::Tampered)), (before, tries.into()));
        world.inject(&altered(&recorded, alter));
        world.run_for(MS);
        let deceived = accepted(&world) > before;
        assert_eq!(deceived, !heard && tries < 20, "after {tries}");
    }
}

// One transition a packet, with hooks and an answer each.
#[test]
fn one_ad_as_a_bow_out_and_as_the_fastest_in_turn() {
    for replay in MODES {
        for newest in [false, true] {
            let mut world = watched(replay);
            let ads = sent_by(&world, 0);
            let recorded = if newest { ads.last() } else { ads.first() }.expect("it has sent").clone();
            let frames = [(255, 255), (0, 0)]
                .map(|(base, skew)| altered(&recorded, |ad| (ad.base, ad.skew) = (base, skew)));
            let (before, sent) = (transitions(&world), world.record.frames);
            for n in 0..10_000 {
                world.inject(&frames[n % 2]);
                world.run_for(MS / 2);
            }
            assert_eq!(transitions(&world), before, "{replay:?}\n{}", tail(&world));
            let sent = world.record.frames - sent;
            assert!(sent <= 5 + 2 * 6, "{replay:?}: {sent} in five seconds");
            assert_settles(&mut world);
        }
    }
}

// Older than the last 32 it unseated a lone master.
#[test]
fn our_own_ad_of_long_ago() {
    for replay in MODES {
        for mac in [[2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2], STRANGER] {
            let mut world = World::new(1);
            world.recording = true;
            world.add(Spec { replay, ..Spec::ours(1, 0) });
            world.change(Change::Start(0));
            world.run_until(60 * SECOND);
            world = world.logging();
            let before = transitions(&world);
            for n in 0..40 {
                let recorded = sent_by(&world, 0)[n].clone();
                world.inject(&altered(&recorded, |ad| ad.mac = mac));
                world.inject(&altered(&recorded, |ad| (ad.mac, ad.base, ad.skew) = (mac, 0, 0)));
                world.run_for(20 * MS);
            }
            assert_eq!(transitions(&world), before, "{replay:?} {mac:?}\n{}", tail(&world));
            // The same after a restart, from an earlier life.
            let recorded = sent_by(&world, 0);
            world.change(Change::Crash(0));
            world.change(Change::Start(0));
            world.run_for(10 * SECOND);
            let before = transitions(&world);
            for ad in &recorded {
                world.inject(&altered(ad, |ad| ad.mac = mac));
                world.run_for(20 * MS);
            }
            assert_eq!(transitions(&world), before, "{replay:?} {mac:?}\n{}", tail(&world));
            assert_settles(&mut world);
        }
    }
}

#[test]
fn the_bytes_of_one_family_in_a_packet_of_the_other() {
    for replay in MODES {
        let mut world = World::dual(1);
        world.recording = true;
        world.add(Spec { replay, ..Spec::ours(1, 0).dual(1) });
        world.add(Spec { replay, ..Spec::ours(2, 50).dual(2) });
        world.change(Change::Start(0));
        world.run_until(5 * SECOND);
        world.change(Change::Start(1));
        world.run_until(20 * SECOND);
        world = world.logging();
        let before = transitions(&world);
        for recorded in sent_by(&world, 0) {
            let v6 = matches!(look(&recorded), Seen::Ad(ad) if ad.v6());
            let spec = &world.slots[0].spec;
            let other = if v6 { spec.v4.map(IpAddr::V4) } else { spec.v6.map(IpAddr::V6) };
            for (base, skew) in [(1, 0), (0, 0), (255, 255)] {
                let moved = |ad: &mut Ad| (ad.source, ad.base, ad.skew) = (other.expect("both"), base, skew);
                world.inject(&altered(&recorded, moved));
                world.run_for(10 * MS);
            }
        }
        assert_eq!(transitions(&world), before, "{replay:?}\n{}", tail(&world));
        let refused = refused(&world, 1, Rejected::Tampered) + refused(&world, 1, Rejected::Stale);
        assert!(refused >= 90, "{refused}");
        assert_settles(&mut world);
    }
}

#[test]
fn twenty_invented_senders() {
    for replay in MODES {
        let mut world = watched(replay);
        let recorded = sent_by(&world, 0);
        let before = transitions(&world);
        let heard = |world: &World| world.ours(1).snapshot(world.now).counters.heard;
        let (from, heard_before, notices) = (world.now, heard(&world), world.ours(1).notices.len());
        for n in 0..400_u16 {
            let name = u8::try_from(n % 20).expect("few") + 100;
            let ad = &recorded[usize::from(n) % recorded.len()];
            world.inject(&altered(ad, |ad| (ad.source, ad.mac[5]) = (IpAddr::from([10, 0, 0, name]), name)));
            world.run_for(25 * MS);
        }
        assert_eq!(transitions(&world), before, "{replay:?}\n{}", tail(&world));
        // Heard was the master, and nobody else; it answers once in these 10 s that it knows its standby.
        let (heard, ads) = (heard(&world) - heard_before, (world.now - from) / SECOND);
        assert!((ads..=ads + 1).contains(&heard), "{replay:?}: {heard}");
        let said = &world.ours(1).notices[notices..];
        assert!(said.len() <= 2, "{said:?}");
        assert_settles(&mut world);
    }
}

/// When one of those that start together is master, and from when on it is the only one.
fn boots(world: &mut World) -> (u64, u64) {
    world.start_all();
    world.run_until(30 * SECOND);
    let list = timeline(world, 0, world.now);
    let first = list.iter().find(|s| s.masters != 0).expect("nobody became master").from;
    let single = list.last().filter(|s| s.masters.count_ones() == 1).expect("one in the end").from;
    (first, single)
}

// They took each other for echoes: two masters for 10 to 24 s. Nothing in the core is random, so all that is left of a
// clone is that it starts in the same moment, with the same clock and perhaps the hardware address.
#[test]
fn clones_of_one_machine() {
    for replay in MODES {
        for mac in [[2, 0, 0, 0, 0, 2], [2, 0, 0, 0, 0, 1]] {
            for count in 2..=4 {
                let mut world = World::new(9).logging();
                for n in 1..=count {
                    world.add(Spec {
                        replay,
                        mac: if n == 2 { mac } else { [2, 0, 0, 0, 0, n] },
                        ..Spec::ours(n, 100)
                    });
                }
                let (first, single) = boots(&mut world);
                assert_eq!(first, 3_390_625);
                assert!(single <= first + 3 * MS, "{replay:?} {single}\n{}", tail(&world));
                assert_eq!(world.masters(), [0]);
                assert_settles(&mut world);
            }
        }
    }
}

// A clone that still has the other's address is what two hosts with one address are, not an echo.
#[test]
fn two_daemons_with_one_address() {
    for replay in MODES {
        // Together, or at other times.
        for later in [0, 137 * MS, 5 * SECOND] {
            let mut world = World::new(2).logging();
            world.add(Spec { replay, mac: [2, 0, 0, 0, 0, 9], ..Spec::ours(5, 0) });
            world.add(Spec { replay, mac: [2, 0, 0, 0, 0, 3], ..Spec::ours(5, 0) });
            world.change(Change::Start(0));
            world.at(later, Change::Start(1));
            world.run_until(20 * SECOND);
            assert_eq!(world.masters().len(), 1, "{replay:?} {later}\n{}", tail(&world));
            assert_settles(&mut world);
            let told = |node| said(&world, node, |n| matches!(n, Notice::SameSource { .. }));
            assert!(told(0) + told(1) > 0, "{replay:?} {later}\n{}", tail(&world));
        }
    }
}

/// Without a clock that runs while the host is off.
fn without_clock(n: u8, skew: u8) -> Spec {
    Spec { wakes_at: Some(0), ..Spec::ours(n, skew) }
}

// Its clock says 1970 after a restart, and it starts where nobody can tell it the time.
#[test]
fn a_clock_that_fell_back_is_healed_within_one_exchange() {
    for replay in MODES {
        // The one that restarts is better, or not.
        for skew in [0, 100] {
            for seed in 0..20 {
                let mut world = World::new(seed);
                let first = without_clock(1, skew);
                // Who preempts does not yield for having been heard by nobody.
                world.add(Spec { replay, wall: Some(0), ..first.preempt() });
                world.add(Spec { replay, ..Spec::ours(2, 50).preempt() });
                world.start_all();
                world.run_until(10 * SECOND);
                world.change(Change::Crash(0));
                world.part(&[0], true);
                world.run_for(5 * SECOND);
                world.change(Change::Start(0));
                world.run_for(7 * SECOND + seed * 71 * MS);
                assert_eq!(world.masters(), [0, 1]);
                world = world.logging();
                world.part(&[0], false);
                let healed = world.now;
                world.run_for(6 * SECOND);
                let stays = usize::from(skew != 0);
                assert_eq!(world.masters(), [stays], "{replay:?}\n{}", tail(&world));
                let leaves = since(&world, 1 - stays, Role::Backup);
                // The first word of either, and two frames to and fro.
                assert!(
                    leaves <= healed + 1_390_625 + 5 * MS,
                    "{replay:?} {}\n{}",
                    leaves - healed,
                    tail(&world)
                );
                assert_settles(&mut world);
            }
        }
    }
}

// Nobody knows the time, whoever restarts begins anew, and still nothing is different.
#[test]
fn no_clock_anywhere() {
    for replay in MODES {
        for absent in [false, true] {
            let mut world = World::new(3).logging();
            for n in 1..=3 {
                let spec = without_clock(n, 50 * n);
                world.add(if absent {
                    Spec { wall: None, wakes_at: None, replay, ..spec }
                } else {
                    Spec { replay, ..spec }
                });
            }
            world.start_all();
            world.run_until(20 * SECOND);
            assert_eq!(world.masters(), [0]);
            for round in 0..3 {
                let crashed = world.now;
                world.change(Change::Crash(0));
                world.run_for(10 * SECOND);
                assert_eq!(world.masters(), [1], "{replay:?}\n{}", tail(&world));
                assert!(since(&world, 1, Role::Master) <= crashed + 3_390_625 + 5 * MS, "{round}");
                world.change(Change::Start(0));
                world.run_for(10 * SECOND);
                assert_eq!(world.masters(), [1]);
                world.change(Change::Resign(1));
                world.run_for(5 * SECOND);
                assert_eq!(world.masters(), [0], "{replay:?}\n{}", tail(&world));
            }
            let sums = Sums::of(&world, 10 * SECOND, world.now);
            assert!(sums.several <= 100 * MS, "{sums}");
            assert_settles(&mut world);
        }
    }
}

/// Seconds, as a clock is off by them.
const fn off(seconds: i64) -> Option<i64> {
    Some(seconds * 1_000_000)
}

const YEAR: i64 = 31_556_952;

// Ours share one clock, the newest: whoever is ahead takes the others along, and that is said.
#[test]
fn a_year_ahead() {
    for replay in MODES {
        let mut world = World::new(4).logging();
        for n in 1..=3 {
            let wall = if n == 2 { off(YEAR) } else { off(0) };
            // Who preempts does not yield for having been heard by nobody.
            world.add(Spec { replay, wall, ..Spec::ours(n, 50 * n).preempt() });
        }
        world.change(Change::Start(0));
        world.change(Change::Start(2));
        world.run_until(20 * SECOND);
        let jumps = |world: &World, node| said(world, node, |n| matches!(n, Notice::ClockJumped { .. }));
        let before = transitions(&world);
        // To it the master is a year behind, which it tells that one alone, with the first word that it follows; everybody
        // else hears it from there.
        world.change(Change::Start(1));
        world.run_for(20 * SECOND);
        assert_eq!(transitions(&world), before + 1);
        assert_eq!([0, 2].map(|node| jumps(&world, node)), [1, 1], "{replay:?}\n{}", tail(&world));
        // Alone it is master by its own clock.
        world.change(Change::Crash(1));
        world.part(&[1], true);
        world.change(Change::Start(1));
        world.run_for(10 * SECOND);
        assert_eq!(world.masters(), [0, 1]);
        world.part(&[1], false);
        let healed = world.now;
        world.run_for(10 * SECOND);
        assert_eq!(world.masters(), [0], "{replay:?}\n{}", tail(&world));
        assert!(
            since(&world, 1, Role::Backup) <= healed + 1_390_625 + 5 * MS,
            "{replay:?}\n{}",
            tail(&world)
        );
        assert_eq!([0, 2].map(|node| jumps(&world, node)), [1, 1], "{replay:?}\n{}", tail(&world));
        // One whose clock is right is no recording for that.
        world.change(Change::Crash(0));
        world.run_for(10 * SECOND);
        assert_eq!(world.masters(), [1]);
        world.part(&[0], true);
        world.change(Change::Start(0));
        world.run_for(10 * SECOND);
        assert_eq!(world.masters(), [0, 1]);
        world.part(&[0], false);
        let healed = world.now;
        world.run_for(5 * SECOND);
        assert_eq!(world.masters(), [0], "{replay:?}\n{}", tail(&world));
        assert!(
            since(&world, 1, Role::Backup) <= healed + 1_390_625 + 5 * MS,
            "{replay:?}\n{}",
            tail(&world)
        );
        assert_settles(&mut world);
    }
}

// The time of day, a fixed date of some years ago, and 1970: of each two the newer can be told, of the three it cannot.
#[test]
fn three_clocks_around_the_circle() {
    for replay in MODES {
        for preempt in [false, true] {
            for seed in 0..60 {
                let mut world = World::new(seed);
                let clocks = [None, Some(0), Some(1_700_000_000)];
                for n in 0..3 {
                    let wakes_at = clocks[(usize::from(n) + usize::try_from(seed).expect("small")) % 3];
                    world.add(Spec { replay, preempt, wakes_at, ..Spec::ours(n + 1, 50 * n) });
                }
                (0..3).for_each(|node| world.part(&[node], true));
                world.start_all();
                world.run_until(12 * SECOND + seed * 51 * MS);
                assert_eq!(world.masters(), [0, 1, 2]);
                world = world.logging();
                world.change(Change::Heal);
                world.run_for(4 * SECOND);
                // Each may yield to another as one that was heard by nobody.
                let masters = world.masters();
                assert!(
                    masters == [0] || !preempt && masters.len() == 1,
                    "{replay:?} {seed}\n{}",
                    tail(&world)
                );
                assert_settles(&mut world);
                // And whoever comes back with such a clock.
                for node in 0..3 {
                    world.part(&[node], true);
                    world.change(Change::Crash(node));
                    world.change(Change::Start(node));
                    world.run_for(10 * SECOND);
                    world.part(&[node], false);
                    world.run_for(4 * SECOND);
                    assert_eq!(world.masters().len(), 1, "{replay:?} {seed}\n{}", tail(&world));
                    assert_settles(&mut world);
                }
            }
        }
    }
}

// Without clocks a cluster that was off goes through the same T again, and says the same with them: what was recorded before
// is known before it is said.
#[test]
fn altered_ads_of_an_earlier_life_without_clocks() {
    for replay in MODES {
        let mut world = World::new(6);
        world.recording = true;
        for n in 0..2 {
            world.add(Spec { replay, wall: None, ..Spec::ours(n + 1, n * 50) });
        }
        world.start_all();
        world.run_until(60 * SECOND);
        let recorded = sent_by(&world, 0);
        for node in [0, 1] {
            world.change(Change::Crash(node));
        }
        world.start_all();
        world.run_for(10 * SECOND);
        assert_eq!(world.masters(), [0]);
        world = world.logging();
        let before = transitions(&world);
        // Each more than a second before its time comes.
        world.run_for(900 * MS);
        for ad in &recorded[9..39] {
            world.inject(&altered(ad, |ad| ad.skew = 99));
            world.run_for(SECOND);
        }
        assert_eq!(transitions(&world), before, "{replay:?}\n{}", tail(&world));
        assert_settles(&mut world);
    }
}

// What was sent by a clock that was ahead once says nothing about what is sent now, however it is altered.
#[test]
fn altered_ads_of_a_clock_that_was_ahead() {
    for replay in MODES {
        let mut world = World::new(5);
        world.recording = true;
        world.add(Spec { replay, wall: off(YEAR), ..Spec::ours(1, 0) });
        world.add(Spec { replay, ..Spec::ours(2, 50) });
        world.change(Change::Start(0));
        world.run_until(100 * SECOND);
        let recorded = sent_by(&world, 0);
        world.change(Change::Crash(0));
        world.change(Change::Wall(0, off(0)));
        world.change(Change::Start(0));
        world.change(Change::Start(1));
        world.run_for(20 * SECOND);
        world = world.logging();
        assert_eq!(world.masters(), [0]);
        let before = transitions(&world);
        for ad in &recorded {
            for skew in 100..125 {
                world.inject(&altered(ad, |ad| ad.skew = skew));
            }
            world.run_for(50 * MS);
        }
        world.run_for(60 * SECOND);
        assert_eq!(transitions(&world), before, "{replay:?}\n{}", tail(&world));
        assert_settles(&mut world);
    }
}

// Whoever is refused for its age is sent an answer, wherever it says it is. That must not serve to use up the T of what
// everybody is about to hear.
#[test]
fn altered_copies_of_answers_that_were_drawn() {
    for replay in [Replay::Warn, Replay::Refuse] {
        for of_master in [true, false] {
            let mut world = World::new(7);
            world.recording = true;
            for n in 0..3 {
                // In the middle of a quarter of a second it speaks, for all.
                let wall = Some(100_000);
                world.add(Spec { replay, wall, preempt: true, ..Spec::ours(n + 1, n * 50) });
            }
            // All have spoken once.
            for node in [2, 1, 0] {
                world.change(Change::Start(node));
                world.run_for(5 * SECOND);
                world.part(&[node], true);
            }
            world.run_for(5 * SECOND);
            world.change(Change::Heal);
            world.run_for(10 * SECOND);
            assert_eq!(world.masters(), [0]);
            world = world.logging();
            let old = [sent_by(&world, 1)[0].clone(), sent_by(&world, 2)[0].clone()];
            let before = transitions(&world);
            let mut drawn = 0;
            for n in 0..20 {
                // Just before it speaks, so that it goes by the same quarter of a second.
                let spoken = world.past.iter().rfind(|packet| packet.from == 0 && packet.bytes[0] & 1 != 0);
                let next = spoken.expect("a master").at + SECOND;
                world.run_until(next - 10 * MS);
                let from = world.past.len();
                world.inject(&altered(&old[n % 2], |ad| ad.mac = STRANGER));
                world.run_for(2 * MS);
                let answer = |packet: &&Packet| packet.bytes[0] & 1 == 0 && (packet.from == 0) == of_master;
                let answers: Vec<_> =
                    world.past[from..].iter().filter(answer).map(|packet| packet.bytes.clone()).collect();
                drawn += answers.len();
                for answer in answers {
                    for skew in 100..125 {
                        world.inject(&altered(&answer, |ad| ad.skew = skew));
                    }
                }
                world.run_until(next + 10 * MS);
            }
            assert!(drawn >= 10, "{drawn}");
            assert_eq!(transitions(&world), before, "{replay:?} {of_master}\n{}", tail(&world));
            assert_settles(&mut world);
        }
    }
}

/// A counter that looks like one of ours, for the whole life of an OpenBSD kernel.
fn unlucky_cookie(world: &World) -> u64 {
    let mut rng = Rng::new(11);
    let drawn = std::iter::repeat_with(|| rng.next());
    drawn.take(2_000_000).find(|&cookie| world.mark.is_ours(cookie)).expect("one in 65,536")
}

#[test]
fn an_openbsd_kernel_whose_cookie_looks_like_ours() {
    for (dialect, believed) in [(Dialect::OpenBsd, true), (Dialect::Any, false)] {
        for replay in MODES {
            let mut world = World::new(6).logging();
            world.add(Spec { replay, ..Spec::ours(1, 50).beside(dialect) });
            world.add(Spec::kernel(Os::OpenBsd, 2, 0));
            let cookie = unlucky_cookie(&world);
            world.change(Change::Start(1));
            if let Some(Machine::Kernel(kernel)) = &mut world.slots[1].machine {
                kernel.counter = cookie;
            }
            world.run_until(5 * SECOND);
            world.change(Change::Start(0));
            world.run_until(30 * SECOND);
            let told = said(&world, 0, |n| matches!(n, Notice::LooksLikeOurs { .. }));
            let masters = world.masters();
            if believed {
                assert_eq!((masters, told), (vec![1], 0), "{replay:?}\n{}", tail(&world));
                let followed = world.ours(0).snapshot(world.now).followed.expect("a master");
                assert_eq!(followed.kind, PeerKind::Kernel);
                assert_eq!(reasons(&world, 0), [Reason::LinkUp]);
            } else {
                assert_eq!((masters, told), (vec![0, 1], 1), "{replay:?}\n{}", tail(&world));
            }
        }
    }
}

/// What kernels and old ucarps put into their advertisements: counters of their own, ours and one more, and again one more.
fn foreign_counters(mark: &Mark, seed: u64, ads: u32) -> impl Iterator<Item = Ad> {
    let mut rng = Rng::new(seed ^ 0x4711);
    let mut counter = rng.next();
    (0..ads).map(move |n| {
        let mut ad = Ad {
            source: IpAddr::from([10, 0, 0, 1]),
            mac: [0, 0, 0x5e, 0, u8::from(n % 3 != 0), VHID],
            vhid: VHID,
            base: 1,
            skew: 0,
            demotion: 0,
            counter: 0,
        };
        counter = match rng.within(0, 99) {
            0..30 => {
                // One of ours was heard, of this moment or of a clock that is anywhere.
                let anywhere = u32::try_from(rng.next() >> 32).expect("a half");
                let low = if rng.percent(80) { 0x1234_5678 + n / 4 } else { anywhere };
                mark.counter(low, &Ad { source: IpAddr::from([10, 0, 0, 2]), skew: 50, ..ad })
            }
            30 => rng.next(),
            _ => counter,
        }
        .wrapping_add(1);
        ad.counter = counter;
        ad
    })
}

/// How many of so many foreign counters were taken for altered ones of ours; none may be taken for ours.
fn mistaken(seed: u64, ads: u32) -> u64 {
    let world = World::new(0);
    let key = Key::from_password(PASSWORD).expect("short");
    let mut host = VirtualHost::new(Spec::ours(9, 100).parameters(&world.addresses, &key));
    let at = |n: u64| Time::from_micros(SECOND + n * 100 * MS);
    host.handle(Event::Wall(Duration::from_micros(EPOCH)), at(0));
    host.handle(Event::Start, at(0));
    host.handle(Event::Link(Link::Up), at(0));
    let (auth, mut mistaken) = (world.auth(), 0);
    for (n, ad) in (0..).zip(foreign_counters(&world.mark, seed, ads)) {
        match host.receive(&encode(&ad, &auth), at(n)) {
            Ok(_) => {}
            Err(Rejected::Tampered) => mistaken += 1,
            Err(other) => panic!("{ad:?}: {other:?}"),
        }
        let followed = host.snapshot(at(n)).followed;
        assert!(followed.is_none_or(|peer| peer.kind != PeerKind::Ours), "{ad:?}: {followed:?}");
    }
    mistaken
}

#[test]
fn counters_that_others_adopt() {
    let (each, parts) = (500_000, 4);
    let mistaken_for_ours = AtomicU64::new(0);
    crate::in_parallel(0..parts, |seed| {
        mistaken_for_ours.fetch_add(mistaken(seed, each), Ordering::Relaxed);
    });
    let (mistaken, ads) = (mistaken_for_ours.into_inner(), parts * u64::from(each));
    let expected = ads as f64 / 65_536.0;
    println!("{mistaken} of {ads} foreign counters looked like ours ({expected:.1} expected)");
    // Six standard deviations.
    assert!((mistaken as f64 - expected).abs() <= 6.0 * expected.sqrt());
}
