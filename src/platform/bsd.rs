//! What OpenBSD, NetBSD, FreeBSD and macOS share: BPF devices, interface ioctls, lock files.
//!
//! What differs is a figure of `layout` or an item of the system's own file. It must not know what the bytes it sends
//! mean. Every descriptor made here is closed on exec and never blocks.
//!
//! libpcap opens a BPF device to hear by. What that device hands out is read by `bpf_frames`.

#![expect(unsafe_code, reason = "ioctls and getifaddrs' raw addresses have no safe wrapper")]

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::mem::offset_of;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use nix::unistd::Uid;

use super::bpf_frames::FrameReader;
use super::bsd_bytes::{self, INTERNET, LinkLayer, NOTHING, Unbuildable};
use super::claim::{self, Doubt, Holder};
use super::layout::{
    BIOCGBLEN, BIOCIMMEDIATE, BIOCSHDRCMPLT, BPF_PROGRAM, SIOCDIFADDR_IN6, SIOCGIFAFLAG_IN6,
};
use super::lock_file::{self, LockFile};
use super::rights::Guarded;
use super::sys::LAYOUT;
use super::{Instruction, LinkState, Unready, descriptors, interfaces, sys};

/// See the Linux item of this name: here a tag stays in the frame, where filters find it.
pub const UNTAGGED_ONLY: Option<&str> = None;
/// Only who may open /dev/bpf has a capture.
pub const DEVICES_NEED_RIGHTS: bool = true;

const INET6: u8 = libc::AF_INET6.to_le_bytes()[0];

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
fn ask(fd: BorrowedFd<'_>, number: u64, request: &mut [u8]) -> Result<(), Errno> {
    // SAFETY: the kernel copies as many bytes in and out as the number says (sys/ioccom.h), which is the length of
    // `request` in every call here.
    Errno::result(unsafe { libc::ioctl(fd.as_raw_fd(), number as libc::c_ulong, request.as_mut_ptr()) })?;
    Ok(())
}

/// An ioctl that takes a C unsigned int.
fn tell(fd: BorrowedFd<'_>, number: u64, value: u32) -> Result<(), Errno> {
    ask(fd, number, &mut value.to_ne_bytes())
}

fn put_filter(fd: BorrowedFd<'_>, number: u64, filter: &[Instruction]) -> Result<(), Errno> {
    // net/bpf.h, struct bpf_program: a length and a pointer, which nothing of ours can be but on this system.
    #[repr(C)]
    struct Program {
        length: libc::c_uint,
        instructions: *const Instruction,
    }
    const _: () = assert!(size_of::<Program>() == BPF_PROGRAM && offset_of!(Program, instructions) == 8);
    let length = libc::c_uint::try_from(filter.len()).map_err(|_| Errno::EINVAL)?;
    let program = Program { length, instructions: filter.as_ptr() };
    // SAFETY: BIOCSETF, BIOCSETFNR and BIOCSETWF take a bpf_program (net/bpf.h), copy `length` instructions from where it points
    // and keep neither pointer; an Instruction has the layout of a bpf_insn.
    Errno::result(unsafe { libc::ioctl(fd.as_raw_fd(), number as libc::c_ulong, &raw const program) })?;
    Ok(())
}

/// Where an interface is not, or cannot be, known by this name.
fn unknown(reason: Unbuildable) -> io::Error {
    match reason {
        Unbuildable::Name => Errno::ENXIO.into(),
        Unbuildable::Prefix => Errno::EINVAL.into(),
    }
}

/// Sends whole frames through one interface and receives nothing.
#[derive(Debug)]
pub struct LinkSocket {
    device: File,
}

impl LinkSocket {
    /// Opens a BPF device and binds it. Where the system can (not on macOS), nothing but IPv4, ARP and IPv6 can be
    /// sent by it and nothing about it can be changed afterwards.
    ///
    /// # Errors
    /// `PermissionDenied` without the right to open the device; ENXIO when no interface has this name; EBUSY when
    /// every device is in use.
    pub fn open(interface: &str) -> io::Result<Self> {
        interfaces::interface_index(interface)?;
        let device = open_device()?;
        let fd = device.as_fd();
        // First of all, so that nothing is ever queued.
        put_filter(fd, LAYOUT.read_filter, &NOTHING)?;
        let mut request = bsd_bytes::named(interface, LAYOUT.ifreq).map_err(unknown)?;
        ask(fd, LAYOUT.bind_capture, &mut request)?;
        // Else the kernel puts the interface's own address into what we send.
        tell(fd, BIOCSHDRCMPLT, 1)?;
        if let Some(write_filter) = LAYOUT.write_filter {
            put_filter(fd, write_filter, &INTERNET)?;
        }
        if let Some(lock) = LAYOUT.lock {
            ask(fd, lock, &mut [])?;
        }
        Ok(Self { device })
    }

    /// Hands one whole frame, link header included, to the interface's queue. Never blocks.
    ///
    /// # Errors
    /// The frame was not sent: ENETDOWN (link down), ENXIO (interface gone), ENOBUFS (queue full), EMSGSIZE.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        loop {
            match nix::unistd::write(&self.device, frame) {
                Ok(_) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What the interface it was opened on is called now; nothing when that was removed. One that was made anew is
    /// another, though it may have both name and number of the first: macOS gives the number back. Needs no descriptor.
    ///
    /// # Errors
    /// The question could not be asked.
    pub fn interface(&self) -> io::Result<Option<String>> {
        let mut answer = [0; LAYOUT.ifreq];
        match ask(self.device.as_fd(), LAYOUT.bound_capture, &mut answer) {
            Ok(()) => Ok(bsd_bytes::name(&answer)),
            // `bpf_detachd` of net/bpf.c left the device without one; on OpenBSD `bpfsdetach` has the device revoked,
            // and `vn_ioctl` or `dead_ioctl` answers in its place.
            Err(Errno::EINVAL | Errno::ENXIO | Errno::ENOTTY | Errno::EBADF) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// A free BPF device: the one that is another for everybody who opens it, else the first free one of many.
fn open_device() -> io::Result<File> {
    const MOST: u32 = 256;
    let open = |path: &str| {
        let flags = OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        File::options().read(true).write(true).custom_flags(flags.bits()).open(path)
    };
    let mut failure = match open("/dev/bpf") {
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => error,
        other => return other,
    };
    for number in 0..MOST {
        match open(&format!("/dev/bpf{number}")) {
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => failure = error,
            // The last one that exists is past: what the others said is the reason.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) && number > 0 => return Err(failure),
            other => return other,
        }
    }
    Err(failure)
}

/// Makes an opened capture hand frames out as they come, not when a buffer is full. It would be libpcap's business,
/// but OpenBSD's library keeps its call from the crate.
///
/// # Errors
/// The descriptor is no BPF device.
pub fn hand_out_at_once(capture: BorrowedFd<'_>) -> io::Result<()> {
    Ok(tell(capture, BIOCIMMEDIATE, 1)?)
}

/// Tells a capture descriptor that frames sent by this host are of no interest: each of them would be copied and wake
/// the process only to be thrown away.
///
/// # Errors
/// The descriptor is no BPF device.
pub fn ignore_sent(capture: BorrowedFd<'_>) -> io::Result<()> {
    let (number, value) = LAYOUT.ignore_sent;
    Ok(tell(capture, number, value)?)
}

/// Has the kernel judge by this program the frames that a capture takes in from now on, in place of the one it had. What
/// was taken in before and not read is kept, if the system can.
///
/// # Errors
/// The kernel does not take the program (EINVAL), or the descriptor is no BPF device.
pub fn set_filter(capture: BorrowedFd<'_>, program: &[Instruction]) -> io::Result<()> {
    // Versions older than the kinder request have the other.
    match LAYOUT.next_filter.map(|number| put_filter(capture, number, program)) {
        Some(Ok(())) => Ok(()),
        Some(Err(_)) | None => Ok(put_filter(capture, LAYOUT.read_filter, program)?),
    }
}

/// Prepares to read frames from an opened capture: room for as much as the device hands out at once, for it refuses to
/// be asked for less.
///
/// # Errors
/// The descriptor is no BPF device.
pub fn frame_reader(capture: BorrowedFd<'_>) -> io::Result<FrameReader> {
    // FreeBSD's libpcap has asked for fractions of a second in units of 2^-64 s (`pcap_activate_bpf` in pcap-bpf.c). What
    // was taken in since then is discarded once there is a filter.
    if let Some(time_format) = LAYOUT.time_format {
        tell(capture, time_format, 0)?;
    }
    let mut size = [0; 4];
    ask(capture, BIOCGBLEN, &mut size)?;
    let size = usize::try_from(u32::from_ne_bytes(size)).map_err(io::Error::other)?;
    Ok(FrameReader::new(sys::FRAMES, size))
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
        let what = format!("it is not an Ethernet interface (its type in net/if_types.h is {kind})");
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

/// The addresses of an interface that should not be sent from, and why. IPv4 has some on NetBSD alone.
///
/// # Errors
/// The list of addresses cannot be read.
pub fn unready_addresses(name: &str) -> io::Result<Vec<(IpAddr, Unready)>> {
    let question = |address: &IpAddr| match address {
        IpAddr::V4(_) => LAYOUT.flags_v4.map(|number| (AddressFamily::Inet, number)),
        IpAddr::V6(_) => Some((AddressFamily::Inet6, SIOCGIFAFLAG_IN6)),
    };
    let mut addresses = interfaces::interface_addresses(name)?;
    addresses.retain(|address| question(address).is_some());
    if addresses.is_empty() {
        return Ok(Vec::new());
    }
    let index = interfaces::interface_index(name)?;
    let mut found = Vec::new();
    for address in addresses {
        let Some((family, number)) = question(&address) else { continue };
        let mut request = bsd_bytes::naming(&LAYOUT, name, address, INET6, index).map_err(unknown)?;
        // An address that went away since is none to be sent from, but nobody will choose it either.
        if ask(unbound(family)?.as_fd(), number, &mut request).is_ok() {
            found.extend(bsd_bytes::unready(address, &request).map(|why| (address, why)));
        }
    }
    Ok(found)
}

/// Gives an interface an address. An IPv6 one can be used about a second later: no system leaves the search for
/// duplicates out for one address. `false` when it has the address already, with whatever prefix length.
///
/// # Errors
/// ENXIO when no interface has this name; EPERM without the right to; `InvalidInput` for a prefix longer than the
/// address.
pub fn assign_address(interface: &str, address: IpAddr, prefix: u8) -> io::Result<bool> {
    let index = interfaces::interface_index(interface)?;
    interfaces::check_prefix(address, prefix)?;
    let mut request =
        bsd_bytes::assignment(&LAYOUT, interface, address, prefix, INET6, index).map_err(unknown)?;
    if interfaces::interface_addresses(interface)?.contains(&address) {
        return Ok(false);
    }
    let (family, number) = match address {
        IpAddr::V4(_) => (AddressFamily::Inet, LAYOUT.add_v4.0),
        IpAddr::V6(_) => (AddressFamily::Inet6, LAYOUT.add_v6.0),
    };
    ask(unbound(family)?.as_fd(), number, &mut request)?;
    Ok(true)
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

/// The only one of its name on this host, until dropped.
#[derive(Debug)]
pub struct Claim {
    _lock: Option<LockFile>,
    doubts: Vec<Doubt>,
}

impl Claim {
    /// Takes the name, by a lock file in `folder` or in /var/run, waiting a moment for somebody who is being ended.
    ///
    /// # Errors
    /// Another ucarp has it.
    pub fn take(name: &str, folder: Option<&Path>) -> Result<Self, Holder> {
        let folder = folder.unwrap_or(Path::new("/var/run"));
        Ok(match lock_file::patiently(|| claim::lock(folder, name), Result::is_err)? {
            Ok(lock) => Self { _lock: Some(lock), doubts: Vec::new() },
            Err(doubt) => Self { _lock: None, doubts: vec![doubt] },
        })
    }

    /// Why it is not certain that we are the only one.
    #[must_use]
    pub fn doubts(&self) -> &[Doubt] {
        &self.doubts
    }
}

/// What this process lacks for opening captures and BPF devices; nothing when it may. Others than root can be given
/// access to the devices, so only a failure to open one is a reason to say this.
#[must_use]
pub fn missing_privilege() -> Option<&'static str> {
    (!Uid::effective().is_root()).then_some("access to /dev/bpf*")
}

/// The device that captures need, if there is none of its name: in a jail it is hidden unless a rule says otherwise.
#[must_use]
pub fn missing_device() -> Option<&'static str> {
    let missing =
        |path: &str| std::fs::metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    (missing("/dev/bpf") && missing("/dev/bpf0")).then_some("/dev/bpf")
}

/// Beside those of a user there are none on these systems.
pub(super) fn forgo_rights() {}

/// As above.
pub(super) fn before_surrender() {}

/// As above.
pub(super) fn after_surrender(_: &mut Guarded) {}

/// Nobody is spared by a wish of his own, or not by one that others would inherit.
pub(super) const OOM_SCORE: Option<&CStr> = None;

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

    use super::super::{LinkMonitor, Membership, now};
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

    /// Where this user may open a device.
    #[test]
    fn times_come_in_microseconds_whatever_the_library_asked_for() {
        const BIOCGTSTAMP: u64 = 0x4004_4283;
        const BPF_T_BINTIME: u32 = 2;
        let (Some(time_format), Ok(device)) = (LAYOUT.time_format, open_device()) else { return };
        tell(device.as_fd(), time_format, BPF_T_BINTIME).unwrap();
        frame_reader(device.as_fd()).unwrap();
        let mut format = [0xff; 4];
        ask(device.as_fd(), BIOCGTSTAMP, &mut format).unwrap();
        assert_eq!(format, [0; 4]);
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
        assert!(ignore_sent(copy.as_fd()).is_err() && hand_out_at_once(copy.as_fd()).is_err());
        assert!(frame_reader(copy.as_fd()).is_err());
    }
}
