//! Being spared when the system runs out of memory, without sparing the programs we start.

#![expect(unsafe_code, reason = "a child between fork(2) and execve(2) makes system calls alone")]

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::OnceLock;

use super::sys;

/// What is asked for: -1000 is "never", which would leave a leak of ours to kill everything else.
const SPARED: i32 = -900;

/// What this process was started with.
static FOUND: OnceLock<Vec<u8>> = OnceLock::new();

/// Asks that other processes be ended before this one. Nothing where the system has no such wish.
///
/// # Errors
/// It is not granted.
pub fn outlive_others() -> io::Result<()> {
    let Some(file) = sys::OOM_SCORE else { return Ok(()) };
    let path = Path::new(OsStr::from_bytes(file.to_bytes()));
    let found = fs::read(path)?;
    let score: i32 = String::from_utf8_lossy(&found).trim().parse().map_err(io::Error::other)?;
    if score > SPARED {
        fs::write(path, SPARED.to_string())?;
        let _ = FOUND.set(found);
    }
    Ok(())
}

/// Whether this process has something else than it was started with; from now on it has not.
pub(super) fn given_back() -> bool {
    restore();
    FOUND.get().is_some()
}

/// Gives this process back what ours was started with. For a child between fork(2) and execve(2).
pub(super) fn restore() {
    let (Some(file), Some(found)) = (sys::OOM_SCORE, FOUND.get()) else { return };
    // SAFETY: a NUL-terminated string and bytes that live as long as the process; the descriptor is this function's own.
    unsafe {
        let fd = libc::open(file.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if fd >= 0 {
            libc::write(fd, found.as_ptr().cast(), found.len());
            libc::close(fd);
        }
    }
}
