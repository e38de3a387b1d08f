//! A sentence for each notice of the core, how often it may be said, and what else to say with it.

use std::borrow::Cow;
use std::time::Duration;

use super::super::outcome::{Ended, Outcome};
use super::reasons::why;
use super::{About, HOUR, MINUTE, describe, list, managed, seconds};
use crate::i18n::{tr, trn};
use crate::log::Level;
use crate::platform;
use crate::protocol::{Agreement, Demotion, Hook, HookEnd, Notice, PeerKind, Role, Settled, Transmission};

/// How long a repeated notice is held back.
pub(super) fn period(notice: &Notice) -> Duration {
    match notice {
        Notice::Transition { .. }
        | Notice::FamilySilent { .. }
        | Notice::FamilyBack { .. }
        | Notice::Demoted { .. }
        | Notice::OneMaster { .. }
        | Notice::Calm { .. }
        | Notice::Suspect { .. }
        | Notice::Proven { .. }
        | Notice::OnlyOurs
        | Notice::Unsent { .. }
        | Notice::Restored { .. }
        | Notice::StandsBack { .. }
        | Notice::RefusedMaster { .. }
        | Notice::RefusedMasterGone { .. }
        | Notice::HookFailed { .. }
        | Notice::HookOwed { .. }
        | Notice::AddressLost { .. }
        | Notice::AddressBack
        | Notice::AddressTaken { .. }
        | Notice::AddressPending
        | Notice::AddressFound
        | Notice::AddressUndone { .. }
        | Notice::AddressUnholdable
        | Notice::NotShifted { .. }
        | Notice::ShiftedAtLast { .. }
        | Notice::AddressesLeft
        | Notice::Abandoned { .. }
        | Notice::HookKilled { .. }
        | Notice::HookSucceeded { .. }
        | Notice::FormPending { .. }
        | Notice::StandbyKnown { .. }
        | Notice::StandbyLost { .. }
        | Notice::StandbyDisagrees { .. }
        | Notice::FormSent { .. }
        | Notice::FormKept
        | Notice::FormsForgotten
        | Notice::FormStillUsed { .. }
        | Notice::PortBlocked { .. }
        | Notice::ResignRefused { .. } => Duration::ZERO,
        Notice::Grace { .. }
        | Notice::GraceOver
        | Notice::LinkTakenByHook
        | Notice::Listening { .. }
        | Notice::Resumed
        | Notice::Sending { .. } => Duration::from_secs(1),
        // What anybody can bring about who recorded an advertisement of ours and sends it again.
        Notice::GaveWay { .. }
        | Notice::StrangerLeft { .. }
        | Notice::TwoMasters { .. }
        | Notice::ConflictWon { .. }
        | Notice::ClockJumped { .. }
        | Notice::Damped
        | Notice::Lost
        | Notice::Late { .. } => MINUTE,
        Notice::EqualInterval { .. }
        | Notice::SameSource { .. }
        | Notice::LooksLikeOurs { .. }
        | Notice::Unheard { .. }
        | Notice::OtherForm { .. }
        | Notice::Returns { .. } => HOUR,
    }
}

pub(super) fn sentence(about: About<'_>, notice: &Notice) -> (Level, String) {
    match notice {
        Notice::Transition { from, to, reason, peer, silent } => {
            // TRANSLATORS: {to} and {from} are INIT, BACKUP or MASTER, which stay as they are, and {why} is a clause of its own, such as "the interface is up".
            let text = tr!("Switching to state: {to} on {interface} id {vhid} (was {from}): {why}", to = to.code(), from = from.code(), interface = about.interface, vhid = about.vhid, why = why(*reason, *peer, *silent));
            // Who begins, or begins again, has nothing to be warned of.
            let level = if *from == Role::Init { Level::Info } else { Level::Warning };
            (level, text)
        }
        Notice::ConflictWon { peer } => (
            Level::Warning,
            tr!("Non-preferred master {peer} advertised: reasserting control of the address", peer = describe(*peer)),
        ),
        Notice::GaveWay { peer } => (
            Level::Info,
            tr!("{peer} was master too and leaves the address to us: announcing it again", peer = describe(*peer)),
        ),
        Notice::TwoMasters { peer } => (
            Level::Warning,
            tr!("{peer} goes on advertising, and we are MASTER: both have the address", peer = describe(*peer)),
        ),
        Notice::OneMaster { peer, lasted } => (
            Level::Info,
            tr!("{peer} and we are not both MASTER any more, after {time}", peer = describe(*peer), time = seconds(*lasted)),
        ),
        Notice::EqualInterval { peer } => {
            let text = match peer.kind {
                PeerKind::OldUcarp => {
                    tr!("{peer} is an old ucarp with our interval: give one of you another advskew", peer = describe(*peer))
                }
                PeerKind::Kernel | PeerKind::Ours => {
                    tr!("{peer} is a kernel with our interval: give one of you another advskew", peer = describe(*peer))
                }
            };
            (Level::Warning, text)
        }
        Notice::SameSource { peer } => (
            Level::Error,
            tr!("{peer} advertises from our own source address: give each host its own (--srcip)", peer = describe(*peer)),
        ),
        Notice::Suspect { peer, behind, believed } => {
            let text = if *believed {
                tr!("The advertisement of {peer} is {age} old, and nobody answers there: it is a recording that somebody sends, or our advertisements do not reach that host. It is followed (--replay=warn).", peer = describe(*peer), age = age(*behind))
            } else {
                tr!("The advertisement of {peer} is {age} old, and nobody answers there: it is a recording that somebody sends, or our advertisements do not reach that host. It is refused.", peer = describe(*peer), age = age(*behind))
            };
            (Level::Warning, text)
        }
        Notice::Proven { peer } => (Level::Info, tr!("{peer} lives: it was no recording", peer = describe(*peer))),
        Notice::ClockJumped { peer, by } => (
            Level::Warning,
            tr!("The clock of {peer} is {age} ahead, and the clock that all ucarps of this address share follows it: set the date there", peer = describe(*peer), age = age(*by)),
        ),
        Notice::LooksLikeOurs { peer } => (
            Level::Error,
            tr!("{peer} is refused: its counter never changes and looks like one of ucarp's, as happens once in 65536 carp interfaces of OpenBSD. Destroy that interface and create it again, or say --peer-type=openbsd.", peer = describe(*peer)),
        ),
        Notice::OnlyOurs => (
            Level::Info,
            tr!("For an hour no other host than ucarps of this version was heard: with --only-ours nothing else would be believed")
            .into_owned(),
        ),
        Notice::Unheard { peer } => (
            Level::Error,
            tr!("{peer} goes on advertising although it should give way: our advertisements do not reach it. Check multicast, VLANs and filters between us.", peer = describe(*peer)),
        ),
        Notice::OtherForm { peer } => (
            Level::Error,
            tr!("{peer} goes on advertising although it should give way: it treats link-local addresses otherwise and does not authenticate us. Use --peer-type=openbsd beside kernels of OpenBSD, and beside no others.", peer = describe(*peer)),
        ),
        Notice::Returns { peer } => (
            Level::Error,
            tr!("{peer} gives way and is master again as often as it can: it shares IPv6 as well, where it does not hear us. On OpenBSD a link-local address on the carp interface is enough for that; ifconfig carpN -inet6 removes it.", peer = describe(*peer)),
        ),
        Notice::RefusedMaster { peer } => (
            Level::Error,
            tr!("{peer} advertises id {vhid}, does not authenticate, and we are MASTER: both may have the address. Give all hosts the same password and the same addresses.", peer = describe(*peer), vhid = about.vhid),
        ),
        Notice::RefusedMasterGone { peer } => (
            Level::Info,
            tr!("{peer}, which does not authenticate, and we are not both MASTER any more", peer = describe(*peer)),
        ),
        Notice::StrangerLeft { peer } => (Level::Info, tr!("{peer} gave up being master", peer = describe(*peer))),
        Notice::FamilySilent { family, peer } => (
            Level::Warning,
            tr!("No {family} advertisements of {peer} any more, only the other family's", family, peer = describe(*peer)),
        ),
        Notice::FamilyBack { family, peer } => (
            Level::Info,
            tr!("{family} advertisements of {peer} are heard again", family, peer = describe(*peer)),
        ),
        Notice::StandsBack { peer } => (
            Level::Warning,
            tr!("{peer} is no ucarp, and such hosts go to and fro beside one that advertises in one IP version only: no takeover until this host can send in both", peer = describe(*peer)),
        ),
        Notice::Demoted { reason } => (
            Level::Warning,
            match reason {
                    Demotion::SendFailures => {
                        tr!("Three advertisements in a row could not be sent: demoted by {amount} ({reason})", amount = Demotion::AMOUNT, reason = reason.code())
                    }
                    Demotion::HookFailure => {
                        tr!("The up script failed, or the address cannot be held: demoted by {amount} ({reason})", amount = Demotion::AMOUNT, reason = reason.code())
                    }
                },
        ),
        Notice::Restored { reason } => (
            Level::Info,
            tr!("No longer demoted by {amount} ({reason})", amount = Demotion::AMOUNT, reason = reason.code()),
        ),
        Notice::Damped => (
            Level::Warning,
            tr!("The state changed more than 6 times in 10 seconds: taking over from a master that leaves or is slower waits from now on, and of such changes one a minute is said")
            .into_owned(),
        ),
        Notice::Calm { role } => (
            Level::Info,
            tr!("The state has not changed for a minute: {state}", state = role.code()),
        ),
        Notice::Lost => (
            Level::Warning,
            tr!("Packets were lost because too many came at once, the master's may be among them: listening for one interval more")
            .into_owned(),
        ),
        Notice::Unsent { lasted } => (
            Level::Error,
            tr!("No advertisement could be sent on {interface} for {duration}: others may have taken over, and this host still has the address", interface = about.interface, duration = seconds(*lasted)),
        ),
        Notice::Late { by, role } => (
            Level::Warning,
            tr!("This process was not running for {duration} as {state}: machine suspended or overloaded?", duration = seconds(*by), state = role.code()),
        ),
        Notice::Grace { lasts } => (
            Level::Warning,
            tr!("Interface {interface} lost its link: keeping the address for {duration}", interface = about.interface, duration = seconds(*lasts)),
        ),
        Notice::GraceOver => (
            Level::Info,
            tr!("Interface {interface} has its link again in time", interface = about.interface),
        ),
        Notice::LinkTakenByHook => (
            Level::Warning,
            tr!("The up script {path} set {interface} down: keeping the address until it has ended", path = about.up.map(|path| path.display().to_string()).unwrap_or_default(), interface = about.interface),
        ),
        Notice::Listening { lasts } => (
            Level::Warning,
            tr!("Interface {interface} has its link again after longer than the dead time: listening for another master for {duration}", interface = about.interface, duration = seconds(*lasts)),
        ),
        Notice::Resumed => (
            Level::Info,
            tr!("No other master is preferred on {interface}: going on", interface = about.interface),
        ),
        Notice::HookOwed { hook, again } => (
            Level::Warning,
            tr!("The {hook} script has not done its work: running it again in {duration}", hook = hook.code(), duration = seconds(*again)),
        ),
        Notice::FormPending { lasts } => {
            (Level::Info, tr!("The password, the addresses or the peer type have changed: the former are sent until the other hosts are known to have been told, for {duration} at most, and accepted for longer", duration = seconds(*lasts)))
        }
        Notice::FormSent { why: Settled::Heard(peer) } => {
            (Level::Info, tr!("The new password and addresses are sent from now on, because {peer} sends them", peer))
        }
        Notice::FormSent { why: Settled::Standbys } => (
            Level::Info,
            tr!("The new password and addresses are sent from now on, because every known standby accepts them")
                .into_owned(),
        ),
        Notice::StandbyKnown { address } => {
            (Level::Info, tr!("Standby: {address} follows this master", address))
        }
        Notice::StandbyLost { address, others: true } => {
            (Level::Info, tr!("The standby {address} is not heard any more", address))
        }
        Notice::StandbyLost { address, others: false } => {
            (Level::Warning, tr!("NO standby known: {address} is not heard any more, and nobody else follows this master", address))
        }
        Notice::StandbyDisagrees { address, agrees: Agreement::List } => {
            (Level::Warning, tr!("The standby {address} is configured with other addresses: give all hosts the same", address))
        }
        Notice::StandbyDisagrees { address, .. } => {
            (Level::Warning, tr!("The standby {address} is configured with another password or peer type: give all hosts the same", address))
        }
        Notice::FormSent { why: Settled::Confirmed } => (
            Level::Info,
            tr!("The new password and addresses are sent from now on, because that was confirmed").into_owned(),
        ),
        Notice::FormSent { why: Settled::InTime } => (
            Level::Info,
            tr!("The new password and addresses are sent from now on: the time in which all hosts are told of them is over")
            .into_owned(),
        ),
        Notice::FormKept => (
            Level::Info,
            tr!("The password, the addresses and the peer type are again what they were, and still are sent")
                .into_owned(),
        ),
        Notice::FormsForgotten => (
            Level::Info,
            tr!("Former passwords and addresses are accepted no more").into_owned(),
        ),
        Notice::FormStillUsed { peer } => {
            (Level::Warning, tr!("{peer} still uses a former password or former addresses, and is not understood from now on: change them there too", peer))
        }
        Notice::AddressLost { cured } => {
            let addresses = list(about.shared.1);
            let text = if *cured {
                tr!("{interface} lost {addresses}: running the up script again, at most once a minute", interface = about.interface, addresses)
            } else {
                tr!("{interface} lost {addresses}: add what is missing, or let another host be master (SIGUSR2)", interface = about.interface, addresses)
            };
            (Level::Error, text)
        }
        Notice::AddressTaken { cured } => {
            let addresses = list(about.shared.1);
            let text = if *cured {
                tr!("{interface} does not use {addresses}, in use by another host: running the up script again, at most once a minute", interface = about.interface, addresses)
            } else {
                tr!("{interface} does not use {addresses}, in use by another host: remove that there, then remove it here and add it again", interface = about.interface, addresses)
            };
            (Level::Error, text)
        }
        Notice::AddressPending => (
            Level::Warning,
            tr!("{interface} does not use {addresses} yet: the system is still checking for duplicates", interface = about.interface, addresses = list(about.shared.1)),
        ),
        Notice::AddressBack => (
            Level::Info,
            tr!("{interface} has all shared addresses again", interface = about.interface),
        ),
        Notice::AddressFound => managed::found(about),
        Notice::AddressUndone { again } => managed::undone(about, *again),
        Notice::AddressUnholdable => managed::unholdable(about),
        Notice::NotShifted { shift, again } => managed::not_shifted(about, *shift, *again),
        Notice::ShiftedAtLast { shift } => managed::at_last(about, *shift),
        Notice::AddressesLeft => managed::left(about),
        Notice::Abandoned { hook } => (
            Level::Warning,
            tr!("Told to end at once: the {hook} script is killed, and the address may still be on this host", hook = hook.code()),
        ),
        Notice::HookFailed { hook, .. } => (Level::Error, failed(*hook, about.script)),
        Notice::HookKilled { hook, ran } => (
            Level::Error,
            tr!("The {hook} script is being ended after {duration}", hook = hook.code(), duration = seconds(*ran)),
        ),
        Notice::HookSucceeded { hook, ran } => (
            Level::Debug,
            tr!("The {hook} script ended well after {duration}", hook = hook.code(), duration = seconds(*ran)),
        ),
        Notice::ResignRefused { role: Role::Master } => (
            Level::Warning,
            tr!("Asked to step aside, but this host preempts and nobody better is known: it would take the address right back")
                .into_owned(),
        ),
        Notice::PortBlocked { lasted } => (
            Level::Warning,
            tr!("Another master was there all the time: the port of the switch seems to have been blocked for {duration} after the link came up; --start-hold waits for that", duration = seconds(*lasted)),
        ),
        Notice::ResignRefused { role } => (
            Level::Warning,
            tr!("Asked to step aside, but only a master can; this host is {state}", state = role.code()),
        ),
        Notice::Sending { what, ok } => sending(about, *what, *ok),
    }
}

/// A time that may be years, in a unit that a person grasps.
fn age(age: Duration) -> String {
    let counted = |unit: u64| age.as_secs() / unit;
    match age.as_secs() {
        0..120 => trn!(counted(1); "{count} second", "{count} seconds"),
        120..7_200 => trn!(counted(60); "{count} minute", "{count} minutes"),
        7_200..172_800 => trn!(counted(3_600); "{count} hour", "{count} hours"),
        _ => trn!(counted(86_400); "{count} day", "{count} days"),
    }
}

/// What became of a script, as far as it is known: one that did not even start has a line of its own.
fn failed(hook: Hook, script: Option<&Ended>) -> String {
    let Some(Ended { path, outcome, last_line }) = script else {
        // TRANSLATORS: {hook} is up or down, the name of the script, and stays as it is.
        return tr!("The {hook} script failed", hook = hook.code());
    };
    let hook = hook.code();
    let text = match outcome {
        Outcome::Exited(how) => {
            tr!("The {hook} script {path} failed with exit status {how}", hook, path, how)
        }
        Outcome::Signalled(signal) => {
            let how = platform::signal_name(*signal);
            tr!("The {hook} script {path} was ended by the signal {how}", hook, path, how)
        }
        Outcome::Unknown => {
            tr!("The {hook} script {path} has ended, and the system does not say how", hook, path)
        }
    };
    match last_line {
        None => text,
        Some(line) => tr!("{text}; it said: {line}", text, line),
    }
}

fn sending(about: About<'_>, what: Transmission, ok: bool) -> (Level, String) {
    let text = match (what, ok) {
        (Transmission::Advert | Transmission::BowOut, false) => {
            tr!(
                "Cannot send advertisements on {interface}: other hosts will take over",
                interface = about.interface
            )
        }
        (Transmission::Announcement, false) => {
            tr!(
                "Cannot announce the address on {interface}: neighbours may keep the old hardware address",
                interface = about.interface
            )
        }
        (Transmission::Advert | Transmission::BowOut, true) => {
            tr!("Advertisements are sent again on {interface}", interface = about.interface)
        }
        (Transmission::Announcement, true) => {
            tr!("The address is announced again on {interface}", interface = about.interface)
        }
    };
    let level = if ok { Level::Info } else { Level::Error };
    (level, text)
}

/// What else to say, in a line of its own.
pub(super) fn hint(notice: &Notice) -> Option<(Level, Cow<'static, str>)> {
    if is_harmless(notice) {
        let text = tr!(
            "The address is not on this host: a down script should end well where nothing has to be done"
        );
        return Some((Level::Info, text));
    }
    let Notice::HookFailed { hook, in_doubt: true, .. } = notice else { return None };
    let text = match hook {
        Hook::Up => tr!("The address may be missing on this host"),
        Hook::Down => tr!("The address may still be on this host"),
    };
    Some((Level::Warning, text))
}

/// Whether a failure is none: a down script that found nothing to take down at the start.
pub(super) fn is_harmless(notice: &Notice) -> bool {
    matches!(
        notice,
        Notice::HookFailed { hook: Hook::Down, ended: HookEnd::Failed, in_doubt: false, first: true }
    )
}

/// Under what a notice's repeats are counted where the role changes too often: each reason is a kind of its own.
pub(super) fn kind(notice: &Notice) -> &'static str {
    if let Notice::Transition { reason, .. } = notice { reason.code() } else { notice.id() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Interval, MacAddr, Peer, Time};

    #[test]
    fn what_strangers_can_bring_about_is_said_once_a_minute() {
        let peer = Peer {
            source: [10, 0, 0, 1].into(),
            mac: MacAddr([2; 6]),
            interval: Interval::new(1, 0),
            kind: PeerKind::Ours,
            heard: Time::ZERO,
        };
        for notice in [
            Notice::ConflictWon { peer },
            Notice::GaveWay { peer },
            Notice::EqualInterval { peer },
            Notice::SameSource { peer },
            Notice::Unheard { peer },
            Notice::OtherForm { peer },
            Notice::Returns { peer },
            Notice::StrangerLeft { peer },
            Notice::LooksLikeOurs { peer },
            Notice::ClockJumped { peer, by: HOUR },
            Notice::Damped,
            Notice::Lost,
        ] {
            assert!(period(&notice) >= MINUTE, "{notice:?}");
        }
    }

    #[test]
    fn ages_are_told_in_a_unit_that_fits() {
        let said = [1, 119, 120, 7_199, 7_200, 172_800, 86_400 * 400].map(|s| age(Duration::from_secs(s)));
        assert_eq!(
            said,
            ["1 second", "119 seconds", "2 minutes", "119 minutes", "2 hours", "2 days", "400 days"]
        );
    }
}
