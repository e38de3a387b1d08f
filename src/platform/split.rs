//! A second process of this program, which is its child and lives on when it ends.

#![expect(unsafe_code, reason = "fork(2) has no safe wrapper")]

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::sys::signal::{SigSet, SigmaskHow};
use nix::unistd::{ForkResult, dup2_stderr, dup2_stdin, dup2_stdout, fork};

use super::sys;

/// The status of a process in which a panic was caught by nobody else.
const PANICKED: i32 = 70;

/// Splits off a process of this name that does this and ends with the status that comes of it. Signals do not arrive there before it
/// lets them. Nothing that this process owns is dropped there: what it must not have is to be closed by it.
///
/// To be called while there is one thread.
///
/// # Errors
/// No process can be had.
pub fn split_off(name: &CStr, life: impl FnOnce() -> u8) -> io::Result<u32> {
    // A handler of this process must not run in the child.
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    // SAFETY: this process has one thread, so no lock can be held by a thread the child does not have.
    let forked = unsafe { fork() };
    if let Ok(ForkResult::Child) = forked {
        sys::name_process(name);
        let status = catch_unwind(AssertUnwindSafe(life)).map_or(PANICKED, i32::from);
        // SAFETY: takes an integer. Nothing of the parent's is dropped, flushed or unwound here.
        unsafe { libc::_exit(status) };
    }
    before.thread_set_mask()?;
    match forked? {
        ForkResult::Parent { child } => Ok(child.as_raw().unsigned_abs()),
        ForkResult::Child => Err(io::ErrorKind::Other.into()),
    }
}

/// Lets go of the standard streams: what is read from there is nothing, and what is written there goes nowhere.
///
/// # Errors
/// There is no /dev/null.
pub fn let_go_of_streams() -> io::Result<()> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    Ok(())
}
