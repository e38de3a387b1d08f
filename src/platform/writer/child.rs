//! The child: writes what it is sent, holds pipes, and reads them to their ends when its parent is gone.
//!
//! It may wait in write(2), but not for ever: an alarm ends each wait after a second, so that pipes are served all the
//! same. Only a disk that never answers holds it longer, because no signal ends such a wait.

use std::ffi::CString;
use std::io::{ErrorKind, IoSliceMut, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal as Number, sigaction};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use nix::unistd::{
    Gid, Uid, alarm, chdir, dup2_raw, dup2_stderr, dup2_stdin, dup2_stdout, setgid, setsid, setuid,
};

use super::super::{signals, sys};
use super::{
    HAS_READ, HEADER, HOLD, IS_ERROR, LONGEST_TEXT, Look, MOST_HELD, NUMBER, READ_ALL, SYSTEM_LOG, Standard,
};

/// Nobody's number on every system, or an unassigned one.
const NOBODY: u32 = 65_534;
/// The descriptors of the two sockets. Everything beyond is closed.
const TEXT: i32 = 3;
const PIPES: i32 = 4;
/// What nobody may end it by: it ends when its parent has.
const IGNORED: [Number; 11] = [
    Number::SIGHUP,
    Number::SIGINT,
    Number::SIGQUIT,
    Number::SIGTERM,
    Number::SIGUSR1,
    Number::SIGUSR2,
    Number::SIGPIPE,
    Number::SIGXFSZ,
    Number::SIGTTOU,
    Number::SIGTTIN,
    Number::SIGTSTP,
];
/// How long the last lines wait for somebody to read them.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the text of orphans is not written after the terminal did not take it.
const MUTE: Duration = Duration::from_secs(10);
/// How long a stream that does not take text is left alone.
const PAUSE_MS: u16 = 20;
/// How long there is nothing to be read when all is read, for a parent that has more than there was room for.
const LULL_MS: u16 = 1;

/// The whole life of the child. Returns when there is nothing left to do.
pub(super) fn run(text: &UnixStream, pipes: &UnixStream, prints: bool, looks: [Option<Look>; 2]) {
    if let Some((text, pipes)) = prepare(text, pipes, prints) {
        Child { looks, ..Child::new(text, pipes, prints) }.live();
    }
}

/// Keeps what is needed and gives up everything else: descriptors, signals, the session, rights.
fn prepare(text: &UnixStream, pipes: &UnixStream, prints: bool) -> Option<(UnixStream, UnixStream)> {
    for signal in IGNORED {
        signals::set(signal, SigHandler::SigIgn).ok()?;
    }
    signals::set(Number::SIGCHLD, SigHandler::SigDfl).ok()?;
    let action = SigAction::new(SigHandler::Handler(ring_again), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler calls only alarm(2), which is async-signal-safe.
    unsafe { sigaction(Number::SIGALRM, &action) }.ok()?;
    SigSet::empty().thread_set_mask().ok()?;
    // Copies beyond the two places first: the places may be taken by one another.
    let copies = [text.as_fd(), pipes.as_fd()].map(|fd| fcntl(fd, FcntlArg::F_DUPFD(PIPES + 1)));
    for (copy, place) in copies.into_iter().zip([TEXT, PIPES]) {
        // SAFETY: the copy is open; what was in its place belongs to the parent's values, which are never used or
        // dropped here.
        let moved = unsafe { dup2_raw(BorrowedFd::borrow_raw(copy.ok()?), place) }.ok()?;
        // Known by its number from here on.
        std::mem::forget(moved);
    }
    if let Ok(null) = std::fs::File::options().read(true).write(true).open("/dev/null") {
        dup2_stdin(&null).ok()?;
        if !prints {
            dup2_stdout(&null).ok()?;
            dup2_stderr(&null).ok()?;
        }
    }
    sys::close_from(PIPES + 1).ok()?;
    let _ = setsid();
    let _ = chdir("/");
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    sys::name_process(c"writer");
    if Uid::effective().is_root() {
        // SAFETY: no groups, so no pointer is read.
        unsafe { libc::setgroups(0, std::ptr::null()) };
        let _ = setgid(Gid::from_raw(NOBODY));
        let _ = setuid(Uid::from_raw(NOBODY));
    }
    sys::forgo_rights();
    // SAFETY: opened above and owned by nothing else.
    Some(unsafe { (UnixStream::from_raw_fd(TEXT), UnixStream::from_raw_fd(PIPES)) })
}

/// Hands a line to the system's log. It may wait there; no alarm ends that.
fn log(mut line: Vec<u8>) {
    if line.is_empty() {
        return;
    }
    let priority = line.remove(0);
    if let (Some(hand_over), Ok(line)) = (sys::SYSTEM_LOG, CString::new(line)) {
        hand_over(priority.into(), &line);
    }
}

/// An alarm that came just before the wait it was meant for is followed by another.
extern "C" fn ring_again(_: libc::c_int) {
    alarm::set(1);
}

/// Text on its way.
struct Page {
    to: Standard,
    text: Vec<u8>,
    written: usize,
    /// The parent counts what is not written of its own.
    is_parents: bool,
}

struct Child {
    /// Until the parent has closed it and all of it is written.
    text: Option<UnixStream>,
    /// Until the parent is gone.
    pipes: Option<UnixStream>,
    held: [Option<(OwnedFd, Standard)>; MOST_HELD],
    prints: bool,
    /// Of the text of orphans, where it is not shown as it is.
    looks: [Option<Look>; 2],
    inbox: Vec<u8>,
    /// The parent wants to know when all text is read.
    is_asked: bool,
    page: Option<Page>,
    /// The last line on this stream was only written in part; the next one starts on a line of its own.
    torn: [bool; 2],
    /// Since when the parent is gone.
    gone: Option<Duration>,
    /// Since when what comes from orphans is not written, because the terminal did not take it.
    mute: Option<Duration>,
}

impl Child {
    fn new(text: UnixStream, pipes: UnixStream, prints: bool) -> Self {
        Self {
            text: Some(text),
            pipes: Some(pipes),
            held: [const { None }; MOST_HELD],
            prints,
            looks: [None; 2],
            inbox: Vec::with_capacity(2 * LONGEST_TEXT),
            is_asked: false,
            page: None,
            torn: [false; 2],
            gone: None,
            mute: None,
        }
    }

    fn live(mut self) {
        loop {
            let stuck = self.write();
            if self.gone.is_some_and(|gone| sys::now().saturating_sub(gone) > PATIENCE) {
                // Whoever stopped the terminal has left, too.
                (self.page, self.text) = (None, None);
            }
            let idle = self.page.is_none() && self.text.is_none() && self.pipes.is_none();
            if idle && self.held.iter().all(Option::is_none) {
                return;
            }
            self.serve(stuck);
        }
    }

    /// Writes as much as there is and is taken. Whether something is left.
    fn write(&mut self) -> bool {
        loop {
            if self.page.is_none() {
                self.page = self.next_page();
            }
            let Some(page) = &mut self.page else { return false };
            let rest = page.text.get(page.written..).unwrap_or_default();
            if rest.is_empty() {
                self.page = None;
                continue;
            }
            alarm::set(1);
            let written = nix::unistd::write(page.to.descriptor(), rest);
            alarm::cancel();
            match written {
                Ok(count) => page.written += count,
                Err(Errno::EINTR | Errno::EAGAIN) if page.is_parents => return true,
                // Whoever is not waited for by anybody does not wait either.
                Err(Errno::EINTR | Errno::EAGAIN) => {
                    self.mute = Some(sys::now());
                    self.lose();
                }
                Err(_) => self.lose(),
            }
        }
    }

    /// The page cannot be written: a terminal that was closed, a full disk.
    fn lose(&mut self) {
        let Some(page) = self.page.take() else { return };
        self.torn[page.to.index()] |= page.written > 0;
        if let (Some(pipes), true) = (&mut self.pipes, page.is_parents) {
            let _ = pipes.write(&[u8::from(page.to == Standard::Error)]);
        }
    }

    fn next_page(&mut self) -> Option<Page> {
        loop {
            let [to, high, low] = *self.inbox.first_chunk::<HEADER>()?;
            let end = HEADER + usize::from(u16::from_be_bytes([high, low]));
            let text = self.inbox.get(HEADER..end)?.to_vec();
            self.inbox.drain(..end);
            match to {
                0 => return Some(self.page(Standard::Output, text, true)),
                SYSTEM_LOG => log(text),
                _ => return Some(self.page(Standard::Error, text, true)),
            }
        }
    }

    fn page(&mut self, to: Standard, mut text: Vec<u8>, is_parents: bool) -> Page {
        if std::mem::take(&mut self.torn[to.index()]) {
            text.insert(0, b'\n');
        }
        Page { to, text, written: 0, is_parents }
    }

    /// Waits for whatever there is to be done, and does it.
    fn serve(&mut self, stuck: bool) {
        let pipes = self.pipes.as_ref().map(AsFd::as_fd);
        let text = self.text.as_ref().filter(|_| !stuck).map(AsFd::as_fd);
        // The parent reads them while it lives.
        let orphans = self.held.iter().flatten().filter(|_| pipes.is_none()).map(|(pipe, _)| pipe.as_fd());
        let fds: Vec<_> = pipes.into_iter().chain(text).chain(orphans).collect();
        let mut entries: Vec<PollFd<'_>> = fds.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
        let timeout = match (stuck, self.is_asked) {
            (true, _) => PollTimeout::from(PAUSE_MS),
            (false, true) => PollTimeout::from(LULL_MS),
            (false, false) => PollTimeout::NONE,
        };
        if poll(&mut entries, timeout).is_err() {
            return;
        }
        if self.pipes.is_some() {
            self.take_pipes();
        } else {
            self.read_orphans(stuck);
        }
        if !stuck {
            self.take_text();
        }
    }

    fn take_text(&mut self) {
        let Some(text) = &mut self.text else { return };
        let mut bytes = [0; LONGEST_TEXT];
        match text.read(&mut bytes) {
            Ok(0) => {}
            Ok(count) => return self.inbox.extend(bytes.iter().take(count)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let tell = |pipes: &mut UnixStream| pipes.write(&[HAS_READ]).is_ok();
                self.is_asked = self.is_asked && !self.pipes.as_mut().is_some_and(tell);
                return;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => return,
            Err(_) => {}
        }
        // The parent waits for this one to be closed as the sign that all is written; nothing is left in the inbox that
        // could be.
        self.text = None;
    }

    fn take_pipes(&mut self) {
        while let Some(pipes) = &self.pipes {
            let mut message = [0];
            let mut iov = [IoSliceMut::new(&mut message)];
            let mut space = nix::cmsg_space!([i32; 1]);
            let received = recvmsg::<()>(pipes.as_raw_fd(), &mut iov, Some(&mut space), MsgFlags::empty())
                .map(|received| {
                    let descriptor =
                        received.cmsgs().ok().and_then(|mut all| all.next()).and_then(first_descriptor);
                    (received.bytes, descriptor)
                });
            match received {
                Ok((0, _)) => {}
                Ok((_, descriptor)) => {
                    let [message] = message;
                    if message == READ_ALL {
                        self.is_asked = true;
                        continue;
                    }
                    let to = if message & IS_ERROR == 0 { Standard::Output } else { Standard::Error };
                    if let Some(place) = self.held.get_mut(usize::from(message & NUMBER)) {
                        *place = descriptor.filter(|_| message & HOLD != 0).map(|pipe| (pipe, to));
                    }
                    continue;
                }
                Err(Errno::EAGAIN | Errno::EINTR) => return,
                Err(_) => {}
            }
            self.pipes = None;
            self.gone = Some(sys::now());
        }
    }

    /// Reads from each once. Its text is written if that is possible now; the reading counts, not the text.
    fn read_orphans(&mut self, stuck: bool) {
        let mute = self.mute.is_some_and(|since| sys::now().saturating_sub(since) < MUTE);
        for number in 0..MOST_HELD {
            let Some((to, text)) = self.hear_orphan(number) else { continue };
            if self.prints && !stuck && !mute && self.page.is_none() {
                self.page = Some(self.page(to, text, false));
                self.write();
            }
        }
    }

    /// What there is in this pipe, as it is to be shown.
    fn hear_orphan(&mut self, number: usize) -> Option<(Standard, Vec<u8>)> {
        let (pipe, to) = self.held.get(number)?.as_ref()?;
        let (to, mut bytes) = (*to, [0; LONGEST_TEXT]);
        match nix::unistd::read(pipe, &mut bytes) {
            Ok(0) => {}
            Ok(count) => {
                let text = bytes.get(..count).unwrap_or_default();
                return Some((to, self.looks[to.index()].map_or_else(|| text.to_vec(), |look| look(text))));
            }
            Err(Errno::EAGAIN | Errno::EINTR) => return None,
            Err(_) => {}
        }
        self.held.get_mut(number).into_iter().for_each(|place| *place = None);
        None
    }
}

fn first_descriptor(message: ControlMessageOwned) -> Option<OwnedFd> {
    let ControlMessageOwned::ScmRights(descriptors) = message else { return None };
    // SAFETY: the kernel has just opened it for us, and nothing else knows it.
    descriptors.first().map(|number| unsafe { OwnedFd::from_raw_fd(*number) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_is_told_when_all_is_read() {
        let [(near_text, text), (mut near_pipes, pipes)] =
            [UnixStream::pair().unwrap(), UnixStream::pair().unwrap()];
        for end in [&text, &near_pipes, &pipes] {
            end.set_nonblocking(true).unwrap();
        }
        let mut child = Child::new(text, pipes, false);
        let mut told = move || {
            let mut bytes = [0; 8];
            near_pipes.read(&mut bytes).map(|count| bytes[..count].to_vec()).unwrap_or_default()
        };
        child.take_text();
        assert!(told().is_empty(), "nobody has asked");
        (&near_text).write_all(&[0; LONGEST_TEXT + 1]).unwrap();
        child.is_asked = true;
        for _ in 0..2 {
            child.take_text();
            assert!(told().is_empty());
        }
        child.take_text();
        assert_eq!((told(), child.is_asked), (vec![HAS_READ], false));
    }

    #[test]
    fn what_orphans_say_has_the_look_of_its_stream() {
        let pair = || UnixStream::pair().unwrap();
        let ((near, far), (mut script, pipe)) = (pair(), pair());
        let look: Look = |said| [b"<", said, b">"].concat();
        let mut child = Child { looks: [None, Some(look)], ..Child::new(near, far, true) };
        for (to, shown) in [(Standard::Output, "said"), (Standard::Error, "<said>")] {
            script.write_all(b"said").unwrap();
            child.held[0] = Some((pipe.try_clone().unwrap().into(), to));
            assert_eq!(child.hear_orphan(0), Some((to, shown.as_bytes().to_vec())));
        }
        drop(script);
        assert!(child.hear_orphan(0).is_none() && child.held[0].is_none());
    }

    #[test]
    fn a_line_for_the_log_is_no_page() {
        let (near, far) = UnixStream::pair().unwrap();
        let mut child = Child::new(near, far, true);
        child
            .inbox
            .extend(b"\x02\0\x05\x1eline\x02\0\0\0\0\x03out\x02\0\x06\x1bagain\x01\0\x03err\x02\0\x05cut");
        for (to, text) in [(Standard::Output, &b"out"[..]), (Standard::Error, b"err")] {
            let page = child.next_page().unwrap();
            assert_eq!((page.to, page.text.as_slice()), (to, text));
        }
        assert!(child.next_page().is_none());
        assert_eq!(child.inbox, b"\x02\0\x05cut", "until the rest has come");
    }
}
