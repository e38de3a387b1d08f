//! `--sniff` beside daemons that change hands.

use std::net::Ipv4Addr;
use std::thread;

use nix::sys::signal::Signal;

use super::Case;
use super::cases::{backup, lone_master, seconds};
use super::daemon::{Daemon, Kind, Setup};
use super::frames;
use super::segment::{Segment, eventually};

pub(crate) fn all() -> Vec<Case> {
    vec![
        Case::new("sniff_tells_what_happens", &[Kind::Ours], handover),
        Case::new("sniff_on_a_busy_segment", &[Kind::Ours], crowd),
    ]
}

fn watch(segment: &Segment, host: usize, more: &[&str]) -> Daemon {
    let setup = Setup::default();
    let mut command = segment.hosts[host].command(Kind::Ours.binary());
    command.args(["--sniff", "-i", "eth0", &format!("--pass={}", setup.password)]);
    command.args(setup.shared.iter().map(|address| format!("--addr={address}"))).args(more);
    Daemon::spawn(segment, "sniff", Kind::Ours, command, segment.dir().join("no-hooks"))
}

fn handover() {
    let segment = Segment::new(3);
    // One on a host of its own, one beside the first master, whose own packets it has to see.
    let mut lines = watch(&segment, 2, &[]);
    let mut objects = watch(&segment, 0, &["--json"]);
    lines.await_line("it watches", seconds(3), |line| line.contains("Watching eth0"));
    let mut a = lone_master(&segment, 0, Kind::Ours, &Setup::skew(0).with(&["-z"]));
    let b = backup(&segment, 1, Kind::Ours, &Setup::skew(100));
    let addresses = [0, 1].map(|host: usize| segment.hosts[host].address.to_string());
    let says = |address: &str, words: &str| {
        lines.await_line(words, seconds(5), |line| line.contains(address) && line.contains(words));
    };
    says(&addresses[0], "new: ours, every 1+0/256 s, accepted");
    a.signal(Signal::SIGTERM);
    a.await_exit(seconds(5));
    says(&addresses[0], "leaves");
    says(&addresses[1], "new: ours, every 1+100/256 s, accepted");
    lines.signal(Signal::SIGUSR1);
    says(&addresses[0], "accepted, left");
    b.signal(Signal::SIGKILL);
    says(&addresses[1], "SILENT");
    for watcher in [&mut lines, &mut objects] {
        watcher.signal(Signal::SIGINT);
        assert!(watcher.await_exit(seconds(3)).success());
    }
    assert_eq!(lines.lines(|line| line.contains("TWICE") || line.contains("TWO MASTERS")), [""; 0]);
    let seen = objects.lines(|line| line.contains("\"verdict\":\"accepted\",\"authenticated\":true"));
    for address in &addresses {
        assert!(seen.iter().any(|line| line.contains(&format!("\"src\":\"{address}\""))), "{seen:?}");
    }
    assert_eq!(objects.lines(|line| !line.contains("\"kind\":\"ours\"")), [""; 0]);
}

/// A hundred strangers with ids of their own, each once a second, beside the one host that is understood.
fn crowd() {
    const ROUNDS: u8 = 4;
    let segment = Segment::new(2);
    let lines = watch(&segment, 1, &[]);
    let objects = watch(&segment, 1, &["--json"]);
    lines.await_line("it watches", seconds(3), |line| line.contains("Watching eth0"));
    let _a = lone_master(&segment, 0, Kind::Ours, &Setup::skew(0));
    let known = segment.hosts[0].address.to_string();
    objects.await_line("the host that is understood", seconds(5), |line| line.contains("\"accepted\""));
    let strangers: Vec<(u8, Ipv4Addr)> = (100..200).map(|id| (id, Ipv4Addr::new(10, 9, 1, id))).collect();
    for round in 0..ROUNDS {
        for (id, address) in &strangers {
            let counter = u64::from(round) << 8 | u64::from(*id);
            let mac = [2, 0, 0, 1, 9, *id];
            segment.wire().send(&frames::advertisement(mac, *address, *id, 1, 0, counter, [*id; 20]));
        }
        thread::sleep(seconds(1));
    }
    for (id, address) in &strangers {
        let packets = || objects.lines(|line| line.contains(&format!("\"src\":\"{address}\",")));
        eventually("every packet is told", seconds(3), || packets().len() == usize::from(ROUNDS));
        for line in packets() {
            assert!(line.contains(&format!("\"vhid\":{id},")) && line.contains("\"bad_auth\""), "{line}");
        }
    }
    lines.signal(Signal::SIGUSR1);
    lines.await_line("the sum", seconds(3), |line| line.starts_with("Speakers: 101,"));
    let row = |address: &str, verdict: &str| {
        lines.lines(|line| {
            line.contains(&format!(" {address} ")) && line.contains(verdict) && !line.contains("new:")
        })
    };
    assert_eq!(row(&known, "accepted").len(), 1);
    for (_, address) in &strangers {
        assert_eq!(row(&address.to_string(), "bad_auth").len(), 1, "{address}");
    }
}
