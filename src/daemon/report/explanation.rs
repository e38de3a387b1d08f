//! What to say about a peer that does not authenticate, once its likely cause has been looked for.
//!
//! A sentence tells which change would help; none of them holds anything of the password.

use super::{About, MINUTE, Report, repeats};
use crate::i18n::tr;
use crate::log::{Facts, Level};
use crate::protocol::wire::Decoded;
use crate::protocol::{Cause, Rejected, Time};

impl Report {
    /// Why this advertisement does not authenticate, as far as that could be found out. Each cause once a minute:
    /// whoever forges advertisements can have as many sources as it likes.
    pub(crate) fn explained(&mut self, about: About<'_>, decoded: &Decoded, cause: Option<Cause>, now: Time) {
        let Some(held_back) = self.passes(about, kind(cause), MINUTE, now) else { return };
        let peer = format!("{} ({})", decoded.source, decoded.mac);
        let (level, text) = match cause {
            Some(Cause::PasswordCut) => (
                Level::Warning,
                tr!(
                    "{peer} has only the first 19 characters of our password, as ifconfig keeps them: shorten it on all hosts",
                    peer
                ),
            ),
            Some(Cause::PasswordShortened) => (
                Level::Warning,
                tr!(
                    "{peer} has our password without its last character, which NetBSD's ifconfig loses: use --peer-type=netbsd",
                    peer
                ),
            ),
            Some(Cause::NoPassword) => (Level::Warning, tr!("{peer} has no password: give it ours", peer)),
            Some(Cause::AddressMissing(address)) => (
                Level::Warning,
                tr!(
                    "{peer} shares all our addresses but {address}: add it there, or leave it out here; a NetBSD kernel needs ifconfig to be run once more for its carp interface after the last address",
                    peer,
                    address
                ),
            ),
            Some(Cause::ShortenedAndMissing(address)) => (
                Level::Warning,
                tr!(
                    "{peer} has our password without its last character, which NetBSD's ifconfig loses, and lacks {address}: use --peer-type=netbsd, and run ifconfig there once more for the carp interface after the last address",
                    peer,
                    address
                ),
            ),
            Some(Cause::AddressExtra(address)) => (
                Level::Warning,
                tr!("{peer} shares {address} as well: add it here, or leave it out there", peer, address),
            ),
            Some(Cause::FamilyAlone(family)) => (
                Level::Warning,
                tr!("{peer} shares only our {family} addresses: all hosts need the same list", peer, family),
            ),
            Some(Cause::AddressAlone(address)) => (
                Level::Warning,
                tr!(
                    "{peer} shares none of our addresses but {address}: all hosts need the same list, and ucarp 1.5.2 takes one address only",
                    peer,
                    address
                ),
            ),
            Some(Cause::MacByHand) => (
                Level::Warning,
                tr!(
                    "{peer} authenticates the link address of its carp interface as well, because it was set by hand: take it away there (lladdr)",
                    peer
                ),
            ),
            None => (
                Level::Info,
                tr!(
                    "{peer} has another password or shares an address that we do not; no shortened password and no address left out explains it",
                    peer
                ),
            ),
        };
        let code = Rejected::BadAuth.code();
        let facts = Facts { peer: Some(decoded.source.to_string()), ..about.facts(code) };
        self.write(level, &(about.opening() + &text), code, &repeats(held_back), facts);
    }
}

/// What its lines are limited by.
fn kind(cause: Option<Cause>) -> &'static str {
    match cause {
        Some(Cause::PasswordCut) => "password cut",
        Some(Cause::PasswordShortened) => "password shortened",
        Some(Cause::NoPassword) => "no password",
        Some(Cause::AddressMissing(_)) => "address missing",
        Some(Cause::ShortenedAndMissing(_)) => "password shortened, address missing",
        Some(Cause::AddressExtra(_)) => "address extra",
        Some(Cause::FamilyAlone(_)) => "family alone",
        Some(Cause::AddressAlone(_)) => "address alone",
        Some(Cause::MacByHand) => "mac by hand",
        None => "no explanation",
    }
}
