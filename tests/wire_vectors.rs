//! Golden packets of every kernel and of ucarp: decode, authenticate, put together again; and the wrong ones.
//!
//! The bytes come from the kernels' own code (see `vectors/README.md`); nothing here knows how we compute them.
//! Where our verdict differs on purpose, the packet is named below with the row of the compatibility register.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU8;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use serde_json::Value;
use ucarp::protocol::{
    Announcing, Authenticator, Destination, Dialect, Event, Hooks, Interval, Key, Link, MacAddr, Parameters,
    Rejected, Replay, Sources, Time, VirtualHost, wire,
};

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors/packets.json")).unwrap()
}

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn byte(value: &Value) -> u8 {
    u8::try_from(value.as_u64().unwrap()).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn addresses(value: &Value) -> Vec<IpAddr> {
    value.as_array().unwrap().iter().map(|address| text(address).parse().unwrap()).collect()
}

fn mac(value: &Value) -> MacAddr {
    let bytes: Vec<_> = text(value).split(':').map(|part| u8::from_str_radix(part, 16).unwrap()).collect();
    MacAddr(bytes.try_into().unwrap())
}

fn cases(vectors: &Value) -> impl Iterator<Item = (&str, &Value)> {
    vectors["cases"].as_array().unwrap().iter().map(|case| (text(&case["id"]), case))
}

fn authenticator(case: &Value) -> Authenticator {
    let key = Key::from_password(&hex(&case["key"])).unwrap();
    Authenticator::new(&key, NonZeroU8::new(byte(&case["vhid"])).unwrap(), &addresses(&case["vips"]))
}

/// What a kernel sends otherwise than a neutral daemon, if anything. All but the first are understood.
fn dialect(case: &Value) -> Option<&'static str> {
    if !case["lladdr_in_hash"].is_null() {
        Some("OpenBSD hashes a link address set by hand")
    } else if case["hmac_variants"]["orig"].as_str().is_some_and(|orig| orig != text(&case["hmac"])) {
        Some("OpenBSD leaves link-local addresses out of what it sends")
    } else if case["checksum_pseudo_header"] == true {
        Some("newer NetBSD sums a pseudo-header over IPv6")
    } else {
        None
    }
}

#[test]
fn hmac_of_every_kernel() {
    let vectors = vectors();
    let mut others = BTreeMap::new();
    for (id, case) in cases(&vectors) {
        let counter = u64::from_str_radix(text(&case["counter"]), 16).unwrap();
        let code = authenticator(case).code(counter);
        match dialect(case) {
            None | Some("newer NetBSD sums a pseudo-header over IPv6") => {
                assert_eq!(code[..], hex(&case["hmac"]), "{id}");
            }
            Some(reason) => {
                assert_ne!(code[..], hex(&case["hmac"]), "{id}");
                if case["lladdr_in_hash"].is_null() {
                    assert_eq!(code[..], hex(&case["hmac_variants"]["orig"]), "{id}");
                    let openbsd = authenticator(case).speaking(Dialect::OpenBsd);
                    assert_eq!(openbsd.code(counter)[..], hex(&case["hmac"]), "{id}");
                }
                *others.entry(reason).or_insert(0) += 1;
            }
        }
    }
    let expected = [
        ("OpenBSD hashes a link address set by hand", 1),
        ("OpenBSD leaves link-local addresses out of what it sends", 4),
    ];
    assert_eq!(others, BTreeMap::from(expected));
}

#[test]
fn the_key_is_the_password() {
    let vectors = vectors();
    for (id, case) in cases(&vectors) {
        let password = text(&case["password"]).as_bytes();
        // The kernels' tools cut at 19 bytes, NetBSD's one character earlier; a key of 20 is set without a tool.
        let kept = match text(&case["password_tool"]) {
            "bsd" => password.len().min(19),
            "raw20" => password.len(),
            "netbsd_ifconfig" if password.len() >= 20 => 19,
            "netbsd_ifconfig" => password.len() - 1,
            tool => panic!("{id}: {tool}"),
        };
        let key = Key::from_password(&password[..kept]).unwrap();
        let vhid = NonZeroU8::new(byte(&case["vhid"])).unwrap();
        let by_password = Authenticator::new(&key, vhid, &addresses(&case["vips"]));
        assert_eq!(by_password.code(1), authenticator(case).code(1), "{id}");
    }
    assert!(Key::from_password(&[b'x'; 21]).is_err());
}

#[test]
fn every_good_packet_is_taken_apart_and_put_together_again() {
    let vectors = vectors();
    let (mut verified, mut whole_frames) = (0, 0);
    for (id, case) in cases(&vectors) {
        let frame = hex(&case["frame"]);
        let decoded = wire::decode(&frame).unwrap_or_else(|rejected| panic!("{id}: {}", rejected.code()));
        assert_eq!(decoded.mac, mac(&case["eth_src"]), "{id}");
        assert_eq!(decoded.source, text(&case["src_ip"]).parse::<IpAddr>().unwrap(), "{id}");
        assert_eq!(decoded.destination, text(&case["dst_ip"]).parse::<IpAddr>().unwrap(), "{id}");
        let header = decoded.header;
        assert_eq!(decoded.pseudo_header, case["checksum_pseudo_header"] == true, "{id}");
        assert_eq!((header.kind, header.authlen), (1, 7), "{id}");
        assert_eq!(header.vhid, byte(&case["vhid"]), "{id}");
        assert_eq!(
            (header.advbase, header.advskew),
            (byte(&case["advbase"]), byte(&case["advskew"])),
            "{id}"
        );
        assert_eq!(header.demotion, byte(&case["demote"]), "{id}");
        assert_eq!(header.counter, u64::from_str_radix(text(&case["counter"]), 16).unwrap(), "{id}");
        assert_eq!(header.code[..], hex(&case["hmac"]), "{id}");
        if !decoded.pseudo_header {
            assert_eq!(header.emit()[..], hex(&case["carp_header"]), "{id}");
        }

        let packet_id = u16::from_be_bytes([frame[18], frame[19]]);
        let again = wire::encode(&decoded, mac(&case["eth_dst"]), packet_id);
        assert_eq!(again[..14], frame[..14], "{id}: Ethernet");
        assert_eq!(again[again.len() - 36..], frame[frame.len() - 36..], "{id}: CARP");
        assert_eq!(wire::decode(&again), Ok(decoded), "{id}");
        // TOS 0x10 is OpenBSD's, NetBSD's and ucarp's, and ours; FreeBSD has 0xe0 there.
        if again == frame {
            whole_frames += 1;
        } else {
            assert_eq!(text(&case["kernel"]), "freebsd", "{id}: {again:02x?}");
        }

        let verdict = authenticator(case).verify(&decoded);
        if case["lladdr_in_hash"].is_null() {
            let ad = verdict.unwrap_or_else(|rejected| panic!("{id}: {}", rejected.code()));
            assert_eq!(ad.interval(), Interval::new(header.advbase, header.advskew), "{id}");
            verified += 1;
        } else {
            assert_eq!(verdict, Err(Rejected::BadAuth), "{id}");
        }
    }
    assert_eq!((verified, whole_frames), (101, 75));
}

/// A host as `receiver` describes it, listening.
fn receiver(receiver: &Value) -> VirtualHost {
    let parameters = Parameters {
        vhid: NonZeroU8::new(byte(&receiver["vhid"])).unwrap(),
        addresses: addresses(&receiver["vips"]),
        key: Key::from_password(text(&receiver["password"]).as_bytes()).unwrap(),
        interval: Interval::new(1, 0),
        dead_ratio: 3,
        preempt: false,
        start_hold: Duration::ZERO,
        preempt_delay: Duration::ZERO,
        neutral: false,
        sources: Sources { v4: Some([10, 0, 0, 99].into()), v6: Some("fe80::99".parse().unwrap()) },
        mac: MacAddr([2, 0, 0, 0, 0, 0x99]),
        destination: Destination::default(),
        hooks: Hooks::default(),
        announcing: Announcing::default(),
        dialect: Dialect::default(),
        replay: Replay::default(),
        only_ours: false,
        also_accepted: Vec::new(),
        settle: Parameters::SETTLE,
    };
    let mut host = VirtualHost::new(parameters);
    host.handle(Event::Start, Time::ZERO);
    host.handle(Event::Link(Link::Up), Time::ZERO);
    host
}

fn in_ethernet(packet: &[u8], family: &Value) -> Vec<u8> {
    let (to, kind) = if family == 4 {
        ([0x01, 0x00, 0x5e, 0x00, 0x00, 0x12], [0x08, 0x00])
    } else {
        ([0x33, 0x33, 0x00, 0x00, 0x00, 0x12], [0x86, 0xdd])
    };
    [&to[..], &[0x00, 0x00, 0x5e, 0x00, 0x01, 0x07], &kind, packet].concat()
}

/// Where we differ from a neutral daemon on purpose, and why.
const DEVIATIONS: [(&str, &str, &str); 10] = [
    ("type_0", "odd", "row 9: no kernel looks at the type"),
    ("type_2", "odd", "row 9: no kernel looks at the type"),
    ("type_15", "odd", "row 9: no kernel looks at the type"),
    ("authlen_0", "odd", "row 9: no kernel looks at authlen"),
    ("authlen_6", "odd", "row 9: no kernel looks at authlen"),
    ("authlen_8", "odd", "row 9: no kernel looks at authlen"),
    (
        "replay_of_own_counter",
        "accepted",
        "row 7: our echo is known by our own counters, which nobody else makes",
    ),
    (
        "v6_checksum_with_pseudo_header",
        "accepted",
        "row 10: newer NetBSD kernels send it, and the HMAC decides",
    ),
    (
        "v4_nov6ll_variant",
        "accepted",
        "row 10: OpenBSD leaves link-local addresses out of what it sends, and takes both forms",
    ),
    ("unicast_to_multicast_group_member", "bad_destination", "row 9: only the configured group"),
];

#[test]
fn every_wrong_packet_has_its_verdict() {
    let vectors = vectors();
    let mut seen = BTreeMap::new();
    for packet in vectors["negative"].as_array().unwrap() {
        let name = text(&packet["name"]);
        let mut host = receiver(&packet["receiver"]);
        let before = host.snapshot(Time::ZERO);
        let frame = in_ethernet(&hex(&packet["ip_packet"]), &packet["family"]);
        let verdict = host.receive(&frame, Time::ZERO);
        let after = host.snapshot(Time::ZERO);
        let verdict = match verdict {
            Ok(_) if after.counters.odd > 0 => "odd",
            Ok(_) => "accepted",
            Err(rejected) => {
                assert_eq!(after.counters.rejections.of(rejected), 1, "{name}");
                assert_eq!((after.role, after.master_down), (before.role, before.master_down), "{name}");
                assert_eq!(after.followed, before.followed, "{name}");
                rejected.code()
            }
        };
        let neutral = match text(&packet["expected"]) {
            "Accepted" => "accepted",
            "BadAuth" => "bad_auth",
            "BadChecksum" => "bad_checksum",
            "BadIpHeader" => "bad_ip_header",
            "BadTtl" => "bad_ttl",
            "BadVersion" => "bad_version",
            "Fragment" => "fragment",
            "TooShort" => "too_short",
            "TruncatedIp" => "truncated_ip",
            "UnknownVhid" => "unknown_vhid",
            "BadType" | "BadAuthLen" | "Replay" => "listed below",
            other => panic!("{name}: {other}"),
        };
        let deviation = DEVIATIONS.iter().find(|deviation| deviation.0 == name);
        assert_eq!(verdict, deviation.map_or(neutral, |deviation| deviation.1), "{name}");
        if deviation.is_some() {
            assert_ne!(verdict, neutral, "{name} is no deviation");
        }
        seen.insert(name, verdict);
    }
    assert_eq!(seen.len(), 53);
    assert!(DEVIATIONS.iter().all(|deviation| seen.contains_key(deviation.0)));
}

#[test]
fn a_flipped_bit_anywhere_is_noticed_or_harmless() {
    let vectors = vectors();
    let good =
        vectors["negative"].as_array().unwrap().iter().find(|p| p["name"] == "control_good_v4").unwrap();
    let packet = hex(&good["ip_packet"]);
    for at in 0..packet.len() {
        for bit in 0..8 {
            let mut flipped = packet.clone();
            flipped[at] ^= 1 << bit;
            let mut host = receiver(&good["receiver"]);
            // One sum covers the whole IP header, the other all of CARP: a single bit cannot pass both.
            let verdict = host.receive(&in_ethernet(&flipped, &good["family"]), Time::ZERO);
            assert!(verdict.is_err(), "bit {bit} of byte {at}");
        }
    }
}

/// How many advertisements one thread takes from the wire to the verdict in a second of its processor, of several hosts
/// and none like another (four a second can come so of a host), or as they come at such a rate: of some rounds the middle one. Never an assertion: machines differ.
#[test]
#[ignore = "a measurement, made by ci/bench in a release build"]
fn cost_of_a_verdict() {
    const ADS: u32 = 40_000;
    const SENDERS: u32 = 4;
    const ROUNDS: usize = 25;
    const QUARTER: Duration = Duration::from_millis(250);
    let (key, vhid) = (Key::from_password(b"secret").unwrap(), NonZeroU8::new(7).unwrap());
    let shared = [IpAddr::from([10, 0, 0, 10])];
    let authenticator = Authenticator::new(&key, vhid, &shared);
    let frame = |n: u32, counter: &dyn Fn(IpAddr, Interval) -> u64, spoilt: u8| {
        let [.., sender] = (n % SENDERS).to_be_bytes();
        let (source, interval) = (IpAddr::from([10, 0, 0, 1 + sender]), Interval::new(1, 10 * sender));
        let counter = counter(source, interval);
        let mut code = authenticator.code(counter);
        code[0] ^= spoilt;
        let header = wire::carp::Header {
            kind: wire::carp::ADVERTISEMENT,
            vhid: 7,
            advskew: interval.skew,
            authlen: wire::carp::AUTHLEN,
            demotion: 0,
            advbase: interval.base,
            counter,
            code,
        };
        let decoded = wire::Decoded {
            mac: MacAddr([2, 0, 0, 0, 0, sender]),
            source,
            destination: [224, 0, 0, 18].into(),
            header,
            pseudo_header: false,
            tail: Default::default(),
        };
        wire::encode(&decoded, MacAddr([1, 0, 0x5e, 0, 0, 0x12]), 1)
    };
    // A T of its own for each, a quarter of a second after the last.
    let marked = |n: u32, t: u32| {
        let counter = |source, interval| authenticator.marked(t, source, interval, 0);
        frame(n, &counter, 0)
    };
    let kernels = |n: u32, spoilt| frame(n, &|_, _| 0x5eed_0000_0000_0000 + u64::from(n), spoilt);
    let receiver = serde_json::json!({ "vhid": 7, "vips": ["10.0.0.10"], "password": "secret" });
    let kinds: [(&str, Vec<Vec<u8>>); 4] = [
        ("ours", (0..ADS).map(|n| marked(n, 1 + n)).collect()),
        ("again", (0..ADS).map(|n| marked(n, 1)).collect()),
        ("kernel", (0..ADS).map(|n| kernels(n, 0)).collect()),
        ("wrong", (0..ADS).map(|n| kernels(n, 1)).collect()),
    ];
    let cpu = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap());
    let tell = |what, mut rounds: [Duration; ROUNDS]| {
        rounds.sort_unstable();
        println!("{what}: {:.0} in a CPU second", f64::from(ADS) / rounds[ROUNDS / 2].as_secs_f64());
    };
    // The marks alone, without what is made of them.
    let verified = |frame: &Vec<u8>| {
        let ad = authenticator.verify(&wire::decode(std::hint::black_box(frame)).unwrap());
        ad.is_ok_and(|ad| authenticator.is_unaltered(&ad))
    };
    for (what, frames) in [("marks", &kinds[0].1), ("shared", &kinds[1].1)] {
        tell(
            what,
            [(); ROUNDS].map(|()| {
                let started = cpu();
                assert!(frames.iter().all(verified));
                cpu() - started
            }),
        );
    }
    for (what, frames) in &kinds {
        tell(
            what,
            [(); ROUNDS].map(|()| {
                let mut host = self::receiver(&receiver);
                host.handle(Event::Wall(QUARTER), Time::ZERO);
                let started = cpu();
                let mut heard = 0;
                for (frame, n) in frames.iter().zip(0..) {
                    let at = if *what == "again" { 0 } else { n };
                    heard += u32::from(
                        host.receive(std::hint::black_box(frame), Time::ZERO + QUARTER * at).is_ok(),
                    );
                }
                let took = cpu() - started;
                assert_eq!(heard, if *what == "wrong" { 0 } else { ADS }, "{what}");
                took
            }),
        );
    }
}
