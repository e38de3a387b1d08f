//! What is the same on every system of descriptors: their flags and options.

#![expect(unsafe_code, reason = "some socket options have no safe wrapper")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};

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
