//! The scripts, checks and heralds that run, known by the numbers of their processes.
//!
//! Nobody waits for one: neither until its file is executed, which takes as long as its disk takes, nor until it has
//! ended, nor for what it writes. How long it may take is for the engine to say, and for `supervise` when there is none.

mod checks;
mod heralds;
mod process;

use std::io;
use std::os::fd::BorrowedFd;

use checks::Checks;
use heralds::Heralds;
use process::Process;

pub(super) use heralds::{Told, What};

use super::handover::LeftHook;
use super::outcome::Outcome;
use super::overheard::Overheard;
use super::rules::Order;
use crate::log::Log;
use crate::platform::{self, Execution};
use crate::protocol::Hook;

/// All that run, at most one script and one herald for each host, and one run of each check.
#[derive(Default)]
pub(super) struct Children {
    running: Vec<Child>,
    pub(super) checks: Checks,
    pub(super) heralds: Heralds,
}

#[derive(Debug)]
struct Child {
    host: u16,
    hook: Hook,
    path: String,
    process: Process,
    /// Somebody was told that it runs.
    is_told: bool,
}

/// What became of a script.
#[derive(Debug)]
pub(super) enum Happened {
    /// It runs now.
    Running { host: u16, hook: Hook, path: String },
    /// It was never executed.
    NotRun { host: u16, hook: Hook, why: String },
    /// It has ended. With the last line on its standard error.
    Ended { host: u16, hook: Hook, path: String, outcome: Outcome, last_line: Option<String> },
}

impl Children {
    /// Starts what the rules allow. Whether it runs comes from [`Children::look`].
    ///
    /// # Errors
    /// No process or no descriptor can be had.
    pub(super) fn start(&mut self, order: &Order<'_>, overheard: &mut Overheard) -> io::Result<()> {
        let program = order.program()?;
        let process = Process::start(&program, overheard)?;
        let (host, hook, path) = (order.host(), order.hook(), order.script().display().to_string());
        self.running.push(Child { host, hook, path, process, is_told: false });
        Ok(())
    }

    /// A script that was started by the program before. What it writes is shown, if it is, by that one's writer.
    pub(super) fn inherit(&mut self, left: LeftHook) {
        let LeftHook { host, hook, path, pid } = left;
        self.running.push(Child { host, hook, path, process: Process::inherited(pid), is_told: true });
    }

    /// The scripts that run, for whoever succeeds.
    pub(super) fn leave(&self) -> Vec<LeftHook> {
        let left = |child: &Child| LeftHook {
            host: child.host,
            hook: child.hook,
            path: child.path.clone(),
            pid: child.process.pid(),
        };
        self.running.iter().map(left).collect()
    }

    /// Whether of each it is known that it runs, and nothing is to be told.
    pub(super) fn are_settled(&self) -> bool {
        self.running.iter().all(|child| child.is_told) && self.heralds.are_done()
    }

    /// What became of them since the last time: to be asked when a child has ended and when one of
    /// [`Children::reports`] can be read.
    pub(super) fn look(&mut self, overheard: &mut Overheard, log: &mut Log) -> Vec<Happened> {
        let mut happened = Vec::new();
        self.running.retain_mut(|child| child.lives(&mut happened, overheard, log));
        happened
    }

    /// Asks the script of a host and all it started to end, or ends them with `force`.
    pub(super) fn kill(&self, host: u16, force: bool) {
        if let Some(child) = self.running.iter().find(|child| child.host == host) {
            platform::kill_group(child.process.pid(), force);
        }
    }

    /// The script that runs for a host.
    pub(super) fn running(&self, host: u16) -> Option<Hook> {
        self.all().find(|(known, _)| *known == host).map(|(_, hook)| hook)
    }

    /// Every host for which a script runs, and which.
    pub(super) fn all(&self) -> impl Iterator<Item = (u16, Hook)> + '_ {
        self.running.iter().map(|child| (child.host, child.hook))
    }

    /// What to wait for, besides the ends of children.
    pub(super) fn reports(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let own = self.running.iter().filter_map(|child| child.process.report());
        own.chain(self.heralds.reports())
    }

    /// Their numbers: whoever buries strangers leaves these alone.
    pub(super) fn pids(&self) -> Vec<u32> {
        let own = self.running.iter().map(|child| child.process.pid());
        own.chain(self.checks.pids()).chain(self.heralds.pids()).collect()
    }
}

impl Child {
    /// Whether it is still there, with what is to be told of it.
    fn lives(&mut self, happened: &mut Vec<Happened>, overheard: &mut Overheard, log: &mut Log) -> bool {
        let (host, hook) = (self.host, self.hook);
        let (execution, ended) = self.process.look(overheard, log);
        match execution {
            Execution::Refused(why) => {
                happened.push(Happened::NotRun { host, hook, why });
                return false;
            }
            Execution::Begun if !self.is_told => {
                self.is_told = true;
                happened.push(Happened::Running { host, hook, path: self.path.clone() });
            }
            Execution::Begun | Execution::Awaited => {}
        }
        let Some((outcome, last_line)) = ended else { return true };
        let path = std::mem::take(&mut self.path);
        happened.push(Happened::Ended { host, hook, path, outcome, last_line });
        false
    }
}

#[cfg(test)]
mod tests;
