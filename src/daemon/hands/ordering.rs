//! What the hands do for whoever comes by the socket for orders.

use super::super::by_hand::{Demand, DemandFiles};
use super::super::clock::wall;
use super::super::control::{Asked, meant};
use super::super::report::{About, Over, Report};
use super::super::request::{Fact, Stepped};
use super::super::roster::Entry;
use super::Hands;
use crate::config::order::{MAINTENANCE, MOST, Order, Verb};
use crate::control::{Answer, Subject, answer::Matter};
use crate::protocol::{Role, Time, Untaken};

impl Hands {
    /// Takes in what was said, and does it.
    pub(super) fn take_orders(&mut self, now: Time) {
        for asked in self.control.hear(now) {
            let subject = match asked.order.verb {
                Verb::Status | Verb::Watch | Verb::Monitor(_) => Subject::Hosts,
                Verb::Peers => Subject::Peers,
                Verb::Metrics => Subject::Figures,
                Verb::Events(since) => {
                    self.control.follow(asked.client, asked.way, since, now);
                    continue;
                }
                _ => {
                    let Asked { client, user, order, .. } = asked;
                    self.carry_out(client, user, &order, now);
                    continue;
                }
            };
            self.control.standings(subject).ask(asked);
        }
        self.end_demands(now);
        self.control.look_at_roles(now);
        Subject::ALL.into_iter().for_each(|subject| self.show(subject, now));
        self.control.settle(now);
    }

    /// Whatever went by the log is for those who follow and for who counts.
    pub(super) fn pass_events_on(&mut self, now: Time) {
        while let Some(line) = self.report.log().next_seen() {
            self.tally.hear(&line.facts);
            self.control.happened(&line, wall());
        }
        self.control.tell_followers(now);
    }

    fn carry_out(&mut self, client: u32, user: u32, order: &Order, now: Time) {
        if order.verb == Verb::Version {
            let version = Answer::new(Matter::Version, &[&env!("CARGO_PKG_VERSION")]);
            return self.control.answer(client, &[version], now);
        }
        if matches!(order.verb, Verb::Reload { .. } | Verb::Undo) {
            return self.configure(client, user, order, now);
        }
        // Without a name it is about what is on trial.
        let stays = if order.verb == Verb::Confirm { self.confirm_trial(user, now) } else { Vec::new() };
        if !stays.is_empty() && order.whom.is_empty() {
            return self.control.answer(client, &stays, now);
        }
        if order.verb == Verb::Upgrade {
            return self.upgrade(client, user, now);
        }
        // Whoever asks next sees what came of it.
        self.control.forget_standings();
        let hosts = match meant(self.rules.roster(), order) {
            Ok(hosts) => hosts,
            Err(answer) => return self.control.answer(client, &[answer], now),
        };
        let mut answers = stays;
        let demand = |name: &str, amount| Demand {
            name: name.to_owned(),
            amount,
            by: Some(user),
            since: wall().unwrap_or_default(),
            until: order.lasts.map(|lasts| now + lasts),
            because: order.because.clone(),
        };
        let mut steps_aside = order.force;
        match &order.verb {
            Verb::Maintenance(true) => {
                for (host, name) in &hosts {
                    answers.extend(self.demand(*host, name, demand(MAINTENANCE, MOST), now));
                }
            }
            Verb::Demote { name: cause, amount } => {
                for (host, name) in &hosts {
                    answers.extend(self.demand(*host, name, demand(cause, *amount), now));
                }
            }
            Verb::Maintenance(false) => {
                steps_aside = false;
                for (host, name) in &hosts {
                    answers.extend(self.undo(*host, name, MAINTENANCE, user, now));
                }
            }
            Verb::Undemote { name: cause } => {
                for (host, name) in &hosts {
                    answers.extend(self.undo(*host, name, cause, user, now));
                }
            }
            Verb::Resign => steps_aside = true,
            Verb::Wait(role) => {
                let until = now + order.lasts.unwrap_or_default();
                return self.control.await_role(client, hosts, *role, until);
            }
            Verb::Confirm => {
                for (host, name) in &hosts {
                    answers.push(self.confirm(*host, name));
                }
            }
            Verb::Take => return self.have_taken(client, user, hosts, now),
            Verb::Status
            | Verb::Watch
            | Verb::Monitor(_)
            | Verb::Peers
            | Verb::Events(_)
            | Verb::Metrics
            | Verb::Reload { .. }
            | Verb::Undo
            | Verb::Upgrade
            | Verb::Version => {}
        }
        if !steps_aside {
            return self.control.answer(client, &answers, now);
        }
        if self.engine.is_none() {
            answers.push(Answer::new(Matter::NoEngine, &[]));
            return self.control.answer(client, &answers, now);
        }
        let numbers: Vec<u16> = hosts.iter().map(|(host, _)| *host).collect();
        let number = self.control.await_engine(client, hosts, answers, now);
        for host in numbers {
            if let Some(Entry { config, interface, .. }) = self.rules.roster().get(host) {
                self.report.asked_to_resign(About::host(config, interface), user);
            }
            self.tell(&Fact::Resign { order: number, host, force: order.force });
        }
    }

    /// Another configuration is wanted: that of the file, or the one before.
    fn configure(&mut self, client: u32, user: u32, order: &Order, now: Time) {
        let refused = if self.asked_by.is_some() {
            Some(Matter::Ending)
        } else if !self.reading.can() {
            Some(Matter::NoFile)
        } else {
            None
        };
        if let Some(matter) = refused {
            return self.control.answer(client, &[Answer::new(matter, &[])], now);
        }
        if let Verb::Reload { dry_run } = order.verb {
            self.wanted.applies |= !dry_run;
            self.wanted.trial = order.lasts.or(self.wanted.trial);
            self.control.await_reload(client, dry_run);
            return self.read_again(now);
        }
        let answers = self.go_back(Some(user), now);
        self.control.answer(client, &answers, now);
    }

    /// These are to take the addresses.
    fn have_taken(&mut self, client: u32, user: u32, hosts: Vec<(u16, String)>, now: Time) {
        if self.engine.is_none() {
            return self.control.answer(client, &[Answer::new(Matter::NoEngine, &[])], now);
        }
        let numbers: Vec<u16> = hosts.iter().map(|(host, _)| *host).collect();
        let order = self.control.await_engine(client, hosts, Vec::new(), now);
        for host in numbers {
            if let Some(Entry { config, interface, .. }) = self.rules.roster().get(host) {
                self.report.told_to_take(About::host(config, interface), user);
            }
            self.tell(&Fact::Take { order, host });
        }
    }

    /// What became of one that was told to take the addresses.
    pub(super) fn took(&mut self, order: u32, host: u16, untaken: Option<Untaken>, now: Time) {
        let answer = |name: &str| {
            Some(match untaken {
                None => Answer::new(Matter::Taken, &[&name]),
                Some(Untaken::Role(Role::Master)) => Answer::new(Matter::Unchanged, &[&name]),
                Some(Untaken::Role(role @ (Role::Init | Role::Backup))) => {
                    Answer::new(Matter::NoBackup, &[&name, &role.code()])
                }
                Some(Untaken::Released) => Answer::new(Matter::Released, &[&name]),
                Some(Untaken::Demoted(by)) => Answer::new(Matter::TooDemoted, &[&name, &by]),
                Some(Untaken::OneFamily) => Answer::new(Matter::OneFamily, &[&name]),
                Some(Untaken::NobodyHeard) => Answer::new(Matter::NobodyHeard, &[&name]),
                Some(Untaken::NotWorse { peer, its, ours }) => Answer::new(
                    Matter::NotWorse,
                    &[&name, &peer, &its.base, &its.skew, &ours.base, &ours.skew],
                ),
            })
        };
        self.control.became(order, host, answer, now);
    }

    /// What became of one that was asked to step aside.
    pub(super) fn stepped(&mut self, order: u32, host: u16, stepped: Stepped, now: Time) {
        let answer = |name: &str| match stepped {
            Stepped::Aside => Some(Answer::new(Matter::Resigned, &[&name])),
            Stepped::NotMaster(role) => Some(Answer::new(Matter::NotMaster, &[&name, &role.code()])),
            Stepped::WouldBeBack => Some(Answer::new(Matter::WouldBeBack, &[&name])),
        };
        self.control.became(order, host, answer, now);
    }

    /// Every host has been told of what is configured of this one: it sends nothing else any more.
    fn confirm(&mut self, host: u16, name: &str) -> Answer {
        let entry = self.rules.roster().get(host);
        let is_pending = entry.is_some_and(|entry| entry.kept.iter().any(|former| former.sent.is_some()));
        if !is_pending {
            return Answer::new(Matter::Unchanged, &[&name]);
        }
        self.tell(&Fact::Confirm { host });
        Answer::new(Matter::Confirmed, &[&name])
    }

    /// Demotes a virtual host by hand from now on.
    fn demand(&mut self, host: u16, name: &str, demand: Demand, now: Time) -> Vec<Answer> {
        let Some(entry) = self.rules.entry(host) else { return Vec::new() };
        let demands = entry.demands.get_or_insert_default();
        let before = demands.iter().position(|known| known.name == demand.name);
        let said = if demand.is_maintenance() {
            Answer::new(Matter::InMaintenance, &[&name])
        } else {
            Answer::new(Matter::Demoted, &[&name, &demand.name, &demand.amount])
        };
        if let Some(known) = before.and_then(|at| demands.get_mut(at)) {
            let is_same = |of: &Demand| (of.amount, of.until, of.because.clone());
            let says_nothing_new =
                demand.until.is_none() && demand.because.is_none() && known.until.is_none();
            if is_same(known) == is_same(&demand) || says_nothing_new && known.amount == demand.amount {
                return vec![Answer::new(Matter::Unchanged, &[&name])];
            }
            *known = demand.clone();
        } else {
            demands.push(demand.clone());
        }
        self.report.demanded(About::host(&entry.config, &entry.interface), &demand, false, now);
        self.tell(&Fact::ByHand { host, name: demand.name, amount: Some(demand.amount) });
        self.remember(host, name, said, now)
    }

    /// Takes back a demotion by hand.
    fn undo(&mut self, host: u16, name: &str, cause: &str, user: u32, now: Time) -> Vec<Answer> {
        if !self.let_off(host, cause, Over::By(user)) {
            return vec![Answer::new(Matter::Unchanged, &[&name])];
        }
        let said = match cause {
            MAINTENANCE => Answer::new(Matter::NoMaintenance, &[&name]),
            _ => Answer::new(Matter::DemotedNoMore, &[&name, &cause]),
        };
        self.remember(host, name, said, now)
    }

    fn let_off(&mut self, host: u16, cause: &str, over: Over) -> bool {
        let Some(entry) = self.rules.entry(host) else { return false };
        let demands = entry.demands.get_or_insert_default();
        let Some(at) = demands.iter().position(|known| known.name == cause) else { return false };
        let demand = demands.remove(at);
        self.report.demanded_no_more(About::host(&entry.config, &entry.interface), &demand, over);
        self.tell(&Fact::ByHand { host, name: demand.name, amount: None });
        true
    }

    /// Keeps over a restart what is demanded of a virtual host. The answer, and what is to be minded about it.
    fn remember(&mut self, host: u16, name: &str, said: Answer, now: Time) -> Vec<Answer> {
        let Some(Entry { config, interface, demands, .. }) = self.rules.roster().get(host) else {
            return vec![said];
        };
        let demands = demands.as_deref().unwrap_or_default();
        match self.demands.write(config, interface, demands, now, wall().unwrap_or_default()) {
            Ok(()) => vec![said],
            Err(why) => {
                let why = format!("{}: {why}", self.demands.folder().display());
                vec![said, Answer::new(Matter::NotKept, &[&name, &why])]
            }
        }
    }

    /// Ends what was to last so long.
    fn end_demands(&mut self, now: Time) {
        if self.demands_end().is_none_or(|end| end > now) {
            return;
        }
        let over = |demand: &&Demand| demand.until.is_some_and(|until| until <= now);
        let over: Vec<(u16, String)> = self
            .rules
            .roster()
            .there()
            .flat_map(|(host, entry)| entry.demands.iter().flatten().map(move |demand| (host, demand)))
            .filter(|(_, demand)| over(demand))
            .map(|(host, demand)| (host, demand.name.clone()))
            .collect();
        for (host, cause) in over {
            self.let_off(host, &cause, Over::InTime);
            let said = Answer::new(Matter::DemotedNoMore, &[&cause]);
            self.remember(host, "", said, now);
        }
    }

    /// When the first of them ends.
    pub(super) fn demands_end(&self) -> Option<Time> {
        let all = self.rules.roster().there().flat_map(|(_, entry)| entry.demands.iter().flatten());
        all.filter_map(|demand| demand.until).min()
    }

    /// Says who demands what, beside what the engine says of itself.
    pub(super) fn tell_demands(&mut self, now: Time) {
        for (_, Entry { config, interface, demands, .. }) in self.rules.roster().there() {
            let demands = demands.as_deref().unwrap_or_default();
            self.report.demands(About::host(config, interface), demands, now);
        }
    }

    /// Finds out what was demanded of those that were not here before, and tells the engine.
    pub(super) fn recall_demands(&mut self, now: Time) {
        let Self { rules, demands, report, .. } = self;
        let mut facts = Vec::new();
        let hosts: Vec<u16> = rules.roster().there().map(|(host, _)| host).collect();
        for host in hosts {
            let Some(entry) = rules.entry(host).filter(|entry| entry.demands.is_none()) else { continue };
            let found = recall(demands, entry, report, now);
            let fact = |Demand { name, amount, .. }: &Demand| Fact::ByHand {
                host,
                name: name.clone(),
                amount: Some(*amount),
            };
            facts.extend(found.iter().map(fact));
            entry.demands = Some(found);
        }
        if let Some(engine) = &mut self.engine {
            engine.untold.extend(facts);
        }
    }
}

/// What was demanded of a virtual host before it was ours to serve.
fn recall(files: &DemandFiles, entry: &Entry, report: &mut Report, now: Time) -> Vec<Demand> {
    let Entry { config, interface, .. } = entry;
    let (about, wall) = (About::host(config, interface), wall().unwrap_or_default());
    let demands = files.read(config, interface, now, wall).unwrap_or_else(|why| {
        report.unreadable_demands(about, files.folder(), &why);
        vec![Demand::unread(wall)]
    });
    demands.iter().for_each(|demand| report.demanded(about, demand, true, now));
    demands
}
