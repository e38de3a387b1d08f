//! What demotes a virtual host, when it comes, changes and goes, and when somebody asks.

use super::{About, Report, seconds};
use crate::i18n::tr;
use crate::ids;
use crate::log::{Facts, Level};
use crate::protocol::Time;
use crate::protocol::causes::{Change, Standing};

impl Report {
    /// Something demotes this virtual host, or does no more; `together` is what it is demoted by now.
    pub(crate) fn demotion(&mut self, about: About<'_>, change: &Change, together: u8) {
        let (level, text, id, standing) = match change {
            Change::Began(standing) if standing.weight.releases => (
                Level::Error,
                // TRANSLATORS: {cause} is a name that stays as it is, such as check:gateway or maintenance.
                tr!(
                    "No MASTER because of {cause}, even if no other host is there: demoted by {amount}, in all by {together}",
                    amount = standing.weight.amount,
                    cause = standing.cause,
                    together
                ),
                ids::DEMOTION_BEGAN,
                standing,
            ),
            Change::Began(standing) => (
                Level::Warning,
                tr!(
                    "Demoted by {amount} for {cause}, in all by {together}",
                    amount = standing.weight.amount,
                    cause = standing.cause,
                    together
                ),
                ids::DEMOTION_BEGAN,
                standing,
            ),
            Change::Ended(standing) => (
                Level::Info,
                tr!(
                    "No longer demoted by {amount} for {cause}, in all by {together}",
                    amount = standing.weight.amount,
                    cause = standing.cause,
                    together
                ),
                ids::DEMOTION_ENDED,
                standing,
            ),
        };
        let facts = Facts {
            cause: Some(standing.cause.to_string()),
            amount: Some(standing.weight.amount),
            ..about.facts(id)
        };
        self.write(level, &(about.opening() + &text), id, "", facts);
    }

    /// All that demotes it, in answer to SIGUSR1.
    pub(crate) fn standings(&mut self, about: About<'_>, standings: &[Standing], now: Time) {
        for standing in standings {
            let lasted = seconds(standing.lasted(now));
            let text = if standing.weight.releases {
                tr!(
                    "demoted by {amount} because of {cause}, for {lasted} now, and no MASTER until that ends",
                    amount = standing.weight.amount,
                    cause = standing.cause,
                    lasted
                )
            } else {
                tr!(
                    "demoted by {amount} because of {cause}, for {lasted} now",
                    amount = standing.weight.amount,
                    cause = standing.cause,
                    lasted
                )
            };
            self.say_of(about, &text);
        }
    }
}
