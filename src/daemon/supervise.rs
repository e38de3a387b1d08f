//! What the hands do about the engine: when it is dead, when it is started anew, and when it is given up.
//!
//! A machine that is told facts and answers with deeds: no clock, no process, no socket.
//!
//! # What an operator may rely on
//!
//! A master whose engine dies still has the address and is silent. So there is little time: until its dead time is over
//! nobody takes the address; after that two hosts have it. And an engine that dies of what it hears, which anybody on the
//! segment may send, dies again.
//!
//! - **Dead** is who has ended, who closed the channel, and who did not say for two thirds of the shortest dead time (1 to
//!   7 s) that he works: what hangs is killed. When the hands themselves wake late, because the machine was asleep or has
//!   too much to do, so does the engine: it gets as much more, a tenth of a second at least and half of that time at most.
//! - **It is started anew at once**, with the roles it had: no hook runs, nobody notices. That happens three times in a
//!   minute.
//! - **It is given up** at the fourth death in a minute, and when a new one has not said that it works before the dead
//!   time of the masters is over (1 to 10 s): each master bows out, managed addresses are taken off, and its down hook runs
//!   at once, as does that of each host whose up hook was the last that ran. That is the end of two masters.
//! - **After a rest it is tried again**, with no roles: 10 s, doubling to 10 minutes until an hour was peaceful. Ending
//!   instead would leave the address nowhere as soon as somebody sends the fatal packet to every host, on systems where
//!   nobody starts a service again.
//! - **Who has never worked** is no reason for that: four deaths before the first sign of life end the process, as does
//!   whatever the engine says with its last word.
//! - **A fault of the hands** themselves ends everything: bow-outs, down hooks, status 70.
//! - **The end that was asked for** is the engine's. If it dies over it, the hands withdraw (with `--shutdown` or `--manage-address`). A second
//!   signal abandons hooks: the engine has 5 s left then, and hooks of the hands none. Managed addresses go all the same.

use std::time::Duration;

use super::BUG;
use crate::platform::Signal;
use crate::protocol::{Hook, Role, Time};

const MOST_DEATHS: usize = 3;
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// The bounds of how long an engine may be silent.
const SILENCE: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(7)];
/// Hands that wake so late have been away, and the engine with them.
const AWAY: Duration = Duration::from_millis(20);
/// It gets so much at least to say that it works.
const AFTERWARDS: Duration = Duration::from_millis(100);
/// The bounds of how long one that is started anew may take.
const ANEW: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(10)];
/// It gets so much even where the dead time is over, because another master is recognized then.
const ANEW_AT_LEAST: Duration = Duration::from_millis(500);
/// How long the first one may take: nobody relies on it yet.
const FIRST: Duration = Duration::from_secs(60);
/// Until it is tried again to have a process.
const AGAIN: Duration = Duration::from_millis(100);
/// What is left to a hook after it was asked to end, and to an engine after the second signal.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an engine may take to end after its last word.
const LAST_WORD: Duration = Duration::from_secs(1);
const SHORTEST_REST: Duration = Duration::from_secs(10);
const LONGEST_REST: Duration = Duration::from_secs(600);

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Seen<'a> {
    /// The engine works, and these are the roles.
    Beat(&'a [Role]),
    /// The engine has said its last word.
    Finished(u8),
    /// It has ended, or nothing can be said to it or heard of it any more.
    Gone,
    /// It could not be started.
    NotStarted,
    /// The hands themselves have a fault.
    Fault,
    Signal(Signal),
    HookBegan(u16, Hook),
    /// It has ended, or could not be run.
    HookOver(u16),
    /// A deadline may have been reached.
    Tick,
}

/// What to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Deed {
    /// With these roles, after nothing has been sent for so long.
    StartEngine {
        roles: Vec<Role>,
        silent: Duration,
    },
    /// In the way that cannot be refused, if it lives, and let go of its channel.
    KillEngine,
    /// Tell the engine.
    PassOn(Signal),
    /// Send what was prepared for this host.
    BowOut(u16),
    /// Take the managed addresses of this host off.
    Withdraw(u16),
    /// [`Seen::HookBegan`] is told when it runs, and [`Seen::HookOver`] even where it cannot be run.
    RunDown(u16),
    KillHook {
        host: u16,
        force: bool,
    },
    Tell(Notice),
    /// End the process with this status.
    End(u8),
}

/// Something worth telling the operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Notice {
    /// It ended by itself; another one is started.
    Died,
    /// It was silent for so long; another one is started.
    Hung(Duration),
    /// It works again, after nothing was sent for so long.
    Back(Duration),
    /// It died too often.
    DiesAgain,
    /// A new one did not work in time, or could not be started.
    NotBack,
    /// It is tried again after this time.
    Rests(Duration),
}

/// What has to be known of a host.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// How long others wait for it.
    pub(super) dead_time: Duration,
    /// Its addresses are taken off by us.
    pub(super) manages: bool,
    pub(super) has_down: bool,
    /// What the end that is asked for means.
    pub(super) withdraws: bool,
    pub(super) hook_timeout: Duration,
}

/// What is remembered of a host.
#[derive(Clone, Copy, Debug)]
struct Host {
    plan: Plan,
    role: Role,
    running: Option<Hook>,
    /// The one that ran last or runs.
    last: Option<Hook>,
    /// The down hook is to run when the other one has ended.
    owed: bool,
    /// When the running hook has had its time, and what is done then.
    ends: Option<(Time, Ends)>,
}

/// How a hook that has had its time is ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ends {
    Politely,
    ByForce,
    /// What not even that ends waits for a disk, and is not waited for.
    Forgotten,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// There is a process that has not said anything yet.
    Starting {
        until: Time,
    },
    /// There is none, and it is tried again.
    Again {
        at: Time,
        until: Time,
    },
    /// It works, and is to say so until then.
    Serving {
        until: Time,
    },
    /// It has said its last word.
    Leaving {
        until: Time,
        status: u8,
    },
    /// Hooks run, and then comes this.
    Withdrawing {
        then: Then,
    },
    /// Nobody serves.
    Resting {
        until: Time,
    },
    Over,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Then {
    End(u8),
    Rest,
}

/// The machine.
#[derive(Debug)]
pub(super) struct Supervisor {
    hosts: Vec<Host>,
    silence: Duration,
    phase: Phase,
    /// An engine has worked.
    has_served: bool,
    /// When one last said so.
    beat: Time,
    /// The one that is starting is not the first.
    is_anew: bool,
    deaths: Vec<Time>,
    rest: Duration,
    /// How often the end was asked for.
    asked: u8,
    /// When the engine has had its time after the second one.
    abandons: Option<Time>,
}

impl Supervisor {
    /// The first engine is being started now.
    pub(super) fn new(plans: impl IntoIterator<Item = Plan>, now: Time) -> Self {
        let hosts: Vec<Host> = plans.into_iter().map(Host::new).collect();
        Self {
            silence: silence(&hosts),
            hosts,
            phase: Phase::Starting { until: now + FIRST },
            has_served: false,
            beat: now,
            is_anew: false,
            deaths: Vec::new(),
            rest: SHORTEST_REST,
            asked: 0,
            abandons: None,
        }
    }

    /// A host is served like this from now on: it is a new one, or has the role it had.
    pub(super) fn plan(&mut self, number: u16, plan: Plan) {
        let number = usize::from(number);
        match self.hosts.get_mut(number) {
            Some(host) => host.plan = plan,
            // Those in between come as well.
            None => self.hosts.resize(number + 1, Host::new(plan)),
        }
        self.silence = silence(&self.hosts);
    }

    /// Of this host nothing is left.
    pub(super) fn forget(&mut self, number: u16) {
        if let Some(host) = self.hosts.get_mut(usize::from(number)) {
            *host = Host::new(Plan::NOTHING);
            self.silence = silence(&self.hosts);
        }
    }

    /// How long an engine may be silent. It had better say that it works three times as often.
    pub(super) fn silence(&self) -> Duration {
        self.silence
    }

    /// Whether nothing is expected of any engine: hooks have their time, or everybody rests.
    pub(super) fn does_without_engine(&self) -> bool {
        matches!(self.phase, Phase::Withdrawing { .. } | Phase::Resting { .. })
    }

    /// When a [`Seen::Tick`] is due. What the engine has said until then is told before.
    pub(super) fn deadline(&self) -> Option<Time> {
        let own = match self.phase {
            Phase::Starting { until }
            | Phase::Serving { until }
            | Phase::Leaving { until, .. }
            | Phase::Resting { until } => Some(until),
            Phase::Again { at, .. } => Some(at),
            Phase::Withdrawing { .. } | Phase::Over => None,
        };
        let ends = self.hosts.iter().filter_map(|host| host.ends.map(|(at, _)| at));
        own.into_iter().chain(self.abandons).chain(ends).min()
    }

    /// Takes one fact in.
    pub(super) fn handle(&mut self, seen: Seen<'_>, now: Time) -> Vec<Deed> {
        let mut deeds = Vec::new();
        match seen {
            Seen::Beat(roles) => self.beat(roles, now, &mut deeds),
            Seen::Finished(status) => {
                if self.has_engine() {
                    self.phase = Phase::Leaving { until: now + LAST_WORD, status };
                }
            }
            Seen::Gone => self.gone(Notice::Died, now, &mut deeds),
            Seen::NotStarted => self.not_started(now, &mut deeds),
            Seen::Fault => self.fault(now, &mut deeds),
            Seen::Signal(signal) => self.signal(signal, now, &mut deeds),
            Seen::HookBegan(host, hook) => {
                if let Some(host) = self.hosts.get_mut(usize::from(host)) {
                    (host.running, host.last) = (Some(hook), Some(hook));
                }
            }
            Seen::HookOver(host) => self.hook_over(host, now, &mut deeds),
            Seen::Tick => self.tick(now, &mut deeds),
        }
        self.conclude(now, &mut deeds);
        deeds
    }

    fn has_engine(&self) -> bool {
        matches!(self.phase, Phase::Starting { .. } | Phase::Serving { .. })
    }

    fn beat(&mut self, roles: &[Role], now: Time, deeds: &mut Vec<Deed>) {
        if !self.has_engine() {
            return;
        }
        for (host, role) in self.hosts.iter_mut().zip(roles) {
            host.role = *role;
        }
        if std::mem::take(&mut self.is_anew) {
            deeds.push(Deed::Tell(Notice::Back(now.since(self.beat))));
        }
        if self.deaths.last().is_none_or(|last| now.since(*last) >= HOUR) {
            self.rest = SHORTEST_REST;
        }
        self.has_served = true;
        self.beat = now;
        self.phase = Phase::Serving { until: now + self.silence };
    }

    /// Until when others wait for the masters here.
    fn anew_until(&self, now: Time) -> Time {
        let masters = self.hosts.iter().filter(|host| host.role == Role::Master);
        let [least, most] = ANEW;
        match masters.map(|host| host.plan.dead_time).min() {
            Some(shortest) => (self.beat + shortest.clamp(least, most)).max(now + ANEW_AT_LEAST),
            None => now + most,
        }
    }

    fn gone(&mut self, notice: Notice, now: Time, deeds: &mut Vec<Deed>) {
        if let Phase::Leaving { status, .. } = self.phase {
            deeds.push(Deed::KillEngine);
            // What nobody asked for may have left an address behind.
            let is_served = self.asked == 0 && self.has_served;
            return if is_served {
                self.withdraw(|_| true, Then::End(status), now, deeds)
            } else {
                self.end(status, deeds)
            };
        }
        if !self.has_engine() {
            return;
        }
        deeds.push(Deed::KillEngine);
        self.deaths.retain(|death| now.since(*death) < MINUTE);
        self.deaths.push(now);
        let is_too_often = self.deaths.len() > MOST_DEATHS;
        if self.asked > 0 {
            self.withdraw(|plan| plan.withdraws, Then::End(BUG), now, deeds);
        } else if !self.has_served {
            deeds.push(Deed::Tell(if is_too_often { Notice::DiesAgain } else { notice }));
            if is_too_often {
                self.end(BUG, deeds);
            } else {
                self.start(now + FIRST, now, deeds);
            }
        } else if is_too_often {
            deeds.push(Deed::Tell(Notice::DiesAgain));
            self.withdraw(|_| true, Then::Rest, now, deeds);
        } else {
            deeds.push(Deed::Tell(notice));
            self.start(self.anew_until(now), now, deeds);
        }
    }

    fn start(&mut self, until: Time, now: Time, deeds: &mut Vec<Deed>) {
        let roles = self.hosts.iter().map(|host| host.role).collect();
        deeds.push(Deed::StartEngine { roles, silent: now.since(self.beat) });
        self.is_anew = self.has_served;
        self.phase = Phase::Starting { until };
    }

    fn not_started(&mut self, now: Time, deeds: &mut Vec<Deed>) {
        let Phase::Starting { until } = self.phase else { return };
        if now + AGAIN < until {
            self.phase = Phase::Again { at: now + AGAIN, until };
        } else {
            self.not_back(now, deeds);
        }
    }

    /// The new one does not work, and others have taken over.
    fn not_back(&mut self, now: Time, deeds: &mut Vec<Deed>) {
        deeds.extend([Deed::KillEngine, Deed::Tell(Notice::NotBack)]);
        if self.has_served {
            self.withdraw(|_| true, Then::Rest, now, deeds);
        } else {
            self.end(BUG, deeds);
        }
    }

    /// What can still be done is done, once: a fault on the way ends it.
    fn fault(&mut self, now: Time, deeds: &mut Vec<Deed>) {
        deeds.push(Deed::KillEngine);
        match self.phase {
            Phase::Withdrawing { .. } | Phase::Over => self.abandon(BUG, deeds),
            _ => self.withdraw(|_| true, Then::End(BUG), now, deeds),
        }
    }

    fn signal(&mut self, signal: Signal, now: Time, deeds: &mut Vec<Deed>) {
        match signal {
            Signal::Child => return,
            Signal::Terminate | Signal::Interrupt | Signal::Quit | Signal::HangUp => {
                self.asked = self.asked.saturating_add(1);
            }
            Signal::User1 | Signal::User2 => {
                match self.phase {
                    _ if self.has_engine() => deeds.push(Deed::PassOn(signal)),
                    // Whoever asks is to be told that there is nobody who could answer.
                    Phase::Resting { until } if signal == Signal::User1 => {
                        deeds.push(Deed::Tell(Notice::Rests(until.since(now))));
                    }
                    _ => {}
                }
                return;
            }
        }
        match self.phase {
            Phase::Starting { .. } | Phase::Serving { .. } | Phase::Leaving { .. } => {
                deeds.push(Deed::PassOn(signal));
                if self.asked > 1 {
                    self.abandons.get_or_insert(now + PATIENCE);
                }
            }
            Phase::Again { .. } => self.withdraw(|plan| plan.withdraws, Then::End(BUG), now, deeds),
            Phase::Withdrawing { then } => {
                let status = if let Then::End(status) = then { status } else { BUG };
                if self.asked > 1 {
                    self.abandon(status, deeds);
                } else {
                    self.phase = Phase::Withdrawing { then: Then::End(status) };
                }
            }
            Phase::Resting { .. } => self.end(0, deeds),
            Phase::Over => {}
        }
    }

    fn hook_over(&mut self, number: u16, now: Time, deeds: &mut Vec<Deed>) {
        let Some(host) = self.hosts.get_mut(usize::from(number)) else { return };
        (host.running, host.ends) = (None, None);
        if std::mem::take(&mut host.owed) {
            host.run_down(number, now, deeds);
        }
    }

    /// Nobody advertises from here any more: what these hosts have is given to others.
    fn withdraw(&mut self, whose: fn(&Plan) -> bool, then: Then, now: Time, deeds: &mut Vec<Deed>) {
        self.abandons = None;
        // Before any script: one may be about the same address.
        self.give_back(whose, deeds);
        for (host, number) in self.hosts.iter_mut().zip(0..=u16::MAX) {
            if !whose(&host.plan) {
                continue;
            }
            let has_address = host.role == Role::Master || host.last == Some(Hook::Up);
            host.role = Role::Init;
            match host.running {
                Some(Hook::Up) => {
                    deeds.push(Deed::KillHook { host: number, force: false });
                    host.owed = host.plan.has_down;
                    host.ends = Some((now + PATIENCE, Ends::ByForce));
                }
                Some(Hook::Down) => host.ends = Some((now + host.plan.hook_timeout, Ends::Politely)),
                None if has_address && host.plan.has_down => host.run_down(number, now, deeds),
                None => {}
            }
        }
        self.phase = Phase::Withdrawing { then };
    }

    /// What takes no time.
    fn give_back(&self, whose: fn(&Plan) -> bool, deeds: &mut Vec<Deed>) {
        let theirs = || self.hosts.iter().zip(0..=u16::MAX).filter(|(host, _)| whose(&host.plan));
        let masters = theirs().filter(|(host, _)| host.role == Role::Master);
        deeds.extend(masters.map(|(_, number)| Deed::BowOut(number)));
        let managed = theirs().filter(|(host, _)| host.plan.manages);
        deeds.extend(managed.map(|(_, number)| Deed::Withdraw(number)));
    }

    /// Ends what runs, and everything.
    fn abandon(&mut self, status: u8, deeds: &mut Vec<Deed>) {
        for (host, number) in self.hosts.iter().zip(0..=u16::MAX) {
            if host.running.is_some() {
                deeds.push(Deed::KillHook { host: number, force: true });
            }
        }
        self.end(status, deeds);
    }

    fn end(&mut self, status: u8, deeds: &mut Vec<Deed>) {
        deeds.push(Deed::End(status));
        self.abandons = None;
        self.hosts.iter_mut().for_each(|host| (host.owed, host.ends) = (false, None));
        self.phase = Phase::Over;
    }

    fn tick(&mut self, now: Time, deeds: &mut Vec<Deed>) {
        for (host, number) in self.hosts.iter_mut().zip(0..=u16::MAX) {
            let Some((_, ends)) = host.ends.filter(|(at, _)| *at <= now) else { continue };
            if ends == Ends::Forgotten {
                (host.running, host.owed, host.ends) = (None, false, None);
                continue;
            }
            let force = ends == Ends::ByForce;
            deeds.push(Deed::KillHook { host: number, force });
            host.ends = Some((now + PATIENCE, if force { Ends::Forgotten } else { Ends::ByForce }));
        }
        if self.abandons.is_some_and(|at| at <= now) {
            deeds.push(Deed::KillEngine);
            // No script is waited for any more, but what needs none does not stay behind.
            self.give_back(|plan| plan.manages, deeds);
            return self.abandon(BUG, deeds);
        }
        match self.phase {
            Phase::Starting { until } | Phase::Serving { until } if until <= now => {
                let away = now.since(until);
                if away >= AWAY {
                    let until = now + away.clamp(AFTERWARDS, self.silence / 2);
                    self.phase = match self.phase {
                        Phase::Serving { .. } => Phase::Serving { until },
                        _ => Phase::Starting { until },
                    };
                } else if self.is_anew && matches!(self.phase, Phase::Starting { .. }) {
                    self.not_back(now, deeds);
                } else {
                    self.gone(Notice::Hung(now.since(self.beat)), now, deeds);
                }
            }
            Phase::Leaving { until, .. } if until <= now => self.gone(Notice::Died, now, deeds),
            Phase::Again { until, .. } if until <= now => self.not_back(now, deeds),
            Phase::Again { at, until } if at <= now => self.start(until, now, deeds),
            Phase::Resting { until } if until <= now => self.start(self.anew_until(now), now, deeds),
            Phase::Starting { .. }
            | Phase::Serving { .. }
            | Phase::Leaving { .. }
            | Phase::Again { .. }
            | Phase::Withdrawing { .. }
            | Phase::Resting { .. }
            | Phase::Over => {}
        }
    }

    /// What comes after the last hook.
    fn conclude(&mut self, now: Time, deeds: &mut Vec<Deed>) {
        let Phase::Withdrawing { then } = self.phase else { return };
        if self.hosts.iter().any(|host| host.running.is_some()) {
            return;
        }
        match then {
            Then::End(status) => self.end(status, deeds),
            Then::Rest => {
                deeds.push(Deed::Tell(Notice::Rests(self.rest)));
                self.phase = Phase::Resting { until: now + self.rest };
                self.rest = (self.rest * 2).min(LONGEST_REST);
            }
        }
    }
}

/// How long an engine that serves these may be silent.
fn silence(hosts: &[Host]) -> Duration {
    let shortest = hosts.iter().map(|host| host.plan.dead_time).min().unwrap_or(Duration::MAX);
    let [least, most] = SILENCE;
    (shortest / 3).saturating_mul(2).clamp(least, most)
}

impl Plan {
    /// For a number that is nobody's.
    const NOTHING: Self = Self {
        dead_time: Duration::MAX,
        manages: false,
        has_down: false,
        withdraws: false,
        hook_timeout: Duration::ZERO,
    };
}

impl Host {
    fn new(plan: Plan) -> Self {
        Self { plan, role: Role::Init, running: None, last: None, owed: false, ends: None }
    }

    /// It counts as running from here on: that it began, or was refused, comes later.
    fn run_down(&mut self, number: u16, now: Time, deeds: &mut Vec<Deed>) {
        deeds.push(Deed::RunDown(number));
        self.running = Some(Hook::Down);
        self.ends = Some((now + self.plan.hook_timeout, Ends::Politely));
    }
}

pub(super) mod succession;
#[cfg(test)]
mod tests;
