//! What programs are told of a line besides its sentence.

use std::net::IpAddr;

use super::About;
use crate::log::Facts;
use crate::protocol::{Notice, Settled};

impl About<'_> {
    /// Of a line with this id about it.
    pub(super) fn facts(&self, id: &str) -> Facts {
        Facts {
            vip: self.name.map(str::to_owned),
            vhid: Some(self.vhid.get()),
            ..Facts::id(id).on(self.interface)
        }
    }

    /// Of the line for a notice.
    pub(super) fn facts_of(&self, notice: &Notice) -> Facts {
        let facts = Facts { peer: peer(notice).map(|peer| peer.to_string()), ..self.facts(notice.id()) };
        match notice {
            Notice::Transition { from, to, reason, .. } => Facts {
                from: Some(from.code().to_owned()),
                to: Some(to.code().to_owned()),
                reason: Some(reason.code().to_owned()),
                ..facts
            },
            Notice::Demoted { reason } | Notice::Restored { reason } => {
                Facts { reason: Some(reason.code().to_owned()), ..facts }
            }
            Notice::HookFailed { hook, .. }
            | Notice::HookOwed { hook, .. }
            | Notice::HookKilled { hook, .. }
            | Notice::HookSucceeded { hook, .. } => Facts { hook: Some(hook.code().to_owned()), ..facts },
            _ => facts,
        }
    }
}

/// Another host that a notice is about.
fn peer(notice: &Notice) -> Option<IpAddr> {
    match notice {
        Notice::Transition { peer, .. } => peer.map(|peer| peer.source),
        Notice::ConflictWon { peer }
        | Notice::GaveWay { peer }
        | Notice::TwoMasters { peer }
        | Notice::OneMaster { peer, .. }
        | Notice::EqualInterval { peer }
        | Notice::SameSource { peer }
        | Notice::Suspect { peer, .. }
        | Notice::Proven { peer }
        | Notice::ClockJumped { peer, .. }
        | Notice::LooksLikeOurs { peer }
        | Notice::Unheard { peer }
        | Notice::OtherForm { peer }
        | Notice::Returns { peer }
        | Notice::RefusedMaster { peer }
        | Notice::RefusedMasterGone { peer }
        | Notice::StrangerLeft { peer }
        | Notice::FamilySilent { peer, .. }
        | Notice::FamilyBack { peer, .. }
        | Notice::StandsBack { peer } => Some(peer.source),
        Notice::FormStillUsed { peer } | Notice::FormSent { why: Settled::Heard(peer) } => Some(*peer),
        Notice::StandbyKnown { address }
        | Notice::StandbyLost { address, .. }
        | Notice::StandbyDisagrees { address, .. } => Some(*address),
        Notice::OnlyOurs
        | Notice::Demoted { .. }
        | Notice::Restored { .. }
        | Notice::Damped
        | Notice::Calm { .. }
        | Notice::Lost
        | Notice::Unsent { .. }
        | Notice::Late { .. }
        | Notice::Grace { .. }
        | Notice::GraceOver
        | Notice::LinkTakenByHook
        | Notice::Listening { .. }
        | Notice::Resumed
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
        | Notice::HookKilled { .. }
        | Notice::HookSucceeded { .. }
        | Notice::Abandoned { .. }
        | Notice::ResignRefused { .. }
        | Notice::PortBlocked { .. }
        | Notice::FormPending { .. }
        | Notice::FormSent { why: Settled::Standbys | Settled::Confirmed | Settled::InTime }
        | Notice::FormKept
        | Notice::FormsForgotten
        | Notice::Sending { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Demotion, Reason, Role, Vhid};

    #[test]
    fn a_change_of_role_is_told_word_by_word() {
        let about = About { name: Some("web"), ..About::new("eth0", Vhid::new(7).unwrap()) };
        let reason = Reason::ALL[0];
        let change =
            Notice::Transition { from: Role::Backup, to: Role::Master, reason, peer: None, silent: None };
        let facts = about.facts_of(&change);
        assert_eq!((facts.id.as_deref(), facts.vip.as_deref()), (Some("UC1001"), Some("web")));
        assert_eq!((facts.interface.as_deref(), facts.vhid), (Some("eth0"), Some(7)));
        assert_eq!((facts.from.as_deref(), facts.to.as_deref()), (Some("BACKUP"), Some("MASTER")));
        assert_eq!((facts.reason.as_deref(), facts.peer), (Some(reason.code()), None));
        let heard = about.facts_of(&Notice::FormSent { why: Settled::Heard("10.0.0.2".parse().unwrap()) });
        assert_eq!((heard.peer.as_deref(), heard.from), (Some("10.0.0.2"), None));
        let demoted = about.facts_of(&Notice::Demoted { reason: Demotion::SendFailures });
        assert_eq!(demoted.reason.as_deref(), Some("send"));
    }
}
