//! Bad days of an interface: downed, deleted, renamed, without carrier at the wrong moment, and without addresses.

use std::net::Ipv4Addr;

use nix::sys::signal::Signal;

use super::Case;
use super::cases::{backup, lone_master, master_and_backup, seconds};
use super::daemon::{Daemon, Kind, Setup};
use super::faults::ends_by_itself;
use super::segment::{Segment, VHID, VIP, eventually, throughout};
use super::wire;

const OURS: (Kind, Kind) = (Kind::Ours, Kind::Ours);

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![
        Case::new("interface_down_as_master", ours, down_as_master),
        Case::new("interface_down_as_backup", ours, down_as_backup),
        Case::new("interface_made_again_with_another_mac", ours, another_mac),
        Case::new("interface_made_again_gets_its_address_late", ours, late_address),
        Case::new("interface_made_again_with_the_same_number", ours, same_number),
        Case::new("interface_renamed_and_named_back", ours, renamed),
        Case::new("interface_loses_its_last_source", ours, last_source),
        Case::new("interface_loses_its_last_source_beside_peers", ours, last_source_beside_peers),
        Case::new("interface_borrows_an_address", ours, borrowed_source),
        Case::new("interface_without_an_address", ours, no_source),
        Case::new("interface_outside_the_shared_network", ours, outside),
        Case::new("interface_outside_the_network_of_a_peer", ours, peer_outside),
        Case::new("ignored_state_starts_without_carrier", ours, ignored_at_start),
        Case::new("ignored_state_keeps_the_role", ours, ignored_as_master),
        Case::new("term_while_the_carrier_is_lost", ours, term_without_carrier),
        Case::new("term_in_the_grace_of_a_lost_carrier", ours, term_in_grace),
    ]
}

/// The other leaves, and this host follows: it really hears and is heard.
#[track_caller]
pub(crate) fn takes_over_when_asked(segment: &Segment, host: usize, other: &Daemon) {
    takes_over_when_asked_of(segment, segment.hosts[host].address, other);
    segment.await_owner(host, seconds(3));
}

#[track_caller]
fn takes_over_when_asked_of(segment: &Segment, source: Ipv4Addr, other: &Daemon) {
    let at = other.signal_at(Signal::SIGUSR2);
    segment.wire().await_ad(&format!("an advertisement of {source}"), seconds(2), |ad| {
        ad.at >= at && ad.source == source && ad.vhid == VHID && !ad.is_bow_out()
    });
}

fn down_as_master() {
    let segment = Segment::new(2);
    let (mut a, b) = master_and_backup(&segment, OURS, (&Setup::default(), &Setup::skew(100)));
    segment.hosts[0].sh("ip link set eth0 down");
    a.await_hooks(&["down", "up", "down"], seconds(4));
    assert_eq!(a.hooks()[2].reason(), "link_down");
    b.await_hooks(&["down", "up"], seconds(6));
    segment.await_owner(1, seconds(2));
    assert!(a.is_running());
    assert_eq!(a.role(), "INIT");
    let back = wire::now();
    segment.hosts[0].sh("ip link set eth0 up");
    eventually("it takes part again", seconds(4), || a.role() == "BACKUP");
    throughout("it leaves the new master alone", seconds(2), || segment.ads_of(0, back).is_empty());
    takes_over_when_asked(&segment, 0, &b);
}

fn down_as_backup() {
    let segment = Segment::new(2);
    let (a, mut b) = master_and_backup(&segment, OURS, (&Setup::default(), &Setup::skew(100)));
    segment.hosts[1].sh("ip link set eth0 down");
    eventually("it gives up its part", seconds(3), || b.role() == "INIT");
    // Longer than its dead time: whoever hears nothing because it is deaf must not become master.
    throughout("it stays there", seconds(4), || b.is_running() && b.hook_names() == ["down"]);
    segment.hosts[1].sh("ip link set eth0 up");
    eventually("it takes part again", seconds(4), || b.role() == "BACKUP");
    assert_eq!(b.hook_names(), ["down"]);
    assert_eq!(a.hook_names(), ["down", "up"]);
    takes_over_when_asked(&segment, 1, &a);
}

fn another_mac() {
    let mut segment = Segment::new(2);
    let (a, b) = master_and_backup(&segment, OURS, (&Setup::default(), &Setup::skew(100)));
    segment.hosts[0].sh("ip link del eth0");
    a.await_hooks(&["down", "up", "down"], seconds(4));
    b.await_hooks(&["down", "up"], seconds(6));
    let mac = [2, 0, 0, 0, 0xab, 0xcd];
    segment.hosts[0].mac = mac;
    segment.plug_in_again(0);
    eventually("it takes part again", seconds(6), || a.role() == "BACKUP");
    let at = wire::now();
    takes_over_when_asked(&segment, 0, &b);
    assert!(segment.ads_of(0, at).iter().all(|ad| ad.mac == mac), "sent from the old hardware address");
    segment.wire().await_arp("the new address announced", seconds(2), |arp| {
        arp.at > at && arp.is_gratuitous() && arp.sender == VIP && arp.sender_mac == mac
    });
}

/// By name and number it is the one that was; nothing opened on that one works on this.
fn same_number() {
    let segment = Segment::new(1);
    let a = lone_master(&segment, 0, Kind::Ours, &Setup::default());
    let index = segment.index(0);
    a.signal(Signal::SIGSTOP);
    segment.hosts[0].sh("ip link del eth0");
    segment.plug_in_as(0, index);
    assert_eq!(segment.index(0), index);
    let at = a.signal_at(Signal::SIGCONT);
    a.await_line("that it is another", seconds(3), |l| l.contains("UC2003"));
    segment.await_ad_of(0, at, seconds(6));
    a.await_hooks(&["down", "up", "down", "up"], seconds(3));
    segment.await_owner(0, seconds(3));
    assert_eq!(a.role(), "MASTER");
}

fn last_source() {
    let segment = Segment::new(1);
    let a = lone_master(&segment, 0, Kind::Ours, &Setup::default());
    let address = segment.hosts[0].address;
    for time in 1..=2 {
        segment.hosts[0].sh(&format!("ip addr del {address}/16 dev eth0"));
        let is_lost = |l: &str| l.contains("UC2007") && l.contains("[ERROR]");
        eventually("that it is gone", seconds(2), || a.lines(is_lost).len() == time);
        let at = wire::now();
        eventually("it goes on", seconds(4), || segment.ads_of(0, at).len() >= 2);
        segment.hosts[0].sh(&format!("ip addr add {address}/16 dev eth0"));
        let is_back = |l: &str| l.contains("UC2007") && l.contains("[INFO]");
        eventually("that it is back", seconds(2), || a.lines(is_back).len() == time);
    }
    assert_eq!((a.role(), a.hook_names()), ("MASTER".into(), vec!["down".into(), "up".into()]));
}

/// The system sends from no address that it does not have. A master has the shared one.
fn last_source_beside_peers() {
    let segment = Segment::new(2);
    segment.flood();
    let (first, second) =
        (Setup::default().with(&["--peer=10.9.0.2"]), Setup::skew(100).with(&["--peer=10.9.0.1"]));
    let (a, b) = master_and_backup(&segment, OURS, (&first, &second));
    let address = segment.hosts[0].address;
    segment.hosts[0].sh(&format!("ip addr del {address}/16 dev eth0"));
    let at = wire::now();
    eventually("advertisements from the shared address", seconds(6), || {
        segment.wire().ads(|ad| ad.at > at && ad.source == VIP && ad.mac == segment.hosts[0].mac).len() >= 4
    });
    assert_eq!((a.role(), b.hook_names()), ("MASTER".into(), vec!["down".into()]));
    assert!(a.lines(|l| l.contains("UC1009")).is_empty(), "it was demoted");
    segment.hosts[0].sh(&format!("ip addr add {address}/16 dev eth0"));
    let at = wire::now();
    segment.await_ad_of(0, at, seconds(3));
    assert_eq!(b.hook_names(), ["down"]);
}

/// An interface without a number of its own sends from that of another.
fn borrowed_source() {
    let segment = Segment::new(1);
    let address = segment.hosts[0].address;
    segment.hosts[0].sh(&format!(
        "ip addr flush dev eth0 && ip link add lender type veth peer name its-far-end && \
         ip addr add {address}/32 dev lender && ip link set lender up && ip route add 10.9.0.0/16 dev eth0"
    ));
    let a = lone_master(&segment, 0, Kind::Ours, &Setup::default());
    segment.await_owner(0, seconds(3));
    segment.hosts[0].sh(&format!("ip addr del {address}/32 dev lender"));
    a.await_line("that it is gone", seconds(2), |l| l.contains("UC2007") && l.contains("[ERROR]"));
    segment.hosts[0].sh(&format!("ip addr add {address}/32 dev lender"));
    a.await_line("that it is back", seconds(2), |l| l.contains("UC2007") && l.contains("[INFO]"));
}

fn no_source() {
    let segment = Segment::new(2);
    segment.hosts[0].sh("ip -4 addr flush dev eth0");
    let a = Daemon::start(&segment, 0, Kind::Ours, &Setup::default().with(&["--srcip=0.0.0.0"]));
    segment.wire().await_ad("an advertisement from the shared address", seconds(8), |ad| {
        ad.source == VIP && ad.mac == segment.hosts[0].mac && ad.vhid == VHID
    });
    a.await_hooks(&["down", "up"], seconds(2));
    let b = backup(&segment, 1, Kind::Ours, &Setup::skew(100));
    segment.hosts[0].sh("ip link set eth0 down");
    b.await_hooks(&["down", "up"], seconds(6));
    segment.hosts[0].sh("ip link set eth0 up");
    eventually("it takes part again", seconds(4), || a.role() == "BACKUP");
    takes_over_when_asked_of(&segment, VIP, &b);
    assert!(a.lines(|l| l.contains("UC2007")).is_empty(), "it has lost what it never had");
}

/// What `ucarp --check` with these words says, and how a daemon with them starts.
fn said_by(segment: &Segment, words: &[&'static str]) -> (Option<i32>, String, Daemon) {
    let mut check = segment.hosts[0].command(Kind::Ours.binary());
    check.args(["--interface=eth0", "--vhid=7", "--pass=secret", "--addr=10.9.0.200", "--check"]).args(words);
    let (status, said) = ends_by_itself(check);
    (status, said, Daemon::start(segment, 0, Kind::Ours, &Setup::default().with(words)))
}

fn outside() {
    let segment = Segment::new(1);
    let (status, said, a) = said_by(&segment, &["--addr=10.10.0.7", "--addr=10.9.255.7"]);
    let wanted = |l: &str| l.contains("10.10.0.7 is in none of the networks that eth0 is connected to");
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(said.lines().filter(|l| l.starts_with("warning: ") && wanted(l)).count(), 1, "{said}");
    a.await_line("the same", seconds(3), |l| wanted(l) && l.contains("[WARNING]") && l.contains("UC2020"));
    assert_eq!(a.lines(|l| l.contains("UC2020")).len(), 1);
    a.await_hooks(&["down", "up"], seconds(6));
    drop(a);
    // A route without a gateway is a connection too.
    segment.hosts[0].sh("ip route add 10.10.0.0/16 dev eth0");
    let (_, said, b) = said_by(&segment, &["--addr=10.10.0.7"]);
    assert!(!said.contains("warning: --addr"), "{said}");
    b.await_line("its first line", seconds(3), |l| l.contains("sharing"));
    throughout("no such warning", seconds(1), || b.lines(|l| l.contains("UC2020")).is_empty());
}

fn peer_outside() {
    let segment = Segment::new(1);
    let wanted = "the peer 192.0.2.9 is in none of the networks that eth0 is connected to";
    let words = &["--peer=10.9.0.2", "--peer=192.0.2.9"];
    let (status, said, mut a) = said_by(&segment, words);
    assert!(status == Some(2) && said.contains(wanted), "{status:?} {said}");
    assert_eq!(a.await_exit(seconds(3)).code(), Some(2));
    a.await_line("why it ended", seconds(2), |l| l.contains(wanted));
    drop(a);
    segment.hosts[0].sh("ip route add 192.0.2.0/24 dev eth0");
    let (status, said, mut b) = said_by(&segment, words);
    assert_eq!(status, Some(0), "{said}");
    b.await_hooks(&["down", "up"], seconds(6));
    assert!(b.is_running());
}

fn late_address() {
    let segment = Segment::new(2);
    let (mut a, b) = master_and_backup(&segment, OURS, (&Setup::default(), &Setup::skew(100)));
    segment.hosts[0].sh("ip link del eth0");
    a.await_hooks(&["down", "up", "down"], seconds(4));
    b.await_hooks(&["down", "up"], seconds(6));
    segment.plug_in_again(0);
    let address = segment.hosts[0].address;
    segment.hosts[0].sh(&format!("ip addr del {address}/16 dev eth0"));
    throughout("it waits", seconds(2), || a.is_running());
    segment.hosts[0].sh(&format!("ip addr add {address}/16 dev eth0"));
    eventually("it takes part again", seconds(6), || a.role() == "BACKUP");
    takes_over_when_asked(&segment, 0, &b);
}

fn renamed() {
    let segment = Segment::new(2);
    let (mut a, b) = master_and_backup(&segment, OURS, (&Setup::default(), &Setup::skew(100)));
    // Older kernels rename only what is down.
    segment.hosts[0]
        .sh("ip link set eth0 down && ip link set eth0 name elsewhere && ip link set elsewhere up");
    a.await_hooks(&["down", "up", "down"], seconds(4));
    assert_eq!(a.hooks()[2].arguments, ["elsewhere", "10.9.0.200"]);
    eventually("nothing stays on the renamed interface", seconds(2), || {
        !segment.hosts[0].sh("ip -o -4 addr show dev elsewhere").contains(&VIP.to_string())
    });
    b.await_hooks(&["down", "up"], seconds(6));
    eventually("the role of a host without its interface", seconds(2), || a.role() == "INIT");
    throughout("it goes on", seconds(1), || a.is_running());
    segment.hosts[0]
        .sh("ip link set elsewhere down && ip link set elsewhere name eth0 && ip link set eth0 up");
    eventually("it takes part again", seconds(6), || a.role() == "BACKUP");
    takes_over_when_asked(&segment, 0, &b);
}

fn ignored_at_start() {
    let segment = Segment::new(1);
    segment.port(0, "down");
    let mut a = Daemon::start(&segment, 0, Kind::Ours, &Setup::default().with(&["--ignoreifstate"]));
    a.await_hooks(&["down", "up"], seconds(8));
    assert_eq!(a.role(), "MASTER");
    let at = wire::now();
    segment.port(0, "up");
    segment.await_ad_of(0, at, seconds(4));
    segment.await_owner(0, seconds(3));
    assert!(a.is_running());
}

fn ignored_as_master() {
    let segment = Segment::new(2);
    let setup = Setup::default().with(&["--ignoreifstate"]);
    let (a, b) = master_and_backup(&segment, OURS, (&setup, &Setup::skew(100)));
    segment.port(0, "down");
    b.await_hooks(&["down", "up"], seconds(6));
    throughout("the link's state is ignored", seconds(1), || a.hook_names() == ["down", "up"]);
    assert_eq!(a.role(), "MASTER");
    segment.port(0, "up");
    // Which one stays depends on how often it failed to send; that it is one of them does not.
    let mut last = None;
    eventually("one of the two advertises alone", seconds(8), || {
        let ads = segment.wire().ads(|ad| ad.at > wire::now() - 4.0);
        last = ads.last().map(|ad| ad.source);
        ads.len() >= 4 && ads[ads.len() - 4..].iter().all(|ad| Some(ad.source) == last)
    });
    let winner = segment.hosts.iter().position(|h| Some(h.address) == last).expect("one of ours");
    segment.await_owner(winner, seconds(3));
    let (master, other) = if winner == 0 { (&a, &b) } else { (&b, &a) };
    assert_eq!((master.role().as_str(), other.role().as_str()), ("MASTER", "BACKUP"));
}

fn term_without_carrier() {
    let segment = Segment::new(1);
    let mut a = lone_master(&segment, 0, Kind::Ours, &Setup::default().with(&["--shutdown"]));
    segment.port(0, "down");
    a.await_hooks(&["down", "up", "down"], seconds(4));
    eventually("the hook has ended", seconds(2), || a.hooks()[2].ended.is_some());
    a.signal(Signal::SIGTERM);
    assert_eq!(a.await_exit(seconds(1)).code(), Some(0));
    assert_eq!(a.hook_names(), ["down", "up", "down"], "there was nothing left to take down");
    assert!(!segment.hosts[0].has_address(VIP));
}

fn term_in_grace() {
    let segment = Segment::new(1);
    let mut a = lone_master(&segment, 0, Kind::Ours, &Setup::default().with(&["--shutdown"]));
    segment.port(0, "down");
    a.await_line("that it keeps the address for a while", seconds(2), |l| l.contains("lost its link"));
    a.signal(Signal::SIGTERM);
    assert_eq!(a.await_exit(seconds(2)).code(), Some(0));
    a.await_hooks(&["down", "up", "down"], seconds(1));
    assert!(!segment.hosts[0].has_address(VIP));
}
