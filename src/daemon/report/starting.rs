//! What is said once, at start, about this host.

use std::fmt::Display;

use super::{About, Report};
use crate::daemon::failure::words;
use crate::i18n::tr;
use crate::ids;
use crate::log::Level;
use crate::platform::Doubt;

impl Report {
    /// It is not certain that nobody else on this host serves the same.
    pub(crate) fn claim_in_doubt(&mut self, about: About<'_>, doubt: &Doubt) {
        let (vhid, interface) = (about.vhid, about.interface);
        let unasked = |place: &dyn Display, why: &dyn Display| {
            tr!(
                "Whether another ucarp on this host serves id {vhid} on {interface} cannot be found out by {place}: {why}",
                vhid,
                interface,
                place,
                why
            )
        };
        let (text, id) = match doubt {
            Doubt::Squatted { user: Some(user), process } => {
                let process = process.map_or_else(|| "?".to_owned(), |process| process.to_string());
                let text = tr!(
                    "User {user} (process {process}), neither root nor the user of this daemon, holds the name that tells who serves id {vhid} on {interface} on this host",
                    user,
                    process,
                    vhid,
                    interface
                );
                (text, ids::CLAIM_SQUATTED)
            }
            Doubt::Squatted { user: None, process: _ } => {
                let text = tr!(
                    "The name that tells who serves id {vhid} on {interface} on this host is held by somebody who does not answer",
                    vhid,
                    interface
                );
                (text, ids::CLAIM_SQUATTED)
            }
            Doubt::Foreign { path, user } => {
                let why = tr!("it belongs to user {user}", user);
                (unasked(&path.display(), &why), ids::CLAIM_UNASKED)
            }
            Doubt::Unasked { place, error } => (unasked(place, &words(error)), ids::CLAIM_UNASKED),
        };
        self.tell_of(about, Level::Warning, &text, id);
    }
}
