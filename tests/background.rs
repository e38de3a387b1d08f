//! The daemon as its host sees it: in the background, with a pidfile, in the list of processes, and how it goes.
//!
//! Everything runs without privileges on an interface that does not exist and is waited for, so nothing is ever sent.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::disallowed_methods, reason = "runs the program and waits for it in real time")]

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getsid, ttyname};

const PASSWORD: &str = "hush-hush";
/// Waits for things that take milliseconds.
const PATIENCE: u32 = 500;

static PLACES: AtomicUsize = AtomicUsize::new(0);

/// A folder and a name of its own for each test.
struct Place {
    folder: PathBuf,
    interface: String,
}

impl Place {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("ucarp-background-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let number = PLACES.fetch_add(1, Ordering::Relaxed);
        Self { folder, interface: format!("no{number}x{}", std::process::id()) }
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

    /// Both streams go into the file `log`.
    fn log_of(&self, command: &mut Command) {
        let log = fs::File::create(self.folder.join("log")).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
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

/// Whether processes can be looked at as Linux shows them. Others have a /proc that shows other things, or none.
#[expect(clippy::print_stderr, reason = "counted by ci/test")]
fn linux_proc() -> bool {
    let is_there = Path::new("/proc/self/mountinfo").exists();
    if !is_there {
        eprintln!("skipped: 1 (needs the /proc of Linux)");
    }
    is_there
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
    if linux_proc() {
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
    if !linux_proc() {
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
    let shown = ["cat", "/proc/self/status", "/proc/self/limits", "/proc/self/stat"];
    let Ok(expected) = prepared().args(shown).output() else { return };
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
    place.log_of(&mut wrapped);
    let daemon = Foreground(wrapped.spawn().unwrap());
    let pid = Pid::from_raw(daemon.0.id().try_into().unwrap());
    eventually("the script was taken note of", || place.read("log").contains("UC1014"));
    let (said, expected) = (place.read("said"), text(&expected.stdout));
    assert_eq!(inherited(&said), inherited(&expected));
    assert!(inherited(&said).len() > 10, "{said}");
    // Whoever runs the tests may be nice already.
    let niceness = |text: &str| text.rsplit_once(") ").unwrap().1.split(' ').nth(16).map(str::to_owned);
    assert_eq!(niceness(&said), niceness(&expected), "{said}");
    assert_ne!(niceness(&said).as_deref(), Some("0"), "{said}");
    kill(pid, Signal::SIGTERM).unwrap();
    eventually("it ends", || gone(pid));
}

#[test]
fn children_of_others_are_buried_and_scripts_keep_their_status() {
    if !linux_proc() {
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
        command.stdin(Stdio::null());
        place.log_of(&mut command);
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

/// The process that writes for this daemon.
fn writer(daemon: Pid) -> Option<Pid> {
    let is_writer = |pid: Pid| {
        fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "ucarp-writer")
    };
    children(daemon).into_iter().map(|(pid, _)| pid).find(|pid| is_writer(*pid))
}

impl Place {
    /// In the foreground, with both streams in the file `log`.
    fn foreground(&self, more: &[&str]) -> (Foreground, Pid) {
        let mut command = self.command(&["--wait-interface"]);
        command.args(more).stdin(Stdio::null());
        self.log_of(&mut command);
        let daemon = Foreground(command.spawn().unwrap());
        let pid = Pid::from_raw(daemon.0.id().try_into().unwrap());
        (daemon, pid)
    }

    #[track_caller]
    fn await_log(&self, text: &str) {
        eventually(text, || self.read("log").contains(text));
    }
}

#[test]
fn a_script_that_fails_is_told_of_with_what_it_said() {
    let place = Place::new("told");
    let cases = [
        (
            "echo no >&2; echo 'no such \\033 thing' >&2; echo out; exit 3",
            "exit status 3",
            "no such \\u{1b} thing",
        ),
        ("echo >&2; printf unended >&2; kill -9 $$", "the signal SIGKILL", "unended"),
    ];
    for (script, how, line) in cases {
        let down = place.script("down", script);
        let (mut daemon, pid) = place.foreground(&["-d", down.to_str().unwrap()]);
        place.await_log("UC1014");
        let log = place.read("log");
        let said = log.lines().find(|line| line.contains("UC1014")).unwrap();
        for word in [down.to_str().unwrap(), how, line] {
            assert!(said.contains(word), "no {word}: {said}");
        }
        // Shown as it came, too.
        assert!(script.contains("kill") || log.contains("no\n") && log.contains("out\n"), "{log}");
        kill(pid, Signal::SIGTERM).unwrap();
        assert!(daemon.0.wait().unwrap().success());
    }
}

#[test]
fn all_is_written_when_it_ends() {
    let place = Place::new("last");
    let down = place.script("down", "seq 5000 >&2; exit 3");
    for _ in 0..5 {
        let (mut daemon, pid) = place.foreground(&["-d", down.to_str().unwrap()]);
        place.await_log("UC1014");
        kill(pid, Signal::SIGUSR1).unwrap();
        kill(pid, Signal::SIGTERM).unwrap();
        assert!(daemon.0.wait().unwrap().success());
        // Without waiting: whoever called it goes on when the log is complete.
        let log = place.read("log");
        assert!(log.contains("INIT on ") && log.contains("\n5000\n"), "{log}");
    }
}

#[test]
fn a_writer_that_is_killed_is_replaced_once_a_minute() {
    if !linux_proc() {
        return;
    }
    let place = Place::new("replaced");
    let (mut daemon, pid) = place.foreground(&[]);
    eventually("its writer has its name", || writer(pid).is_some());
    let first = writer(pid).unwrap();
    // Its rights go after the name.
    place.await_log("UC2004");
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGUSR1] {
        kill(first, signal).unwrap();
    }
    let status = fs::read_to_string(format!("/proc/{first}/status")).unwrap();
    for line in ["NoNewPrivs:\t1", "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000"] {
        assert!(status.contains(line), "{status}");
    }
    if nix::unistd::geteuid().is_root() {
        assert!(status.contains("Uid:\t65534\t65534\t65534\t65534"), "{status}");
        assert!(status.contains("Groups:\t \n"), "{status}");
    }
    kill(first, Signal::SIGKILL).unwrap();
    place.await_log("another one was started [UC2025]");
    eventually("it is buried", || gone(first) && children(pid).len() == 2);
    kill(pid, Signal::SIGUSR1).unwrap();
    place.await_log("INIT on ");
    let second = writer(pid).unwrap();
    kill(second, Signal::SIGKILL).unwrap();
    eventually("it is buried", || children(pid).len() == 1);
    let log = place.read("log");
    kill(pid, Signal::SIGUSR1).unwrap();
    sleep(Duration::from_millis(200));
    assert_eq!((place.read("log"), writer(pid)), (log, None), "one in a minute");
    kill(pid, Signal::SIGTERM).unwrap();
    assert!(daemon.0.wait().unwrap().success());
}

#[test]
fn what_a_script_left_running_is_read_to_its_end() {
    if !linux_proc() {
        return;
    }
    for (way, end) in [("-B", Signal::SIGKILL), ("-B", Signal::SIGTERM), ("-S", Signal::SIGKILL)] {
        let place = Place::new("service");
        // More than any pipe holds, before and after the daemon has gone.
        let service =
            "(seq 100000 >&2; while [ ! -e gone ]; do sleep 0.01; done; seq 100000 >&2; echo $? >ended) &";
        let down = place.script("down", &format!("cd \"${{0%/*}}\"; {service}\nexit 0"));
        let words = ["--wait-interface", "--pidfile=pid", "-d", down.to_str().unwrap()];
        let mut foreground = None;
        if way == "-B" {
            assert!(place.call(&[&["-B"], words.as_slice()].concat()).status.success());
        } else {
            foreground = Some(place.foreground(&words[1..]));
            eventually("it runs", || place.number().is_some());
        }
        let pid = place.number().unwrap();
        eventually("the script has ended", || !children(pid).iter().any(|(_, state)| state == "Z"));
        eventually("its writer has its name", || writer(pid).is_some());
        let writer = writer(pid).unwrap();
        sleep(Duration::from_millis(300));
        kill(pid, end).unwrap();
        eventually("it ends", || gone(pid));
        assert!(!gone(writer));
        fs::write(place.folder.join("gone"), "").unwrap();
        eventually("the service has ended well", || place.read("ended") == "0\n");
        eventually("its reader ends after it", || gone(writer));
        drop(foreground);
    }
}

/// What was typed and shown on a terminal, and the path to it.
fn terminal() -> (fs::File, String) {
    let terminal = openpty(None, None).unwrap();
    fcntl(&terminal.master, FcntlArg::F_SETFL(OFlag::O_RDWR | OFlag::O_NONBLOCK)).unwrap();
    let path = ttyname(&terminal.slave).unwrap();
    (terminal.master.into(), path.display().to_string())
}

#[test]
fn a_job_in_the_background_of_a_strict_terminal_goes_on() {
    let place = Place::new("job");
    let (mut screen, path) = terminal();
    let ucarp = place.command(&["--wait-interface", "--pidfile=pid"]);
    let mut command = Command::new("setsid");
    let job = format!("exec <{path} >{path} 2>&1; stty tostop; set -m; \"$@\" & wait");
    command.args(["sh", "-c", &job, "sh"]).arg(ucarp.get_program()).args(ucarp.get_args());
    command.current_dir(&place.folder).env("LC_ALL", "C").stdin(Stdio::null());
    let Ok(shell) = command.spawn() else {
        eprintln!("skipped: 1 (needs setsid, the program)");
        return;
    };
    let _shell = Foreground(shell);
    eventually("it runs", || place.number().is_some());
    let pid = place.number().unwrap();
    let mut text = String::new();
    let mut shown = |wanted: &str| {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = screen.read(&mut buffer) {
            text.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
        text.contains(wanted)
    };
    eventually("its first line is shown", || shown("UC2004"));
    kill(pid, Signal::SIGUSR1).unwrap();
    eventually("its answer is shown", || shown("INIT on "));
    kill(pid, Signal::SIGTERM).unwrap();
    eventually("it ends", || gone(pid));
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
