//! Ends that are asked for in the ways of the world: by whoever sends a signal to all that looks like the daemon, by a
//! terminal, by Debian's init scripts.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::cases::{backup, lone_master, master_and_backup, seconds};
use super::daemon::{Daemon, Kind, Setup};
use super::segment::{Segment, VIP, eventually, throughout};
use super::surroundings::{listen, own_dev, received};
use super::{Case, skip, wire};

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![
        Case::new("term_to_every_process", ours, term_to_all),
        Case::new("term_to_every_process_while_an_up_hook_runs", ours, term_to_all_amid_up),
        Case::new("term_to_every_process_twice", ours, term_to_all_twice),
        Case::new("interrupted_on_a_terminal", ours, interrupted),
        Case::new("start_stop_daemon", ours, start_stop_daemon),
        Case::new("one_number_for_all", ours, one_number),
    ]
}

/// A process and all that came of it.
fn family(pid: u32) -> Vec<u32> {
    let children = |pid: u32| -> Vec<u32> {
        let path = format!("/proc/{pid}/task/{pid}/children");
        let list = fs::read_to_string(path).unwrap_or_default();
        list.split_whitespace().filter_map(|word| word.parse().ok()).collect()
    };
    let mut all = vec![pid];
    let mut next = 0;
    while let Some(pid) = all.get(next).copied() {
        all.extend(children(pid));
        next += 1;
    }
    all
}

/// As a supervisor does to its control group.
fn term_all(daemon: &Daemon) -> f64 {
    let at = wire::now();
    for pid in family(daemon.pid()) {
        let pid = i32::try_from(pid).expect("a process id is positive");
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
    }
    at
}

/// Its bow-out was said as often as one is, and never again.
#[track_caller]
fn assert_one_bow_out(segment: &Segment, since: f64) {
    let times: Vec<f64> =
        segment.ads_of(0, since).iter().filter(|ad| ad.is_bow_out()).map(|ad| ad.at - since).collect();
    let (Some(first), Some(last)) = (times.first(), times.last()) else { panic!("there was none") };
    // It is not repeated to a successor that was heard.
    assert!(times.len() <= 3 && last - first < 0.3, "{times:?}");
}

/// Elected within a second.
fn ending() -> Setup {
    let down = "case $UCARP_REASON in shutdown) sleep 1;; esac";
    Setup { down, ..Setup::skew(64).with(&["--advbase=0", "--shutdown"]) }
}

fn slower() -> Setup {
    Setup::skew(100).with(&["--advbase=0"])
}

fn term_to_all() {
    let segment = Segment::new(2);
    let (mut a, b) = master_and_backup(&segment, (Kind::Ours, Kind::Ours), (&ending(), &slower()));
    let at = term_all(&a);
    assert!(family(a.pid()).len() >= 2, "an engine was told as well");
    segment.await_ad_of(1, at, seconds(1));
    assert_eq!(a.await_exit(seconds(4)).code(), Some(0));
    a.await_hooks(&["down", "up", "down"], seconds(1));
    assert!(a.hooks()[2].ended.is_some_and(|ended| ended >= at + 1.0), "{:?}", a.hooks()[2]);
    assert_one_bow_out(&segment, at);
    a.await_line("why", seconds(1), |line| line.ends_with("Ended by SIGTERM [UC2040]"));
    assert_eq!(a.lines(|line| line.contains("[UC201")), Vec::<String>::new());
    assert_eq!(b.hooks()[1].reason(), "master_left");
    assert!(!segment.hosts[0].has_address(VIP));
}

/// The hook that runs hears of it too; the one that gives the address back has not begun.
fn term_to_all_amid_up() {
    let segment = Segment::new(1);
    let mut a = Daemon::start(&segment, 0, Kind::Ours, &Setup { up: "sleep 20", ..ending() });
    a.await_hooks(&["down", "up"], seconds(8));
    eventually("the address is there", seconds(2), || segment.hosts[0].has_address(VIP));
    let at = term_all(&a);
    assert_eq!(a.await_exit(seconds(4)).code(), Some(0));
    a.await_hooks(&["down", "up", "down"], seconds(1));
    assert!(a.hooks()[1].ended.is_none() && a.hooks()[2].ended.is_some());
    assert_one_bow_out(&segment, at);
    assert!(!segment.hosts[0].has_address(VIP));
}

/// Whoever asks again does not want to wait for hooks.
fn term_to_all_twice() {
    let segment = Segment::new(1);
    let slow = Setup { down: "case $UCARP_REASON in shutdown) exec sleep 20;; esac", ..ending() };
    let mut a = lone_master(&segment, 0, Kind::Ours, &slow);
    let at = term_all(&a);
    a.await_hooks(&["down", "up", "down"], seconds(2));
    // The address is gone first.
    eventually("the address is gone", seconds(2), || !segment.hosts[0].has_address(VIP));
    let again = term_all(&a);
    assert_eq!(a.await_exit(seconds(1)).code(), Some(0));
    assert!(wire::now() - again < 1.0);
    assert_one_bow_out(&segment, at);
}

fn interrupted() {
    let segment = Segment::new(2);
    let terminal = openpty(None, None).expect("a pseudo terminal");
    fcntl(&terminal.master, FcntlArg::F_SETFL(OFlag::O_RDWR | OFlag::O_NONBLOCK)).expect("it is ours");
    let path = nix::unistd::ttyname(&terminal.slave).expect("it has a name");
    // The first terminal that somebody without one opens is his.
    let wrapper = format!("exec setsid -c \"$@\" <{0} >{0} 2>&1", path.display());
    let setup = Setup { wrapper: Some(wrapper), ..ending() };
    let mut a = Daemon::start(&segment, 0, Kind::Ours, &setup);
    a.await_hooks(&["down", "up"], seconds(8));
    let b = backup(&segment, 1, Kind::Ours, &slower());
    let mut screen = fs::File::from(terminal.master);
    let at = wire::now();
    screen.write_all(b"\x03").expect("it is typed");
    segment.await_ad_of(1, at, seconds(1));
    let status = a.await_exit(seconds(4));
    let mut shown = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = screen.read(&mut buffer) {
        shown.extend_from_slice(&buffer[..length]);
    }
    let shown = String::from_utf8_lossy(&shown);
    assert_eq!(status.code(), Some(0), "{shown}");
    a.await_hooks(&["down", "up", "down"], seconds(1));
    assert!(a.hooks()[2].ended.is_some_and(|ended| ended >= at + 1.0), "{:?}", a.hooks()[2]);
    assert_one_bow_out(&segment, at);
    assert!(shown.contains("Ended by SIGINT [UC2040]") && !shown.contains("[UC201"), "{shown}");
    assert_eq!(b.hooks()[1].reason(), "master_left");
    drop(terminal.slave);
}

/// By the number in the file, and by the program, which both processes are.
fn start_stop_daemon() {
    if !Command::new("start-stop-daemon").arg("--version").output().is_ok_and(|done| done.status.success()) {
        skip("needs start-stop-daemon");
    }
    let segment = Segment::new(1);
    let host = &segment.hosts[0];
    let dir = segment.dir().display();
    // The daemons of other cases are the same program.
    let copy = segment.dir().join("ucarp");
    fs::copy(Kind::Ours.binary(), &copy).expect("it can be copied");
    host.sh(&format!(
        "for hook in up down; do
             printf '#!/bin/sh\\ncase $UCARP_REASON in shutdown) sleep 1;; esac\\necho %s $UCARP_REASON $PPID >>{dir}/hooks\\n' $hook >{dir}/$hook
             chmod 755 {dir}/$hook
         done"
    ));
    let words = format!(
        "-i eth0 -s {} -v 7 -p secret -a {VIP} -b 0 -k 64 -z -f none -B --pidfile={dir}/pid -u {dir}/up -d {dir}/down",
        host.address
    );
    // Not `Host::sh`: what it starts dies with it.
    let ssd = |what: &str| {
        let script = format!("exec start-stop-daemon {what}");
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", host.namespace().display())).args(["sh", "-c", &script]);
        let done = command.stdin(Stdio::null()).output().expect("it starts");
        (done.status.code(), String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned())
    };
    let hooks = || fs::read_to_string(segment.dir().join("hooks")).unwrap_or_default();
    let by_number = format!("--pidfile {dir}/pid");
    let by_program = format!("--exec {}", copy.display());
    for by in [by_number.clone(), by_program.clone(), format!("{by_number} {by_program}")] {
        let _ = fs::remove_file(segment.dir().join("hooks"));
        let start = format!("--start {by} --startas {} -- {words}", copy.display());
        let (status, said) = ssd(&start);
        assert_eq!(status, Some(0), "{by}: {said}");
        let pid =
            fs::read_to_string(segment.dir().join("pid")).expect("it is written before the caller ends");
        let pid: u32 = pid.trim().parse().expect("a number");
        eventually("it is master", seconds(4), || hooks().contains("up"));
        let (status, said) = ssd(&start);
        assert_eq!(status, Some(1), "one is enough: {said}");
        let at = wire::now();
        let (status, said) = ssd(&format!("--stop {by} --retry TERM/6/KILL/5"));
        assert_eq!(status, Some(0), "{by}: {said}");
        assert!((1.0..5.0).contains(&(wire::now() - at)), "the hook takes a second, nobody was killed");
        let lines = format!("down started {pid}\nup master_timed_out {pid}\ndown shutdown {pid}\n");
        assert_eq!(hooks(), lines, "{by}");
        assert_one_bow_out(&segment, at);
        assert!(!segment.dir().join("pid").exists());
        eventually("nobody is left", seconds(1), || family(pid).len() == 1 && !is_running(&copy));
        thread::sleep(Duration::from_millis(300));
    }
}

fn is_running(program: &PathBuf) -> bool {
    let all = fs::read_dir("/proc").expect("there is one").flatten();
    all.map(|entry| entry.path().join("exe")).any(|exe| fs::read_link(exe).is_ok_and(|exe| exe == *program))
}

/// The number that supervisors, log readers and hooks know is one.
fn one_number() {
    let segment = Segment::new(1);
    let (log, wrapper) = own_dev(&segment);
    let log = listen(&log);
    let pidfile = segment.dir().join("pid");
    let word: &'static str = format!("--pidfile={}", pidfile.display()).leak();
    let parents = segment.dir().join("parents");
    let note: &'static str = format!("echo $PPID >>{}", parents.display()).leak();
    let setup = Setup { wrapper: Some(wrapper), up: note, down: note, ..ending() };
    let mut a = lone_master(&segment, 0, Kind::Ours, &setup.with(&["--facility=daemon", word]));
    let pid = a.pid().to_string();
    a.role();
    let engine = a.engine().expect("it has one");
    kill(engine, Signal::SIGKILL).expect("it lives");
    a.await_line("that another one works", seconds(2), |line| line.contains("[UC2011]"));
    assert_eq!(a.role(), "MASTER");
    assert_eq!(fs::read_to_string(&pidfile).expect("there is one").trim(), pid);
    // To the engine: nobody's business but the hands'.
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGHUP, Signal::SIGUSR2] {
        kill(a.engine().expect("it has one"), signal).expect("it lives");
    }
    throughout("it takes no orders", Duration::from_millis(500), || a.hook_names() == ["down", "up"]);
    a.signal(Signal::SIGTERM);
    assert_eq!(a.await_exit(seconds(3)).code(), Some(0));
    let lines = received(&log);
    let marked = format!(" ucarp[{pid}]: ");
    assert!(lines.len() > 6 && lines.iter().all(|line| line.contains(&marked)), "{lines:#?}");
    let parents = fs::read_to_string(parents).expect("hooks have run");
    assert!(parents.lines().count() == 3 && parents.lines().all(|line| line == pid), "{parents} {pid}");
}
