//! How an engine is split off from the hands, and how a process of theirs is ended.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use super::super::children::Children;
use super::super::clock::now;
use super::super::control::Control;
use super::super::engine::{self, Heritage, Left, Turn};
use super::super::notify::Notifier;
use super::super::overheard::Overheard;
use super::super::report::Report;
use super::{Engine, Hands};
use crate::log::Log;
use crate::platform::{self, Channel};

/// How long an engine may take to be ready while another one serves.
const PREPARING: Duration = Duration::from_secs(5);
/// How long is waited for one that was ended: it sends nothing any more, but the system may take a while to close what it had.
const ENDING: Duration = Duration::from_millis(20);
const MOMENT: Duration = Duration::from_millis(1);

/// Waits until somebody has said something, or nobody can any more, but not for ever.
fn await_end_or_word(reader: &OwnedFd) {
    let _ = platform::wait(&[reader.as_fd()], &mut Vec::new(), Some(PREPARING));
}

impl Hands {
    /// Ends a process of ours, which is waited for by and by.
    pub(super) fn let_end(&mut self, pid: u32) {
        platform::end_child(pid);
        self.dying.push(pid);
        self.dying.retain(|pid| matches!(platform::reap(*pid), Ok(None)));
    }

    pub(super) fn start_engine(&mut self, left: Option<Left>) -> io::Result<()> {
        self.split_engine_off(left, None)
    }

    /// Starts one in the place of another that serves on until it is ready. That one is ended in any case.
    pub(super) fn start_engine_after(
        &mut self,
        left: Left,
        (before, channel): (u32, OwnedFd),
    ) -> io::Result<()> {
        let (prepared, tell_prepared) = platform::pipe_to_read()?;
        let (its_turn, give_turn) = platform::pipe_to_read()?;
        let (mut near, mut channel) = (Some((prepared, give_turn)), Some(channel));
        let turn = Turn { prepared: tell_prepared.into(), comes: its_turn };
        let mut turn = Some(turn);
        let started = self.split_engine_off(
            Some(left),
            Some(&mut || {
                (near, channel) = (None, None);
                turn.take()
            }),
        );
        drop(turn);
        let Some((prepared, give_turn)) = near else { return started };
        if started.is_ok() {
            await_end_or_word(&prepared);
        }
        platform::end_child(before);
        let until = now() + ENDING;
        while matches!(platform::reap(before), Ok(None)) {
            if now() >= until {
                self.dying.push(before);
                break;
            }
            let _ = platform::wait(&[], &mut Vec::new(), Some(MOMENT));
        }
        let _ = File::from(give_turn).write_all(&[1]);
        drop(channel);
        started
    }

    fn split_engine_off(
        &mut self,
        left: Option<Left>,
        waits: Option<&mut dyn FnMut() -> Option<Turn>>,
    ) -> io::Result<()> {
        // It knows nothing of what the one before had begun.
        self.children.checks.forget(None);
        let (near, far) = Channel::pair()?;
        let silence = self.silence();
        // To be dropped in one of the two processes, and used in the other.
        let (mut near, mut far) = (Some(near), Some(far));
        let pid = platform::split_off(c"engine", || {
            near = None;
            let Some(channel) = far.take() else { return super::super::BUG };
            let report = self.leave();
            let (roster, user, pidfile) = (self.rules.roster(), &self.user, self.pidfile.as_ref());
            engine::live(
                Heritage {
                    roster,
                    may_change: self.reading.can(),
                    lock_memory: self.life.config.lock_memory,
                    channel,
                    silence,
                    pidfile,
                    user,
                    left,
                    turn: waits.and_then(|waits| waits()),
                },
                report,
            )
        })?;
        // Without it a later start finds the names taken, and says by whom.
        let _ = self.heir.name(pid);
        // It knows all that changed before.
        self.engine = near.map(|channel| Engine { pid, channel, untold: VecDeque::new() });
        Ok(())
    }

    /// In the process that becomes an engine: lets go of what is the hands' alone.
    fn leave(&mut self) -> Report {
        self.engine = None;
        self.children = Children::default();
        self.overheard = Overheard::nobody();
        self.notifier = Notifier::default();
        self.readiness = None;
        self.signals = None;
        self.control = Control::default();
        std::mem::replace(&mut self.report, Report::new(Log::none(super::super::SERVICES)))
    }
}
