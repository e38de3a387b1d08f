//! The configuration changed: what the engine does about it, without anybody noticing who is not meant.

use std::collections::BTreeSet;

use super::clock::wall;
use super::fleet::Fleet;
use super::host::{Fact, Served};
use super::interface::{look, look_now};
use super::reopening::Reopening;
use super::report::Report;
use super::request::Request;
use super::start::parameters;
use super::survey::{self, Surveyor};
use crate::config::{VirtualAddress, VirtualHostConfig};
use crate::platform::Changes;
use crate::protocol::{Departure, Event, Time, VirtualHost};

/// This is how a host is to be served from now on. The link on which [`settle`] has something to do then.
pub(super) fn serve(
    fleet: &mut Fleet,
    number: u16,
    interface: &str,
    config: VirtualHostConfig,
    report: &mut Report,
    now: Time,
) -> Option<usize> {
    let host = usize::from(number);
    match fleet.hosts().get(host) {
        Some(one) if !one.gone => {
            let link = fleet.link_of(host);
            fleet.link_mut(link).change(&config, host);
            let parameters = parameters(&config);
            let before = std::mem::replace(&mut fleet.host(host).0.config, config);
            fleet.tell(host, Fact::Reconfigured(&parameters), report, now);
            fleet.regroup(host, report, now);
            if has_other_prefixes(&before, &fleet.host(host).0.config) {
                fleet.tell(host, Event::OtherPrefixes, report, now);
            }
        }
        one => {
            let is_new = one.is_none();
            let core = VirtualHost::new(parameters(&config));
            let one = Served::new(config, core);
            // The hands give the lowest number there is.
            if is_new && host == fleet.hosts().len() {
                fleet.add(interface, one);
            } else if is_new {
                return None;
            } else {
                fleet.replace(host, interface, one);
            }
            for event in wall().map(Event::Wall).into_iter().chain([Event::Start]) {
                fleet.tell(host, event, report, now);
            }
        }
    }
    Some(fleet.link_of(host))
}

/// Whether an address that both share has another prefix length.
fn has_other_prefixes(before: &VirtualHostConfig, after: &VirtualHostConfig) -> bool {
    let same = |one: &VirtualAddress, other: &VirtualAddress| one.address == other.address;
    after.addresses.iter().any(|shared| {
        before.addresses.iter().any(|known| same(known, shared) && known.length() != shared.length())
    })
}

/// A host is to give back what it has.
pub(super) fn leave(fleet: &mut Fleet, number: u16, departure: Departure, report: &mut Report, now: Time) {
    let host = usize::from(number);
    if fleet.hosts().get(host).is_some_and(|one| !one.gone && !one.core().leaves()) {
        fleet.depart(host);
        fleet.tell(host, Event::Leave(departure), report, now);
    }
}

/// Lets those go that have given everything back.
pub(super) fn see_off(fleet: &mut Fleet, report: &mut Report, now: Time) {
    let mut changed = BTreeSet::new();
    for host in fleet.departed() {
        fleet.let_go(host, report, now);
        fleet.ask(Request::Left { host: u16::try_from(host).unwrap_or(u16::MAX) });
        changed.insert(fleet.link_of(host));
    }
    settle(fleet, changed, report, now);
}

/// Has these links follow what their hosts want now.
pub(super) fn settle(fleet: &mut Fleet, links: BTreeSet<usize>, report: &mut Report, now: Time) {
    let mut surveyor = Surveyor::default();
    for link in links {
        let it = fleet.link_mut(link);
        if it.is_idle() {
            (it.devices, it.retry, it.looks_around_until) = (None, None, None);
            it.reopening = Reopening::default();
            fleet.note(link, now);
            continue;
        }
        it.widens = true;
        let all = Changes { links: true, addresses: true };
        if survey::is_told() {
            look(fleet, link, all, &mut surveyor, report, now);
        }
        look_now(fleet, link, all, &mut surveyor, report, now);
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::tests::host;
    use super::*;
    use crate::daemon::SERVICES;
    use crate::log::Log;
    use crate::protocol::{Hook, HookEnd, Link, Reason, Role, Shift};

    struct Bench {
        fleet: Fleet,
        report: Report,
    }

    fn at(ms: u64) -> Time {
        Time::from_micros(ms * 1000)
    }

    impl Bench {
        fn new() -> Self {
            Self { fleet: Fleet::new(), report: Report::new(Log::none(SERVICES)) }
        }

        fn serve(&mut self, number: u16, id: &str, interface: &str, more: &[&str]) -> Option<usize> {
            let mut config = host(id, more).0;
            config.down = Some("/hooks/down".into());
            serve(&mut self.fleet, number, interface, config, &mut self.report, at(0))
        }

        fn tell(&mut self, number: usize, event: Event, ms: u64) {
            self.fleet.tell(number, event, &mut self.report, at(ms));
        }

        /// It becomes master, and its up hook has run.
        fn reign(&mut self, number: usize) {
            self.tell(
                number,
                Event::HookDone { hook: Hook::Down, ended: HookEnd::Succeeded, addresses: None },
                0,
            );
            self.tell(number, Event::Link(Link::Up), 0);
            for ms in [5_000, 5_020] {
                self.tell(number, Event::Tick, ms);
            }
            let done = Event::HookDone { hook: Hook::Up, ended: HookEnd::Succeeded, addresses: None };
            self.tell(number, done, 5_100);
            assert_eq!(self.fleet.hosts()[number].core().role(), Role::Master);
            self.fleet.take_errands();
        }

        fn see_off(&mut self, ms: u64) -> Vec<Request> {
            see_off(&mut self.fleet, &mut self.report, at(ms));
            self.fleet.take_errands()
        }
    }

    #[test]
    fn who_is_new_begins_and_who_is_known_goes_on() {
        let mut bench = Bench::new();
        assert_eq!(bench.serve(0, "7", "eth7", &[]), Some(0));
        assert_eq!(bench.serve(1, "8", "eth8", &[]), Some(1));
        assert_eq!(bench.serve(9, "9", "eth8", &[]), None, "a number that nobody can have yet");
        bench.reign(0);
        assert_eq!(bench.serve(0, "7", "eth7", &["-k", "9", "--peer=10.0.0.2"]), Some(0));
        let one = &bench.fleet.hosts()[0];
        assert_eq!((one.core().role(), one.core().parameters().interval.skew), (Role::Master, 9));
        assert!(one.core().parameters().destination.is_unicast(crate::protocol::Family::V4));
        assert!(!bench.fleet.take_errands().iter().any(|errand| matches!(errand, Request::Run(_))));
    }

    #[test]
    fn other_prefix_lengths_are_put_on_at_once() {
        let mut bench = Bench::new();
        let shifts = |bench: &mut Bench, address: &str| {
            let managed = ["-p", "secret", "-a", address, "--manage-address"];
            assert_eq!(bench.serve(0, "7", "eth7", &managed), Some(0));
            let mut asked = bench.fleet.take_errands();
            asked.retain(|errand| !matches!(errand, Request::Notify(_)));
            assert!(asked.iter().all(|errand| matches!(errand, Request::Shift { .. })), "{asked:?}");
            let done = Event::Shifted { shift: Shift::Withdraw, changed: false, ok: true, addresses: None };
            bench.tell(0, done, 1);
            bench.fleet.take_errands();
            asked.len()
        };
        assert_eq!(shifts(&mut bench, "10.0.0.9/24"), 1, "at the start");
        assert_eq!(shifts(&mut bench, "10.0.0.9/24"), 0);
        assert_eq!(shifts(&mut bench, "10.0.0.9/25"), 1);
        assert_eq!(shifts(&mut bench, "10.0.0.9/32"), 1);
        assert_eq!(shifts(&mut bench, "10.0.0.9"), 0, "the same in other words");
    }

    #[test]
    fn who_leaves_gives_back_what_he_has_and_then_his_number() {
        let mut bench = Bench::new();
        bench.serve(0, "7", "eth7", &[]);
        bench.serve(1, "8", "eth7", &[]);
        bench.reign(0);
        leave(&mut bench.fleet, 0, Departure::Moved, &mut bench.report, at(6_000));
        // Whatever is said twice is said once.
        leave(&mut bench.fleet, 0, Departure::Removed, &mut bench.report, at(6_001));
        leave(&mut bench.fleet, 77, Departure::Moved, &mut bench.report, at(6_001));
        let errands = bench.see_off(6_002);
        assert!(
            matches!(errands.as_slice(), [Request::Notify(news), Request::Run(run)]
                if run.host == 0 && run.hook == Hook::Down && run.reason == Reason::Moved
                    && (news.role, news.reason) == (Role::Init, Reason::Moved)),
            "{errands:?}"
        );
        // The one that takes its place on the wire has another number.
        assert_eq!(bench.serve(2, "7", "eth7", &[]), Some(0));
        let done = Event::HookDone { hook: Hook::Down, ended: HookEnd::Succeeded, addresses: None };
        bench.tell(0, done, 6_100);
        for ms in [6_200, 6_300] {
            bench.tell(0, Event::Tick, ms);
        }
        let errands = bench.see_off(6_400);
        assert!(errands.contains(&Request::Left { host: 0 }), "{errands:?}");
        assert_eq!((bench.fleet.there(), bench.fleet.on(0)), (vec![1, 2], vec![2, 1]));
        assert_eq!(bench.fleet.hosts()[0].core().role(), Role::Init);
        // And now that is free.
        assert_eq!(bench.serve(0, "9", "eth9", &[]), Some(1));
        assert_eq!((bench.fleet.there(), bench.fleet.link_of(0)), (vec![0, 1, 2], 1));
        bench.reign(0);
    }
}
