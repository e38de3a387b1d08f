//! The timer of Linux: timerfd(2) on the clock that counts suspended time, so a deadline that passed while the host
//! slept wakes us with it. Unlike a timeout of ppoll(2) it has no slack (`select_estimate_accuracy` of fs/select.c).

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

/// Readable from a moment on.
#[derive(Debug)]
pub(super) struct Timer(TimerFd);

impl Timer {
    /// Set to nothing yet.
    ///
    /// # Errors
    /// No descriptors left.
    pub(super) fn open() -> io::Result<Self> {
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        Ok(Self(TimerFd::new(ClockId::CLOCK_BOOTTIME, flags)?))
    }

    /// Forgets the moment it was set to, and that it may have come.
    ///
    /// # Errors
    /// The moment is beyond what the kernel can count.
    pub(super) fn set(&self, until: Duration) -> io::Result<()> {
        // A zero would mean that there is none.
        let until = TimeSpec::from(until.max(Duration::from_nanos(1)));
        Ok(self.0.set(Expiration::OneShot(until), TimerSetTimeFlags::TFD_TIMER_ABSTIME)?)
    }

    /// It is not readable until set again: setting does that here.
    pub(super) fn clear(&self) {}
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
