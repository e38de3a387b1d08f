//! `ucarpctl peers`, `events` and `metrics`: who else speaks, what happens, and all of it in figures, as far as strangers may
//! know it, over the end of an engine and of a daemon.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::super::fits::fits;
use super::Case;
use super::cases::seconds;
use super::control::{TOOL, pair, refused, socket, tell, told, web};
use super::daemon::{Kind, Setup};
use super::reload::{Served, vip};
use super::segment::{Segment, eventually};
use super::wire;

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![
        Case::new("peers_are_shown_with_what_they_are", ours, peers),
        Case::new("events_are_followed_and_gaps_are_known", ours, events),
        Case::new("events_of_an_engine_that_dies_and_two_masters", ours, two_masters),
        Case::new("metrics_of_all_that_happens", ours, metrics),
        Case::new("metrics_are_served_without_rights", ours, served),
    ]
}

fn schema(name: &str) -> Value {
    let text = fs::read_to_string(format!("dist/ucarpctl-{name}.schema.json")).expect("it is there");
    serde_json::from_str(&text).expect("it is JSON")
}

fn peers_of(segment: &Segment, host: usize) -> Vec<Value> {
    let (status, text) = tell(segment, host, &["--json", "peers"]);
    assert_eq!(status, 0, "{text}");
    let read: Value = serde_json::from_str(&text).expect("it is JSON");
    fits(&schema("peers"), &read, "peers");
    read["peers"].as_array().expect("a list").clone()
}

fn peers() {
    let segment = &Segment::new(3);
    let [_first, _second] = pair(segment, "");
    eventually("the standby is known", seconds(15), || {
        peers_of(segment, 0).iter().any(|peer| peer["standby"] == true && peer["ready"] == true)
    });
    let known = peers_of(segment, 0);
    let standby = &known[0];
    assert_eq!((known.len(), &standby["vip"], &standby["address"]), (1, &"web".into(), &"10.9.0.2".into()));
    assert_eq!((&standby["kind"], &standby["agrees"]), (&"ours".into(), &"yes".into()));
    assert_eq!((&standby["master"], &standby["interval_ms"]), (&false.into(), &1390.into()));
    let known = peers_of(segment, 1);
    assert_eq!((&known[0]["address"], &known[0]["master"]), (&"10.9.0.1".into(), &true.into()));
    assert!(known[0]["heard_ms"].as_u64().is_some_and(|ms| ms < 1500), "{known:?}");
    // One with another password.
    let _third = Served::start(segment, 2, &Setup::default(), &web("").replace("secret", "another"));
    let refused_one = || peers_of(segment, 0).into_iter().find(|peer| peer["refused"] == "bad_auth");
    eventually("it is refused", seconds(10), || refused_one().is_some());
    let one = refused_one().unwrap_or_default();
    assert_eq!((&one["address"], one["demotion"].is_null()), (&"10.9.0.3".into(), true));
    let (status, table) = tell(segment, 0, &["peers", "web"]);
    assert!(status == 0 && table.lines().count() == 3 && table.contains("refused (bad_auth)"), "{table}");
    refused(segment, 0, &["peers", "wbe"], 1, "web?");
}

/// Somebody who follows.
struct Follower {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Follower {
    fn start(segment: &Segment, host: usize, words: &[&str]) -> Self {
        let mut command = Command::new(TOOL);
        command.arg(format!("--control={}", segment.control(host).display())).args(words);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the tool starts");
        let out = child.stdout.take().expect("it is ours");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            BufReader::new(out).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { child, lines }
    }

    /// The next line like this; those before it are not looked at again.
    #[track_caller]
    fn until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let mut seen = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(seconds(15)) {
            if wanted(&line) {
                return line;
            }
            seen.push(line);
        }
        panic!("{what}: {seen:#?}");
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn event(line: &str) -> Value {
    let read: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    fits(&schema("event"), &read, "event");
    read
}

/// The tool as somebody without rights has it, for whom everything is open that may be.
fn stranger(segment: &Segment, host: usize) -> impl Fn(&[&str]) -> Command {
    let open =
        |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let (folder, tool) = (segment.control(host), segment.dir().join("ucarpctl"));
    open(segment.dir());
    fs::copy(TOOL, &tool).expect("it can be copied");
    open(&tool);
    move |words: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(&tool);
        command.arg(format!("--control={}", folder.display())).args(words).stdin(Stdio::null());
        command
    }
}

fn events() {
    let segment = &Segment::new(2);
    let [mut first, _second] = pair(segment, "preempt = true");
    let follower = Follower::start(segment, 0, &["events", "--since=0"]);
    let line = follower.until("it became master", |line| line.contains("[UC1001") && line.contains("MASTER"));
    assert!(line.contains("web: ") && line.contains("Z [WARNING] "), "{line}");
    let programs = Follower::start(segment, 0, &["--json", "events", "--since=0"]);
    let is = |line: &str, id: &str, part: &str| {
        line.contains(&format!("\"event\":\"{id}\"")) && line.contains(part)
    };
    let line = programs.until("it became master", |line| is(line, "UC1001", "\"to\":\"MASTER\""));
    let read = event(&line);
    assert_eq!((&read["vip"], &read["from"], &read["vhid"]), (&"web".into(), &"BACKUP".into(), &7.into()));
    let seen = read["seq"].as_u64().expect("a number");
    // Each change, as it comes.
    let later = Follower::start(segment, 0, &["--json", "events"]);
    thread::sleep(seconds(1));
    told(segment, 0, &["demote", "web", "9", "--name=boot", "--because=secret reasons"], "demoted by 9");
    let line = later.until("a demotion", |line| is(line, "UC1056", "\"cause\":\"boot\""));
    assert_eq!(event(&line)["amount"], 9);
    later.until("it steps aside", |line| is(line, "UC1001", "\"to\":\"BACKUP\""));
    told(segment, 0, &["undemote", "web", "boot"], "no longer");
    later.until("the end", |line| is(line, "UC1057", "\"cause\":\"boot\""));
    told(segment, 0, &["reload"], "as before: 1");
    later.until("the reload", |line| is(line, "UC2054", ""));
    programs.until("the same for who came before", |line| is(line, "UC2054", ""));
    follower.until("in words", |line| line.contains("because: secret reasons"));
    follower.until("the reload", |line| line.contains("[UC2054]"));
    // Strangers are told what happened, and no sentences.
    let as_stranger = stranger(segment, 0);
    let mut child = as_stranger(&["events", "--since=0"]).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("it is ours")).lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains("UC2065")).expect("it comes");
    assert!(line.contains("vip=web") && !line.contains("secret"), "{line}");
    let _ = child.kill();
    let _ = child.wait();
    // More than is kept.
    for _ in 0..140 {
        told(segment, 0, &["demote", "web", "9", "--name=boot"], "demoted by 9");
        told(segment, 0, &["undemote", "web", "boot"], "no longer");
    }
    let again = Follower::start(segment, 0, &["--json", "events", &format!("--since={seen}")]);
    let line = again.until("a gap", |_| true);
    let lost: Value = serde_json::from_str(&line).expect("it is JSON");
    assert!(lost["event"] == "lost" && lost["count"].as_u64().is_some_and(|count| count > 20), "{line}");
    let next = event(&again.until("the rest", |_| true));
    assert_eq!(next["seq"].as_u64(), Some(seen + 1 + lost["count"].as_u64().unwrap_or_default()));
    // Who does not read is dropped, and whoever does is not kept from it.
    let mut silent = UnixStream::connect(socket(segment, 0)).expect("it listens");
    silent.write_all(b"events\t--since=0\n").expect("it listens");
    let mut dropped = false;
    for round in 0..400 {
        told(segment, 0, &["demote", "web", "9", "--name=boot"], "demoted by 9");
        told(segment, 0, &["undemote", "web", "boot"], "no longer");
        if round % 50 == 49 {
            thread::sleep(seconds(1));
        }
    }
    thread::sleep(seconds(6));
    silent.set_read_timeout(Some(seconds(5))).expect("it is a socket");
    let mut bytes = [0; 65536];
    for _ in 0..10_000 {
        match silent.read(&mut bytes) {
            Ok(0) => {
                dropped = true;
                break;
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                dropped = true;
                break;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(dropped, "nobody is told for ever who does not read");
    // As many as may follow, and one more, and orders are heard all the same.
    let _others: Vec<Follower> = (0..8).map(|_| Follower::start(segment, 0, &["events"])).collect();
    thread::sleep(seconds(1));
    told(segment, 0, &["version"], "ucarp ");
    // With the daemon everything ends.
    first.daemon().signal(Signal::SIGTERM);
    first.daemon().await_exit(seconds(8));
    let mut later = later;
    eventually("the tool ends", seconds(5), || later.child.try_wait().is_ok_and(|ended| ended.is_some()));
    assert_eq!(later.child.wait().expect("it ended").code(), Some(3));
    first.start_again(segment, 0);
    eventually("it answers", seconds(8), || tell(segment, 0, &["version"]).0 == 0);
    let anew = Follower::start(segment, 0, &["--json", "events", "--since=100000"]);
    assert_eq!(anew.until("a gap", |_| true), "{\"event\":\"lost\",\"count\":null}");
    assert_eq!(event(&anew.until("the first", |_| true))["seq"], 1);
}

fn figure(segment: &Segment, host: usize, name: &str) -> Option<f64> {
    let (status, text) = tell(segment, host, &["metrics"]);
    assert_eq!(status, 0, "{text}");
    of(&text, name)
}

fn of(page: &str, name: &str) -> Option<f64> {
    page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

fn two_masters() {
    let segment = &Segment::new(2);
    let [mut first, _second] = pair(segment, "");
    let follower = Follower::start(segment, 0, &["--json", "events"]);
    const SECONDS: &str = "ucarp_two_masters_seconds_total{vip=\"web\"}";
    const CHANGES: &str = "ucarp_transitions_total{vip=\"web\",to=\"MASTER\",reason=\"master_timed_out\"}";
    assert_eq!(figure(segment, 0, SECONDS), Some(0.0));
    assert_eq!(figure(segment, 0, CHANGES), Some(1.0));
    let engine = first.daemon().engine().expect("it lives");
    nix::sys::signal::kill(engine, Signal::SIGKILL).expect("it lives");
    follower.until("its death", |line| line.contains("\"event\":\"UC2010\""));
    follower.until("its return", |line| line.contains("\"event\":\"UC2011\""));
    eventually("it answers again", seconds(8), || {
        let (status, text) = tell(segment, 0, &["metrics"]);
        status == 0 && of(&text, "ucarp_role{vip=\"web\",role=\"MASTER\"}") == Some(1.0)
    });
    // What the hands count goes on.
    assert_eq!(figure(segment, 0, CHANGES), Some(1.0));
    eventually("the standby is known", seconds(20), || {
        figure(segment, 0, "ucarp_standbys{vip=\"web\"}") == Some(1.0)
    });
    // The second cannot hear the first, and takes over; the first hears it, and stays.
    let began = wire::now();
    let sieve = segment.sift(1, |frame| frame.get(23) != Some(&112));
    follower.until("two masters", |line| line.contains("\"event\":\"UC2068\"") && line.contains("10.9.0.2"));
    eventually("it is measured", seconds(10), || figure(segment, 0, SECONDS).is_some_and(|it| it > 2.0));
    drop(sieve);
    segment.join(1);
    let line = follower.until("one again", |line| line.contains("\"event\":\"UC2069\""));
    assert_eq!(event(&line)["peer"], "10.9.0.2");
    let lasted = wire::now() - began;
    let measured = figure(segment, 0, SECONDS).unwrap_or_default();
    assert!(measured < lasted, "{measured} of {lasted}");
    eventually("there is one", seconds(10), || {
        figure(segment, 1, "ucarp_role{vip=\"web\",role=\"MASTER\"}") == Some(0.0)
    });
    assert_eq!(figure(segment, 0, SECONDS), Some(measured), "that is over");
}

fn metrics() {
    let segment = &Segment::new(2);
    let checked = "[check.fine]\ncommand = [\"/bin/true\"]\nevery = \"1s\"\nvips = [\"web\"]\n\
                   [check.poor]\ncommand = [\"/bin/false\"]\nevery = \"1s\"\nfall = 2\ndemote = 3\nvips = [\"mail\"]\n";
    let mail = vip("mail", 8, "10.9.0.201", "pass = \"secret\"\nsrcip = \"SOURCE\"");
    let mut first = Served::start(segment, 0, &Setup::default(), &(web("") + &mail + checked));
    segment.await_owner(0, seconds(8));
    let _second = Served::start(segment, 1, &Setup::default(), &web("advskew = 100"));
    eventually("all is as it should be", seconds(20), || {
        let (status, page) = tell(segment, 0, &["metrics"]);
        let is = |name: &str, value: f64| of(&page, name) == Some(value);
        status == 0
            && is("ucarp_up", 1.0)
            && is("ucarp_role{vip=\"web\",role=\"MASTER\"}", 1.0)
            && is("ucarp_role{vip=\"mail\",role=\"INIT\"}", 0.0)
            && is("ucarp_standbys{vip=\"web\"}", 1.0)
            && is("ucarp_standbys{vip=\"mail\"}", 0.0)
            && is("ucarp_check_up{check=\"fine\"}", 1.0)
            && is("ucarp_check_up{check=\"poor\"}", 0.0)
            && is("ucarp_demotion{vip=\"mail\",source=\"check:poor\"}", 3.0)
            && is("ucarp_demotion{vip=\"mail\",source=\"maintenance\"}", 0.0)
            && is("ucarp_vip_info{vip=\"web\",interface=\"eth0\",vhid=\"7\",group=\"\"}", 1.0)
            && is("ucarp_address_present{vip=\"web\"}", 1.0)
            && is("ucarp_hook_failures_total{vip=\"web\",hook=\"up\"}", 0.0)
            && is("ucarp_frames_rejected_total{vip=\"web\",reason=\"bad_auth\"}", 0.0)
            && is("ucarp_config_last_reload_successful", 1.0)
            && of(&page, "ucarp_advertisements_sent_total{vip=\"web\"}").is_some_and(|count| count > 2.0)
            && of(&page, "ucarp_check_runs_total{check=\"poor\",result=\"failed\"}").is_some_and(|c| c > 1.0)
            && of(&page, "ucarp_hook_last_duration_seconds{vip=\"web\",hook=\"up\"}").is_some_and(|t| t > 0.0)
    });
    let hash = |host| {
        let (_, page) = tell(segment, host, &["metrics"]);
        let line = page.lines().find(|line| line.starts_with("ucarp_config_info{vip=\"web\""));
        line.map(str::to_owned)
    };
    assert!(hash(0).is_some() && hash(0) == hash(1));
    let (_, page) = tell(segment, 1, &["metrics"]);
    let heard = of(&page, "ucarp_peer_last_heard_timestamp_seconds{vip=\"web\",peer=\"10.9.0.1\"}");
    let now = std::time::UNIX_EPOCH.elapsed().expect("it is later").as_secs_f64();
    assert!(heard.is_some_and(|at| (now - at).abs() < 5.0), "{heard:?} {now}");
    every_name_is_used_as_it_is_said(&page);
    // Nothing but what can be read by a program that reads nothing else.
    if let Some(said) = checked_by_promtool(&page) {
        assert!(said.is_empty(), "{said}");
    }
    // A file that is wrong, and one that is good again.
    told(segment, 0, &["maintenance", "on", "mail"], "in maintenance");
    assert_eq!(figure(segment, 0, "ucarp_maintenance{vip=\"mail\"}"), Some(1.0));
    let path = segment.dir().join("etc-a/ucarp.toml");
    let good = fs::read_to_string(&path).expect("it was written");
    fs::write(&path, format!("{good}\nfrobnicate = 1\n")).expect("it is ours");
    assert_eq!(tell(segment, 0, &["reload"]).0, 1);
    assert_eq!(figure(segment, 0, "ucarp_config_last_reload_successful"), Some(0.0));
    fs::write(&path, good).expect("it is ours");
    told(segment, 0, &["reload"], "as before: 2");
    assert_eq!(figure(segment, 0, "ucarp_config_last_reload_successful"), Some(1.0));
    // A file for others to read.
    let file = segment.dir().join("ucarp.prom");
    let output = format!("--output={}", file.display());
    told(segment, 0, &["metrics", &output], "");
    assert!(fs::read_to_string(&file).expect("it is there").contains("\nucarp_up 1\n"));
    first.daemon().signal(Signal::SIGTERM);
    first.daemon().await_exit(seconds(8));
    refused(segment, 0, &["metrics", &output], 3, "no daemon listens");
    let page = fs::read_to_string(&file).expect("it is there");
    assert!(page.ends_with("\nucarp_up 0\n"), "{page}");
}

/// Of the names that are specified none is missing, and there is no other.
fn every_name_is_used_as_it_is_said(page: &str) {
    let typed: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert_eq!(typed.len(), 27, "without checks: {typed:?}");
    for name in ["ucarp_up", "ucarp_late_wakes_total", "ucarp_two_masters_seconds_total", "ucarp_released"] {
        assert!(typed.contains(&name), "{name}");
    }
}

/// What Prometheus' own program has against it; nothing without that program.
fn checked_by_promtool(page: &str) -> Option<String> {
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().ok()?;
    child.stdin.take().expect("it is ours").write_all(page.as_bytes()).expect("it reads");
    let done = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    Some(if done.status.success() { String::new() } else { said + "?" })
}

/// A process that is ended with its case.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn served() {
    let segment = &Segment::new(1);
    let mut first = Served::start(segment, 0, &Setup::default(), &web(""));
    segment.await_owner(0, seconds(8));
    let mut command = segment.hosts[0].command(TOOL);
    command.arg(format!("--control={}", segment.control(0).display()));
    // Whoever has no rights must find what strangers may.
    let open =
        |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    open(segment.dir());
    command.args(["metrics", "--listen=10.9.0.1:9649"]).stdin(Stdio::null()).stderr(Stdio::piped());
    let listener = Running(command.spawn().expect("the tool starts"));
    let status_of = |pid: u32| fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    eventually("it gives up its rights", seconds(5), || {
        let status = status_of(listener.0.id());
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        field("Uid:").is_some_and(|ids| ids.split_whitespace().all(|id| id != "0"))
            && field("CapEff:").is_some_and(|caps| caps.trim().trim_matches('0').is_empty())
    });
    let ask = |request: &str| {
        segment.hosts[0].inside(|| {
            let mut stream = TcpStream::connect("10.9.0.1:9649").ok()?;
            stream.set_read_timeout(Some(seconds(10))).ok()?;
            stream.write_all(request.as_bytes()).ok()?;
            let mut text = String::new();
            stream.read_to_string(&mut text).ok()?;
            Some(text)
        })
    };
    const GET: &str = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    let up = |value: u8| {
        let line = format!("\nucarp_up {value}\n");
        eventually("the page says so", seconds(10), || ask(GET).is_some_and(|page| page.contains(&line)));
    };
    up(1);
    let page = ask(GET).expect("it answers");
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("version=0.0.4"), "{page}");
    assert!(page.contains("ucarp_role{vip=\"web\",role=\"MASTER\"} 1"), "{page}");
    assert!(ask("GET / HTTP/1.1\r\n\r\n").is_some_and(|text| text.starts_with("HTTP/1.1 404")));
    assert!(ask("POST /metrics HTTP/1.1\r\n\r\n").is_some_and(|text| text.starts_with("HTTP/1.1 405")));
    // Who says nothing, or has no end, has little time, and there are few of them.
    let silent: Vec<TcpStream> = segment.hosts[0]
        .inside(|| (0..40).filter_map(|_| TcpStream::connect("10.9.0.1:9649").ok()).collect());
    assert_eq!(silent.len(), 40);
    up(1);
    drop(silent);
    // A real one comes and asks.
    scraped(segment);
    first.daemon().signal(Signal::SIGKILL);
    first.daemon().await_exit(seconds(5));
    up(0);
    first.start_again(segment, 0);
    up(1);
}

/// Has it collected by Prometheus itself, with the rules that are shipped, where that is installed: ci/setup sees to it.
fn scraped(segment: &Segment) {
    let folder = segment.dir().join("prometheus");
    fs::create_dir_all(&folder).expect("it is ours");
    let config = folder.join("prometheus.yml");
    let rules = fs::canonicalize("dist/prometheus/ucarp.rules.yml").expect("they are there");
    let text = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: ['{}']\n\
         scrape_configs: [{{job_name: ucarp, static_configs: [{{targets: ['10.9.0.1:9649']}}]}}]\n",
        rules.display()
    );
    fs::write(&config, text).expect("it is ours");
    if Command::new("prometheus").arg("--version").output().is_err() {
        return;
    }
    let mut command = segment.hosts[0].command("prometheus");
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
        .args(["--web.listen-address=10.9.0.1:9090", "--log.level=error"])
        .stdin(Stdio::null());
    let running = Running(command.spawn().expect("it starts"));
    let query = |what: &str| {
        segment.hosts[0].inside(|| {
            let mut stream = TcpStream::connect("10.9.0.1:9090").ok()?;
            stream.set_read_timeout(Some(seconds(5))).ok()?;
            let request = format!("GET /api/v1/query?query={what} HTTP/1.0\r\nHost: x\r\n\r\n");
            stream.write_all(request.as_bytes()).ok()?;
            let mut text = String::new();
            stream.read_to_string(&mut text).ok()?;
            serde_json::from_str::<Value>(text.split_once("\r\n\r\n")?.1).ok()
        })
    };
    eventually("Prometheus has it", seconds(30), || {
        query("ucarp_role%7Brole%3D%22MASTER%22%7D").is_some_and(|answer| {
            let result = &answer["data"]["result"][0];
            result["metric"]["vip"] == "web" && result["value"][1] == "1"
        })
    });
    drop(running);
}
