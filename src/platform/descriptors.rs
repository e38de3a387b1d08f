//! What is the same on every system of descriptors: how many there may be, their flags and options.

#![expect(unsafe_code, reason = "some socket options have no safe wrapper")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::OnceLock;

use libc::rlim_t;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// For four of each of 4,096 virtual hosts and what all have in common; or what macOS grants at most (OPEN_MAX).
const ENOUGH: [rlim_t; 2] = [20_480, 10_240];

/// The soft and hard limit of descriptors before we changed it.
static STARTED_WITH: OnceLock<(rlim_t, rlim_t)> = OnceLock::new();

/// Lets this process have as many descriptors as thousands of virtual hosts need, or as it may. Systems start programs with
/// 128 to 1,024, for the sake of those that call select(2). Where no more can be had nothing else is lost, so nobody is told.
pub fn make_room_for_descriptors() {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    let _ = STARTED_WITH.get_or_init(|| (soft, hard));
    let _ = ENOUGH.map(|enough| enough.min(hard)).into_iter().find(|enough| {
        // The hard limit stays: others than root could not give it back to their children.
        soft >= *enough || setrlimit(Resource::RLIMIT_NOFILE, *enough, hard).is_ok()
    });
}

/// Gives this process the limit of descriptors that ours was started with. For a child between fork and exec: it makes
/// no other call than setrlimit(2), which is safe there.
///
/// # Errors
/// As setrlimit(2): something lowered the hard limit meanwhile.
pub(super) fn restore_limit() -> io::Result<()> {
    match STARTED_WITH.get() {
        Some(&(soft, hard)) => Ok(setrlimit(Resource::RLIMIT_NOFILE, soft, hard)?),
        None => Ok(()),
    }
}

/// Keeps a descriptor out of the programs we start.
///
/// # Errors
/// The descriptor is not open.
pub fn close_on_exec(fd: BorrowedFd<'_>) -> io::Result<()> {
    let flags = FdFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFD)?);
    if !flags.contains(FdFlag::FD_CLOEXEC) {
        fcntl(fd, FcntlArg::F_SETFD(flags | FdFlag::FD_CLOEXEC))?;
    }
    Ok(())
}

/// Sets an option of a socket. `T` must be the plain C type that the option's manual page names.
pub(super) fn set_option<T>(fd: BorrowedFd<'_>, level: i32, option: i32, value: &T) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<T>()).expect("options are smaller than 4 GiB");
    let start = std::ptr::from_ref(value).cast();
    // SAFETY: the pointer is to a T that outlives the call and the length is its size; the kernel only reads.
    Errno::result(unsafe { libc::setsockopt(fd.as_raw_fd(), level, option, start, length) })?;
    Ok(())
}

/// Whether this is how a system says that a datagram finds no room where it is to be read: EAGAIN on Linux, ENOBUFS on
/// the others (`uipc_send` or `uipc_usrreq` of kern/uipc_usrreq.c).
#[must_use]
pub fn says_no_room(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::ENOBUFS))
}

#[cfg(test)]
mod tests {
    use super::super::rights::tests::in_child;
    use super::*;

    #[test]
    fn there_is_room_and_programs_find_what_we_found() {
        in_child(|| {
            let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
            setrlimit(Resource::RLIMIT_NOFILE, 64, hard).unwrap();
            make_room_for_descriptors();
            make_room_for_descriptors();
            let (soft, same) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
            assert!(soft >= ENOUGH[1].min(hard) && same == hard, "{soft} of {hard}");
            restore_limit().unwrap();
            assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap(), (64, hard));
        });
    }
}
