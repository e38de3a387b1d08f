use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::super::wire;
use super::super::{
    Action, Announcing, Destination, Dialect, Event, HookEnd, Hooks, Key, Link, Parameters, Reason, Rejected,
    Replay, Sources, VirtualHost,
};
use super::*;

fn at(millis: u64) -> Time {
    Time::new(Duration::from_millis(millis))
}

fn parameters(last: u8, password: &str, addresses: &[&str]) -> Parameters {
    Parameters {
        vhid: Vhid::MIN,
        addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
        key: Key::from_password(password.as_bytes()).unwrap(),
        interval: Interval::new(1, last),
        dead_ratio: 3,
        preempt: false,
        start_hold: Duration::ZERO,
        preempt_delay: Duration::ZERO,
        neutral: false,
        sources: Sources { v4: Some(Ipv4Addr::new(10, 0, 0, last)), v6: None },
        mac: MacAddr([2, 0, 0, 0, 0, last]),
        destination: Destination::default(),
        hooks: Hooks { up: true, down: true, ..Hooks::default() },
        announcing: Announcing::default(),
        dialect: Dialect::default(),
        replay: Replay::default(),
        only_ours: false,
        also_accepted: Vec::new(),
        settle: Parameters::SETTLE,
    }
}

const LIST: [&str; 1] = ["10.0.0.100"];

/// A host of a small world without loss or delay, and what it said.
struct Node {
    host: VirtualHost,
    said: Vec<(Time, Notice)>,
    runs: bool,
}

impl Node {
    fn new(parameters: Parameters) -> Self {
        Self { host: VirtualHost::new(parameters), said: Vec::new(), runs: false }
    }

    /// Performs as the daemon does; what it sends.
    fn perform(&mut self, actions: Vec<Action>, now: Time) -> Vec<Vec<u8>> {
        let (mut sent, mut queue) = (Vec::new(), VecDeque::from(actions));
        while let Some(action) = queue.pop_front() {
            match action {
                Action::Transmit(frame) => {
                    queue.extend(self.host.handle(Event::Sent { what: frame.what, ok: true }, now));
                    sent.push(frame.bytes);
                }
                Action::Run(hook) => {
                    queue.extend(
                        self.host.handle(
                            Event::HookDone { hook, ended: HookEnd::Succeeded, addresses: None },
                            now,
                        ),
                    );
                }
                Action::Tell(notice) => self.said.push((now, notice)),
                Action::Deliver(_) | Action::KillHook { .. } | Action::Shift(_) => {}
            }
        }
        sent
    }

    fn tell(&mut self, event: Event, now: Time) -> Vec<Vec<u8>> {
        let actions = self.host.handle(event, now);
        self.perform(actions, now)
    }

    fn start(&mut self, now: Time) {
        self.runs = true;
        self.tell(Event::Start, now);
        self.tell(Event::Link(Link::Up), now);
    }

    fn times(&self, wanted: impl Fn(&Notice) -> bool) -> Vec<u64> {
        let matching = self.said.iter().filter(|(_, notice)| wanted(notice));
        matching.map(|(now, _)| now.since_zero().as_secs()).collect()
    }
}

/// Lets the nodes live for so long, in steps of 10 ms.
fn live(nodes: &mut [Node], from: u64, seconds: u64) {
    for step in 0..seconds * 100 {
        let now = at(from * 1000 + step * 10);
        for sender in 0..nodes.len() {
            if !nodes[sender].runs || nodes[sender].host.next_deadline().is_none_or(|due| due > now) {
                continue;
            }
            let frames = nodes[sender].tell(Event::Tick, now);
            let mut wire: VecDeque<_> = frames.into_iter().map(|frame| (sender, frame)).collect();
            while let Some((from, frame)) = wire.pop_front() {
                let hearers =
                    nodes.iter_mut().enumerate().filter(|(place, node)| *place != from && node.runs);
                for (hearer, node) in hearers {
                    if let Ok(actions) = node.host.receive(&frame, now) {
                        let answers = node.perform(actions, now);
                        assert!(answers.iter().all(|answer| is_for_a_standby(answer)), "{hearer} answers");
                        wire.extend(answers.into_iter().map(|answer| (hearer, answer)));
                    }
                }
            }
        }
    }
}

/// Whether a master tells with it that it knows the standby.
fn is_for_a_standby(frame: &[u8]) -> bool {
    let decoded = wire::decode(frame).unwrap();
    !decoded.tail.bytes().is_empty() && decoded.header.counter & 1 << 31 == 0
}

fn beside(notice: &Notice) -> bool {
    matches!(notice, Notice::RefusedMaster { .. })
}

fn over(notice: &Notice) -> bool {
    matches!(notice, Notice::RefusedMasterGone { .. })
}

#[test]
fn two_masters_by_a_mismatch_are_told_on_both_hosts_until_it_ends() {
    let longer = [LIST[0], "10.0.0.101"];
    for theirs in [parameters(2, "Secret", &LIST), parameters(2, "secret", &longer)] {
        let mut nodes = [Node::new(parameters(1, "secret", &LIST)), Node::new(theirs)];
        nodes.iter_mut().for_each(|node| node.start(at(0)));
        live(&mut nodes, 0, 150);
        assert!(nodes.iter().all(|node| node.host.role() == Role::Master));
        // The first became master while it had heard nobody.
        let reasons = nodes.each_ref().map(|node| node.host.snapshot(at(150_000)).reason);
        assert_eq!(reasons, [Reason::MasterTimedOut, Reason::MasterRefused]);
        for (node, peer) in nodes.iter().zip([2, 1]) {
            let said = node.times(beside);
            assert!(said.len() == 3 && said[0] <= 4, "{said:?}");
            assert!(said.windows(2).all(|pair| (60..=61).contains(&(pair[1] - pair[0]))), "{said:?}");
            assert_eq!(node.times(over), [] as [u64; 0]);
            let refused = node.host.snapshot(at(150_000)).refused.map(|peer| peer.source);
            assert_eq!(refused, Some(IpAddr::from([10, 0, 0, peer])));
        }
        // The other one starts again with what it should have had from the beginning.
        nodes[1] = Node::new(parameters(2, "secret", &LIST));
        live(&mut nodes, 150, 1);
        nodes[1].start(at(151_000));
        live(&mut nodes, 151, 100);
        let ended = nodes[0].times(over);
        assert!(ended.len() == 1 && ended[0] <= 155, "{ended:?}");
        assert_eq!(nodes[0].times(beside).len(), 3);
        assert_eq!(nodes[0].host.snapshot(at(250_000)).refused, None);
        assert_eq!(nodes.each_ref().map(|node| node.host.role()), [Role::Master, Role::Backup]);
        assert_eq!(nodes[1].times(beside), [] as [u64; 0]);
    }
}

#[test]
fn who_is_master_no_longer_says_that_it_is_over() {
    let mut nodes = [Node::new(parameters(1, "secret", &LIST)), Node::new(parameters(2, "Secret", &LIST))];
    nodes.iter_mut().for_each(|node| node.start(at(0)));
    live(&mut nodes, 0, 10);
    nodes[0].tell(Event::Shutdown { withdraw: true }, at(10_000));
    assert_eq!((nodes[0].times(beside).len(), nodes[0].times(over)), (1, vec![10]));
}

#[test]
fn a_stranger_does_not_explain_the_silence_of_a_master_that_was_followed() {
    for (stranger, reason) in [(9, Reason::MasterTimedOut), (1, Reason::MasterRefused)] {
        let mut nodes = [1, 2].map(|last| Node::new(parameters(last, "secret", &LIST)));
        nodes.iter_mut().for_each(|node| node.start(at(0)));
        live(&mut nodes, 0, 10);
        assert_eq!(nodes[1].host.role(), Role::Backup);
        // The first falls silent beside a stranger, or is given another password.
        let mut other = [Node::new(Parameters {
            sources: Sources { v4: Some(Ipv4Addr::new(10, 0, 0, stranger)), v6: None },
            mac: MacAddr([2, 0, 0, 0, 0, stranger]),
            ..parameters(1, "Secret", &LIST)
        })];
        other[0].start(at(0));
        live(&mut other, 0, 10);
        [nodes[0]] = other;
        live(&mut nodes, 10, 20);
        assert_eq!(nodes[1].host.snapshot(at(30_000)).role, Role::Master);
        assert_eq!(nodes[1].host.snapshot(at(30_000)).reason, reason);
        assert_eq!(nodes[1].times(beside).len(), 1, "both are master all the same");
    }
}

/// An advertisement for us with a code that is none.
fn forged(last: u8, interval: Interval) -> Vec<u8> {
    let mut decoded = Decoded { source: IpAddr::from([10, 0, 1, last]), ..wire::sample() };
    decoded.mac = MacAddr([2, 0, 0, 0, 1, last]);
    decoded.destination = IpAddr::V4(Destination::GROUP_V4);
    decoded.header.vhid = Vhid::MIN.get();
    (decoded.header.advbase, decoded.header.advskew) = (interval.base, interval.skew);
    wire::encode(&decoded, MacAddr::BROADCAST, 1)
}

#[test]
fn forged_ones_change_nothing_and_cost_a_line_a_minute() {
    let mut quiet = [1, 2].map(|last| Node::new(parameters(last, "secret", &LIST)));
    let mut loud = [1, 2].map(|last| Node::new(parameters(last, "secret", &LIST)));
    quiet.iter_mut().chain(&mut loud).for_each(|node| node.start(at(0)));
    let intervals = [Interval::new(0, 0), Interval::new(1, 0), Interval::new(255, 254), Interval::BOW_OUT];
    for second in 0..600 {
        if second == 200 {
            // The master dies, and the other one takes over at the same moment in both worlds.
            (quiet[0].runs, loud[0].runs) = (false, false);
        }
        for number in 0..38_u8 {
            let now = at(second * 1000);
            // Each comes and goes for a while, so that what was said to be over begins again and again.
            if second % 20 < 10 {
                let frame = forged(number % 7, intervals[usize::from(number) % 4]);
                for node in loud.iter_mut().filter(|node| node.runs) {
                    assert_eq!(node.host.receive(&frame, now), Err(Rejected::BadAuth));
                }
            }
        }
        live(&mut quiet, second, 1);
        live(&mut loud, second, 1);
        for (quiet, loud) in quiet.iter().zip(&loud) {
            assert_eq!(quiet.host.role(), loud.host.role());
            assert_eq!(quiet.host.next_deadline(), loud.host.next_deadline());
        }
    }
    for (quiet, loud) in quiet.iter().zip(&loud) {
        for kind in [beside, over] {
            assert!(
                loud.times(kind).windows(2).all(|pair| pair[1] - pair[0] >= 59),
                "{:?}",
                loud.times(kind)
            );
        }
        // Only the reason that is told may be another one.
        let others = |node: &Node| {
            let told = node.said.iter().filter(|(_, it)| !beside(it) && !over(it));
            told.map(|(now, it)| (*now, it.id(), node.host.role())).collect::<Vec<_>>()
        };
        assert_eq!(others(quiet), others(loud));
    }
    assert!(loud[0].times(beside).len() >= 3, "{:?}", loud[0].times(beside));
    assert!(loud[1].times(beside).len() >= 3, "{:?}", loud[1].times(beside));
}

#[test]
fn a_vrrp_router_as_long_as_carp_is_no_master_of_ours() {
    let mut nodes = [Node::new(parameters(1, "secret", &LIST))];
    nodes[0].start(at(0));
    live(&mut nodes, 0, 10);
    let mut decoded = wire::decode(&forged(9, Interval::new(1, 0))).unwrap();
    decoded.header.authlen = 5;
    for second in 10..20 {
        let frame = wire::encode(&decoded, MacAddr::BROADCAST, 1);
        assert_eq!(nodes[0].host.receive(&frame, at(second * 1000)), Err(Rejected::BadAuth));
        live(&mut nodes, second, 1);
    }
    assert_eq!(nodes[0].times(beside), [] as [u64; 0]);
    assert_eq!(nodes[0].host.snapshot(at(20_000)).refused, None);
}
