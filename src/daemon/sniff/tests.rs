use serde_json::Value;

use super::*;
use crate::protocol::wire::carp::{self, Header};
use crate::protocol::wire::{self, Decoded};
use crate::protocol::{Authenticator, Interval, Key, Vhid};

fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/packets.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn framed(packet: &[u8]) -> Vec<u8> {
    let ethertype = if packet.first().is_some_and(|byte| byte >> 4 == 6) { [0x86, 0xdd] } else { [8, 0] };
    [&[1, 0, 0x5e, 0, 0, 0x12, 2, 0, 0, 0, 0, 7][..], &ethertype, packet].concat()
}

fn config(vhid: &Value, key: Option<Key>, vips: &Value) -> SniffConfig {
    let vhid = u8::try_from(vhid.as_u64().unwrap()).unwrap();
    SniffConfig {
        watched: Watched::Interface("eth0".into()),
        json: true,
        vhid: Vhid::new(vhid),
        group: Destination::GROUP_V4,
        key,
        addresses: vips
            .as_array()
            .unwrap()
            .iter()
            .map(|vip| vip.as_str().unwrap().parse().unwrap())
            .collect(),
    }
}

fn shown(config: &SniffConfig, frame: &[u8]) -> Value {
    let mut watcher = Watcher::new(config, Own::default());
    let mut out = Vec::new();
    watcher.hear(Duration::from_micros(1_777_052_302_000_456), frame, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.matches('\n').count(), 1, "{text}");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn good_packets_of_every_kernel() {
    let vectors = vectors();
    let mut accepted = 0;
    for case in vectors["cases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        let key = Key::from_password(&bytes(&case["key"])).unwrap();
        let seen = shown(&config(&case["vhid"], Some(key), &case["vips"]), &bytes(&case["frame"]));
        for (ours, theirs) in [
            ("vhid", "vhid"),
            ("advbase", "advbase"),
            ("demotion", "demote"),
            ("counter", "counter"),
            ("family", "family"),
            ("src", "src_ip"),
            ("dst", "dst_ip"),
            ("src_mac", "eth_src"),
        ] {
            assert_eq!(seen[ours], case[theirs], "{id} {ours}");
        }
        assert_eq!(
            (&seen["version"], &seen["type"], &seen["protocol"]),
            (&2.into(), &1.into(), &"carp".into())
        );
        // The dialects that a neutral daemon may or may not follow are tried with the daemon's own decoding.
        let orig = &case["hmac_variants"]["orig"];
        let dialect = !case["lladdr_in_hash"].is_null()
            || orig.is_string() && *orig != case["hmac"]
            || case["checksum_pseudo_header"] == true;
        if !dialect {
            assert_eq!(seen["verdict"], "accepted", "{id}");
            assert_eq!(seen["authenticated"], true, "{id}");
            accepted += 1;
        }
    }
    assert!(accepted > 90, "{accepted}");
}

#[test]
fn bad_packets_by_their_codes() {
    let vectors = vectors();
    for case in vectors["negative"].as_array().unwrap() {
        let (name, receiver) = (case["name"].as_str().unwrap(), &case["receiver"]);
        let password = receiver["password"].as_str().unwrap();
        let key = Key::from_password(password.as_bytes()).unwrap();
        let frame = framed(&bytes(&case["ip_packet"]));
        let with_key = config(&receiver["vhid"], Some(key), &receiver["vips"]);
        let seen = shown(&with_key, &frame);
        let expected = match case["expected"].as_str().unwrap() {
            // No kernel minds the type or authlen; what this host sent itself is not known of a single packet.
            "Accepted" | "BadType" | "BadAuthLen" | "Replay" => "accepted",
            "BadAuth" => "bad_auth",
            "BadChecksum" => "bad_checksum",
            "BadIpHeader" => "bad_ip_header",
            "BadTtl" => "bad_ttl",
            "BadVersion" => "bad_version",
            "Fragment" => "fragment",
            "TooShort" => "too_short",
            "TruncatedIp" => "truncated_ip",
            "UnknownVhid" => "unknown_vhid",
            other => panic!("{name}: {other}"),
        };
        // Sums and hashes of dialects: whether they are accepted is the decoder's matter.
        if ["v6_checksum_with_pseudo_header", "v4_nov6ll_variant"].contains(&name) {
            continue;
        }
        assert_eq!(seen["verdict"], expected, "{name}");
        assert_eq!(seen["authenticated"], expected == "accepted", "{name}");
        let without = shown(&SniffConfig { key: None, ..with_key }, &frame);
        let expected = if expected == "bad_auth" { "accepted" } else { expected };
        assert_eq!(without["verdict"], expected, "{name}");
        assert!(without["authenticated"].is_null(), "{name}");
        assert_eq!(without["protocol"] == "vrrp", name.starts_with("vrrp"), "{name}");
    }
}

#[test]
fn what_is_missing_is_null() {
    let vectors = vectors();
    let case = &vectors["cases"][0];
    let frame = bytes(&case["frame"]);
    let anybody = SniffConfig { vhid: None, ..config(&case["vhid"], None, &case["vips"]) };
    let seen = shown(&anybody, &frame[..36]);
    assert_eq!((&seen["verdict"], &seen["vhid"]), (&"truncated_ip".into(), &case["vhid"]));
    for name in ["advbase", "advskew", "demotion", "counter", "authenticated", "priority"] {
        assert!(seen[name].is_null(), "{name}");
    }
    assert_eq!(seen["time"].to_string(), "1777052302.000456");
    let names: Vec<_> = seen.as_object().unwrap().keys().map(String::as_str).collect();
    let whole = shown(&anybody, &frame);
    assert_eq!(names, whole.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>());
    let mut silent = Vec::new();
    let mut watcher = Watcher::new(&anybody, Own::default());
    watcher.hear(Duration::ZERO, b"no frame at all", &mut silent).unwrap();
    assert!(silent.is_empty());
}

#[test]
fn our_own_packet_that_comes_back_is_an_echo() {
    let vectors = vectors();
    let case = &vectors["cases"][0];
    let frame = bytes(&case["frame"]);
    let own = Own { mac: None, addresses: vec![case["src_ip"].as_str().unwrap().parse().unwrap()] };
    for json in [true, false] {
        let config = SniffConfig { json, ..config(&case["vhid"], None, &case["vips"]) };
        let mut watcher = Watcher::new(&config, own.clone());
        let mut out = Vec::new();
        for millis in [0, 1, 2] {
            watcher.hear(Duration::from_millis(millis), &frame, &mut out).unwrap();
        }
        let text = String::from_utf8(out).unwrap();
        let (needle, count) = if json { ("own_echo", 2) } else { ("ECHO: what this host sent", 1) };
        assert_eq!(text.matches(needle).count(), count, "{text}");
    }
}

#[test]
fn vlans_and_missing_checksums_are_shown() {
    let vectors = vectors();
    let case = &vectors["cases"][0];
    assert_eq!(case["family"], 4);
    let anybody = SniffConfig { vhid: None, ..config(&case["vhid"], None, &case["vips"]) };
    let plain = bytes(&case["frame"]);
    assert_eq!(shown(&anybody, &plain)["vlans"], serde_json::json!([]));
    let mut tagged = plain.clone();
    tagged.splice(12..12, [0x88, 0xa8, 0, 7, 0x81, 0, 0, 20]);
    assert_eq!(shown(&anybody, &tagged)["vlans"], serde_json::json!([7, 20]));
    let lines = |frame: &[u8]| {
        let mut watcher = Watcher::new(&SniffConfig { json: false, ..anybody.clone() }, Own::default());
        let mut out = Vec::new();
        watcher.hear(Duration::ZERO, frame, &mut out).unwrap();
        watcher.table(Duration::ZERO, &mut out).unwrap();
        String::from_utf8(out).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let text = lines(&tagged);
    assert!(text.contains(", VLAN 7/20): new") && text.contains("not_ip, VLAN 7/20"), "{text}");
    // The IP header's, and CARP's behind its 20 bytes.
    for at in [14 + 10, 14 + 20 + 6] {
        let mut unsummed = plain.clone();
        let wrong = unsummed[at] ^ 1;
        unsummed[at..at + 2].fill(0);
        assert!(lines(&unsummed).contains("checksum is 0"), "{}", lines(&unsummed));
        unsummed[at] = wrong;
        assert!(!lines(&unsummed).contains("checksum is 0"));
    }
}

/// One of ours for id 7, which was sent from 10.0.0.1 with 1+0, as it is after `alter`.
fn ours(alter: impl FnOnce(&mut Decoded)) -> (SniffConfig, Vec<u8>) {
    let (key, vhid) = (Key::from_password(b"secret").unwrap(), Vhid::new(7).unwrap());
    let config = config(&7.into(), Some(key.clone()), &serde_json::json!(["10.0.0.9", "2001:db8::9"]));
    let source = IpAddr::from([10, 0, 0, 1]);
    let authenticator = Authenticator::new(&key, vhid, &config.addresses);
    let counter = authenticator.marked(4711, source, Interval::new(1, 0), 0);
    let header = Header {
        kind: carp::ADVERTISEMENT,
        vhid: 7,
        advskew: 0,
        authlen: carp::AUTHLEN,
        demotion: 0,
        advbase: 1,
        counter,
        code: authenticator.code(counter),
    };
    let (mac, destination) = (MacAddr([2, 0, 0, 0, 0, 1]), Destination::GROUP_V4.into());
    let mut sent =
        Decoded { mac, source, destination, header, pseudo_header: false, tail: Default::default() };
    alter(&mut sent);
    let frame = wire::encode(&sent, MacAddr::of_group(sent.destination), 1);
    (config, frame)
}

#[test]
fn what_was_altered_is_shown_as_altered() {
    type Alter = fn(&mut Decoded);
    let (config, genuine) = ours(|_| {});
    let seen = shown(&config, &genuine);
    assert_eq!((&seen["kind"], &seen["verdict"]), (&"ours".into(), &"accepted".into()));
    // The hardware address is not covered: hosts change theirs.
    assert_eq!(shown(&config, &ours(|sent| sent.mac.0[5] = 66).1)["verdict"], "accepted");
    let alterations: [Alter; 5] = [
        |sent| (sent.header.advbase, sent.header.advskew) = (0, 0),
        |sent| (sent.header.advbase, sent.header.advskew) = (255, 255),
        |sent| sent.header.demotion = 1,
        |sent| sent.source = IpAddr::from([10, 0, 0, 2]),
        |sent| {
            sent.source = "fe80::1".parse().unwrap();
            sent.destination = Destination::GROUP_V6.into();
        },
    ];
    for (number, alter) in alterations.into_iter().enumerate() {
        let seen = shown(&config, &ours(alter).1);
        assert_eq!((&seen["kind"], &seen["verdict"]), (&"ours".into(), &"tampered".into()), "{number}");
        assert_eq!(seen["authenticated"], false, "{number}");
    }
    // A kernel that adopts a counter and adds one is a kernel.
    let kernel = ours(|sent| {
        let addresses = ["10.0.0.9", "2001:db8::9"].map(|address| address.parse().unwrap());
        let key = Key::from_password(b"secret").unwrap();
        sent.header.counter += 1;
        sent.header.code =
            Authenticator::new(&key, Vhid::new(7).unwrap(), &addresses).code(sent.header.counter);
    });
    assert_eq!(shown(&config, &kernel.1)["verdict"], "accepted");
    assert_eq!(shown(&config, &kernel.1)["kind"], "other");
}

#[test]
fn an_altered_name_is_nobodys() {
    let (config, genuine) = ours(|_| {});
    let (_, forged) = ours(|sent| (sent.mac, sent.header.advbase) = (MacAddr([2, 0, 0, 0, 0, 66]), 0));
    let mut watcher = Watcher::new(&SniffConfig { json: false, ..config }, Own::default());
    let mut out = Vec::new();
    for (millis, frame) in [(0, &genuine), (300, &forged), (1000, &genuine)] {
        watcher.hear(Duration::from_millis(millis), frame, &mut out).unwrap();
    }
    watcher.table(Duration::from_secs(1), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("new: ours, every 1+0/256 s, accepted"), "{text}");
    assert!(text.contains("new: ours, every 0+0/256 s, tampered (altered on the way)"), "{text}");
    assert!(text.contains("Speakers: 2, packets: 3") && !text.contains("hardware address"), "{text}");
}
