//! What the hands do so that the operator's programs are told of every change of state.

use std::os::fd::AsFd;
use std::time::Duration;

use super::super::children::{Told, What};
use super::super::clock::now;
use super::super::report::About;
use super::super::rules::Circumstances;
use super::Hands;
use crate::platform::{self, Signal, Signals};
use crate::protocol::Time;

/// What is left to programs once everything else is over.
const LAST: Duration = Duration::from_secs(5);

impl Hands {
    /// Goes on telling, and says what became of it.
    pub(super) fn look_at_heralds(&mut self, now: Time) {
        if self.supervisor.does_without_engine() {
            self.say_farewell(now);
        }
        let Self { children, overheard, report, .. } = self;
        for Told { what, ran } in children.heralds.look(overheard, report.log(), now) {
            let What { name, interface, vhid, role, timeout } = &what;
            let about = About { name: name.as_deref(), ..About::new(interface, *vhid) };
            match ran {
                Some((path, found)) => {
                    report.notified(about, (&path.display().to_string(), *role), (&found, *timeout));
                }
                None => report.not_notified(about, *role),
            }
        }
    }

    /// Nobody serves any more, and no engine says so.
    fn say_farewell(&mut self, now: Time) {
        let Self { rules, children, .. } = self;
        let circumstances = Circumstances {
            now,
            running: &|_| None,
            checking: &|_| false,
            exists: &|name| platform::interface_index(name).is_ok(),
        };
        for news in children.heralds.farewells() {
            if let Ok(bulletin) = rules.bulletin(&news, circumstances) {
                children.heralds.send(&bulletin);
            }
        }
    }

    /// Everything else is over: waits until the last change is told, but not for long, nor beyond another signal.
    pub(super) fn let_heralds_end(&mut self) {
        let until = now() + LAST;
        self.say_farewell(now());
        self.children.heralds.hurry(until, now());
        self.look_at_heralds(now());
        while !self.children.heralds.are_done() && until > now() {
            let asleep = now();
            let own = [self.children.heralds.deadline(), self.overheard.deadline()];
            let deadline = own.into_iter().flatten().chain([until]).min().unwrap_or(until);
            let signals = self.signals.iter().map(AsFd::as_fd);
            let own = self.children.heralds.reports().chain(self.overheard.descriptors(asleep));
            let fds: Vec<_> = signals.chain(own).collect();
            if platform::wait(&fds, &mut Vec::new(), Some(deadline.since(asleep))).is_err() {
                break;
            }
            let signals = self.signals.iter_mut().flat_map(Signals::read);
            let ends = [Signal::Terminate, Signal::Interrupt, Signal::Quit];
            if signals.into_iter().any(|signal| ends.contains(&signal)) {
                break;
            }
            if let Some(writer) = self.overheard.hear(self.report.log(), now()) {
                self.report.writer(writer);
            }
            self.look_at_heralds(now());
        }
        self.children.heralds.abandon();
    }
}
