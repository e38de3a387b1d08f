//! The figures of the BSD kernels' interface: numbers of ioctls and messages, sizes and offsets of structures.
//!
//! One value per system, so that what is built from them is tested on every system for all four. Each figure was read
//! by compiling the system's own headers (OpenBSD 7, NetBSD 10.1, FreeBSD 14.0, macOS; for macOS' in6_var.h, which no
//! SDK ships, from XNU's bsd/netinet6/in6_var.h). The tests compute the ioctl numbers once more from direction, group
//! and size; where libc knows a structure too, the system's own file asserts that it is the same.
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
    /// net/bpf.h: sets the filter of what is read.
    pub(super) read_filter: u64,
    /// net/bpf.h: sets the filter of what may be written; macOS has none.
    pub(super) write_filter: Option<u64>,
    /// net/bpf.h: forbids later changes; macOS has none.
    pub(super) lock: Option<u64>,
    /// net/bpf.h: leaves out frames this host sent, and the value that says so.
    pub(super) ignore_sent: (u64, u32),
    /// net/if.h, struct ifreq.
    pub(super) ifreq: usize,
    /// netinet/in_var.h: SIOCAIFADDR and the size of struct in_aliasreq.
    pub(super) add_v4: (u64, usize),
    /// netinet/in_var.h: SIOCDIFADDR, which takes an ifreq.
    pub(super) remove_v4: u64,
    /// netinet6/in6_var.h: SIOCAIFADDR_IN6 and the size of struct in6_aliasreq.
    pub(super) add_v6: (u64, usize),
    /// netinet6/in6_var.h: IN6_IFF_NODAD; OpenBSD has none.
    pub(super) no_dad: u32,
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
/// netinet6/in6_var.h.
pub(super) const IN6_IFF_TENTATIVE: u32 = 2;
pub(super) const IN6_IFF_DUPLICATED: u32 = 4;
pub(super) const IN6_IFF_DEPRECATED: u32 = 16;
/// net/if_media.h: the status is known; the link is up.
pub(super) const IFM_AVALID: u32 = 1;
pub(super) const IFM_ACTIVE: u32 = 2;

pub(super) const OPENBSD: Layout = Layout {
    bind_capture: 0x8020_426c,
    read_filter: 0x8010_4267,
    write_filter: Some(0x8010_4277),
    lock: Some(0x2000_4276),
    // BIOCSDIRFILT names what is left out: BPF_DIRECTION_OUT.
    ignore_sent: (0x8004_427d, 2),
    ifreq: 32,
    add_v4: (0x8040_691a, 64),
    remove_v4: 0x8020_6919,
    add_v6: (0x8080_691a, 128),
    no_dad: 0,
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
    read_filter: 0x8010_4267,
    write_filter: Some(0x8010_427f),
    lock: Some(0x2000_427e),
    // BIOCSSEESENT.
    ignore_sent: (0x8004_4279, 0),
    ifreq: 144,
    add_v4: (0x8040_691a, 64),
    remove_v4: 0x8090_6919,
    add_v6: (0x8080_696b, 128),
    no_dad: 32,
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
    read_filter: 0x8010_4267,
    write_filter: Some(0x8010_427b),
    lock: Some(0x2000_427a),
    // BIOCSSEESENT.
    ignore_sent: (0x8004_4277, 0),
    ifreq: 32,
    add_v4: (0x8044_692b, 68),
    remove_v4: 0x8020_6919,
    add_v6: (0x8088_691b, 136),
    no_dad: 32,
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
    read_filter: 0x8010_4267,
    write_filter: None,
    lock: None,
    // BIOCSSEESENT.
    ignore_sent: (0x8004_4277, 0),
    ifreq: 32,
    add_v4: (0x8040_691a, 64),
    remove_v4: 0x8020_6919,
    add_v6: (0x8080_691a, 128),
    no_dad: 32,
    link_state: None,
    link_down: 1,
    media: (0xc02c_6938, 44, 24),
    // RTM_IFINFO, RTM_IFINFO2.
    link_messages: &[14, 18],
    // RTM_NEWADDR, RTM_DELADDR.
    address_messages: &[12, 13],
    lost_messages: None,
};

#[cfg(test)]
pub(super) const ALL: [Layout; 4] = [OPENBSD, NETBSD, FREEBSD, MACOS];

#[cfg(test)]
mod tests {
    use super::*;

    /// sys/ioccom.h: the number of an ioctl that takes `size` bytes in, or in and out.
    fn number(direction: u64, size: usize, group: u8, command: u64) -> u64 {
        direction << 28 | (size as u64) << 16 | u64::from(group) << 8 | command
    }
    const OUT: u64 = 0x4;
    const IN: u64 = 0x8;
    const BOTH: u64 = 0xc;

    #[test]
    fn the_size_in_a_number_is_that_of_its_structure() {
        for layout in ALL {
            assert_eq!(layout.bind_capture, number(IN, layout.ifreq, b'B', 108));
            assert_eq!(layout.remove_v4, number(IN, layout.ifreq, b'i', 25));
            assert_eq!(layout.media.0, number(BOTH, layout.media.1, b'i', 56));
            assert_eq!(layout.read_filter, number(IN, 16, b'B', 103));
            let (add, size) = layout.add_v4;
            assert_eq!(add & !0xff, number(IN, size, b'i', 0));
            let (add, size) = layout.add_v6;
            assert_eq!(add & !0xff, number(IN, size, b'i', 0));
            assert_eq!(layout.ignore_sent.0 & !0xff, number(IN, 4, b'B', 0));
            assert!(layout.write_filter.is_none_or(|write| write & !0xff == number(IN, 16, b'B', 0)));
            assert!(layout.lock.is_none_or(|lock| lock & !0xff == 0x2000_4200));
            // An offset stays inside; if_data begins alike up to its eighth byte.
            assert!(layout.link_state.is_none_or(|(offset, width)| offset + width <= 8));
            assert!(layout.media.2 + 4 <= layout.media.1);
        }
        assert_eq!(SIOCGIFAFLAG_IN6, number(BOTH, IN6_IFREQ, b'i', 73));
        assert_eq!(SIOCDIFADDR_IN6, number(IN, IN6_IFREQ, b'i', 25));
        assert_eq!(BIOCGBLEN, number(OUT, 4, b'B', 102));
        assert_eq!(BIOCIMMEDIATE, number(IN, 4, b'B', 112));
        assert_eq!(BIOCSHDRCMPLT, number(IN, 4, b'B', 117));
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
