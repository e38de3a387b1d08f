//! `ucarpctl` and the socket by which a daemon is steered: maintenance and demotions by hand, over every kind of end, and who
//! is refused.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use nix::sys::signal::Signal;

use super::super::fits;
use super::Case;
use super::cases::seconds;
use super::daemon::{Daemon, Kind, Setup};
use super::reload::{Served, vip};
use super::segment::{Segment, VIP, eventually, throughout};
use super::wire;

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![
        Case::new("control_maintenance_outlives_every_end", ours, maintenance),
        Case::new("control_maintenance_of_both_changes_nothing", ours, of_both),
        Case::new("control_maintenance_ends_in_time", ours, in_time),
        Case::new("control_of_a_file_that_cannot_be_read", ours, unreadable),
        Case::new("control_demotes_by_hand", ours, by_hand),
        Case::new("control_of_a_virtual_host_that_comes_back", ours, comes_back),
        Case::new("control_refuses", ours, refusals),
        Case::new("control_resigns", ours, resign),
        Case::new("control_shows_how_things_stand", ours, status),
        Case::new("control_reloads_waits_and_confirms", ours, verbs),
        Case::new("control_is_not_held_up_by_anybody", ours, held_up),
    ]
}

pub(crate) const TOOL: &str = env!("CARGO_BIN_EXE_ucarpctl");

/// What the tool says to both, and its exit status.
pub(crate) fn tell(segment: &Segment, host: usize, words: &[&str]) -> (i32, String) {
    let mut command = Command::new(TOOL);
    command.arg(format!("--control={}", segment.control(host).display())).args(words);
    said(&mut command)
}

pub(crate) fn said(command: &mut Command) -> (i32, String) {
    let done = command.stdin(Stdio::null()).output().expect("the tool starts");
    let said = [done.stdout, done.stderr].concat();
    (done.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
}

#[track_caller]
pub(crate) fn told(segment: &Segment, host: usize, words: &[&str], said: &str) {
    let (status, text) = tell(segment, host, words);
    assert!(status == 0 && text.contains(said), "{words:?}: {status}: {text}");
}

#[track_caller]
pub(crate) fn refused(segment: &Segment, host: usize, words: &[&str], expected: i32, part: &str) {
    let (status, text) = tell(segment, host, words);
    assert!(status == expected && text.contains(part), "{words:?}: {status}: {text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

pub(crate) fn web(more: &str) -> String {
    let keys = format!("pass = \"secret\"\nsrcip = \"SOURCE\"\npreempt-delay = \"0s\"\n{more}");
    vip("web", 7, &VIP.to_string(), &keys)
}

/// Two hosts of which the first is preferred and master.
pub(crate) fn pair(segment: &Segment, more: &str) -> [Served; 2] {
    let first = Served::start(segment, 0, &Setup::default(), &web(more));
    segment.await_owner(0, seconds(8));
    let second = Served::start(segment, 1, &Setup::default(), &web(&format!("advskew = 100\n{more}")));
    thread::sleep(seconds(2));
    [first, second]
}

pub(crate) fn socket(segment: &Segment, host: usize) -> PathBuf {
    let mut all = fs::read_dir(segment.control(host)).expect("it was made").flatten();
    all.find(|entry| entry.path().extension().is_some_and(|kind| kind == "ctl")).expect("there is one").path()
}

fn maintenance() {
    let segment = &Segment::new(2);
    let [mut first, _second] = pair(segment, "preempt = true");
    let since = wire::now();
    told(segment, 0, &["maintenance", "on", "web", "--because", "the disk"], "web: in maintenance\n");
    let ad = segment.await_ad_of(1, since, seconds(3));
    assert!(ad.at - since < 1.5, "{} s", ad.at - since);
    segment.await_owner(1, seconds(3));
    let line = first.daemon().await_line("who", seconds(1), |line| line.contains("[UC2061]"));
    assert!(line.contains("by user 0") && line.contains("because: the disk"), "{line}");
    told(segment, 0, &["maintenance", "on"], "so already");
    first.daemon().role();
    first.daemon().await_line("the status", seconds(1), |line| line.contains("by hand, maintenance:"));
    // It is preferred, and preempts, and stays away.
    for end in [Signal::SIGKILL, Signal::SIGTERM] {
        first.daemon().signal(end);
        first.daemon().await_exit(seconds(5));
        first.start_again(segment, 0);
        let line = first.daemon().await_line("that", seconds(5), |line| line.contains("[UC2061]"));
        assert!(line.contains("goes on") && line.contains("because: the disk"), "{line}");
        let since = wire::now();
        throughout("it stays away", seconds(5), || segment.ads_of(0, since).is_empty());
    }
    let engine = first.daemon().engine().expect("it lives");
    nix::sys::signal::kill(engine, Signal::SIGKILL).expect("it lives");
    eventually("there is another engine", seconds(5), || {
        first.daemon().engine().is_some_and(|other| other != engine)
    });
    // A reload changes nothing about it, either.
    first.rewrite(segment, 0, &web("preempt = true\nadvskew = 1"));
    let since = wire::now();
    throughout("it stays away", seconds(4), || segment.ads_of(0, since).is_empty());
    // If nobody else is there it serves all the same.
    segment.cut(1);
    segment.await_owner(0, seconds(8));
    segment.join(1);
    segment.await_owner(1, seconds(8));
    told(segment, 0, &["maintenance", "off"], "web: no longer in maintenance\n");
    segment.await_owner(0, seconds(5));
    first
        .daemon()
        .await_line("that", seconds(1), |line| line.contains("[UC2062]") && line.contains("as user 0 says"));
    told(segment, 0, &["maintenance", "off"], "so already");
    first.start_again(segment, 0);
    first.daemon().await_line("its start", seconds(5), |line| line.contains("Switching to state"));
    assert!(first.daemon().lines(|line| line.contains("[UC2061]")).is_empty());
}

fn of_both() {
    let segment = &Segment::new(2);
    let [_first, _second] = pair(segment, "preempt = true");
    told(segment, 1, &["maintenance", "on", "--all"], "in maintenance");
    told(segment, 0, &["maintenance", "on", "--all"], "in maintenance");
    let since = wire::now();
    throughout("the incumbent stays", seconds(5), || segment.ads_of(1, since).is_empty());
    segment.await_owner(0, seconds(1));
    // Who is fit takes over from who is not.
    told(segment, 1, &["maintenance", "off"], "no longer");
    segment.await_owner(1, seconds(3));
}

fn in_time() {
    let segment = &Segment::new(2);
    let [mut first, _second] = pair(segment, "preempt = true");
    told(segment, 0, &["maintenance", "on", "web", "--for", "4s"], "in maintenance");
    segment.await_owner(1, seconds(3));
    // What is left of its time is counted on.
    first.start_again(segment, 0);
    let line = first.daemon().await_line("that", seconds(5), |line| line.contains("[UC2061]"));
    assert!(line.contains("goes on") && line.contains("from now"), "{line}");
    first.daemon().await_line("the end", seconds(8), |line| {
        line.contains("[UC2062]") && line.contains("its time is over")
    });
    segment.await_owner(0, seconds(8));
    told(segment, 0, &["maintenance", "off"], "so already");
}

fn unreadable() {
    let segment = &Segment::new(2);
    let [mut first, _second] = pair(segment, "preempt = true");
    told(segment, 0, &["demote", "web", "1"], "demoted by 1 for operator");
    let folder = segment.dir().join("state-a");
    fs::write(folder.join("eth0-7.demotions"), "half a li").expect("it is ours");
    first.start_again(segment, 0);
    first.daemon().await_line("an error", seconds(5), |line| line.contains("[UC2063]"));
    segment.await_owner(1, seconds(8));
    let since = wire::now();
    throughout("it stays away", seconds(4), || segment.ads_of(0, since).is_empty());
    told(segment, 0, &["maintenance", "off"], "no longer in maintenance");
    segment.await_owner(0, seconds(5));
}

fn by_hand() {
    let segment = &Segment::new(2);
    let [mut first, _second] = pair(segment, "preempt = true");
    told(segment, 0, &["demote", "web", "10", "--name=boot", "--because=rc"], "demoted by 10 for boot");
    segment.await_owner(1, seconds(3));
    first
        .daemon()
        .await_line("who", seconds(1), |line| line.contains("[UC2065]") && line.contains("because: rc"));
    told(segment, 0, &["demote", "web", "20"], "demoted by 20 for operator");
    told(segment, 0, &["undemote", "web", "boot"], "no longer demoted for boot");
    let since = wire::now();
    throughout("the other one counts", seconds(3), || segment.ads_of(0, since).is_empty());
    told(segment, 0, &["undemote", "web"], "no longer demoted for operator");
    segment.await_owner(0, seconds(5));
    told(segment, 0, &["undemote", "web"], "so already");
    first.daemon().await_line("that", seconds(1), |line| line.contains("[UC2066]"));
}

fn refusals() {
    let segment = &Segment::new(1);
    let two = web("") + &vip("mail", 8, "10.9.0.201", "pass = \"secret\"\nsrcip = \"SOURCE\"");
    let mut served = Served::start(segment, 0, &Setup::default(), &two);
    segment.await_owner(0, seconds(8));
    told(segment, 0, &["version"], "ucarp ");
    refused(segment, 0, &["maintenance", "on"], 1, "there are 2 virtual hosts");
    refused(segment, 0, &["maintenance", "on", "wbe"], 1, "web?");
    refused(segment, 0, &["maintenance", "on", "@front"], 1, "@front");
    refused(segment, 0, &["maintenance", "of"], 2, "on or off");
    refused(segment, 0, &["demote", "web", "255"], 2, "255");
    refused(segment, 0, &["maintenance", "on", "other/web"], 3, "other.ctl");
    told(segment, 0, &["maintenance", "on", "mail", "web"], "mail: in maintenance");
    told(segment, 0, &["maintenance", "off", "--all"], "mail: no longer");
    let (status, text) = tell(segment, 0, &["--json", "maintenance", "off", "web"]);
    assert_eq!(
        (status, text.as_str()),
        (
            0,
            "{\"schema\":1,\"status\":0,\"changed\":false,\"answers\":[{\"code\":\"unchanged\",\"vip\":\"web\"}]}\n"
        )
    );
    // Somebody without rights comes to the folder, and with a folder that is open to the socket, and no further.
    let folder = segment.control(0);
    let open = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    open(segment.dir(), 0o755);
    let mode = fs::metadata(&folder).expect("it was made").permissions().mode() & 0o777;
    assert_eq!(mode, 0o755);
    // Whoever may not read where it was built.
    let tool = segment.dir().join("ucarpctl");
    fs::copy(TOOL, &tool).expect("it can be copied");
    open(&tool, 0o755);
    let nobody = |words: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(&tool);
        said(command.arg(format!("--control={}", folder.display())).args(words))
    };
    assert_eq!(nobody(&["maintenance", "on", "web"]).0, 4);
    assert_eq!(nobody(&["status"]).0, 0);
    open(&folder, 0o700);
    assert_eq!(nobody(&["maintenance", "on", "web"]).0, 4);
    assert_eq!(nobody(&["status"]).0, 4);
    open(&folder, 0o755);
    open(&socket(segment, 0), 0o666);
    let (status, text) = nobody(&["maintenance", "on", "web"]);
    assert!(status == 4 && text.contains("user 65534 may not"), "{status}: {text}");
    // A second daemon for the same file would take the name of one that lives.
    let socket = socket(segment, 0);
    let inode = || std::os::unix::fs::MetadataExt::ino(&fs::metadata(&socket).expect("it is there"));
    let before = inode();
    let config = segment.dir().join("etc-a/ucarp.toml");
    let other = segment.dir().join("etc-b");
    fs::create_dir_all(&other).expect("it is ours");
    let text = fs::read_to_string(config).expect("it was written").replace("vhid = 7", "vhid = 9");
    let text = text.replace("vhid = 8", "vhid = 10").replace("state-a", "state-b");
    fs::write(other.join("ucarp.toml"), text).expect("it is ours");
    open(&other.join("ucarp.toml"), 0o600);
    let mut command = segment.hosts[0].command(Kind::Ours.binary());
    command.arg("--config").arg(other.join("ucarp.toml"));
    let mut second = Daemon::spawn(segment, "another", Kind::Ours, command, segment.dir().join("none"));
    second.await_line("that it has no socket", seconds(5), |line| line.contains("[UC2064]"));
    second.await_line("that it serves", seconds(8), |line| line.contains("MASTER"));
    second.signal(Signal::SIGTERM);
    second.await_exit(seconds(8));
    assert_eq!(inode(), before);
    told(segment, 0, &["version"], "ucarp ");
    // What a killed one leaves is nobody, and makes room.
    served.daemon().signal(Signal::SIGKILL);
    served.daemon().await_exit(seconds(5));
    assert!(socket.exists());
    refused(segment, 0, &["version"], 3, "no daemon listens");
    served.start_again(segment, 0);
    eventually("it answers again", seconds(5), || tell(segment, 0, &["version"]).0 == 0);
    // One that ends takes its name away.
    served.daemon().signal(Signal::SIGTERM);
    served.daemon().await_exit(seconds(8));
    assert!(!socket.exists());
    refused(segment, 0, &["version"], 3, "no daemon listens");
}

fn resign() {
    let segment = &Segment::new(2);
    let [mut first, _second] = pair(segment, "preempt = true");
    refused(segment, 0, &["resign", "web"], 1, "would take the address right back");
    told(segment, 1, &["resign", "web"], "web: nothing to do, it is BACKUP");
    let since = wire::now();
    told(segment, 0, &["resign", "web", "--force"], "web: steps aside\n");
    segment.await_bow_out_of(0, since, seconds(1));
    segment.await_ad_of(1, since, seconds(2));
    first.daemon().await_line("who", seconds(1), |line| line.contains("[UC2067]"));
    segment.await_owner(0, seconds(8));
    // One of the command line is known by where it is.
    drop(first);
    let _ = fs::remove_dir_all(segment.control(0));
    let setup = Setup::default();
    let _third = Daemon::start(segment, 0, Kind::Ours, &setup);
    eventually("it answers", seconds(5), || tell(segment, 0, &["resign", "eth0-7"]).0 == 0);
}

fn held_up() {
    let segment = &Segment::new(1);
    let _served = Served::start(segment, 0, &Setup::default(), &web(""));
    segment.await_owner(0, seconds(8));
    let path = socket(segment, 0);
    // Nobody reads, and one talks without an end.
    let mut silent: Vec<UnixStream> = (0..40).filter_map(|_| UnixStream::connect(&path).ok()).collect();
    assert!(silent.len() >= 8);
    let _ = silent[0].write_all(&[b'x'; 100_000][..1000]);
    let since = wire::now();
    eventually("there is room again", seconds(8), || tell(segment, 0, &["version"]).0 == 0);
    let mut rest = Vec::new();
    silent[0].set_read_timeout(Some(seconds(1))).expect("it is a socket");
    let _ = silent[0].read_to_end(&mut rest);
    // As many orders as somebody can make meanwhile.
    let end = wire::now() + 3.0;
    let mut count = 0;
    while wire::now() < end {
        count += usize::from(tell(segment, 0, &["maintenance", "on"]).0 == 0);
        count += usize::from(tell(segment, 0, &["maintenance", "off"]).0 == 0);
    }
    assert!(count > 50, "{count} orders in three seconds");
    let ads: Vec<f64> = segment.ads_of(0, since).iter().map(|ad| ad.at).collect();
    let longest = ads.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
    assert!(longest < 1.3, "{longest} s without an advertisement");
}

pub(crate) fn document(segment: &Segment, host: usize, words: &[&str]) -> serde_json::Value {
    let words: Vec<&str> = ["--json", "status"].iter().chain(words).copied().collect();
    let (status, text) = tell(segment, host, &words);
    assert_eq!(status, 0, "{text}");
    let read: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    fits::document(&read);
    read
}

fn status() {
    let segment = &Segment::new(2);
    let [mut first, _second] = pair(segment, "preempt = true");
    eventually("the standby is known", seconds(15), || {
        document(segment, 0, &[])["hosts"][0]["ready_count"] == 1
    });
    let master = &document(segment, 0, &["web"])["hosts"][0];
    assert_eq!(
        (&master["name"], &master["role"], &master["state"]),
        (&"web".into(), &"MASTER".into(), &"MASTER".into())
    );
    assert_eq!(
        (&master["id"], &master["interface"], &master["present"]),
        (&7.into(), &"eth0".into(), &"all".into())
    );
    assert_eq!(master["standbys"][0]["address"], "10.9.0.2");
    assert_eq!(master["addresses"][0]["address"], "10.9.0.200");
    let backup = &document(segment, 1, &[])["hosts"][0];
    assert_eq!((&backup["role"], &backup["master"]), (&"BACKUP".into(), &"10.9.0.1".into()));
    assert!(backup["master_heard_ms"].as_u64().is_some_and(|ms| ms < 1500), "{backup}");
    assert_eq!((&backup["interval_ms"], &backup["standby_count"]), (&1390.into(), &0.into()));
    let (status, table) = tell(segment, 0, &["status"]);
    let lines: Vec<&str> = table.lines().collect();
    assert!(status == 0 && lines.len() == 2 && lines[0].starts_with("NAME"), "{table}");
    assert!(
        lines[1].starts_with("web ") && lines[1].contains("MASTER") && lines[1].contains("ready: 1"),
        "{table}"
    );
    // Who asks right after an order sees what came of it.
    told(segment, 0, &["maintenance", "on", "--because", "the disk", "--for", "1h"], "in maintenance");
    let under = &document(segment, 0, &[])["hosts"][0];
    assert_eq!((&under["maintenance"], &under["maintenance_because"]), (&true.into(), &"the disk".into()));
    assert_eq!((&under["maintenance_by"], &under["demotion"]), (&"0".into(), &254.into()));
    assert_eq!(under["demotions"][0]["cause"], "maintenance");
    assert!(under["maintenance_ends_in_ms"].as_u64().is_some_and(|ms| ms > 3_500_000), "{under}");
    fits::keep(&document(segment, 0, &[]));
    // Others are not told why.
    let path = socket(segment, 0).with_extension("status");
    let mut stranger = UnixStream::connect(path).expect("everybody may");
    stranger.write_all(b"status\n").expect("it listens");
    let mut text = String::new();
    stranger.read_to_string(&mut text).expect("it answers");
    assert!(text.contains("maintenance_since") && !text.contains("the disk"), "{text}");
    refused(segment, 0, &["status", "wbe"], 1, "web?");
    segment.await_owner(1, seconds(3));
    // Without an engine there is nothing to show, and nobody waits for ever.
    let engine = first.daemon().engine().expect("it lives");
    nix::sys::signal::kill(engine, Signal::SIGSTOP).expect("it lives");
    thread::sleep(seconds(1));
    let (status, text) = tell(segment, 0, &["status"]);
    assert!(status == 1 || text.contains("web"), "{status}: {text}");
}

fn verbs() {
    let segment = &Segment::new(2);
    let [mut first, _second] = pair(segment, "preempt = true");
    told(segment, 0, &["wait", "web", "--state=master"], "web: MASTER\n");
    refused(segment, 1, &["wait", "web", "--state=master", "--timeout=1s"], 1, "web: still BACKUP");
    // Somebody waits for what happens meanwhile.
    thread::scope(|scope| {
        let waits = scope.spawn(|| tell(segment, 1, &["wait", "--state", "master", "--timeout", "10s"]));
        thread::sleep(seconds(1));
        told(segment, 0, &["maintenance", "on"], "in maintenance");
        let (status, text) = waits.join().expect("it does not panic");
        assert!(status == 0 && text == "web: MASTER\n", "{status}: {text}");
    });
    let (status, text) = tell(segment, 0, &["monitor"]);
    assert!(status == 1 && text.starts_with("UCARP WARNING - web: in maintenance | "), "{status}: {text}");
    eventually("the standby is known", seconds(15), || {
        document(segment, 1, &[])["hosts"][0]["standby_count"] == 1
    });
    // In maintenance it would take over all the same, if nobody else could.
    let (status, text) = tell(segment, 1, &["monitor", "--expect=master"]);
    assert!(status == 0 && text.contains("'web ready standbys'=1"), "{status}: {text}");
    assert_eq!(tell(segment, 1, &["monitor", "--expect=backup"]).0, 2);
    assert_eq!(tell(segment, 1, &["monitor", "wbe"]).0, 3);
    told(segment, 0, &["maintenance", "off"], "no longer");
    told(segment, 0, &["wait", "--state=master"], "web: MASTER\n");
    eventually("all is well", seconds(15), || tell(segment, 0, &["monitor"]).0 == 0);
    // What is read again is answered when it was.
    told(segment, 0, &["reload"], "changed: 0, as before: 1");
    let path = segment.dir().join("etc-a/ucarp.toml");
    let good = fs::read_to_string(&path).expect("it was written");
    fs::write(&path, format!("{good}\nadvskew = 300\nadvbase = 999\n")).expect("it is ours");
    let (status, text) = tell(segment, 0, &["reload"]);
    assert!(status == 1 && text.lines().count() == 2 && text.contains("advskew"), "{status}: {text}");
    fs::write(&path, good.replace("secret", "another")).expect("it is ours");
    told(segment, 0, &["confirm"], "so already");
    told(segment, 0, &["reload"], "changed: 1, as before: 0");
    told(segment, 0, &["confirm", "web"], "web: sends what is configured from now on");
    first.daemon().await_line("that", seconds(2), |line| line.contains("[UC1042"));
    eventually("that is known", seconds(2), || tell(segment, 0, &["confirm"]).1.contains("so already"));
    assert_eq!(tell(segment, 0, &["monitor", "other/web"]).0, 2);
}

fn comes_back() {
    let segment = &Segment::new(1);
    let mail = vip("mail", 8, "10.9.0.201", "pass = \"secret\"\nsrcip = \"SOURCE\"");
    let both = web("") + &mail;
    let mut served = Served::start(segment, 0, &Setup::default(), &both);
    segment.await_owner(0, seconds(8));
    told(segment, 0, &["maintenance", "on", "web"], "web: in maintenance");
    served.rewrite(segment, 0, &mail);
    let hosts = || document(segment, 0, &[])["hosts"].as_array().expect("a list").clone();
    eventually("one is left", seconds(5), || hosts().len() == 1);
    // Who takes it out of the file and writes it there again has not said that the work is done.
    served.rewrite(segment, 0, &both);
    let line = served.daemon().await_line("that", seconds(5), |line| line.contains("Maintenance goes on"));
    assert!(line.contains("web: "), "{line}");
    let web = || hosts().into_iter().find(|host| host["name"] == "web");
    eventually("it is demoted", seconds(5), || web().is_some_and(|web| web["demotion"] == 254));
    told(segment, 0, &["maintenance", "off", "web"], "no longer");
    eventually("it is not", seconds(5), || web().is_some_and(|web| web["demotion"] == 0));
}
