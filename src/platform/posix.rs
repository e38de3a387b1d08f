//! What the supported systems do alike: waiting, signals, local time, the list of interface addresses.

#![expect(unsafe_code, reason = "signal handlers and localtime_r are not offered safely by std or nix")]

use std::fs::File;
use std::io::{self, Read};
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::{self, SaFlags, SigAction, SigHandler, SigSet};
use nix::sys::time::TimeSpec;
use nix::unistd::Pid;

/// State of a network interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkState {
    /// Administratively up and running, that is with a carrier.
    Up,
    /// Down or without a carrier.
    Down,
    /// There is no such interface.
    Gone,
}

/// Waits until a descriptor is readable or has failed, or `timeout` is over. `ready` gets one entry for each
/// of `fds`. A signal ends the wait with nothing ready.
///
/// # Errors
/// As ppoll(2), except `EINTR`.
pub fn wait(fds: &[BorrowedFd<'_>], ready: &mut Vec<bool>, timeout: Option<Duration>) -> io::Result<()> {
    let mut polled: Vec<_> = fds.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
    ready.clear();
    match nix::poll::ppoll(&mut polled, timeout.map(TimeSpec::from), None) {
        Ok(_) => {
            ready.extend(polled.iter().map(|fd| fd.revents().is_some_and(|events| !events.is_empty())));
            Ok(())
        }
        Err(Errno::EINTR) => {
            ready.resize(fds.len(), false);
            Ok(())
        }
        Err(errno) => Err(errno.into()),
    }
}

/// Whether something can be written to `fd` without waiting.
#[must_use]
pub fn writable(fd: BorrowedFd<'_>) -> bool {
    let mut polled = [PollFd::new(fd, PollFlags::POLLOUT)];
    nix::poll::poll(&mut polled, 0u8).is_ok_and(|count| count > 0)
}

/// A signal the daemon acts on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// SIGTERM.
    Terminate,
    /// SIGINT.
    Interrupt,
    /// SIGQUIT.
    Quit,
    /// SIGHUP.
    HangUp,
    /// SIGUSR1.
    User1,
    /// SIGUSR2.
    User2,
    /// SIGCHLD.
    Child,
}

const CAUGHT: [(signal::Signal, Signal); 7] = [
    (signal::Signal::SIGTERM, Signal::Terminate),
    (signal::Signal::SIGINT, Signal::Interrupt),
    (signal::Signal::SIGQUIT, Signal::Quit),
    (signal::Signal::SIGHUP, Signal::HangUp),
    (signal::Signal::SIGUSR1, Signal::User1),
    (signal::Signal::SIGUSR2, Signal::User2),
    (signal::Signal::SIGCHLD, Signal::Child),
];

/// Where the handler writes; -1 before there is a pipe.
static PIPE: AtomicI32 = AtomicI32::new(-1);

extern "C" fn on_signal(number: libc::c_int) {
    let errno = Errno::last_raw();
    let [byte, ..] = number.to_le_bytes();
    // SAFETY: write(2) is async-signal-safe (POSIX 2.4.3); the descriptor is the write end of the pipe, which
    // is never closed, and the buffer is one byte long. A full pipe loses a signal that is already pending.
    unsafe { libc::write(PIPE.load(Ordering::Relaxed), (&raw const byte).cast(), 1) };
    Errno::set_raw(errno);
}

/// Signals as values, read from a pipe.
#[derive(Debug)]
pub struct Signals {
    pipe: File,
    /// Kept open: the handlers write into it.
    _write_end: OwnedFd,
}

impl Signals {
    /// Catches the signals from now on. A SIGHUP that is being ignored (nohup) stays ignored.
    ///
    /// # Errors
    /// When the pipe or a handler cannot be set up.
    pub fn open() -> io::Result<Self> {
        let (read_end, write_end) = nix::unistd::pipe()?;
        for fd in [&read_end, &write_end] {
            close_on_exec(fd.as_fd())?;
            let flags = OFlag::from_bits_truncate(fcntl(fd, FcntlArg::F_GETFL)?);
            fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        }
        PIPE.store(write_end.as_raw_fd(), Ordering::Relaxed);
        for (number, _) in CAUGHT {
            let action = SigAction::new(SigHandler::Handler(on_signal), SaFlags::SA_RESTART, SigSet::empty());
            // SAFETY: the handler only calls async-signal-safe functions and keeps errno.
            let before = unsafe { signal::sigaction(number, &action) }?;
            if number == signal::Signal::SIGHUP && matches!(before.handler(), SigHandler::SigIgn) {
                // SAFETY: puts back what was there.
                unsafe { signal::sigaction(number, &before) }?;
            }
        }
        Ok(Self { pipe: File::from(read_end), _write_end: write_end })
    }

    /// The signals that arrived, in order.
    pub fn read(&mut self) -> Vec<Signal> {
        let mut numbers = [0u8; 256];
        let count = self.pipe.read(&mut numbers).unwrap_or(0);
        numbers
            .iter()
            .take(count)
            .filter_map(|number| {
                CAUGHT
                    .iter()
                    .find(|(caught, _)| *caught as i32 == i32::from(*number))
                    .map(|(_, signal)| *signal)
            })
            .collect()
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

/// Keeps a descriptor out of the programs we start.
///
/// # Errors
/// As fcntl(2).
pub fn close_on_exec(fd: BorrowedFd<'_>) -> io::Result<()> {
    let flags = FdFlag::from_bits_truncate(fcntl(fd, FcntlArg::F_GETFD)?);
    fcntl(fd, FcntlArg::F_SETFD(flags | FdFlag::FD_CLOEXEC))?;
    Ok(())
}

/// Ends a process group: SIGTERM, or SIGKILL with `force`. One that has ended already is fine.
pub fn kill_group(leader: u32, force: bool) {
    let signal = if force { signal::Signal::SIGKILL } else { signal::Signal::SIGTERM };
    if let Ok(leader) = i32::try_from(leader) {
        // ESRCH is the only expected failure, and means it is over.
        let _ = signal::killpg(Pid::from_raw(leader), signal);
    }
}

/// 64 bits nobody can guess.
///
/// # Errors
/// When the system's random device cannot be read.
pub fn random_seed() -> io::Result<u64> {
    let mut seed = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut seed)?;
    Ok(u64::from_ne_bytes(seed))
}

/// The wall clock in the local time zone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LocalTime {
    /// For example 2026.
    pub year: i32,
    /// 1..=12.
    pub month: u8,
    /// 1..=31.
    pub day: u8,
    /// 0..=23.
    pub hour: u8,
    /// 0..=59.
    pub minute: u8,
    /// 0..=60.
    pub second: u8,
    /// 0..=999999.
    pub microsecond: u32,
}

/// What the wall clock shows now.
#[must_use]
pub fn local_time() -> LocalTime {
    #[expect(clippy::disallowed_methods, reason = "the one place that shows people the wall clock")]
    let since_epoch =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let seconds = libc::time_t::try_from(since_epoch.as_secs()).unwrap_or(libc::time_t::MAX);
    // SAFETY: an all-zero tm is valid (time.h: integers, and on some systems a pointer that may be null).
    let mut parts: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are valid for the call; localtime_r(3) keeps neither.
    unsafe { libc::localtime_r(&raw const seconds, &raw mut parts) };
    let small = |number: libc::c_int| u8::try_from(number).unwrap_or_default();
    LocalTime {
        year: parts.tm_year + 1900,
        month: small(parts.tm_mon + 1),
        day: small(parts.tm_mday),
        hour: small(parts.tm_hour),
        minute: small(parts.tm_min),
        second: small(parts.tm_sec),
        microsecond: since_epoch.subsec_micros(),
    }
}

/// The addresses of an interface, in the system's order.
///
/// # Errors
/// As getifaddrs(3).
pub fn interface_addresses(interface: &str) -> io::Result<Vec<IpAddr>> {
    Ok(nix::ifaddrs::getifaddrs()?
        .filter(|entry| entry.interface_name == interface)
        .filter_map(|entry| address_of(&entry))
        .collect())
}

/// The interface that has an address.
///
/// # Errors
/// As getifaddrs(3).
pub fn interface_of(address: IpAddr) -> io::Result<Option<String>> {
    Ok(nix::ifaddrs::getifaddrs()?
        .find(|entry| address_of(entry) == Some(address))
        .map(|entry| entry.interface_name))
}

/// The system's number for an interface; another one when it was removed and made again.
///
/// # Errors
/// `ENODEV` or `ENXIO` when there is none of this name.
pub fn interface_index(interface: &str) -> io::Result<u32> {
    Ok(nix::net::if_::if_nametoindex(interface)?)
}

fn address_of(entry: &nix::ifaddrs::InterfaceAddress) -> Option<IpAddr> {
    let address = entry.address.as_ref()?;
    let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    #[test]
    fn waiting_sees_what_is_readable_and_keeps_its_time() {
        let (mut here, there) = UnixStream::pair().unwrap();
        let (quiet, _open) = UnixStream::pair().unwrap();
        let mut ready = Vec::new();
        wait(&[there.as_fd(), quiet.as_fd()], &mut ready, Some(Duration::from_micros(10))).unwrap();
        assert_eq!(ready, [false, false]);
        here.write_all(b"x").unwrap();
        wait(&[quiet.as_fd(), there.as_fd()], &mut ready, None).unwrap();
        assert_eq!(ready, [false, true]);
        drop(here);
        wait(&[there.as_fd()], &mut ready, None).unwrap();
        assert_eq!(ready, [true], "the end of a stream is something to look at");
    }

    #[test]
    fn signals_arrive_as_values() {
        let mut signals = Signals::open().unwrap();
        signal::raise(signal::Signal::SIGUSR1).unwrap();
        signal::raise(signal::Signal::SIGUSR2).unwrap();
        let mut ready = Vec::new();
        wait(&[signals.as_fd()], &mut ready, Some(Duration::from_secs(5))).unwrap();
        let read = signals.read();
        assert!(read.contains(&Signal::User1) && read.contains(&Signal::User2), "{read:?}");
        assert!(!signals.read().contains(&Signal::User1));
    }

    #[test]
    fn loopback_is_where_it_is() {
        let addresses = interface_addresses("lo").unwrap();
        if addresses.contains(&IpAddr::from([127, 0, 0, 1])) {
            assert_eq!(interface_of(IpAddr::from([127, 0, 0, 1])).unwrap().as_deref(), Some("lo"));
        }
        assert_eq!(interface_of(IpAddr::from([192, 0, 2, 77])).unwrap(), None);
        assert!(interface_index("no such thing").is_err());
    }

    #[test]
    fn local_time_is_a_date() {
        let now = local_time();
        assert!(now.year >= 2024 && (1..=12).contains(&now.month) && (1..=31).contains(&now.day), "{now:?}");
    }

    #[test]
    fn seeds_differ() {
        assert_ne!(random_seed().unwrap(), random_seed().unwrap());
    }
}
