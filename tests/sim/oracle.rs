//! What must be true of a world once it is left in peace, judged from what was recorded.
//!
//! Where every peer obeys rules that settle (all ours; kernels and old ucarps with intervals of their own): exactly
//! one master after the largest dead time, one period and two delays, and it stays; nobody who preempts is
//! faster than it. Where the others cannot settle by their own rules (two kernels with one interval, or a kernel
//! and an old ucarp, undo each other for ever): ours is never the extra master for longer than it takes to hear of
//! it, never leaves without having had a reason, and never lets the address lie longer than its own dead time.

use ucarp::protocol::{Hook, Presence, Role};

use super::world::{Kind, MS, Machine, SECOND, World};

/// Who was master in `from..to`: bit n for node n.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    pub from: u64,
    pub to: u64,
    pub masters: u32,
}

fn stretches(changes: impl Iterator<Item = (u64, usize, bool)>, from: u64, to: u64) -> Vec<Stretch> {
    let mut list = Vec::new();
    let (mut since, mut masters) = (from, 0);
    for (at, node, is) in changes {
        let after = if is { masters | 1 << node } else { masters & !(1 << node) };
        if after == masters {
            continue;
        }
        let at = at.clamp(from, to);
        if at > since {
            list.push(Stretch { from: since, to: at, masters });
            since = at;
        }
        masters = after;
    }
    if to > since {
        list.push(Stretch { from: since, to, masters });
    }
    list
}

/// Who was master when.
pub fn timeline(world: &World, from: u64, to: u64) -> Vec<Stretch> {
    let roles = world.record.roles.iter().map(|&(at, node, role)| (at, node, role == Role::Master));
    stretches(roles, from, to)
}

/// On which hosts the address was when.
pub fn claims(world: &World, from: u64, to: u64) -> Vec<Stretch> {
    stretches(world.record.claims.iter().copied(), from, to)
}

/// Times in microseconds.
#[derive(Clone, Copy, Default, Debug)]
pub struct Sums {
    pub worlds: u64,
    pub total: u64,
    pub nobody: u64,
    pub several: u64,
    pub longest_nobody: u64,
    pub longest_several: u64,
    pub claimed_twice: u64,
    pub frames: u64,
}

impl Sums {
    pub fn add(&mut self, other: &Self) {
        self.worlds += other.worlds;
        self.total += other.total;
        self.nobody += other.nobody;
        self.several += other.several;
        self.longest_nobody = self.longest_nobody.max(other.longest_nobody);
        self.longest_several = self.longest_several.max(other.longest_several);
        self.claimed_twice += other.claimed_twice;
        self.frames += other.frames;
    }

    pub fn of(world: &World, from: u64, to: u64) -> Self {
        let mut sums = Self { worlds: 1, total: to - from, frames: world.record.frames, ..Self::default() };
        let (mut nobody, mut several) = (0, 0);
        for stretch in timeline(world, from, to) {
            let lasted = stretch.to - stretch.from;
            let masters = stretch.masters.count_ones();
            nobody = if masters == 0 { nobody + lasted } else { 0 };
            several = if masters > 1 { several + lasted } else { 0 };
            sums.nobody += if masters == 0 { lasted } else { 0 };
            sums.several += if masters > 1 { lasted } else { 0 };
            sums.longest_nobody = sums.longest_nobody.max(nobody);
            sums.longest_several = sums.longest_several.max(several);
        }
        let twice = claims(world, from, to).into_iter().filter(|stretch| stretch.masters.count_ones() > 1);
        sums.claimed_twice = twice.map(|stretch| stretch.to - stretch.from).sum();
        sums
    }
}

impl std::fmt::Display for Sums {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let share = |part: u64| 100.0 * part as f64 / self.total.max(1) as f64;
        write!(
            f,
            "{} worlds, {} s: nobody master {:.3} % (longest {:.2} s), several {:.3} % (longest {:.2} s), \
             address on several hosts {:.3} %, {:.2} frames/s",
            self.worlds,
            self.total / SECOND,
            share(self.nobody),
            self.longest_nobody as f64 / 1e6,
            share(self.several),
            self.longest_several as f64 / 1e6,
            share(self.claimed_twice),
            self.frames as f64 * 1e6 / self.total.max(1) as f64,
        )
    }
}

/// How a quiet world is to be judged.
pub struct Judge {
    pub quiet_from: u64,
    pub end: u64,
}

/// Its card or its script fails.
fn demoted(world: &World, node: usize) -> bool {
    matches!(&world.slots[node].machine, Some(Machine::Ours(ours)) if ours.is_demoted_by_itself())
}

/// It may be no master, or is not for a while.
fn excused(world: &World, node: usize) -> bool {
    demoted(world, node) || world.slots[node].fitness.released
}

fn effective_interval(world: &World, node: usize) -> u64 {
    match &world.slots[node].machine {
        Some(Machine::Ours(ours)) => ours.interval(world.now),
        _ => world.slots[node].spec.interval(),
    }
}

fn demotion(world: &World, node: usize) -> u8 {
    match &world.slots[node].machine {
        Some(Machine::Ours(ours)) => ours.snapshot(world.now).demotion,
        _ => 0,
    }
}

/// Who takes part: a daemon that is ending only waits for its last hook.
fn alive(world: &World) -> Vec<usize> {
    let takes_part = |machine: &Machine| !matches!(machine, Machine::Ours(ours) if ours.shutting_down());
    (0..world.slots.len())
        .filter(|&node| world.slots[node].machine.as_ref().is_some_and(takes_part))
        .collect()
}

/// Whether the peers that are not ours can settle among themselves.
pub fn settles(world: &World) -> bool {
    let foreign: Vec<_> = alive(world)
        .into_iter()
        .map(|node| &world.slots[node].spec)
        .filter(|spec| spec.kind != Kind::Ours)
        .collect();
    !foreign.iter().enumerate().any(|(n, a)| {
        foreign[..n]
            .iter()
            .any(|b| a.interval() == b.interval() && (a.kind, b.kind) != (Kind::OldUcarp, Kind::OldUcarp))
    })
}

/// The bound: the largest dead time, one period, two delays; two seconds (and its scripts) more for an old ucarp.
pub fn bound(world: &World) -> u64 {
    let alive = alive(world);
    let longest = alive.iter().map(|&node| effective_interval(world, node)).max().unwrap_or(0);
    let dead = alive.iter().map(|&node| world.slots[node].spec.dead_time(longest)).max().unwrap_or(0);
    let jitter = alive.iter().map(|&node| world.slots[node].spec.jitter).max().unwrap_or(0);
    let old = alive
        .iter()
        .map(|&node| &world.slots[node].spec)
        .filter(|spec| spec.kind == Kind::OldUcarp)
        .map(|spec| 2 * SECOND + 2 * spec.plan.max)
        .max()
        .unwrap_or(0);
    let hold = alive.iter().map(|&node| world.slots[node].spec.start_hold).max().unwrap_or(0);
    // Who left silently for a better one counts as alive to others for a dead time, and one that is demoted more is not
    // looked at meanwhile.
    let unnoticed = if alive.iter().any(|&node| world.slots[node].fitness.demotion > 0) { dead } else { 0 };
    dead.max(hold) + unnoticed + longest + 2 * world.longest_delay() + 4 * jitter + 10 * MS + old
}

impl Judge {
    /// Everything wrong with the world, worst last.
    pub fn complaints(&self, world: &World) -> Vec<String> {
        let mut found = world.record.violations.clone();
        let from = self.settled_from(world);
        if from < self.end {
            if settles(world) {
                self.one_master(world, from, &mut found);
            } else {
                self.adds_nothing(world, from, &mut found);
            }
        }
        hooks_agree(world, &mut found);
        found
    }

    /// From when on the world must have settled.
    pub fn settled_from(&self, world: &World) -> u64 {
        let excuse = world.record.excuses.iter().copied().max().unwrap_or(0);
        self.quiet_from.max(excuse) + bound(world)
    }

    fn one_master(&self, world: &World, from: u64, found: &mut Vec<String>) {
        let alive = alive(world);
        // Hosts that may not be master for a while are excused from there being one.
        let able = alive.iter().any(|&node| !excused(world, node));
        let list = timeline(world, from, self.end);
        for stretch in &list {
            let masters = stretch.masters.count_ones();
            if masters > 1 || masters == 0 && able {
                found.push(format!(
                    "{masters} masters from {} to {} (settled at {from})",
                    stretch.from, stretch.to
                ));
            }
        }
        if found.is_empty() && list.len() > 1 && able {
            found.push(format!("the master changed after {from}: {list:?}"));
        }
        let Some(last) = list.last().filter(|last| last.masters.count_ones() == 1) else { return };
        let master = alive.iter().copied().find(|&node| last.masters == 1 << node);
        let Some(master) = master else { return found.push("the master is not alive".into()) };
        let is_ours = |node: usize| world.slots[node].spec.kind == Kind::Ours;
        for &node in &alive {
            let preferred = effective_interval(world, node) < effective_interval(world, master);
            let (mine, his) = (demotion(world, node), demotion(world, master));
            let (both_ours, spec) = (is_ours(node) && is_ours(master), &world.slots[node].spec);
            if node == master || excused(world, node) || both_ours && mine > his {
                continue;
            }
            if both_ours && mine < his {
                found.push(format!("n{node} is demoted by {mine}, the master n{master} by {his}"));
            } else if spec.preempt && preferred && mine == 0 && spec.preempt_delay == 0 {
                found.push(format!("n{node} preempts and is faster than the master n{master}"));
            }
        }
    }

    fn adds_nothing(&self, world: &World, from: u64, found: &mut Vec<String>) {
        let alive = alive(world);
        let is_ours = |node: usize| world.slots[node].spec.kind == Kind::Ours;
        let ours: u32 = alive.iter().filter(|&&node| is_ours(node)).map(|&node| 1 << node).sum();
        if ours == 0 {
            return;
        }
        let old = alive.iter().any(|&node| world.slots[node].spec.kind == Kind::OldUcarp);
        let scripts = alive.iter().map(|&node| world.slots[node].spec.plan.max).max().unwrap_or(0);
        let grace = if old { 2 * SECOND + 2 * scripts } else { 0 };
        let hear = 3 * world.longest_delay() + 20 * MS + grace;
        let able = alive.iter().filter(|&&node| is_ours(node) && !excused(world, node));
        let longest = alive.iter().map(|&node| effective_interval(world, node)).max().unwrap_or(0);
        let wait = able.map(|&node| world.slots[node].spec.dead_time(longest)).min();
        let list = timeline(world, from, self.end);
        let (mut several, mut nobody) = (0, 0);
        for stretch in &list {
            let lasted = stretch.to - stretch.from;
            let extra = stretch.masters.count_ones() > 1 && stretch.masters & ours != 0;
            several = if extra { several + lasted } else { 0 };
            nobody = if stretch.masters == 0 { nobody + lasted } else { 0 };
            if several > hear {
                found.push(format!("ours among several masters until {} for {several}", stretch.to));
            }
            if wait.is_some_and(|wait| nobody > wait + hear) {
                found.push(format!(
                    "nobody master until {} for {nobody} although ours waits {wait:?}",
                    stretch.to
                ));
            }
        }
        for &(at, node, role) in &world.record.roles {
            let was_master = role != Role::Master && is_ours(node) && at > from;
            let left = was_master && list.iter().any(|s| s.to == at && s.masters & 1 << node != 0);
            let recent = |s: &Stretch| s.to + hear >= at && s.from <= at && s.masters & !(1 << node) != 0;
            if left && !list.iter().any(recent) {
                found.push(format!("n{node} left at {at} though no other master had been there"));
            }
        }
    }
}

/// What is wrong with a while in which hosts were told of another form, and one of them may have been started anew. Kernels
/// that change at once undo each other and us until everybody has: there only the end counts.
pub fn undisturbed(
    world: &World,
    (from, to): (u64, u64),
    only_ours: bool,
    restarted: Option<usize>,
    settle: u64,
) -> Vec<String> {
    let mut found = world.record.violations.clone();
    let from = if only_ours { from } else { from + 3 * settle + bound(world) };
    let hear = 3 * world.longest_delay() + 60 * MS;
    let longest = world.slots.iter().map(|slot| slot.spec.interval()).max().unwrap_or(0);
    let wait = world.slots.iter().map(|slot| slot.spec.dead_time(longest) + slot.spec.jitter).max();
    let list = timeline(world, from, to);
    let (mut several, mut nobody) = (0, 0);
    for stretch in &list {
        let lasted = stretch.to - stretch.from;
        several = if stretch.masters.count_ones() > 1 { several + lasted } else { 0 };
        nobody = if stretch.masters == 0 { nobody + lasted } else { 0 };
        if several > hear || nobody > wait.unwrap_or(0) + hear {
            let Stretch { from, to, masters } = stretch;
            found.push(format!("masters {masters:b} from {from} to {to}"));
        }
    }
    // Who is started anew gives up what it was, and may take it again.
    let was_master = |node: usize| list.first().is_some_and(|first| first.masters & 1 << node != 0);
    let may_change = |node: usize| !only_ours || was_master(node) || world.slots[node].spec.preempt;
    if list.len() > 1 && !restarted.is_some_and(may_change) {
        found.push(format!("somebody noticed: {list:?}"));
    }
    if world.slots.iter().any(|slot| {
        matches!(&slot.machine, Some(Machine::Ours(ours)) if !ours.host.snapshot(ours.time(world.now)).forms.is_empty())
    }) {
        found.push("a former form is not forgotten".into());
    }
    found
}

/// At rest the address is where the role wants it, and the last hook that ended is the one of the role; or the host
/// knows better, and the hook is owed.
fn hooks_agree(world: &World, found: &mut Vec<String>) {
    for node in alive(world) {
        let slot = &world.slots[node];
        let Some(Machine::Ours(ours)) = &slot.machine else { continue };
        let changed = world.record.roles.iter().rev().find(|&&(_, who, _)| who == node).map_or(0, |r| r.0);
        // The hook of the last change, one that was running then, and their times to be killed in.
        let patience = 2 * slot.spec.plan.max.min(slot.spec.hook_timeout) + 11 * SECOND;
        if ours.hook_running() || world.now < changed + patience {
            continue;
        }
        let master = ours.role() == Role::Master;
        let hooks = ours.hooks();
        let snapshot = ours.snapshot(world.now);
        if hooks.manages {
            let belongs = if master { Presence::All } else { Presence::None };
            if ours.addresses() != belongs && snapshot.owed_shift.is_none() && !snapshot.address_missing {
                found.push(format!(
                    "n{node} is {}, of the addresses here: {:?}",
                    ours.role().code(),
                    ours.addresses()
                ));
            }
            continue;
        }
        if !hooks.up || !hooks.down || ours.mixed_hooks {
            continue;
        }
        let agrees = match ours.last_hook() {
            Some((hook, _)) => {
                (hook == Hook::Up) == master
                    && ours.addresses() == if master { Presence::All } else { Presence::None }
            }
            None => slot.spec.neutral && !master,
        };
        if !agrees && snapshot.owed_hook.is_none() && !snapshot.address_missing {
            let (role, last, addresses) = (ours.role().code(), ours.last_hook(), ours.addresses());
            found.push(format!(
                "n{node} is {role}, its last hook {last:?}, of the addresses here: {addresses:?}"
            ));
        }
    }
}
