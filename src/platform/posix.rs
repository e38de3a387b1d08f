//! What is the same on every system: local time, interface names and addresses, descriptor flags.
//!
//! Must not name a system or need a cfg. Anything whose constants, structures or meaning differ between kernels
//! belongs into that kernel's file.

#![expect(unsafe_code, reason = "localtime_r and some socket options have no safe wrapper")]

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, FcntlArg, FdFlag, fcntl};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{AccessFlags, Gid, Uid, faccessat};

use super::sys;

/// Keeps a descriptor out of the programs we start.
///
/// # Errors
/// The descriptor is not open.
pub fn close_on_exec(fd: BorrowedFd<'_>) -> io::Result<()> {
    let flags = FdFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFD)?);
    if !flags.contains(FdFlag::FD_CLOEXEC) {
        fcntl(fd, FcntlArg::F_SETFD(flags | FdFlag::FD_CLOEXEC))?;
    }
    Ok(())
}

/// Sets an option of a socket. `T` must be the plain C type that the option's manual page names.
pub(super) fn set_option<T>(fd: BorrowedFd<'_>, level: i32, option: i32, value: &T) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<T>()).expect("options are smaller than 4 GiB");
    let start = std::ptr::from_ref(value).cast();
    // SAFETY: the pointer is to a T that outlives the call and the length is its size; the kernel only reads.
    Errno::result(unsafe { libc::setsockopt(fd.as_raw_fd(), level, option, start, length) })?;
    Ok(())
}

/// Refuses a prefix longer than the address: the same mistakes are mistakes on every system.
pub(super) fn check_prefix(address: IpAddr, prefix: u8) -> io::Result<()> {
    let width = if address.is_ipv4() { 32 } else { 128 };
    if prefix > width {
        let what = format!("the prefix length is over {width}: {prefix}");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    Ok(())
}

/// The effective user and group.
#[must_use]
pub fn user_and_group() -> (u32, u32) {
    (Uid::effective().as_raw(), Gid::effective().as_raw())
}

/// Whether this process, as the user it acts as, may execute a file or search a folder.
///
/// # Errors
/// Why not: `PermissionDenied` for its mode, that of a folder before it, or a mount without execution; it is missing.
pub fn may_execute(path: &Path) -> io::Result<()> {
    may(path, AccessFlags::X_OK)
}

/// access(2) asks for the real user, which is not the one that is asked by execve(2).
fn may(path: &Path, what: AccessFlags) -> io::Result<()> {
    Ok(faccessat(AT_FDCWD, path, what, AtFlags::AT_EACCESS)?)
}

/// Whether files can be made in this folder by us.
///
/// # Errors
/// Why not: it is missing, no folder, or closed to us.
pub fn may_create_in(folder: &Path) -> io::Result<()> {
    if !fs::metadata(folder)?.is_dir() {
        return Err(Errno::ENOTDIR.into());
    }
    may(folder, AccessFlags::W_OK | AccessFlags::X_OK)
}

/// A moment as the wall clock of this place shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LocalTime {
    /// Year, as 2026.
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
    /// 0..=999,999.
    pub microsecond: u32,
}

/// What the wall clock shows now. For log lines only; it jumps. The first call may read the time zone from disk.
#[must_use]
pub fn local_time() -> LocalTime {
    // The clock exists everywhere; before 1970 a log line may say 1970.
    local_time_of(clock_gettime(ClockId::CLOCK_REALTIME).map_or(Duration::ZERO, Duration::from))
}

/// What the wall clock showed that long after 1970 began.
#[must_use]
pub fn local_time_of(since_1970: Duration) -> LocalTime {
    // A time_t, which libc would rather not name for musl.
    let seconds = since_1970.as_secs().try_into().unwrap_or_default();
    // SAFETY: an all-zero tm (time.h) is valid: integers, and on some systems a pointer that may be null.
    let mut parts: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to this frame and localtime_r(3) keeps neither; when it fails, as for years beyond
    // an int, `parts` is still a valid tm.
    unsafe { libc::localtime_r(&raw const seconds, &raw mut parts) };
    let small = |part: libc::c_int| u8::try_from(part).unwrap_or_default();
    LocalTime {
        year: parts.tm_year.saturating_add(1900),
        month: small(parts.tm_mon.saturating_add(1)),
        day: small(parts.tm_mday),
        hour: small(parts.tm_hour),
        minute: small(parts.tm_min),
        second: small(parts.tm_sec),
        microsecond: since_1970.subsec_micros(),
    }
}

/// The number the kernel gave the interface; another one after it was removed and made again.
///
/// # Errors
/// ENODEV or ENXIO when no interface has this name.
pub fn interface_index(interface: &str) -> io::Result<u32> {
    Ok(nix::net::if_::if_nametoindex(interface)?)
}

/// The addresses of an interface in the system's order, which puts the primary address first. Empty when it has
/// none or does not exist.
///
/// # Errors
/// The list of interfaces cannot be read.
pub fn interface_addresses(interface: &str) -> io::Result<Vec<IpAddr>> {
    Ok(nix::ifaddrs::getifaddrs()?
        .filter(|entry| interface_of_row(entry) == interface)
        .filter_map(|entry| address_of(&entry))
        .collect())
}

/// The names of all interfaces, in the system's order.
///
/// # Errors
/// The list of interfaces cannot be read.
pub fn interface_names() -> io::Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for entry in nix::ifaddrs::getifaddrs()? {
        let name = interface_of_row(&entry);
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// The VLANs of this host whose frames a capture on this interface shows as if they were its own.
///
/// # Errors
/// The list of interfaces cannot be read.
pub fn mingled_vlans(interface: &str) -> io::Result<Vec<String>> {
    let Some(parent) = sys::MINGLED_VLAN else { return Ok(Vec::new()) };
    let is_child = |name: &String| parent(name).is_some_and(|parent| parent == interface);
    Ok(interface_names()?.into_iter().filter(is_child).collect())
}

/// The routing domain of an interface, where there are any and it is another than that of this process.
#[must_use]
pub fn other_routing_domain(interface: &str) -> Option<u32> {
    sys::ROUTING_DOMAIN.and_then(|ask| ask(interface))
}

/// Whether this is how a system says that there is no such interface; anything else says nothing about it.
#[must_use]
pub fn says_no_interface(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENODEV | libc::ENXIO))
}

/// Whether this is how a system says that a datagram finds no room where it is to be read: EAGAIN on Linux, ENOBUFS on
/// the others (`uipc_send` or `uipc_usrreq` of kern/uipc_usrreq.c).
#[must_use]
pub fn says_no_room(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::ENOBUFS))
}

/// The interface that holds an address, if any does.
///
/// # Errors
/// The list of interfaces cannot be read.
pub fn interface_of(address: IpAddr) -> io::Result<Option<String>> {
    Ok(nix::ifaddrs::getifaddrs()?
        .find(|entry| address_of(entry) == Some(address))
        .map(|entry| interface_of_row(&entry).to_owned()))
}

/// The interface of a row of the list. An IPv4 address of Linux may have a label, which is listed in place of the
/// interface's name: that name, a colon, more (`inet_fill_ifaddr` in net/ipv4/devinet.c).
pub(super) fn interface_of_row(entry: &nix::ifaddrs::InterfaceAddress) -> &str {
    let listed = entry.interface_name.as_str();
    listed.split_once(':').map_or(listed, |(name, _)| name)
}

/// The address of a row of the list, if it is one of IP.
pub(super) fn address_of(entry: &nix::ifaddrs::InterfaceAddress) -> Option<IpAddr> {
    ip(entry.address.as_ref()?)
}

/// What of a socket's address is IP's.
pub(super) fn ip(address: &nix::sys::socket::SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|a| IpAddr::V4(a.ip()));
    let v6 = |address: Ipv6Addr| if cfg!(bsd) { as_on_the_wire(address) } else { address };
    v4.or_else(|| address.as_sockaddr_in6().map(|a| IpAddr::V6(v6(a.ip()))))
}

/// Kernels that come from KAME keep the number of the interface in the third and fourth byte of a link-local address,
/// and some of them list it so (`in6_fillscopeid` in ifconfig of OpenBSD and NetBSD undoes it). In packets these
/// bytes are zero (RFC 4291 section 2.5.6).
pub(super) fn as_on_the_wire(address: Ipv6Addr) -> Ipv6Addr {
    match address.segments() {
        [first, _, rest @ ..] if address.is_unicast_link_local() => {
            let [c, d, e, f, g, h] = rest;
            Ipv6Addr::new(first, 0, c, d, e, f, g, h)
        }
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_interface_inside_a_link_local_address_is_taken_out() {
        for (listed, sent) in [
            ("fe80:2::211:22ff:fe33:4455", "fe80::211:22ff:fe33:4455"),
            ("fe80::1", "fe80::1"),
            ("febf:ffff::1", "febf::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("fec0:1::1", "fec0:1::1"),
        ] {
            let listed: Ipv6Addr = listed.parse().unwrap();
            assert_eq!(as_on_the_wire(listed).to_string(), sent, "{listed}");
        }
    }

    #[test]
    fn local_time_has_all_parts() {
        let t = local_time_of(Duration::from_micros(1_777_052_302_123_456));
        assert_eq!((t.year, t.month, t.second, t.microsecond), (2026, 4, 22, 123_456));
        assert!((23..=25).contains(&t.day) && t.hour < 24 && t.minute < 60);
        assert!(local_time().year >= 2024);
        let _ = local_time_of(Duration::MAX);
    }

    #[test]
    fn what_can_be_executed() {
        let directory = std::env::temp_dir().join(format!("ucarp-executable-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let file = directory.join("script");
        fs::write(&file, "#!/bin/sh\n").unwrap();
        assert_eq!(may_execute(&file).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        may_execute(&file).unwrap();
        may_execute(&directory).unwrap();
        assert_eq!(may_execute(&directory.join("missing")).unwrap_err().kind(), io::ErrorKind::NotFound);
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn the_loopback_interface_has_its_address() {
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let name = interface_of(here).unwrap().unwrap();
        assert!(interface_addresses(&name).unwrap().contains(&here));
        assert!(says_no_interface(&interface_index("no-such-if").unwrap_err()));
        assert!(!says_no_interface(&Errno::EMFILE.into()));
        assert_eq!(interface_names().unwrap().iter().filter(|known| **known == name).count(), 1);
        assert!(interface_addresses("no-such-if").unwrap().is_empty());
        assert_eq!(interface_of(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 211))).unwrap(), None);
    }
}
