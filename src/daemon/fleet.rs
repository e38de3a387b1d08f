//! All virtual hosts, the links they are on, and who has something to do next.
//!
//! A fact reaches a host here: it is told, what the host answers is carried out, and its deadline finds its place. What
//! belongs to an interface is the link's, once for all hosts on it.

use super::deadlines::Deadlines;
use super::host::{Fact, Served};
use super::link::Link;
use super::perform::perform;
use super::report::Report;
use super::request::Request;
use crate::protocol::wire;
use crate::protocol::{Action, Event, Hook, Rejected, Time, VirtualHost};

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
}

impl Fleet {
    pub(super) const fn new() -> Self {
        Self {
            hosts: Vec::new(),
            on: Vec::new(),
            links: Vec::new(),
            due: Deadlines::EMPTY,
            errands: Vec::new(),
        }
    }

    /// Takes on a virtual host of this interface.
    pub(super) fn add(&mut self, interface: &str, one: Served) {
        let link = self.links.iter().position(|link| link.name == interface).unwrap_or_else(|| {
            self.links.push(Link::new(interface.to_owned()));
            self.links.len() - 1
        });
        self.links[link].take_on(&one.config, self.hosts.len());
        self.on.push(link);
        self.hosts.push(one);
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
        let answered = self.hosts[host].tell(fact.into(), now);
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
        self.note(self.on[host], now);
    }

    /// Who waits for the end of which hook.
    pub(super) fn running_hooks(&self) -> Vec<(usize, Hook)> {
        let running = |core: &VirtualHost| core.running_hook();
        self.cores().enumerate().filter_map(|(host, core)| Some((host, running(core)?))).collect()
    }

    /// What the hands are to do from now on.
    pub(super) fn take_errands(&mut self) -> Vec<Request> {
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
        // What is refused may have to be answered all the same.
        self.links[link].deadlines.set(host, self.hosts[host].core().next_deadline());
        self.note(link, now);
        Some((host, answered))
    }
}
