//! Why a virtual host is in its state.

use super::Role;

/// Why a virtual host is in its state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reason {
    /// It has not left its first state yet.
    Started,
    /// It goes on where a process left it that ended without a word.
    Resumed,
    /// The interface became usable.
    LinkUp,
    /// The interface stopped being usable for longer than the grace.
    LinkDown,
    /// The interface was removed.
    LinkGone,
    /// The master was not heard for the dead time.
    MasterTimedOut,
    /// The master was not heard for the dead time, but somebody was who does not authenticate.
    MasterRefused,
    /// The master bowed out.
    MasterLeft,
    /// Preemption: the master is slower than we are.
    SlowerMaster,
    /// The master's interval is longer than our dead time.
    MasterTooSlow,
    /// The master is demoted more than we are: one of ours, or a kernel of OpenBSD.
    MasterDemoted,
    /// A faster master advertises.
    FasterMaster,
    /// A master with our interval advertises and the tie rule gives it the address.
    TieLost,
    /// A master with our interval does not hear us; one of us has to give way.
    StubbornMaster,
    /// A kernel is master, and this host can advertise in one family alone.
    OneFamily,
    /// We slept past our dead time and found a successor.
    Overslept,
    /// Our link was away for longer than our dead time, and we found a successor when it was back.
    Replaced,
    /// We could not advertise for our dead time and found a successor.
    Unsent,
    /// Nobody had heard us since our link came up, and another is master: our port had been blocked.
    Unheard,
    /// Something failed that this host is to be no master without (`on-failure`).
    Released,
    /// The operator asked for it.
    Resigned,
    /// The operator had this host take the address.
    Taken,
    /// The up hook failed and `--hook-failure=demote` was given.
    HookFailed,
    /// A managed address was taken away again and again.
    AddressTaken,
    /// The daemon ends.
    Shutdown,
    /// The configuration has this virtual host no more.
    Removed,
    /// Another virtual host takes its place: with another id, or on another interface.
    Moved,
}

impl Reason {
    /// Every one, in the order of their declaration.
    pub const ALL: [Self; 27] = [
        Self::Started,
        Self::Resumed,
        Self::LinkUp,
        Self::LinkDown,
        Self::LinkGone,
        Self::MasterTimedOut,
        Self::MasterRefused,
        Self::MasterLeft,
        Self::SlowerMaster,
        Self::MasterTooSlow,
        Self::MasterDemoted,
        Self::FasterMaster,
        Self::TieLost,
        Self::StubbornMaster,
        Self::OneFamily,
        Self::Overslept,
        Self::Replaced,
        Self::Unsent,
        Self::Unheard,
        Self::Released,
        Self::Resigned,
        Self::Taken,
        Self::HookFailed,
        Self::AddressTaken,
        Self::Shutdown,
        Self::Removed,
        Self::Moved,
    ];

    /// Whether a master that stops for this would rather not have.
    pub(super) const fn is_a_loss(self) -> bool {
        !matches!(self, Self::Resigned | Self::Shutdown | Self::Removed | Self::Moved)
    }

    /// Into which role it leads, as a rule: who leaves a role while its link fails is in another one.
    #[must_use]
    pub const fn leads_to(self) -> Role {
        match self {
            Self::MasterTimedOut
            | Self::MasterRefused
            | Self::MasterLeft
            | Self::SlowerMaster
            | Self::MasterTooSlow
            | Self::MasterDemoted
            | Self::Taken => Role::Master,
            Self::Started
            | Self::Resumed
            | Self::LinkUp
            | Self::FasterMaster
            | Self::TieLost
            | Self::StubbornMaster
            | Self::OneFamily
            | Self::Overslept
            | Self::Replaced
            | Self::Unsent
            | Self::Unheard
            | Self::Released
            | Self::Resigned
            | Self::HookFailed
            | Self::AddressTaken => Role::Backup,
            Self::LinkDown | Self::LinkGone | Self::Shutdown | Self::Removed | Self::Moved => Role::Init,
        }
    }

    /// Stable name for `UCARP_REASON`, status and JSON; never translated.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Resumed => "resumed",
            Self::LinkUp => "link_up",
            Self::LinkDown => "link_down",
            Self::LinkGone => "link_gone",
            Self::MasterTimedOut => "master_timed_out",
            Self::MasterRefused => "master_refused",
            Self::MasterLeft => "master_left",
            Self::SlowerMaster => "slower_master",
            Self::MasterTooSlow => "master_too_slow",
            Self::MasterDemoted => "master_demoted",
            Self::FasterMaster => "faster_master",
            Self::TieLost => "tie_lost",
            Self::StubbornMaster => "stubborn_master",
            Self::OneFamily => "one_family",
            Self::Overslept => "overslept",
            Self::Replaced => "replaced",
            Self::Unsent => "unsent",
            Self::Unheard => "unheard",
            Self::Released => "released",
            Self::Resigned => "resigned",
            Self::Taken => "taken",
            Self::HookFailed => "hook_failed",
            Self::AddressTaken => "address_taken",
            Self::Shutdown => "shutdown",
            Self::Removed => "removed",
            Self::Moved => "moved",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_has_a_name_of_its_own() {
        let codes: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        assert!(Reason::ALL.iter().enumerate().all(|(place, reason)| *reason as usize == place));
    }
}
