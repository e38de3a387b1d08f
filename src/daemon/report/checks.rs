//! What is said of checks: what one found, and when that changes what is thought of it.

use std::time::Duration;

use super::{About, Report, repeats, seconds};
use crate::config::Check;
use crate::config::check::{Probe, Verdict};
use crate::daemon::outcome::{Found, Outcome};
use crate::i18n::{fill, tr};
use crate::log::{Facts, Level};
use crate::platform::{self, LinkState};
use crate::protocol::causes::Cause;
use crate::protocol::{Time, Vhid};

/// Lines of one kind about one check.
const PERIOD: Duration = Duration::from_secs(10);

impl Report {
    /// A run is over, and nothing follows.
    pub(crate) fn checked(&mut self, check: &Check, found: &Found) {
        let template = if found.is_well() {
            tr("The check {check} was made, and all is well")
        } else {
            tr("The check {check} was made, and failed: {why}")
        };
        let text = fill(&template, &[("check", &check.name), ("why", &why(check, found))]);
        self.say(Level::Debug, &text);
    }

    /// Another check is made in place of this one, or of none, or none any more.
    pub(crate) fn check_reloaded(&mut self, before: Option<&Check>, now: Option<&Check>) {
        let mut tell = |template: &str, check: &Check| {
            self.tell(Level::Info, &fill(template, &[("check", &check.name)]), "UC1054");
        };
        match (before, now) {
            (Some(before), Some(now)) if before.name == now.name => tell(
                &tr("The check {check} is another: nothing is thought of it until it has failed or passed"),
                now,
            ),
            (before, now) => {
                before.into_iter().for_each(|check| tell(&tr("The check {check} is made no more"), check));
                let begins =
                    tr("The check {check} begins: nothing is thought of it until it has failed or passed");
                now.into_iter().for_each(|check| tell(&begins, check));
            }
        }
    }

    /// This is thought of it from now on.
    pub(crate) fn judged(&mut self, check: &Check, verdict: Verdict, found: &Found, now: Time) {
        let (level, template, id) = match (verdict, found) {
            (Verdict::Failing, Found::NotRun { .. }) => {
                (Level::Error, tr("The check {check} cannot be made, and so it fails: {why}"), "UC1053")
            }
            (Verdict::Failing | Verdict::Unknown, _) => {
                (Level::Warning, tr("The check {check} fails: {why}"), "UC1051")
            }
            (Verdict::Passing, _) => (Level::Info, tr("The check {check} passes"), "UC1052"),
        };
        let subject = format!("check {}", check.name);
        let held_back = self.passes(About::new(&subject, Vhid::MIN), id, PERIOD, now);
        let text = fill(&template, &[("check", &check.name), ("why", &why(check, found))]);
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
        Outcome::Exited(status) => fill(&tr("exit status {status}"), &[("status", &status)]),
        Outcome::Signalled(signal) => {
            let signal = platform::signal_name(signal);
            fill(&tr("it was ended by the signal {signal}"), &[("signal", &signal)])
        }
        Outcome::Unknown => tr("the system does not say how it ended").into_owned(),
    }
}

/// With what it said last.
pub(super) fn quoting(text: String, last_line: Option<&str>) -> String {
    match last_line {
        None => text,
        Some(line) => fill(&tr("{text}; it said: {line}"), &[("text", &text), ("line", &line)]),
    }
}

/// Why what was found is not well.
fn why(check: &Check, found: &Found) -> String {
    match found {
        Found::Ended { outcome, last_line } => {
            let text = match (outcome, &check.probe) {
                (Outcome::Exited(1), Probe::File { path, .. }) => {
                    fill(&tr("{path} is not there, or is no plain file"), &[("path", &path.display())])
                }
                (outcome, _) => ending(*outcome),
            };
            quoting(text, last_line.as_deref())
        }
        Found::NotRun { why } => why.clone(),
        Found::TimedOut => fill(&tr("it takes longer than {time}"), &[("time", &seconds(check.timeout))]),
        Found::StillRuns => {
            tr("a run that took too long has not ended yet, and nothing ends it").into_owned()
        }
        Found::Link(state) => {
            let template = match state {
                LinkState::Up => tr("{interface} is up"),
                LinkState::Down => tr("{interface} has no link"),
                LinkState::Disabled => tr("{interface} is set down"),
                LinkState::Gone => tr("there is no interface {interface}"),
            };
            let interface = match &check.probe {
                Probe::Interface(interface) => interface.as_str(),
                Probe::Command { .. } | Probe::File { .. } | Probe::CarpDemotion => "-",
            };
            fill(&template, &[("interface", &interface)])
        }
        Found::Demotion(sum) => fill(&tr("the kernel's own sum of demotions is {sum}"), &[("sum", sum)]),
    }
}
