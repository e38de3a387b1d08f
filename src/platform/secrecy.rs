//! Keeping what this process knows, passwords above all, out of core files.
//!
//! What it was started with is kept here, in one place: the programs it starts are to have that, not ours.

use std::io;
use std::sync::OnceLock;

use libc::rlim_t;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::sys;

/// The soft and hard limit of core files before we changed it.
static STARTED_WITH: OnceLock<(rlim_t, rlim_t)> = OnceLock::new();

/// From now on no core file is written for this process, however it ends. To be called before a password is read. Where
/// it cannot be had nothing else is lost, so nobody is told.
pub fn forbid_core_files() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_CORE) {
        let (_, hard) = *STARTED_WITH.get_or_init(|| (soft, hard));
        // The hard limit stays: others than root could not give it back to their children.
        let _ = setrlimit(Resource::RLIMIT_CORE, 0, hard);
    }
    sys::refuse_core_files();
}

/// Gives this process the limit of core files that ours was started with. For a child between fork and exec: it makes
/// no other call than setrlimit(2), which is safe there.
///
/// # Errors
/// As setrlimit(2): something lowered the hard limit meanwhile.
pub(super) fn restore_core_limit() -> io::Result<()> {
    match STARTED_WITH.get() {
        Some(&(soft, hard)) => Ok(setrlimit(Resource::RLIMIT_CORE, soft, hard)?),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_comes_back() {
        let before = getrlimit(Resource::RLIMIT_CORE).unwrap();
        forbid_core_files();
        forbid_core_files();
        assert_eq!(getrlimit(Resource::RLIMIT_CORE).unwrap(), (0, before.1));
        restore_core_limit().unwrap();
        assert_eq!(getrlimit(Resource::RLIMIT_CORE).unwrap(), before);
    }
}
