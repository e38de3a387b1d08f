//! How fit a host is to serve, as far as others than its core know: checks, the members of its group, the operator.

use super::Demotion;

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

/// Amounts together: at most [`Demotion::MOST`].
pub(super) fn sum(amounts: impl IntoIterator<Item = u8>) -> u8 {
    amounts.into_iter().fold(0, |sum: u8, amount| sum.saturating_add(amount).min(Demotion::MOST))
}
