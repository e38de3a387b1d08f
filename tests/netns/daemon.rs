//! A daemon under test or beside it: started in a host's namespace, its log caught line by line, its hooks recorded.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::segment::{Segment, VHID, VIP, end_of, eventually};
use super::wire;

const REFEREE: &str = "/usr/sbin/ucarp";

/// Whose program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Ours,
    /// Debian's ucarp 1.5.2, the referee.
    Theirs,
}

impl Kind {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Theirs => "theirs",
        }
    }

    pub(crate) fn binary(self) -> PathBuf {
        let theirs = PathBuf::from(REFEREE);
        match self {
            Self::Theirs => theirs,
            Self::Ours => match std::env::var_os("UCARP_UNDER_TEST") {
                Some(word) if word == "theirs" => theirs,
                Some(path) if !path.is_empty() => PathBuf::from(path),
                _ => PathBuf::from(env!("CARGO_BIN_EXE_ucarp")),
            },
        }
    }

    pub(crate) fn missing(self) -> Option<String> {
        let binary = self.binary();
        if !binary.exists() {
            return Some(format!("needs {}", binary.display()));
        }
        if self == Self::Ours {
            return None;
        }
        let help = Command::new(binary).arg("--help").stdin(Stdio::null()).output().ok()?;
        let words = [help.stdout, help.stderr].concat();
        let is_referee = String::from_utf8_lossy(&words).contains("ucarp 1.5.2");
        (!is_referee).then(|| "needs ucarp 1.5.2 as /usr/sbin/ucarp".into())
    }
}

/// What one daemon wrote.
pub(crate) struct Log {
    title: String,
    lines: Mutex<Vec<(f64, String)>>,
    hooks: PathBuf,
}

impl Log {
    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    pub(crate) fn story(&self) -> String {
        let lines = self.lines.lock().expect("no holder panics");
        let mut story = String::new();
        for (at, line) in lines.iter() {
            let _ = writeln!(story, "{at:.6} {line}");
        }
        for line in fs::read_to_string(&self.hooks).unwrap_or_default().lines() {
            let _ = writeln!(story, "hook {line}");
        }
        story
    }

    fn follow(self: &Arc<Self>, stream: impl Read + Send + 'static) {
        let log = Arc::clone(self);
        // Not joined: a hook that outlives its daemon keeps the pipe open.
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                log.lines.lock().expect("no holder panics").push((wire::now(), line));
            }
        });
    }
}

/// How to start a daemon; the default is a host with the best interval and hooks that manage the address.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) skew: u8,
    pub(crate) password: &'static str,
    /// More words for the command line.
    pub(crate) more: Vec<&'static str>,
    /// What the up hook does after it has added the address.
    pub(crate) up: &'static str,
    /// What the down hook does after it has removed the address.
    pub(crate) down: &'static str,
    /// A shell script that ends in `exec "$@"`, run around the daemon in its namespace.
    pub(crate) wrapper: Option<String>,
    pub(crate) interface: &'static str,
    /// The values of `--addr`, in order.
    pub(crate) shared: Vec<String>,
    /// Given instead of the password.
    pub(crate) passfile: Option<PathBuf>,
    /// With `--manage-address`, and scripts that leave the addresses alone.
    pub(crate) managed: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            skew: 0,
            password: "secret",
            more: Vec::new(),
            up: "",
            down: "",
            wrapper: None,
            interface: "eth0",
            shared: vec![VIP.to_string()],
            passfile: None,
            managed: false,
        }
    }
}

impl Setup {
    pub(crate) fn skew(skew: u8) -> Self {
        Self { skew, ..Self::default() }
    }

    pub(crate) fn managed(skew: u8) -> Self {
        Self { managed: true, ..Self::skew(skew) }
    }

    pub(crate) fn with(mut self, words: &[&'static str]) -> Self {
        self.more.extend(words);
        self
    }

    pub(crate) fn sharing(mut self, addresses: &[&str]) -> Self {
        self.shared = addresses.iter().map(ToString::to_string).collect();
        self
    }

    fn shares_ipv4(&self) -> bool {
        self.shared.iter().any(|address| !address.contains(':'))
    }
}

/// One run of a hook.
#[derive(Clone, Debug)]
pub(crate) struct HookRun {
    pub(crate) hook: String,
    pub(crate) ended: Option<f64>,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
}

impl HookRun {
    pub(crate) fn reason(&self) -> &str {
        self.environment.get("UCARP_REASON").map_or("", String::as_str)
    }
}

pub(crate) struct Daemon {
    child: Child,
    log: Arc<Log>,
    kind: Kind,
    interface: &'static str,
}

static HOOK_SETS: AtomicUsize = AtomicUsize::new(0);

/// Hooks that add and remove the addresses they are told of, and where their runs are recorded.
pub(crate) struct Scripts {
    pub(crate) up: PathBuf,
    pub(crate) down: PathBuf,
    pub(crate) record: PathBuf,
}

impl Scripts {
    pub(crate) fn write(segment: &Segment, setup: &Setup) -> Self {
        let set = HOOK_SETS.fetch_add(1, Ordering::Relaxed);
        let record = segment.dir().join(format!("hooks-{set}"));
        let script = |name: &str, deed: &str, more: &str| {
            let deed = if setup.managed { "show to" } else { deed };
            let path = segment.dir().join(format!("{name}-{set}.sh"));
            let text = format!(
                "#!/bin/sh\n\
                 record() {{ printf '%s\\n' \"$*\" >>{record}; }}\n\
                 record \"begin|{name}|$(date +%s.%N)|$*|$(env | grep ^UCARP_ | tr '\\n' ';')\"\n\
                 for shared in ${{UCARP_ADDRESSES:-$2}}; do\n\
                 case $shared in */*) ;; *:*) shared=$shared/128 ;; *) shared=$shared/32 ;; esac\n\
                 ip addr {deed} \"$shared\" dev \"$1\" >/dev/null 2>&1\n\
                 done\n\
                 {more}\n\
                 record \"end|{name}|$(date +%s.%N)\"\n",
                record = record.display(),
            );
            fs::write(&path, text).expect("a hook can be written");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
            path
        };
        Self { up: script("up", "add", setup.up), down: script("down", "del", setup.down), record }
    }
}

impl Daemon {
    pub(crate) fn start(segment: &Segment, host: usize, kind: Kind, setup: &Setup) -> Self {
        let place = &segment.hosts[host];
        let Scripts { up, down, record } = Scripts::write(segment, setup);
        let mut command = place.command("sh");
        command.args(["-c", setup.wrapper.as_deref().unwrap_or("exec \"$@\""), "sh"]);
        if kind.binary() == Path::new(REFEREE) {
            // It keeps its lines to itself until 4 KiB are full unless it believes in a terminal.
            command.args(["stdbuf", "-oL"]);
        }
        command.arg(kind.binary());
        command
            .arg(format!("--interface={}", setup.interface))
            .args(setup.shares_ipv4().then(|| format!("--srcip={}", place.address)))
            .args([&format!("--vhid={VHID}"), &format!("--advskew={}", setup.skew)])
            .arg(setup.passfile.as_ref().map_or_else(
                || format!("--pass={}", setup.password),
                |file| format!("--passfile={}", file.display()),
            ))
            .args((kind.binary() != Path::new(REFEREE)).then(|| {
                // Who is killed leaves his socket behind.
                format!("--control={}", segment.control(host).display())
            }))
            .args(setup.managed.then_some("--manage-address"))
            .args(setup.shared.iter().map(|address| format!("--addr={address}")))
            .args([
                "--advbase=1",
                &format!("--upscript={}", up.display()),
                &format!("--downscript={}", down.display()),
            ])
            .args(&setup.more);
        let mut daemon =
            Self::spawn(segment, &format!("{} ({})", place.name, kind.word()), kind, command, record);
        daemon.interface = setup.interface;
        daemon
    }

    /// Starts any command line as a daemon.
    pub(crate) fn spawn(
        segment: &Segment,
        title: &str,
        kind: Kind,
        mut command: Command,
        hooks: PathBuf,
    ) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the daemon starts");
        let log = Arc::new(Log { title: title.to_owned(), lines: Mutex::new(Vec::new()), hooks });
        log.follow(child.stdout.take().expect("piped"));
        log.follow(child.stderr.take().expect("piped"));
        segment.register(Arc::clone(&log));
        Self { child, log, kind, interface: "eth0" }
    }

    pub(crate) fn is_ours(&self) -> bool {
        self.kind == Kind::Ours
    }

    /// The process that was started; the wrapper and the rest only prepare it and are replaced by it.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The process of ours that hears the network.
    pub(crate) fn engine(&self) -> Option<Pid> {
        engine_of(self.child.id())
    }

    /// Sends a signal to the process that was started. What nobody can refuse befalls a whole host: then it is for the
    /// engine too.
    pub(crate) fn signal(&self, signal: Signal) {
        let engine =
            self.engine().filter(|_| [Signal::SIGKILL, Signal::SIGSTOP, Signal::SIGCONT].contains(&signal));
        self.signal_hands(signal);
        if let Some(engine) = engine {
            kill(engine, signal).expect("it lives as long as the other");
        }
    }

    /// Sends a signal to the process that was started alone.
    pub(crate) fn signal_hands(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a process id is positive");
        kill(Pid::from_raw(pid), signal).expect("it is our child and has not been waited for");
    }

    /// Sends the signal and returns when.
    pub(crate) fn signal_at(&self, signal: Signal) -> f64 {
        let at = wire::now();
        self.signal(signal);
        at
    }

    #[track_caller]
    pub(crate) fn await_exit(&mut self, limit: Duration) -> ExitStatus {
        let end = end_of(limit);
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status;
            }
            assert!(Instant::now() < end, "{} still runs after {limit:?}", self.log.title);
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_none()
    }

    pub(crate) fn lines(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let lines = self.log.lines.lock().expect("no holder panics");
        lines.iter().map(|(_, line)| line.clone()).filter(|line| wanted(line)).collect()
    }

    #[track_caller]
    pub(crate) fn await_line(&self, what: &str, limit: Duration, wanted: impl Fn(&str) -> bool) -> String {
        eventually(&format!("{} logs {what}", self.log.title), limit, || !self.lines(&wanted).is_empty());
        self.lines(&wanted).remove(0)
    }

    /// The role it tells when asked by SIGUSR1.
    #[track_caller]
    pub(crate) fn role(&self) -> String {
        let place = format!(" on {} id {VHID}", self.interface);
        // A transition says the same and more behind it.
        let is_answer = |line: &str| line.ends_with(&place);
        let before = self.lines(is_answer).len();
        self.signal(Signal::SIGUSR1);
        eventually("an answer to SIGUSR1", Duration::from_secs(5), || self.lines(is_answer).len() > before);
        let line = self.lines(is_answer).pop().expect("it was just counted");
        let (head, _) = line.split_once(&place).expect("it was selected by this");
        head.rsplit(' ').next().unwrap_or_default().to_owned()
    }

    /// How many advertisements it has refused for one of these reasons, as it answers SIGUSR1.
    #[track_caller]
    pub(crate) fn refused(&self, reasons: &[&str]) -> u64 {
        let before = self.lines(|line| line.contains("; refused: ")).len();
        self.role();
        let answers = || self.lines(|line| line.contains("; refused: "));
        eventually("the second line of the answer", Duration::from_secs(1), || answers().len() > before);
        let answer = answers().pop().expect("it was just counted");
        let (_, refused) = answer.rsplit_once("; refused: ").expect("it was selected by this");
        refused
            .split(", ")
            .filter_map(|pair| pair.split_once(' '))
            .filter(|(reason, _)| reasons.contains(reason))
            .map(|(_, count)| count.parse::<u64>().expect("a number"))
            .sum()
    }

    pub(crate) fn hooks(&self) -> Vec<HookRun> {
        let mut runs: Vec<HookRun> = Vec::new();
        for line in fs::read_to_string(&self.log.hooks).unwrap_or_default().lines() {
            let mut fields = line.split('|');
            let (Some(phase), Some(hook), Some(at)) = (fields.next(), fields.next(), fields.next()) else {
                continue;
            };
            let at: f64 = at.parse().expect("date prints a number");
            if phase == "begin" {
                runs.push(HookRun {
                    hook: hook.to_owned(),
                    ended: None,
                    arguments: fields.next().unwrap_or_default().split(' ').map(str::to_owned).collect(),
                    environment: fields
                        .next()
                        .unwrap_or_default()
                        .split(';')
                        .filter_map(|pair| pair.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())))
                        .collect(),
                });
            } else if let Some(run) = runs.iter_mut().rev().find(|run| run.hook == hook) {
                run.ended = Some(at);
            }
        }
        runs
    }

    /// The hooks run so far, as words.
    pub(crate) fn hook_names(&self) -> Vec<String> {
        self.hooks().into_iter().map(|run| run.hook).collect()
    }

    /// Waits until exactly these hooks have begun, in this order. Any other order fails at once.
    #[track_caller]
    pub(crate) fn await_hooks(&self, wanted: &[&str], limit: Duration) {
        eventually(
            &format!("{} runs {wanted:?}, not {:?}", self.log.title, self.hook_names()),
            limit,
            || {
                let names = self.hook_names();
                assert!(
                    names.len() <= wanted.len() && names.iter().zip(wanted).all(|(n, w)| n == w),
                    "{}: hooks {names:?}, expected {wanted:?}",
                    self.log.title
                );
                names.len() == wanted.len()
            },
        );
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let engine = self.engine();
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        engine.map(|engine| kill(engine, Signal::SIGKILL));
    }
}

/// The child that hears the network, of a daemon of ours.
fn engine_of(hands: u32) -> Option<Pid> {
    let is_child = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let is_engine = |rest: &str| {
            let mut fields = rest.split_whitespace();
            fields.next() != Some("Z") && fields.next() == Some(&hands.to_string())
        };
        stat.split_once("(ucarp-engine)").is_some_and(|(_, rest)| is_engine(rest))
    };
    let all = fs::read_dir("/proc").ok()?.flatten();
    let engine = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).find(is_child)?;
    i32::try_from(engine).ok().map(Pid::from_raw)
}
