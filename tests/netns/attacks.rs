//! A stranger on the segment who has no password: he keeps what he captures, alters what CARP's HMAC leaves out, and
//! sends it as often as he likes. Hosts of our kind are not moved by him, and say what he does.

use std::io::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::cases::{lone_master, master_and_backup, seconds};
use super::daemon::{Daemon, Kind, Setup};
use super::families::{pair, v6_segment};
use super::frames::{self, Ad};
use super::segment::{Segment, eventually, throughout};
use super::{Case, skip, wire};

const OURS: (Kind, Kind) = (Kind::Ours, Kind::Ours);

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![
        Case::new("attack_old_advertisement_as_the_best_one", ours, old_as_the_best),
        Case::new("attack_in_the_name_of_a_dead_master", ours, dead_master),
        Case::new("attack_bow_out_and_best_in_turn_at_speed", ours, in_turn_at_speed),
        Case::new("attack_with_a_bow_out_of_an_earlier_life", ours, earlier_bow_out),
        Case::new("attack_with_own_advertisements_on_a_lone_master", ours, own_advertisements),
        Case::new("attack_with_ipv4_inside_ipv6", ours, v4_inside_v6),
        Case::new("attack_by_twenty_invented_senders", ours, invented_senders),
        Case::new("attack_on_a_newcomer", ours, newcomer),
        Case::new("recording_of_the_dead_followed", ours, recording_followed),
        Case::new("recording_of_the_dead_refused", ours, recording_refused),
        Case::new("clones_of_one_image", ours, clones),
        Case::new("hosts_with_one_source_address", ours, one_source_address),
        Case::new("clock_that_fell_back_over_a_restart", ours, clock_fell_back),
    ]
}

/// A master at 1/0 and its backup at 1/100, where the stranger also hears what is sent to one host alone.
fn watched_pair() -> (Segment, Daemon, Daemon) {
    let segment = Segment::new(2);
    segment.flood();
    let (a, b) = master_and_backup(&segment, OURS, (&Setup::default(), &Setup::skew(100)));
    (segment, a, b)
}

/// Sends these again and again, and tells how many that were.
fn attack(segment: &Segment, frames: &[Vec<u8>], pause: Duration, lasts: Duration) -> u64 {
    let end = wire::now() + lasts.as_secs_f64();
    let mut sent = 0;
    for frame in frames.iter().cycle() {
        if wire::now() >= end {
            break;
        }
        segment.wire().send(frame);
        sent += 1;
        thread::sleep(pause);
    }
    sent
}

/// What a host told everybody.
fn told(segment: &Segment, host: usize, since: f64) -> Vec<Ad> {
    let all = segment.ads_of(host, since);
    all.into_iter().filter(|ad| ad.mac_destination[0] & 1 == 1).collect()
}

/// When a host first told everybody that it is master.
#[track_caller]
fn first_told(segment: &Segment, host: usize, since: f64) -> f64 {
    told(segment, host, since).first().expect("it is master by now").at
}

/// Nobody changed anything since, and the master was heard all the time.
#[track_caller]
fn assert_undisturbed(segment: &Segment, a: &Daemon, b: &Daemon, since: f64) {
    assert_eq!((a.role(), b.role()), ("MASTER".to_owned(), "BACKUP".to_owned()));
    assert_eq!((a.hook_names(), b.hook_names()), (vec!["down".into(), "up".into()], vec!["down".into()]));
    assert_eq!(told(segment, 1, since).len(), 0, "the backup advertised");
    assert_steady(segment, 0, since);
}

/// It advertised every second, and the same all the time.
#[track_caller]
fn assert_steady(segment: &Segment, host: usize, since: f64) {
    let ads = told(segment, host, since - 1.5);
    let stamps: Vec<f64> = ads.iter().map(|ad| ad.at).chain([wire::now()]).collect();
    let longest = stamps.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
    assert!(ads.len() >= 2 && longest < 1.4, "{longest:.3} s without an advertisement");
    assert!(ads.iter().all(|ad| !ad.is_bow_out() && (ad.base, ad.skew) == (ads[0].base, ads[0].skew)));
}

/// A host answers who may have lost the time of day, at most once a second.
#[track_caller]
fn assert_few_answers(segment: &Segment, host: usize, since: f64) {
    let answers = segment.ads_of(host, since).len() - told(segment, host, since).len();
    let most = (wire::now() - since).ceil() + 1.0;
    assert!(answers as f64 <= most, "{answers} answers, at most {most} expected");
}

/// The first advertisement that a host sent.
fn recorded(segment: &Segment, host: usize) -> Vec<u8> {
    segment.ads_of(host, 0.0).swap_remove(0).frame
}

/// For as long as it comes nobody would have the address.
fn old_as_the_best() {
    let segment = Segment::new(2);
    segment.flood();
    drop(lone_master(&segment, 0, Kind::Ours, &Setup::default()));
    let best = frames::altered(&recorded(&segment, 0), 0, 0);
    let (a, b) = master_and_backup(&segment, OURS, (&Setup::default(), &Setup::skew(100)));
    let from = wire::now();
    let sent = attack(&segment, &[best], Duration::from_millis(2_200), seconds(6));
    assert_undisturbed(&segment, &a, &b, from);
    assert!(b.refused(&["stale", "tampered"]) >= sent);
    assert!(a.refused(&["own_echo", "stale"]) >= sent);
    b.await_line("that somebody sends recordings", seconds(1), |l| l.contains("[stale]"));
    assert_few_answers(&segment, 1, from);
}

/// What the master said last, and what it said before, once a second each, after it has died.
fn dead_master() {
    let (segment, a, b) = watched_pair();
    let last = segment.await_ad_of(0, wire::now(), seconds(2));
    a.signal(Signal::SIGKILL);
    segment.cut(0);
    let frames = [last.frame, recorded(&segment, 0)];
    attack(&segment, &frames, Duration::from_millis(450), seconds(5));
    let took = first_told(&segment, 1, last.at) - last.at;
    // 3 + 100/256 s, and half a second for what says the same once more.
    assert!((3.3..4.6).contains(&took), "took over after {took:.3} s");
    let from = wire::now();
    attack(&segment, &frames, Duration::from_millis(450), seconds(3));
    assert_eq!(b.hook_names(), ["down", "up"]);
    assert_steady(&segment, 1, from);
    assert_few_answers(&segment, 1, from);
}

/// One advertisement as a bow-out and as the best one, some thousand times a second.
fn in_turn_at_speed() {
    let (segment, a, b) = watched_pair();
    let from = wire::now();
    let lines = a.lines(|_| true).len() + b.lines(|_| true).len();
    let last = segment.await_ad_of(0, from, seconds(2)).frame;
    let pair = [frames::altered(&last, 255, 255), frames::altered(&last, 0, 0)];
    let sent = attack(&segment, &pair, Duration::from_micros(200), seconds(3));
    assert_undisturbed(&segment, &a, &b, from);
    let refused = b.refused(&["stale", "tampered"]);
    assert!(refused >= sent / 2, "{refused} refused of {sent}");
    assert_few_answers(&segment, 1, from);
    let said = a.lines(|_| true).len() + b.lines(|_| true).len() - lines;
    assert!(said <= 20, "{said} lines about {sent} advertisements");
}

/// A bow-out that was true once, and an advertisement from before it.
fn earlier_bow_out() {
    let segment = Segment::new(2);
    segment.flood();
    let setup = Setup::default().with(&["--shutdown"]);
    let mut a = lone_master(&segment, 0, Kind::Ours, &setup);
    let advertisement = recorded(&segment, 0);
    let stopped = a.signal_at(Signal::SIGTERM);
    let bow_out = segment.await_bow_out_of(0, stopped, seconds(1)).frame;
    a.await_exit(seconds(3));
    let (a, b) = master_and_backup(&segment, OURS, (&setup, &Setup::skew(100)));
    let from = wire::now();
    let sent = attack(&segment, &[bow_out, advertisement], Duration::from_millis(10), seconds(3));
    assert_undisturbed(&segment, &a, &b, from);
    assert!(b.refused(&["stale"]) >= sent);
}

/// What a master said itself, longer ago than it could remember, and in an earlier life, from its own hardware address
/// and from the stranger's.
fn own_advertisements() {
    let segment = Segment::new(1);
    segment.flood();
    // Its interval of 0.1 s makes the past long in a short time.
    let setup = Setup::skew(25).with(&["--advbase=0"]);
    let earlier = Daemon::start(&segment, 0, Kind::Ours, &setup);
    segment.await_ad_of(0, 0.0, seconds(3));
    let first_life = recorded(&segment, 0);
    drop(earlier);
    let from = wire::now();
    let a = Daemon::start(&segment, 0, Kind::Ours, &setup);
    a.await_hooks(&["down", "up"], seconds(5));
    eventually("many advertisements", seconds(8), || segment.ads_of(0, from).len() > 50);
    let second_life = segment.ads_of(0, from).swap_remove(0).frame;
    let (host, stranger) = (&segment.hosts[0], segment.observer());
    let mut frames = Vec::new();
    for recorded in [first_life, second_life] {
        for (base, skew) in [(0, 0), (255, 255), (0, 25)] {
            let altered = frames::altered(&recorded, base, skew);
            frames.push(frames::renamed(&altered, stranger.mac, host.address));
            frames.push(altered);
        }
    }
    let from = wire::now();
    let sent = attack(&segment, &frames, Duration::from_millis(50), seconds(3));
    assert_eq!(a.role(), "MASTER");
    assert_eq!(a.hook_names(), ["down", "up"]);
    assert_steady(&segment, 0, from);
    assert!(a.refused(&["own_echo", "stale", "tampered"]) >= sent);
}

/// The same 36 bytes hold in both families, as far as CARP's HMAC goes.
fn v4_inside_v6() {
    let segment = v6_segment(2);
    segment.flood();
    let setup = Setup::skew(0).sharing(&["10.9.0.200/16", "2001:db8:9::c8/64"]);
    let (a, b) = pair(&segment, &setup, &Setup { skew: 100, ..setup.clone() });
    segment.await_ad_of(0, wire::now(), seconds(3));
    let from = wire::now();
    let last = segment.ads_of(0, 0.0).pop().expect("just heard").frame;
    let stranger = segment.observer().mac;
    let mut frames = Vec::new();
    for (base, skew) in [(0, 0), (255, 255), (1, 0)] {
        let altered = frames::altered(&last, base, skew);
        // The master's own address, as the kernel made it, and one that is nobody's.
        frames.push(frames::in_ipv6(&altered, segment.hosts[0].mac, link_local(1)));
        frames.push(frames::in_ipv6(&altered, stranger, link_local(100)));
    }
    let sent = attack(&segment, &frames, Duration::from_millis(20), seconds(4));
    assert_undisturbed(&segment, &a, &b, from);
    assert!(b.refused(&["tampered", "stale"]) >= sent);
}

/// What the kernel makes of the hardware address of host number `n` from one.
fn link_local(n: u16) -> Ipv6Addr {
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0xff, 0xfe00, 0x0900 | n)
}

/// As many names as the table of peers has no room for, from as many hardware addresses.
fn invented_senders() {
    let (segment, a, b) = watched_pair();
    let from = wire::now();
    let last = segment.await_ad_of(0, from, seconds(2)).frame;
    let mut frames = Vec::new();
    for n in 0..20 {
        for (base, skew) in [(1, 0), (0, 0), (255, 255)] {
            let altered = frames::altered(&last, base, skew);
            frames.push(frames::renamed(&altered, [2, 0, 0, 0, 0x77, n], Ipv4Addr::new(10, 9, 7, n)));
        }
    }
    let sent = attack(&segment, &frames, Duration::from_millis(5), seconds(4));
    assert_undisturbed(&segment, &a, &b, from);
    for daemon in [&a, &b] {
        assert!(daemon.refused(&["tampered", "stale"]) >= sent);
        daemon.await_line("that names are invented", seconds(1), |l| l.contains("[tampered]"));
    }
}

/// Who never heard the master is not told by altered words of it that it lives, and not by words of others.
fn newcomer() {
    let segment = Segment::new(2);
    segment.flood();
    let a = lone_master(&segment, 0, Kind::Ours, &Setup::default());
    let recorded = recorded(&segment, 0);
    a.signal(Signal::SIGKILL);
    segment.cut(0);
    let mut frames: Vec<_> =
        [(0, 0), (255, 255), (5, 0)].map(|(b, s)| frames::altered(&recorded, b, s)).into();
    frames.push(frames::renamed(&recorded, segment.observer().mac, Ipv4Addr::new(10, 9, 7, 7)));
    let began = wire::now();
    let b = Daemon::start(&segment, 1, Kind::Ours, &Setup::skew(100));
    let sent = attack(&segment, &frames, Duration::from_millis(20), seconds(5));
    let took = first_told(&segment, 1, began) - began;
    assert!(took < 4.5, "took over after {took:.3} s");
    assert_eq!(b.hook_names(), ["down", "up"]);
    assert!(b.refused(&["tampered", "stale"]) >= sent / 2);
}

/// A segment where a master has died, and all that it said, once in half a second.
fn dead_and_recorded() -> (Segment, Vec<Vec<u8>>) {
    let segment = Segment::new(2);
    segment.flood();
    let setup = Setup::skew(128).with(&["--advbase=0"]);
    let died = lone_master(&segment, 0, Kind::Ours, &setup);
    let all = || segment.ads_of(0, 0.0);
    eventually("a long recording", seconds(12), || all().len() >= 18);
    drop(died);
    segment.cut(0);
    let recorded = all().into_iter().map(|ad| ad.frame).collect();
    (segment, recorded)
}

/// Plays a recording as it was spoken, once.
fn play(segment: &Segment, recorded: &[Vec<u8>]) {
    for frame in recorded {
        segment.wire().send(frame);
        thread::sleep(Duration::from_millis(500));
    }
}

/// Who never heard a host cannot tell its recording from one whose clock is behind and that does not hear us: by default it
/// is followed for as long as it lasts, and that is said.
fn recording_followed() {
    let (segment, recorded) = dead_and_recorded();
    let from = wire::now();
    let b = Daemon::start(&segment, 1, Kind::Ours, &Setup::skew(100));
    play(&segment, &recorded);
    assert_eq!(b.role(), "BACKUP");
    assert_eq!(b.hook_names(), ["down"]);
    assert_eq!(told(&segment, 1, from).len(), 0);
    assert_few_answers(&segment, 1, from);
    let said = b.lines(|l| l.contains("[WARNING]") && l.contains("[UC1027]"));
    assert_eq!(said.len(), 1, "{said:?}");
    b.await_hooks(&["down", "up"], seconds(5));
    // It was heard by now.
    play(&segment, &recorded[..4]);
    assert_eq!(b.hook_names(), ["down", "up"]);
    assert!(b.refused(&["stale"]) >= 4);
}

/// With --replay=refuse for a dead time.
fn recording_refused() {
    let (segment, recorded) = dead_and_recorded();
    let from = wire::now();
    let b = Daemon::start(&segment, 1, Kind::Ours, &Setup::skew(100).with(&["--replay=refuse"]));
    play(&segment, &recorded);
    let took = first_told(&segment, 1, from) - from;
    // 3 + 100/256 s from its first word, and from no other.
    assert!((3.0..4.5).contains(&took), "took over after {took:.3} s");
    assert_eq!(b.role(), "MASTER");
    assert_eq!(b.hook_names(), ["down", "up"]);
    assert!(b.refused(&["stale"]) >= 2);
    assert_steady(&segment, 1, from + took + 1.5);
}

/// A wrapper that takes the clock, the random numbers or the captures away from a daemon.
pub(super) fn faked(segment: &Segment, words: &str) -> Option<String> {
    let library = segment.dir().join("faked.so");
    if !library.exists() {
        let compiler = Command::new("cc")
            .args(["-shared", "-fPIC", "-x", "c", "-", "-o"])
            .arg(&library)
            .stdin(Stdio::piped())
            .spawn();
        let Ok(mut compiler) = compiler else { skip("needs cc") };
        let source = include_bytes!("faked.c");
        compiler.stdin.take().expect("piped").write_all(source).expect("cc reads it all");
        assert!(compiler.wait().expect("it is our child").success());
    }
    Some(format!("{words} LD_PRELOAD={} exec \"$@\"", library.display()))
}

/// Two machines made from one image have the same random numbers before them.
fn clones() {
    let segment = Segment::new(2);
    let setup = Setup { wrapper: faked(&segment, "FAKED_RANDOM=7"), ..Setup::skew(10) };
    segment.cut(0);
    // Whatever the first one says, the second one would have said before.
    let b = lone_master(&segment, 1, Kind::Ours, &setup);
    thread::sleep(seconds(1));
    let a = Daemon::start(&segment, 0, Kind::Ours, &setup);
    a.await_hooks(&["down", "up"], seconds(8));
    segment.join(0);
    let healed = wire::now();
    segment.await_ad_of(0, healed, seconds(2));
    segment.await_sole_master(0, seconds(5));
    assert_eq!((a.role(), b.role()), ("MASTER".to_owned(), "BACKUP".to_owned()));
    let lost = segment.ads_of(1, healed).len();
    assert!(lost <= 2, "the loser advertised {lost} times");
    assert_eq!(a.refused(&["own_echo"]) + b.refused(&["own_echo"]), 0);
}

/// Two hosts were given one address, and are not taken for an echo of each other.
fn one_source_address() {
    let segment = Segment::with_addresses(&[Ipv4Addr::new(10, 9, 0, 1); 2]);
    let said = |daemon: &Daemon| {
        daemon.await_line("that there is another one", seconds(5), |l| {
            l.contains("[ERROR]") && l.contains("[UC1004]")
        });
    };
    let (a, b) = master_and_backup(&segment, OURS, (&Setup::default(), &Setup::skew(100)));
    said(&b);
    segment.cut(0);
    b.await_hooks(&["down", "up"], seconds(6));
    segment.join(0);
    b.await_hooks(&["down", "up", "down"], seconds(5));
    said(&a);
    let from = wire::now();
    throughout("the better one alone advertises", seconds(4), || {
        told(&segment, 0, from).iter().all(|ad| ad.mac == segment.hosts[0].mac)
    });
    assert_eq!((a.role(), b.role()), ("MASTER".to_owned(), "BACKUP".to_owned()));
    assert_eq!(a.hook_names(), ["down", "up"]);
}

/// Its clock is an hour behind what the other one has heard of it: one answer puts that right before it counts as dead.
fn clock_fell_back() {
    let segment = Segment::new(2);
    segment.flood();
    let patient = Setup::skew(100).with(&["--deadratio=5"]);
    let (a, b) = master_and_backup(&segment, OURS, (&Setup::default(), &patient));
    let late = Setup { wrapper: faked(&segment, "FAKED_CLOCK=-3600"), ..Setup::default() };
    let died = segment.await_ad_of(0, wire::now(), seconds(2)).at;
    drop(a);
    let a = Daemon::start(&segment, 0, Kind::Ours, &late);
    // It listens for three seconds, and the other one waits for 5 + 100/256.
    segment.await_ad_of(0, died + 0.1, seconds(5));
    eventually("an answer", seconds(1), || !segment.ads_of(1, died).is_empty());
    b.await_line("that it is too old", seconds(1), |l| l.contains("[stale]"));
    let from = wire::now();
    eventually("a goes on", seconds(4), || told(&segment, 0, from).len() >= 3);
    assert_eq!((a.role(), b.role()), ("MASTER".to_owned(), "BACKUP".to_owned()));
    assert_eq!(b.hook_names(), ["down"]);
    assert_eq!(told(&segment, 1, died).len(), 0, "the other one took over");
    assert_eq!(b.refused(&["stale"]), 1);
}
