//! The checks that run, each in a process of its own.
//!
//! What one writes is read as it comes, so that it never waits for us, and only its last line is kept. When it has had its
//! time everything in its process group is ended, and so is whatever it leaves there when it ends by itself. One that not
//! even that ends waits for a disk; it is not waited for, and keeps nobody but its own check waiting.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::super::outcome::Found;
use super::super::overheard::LastLine;
use super::process::{Term, became};
use crate::platform::{self, Execution, Program, Started};
use crate::protocol::Time;

/// How long pipes are left alone after they were read.
const REST: Duration = Duration::from_millis(10);
/// How much is read of one at a time: as much as a pipe holds.
const PIECE: usize = 16 * 1024;
const MOST_PIECES: usize = 4;

/// All that run.
#[derive(Default)]
pub(in super::super) struct Checks {
    running: Vec<Running>,
    rests_until: Option<Time>,
}

struct Running {
    /// Whose run it is, and which; nothing if nobody wants to know any more.
    of: Option<(u16, u32)>,
    started: Started,
    /// What it writes, until nobody wants to read that.
    output: Option<File>,
    last: LastLine,
    term: Term,
}

impl Checks {
    /// Begins a run, which may last so long.
    ///
    /// # Errors
    /// No process or no descriptor can be had.
    pub(in super::super) fn start(
        &mut self,
        of: (u16, u32),
        program: &Program,
        timeout: Duration,
        now: Time,
    ) -> io::Result<()> {
        let (output, writer) = platform::pipe_to_read()?;
        let started = program.start(Some(writer.as_fd()), Some(writer.as_fd()))?;
        self.running.push(Running {
            of: Some(of),
            started,
            output: Some(output.into()),
            last: LastLine::default(),
            term: Term::until(now + timeout),
        });
        Ok(())
    }

    /// Whether a run of this check goes on.
    pub(in super::super) fn has(&self, check: u16) -> bool {
        self.running.iter().any(|one| one.of.is_some_and(|(number, _)| number == check))
    }

    /// Ends what runs of this check, or of all: nobody wants to know how.
    pub(in super::super) fn forget(&mut self, check: Option<u16>) {
        for one in &mut self.running {
            if one.of.is_some_and(|(number, _)| check.is_none_or(|check| check == number)) {
                one.of = None;
                one.end();
            }
        }
    }

    /// What to wait for, besides the ends of children.
    pub(in super::super) fn descriptors(&self, now: Time) -> impl Iterator<Item = BorrowedFd<'_>> {
        let rests = self.rests_until.is_some_and(|until| until > now);
        let outputs = self.running.iter().filter_map(|one| one.output.as_ref()).filter(move |_| !rests);
        self.running.iter().filter_map(|one| one.started.report()).chain(outputs.map(AsFd::as_fd))
    }

    /// When to look whatever the descriptors say.
    pub(in super::super) fn deadline(&self) -> Option<Time> {
        let ends = self.running.iter().filter_map(|one| one.term.deadline());
        ends.chain(self.rests_until).min()
    }

    /// The numbers of the processes.
    pub(in super::super) fn pids(&self) -> impl Iterator<Item = u32> + '_ {
        self.running.iter().map(|one| one.started.pid())
    }

    /// Ends who had his time, and takes in what became of the others: of whose run that was found.
    pub(in super::super) fn look(&mut self, now: Time) -> Vec<((u16, u32), Found)> {
        let mut found = Vec::new();
        let reads = self.rests_until.is_none_or(|until| until <= now);
        let mut read = false;
        self.running.retain_mut(|one| {
            read |= reads && one.read(1);
            match one.found() {
                Some(what) => {
                    found.extend(one.of.map(|of| (of, what)));
                    false
                }
                None => {
                    one.end_by_time(now);
                    true
                }
            }
        });
        if reads {
            self.rests_until = read.then_some(now + REST);
        }
        found
    }
}

impl Running {
    /// What it found, if it is over.
    fn found(&mut self) -> Option<Found> {
        let (execution, ended) = became(&mut self.started);
        if let Execution::Refused(why) = execution {
            return Some(Found::NotRun { why });
        }
        let outcome = ended?;
        self.read(MOST_PIECES);
        // What it left in its group; without anybody in it there is no such group.
        platform::kill_group(self.started.pid(), true);
        Some(Found::Ended { outcome, last_line: self.last.text() })
    }

    /// Reads some of what it writes. Whether there was anything.
    fn read(&mut self, pieces: usize) -> bool {
        let mut any = false;
        let mut piece = [0; PIECE];
        for _ in 0..pieces {
            let Some(output) = &mut self.output else { break };
            match output.read(&mut piece) {
                Ok(0) => self.output = None,
                Ok(count) => {
                    any = true;
                    self.last.take(piece.get(..count).unwrap_or_default());
                }
                Err(_) => break,
            }
        }
        any
    }

    fn end_by_time(&mut self, now: Time) {
        if self.term.enforce(self.started.pid(), now) {
            self.output = None;
        }
    }

    /// Ends it in the way that cannot be refused. What it still has to say matters to nobody.
    fn end(&mut self) {
        self.term.end(self.started.pid());
        self.output = None;
    }
}

#[cfg(test)]
mod tests;
