//! Checks that run beside a daemon: what is thought of them, and that none of them keeps it from speaking in time.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};

use super::cases::seconds;
use super::daemon::{Daemon, Kind, Setup};
use super::reload::{Served, vip};
use super::segment::{Segment, VIP, eventually};
use super::{Case, wire};

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![
        Case::new("check_of_a_file_fails_and_passes", ours, file),
        Case::new("check_of_an_interface_notices_at_once", ours, interface),
        Case::new("check_of_any_kind_holds_nobody_up", ours, of_any_kind),
        Case::new("check_that_fails_moves_the_address", ours, moves),
        Case::new("check_that_releases_leaves_nobody", ours, releases),
        Case::new("check_has_none_of_the_capabilities_of_its_daemon", ours, without_rights),
        Case::new("check_is_known_after_a_reload_and_after_an_engine_died", ours, goes_on),
    ]
}

/// A virtual host, and these checks of it, each made every 200 ms.
fn text(checks: &[(&str, &str)]) -> String {
    let check = |(name, keys): &(&str, &str)| {
        format!("[check.{name}]\nvips = [\"web\"]\nevery = \"200ms\"\n{keys}\n")
    };
    let pass = "pass = \"secret\"\nsrcip = \"SOURCE\"\npreempt-delay = \"0s\"";
    vip("web", 7, &VIP.to_string(), pass) + &checks.iter().map(check).collect::<String>()
}

fn said<'a>(id: &'a str, check: &'a str) -> impl Fn(&str) -> bool + 'a {
    move |line| line.contains(&format!("[{id}]")) && line.contains(&format!("The check {check} "))
}

fn count(daemon: &Daemon, id: &str, check: &str) -> usize {
    daemon.lines(said(id, check)).len()
}

fn ready(segment: &Segment) -> PathBuf {
    let file = segment.dir().join("ready");
    // Whoever looks has no rights.
    fs::set_permissions(segment.dir(), fs::Permissions::from_mode(0o755)).expect("it is ours");
    file
}

fn file() {
    let segment = &Segment::new(1);
    let path = ready(segment);
    let keys = format!("file = \"{}\"\nfall = 2\nrise = 2", path.display());
    let mut served = Served::start(segment, 0, &Setup::default(), &text(&[("ready", &keys)]));
    let daemon = served.daemon();
    // It counts as failing from the beginning, and says so when it is known.
    let line = daemon.await_line("that it fails", seconds(5), said("UC1051", "ready"));
    assert!(line.contains(&format!("{} is not there", path.display())), "{line}");
    fs::write(&path, "").expect("it is ours");
    daemon.await_line("that it passes", seconds(2), said("UC1052", "ready"));
    fs::remove_file(&path).expect("it is ours");
    thread::sleep(seconds(1));
    fs::create_dir(&path).expect("it is ours");
    // No plain file, either; lines of a kind come every ten seconds at most.
    thread::sleep(seconds(9));
    fs::remove_dir(&path).expect("it is ours");
    fs::write(&path, "").expect("it is ours");
    eventually("it passes again", seconds(5), || count(daemon, "UC1052", "ready") == 2);
}

fn interface() {
    let segment = &Segment::new(1);
    let host = &segment.hosts[0];
    host.sh("ip link add other0 type veth peer name other1");
    host.sh("ip link set other0 up; ip link set other1 up");
    let keys = "interface = \"other0\"\nfall = 1\nrise = 1";
    let slow = text(&[("other", keys)]).replace("200ms", "1h");
    let mut served = Served::start(segment, 0, &Setup::default(), &slow);
    let daemon = served.daemon();
    daemon.await_line("that it passes", seconds(5), said("UC1052", "other"));
    host.sh("ip link set other0 down");
    let line = daemon.await_line("that it fails", seconds(1), said("UC1051", "other"));
    assert!(line.contains("other0 is set down"), "{line}");
    host.sh("ip link del other0");
}

/// How many processes have this word on their command line.
fn processes_with(word: &str) -> usize {
    let all = fs::read_dir("/proc").expect("procfs").flatten();
    let command = |path: &Path| fs::read(path.join("cmdline")).unwrap_or_default();
    all.filter(|entry| String::from_utf8_lossy(&command(&entry.path())).split('\0').any(|part| part == word))
        .count()
}

fn of_any_kind() {
    let segment = &Segment::new(1);
    let script = segment.dir().join("missing.sh");
    ready(segment);
    fs::write(&script, "#!/bin/sh\nexit 0\n").expect("it is ours");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let shell = |script: &str| {
        format!(
            "command = [\"/bin/sh\", \"-c\", \"{script}\"]\ntimeout = \"500ms\"\nfall = 1\nrise = 1\ninitial = \"unknown\""
        )
    };
    // Seconds that nobody else sleeps.
    let word = format!("97{}", std::process::id());
    let checks = [
        ("hangs", shell(&format!("trap '' TERM; sleep {word}; sleep {word}"))),
        ("forks", shell(&format!("sleep {word} & exit 0"))),
        ("prints", shell("while :; do echo without an end; done")),
        ("fails", shell("echo first >&2; echo the reason >&2; exit 7")),
        ("tells", shell("id -u; exit 1")),
        ("missing", format!("command = [\"{}\"]\nfall = 1\nrise = 1", script.display())),
    ];
    let checks: Vec<_> = checks.iter().map(|(name, keys)| (*name, keys.as_str())).collect();
    let mut served = Served::start(segment, 0, &Setup::default(), &text(&checks));
    let daemon = served.daemon();
    daemon.await_line("that it passes", seconds(5), said("UC1052", "missing"));
    fs::remove_file(&script).expect("it is ours");
    let line = daemon.await_line("that it cannot be made", seconds(5), said("UC1053", "missing"));
    assert!(line.contains("cannot be found"), "{line}");
    let line = daemon.await_line("that it takes too long", seconds(5), said("UC1051", "hangs"));
    assert!(line.contains("longer than 0.500 s"), "{line}");
    daemon.await_line("that it takes too long", seconds(5), said("UC1051", "prints"));
    daemon.await_line("that it passes", seconds(5), said("UC1052", "forks"));
    let line = daemon.await_line("that it fails", seconds(5), said("UC1051", "fails"));
    assert!(line.contains("exit status 7; it said: the reason"), "{line}");
    let line = daemon.await_line("who it is", seconds(5), said("UC1051", "tells"));
    assert!(!line.contains("it said: 0 "), "{line}");
    // Nobody else may be master, so it is, and speaks in time.
    eventually("it is master", seconds(10), || daemon.role() == "MASTER");
    let descriptors = || {
        let folder = format!("/proc/{}/fd", daemon.pid());
        fs::read_dir(folder).map(|all| all.count()).unwrap_or_default()
    };
    let before = descriptors();
    let since = wire::now();
    thread::sleep(seconds(7));
    // Demoted it speaks every 1 + 240/256 s.
    let times: Vec<f64> = segment.ads_of(0, since).iter().map(|ad| ad.at).collect();
    let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.len() >= 2 && gaps.iter().all(|gap| (1.9..2.1).contains(gap)), "{gaps:?}");
    // Each that runs has two at most.
    assert!(descriptors() <= before + 12, "{} descriptors, {before} before", descriptors());
    // Of those that hang and fork there is what one run has.
    let left = processes_with(&word);
    assert!(left <= 4, "{left} are left");
    daemon.signal_hands(Signal::SIGTERM);
    daemon.await_exit(seconds(5));
    eventually("nothing of them is left", seconds(3), || processes_with(&word) == 0);
}

fn goes_on() {
    let segment = &Segment::new(1);
    let path = ready(segment);
    fs::write(&path, "").expect("it is ours");
    let file = |more: &str| format!("file = \"{}\"\nfall = 2\nrise = 2\n{more}", path.display());
    let (same, other) = (file(""), file(""));
    let mut served =
        Served::start(segment, 0, &Setup::default(), &text(&[("same", &same), ("other", &other)]));
    for check in ["same", "other"] {
        served.daemon().await_line("that it passes", seconds(5), said("UC1052", check));
    }
    // What is as before is not asked anew; what is another is, and is well again once it is known.
    let other = file("demote = 7");
    served.rewrite(segment, 0, &text(&[("new", &same), ("same", &same), ("other", &other)]));
    let daemon = served.daemon();
    daemon.await_line("that it passes", seconds(5), said("UC1052", "new"));
    for (check, what) in [("new", "begins"), ("other", "is another")] {
        assert!(daemon.lines(said("UC1054", check)).iter().all(|line| line.contains(what)), "{check}");
    }
    assert_eq!((count(daemon, "UC1054", "new"), count(daemon, "UC1054", "same")), (1, 0));
    thread::sleep(seconds(1));
    assert_eq!(count(daemon, "UC1052", "same"), 1);
    // What is removed is made no more.
    served.rewrite(segment, 0, &text(&[("same", &same)]));
    let daemon = served.daemon();
    let engine = daemon.engine().expect("it lives");
    kill(engine, Signal::SIGKILL).expect("it lives");
    eventually("there is another engine", seconds(5), || {
        daemon.engine().is_some_and(|other| other != engine)
    });
    fs::remove_file(&path).expect("it is ours");
    daemon.await_line("that it fails", seconds(5), said("UC1051", "same"));
    thread::sleep(Duration::from_millis(500));
    assert_eq!(count(daemon, "UC1051", "other") + count(daemon, "UC1051", "new"), 0);
}

/// As a service of a service manager is: not root, with what it needs.
fn without_rights() {
    let segment = &Segment::new(1);
    let shows = "command = [\"/bin/sh\", \"-c\", \"grep CapEff /proc/self/status; exit 1\"]\nfall = 1";
    ready(segment);
    let folder = segment.dir().join("etc");
    fs::create_dir_all(&folder).expect("it is ours");
    let path = folder.join("ucarp.toml");
    let text = text(&[("rights", shows)]).replace("SOURCE", &segment.hosts[0].address.to_string());
    let state = segment.dir().join("state");
    let daemon =
        format!("[daemon]\nfacility = \"none\"\nlockdir = \"{0}\"\nstate = \"{0}\"\n", state.display());
    let defaults = "[defaults]\ninterface = \"eth0\"\nmanage-address = false\n";
    fs::create_dir_all(&state).expect("it is ours");
    fs::write(&path, daemon + defaults + &text).expect("it is ours");
    for ours in [&folder, &path, &state] {
        std::os::unix::fs::chown(ours, Some(65_534), Some(65_534)).expect("we are root");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
    let mut command = segment.hosts[0].command("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    command.args(["--inh-caps=+net_raw,+net_admin", "--ambient-caps=+net_raw,+net_admin", "--"]);
    command.arg(Kind::Ours.binary()).arg("--config").arg(&path);
    let daemon = Daemon::spawn(segment, "a (nobody)", Kind::Ours, command, segment.dir().join("hooks"));
    let line = daemon.await_line("that it fails", seconds(5), said("UC1051", "rights"));
    assert!(line.contains("it said: CapEff:") && line.contains(&"0".repeat(16)), "{line}");
    daemon.await_line("that it is master", seconds(6), |line| line.contains("MASTER"));
}

/// Two hosts, the first preferred, of which neither preempts; each looks at a file of its own.
struct Pair {
    segment: Segment,
    files: [PathBuf; 2],
    _served: [Served; 2],
}

impl Pair {
    fn start(more: &str) -> Self {
        let segment = Segment::new(2);
        ready(&segment);
        let files = ["first", "second"].map(|name| segment.dir().join(name));
        let served = [0, 1].map(|host: usize| {
            fs::write(&files[host], "").expect("it is ours");
            let keys = format!("file = \"{}\"\nfall = 2\nrise = 2\n{more}", files[host].display());
            let skew = format!("advskew = {}\n[check.", 100 * host);
            let text = text(&[("ready", &keys)]).replacen("[check.", &skew, 1);
            let served = Served::start(&segment, host, &Setup::default(), &text);
            thread::sleep(Duration::from_millis(500));
            served
        });
        segment.await_sole_master(0, seconds(8));
        Self { segment, files, _served: served }
    }

    fn fails(&self, host: usize) {
        fs::remove_file(&self.files[host]).expect("it was there");
    }

    fn passes(&self, host: usize) {
        fs::write(&self.files[host], "").expect("it is ours");
    }

    #[track_caller]
    fn moves_to(&self, host: usize, limit: Duration) {
        self.segment.await_ad_of(host, wire::now(), limit);
        self.segment.await_sole_master(host, seconds(9));
        self.segment.await_owner(host, seconds(2));
    }
}

fn moves() {
    let pair = Pair::start("");
    pair.fails(0);
    // Two runs of 200 ms, and not the dead time of three seconds.
    pair.moves_to(1, seconds(2));
    pair.passes(0);
    thread::sleep(seconds(2));
    pair.moves_to(1, seconds(2));
    pair.fails(1);
    pair.moves_to(0, seconds(2));
    // Equally demoted hosts keep who has it.
    pair.fails(0);
    thread::sleep(seconds(2));
    pair.moves_to(0, seconds(2));
}

fn releases() {
    let pair = Pair::start("on-failure = \"release\"");
    pair.fails(0);
    pair.moves_to(1, seconds(2));
    pair.fails(1);
    eventually("nobody has the address", seconds(4), || pair.segment.who_answers(VIP).is_empty());
    let since = wire::now();
    thread::sleep(seconds(5));
    let ads = [0, 1].map(|host| pair.segment.ads_of(host, since).len());
    assert_eq!(ads, [0, 0]);
    pair.passes(1);
    pair.moves_to(1, seconds(6));
}
