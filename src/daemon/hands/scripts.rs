//! What the hands tell of the scripts that run.

use super::super::children::Happened;
use super::super::request::Fact;
use super::super::supervise::Seen;
use super::Hands;
use crate::platform;
use crate::protocol::Time;

impl Hands {
    /// Tells what became of them, and what checks found.
    pub(super) fn look_at_children(&mut self, now: Time) {
        self.tell_checks(now);
        for happened in self.children.look(&mut self.overheard, self.report.log()) {
            match happened {
                Happened::Running { host, hook, path } => {
                    self.tell(&Fact::HookRunning { host, hook, path });
                }
                Happened::NotRun { host, hook, why } => {
                    if self.engine.is_none() {
                        self.report.hook_unstartable(hook, &why);
                    }
                    self.tell(&Fact::HookNotRun { host, hook, why });
                    self.see(Seen::HookOver(host), now);
                }
                Happened::Ended { host, hook, path, outcome, last_line } => {
                    // What the script did counts more than that it ended.
                    if platform::QUESTIONS_NEED_RIGHTS {
                        let interface = self.rules.roster().get(host).map(|entry| entry.interface.clone());
                        interface.into_iter().for_each(|interface| self.tell_survey(interface));
                    }
                    self.tell(&Fact::HookEnded { host, hook, path, outcome, last_line });
                    self.see(Seen::HookOver(host), now);
                }
            }
        }
    }
}
