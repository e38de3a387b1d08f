//! What a capture lets through: a text for libpcap that leaves the ids out, and the ids.
//!
//! A pure function of what the virtual hosts of one interface want. The core checks everything again, so a filter may
//! let more through than it must, never less: ids of hosts with other destinations are not told apart.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::table::Ids;
use crate::protocol::{Destination, Family, Vhid};
use crate::sorting::sort_by;

/// More addresses of a kind than these are not worth a comparison each for every frame, and BSD kernels take programs
/// of at most 512 instructions.
pub(super) const MOST_ADDRESSES: usize = 16;

// The language of filters is that of OpenBSD's libpcap: it does not know carp[n], takes > for >= and <= for <
// (gen_relation in gencode.c), so neither is used, and must not be made to calculate: there each operator takes one of
// 16 registers for as long as the process lives (gen_arth).

/// IPv4 with protocol 112, whole: of the bits before the fragment's offset, "more fragments" alone must not be set.
const WHOLE: &str = "ip proto 112 and ip[0] >= 0x45 and ip[0] < 0x50 \
                     and (ip[6:2] = 0 or ip[6:2] = 0x4000 or ip[6:2] = 0x8000 or ip[6:2] = 0xc000)";

/// CARP version 2, long enough. Behind IPv4 options, which nobody sends in numbers, the places vary; what is there is
/// left to the core.
const CARP_V4: &str = "ip[2:2] >= 56 and len >= 70 and (ip[0] >= 0x46 or (ip[20] >= 0x20 and ip[20] < 0x30))";

/// IPv6 with protocol 112, perhaps behind extension headers.
const CHAIN: &str = "(ip6[6] = 112 or ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 60)";

/// CARP version 2, long enough. Behind extension headers, which nobody sends in numbers, the places vary, so for these
/// frames only the chain's first link is looked at. Fragments are refused by the core anyway.
const CARP_V6: &str = "((ip6[6] = 112 and ip6[4:2] >= 36 and len >= 90 and ip6[40] >= 0x20 and ip6[40] < 0x30) \
                       or (ip6[6] < 112 and ip6[4:2] >= 44 and len >= 98 \
                       and (ip6[40] = 112 or ip6[40] = 0 or ip6[40] = 43 or ip6[40] = 60)))";

/// IPv4 and IPv6 with protocol 112, in IPv6 also behind any headers that may stand before it.
pub(super) const EVERYTHING: &str = "ip proto 112 or (ip6 and (ip6[6] = 112 or ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 44 \
                                     or ip6[6] = 60))";

/// No frame is so short.
const NOTHING: &str = "len < 14";

/// How far what is heard goes beyond what is wanted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Looks {
    /// No further.
    Ahead,
    /// To VRRP routers that use one of our ids: they share group and MAC with us, and the operator should know. Too dear
    /// to be left on, since it lets in what costs us a wake-up.
    Around,
    /// To them and to ARP.
    AtArp,
}

/// What one virtual host wants to hear.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish<'a> {
    pub(crate) vhid: Vhid,
    pub(crate) destination: &'a Destination,
    pub(crate) families: &'a [Family],
}

/// What the virtual hosts of one interface want to hear.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Filter {
    pub(super) text: String,
    /// The ids to let through in frames of this family whose place for the id is known.
    pub(super) v4: Ids,
    pub(super) v6: Ids,
    /// Of ARP only that is let through which somebody answers to whoever announced an address of its own, or asked as who
    /// has none yet.
    pub(super) answers_alone: bool,
}

impl Filter {
    /// The filter for CARP version 2, not forwarded, not fragmented, long enough, to one of our destinations, for one of
    /// our ids. Nothing about the Ethernet header, where kernels and switches differ. And where there are IPv4 addresses,
    /// for the ARP of somebody else who has one of them, which is rare, however many there are.
    ///
    /// `own`: the addresses of this host, where peers send to instead of the group.
    pub(crate) fn new(wishes: &[Wish<'_>], own: &[IpAddr], looks: Looks) -> Self {
        let in_family = |family| wishes.iter().filter(move |wish| wish.families.contains(&family));
        let ids = |family| in_family(family).map(|wish| wish.vhid).collect::<Ids>();
        let reached = |family| reached(in_family(family).map(|wish| wish.destination), family, own);

        let mut v4: Vec<String> =
            reached(Family::V4).map(|reached| format!("({reached} and {CARP_V4})")).into_iter().collect();
        let around = looks >= Looks::Around && !wishes.is_empty();
        if around {
            let groups = wishes.iter().map(|wish| IpAddr::V4(wish.destination.v4));
            v4.push(unforwarded_to(groups, Family::V4));
        }
        let v6 = reached(Family::V6).map(|reached| format!("({CHAIN} and {reached} and {CARP_V6})"));
        let mut terms = Vec::new();
        if !v4.is_empty() {
            terms.push(format!("({WHOLE} and ({}))", v4.join(" or ")));
        }
        terms.extend(v6);
        let answers = in_family(Family::V4).next().is_some();
        let all_arp = looks >= Looks::AtArp;
        if answers || all_arp {
            terms.push("arp".to_owned());
        }
        Self {
            text: if terms.is_empty() { NOTHING.to_owned() } else { terms.join(" or ") },
            v4: if around { wishes.iter().map(|wish| wish.vhid).collect() } else { ids(Family::V4) },
            v6: ids(Family::V6),
            answers_alone: !all_arp,
        }
    }
}

/// The term for a packet being sent as to one of these destinations, if there are any: in a family with peers to one of
/// our addresses, otherwise to the group.
fn reached<'a>(
    destinations: impl Iterator<Item = &'a Destination>,
    family: Family,
    own: &[IpAddr],
) -> Option<String> {
    let (unicast, groups): (Vec<_>, Vec<_>) =
        destinations.partition(|destination| destination.is_unicast(family));
    let mut terms = Vec::new();
    if !groups.is_empty() {
        terms.push(unforwarded_to(groups.iter().map(|destination| destination.group(family)), family));
    }
    if !unicast.is_empty() {
        let peers = unicast.iter().flat_map(|destination| destination.peers(family));
        let own = own.iter().copied().filter(|address| Family::of(*address) == family);
        terms.push(format!("({} and {})", of_peers(peers, family), to_us(own, family)));
    }
    (!terms.is_empty()).then(|| format!("({})", terms.join(" or ")))
}

const fn ip(family: Family) -> &'static str {
    match family {
        Family::V4 => "ip",
        Family::V6 => "ip6",
    }
}

const fn unforwarded(family: Family) -> &'static str {
    match family {
        Family::V4 => "ip[8] = 255",
        Family::V6 => "ip6[7] = 255",
    }
}

fn distinct(addresses: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut addresses: Vec<_> = addresses.collect();
    sort_by(&mut addresses, Ord::cmp);
    addresses.dedup();
    addresses
}

/// "`what` A or `what` B", unless there are too many.
fn any(what: &str, addresses: &[IpAddr]) -> Option<String> {
    let terms: Vec<_> = addresses.iter().map(|address| format!("{what} host {address}")).collect();
    (terms.len() <= MOST_ADDRESSES).then(|| terms.join(" or "))
}

/// The term for a packet that comes from the network itself, to one of these groups.
fn unforwarded_to(groups: impl Iterator<Item = IpAddr>, family: Family) -> String {
    let unforwarded = unforwarded(family);
    match any(&format!("{} dst", ip(family)), &distinct(groups)) {
        Some(groups) => format!("({unforwarded} and ({groups}))"),
        None => unforwarded.to_owned(),
    }
}

/// The term for a packet that comes from the network itself, or is said to be of a peer: the core refuses those that were
/// forwarded, and the operator has to know, for the peer's system may have written that TTL.
fn of_peers(peers: impl Iterator<Item = IpAddr>, family: Family) -> String {
    match any(&format!("{} src", ip(family)), &distinct(peers)) {
        Some(peers) => format!("({} or {peers})", unforwarded(family)),
        None => format!("not {} multicast", ip(family)),
    }
}

/// The term for a packet being sent to one of our addresses.
fn to_us(own: impl Iterator<Item = IpAddr>, family: Family) -> String {
    let nobody = match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let own = distinct(own);
    let own = if own.is_empty() { vec![nobody] } else { own };
    match any(&format!("{} dst", ip(family)), &own) {
        Some(own) => format!("({own})"),
        None => format!("not {} multicast", ip(family)),
    }
}
