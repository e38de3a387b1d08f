//! What is done to have the addresses where the role wants them, and what came of it. Plain data, no behaviour.

/// How many of the shared addresses are on the interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Presence {
    /// Every one.
    All,
    /// Some, but not every one.
    Some,
    /// Not one.
    None,
    /// All are there, but the system still searches for another host that has one of them and does not use it yet.
    Pending,
    /// One is there, but the system does not use it because it found another host with it.
    Taken,
}

/// How a hook ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HookEnd {
    /// By itself, with status 0.
    Succeeded,
    /// By itself, with another status; old scripts never cared about theirs.
    Failed,
    /// By a signal.
    Killed,
    /// It could not be started.
    NotRun,
}

/// What is done about managed addresses.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Shift {
    /// Put on the interface what is not there.
    Assign,
    /// Take off it what is there.
    Withdraw,
}

/// The operator's scripts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Hook {
    /// Run by who became master.
    Up,
    /// Run by who stopped being master, and once at start.
    Down,
}

impl Hook {
    /// `"up"` or `"down"`: stable, untranslated.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}
