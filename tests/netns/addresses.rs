//! Addresses given to an interface and taken away by the library itself, judged by ip(8).
#![expect(unsafe_code, reason = "giving up the privileges of one thread has no safe wrapper")]

use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;

use ucarp::platform::{assign_address, withdraw_address};

use super::segment::{Host, Segment, VIP};
use super::{Case, skip};

const VIP6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 9, 0, 0, 0, 0, 0xc8);

pub(crate) fn all() -> Vec<Case> {
    vec![
        Case::new("assign_ipv4", &[], v4),
        Case::new("assign_ipv6_works_at_once", &[], v6),
        Case::new("assign_finds_it_there", &[], already_there),
        Case::new("withdraw_finds_it_gone", &[], not_there),
        Case::new("withdraw_takes_every_prefix_length", &[], every_prefix),
        Case::new("withdraw_of_a_primary_address", &[], primary),
        Case::new("assign_mistakes", &[], mistakes),
        Case::new("assign_needs_the_privilege", &[], privilege),
    ]
}

fn assign(host: &Host, address: impl Into<IpAddr>, prefix: u8) -> io::Result<bool> {
    let address = address.into();
    host.inside(|| assign_address("eth0", address, prefix))
}

fn withdraw(host: &Host, address: impl Into<IpAddr>, prefix: u8) -> io::Result<bool> {
    let address = address.into();
    host.inside(|| withdraw_address("eth0", address, prefix))
}

#[track_caller]
fn does(outcome: io::Result<bool>) -> bool {
    outcome.expect("the kernel does it")
}

/// What ip(8) shows of an address on eth0, a line for each entry.
fn shown(host: &Host, address: impl Into<IpAddr>) -> Vec<String> {
    let address = format!(" {}/", address.into());
    let list = host.sh("ip -o addr show dev eth0");
    list.lines().filter(|line| line.contains(&address)).map(str::to_owned).collect()
}

fn need_ipv6() {
    if !Path::new("/proc/sys/net/ipv6").exists() {
        skip("this kernel has no IPv6");
    }
}

fn v4() {
    let segment = Segment::new(1);
    let host = &segment.hosts[0];
    for prefix in [32, 24, 16, 1, 0] {
        assert!(does(assign(host, VIP, prefix)));
        let found = shown(host, VIP);
        assert!(found.len() == 1 && found[0].contains(&format!("{VIP}/{prefix} ")), "{found:?}");
        assert_eq!(segment.who_answers(VIP), [host.mac], "/{prefix}");
        assert!(does(withdraw(host, VIP, prefix)));
        assert!(shown(host, VIP).is_empty() && host.has_address(host.address), "/{prefix}");
        assert!(segment.who_answers(VIP).is_empty(), "/{prefix}");
    }
}

fn v6() {
    need_ipv6();
    let segment = Segment::new(1);
    let host = &segment.hosts[0];
    // The segment leaves the search for duplicates out; here it is wanted, and long.
    host.sh("cd /proc/sys/net/ipv6/conf; for i in all eth0; do echo 1 >$i/accept_dad; done; echo 9 >eth0/dad_transmits");
    host.sh("ip addr add 2001:db8:9::c9/64 dev eth0");
    assert!(host.sh("ip -o addr show dev eth0 to 2001:db8:9::c9").contains("tentative"), "there is a search");
    let link_local: Ipv6Addr = "fe80::c8".parse().expect("an address");
    for (address, prefix) in [(VIP6, 128), (VIP6, 64), (VIP6, 0), (link_local, 64), (link_local, 128)] {
        assert!(does(assign(host, address, prefix)), "{address}/{prefix}");
        let found = shown(host, address);
        assert!(found.len() == 1 && found[0].contains(&format!(" {address}/{prefix} ")), "{found:?}");
        assert!(found[0].contains("nodad") && found[0].contains("valid_lft forever"), "{found:?}");
        for state in ["tentative", "dadfailed", "deprecated"] {
            assert!(!found[0].contains(state), "{found:?}");
        }
        // Only an address that is no longer being searched for can be bound.
        host.inside(|| {
            let scope = nix::net::if_::if_nametoindex("eth0").expect("it is there");
            std::net::UdpSocket::bind(std::net::SocketAddrV6::new(address, 0, 0, scope))
        })
        .expect("it can be used");
        assert!(does(withdraw(host, address, prefix)), "{address}/{prefix}");
        assert!(shown(host, address).is_empty(), "{address}/{prefix}");
    }
}

fn already_there() {
    let segment = Segment::new(1);
    let host = &segment.hosts[0];
    assert!(does(assign(host, VIP, 24)));
    for prefix in [24, 32, 16] {
        assert!(!does(assign(host, VIP, prefix)), "/{prefix}");
    }
    assert_eq!(shown(host, VIP).len(), 1, "no second entry");
    // Under a label it is the interface's too.
    host.sh(&format!("ip addr del {VIP}/24 dev eth0; ip addr add {VIP}/20 dev eth0 label eth0:vip"));
    assert!(!does(assign(host, VIP, 32)));
    assert_eq!(shown(host, VIP).len(), 1);
    assert!(does(withdraw(host, VIP, 32)) && shown(host, VIP).is_empty());
    // On another interface it is not on this one.
    host.sh("ip link add other type veth peer name its-far-end; ip addr add 10.9.0.201/32 dev other");
    assert!(does(assign(host, [10, 9, 0, 201], 32)));
    assert!(does(withdraw(host, [10, 9, 0, 201], 32)));
    assert!(host.sh("ip -o addr show dev other").contains("10.9.0.201"), "the other's stays");
    need_ipv6();
    assert!(does(assign(host, VIP6, 64)));
    for prefix in [64, 128] {
        assert!(!does(assign(host, VIP6, prefix)), "/{prefix}");
    }
    assert_eq!(shown(host, VIP6).len(), 1);
}

fn not_there() {
    let segment = Segment::new(1);
    let host = &segment.hosts[0];
    assert!(!does(withdraw(host, VIP, 32)));
    // Neighbours in the subnet are not meant.
    assert!(!does(withdraw(host, [10, 9, 0, 2], 16)));
    assert!(host.has_address(host.address));
    need_ipv6();
    assert!(!does(withdraw(host, VIP6, 128)));
    host.sh("ip addr add 2001:db8:9::c9/64 dev eth0 nodad");
    assert!(!does(withdraw(host, VIP6, 64)));
    assert_eq!(shown(host, "2001:db8:9::c9".parse::<IpAddr>().expect("an address")).len(), 1);
    // Too narrow a link has no IPv6 at all, so nothing to take away; and nothing can be given.
    host.sh("ip link set eth0 mtu 1000");
    assert!(!does(withdraw(host, VIP6, 128)));
    assert!(assign(host, VIP6, 128).is_err());
}

fn every_prefix() {
    let segment = Segment::new(1);
    let host = &segment.hosts[0];
    host.sh(&format!(
        "for n in $(seq 0 32); do ip addr add {VIP}/$n dev eth0; done; ip addr add {VIP} peer 10.9.7.7 dev eth0"
    ));
    assert_eq!(host.sh(&format!("ip -o addr show dev eth0 | grep -c ' {VIP}[/ ]'")).trim(), "34");
    assert!(does(withdraw(host, VIP, 32)));
    assert!(!host.sh("ip -o addr show dev eth0").contains(&VIP.to_string()));
    assert!(host.has_address(host.address));
    need_ipv6();
    for prefix in [0, 1, 64, 127, 128] {
        host.sh(&format!("ip addr add {VIP6}/{prefix} dev eth0"));
        assert!(does(withdraw(host, VIP6, 96)), "/{prefix}");
        assert!(shown(host, VIP6).is_empty(), "/{prefix}");
    }
}

/// What shares its subnet stays as it is, labels and all, and so does the setting that the kernel has for that.
fn primary() {
    let segment = Segment::new(1);
    let host = &segment.hosts[0];
    let own = host.address;
    for (promotes, prefix) in [(0, 16), (1, 16), (0, 32)] {
        host.sh(&format!(
            "for i in all eth0; do echo {promotes} >/proc/sys/net/ipv4/conf/$i/promote_secondaries; done; \
             ip addr flush dev eth0 scope global"
        ));
        assert!(does(assign(host, VIP, prefix)));
        host.sh(&format!(
            "ip addr add {own}/16 dev eth0 label eth0:own; ip addr add 10.9.3.3/16 dev eth0; \
                          ip route add 10.77.0.0/16 via 10.9.0.99 src {own}"
        ));
        assert!(does(withdraw(host, VIP, prefix)));
        assert!(shown(host, VIP).is_empty());
        let kept = shown(host, own);
        assert!(kept.len() == 1 && kept[0].contains("eth0:own"), "/{prefix}, {promotes}: {kept:?}");
        assert!(host.has_address([10, 9, 3, 3].into()), "/{prefix}, {promotes}");
        assert!(host.sh("ip route").contains("10.77.0.0/16"), "/{prefix}, {promotes}");
        let setting = host.sh("cat /proc/sys/net/ipv4/conf/eth0/promote_secondaries");
        assert_eq!(setting.trim(), promotes.to_string());
    }
    // The usual order: the host's own was there first.
    host.sh("echo 0 >/proc/sys/net/ipv4/conf/eth0/promote_secondaries");
    assert!(does(assign(host, VIP, 16)) && does(withdraw(host, VIP, 16)));
    assert!(host.has_address(own));
}

fn mistakes() {
    let segment = Segment::new(1);
    let host = &segment.hosts[0];
    for change in [assign_address, withdraw_address] {
        let missing = host.inside(|| change("eth7", VIP.into(), 32)).expect_err("there is no eth7");
        assert_eq!(missing.raw_os_error(), Some(libc::ENODEV));
        for (address, prefix) in [(IpAddr::from(VIP), 33), (IpAddr::from(VIP6), 129)] {
            let error = host.inside(|| change("eth0", address, prefix)).expect_err("no such prefix");
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
    }
    need_ipv6();
    host.sh("echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6");
    let off = assign(host, VIP6, 128).expect_err("IPv6 is switched off");
    assert_eq!(off.raw_os_error(), Some(libc::EACCES));
    assert!(!does(withdraw(host, VIP6, 128)));
}

fn privilege() {
    let segment = Segment::new(1);
    let host = &segment.hosts[0];
    assert!(does(assign(host, VIP, 32)));
    let refused = host.inside(|| {
        become_nobody();
        let other = IpAddr::from([10, 9, 0, 201]);
        [assign_address("eth0", other, 32), withdraw_address("eth0", VIP.into(), 32)]
    });
    for outcome in refused {
        assert_eq!(outcome.expect_err("not allowed").raw_os_error(), Some(libc::EPERM));
    }
    assert!(shown(host, VIP).len() == 1 && shown(host, [10, 9, 0, 201]).is_empty(), "nothing has changed");
}

/// This thread alone, which ends soon: the C library's function would change all of them.
pub(crate) fn become_nobody() {
    const NOBODY: libc::c_long = 65534;
    // SAFETY: takes numbers only.
    let done = unsafe { libc::syscall(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY) };
    assert_eq!(done, 0, "setresuid: {}", io::Error::last_os_error());
}
