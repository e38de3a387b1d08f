//! What is said of checks: what one found, and when that changes what is thought of it.

use std::time::Duration;

use super::{About, Report, repeats, seconds};
use crate::config::Check;
use crate::config::check::{Probe, Verdict};
use crate::daemon::outcome::{Found, Outcome};
use crate::i18n::tr;
use crate::ids;
use crate::log::{Facts, Level};
use crate::platform::{self, LinkState};
use crate::protocol::causes::Cause;
use crate::protocol::{Time, Vhid};

/// Lines of one kind about one check.
const PERIOD: Duration = Duration::from_secs(10);

impl Report {
    /// A run is over, and nothing follows.
    pub(crate) fn checked(&mut self, check: &Check, found: &Found) {
        let text = if found.is_well() {
            tr!("The check {check} was made, and all is well", check = check.name)
        } else {
            tr!("The check {check} was made, and failed: {why}", check = check.name, why = why(check, found))
        };
        self.say(Level::Debug, &text);
    }

    /// Another check is made in place of this one, or of none, or none any more.
    pub(crate) fn check_reloaded(&mut self, before: Option<&Check>, now: Option<&Check>) {
        let is_another = before.is_some_and(|before| now.is_some_and(|now| before.name == now.name));
        if let Some(Check { name, .. }) = before.filter(|_| !is_another) {
            self.tell(
                Level::Info,
                &tr!("The check {check} is made no more", check = name),
                ids::CHECK_CHANGED,
            );
        }
        let Some(Check { name, .. }) = now else { return };
        let text = if is_another {
            tr!(
                "The check {check} is another: nothing is thought of it until it has failed or passed",
                check = name
            )
        } else {
            tr!(
                "The check {check} begins: nothing is thought of it until it has failed or passed",
                check = name
            )
        };
        self.tell(Level::Info, &text, ids::CHECK_CHANGED);
    }

    /// This is thought of it from now on.
    pub(crate) fn judged(&mut self, check: &Check, verdict: Verdict, found: &Found, now: Time) {
        let (level, text, id) = match (verdict, found) {
            (Verdict::Failing, Found::NotRun { .. }) => (
                Level::Error,
                tr!(
                    "The check {check} cannot be made, and so it fails: {why}",
                    check = check.name,
                    why = why(check, found)
                ),
                ids::CHECK_NOT_MADE,
            ),
            (Verdict::Failing | Verdict::Unknown, _) => (
                Level::Warning,
                tr!("The check {check} fails: {why}", check = check.name, why = why(check, found)),
                ids::CHECK_FAILS,
            ),
            (Verdict::Passing, _) => {
                (Level::Info, tr!("The check {check} passes", check = check.name), ids::CHECK_PASSES)
            }
        };
        let subject = format!("check {}", check.name);
        let held_back = self.passes(About::new(&subject, Vhid::MIN), id, PERIOD, now);
        let facts = Facts { cause: Some(Cause::Check(check.name.clone()).to_string()), ..Facts::id(id) };
        match held_back {
            Some(held_back) => self.write(level, &(text + &repeats(held_back)), id, "", facts),
            None => self.hold_back(level, &text, id, facts),
        }
    }
}

/// How a program ended.
pub(super) fn ending(outcome: Outcome) -> String {
    match outcome {
        Outcome::Exited(status) => tr!("exit status {status}", status),
        Outcome::Signalled(signal) => {
            let signal = platform::signal_name(signal);
            tr!("it was ended by the signal {signal}", signal)
        }
        Outcome::Unknown => tr!("the system does not say how it ended").into_owned(),
    }
}

/// With what it said last.
pub(super) fn quoting(text: String, last_line: Option<&str>) -> String {
    match last_line {
        None => text,
        // TRANSLATORS: {text} is a clause, such as "exit status 1"; {line} is what the program itself said last.
        Some(line) => tr!("{text}; it said: {line}", text, line),
    }
}

/// Why what was found is not well.
fn why(check: &Check, found: &Found) -> String {
    match found {
        Found::Ended { outcome, last_line } => {
            let text = match (outcome, &check.probe) {
                (Outcome::Exited(1), Probe::File { path, .. }) => {
                    tr!("{path} is not there, or is no plain file", path = path.display())
                }
                (outcome, _) => ending(*outcome),
            };
            quoting(text, last_line.as_deref())
        }
        Found::NotRun { why } => why.clone(),
        Found::TimedOut => tr!("it takes longer than {time}", time = seconds(check.timeout)),
        Found::StillRuns => {
            tr!("a run that took too long has not ended yet, and nothing ends it").into_owned()
        }
        Found::Link(state) => {
            let interface = match &check.probe {
                Probe::Interface(interface) => interface.as_str(),
                Probe::Command { .. } | Probe::File { .. } | Probe::CarpDemotion => "-",
            };
            match state {
                LinkState::Up => tr!("{interface} is up", interface),
                LinkState::Down => tr!("{interface} has no link", interface),
                LinkState::Disabled => tr!("{interface} is set down", interface),
                LinkState::Gone => tr!("there is no interface {interface}", interface),
            }
        }
        Found::Demotion(sum) => tr!("the kernel's own sum of demotions is {sum}", sum),
    }
}
