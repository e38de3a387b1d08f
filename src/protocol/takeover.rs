//! Makes the world match the role: the operator's hooks, one at a time, the latest wish winning.
//!
//! While a hook runs only the latest wish is kept; one whose result is no longer wanted has five seconds left.
//! Up and down strictly alternate. Nothing here waits: the election goes on beside a hook of any length
//! (register, rows 17 and 20). A hook that was not given counts as done at once.

use std::time::Duration;

use super::{Action, Hook, Hooks, Notice, Time};

/// What a hook nobody wants any more may still run.
const UNWANTED: Duration = Duration::from_secs(5);
/// Between asking a hook to end and making it end, and between that and giving it up.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The machine.
#[derive(Debug)]
pub(super) struct Takeover {
    hooks: Hooks,
    wanted: Option<Hook>,
    /// Not before then: an up hook waits a moment in case the election is not over.
    not_before: Time,
    running: Option<Running>,
    last: Option<(Hook, bool)>,
    /// No further hook is started: the daemon ends without giving the address back.
    closed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    hook: Hook,
    since: Time,
    /// When the next step against it is due.
    ends: Time,
    step: Step,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Asked,
    Forced,
    GivenUp,
}

/// How a hook ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ended {
    pub(super) hook: Hook,
    pub(super) success: bool,
    /// What it did is what is wanted.
    pub(super) wanted: bool,
}

impl Takeover {
    pub(super) fn new(hooks: Hooks) -> Self {
        Self { hooks, wanted: None, not_before: Time::ZERO, running: None, last: None, closed: false }
    }

    /// Wants the down hook whatever ran before: at start, nobody knows what an earlier life left behind.
    pub(super) fn clean_up(&mut self, now: Time) {
        self.wanted = Some(Hook::Down);
        self.not_before = now;
    }

    /// What the world should be like from now on; `not_before` delays the start, not the wish.
    pub(super) fn want(&mut self, hook: Hook, not_before: Time, now: Time) {
        if hook == Hook::Down && self.running.is_none() && self.last.is_none() {
            // Nothing was put up yet (`--neutral`), so there is nothing to take down.
            self.wanted = None;
            return;
        }
        self.wanted = Some(hook);
        self.not_before = not_before;
        if let Some(running) = self.running.as_mut().filter(|running| running.step == Step::Asked) {
            running.ends = if running.hook == hook {
                running.since + self.hooks.timeout
            } else {
                running.ends.min(now + UNWANTED)
            };
        }
    }

    /// Starts what is wanted if nothing is in the way. A hook that was not given ends at once.
    pub(super) fn settle(&mut self, now: Time, out: &mut Vec<Action>) -> Option<Ended> {
        let hook = self.due().filter(|_| now >= self.not_before)?;
        let given = match hook {
            Hook::Up => self.hooks.up,
            Hook::Down => self.hooks.down,
        };
        if !given {
            self.last = Some((hook, true));
            return Some(Ended { hook, success: true, wanted: true });
        }
        self.running = Some(Running { hook, since: now, ends: now + self.hooks.timeout, step: Step::Asked });
        out.push(Action::Run(hook));
        None
    }

    /// A hook ended by itself, was ended, or could not be started.
    pub(super) fn done(
        &mut self,
        hook: Hook,
        success: bool,
        now: Time,
        out: &mut Vec<Action>,
    ) -> Option<Ended> {
        let running = self.running.filter(|running| running.hook == hook)?;
        self.running = None;
        self.last = Some((hook, success));
        let wanted = self.wanted == Some(hook);
        out.push(Action::Tell(if success {
            Notice::HookSucceeded { hook, ran: now.since(running.since) }
        } else {
            Notice::HookFailed { hook, wanted }
        }));
        Some(Ended { hook, success, wanted })
    }

    /// Takes the next step against a hook whose time is over.
    pub(super) fn tick(&mut self, now: Time, out: &mut Vec<Action>) -> Option<Ended> {
        let running = self.running.as_mut().filter(|running| running.ends <= now)?;
        let hook = running.hook;
        match running.step {
            Step::Asked => {
                out.push(Action::Tell(Notice::HookKilled { hook, ran: now.since(running.since) }));
                out.push(Action::KillHook { hook, force: false });
                running.step = Step::Forced;
            }
            Step::Forced => {
                out.push(Action::KillHook { hook, force: true });
                running.step = Step::GivenUp;
            }
            // It sits in the kernel and cannot be ended; the address matters more than its exit status.
            Step::GivenUp => return self.done(hook, false, now, out),
        }
        running.ends = now + LAST_WORDS;
        None
    }

    /// Ends the running hook at once and starts no other.
    pub(super) fn abandon(&mut self, out: &mut Vec<Action>) {
        self.closed = true;
        if let Some(running) = self.running.take() {
            out.push(Action::Tell(Notice::Abandoned { hook: running.hook }));
            out.push(Action::KillHook { hook: running.hook, force: true });
        }
    }

    /// Starts no other hook and leaves a running one alone.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.running = None;
    }

    pub(super) fn idle(&self) -> bool {
        self.running.is_none() && self.due().is_none()
    }

    pub(super) fn running(&self) -> Option<(Hook, Time)> {
        self.running.map(|running| (running.hook, running.since))
    }

    pub(super) fn last(&self) -> Option<(Hook, bool)> {
        self.last
    }

    /// The last hook that ended is the up hook, and it is still wanted.
    pub(super) fn is_up(&self) -> bool {
        self.wanted == Some(Hook::Up)
            && self.running.is_none()
            && self.last.is_some_and(|(hook, _)| hook == Hook::Up)
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.running.map_or_else(|| self.due().map(|_| self.not_before), |running| Some(running.ends))
    }

    /// The hook to start next, if none is running.
    fn due(&self) -> Option<Hook> {
        let wanted = self.wanted.filter(|_| self.running.is_none() && !self.closed)?;
        let already = self.last.is_some_and(|(hook, _)| hook == wanted);
        (!already).then_some(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Time = |ms| Time::from_micros(ms * 1000);

    fn takeover() -> Takeover {
        Takeover::new(Hooks { up: true, down: true, timeout: Duration::from_secs(60), ..Hooks::default() })
    }

    fn settle(takeover: &mut Takeover, now: Time) -> Vec<Action> {
        let mut out = Vec::new();
        takeover.settle(now, &mut out);
        out
    }

    fn tick(takeover: &mut Takeover, now: Time) -> Vec<Action> {
        let mut out = Vec::new();
        takeover.tick(now, &mut out);
        out
    }

    fn done(takeover: &mut Takeover, hook: Hook, now: Time) {
        assert!(takeover.done(hook, true, now, &mut Vec::new()).is_some());
    }

    #[test]
    fn one_at_a_time_and_the_latest_wish_wins() {
        let mut takeover = takeover();
        takeover.want(Hook::Up, MS(0), MS(0));
        assert_eq!(settle(&mut takeover, MS(0)), [Action::Run(Hook::Up)]);
        takeover.want(Hook::Down, MS(1), MS(1));
        takeover.want(Hook::Up, MS(2), MS(2));
        assert_eq!(settle(&mut takeover, MS(2)), []);
        done(&mut takeover, Hook::Up, MS(3));
        assert_eq!(settle(&mut takeover, MS(3)), []);
        assert!(takeover.idle() && takeover.is_up());
    }

    #[test]
    fn a_wish_taken_back_in_time_runs_nothing() {
        let mut takeover = takeover();
        takeover.clean_up(MS(0));
        assert_eq!(settle(&mut takeover, MS(0)), [Action::Run(Hook::Down)]);
        done(&mut takeover, Hook::Down, MS(1));
        takeover.want(Hook::Up, MS(12), MS(2));
        assert_eq!(settle(&mut takeover, MS(2)), []);
        assert_eq!(takeover.deadline(), Some(MS(12)));
        takeover.want(Hook::Down, MS(5), MS(5));
        assert_eq!(settle(&mut takeover, MS(20)), []);
        assert_eq!(takeover.deadline(), None);
    }

    #[test]
    fn nothing_put_up_is_nothing_to_take_down() {
        let mut takeover = takeover();
        takeover.want(Hook::Up, MS(10), MS(0));
        takeover.want(Hook::Down, MS(5), MS(5));
        assert_eq!(settle(&mut takeover, MS(20)), []);
        assert!(takeover.idle());
    }

    #[test]
    fn an_unwanted_hook_has_five_seconds() {
        let mut takeover = takeover();
        takeover.want(Hook::Up, MS(0), MS(0));
        settle(&mut takeover, MS(0));
        takeover.want(Hook::Down, MS(1000), MS(1000));
        assert_eq!(takeover.deadline(), Some(MS(6000)));
        assert_eq!(tick(&mut takeover, MS(5999)), []);
        let ran = Duration::from_secs(6);
        assert_eq!(
            tick(&mut takeover, MS(6000)),
            [
                Action::Tell(Notice::HookKilled { hook: Hook::Up, ran }),
                Action::KillHook { hook: Hook::Up, force: false }
            ]
        );
        assert_eq!(tick(&mut takeover, MS(7000)), [Action::KillHook { hook: Hook::Up, force: true }]);
        assert_eq!(settle(&mut takeover, MS(7500)), []);
        assert_eq!(
            tick(&mut takeover, MS(8000)),
            [Action::Tell(Notice::HookFailed { hook: Hook::Up, wanted: false })]
        );
        assert_eq!(settle(&mut takeover, MS(8000)), [Action::Run(Hook::Down)]);
    }

    #[test]
    fn wanted_again_it_gets_its_time_back() {
        let mut takeover = takeover();
        takeover.want(Hook::Up, MS(0), MS(0));
        settle(&mut takeover, MS(0));
        takeover.want(Hook::Down, MS(1000), MS(1000));
        takeover.want(Hook::Up, MS(2000), MS(2000));
        assert_eq!(takeover.deadline(), Some(MS(60_000)));
    }

    #[test]
    fn hooks_that_were_not_given_are_done_at_once() {
        let mut takeover = Takeover::new(Hooks::default());
        takeover.want(Hook::Up, MS(0), MS(0));
        let ended = takeover.settle(MS(0), &mut Vec::new());
        assert_eq!(ended, Some(Ended { hook: Hook::Up, success: true, wanted: true }));
        assert!(takeover.is_up() && takeover.idle());
    }

    #[test]
    fn a_report_about_a_hook_that_is_not_running_is_ignored() {
        let mut takeover = takeover();
        assert_eq!(takeover.done(Hook::Up, true, MS(0), &mut Vec::new()), None);
        assert_eq!(takeover.last(), None);
    }
}
