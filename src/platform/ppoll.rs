//! Waiting for descriptors with ppoll(2), for the systems that have it and whose poll serves every descriptor
//! we hold.
//!
//! ppoll takes the timeout in nanoseconds; poll(2) rounds to milliseconds, which is how a daemon becomes late.
//! Level-triggered, no state between calls. Must not read a clock or retry: the caller knows its deadlines.

#![expect(unsafe_code, reason = "ppoll(2) with the exact timeout")]

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags};
use nix::sys::time::TimeSpec;

use super::sys;

/// Sleeps until one of `fds` has something to say or `timeout` is over; without a timeout, for as long as it
/// takes. Afterwards `ready` holds one value per descriptor, in their order; trouble (an error, a hang-up, a bad
/// descriptor) counts as ready, because the read that follows names it.
///
/// A signal ends the wait with nothing ready.
///
/// # Errors
/// What ppoll(2) refuses: too many descriptors, no memory.
pub fn wait(fds: &[BorrowedFd<'_>], ready: &mut Vec<bool>, timeout: Option<Duration>) -> io::Result<()> {
    let mut entries: Vec<PollFd<'_>> = fds.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
    let timeout = timeout.map(TimeSpec::from);
    let timeout = timeout.as_ref().map_or(std::ptr::null(), |t| std::ptr::from_ref(t.as_ref()));
    let count = libc::nfds_t::try_from(entries.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: PollFd is a transparent libc::pollfd, `entries` is that many of them and lives across the call;
    // the timeout is null or points to a timespec in this frame; a null mask leaves signals as they are.
    let woken = unsafe { sys::ppoll(entries.as_mut_ptr().cast(), count, timeout, std::ptr::null()) };
    ready.clear();
    if woken < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
        ready.resize(fds.len(), false);
        return Ok(());
    }
    // Bits unknown to nix count as readiness too: better one read too many than a descriptor that spins unseen.
    ready.extend(entries.iter().map(|entry| entry.any().unwrap_or(true)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use super::super::now;
    use super::wait;

    #[test]
    fn tells_who_is_ready_and_in_which_order() {
        let (quiet, _quiet_peer) = UnixStream::pair().unwrap();
        let (loud, mut loud_peer) = UnixStream::pair().unwrap();
        loud_peer.write_all(b"x").unwrap();
        let mut ready = vec![true; 7];
        wait(&[quiet.as_fd(), loud.as_fd()], &mut ready, None).unwrap();
        assert_eq!(ready, [false, true]);
        wait(&[loud.as_fd(), quiet.as_fd()], &mut ready, Some(Duration::ZERO)).unwrap();
        assert_eq!(ready, [true, false]);
    }

    #[test]
    fn hang_up_counts_as_ready() {
        let (end, peer) = UnixStream::pair().unwrap();
        drop(peer);
        let mut ready = Vec::new();
        wait(&[end.as_fd()], &mut ready, None).unwrap();
        assert_eq!(ready, [true]);
    }

    #[test]
    fn the_timeout_is_never_early() {
        shortest_of(200);
    }

    #[test]
    #[cfg_attr(bsd, ignore = "OpenBSD and NetBSD count in ticks of 10 ms")]
    fn the_timeout_is_finer_than_a_millisecond() {
        let shortest = shortest_of(200);
        assert!(shortest < Duration::from_millis(1), "{shortest:?}");
    }

    /// What the shortest of some waits for so many microseconds took.
    fn shortest_of(micros: u64) -> Duration {
        let (quiet, _peer) = UnixStream::pair().unwrap();
        let mut ready = Vec::new();
        let wait_once = |_| {
            let before = now();
            wait(&[quiet.as_fd()], &mut ready, Some(Duration::from_micros(micros))).unwrap();
            let slept = now() - before;
            assert!(slept >= Duration::from_micros(micros), "{slept:?}");
            assert_eq!(ready, [false]);
            slept
        };
        (0..20).map(wait_once).min().unwrap()
    }

    #[test]
    fn nothing_to_watch_is_a_sleep() {
        let mut ready = vec![true];
        wait(&[], &mut ready, Some(Duration::from_micros(10))).unwrap();
        assert!(ready.is_empty());
    }
}
