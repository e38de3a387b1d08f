//! The hands: the main process, which keeps its rights and hears nothing from the network.
//!
//! It starts the engine, does for it what `rules` allow, and goes on without it as `supervise` says. Signals, the pidfile,
//! the claims, scripts and the log are its own. It never waits: neither for the engine, nor for a script, nor for a
//! terminal.

mod last_resort;
mod looking;
mod notifying;
mod ordering;
mod reaping;
mod rereading;
mod showing;
mod starting;
mod undoing;
mod upgrading;

use std::collections::{HashSet, VecDeque};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

use super::addresses::{self, Shifted};
use super::by_hand::DemandFiles;
use super::capture::Looks;
use super::children::Children;
use super::clock::now;
use super::connected;
use super::control::Control;
use super::devices::{self, Parts};
use super::engine::Left;
use super::engine_user::EngineUser;
use super::failure::{Doing, StartError, words};
use super::handover::Life;
use super::ledger::Ledger;
use super::notify::Notifier;
use super::overheard::Overheard;
use super::pending::Archive;
use super::previous::Previous;
use super::reload::{Reading, reader};
use super::report::{About, Report, resting, summary};
use super::request::{Asked, Beat, Fact, Request, Unbegun, decode, encode};
use super::roster::{Entry, Roster};
use super::rules::{Act, Circumstances, Rules};
use super::supervise::{Deed, Notice, Seen, Supervisor};
use super::survey::{self, Surveyor};
use super::tally::Tally;
use super::{panics, place, placing};
use upgrading::{Succeeded, Upgrade};

pub(super) use upgrading::{Before, TRIAL, VARIABLE, WILLING};

use crate::platform::{self, Channel, Claims, Heir, MOST_DESCRIPTORS, PidFile, Readiness, Signal, Signals};
use crate::protocol::{Role, Shift, Time};
use crate::sorting::sort_by;
use rereading::Wanted;

/// How many requests are taken in at a time.
const MOST_REQUESTS: usize = 256;
/// How soon is looked again whether an engine that did not read does.
const SOON: Duration = Duration::from_millis(10);

/// What the hands have when they begin.
pub(super) struct Belongings {
    pub(super) roster: Roster,
    pub(super) claims: Claims,
    /// How the process was started.
    pub(super) life: Life,
    pub(super) user: EngineUser,
    pub(super) signals: Signals,
    pub(super) report: Report,
    pub(super) overheard: Overheard,
    pub(super) notifier: Notifier,
    /// Somebody waits to hear that the engine works.
    pub(super) readiness: Option<Readiness>,
    pub(super) pidfile: Option<PidFile>,
    /// What is to be known after a restart.
    pub(super) archive: Option<Archive>,
    pub(super) ledger: Option<Ledger>,
    /// By which it is steered.
    pub(super) control: Control,
    pub(super) demands: DemandFiles,
    /// The configuration to go back to.
    pub(super) previous: Previous,
    /// What the operator is told to mind in the configuration.
    pub(super) warned: HashSet<String>,
    /// They go on where those of another program were.
    pub(super) before: Option<Before>,
}

/// How a life of the hands ended.
pub(super) struct Over {
    pub(super) status: u8,
    /// Why it could not start.
    pub(super) why: Option<StartError>,
    /// The signal that asked for it first.
    pub(super) by: Option<Signal>,
    pub(super) report: Report,
    /// What writes the last lines looks at whether it is there.
    pub(super) _overheard: Overheard,
    /// To be given back last.
    pub(super) pidfile: Option<PidFile>,
}

struct Hands {
    claims: Claims,
    /// Who may be left behind with them.
    heir: Heir,
    life: Life,
    archive: Option<Archive>,
    ledger: Option<Ledger>,
    control: Control,
    tally: Tally,
    demands: DemandFiles,
    previous: Previous,
    reading: Reading,
    /// What is to become of what is read.
    wanted: Wanted,
    /// What was read last was not taken over.
    refused: bool,
    /// What the operator was told to mind in the configuration.
    warned: HashSet<String>,
    upgrade: Option<Upgrade>,
    succeeded: Option<Succeeded>,
    user: EngineUser,
    signals: Option<Signals>,
    report: Report,
    overheard: Overheard,
    notifier: Notifier,
    readiness: Option<Readiness>,
    pidfile: Option<PidFile>,
    rules: Rules,
    supervisor: Supervisor,
    children: Children,
    engine: Option<Engine>,
    /// Processes that were engines and have not been waited for.
    dying: Vec<u32>,
    /// By how many milliseconds it is later among the hosts of a segment than here.
    ahead: Vec<u32>,
    asked_by: Option<Signal>,
    why: Option<StartError>,
    over: Option<u8>,
}

struct Engine {
    pid: u32,
    channel: Channel,
    /// What changed, as far as it has not been told yet.
    untold: VecDeque<Fact>,
}

impl Engine {
    /// Tells it what changed as fast as it reads, and whatever else it did not read before.
    fn tell_changes(&mut self) {
        let _ = self.channel.flush();
        while !self.channel.is_behind() {
            let Some(fact) = self.untold.pop_front() else { return };
            let _ = self.channel.send(&encode(&fact), Vec::new());
        }
    }
}

/// Serves until everything is over.
///
/// # Errors
/// No engine can be started at all, or not even sleeping works.
pub(super) fn run(belongings: Belongings) -> Result<Over, StartError> {
    let Belongings {
        roster,
        claims,
        life,
        user,
        signals,
        report,
        overheard,
        notifier,
        readiness,
        pidfile,
        archive,
        ledger,
        control,
        demands,
        previous,
        warned,
        before,
    } = belongings;
    let mut hands = Hands {
        supervisor: Supervisor::new(roster.entries().iter().map(Entry::plan), now()),
        ahead: vec![0; roster.len()],
        rules: Rules::of(roster),
        claims,
        heir: Heir::unnamed(life.config.lockdir.as_deref()),
        archive,
        ledger,
        control,
        tally: Tally::default(),
        demands,
        previous,
        reading: Reading::new(reader(&life.config)),
        life,
        wanted: Wanted::default(),
        refused: false,
        warned,
        upgrade: None,
        succeeded: None,
        children: Children::default(),
        engine: None,
        dying: Vec::new(),
        asked_by: None,
        why: None,
        over: None,
        user,
        signals: Some(signals),
        report,
        overheard,
        notifier,
        readiness,
        pidfile,
    };
    hands.report.log().keep_seen();
    hands.tally.reloaded(true);
    hands.recall_demands(now());
    match before {
        Some(before) => hands.succeed(before),
        None => {
            hands.start_engine(None).map_err(|error| StartError::new(Doing::StartEngine, "", error))?;
        }
    }
    // It has them, too.
    hands.report.log().drop_lines();
    let mut ready = Vec::new();
    panics::keep();
    while hands.over.is_none() {
        let turn = panic::catch_unwind(AssertUnwindSafe(|| hands.turn(&mut ready)));
        turn.unwrap_or_else(|_| {
            hands.report.bug(&panics::said());
            hands.see(Seen::Fault, now());
            Ok(())
        })?;
    }
    panics::let_go();
    hands.let_heralds_end();
    Ok(hands.end())
}

impl Hands {
    /// One wait, then everything that is ready: what the engine said comes before what may be thought of its silence.
    fn turn(&mut self, ready: &mut Vec<bool>) -> Result<(), StartError> {
        self.overheard.ask_for_room(self.report.log());
        let asleep = now();
        let behind = self.engine.as_ref().filter(|engine| engine.channel.is_behind()).map(|_| asleep + SOON);
        let own = [self.supervisor.deadline(), self.overheard.deadline(), self.reading.deadline(), behind];
        let timeout = own
            .into_iter()
            .chain([self.notifier.deadline(), self.sign_of_life(), self.children.checks.deadline()])
            .chain([self.children.heralds.deadline()])
            .chain([self.control.deadline(asleep), self.demands_end(), self.trial_ends()])
            .chain([self.upgrade_due(asleep)])
            .flatten()
            .min()
            .map(|deadline| deadline.since(asleep));
        let fds: Vec<BorrowedFd<'_>> = self
            .signals
            .iter()
            .map(AsFd::as_fd)
            .chain(self.engine.iter().map(|engine| engine.channel.as_fd()))
            .chain(self.children.reports())
            .chain(self.children.checks.descriptors(asleep))
            .chain(self.reading.descriptor())
            .chain(self.tried())
            .chain(self.control.descriptors(asleep))
            .chain(self.overheard.descriptors(asleep))
            .collect();
        if let Err(error) = platform::wait(&fds, ready, timeout) {
            // As when the limit of descriptors was set below what is open. Nothing that is read here waits.
            platform::wait(&[], ready, Some(SOON)).map_err(|_| StartError::new(Doing::Wait, "", error))?;
        }
        let woken = now();
        self.hear(woken);
        let mut signals: Vec<_> = self.signals.iter_mut().flat_map(Signals::read).collect();
        // What comes together has no order: a question goes before the end.
        let ends = |signal: &Signal| !matches!(signal, Signal::User1 | Signal::User2);
        sort_by(&mut signals, |one, other| ends(one).cmp(&ends(other)));
        for signal in signals {
            self.take_signal(signal, woken);
        }
        self.look_at_children(woken);
        self.look_at_heralds(woken);
        if let Some(read) = self.reading.hear(woken) {
            self.take_over(read, woken);
        }
        self.take_orders(woken);
        self.end_trial(woken);
        self.look_at_upgrade(woken);
        if let Some(writer) = self.overheard.hear(self.report.log(), woken) {
            self.report.writer(writer);
        }
        self.engine.iter_mut().for_each(Engine::tell_changes);
        if self.supervisor.deadline().is_some_and(|deadline| deadline <= woken) {
            self.see(Seen::Tick, woken);
        }
        self.tell_manager(woken);
        self.pass_events_on(woken);
        Ok(())
    }

    /// Takes in what the engine says.
    fn hear(&mut self, now: Time) {
        for _ in 0..MOST_REQUESTS {
            let Some(engine) = &mut self.engine else { return };
            match engine.channel.receive(0) {
                Ok(Some(message)) => match decode::<Request>(&message.bytes) {
                    Some(request) => self.take_request(&request, now),
                    None => self.see(Seen::Gone, now),
                },
                Ok(None) => return,
                Err(_) => self.see(Seen::Gone, now),
            }
        }
    }

    fn take_request(&mut self, request: &Request, now: Time) {
        let Self { rules, children, overheard, .. } = self;
        let circumstances = Circumstances {
            now,
            running: &|host| children.running(host),
            checking: &|check| children.checks.has(check),
            exists: &|name| platform::interface_index(name).is_ok(),
        };
        let act = match rules.allows(request, circumstances) {
            Ok(act) => act,
            Err(refusal) => {
                if !refusal.is_harmless() {
                    self.report.refused_request(refusal, now);
                }
                // A name that is none any more is asked for once.
                if !(refusal.is_harmless() && matches!(request, Request::Survey { .. })) {
                    self.could_not(request, refusal.code());
                }
                return;
            }
        };
        match act {
            Act::Start(order) => {
                let (host, hook) = (order.host(), order.hook());
                match children.start(&order, overheard) {
                    Ok(()) => {
                        self.tally.hook_began(host, hook, now);
                        self.see(Seen::HookBegan(host, hook), now);
                    }
                    Err(error) => {
                        self.tally.hook_ended(host, hook, false, now);
                        self.tell(&Fact::HookNotRun { host, hook, why: words(&error) });
                    }
                }
            }
            Act::Shift { host, shift, interface, entry } => {
                let interface = interface.to_owned();
                let shifted = addresses::shift(shift, &interface, entry);
                let assigned = (shift == Shift::Assign).then(|| entry.config.clone());
                // What became of them counts more than that it was done.
                if platform::QUESTIONS_NEED_RIGHTS {
                    self.tell_survey(interface.clone());
                }
                self.tell(&Fact::Shifted { host, shift, shifted });
                // The engine announces them meanwhile.
                if let Some(config) = assigned {
                    // Already, unless the interface was missing before.
                    self.note_managed(|number, _| number == host);
                    let odd = addresses::otherwise(&interface, &config);
                    self.report.otherwise(About::host(&config, &interface), &odd);
                }
            }
            Act::Notify(bulletin) => children.heralds.send(&bulletin),
            Act::Kill { host, force } => children.kill(host, force),
            Act::Check(order) => {
                let found = looking::look(&order, children, self.user.becomes.as_ref(), now);
                let (check, run) = (order.number(), order.run());
                found.into_iter().for_each(|found| self.tell_check(check, run, found));
            }
            Act::Note(beat) => {
                let beat = beat.clone();
                self.ahead.fill(0);
                for (host, by) in &beat.ahead {
                    self.ahead.iter_mut().skip((*host).into()).take(1).for_each(|known| *known = *by);
                }
                self.control.roles.clone_from(&beat.roles);
                self.announce();
                self.notifier.works(|| standing(self.rules.roster(), &beat), now);
                self.see(Seen::Beat(&beat.roles), now);
                self.upgraded(now);
            }
            Act::Forget { host } => self.forget(host, now),
            Act::Settle { host } => self.settle(host, now),
            Act::Show { query, subject, host, fields } => {
                self.control.standings(subject).hear(query, host, fields.to_vec());
            }
            Act::Answer { order, host, stepped } => self.stepped(order, host, stepped, now),
            Act::AnswerTook { order, host, untaken } => self.took(order, host, untaken, now),
            Act::Say(line) => self.report.pass_on(line.clone()),
            Act::End { status, why } => {
                self.why = why.map(|Unbegun { id, words }| StartError::told(id, words.clone()));
                self.see(Seen::Finished(status), now);
            }
            Act::Open { interface, hosts, looks, capture_only } => {
                let (interface, hosts) = (interface.to_owned(), hosts.to_vec());
                match self.open(&interface, &hosts, looks, capture_only) {
                    Ok(parts) if parts.len() > MOST_DESCRIPTORS => {
                        self.could_not(request, "too_many_groups");
                    }
                    Ok(parts) => {
                        let (devices, descriptors) = parts.into_iter().unzip();
                        self.tell_with(&Fact::Devices { interface, devices }, descriptors);
                    }
                    Err(why) => self.could_not(request, &why),
                }
            }
            Act::Connect { interface, source, peers } => match connected::open(interface, source, peers) {
                Ok(opened) => {
                    let (interface, peers) = (interface.to_owned(), peers.to_vec());
                    self.tell_with(&Fact::Connected { interface, source, peers }, opened);
                }
                Err(error) => self.could_not(request, &error.to_string()),
            },
            Act::Survey { interface } => {
                let interface = interface.to_owned();
                self.tell_survey(interface);
            }
        }
    }

    /// Tells whoever waits for it that the engine works.
    fn announce(&mut self) {
        let Some(readiness) = self.readiness.take() else { return };
        if let Err(error) = readiness.announce() {
            // Nobody wants the daemon.
            self.why = Some(StartError::new(Doing::GoToBackground, "", error));
            self.see(Seen::Signal(Signal::Terminate), now());
        }
    }

    fn could_not(&mut self, request: &Request, why: &str) {
        let fact = match request.asked() {
            Asked::Run { host, hook } => Fact::HookNotRun { host, hook, why: why.to_owned() },
            Asked::Shift { host, shift } => {
                let config = self.rules.roster().get(host).map(|entry| &entry.config);
                let shifted = config.map(|config| Shifted::nothing(config, why)).unwrap_or_default();
                Fact::Shifted { host, shift, shifted }
            }
            what @ (Asked::Survey { .. } | Asked::OpenDevices { .. } | Asked::Connect { .. }) => {
                Fact::CouldNot { what, why: why.to_owned() }
            }
            what @ Asked::Check { .. } => Fact::CouldNot { what, why: why.to_owned() },
            Asked::Kill { .. } | Asked::Other => return,
        };
        self.tell(&fact);
    }

    /// Opens what the engine may not.
    fn open(
        &self,
        interface: &str,
        hosts: &[u16],
        looks: Looks,
        capture_only: bool,
    ) -> Result<Parts, String> {
        let roster = self.rules.roster();
        let configs: Vec<_> = hosts.iter().filter_map(|host| Some(&roster.get(*host)?.config)).collect();
        let shared = roster.on(interface).flat_map(place::addresses).collect();
        let (_, own) = placing::places(interface, &configs, &shared, &mut Surveyor::default())
            .map_err(|error| error.to_string())?;
        let wanted = placing::wanted(configs.into_iter(), own);
        devices::open_parts(interface, wanted, looks, capture_only)
    }

    fn tell_survey(&mut self, interface: String) {
        let survey = survey::ask(&interface);
        self.tell(&Fact::Surveyed { interface, survey });
    }

    /// Tells the engine. One that does not read is found out by its silence.
    fn tell(&mut self, fact: &Fact) {
        self.tell_with(fact, Vec::new());
    }

    fn tell_with(&mut self, fact: &Fact, descriptors: Vec<OwnedFd>) {
        if let Some(engine) = &mut self.engine {
            let _ = engine.channel.send(&encode(fact), descriptors);
        }
    }

    fn take_signal(&mut self, signal: Signal, now: Time) {
        match signal {
            Signal::Child => {
                self.dying.retain(|pid| matches!(platform::reap(*pid), Ok(None)));
                let mut known = self.children.pids();
                known.extend(self.reading.pid().into_iter().chain(self.tried_pids()));
                known.extend(self.dying.iter().copied().chain(self.engine.as_ref().map(|engine| engine.pid)));
                platform::bury_strangers(&known);
            }
            Signal::HangUp if self.reading.can() && self.asked_by.is_none() => {
                self.wanted.applies = true;
                self.read_again(now);
            }
            Signal::Terminate | Signal::Interrupt | Signal::Quit | Signal::HangUp => {
                self.asked_by.get_or_insert(signal);
                self.notifier.stopping();
                self.see(Seen::Signal(signal), now);
            }
            Signal::User1 | Signal::User2 => {
                self.see(Seen::Signal(signal), now);
                if signal == Signal::User1 {
                    self.tell_demands(now);
                }
            }
        }
    }

    /// Tells the supervisor, and does what follows.
    fn see(&mut self, seen: Seen<'_>, now: Time) {
        for deed in self.supervisor.handle(seen, now) {
            match deed {
                Deed::StartEngine { roles, silent } => {
                    let left = Left { roles, hooks: self.children.all().collect(), silent };
                    if let Err(error) = self.start_engine(Some(left)) {
                        self.report.engine_unstartable(&error, now);
                        self.see(Seen::NotStarted, now);
                    }
                }
                Deed::KillEngine => {
                    if let Some(engine) = self.engine.take() {
                        self.let_end(engine.pid);
                    }
                }
                Deed::PassOn(signal) => self.tell(&Fact::Signal(signal)),
                Deed::BowOut(host) => self.bow_out(host),
                Deed::Withdraw(host) => self.withdraw(host),
                Deed::RunDown(host) => self.run_down(host, now),
                Deed::KillHook { host, force } => self.children.kill(host, force),
                Deed::Tell(notice) => {
                    if let Notice::Rests(rest) = notice {
                        self.notifier.status(&resting(rest));
                    }
                    self.report.engine(notice);
                }
                Deed::End(status) => {
                    self.notifier.stopping();
                    self.over = Some(status);
                }
            }
        }
    }

    /// How long an engine may be silent, so that nobody minds.
    fn silence(&self) -> Duration {
        self.notifier.bounded(self.supervisor.silence())
    }

    /// When the manager is to hear from the hands themselves that they live.
    fn sign_of_life(&self) -> Option<Time> {
        self.supervisor.does_without_engine().then(|| self.notifier.lives_until())?
    }

    /// Tells the service manager what is to be told.
    fn tell_manager(&mut self, now: Time) {
        if self.supervisor.does_without_engine() {
            self.notifier.lives(now);
        }
        self.notifier.send(now).iter().for_each(|why| self.report.manager_not_told(why));
    }

    fn end(mut self) -> Over {
        // What was said last is still to be shown.
        self.look_at_children(now());
        self.children.checks.forget(None);
        self.control.close();
        self.tell_manager(now());
        if let Some(ledger) = self.ledger.as_mut().filter(|_| self.over == Some(0)) {
            self.rules.roster().there().for_each(|(_, entry)| ledger.forget(entry));
        }
        Over {
            status: self.over.unwrap_or(super::BUG),
            why: self.why,
            by: self.asked_by,
            report: self.report,
            _overheard: self.overheard,
            pidfile: self.pidfile,
        }
    }
}

/// How things stand with all hosts that are served.
fn standing(roster: &Roster, beat: &Beat) -> String {
    let stands = roster.there().map(|(host, Entry { config, interface, .. })| {
        let role = beat.roles.get(usize::from(host)).copied().unwrap_or(Role::Init);
        let others = beat.others.iter().find(|(number, _)| *number == host).map(|(_, others)| *others);
        (About::host(config, interface), role, others)
    });
    summary(&stands.collect::<Vec<_>>(), beat.alone)
}
