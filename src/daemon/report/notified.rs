//! What is said of the programs that are told of changes of state.

use std::time::Duration;

use super::checks::{ending, quoting};
use super::{About, Report, seconds};
use crate::daemon::outcome::Found;
use crate::i18n::tr;
use crate::ids;
use crate::log::Level;
use crate::protocol::Role;

impl Report {
    /// Somebody was told that a host is in this state, and it became so of that; he had `timeout`.
    pub(crate) fn notified(
        &mut self,
        about: About<'_>,
        (path, role): (&str, Role),
        (found, timeout): (&Found, Duration),
    ) {
        let state = role.code();
        let text = match found {
            found if found.is_well() => {
                let text = tr!("{path} was told of the state {state}, and did its work", path, state);
                return self.say(Level::Debug, &(about.opening() + &text));
            }
            Found::NotRun { why } => {
                tr!(
                    "A program of notify could not be run, and told nobody of the state {state}: {why}",
                    state,
                    why
                )
            }
            found => {
                tr!(
                    "{path} was told of the state {state}, and failed: {why}",
                    path,
                    state,
                    why = why(found, timeout)
                )
            }
        };
        self.tell_of(about, Level::Warning, &text, ids::NOTIFY_FAILED);
    }

    /// There were more changes than programs keep up with.
    pub(crate) fn not_notified(&mut self, about: About<'_>, role: Role) {
        let text = tr!(
            "The programs of notify do not keep up: they are not told of the state {state}",
            state = role.code()
        );
        self.tell_of(about, Level::Warning, &text, ids::NOTIFY_TOO_SLOW);
    }
}

fn why(found: &Found, timeout: Duration) -> String {
    match found {
        Found::Ended { outcome, last_line } => quoting(ending(*outcome), last_line.as_deref()),
        Found::NotRun { why } => why.clone(),
        Found::TimedOut | Found::StillRuns | Found::Link(_) | Found::Demotion(_) => {
            tr!("it takes longer than {time}", time = seconds(timeout))
        }
    }
}
