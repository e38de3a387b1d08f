//! What the system says of our interface, and what it does not say: questions without an answer, captures that fail,
//! sources that are gone.

use std::error::Error;
use std::net::IpAddr;

use super::Report;
use crate::daemon::failure::words_of;
use crate::i18n::tr;
use crate::ids;
use crate::log::Level;

impl Report {
    /// The source of advertisements is gone and there is no other.
    pub(crate) fn source_lost(&mut self, interface: &str, old: IpAddr) {
        self.tell_on(
            interface,
            Level::Error,
            &tr!(
                "Interface {interface} lost the address {old} and has no other: still sending from it",
                interface,
                old
            ),
            ids::SOURCE_LOST,
        );
    }

    /// It is back.
    pub(crate) fn source_found(&mut self, interface: &str, source: IpAddr) {
        let text = tr!(
            "Interface {interface} has the address {source} again, from which is sent",
            interface,
            source
        );
        self.tell_on(interface, Level::Info, &text, ids::SOURCE_LOST);
    }

    /// The system did not answer a question about the interface.
    pub(crate) fn unanswered(&mut self, interface: &str, why: &(dyn Error + 'static)) {
        self.tell_on(
            interface,
            Level::Warning,
            &tr!("Cannot find out what became of {interface}: {why}. Going on as if nothing had changed, and asking again.", interface, why = words_of(why)),
            ids::UNANSWERED,
        );
    }

    /// It does again.
    pub(crate) fn answered(&mut self, interface: &str) {
        let text = tr!("What became of {interface} is known again", interface);
        self.tell_on(interface, Level::Info, &text, ids::UNANSWERED);
    }

    /// Nothing can be heard.
    pub(crate) fn deaf(&mut self, interface: &str, why: &(dyn Error + 'static)) {
        self.tell_on(
            interface,
            Level::Error,
            &tr!("Cannot hear other hosts on {interface}: {why}. Trying again; a backup does not take over meanwhile.", interface, why = words_of(why)),
            ids::DEAF,
        );
    }

    /// Others are heard again.
    pub(crate) fn hears(&mut self, interface: &str) {
        let text = tr!("Other hosts can be heard on {interface} again", interface);
        self.tell_on(interface, Level::Info, &text, ids::DEAF);
    }

    /// The capture failed, and there is another.
    pub(crate) fn heard_anew(&mut self, interface: &str, why: &(dyn Error + 'static)) {
        self.tell_on(
            interface,
            Level::Warning,
            &tr!(
                "The capture on {interface} failed, and another was opened: {why}",
                interface,
                why = words_of(why)
            ),
            ids::HEARD_ANEW,
        );
    }

    /// The capture's filter could not be changed.
    pub(crate) fn unfiltered(&mut self, interface: &str, why: &(dyn Error + 'static)) {
        self.tell_on(
            interface,
            Level::Warning,
            &tr!("Cannot change the filter of the capture on {interface}: {why}. What was heard so far is still heard; trying again.", interface, why = words_of(why)),
            ids::UNFILTERED,
        );
    }

    /// It could.
    pub(crate) fn filters(&mut self, interface: &str) {
        let text = tr!("The filter of the capture on {interface} is as it should be again", interface);
        self.tell_on(interface, Level::Info, &text, ids::UNFILTERED);
    }

    /// There is a source in one IP version alone, for this reason, if there is one.
    pub(crate) fn one_family(&mut self, interface: &str, why: Option<&(impl Error + 'static)>) {
        let Some(why) = why else { return };
        self.tell_on(
            interface,
            Level::Warning,
            &tr!(
                "Sending in IPv4 only on {interface}, until it has an IPv6 source of its own: {why}",
                interface,
                why = words_of(why)
            ),
            ids::ONE_FAMILY,
        );
    }

    /// There is one in both.
    pub(crate) fn both_families(&mut self, interface: &str, source: IpAddr) {
        let text =
            tr!("Interface {interface} has the address {source} now: sending in IPv6 too", interface, source);
        self.tell_on(interface, Level::Info, &text, ids::ONE_FAMILY);
    }

    /// Waiting fails.
    pub(crate) fn cannot_wait(&mut self, why: &(dyn Error + 'static)) {
        self.tell(
            Level::Error,
            &tr!(
                "Cannot wait for events: {why}. Looking for them all the time instead.",
                why = words_of(why)
            ),
            ids::CANNOT_WAIT,
        );
    }

    /// It works again.
    pub(crate) fn can_wait(&mut self) {
        self.tell(Level::Info, &tr!("Events can be waited for again"), ids::CANNOT_WAIT);
    }

    /// Nothing can be done but to end.
    pub(crate) fn gives_up(&mut self, why: &(dyn Error + 'static)) {
        self.tell(
            Level::Error,
            &tr!("Cannot go on: {why}. Giving the address back and ending.", why = words_of(why)),
            ids::CANNOT_GO_ON,
        );
    }
}
