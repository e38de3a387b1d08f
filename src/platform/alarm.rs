//! Waiting for descriptors until a moment: the moment is a descriptor more, where the system has timers that are exact.
//!
//! What a wait is told as its timeout may end late in proportion to its length (Linux, FreeBSD) or together with other
//! timers (macOS). A timer that can be waited for does not. Without one, or when it cannot be set, the timeout is what
//! there is: late is better than never.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::sys::{self, Timer};

/// A moment farther away than this is mostly moved before it comes, as that of a backup is with each advertisement:
/// it is approached by the timeout, which costs no call of its own. A master's next advertisement is nearer.
const NEAR: Duration = Duration::from_secs(2);

/// A timer that is made when it is first needed, and stays set as long as the moment is the same.
#[derive(Debug, Default)]
pub struct Alarm {
    timer: Option<Timer>,
    set_to: Option<Duration>,
}

impl Alarm {
    /// Without a timer yet. Some are not inherited by a child, so this may be made before going to the background, but
    /// not used.
    #[must_use]
    pub const fn new() -> Self {
        Self { timer: None, set_to: None }
    }

    /// As [`super::wait`], but until the clock of [`super::now`] shows `until`; it may end before for no reason.
    ///
    /// # Errors
    /// What the system's wait refuses.
    pub fn wait(
        &mut self,
        fds: &[BorrowedFd<'_>],
        ready: &mut Vec<bool>,
        until: Option<Duration>,
    ) -> io::Result<()> {
        let Some(until) = until else {
            // A timer that is still set would only be one wake-up more, but it costs nothing not to listen to it.
            return sys::wait(fds, ready, None);
        };
        let left = until.saturating_sub(sys::now());
        if self.timer.is_none() {
            self.timer = Timer::open().ok();
        }
        if self.timer.is_some() && left > NEAR {
            // However late this ends (by a sixteenth at most), the moment is still to come.
            return sys::wait(fds, ready, Some(left - left / 8));
        }
        let Some(timer) = self.set(until) else { return sys::wait(fds, ready, Some(left)) };
        let all: Vec<BorrowedFd<'_>> = fds.iter().copied().chain([timer.as_fd()]).collect();
        sys::wait(&all, ready, None)?;
        if ready.pop() == Some(true) {
            timer.clear();
            self.set_to = None;
        }
        Ok(())
    }

    /// The timer, set to this moment.
    fn set(&mut self, until: Duration) -> Option<&Timer> {
        let timer = self.timer.as_ref()?;
        if self.set_to != Some(until) {
            self.set_to = None;
            timer.set(until).ok()?;
            self.set_to = Some(until);
        }
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    use super::super::now;
    use super::*;

    #[test]
    fn ends_at_the_moment_and_not_before_it() {
        let (quiet, _peer) = UnixStream::pair().unwrap();
        let (mut alarm, mut ready) = (Alarm::new(), Vec::new());
        let mut least_late = Duration::MAX;
        for _ in 0..10 {
            let until = now() + Duration::from_millis(100);
            while now() < until {
                alarm.wait(&[quiet.as_fd()], &mut ready, Some(until)).unwrap();
                assert_eq!(ready, [false]);
            }
            least_late = least_late.min(now() - until);
        }
        // FreeBSD's timeout would be 6 ms late. Where there is no timer, two ticks of 10 ms.
        let allowed = Duration::from_millis(if Timer::open().is_ok() { 3 } else { 21 });
        assert!(least_late < allowed, "{least_late:?}");
    }

    #[test]
    fn a_moment_that_is_past_ends_it_at_once_and_again() {
        let (mut alarm, mut ready) = (Alarm::new(), Vec::new());
        let past = now();
        for _ in 0..3 {
            alarm.wait(&[], &mut ready, Some(past)).unwrap();
        }
        alarm.wait(&[], &mut ready, Some(Duration::ZERO)).unwrap();
        assert!(ready.is_empty() && now() - past < Duration::from_secs(1));
    }

    #[test]
    fn a_descriptor_ends_it_and_the_moment_stays() {
        let (end, mut peer) = UnixStream::pair().unwrap();
        let (mut alarm, mut ready) = (Alarm::new(), Vec::new());
        let until = now() + Duration::from_millis(300);
        peer.write_all(b"x").unwrap();
        alarm.wait(&[end.as_fd()], &mut ready, Some(until)).unwrap();
        assert_eq!(ready, [true]);
        assert!(now() < until);
        let (quiet, _peer) = UnixStream::pair().unwrap();
        while now() < until {
            alarm.wait(&[quiet.as_fd()], &mut ready, Some(until)).unwrap();
        }
        assert_eq!(ready, [false]);
    }

    #[test]
    fn the_last_moment_told_is_the_one() {
        let (end, mut peer) = UnixStream::pair().unwrap();
        let (mut alarm, mut ready) = (Alarm::new(), Vec::new());
        peer.write_all(b"x").unwrap();
        let soon = now() + Duration::from_millis(20);
        alarm.wait(&[end.as_fd()], &mut ready, Some(soon)).unwrap();
        let (quiet, _peer) = UnixStream::pair().unwrap();
        let later = soon + Duration::from_millis(100);
        while now() < later {
            alarm.wait(&[quiet.as_fd()], &mut ready, Some(later)).unwrap();
        }
        // The moment goes; whoever speaks is heard without it.
        alarm.wait(&[end.as_fd()], &mut ready, None).unwrap();
        assert_eq!(ready, [true]);
    }
}
