//! A segment: one bridge in a namespace of its own, hosts that are namespaces with one leg in it, and an observer.
//! Nothing touches the machine's own interfaces, and everything is gone when the value is dropped, also by a panic.

use std::cell::Cell;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::daemon::Log;
use super::frames::Ad;
use super::wire::{self, Sieve, Wire};

/// The shared address of every case.
pub(crate) const VIP: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 200);
/// The virtual host of every case.
pub(crate) const VHID: u8 = 7;

const NAMESPACES: &str = "/run/netns";
const NAME: &str = "ucarp-test-";

static SEGMENTS: AtomicUsize = AtomicUsize::new(0);

/// Why no case can run on this machine.
pub(crate) fn unusable() -> Option<String> {
    if !nix::unistd::Uid::effective().is_root() {
        return Some("needs root: network namespaces".into());
    }
    for tool in ["ip", "nsenter", "setpriv", "unshare"] {
        if !runs(Command::new(tool).arg("-V")) {
            return Some(format!("needs {tool}"));
        }
    }
    let probe = format!("{NAME}{}-probe", std::process::id());
    if !runs(Command::new("ip").args(["netns", "add", &probe])) {
        return Some("cannot make a network namespace here".into());
    }
    runs(Command::new("ip").args(["netns", "del", &probe]));
    None
}

/// Removes the namespaces of test processes that were killed before they could.
pub(crate) fn remove_leftovers() {
    let Ok(entries) = fs::read_dir(NAMESPACES) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix(NAME).and_then(|rest| rest.split('-').next()).map(str::to_owned);
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            runs(Command::new("ip").args(["netns", "del", &name]));
        }
    }
}

fn runs(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// How many times as long as on a real machine everything may take here: `UCARP_TEST_PATIENCE`, for emulated ones.
pub(crate) fn patience() -> u32 {
    static FACTOR: LazyLock<u32> = LazyLock::new(|| match std::env::var("UCARP_TEST_PATIENCE") {
        Ok(word) => word.parse().expect("UCARP_TEST_PATIENCE is a number"),
        Err(_) => 1,
    });
    *FACTOR
}

/// When it is too late for what has this much time on a real machine.
pub(crate) fn end_of(limit: Duration) -> Instant {
    Instant::now() + limit * patience()
}

/// Polls until the condition holds; says what was awaited when it does not.
#[track_caller]
pub(crate) fn eventually(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) {
    let end = end_of(limit);
    while !holds() {
        assert!(Instant::now() < end, "not within {limit:?}: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Checks again and again that something does *not* happen: the one wait that has to last its full time.
#[track_caller]
pub(crate) fn throughout(what: &str, time: Duration, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        assert!(holds(), "did not hold for {time:?}: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) struct Host {
    pub(crate) name: char,
    pub(crate) address: Ipv4Addr,
    pub(crate) mac: [u8; 6],
    namespace: String,
}

impl Host {
    /// A command that will run in this host's namespace, and die with the thread that started it.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={NAMESPACES}/{}", self.namespace));
        command.args(["setpriv", "--pdeathsig", "KILL", "--"]).arg(program);
        command
    }

    /// What `nsenter --net=` takes.
    pub(crate) fn namespace(&self) -> PathBuf {
        Path::new(NAMESPACES).join(&self.namespace)
    }

    /// Runs a shell command here; a failure fails the case.
    #[track_caller]
    pub(crate) fn sh(&self, script: &str) -> String {
        let done = self.command("sh").args(["-c", script]).stdin(Stdio::null()).output().expect("sh starts");
        assert!(done.status.success(), "{}: {script}: {}", self.name, String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    /// Runs code of ours here: what the library asks the kernel, it asks of this host.
    pub(crate) fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        wire::inside(&self.namespace(), work)
    }

    pub(crate) fn has_address(&self, address: Ipv4Addr) -> bool {
        self.sh("ip -o -4 addr show dev eth0").contains(&format!(" {address}/"))
    }
}

pub(crate) struct Segment {
    prefix: String,
    pub(crate) hosts: Vec<Host>,
    observer: Host,
    /// The observer's packet socket. An option only so that it can be closed before its namespace goes.
    wire: Option<Wire>,
    dir: PathBuf,
    logs: Mutex<Vec<Arc<Log>>>,
}

impl Segment {
    /// Hosts 10.9.0.1, 10.9.0.2 and so on.
    pub(crate) fn new(hosts: u8) -> Self {
        Self::with_addresses(&(1..=hosts).map(|n| Ipv4Addr::new(10, 9, 0, n)).collect::<Vec<_>>())
    }

    /// Hosts with these addresses out of 10.9.0.0/16.
    pub(crate) fn with_addresses(addresses: &[Ipv4Addr]) -> Self {
        let number = SEGMENTS.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("{NAME}{}-{number}", std::process::id());
        let dir = std::env::temp_dir().join(&prefix);
        fs::create_dir_all(&dir).expect("a temporary directory can be made");
        let host = |name: char, address: Ipv4Addr, n: usize| Host {
            name,
            address,
            mac: [2, 0, 0, 0, 9, u8::try_from(n).expect("few hosts")],
            namespace: format!("{prefix}-{name}"),
        };
        let hosts: Vec<Host> = addresses
            .iter()
            .zip('a'..)
            .zip(1..)
            .map(|((address, name), n)| host(name, *address, n))
            .collect();
        let observer = host('o', Ipv4Addr::new(10, 9, 0, 100), 100);
        // From here on the drop removes whatever was made.
        let mut segment = Self { prefix, hosts, observer, wire: None, dir, logs: Mutex::new(Vec::new()) };
        segment.build();
        let index = index_of(&segment.observer.sh("ip -o link show dev eth0"));
        let path = Path::new(NAMESPACES).join(&segment.observer.namespace);
        segment.wire = Some(Wire::open(&path, index, segment.observer.mac, segment.observer.address));
        segment
    }

    fn build(&self) {
        let bridge = format!("{}-bridge", self.prefix);
        let mut script = format!("set -e\nip netns add {bridge}\n");
        let mut ports = String::from(
            "link add br0 type bridge forward_delay 0 stp_state 0 mcast_snooping 0\nlink set br0 up\n",
        );
        let mut legs = String::new();
        for host in self.hosts.iter().chain([&self.observer]) {
            let Host { name, address, mac, namespace } = host;
            let mac = wire::mac(*mac);
            let _ = writeln!(script, "ip netns add {namespace}");
            let _ = writeln!(
                script,
                "nsenter --net={NAMESPACES}/{namespace} sh -c 'cd /proc/sys/net/ipv6/conf/default 2>/dev/null || exit 0; \
                 echo 0 >accept_dad; echo 0 >router_solicitations'"
            );
            let _ = writeln!(
                ports,
                "link add to-{name} type veth peer name eth0 address {mac} netns {namespace}"
            );
            let _ = writeln!(ports, "link set to-{name} master br0 up");
            let _ = writeln!(
                legs,
                "ip -n {namespace} -batch - <<'END'\nlink set lo up\naddr add {address}/16 dev eth0\nlink set eth0 up\nEND"
            );
        }
        let _ = write!(script, "ip -n {bridge} -batch - <<'END'\n{ports}END\n{legs}");
        let done = Command::new("sh").args(["-c", &script]).stdin(Stdio::null()).output().expect("sh starts");
        assert!(done.status.success(), "building the segment: {}", String::from_utf8_lossy(&done.stderr));
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the daemons of a host have their sockets.
    pub(crate) fn control(&self, host: usize) -> PathBuf {
        self.dir.join(format!("control-{}", self.hosts[host].name))
    }

    pub(crate) fn wire(&self) -> &Wire {
        self.wire.as_ref().expect("open until the segment is dropped")
    }

    pub(crate) fn observer(&self) -> &Host {
        &self.observer
    }

    pub(crate) fn register(&self, log: Arc<Log>) {
        self.logs.lock().expect("no holder panics").push(log);
    }

    /// Changes a port of the bridge: the switch's end of a host's cable.
    #[track_caller]
    pub(crate) fn port(&self, host: usize, change: &str) {
        let name = self.hosts[host].name;
        let bridge = format!("{}-bridge", self.prefix);
        let words = format!("-n {bridge} link set to-{name} {change}");
        assert!(runs(Command::new("ip").args(words.split(' '))), "ip {words}");
    }

    /// Runs a shell command where the bridge is, and tells whether it went well.
    pub(crate) fn switch(&self, script: &str) -> bool {
        let namespace = format!("--net={NAMESPACES}/{}-bridge", self.prefix);
        runs(Command::new("nsenter").args([&namespace, "sh", "-c", script]))
    }

    /// Makes the bridge a hub, so that the observer sees what is meant for one host alone.
    #[track_caller]
    pub(crate) fn flood(&self) {
        let bridge = format!("{}-bridge", self.prefix);
        let words = format!("-n {bridge} link set br0 type bridge ageing_time 0");
        assert!(runs(Command::new("ip").args(words.split(' '))), "ip {words}");
    }

    /// Nothing passes any more, but the host's link still looks up: a failure further away.
    #[track_caller]
    pub(crate) fn cut(&self, host: usize) {
        self.port(host, "nomaster");
    }

    /// Undoes [`Segment::cut`].
    #[track_caller]
    pub(crate) fn join(&self, host: usize) {
        self.port(host, "master br0");
    }

    /// Puts a sieve between a host and the rest: what is sent to the host must pass it.
    #[track_caller]
    pub(crate) fn sift(&self, host: usize, passes: fn(&[u8]) -> bool) -> Sieve {
        self.cut(host);
        let bridge = format!("{}-bridge", self.prefix);
        // What is for others on the bridge is for the far side of the sieve too.
        assert!(runs(Command::new("ip").args(["-n", &bridge, "link", "set", "br0", "promisc", "on"])));
        let index = |name: &str| {
            let words = ["-n", &bridge, "-o", "link", "show", "dev", name];
            let said = Command::new("ip").args(words).stdin(Stdio::null()).output().expect("ip starts");
            index_of(&String::from_utf8_lossy(&said.stdout))
        };
        let inner = format!("to-{}", self.hosts[host].name);
        Sieve::open(&Path::new(NAMESPACES).join(&bridge), index("br0"), index(&inner), passes)
    }

    /// Gives a host whose leg was deleted a new one with the same name and address.
    #[track_caller]
    pub(crate) fn plug_in_again(&self, host: usize) {
        self.plug_in(host, "");
    }

    /// The same, and the kernel's number for it is chosen as well.
    #[track_caller]
    pub(crate) fn plug_in_as(&self, host: usize, index: i32) {
        self.plug_in(host, &format!("index {index}"));
    }

    /// Another network, 10.10.0.0/16, in which every host has eth1 and the same last number, as seen by the observer.
    #[track_caller]
    pub(crate) fn second_network(&self) -> Wire {
        let ports =
            "link add br1 type bridge forward_delay 0 stp_state 0 mcast_snooping 0; ip link set br1 up";
        assert!(self.switch(&format!("ip {ports}")), "{ports}");
        for host in self.hosts.iter().chain([&self.observer]) {
            self.plug_second_in(host);
        }
        let observer = &self.observer;
        let index = index_of(&observer.sh("ip -o link show dev eth1"));
        Wire::open(&Path::new(NAMESPACES).join(&observer.namespace), index, observer.mac, observer.address)
    }

    /// Gives the first host a new eth1 after the one it had in the second network was deleted.
    #[track_caller]
    pub(crate) fn plug_second_in_again(&self) {
        self.plug_second_in(&self.hosts[0]);
    }

    #[track_caller]
    fn plug_second_in(&self, host: &Host) {
        let Host { name, address, namespace, .. } = host;
        let [_, _, _, last] = address.octets();
        let script = format!(
            "set -e\n\
             ip link add to-{name}1 type veth peer name eth1 netns {namespace}\n\
             ip link set to-{name}1 master br1 up\n\
             ip -n {namespace} addr add 10.10.0.{last}/16 dev eth1\n\
             ip -n {namespace} link set eth1 up"
        );
        assert!(self.switch(&script), "{script}");
    }

    /// The number of a host's leg.
    pub(crate) fn index(&self, host: usize) -> i32 {
        index_of(&self.hosts[host].sh("ip -o link show dev eth0"))
    }

    #[track_caller]
    fn plug_in(&self, host: usize, more: &str) {
        let Host { name, address, mac, namespace } = &self.hosts[host];
        let bridge = format!("{}-bridge", self.prefix);
        let mac = wire::mac(*mac);
        let script = format!(
            "set -e\n\
             ip -n {namespace} link add eth0 {more} address {mac} type veth peer name to-{name} netns {bridge}\n\
             ip -n {bridge} link set to-{name} master br0 up\n\
             ip -n {namespace} addr add {address}/16 dev eth0\n\
             ip -n {namespace} link set eth0 up"
        );
        assert!(runs(Command::new("sh").args(["-c", &script])), "{script}");
    }

    /// Every hardware address that answers for `address` now.
    pub(crate) fn who_answers(&self, address: Ipv4Addr) -> Vec<[u8; 6]> {
        let asked = wire::now();
        self.wire().ask_who_has(address);
        // A second answer cannot be awaited, only given the time to come.
        thread::sleep(Duration::from_millis(150));
        let me = self.observer.address;
        let mut macs: Vec<_> = self
            .wire()
            .arps(|arp| arp.at >= asked && arp.reply && arp.sender == address && arp.target == me)
            .iter()
            .map(|arp| arp.sender_mac)
            .collect();
        macs.sort_unstable();
        macs.dedup();
        macs
    }

    /// Waits until this host, and nobody else, answers for the shared address.
    #[track_caller]
    pub(crate) fn await_owner(&self, host: usize, limit: Duration) {
        let end = end_of(limit);
        let wanted = vec![self.hosts[host].mac];
        loop {
            let found = self.who_answers(VIP);
            if found == wanted {
                return;
            }
            let names: Vec<String> = found.iter().map(|m| wire::mac(*m)).collect();
            assert!(
                Instant::now() < end,
                "after {limit:?} {VIP} is answered by {names:?}, not by {} alone",
                self.hosts[host].name
            );
        }
    }

    /// Waits until three advertisements in a row came from this host.
    #[track_caller]
    pub(crate) fn await_sole_master(&self, host: usize, limit: Duration) {
        let source = self.hosts[host].address;
        let from = wire::now();
        eventually(&format!("only {source} advertises"), limit, || {
            let ads = self.wire().ads(|ad| ad.at >= from);
            ads.len() >= 3 && ads[ads.len() - 3..].iter().all(|ad| ad.source == source)
        });
    }

    /// The advertisements of one host since a moment.
    pub(crate) fn ads_of(&self, host: usize, since: f64) -> Vec<Ad> {
        let source = self.hosts[host].address;
        self.wire().ads(|ad| ad.source == source && ad.at >= since && ad.vhid == VHID)
    }

    /// Waits for the first advertisement of one host since a moment, bow-outs not counted.
    #[track_caller]
    pub(crate) fn await_ad_of(&self, host: usize, since: f64, limit: Duration) -> Ad {
        let source = self.hosts[host].address;
        self.wire().await_ad(&format!("an advertisement of {source}"), limit, |ad| {
            ad.source == source && ad.at >= since && ad.vhid == VHID && !ad.is_bow_out()
        })
    }

    /// Waits for the bow-out of one host since a moment.
    #[track_caller]
    pub(crate) fn await_bow_out_of(&self, host: usize, since: f64, limit: Duration) -> Ad {
        let source = self.hosts[host].address;
        self.wire().await_ad(&format!("the bow-out of {source}"), limit, |ad| {
            ad.source == source && ad.at >= since && ad.is_bow_out()
        })
    }
}

/// The number in front of a line of `ip -o link`.
fn index_of(line: &str) -> i32 {
    let (number, _) = line.split_once(':').expect("ip prints the index first");
    number.trim().parse().expect("it is a number")
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// The case on this thread is being skipped, not failed: nothing to report.
pub(crate) fn no_story() {
    QUIET.set(true);
}

impl Drop for Segment {
    fn drop(&mut self) {
        if thread::panicking() && !QUIET.get() {
            let mut story = String::new();
            for log in self.logs.lock().expect("no holder panics").iter() {
                let _ = writeln!(story, "---- {}\n{}", log.title(), log.story());
            }
            if let Some(wire) = &self.wire {
                let _ = writeln!(story, "---- the wire\n{}", wire.story());
            }
            let name = thread::current().name().unwrap_or("?").to_owned();
            let _ = write!(std::io::stderr().lock(), "==== {name}\n{story}====\n");
        }
        self.wire = None;
        let names = self.hosts.iter().map(|h| h.name.to_string()).chain(["o".into(), "bridge".into()]);
        for name in names {
            runs(Command::new("ip").args(["netns", "del", &format!("{}-{name}", self.prefix)]));
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}
