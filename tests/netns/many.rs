//! Many virtual hosts in one process: each has its own election, and all of an interface share what belongs to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::Case;
use super::cases::seconds;
use super::daemon::{Daemon, Kind};
use super::families::v6_segment;
use super::frames::Ad;
use super::segment::{Segment, eventually, patience, throughout};
use super::wire::{self, Wire};

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![
        Case::new("many_on_one_interface", ours, on_one_interface),
        Case::new("many_lines_at_once", ours, lines_at_once),
        Case::new("many_same_id_on_two_interfaces", ours, same_id_on_two_interfaces),
        Case::new(
            "many_beside_an_interface_that_comes_and_goes",
            ours,
            beside_an_interface_that_comes_and_goes,
        ),
        Case::new("many_of_both_families", ours, of_both_families),
        Case::new("many_to_different_destinations", ours, to_different_destinations),
        Case::new("many_with_different_passwords", ours, with_different_passwords),
    ]
}

/// One process with these groups of virtual hosts, each the ids and the words they have in common, in a file.
fn front(segment: &Segment, host: usize, groups: &[String]) -> Daemon {
    front_that_says(segment, host, false, groups)
}

/// One that says everything, if this is wanted.
fn front_that_says(segment: &Segment, host: usize, all: bool, groups: &[String]) -> Daemon {
    let place = &segment.hosts[host];
    let mut text =
        format!("[daemon]\nfacility = \"none\"\ndebug = {all}\n[defaults]\nmanage-address = false\n");
    for (number, group) in groups.iter().enumerate() {
        let (range, words) = group.split_once(' ').expect("a group has words");
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let id = |word: &str| word.parse::<u8>().expect("an id");
        for id in id(first)..=id(last) {
            let _ = writeln!(text, "[vip.v{number}-{id}]\n{}", keys(&words.replace("{}", &id.to_string())));
        }
    }
    let file = segment.dir().join(format!("{}.toml", place.name));
    fs::write(&file, text).expect("it is ours");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("it is ours");
    let mut command = place.command(Kind::Ours.binary());
    command.arg("--config").arg(file);
    let title = format!("{} (many)", place.name);
    Daemon::spawn(segment, &title, Kind::Ours, command, segment.dir().join(format!("{title}-hooks")))
}

/// Words of a command line as keys of a file. Of what is given twice the last one counts, but addresses add up.
fn keys(words: &str) -> String {
    let mut keys: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut words = words.split_ascii_whitespace();
    while let Some(word) = words.next() {
        let (key, value) = match word {
            "-i" => ("interface", words.next()),
            "-s" => ("srcip", words.next()),
            "-v" => ("vhid", words.next()),
            "-p" => ("pass", words.next()),
            "-a" => ("addr", words.next()),
            "-b" => ("advbase", words.next()),
            "-k" => ("advskew", words.next()),
            "-z" => ("shutdown", None),
            long => match long.trim_start_matches('-').split_once('=') {
                Some((key, value)) => (key, Some(value)),
                None => (long.trim_start_matches('-'), None),
            },
        };
        keys.entry(key).or_default().extend(value);
    }
    let mut text = String::new();
    for (key, values) in keys {
        let value = match (key, values.last()) {
            (_, None) => "true".to_owned(),
            ("addr" | "peer", Some(_)) => format!("{values:?}"),
            ("vhid" | "advbase" | "advskew", Some(last)) => (*last).to_owned(),
            (_, Some(last)) => format!("{last:?}"),
        };
        let _ = writeln!(text, "{key} = {value}");
    }
    text
}

/// Virtual hosts of the first network, which end politely; `more` are words that differ.
fn group(segment: &Segment, host: usize, ids: &str, skew: u8, more: &str) -> String {
    let address = segment.hosts[host].address;
    format!("{ids} -i eth0 -s {address} -v {{}} -p secret -a 10.9.1.{{}} -b 0 -k {skew} -z {more}")
}

/// Those of the second one.
fn second_group(ids: &str, address: &str, skew: u8) -> String {
    format!("{ids} -i eth1 -s {address} -v {{}} -p secret -a 10.10.1.{{}} -b 0 -k {skew} -z")
}

/// The network of [`Segment::second_network`], and its hosts.
const SECOND: [&str; 2] = ["10.10.0.1", "10.10.0.2"];

fn ads_of(wire: &Wire, source: &str, since: f64) -> Vec<Ad> {
    let source: Ipv4Addr = source.parse().expect("an address of a host");
    wire.ads(|ad| ad.source == source && ad.at >= since && !ad.is_bow_out())
}

/// The ids for which this host advertises.
fn ids(segment: &Segment, host: usize, since: f64) -> BTreeSet<u8> {
    let ads = ads_of(segment.wire(), &segment.hosts[host].address.to_string(), since);
    ads.iter().map(|ad| ad.vhid).collect()
}

#[track_caller]
fn await_ids(segment: &Segment, host: usize, since: f64, wanted: &BTreeSet<u8>, limit: Duration) {
    let name = segment.hosts[host].name;
    eventually(&format!("{name} advertises for {} ids", wanted.len()), limit, || {
        ids(segment, host, since).is_superset(wanted)
    });
    assert_eq!(ids(segment, host, since), *wanted);
}

/// Waits until the last of its virtual hosts was introduced and each has heard its master.
#[track_caller]
fn await_backups(daemon: &Daemon, last: u8, interval: Duration) {
    let introduced = format!(" as id {last} on ");
    daemon.await_line("its last virtual host", seconds(5), |line| line.contains(&introduced));
    thread::sleep(interval * 2 * patience());
}

/// What all of them say in one moment is more than fits between two processes at a time.
fn lines_at_once() {
    let segment = Segment::new(1);
    let a = front_that_says(&segment, 0, true, &[group(&segment, 0, "1-255", 128, "")]);
    await_ids(&segment, 0, 0.0, &(1..=255).collect(), seconds(8));
    a.signal(Signal::SIGUSR1);
    for id in 1..=255 {
        for what in [
            format!(" as id {id} on eth0"),
            format!("v0-{id}: MASTER on eth0 id {id}"),
            format!("v0-{id}: for "),
        ] {
            a.await_line("what is said of each", seconds(5), |line| line.contains(&what));
        }
    }
    assert_eq!(a.lines(|line| line.contains(" log lines were lost")), [""; 0]);
}

fn on_one_interface() {
    // Dead times of 1.5 s and of 1.875 s.
    const DEAD: f64 = 3.0 * 160.0 / 256.0;
    let segment = Segment::new(2);
    let all: BTreeSet<u8> = (1..=255).collect();
    let mut a = front(&segment, 0, &[group(&segment, 0, "1-255", 128, "")]);
    await_ids(&segment, 0, 0.0, &all, seconds(8));
    let b = front(&segment, 1, &[group(&segment, 1, "1-255", 160, "")]);
    await_backups(&b, 255, Duration::from_millis(500));
    throughout("none is taken over", Duration::from_millis(1500), || ids(&segment, 1, 0.0).is_empty());

    segment.cut(0);
    let cut = wire::now();
    await_ids(&segment, 1, cut, &all, seconds(6));
    let source = |host: usize| segment.hosts[host].address.to_string();
    let (before, after) = (ads_of(segment.wire(), &source(0), 0.0), ads_of(segment.wire(), &source(1), cut));
    for id in &all {
        let last = before.iter().rfind(|ad| ad.vhid == *id).expect("it was elected");
        let first = after.iter().find(|ad| ad.vhid == *id).expect("it was awaited");
        let late = first.at - last.at - DEAD;
        assert!((-0.02..0.5 * f64::from(patience())).contains(&late), "id {id} taken over {late:.3} s late");
    }

    segment.join(0);
    eventually("all step back", seconds(4), || {
        let since = wire::now() - 1.0;
        ids(&segment, 1, since).is_empty() && ids(&segment, 0, since) == all
    });
    let at = a.signal_at(Signal::SIGTERM);
    await_ids(&segment, 1, at, &all, seconds(3));
    let first =
        |id: u8| ads_of(segment.wire(), &source(1), at).iter().find(|ad| ad.vhid == id).map(|ad| ad.at);
    let last = (1..=255).filter_map(first).fold(at, f64::max);
    assert!(last - at < DEAD / 2.0 * f64::from(patience()), "the last took {:.3} s", last - at);
    assert!(a.await_exit(seconds(3)).success());
}

fn same_id_on_two_interfaces() {
    let segment = Segment::new(2);
    let second = segment.second_network();
    let serve = |host: usize, skews: [u8; 2]| {
        let groups = [group(&segment, host, "7", skews[0], ""), second_group("7", SECOND[host], skews[1])];
        front(&segment, host, &groups)
    };
    let (a, b) = (serve(0, [64, 96]), serve(1, [96, 64]));
    let only_id = BTreeSet::from([7]);
    await_ids(&segment, 0, 0.0, &only_id, seconds(5));
    eventually("b advertises on the other", seconds(5), || !ads_of(&second, SECOND[1], 0.0).is_empty());
    thread::sleep(Duration::from_millis(500));
    let settled = wire::now();
    segment.cut(0);
    await_ids(&segment, 1, settled, &only_id, seconds(4));
    thread::sleep(Duration::from_millis(500));
    assert_eq!(ads_of(&second, SECOND[0], settled), [], "a knows that b lives on the other network");
    segment.join(0);
    eventually("b steps back", seconds(3), || ids(&segment, 1, wire::now() - 0.5).is_empty());
    let at = b.signal_at(Signal::SIGTERM);
    eventually("a advertises on both", seconds(2), || {
        ids(&segment, 0, at) == only_id && !ads_of(&second, SECOND[0], at).is_empty()
    });
    drop(a);
}

fn beside_an_interface_that_comes_and_goes() {
    let segment = Segment::new(1);
    let second = segment.second_network();
    let all: BTreeSet<u8> = (1..=50).collect();
    let groups = [group(&segment, 0, "1-50", 64, ""), second_group("1-50", SECOND[0], 64)];
    let mut a = front(&segment, 0, &groups);
    let on_second =
        |since: f64| -> BTreeSet<u8> { ads_of(&second, SECOND[0], since).iter().map(|ad| ad.vhid).collect() };
    await_ids(&segment, 0, 0.0, &all, seconds(6));
    eventually("all are elected on the other too", seconds(2), || on_second(0.0) == all);
    let begun = wire::now();
    let host = &segment.hosts[0];
    host.sh("ip link set eth1 down && ip link set eth1 name elsewhere && ip link set elsewhere up");
    throughout("nobody speaks under the other name", Duration::from_millis(1500), || {
        on_second(begun + 0.5).is_empty()
    });
    let back = wire::now();
    host.sh("ip link set elsewhere down && ip link set elsewhere name eth1 && ip link set eth1 up");
    eventually("all are back under the name", seconds(5), || on_second(back) == all);
    host.sh("ip link del eth1");
    thread::sleep(Duration::from_millis(500));
    let back = wire::now();
    segment.plug_second_in_again();
    eventually("all are back on a new interface", seconds(6), || on_second(back) == all);
    assert!(a.is_running());

    // Of the first network nobody missed anything: a backup waits three quarters of a second.
    for id in all {
        let ads = segment.wire().ads(|ad| ad.vhid == id && ad.at >= begun - 0.5);
        let gaps = ads.windows(2).map(|pair| pair[1].at - pair[0].at);
        let longest = gaps.fold(wire::now() - ads.last().expect("it is master").at, f64::max);
        assert!(longest < 0.75 * f64::from(patience()), "id {id} was silent for {longest:.3} s");
        assert!(!ads.iter().any(Ad::is_bow_out), "id {id} left");
    }
}

fn of_both_families() {
    let segment = v6_segment(2);
    let serve = |host: usize, skew: u8| {
        // Addresses add up, so the words of a group without IPv4 are others.
        let v6 = format!("21-40 -i eth0 -v {{}} -p secret -a 2001:db8:9::{{}} -b 0 -k {skew} -z");
        let groups = [
            group(&segment, host, "1-20", skew, ""),
            v6,
            group(&segment, host, "41-60", skew, "-a 2001:db8:9::{}"),
        ];
        front(&segment, host, &groups)
    };
    let (v4, v6): (BTreeSet<u8>, BTreeSet<u8>) = ((1..=20).chain(41..=60).collect(), (21..=60).collect());
    let ids6 = |host: usize, since: f64| -> BTreeSet<u8> {
        let mac = segment.hosts[host].mac;
        let ads = segment.wire().ads6(|ad| ad.mac == mac && ad.at >= since && !ad.bow_out);
        ads.iter().map(|ad| ad.vhid).collect()
    };
    let a = serve(0, 64);
    await_ids(&segment, 0, 0.0, &v4, seconds(6));
    eventually("all are elected in IPv6", seconds(2), || ids6(0, 0.0) == v6);
    let b = serve(1, 96);
    await_backups(&b, 60, Duration::from_millis(250));
    throughout("none is taken over", Duration::from_millis(1500), || {
        ids(&segment, 1, 0.0).is_empty() && ids6(1, 0.0).is_empty()
    });
    let at = a.signal_at(Signal::SIGTERM);
    await_ids(&segment, 1, at, &v4, seconds(2));
    eventually("all are taken over in IPv6", seconds(2), || ids6(1, at) == v6);
}

fn to_different_destinations() {
    let segment = Segment::new(2);
    segment.flood();
    let serve = |host: usize, skew: u8| {
        let peer = format!("--peer={}", segment.hosts[1 - host].address);
        let kinds = [("1", ""), ("2", "--mcast=224.0.0.99"), ("3", "--nomcast"), ("4", &peer), ("5", "")];
        let groups = kinds.map(|(id, more)| group(&segment, host, id, skew, more));
        front(&segment, host, &groups)
    };
    let all: BTreeSet<u8> = (1..=5).collect();
    let right = |host: usize, since: f64| {
        let (group, other) = (Ipv4Addr::new(224, 0, 0, 18), Ipv4Addr::new(224, 0, 0, 99));
        let peer = &segment.hosts[1 - host];
        for ad in ads_of(segment.wire(), &segment.hosts[host].address.to_string(), since) {
            let wanted = match ad.vhid {
                2 => (other, [1, 0, 0x5e, 0, 0, 99]),
                // What the ancestor calls broadcast is so for the switch alone.
                3 => (group, [0xff; 6]),
                4 => (peer.address, peer.mac),
                _ => (group, [1, 0, 0x5e, 0, 0, 18]),
            };
            assert_eq!((ad.destination, ad.mac_destination), wanted, "id {}", ad.vhid);
        }
    };
    let a = serve(0, 64);
    await_ids(&segment, 0, 0.0, &all, seconds(5));
    let b = serve(1, 96);
    await_backups(&b, 5, Duration::from_millis(250));
    throughout("none is taken over", Duration::from_millis(1500), || ids(&segment, 1, 0.0).is_empty());
    let at = a.signal_at(Signal::SIGTERM);
    await_ids(&segment, 1, at, &all, Duration::from_millis(800));
    right(0, 0.0);
    right(1, at);
}

fn with_different_passwords() {
    let segment = Segment::new(2);
    let serve = |host: usize, skew: u8, third: &str| {
        let words = [("1", "one"), ("2", "two"), ("3", third)];
        let groups = words.map(|(id, word)| group(&segment, host, id, skew, &format!("-p {word}")));
        front(&segment, host, &groups)
    };
    let a = serve(0, 64, "three");
    await_ids(&segment, 0, 0.0, &BTreeSet::from([1, 2, 3]), seconds(5));
    // With the first one's password, as if there was one for all.
    let b = serve(1, 96, "one");
    await_backups(&b, 3, Duration::from_millis(250));
    await_ids(&segment, 1, 0.0, &BTreeSet::from([3]), seconds(3));
    throughout("the others are not taken over", Duration::from_millis(800), || {
        ids(&segment, 1, 0.0) == BTreeSet::from([3])
    });
    let at = a.signal_at(Signal::SIGTERM);
    await_ids(&segment, 1, at, &BTreeSet::from([1, 2, 3]), Duration::from_millis(800));
}
