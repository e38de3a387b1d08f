//! What a service manager hears of a daemon, and what whoever reads its lines finds in them.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};

use super::Case;
use super::cases::{lone_master, seconds};
use super::daemon::{Daemon, Kind, Setup};
use super::segment::{Segment, VIP, end_of, eventually};

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![
        Case::new("manager_hears_of_a_whole_life", ours, whole_life),
        Case::new("manager_hears_of_a_start_without_the_interface", ours, missing_interface),
        Case::new("manager_that_nobody_is", ours, nobody),
        Case::new("manager_hears_who_stands_by", ours, standby),
        Case::new("manager_is_not_told_that_a_silent_engine_works", ours, silent_engine),
        Case::new("manager_hears_from_hands_that_rest", ours, rest),
        Case::new("journal_finds_priorities_and_no_times", ours, journal),
        Case::new("objects_over_a_failover", ours, objects),
        Case::new("objects_of_scripts_that_outlive_the_daemon", ours, orphans),
        Case::new("objects_of_more_scripts_than_are_heard", ours, crowd),
    ]
}

/// A manager: its socket, and what it was told.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
    heard: Vec<(Instant, String)>,
}

impl Manager {
    fn new(segment: &Segment) -> Self {
        let path = segment.dir().join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_nonblocking(true).expect("a socket");
        Self { socket, path, heard: Vec::new() }
    }

    fn listen(&mut self) {
        let mut text = [0; 4096];
        while let Ok(count) = self.socket.recv(&mut text) {
            let text = String::from_utf8(text[..count].to_vec()).expect("text");
            self.heard.push((Instant::now(), text));
        }
    }

    /// Whether it was told this, a line of a message, since so many messages.
    fn was_told(&mut self, since: usize, wanted: &str) -> bool {
        self.listen();
        self.heard.iter().skip(since).any(|(_, text)| text.lines().any(|line| line == wanted))
    }

    /// How often the watchdog is told in this time that the daemon lives.
    fn signs_of_life(&mut self, time: Duration) -> usize {
        self.listen();
        let before = self.heard.len();
        thread::sleep(time);
        self.listen();
        self.heard.iter().skip(before).filter(|(_, text)| text.contains("WATCHDOG=1")).count()
    }

    /// Waits for it, and how many messages there were then.
    #[track_caller]
    fn await_word(&mut self, since: usize, wanted: &str) -> usize {
        let end = end_of(seconds(8));
        while !self.was_told(since, wanted) {
            assert!(Instant::now() < end, "{wanted:?} in {:?}", self.heard);
            thread::sleep(Duration::from_millis(5));
        }
        self.heard.len()
    }
}

/// A daemon for a file of one virtual host on this interface, with `more` in its table.
fn file(segment: &Segment, interface: &str, more: &str) -> PathBuf {
    let file = segment.dir().join("ucarp.toml");
    let (source, state) = (segment.hosts[0].address, segment.dir().join("state"));
    let text = format!(
        "[daemon]\nfacility = \"none\"\nstate = \"{}\"\n\
         [vip.web]\ninterface = \"{interface}\"\nvhid = 42\nsrcip = \"{source}\"\npass = \"secret\"\n\
         addr = [\"{VIP}\"]\n{more}\n",
        state.display()
    );
    fs::write(&file, text).expect("it is ours");
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("it is ours");
    file
}

fn command(segment: &Segment, manager: &Manager) -> Command {
    let mut command = segment.hosts[0].command(Kind::Ours.binary());
    command.arg("--config").arg(segment.dir().join("ucarp.toml"));
    command.env("NOTIFY_SOCKET", &manager.path).env("WATCHDOG_USEC", "2000000");
    command
}

fn spawn(segment: &Segment, command: Command) -> Daemon {
    Daemon::spawn(segment, "a (file)", Kind::Ours, command, segment.dir().join("no-hooks"))
}

fn whole_life() {
    let segment = Segment::new(1);
    let mut manager = Manager::new(&segment);
    // A script finds no socket in its environment, nor does what it starts.
    let (up, seen) = (segment.dir().join("up.sh"), segment.dir().join("seen"));
    fs::write(&up, format!("#!/bin/sh\nenv >{}.new; mv {0}.new {0}\n", seen.display())).expect("it is ours");
    fs::set_permissions(&up, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it is ours");
    let script = format!("upscript = \"{}\"", up.display());
    file(&segment, "eth0", &script);
    let mut a = spawn(&segment, command(&segment, &manager));
    manager.await_word(0, "READY=1");
    manager.await_word(0, "STATUS=web: MASTER, no standby known");
    manager.await_word(0, "WATCHDOG=1");
    eventually("the script has run", seconds(3), || seen.exists());
    let environment = fs::read_to_string(&seen).expect("it was written");
    assert!(environment.contains("UCARP_NAME=web"), "{environment}");
    for taken in ["NOTIFY_SOCKET", "WATCHDOG_USEC"] {
        assert!(!environment.contains(taken), "{environment}");
    }
    // Read again: what changed, and what is wrong.
    for (more, id) in [("advskew = 10", "[UC2054]"), ("advskew = 1000", "[UC2055]")] {
        manager.listen();
        let before = manager.heard.len();
        file(&segment, "eth0", &format!("{script}\n{more}"));
        a.signal_hands(Signal::SIGHUP);
        manager.await_word(before, "READY=1");
        a.await_line(id, seconds(3), |line| line.contains(id));
        let mut reload = manager.heard.iter().skip(before).filter(|(_, text)| text.contains("RELOADING=1"));
        let (_, text) = reload.next().expect("it was told before");
        let since = text.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").expect("with when");
        assert!(since.parse::<u64>().is_ok_and(|since| since > 0), "{text}");
    }
    manager.listen();
    let before = manager.heard.len();
    a.signal_hands(Signal::SIGTERM);
    assert!(a.await_exit(seconds(5)).success());
    manager.await_word(before, "STOPPING=1");
    assert!(a.lines(|line| line.contains("[UC2041]")).is_empty());
}

fn missing_interface() {
    let segment = Segment::new(1);
    let mut manager = Manager::new(&segment);
    file(&segment, "eth7", "");
    let mut a = spawn(&segment, command(&segment, &manager));
    manager.await_word(0, "READY=1");
    manager.await_word(0, "STATUS=web: waiting for eth7");
    segment.hosts[0].sh(&format!(
        "ip link add eth7 type veth peer name eth8 && ip addr add {}/16 dev eth7; ip link set eth8 up; ip link set eth7 up",
        segment.hosts[0].address
    ));
    manager.await_word(0, "STATUS=web: MASTER, no standby known");
    assert!(a.is_running());
    a.signal_hands(Signal::SIGTERM);
    assert!(a.await_exit(seconds(5)).success());
    manager.await_word(0, "STOPPING=1");
}

fn nobody() {
    let segment = Segment::new(1);
    let manager = Manager::new(&segment);
    fs::remove_file(&manager.path).expect("it is ours");
    file(&segment, "eth0", "");
    let mut a = spawn(&segment, command(&segment, &manager));
    segment.await_sole_master(0, seconds(6));
    a.signal_hands(Signal::SIGHUP);
    a.await_line("that it was read", seconds(5), |line| line.contains("[UC2054]"));
    assert_eq!(a.lines(|line| line.contains("[UC2041]")).len(), 1, "once");
    a.signal_hands(Signal::SIGTERM);
    assert!(a.await_exit(seconds(5)).success());
}

fn standby() {
    let segment = Segment::new(2);
    let mut manager = Manager::new(&segment);
    file(&segment, "eth0", "");
    let mut a = spawn(&segment, command(&segment, &manager));
    manager.await_word(0, "STATUS=web: MASTER, no standby known");
    let b = Daemon::start(&segment, 1, Kind::Ours, &Setup::skew(100).with(&["-v42"]));
    manager.await_word(0, &format!("STATUS=web: MASTER, standby {} is ready", segment.hosts[1].address));
    manager.listen();
    let before = manager.heard.len();
    a.signal_hands(Signal::SIGTERM);
    assert!(a.await_exit(seconds(5)).success());
    manager.await_word(before, "STOPPING=1");
    b.await_hooks(&["down", "up"], seconds(3));
}

fn rest() {
    let segment = Segment::new(1);
    let mut manager = Manager::new(&segment);
    file(&segment, "eth0", "");
    let a = spawn(&segment, command(&segment, &manager));
    manager.await_word(0, "STATUS=web: MASTER, no standby known");
    for death in 1..=4 {
        kill(a.engine().expect("it runs"), Signal::SIGKILL).expect("it lives");
        let back = || a.lines(|line| line.contains("[UC2011]")).len();
        eventually("the next one", seconds(3), || death == 4 || back() == death);
    }
    let given_up = manager.await_word(0, "STATUS=Nothing is served for 10.000 s; then it is tried again");
    assert!((4..=12).contains(&manager.signs_of_life(seconds(4))), "twice a second");
    assert!(a.engine().is_none(), "nobody but the hands");
    a.signal_hands(Signal::SIGSTOP);
    thread::sleep(Duration::from_millis(100));
    assert_eq!(manager.signs_of_life(seconds(3)), 0, "by hands that hang");
    a.signal_hands(Signal::SIGCONT);
    eventually("another one", seconds(8), || a.engine().is_some());
    manager.await_word(given_up, "STATUS=web: MASTER, no standby known");
}

fn silent_engine() {
    let segment = Segment::new(1);
    let mut manager = Manager::new(&segment);
    // An engine may be silent for six seconds here before it counts as dead, so its successor comes later.
    file(&segment, "eth0", "deadratio = 10");
    let a = spawn(&segment, command(&segment, &manager));
    manager.await_word(0, "READY=1");
    assert!((3..=12).contains(&manager.signs_of_life(seconds(4))), "about once in a second");
    kill(a.engine().expect("it runs"), Signal::SIGSTOP).expect("it lives");
    thread::sleep(Duration::from_millis(100));
    assert_eq!(manager.signs_of_life(seconds(3)), 0, "by nobody but the engine");
    a.await_line("that another one goes on", seconds(9), |line| line.contains("[UC2011]"));
    assert!(manager.signs_of_life(seconds(3)) > 0, "by the new one");
}

fn journal() {
    let segment = Segment::new(1);
    // The standard error is the journal's, and the standard output is not.
    let stream = "export JOURNAL_STREAM=\"$(stat -L -c %d:%i /proc/self/fd/2)\"; exec \"$@\"";
    let setup = Setup {
        wrapper: Some(stream.to_owned()),
        up: "echo from a script >&2",
        ..Setup::skew(0).with(&["--facility=none"])
    };
    let mut a = lone_master(&segment, 0, Kind::Ours, &setup);
    let is_stamped = |line: &str| line.starts_with("20") && line.get(19..20) == Some(".");
    let of = |id: &str| a.await_line(id, seconds(3), |line| line.contains(id));
    let became = a.await_line("that it is master", seconds(3), |line| line.contains("state: MASTER"));
    assert!(became.starts_with("<4>[WARNING] Switching"), "{became}");
    let begun = of("[UC2027]");
    assert!(is_stamped(&begun) && begun.contains(" [INFO] "), "{begun}");
    a.await_line("what the script says", seconds(3), |line| line == "from a script");
    a.signal(Signal::SIGTERM);
    assert!(a.await_exit(seconds(5)).success());
    for line in a.lines(|line| line.contains("[WARNING]") || line.contains("[ERROR]")) {
        assert!(line.starts_with("<4>[WARNING] ") || line.starts_with("<3>[ERROR] "), "{line}");
    }
}

fn objects() {
    let segment = Segment::new(2);
    let words = ["--facility=none", "--log-format=json", "--shutdown"];
    let setup = |skew| Setup { up: "echo 'a \"script\"' >&2", ..Setup::skew(skew).with(&words) };
    let mut a = lone_master(&segment, 0, Kind::Ours, &setup(0));
    let b = Daemon::start(&segment, 1, Kind::Ours, &setup(100));
    // Until it follows the other one.
    b.await_hooks(&["down"], seconds(5));
    thread::sleep(seconds(3));
    a.signal(Signal::SIGTERM);
    assert!(a.await_exit(seconds(5)).success());
    b.await_line("that it is master", seconds(5), |line| line.contains("state: MASTER"));
    b.await_line("what its script says", seconds(3), |line| line.contains("script\\\""));
    let mut names: Option<Vec<String>> = None;
    let mut changes = Vec::new();
    for daemon in [&a, &b] {
        for line in daemon.lines(|_| true) {
            let object: serde_json::Value = serde_json::from_str(&line).expect(&line);
            let all: Vec<String> = object.as_object().expect(&line).keys().cloned().collect();
            assert_eq!(&all, names.get_or_insert(all.clone()), "{line}");
            let time = object["time"].as_str().expect(&line);
            assert!(time.len() == 24 && time.ends_with('Z') && time.starts_with("20"), "{line}");
            assert!([3, 4, 6, 7].iter().any(|priority| object["priority"] == *priority), "{line}");
            if object["id"] == "UC1001" && object["to"].is_string() {
                assert!((object["interface"] == "eth0") && object["vhid"].is_u64(), "{line}");
                assert!(object["reason"].is_string(), "{line}");
                changes.push(object);
            }
        }
    }
    let took = changes.iter().rev().find(|change| change["to"] == "MASTER").expect("b took over");
    assert_eq!((&took["from"], took["priority"].as_u64()), (&"BACKUP".into(), Some(4)), "{took}");
    let peer = segment.hosts[0].address.to_string();
    assert_eq!(took["peer"], peer.as_str(), "{took}");
    let said = b.lines(|line| line.contains("a \\\"script"));
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&said[0]).expect("an object")["message"],
        "a \"script\""
    );
}

/// Every line that this daemon, its scripts and whoever writes for them have written.
#[track_caller]
fn all_objects(daemon: &Daemon) {
    for line in daemon.lines(|_| true) {
        let object: serde_json::Value = serde_json::from_str(&line).expect(&line);
        assert!(object.is_object(), "{line}");
    }
}

fn orphans() {
    let segment = Segment::new(1);
    let setup = Setup {
        up: "(for n in $(seq 100); do echo \"out $n\"; printf '\\nerr %s\\r' $n >&2; sleep 0.03; done) &",
        ..Setup::skew(0).with(&["--facility=none", "--log-format=json"])
    };
    let a = lone_master(&segment, 0, Kind::Ours, &setup);
    a.await_line("its script", seconds(3), |line| line.contains("\"err 1\""));
    a.signal(Signal::SIGKILL);
    for last in ["\"out 100\"", "\"err 100\""] {
        a.await_line("what the script says at last", seconds(8), |line| line.contains(last));
    }
    all_objects(&a);
}

fn crowd() {
    let segment = Segment::new(1);
    let manager = Manager::new(&segment);
    let (script, counted) = (segment.dir().join("down.sh"), segment.dir().join("counted"));
    fs::write(
        &script,
        "#!/bin/sh\necho out; echo err >&2; sleep 1; echo >>%\n".replace('%', &counted.display().to_string()),
    )
    .expect("it is ours");
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it is ours");
    let more: String = (1..24)
        .map(|id| {
            format!(
                "[vip.other{id}]\ninterface = \"eth0\"\nvhid = {id}\npass = \"secret\"\naddr = [\"10.9.1.{id}\"]\n\
                 manage-address = false\ndownscript = \"{}\"\n",
                script.display()
            )
        })
        .collect();
    file(&segment, "eth0", &more);
    let mut command = command(&segment, &manager);
    command.arg("--log-format=json");
    let mut a = spawn(&segment, command);
    let ended = || fs::read(&counted).map_or(0, |lines| lines.len());
    eventually("all scripts have run", seconds(8), || ended() == 23);
    a.signal_hands(Signal::SIGTERM);
    assert!(a.await_exit(seconds(5)).success());
    all_objects(&a);
    let heard = a.lines(|line| line.contains("\"err\"")).len();
    assert!((1..23).contains(&heard), "{heard}");
}
