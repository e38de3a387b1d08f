//! Another program takes over in the process that runs: what that leaves untouched, when it is refused, and what becomes of
//! the rest.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::Case;
use super::cases::{backup, lone_master, seconds};
use super::daemon::{Daemon, Kind, Setup};
use super::segment::{Segment, VIP, eventually};
use super::wire;

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![
        Case::new("upgrade_of_master_and_backup", ours, both),
        Case::new("upgrade_while_hooks_run", ours, amid_hooks),
        Case::new("upgrade_is_refused", ours, refusals),
        Case::new("upgrade_with_a_file", ours, with_file),
        Case::new("upgrade_and_signals", ours, signals),
        Case::new("upgrade_in_the_background", ours, in_background),
    ]
}

const TOOL: &str = env!("CARGO_BIN_EXE_ucarpctl");
/// How often it is done; `UCARP_TEST_ROUNDS` is another number.
const ROUNDS: usize = 5;
/// Between two advertisements of the master.
const INTERVAL: f64 = 25.0 / 256.0;

/// A program where an operator would have it, and whom it is put there for.
pub(crate) struct Installed(pub(crate) PathBuf);

impl Installed {
    pub(crate) fn new(segment: &Segment, name: &str) -> Self {
        let folder = segment.dir().join(name);
        fs::create_dir_all(&folder).expect("it is ours");
        let installed = Self(folder.join("ucarp"));
        installed.put(&Kind::Ours.binary());
        installed
    }

    /// As a package does: another file of this name.
    fn put(&self, program: &Path) {
        let new = self.0.with_extension("new");
        // By another process: what others here start has what is open here for a moment, and what somebody may write to
        // cannot be run.
        let copied = Command::new("cp").arg(program).arg(&new).status().expect("cp starts");
        assert!(copied.success());
        fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).expect("it is ours");
        fs::rename(new, &self.0).expect("it is ours");
    }

    fn put_script(&self, text: &str) {
        let script = self.0.with_extension("sh");
        fs::write(&script, text).expect("it is ours");
        self.put(&script);
    }

    /// A way to start it with everybody else's words.
    fn wrapper(&self) -> Option<String> {
        Some(format!("shift; exec {} \"$@\"", self.0.display()))
    }
}

fn tell(segment: &Segment, host: usize, words: &[&str]) -> (i32, String) {
    let mut command = Command::new(TOOL);
    command.arg(format!("--control={}", segment.control(host).display())).args(words);
    let done = command.stdin(Stdio::null()).output().expect("the tool starts");
    let said = [done.stdout, done.stderr].concat();
    (done.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
}

#[track_caller]
fn upgrade(segment: &Segment, host: usize, daemon: &Daemon) {
    let engine = daemon.engine();
    let (status, text) = tell(segment, host, &["upgrade"]);
    assert!(status == 0 && text.contains("has taken over from"), "{status}: {text}");
    eventually("it is another one", seconds(5), || {
        daemon.engine().is_some_and(|other| Some(other) != engine)
    });
}

#[track_caller]
fn refused(segment: &Segment, host: usize, part: &str) {
    let (status, text) = tell(segment, host, &["upgrade"]);
    assert!(status == 1 && text.contains(part) && text.lines().count() == 1, "{status}: {text}");
}

fn quick(skew: u8) -> Setup {
    Setup::skew(skew).with(&["--advbase=0", "--deadratio=5", "--shutdown"])
}

/// The longest time between two advertisements since then.
fn longest_gap(segment: &Segment, host: usize, since: f64) -> f64 {
    let at: Vec<f64> = segment.ads_of(host, since).iter().map(|ad| ad.at).collect();
    at.windows(2).map(|two| two[1] - two[0]).fold(0.0, f64::max)
}

/// How many times it is done in this run.
fn rounds() -> usize {
    std::env::var("UCARP_TEST_ROUNDS").ok().and_then(|word| word.parse().ok()).unwrap_or(ROUNDS)
}

fn both() {
    let segment = &Segment::new(2);
    let installed = [0, 1].map(|host| Installed::new(segment, &format!("program-{host}")));
    let setup = |host: usize, skew| Setup { wrapper: installed[host].wrapper(), ..quick(skew) };
    let mut first = lone_master(segment, 0, Kind::Ours, &setup(0, 25));
    let second = backup(segment, 1, Kind::Ours, &setup(1, 120));
    let ping = segment
        .observer()
        .command("ping")
        .args(["-i", "0.005", "-q", &VIP.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let since = wire::now();
    let switches = |daemon: &Daemon| daemon.lines(|line| line.contains("Switching to state")).len();
    let before = [switches(&first), switches(&second)];
    for round in 0..rounds() {
        let host = round % 2;
        let daemon = if host == 0 { &first } else { &second };
        if round % 3 == 0 {
            installed[host].put(&Kind::Ours.binary());
        }
        upgrade(segment, host, daemon);
        eventually("the log says so", seconds(5), || {
            daemon.lines(|line| line.contains("[UC1067]")).len() == round / 2 + 1
        });
    }
    let pid = i32::try_from(ping.id()).expect("a process id is positive");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), Signal::SIGINT).expect("it runs");
    let pinged = ping.wait_with_output().expect("it ends");
    let pinged = String::from_utf8_lossy(&pinged.stdout).into_owned();
    let gap = longest_gap(segment, 0, since);
    let _ = writeln!(
        std::io::stderr(),
        "upgrades: {}, longest time between advertisements: {gap:.3} s of {INTERVAL:.3}",
        rounds()
    );
    // A timing is not judged here but in ci/bench; who is late by a dead time has lost the role.
    assert!(gap < 5.0 * INTERVAL, "{gap} s");
    let lost = pinged.lines().find(|line| line.contains("packets transmitted")).unwrap_or_default();
    assert!(lost.contains(" 0% packet loss"), "{pinged}");
    assert_eq!(segment.ads_of(1, since), [], "the other one advertised");
    assert!(!segment.ads_of(0, since).iter().any(super::frames::Ad::is_bow_out));
    assert_eq!([switches(&first), switches(&second)], before, "a role changed");
    assert_eq!(
        (first.hook_names(), second.hook_names()),
        (vec!["down".into(), "up".into()], vec!["down".into()])
    );
    assert_eq!((first.role(), second.role()), ("MASTER".into(), "BACKUP".into()));
    // What was handed over is what it needs for an end.
    first.signal(Signal::SIGTERM);
    assert_eq!(first.await_exit(seconds(8)).code(), Some(0));
    segment.await_owner(1, seconds(8));
    first.await_hooks(&["down", "up", "down"], seconds(3));
}

fn amid_hooks() {
    let segment = &Segment::new(1);
    let installed = Installed::new(segment, "program");
    let up = "echo told; sleep 4; echo this failed >&2; exit 7";
    let setup = Setup { wrapper: installed.wrapper(), up, ..quick(25) };
    let first = Daemon::start(segment, 0, Kind::Ours, &setup);
    first.await_hooks(&["down", "up"], seconds(8));
    for _ in 0..2 {
        upgrade(segment, 0, &first);
    }
    assert_eq!(first.hooks()[1].ended, None, "it still runs");
    // Whoever has taken over hears how it ended, and what it wrote meanwhile is shown.
    first.await_line("its failure", seconds(8), |line| line.contains("status 7"));
    first.await_line("its words", seconds(5), |line| line.contains("this failed"));
    first.role();
    assert!(first.lines(|line| line.contains("[UC2009]")).is_empty(), "no fault");
}

fn refusals() {
    let segment = &Segment::new(1);
    let installed = Installed::new(segment, "program");
    let setup = Setup { wrapper: installed.wrapper(), ..quick(25) };
    let first = lone_master(segment, 0, Kind::Ours, &setup);
    let (since, engine) = (wire::now(), first.engine());
    let mode =
        |mode| fs::set_permissions(&installed.0, fs::Permissions::from_mode(mode)).expect("it is ours");
    fs::remove_file(&installed.0).expect("it is there");
    refused(segment, 0, "No such file");
    installed.put(&Kind::Ours.binary());
    mode(0o644);
    refused(segment, 0, "Permission denied");
    mode(0o777);
    refused(segment, 0, "can be changed by others");
    mode(0o755);
    std::os::unix::fs::chown(&installed.0, Some(12_345), None).expect("we are root");
    refused(segment, 0, "belongs to user 12345");
    for (text, part) in [
        ("#!/bin/sh\nexit 0\n", "does not say that it could"),
        ("#!/bin/sh\necho ucarp: --take-over: unknown option >&2; exit 1\n", "--take-over: unknown option"),
        ("#!/bin/sh\necho ucarp takes over 1; exit 1\n", "exit status 1"),
        ("#!/bin/sh\nkill -SEGV $$\n", "SIGSEGV"),
        ("#!/nonexistent\n", "No such file"),
        ("no program\n", "Exec format error"),
        ("#!/bin/sh\nexec sleep 60\n", "does not say in time"),
        // Whatever it says without end costs nobody else anything.
        ("#!/bin/sh\nexec yes\n", "does not say in time"),
    ] {
        installed.put_script(text);
        refused(segment, 0, part);
    }
    if Kind::Theirs.missing().is_none() {
        installed.put(&Kind::Theirs.binary());
        refused(segment, 0, "does not say that it could");
    }
    assert_eq!(first.engine(), engine, "nothing was changed");
    assert_eq!(
        first.lines(|line| line.contains("[UC2075]")).len(),
        12 + usize::from(Kind::Theirs.missing().is_none())
    );
    assert_eq!(first.hook_names(), ["down", "up"]);
    let gap = longest_gap(segment, 0, since);
    assert!(gap < 5.0 * INTERVAL, "{gap} s");
    // One that is willing and ends at once: the engine serves on, and whoever is started again takes over from it.
    installed.put_script(
        "#!/bin/sh\nif [ \"$1\" = --take-over ]; then cat >/dev/null; echo ucarp takes over 1; exit 0; fi\nexit 3\n",
    );
    let at = wire::now();
    let (status, _) = tell(segment, 0, &["upgrade"]);
    assert_ne!(status, 0);
    let mut first = first;
    assert_eq!(first.await_exit(seconds(5)).code(), Some(3));
    eventually("the engine goes on", seconds(5), || segment.ads_of(0, at).len() > 10);
    assert_eq!(first.hook_names(), ["down", "up"]);
    installed.put(&Kind::Ours.binary());
    let second = Daemon::start(segment, 0, Kind::Ours, &setup);
    second.await_line("whom it ended", seconds(8), |line| line.contains("MASTER"));
    if let Some(engine) = engine {
        let _ = nix::sys::signal::kill(engine, Signal::SIGKILL);
    }
}

fn with_file() {
    use super::reload::{Served, vip};

    let segment = &Segment::new(1);
    let web = |more: &str| {
        vip(
            "web",
            7,
            &VIP.to_string(),
            &format!("pass = \"secret\"\nsrcip = \"SOURCE\"\npreempt-delay = \"0s\"\n{more}"),
        )
    };
    let mut served = Served::start(segment, 0, &Setup::default(), &web(""));
    segment.await_owner(0, seconds(8));
    let (status, _) = tell(segment, 0, &["maintenance", "on", "--all", "--because", "the disk"]);
    assert_eq!(status, 0);
    // What the file says by now is another matter.
    served.write(segment, 0, &web("advskew = 7\n"));
    upgrade(segment, 0, served.daemon());
    let shown = || tell(segment, 0, &["--json", "status"]).1;
    eventually("it is in maintenance", seconds(5), || shown().contains("the disk"));
    let before = wire::now();
    thread::sleep(Duration::from_millis(1500));
    assert!(segment.ads_of(0, before).iter().all(|ad| ad.skew != 7), "as before");
    let (status, text) = tell(segment, 0, &["reload"]);
    assert!(status == 0 && text.contains("changed: 1"), "{text}");
    let (status, text) = tell(segment, 0, &["maintenance", "off"]);
    assert!(status == 0 && text.contains("no longer"), "{text}");
    eventually("what is configured now", seconds(5), || {
        segment.ads_of(0, before).iter().any(|ad| ad.skew == 7)
    });
    upgrade(segment, 0, served.daemon());
    assert_eq!(served.daemon().hook_names(), ["down", "up"]);
}

fn signals() {
    let segment = &Segment::new(1);
    let installed = Installed::new(segment, "program");
    // One that takes a moment to be tried.
    let program = segment.dir().join("program/real");
    fs::copy(Kind::Ours.binary(), &program).expect("there is room");
    let setup = Setup { wrapper: installed.wrapper(), ..quick(25) };
    for delay in [0, 3, 10, 30, 60] {
        let mut first = lone_master(segment, 0, Kind::Ours, &setup);
        let upgrade = thread::scope(|scope| {
            let upgrade = scope.spawn(|| tell(segment, 0, &["upgrade"]));
            thread::sleep(Duration::from_millis(delay));
            first.signal_hands(Signal::SIGTERM);
            upgrade.join().expect("it does not panic")
        });
        assert_eq!(first.await_exit(seconds(8)).code(), Some(0), "{delay} ms: {upgrade:?}");
        first.await_hooks(&["down", "up", "down"], seconds(3));
        assert!(!segment.hosts[0].has_address(VIP));
    }
}

fn in_background() {
    let segment = &Segment::new(1);
    let installed = Installed::new(segment, "program");
    let pidfile = segment.dir().join("ucarp.pid");
    let words: &'static str = Box::leak(format!("--pidfile={}", pidfile.display()).into_boxed_str());
    let setup =
        Setup { wrapper: installed.wrapper(), managed: true, ..quick(25) }.with(&["--daemonize", words]);
    let mut caller = Daemon::start(segment, 0, Kind::Ours, &setup);
    assert_eq!(caller.await_exit(seconds(8)).code(), Some(0));
    segment.await_owner(0, seconds(8));
    let pid = fs::read_to_string(&pidfile).expect("it is written");
    let inode = |path: &Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).expect("it is there"));
    let before = inode(&pidfile);
    for _ in 0..3 {
        let (status, text) = tell(segment, 0, &["upgrade"]);
        assert!(status == 0, "{text}");
    }
    assert_eq!(fs::read_to_string(&pidfile).expect("it is there"), pid);
    assert_eq!(inode(&pidfile), before);
    assert!(segment.hosts[0].has_address(VIP));
    // The names are still taken.
    let mut other = Daemon::start(segment, 0, Kind::Ours, &Setup::skew(0));
    assert_eq!(other.await_exit(seconds(8)).code(), Some(2));
    let number = nix::unistd::Pid::from_raw(pid.trim().parse().expect("a number"));
    nix::sys::signal::kill(number, Signal::SIGTERM).expect("it lives");
    eventually("it is gone", seconds(8), || !pidfile.exists());
    eventually("and its address", seconds(8), || !segment.hosts[0].has_address(VIP));
}
