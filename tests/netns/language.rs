//! In which language an operator is told, wherever a daemon runs: what it says of a failover comes from the catalogue, on
//! the terminal and in the system's log, in locales that know nothing of it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ucarp::protocol::{Reason, Rejected};

use super::Case;
use super::cases::seconds;
use super::daemon::{Daemon, Kind, Scripts, Setup};
use super::faults::ends_by_itself;
use super::segment::{Segment, VHID, VIP, eventually};
use super::surroundings::own_dev;
use super::tongue::{Sentence, Tongue};
use super::upgrade::Installed;

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    let mut cases: Vec<Case> = (0..TONGUES.len())
        .map(|first| {
            Case::new(format!("language_of_a_failover_from_{}", TONGUES[first]), ours, move || ways(first))
        })
        .collect();
    cases.extend([
        Case::new("language_without_its_catalogue_after_the_start", ours, catalogue_goes),
        Case::new("language_after_an_upgrade", ours, upgraded),
        Case::new("language_that_is_not_there", ours, not_there),
        Case::new("language_of_every_word", ours, every_word),
    ]);
    cases
}

/// One of each kind: umlauts, no spaces, another alphabet, an i without a dot.
const TONGUES: [&str; 4] = ["de", "ja", "uk", "tr"];

/// What a daemon is started with, in an environment that has nothing else.
#[derive(Clone, Default)]
struct Start {
    environment: Vec<String>,
    words: Vec<String>,
    /// More for the table of the daemon.
    daemon: String,
    /// More for the table of the virtual host.
    host: String,
    setup: Setup,
}

impl Start {
    /// With catalogues from there.
    fn new(catalogues: &Path) -> Self {
        Self { environment: vec![format!("UCARP_LOCALEDIR={}", catalogues.display())], ..Self::default() }
    }

    fn with(mut self, environment: &[&str], words: &[String]) -> Self {
        self.environment.extend(environment.iter().map(ToString::to_string));
        self.words.extend_from_slice(words);
        self
    }
}

fn file(segment: &Segment, host: usize) -> PathBuf {
    segment.dir().join(format!("{}.toml", segment.hosts[host].name))
}

/// Writes what a daemon is to serve, and returns where its hooks are recorded.
fn write(segment: &Segment, host: usize, start: &Start) -> PathBuf {
    let Scripts { up, down, record } = Scripts::write(segment, &start.setup);
    let (name, source) = (segment.hosts[host].name, segment.hosts[host].address);
    let text = format!(
        "[daemon]\ncontrol = \"{}\"\nstate = \"{}\"\n{}\n[vip.web]\ninterface = \"eth0\"\nvhid = {VHID}\n\
         srcip = \"{source}\"\naddr = [\"{VIP}\"]\nadvbase = 0\nadvskew = {}\npass = \"{}\"\n\
         upscript = \"{}\"\ndownscript = \"{}\"\n{}\n",
        segment.control(host).display(),
        segment.dir().join(format!("state-{name}")).display(),
        start.daemon,
        start.setup.skew,
        start.setup.password,
        up.display(),
        down.display(),
        start.host,
    );
    let file = file(segment, host);
    fs::write(&file, text).expect("it is ours");
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("it is ours");
    record
}

/// A program of ours on a host, in the environment of `start`.
fn command(segment: &Segment, host: usize, start: &Start, program: &Path) -> Command {
    let mut command = segment.hosts[host].command("sh");
    command.args(["-c", start.setup.wrapper.as_deref().unwrap_or("exec \"$@\""), "sh", "env", "-i"]);
    command.arg(format!("PATH={}", std::env::var("PATH").unwrap_or_default()));
    command.args(&start.environment).arg(program);
    command
}

fn run(segment: &Segment, host: usize, start: &Start) -> Daemon {
    run_program(segment, host, start, &Kind::Ours.binary())
}

fn run_program(segment: &Segment, host: usize, start: &Start, program: &Path) -> Daemon {
    let record = write(segment, host, start);
    let mut command = command(segment, host, start, program);
    command.arg("--config").arg(file(segment, host)).args(&start.words);
    let title = format!("{} {:?}", segment.hosts[host].name, (&start.environment, &start.words));
    Daemon::spawn(segment, &title, Kind::Ours, command, record)
}

/// The tool beside the program under test.
fn tool() -> PathBuf {
    Some(Kind::Ours.binary().with_file_name("ucarpctl"))
        .filter(|beside| beside.exists())
        .unwrap_or_else(|| env!("CARGO_BIN_EXE_ucarpctl").into())
}

/// What the tool says to a daemon's face, and how it ends.
fn tell(segment: &Segment, host: usize, start: &Start, words: &[&str]) -> (i32, String) {
    let mut command = command(segment, host, start, &tool());
    command.arg(format!("--control={}", segment.control(host).display())).args(words);
    let done = command.stdin(Stdio::null()).output().expect("the tool starts");
    let said = [done.stdout, done.stderr].concat();
    (done.status.code().unwrap_or(-1), String::from_utf8(said).expect("UTF-8"))
}

#[track_caller]
fn await_said(daemon: &Daemon, sentence: &Sentence) -> String {
    daemon.await_line(&sentence.text(), seconds(8), |line| sentence.is_in(line))
}

fn becomes(tongue: &Tongue, role: &str) -> Sentence {
    let place = [("interface", "eth0"), ("vhid", "7")];
    tongue.says("Switching to state: ", &[&place[..], &[("to", role)]].concat())
}

/// A system's log that reads at once what it is told.
struct Syslog {
    heard: Arc<Mutex<Vec<String>>>,
}

impl Syslog {
    fn listen(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).expect("nobody listens there");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let held = Arc::downgrade(&heard);
        socket.set_read_timeout(Some(Duration::from_millis(100))).expect("it is ours");
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Some(heard) = held.upgrade() {
                if let Ok(length) = socket.recv(&mut buffer) {
                    let line = String::from_utf8(buffer[..length].to_vec());
                    heard.lock().expect("no holder panics").push(line.unwrap_or_else(|_| "no UTF-8".into()));
                }
            }
        });
        Self { heard }
    }

    /// All that it was told.
    fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("no holder panics").clone()
    }
}

const REFUSED: &str = "Advertisement for id {vhid} from {source} ({mac}) does not authenticate";
const FAILED: &str = "The {hook} script {path} failed with exit status ";
const GUARDED: &str = "The process that hears the network runs as ";
const STATE: &str = "for {lasted} [{reason}]; advbase ";
const ENDED: &str = "Ended by {signal}";
const STAYS: &str = "[daemon] has changed since ucarp was started";

/// The hosts share a password two by two, so that each hears of others that it refuses, and half of them take over.
fn ways(first: usize) {
    let segment = Segment::new(6);
    let catalogues = segment.dir().join("locale");
    let tongue = |way: usize| Tongue::new(TONGUES[(first + way) % TONGUES.len()]);
    (0..TONGUES.len()).for_each(|way| _ = tongue(way).install(&catalogues));
    let (path, wrapper) = own_dev(&segment);
    let syslog = Syslog::listen(&path);
    let mut daemons = Vec::new();
    for way in 0..6 {
        let name = tongue(way).name;
        let option = format!("--language={name}");
        let start = Start::new(&catalogues);
        let start = match way {
            0 => start.with(&["LANG=C"], &[option]),
            1 => start.with(&["LANG=C", &format!("LANGUAGE={name}")], &[]),
            2 => start.with(&["LC_ALL=C"], &[option]),
            3 => start.with(&[], &[option]),
            4 => Start { daemon: format!("language = \"{name}\""), ..start }.with(&["LANG=C"], &[]),
            _ => start.with(&["LC_ALL=C", &format!("LANGUAGE={name}")], &[]),
        };
        let is_second = way % 2 == 1;
        let setup = Setup {
            password: ["one", "two", "three"][way / 2],
            down: "exit 5",
            up: if is_second { "exit 3" } else { "" },
            wrapper: Some(wrapper.clone()),
            ..Setup::skew(if is_second { 160 } else { 40 })
        };
        daemons.push((
            run(&segment, way, &Start { setup, ..start }),
            if way == 5 { Tongue::english() } else { tongue(way) },
        ));
    }
    for (daemon, tongue) in &daemons {
        await_said(daemon, &tongue.says(REFUSED, &[("vhid", "7")]));
        await_said(daemon, &tongue.says(FAILED, &[("hook", "down"), ("how", "5")]));
    }
    for pair in daemons.chunks_exact(2) {
        let [(first, its), (second, other)] = pair else { unreachable!("two by two") };
        await_said(first, &becomes(its, "MASTER"));
        await_said(second, &becomes(other, "BACKUP"));
    }
    for (at, (daemon, tongue)) in daemons.iter().enumerate().skip(1).step_by(2) {
        let (answer, first) = (tongue.says(STATE, &[]), segment.hosts[at - 1].address);
        eventually("it follows the first of the two", seconds(8), || {
            daemon.signal_hands(Signal::SIGUSR1);
            !daemon.lines(|line| answer.is_in(line) && line.contains(&format!("{first} ("))).is_empty()
        });
    }
    for (daemon, _) in daemons.iter().step_by(2) {
        daemon.signal(Signal::SIGKILL);
    }
    for (daemon, tongue) in daemons.iter().skip(1).step_by(2) {
        let took = await_said(daemon, &becomes(tongue, "MASTER"));
        assert!(tongue.says("nothing heard from {peer} for ", &[]).is_in(&took), "{took}");
        await_said(daemon, &tongue.says(FAILED, &[("hook", "up"), ("how", "3")]));
    }
    for (at, (daemon, tongue)) in daemons.iter().enumerate() {
        let from = format!(" ucarp[{}]: [", daemon.pid());
        let wanted = [
            becomes(tongue, "BACKUP"),
            becomes(tongue, "MASTER"),
            tongue.says(REFUSED, &[("vhid", "7")]),
            tongue.says(FAILED, &[("hook", "down")]),
        ];
        for sentence in wanted {
            eventually(&format!("syslog hears from {at}: {}", sentence.text()), seconds(5), || {
                syslog.heard().iter().any(|line| line.contains(&from) && sentence.is_in(line))
            });
        }
        // Whatever is said is said in one language.
        let line = daemon.await_line("who hears the network", seconds(1), |line| line.contains("[UC2027]"));
        assert!(tongue.says(GUARDED, &[]).is_in(&line), "{line}");
    }
}

/// One that serves alone, which all others of its segment do: it is master within a second.
fn alone(segment: &Segment, host: usize, start: Start) -> Daemon {
    segment.cut(host);
    run(segment, host, &Start { setup: Setup { skew: 40, ..start.setup.clone() }, ..start })
}

fn catalogue_goes() {
    let segment = Segment::new(6);
    let tongue = Tongue::new("de");
    // The C library would be asked in the first of these, if a process that stays did so.
    let environment = [&["LC_ALL=C.UTF-8", "LANGUAGE=de"][..], &["LANG=C"]];
    let deeds: [fn(&Path); 3] = [
        |path| {
            fs::rename(
                path.ancestors().nth(3).expect("the folder"),
                path.ancestors().nth(3).expect("it").with_extension("away"),
            )
            .expect("it is ours")
        },
        |path| {
            fs::File::options().write(true).open(path).expect("it is ours").set_len(40).expect("it is ours")
        },
        |path| {
            let length = fs::metadata(path).expect("it is there").len();
            fs::write(path, "{garbage}".repeat(usize::try_from(length).expect("short"))).expect("it is ours");
        },
    ];
    let mut daemons: Vec<(Daemon, PathBuf)> = Vec::new();
    for host in 0..6 {
        let catalogues = segment.dir().join(format!("locale-{host}"));
        let path = tongue.install(&catalogues);
        let words: &[String] = if host < 3 { &[] } else { &["--language=de".to_owned()] };
        daemons
            .push((alone(&segment, host, Start::new(&catalogues).with(environment[host / 3], words)), path));
    }
    for (host, (daemon, path)) in daemons.iter().enumerate() {
        await_said(daemon, &tongue.says(GUARDED, &[]));
        deeds[host % 3](path);
    }
    for (daemon, _) in &daemons {
        await_said(daemon, &becomes(&tongue, "MASTER"));
        kill(daemon.engine().expect("it has one"), Signal::SIGKILL).expect("it lives");
    }
    for (daemon, _) in &mut daemons {
        await_said(daemon, &tongue.says("The process that hears the network has ended unexpectedly", &[]));
        await_said(daemon, &tongue.says("The process that hears the network works again", &[]));
        daemon.signal_hands(Signal::SIGUSR1);
        await_said(daemon, &tongue.says(STATE, &[]));
        daemon.signal_hands(Signal::SIGTERM);
        assert!(daemon.await_exit(seconds(8)).success());
        await_said(daemon, &tongue.says(ENDED, &[("signal", "SIGTERM")]));
    }
}

fn upgraded() {
    let segment = Segment::new(3);
    let catalogues = segment.dir().join("locale");
    let (tongue, other) = (Tongue::new("de"), Tongue::new("fr"));
    tongue.install(&catalogues);
    other.install(&catalogues);
    let start = || Start::new(&catalogues).with(&["LANG=C"], &[]);
    let in_file = |name: &str| Start { daemon: format!("language = \"{name}\""), ..start() };
    let starts = [
        start().with(&[], &["--language=de".to_owned()]),
        in_file("de"),
        start().with(&["LANGUAGE=de"], &[]),
    ];
    let mut daemons = Vec::new();
    for (host, mut start) in starts.into_iter().enumerate() {
        segment.cut(host);
        start.setup.skew = 40;
        let installed = Installed::new(&segment, &format!("program-{host}"));
        daemons.push((run_program(&segment, host, &start, &installed.0), start));
    }
    for (host, (daemon, start)) in daemons.iter().enumerate() {
        await_said(daemon, &becomes(&tongue, "MASTER"));
        // What the file says by now counts from the next start on.
        write(&segment, host, &Start { daemon: in_file("fr").daemon, ..start.clone() });
        for (times, change) in [(1, "upgrade"), (2, "reload"), (3, "upgrade")] {
            let (status, said) = tell(&segment, host, start, &[change]);
            assert_eq!(status, 0, "{said}");
            let answer = tongue.says(STATE, &[]);
            daemon.signal_hands(Signal::SIGUSR1);
            eventually(&format!("an answer after each {change}"), seconds(5), || {
                daemon.lines(|line| answer.is_in(line)).len() >= times
            });
        }
        // What is given as an option wins, so nothing has changed.
        if host > 0 {
            await_said(daemon, &tongue.says(STAYS, &[]));
        }
        for other in [&other, &Tongue::english()] {
            for sentence in [STATE, STAYS].map(|beginning| other.says(beginning, &[])) {
                assert_eq!(daemon.lines(|line| sentence.is_in(line)), [""; 0], "{host}");
            }
        }
    }
    for (daemon, _) in &mut daemons {
        daemon.signal_hands(Signal::SIGTERM);
        assert!(daemon.await_exit(seconds(8)).success());
        await_said(daemon, &tongue.says(ENDED, &[("signal", "SIGTERM")]));
    }
}

/// What lies where the catalogue should.
fn lay(at: usize, path: &Path) {
    match at {
        0 => nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).expect("it is ours"),
        1 => fs::create_dir(path).expect("it is ours"),
        2 => std::os::unix::fs::symlink("/dev/zero", path).expect("it is ours"),
        3 => fs::File::create(path).and_then(|file| file.set_len(10 << 20)).expect("there is room"),
        _ => fs::write(path, "no catalogue").expect("it is ours"),
    }
}

fn not_there() {
    const STRANGE: usize = 5;
    // No catalogue, one that everybody may change, a broken one.
    const ABOUT: [&str; 3 + STRANGE] =
        ["UC4040", "UC4040", "UC4042", "UC4040", "UC4040", "UC4040", "UC4041", "UC4041"];
    let segment = Segment::new(8);
    let catalogues = segment.dir().join("locale");
    let (english, tongue) = (Tongue::english(), Tongue::new("de"));
    tongue.install(&catalogues);
    let everybodys = segment.dir().join("everybodys");
    tongue.install(&everybodys);
    fs::set_permissions(&everybodys, std::os::unix::fs::PermissionsExt::from_mode(0o777))
        .expect("it is ours");
    let option = |name: &str| [format!("--language={name}")];
    let mut starts = vec![
        Start::new(Path::new("/nonexistent")).with(&[], &option("de")),
        Start::new(&catalogues).with(&[], &option("xx")),
        Start::new(&everybodys).with(&[], &option("de")),
    ];
    for at in 0..STRANGE {
        let folder = segment.dir().join(format!("strange-{at}"));
        lay(at, &Tongue::place("de", &folder));
        starts.push(Start::new(&folder).with(&[], &option("de")));
    }
    let mut daemons: Vec<_> =
        starts.into_iter().enumerate().map(|(host, start)| alone(&segment, host, start)).collect();
    let peak = |daemon: &Daemon| {
        let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number")
    };
    for (host, daemon) in daemons.iter_mut().enumerate() {
        let its = if host == 2 { &tongue } else { &english };
        await_said(daemon, &becomes(its, "MASTER"));
        let about = daemon.lines(|line| line.contains("[UC404"));
        let [line] = &about[..] else { panic!("{host}: {about:#?}") };
        assert!(line.contains("[WARNING] ") && line.contains(ABOUT[host]), "{host}: {line}");
        assert!(host == 2 || line.is_ascii(), "{host}: {line}");
        let peak = peak(daemon);
        assert!(peak < 32 << 10, "{host}: {peak} kB");
        assert!(daemon.is_running());
    }
}

/// All that is said where no sentence has an ASCII letter: what has one is a value, or has bypassed the catalogue.
fn every_word() {
    let segment = Segment::new(3);
    let tongue = Tongue::disguise();
    let catalogues = segment.dir().join("locale");
    tongue.install(&catalogues);
    let (path, wrapper) = own_dev(&segment);
    let syslog = Syslog::listen(&path);
    let start = |skew, password, up, down| Start {
        daemon: "language = \"qaa\"".to_owned(),
        setup: Setup { password, up, down, wrapper: Some(wrapper.clone()), ..Setup::skew(skew) },
        ..Start::new(&catalogues).with(&["LANGUAGE=qaa"], &[])
    };
    let starts =
        [start(40, "secret", "", ""), start(160, "secret", "exit 3", "exit 5"), start(90, "other", "", "")];
    let mut said = Vec::new();
    let ask = |host: usize, words: &[&str]| tell(&segment, host, &starts[host], words).1;

    write(&segment, 0, &starts[0]);
    let mut check = command(&segment, 0, &starts[0], &Kind::Ours.binary());
    check.args(["--check", "--config"]).arg(file(&segment, 0));
    let (status, checked) = ends_by_itself(check);
    assert_eq!(status, Some(0), "{checked}");
    // What programs read: names that are those of options, and a sentence only where something is wrong.
    for line in checked.lines() {
        let (name, value) = line.split_once(": ").expect("a name and a value");
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{line}");
        said.push(value.to_owned());
    }

    let watch = Start::new(&catalogues).with(&["LANGUAGE=qaa", "TZ=UTC"], &[]);
    let mut sniffer = command(&segment, 1, &watch, &Kind::Ours.binary());
    let mut sniffer = {
        sniffer.args(["--sniff", "--interface=eth0", "--vhid=7", &format!("--addr={VIP}"), "--pass=secret"]);
        sniffer.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
    };

    let mut daemons: Vec<_> = (0..3).map(|host| run(&segment, host, &starts[host])).collect();
    await_said(&daemons[0], &becomes(&tongue, "MASTER"));
    await_said(&daemons[1], &becomes(&tongue, "BACKUP"));
    await_said(&daemons[1], &tongue.says(FAILED, &[("hook", "down"), ("how", "5")]));
    for daemon in &daemons {
        await_said(daemon, &tongue.says(REFUSED, &[("vhid", "7")]));
    }

    // Two masters, until they hear each other again.
    segment.cut(0);
    await_said(&daemons[1], &becomes(&tongue, "MASTER"));
    await_said(&daemons[1], &tongue.says(FAILED, &[("hook", "up"), ("how", "3")]));
    segment.join(0);
    eventually("it follows again", seconds(8), || {
        daemons[1].lines(|line| becomes(&tongue, "BACKUP").is_in(line)).len() >= 2
    });

    for words in [
        &["status"][..],
        &["peers"],
        &["version"],
        &["monitor"],
        &["status", "99"],
        &["99"],
        &["maintenance", "on", "--all", "--because=99"],
        &["status"],
        &["maintenance", "off", "--all"],
        &["demote", "web", "10", "--for=60s"],
        &["status"],
        &["undemote", "web"],
        &["reload", "--dry-run"],
        &["undo"],
        &["resign", "--all"],
        &["take", "--all"],
        &["upgrade", "99"],
    ] {
        said.push(ask(0, words));
        said.push(ask(1, words));
    }
    for (key, id) in [("preempt-delay = \"50ms\"", "[UC2054]"), ("garp-count = 1000", "[UC2055]")] {
        write(&segment, 0, &Start { host: key.to_owned(), ..starts[0].clone() });
        daemons[0].signal_hands(Signal::SIGHUP);
        daemons[0].await_line(id, seconds(5), |line| line.contains(id));
        said.push(ask(0, &["reload"]));
    }
    kill(daemons[2].engine().expect("it has one"), Signal::SIGKILL).expect("it lives");
    await_said(&daemons[2], &tongue.says("The process that hears the network works again", &[]));
    for daemon in &daemons {
        daemon.signal_hands(Signal::SIGUSR1);
        await_said(daemon, &tongue.says(STATE, &[]));
        daemon.signal_hands(Signal::SIGUSR2);
    }
    for daemon in &mut daemons {
        daemon.signal_hands(Signal::SIGTERM);
        assert!(daemon.await_exit(seconds(8)).success());
        await_said(daemon, &tongue.says(ENDED, &[("signal", "SIGTERM")]));
    }
    kill(Pid::from_raw(i32::try_from(sniffer.id()).expect("positive")), Signal::SIGINT).expect("it runs");
    eventually("the table", seconds(8), || sniffer.try_wait().expect("it is our child").is_some());
    let sniffed = sniffer.wait_with_output().expect("it ended");
    said.push(String::from_utf8([sniffed.stdout, sniffed.stderr].concat()).expect("UTF-8"));
    said.extend(daemons.iter().flat_map(|daemon| daemon.lines(|_| true)));
    let heard = syslog.heard();
    assert!(heard.len() > 40, "{heard:#?}");
    said.extend(heard);

    let mut left: BTreeMap<&str, &str> = BTreeMap::new();
    for line in said.iter().flat_map(|text| text.lines()) {
        // Syslog's own words come before the level.
        let line =
            line.strip_prefix('<').and_then(|line| line.split_once(": ")).map_or(line, |(_, rest)| rest);
        words_of(line).filter(|word| !is_value(word)).for_each(|word| _ = left.entry(word).or_insert(line));
    }
    assert!(left.is_empty(), "not from the catalogue: {left:#?}");
}

/// What has an ASCII letter in it.
fn words_of(line: &str) -> impl Iterator<Item = &str> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_./:@-".contains(letter);
    let words = line.split(move |letter| !is_part(letter));
    words
        .map(|word| word.trim_matches(['.', ':', '-']))
        .filter(|word| word.contains(|c: char| c.is_ascii_alphabetic()))
}

/// What is no word of a sentence.
const VALUES: &[&[&str]] = &[
    // Roles, levels, who speaks, and what a plugin for a monitor begins with and calls its figures.
    &["MASTER", "BACKUP", "INIT", "INFO", "WARNING", "ERROR", "ucarp", "ucarpctl"],
    &["UCARP", "OK", "CRITICAL", "master", "demotion", "ready", "standbys"],
    // Names: of the test's own, of a user, of hooks, a signal, keys of the file, causes of a demotion.
    &["eth0", "web", "qaa", "_ucarp", "up", "down", "SIGTERM", "operator", "maintenance"],
    &["preempt-delay", "upscript", "downscript", "garp-count"],
    // A verdict, and kinds of hosts.
    &["accepted", "ours", "other", "kernel"],
    // The guards of a system, and values of --check.
    &["setsid", "setgroups", "setuid", "capabilities", "no_new_privs", "undumpable", "landlock", "seccomp"],
    &["yes", "no", "any", "hook", "stay", "warn", "daemon"],
    // Verbs.
    &[
        "status", "peers", "watch", "events", "metrics", "monitor", "wait", "demote", "undemote", "resign",
        "take",
    ],
    &["reload", "confirm", "undo", "upgrade", "version"],
    // How --sniff begins each line.
    &["id"],
];

fn is_value(word: &str) -> bool {
    let is_id = word.strip_prefix("UC").is_some_and(|digits| digits.parse::<u16>().is_ok());
    let is_code = Reason::ALL.iter().any(|reason| reason.code() == word)
        || Rejected::ALL.iter().any(|rejected| rejected.code() == word);
    // A time, a version, a hardware address, a path.
    let begins = |c: char| c.is_ascii_digit() || c == '/';
    is_id || is_code || word.starts_with(begins) || VALUES.iter().any(|words| words.contains(&word))
}
