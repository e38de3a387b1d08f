//! Several addresses, and IPv6: both families advertise, both move.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU8;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use ucarp::protocol::{Authenticator, Key};

use super::Case;
use super::cases::seconds;
use super::daemon::{Daemon, Kind, Setup};
use super::frames::{self, is_ad_of};
use super::segment::{Segment, VHID, VIP, end_of, eventually, throughout};
use super::{skip, wire};

const VIP6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 9, 0, 0, 0, 0, 0xc8);

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![
        Case::new("ipv6_alone", ours, v6_alone),
        Case::new("ipv6_beside_ipv4", ours, dual_stack),
        Case::new("ipv6_polite_stop", ours, v6_polite_stop),
        Case::new("ipv6_pruned_on_the_way", ours, || pruned(|frame| !is_ad_of(true, frame), "IPv6")),
        Case::new("ipv6_behind_extension_headers", ours, v6_behind_extension_headers),
        Case::new("ipv4_pruned_on_the_way", ours, || pruned(|frame| !is_ad_of(false, frame), "IPv4")),
        Case::new("addresses_in_any_order", ours, several_addresses),
        Case::new("addresses_that_differ", ours, different_addresses),
        Case::new("address_that_only_the_other_has", ours, extra_address),
        Case::new("password_cut_by_ifconfig", ours, cut_password),
        Case::new("ancestor_with_one_of_two_addresses", &[Kind::Ours, Kind::Theirs], one_of_two),
        Case::new("ipv6_address_still_tentative", ours, tentative_source),
        Case::new("ipv6_address_that_another_host_has", ours, duplicate_source),
        Case::new("shared_address_that_another_host_has", ours, duplicate_shared),
        Case::new("shared_address_still_tentative", ours, tentative_shared),
        Case::new("ipv6_address_that_another_host_has_beside_ipv4", ours, duplicate_beside_v4),
        Case::new("ipv6_address_that_another_host_has_beside_a_kernel", ours, duplicate_beside_kernel),
    ]
}

pub(crate) fn v6_segment(hosts: u8) -> Segment {
    if !Path::new("/proc/sys/net/ipv6").exists() {
        skip("this kernel has no IPv6");
    }
    let segment = Segment::new(hosts);
    for host in &segment.hosts {
        eventually("a link-local address", seconds(5), || {
            let list = host.sh("ip -o -6 addr show dev eth0 scope link");
            list.contains("fe80::") && !list.contains("tentative")
        });
    }
    segment
}

/// Since when, and from this host.
fn ads6(segment: &Segment, host: usize, since: f64) -> usize {
    let mac = segment.hosts[host].mac;
    segment.wire().ads6(|ad| ad.at >= since && ad.mac == mac && !ad.bow_out).len()
}

/// Starts both, and waits until the second follows the first.
pub(crate) fn pair(segment: &Segment, first: &Setup, second: &Setup) -> (Daemon, Daemon) {
    let a = Daemon::start(segment, 0, Kind::Ours, first);
    a.await_hooks(&["down", "up"], seconds(8));
    let b = Daemon::start(segment, 1, Kind::Ours, second);
    b.await_hooks(&["down"], seconds(3));
    eventually("the second is backup", seconds(3), || b.role() == "BACKUP");
    (a, b)
}

/// Waits until this host, and nobody else, answers for the shared IPv6 address.
#[track_caller]
fn await_owner6(segment: &Segment, host: usize, limit: Duration) {
    let wanted = vec![segment.hosts[host].mac];
    let end = end_of(limit);
    loop {
        let asked = wire::now();
        segment.wire().ask_for_neighbour(VIP6);
        thread::sleep(Duration::from_millis(150));
        let mut found: Vec<_> = segment
            .wire()
            .neighbours(|n| n.at >= asked && n.solicited && n.target == VIP6)
            .iter()
            .map(|n| n.mac)
            .collect();
        found.sort_unstable();
        found.dedup();
        if found == wanted {
            return;
        }
        assert!(Instant::now() < end, "after {limit:?} {VIP6} is answered by {found:x?}");
    }
}

#[track_caller]
fn await_announcement6(segment: &Segment, host: usize, since: f64) {
    let mac = segment.hosts[host].mac;
    segment.wire().await_neighbour("the announcement of the IPv6 address", seconds(3), |n| {
        n.at >= since && !n.solicited && n.overriding && n.target == VIP6 && n.mac == mac
    });
}

fn v6_alone() {
    let segment = v6_segment(2);
    let setup = Setup::skew(0).sharing(&["2001:db8:9::c8/64"]);
    let (a, b) = pair(&segment, &setup, &Setup { skew: 100, ..setup.clone() });
    await_owner6(&segment, 0, seconds(3));
    let from = wire::now();
    eventually("three advertisements", seconds(5), || ads6(&segment, 0, from) >= 3);
    assert!(segment.wire().ads(|_| true).is_empty(), "IPv4 advertisements without an IPv4 address to share");
    assert!(segment.wire().ads6(|_| true).iter().all(|ad| ad.source.is_unicast_link_local()));
    assert_eq!(ads6(&segment, 1, 0.0), 0);
    segment.cut(0);
    let at = wire::now();
    a.signal(Signal::SIGKILL);
    b.await_hooks(&["down", "up"], seconds(6));
    assert_eq!(
        b.hooks()[1].environment.get("UCARP_ADDRESSES").map(String::as_str),
        Some("2001:db8:9::c8/64")
    );
    assert_eq!(b.hooks()[1].arguments, ["eth0", "2001:db8:9::c8"]);
    await_announcement6(&segment, 1, at);
    await_owner6(&segment, 1, seconds(3));
    assert!(ads6(&segment, 1, at) >= 1);
}

fn dual_stack() {
    let segment = v6_segment(2);
    let setup = Setup::skew(0).sharing(&["10.9.0.200/16", "2001:db8:9::c8/64"]);
    let (a, b) = pair(&segment, &setup, &Setup { skew: 100, ..setup.clone() });
    await_owner6(&segment, 0, seconds(3));
    segment.await_owner(0, seconds(3));
    let from = wire::now();
    eventually("four of each family", seconds(6), || {
        segment.ads_of(0, from).len() >= 4 && ads6(&segment, 0, from) >= 4
    });
    let (v4, v6) = (segment.ads_of(0, from).len(), ads6(&segment, 0, from));
    assert!(v4.abs_diff(v6) <= 1, "{v4} in IPv4, {v6} in IPv6");
    assert_eq!((segment.ads_of(1, 0.0).len(), ads6(&segment, 1, 0.0)), (0, 0));
    segment.cut(0);
    let at = wire::now();
    a.signal(Signal::SIGKILL);
    b.await_hooks(&["down", "up"], seconds(6));
    b.await_line("who fell silent, by its IPv4 address", seconds(1), |l| {
        l.contains("UC1001") && l.contains(&format!(" {} ", segment.hosts[0].address))
    });
    await_announcement6(&segment, 1, at);
    await_owner6(&segment, 1, seconds(3));
    segment.await_owner(1, seconds(3));
    let mac = segment.hosts[1].mac;
    segment.wire().await_arp("the announcement of the IPv4 address", seconds(2), |arp| {
        arp.at > at && arp.is_gratuitous() && arp.sender == VIP && arp.sender_mac == mac
    });
    assert!(!segment.ads_of(1, at).is_empty() && ads6(&segment, 1, at) >= 1);
}

fn v6_polite_stop() {
    let segment = v6_segment(2);
    let setup = Setup::skew(0).sharing(&["10.9.0.200", "2001:db8:9::c8"]).with(&["--shutdown"]);
    let (mut a, b) = pair(&segment, &setup, &Setup { skew: 100, ..setup.clone() });
    let at = a.signal_at(Signal::SIGTERM);
    let mac = segment.hosts[0].mac;
    segment
        .wire()
        .await_ad6("the bow-out in IPv6", seconds(1), |ad| ad.at >= at && ad.bow_out && ad.mac == mac);
    segment.await_bow_out_of(0, at, seconds(1));
    assert_eq!(a.await_exit(seconds(3)).code(), Some(0));
    b.await_hooks(&["down", "up"], seconds(1));
    await_owner6(&segment, 1, seconds(3));
    segment.await_owner(1, seconds(3));
}

/// A master whose advertisements come behind a hop-by-hop header is a master.
fn v6_behind_extension_headers() {
    let segment = v6_segment(1);
    let setup = Setup::skew(100).sharing(&["2001:db8:9::c8/64"]);
    let key = Key::from_password(setup.password.as_bytes()).expect("a short password");
    let vhid = NonZeroU8::new(VHID).expect("not zero");
    let signer = Authenticator::new(&key, vhid, &[IpAddr::V6(VIP6)]);
    let source = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x100);
    let a = Daemon::start(&segment, 0, Kind::Ours, &setup);
    let mut counter = 0x1234_5678_9abc_def0;
    throughout("the other is heard", seconds(6), || {
        counter += 1;
        let tag = signer.code(counter);
        let mac = segment.observer().mac;
        segment.wire().send(&frames::advertisement_behind_options(mac, source, (VHID, 1, 0), counter, tag));
        ads6(&segment, 0, 0.0) == 0
    });
    assert_eq!((a.hook_names(), a.role()), (vec!["down".to_owned()], "BACKUP".to_owned()));
    a.await_hooks(&["down", "up"], seconds(8));
}

/// A switch that forwards one family's group only: kernels, which keep a timer for each, go to and fro.
fn pruned(passes: fn(&[u8]) -> bool, family: &'static str) {
    let segment = v6_segment(2);
    let setup = Setup::skew(0).sharing(&["10.9.0.200", "2001:db8:9::c8"]);
    let (a, b) = pair(&segment, &setup, &Setup { skew: 100, ..setup.clone() });
    let sieve = segment.sift(1, passes);
    b.await_line("what it misses", seconds(9), |l| l.contains(&format!("No {family} advertisements")));
    throughout("the other family is a sign of life", seconds(3), || b.hook_names() == ["down"]);
    assert_eq!((segment.ads_of(1, 0.0).len(), ads6(&segment, 1, 0.0)), (0, 0));
    drop(sieve);
    segment.join(1);
    b.await_line("that it is back", seconds(4), |l| {
        l.contains(&format!("{family} advertisements")) && l.contains("heard again")
    });
    assert_eq!((a.role().as_str(), b.role().as_str()), ("MASTER", "BACKUP"));
    segment.cut(0);
    a.signal(Signal::SIGKILL);
    b.await_hooks(&["down", "up"], seconds(6));
}

fn several_addresses() {
    let segment = Segment::new(2);
    let first =
        Setup::skew(0).sharing(&["10.9.0.200/16", "10.9.0.201/16", "10.9.0.202", "10.9.1.7/16", "10.8.0.3"]);
    let second =
        Setup::skew(100).sharing(&["10.9.0.202", "10.8.0.3", "10.9.0.200", "10.9.1.7/16", "10.9.0.201/16"]);
    let (a, b) = pair(&segment, &first, &second);
    let from = wire::now();
    eventually("the master goes on", seconds(6), || segment.ads_of(0, from).len() >= 4);
    assert!(segment.ads_of(1, 0.0).is_empty(), "the backup did not understand its master");
    segment.cut(0);
    let at = wire::now();
    a.signal(Signal::SIGKILL);
    b.await_hooks(&["down", "up"], seconds(6));
    let words = &b.hooks()[1];
    assert_eq!(
        words.environment.get("UCARP_ADDRESSES").map(String::as_str),
        Some("10.9.0.202 10.8.0.3 10.9.0.200 10.9.1.7/16 10.9.0.201/16")
    );
    assert_eq!(words.arguments, ["eth0", "10.9.0.202"]);
    let mac = segment.hosts[1].mac;
    for address in [[10, 9, 0, 200], [10, 9, 0, 201], [10, 9, 0, 202], [10, 9, 1, 7], [10, 8, 0, 3]] {
        let address = Ipv4Addr::from(address);
        segment.wire().await_arp("its announcement", seconds(2), |arp| {
            arp.at > at && arp.is_gratuitous() && arp.sender == address && arp.sender_mac == mac
        });
        eventually("it answers for each", seconds(3), || segment.who_answers(address) == [mac]);
    }
}

/// The list is part of what is signed: hosts that share different lists are strangers, and say so.
fn different_addresses() {
    let segment = Segment::new(2);
    let a = Daemon::start(&segment, 0, Kind::Ours, &Setup::skew(0).sharing(&["10.9.0.200", "10.9.0.201"]));
    a.await_hooks(&["down", "up"], seconds(8));
    let b = Daemon::start(&segment, 1, Kind::Ours, &Setup::skew(100));
    let line =
        b.await_line("what does not fit", seconds(6), |l| l.contains("[WARNING]") && l.contains("10.9.0.1"));
    assert!(line.contains("list of addresses") && line.contains("[bad_auth]"), "{line}");
    // Who has more of them knows which is missing; who has fewer cannot.
    let line = a.await_line("why", seconds(6), |l| l.contains("all our addresses but 10.9.0.201"));
    assert!(line.contains("[WARNING]") && line.contains("10.9.0.2 "), "{line}");
    let line = b.await_line("that it cannot know", seconds(6), |l| l.contains("that we do not"));
    assert!(line.contains("[INFO]") && line.contains("10.9.0.1 "), "{line}");
    assert_eq!(a.lines(|l| l.contains("all our addresses but")).len(), 1, "once a minute");
}

/// Whoever asks for the address that only the other host shares tells us of it.
fn extra_address() {
    let segment = Segment::new(2);
    let a = Daemon::start(&segment, 0, Kind::Ours, &Setup::skew(0).sharing(&["10.9.0.200", "10.9.0.201"]));
    a.await_hooks(&["down", "up"], seconds(8));
    let b = Daemon::start(&segment, 1, Kind::Ours, &Setup::skew(100));
    b.await_line("that it cannot know yet", seconds(6), |l| l.contains("that we do not"));
    let told = |l: &str| l.contains("shares 10.9.0.201 as well");
    eventually("what the other has more", seconds(4), || {
        segment.wire().ask_who_has(Ipv4Addr::new(10, 9, 0, 201));
        segment.wire().ask_who_has(Ipv4Addr::new(10, 9, 0, 77));
        !b.lines(told).is_empty()
    });
    let lines = b.lines(told);
    assert!(lines[0].contains("[WARNING]") && lines[0].contains("10.9.0.1 "), "{lines:?}");
    throughout("it is told once", seconds(2), || {
        segment.wire().ask_who_has(Ipv4Addr::new(10, 9, 0, 201));
        b.lines(told).len() == 1
    });
}

/// A password of 20 characters, of which the ifconfig of most kernels keeps 19.
fn cut_password() {
    let segment = Segment::new(2);
    let cut = Setup { password: "1234567890123456789", ..Setup::skew(0) };
    let a = Daemon::start(&segment, 0, Kind::Ours, &cut);
    a.await_hooks(&["down", "up"], seconds(8));
    let whole = Setup { password: "12345678901234567890", ..Setup::skew(100) };
    let b = Daemon::start(&segment, 1, Kind::Ours, &whole);
    let line = b.await_line("why", seconds(6), |l| l.contains("first 19 characters"));
    assert!(line.contains("[WARNING]") && line.contains("10.9.0.1 "), "{line}");
    assert!(b.lines(|l| l.contains("1234567890")).is_empty(), "the log holds the password");
}

/// The ancestor takes one address; beside it two are one too many, which the log tells.
fn one_of_two() {
    let segment = Segment::new(2);
    let a = Daemon::start(&segment, 0, Kind::Theirs, &Setup::skew(0));
    a.await_hooks(&["down", "up"], seconds(8));
    let two = Setup::skew(100).sharing(&["10.9.0.200", "10.9.0.201"]);
    let b = Daemon::start(&segment, 1, Kind::Ours, &two);
    let line = b.await_line("why", seconds(6), |l| l.contains("all our addresses but 10.9.0.201"));
    assert!(line.contains("[WARNING]") && line.contains("10.9.0.1 "), "{line}");
}

/// In the first second of an interface's life its IPv6 address is checked for duplicates: the daemon waits for that.
fn tentative_source() {
    let segment = v6_segment(1);
    // The other cases do without the check; three probes take three seconds.
    let settings = "/proc/sys/net/ipv6/conf/eth0";
    segment.hosts[0].sh(&format!(
        "ip link set eth0 down && echo 1 >{settings}/accept_dad && echo 3 >{settings}/dad_transmits && \
         ip link set eth0 up"
    ));
    eventually("an address that is being checked", seconds(3), || {
        segment.hosts[0].sh("ip -o -6 addr show dev eth0 scope link").contains("tentative")
    });
    let setup = Setup::skew(0).sharing(&["2001:db8:9::c8"]);
    let a = Daemon::start(&segment, 0, Kind::Ours, &setup);
    a.await_line("that it waits", seconds(2), |l| l.contains("checked for duplicates"));
    a.await_line("that it has begun", seconds(6), |l| l.contains("sharing 2001:db8:9::c8"));
    a.await_hooks(&["down", "up"], seconds(8));
    assert!(ads6(&segment, 0, 0.0) >= 1);
}

/// The first host's link-local address is one that the second has too.
fn make_duplicate(segment: &Segment) {
    let settings = "/proc/sys/net/ipv6/conf/eth0";
    segment.hosts[1].sh("ip -6 addr add fe80::77/64 dev eth0 nodad");
    segment.hosts[0].sh(&format!(
        "ip -6 addr flush dev eth0 scope link && echo 1 >{settings}/accept_dad && echo 1 >{settings}/dad_transmits && \
         ip -6 addr add fe80::77/64 dev eth0"
    ));
    eventually("an address that is not its own", seconds(3), || {
        segment.hosts[0].sh("ip -o -6 addr show dev eth0 scope link").contains("dadfailed")
    });
}

/// A shared address that the search found at another host is there and dead: nobody gets an answer from it.
fn duplicate_shared() {
    let segment = v6_segment(2);
    let shared = "2001:db8:9::c8";
    segment.hosts[1].sh(&format!("ip -6 addr add {shared}/64 dev eth0 nodad"));
    segment.hosts[0].sh(
        "cd /proc/sys/net/ipv6/conf && for i in all eth0; do echo 1 >$i/accept_dad; done && echo 1 >eth0/dad_transmits",
    );
    let anew = "ip -6 addr del 2001:db8:9::c8/128 dev eth0; ip -6 addr add 2001:db8:9::c8/128 dev eth0";
    let a = Daemon::start(&segment, 0, Kind::Ours, &Setup::skew(0).sharing(&[shared]));
    let said = |id: &str, what: &str| a.lines(|l| l.contains(id) && l.contains(what)).len();
    a.await_line("that another host has it", seconds(8), |l| {
        l.contains("[UC1034]") && l.contains("[ERROR]") && l.contains(shared)
    });
    a.await_hooks(&["down", "up", "up"], seconds(3));
    assert!(
        segment.hosts[0].sh("ip -o -6 addr show dev eth0").contains("dadfailed"),
        "it is there all the same"
    );
    a.signal(Signal::SIGUSR1);
    eventually("the status says so too", seconds(2), || said("[UC1034]", shared) == 2);
    segment.hosts[1].sh(&format!("ip -6 addr del {shared}/64 dev eth0"));
    segment.hosts[0].sh(anew);
    a.await_line("that it can be used", seconds(5), |l| l.contains("[UC1022]"));
    assert_eq!((a.role().as_str(), said("[UC1021]", "")), ("MASTER", 0));
}

/// Where nobody has it, it is only late.
fn tentative_shared() {
    let segment = v6_segment(1);
    segment.hosts[0].sh(
        "cd /proc/sys/net/ipv6/conf && for i in all eth0; do echo 1 >$i/accept_dad; done && echo 2 >eth0/dad_transmits",
    );
    let a = Daemon::start(&segment, 0, Kind::Ours, &Setup::skew(0).sharing(&["2001:db8:9::c8"]));
    a.await_line("that it is not used yet", seconds(8), |l| {
        l.contains("[UC1035]") && l.contains("2001:db8:9::c8")
    });
    eventually("it is used", seconds(5), || {
        let list = segment.hosts[0].sh("ip -o -6 addr show dev eth0");
        list.contains("2001:db8:9::c8") && !list.contains("tentative")
    });
    throughout("nothing is missed", seconds(2), || {
        a.lines(|l| ["UC1021", "UC1022", "UC1034"].iter().any(|id| l.contains(id))).is_empty()
    });
    assert_eq!(a.hook_names(), ["down", "up"]);
}

/// Whoever answers the check must not keep both families out.
fn duplicate_beside_v4() {
    let segment = v6_segment(2);
    make_duplicate(&segment);
    let setup = Setup::skew(0).sharing(&["10.9.0.200", "2001:db8:9::c8"]);
    let (a, b) = pair(&segment, &setup, &Setup { skew: 100, ..setup.clone() });
    a.await_line("what it does without", seconds(1), |l| {
        l.contains("UC2018") && l.contains("[WARNING]") && l.contains("fe80::77")
    });
    let from = wire::now();
    eventually("four of IPv4", seconds(6), || segment.ads_of(0, from).len() >= 4);
    assert_eq!((ads6(&segment, 0, 0.0), b.hook_names()), (0, vec!["down".to_owned()]));
    segment.await_owner(0, seconds(3));
    segment.hosts[0].sh("ip -6 addr add fe80::78/64 dev eth0");
    a.await_line("that it does both", seconds(4), |l| l.contains("UC2018") && l.contains("[INFO]"));
    let from = wire::now();
    eventually("IPv6 as well", seconds(3), || ads6(&segment, 0, from) >= 2);
    assert_eq!((a.role().as_str(), b.role().as_str()), ("MASTER", "BACKUP"));
}

/// A kernel has a timer for each family, and would take over and give way for ever.
fn duplicate_beside_kernel() {
    let segment = v6_segment(2);
    make_duplicate(&segment);
    let setup = Setup::skew(0).sharing(&["10.9.0.200", "2001:db8:9::c8"]).with(&["--preempt"]);
    let key = Key::from_password(setup.password.as_bytes()).expect("a short password");
    let vhid = NonZeroU8::new(VHID).expect("not zero");
    let signer = Authenticator::new(&key, vhid, &[IpAddr::V4(VIP), IpAddr::V6(VIP6)]);
    let a = Daemon::start(&segment, 0, Kind::Ours, &setup);
    let mut counter = 0x1234_5678_9abc_def0;
    throughout("the other is heard", seconds(5), || {
        counter += 1;
        let tag = signer.code(counter);
        let observer = segment.observer();
        let ad = frames::advertisement(observer.mac, observer.address, VHID, 1, 100, counter, tag);
        segment.wire().send(&ad);
        segment.ads_of(0, 0.0).is_empty()
    });
    a.await_line("why it waits", seconds(1), |l| l.contains("UC1040") && l.contains("10.9.0.100"));
    throughout("it waits", seconds(5), || segment.ads_of(0, 0.0).is_empty() && a.hook_names() == ["down"]);
    assert_eq!(a.role(), "BACKUP");
    segment.hosts[0].sh("ip -6 addr add fe80::78/64 dev eth0");
    a.await_hooks(&["down", "up"], seconds(8));
    assert!(ads6(&segment, 0, 0.0) >= 1);
}

/// The check has found another host with the address: the daemon says so and waits for one that is its own.
fn duplicate_source() {
    let segment = v6_segment(2);
    make_duplicate(&segment);
    let setup = Setup::skew(0).sharing(&["2001:db8:9::c8"]);
    let a = Daemon::start(&segment, 0, Kind::Ours, &setup);
    a.await_line("why it waits", seconds(2), |l| l.contains("fe80::77") && l.contains("another host"));
    throughout("it sends nothing", seconds(4), || ads6(&segment, 0, 0.0) == 0);
    segment.hosts[0].sh("ip -6 addr add fe80::78/64 dev eth0");
    a.await_line("that it has begun", seconds(6), |l| l.contains("from fe80::78"));
    a.await_hooks(&["down", "up"], seconds(8));
    assert!(ads6(&segment, 0, 0.0) >= 1);
}
