//! What an operator changes by `ucarpctl`: who has the address, and the configuration, with a way back.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use nix::sys::signal::Signal;

use super::Case;
use super::cases::seconds;
use super::control::{document, pair, refused, socket, tell, told, web};
use super::daemon::{Kind, Setup};
use super::reload::{Served, vip};
use super::segment::{Segment, end_of, eventually, throughout};
use super::wire;

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![
        Case::new("control_takes_the_address_once", ours, takes),
        Case::new("control_shows_what_a_reload_would_change", ours, dry_run),
        Case::new("control_goes_back_unless_confirmed", ours, on_trial),
        Case::new("control_goes_back_and_forth", ours, back_and_forth),
        Case::new("control_of_a_daemon_that_ends", ours, ending),
        Case::new("control_leaves_room_for_others", ours, crowds),
        Case::new("control_stands_a_storm", ours, storm),
    ]
}

fn takes() {
    let segment = &Segment::new(2);
    let [mut first, mut second] = pair(segment, "");
    refused(
        segment,
        1,
        &["take", "web"],
        1,
        "10.9.0.1 is no worse with advbase 1 and advskew 0 than this host",
    );
    told(segment, 0, &["take"], "so already");
    // Without preempt who left does not come back by itself.
    told(segment, 0, &["resign"], "steps aside");
    segment.await_owner(1, seconds(8));
    let since = wire::now();
    throughout("it stays away", seconds(3), || segment.ads_of(0, since).is_empty());
    told(segment, 0, &["demote", "web", "9"], "demoted");
    refused(segment, 0, &["take", "web"], 1, "demoted by 9");
    told(segment, 0, &["undemote", "web"], "no longer");
    let since = wire::now();
    told(segment, 0, &["take", "web"], "web: takes the address\n");
    segment.await_ad_of(0, since, seconds(2));
    segment.await_owner(0, seconds(3));
    told(segment, 1, &["wait", "--state=backup"], "BACKUP");
    let line = |served: &mut Served, part: &'static str| {
        served.daemon().await_line(part, seconds(2), |line| line.contains(part))
    };
    line(&mut first, "[UC2080]");
    let line = line(&mut first, "(ucarpctl take)");
    assert!(line.contains("Switching to state: MASTER"), "{line}");
    // Nobody is asked where there is nobody.
    segment.hosts[1].sh("ip link set eth0 down");
    told(segment, 1, &["wait", "--state=init"], "INIT");
    refused(segment, 1, &["take", "web"], 1, "as INIT");
    refused(segment, 1, &["take", "wbe"], 1, "web?");
    second.daemon().signal(Signal::SIGKILL);
    second.daemon().await_exit(seconds(5));
}

fn mail() -> String {
    vip("mail", 8, "10.9.0.201", "pass = \"secret\"\nsrcip = \"SOURCE\"")
}

fn dry_run() {
    let segment = &Segment::new(1);
    let mut served = Served::start(segment, 0, &Setup::default(), &web(""));
    segment.await_owner(0, seconds(8));
    told(segment, 0, &["reload", "--dry-run"], "would change: 0, as before: 1");
    served.write(segment, 0, &(web("advskew = 7") + &mail()));
    let (status, text) = tell(segment, 0, &["reload", "--dry-run"]);
    assert_eq!(status, 0, "{text}");
    assert!(
        text.contains("web: goes on with another: advskew\n") && text.contains("mail: begins\n"),
        "{text}"
    );
    assert!(text.ends_with("would change: 2, as before: 0\n"), "{text}");
    let (_, text) = tell(segment, 0, &["--json", "reload", "--dry-run"]);
    let read: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!((&read["changed"], &read["answers"][0]["code"]), (&false.into(), &"vip_changes".into()));
    assert_eq!(document(segment, 0, &[])["hosts"].as_array().map(Vec::len), Some(1));
    assert!(served.daemon().lines(|line| line.contains("[UC2054]")).is_empty(), "nothing was taken over");
    // What is wrong is wrong for the next start, too.
    served.write(segment, 0, &web("advskew = 999"));
    let (status, text) = tell(segment, 0, &["reload", "--dry-run"]);
    assert!(status == 1 && text.contains("advskew"), "{status}: {text}");
    let (status, text) = tell(segment, 0, &["monitor"]);
    assert!(status == 1 && text.contains("refused"), "{status}: {text}");
    assert_eq!(document(segment, 0, &[])["reload_refused"], true);
    served.write(segment, 0, &web(""));
    told(segment, 0, &["reload", "--dry-run"], "as before: 1");
    assert_eq!(document(segment, 0, &[])["reload_refused"], false);
    served.write(segment, 0, &(web("") + &mail()));
    let (status, text) = tell(segment, 0, &["reload"]);
    assert!(
        status == 0 && text.contains("mail: begins") && text.contains("changed: 1, as before: 1"),
        "{text}"
    );
}

/// What is configured, as others see it.
fn interval(segment: &Segment) -> u64 {
    document(segment, 0, &["web"])["hosts"][0]["configured_interval_ms"].as_u64().expect("a number")
}

fn on_trial() {
    let segment = &Segment::new(1);
    let mut served = Served::start(segment, 0, &Setup::default(), &web(""));
    segment.await_owner(0, seconds(8));
    let [old, new] = [1000, 1390];
    let state = segment.dir().join("state-a/ucarp.previous");
    // Nobody confirms.
    served.write(segment, 0, &web("advskew = 100"));
    told(segment, 0, &["reload", "--undo-after=3s"], "back in 3 s");
    assert_eq!(interval(segment), new);
    assert!(document(segment, 0, &[])["undo_in_ms"].as_u64().is_some_and(|ms| ms <= 3000));
    let (status, text) = tell(segment, 0, &["monitor"]);
    assert!(status == 1 && text.contains("unless ucarpctl confirm"), "{status}: {text}");
    let line = served.daemon().await_line("that", seconds(8), |line| line.contains("[UC2083]"));
    assert!(line.contains("nobody said"), "{line}");
    assert_eq!(interval(segment), old);
    assert_eq!(document(segment, 0, &[])["undone"], true);
    assert!(
        served.daemon().lines(|line| line.contains("Switching to state: BACKUP")).len() <= 1,
        "master all the time"
    );
    // The next start does not serve it, either, as long as the file says nothing else.
    for end in [Signal::SIGKILL, Signal::SIGTERM] {
        served.daemon().signal(end);
        served.daemon().await_exit(seconds(5));
        served.start_again(segment, 0);
        served.daemon().await_line("that", seconds(5), |line| line.contains("[UC2085]"));
        eventually("it answers", seconds(5), || tell(segment, 0, &["version"]).0 == 0);
        assert_eq!(interval(segment), old);
    }
    told(segment, 0, &["reload", "--undo-after", "1h"], "back in 3600 s");
    assert_eq!((interval(segment), &document(segment, 0, &[])["undone"]), (new, &false.into()));
    // A trial goes on over a restart.
    served.start_again(segment, 0);
    eventually("it answers", seconds(5), || tell(segment, 0, &["version"]).0 == 0);
    assert_eq!(interval(segment), new);
    let left = document(segment, 0, &[])["undo_in_ms"].as_u64().expect("it is on trial");
    assert!((3_500_000..=3_602_000).contains(&left), "{left}");
    let text = fs::read_to_string(&state).expect("it is kept");
    let mode =
        fs::metadata(&state).map(|about| std::os::unix::fs::PermissionsExt::mode(&about.permissions()));
    assert_eq!(mode.expect("it is there") & 0o777, 0o600);
    told(segment, 0, &["confirm"], "the configuration stays\n");
    told(segment, 0, &["confirm"], "so already");
    served
        .daemon()
        .await_line("who", seconds(2), |line| line.contains("[UC2082]") && line.contains("user 0"));
    served.start_again(segment, 0);
    eventually("it answers", seconds(5), || tell(segment, 0, &["version"]).0 == 0);
    assert_eq!(
        (interval(segment), &document(segment, 0, &[])["undo_in_ms"]),
        (new, &serde_json::Value::Null)
    );
    // One whose time was over while nobody lived is over at once, and one that cannot be read is none.
    served.daemon().signal(Signal::SIGKILL);
    served.daemon().await_exit(seconds(5));
    let (head, rest) = text.split_once("trial ").expect("it was on trial");
    let (_, rest) = rest.split_once('\n').expect("more follows");
    fs::write(&state, format!("{head}trial 1\n{rest}")).expect("it is ours");
    served.start_again(segment, 0);
    served.daemon().await_line("that", seconds(5), |line| line.contains("[UC2083]"));
    eventually("it answers", seconds(5), || tell(segment, 0, &["version"]).0 == 0);
    assert_eq!(interval(segment), old);
    fs::write(&state, "half a li").expect("it is ours");
    served.start_again(segment, 0);
    served.daemon().await_line("that", seconds(5), |line| line.contains("[UC2086]"));
    eventually("it answers", seconds(5), || tell(segment, 0, &["version"]).0 == 0);
    assert_eq!(interval(segment), new, "the file counts");
    refused(segment, 0, &["undo"], 1, "nothing is known");
}

fn back_and_forth() {
    let segment = &Segment::new(1);
    let mut served = Served::start(segment, 0, &Setup::default(), &web(""));
    segment.await_owner(0, seconds(8));
    refused(segment, 0, &["undo"], 1, "nothing is known");
    served.rewrite(segment, 0, &(web("") + &mail()));
    let hosts = || document(segment, 0, &[])["hosts"].as_array().expect("a list").len();
    let (status, text) = tell(segment, 0, &["undo"]);
    assert!(status == 0 && text.contains("mail: ends\n") && text.contains("is back; changed: 1"), "{text}");
    eventually("one is left", seconds(5), || hosts() == 1);
    assert_eq!(tell(segment, 0, &["monitor"]).0, 1);
    told(segment, 0, &["undo"], "mail: begins");
    assert_eq!((hosts(), &document(segment, 0, &[])["undone"]), (2, &false.into()));
    // Of one that is killed the next one knows where it was.
    for count in [1, 2, 1] {
        told(segment, 0, &["undo"], "is back");
        served.start_again(segment, 0);
        eventually("it answers", seconds(5), || tell(segment, 0, &["version"]).0 == 0);
        assert_eq!(hosts(), count);
    }
    // Wherever it is killed, it is one or the other, and the next one says so.
    let mut moments = super::super::rng::Rng::new(1_500_000);
    for _ in 0..6 {
        let words: &[&str] = if moments.percent(50) { &["undo"] } else { &["reload", "--undo-after=1h"] };
        let after = std::time::Duration::from_micros(moments.within(0, 20_000));
        thread::scope(|scope| {
            let asks = scope.spawn(|| tell(segment, 0, words));
            thread::sleep(after);
            served.daemon().signal(Signal::SIGKILL);
            served.daemon().await_exit(seconds(5));
            let (status, text) = asks.join().expect("it does not panic");
            assert!([0, 3].contains(&status), "{status}: {text}");
        });
        served.start_again(segment, 0);
        eventually("it answers", seconds(5), || tell(segment, 0, &["version"]).0 == 0);
        let read = document(segment, 0, &[]);
        let wanted = if read["undone"] == true { 1 } else { 2 };
        assert_eq!(read["hosts"].as_array().map(Vec::len), Some(wanted), "{read}");
        let told = tell(segment, 0, &["confirm", "--all"]);
        assert_eq!(told.0, 0, "{}", told.1);
    }
}

fn ending() {
    let segment = &Segment::new(1);
    // An end that takes its time.
    let setup = Setup { down: "sleep 3", ..Setup::default() };
    let mut served = Served::start(segment, 0, &setup, &web("shutdown = true"));
    segment.await_owner(0, seconds(8));
    served.daemon().signal(Signal::SIGTERM);
    served
        .daemon()
        .await_line("that it ends", seconds(3), |line| line.contains("BACKUP") || line.contains("INIT"));
    for words in [&["reload"][..], &["undo"], &["reload", "--dry-run"]] {
        refused(segment, 0, words, 1, "about to end");
    }
    served.daemon().await_exit(seconds(10));
    // One of a command line has nothing to read again.
    drop(served);
    let _ = fs::remove_dir_all(segment.control(0));
    let _daemon = super::daemon::Daemon::start(segment, 0, Kind::Ours, &Setup::default());
    eventually("it answers", seconds(5), || tell(segment, 0, &["version"]).0 == 0);
    for words in [&["reload"][..], &["undo"]] {
        refused(segment, 0, words, 1, "without a file");
    }
}

/// Holds connections of several users, who say nothing, or ask and do not read.
const CROWD: &str = r#"
import os, socket, sys, time
path, first, users, each = sys.argv[1], *map(int, sys.argv[2:5])
for user in range(first, first + users):
    if os.fork() == 0:
        os.setgroups([]); os.setgid(user); os.setuid(user)
        held = []
        for number in range(each):
            one = socket.socket(socket.AF_UNIX)
            held.append(one)
            try:
                one.connect(path)
                if number % 2:
                    one.send(b"status\n")
            except OSError:
                pass # it was turned away
        print("held", flush=True)
        time.sleep(60)
        os._exit(0)
time.sleep(60)
"#;

/// Who is there until it is dropped.
struct Crowd(Child);

impl Crowd {
    fn gather(path: &Path, first: u32, users: usize, each: usize) -> Self {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", "python3", "-c", CROWD]).arg(path);
        command.args([first.to_string(), users.to_string(), each.to_string()]).process_group(0);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("ci/setup has it");
        let mut lines = BufReader::new(child.stdout.take().expect("it was piped")).lines();
        (0..users).for_each(|_| _ = lines.next().expect("each says so").expect("it is text"));
        Self(child)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        let group = nix::unistd::Pid::from_raw(self.0.id().try_into().expect("a number"));
        let _ = nix::sys::signal::killpg(group, Signal::SIGKILL);
        let _ = self.0.wait();
    }
}

/// Becomes somebody, asks, and says what was answered.
const ASKER: &str = r#"
import os, socket, sys
one, user = socket.socket(socket.AF_UNIX), int(sys.argv[2])
os.setgroups([]); os.setgid(user); os.setuid(user)
try:
    one.connect(sys.argv[1])
    one.send(b"status\n")
    print(one.makefile().read())
except OSError as why:
    print(why)
"#;

/// What this user is told by the socket that everybody may ask.
fn asks_as(path: &Path, user: u32) -> String {
    let mut command = Command::new("python3");
    command.args(["-c", ASKER]).arg(path).arg(user.to_string());
    let done = command.stdin(Stdio::null()).output().expect("ci/setup has it");
    String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned()
}

fn crowds() {
    let segment = &Segment::new(1);
    let _served = Served::start(segment, 0, &Setup::default(), &web(""));
    segment.await_owner(0, seconds(8));
    fs::set_permissions(segment.dir(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("it is ours");
    let path = socket(segment, 0).with_extension("status");
    let since = wire::now();
    // One who takes all there is, takes what there is for one.
    let crowd = Crowd::gather(&path, 70_001, 1, 40);
    let text = asks_as(&path, 70_002);
    assert!(text.contains("text\trole\tMASTER"), "{text}");
    told(segment, 0, &["status"], "MASTER");
    drop(crowd);
    // Those who do not read, and together take all that there is for questions, keep nobody from orders.
    let crowd = Crowd::gather(&path, 70_001, 16, 4);
    told(segment, 0, &["maintenance", "on"], "in maintenance");
    told(segment, 0, &["maintenance", "off"], "no longer");
    eventually("they had their time", seconds(8), || asks_as(&path, 70_100).contains("MASTER"));
    drop(crowd);
    let ads: Vec<f64> = segment.ads_of(0, since).iter().map(|ad| ad.at).collect();
    let longest = ads.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
    assert!(longest < 1.3, "{longest} s without an advertisement");
}

/// How much memory a process has, in KiB.
fn memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it lives");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("there is one");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

/// As many questions as can be asked, for `UCARP_TEST_STORM` seconds (2), while somebody talks without an end.
fn storm() {
    let lasts =
        std::env::var("UCARP_TEST_STORM").map_or(2, |word| word.parse().expect("a number of seconds"));
    let segment = &Segment::new(1);
    let mut served = Served::start(segment, 0, &Setup::default(), &web(""));
    segment.await_owner(0, seconds(8));
    let path = &socket(segment, 0).with_extension("status");
    let count = &AtomicUsize::new(0);
    let ask = |verb: &[u8]| {
        let mut text = String::new();
        let asked = UnixStream::connect(path).and_then(|mut stream| {
            stream.set_read_timeout(Some(seconds(5)))?;
            stream.write_all(verb)?;
            stream.read_to_string(&mut text)
        });
        // Who is turned away before he said anything may not be able to.
        if asked.is_ok() && text.contains("end\t0") {
            count.fetch_add(1, Ordering::Relaxed);
        }
    };
    let pids = [served.daemon().pid(), served.daemon().engine().expect("it lives").as_raw().unsigned_abs()];
    for round in 0..2 {
        let (since, before) = (wire::now(), pids.map(memory));
        count.store(0, Ordering::Relaxed);
        thread::scope(|scope| {
            let end = since + f64::from(lasts);
            for verb in [&b"version\n"[..], b"version\n", b"status\n"] {
                scope.spawn(move || {
                    while wire::now() < end {
                        ask(verb);
                    }
                });
            }
            scope.spawn(move || {
                while wire::now() < end {
                    let mut stream = UnixStream::connect(path).expect("it listens");
                    stream.set_write_timeout(Some(seconds(5))).expect("it is a socket");
                    let end = end_of(seconds(10));
                    while stream.write_all(&[b'x'; 4096]).is_ok() {
                        assert!(Instant::now() < end, "nobody ends it");
                    }
                }
            });
        });
        let ads: Vec<f64> = segment.ads_of(0, since).iter().map(|ad| ad.at).collect();
        let longest = ads.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
        let (after, count) = (pids.map(memory), count.load(Ordering::Relaxed));
        report(&format!(
            "storm: {count} answers in {lasts} s, {longest:.4} s between advertisements at most, \
             memory {before:?} before and {after:?} KiB after"
        ));
        assert!(count > 100 && longest < 1.3, "{count} answers, {longest} s without an advertisement");
        // The first round may take what is kept for the next one.
        let grows = after.iter().zip(before).any(|(after, before)| *after > before + 512);
        assert!(round == 0 || !grows, "{before:?} KiB, {after:?} KiB");
    }
}

/// For whoever reads what the tests say.
fn report(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
