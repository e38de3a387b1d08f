//! The routing socket of OpenBSD, NetBSD and FreeBSD, which tells of links and addresses.

#![expect(unsafe_code, reason = "nix does not know the routing socket of these systems")]

use std::io;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};

use super::routing_messages::changes;
use super::{Changes, descriptors, sys};

/// Becomes readable when an interface of this host or its addresses change; does not say which, ask `link_state`.
#[derive(Debug)]
pub struct LinkMonitor {
    fd: OwnedFd,
}

impl LinkMonitor {
    /// Subscribes to changes of links and addresses; where the system can, to nothing else.
    ///
    /// # Errors
    /// No descriptors left.
    pub fn open() -> io::Result<Self> {
        // SAFETY: takes no pointers.
        let fd = Errno::result(unsafe { libc::socket(libc::PF_ROUTE, libc::SOCK_RAW, 0) })?;
        // SAFETY: socket(2) just returned it and nobody else knows it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        descriptors::close_on_exec(fd.as_fd())?;
        fcntl(&fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        // Without it routes wake us too, and are looked at in vain.
        let _ = sys::hear_only(fd.as_fd(), &sys::LAYOUT);
        Ok(Self { fd })
    }

    /// Takes what has arrived and says of what kind it was. After messages lost to a full queue (ENOBUFS; OpenBSD's
    /// RTM_DESYNC) anything may have changed.
    pub fn read(&mut self) -> Changes {
        let mut heard = Changes::default();
        let mut messages = [0_u8; 2048];
        loop {
            match nix::unistd::read(&self.fd, &mut messages) {
                Ok(0) => return heard,
                Ok(count) => {
                    let new = changes(&sys::LAYOUT, messages.get(..count).unwrap_or_default());
                    heard.links |= new.links;
                    heard.addresses |= new.addresses;
                }
                Err(Errno::EINTR) => {}
                Err(Errno::ENOBUFS) => heard = Changes { links: true, addresses: true },
                Err(_) => return heard,
            }
        }
    }
}

impl AsFd for LinkMonitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
