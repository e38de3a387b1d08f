//! How a daemon starts and is found again: in the background, with a pidfile, before its interface; and what it does
//! when the address it sends from changes.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Case;
use super::cases::{lone_master, seconds};
use super::daemon::{Daemon, Kind, Setup};
use super::faults::{assert_start_failure, ends_by_itself};
use super::segment::{Segment, VHID, VIP, eventually, throughout};
use super::{skip, wire};

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![
        Case::new("background_serves_when_its_caller_returns", ours, background),
        Case::new("background_tells_why_it_cannot_start", ours, background_failures),
        Case::new("background_logs_to_syslog_only", ours, background_log),
        Case::new("pidfile_of_a_killed_daemon_is_taken_over", ours, pidfile),
        Case::new("waits_for_an_interface_that_comes_later", ours, awaited_interface),
        Case::new("check_disturbs_nobody", ours, check),
        Case::new("password_is_not_in_the_process_list", ours, hidden_password),
        Case::new("source_address_replaced_as_master", ours, source_replaced),
        Case::new("hardware_address_changed_as_master", ours, mac_changed),
    ]
}

/// A process that no longer is our child, ended with the case.
struct Detached {
    pid: Pid,
    pidfile: PathBuf,
}

impl Detached {
    fn from(pidfile: &Path) -> Self {
        let text = fs::read_to_string(pidfile).expect("a pidfile");
        let number: i32 =
            text.strip_suffix('\n').and_then(|n| n.parse().ok()).expect("a number and a newline");
        assert!(number > 1, "{text:?}");
        Self { pid: Pid::from_raw(number), pidfile: pidfile.to_owned() }
    }

    fn proc(&self, what: &str) -> PathBuf {
        Path::new("/proc").join(self.pid.to_string()).join(what)
    }

    fn runs(&self) -> bool {
        // A zombie has no command line; who reaps it is not our business.
        fs::read(self.proc("cmdline")).is_ok_and(|words| !words.is_empty())
    }
}

impl Drop for Detached {
    fn drop(&mut self) {
        if self.runs() && fs::read_to_string(&self.pidfile).is_ok_and(|n| n.trim() == self.pid.to_string()) {
            let _ = kill(self.pid, Signal::SIGKILL);
        }
    }
}

const WORDS: [&str; 4] = ["--interface=eth0", "--vhid=7", "--pass=secret", "--addr=10.9.0.200"];

fn ours(segment: &Segment) -> Command {
    segment.hosts[0].command(Kind::Ours.binary())
}

fn background() {
    let segment = Segment::new(1);
    let pidfile = segment.dir().join("pid");
    let hook = segment.dir().join("up.sh");
    segment.hosts[0].sh(&format!(
        "printf '%s\\n' '#!/bin/sh' 'ip addr add $2/32 dev $1; pwd; ls -l /proc/self/fd >{0}/fds' >{1}; chmod 755 {1}",
        segment.dir().display(),
        hook.display()
    ));
    let mut command = ours(&segment);
    // Names of files count from here, though the daemon works elsewhere.
    command.current_dir(segment.dir());
    command.args(WORDS).args(["-B", "--facility=none", "--pidfile=pid", "--upscript=./up.sh"]);
    let (status, said) = ends_by_itself(command);
    assert_eq!((status, said.lines().filter(|l| l.contains("ERROR")).count()), (Some(0), 0), "{said}");
    let daemon = Detached::from(&pidfile);
    assert!(daemon.runs());
    let stat = fs::read_to_string(daemon.proc("stat")).expect("it runs");
    let fields: Vec<&str> = stat.rsplit_once(") ").expect("a name").1.split(' ').collect();
    assert_eq!(fields[3], daemon.pid.to_string(), "it leads a session of its own");
    assert_eq!(fields[4], "0", "it has a terminal");
    assert_eq!(fs::read_link(daemon.proc("cwd")).expect("it runs"), Path::new("/"));
    for descriptor in ["fd/0", "fd/1", "fd/2"] {
        // The caller is told before its streams are let go.
        eventually("nothing of the caller is held", seconds(2), || {
            fs::read_link(daemon.proc(descriptor)).expect("it runs") == Path::new("/dev/null")
        });
    }
    segment.await_ad_of(0, 0.0, seconds(6));
    segment.await_owner(0, seconds(3));
    let fds = segment.dir().join("fds");
    eventually("the hook has run", seconds(2), || {
        fs::read_to_string(&fds).is_ok_and(|text| text.contains("2 -> pipe:"))
    });
    kill(daemon.pid, Signal::SIGTERM).expect("it runs");
    eventually("it ends", seconds(3), || !daemon.runs());
    assert!(!pidfile.exists(), "the pidfile stays");
}

fn background_failures() {
    let segment = Segment::new(1);
    let pidfile = segment.dir().join("pid");
    let with_pidfile = format!("--pidfile={}", pidfile.display());
    let start = |words: &[&str]| {
        let mut command = ours(&segment);
        command.args(WORDS).args(["-B", "--facility=none"]).args(words);
        ends_by_itself(command)
    };
    assert_start_failure(start(&["--interface=nope0", &with_pidfile]), &["nope0"]);
    assert_start_failure(start(&["--interface=lo", &with_pidfile]), &["lo"]);
    assert_start_failure(start(&["--srcip=10.9.0.77", &with_pidfile]), &["10.9.0.77"]);
    assert_start_failure(start(&["--pidfile=/no/such/folder/pid"]), &["/no/such/folder/pid"]);
    assert_start_failure(start(&[&format!("--pidfile={}", segment.dir().display())]), &["pidfile"]);
    assert!(!pidfile.exists(), "a pidfile of nobody");
    let mut command = segment.hosts[0].command("setpriv");
    command.args(["--inh-caps=-all", "--bounding-set=-net_raw", "--"]).arg(Kind::Ours.binary());
    command.args(WORDS).args(["-B", "--facility=none"]);
    assert_start_failure(ends_by_itself(command), &["CAP_NET_RAW"]);

    let (status, said) = start(&[&with_pidfile]);
    assert_eq!(status, Some(0), "{said}");
    let daemon = Detached::from(&pidfile);
    let number = daemon.pid.to_string();
    assert_start_failure(start(&[&with_pidfile]), &[&number]);
    assert_start_failure(start(&["--vhid=8", &with_pidfile]), &[&number]);
    assert_start_failure(start(&[]), &["eth0"]);
    assert!(daemon.runs());
    assert_eq!(fs::read_to_string(&pidfile).expect("still there").trim(), number);
}

fn background_log() {
    let segment = Segment::new(1);
    let (log, wrapper) = super::surroundings::own_dev(&segment);
    let syslog = std::os::unix::net::UnixDatagram::bind(&log).expect("the directory is ours");
    syslog.set_nonblocking(true).expect("it is ours");
    let pidfile = segment.dir().join("pid");
    let mut command = segment.hosts[0].command("sh");
    command.args(["-c", &wrapper, "sh"]).arg(Kind::Ours.binary()).args(WORDS);
    command.args(["-B", &format!("--pidfile={}", pidfile.display())]);
    let (status, said) = ends_by_itself(command);
    assert_eq!((status, said.as_str()), (Some(0), ""));
    let daemon = Detached::from(&pidfile);
    let mine = format!("ucarp[{}]: ", daemon.pid);
    let mut lines = Vec::new();
    eventually("syslog hears that it is master", seconds(8), || {
        let mut buffer = [0; 4096];
        while let Ok(length) = syslog.recv(&mut buffer) {
            lines.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
        }
        lines.iter().any(|l| l.contains("Switching to state: MASTER"))
    });
    assert!(lines.iter().all(|l| l.contains(&mine) && !l.contains("secret")), "{lines:#?}");
}

fn pidfile() {
    let segment = Segment::new(1);
    let path = segment.dir().join("pid");
    let word: &'static str = format!("--pidfile={}", path.display()).leak();
    let setup = Setup::default().with(&[word]);
    let a = lone_master(&segment, 0, Kind::Ours, &setup);
    let first = fs::read_to_string(&path).expect("a pidfile");
    let mut second = ours(&segment);
    second.args(WORDS).args(["--vhid=8", word]);
    assert_start_failure(ends_by_itself(second), &[first.trim()]);
    a.signal(Signal::SIGKILL);
    drop(a);
    assert!(path.exists());
    let mut b = Daemon::start(&segment, 0, Kind::Ours, &setup);
    b.await_hooks(&["down"], seconds(3));
    let second = fs::read_to_string(&path).expect("a pidfile");
    assert_ne!(first, second);
    b.signal(Signal::SIGTERM);
    assert_eq!(b.await_exit(seconds(2)).code(), Some(0));
    assert!(!path.exists(), "the pidfile stays");
}

fn awaited_interface() {
    let segment = Segment::new(1);
    segment.hosts[0].sh("ip link del eth0");
    let mut a = Daemon::start(&segment, 0, Kind::Ours, &Setup::default().with(&["--wait-interface"]));
    a.await_line("that it waits", seconds(2), |l| l.contains("eth0"));
    throughout("it waits", seconds(1), || a.is_running());
    assert_eq!(a.role(), "INIT");
    segment.plug_in_again(0);
    segment.await_ad_of(0, 0.0, seconds(8));
    segment.await_owner(0, seconds(3));
    assert_eq!(a.role(), "MASTER");
}

fn check() {
    let segment = Segment::new(1);
    let a = lone_master(&segment, 0, Kind::Ours, &Setup::default());
    let from = wire::now();
    let mut command = ours(&segment);
    command.args(WORDS).args(["--advskew=9", "--check"]);
    let (status, said) = ends_by_itself(command);
    assert_eq!(status, Some(0), "{said}");
    for line in ["interface: eth0", "srcip: 10.9.0.1", "mac: 02:00:00:00:09:01", "advskew: 9"] {
        assert!(said.lines().any(|l| l == line), "no {line:?} in {said}");
    }
    assert!(!said.contains("secret"), "{said}");
    eventually("the daemon goes on", seconds(4), || segment.ads_of(0, from).len() >= 2);
    assert!(segment.ads_of(0, from).iter().all(|ad| ad.skew == 0));
    assert_eq!(a.hook_names(), ["down", "up"]);
}

fn hidden_password() {
    let segment = Segment::new(1);
    if !Path::new("/proc/self/cmdline").exists() {
        skip("needs /proc");
    }
    let spellings: [&[&str]; 5] = [
        &["-psecret"],
        &["-p", "secret"],
        &["-PSpsecret"],
        &["--pass", "secret"],
        // The first is no longer the password, but was one.
        &["--pass=secret", "--pass=another"],
    ];
    for (vhid, words) in (20..).zip(spellings) {
        let mut command = ours(&segment);
        command.args(["--interface=eth0", "--addr=10.9.0.200", &format!("--vhid={vhid}")]).args(words);
        let title = format!("a {words:?}");
        let daemon = Daemon::spawn(&segment, &title, Kind::Ours, command, segment.dir().join("none"));
        daemon.await_line("its first line", seconds(3), |l| l.contains("sharing"));
        let line = fs::read(format!("/proc/{}/cmdline", daemon.pid())).expect("it runs");
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        assert!(!line.contains("secret") && !line.contains("another"), "{line}");
        assert!(line.contains("--interface=eth0") && line.contains(&format!("--vhid={vhid}")), "{line}");
    }
}

/// Without `--srcip`, which would ask for the address that goes.
fn without_source(segment: &Segment) -> Daemon {
    let hook = segment.dir().join("up.sh");
    segment.hosts[0].sh(&format!(
        "printf '%s\\n' '#!/bin/sh' 'ip addr add $2/32 dev $1' >{0}; chmod 755 {0}",
        hook.display()
    ));
    let mut command = ours(segment);
    command.args(WORDS).arg(format!("--upscript={}", hook.display()));
    let daemon = Daemon::spawn(segment, "a (no source)", Kind::Ours, command, segment.dir().join("none"));
    segment.await_ad_of(0, 0.0, seconds(6));
    segment.await_owner(0, seconds(3));
    daemon
}

fn source_replaced() {
    let segment = Segment::new(1);
    let a = without_source(&segment);
    let new = Ipv4Addr::new(10, 9, 0, 55);
    // A secondary address of the same network would go with the first.
    segment.hosts[0].sh("echo 1 >/proc/sys/net/ipv4/conf/eth0/promote_secondaries");
    segment.hosts[0].sh(&format!("ip addr add {new}/16 dev eth0"));
    let at = wire::now();
    segment.hosts[0].sh("ip addr del 10.9.0.1/16 dev eth0");
    segment.wire().await_ad("an advertisement from the new address", seconds(3), |ad| {
        ad.at > at && ad.source == new && ad.vhid == VHID
    });
    a.await_line("which address it uses", seconds(1), |l| l.contains("10.9.0.55") && l.contains("10.9.0.1"));
    let later = wire::now();
    eventually("two more", seconds(4), || segment.wire().ads(|ad| ad.at > later).len() >= 2);
    assert!(segment.ads_of(0, later).is_empty(), "still sent from the old address");
    assert_eq!(a.role(), "MASTER");
}

fn mac_changed() {
    let mut segment = Segment::new(1);
    let a = without_source(&segment);
    let mac = [2, 0, 0, 0, 0xab, 0xcd];
    let at = wire::now();
    segment.hosts[0].sh(&format!("ip link set eth0 address {}", wire::mac(mac)));
    segment.hosts[0].mac = mac;
    segment.wire().await_ad("an advertisement from the new hardware address", seconds(3), |ad| {
        ad.at > at && ad.mac == mac && ad.vhid == VHID
    });
    segment.wire().await_arp("the new address announced", seconds(3), |arp| {
        arp.at > at && arp.is_gratuitous() && arp.sender == VIP && arp.sender_mac == mac
    });
    a.await_line("the change", seconds(1), |l| l.contains("02:00:00:00:ab:cd"));
    assert_eq!(a.role(), "MASTER");
    segment.await_owner(0, seconds(2));
}
