//! Worlds with the attacker in them, to the end: he does not stop for being judged.
//!
//! *Among ours* everything is promised that is promised without him: one master from the settled bound on, which stays;
//! hooks that agree with the role; no more packets than there is reason for; and whatever the core checks at each step.
//! What he may delay that by is `allowance`'s to say, packet by packet. With `--replay=off` he may delay it for as
//! long as he goes on, so there he stops.
//!
//! *Beside kernels*, which believe him, less can be promised: no worse than if all were kernels. The same world is run
//! twice, and compared in the sum is how long nobody was master, and several were.
//!
//! Clocks are right, absent, off by seconds, days or years, step, or begin anew at each start.

use ucarp::protocol::{HookFailure, Replay};

use super::Rng;
use super::attacker::{Attacker, Plan, Ruse};
use super::kernel::Os;
use super::oracle::{Judge, Sums};
use super::ours::HookPlan;
use super::random::{Mix, disturb, make, settle, tell_specs};
use super::world::{Change, Kind, MS, SECOND, World};

/// For how long he goes on among hosts that look at no time, once nothing else disturbs them.
const GOES_ON: u64 = 8 * SECOND;
/// There a host that was started anew with an old time may go through its T once more, and what he tried with those of
/// the last so many seconds is refused.
const SPENT: u64 = 16 * SECOND;

/// A world of ours.
pub fn judge(seed: u64, logging: bool) -> (Vec<String>, Vec<String>) {
    let (mut world, judge) = run(seed, logging);
    let complaints = judge.complaints(&world);
    (complaints, world.log.take().unwrap_or_default())
}

/// The same, run and not judged yet.
pub fn run(seed: u64, logging: bool) -> (World, Judge) {
    let mut rng = Rng::new(seed ^ 0xa77a_c8ed);
    let mut world = make(&mut rng, Mix::Ours, 4);
    (world.whole_turns, world.recording) = (true, true);
    world.attacker = Some(Attacker::new(rng.fork()));
    world.unicast = rng.percent(20);
    let replay =
        rng.pick(&[Replay::Warn, Replay::Warn, Replay::Warn, Replay::Refuse, Replay::Refuse, Replay::Off]);
    let only_ours = rng.percent(20);
    for slot in &mut world.slots {
        (slot.spec.replay, slot.spec.only_ours) = (replay, only_ours);
    }
    if logging {
        world = world.logging();
        tell_specs(&mut world);
    }
    let end = disturb(&mut world, &mut rng);
    besiege(&mut world, &mut rng, end);
    trouble_hosts(&mut world, &mut rng, end);
    let quiet_from = if replay == Replay::Off {
        world.at(end + GOES_ON, Change::Cease);
        end + GOES_ON + SPENT
    } else {
        end
    };
    let judge = settle(&mut world, quiet_from);
    (world, judge)
}

/// What he is about to do: much of it after `end`, when nothing else disturbs the hosts any more.
fn besiege(world: &mut World, rng: &mut Rng, end: u64) {
    for _ in 0..rng.within(1, 6) {
        let host = usize::try_from(rng.within(0, world.slots.len() as u64 - 1)).expect("few");
        let dead_time = world.slots[host].spec.dead_time(0);
        let ruse = rng.pick(&Ruse::ALL);
        let every = match ruse {
            Ruse::KeepOff => 2_200 * MS,
            Ruse::Again => SECOND,
            Ruse::Sequence => rng.pick(&[0, 20 * MS, dead_time - dead_time / 20]),
            Ruse::Alternate => rng.pick(&[MS / 2, 5 * MS, 50 * MS, 500 * MS]),
            _ => rng.pick(&[5 * MS, 50 * MS, 500 * MS, 2_200 * MS]),
        };
        let times = match ruse {
            Ruse::Noise(30) => rng.within(3, 10),
            Ruse::Sequence => rng.within(5, 20),
            _ => rng.pick(&[10, 40, 150]),
        };
        // He goes on into the peace, or begins in it, or was there before.
        let from = match rng.within(0, 3) {
            0 => rng.within(0, end),
            1 => rng.within(end, end + 8 * SECOND),
            _ => end.saturating_sub(rng.within(0, every * times)),
        };
        world.at(from, Change::Attack(Plan { ruse, every, times }));
    }
}

/// Hardware addresses change, systems have no room for frames, and clocks step; these at any time.
fn trouble_hosts(world: &mut World, rng: &mut Rng, end: u64) {
    let nodes = world.slots.len() as u64;
    for _ in 0..rng.within(0, 3) {
        let node = usize::try_from(rng.within(0, nodes - 1)).expect("few");
        let from = rng.within(0, end);
        match rng.within(0, 3) {
            0 => {
                let last = u8::try_from(rng.within(100, 250)).expect("a byte");
                let node_byte = u8::try_from(node).expect("few");
                world.at(from, Change::Mac(node, [2, 0, 0, 0, node_byte, last]));
            }
            1 => {
                let until = rng.within(from, end).min(from + 5 * SECOND);
                world.at(from, Change::Overflow(node, true));
                world.at(until, Change::Overflow(node, false));
            }
            _ => {
                let second = i64::try_from(SECOND).expect("small");
                let ahead = [Some(0), Some(-3_600), Some(3_600), Some(10_000_000), Some(-40_000_000), None];
                let ahead = rng.pick(&ahead).map(|seconds| seconds * second);
                world.at(rng.within(0, end + 10 * SECOND), Change::Wall(node, ahead));
            }
        }
    }
}

/// A world of ours and kernels, and the same with kernels in our place; what was wrong at some step.
pub fn compare(seed: u64) -> (Sums, Sums, Vec<String>) {
    let (mixed, violations) = beside_kernels(seed, false);
    let (kernels, _) = beside_kernels(seed, true);
    (mixed, kernels, violations)
}

fn beside_kernels(seed: u64, replaced: bool) -> (Sums, Vec<String>) {
    let mut rng = Rng::new(seed ^ 0x6b65_726e);
    let mut world = make(&mut rng, Mix::WithKernels, 4);
    (world.whole_turns, world.recording) = (true, true);
    world.attacker = Some(Attacker::new(rng.fork()));
    let replay = rng.pick(&[Replay::Warn, Replay::Refuse, Replay::Off]);
    for slot in &mut world.slots {
        let spec = &mut slot.spec;
        // What kernels have none of.
        (spec.plan, spec.hook_failure) = (HookPlan::QUICK, HookFailure::Stay);
        (spec.base, spec.ratio, spec.replay) = (1, 3, replay);
        if replaced && spec.kind == Kind::Ours {
            spec.kind = Kind::Kernel(Os::FreeBsd);
        }
    }
    let end = 15 * SECOND;
    for node in 0..world.slots.len() {
        world.at(rng.within(0, 3 * SECOND), Change::Start(node));
    }
    trouble_all(&mut world, &mut rng, end);
    besiege(&mut world, &mut rng, end);
    world.run_until(2 * end);
    (Sums::of(&world, 0, 2 * end), world.record.violations)
}

/// What may happen to a kernel as to us, until `end`.
fn trouble_all(world: &mut World, rng: &mut Rng, end: u64) {
    let nodes = world.slots.len() as u64;
    for _ in 0..rng.within(0, 3) {
        let node = usize::try_from(rng.within(0, nodes - 1)).expect("few");
        let from = rng.within(4 * SECOND, end);
        let until = rng.within(from, end);
        match rng.within(0, 3) {
            0 => world.at(from, Change::Crash(node)),
            1 => {
                world.at(from, Change::Crash(node));
                world.at(until, Change::Start(node));
            }
            2 => {
                world.at(from, Change::Link { node, up: false, told: MS });
                world.at(until, Change::Link { node, up: true, told: MS });
            }
            _ => {
                for other in 0..world.slots.len() {
                    for (cut, when) in [(true, from), (false, until)] {
                        world.at(when, Change::Cut { from: node, to: other, cut });
                        world.at(when, Change::Cut { from: other, to: node, cut });
                    }
                }
            }
        }
    }
}
