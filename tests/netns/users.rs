//! Other users of the machine, processes that are not quite gone, and hooks that cannot be run: what may keep a daemon
//! from its work, and how it says so.

use std::fs;
use std::os::fd::AsRawFd as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::process::Command;

use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::Signal;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};

use super::Case;
use super::addresses::become_nobody;
use super::cases::{lone_master, seconds};
use super::daemon::{Daemon, Kind, Setup};
use super::faults::{assert_start_failure, ends_by_itself};
use super::segment::{Host, Segment, eventually};

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![
        Case::new("nobody_holds_the_name", ours, squatted_name),
        Case::new("nobody_holds_the_name_and_is_silent", ours, silent_squatter),
        Case::new("nobody_holds_the_name_and_the_lock_is_elsewhere", ours, lock_elsewhere),
        Case::new("nobody_holds_the_name_and_no_lock_can_be_made", ours, no_place_for_a_lock),
        Case::new("nobody_locks_the_pidfile", ours, locked_pidfile),
        Case::new("second_instance_beside_a_full_queue", ours, full_queue),
        Case::new("one_id_in_two_groups", ours, two_groups),
        Case::new("killed_and_started_at_once", ours, restarted),
        Case::new("few_descriptors_are_no_other_ucarp", ours, few_descriptors),
        Case::new("no_core_files", ours, no_core_files),
        Case::new("hook_on_a_mount_without_execution", ours, hook_without_execution),
        Case::new("hook_whose_interpreter_went_away", ours, hook_without_interpreter),
        Case::new("hooks_are_given_the_label", ours, labelled),
    ]
}

const NAME: &str = "ucarp eth0 id 7";
const WORDS: [&str; 5] =
    ["--interface=eth0", "--vhid=7", "--pass=secret", "--addr=10.9.0.200", "--facility=none"];

fn ours(host: &Host) -> Command {
    let mut command = host.command(Kind::Ours.binary());
    command.args(WORDS);
    command
}

/// Does something in the host's namespace as nobody.
fn as_nobody<T: Send>(host: &Host, work: impl FnOnce() -> T + Send) -> T {
    host.inside(|| {
        become_nobody();
        work()
    })
}

fn name() -> SocketAddr {
    SocketAddr::from_abstract_name(NAME).expect("it is short")
}

/// Leaves no room for the question who listens: a queued connection outlives the one who made it.
fn fill_queue() {
    let address = UnixAddr::new_abstract(NAME.as_bytes()).expect("it is short");
    let ask = || {
        let socket = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_NONBLOCK, None)?;
        connect(socket.as_raw_fd(), &address)
    };
    while ask().is_ok() {}
}

/// It starts, says who is in the way, and is the only one all the same.
fn starts_all_the_same(segment: &Segment, said: &[&str]) {
    let a = lone_master(segment, 0, Kind::Ours, &Setup::default());
    let warned = |l: &str| l.contains("[WARNING]") && l.contains("UC2030");
    let line = a.await_line("who holds the name", seconds(1), warned);
    assert!(said.iter().all(|word| line.contains(word)), "{line}");
    let pid = a.pid().to_string();
    assert_start_failure(ends_by_itself(ours(&segment.hosts[0])), &[&pid]);
}

fn squatted_name() {
    let segment = Segment::new(1);
    // Of either kind: the daemon has had both.
    let _squatters = as_nobody(&segment.hosts[0], || {
        (UnixListener::bind_addr(&name()).expect("free"), UnixDatagram::bind_addr(&name()).expect("free"))
    });
    starts_all_the_same(&segment, &["User 65534", &format!("process {}", std::process::id())]);
}

fn silent_squatter() {
    let segment = Segment::new(1);
    let listener = as_nobody(&segment.hosts[0], || UnixListener::bind_addr(&name()).expect("free"));
    as_nobody(&segment.hosts[0], fill_queue);
    starts_all_the_same(&segment, &["does not answer"]);
    drop(listener);
}

/// Nothing can be made in /run.
const WITHOUT_RUN: &str =
    "exec unshare --mount sh -c 'mount -t tmpfs -o ro none /run && exec \"$@\"' sh \"$@\"";

/// A read-only root alone is not worth a line.
fn no_place_for_a_lock() {
    let segment = Segment::new(1);
    let setup = Setup { wrapper: Some(WITHOUT_RUN.into()), ..Setup::default() };
    let told = |daemon: &Daemon| daemon.lines(|l| l.contains("[WARNING]") && l.contains("UC203"));
    let a = Daemon::start(&segment, 0, Kind::Ours, &setup);
    a.await_hooks(&["down"], seconds(3));
    assert!(told(&a).is_empty(), "{:?}", told(&a));
    drop(a);
    // The other one of the two processes gives it back a moment after the first was killed.
    let free = || as_nobody(&segment.hosts[0], || UnixListener::bind_addr(&name()).is_ok());
    eventually("the name given back", seconds(2), free);
    let _squatter = as_nobody(&segment.hosts[0], || UnixListener::bind_addr(&name()).expect("free"));
    let a = lone_master(&segment, 0, Kind::Ours, &setup);
    let told = told(&a);
    let [who, place] = told.as_slice() else { panic!("{told:?}") };
    assert!(who.contains("UC2030") && who.contains("65534"), "{who}");
    assert!(place.contains("UC2031") && place.contains("/run/ucarp-eth0-id-7."), "{place}");
    assert!(place.contains("Read-only file system"), "{place}");
}

fn lock_elsewhere() {
    let segment = Segment::new(1);
    let folder = segment.dir().join("locks");
    fs::create_dir(&folder).expect("a folder");
    let word: &'static str = format!("--lockdir={}", folder.display()).leak();
    let _squatter = as_nobody(&segment.hosts[0], || UnixListener::bind_addr(&name()).expect("free"));
    let setup = Setup { wrapper: Some(WITHOUT_RUN.into()), ..Setup::default() }.with(&[word]);
    let a = lone_master(&segment, 0, Kind::Ours, &setup);
    let doubts = a.lines(|l| l.contains("UC2031"));
    assert!(doubts.is_empty(), "{doubts:?}");
    let mut second = ours(&segment.hosts[0]);
    second.arg(word);
    assert_start_failure(ends_by_itself(second), &[&a.pid().to_string()]);
}

fn locked_pidfile() {
    let segment = Segment::new(1);
    let path = segment.dir().join("pid");
    let word: &'static str = format!("--pidfile={}", path.display()).leak();
    let setup = Setup::default().with(&[word]);
    let a = lone_master(&segment, 0, Kind::Ours, &setup);
    let host = &segment.hosts[0];
    // Monitoring may read it, and whoever can read a file can lock it.
    let squatter = as_nobody(host, || {
        let file = fs::File::open(&path).expect("everybody may read it");
        Flock::lock(file, FlockArg::LockExclusiveNonblock).expect("nobody else locks it")
    });
    let lock = segment.dir().join("pid.lock");
    as_nobody(host, || fs::File::open(&lock)).expect_err("nobody else may open the lock");
    let pid = a.pid().to_string();
    let mut second = ours(host);
    second.args(["--vhid=8", word]);
    assert_start_failure(ends_by_itself(second), &[&pid]);
    a.signal(Signal::SIGKILL);
    drop(a);
    let b = Daemon::start(&segment, 0, Kind::Ours, &setup);
    b.await_hooks(&["down"], seconds(3));
    assert_eq!(fs::read_to_string(&path).expect("a pidfile").trim(), b.pid().to_string());
    drop(squatter);
}

fn full_queue() {
    let segment = Segment::new(1);
    let a = lone_master(&segment, 0, Kind::Ours, &Setup::default());
    as_nobody(&segment.hosts[0], fill_queue);
    assert_start_failure(ends_by_itself(ours(&segment.hosts[0])), &[&a.pid().to_string()]);
}

/// They hear nothing of each other.
fn two_groups() {
    let segment = Segment::new(1);
    let _a = lone_master(&segment, 0, Kind::Ours, &Setup::default());
    let there = || {
        let mut command = ours(&segment.hosts[0]);
        command.arg("--mcast=224.0.0.99");
        command
    };
    let b = Daemon::spawn(&segment, "b", Kind::Ours, there(), segment.dir().join("none"));
    b.await_line("its first line", seconds(5), |l| l.contains("sharing"));
    assert_start_failure(ends_by_itself(there()), &["eth0 id 7 224.0.0.99", &b.pid().to_string()]);
}

fn restarted() {
    let segment = Segment::new(1);
    let pidfile = format!("--pidfile={}", segment.dir().join("pid").display());
    let start = |before: &str| {
        let mut command = segment.hosts[0].command("sh");
        command.args(["-c", &format!("{before} exec \"$@\""), "sh"]);
        command.arg(Kind::Ours.binary()).args(WORDS).arg(&pidfile);
        let daemon = Daemon::spawn(&segment, "a", Kind::Ours, command, segment.dir().join("none"));
        daemon.await_line("its first line", seconds(5), |l| l.contains("sharing"));
        daemon
    };
    let mut daemon = start("");
    for _ in 0..150 {
        // Nothing between the two, not even the time to start a program.
        let engine = daemon.engine().expect("it is ours");
        let next = start(&format!("kill -9 {} {engine};", daemon.pid()));
        daemon.await_exit(seconds(2));
        daemon = next;
    }
}

/// What cannot be found out is said for what it is.
fn few_descriptors() {
    let segment = Segment::new(1);
    let mut failures = 0;
    for most in 3..14 {
        let mut command = segment.hosts[0].command("prlimit");
        command.arg(format!("--nofile={most}")).arg(Kind::Ours.binary()).args(WORDS);
        let mut daemon = Daemon::spawn(&segment, "a", Kind::Ours, command, segment.dir().join("none"));
        let mut ended = false;
        eventually("it starts or fails", seconds(5), || {
            ended = !daemon.is_running();
            ended || !daemon.lines(|l| l.contains("sharing")).is_empty()
        });
        let said = daemon.lines(|_| true).join("\n");
        assert!(!said.contains("another ucarp serves"), "{most}: {said}");
        failures += u32::from(ended);
    }
    assert!(failures > 0, "all started");
}

fn no_core_files() {
    let segment = Segment::new(1);
    // Nobody may not be able to reach the build directory.
    let copy = segment.dir().join("ucarp-copy");
    let host = &segment.hosts[0];
    host.sh(&format!("install -m 755 {} {}", Kind::Ours.binary().display(), copy.display()));
    let mut command = host.command("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    command.args(["--inh-caps=+net_raw", "--ambient-caps=+net_raw", "--"]).arg(&copy).args(WORDS);
    let daemon = Daemon::spawn(&segment, "a", Kind::Ours, command, segment.dir().join("none"));
    daemon.await_line("its first line", seconds(3), |l| l.contains("sharing"));
    let proc = |what: &str| format!("/proc/{}/{what}", daemon.pid());
    let limits = fs::read_to_string(proc("limits")).expect("it runs");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit");
    assert_eq!(core.split_ascii_whitespace().nth(4), Some("0"), "{core}");
    // What belongs to root here although the process does not cannot be dumped (proc(5)).
    let owner = |what: &str| std::os::unix::fs::MetadataExt::uid(&fs::metadata(proc(what)).expect("it runs"));
    assert_eq!(owner("environ"), 0);
    // It had no lock file, and needs none while the name is its own.
    assert!(daemon.lines(|l| l.contains("UC203")).is_empty());
}

fn hook_without_execution() {
    let segment = Segment::new(1);
    let mount = segment.dir().join("mount");
    fs::create_dir(&mount).expect("the directory is ours");
    let script = format!(
        "mount -t tmpfs -o noexec none {0} && printf '#!/bin/sh\\n' >{0}/up && chmod 755 {0}/up && exec \"$@\"",
        mount.display()
    );
    let mut command = segment.hosts[0].command("unshare");
    command.args(["--mount", "sh", "-c", &script, "sh"]).arg(Kind::Ours.binary());
    command.args(WORDS).arg(format!("--upscript={}", mount.join("up").display()));
    let (status, said) = ends_by_itself(command);
    assert_eq!((status, said.lines().count()), (Some(1), 1), "{said}");
    assert!(said.contains("--upscript") && said.contains("noexec"), "{said}");
}

/// execve(2) calls both missing, the script and the program it names.
fn hook_without_interpreter() {
    let segment = Segment::new(1);
    let dir = segment.dir().display();
    segment.hosts[0].sh(&format!(
        "cp \"$(readlink -f /bin/sh)\" {dir}/shell; printf '#!{dir}/shell\\n' >{dir}/up; chmod 755 {dir}/up"
    ));
    let mut command = ours(&segment.hosts[0]);
    command.arg(format!("--upscript={dir}/up"));
    let daemon = Daemon::spawn(&segment, "a", Kind::Ours, command, segment.dir().join("none"));
    daemon.await_line("its first line", seconds(3), |l| l.contains("sharing"));
    fs::remove_file(segment.dir().join("shell")).expect("it was there");
    let line = daemon.await_line("that it cannot run it", seconds(6), |l| l.contains("UC2001"));
    assert!(
        line.contains(&format!("first line names '{dir}/shell'")) && line.contains("--upscript"),
        "{line}"
    );
}

fn labelled() {
    let segment = Segment::new(1);
    let given = segment.dir().join("given");
    let up = segment.dir().join("up");
    segment.hosts[0].sh(&format!(
        "printf '%s\\n' '#!/bin/sh' 'echo \"$1 $UCARP_INTERFACE $(ulimit -c)\" >{0}.new; mv {0}.new {0}' >{1}; chmod 755 {1}",
        given.display(),
        up.display()
    ));
    let mut command = segment.hosts[0].command("prlimit");
    command.args(["--core=4096:8192", "--"]).arg(Kind::Ours.binary()).args(WORDS);
    command.args(["--interface=eth0:1", &format!("--upscript={}", up.display())]);
    let daemon = Daemon::spawn(&segment, "a", Kind::Ours, command, segment.dir().join("none"));
    eventually("the hook has run", seconds(8), || given.exists());
    let given = fs::read_to_string(&given).expect("the hook wrote it");
    // The shell counts in blocks of 512 bytes. What the daemon took from itself it gives its hooks back.
    assert_eq!(given, "eth0:1 eth0 8\n");
    assert_eq!(daemon.role(), "MASTER");
}
