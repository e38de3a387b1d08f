//! The figures of the BSD kernels' interface: numbers of ioctls and messages, sizes and offsets of structures.
//!
//! One value per system, so that what is built from them is tested on every system for all four. Each figure was read
//! by compiling the system's own headers (OpenBSD 7, NetBSD 10.1, FreeBSD 14.0, macOS; for macOS' in6_var.h, which no
//! SDK ships, from XNU's bsd/netinet6/in6_var.h). A wrong one does not compile: each ioctl number is computed once more
//! from direction, size, group and command; the tests compare with what the headers said, in
//! tests/vectors/layouts.txt; where libc knows a structure too, the system's own file asserts that it is the same.
//!
//! All structures are those of 64-bit systems. Must not do anything with the figures.

#![cfg_attr(
    not(test),
    expect(dead_code, reason = "a build needs one system's figures, the tests all of them")
)]

/// One system's figures. Offsets and sizes are in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// net/bpf.h: binds a BPF device to the interface of an ifreq.
    pub(super) bind_capture: u64,
    /// net/bpf.h: BIOCGETIF, which tells in an ifreq to what interface a BPF device is bound.
    pub(super) bound_capture: u64,
    /// net/bpf.h: sets the filter of what is read.
    pub(super) read_filter: u64,
    /// net/bpf.h: BIOCSETFNR, which does so without dropping what was taken in before; NetBSD has none.
    pub(super) next_filter: Option<u64>,
    /// net/bpf.h: sets the filter of what may be written; macOS has none.
    pub(super) write_filter: Option<u64>,
    /// net/bpf.h: forbids later changes; macOS has none.
    pub(super) lock: Option<u64>,
    /// net/bpf.h: leaves out frames this host sent, and the value that says so.
    pub(super) ignore_sent: (u64, u32),
    /// net/bpf.h: BIOCSTSTAMP, whose value 0 asks for times in seconds and microseconds. Elsewhere there are no others.
    pub(super) time_format: Option<u64>,
    /// net/bpf.h: BIOCGSTATS, and the size of the fields of struct bpf_stat, of which the second counts what was lost.
    pub(super) statistics: (u64, usize),
    /// net/if.h, struct ifreq.
    pub(super) ifreq: usize,
    /// netinet/in_var.h: SIOCAIFADDR and the size of struct in_aliasreq.
    pub(super) add_v4: (u64, usize),
    /// netinet/in_var.h: SIOCDIFADDR, which takes an ifreq.
    pub(super) remove_v4: u64,
    /// netinet6/in6_var.h: SIOCAIFADDR_IN6 and the size of struct in6_aliasreq.
    pub(super) add_v6: (u64, usize),
    /// sys/sockio.h: SIOCGIFAFLAG_IN, the flags of an IPv4 address; NetBSD alone searches for duplicates of those.
    pub(super) flags_v4: Option<u64>,
    /// How this system is kept from searching for another host that has a new address: see `duplicates`.
    pub(super) search: Search,
    /// sys/sockio.h: SIOCGLIFADDR, which tells whether an interface uses a link-layer address; NetBSD alone knows others.
    pub(super) about_link_layer: Option<u64>,
    /// net/if.h, struct if_data.
    pub(super) if_data: usize,
    /// net/if.h: where struct if_data has the link state, and in how many bytes; macOS has none.
    pub(super) link_state: Option<(usize, usize)>,
    /// net/if.h: LINK_STATE_DOWN.
    pub(super) link_down: u32,
    /// net/if_media.h via sys/sockio.h: SIOCGIFMEDIA, the size of struct ifmediareq and the offset of ifm_status.
    pub(super) media: (u64, usize, usize),
    /// net/route.h: messages about an interface.
    pub(super) link_messages: &'static [u8],
    /// net/route.h: messages about an address.
    pub(super) address_messages: &'static [u8],
    /// net/route.h: RTM_DESYNC, which OpenBSD sends after messages were lost; the others fail the read.
    pub(super) lost_messages: Option<u8>,
}

/// What has a system search for another host that has a new address.
#[derive(Clone, Copy, Debug)]
pub(super) enum Search {
    /// Counts of probes, by their names for sysctl(2): sys/sysctl.h, sys/socket.h, netinet/in.h, netinet6/in6.h.
    Counted { v4: Option<[i32; 4]>, v6: [i32; 4] },
    /// A flag of the interface, for IPv6 alone.
    Flagged {
        /// netinet6/in6_var.h and nd6.h: SIOCGIFINFO_IN6 and the size of what it takes.
        get: (u64, usize),
        /// SIOCSIFINFO_FLAGS and the size of struct in6_ndireq.
        set: (u64, usize),
        flag: u32,
        /// Whether the flag has it search, or keeps it from that.
        searches: bool,
    },
}

/// net/bpf.h: how many bytes a read hands out at most, and must ask for.
pub(super) const BIOCGBLEN: u64 = 0x4004_4266;
/// net/bpf.h: a read hands out what there is instead of waiting for a full buffer.
pub(super) const BIOCIMMEDIATE: u64 = 0x8004_4270;
/// net/bpf.h: the source address of written frames is left as it is.
pub(super) const BIOCSHDRCMPLT: u64 = 0x8004_4275;
/// netinet6/in6_var.h: flags of an address. It takes an in6_ifreq.
pub(super) const SIOCGIFAFLAG_IN6: u64 = 0xc120_6949;
/// netinet6/in6_var.h: takes an in6_ifreq.
pub(super) const SIOCDIFADDR_IN6: u64 = 0x8120_6919;
/// netinet6/in6_var.h, struct in6_ifreq.
pub(super) const IN6_IFREQ: usize = 288;
/// netinet6/in6_var.h, struct in6_addrlifetime.
pub(super) const IN6_ADDRLIFETIME: usize = 24;
/// netinet6/in6_var.h.
pub(super) const IN6_IFF_TENTATIVE: u32 = 2;
pub(super) const IN6_IFF_DUPLICATED: u32 = 4;
pub(super) const IN6_IFF_DEPRECATED: u32 = 16;
/// netinet/in_var.h of NetBSD, with IN_IFF_TRYTENTATIVE.
pub(super) const IN_IFF_TENTATIVE: u32 = 1 | 8;
pub(super) const IN_IFF_DUPLICATED: u32 = 2;
/// net/if.h of NetBSD: struct if_laddrreq and what it says of a link-layer address of an interface.
pub(super) const IF_LADDRREQ: usize = 280;
pub(super) const IFLR_PREFIX: u32 = 0x8000;
pub(super) const IFLR_ACTIVE: u32 = 0x4000;
/// net/if_media.h: the status is known; the link is up.
pub(super) const IFM_AVALID: u32 = 1;
pub(super) const IFM_ACTIVE: u32 = 2;
/// sys/sockio.h and net/if_vlan_var.h of macOS: takes an ifreq that points to room for a struct vlanreq.
pub(super) const SIOCGIFVLAN: u64 = 0xc020_697f;
/// sys/sockio.h of OpenBSD: takes an ifreq, in which it leaves a number.
pub(super) const SIOCGIFRDOMAIN: u64 = 0xc020_69a0;
/// sys/sockio.h of OpenBSD: takes an ifgroupreq with the name of a group, in which it leaves what is said of that.
pub(super) const SIOCGIFGATTR: u64 = 0xc028_698b;
/// net/if.h of OpenBSD: the size of an ifgroupreq, and where in it the sum of demotions is. The union that holds it also
/// holds a pointer.
pub(super) const IFGROUPREQ: (usize, usize) = (40, 24);
/// net/route.h of OpenBSD: an option of routing sockets, a bit for each kind of message that is to be heard.
pub(super) const ROUTE_MSGFILTER: i32 = 1;
/// net/route.h of NetBSD: the same as a list of kinds.
pub(super) const RO_MSGFILTER: i32 = 1;
/// net/bpf.h, struct bpf_insn and struct bpf_program.
pub(super) const BPF_INSN: usize = 8;
pub(super) const BPF_PROGRAM: usize = 16;

pub(super) const OPENBSD: Layout = Layout {
    bind_capture: 0x8020_426c,
    bound_capture: 0x4020_426b,
    read_filter: 0x8010_4267,
    next_filter: Some(0x8010_427f),
    write_filter: Some(0x8010_4277),
    lock: Some(0x2000_4276),
    // BIOCSDIRFILT names what is left out: BPF_DIRECTION_OUT.
    ignore_sent: (0x8004_427d, 2),
    time_format: None,
    statistics: (0x4008_426f, 4),
    ifreq: 32,
    add_v4: (0x8040_691a, 64),
    remove_v4: 0x8020_6919,
    add_v6: (0x8080_691a, 128),
    flags_v4: None,
    // CTL_NET, PF_INET6, IPPROTO_IPV6, IPV6CTL_DAD_COUNT.
    search: Search::Counted { v4: None, v6: [4, 24, 41, 16] },
    about_link_layer: None,
    if_data: 144,
    link_state: Some((3, 1)),
    link_down: 2,
    media: (0xc040_6938, 64, 32),
    // RTM_IFINFO, RTM_IFANNOUNCE.
    link_messages: &[14, 15],
    // RTM_NEWADDR, RTM_DELADDR, RTM_CHGADDRATTR.
    address_messages: &[12, 13, 20],
    lost_messages: Some(16),
};

pub(super) const NETBSD: Layout = Layout {
    bind_capture: 0x8090_426c,
    bound_capture: 0x4090_426b,
    read_filter: 0x8010_4267,
    next_filter: None,
    write_filter: Some(0x8010_427f),
    lock: Some(0x2000_427e),
    // BIOCSSEESENT.
    ignore_sent: (0x8004_4279, 0),
    time_format: None,
    statistics: (0x4080_426f, 8),
    ifreq: 144,
    add_v4: (0x8040_691a, 64),
    remove_v4: 0x8090_6919,
    add_v6: (0x8080_696b, 128),
    flags_v4: Some(0xc090_6927),
    // IPCTL_DAD_COUNT, IPV6CTL_DAD_COUNT.
    search: Search::Counted { v4: Some([4, 2, 0, 25]), v6: [4, 24, 41, 16] },
    about_link_layer: Some(0xc118_691d),
    if_data: 136,
    link_state: Some((4, 4)),
    link_down: 1,
    media: (0xc030_6938, 48, 24),
    // RTM_IFINFO, RTM_IFANNOUNCE.
    link_messages: &[20, 16],
    // RTM_NEWADDR, RTM_DELADDR, RTM_CHGADDR.
    address_messages: &[22, 23, 24],
    lost_messages: None,
};

pub(super) const FREEBSD: Layout = Layout {
    bind_capture: 0x8020_426c,
    bound_capture: 0x4020_426b,
    read_filter: 0x8010_4267,
    next_filter: Some(0x8010_4282),
    write_filter: Some(0x8010_427b),
    lock: Some(0x2000_427a),
    // BIOCSSEESENT.
    ignore_sent: (0x8004_4277, 0),
    time_format: Some(0x8004_4284),
    statistics: (0x4008_426f, 4),
    ifreq: 32,
    add_v4: (0x8044_692b, 68),
    remove_v4: 0x8020_6919,
    add_v6: (0x8088_691b, 136),
    flags_v4: None,
    // ND6_IFF_NO_DAD.
    search: Search::Flagged { get: (0xc048_696c, 72), set: (0xc048_6957, 72), flag: 0x100, searches: false },
    about_link_layer: None,
    if_data: 152,
    link_state: Some((4, 1)),
    link_down: 1,
    media: (0xc030_6938, 48, 24),
    // RTM_IFINFO, RTM_IFANNOUNCE.
    link_messages: &[14, 17],
    // RTM_NEWADDR, RTM_DELADDR.
    address_messages: &[12, 13],
    lost_messages: None,
};

pub(super) const MACOS: Layout = Layout {
    bind_capture: 0x8020_426c,
    bound_capture: 0x4020_426b,
    read_filter: 0x8010_4267,
    next_filter: Some(0x8010_427e),
    write_filter: None,
    lock: None,
    // BIOCSSEESENT.
    ignore_sent: (0x8004_4277, 0),
    time_format: None,
    statistics: (0x4008_426f, 4),
    ifreq: 32,
    add_v4: (0x8040_691a, 64),
    remove_v4: 0x8020_6919,
    add_v6: (0x8080_691a, 128),
    flags_v4: None,
    // ND6_IFF_DAD.
    search: Search::Flagged { get: (0xc030_694c, 48), set: (0xc048_6957, 72), flag: 0x200, searches: true },
    about_link_layer: None,
    if_data: 96,
    link_state: None,
    link_down: 1,
    media: (0xc02c_6938, 44, 24),
    // Kernel events tell of these: see `kernel_events`.
    link_messages: &[],
    address_messages: &[],
    lost_messages: None,
};

/// The commands of ioctls that are not the same on all four.
struct Commands {
    next_filter: u8,
    write_filter: u8,
    lock: u8,
    ignore_sent: u8,
    add_v4: u8,
    add_v6: u8,
    get_search: u8,
}

// sys/ioccom.h: what an ioctl does with the structure it is given.
const NONE: u64 = 0x2;
const OUT: u64 = 0x4;
const IN: u64 = 0x8;
const BOTH: u64 = 0xc;

/// sys/ioccom.h: the number of an ioctl.
const fn number(direction: u64, size: usize, group: u8, command: u8) -> u64 {
    direction << 28 | (size as u64 & 0x1fff) << 16 | (group as u64) << 8 | command as u64
}

/// Fails to compile where the figures of one system contradict each other.
const fn check(layout: &Layout, commands: &Commands) {
    const UNSIGNED: usize = 4;
    assert!(layout.bind_capture == number(IN, layout.ifreq, b'B', 108));
    assert!(layout.bound_capture == number(OUT, layout.ifreq, b'B', 107));
    assert!(layout.read_filter == number(IN, BPF_PROGRAM, b'B', 103));
    if let Some(next_filter) = layout.next_filter {
        assert!(next_filter == number(IN, BPF_PROGRAM, b'B', commands.next_filter));
    }
    if let Some(write_filter) = layout.write_filter {
        assert!(write_filter == number(IN, BPF_PROGRAM, b'B', commands.write_filter));
    }
    if let Some(lock) = layout.lock {
        assert!(lock == number(NONE, 0, b'B', commands.lock));
    }
    assert!(layout.ignore_sent.0 == number(IN, UNSIGNED, b'B', commands.ignore_sent));
    if let Some(time_format) = layout.time_format {
        assert!(time_format == number(IN, UNSIGNED, b'B', 132));
    }
    // NetBSD leaves room for more than it counts.
    let counts = if layout.statistics.1 == 8 { 16 } else { 2 };
    assert!(layout.statistics.0 == number(OUT, counts * layout.statistics.1, b'B', 111));
    assert!(layout.add_v4.0 == number(IN, layout.add_v4.1, b'i', commands.add_v4));
    assert!(layout.remove_v4 == number(IN, layout.ifreq, b'i', 25));
    assert!(layout.add_v6.0 == number(IN, layout.add_v6.1, b'i', commands.add_v6));
    assert!(layout.media.0 == number(BOTH, layout.media.1, b'i', 56));
    assert!(layout.media.2 + UNSIGNED <= layout.media.1);
    if let Some(about) = layout.about_link_layer {
        assert!(about == number(BOTH, IF_LADDRREQ, b'i', 29));
    }
    if let Some(flags) = layout.flags_v4 {
        assert!(flags == number(BOTH, layout.ifreq, b'i', 39));
    }
    if let Search::Flagged { get, set, .. } = layout.search {
        assert!(get.0 == number(BOTH, get.1, b'i', commands.get_search));
        assert!(set.0 == number(BOTH, set.1, b'i', 87));
    }
    if let Some((offset, width)) = layout.link_state {
        assert!((width == 1 || width == 4) && offset + width <= layout.if_data);
    }
}

const _: () = check(
    &OPENBSD,
    &Commands {
        next_filter: 127,
        write_filter: 119,
        lock: 118,
        ignore_sent: 125,
        add_v4: 26,
        add_v6: 26,
        get_search: 0,
    },
);
const _: () = check(
    &NETBSD,
    &Commands {
        next_filter: 0,
        write_filter: 127,
        lock: 126,
        ignore_sent: 121,
        add_v4: 26,
        add_v6: 107,
        get_search: 0,
    },
);
const _: () = check(
    &FREEBSD,
    &Commands {
        next_filter: 130,
        write_filter: 123,
        lock: 122,
        ignore_sent: 119,
        add_v4: 43,
        add_v6: 27,
        get_search: 108,
    },
);
// It can neither judge what is written nor lock.
const _: () = check(
    &MACOS,
    &Commands {
        next_filter: 126,
        write_filter: 0,
        lock: 0,
        ignore_sent: 119,
        add_v4: 26,
        add_v6: 26,
        get_search: 76,
    },
);
const _: () = assert!(BIOCGBLEN == number(OUT, 4, b'B', 102));
const _: () = assert!(BIOCIMMEDIATE == number(IN, 4, b'B', 112));
const _: () = assert!(BIOCSHDRCMPLT == number(IN, 4, b'B', 117));
const _: () = assert!(SIOCGIFAFLAG_IN6 == number(BOTH, IN6_IFREQ, b'i', 73));
const _: () = assert!(SIOCGIFVLAN == number(BOTH, MACOS.ifreq, b'i', 127));
const _: () = assert!(SIOCGIFRDOMAIN == number(BOTH, OPENBSD.ifreq, b'i', 160));
const _: () = assert!(SIOCGIFGATTR == number(BOTH, IFGROUPREQ.0, b'i', 139));
const _: () = assert!(SIOCDIFADDR_IN6 == number(IN, IN6_IFREQ, b'i', 25));

#[cfg(test)]
pub(super) const ALL: [Layout; 4] = [OPENBSD, NETBSD, FREEBSD, MACOS];

#[cfg(test)]
mod tests {
    use super::*;

    /// What the systems' headers said: see tests/vectors/README.md.
    const HEADERS: &str = include_str!("../../tests/vectors/layouts.txt");
    const SYSTEMS: [(&str, Layout); 5] = [
        ("openbsd", OPENBSD),
        ("openbsdarm", OPENBSD),
        ("netbsd", NETBSD),
        ("freebsd", FREEBSD),
        ("macos", MACOS),
    ];

    /// Our figures by their names in the headers. A system that lacks one has no line for it there.
    const fn named(layout: &Layout) -> [(&'static str, Option<u64>); 38] {
        let link_state = match layout.link_state {
            Some((offset, _)) => offset,
            // There as well: no field is where the length is.
            None => 0,
        };
        let link_message = match layout.link_messages {
            [first, ..] => Some(*first as u64),
            [] => None,
        };
        let (probes_v4, probes_v6) = match layout.search {
            Search::Counted { v4: Some(v4), v6 } => (Some(v4[3] as u64), Some(v6[3] as u64)),
            Search::Counted { v4: None, v6 } => (None, Some(v6[3] as u64)),
            Search::Flagged { .. } => (None, None),
        };
        let (get_search, set_search, flag) = match layout.search {
            Search::Flagged { get, set, flag, .. } => (Some(get.0), Some(set.0), Some(flag as u64)),
            Search::Counted { .. } => (None, None, None),
        };
        [
            ("IPCTL_DAD_COUNT", probes_v4),
            ("IPV6CTL_DAD_COUNT", probes_v6),
            ("SIOCGIFINFO_IN6", get_search),
            ("SIOCSIFINFO_FLAGS", set_search),
            ("ND6_IFF_NO_DAD", flag),
            ("BIOCSETIF", Some(layout.bind_capture)),
            ("BIOCSETF", Some(layout.read_filter)),
            ("BIOCSETFNR", layout.next_filter),
            ("BIOCSETWF", layout.write_filter),
            ("BIOCLOCK", layout.lock),
            ("BIOCSDIRFILT", Some(layout.ignore_sent.0)),
            ("BIOCSSEESENT", Some(layout.ignore_sent.0)),
            ("BIOCSDIRECTION", Some(layout.ignore_sent.0)),
            ("BIOCSTSTAMP", layout.time_format),
            ("BIOCGSTATS", Some(layout.statistics.0)),
            ("BIOCGBLEN", Some(BIOCGBLEN)),
            ("BIOCIMMEDIATE", Some(BIOCIMMEDIATE)),
            ("BIOCSHDRCMPLT", Some(BIOCSHDRCMPLT)),
            ("SIOCAIFADDR", Some(layout.add_v4.0)),
            ("SIOCDIFADDR", Some(layout.remove_v4)),
            ("SIOCAIFADDR_IN6", Some(layout.add_v6.0)),
            ("SIOCDIFADDR_IN6", Some(SIOCDIFADDR_IN6)),
            ("SIOCGIFMEDIA", Some(layout.media.0)),
            ("sizeof ifreq", Some(layout.ifreq as u64)),
            ("sizeof in_aliasreq", Some(layout.add_v4.1 as u64)),
            ("sizeof ifaliasreq", Some(layout.add_v4.1 as u64)),
            ("sizeof in6_aliasreq", Some(layout.add_v6.1 as u64)),
            ("sizeof in6_ifreq", Some(IN6_IFREQ as u64)),
            ("sizeof in6_addrlifetime", Some(IN6_ADDRLIFETIME as u64)),
            ("sizeof ifmediareq", Some(layout.media.1 as u64)),
            ("sizeof if_data", Some(layout.if_data as u64)),
            ("if_data.ifi_link_state_", Some(link_state as u64)),
            ("LINK_STATE_DOWN", Some(layout.link_down as u64)),
            ("IFM_AVALID", Some(IFM_AVALID as u64)),
            ("IFM_ACTIVE", Some(IFM_ACTIVE as u64)),
            ("RTM_IFINFO", link_message),
            ("ROUTE_MSGFILTER", Some(ROUTE_MSGFILTER as u64)),
            ("RO_MSGFILTER", Some(RO_MSGFILTER as u64)),
        ]
    }

    /// What else the headers were asked for: constants that are libc's, and what nothing here uses.
    const NOT_OURS: [&str; 20] = [
        "SIOCGIFFLAGS",
        "SIOCSIFFLAGS",
        "SIOCGIFMTU",
        "SIOCGIFDATA",
        "IFF_RUNNING",
        "RTM_VERSION",
        "AF_LINK",
        "PF_ROUTE",
        "IFT_ETHER",
        "IFT_CARP",
        "LINK_STATE_UP",
        "IP_RECVTTL",
        "IPV6_RECVHOPLIMIT",
        "sizeof sockaddr_dl",
        "sizeof if_msghdr",
        "sizeof ifa_msghdr",
        "sizeof bpf_hdr",
        "if_msghdr.ifm_index",
        "if_msghdr.ifm_flags",
        "if_msghdr.ifm_data",
    ];

    /// What follows `start` in `text`, if that is how it begins.
    const fn behind<'a>(mut text: &'a [u8], start: &str) -> Option<&'a [u8]> {
        let mut start = start.as_bytes();
        while let Some((wanted, rest)) = start.split_first() {
            start = rest;
            match text.split_first() {
                Some((found, rest)) if *found == *wanted => text = rest,
                _ => return None,
            }
        }
        Some(text)
    }

    /// The rest of the line about `system`.
    const fn line(system: &str) -> &'static [u8] {
        let mut left = HEADERS.as_bytes();
        loop {
            match behind(left, system) {
                Some(line) if behind(line, " ").is_some() => return line,
                _ => {}
            }
            loop {
                left = match left.split_first() {
                    Some((b'\n', rest)) => break left = rest,
                    Some((_, rest)) => rest,
                    None => panic!("the system has no line"),
                };
            }
        }
    }

    /// The figure of this name in a line.
    const fn figure(mut line: &[u8], name: &str) -> Option<u64> {
        while let Some((before, rest)) = line.split_first() {
            if *before == b'\n' {
                break;
            }
            line = rest;
            let found = match behind(line, name) {
                Some(found) if *before == b' ' => behind(found, "="),
                _ => None,
            };
            if let Some(found) = found {
                return Some(value(found));
            }
        }
        None
    }

    /// The number that `text` begins with.
    const fn value(text: &[u8]) -> u64 {
        let (mut digits, base) = match behind(text, "0x") {
            Some(digits) => (digits, 16),
            None => (text, 10),
        };
        let mut value = 0;
        while let Some((first, rest)) = digits.split_first() {
            let Some(digit) = (*first as char).to_digit(base) else { break };
            value = value * base as u64 + digit as u64;
            digits = rest;
        }
        value
    }

    /// Fails to compile, with the name, where a figure is not that of the headers.
    const fn compare(system: &str, layout: &Layout) {
        let (line, named) = (line(system), named(layout));
        let mut left = named.as_slice();
        while let Some(((name, ours), rest)) = left.split_first() {
            left = rest;
            if let Some(theirs) = figure(line, name) {
                match *ours {
                    Some(ours) if ours == theirs => {}
                    _ => panic!("{}", *name),
                }
            }
        }
    }

    const _: () = compare("openbsd", &OPENBSD);
    const _: () = compare("openbsdarm", &OPENBSD);
    const _: () = compare("netbsd", &NETBSD);
    const _: () = compare("freebsd", &FREEBSD);
    const _: () = compare("macos", &MACOS);

    #[test]
    fn no_figure_of_the_headers_is_forgotten() {
        // No SDK of macOS has in6_var.h.
        let unread = ["SIOCAIFADDR_IN6", "SIOCDIFADDR_IN6", "sizeof in6_aliasreq", "sizeof in6_ifreq"];
        for (line, (system, layout)) in HEADERS.lines().zip(SYSTEMS) {
            let figures = line.strip_prefix(system).unwrap().replace(" sizeof ", " sizeof_");
            let figures: Vec<_> = figures
                .split_whitespace()
                .map(|figure| figure.split_once('=').unwrap())
                .map(|(name, value)| (name.replace("sizeof_", "sizeof "), value))
                .collect();
            let named = named(&layout);
            for (name, value) in &figures {
                let read = figure(self::line(system), name).unwrap();
                assert!(*value == read.to_string() || *value == format!("{read:#x}"), "{name}: {read:#x}");
                let compared = named.iter().any(|(ours, _)| ours == name);
                assert!(compared != NOT_OURS.contains(&name.as_str()), "{system}: {name}");
            }
            for name in
                ["BIOCSETIF", "BIOCSETF", "SIOCAIFADDR", "SIOCGIFMEDIA", "sizeof ifreq", "sizeof if_data"]
                    .iter()
                    .chain(unread.iter().filter(|_| system != "macos"))
            {
                assert!(figures.iter().any(|(theirs, _)| theirs == name), "{system}: {name}");
            }
        }
        assert_eq!(HEADERS.lines().count(), SYSTEMS.len());
    }

    #[test]
    fn a_message_is_of_one_kind() {
        for layout in ALL {
            assert!(layout.link_messages.iter().all(|kind| !layout.address_messages.contains(kind)));
            let known = [layout.link_messages, layout.address_messages].concat();
            assert!(layout.lost_messages.is_none_or(|lost| !known.contains(&lost)));
        }
    }
}
