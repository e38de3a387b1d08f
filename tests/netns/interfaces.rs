//! Bad days of an interface: downed, deleted, renamed, without carrier at the wrong moment.

use nix::sys::signal::Signal;

use super::Case;
use super::cases::{lone_master, master_and_backup, seconds};
use super::daemon::{Daemon, Kind, Setup};
use super::segment::{Segment, VIP, eventually, throughout};
use super::wire;

const OURS: (Kind, Kind) = (Kind::Ours, Kind::Ours);

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![
        Case::new("interface_down_as_master", ours, down_as_master),
        Case::new("interface_down_as_backup", ours, down_as_backup),
        Case::new("interface_made_again_with_another_mac", ours, another_mac),
        Case::new("interface_made_again_gets_its_address_late", ours, late_address),
        Case::new("interface_renamed_and_named_back", ours, renamed),
        Case::new("ignored_state_starts_without_carrier", ours, ignored_at_start),
        Case::new("ignored_state_keeps_the_role", ours, ignored_as_master),
        Case::new("term_while_the_carrier_is_lost", ours, term_without_carrier),
        Case::new("term_in_the_grace_of_a_lost_carrier", ours, term_in_grace),
    ]
}

/// The other leaves, and this host follows: it really hears and is heard.
#[track_caller]
pub(crate) fn takes_over_when_asked(segment: &Segment, host: usize, other: &Daemon) {
    let at = other.signal_at(Signal::SIGUSR2);
    segment.await_ad_of(host, at, seconds(2));
    segment.await_owner(host, seconds(3));
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
