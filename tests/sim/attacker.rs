//! Somebody without the key who hears every packet in every partition, keeps all of them, and sends what he likes to
//! whom he likes.
//!
//! He cannot make a counter. He can alter whatever CARP's HMAC leaves out, put the 36 bytes of one family into a packet of the
//! other, send from any address, and choose the moment to the microsecond. He is not clumsy either: checksums are right
//! and the TTL is 255, since what is refused before authentication has nothing to say about it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;

use super::Rng;
use super::frame::{Ad, Seen, carp_of, forge, group, look};

/// What he invents names from.
const NAMES: u64 = 20;
/// Altered copies that may reach somebody before what they are copies of. On one segment nobody is that much faster,
/// and after 20 of them the core looks at no more with that counter.
const OVERTAKING: u64 = 3;

/// An advertisement that was sent.
pub struct Packet {
    pub at: u64,
    pub from: usize,
    pub bytes: Rc<[u8]>,
}

impl Packet {
    fn ad(&self) -> Ad {
        let Seen::Ad(ad) = look(&self.bytes) else { panic!("only advertisements are kept") };
        ad
    }
}

/// What he knows of a host.
pub struct Host {
    pub v4: Option<Ipv4Addr>,
    pub v6: Option<Ipv6Addr>,
    pub mac: [u8; 6],
    pub alive: bool,
}

impl Host {
    fn address(&self, v6: bool) -> Option<IpAddr> {
        if v6 { self.v6.map(IpAddr::V6) } else { self.v4.map(IpAddr::V4) }
    }
}

/// What he sees when he acts.
pub struct View<'a> {
    pub past: &'a [Packet],
    pub hosts: &'a [Host],
    /// Nobody listens to a group.
    pub unicast: bool,
    /// The longest that a frame takes.
    pub delay: u64,
}

/// What he sends, made of a packet of the past.
pub struct Forged {
    pub of: usize,
    pub bytes: Rc<[u8]>,
    pub after: u64,
}

/// One way to go about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ruse {
    /// Anything, altered in anything, so many at a time.
    Noise(u64),
    /// One advertisement as a bow-out and as the fastest there is, in turn.
    Alternate,
    /// One as the fastest there is.
    KeepOff,
    /// One of somebody who is dead, if there is such a one, again and again.
    Again,
    /// What somebody sent, dead if possible, in its order. At its own pace if that is zero.
    Sequence,
    /// What a host sent itself, from its own or another hardware address.
    Own,
    /// One from twenty names that nobody has.
    Names,
    /// Recorded bow-outs, or another made one.
    BowOuts,
    /// What was sent to one host, to all or to another.
    Reflect,
    /// One in a packet of the other family.
    OtherFamily,
    /// Whatever is sent, at once, from another hardware address.
    Echo,
    /// Whatever is sent, at once, in altered copies.
    Tamper,
    /// Whatever is sent, at once, to everybody in every partition.
    Relay,
}

impl Ruse {
    pub const ALL: [Self; 15] = [
        Self::Noise(1),
        Self::Noise(30),
        Self::Alternate,
        Self::KeepOff,
        Self::Again,
        Self::Sequence,
        Self::Sequence,
        Self::Own,
        Self::Names,
        Self::BowOuts,
        Self::Reflect,
        Self::OtherFamily,
        Self::Echo,
        Self::Tamper,
        Self::Relay,
    ];

    const fn reacts(self) -> bool {
        matches!(self, Self::Echo | Self::Tamper | Self::Relay)
    }
}

/// A ruse, how often and how many times.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub ruse: Ruse,
    pub every: u64,
    pub times: u64,
}

struct Running {
    plan: Plan,
    left: u64,
    /// What he chose when he began.
    chosen: Vec<usize>,
    position: usize,
}

pub struct Attacker {
    rng: Rng,
    running: Vec<Running>,
}

impl Attacker {
    pub const fn new(rng: Rng) -> Self {
        Self { rng, running: Vec::new() }
    }

    /// Begins; what to call [`Attacker::act`] with.
    pub fn begin(&mut self, plan: Plan) -> usize {
        self.running.push(Running { plan, left: plan.times, chosen: Vec::new(), position: 0 });
        self.running.len() - 1
    }

    /// Ends all he began.
    pub fn cease(&mut self) {
        self.running.iter_mut().for_each(|running| running.left = 0);
    }

    /// Takes his next step; how long after it comes another.
    pub fn act(&mut self, running: usize, view: &View<'_>, out: &mut Vec<Forged>) -> Option<u64> {
        let Running { plan, left, position, .. } = self.running[running];
        if left == 0 || plan.ruse.reacts() {
            return None;
        }
        if view.past.is_empty() {
            return Some(plan.every.max(100_000));
        }
        if self.running[running].chosen.is_empty() {
            self.running[running].chosen = self.choose(plan.ruse, view);
        }
        self.running[running].left -= 1;
        self.running[running].position += 1;
        let any = self.any(view);
        let chosen = &self.running[running].chosen;
        let one = chosen.first().copied().unwrap_or(any);
        let turn = position as u64;
        match plan.ruse {
            Ruse::Noise(most) => (0..self.rng.within(1, most)).for_each(|_| self.make_noise(view, out)),
            Ruse::Alternate => {
                let (base, skew) = if turn % 2 == 0 { (255, 255) } else { (0, 0) };
                self.send(one, |ad| (ad.base, ad.skew) = (base, skew), view, out);
            }
            Ruse::KeepOff => self.send(one, |ad| (ad.base, ad.skew) = (0, 0), view, out),
            Ruse::Again => self.send(one, |_| {}, view, out),
            Ruse::Sequence => return self.play(running, position, view, out),
            Ruse::Own => {
                let other = self.rng.pick(&[None, Some([2, 0, 0, 0, 0, 99])]);
                self.send(any, |ad| ad.mac = other.unwrap_or(ad.mac), view, out);
            }
            Ruse::Names => {
                let name = u8::try_from(turn % NAMES).expect("few") + 1;
                let v6 = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0x77, name.into());
                let source = |ad: &Ad| if ad.v6() { v6.into() } else { IpAddr::from([10, 0, 77, name]) };
                self.send(one, |ad| (ad.source, ad.mac[5]) = (source(ad), name), view, out);
            }
            Ruse::BowOuts => {
                let bow_outs = |&index: &usize| view.past[index].ad().is_bow_out();
                match (0..view.past.len()).filter(bow_outs).nth(position % 7) {
                    Some(index) => self.send(index, |_| {}, view, out),
                    None => self.send(any, |ad| (ad.base, ad.skew) = (255, 255), view, out),
                }
            }
            Ruse::Reflect => {
                let to_one = |&index: &usize| view.past[index].bytes[0] & 1 == 0;
                let all: Vec<_> = (0..view.past.len()).filter(to_one).collect();
                if !all.is_empty() {
                    let index = self.rng.pick(&all);
                    self.send(index, |_| {}, view, out);
                }
            }
            Ruse::OtherFamily => {
                let host = &view.hosts[view.past[one].from];
                let other = host.address(!view.past[one].ad().v6());
                let invented = IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x99));
                self.send(one, |ad| ad.source = other.unwrap_or(invented), view, out);
            }
            Ruse::Echo | Ruse::Tamper | Ruse::Relay => unreachable!("they react"),
        }
        Some(plan.every)
    }

    /// The last packet has just been sent.
    pub fn hears(&mut self, view: &View<'_>, out: &mut Vec<Forged>) {
        for running in 0..self.running.len() {
            let Running { plan, left, .. } = self.running[running];
            if left == 0 || !plan.ruse.reacts() {
                continue;
            }
            self.running[running].left -= 1;
            let last = view.past.len() - 1;
            let sender = &view.hosts[view.past[last].from];
            let before = out.len();
            match plan.ruse {
                Ruse::Echo => {
                    let mac = if self.rng.percent(50) { [2, 0, 0, 0, 0, 99] } else { sender.mac };
                    self.send(last, |ad| ad.mac = mac, view, out);
                }
                Ruse::Tamper => {
                    let late = self.rng.percent(70);
                    let copies = self.rng.within(1, if late { 8 } else { OVERTAKING });
                    let fast = self.rng.pick(&[(0, 0), (255, 255), (0, 1), (255, 0)]);
                    for _ in 0..copies {
                        let demotion = u8::try_from(self.rng.within(0, 3)).expect("a byte");
                        let alter = |ad: &mut Ad| {
                            (ad.base, ad.skew) = fast;
                            ad.demotion = demotion;
                        };
                        self.send(last, alter, view, out);
                    }
                    if late {
                        out[before..].iter_mut().for_each(|forged| forged.after = view.delay);
                    }
                }
                _ => self.send(last, |_| {}, view, out),
            }
            for forged in &mut out[before..] {
                forged.after += self.rng.within(1, 50);
            }
        }
    }

    fn any(&mut self, view: &View<'_>) -> usize {
        usize::try_from(self.rng.within(0, view.past.len() as u64 - 1)).expect("an index")
    }

    /// The packets that a ruse is about.
    fn choose(&mut self, ruse: Ruse, view: &View<'_>) -> Vec<usize> {
        let any = self.any(view);
        let dead = |packet: &Packet| !view.hosts[packet.from].alive;
        let last_of_dead = view.past.iter().rposition(dead);
        match ruse {
            Ruse::Again => vec![last_of_dead.unwrap_or(any)],
            Ruse::Sequence => {
                let speaker = view.past[last_of_dead.unwrap_or(any)].from;
                let from = if self.rng.percent(60) { 0 } else { any };
                (from..view.past.len()).filter(|&index| view.past[index].from == speaker).collect()
            }
            _ if self.rng.percent(50) => vec![view.past.len() - 1],
            _ => vec![any],
        }
    }

    /// The next of a sequence.
    fn play(
        &mut self,
        running: usize,
        position: usize,
        view: &View<'_>,
        out: &mut Vec<Forged>,
    ) -> Option<u64> {
        let Running { plan, chosen, .. } = &self.running[running];
        let (every, here, next) =
            (plan.every, chosen.get(position).copied(), chosen.get(position + 1).copied());
        let here = here?;
        self.send(here, |_| {}, view, out);
        let own_pace = next.map_or(1_000_000, |next| view.past[next].at - view.past[here].at);
        if next.is_none() {
            // Once more from the beginning.
            self.running[running].position = 0;
        }
        Some(if every == 0 { own_pace } else { every })
    }

    fn make_noise(&mut self, view: &View<'_>, out: &mut Vec<Forged>) {
        let index = self.any(view);
        let drawn = self.rng.next();
        let byte = |at: u32| u8::try_from(drawn >> at & 0xff).expect("a byte");
        let host = usize::from(byte(0)) % view.hosts.len();
        let alter = |ad: &mut Ad| {
            if byte(8) < 100 {
                (ad.base, ad.skew) =
                    [(0, 0), (255, 255), (1, 0), (byte(16), byte(24))][usize::from(byte(32) % 4)];
            }
            if byte(40) < 30 {
                ad.demotion = byte(48);
            }
            if byte(56) < 60 {
                ad.source = view.hosts[host].address(byte(57) % 2 == 0).unwrap_or(ad.source);
            }
            if byte(44) < 60 {
                ad.mac = view.hosts[host].mac;
            }
        };
        self.send(index, alter, view, out);
    }

    /// One packet of the past, altered, to everybody or to one.
    fn send(&mut self, of: usize, alter: impl FnOnce(&mut Ad), view: &View<'_>, out: &mut Vec<Forged>) {
        let packet = &view.past[of];
        let was = packet.ad();
        let mut ad = was;
        alter(&mut ad);
        let to_one = self.rng.percent(20);
        let chosen = usize::try_from(self.rng.within(0, view.hosts.len() as u64 - 1)).expect("few");
        let hosts = if to_one { &view.hosts[chosen..=chosen] } else { view.hosts };
        let mut push = |bytes: Rc<[u8]>| out.push(Forged { of, bytes, after: 0 });
        if view.unicast {
            let carp = carp_of(&packet.bytes);
            for host in hosts {
                if let Some(to) = host.address(ad.v6()) {
                    push(forge(&carp, &ad, (to, host.mac)).into());
                }
            }
            return;
        }
        if !to_one && ad == was && packet.bytes[0] & 1 != 0 {
            return push(packet.bytes.clone());
        }
        let (to, everybody) = group(ad.v6());
        let mac = if to_one { hosts[0].mac } else { everybody };
        push(forge(&carp_of(&packet.bytes), &ad, (to, mac)).into());
    }
}
