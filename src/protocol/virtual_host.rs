//! One virtual host: frames and events in, actions out. The daemon and the simulation drive exactly this.
//!
//! It joins the parts and decides nothing itself: the election says who is master, the takeover machine which
//! hook runs, the announcer when neighbours are told. It turns their answers into bytes and puts them in order.
//!
//! Laws, kept by property tests:
//! - an early `Tick` changes nothing; after a due one the next deadline lies in the future;
//! - in Init the election has no deadline;
//! - at rest the last hook that was done agrees with the role, or is owed and tried again (before the first
//!   transition under `--neutral` excepted);
//! - an announcement is sent only by who is master at that moment, and never while a down hook runs.

use std::net::IpAddr;
use std::time::Duration;

use super::announcer::Announcer;
use super::auth::tail::Said;
use super::election::{Decision, Election, Fact};
use super::explain::{Cause, explain, shares_also};
use super::forms::Forms;
use super::freshness::Freshness;
use super::keeping::Keeping;
use super::refused::Refused;
use super::rivalry::Rivalry;
use super::standbys::{Following, Standbys};
use super::takeover::{Begun, Ended, Takeover};
use super::tampering::Tampering;
use super::watch::{Change, Watch};
use super::wire::Decoded;
use super::{
    Action, Demotion, Event, Hook, Interval, Link, MacAddr, Notice, Parameters, Reason, Role, Shift, Sources,
    Time, Transmission, Untaken,
};

mod following;
mod managing;
mod reception;
mod reconfiguration;
mod snapshot;
mod transmit;

use reception::{Aftermath, Company};
pub use snapshot::{Counters, Snapshot};
use transmit::Audience;

/// After a silent master the up hook waits this long, in case two hosts became master at once: a script that was begun has to
/// end before it can be undone, and frames take less on nearly every segment.
///
/// Hosts with equal intervals miss a master within the difference of what its last advertisement took to each, so most of its
/// crashes bring two. In simulation (`tests/sim/thought.rs`) no script is begun in vain where frames take up to 5 ms; where they
/// take 11 to 15, every other crash begins one, and the address is on two hosts for as long as it runs. Managed addresses do not
/// wait: of equals they are on two hosts for as long as a frame and two errands take, where intervals differ by more than a
/// frame takes never. Clients have answers again after 0.3 to 4.4 ms on average, which 2 ms of second thought would make 2.3
/// to 6.3, those that were told of both hosts in the wrong order included (register, row 23).
const SECOND_THOUGHT: Duration = Duration::from_millis(10);
/// A bow-out without an answer is repeated after this time.
const BOW_OUT_AGAIN: Duration = Duration::from_millis(20);
/// How often at most.
const BOW_OUT_REPEATS: u8 = 2;

/// The machine.
#[derive(Debug)]
pub struct VirtualHost {
    parameters: Parameters,
    forms: Forms,
    election: Election,
    refused: Refused,
    /// Of the role, as the operator was told.
    reason: Reason,
    keeping: Keeping,
    takeover: Takeover,
    watch: Watch,
    announcer: Announcer,
    farewell: Option<(Time, u8)>,
    leaving: bool,
    freshness: Freshness,
    tampering: Tampering,
    company: Company,
    aftermath: Aftermath,
    standbys: Standbys,
    rivalry: Rivalry,
    following: Following,
    /// What was told to a master or a standby last, and how often that was something else.
    last_said: Option<Said>,
    /// The role is to be decided on in this very moment.
    undecided: bool,
    said: u32,
    packets: u16,
    advert_works: Option<bool>,
    announcement_works: Option<bool>,
    counters: Counters,
}

impl VirtualHost {
    /// A virtual host in Init, nothing armed.
    #[must_use]
    pub fn new(parameters: Parameters) -> Self {
        let forms = Forms::new(&parameters);
        Self {
            election: Election::new(&parameters, forms.dual_stack()),
            forms,
            refused: Refused::default(),
            reason: Reason::Started,
            keeping: Keeping::new(parameters.hooks),
            takeover: Takeover::new(parameters.hooks),
            watch: Watch::new(parameters.hooks),
            announcer: Announcer::new(parameters.announcing),
            farewell: None,
            leaving: false,
            freshness: Freshness::new(parameters.replay),
            tampering: Tampering::default(),
            company: Company::default(),
            aftermath: Aftermath::default(),
            standbys: Standbys::default(),
            rivalry: Rivalry::default(),
            following: Following::default(),
            last_said: None,
            undecided: false,
            said: 0,
            packets: 0,
            advert_works: None,
            announcement_works: None,
            counters: Counters::default(),
            parameters,
        }
    }

    /// Takes in a fact.
    pub fn handle(&mut self, event: Event, now: Time) -> Vec<Action> {
        let mut out = Vec::new();
        match event {
            Event::Start => {
                self.freshness.start(now);
                // Nobody knows what an earlier life left behind.
                self.keeping.want(Shift::Withdraw, now);
                if !self.parameters.neutral {
                    self.takeover.clean_up(now);
                }
                self.settle(now, &mut out);
                self.elect(Fact::Start, now, &mut out);
            }
            Event::Resume { role, hook, silent } => {
                self.freshness.start(now);
                self.reason = Reason::Resumed;
                let wanted = if role == Role::Master { Hook::Up } else { Hook::Down };
                self.takeover.resume(wanted, hook, now);
                self.resume_keeping(wanted, now, &mut out);
                if role == Role::Master {
                    self.announcer.begin();
                    // Else it waits until the addresses are seen, or the up hook is started.
                    if hook == Some(Hook::Up) {
                        self.announcer.hook_started(now);
                    }
                }
                self.elect(Fact::Resume { role, silent }, now, &mut out);
            }
            Event::Tick => self.tick(now, &mut out),
            Event::Wall(since_epoch) => self.freshness.wall(since_epoch, now),
            Event::Late(by) => {
                self.freshness.late(by, now);
                self.counters.late_wakes = self.counters.late_wakes.saturating_add(1);
                self.elect(Fact::Late(by), now, &mut out);
            }
            Event::Lost(frames) => {
                self.counters.lost = self.counters.lost.saturating_add(frames);
                self.elect(Fact::Lost, now, &mut out);
            }
            Event::Link(link) => {
                let fact = match (link, self.takeover.up_until()) {
                    (Link::Disabled, Some(until)) => Fact::LinkTaken { until },
                    (link, _) => Fact::Link(link),
                };
                self.elect(fact, now, &mut out);
            }
            Event::Sent { what, ok } => self.sent(what, ok, now, &mut out),
            Event::HookDone { hook, ended, addresses } => {
                self.watch.note(addresses);
                let proof = if self.keeping.manages() { managing::as_if_done(hook) } else { addresses };
                let ended = self.takeover.done(hook, ended, proof, now, &mut out);
                self.hook_ended(ended, now, &mut out);
                self.look_after_hook(addresses, now, &mut out);
            }
            Event::Addresses(addresses) => {
                self.watch.note(Some(addresses));
                if self.keeping.manages() {
                    self.look_after(addresses, now, &mut out);
                } else {
                    let brought = self.takeover.seen(addresses, now, &mut out);
                    if brought && self.election.role() == Role::Master {
                        self.announcer.addresses_ready(now);
                    }
                    self.look_at_addresses(now, &mut out);
                }
                self.settle(now, &mut out);
                self.announce(now, &mut out);
            }
            Event::Confirm => {
                let notice = self.forms.confirm();
                self.form_changed(notice, &mut out);
            }
            Event::Shifted { shift, changed, ok, addresses } => {
                self.shifted(shift, changed, ok, addresses, now, &mut out);
            }
            Event::Deaf(deaf) => self.elect(Fact::Deaf(deaf), now, &mut out),
            Event::OtherPrefixes => self.put_on_anew(now, &mut out),
            Event::Fitness(fitness) => self.elect(Fact::Fitness(fitness), now, &mut out),
            Event::Resign { force } => self.elect(Fact::Resign { force }, now, &mut out),
            Event::Take => self.elect(Fact::Take, now, &mut out),
            Event::Shutdown { .. } if self.leaving => {
                self.farewell = None;
                self.keeping.close();
                self.takeover.abandon(&mut out);
            }
            Event::Shutdown { withdraw } => self.depart(withdraw, Reason::Shutdown, now, &mut out),
            Event::Leave(_) if self.leaving => {}
            Event::Leave(departure) => self.depart(true, departure.reason(), now, &mut out),
        }
        out
    }

    /// By when `handle(Event::Tick)` must be called again. Early is harmless, late costs quality.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        [
            self.election.deadline(),
            self.forms.deadline().filter(|_| !self.leaving),
            self.following.deadline(),
            self.standbys.deadline(),
            self.takeover.deadline().filter(|_| !self.hooks_wait()),
            self.keeping.deadline(),
            self.watch.deadline().filter(|_| self.holds_addresses()),
            self.announcer.deadline(),
            self.farewell.map(|(again, _)| again),
            self.aftermath.deadline(),
            self.rivalry.deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Where frames come from changed: the interface was taken up anew, lost the source address or was given another
    /// hardware address. Allowed in every role: the next advertisement comes from there, and ties are settled by it.
    /// A master whose hardware address changed tells the neighbours again.
    pub fn relocate(&mut self, mac: MacAddr, sources: Sources, now: Time) -> Vec<Action> {
        let mut out = Vec::new();
        if std::mem::replace(&mut self.parameters.mac, mac) != mac {
            self.announcer.moved(now);
        }
        self.parameters.sources = sources;
        self.election.relocate(mac, sources);
        self.announce(now, &mut out);
        out
    }

    /// How far the time that is told in advertisements of ours lies ahead of the time of day.
    #[must_use]
    pub fn ahead_of_wall(&self, now: Time) -> Duration {
        self.freshness.ahead_of_wall(now)
    }

    /// The bow-out of a master, for whoever knows no more of it than that it is no more.
    pub fn bow_out(&mut self, now: Time) -> Vec<Action> {
        let mut out = Vec::new();
        self.transmit_adverts(Interval::BOW_OUT, now, &mut out);
        out
    }

    /// When a silent master will be declared dead (as backup).
    #[must_use]
    pub fn master_down(&self) -> Option<Time> {
        self.election.master_down()
    }

    /// Whether, after a `Shutdown` or a `Leave`, nothing is left to do.
    #[must_use]
    pub fn finished(&self) -> bool {
        self.leaving && self.farewell.is_none() && self.keeping.idle() && self.takeover.idle()
    }

    /// Whether the end was asked for.
    #[must_use]
    pub const fn leaves(&self) -> bool {
        self.leaving
    }

    /// What has been asked for about managed addresses and not been answered.
    #[must_use]
    pub fn asked_shift(&self) -> Option<Shift> {
        self.keeping.asked()
    }

    /// The hook in progress.
    #[must_use]
    pub fn running_hook(&self) -> Option<Hook> {
        self.takeover.running().map(|(hook, _)| hook)
    }

    /// The number of the scripts to run ([`Hooks::scripts`](super::Hooks)): those that brought the role in take it out, so
    /// others that were configured meanwhile wait for the next takeover.
    #[must_use]
    pub fn scripts(&self) -> u32 {
        self.takeover.scripts()
    }

    /// What demotes this host that it sees itself; the rest it was told ([`Event::Fitness`]).
    pub fn own_demotions(&self) -> impl Iterator<Item = Demotion> + use<> {
        self.election.own_demotions()
    }

    /// Why it would not take the addresses if it were told to ([`Event::Take`]).
    #[must_use]
    pub fn untaken(&self, now: Time) -> Option<Untaken> {
        self.election.untaken(now)
    }

    /// The role alone.
    #[must_use]
    pub fn role(&self) -> Role {
        self.election.role()
    }

    /// What it was made from.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Why an advertisement for us that was refused as [`BadAuth`](super::Rejected::BadAuth) does not authenticate, if one of the
    /// likely reasons explains it. Dear: not for every frame.
    #[must_use]
    pub fn explain(&self, decoded: &Decoded) -> Option<Cause> {
        let Parameters { key, vhid, addresses, .. } = &self.parameters;
        explain(key, *vhid, addresses, decoded)
    }

    /// Whether it would authenticate if we shared `extra` as well.
    #[must_use]
    pub fn shares_also(&self, decoded: &Decoded, extra: IpAddr) -> bool {
        let Parameters { key, vhid, addresses, .. } = &self.parameters;
        shares_also(key, *vhid, addresses, extra, decoded)
    }

    fn tick(&mut self, now: Time, out: &mut Vec<Action>) {
        // First: who shares one family alone may have waited for nothing until now.
        if !self.leaving {
            let over = self.forms.expire(now);
            self.form_changed(over, out);
        }
        let is_due = |election: &Election| election.deadline().is_some_and(|deadline| deadline <= now);
        self.undecided = is_due(&self.election);
        let ended = self.takeover.tick(now, out);
        self.hook_ended(ended, now, out);
        self.undecided = false;
        if is_due(&self.election) {
            self.elect(Fact::Tick, now, out);
            self.look_at_addresses(now, out);
        }
        self.bring_back(now);
        out.extend(self.rivalry.silent(now).map(Action::Tell));
        if let Some((again, left)) = self.farewell.filter(|(again, _)| *again <= now) {
            self.farewell = (left > 1).then(|| (again.max(now) + BOW_OUT_AGAIN, left - 1));
            self.transmit_adverts(Interval::BOW_OUT, now, out);
        }
        self.follow_up(now);
        self.speak_to_master(now, out);
        self.come_after(now, out);
        self.settle(now, out);
        self.announce(now, out);
    }

    fn sent(&mut self, what: Transmission, ok: bool, now: Time, out: &mut Vec<Action>) {
        let works = match what {
            Transmission::Advert | Transmission::BowOut => {
                self.counters.sent = self.counters.sent.saturating_add(u64::from(ok));
                &mut self.advert_works
            }
            Transmission::Announcement => {
                self.counters.announcements = self.counters.announcements.saturating_add(u64::from(ok));
                &mut self.announcement_works
            }
        };
        self.counters.send_failures = self.counters.send_failures.saturating_add(u64::from(!ok));
        if works.replace(ok).unwrap_or(true) != ok {
            out.push(Action::Tell(Notice::Sending { what, ok }));
        }
        if what == Transmission::Advert {
            self.elect(Fact::AdvertSent { ok }, now, out);
        }
    }

    /// Lets the election decide and carries its decisions out, then whatever follows from them.
    fn elect(&mut self, fact: Fact<'_>, now: Time, out: &mut Vec<Action>) {
        // Peers wait for frames, people for sentences: what goes on the wire goes first.
        let mut tells = Vec::new();
        for decision in self.election.handle(fact, now) {
            match decision {
                Decision::Become { from, to, reason, peer, silent } => {
                    self.counters.transitions = self.counters.transitions.saturating_add(1);
                    self.leave(from, now, &mut tells);
                    self.enter(to, reason, now);
                    let refused = Some(reason)
                        .filter(|reason| *reason == Reason::MasterTimedOut)
                        .and_then(|_| self.refused.instead_of(peer, now));
                    let (reason, peer, silent) = match refused {
                        Some(peer) => (Reason::MasterRefused, Some(peer), None),
                        None => (reason, peer, silent),
                    };
                    self.reason = reason;
                    tells.push(Action::Tell(Notice::Transition { from, to, reason, peer, silent }));
                }
                Decision::Advertise { scheduled } => {
                    self.transmit_adverts(self.election.interval(), now, out);
                    if scheduled {
                        self.announcer.advertised(now);
                    }
                }
                Decision::BowOut => {
                    self.transmit_adverts(Interval::BOW_OUT, now, out);
                    self.farewell = Some((now + BOW_OUT_AGAIN, BOW_OUT_REPEATS));
                }
                Decision::GiveWay { to } => {
                    let audience = Audience::One { peer: &to, gives_way: true, says: None };
                    self.transmit_to(audience, self.election.interval(), now, out);
                }
                Decision::Announce => {
                    self.announcer.conflict_won(self.election.interval().period(), now);
                }
                Decision::Hush => self.announcer.hush(),
                Decision::Speak => self.announcer.speak(now),
                Decision::Tell(notice) => tells.push(Action::Tell(notice)),
            }
        }
        self.keep(now, out);
        self.follow_up(now);
        tells.extend(self.refused.tell(self.election.role(), now).map(Action::Tell));
        out.append(&mut tells);
        self.settle(now, out);
        self.announce(now, out);
    }

    fn leave(&mut self, from: Role, now: Time, out: &mut Vec<Action>) {
        match from {
            Role::Master => {
                let alone = self.rivalry.ended(now);
                out.extend(alone.map(Action::Tell));
                self.announcer.end();
                self.watch.end();
                self.keeping.want(Shift::Withdraw, now);
                self.takeover.want(Hook::Down, now, now);
            }
            Role::Init | Role::Backup => {}
        }
    }

    fn enter(&mut self, to: Role, reason: Reason, now: Time) {
        match to {
            Role::Master => {
                self.farewell = None;
                self.announcer.begin();
                self.keeping.want(Shift::Assign, now);
                let wait = if reason == Reason::MasterTimedOut { SECOND_THOUGHT } else { Duration::ZERO };
                self.takeover.want(Hook::Up, now + wait, now);
            }
            Role::Init | Role::Backup => {}
        }
    }

    fn settle(&mut self, now: Time, out: &mut Vec<Action>) {
        self.keep(now, out);
        if self.hooks_wait() {
            return;
        }
        match self.takeover.settle(now, out) {
            // The hook brings nothing that would be waited for.
            Some(Begun::Running(Hook::Up) | Begun::NotGiven(Hook::Up)) if self.keeping.manages() => {}
            Some(Begun::Running(Hook::Up)) => self.announcer.hook_started(now),
            Some(Begun::NotGiven(Hook::Up)) => {
                self.announcer.addresses_ready(now);
                self.look_at_addresses(now, out);
            }
            Some(Begun::Running(Hook::Down) | Begun::NotGiven(Hook::Down)) | None => {}
        }
    }

    fn hook_ended(&mut self, ended: Option<Ended>, now: Time, out: &mut Vec<Action>) {
        let Some(ended) = ended else { return };
        if ended.hook == Hook::Up && ended.counts && self.keeping.manages() {
            let success = ended.success && self.keeping.has_done(Shift::Assign);
            self.elect(Fact::UpHook { success }, now, out);
        } else if ended.hook == Hook::Up && ended.counts {
            self.look_at_addresses(now, out);
            if self.election.role() == Role::Master && !self.watch.missing() {
                self.announcer.addresses_ready(now);
            }
            self.elect(Fact::UpHook { success: ended.success }, now, out);
        } else {
            self.settle(now, out);
            self.announce(now, out);
        }
    }

    /// Whether the addresses should be here and anybody could use them.
    fn holds_addresses(&self) -> bool {
        self.takeover.did_up() && self.election.speaks()
    }

    fn look_at_addresses(&mut self, now: Time, out: &mut Vec<Action>) {
        if self.keeping.manages() {
            // In a turn that has advertised nobody steps aside: the next loss is as good.
            self.look_after_own(now, out);
            return;
        }
        if !self.takeover.did_up() {
            return;
        }
        match self.watch.look(self.election.speaks(), now) {
            Some(Change::Lost { cured }) => out.push(Action::Tell(Notice::AddressLost { cured })),
            Some(Change::Taken { cured }) => out.push(Action::Tell(Notice::AddressTaken { cured })),
            Some(Change::Pending) => out.push(Action::Tell(Notice::AddressPending)),
            // Who learnt of it before got no answer.
            Some(Change::Ready) => self.announcer.moved(now),
            Some(Change::Back) => {
                out.push(Action::Tell(Notice::AddressBack));
                self.announcer.moved(now);
            }
            None => {}
        }
        self.bring_back(now);
    }

    /// Has the up hook run once more if that is due for an address that is missing.
    fn bring_back(&mut self, now: Time) {
        if self.holds_addresses() && self.watch.cure(now) {
            self.takeover.again(now);
        }
    }
}

#[cfg(test)]
mod tests;
