//! Packets to single hosts of the network: a raw IP socket, so that the kernel resolves the neighbours.
//!
//! The same on every system: the kernel writes the IP header, after options for what is not usual in it, and the
//! socket is bound to the address to send from. A header of our own would have to be in another byte order on some.

#![expect(unsafe_code, reason = "nix does not know this protocol")]

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, SockaddrStorage, bind, connect, recv, send, sendto};

use super::{descriptors, interfaces, sys};

/// More than a queue holds; a flood must not keep us here.
const MOST_DISCARDED: usize = 512;

/// What the header of every packet says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Envelope {
    /// IPv6, not IPv4.
    pub ipv6: bool,
    /// What the packet carries.
    pub protocol: u8,
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// Type of service; IPv4 only. NetBSD writes 0 all the same (`rip_output()` in its `netinet/raw_ip.c`).
    pub tos: u8,
}

/// Sends packets of one protocol to hosts on the network of one interface.
///
/// What arrives is of no interest. That it is taken is what keeps the kernel from telling those hosts that nobody
/// here understands the protocol, which some kernels do.
#[derive(Debug)]
pub struct IpSocket {
    fd: OwnedFd,
    index: u32,
}

impl IpSocket {
    /// Opens.
    ///
    /// # Errors
    /// `PermissionDenied` without the privilege for raw sockets; ENODEV when no interface has this name;
    /// EAFNOSUPPORT when the kernel does not have the family.
    pub fn open(interface: &str, envelope: Envelope) -> io::Result<Self> {
        let index = interfaces::interface_index(interface)?;
        let family = if envelope.ipv6 { libc::AF_INET6 } else { libc::AF_INET };
        // SAFETY: takes no pointers.
        let fd = Errno::result(unsafe { libc::socket(family, libc::SOCK_RAW, envelope.protocol.into()) })?;
        // SAFETY: socket(2) just returned it and nobody else knows it.
        let socket = Self { fd: unsafe { OwnedFd::from_raw_fd(fd) }, index };
        descriptors::close_on_exec(socket.fd.as_fd())?;
        sys::keep_to_link(socket.fd.as_fd(), interface, envelope.ipv6)?;
        if envelope.ipv6 {
            socket.set(libc::IPPROTO_IPV6, libc::IPV6_UNICAST_HOPS, envelope.ttl.into())?;
        } else {
            socket.set(libc::IPPROTO_IP, libc::IP_TTL, envelope.ttl.into())?;
            socket.set(libc::IPPROTO_IP, libc::IP_TOS, envelope.tos.into())?;
        }
        Ok(socket)
    }

    /// The one that another process opened on the interface with this number.
    #[must_use]
    pub fn over(fd: OwnedFd, index: u32) -> Self {
        Self { fd, index }
    }

    /// The number of its interface.
    #[must_use]
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Sends what follows the IP header from one address of this host to an address of another. Never blocks.
    ///
    /// A neighbour that does not answer is no error: the packet was sent as well as it could be.
    ///
    /// # Errors
    /// The packet was not sent: EADDRNOTAVAIL (no such address here), ENETDOWN, ENETUNREACH, ENOBUFS or EAGAIN,
    /// EPERM (a packet filter); EAFNOSUPPORT for addresses that are not of this socket's family.
    pub fn send(&self, source: IpAddr, destination: IpAddr, payload: &[u8]) -> io::Result<()> {
        if source.is_ipv4() != destination.is_ipv4() {
            return Err(Errno::EAFNOSUPPORT.into());
        }
        let anywhere = match source {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        // Each time: the address may have been away since, and a socket that is not connected may be bound anew.
        bind(self.fd.as_raw_fd(), &self.at(source))?;
        let (fd, destination) = (self.fd.as_raw_fd(), self.at(destination));
        let sent = uninterrupted(|| sendto(fd, payload, &destination, MsgFlags::MSG_DONTWAIT));
        // What comes to another address of this host is to be taken as well.
        let _ = bind(self.fd.as_raw_fd(), &self.at(anywhere));
        Ok(but_for_absence(sent)?)
    }

    /// Makes of it a way from one address of this host to one of another, which takes no more addresses: what only
    /// sends, for who may not name any.
    ///
    /// # Errors
    /// EADDRNOTAVAIL: no such address here, or none to send from; EAFNOSUPPORT for one that is not of this socket's
    /// family.
    pub fn connect(self, source: IpAddr, destination: IpAddr) -> io::Result<Connection> {
        if source.is_ipv4() != destination.is_ipv4() {
            return Err(Errno::EAFNOSUPPORT.into());
        }
        bind(self.fd.as_raw_fd(), &self.at(source))?;
        // What comes is of no interest here: as little as the system allows is kept of it.
        self.set(libc::SOL_SOCKET, libc::SO_RCVBUF, 1)?;
        connect(self.fd.as_raw_fd(), &self.at(destination))?;
        if let Some(keep_to_sending) = sys::KEPT_TO_SENDING {
            keep_to_sending(self.fd.as_fd())?;
        }
        Ok(Connection { fd: self.fd })
    }

    fn at(&self, address: IpAddr) -> SockaddrStorage {
        match address {
            IpAddr::V4(v4) => SocketAddrV4::new(v4, 0).into(),
            IpAddr::V6(v6) => {
                let scope = if v6.is_unicast_link_local() { self.index } else { 0 };
                SocketAddrV6::new(v6, 0, 0, scope).into()
            }
        }
    }

    /// Throws away what has arrived. To be called now and then: a kernel whose queue is full complains again.
    pub fn discard(&self) {
        let mut byte = [0];
        for _ in 0..MOST_DISCARDED {
            match recv(self.fd.as_raw_fd(), &mut byte, MsgFlags::MSG_DONTWAIT) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => return,
            }
        }
    }

    fn set(&self, level: i32, option: i32, value: libc::c_int) -> io::Result<()> {
        descriptors::set_option(self.fd.as_fd(), level, option, &value)
    }
}

/// A way for packets from one address of this host to one of another. What arrives is not taken by it.
#[derive(Debug)]
pub struct Connection {
    fd: OwnedFd,
}

impl Connection {
    /// The one that another process made.
    #[must_use]
    pub fn over(fd: OwnedFd) -> Self {
        Self { fd }
    }

    /// Sends what follows the IP header. Never blocks. The address it goes out from may have gone meanwhile: then that is
    /// not told on every system.
    ///
    /// # Errors
    /// As [`IpSocket::send`].
    pub fn send(&self, payload: &[u8]) -> io::Result<()> {
        let sent = uninterrupted(|| send(self.fd.as_raw_fd(), payload, MsgFlags::MSG_DONTWAIT));
        // It is about this packet: what others say of earlier ones no raw socket keeps for the next (FreeBSD: rip_ctlinput()
        // and in6_rtchange(); Linux: raw_sendmsg()).
        Ok(but_for_absence(sent)?)
    }
}

impl From<Connection> for OwnedFd {
    fn from(connection: Connection) -> Self {
        connection.fd
    }
}

fn uninterrupted(send: impl Fn() -> Result<usize, Errno>) -> Result<(), Errno> {
    loop {
        match send() {
            Err(Errno::EINTR) => {}
            outcome => return outcome.map(drop),
        }
    }
}

/// What the kernels say of a neighbour that they have asked for in vain, with the packet kept until it answers, is no error.
fn but_for_absence(sent: Result<(), Errno>) -> Result<(), Errno> {
    match sent {
        Err(Errno::EHOSTDOWN | Errno::EHOSTUNREACH) => Ok(()),
        outcome => outcome,
    }
}

impl From<IpSocket> for OwnedFd {
    fn from(socket: IpSocket) -> Self {
        socket.fd
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: Envelope = Envelope { ipv6: false, protocol: 112, ttl: 255, tos: 0x10 };

    #[test]
    fn a_missing_interface_has_a_clear_error() {
        let error = IpSocket::open("nosuch0", V4).unwrap_err();
        assert!(interfaces::says_no_interface(&error), "{error}");
    }

    // Nothing is sent: that is for the tests in namespaces.
    #[test]
    fn an_ip_socket_needs_the_privilege_and_an_address_of_this_host() {
        let loopback = interfaces::interface_of(IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap().unwrap();
        let socket = match IpSocket::open(&loopback, V4) {
            Ok(socket) => socket,
            Err(error) => return assert_eq!(error.kind(), io::ErrorKind::PermissionDenied),
        };
        let code = |source: IpAddr, destination: IpAddr| {
            socket.send(source, destination, &[0; 36]).unwrap_err().raw_os_error()
        };
        let (foreign, v6) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from(Ipv6Addr::LOCALHOST));
        assert_eq!(code(foreign, foreign), Some(libc::EADDRNOTAVAIL));
        assert_eq!(code(foreign, v6), Some(libc::EAFNOSUPPORT));
        assert_eq!(code(v6, foreign), Some(libc::EAFNOSUPPORT));
        socket.discard();
    }
}
