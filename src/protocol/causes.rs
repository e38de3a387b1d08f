//! What demotes which virtual hosts of this machine, by name, and who moves together.
//!
//! A cause is a check that fails, the operator's word, or what a member of a group sees itself: its link is down, its
//! advertisements cannot leave, its script fails. The members of a group share them all, each counted once. A core sees its own
//! failures without being told; it is told of all others in sum ([`Fitness`]), and the operator is told of each.
//!
//! After several failures at a time a group can be found apart, with nobody demoted. Its first member that takes part, by its
//! lowest address, which all hosts know alike, then draws the others: who is master beside a first one that is backup is
//! demoted by one.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::fitness::sum;
use super::{Demotion, Fitness, Role, Time};

/// What demotes. Its `Display` is the name operators know it by; never translated.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Cause {
    /// The interface of a member of the group cannot be used.
    Link(String),
    /// Advertisements cannot be sent on this interface.
    Send(String),
    /// The up script of this virtual host failed, or its addresses could not be put on.
    Hook(String),
    /// The first member of this group is master elsewhere.
    Group(String),
    /// This check fails.
    Check(String),
    /// Somebody said so, under this name: `operator`, `maintenance`, `boot`.
    ByHand(String),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(interface) => write!(f, "link:{interface}"),
            Self::Send(interface) => write!(f, "send:{interface}"),
            Self::Hook(host) => write!(f, "hook:{host}"),
            Self::Group(name) => write!(f, "group:{name}"),
            Self::Check(name) => write!(f, "check:{name}"),
            Self::ByHand(name) => f.write_str(name),
        }
    }
}

/// How much a cause counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Weight {
    /// By how much it demotes, 1..=254.
    pub amount: u8,
    /// No mastership while it is there.
    pub releases: bool,
}

/// A cause that is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing {
    /// Which.
    pub cause: Cause,
    /// How much it counts.
    pub weight: Weight,
    /// Since when.
    pub since: Time,
}

impl Standing {
    /// How long that is.
    #[must_use]
    pub fn lasted(&self, now: Time) -> Duration {
        now.since(self.since)
    }
}

/// What a core shows of itself that its group goes by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
    /// Init is a link that cannot be used, after its grace.
    pub role: Role,
    /// Nobody misses it without its link, whatever was before.
    pub spared: bool,
    /// What demotes it.
    pub sending: bool,
    /// The same, for its script.
    pub hook: bool,
}

impl Seen {
    fn up(self) -> bool {
        self.role != Role::Init
    }
}

impl Default for Seen {
    fn default() -> Self {
        Self { role: Role::Init, spared: false, sending: false, hook: false }
    }
}

/// Which virtual host one is: its interface, what the log calls it, and its lowest address.
pub type Identity<'a> = (&'a str, &'a str, Option<IpAddr>);

/// What changed for a virtual host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// This is there, or counts otherwise than before.
    Began(Standing),
    /// It is there no more.
    Ended(Standing),
}

#[derive(Debug, Default)]
struct Member {
    /// Interface and name, for its own causes.
    interface: String,
    label: String,
    lowest: Option<IpAddr>,
    group: Option<String>,
    here: bool,
    was_up: bool,
    seen: Seen,
    /// Since when it has that role.
    since: Time,
    own: Vec<Standing>,
    told: Vec<Standing>,
}

impl Member {
    /// What its core sees without being told.
    fn core_sees(&self, cause: &Cause) -> bool {
        match cause {
            Cause::Send(interface) => self.seen.sending && *interface == self.interface,
            Cause::Hook(label) => self.seen.hook && *label == self.label,
            // Without its link it competes with nobody.
            Cause::Link(interface) => *interface == self.interface,
            Cause::Group(_) | Cause::Check(_) | Cause::ByHand(_) => false,
        }
    }

    fn set(&mut self, cause: Cause, weight: Option<Weight>, now: Time) -> bool {
        let at = self.own.iter().position(|standing| standing.cause == cause);
        match (at.and_then(|at| self.own.get_mut(at)), weight) {
            (Some(standing), Some(weight)) => {
                return std::mem::replace(&mut standing.weight, weight) != weight;
            }
            (None, Some(weight)) => self.own.push(Standing { cause, weight, since: now }),
            (Some(_), None) => self.own.retain(|standing| standing.cause != cause),
            (None, None) => return false,
        }
        true
    }
}

/// All causes of a machine, by the number of the virtual host.
#[derive(Debug, Default)]
pub struct Causes(Vec<Member>);

impl Causes {
    /// Nobody.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// There is a virtual host of this number, or it is in another group from now on. Who joins demotes nobody for its link
    /// before that was up.
    pub fn enrol(&mut self, host: usize, (interface, label, lowest): Identity<'_>, group: Option<&str>) {
        if self.0.len() <= host {
            self.0.resize_with(host + 1, Member::default);
        }
        let Some(member) = self.0.get_mut(host) else { return };
        if !member.here {
            *member = Member::default();
        }
        member.here = true;
        interface.clone_into(&mut member.interface);
        label.clone_into(&mut member.label);
        member.lowest = lowest;
        member.group = group.map(str::to_owned);
    }

    /// There is none any more.
    pub fn strike(&mut self, host: usize) {
        if let Some(member) = self.0.get_mut(host) {
            *member = Member::default();
        }
    }

    /// Something demotes a virtual host, or does no more. Whether that is anything new.
    pub fn set(&mut self, host: usize, cause: Cause, weight: Option<Weight>, now: Time) -> bool {
        let member = self.0.get_mut(host).filter(|member| member.here);
        member.is_some_and(|member| member.set(cause, weight, now))
    }

    /// What a core shows of itself now; whether that is anything new to its group.
    pub fn see(&mut self, host: usize, seen: Seen, now: Time) -> bool {
        let Some(member) = self.0.get_mut(host).filter(|member| member.here) else { return false };
        let before = std::mem::replace(&mut member.seen, seen);
        member.was_up |= seen.up();
        if before == seen {
            return false;
        }
        let weight = |there: bool| there.then_some(Weight { amount: Demotion::AMOUNT, releases: false });
        let down = member.was_up && !seen.up() && !seen.spared;
        let (interface, label) = (member.interface.clone(), member.label.clone());
        member.set(Cause::Link(interface.clone()), weight(down), now);
        member.set(Cause::Send(interface), weight(seen.sending), now);
        member.set(Cause::Hook(label), weight(seen.hook), now);
        if before.role != seen.role {
            member.since = now;
        }
        member.group.is_some()
    }

    /// Whether a virtual host is master where the first one of its group that takes part is not.
    fn astray(&self, host: usize) -> Option<Standing> {
        let member = self.0.get(host).filter(|member| member.seen.role == Role::Master)?;
        let group = member.group.clone()?;
        let company = self.company(host).into_iter().filter_map(|at| self.0.get(at));
        let first = company.filter(|other| other.seen.up()).min_by_key(|other| other.lowest)?;
        let weight = Weight { amount: 1, releases: false };
        let since = member.since.max(first.since);
        (first.seen.role == Role::Backup).then_some(Standing { cause: Cause::Group(group), weight, since })
    }

    /// Who moves with a virtual host, itself included.
    #[must_use]
    pub fn company(&self, host: usize) -> Vec<usize> {
        let group = self.0.get(host).and_then(|member| member.group.as_deref());
        let with = |(at, member): (usize, &Member)| {
            let is = at == host || group.is_some() && member.group.as_deref() == group;
            (is && member.here).then_some(at)
        };
        self.0.iter().enumerate().filter_map(with).collect()
    }

    /// All that demotes a virtual host, what its core sees itself included, each once.
    #[must_use]
    pub fn of(&self, host: usize) -> Vec<Standing> {
        let mut all: Vec<Standing> = Vec::new();
        let astray = self.astray(host);
        let company = self.company(host).into_iter().filter_map(|at| self.0.get(at));
        for standing in company.flat_map(|member| &member.own).chain(&astray) {
            let place = all.partition_point(|known| known.cause < standing.cause);
            match all.get_mut(place).filter(|known| known.cause == standing.cause) {
                Some(known) => {
                    known.weight.amount = known.weight.amount.max(standing.weight.amount);
                    known.weight.releases |= standing.weight.releases;
                    known.since = known.since.min(standing.since);
                }
                None => all.insert(place, standing.clone()),
            }
        }
        all
    }

    /// What its core is to be told if that is anything new, and what changed for the operator to know.
    pub fn news(&mut self, host: usize) -> Option<(Fitness, Vec<Change>)> {
        let mut now = self.of(host);
        let member = self.0.get_mut(host)?;
        now.retain(|standing| !member.core_sees(&standing.cause));
        let before = std::mem::replace(&mut member.told, now);
        let ended =
            before.iter().filter(|standing| !member.told.iter().any(|one| one.cause == standing.cause));
        let ended = ended.cloned().map(Change::Ended);
        let same = |standing: &Standing| {
            before.iter().any(|one| (&one.cause, one.weight) == (&standing.cause, standing.weight))
        };
        let began = member.told.iter().filter(|standing| !same(standing)).cloned().map(Change::Began);
        let changes: Vec<Change> = ended.chain(began).collect();
        let fitness = Fitness {
            demotion: sum(member.told.iter().map(|standing| standing.weight.amount)),
            released: member.told.iter().any(|standing| standing.weight.releases),
        };
        (!changes.is_empty()).then_some((fitness, changes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: Seen = Seen { role: Role::Backup, spared: false, sending: false, hook: false };
    const DOWN: Seen = Seen { role: Role::Init, ..UP };
    const MASTER: Seen = Seen { role: Role::Master, ..UP };

    fn at(seconds: u64) -> Time {
        Time::new(Duration::from_secs(seconds))
    }

    fn ip(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([10, 0, 0, last]))
    }

    /// Two in a group, one alone.
    fn three() -> Causes {
        let mut causes = Causes::new();
        causes.enrol(0, ("em0", "web", ip(1)), Some("front"));
        causes.enrol(1, ("em1", "lan", ip(2)), Some("front"));
        causes.enrol(2, ("em0", "mail", ip(3)), None);
        causes
    }

    fn demotion(causes: &mut Causes, host: usize) -> Option<u8> {
        causes.news(host).map(|(fitness, _)| fitness.demotion)
    }

    #[test]
    fn members_share_what_each_sees_and_a_core_is_told_what_it_does_not_see() {
        let mut causes = three();
        assert!(causes.see(0, UP, at(1)) && causes.see(1, UP, at(1)) && !causes.see(2, UP, at(1)));
        assert!(!causes.see(0, UP, at(2)), "nothing new");
        assert!(causes.see(0, DOWN, at(3)));
        assert_eq!((demotion(&mut causes, 0), demotion(&mut causes, 1)), (None, Some(240)));
        assert_eq!(demotion(&mut causes, 2), None);
        let names: Vec<String> = causes.of(1).iter().map(|standing| standing.cause.to_string()).collect();
        assert_eq!(names, ["link:em0"]);
        causes.see(1, Seen { hook: true, ..UP }, at(4));
        assert_eq!((demotion(&mut causes, 0), demotion(&mut causes, 1)), (Some(240), None));
        causes.see(0, UP, at(5));
        assert_eq!((demotion(&mut causes, 0), demotion(&mut causes, 1)), (None, Some(0)));
        causes.see(1, UP, at(6));
        assert_eq!((demotion(&mut causes, 0), demotion(&mut causes, 1)), (Some(0), None));
        assert_eq!(causes.of(0), []);
    }

    #[test]
    fn each_cause_counts_once_and_all_add_up() {
        let mut causes = three();
        let check = || Cause::Check("nginx".into());
        let weight = |amount| Some(Weight { amount, releases: false });
        causes.set(0, check(), weight(100), at(1));
        causes.set(1, check(), weight(100), at(2));
        let (fitness, changes) = causes.news(0).unwrap();
        assert_eq!(fitness, Fitness { demotion: 100, released: false });
        let standing = Standing { cause: check(), weight: weight(100).unwrap(), since: at(1) };
        assert_eq!(changes, [Change::Began(standing)]);
        causes.set(1, Cause::ByHand("maintenance".into()), weight(254), at(3));
        causes.set(2, check(), Some(Weight { amount: 1, releases: true }), at(3));
        assert_eq!((demotion(&mut causes, 0), demotion(&mut causes, 1)), (Some(254), Some(254)));
        assert_eq!(causes.news(2).unwrap().0, Fitness { demotion: 1, released: true });
        causes.set(0, check(), None, at(4));
        assert_eq!(demotion(&mut causes, 0), None, "the other's still stands");
        causes.set(1, check(), weight(50), at(5));
        assert!(matches!(&causes.news(0).unwrap().1[..], [Change::Began(_)]), "it counts otherwise");
        causes.set(1, check(), None, at(6));
        assert!(matches!(&causes.news(0).unwrap().1[..], [Change::Ended(_)]));
    }

    #[test]
    fn who_was_never_up_or_is_not_required_is_not_missed() {
        let mut causes = three();
        causes.see(0, DOWN, at(1));
        assert_eq!(demotion(&mut causes, 1), None, "it may never have had a cable");
        causes.see(0, UP, at(2));
        causes.see(0, Seen { spared: true, ..DOWN }, at(3));
        assert_eq!(demotion(&mut causes, 1), None);
        causes.see(0, DOWN, at(4));
        assert_eq!(demotion(&mut causes, 1), Some(240));
        causes.strike(0);
        assert_eq!(demotion(&mut causes, 1), Some(0));
        causes.enrol(0, ("em0", "web", ip(1)), Some("front"));
        causes.see(0, DOWN, at(5));
        assert_eq!(demotion(&mut causes, 1), None, "it is new");
        causes.enrol(1, ("em1", "lan", ip(2)), None);
        assert_eq!((causes.company(0), causes.company(1), causes.company(9)), (vec![0], vec![1], vec![]));
    }

    #[test]
    fn the_first_member_draws_the_others() {
        let mut causes = three();
        causes.see(0, UP, at(1));
        causes.see(1, MASTER, at(2));
        assert_eq!((demotion(&mut causes, 0), demotion(&mut causes, 1)), (None, Some(1)));
        assert_eq!(causes.of(1)[0].cause.to_string(), "group:front");
        causes.see(0, MASTER, at(3));
        assert_eq!((demotion(&mut causes, 0), demotion(&mut causes, 1)), (None, Some(0)));
        causes.see(1, UP, at(4));
        assert_eq!(
            (demotion(&mut causes, 0), demotion(&mut causes, 1)),
            (None, None),
            "it draws, and is not drawn"
        );
        // Who leaves the group draws nobody, and nobody draws who leaves it.
        causes.see(1, MASTER, at(4));
        assert_eq!(demotion(&mut causes, 1), None);
        causes.see(0, UP, at(4));
        assert_eq!(demotion(&mut causes, 1), Some(1));
        assert_eq!(causes.of(1)[0].since, at(4), "since the first one is backup");
        causes.enrol(0, ("em0", "web", ip(1)), None);
        assert_eq!(demotion(&mut causes, 1), Some(0));
        causes.enrol(0, ("em0", "web", ip(1)), Some("front"));
        assert_eq!(demotion(&mut causes, 1), Some(1));
        causes.strike(0);
        assert_eq!(demotion(&mut causes, 1), Some(0));
        causes.enrol(0, ("em0", "web", ip(1)), Some("front"));
        causes.see(0, UP, at(4));
        assert_eq!(demotion(&mut causes, 1), Some(1));
        causes.enrol(1, ("em1", "lan", ip(2)), None);
        assert_eq!(demotion(&mut causes, 1), Some(0));
        causes.enrol(1, ("em1", "lan", ip(2)), Some("front"));
        causes.see(1, UP, at(4));
        assert_eq!(demotion(&mut causes, 1), None);
        // Without the first one the next is that.
        causes.see(0, Seen { spared: true, ..DOWN }, at(5));
        causes.see(1, MASTER, at(6));
        assert_eq!((demotion(&mut causes, 0), demotion(&mut causes, 1)), (None, None));
    }
}
