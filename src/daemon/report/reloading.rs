//! What is said when the configuration is read again.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::{About, Report, repeats};
use crate::config::Warning;
use crate::config::diff::Fate;
use crate::daemon::failure::words;
use crate::i18n::tr;
use crate::ids;
use crate::log::{Facts, Level, Line};

/// A line for each of these that says something else: what is odd about many virtual hosts in the same way is said of the
/// first of them, with how many more there are.
pub(crate) fn gathered(warnings: &[Warning]) -> Vec<Line> {
    let mut lines: Vec<(&Warning, u64)> = Vec::new();
    let mut known: HashMap<&Warning, usize> = HashMap::new();
    for warning in warnings {
        let place = *known.entry(warning.what()).or_insert(lines.len());
        match lines.get_mut(place) {
            Some((_, more)) => *more += 1,
            None => lines.push((warning, 0)),
        }
    }
    let line = |(warning, more): (&Warning, u64)| Line {
        facts: Facts::id(warning.id()),
        ..Line::new(Level::Warning, warning.with_id() + &repeats(more))
    };
    lines.into_iter().map(line).collect()
}

impl Report {
    /// What became of a virtual host that is not served as before. Which options differ is said by their names, never by
    /// their values.
    pub(crate) fn reloaded_one(&mut self, about: About<'_>, fate: &Fate) {
        let name = about.name.unwrap_or("-");
        let (vhid, interface) = (about.vhid, about.interface);
        let text = match fate {
            Fate::Kept { .. } => return,
            Fate::Changed { what, .. } => tr!(
                "{name} (id {vhid} on {interface}) goes on with another: {options}",
                name,
                vhid,
                interface,
                options = what.join(", ")
            ),
            Fate::Replaced { .. } => tr!(
                "{name} begins anew as id {vhid} on {interface}, and what it was before ends",
                name,
                vhid,
                interface
            ),
            Fate::Started { .. } => tr!("{name} (id {vhid} on {interface}) begins", name, vhid, interface),
            Fate::Ended { .. } => tr!("{name} (id {vhid} on {interface}) ends", name, vhid, interface),
        };
        // The sentence begins with the name as it is.
        self.write(Level::Info, &text, ids::HOST_RELOADED, "", about.facts(ids::HOST_RELOADED));
    }

    /// The configuration is taken over.
    pub(crate) fn reloaded(&mut self, changed: usize, kept: usize) {
        let text = tr!(
            "The configuration was read again; virtual hosts that changed: {changed}, that are as before: {kept}",
            changed,
            kept
        );
        self.tell(Level::Info, &text, ids::RELOADED);
    }

    /// What is in use besides what is configured cannot be kept over a restart, or could not be read after one.
    pub(crate) fn not_kept(&mut self, about: About<'_>, folder: &Path, why: &io::Error) {
        let text = tr!(
            "What other hosts still have to learn of cannot be stored or read in {folder}, and is lost at a restart: {why}",
            folder = folder.display(),
            why = words(why)
        );
        self.tell_of(about, Level::Warning, &text, ids::FORMS_NOT_KEPT);
    }

    /// It is not: one of the reasons.
    pub(crate) fn not_reloaded(&mut self, why: &str) {
        self.tell(
            Level::Error,
            &tr!(
                "The configuration is not taken over, everything stays as it is: {why}",
                why = ids::parted(why).0
            ),
            ids::NOT_RELOADED,
        );
    }

    /// The configuration is on trial for so long.
    pub(crate) fn on_trial(&mut self, left: Duration) {
        self.tell(
            Level::Info,
            &tr!(
                "The configuration before it is back in {seconds} s, unless ucarpctl confirm comes",
                seconds = left.as_secs()
            ),
            ids::ON_TRIAL,
        );
    }

    /// It is not any more: this user says so, or the file went back by itself.
    pub(crate) fn confirmed(&mut self, user: Option<u32>) {
        let text = match user {
            Some(user) => tr!("The configuration stays, as user {user} says", user),
            None => tr!("The configuration stays: it is the one before the trial").into_owned(),
        };
        self.tell(Level::Info, &text, ids::CONFIRMED);
    }

    /// The configuration before is taken over: this user says so, or nobody confirmed in time.
    pub(crate) fn goes_back(&mut self, by: Option<u32>) {
        let (level, text) = match by {
            Some(user) => {
                (Level::Info, tr!("Goes back to the configuration before, as user {user} says", user))
            }
            None => (
                Level::Warning,
                tr!("Goes back to the configuration before: nobody said ucarpctl confirm in time")
                    .into_owned(),
            ),
        };
        self.tell(level, &text, ids::GOES_BACK);
    }

    /// It cannot be.
    pub(crate) fn not_undone(&mut self, why: &str) {
        self.tell(
            Level::Error,
            &tr!("Cannot go back to the configuration before: {why}", why),
            ids::NOT_UNDONE,
        );
    }

    /// The file still has what was gone back from.
    pub(crate) fn stays_undone(&mut self) {
        let text = tr!(
            "The file has the configuration that was taken back, so the one before is served; ucarpctl reload takes that of the file"
        );
        self.tell(Level::Warning, &text, ids::STAYS_UNDONE);
    }

    /// To what could be gone back is not kept over a restart.
    pub(crate) fn previous_not_kept(&mut self, file: &str, why: &io::Error) {
        self.tell(
            Level::Warning,
            &tr!(
                "The configuration before is not remembered over a restart: {file}: {why}",
                file,
                why = words(why)
            ),
            ids::PREVIOUS_NOT_KEPT,
        );
    }

    /// What was kept cannot be read.
    pub(crate) fn no_previous(&mut self, folder: &Path, why: &io::Error) {
        self.previous_not_kept(&folder.display().to_string(), why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_odd_in_the_same_way_is_one_line() {
        let warnings = [Warning::NoHooks, Warning::AddressStays, Warning::NoHooks, Warning::NoHooks];
        let lines = gathered(&warnings);
        assert_eq!(lines.len(), 2);
        assert!(lines[0].text.starts_with(&Warning::NoHooks.with_id()), "{lines:?}");
        assert!(lines[0].text.contains("(and 2 more"), "{lines:?}");
        assert_eq!(lines[1].text, Warning::AddressStays.with_id());
        assert_eq!(lines[1].facts, Facts::id("UC4023"));
    }
}
