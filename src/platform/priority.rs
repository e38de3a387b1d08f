//! Being served in time: a place before other processes, and memory that stays where it is.
//!
//! Both are this process's alone, or its children's too as far as the niceness goes, and are to be asked for before rights
//! are given up, which they outlive.

#![expect(unsafe_code, reason = "priorities and locked memory have no safe wrapper in nix")]

use std::io;

use nix::errno::Errno;

/// Enough to come before what users and ordinary services run; OpenBSD's ntpd(8) asks for the most there is, -20.
const NICENESS: libc::c_int = -10;

/// Asks for a niceness of -10, unless this process has a better one. Programs that it starts inherit it.
///
/// # Errors
/// It is not granted: EACCES or EPERM.
pub fn run_before_others() -> io::Result<()> {
    if niceness()? > NICENESS {
        // SAFETY: takes no pointers.
        Errno::result(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS) })?;
    }
    Ok(())
}

fn niceness() -> io::Result<libc::c_int> {
    Errno::clear();
    // SAFETY: takes no pointers.
    let niceness = unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
    // -1 is an answer too.
    if niceness == -1 && Errno::last_raw() != 0 { Err(Errno::last().into()) } else { Ok(niceness) }
}

/// Has all memory of this process, what it has and what it will have, stay where it is: none of it is ever written out
/// only to be read again when it is needed. The limit of such memory is lifted first, and nothing is done where it cannot
/// be: under one, what is needed later could not be had at all. Children do not inherit it, but for the limit.
///
/// # Errors
/// It is not granted: EPERM, ENOMEM or EAGAIN; ENOSYS where the system has nothing of the kind.
pub fn stay_in_memory() -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the kernel reads one rlimit, which lives in this frame.
    Errno::result(unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const limit) })?;
    // SAFETY: takes no pointers.
    Errno::result(unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE) })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::rights::tests::{in_child, is_root};
    use super::super::{User, surrender};
    use super::*;

    #[test]
    fn a_better_niceness_stays_and_another_becomes_better() {
        if !is_root() {
            return;
        }
        for (before, after) in [(0, NICENESS), (5, NICENESS), (-15, -15), (-1, NICENESS)] {
            in_child(|| {
                // SAFETY: takes no pointers.
                unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, before) };
                run_before_others().unwrap();
                drop(surrender(User::unused().as_ref()));
                assert_eq!(niceness().unwrap(), after, "it outlives the rights");
            });
        }
        in_child(|| {
            drop(surrender(User::unused().as_ref()));
            let refused = run_before_others();
            assert!(
                niceness().unwrap() <= NICENESS
                    || refused.unwrap_err().kind() == io::ErrorKind::PermissionDenied
            );
        });
    }

    /// Where the kernel tells, which is not macOS.
    #[test]
    fn locked_memory_outlives_the_rights_and_there_is_enough() {
        if !is_root() {
            return;
        }
        in_child(|| {
            let granted = stay_in_memory();
            drop(surrender(User::unused().as_ref()));
            if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
                assert_eq!(granted.is_ok(), !status.contains("VmLck:\t       0 kB"), "{status}");
            }
            let large = vec![1_u8; 32 << 20];
            assert_eq!(large.iter().map(|byte| usize::from(*byte)).sum::<usize>(), large.len());
        });
    }
}
