//! In what order questions are asked of a frame, who is answered, and how.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::*;
use crate::protocol::wire::Decoded;
use crate::protocol::{
    Announcing, Authenticator, Destination, Event, Hooks, Key, Link, Parameters, Sources, Transmission, Vhid,
};

const NOON: u64 = 1_800_000_000;
const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 5]);

fn ms(ms: u64) -> Time {
    Time::from_micros(ms * 1000)
}

fn parameters() -> Parameters {
    Parameters {
        vhid: Vhid::MIN,
        addresses: vec!["10.0.0.100".parse().unwrap()],
        key: Key::from_password(b"secret").unwrap(),
        interval: Interval::new(1, 100),
        dead_ratio: 3,
        preempt: false,
        start_hold: Duration::ZERO,
        preempt_delay: Duration::ZERO,
        neutral: true,
        sources: Sources { v4: Some(Ipv4Addr::new(10, 0, 0, 5)), v6: None },
        mac: MAC,
        destination: Destination::default(),
        hooks: Hooks::default(),
        announcing: Announcing::default(),
        dialect: Dialect::Any,
        replay: Replay::Warn,
        only_ours: false,
        also_accepted: Vec::new(),
        settle: Parameters::SETTLE,
    }
}

/// A backup since moment 0, which was noon.
fn backup(parameters: Parameters) -> VirtualHost {
    let mut host = VirtualHost::new(parameters);
    host.handle(Event::Wall(Duration::from_secs(NOON)), ms(0));
    host.handle(Event::Start, ms(0));
    host.handle(Event::Link(Link::Up), ms(0));
    host
}

/// A master, and the moment since when.
fn master(parameters: Parameters) -> (VirtualHost, Time) {
    let mut host = backup(parameters);
    let now = host.next_deadline().unwrap();
    host.handle(Event::Tick, now);
    assert_eq!(host.role(), Role::Master);
    (host, now)
}

/// What 10.0.0.`last` of our kind sends at so many milliseconds after noon.
struct Sent {
    last: u8,
    ms: i64,
    interval: Interval,
    mac: MacAddr,
    gives_way: bool,
}

const AD: Sent = Sent {
    last: 7,
    ms: 0,
    interval: Interval::new(1, 0),
    mac: MacAddr([2, 0, 0, 0, 0, 7]),
    gives_way: false,
};

impl Sent {
    fn decoded(&self) -> Decoded {
        let parameters = parameters();
        let auth = Authenticator::new(&parameters.key, parameters.vhid, &parameters.addresses);
        let source = IpAddr::from([10, 0, 0, self.last]);
        let quarters = (NOON * 4).wrapping_add_signed(self.ms / 250) & ((1 << 30) - 1);
        let low = u32::try_from(quarters).unwrap() | u32::from(self.gives_way) << 31;
        let counter = auth.marked(low, source, self.interval, 0);
        let header = carp::Header {
            kind: carp::ADVERTISEMENT,
            vhid: 1,
            advskew: self.interval.skew,
            authlen: carp::AUTHLEN,
            demotion: 0,
            advbase: self.interval.base,
            counter,
            code: auth.code(counter),
        };
        let destination = IpAddr::V4(Destination::GROUP_V4);
        Decoded { mac: self.mac, source, destination, header, pseudo_header: false, tail: Default::default() }
    }

    fn frame(&self) -> Vec<u8> {
        encode(&self.decoded())
    }
}

fn encode(decoded: &Decoded) -> Vec<u8> {
    wire::encode(decoded, MacAddr::of_group(decoded.destination), 1)
}

/// What is sent to one host alone when the tick comes that is due now, but for what a standby tells its master.
fn answers(host: &mut VirtualHost, now: Time) -> Vec<(MacAddr, bool)> {
    if host.next_deadline().is_none_or(|next| next > now) {
        return Vec::new();
    }
    let actions = host.handle(Event::Tick, now);
    let to_one = actions.iter().filter_map(|action| match action {
        Action::Transmit(frame) if frame.what == Transmission::Advert && frame.bytes[0] & 1 == 0 => {
            let to = MacAddr(frame.bytes[..6].try_into().unwrap());
            let decoded = wire::decode(&frame.bytes).unwrap();
            decoded.tail.bytes().is_empty().then_some((to, decoded.header.counter & 1 << 31 != 0))
        }
        _ => None,
    });
    to_one.collect()
}

fn told(actions: &[Action]) -> Vec<&'static str> {
    let notices = actions.iter().filter_map(|action| match action {
        Action::Tell(notice) => Some(notice.id()),
        _ => None,
    });
    notices.collect()
}

#[test]
fn what_is_altered_is_refused_and_of_no_name() {
    let mut host = backup(parameters());
    let genuine = AD.decoded();
    for n in 0..20 {
        let mut altered = genuine;
        (altered.source, altered.header.advbase, altered.header.advskew) = ([10, 0, 1, n].into(), 0, 0);
        assert_eq!(host.receive(&encode(&altered), ms(10)), Err(Rejected::Tampered), "{n}");
    }
    assert_eq!(
        (host.snapshot(ms(10)).followed, host.next_deadline()),
        (None, Some(Time::from_micros(3_390_625)))
    );
    // After so many the genuine one would be late; it never is.
    assert_eq!(host.receive(&AD.frame(), ms(10)), Err(Rejected::Tampered));
    assert!(host.receive(&Sent { ms: 250, ..AD }.frame(), ms(260)).is_ok());
    let altered = Decoded { header: carp::Header { demotion: 1, ..genuine.header }, ..genuine };
    assert_eq!(host.receive(&encode(&altered), ms(261)), Err(Rejected::Stale), "age comes first");
}

#[test]
fn our_own_is_an_echo_whatever_its_age() {
    let (mut host, now) = master(parameters());
    for sent in [0, 3_000, -86_400_000, 86_400_000] {
        let own = Sent { last: 5, ms: sent, mac: MAC, ..AD };
        assert_eq!(host.receive(&own.frame(), now), Err(Rejected::OwnEcho), "{sent}");
        // Altered or not.
        let mut altered = own.decoded();
        altered.header.advskew = 0;
        altered.header.advbase = 0;
        assert_eq!(host.receive(&encode(&altered), now), Err(Rejected::OwnEcho), "{sent}");
    }
    let elsewhere = Sent { last: 5, ms: 0, ..AD };
    assert_eq!(host.receive(&elsewhere.frame(), now), Err(Rejected::Stale));
    assert_eq!(host.role(), Role::Master);
    let newer = Sent { ms: 3_750, ..elsewhere };
    let actions = host.receive(&newer.frame(), now).unwrap();
    assert!(told(&actions).contains(&"UC1004"), "somebody else has our address");
}

#[test]
fn who_is_refused_for_its_age_is_told_the_time() {
    let mut host = backup(parameters());
    assert!(host.receive(&AD.frame(), ms(0)).is_ok());
    let old = Sent { ms: -1_000, ..AD };
    assert_eq!(host.receive(&old.frame(), ms(10)), Err(Rejected::Stale));
    assert_eq!(answers(&mut host, ms(10)), [(AD.mac, true)], "a backup looks like no master");
    assert_eq!(host.receive(&old.frame(), ms(1_009)), Err(Rejected::Stale));
    assert_eq!(answers(&mut host, ms(1_009)), []);
    assert_eq!(host.receive(&old.frame(), ms(1_010)), Err(Rejected::Stale));
    assert_eq!(answers(&mut host, ms(1_010)).len(), 1);
    // Two that come together are both answered.
    assert!(host.receive(&Sent { last: 8, ..AD }.frame(), ms(1_100)).is_ok());
    for last in [7, 8] {
        let mac = MacAddr([2, 0, 0, 0, 0, last]);
        let frame = Sent { last, mac, ms: -2_000, ..AD }.frame();
        assert_eq!(host.receive(&frame, ms(2_500)), Err(Rejected::Stale));
    }
    assert_eq!(answers(&mut host, ms(2_500)).len(), 2);
    // Neither what was altered, nor who leaves, nor an address of several.
    let mut altered = old.decoded();
    altered.header.advskew = 9;
    assert_eq!(host.receive(&encode(&altered), ms(4_000)), Err(Rejected::Stale));
    let shared = [[1, 0, 0x5e, 0, 0, 0x12], [0xff; 6], [0, 0, 0x5e, 0, 1, 1], [0, 0, 0x5e, 0, 0, 1], MAC.0];
    for mac in shared.map(MacAddr) {
        assert_eq!(host.receive(&Sent { mac, ..old }.frame(), ms(4_000)), Err(Rejected::Stale));
    }
    assert_eq!(answers(&mut host, ms(4_000)), []);
}

#[test]
fn a_master_lets_a_suspect_prove_itself() {
    let hour = Sent { ms: -3_600_000, ..AD };
    let later = |ms| Sent { ms: hour.ms + ms, ..AD };
    for replay in [Replay::Warn, Replay::Refuse] {
        let (mut host, now) = master(Parameters { replay, ..parameters() });
        assert_eq!(host.receive(&hour.frame(), now), Err(Rejected::Stale));
        assert_eq!(answers(&mut host, now), [(AD.mac, false)], "a master's word");
        let second = Duration::from_secs(1);
        assert_eq!(host.receive(&later(1_000).frame(), now + second), Err(Rejected::Stale));
        host.handle(Event::Tick, now + second);
        // Its dead time: what was configured here is the longer.
        let dead = now + Duration::from_micros(3_390_625);
        let believed = host.receive(&later(3_500).frame(), dead);
        assert_eq!(believed.is_ok(), replay == Replay::Warn, "{replay:?}");
        let mut said = told(&host.handle(Event::Tick, dead));
        said.retain(|id| *id == "UC1027");
        assert_eq!(said.len(), 1);
        // It is new here, so it is asked once.
        assert_eq!(host.role(), Role::Master);
        let _ = host.receive(&later(3_750).frame(), dead + Duration::from_millis(150));
        assert_eq!(host.role(), if replay == Replay::Warn { Role::Backup } else { Role::Master });
    }
    // One that lives has heard the answer.
    let (mut host, now) = master(parameters());
    assert_eq!(host.receive(&hour.frame(), now), Err(Rejected::Stale));
    host.handle(Event::Tick, now);
    assert!(host.receive(&Sent { ms: 3_750, ..AD }.frame(), now + Duration::from_millis(10)).is_ok());
    assert_eq!(host.role(), Role::Backup);
}

#[test]
fn a_backup_without_a_master_follows_a_suspect_and_nobody_leaves() {
    let hour = Sent { ms: -3_600_000, ..AD };
    for (replay, again) in [(Replay::Warn, Ok(Vec::new())), (Replay::Refuse, Err(Rejected::Stale))] {
        let mut host = backup(Parameters { replay, ..parameters() });
        for leaving in
            [Sent { interval: Interval::BOW_OUT, ..hour }, Sent { gives_way: true, ms: hour.ms + 250, ..AD }]
        {
            assert_eq!(host.receive(&leaving.frame(), ms(100)), Err(Rejected::Stale));
        }
        assert_eq!((host.role(), answers(&mut host, ms(100))), (Role::Backup, vec![]));
        let heard = host.receive(&Sent { ms: hour.ms + 500, last: 8, ..AD }.frame(), ms(200));
        assert_eq!(heard, Ok(vec![]));
        host.handle(Event::Tick, ms(200));
        let heard = host.receive(&Sent { ms: hour.ms + 1_500, last: 8, ..AD }.frame(), ms(1_200));
        assert_eq!(heard, again, "{replay:?}");
        // Who proved itself is followed instead, and the suspect not minded any more.
        assert!(host.receive(&Sent { ms: 1_250, ..AD }.frame(), ms(1_250)).is_ok());
        let faster = Sent { ms: hour.ms + 2_500, last: 9, interval: Interval::new(0, 9), ..AD };
        assert_eq!(host.receive(&faster.frame(), ms(1_300)), Err(Rejected::Stale));
    }
}

// Without clocks a host may go through its T once more, and say the very same.
#[test]
fn a_genuine_word_is_believed_though_altered_copies_came_before() {
    let mut host = backup(parameters());
    let ad = Sent { ms: 3_000, ..AD };
    let mut altered = ad.decoded();
    altered.header.advskew = 9;
    for at in [0, 1_500] {
        assert_eq!(host.receive(&encode(&altered), ms(at)), Err(Rejected::Tampered));
    }
    assert!(host.receive(&ad.frame(), ms(2_900)).is_ok());
}

#[test]
fn only_ours_are_believed_if_that_is_asked_for() {
    let kernel = {
        let mut decoded = AD.decoded();
        let parameters = parameters();
        let auth = Authenticator::new(&parameters.key, parameters.vhid, &parameters.addresses);
        decoded.header.counter = 12_345;
        decoded.header.code = auth.code(12_345);
        encode(&decoded)
    };
    assert!(backup(parameters()).receive(&kernel, ms(0)).is_ok());
    let mut host = backup(Parameters { only_ours: true, ..parameters() });
    assert_eq!(host.receive(&kernel, ms(0)), Err(Rejected::Unmarked));
    assert!(host.receive(&AD.frame(), ms(0)).is_ok());
}

#[test]
fn an_hour_among_ours_is_told_once() {
    let hint = |host: &mut VirtualHost, seconds: u32| {
        let at = Time::new(Duration::from_secs(seconds.into()));
        host.receive(&Sent { ms: i64::from(seconds) * 1_000, ..AD }.frame(), at).unwrap();
        told(&host.handle(Event::Tick, at)).contains(&"UC1028")
    };
    let mut host = backup(parameters());
    let said = [0, 3_599, 3_600, 3_601, 9_000].map(|seconds| hint(&mut host, seconds));
    assert_eq!(said, [false, false, true, false, false]);
    let mut host = backup(Parameters { only_ours: true, ..parameters() });
    assert_eq!([0, 3_600].map(|seconds| hint(&mut host, seconds)), [false, false]);
}

#[test]
fn a_clock_a_year_ahead_is_told() {
    let mut host = backup(parameters());
    let year = 365 * 86_400_000;
    assert!(host.receive(&Sent { ms: year, ..AD }.frame(), ms(0)).is_ok());
    assert!(told(&host.handle(Event::Tick, ms(0))).contains(&"UC1029"));
}

/// The counter of a kernel that looks like ours, its T so many milliseconds from noon.
fn look_alike(ms: i64) -> Vec<u8> {
    let mut decoded = Sent { ms, ..AD }.decoded();
    let parameters = parameters();
    let auth = Authenticator::new(&parameters.key, parameters.vhid, &parameters.addresses);
    decoded.header.counter ^= 1 << 60;
    decoded.header.code = auth.code(decoded.header.counter);
    encode(&decoded)
}

#[test]
fn a_cookie_that_looks_like_ours_is_a_kernels_where_such_are_expected() {
    let years = 3 * 365 * 86_400_000;
    for (dialect, t, accepted, told_of) in [
        (Dialect::OpenBsd, years, true, false),
        (Dialect::OpenBsd, -years, true, false),
        (Dialect::Any, years, false, true),
        // It could as well be a recording of ours.
        (Dialect::OpenBsd, -86_400_000, false, false),
        (Dialect::Any, -86_400_000, false, false),
    ] {
        let mut host = backup(Parameters { dialect, ..parameters() });
        let frame = look_alike(t);
        assert_eq!(host.receive(&frame, ms(0)), Err(Rejected::Tampered));
        assert_eq!(host.receive(&frame, ms(1_000)), Err(Rejected::Tampered));
        assert_eq!(host.receive(&frame, ms(2_000)).is_ok(), accepted, "{dialect:?} {t}");
        if accepted {
            let followed = host.snapshot(ms(2_000)).followed.map(|peer| peer.kind);
            assert_eq!(followed, Some(PeerKind::Kernel));
        }
        assert_eq!(
            told(&host.handle(Event::Tick, ms(2_000))).contains(&"UC1036"),
            told_of,
            "{dialect:?} {t}"
        );
    }
}
