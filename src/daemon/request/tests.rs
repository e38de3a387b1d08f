use proptest::prelude::*;

use super::*;
use crate::config::Account;
use crate::config::check::{OnFailure, Probe, Verdict, Whom};
use crate::protocol::Interval;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(in super::super) fn run(host: u16, hook: Hook) -> Run {
    Run {
        host,
        hook,
        interface: "eth7".into(),
        role: Role::Master,
        reason: Reason::MasterTimedOut,
        master: Some(address("2001:db8::1")),
    }
}

pub(in super::super) fn news(host: u16, role: Role) -> News {
    News {
        host,
        interface: "eth7".into(),
        role,
        reason: Reason::MasterTimedOut,
        master: Some(address("10.0.0.2")),
        demotion: 7,
    }
}

fn requests() -> Vec<Request> {
    vec![
        Request::Run(run(3, Hook::Up)),
        Request::Run(Run { master: None, reason: Reason::Shutdown, ..run(u16::MAX, Hook::Down) }),
        Request::Notify(news(7, Role::Backup)),
        Request::Notify(News { master: None, demotion: 254, ..news(0, Role::Init) }),
        Request::Kill { host: 0, hook: Hook::Down, force: true },
        Request::Check { check: 9, run: u32::MAX },
        Request::Survey { interface: "vlan0".into() },
        Request::OpenDevices {
            interface: String::new(),
            hosts: vec![0, 1, 4079],
            looks: Looks::AtArp,
            capture_only: true,
        },
        Request::Connect {
            interface: "em0".into(),
            source: address("10.0.0.1"),
            peers: vec![address("10.0.0.2"), address("10.0.0.3")],
        },
        Request::Heartbeat(Beat {
            roles: vec![Role::Init, Role::Backup, Role::Master],
            ahead: vec![(0, 500), (2, u32::MAX)],
            others: vec![
                (1, Others::Master(address("10.0.0.2"))),
                (2, Others::Standby { address: address("fe80::1"), ready: true }),
                (3, Others::Standbys { count: 16, ready: 0 }),
            ],
            alone: 1,
        }),
        Request::Say(Line {
            facts: Facts { vhid: Some(7), peer: Some("10.0.0.2".into()), ..Facts::id("UC1001").on("eth0") },
            ..Line::new(Level::Warning, "ça ne va pas")
        }),
        Request::Finished { status: 70, why: Some(Unbegun { id: "UC5008".into(), words: "kaputt".into() }) },
        Request::Finished { status: 0, why: None },
        Request::Left { host: 4096 },
        Request::Settled { host: 1 },
        Request::Standing {
            query: 9,
            subject: Subject::Peers,
            host: 3,
            fields: vec![
                Field::text("role", Some("MASTER")),
                Field::text("master", None::<&str>),
                Field::plain("demotion", Some(7)),
                Field::note("causes", "check:x"),
            ],
        },
        Request::Stepped { order: 1, host: 7, stepped: Stepped::NotMaster(Role::Backup) },
        Request::Stepped { order: u32::MAX, host: 0, stepped: Stepped::WouldBeBack },
        Request::Took { order: 2, host: 7, untaken: None },
        Request::Took { order: 3, host: 8, untaken: Some(Untaken::Role(Role::Init)) },
        Request::Took {
            order: 3,
            host: 8,
            untaken: Some(Untaken::NotWorse {
                peer: address("10.0.0.2"),
                its: Interval::new(1, 0),
                ours: Interval::new(1, 1),
            }),
        },
        Request::Shift { host: 7, shift: Shift::Withdraw, interface: "eth0".into() },
    ]
}

fn serve(more: &[&str]) -> Fact {
    let (config, interface) = super::super::rules::tests::host("9", more);
    Fact::Serve { host: 65_535, interface, config: Box::new(config) }
}

fn watch(probe: Probe) -> Fact {
    let check = Check {
        name: "ready".into(),
        probe,
        every: Duration::from_secs(3),
        timeout: Duration::from_millis(1_500),
        fall: 3,
        rise: 1000,
        demote: 254,
        on_failure: OnFailure::ReleaseUnlessLast,
        whom: Whom::Vips(vec!["web".into(), "mail".into()]),
        initial: Verdict::Unknown,
    };
    Fact::Watch { check: 3, what: Some(Box::new(check)) }
}

fn facts() -> Vec<Fact> {
    let survey = Survey {
        link: Ok(LinkState::Up),
        mac: Ok([2, 0, 0, 0, 0, 1]),
        addresses: Ok(vec![address("10.0.0.1"), address("fe80::1")]),
        elsewhere: vec![address("192.0.2.9")],
        unready: Ok(vec![(address("fe80::1"), Unready::Tentative)]),
        networks: Err(24),
    };
    let ended = |outcome, last_line: Option<&str>| Fact::HookEnded {
        host: 7,
        hook: Hook::Up,
        path: "/etc/up".into(),
        outcome,
        last_line: last_line.map(Into::into),
    };
    vec![
        Fact::Signal(Signal::User2),
        Fact::HookRunning { host: 1, hook: Hook::Up, path: "/etc/up".into() },
        Fact::HookNotRun { host: 1, hook: Hook::Down, why: "kaputt – ça".into() },
        ended(Outcome::Exited(3), Some("cannot")),
        ended(Outcome::Signalled(9), None),
        ended(Outcome::Unknown, None),
        Fact::Surveyed { interface: "eth0".into(), survey },
        Fact::Devices {
            interface: "em0".into(),
            devices: vec![
                Device::Capture(524_288),
                Device::Frames,
                Device::Packets4(1),
                Device::Packets6(u32::MAX),
                Device::Groups,
            ],
        },
        Fact::CouldNot { what: Asked::OpenDevices { interface: "em0".into() }, why: "no".into() },
        Fact::Connected {
            interface: "em0".into(),
            source: address("fe80::1"),
            peers: vec![address("fe80::2")],
        },
        Fact::CouldNot { what: Asked::Connect { interface: "em0".into() }, why: "no".into() },
        Fact::CouldNot { what: Asked::Other, why: String::new() },
        serve(&[]),
        serve(&[
            "--peer=10.0.0.2",
            "-x",
            "\n",
            "--garp-interval=7",
            "--peer-type=netbsd",
            "-d",
            "/bin/sh",
            "-z",
        ]),
        Fact::Shifted { host: 9, shift: Shift::Assign, shifted: Shifted::default() },
        Fact::Shifted {
            host: 9,
            shift: Shift::Withdraw,
            shifted: Shifted {
                changed: vec![address("10.0.0.9"), address("fd00::9")],
                failed: vec![(address("10.0.0.8"), "kaputt".into())],
            },
        },
        Fact::Checked { check: 7, run: 70_000, found: Found::NotRun { why: "no".into() } },
        Fact::Checked {
            check: 7,
            run: 1,
            found: Found::Ended { outcome: Outcome::Exited(0), last_line: Some("ok".into()) },
        },
        Fact::Checked { check: 0, run: 1, found: Found::Link(LinkState::Disabled) },
        Fact::Checked { check: 0, run: 1, found: Found::Demotion(-240) },
        Fact::Watch { check: 65_535, what: None },
        watch(Probe::Command {
            program: "/bin/check".into(),
            words: vec!["-m".into(), "two words".into()],
            user: Some(Account { name: None, uid: 70_000, gid: 70_000 }),
        }),
        watch(Probe::Interface("em1".into())),
        watch(Probe::File { path: "/ready".into(), user: None }),
        watch(Probe::CarpDemotion),
        Fact::Leave { host: 3, departure: Departure::Moved },
        Fact::Changed { silence: Duration::from_millis(1_700) },
    ]
}

#[test]
fn what_is_said_is_heard() {
    for request in requests() {
        assert_eq!(decode(&encode(&request)), Some(request));
    }
    for fact in facts() {
        assert_eq!(decode(&encode(&fact)), Some(fact));
    }
    // A child's end is nobody's business but the hands'.
    assert_eq!(decode::<Fact>(&encode(&Fact::Signal(Signal::Child))), None);
}

#[test]
fn nothing_may_be_missing_or_left_over() {
    fn exact<T: Coded>(messages: &[T]) {
        for mut bytes in messages.iter().map(encode) {
            bytes.push(0);
            assert!(decode::<T>(&bytes).is_none(), "{bytes:?}");
            bytes.truncate(bytes.len() - 2);
            assert!(decode::<T>(&bytes).is_none(), "{bytes:?}");
        }
    }
    exact(&requests());
    exact(&facts());
    for (name, bytes) in [
        ("an empty one", &b""[..]),
        ("no such request", b"\x09"),
        ("a truth that is neither", b"\x01\0\0\0\x02"),
        ("a length and nothing else", b"\x04\xff\xff"),
        ("a longer list than there is", b"\x04\0\x03\0\0"),
        ("a longer name than there is", b"\x02\xff\xffeth0"),
        ("a name that is no text", b"\x02\0\x01\xff"),
        ("an address of no family", b"\0\0\0\0\0\x01x\0\0\x01\x05\x01\x02\x03\x04"),
    ] {
        assert_eq!(decode::<Request>(bytes), None, "{name}");
    }
}

/// The longest that are needed fit into what a channel carries.
#[test]
fn the_longest_fit() {
    let others = vec![(0, Others::Standby { address: address("fe80::1"), ready: true }); 3];
    let roles = vec![Role::Backup; 4080];
    let all = Request::Heartbeat(Beat { roles, ahead: vec![(0, 1); 1000], others, alone: 0 });
    assert!(encode(&all).len() <= crate::platform::LONGEST_MESSAGE);
}

/// Whatever is a message is one in one way.
fn canonical(bytes: &[u8]) {
    if let Some(request) = decode::<Request>(bytes) {
        assert_eq!(encode(&request), bytes);
    }
    if let Some(fact) = decode::<Fact>(bytes) {
        assert_eq!(encode(&fact), bytes);
    }
}

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        canonical(&bytes);
    }

    #[test]
    fn almost_messages(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        cuts in any::<bool>(),
    ) {
        let messages = requests().iter().map(encode).chain(facts().iter().map(encode)).collect::<Vec<_>>();
        let mut bytes = which.get(&messages).clone();
        for (at, byte) in changes {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len() + 1));
        }
        canonical(&bytes);
    }
}
