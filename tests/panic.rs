//! Faults inside the daemon. A bug of ours while master: it still bows out, takes the address down and ends with status
//! 70. A capture that dies while backup: it takes nothing over while it hears nothing, and hears again.
//!
//! The fault is put into the loop through the door the daemon has for it (`daemon::run_with`). The daemon runs in a
//! process and a network namespace of its own: this test starts itself again there. Root and `ip` are needed; without
//! them the test says why it was skipped and prints a line that `ci/test` counts.
#![expect(clippy::disallowed_methods, reason = "starts ip and itself, and waits in real time")]
#![cfg_attr(
    target_os = "linux",
    expect(unsafe_code, reason = "a descriptor is taken from the daemon behind its back")
)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
#[cfg(target_os = "linux")]
use std::time::{Duration, Instant};

use ucarp::config::cli::{self, Invocation};
use ucarp::daemon::{self, Ended};
use ucarp::protocol::Role;

const CHILD: &str = "UCARP_TEST_PANIC_IN";

/// The part that runs inside the namespace: a daemon whose loop panics in its third turn as master.
#[test]
#[ignore = "the body of the test below, which runs it in a namespace"]
fn inside() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let hook = |name: &str| format!("{}/{name}", folder.to_string_lossy());
    let words = [
        "-i",
        "eth0",
        "-s",
        "10.9.0.1",
        "-v",
        "7",
        "-p",
        "secret",
        "-a",
        "10.9.0.200",
        "-b",
        "0",
        "-k",
        "64",
    ];
    let hooks = [hook("up"), hook("down")];
    // Without -z: a bug gives the address back all the same.
    let args = words.iter().map(Into::into).chain([
        "-u".into(),
        (&hooks[0]).into(),
        "-d".into(),
        (&hooks[1]).into(),
    ]);
    let Ok(Invocation::Run { config, warnings, .. }) = cli::parse(args, &daemon::caller()) else {
        panic!("the words are not understood")
    };
    let mut turns_as_master = 0;
    let ended = daemon::run_with(&config, &warnings, &mut |hosts| {
        turns_as_master += u32::from(hosts.iter().any(|host| host.role() == Role::Master));
        let has_address = fs::read_to_string(hook("story")).is_ok_and(|story| story.contains("up"));
        assert!(turns_as_master < 3 || !has_address, "the fault of this test");
    });
    fs::write(hook("ended"), format!("{:?}", matches!(ended, Ok(Ended::Bug)))).unwrap();
}

/// A backup whose capture dies a second after its start, together with the means to open another. It ends as master.
#[test]
#[ignore = "the body of a test below, which runs it in a namespace"]
#[cfg(target_os = "linux")]
fn inside_deaf() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let note = |name: &str, text: String| fs::write(Path::new(&folder).join(name), text).unwrap();
    let args = [
        "-i",
        "eth0",
        "-s",
        "10.9.0.1",
        "-v",
        "7",
        "-p",
        "secret",
        "-a",
        "10.9.0.200",
        "-b",
        "0",
        "-k",
        "64",
    ];
    let Ok(Invocation::Run { config, warnings, .. }) =
        cli::parse(args.iter().map(Into::into), &daemon::caller())
    else {
        panic!("the words are not understood")
    };
    let (begun, mut turns, mut master) = (Instant::now(), None, false);
    let ended = daemon::run_with(&config, &warnings, &mut |hosts| {
        turns = turns.map(|turns: u32| turns + 1);
        if turns.is_none() && begun.elapsed() > Duration::from_secs(1) {
            turns = Some(0);
            note("deaf", std::process::id().to_string());
            take_capture();
        }
        if hosts.iter().any(|host| host.role() == Role::Master) && !std::mem::replace(&mut master, true) {
            note("master", turns.unwrap_or_default().to_string());
            // SAFETY: takes a number.
            unsafe { libc::raise(libc::SIGTERM) };
        }
    });
    assert_eq!(ended.unwrap(), Ended::Orderly);
}

/// Puts a pipe that nobody writes to any more in the place of the capture's socket, and leaves no descriptor free.
#[cfg(target_os = "linux")]
fn take_capture() {
    let is_capture = |fd: &libc::c_int| {
        // SAFETY: all-zero is a valid sockaddr_ll.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        let mut length = libc::socklen_t::try_from(size_of_val(&address)).expect("a small structure");
        // SAFETY: the kernel writes at most `length` bytes into `address`.
        let done = unsafe { libc::getsockname(*fd, (&raw mut address).cast(), &raw mut length) };
        // What only sends is for no protocol.
        done == 0 && i32::from(address.sll_family) == libc::AF_PACKET && address.sll_protocol != 0
    };
    let capture = (3..64).find(is_capture).expect("the daemon captures");
    let mut ends = [0; 2];
    let limit = libc::rlimit { rlim_cur: 3, rlim_max: 1024 };
    // SAFETY: the pointers are to this frame; the numbers are of descriptors that are open.
    unsafe {
        assert_eq!(libc::pipe(ends.as_mut_ptr()), 0);
        assert_eq!(libc::dup2(ends[0], capture), capture);
        libc::close(ends[0]);
        libc::close(ends[1]);
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit), 0);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_backup_whose_capture_dies_takes_nothing_over_until_it_hears_again() {
    let Some((namespace, folder)) = namespace("deaf") else { return };
    let name = &namespace.0;
    let start = |program: &Path, words: &[&str]| {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", name, "timeout", "30"]).arg(program).args(words);
        command.env(CHILD, &folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let words =
        ["-i", "far", "-s", "10.9.0.2", "-v", "7", "-p", "secret", "-a", "10.9.0.200", "-b", "0", "-k", "10"];
    let mut master = start(Path::new(env!("CARGO_BIN_EXE_ucarp")), &words);
    let backup =
        start(&std::env::current_exe().unwrap(), &["--ignored", "--exact", "inside_deaf", "--nocapture"]);
    let there = |what: &str| fs::read_to_string(folder.join(what)).ok().filter(|text| !text.is_empty());
    let await_it = |what: &str, seconds: u64| {
        let end = Instant::now() + Duration::from_secs(seconds);
        while there(what).is_none() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
        }
        there(what).unwrap_or_else(|| panic!("not {what} within {seconds} s"))
    };
    let pid = await_it("deaf", 10);
    // Its dead time is three quarters of a second.
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(there("master"), None, "it took over because it heard nothing");
    let raised = Command::new("prlimit").args([&format!("--pid={pid}"), "--nofile=1024:"]).status();
    assert!(raised.is_ok_and(|status| status.success()));
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(there("master"), None, "it does not hear the master");
    let killed = Command::new("kill").arg(master.id().to_string()).status();
    assert!(killed.is_ok_and(|status| status.success()) && master.wait().is_ok());
    let turns: u32 = await_it("master", 5).parse().unwrap();
    assert!(turns < 2_000, "{turns} turns of the loop in seconds");
    let said = backup.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{text}");
    assert!(text.contains("[ERROR] Cannot hear other hosts on eth0") && text.contains("UC2016"), "{text}");
    remove(&folder);
}

/// A namespace with two ends of a cable in it, eth0 at 10.9.0.1 and far at 10.9.0.2, and a folder; none without the
/// means, which is said.
#[expect(clippy::print_stderr, reason = "a line that is counted")]
fn namespace(kind: &str) -> Option<(Namespace, PathBuf)> {
    let namespace = Namespace(format!("ucarp-{kind}-{}", std::process::id()));
    let name = &namespace.0;
    if !ip(&format!("netns add {name}")) {
        eprintln!("skipped: 1 (network namespaces need root and ip)");
        return None;
    }
    let inside = format!("-n {name}");
    assert!(ip(&format!("{inside} link add eth0 type veth peer name far")));
    assert!(ip(&format!("{inside} link set far up")) && ip(&format!("{inside} link set eth0 up")));
    assert!(ip(&format!("{inside} addr add 10.9.0.1/24 dev eth0")));
    assert!(ip(&format!("{inside} addr add 10.9.0.2/24 dev far")));
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder).expect("a temporary directory can be made");
    Some((namespace, folder))
}

fn ip(words: &str) -> bool {
    Command::new("ip")
        .args(words.split(' '))
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

struct Namespace(String);

impl Drop for Namespace {
    fn drop(&mut self) {
        ip(&format!("netns del {}", self.0));
    }
}

#[test]
fn a_bug_while_master_gives_the_address_back() {
    let Some((namespace, folder)) = namespace("panic") else { return };
    let name = &namespace.0;
    for (hook, what) in [("up", "add"), ("down", "del")] {
        let path = folder.join(hook);
        let story = folder.join("story");
        let text = format!(
            "#!/bin/sh\nip addr {what} $2/32 dev $1 2>/dev/null\necho {hook} $UCARP_REASON >> {}\n",
            story.display()
        );
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    // Who hears the bow-out takes over at once and says why.
    let backup = Command::new("ip")
        .args([
            "netns",
            "exec",
            name,
            "timeout",
            "20",
            env!("CARGO_BIN_EXE_ucarp"),
            "-i",
            "far",
            "-s",
            "10.9.0.2",
        ])
        .args(["-v", "7", "-p", "secret", "-a", "10.9.0.200", "-b", "1", "-k", "100", "-z", "-f", "none"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let status = Command::new("ip")
        .args(["netns", "exec", name, "timeout", "20"])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "inside", "--nocapture"])
        .env(CHILD, &folder)
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    let story = fs::read_to_string(folder.join("story")).unwrap();
    assert_eq!(story.lines().collect::<Vec<_>>(), ["down started", "up master_timed_out", "down shutdown"]);
    assert_eq!(fs::read_to_string(folder.join("ended")).unwrap(), "true");
    let addresses = Command::new("ip").args(["-n", name, "addr", "show", "eth0"]).output().unwrap();
    assert!(!String::from_utf8_lossy(&addresses.stdout).contains("10.9.0.200"), "the address is gone");
    await_line(backup, "[UC1001 master_left]");
    remove(&folder);
}

/// Reads what a daemon says until it says `wanted`, then ends it.
fn await_line(mut daemon: Child, wanted: &str) {
    let said = BufReader::new(daemon.stderr.take().expect("it was asked for a pipe"));
    let heard = said.lines().map_while(Result::ok).any(|line| line.contains(wanted));
    let ended = Command::new("kill").arg(daemon.id().to_string()).status();
    assert!(ended.is_ok_and(|status| status.success()) && daemon.wait().is_ok());
    assert!(heard, "the other host was never told: {wanted}");
}

fn remove(folder: &Path) {
    fs::remove_dir_all(folder).expect("our own folder");
}
