//! All virtual hosts, the links they are on, and who has something to do next.
//!
//! A fact reaches a host here: it is told, what the host answers is carried out, and its deadline finds its place. What
//! belongs to an interface is the link's, once for all hosts on it.

use super::deadlines::Deadlines;
use super::host::{Fact, Served};
use super::link::Link;
use super::perform::{news, perform};
use super::report::Report;
use super::request::Request;
use crate::protocol::causes::Causes;
use crate::protocol::wire::{self, Decoded};
use crate::protocol::{Action, Event, Hook, Reason, Rejected, Role, Shift, Time, VirtualHost};

/// As others know a host: there are no more than that on a machine.
fn number(host: usize) -> u16 {
    u16::try_from(host).unwrap_or(u16::MAX)
}

/// The hosts by number, each on one link.
pub(super) struct Fleet {
    hosts: Vec<Served>,
    /// The link of each.
    on: Vec<usize>,
    links: Vec<Link>,
    due: Deadlines,
    /// What the hands are to do.
    errands: Vec<Request>,
    /// The role of each, as it was noted last, and whether one has changed since that was asked.
    roles: Vec<Role>,
    role_changed: bool,
    /// Those that give back what they have.
    departing: Vec<usize>,
    /// What demotes them.
    pub(super) causes: Causes,
}

impl Fleet {
    pub(super) const fn new() -> Self {
        Self {
            hosts: Vec::new(),
            on: Vec::new(),
            links: Vec::new(),
            due: Deadlines::EMPTY,
            errands: Vec::new(),
            roles: Vec::new(),
            role_changed: false,
            departing: Vec::new(),
            causes: Causes::new(),
        }
    }

    /// Takes on a virtual host of this interface, by the next number.
    pub(super) fn add(&mut self, interface: &str, one: Served) {
        let link = self.link_of_name(interface);
        if !one.gone {
            self.links[link].take_on(&one.config, self.hosts.len());
        }
        self.on.push(link);
        self.roles.push(one.core().role());
        self.hosts.push(one);
        self.enrol(self.hosts.len() - 1);
    }

    /// Gives the number of one that is gone to another.
    pub(super) fn replace(&mut self, host: usize, interface: &str, one: Served) {
        let link = self.link_of_name(interface);
        self.links[link].take_on(&one.config, host);
        (self.on[host], self.roles[host], self.hosts[host]) = (link, one.core().role(), one);
        self.enrol(host);
    }

    /// This host is going to give back what it has.
    pub(super) fn depart(&mut self, host: usize) {
        self.departing.push(host);
    }

    /// Those that have, since this was last asked.
    pub(super) fn departed(&mut self) -> Vec<usize> {
        let hosts = &self.hosts;
        let (departed, others) = self.departing.iter().partition(|host| hosts[**host].core().finished());
        self.departing = others;
        departed
    }

    /// Of this host nothing is left.
    pub(super) fn let_go(&mut self, host: usize, report: &mut Report, now: Time) {
        self.hosts[host].gone = true;
        self.links[self.on[host]].let_go(host);
        let left = self.causes.company(host);
        self.causes.strike(host);
        left.into_iter().for_each(|other| self.share(other, report, now));
    }

    fn link_of_name(&mut self, interface: &str) -> usize {
        self.link_called(interface).unwrap_or_else(|| {
            self.links.push(Link::new(interface.to_owned()));
            self.links.len() - 1
        })
    }

    /// The numbers of those that are there.
    pub(super) fn there(&self) -> Vec<usize> {
        (0..self.hosts.len()).filter(|host| !self.hosts[*host].gone).collect()
    }

    /// The hands are to do this.
    pub(super) fn ask(&mut self, request: Request) {
        self.errands.push(request);
    }

    pub(super) fn hosts(&self) -> &[Served] {
        &self.hosts
    }

    pub(super) fn cores(&self) -> impl Iterator<Item = &VirtualHost> {
        self.hosts.iter().map(Served::core)
    }

    pub(super) fn links(&self) -> &[Link] {
        &self.links
    }

    pub(super) fn link(&self, link: usize) -> &Link {
        &self.links[link]
    }

    pub(super) fn link_mut(&mut self, link: usize) -> &mut Link {
        &mut self.links[link]
    }

    /// A host and its link.
    pub(super) fn host(&mut self, host: usize) -> (&mut Served, &mut Link) {
        (&mut self.hosts[host], &mut self.links[self.on[host]])
    }

    /// The link of a host.
    pub(super) fn link_of(&self, host: usize) -> usize {
        self.on[host]
    }

    /// The link of this name.
    pub(super) fn link_called(&self, interface: &str) -> Option<usize> {
        self.links.iter().position(|link| link.name == interface)
    }

    /// The link whose interface has or had this name.
    pub(super) fn link_known_as(&self, interface: &str) -> Option<usize> {
        let renamed = |link: &Link| link.renamed.as_deref() == Some(interface);
        self.link_called(interface).or_else(|| self.links.iter().position(renamed))
    }

    /// The numbers of the hosts on a link.
    pub(super) fn on(&self, link: usize) -> Vec<usize> {
        self.links[link].hosts().collect()
    }

    /// Tells a host a fact and carries out what it answers.
    pub(super) fn tell<'a>(
        &mut self,
        host: usize,
        fact: impl Into<Fact<'a>>,
        report: &mut Report,
        now: Time,
    ) {
        let fact = fact.into();
        if matches!(fact, Fact::Event(Event::Start)) {
            let (one, link) = (&self.hosts[host], &self.links[self.on[host]]);
            let begins = news((number(host), one), link, (Role::Init, Reason::Started), now);
            self.errands.push(Request::Notify(begins));
        }
        let answered = self.hosts[host].tell(fact, now);
        self.perform(host, answered.unwrap_or_default(), report, now);
    }

    /// Tells all hosts of a link.
    pub(super) fn tell_all(&mut self, link: usize, event: Event, report: &mut Report, now: Time) {
        for host in self.on(link) {
            self.tell(host, event, report, now);
        }
    }

    /// Carries out what a host wants done, and notes when it wants its next turn.
    pub(super) fn perform(&mut self, host: usize, actions: Vec<Action>, report: &mut Report, now: Time) {
        let (one, link) = (&mut self.hosts[host], &mut self.links[self.on[host]]);
        perform((number(host), one), link, actions, &mut self.errands, report, now);
        link.deadlines.set(host, one.core().next_deadline());
        let role = one.core().role();
        if std::mem::replace(&mut self.roles[host], role) != role {
            self.role_changed = true;
            link.strangers.reigns(host, role == Role::Master, now);
        }
        let seen = one.seen();
        self.note(self.on[host], now);
        if self.causes.see(host, seen, now) {
            self.share(host, report, now);
        }
    }

    /// Lets those who move with a host know what is new about it.
    pub(super) fn share(&mut self, host: usize, report: &mut Report, now: Time) {
        for host in self.causes.company(host) {
            let Some((fitness, changes)) = self.causes.news(host) else { continue };
            // Peers wait for frames, people for sentences.
            self.tell(host, Event::Fitness(fitness), report, now);
            let (one, link) = (&self.hosts[host], &self.links[self.on[host]]);
            let together = one.core().snapshot(now).demotion;
            for change in &changes {
                report.demotion(one.about(&link.name), change, together);
            }
        }
    }

    /// Its file may say something else of whom it moves with.
    pub(super) fn regroup(&mut self, host: usize, report: &mut Report, now: Time) {
        let left = self.causes.company(host);
        self.enrol(host);
        for host in left.into_iter().chain([host]) {
            self.share(host, report, now);
        }
    }

    fn enrol(&mut self, host: usize) {
        let (one, link) = (&self.hosts[host], &self.links[self.on[host]]);
        if !one.gone {
            let label = one.label(&link.name);
            let lowest = one.config.addresses.iter().map(|shared| shared.address).min();
            self.causes.enrol(host, (&link.name, &label, lowest), one.config.group.as_deref());
        }
    }

    /// Whether a host has another role than when this was asked last.
    pub(super) fn take_role_change(&mut self) -> bool {
        std::mem::take(&mut self.role_changed)
    }

    /// Who waits for the end of which hook.
    pub(super) fn running_hooks(&self) -> Vec<(usize, Hook)> {
        let running = |core: &VirtualHost| core.running_hook();
        self.cores().enumerate().filter_map(|(host, core)| Some((host, running(core)?))).collect()
    }

    /// Who waits for what to become of managed addresses.
    pub(super) fn asked_shifts(&self) -> Vec<(usize, Shift)> {
        let asked = |core: &VirtualHost| core.asked_shift();
        self.cores().enumerate().filter_map(|(host, core)| Some((host, asked(core)?))).collect()
    }

    /// What the hands are to do from now on.
    pub(super) fn take_errands(&mut self) -> Vec<Request> {
        self.errands.extend(self.links.iter_mut().flat_map(Link::take_errands));
        std::mem::take(&mut self.errands)
    }

    /// A link may have something to do at another time now.
    pub(super) fn note(&mut self, link: usize, now: Time) {
        self.due.set(link, self.links[link].deadline(now));
    }

    /// The first deadline of all.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.due.first()
    }

    /// The links that have something to do by then.
    pub(super) fn due(&self, by: Time) -> Vec<usize> {
        self.due.due(by)
    }

    /// Whether nothing is left to do for anybody.
    pub(super) fn finished(&self) -> bool {
        self.cores().all(VirtualHost::finished)
    }

    /// Hands a captured frame to the host whose it is: who that is, and what it answers or why it refused.
    pub(super) fn receive(
        &mut self,
        link: usize,
        frame: &[u8],
        now: Time,
    ) -> Option<(usize, Result<Vec<Action>, Rejected>)> {
        let decoded = wire::decode(frame);
        let host = self.links[link].whose(frame, &decoded)?;
        let answered = self.hosts[host].tell(Fact::Frame(&decoded), now);
        // What is sent to this host alone beside a group says that somebody follows.
        let rivals = |heard: &Decoded| self.hosts[host].config.destination.accepts(heard.destination);
        if answered.is_ok() && decoded.as_ref().is_ok_and(rivals) {
            self.links[link].strangers.stirred(host, now);
        }
        // What is refused may have to be answered all the same.
        self.links[link].deadlines.set(host, self.hosts[host].core().next_deadline());
        self.note(link, now);
        Some((host, answered))
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::tests::host;
    use super::super::start::parameters;
    use super::*;
    use crate::daemon::SERVICES;
    use crate::log::Log;
    use crate::protocol::{Event, Link as State, MacAddr};

    /// Three virtual hosts on two interfaces, begun.
    fn fleet() -> (Fleet, Report) {
        let (mut fleet, mut report) = (Fleet::new(), Report::new(Log::none(SERVICES)));
        for (id, interface) in [("7", "eth7"), ("9", "eth8"), ("8", "eth7")] {
            let config = host(id, &[]).0;
            let core = VirtualHost::new(parameters(&config));
            fleet.add(interface, Served::new(config, core));
        }
        for number in 0..3 {
            fleet.tell(number, Event::Start, &mut report, Time::ZERO);
        }
        (fleet, report)
    }

    fn at(ms: u64) -> Time {
        Time::from_micros(ms * 1000)
    }

    #[test]
    fn hosts_of_one_interface_share_a_link_and_its_deadline_is_the_first_of_theirs() {
        let (mut fleet, mut report) = fleet();
        assert_eq!(fleet.links().len(), 2);
        assert_eq!((fleet.on(0), fleet.on(1), fleet.link_of(2)), (vec![0, 2], vec![1], 0));
        assert_eq!(fleet.deadline(), None);
        assert!(!fleet.take_role_change());
        fleet.tell(2, Event::Link(State::Up), &mut report, at(500));
        fleet.tell_all(1, Event::Link(State::Up), &mut report, at(100));
        assert!(fleet.take_role_change() && !fleet.take_role_change());
        assert_eq!(fleet.deadline(), Some(at(3_100)), "that of the other link");
        assert_eq!((fleet.due(at(3_100)), fleet.due(at(3_499))), (vec![1], vec![1]));
        let mut both = fleet.due(at(3_500));
        both.sort_unstable();
        assert_eq!(both, [0, 1]);
        fleet.tell(1, Event::Link(State::Down), &mut report, at(600));
        assert_eq!(fleet.deadline(), Some(at(3_500)));
        assert_eq!(
            fleet.cores().map(VirtualHost::role).collect::<Vec<_>>(),
            [Role::Init, Role::Init, Role::Backup]
        );
    }

    #[test]
    fn members_of_a_group_are_demoted_together() {
        let (mut fleet, mut report) = (Fleet::new(), Report::new(Log::none(SERVICES)));
        for (id, interface, group) in
            [("7", "eth7", Some("front")), ("8", "eth8", Some("front")), ("9", "eth9", None)]
        {
            let mut config = host(id, &[]).0;
            config.group = group.map(str::to_owned);
            let core = VirtualHost::new(parameters(&config));
            fleet.add(interface, Served::new(config, core));
        }
        for number in 0..3 {
            fleet.tell(number, Event::Start, &mut report, Time::ZERO);
            fleet.tell(number, Event::Link(State::Up), &mut report, Time::ZERO);
            fleet.tell(number, Event::Tick, &mut report, at(3_000));
        }
        let demotions =
            |fleet: &Fleet| [0, 1, 2].map(|n: usize| fleet.hosts()[n].core().snapshot(at(0)).demotion);
        assert_eq!(demotions(&fleet), [0, 0, 0]);
        fleet.tell(0, Event::Link(State::Gone), &mut report, at(4_000));
        assert_eq!(demotions(&fleet), [0, 240, 0], "who has no link competes with nobody");
        assert_eq!(fleet.causes.of(1)[0].cause.to_string(), "link:eth7");
        fleet.tell(0, Event::Link(State::Up), &mut report, at(5_000));
        assert_eq!(demotions(&fleet), [0, 1, 0], "the first one is master elsewhere, for all that is known");
        fleet.tell(0, Event::Tick, &mut report, at(8_000));
        assert_eq!(demotions(&fleet), [0, 0, 0]);
        for _ in 0..3 {
            let what = crate::protocol::Transmission::Advert;
            fleet.tell(1, Event::Sent { what, ok: false }, &mut report, at(8_100));
        }
        assert_eq!(demotions(&fleet), [240, 240, 0]);
        fleet.host(1).0.config.group = None;
        fleet.regroup(1, &mut report, at(8_200));
        assert_eq!(demotions(&fleet), [0, 240, 0], "it moves with nobody any more");
        fleet.host(0).0.config.required = false;
        fleet.host(1).0.config.group = Some("front".to_owned());
        fleet.regroup(1, &mut report, at(8_300));
        fleet.host(0).0.link = State::Gone;
        fleet.tell(0, Event::Link(State::Gone), &mut report, at(8_400));
        assert_eq!(demotions(&fleet), [240, 240, 0], "only what cannot be sent counts");
        fleet.let_go(1, &mut report, at(9_000));
        assert_eq!(demotions(&fleet)[0], 0);
    }

    fn changes(errands: &[Request]) -> Vec<(u16, Role, Reason)> {
        let news = errands.iter().filter_map(|errand| match errand {
            Request::Notify(news) => Some((news.host, news.role, news.reason)),
            _ => None,
        });
        news.collect()
    }

    #[test]
    fn what_scripts_are_to_do_is_asked_for_once() {
        let (mut fleet, mut report) = fleet();
        // Each has an up script alone, so the down script of the start is none.
        let begun = fleet.take_errands();
        assert_eq!(changes(&begun), [0, 1, 2].map(|host| (host, Role::Init, Reason::Started)));
        assert_eq!(begun.len(), 3);
        fleet.tell(2, Event::Link(State::Up), &mut report, at(0));
        fleet.tell(2, Event::Tick, &mut report, at(3_000));
        fleet.tell(2, Event::Tick, &mut report, at(3_010));
        let errands = fleet.take_errands();
        let reasons = [(2, Role::Backup, Reason::LinkUp), (2, Role::Master, Reason::MasterTimedOut)];
        assert_eq!(changes(&errands), reasons, "{errands:?}");
        assert!(
            matches!(errands.as_slice(), [_, _, Request::Run(run)] if run.host == 2 && run.interface == "eth7")
        );
        assert_eq!(fleet.running_hooks(), [(2, Hook::Up)]);
        assert!(fleet.take_errands().is_empty());
    }

    #[test]
    fn a_frame_is_one_hosts_and_counted_there() {
        let (mut fleet, _) = fleet();
        let mut decoded = wire::sample();
        decoded.header.vhid = 8;
        let frame = wire::encode(&decoded, MacAddr::BROADCAST, 1);
        let (whose, answered) = fleet.receive(0, &frame, at(1)).unwrap();
        assert_eq!((whose, answered), (2, Err(Rejected::BadAuth)));
        let refused = |host: usize| -> u64 {
            fleet.hosts()[host]
                .core()
                .snapshot(at(1))
                .counters
                .rejections
                .iter()
                .map(|(_, count)| count)
                .sum()
        };
        assert_eq!([refused(0), refused(1), refused(2)], [0, 0, 1]);
        assert!(!fleet.finished());
    }
}
