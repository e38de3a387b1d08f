//! What the hands do to go back to the configuration before.

use super::super::clock::wall;
use super::super::previous::Setup;
use super::super::reload::Read;
use super::Hands;
use super::rereading::changes;
use crate::control::{Answer, answer::Matter};
use crate::protocol::Time;

impl Hands {
    /// When it is gone back, unless somebody confirms. What ends is left to the next start.
    pub(super) fn trial_ends(&self) -> Option<Time> {
        self.previous.until().filter(|_| self.asked_by.is_none())
    }

    /// Goes back if nobody confirmed in time what is on trial.
    pub(super) fn end_trial(&mut self, now: Time) {
        if self.trial_ends().is_some_and(|until| until <= now) {
            self.go_back(None, now);
        }
    }

    /// Goes back, because this user says so or because nobody confirmed in time.
    pub(super) fn go_back(&mut self, by: Option<u32>, now: Time) -> Vec<Answer> {
        let Some(setup) = self.previous.other().cloned() else {
            return vec![Answer::new(Matter::NothingBefore, &[])];
        };
        let reloaded = match self.reloaded(Read::of(setup.clone()), now) {
            Ok(reloaded) => reloaded,
            Err(why) => {
                self.previous.later(now);
                why.iter().for_each(|why| self.report.not_undone(why));
                return why.iter().map(|why| Answer::new(Matter::NotReloaded, &[why])).collect();
            }
        };
        self.report.goes_back(by);
        self.previous.went_back(Setup::of(self.rules.roster()));
        let mut answers: Vec<Answer> = reloaded.lines.others.iter().filter_map(changes).collect();
        answers.push(Answer::new(Matter::Undone, &[&reloaded.lines.others.len(), &reloaded.lines.kept]));
        // Whoever kills the daemon now finds it so by the next start.
        answers.extend(self.keep_previous(&setup, now));
        self.apply(reloaded, now);
        answers
    }

    /// What was on trial stays: whether anything was.
    pub(super) fn confirm_trial(&mut self, user: u32, now: Time) -> Vec<Answer> {
        if !self.previous.confirm() {
            return Vec::new();
        }
        self.report.confirmed(Some(user));
        self.control.forget_standings();
        let mut answers = vec![Answer::new(Matter::Stays, &[])];
        answers.extend(self.keep_previous(&Setup::of(self.rules.roster()), now));
        answers
    }

    /// Keeps over a restart to what could be gone back from this. What is to be minded about it.
    pub(super) fn keep_previous(&mut self, served: &Setup, now: Time) -> Option<Answer> {
        let why = self.previous.keep(served, now, wall().unwrap_or_default()).err()?;
        let file = self.previous.file()?.display().to_string();
        self.report.previous_not_kept(&file, &why);
        Some(Answer::new(Matter::NotRemembered, &[&format!("{file}: {why}")]))
    }
}
