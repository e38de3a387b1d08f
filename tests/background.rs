//! The daemon as its host sees it: in the background, with a pidfile, in the list of processes, and how it goes.
//!
//! Everything runs without privileges on an interface that does not exist and is waited for, so nothing is ever sent.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::disallowed_methods, reason = "runs the program and waits for it in real time")]

use std::fs;
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
