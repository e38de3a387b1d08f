//! Linux: giving an interface an address and taking it away, by rtnetlink(7).
//!
//! The messages are built and read by pure functions, tested on bytes; nothing read here is trusted to be as long as it
//! says. Keeps nothing between calls: each has a socket of its own.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::os::fd::AsRawFd;

use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, connect, recv, send, setsockopt,
    socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};

use super::interfaces;

// The libc crate has these as other integer types; linux/netlink.h, sys/socket.h.
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const NLM_F_EXCL: u16 = 0x200;
const NLM_F_CREATE: u16 = 0x400;
const NLMSG_ERROR: u16 = 2;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
/// linux/if_addr.h: IFA_F_NODAD, for the flags of the header, which are a byte.
const NODAD: u8 = 2;

/// linux/netlink.h: sizeof struct nlmsghdr, and the alignment of all that follows it.
const HEADER: usize = 16;
const ALIGNMENT: usize = 4;

/// The number of our message; the only one its socket ever sends.
const SEQUENCE: u32 = 1;

/// How often an address is taken away before we admit that it keeps coming back. One with each prefix length is less.
const MOST_TIMES: u32 = 64;

/// Gives an interface an address, IPv6 without duplicate address detection, so that it works at once. `false` when it
/// has the address already, with whatever prefix length and in whatever state; nothing is changed then, and
/// [`unready_addresses`](super::unready_addresses) tells whether it can be used.
///
/// # Errors
/// ENODEV when no interface has this name; EPERM without `CAP_NET_ADMIN`; `InvalidInput` for a prefix longer than the
/// address; what else the kernel answers, as EACCES where IPv6 is switched off. ETIMEDOUT when no answer came: the
/// address may be there or not.
pub fn assign_address(interface: &str, address: IpAddr, prefix: u8) -> io::Result<bool> {
    let index = interfaces::interface_index(interface)?;
    interfaces::check_prefix(address, prefix)?;
    // The kernel would take the same IPv4 address again with another prefix length, as a second entry.
    if entry_of(interface, address)?.is_some() {
        return Ok(false);
    }
    match ask(&assignment(index, address, prefix)) {
        Ok(()) => Ok(true),
        // It came since.
        Err(error) if error.raw_os_error() == Some(libc::EEXIST) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Takes an address away from an interface. `false` when it was not there. After either it is not there, whatever
/// prefix length it had and however often it was there: an address that must not live on two hosts may not survive
/// here because somebody gave it otherwise. `prefix` is that of the assignment and only checked, as on every system.
///
/// IPv4 addresses may share a subnet, prefix length included: the first of them is the primary, and when it goes the kernel
/// takes the others away too, unless `net.ipv4.conf.*.promote_secondaries` is 1. A shared address that was there first, as
/// after the host's own was renewed, would take that one with it. So where there are others it is 1 for that moment; what
/// they carry, routes and connections included, never goes away.
///
/// # Errors
/// ENODEV when no interface has this name; EPERM without `CAP_NET_ADMIN`; `InvalidInput` for a prefix longer than the
/// address; EBUSY when somebody gave it back again and again; ETIMEDOUT when no answer came. After an error the address
/// may still be there.
pub fn withdraw_address(interface: &str, address: IpAddr, prefix: u8) -> io::Result<bool> {
    let index = interfaces::interface_index(interface)?;
    interfaces::check_prefix(address, prefix)?;
    let mut taken = false;
    let _promoting =
        has_neighbours(interface, address).unwrap_or(true).then(|| Promoting::begin(interface, index));
    for _ in 0..MOST_TIMES {
        let request = match address {
            // Removed by its name alone, any prefix length matches.
            IpAddr::V4(_) => withdrawal(index, address, None),
            // The kernel wants the prefix length, and has each address once.
            IpAddr::V6(_) => match entry_of(interface, address)? {
                Some(entry) => withdrawal(index, address, Some(prefix_of(&entry).unwrap_or(prefix))),
                None => return Ok(taken),
            },
        };
        match ask(&request) {
            Ok(()) => taken = true,
            Err(error) if error.raw_os_error() == Some(libc::EADDRNOTAVAIL) => {
                // IPv6 may have been given anew with another prefix length since we looked.
                if address.is_ipv4() {
                    return Ok(taken);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::from_raw_os_error(libc::EBUSY))
}

/// Whether another address is in a subnet that this one is in.
fn has_neighbours(interface: &str, address: IpAddr) -> io::Result<bool> {
    if address.is_ipv6() {
        return Ok(false);
    }
    let subnet = |entry: &InterfaceAddress| {
        let (ip, mask) = (interfaces::address_of(entry)?, interfaces::ip(entry.netmask.as_ref()?)?);
        let (IpAddr::V4(ip), IpAddr::V4(mask)) = (ip, mask) else { return None };
        Some((ip, (ip & mask, mask)))
    };
    let all: Vec<_> = getifaddrs()?
        .filter(|entry| interfaces::interface_of_row(entry) == interface)
        .filter_map(|entry| subnet(&entry))
        .collect();
    let (going, staying): (Vec<_>, Vec<_>) = all.into_iter().partition(|(ip, _)| *ip == address);
    Ok(staying.iter().any(|(_, there)| going.iter().any(|(_, here)| here == there)))
}

/// While it lives the secondaries of a primary that goes take its place. It cannot be had where the kernel does not let us,
/// and then what happens is what the administrator configured.
struct Promoting {
    index: u32,
    was: bool,
}

impl Promoting {
    fn begin(interface: &str, index: u32) -> Self {
        let setting = format!("/proc/sys/net/ipv4/conf/{interface}/promote_secondaries");
        let was = fs::read_to_string(setting).is_ok_and(|value| value.trim() != "0");
        if !was {
            let _ = ask(&promotion(index, true));
        }
        Self { index, was }
    }
}

impl Drop for Promoting {
    fn drop(&mut self) {
        if !self.was {
            let _ = ask(&promotion(self.index, false));
        }
    }
}

/// RTM_SETLINK with the number of a setting of the interface's IPv4 and its value, nested as IFLA_AF_SPEC, AF_INET,
/// IFLA_INET_CONF. This needs no /proc that can be written to, which neither a container nor what keeps us to a few folders
/// has.
fn promotion(index: u32, on: bool) -> Vec<u8> {
    /// linux/if_link.h and linux/ip.h.
    const IFLA_AF_SPEC: u16 = 26;
    const IFLA_INET_CONF: u16 = 1;
    const IPV4_DEVCONF_PROMOTE_SECONDARIES: u16 = 20;
    let setting = attribute(IPV4_DEVCONF_PROMOTE_SECONDARIES, &u32::from(on).to_ne_bytes());
    let family = attribute(AF_INET.into(), &attribute(IFLA_INET_CONF, &setting));
    let attributes = attribute(IFLA_AF_SPEC, &family);
    // A struct ifinfomsg: family, padding, type, index, flags, which of them to change.
    let none = 0_u32.to_ne_bytes();
    let body = [&[0, 0, 0, 0], &index.to_ne_bytes(), &none, &none].map(|part: &[u8; 4]| *part).concat();
    framed(libc::RTM_SETLINK, 0, &[body, attributes].concat())
}

/// What the kernel lists about an address of an interface.
fn entry_of(interface: &str, address: IpAddr) -> io::Result<Option<InterfaceAddress>> {
    let wanted = |entry: &InterfaceAddress| {
        interfaces::interface_of_row(entry) == interface && interfaces::address_of(entry) == Some(address)
    };
    Ok(getifaddrs()?.find(wanted))
}

/// The prefix length of an IPv6 address in the list.
fn prefix_of(entry: &InterfaceAddress) -> Option<u8> {
    let mask = entry.netmask.as_ref()?.as_sockaddr_in6()?.ip();
    u8::try_from(u128::from(mask).leading_ones()).ok()
}

/// RTM_NEWADDR: for good, and only if it is not there.
fn assignment(index: u32, address: IpAddr, prefix: u8) -> Vec<u8> {
    let mut attributes = attribute(libc::IFA_LOCAL, &octets(address));
    attributes.extend(attribute(libc::IFA_ADDRESS, &octets(address)));
    let flags = if address.is_ipv6() { NODAD } else { 0 };
    if flags != 0 {
        // Kernels since 3.14 read this one instead of the header's.
        attributes.extend(attribute(libc::IFA_FLAGS, &u32::from(flags).to_ne_bytes()));
    }
    message(libc::RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, (address, prefix, flags, index), &attributes)
}

/// RTM_DELADDR: with a prefix length the address that has it; without one, IPv4 only, the first whatever it has. The
/// kernel compares the length only when there is an IFA_ADDRESS (inet_rtm_deladdr in net/ipv4/devinet.c).
fn withdrawal(index: u32, address: IpAddr, prefix: Option<u8>) -> Vec<u8> {
    let mut attributes = attribute(libc::IFA_LOCAL, &octets(address));
    if prefix.is_some() {
        attributes.extend(attribute(libc::IFA_ADDRESS, &octets(address)));
    }
    message(libc::RTM_DELADDR, 0, (address, prefix.unwrap_or(32), 0, index), &attributes)
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// A struct rtattr of linux/rtnetlink.h and its value, which is a multiple of four bytes in all of ours.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    debug_assert_eq!(value.len() % ALIGNMENT, 0, "it would need padding");
    let length = u16::try_from(4 + value.len()).expect("an address and its header are 20 bytes at most");
    [&length.to_ne_bytes(), &kind.to_ne_bytes(), value].concat()
}

/// A struct ifaddrmsg (linux/if_addr.h) about an address, its prefix length, its flags and the interface's number, and the
/// attributes.
fn message(kind: u16, flags: u16, about: (IpAddr, u8, u8, u32), attributes: &[u8]) -> Vec<u8> {
    let (address, prefix, address_flags, index) = about;
    let family = if address.is_ipv4() { AF_INET } else { AF_INET6 };
    let body = [family, prefix, address_flags, libc::RT_SCOPE_UNIVERSE];
    framed(kind, flags, &[&body, &index.to_ne_bytes()[..], attributes].concat())
}

/// A struct nlmsghdr and what belongs to it.
fn framed(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEADER + body.len()).expect("a few attributes are no gigabytes");
    [
        &length.to_ne_bytes()[..],
        &kind.to_ne_bytes(),
        &(NLM_F_REQUEST | NLM_F_ACK | flags).to_ne_bytes(),
        &SEQUENCE.to_ne_bytes(),
        // From whom: the kernel knows.
        &0_u32.to_ne_bytes(),
        body,
    ]
    .concat()
}

/// What a datagram answers to our message: done, or the error's number. Nothing when it speaks of something else or is
/// cut off.
pub(super) fn answer(datagram: &[u8], sequence: u32) -> Option<Result<(), i32>> {
    let mut rest = datagram;
    loop {
        let length = usize::try_from(u32::from_ne_bytes(bytes(rest, 0)?)).ok()?;
        let message = rest.get(..length).filter(|message| message.len() >= HEADER)?;
        let kind = u16::from_ne_bytes(bytes(message, 4)?);
        if kind == NLMSG_ERROR && u32::from_ne_bytes(bytes(message, 8)?) == sequence {
            let code = i32::from_ne_bytes(bytes(message, HEADER)?);
            return Some(match code.checked_neg() {
                Some(0) => Ok(()),
                Some(number @ 1..) => Err(number),
                // No kernel says this; it is no success.
                _ => Err(libc::EBADMSG),
            });
        }
        rest = rest.get(length.checked_next_multiple_of(ALIGNMENT)?..)?;
    }
}

fn bytes<const N: usize>(from: &[u8], at: usize) -> Option<[u8; N]> {
    from.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Sends one message to the kernel and waits for what it says.
///
/// The kernel does the work before send(2) returns, so the answer is there at once; at most it waits for another change
/// of the network's interfaces to end. The limits keep us from waiting for an answer that was lost.
fn ask(request: &[u8]) -> io::Result<()> {
    const PATIENCE_MS: i64 = 250;
    const MOST_DATAGRAMS: u32 = 8;

    let flags = SockFlag::SOCK_CLOEXEC;
    let kernel = socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkRoute)?;
    setsockopt(&kernel, sockopt::ReceiveTimeout, &TimeVal::milliseconds(PATIENCE_MS))?;
    // A connected socket takes nothing from other processes.
    connect(kernel.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
    send(kernel.as_raw_fd(), request, MsgFlags::empty())?;
    // An answer repeats the request at most, after a header and a number.
    let mut datagram = [0_u8; 512];
    for _ in 0..MOST_DATAGRAMS {
        match recv(kernel.as_raw_fd(), &mut datagram, MsgFlags::empty()) {
            Ok(count) => {
                let said = datagram.get(..count).and_then(|said| answer(said, SEQUENCE));
                if let Some(outcome) = said {
                    return outcome.map_err(io::Error::from_raw_os_error);
                }
            }
            Err(nix::errno::Errno::EINTR) => {}
            Err(nix::errno::Errno::EAGAIN) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Err(io::Error::from_raw_os_error(libc::ETIMEDOUT))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// The fields of our messages are in the machine's byte order, addresses in the network's.
    fn joined(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    fn header(length: u32, kind: u16, flags: u16, sequence: u32) -> Vec<u8> {
        let numbers = [sequence.to_ne_bytes(), [0; 4]].concat();
        joined(&[&length.to_ne_bytes(), &kind.to_ne_bytes(), &flags.to_ne_bytes(), &numbers])
    }

    fn head(length: u16, kind: u16) -> Vec<u8> {
        joined(&[&length.to_ne_bytes(), &kind.to_ne_bytes()])
    }

    /// What the kernel says to a request: the number, then the request's header.
    fn reply(code: i32, sequence: u32) -> Vec<u8> {
        let request = header(72, 20, 0x605, sequence);
        joined(&[&header(36, 2, 0x100, sequence), &code.to_ne_bytes(), &request])
    }

    #[test]
    fn an_ipv4_address_is_given() {
        let address = [10, 9, 0, 200];
        let expected = joined(&[
            &header(40, 20, 0x605, 1),
            &[2, 24, 0, 0],
            &7_u32.to_ne_bytes(),
            &head(8, 2),
            &address,
            &head(8, 1),
            &address,
        ]);
        assert_eq!(assignment(7, ip("10.9.0.200"), 24), expected);
    }

    #[test]
    fn an_ipv6_address_is_given_without_a_search_for_duplicates() {
        let IpAddr::V6(address) = ip("2001:db8::c8") else { unreachable!() };
        let expected = joined(&[
            &header(72, 20, 0x605, 1),
            &[10, 128, 2, 0],
            &7_u32.to_ne_bytes(),
            &head(20, 2),
            &address.octets(),
            &head(20, 1),
            &address.octets(),
            &head(8, 8),
            &2_u32.to_ne_bytes(),
        ]);
        assert_eq!(assignment(7, IpAddr::V6(address), 128), expected);
    }

    #[test]
    fn addresses_are_taken_away() {
        let any = withdrawal(7, ip("10.9.0.200"), None);
        let expected = joined(&[
            &header(32, 21, 5, 1),
            &[2, 32, 0, 0],
            &7_u32.to_ne_bytes(),
            &head(8, 2),
            &[10, 9, 0, 200],
        ]);
        assert_eq!(any, expected);
        let exact = withdrawal(7, ip("fe80::1"), Some(64));
        assert_eq!(exact.len(), 64);
        assert_eq!(exact.get(16..20), Some(&[10, 64, 0, 0][..]));
    }

    #[test]
    fn answers_are_understood() {
        assert_eq!(answer(&reply(0, 1), 1), Some(Ok(())));
        assert_eq!(answer(&reply(-libc::EEXIST, 1), 1), Some(Err(libc::EEXIST)));
        // A number that has no name in any C library: ENOTSUPP of linux/errno.h.
        assert_eq!(answer(&reply(-524, 1), 1), Some(Err(524)));
        for impossible in [1, i32::MAX, i32::MIN] {
            assert_eq!(answer(&reply(impossible, 1), 1), Some(Err(libc::EBADMSG)));
        }
        assert_eq!(answer(&reply(0, 2), 1), None, "of another request");
        let notice = joined(&[&header(18, 20, 0, 1), &[0; 4]]);
        assert_eq!(answer(&notice, 1), None, "no answer");
        // Behind another message, which is padded.
        assert_eq!(answer(&joined(&[&notice, &reply(-1, 1)]), 1), Some(Err(libc::EPERM)));
    }

    #[test]
    fn what_is_cut_off_is_no_answer() {
        let whole = joined(&[&reply(0, 9), &reply(-libc::EPERM, 1)]);
        for length in 0..whole.len() {
            let cut = whole.get(..length).unwrap();
            assert_eq!(answer(cut, 1), None, "{length} of {} bytes", whole.len());
        }
        // Lengths that lie: no progress, less than a header, a header alone, beyond the end.
        for length in [0, 1, 15, 16, 19, 37, u32::MAX - 3, u32::MAX] {
            let mut lying = reply(0, 1);
            lying.splice(..4, length.to_ne_bytes());
            assert_eq!(answer(&lying, 1), None, "{length}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(said: Vec<u8>, sequence: u32) {
            let _ = answer(&said, sequence);
        }

        #[test]
        fn nothing_but_a_zero_is_a_success(
            before in prop::collection::vec((any::<u16>(), prop::collection::vec(any::<u8>(), 0..40)), 0..4),
            code: i32,
            flipped in prop::option::of((any::<prop::sample::Index>(), 0_u8..8)),
        ) {
            let mut said = Vec::new();
            for (kind, body) in &before {
                let length = u32::try_from(HEADER + body.len()).unwrap();
                said.extend(header(length, *kind, 0, 2));
                said.extend(body);
                said.resize(said.len().next_multiple_of(ALIGNMENT), 0);
            }
            let at = said.len();
            said.extend(reply(code, 1));
            match flipped {
                None => prop_assert_eq!(answer(&said, 1).unwrap().is_ok(), code == 0),
                Some((place, bit)) => {
                    *said.get_mut(place.index(at + 36)).unwrap() ^= 1 << bit;
                    let zero = said.get(at + HEADER..at + HEADER + 4) == Some(&[0; 4]);
                    // A lie about a length may lead into the middle of a message, whose bytes we chose freely.
                    if before.is_empty() && answer(&said, 1) == Some(Ok(())) {
                        prop_assert!(zero);
                    }
                }
            }
        }

        #[test]
        fn a_request_says_its_own_length_and_its_attributes_fill_it(
            bits: u128, v6: bool, prefix in 0_u8..=32, index: u32, give: bool, exact: bool,
        ) {
            let v4 = u32::try_from(bits & 0xffff_ffff).unwrap();
            let address: IpAddr =
                if v6 { IpAddr::V6(bits.into()) } else { IpAddr::V4(v4.into()) };
            let request = if give {
                assignment(index, address, prefix)
            } else {
                withdrawal(index, address, exact.then_some(prefix))
            };
            let said = u32::from_ne_bytes(bytes(&request, 0).unwrap());
            prop_assert_eq!(usize::try_from(said).unwrap(), request.len());
            prop_assert_eq!(u32::from_ne_bytes(bytes(&request, 20).unwrap()), index);
            let mut at = 24;
            while at < request.len() {
                let length = usize::from(u16::from_ne_bytes(bytes(&request, at).unwrap()));
                prop_assert!(length > 4 && length % ALIGNMENT == 0);
                at += length;
            }
            prop_assert_eq!(at, request.len());
            // A request is no answer, should it ever come back.
            prop_assert_eq!(answer(&request, SEQUENCE), None);
        }
    }

    // Only what names no interface of this machine: the rest is tested in network namespaces.
    #[test]
    fn mistakes_have_clear_errors() {
        for (address, prefix, good) in [
            ("192.0.2.1", 0, true),
            ("192.0.2.1", 32, true),
            ("192.0.2.1", 33, false),
            ("192.0.2.1", 255, false),
            ("2001:db8::1", 128, true),
            ("2001:db8::1", 129, false),
        ] {
            let outcome = interfaces::check_prefix(ip(address), prefix).map_err(|error| error.kind());
            let expected = if good { Ok(()) } else { Err(io::ErrorKind::InvalidInput) };
            assert_eq!(outcome, expected, "{address}/{prefix}");
        }
        for change in [assign_address, withdraw_address] {
            for name in ["no-such-if", "a-name-that-is-too-long-for-any-interface", ""] {
                let error = change(name, ip("192.0.2.1"), 32).unwrap_err();
                assert_eq!(error.raw_os_error(), Some(libc::ENODEV), "{name:?}");
            }
        }
    }
}
