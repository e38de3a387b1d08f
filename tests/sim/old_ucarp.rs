//! ucarp 1.5.2 as a small model, written from what was measured of the binary.
//!
//! Its three habits matter to us: it hears each frame up to a second late (a capture ring handed over once a
//! second), it looks at its dead timer only when a wait of one whole interval passed without a frame, and it
//! stands still while a script runs. On equal intervals it compares the raw address words of a little-endian
//! machine, and when it yields it sends one more advertisement first. It has no bow-out.

use std::net::{IpAddr, Ipv4Addr};

use ucarp::protocol::{Authenticator, Role};

use super::frame::{Ad, encode, hear, micros};
use super::{Out, Rng};

const SECOND: u64 = 1_000_000;

/// What the process goes on with when it is no longer blocked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Then {
    Advertise,
    Listen,
    Nothing,
}

pub struct OldUcarp {
    pub vhid: u8,
    pub base: u8,
    pub skew: u8,
    pub ratio: u32,
    pub preempt: bool,
    pub source: Ipv4Addr,
    pub auth: Authenticator,
    /// How long each script takes.
    pub script: u64,
    rng: Rng,
    master: bool,
    /// A master advertises only once its up script has ended.
    advertising: bool,
    blocked: Option<(u64, Then)>,
    ring: Vec<Ad>,
    handover: Option<u64>,
    phase: u64,
    poll: u64,
    dead: u64,
    next_ad: u64,
    link_up: bool,
    counter: u64,
    heard_any: bool,
}

impl OldUcarp {
    #[expect(clippy::too_many_arguments, reason = "its command line has as many")]
    pub fn new(
        vhid: u8,
        (base, skew): (u8, u8),
        ratio: u32,
        preempt: bool,
        source: Ipv4Addr,
        script: u64,
        auth: Authenticator,
        mut rng: Rng,
    ) -> Self {
        let phase = rng.within(0, SECOND - 1);
        Self {
            vhid,
            base,
            skew,
            ratio,
            preempt,
            source,
            auth,
            script,
            rng,
            master: false,
            advertising: false,
            blocked: None,
            ring: Vec::new(),
            handover: None,
            phase,
            poll: u64::MAX,
            dead: u64::MAX,
            next_ad: u64::MAX,
            link_up: false,
            counter: 0,
            heard_any: false,
        }
    }

    /// The role others see: it is master once it advertises.
    pub const fn role(&self) -> Role {
        if !self.link_up {
            Role::Init
        } else if self.master && self.advertising {
            Role::Master
        } else {
            Role::Backup
        }
    }

    pub fn interval(&self) -> u64 {
        micros(self.base.into(), self.skew.into())
    }

    pub fn dead_time(&self) -> u64 {
        micros(u64::from(self.ratio) * u64::from(self.base), self.skew.into())
    }

    pub fn deadline(&self) -> Option<u64> {
        match self.blocked {
            Some((until, _)) => Some(until),
            None => Some(self.handover.unwrap_or(u64::MAX).min(self.poll)),
        }
        .filter(|&at| at != u64::MAX)
    }

    pub fn start(&mut self, now: u64) {
        self.link_up = true;
        self.listen(now);
        self.block(now, self.script, Then::Listen);
    }

    pub fn link(&mut self, now: u64, up: bool, out: &mut Out) {
        self.link_up = up;
        if !up && self.blocked.is_none() {
            self.interface_down(now, out);
        }
    }

    /// Not running: backup (the down script after a master's time), and ten seconds of sleep.
    fn interface_down(&mut self, now: u64, out: &mut Out) {
        let script = if self.master { self.script } else { 0 };
        self.leave(now, out);
        self.block(now, script + 10 * SECOND, Then::Listen);
    }

    /// SIGUSR2.
    pub fn resign(&mut self, now: u64, out: &mut Out) {
        if self.master && self.blocked.is_none() {
            self.leave(now, out);
            self.block(now, self.script + 3 * SECOND, Then::Listen);
        }
    }

    fn block(&mut self, now: u64, lasts: u64, then: Then) {
        self.blocked = Some((now + lasts.max(1), then));
    }

    fn listen(&mut self, now: u64) {
        self.dead = now + self.dead_time();
        self.next_ad = u64::MAX;
    }

    fn leave(&mut self, now: u64, out: &mut Out) {
        if self.master {
            out.claim(false);
        }
        self.master = false;
        self.advertising = false;
        self.listen(now);
    }

    fn send(&mut self, out: &mut Out) {
        self.counter = if self.heard_any { self.counter.wrapping_add(1) } else { self.rng.next() };
        let ad = Ad {
            source: IpAddr::V4(self.source),
            mac: [0, 0, 0x5e, 0, 0, self.vhid],
            vhid: self.vhid,
            base: self.base,
            skew: self.skew,
            demotion: 0,
            counter: self.counter,
        };
        out.send(encode(&ad, &self.auth));
    }

    fn become_master(&mut self, now: u64) {
        self.master = true;
        self.block(now, self.script, Then::Advertise);
    }

    pub fn frame(&mut self, now: u64, frame: &[u8]) {
        let Some(ad) = hear(frame, self.vhid, &self.auth) else { return };
        if ad.source == IpAddr::V4(self.source) || ad.v6() {
            return;
        }
        self.ring.push(ad);
        if self.handover.is_none() {
            let since = (now + SECOND - self.phase) % SECOND;
            self.handover = Some(now + SECOND - since);
        }
    }

    pub fn tick(&mut self, now: u64, out: &mut Out) {
        if let Some((until, then)) = self.blocked {
            if now < until {
                return;
            }
            self.blocked = None;
            match then {
                Then::Advertise => {
                    self.advertising = true;
                    out.claim(true);
                    self.send(out);
                    self.next_ad = now + self.interval();
                }
                // The wait for a dead master starts when the process is back.
                Then::Listen => self.listen(now),
                Then::Nothing => {}
            }
            self.wait(now);
        }
        if !self.link_up {
            return self.interface_down(now, out);
        }
        if self.handover.is_some_and(|at| at <= now) {
            self.handover = None;
            while self.blocked.is_none() && !self.ring.is_empty() {
                let ad = self.ring.remove(0);
                self.hear(now, ad, out);
            }
            if !self.ring.is_empty() {
                self.handover = Some(now);
            }
            self.wait(now);
        } else if self.poll <= now {
            if self.master && self.next_ad <= now {
                self.send(out);
                self.next_ad = now + self.interval();
            } else if !self.master && self.dead <= now {
                self.become_master(now);
            }
            self.wait(now);
        }
    }

    fn wait(&mut self, now: u64) {
        self.poll = if self.master { self.next_ad.max(now + 1) } else { now + self.interval().max(1_000) };
    }

    fn hear(&mut self, now: u64, ad: Ad, out: &mut Out) {
        self.counter = ad.counter;
        self.heard_any = true;
        let (mine, his) = (self.interval(), ad.interval());
        let IpAddr::V4(source) = ad.source else { return };
        let lower = u32::from_le_bytes(source.octets()) < u32::from_le_bytes(self.source.octets());
        if self.master {
            if mine > his || mine == his && lower {
                self.send(out);
                self.leave(now, out);
                self.block(now, self.script, Then::Nothing);
            } else if mine < his {
                out.announce();
            }
        } else if self.preempt && mine < his || u64::from(self.ratio) * u64::from(self.base) * SECOND < his {
            self.become_master(now);
        } else {
            self.listen(now);
        }
    }
}
