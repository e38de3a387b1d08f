use std::fs;

use super::super::super::outcome::Outcome;
use super::super::super::request::Request;
use super::super::super::roster::Roster;
use super::super::super::rules::{Act, Circumstances, Rules};
use super::super::process::PATIENCE;
use super::*;
use crate::config::Check;
use crate::config::check::{OnFailure, Probe, Verdict, Whom};
use crate::platform::User;

/// Long enough for a shell to have said its line, on a machine with much else to do.
const TIMEOUT: Duration = Duration::from_secs(1);

fn check(probe: Probe) -> Check {
    Check {
        name: "ready".into(),
        probe,
        every: Duration::from_secs(3),
        timeout: TIMEOUT,
        fall: 3,
        rise: 2,
        demote: 240,
        on_failure: OnFailure::Demote,
        whom: Whom::Group("front".into()),
        initial: Verdict::Failing,
    }
}

fn shell(script: &str) -> Probe {
    let words = vec!["-c".to_owned(), script.to_owned(), "two words".to_owned()];
    Probe::Command { program: "/bin/sh".into(), words, user: None }
}

/// The checks that these are, as the rules let them be made.
struct Bench {
    rules: Rules,
    checks: Checks,
    usual: Option<User>,
}

impl Bench {
    fn new(probes: Vec<Probe>) -> Self {
        let roster = Roster::default().checked(probes.into_iter().map(check).collect());
        Self { rules: Rules::of(roster), checks: Checks::default(), usual: None }
    }

    fn begin(&mut self, number: u16) {
        let request = Request::Check { check: number, run: 7 };
        let checks = &self.checks;
        let circumstances = Circumstances {
            now: Time::ZERO,
            running: &|_| None,
            checking: &|check| checks.has(check),
            exists: &|_| false,
        };
        let Ok(Act::Check(look)) = self.rules.allows(&request, circumstances) else { panic!("not allowed") };
        let program = look.program(self.usual.as_ref()).unwrap().unwrap();
        self.checks.start((number, 7), &program, TIMEOUT, now()).unwrap();
    }

    /// Waits as the hands do until nothing runs any more.
    fn found(&mut self) -> Vec<(u16, Found)> {
        let until = now() + Duration::from_secs(20);
        let (mut found, mut ready) = (Vec::new(), Vec::new());
        while self.checks.pids().next().is_some() {
            assert!(now() < until, "{found:?}");
            let fds: Vec<_> = self.checks.descriptors(now()).collect();
            platform::wait(&fds, &mut ready, Some(Duration::from_millis(5))).unwrap();
            let looked = self.checks.look(now());
            found.extend(looked.into_iter().map(|((check, run), found)| {
                assert_eq!(run, 7);
                (check, found)
            }));
        }
        found
    }

    fn one(probe: Probe) -> Found {
        let mut bench = Self::new(vec![probe]);
        bench.begin(0);
        assert!(bench.checks.has(0) && !bench.checks.has(1));
        let found = bench.found();
        assert_eq!(found.len(), 1);
        assert!(!bench.checks.has(0));
        found.into_iter().next().unwrap().1
    }
}

fn now() -> Time {
    Time::new(platform::now())
}

fn ended(outcome: Outcome, last_line: Option<&str>) -> Found {
    Found::Ended { outcome, last_line: last_line.map(str::to_owned) }
}

/// Whether a process does something still.
fn lives(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next()).is_some_and(|state| state != "Z")
}

/// Waits for the end of a process that was told to end, or fails.
fn ends(pid: &str) {
    let until = now() + Duration::from_secs(5);
    while lives(pid) {
        assert!(now() < until, "{pid} lives");
        platform::wait(&[], &mut Vec::new(), Some(Duration::from_millis(2))).unwrap();
    }
}

#[test]
fn the_status_and_the_last_line() {
    let script = "echo one; echo \"$UCARP_CHECK $0\" >&2; wc -c >&2; exit 3";
    assert_eq!(Bench::one(shell("exit 0")), ended(Outcome::Exited(0), None));
    assert_eq!(Bench::one(shell(script)), ended(Outcome::Exited(3), Some("0")));
    assert_eq!(
        Bench::one(shell("echo \"$UCARP_CHECK $0\"")),
        ended(Outcome::Exited(0), Some("ready two words"))
    );
    assert_eq!(Bench::one(shell("kill -9 $$")), ended(Outcome::Signalled(9), None));
    // More than a pipe holds.
    let much = Bench::one(shell(
        "i=0; while [ $i -lt 3000 ]; do echo 'a line that is as long as many a line of a program that has much to say'; i=$((i+1)); done; echo end",
    ));
    assert_eq!(much, ended(Outcome::Exited(0), Some("end")));
}

#[test]
fn a_file_is_looked_at_by_a_process() {
    let file = |path: &str| Bench::one(Probe::File { path: path.into(), user: None });
    assert_eq!(file("/etc/passwd"), ended(Outcome::Exited(0), None));
    for none in ["/nonexistent/file", "/etc", "/dev/null", "/etc/passwd; true"] {
        assert_eq!(file(none), ended(Outcome::Exited(1), None), "{none}");
    }
}

#[test]
fn what_cannot_be_run_says_why() {
    let probe = |program: &str| Probe::Command { program: program.into(), words: vec![], user: None };
    let Found::NotRun { why } = Bench::one(probe("/nonexistent/curl")) else { panic!("it ran") };
    assert!(why.contains("--command: '/nonexistent/curl'"), "{why}");
}

#[test]
fn what_takes_too_long_is_ended_with_all_it_started() {
    let before = now();
    let hangs = Bench::one(shell("trap '' TERM; sleep 600 & echo $! >&2; wait; sleep 600"));
    let took = now().since(before);
    assert!(took >= TIMEOUT + PATIENCE && took < Duration::from_secs(10), "{took:?}");
    let Found::Ended { outcome: Outcome::Signalled(9), last_line: Some(_) } = hangs else {
        panic!("{hangs:?}")
    };
    let Found::Ended { outcome, last_line } = Bench::one(shell("sleep 600 & echo $!; wait")) else {
        panic!()
    };
    assert_eq!(outcome, Outcome::Signalled(15));
    ends(&last_line.unwrap());
    let endless = Bench::one(shell("while :; do echo endless; done"));
    assert_eq!(endless, ended(Outcome::Signalled(15), Some("endless")));
}

#[test]
fn what_is_left_behind_is_ended_and_nobody_waits_for_it() {
    let before = now();
    let left = Bench::one(shell("sleep 600 & echo $!"));
    assert!(now().since(before) < TIMEOUT, "it was not waited for");
    let Found::Ended { outcome: Outcome::Exited(0), last_line: Some(pid) } = left else { panic!("{left:?}") };
    ends(&pid);
}

#[test]
fn nobody_is_told_of_what_is_forgotten_and_no_descriptor_is_left() {
    let descriptors = || fs::read_dir("/proc/self/fd").map(|all| all.count()).unwrap_or_default();
    let mut bench = Bench::new((0..8).map(|_| shell("sleep 600")).collect());
    // Other tests have some, too, for a while.
    let run = |bench: &mut Bench| {
        (0..8).for_each(|check| bench.begin(check));
        assert!(bench.checks.descriptors(now()).count() > 8);
        bench.checks.forget(Some(3));
        assert!(!bench.checks.has(3) && bench.checks.has(4));
        bench.checks.forget(None);
        assert_eq!((bench.checks.deadline(), bench.found()), (None, vec![]));
        assert_eq!(bench.checks.descriptors(now()).count(), 0);
    };
    let before = descriptors();
    (0..10).for_each(|_| run(&mut bench));
    assert!(descriptors() < before + 70, "eighty runs had two each");
}

#[test]
fn it_is_made_without_our_rights() {
    if platform::user_and_group().0 != 0 {
        return;
    }
    let usual = User { name: None, uid: 70_001, gid: 70_002 };
    let other = crate::config::Account { name: Some("x".into()), uid: 70_003, gid: 70_004 };
    let words = vec!["-c".to_owned(), "echo $(id -u) $(id -g) $(id -G)".to_owned()];
    let named = Probe::Command { program: "/bin/sh".into(), words, user: Some(other) };
    let mut bench = Bench::new(vec![shell("echo $(id -u) $(id -g) $(id -G)"), named]);
    bench.usual = Some(usual);
    (0..2).for_each(|check| bench.begin(check));
    let mut found = bench.found();
    found.sort_by_key(|(check, _)| *check);
    let said = |line: &str| ended(Outcome::Exited(0), Some(line));
    assert_eq!(found, [(0, said("70001 70002 70002")), (1, said("70003 70004 70004"))]);
}
