//! What every system's file has to offer, checked by the compiler on each of them.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::{posix, sys};

const _: fn() -> Duration = sys::now;
const _: fn(&str) -> io::Result<[u8; 6]> = sys::hardware_address;
const _: fn(&str) -> io::Result<posix::LinkState> = sys::link_state;
const _: fn() -> Option<&'static str> = sys::missing_privilege;
const _: fn(&str) -> io::Result<sys::LinkSocket> = sys::LinkSocket::open;
const _: fn(&sys::LinkSocket, &[u8]) -> io::Result<()> = sys::LinkSocket::send;
const _: fn() -> io::Result<sys::LinkMonitor> = sys::LinkMonitor::open;
const _: fn(&mut sys::LinkMonitor) = sys::LinkMonitor::read;
const _: fn(&sys::LinkMonitor) -> BorrowedFd<'_> = <sys::LinkMonitor as AsFd>::as_fd;
const _: fn(IpAddr, u32) -> io::Result<sys::Membership> = sys::Membership::join;
const _: bool = sys::LINK_CHANGES_ARE_EVENTS;
