//! Who is fit to serve: holds after a blocked port, delays before preempting, and virtual hosts that move together.

use std::thread;

use nix::sys::signal::Signal;

use super::cases::{lone_master, seconds};
use super::daemon::{Daemon, Kind, Setup};
use super::reload::{Served, vip};
use super::segment::{Segment, VIP, eventually, throughout};
use super::{Case, wire};

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![
        Case::new("port_blocked_without_a_hold", ours, blocked_port),
        Case::new("port_blocked_with_a_start_hold", ours, start_hold),
        Case::new("preempting_after_a_delay", ours, preempt_delay),
        Case::new("usr2_is_refused_where_it_would_be_undone", ours, refused),
        Case::new("group_moves_when_one_cable_is_cut", ours, group),
    ]
}

fn worse(segment: &Segment) -> Daemon {
    lone_master(segment, 1, Kind::Ours, &Setup::skew(100))
}

fn assert_undisturbed(master: &Daemon) {
    assert_eq!((master.role().as_str(), master.hook_names()), ("MASTER", vec!["down".into(), "up".into()]));
}

/// The switch forwards nothing of a host whose link is up, as a spanning tree has it: alone it is master, and no longer
/// when the port opens, although it is the preferred one.
fn blocked_port() {
    let segment = Segment::new(2);
    let there = worse(&segment);
    segment.cut(0);
    let a = Daemon::start(&segment, 0, Kind::Ours, &Setup::skew(0));
    a.await_hooks(&["down", "up"], seconds(6));
    thread::sleep(seconds(2));
    segment.join(0);
    a.await_line("that its port was blocked", seconds(4), |line| line.contains("[UC1055]"));
    a.await_hooks(&["down", "up", "down"], seconds(2));
    assert_eq!(a.hooks()[2].reason(), "unheard");
    throughout("it stays backup", seconds(3), || a.role() == "BACKUP");
    assert_undisturbed(&there);
    segment.await_owner(1, seconds(2));
}

fn start_hold() {
    let segment = Segment::new(2);
    let there = worse(&segment);
    segment.cut(0);
    let a = Daemon::start(&segment, 0, Kind::Ours, &Setup::skew(0).with(&["--start-hold=30s"]));
    throughout("silence is no reason", seconds(6), || a.hook_names() != ["down", "up"]);
    segment.join(0);
    throughout("it is backup of whom it hears", seconds(3), || a.role() == "BACKUP");
    assert_undisturbed(&there);
    there.signal(Signal::SIGKILL);
    // Long before the hold would be over.
    a.await_hooks(&["down", "up"], seconds(7));
}

fn preempt_delay() {
    let segment = Segment::new(2);
    let there = worse(&segment);
    let from = wire::now();
    let a = Daemon::start(&segment, 0, Kind::Ours, &Setup::skew(0).with(&["-P", "--preempt-delay=4s"]));
    a.await_line("when", seconds(4), |line| {
        a.signal(Signal::SIGUSR1);
        line.contains("preempts in ")
    });
    let ad = segment.await_ad_of(0, from, seconds(12));
    let waited = ad.at - from;
    assert!(waited >= 4.0, "{waited:.3} s");
    there.await_hooks(&["down", "up", "down"], seconds(3));
    assert_eq!(a.hooks()[1].reason(), "slower_master");
}

fn refused() {
    let segment = Segment::new(2);
    let a = lone_master(&segment, 0, Kind::Ours, &Setup::skew(0).with(&["-P"]));
    let b = Daemon::start(&segment, 1, Kind::Ours, &Setup::skew(100));
    a.await_line("who would take over", seconds(4), |line| line.contains("[UC1048]"));
    a.signal(Signal::SIGUSR2);
    a.await_line("that it is refused", seconds(2), |line| line.contains("[UC1017]"));
    throughout("it stays", seconds(1), || b.role() == "BACKUP");
    assert_undisturbed(&a);
}

fn group() {
    let segment = Segment::new(2);
    let second = segment.second_network();
    let sources = ["10.10.0.1", "10.10.0.2"];
    let serve = |host: usize| {
        let common = format!("pass = \"secret\"\ngroup = \"front\"\nadvskew = {}", 100 * host);
        let lan = format!("{common}\ninterface = \"eth1\"\nsrcip = \"{}\"", sources[host]);
        let web = format!("{common}\nsrcip = \"SOURCE\"");
        let text = vip("web", 7, &VIP.to_string(), &web) + &vip("lan", 8, "10.10.1.200", &lan);
        Served::start(&segment, host, &Setup::default(), &text)
    };
    let on_second = |host: usize, since: f64| {
        let source: std::net::Ipv4Addr = sources[host].parse().expect("an address");
        !second.ads(|ad| ad.source == source && ad.at >= since && !ad.is_bow_out()).is_empty()
    };
    let mut a = serve(0);
    segment.await_owner(0, seconds(6));
    eventually("it is master of both", seconds(4), || on_second(0, 0.0));
    let mut b = serve(1);
    let b = b.daemon();
    b.await_line("that it follows", seconds(5), |line| line.contains("lan: Switching to state: BACKUP"));
    thread::sleep(seconds(2));
    let cut = wire::now();
    segment.port(0, "down");
    let a = a.daemon();
    a.await_line("what demotes", seconds(5), |line| {
        line.contains("lan: Demoted by 240 for link:eth0") && line.contains("[UC1056]")
    });
    a.await_line("that it leaves", seconds(3), |line| {
        line.contains("lan: Switching to state: BACKUP") && line.contains("(was MASTER)")
    });
    segment.await_owner(1, seconds(6));
    eventually("the other is master of both", seconds(2), || on_second(1, cut));
    let settled = wire::now();
    segment.port(0, "up");
    a.await_line("that it is well", seconds(4), |line| line.contains("lan: No longer demoted"));
    throughout("both stay together", seconds(4), || !on_second(0, settled + 0.1));
    segment.await_owner(1, seconds(2));
}
