//! `ci/demo`: that it shows what it promises, in whatever language its caller speaks, and that nothing of it is left.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::daemon::Kind;
use super::{Case, skip};

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![
        Case::new("demonstration_leaves_nothing", ours, whole),
        Case::new("demonstration_ended_by_ctrl_c_leaves_nothing", ours, || {
            cut_short(130, |show, _| killpg(show.pid(), Signal::SIGINT).expect("it runs"));
        }),
        Case::new("demonstration_ended_by_term_leaves_nothing", ours, || {
            cut_short(143, |show, _| kill(show.pid(), Signal::SIGTERM).expect("it runs"));
        }),
        Case::new("demonstration_that_nobody_reads_leaves_nothing", ours, || {
            cut_short(141, |_, lines| drop(lines));
        }),
        Case::new("demonstration_says_what_it_needs", ours, powerless),
    ]
}

const MARK: &str = "UCARP_DEMONSTRATION";

/// A run of the script. Its descendants are known by what they inherit, wherever they are and whoever started them.
struct Show {
    child: Child,
    mark: String,
    folder: PathBuf,
}

type Lines = BufReader<ChildStdout>;

impl Show {
    fn start(setting: &[(&str, &str)]) -> (Self, Lines) {
        static SHOWS: AtomicUsize = AtomicUsize::new(0);
        let number = SHOWS.fetch_add(1, Ordering::Relaxed);
        let mark = format!("{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(format!("ucarp-test-demo-{mark}"));
        fs::create_dir_all(&folder).expect("a temporary directory can be made");
        let mut child = script("sh")
            .arg(path())
            .envs(setting.iter().copied())
            .env(MARK, &mark)
            .env("TMPDIR", &folder)
            .process_group(0)
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped"));
        (Self { child, mark, folder }, lines)
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("pids are small"))
    }

    /// The processes of this run, with their command lines.
    fn processes(&self) -> Vec<(Pid, String)> {
        let mark = format!("{MARK}={}", self.mark);
        let marked = |path: &Path| {
            fs::read(path.join("environ"))
                .is_ok_and(|environment| environment.split(|byte| *byte == 0).any(|it| it == mark.as_bytes()))
        };
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        entries
            .flatten()
            .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
            .filter(|(_, path)| marked(path))
            .map(|(pid, path)| {
                (Pid::from_raw(pid), fs::read_to_string(path.join("cmdline")).unwrap_or_default())
            })
            .collect()
    }

    fn namespaces(&self) -> Vec<String> {
        let name = format!("ucarp-demo-{}-", self.child.id());
        let Ok(entries) = fs::read_dir("/run/netns") else { return Vec::new() };
        entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|entry| entry.starts_with(&name))
            .collect()
    }

    /// How it ended, and that nothing is left.
    fn ended(&mut self) -> Option<i32> {
        let status = self.child.wait().expect("it is our child");
        // What was killed may take a moment to be gone.
        let mut left = self.processes();
        for _ in 0..100 {
            if left.is_empty() {
                break;
            }
            thread::sleep(Duration::from_millis(20));
            left = self.processes();
        }
        assert_eq!(left, [], "left behind");
        assert_eq!(self.namespaces(), Vec::<String>::new());
        let files: Vec<_> =
            fs::read_dir(&self.folder).expect("it was made").flatten().map(|it| it.path()).collect();
        assert_eq!(files, Vec::<PathBuf>::new());
        status.code()
    }
}

impl Drop for Show {
    fn drop(&mut self) {
        for (pid, _) in self.processes() {
            let _ = kill(pid, Signal::SIGKILL);
        }
        let _ = self.child.wait();
        for name in self.namespaces() {
            let _ = Command::new("ip").args(["netns", "del", &name]).status();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn path() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("ci/demo");
    if !path.exists() {
        skip("needs the checkout: ci/demo");
    }
    if Command::new("ping").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        skip("needs ping");
    }
    path
}

fn script(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("UCARP_UNDER_TEST", Kind::Ours.binary()).stdin(Stdio::null());
    command
}

fn whole() {
    // Catalogues where there are any: what the daemons say is read by the script.
    let german = [("UCARP_LOCALEDIR", env!("BUILT_LOCALEDIR")), ("LC_ALL", "C.UTF-8"), ("LANGUAGE", "de")];
    let (mut show, lines) = Show::start(&german);
    let text: Vec<String> = lines.lines().map_while(Result::ok).collect();
    assert_eq!(show.ended(), Some(0), "{text:#?}");
    let told = |host: &str, words: &str| {
        let found = text.iter().any(|line| line.contains(&format!(" s  {host}  ")) && line.contains(words));
        assert!(found, "{host}: {words}: {text:#?}");
    };
    told("a", "BACKUP → MASTER: no master was heard [UC1001 master_timed_out]");
    told("b", "BACKUP → MASTER: nothing heard from 10.66.0.1");
    told("b", "MASTER → BACKUP: the preferred master 10.66.0.1");
    told("b", "[UC1001 master_left]");
    assert!(text.last().is_some_and(|line| line.contains("polite stop")), "{text:#?}");
}

/// In the middle, when everything runs that ever runs.
fn cut_short(status: i32, how: impl Fn(&Show, Lines)) {
    let (mut show, mut lines) = Show::start(&[]);
    let mut line = String::new();
    while !line.contains("loses its power") {
        line.clear();
        assert!(lines.read_line(&mut line).is_ok_and(|bytes| bytes > 0), "it ended before");
    }
    assert!(show.processes().iter().any(|(_, words)| words.starts_with("ping\0")), "the client pings");
    how(&show, lines);
    assert_eq!(show.ended(), Some(status));
}

fn powerless() {
    let script = |lacking: &str| {
        let mut command = script("setpriv");
        command.arg(format!("--bounding-set=-{lacking}")).arg("sh").arg(path());
        command.output().expect("setpriv starts")
    };
    for lacking in ["net_admin", "sys_admin"] {
        let done = script(lacking);
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!((done.status.code(), said.lines().count()), (Some(1), 1), "{said}");
        assert!(said.starts_with("ci/demo: needs CAP_NET_ADMIN and CAP_SYS_ADMIN"), "{said}");
    }
}
