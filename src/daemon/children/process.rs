//! What scripts, checks and heralds have in common: how a process is begun, told to end, and found to be over.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::super::outcome::Outcome;
use super::super::overheard::Overheard;
use crate::log::Log;
use crate::platform::{self, Execution, Program, Standard, Started};
use crate::protocol::Time;

/// From being asked to end until being ended.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// How far it has got, and how it ended, if it is over. Whose file was not executed is over; what is left of the process is a
/// stranger's then.
pub(super) fn became(started: &mut Started) -> (Execution, Option<Outcome>) {
    // In this order: whoever has ended has said before what there was to say.
    let ended = match platform::reap(started.pid()) {
        Ok(ended) => ended.map(Outcome::from),
        // Somebody else has waited for it, so it is over.
        Err(_) => Some(Outcome::Unknown),
    };
    (started.execution(), ended)
}

/// A process of which standard output and error are overheard.
#[derive(Debug)]
pub(super) struct Process {
    started: Started,
    output: Option<usize>,
    error: Option<usize>,
}

impl Process {
    /// # Errors
    /// No process or no descriptor can be had.
    pub(super) fn start(program: &Program, overheard: &mut Overheard) -> io::Result<Self> {
        let (output, output_end) = overheard.listen(Standard::Output);
        let (error, error_end) = overheard.listen(Standard::Error);
        let started =
            program.start(output_end.as_ref().map(AsFd::as_fd), error_end.as_ref().map(AsFd::as_fd));
        // Our own ends for writing are closed here: the program's are all there are.
        drop((output_end, error_end));
        match started {
            Ok(started) => Ok(Self { started, output, error }),
            Err(why) => {
                ignore([output, error], overheard);
                Err(why)
            }
        }
    }

    /// One that was started by the program that was this process before.
    pub(super) fn inherited(pid: u32) -> Self {
        Self { started: Started::inherited(pid), output: None, error: None }
    }

    pub(super) fn pid(&self) -> u32 {
        self.started.pid()
    }

    /// What to wait for, besides its end.
    pub(super) fn report(&self) -> Option<BorrowedFd<'_>> {
        self.started.report()
    }

    /// As [`became`], with the last line on its standard error if it has ended.
    pub(super) fn look(
        &mut self,
        overheard: &mut Overheard,
        log: &mut Log,
    ) -> (Execution, Option<(Outcome, Option<String>)>) {
        let (execution, ended) = became(&mut self.started);
        if matches!(execution, Execution::Refused(_)) {
            ignore([self.output, self.error], overheard);
            return (execution, None);
        }
        let ended = ended.map(|outcome| {
            self.output.and_then(|number| overheard.last_line(number, log));
            (outcome, self.error.and_then(|number| overheard.last_line(number, log)))
        });
        (execution, ended)
    }
}

/// Nobody is going to ask for a last line; without writers the pipes come to their ends.
fn ignore(heard: [Option<usize>; 2], overheard: &mut Overheard) {
    heard.into_iter().flatten().for_each(|number| overheard.ignore(number));
}

/// When a process and all it started is ended: asked at first, and a moment later in the way that cannot be refused.
#[derive(Debug)]
pub(super) struct Term {
    /// Nothing, once nothing more can be done.
    ends: Option<Time>,
    asked: bool,
}

impl Term {
    pub(super) const fn until(end: Time) -> Self {
        Self { ends: Some(end), asked: false }
    }

    /// When there is something to do.
    pub(super) const fn deadline(&self) -> Option<Time> {
        self.ends
    }

    /// Whether it was asked to end.
    pub(super) const fn is_over(&self) -> bool {
        self.asked
    }

    /// It ends by then at the latest.
    pub(super) fn shorten(&mut self, end: Time) {
        self.ends = self.ends.map(|ends| ends.min(end));
    }

    /// Ends it if its time is over. Whether nothing more can be done.
    pub(super) fn enforce(&mut self, pid: u32, now: Time) -> bool {
        if self.ends.is_none_or(|ends| ends > now) {
            return false;
        }
        platform::kill_group(pid, self.asked);
        self.ends = (!self.asked).then_some(now + PATIENCE);
        self.asked = true;
        self.ends.is_none()
    }

    /// Ends it now, in the way that cannot be refused.
    pub(super) fn end(&mut self, pid: u32) {
        platform::kill_group(pid, true);
        *self = Self { ends: None, asked: true };
    }
}
