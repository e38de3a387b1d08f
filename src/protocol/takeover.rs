//! Makes the world match the role: the operator's hooks, one at a time, the latest wish winning.
//!
//! While a hook runs only the latest wish is kept; one whose result is no longer wanted has five seconds left.
//! Nothing here waits: the election goes on beside a hook of any length (register, rows 17 and 20). A hook that was
//! not given counts as done at once.
//!
//! What ran is not what was done. A hook that we ended, that died, that could not be started, or that failed with an
//! address where it should not be, leaves the address in doubt: the hook of the role is owed, and run as soon as it may
//! be. So at rest the last hook that was done agrees with the role, or is owed.

use std::time::Duration;

use super::{Action, Hook, HookEnd, Hooks, Notice, Presence, Time};

/// What a hook nobody wants any more may still run.
const UNWANTED: Duration = Duration::from_secs(5);
/// Between asking a hook to end and making it end, and between that and giving it up.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Before a hook that did not do its work is run again: at first, and at most.
const PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// The machine.
#[derive(Debug)]
pub(super) struct Takeover {
    /// As configured; its scripts are those of the next takeover.
    hooks: Hooks,
    /// The scripts in force: those that brought the role in take it out.
    pair: Pair,
    wanted: Option<Hook>,
    /// Not before then: an up hook waits a moment in case the election is not over, one that failed a while.
    not_before: Time,
    running: Option<Running>,
    deed: Deed,
    last: Option<(Hook, HookEnd)>,
    /// It failed and nobody could say where the addresses are; it counts as done until somebody can.
    unproven: bool,
    /// It counts as done because an earlier life should have done it; where the addresses are tells.
    resumed: bool,
    pause: Duration,
    /// The daemon ends: what fails now is not tried again.
    last_chance: bool,
    /// No further hook is started: the daemon ends without giving the address back.
    closed: bool,
}

/// Scripts that belong together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Pair {
    up: bool,
    down: bool,
    scripts: u32,
}

impl Pair {
    fn of(Hooks { up, down, scripts, .. }: Hooks) -> Self {
        Self { up, down, scripts }
    }
}

/// What the hooks made of this host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Deed {
    /// No hook has run.
    Nothing,
    /// This one did its work.
    Done(Hook),
    /// One may have done some of its work.
    Doubtful,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    hook: Hook,
    since: Time,
    /// How long it may run, whatever others may from now on.
    timeout: Duration,
    /// When the next step against it is due.
    ends: Time,
    step: Step,
    /// It was asked to end because nobody wanted it.
    dismissed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Asked,
    Forced,
    GivenUp,
}

/// A hook begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Begun {
    Running(Hook),
    /// It was not given, so it has ended too.
    NotGiven(Hook),
}

/// How a hook ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ended {
    pub(super) hook: Hook,
    pub(super) success: bool,
    /// What it was to do is what is wanted, and nobody made it end for not being so.
    pub(super) counts: bool,
}

impl Takeover {
    pub(super) fn new(hooks: Hooks) -> Self {
        Self {
            hooks,
            pair: Pair::of(hooks),
            wanted: None,
            not_before: Time::ZERO,
            running: None,
            deed: Deed::Nothing,
            last: None,
            unproven: false,
            resumed: false,
            pause: PAUSE,
            last_chance: false,
            closed: false,
        }
    }

    /// The hooks are these from now on. A running one keeps its time, and a pair that has something to take out is in force
    /// until it has.
    pub(super) fn reconfigure(&mut self, hooks: Hooks) {
        self.hooks = hooks;
        self.renew_pair();
    }

    /// Puts the configured pair in force if the other has nothing left to do.
    fn renew_pair(&mut self) {
        let out = matches!(self.deed, Deed::Nothing | Deed::Done(Hook::Down));
        if out && self.wanted != Some(Hook::Up) && self.running.is_none() && !(self.unproven || self.resumed)
        {
            self.pair = Pair::of(self.hooks);
        }
    }

    /// Wants the down hook whatever ran before: at start, nobody knows what an earlier life left behind.
    pub(super) fn clean_up(&mut self, now: Time) {
        self.deed = Deed::Doubtful;
        self.wanted = Some(Hook::Down);
        self.not_before = now;
    }

    /// An earlier life did what was wanted, as far as anybody knows, or this hook is at it. Once it is known where the
    /// addresses are, that tells.
    pub(super) fn resume(&mut self, wanted: Hook, running: Option<Hook>, now: Time) {
        self.wanted = Some(wanted);
        (self.deed, self.resumed) = (Deed::Done(wanted), running.is_none());
        self.running = running.map(|hook| {
            let timeout = self.hooks.timeout;
            let ends = now + if hook == wanted { timeout } else { timeout.min(UNWANTED) };
            Running { hook, since: now, timeout, ends, step: Step::Asked, dismissed: false }
        });
        if running.is_some() {
            self.deed = Deed::Doubtful;
        }
    }

    /// What the world should be like from now on; `not_before` delays the start, not the wish.
    pub(super) fn want(&mut self, hook: Hook, not_before: Time, now: Time) {
        if hook == Hook::Down && self.running.is_none() && self.deed == Deed::Nothing {
            // Nothing was put up yet (`--neutral`), so there is nothing to take down.
            self.wanted = None;
            return;
        }
        self.wanted = Some(hook);
        self.not_before = not_before;
        self.pause = PAUSE;
        if let Some(running) = self.running.as_mut().filter(|running| running.step == Step::Asked) {
            running.ends = if running.hook == hook {
                running.since + running.timeout
            } else {
                running.ends.min(now + UNWANTED)
            };
        }
    }

    /// What the wanted hook did has been undone: it is to run once more.
    pub(super) fn again(&mut self, now: Time) {
        self.deed = Deed::Doubtful;
        self.not_before = self.not_before.max(now);
    }

    /// Starts what is wanted if nothing is in the way.
    pub(super) fn settle(&mut self, now: Time, out: &mut Vec<Action>) -> Option<Begun> {
        let hook = self.due().filter(|_| now >= self.not_before)?;
        let given = match hook {
            Hook::Up => {
                self.pair = Pair::of(self.hooks);
                self.pair.up
            }
            Hook::Down => self.pair.down,
        };
        if !given {
            self.deed = Deed::Done(hook);
            self.last = Some((hook, HookEnd::Succeeded));
            self.renew_pair();
            return Some(Begun::NotGiven(hook));
        }
        let timeout = self.hooks.timeout;
        let ends = now + timeout;
        self.running = Some(Running { hook, since: now, timeout, ends, step: Step::Asked, dismissed: false });
        (self.unproven, self.resumed) = (false, false);
        out.push(Action::Run(hook));
        Some(Begun::Running(hook))
    }

    /// A hook ended by itself, was ended, or could not be started; so many of the addresses are here now.
    pub(super) fn done(
        &mut self,
        hook: Hook,
        ended: HookEnd,
        addresses: Option<Presence>,
        now: Time,
        out: &mut Vec<Action>,
    ) -> Option<Ended> {
        let running = self.running.filter(|running| running.hook == hook)?;
        self.running = None;
        let ended = match (running.step, ended) {
            (Step::Asked, ended) => ended,
            // It may end with any status, and has not done all it wanted to.
            (Step::Forced | Step::GivenUp, _) => HookEnd::Killed,
        };
        let first = self.last.replace((hook, ended)).is_none();
        let misplaced = addresses.and_then(|addresses| belongs(hook, addresses)).map(|belongs| !belongs);
        match ended {
            HookEnd::Succeeded => self.deed = Deed::Done(hook),
            HookEnd::Failed if misplaced == Some(true) => self.deed = Deed::Doubtful,
            HookEnd::Failed => {
                self.deed = Deed::Done(hook);
                self.unproven = misplaced.is_none();
            }
            HookEnd::Killed => self.deed = Deed::Doubtful,
            // The other one did its work once, and that may have been undone while this one was wanted.
            HookEnd::NotRun if self.deed != Deed::Nothing => self.deed = Deed::Doubtful,
            HookEnd::NotRun => {}
        }
        self.renew_pair();
        let counts = self.wanted == Some(hook) && !running.dismissed;
        out.push(Action::Tell(match ended {
            HookEnd::Succeeded => Notice::HookSucceeded { hook, ran: now.since(running.since) },
            HookEnd::Failed | HookEnd::Killed | HookEnd::NotRun => {
                let in_doubt = counts && misplaced != Some(false);
                Notice::HookFailed { hook, ended, in_doubt, first }
            }
        }));
        if counts {
            self.put_off(hook, now, out);
        }
        Some(Ended { hook, success: ended == HookEnd::Succeeded, counts })
    }

    /// So many of the addresses are on the interface. Whether that proves that an earlier life had brought them.
    pub(super) fn seen(&mut self, addresses: Presence, now: Time, out: &mut Vec<Action>) -> bool {
        let Deed::Done(hook) = self.deed else { return false };
        let Some(belongs) = belongs(hook, addresses) else { return false };
        if std::mem::take(&mut self.resumed) {
            if !belongs {
                self.deed = Deed::Doubtful;
                self.not_before = now;
            }
            return belongs && hook == Hook::Up;
        }
        if self.running.is_none() && std::mem::take(&mut self.unproven) && !belongs {
            self.deed = Deed::Doubtful;
            if self.wanted == Some(hook) {
                self.put_off(hook, now, out);
            }
        }
        false
    }

    /// If `hook` has not done its work it is run again, but not at once.
    fn put_off(&mut self, hook: Hook, now: Time, out: &mut Vec<Action>) {
        if self.deed == Deed::Done(hook) {
            self.pause = PAUSE;
        } else if self.last_chance {
            self.closed = true;
        } else {
            out.push(Action::Tell(Notice::HookOwed { hook, again: self.pause }));
            self.not_before = now + self.pause;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Takes the next step against a hook whose time is over.
    pub(super) fn tick(&mut self, now: Time, out: &mut Vec<Action>) -> Option<Ended> {
        let wanted = self.wanted;
        let running = self.running.as_mut().filter(|running| running.ends <= now)?;
        let hook = running.hook;
        match running.step {
            Step::Asked => {
                out.push(Action::Tell(Notice::HookKilled { hook, ran: now.since(running.since) }));
                out.push(Action::KillHook { hook, force: false });
                running.step = Step::Forced;
                running.dismissed = wanted != Some(hook);
            }
            Step::Forced => {
                out.push(Action::KillHook { hook, force: true });
                running.step = Step::GivenUp;
            }
            // It sits in the kernel and cannot be ended; the address matters more than its exit status.
            Step::GivenUp => return self.done(hook, HookEnd::Killed, None, now, out),
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

    /// The daemon ends: what is owed is run now, and what fails is not tried again.
    pub(super) fn hurry(&mut self, now: Time) {
        self.last_chance = true;
        self.not_before = self.not_before.min(now);
    }

    pub(super) fn idle(&self) -> bool {
        self.running.is_none() && self.due().is_none()
    }

    pub(super) fn running(&self) -> Option<(Hook, Time)> {
        self.running.map(|running| (running.hook, running.since))
    }

    /// Until when the running up hook may run, last words included.
    pub(super) fn up_until(&self) -> Option<Time> {
        self.running.filter(|running| running.hook == Hook::Up).map(|running| running.ends + 2 * LAST_WORDS)
    }

    /// Which pair of scripts is in force.
    pub(super) fn scripts(&self) -> u32 {
        self.pair.scripts
    }

    pub(super) fn last(&self) -> Option<(Hook, HookEnd)> {
        self.last
    }

    /// The hook that has to run again, and when.
    pub(super) fn owed(&self) -> Option<(Hook, Time)> {
        let failed = |hook| self.last.is_some_and(|(last, end)| last == hook && end != HookEnd::Succeeded);
        self.due().filter(|hook| failed(*hook)).map(|hook| (hook, self.not_before))
    }

    /// The up hook is wanted and has done its work.
    pub(super) fn did_up(&self) -> bool {
        self.wanted == Some(Hook::Up) && self.running.is_none() && self.deed == Deed::Done(Hook::Up)
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.running.map_or_else(|| self.due().map(|_| self.not_before), |running| Some(running.ends))
    }

    /// The hook to start next, if none is running.
    fn due(&self) -> Option<Hook> {
        let wanted = self.wanted.filter(|_| self.running.is_none() && !self.closed)?;
        (self.deed != Deed::Done(wanted)).then_some(wanted)
    }
}

/// Whether this is what the hook is there for; nothing while it is not decided.
fn belongs(hook: Hook, addresses: Presence) -> Option<bool> {
    match (hook, addresses) {
        (Hook::Up, Presence::All) | (Hook::Down, Presence::None) => Some(true),
        (Hook::Up, Presence::Pending) => None,
        (Hook::Up, Presence::None | Presence::Some | Presence::Taken)
        | (Hook::Down, Presence::All | Presence::Some | Presence::Pending | Presence::Taken) => Some(false),
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
        assert!(takeover.done(hook, HookEnd::Succeeded, None, now, &mut Vec::new()).is_some());
    }

    /// Ends the running hook; whether it is owed then, and in how many seconds.
    fn ends(
        takeover: &mut Takeover,
        hook: Hook,
        ended: HookEnd,
        addresses: Option<Presence>,
        now: Time,
    ) -> Option<u64> {
        let mut out = Vec::new();
        assert!(takeover.done(hook, ended, addresses, now, &mut out).is_some());
        let owed = takeover.owed().map(|(owed, at)| {
            assert_eq!(owed, hook);
            at.since(now).as_secs()
        });
        let told = |action: &Action| matches!(action, Action::Tell(Notice::HookOwed { .. }));
        assert_eq!(out.iter().any(told), owed.is_some(), "{out:?}");
        owed
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
        assert!(takeover.idle() && takeover.did_up());
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
            [Action::Tell(Notice::HookFailed {
                hook: Hook::Up,
                ended: HookEnd::Killed,
                in_doubt: false,
                first: true
            })]
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
        assert_eq!(takeover.settle(MS(0), &mut Vec::new()), Some(Begun::NotGiven(Hook::Up)));
        assert!(takeover.did_up() && takeover.idle());
    }

    #[test]
    fn a_status_counts_only_where_the_address_is_wrong() {
        for (hook, addresses, again) in [
            (Hook::Up, Some(Presence::All), None),
            (Hook::Up, Some(Presence::Some), Some(5)),
            (Hook::Up, Some(Presence::None), Some(5)),
            (Hook::Up, Some(Presence::Taken), Some(5)),
            (Hook::Up, Some(Presence::Pending), None),
            (Hook::Down, Some(Presence::Taken), Some(5)),
            (Hook::Down, Some(Presence::Pending), Some(5)),
            (Hook::Up, None, None),
            (Hook::Down, Some(Presence::None), None),
            (Hook::Down, Some(Presence::Some), Some(5)),
            (Hook::Down, Some(Presence::All), Some(5)),
            (Hook::Down, None, None),
        ] {
            let mut takeover = takeover();
            takeover.clean_up(MS(0));
            takeover.want(hook, MS(0), MS(0));
            settle(&mut takeover, MS(0));
            assert_eq!(ends(&mut takeover, hook, HookEnd::Failed, addresses, MS(9)), again, "{hook:?}");
            // What could not be found out then, or was not decided, may be known later.
            let undecided = addresses.is_none() || (hook, addresses) == (Hook::Up, Some(Presence::Pending));
            let mut out = Vec::new();
            takeover.seen(Presence::Some, MS(10), &mut out);
            assert_eq!(!out.is_empty(), undecided, "{hook:?} {addresses:?}");
            assert_eq!(takeover.owed().is_some(), undecided || again.is_some());
        }
    }

    #[test]
    fn what_did_not_do_its_work_is_run_again_more_and_more_seldom() {
        let mut takeover = takeover();
        takeover.want(Hook::Up, MS(0), MS(0));
        let mut now = MS(0);
        for (ended, pause) in [HookEnd::NotRun, HookEnd::Killed, HookEnd::Failed]
            .into_iter()
            .cycle()
            .zip([5, 10, 20, 40, 80, 160, 320, 600, 600])
        {
            assert_eq!(settle(&mut takeover, now), [Action::Run(Hook::Up)]);
            assert_eq!(ends(&mut takeover, Hook::Up, ended, Some(Presence::None), now), Some(pause));
            assert!(!takeover.did_up());
            now = takeover.deadline().unwrap();
        }
        assert_eq!(settle(&mut takeover, now), [Action::Run(Hook::Up)]);
        assert_eq!(ends(&mut takeover, Hook::Up, HookEnd::Succeeded, Some(Presence::None), now), None);
        assert!(takeover.did_up() && takeover.idle());
    }

    #[test]
    fn what_was_done_before_a_hook_that_never_ran_is_in_doubt() {
        let mut takeover = takeover();
        takeover.clean_up(MS(0));
        settle(&mut takeover, MS(0));
        done(&mut takeover, Hook::Down, MS(1));
        takeover.want(Hook::Up, MS(2), MS(2));
        settle(&mut takeover, MS(2));
        ends(&mut takeover, Hook::Up, HookEnd::NotRun, None, MS(2));
        takeover.want(Hook::Down, MS(3), MS(3));
        assert_eq!(settle(&mut takeover, MS(3)), [Action::Run(Hook::Down)]);
        // With `--neutral` nothing had been done before.
        let mut neutral = Takeover::new(takeover.hooks);
        neutral.want(Hook::Up, MS(2), MS(2));
        settle(&mut neutral, MS(2));
        ends(&mut neutral, Hook::Up, HookEnd::NotRun, None, MS(2));
        neutral.want(Hook::Down, MS(3), MS(3));
        assert!(neutral.idle());
    }

    /// Wanted again only after it was asked to end: what it did is in doubt, whichever is wanted when it has ended.
    #[test]
    fn a_hook_that_was_ended_is_not_a_hook_that_was_done() {
        for (slow, other) in [(Hook::Up, Hook::Down), (Hook::Down, Hook::Up)] {
            for latest in [slow, other] {
                let mut takeover = takeover();
                takeover.clean_up(MS(0));
                takeover.want(slow, MS(0), MS(0));
                settle(&mut takeover, MS(0));
                takeover.want(other, MS(0), MS(0));
                assert_eq!(tick(&mut takeover, MS(5000)).len(), 2);
                takeover.want(latest, MS(5100), MS(5100));
                // It says that all is well, as a trap may.
                assert!(takeover.done(slow, HookEnd::Succeeded, None, MS(5200), &mut Vec::new()).is_some());
                assert_eq!(settle(&mut takeover, MS(5200)), [Action::Run(latest)]);
            }
        }
    }

    #[test]
    fn at_the_end_what_is_owed_is_run_at_once_and_once() {
        let mut takeover = takeover();
        takeover.clean_up(MS(0));
        settle(&mut takeover, MS(0));
        assert_eq!(ends(&mut takeover, Hook::Down, HookEnd::NotRun, None, MS(0)), Some(5));
        takeover.hurry(MS(100));
        assert_eq!(settle(&mut takeover, MS(100)), [Action::Run(Hook::Down)]);
        assert_eq!(ends(&mut takeover, Hook::Down, HookEnd::NotRun, None, MS(100)), None);
        assert!(takeover.idle());
    }

    #[test]
    fn a_report_about_a_hook_that_is_not_running_is_ignored() {
        let mut takeover = takeover();
        assert_eq!(takeover.done(Hook::Up, HookEnd::Succeeded, None, MS(0), &mut Vec::new()), None);
        assert_eq!(takeover.last(), None);
    }
}
