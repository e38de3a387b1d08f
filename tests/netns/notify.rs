//! The programs that are told of every change of state, and that none of them keeps anybody waiting.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};

use super::cases::seconds;
use super::daemon::{Daemon, Kind, Setup};
use super::reload::{Served, vip};
use super::segment::{Segment, VIP, eventually};
use super::{Case, wire};

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![
        Case::new("notify_tells_every_change_in_its_order", ours, in_order),
        Case::new("notify_that_hangs_delays_nobody", ours, hangs),
        Case::new("notify_goes_on_after_an_engine_died", ours, goes_on),
    ]
}

/// What the programs of a host have written.
struct Record(PathBuf);

impl Record {
    /// A program that writes a line, and does this before.
    fn program(segment: &Segment, host: usize, name: &str, script: &str) -> (Self, PathBuf) {
        let path = segment.dir().join(format!("{name}-{host}.sh"));
        let record = path.with_extension("record");
        let line = "$UCARP_NAME ${UCARP_PREVIOUS_STATE-none} $UCARP_STATE $UCARP_REASON $SUBSYSTEM $TYPE";
        let text = format!("#!/bin/sh\n{script}\necho \"{line}\" >> '{}'\n", record.display());
        fs::write(&path, text).expect("it is ours");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        (Self(record), path)
    }

    fn lines(&self) -> Vec<String> {
        fs::read_to_string(&self.0).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    #[track_caller]
    fn await_lines(&self, expected: &[&str]) {
        let all: Vec<String> = expected.iter().map(|line| format!("web {line}")).collect();
        eventually(&format!("{all:?}"), seconds(6), || self.lines().len() >= all.len());
        assert_eq!(self.lines(), all);
    }
}

fn web(programs: &[&Path], more: &str) -> String {
    let programs: Vec<String> = programs.iter().map(|path| format!("\"{}\"", path.display())).collect();
    let notify = format!("notify = [{}]", programs.join(", "));
    vip("web", 7, &VIP.to_string(), &format!("pass = \"secret\"\nsrcip = \"SOURCE\"\n{notify}\n{more}"))
}

fn is_warning(line: &str) -> bool {
    line.contains("[UC1058]")
}

const INIT: &str = "none INIT started 7@eth0 INIT";
const BACKUP: &str = "INIT BACKUP link_up 7@eth0 BACKUP";
const MASTER: &str = "BACKUP MASTER master_timed_out 7@eth0 MASTER";
const END: &str = "MASTER INIT shutdown 7@eth0 INIT";

fn in_order() {
    let segment = &Segment::new(2);
    let (first, program) = Record::program(segment, 0, "first", "");
    let (second, other) = Record::program(segment, 0, "second", "sleep 0.2");
    let (third, last) = Record::program(segment, 1, "third", "");
    let mut a = Served::start(segment, 0, &Setup::default(), &web(&[&program, &other], ""));
    segment.await_sole_master(0, seconds(8));
    let mut b = Served::start(segment, 1, &Setup::default(), &web(&[&last], "advskew = 100"));
    for record in [&first, &second] {
        record.await_lines(&[INIT, BACKUP, MASTER]);
    }
    third.await_lines(&[INIT, BACKUP]);
    a.daemon().signal_hands(Signal::SIGTERM);
    a.daemon().await_exit(seconds(5));
    for record in [&first, &second] {
        record.await_lines(&[INIT, BACKUP, MASTER, END]);
    }
    eventually("the other one is told", seconds(6), || third.lines().len() == 3);
    assert!(third.lines()[2].starts_with("web BACKUP MASTER "), "{:?}", third.lines());
    for served in [&mut a, &mut b] {
        assert_eq!(served.daemon().lines(is_warning), [""; 0]);
    }
    // A program that goes while it is served is said, and another list counts from the next change on.
    fs::remove_file(&last).expect("it is ours");
    let (fourth, next) = Record::program(segment, 1, "fourth", "exit 7");
    b.daemon().signal(Signal::SIGUSR2);
    eventually("it is master again", seconds(9), || {
        b.daemon().lines(|line| line.contains("[UC1058]")).len() >= 2
    });
    let said = b.daemon().lines(is_warning);
    assert!(said[0].contains("third-1.sh") && said[0].contains("BACKUP"), "{said:?}");
    segment.await_sole_master(1, seconds(9));
    b.rewrite(segment, 1, &web(&[&next], "advskew = 100"));
    b.daemon().signal_hands(Signal::SIGTERM);
    b.daemon().await_exit(seconds(5));
    assert!(fourth.lines().is_empty());
    let said = b.daemon().lines(is_warning);
    assert!(said.last().is_some_and(|line| line.contains("exit status 7")), "{said:?}");
    assert!(b.daemon().lines(|line| line.contains("[UC1059]")).is_empty());
}

fn hangs() {
    let segment = &Segment::new(1);
    let (record, program) = Record::program(segment, 0, "hangs", "trap '' TERM; sleep 600");
    let text = web(&[&program], "hook-timeout = \"1s\"");
    let mut served = Served::start(segment, 0, &Setup::default(), &text);
    let a: &mut Daemon = served.daemon();
    // At the start, with the others of its changes waiting behind it.
    a.await_hooks(&["down", "up"], seconds(5));
    segment.await_owner(0, seconds(1));
    a.await_line("that it takes too long", seconds(8), |line| {
        is_warning(line) && line.contains("longer than")
    });
    let since = wire::now();
    std::thread::sleep(seconds(4));
    let times: Vec<f64> = segment.ads_of(0, since).iter().map(|ad| ad.at).collect();
    assert!(times.windows(2).all(|pair| (0.9..1.1).contains(&(pair[1] - pair[0]))), "{times:?}");
    // On the way out it is not waited for, and the down hook runs at once.
    let asked = a.signal_at(Signal::SIGTERM);
    a.await_hooks(&["down", "up", "down"], seconds(1));
    a.await_exit(seconds(7));
    assert!(wire::now() - asked < 6.5, "{}", wire::now() - asked);
    assert!(record.lines().is_empty());
    let text = fs::read_dir("/proc")
        .expect("procfs")
        .flatten()
        .filter_map(|entry| fs::read_to_string(entry.path().join("cmdline")).ok());
    let program = program.display().to_string();
    assert!(!text.into_iter().any(|command| command.contains(&program)), "one is left");
}

fn goes_on() {
    let segment = &Segment::new(1);
    let (record, program) = Record::program(segment, 0, "tell", "");
    let mut served = Served::start(segment, 0, &Setup::default(), &web(&[&program], ""));
    segment.await_sole_master(0, seconds(8));
    record.await_lines(&[INIT, BACKUP, MASTER]);
    let a = served.daemon();
    let engine = a.engine().expect("it lives");
    kill(engine, Signal::SIGKILL).expect("it lives");
    eventually("there is another engine", seconds(5), || a.engine().is_some_and(|other| other != engine));
    let since = wire::now();
    segment.await_ad_of(0, since, seconds(3));
    record.await_lines(&[INIT, BACKUP, MASTER]);
    a.signal_hands(Signal::SIGTERM);
    a.await_exit(seconds(3));
    record.await_lines(&[INIT, BACKUP, MASTER, END]);
}
