//! What is said once, at start, about this host.

use super::{About, Report};
use crate::i18n::{fill, tr};
use crate::log::Level;
use crate::platform::Doubt;

impl Report {
    /// It is not certain that nobody else on this host serves the same.
    pub(crate) fn claim_in_doubt(&mut self, about: About<'_>, doubt: &Doubt) {
        let says = |template: &str, more: [(&str, &dyn std::fmt::Display); 2]| {
            let [first, second] = more;
            fill(template, &[("vhid", &about.vhid), ("interface", &about.interface), first, second])
        };
        let unasked = tr(
            "Whether another ucarp on this host serves id {vhid} on {interface} cannot be found out by {place}: {why}",
        );
        let (text, id) = match doubt {
            Doubt::Squatted { user: Some(user), process } => {
                let template = tr(
                    "User {user} (process {process}), neither root nor the user of this daemon, holds the name that tells who serves id {vhid} on {interface} on this host",
                );
                let process = process.map_or_else(|| "?".to_owned(), |process| process.to_string());
                (says(&template, [("user", user), ("process", &process)]), "UC2030")
            }
            Doubt::Squatted { user: None, process: _ } => {
                let template = tr(
                    "The name that tells who serves id {vhid} on {interface} on this host is held by somebody who does not answer",
                );
                (says(&template, [("user", &""), ("process", &"")]), "UC2030")
            }
            Doubt::Foreign { path, user } => {
                let why = fill(&tr("it belongs to user {user}"), &[("user", user)]);
                (says(&unasked, [("place", &path.display()), ("why", &why)]), "UC2031")
            }
            Doubt::Unasked { place, error } => (says(&unasked, [("place", place), ("why", error)]), "UC2031"),
        };
        self.tell_of(about, Level::Warning, &text, id);
    }
}
