//! The engine: the process that hears, decides and sends, with no more rights than that takes.
//!
//! It begins as a copy of the hands, gives up what it does not need, and tells them what it needs of them. What it is told
//! at its beginning is what they know: the configuration, and, of the one in whose place it goes on, the roles.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

use super::BUG;
use super::breather::Breather;
use super::by_hand::Demand;
use super::changes;
use super::checkup;
use super::clock::{now, wall};
use super::engine_user::EngineUser;
use super::event_loop::{self, Sources};
use super::failure::{Doing, StartError};
use super::fitness;
use super::fleet::Fleet;
use super::interface::look_now;
use super::introduction::introduce;
use super::liaison::Liaison;
use super::link::LOOK_AROUND;
use super::panics;
use super::pulse::Pulse;
use super::report::Report;
use super::request::{Request, Unbegun};
use super::roster::{Roster, Standing};
use super::start;
use super::survey::{self, Surveyor};
use crate::config::VirtualHostConfig;
use crate::log::{Facts, Level, Line};
use crate::platform::{
    self, Changes, Channel, DEVICES_NEED_RIGHTS, Guarded, LinkMonitor, Needs, PidFile, Signals,
};
use crate::protocol::causes::Weight;
use crate::protocol::{self, Event, Hook, Role};

/// What an engine is given.
pub(super) struct Heritage<'a> {
    pub(super) roster: &'a Roster,
    /// Others may come.
    pub(super) may_change: bool,
    /// Its memory is to stay where it is.
    pub(super) lock_memory: bool,
    pub(super) channel: Channel,
    /// How long it may be silent.
    pub(super) silence: Duration,
    pub(super) pidfile: Option<&'a PidFile>,
    /// Who it is to be.
    pub(super) user: &'a EngineUser,
    /// It is not the first: what that one left.
    pub(super) left: Option<Left>,
    /// That one serves until this one is ready.
    pub(super) turn: Option<Turn>,
}

/// How an engine that is ready says so, and hears that it is its turn: by a byte each.
pub(super) struct Turn {
    pub(super) prepared: File,
    pub(super) comes: OwnedFd,
}

impl Turn {
    /// Whether it comes. If nobody can say so any more the other one serves on.
    fn wait(mut self) -> bool {
        let _ = self.prepared.write_all(&[1]);
        let waited = platform::wait(&[self.comes.as_fd()], &mut Vec::new(), None);
        waited.is_ok() && File::from(self.comes).read(&mut [0]).is_ok_and(|count| count == 1)
    }
}

/// What is known of an engine that ended.
pub(super) struct Left {
    pub(super) roles: Vec<Role>,
    /// The hooks that run.
    pub(super) hooks: Vec<(u16, Hook)>,
    /// How long nothing was sent.
    pub(super) silent: Duration,
}

/// The whole life of an engine. The status is that of its process.
pub(super) fn live(heritage: Heritage<'_>, mut report: Report) -> u8 {
    report.keep_lines();
    // What is written to a terminal might wait there, and somebody may wait for its end.
    let _ = platform::let_go_of_streams();
    panics::keep();
    let Heritage { channel, silence, pidfile, .. } = heritage;
    let mut hands = Liaison::new(channel);
    let has_served = heritage.left.is_some();
    let mut given = Given {
        roster: heritage.roster,
        may_change: heritage.may_change,
        lock_memory: heritage.lock_memory,
        user: heritage.user,
        left: heritage.left,
        turn: heritage.turn,
    };
    let begun = panic::catch_unwind(AssertUnwindSafe(|| begin(&mut given, &mut report)));
    let (mut fleet, signals, links) = match begun {
        Ok(Ok(begun)) => begun,
        Ok(Err(why)) => {
            let status = why.exit_code();
            // Who has served is needed, and is tried again.
            if has_served {
                hands.say(Line { facts: Facts::id(why.id()), ..Line::new(Level::Error, why.with_id()) });
            } else {
                let why = Unbegun { id: why.id().to_owned(), words: why.to_string() };
                hands.ask(&Request::Finished { status, why: Some(why) });
            }
            return status;
        }
        Err(_) => return report_bug(None, hands, &mut report),
    };
    let health = checkup::begin(given.roster, !has_served, &mut fleet, &mut report, now());
    let pulse = Pulse::new(silence);
    let mut sources = Sources {
        hands,
        signals,
        links,
        breather: Breather::default(),
        health,
        pulse,
        pidfile,
        late: (0, Duration::ZERO),
        ends: false,
    };
    let lived =
        panic::catch_unwind(AssertUnwindSafe(|| event_loop::serve(&mut fleet, &mut sources, &mut report)));
    match lived {
        Ok(Ok(())) => {
            sources.hands.ask(&Request::Finished { status: 0, why: None });
            sources.hands.part(report.log());
            0
        }
        Ok(Err(error)) => {
            report.gives_up(&error);
            event_loop::hand_over(&mut fleet, &mut sources, &mut report, now());
            sources.hands.part(report.log());
            BUG
        }
        Err(_) => report_bug(Some(&mut fleet), sources.hands, &mut report),
    }
}

/// The last words of an engine with a fault. The hands do the rest.
fn report_bug(fleet: Option<&mut Fleet>, hands: Liaison, report: &mut Report) -> u8 {
    report.bug(&panics::said());
    if let Some(fleet) = fleet {
        // What was to be done is not: whoever goes on decides anew.
        fleet.take_errands();
        let latest = (0..fleet.hosts().len()).max_by_key(|host| fleet.hosts()[*host].record.latest());
        if let Some(host) = latest {
            let (one, link) = fleet.host(host);
            report.told(one.about(&link.name), &one.record, Level::Error);
        }
    }
    hands.part(report.log());
    BUG
}

/// What is needed to begin.
struct Given<'a> {
    roster: &'a Roster,
    may_change: bool,
    lock_memory: bool,
    user: &'a EngineUser,
    left: Option<Left>,
    turn: Option<Turn>,
}

fn begin(given: &mut Given<'_>, report: &mut Report) -> Result<(Fleet, Signals, LinkMonitor), StartError> {
    let signals = Signals::open().map_err(|error| StartError::new(Doing::CatchSignals, "", error))?;
    let links = LinkMonitor::open().map_err(|error| StartError::new(Doing::WatchLinks, "", error))?;
    let has_served = given.left.is_some();
    let hurried = platform::run_before_others();
    let locked = if given.lock_memory { platform::stay_in_memory() } else { Ok(()) };
    let open = || start::open(given.roster, has_served);
    let (opened, surrendered) = if DEVICES_NEED_RIGHTS {
        let opened = open()?;
        (opened, platform::surrender(given.user.becomes.as_ref()))
    } else {
        let surrendered = platform::surrender(given.user.becomes.as_ref());
        (open()?, surrendered)
    };
    let (mut fleet, missing) = opened;
    let mut needs = needs(given.roster.there().map(|(_, entry)| &entry.config));
    // Nobody can be given back later what he gave up now.
    needs.raw_ip |= given.may_change;
    if platform::QUESTIONS_NEED_RIGHTS {
        survey::be_told(fleet.links().iter().map(|link| link.name.as_str()));
    }
    let guarded = surrendered.and(platform::confine(&needs));
    match &given.left {
        None => {
            tell_first(&mut fleet, &missing, given.user, &guarded, hurried.err().as_ref(), report);
            locked.err().iter().for_each(|why| report.not_locked(why));
        }
        // Whatever is missing is looked for, and was told when it went.
        Some(_) => (0..fleet.hosts().len()).for_each(|host| fleet.host(host).0.introduced = true),
    }
    for (host, entry) in given.roster.there() {
        for Demand { name, amount, .. } in entry.demands.iter().flatten() {
            let weight = Weight { amount: *amount, releases: false };
            fitness::by_hand(&mut fleet, host.into(), name, Some(weight), report, now());
        }
    }
    if let Some(turn) = given.turn.take() {
        let before = now();
        if !turn.wait() {
            return Err(StartError::new(
                Doing::Wait,
                "",
                std::io::Error::from(std::io::ErrorKind::BrokenPipe),
            ));
        }
        given.left.iter_mut().for_each(|left| left.silent += now().since(before));
    }
    take_up(&mut fleet, given.left.as_ref(), report);
    for (host, entry) in given.roster.there() {
        if let Standing::Leaves(departure) = entry.standing {
            changes::leave(&mut fleet, host, departure, report, now());
        }
    }
    Ok((fleet, signals, links))
}

/// What an engine for these goes on to do.
pub(super) fn needs<'a>(hosts: impl IntoIterator<Item = &'a VirtualHostConfig>) -> Needs {
    let raw_ip = hosts.into_iter().any(|config| !config.destination.peers.is_empty());
    Needs { raw_ip, log_socket: false }
}

/// The first lines.
fn tell_first(
    fleet: &mut Fleet,
    missing: &[(usize, StartError)],
    user: &EngineUser,
    guarded: &Guarded,
    slow: Option<&std::io::Error>,
    report: &mut Report,
) {
    for host in fleet.there() {
        let (one, link) = fleet.host(host);
        match missing.iter().find(|(number, _)| *number == host) {
            None => {
                introduce(one, &link.name, report);
                report.one_family(&link.name, one.lacks_v6.as_ref());
            }
            Some((_, missing)) => report.waiting(&link.name, missing),
        }
    }
    report.guards(&user.shown(), user.advice(), guarded, slow);
}

/// Every virtual host begins, or goes on where it was left.
fn take_up(fleet: &mut Fleet, left: Option<&Left>, report: &mut Report) {
    // One moment for all: what one of them costs must not delay the first advertisement of another.
    let now = now();
    let mut surveyor = Surveyor::default();
    for link in 0..fleet.links().len() {
        let it = fleet.link_mut(link);
        if it.is_idle() {
            continue;
        }
        it.looks_around_until = it.devices.is_some().then(|| now + LOOK_AROUND);
        for host in fleet.on(link) {
            let begin = left.map_or(Event::Start, |left| left.event(host));
            if matches!(begin, Event::Resume { role, .. } if role != Role::Init) {
                // Whatever became of it is told.
                fleet.host(host).0.link = protocol::Link::Up;
            }
            for fact in wall().map(Event::Wall).into_iter().chain([begin]) {
                fleet.tell(host, fact, report, now);
            }
        }
        let addresses = left.is_some();
        look_now(fleet, link, Changes { links: true, addresses }, &mut surveyor, report, now);
        let it = fleet.link(link);
        let minds = it.hosts().any(|host| !fleet.hosts()[host].config.ignore_link_state);
        if it.devices.is_some() && minds && left.is_none() {
            report.link_at_start(&it.name, it.state);
        }
    }
}

impl Left {
    /// How this host begins.
    fn event(&self, host: usize) -> Event {
        let role = self.roles.get(host).copied().unwrap_or(Role::Init);
        let hook = self.hooks.iter().find(|(number, _)| usize::from(*number) == host).map(|(_, hook)| *hook);
        match (role, hook) {
            (Role::Init, None) => Event::Start,
            (role, hook) => Event::Resume { role, hook, silent: self.silent },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_had_a_role_goes_on_and_who_had_none_begins() {
        let (silent, hook) = (Duration::from_millis(40), Some(Hook::Up));
        let roles = vec![Role::Master, Role::Backup, Role::Init, Role::Init];
        let left = Left { roles, hooks: vec![(0, Hook::Up), (3, Hook::Down)], silent };
        assert_eq!(left.event(0), Event::Resume { role: Role::Master, hook, silent });
        assert_eq!(left.event(1), Event::Resume { role: Role::Backup, hook: None, silent });
        assert_eq!(left.event(2), Event::Start);
        assert_eq!(left.event(3), Event::Resume { role: Role::Init, hook: Some(Hook::Down), silent });
        assert_eq!(left.event(4), Event::Start, "more than were known");
    }
}
