use std::time::Duration;

use serde_json::Value;

use super::machine::Program;
use super::*;
use crate::platform::LinkSocket;

const BOTH: [Family; 2] = [Family::V4, Family::V6];

fn vhids(ids: &[u8]) -> Vec<Vhid> {
    ids.iter().map(|id| Vhid::new(*id).unwrap()).collect()
}

fn program(ids: &[u8], destination: &Destination, families: &[Family]) -> Program {
    Program::compile(&filter(&vhids(ids), destination, families, &[]))
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
    let ethertype = if packet.first().is_some_and(|byte| byte >> 4 == 6) { [0x86, 0xdd] } else { [8, 0] };
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
    let many: Vec<Vhid> = vhids(&(1..=255).filter(|id| id % 7 != 0 && id % 9 != 0).collect::<Vec<_>>());
    let ids = [vhids(&[7]), vhids(&[7, 8, 9, 40, 255]), many];
    let mut texts = vec![EVERYTHING.to_owned()];
    for ids in &ids {
        for destination in [&Destination::default(), &unicast] {
            for own in [&[][..], &ours, &[ours[0]; MOST_ADDRESSES + 1]] {
                texts.push(filter(ids, destination, &BOTH, own));
            }
            texts.push(clashes(ids, destination));
        }
    }
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
        Program::compile(&filter(&vhids(&[7]), destination, &BOTH, own)).filter(frame)
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
    let around = Program::compile(&clashes(&vhids(&[7]), &destination));
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
        assert_eq!(around.filter(&frame), ours, "{name}");
        let id = vhids(&frame[35..36]);
        assert!(Program::compile(&clashes(&id, &destination)).filter(&frame), "{name}");
    }
}

#[test]
fn many_virtual_hosts_share_a_filter() {
    let mut frame = good_v4();
    let mut passes = |ours: &Program, vhid: u8| {
        frame[35] = vhid;
        ours.filter(&frame)
    };
    let some = program(&[1, 3, 4, 5, 200, 255, 3], &Destination::default(), &BOTH);
    for vhid in 0..=255 {
        assert_eq!(passes(&some, vhid), [1, 3, 4, 5, 200, 255].contains(&vhid), "{vhid}");
    }
    let all: Vec<u8> = (1..=255).collect();
    let all = program(&all, &Destination::default(), &BOTH);
    for vhid in 0..=255 {
        assert_eq!(passes(&all, vhid), vhid != 0);
    }
    let odd: Vec<u8> = (0..128).map(|half| half * 2 + 1).collect();
    let odd = program(&odd, &Destination::default(), &BOTH);
    assert!(passes(&odd, 1) && passes(&odd, 255));
    let most: Vec<u8> = (0..32).map(|half| half * 2 + 1).collect();
    let most = program(&most, &Destination::default(), &BOTH);
    assert!(passes(&most, 63) && !passes(&most, 64));
}

/// Were the offsets not folded into the instructions, the kernel would let nothing through; and a tag is worth a look
/// only where there is one, see [`platform::UNTAGGED_ONLY`].
#[test]
fn the_tag_is_loaded_from_where_the_kernel_keeps_it() {
    let Some(_) = platform::UNTAGGED_ONLY else { return };
    for ids in [&[7][..], &[1, 3, 5]] {
        for families in [&BOTH[..1], &BOTH[1..], &BOTH[..]] {
            let text = filter(&vhids(ids), &Destination::default(), families, &[]);
            let program = Program::compile(&untagged_only(&text));
            let instructions = program.instructions();
            // BPF_LD | BPF_B | BPF_ABS at SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT and + SKF_AD_VLAN_TAG.
            let load = |offset: u32| {
                let place = u32::MAX - 4096 + 1 + offset;
                instructions.iter().position(|one| *one == [48, 0, 0, place])
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
    assert!(Capture::open("no-such-if", "ip").is_err());
    assert!(Capture::watch("no-such-if").is_err());
}

/// Runs [`inside`] in a network namespace of its own, with a wire whose ends are called v0 and v1.
#[test]
fn on_a_wire() {
    let namespace = format!("ucarp-capture-{}", std::process::id());
    let inside = concat!(module_path!(), "::inside");
    let inside = inside.split_once("::").unwrap().1;
    let script = format!(
        "ip netns add {namespace} || exit 77
         trap 'ip netns del {namespace}' EXIT
         ip -n {namespace} link add v0 type veth peer name v1 || exit 77
         ip -n {namespace} link set v0 up && ip -n {namespace} link set v1 up || exit 77
         ip netns exec {namespace} \"$0\" --ignored --exact {inside} --nocapture"
    );
    #[expect(clippy::disallowed_methods, reason = "ip(8) makes the wire")]
    let done = std::process::Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .output()
        .unwrap();
    if done.status.code() == Some(77) {
        println!("skipped: no network namespace to be had (root, ip)");
        return;
    }
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    assert!(said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "needs the wire that on_a_wire makes"]
fn inside() {
    let text = filter(&vhids(&[7]), &Destination::default(), &BOTH, &[]);
    let mut capture = Capture::open("v0", &text).unwrap();
    let (here, there) = (LinkSocket::open("v0").unwrap(), LinkSocket::open("v1").unwrap());
    let mut ready = Vec::new();
    let mut heard = |capture: &mut Capture| {
        platform::wait(&[capture.as_fd()], &mut ready, Some(Duration::from_millis(50))).unwrap();
        let mut frames = Vec::new();
        let count = capture.drain(1000, |frame| frames.push(frame.to_vec())).unwrap();
        assert_eq!(count, frames.len());
        assert_eq!(ready, [!frames.is_empty()], "woken for nothing, or not at all");
        frames
    };
    let tagged = |tag: u16| {
        let mut frame = good_v4();
        frame.splice(12..12, [&[0x81, 0][..], &tag.to_be_bytes()].concat());
        frame
    };

    // The very first frame is judged by libpcap, the later ones by the kernel.
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
    for priority in [0, 0xe000] {
        there.send(&tagged(priority)).unwrap();
        assert_eq!(heard(&mut capture), [tagged(priority)], "a priority tag is no VLAN");
    }
    for vlan in [1, 0xe005, 0x0fff] {
        there.send(&tagged(vlan)).unwrap();
        assert!(heard(&mut capture).is_empty(), "VLAN {vlan:x}");
    }

    for _ in 0..300 {
        there.send(&good_v4()).unwrap();
    }
    assert_eq!(capture.drain(100, |_| ()).unwrap(), 100);
    assert_eq!(heard(&mut capture).len(), 200, "a burst fits");
}
