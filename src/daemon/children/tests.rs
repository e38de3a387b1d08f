use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use super::super::capture::Looks;
use super::super::request::tests::{news, run};
use super::super::request::{Beat, News, Request, Run, decode, encode};
use super::super::roster::Roster;
use super::super::rules::{Act, Circumstances, Refusal, Rules};
use super::*;
use crate::config::LogConfig;
use crate::daemon::rules::tests::host;
use crate::log::{Level, Line};
use crate::platform::{Broken, Channel};
use crate::protocol::{Reason, Role, Time};

/// A folder with two hosts' scripts, removed afterwards. The second host has no up script.
struct Sandbox {
    folder: PathBuf,
    rules: Rules,
    children: Children,
    overheard: Overheard,
    log: Log,
}

impl Sandbox {
    fn new(name: &str, script: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("ucarp-children-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = |name: &str| {
            let file = folder.join(name);
            fs::write(&file, format!("#!/bin/sh\ncd \"${{0%/*}}\"\n{script}\n")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
            file
        };
        let (mut first, interface) = host("42", &["-x", "two words", "-a", "2001:db8::10"]);
        let (mut second, _) = host("43", &[]);
        (first.up, first.down) = (Some(file("up")), Some(file("down")));
        (second.up, second.down) = (None, first.down.clone());
        let rules = Rules::of(Roster::of(vec![(first, interface.clone()), (second, interface)]));
        let config = LogConfig { facility: None, debug: false, format: None };
        let log = Log::open(config, None, None, crate::daemon::SERVICES);
        Self { folder, rules, children: Children::default(), overheard: Overheard::nobody(), log }
    }

    /// What the rules make of a request is done.
    fn ask(&mut self, request: &Request, now: Time) -> Result<(), Refusal> {
        let Self { rules, children, overheard, .. } = self;
        let running = |host| children.running(host);
        let circumstances =
            Circumstances { now, running: &running, checking: &|_| false, exists: &|name| name == "wan0" };
        match rules.allows(request, circumstances)? {
            Act::Start(order) => children.start(&order, overheard).unwrap(),
            Act::Kill { host, force } => children.kill(host, force),
            Act::Notify(bulletin) => children.heralds.send(&bulletin),
            Act::Check(_)
            | Act::Shift { .. }
            | Act::Survey { .. }
            | Act::Open { .. }
            | Act::Connect { .. }
            | Act::Note { .. }
            | Act::Say(_)
            | Act::End { .. }
            | Act::Forget { .. }
            | Act::Settle { .. }
            | Act::Show { .. }
            | Act::Answer { .. }
            | Act::AnswerTook { .. } => {}
        }
        Ok(())
    }

    fn look(&mut self) -> Vec<Happened> {
        self.children.look(&mut self.overheard, &mut self.log)
    }

    fn run(&mut self, host: u16, hook: Hook) {
        self.ask(&Request::Run(run(host, hook)), Time::ZERO).unwrap();
    }

    /// Everything that happens until nothing runs.
    fn wait(&mut self) -> Vec<Happened> {
        let until = platform::now() + Duration::from_secs(20);
        let mut happened = Vec::new();
        while self.children.all().next().is_some() {
            assert!(platform::now() < until, "{happened:?}");
            happened.extend(self.look());
            platform::wait(&[], &mut Vec::new(), Some(Duration::from_millis(1))).unwrap();
        }
        happened
    }

    fn said(&self) -> String {
        fs::read_to_string(self.folder.join("said")).unwrap_or_default()
    }

    fn files(&self) -> BTreeSet<String> {
        let names = fs::read_dir(&self.folder).unwrap();
        names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.children.all().for_each(|(host, _)| self.children.kill(host, true));
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn a_script_is_told_everything() {
    let script =
        r#"{ for word; do echo "<$word>"; done; env | grep ^UCARP_ | sort; wc -c | tr -d ' '; } > said"#;
    let mut sandbox = Sandbox::new("told", script);
    sandbox.run(0, Hook::Up);
    assert_eq!(sandbox.children.pids().len(), 1);
    let happened = sandbox.wait();
    let [Happened::Running { host: 0, hook: Hook::Up, .. }, Happened::Ended { host: 0, outcome, .. }] =
        happened.as_slice()
    else {
        panic!("{happened:?}")
    };
    assert!(outcome.success());
    let expected = "<eth7>\n<10.0.0.10>\n<two words>\nUCARP_ADDRESSES=10.0.0.10/24 2001:db8::10\nUCARP_HOOK=up\n\
                    UCARP_INTERFACE=eth7\nUCARP_MASTER=2001:db8::1\nUCARP_REASON=master_timed_out\n\
                    UCARP_STATE=MASTER\nUCARP_VHID=42\nUCARP_XPARAM=two words\n0\n";
    assert_eq!(sandbox.said(), expected);
    let renamed =
        Run { interface: "wan0".into(), master: None, reason: Reason::Started, ..run(1, Hook::Down) };
    sandbox.ask(&Request::Run(renamed), Time::ZERO).unwrap();
    sandbox.wait();
    let said = sandbox.said();
    assert!(said.starts_with("<wan0>\n<10.0.0.10>\nUCARP_ADD"), "{said}");
    assert!(!said.contains("UCARP_MASTER") && !said.contains("UCARP_XPARAM"), "{said}");
}

#[test]
fn what_cannot_be_executed_is_told_as_such() {
    let mut sandbox = Sandbox::new("refused", "exit 0");
    for (content, mode) in
        [("#!/nonexistent/interpreter\n", 0o755), ("exit 0\n", 0o755), ("#!/bin/sh\n", 0o644)]
    {
        fs::write(sandbox.folder.join("down"), content).unwrap();
        fs::set_permissions(sandbox.folder.join("down"), fs::Permissions::from_mode(mode)).unwrap();
        sandbox.run(1, Hook::Down);
        let happened = sandbox.wait();
        let [Happened::NotRun { host: 1, hook: Hook::Down, why }] = happened.as_slice() else {
            panic!("{happened:?}")
        };
        assert!(why.starts_with("--downscript: ") && why.contains("/down"), "{why}");
    }
}

#[test]
fn statuses_and_ends() {
    let mut sandbox =
        Sandbox::new("statuses", "[ $UCARP_HOOK = up ] && exit 3; trap '' TERM; echo > begun; sleep 600");
    sandbox.run(0, Hook::Up);
    assert!(matches!(sandbox.wait().last(), Some(Happened::Ended { outcome: Outcome::Exited(3), .. })));
    sandbox.run(0, Hook::Down);
    sandbox.run(1, Hook::Down);
    let until = platform::now() + Duration::from_secs(20);
    while !sandbox.folder.join("begun").exists() {
        assert!(platform::now() < until);
        platform::wait(&[], &mut Vec::new(), Some(Duration::from_millis(1))).unwrap();
    }
    let kill = |force| Request::Kill { host: 0, hook: Hook::Down, force };
    sandbox.ask(&kill(true), Time::ZERO).unwrap();
    sandbox.ask(&Request::Kill { host: 1, hook: Hook::Down, force: true }, Time::ZERO).unwrap();
    let ended = sandbox.wait();
    let by_force = |one: &&Happened| matches!(one, Happened::Ended { outcome: Outcome::Signalled(9), .. });
    assert_eq!(ended.iter().filter(by_force).count(), 2, "{ended:?}");
    assert_eq!(sandbox.ask(&kill(false), Time::ZERO), Err(Refusal::HookDoesNotRun));
}

/// Numbers that look random, the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        let number = usize::try_from(self.below(all.len() as u64)).unwrap();
        all[number].clone()
    }

    fn request(&mut self) -> Request {
        let host = self.one_of(&[0, 1, 2, 7, u16::MAX]);
        let hook = self.one_of(&[Hook::Up, Hook::Down]);
        let names =
            ["eth7", "wan0", "lo", "", "../../bin/sh", "eth7\n", "wan0;touch pwned", "$(touch pwned)", "-x"];
        let interface = self.one_of(&names).to_owned();
        let role = self.one_of(&[Role::Init, Role::Backup, Role::Master]);
        let reason = self.one_of(&Reason::ALL);
        match self.below(20) {
            0..10 => Request::Run(Run { interface, role, reason, ..run(host, hook) }),
            10 => Request::Kill { host, hook, force: self.below(2) == 0 },
            11..13 => Request::Survey { interface },
            13..15 => Request::OpenDevices {
                interface,
                hosts: vec![host; 3],
                looks: Looks::Around,
                capture_only: host % 2 == 0,
            },
            15..17 => Request::Say(Line::new(Level::Error, interface)),
            17 if self.below(2) == 0 => Request::Left { host },
            18 => Request::Notify(News { interface, role, reason, ..news(host, role) }),
            17 => Request::Settled { host },
            _ => Request::Heartbeat(Beat {
                roles: vec![role; usize::from(host % 5)],
                ahead: vec![(host, 500)],
                ..Beat::default()
            }),
        }
    }
}

/// Somebody has the engine in his hands, and knows how it talks.
#[test]
fn a_hostile_engine_gets_nothing_else() {
    let script = "line=$(printf '%s|' $UCARP_HOOK $UCARP_VHID \"$@\"); echo \"$line\" >> said";
    let mut sandbox = Sandbox::new("hostile", script);
    let mut dice = Dice(20_261_129);
    let (mut engine, mut hands) = Channel::pair().unwrap();
    let (mut done, mut refused, mut senseless) = (0, 0, 0);
    for step in 0..3000_u64 {
        let mut bytes = encode(&dice.request());
        match dice.below(4) {
            0 => {
                let at = usize::try_from(dice.below(bytes.len() as u64)).unwrap();
                bytes[at] = dice.one_of(&[0, 1, 0xff, b'.', b'/']);
            }
            1 => bytes = (0..dice.below(40)).map(|_| dice.one_of(&[0, 1, 2, 4, 0xff])).collect(),
            _ => {}
        }
        engine.send(&bytes, Vec::new()).unwrap();
        loop {
            match hands.receive(0) {
                Ok(None) => break,
                Ok(Some(message)) => match decode::<Request>(&message.bytes) {
                    // Ending is what it may do at any time.
                    None | Some(Request::Finished { .. }) => senseless += 1,
                    Some(request) => match sandbox.ask(&request, Time::from_micros(step * 100_000)) {
                        Ok(()) => done += 1,
                        Err(_) => refused += 1,
                    },
                },
                Err(Broken::Ended | Broken::Garbled | Broken::Failed(_)) => {
                    (engine, hands) = Channel::pair().unwrap();
                }
            }
        }
        sandbox.look();
        let hosts: BTreeSet<u16> = sandbox.children.all().map(|(host, _)| host).collect();
        assert_eq!(hosts.len(), sandbox.children.all().count(), "two at once for one host");
        // Some get as far as saying something before it has them ended.
        if step % 100 == 99 {
            sandbox.wait();
        }
    }
    assert!(done > 100 && refused > 500 && senseless > 100, "{done} {refused} {senseless}");
    let said = sandbox.said();
    let allowed = |line: &str| {
        ["up|42|eth7|10.0.0.10|two words|", "up|42|wan0|10.0.0.10|two words|"].contains(&line)
            || ["down|42|eth7|10.0.0.10|two words|", "down|42|wan0|10.0.0.10|two words|"].contains(&line)
            || ["down|43|eth7|10.0.0.10|", "down|43|wan0|10.0.0.10|"].contains(&line)
    };
    let strange: Vec<&str> = said.lines().filter(|line| !allowed(line)).collect();
    assert!(strange.is_empty() && said.lines().count() > 10, "{strange:?} in {} lines", said.lines().count());
    let known = ["up", "down", "said"].map(str::to_owned).into();
    assert!(sandbox.files().is_subset(&known), "{:?}", sandbox.files());
}
