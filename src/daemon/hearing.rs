//! Frames become facts: what was captured is told to the core, and what does not authenticate is looked into.

use std::time::Duration;

use super::attachment::Attachment;
use super::capture::CaptureError;
use super::clock;
use super::host::{LOOK_AROUND, Served};
use super::interface::{lost_hearing, settle_filter};
use super::perform::perform;
use super::report::{About, Report};
use super::turn::{self, Draining, Heard, Surroundings};
use crate::protocol::{Cause, Event, Rejected, Time, VirtualHost};

/// A virtual host in its turn.
pub(super) struct InTurn<'a> {
    one: &'a mut Served,
    report: &'a mut Report,
    /// Somebody else uses our ids.
    clash: bool,
    /// Why the capture handed out nothing more.
    failure: Option<CaptureError>,
}

impl<'a> InTurn<'a> {
    pub(super) fn new(one: &'a mut Served, report: &'a mut Report) -> Self {
        Self { one, report, clash: false, failure: None }
    }

    /// Takes frames in if it is time to, and looks into what was odd about them.
    pub(super) fn take_frames(&mut self, announced: bool, woken: Time) {
        if self.one.attachment.is_none() {
            // What it held went with it.
            self.one.draining = Draining::default();
            return;
        }
        if !turn::drain(self, announced, woken) {
            return;
        }
        let one = &mut *self.one;
        one.attachment.iter().for_each(Attachment::discard_copies);
        if self.clash && !one.unshared.running() && one.looks_around_until.take().is_some() {
            // It has been named; whatever else it sends is not worth a wake-up.
            one.attachment.iter_mut().for_each(Attachment::look_ahead);
        }
        look_into_mismatches(one, self.report, clock::now());
        if let Some(failure) = self.failure.take() {
            lost_hearing(one, &failure, self.report, clock::now());
        }
        settle_filter(one, self.report, clock::now());
    }
}

impl Surroundings for InTurn<'_> {
    fn now(&self) -> Time {
        clock::now()
    }

    fn wall(&self) -> Option<Duration> {
        clock::wall()
    }

    fn host(&self) -> &VirtualHost {
        &self.one.host
    }

    fn draining(&mut self) -> &mut Draining {
        &mut self.one.draining
    }

    fn tell(&mut self, event: Event, now: Time) {
        let actions = self.one.host.handle(event, now);
        perform(self.one, actions, self.report, now);
    }

    fn lost(&mut self) -> Option<u64> {
        self.one.attachment.as_mut().and_then(Attachment::lost)
    }

    fn hear(&mut self, now: Time) -> Heard {
        let one = &mut *self.one;
        let Some(attachment) = &mut one.attachment else { return Heard::Nothing };
        let (host, unshared, mut heard) = (&mut one.host, &mut one.unshared, Heard::Nothing);
        let (mismatches, mut answer) = (&mut one.mismatches, Vec::new());
        let about = About::new(&one.interface, one.config.vhid);
        let taken = attachment.take(|frame| {
            heard = Heard::Refused;
            if unshared.note(frame) {
                return;
            }
            match host.receive(frame, now) {
                Ok(actions) => (heard, answer) = (Heard::Accepted, actions),
                Err(rejected) => {
                    if rejected == Rejected::BadAuth {
                        mismatches.note(frame, now);
                    }
                    self.clash |= matches!(rejected, Rejected::TooShort | Rejected::BadVersion);
                    self.report.refused(about, rejected, frame, now);
                }
            }
        });
        self.failure = taken.err().filter(|error| !error.says_link_down());
        if !answer.is_empty() {
            perform(one, answer, self.report, now);
        }
        heard
    }
}

/// Explains what does not authenticate. What nothing explains is told as such, and then looked for in ARP.
fn look_into_mismatches(one: &mut Served, report: &mut Report, now: Time) {
    let (host, about) = (&one.host, About::new(&one.interface, one.config.vhid));
    if let Some(decoded) = one.mismatches.take(now) {
        let cause = host.explain(&decoded);
        report.explained(about, &decoded, cause, now);
        if cause.is_none() && one.unshared.begin(decoded, now) {
            one.looks_around_until = Some(now + LOOK_AROUND);
            one.attachment.iter_mut().for_each(Attachment::look_at_arp);
        }
    }
    if one.unshared.running() {
        if let Some((decoded, address)) = one.unshared.found(|decoded, it| host.shares_also(decoded, it)) {
            report.explained(about, &decoded, Some(Cause::AddressExtra(address)), now);
        }
        if !one.unshared.running() {
            // Other users of our ids may still be unknown: that takes the rest of the time.
            one.attachment.iter_mut().for_each(Attachment::look_around);
        }
    }
}
