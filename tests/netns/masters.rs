//! Who is master, where the system decides: lost frames, other hardware addresses, advertisements that cannot leave.

use std::num::NonZeroU8;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use ucarp::protocol::{Authenticator, Key};

use super::cases::{lone_master, master_and_backup, seconds};
use super::daemon::{Kind, Setup};
use super::segment::{Host, Segment, VHID, VIP, eventually};
use super::{Case, frames, skip, wire};

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![
        Case::new("bow_out_from_a_new_hardware_address", ours, bow_out_from_a_new_mac),
        Case::new("recorded_advertisements_in_turn", ours, recorded_advertisements),
        Case::new("ring_overflows_beside_a_living_master", ours, overflowing_ring),
        Case::new("advertisements_that_cannot_leave", ours, advertisements_that_cannot_leave),
        Case::new("advertisements_that_cannot_leave_alone", ours, advertisements_that_cannot_leave_alone),
        Case::new("standby_is_known_and_missed", ours, standby),
    ]
}

fn bow_out_from_a_new_mac() {
    let mut segment = Segment::new(2);
    let setups = (&Setup::default().with(&["--shutdown"]), &Setup::skew(100));
    let (mut a, b) = master_and_backup(&segment, (Kind::Ours, Kind::Ours), setups);
    // Right after an advertisement, so that none comes from the new hardware address before the bow-out.
    segment.await_ad_of(0, wire::now(), seconds(3));
    let mac = [2, 0, 0, 0, 0xab, 0xcd];
    segment.hosts[0].sh(&format!("ip link set eth0 address {}", wire::mac(mac)));
    segment.hosts[0].mac = mac;
    a.await_line("the change", seconds(1), |l| l.contains("02:00:00:00:ab:cd"));
    let stopped = a.signal_at(Signal::SIGTERM);
    assert_eq!(segment.await_bow_out_of(0, stopped, seconds(1)).mac, mac);
    let taken = segment.await_ad_of(1, stopped, seconds(6)).at - stopped;
    assert!(taken < 0.5, "taken over after {taken:.3} s");
    b.await_line("why", seconds(1), |l| l.contains("master_left"));
    a.await_exit(seconds(3));
    segment.await_owner(1, seconds(2));
    eventually("the address has moved", seconds(2), || !segment.hosts[0].has_address(VIP));
}

/// A stranger who recorded the master's advertisement and its bow-out sends them in turn, a pair every 20 ms.
fn recorded_advertisements() {
    let segment = Segment::new(2);
    let (a, b) =
        master_and_backup(&segment, (Kind::Ours, Kind::Ours), (&Setup::default(), &Setup::skew(100)));
    let key = Key::from_password(b"secret").expect("short");
    let authenticator = Authenticator::new(&key, NonZeroU8::new(VHID).expect("not zero"), &[VIP.into()]);
    let host = &segment.hosts[0];
    let recorded = |base, skew, counter| {
        let code = authenticator.code(counter);
        let mut frame = frames::advertisement(host.mac, host.address, VHID, base, skew, counter, code);
        // The master would know its own words; the stranger does not send them to it.
        frame[..6].copy_from_slice(&segment.hosts[1].mac);
        frame
    };
    let pair = [recorded(255, 255, 7), recorded(1, 0, 8)];
    let before = b.lines(|_| true).len();
    for _ in 0..750 {
        pair.iter().for_each(|frame| segment.wire().send(frame));
        thread::sleep(Duration::from_millis(20));
    }
    let lines = b.lines(|_| true);
    let said = lines.len() - before;
    // Six changes of two lines each, two scripts, and of each kind one.
    assert!(said <= 30, "{said} lines about 1,500 advertisements: {lines:#?}");
    b.await_line("that it changes too often", seconds(1), |l| l.contains("UC1030"));
    assert_eq!(a.role(), "MASTER");
    segment.await_sole_master(0, seconds(15));
    eventually("the backup has settled", seconds(15), || b.role() == "BACKUP");
    segment.await_owner(0, seconds(15));
}

/// More frames than the ring has room for, all of them for us, while the backup does not run; its master lives.
fn overflowing_ring() {
    let segment = Segment::new(2);
    let (_a, b) =
        master_and_backup(&segment, (Kind::Ours, Kind::Ours), (&Setup::default(), &Setup::skew(100)));
    let status = |what: &str| {
        b.signal(Signal::SIGUSR1);
        b.await_line(what, seconds(2), |l| l.contains(what))
    };
    status("lost 0,");
    let heard = segment.await_ad_of(0, wire::now(), seconds(3)).at;
    thread::sleep(Duration::from_millis(50));
    b.signal(Signal::SIGSTOP);
    let observer = segment.observer();
    let forged = frames::advertisement(observer.mac, observer.address, VHID, 1, 0, 1, [0x5a; 20]);
    for n in 0..10_000 {
        segment.wire().send(&forged);
        if n % 100 == 99 {
            thread::sleep(Duration::from_millis(1));
        }
    }
    // A little beyond its dead time of 3.39 s: a longer sleep would itself be a reason to listen once more.
    thread::sleep(Duration::from_secs_f64((heard + 3.45 - wire::now()).max(0.0)));
    b.signal(Signal::SIGCONT);
    eventually("frames were lost", seconds(3), || {
        status("lost ");
        !b.lines(|l| l.contains("lost ") && !l.contains("lost 0,")).is_empty()
    });
    b.await_line("that it listens once more", seconds(1), |l| l.contains("UC1032") || l.contains("UC1011"));
    thread::sleep(seconds(3));
    assert!(segment.ads_of(1, 0.0).is_empty(), "the backup became master");
}

/// Gives the host's queue no length: the system refuses every frame.
fn let_nothing_leave(host: &Host) {
    let words = ["qdisc", "add", "dev", "eth0", "root", "pfifo", "limit", "0"];
    if !host.command("tc").args(words).output().is_ok_and(|done| done.status.success()) {
        skip("needs tc and a queue of no length");
    }
}

/// Every advertisement is refused by the queue of the interface.
fn advertisements_that_cannot_leave() {
    let segment = Segment::new(2);
    let (a, b) =
        master_and_backup(&segment, (Kind::Ours, Kind::Ours), (&Setup::default(), &Setup::skew(100)));
    let_nothing_leave(&segment.hosts[0]);
    // Which comes first, its own dead time or the other one's, hangs on when it last sent.
    a.await_line("that it gives way", seconds(8), |l| {
        l.contains("UC1001 unsent") || l.contains("UC1001 faster_master")
    });
    segment.await_sole_master(1, seconds(8));
    assert_eq!(b.role(), "MASTER");
    eventually("the address has moved", seconds(3), || !segment.hosts[0].has_address(VIP));
}

/// The same with nobody there to take over: the address is kept, and all is well again when they leave again.
fn advertisements_that_cannot_leave_alone() {
    let segment = Segment::new(1);
    let a = lone_master(&segment, 0, Kind::Ours, &Setup::default());
    let host = &segment.hosts[0];
    let_nothing_leave(&segment.hosts[0]);
    a.await_line("that nobody hears of it", seconds(8), |l| l.contains("UC1033"));
    assert!(host.has_address(VIP));
    assert_eq!(a.role(), "MASTER");
    let mended = wire::now();
    host.sh("tc qdisc del dev eth0 root");
    // Three in a row, 1.94 s apart.
    a.await_line("that it can send again", seconds(10), |l| l.contains("UC1010"));
    segment.await_ad_of(0, mended, seconds(4));
    assert_eq!(a.role(), "MASTER");
    assert_eq!(a.hook_names(), ["down", "up"]);
}

/// A backup tells its master alone that it follows; a kernel is told nothing.
fn standby() {
    let segment = Segment::new(2);
    segment.flood();
    let setup = Setup::skew(50);
    let (a, b) = master_and_backup(&segment, (Kind::Ours, Kind::Ours), (&setup, &Setup::skew(100)));
    let source = segment.hosts[1].address.to_string();
    a.await_line("that it is known", seconds(1), |l| l.contains("[UC1048]") && l.contains(&source));
    let told = |since: f64| segment.wire().all_ads(|ad| ad.at > since && ad.has_tail());
    // Both, at once and not more often than in 10 s.
    let macs = [segment.hosts[0].mac, segment.hosts[1].mac];
    for (host, other) in [(0, 1), (1, 0)] {
        let from = segment.hosts[host].address;
        let of: Vec<_> = told(0.0).into_iter().filter(|ad| ad.source == from).collect();
        assert!((1..=4).contains(&of.len()), "{of:?}");
        assert!(of.iter().all(|ad| (ad.mac, ad.mac_destination) == (macs[host], macs[other])), "{of:?}");
    }
    thread::sleep(seconds(12));
    assert_eq!(a.lines(|l| l.contains("[UC1048]") || l.contains("[UC1049]")).len(), 1);
    b.signal(Signal::SIGKILL);
    a.await_line("that it is missed", seconds(30), |l| l.contains("[WARNING]") && l.contains("[UC1049]"));
    assert_eq!((a.role(), a.hook_names()), ("MASTER".into(), vec!["down".into(), "up".into()]));

    let from = wire::now();
    let key = Key::from_password(setup.password.as_bytes()).expect("it is short");
    let kernel = Authenticator::new(&key, NonZeroU8::new(VHID).expect("not zero"), &[VIP.into()]);
    let observer = segment.observer();
    for counter in 1_000_000..1_000_008 {
        let code = kernel.code(counter);
        segment.wire().send(&frames::advertisement(
            observer.mac,
            observer.address,
            VHID,
            1,
            0,
            counter,
            code,
        ));
        thread::sleep(Duration::from_millis(500));
    }
    assert_eq!(a.role(), "BACKUP");
    assert_eq!(told(from), []);
}
