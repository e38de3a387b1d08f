//! The daemon: obtains facts, carries out actions, owns every descriptor. It has no election rule of its own.
//!
//! [`run`] is the whole life: leave the caller if asked to, take what only one may have, and become the `hands`, which
//! split the `engine` off. Whatever cannot be opened is said in one line before anything is served. Opening is in `start`,
//! the engine's loop in `event_loop`, effects in `perform`, sentences in `report` and, about starting, in `start`.
//! [`sniff()`] is another life: it watches and serves nothing.

mod addresses;
mod breather;
mod by_hand;
mod caller;
mod capture;
mod changes;
mod check;
mod checkup;
mod children;
mod clock;
mod coded;
mod connected;
mod control;
mod deadlines;
mod devices;
mod engine;
mod engine_user;
mod event_loop;
mod failure;
mod farewell;
mod fitness;
mod fleet;
mod handover;
mod hands;
mod health;
mod hearing;
mod host;
mod interface;
mod introduction;
mod journal;
mod ledger;
mod liaison;
mod link;
mod mismatch;
mod network;
mod notify;
mod outcome;
mod overheard;
mod panics;
mod pending;
mod perform;
mod place;
mod placing;
mod presence;
mod previous;
mod pulse;
mod record;
mod reload;
mod reopening;
mod report;
mod request;
mod roster;
mod rules;
mod sniff;
mod standing;
mod start;
mod state;
mod strangers;
mod supervise;
mod survey;
mod tally;
pub mod turn;
mod unshared;
mod upgrade;

use std::path::{Path, PathBuf};

use crate::config::{Config, LogConfig, LogFormat, Warning};
use crate::i18n;
use crate::log::{self, Log};
use crate::platform::{self, Claims, Guarded, LOG_IS_A_CALL, Process, Signals, Text};

pub use caller::{caller, cover};
pub use check::check;
pub use failure::StartError;
#[cfg(fuzzing)]
#[doc(hidden)]
pub use handover::handover_bytes;
pub use journal::complain;
#[cfg(fuzzing)]
#[doc(hidden)]
pub use request::message_bytes;
#[cfg(fuzzing)]
#[doc(hidden)]
pub use sniff::replay_bytes;
pub use sniff::sniff;
pub use upgrade::succeed;

use by_hand::DemandFiles;
use control::Control;
use engine_user::EngineUser;
use failure::Doing;
use handover::Life;
use hands::{Belongings, Over};
use ledger::Ledger;
use notify::{Manager, Notifier};
use overheard::Overheard;
use pending::Archive;
use previous::{Previous, Setup};
use report::{About, Report};
use roster::Roster;

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
pub fn run(mut config: Config, warnings: &[Warning]) -> Result<Ended, StartError> {
    i18n::stay();
    let readiness = if config.daemonize {
        let failed = |error| StartError::new(Doing::GoToBackground, "", error);
        match platform::go_to_background().map_err(failed)? {
            Process::Caller(daemon) => return daemon.outcome().map(Ended::Detached).map_err(failed),
            Process::Daemon(readiness) => Some(readiness),
        }
    } else {
        None
    };
    let (state, archive) = memory(&config);
    let recalled =
        Previous::recall(&state, &control::name(&config, None), &config, clock::now(), clock::wall());
    let taken_back = recalled.instead.is_some();
    if let Some(Setup { hosts, checks }) = recalled.instead {
        (config.hosts, config.checks) = (hosts, checks);
    }
    platform::make_room_for_descriptors();
    // What reading thousands of virtual hosts took would be in each of the processes.
    platform::give_back_memory();
    let manager = Manager::take();
    let prints = readiness.is_none();
    let has_scripts = config.hosts.iter().any(|host| host.up.is_some() || host.down.is_some());
    let (overheard, text) = voice(config.log, prints, has_scripts)?;
    let pidfile = config.pidfile.as_deref().map(start::hold_pidfile).transpose()?;
    platform::keep_descriptors_private()
        .map_err(|error| StartError::new(Doing::CloseDescriptors, "", error))?;
    // Before anything else takes the last descriptors: what is there to be said must not get lost.
    let mut report = speaker(config.log, prints, text);
    let signals = Signals::open().map_err(|error| StartError::new(Doing::CatchSignals, "", error))?;
    // A start that fails is one line. What is said until then is the engine's to say, when it has got as far.
    report.keep_lines();
    let asked_for = std::mem::take(&mut config.hosts);
    let mut hosts = Vec::with_capacity(asked_for.len());
    let mut claims = Claims::default();
    for host in asked_for {
        let interface = start::interface_for(&host).map_err(StartError::explained)?;
        start::may_manage(&host, &interface)?;
        let lockdir = config.lockdir.as_deref();
        let mut inherits = |dead| match platform::end_heir_of(dead, lockdir) {
            Ok(heir) => heir.inspect(|heir| report.heir_ended(dead, *heir)).is_some(),
            Err(_) => false,
        };
        for doubt in start::claim(&mut claims, &host, &interface, lockdir, Some(&mut inherits))? {
            report.claim_in_doubt(About::host(&host, &interface), &doubt);
        }
        hosts.push((host, interface));
    }
    config.checks.iter().try_for_each(start::may_look)?;
    let warnings = report::gathered(warnings);
    for warning in &warnings {
        report.pass_on(warning.clone());
    }
    // Nothing is lost where it is not granted, but in the worst of times.
    let _ = platform::outlive_others();
    let (control, no_door) = Control::open(&config, &hosts);
    no_door.iter().for_each(|why| report.no_door(why));
    if let Some(why) = recalled.why {
        report.no_previous(&state, &why);
    }
    if taken_back {
        report.stays_undone();
    }
    report.writes_anywhere(&keep_to_folders(&config, &manager));
    let mut roster = Roster::of(hosts).checked(config.checks.clone());
    if let (Some(archive), Some(wall)) = (&archive, clock::wall()) {
        roster.recall(|entry| {
            let kept = archive.read(&entry.config, &entry.interface, clock::now(), wall);
            kept.unwrap_or_else(|why| {
                report.not_kept(About::host(&entry.config, &entry.interface), archive.folder(), &why);
                Vec::new()
            })
        });
    }
    let mut ledger = archive.as_ref().map(|archive| Ledger::new(archive.folder().to_owned()));
    if let Some(ledger) = &mut ledger {
        ledger.begin(&roster, config.lockdir.as_deref(), &mut report);
    }
    let user = EngineUser::find(config.user.as_ref());
    let over = hands::run(Belongings {
        roster,
        claims,
        life: Life::of(&config, manager.clone()),
        user,
        signals,
        report,
        overheard,
        notifier: Notifier::new(manager, readiness.is_some()),
        readiness,
        pidfile,
        archive,
        ledger,
        control,
        demands: DemandFiles::new(state),
        previous: recalled.previous,
        warned: warnings.into_iter().map(|line| line.text).collect(),
        before: None,
    })?;
    over.end()
}

impl Over {
    /// Says the last line.
    fn end(self) -> Result<Ended, StartError> {
        let Self { status, why, by, mut report, pidfile, _overheard } = self;
        if let Some(why) = why {
            return Err(why);
        }
        let ended = if status == 0 { Ended::Orderly } else { Ended::Bug };
        report.ended(ended == Ended::Orderly, by);
        drop(report);
        drop(pidfile);
        Ok(ended)
    }
}

/// Starts what writes for us. Only where there is something to write to or somebody to listen to.
fn voice(log: LogConfig, prints: bool, has_scripts: bool) -> Result<(Overheard, Option<Text>), StartError> {
    let writes = prints || (LOG_IS_A_CALL && log.facility.is_some());
    if !writes && !has_scripts {
        return Ok((Overheard::nobody(), None));
    }
    let looks =
        journal::formats(log.format).map(|format| (format == LogFormat::Json).then_some(objects as _));
    let (overheard, text) =
        Overheard::start(prints, looks).map_err(|error| StartError::new(Doing::StartWriter, "", error))?;
    Ok((overheard, writes.then_some(text)))
}

fn speaker(log: LogConfig, prints: bool, text: Option<Text>) -> Report {
    Report::new(Log::open(log, text, prints.then_some(journal::formats(log.format)), SERVICES))
}

/// From now on files are written only where this life has some.
fn keep_to_folders(config: &Config, manager: &Manager) -> Guarded {
    let folder =
        |file: &Path| file.parent().filter(|folder| !folder.as_os_str().is_empty()).map(Path::to_owned);
    let pidfile_in = config.pidfile.as_deref().map(|file| folder(file).unwrap_or_else(|| ".".into()));
    let lockdir = config.lockdir.clone().unwrap_or_else(|| "/var/run".into());
    let (state, _) = memory(config);
    let written = [pidfile_in, Some(lockdir), Some(state), manager.folder(), control::folder(config)];
    let written: Vec<&Path> = written.iter().flatten().map(PathBuf::as_path).collect();
    platform::write_only_in(&written)
}

/// Where it is kept what is to be known after a restart. What a command line says is told anew with each start.
fn memory(config: &Config) -> (PathBuf, Option<Archive>) {
    let state = config.state.clone().unwrap_or_else(|| platform::STATE.into());
    let archive = config.source.as_ref().map(|_| Archive::new(state.clone()));
    (state, archive)
}

/// What scripts say, where every line is an object.
fn objects(said: &[u8]) -> Vec<u8> {
    log::objects(said, &SERVICES)
}

const SERVICES: log::Services = log::Services {
    local_time: platform::local_time,
    wall: || clock::wall().unwrap_or_default(),
    lost: report::lost,
};
