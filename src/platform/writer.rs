//! A small process without rights that does what can block: writing to standard output and error, and to the log of a
//! system where that is a call.
//!
//! write(2) to a terminal that somebody stopped, to the far end of a dead connection or to a file of a dead server
//! waits, although poll(2) promised that it would not, and a master that waits is silent. So the daemon writes to a
//! socket, and a child of it, which may wait as long as it likes, writes what comes out of the socket. What the socket has
//! no room for waits here, up to a bound, until the child has read; beyond that text is lost, never time.
//!
//! The same child holds a second reading end of every pipe that scripts write to. When this process is gone, however
//! that came about, the child reads on: whatever a script left running is never ended by SIGPIPE and never waits for a
//! reader.
//!
//! This file is the daemon's side and the border; `child` is the other one. It knows neither log nor scripts.

#![expect(unsafe_code, reason = "fork(2), and descriptors known by number")]

mod child;

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{SigSet, SigmaskHow};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg, setsockopt, sockopt};
use nix::unistd::{ForkResult, fork, pipe};

use super::{descriptors, sys};

/// One of the two standard streams that are written to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standard {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

impl Standard {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Output, Self::Error];

    /// Its number among [`Standard::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Output => 0,
            Self::Error => 1,
        }
    }

    fn descriptor(self) -> BorrowedFd<'static> {
        let number = match self {
            Self::Output => libc::STDOUT_FILENO,
            Self::Error => libc::STDERR_FILENO,
        };
        // SAFETY: the standard library opens what is missing of the first three at the start, and nobody closes them.
        unsafe { BorrowedFd::borrow_raw(number) }
    }
}

/// How many pipes can be held at a time.
pub const MOST_HELD: usize = 32;
/// How much text is sent in one piece at most.
pub const LONGEST_TEXT: usize = 4096;
/// What of the text to be written may wait in the socket. The systems' own measure is 4 to 200 KiB.
const BACKLOG: usize = 128 * 1024;
/// What may wait for room there, in bytes. Thousands of virtual hosts that begin at once have so much to say.
const MOST_UNSENT: usize = 4 * 1024 * 1024;
/// What one piece that waits takes of that besides its bytes.
const KEEPING: usize = 64;
/// How many pieces are sent at a time at most.
const MOST_AT_ONCE: usize = 64;
/// How soon is looked again at the end whether there is room.
const SOON: Duration = Duration::from_millis(1);
/// How long the end of this process waits for its last lines to be written, so that a shell's prompt comes after them.
/// If they take longer, the child writes them later.
const FAREWELL: Duration = Duration::from_millis(250);

/// A piece of text is preceded by where it goes and its length.
const HEADER: usize = 3;
/// Where it goes: a number among [`Standard::ALL`], or this. A line for the system's log begins with facility and severity.
const SYSTEM_LOG: u8 = 2;
/// A message about a pipe is one byte: its number, which stream its text is for, and whether to hold it.
const HOLD: u8 = 0x80;
const IS_ERROR: u8 = 0x40;
const NUMBER: u8 = 0x3f;
/// Or this one: to tell when all text was read.
const READ_ALL: u8 = NUMBER;
const _: () = assert!(MOST_HELD <= READ_ALL as usize);
/// What the child tells is one byte: a number among [`Standard::ALL`] for a piece that it could not write, or this.
const HAS_READ: u8 = 2;

/// The way to the standard streams that never waits. Dropped at the end, it gives the last lines a moment.
#[derive(Debug)]
pub struct Text {
    socket: UnixStream,
    /// What the socket had no room for.
    unsent: VecDeque<Vec<u8>>,
    /// How much of the first of them is sent.
    begun: usize,
    /// How much they take.
    taken: usize,
    /// Whose it is: a copy of it in a process that was split off ends nothing.
    owner: u32,
}

/// The way to have pipes held.
#[derive(Debug)]
pub struct PipeKeeper {
    socket: UnixStream,
}

/// Makes of what a script wrote what is shown of it. Runs in the child, which may not call anything that needs rights.
pub type Look = fn(&[u8]) -> Vec<u8>;

/// What the child told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Told {
    /// How many pieces of text it could not write, for each of [`Standard::ALL`].
    pub unwritten: [u64; 2],
    /// It has read all text that there was.
    pub has_read: bool,
    /// It has ended.
    pub ended: bool,
}

/// Starts the child. It writes to the standard streams as they are now, or, unless it `prints`, lets go of them and only
/// holds pipes. What it reads itself from a pipe it shows as it is, or with the look that there is for the stream (each of
/// [`Standard::ALL`]).
///
/// To be called while there is one thread. Whoever buries children that are nobody's buries this one.
///
/// # Errors
/// No process or no descriptor can be had.
pub fn start_writer(prints: bool, looks: [Option<Look>; 2]) -> io::Result<(Text, PipeKeeper)> {
    let (text, far_text) = pair()?;
    let (pipes, far_pipes) = pair()?;
    // A signal that arrives between fork and what the child makes of signals would run a handler of this process.
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    // SAFETY: this process has one thread, so no lock can be held by a thread the child does not have.
    let forked = unsafe { fork() };
    if let Ok(ForkResult::Child) = forked {
        let lived = catch_unwind(AssertUnwindSafe(|| child::run(&far_text, &far_pipes, prints, looks)));
        // SAFETY: takes an integer. Nothing of the parent's is dropped, flushed or unwound here.
        unsafe { libc::_exit(i32::from(lived.is_err())) };
    }
    before.thread_set_mask()?;
    forked?;
    Ok((Text::over(text), PipeKeeper { socket: pipes }))
}

fn pair() -> io::Result<(UnixStream, UnixStream)> {
    let (near, far) = UnixStream::pair()?;
    for end in [&near, &far] {
        end.set_nonblocking(true)?;
        // As much as there is; the rest is lost sooner.
        let _ = setsockopt(end, sockopt::SndBuf, &BACKLOG);
        let _ = setsockopt(end, sockopt::RcvBuf, &BACKLOG);
    }
    Ok((near, far))
}

/// A pipe whose reading end does not wait; first that one, then the one to write to, as in pipe(2). Neither is for
/// programs that are started.
///
/// # Errors
/// No descriptors left.
pub fn pipe_to_read() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = pipe()?;
    for end in [reader.as_fd(), writer.as_fd()] {
        descriptors::close_on_exec(end)?;
    }
    fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok((reader, writer))
}

impl Text {
    /// Over a socket that does not wait.
    pub(crate) fn over(socket: UnixStream) -> Self {
        Self { socket, unsent: VecDeque::new(), begun: 0, taken: 0, owner: std::process::id() }
    }

    /// Sends one piece, now or as soon as [`Text::flush`] can, whole or not at all. `false`: it is lost. What is longer than
    /// [`LONGEST_TEXT`] is cut.
    pub fn send(&mut self, to: Standard, text: &[u8]) -> bool {
        self.send_piece(u8::from(to == Standard::Error), text)
    }

    /// Sends one line for the system's log, where that is a call: see [`super::LOG_IS_A_CALL`]. `priority`: facility and
    /// severity, as syslog(3) has them. `false`: it is lost.
    pub fn log(&mut self, priority: u8, line: &str) -> bool {
        self.send_piece(SYSTEM_LOG, &[&[priority], line.as_bytes()].concat())
    }

    fn send_piece(&mut self, to: u8, text: &[u8]) -> bool {
        let text = text.get(..LONGEST_TEXT).unwrap_or(text);
        let Ok(length) = u16::try_from(text.len()) else { return false };
        let takes = HEADER + text.len() + KEEPING;
        if self.taken + takes > MOST_UNSENT {
            self.flush();
            if self.taken + takes > MOST_UNSENT {
                return false;
            }
        }
        let [high, low] = length.to_be_bytes();
        let mut piece = Vec::with_capacity(HEADER + text.len());
        piece.extend([to, high, low]);
        piece.extend(text);
        self.taken += takes;
        self.unsent.push_back(piece);
        // Who waits is told when there is room.
        if self.unsent.len() == 1 {
            self.flush();
        }
        true
    }

    /// Whether something waits for room: [`PipeKeeper::ask_for_room`] tells when there is some.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Sends what there is room for.
    pub fn flush(&mut self) {
        while !self.unsent.is_empty() {
            let first = self.unsent.front().and_then(|first| first.get(self.begun..)).unwrap_or_default();
            let others = self.unsent.iter().skip(1).map(Vec::as_slice);
            let pieces: Vec<_> =
                std::iter::once(first).chain(others).take(MOST_AT_ONCE).map(IoSlice::new).collect();
            // Some systems take what fits. Where nobody reads any more, another one may.
            let Ok(mut sent) = self.socket.write_vectored(&pieces) else { return };
            while let Some(first) = self.unsent.front() {
                let rest = first.len() - self.begun;
                if sent < rest {
                    self.begun += sent;
                    break;
                }
                sent -= rest;
                self.taken -= first.len() + KEEPING;
                self.begun = 0;
                self.unsent.pop_front();
            }
        }
        // A burst is over.
        self.unsent.shrink_to_fit();
    }

    /// Has what `before` could not send go this way: nobody reads there any more.
    pub fn take_over(&mut self, before: &mut Self) {
        let mut unsent = std::mem::take(&mut before.unsent);
        // Whoever was to write it had its beginning.
        if std::mem::take(&mut before.begun) > 0 {
            before.taken -= unsent.pop_front().map_or(0, |torn| torn.len() + KEEPING);
        }
        self.taken += std::mem::take(&mut before.taken);
        self.unsent.append(&mut unsent);
        self.flush();
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        if self.owner != std::process::id() {
            return;
        }
        let until = sys::now() + FAREWELL;
        let mut ready = Vec::new();
        self.flush();
        while self.is_behind() && sys::now() < until && sys::wait(&[], &mut ready, Some(SOON)).is_ok() {
            self.flush();
        }
        let _ = self.socket.shutdown(Shutdown::Write);
        // Nothing ever comes from there but the end, when all is written.
        while let Err(error) = (&self.socket).read(&mut [0]) {
            let left = until.saturating_sub(sys::now());
            let waits = error.kind() == ErrorKind::WouldBlock && !left.is_zero();
            if !waits || sys::wait(&[self.socket.as_fd()], &mut ready, Some(left)).is_err() {
                return;
            }
        }
    }
}

impl PipeKeeper {
    /// Has the child hold the pipe under this number, below [`MOST_HELD`], and write what comes from it after our end to
    /// the stream. A child that cannot be told is one that has ended, which [`PipeKeeper::read`] says, or waits for a dead
    /// disk: then whoever writes to the pipe may miss its reader.
    pub fn hold(&self, number: usize, pipe: BorrowedFd<'_>, to: Standard) {
        let is_error = if to == Standard::Error { IS_ERROR } else { 0 };
        let message = [HOLD | is_error | u8::try_from(number).unwrap_or(NUMBER) & NUMBER];
        let descriptors = [pipe.as_raw_fd()];
        let control = [ControlMessage::ScmRights(&descriptors)];
        let fd = self.socket.as_raw_fd();
        let _ = sendmsg::<()>(fd, &[IoSlice::new(&message)], &control, MsgFlags::empty(), None);
    }

    /// Has the child let go of it.
    pub fn let_go(&self, number: usize) {
        let _ = (&self.socket).write(&[u8::try_from(number).unwrap_or(NUMBER) & NUMBER]);
    }

    /// Has the child tell when it has read all the text that was sent. `false`: it cannot be asked now.
    #[must_use]
    pub fn ask_for_room(&self) -> bool {
        (&self.socket).write(&[READ_ALL]).is_ok()
    }

    /// What the child told since it was last asked. Never waits.
    #[must_use]
    pub fn read(&self) -> Told {
        let mut told = Told::default();
        let mut bytes = [0; 64];
        loop {
            match (&self.socket).read(&mut bytes) {
                Ok(0) => told.ended = true,
                Ok(count) => {
                    for byte in bytes.iter().take(count) {
                        match *byte {
                            HAS_READ => told.has_read = true,
                            stream => told.unwritten[usize::from(stream != 0)] += 1,
                        }
                    }
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => told.ended = error.kind() != ErrorKind::WouldBlock,
            }
            return told;
        }
    }
}

impl AsFd for PipeKeeper {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> (Text, UnixStream) {
        let (near, far) = pair().unwrap();
        (Text::over(near), far)
    }

    fn read(far: &mut UnixStream) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Not waiting is the error in which it ends.
        let _ = far.read_to_end(&mut bytes);
        bytes
    }

    #[test]
    fn what_has_no_room_waits_and_goes_in_order_and_what_exceeds_the_bound_is_lost() {
        let (mut text, mut far) = text();
        let line = |number: usize| format!("{number:0>97}").into_bytes();
        let taken = (0..).take_while(|number| text.send(Standard::Output, &line(*number))).count();
        let most = MOST_UNSENT / (HEADER + 97 + KEEPING);
        assert!((most..most + 10_000).contains(&taken), "{taken} lines");
        assert!(text.is_behind() && text.taken <= MOST_UNSENT);
        let mut bytes = read(&mut far);
        while text.is_behind() {
            text.flush();
            bytes.extend(read(&mut far));
        }
        assert_eq!((text.taken, text.begun), (0, 0));
        assert!(
            bytes
                == (0..taken).flat_map(|number| [vec![0, 0, 97], line(number)].concat()).collect::<Vec<_>>()
        );
        assert!(text.send(Standard::Error, b"back") && !text.is_behind());
        assert_eq!(read(&mut far), b"\x01\0\x04back");
    }

    #[test]
    fn what_waits_goes_to_whoever_writes_next() {
        let (mut before, far) = text();
        let mut sent = 0;
        while before.unsent.len() < 3 {
            assert!(before.send(Standard::Output, b"to nobody"));
            sent += 1;
        }
        assert!(sent > 3);
        drop(far);
        assert!(before.send(Standard::Error, b"one"), "it waits");
        // Of the first a part was written.
        before.begun = 1;
        let (mut next, mut far) = text();
        next.take_over(&mut before);
        assert!(!before.is_behind() && !next.is_behind());
        assert_eq!((before.taken, next.taken), (0, 0));
        assert_eq!(read(&mut far), b"\0\0\x09to nobody\0\0\x09to nobody\x01\0\x03one");
    }
}
