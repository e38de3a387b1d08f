//! What an interface may be made of, and what switches do with the tags of frames: bridges, bonds, VLANs, VRF.
//!
//! Kernels without them skip these cases; `ci/kernels` runs them where nothing is missing.

use super::Case;
use super::cases::{lone_master, master_and_backup, seconds};
use super::daemon::{Kind, Setup};
use super::interfaces::takes_over_when_asked;
use super::segment::{Segment, VHID, throughout};
use super::{skip, wire};

const OURS: (Kind, Kind) = (Kind::Ours, Kind::Ours);

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    let mut cases: Vec<Case> = PARENTS
        .iter()
        .map(|parent| Case::new(format!("parent_{}", parent.name), ours, || on_parent(parent)))
        .collect();
    cases.push(Case::new("vlan_filtering_switch", ours, filtering_switch));
    cases.push(Case::new("vlan_trunk_and_access_port", ours, trunk_and_access_port));
    cases.push(Case::new("vlan_priority_tags", ours, priority_tags));
    cases.push(Case::new("vlan_of_others", ours, other_vlan));
    cases
}

struct Parent {
    name: &'static str,
    /// Puts `upper` over eth0, which loses its address. `MAC` is the host's.
    script: &'static str,
    /// Where the daemon runs.
    interface: &'static str,
}

const VLAN: &str = "ip link add link eth0 name upper type vlan id 5";

const PARENTS: &[Parent] = &[
    Parent {
        name: "bridge",
        script: "ip link add upper type bridge forward_delay 0 stp_state 0 mcast_snooping 0 &&
                 ip link set eth0 master upper && ip link set upper address $MAC",
        interface: "upper",
    },
    Parent {
        name: "filtering_bridge",
        script:
            "ip link add upper type bridge forward_delay 0 stp_state 0 mcast_snooping 0 vlan_filtering 1 &&
                 ip link set eth0 master upper && ip link set upper address $MAC",
        interface: "upper",
    },
    Parent {
        name: "bond",
        script: "ip link add upper type bond mode active-backup miimon 20 &&
                 ip link set upper address $MAC && ip link set eth0 down &&
                 ip link set eth0 master upper && ip link set eth0 up",
        interface: "upper",
    },
    Parent { name: "vlan", script: VLAN, interface: "upper" },
    // Where eth0 hears the same question as the interface over it, it would answer too.
    Parent {
        name: "macvlan",
        script: "ip link set eth0 address 02:00:00:01:09:${MAC##*:} &&
                 ip link add link eth0 name upper address $MAC type macvlan mode bridge &&
                 echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore",
        interface: "upper",
    },
    Parent {
        name: "ipvlan",
        script: "ip link add link eth0 name upper type ipvlan mode l2 &&
                 echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore",
        interface: "upper",
    },
    Parent {
        name: "vrf",
        script: "ip link add upper type vrf table 10 && ip link set upper up && ip link set eth0 master upper",
        interface: "eth0",
    },
];

/// Runs the script on a host and moves the host's address to where the daemon will run; false if it cannot be.
fn build(segment: &Segment, host: usize, script: &str, interface: &str) -> bool {
    let host = &segment.hosts[host];
    let address = host.address;
    let script = format!(
        "MAC={}
         {script} &&
         ip addr del {address}/16 dev eth0 && ip addr add {address}/16 dev {interface} &&
         ip link set {interface} up",
        wire::mac(host.mac)
    );
    host.command("sh").args(["-c", &script]).output().is_ok_and(|done| done.status.success())
}

fn on_parent(parent: &Parent) {
    let segment = Segment::new(2);
    for host in [0, 1] {
        if !build(&segment, host, parent.script, parent.interface) {
            skip(format!("this kernel makes no {}", parent.name));
        }
    }
    let setup = |skew| Setup { interface: parent.interface, ..Setup::skew(skew) };
    // Tagged frames carry no answer to an untagged question.
    let answers = parent.name != "vlan";
    let (a, b) = master_and_backup(&segment, OURS, (&setup(0), &setup(100)));
    assert!(segment.ads_of(0, 0.0).iter().all(|ad| ad.mac == segment.hosts[0].mac && ad.vhid == VHID));
    if answers {
        segment.await_owner(0, seconds(3));
    }
    throughout("it is followed", seconds(4), || segment.ads_of(1, 0.0).is_empty());
    // The cable of the interface below.
    segment.cut(0);
    b.await_hooks(&["down", "up"], seconds(6));
    if answers {
        segment.await_owner(1, seconds(3));
    }
    segment.join(0);
    b.await_hooks(&["down", "up", "down"], seconds(5));
    segment.await_sole_master(0, seconds(8));
    assert_eq!(a.hook_names(), ["down", "up"]);
    if parent.interface == "upper" {
        segment.hosts[0].sh("ip link del upper");
        a.await_hooks(&["down", "up", "down"], seconds(4));
        assert_eq!(a.hooks()[2].reason(), "link_gone");
    }
}

/// Each hears the other as master.
fn follow_each_other(segment: &Segment, interfaces: [&'static str; 2]) {
    let setups = interfaces.map(|interface| Setup { interface, ..Setup::default() });
    let second = Setup { skew: 100, ..setups[1].clone() };
    let (a, b) = master_and_backup(segment, OURS, (&setups[0], &second));
    segment.await_owner(0, seconds(3));
    throughout("the first is followed", seconds(4), || segment.ads_of(1, 0.0).is_empty());
    takes_over_when_asked(segment, 1, &a);
    let from = wire::now();
    throughout("the second is followed", seconds(4), || segment.ads_of(0, from).is_empty());
    assert_eq!((a.role().as_str(), b.role().as_str()), ("BACKUP", "MASTER"));
}

/// Between its ports every frame is one of VLAN 1.
fn filtering_switch() {
    let segment = Segment::new(2);
    if !segment.switch("ip link set br0 type bridge vlan_filtering 1") {
        skip("this kernel's bridges filter no VLANs");
    }
    follow_each_other(&segment, ["eth0", "eth0"]);
}

fn trunk_and_access_port() {
    let segment = Segment::new(2);
    let switch = "ip link set br0 type bridge vlan_filtering 1 &&
                  bridge vlan add dev to-a vid 5 && bridge vlan del dev to-a vid 1 &&
                  bridge vlan add dev to-b vid 5 pvid untagged && bridge vlan del dev to-b vid 1 &&
                  bridge vlan add dev to-o vid 5 pvid untagged && bridge vlan del dev to-o vid 1";
    if !segment.switch(switch) {
        skip("this kernel's bridges filter no VLANs");
    }
    if !build(&segment, 0, VLAN, "upper") {
        skip("this kernel makes no vlan");
    }
    follow_each_other(&segment, ["upper", "eth0"]);
}

/// VLAN id 0 is no VLAN: what is sent so is for the interface itself.
fn priority_tags() {
    let segment = Segment::new(2);
    for host in [0, 1] {
        let tag = "tc qdisc add dev eth0 clsact &&
                   tc filter add dev eth0 egress matchall action vlan push id 0 priority 5";
        if !build(&segment, host, tag, "eth0") {
            skip("this kernel adds no tags");
        }
    }
    follow_each_other(&segment, ["eth0", "eth0"]);
}

/// A virtual host with our number in a VLAN over our interface is not ours.
fn other_vlan() {
    let segment = Segment::new(2);
    if !build(&segment, 0, VLAN, "upper") {
        skip("this kernel makes no vlan");
    }
    let tagged = Setup { interface: "upper", ..Setup::default() };
    let a = lone_master(&segment, 0, Kind::Ours, &tagged);
    let b = lone_master(&segment, 1, Kind::Ours, &Setup::skew(100));
    let from = wire::now();
    throughout("each is master of its own", seconds(5), || {
        [&a, &b].iter().all(|daemon| daemon.hook_names() == ["down", "up"])
    });
    assert!(segment.ads_of(0, from).len() >= 2 && segment.ads_of(1, from).len() >= 2);
    assert_eq!((a.role().as_str(), b.role().as_str()), ("MASTER", "MASTER"));
}
