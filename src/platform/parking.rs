//! Descriptors that only have to stay open, kept where they take no numbers of ours.
//!
//! A socket that is connected to itself holds what was sent to it and never read (SCM_RIGHTS, unix(7)). The kernel closes
//! all of it with the socket, however we end, and whoever is forked has the socket too and keeps it open as well. What
//! is refused stays the caller's: there are bounds for the bytes of a socket, and for descriptors on their way, which
//! all processes of a user share.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr, bind, connect, getsockname,
    sendmsg, socket,
};

use super::channel;
use super::claim::LeftParking;
use super::inheritance::{Inheritance, leave_open};

/// So many at most: half of what one user may have on their way by default, since others pass some, too.
const MOST: usize = 512;

/// The parking place; it is opened when it is needed.
#[derive(Debug, Default)]
pub(super) struct Parking {
    socket: Option<OwnedFd>,
    /// What is there, in the order in which it would be received, and how many descriptors each has.
    kept: VecDeque<(Ticket, usize)>,
    issued: u32,
    /// What found no room there any more.
    beside: Vec<OwnedFd>,
}

/// For what is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ticket(u32);

impl Parking {
    #[cfg(test)]
    pub(super) fn socket(&self) -> Option<&OwnedFd> {
        self.socket.as_ref()
    }

    /// Keeps these open from now on, all of them or none.
    pub(super) fn keep(&mut self, descriptors: &[BorrowedFd<'_>]) -> Option<Ticket> {
        let kept: usize = self.kept.iter().map(|(_, count)| count).sum();
        if descriptors.is_empty() || kept + descriptors.len() > MOST {
            return None;
        }
        let sent = match &self.socket {
            Some(socket) => send(socket, descriptors),
            None => to_itself().and_then(|socket| send(self.socket.insert(socket), descriptors)),
        };
        sent.ok()?;
        self.issued = self.issued.wrapping_add(1);
        self.kept.push_back((Ticket(self.issued), descriptors.len()));
        Some(Ticket(self.issued))
    }

    /// Closes what was kept for this. Everything is taken out, and the rest put back, by whichever process does it.
    pub(super) fn give_back(&mut self, ticket: Ticket) {
        let Some(socket) = &self.socket else { return };
        for _ in 0..self.kept.len() {
            let (Some((whose, count)), Ok(out)) = (self.kept.pop_front(), receive(socket)) else { return };
            if whose == ticket {
                continue;
            }
            match send(socket, &out.iter().map(AsFd::as_fd).collect::<Vec<_>>()) {
                Ok(_) => self.kept.push_back((whose, count)),
                Err(_) => self.beside.extend(out),
            }
        }
    }
}

impl Parking {
    /// Leaves it to whoever succeeds.
    pub(super) fn leave(&self) -> io::Result<LeftParking> {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Ok(LeftParking {
            socket: self.socket.as_ref().map(|socket| leave_open(socket.as_fd())).transpose()?,
            kept: self.kept.iter().map(|(Ticket(ticket), kept)| (*ticket, count(*kept))).collect(),
            issued: self.issued,
            beside: self.beside.iter().map(|fd| leave_open(fd.as_fd())).collect::<io::Result<_>>()?,
        })
    }

    /// That of a program that was this process before.
    pub(super) fn inherit(left: LeftParking, inheritance: &mut Inheritance) -> io::Result<Self> {
        let LeftParking { socket, kept, issued, beside } = left;
        let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        Ok(Self {
            socket: socket.map(|number| inheritance.take(number)).transpose()?,
            kept: kept.into_iter().map(|(ticket, kept)| (Ticket(ticket), count(kept))).collect(),
            issued,
            beside: beside.into_iter().map(|number| inheritance.take(number)).collect::<io::Result<_>>()?,
        })
    }
}

impl Ticket {
    pub(super) const fn number(self) -> u32 {
        self.0
    }

    pub(super) const fn of(number: u32) -> Self {
        Self(number)
    }
}

/// A socket connected to itself; strangers cannot send to it.
fn to_itself() -> Result<OwnedFd, Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Unix, SockType::Datagram, flags, None)?;
    bind(socket.as_raw_fd(), &UnixAddr::new_unnamed())?;
    connect(socket.as_raw_fd(), &getsockname::<UnixAddr>(socket.as_raw_fd())?)?;
    Ok(socket)
}

/// One of the things that were sent.
fn receive(socket: &OwnedFd) -> io::Result<Vec<OwnedFd>> {
    Ok(channel::receive(socket.as_fd(), &mut [0])?.1)
}

fn send(socket: &OwnedFd, descriptors: &[BorrowedFd<'_>]) -> Result<usize, Errno> {
    let numbers: Vec<_> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&numbers)];
    sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(&[0])], &rights, MsgFlags::empty(), None)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{ErrorKind, Read};

    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    use nix::unistd::pipe;

    use super::*;

    /// Whether nobody has closed the other end.
    fn is_held(reader: &OwnedFd) -> bool {
        fcntl(reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        let read = File::from(reader.try_clone().unwrap()).read(&mut [0]);
        read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    #[test]
    fn what_is_kept_is_open_for_as_long_as_the_place_is() {
        let (mut parking, mut readers) = (Parking::default(), Vec::new());
        assert!(parking.keep(&[]).is_none() && parking.socket.is_none());
        loop {
            let (reader, writer) = pipe().unwrap();
            let kept = parking.keep(&[writer.as_fd(), writer.as_fd()]).is_some();
            drop(writer);
            assert_eq!(is_held(&reader), kept);
            if !kept {
                break;
            }
            readers.push(reader);
        }
        assert_eq!(readers.len(), MOST / 2);
        assert!(readers.iter().all(is_held));
        drop(parking);
        assert!(!readers.iter().any(is_held));
    }
}
