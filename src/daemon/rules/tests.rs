use super::super::capture::Looks;
use super::*;
use crate::config::check::{OnFailure, Verdict, Whom};
use crate::config::cli::{self, Invocation};
use crate::config::{Config, VirtualHostConfig};
use crate::daemon::request::Others;
use crate::daemon::request::tests::{news, run};
use crate::log::Level;
use crate::protocol::{Departure, Role};

/// A host on eth7 with an up script alone, unless more is said.
pub(in super::super) fn host(vhid: &str, more: &[&str]) -> (VirtualHostConfig, String) {
    let mut config = config_of(vhid, more).hosts.remove(0);
    config.up = Some("/hooks/up".into());
    (config, "eth7".to_owned())
}

/// Everything about one.
pub(in super::super) fn config() -> Config {
    config_of("42", &[])
}

fn config_of(vhid: &str, more: &[&str]) -> Config {
    let words = ["-i", "eth7", "-s", "10.0.0.1", "-p", "x", "-a", "10.0.0.10/24", "-v", vhid];
    let caller = caller();
    let Invocation::Run { config, .. } =
        cli::parse(words.iter().chain(more).map(Into::into), &caller).unwrap()
    else {
        panic!("{more:?}")
    };
    *config
}

fn rules() -> Rules {
    let mut second = host("43", &["--peer", "10.0.0.2", "-x", "two words"]);
    second.0.down = Some("/hooks/down".into());
    Rules::of(Roster::of(vec![host("42", &[]), second]))
}

/// The verdict on a request while the up hook of the second host runs and these interfaces exist.
fn verdict(rules: &mut Rules, request: &Request, now: Time, interfaces: &[&str]) -> Result<(), Refusal> {
    let circumstances = Circumstances {
        now,
        running: &|host| (host == 1).then_some(Hook::Up),
        checking: &|check| check == 1,
        exists: &|name| interfaces.contains(&name),
    };
    rules.allows(request, circumstances).map(|_| ())
}

fn judged(request: &Request, interfaces: &[&str]) -> Result<(), Refusal> {
    verdict(&mut rules(), request, Time::ZERO, interfaces)
}

#[test]
fn only_what_is_configured_is_run() {
    let run = |host, hook, interface: &str| {
        Request::Run(Run { interface: interface.to_owned(), ..run(host, hook) })
    };
    for (request, interfaces, expected) in [
        (run(0, Hook::Up, "eth7"), &["eth7"][..], Ok(())),
        (run(0, Hook::Up, "eth7"), &[], Ok(())),
        (run(0, Hook::Down, "eth7"), &[], Err(Refusal::NoSuchHook)),
        (run(1, Hook::Down, "eth7"), &[], Err(Refusal::HookRuns)),
        (run(2, Hook::Up, "eth7"), &[], Err(Refusal::NoSuchHost)),
        (run(u16::MAX, Hook::Up, "eth7"), &[], Err(Refusal::NoSuchHost)),
        // Renamed, if there is none that is called so and the other one is there.
        (run(0, Hook::Up, "wan0"), &["wan0"], Ok(())),
        (run(0, Hook::Up, "wan0"), &["wan0", "eth7"], Err(Refusal::OtherInterface)),
        (run(0, Hook::Up, "wan0"), &[], Err(Refusal::OtherInterface)),
        (run(0, Hook::Up, ""), &[], Err(Refusal::OtherInterface)),
        (run(0, Hook::Up, "eth7; reboot"), &[], Err(Refusal::OtherInterface)),
    ] {
        assert_eq!(judged(&request, interfaces), expected, "{request:?} with {interfaces:?}");
    }
}

#[test]
fn what_became_of_the_interface_is_no_reason_not_to_tell() {
    let rules = rules();
    for (interface, there, expected) in [
        ("eth7", &["eth7"][..], "eth7"),
        ("wan0", &["wan0"], "wan0"),
        ("wan0", &[], "eth7"),
        ("lo", &["lo", "eth7"], "eth7"),
        ("$(reboot)", &[], "eth7"),
    ] {
        let news = News { interface: interface.to_owned(), ..news(1, Role::Init) };
        let circumstances = Circumstances {
            now: Time::ZERO,
            running: &|_| Some(Hook::Up),
            checking: &|_| false,
            exists: &|name| there.contains(&name),
        };
        let bulletin = rules.bulletin(&news, circumstances).unwrap();
        assert_eq!(bulletin.interface(), expected, "{interface}");
        let other = News { host: 2, ..news.clone() };
        let refused = rules.bulletin(&other, circumstances);
        assert_eq!(refused.unwrap_err(), Refusal::NoSuchHost);
    }
}

fn following(host: u16) -> Request {
    let others = vec![(host, Others::Master("10.0.0.2".parse().unwrap()))];
    Request::Heartbeat(Beat { roles: vec![Role::Backup; 2], others, ..Beat::default() })
}

fn beat(hosts: usize, ahead: &[(u16, u32)]) -> Request {
    let roles = vec![Role::Backup; hosts];
    Request::Heartbeat(Beat { roles, ahead: ahead.to_vec(), ..Beat::default() })
}

#[test]
fn other_requests() {
    let survey = |interface: &str| Request::Survey { interface: interface.to_owned() };
    let open = |interface: &str, hosts: &[u16]| Request::OpenDevices {
        interface: interface.to_owned(),
        hosts: hosts.to_vec(),
        looks: Looks::Around,
        capture_only: false,
    };
    let connect = |interface: &str, source: &str, peers: &[&str]| Request::Connect {
        interface: interface.to_owned(),
        source: source.parse().unwrap(),
        peers: peers.iter().map(|peer| peer.parse().unwrap()).collect(),
    };
    let kill = |host, hook| Request::Kill { host, hook, force: true };
    for (request, expected) in [
        (kill(1, Hook::Up), Ok(())),
        (kill(1, Hook::Down), Err(Refusal::HookDoesNotRun)),
        (kill(0, Hook::Up), Err(Refusal::HookDoesNotRun)),
        (kill(7, Hook::Up), Err(Refusal::NoSuchHost)),
        (survey("eth7"), Ok(())),
        (survey("eth8"), Err(Refusal::OtherInterface)),
        (open("eth7", &[0, 1]), Ok(())),
        (open("eth7", &[]), Err(Refusal::NoSuchHost)),
        (open("eth7", &[0, 2]), Err(Refusal::NoSuchHost)),
        (open("eth8", &[0]), Err(Refusal::OtherInterface)),
        (connect("eth7", "10.0.0.1", &["10.0.0.2"]), Ok(())),
        (connect("eth7", "10.0.0.7", &["10.0.0.2"; 16]), Ok(())),
        (connect("eth7", "10.0.0.7", &["10.0.0.2"; 17]), Err(Refusal::OtherPeers)),
        (connect("eth7", "10.0.0.1", &[]), Err(Refusal::OtherPeers)),
        (connect("eth7", "10.0.0.1", &["10.0.0.2", "10.0.0.3"]), Err(Refusal::OtherPeers)),
        (connect("eth7", "fe80::1", &["10.0.0.2"]), Err(Refusal::OtherPeers)),
        (connect("eth7", "0.0.0.0", &["10.0.0.2"]), Err(Refusal::OtherPeers)),
        (connect("eth8", "10.0.0.1", &["10.0.0.2"]), Err(Refusal::OtherInterface)),
        (beat(2, &[]), Ok(())),
        (beat(2, &[(1, 86_400_000)]), Ok(())),
        (beat(1, &[]), Ok(())),
        (beat(3, &[]), Err(Refusal::OtherHosts)),
        (beat(2, &[(2, 1)]), Err(Refusal::NoSuchHost)),
        (following(1), Ok(())),
        (following(2), Err(Refusal::NoSuchHost)),
        (beat(2, &[(0, 500), (1, 86_400_001)]), Err(Refusal::TooLate)),
        (Request::Say(Line::new(Level::Error, "kaputt")), Ok(())),
        (Request::Left { host: 1 }, Err(Refusal::Stays)),
        (Request::Settled { host: 1 }, Ok(())),
        (Request::Settled { host: 2 }, Err(Refusal::NoSuchHost)),
        (Request::Left { host: 2 }, Err(Refusal::NoSuchHost)),
        (Request::Finished { status: 9, why: None }, Ok(())),
    ] {
        assert_eq!(judged(&request, &["eth7", "eth8"]), expected, "{request:?}");
    }
}

#[test]
fn an_engine_that_asks_and_asks_is_not_heard() {
    let mut rules = rules();
    let beat = beat(2, &[]);
    let at = |milliseconds: u64| Time::from_micros(milliseconds * 1000);
    let allowed = (0..500).filter(|_| verdict(&mut rules, &beat, at(1500), &[]).is_ok()).count();
    assert_eq!(allowed, 64 + 2 * 16);
    assert_eq!(verdict(&mut rules, &beat, at(2499), &[]), Err(Refusal::TooMany));
    assert_eq!(
        verdict(&mut rules, &Request::Finished { status: 0, why: None }, at(2499), &[]),
        Ok(()),
        "its last word is"
    );
    assert_eq!(verdict(&mut rules, &beat, at(2500), &[]), Ok(()));
    let line = Request::Say(Line::new(Level::Debug, ""));
    let allowed = (0..5000).filter(|_| verdict(&mut rules, &line, at(2600), &[]).is_ok()).count();
    assert_eq!(allowed, 1000 + 2 * 16);
    assert_eq!(verdict(&mut rules, &beat, at(2600), &[]), Ok(()), "which are counted by themselves");
}

#[test]
fn who_leaves_is_forgotten_when_its_script_has_ended() {
    let mut rules = rules();
    let left = |rules: &mut Rules, host| verdict(rules, &Request::Left { host }, Time::ZERO, &[]);
    let mut roster = rules.roster().clone();
    [0, 1].into_iter().for_each(|host| roster.set(host, Standing::Leaves(Departure::Removed)));
    rules.replace(roster);
    assert_eq!(left(&mut rules, 0), Ok(()));
    assert_eq!(left(&mut rules, 1), Err(Refusal::HookRuns));
    // What it does until then it may do.
    let run = Request::Run(run(0, Hook::Up));
    assert_eq!(verdict(&mut rules, &run, Time::ZERO, &[]), Ok(()));
    let mut roster = rules.roster().clone();
    roster.set(0, Standing::Gone);
    rules.replace(roster);
    for request in [run, Request::Left { host: 0 }] {
        assert_eq!(verdict(&mut rules, &request, Time::ZERO, &[]), Err(Refusal::NoSuchHost));
    }
}

#[test]
fn codes_differ() {
    let all = [
        Refusal::NoSuchHost,
        Refusal::NoSuchHook,
        Refusal::OtherInterface,
        Refusal::OtherPeers,
        Refusal::HookRuns,
        Refusal::HookDoesNotRun,
        Refusal::OtherHosts,
        Refusal::Stays,
        Refusal::TooLate,
        Refusal::TooMany,
    ];
    let codes: std::collections::BTreeSet<_> = all.iter().map(|refusal| refusal.code()).collect();
    assert_eq!(codes.len(), all.len());
    assert_eq!(all.iter().filter(|refusal| refusal.is_harmless()).count(), 2);
}

#[test]
fn a_check_is_made_as_configured_and_once_at_a_time() {
    let check = |name: &str| Check {
        name: name.into(),
        probe: Probe::CarpDemotion,
        every: SECOND,
        timeout: SECOND,
        fall: 1,
        rise: 1,
        demote: 1,
        on_failure: OnFailure::Demote,
        whom: Whom::Group("front".into()),
        initial: Verdict::Unknown,
    };
    let mut rules = Rules::of(Roster::default().checked(vec![check("a"), check("b")]));
    let mut asked = |check, now| verdict(&mut rules, &Request::Check { check, run: 1 }, now, &[]);
    assert_eq!(asked(0, Time::ZERO), Ok(()));
    assert_eq!(asked(1, Time::ZERO), Err(Refusal::CheckRuns));
    assert_eq!(asked(2, Time::ZERO), Err(Refusal::NoSuchCheck));
    (3..50).for_each(|_| assert_eq!(asked(0, Time::ZERO), Ok(())));
    assert_eq!(asked(0, Time::ZERO), Err(Refusal::TooMany), "no check is made so often");
    assert_eq!(asked(0, Time::new(SECOND)), Ok(()));
}
