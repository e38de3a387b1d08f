//! What the hands do when they are told to read the configuration again.

use std::time::Duration;

use super::super::clock::wall;
use super::super::control::Control;
use super::super::pending;
use super::super::previous::Setup;
use super::super::reload::{self, Read, Reloaded};
use super::super::report::About;
use super::super::request::Fact;
use super::super::roster::{Entry, Standing};
use super::Hands;
use crate::config::diff::Fate;
use crate::control::{Answer, answer::Matter};
use crate::protocol::Time;

/// What is to become of what is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Wanted {
    /// It is taken over, and does not only show what would change.
    pub(super) applies: bool,
    /// For so long on trial.
    pub(super) trial: Option<Duration>,
}

impl Hands {
    /// Has the configuration read again.
    pub(super) fn read_again(&mut self, now: Time) {
        let Self { reading, engine, control, .. } = self;
        // Whoever only reads must not keep the engine from hearing that the hands are gone, and answers nobody.
        let begun = reading.begin(|| (*engine, *control) = (None, Control::default()), now);
        self.notifier.reloading();
        if let Err(why) = begun {
            self.not_reloaded(&[why.to_string()], now);
        }
    }

    /// The configuration was read again, or could not be.
    pub(super) fn take_over(&mut self, (reader, read): (u32, Result<Read, String>), now: Time) {
        self.let_end(reader);
        if self.reading.is_wanted_again() {
            return self.read_again(now);
        }
        let after = read.as_ref().map(Read::setup).unwrap_or_default();
        let reloaded = read.map_err(|why| vec![why]).and_then(|read| self.reloaded(read, now));
        let Reloaded { lines, .. } = match &reloaded {
            Ok(reloaded) => reloaded,
            Err(why) => return self.not_reloaded(why, now),
        };
        let summary = |matter| Answer::new(matter, &[&lines.others.len(), &lines.kept]);
        let mut answers: Vec<Answer> = lines.others.iter().filter_map(changes).collect();
        let mut dry = answers.clone();
        dry.push(summary(Matter::WouldReload));
        answers.push(summary(Matter::Reloaded));
        let Wanted { applies, trial } = std::mem::take(&mut self.wanted);
        self.refused = false;
        if applies {
            let before = Setup::of(self.rules.roster());
            let was_on_trial = self.previous.until().is_some();
            self.previous.reloaded(before, &after, trial, now);
            answers.extend(self.keep_previous(&after, now));
            if let Some(until) = self.previous.until() {
                let left = until.since(now);
                answers.push(Answer::new(Matter::OnTrial, &[&left.as_secs()]));
                self.report.on_trial(left);
            } else if was_on_trial {
                self.report.confirmed(None);
            }
        }
        match reloaded {
            Ok(reloaded) if applies => self.apply(reloaded, now),
            Ok(_) | Err(_) => reload::give_back(&mut self.claims, self.rules.roster()),
        }
        self.notifier.reloaded();
        self.control.reloaded(&answers, &dry, now);
    }

    /// Nothing changes.
    fn not_reloaded(&mut self, why: &[String], now: Time) {
        self.notifier.reloaded();
        (self.wanted, self.refused) = (Wanted::default(), true);
        self.control.forget_standings();
        self.tally.reloaded(false);
        why.iter().for_each(|why| self.report.not_reloaded(why));
        let answers: Vec<_> = why.iter().map(|why| Answer::new(Matter::NotReloaded, &[why])).collect();
        self.control.reloaded(&answers, &answers, now);
    }

    /// What would follow from it.
    pub(super) fn reloaded(&mut self, read: Read, now: Time) -> Result<Reloaded, Vec<String>> {
        let lockdir = self.life.config.lockdir.as_deref();
        reload::reloaded(self.rules.roster(), read, &mut self.claims, lockdir, now)
    }

    /// From now on it is so.
    pub(super) fn apply(&mut self, reloaded: Reloaded, now: Time) {
        let Reloaded { roster, facts, lines, archived } = reloaded;
        self.ahead.resize(roster.len(), 0);
        roster.there().for_each(|(host, entry)| self.supervisor.plan(host, entry.plan()));
        self.rules.replace(roster);
        self.note_managed(|_, _| true);
        for (number, before, now) in &lines.checks {
            self.children.checks.forget(Some(*number));
            self.report.check_reloaded(before.as_ref(), now.as_ref());
        }
        archived.into_iter().for_each(|host| self.keep(host, now));
        for warning in lines.warnings {
            // What was said of the configuration before need not be said again.
            if self.warned.insert(warning.text.clone()) {
                self.report.pass_on(warning);
            }
        }
        for (Entry { interface, config, .. }, doubt) in &lines.doubts {
            self.report.claim_in_doubt(About::host(config, interface), doubt);
        }
        for (Entry { interface, config, .. }, fate) in &lines.others {
            self.report.reloaded_one(About::host(config, interface), fate);
        }
        self.report.reloaded(lines.others.len(), lines.kept);
        self.control.forget_standings();
        self.tally.reloaded(true);
        let silence = self.silence();
        if let Some(engine) = &mut self.engine {
            engine.untold.extend(facts);
        }
        self.recall_demands(now);
        if let Some(engine) = &mut self.engine {
            engine.untold.push_back(Fact::Changed { silence });
            engine.tell_changes();
        }
    }

    /// Writes down which addresses of these hosts are managed.
    pub(super) fn note_managed(&mut self, of: impl Fn(u16, &Entry) -> bool) {
        let Self { ledger: Some(ledger), rules, report, .. } = self else { return };
        let hosts = rules.roster().there().filter(|(host, entry)| of(*host, entry));
        hosts.for_each(|(_, entry)| ledger.note(entry, report));
    }

    /// Of what a host has in use besides what is configured some is not in use any more.
    pub(super) fn settle(&mut self, host: u16, now: Time) {
        let Some(entry) = self.rules.entry(host) else { return };
        let kept = pending::settled(&entry.config, &entry.kept, now);
        if std::mem::replace(&mut entry.kept, kept) != entry.kept {
            self.keep(host, now);
        }
    }

    /// Keeps over a restart what a host has in use besides what is configured.
    fn keep(&mut self, host: u16, now: Time) {
        let (Some(archive), Some(wall)) = (&self.archive, wall()) else { return };
        let Some(Entry { config, interface, kept, .. }) = self.rules.roster().get(host) else { return };
        if let Err(why) = archive.write(config, interface, kept, now, wall) {
            self.report.not_kept(About::host(config, interface), archive.folder(), &why);
        }
    }

    /// Of a host that was to leave nothing is left.
    pub(super) fn forget(&mut self, host: u16, now: Time) {
        let Some(entry) = self.rules.entry(host) else { return };
        if !std::mem::take(&mut entry.kept).is_empty() {
            self.keep(host, now);
        }
        let Some(entry) = self.rules.entry(host) else { return };
        entry.standing = Standing::Gone;
        let gone = entry.clone();
        self.ledger.iter_mut().for_each(|ledger| ledger.forget(&gone));
        // Another one may have its place already.
        self.note_managed(|_, entry| {
            entry.config.vhid == gone.config.vhid && entry.interface == gone.interface
        });
        reload::give_back(&mut self.claims, self.rules.roster());
        self.supervisor.forget(host);
        self.children.heralds.forget(host);
        self.tally.forget(host);
    }
}

/// What becomes of one.
pub(super) fn changes((entry, fate): &(Entry, Fate)) -> Option<Answer> {
    let name = entry.label();
    Some(match fate {
        Fate::Kept { .. } => return None,
        Fate::Changed { what, .. } => Answer::new(Matter::VipChanges, &[&name, &what.join(", ")]),
        Fate::Replaced { .. } => Answer::new(Matter::VipMoves, &[&name]),
        Fate::Started { .. } => Answer::new(Matter::VipBegins, &[&name]),
        Fate::Ended { .. } => Answer::new(Matter::VipEnds, &[&name]),
    })
}
