//! Whether this host is fit to serve.

use super::fleet::Fleet;
use super::report::Report;
use crate::config::Check;
use crate::config::check::Verdict;
use crate::protocol::Time;

/// This is thought of a check from now on.
pub(super) fn judged(fleet: &mut Fleet, check: &Check, verdict: Verdict, report: &mut Report, now: Time) {
    let _ = (fleet, check, verdict, report, now);
}
