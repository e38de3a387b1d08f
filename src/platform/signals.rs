//! Signals as values, what programs we start get of them, and the ends of children.
//!
//! A daemon inherits what its caller left it: blocked and ignored signals stay so across execve(2). Ours must arrive
//! whatever the caller did, and some must not kill a master; a script must find what the caller would have given it.
//! So what was there is remembered once and put back in every program we start.
//!
//! Must not decide what a signal means.

#![expect(unsafe_code, reason = "signal handlers and waitid(2) have no safe wrapper")]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{
    SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal as Number, kill, killpg, sigaction,
};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, pipe};

use super::descriptors::close_on_exec;

/// A signal the daemon listens to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// SIGTERM.
    Terminate,
    /// SIGINT.
    Interrupt,
    /// SIGQUIT.
    Quit,
    /// SIGHUP; not delivered when it was ignored at start (nohup).
    HangUp,
    /// SIGUSR1.
    User1,
    /// SIGUSR2.
    User2,
    /// SIGCHLD: a child may have ended.
    Child,
}

impl Signal {
    const ALL: [(Self, Number); 7] = [
        (Self::Terminate, Number::SIGTERM),
        (Self::Interrupt, Number::SIGINT),
        (Self::Quit, Number::SIGQUIT),
        (Self::HangUp, Number::SIGHUP),
        (Self::User1, Number::SIGUSR1),
        (Self::User2, Number::SIGUSR2),
        (Self::Child, Number::SIGCHLD),
    ];

    /// As everybody calls it: `SIGTERM`.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(signal, _)| *signal == self).map_or("?", |(_, number)| number.as_str())
    }

    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.iter().find(|(_, number)| *number as i32 == i32::from(byte)).map(|(signal, _)| *signal)
    }
}

/// What would end or stop a master for a log line: an unread pipe, a full quota, a terminal that is somebody else's.
const ENDURED: [Number; 3] = [Number::SIGPIPE, Number::SIGXFSZ, Number::SIGTTOU];

/// How this process was started.
#[derive(Clone, Debug)]
struct AtStart {
    blocked: SigSet,
    /// Of the signals that are changed here those that were ignored. SIGPIPE is not among them, whatever it was: the
    /// Rust library has changed it before anything of ours runs.
    ignored: Vec<Number>,
}

static AT_START: OnceLock<AtStart> = OnceLock::new();

impl AtStart {
    fn look() -> Self {
        let ignored = changed().filter(|number| *number != Number::SIGPIPE && is_ignored(*number)).collect();
        Self { blocked: SigSet::thread_get_mask().unwrap_or_else(|_| SigSet::empty()), ignored }
    }

    /// Makes it so again, in a process that is about to become another program.
    fn restore(&self) -> io::Result<()> {
        for number in changed() {
            let ignored = self.ignored.contains(&number);
            set(number, if ignored { SigHandler::SigIgn } else { SigHandler::SigDfl })?;
        }
        Ok(self.blocked.thread_set_mask()?)
    }
}

/// The numbers of the signals that were blocked when this process was started, or are now if nobody has looked.
#[must_use]
pub fn blocked_at_start() -> Vec<i32> {
    AT_START.get().map_or_else(blocked, |at_start| numbers(&at_start.blocked))
}

pub(super) fn blocked() -> Vec<i32> {
    SigSet::thread_get_mask().map(|set| numbers(&set)).unwrap_or_default()
}

fn numbers(set: &SigSet) -> Vec<i32> {
    set.iter().map(|number| number as i32).collect()
}

/// In the place of another program, which says what was blocked when it was started: every signal is blocked now. To be
/// called before [`Signals::open`].
pub fn inherit_signals(blocked: &[i32]) {
    let mut set = SigSet::empty();
    blocked.iter().filter_map(|number| Number::try_from(*number).ok()).for_each(|number| set.add(number));
    let _ = AT_START.get_or_init(|| AtStart { blocked: set, ..AtStart::look() });
}

/// Does this while no signal arrives, with those endured that were when this process was started. What was changed for it is
/// changed back.
pub(super) fn without_signals<T>(act: impl FnOnce() -> T) -> io::Result<T> {
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    let endured: Vec<Number> = match AT_START.get() {
        Some(at_start) => ENDURED.into_iter().filter(|number| !at_start.ignored.contains(number)).collect(),
        None => Vec::new(),
    };
    endured.iter().try_for_each(|number| set(*number, SigHandler::SigDfl))?;
    let done = act();
    endured.iter().try_for_each(|number| set(*number, SigHandler::SigIgn))?;
    before.thread_set_mask()?;
    Ok(done)
}

/// The signals that are not as they were at the start.
fn changed() -> impl Iterator<Item = Number> {
    Signal::ALL.iter().map(|(_, number)| *number).chain(ENDURED)
}

fn is_ignored(number: Number) -> bool {
    // SAFETY: an all-zero sigaction (signal.h) is valid: integers and a handler that may be SIG_DFL, which is 0.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: asks only, and writes to this frame.
    let asked = unsafe { libc::sigaction(number as libc::c_int, std::ptr::null(), &raw mut action) };
    asked == 0 && action.sa_sigaction == libc::SIG_IGN
}

/// Ignores a signal or gives it back its own action.
pub(super) fn set(number: Number, handler: SigHandler) -> io::Result<()> {
    debug_assert!(matches!(handler, SigHandler::SigIgn | SigHandler::SigDfl));
    let action = SigAction::new(handler, SaFlags::empty(), SigSet::empty());
    // SAFETY: neither ignoring a signal nor its own action runs code of ours.
    unsafe { sigaction(number, &action) }?;
    Ok(())
}

/// Gives a process that is about to become another program the signals this one was started with. Where nobody has
/// changed them since, `before` is what was blocked, and SIGPIPE alone was changed by the Rust library.
pub(super) fn restore(before: &SigSet) -> io::Result<()> {
    if let Some(at_start) = AT_START.get() {
        return at_start.restore();
    }
    set(Number::SIGPIPE, SigHandler::SigDfl)?;
    Ok(before.thread_set_mask()?)
}

/// Takes what is left of children that nobody here started or knows: what the program that became this one left
/// behind, and, in a process that is the first of its container, everybody's orphans. `known` keep theirs.
///
/// Looks before it takes, so that no status is taken from whom it belongs to. One of those may stand before the others:
/// then they are taken at the next call, which the end of a known child brings about.
pub fn bury_strangers(known: &[u32]) {
    loop {
        // SAFETY: an all-zero siginfo_t (signal.h) is valid: integers and null pointers.
        let mut about: libc::siginfo_t = unsafe { std::mem::zeroed() };
        let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        // SAFETY: writes to this frame and leaves the child as it is.
        let asked = unsafe { libc::waitid(libc::P_ALL, 0, &raw mut about, flags) };
        // SAFETY: waitid(2) filled in what is told of children, or left the zero that says that there is none.
        let pid = unsafe { about.si_pid() };
        if asked != 0 || pid <= 0 || u32::try_from(pid).is_ok_and(|pid| known.contains(&pid)) {
            return;
        }
        // NetBSD names a child that lives where it should name none (match_process() of kern/kern_exit.c).
        match waitpid(Pid::from_raw(pid), Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

/// The writing end of the one self-pipe; -1 while there is none.
static PIPE: AtomicI32 = AtomicI32::new(-1);

/// Signals as bytes in a pipe, so that waiting for them is waiting for one more descriptor.
///
/// The handlers stay installed for the life of the process.
#[derive(Debug)]
pub struct Signals {
    reader: OwnedFd,
    // Held open for the handlers, which know it by number.
    writer: OwnedFd,
}

impl Signals {
    /// Installs the handlers, lets their signals arrive, and ignores what must not end or stop this process. To be
    /// called once per process, while it has one thread: a second call takes the signals over from the first.
    ///
    /// # Errors
    /// No descriptors left.
    pub fn open() -> io::Result<Self> {
        let (reader, writer) = pipe()?;
        for end in [reader.as_fd(), writer.as_fd()] {
            close_on_exec(end)?;
            fcntl(end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        PIPE.store(writer.as_raw_fd(), Ordering::Release);
        let _ = AT_START.get_or_init(AtStart::look);
        ENDURED.iter().try_for_each(|number| set(*number, SigHandler::SigIgn))?;
        // No SA_RESTART: an interrupted wait has nothing to gain from sleeping on.
        let action = SigAction::new(SigHandler::Handler(note), SaFlags::SA_NOCLDSTOP, SigSet::empty());
        let mut awaited = SigSet::empty();
        for (signal, number) in Signal::ALL {
            awaited.add(number);
            if signal == Signal::HangUp && is_ignored(number) {
                continue;
            }
            // SAFETY: `note` calls only write(2) and restores errno, which is async-signal-safe.
            unsafe { sigaction(number, &action) }?;
        }
        // Whoever started us may have blocked them.
        awaited.thread_unblock()?;
        Ok(Self { reader, writer })
    }

    /// Takes the signals that arrived since the last call, oldest first. Never blocks.
    pub fn read(&mut self) -> Vec<Signal> {
        let mut arrived = Vec::new();
        let mut bytes = [0_u8; 64];
        loop {
            match nix::unistd::read(&self.reader, &mut bytes) {
                Err(Errno::EINTR) => {}
                Ok(0) | Err(_) => return arrived,
                Ok(count) => {
                    arrived.extend(bytes.iter().take(count).filter_map(|byte| Signal::from_byte(*byte)));
                    if count < bytes.len() {
                        return arrived;
                    }
                }
            }
        }
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        // Only our own number is withdrawn: a later `open` may have stored its own.
        let own = self.writer.as_raw_fd();
        let _ = PIPE.compare_exchange(own, -1, Ordering::AcqRel, Ordering::Relaxed);
    }
}

/// The handler. A full pipe drops the byte: 65,536 unread signals say nothing new.
extern "C" fn note(number: libc::c_int) {
    let errno = Errno::last_raw();
    let fd = PIPE.load(Ordering::Acquire);
    if let (true, Ok(byte)) = (fd >= 0, u8::try_from(number)) {
        // SAFETY: writes one byte from this frame to a descriptor that `Signals` keeps open while PIPE names it.
        unsafe { libc::write(fd, (&raw const byte).cast(), 1) };
    }
    Errno::set_raw(errno);
}

/// What a signal is called: SIGKILL, or its number.
#[must_use]
pub fn signal_name(number: i32) -> String {
    Number::try_from(number).map_or_else(|_| number.to_string(), |signal| signal.as_str().to_owned())
}

/// Ends a child and everything in the process group it leads: SIGTERM, or SIGKILL with `force`. A group that has
/// ended already is fine.
pub fn kill_group(leader: u32, force: bool) {
    let signal = if force { Number::SIGKILL } else { Number::SIGTERM };
    // 0 and 1 would mean ourselves and everybody.
    if let Some(group) = i32::try_from(leader).ok().filter(|pid| *pid > 1) {
        // Children are ours, so ESRCH is the only failure left, and means it is over.
        let _ = killpg(Pid::from_raw(group), signal);
    }
}

/// Ends a child in the way that cannot be refused. To be called before it was waited for: its number is nobody else's.
pub fn end_child(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().filter(|pid| *pid > 1) {
        let _ = kill(Pid::from_raw(pid), Number::SIGKILL);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use nix::sys::signal::raise;

    use super::*;

    // One test: the handlers and the pipe belong to the whole process.
    #[test]
    fn signals_arrive_as_values_in_order_and_leave_errno_alone() {
        let set = |number, handler| {
            let action = SigAction::new(handler, SaFlags::empty(), SigSet::empty());
            // SAFETY: neither the default action nor ignoring a signal runs code of ours.
            unsafe { sigaction(number, &action) }.unwrap();
        };
        // The tests may themselves be run by nohup.
        for (_, number) in Signal::ALL {
            set(number, SigHandler::SigDfl);
        }
        let mut signals = Signals::open().unwrap();
        assert_eq!(signals.read(), []);
        Errno::set_raw(4711);
        for (_, number) in Signal::ALL {
            raise(number).unwrap();
        }
        assert_eq!(Errno::last_raw(), 4711);
        let mut ready = Vec::new();
        super::super::wait(&[signals.as_fd()], &mut ready, None).unwrap();
        assert_eq!(ready, [true]);
        let expected: Vec<_> = Signal::ALL.iter().map(|(signal, _)| *signal).collect();
        // A test that runs beside us may have ended a child.
        let mut seen = signals.read();
        seen.dedup();
        assert_eq!(seen.iter().filter(|s| **s != Signal::Child).count(), 6, "{seen:?}");
        assert!(expected.iter().all(|s| seen.contains(s)), "{seen:?}");
        assert!(signals.read().is_empty());

        // nohup: a HUP ignored before stays ignored.
        set(Number::SIGHUP, SigHandler::SigIgn);
        let mut again = Signals::open().unwrap();
        drop(signals);
        raise(Number::SIGHUP).unwrap();
        raise(Number::SIGUSR1).unwrap();
        let seen = again.read();
        assert!(seen.contains(&Signal::User1) && !seen.contains(&Signal::HangUp), "{seen:?}");
        for end in [again.reader.as_fd(), again.writer.as_fd()] {
            assert!(fcntl(end, FcntlArg::F_GETFD).unwrap() & libc::FD_CLOEXEC != 0);
            assert!(fcntl(end, FcntlArg::F_GETFL).unwrap() & libc::O_NONBLOCK != 0);
        }
        drop(again);
        raise(Number::SIGUSR1).unwrap();

        for (_, number) in Signal::ALL {
            set(number, SigHandler::SigDfl);
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a child to end, and to wait for")]
    fn a_whole_group_is_ended() {
        for nobody in [0, 1, u32::MAX] {
            kill_group(nobody, true);
        }
        let mut child = Command::new("/bin/sleep").arg("600").process_group(0).spawn().unwrap();
        // NetBSD may lose what is sent while the child becomes another program.
        let mut ended = None;
        for _ in 0..100 {
            kill_group(child.id(), false);
            std::thread::sleep(std::time::Duration::from_millis(20));
            ended = child.try_wait().unwrap();
            if ended.is_some() {
                break;
            }
        }
        assert!(!ended.unwrap().success());
    }
}
