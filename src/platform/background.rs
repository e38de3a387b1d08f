//! Leaving the caller behind: a daemon in a session of its own, whose start the caller waits for.
//!
//! One fork, not two. The second one of the textbook keeps a session leader from getting a terminal by opening one,
//! and this program opens none; without it the daemon is the caller's child, so that its exit status tells how the
//! start went and its messages until then are written where the caller reads them. Nothing of that passes through the
//! pipe, which only says "ready" by one byte.
//!
//! Must not decide when that is, and must not know what is being started.

#![expect(unsafe_code, reason = "fork(2) has no safe wrapper")]

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::stat::{Mode, umask};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, chdir, dup2_stdin, fork, pipe, setsid};

use super::Unnumbered;
use super::{descriptors, split, sys};

/// Which of the two processes this is.
#[derive(Debug)]
pub enum Process {
    /// The one that was called.
    Caller(Waiting),
    /// The one that stays.
    Daemon(Readiness),
}

/// The caller's side.
#[derive(Debug)]
pub struct Waiting {
    pipe: OwnedFd,
    child: Pid,
}

/// The daemon's side. Dropped without a word it means nothing; the exit status tells.
#[derive(Debug)]
pub struct Readiness {
    pipe: OwnedFd,
}

/// Splits off a process that is the leader of its own session, works in `/` and creates files that everybody may read
/// (umask 022). Standard output and error stay the caller's until [`Readiness::announce`]; every other inherited
/// descriptor is closed in both.
///
/// To be called while there is one thread and before anything is opened.
///
/// # Errors
/// No process or no descriptor can be had, or `/dev/null` is missing.
pub fn go_to_background() -> io::Result<Process> {
    sys::close_from(3)?;
    let null = File::options().read(true).write(true).open("/dev/null")?;
    let (reader, writer) = pipe()?;
    for end in [reader.as_fd(), writer.as_fd()] {
        descriptors::close_on_exec(end)?;
    }
    // SAFETY: this process has one thread, so no lock can be held by a thread the child does not have.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => Ok(Process::Caller(Waiting { pipe: reader, child })),
        ForkResult::Child => {
            setsid()?;
            chdir("/")?;
            // 027 would be tidier, but what hooks and status readers shared with the ancestor stays readable.
            umask(Mode::from_bits_truncate(0o022));
            dup2_stdin(&null)?;
            Ok(Process::Daemon(Readiness { pipe: writer }))
        }
    }
}

impl Waiting {
    /// Waits until the daemon is ready, which is 0, or has ended before, which is its exit status.
    ///
    /// # Errors
    /// It ended without saying why: by a signal, or as if nothing had been to do.
    pub fn outcome(self) -> io::Result<u8> {
        let mut byte = [0_u8];
        loop {
            match nix::unistd::read(&self.pipe, &mut byte) {
                Ok(0) => break,
                Ok(_) => return Ok(0),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let status = loop {
            match waitpid(self.child, None) {
                Err(Errno::EINTR) => {}
                other => break other?,
            }
        };
        match status {
            WaitStatus::Exited(_, code) if code != 0 => Ok(u8::try_from(code).unwrap_or(u8::MAX)),
            WaitStatus::Signaled(_, signal, _) => Err(io::Error::other(Unnumbered::Signalled(signal as i32))),
            _ => Err(io::Error::other(Unnumbered::Ended)),
        }
    }
}

impl Readiness {
    /// Lets go of the caller's standard streams and tells it that all is well.
    ///
    /// # Errors
    /// The caller is gone: it was interrupted while it waited, so the daemon is not wanted.
    pub fn announce(self) -> io::Result<()> {
        // Told first: an error can still be written where the caller reads it.
        while let Err(error) = nix::unistd::write(&self.pipe, &[1]) {
            if error != Errno::EINTR {
                return Err(error.into());
            }
        }
        split::let_go_of_streams()
    }
}
