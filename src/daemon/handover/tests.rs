use std::ffi::OsString;
use std::net::IpAddr;
use std::time::Duration;

use super::super::rules::tests::host;
use super::*;
use crate::config::check::{OnFailure, Probe, Verdict, Whom};
use crate::config::cli::{self, Invocation};
use crate::config::{Account, Check, VirtualAddress};
use crate::daemon::by_hand::Demand;
use crate::daemon::caller;
use crate::daemon::previous::Setup;
use crate::daemon::roster::Standing;
use crate::protocol::{Departure, Dialect, Reason};

/// One that says something of everything.
fn sample() -> Handover {
    let words = ["-i", "eth7", "-v", "9", "-p", "secret", "-a", "10.0.0.9", "-B", "--debug"];
    let Ok(Invocation::Run { config, .. }) = cli::parse(words.iter().map(OsString::from), &caller()) else {
        panic!("{words:?}")
    };
    let over =
        vec![("--debug".to_owned(), Vec::new()), ("--pidfile".to_owned(), vec![OsString::from("ucarp.pid")])];
    let source = Source::again("/etc/ucarp/ucarp.toml".into(), over, "/root".into());
    let mut life = Life::of(&config, Manager::default());
    life.config = Config {
        pidfile: Some("/run/ucarp.pid".into()),
        user: Some(Account { name: Some("nobody".into()), uid: 65_534, gid: 65_535 }),
        control: ControlPlace::In("/run/ucarp".into()),
        log: LogConfig { format: Some(LogFormat::Json), ..life.config.log },
        source: Some(source.expect("it is known")),
        ..life.config
    };
    life.program = Some("/usr/sbin/ucarp".into());
    let mut roster = Roster::of(vec![host("7", &["-x", "ü"]), host("8", &["-k", "3"]), host("9", &[])]);
    let check = Check {
        name: "web".into(),
        probe: Probe::Command { program: "/bin/true".into(), words: vec!["a b".into()], user: None },
        every: Duration::from_secs(3),
        timeout: Duration::from_millis(1500),
        fall: 3,
        rise: 2,
        demote: 240,
        on_failure: OnFailure::Release,
        whom: Whom::Group("all".into()),
        initial: Verdict::Unknown,
    };
    roster = roster.checked(vec![check]);
    roster.set(1, Standing::Leaves(Departure::Moved));
    roster.set(2, Standing::Gone);
    let entry = roster.get_mut(0).expect("it is there");
    let address: IpAddr = "10.0.0.77".parse().expect("an address");
    entry.held = vec![VirtualAddress { address, prefix: Some(24) }];
    entry.kept = vec![Former {
        form: Form::new(Key::from_password(b"former").expect("short"), &[address], Dialect::ALL[0]),
        accepted: Time::from_micros(9_000_001),
        sent: Some(Time::from_micros(5)),
    }];
    entry.demands = Some(vec![Demand {
        name: "maintenance".into(),
        amount: 254,
        by: Some(0),
        since: Duration::from_secs(1_800_000_000),
        until: Some(Time::from_micros(77)),
        because: Some("the disk".into()),
    }]);
    entry.begin(Hook::Up);
    let mut previous = Previous::default();
    let before = Setup::new(vec![host("7", &["-p", "other"]).0], Vec::new());
    previous.reloaded(before, &Setup::of(&roster), Some(Duration::from_secs(300)), Time::from_micros(8));
    let lock = LeftLock { path: "/run/x.lock".into(), is: (1, 2), descriptor: Some(11) };
    let claim = |name: &str, parked: Option<u32>| LeftClaim {
        name: name.into(),
        socket: parked.is_none().then_some(12),
        lock: Some(LeftLock { descriptor: parked.is_none().then_some(13), ..lock.clone() }),
        parked,
    };
    let held = vec![claim("ucarp eth7 id 7", None), claim("ucarp eth7 id 8", Some(4))];
    let parking = LeftParking { socket: Some(14), kept: vec![(4, 2)], issued: 4, beside: vec![15] };
    let door = |orders, descriptor| LeftDoor { orders, path: "/run/ucarp/x".into(), inode: 5, descriptor };
    Handover {
        life,
        blocked: vec![1, 15],
        roster,
        warned: vec!["mind that".into()],
        previous,
        refused: true,
        ahead: vec![0, 700, 0],
        claims: LeftClaims { held, parking },
        pidfile: Some(LeftPidFile { path: "/run/ucarp.pid".into(), descriptor: 16, lock }),
        doors: vec![door(true, 17), door(false, 18)],
        client: Some(LeftClient { descriptor: 19, user: 1000 }),
        engine: LeftEngine {
            pid: 4321,
            channel: 20,
            roles: vec![Role::Master, Role::Backup, Role::Init],
            beat: Time::from_micros(1_234_567_890),
            last: vec![Some(Hook::Up), None, None],
        },
        hooks: vec![LeftHook { host: 0, hook: Hook::Up, path: "/bin/up".into(), pid: 4322 }],
        news: vec![News {
            host: 0,
            interface: "eth7".into(),
            role: Role::Master,
            reason: Reason::Started,
            master: Some(address),
            demotion: 3,
        }],
        over: vec![4323],
    }
}

#[test]
fn what_is_handed_over_is_what_was_there() {
    let sample = sample();
    let document = sample.document("2.0.0");
    let (version, read) = Handover::of(&document).expect("it is one");
    assert_eq!(version, "2.0.0");
    assert_eq!(format!("{read:?}"), format!("{sample:?}"));
    assert_eq!(read.roster, sample.roster);
    assert!(read.life.config.runs_like(&sample.life.config));
    assert_eq!(read.document("2.0.0"), document);
}

#[test]
fn all_descriptors_are_known() {
    let mut descriptors = sample().descriptors();
    descriptors.sort_unstable();
    // One lock is named twice in the sample, as it is in none.
    descriptors.dedup();
    assert_eq!(descriptors, (11..=20).collect::<Vec<_>>());
}

#[test]
fn half_of_it_is_none_and_says_who_wrote_it_where_it_can() {
    let document = sample().document("9.9");
    let told = TITLE.len() + 2 + "9.9".len();
    for length in 0..document.len() {
        let why = Handover::of(&document[..length]).err();
        let expected = if length < told { Misread::NotOne } else { Misread::Unknown("9.9".into()) };
        assert_eq!(why, Some(expected), "{length}");
    }
    let longer = [&document[..], &[0]].concat();
    assert_eq!(Handover::of(&longer).err(), Some(Misread::Unknown("9.9".into())));
    assert_eq!(Handover::of(b"ucarp hands over 2\n").err(), Some(Misread::NotOne));
}

#[test]
fn whatever_is_wrong_with_it_is_no_panic() {
    let document = sample().document("2.0.0");
    let mut understood = 0;
    for at in 0..document.len() {
        for bits in [0x01, 0x80, 0xff] {
            let mut wrong = document.to_vec();
            wrong[at] ^= bits;
            if let Ok((version, read)) = Handover::of(&wrong) {
                understood += 1;
                assert_eq!(read.document(&version).as_slice(), wrong, "one way to say it: {at}");
            }
        }
    }
    assert!(understood > 100, "numbers and words may be others");
}

/// What a released program wrote has to be understood for as long as people may come from it. Never write another file of
/// this name: a field that is new is one that may be missing.
#[test]
fn what_the_first_program_wrote_is_still_understood() {
    let path = "tests/vectors/handover-1.hex";
    if std::env::var_os("UPDATE_GOLDEN").is_some() && !std::path::Path::new(path).exists() {
        let hex: Vec<String> = sample().document("2.0.0").iter().map(|byte| format!("{byte:02x}")).collect();
        let lines: Vec<String> = hex.chunks(48).map(<[String]>::concat).collect();
        std::fs::write(path, lines.join("\n") + "\n").unwrap();
    }
    let text: String = std::fs::read_to_string(path).unwrap().split_whitespace().collect();
    let bytes: Vec<u8> =
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect();
    let (version, read) = Handover::of(&bytes).expect("it was one");
    assert_eq!(version, "2.0.0");
    assert_eq!(format!("{read:?}"), format!("{:?}", sample()));
}
