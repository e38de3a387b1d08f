//! What is said of what the operator has done by hand, and of the socket by which he does.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::{About, Report, seconds};
use crate::daemon::by_hand::Demand;
use crate::daemon::control::NoDoor;
use crate::daemon::failure::words;
use crate::i18n::tr;
use crate::ids;
use crate::log::Level;
use crate::platform;
use crate::protocol::Time;

/// Why a demotion by hand ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Over {
    /// This user said so.
    By(u32),
    /// Its time is over.
    InTime,
}

impl Report {
    /// Somebody demotes a virtual host by hand, or did so before this start.
    pub(crate) fn demanded(&mut self, about: About<'_>, demand: &Demand, before: bool, now: Time) {
        let Demand { name, amount, .. } = demand;
        let circumstances = circumstances(demand, now);
        let (text, id) = match (demand.is_maintenance(), before) {
            (true, false) => {
                // TRANSLATORS: {circumstances} is a list, such as "by user 0 at 2026-11-30 12:00:00, for 60.000 s from now, because: new disk".
                (tr!("Maintenance begins: {circumstances}", circumstances), ids::MAINTENANCE_BEGAN)
            }
            (true, true) => {
                (tr!("Maintenance goes on: {circumstances}", circumstances), ids::MAINTENANCE_BEGAN)
            }
            (false, false) => (
                tr!("Demoted by hand, by {amount} for {name}: {circumstances}", amount, name, circumstances),
                ids::DEMOTED_BY_HAND,
            ),
            (false, true) => (
                tr!(
                    "Still demoted by hand, by {amount} for {name}: {circumstances}",
                    amount,
                    name,
                    circumstances
                ),
                ids::DEMOTED_BY_HAND,
            ),
        };
        self.tell_of(about, Level::Warning, &text, id);
    }

    /// It does no more.
    pub(crate) fn demanded_no_more(&mut self, about: About<'_>, demand: &Demand, over: Over) {
        let (text, id) = match (demand.is_maintenance(), over) {
            (true, Over::By(user)) => {
                (tr!("Maintenance ends, as user {user} says", user), ids::MAINTENANCE_ENDED)
            }
            (true, Over::InTime) => {
                (tr!("Maintenance ends: its time is over").into_owned(), ids::MAINTENANCE_ENDED)
            }
            (false, Over::By(user)) => (
                tr!("No longer demoted by hand for {name}, as user {user} says", name = demand.name, user),
                ids::RESTORED_BY_HAND,
            ),
            (false, Over::InTime) => (
                tr!("No longer demoted by hand for {name}: its time is over", name = demand.name),
                ids::RESTORED_BY_HAND,
            ),
        };
        self.tell_of(about, Level::Info, &text, id);
    }

    /// All that demotes it by hand, in answer to SIGUSR1.
    pub(crate) fn demands(&mut self, about: About<'_>, demands: &[Demand], now: Time) {
        for demand in demands {
            self.say_of(
                about,
                &tr!(
                    "Demoted by hand, {name}: {circumstances}",
                    name = demand.name,
                    circumstances = circumstances(demand, now)
                ),
            );
        }
    }

    /// A user has a master step aside.
    pub(crate) fn asked_to_resign(&mut self, about: About<'_>, user: u32) {
        let text = tr!("User {user} asks this host to step aside", user);
        self.tell_of(about, Level::Info, &text, ids::RESIGN_ASKED);
    }

    /// A user has a backup take the addresses.
    pub(crate) fn told_to_take(&mut self, about: About<'_>, user: u32) {
        let text = tr!("User {user} tells this host to take the address", user);
        self.tell_of(about, Level::Info, &text, ids::TAKE_ASKED);
    }

    /// What was demanded before this start cannot be read.
    pub(crate) fn unreadable_demands(&mut self, about: About<'_>, folder: &Path, why: &io::Error) {
        let text = tr!(
            "Whether this host was in maintenance cannot be read in {folder}: it is now, until ucarpctl maintenance off: {why}",
            folder = folder.display(),
            why = words(why)
        );
        self.tell_of(about, Level::Error, &text, ids::DEMANDS_UNREADABLE);
    }

    /// Nobody can steer this daemon.
    pub(crate) fn no_door(&mut self, why: &NoDoor) {
        let text = match why {
            NoDoor::TooLong(path) => tr!(
                "No socket for ucarpctl: the name {path} is too long; --control names another directory",
                path = path.display()
            ),
            NoDoor::Taken(path) => tr!(
                "No socket for ucarpctl: another daemon listens to {path}; --control names another directory",
                path = path.display()
            ),
            NoDoor::Foreign(path) => tr!(
                "No socket for ucarpctl: others may write to {path}, or it belongs to somebody else; --control names another directory",
                path = path.display()
            ),
            NoDoor::Unmade(path, error) => {
                tr!("No socket for ucarpctl: {path}: {why}", path = path.display(), why = words(error))
            }
        };
        self.tell(Level::Warning, &text, ids::NO_CONTROL);
    }
}

/// Who, when, for how long and why, as far as that is known.
fn circumstances(demand: &Demand, now: Time) -> String {
    let Demand { by, since, until, because, .. } = demand;
    let at = time_of_day(*since);
    let mut parts = vec![match by {
        Some(user) => tr!("by user {user} at {time}", user, time = at),
        None => tr!("by nobody, since {time}", time = at),
    }];
    if let Some(until) = until {
        parts.push(tr!("for {duration} from now", duration = seconds(until.since(now))));
    }
    if let Some(because) = because {
        parts.push(tr!("because: {reason}", reason = because));
    }
    parts.join(", ")
}

fn time_of_day(since_1970: Duration) -> String {
    let at = platform::local_time_of(since_1970);
    format!("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", at.year, at.month, at.day, at.hour, at.minute, at.second)
}
