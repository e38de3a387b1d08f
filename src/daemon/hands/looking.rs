//! Checks, as the hands make them: a program is begun and not waited for, what only takes a question is answered at once.

use super::super::children::Children;
use super::super::failure::words;
use super::super::outcome::Found;
use super::super::request::Fact;
use super::super::rules::Look;
use super::Hands;
use crate::config::check::Probe;
use crate::platform::{self, User};
use crate::protocol::Time;

impl Hands {
    /// Tells what was found meanwhile.
    pub(super) fn tell_checks(&mut self, now: Time) {
        for ((check, run), found) in self.children.checks.look(now) {
            self.tell_check(check, run, found);
        }
    }

    /// Tells what one found.
    pub(super) fn tell_check(&mut self, check: u16, run: u32, found: Found) {
        if let Some(known) = self.rules.roster().check(check) {
            self.tally.checked(&known.name, found.is_well());
        }
        self.tell(&Fact::Checked { check, run, found });
    }
}

/// Makes a check, as `usual` unless it names somebody. What it found, if that is known already.
pub(super) fn look(
    look: &Look<'_>,
    children: &mut Children,
    usual: Option<&User>,
    now: Time,
) -> Option<Found> {
    let of = (look.number(), look.run());
    let not_run = |why: String| Some(Found::NotRun { why });
    match look.program(usual) {
        Ok(Some(program)) => match children.checks.start(of, &program, look.check().timeout, now) {
            Ok(()) => None,
            Err(error) => not_run(words(&error)),
        },
        Ok(None) => match &look.check().probe {
            Probe::Interface(interface) => match platform::link_state(interface) {
                Ok(state) => Some(Found::Link(state)),
                Err(error) => not_run(words(&error)),
            },
            Probe::CarpDemotion => match platform::carp_demotion() {
                Some(Ok(sum)) => Some(Found::Demotion(sum)),
                Some(Err(error)) => not_run(words(&error)),
                None => not_run(words(&std::io::ErrorKind::Unsupported.into())),
            },
            Probe::Command { .. } | Probe::File { .. } => None,
        },
        Err(error) => not_run(words(&error)),
    }
}
