//! What a virtual host is to the others.

/// A state without its deadlines.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// Not taking part: not started, or the interface is not usable.
    Init,
    /// Listening to a master.
    Backup,
    /// Holding the addresses.
    Master,
}

impl Role {
    /// The word used in logs, in `UCARP_STATE` and in status output: `INIT`, `BACKUP` or `MASTER`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Init => "INIT",
            Self::Backup => "BACKUP",
            Self::Master => "MASTER",
        }
    }
}
