//! OpenBSD and NetBSD: every timer there, whatever asks for it, ends at a tick of the clock and not much later, so the
//! timeout of a wait is as good as any.

use std::convert::Infallible;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// There is none.
#[derive(Debug)]
pub(super) struct Timer(Infallible);

impl Timer {
    /// See the items of this name of the other systems.
    ///
    /// # Errors
    /// Always.
    pub(super) fn open() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Cannot be called.
    ///
    /// # Errors
    /// None.
    pub(super) fn set(&self, _until: Duration) -> io::Result<()> {
        match self.0 {}
    }

    /// Cannot be called.
    pub(super) fn clear(&self) {
        match self.0 {}
    }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self.0 {}
    }
}
