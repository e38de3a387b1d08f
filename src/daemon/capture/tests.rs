use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use serde_json::Value;

use super::filter::MOST_ADDRESSES;
use super::machine::Program;
use super::*;
use crate::platform::LinkSocket;
use crate::protocol::{Destination, Family, Vhid};

const BOTH: [Family; 2] = [Family::V4, Family::V6];
/// Addresses.
const TOO_MANY: usize = MOST_ADDRESSES + 1;
const ALL_LOOKS: [Looks; 3] = [Looks::Ahead, Looks::Around, Looks::AtArp];

fn vhids(ids: &[u8]) -> Vec<Vhid> {
    ids.iter().map(|id| Vhid::new(*id).unwrap()).collect()
}

/// Several virtual hosts with the same wishes.
fn wishes<'a>(ids: &[u8], destination: &'a Destination, families: &'a [Family]) -> Vec<Wish<'a>> {
    vhids(ids).into_iter().map(|vhid| Wish { vhid, destination, families }).collect()
}

fn program(ids: &[u8], destination: &Destination, families: &[Family]) -> Program {
    Program::of(&Filter::new(&wishes(ids, destination, families), &[], Looks::Ahead))
}

/// So many addresses, with nothing in common that a filter could be made shorter by.
fn many(family: Family, count: usize) -> Vec<IpAddr> {
    let address = |n: u32| match family {
        Family::V4 => IpAddr::from(Ipv4Addr::from_bits(n.wrapping_mul(0x9e37_79b9))),
        Family::V6 => IpAddr::from(Ipv6Addr::from_bits(
            u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835),
        )),
    };
    (1..).take(count).map(address).collect()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/packets.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// In Ethernet, to the group's address, padded as a wire does.
fn framed(packet: &[u8]) -> Vec<u8> {
    framed_as(if packet.first().is_some_and(|byte| byte >> 4 == 6) { [0x86, 0xdd] } else { [8, 0] }, packet)
}

fn framed_as(ethertype: [u8; 2], packet: &[u8]) -> Vec<u8> {
    let mut frame = vec![1, 0, 0x5e, 0, 0, 0x12, 0, 0, 0x5e, 0, 1, 7];
    frame.extend(ethertype);
    frame.extend(packet);
    frame.resize(frame.len().max(60), 0);
    frame
}

/// A good IPv4 ad for vhid 7 to 224.0.0.18.
fn good_v4() -> Vec<u8> {
    let vectors = vectors();
    let negative = vectors["negative"].as_array().unwrap();
    let control = negative.iter().find(|case| case["name"] == "control_good_v4").unwrap();
    framed(&bytes(&control["ip_packet"]))
}

fn good_v6() -> Vec<u8> {
    let vectors = vectors();
    let negative = vectors["negative"].as_array().unwrap();
    let control = negative.iter().find(|case| case["name"] == "control_good_v6").unwrap();
    framed(&bytes(&control["ip_packet"]))
}

/// Which words OpenBSD's libpcap knows, which comparisons it gets right, and no arithmetic, see [`WHOLE`].
#[test]
fn filters_are_in_the_language_of_every_libpcap() {
    let ours = ["192.0.2.1", "2001:db8::1", "fe80::1"].map(|address| address.parse().unwrap());
    let unicast = Destination { peers: ours.to_vec(), ..Destination::default() };
    let mut texts = vec![EVERYTHING.to_owned()];
    for destination in [&Destination::default(), &unicast] {
        for own in [&[][..], &ours, &many(Family::V6, TOO_MANY)] {
            for looks in ALL_LOOKS {
                texts.push(Filter::new(&wishes(&[7], destination, &BOTH), own, looks).text);
            }
        }
    }
    texts.push(Filter::new(&[], &[], Looks::Ahead).text);
    for text in texts {
        let words = text.split(|letter: char| letter.is_whitespace() || "()[]".contains(letter));
        for word in words.filter(|word| !word.is_empty()) {
            let known = [
                "ip",
                "ip6",
                "proto",
                "src",
                "dst",
                "host",
                "multicast",
                "len",
                "arp",
                "and",
                "or",
                "not",
                "=",
                ">=",
                "<",
            ];
            let number = word.strip_prefix("0x").map_or_else(
                || word.split(':').all(|part| part.parse::<u32>().is_ok()),
                |digits| u32::from_str_radix(digits, 16).is_ok(),
            );
            assert!(known.contains(&word) || number || word.parse::<IpAddr>().is_ok(), "{word:?} in {text}");
        }
    }
}

#[test]
fn every_kernels_ads_pass_for_their_own_vhid_only() {
    let vectors = vectors();
    let cases = vectors["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 102);
    for case in cases {
        let vhid = u8::try_from(case["vhid"].as_u64().unwrap()).unwrap();
        let frame = bytes(&case["frame"]);
        let to_the_group = case["dst_ip"] == "224.0.0.18" || case["dst_ip"] == "ff02::12";
        let ours = program(&[vhid], &Destination::default(), &BOTH);
        assert_eq!(ours.filter(&frame), to_the_group, "{}", case["id"]);
        let other = vhid ^ 2;
        let others = program(&[if other == 0 { 3 } else { other }], &Destination::default(), &BOTH);
        assert!(!others.filter(&frame), "{}", case["id"]);
        let family = if case["family"] == 4 { Family::V4 } else { Family::V6 };
        let wrong_family = if case["family"] == 4 { Family::V6 } else { Family::V4 };
        let in_family = |family| program(&[vhid], &Destination::default(), &[family]).filter(&frame);
        assert_eq!((in_family(family), in_family(wrong_family)), (to_the_group, false), "{}", case["id"]);
    }
}

#[test]
fn of_the_bad_packets_exactly_those_that_need_arithmetic_pass() {
    let ours = program(&[7], &Destination::default(), &BOTH);
    let vectors = vectors();
    for case in vectors["negative"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let passes = match case["expected"].as_str().unwrap() {
            // To the peer's own address instead of the group's.
            "Accepted" => name != "unicast_to_multicast_group_member",
            // Only the core can tell.
            "BadAuth" | "BadAuthLen" | "BadChecksum" | "BadType" | "Replay" => true,
            "BadIpHeader" | "BadTtl" | "BadVersion" | "Fragment" | "TooShort" | "TruncatedIp"
            | "UnknownVhid" => false,
            other => panic!("{name}: {other}"),
        };
        assert_eq!(ours.filter(&framed(&bytes(&case["ip_packet"]))), passes, "{name}");
    }
}

#[test]
fn the_group_asked_for_counts() {
    let own = Destination { v4: Ipv4Addr::new(239, 1, 2, 3), ..Destination::default() };
    let mut frame = good_v4();
    assert!(!program(&[7], &own, &BOTH).filter(&frame));
    frame[30..34].copy_from_slice(&[239, 1, 2, 3]);
    assert!(program(&[7], &own, &BOTH).filter(&frame));
    assert!(!program(&[7], &Destination::default(), &BOTH).filter(&frame));
}

#[test]
fn with_peers_our_addresses_count_instead_of_the_group() {
    let peers = |list: &[&str]| Destination {
        peers: list.iter().map(|peer| peer.parse().unwrap()).collect(),
        ..Destination::default()
    };
    let own: Vec<IpAddr> = vec!["10.0.0.5".parse().unwrap(), "fe80::5".parse().unwrap()];
    let passes = |destination: &Destination, own: &[IpAddr], frame: &[u8]| {
        Program::of(&Filter::new(&wishes(&[7], destination, &BOTH), own, Looks::Ahead)).filter(frame)
    };
    let to = |address: [u8; 4]| {
        let mut frame = good_v4();
        frame[30..34].copy_from_slice(&address);
        frame
    };
    let (v4, v6) = (peers(&["10.0.0.6"]), peers(&["fe80::6"]));
    assert!(passes(&v4, &own, &to([10, 0, 0, 5])));
    assert!(!passes(&v4, &own, &to([10, 0, 0, 6])));
    assert!(!passes(&v4, &own, &to([224, 0, 0, 18])));
    assert!(!passes(&v4, &[], &to([10, 0, 0, 5])), "no address, nothing to hear");
    assert!(!passes(&v6, &own, &to([10, 0, 0, 5])), "the other family stays with its group");
    assert!(passes(&v6, &own, &to([224, 0, 0, 18])));
    // A peer's are heard of with whatever TTL its system writes, to be told of; a stranger's are not.
    let forwarded = |from: [u8; 4]| {
        let mut frame = to([10, 0, 0, 5]);
        frame[22] = 1;
        frame[26..30].copy_from_slice(&from);
        frame
    };
    assert!(passes(&v4, &own, &forwarded([10, 0, 0, 6])));
    assert!(!passes(&v4, &own, &forwarded([10, 0, 0, 7])));
    // Too many to name: whatever the interface lets through and is to one host.
    let many: Vec<IpAddr> = (1..=100).map(|n| IpAddr::from([10, 0, 0, n])).collect();
    assert!(passes(&v4, &many, &to([10, 0, 0, 5])));
    assert!(!passes(&v4, &many, &to([224, 0, 0, 18])));
}

#[test]
fn the_ethernet_addresses_do_not_count() {
    for broadcast in [false, true] {
        let ours = program(&[7], &Destination { broadcast, ..Destination::default() }, &BOTH);
        let mut frame = good_v4();
        frame[..12].fill(0xff);
        assert!(ours.filter(&frame));
    }
}

#[test]
fn one_wrong_thing_in_the_ip_header_is_enough() {
    let ours = program(&[7], &Destination::default(), &BOTH);
    let changed = |frame: &[u8], at: usize, to: u8| {
        let mut frame = frame.to_vec();
        frame[at] = to;
        ours.filter(&frame)
    };
    let v4 = good_v4();
    assert!(ours.filter(&v4));
    assert!(changed(&v4, 20, 0x00), "without DF");
    for (at, to, what) in [
        (12, 0x86, "ethertype"),
        (14, 0x44, "header length"),
        (17, 55, "total length"),
        (20, 0x20, "more fragments"),
        (21, 0x01, "fragment offset"),
        (22, 254, "TTL"),
        (23, 113, "protocol"),
        (33, 0x13, "group"),
        (34, 0x31, "VRRPv3"),
        (35, 8, "vhid"),
    ] {
        assert!(!changed(&v4, at, to), "{what}");
    }
    assert!(!ours.filter(&v4[..69]), "cut short");

    let v6 = good_v6();
    assert!(ours.filter(&v6));
    for (at, to, what) in [
        (13, 0xdc, "ethertype"),
        (19, 35, "payload length"),
        (20, 44, "fragment header"),
        (21, 254, "hop limit"),
        (53, 0x13, "group"),
        (54, 0x31, "VRRPv3"),
        (55, 8, "vhid"),
    ] {
        assert!(!changed(&v6, at, to), "{what}");
    }
    assert!(!ours.filter(&v6[..89]), "cut short");
}

#[test]
fn behind_options_the_core_decides() {
    let ours = program(&[7], &Destination::default(), &BOTH);
    let mut v4 = good_v4();
    v4.splice(34..34, [1; 4]);
    (v4[14], v4[17]) = (0x46, 60);
    assert!(ours.filter(&v4));
    for (version, passes) in [(0x4f, true), (0x50, false), (0x36, false)] {
        v4[14] = version;
        assert_eq!(ours.filter(&v4), passes, "{version:x}");
    }
}

/// `frame` with these headers, of eight bytes each, between the IPv6 header and what follows it.
fn behind(extensions: &[u8], frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    for kind in extensions.iter().rev() {
        // What came first so far; PadN fills the rest of an options header.
        let header = [frame[20], 0, 1, 4, 0, 0, 0, 0];
        frame[20] = *kind;
        frame[19] += 8;
        frame.splice(54..54, header);
    }
    frame
}

#[test]
fn an_ad_behind_extension_headers_passes_where_the_core_takes_it() {
    let ours = program(&[7], &Destination::default(), &BOTH);
    let v6 = good_v6();
    for extensions in [&[0][..], &[43], &[60], &[0, 43], &[60, 60], &[43, 0, 60], &[60; 7]] {
        let frame = behind(extensions, &v6);
        assert!(crate::protocol::wire::decode(&frame).is_ok(), "{extensions:?}");
        assert!(ours.filter(&frame), "{extensions:?}");
        let v4_alone = program(&[7], &Destination::default(), &[Family::V4]);
        assert!(!v4_alone.filter(&frame), "{extensions:?}");
    }
    let one = behind(&[0], &v6);
    for (at, to, what) in [
        (13, 0xdc, "ethertype"),
        (19, 43, "payload length"),
        (20, 44, "fragment header"),
        (20, 51, "authentication header"),
        (21, 1, "hop limit, as of the reports of who is in a group"),
        (53, 0x13, "group"),
        (54, 58, "ICMPv6 behind the extension header"),
        (54, 44, "fragment header behind another"),
    ] {
        let mut frame = one.clone();
        frame[at] = to;
        assert!(!ours.filter(&frame), "{what}");
    }
    assert!(!ours.filter(&one[..97]), "cut short");
}

// FACTS 11: VRRP shares protocol number, group and the place of the id.
#[test]
fn a_clash_is_let_in_only_while_looking_around() {
    let destination = Destination::default();
    let lasting = program(&[7], &destination, &[Family::V4]);
    let around =
        |ids: &[u8]| Program::of(&Filter::new(&wishes(ids, &destination, &BOTH[1..]), &[], Looks::Around));
    let vectors = vectors();
    let vrrp: Vec<_> = vectors["negative"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|case| case["name"].as_str().unwrap().starts_with("vrrpv"))
        .map(|case| (case["name"].as_str().unwrap(), framed(&bytes(&case["ip_packet"]))))
        .collect();
    assert_eq!(vrrp.len(), 4);
    for (name, frame) in vrrp {
        assert!(!lasting.filter(&frame), "{name}");
        let ours = frame.get(35) == Some(&7);
        assert_eq!(around(&[7]).filter(&frame), ours, "{name}");
        assert!(around(&frame[35..36]).filter(&frame), "{name}");
    }
}

/// Sets of ids of every kind: few, runs, and such of which no two are neighbours.
fn sets() -> Vec<Vec<u8>> {
    let mut sets: Vec<Vec<u8>> = [1, 7, 31, 32, 127, 128, 254, 255].map(|id| vec![id]).into();
    sets.push((1..=255).collect());
    sets.push((1..=255).step_by(2).collect());
    sets.push((2..=255).step_by(2).collect());
    sets.push((30..=100).collect());
    sets.push((1..=254).collect());
    sets.push((1..=255).filter(|id| id % 32 != 5).collect());
    sets.push(vec![1, 3, 4, 5, 200, 255]);
    let mut state = 0x9e37_79b9_u32;
    for round in 0..60 {
        let chosen = |_: &u8| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 24 < 4 + 4 * round
        };
        sets.push((1..=255).filter(chosen).collect());
    }
    sets
}

/// `frame` in as many instructions as `most` says, or fewer.
fn passes_in(most: usize, program: &Program, frame: &[u8]) -> bool {
    let (passes, executed) = program.run(frame);
    assert!(executed <= most, "{executed}: {frame:02x?}");
    assert_eq!(program.filter(frame), passes);
    passes
}

#[test]
fn many_virtual_hosts_share_a_filter() {
    // What libpcap's own part takes, the ways to the id, and at most ten for its table.
    const MOST: usize = 45;
    let destination = Destination::default();
    let (mut v4, mut v6) = (good_v4(), good_v6());
    let mut options = good_v4();
    options.splice(34..34, [1; 4]);
    (options[14], options[17]) = (0x46, 60);
    let extension = behind(&[0], &v6);
    let mut vrrp = good_v4();
    vrrp[34] = 0x31;
    let arp = framed_as([8, 6], &[0; 28]);
    for ids in sets() {
        for looks in ALL_LOOKS {
            let ours = Program::of(&Filter::new(&wishes(&ids, &destination, &BOTH), &[], looks));
            for id in 0..=255 {
                let is_ours = ids.contains(&id);
                (v4[35], v6[55], vrrp[35]) = (id, id, id);
                assert_eq!(passes_in(MOST, &ours, &v4), is_ours, "{id} of {ids:?}");
                assert_eq!(passes_in(MOST, &ours, &v6), is_ours, "{id} of {ids:?}");
                let clashes = is_ours && looks != Looks::Ahead;
                assert_eq!(passes_in(MOST, &ours, &vrrp), clashes, "{id} of {ids:?}");
            }
            assert!(ours.filter(&options) && ours.filter(&extension));
            assert_eq!(ours.filter(&arp), looks == Looks::AtArp);
        }
    }
    let nobody = Program::of(&Filter::new(&[], &[], Looks::Around));
    assert!(!nobody.filter(&v4) && !nobody.filter(&v6) && !nobody.filter(&options) && !nobody.filter(&arp));
}

/// Every frame of the machine is looked at: it must not matter to those of others how many virtual hosts there are.
#[test]
fn what_is_not_carp_costs_the_same_however_many_ids_there_are() {
    let destination = Destination::default();
    let with = |at: usize, protocol: u8, mut frame: Vec<u8>| {
        frame[at] = protocol;
        frame
    };
    let strangers = [
        (5, with(23, 6, good_v4())),
        (5, with(23, 1, good_v4())),
        (9, with(20, 6, good_v6())),
        (9, with(20, 58, good_v6())),
        (5, framed_as([0x88, 0xcc], &[0; 100])),
    ];
    for ids in sets() {
        for looks in ALL_LOOKS {
            let ours = Program::of(&Filter::new(&wishes(&ids, &destination, &BOTH), &[], looks));
            for (most, frame) in &strangers {
                passes_in(*most, &ours, frame);
            }
        }
    }
}

/// To one host, from who says that he has 10.0.0.10, to who asked for it with this address of his own.
fn arp_answer(asker: [u8; 4]) -> Vec<u8> {
    let about = [&[0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 9, 10, 0, 0, 10][..], &[2, 0, 0, 0, 0, 1], &asker];
    let mut frame = framed_as([8, 6], &about.concat());
    frame[..6].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
    frame
}

/// Of ARP those that answer who announced or looked for an address of its own, and no others.
fn is_arp_answer(frame: &[u8]) -> bool {
    frame.len() >= 42
        && frame[0] & 1 == 0
        && frame[12..22] == [8, 6, 0, 1, 8, 0, 6, 4, 0, 2]
        && (frame[38..42] == [0; 4] || frame[38..42] == frame[28..32])
}

#[test]
fn of_arp_only_the_answers_to_our_own_questions_pass() {
    const MOST: usize = 21;
    let destination = Destination::default();
    let with = |families, looks| Program::of(&Filter::new(&wishes(&[7], &destination, families), &[], looks));
    for looks in [Looks::Ahead, Looks::Around] {
        for families in [&BOTH[..], &BOTH[..1], &BOTH[1..]] {
            let ours = with(families, looks);
            let has_v4 = families.contains(&Family::V4);
            assert_eq!(ours.filter(&arp_answer([10, 0, 0, 10])), has_v4);
            assert_eq!(ours.filter(&arp_answer([0; 4])), has_v4);
            assert!(!ours.filter(&arp_answer([10, 0, 0, 1])), "what this host asks all the time");
        }
    }
    let ours = with(&BOTH, Looks::Ahead);
    let good = arp_answer([0; 4]);
    for (at, to) in
        [(0, 0xff), (0, 1), (13, 5), (15, 6), (16, 0x86), (18, 8), (19, 16), (21, 1), (21, 3), (41, 1)]
    {
        let mut frame = good.clone();
        frame[at] = to;
        assert!(!passes_in(MOST, &ours, &frame), "{at}");
    }
    (0..42).for_each(|length| assert!(!ours.filter(&good[..length]), "{length}"));
    assert!(ours.filter(&good[..42]));
    let all = with(&BOTH, Looks::AtArp);
    assert!(all.filter(&arp_answer([10, 0, 0, 1])) && all.filter(&good));
}

#[test]
fn of_any_arp_the_same_passes_for_the_same_price_however_many_ids_there_are() {
    const MOST: usize = 21;
    let destination = Destination::default();
    let mut state = 0x2545_f491_u32;
    let mut chance = |of: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % of
    };
    let mut frames = Vec::new();
    for _ in 0..3_000 {
        let mut frame = arp_answer([[10, 0, 0, 10], [0; 4]][chance(2) as usize]);
        for _ in 0..chance(3) {
            let at = chance(44) as usize;
            frame[at] = [0, 1, 2, 6, 8, 10, 0xff][chance(7) as usize];
        }
        frame.truncate([60, 60, 42, 41, 30, 14][chance(6) as usize]);
        frames.push(frame);
    }
    let passing = frames.iter().filter(|frame| is_arp_answer(frame)).count();
    assert!((500..2_500).contains(&passing), "{passing}");
    for ids in sets().into_iter().step_by(5) {
        let ours = Program::of(&Filter::new(&wishes(&ids, &destination, &BOTH), &[], Looks::Around));
        for frame in frames.iter().filter(|frame| frame.len() > 14 && frame[12..14] == [8, 6]) {
            assert_eq!(passes_in(MOST, &ours, frame), is_arp_answer(frame), "{frame:02x?}");
        }
    }
}

#[test]
fn hosts_with_different_wishes_share_a_filter() {
    let group = |last| Destination { v4: Ipv4Addr::new(239, 0, 0, last), ..Destination::default() };
    let peers = Destination { peers: vec!["10.0.0.6".parse().unwrap()], ..Destination::default() };
    let (usual, one, other) = (Destination::default(), group(1), group(2));
    let own = ["10.0.0.5".parse().unwrap()];
    let host = |id, destination, families| Wish { vhid: Vhid::new(id).unwrap(), destination, families };
    let all = [
        host(7, &usual, &BOTH),
        host(8, &one, &BOTH[..1]),
        host(9, &other, &BOTH[1..]),
        host(10, &peers, &BOTH),
    ];
    let ours = Program::of(&Filter::new(&all, &own, Looks::Ahead));
    let v4 = |id, to: [u8; 4]| {
        let mut frame = good_v4();
        frame[35] = id;
        frame[30..34].copy_from_slice(&to);
        ours.filter(&frame)
    };
    let v6 = |id| {
        let mut frame = good_v6();
        frame[55] = id;
        ours.filter(&frame)
    };
    assert!(v4(7, [224, 0, 0, 18]) && v4(8, [239, 0, 0, 1]) && v4(10, [10, 0, 0, 5]));
    assert!(!v4(9, [239, 0, 0, 2]), "it is to hear IPv6 alone");
    assert!(!v4(7, [239, 0, 0, 2]) && !v4(11, [239, 0, 0, 1]) && !v4(10, [10, 0, 0, 6]));
    assert_eq!([7, 8, 9, 10, 11].map(v6), [true, false, true, true, false]);
}

/// All that can be asked for at once is a program that every kernel takes.
#[test]
fn no_wishes_are_too_many() {
    let ids: Vec<u8> = (1..=255).step_by(2).collect();
    for count in 1..=TOO_MANY {
        let (v4, v6) = (many(Family::V4, count), many(Family::V6, count));
        let own = [many(Family::V4, count), many(Family::V6, count)].concat();
        let unicast = Destination { peers: [v4.clone(), v6.clone()].concat(), ..Destination::default() };
        let groups: Vec<_> = v4
            .iter()
            .zip(&v6)
            .filter_map(|pair| match pair {
                (IpAddr::V4(v4), IpAddr::V6(v6)) => {
                    Some(Destination { v4: *v4, v6: *v6, ..Destination::default() })
                }
                _ => None,
            })
            .collect();
        let mut all = wishes(&ids, &unicast, &BOTH);
        all.extend(groups.iter().flat_map(|group| wishes(&[7], group, &BOTH)));
        for looks in ALL_LOOKS {
            Program::of(&Filter::new(&all, &own, looks));
        }
    }
}

/// Were the offsets not folded into the instructions, the kernel would let nothing through; and a tag is worth a look
/// only where there is one, see [`platform::UNTAGGED_ONLY`].
#[test]
fn the_tag_is_loaded_from_where_the_kernel_keeps_it() {
    let Some(_) = platform::UNTAGGED_ONLY else { return };
    for ids in [&[7][..], &[1, 3, 5]] {
        for families in [&BOTH[..1], &BOTH[1..], &BOTH[..]] {
            let text = Filter::new(&wishes(ids, &Destination::default(), families), &[], Looks::Ahead).text;
            let program = Program::compile(&untagged_only(&text));
            let instructions = program.instructions();
            // BPF_LD | BPF_B | BPF_ABS at SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT and + SKF_AD_VLAN_TAG.
            let load = |offset: u32| {
                let place = u32::MAX - 4096 + 1 + offset;
                instructions.iter().position(|one| (one.code, one.operand) == (48, place))
            };
            let (present, tag) = (load(48), load(44));
            assert!(present.is_some() && present < tag, "{text}: {instructions:#?}");
        }
    }
}

#[test]
fn a_watch_lets_in_whatever_is_of_protocol_112() {
    let everything = Program::compile(EVERYTHING);
    let vectors = vectors();
    for case in vectors["negative"].as_array().unwrap() {
        let frame = framed(&bytes(&case["ip_packet"]));
        assert!(everything.filter(&frame), "{}", case["name"]);
    }
    for case in vectors["cases"].as_array().unwrap() {
        assert!(everything.filter(&bytes(&case["frame"])), "{}", case["id"]);
    }
    let mut other = good_v4();
    other[23] = 17;
    assert!(!everything.filter(&other));
    let mut other = good_v6();
    for (next, passes) in [(58, false), (6, false), (0, true), (44, true), (60, true)] {
        other[20] = next;
        assert_eq!(everything.filter(&other), passes, "{next}");
    }
}

#[test]
fn a_missing_interface_is_refused() {
    let destination = Destination::default();
    let filter = Filter::new(&wishes(&[7], &destination, &BOTH), &[], Looks::Ahead);
    assert!(Capture::open("no-such-if", &filter).is_err());
    assert!(Capture::watch("no-such-if").is_err());
}

#[test]
fn on_a_wire() {
    wire::run(concat!(module_path!(), "::inside"));
}

#[test]
#[ignore = "needs the wire that on_a_wire makes"]
fn inside() {
    let destination = Destination::default();
    let filter = |looks| Filter::new(&wishes(&[7], &destination, &BOTH), &[], looks);
    let mut capture = Capture::open("v0", &filter(Looks::Ahead)).unwrap();
    let (here, there) = (LinkSocket::open("v0").unwrap(), LinkSocket::open("v1").unwrap());
    let mut ready = Vec::new();
    let mut heard = |capture: &mut Capture| {
        platform::wait(&[capture.as_fd()], &mut ready, Some(Duration::from_millis(50))).unwrap();
        let mut frames = Vec::new();
        let count = capture.drain(1000, |frame| frames.push(frame.to_vec())).unwrap();
        assert_eq!(count, frames.len());
        assert_eq!(ready, [!frames.is_empty()], "woken for nothing, or not at all: {frames:02x?}");
        frames
    };
    let tagged = |tag: u16| {
        let mut frame = good_v4();
        frame.splice(12..12, [&[0x81, 0][..], &tag.to_be_bytes()].concat());
        frame
    };

    for frame in [good_v4(), good_v4(), good_v6()] {
        there.send(&frame).unwrap();
        assert_eq!(heard(&mut capture), [frame]);
    }
    here.send(&good_v4()).unwrap();
    assert!(heard(&mut capture).is_empty(), "what we send ourselves");
    let mut other = good_v4();
    other[35] = 8;
    there.send(&other).unwrap();
    assert!(heard(&mut capture).is_empty(), "another vhid");
    // Elsewhere a tag stays in the frame, where nothing of ours is found behind it.
    if platform::UNTAGGED_ONLY.is_some() {
        for priority in [0, 0xe000] {
            there.send(&tagged(priority)).unwrap();
            assert_eq!(heard(&mut capture), [tagged(priority)], "a priority tag is no VLAN");
        }
        for vlan in [1, 0xe005, 0x0fff] {
            there.send(&tagged(vlan)).unwrap();
            assert!(heard(&mut capture).is_empty(), "VLAN {vlan:x}");
        }
    }

    for _ in 0..300 {
        there.send(&good_v4()).unwrap();
    }
    assert_eq!(capture.drain(100, |_| ()).unwrap(), 100);
    // They may have been read already, in which case nothing announces them.
    assert_eq!(capture.drain(1000, |_| ()).unwrap(), 200, "a burst fits");

    let ids: Vec<u8> = (1..=255).step_by(2).collect();
    there.send(&good_v4()).unwrap();
    let many = Filter::new(&wishes(&ids, &destination, &BOTH), &[], Looks::AtArp);
    capture.set_filter(&many).unwrap();
    assert_eq!(heard(&mut capture), [good_v4()], "what came before another filter stays");
    for (at, good) in [(35, good_v4()), (55, good_v6())] {
        for id in 0..=255 {
            let mut frame = good.clone();
            frame[at] = id;
            there.send(&frame).unwrap();
        }
        assert_eq!(heard(&mut capture).iter().map(|frame| frame[at]).collect::<Vec<_>>(), ids);
    }
    for id in (0..=255).step_by(2) {
        let mut frame = good_v4();
        frame[35] = id;
        there.send(&frame).unwrap();
    }
    assert!(heard(&mut capture).is_empty(), "the ids of others");
    let arp = framed_as([8, 6], &[0; 46]);
    for looks in [Looks::Around, Looks::AtArp] {
        capture.set_filter(&filter(looks)).unwrap();
        there.send(&arp).unwrap();
        assert_eq!(heard(&mut capture).len(), usize::from(looks == Looks::AtArp));
        let mut answer = arp_answer([0; 4]);
        answer[..6].copy_from_slice(&platform::hardware_address("v0").unwrap());
        there.send(&answer).unwrap();
        assert_eq!(heard(&mut capture), [answer]);
    }
    let mut noise = good_v4();
    noise[23] = 17;
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Relaxed) {
                let _ = there.send(&noise);
            }
        });
        for _ in 0..20 {
            let mut capture = Capture::open("v0", &filter(Looks::Around)).unwrap();
            assert!(heard(&mut capture).is_empty(), "what came before there was a filter");
        }
        over.store(true, Relaxed);
    });
}

/// The loopback interface of Linux carries Ethernet headers, and what is sent there comes back.
#[cfg(not(bsd))]
#[test]
fn whoever_gave_up_his_rights_opens_a_capture_all_the_same() {
    if platform::user_and_group().0 != 0 {
        return;
    }
    // From a file, which is not to be read later.
    let ad = good_v4();
    platform::in_child(|| {
        drop(platform::surrender(platform::User::unused().as_ref()));
        let guarded = platform::confine(&platform::Needs::default());
        assert!(guarded.not_by.is_empty(), "{guarded:?}");
        for _ in 0..2 {
            let mut capture = Capture::watch("lo").unwrap();
            LinkSocket::open("lo").unwrap().send(&ad).unwrap();
            let (mut heard, mut ready) = (0_usize, Vec::new());
            for _ in 0..100 {
                platform::wait(&[capture.as_fd()], &mut ready, Some(Duration::from_millis(20))).unwrap();
                // Other tests send there too.
                capture.drain(9, |frame| heard += usize::from(frame == ad)).unwrap();
                if heard > 0 {
                    break;
                }
            }
            assert!(heard > 0);
            assert_eq!(capture.lost().unwrap(), 0);
        }
    });
}
