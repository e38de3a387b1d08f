//! What the hands do for a host whose engine is given up, or has died over the end.

use std::time::Duration;

use super::super::addresses;
use super::super::failure::words;
use super::super::farewell;
use super::super::report::About;
use super::super::request::Run;
use super::super::roster::{Entry, Standing};
use super::super::rules::Circumstances;
use super::super::supervise::Seen;
use super::Hands;
use crate::protocol::{Hook, Reason, Role, Shift, Time};

impl Hands {
    pub(super) fn bow_out(&mut self, host: u16) {
        let roster = self.rules.roster();
        let Some(entry) = roster.get(host) else { return };
        let interface = &entry.interface;
        let ahead = Duration::from_millis(self.ahead.get(usize::from(host)).copied().unwrap_or(0).into());
        if let Err(why) = farewell::bow_out(entry, roster.on(interface), ahead) {
            self.report.no_bow_out(interface, &why);
        }
    }

    /// Takes off the managed addresses of a host, because nobody else is going to ask for it.
    pub(super) fn withdraw(&mut self, host: u16) {
        let Some(entry) = self.rules.entry(host) else { return };
        let interface = entry.interface.clone();
        let shifted = addresses::shift(Shift::Withdraw, &interface, entry);
        if !shifted.failed.is_empty() {
            self.report.not_withdrawn(About::host(&entry.config, &interface), &shifted);
        }
    }

    /// Runs the down hook of a host, because nobody else is going to ask for it.
    pub(super) fn run_down(&mut self, host: u16, now: Time) {
        let Some(entry) = self.rules.roster().get(host).cloned() else { return };
        let Entry { config, interface, standing, .. } = entry;
        let run = Run {
            host,
            hook: Hook::Down,
            interface: interface.clone(),
            role: Role::Init,
            reason: match standing {
                Standing::Leaves(departure) => departure.reason(),
                Standing::Serves | Standing::Gone => Reason::Shutdown,
            },
            master: None,
        };
        let about = About::host(&config, &interface);
        let Self { rules, children, overheard, .. } = self;
        let circumstances = Circumstances {
            now,
            running: &|host| children.running(host),
            checking: &|_| true,
            exists: &|_| false,
        };
        let started = rules
            .last_resort(&run, circumstances)
            .map_err(|refusal| refusal.code().to_owned())
            .and_then(|order| {
                let path = order.script().display().to_string();
                children.start(&order, overheard).map(|()| path).map_err(|error| words(&error))
            });
        match started {
            Ok(path) => {
                self.report.hook_started(Hook::Down, &path, about, now);
                self.see(Seen::HookBegan(host, Hook::Down), now);
            }
            Err(why) => {
                self.report.hook_unstartable(Hook::Down, &why);
                self.see(Seen::HookOver(host), now);
            }
        }
    }
}
