//! The timer of FreeBSD and macOS: EVFILT_TIMER of kqueue(2), which nothing delays on purpose, in a queue that can be
//! waited for as a descriptor. A child does not inherit it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent, Kqueue};

use super::{descriptors, sys};

/// Readable from a moment on.
#[derive(Debug)]
pub(super) struct Timer(Kqueue);

impl Timer {
    /// Set to nothing yet.
    ///
    /// # Errors
    /// No descriptors left.
    pub(super) fn open() -> io::Result<Self> {
        let queue = Kqueue::new()?;
        descriptors::close_on_exec(queue.as_fd())?;
        Ok(Self(queue))
    }

    /// Forgets the moment it was set to, and that it may have come.
    ///
    /// # Errors
    /// The system has no timer left.
    pub(super) fn set(&self, until: Duration) -> io::Result<()> {
        // A moment can be named by the wall clock alone, which jumps: what is left is counted, and what is far away is
        // looked at again on the way.
        const FAR: Duration = Duration::from_secs(3600);
        let left = until.saturating_sub(sys::now()).min(FAR);
        let nanoseconds = isize::try_from(left.as_nanos()).map_err(io::Error::other)?;
        let flags = EvFlags::EV_ADD | EvFlags::EV_ONESHOT;
        let timer = KEvent::new(0, EventFilter::EVFILT_TIMER, flags, sys::EXACTLY, nanoseconds, 0);
        self.0.kevent(&[timer], &mut [], Some(IMMEDIATELY))?;
        Ok(())
    }

    /// It is not readable until set again.
    pub(super) fn clear(&self) {
        let mut come =
            [KEvent::new(0, EventFilter::EVFILT_TIMER, EvFlags::empty(), FilterFlag::empty(), 0, 0)];
        // Whatever it says, the timer is set again before it is waited for.
        let _ = self.0.kevent(&[], &mut come, Some(IMMEDIATELY));
    }
}

const IMMEDIATELY: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 0 };

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
