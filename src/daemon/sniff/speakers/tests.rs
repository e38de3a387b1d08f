use super::super::packet::Packet;
use super::*;
use crate::protocol::wire::peek::{Fields, Vrrp};

/// A sound packet from 10.0.0.`host` for id 7 at `millis`.
fn packet(host: u8, millis: u64) -> Packet {
    Packet {
        at: Duration::from_millis(millis),
        vlans: [None; 2],
        family: Family::V4,
        source: Some(IpAddr::from([10, 0, 0, host])),
        identified: true,
        destination: None,
        mac: MacAddr([2, 0, 0, 0, 0, host]),
        to: MacAddr::BROADCAST,
        ttl: Some(255),
        tos: Some(0),
        fields: Fields {
            version: Some(2),
            vhid: Some(7),
            advbase: Some(1),
            advskew: Some(0),
            demotion: Some(0),
            ..Fields::default()
        },
        vrrp: None,
        kind: Kind::Other,
        own: false,
        verdict: Ok(()),
        unsummed: false,
        authenticated: Some(true),
    }
}

fn bow_out(host: u8, millis: u64) -> Packet {
    let mut packet = packet(host, millis);
    (packet.fields.advbase, packet.fields.advskew) = (Some(255), Some(255));
    packet
}

/// A frame like no other.
fn frame(packet: &Packet) -> Vec<u8> {
    format!("{packet:?}").into_bytes()
}

fn hear(speakers: &mut Speakers, packet: &Packet) -> Vec<News> {
    speakers.hear(packet, &frame(packet)).news
}

#[test]
fn a_steady_speaker_is_news_once() {
    let mut speakers = Speakers::default();
    assert_eq!(hear(&mut speakers, &packet(1, 0)), [News::New]);
    for second in 1..30 {
        assert_eq!(hear(&mut speakers, &packet(1, second * 1000)), []);
        assert_eq!(speakers.pass(Duration::from_millis(second * 1000 + 999)), []);
    }
    assert_eq!(speakers.all()[0].rate(), Some(100));
    assert_eq!(speakers.all()[0].packets, 30);
}

#[test]
fn changes_are_news() {
    let mut speakers = Speakers::default();
    hear(&mut speakers, &packet(1, 0));
    let mut changed = packet(1, 1000);
    changed.fields.advskew = Some(240);
    changed.fields.demotion = Some(2);
    let before = Every::Carp(Interval::new(1, 0));
    assert_eq!(hear(&mut speakers, &changed), [News::Interval(before), News::Demotion(0)]);
    let refused = Packet { at: Duration::from_millis(2900), verdict: Err(Rejected::BadAuth), ..changed };
    assert_eq!(hear(&mut speakers, &refused), [News::Verdict]);
    let of_a_kind = Packet { at: Duration::from_millis(4800), kind: Kind::Kernel, ..refused };
    assert_eq!(hear(&mut speakers, &of_a_kind), [News::Kind]);
}

#[test]
fn leaving_and_silence_and_coming_back() {
    let mut speakers = Speakers::default();
    hear(&mut speakers, &packet(1, 0));
    assert_eq!(hear(&mut speakers, &bow_out(1, 500)), [News::Left]);
    assert_eq!(hear(&mut speakers, &bow_out(1, 520)), []);
    assert_eq!(speakers.next_silence(), None);
    assert_eq!(speakers.pass(Duration::from_secs(60)), []);
    assert_eq!(hear(&mut speakers, &packet(1, 9520)), [News::Again(Duration::from_secs(9))]);
    let silent = Duration::from_millis(9520 + 3000 + 100);
    assert_eq!(speakers.next_silence(), Some(silent));
    assert_eq!(speakers.pass(silent), []);
    assert_eq!(speakers.pass(Duration::from_secs(100)), [(silent, 0)]);
    assert_eq!(speakers.pass(Duration::from_secs(200)), []);
    assert!(matches!(hear(&mut speakers, &packet(1, 200_000))[..], [News::Again(_)]));
}

#[test]
fn a_takeover_is_not_two_masters() {
    let mut speakers = Speakers::default();
    hear(&mut speakers, &packet(1, 0));
    // Another one takes over, the first one answers once, as ucarp 1.5.2 does.
    assert_eq!(hear(&mut speakers, &packet(2, 500)), [News::New]);
    assert_eq!(hear(&mut speakers, &packet(1, 501)), []);
    for second in 1..9 {
        assert_eq!(hear(&mut speakers, &packet(2, second * 1000 + 500)), []);
        let silent = speakers.pass(Duration::from_millis(second * 1000 + 1499));
        assert_eq!(silent, if second == 3 { vec![(Duration::from_millis(3601), 0)] } else { vec![] });
    }
    assert!(speakers.all().iter().all(|speaker| !speaker.two_masters));
}

#[test]
fn two_masters_are_told_once() {
    let mut speakers = Speakers::default();
    let mut told = 0;
    for second in 0..20 {
        for host in [1, 2] {
            let news = hear(&mut speakers, &packet(host, second * 1000 + u64::from(host)));
            told +=
                news.iter().filter(|news| matches!(news, News::Conflict(Conflict::TwoMasters, _))).count();
        }
    }
    assert_eq!(told, 1);
    assert!(speakers.all().iter().all(|speaker| speaker.two_masters));
}

#[test]
fn another_hardware_address_is_not_another_master() {
    let mut speakers = Speakers::default();
    hear(&mut speakers, &packet(1, 0));
    let moved = |millis, mac| Packet { mac: MacAddr([mac; 6]), ..packet(1, millis) };
    let before = packet(1, 0).mac;
    assert_eq!(hear(&mut speakers, &moved(1000, 9)), [News::Mac(before)]);
    assert_eq!(hear(&mut speakers, &moved(2000, 9)), []);
    assert_eq!(hear(&mut speakers, &moved(2500, 8)), [News::Mac(MacAddr([9; 6]))]);
    let leaves = Packet { mac: MacAddr([7; 6]), ..bow_out(1, 2600) };
    assert_eq!(hear(&mut speakers, &leaves), [News::Mac(MacAddr([8; 6])), News::Left]);
    assert_eq!(speakers.all().len(), 1);
    // A source that is nobody's says nothing.
    let nobody = |millis, mac| Packet { source: None, identified: false, ..moved(millis, mac) };
    assert_eq!(hear(&mut speakers, &nobody(3000, 1)), [News::New]);
    assert_eq!(hear(&mut speakers, &nobody(3100, 2)), [News::New]);
}

#[test]
fn two_hosts_with_one_source_are_two_masters() {
    let mut speakers = Speakers::default();
    let mut found = Vec::new();
    for second in 0..4 {
        for mac in [1, 2] {
            let one = Packet { mac: MacAddr([mac; 6]), ..packet(1, second * 1000 + u64::from(mac)) };
            found.extend(hear(&mut speakers, &one));
        }
    }
    let conflict = News::Conflict(Conflict::TwoMasters, 1);
    assert_eq!(found, [News::New, News::Mac(MacAddr([1; 6])), News::New, conflict]);
}

#[test]
fn a_foreign_group_of_hosts_is_a_collision() {
    let mut speakers = Speakers::default();
    let mut found = Vec::new();
    for second in 0..3 {
        found.extend(hear(&mut speakers, &packet(1, second * 1000)));
        let foreign = Packet { verdict: Err(Rejected::BadAuth), ..packet(2, second * 1000 + 300) };
        found.extend(hear(&mut speakers, &foreign));
    }
    assert_eq!(found, [News::New, News::New, News::Conflict(Conflict::Strangers, 1)]);
}

#[test]
fn a_vrrp_router_with_the_same_id_is_a_collision() {
    let mut speakers = Speakers::default();
    hear(&mut speakers, &packet(1, 0));
    let vrrp = Vrrp { version: 3, vrid: 7, priority: 100, interval: Duration::from_secs(1) };
    let router = Packet {
        vrrp: Some(vrrp),
        kind: Kind::Vrrp,
        verdict: Err(Rejected::TooShort),
        fields: Fields { version: Some(3), vhid: Some(7), ..Fields::default() },
        ..packet(2, 10)
    };
    assert_eq!(hear(&mut speakers, &router), [News::New, News::Conflict(Conflict::Strangers, 0)]);
    let other = Packet { at: Duration::from_millis(20), mac: MacAddr([9; 6]), ..router };
    let resigns = Packet { vrrp: Some(Vrrp { priority: 0, ..vrrp }), ..other };
    hear(&mut speakers, &other);
    assert_eq!(hear(&mut speakers, &resigns), [News::Left]);
}

#[test]
fn the_same_id_on_another_vlan_is_no_collision() {
    let mut speakers = Speakers::default();
    let mut found = Vec::new();
    for second in 0..4 {
        for (place, vlan) in [None, Some(10), Some(20)].into_iter().enumerate() {
            let millis = second * 1000 + 100 * u64::try_from(place).unwrap();
            found.extend(hear(&mut speakers, &Packet { vlans: [vlan, None], ..packet(1, millis) }));
        }
    }
    assert_eq!(found, [News::New; 3]);
}

#[test]
fn the_same_frame_at_once_is_an_echo_and_later_it_is_not() {
    let mut speakers = Speakers::default();
    let first = packet(1, 0);
    hear(&mut speakers, &first);
    let at = |millis| Packet { at: Duration::from_millis(millis), ..first };
    let heard = speakers.hear(&at(3), &frame(&first));
    assert_eq!((heard.echo, heard.news), (true, vec![News::Echo]));
    let heard = speakers.hear(&at(4), &frame(&first));
    assert_eq!((heard.echo, heard.news), (true, vec![]));
    // OpenBSD's counter stays the same.
    let heard = speakers.hear(&at(1000), &frame(&first));
    assert_eq!((heard.echo, heard.news), (false, vec![]));
}

#[test]
fn strangers_without_end_do_not_fill_the_memory() {
    let mut speakers = Speakers::default();
    for number in 0..5000_u32 {
        let [_, _, high, low] = number.to_be_bytes();
        let stranger = Packet {
            source: Some(IpAddr::from([10, 1, high, low])),
            verdict: Err(Rejected::BadAuth),
            ..packet(1, u64::from(number))
        };
        hear(&mut speakers, &stranger);
    }
    assert_eq!(speakers.all().len(), MOST);
    assert!(speakers.all().iter().all(|speaker| speaker.last >= Duration::from_millis(5000 - MOST as u64)));
}
