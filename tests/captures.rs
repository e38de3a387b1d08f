//! Captures of running NetBSD, FreeBSD and OpenBSD kernels: taken apart, authenticated, and replayed with their time stamps
//! into a virtual host that is configured as a peer of that kernel.
//!
//! The kernel of a capture does not hear us, so what follows one of our own decisions shows how we take a peer
//! that does not react. FACTS 13 and 15 list what such kernels were seen to do; each oddity that could hurt us has
//! a test here that names it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::num::NonZeroU8;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use ucarp::protocol::wire::{self, Decoded};
use ucarp::protocol::{
    Action, Announcing, Authenticator, Cause, Destination, Dialect, Event, Family, Hooks, Interval, Key,
    Link, MacAddr, Notice, Parameters, PeerKind, Reason, Rejected, Replay, Role, Sources, Time, Transmission,
    VirtualHost,
};

const ETHERNET: u32 = 1;
const OUR_V4: [u8; 4] = [10, 0, 0, 99];
const OUR_MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 0x99]);

/// A capture with the parameters of the kernel in it.
struct Capture {
    name: String,
    about: Value,
    frames: Vec<(Duration, Vec<u8>)>,
}

/// The classic format: a header of 24 bytes, then each frame behind 16; in the byte order of who wrote it.
fn read_pcap(bytes: &[u8]) -> Option<Vec<(Duration, Vec<u8>)>> {
    let (header, mut rest) = bytes.split_first_chunk::<24>()?;
    let little = match header.first_chunk::<4>()? {
        [0xd4, 0xc3, 0xb2, 0xa1] => true,
        [0xa1, 0xb2, 0xc3, 0xd4] => false,
        _ => return None,
    };
    let word = |bytes: &[u8], at: usize| {
        let bytes: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    };
    if word(header, 20)? != ETHERNET {
        return None;
    }
    let mut frames = Vec::new();
    while let Some((record, behind)) = rest.split_first_chunk::<16>() {
        let length = usize::try_from(word(record, 8)?).ok()?;
        let stamp =
            Duration::from_secs(word(record, 0)?.into()) + Duration::from_micros(word(record, 4)?.into());
        frames.push((stamp, behind.get(..length)?.to_vec()));
        rest = &behind[length..];
    }
    rest.is_empty().then_some(frames)
}

fn folder(kernel: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(kernel)
}

fn capture(kernel: &str, name: &str) -> Capture {
    let path = folder(kernel).join(name);
    let about = std::fs::read_to_string(path.with_extension("json")).unwrap();
    let mut frames = read_pcap(&std::fs::read(path.with_extension("pcap")).unwrap()).unwrap();
    let start = frames.iter().map(|(stamp, _)| *stamp).min().unwrap();
    frames.iter_mut().for_each(|(stamp, _)| *stamp -= start);
    frames.sort_by_key(|(stamp, _)| *stamp);
    Capture { name: format!("{kernel}/{name}"), about: serde_json::from_str(&about).unwrap(), frames }
}

fn captures() -> Vec<Capture> {
    let mut all = Vec::new();
    for kernel in ["freebsd", "netbsd"] {
        let mut names: Vec<_> = std::fs::read_dir(folder(kernel))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "pcap"))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        all.extend(names.iter().map(|name| capture(kernel, name)));
    }
    all
}

impl Capture {
    fn byte(&self, field: &str) -> Option<u8> {
        self.about[field].as_u64().map(|number| u8::try_from(number).unwrap())
    }

    fn addresses(&self) -> Vec<IpAddr> {
        let addresses = self.about["vips"].as_array().unwrap();
        addresses.iter().map(|address| address.as_str().unwrap().parse().unwrap()).collect()
    }

    fn key(&self) -> Key {
        let hex = self.about["key_hex"].as_str().unwrap();
        let bytes: Vec<u8> =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        Key::from_password(&bytes).unwrap()
    }

    fn authenticator(&self, addresses: &[IpAddr]) -> Authenticator {
        Authenticator::new(&self.key(), NonZeroU8::new(self.byte("vhid").unwrap()).unwrap(), addresses)
    }

    /// The frames of protocol 112.
    fn ads(&self) -> impl Iterator<Item = (Duration, &[u8], Decoded)> {
        self.frames.iter().filter_map(|(stamp, frame)| match wire::decode(frame) {
            Ok(decoded) => Some((*stamp, &frame[..], decoded)),
            Err(Rejected::NotIp | Rejected::NotCarp) => None,
            Err(other) => panic!("{}: {}", self.name, other.code()),
        })
    }

    fn sources(&self) -> BTreeSet<IpAddr> {
        self.ads().map(|(_, _, decoded)| decoded.source).filter(IpAddr::is_ipv4).collect()
    }

    /// Without the ads that `unwanted` names.
    fn without(mut self, unwanted: impl Fn(Duration, &Decoded) -> bool) -> Self {
        self.frames
            .retain(|(stamp, frame)| wire::decode(frame).map_or(true, |decoded| !unwanted(*stamp, &decoded)));
        self
    }
}

fn interval(decoded: &Decoded) -> Interval {
    Interval::new(decoded.header.advbase, decoded.header.advskew)
}

/// How we stand beside the kernel.
#[derive(Clone, Copy)]
struct Us {
    interval: Interval,
    preempt: bool,
    source: [u8; 4],
    /// How long before the kernel's first ad we start.
    head_start: Duration,
    dialect: Dialect,
}

/// A backup that is there when the kernel becomes master.
fn us(base: u8, skew: u8) -> Us {
    let head_start = Duration::from_millis(1);
    Us {
        interval: Interval::new(base, skew),
        preempt: false,
        source: OUR_V4,
        head_start,
        dialect: Dialect::Any,
    }
}

/// What was seen of us.
#[derive(Debug, Default)]
struct Seen {
    roles: Vec<(Duration, Role, Reason)>,
    ads: Vec<(Duration, Interval)>,
    notices: Vec<(Duration, Notice)>,
    refused: Vec<Rejected>,
}

impl Seen {
    /// States without their times.
    fn states(&self) -> Vec<(Role, Reason)> {
        self.roles.iter().map(|(_, role, reason)| (*role, *reason)).collect()
    }
}

/// Plays the capture to a host of ours, and on for twenty minutes after its last frame, or until `end`.
fn replay(capture: &Capture, us: Us, end: Option<Duration>) -> (VirtualHost, Seen) {
    let addresses = capture.addresses();
    let parameters = Parameters {
        vhid: NonZeroU8::new(capture.byte("vhid").unwrap()).unwrap(),
        addresses,
        key: capture.key(),
        interval: us.interval,
        dead_ratio: 3,
        preempt: us.preempt,
        start_hold: Duration::ZERO,
        preempt_delay: Duration::ZERO,
        neutral: false,
        sources: Sources { v4: Some(us.source.into()), v6: Some("fe80::99".parse().unwrap()) },
        mac: OUR_MAC,
        destination: Destination::default(),
        hooks: Hooks::default(),
        announcing: Announcing::default(),
        dialect: us.dialect,
        replay: Replay::default(),
        only_ours: false,
        also_accepted: Vec::new(),
        settle: Parameters::SETTLE,
    };
    let mut host = VirtualHost::new(parameters);
    let mut seen = Seen::default();
    let (first, ..) = capture.ads().next().unwrap();
    // Time::ZERO is when we start; the log is in the time of the capture.
    let start = first.saturating_sub(us.head_start);
    let behind = us.head_start.saturating_sub(first);
    let ours = |stamp: Duration| Time::new(stamp + behind - start);
    let theirs = |time: Time| (time.since(Time::ZERO) + start).saturating_sub(behind);
    let end = end.unwrap_or_else(|| capture.frames.last().unwrap().0 + Duration::from_secs(1200));
    let actions = host.handle(Event::Start, Time::ZERO);
    take(&mut host, actions, Time::ZERO, start, &mut seen);
    let actions = host.handle(Event::Link(Link::Up), Time::ZERO);
    take(&mut host, actions, Time::ZERO, start, &mut seen);
    let frames = capture.frames.iter().map(|(stamp, frame)| (*stamp, Some(frame)));
    for (stamp, frame) in frames.filter(|(stamp, _)| *stamp >= start).chain([(end, None)]) {
        if stamp > end {
            break;
        }
        while let Some(deadline) = host.next_deadline().filter(|deadline| *deadline < ours(stamp)) {
            let actions = host.handle(Event::Tick, deadline);
            take(&mut host, actions, deadline, theirs(deadline), &mut seen);
        }
        match frame.map(|frame| host.receive(frame, ours(stamp))) {
            Some(Ok(actions)) => take(&mut host, actions, ours(stamp), stamp, &mut seen),
            Some(Err(rejected)) => seen.refused.push(rejected),
            None => {}
        }
    }
    (host, seen)
}

/// Notes what the host does, and holds every frame it sends against what kernels need.
fn take(host: &mut VirtualHost, actions: Vec<Action>, now: Time, stamp: Duration, seen: &mut Seen) {
    for action in actions {
        match action {
            Action::Transmit(frame) => {
                if frame.what != Transmission::Announcement {
                    let decoded = wire::decode(&frame.bytes).unwrap();
                    let ours = host.parameters().sources;
                    // An ad with a kernel's own source makes it step down (FACTS 15).
                    match decoded.source {
                        IpAddr::V4(v4) => assert_eq!(Some(v4), ours.v4),
                        IpAddr::V6(v6) => assert_eq!(Some(v6), ours.v6),
                    }
                    // A kernel takes whatever is addressed to it for an ad (FACTS 15): only the group is.
                    let group = MacAddr::of_group(decoded.destination);
                    let old_ucarp = MacAddr::old_ucarp(host.parameters().vhid);
                    let to = MacAddr(frame.bytes[..6].try_into().unwrap());
                    assert!(to == group || to == old_ucarp, "{to}");
                    // Bytes after the 36 are a wrong checksum to FreeBSD (FACTS 15).
                    let ip = if decoded.source.is_ipv4() { 20 } else { 40 };
                    assert_eq!(frame.bytes.len(), 14 + ip + 36);
                    assert_ne!(decoded.header.counter, 0, "OpenBSD drops it");
                    seen.ads.push((stamp, interval(&decoded)));
                }
                let answer = host.handle(Event::Sent { what: frame.what, ok: true }, now);
                assert_eq!(answer, []);
            }
            Action::Deliver(_) => panic!("there are no peers"),
            Action::Run(_) | Action::KillHook { .. } | Action::Shift(_) => panic!("there is no hook"),
            Action::Tell(Notice::Transition { to, reason, .. }) => seen.roles.push((stamp, to, reason)),
            Action::Tell(notice) => seen.notices.push((stamp, notice)),
        }
    }
}

/// CARP's dead time for what we follow, in the words of the compatibility register, row 16.
fn dead_time(mine: Interval, his: Interval) -> Duration {
    let (base, skew) = (u32::from(mine.base), u32::from(mine.skew));
    let skews = if base == 0 { 3 * skew.max(1) } else { skew };
    let own = Duration::from_micros(u64::from(3 * base) * 1_000_000 + u64::from(skews) * 1_000_000 / 256);
    let his = u64::from(his.base) * 1_000_000 + u64::from(his.skew) * 1_000_000 / 256;
    own.max(Duration::from_micros(his) * 5 / 4)
}

fn close(one: Duration, other: Duration) -> bool {
    one.abs_diff(other) <= Duration::from_micros(10)
}

const STARTED: (Role, Reason) = (Role::Backup, Reason::LinkUp);

#[test]
fn both_byte_orders_are_read_and_nothing_else() {
    let bytes = std::fs::read(folder("netbsd").join("v4_single.pcap")).unwrap();
    let frames = read_pcap(&bytes).unwrap();
    let mut turned = bytes.clone();
    let mut turn = |at: usize| turned[at..at + 4].reverse();
    [0, 8, 12, 16, 20].into_iter().for_each(&mut turn);
    let mut at = 24;
    for (_, frame) in &frames {
        (0..4).for_each(|field| turn(at + 4 * field));
        at += 16 + frame.len();
    }
    assert_eq!(read_pcap(&turned).unwrap(), frames);
    assert_eq!(read_pcap(&bytes[..bytes.len() - 1]), None);
    assert_eq!(read_pcap(&bytes[1..]), None);
    let mut other_link = bytes;
    other_link[20] = 113;
    assert_eq!(read_pcap(&other_link), None);
}

#[test]
fn every_packet_is_taken_apart_authenticated_and_put_together_again() {
    let (mut files, mut kernels, mut old_ucarps, mut strangers) = (0, 0, 0, 0);
    for capture in captures() {
        let (whole, first) =
            (capture.authenticator(&capture.addresses()), capture.authenticator(&capture.addresses()[..1]));
        let mut heard = 0;
        for (stamp, frame, decoded) in capture.ads() {
            let name = format!("{} at {stamp:?}", capture.name);
            heard += 1;
            assert!(!decoded.pseudo_header, "{name}: neither of these kernels sums one");
            assert_eq!(decoded.header.emit(), frame[frame.len() - 36..], "{name}");
            assert_eq!((decoded.header.kind, decoded.header.authlen), (1, 7), "{name}");
            assert_eq!(decoded.header.demotion, 0, "{name}: that byte is OpenBSD's");
            let again = wire::encode(&decoded, MacAddr::of_group(decoded.destination), 0);
            assert_eq!(wire::decode(&again), Ok(decoded), "{name}");
            match whole.verify(&decoded) {
                Ok(ad) if decoded.mac == MacAddr::old_ucarp(NonZeroU8::new(42).unwrap()) => {
                    assert_eq!(ad.kind(), PeerKind::OldUcarp, "{name}");
                    old_ucarps += 1;
                }
                Ok(ad) => {
                    assert_eq!(ad.kind(), PeerKind::Kernel, "{name}");
                    assert_eq!(ad.interval(), interval(&decoded), "{name}");
                    kernels += 1;
                }
                Err(rejected) => {
                    // An old ucarp shares one address, whatever its neighbours share: both are master.
                    assert_eq!(rejected, Rejected::BadAuth, "{name}");
                    assert!(capture.name.contains("hmac_mismatch"), "{name}");
                    assert_eq!(first.verify(&decoded).map(|ad| ad.kind()), Ok(PeerKind::OldUcarp), "{name}");
                    strangers += 1;
                }
            }
        }
        assert_eq!(Some(heard), capture.about["carp_packets"].as_u64(), "{}", capture.name);
        files += 1;
    }
    assert_eq!((files, kernels + old_ucarps + strangers, strangers), (75, 591, 6));
    assert!(old_ucarps > 100, "{old_ucarps}");
}

/// Every capture with a single kernel that is master once: followed while it speaks, replaced when it leaves.
#[test]
fn a_lone_kernel_is_followed_until_it_leaves() {
    let (mut bowed_out, mut fell_silent) = (0, 0);
    for capture in captures() {
        let name = &capture.name;
        let lone = ["adv_", "pass_", "v4_", "v6_", "vhid_", "pristine_", "two_backup_down", "two_nopreempt"]
            .iter()
            .any(|start| name.split('/').nth(1).unwrap().starts_with(start));
        if !lone {
            continue;
        }
        assert!(capture.sources().len() <= 1, "{name}");
        // Equal at most, so we never have a reason of our own.
        let mine = Interval::new(capture.byte("advbase").unwrap(), 254);
        let (host, seen) = replay(&capture, us(mine.base, mine.skew), None);
        let last = capture.ads().last().unwrap();
        let [(_, role, reason), taken] = seen.roles[..] else { panic!("{name}: {:?}", seen.roles) };
        assert_eq!((role, reason), STARTED, "{name}");
        if interval(&last.2) == Interval::BOW_OUT {
            let first = capture.ads().find(|ad| interval(&ad.2) == Interval::BOW_OUT).unwrap();
            assert_eq!(taken, (first.0, Role::Master, Reason::MasterLeft), "{name}");
            bowed_out += 1;
        } else {
            assert_eq!((taken.1, taken.2), (Role::Master, Reason::MasterTimedOut), "{name}");
            assert!(close(taken.0, last.0 + dead_time(mine, interval(&last.2))), "{name}: {taken:?}");
            fell_silent += 1;
        }
        assert_eq!(seen.ads.first(), Some(&(taken.0, mine)), "{name}: speaks at once");
        let ignored = [Rejected::NotIp, Rejected::NotCarp];
        assert!(seen.refused.iter().all(|rejected| ignored.contains(rejected)), "{name}: {:?}", seen.refused);
        assert_eq!(host.snapshot(Time::ZERO).counters.odd, 0, "{name}");
    }
    assert_eq!((bowed_out, fell_silent), (20, 19));
}

#[test]
fn of_two_kernels_the_one_that_takes_over_is_followed() {
    for (kernel, name) in [
        ("netbsd", "two_crash"),
        ("freebsd", "two_crash"),
        ("freebsd", "two_failover"),
        ("freebsd", "two_v4v6_failover"),
        ("freebsd", "kernels_v4v6"),
        ("freebsd", "kernels_remove_preempt"),
        ("freebsd", "two_split_equal"),
        ("netbsd", "two_split_equal"),
    ] {
        // The other kernel has skew 20 at most, so it is up to 0.3 s earlier than we would be.
        let capture = capture(kernel, name).without(|_, decoded| interval(decoded) == Interval::BOW_OUT);
        let (last, _, decoded) = capture.ads().last().unwrap();
        // When our own dead time has passed, its ad is the one that counts.
        let (host, seen) = replay(&capture, us(1, 100), Some(last + Duration::from_millis(500)));
        assert_eq!(seen.states(), [STARTED], "{}", capture.name);
        let followed = host.snapshot(Time::ZERO).followed.unwrap();
        assert_eq!(followed.interval, interval(&decoded), "{}", capture.name);
        // Of two families it goes by IPv4, which its kernel sends just before.
        let of_its = |ad: &Decoded| ad.mac == decoded.mac && interval(ad) == interval(&decoded);
        let sources = capture.ads().filter(|(_, _, ad)| of_its(ad)).map(|(_, _, ad)| ad.source);
        let v4 = sources.filter(IpAddr::is_ipv4).last();
        assert_eq!(followed.source, v4.unwrap_or(decoded.source), "{}", capture.name);
        assert!(seen.ads.is_empty(), "{}", capture.name);
    }
}

#[test]
fn after_a_bow_out_we_are_there_first_and_leave_it_to_the_faster_kernel() {
    for (kernel, name) in [
        ("netbsd", "two_failover"),
        ("netbsd", "two_v4v6_failover"),
        ("netbsd", "kernels_bowout_preempt"),
        ("freebsd", "cross_netbsd_freebsd"),
    ] {
        let capture = capture(kernel, name);
        let mut ads = capture.ads().skip_while(|ad| interval(&ad.2) != Interval::BOW_OUT);
        let (left, ..) = ads.next().unwrap();
        let (successor, _, decoded) = ads.find(|ad| interval(&ad.2) != Interval::BOW_OUT).unwrap();
        let (_, seen) = replay(&capture, us(1, 100), Some(successor + Duration::from_millis(500)));
        assert_eq!(seen.roles[1], (left, Role::Master, Reason::MasterLeft), "{name}");
        assert_eq!(seen.roles[2], (successor, Role::Backup, Reason::FasterMaster), "{name} {decoded:?}");
        assert_eq!(seen.roles.len(), 3, "{name}");
        // Leaving says nothing that a kernel could hear.
        assert!(seen.ads.iter().all(|(stamp, _)| *stamp < successor), "{name}: {:?}", seen.ads);
    }
}

#[test]
fn a_killed_kernel_is_replaced_by_the_faster_of_two_backups() {
    for kernel in ["netbsd", "freebsd"] {
        let capture = capture(kernel, "two_crash");
        let mut ads = capture.ads().peekable();
        let mut last = Duration::ZERO;
        while let Some((stamp, ..)) = ads.next_if(|ad| ad.2.header.advskew == 0) {
            last = stamp;
        }
        let (other, ..) = ads.next().unwrap();
        let (_, seen) = replay(&capture, us(1, 5), Some(other));
        assert_eq!(seen.states(), [STARTED, (Role::Master, Reason::MasterTimedOut)], "{kernel}");
        let dead = dead_time(Interval::new(1, 5), Interval::new(1, 0));
        assert!(close(seen.roles[1].0, last + dead), "{kernel}");
        // The other kernel did not hear us: it is told at once that we stay.
        assert_eq!(seen.ads.last(), Some(&(other, Interval::new(1, 5))), "{kernel}");
        let won = |notice: &Notice| matches!(notice, Notice::ConflictWon { .. });
        assert!(seen.notices.iter().any(|(_, notice)| won(notice)), "{kernel}");
    }
}

#[test]
fn as_master_we_yield_to_a_faster_kernel_and_say_nothing() {
    for (kernel, name) in
        [("netbsd", "v4_single"), ("freebsd", "v4_single"), ("netbsd", "v4_v6"), ("freebsd", "v4_v6")]
    {
        let capture = capture(kernel, name);
        let (first, ..) = capture.ads().next().unwrap();
        let us = Us { head_start: Duration::from_secs(10), ..us(1, 100) };
        let (_, seen) = replay(&capture, us, Some(first + Duration::from_millis(900)));
        let states = [STARTED, (Role::Master, Reason::MasterTimedOut), (Role::Backup, Reason::FasterMaster)];
        assert_eq!(seen.states(), states, "{kernel}/{name}");
        assert_eq!(seen.roles[2].0, first, "{kernel}/{name}");
        assert!(seen.ads.iter().all(|(stamp, _)| *stamp < first), "{kernel}/{name}");
    }
}

#[test]
fn a_slower_kernel_is_preempted_if_we_may() {
    for kernel in ["netbsd", "freebsd"] {
        let capture = capture(kernel, "adv_1_100");
        let (first, ..) = capture.ads().next().unwrap();
        let end = Some(first + Duration::from_secs(1));
        let (_, seen) = replay(&capture, Us { preempt: true, ..us(1, 0) }, end);
        assert_eq!(seen.roles[1..], [(first, Role::Master, Reason::SlowerMaster)], "{kernel}");
        assert_eq!(seen.ads.first(), Some(&(first, Interval::new(1, 0))), "{kernel}");
        let (_, seen) = replay(&capture, us(1, 0), end);
        assert_eq!(seen.states(), [STARTED], "{kernel}");
    }
}

/// FACTS 13 and 15: a kernel steps down on equality, so we stay and tell it. These do not hear us, and keep it.
#[test]
fn against_an_equal_kernel_we_stay_until_it_is_clear_that_it_is_deaf() {
    for kernel in ["netbsd", "freebsd"] {
        let capture = capture(kernel, "v4_single");
        let ads: Vec<_> = capture.ads().map(|(stamp, ..)| stamp).collect();
        // Longer than a port can have been blocked: else we yield to it as the older master.
        let us = Us { head_start: Duration::from_secs(70), ..us(1, 0) };
        let (_, seen) = replay(&capture, us, Some(ads[3]));
        let states =
            [STARTED, (Role::Master, Reason::MasterTimedOut), (Role::Backup, Reason::StubbornMaster)];
        assert_eq!(seen.states(), states, "{kernel}");
        assert_eq!(seen.roles[2].0, ads[3], "{kernel}: three more ads and three seconds");
        assert!(seen.ads.contains(&(ads[0], Interval::new(1, 0))), "{kernel}: told at once");
    }
}

/// FACTS 15: adding a second address, or removing one, restarts a FreeBSD group: three seconds without a master,
/// silently. The same silence, cut out of a capture.
#[test]
fn a_restart_of_three_seconds_costs_a_slow_backup_nothing_and_a_fast_one_two_changes() {
    for kernel in ["netbsd", "freebsd"] {
        let whole = capture(kernel, "v4_single");
        let ads: Vec<_> = whole.ads().map(|(stamp, ..)| stamp).collect();
        let gap = whole.without(|stamp, _| ads[1..3].contains(&stamp));
        let (_, seen) = replay(&gap, us(1, 100), Some(ads[3]));
        assert_eq!(seen.states(), [STARTED], "{kernel}");
        let (_, seen) = replay(&gap, us(1, 2), Some(ads[3]));
        let states = [STARTED, (Role::Master, Reason::MasterTimedOut), (Role::Backup, Reason::FasterMaster)];
        assert_eq!(seen.states(), states, "{kernel}");
        assert_eq!(seen.ads.len(), 1, "{kernel}: nothing is said while leaving");
    }
}

/// The real thing: the address removed and added again, and an interface set down and up.
#[test]
fn a_kernel_that_leaves_and_returns_is_replaced_once_and_followed_again() {
    for (kernel, name, gone) in [
        ("freebsd", "remove_add", Reason::MasterTimedOut),
        ("netbsd", "bowout_downup", Reason::MasterLeft),
        ("freebsd", "interop_remove_failback", Reason::MasterTimedOut),
    ] {
        let capture = capture(kernel, name);
        let (last, ..) = capture.ads().last().unwrap();
        let (_, seen) = replay(&capture, us(1, 100), Some(last));
        let states = seen.states();
        if name == "interop_remove_failback" {
            // An old ucarp with 1/50 is late by its own slowness, and faster than we are.
            let two = [(Role::Master, gone), (Role::Backup, Reason::FasterMaster)];
            assert_eq!(states[1..], two, "{name}");
        } else {
            assert_eq!(
                states,
                [STARTED, (Role::Master, gone), (Role::Backup, Reason::FasterMaster)],
                "{name}"
            );
        }
    }
}

/// FACTS 15: a FreeBSD kernel in unicast sends to its peer's address alone, and takes unicast ads itself.
#[test]
fn ads_sent_to_another_host_alone_are_refused() {
    let capture = capture("freebsd", "unicast_v4v6");
    let (last, ..) = capture.ads().last().unwrap();
    let (host, seen) = replay(&capture, us(1, 254), Some(last));
    assert_eq!(seen.states(), [STARTED]);
    let refused = seen.refused.iter().filter(|rejected| **rejected == Rejected::BadDestination).count();
    assert_eq!(refused, 8);
    assert_eq!(host.snapshot(Time::ZERO).followed, None);
    // They are authentic all the same: --peer will want them.
    let authenticator = capture.authenticator(&capture.addresses());
    assert!(capture.ads().all(|ad| authenticator.verify(&ad.2).is_ok()));
}

/// FACTS 15: a kernel takes an ad from its own address for real and steps down; so do we, and say so.
#[test]
fn an_ad_with_our_own_source_is_told_and_taken_for_what_it_says() {
    for kernel in ["netbsd", "freebsd"] {
        let capture = capture(kernel, "v4_single");
        let (last, ..) = capture.ads().filter(|ad| interval(&ad.2) != Interval::BOW_OUT).last().unwrap();
        let us = Us { source: [10, 0, 0, 1], ..us(1, 100) };
        let (host, seen) = replay(&capture, us, Some(last));
        assert_eq!(seen.states(), [STARTED], "{kernel}");
        let told = seen.notices.iter().filter(|(_, told)| matches!(told, Notice::SameSource { .. })).count();
        assert_eq!(told, 4, "{kernel}");
        assert!(host.snapshot(Time::ZERO).followed.is_some(), "{kernel}");
        assert_eq!(host.snapshot(Time::ZERO).counters.rejections.of(Rejected::OwnEcho), 0, "{kernel}");
    }
}

/// FACTS 13 and 15: a parent without an IPv4 address makes the virtual address itself the source.
#[test]
fn a_virtual_address_as_source_is_as_good_as_any() {
    for kernel in ["netbsd", "freebsd"] {
        let capture = capture(kernel, "v4_nosrc");
        let (last, _, decoded) = capture.ads().nth(2).unwrap();
        assert_eq!(vec![decoded.source], capture.addresses(), "{kernel}");
        let (host, seen) = replay(&capture, us(1, 100), Some(last));
        assert_eq!(seen.states(), [STARTED], "{kernel}");
        assert_eq!(host.snapshot(Time::ZERO).followed.map(|peer| peer.source), Some(decoded.source));
        assert!(seen.notices.is_empty(), "{kernel}: {:?}", seen.notices);
    }
}

/// FACTS 15: a master stepping down may answer the new master's gratuitous ARP once with its real MAC. That is no
/// conflict: ARP says nothing to the election.
#[test]
fn the_late_arp_answer_of_a_master_stepping_down_changes_nothing() {
    for (name, replies) in
        [("kernels_remove_preempt", 1), ("interop_ucarp_preempts", 2), ("interop_kernel_nopreempt", 1)]
    {
        let capture = capture("freebsd", name);
        let arp_reply =
            |frame: &[u8]| frame.get(12..14) == Some(&[8, 6]) && frame.get(20..22) == Some(&[0, 2]);
        let from_kernel = |frame: &[u8]| frame.get(6..9) == Some(&[0x52, 0x54, 0]);
        let shared = [10, 0, 0, 252];
        let late =
            |frame: &[u8]| arp_reply(frame) && from_kernel(frame) && frame.get(28..32) == Some(&shared);
        assert_eq!(capture.frames.iter().filter(|(_, frame)| late(frame)).count(), replies, "{name}");
        let (last, ..) = capture.ads().last().unwrap();
        let whole = replay(&capture, us(1, 150), Some(last)).1;
        let mut quiet = capture;
        quiet.frames.retain(|(_, frame)| !late(frame));
        let without = replay(&quiet, us(1, 150), Some(last)).1;
        assert_eq!((&whole.roles, &whole.ads), (&without.roles, &without.ads), "{name}");
    }
}

/// FACTS 15: FreeBSD competes with 240 at most, and says so; NetBSD with what it was given.
#[test]
fn freebsds_254_goes_out_as_240_and_is_faster_than_245() {
    let skews = |kernel: &str, name: &str| -> BTreeSet<u8> {
        let ads = capture(kernel, name);
        ads.ads().filter(|ad| interval(&ad.2) != Interval::BOW_OUT).map(|ad| ad.2.header.advskew).collect()
    };
    for name in ["adv_1_254", "adv_255_254"] {
        assert_eq!(skews("freebsd", name), BTreeSet::from([240]), "{name}");
        assert_eq!(skews("netbsd", name), BTreeSet::from([254]), "{name}");
    }
    for (kernel, faster) in [("freebsd", true), ("netbsd", false)] {
        let capture = capture(kernel, "adv_1_254");
        let (first, ..) = capture.ads().next().unwrap();
        let us = Us { preempt: true, ..us(1, 245) };
        let (_, seen) = replay(&capture, us, Some(first + Duration::from_millis(100)));
        let expected =
            if faster { vec![STARTED] } else { vec![STARTED, (Role::Master, Reason::SlowerMaster)] };
        assert_eq!(seen.states(), expected, "{kernel}");
    }
}

/// FACTS 13: a bow-out in either family is enough to be relieved.
#[test]
fn a_bow_out_in_one_family_is_a_bow_out() {
    for family in [Family::V4, Family::V6] {
        let lost = |decoded: &Decoded| {
            interval(decoded) == Interval::BOW_OUT && Family::of(decoded.source) == family
        };
        let capture = capture("netbsd", "v4_v6").without(|_, decoded| lost(decoded));
        let (left, ..) = capture.ads().find(|ad| interval(&ad.2) == Interval::BOW_OUT).unwrap();
        let (_, seen) = replay(&capture, us(1, 100), None);
        assert_eq!(seen.roles[1..], [(left, Role::Master, Reason::MasterLeft)], "{family}");
    }
}

/// FACTS 13: where only one family gets through, dual-stack kernels flap every three seconds. We do not.
#[test]
fn one_family_pruned_is_a_warning_and_no_takeover() {
    for (kernel, name) in [("netbsd", "two_v4v6_failover"), ("freebsd", "kernels_v4v6")] {
        for family in [Family::V4, Family::V6] {
            let pruned = capture(kernel, name).without(|_, decoded| Family::of(decoded.source) == family);
            let (last, ..) =
                pruned.ads().take_while(|ad| interval(&ad.2) != Interval::BOW_OUT).last().unwrap();
            let (_, seen) = replay(&pruned, us(1, 100), Some(last));
            assert_eq!(seen.states(), [STARTED], "{kernel} {family}");
            let told = |notice: &Notice| matches!(notice, Notice::FamilySilent { family: silent, .. } if *silent == family);
            let told = seen.notices.iter().any(|(_, notice)| told(notice));
            assert_eq!(told, kernel == "freebsd", "{kernel} {family}: only that one lasts for a dead time");
        }
    }
}

/// FACTS 15: a change of `net.inet.carp.demotion` sends an ad at once, between two of the schedule.
#[test]
fn a_kernels_demotion_is_acted_upon_at_once() {
    let capture = capture("freebsd", "cross_netbsd_freebsd");
    let demoted = |decoded: &Decoded| decoded.header.advskew == 150;
    let (down, ..) = capture.ads().find(|ad| demoted(&ad.2)).unwrap();
    let (before, ..) = capture.ads().take_while(|ad| !demoted(&ad.2)).last().unwrap();
    assert!(down - before < Duration::from_millis(500), "out of schedule");
    let (up, ..) = capture.ads().skip_while(|ad| !demoted(&ad.2)).find(|ad| !demoted(&ad.2)).unwrap();
    let start = |preempt| Us { preempt, ..us(1, 100) };
    let (_, seen) = replay(&capture, start(true), Some(up));
    assert_eq!(
        seen.roles[3..],
        [(down, Role::Master, Reason::SlowerMaster), (up, Role::Backup, Reason::FasterMaster)]
    );
    let (_, seen) = replay(&capture, start(false), Some(up));
    assert_eq!(seen.roles.len(), 3, "without --preempt a slower master is let be: {:?}", seen.roles);
}

/// FACTS 13 and 15: an old ucarp shares one address only, so beside it a kernel with two is never understood; a
/// host of ours with the kernel's list follows the kernel and says why it refuses the other.
#[test]
fn an_old_ucarp_with_one_address_of_two_is_refused_and_the_kernel_followed() {
    for (kernel, name) in [
        ("netbsd", "interop_two_vips_hmac_mismatch"),
        ("freebsd", "interop_two_vips_hmac_mismatch"),
        ("freebsd", "interop_v4_v6_hmac_mismatch"),
    ] {
        let capture = capture(kernel, name);
        let (last, ..) = capture.ads().last().unwrap();
        let (host, seen) = replay(&capture, us(1, 100), Some(last));
        assert_eq!(seen.states(), [STARTED], "{kernel}/{name}");
        assert_eq!(seen.refused.iter().filter(|rejected| **rejected == Rejected::BadAuth).count(), 2);
        assert_eq!(host.snapshot(Time::ZERO).followed.map(|peer| peer.kind), Some(PeerKind::Kernel));
    }
}

/// OpenBSD's kernel; what became of it, in the order of its own log.
fn openbsd() -> impl Iterator<Item = Capture> {
    ["bow_out", "demoted", "lladdr_by_hand", "link_local_left", "v4_v6"]
        .into_iter()
        .map(|name| capture("openbsd", name))
}

#[test]
fn openbsds_packets_are_taken_apart_and_put_together_again() {
    let mut count = 0;
    for capture in openbsd() {
        let mut cookies = BTreeSet::new();
        for (stamp, frame, decoded) in capture.ads() {
            let name = format!("{} at {stamp:?}", capture.name);
            assert_eq!(decoded.header.emit(), frame[frame.len() - 36..], "{name}");
            assert_eq!((decoded.header.kind, decoded.header.authlen), (1, 7), "{name}");
            let again = wire::encode(&decoded, MacAddr::of_group(decoded.destination), 0);
            assert_eq!(wire::decode(&again), Ok(decoded), "{name}");
            let verdict = capture.authenticator(&capture.addresses()).verify(&decoded);
            match verdict {
                Ok(ad) => assert_eq!(ad.kind(), PeerKind::Kernel, "{name}"),
                Err(_) => assert!(capture.name.ends_with("lladdr_by_hand"), "{name}"),
            }
            cookies.insert(decoded.header.counter);
            count += 1;
        }
        assert_eq!(cookies.len(), 1, "{}: FACTS 5: never another counter, in neither family", capture.name);
    }
    assert_eq!(count, 33);
}

#[test]
fn an_openbsd_kernel_that_leaves_is_relieved() {
    let capture = capture("openbsd", "bow_out");
    let (left, ..) = capture.ads().last().unwrap();
    let (_, seen) = replay(&capture, us(1, 150), None);
    assert_eq!(seen.states()[0], STARTED);
    assert_eq!(seen.roles[1..], [(left, Role::Master, Reason::MasterLeft)]);
}

/// FACTS 7: between two ads of its schedule; only who is said to have such peers looks at it.
#[test]
fn openbsds_demotion_is_acted_upon_at_once() {
    let capture = capture("openbsd", "demoted");
    let (demoted, _, last) = capture.ads().last().unwrap();
    assert_eq!(last.header.demotion, 5);
    for (dialect, expected) in
        [(Dialect::OpenBsd, vec![(demoted, Role::Master, Reason::MasterDemoted)]), (Dialect::Any, vec![])]
    {
        let (_, seen) = replay(&capture, Us { dialect, ..us(1, 150) }, Some(demoted));
        assert_eq!(seen.roles[1..], expected, "{dialect:?}");
    }
}

/// Its ads of both families are 0.1 ms apart, so the second is on its way when the first is answered: no conflict.
#[test]
fn preempting_an_openbsd_kernel_of_both_families_is_no_conflict() {
    let capture = capture("openbsd", "v4_v6");
    let halves: Vec<_> =
        capture.ads().map(|(stamp, _, decoded)| (stamp, Family::of(decoded.source))).collect();
    for pair in halves.chunks(2) {
        let [(first, Family::V4), (second, Family::V6)] = pair else { panic!("{pair:?}") };
        assert!(*second - *first < Duration::from_millis(1), "{pair:?}");
    }
    let (preempted, second) = (halves[0].0, halves[1].0);
    let preempting = Us { preempt: true, ..us(1, 0) };
    let (_, seen) = replay(&capture, preempting, Some(second));
    assert_eq!(seen.roles[1..], [(preempted, Role::Master, Reason::SlowerMaster)]);
    assert!(seen.notices.is_empty(), "{:?}", seen.notices);
    // This one does not hear us, and goes on.
    let (_, seen) = replay(&capture, preempting, Some(halves[2].0));
    let [(won, Notice::ConflictWon { .. }), (told, Notice::TwoMasters { .. })] = seen.notices[..] else {
        panic!("{:?}", seen.notices)
    };
    assert_eq!((won, told), (halves[2].0, halves[2].0));
}

/// What is left on its carp interface when the last IPv6 address is taken away: it goes on in IPv6, with what IPv4
/// alone authenticates.
#[test]
fn openbsd_goes_on_in_ipv6_with_a_link_local_address_of_its_own() {
    let capture = capture("openbsd", "link_local_left");
    assert!(capture.addresses().iter().all(IpAddr::is_ipv4));
    assert!(capture.ads().all(|(_, _, decoded)| decoded.source.is_ipv6()));
}

#[test]
fn openbsds_link_address_set_by_hand_is_explained() {
    let capture = capture("openbsd", "lladdr_by_hand");
    let (last, _, decoded) = capture.ads().last().unwrap();
    let (host, seen) = replay(&capture, us(1, 150), Some(last));
    assert_eq!(seen.refused.iter().filter(|rejected| **rejected == Rejected::BadAuth).count(), 7);
    assert_eq!(host.explain(&decoded), Some(Cause::MacByHand));
}
