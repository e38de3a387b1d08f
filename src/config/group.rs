//! What virtual hosts that move together have in common.

use std::time::Duration;

use super::reading::Reading;
use super::words;

/// Virtual hosts that move together: those that give its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// What the operator calls it.
    pub name: String,
    /// When its virtual hosts may become master.
    pub delays: Delays,
}

/// What is waited for before a virtual host becomes master, each 0 s to 1 h.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Delays {
    /// For so long after the start, and after each return of the link, silence is no reason (`--start-hold`).
    pub start_hold: Duration,
    /// For so long everything must have been well before a worse master is preempted (`--preempt-delay`).
    pub preempt: Duration,
}

impl Delays {
    /// The options for them.
    pub(super) const OPTIONS: [&str; 2] = ["--start-hold", "--preempt-delay"];

    /// What a file means that says nothing of the second.
    const PREEMPT_IN_FILE: Duration = Duration::from_secs(30);

    pub(super) fn read(reading: &mut Reading<'_>) -> Self {
        const MOST: Duration = Duration::from_secs(3600);
        let [hold, preempt] = Self::OPTIONS.map(|option| {
            reading.value(option, |option, word| words::time(option, word, None, Duration::ZERO..=MOST))
        });
        let usual = if reading.manner.strict { Self::PREEMPT_IN_FILE } else { Duration::ZERO };
        Self { start_hold: hold.unwrap_or_default(), preempt: preempt.unwrap_or(usual) }
    }
}
