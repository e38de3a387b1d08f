use std::net::IpAddr;

use super::*;
use crate::config::cli::{self, Invocation};
use crate::daemon::request::tests::run;
use crate::protocol::MacAddr;
use crate::protocol::wire::Decoded;

/// A host on eth7 with an up script alone, unless more is said.
pub(in super::super) fn host(vhid: &str, more: &[&str]) -> (VirtualHostConfig, String) {
    let words = ["-i", "eth7", "-s", "10.0.0.1", "-p", "x", "-a", "10.0.0.10/24", "-v", vhid];
    let caller = crate::daemon::caller();
    let Invocation::Run { config, .. } =
        cli::parse(words.iter().chain(more).map(Into::into), &caller).unwrap()
    else {
        panic!("{more:?}")
    };
    let mut config = config.hosts.into_iter().next().unwrap();
    config.up = Some("/hooks/up".into());
    (config, "eth7".to_owned())
}

fn rules() -> Rules {
    let mut second = host("43", &["--peer", "10.0.0.2", "-x", "two words"]);
    second.0.down = Some("/hooks/down".into());
    Rules::of(vec![host("42", &[]), second])
}

/// The verdict on a request while the up hook of the second host runs and these interfaces exist.
fn verdict(rules: &mut Rules, request: &Request, now: Time, interfaces: &[&str]) -> Result<(), Refusal> {
    let circumstances = Circumstances {
        now,
        running: &|host| (host == 1).then_some(Hook::Up),
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
fn other_requests() {
    let survey = |interface: &str| Request::Survey { interface: interface.to_owned() };
    let open = |interface: &str, hosts: &[u16]| Request::OpenDevices {
        interface: interface.to_owned(),
        hosts: hosts.to_vec(),
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
        (Request::Heartbeat { roles: vec![Role::Master; 2] }, Ok(())),
        (Request::Heartbeat { roles: vec![Role::Master; 3] }, Err(Refusal::OtherHosts)),
        (Request::Finished { status: 9 }, Ok(())),
    ] {
        assert_eq!(judged(&request, &["eth7", "eth8"]), expected, "{request:?}");
    }
}

fn ad(vhid: u8, interval: Interval) -> Decoded {
    let address = |text: &str| -> IpAddr { text.parse().unwrap() };
    let header = carp::Header {
        kind: 1,
        vhid,
        advskew: interval.skew,
        authlen: 7,
        demotion: 0,
        advbase: interval.base,
        counter: 1,
        code: [7; 20],
    };
    let (source, destination) = (address("10.0.0.1"), address("224.0.0.18"));
    Decoded { mac: MacAddr([2; 6]), source, destination, header, pseudo_header: false }
}

#[test]
fn nothing_but_bow_outs_is_kept() {
    let frame = |decoded: &Decoded| wire::encode(decoded, MacAddr::BROADCAST, 1);
    let good = ad(42, Interval::BOW_OUT);
    let elsewhere = Decoded { destination: "10.0.0.77".parse().unwrap(), ..good };
    let kept = |host, farewell: Farewell| judged(&Request::Prepared { host, farewell }, &[]);
    let frames = |frames: Vec<Vec<u8>>| Farewell { frames, packets: Vec::new() };
    assert_eq!(kept(0, Farewell::default()), Ok(()));
    assert_eq!(kept(0, frames(vec![frame(&good); 2])), Ok(()));
    for bad in [
        vec![frame(&good); 3],
        vec![frame(&ad(43, Interval::BOW_OUT))],
        vec![frame(&ad(42, Interval::new(1, 0)))],
        vec![frame(&elsewhere)],
        vec![vec![0; 60]],
        vec![Vec::new()],
    ] {
        assert_eq!(kept(0, frames(bad)), Err(Refusal::NoBowOut));
    }
    let payload = wire::encode_payload(&ad(43, Interval::BOW_OUT));
    let packet = |to: &str, payload: &[u8]| Farewell {
        frames: Vec::new(),
        packets: vec![("10.0.0.1".parse().unwrap(), (to.parse().unwrap(), payload.to_vec()))],
    };
    assert_eq!(kept(1, packet("10.0.0.2", &payload)), Ok(()));
    assert_eq!(kept(1, packet("10.0.0.3", &payload)), Err(Refusal::NoBowOut));
    assert_eq!(kept(1, packet("2001:db8::2", &payload)), Err(Refusal::NoBowOut));
    assert_eq!(kept(0, packet("10.0.0.2", &payload)), Err(Refusal::NoBowOut), "no peer of this host");
    assert_eq!(kept(1, packet("10.0.0.2", &[&payload[..], b"x"].concat())), Err(Refusal::NoBowOut));
}

#[test]
fn an_engine_that_asks_and_asks_is_not_heard() {
    let mut rules = rules();
    let beat = Request::Heartbeat { roles: vec![Role::Backup; 2] };
    let at = |milliseconds: u64| Time::from_micros(milliseconds * 1000);
    let allowed = (0..500).filter(|_| verdict(&mut rules, &beat, at(1500), &[]).is_ok()).count();
    assert_eq!(allowed, 64 + 2 * 16);
    assert_eq!(verdict(&mut rules, &beat, at(2499), &[]), Err(Refusal::TooMany));
    assert_eq!(
        verdict(&mut rules, &Request::Finished { status: 0 }, at(2499), &[]),
        Ok(()),
        "its last word is"
    );
    assert_eq!(verdict(&mut rules, &beat, at(2500), &[]), Ok(()));
}

#[test]
fn codes_differ() {
    let all = [
        Refusal::NoSuchHost,
        Refusal::NoSuchHook,
        Refusal::OtherInterface,
        Refusal::HookRuns,
        Refusal::HookDoesNotRun,
        Refusal::OtherHosts,
        Refusal::NoBowOut,
        Refusal::TooMany,
    ];
    let codes: std::collections::BTreeSet<_> = all.iter().map(|refusal| refusal.code()).collect();
    assert_eq!(codes.len(), all.len());
    assert_eq!(all.iter().filter(|refusal| refusal.is_harmless()).count(), 2);
}
