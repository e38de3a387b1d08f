//! What is said of managed addresses.

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use super::{About, Report, list, seconds};
use crate::daemon::addresses::{Otherwise, Shifted};
use crate::daemon::failure::words;
use crate::i18n::tr;
use crate::ids;
use crate::log::Level;
use crate::protocol::{MacAddr, Shift};

pub(super) fn found(about: About<'_>) -> (Level, String) {
    let found = about.shifted.map(|shifted| list(&shifted.changed)).unwrap_or_default();
    (
        Level::Warning,
        tr!(
            "Taken off {interface}, as this host is no master: {addresses}, left by a process that was killed or given by somebody",
            addresses = found,
            interface = about.interface
        ),
    )
}

pub(super) fn undone(about: About<'_>, again: Duration) -> (Level, String) {
    let text = if again.is_zero() {
        tr!(
            "{interface} lost {addresses}: putting back what is missing",
            interface = about.interface,
            addresses = list(about.shared.1)
        )
    } else {
        tr!(
            "{interface} lost {addresses} once more: putting back what is missing in {duration}. Find out what takes it away.",
            interface = about.interface,
            addresses = list(about.shared.1),
            duration = seconds(again)
        )
    };
    (Level::Error, text)
}

pub(super) fn unholdable(about: About<'_>) -> (Level, String) {
    (
        Level::Error,
        tr!(
            "Somebody takes the address off {interface} again and again: leaving it to another host",
            interface = about.interface
        ),
    )
}

pub(super) fn not_shifted(about: About<'_>, shift: Shift, again: Option<Duration>) -> (Level, String) {
    let (addresses, why) = about.shifted.map(failure).unwrap_or_default();
    let text = match (shift, again) {
        (Shift::Assign, Some(again)) => {
            tr!(
                "{addresses} cannot be put on {interface}: {why}; trying again in {duration}",
                addresses,
                interface = about.interface,
                why,
                duration = seconds(again)
            )
        }
        (Shift::Assign, None) => tr!(
            "{addresses} cannot be put on {interface}: {why}",
            addresses,
            interface = about.interface,
            why
        ),
        (Shift::Withdraw, Some(again)) => tr!(
            "{addresses} cannot be taken off {interface}, and may be on two hosts: {why}; trying again in {duration}",
            addresses,
            interface = about.interface,
            why,
            duration = seconds(again)
        ),
        (Shift::Withdraw, None) => {
            tr!(
                "{addresses} cannot be taken off {interface}, and may be on two hosts: {why}",
                addresses,
                interface = about.interface,
                why
            )
        }
    };
    (Level::Error, text)
}

pub(super) fn at_last(about: About<'_>, shift: Shift) -> (Level, String) {
    let text = match shift {
        Shift::Assign => tr!("{interface} has all shared addresses at last", interface = about.interface),
        Shift::Withdraw => {
            tr!("{interface} has none of the shared addresses at last", interface = about.interface)
        }
    };
    (Level::Info, text)
}

pub(super) fn left(about: About<'_>) -> (Level, String) {
    (
        Level::Warning,
        tr!(
            "The addresses on {interface} are not managed any more, and stay there until somebody takes them off",
            interface = about.interface
        ),
    )
}

/// The addresses, and why it failed with the first of them.
fn failure(shifted: &Shifted) -> (String, String) {
    let addresses: Vec<_> = shifted.failed.iter().map(|(address, _)| *address).collect();
    (list(&addresses), shifted.failed.first().map(|(_, why)| why.clone()).unwrap_or_default())
}

impl Report {
    /// What is odd about addresses that have been put on.
    pub(crate) fn otherwise(&mut self, about: About<'_>, odd: &[Otherwise]) {
        for one in odd {
            let (text, id) = match one {
                Otherwise::Elsewhere(address, other) => (
                    tr!(
                        "{other} of this host has {address} too, and answers for it whoever is MASTER: take it off there",
                        other,
                        address
                    ),
                    ids::ADDRESS_ELSEWHERE,
                ),
                Otherwise::Prefix(shared, length) => (
                    tr!(
                        "{interface} had {address} already, with /{found} instead of /{wanted}: it stays so until it is taken off",
                        interface = about.interface,
                        address = shared.address,
                        found = length,
                        wanted = shared.length()
                    ),
                    ids::ADDRESS_PREFIX,
                ),
            };
            self.tell_of(about, Level::Warning, &text, id);
        }
    }

    /// Somebody else answers for an address of a master.
    pub(crate) fn stranger(&mut self, about: About<'_>, address: IpAddr, mac: MacAddr) {
        self.tell_of(about, Level::Warning, &tr!("{mac} answers for {address} on {interface} too, although this host is MASTER: find out who that is, and take the address off there", mac, address, interface = about.interface), ids::STRANGER_ANSWERS);
    }

    /// Of what an earlier life left behind some is shared no more, and was taken off, or could not be.
    pub(crate) fn left_behind(&mut self, about: About<'_>, taken_off: &Shifted) {
        let about = About { shifted: Some(taken_off), ..about };
        if !taken_off.changed.is_empty() {
            let (level, text) = found(about);
            self.tell_of(about, level, &text, ids::ADDRESS_FOUND);
        }
        if !taken_off.failed.is_empty() {
            self.not_withdrawn(about, taken_off);
        }
    }

    /// What an earlier life wrote down of its addresses is no use.
    pub(crate) fn unreadable_ledger(&mut self, file: &Path, why: &io::Error) {
        let text = tr!(
            "{file} cannot be read: {why}; if an address is still here that was taken out of the configuration, take it off",
            file = file.display(),
            why = words(why)
        );
        self.tell(Level::Warning, &text, ids::LEDGER_UNREADABLE);
    }

    /// What is managed cannot be written down.
    pub(crate) fn not_noted(&mut self, about: About<'_>, folder: &Path, why: &io::Error) {
        let text = tr!(
            "The managed addresses cannot be noted in {folder}: {why}; one that is left there by a killed process and taken out of the configuration meanwhile stays",
            folder = folder.display(),
            why = words(why)
        );
        self.tell_of(about, Level::Warning, &text, ids::LEDGER_UNWRITTEN);
    }

    /// The hands could not take the addresses off, and nobody else is going to.
    pub(crate) fn not_withdrawn(&mut self, about: About<'_>, shifted: &Shifted) {
        let (level, text) = not_shifted(About { shifted: Some(shifted), ..about }, Shift::Withdraw, None);
        self.tell_of(about, level, &text, ids::NOT_WITHDRAWN);
    }
}
