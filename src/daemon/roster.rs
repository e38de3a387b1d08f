//! The virtual hosts of this process, by the numbers that hands and engine know them by.
//!
//! A number is one host's until nothing of it is left; then another may have it. So what is said about a number while it
//! changes hands is said about nobody else.

use std::path::{Path, PathBuf};

use super::by_hand::Demand;
use super::coded::{Coded, coded, named};
use super::supervise::Plan;
use crate::config::diff::Placed;
use crate::config::{Check, VirtualAddress, VirtualHostConfig};
use crate::protocol::{Departure, Former, Hook};

/// One of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub(super) config: VirtualHostConfig,
    /// The configuration may leave it open; this is what was found.
    pub(super) interface: String,
    pub(super) standing: Standing,
    /// Passwords and addresses in use besides those of the configuration.
    pub(super) kept: Vec<Former>,
    /// What the operator demotes it by; nothing is known of that yet where there is nothing.
    pub(super) demands: Option<Vec<Demand>>,
    /// The scripts that are run, up and down: those of the configuration, or those that brought the role in which it is.
    scripts: (Option<PathBuf>, Option<PathBuf>),
    /// Addresses that they were told of and that are shared no more.
    former: Vec<VirtualAddress>,
    /// Which of them was run last.
    ran: Option<Hook>,
    /// The managed addresses that were put on the interface.
    pub(super) held: Vec<VirtualAddress>,
}

/// What is to become of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    Serves,
    /// It gives back what it has, and then it is gone.
    Leaves(Departure),
    Gone,
}

named!(Entry { config, interface, standing, kept, demands, scripts, former, ran, held });
named!(Roster { entries, checks });
coded! { Standing:
    0 Serves,
    1 Leaves(departure),
    2 Gone,
}

impl Entry {
    pub(super) fn new(config: VirtualHostConfig, interface: String) -> Self {
        let scripts = scripts(&config);
        Self {
            config,
            interface,
            standing: Standing::Serves,
            kept: Vec::new(),
            demands: None,
            scripts,
            former: Vec::new(),
            ran: None,
            held: Vec::new(),
        }
    }

    pub(super) fn placed(&self) -> Placed<'_> {
        (&self.config, &self.interface)
    }

    /// As its file and its log have it.
    pub(super) fn label(&self) -> String {
        self.config.title(&self.interface)
    }

    /// What has to be known of it where there is no engine.
    pub(super) fn plan(&self) -> Plan {
        let config = &self.config;
        Plan {
            dead_time: config.interval.dead_after(config.dead_ratio),
            manages: config.manage_address,
            has_down: config.down.is_some() || self.script(Hook::Down).is_some(),
            withdraws: config.withdraws(),
            hook_timeout: config.hook_timeout,
        }
    }

    /// The script for this hook.
    pub(super) fn script(&self, hook: Hook) -> Option<&Path> {
        let (up, down) = &self.scripts;
        match hook {
            Hook::Up => up.as_deref(),
            Hook::Down => down.as_deref(),
        }
    }

    /// This hook is wanted now. What was brought by one pair of scripts is taken back by the same.
    pub(super) fn begin(&mut self, hook: Hook) {
        if hook == Hook::Up {
            self.scripts = scripts(&self.config);
            if self.ran != Some(Hook::Up) {
                self.former.clear();
            }
        }
        self.ran = Some(hook);
    }

    /// The addresses that this hook is about: what was brought is taken back, shared or not.
    pub(super) fn addresses(&self, hook: Hook) -> impl Iterator<Item = &VirtualAddress> {
        let former = self.former.iter().filter(move |_| hook == Hook::Down);
        self.config.addresses.iter().chain(former)
    }

    /// It is to be served like this from now on.
    pub(super) fn change(&mut self, config: VirtualHostConfig) {
        let before = std::mem::replace(&mut self.config, config);
        if !self.config.manage_address {
            // They stay where they are.
            self.held.clear();
        }
        if self.ran != Some(Hook::Up) {
            // What did not succeed may be tried again, by a script that was mended perhaps.
            if self.ran.is_none() || self.config.down.is_some() {
                self.scripts = scripts(&self.config);
            }
            return;
        }
        let is_shared =
            |gone: &VirtualAddress| self.config.addresses.iter().any(|shared| shared.address == gone.address);
        self.former.extend(before.addresses);
        self.former.retain(|gone| !is_shared(gone));
    }
}

fn scripts(config: &VirtualHostConfig) -> (Option<PathBuf>, Option<PathBuf>) {
    (config.up.clone(), config.down.clone())
}

/// All of them, and the checks that say whether they are fit to serve, by numbers of their own.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Roster {
    entries: Vec<Entry>,
    checks: Vec<Option<Check>>,
}

impl Roster {
    pub(super) fn of(hosts: Vec<(VirtualHostConfig, String)>) -> Self {
        let entries = hosts.into_iter().map(|(config, interface)| Entry::new(config, interface));
        Self { entries: entries.collect(), checks: Vec::new() }
    }

    /// With these checks.
    pub(super) fn checked(self, checks: Vec<Check>) -> Self {
        Self { checks: checks.into_iter().map(Some).collect(), ..self }
    }

    /// All checks.
    pub(super) fn checks(&self) -> impl Iterator<Item = (u16, &Check)> {
        let all = (0..=u16::MAX).zip(&self.checks);
        all.filter_map(|(number, check)| Some((number, check.as_ref()?)))
    }

    /// The check that has this number.
    pub(super) fn check(&self, number: u16) -> Option<&Check> {
        self.checks.get(usize::from(number))?.as_ref()
    }

    /// These are the checks from now on. The numbers whose checks are others, or none; who has the same keeps his number.
    pub(super) fn check_by(&mut self, mut checks: Vec<Check>) -> Vec<u16> {
        let mut changed = Vec::new();
        for (number, place) in (0..=u16::MAX).zip(&mut self.checks) {
            let Some(known) = place else { continue };
            let same = checks.iter().position(|check| check.name == known.name);
            let now = same.map(|at| checks.swap_remove(at));
            if now.as_ref() != Some(known) {
                *place = now;
                changed.push(number);
            }
        }
        for check in checks {
            let free = self.checks.iter().position(Option::is_none).unwrap_or(self.checks.len());
            let Ok(number) = u16::try_from(free) else { break };
            match self.checks.get_mut(free) {
                Some(place) => *place = Some(check),
                None => self.checks.push(Some(check)),
            }
            if !changed.contains(&number) {
                changed.push(number);
            }
        }
        changed
    }

    /// Asks what each has in use besides what is configured.
    pub(super) fn recall(&mut self, mut kept: impl FnMut(&Entry) -> Vec<Former>) {
        for entry in &mut self.entries {
            entry.kept = kept(entry);
        }
    }

    /// One more than the highest number.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// All numbers from 0 on, those included that are nobody's.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Those that are served, or leave.
    pub(super) fn there(&self) -> impl Iterator<Item = (u16, &Entry)> {
        let all = (0..=u16::MAX).zip(&self.entries);
        all.filter(|(_, entry)| entry.standing != Standing::Gone)
    }

    /// Those that are served.
    pub(super) fn served(&self) -> impl Iterator<Item = (u16, &Entry)> {
        self.there().filter(|(_, entry)| entry.standing == Standing::Serves)
    }

    /// How those of this interface are served.
    pub(super) fn on<'a>(&'a self, interface: &'a str) -> impl Iterator<Item = &'a VirtualHostConfig> {
        self.there().filter(move |(_, entry)| entry.interface == interface).map(|(_, entry)| &entry.config)
    }

    /// Whose number this is.
    pub(super) fn get(&self, host: u16) -> Option<&Entry> {
        self.entries.get(usize::from(host)).filter(|entry| entry.standing != Standing::Gone)
    }

    pub(super) fn get_mut(&mut self, host: u16) -> Option<&mut Entry> {
        self.entries.get_mut(usize::from(host)).filter(|entry| entry.standing != Standing::Gone)
    }

    /// Takes one on: its number, if there is one left.
    pub(super) fn add(&mut self, config: VirtualHostConfig, interface: String) -> Option<u16> {
        let free = self.entries.iter().position(|entry| entry.standing == Standing::Gone);
        let number = u16::try_from(free.unwrap_or(self.entries.len())).ok()?;
        let entry = Entry::new(config, interface);
        match self.entries.get_mut(usize::from(number)) {
            Some(place) => *place = entry,
            None => self.entries.push(entry),
        }
        Some(number)
    }

    /// One of them is to leave, or is gone.
    pub(super) fn set(&mut self, host: u16, standing: Standing) {
        self.get_mut(host).into_iter().for_each(|entry| entry.standing = standing);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::rules::tests::host;
    use super::*;
    use crate::config::check::{OnFailure, Probe, Verdict, Whom};

    fn entry(up: &str) -> Entry {
        let (mut config, interface) = host("7", &[]);
        (config.up, config.down) = (Some(up.into()), Some(format!("{up}-down").into()));
        Entry::new(config, interface)
    }

    fn given(address: &str) -> Vec<VirtualAddress> {
        vec![VirtualAddress { address: address.parse().unwrap(), prefix: None }]
    }

    #[test]
    fn addresses_that_are_managed_no_more_stay_where_they_are() {
        let mut entry = entry("/up");
        let managed = |manage_address| VirtualHostConfig { manage_address, ..self::entry("/up").config };
        entry.change(managed(true));
        entry.held = given("10.0.0.10");
        entry.change(managed(true));
        assert_eq!(entry.held, given("10.0.0.10"));
        entry.change(managed(false));
        assert_eq!(entry.held, [], "nobody takes them off");
    }

    #[test]
    fn the_scripts_that_brought_the_role_take_it_back() {
        let mut entry = entry("/old");
        let script = |entry: &Entry, hook| entry.script(hook).map(|path| path.display().to_string());
        let new = self::entry("/new").config;
        entry.begin(Hook::Down);
        entry.begin(Hook::Up);
        entry.change(new);
        for _ in 0..2 {
            entry.begin(Hook::Down);
            assert_eq!(script(&entry, Hook::Down).as_deref(), Some("/old-down"));
        }
        entry.begin(Hook::Up);
        assert_eq!(script(&entry, Hook::Up).as_deref(), Some("/new"));
        assert_eq!(script(&entry, Hook::Down).as_deref(), Some("/new-down"));
        // What is brought once more is brought by the new ones.
        entry.change(self::entry("/newer").config);
        entry.begin(Hook::Up);
        entry.begin(Hook::Down);
        assert_eq!(script(&entry, Hook::Down).as_deref(), Some("/newer-down"));
        // Who has to be taken back by a script that is gone is taken back by it.
        entry.change(VirtualHostConfig { up: None, down: None, ..entry.config.clone() });
        assert_eq!(script(&entry, Hook::Down).as_deref(), Some("/newer-down"));
        // Addresses that are shared no more are taken back with the others.
        let mut master = self::entry("/old");
        master.begin(Hook::Up);
        master.change(VirtualHostConfig { addresses: given("10.0.0.11"), ..master.config.clone() });
        let about = |entry: &Entry, hook| -> Vec<String> {
            entry.addresses(hook).map(|shared| shared.address.to_string()).collect()
        };
        assert_eq!(about(&master, Hook::Up), ["10.0.0.11"]);
        assert_eq!(about(&master, Hook::Down), ["10.0.0.11", "10.0.0.10"]);
        master.change(self::entry("/old").config);
        assert_eq!(
            about(&master, Hook::Down),
            ["10.0.0.10", "10.0.0.11"],
            "nor is one that was new for a while"
        );
        master.begin(Hook::Down);
        master.begin(Hook::Up);
        assert_eq!(about(&master, Hook::Down), ["10.0.0.10"]);
        // Where nothing was brought, nothing has to be taken back.
        let mut backup = self::entry("/old");
        backup.begin(Hook::Down);
        backup.change(self::entry("/new").config);
        assert_eq!(script(&backup, Hook::Down).as_deref(), Some("/new-down"));
    }

    #[test]
    fn a_number_is_given_away_when_nothing_is_left_of_its_host() {
        let mut roster = Roster::of(vec![host("1", &[]), host("2", &[]), host("3", &[])]);
        roster.set(1, Standing::Leaves(Departure::Removed));
        let add = |roster: &mut Roster, id: &str| {
            let (config, interface) = host(id, &[]);
            roster.add(config, interface)
        };
        assert_eq!(add(&mut roster, "4"), Some(3), "it is not gone yet");
        assert_eq!(roster.served().map(|(number, _)| number).collect::<Vec<_>>(), [0, 2, 3]);
        assert_eq!(roster.there().count(), 4);
        roster.set(1, Standing::Gone);
        assert!(roster.get(1).is_none() && roster.get(9).is_none());
        roster.set(1, Standing::Serves);
        assert!(roster.get(1).is_none(), "nobody is brought back");
        assert_eq!((add(&mut roster, "5"), roster.len()), (Some(1), 4));
        assert_eq!(roster.get(1).map(|entry| entry.config.vhid.get()), Some(5));
    }

    #[test]
    fn a_check_keeps_its_number_for_as_long_as_it_has_its_name() {
        let check = |name: &str, fall| Check {
            name: name.into(),
            probe: Probe::CarpDemotion,
            every: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            fall,
            rise: 1,
            demote: 1,
            on_failure: OnFailure::Demote,
            whom: Whom::Group("front".into()),
            initial: Verdict::Unknown,
        };
        let mut roster = Roster::default().checked(vec![check("a", 1), check("b", 1), check("c", 1)]);
        let names = |roster: &Roster| {
            let name = |(number, check): (u16, &Check)| format!("{number}{}{}", check.name, check.fall);
            roster.checks().map(name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(roster.check_by(vec![check("c", 1), check("a", 1), check("b", 1)]), [0_u16; 0]);
        assert_eq!(roster.check_by(vec![check("c", 1), check("b", 2)]), [0, 1]);
        assert_eq!(names(&roster), "1b2 2c1");
        assert_eq!(roster.check_by(vec![check("d", 1), check("c", 1), check("e", 1)]), [1, 0]);
        assert_eq!(names(&roster), "0d1 1e1 2c1");
        assert!(roster.check(3).is_none());
    }
}
