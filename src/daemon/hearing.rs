//! Frames become facts: what was captured is told to the core, and what does not authenticate is looked into.

use super::attachment::Attachment;
use super::clock::now;
use super::draining::{BATCH, Draining};
use super::host::{LOOK_AROUND, Served};
use super::perform::perform;
use super::report::{About, Report};
use crate::protocol::{Cause, Rejected, Time};

pub(super) fn take_frames(one: &mut Served, report: &mut Report) {
    let Some(attachment) = &mut one.attachment else {
        // What it held went with it.
        one.draining = Draining::default();
        return;
    };
    let about = About { interface: &one.interface, vhid: one.config.vhid };
    let (host, mut accepted, mut answers) = (&mut one.host, 0usize, Vec::new());
    let (mismatches, unshared, mut clash) = (&mut one.mismatches, &mut one.unshared, false);
    let now = now();
    let taken = attachment.drain(BATCH, |frame| {
        if !unshared.note(frame) {
            match host.receive(frame, now) {
                Ok(actions) => {
                    accepted += 1;
                    if !actions.is_empty() {
                        answers.push(actions);
                    }
                }
                Err(rejected) => {
                    if rejected == Rejected::BadAuth {
                        mismatches.note(frame, now);
                    }
                    clash |= matches!(rejected, Rejected::TooShort | Rejected::BadVersion);
                    report.refused(about, rejected, frame, now);
                }
            }
        }
    });
    // A capture that fails belongs to an interface that is going away; the link monitor tells.
    let taken = taken.unwrap_or(0);
    one.draining.drained(taken, accepted, now);
    if clash && !one.unshared.running() && one.looks_around_until.take().is_some() {
        // It has been named; whatever else it sends is not worth a wake-up.
        attachment.look_ahead();
    }
    for actions in answers {
        perform(one, actions, report, now);
    }
    look_into_mismatches(one, report, now);
}

/// Explains what does not authenticate. What nothing explains is told as such, and then looked for in ARP.
fn look_into_mismatches(one: &mut Served, report: &mut Report, now: Time) {
    let host = &one.host;
    if let Some(decoded) = one.mismatches.take(now) {
        let cause = host.explain(&decoded);
        report.explained(&decoded, cause);
        if cause.is_none() && one.unshared.begin(decoded, now) {
            one.looks_around_until = Some(now + LOOK_AROUND);
            one.attachment.iter_mut().for_each(Attachment::look_at_arp);
        }
    }
    if one.unshared.running() {
        if let Some((decoded, address)) = one.unshared.found(|decoded, it| host.shares_also(decoded, it)) {
            report.explained(&decoded, Some(Cause::AddressExtra(address)));
        }
        if !one.unshared.running() {
            // Other users of our ids may still be unknown: that takes the rest of the time.
            one.attachment.iter_mut().for_each(Attachment::look_around);
        }
    }
}
