//! What a master must know of those who follow it, and whom it may take for all that there are.

use std::net::IpAddr;

use ucarp::protocol::{Agreement, Notice, Role, Settled};

use super::ours::{HookPlan, Ours};
use super::world::{Change, Kind, MS, Machine, SECOND, Spec, World};

/// A backup that hears its master is known to it within this, by an engine that went on within that, and missed as soon as
/// that.
const KNOWN: u64 = SECOND;
const KNOWN_ANEW: u64 = 11 * SECOND;
const MISSED: u64 = 30 * SECOND;
const STEP: u64 = 250 * MS;

fn ours(world: &World, node: usize) -> Option<&Ours> {
    match &world.slots[node].machine {
        Some(Machine::Ours(ours)) => Some(ours),
        _ => None,
    }
}

fn is_of(spec: &Spec, address: IpAddr) -> bool {
    [spec.v4.map(IpAddr::V4), spec.v6.map(IpAddr::V6)].contains(&Some(address))
}

/// Whose advertisements each follows, for how long without a break and in peace.
#[derive(Default)]
pub struct Watch {
    following: Vec<Option<(usize, u64)>>,
    gone: Vec<Option<u64>>,
}

impl Watch {
    /// Runs on in peace and looks at who is known.
    pub fn run_until(&mut self, world: &mut World, end: u64) {
        let nodes = world.slots.len();
        self.following.resize(nodes, None);
        self.gone.resize(nodes, None);
        while world.now < end {
            world.run_until((world.now + STEP).min(end));
            for node in 0..nodes {
                self.look(world, node);
            }
        }
    }

    fn look(&mut self, world: &mut World, node: usize) {
        let masters = world.masters();
        let [master] = *masters else { return self.following[node] = None };
        let (Some(his), ours_there) = (ours(world, master), ours(world, node)) else { return };
        let known: Vec<_> = his.snapshot(world.now).standbys;
        let of_node = known.iter().find(|one| is_of(&world.slots[node].spec, one.address));
        let mut wrong = None;
        if let Some(there) = ours_there.filter(|there| !there.shutting_down()) {
            self.gone[node] = None;
            let snapshot = there.snapshot(world.now);
            let followed = snapshot.followed.map(|peer| peer.source);
            let follows = snapshot.role == Role::Backup
                && followed.is_some_and(|followed| is_of(&world.slots[master].spec, followed));
            let since = self.following[node].filter(|(whom, _)| *whom == master);
            self.following[node] = follows.then(|| since.unwrap_or((master, world.now)));
            let renewed = world.slots[master].renewed;
            let long = self.following[node].is_some_and(|(_, since)| {
                world.now >= since + KNOWN && (renewed == 0 || world.now >= renewed + KNOWN_ANEW)
            });
            match of_node {
                None if long => wrong = Some("is not known"),
                Some(one) if long && !one.ready => wrong = Some("is not said to be ready"),
                Some(one) if long && one.agrees == Agreement::Unknown => wrong = Some("says nothing"),
                None | Some(_) => {}
            }
        } else {
            self.following[node] = None;
            let since = *self.gone[node].get_or_insert(world.now);
            if of_node.is_some() && world.now >= since + MISSED {
                wrong = Some("is not missed");
            }
        }
        if let Some(wrong) = wrong {
            world.record.violations.push(format!("{}: n{node} {wrong} by its master n{master}", world.now));
        }
    }
}

impl World {
    /// Whether all of ours accept what each of them sends.
    pub fn understand_each_other(&self) -> bool {
        let ours: Vec<_> = (0..self.slots.len()).filter(|&node| ours(self, node).is_some()).collect();
        ours.iter().all(|&speaker| ours.iter().all(|&hearer| self.accepts(hearer, speaker)))
    }

    fn accepts(&self, hearer: usize, speaker: usize) -> bool {
        let former = |node: usize| self.slots[node].former.iter();
        let sent = former(speaker).find(|one| one.sent.is_some()).map(|one| one.form.clone());
        let sent = sent.unwrap_or_else(|| self.configured(speaker));
        sent == self.configured(hearer) || former(hearer).any(|one| one.form == sent)
    }
}

/// Somebody does not wait any more, because all that it knows of have been told. Whoever it cannot know of will not
/// understand it before it has been told too, and its time is over.
pub fn settled_before_its_time(said: &[(u64, Notice)]) -> bool {
    said.iter().any(|(_, notice)| matches!(notice, Notice::FormSent { why: Settled::Standbys }))
}

/// n1 and n2 follow n0, beside n3.
fn followed(seed: u64, beside: Spec) -> World {
    let mut world = World::dual(seed).logging();
    for n in 1..4 {
        world.add(Spec { plan: HookPlan::QUICK, ..Spec::ours(n, n * 20).dual(n.into()) });
    }
    world.add(beside);
    world
}

fn names(world: &World, node: usize) -> Vec<IpAddr> {
    let mut names: Vec<_> =
        world.ours(node).snapshot(world.now).standbys.iter().map(|one| one.address).collect();
    names.sort_unstable();
    names
}

fn tells(world: &World, node: usize) -> usize {
    let log = world.log.as_ref().expect("logging");
    log.iter().filter(|line| line.contains(&format!("n{node} sends ad")) && line.contains("only to")).count()
}

#[test]
fn a_standby_is_known_within_a_second_and_missed_within_thirty() {
    for seed in 0..20 {
        let mut world = followed(seed, Spec::ours(4, 200).dual(4));
        let mut watch = Watch::default();
        world.start_all();
        watch.run_until(&mut world, 20 * SECOND);
        assert_eq!(world.masters(), [0]);
        assert_eq!(names(&world, 0), [[10, 0, 0, 2], [10, 0, 0, 3], [10, 0, 0, 4]].map(IpAddr::from));
        world.change(Change::Crash(2));
        watch.run_until(&mut world, 60 * SECOND);
        assert_eq!(names(&world, 0), [[10, 0, 0, 2], [10, 0, 0, 4]].map(IpAddr::from));
        // Its successor has to be told anew.
        world.change(Change::Stop(0, true));
        watch.run_until(&mut world, 80 * SECOND);
        assert_eq!(world.masters(), [1]);
        assert_eq!(names(&world, 1), [IpAddr::from([10, 0, 0, 4])]);
        assert_eq!(world.record.violations, Vec::<String>::new());
        // A word in ten seconds, and that it gave way.
        assert!(
            (7..=15).contains(&tells(&world, 3)),
            "{}\n{}",
            tells(&world, 3),
            super::scenario::tail(&world)
        );
    }
}

#[test]
fn one_that_was_cut_off_is_known_again_within_ten_seconds() {
    for seed in 0..20 {
        let mut world = followed(seed, Spec::ours(4, 200).dual(4));
        world.start_all();
        // It hears its master and is not heard.
        world.change(Change::Cut { from: 1, to: 0, cut: true });
        world.run_until(60 * SECOND);
        assert_eq!(names(&world, 0), [[10, 0, 0, 3], [10, 0, 0, 4]].map(IpAddr::from));
        world.change(Change::Cut { from: 1, to: 0, cut: false });
        world.run_until(70 * SECOND + 50 * MS);
        assert_eq!(names(&world, 0).len(), 3);
    }
}

// A kernel is told nothing, and neither is an old ucarp, and what ours tell each other moves nobody.
#[test]
fn others_are_told_nothing() {
    use super::kernel::Os;
    for beside in [Spec::kernel(Os::FreeBsd, 4, 0).dual(4), Spec::kernel(Os::OpenBsd, 4, 0).dual(4)] {
        let mut world = followed(3, beside);
        world.start_all();
        world.run_until(60 * SECOND);
        assert_eq!(world.masters(), [3]);
        let from = tells(&world, 1) + tells(&world, 2);
        world.run_until(120 * SECOND);
        assert_eq!(tells(&world, 1) + tells(&world, 2), from);
        assert!(world.slots.iter().take(3).all(|slot| slot.spec.kind == Kind::Ours));
    }
}
