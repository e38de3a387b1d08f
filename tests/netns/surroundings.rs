//! What is around a daemon: its log's reader, its password file, its starter's descriptors, its neighbours on the
//! segment, and signals at inconvenient moments.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read, Write as _};
use std::net::Ipv4Addr;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;

use super::Case;
use super::cases::{lone_master, master_and_backup, seconds};
use super::daemon::{Daemon, Kind, Setup};
use super::faults::{assert_on_time, ends_by_itself};
use super::frames;
use super::segment::{Segment, VHID, VIP, eventually, throughout};
use super::wire;

const OURS: (Kind, Kind) = (Kind::Ours, Kind::Ours);

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    let both = &[Kind::Ours, Kind::Theirs];
    vec![
        Case::new("terminal_that_is_stopped", ours, stopped_terminal),
        Case::new("pipe_that_nobody_reads", ours, full_pipe),
        Case::new("syslog_is_found_again", ours, syslog_returns),
        Case::new("passfiles_of_every_shape_hold_one_password", ours, passfiles),
        Case::new("password_of_20_bytes", ours, longest_password),
        Case::new("passfile_shared_with_the_ancestor", both, passfile_beside_theirs),
        Case::new("passfile_that_cannot_be_read", ours, unreadable_passfile),
        Case::new("hooks_inherit_no_descriptor", ours, hook_descriptors),
        Case::new("two_clusters_on_two_groups", ours, two_groups),
        Case::new("vrrp_routers_with_our_number", ours, vrrp_neighbours),
        Case::new("vrrp_router_is_named_at_the_start", ours, vrrp_named),
        Case::new("term_while_a_hook_runs", ours, term_during_hook),
        Case::new("term_without_shutdown_leaves_a_running_hook_alone", ours, plain_term_during_hook),
        Case::new("backup_that_slept", ours, backup_slept),
        Case::new("backup_that_slept_through_the_masters_death", ours, backup_overslept),
        Case::new("preempting_master_that_slept", ours, preempting_master_slept),
        Case::new("lone_master_that_slept", ours, lone_master_slept),
    ]
}

/// More to say than any pipe and any queue before it holds.
fn have_it_talk(a: &Daemon, enough: impl Fn() -> bool) {
    eventually("four advertisements while it has much to say", seconds(9), || {
        (0..200).for_each(|_| a.signal(Signal::SIGUSR1));
        enough()
    });
    // About every second one is answered, in two lines that count 800 bytes, and twice 4 MiB wait.
    for _ in 0..60_000 {
        a.signal(Signal::SIGUSR1);
        thread::sleep(Duration::from_micros(100));
    }
}

/// Reads from where the log went, until the count of what is missing and then an answer have come.
fn read_again(a: &Daemon, mut from: impl Read) {
    let mut text = String::new();
    let lost = "log lines were lost";
    eventually("the lines come again, and how many are lost", seconds(30), || {
        a.signal(Signal::SIGUSR1);
        let mut buffer = [0; 8192];
        while let Ok(length) = from.read(&mut buffer) {
            text.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
        text.split_once(lost).is_some_and(|(_, after)| after.contains("MASTER on eth0 id 7"))
    });
}

fn full_pipe() {
    let segment = Segment::new(1);
    let path = segment.dir().join("pipe");
    nix::unistd::mkfifo(&path, Mode::from_bits_truncate(0o600)).expect("the directory is ours");
    // Reading and writing, so that it can be opened before the other end is.
    let mut fifo = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(&path)
        .expect("it was just made");
    let junk = [b'\n'; 4096];
    loop {
        match fifo.write(&junk) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("filling the pipe: {error}"),
        }
    }
    let wrapper = format!("exec \"$@\" >{0} 2>{0}", path.display());
    let setup = Setup { wrapper: Some(wrapper), ..Setup::default().with(&["--facility=none"]) };
    let mut a = lone_master(&segment, 0, Kind::Ours, &setup);
    let from = wire::now();
    have_it_talk(&a, || segment.ads_of(0, from).len() >= 4);
    assert_on_time(&segment.ads_of(0, from), 0);
    read_again(&a, fifo);
    a.signal(Signal::SIGTERM);
    assert_eq!(a.await_exit(seconds(2)).code(), Some(0));
}

/// Control-S, and nobody who reads either.
fn stopped_terminal() {
    let segment = Segment::new(1);
    let (mut screen, path) = terminal();
    let wrapper = format!("exec \"$@\" <{path} >{path} 2>{path}");
    // Scripts have much to say as well, and end all the same.
    let up = "seq 100000; seq 100000 >&2";
    let setup = Setup {
        wrapper: Some(wrapper),
        up,
        down: up,
        ..Setup::default().with(&["--shutdown", "--facility=none"])
    };
    screen.write_all(b"\x13").expect("a terminal takes what is typed");
    let mut a = lone_master(&segment, 0, Kind::Ours, &setup);
    let from = wire::now();
    have_it_talk(&a, || segment.ads_of(0, from).len() >= 4);
    assert_on_time(&segment.ads_of(0, from), 0);
    assert!(a.hooks()[1].ended.is_some());
    screen.write_all(b"\x11").expect("a terminal takes what is typed");
    read_again(&a, &screen);
    // Stopped again, for good.
    screen.write_all(b"\x13").expect("a terminal takes what is typed");
    a.signal(Signal::SIGTERM);
    assert_eq!(a.await_exit(seconds(5)).code(), Some(0));
    a.await_hooks(&["down", "up", "down"], seconds(1));
    assert!(a.hooks()[2].ended.is_some());
}

/// A new terminal: the screen, which does not wait, and the path to write to.
fn terminal() -> (PtyMaster, String) {
    let screen =
        posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_NONBLOCK).expect("terminals can be had");
    grantpt(&screen).and_then(|()| unlockpt(&screen)).expect("it is ours");
    let path = ptsname_r(&screen).expect("it has a name");
    (screen, path)
}

/// A wrapper that gives the daemon a /dev of its own, in which `log` is whatever the test puts there.
pub(crate) fn own_dev(segment: &Segment) -> (PathBuf, String) {
    let dev = segment.dir().join("dev");
    fs::create_dir(&dev).expect("the directory is ours");
    let nodes = ["null", "zero", "full", "random", "urandom", "tty"];
    for node in nodes {
        fs::write(dev.join(node), "").expect("the directory is ours");
    }
    let binds: String =
        nodes.iter().map(|n| format!("mount --bind /dev/{n} {}/{n} && ", dev.display())).collect();
    let wrapper = format!(
        "exec unshare --mount --propagation private sh -c '{binds} mount --rbind {} /dev && exec \"$@\"' sh \"$@\"",
        dev.display()
    );
    (dev.join("log"), wrapper)
}

pub(crate) fn received(socket: &UnixDatagram) -> Vec<String> {
    let mut lines = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(length) = socket.recv(&mut buffer) {
        lines.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
    }
    lines
}

pub(crate) fn listen(path: &Path) -> UnixDatagram {
    let socket = UnixDatagram::bind(path).expect("nobody listens there");
    socket.set_nonblocking(true).expect("it is ours");
    socket
}

fn syslog_returns() {
    let segment = Segment::new(1);
    let (log, wrapper) = own_dev(&segment);
    let first = listen(&log);
    let setup = Setup { wrapper: Some(wrapper), ..Setup::default().with(&["--facility=local3"]) };
    let a = lone_master(&segment, 0, Kind::Ours, &setup);
    let lines = received(&first);
    // 19 is local3, 6 informational.
    assert!(lines.iter().any(|l| l.starts_with("<158>") && l.contains(" ucarp[")), "{lines:#?}");
    drop(first);
    fs::remove_file(&log).expect("it was there");
    assert_eq!(a.role(), "MASTER");
    let second = listen(&log);
    assert_eq!(a.role(), "MASTER");
    let mut lines = Vec::new();
    eventually("syslog hears of the question", seconds(2), || {
        lines.extend(received(&second));
        lines.iter().any(|l| l.ends_with("MASTER on eth0 id 7"))
    });
    // Two lines answer a question, three on a machine with much to do.
    assert!(
        lines[0].ends_with("2 log lines were lost") || lines[0].ends_with("3 log lines were lost"),
        "{lines:#?}"
    );
}

fn passfile(segment: &Segment, name: &str, content: &[u8], mode: u32) -> PathBuf {
    let path = segment.dir().join(name);
    fs::write(&path, content).expect("the directory is ours");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("it is ours");
    path
}

fn passfiles() {
    let segment = Segment::new(5);
    let a = lone_master(&segment, 0, Kind::Ours, &Setup::default());
    let shapes: [(&str, &[u8], u32, u8); 4] = [
        ("crlf", b"secret\r\n", 0o600, 60),
        ("no-newline", b"secret", 0o400, 120),
        ("second-line", b"secret\nanother\n", 0o600, 180),
        ("world-readable", b"secret\n", 0o644, 240),
    ];
    let mut daemons = Vec::new();
    for (host, (name, content, mode, skew)) in (1..).zip(shapes) {
        let file = passfile(&segment, name, content, mode);
        let setup = Setup { passfile: Some(file), ..Setup::skew(skew) };
        daemons.push(Daemon::start(&segment, host, Kind::Ours, &setup));
    }
    let warned = |d: &Daemon| !d.lines(|l| l.contains("[WARNING]") && l.contains("--passfile")).is_empty();
    daemons[3].await_line("who may read the file", seconds(2), |l| {
        l.contains("[WARNING]") && l.contains("world-readable")
    });
    assert!(!daemons[..3].iter().any(warned), "a warning about a file that only its owner reads");
    // Whoever does not understand a master becomes master beside it.
    let from = wire::now();
    throughout("all follow the first", seconds(5), || {
        segment.wire().ads(|ad| ad.at > from && ad.source != segment.hosts[0].address).is_empty()
    });
    let mut masters = vec![a];
    for host in [1, 2] {
        segment.cut(host - 1);
        masters[host - 1].signal(Signal::SIGKILL);
        let next = daemons.remove(0);
        next.await_hooks(&["down", "up"], seconds(6));
        segment.await_owner(host, seconds(3));
        masters.push(next);
    }
    for follower in &daemons {
        assert_eq!((follower.role().as_str(), follower.hook_names()), ("BACKUP", vec!["down".to_owned()]));
    }
}

fn fails_over(segment: &Segment, a: &Daemon, host: usize) {
    segment.cut(0);
    a.signal(Signal::SIGKILL);
    let last = segment.ads_of(0, 0.0).pop().expect("it was master").at;
    segment.await_ad_of(host, last, seconds(9));
    segment.await_owner(host, seconds(3));
}

fn longest_password() {
    let segment = Segment::new(2);
    let file = passfile(&segment, "longest", b"12345678901234567890\n", 0o600);
    let (a, b) = master_and_backup(
        &segment,
        OURS,
        (
            &Setup { password: "12345678901234567890", ..Setup::default() },
            &Setup { passfile: Some(file), ..Setup::skew(100) },
        ),
    );
    for daemon in [&a, &b] {
        daemon.await_line("that ifconfig keys are shorter", seconds(1), |l| l.contains("20 bytes"));
    }
    throughout("it is followed", seconds(3), || segment.ads_of(1, 0.0).is_empty());
    fails_over(&segment, &a, 1);
}

fn passfile_beside_theirs() {
    let segment = Segment::new(2);
    let file = passfile(&segment, "shared", b"123456789012345-789\n", 0o600);
    let setup = Setup { passfile: Some(file), ..Setup::default() };
    let (a, _b) = master_and_backup(
        &segment,
        (Kind::Ours, Kind::Theirs),
        (&setup, &Setup { skew: 100, ..setup.clone() }),
    );
    throughout("it is followed", seconds(4), || segment.ads_of(1, 0.0).is_empty());
    fails_over(&segment, &a, 1);
}

fn unreadable_passfile() {
    let segment = Segment::new(1);
    let file = passfile(&segment, "unreadable", b"secret\n", 0o000);
    // Root reads everything unless this is taken away.
    let mut command = segment.hosts[0].command("setpriv");
    command.args(["--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search", "--"]);
    command.arg(Kind::Ours.binary()).args(["--interface=eth0", "--vhid=7", "--addr=10.9.0.200"]);
    command.arg(format!("--passfile={}", file.display()));
    let (status, said) = ends_by_itself(command);
    assert_eq!(status, Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("--passfile") && said.contains("unreadable"), "{said}");
}

fn hook_descriptors() {
    let segment = Segment::new(1);
    let dir = segment.dir().display();
    let extra: String = (3..=9).map(|n| format!("exec {n}>{dir}/extra-{n}\n")).collect();
    let setup = Setup {
        wrapper: Some(format!("{extra} export FDS={dir}/fds\nexec \"$@\"")),
        // Not of the shell, which opens its script, but of a program it starts.
        up: "ls -l /proc/self/fd | sed -n 's/.* \\([0-9]* -> .*\\)/\\1/p' >$FDS.new && mv $FDS.new $FDS",
        ..Setup::default()
    };
    let _a = lone_master(&segment, 0, Kind::Ours, &setup);
    let list = segment.dir().join("fds");
    eventually("the hook's list", seconds(3), || list.exists());
    let list = fs::read_to_string(list).expect("the hook wrote it");
    let inherited: Vec<&str> = list
        .lines()
        .filter(|line| {
            let (number, target) = line.split_once(" -> ").expect("ls prints this");
            // Its own output, and the directory it lists.
            !(matches!(number, "0" | "1" | "2") || target.starts_with("/proc/"))
        })
        .collect();
    assert!(inherited.is_empty(), "inherited: {inherited:?}");
    assert!(list.contains("0 -> /dev/null"), "{list}");
    assert!(!list.contains("socket:") && !list.contains("anon_inode:"), "{list}");
}

/// A second cluster with our number, another password and another address, on another group.
fn two_groups() {
    let segment = Segment::new(4);
    let group = Ipv4Addr::new(239, 192, 0, 7);
    let elsewhere =
        Setup { password: "another", ..Setup::default().with(&["--mcast=239.192.0.7", "--shutdown"]) }
            .sharing(&["10.9.0.201"]);
    let (here_a, here_b) = master_and_backup(
        &segment,
        OURS,
        (&Setup::default().with(&["--shutdown"]), &Setup::skew(100).with(&["--shutdown"])),
    );
    let mut there_a = Daemon::start(&segment, 2, Kind::Ours, &elsewhere);
    segment.await_ad_of(2, 0.0, seconds(8));
    let there_b = Daemon::start(&segment, 3, Kind::Ours, &Setup { skew: 100, ..elsewhere });
    throughout("each cluster has one master", seconds(4), || {
        segment.ads_of(1, 0.0).is_empty() && segment.ads_of(3, 0.0).is_empty()
    });
    assert!(segment.ads_of(2, 0.0).iter().all(|ad| ad.destination == group));
    assert!(
        segment.ads_of(2, 0.0).iter().all(|ad| ad.mac_destination == [0x01, 0x00, 0x5e, 0x40, 0x00, 0x07])
    );
    // One of them changes hands; the other does not notice.
    let at = there_a.signal_at(Signal::SIGTERM);
    segment.await_ad_of(3, at, seconds(2));
    assert_eq!(there_a.await_exit(seconds(3)).code(), Some(0));
    there_b.await_hooks(&["down", "up"], seconds(3));
    assert_eq!(here_a.hook_names(), ["down", "up"]);
    assert_eq!(here_b.hook_names(), ["down"]);
    for daemon in [&here_a, &here_b, &there_b] {
        let lines = daemon.lines(|l| l.contains("does not authenticate") || l.contains("another group"));
        assert!(lines.is_empty(), "disturbed: {lines:#?}");
    }
}

/// VRRP shares our protocol number, group, and the form of our hardware address.
fn vrrp_neighbours() {
    let segment = Segment::new(2);
    let (a, b) = master_and_backup(&segment, OURS, (&Setup::default(), &Setup::skew(100)));
    let from = wire::now();
    let source = segment.observer().address;
    let mac = [0x00, 0x00, 0x5e, 0x00, 0x01, VHID];
    // Version, type, virtual router, priority, addresses, then what differs.
    let with_addresses = |first: u8, priority: u8, count: u8, rest: [u8; 2], auth: usize| {
        let mut body = vec![first, VHID, priority, count, rest[0], rest[1], 0, 0];
        for n in 0..count {
            body.extend([10, 9, 0, 210 + n]);
        }
        body.extend(vec![0; auth]);
        body
    };
    let messages = [
        with_addresses(0x21, 255, 1, [0, 1], 8),
        // "I give up being master."
        with_addresses(0x21, 0, 1, [0, 1], 8),
        // As long as one of ours.
        with_addresses(0x21, 100, 5, [0, 1], 8),
        with_addresses(0x31, 255, 1, [0, 100], 0),
        with_addresses(0x31, 0, 7, [0, 100], 0),
    ];
    eventually("five advertisements among them", seconds(9), || {
        for body in &messages {
            segment.wire().send(&frames::vrrp(mac, source, body));
        }
        segment.ads_of(0, from).len() >= 5
    });
    assert_on_time(&segment.ads_of(0, from), 0);
    assert!(segment.ads_of(1, 0.0).is_empty(), "the backup became master");
    assert_eq!((a.role().as_str(), b.role().as_str()), ("MASTER", "BACKUP"));
    assert_eq!(a.hook_names(), ["down", "up"]);
    assert_eq!(b.hook_names(), ["down"]);
    let about_it = |line: &str| line.contains(&source.to_string());
    let lines = a.lines(about_it).len() + b.lines(about_it).len();
    assert!(lines <= 12, "{lines} log lines about a neighbour");
}

fn vrrp_named() {
    let segment = Segment::new(1);
    let a = Daemon::start(&segment, 0, Kind::Ours, &Setup::default());
    let mac = [0x00, 0x00, 0x5e, 0x00, 0x01, VHID];
    let source = segment.observer().address;
    let mut routers = [vec![0x21, VHID, 100, 1, 0, 1, 0, 0], vec![0x31, VHID, 100, 1, 0, 100, 0, 0]];
    for body in &mut routers {
        body.extend([10, 9, 0, 210]);
    }
    routers[0].extend([0; 8]);
    let named = |l: &str| l.contains("[WARNING]") && l.contains("VRRP") && l.contains(&source.to_string());
    // Both speak all the time, as routers do.
    eventually("master beside them", seconds(8), || {
        routers.iter().for_each(|body| segment.wire().send(&frames::vrrp(mac, source, body)));
        thread::sleep(Duration::from_millis(100));
        segment.ads_of(0, 0.0).len() >= 2
    });
    let lines = a.lines(named);
    assert!((1..=2).contains(&lines.len()), "one line for each kind of router: {lines:#?}");
    assert!(
        lines.iter().all(|l| l.contains("00:00:5e:00:01:07") && l.contains("different ids")),
        "{lines:#?}"
    );
}

fn term_during_hook() {
    let segment = Segment::new(1);
    let setup = Setup { up: "sleep 2", ..Setup::default().with(&["--shutdown"]) };
    let mut a = lone_master(&segment, 0, Kind::Ours, &setup);
    let at = a.signal_at(Signal::SIGTERM);
    segment.await_bow_out_of(0, at, seconds(1));
    assert_eq!(a.await_exit(seconds(6)).code(), Some(0));
    let hooks = a.hooks();
    assert_eq!(a.hook_names(), ["down", "up", "down"]);
    assert!(hooks[1].ended.is_some() && hooks[2].ended >= hooks[1].ended, "{hooks:#?}");
    assert!(!segment.hosts[0].has_address(VIP));
}

fn plain_term_during_hook() {
    let segment = Segment::new(1);
    let mut a = lone_master(&segment, 0, Kind::Ours, &Setup { up: "sleep 2", ..Setup::default() });
    a.signal(Signal::SIGTERM);
    assert_eq!(a.await_exit(seconds(1)).code(), Some(0));
    assert!(a.hooks()[1].ended.is_none(), "it waited");
    eventually("the hook ends by itself", seconds(4), || a.hooks()[1].ended.is_some());
    assert_eq!(a.hook_names(), ["down", "up"]);
}

fn backup_slept() {
    let segment = Segment::new(2);
    let (a, b) = master_and_backup(&segment, OURS, (&Setup::default(), &Setup::skew(100)));
    b.signal(Signal::SIGSTOP);
    // Longer than its dead time.
    thread::sleep(Duration::from_millis(4500));
    b.signal(Signal::SIGCONT);
    throughout("it hears that the master lives", seconds(4), || segment.ads_of(1, 0.0).is_empty());
    assert_eq!(b.role(), "BACKUP");
    assert_eq!(b.hook_names(), ["down"]);
    assert_eq!(a.hook_names(), ["down", "up"]);
}

fn backup_overslept() {
    let segment = Segment::new(2);
    let (a, b) = master_and_backup(&segment, OURS, (&Setup::default(), &Setup::skew(100)));
    b.signal(Signal::SIGSTOP);
    segment.cut(0);
    a.signal(Signal::SIGKILL);
    thread::sleep(Duration::from_millis(4500));
    let at = b.signal_at(Signal::SIGCONT);
    // At once, or after a dead time counted anew: a sleeper may ask for a second sign.
    segment.await_ad_of(1, at, seconds(5));
    b.await_hooks(&["down", "up"], seconds(2));
    segment.await_owner(1, seconds(3));
}

fn preempting_master_slept() {
    let segment = Segment::new(2);
    let setup = Setup::default().with(&["--preempt"]);
    let (a, b) = master_and_backup(&segment, OURS, (&setup, &Setup::skew(100)));
    a.signal(Signal::SIGSTOP);
    b.await_hooks(&["down", "up"], seconds(6));
    a.signal(Signal::SIGCONT);
    b.await_hooks(&["down", "up", "down"], seconds(6));
    segment.await_sole_master(0, seconds(6));
    segment.await_owner(0, seconds(3));
    assert_eq!((a.role().as_str(), b.role().as_str()), ("MASTER", "BACKUP"));
}

fn lone_master_slept() {
    let segment = Segment::new(1);
    let a = lone_master(&segment, 0, Kind::Ours, &Setup::default());
    a.signal(Signal::SIGSTOP);
    thread::sleep(Duration::from_millis(4500));
    let at = a.signal_at(Signal::SIGCONT);
    segment.await_ad_of(0, at, seconds(2));
    eventually("three advertisements", seconds(4), || segment.ads_of(0, at).len() >= 3);
    // The missed ones are gone, not sent together.
    let burst = segment.ads_of(0, at).iter().filter(|ad| ad.at < at + 0.8).count();
    assert!(burst <= 2, "{burst} advertisements at once");
    assert_eq!(a.role(), "MASTER");
    assert_eq!(a.hook_names(), ["down", "up"]);
    segment.await_owner(0, seconds(1));
}
