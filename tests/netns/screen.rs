//! `ucarpctl watch` on a terminal: what it shows while roles change, sizes change and daemons die, and what it leaves behind.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::cases::seconds;
use super::control::{TOOL, pair, refused, told};
use super::daemon::Kind;
use super::segment::{Segment, end_of, eventually};
use super::{Case, skip};

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![
        Case::new("watch_follows_what_happens", ours, follows),
        Case::new("watch_leaves_the_terminal_as_it_was", ours, leaves),
    ]
}

/// A shell in a terminal of its own, which tmux has.
struct Terminal {
    socket: PathBuf,
    folder: PathBuf,
    watch: String,
}

impl Terminal {
    fn open(segment: &Segment) -> Self {
        if !Command::new("tmux").arg("-V").output().is_ok_and(|done| done.status.success()) {
            skip("needs tmux");
        }
        let folder = segment.dir().to_owned();
        let watch = format!("{TOOL} --control={} watch", segment.control(0).display());
        let terminal = Self { socket: folder.join("tmux"), folder, watch };
        terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "30", "exec sh"]);
        terminal.keys("PS1='$ '; echo be''fore");
        terminal.shows("a shell", |lines| says(lines, "before"));
        terminal
    }

    #[track_caller]
    fn tmux(&self, words: &[&str]) -> String {
        let mut command = Command::new("tmux");
        command.env_remove("TMUX").env_remove("LANGUAGE").env_remove("NO_COLOR").env("LC_ALL", "C.UTF-8");
        command.arg("-u").arg("-S").arg(&self.socket).args(words);
        let done = command.output().expect("it starts");
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    /// Types a line.
    fn keys(&self, line: &str) {
        self.tmux(&["send-keys", "-l", line]);
        self.tmux(&["send-keys", "Enter"]);
    }

    fn lines(&self) -> Vec<String> {
        self.tmux(&["capture-pane", "-p"]).lines().map(|line| line.trim_end().to_owned()).collect()
    }

    #[track_caller]
    fn shows(&self, what: &str, wanted: impl Fn(&[String]) -> bool) {
        let mut last = Vec::new();
        let end = end_of(seconds(15));
        while Instant::now() < end {
            last = self.lines();
            if wanted(&last) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("{what}: {last:#?}");
    }

    /// A line begins with these words, whatever is between them.
    #[track_caller]
    fn shows_row(&self, words: &[&str]) {
        self.shows(&format!("{words:?}"), |lines| has_row(lines, words));
    }

    fn resize(&self, columns: u8, rows: u8) {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]);
    }

    /// Whether another screen is shown, and whether there is a cursor.
    fn state(&self) -> String {
        self.tmux(&["display-message", "-p", "#{alternate_on} #{cursor_flag} #{wrap_flag}"]).trim().to_owned()
    }

    /// What the terminal is set to, whatever its size.
    fn settings(&self, name: &str) -> String {
        let file = self.folder.join(name);
        self.keys(&format!("stty -a >{0}.new && mv {0}.new {0}", file.display()));
        eventually("the settings are there", seconds(15), || file.exists());
        let text = fs::read_to_string(&file).expect("it is there");
        text.split("; ").filter(|part| !part.starts_with("rows ") && !part.starts_with("columns ")).collect()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = Command::new("tmux").arg("-S").arg(&self.socket).arg("kill-server").output();
    }
}

/// Whether the shell says this; its prompt may stand before it, if it was not ready when it was told to.
fn says(lines: &[String], word: &str) -> bool {
    lines.iter().any(|line| line.ends_with(word))
}

fn has_row(lines: &[String], words: &[&str]) -> bool {
    lines
        .iter()
        .any(|line| line.split_whitespace().zip(words).filter(|(a, b)| a == *b).count() == words.len())
}

fn follows() {
    let segment = &Segment::new(2);
    let [mut first, mut second] = pair(segment, "");
    let terminal = Terminal::open(segment);
    terminal.keys(&terminal.watch);
    terminal.shows_row(&["web", "MASTER"]);
    // By its hardware address, for which there is room.
    let mac = segment.hosts[1].mac.map(|byte| format!("{byte:02x}")).join(":");
    terminal.shows_row(&["web", "10.9.0.2", &mac, "standby", "ours"]);
    terminal.shows("what happened", |lines| {
        lines.iter().any(|line| line == "EVENTS")
            && lines.iter().any(|line| line.contains("Switching to state: MASTER on eth0 id 7"))
            && lines.last().is_some_and(|line| line.starts_with("q ends it"))
            && lines.len() == 30
    });
    // Without room there is less, and never more than there is room for.
    for (columns, rows) in [(80, 24), (40, 10), (200, 50), (80, 24)] {
        terminal.resize(columns, rows);
        terminal.shows(&format!("{columns} by {rows}"), |lines| {
            lines.len() == usize::from(rows)
                && lines.first().is_some_and(|line| line.starts_with("ucarp  virtual hosts: 1, MASTER: 1"))
                && lines.last().is_some_and(|line| line.starts_with("q ends it"))
                && has_row(lines, &["web", "MASTER"])
                && lines.iter().any(|line| line == "EVENTS") == (rows > 10)
        });
    }
    terminal.shows_row(&["web", "10.9.0.2", "standby", "ours"]);
    // Whoever has the address.
    told(segment, 0, &["resign"], "steps aside");
    terminal.shows_row(&["web", "BACKUP"]);
    terminal.shows_row(&["web", "10.9.0.2", "master", "ours"]);
    segment.await_owner(1, seconds(8));
    second.daemon().signal(Signal::SIGKILL);
    second.daemon().await_exit(seconds(5));
    terminal.shows_row(&["web", "MASTER"]);
    terminal.shows("it is to be minded", |lines| lines[0].contains("to be looked at: 1"));
    // And whoever is there at all.
    first.daemon().signal(Signal::SIGKILL);
    first.daemon().await_exit(seconds(5));
    terminal.shows("nobody is there", |lines| {
        lines[1] == "no daemon, trying again" && !has_row(lines, &["web", "MASTER"])
    });
    first.start_again(segment, 0);
    terminal.shows_row(&["web", "MASTER"]);
    terminal.shows("nothing is wrong with it", |lines| lines[1].starts_with("NAME"));
    // In colours, unless somebody wants none.
    let coloured = || terminal.tmux(&["capture-pane", "-p", "-e"]).contains("\u{1b}[33m");
    eventually("it has no standby, in yellow", seconds(15), coloured);
    terminal.keys("q");
    terminal.keys(&format!("clear; NO_COLOR=1 {}", terminal.watch));
    terminal.shows_row(&["web", "MASTER"]);
    terminal.shows("all of it", |lines| lines.last().is_some_and(|line| line.starts_with("q ends it")));
    assert!(!coloured(), "{:?}", terminal.tmux(&["capture-pane", "-p", "-e"]));
}

fn leaves() {
    let segment = &Segment::new(1);
    let terminal = Terminal::open(segment);
    let (before, state) = (terminal.settings("before"), terminal.state());
    assert!(before.contains("icanon") && state == "0 1 1", "{state}: {before}");
    let pid = segment.dir().join("pid");
    let ends: [(&str, &dyn Fn()); 4] = [
        ("q", &|| _ = terminal.tmux(&["send-keys", "-l", "q"])),
        ("ctrl-c", &|| _ = terminal.tmux(&["send-keys", "C-c"])),
        ("term", &|| {
            let text = fs::read_to_string(&pid).expect("it was written");
            let pid = text.trim().parse().expect("a number");
            kill(Pid::from_raw(pid), Signal::SIGTERM).expect("it lives");
        }),
        ("small", &|| {
            terminal.resize(20, 3);
            terminal
                .shows("it is small", |lines| lines.last().is_some_and(|line| line.starts_with("q ends it")));
            terminal.tmux(&["send-keys", "-l", "xyzq"]);
            terminal.resize(80, 24);
        }),
    ];
    for (name, end) in ends {
        // It need not be there that somebody waits for it.
        terminal.keys(&format!(
            "sh -c 'echo $$ >{}; exec {}'; echo {name}=$?",
            pid.display(),
            terminal.watch
        ));
        terminal.shows("nobody is there", |lines| {
            lines.iter().any(|line| line.ends_with("no daemon, trying again"))
        });
        assert_eq!(terminal.state(), "1 0 0", "{name}");
        end();
        let done = format!("{name}=0");
        terminal.shows(&done, |lines| says(lines, &done));
        // In a small terminal that went out of sight.
        assert!(name == "small" || says(&terminal.lines(), "before"), "{name}: what was there is there");
        assert_eq!((terminal.settings(name), terminal.state()), (before.clone(), state.clone()), "{name}");
    }
    refused(segment, 0, &["watch"], 2, "needs a terminal");
    refused(segment, 0, &["--json", "watch"], 2, "for people");
    terminal.keys(&format!("{} </dev/null; echo null=$?", terminal.watch));
    terminal.shows("keys are read from nowhere", |lines| says(lines, "null=2"));
    // A name is somebody's, as long as somebody is there.
    refused(segment, 0, &["watch", "--frobnicate"], 2, "no such option");
}
