//! Random worlds: two to five nodes, a disturbed while, then peace until the oracle has seen enough.
//!
//! The generator keeps to what can settle at all: the dead time of a kernel must exceed the slowest interval it may
//! have to listen to (NetBSD's rule at advbase 0 does not), an old ucarp needs a second more, and one host must
//! be alive in the end. Equal intervals are made often, since that is where the rules differ.

use std::net::{Ipv4Addr, Ipv6Addr};

use std::time::Duration;

use ucarp::protocol::{Announcing, Dialect, Fitness, HookFailure, OnLostAddress, Replay};

use super::Rng;
use super::frame::micros;
use super::kernel::Os;
use super::oracle::{Judge, bound};
use super::ours::{Clock, HookPlan};
use super::standbys::Watch;
use super::world::{Change, Kind, MS, SECOND, Spec, Tweak, World};

/// After which time the T of our counters is the same again.
const ONCE_ROUND: u64 = (1 << 28) * SECOND;
const YEAR: u64 = 31_556_952;

/// Which nodes take part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mix {
    Ours,
    WithKernels,
    WithOld,
    Anything,
    OnlyKernels,
    OnlyOld,
}

/// Judges one random world; the complaints, and the log if it was asked for.
pub type Judgement = fn(u64, bool) -> (Vec<String>, Vec<String>);

/// A world of hosts that advertise to a group.
pub fn judge(seed: u64, logging: bool) -> (Vec<String>, Vec<String>) {
    let mut rng = Rng::new(seed ^ 0x05ca_1ab1_e0dd_ba11);
    let mix = match rng.within(0, 99) {
        0..50 => Mix::Ours,
        50..70 => Mix::WithKernels,
        70..85 => Mix::WithOld,
        _ => Mix::Anything,
    };
    let world = make(&mut rng, mix, 5);
    judge_made(world, &mut rng, logging)
}

/// A world of ours, each of which has all others as peers.
pub fn judge_unicast(seed: u64, logging: bool) -> (Vec<String>, Vec<String>) {
    let mut rng = Rng::new(seed ^ 0x0dd5_9ee5);
    let mut world = make(&mut rng, Mix::Ours, 5);
    world.unicast = true;
    judge_made(world, &mut rng, logging)
}

/// A world of ours, and of kernels beside them, where engines die and others go on in their place. What is told of how long
/// nothing was sent is never less than it was.
pub fn judge_renewed(seed: u64, logging: bool) -> (Vec<String>, Vec<String>) {
    let mut rng = Rng::new(seed ^ 0x0e6f_1e5d);
    let mix = rng.pick(&[Mix::Ours, Mix::Ours, Mix::Ours, Mix::WithKernels]);
    let world = make(&mut rng, mix, 4);
    judge_disturbed(world, &mut rng, logging, renew)
}

/// Engines die at random moments of the disturbed while; some after a while in which nothing ran.
fn renew(world: &mut World, rng: &mut Rng, end: u64) {
    let nodes = world.slots.len() as u64;
    for _ in 0..rng.within(1, 8) {
        let node = usize::try_from(rng.within(0, nodes - 1)).expect("few");
        let at = rng.within(0, end);
        let interval = world.slots[node].spec.interval();
        let lasts = rng.pick(&[0, 0, 20 * MS, 500 * MS, 4 * SECOND]).min(end - at);
        if lasts > 0 {
            world.at(at, Change::Sleep(node, lasts));
        }
        // It wakes for as long as it takes to see that it does not live.
        world.at((at + lasts + 1).min(end), Change::Renew(node, lasts + interval.min(SECOND)));
    }
}

/// A world of ours, and of kernels beside them, whose files change, and who are told, at random moments.
pub fn judge_reloaded(seed: u64, logging: bool) -> (Vec<String>, Vec<String>) {
    let mut rng = Rng::new(seed ^ 0x4e10_aded);
    let mix = rng.pick(&[Mix::Ours, Mix::Ours, Mix::Ours, Mix::WithKernels]);
    let mut world = make(&mut rng, mix, 4);
    world.unicast = mix == Mix::Ours && rng.percent(15);
    judge_disturbed(world, &mut rng, logging, reload)
}

/// All hosts are told of another password or other addresses, one after the other and in peace but for one of them that
/// is started anew meanwhile; kernels change theirs at once. Nobody else may notice.
pub fn judge_told(seed: u64, logging: bool) -> (Vec<String>, Vec<String>) {
    let mut rng = Rng::new(seed ^ 0x70_1d0f);
    let mix = rng.pick(&[Mix::Ours, Mix::Ours, Mix::Ours, Mix::WithKernels]);
    let mut world = make(&mut rng, mix, 4);
    world.unicast = mix == Mix::Ours && rng.percent(15);
    world.add_form(&mut rng);
    world.add_form(&mut rng);
    let settle = rng.within(5, 9) * SECOND;
    for slot in &mut world.slots {
        (slot.spec.settle, slot.spec.hook_failure) = (settle, HookFailure::Stay);
        // Who has no clock is believed late when it is started anew (register, row 25).
        (slot.spec.wall, slot.spec.wakes_at) = (Some(0), None);
        slot.wall = Some(0);
        // One that allows no advertisement to be missed is master at once when it is started beside a slower one.
        slot.spec.ratio = slot.spec.ratio.max(3);
        slot.spec.plan = HookPlan { min: slot.spec.plan.min, max: slot.spec.plan.max, ..HookPlan::QUICK };
    }
    if logging {
        world = world.logging();
        tell_specs(&mut world);
    }
    world.start_all();
    let told_from = 2 * bound(&world) + SECOND;
    world.run_until(told_from);
    if !super::oracle::settles(&world) {
        return (Vec::new(), world.log.take().unwrap_or_default());
    }
    let restarted = restart(&mut world, &mut rng, told_from, told_from + 3 * settle);
    // There and perhaps back, each of them by all.
    let course: &[usize] = rng.pick(&[&[1], &[1], &[1, 2], &[1, 0], &[1, 2, 1]]);
    for node in 0..world.slots.len() {
        let kernel = world.slots[node].spec.kind != Kind::Ours;
        let latest = settle - 4 * SECOND;
        let mut times: Vec<_> = course.iter().map(|_| told_from + rng.within(0, latest)).collect();
        times.sort_unstable();
        if let Some((_, gone, back)) = restarted.filter(|(who, ..)| *who == node) {
            times.iter_mut().filter(|at| (gone..=back).contains(at)).for_each(|at| *at = back + 1);
        }
        let last = course.len() - 1;
        for (at, &form) in times.into_iter().zip(course).skip(if kernel { last } else { 0 }) {
            world.at(at, Change::Reload(node, Tweak::Form(form)));
            if !kernel && rng.percent(30) {
                let tweak = Tweak::HookTimeout(rng.pick(&[5, 50]) * SECOND);
                world.at(told_from + rng.within(0, 2 * settle), Change::Reload(node, tweak));
            }
        }
    }
    let end = told_from + 3 * settle + 2 * bound(&world) + 4 * SECOND;
    Watch::default().run_until(&mut world, end);
    let restarted = restarted.map(|(node, ..)| node);
    let complaints =
        super::oracle::undisturbed(&world, (told_from, end), mix == Mix::Ours, restarted, settle);
    (complaints, world.log.take().unwrap_or_default())
}

/// One of ours ends in some way and begins again, or its engine does. Which, and between which times it is not there.
fn restart(world: &mut World, rng: &mut Rng, from: u64, to: u64) -> Option<(usize, u64, u64)> {
    let node = usize::try_from(rng.within(0, world.slots.len() as u64 - 1)).expect("few");
    if world.slots.iter().any(|slot| slot.spec.kind != Kind::Ours) || rng.percent(40) {
        return None;
    }
    let at = rng.within(from, to);
    if rng.percent(30) {
        world.at(at, Change::Renew(node, 100 * MS));
        return Some((node, at, at));
    }
    world.at(at, if rng.percent(50) { Change::Crash(node) } else { Change::Stop(node, true) });
    let back = at + rng.within(MS, 3 * SECOND);
    world.at(back, Change::Start(node));
    Some((node, at, back))
}

/// Files change in the disturbed while.
fn reload(world: &mut World, rng: &mut Rng, end: u64) {
    // All are told of the last form within the time that it takes.
    world.add_form(rng);
    world.add_form(rng);
    let last = if rng.percent(50) { 2 } else { 0 };
    for node in 0..world.slots.len() {
        world.slots[node].spec.settle = end + SECOND;
        if last != 0 && world.slots[node].spec.kind == Kind::Ours && rng.percent(50) {
            world.at(rng.within(0, end), Change::Reload(node, Tweak::Form(1)));
        }
        let at = if rng.percent(50) { end } else { rng.within(0, end) };
        world.at(at, Change::Reload(node, Tweak::Form(last)));
        world.at(end, Change::Reload(node, Tweak::Form(last)));
    }
    let longest = world.slots.iter().map(|slot| slot.spec.interval()).max().unwrap_or(0);
    let ours = |slot: &super::world::Slot| slot.spec.kind == Kind::Ours;
    let ours: Vec<_> = (0..world.slots.len()).filter(|&node| ours(&world.slots[node])).collect();
    for _ in 0..rng.within(1, 10) {
        let node = rng.pick(&ours);
        let tweak = tweak(rng, &world.slots[node].spec, longest);
        world.at(rng.within(0, end), Change::Reload(node, tweak));
    }
    // Another stream, so that older seeds stay the worlds they were.
    let mut whims = Rng::new(rng.clone().next() ^ 0x1eafe);
    for _ in 0..whims.pick(&[0, 0, 1, 2, 3]) {
        let node = whims.pick(&ours);
        let leaves = whims.within(0, end);
        world.at(leaves, Change::Leave(node));
        if whims.percent(70) {
            world.at(whims.within(leaves, end), Change::Join(node));
        }
    }
}

/// A change of what is no form; others must bear the interval, as those of the beginning.
fn tweak(rng: &mut Rng, spec: &Spec, longest: u64) -> Tweak {
    match rng.within(0, 11) {
        0..4 => {
            let skews: &[u8] = if spec.base == 0 { &[60, 80, 100, 120] } else { &[0, 1, 50, 100, 150, 200] };
            let skew = rng.pick(skews);
            let bearable = micros(spec.base.into(), skew.into()) <= longest;
            if bearable { Tweak::Interval(spec.base, skew) } else { Tweak::Nothing }
        }
        4 => Tweak::Ratio(rng.pick(&[3, 3, 1, 2, 4])),
        5 => Tweak::Preempt(rng.percent(50)),
        6 => Tweak::Hooks { up: rng.percent(70), down: rng.percent(70) },
        7 => Tweak::HookTimeout(rng.pick(&[2 * SECOND, 10 * SECOND, 60 * SECOND])),
        8 => rng.pick(&[
            Tweak::HookFailure(HookFailure::Stay),
            Tweak::HookFailure(HookFailure::Demote),
            Tweak::OnLostAddress(OnLostAddress::Warn),
            Tweak::OnLostAddress(OnLostAddress::Hook),
        ]),
        9 => Tweak::Announcing(Announcing {
            count: rng.pick(&[1, 2, 3]),
            refresh: rng.pick(&[Duration::ZERO, Duration::from_secs(5)]),
            ..Announcing::default()
        }),
        10 => rng.pick(&[Tweak::Replay(Replay::Warn), Tweak::Replay(Replay::Refuse)]),
        _ => rng.pick(&[Tweak::Broadcast(true), Tweak::Broadcast(false), Tweak::Nothing]),
    }
}

/// A world whose hooks cannot be run, fail or do nothing, whose addresses vanish, whose interfaces are set down, and
/// where questions about them are not answered.
pub fn judge_unruly(seed: u64, logging: bool) -> (Vec<String>, Vec<String>) {
    let mut rng = Rng::new(seed ^ 0x0b1e_55ed);
    let mix = rng.pick(&[Mix::Ours, Mix::Ours, Mix::WithKernels]);
    let mut world = make(&mut rng, mix, 4);
    // It gives way to nobody who is demoted, whatever the interval, and nobody here was told that it is one.
    let openbsd = world.slots.iter().any(|slot| slot.spec.kind == Kind::Kernel(Os::OpenBsd));
    for slot in world.slots.iter_mut().filter(|slot| slot.spec.kind == Kind::Ours) {
        if openbsd {
            slot.spec.hook_failure = HookFailure::Stay;
        }
        let plan = &mut slot.spec.plan;
        plan.failing = rng.pick(&[0, 0, 30, 100]);
        plan.absent = rng.pick(&[0, 0, 30, 100]);
        plan.mute = rng.pick(&[0, 0, 40]);
        plan.idle = rng.pick(&[0, 50, 100]);
    }
    judge_disturbed(world, &mut rng, logging, meddle)
}

/// Somebody on the hosts does what no daemon expects, until `end`.
fn meddle(world: &mut World, rng: &mut Rng, end: u64) {
    for _ in 0..rng.within(1, 8) {
        let node = usize::try_from(rng.within(0, world.slots.len() as u64 - 1)).expect("few");
        let from = rng.within(0, end);
        if rng.percent(60) {
            world.at(from, Change::TakeAddress { node, all: rng.percent(50) });
        } else {
            let lasts = rng.pick(&[10 * MS, 300 * MS, 900 * MS, 2 * SECOND, 5 * SECOND]);
            world.at(from, Change::Disable(node));
            world.at((from + lasts).min(end), Change::Link { node, up: true, told: rng.within(0, 3 * MS) });
        }
    }
}

/// A world of ours, and of kernels beside them, most of which bring their addresses themselves: what fails then, who
/// meddles, and engines that die.
pub fn judge_managed(seed: u64, logging: bool) -> (Vec<String>, Vec<String>) {
    let mut rng = Rng::new(seed ^ 0x3a4a_6e11);
    let mix = rng.pick(&[Mix::Ours, Mix::Ours, Mix::WithKernels]);
    let mut world = make(&mut rng, mix, 4);
    for slot in world.slots.iter_mut().filter(|slot| slot.spec.kind == Kind::Ours) {
        let spec = &mut slot.spec;
        spec.manages = rng.percent(85);
        (spec.up_hook, spec.down_hook) = (rng.percent(50), rng.percent(50));
        (spec.plan.absent, spec.plan.mute) = (rng.pick(&[0, 0, 0, 20]), rng.pick(&[0, 0, 40]));
        // What a script did not do is forgotten when the engine dies.
        spec.plan.absent *= u64::from(spec.manages);
        // See `judge_unruly`.
        if mix != Mix::Ours {
            spec.hook_failure = HookFailure::Stay;
        }
    }
    judge_disturbed(world, &mut rng, logging, |world, rng, end| {
        meddle(world, rng, end);
        if rng.percent(50) {
            renew(world, rng, end);
        }
        for _ in 0..rng.within(0, 2) {
            let node = usize::try_from(rng.within(0, world.slots.len() as u64 - 1)).expect("few");
            let at = rng.within(0, end);
            if world.slots[node].spec.manages {
                world.at(at, Change::BringAddress(node));
            }
        }
    })
}

/// A world of ours, with kernels and old ucarps beside them, whose checks fail and pass, flapping or for ever, everywhere or
/// on one host; with start holds, and with delays before they preempt.
pub fn judge_fitness(seed: u64, logging: bool) -> (Vec<String>, Vec<String>) {
    let mut rng = Rng::new(seed ^ 0x00f1_7e55);
    let mix = rng.pick(&[Mix::Ours, Mix::Ours, Mix::Ours, Mix::WithKernels, Mix::WithOld, Mix::Anything]);
    let mut world = make(&mut rng, mix, 5);
    for slot in world.slots.iter_mut().filter(|slot| slot.spec.kind == Kind::Ours) {
        slot.spec.start_hold = rng.pick(&[0, 0, 2 * SECOND, 20 * SECOND]);
        slot.spec.preempt_delay = rng.pick(&[0, 0, 500 * MS, 5 * SECOND]);
        // See `judge_unruly`.
        if mix != Mix::Ours {
            slot.spec.hook_failure = HookFailure::Stay;
        }
    }
    // Where OpenBSD's kernel is, which counts demotion first, ours are told so, and other kernels are none.
    let openbsd = world.slots.iter().any(|slot| slot.spec.kind == Kind::Kernel(Os::OpenBsd));
    for spec in world.slots.iter_mut().map(|slot| &mut slot.spec).filter(|_| openbsd) {
        match spec.kind {
            Kind::Ours => spec.dialect = Dialect::OpenBsd,
            Kind::Kernel(_) => {
                spec.kind = Kind::Kernel(Os::OpenBsd);
                spec.mac = Spec::new(spec.kind, 1, 0).mac;
            }
            Kind::OldUcarp => {}
        }
    }
    judge_disturbed(world, &mut rng, logging, |world, rng, end| {
        let nodes = world.slots.len() as u64;
        let amounts: &[u8] = &[0, 0, 1, 1, 20, 240, 240, 254];
        for _ in 0..rng.within(1, 12) {
            let node = usize::try_from(rng.within(0, nodes - 1)).expect("few");
            let at = rng.within(0, end);
            let demotion = rng.pick(amounts);
            let released = demotion > 0 && rng.percent(20);
            world.at(at, Change::Fit(node, Fitness { demotion, released }));
            if rng.percent(20) {
                // It flaps.
                for n in 1..rng.within(2, 12) {
                    let fitness =
                        if n % 2 == 0 { Fitness { demotion, released } } else { Fitness::default() };
                    world.at((at + n * 300 * MS).min(end), Change::Fit(node, fitness));
                }
            }
        }
        if rng.percent(20) {
            let everywhere = Fitness { demotion: 240, released: false };
            (0..world.slots.len()).for_each(|node| world.at(end, Change::Fit(node, everywhere)));
        }
        if rng.percent(30) {
            renew(world, rng, end);
        }
    })
}

fn judge_made(world: World, rng: &mut Rng, logging: bool) -> (Vec<String>, Vec<String>) {
    judge_disturbed(world, rng, logging, |_, _, _| {})
}

fn judge_disturbed(
    mut world: World,
    rng: &mut Rng,
    logging: bool,
    more: fn(&mut World, &mut Rng, u64),
) -> (Vec<String>, Vec<String>) {
    if logging {
        world = world.logging();
        tell_specs(&mut world);
    }
    let quiet_from = disturb(&mut world, rng);
    more(&mut world, rng, quiet_from);
    let judge = settle(&mut world, quiet_from);
    let complaints = judge.complaints(&world);
    (complaints, world.log.take().unwrap_or_default())
}

/// Runs on until there has been peace for long enough to be judged.
pub fn settle(world: &mut World, quiet_from: u64) -> Judge {
    world.run_until(quiet_from);
    let watch = bound(world) / 4 + 2 * SECOND;
    let mut judge = Judge { quiet_from, end: quiet_from };
    // Somebody's demotion may end in the middle of the peace, after which the others have to settle again.
    // Of some worlds nothing can ever be said.
    let longest = quiet_from + 200 * SECOND;
    while judge.end < judge.settled_from(world) + watch && judge.end < longest {
        judge.end = (judge.settled_from(world) + watch).min(longest);
        world.run_until(judge.end);
    }
    judge
}

pub fn tell_specs(world: &mut World) {
    let specs: Vec<_> = world
        .slots
        .iter()
        .enumerate()
        .map(|(n, slot)| {
            let s = &slot.spec;
            format!(
                "n{n}: {:?} {}/{} ratio {} preempt {} {:?} {:?} hooks {}{} {:?} {:?} wall {:?} wakes {:?}",
                s.kind,
                s.base,
                s.skew,
                s.ratio,
                s.preempt,
                s.v4,
                s.v6,
                s.up_hook,
                s.down_hook,
                s.plan,
                s.replay,
                s.wall,
                s.wakes_at
            )
        })
        .collect();
    world.log.as_mut().expect("logging").extend(specs);
}

/// A world with its nodes, none started.
pub fn make(rng: &mut Rng, mix: Mix, most: u64) -> World {
    let old_ones = matches!(mix, Mix::WithOld | Mix::Anything | Mix::OnlyOld);
    let families = match rng.within(0, 99) {
        _ if old_ones => 4,
        0..60 => 4,
        60..88 => 10,
        _ => 6,
    };
    let mut world = if families == 10 { World::dual(rng.next()) } else { World::new(rng.next()) };
    if families == 6 {
        world.addresses = vec![Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x100).into()];
    }
    let base = match rng.within(0, 99) {
        0..60 => 1,
        60..75 => 2,
        75..85 => 3,
        _ if old_ones => 1,
        _ => 0,
    };
    let uniform_preempt = rng.percent(80).then(|| rng.percent(50));
    let mut specs: Vec<Spec> = Vec::new();
    for n in 0..rng.within(2, most) {
        let spec = node(rng, mix, base, n, &specs, families);
        let preempt = uniform_preempt.unwrap_or_else(|| rng.percent(50));
        specs.push(Spec { preempt, ..spec });
    }
    let longest = specs.iter().map(Spec::interval).max().expect("two at least");
    // Another stream, so that older seeds stay the worlds they were.
    let mut whims = Rng::new(rng.clone().next() ^ 0xc10c);
    if whims.percent(10) {
        // T begins anew in the middle of it.
        world.epoch = 7 * ONCE_ROUND - whims.within(0, 60) * SECOND;
    }
    for spec in &mut specs {
        make_bearable(spec, base, longest);
        set_clock(&mut whims, spec, world.epoch);
    }
    for spec in specs {
        let low = rng.within(100, 2_000);
        let high = low + rng.within(0, 5 * MS - low);
        world.add_at_distance(spec, low, high);
    }
    world
}

/// What the host takes for the time of day: right, somewhat off, off by years, none, or one that begins anew each time. All
/// are less than 4.25 years apart, those that begin with 2026 for want of a clock included: the order of T goes no further
/// (register, row 25).
fn set_clock(rng: &mut Rng, spec: &mut Spec, epoch: u64) {
    let off = |rng: &mut Rng, most: u64| {
        let off = i64::try_from(rng.within(0, 2 * most * SECOND)).expect("not far off");
        off - i64::try_from(most * SECOND).expect("not far off")
    };
    spec.wall = match rng.within(0, 9) {
        0..5 => Some(off(rng, 1)),
        5 => Some(off(rng, 20)),
        6 => Some(off(rng, 90_000)),
        7 => {
            let most = i64::try_from((2026 - 1970 + 4) * YEAR * SECOND).expect("not far off");
            Some(off(rng, 10 * YEAR).min(most - i64::try_from(epoch).expect("not far off")))
        }
        8 => None,
        _ => {
            spec.wakes_at = Some(rng.pick(&[0, 0, 1_700_000_000]));
            spec.wakes_at.map(|seconds| {
                i64::try_from(seconds * SECOND).expect("not far off")
                    - i64::try_from(epoch).expect("not far off")
            })
        }
    };
}

fn kind(rng: &mut Rng, mix: Mix, base: u8, n: u64) -> Kind {
    let kernel = |rng: &mut Rng| {
        Kind::Kernel(if base == 0 { Os::OpenBsd } else { rng.pick(&[Os::OpenBsd, Os::FreeBsd, Os::NetBsd]) })
    };
    match mix {
        Mix::OnlyKernels => kernel(rng),
        Mix::OnlyOld => Kind::OldUcarp,
        _ if n == 0 => Kind::Ours,
        Mix::Ours => Kind::Ours,
        Mix::WithKernels if rng.percent(60) => kernel(rng),
        Mix::WithOld if rng.percent(50) => Kind::OldUcarp,
        Mix::WithKernels | Mix::WithOld => Kind::Ours,
        Mix::Anything => match rng.within(0, 2) {
            0 => Kind::Ours,
            1 => kernel(rng),
            _ => Kind::OldUcarp,
        },
    }
}

fn node(rng: &mut Rng, mix: Mix, base: u8, n: u64, others: &[Spec], families: u8) -> Spec {
    let kind = kind(rng, mix, base, n);
    let skew = match others {
        [first, ..] if rng.percent(40) => first.skew,
        _ if base == 0 => u8::try_from(rng.within(60, 120)).expect("small"),
        _ => rng.pick(&[0, 1, 50, 100, 150, 200]),
    };
    let number = u8::try_from(n).expect("few") + 1;
    let mut spec = Spec::new(kind, number, skew);
    spec.base = if base > 0 && rng.percent(10) { rng.pick(&[1, 2, 3]) } else { base };
    spec.ratio = if kind == Kind::Ours { rng.pick(&[3, 3, 3, 3, 3, 3, 1, 2, 4]) } else { 3 };
    // Addresses whose numeric and byte-reversed orders have nothing to do with each other.
    let octet = |rng: &mut Rng| u8::try_from(rng.within(1, 9)).expect("small") * 10 + number;
    spec.v4 = (families != 6).then(|| Ipv4Addr::new(10, 0, octet(rng), octet(rng)));
    let last = u16::from(octet(rng));
    spec.v6 = (families != 4).then(|| Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last));
    spec.jitter = match kind {
        Kind::Kernel(Os::NetBsd) => 10 * MS,
        _ => rng.pick(&[0, 100, 300, 1_000]),
    };
    spec.clock = Clock {
        offset: rng.within(0, 1_000 * SECOND),
        ppm: i64::try_from(rng.within(0, 400)).expect("small") - 200,
    };
    hooks(rng, &mut spec);
    spec
}

fn hooks(rng: &mut Rng, spec: &mut Spec) {
    (spec.up_hook, spec.down_hook) = match rng.within(0, 9) {
        0..6 => (true, true),
        6 => (true, false),
        7 => (false, true),
        _ => (false, false),
    };
    spec.neutral = rng.percent(15);
    spec.plan = if spec.kind == Kind::OldUcarp {
        HookPlan::lasting(rng.within(MS, 300 * MS))
    } else {
        let max = rng.pick(&[20 * MS, 300 * MS, 2 * SECOND, 8 * SECOND]);
        HookPlan {
            min: 0,
            max,
            failing: rng.pick(&[0, 0, 30]),
            hanging: rng.pick(&[0, 0, 0, 20]),
            deaf: rng.pick(&[0, 50]),
            ..HookPlan::QUICK
        }
    };
    spec.hook_timeout = rng.pick(&[2 * SECOND, 10 * SECOND, 60 * SECOND]);
    spec.hook_failure = if rng.percent(15) { HookFailure::Demote } else { HookFailure::Stay };
}

/// Keeps a foreign node from timing out a master that is only slow.
fn make_bearable(spec: &mut Spec, base: u8, longest: u64) {
    let longest = longest.max(micros(spec.base.into(), 240));
    let needed = match spec.kind {
        Kind::Ours => return,
        Kind::Kernel(_) if base == 0 => spec.interval() * 11 / 10 + 50 * MS,
        Kind::Kernel(_) => longest * 11 / 10 + 50 * MS,
        Kind::OldUcarp => longest + SECOND + 50 * MS,
    };
    while spec.dead_time(longest) < needed {
        spec.base += 1;
    }
}

/// Plans the disturbed while; says when the last of it is over.
pub fn disturb(world: &mut World, rng: &mut Rng) -> u64 {
    let nodes = world.slots.len();
    let together = rng.percent(30);
    for node in 0..nodes {
        let when = if together { rng.within(0, 2 * MS) } else { rng.within(0, 5 * SECOND) };
        world.at(when, Change::Start(node));
    }
    let end = rng.within(5, 12) * SECOND * rng.pick(&[1, 1, 1, 2, 5]);
    for _ in 0..rng.within(0, 10) {
        one_disturbance(world, rng, end);
    }
    if rng.percent(10) {
        let node = usize::try_from(rng.within(0, nodes as u64 - 1)).expect("few");
        world.at(rng.within(0, end), Change::Deaf(node, true));
    }
    world.at(end, Change::Heal);
    // Whoever was left dead comes back, or not; the first always does.
    for node in 0..nodes {
        if node == 0 || rng.percent(80) {
            world.at(end, Change::Start(node));
        }
    }
    // A blocked old ucarp (interface down, SIGUSR2) is part of the disturbance until it listens again.
    let old = world.slots.iter().any(|slot| slot.spec.kind == Kind::OldUcarp);
    end + if old { 14 * SECOND } else { 0 }
}

fn one_disturbance(world: &mut World, rng: &mut Rng, end: u64) {
    let nodes = world.slots.len() as u64;
    let any = |rng: &mut Rng| usize::try_from(rng.within(0, nodes - 1)).expect("few");
    let from = rng.within(0, end);
    let until = rng.within(from, end);
    let node = any(rng);
    match rng.within(0, 13) {
        0 => {
            world.at(from, Change::Loss(rng.within(1, 60)));
            world.at(until, Change::Loss(0));
        }
        1 => world.at(from, Change::Doubling(rng.within(1, 50))),
        2 | 3 => {
            let both = rng.percent(60);
            for other in 0..world.slots.len() {
                if rng.percent(70) {
                    for (cut, when) in [(true, from), (false, until)] {
                        world.at(when, Change::Cut { from: node, to: other, cut });
                        if both {
                            world.at(when, Change::Cut { from: other, to: node, cut });
                        }
                    }
                }
            }
        }
        4 => {
            let v6 = rng.percent(50);
            world.at(from, Change::Prune { to: node, v6, pruned: true });
            world.at(until, Change::Prune { to: node, v6, pruned: false });
        }
        5 | 6 => {
            let lasts = rng.pick(&[10 * MS, 50 * MS, 300 * MS, 900 * MS, 2 * SECOND, 5 * SECOND]);
            let back = (from + lasts).min(end);
            world.at(from, Change::Link { node, up: false, told: rng.within(0, 3 * MS) });
            world.at(back, Change::Link { node, up: true, told: rng.within(0, 3 * MS) });
        }
        7 => {
            world.at(from, Change::Crash(node));
            if rng.percent(70) {
                world.at(until, Change::Start(node));
            }
        }
        8 => {
            world.at(from, Change::Stop(node, rng.percent(80)));
            if rng.percent(70) {
                world.at(until, Change::Start(node));
            }
        }
        9 | 10 => {
            let lasts = rng.pick(&[MS, 30 * MS, 500 * MS, 2 * SECOND, 10 * SECOND]).min(end - from);
            world.at(from, Change::Sleep(node, lasts));
        }
        11 => {
            world.at(from.min(end.saturating_sub(3_100 * MS)), Change::Resign(node));
            world.at(until, Change::Take(node));
        }
        12 => {
            world.at(from, Change::Sending { node, fails: true });
            world.at(until, Change::Sending { node, fails: false });
        }
        _ => world.at(from, Change::Echo(node, true)),
    }
}

/// A world that loses frames for as long as it exists; nothing else happens to it.
pub fn lossy(seed: u64, mix: Mix) -> World {
    let mut rng = Rng::new(seed ^ 0x1055);
    let mut world = make(&mut rng, mix, 4);
    for node in 0..world.slots.len() {
        world.slots[node].spec.plan = HookPlan::lasting(50 * MS);
        world.at(rng.within(0, 2 * SECOND), Change::Start(node));
    }
    world.change(Change::Loss(rng.within(5, 40)));
    world
}
