//! How a script ended, and what a check found.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use crate::platform::LinkState;
use crate::protocol::HookEnd;

/// A script that has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Ended {
    pub(crate) path: String,
    pub(crate) outcome: Outcome,
    /// The last line on its standard error.
    pub(crate) last_line: Option<String>,
}

/// How a script ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// With this exit status.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
    /// It has ended, but the system does not say how.
    Unknown,
}

impl Outcome {
    /// Whether it did what it was there for, as far as scripts tell.
    pub(crate) const fn success(self) -> bool {
        matches!(self, Self::Exited(0))
    }
}

impl From<Outcome> for HookEnd {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            outcome if outcome.success() => Self::Succeeded,
            Outcome::Exited(_) | Outcome::Unknown => Self::Failed,
            Outcome::Signalled(_) => Self::Killed,
        }
    }
}

impl From<ExitStatus> for Outcome {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Exited(code),
            (None, Some(signal)) => Self::Signalled(signal),
            (None, None) => Self::Unknown,
        }
    }
}

/// What a run of a check found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    /// A program ended so, with the last line that it wrote.
    Ended { outcome: Outcome, last_line: Option<String> },
    /// It could not be run.
    NotRun { why: String },
    /// It had its time.
    TimedOut,
    /// One that had its time has not ended, so there is no other.
    StillRuns,
    /// An interface is so.
    Link(LinkState),
    /// The kernel's sum of demotions.
    Demotion(i32),
}

impl Found {
    /// Whether that is as it should be.
    pub(crate) const fn is_well(&self) -> bool {
        match self {
            Self::Ended { outcome, .. } => outcome.success(),
            Self::Link(state) => matches!(state, LinkState::Up),
            Self::Demotion(sum) => *sum == 0,
            Self::NotRun { .. } | Self::TimedOut | Self::StillRuns => false,
        }
    }
}
