//! What OpenBSD, NetBSD, FreeBSD and macOS share: interface ioctls, lock files.
//!
//! What differs is a figure of `layout` or an item of the system's own file. It must not know what the bytes it sends
//! mean. Every descriptor made here is closed on exec and never blocks.

#![expect(unsafe_code, reason = "ioctls and getifaddrs' raw addresses have no safe wrapper")]

use std::ffi::CStr;
use std::io;
use std::mem::offset_of;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use nix::unistd::getpeereid;

use super::Unnumbered;
use super::bsd_bytes::{self, LinkLayer, Unbuildable};
use super::claim::{self, Doubt, Holder, LeftClaim, LeftParking};
use super::inheritance::Inheritance;
use super::layout::{SIOCDIFADDR_IN6, SIOCGIFAFLAG_IN6};
use super::lock_file::{self, LockFile};
use super::rights::Guarded;
use super::sys::LAYOUT;
use super::{LinkState, Unready, descriptors, interfaces, sys};

/// See the Linux item of this name: here a tag stays in the frame, where filters find it.
pub const UNTAGGED_ONLY: Option<&str> = None;
/// Only who may open /dev/bpf has a capture.
pub const DEVICES_NEED_RIGHTS: bool = true;

pub(super) const INET6: u8 = libc::AF_INET6.to_le_bytes()[0];

// What bsd_bytes puts together and takes apart, where libc has it from the same headers.
const _: () = assert!(libc::IFNAMSIZ == bsd_bytes::NAME && libc::AF_INET == bsd_bytes::AF_INET as i32);
const _: () = assert!(offset_of!(libc::sockaddr, sa_len) == 0 && offset_of!(libc::sockaddr, sa_family) == 1);
const _: () = assert!(size_of::<libc::sockaddr_in>() == bsd_bytes::SOCKADDR_IN);
const _: () = assert!(offset_of!(libc::sockaddr_in, sin_addr) == 4);
const _: () = assert!(size_of::<libc::sockaddr_in6>() == bsd_bytes::SOCKADDR_IN6);
const _: () = assert!(offset_of!(libc::sockaddr_in6, sin6_addr) == 8);
const _: () = assert!(offset_of!(libc::sockaddr_in6, sin6_scope_id) == 24);
const _: () = assert!(offset_of!(libc::sockaddr_dl, sdl_type) == 4);
const _: () = assert!(offset_of!(libc::sockaddr_dl, sdl_nlen) == 5);
const _: () = assert!(offset_of!(libc::sockaddr_dl, sdl_alen) == 6);
const _: () = assert!(offset_of!(libc::sockaddr_dl, sdl_data) == 8);

/// Whether `kinds` are those that libc has from net/route.h.
pub(super) const fn are(kinds: &[u8], named: &[libc::c_int]) -> bool {
    let mut at = 0;
    while at < kinds.len() && at < named.len() && kinds[at] as libc::c_int == named[at] {
        at += 1;
    }
    at == kinds.len() && at == named.len()
}

/// An ioctl whose argument is `request`, which it reads and may overwrite.
///
/// The number must be one whose size is that of `request`: the figures of `layout` are tested for that.
pub(super) fn ask(fd: BorrowedFd<'_>, number: u64, request: &mut [u8]) -> Result<(), Errno> {
    // SAFETY: the kernel copies as many bytes in and out as the number says (sys/ioccom.h), which is the length of
    // `request` in every call here.
    Errno::result(unsafe { libc::ioctl(fd.as_raw_fd(), number as libc::c_ulong, request.as_mut_ptr()) })?;
    Ok(())
}

/// An ioctl that takes a C unsigned int.
pub(super) fn tell(fd: BorrowedFd<'_>, number: u64, value: u32) -> Result<(), Errno> {
    ask(fd, number, &mut value.to_ne_bytes())
}

/// Where an interface is not, or cannot be, known by this name.
pub(super) fn unknown(reason: Unbuildable) -> io::Error {
    match reason {
        Unbuildable::Name => Errno::ENXIO.into(),
        Unbuildable::Prefix => Errno::EINVAL.into(),
    }
}

/// A datagram socket that is never bound: it has no port, so nothing is ever queued.
pub(super) fn unbound(family: AddressFamily) -> io::Result<OwnedFd> {
    let fd = socket(family, SockType::Datagram, SockFlag::empty(), None)?;
    descriptors::close_on_exec(fd.as_fd())?;
    Ok(fd)
}

/// What getifaddrs(3) tells of an interface as such.
struct Interface {
    flags: libc::c_uint,
    link_layer: Option<LinkLayer>,
    /// Whether there is a carrier, if that is known.
    carrier: Option<bool>,
}

/// Whether the interface uses this link-layer address, a sockaddr_dl. NetBSD alone knows others.
fn is_in_use(interface: &str, sockaddr: &[u8]) -> bool {
    let Some(number) = LAYOUT.about_link_layer else { return true };
    let Ok(mut request) = bsd_bytes::asking_for_use(interface, sockaddr) else { return true };
    match unbound(AddressFamily::Link).map(|any| ask(any.as_fd(), number, &mut request)) {
        Ok(Ok(())) => bsd_bytes::is_in_use(&request),
        Ok(Err(_)) | Err(_) => true,
    }
}

/// The interface of this name, if there is one.
fn interface(name: &str) -> io::Result<Option<Interface>> {
    let mut first = std::ptr::null_mut();
    // SAFETY: getifaddrs(3) writes one pointer.
    Errno::result(unsafe { libc::getifaddrs(&raw mut first) })?;
    let mut found = None;
    let mut next: *const libc::ifaddrs = first;
    // SAFETY: the list is valid until freeifaddrs; its end is null.
    while let Some(entry) = unsafe { next.as_ref() } {
        next = entry.ifa_next;
        // SAFETY: ifa_name is a NUL-terminated string of the list.
        let is_it = unsafe { CStr::from_ptr(entry.ifa_name) }.to_bytes() == name.as_bytes();
        // SAFETY: ifa_addr is null or a sockaddr of the list, which begins with its length and family.
        let Some(address) = (unsafe { entry.ifa_addr.as_ref() }) else { continue };
        if !is_it || i32::from(address.sa_family) != libc::AF_LINK {
            continue;
        }
        // SAFETY: sa_len bytes of it are the sockaddr (sys/socket.h), however long the C structure is.
        let bytes =
            unsafe { std::slice::from_raw_parts(entry.ifa_addr.cast::<u8>(), usize::from(address.sa_len)) };
        let carrier = match (LAYOUT.link_state, entry.ifa_data.is_null()) {
            (Some((offset, width)), false) => {
                // SAFETY: with AF_LINK ifa_data is a struct if_data (getifaddrs(3)), whose figures these are.
                let state =
                    unsafe { std::slice::from_raw_parts(entry.ifa_data.cast::<u8>().add(offset), width) };
                bsd_bytes::carrier(&LAYOUT, state)
            }
            _ => None,
        };
        let is_used = is_in_use(name, bytes);
        if is_used || found.is_none() {
            let link_layer = bsd_bytes::link_layer(bytes);
            found = Some(Interface { flags: entry.ifa_flags, link_layer, carrier });
        }
        if is_used {
            break;
        }
    }
    // SAFETY: the list came from getifaddrs and nothing of it is referred to any more.
    unsafe { libc::freeifaddrs(first) };
    Ok(found)
}

/// The networks that an interface is connected to, each as one of its addresses and the prefix length.
///
/// # Errors
/// The list of interfaces cannot be read.
pub fn connected_networks(name: &str) -> io::Result<Vec<(IpAddr, u8)>> {
    let mut first = std::ptr::null_mut();
    // SAFETY: getifaddrs(3) writes one pointer.
    Errno::result(unsafe { libc::getifaddrs(&raw mut first) })?;
    let mut networks = Vec::new();
    let mut next: *const libc::ifaddrs = first;
    // SAFETY: the list is valid until freeifaddrs; its end is null.
    while let Some(entry) = unsafe { next.as_ref() } {
        next = entry.ifa_next;
        // SAFETY: ifa_name is a NUL-terminated string of the list.
        let is_it = unsafe { CStr::from_ptr(entry.ifa_name) }.to_bytes() == name.as_bytes();
        if !is_it || entry.ifa_addr.is_null() || entry.ifa_netmask.is_null() {
            continue;
        }
        // SAFETY: both begin with their length, and are that long (sys/socket.h): a mask may be cut off behind its
        // last bit, so it is no whole structure.
        let [address, mask] = [entry.ifa_addr, entry.ifa_netmask].map(|start| unsafe {
            std::slice::from_raw_parts(start.cast::<u8>(), usize::from((*start).sa_len))
        });
        networks.extend(bsd_bytes::network(address, mask, INET6));
    }
    // SAFETY: the list came from getifaddrs and nothing of it is referred to any more.
    unsafe { libc::freeifaddrs(first) };
    let as_sent = |address| match address {
        IpAddr::V6(v6) => IpAddr::V6(interfaces::as_on_the_wire(v6)),
        IpAddr::V4(_) => address,
    };
    Ok(networks.into_iter().map(|(address, prefix)| (as_sent(address), prefix)).collect())
}

/// The hardware address of an Ethernet interface, or of one that passes for Ethernet: VLAN, bridge, trunk, tap, pair.
///
/// # Errors
/// ENXIO when no interface has this name; `InvalidInput` when it has no Ethernet address, with what it is instead.
pub fn hardware_address(name: &str) -> io::Result<[u8; 6]> {
    let found = interface(name)?.ok_or_else(|| io::Error::from(Errno::ENXIO))?;
    let kind = found.link_layer.map(|link_layer| link_layer.kind);
    found.link_layer.and_then(|link_layer| link_layer.address).ok_or_else(|| {
        let kind = kind.map_or_else(|| "?".to_owned(), |kind| kind.to_string());
        let what = Unnumbered::NotEthernet { kind, header: "net/if_types.h" };
        io::Error::new(io::ErrorKind::InvalidInput, what)
    })
}

/// Whether the interface can carry frames now: it is up, its driver runs, and neither the driver nor the medium says
/// that there is no carrier.
///
/// # Errors
/// The question could not be asked. A missing interface is an answer, not an error.
pub fn link_state(name: &str) -> io::Result<LinkState> {
    let Some(found) = interface(name)? else { return Ok(LinkState::Gone) };
    let has = |flag: libc::c_int| found.flags & flag as libc::c_uint != 0;
    if !has(libc::IFF_UP) {
        return Ok(LinkState::Disabled);
    }
    if !has(libc::IFF_RUNNING) {
        return Ok(LinkState::Down);
    }
    let carries = match found.carrier {
        Some(carries) => carries,
        None => {
            // The medium of an aggregate without ports tells; drivers without a medium (bridges, tunnels) refuse the
            // question, and there is no more to be known of them.
            let (number, size, _) = LAYOUT.media;
            let mut request = bsd_bytes::named(name, size).map_err(unknown)?;
            let any = unbound(AddressFamily::Inet)?;
            ask(any.as_fd(), number, &mut request).is_err() || bsd_bytes::medium_is_active(&LAYOUT, &request)
        }
    };
    Ok(if carries { LinkState::Up } else { LinkState::Down })
}

/// How an address is asked about; nothing where none of its family is ever unready.
fn question(address: IpAddr) -> Option<(AddressFamily, u64)> {
    match address {
        IpAddr::V4(_) => LAYOUT.flags_v4.map(|number| (AddressFamily::Inet, number)),
        IpAddr::V6(_) => Some((AddressFamily::Inet6, SIOCGIFAFLAG_IN6)),
    }
}

/// Why this address should not be sent from, if so.
pub(super) fn state(name: &str, address: IpAddr, index: u32) -> io::Result<Option<Unready>> {
    let Some((family, number)) = question(address) else { return Ok(None) };
    let mut request = bsd_bytes::naming(&LAYOUT, name, address, INET6, index).map_err(unknown)?;
    // An address that went away since is none to be sent from, but nobody will choose it either.
    let asked = ask(unbound(family)?.as_fd(), number, &mut request);
    Ok(asked.ok().and_then(|()| bsd_bytes::unready(address, &request)))
}

/// The addresses of an interface that should not be sent from, and why. IPv4 has some on NetBSD alone.
///
/// # Errors
/// The list of addresses cannot be read.
pub fn unready_addresses(name: &str) -> io::Result<Vec<(IpAddr, Unready)>> {
    let mut addresses = interfaces::interface_addresses(name)?;
    addresses.retain(|address| question(*address).is_some());
    if addresses.is_empty() {
        return Ok(Vec::new());
    }
    let index = match interfaces::interface_index(name) {
        Ok(index) => index,
        // It went away since.
        Err(error) if interfaces::says_no_interface(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for address in addresses {
        found.extend(state(name, address, index)?.map(|why| (address, why)));
    }
    Ok(found)
}

/// Takes an address away from an interface. `false` when it was not there. The prefix length is that of the
/// assignment; these systems know an address by itself.
///
/// # Errors
/// ENXIO when no interface has this name; EPERM without the right to; `InvalidInput` for a prefix longer than the
/// address.
pub fn withdraw_address(interface: &str, address: IpAddr, prefix: u8) -> io::Result<bool> {
    let index = interfaces::interface_index(interface)?;
    interfaces::check_prefix(address, prefix)?;
    let mut request = bsd_bytes::naming(&LAYOUT, interface, address, INET6, index).map_err(unknown)?;
    let (family, number) = match address {
        IpAddr::V4(_) => (AddressFamily::Inet, LAYOUT.remove_v4),
        IpAddr::V6(_) => (AddressFamily::Inet6, SIOCDIFADDR_IN6),
    };
    match ask(unbound(family)?.as_fd(), number, &mut request) {
        Ok(()) => Ok(true),
        Err(Errno::EADDRNOTAVAIL) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Keeps a socket to one interface where the system can; elsewhere routes decide, and a peer on the link has one.
///
/// `SO_DONTROUTE`, "to a neighbour or not at all", is none of it: where it is known, it makes `ip_output()` send a TTL of
/// 1 (`IP_ROUTETOIF` in FreeBSD's, NetBSD's and XNU's `netinet/ip_output.c`), and OpenBSD's raw sockets refuse it.
///
/// # Errors
/// ENODEV or ENXIO when no interface has this name.
pub(super) fn keep_to_link(fd: BorrowedFd<'_>, interface: &str, ipv6: bool) -> io::Result<()> {
    let Some((v4, v6)) = sys::BOUND_IF else { return Ok(()) };
    let (level, option) = if ipv6 { (libc::IPPROTO_IPV6, v6) } else { (libc::IPPROTO_IP, v4) };
    descriptors::set_option(fd, level, option, &interfaces::interface_index(interface)?)
}

/// Where lock files are made.
pub(super) const LOCKS: &str = "/var/run";

/// The only one of its name on this host.
#[derive(Debug)]
pub(super) struct Claim {
    lock: Option<LockFile>,
}

impl Claim {
    /// Takes the name, by a lock file in `folder` or in [`LOCKS`], and if it `waits`, a moment later from somebody who is being
    /// ended.
    pub(super) fn take(name: &str, folder: Option<&Path>, waits: bool) -> Result<(Self, Vec<Doubt>), Holder> {
        let folder = folder.unwrap_or(Path::new(LOCKS));
        let lock = || claim::lock(folder, name);
        Ok(match if waits { lock_file::patiently(lock, Result::is_err) } else { lock() }? {
            Ok(lock) => (Self { lock: Some(lock) }, Vec::new()),
            Err(doubt) => (Self { lock: None }, vec![doubt]),
        })
    }

    /// It keeps its descriptor: these systems give fewer on their way, and some forget them there.
    pub(super) fn keep_in(&mut self, _: &mut Parking) {}

    /// Leaves it to whoever succeeds.
    pub(super) fn leave(&self, name: &str) -> io::Result<LeftClaim> {
        let lock = self.lock.as_ref().map(LockFile::leave).transpose()?;
        Ok(LeftClaim { name: name.to_owned(), socket: None, lock, parked: None })
    }

    /// That of a program that was this process before.
    pub(super) fn inherit(left: LeftClaim, inheritance: &mut Inheritance) -> io::Result<Self> {
        Ok(Self { lock: left.lock.map(|lock| LockFile::inherit(lock, inheritance)).transpose()? })
    }

    /// Its file loses its name, so that another one can be made.
    pub(super) fn give_back(self, _: &mut Parking) {}
}

/// There is none.
#[derive(Debug, Default)]
pub(super) struct Parking;

impl Parking {
    /// Nothing is left.
    pub(super) fn leave(&self) -> io::Result<LeftParking> {
        Ok(LeftParking::default())
    }

    /// Nothing was left.
    pub(super) fn inherit(_: LeftParking, _: &mut Inheritance) -> io::Result<Self> {
        Ok(Self)
    }
}

/// Beside those of a user there are none on these systems.
pub(super) fn forgo_rights() {}

/// As above.
pub(super) fn forgo_capabilities() -> io::Result<()> {
    Ok(())
}

/// As above.
pub(super) fn before_surrender() {}

/// As above.
pub(super) fn after_surrender(_: &mut Guarded) {}

/// Where programs keep what they have to know after a restart (hier(7)).
pub const STATE: &str = "/var/db/ucarp";

/// Where they have the sockets by which they are steered (hier(7)).
pub const CONTROL: &str = "/var/run/ucarp";

/// There are no namespaces on these systems.
pub(super) const OTHER_NAMESPACE: Option<fn() -> Option<u64>> = None;

/// getpeereid(3): the user that connected, or that listens.
pub(super) fn peer_user(socket: BorrowedFd<'_>) -> nix::Result<u32> {
    getpeereid(socket).map(|(user, _)| user.as_raw())
}

/// Nobody is spared by a wish of his own, or not by one that others would inherit.
pub(super) const OOM_SCORE: Option<&CStr> = None;

/// See the item of this name on Linux: these libraries keep little.
pub(super) const GIVE_BACK_MEMORY: Option<fn()> = None;

/// Beside the limit: on these systems that is all there is to do.
pub(super) fn refuse_core_files() {}

/// Keeps every descriptor beyond the standard three that is open now, inherited ones included, out of the programs
/// we start.
///
/// # Errors
/// Never on these systems.
pub fn keep_descriptors_private() -> io::Result<()> {
    for number in 3..=last_descriptor() {
        // SAFETY: F_SETFD takes an integer; a number that is not open is refused, which is fine.
        unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    Ok(())
}

/// No descriptor of this process has a higher number: its limit, or what is reasonable when there is none.
pub(super) fn last_descriptor() -> libc::c_int {
    const MOST: libc::c_int = 1 << 20;
    // SAFETY: takes no arguments.
    unsafe { libc::getdtablesize() }.clamp(3, MOST) - 1
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use nix::fcntl::{FcntlArg, fcntl};

    use super::super::{LinkMonitor, LinkSocket, Membership, assign_address, now};
    use super::*;

    fn loopback() -> String {
        interfaces::interface_of(IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap().unwrap()
    }

    #[test]
    fn the_clock_only_grows() {
        let first = now();
        assert!(first > std::time::Duration::ZERO && now() >= first);
    }

    #[test]
    fn the_loopback_is_up_but_no_ethernet() {
        assert_eq!(link_state(&loopback()).unwrap(), LinkState::Up);
        let error = hardware_address(&loopback()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("24"), "{error}");
    }

    #[test]
    fn a_missing_interface_has_a_clear_error() {
        for name in ["nosuchif0", "a-name-that-is-too-long-for-any-interface", ""] {
            assert_eq!(link_state(name).unwrap(), LinkState::Gone, "{name:?}");
            assert!(hardware_address(name).is_err() && LinkSocket::open(name).is_err());
            assert!(assign_address(name, IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 32).is_err());
            assert!(unready_addresses(name).unwrap().is_empty());
        }
    }

    #[test]
    fn memberships_on_the_loopback() {
        let index = interfaces::interface_index(&loopback()).unwrap();
        Membership::join(IpAddr::V4(Ipv4Addr::new(224, 0, 0, 18)), index).unwrap();
        let group: Ipv6Addr = "ff02::12".parse().unwrap();
        Membership::join(IpAddr::V6(group), index).unwrap();
        assert!(Membership::join(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), index).is_err());
        assert!(Membership::join(IpAddr::V4(Ipv4Addr::new(224, 0, 0, 18)), 0x7fff).is_err());
    }

    #[test]
    fn the_link_monitor_does_not_block() {
        let mut monitor = LinkMonitor::open().unwrap();
        monitor.read();
    }

    // Nothing here may be able to change the machine it runs on: what is refused is refused before the kernel is asked.
    #[test]
    fn a_prefix_longer_than_the_address_is_refused() {
        let nobody = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 211));
        for refused in [assign_address(&loopback(), nobody, 33), withdraw_address(&loopback(), nobody, 33)] {
            assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn open_descriptors_become_private() {
        let copy = io::stderr().as_fd().try_clone_to_owned().unwrap();
        fcntl(&copy, FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty())).unwrap();
        keep_descriptors_private().unwrap();
        assert!(fcntl(&copy, FcntlArg::F_GETFD).unwrap() & libc::FD_CLOEXEC != 0);
    }
}
