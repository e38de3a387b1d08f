//! The CARP of the OpenBSD, FreeBSD and NetBSD kernels as a small model.
//!
//! Written from the observed rules, not from code: equality means stepping down, silently; whoever expires among
//! the dead timers (one per address family) makes the whole group master; FreeBSD and NetBSD adopt the counter
//! they hear and add one, OpenBSD keeps a cookie and drops its own; only OpenBSD and NetBSD bow out; OpenBSD's
//! dead time is three whole intervals. OpenBSD alone can be demoted here, and
//! ranks by demotion before it looks at the interval.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ucarp::protocol::{Authenticator, Role};

use super::frame::{Ad, encode, hear, micros};
use super::{Out, Rng};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::enum_variant_names, reason = "that is what they are called")]
pub enum Os {
    OpenBsd,
    FreeBsd,
    NetBsd,
}

pub struct Kernel {
    pub os: Os,
    pub vhid: u8,
    pub base: u8,
    pub skew: u8,
    pub preempt: bool,
    pub v4: Option<Ipv4Addr>,
    pub v6: Option<Ipv6Addr>,
    pub mac: [u8; 6],
    pub auth: Authenticator,
    /// OpenBSD's count for its interface groups.
    pub demotion: u8,
    rng: Rng,
    role: Role,
    down: [Option<u64>; 2],
    next_ad: Option<u64>,
    pub counter: u64,
    heard_any: bool,
}

impl Kernel {
    #[expect(clippy::too_many_arguments, reason = "a kernel's ifconfig line has as many")]
    pub fn new(
        os: Os,
        vhid: u8,
        (base, skew): (u8, u8),
        preempt: bool,
        v4: Option<Ipv4Addr>,
        v6: Option<Ipv6Addr>,
        mac: [u8; 6],
        auth: Authenticator,
        mut rng: Rng,
    ) -> Self {
        let counter = rng.next() | 1;
        Self {
            os,
            vhid,
            base,
            skew,
            preempt,
            v4,
            v6,
            mac,
            auth,
            demotion: 0,
            rng,
            role: Role::Init,
            down: [None; 2],
            next_ad: None,
            counter,
            heard_any: false,
        }
    }

    pub const fn role(&self) -> Role {
        self.role
    }

    fn effective_skew(&self) -> u8 {
        if self.os == Os::FreeBsd { self.skew.min(240) } else { self.skew }
    }

    /// What this kernel competes with, in microseconds.
    pub fn interval(&self) -> u64 {
        micros(self.base.into(), self.effective_skew().into())
    }

    pub fn dead_time(&self) -> u64 {
        match self.os {
            Os::OpenBsd => 3 * micros(self.base.into(), self.skew.into()).max(3_906),
            Os::FreeBsd | Os::NetBsd => micros(3 * u64::from(self.base), self.skew.into()),
        }
    }

    pub fn deadline(&self) -> Option<u64> {
        self.down.into_iter().chain([self.next_ad]).flatten().min()
    }

    pub fn link(&mut self, now: u64, up: bool) {
        self.down = [None; 2];
        self.next_ad = None;
        self.role = Role::Init;
        if up {
            self.role = Role::Backup;
            self.listen(now, None);
        }
    }

    /// `ifconfig down`, or the end of the machine.
    pub fn stop(&mut self, polite: bool, out: &mut Out) {
        if polite && self.role == Role::Master && self.os != Os::FreeBsd {
            self.send(255, 255, out);
        }
        self.role = Role::Init;
        self.down = [None; 2];
        self.next_ad = None;
    }

    /// Arms the dead timer of one family, or of each that has an address.
    fn listen(&mut self, now: u64, v6: Option<bool>) {
        let at = now + self.dead_time();
        if self.v4.is_some() && v6 != Some(true) {
            self.down[0] = Some(at);
        }
        if self.v6.is_some() && v6 != Some(false) {
            self.down[1] = Some(at);
        }
    }

    fn send(&mut self, base: u8, skew: u8, out: &mut Out) {
        for source in [self.v4.map(IpAddr::V4), self.v6.map(IpAddr::V6)].into_iter().flatten() {
            self.counter = match self.os {
                Os::OpenBsd => self.counter,
                Os::FreeBsd | Os::NetBsd if self.heard_any => self.counter.wrapping_add(1),
                Os::FreeBsd | Os::NetBsd => self.rng.next(),
            };
            let ad = Ad {
                source,
                mac: self.mac,
                vhid: self.vhid,
                base,
                skew,
                demotion: self.demotion,
                counter: self.counter,
            };
            out.send(encode(&ad, &self.auth));
        }
    }

    fn become_master(&mut self, now: u64, out: &mut Out) {
        self.role = Role::Master;
        self.down = [None; 2];
        self.send(self.base, self.effective_skew(), out);
        self.next_ad = Some(now + micros(self.base.into(), self.skew.into()).max(3_906));
    }

    pub fn tick(&mut self, now: u64, out: &mut Out) {
        if self.next_ad.is_some_and(|at| at <= now) {
            self.send(self.base, self.effective_skew(), out);
            self.next_ad = Some(now + self.interval().max(3_906));
        }
        if self.role == Role::Backup && self.down.into_iter().flatten().any(|at| at <= now) {
            self.become_master(now, out);
        }
    }

    pub fn frame(&mut self, now: u64, frame: &[u8], out: &mut Out) {
        let Some(ad) = hear(frame, self.vhid, &self.auth) else { return };
        if ad.v6() && self.v6.is_none() || !ad.v6() && self.v4.is_none() {
            return;
        }
        if self.os == Os::OpenBsd {
            if ad.counter == self.counter {
                return;
            }
        } else {
            self.counter = ad.counter;
            self.heard_any = true;
        }
        let (mine, his) = (self.interval(), ad.interval());
        // FreeBSD and NetBSD do not look at byte 4.
        let (own, other) = if self.os == Os::OpenBsd { (self.demotion, ad.demotion) } else { (0, 0) };
        match self.role {
            Role::Init => {}
            Role::Master if mine >= his && other <= own || other < own => {
                self.role = Role::Backup;
                self.next_ad = None;
                self.listen(now, None);
            }
            Role::Master => {}
            Role::Backup => {
                let times_out = micros(3 * u64::from(self.base), self.effective_skew().into()) < his
                    && (self.os != Os::OpenBsd || self.base > 0);
                if self.preempt && mine < his && other >= own || times_out || other > own {
                    self.become_master(now, out);
                } else {
                    self.listen(now, Some(ad.v6()));
                }
            }
        }
    }
}
