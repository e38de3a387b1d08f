//! Up to three virtual hosts that hold one key, and everything that may happen to them: what they say to each other, on
//! time, late, altered, sent again or from elsewhere; kernels and old ucarps with the key, strangers without; links,
//! hooks, addresses, clocks and processes that come and go. The input is a list of such steps.
//!
//! Laws: no step makes a host panic; after a tick the next deadline lies in the future; an early tick does nothing;
//! what is refused is counted and changes nothing but what follows at once; what is ours and comes from ourselves is
//! refused, and with `only_ours` nobody else is followed; nothing is answered by more than a few actions; who is
//! remembered has a bound; one hook runs at a time; what a host sends is well formed, authenticates, fits its role, and
//! has no T a second time with other contents. Where clocks are no years apart, T goes on, and of a host that was heard
//! nothing older is accepted, nor the same much later.

#![no_main]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use ucarp::protocol::wire::{self, Decoded, carp};
use ucarp::protocol::{
    Action, Announcing, Authenticator, Destination, Dialect, Event, Family, Frame, Hook, HookEnd,
    HookFailure, Hooks, Interval, Key, Link, MacAddr, Notice, OnLostAddress, Parameters, PeerKind, Presence,
    Rejected, Replay, Role, Shift, Sources, Time, Transmission, Vhid, VirtualHost,
};

const VHID: u8 = 7;
const NO_PREFERENCE: [Interval; 2] = [Interval::new(0, 0), Interval::BOW_OUT];
const GROUP_V4: IpAddr = IpAddr::V4(Destination::GROUP_V4);
const GROUP_V6: IpAddr = IpAddr::V6(Destination::GROUP_V6);
/// The low bits of a counter of ours (register, row 7): T, and what says that a backup speaks.
const T: u32 = (1 << 30) - 1;
const GIVES_WAY: u64 = 1 << 31;
/// In microseconds: a T is good for so long after it was first heard.
const SAME: u64 = 500_000;
/// The time of day where clocks are right, and how long that lasts before T could go round.
const TODAY: Duration = Duration::from_secs(1_800_000_000);
const YEAR: u64 = 366 * 24 * 3_600 * 1_000_000;
/// The rooms for peers and for senders of ours.
const MOST_PEERS: usize = 16;
const MOST_SENDERS: usize = 64;
/// How many frames an attacker remembers.
const MEMORY: usize = 24;
/// More than any one fact is worth: each address is announced twice in a round, the rest are advertisements in two
/// families, a hook and notices.
const MOST_ACTIONS: usize = 32;

/// The bytes that decide; zeros when they are used up.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.byte()) % choices.len()]
    }

    fn bit(&mut self) -> bool {
        self.byte() & 1 != 0
    }

    /// From none over microseconds to a year.
    fn micros(&mut self) -> u64 {
        let (size, fraction) = (self.byte() % 46, self.byte());
        if size == 0 { 0 } else { (256 + u64::from(fraction)) << (size - 1) >> 8 }
    }

    fn interval(&mut self) -> Interval {
        let usual = [(1, 0), (1, 100), (1, 240), (2, 0), (0, 50), (0, 0), (255, 255), (255, 254), (20, 3)];
        match self.byte() {
            255 => Interval::new(self.byte(), self.byte()),
            which => {
                let (base, skew) = usual[usize::from(which) % usual.len()];
                Interval::new(base, skew)
            }
        }
    }

    fn mac(&mut self) -> MacAddr {
        match self.byte() % 8 {
            0 => MacAddr([0, 0, 0x5e, 0, 0, VHID]),
            1 => MacAddr([0, 0, 0x5e, 0, 1, VHID]),
            which => mac(which - 2),
        }
    }

    fn source(&mut self, v6: bool) -> IpAddr {
        match (self.byte() % 8, v6) {
            (0, false) => Ipv4Addr::UNSPECIFIED.into(),
            (1, false) => [10, 0, 0, 100].into(),
            (0, true) => Ipv6Addr::UNSPECIFIED.into(),
            (1, true) => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x64)),
            (7, v6) => source(self.byte(), v6),
            (which, v6) => source(which - 2, v6),
        }
    }

    fn presence(&mut self) -> Presence {
        self.of(&[Presence::All, Presence::None, Presence::Some, Presence::Pending, Presence::Taken])
    }
}

fn mac(number: u8) -> MacAddr {
    MacAddr([2, 0, 0, 0, 0, number])
}

fn source(number: u8, v6: bool) -> IpAddr {
    if v6 {
        IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x1000 - u16::from(number)))
    } else {
        IpAddr::V4(Ipv4Addr::new(10, 0, 1, number))
    }
}

fn low(counter: u64) -> u32 {
    let [.., a, b, c, d] = counter.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

fn group(source: IpAddr) -> IpAddr {
    if source.is_ipv4() { GROUP_V4 } else { GROUP_V6 }
}

/// What all hosts are configured with alike.
struct Shared {
    addresses: Vec<IpAddr>,
    unicast: bool,
    /// Clocks are right to the minute, and nobody with the key lies about the time by more.
    orderly: bool,
    /// One host sends from the shared addresses.
    borrowed: bool,
}

impl Shared {
    fn read(input: &mut Input<'_>) -> Self {
        let [v4, v6, local] =
            ["10.0.0.100", "2001:db8::64", "fe80::64"].map(|text| text.parse().expect("an address"));
        let how = input.byte();
        let addresses = match how & 7 {
            0..=2 => vec![v4],
            3 => vec![v6],
            4 | 5 => vec![v4, v6],
            6 => vec![v6, local],
            _ => vec![local, v4],
        };
        Self { addresses, unicast: how & 8 != 0, orderly: how & 16 == 0, borrowed: how & 32 != 0 }
    }

    fn of(&self, family: Family) -> Option<IpAddr> {
        self.addresses.iter().find(|address| Family::of(**address) == family).copied()
    }
}

/// A virtual host with its surroundings.
struct Host {
    number: u8,
    host: VirtualHost,
    running: Option<Hook>,
    /// The running hook was asked to end.
    killed: bool,
    sending: bool,
    /// Its system has lost the address it sends from.
    robbed: bool,
    leaving: bool,
    /// The last T, and the contents it was sent with.
    last: Option<(u32, [u8; 3], u32)>,
    /// The T last accepted of each host that is told by its address, when first, and the counter.
    newest: BTreeMap<IpAddr, (u32, u64, u64)>,
    /// It was given other addresses, so that some peer may have been itself.
    moved: bool,
    /// How far the wall clock is from ours, if there is one.
    wall: Option<Duration>,
}

impl Host {
    fn new(number: u8, shared: &Shared, input: &mut Input<'_>) -> Self {
        let (how, more) = (input.byte(), input.byte());
        let peers = |v6| (0..3).filter(move |peer| *peer != number).map(move |peer| source(peer, v6));
        let mut destination = Destination::default();
        if shared.unicast {
            let families = [Family::V4, Family::V6].into_iter().filter(|family| shared.of(*family).is_some());
            destination.peers = families.flat_map(|family| peers(family == Family::V6)).collect();
        }
        let own = |family| match number {
            // It has no address of its own.
            0 if shared.borrowed => shared.of(family),
            number => shared.of(family).map(|_| source(number, family == Family::V6)),
        };
        let parameters = Parameters {
            vhid: Vhid::new(VHID).expect("not zero"),
            addresses: shared.addresses.clone(),
            key: key(),
            // Nobody is configured with these two.
            interval: Some(input.interval())
                .filter(|interval| !NO_PREFERENCE.contains(interval))
                .unwrap_or(Interval::new(1, 50)),
            dead_ratio: input.of(&[3, 3, 1, 2, 10_000]),
            preempt: how & 1 != 0,
            start_hold: Duration::ZERO,
            preempt_delay: Duration::ZERO,
            neutral: how & 2 != 0,
            sources: Sources {
                v4: own(Family::V4).and_then(|address| match address {
                    IpAddr::V4(v4) => Some(v4),
                    IpAddr::V6(_) => None,
                }),
                v6: own(Family::V6).and_then(|address| match address {
                    IpAddr::V4(_) => None,
                    IpAddr::V6(v6) => Some(v6),
                }),
            },
            mac: mac(number),
            destination,
            hooks: Hooks {
                up: how & 4 != 0,
                down: how & 8 != 0,
                scripts: 0,
                timeout: Duration::from_secs(if how & 16 != 0 { 1 } else { 60 }),
                failure: if how & 32 != 0 { HookFailure::Demote } else { HookFailure::Stay },
                on_lost_address: if how & 64 != 0 { OnLostAddress::Warn } else { OnLostAddress::Hook },
                manages: how & 96 == 32,
            },
            announcing: Announcing {
                count: 1 + more % 3,
                interval: Duration::from_millis(200),
                refresh: Duration::from_secs(u64::from(more >> 2 & 1)),
            },
            dialect: Dialect::ALL[usize::from(more >> 3 & 7) % Dialect::ALL.len()],
            replay: [Replay::Warn, Replay::Refuse, Replay::Off, Replay::Warn][usize::from(more >> 6)],
            only_ours: how & 128 != 0,
            also_accepted: Vec::new(),
            settle: Parameters::SETTLE,
        };
        Self {
            number,
            host: VirtualHost::new(parameters),
            running: None,
            killed: false,
            sending: true,
            robbed: false,
            leaving: false,
            last: None,
            newest: BTreeMap::new(),
            moved: false,
            wall: shared.orderly.then_some(TODAY + Duration::from_secs(u64::from(number) * 20)),
        }
    }
}

fn key() -> Key {
    Key::from_password(b"secret").expect("six bytes are a key")
}

struct World {
    shared: Shared,
    hosts: Vec<Host>,
    now: u64,
    /// What was on the wire, the latest last.
    air: VecDeque<Vec<u8>>,
    /// Sent since it was last delivered: by whom, and what.
    fresh: Vec<(usize, Vec<u8>)>,
    /// Has the key, as a kernel.
    auth: Authenticator,
    counter: u64,
    /// Counters of our kind.
    ours: BTreeSet<u64>,
    /// Once is enough, and takes as long as much else.
    flooded: bool,
}

impl World {
    fn now(&self) -> Time {
        Time::from_micros(self.now)
    }

    fn tell(&mut self, which: usize, event: Event) {
        let now = self.now();
        let host = &mut self.hosts[which];
        let before = host.host.role();
        let actions = host.host.handle(event, now);
        self.perform(which, before, actions);
    }

    fn wall(&mut self, which: usize) {
        if let Some(offset) = self.hosts[which].wall {
            self.tell(which, Event::Wall(offset.saturating_add(Duration::from_micros(self.now))));
        }
    }

    fn tick(&mut self, which: usize) {
        self.wall(which);
        self.tell(which, Event::Tick);
        let next = self.hosts[which].host.next_deadline();
        assert!(next.is_none_or(|next| next > self.now()), "{next:?} at {}", self.now);
    }

    /// The deadline in whole microseconds, not before it.
    fn deadline(&self, which: usize) -> Option<u64> {
        let deadline = self.hosts[which].host.next_deadline()?;
        u64::try_from(deadline.since_zero().as_nanos().div_ceil(1_000)).ok()
    }

    fn early(&mut self, which: usize) {
        let now = self.now();
        let host = &mut self.hosts[which].host;
        let deadline = host.next_deadline();
        if deadline.is_none_or(|deadline| deadline > now) {
            let before = host.snapshot(now);
            assert_eq!(host.handle(Event::Tick, now), []);
            assert_eq!((host.snapshot(now), host.next_deadline()), (before, deadline));
        }
    }

    fn hear(&mut self, which: usize, frame: &[u8]) {
        let now = self.now();
        let host = &mut self.hosts[which].host;
        let (before, deadline) = (host.snapshot(now), host.next_deadline());
        let echo = wire::decode(frame).is_ok_and(|decoded| {
            let Parameters { sources, mac, .. } = host.parameters();
            let own =
                [sources.v4.map(IpAddr::V4), sources.v6.map(IpAddr::V6)].contains(&Some(decoded.source));
            own && *mac == decoded.mac
                && self.auth.verify(&decoded).is_ok_and(|ad| ad.kind() == PeerKind::Ours)
        });
        match host.receive(frame, now) {
            Ok(actions) => {
                assert!(!echo, "one of our own");
                self.goes_on(which, frame);
                self.perform(which, before.role, actions);
            }
            Err(rejected) => {
                let mut after = host.snapshot(now);
                let count = |snapshot: &ucarp::protocol::Snapshot| snapshot.counters.rejections.of(rejected);
                assert_eq!(count(&after), count(&before) + 1);
                (after.counters, after.refused) = (before.counters, before.refused);
                assert_eq!(after, before);
                // What else it leads to is due at once.
                let due = [deadline, Some(now)].contains(&host.next_deadline());
                assert!(due, "{deadline:?} {:?}", host.next_deadline());
                if rejected == Rejected::BadAuth {
                    let _ = host.explain(&wire::decode(frame).expect("sound"));
                }
            }
        }
    }

    /// Something was accepted: of one of ours that was heard before, it is news.
    fn goes_on(&mut self, which: usize, frame: &[u8]) {
        let (now, host) = (self.now, &mut self.hosts[which]);
        let decoded = wire::decode(frame).expect("it was accepted");
        let (source, counter) = (decoded.source, decoded.header.counter);
        let ours = self.ours.contains(&counter);
        let told = !source.is_unspecified() && !self.shared.addresses.contains(&source);
        let Parameters { replay, dialect, .. } = host.host.parameters();
        // A kernel of OpenBSD may have a counter like ours, for ever.
        let judged = *replay != Replay::Off && *dialect != Dialect::OpenBsd;
        if !(ours && told && judged && self.shared.orderly && now < YEAR) || self.flooded || host.moved {
            return;
        }
        let stamp = low(counter) & T;
        let (last, since, same) = *host.newest.entry(source).or_insert((stamp, now, counter));
        if last == stamp {
            assert!(
                same == counter && now - since <= SAME,
                "{source}: T {stamp} again after {}",
                now - since
            );
        } else {
            assert!(stamp.wrapping_sub(last) & T < 1 << 29, "{source}: T {stamp} after {last}");
            host.newest.insert(source, (stamp, now, counter));
        }
    }

    fn perform(&mut self, which: usize, before: Role, actions: Vec<Action>) {
        assert!(actions.len() <= MOST_ACTIONS, "{actions:?}");
        let role = self.hosts[which].host.role();
        for action in actions {
            match action {
                Action::Transmit(Frame { what, bytes }) => {
                    self.sent(which, what, before, role, wire::decode(&bytes).ok());
                    self.send(which, bytes);
                    let ok = self.hosts[which].sending;
                    self.tell(which, Event::Sent { what, ok });
                }
                Action::Deliver(unicast) => {
                    let (source, packets) = match unicast.instead {
                        Some(instead) if self.hosts[which].robbed => instead,
                        Some(_) | None => (unicast.source, unicast.packets),
                    };
                    for (destination, packet) in packets {
                        let (header, pseudo_header) = match (source, destination) {
                            (IpAddr::V6(from), IpAddr::V6(to)) => {
                                carp::Header::parse_over_ipv6(&packet, from, to)
                            }
                            _ => carp::Header::parse(&packet).map(|header| (header, false)),
                        }
                        .expect("what we send is sound");
                        let mac = self.hosts[which].host.parameters().mac;
                        let decoded = Decoded { mac, source, destination, header, pseudo_header, tail: Default::default() };
                        self.sent(which, unicast.what, before, role, Some(decoded));
                        self.send(which, wire::encode(&decoded, MacAddr([2; 6]), 0));
                    }
                    let ok = self.hosts[which].sending;
                    self.tell(which, Event::Sent { what: unicast.what, ok });
                }
                Action::Run(hook) => {
                    let host = &mut self.hosts[which];
                    assert_eq!(host.running, None, "one hook at a time");
                    (host.running, host.killed) = (Some(hook), false);
                }
                Action::KillHook { hook, .. } => {
                    let host = &mut self.hosts[which];
                    assert_eq!(host.running, Some(hook));
                    host.killed = true;
                }
                Action::Shift(shift) => {
                    assert_eq!(shift == Shift::Assign, role == Role::Master);
                    let ok = self.hosts[which].sending;
                    let addresses = None;
                    self.tell(which, Event::Shifted { shift, changed: ok, ok, addresses });
                }
                // Also of one that not even SIGKILL could end: it is given up.
                Action::Tell(Notice::HookFailed { hook, .. }) => {
                    let host = &mut self.hosts[which];
                    host.running = host.running.filter(|running| *running != hook);
                }
                Action::Tell(_) => {}
            }
        }
    }

    fn sent(&mut self, which: usize, what: Transmission, before: Role, role: Role, decoded: Option<Decoded>) {
        if what == Transmission::Announcement {
            assert!(decoded.is_none() && role == Role::Master);
            return;
        }
        let decoded = decoded.expect("what we send is sound");
        let header = &decoded.header;
        assert_eq!((header.kind, header.vhid, header.authlen), (1, VHID, 7));
        assert_ne!(header.counter, 0);
        let ad = self.auth.verify(&decoded).expect("what we send authenticates");
        assert!(ad.kind() == PeerKind::Ours && self.auth.is_unaltered(&ad));
        self.ours.insert(header.counter);
        let bow_out = Interval::new(header.advbase, header.advskew) == Interval::BOW_OUT;
        assert_eq!(bow_out, what == Transmission::BowOut);
        match what {
            Transmission::BowOut => assert_ne!(role, Role::Master),
            Transmission::Advert | Transmission::Announcement => {
                let may = [before, role].contains(&Role::Master) || header.counter & GIVES_WAY != 0;
                assert!(may, "{before:?} {role:?}");
            }
        }
        let low = low(header.counter);
        let (stamp, contents) = (low & T, [header.advbase, header.advskew, header.demotion]);
        if let Some((last, before, words)) = self.hosts[which].last.replace((stamp, contents, low & !T)) {
            let orderly = self.shared.orderly && self.now < YEAR;
            assert!(!orderly || stamp.wrapping_sub(last) & T < 1 << 29, "{last} {stamp}");
            assert!(last != stamp || (before, words) == (contents, low & !T), "{last} twice");
        }
    }

    fn send(&mut self, which: usize, frame: Vec<u8>) {
        self.remember(frame.clone());
        self.fresh.push((which, frame));
    }

    fn remember(&mut self, frame: Vec<u8>) {
        if self.air.len() == MEMORY {
            self.air.pop_front();
        }
        self.air.push_back(frame);
    }

    /// Hands what was sent to all the others.
    fn deliver(&mut self) {
        for _ in 0..8 {
            let fresh = std::mem::take(&mut self.fresh);
            if fresh.is_empty() {
                return;
            }
            for (from, frame) in fresh {
                for to in (0..self.hosts.len()).filter(|to| *to != from) {
                    self.hear(to, &frame);
                }
            }
        }
        self.fresh.clear();
    }

    fn end_hook(&mut self, which: usize, ended: HookEnd, addresses: Option<Presence>) {
        if let Some(hook) = self.hosts[which].running.take() {
            self.tell(which, Event::HookDone { hook, ended, addresses });
        }
    }

    /// An ordinary time: each wakes when it asked to, hears the others, and its hooks do their work.
    fn live(&mut self, lasts: u64) {
        let end = self.now + lasts;
        for _ in 0..20 {
            for which in 0..self.hosts.len() {
                let there = self.hosts[which].running.map(|hook| match hook {
                    Hook::Up => Presence::All,
                    Hook::Down => Presence::None,
                });
                self.end_hook(which, HookEnd::Succeeded, there);
            }
            self.deliver();
            let deadlines = (0..self.hosts.len()).filter_map(|which| Some((self.deadline(which)?, which)));
            let Some((deadline, which)) = deadlines.min().filter(|(deadline, _)| *deadline <= end) else {
                break;
            };
            self.now = self.now.max(deadline);
            self.tick(which);
        }
        self.now = end.max(self.now);
    }

    /// An advertisement of a host that is none of ours and has the key.
    fn foreign(&mut self, input: &mut Input<'_>) -> Vec<u8> {
        let how = input.byte();
        let source = input.source(how & 1 != 0);
        self.counter += 1;
        let latest = self.air.back().and_then(|frame| wire::decode(frame).ok());
        let (interval, demotion) = (input.interval(), if how & 8 != 0 { input.byte() } else { 0 });
        let latest = latest.map_or(0, |ad| ad.header.counter);
        let counter = match how >> 5 {
            0 | 1 => self.counter,
            // Kernels adopt what they hear, and add one.
            2 => latest.wrapping_add(1),
            3 => 0x0123_4567_89ab_cdef,
            // One of ours: T is near another's, far from it, or anything.
            kind => {
                let (step, stamp) = (u32::from(input.byte()), low(latest));
                let low = match kind {
                    4 => stamp.wrapping_add(step),
                    _ if self.shared.orderly => stamp.wrapping_sub(step),
                    5 => stamp.wrapping_sub(step << 4),
                    6 => stamp.wrapping_add(step << 22),
                    _ => u32::from_be_bytes([step as u8, input.byte(), input.byte(), input.byte()]),
                };
                let counter = self.auth.marked(low, source, interval, demotion);
                self.ours.insert(counter);
                counter
            }
        };
        let decoded = Decoded {
            mac: input.mac(),
            source,
            destination: group(source),
            header: carp::Header {
                kind: 1,
                vhid: VHID,
                advskew: interval.skew,
                authlen: 7,
                demotion,
                advbase: interval.base,
                counter,
                code: self.auth.code(counter),
            },
            pseudo_header: how & 16 != 0 && source.is_ipv6(),
        };
        wire::encode(&decoded, MacAddr::of_group(group(source)), 0)
    }

    /// Something that was once on the wire, with whatever the HMAC does not cover as one likes.
    fn recorded(&mut self, input: &mut Input<'_>) -> Option<Vec<u8>> {
        let back = usize::from(input.byte()) % self.air.len().max(1);
        let frame = self.air.iter().rev().nth(back)?;
        let how = input.byte();
        let Ok(mut ad) = wire::decode(frame) else { return Some(frame.clone()) };
        if how & 1 != 0 {
            let interval = input.interval();
            (ad.header.advbase, ad.header.advskew) = (interval.base, interval.skew);
        }
        if how & 2 != 0 {
            ad.header.demotion = input.byte();
        }
        if how & 4 != 0 {
            ad.source = input.source(input.0.first().is_some_and(|byte| byte & 128 != 0));
            ad.destination = group(ad.source);
            ad.pseudo_header = false;
        }
        if how & 8 != 0 {
            ad.mac = input.mac();
        }
        if how & 16 != 0 {
            (ad.header.kind, ad.header.authlen) = (input.byte() & 15, input.byte());
        }
        if how & 32 != 0 {
            ad.destination = input.source(ad.source.is_ipv6());
        }
        let mut frame = wire::encode(&ad, MacAddr::of_group(group(ad.source)), 0);
        if how & 64 != 0 {
            let place = usize::from(input.byte()) % frame.len();
            frame[place] ^= input.byte();
        }
        Some(frame)
    }

    /// More hosts with the key than there is room for.
    fn flood(&mut self, which: usize) {
        for number in 0..100 {
            let (source, interval) = (source(number, false), Interval::new(1, number));
            let kernel = number % 4 == 0;
            self.counter += 1;
            let low = u32::try_from(self.counter).unwrap_or_default();
            let counter = if kernel { self.counter } else { self.auth.marked(low, source, interval, 0) };
            let header = carp::Header {
                kind: 1,
                vhid: VHID,
                advskew: interval.skew,
                authlen: 7,
                demotion: 0,
                advbase: interval.base,
                counter,
                code: self.auth.code(counter),
            };
            let ad =
                Decoded { mac: mac(number), source, destination: GROUP_V4, header, pseudo_header: false, tail: Default::default() };
            let frame = wire::encode(&ad, MacAddr::of_group(GROUP_V4), 0);
            self.hear(which, &frame);
        }
        let said = format!("{:?}", self.hosts[which].host);
        let count = |name| said.matches(name).count();
        assert!(count("Known { id") <= MOST_PEERS && count("Sender { source") <= MOST_SENDERS);
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let what = input.byte();
        let which = usize::from(what >> 6) % self.hosts.len();
        match what & 31 {
            0 | 1 => {
                if let Some(deadline) = self.deadline(which) {
                    self.now = self.now.max(deadline);
                    self.tick(which);
                }
            }
            2 => {
                let late = input.micros();
                if let Some(deadline) = self.deadline(which) {
                    self.now = self.now.max(deadline) + late;
                    self.tell(which, Event::Late(Duration::from_micros(late)));
                    self.tick(which);
                }
            }
            3 => self.early(which),
            4 => self.now += input.micros(),
            5..=7 => {
                let lasts = input.micros();
                self.live(lasts);
            }
            8 => self.deliver(),
            9 => self.fresh.clear(),
            10..=13 => {
                let frame = self.foreign(input);
                self.remember(frame.clone());
                self.hear(which, &frame);
            }
            14..=18 => {
                if let Some(frame) = self.recorded(input) {
                    self.hear(which, &frame);
                }
            }
            19 => {
                let link = input.of(&[Link::Up, Link::Down, Link::Disabled, Link::Gone]);
                self.tell(which, Event::Link(link));
            }
            20 => {
                let ended =
                    input.of(&[HookEnd::Succeeded, HookEnd::Failed, HookEnd::Killed, HookEnd::NotRun]);
                let addresses = input.bit().then(|| input.presence());
                self.end_hook(which, ended, addresses);
            }
            21 => {
                // One that we know nothing of.
                let hook = input.of(&[Hook::Up, Hook::Down]);
                if self.hosts[which].running != Some(hook) {
                    let addresses = input.bit().then(|| input.presence());
                    self.tell(which, Event::HookDone { hook, ended: HookEnd::Succeeded, addresses });
                }
            }
            22 => {
                let presence = input.presence();
                self.tell(which, Event::Addresses(presence));
            }
            23 => {
                let how = input.byte();
                (self.hosts[which].sending, self.hosts[which].robbed) = (how & 1 != 0, how & 2 != 0);
            }
            24 => {
                let deaf = input.bit();
                self.tell(which, Event::Deaf(deaf));
            }
            25 => {
                let lost = input.byte();
                self.tell(which, Event::Lost(lost.into()));
            }
            26 => {
                // None, around 1970, today, and where the wire's 30 bits of quarter seconds end.
                let clocks =
                    [None, Some(0), Some(1 << 20), Some(1_800_000_000), Some(1 << 28), Some(u64::MAX)];
                let (clock, more) = (input.of(&clocks), Duration::from_micros(input.micros()));
                self.hosts[which].wall = match self.shared.orderly {
                    true => Some(TODAY + more.min(Duration::from_secs(60))),
                    false => clock.map(|seconds| Duration::from_secs(seconds).saturating_add(more)),
                };
                self.wall(which);
            }
            27 => {
                let number = input.byte() % 4;
                let (now, host) = (self.now(), &mut self.hosts[which]);
                host.moved = true;
                let (before, sources) = (host.host.role(), host.host.parameters().sources);
                let of = |v6| source(number, v6);
                let moved = Sources {
                    v4: sources.v4.and(match of(false) {
                        IpAddr::V4(v4) => Some(v4),
                        IpAddr::V6(_) => None,
                    }),
                    v6: sources.v6.and(match of(true) {
                        IpAddr::V4(_) => None,
                        IpAddr::V6(v6) => Some(v6),
                    }),
                };
                let actions = host.host.relocate(mac(input.byte() % 4), moved, now);
                self.perform(which, before, actions);
            }
            28 => {
                let event = if input.bit() { Event::Take } else { Event::Resign { force: false } };
                self.tell(which, event);
            }
            29 => {
                let withdraw = input.bit();
                let again = std::mem::replace(&mut self.hosts[which].leaving, true);
                self.tell(which, Event::Shutdown { withdraw });
                if again || !withdraw {
                    // The first leaves a running hook alone, the second ends it: nobody waits for it.
                    self.hosts[which].running = None;
                }
            }
            30 => {
                // Another life of the same host.
                let number = self.hosts[which].number;
                self.hosts[which] = Host::new(number, &self.shared, input);
                self.start(which);
            }
            _ => {
                let many = input.byte();
                if many & 1 == 0 {
                    let length = usize::from(many >> 1).min(input.0.len());
                    let (frame, rest) = input.0.split_at(length);
                    input.0 = rest;
                    self.hear(which, frame);
                } else if !std::mem::replace(&mut self.flooded, true) {
                    self.flood(which);
                }
            }
        }
        let now = self.now();
        for host in &self.hosts {
            let snapshot = host.host.snapshot(now);
            assert_eq!(snapshot.role == Role::Backup, snapshot.master_down.is_some());
            let follows_ours = snapshot.followed.is_none_or(|peer| peer.kind == PeerKind::Ours);
            assert!(follows_ours || !host.host.parameters().only_ours, "{:?}", snapshot.followed);
            if !host.leaving {
                assert_eq!(snapshot.hook.map(|(hook, _)| hook), host.running);
            }
        }
        let started = self.fresh.len().saturating_sub(MEMORY);
        self.fresh.drain(..started);
    }

    fn start(&mut self, which: usize) {
        self.wall(which);
        self.tell(which, Event::Start);
        self.tell(which, Event::Link(Link::Up));
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input(bytes);
    let shared = Shared::read(&mut input);
    let count = 1 + input.byte() % 3;
    let hosts = (0..count).map(|number| Host::new(number, &shared, &mut input)).collect();
    let auth = Authenticator::new(&key(), Vhid::new(VHID).expect("not zero"), &shared.addresses);
    let (air, fresh) = (VecDeque::new(), Vec::new());
    let mut world =
        World { shared, hosts, now: 0, air, fresh, auth, counter: 1, ours: BTreeSet::new(), flooded: false };
    for which in 0..world.hosts.len() {
        world.start(which);
    }
    while !input.0.is_empty() {
        world.step(&mut input);
    }
});
