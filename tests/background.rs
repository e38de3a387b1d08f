//! The daemon as its host sees it: in the background, with a pidfile, in the list of processes, and how it goes.
//!
//! Everything runs without privileges on an interface that does not exist and is waited for, so nothing is ever sent.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::disallowed_methods, reason = "runs the program and waits for it in real time")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getsid};

const PASSWORD: &str = "hush-hush";
/// Waits for things that take milliseconds.
const PATIENCE: u32 = 500;

/// A folder and a name of its own for each test.
struct Place {
    folder: PathBuf,
    interface: String,
}

impl Place {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("ucarp-background-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self { folder, interface: format!("no{}{}", name.get(..1).unwrap(), std::process::id()) }
    }

    fn pidfile(&self) -> PathBuf {
        self.folder.join("pid")
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ucarp"));
        command
            .args(["-i", &self.interface, "-v1", "-p", PASSWORD, "-a192.0.2.9", "-fnone"])
            .args(more)
            .current_dir(&self.folder)
            .env("LC_ALL", "C");
        command
    }

    /// Runs until the caller is let go and nobody holds its streams any more.
    fn call(&self, more: &[&str]) -> Output {
        self.command(more).stdin(Stdio::null()).output().unwrap()
    }

    /// A script of this name in the folder.
    fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }

    fn number(&self) -> Option<Pid> {
        Some(Pid::from_raw(fs::read_to_string(self.pidfile()).ok()?.strip_suffix('\n')?.parse().ok()?))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(left) = self.number() {
            let _ = kill(left, Signal::SIGKILL);
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..PATIENCE {
        if holds() {
            return;
        }
        sleep(Duration::from_millis(10));
    }
    panic!("never: {what}");
}

fn gone(pid: Pid) -> bool {
    // A container's first process may leave zombies unreaped.
    let zombie = fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "));
    zombie || kill(pid, None) == Err(Errno::ESRCH)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_caller_is_let_go_when_the_daemon_runs() {
    let place = Place::new("run");
    let ran = place.call(&["-B", "--wait-interface", "--pidfile=pid"]);
    assert_eq!((ran.status.code(), text(&ran.stdout), text(&ran.stderr)), (Some(0), "".into(), "".into()));
    let pid = place.number().unwrap();
    assert_eq!(getsid(Some(pid)).unwrap(), pid);
    if Path::new("/proc/self/status").exists() {
        let about = |name: &str| fs::read_link(format!("/proc/{pid}/{name}")).unwrap();
        assert_eq!(about("cwd"), Path::new("/"));
        for stream in ["fd/0", "fd/1", "fd/2"] {
            assert_eq!(about(stream), Path::new("/dev/null"), "{stream}");
        }
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        assert!(status.contains("Umask:\t0022"), "{status}");
    }

    for way in ["-B", "-D"] {
        let second = place.call(&[way, "--wait-interface", "--pidfile=pid"]);
        let said = text(&second.stderr);
        assert_eq!(second.status.code(), Some(2), "{way}: {said}");
        assert_eq!(said.lines().count(), 1, "{way}: {said}");
        assert!(said.contains(&pid.to_string()) && said.contains("/pid"), "{way}: {said}");
        let second = place.call(&[way, "--wait-interface"]);
        let said = text(&second.stderr);
        assert_eq!((second.status.code(), said.lines().count()), (Some(2), 1), "{way}: {said}");
        assert!(said.contains(&place.interface), "{way}: {said}");
    }
    assert_eq!(place.number(), Some(pid), "a second one leaves the pidfile alone");

    kill(pid, Signal::SIGTERM).unwrap();
    eventually("the daemon ends", || gone(pid));
    assert!(!place.pidfile().exists());
}

#[test]
fn a_pidfile_left_by_a_crash_is_taken_over() {
    let place = Place::new("crash");
    for _ in 0..2 {
        assert_eq!(place.call(&["-B", "--wait-interface", "--pidfile=pid"]).status.code(), Some(0));
        let pid = place.number().unwrap();
        kill(pid, Signal::SIGKILL).unwrap();
        eventually("the daemon dies", || gone(pid));
        assert_eq!(place.number(), Some(pid));
    }
    fs::remove_file(place.pidfile()).unwrap();
}

struct Foreground(Child);

impl Drop for Foreground {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_password_does_not_stay_in_the_list_of_processes() {
    if !Path::new("/proc/self/cmdline").exists() {
        return;
    }
    let place = Place::new("hide");
    let mut command = place.command(&["--wait-interface", "--pidfile=pid", "-xword", "--pass=hush-hush-2"]);
    let mut daemon = Foreground(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    eventually("it runs", || place.number().is_some());
    let arguments = fs::read(format!("/proc/{}/cmdline", daemon.0.id())).unwrap();
    let arguments: Vec<String> = arguments.split(|&byte| byte == 0).map(text).collect();
    let stars = "*".repeat(PASSWORD.len());
    assert!(!arguments.iter().any(|word| word.contains("hush")), "{arguments:?}");
    for word in ["-p", &stars, "--pass=***********", "-xword", "-v1"] {
        assert!(arguments.iter().any(|there| there == word), "no {word} in {arguments:?}");
    }
    kill(place.number().unwrap(), Signal::SIGTERM).unwrap();
    assert!(daemon.0.wait().unwrap().success());
    assert!(!place.pidfile().exists());
}

/// What status and limits in /proc/PID say about signals that are blocked and ignored, and about limits.
fn inherited(said: &str) -> Vec<&str> {
    let names = ["SigBlk", "SigIgn", "Max "];
    said.lines().filter(|line| names.iter().any(|name| line.starts_with(name))).collect()
}

/// The processes whose parent this is, with their states.
fn children(parent: Pid) -> Vec<(Pid, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let Some((pid, rest)) = stat.split_once(' ') else { continue };
        let mut fields = rest.rsplit_once(") ").unwrap_or_default().1.split(' ');
        let state = fields.next().unwrap_or_default().to_owned();
        if fields.next() == Some(&parent.to_string()) {
            found.push((Pid::from_raw(pid.parse().unwrap()), state));
        }
    }
    found
}

#[test]
fn what_the_caller_did_to_signals_is_for_the_scripts_and_not_for_us() {
    // Under nice and with a limit, which are the scripts' as well.
    let preparation = "trap '' INT HUP TTOU VTALRM; ulimit -n 77; ulimit -Sc $(ulimit -Hc); exec nice -n 3 env \
        --block-signal=CHLD --block-signal=TERM --block-signal=USR1 --block-signal=WINCH \"$@\"";
    let prepared = || {
        let mut command = Command::new("sh");
        command.args(["-c", preparation, "sh"]).env("LC_ALL", "C").stdin(Stdio::null());
        command
    };
    let Ok(expected) = prepared().args(["cat", "/proc/self/status", "/proc/self/limits"]).output() else {
        return;
    };
    if !expected.status.success() {
        eprintln!("skipped: 1 (needs an env that can block signals)");
        return;
    }
    let place = Place::new("signals");
    let down = place.script(
        "down",
        "cd \"${0%/*}\"; exec >said; exec cat /proc/self/status /proc/self/limits /proc/self/stat fails",
    );
    let ucarp = place.command(&["--wait-interface", "-d"]);
    let mut wrapped = prepared();
    wrapped.arg(ucarp.get_program()).args(ucarp.get_args()).arg(&down).current_dir(&place.folder);
    wrapped.stdout(Stdio::null()).stderr(fs::File::create(place.folder.join("log")).unwrap());
    let daemon = Foreground(wrapped.spawn().unwrap());
    let pid = Pid::from_raw(daemon.0.id().try_into().unwrap());
    eventually("the script was taken note of", || place.read("log").contains("UC1014"));
    let said = place.read("said");
    assert_eq!(inherited(&said), inherited(&text(&expected.stdout)));
    assert!(inherited(&said).len() > 10, "{said}");
    let niceness = said.rsplit_once(") ").unwrap().1.split(' ').nth(16);
    assert_eq!(niceness, Some("3"), "{said}");
    kill(pid, Signal::SIGTERM).unwrap();
    eventually("it ends", || gone(pid));
}

#[test]
fn children_of_others_are_buried_and_scripts_keep_their_status() {
    if !Path::new("/proc/self/stat").exists() {
        return;
    }
    for first in [false, true] {
        let place = Place::new(if first { "first" } else { "heir" });
        // An orphan comes to the first process of a container; a child that was there before execve(2) to us.
        let down = place.script("down", "(sleep 0.2 & sleep 0.3 &); sleep 0.4; exit 3");
        let ucarp = place.command(&["--wait-interface", "-d"]);
        let mut command = Command::new(if first { "unshare" } else { "sh" });
        if first {
            command.args(["--pid", "--fork", "--kill-child"]);
        } else {
            command.args(["-c", "sleep 0.2 & sleep 0.3 & exec \"$@\"", "sh"]);
        }
        command.arg(ucarp.get_program()).args(ucarp.get_args()).arg(&down).env("LC_ALL", "C");
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(fs::File::create(place.folder.join("log")).unwrap());
        let mut started = Foreground(command.spawn().unwrap());
        let mut pid = Pid::from_raw(started.0.id().try_into().unwrap());
        if first {
            eventually("it starts", || !children(pid).is_empty() || started.0.try_wait().unwrap().is_some());
            match children(pid).first() {
                Some((daemon, _)) => pid = *daemon,
                None => {
                    eprintln!("skipped: 1 (a process namespace needs root and unshare)");
                    continue;
                }
            }
        }
        eventually("the script was taken note of", || place.read("log").contains("UC1014"));
        eventually("nobody is left unburied", || !children(pid).iter().any(|(_, state)| state == "Z"));
        kill(pid, if first { Signal::SIGKILL } else { Signal::SIGTERM }).unwrap();
        eventually("it ends", || gone(pid));
    }
}

#[test]
fn a_log_that_may_not_grow_ends_nobody() {
    let place = Place::new("limit");
    let ucarp = place.command(&["--wait-interface", "--pidfile=pid"]);
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 1; exec \"$@\" >>log 2>&1", "sh"]).arg(ucarp.get_program());
    command.args(ucarp.get_args()).current_dir(&place.folder).env("LC_ALL", "C").stdin(Stdio::null());
    let mut daemon = Foreground(command.spawn().unwrap());
    eventually("it runs", || place.number().is_some());
    for _ in 0..40 {
        kill(place.number().unwrap(), Signal::SIGUSR1).unwrap();
        sleep(Duration::from_millis(5));
    }
    assert!(fs::metadata(place.folder.join("log")).unwrap().len() >= 512);
    kill(place.number().unwrap(), Signal::SIGTERM).unwrap();
    assert_eq!(daemon.0.wait().unwrap().code(), Some(0));
}
