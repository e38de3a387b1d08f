//! `--peer`: advertisements to single hosts, and none to a group.

use std::net::{IpAddr, Ipv4Addr};
use std::thread;

use nix::sys::signal::Signal;

use super::Case;
use super::cases::seconds;
use super::daemon::{Daemon, Kind, Setup};
use super::families::{pair, v6_segment};
use super::frames::{self, Ad};
use super::segment::{Segment, VHID, eventually, throughout};
use super::wire;

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![
        Case::new("unicast_alone", ours, alone),
        Case::new("unicast_polite_stop", ours, polite_stop),
        Case::new("unicast_with_another_ttl", ours, another_ttl),
        Case::new("unicast_to_three", ours, three),
        Case::new("unicast_peers_out_of_reach", ours, out_of_reach),
        Case::new("unicast_networks_joined", ours, joined),
        Case::new("unicast_from_another_address", ours, renumbered),
        Case::new("unicast_ipv6_routable", ours, || dual_stack(&["--peer=2001:db8:9::2"], "2001:db8:9::2")),
        Case::new("unicast_ipv6_link_local", ours, || {
            dual_stack(&["--peer=fe80::ff:fe00:902", "--peer=10.9.0.2"], "fe80::ff:fe00:902")
        }),
        Case::new("unicast_to_oneself", ours, oneself),
    ]
}

/// Hosts 10.9.0.1 and so on, on a network where the observer sees everything.
fn segment(hosts: u8) -> Segment {
    let segment = Segment::new(hosts);
    segment.flood();
    segment
}

fn to(peers: &[&'static str], skew: u8) -> Setup {
    Setup::skew(skew).with(peers)
}

/// What the kernel of a host said about packets that nobody there understands.
fn complaints(segment: &Segment, host: usize) -> Vec<String> {
    let counters = "cat /proc/net/snmp6 2>/dev/null; grep ^Icmp: /proc/net/snmp";
    let text = segment.hosts[host].sh(counters);
    let mut found: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with("Icmp6OutDestUnreachs") || line.starts_with("Icmp6OutParmProblems"))
        .filter(|line| !line.ends_with("\t0"))
        .map(str::to_owned)
        .collect();
    let mut icmp = text.lines().filter(|line| line.starts_with("Icmp:")).map(str::split_whitespace);
    let (names, values) = (icmp.next().expect("names"), icmp.next().expect("values"));
    found.extend(
        names
            .zip(values)
            .filter(|(name, value)| *name == "OutDestUnreachs" && *value != "0")
            .map(|(name, value)| format!("{name} {value}")),
    );
    found
}

#[track_caller]
fn nothing_to_the_group(segment: &Segment) {
    let strays = segment.wire().ads(|ad| ad.destination == GROUP || ad.mac_destination[0] & 1 == 1);
    assert!(strays.is_empty(), "{strays:?}");
}

fn alone() {
    let segment = segment(2);
    let (a, b) = pair(&segment, &to(&["--peer=10.9.0.2"], 0), &to(&["--peer=10.9.0.1"], 100));
    // Before the backup's daemon ran, its kernel had every right to complain.
    let before = complaints(&segment, 1);
    let from = wire::now();
    eventually("four advertisements", seconds(6), || segment.ads_of(0, from).len() >= 4);
    for ad in segment.ads_of(0, 0.0) {
        assert_eq!((ad.destination, ad.mac), (segment.hosts[1].address, segment.hosts[0].mac));
        assert_eq!(ad.mac_destination, segment.hosts[1].mac);
        assert_eq!((ad.ttl, ad.tos), (255, 0x10));
    }
    segment.await_owner(0, seconds(3));
    assert!(segment.ads_of(1, 0.0).is_empty());
    assert_eq!(b.role(), "BACKUP");
    segment.cut(0);
    let at = wire::now();
    a.signal(Signal::SIGKILL);
    b.await_hooks(&["down", "up"], seconds(6));
    segment.await_owner(1, seconds(3));
    assert_eq!(complaints(&segment, 1), before);
    segment.join(0);
    let ad = segment.await_ad_of(1, at, seconds(5));
    assert_eq!(ad.destination, segment.hosts[0].address);
    nothing_to_the_group(&segment);
}

/// A peer whose system writes another TTL is not heard, and that is said; what strangers send is not looked at.
fn another_ttl() {
    let segment = segment(2);
    let (_a, b) = pair(&segment, &to(&["--peer=10.9.0.2"], 0), &to(&["--peer=10.9.0.1"], 100));
    let [peer, host] = segment.hosts.as_slice() else { panic!("two hosts") };
    let stranger = Ipv4Addr::new(10, 9, 0, 77);
    for source in [stranger, peer.address] {
        let frame = frames::advertisement(segment.observer().mac, source, VHID, 1, 0, 1, [0x5a; 20]);
        segment.wire().send(&frames::to_host(frame, host.mac, host.address, 1));
    }
    let said = |l: &str| l.contains("[WARNING]") && l.contains("bad_ttl");
    let line = b.await_line("another TTL", seconds(2), said);
    assert!(line.contains(" 10.9.0.1 ") && line.contains("its TTL is 1 "), "{line}");
    assert_eq!(b.role(), "BACKUP");
    let lines = b.lines(|l| l.contains(&stranger.to_string()));
    assert!(lines.is_empty(), "{lines:?}");
}

fn polite_stop() {
    let segment = segment(2);
    let stop = &["--shutdown"];
    let (mut a, b) =
        pair(&segment, &to(&["--peer=10.9.0.2"], 0).with(stop), &to(&["--peer=10.9.0.1"], 100).with(stop));
    let from = wire::now();
    eventually("they know each other", seconds(5), || segment.ads_of(0, from).len() >= 2);
    let at = a.signal_at(Signal::SIGTERM);
    let bow_out = segment.await_bow_out_of(0, at, seconds(1));
    assert_eq!(bow_out.destination, segment.hosts[1].address);
    assert_eq!(a.await_exit(seconds(3)).code(), Some(0));
    b.await_hooks(&["down", "up"], seconds(1));
    segment.await_owner(1, seconds(3));
    nothing_to_the_group(&segment);
}

fn three() {
    let segment = segment(3);
    let (a, b) = pair(
        &segment,
        &to(&["--peer=10.9.0.2", "--peer=10.9.0.3"], 0),
        &to(&["--peer=10.9.0.1", "--peer=10.9.0.3"], 50),
    );
    let c = Daemon::start(&segment, 2, Kind::Ours, &to(&["--peer=10.9.0.1", "--peer=10.9.0.2"], 100));
    c.await_hooks(&["down"], seconds(3));
    let before = complaints(&segment, 2);
    let from = wire::now();
    eventually("each is told, with the same advertisement", seconds(5), || {
        let (one, other) = (segment.hosts[1].address, segment.hosts[2].address);
        let ads = segment.ads_of(0, from);
        let told = |ad: &Ad| ads.iter().any(|ads| ads.destination == other && ads.counter == ad.counter);
        ads.iter().any(|ad| ad.destination == one && told(ad))
    });
    segment.cut(0);
    a.signal(Signal::SIGKILL);
    b.await_hooks(&["down", "up"], seconds(6));
    throughout("the third follows the second", seconds(4), || c.hook_names() == ["down"]);
    segment.await_owner(1, seconds(3));
    assert_eq!(complaints(&segment, 2), before);
}

/// Who cannot reach anybody is no worse a master for it: that the others are away is their failure.
fn out_of_reach() {
    let segment = segment(2);
    let a = Daemon::start(&segment, 0, Kind::Ours, &to(&["--peer=10.9.0.77", "--peer=10.9.0.2"], 0));
    a.await_hooks(&["down", "up"], seconds(8));
    segment.hosts[1].sh("ip link set eth0 down");
    thread::sleep(seconds(6));
    assert_eq!(a.role(), "MASTER");
    assert!(a.lines(|l| l.contains("demotion is now") || l.contains("[ERROR]")).is_empty(), "it was demoted");
    assert!(segment.ads_of(0, 0.0).iter().all(|ad| ad.skew == 0), "it was demoted");
    segment.hosts[1].sh("ip link set eth0 up");
    let b = Daemon::start(&segment, 1, Kind::Ours, &to(&["--peer=10.9.0.1"], 100));
    b.await_hooks(&["down"], seconds(3));
    throughout("the newcomer hears the master", seconds(4), || b.hook_names() == ["down"]);
    nothing_to_the_group(&segment);
}

/// Two masters meet, and the one that gives way says so to the other alone.
fn joined() {
    let segment = segment(2);
    let (a, b) = pair(&segment, &to(&["--peer=10.9.0.2"], 0), &to(&["--peer=10.9.0.1"], 0));
    segment.cut(1);
    b.await_hooks(&["down", "up"], seconds(6));
    segment.join(1);
    b.await_hooks(&["down", "up", "down"], seconds(4));
    assert_eq!((a.role().as_str(), b.role().as_str()), ("MASTER", "BACKUP"));
    segment.await_owner(0, seconds(3));
    nothing_to_the_group(&segment);
}

/// The backup's address changes to another one that the master was told of.
fn renumbered() {
    let segment = segment(2);
    let (a, b) =
        pair(&segment, &to(&["--peer=10.9.0.2", "--peer=10.9.0.22"], 0), &to(&["--peer=10.9.0.1"], 100));
    segment.hosts[1].sh("ip addr del 10.9.0.2/16 dev eth0 && ip addr add 10.9.0.22/16 dev eth0");
    throughout("it hears the master at its new address", seconds(5), || b.hook_names() == ["down"]);
    segment.cut(0);
    a.signal(Signal::SIGKILL);
    b.await_hooks(&["down", "up"], seconds(6));
    segment.join(0);
    let new = Ipv4Addr::new(10, 9, 0, 22);
    segment.wire().await_ad("an advertisement from there", seconds(5), |ad| ad.source == new);
}

/// The backup is told by IPv6 at `peer`, and by IPv4 at its address or in the group.
fn dual_stack(peers: &[&'static str], peer: &'static str) {
    let segment = v6_segment(2);
    segment.flood();
    for (host, n) in segment.hosts.iter().zip(1..) {
        host.sh(&format!("ip addr add 2001:db8:9::{n}/64 dev eth0 nodad"));
    }
    let shared = &["10.9.0.200", "2001:db8:9::c8"];
    let mirrored: Vec<&'static str> = peers
        .iter()
        .map(|word| match *word {
            "--peer=10.9.0.2" => "--peer=10.9.0.1",
            "--peer=2001:db8:9::2" => "--peer=2001:db8:9::1",
            _ => "--peer=fe80::ff:fe00:901",
        })
        .collect();
    let first = to(peers, 0).sharing(shared);
    let second = to(&mirrored, 100).sharing(shared).with(&["--debug"]);
    let (a, b) = pair(&segment, &first, &second);
    let from = wire::now();
    let v6 = || segment.wire().ads6(|ad| ad.at >= from && ad.mac == segment.hosts[0].mac);
    eventually("four of each family", seconds(6), || segment.ads_of(0, from).len() >= 4 && v6().len() >= 4);
    assert!(v6().iter().all(|ad| IpAddr::V6(ad.destination) == peer.parse::<IpAddr>().expect("an address")));
    let v4 = if peers.len() > 1 { segment.hosts[1].address } else { GROUP };
    assert!(segment.ads_of(0, from).iter().all(|ad| ad.destination == v4));
    let before = complaints(&segment, 1);
    // A family that does not arrive is told after a dead time.
    throughout("both are heard", seconds(4), || b.lines(|l| l.contains("No IP")).is_empty());
    assert_eq!(b.hook_names(), ["down"]);
    assert_eq!(complaints(&segment, 1), before);
    segment.cut(0);
    a.signal(Signal::SIGKILL);
    b.await_hooks(&["down", "up"], seconds(6));
    segment.await_owner(1, seconds(3));
}

/// Only at start is it known which addresses the interface has.
fn oneself() {
    let segment = segment(1);
    segment.hosts[0].sh("ip addr add 10.9.0.9/16 dev eth0");
    let mut a = Daemon::start(&segment, 0, Kind::Ours, &to(&["--peer=10.9.0.2", "--peer=10.9.0.9"], 0));
    assert_eq!(a.await_exit(seconds(3)).code(), Some(2));
    a.await_line("whose address it is", seconds(3), |l| l.contains("10.9.0.9 is this host itself"));
}
