use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::super::super::outcome::Outcome;
use super::super::super::request::tests::news;
use super::super::super::roster::Roster;
use super::super::super::rules::tests::host;
use super::super::super::rules::{Circumstances, Rules};
use super::super::process::PATIENCE;
use super::*;
use crate::config::LogConfig;

const SECOND: Duration = Duration::from_secs(1);

/// A folder with the programs of one virtual host, removed afterwards.
struct Sandbox {
    folder: PathBuf,
    rules: Rules,
    heralds: Heralds,
    overheard: Overheard,
    log: Log,
}

impl Sandbox {
    /// Programs of these names that write what `line` makes of their environment.
    fn new(name: &str, programs: &[&str], script: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("ucarp-heralds-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (mut config, interface) = host("42", &["-x", "two words", "-a", "2001:db8::10"]);
        config.group = Some("front".into());
        for name in programs {
            let file = folder.join(name);
            fs::write(&file, format!("#!/bin/sh\ncd \"${{0%/*}}\"\n{script}\n")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
            config.notify.push(file);
        }
        let log = LogConfig { facility: None, debug: false, format: None };
        Self {
            folder,
            rules: Rules::of(Roster::of(vec![(config, interface)])),
            heralds: Heralds::default(),
            overheard: Overheard::nobody(),
            log: Log::open(log, None, None, crate::daemon::SERVICES),
        }
    }

    fn send(&mut self, role: Role) {
        let circumstances =
            Circumstances { now: Time::ZERO, running: &|_| None, checking: &|_| false, exists: &|_| true };
        let news = news(0, role);
        self.heralds.send(&self.rules.bulletin(&news, circumstances).unwrap());
    }

    fn look(&mut self, now: Time) -> Vec<Told> {
        self.heralds.look(&mut self.overheard, &mut self.log, now)
    }

    /// What is told until this is so, without any time for a program but what is real.
    fn until(&mut self, is_so: impl Fn(&Self) -> bool) -> Vec<Told> {
        let until = platform::now() + 20 * SECOND;
        let mut told = Vec::new();
        loop {
            told.extend(self.look(Time::ZERO));
            if is_so(self) {
                return told;
            }
            assert!(platform::now() < until, "{told:?} {:?}", self.said());
            platform::wait(&[], &mut Vec::new(), Some(Duration::from_millis(1))).unwrap();
        }
    }

    fn said(&self) -> Vec<String> {
        let said = fs::read_to_string(self.folder.join("said")).unwrap_or_default();
        said.lines().map(str::to_owned).collect()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.heralds.abandon();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn found(told: &Told) -> Option<&Found> {
    told.ran.as_ref().map(|(_, found)| found)
}

#[test]
fn changes_are_told_in_their_order_by_one_after_the_other() {
    let line = "echo begins >> said; sleep 0.05; \
                echo \"${0##*/} ${UCARP_PREVIOUS_STATE-none} $UCARP_STATE\" >> said";
    let mut sandbox = Sandbox::new("order", &["first", "second"], line);
    for role in [Role::Init, Role::Backup, Role::Backup, Role::Master, Role::Init] {
        sandbox.send(role);
    }
    assert_eq!(sandbox.heralds.deadline(), Some(Time::ZERO), "one may begin");
    let told = sandbox.until(|sandbox| sandbox.heralds.are_done());
    assert!(told.iter().all(|one| found(one).is_some_and(Found::is_well)), "{told:?}");
    let mut expected = Vec::new();
    for change in ["none INIT", "INIT BACKUP", "BACKUP MASTER", "MASTER INIT"] {
        for program in ["first", "second"] {
            expected.extend(["begins".to_owned(), format!("{program} {change}")]);
        }
    }
    assert_eq!(sandbox.said(), expected);
    assert!(sandbox.heralds.farewells().is_empty() && sandbox.heralds.deadline().is_none());
    sandbox.heralds.forget(0);
    sandbox.send(Role::Init);
    sandbox.until(|sandbox| sandbox.heralds.are_done());
    assert_eq!(sandbox.said().last().unwrap(), "second none INIT", "another has its number");
}

#[test]
fn a_program_is_told_everything() {
    let script = "{ for word; do echo \"<$word>\"; done; env | grep -E '^(UCARP_|SUBSYSTEM|SYSTEM|TYPE)' | sort; } > said";
    let mut sandbox = Sandbox::new("told", &["tell"], script);
    sandbox.send(Role::Init);
    sandbox.send(Role::Backup);
    sandbox.until(|sandbox| sandbox.heralds.are_done());
    let expected = "<eth7>\n<10.0.0.10>\n<two words>\nSUBSYSTEM=42@eth7\nSYSTEM=CARP\nTYPE=BACKUP\n\
                    UCARP_ADDRESSES=10.0.0.10/24 2001:db8::10\nUCARP_DEMOTION=7\nUCARP_GROUP=front\n\
                    UCARP_HOOK=notify\nUCARP_INTERFACE=eth7\nUCARP_MASTER=10.0.0.2\nUCARP_PREVIOUS_STATE=INIT\n\
                    UCARP_REASON=master_timed_out\nUCARP_STATE=BACKUP\nUCARP_VHID=42\nUCARP_XPARAM=two words";
    assert_eq!(sandbox.said().join("\n"), expected);
}

#[test]
fn of_what_waits_too_long_the_oldest_goes() {
    let mut sandbox = Sandbox::new("bound", &["tell"], "echo $UCARP_STATE >> said; sleep 600");
    sandbox.send(Role::Init);
    sandbox.until(|sandbox| sandbox.said().len() == 1);
    for number in 0..20 {
        sandbox.send(if number % 2 == 0 { Role::Backup } else { Role::Master });
    }
    let told = sandbox.look(Time::ZERO);
    let dropped: Vec<_> = told.iter().filter(|one| one.ran.is_none()).map(|one| one.what.role).collect();
    assert_eq!(dropped, [Role::Backup, Role::Master, Role::Backup, Role::Master]);
    assert_eq!(sandbox.heralds.pids().count(), 1);
}

#[test]
fn one_that_hangs_is_ended_and_the_next_has_its_turn() {
    let script = "trap '' TERM; echo $UCARP_STATE >> said; [ $UCARP_STATE = INIT ] && sleep 600; exit 0";
    let mut sandbox = Sandbox::new("hangs", &["tell"], script);
    sandbox.send(Role::Init);
    sandbox.until(|sandbox| sandbox.said().len() == 1);
    sandbox.send(Role::Master);
    let late = sandbox.heralds.deadline().unwrap();
    assert_eq!(late, Time::ZERO + crate::protocol::Hooks::TIMEOUT);
    assert!(sandbox.look(late).is_empty());
    assert_eq!(sandbox.heralds.deadline(), Some(late + PATIENCE), "it was asked");
    sandbox.look(late + PATIENCE);
    let told = sandbox.until(|sandbox| sandbox.heralds.are_done());
    assert!(matches!(found(&told[0]), Some(Found::TimedOut)), "{told:?}");
    assert!(matches!(found(&told[1]), Some(found) if found.is_well()), "{told:?}");
    assert_eq!(sandbox.said(), ["INIT", "MASTER"]);
    let farewells = sandbox.heralds.farewells();
    assert_eq!(farewells.iter().map(|news| (news.host, news.role)).collect::<Vec<_>>(), [(0, Role::Init)]);
}

#[test]
fn in_a_hurry_what_runs_has_half_of_the_time() {
    let mut sandbox = Sandbox::new("hurry", &["tell"], "echo >> said; sleep 600");
    sandbox.send(Role::Init);
    sandbox.until(|sandbox| sandbox.said().len() == 1);
    sandbox.heralds.hurry(Time::ZERO + 4 * SECOND, Time::ZERO);
    assert_eq!(sandbox.heralds.deadline(), Some(Time::ZERO + 2 * SECOND));
    sandbox.send(Role::Master);
    sandbox.look(Time::ZERO + 2 * SECOND);
    let told = sandbox.until(|sandbox| sandbox.said().len() == 2);
    assert!(matches!(found(&told[0]), Some(Found::TimedOut)), "{told:?}");
    assert_eq!(sandbox.heralds.deadline(), Some(Time::ZERO + 4 * SECOND));
}

#[test]
fn failures_are_told_and_hold_nobody_up() {
    let mut sandbox = Sandbox::new("fails", &["gone", "fails"], "exit 3");
    fs::remove_file(sandbox.folder.join("gone")).unwrap();
    sandbox.send(Role::Init);
    let told = sandbox.until(|sandbox| sandbox.heralds.are_done());
    let [gone, fails] = told.as_slice() else { panic!("{told:?}") };
    let Some(Found::NotRun { why }) = found(gone) else { panic!("{gone:?}") };
    assert!(why.starts_with("--notify: ") && why.contains("/gone"), "{why}");
    assert!(matches!(found(fails), Some(Found::Ended { outcome: Outcome::Exited(3), .. })), "{fails:?}");
}
