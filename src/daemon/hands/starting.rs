//! How an engine is split off from the hands, and how a process of theirs is ended.

use std::collections::VecDeque;

use super::super::children::Children;
use super::super::control::Control;
use super::super::engine::{self, Heritage, Left};
use super::super::notify::Notifier;
use super::super::overheard::Overheard;
use super::super::report::Report;
use super::{Engine, Hands};
use crate::log::Log;
use crate::platform::{self, Channel};

impl Hands {
    /// Ends a process of ours, which is waited for by and by.
    pub(super) fn let_end(&mut self, pid: u32) {
        platform::end_child(pid);
        self.dying.push(pid);
        self.dying.retain(|pid| matches!(platform::reap(*pid), Ok(None)));
    }

    pub(super) fn start_engine(&mut self, left: Option<Left>) -> std::io::Result<()> {
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
                    lock_memory: self.lock_memory,
                    channel,
                    silence,
                    pidfile,
                    user,
                    left,
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
