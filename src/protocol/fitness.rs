//! How fit a host is to serve, as far as others than its core know: checks, the members of its group, the operator.

use super::Demotion;

/// What a virtual host is told about itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Fitness {
    /// By how much it is demoted for all that its core does not see itself, 0..=254.
    pub demotion: u8,
    /// Whether it may be master at all.
    pub release: Release,
}

/// What a failure means besides a demotion (`on-failure`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Release {
    /// Nothing: who is demoted still serves if nobody better is there.
    #[default]
    Never,
    /// No mastership while another of ours is known that would take over and is demoted less.
    UnlessLast,
    /// No mastership, whoever else is there.
    Always,
}

impl Release {
    /// As a file has it (`on-failure`); never translated.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Never => "demote",
            Self::UnlessLast => "release-unless-last",
            Self::Always => "release",
        }
    }
}

/// Amounts together: at most [`Demotion::MOST`].
pub(super) fn sum(amounts: impl IntoIterator<Item = u8>) -> u8 {
    amounts.into_iter().fold(0, |sum: u8, amount| sum.saturating_add(amount).min(Demotion::MOST))
}
