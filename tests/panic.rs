//! A bug of ours while master: the daemon still bows out, takes the address down and ends with status 70.
//!
//! The fault is put into the loop through the door the daemon has for it (`daemon::run_with`). The daemon runs in a
//! process and a network namespace of its own: this test starts itself again there. Root and `ip` are needed; without
//! them the test says why it was skipped and prints a line that `ci/test` counts.
#![expect(clippy::disallowed_methods, reason = "starts ip and itself, and waits in real time")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

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
    let namespace = Namespace(format!("ucarp-panic-{}", std::process::id()));
    let name = &namespace.0;
    if !ip(&format!("netns add {name}")) {
        eprintln!("skipped: 1 (network namespaces need root and ip)");
        return;
    }
    let inside = format!("-n {name}");
    assert!(ip(&format!("{inside} link add eth0 type veth peer name far")));
    assert!(ip(&format!("{inside} link set far up")) && ip(&format!("{inside} link set eth0 up")));
    assert!(ip(&format!("{inside} addr add 10.9.0.1/24 dev eth0")));
    assert!(ip(&format!("{inside} addr add 10.9.0.2/24 dev far")));

    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder).unwrap();
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
