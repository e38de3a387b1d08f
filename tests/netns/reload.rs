//! A file of virtual hosts that is read again while they are served: nobody notices who is not meant.

use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use ucarp::protocol::{Authenticator, Key, Vhid};

use super::cases::seconds;
use super::daemon::{Daemon, Kind, Scripts, Setup};
use super::frames::{self, Ad};
use super::segment::{Segment, VIP, eventually, throughout};
use super::{Case, skip, wire};

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![
        Case::new("reload_a_hundred_times_under_a_ping", ours, under_a_ping),
        Case::new("reload_of_a_wrong_file_changes_nothing", ours, wrong_file),
        Case::new("reload_adds_removes_and_renames", ours, comes_and_goes),
        Case::new("reload_while_a_hook_runs", ours, amid_a_hook),
        Case::new("reload_while_the_link_is_down", ours, without_a_link),
        Case::new("reload_while_the_interface_is_missing", ours, without_an_interface),
        Case::new("reload_changes_where_is_sent", ours, elsewhere),
        Case::new("reload_changes_the_address_to_send_from", ours, another_source),
        Case::new("reload_before_and_after_an_engine_dies", ours, dying_engine),
        Case::new("reload_changes_the_list_of_two_hosts", ours, other_list),
        Case::new("reload_changes_the_password_of_two_hosts", ours, other_password),
        Case::new("reload_rotates_a_password_beside_a_kernel", ours, rotation),
        Case::new("reload_changes_what_is_managed", ours, managed),
        Case::new("reload_changes_a_prefix_length", ours, prefix_length),
        Case::new("file_that_changed_while_nobody_lived", ours, changed_meanwhile),
        Case::new("file_of_255_virtual_hosts", ours, two_hundred_and_fifty_five),
    ]
}

/// A file on a host, and who serves what it says.
pub(crate) struct Served {
    path: PathBuf,
    scripts: Scripts,
    daemon: Option<Daemon>,
}

/// What one of its tables has besides the rest.
pub(crate) fn vip(name: &str, id: u8, address: &str, more: &str) -> String {
    format!("[vip.{name}]\nvhid = {id}\naddr = [\"{address}\"]\n{more}\n")
}

impl Served {
    /// Writes it, and starts a daemon for it.
    pub(crate) fn start(segment: &Segment, host: usize, setup: &Setup, vips: &str) -> Self {
        let scripts = Scripts::write(segment, setup);
        let place = &segment.hosts[host];
        let folder = segment.dir().join(format!("etc-{}", place.name));
        fs::create_dir_all(&folder).expect("it is ours");
        let mut served = Self { path: folder.join("ucarp.toml"), scripts, daemon: None };
        served.write(segment, host, vips);
        let mut command = place.command(Kind::Ours.binary());
        command.arg("--config").arg(&served.path);
        let (title, record) = (format!("{} (file)", place.name), served.scripts.record.clone());
        served.daemon = Some(Daemon::spawn(segment, &title, Kind::Ours, command, record));
        served
    }

    /// As an editor does: the file is another one afterwards.
    pub(crate) fn write(&self, segment: &Segment, host: usize, vips: &str) {
        let source = segment.hosts[host].address;
        let state = segment.dir().join(format!("state-{}", segment.hosts[host].name));
        let text = format!(
            "[daemon]\nfacility = \"none\"\nstate = \"{}\"\ncontrol = \"{}\"\n\
             [defaults]\ninterface = \"eth0\"\nmanage-address = false\n\
             upscript = \"{}\"\ndownscript = \"{}\"\n{vips}",
            state.display(),
            segment.control(host).display(),
            self.scripts.up.display(),
            self.scripts.down.display(),
        )
        .replace("SOURCE", &source.to_string());
        let new = self.path.with_extension("new");
        fs::write(&new, text).expect("it is ours");
        fs::set_permissions(&new, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("it is ours");
        fs::rename(new, &self.path).expect("it is ours");
    }

    /// Ends it, and starts another one for the same file.
    fn restart(&mut self, segment: &Segment, host: usize) {
        let mut daemon = self.daemon.take().expect("it was started");
        daemon.signal(Signal::SIGTERM);
        daemon.await_exit(seconds(5));
        drop(daemon);
        self.start_again(segment, host);
    }

    /// Starts another one for the same file, and kills the one there was, if it lives.
    pub(crate) fn start_again(&mut self, segment: &Segment, host: usize) {
        self.daemon = None;
        let place = &segment.hosts[host];
        let mut command = place.command(Kind::Ours.binary());
        command.arg("--config").arg(&self.path);
        let (title, record) = (format!("{} (file, again)", place.name), self.scripts.record.clone());
        self.daemon = Some(Daemon::spawn(segment, &title, Kind::Ours, command, record));
    }

    pub(crate) fn daemon(&mut self) -> &mut Daemon {
        self.daemon.as_mut().expect("it was started")
    }

    /// Has it read again, and waits until that is done. Whether it was taken over.
    #[track_caller]
    fn reload(&mut self) -> bool {
        let daemon = self.daemon();
        let taken = |daemon: &Daemon| daemon.lines(|line| line.contains("[UC2054]")).len();
        let refused = |daemon: &Daemon| daemon.lines(|line| line.contains("[UC2055]")).len();
        let before = (taken(daemon), refused(daemon));
        daemon.signal_hands(Signal::SIGHUP);
        eventually("the file was read again", seconds(10), || (taken(daemon), refused(daemon)) != before);
        taken(daemon) > before.0
    }

    #[track_caller]
    pub(crate) fn rewrite(&mut self, segment: &Segment, host: usize, vips: &str) {
        self.write(segment, host, vips);
        assert!(self.reload(), "{:?}", self.daemon().lines(|line| line.contains("[UC2055]")));
    }

    fn transitions(&mut self) -> usize {
        self.daemon().lines(|line| line.contains("Switching to state")).len()
    }
}

const SECRET: &str = "pass = \"secret\"\nsrcip = \"SOURCE\"\n";

fn web(more: &str) -> String {
    vip("web", 7, &VIP.to_string(), &format!("{SECRET}{more}"))
}

/// The advertisements of a host, whichever id they are about.
fn ads(segment: &Segment, host: usize, since: f64) -> Vec<Ad> {
    let source = segment.hosts[host].address;
    segment.wire().ads(|ad| ad.source == source && ad.at >= since)
}

/// Waits until these ids are advertised by the host, and all of them were since then.
#[track_caller]
fn await_master(segment: &Segment, host: usize, id: u8, since: f64) {
    eventually(&format!("id {id} is advertised"), seconds(8), || {
        ads(segment, host, since).iter().any(|ad| ad.vhid == id && !ad.is_bow_out())
    });
}

fn longest_gap(segment: &Segment, host: usize, id: u8, since: f64) -> f64 {
    let ads: Vec<f64> = ads(segment, host, since).iter().filter(|ad| ad.vhid == id).map(|ad| ad.at).collect();
    ads.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max)
}

fn under_a_ping() {
    let segment = Segment::new(1);
    let mut served = Served::start(&segment, 0, &Setup::default(), &web(""));
    await_master(&segment, 0, 7, 0.0);
    served.daemon().await_hooks(&["down", "up"], seconds(3));
    segment.await_owner(0, seconds(3));
    let mut ping = segment.observer().command("ping");
    ping.args(["-n", "-q", "-i", "0.005", "-w", "60", &VIP.to_string()]);
    let Ok(ping) = ping.stdin(Stdio::null()).stdout(Stdio::piped()).spawn() else { skip("needs ping") };
    let from = wire::now();
    for round in 0..100 {
        let more = ["advskew = 1", "xparam = \"a\"", "garp-count = 2", "preempt = true", "deadratio = 4"];
        served.rewrite(&segment, 0, &web(more[round % more.len()]));
    }
    let until = wire::now();
    thread::sleep(Duration::from_millis(100));
    let _ = Command::new("kill").args(["-INT", &ping.id().to_string()]).status();
    let said = ping.wait_with_output().expect("it was started");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains(" 0% packet loss"), "{said}");
    assert_eq!(served.daemon().hook_names(), ["down", "up"]);
    assert_eq!(served.transitions(), 2);
    assert!(longest_gap(&segment, 0, 7, from) < 1.5, "{until}");
}

fn wrong_file() {
    let segment = Segment::new(1);
    let mut served = Served::start(&segment, 0, &Setup::default(), &web(""));
    await_master(&segment, 0, 7, 0.0);
    for wrong in [
        "[vip.web\n",
        "nonsense = 7\n",
        "[vip.web]\nvhid = 7\n",
        &web("advskew = 300"),
        &web("upscript = \"/nonexistent\""),
        &format!("{}{}", web("advskew = 9"), vip("other", 7, "10.9.0.201", SECRET)),
    ] {
        served.write(&segment, 0, wrong);
        assert!(!served.reload(), "{wrong}");
    }
    let said = served.daemon().lines(|line| line.contains("[UC2055]"));
    assert!(said.len() >= 6 && said.iter().all(|line| !line.contains("secret")), "{said:?}");
    assert_eq!(served.transitions(), 2);
    // What is advertised is what was read at the start.
    let since = wire::now();
    let skew = segment.await_ad_of(0, since, seconds(3)).skew;
    assert_eq!(skew, 0);
    served.rewrite(&segment, 0, &web("advskew = 9"));
    let since = wire::now();
    eventually("it is read once it is right", seconds(3), || {
        ads(&segment, 0, since).last().is_some_and(|ad| ad.skew == 9)
    });
}

fn comes_and_goes() {
    let segment = Segment::new(1);
    let other = |name: &str, id: u8, more: &str| vip(name, id, "10.9.0.201", &format!("{SECRET}{more}"));
    let mut served =
        Served::start(&segment, 0, &Setup::default(), &format!("{}{}", web(""), other("mail", 8, "")));
    [7, 8].into_iter().for_each(|id| await_master(&segment, 0, id, 0.0));
    eventually("both have their addresses", seconds(5), || served.daemon().hook_names().len() == 4);

    // Two change their names, and nothing else.
    let from = wire::now();
    let swapped =
        web("").replace("[vip.web]", "[vip.mail]") + &other("mail", 8, "").replace("[vip.mail]", "[vip.web]");
    served.rewrite(&segment, 0, &swapped);
    thread::sleep(Duration::from_millis(2500));
    assert!([7, 8].iter().all(|id| longest_gap(&segment, 0, *id, from) < 1.5));
    assert_eq!((served.transitions(), served.daemon().hook_names().len()), (4, 4));

    // One ends, and another one begins; the third goes on.
    let at = wire::now();
    served.rewrite(&segment, 0, &format!("{}{}", web(""), other("news", 9, "")));
    eventually("it bows out", seconds(3), || {
        ads(&segment, 0, at).iter().any(|ad| ad.vhid == 8 && ad.is_bow_out())
    });
    await_master(&segment, 0, 9, at);
    // A script that has not begun when its virtual host ends is not followed by another one.
    eventually("it has its address", seconds(3), || {
        let is_up = |run: &super::daemon::HookRun| run.hook == "up" && run.environment["UCARP_VHID"] == "9";
        served.daemon().hooks().iter().any(is_up)
    });
    let runs = served.daemon().hooks();
    let of = |id: &str, hook: &str| {
        let is = |run: &&super::daemon::HookRun| {
            run.hook == hook && run.environment.get("UCARP_VHID").is_some_and(|known| known == id)
        };
        runs.iter().filter(is).count()
    };
    assert_eq!((of("8", "down"), of("7", "down"), of("7", "up")), (2, 1, 1), "{runs:?}");
    assert!(
        runs.iter().any(|run| run.reason() == "removed" && run.environment["UCARP_VHID"] == "8"),
        "{runs:?}"
    );
    assert!(longest_gap(&segment, 0, 7, from) < 1.5);
    assert!(!ads(&segment, 0, at + 0.5).iter().any(|ad| ad.vhid == 8));
    // The same id under another name and on another group, and back again within moments.
    for more in ["advskew = 3", "advskew = 4"] {
        served.rewrite(&segment, 0, &format!("{}{}", web(more), other("news", 10, "")));
        served.rewrite(&segment, 0, &format!("{}{}", web(""), other("news", 9, "")));
    }
    let at = wire::now();
    await_master(&segment, 0, 9, at + 3.0);
    throughout("the other one is gone", seconds(1), || {
        !ads(&segment, 0, at + 4.0).iter().any(|ad| ad.vhid == 10)
    });
    let runs = served.daemon().hooks();
    assert!(
        runs.iter().any(|run| run.reason() == "moved" && run.environment["UCARP_VHID"] == "9"),
        "{runs:?}"
    );
    assert!(served.daemon().is_running());
}

fn amid_a_hook() {
    let segment = Segment::new(1);
    let slow = Setup { up: "sleep 3", ..Setup::default() };
    let mut served = Served::start(&segment, 0, &slow, &web(""));
    await_master(&segment, 0, 7, 0.0);
    served.daemon().await_hooks(&["down", "up"], seconds(3));
    let quick = Scripts::write(&segment, &Setup { down: "true # the second pair", ..Setup::default() });
    let (first, second) = (served.scripts.down.clone(), quick.down.clone());
    served.scripts = Scripts { record: served.scripts.record.clone(), ..quick };
    served.rewrite(&segment, 0, &web("xparam = \"new\""));
    eventually("the first hook ends", seconds(6), || served.daemon().hooks()[1].ended.is_some());
    served.daemon().signal_hands(Signal::SIGUSR2);
    served.daemon().await_hooks(&["down", "up", "down"], seconds(3));
    // What the first pair brought the first pair takes back, with what is known now.
    served.daemon().await_line("which script runs", seconds(3), |line| {
        line.contains(&first.display().to_string()) && line.contains("UC2002") && line.contains("down")
    });
    assert_eq!(served.daemon().lines(|line| line.contains(&second.display().to_string())).len(), 0);
    let last = served.daemon().hooks().pop().expect("it was run");
    assert_eq!(last.environment.get("UCARP_XPARAM").map(String::as_str), Some("new"));
    assert_eq!(served.daemon().hook_names(), ["down", "up", "down"]);
}

fn without_a_link() {
    let segment = Segment::new(1);
    let mut served = Served::start(&segment, 0, &Setup::default(), &web(""));
    await_master(&segment, 0, 7, 0.0);
    segment.cut(0);
    served.daemon().await_line("that it is away", seconds(5), |line| line.contains("INIT"));
    let more = vip("mail", 8, "10.9.0.201", SECRET);
    served.rewrite(&segment, 0, &format!("{}{more}", web("advskew = 5")));
    segment.join(0);
    let at = wire::now();
    [7, 8].into_iter().for_each(|id| await_master(&segment, 0, id, at));
    assert!(ads(&segment, 0, at).iter().filter(|ad| ad.vhid == 7).all(|ad| ad.skew == 5));
}

fn without_an_interface() {
    let segment = Segment::new(1);
    let mut served = Served::start(&segment, 0, &Setup::default(), &web(""));
    await_master(&segment, 0, 7, 0.0);
    let missing = "interface = \"nowhere0\"\n";
    let other = vip("mail", 8, "10.9.0.201", &format!("pass = \"secret\"\n{missing}"));
    served.rewrite(&segment, 0, &format!("{}{other}", web("")));
    served.daemon().await_line("that it waits", seconds(5), |line| line.contains("nowhere0"));
    let place = &segment.hosts[0];
    place.sh("ip link add nowhere0 type veth peer name nowhere1 && ip link set nowhere1 up && \
              ip addr add 10.11.0.1/24 dev nowhere0 && ip link set nowhere0 up");
    served.daemon().await_line("that it is master there", seconds(9), |line| {
        line.contains("MASTER") && line.contains("nowhere0")
    });
    place.sh("ip link del nowhere0");
    served
        .daemon()
        .await_line("that it is gone", seconds(5), |line| line.contains("INIT") && line.contains("nowhere0"));
    // It may leave while its interface is away.
    served.rewrite(&segment, 0, &web(""));
    assert_eq!(served.daemon().lines(|line| line.contains("id 7") && line.contains("Switching")).len(), 2);
    assert!(longest_gap(&segment, 0, 7, 0.0) < 1.5);
}

fn elsewhere() {
    let segment = Segment::new(2);
    let mut served = Served::start(&segment, 0, &Setup::default(), &web(""));
    await_master(&segment, 0, 7, 0.0);
    let follower = Served::start(&segment, 1, &Setup::default(), &web("advskew = 100"));
    thread::sleep(seconds(2));
    let peer = |host: usize| format!("peer = [\"{}\"]", segment.hosts[host].address);
    let mut follower = follower;
    let from = wire::now();
    // Whoever hears both goes first; then the master speaks to it alone.
    served.rewrite(&segment, 0, &web(&peer(1)));
    follower.rewrite(&segment, 1, &web(&format!("advskew = 100\n{}", peer(0))));
    thread::sleep(seconds(5));
    assert_eq!((served.transitions(), follower.transitions()), (2, 1));
    assert!(!ads(&segment, 0, from + 1.5).iter().any(|ad| ad.destination == Ipv4Addr::new(224, 0, 0, 18)));
    // And to another group.
    let mcast = "mcast = \"224.0.0.99\"";
    follower.rewrite(&segment, 1, &web(&format!("advskew = 100\n{mcast}")));
    served.rewrite(&segment, 0, &web(mcast));
    thread::sleep(seconds(5));
    assert_eq!((served.transitions(), follower.transitions()), (2, 1));
    served.daemon().signal_hands(Signal::SIGUSR2);
    follower.daemon().await_line("that it takes over", seconds(2), |line| line.contains("MASTER"));
}

/// The address to send from is another one, and nobody takes that for another host's.
fn another_source() {
    let segment = Segment::new(2);
    let (mut first, mut second) = two(&segment, "");
    let source = Ipv4Addr::new(10, 9, 0, 51);
    segment.hosts[0].sh(&format!("ip addr add {source}/16 dev eth0"));
    let from = wire::now();
    first.rewrite(&segment, 0, &web("").replace("SOURCE", &source.to_string()));
    segment.wire().await_ad("one from the other address", seconds(3), |ad| ad.source == source);
    throughout("it is master as before", seconds(4), || ads(&segment, 1, from).is_empty());
    let mut all = segment.wire().ads(|ad| ad.at >= from - 2.0);
    let own = segment.hosts[0].address;
    let changed = all.iter().position(|ad| ad.source == source).expect("it was awaited");
    assert!(all.iter().take(changed).all(|ad| ad.source == own), "{all:?}");
    assert!(all.split_off(changed).iter().all(|ad| ad.source == source && !ad.is_bow_out()));
    let both = segment.wire().ads(|ad| ad.at >= from - 2.0);
    assert!(both.windows(2).all(|pair| pair[1].at - pair[0].at < 1.5));
    assert_eq!((first.transitions(), second.transitions()), (2, 1));
    assert_eq!(first.daemon().hook_names(), ["down", "up"]);
}

/// A master and a follower of one file, a skew apart.
fn two(segment: &Segment, more: &str) -> (Served, Served) {
    let first = Served::start(segment, 0, &Setup::default(), &web(more));
    await_master(segment, 0, 7, 0.0);
    let mut second = Served::start(segment, 1, &Setup::default(), &web(&format!("advskew = 100\n{more}")));
    second.daemon().await_line("that it follows", seconds(5), |line| line.contains("BACKUP"));
    thread::sleep(Duration::from_millis(1500));
    (first, second)
}

fn other_list() {
    let segment = Segment::new(2);
    let (mut first, mut second) = two(&segment, "settle = \"4s\"");
    let list = |more: &str| {
        web(&format!("settle = \"4s\"\n{more}")).replace(&VIP.to_string(), &format!("{VIP}\", \"10.9.0.201"))
    };
    let from = wire::now();
    first.rewrite(&segment, 0, &list(""));
    thread::sleep(seconds(1));
    second.rewrite(&segment, 1, &list("advskew = 100"));
    // Whoever follows is started anew amid it, and has to know what is still sent.
    second.restart(&segment, 1);
    second.daemon().await_line("that it follows", seconds(5), |line| line.contains("BACKUP"));
    first.daemon().await_line("that the new one is sent", seconds(8), |line| line.contains("[UC1042]"));
    thread::sleep(seconds(5));
    assert_eq!((first.transitions(), second.transitions()), (2, 1));
    assert!(longest_gap(&segment, 0, 7, from) < 1.5);
    assert!(ads(&segment, 1, from).is_empty(), "nobody else became master");
    assert_eq!(first.daemon().lines(|line| line.contains("bad_auth")).len(), 0);
    assert_eq!(second.daemon().lines(|line| line.contains("bad_auth")).len(), 0);
    let has = |address: [u8; 4]| segment.hosts[0].has_address(address.into());
    eventually("the new address is there", seconds(5), || has([10, 9, 0, 201]) && has(VIP.octets()));
}

fn other_password() {
    let segment = Segment::new(2);
    let (mut first, mut second) = two(&segment, "settle = \"3s\"");
    let from = wire::now();
    let new = |more: &str| web(&format!("settle = \"3s\"\n{more}")).replace("\"secret\"", "\"canary-77\"");
    second.rewrite(&segment, 1, &new("advskew = 100"));
    thread::sleep(seconds(1));
    first.rewrite(&segment, 0, &new(""));
    first.daemon().await_line("that the new one is sent", seconds(8), |line| line.contains("[UC1042]"));
    thread::sleep(seconds(4));
    assert_eq!((first.transitions(), second.transitions()), (2, 1));
    assert!(ads(&segment, 1, from).is_empty());
    first.daemon().signal_hands(Signal::SIGUSR1);
    first.daemon().signal_hands(Signal::SIGUSR2);
    second.daemon().await_line("that it takes over", seconds(2), |line| line.contains("MASTER"));
    for one in [&mut first, &mut second] {
        let told = one.daemon().lines(|line| line.contains("canary") || line.contains("secret"));
        assert_eq!(told, Vec::<String>::new());
        for run in one.daemon().hooks() {
            assert!(!format!("{run:?}").contains("canary"));
        }
    }
}

/// Somebody else is master, in whichever form, and does not care for ours.
fn rotation() {
    let segment = Segment::new(1);
    let place = &segment.hosts[0];
    let passfile = segment.dir().join("passwords");
    let keys = |lines: &str| {
        fs::write(&passfile, lines).expect("it is ours");
        fs::set_permissions(&passfile, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .expect("it is ours");
    };
    let text = vip(
        "web",
        7,
        &VIP.to_string(),
        &format!("passfile = \"{}\"\nsrcip = \"SOURCE\"\nadvskew = 100\nsettle = \"1s\"", passfile.display()),
    );
    let key = |password: &str| Key::from_password(password.as_bytes()).expect("it is short");
    let vhid = Vhid::new(7).expect("it is one");
    let code =
        |password: &str, counter: u64| Authenticator::new(&key(password), vhid, &[VIP.into()]).code(counter);
    keys("first\n");
    let mut served = Served::start(&segment, 0, &Setup::default(), &text);
    served.daemon().await_line("that it waits", seconds(5), |line| line.contains("BACKUP"));
    let observer = segment.observer();
    let mut counter = 1_000_000;
    let mut speak = |password: &str, times: u32| {
        for _ in 0..times {
            counter += 1;
            let tag = code(password, counter);
            segment.wire().send(&frames::advertisement(
                observer.mac,
                observer.address,
                7,
                1,
                0,
                counter,
                tag,
            ));
            thread::sleep(Duration::from_millis(500));
        }
    };
    speak("first", 4);
    for (lines, spoken) in
        [("first\nsecond\n", "first"), ("second\nfirst\n", "second"), ("second\n", "second")]
    {
        keys(lines);
        assert!(served.reload());
        speak(spoken, 8);
    }
    assert_eq!(served.transitions(), 1, "it followed throughout");
    assert_eq!(served.daemon().lines(|line| line.contains("bad_auth")).len(), 0);
    // The former one is worth nothing any more.
    thread::sleep(seconds(4));
    speak("first", 2);
    assert!(!served.daemon().lines(|line| line.contains("bad_auth")).is_empty());
    assert!(place.has_address(place.address));
}

fn dying_engine() {
    let segment = Segment::new(1);
    let mut served = Served::start(&segment, 0, &Setup::default(), &web(""));
    await_master(&segment, 0, 7, 0.0);
    served.daemon().await_hooks(&["down", "up"], seconds(3));
    for round in 0..3_u8 {
        let from = wire::now();
        let more = vip(&format!("new{round}"), 20 + round, "10.9.0.201", SECRET);
        served.rewrite(&segment, 0, &format!("{}{more}", web(&format!("advskew = {}", round + 1))));
        let engine = served.daemon().engine().expect("it has one");
        nix::sys::signal::kill(engine, Signal::SIGKILL).expect("it lives");
        await_master(&segment, 0, 20 + round, from);
        eventually("the new interval is advertised", seconds(3), || {
            ads(&segment, 0, from).iter().rfind(|ad| ad.vhid == 7).is_some_and(|ad| ad.skew == round + 1)
        });
        assert!(longest_gap(&segment, 0, 7, 0.0) < 2.5);
    }
    let of_web: usize = served.daemon().lines(|l| l.contains("id 7 ") && l.contains("Switching")).len();
    assert_eq!(of_web, 2);
}

/// Addresses come and go with the list of a master, and stay where they are when they are managed or not any more.
fn managed() {
    let segment = Segment::new(1);
    let here = |address: Ipv4Addr| segment.hosts[0].has_address(address);
    let (first, second) = (VIP, Ipv4Addr::new(10, 9, 0, 201));
    let shares = |list: &str, managed: bool| {
        vip("web", 7, list, &format!("{SECRET}settle = \"1s\"\nmanage-address = {managed}\n"))
    };
    let (one, both) = ("10.9.0.200/24", "10.9.0.200/24\", \"10.9.0.201/24");
    let mut served = Served::start(&segment, 0, &Setup::managed(0), &shares(one, true));
    await_master(&segment, 0, 7, 0.0);
    eventually("it has the address", seconds(2), || here(first));
    let (from, transitions) = (wire::now(), served.transitions());

    served.rewrite(&segment, 0, &shares(both, true));
    eventually("another address comes", seconds(2), || here(second));
    segment.wire().await_arp("its announcement", seconds(2), |arp| {
        arp.at > from && arp.is_gratuitous() && arp.sender == second
    });
    served.rewrite(&segment, 0, &shares(one, true));
    eventually("it goes again", seconds(2), || !here(second));
    assert!(here(first));

    served.rewrite(&segment, 0, &shares(one, false));
    served.daemon().await_line("that they stay", seconds(2), |line| line.contains("not managed any more"));
    throughout("it stays", seconds(1), || here(first));
    segment.hosts[0].sh("ip addr add 10.9.0.200/32 dev eth0 && ip addr del 10.9.0.200/24 dev eth0");
    segment.hosts[0]
        .sh("ip link add other0 type veth peer name other1 && ip addr add 10.9.0.200/32 dev other0");
    served.rewrite(&segment, 0, &shares(one, true));
    throughout("it is taken over as it is", seconds(1), || here(first));
    let said = |id: &str, word: &str| {
        served.daemon.iter().any(|daemon| {
            !daemon
                .lines(|line| line.contains(id) && line.contains("10.9.0.200") && line.contains(word))
                .is_empty()
        })
    };
    assert!(said("[UC2043]", "/32 instead of /24") && said("[UC2042]", "other0"));
    assert!(longest_gap(&segment, 0, 7, from) < 1.5);
    assert_eq!(served.transitions(), transitions);

    served.daemon().signal(Signal::SIGTERM);
    served.daemon().await_exit(seconds(3));
    assert!(!here(first), "what was taken over is taken off");
    assert!(segment.hosts[0].has_address(segment.hosts[0].address));
}

// The host's own address is in the subnet of the shared one, which is its primary.
fn prefix_length() {
    let segment = Segment::new(1);
    let host = &segment.hosts[0];
    let promote = |on: u8| {
        host.sh(&format!(
            "for i in all eth0; do echo {on} >/proc/sys/net/ipv4/conf/$i/promote_secondaries; done"
        ))
    };
    let shares =
        |list: &str| vip("web", 7, list, &format!("{SECRET}settle = \"1s\"\nmanage-address = true\n"));
    let both = |length: u8| format!("10.9.0.200/{length}\", \"10.9.0.201/24");
    let mut served = Served::start(&segment, 0, &Setup::managed(0), &shares(&both(16)));
    await_master(&segment, 0, 7, 0.0);
    let entries = || host.sh("ip -o -4 addr show dev eth0 to 10.9.0.200");
    eventually("it has the address", seconds(2), || entries().contains("10.9.0.200/16 "));
    promote(1);
    host.sh("ip addr del 10.9.0.1/16 dev eth0; ip addr add 10.9.0.1/16 dev eth0");
    promote(0);
    assert!(!entries().contains("secondary"), "{}", entries());
    let (start, transitions) = (wire::now(), served.transitions());
    for length in [24, 25, 16] {
        let from = wire::now();
        served.rewrite(&segment, 0, &shares(&both(length)));
        let wanted = format!("10.9.0.200/{length} ");
        eventually("it has the other prefix length", seconds(1), || entries().contains(&wanted));
        assert_eq!(entries().lines().count(), 1, "{}", entries());
        segment.wire().await_arp("its announcement", seconds(2), |arp| {
            arp.at > from && arp.is_gratuitous() && arp.sender == VIP
        });
        assert!(host.has_address(host.address) && host.has_address(Ipv4Addr::new(10, 9, 0, 201)));
    }
    let until = wire::now();
    assert_eq!(served.transitions(), transitions);
    assert!(longest_gap(&segment, 0, 7, start) < 1.5, "{until}");
    assert!(served.daemon().lines(|line| line.contains("[UC1061]")).is_empty(), "nobody took it away");
    // Who is not master has it with no length at all.
    served.daemon().signal(Signal::SIGUSR2);
    eventually("it is taken off", seconds(2), || entries().is_empty());
    served.rewrite(&segment, 0, &shares(&both(24)));
    eventually("it is master again", seconds(8), || entries().contains("10.9.0.200/24 "));
}

// Addresses of somebody who was killed, which are in the file no more when he comes back.
fn changed_meanwhile() {
    let segment = Segment::new(2);
    let host = &segment.hosts[0];
    let managed = |name, id, list: &str| vip(name, id, list, &format!("{SECRET}manage-address = true\n"));
    let three = |last: &str| {
        managed("web", 7, &format!("10.9.0.200/24\", \"{last}")) + &managed("mail", 8, "10.9.0.210/32")
    };
    let has = |last: u8| host.has_address(Ipv4Addr::new(10, 9, 0, last));
    let mut served = Served::start(&segment, 0, &Setup::managed(0), &three("10.9.0.201/32"));
    eventually("it has what it shares", seconds(8), || has(200) && has(201) && has(210));
    // What is shared no more by a reload goes, and is nobody's business later.
    served.rewrite(&segment, 0, &three("10.9.0.202/32"));
    eventually("another address comes", seconds(2), || has(202) && !has(201));
    let state = segment.dir().join(format!("state-{}", host.name));
    let noted = |id: u8| state.join(format!("eth0-{id}.addresses")).exists();
    assert!(noted(7) && noted(8));
    served.rewrite(&segment, 0, &managed("web", 7, "10.9.0.200/24\", \"10.9.0.202/32"));
    eventually("nothing is known of who left", seconds(3), || noted(7) && !noted(8) && !has(210));
    served.rewrite(&segment, 0, &three("10.9.0.202/32"));
    eventually("he is back", seconds(8), || noted(8) && has(210));

    let kill = |served: &mut Served| {
        let mut daemon = served.daemon.take().expect("it was started");
        let engine = daemon.engine().expect("it has one");
        daemon.signal_hands(Signal::SIGKILL);
        let _ = nix::sys::signal::kill(engine, Signal::SIGKILL);
        daemon.await_exit(seconds(2));
    };
    let again = |served: &mut Served| {
        let mut command = host.command(Kind::Ours.binary());
        command.arg("--config").arg(&served.path);
        served.daemon = Some(Daemon::spawn(
            &segment,
            "a (file, again)",
            Kind::Ours,
            command,
            served.scripts.record.clone(),
        ));
    };
    let found = |served: &mut Served| served.daemon().lines(|line| line.contains("[UC1060]"));
    kill(&mut served);
    assert!(has(200) && has(202) && has(210), "nobody took them off");
    host.sh("ip addr add 10.9.0.201/32 dev eth0");
    served.write(&segment, 0, &managed("web", 7, "10.9.0.200/24"));
    again(&mut served);
    eventually("what is shared no more goes", seconds(3), || !has(202) && !has(210));
    assert!(has(201) && host.has_address(host.address), "what somebody gave it stays");
    eventually("that is said", seconds(3), || found(&mut served).len() >= 2);
    let lines = found(&mut served);
    let named = |address: &str| lines.iter().filter(|line| line.contains(address)).count();
    assert_eq!((named("10.9.0.202"), named("10.9.0.210")), (1, 1), "{lines:?}");
    eventually("it is master again", seconds(8), || has(200));

    // An orderly end leaves nothing, and nothing is remembered that somebody gives the interface then.
    let mut daemon = served.daemon.take().expect("it was started");
    daemon.signal(Signal::SIGTERM);
    daemon.await_exit(seconds(3));
    assert!(!noted(7) && !noted(8));
    host.sh("ip addr add 10.9.0.202/32 dev eth0; ip addr add 10.9.0.200/32 dev eth0");
    served.write(&segment, 0, &managed("mail", 8, "10.9.0.210/32"));
    again(&mut served);
    eventually("it is master once more", seconds(8), || has(210));
    assert!(has(202) && has(200), "they are nobody's that is known");

    // What cannot be read is told, and nothing is taken off.
    kill(&mut served);
    fs::write(state.join("eth0-8.addresses"), "nonsense").expect("it is ours");
    served.write(&segment, 0, &managed("web", 7, "10.9.0.200/24"));
    again(&mut served);
    served.daemon().await_line("what cannot be read", seconds(3), |line| line.contains("[UC2045]"));
    eventually("it is master at last", seconds(8), || {
        host.sh("ip -o addr show dev eth0").contains("10.9.0.200/24 ")
    });
    assert!(has(210) && found(&mut served).iter().all(|line| !line.contains("10.9.0.210")));
}

fn two_hundred_and_fifty_five() {
    let segment = Segment::new(1);
    let mut all = String::new();
    for id in 1..=255_u8 {
        let more = format!(
            "{SECRET}advbase = 0\nadvskew = 128\nupscript = \"/bin/true\"\ndownscript = \"/bin/true\"\n"
        );
        all += &vip(&format!("v{id}"), id, &format!("10.9.1.{id}"), &more);
    }
    let mut served = Served::start(&segment, 0, &Setup::default(), &all);
    for id in [1, 128, 255] {
        await_master(&segment, 0, id, 0.0);
    }
    let mut changed = String::new();
    let _ = write!(changed, "{}", all.replacen("advskew = 128", "advskew = 129", 1));
    let from = wire::now();
    served.rewrite(&segment, 0, &changed);
    thread::sleep(seconds(2));
    let ids = |since: f64| {
        ads(&segment, 0, since).iter().map(|ad| ad.vhid).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(ids(from).len(), 255);
    let late: Vec<u8> = (1..=255).filter(|id| longest_gap(&segment, 0, *id, from) > 0.9).collect();
    assert!(late.is_empty(), "{late:?}");
}
