//! Who has the address: crash, departure, preference, ties and partitions, among ourselves and beside the ancestor.

use std::time::Duration;

use nix::sys::signal::Signal;

use super::Case;
use super::daemon::{Daemon, Kind, Setup};
use super::segment::{self, Segment, VIP, eventually, throughout};
use super::wire;

/// 3 · advbase + 100/256: when a backup of skew 100 may move.
const DEAD: f64 = 3.0 + 100.0 / 256.0;

pub(crate) const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// How late a program may be. The ancestor hears each frame up to a second late, and looks at its timer when the next
/// second is over.
const fn patience(kind: Kind) -> f64 {
    match kind {
        Kind::Ours => 1.5,
        Kind::Theirs => 3.0,
    }
}

#[track_caller]
fn assert_soon(what: &str, took: f64, limit: f64) {
    assert!(took < limit * f64::from(segment::patience()), "{what}: {took:.3} s, not {limit:.3} s");
}

pub(crate) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    let pairs = [
        ("crash", crash as fn(Kind, Kind)),
        ("polite_stop", polite_stop),
        ("step_aside_on_usr2", step_aside),
        ("preempts_a_slower_master", preempt),
        ("waits_without_preempt", no_preempt),
        ("equal_newcomer_waits", equal_newcomer),
        ("equal_hosts_boot_together", boot_together),
        ("healed_partition", healed_partition),
        ("healed_partition_of_equals", healed_partition_of_equals),
        ("wrong_password", wrong_password),
    ];
    for (name, run) in pairs {
        for (first, second) in
            [(Kind::Ours, Kind::Ours), (Kind::Ours, Kind::Theirs), (Kind::Theirs, Kind::Ours)]
        {
            let name = format!("{name}_{}_{}", first.word(), second.word());
            cases.push(Case::new(name, &[first, second], move || run(first, second)));
        }
    }
    for (name, words) in [("broadcast", &["--nomcast"][..]), ("another_group", &["--mcast=224.0.0.99"][..])] {
        for second in [Kind::Ours, Kind::Theirs] {
            let name = format!("{name}_ours_{}", second.word());
            cases.push(Case::new(name, &[Kind::Ours, second], move || other_destination(words, second)));
        }
    }
    cases.push(Case::new("only_ours_ours_theirs", &[Kind::Ours, Kind::Theirs], only_ours));
    cases.push(Case::new("two_backups_settle_after_a_bow_out", &[Kind::Ours], two_backups));
    cases.push(Case::new("term_without_shutdown_leaves_everything", &[Kind::Ours], plain_term));
    cases.push(Case::new("every_ending_signal_ends_politely", &[Kind::Ours], ending_signals));
    cases.push(Case::new("second_term_ends_at_once", &[Kind::Ours], second_term));
    cases.push(Case::new("usr1_tells_the_role", &[Kind::Ours], usr1));
    cases.push(Case::new("usr2_in_backup_is_refused", &[Kind::Ours], usr2_in_backup));
    cases.push(Case::new("hooks_get_their_words", &[Kind::Ours], hook_words));
    cases.push(Case::new("neutral_runs_no_hook_at_start", &[Kind::Ours], neutral));
    cases
}

/// Starts host 0 and lets it become master alone, then host 1 and lets it hear that.
pub(crate) fn master_and_backup(
    segment: &Segment,
    kinds: (Kind, Kind),
    setups: (&Setup, &Setup),
) -> (Daemon, Daemon) {
    let first = lone_master(segment, 0, kinds.0, setups.0);
    let second = backup(segment, 1, kinds.1, setups.1);
    (first, second)
}

/// Starts a daemon and waits until it is master and its address works.
pub(crate) fn lone_master(segment: &Segment, host: usize, kind: Kind, setup: &Setup) -> Daemon {
    let from = wire::now();
    let daemon = Daemon::start(segment, host, kind, setup);
    segment.await_ad_of(host, from, seconds(8));
    daemon.await_hooks(&["down", "up"], seconds(3));
    daemon
}

/// Starts a daemon beside a running master and waits until it follows it.
pub(crate) fn backup(segment: &Segment, host: usize, kind: Kind, setup: &Setup) -> Daemon {
    let daemon = Daemon::start(segment, host, kind, setup);
    // Not a statement about the daemon: other work may keep the machine from starting it.
    daemon.await_hooks(&["down"], seconds(8));
    let from = wire::now();
    eventually("a master goes on advertising", seconds(4), || {
        segment.wire().ads(|ad| ad.at > from).len() >= 2
    });
    assert_eq!(daemon.role(), "BACKUP");
    daemon
}

fn crash(first: Kind, second: Kind) {
    let segment = Segment::new(2);
    let (a, b) = master_and_backup(&segment, (first, second), (&Setup::skew(0), &Setup::skew(100)));
    // A host that dies takes its answers with it.
    segment.cut(0);
    a.signal(Signal::SIGKILL);
    let last = segment.ads_of(0, 0.0).pop().expect("it was master").at;
    let ad = segment.await_ad_of(1, last, seconds(8));
    let late = ad.at - last - DEAD;
    assert!(late > -0.01, "took over {late:.4} s before the dead time was over");
    assert_soon("took over after the dead time", late, patience(second));
    b.await_hooks(&["down", "up"], seconds(3));
    segment.await_owner(1, seconds(3));
    let mac = segment.hosts[1].mac;
    segment.wire().await_arp("its announcement", seconds(2), |arp| {
        arp.at > last && arp.is_gratuitous() && arp.sender == VIP && arp.sender_mac == mac
    });
    if b.is_ours() {
        assert_eq!(b.hooks()[1].reason(), "master_timed_out");
        b.await_line("who fell silent", seconds(1), |l| l.contains("UC1001") && l.contains("10.9.0.1"));
    }
}

fn polite_stop(first: Kind, second: Kind) {
    let segment = Segment::new(2);
    let (mut a, b) = master_and_backup(
        &segment,
        (first, second),
        (&Setup::skew(0).with(&["--shutdown"]), &Setup::skew(100)),
    );
    let at = a.signal_at(Signal::SIGTERM);
    let ad = segment.await_ad_of(1, at, seconds(9));
    let limit = match (first, second) {
        (Kind::Ours, Kind::Ours) => 1.0,
        (Kind::Ours, Kind::Theirs) => 2.0,
        // The ancestor leaves without a word: its successor waits the dead time.
        (Kind::Theirs, _) => DEAD + 1.0 + patience(second),
    };
    assert_soon("the successor advertised after the signal", ad.at - at, limit);
    assert_eq!(a.await_exit(seconds(5)).code(), Some(0));
    a.await_hooks(&["down", "up", "down"], seconds(1));
    b.await_hooks(&["down", "up"], seconds(3));
    segment.await_owner(1, seconds(3));
    assert!(!segment.hosts[0].has_address(VIP));
    if a.is_ours() {
        segment.await_bow_out_of(0, at, seconds(1));
        assert_eq!(a.hooks()[2].reason(), "shutdown");
        if b.is_ours() {
            assert_eq!(b.hooks()[1].reason(), "master_left");
        }
    }
}

fn step_aside(first: Kind, second: Kind) {
    let segment = Segment::new(2);
    let (mut a, b) = master_and_backup(&segment, (first, second), (&Setup::skew(0), &Setup::skew(100)));
    let at = a.signal_at(Signal::SIGUSR2);
    let ad = segment.await_ad_of(1, at, seconds(9));
    let limit = match (first, second) {
        (Kind::Ours, Kind::Ours) => 1.0,
        (Kind::Ours, Kind::Theirs) => 2.0,
        (Kind::Theirs, _) => DEAD + 1.0 + patience(second),
    };
    assert_soon("the successor advertised after the signal", ad.at - at, limit);
    a.await_hooks(&["down", "up", "down"], seconds(4));
    b.await_hooks(&["down", "up"], seconds(3));
    segment.await_owner(1, seconds(3));
    // Without preempt who stepped aside stays there.
    segment.await_sole_master(1, seconds(8));
    assert!(a.is_running());
    assert_eq!(a.role(), "BACKUP");
    assert_eq!(b.role(), "MASTER");
    if a.is_ours() {
        segment.await_bow_out_of(0, at, seconds(1));
        assert_eq!(a.hooks()[2].reason(), "resigned");
    }
}

fn preempt(first: Kind, second: Kind) {
    let segment = Segment::new(2);
    let slow = lone_master(&segment, 1, second, &Setup::skew(100));
    let at = wire::now();
    let fast = Daemon::start(&segment, 0, first, &Setup::skew(0).with(&["--preempt"]));
    let ad = segment.await_ad_of(0, at, seconds(8));
    // One advertisement of the slower one has to be heard; two, if the start fell between.
    let limit = 2.0 * 1.4 + patience(first);
    assert_soon("preempted", ad.at - at, limit);
    fast.await_hooks(&["down", "up"], seconds(3));
    slow.await_hooks(&["down", "up", "down"], seconds(4));
    segment.await_owner(0, seconds(4));
    segment.await_sole_master(0, seconds(6));
    if fast.is_ours() {
        assert_eq!(fast.hooks()[1].reason(), "slower_master");
    }
    if slow.is_ours() {
        assert_eq!(slow.hooks()[2].reason(), "faster_master");
    }
}

fn no_preempt(first: Kind, second: Kind) {
    let segment = Segment::new(2);
    let _slow = lone_master(&segment, 1, second, &Setup::skew(100));
    let fast = Daemon::start(&segment, 0, first, &Setup::skew(0));
    fast.await_hooks(&["down"], seconds(3));
    throughout("the newcomer keeps quiet", seconds(5), || segment.ads_of(0, 0.0).is_empty());
    assert_eq!(fast.role(), "BACKUP");
    segment.await_owner(1, seconds(1));
}

fn equal_newcomer(first: Kind, second: Kind) {
    let segment = Segment::new(2);
    // The one with the higher address is there first: an existing master of equal interval is not disturbed.
    let _there = lone_master(&segment, 1, second, &Setup::skew(20));
    let newcomer = Daemon::start(&segment, 0, first, &Setup::skew(20).with(&["--preempt"]));
    newcomer.await_hooks(&["down"], seconds(3));
    throughout("the newcomer keeps quiet", seconds(5), || segment.ads_of(0, 0.0).is_empty());
    segment.await_owner(1, seconds(1));
}

fn boot_together(first: Kind, second: Kind) {
    let segment = Segment::new(2);
    let setup = Setup::skew(10);
    let a = Daemon::start(&segment, 0, first, &setup);
    let b = Daemon::start(&segment, 1, second, &setup);
    let mut winner = None;
    eventually("one of the two advertises alone", seconds(15), || {
        let ads = segment.wire().ads(|_| true);
        let last = ads.last().map(|ad| ad.source);
        winner = segment.hosts.iter().position(|h| Some(h.address) == last);
        ads.len() >= 5 && ads[ads.len() - 4..].iter().all(|ad| Some(ad.source) == last)
    });
    let winner = winner.expect("somebody advertised");
    segment.await_owner(winner, seconds(3));
    let (master, other) = if winner == 0 { (&a, &b) } else { (&b, &a) };
    assert_eq!(master.role(), "MASTER");
    assert_eq!(other.role(), "BACKUP");
    master.await_hooks(&["down", "up"], seconds(1));
    let hooks = other.hook_names();
    assert!(hooks == ["down"] || hooks == ["down", "up", "down"], "hooks of the other: {hooks:?}");
    if first == second {
        let lost = segment.ads_of(1 - winner, 0.0).len();
        assert!(lost <= 2, "the other advertised {lost} times");
    }
}

fn healed_partition(first: Kind, second: Kind) {
    let segment = Segment::new(2);
    let (a, b) = master_and_backup(&segment, (first, second), (&Setup::skew(0), &Setup::skew(100)));
    segment.cut(0);
    b.await_hooks(&["down", "up"], seconds(8));
    segment.await_owner(1, seconds(3));
    segment.join(0);
    let at = wire::now();
    b.await_hooks(&["down", "up", "down"], seconds(5));
    segment.await_owner(0, seconds(3));
    segment.await_sole_master(0, seconds(8));
    assert_eq!(a.hook_names(), ["down", "up"], "the better master was never disturbed");
    // The loser announced the address to whoever was on its side, so the winner has to announce it again.
    let mac = segment.hosts[0].mac;
    segment.wire().await_arp("the winner's announcement", seconds(3), |arp| {
        arp.at > at && arp.is_gratuitous() && arp.sender == VIP && arp.sender_mac == mac
    });
    if b.is_ours() {
        assert_eq!(b.hooks()[2].reason(), "faster_master");
    }
}

fn healed_partition_of_equals(first: Kind, second: Kind) {
    // The first has the lower address as the ancestor compares (last octet first), the second in numeric order.
    let segment = Segment::with_addresses(&["10.9.1.1", "10.9.0.5"].map(|a| a.parse().expect("an address")));
    segment.cut(0);
    let a = Daemon::start(&segment, 0, first, &Setup::skew(10));
    let b = Daemon::start(&segment, 1, second, &Setup::skew(10));
    a.await_hooks(&["down", "up"], seconds(8));
    b.await_hooks(&["down", "up"], seconds(8));
    segment.join(0);
    // Beside the ancestor its order is used, so that both sides agree.
    let (winner, loser, leaves) = if first == second { (1, 0, &a) } else { (0, 1, &b) };
    leaves.await_hooks(&["down", "up", "down"], seconds(6));
    segment.await_sole_master(winner, seconds(8));
    segment.await_owner(winner, seconds(3));
    if leaves.is_ours() {
        assert_eq!(leaves.hooks()[2].reason(), "tie_lost");
    }
    let settled = wire::now();
    throughout("the tie stays settled", seconds(3), || segment.ads_of(loser, settled).is_empty());
}

fn wrong_password(first: Kind, second: Kind) {
    let segment = Segment::new(2);
    let a = Daemon::start(&segment, 0, first, &Setup::default());
    let mistaken = Setup { password: "Secret", skew: 100, ..Setup::default() };
    let b = Daemon::start(&segment, 1, second, &mistaken);
    a.await_hooks(&["down", "up"], seconds(9));
    b.await_hooks(&["down", "up"], seconds(9));
    let from = wire::now();
    eventually("both advertise for a while", seconds(8), || {
        segment.ads_of(0, from).len() >= 4 && segment.ads_of(1, from).len() >= 3
    });
    for (daemon, peer) in [(&a, "10.9.0.2"), (&b, "10.9.0.1")] {
        assert_eq!(daemon.role(), "MASTER");
        if daemon.is_ours() {
            let lines = daemon.lines(|l| l.contains("[WARNING]") && l.contains(peer));
            assert!(!lines.is_empty(), "no warning names {peer}");
            assert!(lines.len() <= 3, "the same warning again and again: {lines:#?}");
            let lines = daemon.lines(|l| l.contains("[ERROR]") && l.contains("[UC1045]") && l.contains(peer));
            assert_eq!(lines.len(), 1, "{lines:#?}");
            // The answer to SIGUSR1, given above, goes on with this.
            daemon.await_line("who does not authenticate", seconds(1), |l| {
                l.contains("[INFO]") && l.contains("[bad_auth]") && l.contains(peer)
            });
        }
    }
    if b.is_ours() {
        assert_eq!(b.hooks()[1].reason(), "master_refused", "it heard the first one before it took over");
    }
    drop(b);
    let b = Daemon::start(&segment, 1, second, &Setup { password: Setup::default().password, ..mistaken });
    b.await_hooks(&["down"], seconds(5));
    if a.is_ours() {
        a.await_line("that it is over", seconds(6), |l| l.contains("[INFO]") && l.contains("[UC1046]"));
    }
    throughout("one of them is master", seconds(2), || b.hook_names() == ["down"]);
    assert_eq!((a.role(), b.role()), ("MASTER".to_owned(), "BACKUP".to_owned()));
}

/// The ancestor knows the password, and is not believed; one of ours is.
fn only_ours() {
    let segment = Segment::new(3);
    let theirs = lone_master(&segment, 0, Kind::Theirs, &Setup::skew(0));
    let ours = Daemon::start(&segment, 1, Kind::Ours, &Setup::skew(20).with(&["--only-ours"]));
    ours.await_hooks(&["down", "up"], seconds(6));
    ours.await_line("whom it refuses", seconds(1), |l| {
        l.contains("[WARNING]") && l.contains("[unmarked]") && l.contains("10.9.0.1")
    });
    drop(theirs);
    let other = backup(&segment, 2, Kind::Ours, &Setup::skew(100).with(&["--only-ours"]));
    throughout("they believe each other", seconds(4), || other.hook_names() == ["down"]);
    assert_eq!((ours.role(), other.role()), ("MASTER".to_owned(), "BACKUP".to_owned()));
}

fn other_destination(words: &[&'static str], second: Kind) {
    let segment = Segment::new(2);
    let setup = Setup::skew(0).with(words);
    let (a, _b) =
        master_and_backup(&segment, (Kind::Ours, second), (&setup, &Setup { skew: 100, ..setup.clone() }));
    let ad = segment.ads_of(0, 0.0).pop().expect("it is master");
    if words == ["--nomcast"] {
        assert_eq!(ad.mac_destination, [0xff; 6]);
        assert_eq!(ad.destination.to_string(), "224.0.0.18");
    } else {
        assert_eq!(ad.mac_destination, [0x01, 0x00, 0x5e, 0x00, 0x00, 0x63]);
        assert_eq!(ad.destination.to_string(), "224.0.0.99");
    }
    assert_eq!(ad.mac, segment.hosts[0].mac, "sent from the interface's own address");
    segment.cut(0);
    a.signal(Signal::SIGKILL);
    segment.await_ad_of(1, ad.at, seconds(9));
    segment.await_owner(1, seconds(3));
}

fn two_backups() {
    let segment = Segment::new(3);
    let (mut a, b) = master_and_backup(
        &segment,
        (Kind::Ours, Kind::Ours),
        (&Setup::skew(0).with(&["--shutdown"]), &Setup::skew(50)),
    );
    let c = backup(&segment, 2, Kind::Ours, &Setup::skew(100));
    let at = a.signal_at(Signal::SIGTERM);
    segment.await_ad_of(1, at, seconds(1));
    assert_eq!(a.await_exit(seconds(3)).code(), Some(0));
    segment.await_sole_master(1, seconds(6));
    segment.await_owner(1, seconds(2));
    assert_eq!(b.role(), "MASTER");
    assert_eq!(c.role(), "BACKUP");
    b.await_hooks(&["down", "up"], seconds(1));
    let hooks = c.hook_names();
    assert!(hooks == ["down"] || hooks == ["down", "up", "down"], "hooks of the slower one: {hooks:?}");
}

fn plain_term() {
    let segment = Segment::new(1);
    let mut a = lone_master(&segment, 0, Kind::Ours, &Setup::default());
    let at = a.signal_at(Signal::SIGTERM);
    assert_eq!(a.await_exit(seconds(2)).code(), Some(0));
    throughout("nothing more happens", Duration::from_millis(300), || {
        segment.ads_of(0, at).is_empty() && a.hook_names() == ["down", "up"]
    });
    assert!(segment.hosts[0].has_address(VIP));
    assert!(!a.lines(|l| l.contains("[WARNING]")).is_empty(), "a warning says that the address will stay");
}

fn ending_signals() {
    let segment = Segment::new(4);
    let setup = Setup::default().with(&["--shutdown"]);
    // Four masters that do not know of each other: four cables, all pulled.
    let signals = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGHUP];
    let mut daemons = Vec::new();
    for host in 0..signals.len() {
        segment.cut(host);
        daemons.push(Daemon::start(&segment, host, Kind::Ours, &setup));
    }
    for (daemon, signal) in daemons.iter_mut().zip(signals) {
        daemon.await_hooks(&["down", "up"], seconds(8));
        daemon.signal(signal);
        assert_eq!(daemon.await_exit(seconds(3)).code(), Some(0), "{signal}");
        let last = format!("Ended by {signal} [UC2040]");
        daemon.await_line("why it ended", seconds(1), |l| l.contains("[INFO]") && l.ends_with(&last));
        let lines = daemon.lines(|l| !l.contains("[WARNING]") && !l.contains("[ERROR]"));
        assert!(lines.last().is_some_and(|line| line.ends_with(&last)), "{lines:#?}");
        daemon.await_hooks(&["down", "up", "down"], seconds(1));
    }
}

fn second_term() {
    let segment = Segment::new(1);
    let setup = Setup {
        down: "test $UCARP_REASON = shutdown && exec sleep 20",
        ..Setup::default().with(&["--shutdown"])
    };
    let mut a = lone_master(&segment, 0, Kind::Ours, &setup);
    a.signal(Signal::SIGTERM);
    a.await_hooks(&["down", "up", "down"], seconds(3));
    a.signal(Signal::SIGTERM);
    assert_eq!(a.await_exit(seconds(3)).code(), Some(0));
}

fn usr1() {
    let segment = Segment::new(2);
    let (a, b) =
        master_and_backup(&segment, (Kind::Ours, Kind::Ours), (&Setup::default(), &Setup::skew(100)));
    assert_eq!(a.role(), "MASTER");
    assert_eq!(b.role(), "BACKUP");
    b.await_line("the ancestor's line", seconds(1), |l| l.contains("[INFO] BACKUP on eth0 id 7"));
}

fn usr2_in_backup() {
    let segment = Segment::new(2);
    let (_a, mut b) =
        master_and_backup(&segment, (Kind::Ours, Kind::Ours), (&Setup::default(), &Setup::skew(100)));
    b.signal(Signal::SIGUSR2);
    b.await_line("that it cannot", seconds(1), |l| l.contains("UC1017"));
    assert!(b.is_running());
    assert_eq!(b.hook_names(), ["down"]);
}

fn hook_words() {
    let segment = Segment::new(1);
    let a = lone_master(&segment, 0, Kind::Ours, &Setup::default().with(&["--xparam=extra"]));
    let hooks = a.hooks();
    for run in &hooks {
        assert_eq!(run.arguments, ["eth0", "10.9.0.200", "extra"]);
        let get = |name: &str| run.environment.get(name).map(String::as_str);
        assert_eq!(get("UCARP_ADDRESSES"), Some("10.9.0.200"));
    }
    assert_eq!(hooks[0].environment.get("UCARP_STATE").map(String::as_str), Some("INIT"));
    assert_eq!(hooks[0].reason(), "started");
    assert_eq!(hooks[1].environment.get("UCARP_STATE").map(String::as_str), Some("MASTER"));
    assert_eq!(hooks[1].reason(), "master_timed_out");
}

fn neutral() {
    let segment = Segment::new(1);
    let a = Daemon::start(&segment, 0, Kind::Ours, &Setup::default().with(&["--neutral"]));
    segment.await_ad_of(0, 0.0, seconds(8));
    a.await_hooks(&["up"], seconds(2));
}
