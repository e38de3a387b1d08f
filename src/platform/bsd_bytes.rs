//! The BSD kernels' structures as bytes: requests about addresses, link-layer addresses, messages of the routing socket,
//! capture filters.
//!
//! Pure: compiled and tested on every system for all four, by the figures of `layout`. A request is what an ioctl
//! copies in, so it needs no alignment. Nothing read here is trusted to be as long as it says.

use std::mem::offset_of;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::layout::{
    BPF_INSN, IFM_ACTIVE, IFM_AVALID, IN6_ADDRLIFETIME, IN6_IFF_DEPRECATED, IN6_IFF_DUPLICATED,
    IN6_IFF_TENTATIVE, IN6_IFREQ, Layout,
};
use super::{Changes, Unready};

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
const V6_FLAGS: usize = V6_MASK + SOCKADDR_IN6;
const V6_LIFETIMES: usize = V6_FLAGS + 4 + IN6_ADDRLIFETIME - 8;

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

/// The request that gives an interface an address, for good and where the system can without duplicate address
/// detection: an in_aliasreq or in6_aliasreq.
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
        put(&mut request, V6_FLAGS, &layout.no_dad.to_ne_bytes());
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

/// A C int at `offset`; nothing if there are fewer bytes.
fn word(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().map(|word| u32::from_ne_bytes(*word))
}

/// Whether the answer to [`naming`] says that the address is not to be sent from.
pub(super) fn unready(answer: &[u8]) -> Option<Unready> {
    let flags = word(answer, NAME)?;
    let states = [
        (IN6_IFF_DUPLICATED, Unready::Duplicate),
        (IN6_IFF_TENTATIVE, Unready::Tentative),
        (IN6_IFF_DEPRECATED, Unready::Deprecated),
    ];
    states.into_iter().find(|(flag, _)| flags & flag != 0).map(|(_, why)| why)
}

/// Whether an ifmediareq says that the medium is there; `true` as well when it does not know.
pub(super) fn medium_is_active(layout: &Layout, answer: &[u8]) -> bool {
    word(answer, layout.media.2).is_none_or(|status| status & (IFM_AVALID | IFM_ACTIVE) != IFM_AVALID)
}

/// Whether a link state, as if_data has it, is down. Unknown is not.
pub(super) fn is_down(layout: &Layout, state: &[u8]) -> bool {
    match *state {
        [state] => u32::from(state) == layout.link_down,
        [a, b, c, d] => u32::from_ne_bytes([a, b, c, d]) == layout.link_down,
        _ => false,
    }
}

/// What a sockaddr_dl says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct LinkLayer {
    /// net/if_types.h: IFT_*.
    pub(super) kind: u8,
    /// The hardware address, when it has six bytes.
    pub(super) address: Option<[u8; 6]>,
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

/// What a message of the routing socket is about. All of them begin alike on all four (net/route.h): a length of
/// two bytes, a version, the kind. Several may follow each other.
pub(super) fn changes(layout: &Layout, mut messages: &[u8]) -> Changes {
    let mut changes = Changes::default();
    while let [low, high, _version, kind, ..] = messages {
        let lost = layout.lost_messages == Some(*kind);
        changes.links |= lost || layout.link_messages.contains(kind);
        changes.addresses |= lost || layout.address_messages.contains(kind);
        // A length that leads nowhere ends it: at least the four bytes just read.
        let length = usize::from(u16::from_ne_bytes([*low, *high]));
        messages = match messages.get(length..) {
            Some(rest) if length >= 4 => rest,
            _ => break,
        };
    }
    changes
}

/// An instruction of the packet filter: struct bpf_insn of net/bpf.h.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub(super) struct Instruction {
    code: u16,
    if_true: u8,
    if_false: u8,
    operand: u32,
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
    use super::super::layout::{ALL, FREEBSD, MACOS, NETBSD, OPENBSD};
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
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
        for (layout, inet6, flags, rest) in [
            (OPENBSD, 24, 0, ""),
            (NETBSD, 24, 32, ""),
            (FREEBSD, 28, 32, "0000000000000000"),
            (MACOS, 30, 32, ""),
        ] {
            let request = assignment(&layout, "em0", ip("fe80::10"), 64, inet6, 7).unwrap();
            let own = format!("1c{inet6:02x}000000000000{address}07000000");
            let mask = format!("1c{inet6:02x}000000000000{mask}00000000");
            let (destination, times) = ("00".repeat(28), "00".repeat(16));
            assert_eq!(
                hex(&request),
                format!("{name}{own}{destination}{mask}{flags:02x}000000{times}ffffffffffffffff{rest}")
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
    fn a_name_that_no_interface_has() {
        for name in ["", "sixteen-letters-", "a\0b"] {
            assert_eq!(named(name, 32), Err(Unbuildable::Name), "{name:?}");
        }
        assert!(named("fifteen-letters", 32).is_ok());
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
        for (flags, expected) in [
            (0, None),
            (0x40, None),
            (2, Some(Unready::Tentative)),
            (4, Some(Unready::Duplicate)),
            (6, Some(Unready::Duplicate)),
            (0x10, Some(Unready::Deprecated)),
        ] {
            let mut answer = named("em0", IN6_IFREQ).unwrap();
            put(&mut answer, NAME, &u32::to_ne_bytes(flags));
            assert_eq!(unready(&answer), expected, "{flags}");
        }
        assert_eq!(unready(&[0; 18]), None);
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
        assert!(is_down(&OPENBSD, &[2]) && !is_down(&OPENBSD, &[4]) && !is_down(&OPENBSD, &[0]));
        assert!(is_down(&FREEBSD, &[1]) && !is_down(&FREEBSD, &[2]) && !is_down(&FREEBSD, &[0]));
        assert!(is_down(&NETBSD, &1_u32.to_ne_bytes()) && !is_down(&NETBSD, &2_u32.to_ne_bytes()));
        assert!(!is_down(&NETBSD, &[]));
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

    fn message(length: u16, kind: u8, rest: usize) -> Vec<u8> {
        let [low, high] = length.to_ne_bytes();
        [&[low, high, 5, kind][..], &vec![0; rest]].concat()
    }

    #[test]
    fn messages_say_what_changed() {
        for layout in ALL {
            for kind in 0..=255 {
                let changes = changes(&layout, &message(152, kind, 148));
                let lost = layout.lost_messages == Some(kind);
                assert_eq!(changes.links, lost || layout.link_messages.contains(&kind));
                assert_eq!(changes.addresses, lost || layout.address_messages.contains(&kind));
            }
        }
        let both = [message(24, 12, 20), message(168, 14, 164)].concat();
        assert_eq!(changes(&FREEBSD, &both), Changes { links: true, addresses: true });
        // RTM_DESYNC: anything may have changed.
        assert_eq!(changes(&OPENBSD, &message(8, 16, 4)), Changes { links: true, addresses: true });
        // RTM_NEWADDR of old NetBSD means nothing there now.
        assert_eq!(changes(&NETBSD, &message(24, 12, 20)), Changes::default());
    }

    #[test]
    fn broken_messages_end_and_do_no_harm() {
        for length in [0, 1, 3, 4, 5, 0xffff] {
            let _ = changes(&FREEBSD, &message(length, 14, 60));
        }
        assert_eq!(changes(&FREEBSD, &[4, 0, 5]), Changes::default());
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
}
