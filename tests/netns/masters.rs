//! Who is master, where the system decides: lost frames, other hardware addresses, advertisements that cannot leave.

use nix::sys::signal::Signal;

use super::Case;
use super::cases::{master_and_backup, seconds};
use super::daemon::{Kind, Setup};
use super::segment::{Segment, VIP, eventually};
use super::wire;

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![Case::new("bow_out_from_a_new_hardware_address", ours, bow_out_from_a_new_mac)]
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
