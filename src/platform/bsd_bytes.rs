//! The BSD kernels' structures as bytes: requests about addresses, link-layer addresses, capture filters.
//!
//! Pure: compiled and tested on every system for all four, by the figures of `layout`. A request is what an ioctl
//! copies in, so it needs no alignment. Nothing read here is trusted to be as long as it says.

use std::mem::offset_of;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::layout::{
    BPF_INSN, IF_LADDRREQ, IFLR_ACTIVE, IFLR_PREFIX, IFM_ACTIVE, IFM_AVALID, IN_IFF_DUPLICATED,
    IN_IFF_TENTATIVE, IN6_ADDRLIFETIME, IN6_IFF_DEPRECATED, IN6_IFF_DUPLICATED, IN6_IFF_TENTATIVE, IN6_IFREQ,
    Layout,
};
use super::{Instruction, Unready};

/// net/if.h: IFNAMSIZ, the room for an interface's name and a NUL.
pub(super) const NAME: usize = 16;
/// sys/socket.h, netinet/in.h and netinet6/in6.h, the same on all four: AF_INET, sizeof sockaddr_in and sockaddr_in6.
pub(super) const AF_INET: u8 = 2;
pub(super) const SOCKADDR_IN: usize = 16;
pub(super) const SOCKADDR_IN6: usize = 28;
/// netinet/in_var.h: in struct in_aliasreq name, address, destination and mask follow each other on all four.
pub(super) const V4_MASK: usize = NAME + 2 * SOCKADDR_IN;
/// netinet6/in6_var.h: so they do in struct in6_aliasreq, then flags and struct in6_addrlifetime, whose last eight bytes
/// are the times left.
const V6_MASK: usize = NAME + 2 * SOCKADDR_IN6;
const V6_LIFETIMES: usize = V6_MASK + SOCKADDR_IN6 + 4 + IN6_ADDRLIFETIME - 8;

/// netinet6/nd6.h: in struct in6_ndireq the flags of the interface follow its name and five numbers, and in what XNU calls
/// struct in6_ondireq too.
const INTERFACE_FLAGS: usize = NAME + 5 * 4;

/// Why a request cannot be built.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unbuildable {
    /// No interface has such a name.
    Name,
    /// The prefix is longer than the address.
    Prefix,
}

/// Puts `value` at `offset`, as far as there is room.
fn put(request: &mut [u8], offset: usize, value: &[u8]) {
    for (to, from) in request.iter_mut().skip(offset).zip(value) {
        *to = *from;
    }
}

/// `size` zero bytes that begin with an interface's name.
pub(super) fn named(interface: &str, size: usize) -> Result<Vec<u8>, Unbuildable> {
    let name = interface.as_bytes();
    if name.is_empty() || name.len() >= NAME || name.contains(&0) {
        return Err(Unbuildable::Name);
    }
    let mut request = vec![0; size];
    put(&mut request, 0, name);
    Ok(request)
}

/// The interface's name that an ifreq begins with.
pub(super) fn name(request: &[u8]) -> Option<String> {
    let name = request.get(..NAME)?.split(|byte| *byte == 0).next()?;
    Some(String::from_utf8_lossy(name).into_owned()).filter(|name| !name.is_empty())
}

/// A sockaddr_in or sockaddr_in6 with its length. `inet6` is AF_INET6, which differs; `scope` an interface's number,
/// for link-local addresses.
fn sockaddr(address: IpAddr, inet6: u8, scope: u32) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => {
            let mut bytes = vec![16, AF_INET, 0, 0];
            bytes.extend(v4.octets());
            bytes.resize(SOCKADDR_IN, 0);
            bytes
        }
        IpAddr::V6(v6) => {
            let mut bytes = vec![28, inet6, 0, 0, 0, 0, 0, 0];
            bytes.extend(v6.octets());
            let scope = if v6.is_unicast_link_local() { scope } else { 0 };
            bytes.extend(scope.to_ne_bytes());
            debug_assert_eq!(bytes.len(), SOCKADDR_IN6);
            bytes
        }
    }
}

fn mask(address: IpAddr, prefix: u8) -> Option<IpAddr> {
    let left_out = |width: u8| width.checked_sub(prefix).map(u32::from);
    Some(match address {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from(u32::MAX.checked_shl(left_out(32)?).unwrap_or_default())),
        IpAddr::V6(_) => {
            IpAddr::V6(Ipv6Addr::from(u128::MAX.checked_shl(left_out(128)?).unwrap_or_default()))
        }
    })
}

/// The request that gives an interface an address, for good: an in_aliasreq or in6_aliasreq. It does not ask for
/// IN6_IFF_NODAD: FreeBSD searches for duplicates all the same (`in6_update_ifa_internal` of netinet6/in6.c), XNU and
/// NetBSD leave the address tentative and never search, OpenBSD does not know it. See `duplicates`.
pub(super) fn assignment(
    layout: &Layout,
    interface: &str,
    address: IpAddr,
    prefix: u8,
    inet6: u8,
    scope: u32,
) -> Result<Vec<u8>, Unbuildable> {
    let mask = sockaddr(mask(address, prefix).ok_or(Unbuildable::Prefix)?, inet6, 0);
    let own = sockaddr(address, inet6, scope);
    let size = if address.is_ipv4() { layout.add_v4.1 } else { layout.add_v6.1 };
    let mut request = named(interface, size)?;
    put(&mut request, NAME, &own);
    if address.is_ipv4() {
        put(&mut request, V4_MASK, &mask);
    } else {
        put(&mut request, V6_MASK, &mask);
        // ND6_INFINITE_LIFETIME, valid and preferred.
        put(&mut request, V6_LIFETIMES, &[0xff; 8]);
    }
    Ok(request)
}

/// The request that names one address of an interface, an ifreq or in6_ifreq: to take it away, or to ask for its
/// flags, which come back in the place of the address.
pub(super) fn naming(
    layout: &Layout,
    interface: &str,
    address: IpAddr,
    inet6: u8,
    scope: u32,
) -> Result<Vec<u8>, Unbuildable> {
    let size = if address.is_ipv4() { layout.ifreq } else { IN6_IFREQ };
    let mut request = named(interface, size)?;
    put(&mut request, NAME, &sockaddr(address, inet6, scope));
    Ok(request)
}

/// The address and the prefix length of a network, from a sockaddr_in or sockaddr_in6 and its mask, of which zeroes at
/// the end may be missing. Nothing for other families and for masks with holes.
pub(super) fn network(address: &[u8], mask: &[u8], inet6: u8) -> Option<(IpAddr, u8)> {
    let (address, offset): (IpAddr, usize) = match *address.get(1)? {
        AF_INET => (<[u8; 4]>::try_from(address.get(4..8)?).ok()?.into(), 4),
        family if family == inet6 => (<[u8; 16]>::try_from(address.get(8..24)?).ok()?.into(), 8),
        _ => return None,
    };
    let width = if address.is_ipv4() { 4 } else { 16 };
    let bits: Vec<u8> = (offset..offset + width).map(|at| mask.get(at).copied().unwrap_or(0)).collect();
    let ones = bits.iter().map(|byte| byte.count_ones()).sum::<u32>();
    let full = bits.iter().take_while(|byte| **byte == 0xff).count();
    let prefix = full * 8 + bits.get(full).map_or(0, |byte| byte.leading_ones() as usize);
    (usize::try_from(ones) == Ok(prefix)).then_some((address, u8::try_from(prefix).ok()?))
}

/// A C int at `offset`; nothing if there are fewer bytes.
fn word(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().map(|word| u32::from_ne_bytes(*word))
}

/// The flags of an interface in an in6_ndireq.
pub(super) fn interface_flags(answer: &[u8]) -> Option<u32> {
    word(answer, INTERFACE_FLAGS)
}

/// The request that sets these flags of an interface, an in6_ndireq, of which nothing else is looked at.
pub(super) fn with_interface_flags(interface: &str, size: usize, flags: u32) -> Result<Vec<u8>, Unbuildable> {
    let mut request = named(interface, size)?;
    put(&mut request, INTERFACE_FLAGS, &flags.to_ne_bytes());
    Ok(request)
}

/// Whether the answer to [`naming`] says that this address is not to be sent from.
pub(super) fn unready(address: IpAddr, answer: &[u8]) -> Option<Unready> {
    let flags = word(answer, NAME)?;
    let states = match address {
        IpAddr::V4(_) => {
            &[(IN_IFF_DUPLICATED, Unready::Duplicate), (IN_IFF_TENTATIVE, Unready::Tentative)][..]
        }
        IpAddr::V6(_) => &[
            (IN6_IFF_DUPLICATED, Unready::Duplicate),
            (IN6_IFF_TENTATIVE, Unready::Tentative),
            (IN6_IFF_DEPRECATED, Unready::Deprecated),
        ],
    };
    states.iter().find(|(flag, _)| flags & flag != 0).map(|(_, why)| *why)
}

/// Whether an ifmediareq says that the medium is there; `true` as well when it does not know.
pub(super) fn medium_is_active(layout: &Layout, answer: &[u8]) -> bool {
    word(answer, layout.media.2).is_none_or(|status| status & (IFM_AVALID | IFM_ACTIVE) != IFM_AVALID)
}

/// Whether a link state, as if_data has it, says that there is a carrier; `None`: it is unknown.
pub(super) fn carrier(layout: &Layout, state: &[u8]) -> Option<bool> {
    const LINK_STATE_UNKNOWN: u32 = 0; // net/if.h, the same on all that have it
    let state = match *state {
        [state] => u32::from(state),
        [a, b, c, d] => u32::from_ne_bytes([a, b, c, d]),
        _ => LINK_STATE_UNKNOWN,
    };
    (state != LINK_STATE_UNKNOWN).then_some(state != layout.link_down)
}

/// What a sockaddr_dl says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct LinkLayer {
    /// net/if_types.h: IFT_*.
    pub(super) kind: u8,
    /// The hardware address, when it has six bytes.
    pub(super) address: Option<[u8; 6]>,
}

/// The request that asks NetBSD about one link-layer address of an interface, a sockaddr_dl: an if_laddrreq, whose
/// name, flags, length of the prefix and address follow each other.
pub(super) fn asking_for_use(interface: &str, sockaddr: &[u8]) -> Result<Vec<u8>, Unbuildable> {
    let mut request = named(interface, IF_LADDRREQ)?;
    put(&mut request, NAME, &IFLR_PREFIX.to_ne_bytes());
    put(&mut request, NAME + 4, &48_u32.to_ne_bytes());
    put(&mut request, NAME + 8, sockaddr);
    Ok(request)
}

/// Whether the answer says that it is the one that the interface uses.
pub(super) fn is_in_use(answer: &[u8]) -> bool {
    word(answer, NAME).is_some_and(|flags| flags & IFLR_ACTIVE != 0)
}

/// Reads a sockaddr_dl (net/if_dl.h), whose fields are in the same places on all four: kind, length of the name,
/// length of the address at 4, then the name and the address. It may be longer than the C structure, and is when the
/// name is long.
pub(super) fn link_layer(sockaddr: &[u8]) -> Option<LinkLayer> {
    let [_len, _family, _index, _index2, kind, name, address, _selector, data @ ..] = sockaddr else {
        return None;
    };
    let start = usize::from(*name);
    let found = data.get(start..start + usize::from(*address)).and_then(|found| found.try_into().ok());
    Some(LinkLayer { kind: *kind, address: found })
}

const _: () = assert!(size_of::<Instruction>() == BPF_INSN && offset_of!(Instruction, if_true) == 2);
const _: () = assert!(offset_of!(Instruction, if_false) == 3 && offset_of!(Instruction, operand) == 4);

/// Accepts nothing: a descriptor that only sends need not queue what others send.
pub(super) const NOTHING: [Instruction; 1] = [accept(0)];

/// Accepts frames of IPv4, ARP and IPv6: all that a descriptor may ever send that another process got hold of.
pub(super) const INTERNET: [Instruction; 6] = [
    // BPF_LD | BPF_H | BPF_ABS: the type of the frame.
    Instruction { code: 0x28, if_true: 0, if_false: 0, operand: 12 },
    is(0x0800, 2),
    is(0x0806, 1),
    // The last one skips the refusal only when it matches.
    Instruction { code: 0x15, if_true: 1, if_false: 0, operand: 0x86dd },
    accept(0),
    accept(u32::MAX),
];

/// BPF_JMP | BPF_JEQ | BPF_K: when equal goes on behind `skip` more instructions and the refusal.
const fn is(operand: u32, skip: u8) -> Instruction {
    Instruction { code: 0x15, if_true: skip + 1, if_false: 0, operand }
}

/// BPF_RET | BPF_K.
const fn accept(bytes: u32) -> Instruction {
    Instruction { code: 0x06, if_true: 0, if_false: 0, operand: bytes }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::super::layout::{ALL, FREEBSD, MACOS, NETBSD, OPENBSD, Search};
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn flags_of_an_interface_are_where_they_are_set() {
        for layout in ALL {
            let Search::Flagged { set, flag, searches, .. } = layout.search else { continue };
            let request = with_interface_flags("em0", set.1, flag).unwrap();
            assert_eq!((name(&request).as_deref(), request.len()), (Some("em0"), 72));
            assert_eq!(interface_flags(&request), Some(flag));
            assert_eq!(request.iter().filter(|byte| **byte != 0).count(), 4, "the name and one flag");
            // ND6_IFF_NO_DAD of FreeBSD, ND6_IFF_DAD of XNU.
            assert_eq!(searches, flag == 0x200);
        }
        assert_eq!(interface_flags(&[0; 39]), None);
        assert!(with_interface_flags("a-name-that-is-too-long", 72, 0).is_err());
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn an_ipv4_address_is_given_as_each_system_lays_it_out() {
        let name = "656d3000000000000000000000000000";
        let own = "10020000c0a8010a0000000000000000";
        let mask = "10020000ffffff000000000000000000";
        let none = "00".repeat(16);
        for (layout, rest) in [(OPENBSD, ""), (NETBSD, ""), (FREEBSD, "00000000"), (MACOS, "")] {
            let request = assignment(&layout, "em0", ip("192.168.1.10"), 24, 24, 7).unwrap();
            assert_eq!(hex(&request), format!("{name}{own}{none}{mask}{rest}"));
        }
    }

    // Bytes of a little-endian system.
    #[cfg(target_endian = "little")]
    #[test]
    fn an_ipv6_address_is_given_as_each_system_lays_it_out() {
        let name = "656d3000000000000000000000000000";
        let address = "fe800000000000000000000000000010";
        let mask = "ffffffffffffffff0000000000000000";
        for (layout, inet6, rest) in
            [(OPENBSD, 24, ""), (NETBSD, 24, ""), (FREEBSD, 28, "0000000000000000"), (MACOS, 30, "")]
        {
            let request = assignment(&layout, "em0", ip("fe80::10"), 64, inet6, 7).unwrap();
            let own = format!("1c{inet6:02x}000000000000{address}07000000");
            let mask = format!("1c{inet6:02x}000000000000{mask}00000000");
            let (destination, times) = ("00".repeat(28), "00".repeat(16));
            assert_eq!(
                hex(&request),
                format!("{name}{own}{destination}{mask}00000000{times}ffffffffffffffff{rest}")
            );
        }
    }

    #[test]
    fn prefixes_of_every_length() {
        for (address, prefix, expected) in [
            ("10.0.0.1", 0, Some("0.0.0.0")),
            ("10.0.0.1", 1, Some("128.0.0.0")),
            ("10.0.0.1", 32, Some("255.255.255.255")),
            ("10.0.0.1", 33, None),
            ("2001:db8::1", 0, Some("::")),
            ("2001:db8::1", 65, Some("ffff:ffff:ffff:ffff:8000::")),
            ("2001:db8::1", 128, Some("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")),
            ("2001:db8::1", 129, None),
        ] {
            assert_eq!(mask(ip(address), prefix), expected.map(ip), "{address}/{prefix}");
        }
        let refused = assignment(&FREEBSD, "em0", ip("10.0.0.1"), 33, 28, 1);
        assert_eq!(refused, Err(Unbuildable::Prefix));
    }

    #[test]
    fn networks_whose_masks_are_cut_off() {
        let inet6 = 24;
        let v4 = |mask: &[u8]| network(&sockaddr(ip("10.9.0.1"), inet6, 0), mask, inet6);
        assert_eq!(v4(&[16, 2, 0, 0, 255, 255, 255, 0]), Some((ip("10.9.0.1"), 24)));
        assert_eq!(v4(&[6, 0, 0, 0, 255, 240]), Some((ip("10.9.0.1"), 12)));
        assert_eq!(v4(&[]), Some((ip("10.9.0.1"), 0)));
        assert_eq!(v4(&[8, 0, 0, 0, 255, 0, 255, 0]), None, "a hole");
        assert_eq!(v4(&[8, 0, 0, 0, 255, 0b0101_0000, 0, 0]), None, "a hole");
        let mut mask = vec![16, inet6, 0, 0, 0, 0, 0, 0];
        mask.extend([255; 8]);
        let address = sockaddr(ip("2001:db8::1"), inet6, 0);
        assert_eq!(network(&address, &mask, inet6), Some((ip("2001:db8::1"), 64)));
        for length in 0..address.len().min(24) {
            assert_eq!(network(&address[..length], &mask, inet6), None, "{length}");
        }
        assert_eq!(network(&[20, 18, 0, 0, 6, 3, 6, 0], &mask, inet6), None, "of another family");
    }

    #[test]
    fn a_name_that_no_interface_has() {
        for name in ["", "sixteen-letters-", "a\0b"] {
            assert_eq!(named(name, 32), Err(Unbuildable::Name), "{name:?}");
        }
        let request = named("fifteen-letters", 32).unwrap();
        assert_eq!(name(&request).as_deref(), Some("fifteen-letters"));
        assert_eq!((name(&[0; 32]), name(b"em0\0")), (None, None));
    }

    #[test]
    fn an_address_is_named_in_the_size_the_ioctl_wants() {
        for layout in ALL {
            let v4 = naming(&layout, "em0", ip("10.0.0.1"), 28, 1).unwrap();
            assert_eq!(v4.len(), layout.ifreq);
            assert_eq!(hex(v4.get(16..24).unwrap()), "100200000a000001");
            let v6 = naming(&layout, "em0", ip("2001:db8::1"), 28, 9).unwrap();
            assert_eq!(v6.len(), IN6_IFREQ);
            // Only a link-local address has a scope.
            assert_eq!(hex(v6.get(40..44).unwrap()), "00000000");
        }
    }

    #[test]
    fn flags_of_an_address() {
        for (address, flags, expected) in [
            ("fe80::1", 0, None),
            ("fe80::1", 0x40, None),
            ("fe80::1", 2, Some(Unready::Tentative)),
            ("fe80::1", 4, Some(Unready::Duplicate)),
            ("fe80::1", 6, Some(Unready::Duplicate)),
            ("fe80::1", 0x10, Some(Unready::Deprecated)),
            ("10.0.0.1", 0, None),
            ("10.0.0.1", 1, Some(Unready::Tentative)),
            ("10.0.0.1", 2, Some(Unready::Duplicate)),
            // The link is away, which is told otherwise.
            ("10.0.0.1", 4, None),
            ("10.0.0.1", 8, Some(Unready::Tentative)),
            ("10.0.0.1", 0x10, None),
        ] {
            let mut answer = named("em0", IN6_IFREQ).unwrap();
            put(&mut answer, NAME, &u32::to_ne_bytes(flags));
            assert_eq!(unready(ip(address), &answer), expected, "{address} {flags}");
        }
        assert_eq!(unready(ip("fe80::1"), &[0; 18]), None);
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn which_link_layer_address_is_used() {
        let sockaddr = [20, 18, 1, 0, 6, 0, 6, 0, 2, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0];
        let mut request = asking_for_use("vioif0", &sockaddr).unwrap();
        let begin = "76696f69663000000000000000000000008000003000000014120100060006000200000000090000";
        assert_eq!((&hex(&request)[..begin.len()], request.len()), (begin, IF_LADDRREQ));
        assert!(!is_in_use(&request));
        put(&mut request, NAME, &0x6000_u32.to_ne_bytes());
        assert!(is_in_use(&request));
    }

    #[test]
    fn a_medium_that_is_known_to_be_absent() {
        for layout in ALL {
            let (_, size, offset) = layout.media;
            for (status, active) in [(0, true), (1, false), (2, true), (3, true)] {
                let mut answer = named("em0", size).unwrap();
                put(&mut answer, offset, &u32::to_ne_bytes(status));
                assert_eq!(medium_is_active(&layout, &answer), active, "{status}");
            }
        }
    }

    #[test]
    fn link_states() {
        let of = |layout: &Layout, states: [u8; 3]| states.map(|state| carrier(layout, &[state]));
        assert_eq!(of(&OPENBSD, [2, 4, 0]), [Some(false), Some(true), None]);
        // An aggregate without ports says 0 until it gets the first one.
        assert_eq!(of(&FREEBSD, [1, 2, 0]), [Some(false), Some(true), None]);
        let netbsd = [1, 2, 0_u32].map(|state| carrier(&NETBSD, &state.to_ne_bytes()));
        assert_eq!(netbsd, [Some(false), Some(true), None]);
        assert_eq!(carrier(&NETBSD, &[]), None);
    }

    // What getifaddrs(3) hands out: on macOS the C structure has room for 12 bytes and this one is longer.
    #[test]
    fn link_layer_addresses_behind_names() {
        let bridge = [&[27, 18, 5, 0, 209, 9, 6, 0][..], b"bridge100", &[2, 0, 0, 0, 0, 9], &[0; 4]].concat();
        assert_eq!(link_layer(&bridge), Some(LinkLayer { kind: 209, address: Some([2, 0, 0, 0, 0, 9]) }));
        let loopback = [&[54, 18, 1, 0, 24, 3, 0, 0][..], b"lo0", &[0; 43]].concat();
        assert_eq!(link_layer(&loopback), Some(LinkLayer { kind: 24, address: None }));
        // Cut anywhere, it is no address, and nothing else happens.
        for end in 0..bridge.len() - 4 {
            assert_eq!(link_layer(bridge.get(..end).unwrap()).and_then(|found| found.address), None);
        }
    }

    /// net/bpf_filter.c for the three kinds of instructions used here.
    fn run(filter: &[Instruction], frame: &[u8]) -> u32 {
        let (mut at, mut value) = (0_usize, 0_u32);
        loop {
            let Instruction { code, if_true, if_false, operand } = filter[at];
            at += 1;
            match code {
                0x28 => {
                    value =
                        u32::from(u16::from_be_bytes([frame[operand as usize], frame[operand as usize + 1]]))
                }
                0x15 => at += usize::from(if value == operand { if_true } else { if_false }),
                0x06 => return operand,
                other => panic!("{other:#x}"),
            }
        }
    }

    #[test]
    fn filters() {
        let frame = |kind: u16| [&[0; 12][..], &kind.to_be_bytes(), &[0; 46]].concat();
        for (kind, sent) in [(0x0800, true), (0x0806, true), (0x86dd, true), (0x8100, false), (0x88cc, false)]
        {
            assert_eq!(run(&INTERNET, &frame(kind)) > 0, sent, "{kind:#x}");
            assert_eq!(run(&NOTHING, &frame(kind)), 0);
        }
    }

    /// Name and address as a sockaddr_dl, with the room behind them that the C structure of each system has.
    fn sockaddr_dl(kind: u8, name: &[u8], address: &[u8], size: usize) -> Vec<u8> {
        let lengths = [name.len(), address.len()].map(|length| u8::try_from(length).unwrap());
        let mut bytes = [&[0, 18, 1, 0, kind, lengths[0], lengths[1], 0][..], name, address].concat();
        bytes.resize(bytes.len().max(size), 0);
        bytes[0] = u8::try_from(bytes.len()).unwrap();
        bytes
    }

    fn layouts() -> impl Strategy<Value = Layout> {
        select(ALL.to_vec())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_bytes_are_too_strange(layout in layouts(), bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            carrier(&layout, &bytes);
            let whole = bytes.len() >= layout.media.2 + 4;
            prop_assert!(whole || medium_is_active(&layout, &bytes));
            prop_assert!(bytes.len() >= NAME + 4 || unready(IpAddr::V4(Ipv4Addr::LOCALHOST), &bytes).is_none());
        }

        #[test]
        fn of_a_link_layer_address_nothing_is_made_up(bytes in prop::collection::vec(0..60_u8, 0..100)) {
            match link_layer(&bytes) {
                None => prop_assert!(bytes.len() < 8),
                Some(LinkLayer { kind, address }) => {
                    prop_assert_eq!(kind, bytes[4]);
                    let (start, length) = (8 + usize::from(bytes[5]), usize::from(bytes[6]));
                    let there = bytes.get(start..start + length).filter(|there| there.len() == 6);
                    prop_assert_eq!(address.as_ref().map(|address| &address[..]), there);
                }
            }
        }

        #[test]
        fn a_link_layer_address_is_found_whole_or_not_at_all(
            kind: u8,
            name in prop::collection::vec(any::<u8>(), 0..16),
            address: [u8; 6],
            size in select(vec![20_usize, 32, 54]),
            cut: Index,
            flipped in (any::<Index>(), 0..8_u8),
        ) {
            let mut bytes = sockaddr_dl(kind, &name, &address, size);
            let end = 8 + name.len() + 6;
            prop_assert_eq!(link_layer(&bytes), Some(LinkLayer { kind, address: Some(address) }));
            let cut = cut.index(bytes.len());
            let found = link_layer(&bytes[..cut]).and_then(|found| found.address);
            prop_assert_eq!(found, Some(address).filter(|_| cut >= end));
            let at = flipped.0.index(bytes.len());
            bytes[at] ^= 1 << flipped.1;
            link_layer(&bytes);
        }

        #[test]
        fn a_request_is_as_long_as_its_ioctl_says(
            layout in layouts(),
            name in "[a-z0-9\0]{0,18}",
            bits: u128,
            v6: bool,
            prefix: u8,
            inet6 in select(vec![24_u8, 28, 30]),
            scope: u32,
        ) {
            let [.., a, b, c, d] = bits.to_be_bytes();
            let address = if v6 { IpAddr::V6(bits.into()) } else { IpAddr::from([a, b, c, d]) };
            let (add, remove, width) = if v6 {
                (layout.add_v6.0, super::super::layout::SIOCDIFADDR_IN6, 128)
            } else {
                (layout.add_v4.0, layout.remove_v4, 32)
            };
            let says = |number: u64| usize::try_from(number >> 16 & 0x1fff).unwrap();
            let nameable = !name.is_empty() && name.len() < NAME && !name.contains('\0');
            let given = assignment(&layout, &name, address, prefix, inet6, scope);
            let named = naming(&layout, &name, address, inet6, scope);
            prop_assert_eq!(given.is_ok(), nameable && prefix <= width);
            prop_assert_eq!(named.is_ok(), nameable);
            if let (Ok(given), Ok(named)) = (given, named) {
                prop_assert_eq!((given.len(), named.len()), (says(add), says(remove)));
                let sockaddr = NAME..NAME + if v6 { SOCKADDR_IN6 } else { SOCKADDR_IN };
                prop_assert_eq!(&given[sockaddr.clone()], &named[sockaddr.clone()]);
                let (start, length) = if v6 { (V6_MASK + 8, 16) } else { (V4_MASK + 4, 4) };
                let ones: u32 = given[start..start + length].iter().map(|byte| byte.count_ones()).sum();
                prop_assert_eq!(ones, u32::from(prefix));
                // What is beyond an address is no part of it.
                prop_assert!(named[sockaddr.end..].iter().all(|byte| *byte == 0));
            }
        }
    }
}
