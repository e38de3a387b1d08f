//! Where frames come from, and what changes when that does.

use std::net::Ipv4Addr;

use super::*;
use crate::protocol::wire::ethernet;
use crate::protocol::{Announcing, Destination, Dialect, Hooks, Key, Link, Vhid};

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
        neutral: false,
        sources,
        mac,
        destination: Destination::default(),
        hooks: Hooks::default(),
        announcing: Announcing::default(),
        dialect: Dialect::default(),
    };
    VirtualHost::new(parameters, 1)
}

fn frames(actions: &[Action], wanted: Transmission) -> Vec<Vec<u8>> {
    let sent = actions.iter().filter_map(|action| match action {
        Action::Transmit(frame) if frame.what == wanted => Some(frame.bytes.clone()),
        Action::Transmit(_)
        | Action::Deliver(_)
        | Action::Run(_)
        | Action::KillHook { .. }
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
        let mut speaker = VirtualHost::new(parameters(dialect), 1);
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
            let mut hearer = VirtualHost::new(parameters(other), 2);
            hearer.handle(Event::Start, ms(0));
            hearer.handle(Event::Link(Link::Up), ms(0));
            assert!(adverts.iter().all(|frame| hearer.receive(frame, now).is_ok()), "{dialect:?} {other:?}");
        }
    }
}
