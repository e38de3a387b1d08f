//! Addresses that the daemon itself puts on its interface and takes off it.

use std::net::Ipv4Addr;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use ucarp::protocol::MacAddr;

use super::Case;
use super::cases::{lone_master, master_and_backup, seconds};
use super::daemon::{Daemon, Kind, Setup};
use super::families::v6_segment;
use super::frames::Arp;
use super::segment::{Segment, VIP, eventually, throughout};
use super::wire;

const VIP6: &str = "2001:db8:9::c8";
const OURS: (Kind, Kind) = (Kind::Ours, Kind::Ours);

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![
        Case::new("managed_in_every_transition", ours, every_transition),
        Case::new("managed_and_no_scripts_at_all", ours, no_scripts),
        Case::new("managed_after_a_partition", ours, partition),
        Case::new("managed_left_by_who_was_killed", ours, left_behind),
        Case::new("managed_and_given_by_somebody", ours, given_by_somebody),
        Case::new("managed_taken_away_once", ours, taken_once),
        Case::new("managed_taken_away_three_times", ours, taken_thrice),
        Case::new("managed_for_a_lifetime", ours, lifetime),
        Case::new("managed_interface_set_down_and_up", ours, set_down_and_up),
        Case::new("managed_in_the_subnet_of_the_host", ours, in_the_subnet),
        Case::new("managed_64_addresses", ours, many),
        Case::new("managed_engine_that_is_given_up", ours, given_up),
        Case::new("managed_engine_that_dies_once", ours, dies_once),
        Case::new("managed_that_cannot_be_put_on", ours, cannot_be_put_on),
        Case::new("managed_and_used_by_a_stranger", ours, stranger),
        Case::new("managed_and_answered_for_by_another_leg", ours, another_leg),
        Case::new("managed_and_used_by_no_stranger", ours, || no_stranger(OURS)),
        Case::new("managed_and_given_back_by_the_ancestor", &[Kind::Ours, Kind::Theirs], || {
            no_stranger((Kind::Ours, Kind::Theirs))
        }),
    ]
}

/// What a script finds on the interface when it begins.
const LOOKS: &str = "ip -o addr show dev eth0 >$0.$(date +%s.%N).seen";

fn seen(segment: &Segment, hook: &str) -> Vec<String> {
    let mut found: Vec<_> = std::fs::read_dir(segment.dir())
        .expect("it is there")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.starts_with(hook) && name.ends_with(".seen")
        })
        .collect();
    found.sort();
    found.iter().map(|path| std::fs::read_to_string(path).expect("it was written")).collect()
}

#[track_caller]
fn await_address(segment: &Segment, host: usize, there: bool) {
    let what = if there { "the address is put on" } else { "the address is taken off" };
    eventually(what, seconds(3), || segment.hosts[host].has_address(VIP) == there);
}

#[track_caller]
fn assert_own(segment: &Segment) {
    for host in &segment.hosts {
        assert!(host.has_address(host.address), "{} has its own address", host.name);
    }
}

fn every_transition() {
    let segment = Segment::new(2);
    let looks = |skew| Setup { up: LOOKS, down: LOOKS, ..Setup::managed(skew) };
    let (mut a, b) = master_and_backup(&segment, OURS, (&looks(0), &looks(100)));
    segment.await_owner(0, seconds(2));
    assert!(segment.hosts[0].sh("ip -o addr show dev eth0").contains("10.9.0.200/32 "));
    let holds = |a: bool, b: bool| {
        await_address(&segment, 0, a);
        await_address(&segment, 1, b);
        assert_own(&segment);
    };
    holds(true, false);
    // Asked to step aside.
    let asked = a.signal_at(Signal::SIGUSR2);
    b.await_hooks(&["down", "up"], seconds(3));
    a.await_hooks(&["down", "up", "down"], seconds(3));
    holds(false, true);
    segment.await_owner(1, seconds(2));
    let announced = segment.wire().await_arp("its announcement", seconds(2), |arp| {
        arp.at > asked && arp.is_gratuitous() && arp.sender == VIP && arp.sender_mac == segment.hosts[1].mac
    });
    let ad = segment.await_ad_of(1, asked, seconds(1));
    // It ends a while after it began.
    let ended = b.hooks().into_iter().find(|run| run.hook == "up").and_then(|run| run.ended).expect("it ran");
    assert!(ad.at <= announced.at && announced.at < ended, "{} {} {ended}", ad.at, announced.at);
    // The link of a master goes for good, and the host that waits takes over.
    segment.port(1, "down");
    b.await_hooks(&["down", "up", "down"], seconds(4));
    a.await_hooks(&["down", "up", "down", "up"], seconds(6));
    holds(true, false);
    segment.port(1, "up");
    eventually("it is backup again", seconds(5), || b.role() == "BACKUP");
    holds(true, false);
    // The end without --shutdown is polite.
    let told = a.signal_at(Signal::SIGTERM);
    segment.await_bow_out_of(0, told, seconds(1));
    assert!(a.await_exit(seconds(3)).success());
    holds(false, true);
    segment.await_owner(1, seconds(2));
    for (hook, there) in [("up", true), ("down", false)] {
        let seen = seen(&segment, hook);
        assert!(seen.len() >= 3, "{hook} ran");
        assert!(seen.iter().all(|list| list.contains(" 10.9.0.200/") == there), "{hook}: {seen:?}");
    }
}

fn no_scripts() {
    let segment = Segment::new(1);
    let mut command = segment.hosts[0].command(Kind::Ours.binary());
    command.args(["-i", "eth0", "-v", "7", "-p", "secret", "-a", "10.9.0.200/24", "--manage-address", "-z"]);
    let none = segment.dir().join("no-hooks");
    let mut a = Daemon::spawn(&segment, "a (ours)", Kind::Ours, command, none);
    eventually("the address is there", seconds(8), || segment.hosts[0].has_address(VIP));
    assert!(segment.hosts[0].sh("ip -o addr show dev eth0").contains("10.9.0.200/24 "));
    segment.await_owner(0, seconds(2));
    a.signal(Signal::SIGTERM);
    assert!(a.await_exit(seconds(3)).success());
    assert!(!segment.hosts[0].has_address(VIP) && a.lines(|line| line.contains("[UC2001]")).is_empty());
}

// Both are master for a while; the loser's address is gone before its script begins, and nobody has it twice for long.
fn partition() {
    let segment = Segment::new(2);
    let looks = |skew| Setup { down: LOOKS, ..Setup::managed(skew) };
    let (a, b) = master_and_backup(&segment, OURS, (&looks(0), &looks(100)));
    segment.cut(1);
    b.await_hooks(&["down", "up"], seconds(6));
    await_address(&segment, 1, true);
    segment.join(1);
    b.await_hooks(&["down", "up", "down"], seconds(4));
    assert!(!segment.hosts[1].has_address(VIP), "its script has ended");
    assert!(seen(&segment, "down").iter().all(|list| !list.contains(" 10.9.0.200/")));
    segment.await_owner(0, seconds(2));
    assert_eq!((a.role().as_str(), b.role().as_str()), ("MASTER", "BACKUP"));
}

fn left_behind() {
    let segment = Segment::new(2);
    let (mut a, b) = master_and_backup(&segment, OURS, (&Setup::managed(0), &Setup::managed(100)));
    let engine = a.engine().expect("it has one");
    a.signal_hands(Signal::SIGKILL);
    let _ = kill(engine, Signal::SIGKILL);
    a.await_exit(seconds(2));
    b.await_hooks(&["down", "up"], seconds(6));
    assert!(segment.hosts[0].has_address(VIP), "nobody took it off");
    let again = Daemon::start(&segment, 0, Kind::Ours, &Setup::managed(0).with(&["--neutral"]));
    again.await_line("what it found", seconds(3), |l| l.contains("[UC1060]") && l.contains("10.9.0.200"));
    assert!(!segment.hosts[0].has_address(VIP));
    segment.await_owner(1, seconds(2));
    assert!(again.hook_names().is_empty(), "--neutral is about the script");
}

// Whoever gives it to a backup makes two hosts of one.
fn given_by_somebody() {
    let segment = Segment::new(2);
    let (_a, b) = master_and_backup(&segment, OURS, (&Setup::managed(0), &Setup::managed(100)));
    segment.hosts[1].sh("ip addr add 10.9.0.200/16 dev eth0");
    await_address(&segment, 1, false);
    b.await_line("what it found", seconds(1), |l| l.contains("[UC1060]") && l.contains("10.9.0.200"));
    segment.await_owner(0, seconds(2));
}

fn taken_once() {
    let segment = Segment::new(1);
    let a = lone_master(&segment, 0, Kind::Ours, &Setup::managed(0));
    let mac = segment.hosts[0].mac;
    let taken = wire::now();
    let away = segment.hosts[0].sh("ip addr del 10.9.0.200/32 dev eth0; from=$(date +%s%N); n=0; \
         while [ $n -lt 2000 ] && ! ip -o addr show dev eth0 | grep -q ' 10.9.0.200/'; do n=$((n+1)); done; \
         echo $(($(date +%s%N) - from))");
    let away = Duration::from_nanos(away.trim().parse().expect("a number"));
    a.await_line("that it is gone", seconds(1), |l| l.contains("[UC1061]") && l.contains("10.9.0.200"));
    a.await_line("that it is back", seconds(1), |l| l.contains("[UC1022]"));
    segment.wire().await_arp("its announcement", seconds(1), |arp| {
        arp.at > taken && arp.is_gratuitous() && arp.sender == VIP && arp.sender_mac == mac
    });
    assert!(away < Duration::from_millis(100), "{away:?}");
    // Nobody else is known: it is put back for ever, more and more seldom.
    for _ in 0..3 {
        segment.hosts[0].sh("ip addr del 10.9.0.200/32 dev eth0");
        await_later(&segment);
    }
    assert_eq!((a.role().as_str(), a.hook_names().len()), ("MASTER", 2));
    assert!(a.lines(|line| line.contains("[UC1062]")).is_empty());
}

#[track_caller]
fn await_later(segment: &Segment) {
    eventually("it is put back", seconds(9), || segment.hosts[0].has_address(VIP));
}

fn taken_thrice() {
    let segment = Segment::new(2);
    let (a, b) = master_and_backup(&segment, OURS, (&Setup::managed(0), &Setup::managed(100)));
    a.await_line("who would take over", seconds(3), |l| l.contains("[UC1048]"));
    for left in (0..3).rev() {
        await_later(&segment);
        segment.hosts[0].sh("ip addr del 10.9.0.200/32 dev eth0");
        if left > 0 {
            await_later(&segment);
            assert_eq!(a.lines(|line| line.contains("[UC1062]")).len(), 0, "{left} to come");
        }
    }
    a.await_line("that it gives up", seconds(2), |l| l.contains("[UC1062]"));
    a.await_line("why", seconds(1), |l| l.contains(" address_taken]"));
    b.await_hooks(&["down", "up"], seconds(6));
    segment.await_owner(1, seconds(2));
    throughout("it does not come back", seconds(2), || a.role() == "BACKUP");
    assert!(!segment.hosts[0].has_address(VIP));
}

// Somebody else's address with a lifetime is adopted, and kept when that is over.
fn lifetime() {
    let segment = Segment::new(1);
    let a = Daemon::start(&segment, 0, Kind::Ours, &Setup::managed(0).with(&["--on-lost-address=warn"]));
    a.await_hooks(&["down", "up"], seconds(8));
    segment.hosts[0].sh("ip addr change 10.9.0.200/32 dev eth0 valid_lft 2 preferred_lft 2");
    a.await_line("that it is gone", seconds(8), |l| l.contains("[UC1061]"));
    await_address(&segment, 0, true);
    segment.await_owner(0, seconds(2));
    assert!(segment.hosts[0].sh("ip -o addr show dev eth0 to 10.9.0.200").contains("valid_lft forever"));
}

// The kernel takes the IPv6 addresses of an interface that is set down, and never brings them back.
fn set_down_and_up() {
    let segment = v6_segment(1);
    // Here a search for duplicates would be long.
    segment.hosts[0].sh(
        "cd /proc/sys/net/ipv6/conf; for i in all eth0; do echo 1 >$i/accept_dad; done; echo 9 >eth0/dad_transmits",
    );
    let setup = Setup::managed(0).sharing(&["10.9.0.200/16", "2001:db8:9::c8/64"]);
    let a = Daemon::start(&segment, 0, Kind::Ours, &setup);
    a.await_hooks(&["down", "up"], seconds(8));
    let has_both = || {
        let list = segment.hosts[0].sh("ip -o addr show dev eth0");
        list.contains("10.9.0.200/16") && list.contains(&format!("{VIP6}/64")) && !list.contains("dadfailed")
    };
    eventually("the addresses are there", seconds(3), has_both);
    for _ in 0..3 {
        segment.hosts[0].sh("ip link set eth0 down; ip link set eth0 up");
        eventually("the addresses are back", seconds(3), has_both);
    }
    assert_eq!((a.role().as_str(), a.hook_names().len()), ("MASTER", 2));
    assert!(a.lines(|line| line.contains("[UC1035]")).is_empty(), "it can be used at once");
}

// A primary that goes takes its secondaries along, whichever of the two is ours.
fn in_the_subnet() {
    let segment = Segment::new(2);
    let host = &segment.hosts[0];
    host.sh("for i in all eth0; do echo 0 >/proc/sys/net/ipv4/conf/$i/promote_secondaries; done");
    let shared = |skew| Setup::managed(skew).sharing(&["10.9.0.200/16"]);
    let (mut a, b) = master_and_backup(&segment, OURS, (&shared(0), &shared(100)));
    let entry = || host.sh("ip -o -4 addr show dev eth0 to 10.9.0.200");
    assert!(entry().contains("secondary"), "{}", entry());
    // The host's own is renewed, and ours goes with it.
    host.sh("ip addr del 10.9.0.1/16 dev eth0; ip addr add 10.9.0.1/16 dev eth0");
    await_address(&segment, 0, true);
    // And again, with ours first.
    host.sh("ip addr flush dev eth0 scope global");
    await_later(&segment);
    host.sh("ip addr add 10.9.0.1/16 dev eth0");
    assert!(!entry().contains("secondary"), "{}", entry());
    a.signal(Signal::SIGUSR2);
    b.await_hooks(&["down", "up"], seconds(3));
    await_address(&segment, 0, false);
    assert_own(&segment);
    // Once more by the end of the process.
    host.sh("ip addr del 10.9.0.1/16 dev eth0");
    host.sh("ip addr add 10.9.0.1/16 dev eth0");
    a.signal(Signal::SIGTERM);
    assert!(a.await_exit(seconds(3)).success());
    assert_own(&segment);
    assert_eq!(host.sh("cat /proc/sys/net/ipv4/conf/eth0/promote_secondaries").trim(), "0");
}

fn many() {
    let segment = Segment::new(2);
    let shared: Vec<String> = (100..164).map(|n| format!("10.9.7.{n}")).collect();
    let setup = |skew| Setup { shared: shared.clone(), ..Setup::managed(skew) };
    let a = Daemon::start(&segment, 0, Kind::Ours, &setup(0));
    a.await_hooks(&["down", "up"], seconds(8));
    let count = |host: usize| segment.hosts[host].sh("ip -o addr show dev eth0").matches(" 10.9.7.").count();
    assert_eq!(count(0), 64);
    let b = Daemon::start(&segment, 1, Kind::Ours, &setup(100));
    b.await_hooks(&["down"], seconds(8));
    eventually("the second is backup", seconds(3), || b.role() == "BACKUP");
    a.signal(Signal::SIGUSR2);
    b.await_hooks(&["down", "up"], seconds(3));
    assert_eq!((count(0), count(1)), (0, 64));
    let last = Ipv4Addr::new(10, 9, 7, 163);
    assert_eq!(segment.who_answers(last), [segment.hosts[1].mac]);
}

fn given_up() {
    let segment = Segment::new(2);
    let looks = |skew| Setup { down: LOOKS, ..Setup::managed(skew) };
    let (a, b) = master_and_backup(&segment, OURS, (&looks(0), &looks(100)));
    for _ in 0..4 {
        let engine = a.engine().expect("it has one");
        kill(engine, Signal::SIGKILL).expect("it lives");
        eventually("it is another one, or none", seconds(2), || a.engine() != Some(engine));
        thread::sleep(Duration::from_millis(300));
    }
    a.await_line("that it rests", seconds(2), |l| l.contains("[UC2013]"));
    await_address(&segment, 0, false);
    b.await_hooks(&["down", "up"], seconds(3));
    segment.await_owner(1, seconds(2));
    assert!(seen(&segment, "down").iter().all(|list| !list.contains(" 10.9.0.200/")));
}

fn dies_once() {
    let segment = Segment::new(2);
    let (a, b) = master_and_backup(&segment, OURS, (&Setup::managed(0), &Setup::managed(100)));
    let died = wire::now();
    kill(a.engine().expect("it has one"), Signal::SIGKILL).expect("it lives");
    eventually("it goes on", seconds(3), || segment.ads_of(0, died).len() >= 2);
    throughout("the address stays", seconds(1), || segment.hosts[0].has_address(VIP));
    assert_eq!((a.hook_names(), b.hook_names().len()), (vec!["down".into(), "up".into()], 1));
    // What vanished while nobody looked is put back, and what is left is taken off.
    segment.hosts[0].sh("ip addr del 10.9.0.200/32 dev eth0");
    await_address(&segment, 0, true);
    assert!(a.lines(|line| line.contains("[UC1060]")).is_empty(), "it is not strange");
}

// A host without IPv6 cannot have what it should share.
fn cannot_be_put_on() {
    let segment = v6_segment(2);
    let both = |skew| Setup::managed(skew).sharing(&["10.9.0.200", VIP6]).with(&["--hook-failure=demote"]);
    let a = Daemon::start(&segment, 0, Kind::Ours, &both(0));
    a.await_hooks(&["down", "up"], seconds(8));
    let b = Daemon::start(&segment, 1, Kind::Ours, &both(100));
    b.await_hooks(&["down"], seconds(8));
    eventually("the second is backup", seconds(4), || b.role() == "BACKUP");
    // Its limit of addresses is reached, which is no change of the link.
    segment.hosts[1].sh("echo 1 >/proc/sys/net/ipv6/conf/eth0/max_addresses");
    segment.hosts[1].sh("echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6 || true");
    a.signal(Signal::SIGUSR2);
    b.await_line("what it cannot do", seconds(6), |l| l.contains("[UC1063]") && l.contains(VIP6));
    a.await_hooks(&["down", "up", "down", "up"], seconds(9));
    segment.await_owner(0, seconds(3));
    assert!(!segment.hosts[1].has_address(VIP), "what it had it gave back");
}

// A machine on the segment has it, and its kernel answers whoever asks.
fn stranger() {
    let segment = Segment::new(3);
    let other = &segment.hosts[2];
    other.sh("ip addr add 10.9.0.200/16 dev eth0");
    let says = |line: &str| line.contains("[UC2044]");
    let a = Daemon::start(&segment, 0, Kind::Ours, &Setup::managed(0));
    a.await_hooks(&["down", "up"], seconds(8));
    let line = a.await_line("who has it too", seconds(7), says);
    assert!(line.contains(&MacAddr(other.mac).to_string()) && line.contains("10.9.0.200"), "{line}");
    let b = Daemon::start(&segment, 1, Kind::Ours, &Setup::managed(100));
    throughout("that is all", seconds(5), || {
        a.lines(says).len() == 1 && b.lines(says).is_empty() && a.role() == "MASTER"
    });
    assert_eq!(a.hook_names().len(), 2, "nobody can move it by answering");
}

// Of two masters one gives way, and takes the address off in its own time.
fn no_stranger(kinds: (Kind, Kind)) {
    let segment = Segment::new(2);
    let setup = |skew| if kinds.1 == Kind::Ours { Setup::managed(skew) } else { Setup::skew(skew) };
    let is_ours = kinds.1 == Kind::Ours;
    // The ancestor does not say that it hears, and who is heard by nobody gives way unless it preempts.
    let first = if is_ours { setup(0) } else { Setup::managed(0).with(&["-P"]) };
    let (a, b) = master_and_backup(&segment, kinds, (&first, &setup(100)));
    for _ in 0..2 {
        let from = wire::now();
        segment.cut(0);
        segment.await_ad_of(1, from, seconds(6));
        thread::sleep(seconds(3));
        segment.join(0);
        segment.await_owner(0, seconds(3));
    }
    for (daemon, next) in [(&a, 1), (&b, 0)].into_iter().filter(|_| is_ours) {
        daemon.signal(Signal::SIGUSR2);
        segment.await_owner(next, seconds(5));
        // He asks who else has it.
        thread::sleep(seconds(3));
    }
    let asked = |arp: &Arp| arp.sender.is_unspecified() && arp.target == VIP;
    segment.wire().await_arp("its question", seconds(4), asked);
    throughout("nobody is strange", seconds(4), || {
        [&a, &b].iter().all(|daemon| daemon.lines(|line| line.contains("[UC2044]")).is_empty())
    });
}

// A kernel answers for its addresses on whatever interface it is asked.
fn another_leg() {
    let segment = Segment::new(1);
    let host = &segment.hosts[0];
    let namespace = host.namespace();
    let namespace = namespace.file_name().expect("it has a name").to_string_lossy();
    assert!(segment.switch(&format!(
        "ip link add to-a2 type veth peer name eth1 netns {namespace} && ip link set to-a2 master br0 up"
    )));
    host.sh("ip link set eth1 up");
    let a = lone_master(&segment, 0, Kind::Ours, &Setup::managed(0));
    eventually("both answer", seconds(3), || segment.who_answers(VIP).len() == 2);
    throughout("it is no stranger", seconds(6), || a.lines(|line| line.contains("[UC2044]")).is_empty());
}
