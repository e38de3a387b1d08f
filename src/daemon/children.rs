//! The scripts, checks and heralds that run, known by the numbers of their processes.
//!
//! Nobody waits for one: neither until its file is executed, which takes as long as its disk takes, nor until it has
//! ended, nor for what it writes. How long it may take is for the engine to say, and for `supervise` when there is none.

mod checks;
mod heralds;

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use checks::Checks;
use heralds::Heralds;

pub(super) use heralds::{Told, What};

use super::outcome::Outcome;
use super::overheard::Overheard;
use super::rules::Order;
use crate::log::Log;
use crate::platform::{self, Execution, Standard, Started};
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
    started: Started,
    /// Somebody was told that it runs.
    is_told: bool,
    /// Where its standard output and error are heard.
    output: Option<usize>,
    error: Option<usize>,
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
        let (output, output_end) = overheard.listen(Standard::Output);
        let (error, error_end) = overheard.listen(Standard::Error);
        let started =
            program.start(output_end.as_ref().map(AsFd::as_fd), error_end.as_ref().map(AsFd::as_fd));
        // Our own ends for writing are closed here: the script's are all there are.
        drop((output_end, error_end));
        let (host, hook, path) = (order.host(), order.hook(), order.script().display().to_string());
        match started {
            Ok(started) => {
                self.running.push(Child { host, hook, path, started, is_told: false, output, error });
                Ok(())
            }
            Err(why) => {
                ignore([output, error], overheard);
                Err(why)
            }
        }
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
            platform::kill_group(child.started.pid(), force);
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
        let own = self.running.iter().filter_map(|child| child.started.report());
        own.chain(self.heralds.reports())
    }

    /// Their numbers: whoever buries strangers leaves these alone.
    pub(super) fn pids(&self) -> Vec<u32> {
        let own = self.running.iter().map(|child| child.started.pid());
        own.chain(self.checks.pids()).chain(self.heralds.pids()).collect()
    }
}

impl Child {
    /// Whether it is still there, with what is to be told of it.
    fn lives(&mut self, happened: &mut Vec<Happened>, overheard: &mut Overheard, log: &mut Log) -> bool {
        let (host, hook) = (self.host, self.hook);
        // In this order: whoever has ended has said before what there was to say.
        let ended = match platform::reap(self.started.pid()) {
            Ok(ended) => ended.map(Outcome::from),
            // Somebody else has waited for it, so it is over.
            Err(_) => Some(Outcome::Unknown),
        };
        match self.started.execution() {
            // What is left of the process is a stranger's from now on.
            Execution::Refused(why) => {
                ignore([self.output, self.error], overheard);
                happened.push(Happened::NotRun { host, hook, why });
                return false;
            }
            Execution::Begun if !self.is_told => {
                self.is_told = true;
                happened.push(Happened::Running { host, hook, path: self.path.clone() });
            }
            Execution::Begun | Execution::Awaited => {}
        }
        let Some(outcome) = ended else { return true };
        self.output.and_then(|number| overheard.last_line(number, log));
        let last_line = self.error.and_then(|number| overheard.last_line(number, log));
        let path = std::mem::take(&mut self.path);
        happened.push(Happened::Ended { host, hook, path, outcome, last_line });
        false
    }
}

/// Nobody is going to ask for a last line; without writers the pipes come to their ends.
fn ignore(heard: [Option<usize>; 2], overheard: &mut Overheard) {
    heard.into_iter().flatten().for_each(|number| overheard.ignore(number));
}

#[cfg(test)]
mod tests;
