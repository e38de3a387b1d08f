//! Two processes that talk to each other: whole messages of bytes, and open descriptors with them.
//!
//! A message is its length, the number of its descriptors, its bytes. Neither side ever waits: what the socket does not
//! take is kept up to a bound, and beyond it sending is an error the caller sees. The end of the other process, however
//! it came about, is the end of the stream, as long as nobody else was left its end: programs are not
//! (close-on-exec), and a fork keeps one end and drops the other.
//!
//! Whoever reads believes nothing: a length is measured before anything is kept for it, at most so many descriptors are
//! taken, and a message never gets those of another. What it means the caller knows.

#![expect(unsafe_code, reason = "control messages cut short leak descriptors in the safe wrapper")]

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg, setsockopt, sockopt};

use super::descriptors::close_on_exec;

/// The longest message, in bytes.
pub const LONGEST_MESSAGE: usize = 16 * 1024;
/// The most descriptors one message can have.
pub const MOST_DESCRIPTORS: usize = 16;
/// What may wait for the other side to read, in bytes, beside what the socket holds.
const MOST_UNSENT: usize = 256 * 1024;
/// What the socket holds, as far as the system allows it.
const BACKLOG: usize = 128 * 1024;
/// Two bytes of length, one of descriptors.
const HEADER: usize = 3;
const _: () = assert!(LONGEST_MESSAGE <= u16::MAX as usize && MOST_DESCRIPTORS <= u8::MAX as usize);

/// One end.
#[derive(Debug)]
pub struct Channel {
    socket: UnixStream,
    /// The message that is being read: its header and as much as has come of it.
    inbox: Vec<u8>,
    /// What came with it.
    received: Vec<OwnedFd>,
    outbox: VecDeque<Parcel>,
    /// Bytes in the outbox.
    unsent: usize,
}

/// What was said.
#[derive(Debug)]
pub struct Message {
    /// The words, at most [`LONGEST_MESSAGE`] bytes.
    pub bytes: Vec<u8>,
    /// As many as were sent; none of them is for programs that are started.
    pub descriptors: Vec<OwnedFd>,
}

/// Why nothing more can be heard.
#[derive(Debug)]
pub enum Broken {
    /// The other side has ended, or closed its end.
    Ended,
    /// What it says is no message.
    Garbled,
    /// The system does not let us read.
    Failed(io::Error),
}

/// Why a message was not sent, nor any part of it.
#[derive(Debug)]
pub enum Unsent {
    /// It is longer than any may be, or has more descriptors.
    TooLong,
    /// The other side does not read.
    Full,
    /// There is no other side any more.
    Gone,
}

#[derive(Debug)]
struct Parcel {
    bytes: Vec<u8>,
    sent: usize,
    /// They go with the first byte.
    descriptors: Vec<OwnedFd>,
}

impl Channel {
    /// Both ends.
    ///
    /// # Errors
    /// No descriptors left.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (near, far) = UnixStream::pair()?;
        Ok((Self::over(near)?, Self::over(far)?))
    }

    fn over(socket: UnixStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        // As much as there is; the rest waits here.
        let _ = setsockopt(&socket, sockopt::SndBuf, &BACKLOG);
        let _ = setsockopt(&socket, sockopt::RcvBuf, &BACKLOG);
        Ok(Self { socket, inbox: Vec::new(), received: Vec::new(), outbox: VecDeque::new(), unsent: 0 })
    }

    /// Sends a message, now or as soon as [`Channel::flush`] can. The descriptors are closed here once they are sent.
    ///
    /// # Errors
    /// It is not going to be sent.
    pub fn send(&mut self, bytes: &[u8], descriptors: Vec<OwnedFd>) -> Result<(), Unsent> {
        let (Ok(length), Ok(count)) = (u16::try_from(bytes.len()), u8::try_from(descriptors.len())) else {
            return Err(Unsent::TooLong);
        };
        if bytes.len() > LONGEST_MESSAGE || descriptors.len() > MOST_DESCRIPTORS {
            return Err(Unsent::TooLong);
        }
        self.flush()?;
        if self.unsent + HEADER + bytes.len() > MOST_UNSENT {
            return Err(Unsent::Full);
        }
        let [high, low] = length.to_be_bytes();
        let mut parcel = Vec::with_capacity(HEADER + bytes.len());
        parcel.extend([high, low, count]);
        parcel.extend(bytes);
        self.unsent += parcel.len();
        self.outbox.push_back(Parcel { bytes: parcel, sent: 0, descriptors });
        self.flush()
    }

    /// Sends what could not be sent before, as far as the other side reads.
    ///
    /// # Errors
    /// There is no other side any more.
    pub fn flush(&mut self) -> Result<(), Unsent> {
        while let Some(parcel) = self.outbox.front_mut() {
            let rest = parcel.bytes.get(parcel.sent..).unwrap_or_default();
            let numbers: Vec<_> = parcel.descriptors.iter().map(AsRawFd::as_raw_fd).collect();
            let sent = if numbers.is_empty() {
                // Who is confined may not send what could have an address.
                nix::unistd::write(&self.socket, rest)
            } else {
                let rights = [ControlMessage::ScmRights(&numbers)];
                let rest = [IoSlice::new(rest)];
                sendmsg::<()>(self.socket.as_raw_fd(), &rest, &rights, MsgFlags::empty(), None)
            };
            match sent {
                Ok(count) => {
                    parcel.descriptors.clear();
                    parcel.sent += count;
                    self.unsent -= count;
                    if parcel.sent == parcel.bytes.len() {
                        self.outbox.pop_front();
                    }
                }
                Err(Errno::EINTR) => {}
                // ENOBUFS and its like: there is no room somewhere else, and may be later.
                Err(Errno::EAGAIN | Errno::ENOBUFS | Errno::ENOMEM | Errno::ETOOMANYREFS) => return Ok(()),
                Err(_) => return Err(Unsent::Gone),
            }
        }
        Ok(())
    }

    /// Whether something waits to be sent: then [`Channel::flush`] is due in a moment, since no wait tells of room.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// The next message, if all of it has come. At most `most` descriptors are taken of it; where a message has more, or
    /// where the system found no room for them, it is [`Broken::Garbled`].
    ///
    /// # Errors
    /// There will be no more messages.
    pub fn receive(&mut self, most: usize) -> Result<Option<Message>, Broken> {
        loop {
            let missing = match self.header() {
                None => HEADER - self.inbox.len(),
                Some((length, count)) if length > LONGEST_MESSAGE || count > most => {
                    return Err(Broken::Garbled);
                }
                Some((length, count)) if self.inbox.len() == HEADER + length => {
                    if self.received.len() != count {
                        return Err(Broken::Garbled);
                    }
                    let mut bytes = std::mem::take(&mut self.inbox);
                    bytes.drain(..HEADER);
                    return Ok(Some(Message { bytes, descriptors: std::mem::take(&mut self.received) }));
                }
                Some((length, _)) => HEADER + length - self.inbox.len(),
            };
            if !self.read(missing)? {
                return Ok(None);
            }
        }
    }

    fn header(&self) -> Option<(usize, usize)> {
        let [high, low, count] = *self.inbox.first_chunk::<HEADER>()?;
        Some((u16::from_be_bytes([high, low]).into(), count.into()))
    }

    /// Reads no further than this message goes, so that descriptors are those of the message being read.
    fn read(&mut self, missing: usize) -> Result<bool, Broken> {
        let mut piece = [0; 4096];
        let room = missing.min(piece.len());
        match receive(self.socket.as_fd(), piece.get_mut(..room).unwrap_or_default()) {
            Ok((0, _)) => Err(Broken::Ended),
            Ok((count, descriptors)) => {
                self.inbox.extend(piece.iter().take(count));
                self.received.extend(descriptors);
                if self.received.len() > MOST_DESCRIPTORS { Err(Broken::Garbled) } else { Ok(true) }
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(false),
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Err(Broken::Ended),
                _ => Err(Broken::Failed(error)),
            },
        }
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Room for the control message of the most descriptors, in units that align it. What does not fit the system closes.
const CONTROL: usize = 16;
const CONTROL_BYTES: u16 = 128;
const _: () =
    assert!(CONTROL * 8 == CONTROL_BYTES as usize && MOST_DESCRIPTORS * size_of::<libc::c_int>() <= 64);
// SAFETY: computes a length from a length.
const _: () = assert!(unsafe { libc::CMSG_SPACE(64) } <= CONTROL_BYTES as u32);

/// recvmsg(2): how many bytes came, and every descriptor with them, even where some found no room.
pub(super) fn receive(socket: BorrowedFd<'_>, into: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut control = [0_u64; CONTROL];
    let mut piece = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    // SAFETY: an all-zero msghdr (sys/socket.h) is valid: integers and null pointers.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = &raw mut piece;
    header.msg_iovlen = 1;
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = CONTROL_BYTES.into();
    // SAFETY: what the header points to lives in this frame and in the caller's, with its true lengths.
    let count = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, 0) };
    let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
    let descriptors = rights(&header);
    for descriptor in &descriptors {
        close_on_exec(descriptor.as_fd())?;
    }
    Ok((count, descriptors))
}

/// Takes the descriptors over that a header filled in by recvmsg(2) names.
#[allow(clippy::unnecessary_cast, reason = "the type of cmsg_len differs")]
fn rights(header: &libc::msghdr) -> Vec<OwnedFd> {
    let mut found = Vec::new();
    // SAFETY: recvmsg(2) left the length of what it wrote to the buffer, which is aligned and alive.
    let mut about = unsafe { libc::CMSG_FIRSTHDR(header) };
    while !about.is_null() {
        // SAFETY: one that CMSG_FIRSTHDR(3) or CMSG_NXTHDR(3) gave lies within the buffer.
        let here = unsafe { &*about };
        if (here.cmsg_level, here.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
            // SAFETY: as above.
            let first = unsafe { libc::CMSG_DATA(about) };
            // SAFETY: computes a length.
            let bytes = here.cmsg_len as usize - unsafe { libc::CMSG_LEN(0) } as usize;
            for number in 0..bytes / size_of::<libc::c_int>() {
                // SAFETY: within what the kernel says that it wrote; it need not be aligned.
                let descriptor = unsafe { first.cast::<libc::c_int>().add(number).read_unaligned() };
                // SAFETY: the kernel has just opened it for us, and nothing else knows it.
                found.push(unsafe { OwnedFd::from_raw_fd(descriptor) });
            }
        }
        // SAFETY: as above.
        about = unsafe { libc::CMSG_NXTHDR(header, about) };
    }
    found
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Write};

    use nix::fcntl::{FcntlArg, fcntl};
    use nix::sys::wait::waitpid;
    use nix::unistd::{ForkResult, fork, pipe};

    use super::*;
    use crate::platform;

    fn pair() -> (Channel, Channel) {
        Channel::pair().unwrap()
    }

    fn next(channel: &mut Channel) -> Message {
        let mut waits = 0..200;
        loop {
            if let Some(message) = channel.receive(MOST_DESCRIPTORS).unwrap() {
                return message;
            }
            assert!(waits.next().is_some(), "no message");
            let patience = Some(std::time::Duration::from_millis(50));
            platform::wait(&[channel.as_fd()], &mut Vec::new(), patience).unwrap();
        }
    }

    #[test]
    fn messages_come_whole_and_in_order() {
        let (mut near, mut far) = pair();
        assert!(far.receive(0).unwrap().is_none());
        for length in [0, 1, 255, 4096, LONGEST_MESSAGE] {
            near.send(&vec![length.to_le_bytes()[0]; length], Vec::new()).unwrap();
        }
        for length in [0, 1, 255, 4096, LONGEST_MESSAGE] {
            assert_eq!(next(&mut far).bytes, vec![length.to_le_bytes()[0]; length]);
        }
        assert!(matches!(near.send(&vec![0; LONGEST_MESSAGE + 1], Vec::new()), Err(Unsent::TooLong)));
        drop(near);
        assert!(matches!(far.receive(0), Err(Broken::Ended)));
        assert!(matches!(far.send(b"x", Vec::new()), Err(Unsent::Gone)));
    }

    #[test]
    fn nobody_reads_and_nobody_waits() {
        let (mut near, mut far) = pair();
        let mut sent = 0_u32;
        let full = loop {
            match near.send(&[&sent.to_be_bytes()[..], &[7; 4000]].concat(), Vec::new()) {
                Ok(()) => sent += 1,
                Err(error) => break error,
            }
            assert!(sent < 1000, "no bound");
        };
        assert!(matches!(full, Unsent::Full) && near.is_behind());
        assert!(near.unsent <= MOST_UNSENT);
        for number in 0..sent {
            let message = next(&mut far);
            assert_eq!(message.bytes.get(..4), Some(&number.to_be_bytes()[..]));
            near.flush().unwrap();
        }
        assert!(!near.is_behind() && near.unsent == 0);
    }

    #[test]
    fn each_message_has_its_own_descriptors() {
        let (mut near, mut far) = pair();
        let mut readers = Vec::new();
        for count in [1, 0, MOST_DESCRIPTORS, 2] {
            let (reader, writer) = pipe().unwrap();
            let ends = (0..count).map(|_| writer.try_clone().unwrap()).collect();
            near.send(&[u8::try_from(count).unwrap(); 5000], ends).unwrap();
            readers.push(reader);
        }
        for (count, reader) in [1, 0, MOST_DESCRIPTORS, 2].into_iter().zip(readers) {
            let message = next(&mut far);
            assert_eq!(
                (message.bytes.first().copied().map(usize::from), message.descriptors.len()),
                (Some(count), count)
            );
            for end in message.descriptors {
                assert!(fcntl(&end, FcntlArg::F_GETFD).unwrap() & libc::FD_CLOEXEC != 0);
                File::from(end).write_all(b"x").unwrap();
            }
            let mut said = String::new();
            File::from(reader).read_to_string(&mut said).unwrap();
            assert_eq!(said.len(), count, "and nobody else holds the end");
        }
    }

    #[test]
    fn descriptors_nobody_asked_for_are_closed() {
        let (mut near, mut far) = pair();
        let (reader, writer) = pipe().unwrap();
        near.send(b"take this", vec![writer]).unwrap();
        assert!(matches!(far.receive(0), Err(Broken::Garbled)));
        drop((near, far));
        assert_eq!(File::from(reader).read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn hostile_bytes() {
        // Longer than any may be; more descriptors than there are; descriptors announced that never came.
        for bytes in [&[0xff, 0xff, 0][..], &[0, 1, 17, 0], &[0, 1, 2, 0], &[0x40, 1, 0]] {
            let (near, mut far) = pair();
            (&near.socket).write_all(bytes).unwrap();
            assert!(matches!(far.receive(MOST_DESCRIPTORS), Err(Broken::Garbled)), "{bytes:?}");
            assert!(far.inbox.len() <= HEADER + 1);
        }
        // Descriptors in the middle of a message that announced none.
        let (near, mut far) = pair();
        (&near.socket).write_all(&[0, 3, 0, 1]).unwrap();
        assert!(far.receive(MOST_DESCRIPTORS).unwrap().is_none());
        let numbers = [near.socket.as_raw_fd(); 2];
        let rights = [ControlMessage::ScmRights(&numbers)];
        let fd = near.socket.as_raw_fd();
        sendmsg::<()>(fd, &[IoSlice::new(&[2, 3])], &rights, MsgFlags::empty(), None).unwrap();
        assert!(matches!(far.receive(MOST_DESCRIPTORS), Err(Broken::Garbled)));
        // Half a message, then the end.
        let (near, mut far) = pair();
        (&near.socket).write_all(&[0, 9, 0, 1]).unwrap();
        drop(near);
        assert!(matches!(far.receive(0), Err(Broken::Ended)));
        // A byte at a time.
        let (near, mut far) = pair();
        for byte in [0, 2, 0, b'h', b'i'] {
            assert!(far.receive(0).unwrap().is_none());
            (&near.socket).write_all(&[byte]).unwrap();
        }
        assert_eq!(next(&mut far).bytes, b"hi");
    }

    #[test]
    fn a_child_is_heard_and_its_end_too() {
        let (mut near, mut far) = pair();
        let (reader, writer) = pipe().unwrap();
        // SAFETY: the child calls nothing but send(2), recvmsg(2) and what allocates, which the C library allows.
        match unsafe { fork() }.unwrap() {
            ForkResult::Child => {
                drop(near);
                drop(reader);
                let said = next(&mut far).bytes == b"come in" && far.send(b"thanks", vec![writer]).is_ok();
                // SAFETY: takes an integer.
                unsafe { libc::_exit(i32::from(!said)) };
            }
            ForkResult::Parent { child } => {
                drop((far, writer));
                near.send(b"come in", Vec::new()).unwrap();
                let Message { bytes, descriptors } = next(&mut near);
                assert_eq!((bytes.as_slice(), descriptors.len()), (&b"thanks"[..], 1));
                waitpid(child, None).unwrap();
                assert!(matches!(near.receive(0), Err(Broken::Ended)));
            }
        }
    }
}
