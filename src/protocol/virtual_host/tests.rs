//! Where frames come from, and what changes when that does.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::*;
use crate::protocol::wire::{self, carp, ethernet};
use crate::protocol::{
    Announcing, Authenticator, Departure, Destination, Dialect, HookEnd, Hooks, Key, Link, Presence,
    Rejected, Replay, Vhid,
};

const HERE: Sources = Sources { v4: Some(Ipv4Addr::new(10, 0, 0, 5)), v6: None };
const THERE: Sources = Sources { v4: Some(Ipv4Addr::new(10, 0, 0, 7)), v6: None };
const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 5]);
const OTHER_MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 7]);

fn ms(ms: u64) -> Time {
    Time::from_micros(ms * 1000)
}

fn host(sources: Sources, mac: MacAddr) -> VirtualHost {
    let parameters = Parameters {
        vhid: Vhid::MIN,
        addresses: vec!["10.0.0.100".parse().unwrap()],
        key: Key::from_password(b"secret").unwrap(),
        interval: Interval::new(1, 0),
        dead_ratio: 3,
        preempt: false,
        start_hold: Duration::ZERO,
        preempt_delay: Duration::ZERO,
        neutral: false,
        sources,
        mac,
        destination: Destination::default(),
        hooks: Hooks::default(),
        announcing: Announcing::default(),
        dialect: Dialect::default(),
        replay: Replay::default(),
        only_ours: false,
        also_accepted: Vec::new(),
        settle: Parameters::SETTLE,
    };
    VirtualHost::new(parameters)
}

fn frames(actions: &[Action], wanted: Transmission) -> Vec<Vec<u8>> {
    let sent = actions.iter().filter_map(|action| match action {
        Action::Transmit(frame) if frame.what == wanted => Some(frame.bytes.clone()),
        Action::Transmit(_)
        | Action::Deliver(_)
        | Action::Run(_)
        | Action::KillHook { .. }
        | Action::Shift(_)
        | Action::Tell(_) => None,
    });
    sent.collect()
}

/// A host that became master, and the moment after its next advertisement.
fn master(sources: Sources, mac: MacAddr) -> (VirtualHost, Time) {
    let mut host = host(sources, mac);
    host.handle(Event::Start, ms(0));
    host.handle(Event::Link(Link::Up), ms(0));
    let mut now = ms(0);
    while now < ms(5_500) {
        now = host.next_deadline().unwrap();
        host.handle(Event::Tick, now);
    }
    assert_eq!(host.role(), Role::Master);
    (host, now)
}

fn next_advert(host: &mut VirtualHost) -> Decoded {
    let now = host.next_deadline().unwrap();
    let actions = host.handle(Event::Tick, now);
    wire::decode(frames(&actions, Transmission::Advert).first().unwrap()).unwrap()
}

#[test]
fn a_master_advertises_from_its_new_source_and_stays_master() {
    let (mut host, now) = master(HERE, MAC);
    assert_eq!(host.relocate(MAC, THERE, now), []);
    assert_eq!(next_advert(&mut host).source, IpAddr::from([10, 0, 0, 7]));
    assert_eq!(host.role(), Role::Master);
}

#[test]
fn a_master_with_another_hardware_address_tells_the_neighbours() {
    let (mut host, now) = master(HERE, MAC);
    let announced = frames(&host.relocate(OTHER_MAC, HERE, now), Transmission::Announcement);
    assert_eq!(announced.len(), 2);
    for frame in announced {
        assert_eq!(ethernet::Header::parse(&frame).unwrap().0.source, OTHER_MAC);
    }
    assert_eq!(next_advert(&mut host).mac, OTHER_MAC);
    host.handle(Event::Link(Link::Down), now);
    assert_eq!(host.relocate(MAC, HERE, now), [], "nothing is sent without a link");
}

#[test]
fn the_tie_key_moves_along() {
    // Against 10.0.0.6 the lower 10.0.0.5 stays, and 10.0.0.7 gives way.
    for (sources, role) in [(HERE, Role::Master), (THERE, Role::Backup)] {
        let (mut ours, now) = master(HERE, MAC);
        // Else it would yield to whoever it hears first.
        ours.reconfigure(Parameters { preempt: true, ..ours.parameters().clone() }, now);
        ours.relocate(MAC, sources, now);
        let six = Sources { v4: Some(Ipv4Addr::new(10, 0, 0, 6)), v6: None };
        let (mut theirs, then) = master(six, MacAddr([2, 0, 0, 0, 0, 6]));
        let actions = theirs.handle(Event::Tick, theirs.next_deadline().unwrap_or(then));
        let ad = frames(&actions, Transmission::Advert).remove(0);
        ours.receive(&ad, now).unwrap();
        assert_eq!(ours.role(), role);
    }
}

#[test]
fn a_backup_is_not_disturbed() {
    let mut host = host(HERE, MAC);
    host.handle(Event::Start, ms(0));
    host.handle(Event::Link(Link::Up), ms(0));
    let deadline = host.next_deadline();
    assert_eq!(host.relocate(OTHER_MAC, THERE, ms(10)), []);
    assert_eq!((host.role(), host.next_deadline()), (Role::Backup, deadline));
}

/// FACTS 2 and 3: what each kernel wants differs only over IPv6 and with link-local addresses.
#[test]
fn the_dialect_chooses_what_is_sent_and_every_dialect_is_understood() {
    let addresses: Vec<IpAddr> =
        ["10.0.0.100", "2001:db8::100", "fe80::100"].map(|address| address.parse().unwrap()).to_vec();
    let sources = Sources { v6: Some("fe80::5".parse().unwrap()), ..HERE };
    let parameters = |dialect| Parameters {
        addresses: addresses.clone(),
        dialect,
        ..host(sources, MAC).parameters().clone()
    };
    let routable = Authenticator::new(&parameters(Dialect::Any).key, Vhid::MIN, &addresses[..2]);
    for dialect in Dialect::ALL {
        let mut speaker = VirtualHost::new(parameters(dialect));
        speaker.handle(Event::Start, ms(0));
        speaker.handle(Event::Link(Link::Up), ms(0));
        let now = speaker.next_deadline().unwrap();
        let adverts = frames(&speaker.handle(Event::Tick, now), Transmission::Advert);
        let decoded: Vec<_> = adverts.iter().map(|frame| wire::decode(frame).unwrap()).collect();
        let pseudo_headers: Vec<_> = decoded.iter().map(|decoded| decoded.pseudo_header).collect();
        assert_eq!(pseudo_headers, [false, dialect == Dialect::NetBsd], "{dialect:?}");
        for decoded in &decoded {
            assert_eq!(routable.verify(decoded).is_ok(), dialect == Dialect::OpenBsd, "{dialect:?}");
        }
        for other in Dialect::ALL {
            let elsewhere = Sources { v6: Some("fe80::7".parse().unwrap()), ..THERE };
            let mut hearer =
                VirtualHost::new(Parameters { sources: elsewhere, mac: OTHER_MAC, ..parameters(other) });
            hearer.handle(Event::Start, ms(0));
            hearer.handle(Event::Link(Link::Up), ms(0));
            assert!(adverts.iter().all(|frame| hearer.receive(frame, now).is_ok()), "{dialect:?} {other:?}");
        }
    }
}

/// What is delivered to single hosts: to whom, and what a host with `source` would have sent to the group.
fn delivered(actions: &[Action]) -> Vec<(Transmission, IpAddr, Vec<IpAddr>, carp::Header)> {
    let deliveries = actions.iter().filter_map(|action| match action {
        Action::Deliver(unicast) => Some(unicast),
        Action::Transmit(_)
        | Action::Run(_)
        | Action::KillHook { .. }
        | Action::Shift(_)
        | Action::Tell(_) => None,
    });
    deliveries
        .map(|unicast| {
            let to = unicast.packets.iter().map(|(to, _)| *to).collect();
            let header = carp::Header::parse(&unicast.packets[0].1).unwrap();
            assert!(unicast.packets.iter().all(|(_, payload)| *payload == unicast.packets[0].1));
            (unicast.what, unicast.source, to, header)
        })
        .collect()
}

fn ips(addresses: &[&str]) -> Vec<IpAddr> {
    addresses.iter().map(|address| address.parse().unwrap()).collect()
}

/// A host with these peers that has just become master, and what it said then.
fn master_with(peers: &[&str], addresses: &[&str]) -> (VirtualHost, Vec<Action>, Time) {
    let sources = Sources { v6: Some("fe80::5".parse().unwrap()), ..HERE };
    let parameters = Parameters {
        addresses: ips(addresses),
        destination: Destination { peers: ips(peers), ..Destination::default() },
        ..host(sources, MAC).parameters().clone()
    };
    let mut host = VirtualHost::new(parameters);
    host.handle(Event::Start, ms(0));
    host.handle(Event::Link(Link::Up), ms(0));
    let now = host.next_deadline().unwrap();
    let actions = host.handle(Event::Tick, now);
    assert_eq!(host.role(), Role::Master);
    (host, actions, now)
}

#[test]
fn a_family_with_peers_uses_no_group_and_the_other_does() {
    let (mut host, actions, now) = master_with(&["10.0.0.6", "10.0.0.7"], &["10.0.0.100", "2001:db8::100"]);
    let to_group = frames(&actions, Transmission::Advert);
    assert_eq!(to_group.len(), 1);
    assert_eq!(wire::decode(&to_group[0]).unwrap().destination, IpAddr::V6(Destination::GROUP_V6));
    let to_peers = delivered(&actions);
    assert_eq!(to_peers.len(), 1, "one transmission, however many hear it");
    let (what, source, to, _) = &to_peers[0];
    assert_eq!((*what, *source), (Transmission::Advert, IpAddr::from([10, 0, 0, 5])));
    assert_eq!(*to, ips(&["10.0.0.6", "10.0.0.7"]));
    // A goodbye goes the same ways.
    let actions = host.handle(Event::Shutdown { withdraw: true }, now);
    assert_eq!(frames(&actions, Transmission::BowOut).len(), 1);
    assert!(matches!(&delivered(&actions)[..], [(Transmission::BowOut, _, to, _)] if to.len() == 2));
}

/// FACTS 3: the pseudo-header covers the destination, so each peer has a checksum of its own.
#[test]
fn each_peer_has_its_own_checksum_where_it_covers_the_destination() {
    let (host, ..) = master_with(&["fe80::6", "fe80::7"], &["2001:db8::100"]);
    let parameters = Parameters { dialect: Dialect::NetBsd, ..host.parameters().clone() };
    let mut host = VirtualHost::new(parameters);
    host.handle(Event::Start, ms(0));
    host.handle(Event::Link(Link::Up), ms(0));
    let now = host.next_deadline().unwrap();
    for action in host.handle(Event::Tick, now) {
        let Action::Deliver(unicast) = action else { continue };
        for (to, payload) in &unicast.packets {
            let (IpAddr::V6(source), IpAddr::V6(to)) = (unicast.source, *to) else { panic!("{to}") };
            let (_, pseudo_header) = carp::Header::parse_over_ipv6(payload, source, to).unwrap();
            assert!(pseudo_header);
        }
        assert_ne!(unicast.packets[0].1, unicast.packets[1].1);
        return;
    }
    panic!("nothing was sent");
}

/// An advertisement of another of ours, to this address.
fn ad_to(destination: &str, skew: u8, parameters: &Parameters) -> Vec<u8> {
    let authenticator = Authenticator::new(&parameters.key, parameters.vhid, &parameters.addresses);
    let source = IpAddr::from([10, 0, 0, 7]);
    let counter = authenticator.marked(4, source, Interval::new(1, skew), 0);
    let header = carp::Header {
        kind: carp::ADVERTISEMENT,
        vhid: parameters.vhid.get(),
        advskew: skew,
        authlen: carp::AUTHLEN,
        demotion: 0,
        advbase: 1,
        counter,
        code: authenticator.code(counter),
    };
    let decoded = Decoded {
        mac: OTHER_MAC,
        source,
        destination: destination.parse().unwrap(),
        header,
        pseudo_header: false,
        tail: Default::default(),
    };
    wire::encode(&decoded, MAC, 1)
}

#[test]
fn with_peers_the_group_is_not_heard() {
    let (mut host, _, now) = master_with(&["10.0.0.7"], &["10.0.0.100"]);
    let parameters = host.parameters().clone();
    for elsewhere in ["224.0.0.18", "255.255.255.255", "0.0.0.0"] {
        assert_eq!(host.receive(&ad_to(elsewhere, 9, &parameters), now), Err(Rejected::BadDestination));
    }
    assert!(host.receive(&ad_to("10.0.0.5", 9, &parameters), now).is_ok());
    let (mut grouped, _) = master(HERE, MAC);
    assert_eq!(grouped.receive(&ad_to("10.0.0.5", 9, &parameters), now), Err(Rejected::BadDestination));
}

#[test]
fn who_gives_way_tells_the_winner_alone() {
    let (mut host, _, now) = master_with(&["10.0.0.6", "10.0.0.7"], &["10.0.0.100"]);
    let parameters = Parameters { interval: Interval::new(1, 50), ..host.parameters().clone() };
    host = VirtualHost::new(parameters.clone());
    host.handle(Event::Start, ms(0));
    host.handle(Event::Link(Link::Up), ms(0));
    let then = host.next_deadline().unwrap();
    host.handle(Event::Tick, then);
    let actions = host.receive(&ad_to("10.0.0.5", 0, &parameters), then.max(now)).unwrap();
    assert_eq!(host.role(), Role::Backup);
    assert_eq!(frames(&actions, Transmission::Advert).len(), 0);
    let told = delivered(&actions);
    assert!(matches!(&told[..], [(Transmission::Advert, _, to, _)] if *to == ips(&["10.0.0.7"])), "{told:?}");
}

/// A host that goes on in place of another, on a link that is up, at 10 s.
fn resumed(role: Role, hook: Option<Hook>, silent: u64) -> (VirtualHost, Vec<Action>) {
    let mut host = VirtualHost::new(Parameters {
        hooks: Hooks { up: true, down: true, timeout: Duration::from_secs(60), ..Hooks::default() },
        ..host(HERE, MAC).parameters().clone()
    });
    let silent = Duration::from_millis(silent);
    host.handle(Event::Wall(Duration::from_secs(1_800_000_000)), ms(10_000));
    let mut actions = host.handle(Event::Resume { role, hook, silent }, ms(10_000));
    actions.extend(host.handle(Event::Link(Link::Up), ms(10_000)));
    actions.extend(host.handle(Event::Tick, ms(10_000)));
    (host, actions)
}

fn runs(actions: &[Action]) -> Vec<Hook> {
    let run = |action: &Action| if let Action::Run(hook) = action { Some(*hook) } else { None };
    actions.iter().filter_map(run).collect()
}

fn tells(actions: &[Action]) -> usize {
    actions.iter().filter(|action| matches!(action, Action::Tell(_))).count()
}

#[test]
fn who_goes_on_as_master_speaks_at_once_and_nobody_notices() {
    let (mut host, actions) = resumed(Role::Master, None, 900);
    assert_eq!((host.role(), runs(&actions), tells(&actions)), (Role::Master, vec![], 0));
    assert_eq!(frames(&actions, Transmission::Advert).len(), 1);
    assert_eq!(host.snapshot(ms(10_000)).reason, Reason::Resumed);
    assert_eq!(host.counters.transitions, 0);
    // An interval later it does so again, and what ends it ends it as ever.
    assert!(frames(&host.handle(Event::Tick, ms(11_000)), Transmission::Advert).len() == 1);
    let actions = host.handle(Event::Link(Link::Gone), ms(11_500));
    assert_eq!((host.role(), runs(&actions)), (Role::Init, vec![Hook::Down]));
}

#[test]
fn who_goes_on_after_the_dead_time_listens_for_a_successor_first() {
    let (mut ours, actions) = resumed(Role::Master, None, 3_000);
    assert_eq!((ours.role(), frames(&actions, Transmission::Advert).len()), (Role::Master, 0));
    let mut theirs = host(THERE, OTHER_MAC);
    for event in [Event::Wall(Duration::from_secs(1_800_000_000)), Event::Start, Event::Link(Link::Up)] {
        theirs.handle(event, ms(10_000));
    }
    let ad = frames(&theirs.handle(Event::Tick, ms(13_000)), Transmission::Advert);
    let actions = ours.receive(ad.first().unwrap(), ms(10_200)).unwrap();
    assert_eq!((ours.role(), runs(&actions)), (Role::Backup, vec![Hook::Down]));
    // Where there is none it stays.
    let (mut alone, _) = resumed(Role::Master, None, 60_000);
    let mut sent = 0;
    for now in (10_000..20_000).step_by(50).map(ms) {
        sent += frames(&alone.handle(Event::Tick, now), Transmission::Advert).len();
    }
    assert_eq!(alone.role(), Role::Master);
    assert!(sent >= 7, "{sent}");
}

#[test]
fn who_goes_on_as_backup_waits_a_dead_time_and_runs_nothing() {
    let (mut host, actions) = resumed(Role::Backup, None, 900);
    assert_eq!((host.role(), actions), (Role::Backup, vec![]));
    assert_eq!(host.next_deadline(), Some(ms(13_000)));
    host.handle(Event::Tick, ms(13_000));
    assert_eq!(host.role(), Role::Master);
}

#[test]
fn a_hook_that_still_runs_is_waited_for() {
    for (role, wanted) in [(Role::Master, Hook::Up), (Role::Backup, Hook::Down)] {
        for hook in [Hook::Up, Hook::Down] {
            let (mut host, actions) = resumed(role, Some(hook), 100);
            assert_eq!(runs(&actions), []);
            let (ended, addresses) = (HookEnd::Succeeded, None);
            let mut actions = host.handle(Event::HookDone { hook, ended, addresses }, ms(10_100));
            actions.extend(host.handle(Event::Tick, ms(10_200)));
            let expected = if hook == wanted { vec![] } else { vec![wanted] };
            assert_eq!(runs(&actions), expected, "{role:?} while {hook:?} ran");
        }
        // One that nobody wants has not for ever.
        let other = if wanted == Hook::Up { Hook::Down } else { Hook::Up };
        let (mut host, _) = resumed(role, Some(other), 100);
        let actions = host.handle(Event::Tick, ms(15_000));
        assert!(actions.contains(&Action::KillHook { hook: other, force: false }), "{actions:?}");
    }
}

#[test]
fn where_the_addresses_are_tells_whether_it_was_done() {
    for (role, addresses, owed) in [
        (Role::Master, Presence::All, None),
        (Role::Master, Presence::None, Some(Hook::Up)),
        (Role::Backup, Presence::None, None),
        (Role::Backup, Presence::All, Some(Hook::Down)),
    ] {
        let (mut host, _) = resumed(role, None, 100);
        let actions = host.handle(Event::Addresses(addresses), ms(10_010));
        assert_eq!(runs(&actions), owed.into_iter().collect::<Vec<_>>(), "{role:?} {addresses:?}");
        let announced = !frames(&actions, Transmission::Announcement).is_empty();
        assert_eq!(announced, (role, addresses) == (Role::Master, Presence::All), "{role:?} {addresses:?}");
    }
}

#[test]
fn a_bow_out_by_another_process_is_newer_than_what_was_sent_before() {
    let wall = Duration::from_secs(1_800_000_000);
    let mut theirs = host(THERE, OTHER_MAC);
    for event in [Event::Wall(wall), Event::Start, Event::Link(Link::Up)] {
        theirs.handle(event, ms(0));
    }
    // Their master's clock is three minutes fast, and ours follows it.
    let (mut ours, _) = resumed(Role::Master, None, 100);
    ours.handle(Event::Wall(wall + Duration::from_secs(180)), ms(10_000));
    let sent = frames(&ours.handle(Event::Tick, ms(11_000)), Transmission::Advert);
    theirs.receive(sent.first().unwrap(), ms(100)).unwrap();
    assert_eq!(theirs.role(), Role::Backup);
    assert!(theirs.ahead_of_wall(ms(100)) > Duration::from_secs(179));
    assert!(theirs.snapshot(ms(100)).followed.is_some());
    let mut hands = host(HERE, MAC);
    hands.handle(Event::Wall(wall + theirs.ahead_of_wall(ms(100)) + Duration::from_secs(1)), ms(0));
    let farewell = frames(&hands.bow_out(ms(0)), Transmission::BowOut);
    theirs.receive(farewell.first().unwrap(), ms(200)).unwrap();
    assert_eq!(theirs.role(), Role::Master, "it was believed");
}

/// What a host of ours makes of its own parameters, edited.
fn edited(host: &VirtualHost, edit: impl FnOnce(&mut Parameters)) -> Parameters {
    let mut parameters = host.parameters().clone();
    edit(&mut parameters);
    parameters
}

#[test]
fn a_master_advertises_its_new_interval_at_once_and_from_then_on() {
    let (mut host, now) = master(HERE, MAC);
    let slower = edited(&host, |parameters| parameters.interval = Interval::new(2, 128));
    let soon = now + Duration::from_millis(300);
    let ads = frames(&host.reconfigure(slower, soon), Transmission::Advert);
    let [ad] = &ads[..] else { panic!("{ads:?}") };
    let header = wire::decode(ad).unwrap().header;
    assert_eq!((header.advbase, header.advskew), (2, 128));
    assert_eq!(host.next_deadline(), Some(soon + Duration::from_millis(2_500)));
    assert_eq!((host.role(), host.parameters().mac), (Role::Master, MAC));
}

#[test]
fn without_a_link_a_master_keeps_what_it_would_say() {
    let (mut host, now) = master(HERE, MAC);
    host.handle(Event::Link(Link::Down), now);
    let slower = edited(&host, |parameters| parameters.interval = Interval::new(2, 0));
    assert_eq!(host.reconfigure(slower, now), []);
    let back = now + Duration::from_millis(300);
    let ads = frames(&host.handle(Event::Link(Link::Up), back), Transmission::Advert);
    assert_eq!(wire::decode(&ads[0]).unwrap().header.advbase, 2);
}

#[test]
fn nothing_else_makes_a_master_speak() {
    let (mut host, now) = master(HERE, MAC);
    let deadline = host.next_deadline();
    for edit in [
        |parameters: &mut Parameters| parameters.preempt = true,
        |parameters: &mut Parameters| parameters.dead_ratio = 9,
        |parameters: &mut Parameters| parameters.hooks.timeout = Duration::from_secs(1),
        |parameters: &mut Parameters| parameters.hooks.up = true,
        |parameters: &mut Parameters| parameters.announcing.count = 3,
        |parameters: &mut Parameters| parameters.replay = Replay::Refuse,
        |parameters: &mut Parameters| parameters.destination.broadcast = true,
    ] {
        let parameters = edited(&host, edit);
        assert_eq!(host.reconfigure(parameters.clone(), now), []);
        assert_eq!((host.role(), host.next_deadline()), (Role::Master, deadline));
        assert_eq!(host.parameters(), &parameters);
    }
}

#[test]
fn a_backup_waits_longer_from_where_it_began_and_shorter_from_now() {
    let backup = || {
        let mut host = host(HERE, MAC);
        host.handle(Event::Start, ms(0));
        host.handle(Event::Link(Link::Up), ms(0));
        host
    };
    let with_ratio = |ratio, at| {
        let mut host = backup();
        let parameters = edited(&host, |parameters| parameters.dead_ratio = ratio);
        assert_eq!(host.reconfigure(parameters, at), []);
        host.next_deadline().unwrap()
    };
    assert_eq!(with_ratio(5, ms(1_000)), ms(5_000));
    assert_eq!(with_ratio(2, ms(500)), ms(2_500));
    assert_eq!(with_ratio(2, ms(2_900)), ms(3_000), "never later than before");
}

#[test]
fn other_addresses_are_announced_at_once_and_when_they_are_there() {
    let (mut host, now) = master(HERE, MAC);
    host.handle(Event::Addresses(Presence::All), now);
    let more = edited(&host, |parameters| parameters.addresses.push("10.0.0.101".parse().unwrap()));
    assert_eq!(frames(&host.reconfigure(more, now), Transmission::Announcement).len(), 4);
    // It is still on its way, which is no loss.
    assert_eq!(host.handle(Event::Addresses(Presence::Some), now), []);
    let later = now + Duration::from_millis(20);
    let actions = host.handle(Event::Addresses(Presence::All), later);
    assert_eq!(frames(&actions, Transmission::Announcement).len(), 4);
    assert_eq!(host.handle(Event::Addresses(Presence::All), later), []);
}

#[test]
fn other_prefixes_are_put_on_at_once_and_announced_where_addresses_are_managed() {
    let (mut host, now) = master(HERE, MAC);
    assert_eq!(host.handle(Event::OtherPrefixes, now), [], "a script has put them on");
    let managed = edited(&host, |parameters| parameters.hooks.manages = true);
    assert!(host.reconfigure(managed, now).contains(&Action::Shift(Shift::Assign)));
    let put_on =
        Event::Shifted { shift: Shift::Assign, changed: true, ok: true, addresses: Some(Presence::All) };
    host.handle(put_on, now);
    assert_eq!(host.handle(Event::OtherPrefixes, now), [Action::Shift(Shift::Assign)]);
    // Taken off to be put on again: nobody has taken it away.
    assert_eq!(host.handle(Event::Addresses(Presence::None), now), []);
    assert_eq!(frames(&host.handle(put_on, now), Transmission::Announcement).len(), 2);
    assert_eq!(host.role(), Role::Master);
}

#[test]
fn other_addresses_are_brought_by_the_script_and_no_role_changes() {
    let (mut host, now) = master(HERE, MAC);
    let with_hook = edited(&host, |parameters| parameters.hooks.up = true);
    host.reconfigure(with_hook, now);
    let more = edited(&host, |parameters| parameters.addresses.push("10.0.0.101".parse().unwrap()));
    assert!(host.reconfigure(more, now).contains(&Action::Run(Hook::Up)));
    assert_eq!((host.role(), host.running_hook()), (Role::Master, Some(Hook::Up)));
    let done = Event::HookDone { hook: Hook::Up, ended: HookEnd::Failed, addresses: Some(Presence::All) };
    host.handle(done, now);
    assert_eq!((host.role(), host.running_hook()), (Role::Master, None));
}

#[test]
fn the_scripts_that_brought_the_role_in_take_it_out() {
    let mut host = host(HERE, MAC);
    let scripts = |host: &VirtualHost, scripts| {
        edited(host, |parameters| {
            parameters.hooks = Hooks { up: true, down: true, scripts, ..Hooks::default() };
        })
    };
    let first = scripts(&host, 1);
    host.reconfigure(first, ms(0));
    assert_eq!(host.scripts(), 1, "there is nothing to take out");
    host.handle(Event::Link(Link::Up), ms(0));
    host.handle(Event::Start, ms(0));
    let done = |host: &mut VirtualHost, hook, at| {
        host.handle(Event::HookDone { hook, ended: HookEnd::Succeeded, addresses: None }, at)
    };
    done(&mut host, Hook::Down, ms(1));
    let mut now = ms(1);
    while host.running_hook() != Some(Hook::Up) {
        now = host.next_deadline().unwrap();
        host.handle(Event::Tick, now);
    }
    let second = scripts(&host, 2);
    host.reconfigure(second, now);
    done(&mut host, Hook::Up, now);
    let none = edited(&host, |parameters| parameters.hooks = Hooks { scripts: 3, ..Hooks::default() });
    host.reconfigure(none, now);
    assert_eq!(host.scripts(), 1);
    assert!(
        host.handle(Event::Resign { force: false }, now).contains(&Action::Run(Hook::Down)),
        "the one that was given"
    );
    assert_eq!(host.scripts(), 1);
    done(&mut host, Hook::Down, now);
    assert_eq!(host.scripts(), 3);
}

#[test]
fn who_ends_is_told_nothing_more() {
    let (mut host, now) = master(HERE, MAC);
    let other = edited(&host, |parameters| parameters.interval = Interval::new(2, 0));
    host.handle(Event::Shutdown { withdraw: true }, now);
    assert_eq!(host.reconfigure(other, now), []);
    assert!(host.finished() || host.next_deadline().is_some());
}

// One T stands for one content, and of another key it is another counter.
#[test]
fn a_new_password_is_sent_with_another_time() {
    let (mut host, now) = master(HERE, MAC);
    let mut listener = self::host(Sources { v4: Some(Ipv4Addr::new(10, 0, 0, 6)), v6: None }, OTHER_MAC);
    let also = edited(&listener, |parameters| {
        parameters.also_accepted = vec![Key::from_password(b"other").unwrap()];
    });
    listener.reconfigure(also, now);
    listener.handle(Event::Start, now);
    listener.handle(Event::Link(Link::Up), now);
    let mut says = |host: &mut VirtualHost, skew| {
        let faster = edited(host, |parameters| parameters.interval = Interval::new(1, skew));
        let ads = frames(&host.reconfigure(faster, now), Transmission::Advert);
        listener.receive(&ads[0], now).map(|_| ())
    };
    assert_eq!(says(&mut host, 1), Ok(()));
    let other = edited(&host, |parameters| parameters.key = Key::from_password(b"other").unwrap());
    host.reconfigure(other, now);
    assert_eq!(says(&mut host, 2), Ok(()), "the former is sent still");
    host.handle(Event::Confirm, now);
    assert_eq!(says(&mut host, 3), Ok(()));
    assert_eq!(host.snapshot(now).forms.len(), 2);
}

// Another one takes the place of who leaves, or nobody; what it gives back is the same.
#[test]
fn who_leaves_says_why_and_gives_everything_back() {
    for departure in [Departure::Removed, Departure::Moved] {
        let (mut host, now) = master(HERE, MAC);
        let actions = host.handle(Event::Leave(departure), now);
        let says = |action: &Action| match action {
            Action::Tell(Notice::Transition { to: Role::Init, reason, .. }) => Some(*reason),
            _ => None,
        };
        assert_eq!(actions.iter().find_map(says), Some(departure.reason()));
        let (mut ended, now) = master(HERE, MAC);
        let others = ended.handle(Event::Shutdown { withdraw: true }, now);
        let deeds = |actions: &[Action]| {
            actions.iter().filter(|action| says(action).is_none()).cloned().collect::<Vec<_>>()
        };
        assert_eq!(deeds(&actions), deeds(&others));
        assert!(host.leaves() && host.handle(Event::Leave(departure), now).is_empty(), "once is enough");
    }
}
