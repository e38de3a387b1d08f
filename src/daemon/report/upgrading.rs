//! What is said of another program that takes over, or does not.

use std::path::Path;
use std::time::Duration;

use super::checks::ending;
use super::{Report, seconds};
use crate::daemon::handover::Misread;
use crate::daemon::outcome::Outcome;
use crate::i18n::tr;
use crate::ids;
use crate::log::Level;
use crate::platform::Untrusted;

/// Why this is not the moment for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unfit {
    Underway,
    Ending,
    NoProgram,
    Busy,
}

/// In words.
pub(crate) fn unfit(why: Unfit) -> String {
    match why {
        Unfit::Underway => tr!("another upgrade is under way"),
        Unfit::Ending => tr!("the end was asked for"),
        Unfit::NoProgram => tr!("it is not known by which file this program was started"),
        Unfit::Busy => {
            tr!("scripts are being started, or a change or a reload is not over yet; try again in a moment")
        }
    }
    .into_owned()
}

/// Why the file of a program is not executed.
pub(crate) fn untrusted(program: &Path, why: &Untrusted) -> String {
    match why {
        Untrusted::Unusable(error) => format!("{}: {error}", program.display()),
        Untrusted::Foreign(path, user) => tr!(
            "{path} belongs to user {user}, neither root nor the user of this daemon",
            path = path.display(),
            user
        ),
        Untrusted::Writable(path) => {
            tr!("{path} can be changed by others (chmod go-w)", path = path.display())
        }
    }
}

/// Why a program that was tried does not take over: its last line, and how it ended, if it has.
pub(crate) fn unwilling(program: &Path, said: &str, outcome: Option<Outcome>) -> String {
    let program = program.display();
    match outcome {
        None => tr!("{program} does not say in time whether it could", program),
        // TRANSLATORS: {how} is a clause, such as "exit status 1" or "it was ended by the signal SIGSEGV".
        Some(outcome) => tr!(
            "{program} does not say that it could ({how}); what it says is: {words}",
            program,
            how = ending(outcome),
            words = said
        ),
    }
}

/// Why what is handed over is not taken.
pub(crate) fn misread(why: &Misread) -> String {
    match why {
        Misread::NotOne => tr!("what is handed over is of a kind that is unknown here").into_owned(),
        Misread::Unknown(version) => tr!(
            "ucarp {version} hands over something that ucarp {here} does not understand",
            version,
            here = env!("CARGO_PKG_VERSION")
        ),
        Misread::Unreadable(error) => {
            tr!("what is handed over cannot be read: {why}", why = error)
        }
    }
}

impl Report {
    /// Somebody has another program take over.
    pub(crate) fn upgrade_asked(&mut self, user: u32, program: &Path) {
        let text = tr!("User {user} has {program} take over", user, program = program.display());
        self.tell(Level::Info, &text, ids::UPGRADE_ASKED);
    }

    /// Nothing comes of it.
    pub(crate) fn not_upgraded(&mut self, why: &str) {
        let text = tr!("No other program takes over, everything stays as it is: {why}", why);
        self.tell(Level::Warning, &text, ids::NOT_UPGRADED);
    }

    /// Another program has taken over, and its engine works after nothing was sent for so long.
    pub(crate) fn upgraded(&mut self, from: &str, version: &str, silent: Duration) {
        let text = tr!(
            "ucarp {version} has taken over from ucarp {from}: nothing was sent for {duration} at most",
            version,
            from,
            duration = seconds(silent)
        );
        self.tell(Level::Info, &text, ids::UPGRADED);
    }
}
