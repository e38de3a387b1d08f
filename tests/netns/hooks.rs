//! Addresses that vanish, hooks that are not done when they have ended, and links that hooks take away.

use std::time::Duration;

use nix::sys::signal::Signal;

use super::Case;
use super::cases::{lone_master, master_and_backup, seconds};
use super::daemon::{Daemon, Kind, Setup};
use super::families::v6_segment;
use super::segment::{Segment, VIP, eventually, throughout};
use super::wire;

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![
        Case::new("lost_ipv6_by_an_interface_set_down_and_up", ours, set_down_and_up),
        Case::new("lost_address_deleted_by_hand", ours, deleted_by_hand),
        Case::new("lost_address_only_warned_of", ours, only_warned_of),
        Case::new("lost_address_with_the_primary_of_its_subnet", ours, deleted_with_its_primary),
        Case::new("lost_address_by_another_daemons_start", ours, taken_by_another_daemon),
        Case::new("hook_that_takes_the_link_for_2_s", ours, link_taken),
        Case::new("hook_ended_while_unwanted_and_wanted_again", ours, ended_and_wanted_again),
        Case::new("hook_that_cannot_run_until_later", ours, cannot_run_until_later),
        Case::new("hook_that_fails_with_the_address_left", ours, fails_with_the_address_left),
    ]
}

/// Waits until the daemon has said that an address is missing and that it is back, so often.
#[track_caller]
fn await_lost_and_back(daemon: &Daemon, times: usize) {
    eventually("lost and back", seconds(5), || {
        let said = |id: &str| daemon.lines(|line| line.contains(id)).len();
        (said("[UC1021]"), said("[UC1022]")) == (times, times)
    });
}

/// The second line of the answer to SIGUSR1.
#[track_caller]
fn status(daemon: &Daemon) -> String {
    let is_answer = |line: &str| line.contains("hook running:");
    let before = daemon.lines(is_answer).len();
    daemon.signal(Signal::SIGUSR1);
    eventually("an answer to SIGUSR1", seconds(5), || daemon.lines(is_answer).len() > before);
    daemon.lines(is_answer).pop().expect("it was just counted")
}

#[track_caller]
fn await_announcement(segment: &Segment, since: f64) {
    let mac = segment.hosts[0].mac;
    segment.wire().await_arp("the announcement of the address that is back", seconds(3), |arp| {
        arp.at > since && arp.is_gratuitous() && arp.sender == VIP && arp.sender_mac == mac
    });
}

// The kernel takes the IPv6 addresses of an interface that is set down, and never brings them back.
fn set_down_and_up() {
    let segment = v6_segment(1);
    let setup = Setup::default().sharing(&["10.9.0.200/16", "2001:db8:9::c8/64"]);
    let a = Daemon::start(&segment, 0, Kind::Ours, &setup);
    a.await_hooks(&["down", "up"], seconds(8));
    let has_both = || {
        let list = segment.hosts[0].sh("ip -o addr show dev eth0");
        list.contains("10.9.0.200/") && list.contains("2001:db8:9::c8/")
    };
    eventually("the addresses are there", seconds(3), has_both);
    segment.hosts[0].sh("ip link set eth0 down; ip link set eth0 up");
    a.await_hooks(&["down", "up", "up"], seconds(4));
    await_lost_and_back(&a, 1);
    assert!(has_both());
    assert_eq!(a.role(), "MASTER");
}

fn deleted_by_hand() {
    let segment = Segment::new(2);
    let (a, b) =
        master_and_backup(&segment, (Kind::Ours, Kind::Ours), (&Setup::default(), &Setup::skew(100)));
    eventually("the address is there", seconds(3), || segment.hosts[0].has_address(VIP));
    let deleted = wire::now();
    segment.hosts[0].sh("ip addr del 10.9.0.200/32 dev eth0");
    a.await_hooks(&["down", "up", "up"], seconds(3));
    await_lost_and_back(&a, 1);
    await_announcement(&segment, deleted);
    segment.await_owner(0, seconds(2));
    // Within a minute it is only said.
    segment.hosts[0].sh("ip addr del 10.9.0.200/32 dev eth0");
    let missing = || a.lines(|line| line.contains("[UC1021]")).len();
    eventually("it says that it is missing", seconds(2), || missing() == 2);
    throughout("no hook is run", seconds(2), || a.hook_names().len() == 3);
    status(&a);
    eventually("the status says so too", seconds(2), || missing() == 3);
    assert_eq!((a.role().as_str(), b.role().as_str()), ("MASTER", "BACKUP"));
}

fn only_warned_of() {
    let segment = Segment::new(1);
    let a = lone_master(&segment, 0, Kind::Ours, &Setup::default().with(&["--on-lost-address=warn"]));
    eventually("the address is there", seconds(3), || segment.hosts[0].has_address(VIP));
    segment.hosts[0].sh("ip addr del 10.9.0.200/32 dev eth0");
    a.await_line("what is missing", seconds(2), |l| l.contains("[UC1021]") && l.contains(" 10.9.0.200: "));
    segment.hosts[0].sh("ip addr add 10.9.0.200/32 dev eth0");
    await_lost_and_back(&a, 1);
    assert_eq!(a.hook_names(), ["down", "up"]);
}

fn deleted_with_its_primary() {
    let segment = Segment::new(1);
    segment.hosts[0].sh("echo 0 >/proc/sys/net/ipv4/conf/all/promote_secondaries; \
                         echo 0 >/proc/sys/net/ipv4/conf/eth0/promote_secondaries");
    let a = lone_master(&segment, 0, Kind::Ours, &Setup::default().sharing(&["10.9.0.200/16"]));
    eventually("the address is there", seconds(3), || segment.hosts[0].has_address(VIP));
    segment.hosts[0].sh("ip addr del 10.9.0.1/16 dev eth0; ip addr add 10.9.0.1/16 dev eth0");
    a.await_hooks(&["down", "up", "up"], seconds(3));
    await_lost_and_back(&a, 1);
    assert!(segment.hosts[0].has_address(VIP));
    assert_eq!(a.role(), "MASTER");
}

fn taken_by_another_daemon() {
    let segment = Segment::new(1);
    let a = lone_master(&segment, 0, Kind::Ours, &Setup::default());
    eventually("the address is there", seconds(3), || segment.hosts[0].has_address(VIP));
    // Of another virtual host, with the same address by mistake. Its down script runs at its start.
    let other = Daemon::start(&segment, 0, Kind::Ours, &Setup::default().with(&["--vhid=8"]));
    other.await_hooks(&["down"], seconds(5));
    a.await_hooks(&["down", "up", "up"], seconds(3));
    await_lost_and_back(&a, 1);
    assert!(segment.hosts[0].has_address(VIP));
}

fn link_taken() {
    let segment = Segment::new(2);
    let setup = Setup { up: "ip link set eth0 down; sleep 2; ip link set eth0 up", ..Setup::default() };
    // No `lone_master`: the hook has the link before the first advertisement could be followed by a second.
    let a = Daemon::start(&segment, 0, Kind::Ours, &setup);
    a.await_line("who set the interface down", seconds(8), |l| l.contains("[UC1024]") && l.contains("/up-"));
    a.await_line("that it is back", seconds(5), |l| l.contains("[UC1013]"));
    let back = wire::now();
    await_announcement(&segment, back - 0.5);
    eventually("it goes on advertising", seconds(4), || segment.ads_of(0, back).len() >= 2);
    throughout("it stays master", seconds(4), || a.hook_names() == ["down", "up"]);
    assert_eq!(a.role(), "MASTER");
    segment.await_owner(0, seconds(2));
}

/// Stops for long, and does not listen to SIGTERM, when it is run for the first time after SIGUSR2.
const SLOW_ONCE: &str = "case $UCARP_REASON in resigned) if mkdir \"$0.slow\" 2>/dev/null; then \
                         trap '' TERM; sleep 25; fi;; esac";

// MASTER again during a slow down hook, which is asked to end after five seconds; BACKUP before it has ended.
fn ended_and_wanted_again() {
    let segment = Segment::new(2);
    let slow = Setup { down: SLOW_ONCE, ..Setup::default() };
    let stops = Setup::skew(100).with(&["--shutdown"]);
    let (a, mut b) = master_and_backup(&segment, (Kind::Ours, Kind::Ours), (&slow, &stops));
    a.signal(Signal::SIGUSR2);
    b.await_hooks(&["down", "up"], seconds(3));
    a.await_hooks(&["down", "up", "down"], seconds(2));
    std::thread::sleep(seconds(3));
    // It takes over at once, while its down hook runs and has five seconds left.
    let left = b.signal_at(Signal::SIGTERM);
    segment.await_ad_of(0, left, seconds(2));
    b.await_exit(seconds(3));
    a.await_line("that the hook is ended", seconds(7), |l| l.contains("[UC1015]"));
    let announced = segment
        .wire()
        .arps(|arp| arp.at > left && arp.is_gratuitous() && arp.sender_mac == segment.hosts[0].mac);
    assert!(announced.is_empty(), "announced while a down hook runs");
    a.signal(Signal::SIGUSR2);
    eventually("it is killed, and run again", seconds(4), || {
        let hooks = a.hooks();
        hooks.len() == 4 && hooks[3].hook == "down" && hooks[3].ended.is_some()
    });
    assert!(a.hooks()[2].ended.is_none(), "the slow one did not end by itself");
    assert!(!segment.hosts[0].has_address(VIP));
}

fn cannot_run_until_later() {
    let segment = Segment::new(1);
    let a = Daemon::start(&segment, 0, Kind::Ours, &Setup::default());
    a.await_hooks(&["down"], seconds(8));
    // The owner may read it and the command line was accepted; then a deployment goes wrong for a while.
    let scripts = segment.dir().join("up-*.sh").display().to_string();
    segment.hosts[0].sh(&format!("chmod 644 {scripts}"));
    a.await_line("that it cannot run", seconds(8), |l| l.contains("[UC2001]"));
    a.await_line("that it runs again", seconds(1), |l| l.contains("[UC1023]"));
    assert!(status(&a).contains("owed: up"), "{}", status(&a));
    assert_eq!(a.role(), "MASTER");
    segment.hosts[0].sh(&format!("chmod 755 {scripts}"));
    a.await_hooks(&["down", "up"], seconds(7));
    segment.await_owner(0, seconds(2));
    assert!(!status(&a).contains("owed: up"));
}

// It fails, and the address it should have removed is still there; without one it may fail as it likes.
fn fails_with_the_address_left() {
    let segment = Segment::new(1);
    let fails = "case $UCARP_REASON in started) ;; *) ip addr add 10.9.0.200/32 dev eth0;; esac; exit 1";
    let setup = Setup { down: fails, ..Setup::default() };
    let a = lone_master(&segment, 0, Kind::Ours, &setup);
    assert!(!a.lines(|l| l.contains("[UC1014]")).is_empty());
    assert!(a.lines(|l| l.contains("[UC1023]")).is_empty(), "it failed with nothing left");
    eventually("the address is there", seconds(3), || segment.hosts[0].has_address(VIP));
    a.signal(Signal::SIGUSR2);
    a.await_line("that it runs again", seconds(3), |l| l.contains("[UC1023]"));
    assert!(status(&a).contains("owed: down"), "{}", status(&a));
    // Master again after three seconds: the down script is not owed any more.
    eventually("it is master again", Duration::from_secs(6), || a.role() == "MASTER");
    assert!(!status(&a).contains("owed: down"));
}
