//! How fit a host is to serve, as far as others than its core know: checks, the members of its group, the operator.

/// What a virtual host is told about itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Fitness {
    /// By how much it is demoted for all that its core does not see itself, 0..=254.
    pub demotion: u8,
    /// Something failed that it is to be no master without, whoever else is there. A failure that releases a host only where
    /// it is not the last is a demotion and nothing more: one of ours that is demoted less takes over at once, and were two to
    /// leave it to each other, nobody would have it.
    pub released: bool,
}

/// What demotes a host that its core sees itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Demotion {
    /// Three advertisements in a row could not be sent.
    SendFailures,
    /// The up hook failed, or a managed address could not be put on, and `--hook-failure=demote` was given.
    HookFailure,
}

impl Demotion {
    /// By how much a host is demoted unless it is told otherwise, as kernels do for a link that is down.
    pub const AMOUNT: u8 = 240;
    /// By how much at most, whatever comes together.
    pub const MOST: u8 = 254;

    /// Stable name for status and JSON; never translated.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::SendFailures => "send",
            Self::HookFailure => "hook",
        }
    }
}

/// Amounts together: at most [`Demotion::MOST`].
pub(super) fn sum(amounts: impl IntoIterator<Item = u8>) -> u8 {
    amounts.into_iter().fold(0, |sum: u8, amount| sum.saturating_add(amount).min(Demotion::MOST))
}
