//! Serving on in the place of another program: what an upgrade is, and the life that begins with one.
//!
//! # What an operator may rely on
//!
//! `ucarpctl upgrade` has the program that is installed now take over in the process that runs: its number, the pidfile, the
//! claims, the sockets by which it is steered and the scripts that run stay. No role changes, no script is run, no address
//! is taken off, and no advertisement waits: the engine, another process, goes on advertising until the next one is ready,
//! and is ended then.
//!
//! - **It is tried first.** The new program is started beside, as `--take-over`, and reads all that it would be handed over. Only
//!   if it says that it can take over it gets to. One that is missing, not executable, not root's alone, too old, for another
//!   machine, or that ends or says nothing for 5 s is refused, and why is answered. Who is refused has changed nothing.
//! - **It waits for quiet**, 10 s at most: until scripts that were begun run, programs have told the last change, and a
//!   reload is over.
//! - **What is served stays**, whatever the file says by now: the configuration is handed over (`handover`), not read. A file
//!   that was changed is taken over by the next reload, as always.
//! - **If the new program ends at once**, the old engine serves on as it does whenever it has no hands, and the service
//!   manager starts the program again, which has it bow out.
//! - Signals that come meanwhile are taken after it. Who asks something else by the socket meanwhile has to ask again. The
//!   last line of a script that runs over it is not known when it fails; what it writes is shown all the same. Checks are
//!   begun anew, and say nothing until they failed as often as it takes.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};

use super::control::Control;
use super::engine_user::EngineUser;
use super::failure::{Doing, StartError, words};
use super::handover::{self, Handover, LeftEngine, Life, Misread};
use super::hands::{self, Before, Belongings, TRIAL, VARIABLE, WILLING};
use super::ledger::Ledger;
use super::notify::Notifier;
use super::report::misread;
use super::{by_hand, clock, keep_to_folders, memory, speaker, start, voice};
use crate::i18n;
use crate::ids;
use crate::platform::{self, Claims, Inheritance, PidFile, Signals};

/// What becomes of a program that is started to succeed another, or to say whether it could: its status. Nothing where it
/// is started by anybody else.
///
/// # Errors
/// What is handed over cannot be taken.
#[must_use]
pub fn succeed() -> Option<Result<u8, StartError>> {
    let words: Vec<OsString> = std::env::args_os().skip(1).take(2).collect();
    if matches!(words.as_slice(), [word] if word == TRIAL) {
        return Some(Ok(tried()));
    }
    let number = platform::take_variable(VARIABLE)?.into_string().ok()?.parse().ok()?;
    Some(take_over(number))
}

/// Says whether what is on standard input can be taken over.
fn tried() -> u8 {
    let could = handover::read(io::stdin().lock()).map_err(|error| words(&error)).and_then(|document| {
        let (_, handover) = Handover::of(&document).map_err(|why| misread(&why))?;
        handover.life.config.language.iter().for_each(|language| i18n::prefer(language));
        let mut hosts = handover.roster.there();
        hosts
            .try_for_each(|(_, entry)| start::may_manage(&entry.config, &entry.interface))
            .map_err(|error| error.to_string())
    });
    let (line, status) = match could {
        Ok(()) => (format!("{WILLING}\n"), 0),
        Err(why) => (format!("{why}\n"), 1),
    };
    let _ = io::stdout().write_all(line.as_bytes());
    status
}

fn take_over(number: i32) -> Result<u8, StartError> {
    let untaken = |why: &Misread| StartError::told(ids::HANDOVER_NOT_TAKEN, misread(why));
    let unread = |error: io::Error| untaken(&Misread::Unreadable(words(&error)));
    // What is inherited may be more already than may be open otherwise.
    platform::make_room_for_descriptors();
    let mut inheritance = Inheritance::default();
    let document = inheritance.take(number).map(File::from).and_then(handover::read).map_err(unread)?;
    let (version, handover) = Handover::of(&document).map_err(|why| untaken(&why))?;
    drop(document);
    let Handover {
        life, blocked, roster, warned, previous, refused, ahead, engine, hooks, news, over, ..
    } = handover;
    life.config.language.iter().for_each(|language| i18n::prefer(language));
    i18n::stay();
    platform::inherit_signals(&blocked);
    // Before anything else is opened.
    let claims = Claims::inherit(handover.claims, &mut inheritance).map_err(unread)?;
    let pidfile = handover.pidfile.map(|left| PidFile::succeed(left, &mut inheritance));
    let pidfile = pidfile.transpose().map_err(unread)?;
    let now = clock::now();
    let (control, client) =
        Control::inherit(handover.doors, handover.client, &mut inheritance, now).map_err(unread)?;
    let LeftEngine { pid, channel, roles, beat, last } = engine;
    let channel = inheritance.take(channel).map_err(unread)?;
    let Life { config, manager, .. } = &life;
    let prints = !config.daemonize;
    let has_scripts = roster.entries().iter().any(|entry| entry.plan().has_down || entry.config.up.is_some());
    let (overheard, text) = voice(config.log, prints, has_scripts)?;
    let mut report = speaker(config.log, prints, text);
    platform::keep_descriptors_private()
        .map_err(|error| StartError::new(Doing::CloseDescriptors, "", error))?;
    let signals = Signals::open().map_err(|error| StartError::new(Doing::CatchSignals, "", error))?;
    let _ = platform::outlive_others();
    report.writes_anywhere(&keep_to_folders(config, manager));
    let (state, archive) = memory(config);
    let ledger = archive.as_ref().map(|archive| Ledger::new(archive.folder().to_owned()));
    let over = hands::run(Belongings {
        claims,
        user: EngineUser::find(config.user.as_ref()),
        signals,
        report,
        overheard,
        notifier: Notifier::new(manager.clone(), false),
        readiness: None,
        pidfile,
        archive,
        ledger,
        control,
        demands: by_hand::DemandFiles::new(state),
        previous,
        warned: warned.into_iter().collect(),
        before: Some(Before {
            version,
            engine: (pid, channel),
            roles,
            beat,
            last,
            ahead,
            hooks,
            news,
            over,
            client,
            refused,
        }),
        roster,
        life,
    })?;
    over.end().map(super::Ended::status)
}
