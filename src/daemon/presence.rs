//! What became of the shared addresses of one virtual host, asked when one of its hooks ended.

use std::collections::HashSet;
use std::io;
use std::time::Duration;

use super::host::Served;
use super::link::Link;
use super::place;
use super::report::Report;
use super::survey;
use crate::protocol::{Presence, Time};

/// How often a missing interface is looked for beside the events about it, and the state of one that sends none.
pub(super) const RETRY: Duration = Duration::from_secs(1);

/// What became of the shared addresses on the interface. If that cannot be found out it is asked again soon.
pub(super) fn presence(
    one: &mut Served,
    link: &mut Link,
    report: &mut Report,
    now: Time,
) -> Option<Presence> {
    let interface = link.name_for_hooks();
    let asked = survey::addresses(interface).and_then(|found| Ok((found, survey::unready(interface)?)));
    match asked {
        Ok((found, unready)) => {
            let found: HashSet<_> = found.into_iter().collect();
            one.shared = place::presence(&one.core().parameters().addresses, &found, &unready);
            if one.shared.0 == Presence::Pending {
                link.retry = Some(now + RETRY);
            }
            Some(one.shared.0)
        }
        Err(error) => {
            doubt(link, &error, report, now);
            None
        }
    }
}

/// A question about the interface was not answered.
pub(super) fn doubt(link: &mut Link, why: &io::Error, report: &mut Report, now: Time) {
    link.retry = Some(now + RETRY);
    if why.kind() == io::ErrorKind::WouldBlock {
        // It is about to be told.
        link.wants_survey(now);
        return;
    }
    let doubt = why.to_string();
    if link.doubt.as_ref() != Some(&doubt) {
        report.unanswered(&link.name, why);
        link.doubt = Some(doubt);
    }
}
