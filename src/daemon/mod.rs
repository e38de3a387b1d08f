//! The daemon: obtains facts, carries out actions, owns every descriptor. It has no election rule of its own.
//!
//! [`run`] is the whole life: leave the caller if asked to, open everything, serve, give back. Whatever cannot be
//! opened is said in one line before anything is served. Opening is in `start`, the loop in `event_loop`, effects in
//! `perform`, sentences in `report` and, about starting, in `start`. [`sniff()`] is another life: it watches and serves
//! nothing.

mod attachment;
mod capture;
mod check;
mod clock;
mod event_loop;
mod failure;
mod hearing;
mod hooks;
mod host;
mod interface;
mod mismatch;
mod network;
mod overheard;
mod perform;
mod place;
mod reopening;
mod report;
#[allow(dead_code, reason = "the two processes are still one")]
mod request;
mod sniff;
mod start;
pub mod turn;
mod unshared;

use std::panic::{self, AssertUnwindSafe};

use crate::config::{Caller, Config, Warning};
use crate::log::{self, Level, Log};
use crate::platform::{self, LOG_IS_A_CALL, LinkMonitor, Process, Signals};
use crate::protocol::{Hook, Role, VirtualHost};

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
use host::Served;
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

/// This process, as far as files are concerned.
#[must_use]
pub fn caller() -> Caller {
    let (user, group) = platform::user_and_group();
    Caller { user, group, may_execute: platform::may_execute }
}

/// Serves until told to end.
///
/// # Errors
/// What kept it from starting.
pub fn run(config: &Config, warnings: &[Warning]) -> Result<Ended, StartError> {
    run_with(config, warnings, &mut |_| {})
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
    let opened = config
        .hosts
        .iter()
        .map(|host| start::open(host, config.lockdir.as_deref()))
        .collect::<Result<Vec<_>, _>>()?;
    for warning in warnings {
        report.say(Level::Warning, &warning.to_string());
    }
    let mut served = Vec::with_capacity(opened.len());
    for (one, missing) in opened {
        for doubt in one.claim.doubts() {
            report.claim_in_doubt(one.about(), doubt);
        }
        match missing {
            None => {
                start::introduce(&one, &mut report);
                report.one_family(&one.interface, one.lacks_v6.as_ref());
            }
            Some(missing) => report.waiting(&one.interface, &missing),
        }
        served.push(one);
    }
    if let Some(readiness) = readiness {
        readiness.announce().map_err(|error| StartError::new(Doing::GoToBackground, "", error))?;
    }
    let ending = Ending { withdraw: config.withdraw };
    let lived = panic::catch_unwind(AssertUnwindSafe(|| {
        event_loop::run(&mut served, &mut sources, ending, &mut report, each_turn)
    }));
    match lived {
        Ok(Ok(())) => {
            report.ended(End::Orderly);
            Ok(Ended::Orderly)
        }
        Ok(Err(error)) => {
            report.gives_up(&error);
            give_back(&mut served, &mut sources, &mut report);
            let error = StartError::new(Doing::Wait, "", error);
            report.ended(End::Error(&error));
            Err(error)
        }
        Err(_) => {
            report.bug();
            give_back(&mut served, &mut sources, &mut report);
            report.ended(End::Bug);
            Ok(Ended::Bug)
        }
    }
}

/// After the loop broke: bow out and take the address down, by the core if it still can, else by the hook alone.
fn give_back(served: &mut [Served], sources: &mut event_loop::Sources, report: &mut Report) {
    let by_the_core = panic::catch_unwind(AssertUnwindSafe(|| {
        event_loop::shut_down(served, true, report);
        event_loop::serve(served, sources, Ending { withdraw: true }, report, &mut |_| {})
    }));
    if matches!(by_the_core, Ok(Ok(()))) {
        return;
    }
    for one in served.iter_mut() {
        match one.hook.take() {
            // The core got as far as that.
            Some(running) if running.hook() == Hook::Down => running.wait(one.config.hook_timeout, report),
            None if one.host.role() != Role::Master => {}
            Some(_) | None => perform::last_resort(one, report),
        }
    }
}

const SERVICES: log::Services = log::Services { local_time: platform::local_time, lost: report::lost };
