//! The daemon: obtains facts, carries out actions, owns every descriptor. It has no election rule of its own.
//!
//! [`run`] is the whole life: leave the caller if asked to, open everything, serve, give back. Whatever cannot be
//! opened is said in one line before anything is served. Opening is in `start`, the loop in `event_loop`, effects in
//! `perform`, sentences in `report` and, about starting, in `start`. [`sniff()`] is another life: it watches and serves
//! nothing.

mod caller;
mod capture;
mod check;
#[allow(dead_code, reason = "the two processes are still one")]
mod children;
mod clock;
mod deadlines;
mod devices;
mod engine_user;
mod event_loop;
mod failure;
mod fleet;
#[allow(dead_code, reason = "the two processes are still one")]
mod hands;
mod hearing;
mod hooks;
mod host;
mod interface;
mod introduction;
mod link;
mod mismatch;
mod network;
mod outcome;
mod overheard;
mod perform;
mod place;
mod placing;
mod presence;
mod reopening;
mod report;
#[allow(dead_code, reason = "the two processes are still one")]
mod request;
mod sniff;
mod start;
#[allow(dead_code, reason = "the two processes are still one")]
mod supervise;
mod survey;
pub mod turn;
mod unshared;

use std::panic::{self, AssertUnwindSafe};

use crate::config::{Config, Warning};
use crate::log::{self, Level, Log};
use crate::platform::{self, LOG_IS_A_CALL, LinkMonitor, Process, Signals};
use crate::protocol::{Hook, Role, VirtualHost};

pub use caller::caller;
pub use check::check;
pub use failure::StartError;
#[cfg(fuzzing)]
#[doc(hidden)]
pub use request::message_bytes;
#[cfg(fuzzing)]
#[doc(hidden)]
pub use sniff::replay_bytes;
pub use sniff::sniff;

use event_loop::Ending;
use failure::Doing;
use fleet::Fleet;
use introduction::introduce;
use overheard::Overheard;
use report::{End, Report};

/// Exit status after a bug of ours: EX_SOFTWARE of sysexits.h.
pub const BUG: u8 = 70;

/// How a life ended that had begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// Asked to, everything given back that was to be given back.
    Orderly,
    /// By a bug of ours; the addresses were given back all the same.
    Bug,
    /// This was the caller of a daemon in the background, which is serving now if this exit status is 0; otherwise
    /// it has said why it is not.
    Detached(u8),
}

impl Ended {
    /// The exit status for it.
    #[must_use]
    pub const fn status(self) -> u8 {
        match self {
            Self::Orderly => 0,
            Self::Bug => BUG,
            Self::Detached(status) => status,
        }
    }
}

/// Serves until told to end.
///
/// # Errors
/// What kept it from starting.
pub fn run(config: &Config, warnings: &[Warning]) -> Result<Ended, StartError> {
    live(config, warnings, None)
}

/// [`run`] with something done at the end of each turn of the loop: the place where a test puts its fault.
///
/// # Errors
/// What kept it from starting.
pub fn run_with(
    config: &Config,
    warnings: &[Warning],
    each_turn: &mut dyn FnMut(&[&VirtualHost]),
) -> Result<Ended, StartError> {
    live(config, warnings, Some(each_turn))
}

fn live(
    config: &Config,
    warnings: &[Warning],
    each_turn: event_loop::EachTurn<'_>,
) -> Result<Ended, StartError> {
    let readiness = if config.daemonize {
        let failed = |error| StartError::new(Doing::GoToBackground, "", error);
        match platform::go_to_background().map_err(failed)? {
            Process::Caller(daemon) => return daemon.outcome().map(Ended::Detached).map_err(failed),
            Process::Daemon(readiness) => Some(readiness),
        }
    } else {
        None
    };
    // Only where there is something to write to or somebody to listen to.
    let prints = readiness.is_none();
    let writes = prints || (LOG_IS_A_CALL && config.log.facility.is_some());
    let (overheard, text) =
        if writes || config.hosts.iter().any(|host| host.up.is_some() || host.down.is_some()) {
            let (overheard, text) =
                Overheard::start(prints).map_err(|error| StartError::new(Doing::StartWriter, "", error))?;
            (overheard, writes.then_some(text))
        } else {
            (Overheard::nobody(), None)
        };
    let _pidfile = config.pidfile.as_deref().map(start::hold_pidfile).transpose()?;
    platform::keep_descriptors_private()
        .map_err(|error| StartError::new(Doing::CloseDescriptors, "", error))?;
    // Before anything else takes the last descriptors: what is there to be said must not get lost.
    let mut report = Report::new(Log::open(config.log, text, prints, SERVICES), overheard);
    let mut sources = event_loop::Sources {
        signals: Signals::open().map_err(|error| StartError::new(Doing::CatchSignals, "", error))?,
        links: LinkMonitor::open().map_err(|error| StartError::new(Doing::WatchLinks, "", error))?,
    };
    let (mut fleet, missing) = start::open(&config.hosts, config.lockdir.as_deref())?;
    for warning in warnings {
        report.say(Level::Warning, &warning.to_string());
    }
    for host in 0..fleet.hosts().len() {
        let (one, link) = fleet.host(host);
        for doubt in one.claim.doubts() {
            report.claim_in_doubt(one.about(&link.name), doubt);
        }
        match missing.iter().find(|(number, _)| *number == host) {
            None => {
                introduce(one, &link.name, &mut report);
                report.one_family(&link.name, one.lacks_v6.as_ref());
            }
            Some((_, missing)) => report.waiting(&link.name, missing),
        }
    }
    if let Some(readiness) = readiness {
        readiness.announce().map_err(|error| StartError::new(Doing::GoToBackground, "", error))?;
    }
    let ending = Ending { withdraw: config.withdraw };
    let lived = panic::catch_unwind(AssertUnwindSafe(|| {
        event_loop::run(&mut fleet, &mut sources, ending, &mut report, each_turn)
    }));
    match lived {
        Ok(Ok(())) => {
            report.ended(End::Orderly);
            Ok(Ended::Orderly)
        }
        Ok(Err(error)) => {
            report.gives_up(&error);
            give_back(&mut fleet, &mut sources, &mut report);
            let error = StartError::new(Doing::Wait, "", error);
            report.ended(End::Error(&error));
            Err(error)
        }
        Err(_) => {
            report.bug();
            give_back(&mut fleet, &mut sources, &mut report);
            report.ended(End::Bug);
            Ok(Ended::Bug)
        }
    }
}

/// After the loop broke: bow out and take the address down, by the core if it still can, else by the hook alone.
fn give_back(fleet: &mut Fleet, sources: &mut event_loop::Sources, report: &mut Report) {
    let by_the_core = panic::catch_unwind(AssertUnwindSafe(|| {
        event_loop::shut_down(fleet, true, report);
        event_loop::serve(fleet, sources, Ending { withdraw: true }, report, None)
    }));
    if matches!(by_the_core, Ok(Ok(()))) {
        return;
    }
    for host in 0..fleet.hosts().len() {
        let (one, link) = fleet.host(host);
        match one.hook.take() {
            // The core got as far as that.
            Some(running) if running.hook() == Hook::Down => {
                running.wait(one.config.hook_timeout, || report.listen(clock::now()));
            }
            None if one.core().role() != Role::Master => {}
            Some(_) | None => perform::last_resort(one, link, report),
        }
    }
}

const SERVICES: log::Services = log::Services { local_time: platform::local_time, lost: report::lost };
