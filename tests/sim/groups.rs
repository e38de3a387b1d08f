//! Two machines with an interface on each of two segments, whose virtual hosts move together.

use ucarp::protocol::causes::{Cause, Causes, Seen, Weight};
use ucarp::protocol::{Demotion, Fitness, Role, Time};

use super::Rng;
use super::world::{Change, MS, Machine, SECOND, Spec, World};

/// A turn of the machines; in between the segments run on their own. In peace that may be long.
const TURN: u64 = 2 * MS;
const LONG_TURN: u64 = 50 * MS;
const MACHINES: usize = 2;

/// What a machine knows of itself that has just begun.
fn booted() -> Causes {
    let mut causes = Causes::new();
    for (segment, interface) in ["em0", "em1"].into_iter().enumerate() {
        let lowest = [10, u8::try_from(segment).expect("few"), 0, 1].into();
        causes.enrol(segment, (interface, interface, Some(lowest)), Some("front"));
    }
    causes
}

/// Both segments, and what each machine knows of itself.
struct Site {
    segments: [World; 2],
    causes: [Causes; MACHINES],
    now: u64,
}

impl Site {
    fn new(rng: &mut Rng) -> Self {
        let preempt = rng.percent(50);
        let delay = rng.pick(&[0, 0, SECOND, 5 * SECOND]);
        let skews = [0, rng.pick(&[0, 50, 100])];
        let segments = [0, 1].map(|_| {
            let mut world = World::new(rng.next());
            for (machine, skew) in skews.into_iter().enumerate() {
                let n = u8::try_from(machine + 1).expect("few");
                let spec = Spec { preempt, preempt_delay: delay, ..Spec::ours(n, skew) };
                world.add(spec);
            }
            world
        });
        Self { segments, causes: [0, 1].map(|_| booted()), now: 0 }
    }

    fn all(&mut self, change: impl Fn() -> Change) {
        self.segments.iter_mut().for_each(|world| world.change(change()));
    }

    fn run_for(&mut self, lasts: u64, turn: u64) {
        let end = self.now + lasts;
        while self.now < end {
            self.now = (self.now + turn).min(end);
            self.segments.iter_mut().for_each(|world| world.run_until(self.now));
            (0..MACHINES).for_each(|machine| self.share(machine));
        }
    }

    /// As the fleet does it.
    fn share(&mut self, machine: usize) {
        let now = Time::from_micros(self.now);
        for (segment, world) in self.segments.iter().enumerate() {
            let Some(Machine::Ours(ours)) = &world.slots[machine].machine else { continue };
            let has = |demotion| ours.host.own_demotions().any(|own| own == demotion);
            let (sending, hook) = (has(Demotion::SendFailures), has(Demotion::HookFailure));
            let seen = Seen { role: ours.role(), spared: false, sending, hook };
            self.causes[machine].see(segment, seen, now);
        }
        for (segment, world) in self.segments.iter_mut().enumerate() {
            if let Some((fitness, _)) = self.causes[machine].news(segment) {
                world.change(Change::Fit(machine, fitness));
            }
        }
    }

    fn check(&mut self, machine: usize, fails: bool) {
        let weight = fails.then_some(Weight { amount: 240, releases: false });
        self.causes[machine].set(0, Cause::Check("nginx".into()), weight, Time::from_micros(self.now));
    }

    /// The machine is off, or booted.
    fn power(&mut self, machine: usize, on: bool) {
        for world in &mut self.segments {
            world.change(if on { Change::Start(machine) } else { Change::Crash(machine) });
            world.slots[machine].fitness = Fitness::default();
        }
        if !on {
            self.causes[machine] = booted();
        }
    }

    fn masters(&self) -> [Vec<usize>; 2] {
        [0, 1].map(|segment| self.segments[segment].masters())
    }
}

/// What is wrong with one random site once nothing fails any more.
pub fn judge(seed: u64, _: bool) -> (Vec<String>, Vec<String>) {
    let mut rng = Rng::new(seed ^ 0x06_40_09);
    let mut site = Site::new(&mut rng);
    for machine in 0..MACHINES {
        site.power(machine, true);
        let later = rng.pick(&[0, MS, 700 * MS, 5 * SECOND]);
        site.run_for(later, TURN);
    }
    for _ in 0..rng.within(1, 10) {
        let (machine, segment) = (rng.pick(&[0, 1]), rng.pick(&[0, 1]));
        match rng.within(0, 5) {
            0 | 1 => {
                let up = rng.percent(50);
                site.segments[segment].change(Change::Link { node: machine, up, told: 0 });
            }
            2 => site.check(machine, rng.percent(60)),
            3 => site.segments[segment].change(Change::Sending { node: machine, fails: rng.percent(50) }),
            4 => {
                let on = rng.percent(60);
                site.power(machine, on);
            }
            _ => {
                let cut = rng.percent(50);
                site.segments[segment].change(Change::Cut { from: machine, to: 1 - machine, cut });
            }
        }
        let lasts = rng.pick(&[3 * MS, 100 * MS, SECOND, 4 * SECOND, 9 * SECOND]);
        site.run_for(lasts, TURN);
    }
    for machine in 0..MACHINES {
        site.power(machine, true);
        site.check(machine, false);
        for world in &mut site.segments {
            world.change(Change::Link { node: machine, up: true, told: 0 });
        }
    }
    site.all(|| Change::Heal);
    // What could not be sent demotes a backup for half a minute, doubling; and preempting may be put off as often.
    site.run_for(150 * SECOND, LONG_TURN);
    let settled = site.masters();
    site.run_for(10 * SECOND, LONG_TURN);
    let mut found: Vec<String> =
        site.segments.iter().flat_map(|world| world.record.violations.clone()).collect();
    let masters = site.masters();
    if masters != settled || masters[0].len() != 1 || masters[0] != masters[1] {
        let roles = [0, 1].map(|machine| [0, 1].map(|segment| site.segments[segment].role(machine)));
        debug_assert!(roles.iter().flatten().all(|role| *role != Role::Init), "{roles:?}");
        found.push(format!("masters {settled:?}, then {masters:?}"));
    }
    (found, Vec::new())
}
