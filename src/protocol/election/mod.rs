//! Who is master: the rules of the register (see the module above), as one match per state.
//!
//! Facts go in, decisions come out; which bytes, hooks and announcements follow from a decision is
//! [`VirtualHost`](super::VirtualHost)'s business. Deadlines live inside the state that needs them, so leaving a
//! state forgets them. Only authenticated advertisements can be handed in. What a link failure or a late wake
//! means is decided here too, because it is a question of who may be master meanwhile. What an advertisement
//! means is in `heard.rs`.

use std::time::Duration;

use super::damping::Damping;
use super::demotion::{Change, Demotions};
use super::peers::{PeerId, Peers};
use super::{
    Advertisement, Fitness, Interval, Link, MacAddr, Notice, Parameters, Peer, Reason, Role, Sources, Time,
};

mod failing;
mod fit;
mod heard;
mod link;
mod preemption;
mod resumption;
mod succession;
mod taking;
#[cfg(test)]
mod tests;
mod tuning;

use preemption::Preemption;
pub(super) use tuning::Tuning;

/// How long a port may look for its speed after an up hook that set the interface down and up again.
const CARRIER_RETURNS: Duration = Duration::from_secs(5);
/// After stepping aside on request there is no candidacy for this long (register, row 14).
const RESIGNED: Duration = Duration::from_secs(3);

/// A fact that matters to the election.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fact<'a> {
    Start,
    /// It goes on with this role after nothing was sent for so long.
    Resume {
        role: Role,
        silent: Duration,
    },
    Tick,
    Late(Duration),
    Lost,
    Link(Link),
    /// The interface was set down while our up hook runs, which ends by then.
    LinkTaken {
        until: Time,
    },
    Deaf(bool),
    Heard(&'a Advertisement),
    AdvertSent {
        ok: bool,
    },
    UpHook {
        success: bool,
    },
    /// What others than we know of how fit we are.
    Fitness(Fitness),
    /// Somebody takes a managed address away again and again.
    Unholdable,
    /// What it goes by is this from now on.
    Tuned(Tuning),
    Resign {
        force: bool,
    },
    Take,
    /// The last one.
    Leave {
        withdraw: bool,
        reason: Reason,
    },
}

/// What the election concluded, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Decision {
    /// The role changed.
    Become { from: Role, to: Role, reason: Reason, peer: Option<Peer>, silent: Option<Duration> },
    /// Advertise in every family, now.
    Advertise { scheduled: bool },
    /// Tell everybody that we leave.
    BowOut,
    /// Show ourselves to the one we give way to, and to nobody else: it may never have heard of us, as after a
    /// partition, and then has to announce the address again.
    GiveWay { to: Peer },
    /// Another master was heard and we stay: neighbours have to be told where the address is.
    Announce,
    /// The link of a master failed: nothing can be announced.
    Hush,
    /// It is back: announce again.
    Speak,
    /// Tell the operator.
    Tell(Notice),
}

/// The state and its deadlines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Init,
    Backup { master_down: Time, listened: bool },
    Master { next_advert: Time, grace_ends: Option<Time> },
}

/// A master whose advertisements did not leave for its dead time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Unsent {
    /// They still do not.
    Still,
    /// They do since then. For one interval a successor may show itself.
    Until(Time),
}

/// The machine.
#[derive(Debug)]
pub(super) struct Election {
    tuning: Tuning,
    sources: Sources,
    mac: MacAddr,

    state: State,
    since: Time,
    reason: Reason,
    started: bool,
    link: Link,
    /// Nothing can be heard: silence is no sign of death.
    deaf: bool,
    /// The operator knows that we stand back.
    told_that_we_stand_back: bool,
    peers: Peers,
    followed: Option<PeerId>,
    hold_until: Option<Time>,
    /// After a failed up hook: until then only silence makes us master again.
    reluctant_until: Option<Time>,
    /// Why we would have taken over already, had there been no hold.
    postponed: Option<Reason>,
    prompted: Option<Time>,
    overslept: bool,
    /// The link is back after so long that a successor is listened for before we speak.
    listening: bool,
    /// When an advertisement last left, or we became master.
    sent: Time,
    unsent: Option<Unsent>,
    /// When frames that were for us were last found to be lost.
    lost: Option<Time>,
    damping: Damping,
    old_ucarp_heard: Option<Time>,
    returning: heard::Returning,
    /// When it was last told that a family is not heard.
    family_missed: Option<Time>,
    demotions: Demotions,
    preemption: Preemption,
    /// When the link came up, and whether anybody was heard since, or heard us.
    link_up: Time,
    met: bool,
}

impl Election {
    pub(super) fn new(parameters: &Parameters, dual_stack: bool) -> Self {
        Self {
            tuning: Tuning::of(parameters, dual_stack),
            sources: parameters.sources,
            mac: parameters.mac,
            state: State::Init,
            since: Time::ZERO,
            reason: Reason::Started,
            started: false,
            link: Link::Down,
            deaf: false,
            told_that_we_stand_back: false,
            peers: Peers::new(&parameters.addresses),
            followed: None,
            hold_until: None,
            reluctant_until: None,
            postponed: None,
            prompted: None,
            overslept: false,
            listening: false,
            sent: Time::ZERO,
            unsent: None,
            lost: None,
            damping: Damping::default(),
            old_ucarp_heard: None,
            returning: heard::Returning::default(),
            family_missed: None,
            demotions: Demotions::default(),
            preemption: Preemption::default(),
            link_up: Time::ZERO,
            met: false,
        }
    }

    pub(super) fn relocate(&mut self, mac: MacAddr, sources: Sources) {
        self.mac = mac;
        self.sources = sources;
        self.told_that_we_stand_back &= self.stands_back();
    }

    pub(super) fn role(&self) -> Role {
        match self.state {
            State::Init => Role::Init,
            State::Backup { .. } => Role::Backup,
            State::Master { .. } => Role::Master,
        }
    }

    /// A master whose link carries frames, and which is not listening for a successor.
    pub(super) fn speaks(&self) -> bool {
        matches!(self.state, State::Master { grace_ends: None, .. }) && !self.listening
    }

    pub(super) fn since(&self) -> Time {
        self.since
    }

    pub(super) fn followed(&self) -> Option<Peer> {
        self.followed.and_then(|id| self.peers.get(id)).map(super::peers::Known::peer)
    }

    pub(super) fn master_down(&self) -> Option<Time> {
        match self.state {
            State::Backup { master_down, .. } => Some(master_down),
            State::Init | State::Master { .. } => None,
        }
    }

    pub(super) fn lasts_until(&self, now: Time) -> Option<Time> {
        self.damping.lasts_until(now)
    }

    /// None in Init, and in a backup that waits for no time: it is deaf, or stands back.
    pub(super) fn deadline(&self) -> Option<Time> {
        match self.state {
            State::Init => None,
            State::Backup { master_down, .. } => {
                let silence = self.counts_silence().then_some(master_down);
                [silence, self.demotions.deadline(), self.damping.deadline()].into_iter().flatten().min()
            }
            State::Master { next_advert, grace_ends } => {
                let next = grace_ends.unwrap_or(next_advert);
                Some(self.damping.deadline().map_or(next, |calm| calm.min(next)))
            }
        }
    }

    pub(super) fn handle(&mut self, fact: Fact<'_>, now: Time) -> Vec<Decision> {
        let mut out = Vec::new();
        let (before, was_demoted) = (self.role(), self.demoted());
        match self.state {
            State::Init => self.in_init(fact, now, &mut out),
            State::Backup { master_down, listened } => {
                self.in_backup(fact, master_down, listened, now, &mut out);
            }
            State::Master { next_advert, grace_ends } => {
                self.in_master(fact, next_advert, grace_ends, now, &mut out);
            }
        }
        let role = self.role();
        if role != before && self.damping.changed(role, now) {
            out.push(Decision::Tell(Notice::Damped));
        }
        if was_demoted && !self.demoted() {
            self.preemption.is_well(now);
        }
        if before == Role::Master && role != Role::Master && self.reason.is_a_loss() {
            self.preemption.lost(now);
        }
        out
    }

    fn in_init(&mut self, fact: Fact<'_>, now: Time, out: &mut Vec<Decision>) {
        match fact {
            Fact::Start => {
                self.started = true;
                self.since = now;
                if self.link == Link::Up {
                    self.leave_init(Reason::Started, now, out);
                }
            }
            Fact::Link(link) => {
                self.link = link;
                if self.started && link == Link::Up {
                    self.leave_init(Reason::LinkUp, now, out);
                }
            }
            Fact::Resume { role, silent } => self.resume(role, silent, now, out),
            Fact::LinkTaken { .. } => self.link = Link::Disabled,
            Fact::UpHook { success } => self.up_hook_ended(success, out),
            Fact::Deaf(deaf) => self.deaf = deaf,
            Fact::Fitness(fitness) => self.demotions.told(fitness),
            Fact::Tuned(tuning) => self.tuning = tuning,
            Fact::Resign { .. } => out.push(Decision::Tell(Notice::ResignRefused { role: Role::Init })),
            Fact::Leave { .. } => self.started = false,
            Fact::Tick
            | Fact::Late(_)
            | Fact::Lost
            | Fact::Heard(_)
            | Fact::AdvertSent { .. }
            | Fact::Take
            | Fact::Unholdable => {}
        }
    }

    fn in_backup(
        &mut self,
        fact: Fact<'_>,
        master_down: Time,
        listened: bool,
        now: Time,
        out: &mut Vec<Decision>,
    ) {
        match fact {
            Fact::Tick => {
                tell(self.demotions.expire(now), out);
                self.calm_down(now, out);
                if now >= master_down && self.counts_silence() {
                    self.master_is_silent(listened, now, out);
                }
            }
            Fact::Lost => self.lost = Some(now),
            Fact::Late(by) => {
                // What was sent while we were away may be lost (a suspended machine captures nothing), so a
                // master is given one more interval to be heard before its silence counts. Once: a host that is
                // always late must still take over.
                let interval = self.followed().map_or(self.tuning.interval, |peer| peer.interval);
                if !listened && by >= interval.period() / 4 {
                    let master_down = master_down.max(now + patience(interval));
                    self.state = State::Backup { master_down, listened: true };
                    out.push(Decision::Tell(Notice::Late { by, role: Role::Backup }));
                }
            }
            Fact::Link(link) => {
                self.link = link;
                match link {
                    Link::Up => {}
                    Link::Down | Link::Disabled => self.enter_init(Reason::LinkDown, now, out),
                    Link::Gone => self.enter_init(Reason::LinkGone, now, out),
                }
            }
            Fact::LinkTaken { .. } => {
                self.link = Link::Disabled;
                self.enter_init(Reason::LinkDown, now, out);
            }
            Fact::Deaf(deaf) => {
                if std::mem::replace(&mut self.deaf, deaf) && !deaf {
                    // As after the start: who is master now has not been heard yet.
                    let interval = self.followed().map(|peer| peer.interval);
                    let master_down = master_down.max(now + self.dead_after(interval));
                    self.state = State::Backup { master_down, listened };
                }
            }
            Fact::Heard(ad) => self.heard_in_backup(ad, now, out),
            Fact::UpHook { success } => self.up_hook_ended(success, out),
            Fact::Fitness(fitness) => self.fitness_of_backup(fitness, (master_down, listened), now),
            Fact::Tuned(tuning) => self.tune_backup(tuning, master_down, listened, now),
            Fact::Resign { .. } => out.push(Decision::Tell(Notice::ResignRefused { role: Role::Backup })),
            Fact::Take => self.take(now, out),
            Fact::Leave { reason, .. } => self.leave(reason, now, out),
            Fact::Start | Fact::Resume { .. } | Fact::AdvertSent { .. } | Fact::Unholdable => {}
        }
    }

    fn in_master(
        &mut self,
        fact: Fact<'_>,
        next_advert: Time,
        grace_ends: Option<Time>,
        now: Time,
        out: &mut Vec<Decision>,
    ) {
        match fact {
            Fact::Tick => {
                self.overslept = false;
                self.calm_down(now, out);
                if matches!(self.unsent, Some(Unsent::Until(until)) if until <= now) {
                    self.unsent = None;
                    out.push(Decision::Speak);
                }
                if let Some(ends) = grace_ends {
                    if now >= ends {
                        self.enter_init(Reason::LinkDown, now, out);
                    }
                } else if now >= next_advert {
                    self.end_listening(out);
                    out.push(Decision::Advertise { scheduled: true });
                    let next_advert = after(next_advert, self.interval().period(), now);
                    self.state = State::Master { next_advert, grace_ends };
                }
            }
            Fact::Late(by) => {
                // Others counted from our last advertisement, not from the one we missed.
                if self.silent_since(next_advert, now) >= self.dead_after(None) {
                    self.overslept = true;
                    out.push(Decision::Tell(Notice::Late { by, role: Role::Master }));
                }
            }
            Fact::Link(link) => self.link_of_master(link, next_advert, grace_ends, now, out),
            Fact::LinkTaken { until } => {
                self.link = Link::Disabled;
                if grace_ends.is_none() {
                    out.push(Decision::Tell(Notice::LinkTakenByHook));
                    out.push(Decision::Hush);
                }
                self.state = State::Master { next_advert, grace_ends: Some(until + CARRIER_RETURNS) };
            }
            Fact::Deaf(deaf) => self.deaf = deaf,
            Fact::Heard(ad) => self.heard_in_master(ad, grace_ends.is_none(), now, out),
            Fact::AdvertSent { ok } => {
                if grace_ends.is_none() {
                    tell(self.demotions.sent(ok), out);
                    self.advert_sent(ok, now, out);
                }
            }
            Fact::UpHook { success } => {
                self.up_hook_of_master(success, (next_advert, grace_ends), now, out);
            }
            Fact::Unholdable => self.leave_it_to_others(Reason::AddressTaken, grace_ends, now, out),
            Fact::Fitness(fitness) => self.fitness_of_master(fitness, grace_ends, now, out),
            Fact::Tuned(tuning) => self.tune_master(tuning, grace_ends, now, out),
            Fact::Resign { force } if !force && self.would_be_back() => {
                out.push(Decision::Tell(Notice::ResignRefused { role: Role::Master }));
            }
            Fact::Resign { .. } => {
                self.hold_until = Some(self.hold_until.unwrap_or_default().max(now + RESIGNED));
                self.step_aside(Reason::Resigned, grace_ends, now, out);
            }
            Fact::Leave { withdraw, reason } => {
                if withdraw && grace_ends.is_none() {
                    out.push(Decision::BowOut);
                }
                self.leave(reason, now, out);
            }
            Fact::Start | Fact::Resume { .. } | Fact::Lost | Fact::Take => {}
        }
    }

    /// Others count from our last advertisement that left.
    fn advert_sent(&mut self, ok: bool, now: Time, out: &mut Vec<Decision>) {
        if ok {
            self.sent = now;
            if self.unsent == Some(Unsent::Still) {
                self.unsent = Some(Unsent::Until(now + self.interval().period()));
            }
            return;
        }
        let lasted = now.since(self.sent);
        if lasted >= self.dead_after(None) {
            if self.unsent.is_none() {
                out.push(Decision::Tell(Notice::Unsent { lasted }));
            }
            self.unsent = Some(Unsent::Still);
        }
    }

    fn calm_down(&mut self, now: Time, out: &mut Vec<Decision>) {
        if self.damping.expire(now) {
            out.push(Decision::Tell(Notice::Calm { role: self.role() }));
        }
    }

    /// Waits for `id` to fall silent.
    fn follow(&mut self, id: PeerId, master_down: Time) {
        self.followed = Some(id);
        self.postponed = None;
        self.state = State::Backup { master_down, listened: false };
    }

    fn yield_to(&mut self, id: PeerId, reason: Reason, now: Time, out: &mut Vec<Decision>) {
        self.followed = Some(id);
        let peer = self.followed();
        self.enter_backup(reason, peer, now, out);
    }

    fn step_aside(&mut self, reason: Reason, grace_ends: Option<Time>, now: Time, out: &mut Vec<Decision>) {
        if grace_ends.is_some() {
            self.enter_init(reason, now, out);
            return;
        }
        out.push(Decision::BowOut);
        self.followed = None;
        self.enter_backup(reason, None, now, out);
    }

    fn leave_init(&mut self, reason: Reason, now: Time, out: &mut Vec<Decision>) {
        tell(self.demotions.link_up(), out);
        self.peers.clear();
        self.told_that_we_stand_back = false;
        self.followed = None;
        (self.link_up, self.met) = (now, false);
        self.preemption.is_well(now);
        self.enter_backup(reason, None, now, out);
        self.hold(now);
    }

    fn enter_backup(&mut self, reason: Reason, peer: Option<Peer>, now: Time, out: &mut Vec<Decision>) {
        self.demotions.entered_backup(now);
        self.overslept = false;
        out.push(self.become_role(Role::Backup, reason, peer, None, now));
        let master_down = now + self.dead_after(peer.map(|peer| peer.interval));
        self.postponed = None;
        self.state = State::Backup {
            master_down: self.hold_until.map_or(master_down, |until| until.max(master_down)),
            listened: false,
        };
    }

    fn enter_init(&mut self, reason: Reason, now: Time, out: &mut Vec<Decision>) {
        self.demotions.left_backup();
        out.push(self.become_role(Role::Init, reason, None, None, now));
        self.state = State::Init;
    }

    fn leave(&mut self, reason: Reason, now: Time, out: &mut Vec<Decision>) {
        self.started = false;
        self.enter_init(reason, now, out);
    }

    /// How long others have heard nothing of a master whose next advertisement is, or was, due then.
    fn silent_since(&self, next_advert: Time, now: Time) -> Duration {
        now.since(next_advert) + self.interval().period()
    }

    /// No successor was heard, or it is one that has to give way.
    fn end_listening(&mut self, out: &mut Vec<Decision>) {
        if std::mem::take(&mut self.listening) {
            out.push(Decision::Tell(Notice::Resumed));
            out.push(Decision::Speak);
        }
    }

    fn become_role(
        &mut self,
        to: Role,
        reason: Reason,
        peer: Option<Peer>,
        silent: Option<Duration>,
        now: Time,
    ) -> Decision {
        let from = self.role();
        self.since = now;
        self.reason = reason;
        Decision::Become { from, to, reason, peer, silent }
    }

    /// How long the master may be silent: ours by configuration, longer for a slow master (register, row 16). A bow-out is no
    /// interval.
    pub(super) fn dead_after(&self, followed: Option<Interval>) -> Duration {
        let own = self.tuning.interval.dead_after(self.tuning.dead_ratio);
        let followed = followed.filter(|interval| *interval != Interval::BOW_OUT);
        followed.map_or(own, |interval| own.max(patience(interval)))
    }
}

/// One interval of a peer with a quarter to spare.
pub(super) fn patience(interval: Interval) -> Duration {
    interval.period() * 5 / 4
}

/// The first moment of an absolute schedule that lies in the future: lateness never adds up, and what was
/// missed is not sent later.
fn after(due: Time, period: Duration, now: Time) -> Time {
    let next = due + period;
    if next > now {
        return next;
    }
    let missed = now.since(next).as_micros() / period.as_micros().max(1) + 1;
    next + u32::try_from(missed).map_or(now.since(next) + period, |missed| period * missed)
}

fn tell(change: Option<Change>, out: &mut Vec<Decision>) {
    out.extend(change.map(|change| {
        Decision::Tell(match change {
            Change::Began(reason) => Notice::Demoted { reason },
            Change::Ended(reason) => Notice::Restored { reason },
        })
    }));
}
