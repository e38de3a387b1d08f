//! That the engine works, told to the hands again and again, and at once where a role changes.

use std::time::Duration;

use super::report::MOST_NAMED;
use super::request::{Beat, Others, Request};
use crate::protocol::{Role, Time, VirtualHost};

/// By how much it has to be later among our hosts than our own time of day says, for that to be worth telling.
const AHEAD: Duration = Duration::from_millis(500);
/// Of how many hosts it is told at most: a message has an end.
const MOST_AHEAD: usize = 1000;

pub(super) struct Pulse {
    every: Duration,
    last: Option<Time>,
}

impl Pulse {
    /// Of an engine that may be silent for so long.
    pub(super) fn new(silence: Duration) -> Self {
        Self { every: silence / 2, last: None }
    }

    /// The engine may be silent for so long from now on.
    pub(super) fn may_be_silent(&mut self, silence: Duration) {
        self.every = silence / 2;
    }

    /// When the hands are to be told, if nothing else wakes the engine.
    pub(super) fn due(&self) -> Time {
        self.last.map_or(Time::ZERO, |last| last + self.every)
    }

    /// What to tell them now, if anything; whether a role `changed`. Whoever is awake anyway had better say it early. Most
    /// turns have nothing to tell, and look at no host.
    pub(super) fn beat<'a>(
        &mut self,
        hosts: impl Iterator<Item = &'a VirtualHost>,
        changed: bool,
        now: Time,
    ) -> Option<Request> {
        let is_due = self.last.is_none_or(|last| now.since(last) >= self.every / 2);
        if !is_due && !changed {
            return None;
        }
        self.last = Some(now);
        let hosts: Vec<&VirtualHost> = hosts.collect();
        let roles = hosts.iter().map(|host| host.role()).collect();
        let ahead = hosts.iter().zip(0..=u16::MAX).filter_map(|(host, number)| {
            let by = host.ahead_of_wall(now);
            (by >= AHEAD).then(|| (number, u32::try_from(by.as_millis()).unwrap_or(u32::MAX)))
        });
        let named = hosts.iter().zip(0..=u16::MAX).take(MOST_NAMED);
        let others = named.filter_map(|(host, number)| Some((number, others(host, now)?))).collect();
        let is_alone = |host: &&&VirtualHost| host.role() == Role::Master && !host.has_ready_standby();
        let alone = u16::try_from(hosts.iter().filter(is_alone).count()).unwrap_or(u16::MAX);
        Some(Request::Heartbeat(Beat { roles, ahead: ahead.take(MOST_AHEAD).collect(), others, alone }))
    }
}

/// Whom it knows of.
fn others(host: &VirtualHost, now: Time) -> Option<Others> {
    let known = host.snapshot(now);
    match known.standbys.as_slice() {
        [] => known.followed.map(|master| Others::Master(master.source)),
        [one] => Some(Others::Standby { address: one.address, ready: one.ready }),
        several => {
            let count = |count: usize| u8::try_from(count).unwrap_or(u8::MAX);
            let ready = several.iter().filter(|standby| standby.ready).count();
            Some(Others::Standbys { count: count(several.len()), ready: count(ready) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::tests::host;
    use super::super::start::parameters;
    use super::*;
    use crate::protocol::{Event, Link};

    fn ms(ms: u64) -> Time {
        Time::from_micros(ms * 1000)
    }

    fn core() -> VirtualHost {
        VirtualHost::new(parameters(&host("42", &[]).0))
    }

    #[test]
    fn it_beats_twice_as_often_as_it_must_and_early_where_somebody_is_awake() {
        let (hosts, mut pulse) = ([core(), core()], Pulse::new(Duration::from_secs(2)));
        assert_eq!(pulse.due(), ms(0));
        let beat = Request::Heartbeat(Beat { roles: vec![Role::Init; 2], ..Beat::default() });
        for (at, beats) in
            [(100, true), (101, false), (599, false), (600, true), (1_099, false), (5_000, true)]
        {
            assert_eq!(pulse.beat(hosts.iter(), false, ms(at)), beats.then(|| beat.clone()), "{at}");
        }
        assert_eq!(pulse.due(), ms(6_000));
    }

    #[test]
    fn masters_without_a_standby_are_counted() {
        let (mut hosts, mut pulse) = ([core(), core(), core()], Pulse::new(Duration::from_secs(2)));
        for host in hosts.iter_mut().skip(1) {
            for event in [Event::Start, Event::Link(Link::Up)] {
                host.handle(event, ms(0));
            }
            host.handle(Event::Tick, host.next_deadline().unwrap());
        }
        let Some(Request::Heartbeat(beat)) = pulse.beat(hosts.iter(), true, ms(60_000)) else { panic!() };
        assert_eq!(beat.roles, [Role::Init, Role::Master, Role::Master]);
        assert_eq!((beat.alone, beat.others), (2, Vec::new()));
    }

    #[test]
    fn a_change_of_role_is_told_at_once() {
        let (mut hosts, mut pulse) = ([core(), core()], Pulse::new(Duration::from_secs(2)));
        assert!(pulse.beat(hosts.iter(), false, ms(0)).is_some());
        hosts[1].handle(Event::Start, ms(1));
        assert_eq!(pulse.beat(hosts.iter(), false, ms(1)), None);
        hosts[1].handle(Event::Link(Link::Up), ms(2));
        let roles = vec![Role::Init, Role::Backup];
        assert_eq!(
            pulse.beat(hosts.iter(), true, ms(2)),
            Some(Request::Heartbeat(Beat { roles, ..Beat::default() }))
        );
    }
}
