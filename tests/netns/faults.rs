//! What goes wrong around a daemon: hooks, floods, cables, sleep, logs that nobody reads, starts that cannot succeed.

use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::Case;
use super::cases::{backup, lone_master, master_and_backup, seconds};
use super::daemon::{Daemon, Kind, Setup};
use super::frames::{self, Ad};
use super::segment::{Segment, VHID, VIP, end_of, eventually, patience, throughout};
use super::surroundings::own_dev;
use super::{skip, wire};

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    let both = &[Kind::Ours, Kind::Theirs];
    vec![
        Case::new("slow_up_hook_beside_ours", ours, || slow_hook(Kind::Ours)),
        Case::new("slow_up_hook_beside_theirs", both, || slow_hook(Kind::Theirs)),
        Case::new("hanging_up_hook", ours, hanging_hook),
        Case::new("failing_up_hook", ours, failing_hook),
        Case::new("flood_of_forged_advertisements", ours, forged_flood),
        Case::new("counters_never_repeat", ours, counters),
        Case::new("carrier_lost_for_50_ms", ours, short_carrier_loss),
        Case::new("carrier_lost_for_6_s", ours, long_carrier_loss),
        Case::new("interface_deleted_and_made_again", ours, interface_deleted),
        Case::new("master_that_slept", ours, slept),
        Case::new("log_that_nobody_reads", ours, stuck_syslog),
        Case::new("interface_missing", ours, interface_missing),
        Case::new("interface_not_ethernet", ours, interface_not_ethernet),
        Case::new("without_privileges", ours, without_privileges),
        Case::new("second_instance", ours, second_instance),
        Case::new("descriptors_run_out", ours, no_descriptors),
        Case::new("events_cannot_be_waited_for", ours, cannot_wait),
        Case::new("few_descriptors_lose_no_warning", ours, few_descriptors),
        Case::new("interface_found_by_source", ours, || interface_by_source("10.9.0.1/24 dev eth0")),
        Case::new("interface_found_by_labelled_source", ours, || {
            interface_by_source("10.9.0.1/24 dev eth0 label eth0:own");
        }),
    ]
}

/// The advertisements of a master of skew `skew` come when they are due.
#[track_caller]
pub(crate) fn assert_on_time(ads: &[Ad], skew: u8) {
    let interval = 1.0 + f64::from(skew) / 256.0;
    for pair in ads.windows(2) {
        let gap = pair[1].at - pair[0].at;
        // A prompt answer to another master may come between; what counts is that nothing is missing.
        assert!(
            gap < interval + 0.4 * f64::from(patience()),
            "{gap:.3} s between two advertisements, not {interval:.3}"
        );
    }
}

fn slow_hook(third: Kind) {
    let segment = Segment::new(3);
    let slow = Setup { up: "sleep 5", ..Setup::skew(50) };
    let (a, b) = master_and_backup(&segment, (Kind::Ours, Kind::Ours), (&Setup::default(), &slow));
    let c = backup(&segment, 2, third, &Setup::skew(150));
    segment.cut(0);
    a.signal(Signal::SIGKILL);
    let first = segment.await_ad_of(1, wire::now(), seconds(6));
    eventually("the hook has ended", seconds(8), || b.hooks().get(1).is_some_and(|up| up.ended.is_some()));
    let ads = segment.ads_of(1, first.at);
    assert!(ads.len() >= 4, "{} advertisements in the 5 s of the hook", ads.len());
    assert_on_time(&ads, 50);
    assert!(segment.ads_of(2, 0.0).is_empty(), "the third host became master");
    assert_eq!(c.role(), "BACKUP");
    assert_eq!(c.hook_names(), ["down"]);
    segment.await_owner(1, seconds(2));
}

fn hanging_hook() {
    let segment = Segment::new(1);
    let setup = Setup { up: "trap '' TERM; sleep 25", ..Setup::default().with(&["--shutdown"]) };
    let mut a = lone_master(&segment, 0, Kind::Ours, &setup);
    eventually("four advertisements", seconds(5), || segment.ads_of(0, 0.0).len() >= 4);
    assert_on_time(&segment.ads_of(0, 0.0), 0);
    let at = a.signal_at(Signal::SIGTERM);
    segment.await_bow_out_of(0, at, seconds(1));
    // Five seconds are left to a hook that is no longer wanted; then it is killed and the down hook runs.
    assert_eq!(a.await_exit(seconds(9)).code(), Some(0));
    a.await_hooks(&["down", "up", "down"], seconds(1));
    assert!(a.hooks()[1].ended.is_none());
    assert!(!segment.hosts[0].has_address(VIP));
}

fn failing_hook() {
    let segment = Segment::new(1);
    let from = wire::now();
    // As an old script that is told at the start to remove what is not there.
    let setup = Setup { up: "exit 3", down: "exit 1", ..Setup::default() };
    let a = lone_master(&segment, 0, Kind::Ours, &setup);
    a.await_line("that the up hook failed", seconds(2), |l| {
        l.contains("[ERROR] The up script") && l.contains("UC1014")
    });
    let first = a.lines(|l| l.contains("The down script") && l.contains("UC1014"));
    assert!(matches!(&first[..], [line] if line.contains("[INFO]")), "{first:#?}");
    let mac = segment.hosts[0].mac;
    segment.wire().await_arp("its announcement all the same", seconds(2), |arp| {
        arp.at > from && arp.is_gratuitous() && arp.sender == VIP && arp.sender_mac == mac
    });
    eventually("it goes on advertising", seconds(4), || segment.ads_of(0, 0.0).len() >= 3);
    assert_eq!(a.role(), "MASTER");
}

fn forged_flood() {
    let segment = Segment::new(2);
    let (a, b) =
        master_and_backup(&segment, (Kind::Ours, Kind::Ours), (&Setup::default(), &Setup::skew(100)));
    let lines_before = a.lines(|_| true).len() + b.lines(|_| true).len();
    let from = wire::now();
    let observer = segment.observer();
    let ours = [segment.hosts[0].address, segment.hosts[1].address, observer.address];
    let sources: Vec<_> = ours.into_iter().chain((1..=60).map(|last| [10, 9, 1, last].into())).collect();
    let mut tag = [0x5a; 20];
    for n in 0..20_000_u64 {
        // Better than the master, slower than the backup bears, a bow-out: each would cost mastership if believed.
        let (base, skew) = [(0, 1), (1, 0), (255, 0), (255, 255)][usize::try_from(n % 4).expect("small")];
        tag[..8].copy_from_slice(&n.to_be_bytes());
        let source = sources[usize::try_from(n).expect("small") % sources.len()];
        segment.wire().send(&frames::advertisement(observer.mac, source, VHID, base, skew, n + 1, tag));
        if n % 500 == 499 {
            thread::sleep(Duration::from_millis(50));
        }
    }
    let lasted = wire::now() - from;
    eventually("two more advertisements", seconds(4), || segment.ads_of(0, from + lasted).len() >= 2);
    assert_on_time(&segment.ads_of(0, from), 0);
    assert!(segment.ads_of(1, 0.0).is_empty(), "the backup became master");
    assert_eq!(a.role(), "MASTER");
    assert_eq!(b.role(), "BACKUP");
    assert_eq!(a.hook_names(), ["down", "up"]);
    assert_eq!(b.hook_names(), ["down"]);
    let lines = a.lines(|_| true).len() + b.lines(|_| true).len() - lines_before;
    assert!(lines <= 20, "{lines} log lines for 20,000 forged frames");
    for daemon in [&a, &b] {
        for kind in ["does not authenticate: another", "has another password", "[UC1045]", "[UC1046]"] {
            let lines = daemon.lines(|line| line.contains(kind));
            assert!(lines.len() <= 1, "more than a line a minute: {lines:#?}");
        }
    }
}

fn counters() {
    let segment = Segment::new(2);
    let (a, b) =
        master_and_backup(&segment, (Kind::Ours, Kind::Ours), (&Setup::default(), &Setup::skew(100)));
    // A counter that comes twice is not by itself wrong (OpenBSD never changes its own); our own never repeats.
    let mut counters: Vec<u64> = segment.ads_of(0, 0.0).iter().map(|ad| ad.counter).collect();
    let sent = counters.len();
    counters.sort_unstable();
    counters.dedup();
    assert_eq!(counters.len(), sent);
    assert!(!counters.contains(&0));
    assert_eq!((a.role().as_str(), b.role().as_str()), ("MASTER", "BACKUP"));
}

fn short_carrier_loss() {
    let segment = Segment::new(2);
    let (a, b) =
        master_and_backup(&segment, (Kind::Ours, Kind::Ours), (&Setup::default(), &Setup::skew(100)));
    let at = wire::now();
    segment.port(0, "down");
    thread::sleep(Duration::from_millis(50));
    segment.port(0, "up");
    let mac = segment.hosts[0].mac;
    segment.wire().await_arp("the announcement after the return", seconds(2), |arp| {
        arp.at > at && arp.is_gratuitous() && arp.sender == VIP && arp.sender_mac == mac
    });
    eventually("three advertisements", seconds(5), || segment.ads_of(0, at).len() >= 3);
    assert_eq!(a.hook_names(), ["down", "up"]);
    assert_eq!(b.hook_names(), ["down"]);
    assert!(segment.ads_of(1, 0.0).is_empty());
    segment.await_owner(0, seconds(1));
}

fn long_carrier_loss() {
    let segment = Segment::new(2);
    let (a, b) =
        master_and_backup(&segment, (Kind::Ours, Kind::Ours), (&Setup::default(), &Setup::skew(100)));
    segment.port(0, "down");
    a.await_hooks(&["down", "up", "down"], seconds(4));
    assert_eq!(a.hooks()[2].reason(), "link_down");
    assert!(!segment.hosts[0].has_address(VIP));
    assert_eq!(a.role(), "INIT");
    b.await_hooks(&["down", "up"], seconds(6));
    segment.await_owner(1, seconds(2));
    let back = wire::now();
    segment.port(0, "up");
    eventually("it takes part again", seconds(4), || a.role() == "BACKUP");
    throughout("it leaves the new master alone", seconds(4), || segment.ads_of(0, back).is_empty());
    segment.await_owner(1, seconds(1));
}

fn interface_deleted() {
    let segment = Segment::new(2);
    let (mut a, b) =
        master_and_backup(&segment, (Kind::Ours, Kind::Ours), (&Setup::default(), &Setup::skew(100)));
    segment.hosts[0].sh("ip link del eth0");
    a.await_hooks(&["down", "up", "down"], seconds(4));
    assert_eq!(a.hooks()[2].reason(), "link_gone");
    b.await_hooks(&["down", "up"], seconds(6));
    segment.await_owner(1, seconds(2));
    assert!(a.is_running());
    segment.plug_in_again(0);
    eventually("it takes part again", seconds(6), || a.role() == "BACKUP");
    // And really hears: the other leaves, it follows.
    let at = b.signal_at(Signal::SIGUSR2);
    segment.await_ad_of(0, at, seconds(2));
    segment.await_owner(0, seconds(3));
}

fn slept() {
    let segment = Segment::new(2);
    let (a, b) =
        master_and_backup(&segment, (Kind::Ours, Kind::Ours), (&Setup::default(), &Setup::skew(100)));
    a.signal(Signal::SIGSTOP);
    b.await_hooks(&["down", "up"], seconds(6));
    let woke = a.signal_at(Signal::SIGCONT);
    a.await_hooks(&["down", "up", "down"], seconds(3));
    assert_eq!(a.hooks()[2].reason(), "overslept");
    assert!(segment.ads_of(0, woke).is_empty(), "it fought its successor");
    segment.await_owner(1, seconds(2));
    segment.await_sole_master(1, seconds(6));
    assert_eq!(b.hook_names(), ["down", "up"]);
}

fn stuck_syslog() {
    let segment = Segment::new(2);
    let (log, wrapper) = own_dev(&segment);
    let reader = UnixDatagram::bind(&log).expect("a socket can be made");
    let writer = UnixDatagram::unbound().expect("a socket can be made");
    writer.set_nonblocking(true).expect("it is ours");
    loop {
        match writer.send_to(b"<30>filling", &log) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("filling the queue of the socket: {error}"),
        }
    }
    let setup = Setup { wrapper: Some(wrapper), ..Setup::default() };
    let a = lone_master(&segment, 0, Kind::Ours, &setup);
    let from = wire::now();
    // Something to log: questions, and a stranger whose password is wrong.
    let observer = segment.observer();
    eventually("five advertisements while it logs", seconds(9), || {
        a.signal(Signal::SIGUSR1);
        let forged = frames::advertisement(observer.mac, observer.address, VHID, 1, 0, 77, [0x77; 20]);
        segment.wire().send(&forged);
        segment.ads_of(0, from).len() >= 5
    });
    assert_on_time(&segment.ads_of(0, from), 0);
    drop(reader);
}

/// Runs the program to its end, which must come by itself, and returns its exit status and what it said.
#[track_caller]
pub(crate) fn ends_by_itself(mut command: Command) -> (Option<i32>, String) {
    command.stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let end = end_of(seconds(5));
    while child.try_wait().expect("it is our child").is_none() {
        if Instant::now() >= end {
            let _ = child.kill();
            let said = child.wait_with_output().expect("it is our child");
            panic!("still runs after 5 s: {}", String::from_utf8_lossy(&[said.stdout, said.stderr].concat()));
        }
        thread::sleep(Duration::from_millis(5));
    }
    let said = child.wait_with_output().expect("it is our child");
    (said.status.code(), String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).into_owned())
}

const WORDS: [&str; 4] = ["--vhid=7", "--pass=secret", "--addr=10.9.0.200", "--srcip=10.9.0.1"];

#[track_caller]
pub(crate) fn assert_start_failure((status, said): (Option<i32>, String), named: &[&str]) {
    assert_eq!(status, Some(2), "{said}");
    assert_eq!(
        said.lines().filter(|l| l.contains("[ERROR]") || l.contains("ucarp")).count(),
        1,
        "not one line: {said}"
    );
    assert!(named.iter().any(|word| said.contains(word)), "none of {named:?} named: {said}");
}

fn interface_missing() {
    let segment = Segment::new(1);
    let mut command = segment.hosts[0].command(Kind::Ours.binary());
    command.arg("--interface=nope0").args(WORDS);
    let (status, said) = ends_by_itself(command);
    assert!(said.contains("the interfaces of this host are") && said.contains("eth0"), "{said}");
    assert_start_failure((status, said), &["nope0"]);
}

fn interface_not_ethernet() {
    let segment = Segment::new(1);
    let mut command = segment.hosts[0].command(Kind::Ours.binary());
    command.arg("--interface=lo").args(WORDS);
    assert_start_failure(ends_by_itself(command), &["lo"]);
}

fn without_privileges() {
    let segment = Segment::new(1);
    // Nobody may not be able to reach the build directory.
    let copy = segment.dir().join("ucarp-copy");
    let binary = Kind::Ours.binary();
    segment.hosts[0].sh(&format!("install -m 755 {} {}", binary.display(), copy.display()));
    let mut command = segment.hosts[0].command("setpriv");
    command.args([
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--inh-caps=-all",
        "--bounding-set=-all",
        "--",
    ]);
    command.arg(&copy).arg("--interface=eth0").args(WORDS);
    assert_start_failure(ends_by_itself(command), &["CAP_NET_RAW"]);
}

fn second_instance() {
    let segment = Segment::new(1);
    let mut a = lone_master(&segment, 0, Kind::Ours, &Setup::default());
    let mut command = segment.hosts[0].command(Kind::Ours.binary());
    command.arg("--interface=eth0").args(WORDS);
    assert_start_failure(ends_by_itself(command), &[&format!("process {}", a.pid())]);
    assert!(a.is_running());
}

fn limit(daemon: &Daemon, descriptors: u32) {
    let engine = daemon.engine().expect("it is ours").to_string();
    for pid in [daemon.pid().to_string(), engine] {
        let done = Command::new("prlimit")
            .args([format!("--pid={pid}"), format!("--nofile={descriptors}:")])
            .output();
        if !done.is_ok_and(|done| done.status.success()) {
            skip("needs prlimit");
        }
    }
}

/// A question that cannot be asked has no answer: nothing has changed, and it is asked again.
fn no_descriptors() {
    let segment = Segment::new(2);
    let (mut a, b) = master_and_backup(
        &segment,
        (Kind::Ours, Kind::Ours),
        (&Setup::default().with(&["--shutdown"]), &Setup::skew(100)),
    );
    limit(&a, 3);
    let at = wire::now();
    segment.hosts[0].sh("ip link add other type veth peer name another");
    a.await_line("that it cannot ask", seconds(3), |l| l.contains("UC2015") && l.contains("[WARNING]"));
    throughout("it stays master", seconds(4), || a.hook_names() == ["down", "up"]);
    assert_eq!((a.role().as_str(), b.role().as_str()), ("MASTER", "BACKUP"));
    assert_on_time(&segment.ads_of(0, at), 0);
    // What really happens meanwhile is found out later.
    let address = segment.hosts[0].address;
    segment.hosts[0].sh(&format!("ip addr del {address}/16 dev eth0"));
    assert_eq!(a.lines(|l| l.contains("UC2015")).len(), 1, "said once");
    limit(&a, 1024);
    a.await_line("that it can again", seconds(3), |l| l.contains("UC2015") && l.contains("[INFO]"));
    a.await_line("what it missed", seconds(1), |l| l.contains("UC2007") && l.contains("[ERROR]"));
    let left = a.signal_at(Signal::SIGTERM);
    segment.await_bow_out_of(0, left, seconds(1));
    assert_eq!(a.await_exit(seconds(3)).code(), Some(0));
    a.await_hooks(&["down", "up", "down"], seconds(1));
    assert!(!segment.hosts[0].has_address(VIP));
}

/// What cannot be said is a reason not to start; what has started has said everything.
fn few_descriptors() {
    let segment = Segment::new(1);
    let (mut started, mut refused) = (0, 0);
    for most in 8..=24 {
        let mut command = segment.hosts[0].command("prlimit");
        command.args([&format!("--nofile={most}"), "--"]).arg(Kind::Ours.binary());
        command.args(["--interface=eth0", "--addr=10.77.0.1", "--facility=none"]).args(WORDS);
        let title = format!("a ({most} descriptors)");
        let mut daemon = Daemon::spawn(&segment, &title, Kind::Ours, command, segment.dir().join("none"));
        let begins = |l: &str| l.contains("sharing 10.77.0.1");
        eventually("it starts or ends", seconds(5), || {
            !daemon.is_running() || !daemon.lines(begins).is_empty()
        });
        if daemon.is_running() {
            daemon.await_line("the warning of the words", seconds(1), |l| l.contains("neither --upscript"));
            daemon.await_line("the warning of the start", seconds(1), |l| l.contains("UC2020"));
            started += 1;
        } else {
            // It may have ended before its line was read.
            daemon.await_line("why it ends", seconds(1), |l| l.contains("ucarp:"));
            let said = daemon.lines(|l| l.contains("ucarp:"));
            assert!(said.len() == 1 && !said[0].contains("panicked"), "{said:?}");
            refused += 1;
        }
    }
    assert!(started > 0 && refused > 0, "{started} started, {refused} did not");
}

/// poll(2) refuses more descriptors than the limit allows, even those that are open already.
fn cannot_wait() {
    let segment = Segment::new(2);
    let (mut a, b) = master_and_backup(
        &segment,
        (Kind::Ours, Kind::Ours),
        (&Setup::default().with(&["--shutdown"]), &Setup::skew(100)),
    );
    let at = wire::now();
    limit(&a, 1);
    limit(&b, 1);
    for daemon in [&a, &b] {
        daemon.await_line("what it cannot", seconds(3), |l| l.contains("UC2019") && l.contains("[ERROR]"));
    }
    eventually("it goes on", seconds(8), || segment.ads_of(0, at).len() >= 6);
    assert_on_time(&segment.ads_of(0, at), 0);
    assert_eq!((a.role().as_str(), b.role().as_str()), ("MASTER", "BACKUP"));
    limit(&a, 1024);
    limit(&b, 1024);
    a.await_line("that it can again", seconds(2), |l| l.contains("UC2019") && l.contains("[INFO]"));
    a.signal(Signal::SIGTERM);
    assert_eq!(a.await_exit(seconds(3)).code(), Some(0));
    b.await_hooks(&["down", "up"], seconds(1));
    assert!(!segment.hosts[0].has_address(VIP));
}

/// The ancestor's own example: neither an interface nor scripts.
fn interface_by_source(address: &str) {
    let segment = Segment::new(1);
    if !Path::new("/sys/class/net").exists() {
        skip("needs /sys");
    }
    segment.hosts[0].sh(&format!("ip addr flush dev eth0 && ip addr add {address}"));
    let mut command = segment.hosts[0].command(Kind::Ours.binary());
    command.args(["--srcip=10.9.0.1", "--vhid=7", "--pass=mypassword", "--addr=10.9.0.200"]);
    let daemon =
        Daemon::spawn(&segment, "a (no interface named)", Kind::Ours, command, segment.dir().join("none"));
    segment.await_ad_of(0, 0.0, seconds(8));
    assert_eq!(daemon.role(), "MASTER");
}
