//! Equal intervals, both master: who stays (register, rows 1 and 2). Pure.
//!
//! Everybody else's rule is fixed, so ours depends on whom we hear: among our own kind one total order that both
//! sides compute alike; beside an old ucarp its order; beside a kernel we stay, because every kernel steps down.

use std::cmp::Ordering;
use std::net::IpAddr;

use super::{MacAddr, PeerKind};

/// What decides a tie about a host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Contender {
    /// The source address of the family that decides.
    pub(super) key: IpAddr,
    /// Decides between hosts that were given the same address.
    pub(super) mac: MacAddr,
    /// It competes with a worse interval than configured.
    pub(super) demoted: bool,
}

/// How addresses are ordered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    /// As numbers.
    Numeric,
    /// By the last octet first: the old ucarp compares network-order words on little-endian machines.
    OldUcarp,
}

/// Whether we keep the address.
pub(super) fn stays(me: Contender, peer: Contender, kind: PeerKind, order: Order) -> bool {
    match kind {
        PeerKind::Ours => {
            let before = me
                .demoted
                .cmp(&peer.demoted)
                .then_with(|| compare(me.key, peer.key, order))
                .then_with(|| me.mac.cmp(&peer.mac));
            before != Ordering::Greater
        }
        PeerKind::OldUcarp => !me.demoted && compare(me.key, peer.key, Order::OldUcarp) != Ordering::Greater,
        PeerKind::Kernel => !me.demoted,
    }
}

fn compare(mine: IpAddr, theirs: IpAddr, order: Order) -> Ordering {
    match (mine, theirs, order) {
        (IpAddr::V4(mine), IpAddr::V4(theirs), Order::OldUcarp) => {
            u32::from_le_bytes(mine.octets()).cmp(&u32::from_le_bytes(theirs.octets()))
        }
        (IpAddr::V4(_) | IpAddr::V6(_), IpAddr::V4(_) | IpAddr::V6(_), Order::Numeric | Order::OldUcarp) => {
            mine.cmp(&theirs)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(key: &str, mac: u8) -> Contender {
        Contender { key: key.parse().unwrap(), mac: MacAddr([2, 0, 0, 0, 0, mac]), demoted: false }
    }

    #[test]
    fn exactly_one_of_our_kind_stays() {
        let hosts = [
            host("10.0.0.2", 1),
            host("10.0.0.10", 2),
            host("10.77.1.1", 3),
            host("10.77.0.5", 4),
            host("10.0.0.2", 5),
            Contender { demoted: true, ..host("10.0.0.1", 6) },
            Contender { demoted: true, ..host("10.0.0.3", 7) },
        ];
        for order in [Order::Numeric, Order::OldUcarp] {
            for (i, a) in hosts.iter().enumerate() {
                for (j, b) in hosts.iter().enumerate() {
                    let (a_stays, b_stays) =
                        (stays(*a, *b, PeerKind::Ours, order), stays(*b, *a, PeerKind::Ours, order));
                    assert!(i == j || a_stays != b_stays, "{a:?} {b:?} {order:?}");
                }
            }
        }
    }

    #[test]
    fn lower_address_stays_and_mac_settles_equal_ones() {
        assert!(stays(host("10.0.0.2", 9), host("10.0.0.10", 1), PeerKind::Ours, Order::Numeric));
        assert!(stays(host("10.0.0.2", 1), host("10.0.0.2", 9), PeerKind::Ours, Order::Numeric));
        assert!(stays(host("fe80::1", 9), host("fe80::2", 1), PeerKind::Ours, Order::Numeric));
    }

    // FACTS 10, row 2, seen on the wire: 10.77.1.1 made 10.77.0.5 yield, 9.77.0.6 did not.
    #[test]
    fn an_old_ucarp_compares_the_last_octet_first() {
        assert!(stays(host("10.77.1.1", 9), host("10.77.0.5", 1), PeerKind::OldUcarp, Order::Numeric));
        assert!(!stays(host("9.77.0.6", 1), host("10.77.0.5", 1), PeerKind::OldUcarp, Order::Numeric));
        assert!(stays(host("10.77.1.1", 9), host("10.77.0.5", 1), PeerKind::Ours, Order::OldUcarp));
        assert!(!stays(host("10.77.1.1", 9), host("10.77.0.5", 1), PeerKind::Ours, Order::Numeric));
    }

    #[test]
    fn kernels_step_down_so_we_stay_unless_demoted() {
        let (me, peer) = (host("10.0.0.9", 9), host("10.0.0.1", 1));
        assert!(stays(me, peer, PeerKind::Kernel, Order::Numeric));
        let me = Contender { demoted: true, ..me };
        assert!(!stays(me, peer, PeerKind::Kernel, Order::Numeric));
        assert!(!stays(me, host("10.0.0.10", 1), PeerKind::OldUcarp, Order::Numeric));
        assert!(!stays(me, host("10.0.0.10", 1), PeerKind::Ours, Order::Numeric));
    }
}
