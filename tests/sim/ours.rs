//! Our daemon without its descriptors: drives a `VirtualHost` as the event loop does and performs the actions.
//!
//! Here too are the laws that must hold at every step whatever the world does: announcements and advertisements
//! only from a master, no announcement while a down hook runs, one hook at a time, none again that did its work and
//! whose address nobody took, a deadline in the future after each due tick, no effect of an early one. Each daemon has
//! a clock of its own, with an arbitrary zero and a drift. What hooks did to the address is known here, and told the
//! core as far as its questions are answered.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv6Addr};
use std::rc::Rc;
use std::time::Duration;

use ucarp::daemon::turn::{self, Draining, Heard, Surroundings};

use ucarp::protocol::{
    Action, Event, Hook, HookEnd, Hooks, Link, MacAddr, Notice, Parameters, Presence, Reason, Role, Shift,
    Snapshot, Sources, Time, Transmission, VirtualHost,
};

use super::frame::{self, Seen, look};
use super::mark::GIVES_WAY;
use super::{Out, Rng};

/// A clock that started `offset` before the world's and gains `ppm` (may be negative) microseconds a second.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    pub offset: u64,
    pub ppm: i64,
}

impl Clock {
    pub fn local(self, world: u64) -> u64 {
        let rate = u128::try_from(1_000_000 + self.ppm).expect("a clock that runs");
        self.offset + u64::try_from(u128::from(world) * rate / 1_000_000).expect("a short run")
    }

    /// The first moment of the world at which this clock shows at least `local`.
    pub fn world(self, local: u64) -> u64 {
        let rate = u128::try_from(1_000_000 + self.ppm).expect("a clock that runs");
        let mut world = u64::try_from(u128::from(local.saturating_sub(self.offset)) * 1_000_000 / rate)
            .expect("a short run");
        while self.local(world) < local {
            world += 1;
        }
        world
    }
}

/// How the scripts of a node behave.
#[derive(Clone, Copy, Debug)]
pub struct HookPlan {
    pub min: u64,
    pub max: u64,
    /// Percent that end badly.
    pub failing: u64,
    /// Percent that never end.
    pub hanging: u64,
    /// Percent that ignore SIGTERM.
    pub deaf: u64,
    /// Percent that cannot be started.
    pub absent: u64,
    /// Percent of questions for the addresses that are not answered.
    pub mute: u64,
    /// Percent that end badly and change nothing, or are killed before they changed anything.
    pub idle: u64,
    /// How long its hands have second thoughts about bringing managed addresses, and leave it if it is no master then.
    pub thought: u64,
}

impl HookPlan {
    pub const QUICK: Self = Self {
        min: 1_000,
        max: 30_000,
        failing: 0,
        hanging: 0,
        deaf: 0,
        absent: 0,
        mute: 0,
        idle: 0,
        thought: 0,
    };

    pub const fn lasting(micros: u64) -> Self {
        Self { min: micros, max: micros, ..Self::QUICK }
    }
}

struct Running {
    hook: Hook,
    ends: u64,
    ended: HookEnd,
    deaf: bool,
    /// It does nothing to the addresses.
    idle: bool,
    /// It was asked to end, and whatever it does now is not believed.
    asked: bool,
}

/// How long after a question without an answer it is asked again.
const ASKED_AGAIN: u64 = 1_000_000;

pub struct Ours {
    pub host: VirtualHost,
    pub parameters: Parameters,
    pub clock: Clock,
    /// What its host takes for the time of day: microseconds since the Unix epoch at the world's beginning.
    pub wall: Option<i64>,
    pub plan: HookPlan,
    /// Whose hardware addresses the system knows.
    pub neighbours: Vec<(IpAddr, [u8; 6])>,
    /// The network card refuses what we send.
    pub send_fails: bool,
    pub transitions: Vec<(u64, Role, Reason)>,
    pub notices: Vec<(u64, Notice)>,
    /// Whatever wakes it is a whole turn of the loop: hooks, frames, deadlines. Without, a frame is only heard.
    pub whole_turns: bool,
    pub draining: Draining,
    captured: VecDeque<Rc<[u8]>>,
    /// Frames for it that the system had no room for.
    pub lost: u64,
    rng: Rng,
    /// For what came later, so that older seeds stay the worlds they were.
    whims: Rng,
    running: Option<Running>,
    last_done: Option<(Hook, HookEnd)>,
    /// The hands are asked to bring the addresses, or to take them away, and do so then.
    errand: Option<(u64, Shift)>,
    /// The last hook did all it was there for, and nothing has happened to the addresses since.
    in_order: bool,
    /// What is on the interface.
    addresses: Presence,
    /// What the core was told last.
    told: Option<Presence>,
    ask_at: Option<u64>,
    shutting_down: bool,
    /// As it was told.
    pub link: Link,
    /// Not always the same hooks existed, so that what one brought another may not have taken away.
    pub mixed_hooks: bool,
}

impl Ours {
    pub fn new(
        parameters: Parameters,
        clock: Clock,
        plan: HookPlan,
        addresses: Presence,
        mut rng: Rng,
    ) -> Self {
        let seed = rng.next();
        Self {
            host: VirtualHost::new(parameters.clone()),
            parameters,
            clock,
            wall: None,
            plan,
            neighbours: Vec::new(),
            send_fails: false,
            transitions: Vec::new(),
            notices: Vec::new(),
            whole_turns: false,
            draining: Draining::by(512, Duration::ZERO),
            captured: VecDeque::new(),
            lost: 0,
            rng,
            whims: Rng::new(seed ^ 0x3a11),
            running: None,
            last_done: None,
            errand: None,
            in_order: false,
            addresses,
            told: None,
            ask_at: None,
            shutting_down: false,
            link: Link::Down,
            mixed_hooks: false,
        }
    }

    pub fn time(&self, now: u64) -> Time {
        Time::from_micros(self.clock.local(now))
    }

    fn wall(&self, now: u64) -> Option<Duration> {
        self.wall.map(|zero| Duration::from_micros(now.saturating_add_signed(zero)))
    }

    pub fn snapshot(&self, now: u64) -> Snapshot {
        self.host.snapshot(self.time(now))
    }

    /// What its own card or its script did makes it worse than it is configured.
    pub fn is_demoted_by_itself(&self) -> bool {
        self.host.own_demotions().next().is_some()
    }

    /// What it competes with, in microseconds.
    pub fn interval(&self, now: u64) -> u64 {
        u64::try_from(self.snapshot(now).interval.duration().as_micros()).expect("minutes at most")
    }

    pub fn role(&self) -> Role {
        self.host.role()
    }

    pub const fn hook_running(&self) -> bool {
        self.running.is_some()
    }

    pub const fn last_hook(&self) -> Option<(Hook, HookEnd)> {
        self.last_done
    }

    /// What is on the interface, as opposed to what the core believes.
    pub const fn addresses(&self) -> Presence {
        self.addresses
    }

    pub const fn shutting_down(&self) -> bool {
        self.shutting_down
    }

    /// After a shutdown: the process has ended.
    pub fn ended(&self) -> bool {
        self.shutting_down && self.host.finished()
    }

    pub fn deadline(&self) -> Option<u64> {
        let of_the_clock = [self.host.next_deadline(), self.draining.deadline(Time::ZERO)];
        let of_the_world = of_the_clock.into_iter().flatten().map(|at| {
            // A quarter of an interval can fall between two microseconds.
            self.clock.world(u64::try_from(at.since_zero().as_nanos().div_ceil(1_000)).expect("a short run"))
        });
        let hook = self.running.as_ref().map(|running| running.ends).filter(|&ends| ends != u64::MAX);
        of_the_world.chain(self.errand.map(|(at, _)| at)).chain(hook).chain(self.ask_at).min()
    }

    pub fn start(&mut self, now: u64, link_up: bool, out: &mut Out) {
        if let Some(wall) = self.wall(now) {
            self.event(Event::Wall(wall), now, out);
        }
        self.event(Event::Start, now, out);
        self.event(Event::Link(if link_up { Link::Up } else { Link::Down }), now, out);
        self.look_at_addresses(now, out);
    }

    /// The engine has died, and another goes on in its place, which knows what the hands know. What it had not read yet is
    /// lost.
    pub fn renew(&mut self, silent: u64, now: u64, link_up: bool, out: &mut Out) {
        if self.shutting_down {
            return;
        }
        // The hands have read what they were asked, and their answer finds nobody.
        self.shift(out);
        let (role, hook) = (self.host.role(), self.running.as_ref().map(|running| running.hook));
        // It is told first by what scripts the role was brought in, and then what has been configured since.
        let pending = self.host.pending();
        self.host = VirtualHost::new(Parameters { hooks: self.hooks(), ..self.parameters.clone() });
        self.host.recall(pending, self.time(now));
        self.captured.clear();
        (self.in_order, self.told) = (false, None);
        if let Some(wall) = self.wall(now) {
            self.host.handle(Event::Wall(wall), self.time(now));
        }
        let begin = match (role, hook) {
            (Role::Init, None) => Event::Start,
            (role, hook) => Event::Resume { role, hook, silent: Duration::from_micros(silent) },
        };
        self.event(begin, now, out);
        self.host.reconfigure(self.parameters.clone(), self.time(now));
        if self.host.role() != role {
            out.violation(format!("{} goes on as {}", role.code(), self.host.role().code()));
        }
        self.event(Event::Link(if link_up { Link::Up } else { Link::Down }), now, out);
        self.look_at_addresses(now, out);
    }

    /// Its file has changed. A role stays as it is, and what did not change is nothing.
    pub fn reload(&mut self, parameters: Parameters, now: u64, out: &mut Out) {
        let (before, time) = (self.host.role(), self.time(now));
        let same = parameters == self.parameters;
        let deadline = self.host.next_deadline();
        if parameters.hooks.scripts != self.parameters.hooks.scripts {
            (self.in_order, self.mixed_hooks) = (false, true);
        }
        // Its up script brings those that are new.
        self.in_order &= parameters.addresses == self.parameters.addresses;
        self.parameters = parameters;
        let actions = self.host.reconfigure(self.parameters.clone(), time);
        if self.host.role() != before {
            out.violation(format!("a reload made {} of {}", self.host.role().code(), before.code()));
        }
        if same && (!actions.is_empty() || self.host.next_deadline() != deadline) {
            out.violation(format!("nothing changed and it did something: {actions:?}"));
        }
        let silent = actions.iter().all(|action| matches!(action, Action::Tell(_)));
        let due = deadline.is_some_and(|deadline| deadline <= time);
        if before != Role::Master && !silent && !due {
            out.violation(format!("{} did something: {actions:?}", before.code()));
        }
        self.perform(actions, before, now, out);
    }

    /// The hooks in force, which may be other ones than are configured.
    pub fn hooks(&self) -> Hooks {
        let scripts = self.host.scripts();
        Hooks { up: scripts & 1 != 0, down: scripts & 2 != 0, scripts, ..self.parameters.hooks }
    }

    /// The kernel says that the link or the addresses changed.
    pub fn link(&mut self, link: Link, now: u64, out: &mut Out) {
        self.event(Event::Link(link), now, out);
        self.look_at_addresses(now, out);
    }

    /// Somebody else takes addresses away, or brings them; whether there was anything to do.
    pub fn meddle(&mut self, addresses: Presence, now: u64, out: &mut Out) -> bool {
        // What is not there cannot be taken, and what the core never saw it cannot miss.
        let there = self.addresses == Presence::All && self.told == Some(Presence::All);
        if addresses != Presence::All && !there {
            return false;
        }
        self.in_order = false;
        self.addresses = addresses;
        self.look_at_addresses(now, out);
        true
    }

    fn look_at_addresses(&mut self, now: u64, out: &mut Out) {
        if let Some(addresses) = self.ask(now) {
            self.event(Event::Addresses(addresses), now, out);
        }
    }

    fn ask(&mut self, now: u64) -> Option<Presence> {
        let answer = (!self.whims.percent(self.plan.mute)).then_some(self.addresses);
        self.ask_at = answer.is_none().then_some(now + ASKED_AGAIN);
        self.told = answer.or(self.told);
        answer
    }

    pub fn event(&mut self, event: Event, now: u64, out: &mut Out) {
        out.note(|| format!("  told {event:?}"));
        if let Event::Link(link) = event {
            self.link = link;
        }
        if matches!(event, Event::Shutdown { .. } | Event::Leave(_)) {
            self.shutting_down = true;
        }
        let before = self.host.role();
        let actions = self.host.handle(event, self.time(now));
        self.perform(actions, before, now, out);
    }

    /// Its interface has another IPv6 address, or none.
    pub fn move_to(&mut self, v6: Option<Ipv6Addr>, now: u64, out: &mut Out) {
        let before = self.host.role();
        self.parameters.sources = Sources { v6, ..self.parameters.sources };
        let actions = self.host.relocate(self.parameters.mac, self.parameters.sources, self.time(now));
        self.perform(actions, before, now, out);
    }

    /// A frame is captured.
    pub fn frame(&mut self, now: u64, frame: Rc<[u8]>, out: &mut Out) {
        self.captured.push_back(frame);
        if !self.draining.rests(self.time(now)) {
            self.turn(now, out);
            if self.whole_turns {
                self.tick_if_due(now, out);
            }
        }
    }

    /// Its interface has another hardware address.
    pub fn relocate(&mut self, mac: MacAddr, now: u64, out: &mut Out) {
        let before = self.host.role();
        self.parameters.mac = mac;
        let actions = self.host.relocate(mac, self.parameters.sources, self.time(now));
        self.perform(actions, before, now, out);
    }

    /// The process was stopped and is on a processor again; `queued` came meanwhile.
    pub fn wake(&mut self, now: u64, queued: Vec<Rc<[u8]>>, out: &mut Out) {
        self.captured.extend(queued);
        self.tick(now, out);
    }

    /// Whatever it waited for has come.
    pub fn tick(&mut self, now: u64, out: &mut Out) {
        self.turn(now, out);
        self.end_hook(now, out);
        if self.tick_if_due(now, out) {
            return;
        }
        let (before, time) = (self.host.next_deadline(), self.time(now));
        if self.draining.deadline(time).is_none() && self.rng.percent(10) {
            let actions = self.host.handle(Event::Tick, time);
            if !actions.is_empty() || self.host.next_deadline() != before {
                out.violation(format!("an early tick did something: {actions:?}"));
            }
        }
    }

    /// The first half of a turn.
    fn turn(&mut self, now: u64, out: &mut Out) {
        let woken = self.time(now);
        let announced = !self.captured.is_empty() && !self.draining.rests(woken);
        turn::late(&mut InTurn { ours: self, now, out }, woken);
        if self.whole_turns {
            self.end_hook(now, out);
        }
        turn::drain(&mut InTurn { ours: self, now, out }, announced, woken);
    }

    fn end_hook(&mut self, now: u64, out: &mut Out) {
        if self.running.as_ref().is_some_and(|running| running.ends <= now) {
            let Running { hook, ended, idle, asked, .. } = self.running.take().expect("just seen");
            if !idle && !self.parameters.hooks.manages {
                self.addresses = if hook == Hook::Up { Presence::All } else { Presence::None };
                out.claim(hook == Hook::Up);
            }
            self.hook_ended(hook, ended, asked, now, out);
        }
        if self.errand.is_some_and(|(at, _)| at <= now) {
            if let Some((shift, ok)) = self.shift(out) {
                let addresses = self.ask(now);
                self.event(Event::Shifted { shift, changed: ok, ok, addresses }, now, out);
            }
        }
        if self.ask_at.is_some_and(|at| at <= now) {
            self.look_at_addresses(now, out);
        }
    }

    /// The second half of a turn; whether there was anything to do.
    fn tick_if_due(&mut self, now: u64, out: &mut Out) -> bool {
        let time = self.time(now);
        if self.host.next_deadline().is_none_or(|at| at > time) {
            return false;
        }
        turn::tick(&mut InTurn { ours: self, now, out }, time);
        let waits = self.host.role() == Role::Backup && self.draining.deadline(time).is_some();
        if let Some(next) = self.host.next_deadline().filter(|&next| next <= time && !waits) {
            out.violation(format!("after a due tick at {time:?} the deadline is {next:?}"));
        }
        true
    }

    fn perform(&mut self, actions: Vec<Action>, before: Role, now: u64, out: &mut Out) {
        let role = self.host.role();
        let mut todo: VecDeque<_> = actions.into();
        while let Some(action) = todo.pop_front() {
            match action {
                Action::Transmit(frame) => {
                    // Who gives way, or answers one that was refused, shows itself to that one alone: to others it would look
                    // like a master.
                    let to_one = frame.bytes[0] & 1 == 0;
                    todo.extend(self.send(frame.what, vec![frame.bytes], to_one, (before, role), now, out));
                }
                Action::Deliver(unicast) => {
                    let frames: Vec<_> = unicast
                        .packets
                        .iter()
                        .filter_map(|(peer, packet)| {
                            // Nobody has the addresses that were invented, so the system finds nobody.
                            let (_, mac) = self.neighbours.iter().find(|(known, _)| known == peer)?;
                            let (source, own) = (unicast.source, self.parameters.mac.0);
                            Some(frame::to_one(source, own, *peer, *mac, packet))
                        })
                        .collect();
                    let to_one = unicast.packets.len() == 1;
                    todo.extend(self.send(unicast.what, frames, to_one, (before, role), now, out));
                }
                Action::Run(hook) => self.run(hook, now, out),
                Action::KillHook { hook, force } => self.kill(hook, force, now, out),
                Action::Shift(shift) => {
                    out.note(|| format!("  asks for {shift:?}"));
                    if self.errand.is_some() || (shift == Shift::Assign) != (role == Role::Master) {
                        out.violation(format!("{shift:?} asked for as {}, or twice", role.code()));
                    }
                    let thought = if shift == Shift::Assign { self.plan.thought } else { 0 };
                    self.errand = Some((now + thought + self.whims.within(50, 400), shift));
                }
                Action::Tell(notice) => {
                    out.note(|| format!("  says {notice:?}"));
                    if let Notice::Transition { to, reason, .. } = notice {
                        self.transitions.push((now, to, reason));
                    }
                    self.notices.push((now, notice));
                }
            }
        }
        self.check_snapshot(now, out);
    }

    /// Sends and tells the core how that went.
    fn send(
        &mut self,
        what: Transmission,
        frames: Vec<Vec<u8>>,
        to_one: bool,
        (before, role): (Role, Role),
        now: u64,
        out: &mut Out,
    ) -> Vec<Action> {
        let giving_way = to_one && what == Transmission::Advert && before == Role::Master;
        if what == Transmission::Announcement
            && !self.parameters.hooks.manages
            && self.running.as_ref().is_some_and(|running| running.hook == Hook::Down)
        {
            out.violation("announced while a down hook runs".into());
        }
        for frame in frames {
            let answers = to_one && what == Transmission::Advert && gives_way(&frame);
            if what != Transmission::BowOut && role != Role::Master && !giving_way && !answers {
                out.violation(format!("{what:?} sent as {}", role.code()));
            }
            self.check_frame(what, &frame, out);
            if !self.send_fails {
                out.send(frame);
            }
        }
        self.host.handle(Event::Sent { what, ok: !self.send_fails }, self.time(now))
    }

    fn check_frame(&self, what: Transmission, frame: &[u8], out: &mut Out) {
        let seen = look(frame);
        let right = match (what, seen) {
            (Transmission::Announcement, Seen::Announcement(of)) => self.parameters.addresses.contains(&of),
            (Transmission::Advert, Seen::Ad(ad)) => {
                !ad.is_bow_out() && ad.counter != 0 && ad.base == self.parameters.interval.base
            }
            (Transmission::BowOut, Seen::Ad(ad)) => ad.is_bow_out() && ad.counter != 0,
            _ => false,
        };
        if !right {
            out.violation(format!("{what:?} is not one: {seen:?}"));
        }
    }

    fn check_snapshot(&self, now: u64, out: &mut Out) {
        let snapshot = self.snapshot(now);
        if snapshot.role != Role::Backup && snapshot.master_down.is_some() {
            out.violation(format!("{} waits for a dead master", snapshot.role.code()));
        }
        if snapshot.role == Role::Backup && snapshot.master_down.is_none() {
            out.violation("backup without a deadline for its master".into());
        }
        let running = self.running.as_ref().map(|running| running.hook);
        // Told to end without withdrawing, it leaves a running hook alone.
        if snapshot.hook.map(|(hook, _)| hook) != running && !self.shutting_down {
            out.violation(format!("status says hook {:?}, running is {running:?}", snapshot.hook));
        }
    }

    /// The hands do what they were asked for, if they can.
    fn shift(&mut self, out: &mut Out) -> Option<(Shift, bool)> {
        let (_, shift) = self.errand.take()?;
        let ok = !self.whims.percent(self.plan.absent);
        let thought_better =
            self.plan.thought > 0 && shift == Shift::Assign && self.host.role() != Role::Master;
        if ok && !thought_better {
            self.addresses = if shift == Shift::Assign { Presence::All } else { Presence::None };
            out.claim(shift == Shift::Assign);
        }
        Some((shift, ok))
    }

    fn run(&mut self, hook: Hook, now: u64, out: &mut Out) {
        out.note(|| format!("  runs {hook:?}"));
        let hooks = self.hooks();
        if self.errand.is_some() {
            out.violation(format!("{hook:?} run before the addresses are where they belong"));
        }
        if self.running.is_some() {
            out.violation(format!("{hook:?} run while another hook runs"));
        }
        if !(if hook == Hook::Up { hooks.up } else { hooks.down }) {
            out.violation(format!("{hook:?} run, which does not exist"));
        }
        let both = hooks.up && hooks.down && !self.mixed_hooks;
        if both && self.in_order && self.last_done.is_some_and(|(last, _)| last == hook) {
            out.violation(format!("{hook:?} run twice in a row"));
        }
        if self.whims.percent(self.plan.absent) {
            self.running = None;
            self.hook_ended(hook, HookEnd::NotRun, false, now, out);
            return;
        }
        let hangs = self.rng.percent(self.plan.hanging);
        self.running = Some(Running {
            hook,
            ends: if hangs { u64::MAX } else { now + self.rng.within(self.plan.min, self.plan.max) },
            ended: if self.rng.percent(self.plan.failing) { HookEnd::Failed } else { HookEnd::Succeeded },
            deaf: self.rng.percent(self.plan.deaf),
            idle: false,
            asked: false,
        });
        if let Some(running) = self.running.as_mut().filter(|running| running.ended == HookEnd::Failed) {
            running.idle = self.whims.percent(self.plan.idle);
        }
    }

    fn hook_ended(&mut self, hook: Hook, ended: HookEnd, asked: bool, now: u64, out: &mut Out) {
        let addresses = self.ask(now);
        self.in_order = false;
        if ended != HookEnd::NotRun {
            let belongs = if hook == Hook::Up { Presence::All } else { Presence::None };
            self.last_done = Some((hook, ended));
            let did_it = match ended {
                HookEnd::Succeeded => true,
                HookEnd::Failed => addresses == Some(belongs),
                HookEnd::Killed | HookEnd::NotRun => false,
            };
            self.in_order = did_it && !asked;
        }
        self.event(Event::HookDone { hook, ended, addresses }, now, out);
    }

    fn kill(&mut self, hook: Hook, force: bool, now: u64, out: &mut Out) {
        out.note(|| format!("  kills {hook:?}, force {force}"));
        let patience = self.rng.within(100, 20_000);
        match &mut self.running {
            Some(running) if running.hook == hook => {
                running.asked = true;
                if force || !running.deaf {
                    running.ends = running.ends.min(now + patience);
                    running.ended = HookEnd::Killed;
                    running.idle = self.whims.percent(self.plan.idle);
                }
            }
            _ => out.violation(format!("{hook:?} killed, which does not run")),
        }
    }
}

/// Whether an advertisement says that it is no master's.
fn gives_way(frame: &[u8]) -> bool {
    matches!(look(frame), Seen::Ad(ad) if ad.counter & GIVES_WAY != 0)
}

/// One of ours in its turn.
struct InTurn<'a> {
    ours: &'a mut Ours,
    now: u64,
    out: &'a mut Out,
}

impl Surroundings for InTurn<'_> {
    fn now(&self) -> Time {
        self.ours.time(self.now)
    }

    fn wall(&self) -> Option<Duration> {
        self.ours.wall(self.now)
    }

    fn due(&self, by: Time) -> Vec<usize> {
        let due = self.ours.host.next_deadline().is_some_and(|deadline| deadline <= by);
        due.then_some(0).into_iter().collect()
    }

    fn host(&self, _: usize) -> &VirtualHost {
        &self.ours.host
    }

    fn draining(&mut self) -> &mut Draining {
        &mut self.ours.draining
    }

    fn tell_all(&mut self, event: Event, now: Time) {
        self.tell(0, event, now);
    }

    fn tell(&mut self, _: usize, event: Event, _: Time) {
        if event == Event::Tick {
            let before = self.ours.host.role();
            let actions = self.ours.host.handle(event, self.now());
            self.ours.perform(actions, before, self.now, self.out);
        } else {
            self.ours.event(event, self.now, self.out);
        }
    }

    fn lost(&mut self) -> Option<u64> {
        Some(self.ours.lost)
    }

    fn hear(&mut self, now: Time) -> Heard {
        let Some(frame) = self.ours.captured.pop_front() else { return Heard::Nothing };
        let before = self.ours.host.role();
        match self.ours.host.receive(&frame, now) {
            Ok(actions) => {
                self.ours.perform(actions, before, self.now, self.out);
                Heard::Accepted
            }
            Err(rejected) => {
                self.out.note(|| format!("  ignored: {}", rejected.code()));
                Heard::Refused
            }
        }
    }
}
