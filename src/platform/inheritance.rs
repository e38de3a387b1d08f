//! Descriptors that one program leaves open for the next one in the same process, by their numbers.

#![expect(unsafe_code, reason = "descriptors known by number")]

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use super::descriptors::close_on_exec;

/// Leaves a descriptor open for whoever succeeds, who is told this number.
///
/// # Errors
/// It is not open.
pub fn leave_open(fd: BorrowedFd<'_>) -> io::Result<i32> {
    let flags = FdFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFD)?);
    fcntl(fd, FcntlArg::F_SETFD(flags - FdFlag::FD_CLOEXEC))?;
    Ok(fd.as_raw_fd())
}

/// Keeps what was left open out of other programs again, where nobody succeeded.
pub fn leave_no_more(numbers: &[i32]) {
    for number in numbers.iter().filter(|number| **number > libc::STDERR_FILENO) {
        // SAFETY: looked at for the time of the call; where nothing is open the call fails.
        let _ = close_on_exec(unsafe { BorrowedFd::borrow_raw(*number) });
    }
}

/// The descriptors that a predecessor left, by their numbers: each can be had once.
#[derive(Debug, Default)]
pub struct Inheritance {
    taken: BTreeSet<i32>,
}

impl Inheritance {
    /// The one of this number; it is for no other program from now on. To be called before anything else is opened, and only
    /// for a number that the program told which was here before.
    ///
    /// # Errors
    /// It is not open, is one of the first three, or was taken already.
    pub fn take(&mut self, number: i32) -> io::Result<OwnedFd> {
        if number <= libc::STDERR_FILENO || !self.taken.insert(number) {
            return Err(Errno::EBADF.into());
        }
        // SAFETY: looked at for the time of the call; where nothing is open the call fails.
        close_on_exec(unsafe { BorrowedFd::borrow_raw(number) })?;
        // SAFETY: it is open, and nobody else in this process knows it: whoever opened it is gone with his program, and it
        // is handed out once.
        Ok(unsafe { OwnedFd::from_raw_fd(number) })
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn a_descriptor_is_inherited_once() {
        let file = File::open("/dev/null").unwrap();
        let kept = nix::unistd::dup(&file).unwrap();
        let number = leave_open(kept.as_fd()).unwrap();
        let closes = |number| {
            // SAFETY: looked at for the time of the call.
            let fd = unsafe { BorrowedFd::borrow_raw(number) };
            FdFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFD).unwrap()).contains(FdFlag::FD_CLOEXEC)
        };
        assert!(!closes(number));
        leave_no_more(&[number, -1, 0]);
        assert!(closes(number));
        // As if that were another program's.
        std::mem::forget(kept);
        let mut inheritance = Inheritance::default();
        let taken = inheritance.take(number).unwrap();
        for wrong in [number, -1, 0, 2, i32::MAX] {
            assert!(inheritance.take(wrong).is_err(), "{wrong}");
        }
        drop(taken);
    }
}
