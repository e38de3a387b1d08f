//! One segment, its nodes, and what happens to them, on a virtual clock of microseconds.
//!
//! Everything that happens is an entry of one heap, ordered by time and then by the order of making, so a world is
//! a pure function of its seed and of the changes asked for. Frames are the real bytes. A node whose process is
//! stopped (`Sleep`) keeps its frames queued, as a capture buffer does. What is worth judging is recorded; the
//! oracle reads it afterwards.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU8;
use std::rc::Rc;
use std::time::Duration;

use ucarp::daemon::turn::Draining;
use ucarp::protocol::{
    Announcing, Authenticator, Departure, Destination, Dialect, Event, Fitness, Form, Former, HookFailure,
    Hooks, Interval, Key, Link, MacAddr, Notice, OnLostAddress, Parameters, Presence, Reason, Replay, Role,
    Sources,
};

use super::allowance::{Ears, Forgery};
use super::attacker::{Attacker, Forged, Host, Packet, Plan, View};
use super::frame::{Ad, Seen, look, micros};
use super::kernel::{Kernel, Os};
use super::mark::{Mark, Stamp};
use super::old_ucarp::OldUcarp;
use super::ours::{Clock, HookPlan, Ours};
use super::{Out, Rng};

pub const MS: u64 = 1_000;
pub const SECOND: u64 = 1_000_000;
pub const VHID: u8 = 7;
pub const PASSWORD: &[u8] = b"secret";
/// A day in 2026.
pub const EPOCH: u64 = 1_790_000_000 * SECOND;
const MOST_STEPS: u64 = 3_000_000;
/// Frames that ours take in at a time where that is to matter.
const FEW_FRAMES: usize = 8;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Ours,
    Kernel(Os),
    OldUcarp,
}

/// What a node is configured with.
#[derive(Clone, Debug)]
pub struct Spec {
    pub kind: Kind,
    pub base: u8,
    pub skew: u8,
    pub ratio: u32,
    pub preempt: bool,
    pub v4: Option<Ipv4Addr>,
    pub v6: Option<Ipv6Addr>,
    pub mac: [u8; 6],
    pub up_hook: bool,
    pub down_hook: bool,
    pub hook_failure: HookFailure,
    pub on_lost_address: OnLostAddress,
    /// Its daemon brings the addresses, and its scripts do not.
    pub manages: bool,
    pub hook_timeout: u64,
    pub plan: HookPlan,
    pub neutral: bool,
    pub clock: Clock,
    /// How far what its host takes for the time of day is ahead of the world's, in microseconds; without, it has no clock.
    pub wall: Option<i64>,
    /// Without a clock that runs on while the host is off it says this after each start, in seconds since the Unix epoch.
    pub wakes_at: Option<u64>,
    /// A timer fires up to this much late.
    pub jitter: u64,
    pub announcing: Announcing,
    pub dialect: Dialect,
    pub replay: Replay,
    pub only_ours: bool,
    pub broadcast: bool,
    /// Which password and addresses it is configured with, of those of the world, and which it accepts besides.
    pub form: usize,
    pub settle: u64,
    pub start_hold: u64,
    pub preempt_delay: u64,
}

impl Spec {
    /// Node `n` at 1/`skew`, IPv4 only, no preemption, quick hooks.
    pub fn new(kind: Kind, n: u8, skew: u8) -> Self {
        Self {
            kind,
            base: 1,
            skew,
            ratio: 3,
            preempt: false,
            v4: Some(Ipv4Addr::new(10, 0, 0, n)),
            v6: None,
            mac: match kind {
                Kind::Kernel(Os::OpenBsd | Os::FreeBsd) => [0, 0, 0x5e, 0, 1, VHID],
                Kind::Ours | Kind::Kernel(Os::NetBsd) => [2, 0, 0, 0, 0, n],
                Kind::OldUcarp => [0, 0, 0x5e, 0, 0, VHID],
            },
            up_hook: true,
            down_hook: true,
            hook_failure: HookFailure::Stay,
            on_lost_address: OnLostAddress::Hook,
            manages: false,
            hook_timeout: 60 * SECOND,
            plan: HookPlan::QUICK,
            neutral: false,
            clock: Clock { offset: 0, ppm: 0 },
            wall: Some(0),
            wakes_at: None,
            jitter: 0,
            announcing: Announcing::default(),
            dialect: Dialect::default(),
            replay: Replay::default(),
            only_ours: false,
            broadcast: false,
            form: 0,
            settle: 900 * SECOND,
            start_hold: 0,
            preempt_delay: 0,
        }
    }

    pub fn ours(n: u8, skew: u8) -> Self {
        Self::new(Kind::Ours, n, skew)
    }

    pub fn kernel(os: Os, n: u8, skew: u8) -> Self {
        Self::new(Kind::Kernel(os), n, skew)
    }

    pub fn old(n: u8, skew: u8) -> Self {
        Self::new(Kind::OldUcarp, n, skew)
    }

    pub fn preempt(self) -> Self {
        Self { preempt: true, ..self }
    }

    pub fn beside(self, dialect: Dialect) -> Self {
        Self { dialect, ..self }
    }

    pub fn at(self, source: [u8; 4]) -> Self {
        Self { v4: Some(source.into()), ..self }
    }

    /// Adds IPv6: fe80::`n`.
    pub fn dual(self, n: u16) -> Self {
        Self { v6: Some(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, n)), ..self }
    }

    pub fn effective_skew(&self) -> u8 {
        if self.kind == Kind::Kernel(Os::FreeBsd) { self.skew.min(240) } else { self.skew }
    }

    pub fn interval(&self) -> u64 {
        micros(self.base.into(), self.effective_skew().into())
    }

    /// The longest a silent master is waited for, among masters with intervals up to `longest`.
    pub fn dead_time(&self, longest: u64) -> u64 {
        match self.kind {
            Kind::Kernel(Os::OpenBsd) => 3 * micros(self.base.into(), self.skew.into()),
            Kind::Kernel(_) => micros(3 * u64::from(self.base), self.skew.into()),
            Kind::OldUcarp => micros(u64::from(self.ratio) * u64::from(self.base), self.skew.into()),
            Kind::Ours => {
                let ratio = u64::from(self.ratio);
                let (base, skew) = (u64::from(self.base), u64::from(self.skew));
                let own = if base == 0 { ratio * micros(0, skew.max(1)) } else { micros(ratio * base, skew) };
                own.max(longest * 5 / 4)
            }
        }
    }

    pub fn parameters(&self, addresses: &[IpAddr], key: &Key) -> Parameters {
        Parameters {
            vhid: NonZeroU8::new(VHID).expect("not zero"),
            addresses: addresses.to_vec(),
            key: key.clone(),
            interval: Interval::new(self.base, self.skew),
            dead_ratio: self.ratio,
            preempt: self.preempt,
            start_hold: Duration::from_micros(self.start_hold),
            preempt_delay: Duration::from_micros(self.preempt_delay),
            neutral: self.neutral,
            sources: Sources { v4: self.v4, v6: self.v6 },
            mac: MacAddr(self.mac),
            destination: Destination { broadcast: self.broadcast, ..Destination::default() },
            hooks: Hooks {
                up: self.up_hook,
                down: self.down_hook,
                scripts: scripts(self.up_hook, self.down_hook),
                timeout: Duration::from_micros(self.hook_timeout),
                failure: self.hook_failure,
                on_lost_address: self.on_lost_address,
                manages: self.manages,
            },
            announcing: self.announcing,
            dialect: self.dialect,
            replay: self.replay,
            only_ours: self.only_ours,
            also_accepted: Vec::new(),
            settle: Duration::from_micros(self.settle),
        }
    }
}

#[expect(clippy::large_enum_variant, reason = "a handful of nodes a world, and most are ours")]
pub enum Machine {
    Ours(Ours),
    Kernel(Kernel),
    Old(OldUcarp),
}

impl Machine {
    fn deadline(&self) -> Option<u64> {
        match self {
            Self::Ours(ours) => ours.deadline(),
            Self::Kernel(kernel) => kernel.deadline(),
            Self::Old(old) => old.deadline(),
        }
    }

    pub fn role(&self) -> Role {
        match self {
            Self::Ours(ours) => ours.role(),
            Self::Kernel(kernel) => kernel.role(),
            Self::Old(old) => old.role(),
        }
    }

    fn tick(&mut self, now: u64, out: &mut Out) {
        match self {
            Self::Ours(ours) => ours.tick(now, out),
            Self::Kernel(kernel) => kernel.tick(now, out),
            Self::Old(old) => old.tick(now, out),
        }
    }

    fn frame(&mut self, now: u64, frame: Rc<[u8]>, out: &mut Out) {
        match self {
            Self::Ours(ours) => ours.frame(now, frame, out),
            Self::Kernel(kernel) => kernel.frame(now, &frame, out),
            Self::Old(old) => old.frame(now, &frame),
        }
    }

    fn link(&mut self, now: u64, up: bool, out: &mut Out) {
        match self {
            Self::Ours(ours) => ours.link(if up { Link::Up } else { Link::Down }, now, out),
            Self::Kernel(kernel) => kernel.link(now, up),
            Self::Old(old) => old.link(now, up, out),
        }
    }
}

/// Something that happens to a world from outside.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    Start(usize),
    Crash(usize),
    /// The engine of a host of ours dies, and another goes on after so long.
    Renew(usize, u64),
    /// An orderly end; `true` withdraws (`-z`), and lets OpenBSD and NetBSD bow out.
    Stop(usize, bool),
    /// The cable: frames are lost at once, the node is told `told` later.
    Link {
        node: usize,
        up: bool,
        told: u64,
    },
    Gone(usize),
    /// Somebody on the host sets the interface down; the node is told at once. `Link` brings it back.
    Disable(usize),
    /// Somebody on the host takes shared addresses away.
    TakeAddress {
        node: usize,
        all: bool,
    },
    /// Somebody on the host adds them.
    BringAddress(usize),
    /// The process (with its timers, not its capture buffer) stands still for so long.
    Sleep(usize, u64),
    Resign(usize),
    /// The operator has a host of ours take the addresses.
    Take(usize),
    /// The file of a host of ours changed, and it is told.
    Reload(usize, Tweak),
    /// The virtual host is not in its file any more, or is there again.
    Leave(usize),
    Join(usize),
    /// A check of a host of ours, or its operator, says so.
    Fit(usize, Fitness),
    /// `ifconfig -g … carpdemote` on OpenBSD.
    Demote(usize, u8),
    Sending {
        node: usize,
        fails: bool,
    },
    Hooks(usize, HookPlan),
    /// The system has (no) room for frames that this node should hear, and counts them.
    Overflow(usize, bool),
    /// The attacker begins with something.
    Attack(Plan),
    /// He ends everything.
    Cease,
    /// The host's time of day steps: so far ahead of the world's from now on, or unknown.
    Wall(usize, Option<i64>),
    /// Frames lost, in percent, of all.
    Loss(u64),
    Doubling(u64),
    /// Cuts or mends one direction.
    Cut {
        from: usize,
        to: usize,
        cut: bool,
    },
    /// One family is (not) forwarded to this node.
    Prune {
        to: usize,
        v6: bool,
        pruned: bool,
    },
    /// The node has another hardware address from now on.
    Mac(usize, [u8; 6]),
    /// The node's own frames come back to it.
    Echo(usize, bool),
    /// The node's capture fails: it sends, and hears nothing.
    Deaf(usize, bool),
    /// The node loses its IPv6 address, or has it again.
    V6 {
        node: usize,
        there: bool,
    },
    /// Every cut, loss, pruning, failing card and bad hook is gone.
    Heal,
}

/// What changed in a file.
#[derive(Clone, Copy, Debug)]
pub enum Tweak {
    Nothing,
    Interval(u8, u8),
    Ratio(u32),
    Preempt(bool),
    Hooks { up: bool, down: bool },
    HookTimeout(u64),
    HookFailure(HookFailure),
    OnLostAddress(OnLostAddress),
    Announcing(Announcing),
    Replay(Replay),
    Broadcast(bool),
    Form(usize),
}

impl Tweak {
    fn edit(self, spec: &mut Spec) {
        match self {
            Self::Nothing => {}
            Self::Interval(base, skew) => (spec.base, spec.skew) = (base, skew),
            Self::Ratio(ratio) => spec.ratio = ratio,
            Self::Preempt(preempt) => spec.preempt = preempt,
            Self::Hooks { up, down } => (spec.up_hook, spec.down_hook) = (up, down),
            Self::HookTimeout(timeout) => spec.hook_timeout = timeout,
            Self::HookFailure(failure) => spec.hook_failure = failure,
            Self::OnLostAddress(what) => spec.on_lost_address = what,
            Self::Announcing(announcing) => spec.announcing = announcing,
            Self::Replay(replay) => spec.replay = replay,
            Self::Broadcast(broadcast) => spec.broadcast = broadcast,
            Self::Form(form) => spec.form = form,
        }
    }
}

fn ours_said(slot: &Slot, from: usize) -> &[(u64, Notice)] {
    match &slot.machine {
        Some(Machine::Ours(ours)) => &ours.notices[from..],
        _ => &[],
    }
}

/// A number for a pair of scripts that says which of them there are.
pub fn scripts(up: bool, down: bool) -> u32 {
    u32::from(up) | u32::from(down) << 1
}

pub struct Slot {
    pub spec: Spec,
    pub machine: Option<Machine>,
    pub link_up: bool,
    pub asleep_until: Option<u64>,
    pub claims: bool,
    pub deaf: bool,
    overflows: bool,
    /// What its host takes for the time of day, as `Spec::wall` has it, and as it goes on over restarts.
    pub wall: Option<i64>,
    queue: Vec<Rc<[u8]>>,
    /// What one of ours keeps of forms over a restart.
    pub former: Vec<Former>,
    /// What checks and operators make of one of ours, whether it runs or not.
    pub fitness: Fitness,
    /// When its engine went on anew, and forgot whom it knew.
    pub renewed: u64,
    scheduled: Option<(u64, u64)>,
    role: Role,
    window: (u64, u64),
    changes_in_window: u64,
    ticks_at: (u64, u32),
}

#[derive(Clone, Default)]
struct Wire {
    cut: bool,
    pruned: [bool; 2],
    low: u64,
    high: u64,
}

/// What the attacker made a frame of, and whether it is that still.
#[derive(Clone, Copy)]
struct Origin {
    packet: usize,
    altered: bool,
}

enum Entry {
    Frame { to: usize, bytes: Rc<[u8]>, forged: Option<Origin> },
    Forged(Forged),
    Attack(usize),
    Wake(usize, u64),
    Rise(usize),
    Told(usize, bool),
    Change(Change),
}

struct Due(u64, u64, Entry);

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}
impl Eq for Due {}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

/// What the oracle is told.
#[derive(Default)]
pub struct Record {
    pub roles: Vec<(u64, usize, Role)>,
    pub claims: Vec<(u64, usize, bool)>,
    /// Who told the segment of itself where the address is, when.
    pub announced: Vec<(u64, usize)>,
    pub violations: Vec<String>,
    /// Moments after which everything may start anew: a demotion that began or ended, a pause that did.
    pub excuses: Vec<u64>,
    pub frames: u64,
    /// Forged frames that reached somebody, those that may have counted as true ones, and those that had the right F.
    pub forged: u64,
    pub allowed: u64,
    pub lucky: u64,
}

pub struct World {
    pub now: u64,
    pub slots: Vec<Slot>,
    pub record: Record,
    pub log: Option<Vec<String>>,
    pub addresses: Vec<IpAddr>,
    /// Other passwords and addresses that hosts may be configured with, from 1 on.
    pub forms: Vec<(Key, Vec<IpAddr>)>,
    pub loss: u64,
    /// All of ours have all others as peers and tell nobody else.
    pub unicast: bool,
    /// Ours take every wake-up for a whole turn, drain a few frames at a time, and rest after refused ones.
    pub whole_turns: bool,
    /// Somebody records what is sent.
    pub recording: bool,
    pub past: Vec<Packet>,
    pub attacker: Option<Attacker>,
    /// When the world begins, in microseconds since the Unix epoch.
    pub epoch: u64,
    ears: Vec<Ears>,
    pub mark: Mark,
    doubling: u64,
    key: Key,
    echo: Vec<bool>,
    wires: Vec<Vec<Wire>>,
    heap: BinaryHeap<Reverse<Due>>,
    made: u64,
    rng: Rng,
    /// For what came later, so that older seeds stay the worlds they were.
    whims: Rng,
    /// Somebody settled because all that it knew of had been told, and two do not understand each other.
    hasty: bool,
    apart: bool,
}

impl World {
    /// An IPv4 world; [`World::dual`] for both families.
    pub fn new(seed: u64) -> Self {
        Self {
            now: 0,
            slots: Vec::new(),
            record: Record::default(),
            log: None,
            addresses: vec![IpAddr::from([10, 0, 0, 100])],
            forms: Vec::new(),
            loss: 0,
            unicast: false,
            whole_turns: false,
            recording: false,
            past: Vec::new(),
            attacker: None,
            epoch: EPOCH,
            ears: Vec::new(),
            mark: Mark::new(PASSWORD, VHID),
            doubling: 0,
            key: Key::from_password(PASSWORD).expect("short"),
            echo: Vec::new(),
            wires: Vec::new(),
            heap: BinaryHeap::new(),
            made: 0,
            rng: Rng::new(seed),
            whims: Rng::new(seed ^ 0x7a11),
            hasty: false,
            apart: false,
        }
    }

    pub fn dual(seed: u64) -> Self {
        let v6 = IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x100));
        Self { addresses: vec![IpAddr::from([10, 0, 0, 100]), v6], ..Self::new(seed) }
    }

    pub fn logging(mut self) -> Self {
        self.log = Some(Vec::new());
        self
    }

    pub fn auth(&self) -> Authenticator {
        self.auth_of(0)
    }

    fn auth_of(&self, form: usize) -> Authenticator {
        let (key, addresses) = self.form(form);
        Authenticator::new(key, NonZeroU8::new(VHID).expect("not zero"), addresses)
    }

    fn form(&self, form: usize) -> (&Key, &[IpAddr]) {
        let other = form.checked_sub(1).and_then(|at| self.forms.get(at));
        other.map_or((&self.key, &self.addresses), |(key, addresses)| (key, addresses))
    }

    /// What a host is configured to send.
    pub fn configured(&self, node: usize) -> Form {
        let spec = &self.slots[node].spec;
        let (key, addresses) = self.form(spec.form);
        Form::new(key.clone(), addresses, spec.dialect)
    }

    /// Invents another password, another list or both.
    pub fn add_form(&mut self, rng: &mut Rng) {
        let number = u8::try_from(self.forms.len() + 1).expect("few");
        let (key, mut addresses) = {
            let (key, addresses) = self.form(self.forms.len());
            (key.clone(), addresses.to_vec())
        };
        let what = rng.within(0, 2);
        if what != 0 {
            let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x100 + u16::from(number));
            addresses.push(match addresses[0] {
                IpAddr::V4(_) => IpAddr::from([10, 0, 0, 100 + number]),
                IpAddr::V6(_) => v6.into(),
            });
            if rng.percent(30) {
                addresses.remove(0);
            }
        }
        let password = [PASSWORD, &[number]].concat();
        let key = if what == 1 { key } else { Key::from_password(&password).expect("short") };
        self.forms.push((key, addresses));
    }

    /// Adds a node, not started yet; frames take `low..=high` microseconds to it.
    pub fn add_at_distance(&mut self, spec: Spec, low: u64, high: u64) -> usize {
        let node = self.slots.len();
        self.slots.push(Slot {
            spec,
            machine: None,
            link_up: true,
            asleep_until: None,
            claims: false,
            deaf: false,
            overflows: false,
            wall: None,
            queue: Vec::new(),
            former: Vec::new(),
            fitness: Fitness::default(),
            renewed: 0,
            scheduled: None,
            role: Role::Init,
            window: (0, 0),
            changes_in_window: 0,
            ticks_at: (0, 0),
        });
        self.slots[node].wall = self.slots[node].spec.wall;
        self.ears.push(Ears::default());
        self.echo.push(false);
        let wire = Wire { low, high, ..Wire::default() };
        for row in &mut self.wires {
            row.push(wire.clone());
        }
        self.wires.push(vec![wire; node + 1]);
        node
    }

    pub fn add(&mut self, spec: Spec) -> usize {
        self.add_at_distance(spec, 100, 1_000)
    }

    pub fn set_delay(&mut self, from: usize, to: usize, low: u64, high: u64) {
        (self.wires[from][to].low, self.wires[from][to].high) = (low, high);
    }

    pub fn longest_delay(&self) -> u64 {
        self.wires.iter().flatten().map(|wire| wire.high).max().unwrap_or(0)
    }

    pub fn at(&mut self, when: u64, change: Change) {
        self.push(when, Entry::Change(change));
    }

    fn push(&mut self, when: u64, entry: Entry) {
        self.made += 1;
        self.heap.push(Reverse(Due(when.max(self.now), self.made, entry)));
    }

    /// A stranger sends this; who sleeps has it in its queue.
    pub fn inject(&mut self, bytes: &Rc<[u8]>) {
        for to in (0..self.slots.len()).filter(|&to| self.is_for(to, bytes)).collect::<Vec<_>>() {
            self.push(self.now, Entry::Frame { to, bytes: bytes.clone(), forged: None });
        }
    }

    /// What the attacker sends, to whom it is for; a switch does not tell him apart.
    fn forge(&mut self, Forged { of, bytes, .. }: Forged) {
        let (Seen::Ad(was), Seen::Ad(is)) = (look(&self.past[of].bytes), look(&bytes)) else {
            panic!("he sends advertisements");
        };
        let unaltered = Ad { mac: was.mac, ..is } == was;
        if self.log.is_some() {
            let how = if unaltered { "" } else { "altered " };
            self.say(None, &format!("attacker sends {how}{}", describe(&bytes)));
        }
        let forged = Some(Origin { packet: of, altered: !unaltered });
        for to in 0..self.slots.len() {
            if self.is_for(to, &bytes) {
                self.deliver(to, bytes.clone(), forged);
            }
        }
    }

    fn view<T>(&mut self, act: impl FnOnce(&mut Attacker, &View<'_>) -> T) -> Option<T> {
        let mut attacker = self.attacker.take()?;
        let host = |slot: &Slot| Host {
            v4: slot.spec.v4,
            v6: slot.spec.v6,
            mac: slot.spec.mac,
            alive: slot.machine.is_some(),
        };
        let hosts: Vec<_> = self.slots.iter().map(host).collect();
        let view =
            View { past: &self.past, hosts: &hosts, unicast: self.unicast, delay: self.longest_delay() };
        let result = act(&mut attacker, &view);
        self.attacker = Some(attacker);
        Some(result)
    }

    fn attack(&mut self, ruse: usize) {
        let mut out = Vec::new();
        let next = self.view(|attacker, view| attacker.act(ruse, view, &mut out)).flatten();
        out.into_iter().for_each(|forged| self.forge(forged));
        if let Some(after) = next {
            self.push(self.now + after, Entry::Attack(ruse));
        }
    }

    pub fn run_until(&mut self, end: u64) {
        let mut steps = 0;
        while self.heap.peek().is_some_and(|Reverse(Due(at, ..))| *at <= end) {
            let Reverse(Due(at, _, entry)) = self.heap.pop().expect("just seen");
            self.now = at;
            self.enact(entry, at);
            steps += 1;
            if steps > MOST_STEPS {
                self.record.violations.push(format!("{steps} steps before {end}: a storm"));
                break;
            }
        }
        self.now = end;
    }

    pub fn run_for(&mut self, lasts: u64) {
        self.run_until(self.now + lasts);
    }

    fn enact(&mut self, entry: Entry, at: u64) {
        match entry {
            Entry::Frame { to, bytes, forged } => self.deliver(to, bytes, forged),
            Entry::Forged(forged) => self.forge(forged),
            Entry::Attack(ruse) => self.attack(ruse),
            Entry::Wake(node, made) => {
                let slot = &mut self.slots[node];
                if slot.scheduled == Some((at, made)) && slot.asleep_until.is_none() {
                    slot.scheduled = None;
                    slot.ticks_at = if slot.ticks_at.0 == at { (at, slot.ticks_at.1 + 1) } else { (at, 0) };
                    if slot.ticks_at.1 < 1_000 {
                        self.with(node, "tick", Machine::tick);
                    } else {
                        self.record.violations.push(format!("node {node} ticks for ever at {at}"));
                    }
                }
            }
            Entry::Rise(node) => {
                if self.slots[node].asleep_until.is_some_and(|until| until <= at) {
                    self.slots[node].asleep_until = None;
                    let queue = std::mem::take(&mut self.slots[node].queue);
                    self.with(node, "wakes", |machine, now, out| match machine {
                        Machine::Ours(ours) => ours.wake(now, queue, out),
                        Machine::Kernel(_) | Machine::Old(_) => {}
                    });
                }
            }
            Entry::Told(node, up) => {
                if let Some(until) = self.slots[node].asleep_until {
                    self.push(until, Entry::Told(node, up));
                } else if self.slots[node].link_up == up {
                    self.with(node, "link", |machine, now, out| machine.link(now, up, out));
                }
            }
            Entry::Change(change) => self.change(change),
        }
    }

    fn deliver(&mut self, to: usize, bytes: Rc<[u8]>, forged: Option<Origin>) {
        let slot = &mut self.slots[to];
        if slot.machine.is_none() || !slot.link_up || slot.deaf {
            return;
        }
        if slot.overflows {
            if let Some(Machine::Ours(ours)) = &mut slot.machine {
                ours.lost += 1;
                return;
            }
        }
        let (asleep, listens) = (slot.asleep_until.is_some(), slot.spec.kind == Kind::Ours);
        if listens && self.attacker.is_some() {
            self.prick_ears(to, &bytes, forged);
        }
        if asleep {
            self.slots[to].queue.push(bytes);
            return;
        }
        let text = self.log.is_some().then(|| format!("hears {}", describe(&bytes)));
        self.with(to, text.as_deref().unwrap_or(""), |machine, now, out| machine.frame(now, bytes, out));
    }

    /// Notes what one of ours is about to hear, and what somebody who did not make it may achieve by it.
    fn prick_ears(&mut self, to: usize, bytes: &[u8], forged: Option<Origin>) {
        let Seen::Ad(ad) = look(bytes) else { return };
        let Some(Origin { packet, altered }) = forged else {
            if self.mark.is_ours(ad.counter) {
                self.ears[to].hear(&ad, self.now);
            }
            return;
        };
        self.record.forged += 1;
        let made = self.past[packet].at;
        if self.slots[self.past[packet].from].spec.kind != Kind::Ours {
            return;
        }
        let forgery = Forgery { ad: &ad, made, altered };
        let delay = self.longest_delay();
        let spec = &self.slots[to].spec;
        if let Some(lasts) = self.ears[to].allow(&forgery, spec, &self.mark, self.now, delay) {
            self.record.allowed += 1;
            self.record.lucky += u64::from(altered);
            self.record.excuses.push(self.now + lasts);
            self.say(Some(to), "may take the next for a true one");
        }
    }

    fn say(&mut self, node: Option<usize>, text: &str) {
        if let Some(log) = &mut self.log {
            let (s, us) = (self.now / SECOND, self.now % SECOND);
            let who = node.map_or("--".into(), |node| format!("n{node}"));
            log.push(format!("{s:4}.{us:06} {who} {text}"));
        }
    }

    /// Lets a node act, then carries its frames away and looks at what became of it.
    fn with(&mut self, node: usize, what: &str, act: impl FnOnce(&mut Machine, u64, &mut Out)) {
        let now = self.now;
        if self.log.is_some() {
            self.say(Some(node), what);
        }
        let mut out = Out::new(self.log.is_some());
        let Some(machine) = &mut self.slots[node].machine else { return };
        let told = |machine: &Machine| match machine {
            Machine::Ours(ours) => (ours.notices.len(), ours.transitions.len()),
            Machine::Kernel(_) | Machine::Old(_) => (0, 0),
        };
        let (notices_before, transitions_before) = told(machine);
        act(machine, now, &mut out);
        let transitions = told(machine).1 - transitions_before;
        let role = machine.role();
        let (mut ended, mut former) = (false, Vec::new());
        if let Machine::Ours(ours) = machine {
            former = ours.host.pending();
            ended = ours.ended();
            let hooks = ours.hooks();
            let quiet_claim = match role {
                _ if hooks.manages => None,
                Role::Master if !hooks.up => Some(true),
                Role::Init | Role::Backup if !hooks.down => Some(false),
                _ => None,
            };
            out.claims.extend(quiet_claim);
            // A demotion that begins or ends, one interval more after losses, and a host taking over that was no candidate after a failed hook.
            let excuse = |notice: &(u64, Notice)| match notice.1 {
                Notice::Demoted { .. } | Notice::Restored { .. } | Notice::Lost => true,
                Notice::Transition { to: Role::Master, .. } => ours.is_demoted_by_itself(),
                _ => false,
            };
            if ours.notices[notices_before..].iter().any(excuse) {
                self.record.excuses.push(now);
            }
            // A master that was away for long listens first, and only then may who follows it be heard.
            for (_, notice) in &ours.notices[notices_before..] {
                if let Notice::Listening { lasts } = notice {
                    let lasts = u64::try_from(lasts.as_micros()).expect("a short run");
                    self.record.excuses.push(now + lasts);
                }
            }
            // Who waits before it preempts does so when all others have settled.
            let delayed = |notice: &(u64, Notice)| {
                matches!(notice.1, Notice::Transition { reason: Reason::SlowerMaster, .. })
            };
            let waits = ours.host.parameters().preempt_delay > Duration::ZERO;
            if waits && ours.notices[notices_before..].iter().any(delayed) {
                self.record.excuses.push(now);
            }
            // Who changed its role too often waits with the next takeover.
            if let Some(until) = ours.snapshot(now).lasts_until {
                let until = u64::try_from(until.since_zero().as_micros()).expect("a short run");
                self.record.excuses.push(ours.clock.world(until));
            }
        } else if let Machine::Kernel(_) = machine {
            out.claims.push(role == Role::Master);
        }
        self.slots[node].former = former;
        let said = ours_said(&self.slots[node], notices_before);
        self.hasty |= super::standbys::settled_before_its_time(said);
        let apart = self.hasty && !self.understand_each_other();
        if std::mem::replace(&mut self.apart, apart) || apart {
            self.record.excuses.push(now);
        }
        for note in out.notes.take().into_iter().flatten() {
            self.say(Some(node), &note);
        }
        for text in out.violations {
            let seconds = now / SECOND;
            let micros = now % SECOND;
            self.record.violations.push(format!("{seconds}.{micros:06} n{node} {text}"));
        }
        for claims in out.claims {
            if self.slots[node].claims != claims {
                self.slots[node].claims = claims;
                self.record.claims.push((now, node, claims));
            }
        }
        self.renew_window(node);
        // One turn may see several.
        self.slots[node].changes_in_window += transitions.saturating_sub(1) as u64;
        self.took_role(node, role);
        self.count(node, out.frames.len() as u64);
        for frame in out.frames {
            self.transmit(node, &frame.into());
        }
        if ended {
            self.remove(node);
        }
        self.schedule(node);
    }

    fn took_role(&mut self, node: usize, role: Role) {
        if self.slots[node].role != role {
            if self.log.is_some() {
                self.say(Some(node), &format!("=== {} -> {}", self.slots[node].role.code(), role.code()));
            }
            self.slots[node].role = role;
            self.slots[node].changes_in_window += 1;
            self.record.roles.push((self.now, node, role));
        }
    }

    /// Another second begins.
    fn renew_window(&mut self, node: usize) {
        let (second, slot) = (self.now / SECOND, &mut self.slots[node]);
        if slot.window.0 != second {
            slot.window = (second, 0);
            slot.changes_in_window = 0;
        }
    }

    /// Packets of ours per second: the ads due, a takeover's and a conflict's, each family; announcements.
    fn count(&mut self, node: usize, frames: u64) {
        self.record.frames += frames;
        let others = self.slots.len() as u64 - 1;
        let shared = self.forms.iter().map(|(_, addresses)| addresses.len()).max().unwrap_or(0);
        let shared = shared.max(self.addresses.len()) as u64;
        let slot = &mut self.slots[node];
        let second = slot.window.0;
        slot.window.1 += frames;
        if slot.spec.kind == Kind::Ours {
            let families = 1 + u64::from(slot.spec.v4.is_some() && slot.spec.v6.is_some());
            let due = SECOND / slot.spec.interval().max(3_906) + 2;
            let prompt = 11;
            let copies = if self.unicast { others } else { 1 };
            let ads = copies * families * (due + prompt + 4 * slot.changes_in_window);
            let announcements = 4 * shared * (prompt + 4 + 2 * slot.changes_in_window);
            // Who only listens answers each name that proved itself, at two hardware addresses, once a second, and repeats
            // the bow-out of a second ago.
            let listens = slot.role == Role::Backup && slot.changes_in_window == 0;
            let answers = 2 * 2 * others * families * families + 2 * copies * families + 4;
            let most = if listens { answers } else { ads + announcements };
            if slot.window.1 > most {
                let sent = slot.window.1;
                slot.window.1 = 0;
                self.record.violations.push(format!("n{node} sent {sent} frames within second {second}"));
            }
        }
    }

    /// One that is to be here no more bows out as a master, and takes its addresses along.
    fn leave(&mut self, node: usize, change: Change) {
        if let Some(until) = self.slots[node].asleep_until {
            self.push(until, Entry::Change(change));
            return;
        }
        let mut silent = false;
        let speaks = self.slots[node].link_up;
        self.with(node, "is to leave", |machine, now, out| {
            let Machine::Ours(ours) = machine else { return };
            let speaks = speaks && ours.link == Link::Up && !ours.send_fails;
            let was_master = ours.role() == Role::Master;
            ours.event(Event::Leave(Departure::Removed), now, out);
            let is_bow_out = |frame: &Vec<u8>| matches!(look(frame), Seen::Ad(ad) if ad.is_bow_out());
            silent = was_master && speaks && !out.frames.iter().any(is_bow_out);
        });
        if silent {
            self.record.violations.push(format!("{} n{node} left without a word", self.now));
        }
    }

    fn remove(&mut self, node: usize) {
        self.say(Some(node), "has ended");
        let slot = &mut self.slots[node];
        slot.machine = None;
        slot.scheduled = None;
        slot.asleep_until = None;
        slot.queue.clear();
        self.took_role(node, Role::Init);
    }

    fn schedule(&mut self, node: usize) {
        let now = self.now;
        let slot = &mut self.slots[node];
        let Some(deadline) = slot.machine.as_ref().and_then(Machine::deadline) else {
            slot.scheduled = None;
            return;
        };
        let deadline = deadline.max(now);
        // Keep the lateness already drawn while the deadline stays what it was.
        if slot.scheduled.is_some_and(|(at, _)| at >= deadline && at <= deadline + slot.spec.jitter) {
            return;
        }
        let at = deadline + self.rng.within(0, slot.spec.jitter);
        self.made += 1;
        let made = self.made;
        self.slots[node].scheduled = Some((at, made));
        self.heap.push(Reverse(Due(at, made, Entry::Wake(node, made))));
    }

    /// A switch keeps what is for one hardware address from the others.
    fn is_for(&self, node: usize, bytes: &[u8]) -> bool {
        bytes[0] & 1 != 0 || bytes[..6] == self.slots[node].spec.mac
    }

    fn transmit(&mut self, from: usize, bytes: &Rc<[u8]>) {
        if self.log.is_some() {
            self.say(Some(from), &format!("sends {}", describe(bytes)));
        }
        self.look_for_chance(from, bytes);
        self.overhear(from, bytes);
        if !self.slots[from].link_up {
            return;
        }
        let v6 = bytes.get(12) == Some(&0x86);
        // The models have no use for ARP and neighbour discovery, and our filter keeps them out.
        let advert = bytes.get(12..14) != Some(&[8, 6]) && !(v6 && bytes.get(20) != Some(&112));
        for to in 0..self.slots.len() {
            if !advert || to == from && !self.echo[from] || self.slots[to].machine.is_none() {
                continue;
            }
            if !self.is_for(to, bytes) {
                continue;
            }
            let wire = &self.wires[from][to];
            if wire.cut || wire.pruned[usize::from(v6)] {
                continue;
            }
            let (low, high) = (wire.low, wire.high);
            let length = if v6 { 54 } else { 34 } + 36;
            let more = bytes.len() > length;
            let (doubling, loss) = (self.doubling, self.loss);
            let rng = if more { &mut self.whims } else { &mut self.rng };
            let copies = if rng.percent(doubling) { 2 } else { 1 };
            for _ in 0..copies {
                let rng = if more { &mut self.whims } else { &mut self.rng };
                let delay = rng.within(low, high);
                if !rng.percent(loss) {
                    self.push(self.now + delay, Entry::Frame { to, bytes: bytes.clone(), forged: None });
                }
            }
        }
    }

    /// A kernel's counter looks like one of ours once in 65,536: that ad is lost, or with OpenBSD's all of them.
    fn look_for_chance(&mut self, from: usize, bytes: &[u8]) {
        let kind = self.slots[from].spec.kind;
        if kind != Kind::Ours && matches!(look(bytes), Seen::Ad(ad) if self.mark.is_ours(ad.counter)) {
            let for_ever = kind == Kind::Kernel(Os::OpenBsd);
            self.record.excuses.push(if for_ever { u64::MAX / 2 } else { self.now });
        }
    }

    /// Who records hears everything, also what a link that has just failed takes with it.
    fn overhear(&mut self, from: usize, bytes: &Rc<[u8]>) {
        if matches!(look(bytes), Seen::Announcement(_)) {
            self.record.announced.push((self.now, from));
        }
        if !self.recording {
            return;
        }
        let Seen::Ad(ad) = look(bytes) else { return };
        self.past.push(Packet { at: self.now, from, bytes: bytes.clone() });
        if self.slots[from].spec.kind == Kind::Ours {
            self.ears[from].hear(&ad, self.now);
        }
        let mut out = Vec::new();
        self.view(|attacker, view| attacker.hears(view, &mut out));
        for forged in out {
            self.push(self.now + forged.after, Entry::Forged(forged));
        }
    }

    /// The other hosts' own addresses.
    fn neighbours(&self, node: usize) -> Vec<(IpAddr, [u8; 6])> {
        let others = self.slots.iter().enumerate().filter(|(other, _)| *other != node);
        let addresses = others.flat_map(|(_, slot)| {
            let own = [slot.spec.v4.map(IpAddr::V4), slot.spec.v6.map(IpAddr::V6)];
            own.into_iter().flatten().map(|address| (address, slot.spec.mac))
        });
        addresses.collect()
    }

    /// What one of ours is configured with.
    fn parameters(&self, node: usize) -> Parameters {
        let (key, addresses) = self.form(self.slots[node].spec.form);
        let mut parameters = self.slots[node].spec.parameters(addresses, key);
        if self.unicast {
            let neighbours = self.neighbours(node);
            parameters.destination.peers = neighbours.iter().map(|(address, _)| *address).collect();
        }
        parameters
    }

    /// What a host takes for the time of day at the world's beginning.
    fn zero(&self, node: usize) -> Option<i64> {
        let epoch = i64::try_from(self.epoch).expect("not far off");
        self.slots[node].wall.map(|ahead| epoch + ahead)
    }

    fn make(&mut self, node: usize) -> Machine {
        let spec = self.slots[node].spec.clone();
        let rng = self.rng.fork();
        let preference = (spec.base, spec.skew);
        match spec.kind {
            Kind::Ours => {
                let (parameters, neighbours) = (self.parameters(node), self.neighbours(node));
                // What an earlier life put up is still there.
                let found = if self.slots[node].claims { Presence::All } else { Presence::None };
                let mut ours = Ours::new(parameters, spec.clock, spec.plan, found, rng);
                let time = ours.time(self.now);
                ours.host.recall(self.slots[node].former.clone(), time);
                ours.neighbours = neighbours;
                if let Some(seconds) = spec.wakes_at {
                    let wakes_at = i64::try_from(seconds * SECOND).expect("not far off");
                    let world = i64::try_from(self.epoch + self.now).expect("not far off");
                    self.slots[node].wall = Some(wakes_at - world);
                }
                ours.wall = self.zero(node);
                self.ears[node] =
                    Ears::new(ours.wall.map(|zero| self.now.saturating_add_signed(zero)), self.now);
                if self.whole_turns {
                    ours.whole_turns = true;
                    ours.draining = Draining::by(FEW_FRAMES, Duration::from_millis(1));
                }
                Machine::Ours(ours)
            }
            Kind::Kernel(os) => Machine::Kernel(Kernel::new(
                os,
                VHID,
                preference,
                spec.preempt,
                spec.v4,
                spec.v6,
                spec.mac,
                self.auth_of(spec.form),
                rng,
            )),
            Kind::OldUcarp => Machine::Old(OldUcarp::new(
                VHID,
                preference,
                spec.ratio,
                spec.preempt,
                spec.v4.expect("an old ucarp has one IPv4 address"),
                spec.plan.max,
                self.auth(),
                rng,
            )),
        }
    }

    /// Applies a change now.
    pub fn change(&mut self, change: Change) {
        if self.log.is_some() {
            self.say(None, &format!("*** {change:?}"));
        }
        match change {
            Change::Start(node) => {
                // Whoever restarts a service does not wait for ever for the old process to end.
                if matches!(&self.slots[node].machine, Some(Machine::Ours(ours)) if ours.shutting_down()) {
                    self.remove(node);
                }
                if self.slots[node].machine.is_none() {
                    self.slots[node].machine = Some(self.make(node));
                    let up = self.slots[node].link_up;
                    self.with(node, "starts", |machine, now, out| match machine {
                        Machine::Ours(ours) => ours.start(now, up, out),
                        Machine::Kernel(kernel) => kernel.link(now, up),
                        Machine::Old(old) => old.start(now),
                    });
                    self.tell_ours(node, Event::Fitness(self.slots[node].fitness));
                }
            }
            Change::Crash(node) => self.remove(node),
            Change::Renew(node, silent) => {
                if self.slots[node].asleep_until.is_none() {
                    self.slots[node].renewed = self.now;
                    let up = self.slots[node].link_up;
                    self.with(node, "goes on anew", |machine, now, out| {
                        if let Machine::Ours(ours) = machine {
                            ours.renew(silent, now, up, out);
                        }
                    });
                    self.tell_ours(node, Event::Fitness(self.slots[node].fitness));
                }
            }
            Change::Stop(node, withdraw) => {
                if self.slots[node].asleep_until.is_some() {
                    return;
                }
                self.with(node, "stops", |machine, now, out| match machine {
                    Machine::Ours(ours) => ours.event(Event::Shutdown { withdraw }, now, out),
                    Machine::Kernel(kernel) => kernel.stop(withdraw, out),
                    Machine::Old(_) => {}
                });
                if self.slots[node].spec.kind != Kind::Ours {
                    self.remove(node);
                }
            }
            Change::Link { node, up, told } => {
                self.slots[node].link_up = up;
                self.push(self.now + told, Entry::Told(node, up));
            }
            Change::Gone(node) => {
                self.slots[node].link_up = false;
                self.with(node, "gone", |machine, now, out| match machine {
                    Machine::Ours(ours) => ours.link(Link::Gone, now, out),
                    Machine::Kernel(_) | Machine::Old(_) => machine.link(now, false, out),
                });
            }
            Change::Disable(node) => {
                self.slots[node].link_up = false;
                self.with(node, "disabled", |machine, now, out| match machine {
                    Machine::Ours(ours) => ours.link(Link::Disabled, now, out),
                    Machine::Kernel(_) | Machine::Old(_) => machine.link(now, false, out),
                });
            }
            Change::TakeAddress { node, all } => {
                let left = if all || self.addresses.len() == 1 { Presence::None } else { Presence::Some };
                if self.slots[node].asleep_until.is_none() {
                    self.with(node, "loses an address", |machine, now, out| {
                        if let Machine::Ours(ours) = machine {
                            if ours.meddle(left, now, out) {
                                out.claim(false);
                            }
                        }
                    });
                }
            }
            Change::BringAddress(node) => self.with(node, "gains an address", |machine, now, out| {
                if let Machine::Ours(ours) = machine {
                    ours.meddle(Presence::All, now, out);
                    out.claim(true);
                }
            }),
            Change::Sleep(node, lasts) => {
                if matches!(self.slots[node].machine, Some(Machine::Ours(_))) {
                    let until = self.now + lasts;
                    self.slots[node].asleep_until = self.slots[node].asleep_until.max(Some(until));
                    self.push(until, Entry::Rise(node));
                }
            }
            Change::Resign(node) => {
                if self.slots[node].asleep_until.is_none() {
                    self.with(node, "resigns", |machine, now, out| match machine {
                        Machine::Ours(ours) => ours.event(Event::Resign { force: false }, now, out),
                        Machine::Old(old) => old.resign(now, out),
                        Machine::Kernel(_) => {}
                    });
                }
            }
            Change::Take(node) => {
                if self.slots[node].asleep_until.is_none() {
                    self.with(node, "is told to take", |machine, now, out| match machine {
                        Machine::Ours(ours) => ours.event(Event::Take, now, out),
                        Machine::Kernel(_) | Machine::Old(_) => {}
                    });
                }
            }
            Change::Reload(node, tweak) => {
                // Whoever reloads a file waits until the daemon has read it.
                if let Some(until) = self.slots[node].asleep_until {
                    self.push(until, Entry::Change(change));
                    return;
                }
                // What is not there when all are told is told of it when it is back, by whoever made the world.
                match &self.slots[node].machine {
                    Some(Machine::Ours(ours)) if !ours.shutting_down() => {}
                    Some(Machine::Ours(_)) | None => return,
                    Some(Machine::Kernel(_) | Machine::Old(_)) => {}
                }
                tweak.edit(&mut self.slots[node].spec);
                let parameters = self.parameters(node);
                self.renew_window(node);
                self.slots[node].changes_in_window += 1;
                let auth = self.auth_of(self.slots[node].spec.form);
                self.with(node, "reads its file", |machine, now, out| match machine {
                    Machine::Ours(ours) => ours.reload(parameters, now, out),
                    // They change at once.
                    Machine::Kernel(kernel) => kernel.auth = auth,
                    Machine::Old(_) => {}
                });
            }
            Change::Leave(node) => self.leave(node, change),
            Change::Join(node) => {
                if self.slots[node].machine.is_none() {
                    // What the hosts have in common for longest.
                    self.slots[node].spec.form = 0;
                    self.slots[node].former = Vec::new();
                    self.change(Change::Start(node));
                    if self.slots[node].role == Role::Master {
                        self.record.violations.push(format!("{} n{node} began as a master", self.now));
                    }
                }
            }
            Change::Fit(node, fitness) => {
                self.slots[node].fitness = fitness;
                self.record.excuses.push(self.now);
                self.tell_ours(node, Event::Fitness(fitness));
            }
            Change::Demote(node, count) => {
                if let Some(Machine::Kernel(kernel)) = &mut self.slots[node].machine {
                    kernel.demotion = count;
                }
            }
            Change::Sending { node, fails } => {
                if let Some(Machine::Ours(ours)) = &mut self.slots[node].machine {
                    ours.send_fails = fails;
                }
            }
            Change::Hooks(node, plan) => {
                self.slots[node].spec.plan = plan;
                if let Some(Machine::Ours(ours)) = &mut self.slots[node].machine {
                    ours.plan = plan;
                }
            }
            Change::Overflow(node, overflows) => self.slots[node].overflows = overflows,
            Change::Attack(plan) => {
                if let Some(attacker) = &mut self.attacker {
                    let ruse = attacker.begin(plan);
                    self.push(self.now, Entry::Attack(ruse));
                }
            }
            Change::Cease => {
                if let Some(attacker) = &mut self.attacker {
                    attacker.cease();
                }
            }
            Change::Wall(node, wall) => {
                self.slots[node].wall = wall;
                let zero = self.zero(node);
                if let Some(Machine::Ours(ours)) = &mut self.slots[node].machine {
                    ours.wall = zero;
                }
            }
            Change::Loss(percent) => self.loss = percent,
            Change::Doubling(percent) => self.doubling = percent,
            Change::Cut { from, to, cut } => self.wires[from][to].cut = cut,
            Change::Prune { to, v6, pruned } => {
                for row in &mut self.wires {
                    row[to].pruned[usize::from(v6)] = pruned;
                }
            }
            Change::Mac(node, mac) => self.change_mac(node, mac),
            Change::Echo(node, echo) => self.echo[node] = echo,
            Change::Deaf(node, deaf) => {
                self.slots[node].deaf = deaf;
                self.tell_ours(node, Event::Deaf(deaf));
            }
            Change::V6 { node, there } => {
                let v6 = self.slots[node].spec.v6.filter(|_| there);
                self.with(node, "is given another source", |machine, now, out| match machine {
                    Machine::Ours(ours) => ours.move_to(v6, now, out),
                    Machine::Kernel(_) | Machine::Old(_) => {}
                });
            }
            Change::Heal => self.heal(),
        }
    }

    /// Only ours is told; the neighbours of those that have peers find out as a system does.
    fn change_mac(&mut self, node: usize, mac: [u8; 6]) {
        self.slots[node].spec.mac = mac;
        self.with(node, "changes its hardware address", |machine, now, out| match machine {
            Machine::Ours(ours) => ours.relocate(MacAddr(mac), now, out),
            Machine::Kernel(_) | Machine::Old(_) => {}
        });
        for other in 0..self.slots.len() {
            let neighbours = self.neighbours(other);
            if let Some(Machine::Ours(ours)) = &mut self.slots[other].machine {
                ours.neighbours = neighbours;
            }
        }
    }

    fn tell_ours(&mut self, node: usize, event: Event) {
        self.with(node, "is told", |machine, now, out| match machine {
            Machine::Ours(ours) => ours.event(event, now, out),
            Machine::Kernel(_) | Machine::Old(_) => {}
        });
    }

    fn heal(&mut self) {
        self.loss = 0;
        self.doubling = 0;
        self.echo.fill(false);
        for wire in self.wires.iter_mut().flatten() {
            wire.cut = false;
            wire.pruned = [false; 2];
        }
        for node in 0..self.slots.len() {
            self.slots[node].overflows = false;
            let HookPlan { min, max, .. } = self.slots[node].spec.plan;
            let plan = HookPlan { min, max, ..HookPlan::QUICK };
            self.change(Change::Hooks(node, plan));
            self.change(Change::Sending { node, fails: false });
            self.change(Change::Deaf(node, false));
        }
    }

    /// Cuts both directions between every member of `here` and everybody else, or mends them.
    pub fn part(&mut self, here: &[usize], cut: bool) {
        for a in 0..self.slots.len() {
            for b in 0..self.slots.len() {
                if here.contains(&a) != here.contains(&b) {
                    self.change(Change::Cut { from: a, to: b, cut });
                }
            }
        }
    }

    pub fn start_all(&mut self) {
        for node in 0..self.slots.len() {
            self.change(Change::Start(node));
        }
    }

    pub fn role(&self, node: usize) -> Role {
        self.slots[node].role
    }

    pub fn masters(&self) -> Vec<usize> {
        (0..self.slots.len()).filter(|&node| self.role(node) == Role::Master).collect()
    }

    pub fn ours(&self, node: usize) -> &Ours {
        match &self.slots[node].machine {
            Some(Machine::Ours(ours)) => ours,
            _ => panic!("node {node} is not a running one of ours"),
        }
    }
}

fn describe(bytes: &[u8]) -> String {
    match look(bytes) {
        Seen::Ad(ad) => {
            let to = if bytes[0] & 1 == 0 { format!(", only to ..{:02x}", bytes[5]) } else { String::new() };
            let stamp = Stamp::of(ad.counter);
            format!("ad {}/{} from {} (mac ..{:02x}{to}) {stamp:?}", ad.base, ad.skew, ad.source, ad.mac[5])
        }
        Seen::Announcement(address) => format!("announcement of {address}"),
        Seen::Other => "something else".into(),
    }
}
